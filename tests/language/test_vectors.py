"""Vector-valued terms of expressions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.errors import LanguageError, UnitMismatch
from provgraph.language import Criterion, Expression

V = np.array([[1.0, 2.0, 3.0], [4.0, math.nan, 6.0], [math.nan, math.nan, math.nan]])
COLUMNS: dict[str, Any] = {
    "v": (V, None), "m": (np.arange(12.0).reshape(3, 2, 2), None), "x": (np.array([1, 2, 3]), np.array([False, True, False])),
    "z": (np.array([0.1, -1.0, 0.5]), None), "w": (np.array([[1, 2], [3, 4], [5, 6]], "i4"), np.array([False, False, True])),
}  # fmt: skip
DTYPES = {"v": "f8", "m": "f8", "x": "i8", "z": "f8", "w": "i4", "t": "U"}
SHAPES = {"v": (3,), "m": (2, 2), "x": (), "z": (), "w": (2,), "t": ()}
NAN = math.nan


@pytest.mark.parametrize(
    ("text", "dtype", "result"),
    [
        ("v", "f8", [[1, 2, 3], [4, NAN, 6], None]),
        ("v[0]", "f8", [1, 4, None]),
        ("v[-2]", "f8", [2, None, None]),
        ("v * 2 - v[0]", "f8", [[1, 3, 5], [4, NAN, 8], None]),
        ("v + x", "f8", [[2, 3, 4], None, None]),
        ("array(z, 1, v[2])", "f8", [[0.1, 1, 3], [-1, 1, 6], [0.5, 1, NAN]]),
        ("array(x, x + 1)", "i8", [[1, 2], None, [3, 4]]),
        ("w * 2", "i8", [[2, 4], [6, 8], None]),
        ("w / 2", "f8", [[0.5, 1], [1.5, 2], None]),
        ("array(z > 0, v[0] > 1)", "?", [[True, False], [False, True], None]),
        ("where(v > 2, v, 0)", "f8", [[0, 0, 3], [4, NAN, 6], None]),
        ("where(z > 0, v, 0)", "f8", [[1, 2, 3], [0, 0, 0], None]),
        ("coalesce(v, 0)", "f8", [[1, 2, 3], [4, 0, 6], [0, 0, 0]]),
        ("log10(array(z, 100))", "f8", [[-1, 2], [NAN, 2], [math.log10(0.5), 2]]),
        ("m[1]", "f8", [[2, 3], [6, 7], [10, 11]]),
        ("m[1][0]", "f8", [2, 6, 10]),
        ("array(v, v)[1][0]", "f8", [1, 4, None]),
        ("array(1, 2.5)", "f8", [[1, 2.5]] * 3),
        ("-v[2] ** 2", "f8", [-9, -36, None]),
        ("v in (1, 6)", "?", [[True, False, False], None, None]),
        ("v is null", "?", [[False] * 3, [False, True, False], [True] * 3]),
    ],
)
def test_entry_by_entry(text: str, dtype: str, result: list[Any]) -> None:
    parsed = Expression.parse(text)
    shape = parsed.result_shape(SHAPES)
    assert parsed.result_dtype(DTYPES) == dtype
    values, null = parsed.evaluate(COLUMNS, {}, 3)
    assert values.shape == (3, *shape)
    assert values.dtype == np.dtype(dtype)
    for row, wanted in enumerate(result):
        assert (null is not None and bool(null[row])) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(values[row].astype("f8"), np.array(wanted, "f8"), rtol=1e-15)
    assert Expression.parse(parsed.text).text == parsed.text
    assert Expression.parse(parsed.text).tree == parsed.tree


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("x[0]", "expression_shapes", 1),
        ("v[3]", "expression_shapes", 1),
        ("1 + v[-4]", "expression_shapes", 5),
        ("array(v, x)", "expression_shapes", 0),
        ("v + array(1, 2)", "expression_shapes", 2),
        ("v + m", "expression_shapes", 2),
        ("array('a', 'b')", "criterion_types", 0),
        ("array(1, true)", "criterion_types", 0),
        ("array()", "expression_syntax", 0),
        ("v[x]", "expression_syntax", 1),
        ("v[0", "expression_syntax", 1),
    ],
)
def test_refused_before_data(text: str, code: str, position: int) -> None:
    def bound() -> None:
        parsed = Expression.parse(text)
        parsed.result_dtype(DTYPES)
        parsed.result_shape(SHAPES)

    with pytest.raises(LanguageError) as caught:
        bound()
    assert (caught.value.code, caught.value.position) == (code, position)


@pytest.mark.parametrize("text", ["v[0] < 3", "array(1, 2) = 1"])
def test_criteria_have_no_vectors(text: str) -> None:
    with pytest.raises(LanguageError):
        Criterion.parse(text)


def test_units_of_vectors() -> None:
    units = {"g": "mag", "r": "mag", "d": "pc", "v": "mag"}
    assert Expression.parse("array(g, r) - v[0]").check_units(units, "mag").unit == "mag"
    with pytest.raises(UnitMismatch, match="one dimension"):
        Expression.parse("v[0] + d").check_units(units, "mag")
    assert Expression.parse("array(g, d)").check_units(units, "?").unit == "?"  # features of several dimensions
    with pytest.raises(UnitMismatch, match="array needs terms of one dimension"):
        Expression.parse("array(g, d)").check_units(units, "mag")


NUMBERS = st.floats(-100, 100) | st.just(NAN) | st.sampled_from([0.0, -1.0, 1.0])
FORMS = [
    "a + v",
    "v * v - a",
    "log10(v / a)",
    "where(v > a, v, a)",
    "coalesce(v, a)",
    "minimum(v, 2 * a)",
    "v % a",
    "sqrt(v)",
]


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=5), st.sampled_from(FORMS))
def test_a_vector_is_its_entries(rows: list[tuple[float, float, float]], text: str) -> None:
    table = np.array(rows)
    a, v = table[:, 0], table[:, 1:]
    whole, _ = Expression.parse(text).evaluate({"a": (a, None), "v": (v, None)}, {})
    for k in range(2):
        alone, _ = Expression.parse(text).evaluate({"a": (a, None), "v": (np.ascontiguousarray(v[:, k]), None)}, {})
        np.testing.assert_array_equal(whole[:, k], alone)


def test_many_blocks() -> None:
    n = 70_000
    v = np.random.default_rng(1).normal(size=(n, 4))
    values, null = Expression.parse("array(v[0], v[1] + 1)").evaluate({"v": (v, None)}, {})
    assert null is None
    assert np.array_equal(values, np.stack([v[:, 0], v[:, 1] + 1], axis=1))
    text, _ = Expression.parse("where(v[0] > 0, 'positive', '-')").evaluate({"v": (v, None)}, {})
    assert text.dtype == np.dtype("S8")
    assert (text[v[:, 0] > 0] == b"positive").all()
