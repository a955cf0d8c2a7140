"""What a comparison with NaN, NULL, a float32 constant or a large integer is, in one table, for all that evaluates criteria.

Engines differ here (NaN is larger than everything to some, ``not`` of NULL is true to others, constants are widened or
rounded), so nothing of ours may leave it to one of them. For one criterion the row says which values it selects.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.graph.mapper import Batch
from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.language.expression import Expression
from provgraph.resolver import scan as scanning
from provgraph.resolver.scan import Located, scan
from provgraph.rewrite.fingerprints import ALL, fingerprint
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.attribute import Attribute
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import persistent
from provgraph.schema.table import Column
from tests.reference import is_selected, tree
from tests.surveys import open_survey, survey  # noqa: F401

nan = math.nan
BIG = 2**53


@dataclass(frozen=True)
class Kind:
    """Values of a column (None is NULL), and by criterion the places of the values that it selects."""

    dtype: str
    values: tuple[Any, ...]
    truths: Mapping[str, set[int]]

    @property
    def column(self) -> Column:
        null = np.array([v is None for v in self.values])
        kept = np.array([0 if v is None else v for v in self.values], self.dtype)
        return Column(kept, null if null.any() else None)


_COMPARISONS: dict[str, set[int]] = {
    "x < 0.1": {0}, "x <= 0.1": {0, 1}, "x > 0.1": {2, 5}, "x >= 0.1": {1, 2, 5}, "x = 0.1": {1}, "x != 0.1": {0, 2, 5},
    "not x < 0.1": {1, 2, 5}, "not x >= 0.1": {0}, "not (x < 0.1 or x > 0.15)": {1}, "not x = 0.1": {0, 2, 5},
    "complement(x < 0.1)": {1, 2, 3, 4, 5}, "complement(not x < 0.1)": {0, 3, 4}, "not complement(x < 0.1)": {0},
    "x = x": {0, 1, 2, 5}, "x != x": set(), "x < x": set(), "x <= x": {0, 1, 2, 5}, "not x = x": set(),
    "x is null": {3, 4}, "x is not null": {0, 1, 2, 5}, "not x is null": {0, 1, 2, 5},
    "x in (0.1, 0.05)": {0, 1}, "x not in (0.1)": {0, 2, 5}, "x in (0.1, null)": {1}, "x not in (0.1, null)": set(),
    "x between 0.05 and 0.1": {0, 1}, "not x between 0.05 and 0.1": {2, 5},
    "x < 0.1 or x >= 0.1": {0, 1, 2, 5}, "x < 0.1 and not x < 0.1": set(), "x < 0.1 or true": {0, 1, 2, 3, 4, 5},
    "x > 1e300": {5}, "x < inf": {0, 1, 2}, "x = inf": {5}, "-x < -0.1": {2, 5}, "x - x = 0": {0, 1, 2},
}  # fmt: skip
KINDS = {
    "f8": Kind("f8", (0.05, 0.1, 0.2, nan, None, math.inf), {
        **_COMPARISONS, "x > 0.1000000000000000055511151231257827": {2, 5}, "x <= 0.09999999999999999": {0},
    }),
    # The constant is cast to the column, once: 0.1 is the float32 nearest to it, not the number between two of them, and 1e300
    # is infinite. Beside an expression it is a float64, and so is what the expression gives.
    "f4": Kind("f4", (0.05, 0.1, 0.2, nan, None, math.inf), {
        **_COMPARISONS, "x = 0.1000000014901161": {1}, "x > 0.1000000001": {2, 5}, "x >= 0.0999999999": {1, 2, 5},
        "x <= 0.05": {0}, "x >= 0.05": {0, 1, 2, 5}, "x = 0.2": {2}, "x in (0.2)": {2}, "0.2 <= x": {2, 5},
        "x > 1e300": set(), "x >= 1e300": {5}, "-x < -0.1": {1, 2, 5},
    }),
    "f4 20.1": Kind("f4", (20.1, 20.0, 20.25, nan, None, -20.1), {
        "x <= 20.1": {0, 1, 5}, "x < 20.1": {1, 5}, "x >= 20.1": {0, 2}, "x > 20.1": {2}, "x = 20.1": {0}, "x != 20.1": {1, 2, 5},
        "x between 20.1 and 20.1": {0}, "x in (20.1)": {0}, "not x > 20.1": {0, 1, 5}, "x = -20.1": {5},
        "abs(x) = 20.1": set(),
    }),
    # Whole numbers are exact, also beyond what a float64 can tell apart; a bound between two of them is rounded by the operator.
    "i8": Kind("i8", (2, 3, -3, None, BIG, BIG + 1, BIG + 3, -(2**63), 2**63 - 1), {
        "x < 2.5": {0, 2, 7}, "x <= 2.5": {0, 2, 7}, "x > 2.5": {1, 4, 5, 6, 8}, "x >= 2.5": {1, 4, 5, 6, 8}, "x = 2.5": set(),
        "x != 2.5": {0, 1, 2, 4, 5, 6, 7, 8}, "x < -2.5": {2, 7}, "x > -2.5": {0, 1, 4, 5, 6, 8}, "not x < 2.5": {1, 4, 5, 6, 8},
        "x = 9007199254740993": {5}, "x > 9007199254740992": {5, 6, 8}, "x >= 9007199254740993": {5, 6, 8},
        "x < 9007199254740993": {0, 1, 2, 4, 7}, "x in (9007199254740993, 9007199254740995)": {5, 6},
        "x between 9007199254740993 and 9007199254740994": {5}, "x = 9007199254740992.0": {4},
        "x > 9.007199254740992e15": {5, 6, 8},
        "x >= 9223372036854775807": {8}, "x > 9223372036854775807": set(), "x <= 99999999999999999999": {0, 1, 2, 4, 5, 6, 7, 8},
        "x < -9223372036854775808": set(), "x = -9223372036854775808": {7}, "x < inf": {0, 1, 2, 4, 5, 6, 7, 8},
        "complement(x > 2)": {0, 2, 3, 7}, "x is null": {3}, "x = x": {0, 1, 2, 4, 5, 6, 7, 8}, "x + 1 = 9007199254740994": {5},
        "x + 1 > 0": {0, 1, 4, 5, 6},
    }),
    "i2": Kind("i2", (2, 3, -3, None, 32767), {
        "x < 2.5": {0, 2}, "x > 32766.5": {4}, "x < 99999": {0, 1, 2, 4}, "x > 99999": set(), "x >= -99999": {0, 1, 2, 4},
        "x in (2, 99999)": {0}, "x != 99999": {0, 1, 2, 4},
    }),
}  # fmt: skip
ROWS = [(kind, text) for kind, one in KINDS.items() for text in one.truths]


def bound(kind: Kind, text: str) -> BoundCriterion:
    return Criterion.parse(text).bind({"x": Attribute("x", kind.dtype, "", origin="o:x")})


# -- arrays --------------------------------------------------------------------------------------------------------------


def by_arrays(kind: Kind, text: str) -> set[int]:
    return set(np.flatnonzero(bound(kind, text).select({"o:x": kind.column}, len(kind.values))).tolist())


def by_canonical_text(kind: Kind, text: str) -> set[int]:
    """As a plan carries it to another process: no attributes, constants cast already."""
    again = BoundCriterion.from_canonical(bound(kind, text).canonical)
    return set(np.flatnonzero(again.select({"o:x": kind.column}, len(kind.values))).tolist())


def one_by_one(kind: Kind, text: str) -> set[int]:
    """Each value in a block of its own, so that nothing depends on its neighbours."""
    one, column = bound(kind, text), kind.column
    rows = range(len(kind.values))
    return {i for i in rows if one.select({"o:x": column.take(slice(i, i + 1))}, 1)[0]}


def of_a_calculator(kind: Kind, text: str) -> set[int]:
    """A condition as an expression: null where the criterion is neither true nor false."""
    column = kind.column
    values, null = Expression.parse(f"where({text}, 1, 0)").evaluate({"x": (column.values, column.null)}, {})
    true = (values == 1) if null is None else (values == 1) & ~null
    return set(np.flatnonzero(true).tolist())


def by_definition(kind: Kind, text: str) -> set[int]:
    """The reference: one value at a time, Python's exact numbers."""
    parsed = tree(bound(kind, text).canonical.replace("`o:x`", "`x`"))
    column = kind.column
    rows = [
        None if column.null is not None and column.null[i] else column.values[i].item() for i in range(len(kind.values))
    ]
    return {i for i, v in enumerate(rows) if is_selected(parsed, {"x": v}, {"x": kind.dtype})}


ARRAYS: Mapping[str, Callable[[Kind, str], set[int]]] = {
    f.__name__: f for f in (by_arrays, by_canonical_text, one_by_one, of_a_calculator, by_definition)
}


@pytest.mark.parametrize("how", ARRAYS)
@pytest.mark.parametrize(("kind", "text"), ROWS)
def test_arrays(how: str, kind: str, text: str) -> None:
    assert ARRAYS[how](KINDS[kind], text) == KINDS[kind].truths[text]


# -- stored columns: block statistics and sorted indexes --------------------------------------------------------------------

TIMES = 64  # blocks of 16 values


@pytest.fixture(scope="module", params=["each block of one value", "all values in each block", "an index"])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By kind: a segment that holds each value many times, the index beside it, and the places of the values."""
    patch = pytest.MonkeyPatch()
    from provgraph.bulk import statistics

    for module in (statistics, scanning):
        patch.setattr(module, "BLOCK", 16)
    for name in ("columns", "layout", "hdf5"):
        patch.setattr(f"provgraph.bulk.{name}.BLOCK", 16)
    if request.param == "an index":
        patch.setattr(scanning, "SELECTIVE", 1.0)
    found = {}
    for name, kind in KINDS.items():
        n = len(kind.values)
        places = np.repeat(np.arange(n), TIMES) if "one value" in request.param else np.tile(np.arange(n), TIMES)
        store = Hdf5Store(tmp_path_factory.mktemp("store"))
        info = store.write(np.arange(len(places)), {"o:x": kind.column.take(places)}, id_space="s")
        segment = store.open(info)
        if request.param == "an index":
            store.indexes.build(segment, "o:x")
        found[name] = segment, store.indexes if request.param == "an index" else None, places
    yield found
    patch.undo()


@pytest.mark.parametrize(("kind", "text"), ROWS)
def test_stored_columns(stored: Any, kind: str, text: str) -> None:
    segment, indexes, places = stored[kind]
    one = bound(KINDS[kind], text)
    located = {origin: Located(segment.column(origin), slice(None), segment) for origin in one.origins}
    kept = scan(one, located, len(places), indexes=indexes).kept
    assert sorted(places[kept].tolist()) == sorted(sorted(KINDS[kind].truths[text]) * TIMES)


# -- sets of sources as symbols ---------------------------------------------------------------------------------------------


def sets(kind: Kind, texts: Sequence[str]) -> tuple[Knowledge, dict[str, frozenset[str]]]:
    definitions: dict[str, Any] = {}
    atoms = {}
    for text in texts:
        conjuncts = bound(kind, text).conjuncts
        definitions.update(conjuncts)
        atoms[text] = frozenset({"s:a", *(key for key, _ in conjuncts)})
    return Knowledge(definitions, (), {"s:a": "sky"}), atoms


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_proven_that_the_table_denies(kind: str) -> None:
    """The solver and the fingerprints know no values; what they say has to hold for all, so for these."""
    truths = KINDS[kind].truths
    knowledge, atoms = sets(KINDS[kind], list(truths))
    reasoner = Reasoner(knowledge)
    marks = {text: fingerprint(atoms[text], knowledge) for text in truths}
    proven = 0
    for one in truths:
        for other in truths:
            part = reasoner.subset(atoms[one], atoms[other]).answer
            apart = reasoner.disjoint(atoms[one], atoms[other]).answer
            if part is Answer.YES:
                proven += 1
                assert truths[one] <= truths[other], (one, other)
                a, b = (int.from_bytes(marks[t], "little") for t in (one, other))
                assert a & ~b == 0, (one, other)
            if apart is Answer.YES:
                assert not truths[one] & truths[other], (one, other)
    assert proven > len(truths)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("f8", "not x < 0.1", "x >= 0.1"),
        ("f8", "not x >= 0.1", "x < 0.1"),
        ("f8", "x = x", "x is not null"),
        ("f8", "x < 0.1 or x >= 0.1", "x = x"),
        ("f8", "not complement(x < 0.1)", "x < 0.1"),
        ("f8", "x not in (0.1)", "x != 0.1"),
        ("f4", "x = 0.1000000014901161", "x = 0.1"),
        ("f4 20.1", "x between 20.1 and 20.1", "x = 20.1"),
        ("i8", "x < 2.5", "x <= 2.5"),
        ("i8", "x > 9007199254740992", "x >= 9007199254740993"),
        ("i8", "x > 9.007199254740992e15", "x > 9007199254740992"),
    ],
)
def test_what_is_equal_is_proven_to_be(kind: str, one: str, other: str) -> None:
    knowledge, atoms = sets(KINDS[kind], [one, other])
    assert Reasoner(knowledge).equal(atoms[one], atoms[other]).answer is Answer.YES
    assert fingerprint(atoms[one], knowledge) == fingerprint(atoms[other], knowledge)


def test_virtual_sources_lack_values_too() -> None:
    knowledge, atoms = sets(KINDS["f8"], ["x < 0.1", "x >= 0.1", "x is null", "complement(x < 0.1)", "x = x"])
    marks = {t: int.from_bytes(fingerprint(a - {"s:a"}, knowledge), "little") for t, a in atoms.items()}
    assert marks["x < 0.1"] | marks["x >= 0.1"] == marks["x = x"] != ALL
    assert marks["x is null"] == ALL & ~marks["x = x"] != 0
    assert marks["complement(x < 0.1)"] == ALL & ~marks["x < 0.1"] == marks["x >= 0.1"] | marks["x is null"]


# -- graphs: properties of objects, and whole surveys -------------------------------------------------------------------------


class MeasuredThing(DBObject):
    """Something with a number of each type that graphs hold."""

    x = persistent(float, default=None)
    n = persistent(int, default=None)


# A property of the graph is a float64 or an int64, and a condition on it has no arithmetic.
GRAPH = [
    ("x", kind, text) for kind, text in ROWS if kind == "f8" and not set(text) & set("-") and "x < x" not in text
] + [("n", kind, text) for kind, text in ROWS if kind == "i8" and "+" not in text]  # fmt: skip


@pytest.fixture
def things(survey: Any) -> dict[str, dict[str, int]]:
    """By property, places in the table by object id."""
    places: dict[str, dict[str, int]] = {}
    batch = Batch()
    for name, kind in (("x", "f8"), ("n", "i8")):
        places[name] = {}
        for place, value in enumerate(KINDS[kind].values):
            one = MeasuredThing(**({} if value is None else {name: value}))
            places[name][one.object_id] = place
            batch.add(one)
    survey.mapper.write(batch)
    return places


def test_properties_in_a_graph(survey: Any, things: Any) -> None:
    assert len(GRAPH) > 40
    for name, kind, text in GRAPH:
        asked = text.replace("x", name) if name != "x" else text
        found = {one.object_id for one in survey.find(asked, cls=MeasuredThing)}
        assert {things[name][i] for i in found if i in things[name]} == KINDS[kind].truths[text], asked


def catalog(path: Path, kind: Kind, times: int = 40) -> Path:
    """A Parquet file, which tells NULL and NaN apart, with each value many times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = len(kind.values)
    plain = kind.column
    mask = np.zeros(n, bool) if plain.null is None else plain.null
    x = pa.array(np.tile(plain.values, times), mask=np.tile(mask, times), from_pandas=False)
    pq.write_table(pa.table({"id": pa.array(np.arange(n * times)), "x": x}), path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_whole_surveys(survey: Any, tmp_path: Path, kind: str) -> None:
    """Ingested, pulled, selected from what is stored already, and counted."""
    one = KINDS[kind]
    n = len(one.values)
    a = survey.ingest(catalog(tmp_path / "a.parquet", one), name="A", id="id")
    assert np.dtype(a.attributes()["x"].dtype) == np.dtype(one.dtype)
    for text, truth in one.truths.items():
        pull = survey.pull("A", ["id", "x"], where=text)
        found = pull.data()["id"].values % n
        assert sorted(found.tolist()) == sorted(sorted(truth) * 40), text
        assert survey.count(pull.result) == 40 * len(truth), text
