"""What random graphs begin with: a small survey, and the same for the reference evaluator."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import provgraph
from provgraph.bulk.store import SegmentInfo
from provgraph.resolver.execute import WorkOrder
from provgraph.resolver.processor import transient
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import AttributeCalculator, External
from provgraph.schema.relabelling import Relabelling
from provgraph.schema.table import Column, Table
from tests import reference
from tests.collections import columns
from tests.fuzz import installed
from tests.reference import Catalog

N = 18
SPACE = 2 * N
TYPES = {"x": "f8", "y": "f4", "n": "i4", "t": "U", "ra": "f8", "dec": "f8"}
LISTS: tuple[list[Any], ...] = (
    list(range(0, SPACE, 3)), [i for i in range(SPACE) if i % 7], [5], [],
    [i + 2 * 2**32 for i in range(0, SPACE, 2)], [b"n00", b"n04", b"n30", b"zz"],
)  # fmt: skip
EXPRESSIONS = {
    "twice": "x * 2",
    "sum": "x + y",
    "next": "n + 1",
    "root": "sqrt(x - 0.2)",  # not defined for some
    "either": "where(x < 0.5, y, n)",
}
CALCULATORS = (*EXPRESSIONS, *installed.METHODS)
_SEGMENTS = ("segments_holding", "segments_of_source_sets", "segments_made", "source_sets_stored")


def _file(row: Mapping[str, Any]) -> str:
    """Of a row about a segment, the name of its file."""
    return str(row["properties"]["file"] if "properties" in row else json.loads(row["info"])["name"])


def write_parquet(path: Path, ids: list[int], values: Mapping[str, list[Any]]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    types = {"f8": pa.float64(), "f4": pa.float32(), "i4": pa.int32(), "U": pa.string()}
    arrays = {"id": pa.array(ids, pa.int64())}
    arrays |= {name: pa.array(v, types[TYPES[name]], from_pandas=False) for name, v in values.items()}
    parquet.write_table(pa.table(arrays), path)
    return path


@dataclass(frozen=True)
class Reference(reference.World):
    """The reference, which evaluates each collection once, with calculators that are written in Python."""

    done: dict[str, Catalog | reference.Refused] = field(default_factory=dict)

    def of(self, one: SourceCollection) -> Catalog:
        found = self.done.get(one.dependency_key)
        if found is None:
            try:
                found = self._python(one) if self._is_python(one) else super().of(one)
            except reference.Refused as refused:
                found = refused
            self.done[one.dependency_key] = found
        if isinstance(found, reference.Refused):
            raise found
        return found

    @staticmethod
    def _is_python(one: SourceCollection) -> bool:
        return isinstance(one, AttributeCalculator) and one.definition.kind == "python"

    def _python(self, one: Any) -> Catalog:
        parent = self.of(one.parent)
        beside = [self.of(c) for c in one.catalogs or ()]
        dtypes = {n: a.dtype for n, a in one.attributes().items()}
        rows = {i: [_value(row[n]) for n in one.definition.requires] for i, row in parent.sources.items()}
        known = {i: values for i, values in rows.items() if None not in values}
        found = {i: dict.fromkeys(dtypes) for i in rows}
        for i, values in known.items():
            results = METHODS[one.definition.name](values, list(known.values()), beside)
            found[i] = dict(zip(dtypes, results, strict=True))
        return Catalog(found, dtypes)


def _value(given: Any) -> Any:
    return None if isinstance(given, float) and math.isnan(given) else given


def _share(values: list[Any], all_: list[Any], beside: list[Catalog]) -> list[Any]:
    other = [_value(row["x"]) for row in beside[0].sources.values()]
    return [float(sum(x is not None and x < values[0] for x in other))]


# What skyfuzz calculates, for one source: its inputs, those of all sources, and the catalogs beside.
METHODS: Mapping[str, Callable[[list[Any], list[Any], list[Catalog]], list[Any]]] = {
    "half": lambda values, all_, beside: [None if values[0] % 3 == 0 else int(values[0] // 2)],
    "two": lambda values, all_, beside: [
        None if values[0] > 0.5 else float(np.float32(values[0] + values[1])), int(values[1] - np.floor(values[0])),
    ],
    "place": lambda values, all_, beside: [sum(other[0] < values[0] for other in all_)],
    "share": _share,
}  # fmt: skip


@dataclass(repr=False)
class Start:
    """A small survey with catalogs `a` and `b` of some common sources, `e` without any, and source lists `one` and `two`.

    catalogs : by these names. lists, relabellings : what a graph may use, by number. All values depend on `seed` only.
    """

    survey: Any
    seed: int
    catalogs: dict[str, External] = field(default_factory=dict)
    reference: Reference = field(default_factory=lambda: Reference({}, {}, {}))
    lists: list[Segment] = field(default_factory=list)
    relabellings: list[Relabelling] = field(default_factory=list)
    pairs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    visible: set[str] = field(default_factory=set)
    made: dict[str, tuple[SegmentInfo, str]] = field(default_factory=dict)  # by file: and the key of its set of sources

    @classmethod
    @contextmanager
    def opened(cls, directory: Path, seed: int = 0) -> Iterator[Start]:
        directory.mkdir(parents=True, exist_ok=True)
        installed.install(directory)
        try:
            with provgraph.open(directory / "survey") as survey:
                start = cls(survey, seed)
                start._ingest(directory)
                start._isolate()
                yield start
        finally:
            installed.remove(directory)

    def _ingest(self, directory: Path) -> None:
        random = np.random.default_rng(self.seed)
        known: dict[str, Catalog] = {}
        for number, name in enumerate(("a", "b", "e", "one", "two")):
            n = 0 if name == "e" else N
            ids = sorted(random.permutation(SPACE)[:n].tolist())
            values = columns(random, n)
            path = write_parquet(directory / f"{name}.parquet", ids, values)
            where = {"id_space": "sky"} if number < 3 else {"source_list": number - 2}
            made = self.survey.ingest(path, name=name, id="id", **where)
            self.catalogs[name] = made
            own = ids if number < 3 else [(number - 2) * 2**32 + i for i in ids]
            given = {"id": ids, **values} if number < 3 else {"slid_sid": own, "id": ids, **values}
            types = {"slid_sid": "i8", "id": "i8", **TYPES}
            rows = {i: {c: v[k] for c, v in given.items()} for k, i in enumerate(own)}
            known[made.lineage_key] = Catalog(rows, {c: types[c] for c in given})
        self._define()
        maps = self._relabel()
        names = self.catalogs["a"].relabel(self.relabellings[0])
        for ids in LISTS:
            one = names if ids and isinstance(ids[0], bytes) else self.catalogs["a"]
            self.lists.append(one.only_listed(np.array(ids, None if ids else np.int64)).source_list)  # type: ignore[attr-defined]
        lists = {s.id_digest: ids for s, ids in zip(self.lists, LISTS, strict=True)}
        self.reference = Reference(known, lists, maps)

    def _define(self) -> None:
        for name, expression in EXPRESSIONS.items():
            requires = [c for c in ("x", "y", "n") if c in expression.replace("where", "").replace("sqrt", "")]
            self.survey.define_calculator(name, requires=requires, expression=expression, unit="?")
        for name in installed.METHODS:
            beside = {"catalogs": {"among": self.catalogs["b"]}} if name == "share" else {}
            self.survey.define_calculator(name, entry_point=name, **beside)

    def _relabel(self) -> dict[str, Mapping[Any, Any]]:
        maps: dict[str, Mapping[Any, Any]] = {}
        for space, old, new in (
            ("names", range(SPACE), [f"n{i * 7 % SPACE:02d}" for i in range(SPACE)]),
            ("other", range(SPACE), [i // 2 for i in range(SPACE)]),  # makes one of two
            ("other", range(N), range(N)),  # says nothing of half of them
            ("sky", range(SPACE), [(i * 5 + 3) % SPACE for i in range(SPACE)]),
        ):
            made = self.survey.relabelling("sky", space, list(old), list(new))
            arrays = (np.array(old, np.int64), np.array([n.encode() if isinstance(n, str) else n for n in new]))
            self.relabellings.append(made)
            self.pairs[made.pairs_digest] = arrays
            maps[made.pairs_digest] = dict(zip(*(a.tolist() for a in arrays), strict=True))
        self.relabellings += [
            Relabelling.linear("sky", "sky", offset=3),
            Relabelling.linear("sky", "other", scale=-2, offset=9),
            Relabelling.linear("source lists", "other", offset=-(2**32)),
            Relabelling.linear("other", "sky", scale=-1),
        ]
        return maps

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # a failing example is read by people
        printer.text("start")

    # -- what is stored --------------------------------------------------------------------------------------------------

    def _isolate(self) -> None:
        """Let the survey see only what was put in, and what was stored since `forget`: no graph depends on earlier ones."""
        mapper, processor = self.survey.mapper, self.survey.processor
        self.visible = set(self.survey.store_.names())
        read, register = mapper.read, processor.register

        def visible(query: str, /, *args: Any, **parameters: Any) -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = read(query, *args, **parameters)
            if query not in _SEGMENTS:
                return rows
            return [r for r in rows if (f := _file(r)) in self.visible or f in self.made]

        def registered(report: Any, *args: Any) -> None:
            register(report, *args)
            self.made |= {info.name: (info, key) for info, key in report.kept}

        mapper.read, processor.register = visible, registered

    def forget(self) -> None:
        """As if nothing had been processed."""
        for name in self.made:
            self.survey.store_.delete(name)
        self.made.clear()
        self.survey.processor._plans._found.clear()  # they may rest on what was stored
        if len(self.reference.done) > 1000:
            self.reference.done.clear()

    def plain(self, one: SourceCollection) -> WorkOrder:
        """The work order of the plan as it was made."""
        copied = transient(one, self.survey.mapper)
        return self.survey.processor.order(copied, copied.plan)[0]  # type: ignore[no-any-return]

    def optimised(self, one: SourceCollection) -> WorkOrder:
        copied, done = self.survey.processor.optimised(one)
        return self.survey.processor.order(copied, done.plan)[0]  # type: ignore[no-any-return]


# -- comparing -----------------------------------------------------------------------------------------------------------

Cells = dict[Any, dict[str, Any]]  # value by source and name: None where there is none, NaN as a word


def cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def cells(found: Table) -> Cells:
    shown: Cells = {i: {} for i in found.ids.tolist()}
    for name in found.attributes:
        values, null = found.columns[name]
        for k, i in enumerate(found.ids.tolist()):
            shown[i][name] = None if null is not None and null[k] else cell(values[k].item())
    return shown


def reference_cells(catalog: Catalog) -> Cells:
    """In the order of identifiers."""
    return {i: {n: cell(v) for n, v in catalog.sources[i].items()} for i in catalog.ids}


def table(attributes: Any, catalog: Catalog) -> Table:
    """A catalog of the reference as arrays."""
    found = {}
    for name, attribute in attributes.items():
        given = [catalog.sources[i][name] for i in catalog.ids]
        null = np.array([c is None for c in given], bool)
        if attribute.dtype == "U":
            values = np.array([b"" if c is None else c.encode() for c in given], None if given else "S1")
        else:
            values = np.array([0 if c is None else c for c in given], attribute.dtype)
        found[name] = Column(values, null if null.any() else None)
    return Table(np.array(catalog.ids, None if catalog.ids else np.int64), found, attributes)
