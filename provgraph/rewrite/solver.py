"""Answers how sets of sources relate: YES with a proof, NO with a witness, else UNKNOWN (docs/relations.md).

A set is part of another when no source can be in the one and not in the other, which a SAT solver decides on the definitions
and facts that the two sets touch (`encoding`). What clauses cannot say is done beside it: equal numbers of sources, equal
identifiers, and that a set that was found to have sources has some. Most questions have the answer "not known", and virtual
sources (`fingerprints`) show that without the solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from provgraph.errors import ProvgraphError
from provgraph.language import implication
from provgraph.language.implication import Either
from provgraph.rewrite import sat
from provgraph.rewrite.encoding import Encoding, Equality, Facts, bounds_say
from provgraph.rewrite.explain import Explanation, Words
from provgraph.rewrite.fingerprints import ALL, Simulation, View, home, origin_at_home, simulated, where
from provgraph.rewrite.sets import Answer, Because, Bounds, Counted, Knowledge, Proof
from provgraph.schema.sets import Atoms

_MOST_VARIABLES = 4000  # beyond, what was asked before slows down what is asked now
_FEW_FACTS = 64  # so many are always taken into account: one about a union may say something about a part of it
YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


@dataclass
class _Cone:
    """What was encoded, as long as it stays small. mask : virtual sources that no fact contradicts."""

    encoding: Encoding
    solver: sat.Sat
    given: int = 0
    believed: int = 0
    settled: int = 0
    equated: int = 0
    mask: int = ALL
    derived: tuple[Equality, ...] = ()


class Reasoner:
    """Questions about sets of sources; for one thread at a time.

    describe : words for an atom, or for the origin of an attribute; what it does not know it returns unchanged.

    Raises
    ------
    ProvgraphError : ``sources_inconsistent`` when facts contradict definitions or each other: the graph or the store is
        damaged, a calculator is not deterministic, or something was asserted wrongly.
    """

    def __init__(self, knowledge: Knowledge, describe: Callable[[str], str] | None = None) -> None:
        self.knowledge = knowledge
        self.words = Words(knowledge, describe or (lambda atom: atom))
        self._facts = Facts(knowledge.facts)
        self._counts = {fact.atoms: fact for fact in knowledge.facts if isinstance(fact, Counted)}
        self._always = self._facts.anchors if len(knowledge.facts) <= _FEW_FACTS else frozenset()
        self._simulation = Simulation(knowledge, concrete=True)
        self._now = self._new_cone()

    # -- questions

    def subset(self, one: Iterable[str], other: Iterable[str]) -> Proof:
        """Whether all sources of one set are in the other."""
        a, b = frozenset(one), frozenset(other)
        if b <= a:
            self._check_counts(a, b)
            return Proof(YES, partial(self._contained, a, b))
        if self._nothing_to_meet(a, b):
            return self._unknown("every source of {} is in {}", a, b)
        self._meet(a | b)
        if self._part(a, b):
            self._check_counts(a, b)
            return self._yes(a, b, "{} is part of {} because {}", (a, b))
        if witness := self._against(a, b):
            return Proof(NO, witness)
        return self._unknown("every source of {} is in {}", a, b)

    def equal(self, one: Iterable[str], other: Iterable[str]) -> Proof:
        """Whether two sets have the same sources."""
        a, b = frozenset(one), frozenset(other)
        if a == b:
            return Proof(YES, partial(self._contained, a, b))
        there = self.subset(a, b)
        if there.answer is NO:
            return there
        back = self.subset(b, a)
        if back.answer is NO:
            return back
        if there.answer is back.answer is YES:
            return Proof(YES, partial(self._both_ways, a, b, there, back))
        if witness := self._different(a, b):
            return Proof(NO, witness)
        return self._unknown("{} and {} have the same sources", a, b)

    def disjoint(self, one: Iterable[str], other: Iterable[str]) -> Proof:
        """Whether no source is in both sets."""
        a, b = frozenset(one), frozenset(other)
        self._meet(a | b)
        if self._none(a | b):
            self._check_counts(a | b, None)
            return self._yes(a | b, None, "{} and {} share no source because {}", (a, b))
        if witness := self._witness(a | b):
            return self._found(witness, "{} and {} share sources", a, b)
        return self._unknown("{} and {} share no source", a, b)

    def empty(self, one: Iterable[str]) -> Proof:
        """Whether a set has no source."""
        a = frozenset(one)
        self._meet(a)
        if self._none(a):
            self._check_counts(a, None)
            return self._yes(a, None, "{} has no sources because {}", (a,))
        if witness := self._witness(a):
            return self._found(witness, "{} has sources", a)
        return self._unknown("{} has no sources", a)

    def intersects(self, one: Iterable[str], other: Iterable[str]) -> Proof:
        """Whether a source is in both sets."""
        a, b = frozenset(one), frozenset(other)
        proof = self.disjoint(a, b)
        if proof.answer is UNKNOWN:
            return self._unknown("{} and {} share sources", a, b)
        return Proof(NO if proof.answer is YES else YES, lambda: proof.because)

    # -- what is entailed

    def _part(self, a: Atoms, b: Atoms) -> bool:
        """Whether it is entailed that a is part of b; both have been met."""
        missing = [atom for atom in sorted(b) if atom not in a]
        if not missing:
            return True
        literals = self._now.encoding.set(a)
        self._now.encoding.set(b)
        self._believe()
        if self._may_lack(a, b):
            return False
        return all(self._impossible([*literals, -self._now.encoding.literal(atom)]) for atom in missing)

    def _none(self, atoms: Atoms) -> bool:
        """Whether it is entailed that nothing has all of the atoms."""
        literals = self._now.encoding.set(atoms)
        self._believe()
        if self._simulation.atoms((), atoms) & self._now.mask:
            return False
        return self._impossible(literals)

    def _may_lack(self, a: Atoms, b: Atoms) -> bool:
        """Whether a virtual source is in a and not in b, so that nothing known makes a part of b."""
        return bool(self._simulation.atoms((), a) & ~self._simulation.atoms((), b) & self._now.mask)

    def _impossible(self, literals: list[int]) -> bool:
        now = self._now
        if now.given < len(now.encoding.clauses):
            now.solver.add(now.encoding.clauses[now.given :])
            now.given = len(now.encoding.clauses)
        return now.solver.solve([*now.encoding.active, *literals]) is False

    def _nothing_to_meet(self, a: Atoms, b: Atoms) -> bool:
        """Whether definitions leave it open and there are no facts, so that nothing needs to be encoded to say so."""
        return not self.knowledge.facts and self._may_lack(a, b)

    def _new_cone(self) -> _Cone:
        cone = _Cone(Encoding(self.knowledge, self._facts), sat.new())
        cone.encoding.set(self._always)
        return cone

    def _meet(self, atoms: Atoms) -> None:
        """Encode atoms with the facts around them."""
        now = self._now
        if now.encoding.size > _MOST_VARIABLES and not now.encoding.knows(atoms):
            now.solver.close()
            self._now = self._new_cone()
        self._now.encoding.set(atoms)
        self._settle()

    def _settle(self) -> None:
        """Take numbers of sources into account that were met, until they say nothing new."""
        now = self._now
        while now.settled < len(now.encoding.counted):
            new = now.encoding.counted[now.settled :]
            now.settled += len(new)
            for fact in new:
                self._check_not_empty(fact)
            self._equal_numbers()

    def _believe(self) -> None:
        """Leave out virtual sources that contradict facts that were met."""
        now = self._now
        for view, fact in now.encoding.instantiated[now.believed :]:
            now.believed += 1
            for seen in simulated(view):
                now.mask &= self._none_of(seen, fact) if isinstance(fact, Counted) else self._within(seen, fact)
        for view, equality in now.encoding.equated[now.equated :]:
            now.equated += 1
            for seen in simulated(view):
                for small, large in equality.parts:
                    now.mask &= self._none_of(seen, small) | self._simulation.atoms(seen, large.atoms)

    def _none_of(self, view: View, fact: Counted) -> int:
        return ALL & ~self._simulation.atoms(view, fact.atoms)

    def _within(self, view: View, fact: Bounds) -> int:
        place, steps = home(view)
        term = implication.column(origin_at_home(fact.origin, steps))
        bits = ALL
        for clause in bounds_say(fact, term):
            bits &= where(place, Either(clause))
        return bits | ALL & ~self._simulation.atoms(view, fact.over)

    def _equal_numbers(self) -> None:
        """A part with as many sources as the whole is the whole; so are sets with the same identifiers."""
        groups: dict[int, list[Counted]] = {}
        for fact in self._now.encoding.counted:
            groups.setdefault(fact.n, []).append(fact)
        changed = True
        while changed:
            changed = False
            for group in groups.values():
                for one in group:
                    for other in group:
                        if one is not other and self._becomes_equal(one, other):
                            changed = True

    def _becomes_equal(self, one: Counted, other: Counted) -> bool:
        now = self._now
        if one.atoms == other.atoms or any(d.one is one and d.other is other for d in now.derived):
            return False
        same = bool(one.digest) and one.digest == other.digest and self._one_space(one.atoms, other.atoms)
        if not same:
            if self._may_lack(one.atoms, other.atoms) or not self._part(one.atoms, other.atoms):
                return False
            if self._differ(one, other):
                raise self._inconsistent(
                    f"{self.words.set(one.atoms)} is part of {self.words.set(other.atoms)} and has as many sources,"
                    " but other identifiers"
                )
            if self._part(other.atoms, one.atoms):
                return False
        equality = Equality(one, other, same)
        now.derived = (*now.derived, equality)
        now.encoding.equate(equality)
        self._believe()
        return True

    # -- numbers of sources

    def _one_space(self, a: Atoms, b: Atoms) -> bool:
        space = self.knowledge.space(a)
        return bool(space) and space == self.knowledge.space(b)

    def _differ(self, one: Counted, other: Counted) -> bool:
        return (
            bool(one.digest and other.digest) and one.digest != other.digest and self._one_space(one.atoms, other.atoms)
        )

    def _check_not_empty(self, fact: Counted) -> None:
        if not self._simulation.atoms((), fact.atoms) & self._now.mask and self._none(fact.atoms):
            why = Explanation(self.knowledge, self._facts, self._now.derived, self._always).of(fact.atoms, None)
            raise self._inconsistent(
                f"{self.words.set(fact.atoms)} was found to have {_sources(fact.n)}, but {self.words.because(why)[0]}"
            )

    def _check_counts(self, a: Atoms, whole: Atoms | None) -> None:
        """That a set that was proved to be part of another (None: to be empty) has no more sources."""
        one = self._counts.get(a)
        most = 0 if whole is None else self._counts[whole].n if whole in self._counts else None
        if one and most is not None and one.n > most:
            proved = "empty" if whole is None else f"part of {self.words.set(whole)}, which has only {most:,}"
            raise self._inconsistent(
                f"{self.words.set(a)} was found to have {_sources(one.n)} and is proved to be {proved}"
            )

    @staticmethod
    def _inconsistent(message: str) -> ProvgraphError:
        return ProvgraphError(
            f"{message}: the graph or the stored data contradict each other.", code="sources_inconsistent"
        )

    def _parts_counted(self, a: Atoms) -> Iterable[Counted]:
        """Sets that have sources and are part of a."""
        for fact in list(self._now.encoding.counted):
            if not self._may_lack(fact.atoms, a) and self._part(fact.atoms, a):
                yield fact

    def _witness(self, a: Atoms) -> Counted | None:
        return next(iter(self._parts_counted(a)), None)

    def _against(self, a: Atoms, b: Atoms) -> Callable[[], Because] | None:
        """Why a is certainly not part of b, if that is so."""
        if not self._now.encoding.counted:
            return None
        most: Counted | None = None
        for fact in list(self._parts_counted(a)):
            if self._none(fact.atoms | b):
                return partial(self._words_outside, a, b, fact)
            if most is None or fact.n > most.n:
                most = fact
        whole = self._counts.get(b)
        if most and not whole:
            wholes = (fact for fact in list(self._now.encoding.counted) if fact.n < most.n)
            whole = next(
                (fact for fact in wholes if not self._may_lack(b, fact.atoms) and self._part(b, fact.atoms)), None
            )
        if most and whole and most.n > whole.n:
            return partial(self._words_more, a, b, most.n, whole.n)
        one, other = self._counts.get(a), self._counts.get(b)
        if one and other and one.n == other.n and self._differ(one, other):
            return partial(self._words_identifiers, a, b)
        return None

    def _different(self, a: Atoms, b: Atoms) -> Callable[[], Because] | None:
        one, other = self._counts.get(a), self._counts.get(b)
        if one and other and one.n != other.n:
            return partial(self._words_numbers, a, b, one.n, other.n)
        return partial(self._words_identifiers, a, b) if one and other and self._differ(one, other) else None

    # -- words

    def _say(self, sentence: str, sets: Iterable[Atoms], *more: str) -> str:
        return sentence.format(*(self.words.set(atoms) for atoms in sets), *more)

    def _yes(self, a: Atoms, b: Atoms | None, sentence: str, sets: tuple[Atoms, ...]) -> Proof:
        derived = self._now.derived

        def because() -> Because:
            words, rules = self.words.because(Explanation(self.knowledge, self._facts, derived, self._always).of(a, b))
            return Because(self._say(sentence, sets, words), rules)

        return Proof(YES, because)

    def _found(self, witness: Counted, sentence: str, *sets: Atoms) -> Proof:
        """NO, because a set that was found to have sources is part of what should have none."""

        def because() -> Because:
            of = self._say("{}, found to have {}, is part of that", (witness.atoms,), _sources(witness.n))
            return Because(f"{self._say(sentence, sets)}: {of}", ("X1", "X2"))

        return Proof(NO, because)

    def _unknown(self, sentence: str, *sets: Atoms) -> Proof:
        return Proof(UNKNOWN, lambda: Because(f"nothing known says that {self._say(sentence, sets)}"))

    def _contained(self, a: Atoms, b: Atoms) -> Because:
        verb = "has the sources of" if a == b else "is part of"
        return Because(self._say(f"{{}} {verb} {{}} because {{}}", (a, b), self.words.both(b)), ("U1",))

    def _both_ways(self, a: Atoms, b: Atoms, there: Proof, back: Proof) -> Because:
        said = self._say("{} and {} have the same sources: {}, and {}", (a, b), there.reason, back.reason)
        return Because(said, tuple(dict.fromkeys((*there.rules, *back.rules))))

    def _words_outside(self, a: Atoms, b: Atoms, witness: Counted) -> Because:
        said = "{} is not part of {}: {}, found to have {}, is part of the one and outside of the other"
        return Because(self._say(said, (a, b, witness.atoms), _sources(witness.n)), ("X3",))

    def _words_more(self, a: Atoms, b: Atoms, more: int, most: int) -> Because:
        said = "{} is not part of {}: the one has at least {}, the other at most {}"
        return Because(self._say(said, (a, b), _sources(more), f"{most:,}"), ("E7",))

    def _words_numbers(self, a: Atoms, b: Atoms, one: int, other: int) -> Because:
        return Because(
            self._say("{} has {} and {} has {}", (a,), _sources(one), self.words.set(b), f"{other:,}"), ("E7",)
        )

    def _words_identifiers(self, a: Atoms, b: Atoms) -> Because:
        return Because(self._say("{} and {} were found to have other identifiers", (a, b)), ("E6",))


def _sources(n: int) -> str:
    return "1 source" if n == 1 else f"{n:,} sources"
