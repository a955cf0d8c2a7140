"""What rules ask: answers that they cannot see in their own few steps.

A rule whose header says `asks: word` gets the answer as $word: a list of maps, and is not tried where it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provgraph.rewrite.grounds import Grounds, Stored
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    FILTER_SOURCES,
    FIRST,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    STORED,
    Plan,
    Step,
)

Asked = list[dict[str, Any]]

LEAST_GAIN = 2
"""So many times fewer sources has a stored set that is worth looking in: rows here and there cost more than all in a row."""


def droppable(plan: Plan, grounds: Grounds) -> Asked:
    """Parents {step, index} of ConcatenateAttributes that have no attributes and provably do not limit the sources."""
    found: Asked = []
    for step in plan:
        if step.operator != CONCATENATE_ATTRIBUTES:
            continue
        left = dict(enumerate(plan[p] for p in step.parents))
        for index in sorted(left, reverse=True):
            others = {atom for i, p in left.items() if i != index for atom in p.atoms}
            if not left[index].names and len(left) > 1 and grounds.subset(others, left[index].atoms):
                del left[index]
                found.append({"step": step.id, "index": index})
    return found


def twins(plan: Plan, grounds: Grounds) -> Asked:
    """Steps {replaced, replacement} that are made in the same way from the same; the end and originals stay."""
    first: dict[str, Step] = {}
    for step in sorted(plan.ordered(), key=lambda s: (s.id != plan.end, not s.lineage_key)):
        first.setdefault(plan.keys[step.id], step)
    return [
        {"replaced": s.id, "replacement": first[plan.keys[s.id]].id}
        for s in plan.ordered()
        if first[plan.keys[s.id]] is not s
    ]


def contained(plan: Plan, grounds: Grounds) -> Asked:
    """SelectSources {step, source} of which one source has the same sources, provably, and all its attributes."""
    found: Asked = []
    for step in plan:
        if step.operator == SELECT_SOURCES:
            for name in step.sources:
                source = plan[name]
                if step.attributes <= source.attributes and grounds.equal(source.atoms, step.atoms):
                    found.append({"step": step.id, "source": name})
                    break
    return found


def together(plan: Plan, grounds: Grounds) -> Asked:
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


def evaluated(plan: Plan, grounds: Grounds) -> Asked:
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


def cheaper(plan: Plan, grounds: Grounds) -> Asked:
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
                    if below[s] < below[source] and not grounds.subset(plan[source].atoms, plan[s].atoms)
                ]  # fmt: skip
                if limits:
                    found.append({"step": step.id, "source": source, "by": limits})
    return found


def nested(plan: Plan, grounds: Grounds) -> Asked:
    """Sources {step, source} that are SelectSources themselves, limited by what needs more calculations than they do."""
    below = _calculations(plan).below
    return [
        {"step": step.id, "source": source.id}
        for step in plan
        for source in (plan[s] for s in step.sources)
        if source.operator == SELECT_SOURCES and not source.source_list
        and all(below[source.parents[0]] < below[s] for s in source.sources)
    ]  # fmt: skip


def implied(plan: Plan, grounds: Grounds) -> Asked:
    """Sources {step, source} that keep everything, provably: others that need no more calculations limit to less."""
    below = _calculations(plan).below
    found: Asked = []
    for step in plan:
        left = list(step.sources) if step.operator == SELECT_SOURCES else []
        for source in step.sources if left else ():
            others = {atom for s in left if s != source and below[s] <= below[source] for atom in plan[s].atoms}
            if grounds.subset(others.union(plan[step.parents[0]].atoms), plan[source].atoms):
                left.remove(source)
                found.append({"step": step.id, "source": source})
    return found


def empties(plan: Plan, grounds: Grounds) -> Asked:
    """Steps {step, atoms} that provably have no sources, the last ones of them."""
    none = {s.id for s in plan if s.parents and grounds.empty(s.atoms)}
    return [
        {"step": name, "atoms": list(plan[name].atoms)}
        for name in sorted(none)
        if name == plan.end or not none.issuperset(plan.dependents[name])
    ]


def kept_whole(plan: Plan, grounds: Grounds) -> Asked:
    """FilterSources {step} that provably keep everything."""
    return [
        {"step": s.id}
        for s in plan
        if s.operator == FILTER_SOURCES and grounds.subset(plan[s.parents[0]].atoms, s.atoms)
    ]


def superfluous(plan: Plan, grounds: Grounds) -> Asked:
    """Parents {step, index} of ConcatenateSources of which another parent has all sources, and gives the values."""
    found: Asked = []
    for step in plan:
        if step.operator == CONCATENATE_SOURCES:
            left = dict(enumerate(plan[p] for p in step.parents))
            for index in sorted(left, reverse=True):
                if any(_stands_in(step, left, index, other, grounds) for other in left if other != index):
                    del left[index]
                    found.append({"step": step.id, "index": index})
    return found


def _stands_in(step: Step, left: Mapping[int, Step], one: int, other: int, grounds: Grounds) -> bool:
    """Whether a union of `left` is the same without parent `one`, because of parent `other`."""
    if not grounds.subset(left[one].atoms, left[other].atoms):
        return False
    if other < one:  # for its sources the earlier one gives the values, unless nobody may have them twice
        return step.policy == FIRST or left[one].attributes == left[other].attributes
    # For its sources the next one that has them gives the values.
    return all(left[k].attributes == left[one].attributes for k in left if one < k <= other)


def unlimited(plan: Plan, grounds: Grounds) -> Asked:
    """FilterSources over ConcatenateAttributes {step, index} with a parent that has all the criterion reads.

    And of which the other parents provably have all sources: the criterion is evaluated on no more of them there.
    """
    found: Asked = []
    for step in plan:
        if step.operator == FILTER_SOURCES and plan[step.parents[0]].operator == CONCATENATE_ATTRIBUTES:
            join = plan[step.parents[0]]
            for index, parent in enumerate(join.parents):
                if set(step.reads) <= set(plan[parent].origins) and grounds.subset(plan[parent].atoms, join.atoms):
                    found.append({"step": step.id, "index": index})
                    break
    return found


def stored_whole(plan: Plan, grounds: Grounds) -> Asked:
    """Steps {step, name, atoms} of which all values are stored for exactly their sources, provably; the last ones."""
    found = {}
    for step in plan:
        if step.parents and step.names and grounds.stored:
            held = (s for s in grounds.stored if s.origins.issuperset(step.origins))
            same = (s for s in held if grounds.may_be_part(step.atoms, s.atoms) and grounds.equal(s.atoms, step.atoms))
            one = next(same, None)
            if one is not None:
                found[step.id] = one
    return [
        _leaf(name, one)
        for name, one in sorted(found.items())
        if name == plan.end or not found.keys() >= set(plan.dependents[name])
    ]


def confined(plan: Plan, grounds: Grounds) -> Asked:
    """FilterSources {step, name, atoms} whose sources provably lie in a stored set of far fewer sources than they are among."""
    found: Asked = []
    for step in plan:
        if step.operator == FILTER_SOURCES and grounds.stored:
            among = plan[step.parents[0]].atoms
            most = grounds.count(among)
            for one in grounds.stored:  # the smallest first
                if most is not None and one.n is not None and one.n * LEAST_GAIN > most:
                    break
                if not grounds.may_be_part(step.atoms, one.atoms):
                    continue
                if grounds.subset(among, one.atoms):
                    break
                if grounds.subset(step.atoms, one.atoms):
                    found.append(_leaf(step.id, one))
                    break
    return found


def calculated(plan: Plan, grounds: Grounds) -> Asked:
    """AttributeCalculators {step, name, atoms} whose results are stored for all their sources, provably, and more."""
    found: Asked = []
    for step in plan:
        if step.operator == ATTRIBUTE_CALCULATOR:
            for one in grounds.stored:
                if one.origins.issuperset(step.origins) and grounds.subset(step.atoms, one.atoms):
                    found.append(_leaf(step.id, one))
                    break
    return found


def calculated_partly(plan: Plan, grounds: Grounds) -> Asked:
    """AttributeCalculators {step, name, atoms} whose results are stored for a part of their sources, provably; the largest."""
    found: Asked = []
    for step in plan:
        if step.operator == ATTRIBUTE_CALCULATOR and not step.whole_catalog:
            for one in reversed(grounds.stored):
                if (
                    one.origins.issuperset(step.origins)
                    and grounds.subset(one.atoms, step.atoms)
                    and not grounds.subset(step.atoms, one.atoms)
                    and not grounds.empty(one.atoms)  # without it, as much would be missing as before, for ever
                ):
                    found.append(_leaf(step.id, one))
                    break
    return found


def _leaf(step: str, one: Stored) -> dict[str, Any]:
    return {"step": step, "name": f"{STORED}{one.name}", "atoms": sorted(one.atoms)}


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


# -- what a rule could see itself, but at the price of a round trip to find nothing ---------------------------------------


def unary(plan: Plan, grounds: Grounds) -> Asked:
    """ConcatenateAttributes {step} of one parent."""
    return [{"step": s.id} for s in plan if s.operator == CONCATENATE_ATTRIBUTES and len(s.parents) == 1]


def unary_sources(plan: Plan, grounds: Grounds) -> Asked:
    """ConcatenateSources {step} of one parent, whose values are known to be its own."""
    return [
        {"step": s.id}
        for s in plan
        if s.operator == CONCATENATE_SOURCES and len(s.parents) == 1 and s.attributes <= plan[s.parents[0]].attributes
    ]


def repeated(plan: Plan, grounds: Grounds) -> Asked:
    """ConcatenateAttributes {step} that have one parent twice."""
    return [{"step": s.id} for s in plan if s.operator == CONCATENATE_ATTRIBUTES and _has_twice(s)]


def repeated_sources(plan: Plan, grounds: Grounds) -> Asked:
    """ConcatenateSources {step} that have one parent twice."""
    return [{"step": s.id} for s in plan if s.operator == CONCATENATE_SOURCES and _has_twice(s)]


def _has_twice(step: Step) -> bool:
    return len(set(step.parents)) < len(step.parents)


def listed(plan: Plan, grounds: Grounds) -> Asked:
    """SelectSources {step} with a list and with attributes."""
    return [{"step": s.id} for s in plan if s.operator == SELECT_SOURCES and s.source_list and s.names]


def identical(plan: Plan, grounds: Grounds) -> Asked:
    """SelectAttributes {step} of everything its parent has.

    Where nothing depends on it, its order counts, and the parent must not be one that may go, too.
    """
    found: Asked = []
    for step in plan:
        if step.operator == SELECT_ATTRIBUTES:
            parent = plan[step.parents[0]]
            needed = any(step.id in plan[d].parents for d in plan.dependents[step.id])
            same = step.names == parent.names and parent.operator != SELECT_ATTRIBUTES
            if same or (needed and len(step.names) == len(parent.names)):
                found.append({"step": step.id})
    return found


def renamed_alike(plan: Plan, grounds: Grounds) -> Asked:
    """RenameAttributes {step} that give every attribute the name it has."""
    return [{"step": s.id} for s in plan if s.operator == RENAME_ATTRIBUTES and s.old == s.new]


def results_unread(plan: Plan, grounds: Grounds) -> Asked:
    """SelectAttributes {step} of a part of the results of an AttributeCalculator, or none."""
    return [
        {"step": s.id}
        for s in plan
        if s.operator == SELECT_ATTRIBUTES
        and plan[s.parents[0]].operator == ATTRIBUTE_CALCULATOR
        and len(s.names) < len(plan[s.parents[0]].names)
    ]


def inputs_among_others(plan: Plan, grounds: Grounds) -> Asked:
    """AttributeCalculators {step} whose parent has more than they read."""
    return [
        {"step": s.id}
        for s in plan
        if s.operator == ATTRIBUTE_CALCULATOR and not set(s.inputs).issuperset(plan[s.parents[0]].origins)
    ]


QUESTIONS: Mapping[str, Callable[[Plan, Grounds], Asked]] = {
    "droppable": droppable,
    "twins": twins,
    "contained": contained,
    "together": together,
    "evaluated": evaluated,
    "cheaper": cheaper,
    "nested": nested,
    "implied": implied,
    "empties": empties,
    "kept_whole": kept_whole,
    "superfluous": superfluous,
    "unlimited": unlimited,
    "stored_whole": stored_whole,
    "confined": confined,
    "calculated": calculated,
    "calculated_partly": calculated_partly,
    "unary": unary,
    "unary_sources": unary_sources,
    "repeated": repeated,
    "repeated_sources": repeated_sources,
    "listed": listed,
    "identical": identical,
    "renamed_alike": renamed_alike,
    "results_unread": results_unread,
    "inputs_among_others": inputs_among_others,
}
