"""What answers about a plan rest on: what its own steps say of their sources, what is known besides, and what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provgraph.rewrite.fingerprints import Simulation
from provgraph.rewrite.plan import Step
from provgraph.rewrite.relations import definitions_of, prove_equal
from provgraph.rewrite.sets import Answer, Counted, Knowledge, Proof
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.sets import Atoms, Definition


@dataclass(frozen=True)
class Stored:
    """A set of sources of which the store has the identifiers.

    name : for traces. origins : of columns that it has for all of them. n : how many there are; None where nobody counted.
    """

    name: str
    atoms: Atoms
    origins: frozenset[str] = frozenset()
    n: int | None = None


class Grounds:
    """Answers about sets of sources, for one plan on its way through the rules; each is worked out once.

    Only what is proved is answered with True: what is not known is no reason to change anything.
    """

    def __init__(self, knowledge: Knowledge | None = None, stored: Iterable[Stored] = ()) -> None:
        known = knowledge or Knowledge()
        self._definitions: dict[str, Definition] = dict(known.definitions)
        self._knowledge = replace(known, definitions=self._definitions)
        self._counts = {fact.atoms: fact.n for fact in known.facts if isinstance(fact, Counted)}
        self._reasoner: Reasoner | None = None
        self._simulation = Simulation(self._knowledge)
        self._subsets: dict[tuple[Atoms, Atoms], bool] = {}
        self._empty: dict[Atoms, bool] = {}
        self.stored = tuple(sorted(stored, key=lambda s: (s.n is None, s.n, s.name)))
        # What is stored may be a part that was left out in another plan: only a plan says what such an atom means.
        self._open = {atom for one in self.stored for atom in one.atoms} - self._definitions.keys()

    def learn(self, steps: Iterable[Step], everything: Mapping[str, Step]) -> None:
        """Take note of what the atoms of these steps mean; an atom's meaning never changes."""
        found = definitions_of(steps, everything)
        self._definitions.update(found)
        if not self._open.isdisjoint(found):  # what was worked out took them for sets of which nothing is known
            self._open -= found.keys()
            self._reasoner = None
            self._simulation = Simulation(self._knowledge)
            self._subsets.clear()
            self._empty.clear()

    def subset(self, one: Iterable[str], other: Iterable[str]) -> bool:
        """Whether it is proved that all sources of one set are in the other."""
        a, b = frozenset(one), frozenset(other)
        if b <= a:
            return True
        known = self._subsets.get((a, b))
        if known is None:
            known = self._subsets[a, b] = self.reasoner.subset(a, b).answer is Answer.YES
        return known

    def may_be_part(self, one: Iterable[str], other: Iterable[str]) -> bool:
        """False where what the atoms mean does not make one set a part of the other; much cheaper than a proof."""
        a, b = frozenset(one), frozenset(other)
        return b <= a or not self._simulation.atoms((), a) & ~self._simulation.atoms((), b)

    def prove_equal(self, one: Iterable[str], other: Iterable[str]) -> Proof:
        a, b = frozenset(one), frozenset(other)
        return prove_equal(a, b, None if a == b else self.reasoner)

    def equal(self, one: Iterable[str], other: Iterable[str]) -> bool:
        """Whether it is proved that two sets have the same sources."""
        a, b = frozenset(one), frozenset(other)
        return a == b or (self.subset(a, b) and self.subset(b, a))

    def empty(self, one: Iterable[str]) -> bool:
        """Whether it is proved that a set has no source."""
        a = frozenset(one)
        known = self._empty.get(a)
        if known is None:
            known = self._empty[a] = self.reasoner.empty(a).answer is Answer.YES
        return known

    def count(self, one: Iterable[str]) -> int | None:
        """How many sources a set has, where that was found out."""
        return self._counts.get(frozenset(one))

    @property
    def reasoner(self) -> Reasoner:
        if self._reasoner is None:
            self._reasoner = Reasoner(self._knowledge)
        return self._reasoner
