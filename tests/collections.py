"""Random Source Collections of all operators over small catalogs of a real survey, and what the definitions say of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from provgraph.errors import LanguageError, OperatorError
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateSources,
    External,
    Pass,
    RelabelSources,
    SelectSources,
)
from provgraph.schema.relabelling import Relabelling
from provgraph.schema.table import Column, Table
from tests.reference import Catalog, World

Array = np.ndarray[Any, Any]
N = 24
NAMES = ("x", "y", "n", "t")
TYPES = {"x": "f8", "y": "f4", "n": "i4", "t": "U"}


def columns(random: np.random.Generator, n: int) -> dict[str, list[Any]]:
    """Values with NaN and NULL: float64, float32, integers, text, and coordinates."""

    def some(values: list[Any], *, nan: bool = False) -> list[Any]:
        rare = random.random(n)
        return [
            None if r < 0.12 else float("nan") if nan and r < 0.24 else v for r, v in zip(rare, values, strict=True)
        ]

    return {
        "x": some(random.choice([0.1, 0.25, 0.5, 0.75, 20.1, -1.0], n).tolist(), nan=True),
        "y": some([float(np.float32(v)) for v in random.choice([0.1, 0.25, 20.1, 3.0, -2.5], n)], nan=True),
        "n": some(random.integers(-3, 6, n).tolist()),
        "t": some(random.choice(["a", "b", "Sérsic", "zz"], n).tolist()),
        "ra": some(random.uniform(9.0, 11.0, n).tolist(), nan=True),
        "dec": some(random.uniform(19.0, 21.0, n).tolist()),
    }


def write_parquet(path: Path, ids: dict[str, list[int]], values: dict[str, list[Any]]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    types = {"x": pa.float64(), "y": pa.float32(), "n": pa.int32(), "t": pa.string()}
    arrays = {name: pa.array(i, pa.int64()) for name, i in ids.items()}
    arrays |= {name: pa.array(v, types[name], from_pandas=False) for name, v in values.items()}
    parquet.write_table(pa.table(arrays), path)
    return path


@dataclass(frozen=True, repr=False)
class Start:
    """What random collections begin with, and the same for the reference.

    tables : by lineage key of a catalog; pairs : arrays by digest; lists : stored lists of identifiers.
    """

    survey: Any
    catalogs: list[External]
    world: World
    tables: Mapping[str, Table]
    lists: list[Segment]
    relabellings: list[Relabelling]
    pairs: Mapping[str, tuple[Array, Array]]

    @classmethod
    def ingest(cls, survey: Any, directory: Path) -> Start:
        """Two catalogs of one id space that share some sources, and two source lists."""
        catalogs: list[External] = []
        known: dict[str, Catalog] = {}
        tables: dict[str, Table] = {}
        for number, name in enumerate(("A", "B", "first", "second")):
            ids = sorted(np.random.default_rng(number).permutation(2 * N)[:N].tolist())
            every = columns(np.random.default_rng(number), N)
            values = {name: every[name] for name in NAMES}
            path = write_parquet(directory / f"{name}.parquet", {"id": ids}, values)
            made = survey.ingest(
                path, name=name, id="id", **({"id_space": "sky"} if number < 2 else {"source_list": number})
            )
            catalogs.append(made)
            own = ids if number < 2 else [number * 2**32 + i for i in ids]
            given = {"id": ids, **values} if number < 2 else {"slid_sid": own, "id": ids, **values}
            types = {"slid_sid": "i8", "id": "i8", **TYPES}
            rows = {i: {c: v[k] for c, v in given.items()} for k, i in enumerate(own)}
            known[made.lineage_key] = Catalog(rows, {c: types[c] for c in given})
            tables[made.lineage_key] = table(made, known[made.lineage_key])
        for name, expression in {
            "twice": "x * 2",
            "sum": "x + y",
            "next": "n + 1",
            "either": "where(x < 0.5, y, n)",
        }.items():
            requires = [c for c in NAMES if c in expression.replace("where", "")]
            survey.define_calculator(name, requires=requires, expression=expression, unit="?")
        listed: list[list[Any]] = [list(range(0, 40, 3)), [5], [i + 2 * 2**32 for i in range(0, 48, 2)]]
        relabellings, pairs, maps = [], {}, {}
        for space, old, new in (
            ("names", range(2 * N), [f"n{i * 7 % 48:02d}" for i in range(2 * N)]),
            ("other", range(2 * N), [i // 2 for i in range(2 * N)]),  # makes one of two
            ("other", range(N), range(N)),  # says nothing of half of them
        ):
            made = survey.relabelling("sky", space, list(old), list(new))
            arrays = (np.array(old, np.int64), np.array([n.encode() if isinstance(n, str) else n for n in new]))
            relabellings.append(made)
            pairs[made.pairs_digest] = arrays
            maps[made.pairs_digest] = dict(zip(*(a.tolist() for a in arrays), strict=True))
        relabellings += [
            Relabelling.linear("sky", "sky", offset=3),
            Relabelling.linear("sky", "other", scale=-2, offset=9),
        ]
        relabellings += [Relabelling.linear("source lists", "other", offset=-(2**32))]
        relabellings += [Relabelling.linear("other", "sky", scale=-1), Relabelling.linear("sky", "other", scale=2**62)]
        names = catalogs[0].relabel(relabellings[0])
        listed += [[b"n00", b"n04", b"n30", b"zz"]]
        of = [catalogs[0]] * 3 + [names]
        segments = [one.only_listed(ids).source_list for one, ids in zip(of, listed, strict=True)]
        lists = {s.id_digest: ids for s, ids in zip(segments, listed, strict=True)}
        return cls(survey, catalogs, World(known, lists, maps), tables, segments, relabellings, pairs)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # a failing example is read by people
        printer.text("start")

    def evaluate(self, one: SourceCollection) -> Table:
        """As the classes of the operators define it."""
        parents = [self.evaluate(p) for p in one.parents]
        if isinstance(one, External):
            return self.tables[one.lineage_key]
        if isinstance(one, SelectSources):
            return one.evaluate(*parents, ids=np.array(self.world.lists[one.sources_digest]))
        if isinstance(one, RelabelSources):
            return one.evaluate(*parents, pairs=self.pairs.get(one.relabelling.pairs_digest))
        return one.evaluate(*parents)

    @st.composite
    @staticmethod
    def collections(draw: st.DrawFn, start: Start, most: int = 7) -> SourceCollection:
        """Made by hand, step by step; what an operator refuses is left out."""
        pool: list[SourceCollection] = list(start.catalogs)
        for _ in range(draw(st.integers(1, most))):
            try:
                pool.append(draw(_step(start, draw(st.sampled_from(pool[-3:] + pool)), pool)))
            except (OperatorError, LanguageError):
                continue
        return pool[-1]


@st.composite
def _step(draw: st.DrawFn, start: Start, one: SourceCollection, pool: list[SourceCollection]) -> SourceCollection:
    names = list(one.attributes())
    match draw(st.sampled_from(
        ["filter", "filter", "select", "rename", "pass", "listed", "calculate", "calculate", "concatenate", "concatenate",
         "union", "union", "union", "relabel"]
    )):  # fmt: skip
        case "filter":
            return one.filter(_criterion(draw, one))
        case "select":
            return one.select(*draw(st.permutations(names))[: draw(st.integers(0, len(names)))])
        case "rename":
            old = draw(st.permutations(names))[: draw(st.integers(0, len(names)))]
            new = draw(st.sampled_from([[*old[1:], *old[:1]], [f"{o}_" for o in old], [o.rstrip("_") for o in old]]))
            return one.rename(dict(zip(old, new, strict=True)))
        case "pass":
            return Pass(parent=one)
        case "listed":
            kind = "S" if one.id_space == "names" else "i"
            listed = draw(st.sampled_from([s for s in start.lists if s.id_dtype.startswith(kind)]))
            strict = draw(st.sampled_from([False, False, False, True]))
            return SelectSources(parent=one, source_list=listed, sources_digest=listed.id_digest, strict=strict)
        case "calculate":
            name = draw(st.sampled_from(["twice", "sum", "next", "either"]))
            made = AttributeCalculator.of(one, start.survey.definition(name))
            return one.concatenate(made) if draw(st.booleans()) else made
        case "concatenate":
            return one.concatenate(_others(draw, one, pool))
        case "union":
            other = _others(draw, one, pool)
            common = draw(st.permutations([n for n in names if n in other.attributes()]))
            common = common[: draw(st.integers(0, len(common)))]
            policy = draw(st.sampled_from(["", "first", "first"]))
            return ConcatenateSources(parents=[one.select(*common), other.select(*common)], policy=policy)
    fitting = [r for r in start.relabellings if r.from_space == one.id_space]
    return one.relabel(draw(st.sampled_from(fitting))) if fitting else one.filter(_criterion(draw, one))


def _others(draw: st.DrawFn, one: SourceCollection, pool: list[SourceCollection]) -> SourceCollection:
    return draw(st.sampled_from([p for p in pool if p.id_space == one.id_space]))


def _criterion(draw: st.DrawFn, one: SourceCollection) -> str:
    """A condition on the attributes there are, of any type."""
    atoms = []
    for name, attribute in one.attributes().items():
        said = f"`{name}`"
        match attribute.dtype:
            case "U":
                atoms += [f"{said} = 'Sérsic'", f"{said} < 'b'", f"{said} in ('a', 'zz')"]
            case "f4" | "f8":
                atoms += [f"{said} < 0.5", f"{said} <= 20.1", f"{said} > 0.1", f"{said} = 0.25"]
            case _:
                atoms += [f"{said} < 2.5", f"{said} >= 10", f"{said} != 3"]
        atoms += [f"{said} is null"]
    parts = [draw(st.sampled_from(atoms or ["true", "false"])) for _ in range(draw(st.integers(1, 3)))]
    parts = [draw(st.sampled_from(["{}", "not ({})", "complement({})"])).format(p) for p in parts]
    return draw(st.sampled_from([" and ", " or "])).join(parts)


# -- comparing -----------------------------------------------------------------------------------------------------------


def table(one: SourceCollection, catalog: Catalog) -> Table:
    """A catalog of the reference as arrays."""
    ids = np.array(catalog.ids)
    attributes = one.attributes()
    found = {}
    for name, attribute in attributes.items():
        cells = [catalog.sources[i][name] for i in catalog.ids]
        null = np.array([c is None for c in cells], bool)
        if attribute.dtype == "U":
            values = np.array([b"" if c is None else c.encode() for c in cells])
        else:
            values = np.array([0 if c is None else c for c in cells], attribute.dtype)
        found[name] = Column(values, null if null.any() else None)
    return Table(ids, found, attributes)


def cells(found: Table) -> dict[Any, dict[str, Any]]:
    """Values by source and name; None where there is none, NaN as a word."""
    shown: dict[Any, dict[str, Any]] = {i: {} for i in found.ids.tolist()}
    for name in found.attributes:
        values, null = found.columns[name]
        for k, i in enumerate(found.ids.tolist()):
            shown[i][name] = None if null is not None and null[k] else cell(values[k].item())
    return shown


def reference_cells(catalog: Catalog) -> dict[Any, dict[str, Any]]:
    return {i: {n: cell(v) for n, v in catalog.sources[i].items()} for i in catalog.ids}


def cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return "nan" if isinstance(value, float) and math.isnan(value) else value
