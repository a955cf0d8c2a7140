"""What rewriting did: one entry for each act, printed as cases are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan


@dataclass(frozen=True)
class Entry:
    """One rule applied to all its matches in one round.

    replaced : ids of the steps that were replaced, and of what replaces them, in pairs.
    made : ids of the steps that the rule created and something depends on.
    dropped : ids of the steps that nothing depends on any more.
    """

    rule: str
    phase: str
    round: int
    replaced: tuple[tuple[str, str], ...]
    made: tuple[str, ...]
    dropped: tuple[str, ...]
    plan_before: Plan = field(repr=False)
    plan_after: Plan = field(repr=False)
    labels: Mapping[str, str] = field(repr=False)

    @property
    def before(self) -> tuple[str, ...]:
        """The lines of what was replaced."""
        gone = {old for old, _ in self.replaced}
        order = (s.id for s in self.plan_before.ordered() if s.id in gone)
        return notation.lines(self.plan_before, order, self.labels)

    @property
    def after(self) -> tuple[str, ...]:
        """The lines of what stands there instead."""
        new = {*self.made, *(n for _, n in self.replaced)}
        order = (s.id for s in self.plan_after.ordered() if s.id in new)
        return notation.lines(self.plan_after, order, self.labels)

    def __str__(self) -> str:
        gone, come = (f"  - {line}" for line in self.before), (f"  + {line}" for line in self.after)
        return "\n".join([f"{self.round}. {self.rule}", *gone, *come])


Listener = Callable[[Entry], None]


class Labels:
    """Short names for the steps that rules make: the name of what they came from and a number; unique, in order."""

    def __init__(self, plan: Plan) -> None:
        self.of_step: dict[str, str] = {step: step for step in plan.steps}
        self._roots = dict(self.of_step)
        self._taken = set(plan.steps)

    def add(self, step: str, base: str) -> None:
        """Name the step that a rule made in the place of `base`."""
        root = self._roots[step] = self._roots.get(base, base)
        number = 1
        while f"{root}_{number}" in self._taken:
            number += 1
        self.of_step[step] = f"{root}_{number}"
        self._taken.add(self.of_step[step])
