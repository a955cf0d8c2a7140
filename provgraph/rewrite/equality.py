"""All sets with the same sources among many: cheap forms and samples first, the solver for what they leave open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from provgraph.language.criterion import BoundCriterion
from provgraph.language.ranges import Range, ranges
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.sets import Atoms, Complement, Definition, Union

Array = np.ndarray[Any, Any]

SAMPLE = 2048


def classes(knowledge: Knowledge, sets: Iterable[Atoms]) -> list[list[Atoms]]:
    """Sets that provably have the same sources, together; those that equal no other are left out.

    Equal normal forms are equal sets; where samples differ sets differ; each of the others is compared with one of each class.
    Facts are not used, and of conditions on text or on several attributes at once some equalities may be missed.
    """
    normal = _Normal(knowledge.definitions)
    same: dict[Any, list[Atoms]] = {}
    for atoms in dict.fromkeys(sets):
        same.setdefault(normal.of(atoms), []).append(atoms)
    sample = _Sample(knowledge.definitions)
    alike: dict[bytes, list[list[Atoms]]] = {}
    for members in same.values():
        alike.setdefault(sample.of(members[0]).tobytes(), []).append(members)
    reasoner = Reasoner(knowledge)
    nothing = np.zeros(SAMPLE, bool).tobytes()
    found: list[list[Atoms]] = []
    for bits, group in alike.items():
        own: list[list[Atoms]] = []
        empty: list[Atoms] = []
        for members in group:
            if bits == nothing and reasoner.empty(members[0]).answer is Answer.YES:
                empty.extend(members)
                continue
            for others in own:
                if reasoner.equal(others[0], members[0]).answer is Answer.YES:
                    others.extend(members)
                    break
            else:
                own.append(list(members))
        found += [members for members in (*own, empty) if len(members) > 1]
    return found


class _Normal:
    """Forms that are the same for sets that are trivially equal: of thresholds on one attribute only the tightest count."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self.known: dict[str, Any] = {}

    def of(self, atoms: Atoms) -> frozenset[Any]:
        confined: dict[str, Range] = {}
        rest: set[Any] = set()
        for atom in atoms:
            part = self.known.get(atom)
            if part is None:
                part = self.known[atom] = self._meaning(atom)
            if isinstance(part, Range):
                confined[part.origin] = confined[part.origin] & part if part.origin in confined else part
            elif isinstance(part, frozenset):
                rest |= part
            else:
                rest.add(part)
        if any(one.is_empty for one in confined.values()):
            return frozenset({"nothing"})
        return frozenset(rest | {(r.origin, r.lower, r.lower_open, r.upper, r.upper_open) for r in confined.values()})

    def _meaning(self, atom: str) -> Any:
        definition = self.definitions.get(atom)
        if isinstance(definition, str):
            tree = BoundCriterion.from_canonical(definition).tree
            confined = list(ranges(tree).values())
            if len(confined) == 1 and tree in confined[0].terms:
                return confined[0]
        if isinstance(definition, Union):
            parts = {self.of(part) for part in definition.parts} - {frozenset({"nothing"})}
            parts = {p for p in parts if not any(q < p for q in parts)}  # a part of another adds nothing
            return next(iter(parts)) if len(parts) == 1 else ("union", frozenset(parts))
        return atom


class _Sample:
    """Which of some made-up sources a set has; their values lie at and between the thresholds of these very sets."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self.known: dict[str, Array] = {}
        thresholds: dict[str, set[int | float]] = {}
        for definition in definitions.values():
            if isinstance(definition, str):
                for origin, one in ranges(BoundCriterion.from_canonical(definition).tree).items():
                    there = thresholds.setdefault(origin, set())
                    there.update(v for v in (one.lower, one.upper) if v is not None)
        self.columns = {origin: (self._values(origin, there), None) for origin, there in thresholds.items()}

    def of(self, atoms: Atoms) -> Array:
        """ndarray of bool, shape (SAMPLE,)."""
        bits = np.ones(SAMPLE, bool)
        for atom in sorted(atoms):
            bits &= self._bits(atom)
        return bits

    def _bits(self, atom: str) -> Array:
        found = self.known.get(atom)
        if found is None:
            found = self.known[atom] = self._find(atom)
        return found

    def _find(self, atom: str) -> Array:
        match self.definitions.get(atom):
            case str(canonical):
                bound = BoundCriterion.from_canonical(canonical)
                if all(origin in self.columns for origin in bound.origins):
                    try:
                        return np.asarray(bound.select(self.columns, SAMPLE))
                    except (TypeError, ValueError):  # of text, which is not made up here
                        pass
            case Union(parts):
                return np.logical_or.reduce([self.of(part) for part in parts])
            case Complement(of):
                return ~self.of(of)
            case None:
                return self._random(atom).random(SAMPLE) < 0.9
        return np.ones(SAMPLE, bool)  # says nothing, and so tells no two sets apart

    def _values(self, origin: str, thresholds: set[int | float]) -> Array:
        rng = self._random(origin)
        ordered = np.unique(np.array(sorted(thresholds) or [0.0], np.float64))
        middle = (ordered[1:] + ordered[:-1]) / 2
        pool = np.concatenate([ordered, middle, [ordered[0] - 1, ordered[-1] + 1]])
        values = rng.choice(pool, SAMPLE)
        if thresholds and all(isinstance(v, int) for v in thresholds):  # whole numbers, between which nothing lies
            values = np.floor(values)
        values[rng.random(SAMPLE) < 0.02] = np.nan
        return values

    @staticmethod
    def _random(key: str) -> np.random.Generator:
        return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little"))
