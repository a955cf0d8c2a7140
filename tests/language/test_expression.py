"""Expressions against a slow evaluator of one source at a time, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.errors import LanguageError, UnitMismatch, UnknownAttribute
from provgraph.language import Expression, expression
from tests.language.oracle import ATTRIBUTES, OPERATORS, N, cell, columns, compare

COLUMNS = {a.name: columns()[a.origin] for a in ATTRIBUTES.values()}
DTYPES = {a.name: a.dtype for a in ATTRIBUTES.values()}
NUMBERS = ("x", "y", "i", "k")


def fits(value: int) -> int | None:
    return value if -(2**63) <= value < 2**63 else None


def defined(result: float, *inputs: float) -> float | None:
    made = math.isinf(result) and not any(math.isinf(v) for v in inputs)
    return None if math.isnan(result) or made else result


def is_float(node: Any) -> bool:
    """Whether a drawn expression has float values; integers beside floats become floats."""
    if isinstance(node, str):
        return node in ("x", "y")
    if isinstance(node, int | float):
        return isinstance(node, float)
    said, *parts = node
    return said in ("/", "sqrt", "square") or any(is_float(p) for p in (parts[-2:] if said == "where" else parts))


def is_constant(node: Any) -> bool:
    return isinstance(node, int | float) or (
        isinstance(node, tuple) and all(p in OPERATORS or is_constant(p) for p in node[1:])
    )


def single(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def calculate(node: Any, row: int) -> Any:
    value = calculated(node, row)
    return float(value) if isinstance(value, int) and is_float(node) else value


def calculated(node: Any, row: int) -> Any:
    """int, float, bool or None (null) of a drawn expression for one source."""
    if isinstance(node, str):
        return cell(node, row)
    if isinstance(node, int | float):
        return node
    said, *parts = node
    if said == "where":
        op, left, right, first, second = parts
        a, b = calculate(left, row), calculate(right, row)
        # A constant is cast to the dtype of the column that it is compared with.
        if left in ("x", "y") and is_constant(right) and b is not None:
            b = single(b) if left == "y" else float(b)
        if right in ("x", "y") and is_constant(left) and a is not None:
            a = single(a) if right == "y" else float(a)
        known = compare(op, a, b)
        chosen = None if known is None else calculate(first if known else second, row)
        return chosen
    values = [calculate(p, row) for p in parts]
    if said == "coalesce":
        return next((v for v in values if v is not None), None)
    if None in values:
        return None
    if all(isinstance(v, int) for v in values):
        a, b = values[0], values[-1]
        match said:
            case "+" | "-" | "*":
                return fits({"+": a + b, "-": a - b, "*": a * b}[said])
            case "%":
                return a % b if b else None
            case "negate":
                return fits(-a)
            case "abs":
                return fits(abs(a))
            case "minimum" | "maximum":
                return min(a, b) if said == "minimum" else max(a, b)
            case "floor" | "ceil" | "round":
                return a
            case "sign":
                return (a > 0) - (a < 0)
    floats = [float(v) for v in values]
    a, b = floats[0], floats[-1]
    try:
        match said:
            case "+" | "-" | "*":
                return defined({"+": a + b, "-": a - b, "*": a * b}[said], a, b)
            case "/":
                return defined(a / b, a, b)
            case "%":
                return defined(a % b, a, b)
            case "negate":
                return -a
            case "abs":
                return abs(a)
            case "minimum" | "maximum":
                return min(a, b) if said == "minimum" else max(a, b)
            case "floor" | "ceil" | "round":
                return a if math.isinf(a) else float({"floor": math.floor, "ceil": math.ceil, "round": round}[said](a))
            case "sign":
                return float((a > 0) - (a < 0))
            case "sqrt":
                return math.sqrt(a)
            case "square":
                return defined(a * a, a)
    except (ZeroDivisionError, ValueError):
        return None
    raise TypeError(node)


def spelled(node: Any) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, int | float):
        return repr(node)
    said, *parts = node
    if said == "where":
        op, *terms = parts
        left, right, first, second = map(spelled, terms)
        return f"where({left} {op} {right}, {first}, {second})"
    texts = [spelled(p) for p in parts]
    if said in "+-*/%":
        return f"({texts[0]} {said} {texts[1]})"
    if said == "negate":
        return f"(-{texts[0]})"
    if said == "square":
        return f"({texts[0]})**2"
    return f"{said}({', '.join(texts)})"


LEAVES = st.one_of(st.sampled_from(NUMBERS), st.sampled_from([0, 1, 2, -3, 10, 0.5, -2.5, 20.1, 1e300]))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "%", "minimum", "maximum", "coalesce"]), inner, inner),
        st.tuples(st.sampled_from(["negate", "abs", "sqrt", "floor", "ceil", "round", "sign", "square"]), inner),
        st.tuples(st.just("where"), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), inner, inner, inner, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS)
def test_evaluates_as_the_oracle(node: Any) -> None:
    parsed = Expression.parse(spelled(node))
    with np.errstate(all="raise"):  # evaluation must keep its own silence
        values, null = parsed.evaluate(COLUMNS, {})
    assert values.shape == (N,)
    again, null_again = Expression.parse(parsed.text).evaluate(COLUMNS, {})
    assert np.array_equal(values, again, equal_nan=values.dtype.kind == "f")
    assert (null is None) == (null_again is None)
    if null is not None:
        assert null.dtype == bool
        assert null.any()
    for row in range(N):
        wanted = calculate(node, row)
        missing = null is not None and bool(null[row])
        assert missing == (wanted is None), (parsed.text, row, wanted, values[row])
        if wanted is not None:
            assert values[row] == wanted, (parsed.text, row)
        elif values.dtype.kind == "f":
            assert np.isnan(values[row])
    if wanted_dtype := _dtype_of(parsed):
        assert values.dtype == np.dtype(wanted_dtype)


def _dtype_of(parsed: Expression) -> str:
    if not parsed.names:
        return ""
    return parsed.result_dtype(DTYPES)


FUNCTIONS = {
    "exp": math.exp, "log": math.log, "log10": math.log10, "log2": math.log2, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "deg2rad": math.radians, "rad2deg": math.degrees,
    "ln": math.log, "asin": math.asin, "sqrt": math.sqrt,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions(name: str) -> None:
    given_values = [0.5, 1.0, 0.0, -1.0, 2.0, 800.0, float("nan")]
    values, null = Expression.parse(f"{name}(x)").evaluate({"x": (np.array(given_values), None)}, {})
    assert null is not None
    for value, result, missing in zip(given_values, values, null, strict=True):
        try:
            wanted = FUNCTIONS[name](value)
        except (ValueError, OverflowError):
            wanted = math.nan
        assert bool(missing) == math.isnan(wanted), (name, value)
        if not missing:
            assert result == pytest.approx(wanted, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("power(x, 0)", [1.0, 1.0, None]),
        ("power(1, x)", [1.0, 1.0, None]),
        ("x ** 3", [8.0, -27.0, None]),
        ("x ** -1", [0.5, -1 / 3, None]),
        ("x ** (1/2)", [math.sqrt(2), None, None]),
        ("-x ** 2", [-4.0, -9.0, None]),
        ("hypot(x, inf)", [math.inf, math.inf, None]),
        ("arctan2(x, x)", [math.pi / 4, -3 * math.pi / 4, None]),
        ("where(x > 0, x, null)", [2.0, None, None]),
        ("where(x is null, 0, x)", [2.0, -3.0, 0.0]),
        ("coalesce(x, -1)", [2.0, -3.0, -1.0]),
        ("x > 0 or x is null", [True, False, True]),
        ("x > 0", [True, False, None]),
        ("not x > 0 and x < 5", [False, True, None]),
        ("isnull(x)", [False, False, True]),
        ("complement(x > 0)", [False, True, True]),
        ("1 / (1 / (x - 2))", [None, -5.0, None]),
        ("3", [3, 3, 3]),
        ("null", [None, None, None]),
    ],
)
def test_results(text: str, result: list[Any]) -> None:
    values, null = Expression.parse(text).evaluate({"x": (np.array([2.0, -3.0, math.nan]), None)}, {})
    found = [None if null is not None and null[i] else values[i].item() for i in range(3)]
    assert found == pytest.approx(result)


def test_blocks_join(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(5).normal(size=1000)
    x[990] = math.nan
    whole = Expression.parse("log10(abs(x)) * 3").evaluate({"x": (x, None)}, {})
    monkeypatch.setattr(expression, "BLOCK", 64)
    parts = Expression.parse("log10(abs(x)) * 3").evaluate({"x": (x, None)}, {})
    assert np.array_equal(whole[0], parts[0], equal_nan=True)
    assert parts[1] is not None
    assert np.array_equal(np.asarray(whole[1]), parts[1])
    assert np.flatnonzero(parts[1]).tolist() == [990]


def test_an_empty_table() -> None:
    values, null = Expression.parse("log10(x)").evaluate({"x": (np.empty(0), None)}, {})
    assert len(values) == 0
    assert null is None


def test_float32_input_is_calculated_in_float64() -> None:
    y = np.array([20.1], dtype=np.float32)
    values, _ = Expression.parse("y + 0.1").evaluate({"y": (y, None)}, {})
    assert values.dtype == np.float64
    assert values[0] == float(y[0]) + 0.1


def test_what_an_expression_says_of_itself() -> None:
    parsed = Expression.parse("i_mag-DISTMOD(z)  +1.25*log10( 1+z )")
    assert parsed.text == "i_mag - distmod(z) + 1.25 * log10(1 + z)"
    assert parsed.names == ("i_mag", "z")
    assert parsed.functions == ("distmod", "log10")
    assert parsed.parameters == {"H0": 70.0, "Om0": 0.3}
    assert Expression.parse("ln(z)").text == Expression.parse("log(z)").text
    assert Expression.parse("ln(z)").parameters == {}


def test_parameters_change_the_result() -> None:
    z = {"z": (np.array([0.5]), None)}
    usual, _ = Expression.parse("distmod(z)").evaluate(z, {})
    other, _ = Expression.parse("distmod(z)").evaluate(z, {"H0": 35.0})
    assert other[0] - usual[0] == pytest.approx(5 * math.log10(2), abs=1e-9)


RESULTS = {
    "f8": ("x", "i / 2", "y + 1", "where(b, i, 2.0)", "abs(x)", "i ** 2", "log10(i)", "distmod(y)"),
    "f4": ("y",),
    "i4": ("i",),
    "i8": ("k", "i + 1", "where(b, i, 2)", "abs(i)", "-i", "minimum(i, k)", "i % 3"),
    "u8": ("u",),
    "U": ("t", "where(b, t, 'none')", "coalesce(t, '?')"),
    "?": ("b", "x > 1", "t = 'a'", "not b", "x is null"),
}


@pytest.mark.parametrize(("text", "dtype"), [(text, dtype) for dtype, texts in RESULTS.items() for text in texts])
def test_result_dtype(text: str, dtype: str) -> None:
    assert Expression.parse(text).result_dtype(DTYPES) == dtype
    values, _ = Expression.parse(text).evaluate(COLUMNS, {})
    assert values.dtype == np.dtype(dtype) or (dtype == "U" and values.dtype.kind == "S")


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("array(t)", "criterion_types", 0),
        ("null", "criterion_types", 0),
        ("x + t", "criterion_types", 4),
        ("x + b", "criterion_types", 4),
        ("log10(t)", "criterion_types", 6),
        ("where(x, 1, 2)", "criterion_types", 6),
        ("where(b, 1, 'a')", "criterion_types", 0),
        ("where(b, 1, b)", "criterion_types", 0),
        ("b < true", "criterion_types", 2),
        ("x = 'a'", "criterion_types", 2),
        ("x = null", "criterion_types", 4),
        ("redshfit + 1", "unknown_attribute", 0),
    ],
)
def test_types_are_refused_before_data(text: str, code: str, position: int) -> None:
    with pytest.raises(LanguageError) as caught:
        Expression.parse(text).result_dtype({**DTYPES, "redshift": "f8"})
    assert caught.value.code == code
    assert caught.value.position == position
    if code == "unknown_attribute":
        assert isinstance(caught.value, UnknownAttribute)
        assert "redshift" in caught.value.message


UNITS = {
    "m": "mag",
    "n": "mag",
    "z": "",
    "d": "pc",
    "e": "kpc",
    "f": "Jy",
    "ra": "deg",
    "q": "?",
    "w": "no such unit",
    "t": "s",
}


@pytest.mark.parametrize(
    ("text", "declared", "unit", "unchecked"),
    [
        ("m - n", "mag", "mag", ()),
        ("m - distmod(z) + 1.25*log10(1+z)", "mag", "mag", ()),
        ("q - distmod(z) + 1.25*log10(1+z)", "mag", "mag", ("q",)),
        ("m - distmod(q)", "mag", "mag", ("q",)),
        ("m - 5*log10(d / 10 pc)", "mag", "mag", ()),
        ("-2.5 * log10(f / 3631 Jy)", "mag", "mag", ()),
        ("power(10, -0.4 * (m - n))", "", "", ()),
        ("f * power(10, 0.4 * m)", "Jy", "Jy", ()),
        ("w + 1", "km", "km", ("w",)),
        ("d / e * 2", "?", "pc/kpc", ()),
        ("q", "?", "?", ("q",)),
        ("m + 1", "?", "mag", ()),
        ("sin(deg2rad(ra))", "", "", ()),
        ("rad2deg(arcsin(z))", "deg", "deg", ()),
        ("sqrt(d * d)", "pc", "pc", ()),
        ("d ** 2", "pc2", "pc2", ()),
        ("d ** 2", "pc**2", "pc**2", ()),
        ("where(d > 5, d, 3 pc)", "pc", "pc", ()),
        ("coalesce(m, 99)", "mag", "mag", ()),
        ("minimum(d, 0)", "pc", "pc", ()),
        ("lumdist(z)", "Mpc", "Mpc", ()),
        ("d / t", "pc/s", "pc/s", ()),
        ("d < 3 pc and m > 2", "", "", ()),
        ("abs(m) % 2", "mag", "mag", ()),
        ("hypot(d, d)", "pc", "pc", ()),
        ("arctan2(d, d)", "rad", "rad", ()),
        ("3 * 2", "km", "km", ()),
        ("d * 70 [km/s/Mpc]", "?", None, ()),
    ],
)
def test_units_pass(text: str, declared: str, unit: str | None, unchecked: tuple[str, ...]) -> None:
    found = Expression.parse(text).check_units(UNITS, declared)
    assert found.unchecked == unchecked
    if unit is not None:
        from astropy.units import Unit

        assert found.unit == unit or Unit(found.unit) == Unit(unit)


@pytest.mark.parametrize(
    ("text", "declared", "position", "says"),
    [
        ("log10(d)", "", 6, "1 pc"),
        ("log10(d / 10)", "", 8, "[pc]"),
        ("m - 5*log10(e / 10 pc)", "mag", 14, "1000"),
        ("m + d", "mag", 4, "[pc]"),
        ("d + e", "pc", 4, "0.001"),
        ("d + 5", "pc", 4, "5 pc"),
        ("d + m", "pc", 4, "[mag]"),
        ("z + m", "?", None, ""),
        ("d * 2", "kpc", 2, "multiply by 0.001"),
        ("d", "mag", 0, "another dimension"),
        ("m", "", 0, "[mag]"),
        ("z", "pc", 0, "another dimension"),
        ("sin(ra)", "", 4, "deg2rad(ra)"),
        ("exp(d)", "", 4, "[pc]"),
        ("power(d, z)", "pc", 9, "constant"),
        ("power(2, d)", "", 9, "[pc]"),
        ("distmod(d)", "mag", 8, "[pc]"),
        ("where(z > 1, d, e)", "pc", 16, "0.001"),
        ("d > e", "", 4, "0.001"),
        ("d in (1 pc, 2 s)", "", 12, "[s]"),
        ("d", "no such unit", 0, "no such unit"),
        ("d + 1 [flurb]", "pc", 4, "flurb"),
    ],
)
def test_units_are_refused(text: str, declared: str, position: int | None, says: str) -> None:
    if position is None:
        assert Expression.parse(text).check_units(UNITS, declared).unit == "mag"
        return
    with pytest.raises(UnitMismatch) as caught:
        Expression.parse(text).check_units(UNITS, declared)
    assert caught.value.code == "unit_mismatch"
    assert caught.value.position == position
    assert says in caught.value.message


def test_a_constant_expression_needs_a_count() -> None:
    with pytest.raises(LanguageError):
        Expression.parse("1 + 1").evaluate({}, {})
    values, _ = Expression.parse("1 + 1").evaluate({}, {}, 3)
    assert values.tolist() == [2, 2, 2]


def test_an_exponent_may_be_of_attributes() -> None:
    flux = Expression.parse("10 ** (-0.4 * mag)")
    values, null = flux.evaluate({"mag": (np.array([0.0, 2.5, np.nan]), None)})
    assert values[:2].tolist() == pytest.approx([1.0, 0.1])
    assert null is not None
    assert null.tolist() == [False, False, True]
    with pytest.raises(LanguageError, match="exponent"):
        Expression.parse("mag ** 9 ** 9 ** 9")
