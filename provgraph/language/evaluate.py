"""Values of a tree for a block of sources: Kleene logic, exact integers, NULL wherever something is undefined.

Floats carry their nulls as NaN, because in this language NaN is null; integers, booleans and text carry a mask beside them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from provgraph.language.functions import FUNCTIONS
from provgraph.language.nodes import (
    All,
    Arithmetic,
    Call,
    Compare,
    In,
    IsNull,
    Name,
    Negate,
    Node,
    Not,
    Null,
    Number,
    Text,
    Truth,
    names,
)  # fmt: skip
from provgraph.language.nodes import Any as AnyOf
from provgraph.language.regions import REGIONS, in_cone, region

Array = np.ndarray[Any, Any]
Values = tuple[Array, Array | None]

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_LARGEST: Final = 2**63 - 1
_MOST_SINGLE: Final = 6  # so many constants of a list are compared one by one; more are searched


class Value(NamedTuple):
    """kind : 'f' float (NaN is null), 'i' integer, 'b' boolean, 't' text, 'n' null itself.

    data : ndarray, shape (n,), or a Python scalar for a constant; float64 or a column's own float dtype for 'f'.
    null : ndarray of bool, True for a constant null, or None; always None for 'f'.
    """

    kind: str
    data: Any
    null: Any = None


NULL: Final = Value("n", None, True)


def either(a: Any, b: Any) -> Any:
    """The union of two null masks, either of which may be None."""
    return b if a is None else a if b is None else a | b


class Evaluation:
    """Evaluates trees over one block. columns : by the names that stand in the tree; parameters : of the functions."""

    def __init__(self, columns: Mapping[str, Values], parameters: Mapping[str, float]) -> None:
        self.columns = columns
        self.parameters = dict(parameters)
        self.doubles: dict[str, Array] = {}

    def truth(self, node: Node) -> Any:
        """Where `node` is TRUE: ndarray of bool, or one bool where it reads no column."""
        match node:
            case All(terms):
                return self.every(terms)
            case AnyOf(terms):
                result = self.truth(terms[0])
                for term in terms[1:]:
                    result = result | self.truth(term)
                return result
            case Compare(said, Name() as name, Number(bound)):
                return self.threshold(said, name, bound)
        value = self.of(node)
        if value.kind == "n":
            return np.False_
        if value.null is not None:
            return value.data & ~value.null
        # A copy where the answer is the column itself: callers may write into what they get.
        return np.array(value.data, dtype=bool)[()] if isinstance(node, Name | IsNull) else value.data

    def every(self, terms: tuple[Node, ...]) -> Any:
        """Thresholds first; costly terms are then evaluated on what is left, if that is little."""
        result: Any = np.True_
        for term in sorted(terms, key=_is_costly):
            if isinstance(result, np.ndarray) and _is_costly(term):
                left = np.flatnonzero(result)
                if len(left) * 4 < len(result):
                    if len(left):
                        result[left] = self.at(left, names(term)).truth(term)
                    continue
            found = self.truth(term)
            if isinstance(result, np.ndarray) and isinstance(found, np.ndarray):
                result &= found
            else:
                result = found if result is np.True_ else found & result
        return result

    def at(self, positions: Array, used: tuple[str, ...]) -> Evaluation:
        """The evaluation of some of the sources, for a term that uses some of the columns."""
        given = ((name, *self.columns[name]) for name in used)
        taken = {n: (v[positions], None if m is None else m[positions]) for n, v, m in given}
        return Evaluation(taken, self.parameters)

    def threshold(self, said: str, name: Name, bound: int | float) -> Any:
        """A column against a number: one comparison by numpy, which casts a Python number to the column's dtype."""
        values, null = self.columns[name.name]
        if values.dtype.kind in "iu" and isinstance(bound, float):
            result, _ = _integer_with_float(said, values, bound)
        elif said == "!=" and values.dtype.kind == "f":
            # The only comparison that numpy calls true for NaN.
            result = (values < bound) | (values > bound)
        else:
            result = _OPERATORS[said](values, bound)
        if null is not None:
            result &= ~null
        return result

    def of(self, node: Node) -> Value:
        match node:
            case Name(name):
                return self.column(name)
            case Number(number, _):
                if isinstance(number, int) and abs(number) > _LARGEST:
                    return Value("f", float(number))
                return Value("i" if isinstance(number, int) else "f", number)
            case Text(text):
                return Value("t", text)
            case Truth(truth):
                return Value("b", np.bool_(truth))
            case Null():
                return NULL
            case Negate(term):
                return self.negate(self.of(term))
            case Arithmetic(said, left, right):
                return self.arithmetic(said, self.of(left), self.of(right))
            case Compare(said, left, right):
                return self.compare(said, self.side(left), self.side(right))
            case In(term, items):
                return self.member(self.side(term), [self.side(i) for i in items])
            case IsNull(term):
                return Value("b", self.is_null(self.side(term)))
            case Not(term):
                value = self.of(term)
                return value if value.kind == "n" else Value("b", ~value.data, value.null)
            case All(terms) | AnyOf(terms):
                return self.connect(terms, isinstance(node, All))
            case Call(function, arguments):
                return self.call(function, arguments)
        raise TypeError(f"not a node: {node!r}")

    def column(self, name: str) -> Value:
        values, null = self.columns[name]
        match values.dtype.kind:
            case "f":
                if name not in self.doubles:
                    doubles = values.astype(np.float64, copy=False)
                    self.doubles[name] = doubles if null is None else np.where(null, np.nan, doubles)
                return Value("f", self.doubles[name])
            case "u" if values.dtype.itemsize == 8:
                return Value("i", values, null)
            case "i" | "u":
                return Value("i", values.astype(np.int64, copy=False), null)
            case "b":
                return Value("b", values, null)
        return Value("t", values, null)

    def side(self, node: Node) -> Value:
        """One side of a comparison. A column keeps its own dtype, so that numpy casts the constant beside it, not the column."""
        if isinstance(node, Name):
            values, null = self.columns[node.name]
            if values.dtype.kind in "fiu":
                kind = "f" if values.dtype.kind == "f" else "i"
                if kind == "f" and null is not None:
                    values, null = np.where(null, values.dtype.type(np.nan), values), None
                return Value(kind, values, null)
        if isinstance(node, Number):
            return Value("i" if isinstance(node.value, int) else "f", node.value)  # numpy compares integers of any size
        value = self.of(node)
        # Numpy casts a Python number to the dtype beside it, and casts the column to the dtype of a numpy one.
        if value.kind in "if" and np.ndim(value.data) == 0 and isinstance(value.data, np.generic | np.ndarray):
            return Value(value.kind, value.data.item(), value.null)
        return value

    def is_null(self, value: Value) -> Any:
        if value.kind == "n":
            return np.True_
        if value.kind == "f":
            return np.isnan(value.data)
        if value.null is None:
            return np.zeros(np.shape(value.data), dtype=bool) if np.ndim(value.data) else np.False_
        return value.null

    def compare(self, said: str, left: Value, right: Value) -> Value:
        if "n" in (left.kind, right.kind):
            return NULL
        null = either(left.null, right.null)
        if left.kind == "f" and isinstance(right.data, int):
            right = Value("f", float(right.data), right.null)
        elif right.kind == "f" and isinstance(left.data, int):
            left = Value("f", float(left.data), left.null)
        kinds = left.kind + right.kind
        if kinds == "tt":
            a, b = _same_text(left.data, right.data)
            return Value("b", np.asarray(_OPERATORS[said](a, b)), null)
        if kinds == "if":
            result, unknown = _integer_with_float(said, left.data, right.data)
            return Value("b", result, either(null, unknown))
        if kinds == "fi":
            flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(said, said)
            result, unknown = _integer_with_float(flipped, right.data, left.data)
            return Value("b", result, either(null, unknown))
        if kinds == "ff":
            for side in (left, right):
                if isinstance(side.data, np.ndarray) or np.isnan(side.data):
                    unknown = np.isnan(side.data)
                    null = either(null, unknown if unknown.any() else None)
        return Value("b", np.asarray(_OPERATORS[said](left.data, right.data)), null)

    def member(self, term: Value, items: list[Value]) -> Value:
        unknown = any(i.kind == "n" or (i.kind == "f" and np.isnan(i.data)) for i in items)
        known = [i for i in items if i.kind != "n"]
        whole = term.kind == "i" and all(i.kind == "i" for i in known)
        result = Value("b", np.False_)
        if term.kind == "t" and isinstance(term.data, np.ndarray) and len(known) > _MOST_SINGLE:
            result = Value("b", np.isin(*_same_text(term.data, [i.data for i in known])), term.null)
        elif isinstance(term.data, np.ndarray) and len(known) > _MOST_SINGLE and (term.kind == "f" or whole):
            null = self.is_null(term) if term.kind == "f" else term.null
            result = Value("b", np.isin(term.data, _representable([i.data for i in known], term.data.dtype)), null)
        else:
            for item in known:
                found = self.compare("=", term, item)
                result = Value("b", result.data | found.data, either(result.null, found.null))
        if unknown:
            # x in (1, null) is true for 1 and null for everything else.
            result = Value("b", result.data, either(result.null, ~result.data))
        return result

    def connect(self, terms: tuple[Node, ...], every: bool) -> Value:
        """Kleene's and, or: FALSE (TRUE) decides alone; else one NULL makes NULL."""
        decided: Any = np.False_
        unknown: Any = None
        for term in terms:
            value = self.of(term)
            null = value.null
            data = np.False_ if value.kind == "n" else value.data
            if value.kind == "n":
                null = np.True_
            decides = ~data if every else data
            decided = decided | (decides if null is None else decides & ~null)
            unknown = either(unknown, null)
        data = ~decided if every else decided
        return Value("b", data, None if unknown is None else unknown & ~decided)

    def double(self, value: Value) -> Any:
        if value.kind == "n":
            return np.float64(np.nan)
        if value.kind == "f":
            return value.data if isinstance(value.data, np.ndarray) else np.float64(value.data)
        doubles = np.asarray(value.data, dtype=np.float64)[()]
        return doubles if value.null is None else np.where(value.null, np.nan, doubles)

    def negate(self, value: Value) -> Value:
        if value.kind == "i":
            return self.arithmetic("-", Value("i", 0), value)
        return value if value.kind == "n" else Value("f", -self.double(value))

    def arithmetic(self, said: str, left: Value, right: Value) -> Value:
        if "n" in (left.kind, right.kind):
            return NULL
        if left.kind == right.kind == "i" and said in ("+", "-", "*", "%"):
            return _integers(said, left, right)
        a, b = self.double(left), self.double(right)
        match said:
            case "+":
                result = a + b
            case "-":
                result = a - b
            case "*":
                result = a * b
            case "/":
                result = a / b
                if np.any(zero := b == 0):  # also for inf / 0, which IEEE 754 calls inf
                    result = np.where(zero, np.nan, result)
            case "%":
                result = np.mod(a, b)
            case _:
                result = FUNCTIONS["power"].compute(a, b)  # type: ignore[misc]
        return Value("f", _defined(result, a, b))

    def call(self, name: str, arguments: tuple[Node, ...]) -> Value:
        if name == "complement":
            return Value("b", ~np.asarray(self.truth(arguments[0])))
        if name in REGIONS:
            return self.region(name, [self.double(self.of(a)) for a in arguments])
        values = [self.of(a) for a in arguments]
        if name == "spread":
            return self.spread(*values)
        if name == "where":
            return self.where(*values)
        if name == "coalesce":
            result = values[0]
            for value in values[1:]:
                result = self.choose(~np.asarray(self.is_null(result)), result, value)
            return result
        function = FUNCTIONS[name]
        assert function.compute is not None
        if function.gives == "same" and all(v.kind == "i" for v in values):
            return self.whole(name, function.compute, values)
        doubles = [self.double(v) for v in values]
        extra = ({k: self.parameters.get(k, d) for k, d in function.parameters},) if function.parameters else ()
        return Value("f", _defined(function.compute(*doubles, *extra), *doubles))

    def spread(self, of: Value, seed: Value) -> Value:
        """A fixed place in [0, 1) for each identifier: its bits, mixed (splitmix64) with those of the seed."""
        if of.kind == "n":
            return Value("f", np.float64(np.nan))
        data = np.asarray(of.data)
        with np.errstate(over="ignore"):
            bits = (
                _text_bits(encoded(data))
                if of.kind == "t"
                else data.astype(np.int64 if data.dtype.kind != "u" else data.dtype)
            )
            mixed = _mixed(bits.astype(np.uint64) + _mixed(np.asarray(seed.data, np.uint64) + _GOLDEN))
        places = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return Value("f", places if of.null is None else np.where(of.null, np.nan, places))

    def whole(self, name: str, compute: Callable[..., Array], values: list[Value]) -> Value:
        """Integers stay integers: what rounds leaves them alone."""
        if name in ("floor", "ceil", "round"):
            return values[0]
        values = [_signed(v) for v in values]
        null = None
        for value in values:
            null = either(null, value.null)
        integers = [v.data for v in values]
        if name == "abs":
            smallest = integers[0] == -_LARGEST - 1
            null = either(null, smallest if smallest.any() else None)
        return Value("i", compute(*integers), null)

    def where(self, condition: Value, first: Value, second: Value) -> Value:
        if condition.kind == "n":
            return NULL
        chosen = self.choose(np.asarray(condition.data), first, second)
        if condition.null is None or chosen.kind == "n":
            return chosen
        if chosen.kind == "f":
            return Value("f", np.where(condition.null, np.nan, chosen.data))
        return Value(chosen.kind, chosen.data, either(chosen.null, condition.null))

    def choose(self, mask: Any, first: Value, second: Value) -> Value:
        """`first` where the mask is set, else `second`."""
        kinds = {first.kind, second.kind} - {"n"}
        if not kinds:
            return NULL
        if "f" in kinds:
            return Value("f", np.where(mask, self.double(first), self.double(second)))
        kind = kinds.pop()
        if kind == "i":
            first, second = (v if v.kind == "n" else _signed(v) for v in (first, second))
        a, b = (first if first.kind != "n" else second).data, (second if second.kind != "n" else first).data
        if kind == "t":
            a, b = _same_text(a, b)
        null = None
        if first.null is not None or second.null is not None:
            null = np.where(
                mask, first.null if first.null is not None else False, second.null if second.null is not None else False
            )
        return Value(kind, np.where(mask, a, b), null)

    def region(self, name: str, values: list[Any]) -> Value:
        """In a region of the sky. values : ra, dec and the numbers of the region, in degrees."""
        ra, dec, *numbers = values
        unknown = np.isnan(ra) | np.isnan(dec)
        if any(np.ndim(n) for n in numbers):  # a cone around another centre for each source
            inside = np.asarray(in_cone(ra, dec, *numbers) & (np.abs(dec) <= 90))
            unknown = unknown | np.any([np.isnan(n) for n in np.broadcast_arrays(*numbers)], axis=0)
        else:
            known = region(name, tuple(float(n) for n in numbers))
            inside = known.holds(*np.broadcast_arrays(*map(np.atleast_1d, (ra, dec))))
            inside = inside.reshape(np.broadcast_shapes(np.shape(ra), np.shape(dec)))
        return Value("b", inside, unknown if np.any(unknown) else None)


def _is_costly(node: Node) -> bool:
    """Whether a term is more than a threshold on a column."""
    match node:
        case Compare(_, Name(), Number() | Text()) | Name() | Truth():
            return False
        case Not(term) | IsNull(term) | In(term, _):
            return _is_costly(term)
        case All(terms) | AnyOf(terms):
            return any(_is_costly(t) for t in terms)
    return True


def _defined(result: Any, *inputs: Any) -> Any:
    """`result` with NaN where it is infinite though no input is: 1/0 and log10(0) have no value here."""
    infinite = np.isinf(result)
    if not infinite.any():
        return result
    for value in inputs:
        infinite = infinite & ~np.isinf(value)
    return np.where(infinite, np.nan, result)


def _representable(constants: list[Any], dtype: Any) -> Array:
    """Those of the constants that a column of this dtype can hold, as it holds them."""
    if dtype.kind == "f":
        return np.array(constants, dtype=np.float64).astype(dtype)
    limits = np.iinfo(dtype)
    return np.array([c for c in constants if limits.min <= c <= limits.max], dtype=dtype)


def _signed(value: Value) -> Value:
    """An integer as int64; the upper half of uint64 does not fit and is NULL."""
    data = np.asarray(value.data)
    if data.dtype != np.uint64:
        return Value("i", data.astype(np.int64, copy=False), value.null)
    beyond = data > _LARGEST
    return Value("i", data.astype(np.int64), either(value.null, beyond if beyond.any() else None))


def _integers(said: str, left: Value, right: Value) -> Value:
    """Arithmetic in 64 bits; what does not fit is NULL, never a wrong number."""
    left, right = _signed(left), _signed(right)
    a, b = left.data, right.data
    null = either(left.null, right.null)
    match said:
        case "+":
            result = a + b
            wrong = ((a ^ result) & (b ^ result)) < 0
        case "-":
            result = a - b
            wrong = ((a ^ b) & (a ^ result)) < 0
        case "*":
            result = a * b
            wrong = np.abs(a.astype(np.float64) * b.astype(np.float64)) > 9.2e18
            if np.any(wrong):  # rare: those near the limit are decided in Python's integers
                exact = a.astype(object) * b.astype(object)
                wrong = np.asarray((exact > _LARGEST) | (exact < -_LARGEST - 1), dtype=bool)
        case _:
            wrong = b == 0
            result = np.mod(a, np.where(wrong, 1, b))
    return Value("i", result, either(null, wrong if np.any(wrong) else None))


def _integer_with_float(said: str, integers: Any, floats: Any) -> tuple[Any, Any]:
    """Compares integers with floats exactly: the float is rounded to the integer that decides, never the integer to a float.

    Returns the answers and where the float is NaN (None if nowhere).
    """
    integers = np.asarray(integers)
    f = np.asarray(floats, dtype=np.float64)
    least, most = (
        (0.0, 2.0**64) if integers.dtype.kind == "u" and integers.dtype.itemsize == 8 else (-(2.0**63), 2.0**63)
    )
    unknown, low, high = np.isnan(f), f < least, f >= most
    if integers.dtype.kind == "u" and most == 2.0**63:
        integers = integers.astype(np.int64)
    exact = np.where(unknown | low | high, 0.0, f)
    whole = np.uint64 if most == 2.0**64 else np.int64
    down, up = np.floor(exact).astype(whole), np.ceil(exact).astype(whole)
    if integers.dtype.itemsize < 8:
        integers = integers.astype(np.int64)
    match said:
        case "<":
            result = integers < up
        case "<=":
            result = integers <= down
        case ">":
            result = integers > down
        case ">=":
            result = integers >= up
        case "=":
            result = (integers == down) & (down == up)
        case _:
            result = (integers != down) | (down != up)
    if np.any(low) or np.any(high):
        result = np.where(high, said in ("<", "<=", "!="), np.where(low, said in (">", ">=", "!="), result))
    return result, (np.broadcast_to(unknown, np.shape(result)) if np.any(unknown) else None)


def _same_text(left: Any, right: Any) -> tuple[Any, Any]:
    """Two texts in one encoding: a constant follows the column; UTF-8 bytes sort as their characters do."""
    a, b = np.asarray(left), np.asarray(right)
    if a.dtype.kind == b.dtype.kind == "U" or a.dtype.kind == b.dtype.kind == "S":
        return a, b
    return encoded(a), encoded(b)


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def _mixed(bits: Array) -> Array:
    """The finalizer of splitmix64: every bit of the result depends on every bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _text_bits(texts: Array) -> Array:
    """FNV-1a over the bytes of each text; how wide the column is stored makes no difference."""
    width = texts.dtype.itemsize
    letters = (
        np.ascontiguousarray(texts).reshape(-1).view(np.uint8).reshape(-1, width)
        if width
        else np.zeros((texts.size, 0), "u1")
    )
    found = np.full(len(letters), np.uint64(0xCBF29CE484222325))
    for position in range(width):
        letter = letters[:, position]
        found = np.where(letter != 0, (found ^ letter) * np.uint64(0x100000001B3), found)
    return found.reshape(texts.shape)


def encoded(values: Array) -> Array:
    """Text as UTF-8 bytes."""
    if values.dtype.kind == "S":
        return values
    if values.dtype.kind != "U":
        values = values.astype("U")
    return np.char.encode(values, "utf-8")
