"""Definitions and facts as clauses about one source: what has to be true of it, in which sets it can be together.

All that is said holds for every source, so a set is part of another exactly when no source can be in the one and not in the
other (Paper II's hypercubes, kept as a formula). Atoms are encoded when they are first asked about, with everything that they
are defined by, and with the facts about sets whose atoms have been met; what is derived from them defines nothing new about
them, so nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.language import implication
from provgraph.language.implication import Clause, Every, Formula, Literal, Theory, Variable
from provgraph.rewrite.fingerprints import View, at_home, back, home, origin_at_home
from provgraph.rewrite.sets import Bounds, Counted, Fact, Knowledge
from provgraph.schema.sets import Atoms, Complement, Listed, Relabelled, Union

Group = tuple[Any, ...]
"""What a clause comes from; () for what holds by the meaning of the words. The first entry is one of the following."""
UNION, COMPLEMENT, RELABELLED, LISTED, SPACE, BOUNDS, EMPTY, SAME_SOURCES = (
    "union", "complement", "relabelled", "listed", "space", "bounds", "empty", "same sources"
)  # fmt: skip

_ANCHORS = ("s:", "u:", "r:", "l:")
_COMPLEMENTS = ("e:",)


@dataclass(frozen=True, eq=False)
class Equality:
    """Two sets have the same sources because of their numbers, one being part of the other; or of their identifiers."""

    one: Counted
    other: Counted
    same_identifiers: bool

    @property
    def parts(self) -> tuple[tuple[Counted, Counted], ...]:
        """Which is part of which, besides what is known without it."""
        back = (self.other, self.one)
        return (back, (self.one, self.other)) if self.same_identifiers else (back,)


class Encoding:
    """Clauses, growing with what is asked about.

    clauses, groups : parallel; `clauses` is what a solver has to be given. active : literals to assume in each question.
    counted : facts about sets that have been met and are not empty, in the order they came up. equal : what was derived from
    them, which holds wherever both sets have been met; equated : where it was said.
    """

    def __init__(self, knowledge: Knowledge, facts: Facts) -> None:
        self.knowledge = knowledge
        self.clauses: list[list[int]] = []
        self.groups: list[Group] = []
        self.counted: list[Counted] = []
        self.equal: list[Equality] = []
        self.equated: list[tuple[View, Equality]] = []
        self.instantiated: list[tuple[View, Fact]] = []
        self.size = 0
        self._facts = facts
        self._numbers: dict[Any, int] = {}
        self._theories: dict[View, Theory] = {}
        self._todo: list[tuple[View, str]] = []
        self._anchors: dict[View, set[str]] = {}
        self._open_facts: list[tuple[View, Fact]] = []
        self._met_origins: set[tuple[View, str]] = set()
        self._waiting: dict[tuple[View, str], list[tuple[View, Bounds]]] = {}
        self._spaces: dict[View, dict[str, int]] = {}
        self._lists: dict[View, list[str]] = {}
        self._listed_now: dict[View, tuple[int, int]] = {}
        self._images: dict[tuple[View, str], list[tuple[int, View, Relabelled]]] = {}
        self._working = False
        self._counted_in: dict[Counted, list[View]] = {}

    @property
    def active(self) -> list[int]:
        return [literal for literal, _ in self._listed_now.values()]

    def set(self, atoms: Atoms, view: View = ()) -> list[int]:
        """The literals whose conjunction is the set; everything about them is encoded."""
        literals = [self.atom(view, atom) for atom in sorted(atoms)]
        self._work()
        return literals

    def knows(self, atoms: Atoms) -> bool:
        return all(((), atom) in self._numbers for atom in atoms)

    def literal(self, atom: str) -> int:
        return self.set(frozenset((atom,)))[0]

    def say(self, group: Group, *clause: int) -> None:
        self.clauses.append(list(clause))
        self.groups.append(group)

    def atom(self, view: View, atom: str) -> int:
        key = (view, atom)
        number = self._numbers.get(key)
        if number is None:
            number = self._new(key)
            self._todo.append(key)
        return number

    def _new(self, key: Any) -> int:
        self.size += 1
        self._numbers[key] = self.size
        return self.size

    def _work(self) -> None:
        """Until everything that was named has been said: a loop, because definitions may be nested deeply."""
        if self._working:
            return
        self._working = True
        while self._todo or self._open_facts:
            if self._todo:
                self._define(*self._todo.pop())
            else:
                self._apply(*self._open_facts.pop())
        for view, atoms in self._lists.items():
            if self._listed_now.get(view, (0, 0))[1] != len(atoms):
                self._say_lists(view, atoms)
        self._working = False

    # -- definitions

    def _define(self, view: View, atom: str) -> None:
        this = self._numbers[view, atom]
        match self.knowledge.definitions.get(atom):
            case str(canonical):
                place, text = at_home(canonical, view)
                self._same((), this, self._formula(place, implication.meaning(text)))
            case Union(parts):
                group = (UNION, atom)
                each = [self._conjunction(view, part) for part in parts]
                for part in each:
                    self.say(group, -part, this)
                self.say(group, -this, *each)
            case Complement(of):
                self._same((COMPLEMENT, atom), -this, self._conjunction(view, of))
            case Relabelled() as image:
                self._relabelled(view, atom, this, image)
            case Listed():
                self._lists.setdefault(view, []).append(atom)
        self._in_space(view, atom, this)
        if atom.startswith(_ANCHORS) or (view and atom.startswith(_COMPLEMENTS)):
            met = self._anchors.setdefault(view, set())
            if not met:
                self._open_facts += [(view, fact) for fact in self._facts.everywhere(view)]
            met.add(atom)
            self._open_facts += [(view, fact) for fact, anchors in self._facts.of(atom, view) if anchors <= met]

    def _same(self, group: Group, one: int, other: int) -> None:
        self.say(group, -one, other)
        self.say(group, one, -other)

    def _conjunction(self, view: View, atoms: Iterable[str]) -> int:
        literals = [self.atom(view, atom) for atom in sorted(atoms)]
        return self._joined(True, literals)

    def _joined(self, every: bool, literals: Sequence[int]) -> int:
        """A literal for `and` (or `or`) of literals."""
        unique = tuple(sorted(set(literals)))
        if len(unique) == 1:
            return unique[0]
        key = (every, unique)
        number = self._numbers.get(key)
        if number is None:
            number = self._new(key)
            sign = 1 if every else -1
            for literal in unique:
                self.say((), -sign * number, sign * literal)
            self.say((), sign * number, *(-sign * literal for literal in unique))
        return number

    def _formula(self, place: View, formula: Formula) -> int:
        if isinstance(formula, Literal):
            number = self._variable(place, formula.variable)
            return number if formula.positive else -number
        return self._joined(isinstance(formula, Every), [self._formula(place, part) for part in formula.parts])

    def _variable(self, place: View, variable: Variable) -> int:
        number = self._numbers.get((place, variable))
        if number is None:
            theory = self._theories.get(place)
            if theory is None:
                theory = self._theories[place] = Theory()
            clauses = theory.meet(variable)
            number = self._number(place, variable)
            for clause in clauses:
                self.say((), *self._literals(place, clause))
        return number

    def _literals(self, place: View, clause: Clause) -> list[int]:
        return [self._number(place, v) if positive else -self._number(place, v) for v, positive in clause]

    def _number(self, place: View, variable: Variable) -> int:
        number = self._numbers.get((place, variable))
        if number is None:
            number = self._new((place, variable))
            text = variable.term.text
            if variable.term.text.startswith("`") and (place, text) not in self._met_origins:
                self._met_origins.add((place, text))
                self._open_facts += self._waiting.pop((place, text), [])
        return number

    def _relabelled(self, view: View, atom: str, this: int, image: Relabelled) -> None:
        """A source of an image is looked at where it came from. By a map that is not injective each image has a source of
        its own that it came from, which is in the preimage of another image only if that image has the source as well."""
        group = (RELABELLED, atom)
        if image.injective:
            there = back(view, image.relabelling)
            self._same(
                group, this, self._joined(True, [*self._is_from(there), self._conjunction(there, image.preimage)])
            )
            for exists in self._is_from(view):
                self.say(group, -this, exists)
            return
        others = self._images.setdefault((view, image.relabelling), [])
        witness = back(view, image.relabelling, atom)
        self.say(group, -this, self._conjunction(witness, image.preimage))
        for other, its_witness, that in others:
            self.say(group, -other, -self._conjunction(its_witness, image.preimage), this)
            self.say(group, -this, -self._conjunction(witness, that.preimage), other)
        others.append((this, witness, image))

    def _is_from(self, view: View) -> list[int]:
        """That there is a source to look at, which goes without saying where one begins."""
        return [self._numbers.get((view, "source")) or self._new((view, "source"))] if view else []

    def _in_space(self, view: View, atom: str, this: int) -> None:
        space = self.knowledge.spaces.get(atom)
        if not space:
            return
        spaces = self._spaces.setdefault(view, {})
        if space not in spaces:
            number = self._new((view, "space", space))
            for other in spaces.values():
                self.say((SPACE,), -number, -other)
            spaces[space] = number
        self.say((SPACE,), -this, spaces[space])

    def _say_lists(self, view: View, atoms: list[str]) -> None:
        """In which of the lists an identifier can be together: each combination that occurs, and none of them."""
        active = self._new((view, "lists", len(atoms)))
        self._listed_now[view] = (active, len(atoms))
        by_kind: dict[str, list[str]] = {}
        for atom in atoms:
            by_kind.setdefault(self._ids(atom).dtype.kind, []).append(atom)
        for alike in by_kind.values():
            everything = np.unique(np.concatenate([self._ids(atom) for atom in alike]))
            inside = np.stack([np.isin(everything, self._ids(atom)) for atom in alike])
            occurring = {(False,) * len(alike), *(tuple(map(bool, row)) for row in np.unique(inside, axis=1).T)}
            if len(occurring) == 1 << len(alike):
                continue
            names = [self._numbers[view, atom] for atom in alike]
            choices = []
            for row in sorted(occurring):
                choice = self._new((view, "listed", tuple(alike), row))
                choices.append(choice)
                for name, member in zip(names, row, strict=True):
                    self.say((LISTED,), -choice, name if member else -name)
            self.say((LISTED,), -active, *choices)

    def _ids(self, atom: str) -> Any:
        definition = self.knowledge.definitions[atom]
        assert isinstance(definition, Listed)
        return definition.ids

    # -- facts

    def _apply(self, view: View, fact: Fact) -> None:
        if isinstance(fact, Bounds):
            self._bounds(view, fact)
        elif fact.n == 0:
            self.say((EMPTY, fact), *(-self.atom(view, atom) for atom in fact.atoms))
            self.instantiated.append((view, fact))
        else:
            self._meet_counted(view, fact)

    def _meet_counted(self, view: View, fact: Counted) -> None:
        views = self._counted_in.setdefault(fact, [])
        if not views:
            self.counted.append(fact)
        if view not in views:
            views.append(view)
            for equality in self.equal:
                if view and fact in (equality.one, equality.other) and self._both_met(view, equality):
                    self._equate(view, equality)

    def equate(self, equality: Equality) -> None:
        """Two sets have the same sources, wherever one looks at them from."""
        self.equal.append(equality)
        self.set(equality.one.atoms | equality.other.atoms)
        for view in [(), *(v for v in self._counted_in.get(equality.one, ()) if v)]:
            if not view or self._both_met(view, equality):
                self._equate(view, equality)

    def _both_met(self, view: View, equality: Equality) -> bool:
        return all(view in self._counted_in.get(fact, ()) for fact in (equality.one, equality.other))

    def _equate(self, view: View, equality: Equality) -> None:
        self.equated.append((view, equality))
        for small, large in equality.parts:
            outside = [-literal for literal in self.set(small.atoms, view)]
            for literal in self.set(large.atoms, view):
                self.say((SAME_SOURCES, equality), *outside, literal)

    def _bounds(self, view: View, fact: Bounds) -> None:
        place, steps = home(view)
        term = implication.column(origin_at_home(fact.origin, steps))
        if (place, term.text) not in self._met_origins:
            waiting = self._waiting.setdefault((place, term.text), [])
            waiting.append((view, fact))
            if any(_exclude(fact, other) for _, other in waiting):
                self._variable(place, implication.there(term).variable)  # meets the origin
            return
        outside = [-self.atom(view, atom) for atom in fact.over]
        for said in bounds_say(fact, term):
            self.say((BOUNDS, fact), *outside, *(self._formula(place, literal) for literal in said))
        self.instantiated.append((view, fact))


def bounds_say(fact: Bounds, term: implication.Term) -> list[Clause]:
    """What statistics say of each source that they are about."""
    there = implication.there(term)
    found: list[Clause] = [] if fact.nulls else [(there,)]
    if fact.minimum is not None:
        found.append((-implication.below(term, fact.minimum),))
    if fact.maximum is not None:
        found.append((-there, implication.up_to(term, fact.maximum)))
    return found


def _exclude(one: Bounds, other: Bounds) -> bool:
    """Whether no source can be in both sets, because no value is within the bounds of both."""
    if one.nulls and other.nulls:
        return False
    lows = [fact.minimum for fact in (one, other) if fact.minimum is not None]
    highs = [fact.maximum for fact in (one, other) if fact.maximum is not None]
    return bool(lows and highs) and max(lows) > min(highs)


class Facts:
    """Facts by the atoms that have to be met before they can matter.

    Those of a complement need not, where one begins: the fact may be what makes it matter. Seen from other views they have to,
    because what is left out may be relabelled again, and there would be no end to it.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._here = _Index(facts, _ANCHORS)
        self._elsewhere = _Index(facts, _ANCHORS + _COMPLEMENTS)

    def of(self, atom: str, view: View) -> Sequence[tuple[Fact, Atoms]]:
        return (self._elsewhere if view else self._here).of.get(atom, ())

    def everywhere(self, view: View) -> Sequence[Fact]:
        """Facts that no atom has to be met for."""
        return (self._elsewhere if view else self._here).everywhere

    @property
    def anchors(self) -> Atoms:
        return frozenset(self._here.of)


class _Index:
    def __init__(self, facts: Iterable[Fact], kinds: tuple[str, ...]) -> None:
        self.of: dict[str, list[tuple[Fact, Atoms]]] = {}
        self.everywhere: list[Fact] = []
        for fact in facts:
            atoms = fact.over if isinstance(fact, Bounds) else fact.atoms
            anchors = frozenset(atom for atom in atoms if atom.startswith(kinds))
            for atom in anchors:
                self.of.setdefault(atom, []).append((fact, anchors))
            if not anchors:
                self.everywhere.append(fact)
