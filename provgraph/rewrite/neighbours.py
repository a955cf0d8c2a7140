"""Which criteria follow from which, and which exclude each other: the edges between them that cannot be had from others.

Of ``x < 1``, ``x < 2`` and ``x < 3`` the first is part of the second and the second of the third; the rest follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provgraph.language import implication
from provgraph.language.implication import Cells, Formula, Term
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner

SUBSET_OF, DISJOINT_FROM = "SUBSET_OF", "DISJOINT_FROM"
Edge = tuple[str, str, str]

_MOST_DISJOINT = 8  # of many criteria like x = 1, x = 2, … each excludes each; the largest are enough


def neighbours(criteria: Mapping[str, str], new: Collection[str] | None = None) -> list[Edge]:
    """(key, SUBSET_OF or DISJOINT_FROM, key) between criteria, without what follows from others by transitivity.

    criteria : canonical text by key. new : only edges at these; each one's place among the others is then found, which is what
        storing one more criterion needs. A criterion that nothing meets is DISJOINT_FROM itself; equal ones are
        SUBSET_OF each other. All edges are true, whatever else is stored; that none is missing is only so for thresholds.
    """
    formulas = {key: implication.meaning(text) for key, text in sorted(criteria.items())}
    known = _Known(criteria, formulas)
    wanted = formulas.keys() if new is None else [key for key in sorted(new) if key in formulas]
    found: dict[Edge, None] = {}
    for key in wanted:
        for edge in _place(key, known):
            found[edge] = None
    return list(found)


def _place(key: str, known: _Known) -> Iterator[Edge]:
    if known.disjoint(key, key):
        yield key, DISJOINT_FROM, key
        return
    others = [other for other in known.related(key) if not known.disjoint(other, other)]
    above = [other for other in others if known.subset(key, other)]
    below = [other for other in others if known.subset(other, key)]
    for other in _smallest(above, known):
        yield key, SUBSET_OF, other
    for other in _largest(below, known):
        yield other, SUBSET_OF, key
    inherited = [other for other in above if not known.subset(other, key)]
    apart = [
        other for other in others
        if known.disjoint(key, other) and not any(known.disjoint(larger, other) for larger in inherited)
    ]  # fmt: skip
    for other in _largest(apart, known)[:_MOST_DISJOINT]:
        yield min(key, other), DISJOINT_FROM, max(key, other)


def _smallest(keys: list[str], known: _Known) -> list[str]:
    kept: list[str] = []
    for key in sorted(keys, key=known.size):
        if not any(known.subset(other, key) for other in kept):
            kept = [other for other in kept if not known.subset(key, other)] + [key]
    return kept


def _largest(keys: list[str], known: _Known) -> list[str]:
    kept: list[str] = []
    for key in sorted(keys, key=lambda k: (-known.size(k), k)):
        if not any(known.subset(key, other) for other in kept):
            kept = [other for other in kept if not known.subset(other, key)] + [key]
    return kept


@dataclass
class _Known:
    """Relations of pairs: by the cells of a term where both are about one, else by the reasoner."""

    criteria: Mapping[str, str]
    formulas: Mapping[str, Formula]
    term: dict[str, Term | None] = field(default_factory=dict)
    cells: dict[Term, Cells] = field(default_factory=dict)
    of_term: dict[Term, list[str]] = field(default_factory=dict)
    terms: dict[str, frozenset[Term]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reasoner = Reasoner(Knowledge(self.criteria))
        for key, formula in self.formulas.items():
            self.term[key] = Cells.fit(formula)
            self.terms[key] = frozenset(_all_terms(v.term for v in implication.variables(formula)))
            for term in self.terms[key]:
                self.of_term.setdefault(term, []).append(key)
        single: dict[Term, dict[str, Formula]] = {}
        for key, one in self.term.items():
            if one is not None:
                single.setdefault(one, {})[key] = self.formulas[key]
        self.cells = {term: Cells(formulas) for term, formulas in single.items()}

    def related(self, key: str) -> list[str]:
        """Criteria that have a term in common."""
        return sorted({other for term in self.terms[key] for other in self.of_term[term]} - {key})

    def _bits(self, one: str, other: str) -> tuple[int, int] | None:
        term = self.term[one]
        if term is None or term != self.term[other]:
            return None
        of = self.cells[term].of
        return of[one], of[other]

    def subset(self, one: str, other: str) -> bool:
        bits = self._bits(one, other)
        if bits is not None:
            return not bits[0] & ~bits[1]
        return self.reasoner.subset((one,), (other,)).answer is Answer.YES

    def disjoint(self, one: str, other: str) -> bool:
        bits = self._bits(one, other)
        if bits is not None:
            return not bits[0] & bits[1]
        return self.reasoner.disjoint((one,), (other,)).answer is Answer.YES

    def size(self, key: str) -> int:
        """Never less for a larger one, among those of one term; so one finds the best early."""
        term = self.term[key]
        return self.cells[term].of[key].bit_count() if term is not None else 0


def _all_terms(terms: Iterable[Term]) -> Iterator[Term]:
    for term in terms:
        yield term
        yield from _all_terms(term.parts)
