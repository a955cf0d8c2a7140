"""Which rules, in what order, and why: the only place of the package with an opinion (Source Collections paper, 7.1)."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from provgraph.errors import GraphUnavailable, RewriteError
from provgraph.graph.engine import GraphEngine
from provgraph.rewrite import notation, transient
from provgraph.rewrite import replace as replacing
from provgraph.rewrite.plan import ATTRIBUTE_CALCULATOR, Plan
from provgraph.rewrite.relations import with_atoms
from provgraph.rewrite.rule import load
from provgraph.rewrite.trace import Entry, Labels, Listener
from provgraph.rewrite.transient import LAID_OUT, Transient


@dataclass(frozen=True)
class Phase:
    """Rules with one purpose.

    until : ``unchanged``: in turn until none of them matches; ``once``: each one time.
    when : operators that all have to occur, else the phase has no purpose.
    """

    name: str
    rules: tuple[str, ...]
    until: Literal["unchanged", "once"] = "unchanged"
    when: frozenset[str] = frozenset()


# Only a calculation is worth limiting; reading a column for the wanted sources needs no rewriting.
COSTLY = frozenset({ATTRIBUTE_CALCULATOR})

SIMPLIFY = Phase("simplify", (
    "remove_pass",                                     # the mutable end of a graph under construction; here it says nothing
    "flatten_concatenate_attributes",                  # a pull adds attributes one at a time: a ladder of concatenations
    "remove_duplicate_parent",
    "remove_unary_concatenate_attributes",
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "merge_filter_sources",                            # only where no calculation stands to gain from two filters
    "merge_select_sources",
    "merge_equal_steps",
))  # fmt: skip
SELECT = Phase("select", (
    "filter_sources_to_select_sources",                # the sources of a filter, as a symbol, read no attributes, so they can move
    "list_to_select_sources",                          # likewise, for what a user selected
), until="once", when=COSTLY)  # fmt: skip
SPREAD_SELECTION = Phase("spread selection", (         # lifting what is below is how a selection moves down (5.1)
    "select_attributes_past_select_sources",
    "attribute_calculator_past_select_sources",
    "filter_sources_past_select_sources",
    "concatenate_attributes_past_select_sources",      # the move that brings it to the other branches
    "select_sources_past_select_sources",
    "merge_select_sources",                            # several filters travel as one from here
), when=COSTLY)  # fmt: skip
NARROW_ATTRIBUTES = Phase("narrow attributes", (       # after spreading: then few filters need their attributes kept
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "select_attributes_past_select_sources",
    "select_attributes_past_concatenate_attributes",
    "drop_parent_without_attributes",                  # what Fig. 4 is about: the calculation goes with the branch
    "remove_unary_concatenate_attributes",
    "remove_attribute_calculator_without_attributes",
    "select_attributes_past_attribute_calculator",
    "select_attributes_past_filter_sources",
    "narrow_attribute_calculator",
))  # fmt: skip
ORDER_SELECTIONS = Phase("order selections", (         # after narrowing: now a selection needs only the calculations it has to
    "flatten_select_sources",                          # a criterion on measured values need not wait for one on calculated values
    "limit_calculated_sources",                        # but the calculation may wait for what the first leaves
), when=COSTLY)  # fmt: skip
LIMIT_SOURCES = Phase("limit sources", (               # a phase of its own: inverse moves in one phase never end
    "select_sources_past_pass",
    "select_sources_past_select_attributes",
    "select_sources_past_filter_sources",
    "select_sources_past_concatenate_attributes",      # one copy for each parent
    "split_select_sources",                            # what the calculator's own values decide cannot limit it
    "select_sources_past_attribute_calculator",        # the move that saves the work
), when=COSTLY)  # fmt: skip
FINISH = Phase("finish", (
    "drop_implied_sources",                            # not before: what one branch implies may still have to limit another
    "remove_implied_select_sources",
    "merge_equal_steps",                               # the copies of one selection become one again (Fig. 3d)
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "drop_parent_without_attributes",                  # the selection is now in every branch: more can be proved
    "remove_unary_concatenate_attributes",
    "remove_duplicate_parent",
    "merge_select_sources",
    "narrow_select_sources",                           # what the copies do not read together need not pass the selection
    "read_select_sources_directly",                    # a calculator reads only its inputs anyway
    "select_sources_to_filter_sources",                # a filter that has everything wanted is the selection
))  # fmt: skip

PHASES = (SIMPLIFY, SELECT, SPREAD_SELECTION, NARROW_ATTRIBUTES, ORDER_SELECTIONS, LIMIT_SOURCES, FINISH)

_EXAMPLE = """
A = External(x, y, z)
B = FilterSources(A, x < 1)
P = Pass(B)
C = AttributeCalculator(A, method(x, y) -> w)
D = ConcatenateAttributes(P, C)
E = SelectAttributes(D, y, w)
F = SelectSources(E, list few)
"""


@dataclass(frozen=True)
class Optimised:
    """The plan to process, and how it came about."""

    plan: Plan
    trace: tuple[Entry, ...]
    rounds: int
    statements: int
    seconds: float


def optimise(plan: Plan, *, engine: GraphEngine | None = None, trace: Listener | None = None) -> Optimised:
    """The cheapest plan that we know to represent the same catalog as `plan`.

    Parameters
    ----------
    engine : where the transient copy stands; None for a scratch graph of this process. Nothing stays there.
    trace : called with every Entry as it happens.

    Raises
    ------
    RewriteError : a rule broke its promise, or the rules do not come to an end.
    """
    return optimise_with(PHASES, plan, engine=engine, trace=trace)


def warm_up() -> None:
    """Open a scratch graph and let it see all rules once, so that the first plan does not wait for it."""
    with suppress(GraphUnavailable):
        optimise(notation.parse(_EXAMPLE))


def optimise_with(
    phases: Sequence[Phase], plan: Plan, *, engine: GraphEngine | None = None, trace: Listener | None = None,
    leave_out: Collection[str] = (),
) -> Optimised:  # fmt: skip
    """`optimise` with another strategy, or without some rules."""
    started = time.perf_counter()

    def work(copy: Transient) -> Optimised:
        run = _Run(copy, with_atoms(plan), trace)
        for phase in phases:
            run.phase(replace(phase, rules=tuple(r for r in phase.rules if r not in leave_out)))
        final = run.result()
        return Optimised(final, tuple(run.entries), run.rounds, copy.statements, time.perf_counter() - started)

    return transient.on(engine, work)


def apply_rule(rule: str, plan: Plan, *, engine: GraphEngine | None = None) -> Plan:
    """The plan after one round of one rule."""
    return optimise_with([Phase(rule, (rule,), until="once")], plan, engine=engine).plan


class _Run:
    """One plan on its way through the phases."""

    def __init__(self, copy: Transient, plan: Plan, listener: Listener | None) -> None:
        self.copy = copy
        self.plan = plan
        self.entries: list[Entry] = []
        self.rounds = 0
        self._listener = listener
        self._labels = Labels(plan)
        copy.lay_out(plan)

    def phase(self, phase: Phase) -> None:
        if not phase.when <= self.plan.operators:
            return
        # A move takes each step past each other at most once, and each phase moves in one direction only.
        bound = self.rounds + 10 + 2 * len(self.plan) ** 2
        changed = True
        while changed:
            changed = False
            for name in phase.rules:
                if self._apply(name, phase.name):
                    changed = phase.until == "unchanged"
                    if self.rounds > bound:
                        raise RewriteError(
                            f"The rewrite rule {name!r} still finds something to do after {self.rounds} rounds.",
                            code="rewrite_endless", rule=name,
                        )  # fmt: skip

    def result(self) -> Plan:
        """The plan as the transient copy has it."""
        read = self.copy.read([LAID_OUT, *(_round(n + 1) for n in range(self.rounds))])
        found = {name: replace(s, atoms=self.plan[name].atoms) for name, s in read.items() if name in self.plan.steps}
        if len(found) != len(read) or found != dict(self.plan.steps):
            raise RewriteError("The transient copy of the plan is not what its rewrites made of it.")
        return self.plan.renamed(self._labels.of_step)

    def _apply(self, name: str, phase: str) -> bool:
        rule = load(name)
        if not rule.may_match(self.plan):
            return False
        round_ = _round(self.rounds + 1)
        done = replacing.apply(self.copy, rule, self.plan, round_)
        if done is None:
            return False
        self.rounds += 1
        for step in done.made:
            self._labels.add(step, step.rpartition(round_)[0])
        entry = Entry(
            name, phase, self.rounds, tuple(done.replacements.items()), done.made, done.dropped,
            self.plan, done.plan, self._labels.of_step,
        )  # fmt: skip
        self.plan = done.plan
        self.entries.append(entry)
        if self._listener is not None:
            self._listener(entry)
        return True


def _round(number: int) -> str:
    return f"~{number}"
