"""What a criterion says in propositions, and how the propositions about one term follow from each other.

The normal form has every `not` at an atom, so each part of it is a two-valued statement about one source: a term is below a
threshold (`<`), at or below it (`<=`), it has a value at all (`there`), or a condition that cannot be taken apart is true
(`is`). NULL needs no third value: ``x >= 1`` is "x is there, and not below 1". On these propositions `meaning` is exact; what
thresholds of one term, values and their parts, and regions of the sky have to do with each other is added by `Theory`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from provgraph.language import nodes
from provgraph.language.criterion import BoundCriterion
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
    Number,
    Text,
    Truth,
)  # fmt: skip
from provgraph.language.nodes import Any as AnyOf
from provgraph.language.normal import canonical_text, constant, is_constant
from provgraph.language.regions import REGIONS, Region, region
from provgraph.language.tokens import quoted

Bound = int | float | str

BELOW, UP_TO, THERE, IS = "<", "<=", "there", "is"


class Term:
    """Something that has a value or none.

    text : canonical; it identifies the term. parts : terms that have a value where this one has. exact : and vice versa.
    """

    __slots__ = ("_hash", "exact", "parts", "region", "text")

    def __init__(
        self, text: str, parts: tuple[Term, ...] = (), *, exact: bool = False, region: Region | None = None
    ) -> None:
        self.text = text
        self.parts = parts
        self.exact = exact
        self.region = region
        self._hash = hash(text)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Term) and self.text == other.text)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Term({self.text!r})"


class Variable(NamedTuple):
    """A proposition about one source; kind is BELOW, UP_TO, THERE or IS, only the first two have a bound."""

    kind: str
    term: Term
    bound: Bound | None = None


class Literal(NamedTuple):
    variable: Variable
    positive: bool = True

    def __neg__(self) -> Literal:
        return Literal(self.variable, not self.positive)


@dataclass(frozen=True, slots=True)
class Every:
    """True where all parts are; without parts always."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """True where a part is; without parts never."""

    parts: tuple[Formula, ...] = ()


Formula = Literal | Every | Either
Clause = tuple[Literal, ...]


@lru_cache(maxsize=65536)
def meaning(canonical: str) -> Formula:
    """The formula that is true exactly where the criterion selects.

    canonical : text of a criterion or of one of its conjuncts. A bound that is an integer is one of an integer term, which is
        how `BoundCriterion` writes it.
    """
    return _meaning(BoundCriterion.from_canonical(canonical).tree)


@lru_cache(maxsize=65536)
def renamed(canonical: str, names: tuple[tuple[str, str], ...]) -> str:
    """The canonical text over other origins: pairs of old and new."""
    new = dict(names)
    tree = nodes.replaced(
        BoundCriterion.from_canonical(canonical).tree,
        lambda part: Name(new.get(part.name, part.name)) if isinstance(part, Name) else part,
    )
    return BoundCriterion.from_canonical(canonical_text(tree)).canonical


def variables(formula: Formula) -> Iterator[Variable]:
    if isinstance(formula, Literal):
        yield formula.variable
    else:
        for part in formula.parts:
            yield from variables(part)


@lru_cache(maxsize=65536)
def column(origin: str) -> Term:
    """The term that an attribute itself is."""
    return Term(quoted(origin))


def there(term: Term) -> Literal:
    return Literal(Variable(THERE, term))


def below(term: Term, bound: Bound) -> Literal:
    """term < bound. Of integers that is term <= bound - 1, so that nothing fits in between."""
    if isinstance(bound, int):
        return up_to(term, bound - 1)
    return Literal(Variable(BELOW, term, bound))


def up_to(term: Term, bound: Bound) -> Literal:
    return Literal(Variable(UP_TO, term, bound))


# -- criteria ----------------------------------------------------------------------------------------------------------


def _meaning(node: Node) -> Formula:
    match node:
        case All(terms):
            return Every(tuple(_meaning(t) for t in terms))
        case AnyOf(terms):
            return Either(tuple(_meaning(t) for t in terms))
        case Truth(value):
            return Every() if value else Either()
        case Compare(operator, left, Number(value)):
            # An integer below a bound is only ever written x <= 2; another spelling is not of an integer.
            whole = isinstance(value, int) and operator not in ("<", ">")
            return _compared(operator, _term(left), value if whole else float(value))
        case Compare(operator, left, Text(text)):
            return _compared(operator, _term(left), text.rstrip("\0"))  # as numpy compares texts
        case Compare(operator, left, right) if not is_constant(left) and not is_constant(right):
            a, b = _term(left), _term(right)
            return _compared(operator, Term(f"{a.text} against {b.text}", (a, b), exact=True), 0.0)
        case In(left, items) if all(isinstance(i, Number | Text) for i in items):
            return Either(tuple(_meaning(Compare("=", left, i)) for i in items))
        case IsNull(term):
            return -there(_term(term))
        case Not(IsNull(term)):
            return there(_term(term))
        case Not(term):
            opaque = _term(term)
            return Every((there(opaque), Literal(Variable(IS, opaque), False)))
    return Literal(Variable(IS, _term(node)))


def _compared(operator: str, term: Term, bound: Bound) -> Formula:
    match operator:
        case "<":
            return below(term, bound)
        case "<=":
            return up_to(term, bound)
        case ">":
            return Every((there(term), -up_to(term, bound)))
        case ">=":
            return Every((there(term), -below(term, bound)))
        case "=":
            return Every((up_to(term, bound), -below(term, bound)))
    return Either((below(term, bound), Every((there(term), -up_to(term, bound)))))


@lru_cache(maxsize=65536)
def _term(node: Node) -> Term:
    text = canonical_text(node)
    match node:
        case Name():
            return Term(text)
        case Call(function, (ra, dec, *numbers)) if function in REGIONS:
            values = [constant(n) for n in numbers]
            if all(isinstance(v, int | float) for v in values):
                place = region(function, tuple(float(v) for v in values))  # type: ignore[arg-type]
                return Term(text, _terms((ra, dec)), exact=True, region=place)
        case Compare(_, left, right):
            return Term(text, _terms((left, right)), exact=True)
        case Not(term):
            return Term(text, _terms((term,)), exact=True)
        case Negate() | Arithmetic():
            return Term(text, _terms(nodes.children(node)))
        case Call("spread", (of, _)):
            return Term(text, _terms((of,)), exact=True)
        case Call(function, arguments) if function in _STRICT:
            return Term(text, _terms(arguments))
    return Term(text)


def _terms(parts: Iterable[Node]) -> tuple[Term, ...]:
    return tuple(_term(p) for p in parts if not is_constant(p))


# Functions that have no result where an argument has none.
_STRICT: Final = frozenset(name for name, function in FUNCTIONS.items() if function.compute and not function.parameters)


# -- what follows from what --------------------------------------------------------------------------------------------


class Theory:
    """Clauses that hold for every source, for the variables met so far.

    Complete for a dense order: that between two neighbouring float32 there is no third is not known here.
    """

    def __init__(self) -> None:
        self._met: set[Variable] = set()
        self._points: dict[Term, list[tuple[Bound, int]]] = {}  # of thresholds met: 0 for <, 1 for <=
        self._regions: dict[tuple[Term, ...], list[Term]] = {}

    def meet(self, variable: Variable) -> list[Clause]:
        """The clauses that connect a variable with those met before; none for one that is known."""
        found: list[Clause] = []
        todo = [variable]
        while todo:
            this = todo.pop()
            if this in self._met:
                continue
            self._met.add(this)
            new = self._clauses(this)
            found += new
            for clause in new:
                todo += [variable for variable, _ in clause if variable not in self._met]
        return found

    def _clauses(self, this: Variable) -> list[Clause]:
        term = this.term
        if this.kind == THERE:
            return self._of_parts(term)
        if this.kind == IS:
            return [(-Literal(this), there(term)), *self._of_region(term)]
        return [(-Literal(this), there(term)), *self._in_order(this)]

    def _of_parts(self, term: Term) -> list[Clause]:
        parts = [there(part) for part in term.parts]
        found: list[Clause] = [(-there(term), part) for part in parts]
        if term.exact:
            found.append((there(term), *(-part for part in parts)))
        return found

    def _in_order(self, this: Variable) -> list[Clause]:
        term, bound = this.term, this.bound
        assert bound is not None
        points = self._points.setdefault(term, [])
        point = (bound, int(this.kind == UP_TO))
        at = bisect_left(points, point)
        points.insert(at, point)
        found: list[Clause] = []
        if at:
            found.append((-_at(term, points[at - 1]), Literal(this)))
        if at + 1 < len(points):
            found.append((-Literal(this), _at(term, points[at + 1])))
        if bound == float("inf") and this.kind == UP_TO:
            found.append((-there(term), Literal(this)))
        if this.kind == BELOW and bound in (float("-inf"), ""):
            found.append((-Literal(this),))
        return found

    def _of_region(self, term: Term) -> list[Clause]:
        region = term.region
        if region is None:
            return []
        this = Literal(Variable(IS, term))
        found: list[Clause] = []
        for part, limits in zip(term.parts, region.limits(), strict=True) if len(term.parts) == 2 else ():
            if limits is not None:
                found += [(-this, -below(part, limits[0])), (-this, up_to(part, limits[1]))]
        others = self._regions.setdefault(term.parts, [])
        for other in others:
            that = Literal(Variable(IS, other))
            assert other.region is not None
            if region.contains(other.region):
                found.append((-that, this))
            if other.region.contains(region):
                found.append((-this, that))
            if region.apart(other.region):
                found.append((-this, -that))
        others.append(term)
        return found


def _at(term: Term, point: tuple[Bound, int]) -> Literal:
    return Literal(Variable(UP_TO if point[1] else BELOW, term, point[0]))


# -- one term ----------------------------------------------------------------------------------------------------------


class Cells:
    """All that criteria about one term can tell apart: no value, each threshold met, and what lies between and beyond.

    A criterion is then the set of its cells, an int of bits, and subsets are exact.
    """

    def __init__(self, formulas: Mapping[str, Formula]) -> None:
        met = {v for formula in formulas.values() for v in variables(formula)}
        points = {(v.bound, int(v.kind == UP_TO)) for v in met if v.bound is not None}
        self._points = sorted(points)  # type: ignore[type-var]
        self._all = (1 << (len(self._points) + 2)) - 1
        self.of: dict[str, int] = {key: self._evaluate(formula) for key, formula in formulas.items()}

    @staticmethod
    def fit(formula: Formula) -> Term | None:
        """The term, where a formula is about thresholds of one term that stands for itself."""
        met = list(variables(formula))
        terms = {v.term for v in met}
        if len(terms) != 1 or any(v.kind == IS for v in met):
            return None
        term = terms.pop()
        return None if term.parts else term

    def _evaluate(self, formula: Formula) -> int:
        """Bit 0: no value. Bit i + 1: above the points before i, not above point i; the last: above all."""
        if isinstance(formula, Literal):
            variable = formula.variable
            if variable.kind == THERE:
                bits = self._all - 1
            else:
                assert variable.bound is not None
                point = (variable.bound, int(variable.kind == UP_TO))
                bits = (1 << (self._points.index(point) + 2)) - 2
            return bits if formula.positive else self._all & ~bits
        bits = self._all if isinstance(formula, Every) else 0
        for part in formula.parts:
            bits = bits & self._evaluate(part) if isinstance(formula, Every) else bits | self._evaluate(part)
        return bits
