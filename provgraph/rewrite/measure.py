"""What falls with every application of a rule, so that each phase comes to an end (docs/rewriting.md, "It comes to an end")."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Final

from provgraph.rewrite import questions
from provgraph.rewrite.grounds import Grounds
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    FILTER_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    Plan,
    Step,
)

Measure = Callable[[Plan, Grounds], tuple[int, ...]]
Weigh = Callable[[Plan, Step, int], int]

CONCATENATIONS: Final = (CONCATENATE_ATTRIBUTES, CONCATENATE_SOURCES)
# Filters weigh twice what they select from, so that they weigh less further up; a step weighs more than what may replace it.
_OWN: Final = {CONCATENATE_ATTRIBUTES: 2, CONCATENATE_SOURCES: 2, RENAME_ATTRIBUTES: 2}


def of_end(plan: Plan, weigh: Weigh) -> int:
    """The weight of the end, which grows with that of each dependency: a step that many depend on counts as often.

    weigh : of a plan, a step, and the sum of the weights of its dependencies, each at least 1.
    """
    weights: dict[str, int] = {}
    for step in plan.ordered():
        weights[step.id] = weigh(plan, step, sum(weights[d] for d in step.dependencies))
    return weights[plan.end]


def simpler(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """Weight, then number of steps."""
    return of_end(plan, _plain), len(plan)


def _plain(plan: Plan, step: Step, below: int) -> int:
    return 2 * below + 1 if step.operator == FILTER_SOURCES else below + _OWN.get(step.operator, 1)


def selections_down(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """Everything else weighs twice what is above it, selections do not; then likewise for lists among selections."""

    def sunk(plan: Plan, step: Step, below: int) -> int:
        return below + 1 if step.operator == SELECT_SOURCES or not below else 2 * below

    def lists_up(plan: Plan, step: Step, below: int) -> int:
        return 2 * below if step.source_list and below else below + 1

    return of_end(plan, sunk), of_end(plan, lists_up)


def narrower(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """How much is read and given where it costs, and how many steps may become a SelectAttributes; then how low these stand."""

    def width(plan: Plan, step: Step, below: int) -> int:
        if step.operator == FILTER_SOURCES:
            return below + len(step.names)
        if step.operator == ATTRIBUTE_CALCULATOR:
            return below + len(step.names) + len(plan[step.parents[0]].names)
        return below + (step.operator == RENAME_ATTRIBUTES or step.operator in CONCATENATIONS)

    def lifted(plan: Plan, step: Step, below: int) -> int:
        return 2 * below if step.operator == SELECT_ATTRIBUTES else below + 1

    return of_end(plan, width), of_end(plan, lifted)


def flatter(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """SelectSources on all ways to the end."""
    return (of_end(plan, lambda plan, step, below: below + (step.operator == SELECT_SOURCES)),)


def limited(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """SelectSources of which some sources could limit others, the more the more sources they have."""
    steps = {pair["step"] for pair in questions.cheaper(plan, grounds)}
    return (sum(factorial(len(plan[name].sources) + 1) for name in steps),)


def selections_up(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """What each selection has above it that is none; then how many selections could be more steps."""
    above: dict[str, int] = {}
    for step in plan.ordered():
        above[step.id] = sum(above[p] for p in step.parents) + (step.operator != SELECT_SOURCES)
    selections = [step for step in plan if step.operator == SELECT_SOURCES]
    return (
        sum(_parts(step) * above[step.parents[0]] for step in selections),
        sum(_parts(step) - 1 for step in selections),
    )


def _parts(step: Step) -> int:
    return len(step.sources) + len(step.without) + bool(step.source_list)


def calculated_less(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """Calculators, and for each the stored sets that are part of its sources."""
    calculators = [step for step in plan if step.operator == ATTRIBUTE_CALCULATOR]
    held = sum(
        one.origins.issuperset(step.origins)
        and grounds.may_be_part(one.atoms, step.atoms)
        and grounds.subset(one.atoms, step.atoms)
        for step in calculators
        for one in grounds.stored
    )
    return (len(calculators) + held,)


def finished(plan: Plan, grounds: Grounds) -> tuple[int, ...]:
    """Attributes that pass a selection; then as `simpler`."""

    def passing(plan: Plan, step: Step, below: int) -> int:
        return below + (len(step.names) if step.operator == SELECT_SOURCES else 0)

    return of_end(plan, passing), *simpler(plan, grounds)
