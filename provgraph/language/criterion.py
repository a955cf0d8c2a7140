"""Selection criteria: parsed over names, bound to attributes, kept in one canonical text over origin keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from provgraph.errors import LanguageError, UnitMismatch, UnknownAttribute, nearest
from provgraph.language import nodes, units
from provgraph.language.evaluate import Evaluation, Values
from provgraph.language.functions import NOT_PER_SOURCE
from provgraph.language.kinds import BOOLEAN, NULL, UNKNOWN, Kinds, kind_of_dtype
from provgraph.language.nodes import (
    All,
    Arithmetic,
    Call,
    Compare,
    In,
    Name,
    Node,
    Not,
    Number,
    print_name,
    print_node,
    walk,
)
from provgraph.language.normal import (
    Normal,
    Terms,
    bare,
    canonical_text,
    constant,
    gathered,
    is_constant,
    names_its_attributes,
)
from provgraph.language.parser import CANONICAL, parse
from provgraph.language.regions import REGIONS, spelled
from provgraph.language.tokens import Written
from provgraph.names import UCD_DEC, UCD_RA, UNIT_UNDECLARED, UNITLESS

Array = np.ndarray[Any, Any]
FAMILY: Final = "criterion"
_TAKES_NUMBERS: Final = {
    "within": "The centre and the radius of within",
    "box": "The limits of box",
    "polygon": "The vertices of polygon",
}


class AttributeLike(Protocol):
    """What binding reads of an attribute (schema.attribute.Attribute is one)."""

    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def ucd(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def origin(self) -> str: ...


@dataclass(frozen=True)
class Criterion:
    """A criterion as a user wrote it.

    text : in the one normal spelling; names : attributes it reads, in order of first use; ucds : UCDs of attributes that it looks
    up by what they are, which ``within(ra0, dec0, radius)`` and other regions without attributes do.
    """

    text: str
    names: tuple[str, ...]
    ucds: tuple[str, ...]
    written: Written = field(repr=False, compare=False)
    tree: Node = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Criterion:
        """Raises LanguageError with `position`: ``criterion_syntax``, ``criterion_refused`` (unknown function, limits),
        ``criterion_not_per_source``, ``criterion_types``."""
        written = Written(text, FAMILY)
        tree = parse(written)
        _must_be_condition(written, tree, {})
        by_ucd = any(isinstance(n, Call) and n.function in REGIONS and not names_its_attributes(n) for n in walk(tree))
        return cls(print_node(tree), nodes.names(tree), (UCD_RA, UCD_DEC) if by_ucd else (), written, tree)

    def bind(self, attributes: Mapping[str, AttributeLike]) -> BoundCriterion:
        """The criterion over the origins of `attributes`.

        Raises LanguageError with `position`: ``unknown_attribute``, ``criterion_types``, ``unit_mismatch``.
        """
        return _Binding(self, attributes).bound()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class BoundCriterion:
    """A criterion over origin keys; equal `canonical` (and `key`) means the same selection.

    text : over names, as the user wrote it; conjuncts : (key, canonical text) of each top-level and-term, ordered by text; none of
    ``true``, which limits nothing;
    tree : the normal form (nodes.py), names are origin keys, constants are cast; evaluated : the same, arranged for speed.
    """

    canonical: str
    key: str = field(compare=False)
    conjuncts: tuple[tuple[str, str], ...] = field(compare=False)
    origins: tuple[str, ...] = field(compare=False)
    text: str = field(compare=False)
    tree: Node = field(repr=False, compare=False)
    evaluated: Node = field(repr=False, compare=False)

    @classmethod
    def from_canonical(cls, canonical: str) -> BoundCriterion:
        """The criterion of a canonical text; no attributes are needed, its constants are already cast."""
        return _from_canonical(canonical)

    def select(self, columns: Mapping[str, Values], n: int | None = None) -> Array:
        """Where the criterion is TRUE.

        columns : (values, null mask or None) by origin, each of shape (n,); NaN is null. n : how many sources there are, needed
        only for a criterion that reads no origin, such as the ``false`` that ``x = 2.5`` is on integers.
        Returns ndarray of bool, shape (n,).
        """
        with np.errstate(all="ignore"):
            found = Evaluation(columns, {}).truth(self.evaluated)
        if np.ndim(found):
            return np.asarray(found)
        length = n if n is not None else next((len(values) for values, _ in columns.values()), None)
        if length is None:
            raise ValueError(f"the criterion {self.canonical} reads no attribute; say for how many sources it is asked")
        return np.full(length, bool(found))

    def describe(self, names: Mapping[str, str]) -> str:
        """The normal form for a reader. names : by origin; an origin without a name stays."""
        return print_node(self.tree, lambda origin: print_name(names.get(origin, origin)), _readable)


def _readable(value: int | float) -> str:
    """The shortest text: a constant cast to float32 reads as it was written, 20.1 and not 20.100000381469727."""
    if isinstance(value, int):
        return str(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else repr(value)


@lru_cache(maxsize=4096)
def _from_canonical(canonical: str) -> BoundCriterion:
    written = Written(canonical, FAMILY)
    tree = parse(written, CANONICAL)
    kinds = Kinds(written, {})
    normal = Normal(Terms(kinds.of, lambda _: None, cast=False)).where(tree)
    return _bound(normal, print_node(tree))


def _bound(tree: Node, text: str) -> BoundCriterion:
    canonical = canonical_text(tree)
    terms = tree.terms if isinstance(tree, All) else () if tree == nodes.TRUE else (tree,)
    parts = [canonical_text(t) for t in terms]
    return BoundCriterion(
        canonical,
        criterion_key(canonical),
        conjuncts=tuple((criterion_key(p), p) for p in parts),
        origins=nodes.names(tree),
        text=text,
        tree=tree,
        evaluated=gathered(tree),
    )


def criterion_key(canonical: str) -> str:
    return "c:" + hashlib.sha256(canonical.encode()).hexdigest()[:20]


def _must_be_condition(written: Written, tree: Node, kinds: Mapping[str, str]) -> None:
    kind = Kinds(written, kinds).of(tree)
    if kind not in (BOOLEAN, UNKNOWN, NULL):
        raise written.fault(
            f"A criterion is true or false for a source; {print_node(tree)} is neither",
            tree.position,
            code="criterion_types",
        )


class _Binding:
    """One criterion on its way to its normal form."""

    def __init__(self, criterion: Criterion, attributes: Mapping[str, AttributeLike]) -> None:
        self.criterion = criterion
        self.written = criterion.written
        self.attributes = attributes
        self.units: dict[str, str] = {}
        self.by_origin: dict[str, AttributeLike] = {}

    def bound(self) -> BoundCriterion:
        tree = self.criterion.tree
        for node in walk(tree):
            if isinstance(node, Name):
                self.resolve(node)
        _must_be_condition(self.written, tree, {n: self.kind(n) for n in self.units})
        tree = self.renamed(self.fitted(tree))
        kinds = Kinds(self.written, {o: str(kind_of_dtype(a.dtype)) for o, a in self.by_origin.items()})
        normal = Normal(Terms(kinds.of, self.dtype, cast=True)).where(tree)
        return _bound(normal, self.criterion.text)

    def resolve(self, node: Name) -> None:
        if node.name in self.units:
            return
        if node.name not in self.attributes:
            if node.name.lower() in NOT_PER_SOURCE:
                raise self.written.fault(
                    f"{node.name} depends on other sources than the one it is asked about",
                    node.position,
                    "not_per_source",
                )
            hint = nearest(node.name, self.attributes).rstrip(".")
            raise self.written.fault(f"Attribute {node.name!r} is not found; {hint}", node.position, code="unknown_attribute",
                                     error=UnknownAttribute, name=node.name)  # fmt: skip
        self.take(self.attributes[node.name], node)

    def take(self, attribute: AttributeLike, node: Node) -> None:
        if attribute.shape != () or kind_of_dtype(attribute.dtype) is None:
            what = f"{attribute.shape} values" if attribute.shape else f"values of type {attribute.dtype}"
            raise self.written.fault(f"Attribute {attribute.name!r} has {what} for each source, which a criterion cannot compare",
                                     node.position, code="criterion_types")  # fmt: skip
        self.units[attribute.name] = attribute.unit
        self.by_origin[attribute.origin or attribute.name] = attribute

    def kind(self, name: str) -> str:
        return str(kind_of_dtype(self.attributes[name].dtype))

    def dtype(self, node: Node) -> Any:
        return np.dtype(self.by_origin[node.name].dtype) if isinstance(node, Name) else None

    def renamed(self, node: Node) -> Node:
        """The tree over origins."""
        return nodes.replaced(node, lambda part: Name(self.attributes[part.name].origin or part.name, position=part.position)
                              if isinstance(part, Name) else part)  # fmt: skip

    def fitted(self, node: Node) -> Node:
        """The tree with every constant in the unit of what it is compared with; regions of the sky in degrees."""
        match node:
            case Compare(operator, left, right):
                left, right = self.pair(node, left, right)
                return Compare(operator, left, right, position=node.position)
            case In(term, items):
                return In(self.inside(term), tuple(self.beside(term, i) for i in items), position=node.position)
            case Call(function) if function in REGIONS:
                return self.region(node)
            case Not() | All() | nodes.Any() | Call("complement"):
                return nodes.with_children(node, [self.fitted(c) for c in nodes.children(node)])
        self.check(node)
        return self.inside(node)

    def inside(self, node: Node) -> Node:
        """A term; regions may hide in the conditions inside it."""
        return nodes.replaced(
            node, lambda part: self.region(part) if isinstance(part, Call) and part.function in REGIONS else part
        )

    def pair(self, node: Node, left: Node, right: Node) -> tuple[Node, Node]:
        if is_constant(left) != is_constant(right):
            if is_constant(left):
                return self.beside(right, left), self.inside(right)
            return self.inside(left), self.beside(left, right)
        a, b = units.quick_unit(left, self.units), units.quick_unit(right, self.units)
        undeclared = a is not None and b is not None and UNIT_UNDECLARED in (a, b)
        if not undeclared and (a is None or a != b):
            self.check(node)
        return self.inside(left), self.inside(right)

    def check(self, node: Node) -> units.Unit | None:
        """The unit of a term where astropy is needed to find it."""
        if all(self.units[n] == UNIT_UNDECLARED for n in nodes.names(node)) and not units.united(node):
            return None
        return units.Units(self.written, self.units).of(node)

    def beside(self, term: Node, item: Node) -> Node:
        """The constant `item`, converted to the unit of `term`."""
        quick = units.quick_unit(term, self.units)
        if not units.united(item):
            if quick is None:
                self.check(term)
            return bare(item)
        said = print_node(item)
        known = (
            units.unit_text(found.unit)
            if quick is None and (found := self.check(term)) and found.unit is not None
            else quick
        )
        if known in (None, UNIT_UNDECLARED):
            message = f"{print_node(term)} has no declared unit, so {said} cannot be compared with it"
            raise self.mismatch(f"{message}; leave the unit out, or declare one when the catalog is ingested", item)
        value = constant(bare(item))
        if isinstance(item, Number):
            unit = item.unit
        else:
            inferred = units.Units(self.written, self.units).of(item)
            unit = units.unit_text(inferred.unit)
        if unit not in units.DEGREES and units.unit_of(unit) is None:
            raise self.mismatch(f"{unit!r} is no unit", item)
        if value is None or isinstance(value, str):
            return bare(item)
        result = units.converted(value, unit, str(known))
        if result is None:
            has = f"[{known}]" if known != UNITLESS else "no unit"
            raise self.mismatch(f"{print_node(term)} has {has}, which {said} cannot be converted to", item)
        return Number(result, position=item.position)

    def mismatch(self, message: str, node: Node) -> LanguageError:
        return self.written.fault(message, node.position, code="unit_mismatch", error=UnitMismatch)

    def region(self, node: Call) -> Node:
        """A region of the sky over two attributes, its numbers in degrees and in their one spelling."""
        name, arguments = node.function, node.arguments
        ra: Node
        dec: Node
        if names_its_attributes(node):
            (ra, dec), given = arguments[:2], arguments[2:]
        else:
            ra, dec, given = self.by_ucd(UCD_RA, node), self.by_ucd(UCD_DEC, node), arguments
        for argument in given:
            if not is_constant(argument):
                raise self.written.fault(f"{_TAKES_NUMBERS[name]} are numbers; the attributes go before them",
                                         argument.position)  # fmt: skip
        values = tuple(self.degrees(argument, name) for argument in given)
        if name == "within":
            ra0, dec0, radius = values
            if not -90 <= dec0 <= 90:
                raise self.written.fault(
                    f"The declination {dec0:g} is not between -90 and 90 degrees", given[1].position
                )
            if radius < 0:
                raise self.written.fault("The radius of within is negative", given[2].position)
            values = (ra0 % 360, dec0, radius)
        else:
            try:
                values = spelled(name, values)
            except ValueError as error:
                raise self.written.fault(str(error), given[0].position) from None
        numbers = (Number(value) for value in values)
        return Call(name, (self.in_degrees(ra, name), self.in_degrees(dec, name), *numbers), position=node.position)

    def by_ucd(self, ucd: str, node: Node) -> Name:
        """The one attribute of a UCD; the main one where there are several."""
        word = ucd.split(";", maxsplit=1)[0]
        for wanted in (ucd, word):
            found = [a for a in self.attributes.values() if a.ucd.lower() == wanted]
            if len(found) == 1:
                self.take(found[0], node)
                return Name(found[0].name, position=node.position)
        how = "No attribute has" if not found else "Several attributes have"
        raise self.written.fault(f"{how} the UCD {ucd}; name them first, as in within(ra, dec, ra0, dec0, radius)",
                                 node.position, code="unknown_attribute", error=UnknownAttribute)  # fmt: skip

    def degrees(self, node: Node, function: str) -> float:
        value = constant(bare(node))
        if value is None or isinstance(value, str | bool):
            raise self.written.fault(
                f"{function} needs a number, not {print_node(node)}", node.position, code="criterion_types"
            )
        if not units.united(node):
            return float(value)
        unit = (
            node.unit
            if isinstance(node, Number)
            else units.unit_text(units.Units(self.written, self.units).of(node).unit)
        )
        result = units.converted(value, unit, "deg")
        if result is None:
            raise self.mismatch(f"{print_node(node)} is no angle", node)
        return float(result)

    def in_degrees(self, term: Node, function: str) -> Node:
        """Positions are degrees unless their unit says otherwise."""
        self.number(term, function)
        unit = units.quick_unit(term, self.units)
        if unit in (None, "deg", UNITLESS, UNIT_UNDECLARED):
            return self.inside(term)
        factor = units.converted(1, str(unit), "deg")
        if factor is None:
            raise self.mismatch(f"{print_node(term)} has [{unit}] and is no angle", term)
        return Arithmetic("*", self.inside(term), Number(float(factor)), position=term.position)

    def number(self, term: Node, function: str) -> None:
        Kinds(self.written, {n: self.kind(n) for n in self.units}).number(term, function)
