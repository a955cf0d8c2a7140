"""Which rules, in what order, and why: the only place of the package with an opinion (Source Collections paper, 7.1)."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from provgraph.errors import GraphUnavailable, RewriteError
from provgraph.graph.engine import GraphEngine
from provgraph.rewrite import measure, notation, transient
from provgraph.rewrite import replace as replacing
from provgraph.rewrite.grounds import Grounds, Stored
from provgraph.rewrite.measure import Measure
from provgraph.rewrite.plan import ATTRIBUTE_CALCULATOR, Plan
from provgraph.rewrite.relations import with_atoms
from provgraph.rewrite.rule import load
from provgraph.rewrite.sets import Knowledge
from provgraph.rewrite.trace import Entry, Labels, Listener
from provgraph.rewrite.transient import LAID_OUT, Transient


@dataclass(frozen=True)
class Phase:
    """Rules with one purpose.

    until : ``unchanged``: in turn until none of them matches; ``once``: each one time.
    when : operators that all have to occur, else the phase has no purpose.
    measure : what falls each time one of them is applied, so that it comes to an end; where it is None there is only a bound.
    """

    name: str
    rules: tuple[str, ...]
    until: Literal["unchanged", "once"] = "unchanged"
    when: frozenset[str] = frozenset()
    measure: Measure | None = None


# Only a calculation is worth limiting; reading a column for the wanted sources needs no rewriting.
COSTLY = frozenset({ATTRIBUTE_CALCULATOR})

SIMPLIFY = Phase("simplify", (                         # what says nothing goes first: less is copied, moved and asked about
    "remove_pass",                                     # the mutable end of a graph under construction; here it says nothing
    "empty_to_external",                               # what can have no sources needs nothing that it depends on
    "stored_to_external",                              # what is there as a whole needs nothing either
    "remove_implied_filter_sources",                   # one by one, before criteria are put together
    "flatten_concatenate_sources",
    "drop_contained_parent",                           # a part that is in another part
    "remove_duplicate_parent_of_concatenate_sources",
    "remove_unary_concatenate_sources",
    "merge_rename_attributes",
    "remove_identity_rename_attributes",
    "flatten_concatenate_attributes",                  # a pull adds attributes one at a time: a ladder of concatenations
    "remove_duplicate_parent",
    "remove_unary_concatenate_attributes",
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "filter_sources_past_attribute_calculator",        # before the next: it also limits what is calculated
    "filter_sources_past_concatenate_attributes",      # the same filter on less; two that met there become one
    "merge_filter_sources",                            # only where no calculation stands to gain from two filters
    "merge_select_sources",
    "merge_equal_steps",
), measure=measure.simpler)  # fmt: skip
SELECT = Phase("select", (                             # before anything moves: a criterion reads attributes, and cannot
    "filter_sources_to_select_sources",                # the sources of a filter, as a symbol, read no attributes, so they can move
    "list_to_select_sources",                          # likewise, for what a user selected
), until="once", when=COSTLY)  # fmt: skip
SPREAD_SELECTION = Phase("spread selection", (         # lifting what is below is how a selection moves down (5.1)
    "select_attributes_past_select_sources",
    "rename_attributes_past_select_sources",
    "attribute_calculator_past_select_sources",
    "filter_sources_past_select_sources",
    "concatenate_attributes_past_select_sources",      # the move that brings it to the other branches
    "select_sources_past_select_sources",
    "merge_select_sources",                            # several filters travel as one from here
), when=COSTLY, measure=measure.selections_down)  # fmt: skip
NARROW_ATTRIBUTES = Phase("narrow attributes", (       # after spreading: then few filters need their attributes kept
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "select_attributes_past_select_sources",
    "select_attributes_past_rename_attributes",
    "remove_identity_rename_attributes",
    "select_attributes_past_concatenate_sources",
    "select_attributes_past_relabel_sources",
    "select_attributes_past_concatenate_attributes",
    "drop_parent_without_attributes",                  # what Fig. 4 is about: the calculation goes with the branch
    "remove_unary_concatenate_attributes",
    "remove_attribute_calculator_without_attributes",
    "select_attributes_past_attribute_calculator",
    "select_attributes_past_filter_sources",
    "narrow_attribute_calculator",
), measure=measure.narrower)  # fmt: skip
FREE_SELECTIONS = Phase("free selections", (           # after narrowing: now a selection needs only the calculations it has to
    "flatten_select_sources",                          # a criterion on measured values need not wait for one on calculated values
), when=COSTLY, measure=measure.flatter)  # fmt: skip
ORDER_SELECTIONS = Phase("order selections", (         # when all are free
    "limit_calculated_sources",                        # but the calculation may wait for what the first leaves
), when=COSTLY, measure=measure.limited)  # fmt: skip
LOOK_IN_STORED = Phase("look in stored", (             # before limiting: it limits what a criterion has calculated, too
    "filter_stored_sources",                           # what was found for a wider criterion holds all that a narrower one finds
), until="once")  # fmt: skip
LIMIT_SOURCES = Phase("limit sources", (               # a phase of its own: inverse moves in one phase never end
    "select_sources_past_pass",
    "select_sources_past_select_attributes",
    "select_sources_past_rename_attributes",
    "select_sources_past_filter_sources",
    "select_sources_past_concatenate_sources",         # one copy for each part
    "select_sources_past_relabel_sources",             # in the other identifiers
    "select_sources_past_concatenate_attributes",      # one copy for each parent
    "split_select_sources",                            # what the calculator's own values decide cannot limit it
    "select_sources_past_attribute_calculator",        # the move that saves the work
), when=COSTLY, measure=measure.selections_up)  # fmt: skip
READ_STORED = Phase("read stored", (                   # after limiting: what is stored need only hold what is wanted in the end
    "attribute_calculator_to_stored",
    "calculate_what_is_missing",                       # after it: nothing may be missing
), when=COSTLY, measure=measure.calculated_less)  # fmt: skip
FINISH = Phase("finish", (                             # last: what the moves have left behind
    "drop_implied_sources",                            # not before: what one branch implies may still have to limit another
    "remove_implied_select_sources",
    "merge_equal_steps",                               # the copies of one selection become one again (Fig. 3d)
    "merge_select_attributes",
    "remove_identity_select_attributes",
    "drop_parent_without_attributes",                  # the selection is now in every branch: more can be proved
    "remove_unary_concatenate_attributes",
    "remove_duplicate_parent",
    "drop_contained_parent",                           # what is selected from two parts may lie in one of them
    "remove_duplicate_parent_of_concatenate_sources",
    "remove_unary_concatenate_sources",
    "merge_select_sources",
    "narrow_select_sources",                           # what the copies do not read together need not pass the selection
    "read_select_sources_directly",                    # a calculator reads only its inputs anyway
    "select_sources_to_filter_sources",                # a filter that has everything wanted is the selection
), measure=measure.finished)  # fmt: skip

PHASES = (
    SIMPLIFY, SELECT, SPREAD_SELECTION, NARROW_ATTRIBUTES, FREE_SELECTIONS, ORDER_SELECTIONS, LOOK_IN_STORED, LIMIT_SOURCES,
    READ_STORED, FINISH,
)  # fmt: skip

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


def optimise(
    plan: Plan, *, engine: GraphEngine | None = None, trace: Listener | None = None, knowledge: Knowledge | None = None,
    stored: Iterable[Stored] = (),
) -> Optimised:  # fmt: skip
    """The cheapest plan that we know to represent the same catalog as `plan`.

    Parameters
    ----------
    engine : where the transient copy stands; None for a scratch graph of this process. Nothing stays there.
    trace : called with every Entry as it happens.
    knowledge : of sets of sources, besides what the plan says itself.
    stored : sets of sources that can be read; which of them the plan reads then is its External steps with a key `stored ...`.

    Raises
    ------
    RewriteError : a rule broke its promise, or the rules do not come to an end.
    """
    return optimise_with(PHASES, plan, engine=engine, trace=trace, knowledge=knowledge, stored=stored)


def warm_up() -> None:
    """Open a scratch graph and let it see all rules once, so that the first plan does not wait for it."""
    with suppress(GraphUnavailable):
        optimise(notation.parse(_EXAMPLE))


def optimise_with(
    phases: Sequence[Phase], plan: Plan, *, engine: GraphEngine | None = None, trace: Listener | None = None,
    leave_out: Collection[str] = (), knowledge: Knowledge | None = None, stored: Iterable[Stored] = (),
) -> Optimised:  # fmt: skip
    """`optimise` with another strategy, or without some rules."""
    started = time.perf_counter()
    stored = tuple(stored)

    def work(copy: Transient) -> Optimised:
        run = _Run(copy, with_atoms(plan), trace, Grounds(knowledge, stored))
        for phase in phases:
            run.phase(replace(phase, rules=tuple(r for r in phase.rules if r not in leave_out)))
        final = run.result()
        return Optimised(final, tuple(run.entries), run.rounds, copy.statements, time.perf_counter() - started)

    return transient.on(engine, work)


def apply_rule(
    rule: str, plan: Plan, *, engine: GraphEngine | None = None, knowledge: Knowledge | None = None,
    stored: Iterable[Stored] = (),
) -> Plan:  # fmt: skip
    """The plan after one round of one rule."""
    once = [Phase(rule, (rule,), until="once")]
    return optimise_with(once, plan, engine=engine, knowledge=knowledge, stored=stored).plan


class _Run:
    """One plan on its way through the phases."""

    def __init__(self, copy: Transient, plan: Plan, listener: Listener | None, grounds: Grounds) -> None:
        self.copy = copy
        self.grounds = grounds
        grounds.learn(plan, plan.steps)
        self.plan = plan
        self.entries: list[Entry] = []
        self.rounds = 0
        self._tried: set[str] = set()  # since the plan changed last, in vain
        self._listener = listener
        self._labels = Labels(plan)
        copy.lay_out(plan)

    def phase(self, phase: Phase) -> None:
        if not phase.when <= self.plan.operators:
            return
        # A move takes each step past each other at most once, and each phase moves in one direction only.
        bound = self.rounds + 10 + 2 * len(self.plan) ** 2
        size = None
        changed = True
        while changed:
            changed = False
            for name in phase.rules:
                before = self.plan
                if not self._apply(name, phase.name) or phase.until == "once":
                    continue
                changed = True
                if phase.measure is not None:
                    size = self._fallen(
                        name, phase, phase.measure, phase.measure(before, self.grounds) if size is None else size
                    )
                if self.rounds > bound:
                    raise RewriteError(
                        f"The rewrite rule {name!r} still finds something to do after {self.rounds} rounds.",
                        code="rewrite_endless", rule=name,
                    )  # fmt: skip

    def _fallen(self, name: str, phase: Phase, measure: Measure, before: tuple[int, ...]) -> tuple[int, ...]:
        """The measure of the plan, which has to be less than before."""
        after = measure(self.plan, self.grounds)
        if not after < before:
            raise RewriteError(
                f"The rewrite rule {name!r} does not bring the plan nearer to the end of the phase {phase.name!r}.",
                code="rewrite_endless", rule=name,
            )  # fmt: skip
        return after

    def result(self) -> Plan:
        """The plan as the transient copy has it."""
        read = self.copy.read([LAID_OUT, *(_round(n + 1) for n in range(self.rounds))])
        found = {name: replace(s, atoms=self.plan[name].atoms) for name, s in read.items() if name in self.plan.steps}
        if len(found) != len(read) or found != dict(self.plan.steps):
            raise RewriteError("The transient copy of the plan is not what its rewrites made of it.")
        return self.plan.renamed(self._labels.of_step)

    def _apply(self, name: str, phase: str) -> bool:
        rule = load(name)
        if name in self._tried or not rule.may_match(self.plan):
            return False
        round_ = _round(self.rounds + 1)
        done = replacing.apply(self.copy, rule, self.plan, round_, self.grounds)
        if done is None:
            self._tried.add(name)
            return False
        self._tried.clear()
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
