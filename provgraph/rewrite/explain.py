"""Why a relation holds: what a proof rests on, as few things as possible, and in the words of who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from provgraph.language.criterion import BoundCriterion
from provgraph.rewrite import sat
from provgraph.rewrite.encoding import (
    BOUNDS,
    COMPLEMENT,
    EMPTY,
    LISTED,
    RELABELLED,
    SAME_SOURCES,
    SPACE,
    UNION,
    Encoding,
    Equality,
    Facts,
    Group,
)
from provgraph.rewrite.plan import criterion_origins
from provgraph.rewrite.sets import Bounds, Counted, Knowledge
from provgraph.schema.sets import Atoms, Complement, Listed, Relabelled, Union

_RULES = {
    COMPLEMENT: "C1", RELABELLED: "U8", LISTED: "U7", SPACE: "D4", BOUNDS: "U10", EMPTY: "Z2", SAME_SOURCES: "E7",
}  # fmt: skip
_BEING = "being in "
_DEPTH = 2  # of definitions within definitions that are spelled out


@dataclass(frozen=True)
class Step:
    """premises, being in all of these, make it impossible to be outside of `target`, or impossible at all (None)."""

    target: str | None
    premises: tuple[str, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Why:
    """For each atom of `whole` that is not one of `part`, why it holds; without `whole`, why nothing is in `part`."""

    part: Atoms
    whole: Atoms | None
    steps: tuple[Step, ...]


class Explanation:
    """Proves again what is known to hold, and looks what is needed for it. also : what was taken into account, too."""

    def __init__(self, knowledge: Knowledge, facts: Facts, derived: Iterable[Equality], also: Atoms) -> None:
        self.also = also
        self.knowledge = knowledge
        self.facts = facts
        self.derived = tuple(derived)

    def of(self, part: Atoms, whole: Atoms | None) -> Why:
        encoding = Encoding(self.knowledge, self.facts)
        encoding.set(self.also)
        premises = {atom: encoding.literal(atom) for atom in sorted(part)}
        targets: list[str | None] = [None] if whole is None else [a for a in sorted(whole) if a not in part]
        goals = {target: [-encoding.literal(target)] if target else [] for target in targets}
        for derived in self.derived:
            encoding.equate(derived)
        groups: dict[Group, int] = {}
        for group in encoding.groups:
            if group and group not in groups:
                groups[group] = encoding.size + len(groups) + 1
        with_selectors = (
            [*clause, -groups[group]] if group else clause
            for clause, group in zip(encoding.clauses, encoding.groups, strict=True)
        )
        solver = sat.new()
        solver.add(with_selectors)
        steps = []
        for target in targets:
            # What is dropped first, if it can be: facts, then definitions, then premises.
            fixed = encoding.active
            names: dict[int, Group | str] = {number: group for group, number in groups.items()}
            names |= {literal: atom for atom, literal in premises.items()}
            needed = _needed(solver, [*goals[target], *sorted(names, reverse=True)], fixed)
            outside = any(goal in needed for goal in goals[target])
            used = [names[literal] for literal in needed if literal in names]
            steps.append(Step(
                target if outside else None,
                tuple(sorted(u for u in used if isinstance(u, str))), tuple(u for u in used if not isinstance(u, str)),
            ))  # fmt: skip
        solver.close()
        return Why(part, whole, tuple(dict.fromkeys(steps)))


def _needed(solver: sat.Sat, assumptions: list[int], fixed: list[int]) -> list[int]:
    """Assumptions of which none can be left out; all of them where the solver gives up."""
    if solver.solve([*fixed, *assumptions]) is not False:
        return assumptions
    core = set(solver.core())
    left = [literal for literal in assumptions if literal in core]
    for literal in list(left):
        if literal in left:
            fewer = [other for other in left if other != literal]
            if solver.solve([*fixed, *fewer]) is False:
                core = set(solver.core())
                left = [other for other in fewer if other in core]
    return left


class Words:
    """Sets, atoms and reasons as a scientist says them."""

    def __init__(self, knowledge: Knowledge, describe: Callable[[str], str]) -> None:
        self.knowledge = knowledge
        self._describe = describe

    def set(self, atoms: Iterable[str], depth: int = 0) -> str:
        """Like ``A[x < 0.1]``: what is selected from, and the criteria."""
        from_, criteria = self._split(atoms)
        base = " and ".join(self.atom(a, depth) for a in from_) if from_ or not criteria else ""
        text = base if len(from_) < 2 or not criteria else f"({base})"
        return (text or ("everything" if not criteria else "")) + "".join(
            sorted(f"[{self.atom(c, depth)}]" for c in criteria)
        )

    def _split(self, atoms: Iterable[str]) -> tuple[list[str], list[str]]:
        ordered = sorted(atoms)
        return [a for a in ordered if not a.startswith("c:")], [a for a in ordered if a.startswith("c:")]

    def atom(self, atom: str, depth: int = 0) -> str:
        said = self._describe(atom)
        if said != atom:
            return said
        match self.knowledge.definitions.get(atom):
            case str(canonical):
                names = {o: self._describe(o) for o in criterion_origins(canonical)}
                return BoundCriterion.from_canonical(canonical).describe(names)
            case Union(parts) if depth >= _DEPTH:
                return f"a union of {len(parts)} sets"
            case Complement() | Relabelled() if depth >= _DEPTH:
                return "another set"
            case Union(parts):
                return f"the union of {_and(sorted(self.set(part, depth + 1) for part in parts))}"
            case Complement(of):
                return f"all but {self.set(of, depth + 1)}"
            case Relabelled(relabelling, _, preimage):
                return f"{self.set(preimage, depth + 1)} relabelled by {self._describe(relabelling)}"
            case Listed(ids):
                return f"a list of {len(ids):,} identifiers"
        return atom

    def both(self, atoms: Atoms) -> str:
        """What two sets have in common."""
        from_, criteria = self._split(atoms)
        said = []
        if from_:
            said.append(f"both select from {_and([self.atom(a) for a in from_])}")
        if criteria:
            said.append(f"{'' if from_ else 'both '}keep only {_and([self.atom(c) for c in criteria])}")
        return " and ".join(said) or "nothing limits the other"

    def because(self, why: Why) -> tuple[str, tuple[str, ...]]:
        """A reason, and the rules it follows."""
        said: list[str] = []
        rules: dict[str, None] = {}
        shared, _ = self._split(why.part & (why.whole or frozenset()))
        if shared:
            said.append(f"both select from {_and([self.atom(a) for a in shared])}")
            rules["U1"] = None
        for step in why.steps:
            said.append(self._step(step))
            rules |= dict.fromkeys(self._rules(step))
        return " and ".join(said), tuple(rules)

    def _step(self, step: Step) -> str:
        premises = _and(
            sorted((self._being(a) for a in step.premises), key=lambda said: (said.startswith(_BEING), said))
        )
        verb = "implies" if len(step.premises) == 1 else "imply"
        if step.target is None:
            said = f"{premises} cannot hold together" if len(step.premises) > 1 else f"{premises} can never hold"
        elif not premises:
            said = f"{self._being(step.target)} always holds"
        else:
            said = f"{premises} {verb} {self._being(step.target)}"
        given = [text for group in step.groups if (text := self._group(group))]
        return said + (f", as {_and(given)}" if given else "")

    def _being(self, atom: str) -> str:
        return self.atom(atom) if atom.startswith("c:") else _BEING + self.atom(atom)

    def _group(self, group: Group) -> str:
        match group:
            case ("bounds", Bounds() as fact):
                return self._bounds(fact)
            case ("empty", Counted() as fact):
                return f"{self.set(fact.atoms)} was found to have no sources"
            case ("same sources", Equality() as derived) if derived.same_identifiers:
                return f"{self.set(derived.one.atoms)} and {self.set(derived.other.atoms)} have the same identifiers"
            case ("same sources", Equality() as derived):
                return (
                    f"{self.set(derived.one.atoms)} is part of {self.set(derived.other.atoms)} and both have"
                    f" {derived.one.n:,} sources"
                )
            case ("space",):
                return "identifiers of different kinds are of different sources"
        return ""

    def _bounds(self, fact: Bounds) -> str:
        name = self._describe(fact.origin)
        said = ["is there for every source"] if not fact.nulls else []
        if fact.minimum is not None:
            said.append(f"is at least {fact.minimum:g}")
        if fact.maximum is not None:
            said.append(f"is at most {fact.maximum:g}")
        return f"{name} {_and(said)} in {self.set(fact.over)}"

    def _rules(self, step: Step) -> Iterable[str]:
        kinds = {group[0] for group in step.groups}
        atoms = [*step.premises, *([step.target] if step.target else [])]
        if step.target is None:
            yield "Z1"
        if UNION in kinds:
            yield "C1" if len(kinds) > 1 or any(a.startswith("c:") for a in atoms) else "U2" if (
                step.target or "").startswith("u:") else "U5"  # fmt: skip
        for kind in _RULES.keys() & kinds:
            yield _RULES[kind]
        criteria = [a for a in atoms if a.startswith("c:")]
        if criteria and step.target is not None:
            yield "U6" if len(criteria) <= 2 else "C2"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
