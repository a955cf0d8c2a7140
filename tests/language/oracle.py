"""A slow, obvious evaluator of criteria: one source at a time, three values, Python's exact numbers. It shares no code with the
language; what it evaluates are the nested tuples that `criteria` draws, and `spelled` writes them as text."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from provgraph.schema.attribute import Attribute

ATTRIBUTES = {
    a.name: a
    for a in (
        Attribute("x", "f8", "", origin="o:11"),
        Attribute("y", "f4", "", origin="o:22"),
        Attribute("i", "i4", "", origin="o:33"),
        Attribute("k", "i8", "", origin="o:44"),
        Attribute("u", "u8", "", origin="o:55"),
        Attribute("t", "U", "", origin="o:66"),
        Attribute("b", "?", "", origin="o:77"),
        Attribute("ra", "f8", "deg", ucd="pos.eq.ra;meta.main", origin="o:88"),
        Attribute("dec", "f8", "deg", ucd="pos.eq.dec;meta.main", origin="o:99"),
    )
}
NUMBERS = ("x", "y", "i", "k", "u")
OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}

CONSTANTS = (
    *("0", "-0.0", "1", "-1", "2.5", "-2.5", "0.1", "20.1", "3", "0x1.8p+1", "1e300", "-1e300", "inf", "-inf", "null"),
    *("16777217", "2147483647", "-2147483648", "9007199254740993", "9007199254740992.0", "9223372036854775807"),
    *("18446744073709551615", "1e19", "99999999999999999999"),
)
TEXTS = ("'a'", "'b'", "''", "'Sérsic'", '"it\'s"', "'日本'")

nan = math.nan
BIG = 2**53  # the next integer is no float64
ROWS: dict[str, list[Any]] = {
    "x": [0.0, -0.0, nan, None, math.inf, -math.inf, 0.1, 2.5, -2.5, 1e300, 20.1, 9007199254740992.0, 3.0, 1.0, 1e19, -1.0],
    "y": [0.1, 20.1, nan, None, math.inf, -math.inf, 0.0, 2.5, 3.0, -1.0, 16777216.0, 1.0, -2.5, 3.0, 20.1, None],
    "i": [0, 1, None, 2, 3, -1, -2, 2147483647, -2147483648, 3, 1, None, 0, -3, 2, 1],
    "k": [BIG + 1, BIG, None, 0, 1, 2**63 - 1, -(2**63), 3, -1, 2, 2**24 + 1, 2, None, 0, 3, 1],
    "u": [0, 2**64 - 1, None, BIG + 1, 3, 2, 1, 2**63 - 1, 2**24 + 1, 0, 1, 2, 3, None, 20, 1],
    "t": ["a", "b", None, "", "Sérsic", "it's", "日本", "a", "B", "aa", None, "b", "", "z", "é", "a"],
    "b": [True, False, None, True, None, False, True, True, False, None, True, False, True, False, None, True],
    "ra": [0.0, 359.9999, 10.0, nan, None, 180.0, 0.0001, 90.0, 270.0, 10.001, 45.0, 10.0, 123.4, 200.0, 359.0, 1.0],
    "dec": [0.0, 0.0, 20.0, 20.0, 20.0, 0.0, 89.9999, 90.0, -90.0, 20.001, 45.0, nan, None, -20.0, 0.5, -0.5],
}  # fmt: skip
N = 16


def columns(texts: str = "S") -> dict[str, tuple[Any, Any]]:
    """The rows as the language gets them, by origin; what lies under a null is chosen to mislead."""
    made: dict[str, tuple[Any, Any]] = {}
    for name, attribute in ATTRIBUTES.items():
        cells = ROWS[name]
        null = np.array([c is None for c in cells])
        if name == "t":
            values = np.array(["a" if c is None else c for c in cells])
            values = np.char.encode(values, "utf-8") if texts == "S" else values
        else:
            values = np.array([1 if c is None else c for c in cells], dtype=attribute.dtype)
        made[attribute.origin] = (values, null if null.any() else None)
    return made


def cell(name: str, row: int) -> Any:
    value = ROWS[name][row]
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if name == "y":
            return float(np.float32(value))
    return value


def number(text: str, beside: str = "") -> Any:
    """A constant, as the column `beside` it casts it."""
    if text == "null":
        return None
    value: Any = float.fromhex(text) if "x" in text else int(text) if text.lstrip("-").isdecimal() else float(text)
    if beside == "y":
        with np.errstate(over="ignore"):
            return float(np.float32(float(value)))
    return float(value) if beside == "x" else value


def decode(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def separation(ra: float, dec: float, ra0: float, dec0: float) -> float:
    """Angle between two directions in degrees, from their vectors."""
    # Only the difference of right ascensions counts: 370 is 10, exactly.
    a, d, a0, d0 = (math.radians(v) for v in (0.0, dec, math.remainder(ra0 - ra, 360), dec0))
    one = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
    two = np.array([math.cos(d0) * math.cos(a0), math.cos(d0) * math.sin(a0), math.sin(d0)])
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(one, two))), float(one @ two)))


def compare(op: str, left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else OPERATORS[op](left, right)


def both(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def negate(a: bool | None) -> bool | None:
    return None if a is None else not a


def truth(node: tuple[Any, ...], row: int) -> bool | None:
    """TRUE, FALSE or NULL of a drawn criterion for one source."""
    match node:
        case ("compare", name, op, text, _, _):
            return compare(op, cell(name, row), number(text, name))
        case ("text", op, text, _):
            return compare(op, cell("t", row), decode(text))
        case ("columns", left, op, right):
            return compare(op, cell(left, row), cell(right, row))
        case ("between", name, low, high, negated):
            found = both(
                truth(("compare", name, ">=", low, 0, 0), row), truth(("compare", name, "<=", high, 0, 0), row)
            )
            return negate(found) if negated else found
        case ("in", name, items, negated):
            value, found = cell(name, row), False
            for item in items:
                equal = compare("=", value, decode(item) if name == "t" and item != "null" else number(item, name))
                found = negate(both(negate(found), negate(equal)))
            return negate(found) if negated else found
        case ("null", name, negated, _):
            return (cell(name, row) is None) != negated
        case ("flag", equals):
            value = cell("b", row)
            return value if equals in ("", "= true", "!= false") else negate(value)
        case ("sum", left, right, op, text):
            a, b, c = cell(left, row), cell(right, row), number(text)
            if a is None or b is None or c is None:
                return None
            total = float(a) + float(b)
            made = math.isnan(total) or (math.isinf(total) and not math.isinf(a) and not math.isinf(b))
            return None if made else compare(op, total, c if math.isinf(c) or isinstance(c, float) else float(c))
        case ("within", ra0, dec0, radius, _):
            ra, dec = cell("ra", row), cell("dec", row)
            return None if ra is None or dec is None else separation(ra, dec, ra0, dec0) <= radius
        case ("unknown", inner):
            return truth(inner, row) is None
        case ("not", inner, _):
            return negate(truth(inner, row))
        case ("and", terms, _):
            result: bool | None = True
            for term in terms:
                result = both(result, truth(term, row))
            return result
        case ("or", terms, _):
            return negate(truth(("and", [("not", t, 0) for t in terms], 0), row))
        case ("complement", inner):
            return truth(inner, row) is not True
    raise TypeError(node)


def spelled(node: tuple[Any, ...]) -> str:
    """The text of a drawn criterion, in the spelling that was drawn with it."""
    match node:
        case ("compare", name, op, text, flipped, style):
            op = {"=": ("=", "=="), "!=": ("!=", "<>")}.get(op, (op, op))[style] if op in "=!=" else op
            return f"{text} {FLIP.get(op, op)} {name}" if flipped else f"{name} {op} {text}"
        case ("text", op, text, flipped):
            return f"{text}{FLIP[op]}t" if flipped else f"t {op} {text}"
        case ("columns", left, op, right):
            return f"{left} {op} {right}"
        case ("between", name, low, high, negated):
            return f"{name} {'not ' * negated}between {low} and {high}"
        case ("in", name, items, negated):
            return f"{name} {'NOT ' * negated}in ({', '.join(items)})"
        case ("null", name, negated, style):
            if style:
                return f"{'not ' * negated}isnull({name})"
            return f"`{name}` is {'not ' * negated}null"
        case ("flag", equals):
            return f"not b {equals}" if equals == "flip" else f"b {equals}"
        case ("sum", left, right, op, text):
            return f"{left} * 1.0 + {right} {op} {text}"
        case ("within", ra0, dec0, radius, named):
            return f"within({'ra, dec, ' * named}{ra0!r}, {dec0!r}, {radius!r})"
        case ("unknown", inner):
            return f"({spelled(inner)}) is null"
        case ("not", inner, style):
            return f"{('not ', '~')[style]}({spelled(inner)})"
        case ("and" | "or" as word, terms, style):
            word = word if style == 0 else {"and": "&", "or": "|"}[word]
            return f" {word} ".join(f"({spelled(t)})" for t in terms)
        case ("complement", inner):
            return f"complement({spelled(inner)})"
    raise TypeError(node)


_op = st.sampled_from(sorted(OPERATORS))
_name = st.sampled_from(NUMBERS)
_plain = st.sampled_from([c for c in CONSTANTS if c != "null"])
_two = st.integers(0, 1)
_flag = st.booleans()

ATOMS = st.one_of(
    st.tuples(st.just("compare"), _name, _op, _plain, _flag, _two),
    st.tuples(st.just("compare"), _name, _op, _plain, _flag, _two),
    st.tuples(st.just("text"), _op, st.sampled_from(TEXTS), _flag),
    st.tuples(st.just("columns"), _name, _op, _name),
    st.tuples(st.just("between"), _name, _plain, _plain, _flag),
    st.tuples(st.just("in"), _name, st.lists(st.sampled_from(CONSTANTS), min_size=1, max_size=9), _flag),
    st.tuples(st.just("in"), st.just("t"), st.lists(st.sampled_from([*TEXTS, "null"]), min_size=1, max_size=9), _flag),
    st.tuples(st.just("null"), st.sampled_from(sorted(ROWS)), _flag, _two),
    st.tuples(st.just("flag"), st.sampled_from(["", "= true", "= false", "!= true", "!= false"])),
    st.tuples(st.just("sum"), _name, _name, _op, _plain),
    st.tuples(
        st.just("within"),
        st.sampled_from([0.0, 10.0, 359.9999, -0.5, 370.0]),
        st.sampled_from([0.0, 20.0, 90.0, -90.0, 0.25]),
        st.sampled_from([0.0, 0.00015, 0.01, 1.5, 95.0, 180.0, 200.0]),
        _flag,
    ),
)
CRITERIA = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner, _two),
        st.tuples(st.just("and"), st.lists(inner, min_size=2, max_size=3), _two),
        st.tuples(st.just("or"), st.lists(inner, min_size=2, max_size=3), _two),
        st.tuples(st.just("complement"), inner),
        st.tuples(st.just("unknown"), inner),
    ),
    max_leaves=7,
)
