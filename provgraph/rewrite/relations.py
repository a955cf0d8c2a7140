"""How sets of sources relate, and what else a rule needs to know that it cannot see in its own two steps.

A set of sources is symbolic: a collection of atoms, meaning their intersection. More atoms, fewer sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from provgraph.errors import RewriteError
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    FILTER_SOURCES,
    PASS,
    RELABEL_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    Plan,
    Step,
    criterion_conjuncts,
    criterion_terms,
)
from provgraph.rewrite.sets import Answer, Bounds, Knowledge, Proof
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.sets import (
    Atoms,
    Complement,
    Definition,
    SourceSet,
    Told,
    prove_disjoint_with,
    relabelled,
    union,
)


def prove_subset(smaller: Collection[str], larger: Collection[str], reasoner: Reasoner | None = None) -> Proof:
    """Whether all sources with the atoms `smaller` are among those with the atoms `larger`.

    reasoner : who knows more of the atoms; it is not asked where the atoms themselves say it.
    """
    missing = sorted(set(larger) - set(smaller))
    if not missing:
        return Proof(Answer.YES, f"the sources are limited by {', '.join(sorted(larger)) or 'nothing'} already")
    if reasoner is not None:
        return reasoner.subset(smaller, larger)
    return Proof(Answer.UNKNOWN, f"nothing says that the sources are limited by {', '.join(missing)}")


def prove_equal(one: Collection[str], other: Collection[str], reasoner: Reasoner | None = None) -> Proof:
    """Whether two sets of sources are the same; `reasoner` as for `prove_subset`."""
    if set(one) == set(other):
        return Proof(Answer.YES, f"both are limited by {', '.join(sorted(one)) or 'nothing'}")
    if reasoner is not None:
        return reasoner.equal(one, other)
    return Proof(Answer.UNKNOWN, f"only one is limited by {', '.join(sorted(set(one) ^ set(other)))}")


def subset(smaller: Collection[str], larger: Collection[str], reasoner: Reasoner | None = None) -> Answer:
    return prove_subset(smaller, larger, reasoner).answer


def equal(one: Collection[str], other: Collection[str], reasoner: Reasoner | None = None) -> Answer:
    return prove_equal(one, other, reasoner).answer


def reasoner_of(plan: Plan, knowledge: Knowledge | None = None) -> Reasoner:
    """Who knows what the steps of a plan say of their sources, besides what is known otherwise."""
    known = knowledge or Knowledge()
    return Reasoner(replace(known, definitions={**known.definitions, **definitions_of(plan)}))


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
    if step.operator in (CONCATENATE_SOURCES, RELABEL_SOURCES):
        return tuple(sorted(_compound(step, steps)[0]))
    found = {atom for p in step.parents for atom in steps[p].atoms}
    if step.operator in (PASS, SELECT_ATTRIBUTES, RENAME_ATTRIBUTES, CONCATENATE_ATTRIBUTES, ATTRIBUTE_CALCULATOR):
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


def definitions_of(steps: Iterable[Step], everything: Mapping[str, Step] | None = None) -> dict[str, Definition]:
    """What the atoms of some steps mean that these define; of a plan, or among `everything`. Atoms are worked out already."""
    if isinstance(steps, Plan):
        everything = steps.steps
    assert everything is not None
    found: dict[str, Definition] = {}
    for step in steps:
        if step.operator in (CONCATENATE_SOURCES, RELABEL_SOURCES) and step.parents:
            found.update(_compound(step, everything)[1])
        elif step.operator == FILTER_SOURCES:
            found.update(criterion_terms(step.criterion))
        elif step.operator == SELECT_SOURCES:
            limits = (everything[s].atoms for s in step.without)
            found.update({_complement(of): Complement(frozenset(of)) for of in limits})
    return found


def _compound(step: Step, steps: Mapping[str, Step]) -> tuple[Atoms, dict[str, Definition]]:
    if step.operator == CONCATENATE_SOURCES:
        return union(steps[p].atoms for p in step.parents)
    return relabelled(step.relabelling, steps[step.parents[0]].atoms, injective=step.injective)


def _complement(atoms: Iterable[str]) -> str:
    return "e:" + hashlib.sha256("\0".join(sorted(atoms)).encode()).hexdigest()[:20]


def knowledge_of(told: Told) -> Knowledge:
    """What lineage alone says of sets of sources."""
    facts = tuple(
        Bounds(frozenset({atom}), origin, least, most, nulls=False)
        for atom, (origin, least, most) in sorted(told.ranges.items())
    )
    return Knowledge(told.definitions, facts, told.spaces)


def disjoint_by_lineage(one: SourceSet, other: SourceSet) -> bool:
    """Whether lineage alone proves that two sets share no source: what ConcatenateSources asks when it is created."""
    return Reasoner(knowledge_of(one.told | other.told)).disjoint(one.atoms, other.atoms).answer is Answer.YES


prove_disjoint_with(disjoint_by_lineage)
