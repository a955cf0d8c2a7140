"""The executable specification of the operators and of criteria: one source at a time, in Python's exact numbers.

Nothing here is fast and nothing looks further than the catalogs of its parents. It shares the grammar with the language, and
nothing that normalises, casts, evaluates in arrays or executes plans. None stands for NULL; NaN is a value that every condition
takes for NULL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.language import nodes
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
)
from provgraph.language.parser import CANONICAL, parse
from provgraph.language.tokens import Written
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateAttributes,
    ConcatenateSources,
    External,
    FilterSources,
    Pass,
    RelabelSources,
    RenameAttributes,
    SelectAttributes,
    SelectSources,
)
from provgraph.schema.relabelling import LINEAR, Relabelling

Row = Mapping[str, Any]


# -- criteria and expressions, for one source --------------------------------------------------------------------------


def tree(text: str, family: str = "criterion") -> Node:
    return parse(Written(text, family), CANONICAL)


def is_selected(criterion: Node, row: Row, dtypes: Mapping[str, str]) -> bool:
    """Whether a criterion is TRUE: neither FALSE nor NULL. dtypes : numpy type by name; constants are cast to it."""
    return value(criterion, row, dtypes) is True


def value(node: Node, row: Row, dtypes: Mapping[str, str]) -> Any:
    """The value of a part of a criterion or an expression; None is NULL."""

    def of(part: Node) -> Any:
        return value(part, row, dtypes)

    match node:
        case Name(name):
            return _value(row[name])
        case Number(number):
            return number
        case Text(text):
            return text
        case Truth(truth):
            return truth
        case Null():
            return None
        case Negate(term):
            found = of(term)
            return None if found is None else _number(-found, found)
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, of(left), of(right))
        case Compare(operator, left, right):
            a, b = of(left), of(right)
            return _compare(operator, _beside(left, right, a, b, dtypes), _beside(right, left, b, a, dtypes))
        case In(term, items):
            found = of(term)
            equal = [_compare("=", found, _beside(i, term, of(i), found, dtypes)) for i in items]
            return True if True in equal else None if None in equal else False
        case IsNull(term):
            return of(term) is None
        case Not(term):
            found = of(term)
            return None if found is None else not found
        case All(terms):
            each = [of(t) for t in terms]
            return False if False in each else None if None in each else True
        case nodes.Any(terms):
            each = [of(t) for t in terms]
            return True if True in each else None if None in each else False
        case Call("complement", (term,)):
            return of(term) is not True
        case Call("within", (ra, dec, ra0, dec0, radius)):
            at, centre = (of(ra), of(dec)), (of(ra0), of(dec0))
            return None if None in at else _separation(*at, *centre) <= of(radius)
        case Call("box", (ra, dec, *limits)):
            return _in_box(of(ra), of(dec), *(of(limit) for limit in limits))
        case Call("where", (condition, first, second)):
            chosen = of(condition)
            return None if chosen is None else of(first) if chosen else of(second)
        case Call("coalesce", terms):
            return next((v for v in map(of, terms) if v is not None), None)
        case Call(function, arguments):
            each = [of(a) for a in arguments]
            return (
                None
                if None in each
                else _number((_in_polygon if function == "polygon" else FUNCTIONS[function])(*each), *each)
            )
    raise NotImplementedError(type(node).__name__)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    "log10": lambda x: math.log10(x) if x > 0 else math.nan,
    "minimum": min,
    "maximum": max,
    "floor": math.floor,
}


def _value(given: Any) -> Any:
    if isinstance(given, bytes):
        return given.decode()
    return None if isinstance(given, float) and math.isnan(given) else given


def _number(found: Any, *given: Any) -> Any:
    """What is not defined, or does not fit 64 bits, has no value; infinity comes only from infinity."""
    if isinstance(found, int) and not isinstance(found, bool):
        return found if -(2**63) <= found < 2**63 else None
    if isinstance(found, float) and not math.isfinite(found):
        return found if math.isinf(found) and any(isinstance(g, float) and math.isinf(g) for g in given) else None
    return found


def _beside(side: Node, other: Node, found: Any, beside: Any, dtypes: Mapping[str, str]) -> Any:
    """A constant as what is beside it has its values: 20.1 beside a float32 column is the float32 nearest to it."""
    if nodes.names(side) or not nodes.names(other) or not isinstance(found, int | float) or isinstance(found, bool):
        return found
    dtype = np.dtype(dtypes[other.name] if isinstance(other, Name) else "f8" if isinstance(beside, float) else "i8")
    if dtype.kind != "f":
        return found
    with np.errstate(over="ignore"):
        return float(dtype.type(float(found)))


def _compare(operator: str, a: Any, b: Any) -> bool | None:
    if a is None or b is None:
        return None
    match operator:  # Python compares integers with floats exactly, and text by its characters
        case "<":
            return bool(a < b)
        case "<=":
            return bool(a <= b)
        case ">":
            return bool(a > b)
        case ">=":
            return bool(a >= b)
        case "=":
            return bool(a == b)
    return bool(a != b)


def _arithmetic(operator: str, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    try:
        match operator:
            case "+":
                return _number(a + b, a, b)
            case "-":
                return _number(a - b, a, b)
            case "*":
                return _number(a * b, a, b)
            case "/":
                return _number(float(a) / float(b), a, b)
            case "%":
                return _number(a % b, a, b)
        return _number(float(a) ** b, a, b)
    except (ZeroDivisionError, OverflowError):
        return None


def _separation(ra: float, dec: float, ra0: float, dec0: float) -> float:
    """Angle between two directions in degrees, from their vectors."""
    a, d, a0, d0 = (math.radians(v) for v in (0.0, dec, math.remainder(ra0 - ra, 360), dec0))
    one = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
    two = np.array([math.cos(d0) * math.cos(a0), math.cos(d0) * math.sin(a0), math.sin(d0)])
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(one, two))), float(one @ two)))


def _in_polygon(ra: float, dec: float, *vertices: float) -> bool:
    """On the same side of all great circles from each vertex of a convex polygon to the next."""
    corners = [_direction(*pair) for pair in zip(vertices[::2], vertices[1::2], strict=True)]
    sides = [np.cross(a, b) @ _direction(ra, dec) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


def _direction(ra: float, dec: float) -> np.ndarray[Any, Any]:
    a, d = math.radians(ra), math.radians(dec)
    return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])


def _in_box(ra: Any, dec: Any, west: float, east: float, south: float, north: float) -> bool | None:
    if ra is None or dec is None:
        return None
    ra = ra % 360
    along = west <= ra <= east if west <= east else ra >= west or ra <= east
    return bool(along and south <= dec <= north)


# -- catalogs and operators --------------------------------------------------------------------------------------------


class Refused(Exception):
    """What is an error when it is processed."""


@dataclass(frozen=True)
class Catalog:
    """Sources by identifier, each with its values by name. dtypes : numpy type by name, of all attributes, in order."""

    sources: Mapping[Hashable, Row]
    dtypes: Mapping[str, str]

    @property
    def ids(self) -> list[Any]:
        return sorted(self.sources)

    def only(self, ids: Sequence[Any] | set[Any]) -> Catalog:
        return Catalog({i: row for i, row in self.sources.items() if i in ids}, self.dtypes)


def select_attributes(parent: Catalog, names: Sequence[str]) -> Catalog:
    return Catalog(
        {i: {n: row[n] for n in names} for i, row in parent.sources.items()}, {n: parent.dtypes[n] for n in names}
    )


def rename_attributes(parent: Catalog, renamed: Mapping[str, str]) -> Catalog:
    return Catalog(
        {i: {renamed.get(n, n): v for n, v in row.items()} for i, row in parent.sources.items()},
        {renamed.get(n, n): t for n, t in parent.dtypes.items()},
    )


def concatenate_attributes(parents: Sequence[Catalog]) -> Catalog:
    """The sources that all have; of two attributes of one name, which are one attribute, the first."""
    common = set.intersection(*(set(p.sources) for p in parents))
    backwards = list(reversed(parents))
    names = dict.fromkeys(n for p in parents for n in p.dtypes)
    dtypes = {n: t for p in backwards for n, t in p.dtypes.items()}
    rows = {i: {n: v for p in backwards for n, v in p.sources[i].items()} for i in common}
    return Catalog({i: {n: row[n] for n in names} for i, row in rows.items()}, {n: dtypes[n] for n in names})


def filter_sources(parent: Catalog, criterion: Node) -> Catalog:
    return parent.only({i for i, row in parent.sources.items() if is_selected(criterion, row, parent.dtypes)})


def select_sources(parent: Catalog, listed: Sequence[Any], *, strict: bool = False) -> Catalog:
    if strict and not set(listed) <= set(parent.sources):
        raise Refused("a listed identifier is not there")
    return parent.only(set(listed))


def concatenate_sources(parents: Sequence[Catalog]) -> Catalog:
    """The sources that any has, with the values that the first one gives."""
    names = list(parents[0].dtypes)
    found: dict[Hashable, Row] = {}
    for parent in parents:
        for i, row in parent.sources.items():
            found.setdefault(i, {n: row[n] for n in names})
    return Catalog(found, parents[0].dtypes)


def relabel_sources(parent: Catalog, new: Callable[[Any], Any]) -> Catalog:
    """new : identifier by identifier; None where there is none."""
    found: dict[Hashable, Row] = {}
    for i, row in parent.sources.items():
        other = new(i)
        if other is None or other in found:
            raise Refused("an identifier has no new one, or two have the same")
        found[other] = row
    return Catalog(found, parent.dtypes)


def calculate_attributes(parent: Catalog, results: Mapping[str, tuple[Node, str]]) -> Catalog:
    """results : expression and type by name; only the new attributes."""
    return Catalog(
        {i: {n: value(e, row, parent.dtypes) for n, (e, _) in results.items()} for i, row in parent.sources.items()},
        {n: t for n, (_, t) in results.items()},
    )


# -- collections ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """What collections start from.

    catalogs : by lineage key of an External. lists : identifiers by their digest. pairs : new identifier by old one, by digest.
    """

    catalogs: Mapping[str, Catalog]
    lists: Mapping[str, Sequence[Any]]
    pairs: Mapping[str, Mapping[Any, Any]]

    def of(self, one: SourceCollection) -> Catalog:
        """The catalog that a collection represents, as its operator is defined."""
        parents = [self.of(p) for p in one.parents]
        match one:
            case External():
                return self.catalogs[one.lineage_key]
            case Pass():
                return parents[0]
            case SelectAttributes():
                return select_attributes(parents[0], one.names)
            case RenameAttributes():
                return rename_attributes(parents[0], one.renamed)
            case ConcatenateAttributes():
                return concatenate_attributes(parents)
            case FilterSources():
                return filter_sources(parents[0], tree(one.criterion.text))
            case SelectSources():
                return select_sources(parents[0], self.lists[one.sources_digest], strict=one.strict)
            case ConcatenateSources():
                return concatenate_sources(parents)
            case RelabelSources():
                return relabel_sources(parents[0], self._new_identifier(one.relabelling))
            case AttributeCalculator():
                (name,) = one.definition.provides
                dtype = one.attributes()[name].dtype
                return calculate_attributes(parents[0], {name: (tree(one.definition.expression, "expression"), dtype)})
        raise NotImplementedError(type(one).__name__)

    def _new_identifier(self, relabelling: Relabelling) -> Callable[[Any], Any]:
        if relabelling.kind != LINEAR:
            return self.pairs[relabelling.pairs_digest].get

        def new(old: Any) -> Any:
            found = relabelling.scale * old + relabelling.offset
            return found if -(2**63) <= found < 2**63 else None

        return new
