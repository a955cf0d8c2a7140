"""The normal form of a criterion: what it says about one source, with every spelling of the same thing brought together.

A source is selected where the criterion is TRUE, so FALSE and NULL need no distinction once every `not` stands at an atom. Each
part is therefore rewritten as *where is it true*, *where is it false*, *where is it not true*, *where is it not false*, which are
two-valued and made of and, or, and atoms that compare a term with a constant, ask whether it is null, or test a position. This
is what makes ``not (x < 0.1)`` the same as ``x >= 0.1``, and ``complement(x < 0.1)`` the same as ``x >= 0.1 or x is null``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from provgraph.language.evaluate import Evaluation
from provgraph.language.functions import FUNCTIONS
from provgraph.language.kinds import INTEGER
from provgraph.language.nodes import (
    FALSE,
    FLIPPED,
    NEGATED,
    TRUE,
    All,
    Call,
    Compare,
    In,
    IsNull,
    Node,
    Not,
    Null,
    Number,
    Text,
    Truth,
    hex_number,
    names,
    print_node,
    replaced,
)  # fmt: skip
from provgraph.language.nodes import Any as AnyOf
from provgraph.language.tokens import quoted

Constant = int | float | str | bool | None

TRUE_OF, FALSE_OF, NOT_TRUE_OF, NOT_FALSE_OF = "true", "false", "not true", "not false"
_OF_NOT: Final = {TRUE_OF: FALSE_OF, FALSE_OF: TRUE_OF, NOT_TRUE_OF: NOT_FALSE_OF, NOT_FALSE_OF: NOT_TRUE_OF}


def canonical_text(node: Node) -> str:
    """The exact text of a normal form: names in backquotes, floats in hexadecimal."""
    return print_node(node, quoted, hex_number)


def constant(node: Node) -> Constant:
    """The value of a tree without names, None for null; integers of any size stay exact."""
    match node:
        case Number() | Text() | Truth():
            return node.value
    with np.errstate(all="ignore"):
        value = Evaluation({}, {}).of(node)
    if value.kind == "n" or (value.null is not None and bool(np.all(value.null))):
        return None
    plain = value.data.item() if isinstance(value.data, np.generic | np.ndarray) else value.data
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def is_constant(node: Node) -> bool:
    return not names(node)


def names_its_attributes(node: Call) -> bool:
    """Whether a region of the sky says which attributes are its coordinates, instead of leaving it to their UCDs."""
    if node.function == "polygon":
        return not all(is_constant(argument) for argument in node.arguments[:2])
    return len(node.arguments) == FUNCTIONS[node.function].most


@dataclass(frozen=True, slots=True)
class Terms:
    """What lowering asks about a term: `kind` (kinds.py), numpy `dtype` of a column, and how a constant is cast beside it.

    From a canonical text nothing is known and nothing needs to be: its constants are already cast.
    """

    kind: Callable[[Node], str]
    dtype: Callable[[Node], Any]
    cast: bool


class Normal:
    """Brings one tree to normal form."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    def where(self, node: Node, sense: str = TRUE_OF) -> Node:
        """The two-valued tree that is TRUE where `node` is what `sense` says."""
        match node:
            case Not(term):
                return self.where(term, _OF_NOT[sense])
            case All(parts) | AnyOf(parts):
                together = isinstance(node, All) == (sense in (TRUE_OF, NOT_FALSE_OF))
                lowered = [self.where(p, sense) for p in parts]
                return conjunction(lowered) if together else disjunction(lowered)
            case Call("complement", (term,)):
                return self.where(term, NOT_TRUE_OF if sense in (TRUE_OF, NOT_FALSE_OF) else TRUE_OF)
            case Truth(value):
                return TRUE if value == (sense in (TRUE_OF, NOT_FALSE_OF)) else FALSE
            case Null():
                return FALSE if sense in (TRUE_OF, FALSE_OF) else TRUE
            case IsNull(term):
                return self.null(term) if sense in (TRUE_OF, NOT_FALSE_OF) else self.not_null(term)
            case In(term, items) if any(constant(i) is None for i in items):
                return self.member_with_null(term, items, sense)
        if sense in (NOT_TRUE_OF, NOT_FALSE_OF):
            definite = self.where(node, FALSE_OF if sense == NOT_TRUE_OF else TRUE_OF)
            return disjunction([definite, self.null(node)])
        if is_constant(node):
            return TRUE if constant(node) is (sense == TRUE_OF) else FALSE
        match node:
            case Compare(operator, left, right):
                return self.compare(operator if sense == TRUE_OF else NEGATED[operator], left, right)
            case In(term, items):
                if sense == TRUE_OF:
                    return disjunction([self.compare("=", term, i) for i in items])
                return conjunction([self.compare("!=", term, i) for i in items])
        return self.exact(node) if sense == TRUE_OF else Not(self.exact(node))

    def member_with_null(self, term: Node, items: tuple[Node, ...], sense: str) -> Node:
        """``x in (1, null)`` is true where x is 1, and null everywhere else."""
        if sense in (FALSE_OF, NOT_FALSE_OF):
            return FALSE if sense == FALSE_OF else TRUE
        known = tuple(i for i in items if constant(i) is not None)
        if not known:
            return FALSE if sense == TRUE_OF else TRUE
        return self.where(In(term, known), sense)

    def null(self, node: Node) -> Node:
        """Where `node` is null."""
        return disjunction([t if isinstance(t, Truth) else IsNull(t) for t in self.depends(node)])

    def not_null(self, node: Node) -> Node:
        return conjunction([FALSE if t == TRUE else TRUE if t == FALSE else Not(IsNull(t)) for t in self.depends(node)])

    def depends(self, node: Node) -> list[Node]:
        """The terms such that `node` is null where one of them is; the constant TRUE for what is always null."""
        if is_constant(node):
            return [TRUE] if constant(node) is None else []
        match node:
            case Compare(_, left, right):
                return [*self.depends(left), *self.depends(right)]
            case Not(term):
                return self.depends(term)
            case In(term, items) if all(constant(i) is not None for i in items):
                return self.depends(term)
            case Call("within" | "box" | "polygon", (ra, dec, *_)):
                return [*self.depends(ra), *self.depends(dec)]
            case IsNull() | Call("complement"):
                return []
        return [self.exact(node)]

    def compare(self, operator: str, left: Node, right: Node) -> Node:
        if is_constant(left):
            operator, left, right = FLIPPED[operator], right, left
        if not is_constant(right):
            left, right = self.exact(left), self.exact(right)
            if left == right:
                return FALSE if operator in ("<", ">", "!=") else self.not_null(left)
            if canonical_text(right) < canonical_text(left):
                operator, left, right = FLIPPED[operator], right, left
            return Compare(operator, left, right)
        value = constant(right)
        if value is None:
            return FALSE
        if isinstance(value, bool):
            return self.where(left, TRUE_OF if value == (operator == "=") else FALSE_OF)
        return self.threshold(operator, self.exact(left), value)

    def threshold(self, operator: str, term: Node, value: int | float | str) -> Node:
        if isinstance(value, str):
            return Compare(operator, term, Text(value))
        if not self.terms.cast:
            return Compare(operator, term, Number(value))
        if self.terms.kind(term) == INTEGER:
            return self.integer_threshold(operator, term, value)
        return Compare(operator, term, Number(self.as_float(term, value)))

    def as_float(self, term: Node, value: int | float) -> float:
        """The constant as the column's dtype has it; -0.0 is 0.0."""
        dtype = self.terms.dtype(term)
        double = float(value)
        if dtype is None or dtype.itemsize >= 8:
            return double + 0.0
        with np.errstate(all="ignore"):
            return float(dtype.type(double)) + 0.0

    def integer_threshold(self, operator: str, term: Node, value: int | float) -> Node:
        """Rounds the bound by the operator: x < 2.5 is x <= 2, x >= 2.5 is x >= 3, x = 2.5 is never true."""
        dtype = self.terms.dtype(term)
        limits = np.iinfo(np.int64 if dtype is None else dtype)
        least, most = int(limits.min), int(limits.max)
        if isinstance(value, float) and math.isinf(value):
            value = most + 1 if value > 0 else least - 1
        down, up = math.floor(value), math.ceil(value)
        if operator in ("=", "!="):
            if down != up or not least <= down <= most:
                return FALSE if operator == "=" else self.not_null(term)
            return Compare(operator, term, Number(down))
        if operator in ("<", "<="):
            bound = down if operator == "<=" or down != up else down - 1
            operator, never, always = "<=", bound < least, bound >= most
        else:
            bound = up if operator == ">=" or down != up else up + 1
            operator, never, always = ">=", bound > most, bound <= least
        if never or always:
            return FALSE if never else self.not_null(term)
        return Compare(operator, term, Number(bound))

    def exact(self, term: Node) -> Node:
        """A term as canonical text has it: constants bare, because units were checked and never change a value inside a term."""
        return bare(term)


def bare(node: Node) -> Node:
    """The tree without the units of its numbers."""
    return replaced(node, lambda part: replace(part, unit="") if isinstance(part, Number) and part.unit else part)


def conjunction(terms: list[Node]) -> Node:
    """All of them: flat, each once, in the order of their text."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, All) else (term,))]
    if FALSE in flat:
        return FALSE
    return _joined(All, [t for t in flat if t != TRUE], TRUE)


def disjunction(terms: list[Node]) -> Node:
    """Any of them: flat, each once, equalities with one term gathered into one list, in the order of their text."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, AnyOf) else (term,))]
    if TRUE in flat:
        return TRUE
    lists: dict[str, tuple[Node, dict[Constant, Node]]] = {}
    rest: list[Node] = []
    for term in flat:
        match term:
            case Compare("=", left, (Number() | Text()) as item):
                lists.setdefault(canonical_text(left), (left, {}))[1][item.value] = item
            case In(left, items):
                known = lists.setdefault(canonical_text(left), (left, {}))[1]
                known.update({i.value: i for i in items if isinstance(i, Number | Text)})
            case _:
                rest.append(term)
    for left, known in lists.values():
        items = tuple(known[value] for value in sorted(known))  # type: ignore[type-var]
        rest.append(Compare("=", left, items[0]) if len(items) == 1 else In(left, items))
    return _joined(AnyOf, [t for t in rest if t != FALSE], FALSE)


def gathered(node: Node) -> Node:
    """The same selection for evaluation: many `x != 1 and x != 2 and ...` as one `x not in (1, 2, ...)`, which is searched once."""
    match node:
        case AnyOf(terms):
            return AnyOf(tuple(gathered(t) for t in terms))
        case All(terms):
            lists: dict[Node, list[Node]] = {}
            rest: list[Node] = []
            for term in terms:
                if isinstance(term, Compare) and term.operator == "!=" and isinstance(term.right, Number | Text):
                    lists.setdefault(term.left, []).append(term.right)
                else:
                    rest.append(gathered(term))
            for left, items in lists.items():
                few = len(items) < 4
                rest += [Compare("!=", left, i) for i in items] if few else [Not(In(left, tuple(items)))]
            return All(tuple(rest)) if len(rest) > 1 else rest[0]
    return node


def _joined(kind: type[All] | type[AnyOf], terms: list[Node], empty: Truth) -> Node:
    by_text = {canonical_text(term): term for term in terms}
    if len(by_text) < 2:
        return next(iter(by_text.values()), empty)
    return kind(tuple(by_text[text] for text in sorted(by_text)))
