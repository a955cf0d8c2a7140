"""The ranges that a criterion confines attributes to: what block statistics and sorted indexes can answer without looking."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provgraph.language.nodes import TRUE, All, Any, Compare, In, Name, Node, Number


@dataclass(frozen=True, slots=True)
class Range:
    """Where a criterion is TRUE the values of `origin` lie here, and are neither null nor NaN.

    lower, upper : None for no bound. lower_open, upper_open : the bound itself is outside.
    terms : top-level and-terms of the criterion that say nothing but this; in the range they are TRUE.
    """

    origin: str
    lower: int | float | None = None
    upper: int | float | None = None
    lower_open: bool = False
    upper_open: bool = False
    terms: frozenset[Node] = frozenset()

    @property
    def is_empty(self) -> bool:
        if self.lower is None or self.upper is None:
            return False
        return self.lower > self.upper or (self.lower == self.upper and (self.lower_open or self.upper_open))

    def __and__(self, other: Range) -> Range:
        lower, lower_open = self.lower, self.lower_open
        if other.lower is not None and (lower is None or (other.lower, other.lower_open) > (lower, lower_open)):
            lower, lower_open = other.lower, other.lower_open
        upper, upper_open = self.upper, self.upper_open
        if other.upper is not None and (upper is None or (other.upper, not other.upper_open) < (upper, not upper_open)):
            upper, upper_open = other.upper, other.upper_open
        return Range(self.origin, lower, upper, lower_open, upper_open, self.terms | other.terms)

    def __or__(self, other: Range) -> Range:
        """The smallest range that holds both."""
        lower, lower_open = self.lower, self.lower_open
        if lower is not None and (other.lower is None or (other.lower, other.lower_open) < (lower, lower_open)):
            lower, lower_open = other.lower, other.lower_open
        upper, upper_open = self.upper, self.upper_open
        if upper is not None and (other.upper is None or (other.upper, not other.upper_open) > (upper, not upper_open)):
            upper, upper_open = other.upper, other.upper_open
        return Range(self.origin, lower, upper, lower_open if lower is not None else False,
                     upper_open if upper is not None else False)  # fmt: skip


def ranges(tree: Node) -> dict[str, Range]:
    """By origin. tree : normal form of a criterion, its constants cast; what says nothing of a range is left out."""
    found: dict[str, Range] = {}
    for term in tree.terms if isinstance(tree, All) else (tree,):
        for origin, one in _of_term(term).items():
            found[origin] = found[origin] & one if origin in found else one
    return found


def remainder(tree: Node, known: frozenset[Node]) -> Node:
    """What is left to evaluate where the terms `known` are TRUE."""
    if not isinstance(tree, All):
        return TRUE if tree in known else tree
    left = tuple(term for term in tree.terms if term not in known)
    return TRUE if not left else left[0] if len(left) == 1 else All(left)


def _of_term(term: Node) -> dict[str, Range]:
    match term:
        case Compare(operator, Name(origin), Number(value)) if operator != "!=":
            exact = frozenset((term,))
            match operator:
                case "=":
                    return {origin: Range(origin, value, value, terms=exact)}
                case "<" | "<=":
                    return {origin: Range(origin, upper=value, upper_open=operator == "<", terms=exact)}
                case _:
                    return {origin: Range(origin, lower=value, lower_open=operator == ">", terms=exact)}
        case In(Name(origin), items) if all(isinstance(i, Number) for i in items):
            values = [i.value for i in items if isinstance(i, Number)]
            return {origin: Range(origin, min(values), max(values))}
        case All(parts):
            return {origin: replace(one, terms=frozenset()) for origin, one in ranges(All(parts)).items()}
        case Any(parts):
            each = [_of_term(part) for part in parts]
            shared = set.intersection(*(set(one) for one in each))
            found = {}
            for origin in shared:
                hull = each[0][origin]
                for one in each[1:]:
                    hull = hull | one[origin]
                if hull.lower is not None or hull.upper is not None:
                    found[origin] = replace(hull, terms=frozenset())
            return found
    return {}
