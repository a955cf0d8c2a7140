"""How sets of sources relate, and what else a rule needs to know that it cannot see in its own two steps.

A set of sources is symbolic: a collection of atoms, meaning their intersection. More atoms, fewer sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from provgraph.errors import ProvgraphError, RewriteError
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    FILTER_SOURCES,
    PASS,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    Plan,
    Step,
    criterion_conjuncts,
)


class Answer(Enum):
    """Three-valued: UNKNOWN is never read as "no"."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        if self is Answer.UNKNOWN:
            raise ProvgraphError("It is not known: compare with Answer.YES.", code="answer_unknown")
        return self is Answer.YES


@dataclass(frozen=True)
class Proof:
    """An answer and the reason for it."""

    answer: Answer
    reason: str


def prove_subset(smaller: Collection[str], larger: Collection[str]) -> Proof:
    """Whether all sources with the atoms `smaller` are among those with the atoms `larger`."""
    missing = sorted(set(larger) - set(smaller))
    if missing:
        return Proof(Answer.UNKNOWN, f"nothing says that the sources are limited by {', '.join(missing)}")
    return Proof(Answer.YES, f"the sources are limited by {', '.join(sorted(larger)) or 'nothing'} already")


def prove_equal(one: Collection[str], other: Collection[str]) -> Proof:
    """Whether two sets of sources are the same."""
    if set(one) == set(other):
        return Proof(Answer.YES, f"both are limited by {', '.join(sorted(one)) or 'nothing'}")
    return Proof(Answer.UNKNOWN, f"only one is limited by {', '.join(sorted(set(one) ^ set(other)))}")


def subset(smaller: Collection[str], larger: Collection[str]) -> Answer:
    return prove_subset(smaller, larger).answer


def equal(one: Collection[str], other: Collection[str]) -> Answer:
    return prove_equal(one, other).answer


def with_atoms(plan: Plan) -> Plan:
    """What the end needs, with the atoms of every step worked out from its operator, and selections in one order."""
    known: dict[str, Step] = {}
    for step in plan.ordered():
        known[step.id] = replace(
            step, atoms=atoms_of(step, known), sources=_sorted(step.sources), without=_sorted(step.without)
        )
    return Plan(plan.end, known)


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(ids)))


def atoms_of(step: Step, steps: Mapping[str, Step]) -> tuple[str, ...]:
    """The atoms of a step, from those of its dependencies; as declared for what has no parents."""
    if not step.parents:
        return tuple(sorted(step.atoms))
    found = {atom for p in step.parents for atom in steps[p].atoms}
    if step.operator in (PASS, SELECT_ATTRIBUTES, CONCATENATE_ATTRIBUTES, ATTRIBUTE_CALCULATOR):
        pass
    elif step.operator == FILTER_SOURCES:
        found.update(criterion_conjuncts(step.criterion))
    elif step.operator == SELECT_SOURCES:
        found.update(atom for s in step.sources for atom in steps[s].atoms)
        found.update(_complement(steps[s].atoms) for s in step.without)
        if step.source_list:
            found.add(f"l:{step.source_list}")
    else:
        raise RewriteError(f"Nobody said which sources the operator {step.operator} keeps.", code="operator_unknown")
    return tuple(sorted(found))


def _complement(atoms: Iterable[str]) -> str:
    return "e:" + hashlib.sha256("\0".join(sorted(atoms)).encode()).hexdigest()[:20]


# -- what rules ask ----------------------------------------------------------------------------------------------------
# A rule whose header says `asks: word` gets the answer as $word: a list of maps, and is not tried where it is empty.

Asked = list[dict[str, Any]]


def droppable(plan: Plan) -> Asked:
    """Parents {step, index} of ConcatenateAttributes that have no attributes and provably do not limit the sources."""
    found: Asked = []
    for step in plan:
        if step.operator != CONCATENATE_ATTRIBUTES:
            continue
        left = dict(enumerate(plan[p] for p in step.parents))
        for index in sorted(left, reverse=True):
            others = {atom for i, p in left.items() if i != index for atom in p.atoms}
            if not left[index].names and len(left) > 1 and subset(others, left[index].atoms) is Answer.YES:
                del left[index]
                found.append({"step": step.id, "index": index})
    return found


def twins(plan: Plan) -> Asked:
    """Steps {replaced, replacement} that are made in the same way from the same; the end and originals stay."""
    first: dict[str, Step] = {}
    for step in sorted(plan.ordered(), key=lambda s: (s.id != plan.end, not s.lineage_key)):
        first.setdefault(plan.keys[step.id], step)
    return [
        {"replaced": s.id, "replacement": first[plan.keys[s.id]].id}
        for s in plan.ordered()
        if first[plan.keys[s.id]] is not s
    ]


def contained(plan: Plan) -> Asked:
    """SelectSources {step, source} of which one source has the same sources, provably, and all its attributes."""
    found: Asked = []
    for step in plan:
        if step.operator == SELECT_SOURCES:
            for name in step.sources:
                source = plan[name]
                if step.attributes <= source.attributes and equal(source.atoms, step.atoms) is Answer.YES:
                    found.append({"step": step.id, "source": name})
                    break
    return found


def together(plan: Plan) -> Asked:
    """Filters {step, parent} in a row that need the same calculations: one criterion costs no more than two."""
    made_by = {o: _calculation(step) for step in plan if step.operator == ATTRIBUTE_CALCULATOR for o in step.origins}

    def costs(step: Step) -> frozenset[str]:
        return frozenset(made_by[o] for o in step.reads if o in made_by)

    return [
        {"step": step.id, "parent": parent}
        for step in plan
        for parent in step.parents
        if step.operator == FILTER_SOURCES == plan[parent].operator and costs(step) == costs(plan[parent])
    ]


def evaluated(plan: Plan) -> Asked:
    """SelectSources over a calculator {step, source} whose results are needed anyway, so moving before it gains nothing.

    Either the source needs them to be found; or a calculator that looks at the whole catalog reads them.
    """
    found: Asked = []
    made = _calculations(plan).made
    read_whole = {plan.keys[name] for name in _unlimited(plan, (s.id for s in plan if s.whole_catalog))}
    for step in plan:
        if step.operator != SELECT_SOURCES:
            continue
        calculator = plan[step.parents[0]]
        if calculator.operator == ATTRIBUTE_CALCULATOR and not calculator.whole_catalog:
            wanted_whole = plan.keys[calculator.id] in read_whole
            anyway = (s for s in step.sources if wanted_whole or made[s].issuperset(calculator.origins))
            found.extend({"step": step.id, "source": source} for source in anyway)
    return found


def cheaper(plan: Plan) -> Asked:
    """SelectSources {step, source, by} with a source that needs more calculations than others, `by`, that could limit it.

    Where they provably do already, nothing is said.
    """
    below = _calculations(plan).below
    found: Asked = []
    for step in plan:
        if step.operator == SELECT_SOURCES:
            for source in step.sources:
                limits = [
                    s for s in step.sources
                    if below[s] < below[source] and subset(plan[source].atoms, plan[s].atoms) is not Answer.YES
                ]  # fmt: skip
                if limits:
                    found.append({"step": step.id, "source": source, "by": limits})
    return found


def nested(plan: Plan) -> Asked:
    """Sources {step, source} that are SelectSources themselves, limited by what needs more calculations than they do."""
    below = _calculations(plan).below
    return [
        {"step": step.id, "source": source.id}
        for step in plan
        for source in (plan[s] for s in step.sources)
        if source.operator == SELECT_SOURCES and not source.source_list
        and all(below[source.parents[0]] < below[s] for s in source.sources)
    ]  # fmt: skip


def implied(plan: Plan) -> Asked:
    """Sources {step, source} that keep everything, provably: others that need no more calculations limit to less."""
    below = _calculations(plan).below
    found: Asked = []
    for step in plan:
        left = list(step.sources) if step.operator == SELECT_SOURCES else []
        for source in step.sources if left else ():
            others = {atom for s in left if s != source and below[s] <= below[source] for atom in plan[s].atoms}
            if subset(others.union(plan[step.parents[0]].atoms), plan[source].atoms) is Answer.YES:
                left.remove(source)
                found.append({"step": step.id, "source": source})
    return found


@dataclass(frozen=True)
class _Calculations:
    """What each step depends on: calculations, and origins that they gave."""

    below: Mapping[str, frozenset[str]]
    made: Mapping[str, frozenset[str]]


def _unlimited(plan: Plan, steps: Iterable[str]) -> set[str]:
    """Ids of everything that these steps depend on with no selection between, which could still move up."""
    found: set[str] = set()
    todo = [d for name in steps for d in plan[name].dependencies]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(plan[name].dependencies if plan[name].operator != SELECT_SOURCES else ())
    return found


def _calculation(step: Step) -> str:
    return "\0".join((step.definition, step.parameters, *step.inputs))


def _calculations(plan: Plan) -> _Calculations:
    below: dict[str, frozenset[str]] = {}
    made: dict[str, frozenset[str]] = {}
    for step in plan.ordered():
        here = step.operator == ATTRIBUTE_CALCULATOR
        below[step.id] = frozenset({_calculation(step)} if here else ()).union(*(below[d] for d in step.dependencies))
        made[step.id] = frozenset(step.origins if here else ()).union(*(made[d] for d in step.dependencies))
    return _Calculations(below, made)


QUESTIONS: Mapping[str, Callable[[Plan], Asked]] = {
    "droppable": droppable,
    "twins": twins,
    "contained": contained,
    "together": together,
    "evaluated": evaluated,
    "cheaper": cheaper,
    "nested": nested,
    "implied": implied,
}
