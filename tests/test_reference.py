"""Criteria on every backend that evaluates them: the truths on which engines disagree, pinned (NaN is null, types are exact)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.schema.attribute import Attribute
from tests.language import oracle
from tests.reference import is_selected, tree

Array = np.ndarray[Any, Any]
Columns = dict[str, tuple[Array, Array | None]]  # values and null mask by name


def by_reference(text: str, columns: Columns, n: int) -> list[bool]:
    """One source at a time, as it is written."""
    dtypes = {name: values.dtype.str for name, (values, _) in columns.items()}
    rows = [
        {name: None if null is not None and null[i] else values[i].item() for name, (values, null) in columns.items()}
        for i in range(n)
    ]
    return [is_selected(tree(text), row, dtypes) for row in rows]


def by_language(text: str, columns: Columns, n: int) -> list[bool]:
    """The evaluator of the executor, in blocks."""
    attributes = {
        name: Attribute(name, "U" if values.dtype.kind == "S" else values.dtype.str[1:], "", origin=f"o:{name}")
        for name, (values, _) in columns.items()
    }
    bound = Criterion.parse(text).bind(attributes)
    given = {f"o:{name}": column for name, column in columns.items()}
    assert BoundCriterion.from_canonical(bound.canonical).select(given, n).tolist() == bound.select(given, n).tolist()
    return [bool(b) for b in bound.select(given, n)]


BACKENDS: dict[str, Callable[[str, Columns, int], list[bool]]] = {"reference": by_reference, "language": by_language}


@pytest.fixture(params=sorted(BACKENDS))
def select(request: pytest.FixtureRequest) -> Callable[[str, Columns, int], list[bool]]:
    return BACKENDS[request.param]


@pytest.mark.parametrize(
    ("criterion", "nan", "null", "number"),
    [
        ("x < 0.1", False, False, True),
        ("x > 0.1", False, False, False),
        ("x >= 0.1", False, False, False),
        ("x <= 0.1", False, False, True),
        ("not (x < 0.1)", False, False, False),
        ("not (x > 0.1)", False, False, True),
        ("complement(x < 0.1)", True, True, False),
        ("complement(x > 0.1)", True, True, True),
        ("x = x", False, False, True),
        ("x != x", False, False, False),
        ("x != 3", False, False, True),
        ("x is null", True, True, False),
        ("x is not null", False, False, True),
        ("x in (0.05, null)", False, False, True),
        ("not (x in (3, null))", False, False, False),
        ("x < 0.1 or x is null", True, True, True),
        ("x < 0.1 or x >= 0.1", False, False, True),
        ("x / 0 < 1", False, False, False),
        ("(x < 0.1) is null", True, True, False),
    ],
)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_nan_is_null_and_only_true_selects(
    select: Callable[..., list[bool]], dtype: str, criterion: str, nan: bool, null: bool, number: bool
) -> None:
    x = np.array([np.nan, 0.05, 0.05], dtype)
    assert select(criterion, {"x": (x, np.array([False, True, False]))}, 3) == [nan, null, number]


@pytest.mark.parametrize(
    ("dtype", "value", "criterion", "selected"),
    [
        # A constant is cast to the type of its column, once, for every comparison.
        ("f4", 20.1, "x <= 20.1", True),
        ("f4", 20.1, "x >= 20.1", True),
        ("f4", 20.1, "x = 20.1", True),
        ("f4", 20.1, "x < 20.1", False),
        ("f4", 20.1, "x in (20.1, 3)", True),
        ("f4", 20.1, "x between 20.1 and 20.1", True),
        ("f8", 20.1, "x = 20.1", True),
        ("f8", float(np.float32(20.1)), "x <= 20.1", False),
        ("f4", 20.1, "x * 1 <= 20.1", False),  # arithmetic is in float64
        ("f4", 3e38, "x < 1e300", True),  # the constant becomes inf
        # Integers never pass through floating point, and bounds are rounded as the comparison asks.
        ("i8", 2**53 + 3, "x = 9007199254740995", True),
        ("i8", 2**53 + 3, "x > 9007199254740994", True),
        ("i8", 2**53 + 3, "x = 9007199254740996.0", False),
        ("i4", 2, "x < 2.5", True),
        ("i4", 3, "x < 2.5", False),
        ("i4", 2, "x >= 2.5", False),
        ("i4", -2, "x > -2.5", True),
        ("i4", 2, "x = 2.5", False),
        ("i4", 2, "x != 2.5", True),
        ("u1", 200, "x < 300", True),
        ("u1", 200, "x > -1", True),
        ("u8", 2**64 - 1, "x > 9223372036854775807", True),
        ("f8", np.inf, "x > 1e308", True),
        ("f8", -0.0, "x = 0", True),
        ("S8", "Sérsic".encode(), "x = 'Sérsic'", True),
        ("S8", b"a", "x < 'b'", True),
        ("?", True, "x", True),
        ("?", False, "not x", True),
    ],
)
def test_types_are_exact(
    select: Callable[..., list[bool]], dtype: str, value: Any, criterion: str, selected: bool
) -> None:
    assert select(criterion, {"x": (np.array([value], dtype), None)}, 1) == [selected]


@given(oracle.CRITERIA)
@settings(max_examples=300, deadline=None)
def test_the_two_references_agree(criterion: tuple[Any, ...]) -> None:
    """The one that evaluates the syntax tree, and the one that evaluates what was drawn before it was written."""
    text = oracle.spelled(_named(criterion))
    dtypes = {name: a.dtype for name, a in oracle.ATTRIBUTES.items()}
    found = [
        is_selected(tree(text), {name: cells[row] for name, cells in _rows().items()}, dtypes)
        for row in range(oracle.N)
    ]
    assert found == [oracle.truth(criterion, row) is True for row in range(oracle.N)]


def _named(criterion: Any) -> Any:
    """With cones that say their attributes: the syntax tree knows no UCDs."""
    if isinstance(criterion, tuple):
        return (*criterion[:-1], True) if criterion[0] == "within" else tuple(map(_named, criterion))
    return [_named(c) for c in criterion] if isinstance(criterion, list) else criterion


def _rows() -> dict[str, list[Any]]:
    return {name: [oracle.cell(name, row) for row in range(oracle.N)] for name in oracle.ROWS}
