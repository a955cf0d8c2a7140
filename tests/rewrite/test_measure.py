"""Each phase comes to an end: its measure falls with every application of a rule, or the rule is stopped and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provgraph.errors import RewriteError
from provgraph.rewrite import measure, notation, strategy, trace
from provgraph.rewrite.grounds import Grounds, Stored
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.relations import definitions_of
from provgraph.rewrite.sets import Counted, Knowledge
from provgraph.rewrite.strategy import PHASES, Phase, optimise, optimise_with
from tests.rewrite.test_cases import CASES, Case, read
from tests.rewrite.test_strategy import FIG_2A

REPEATED = [phase for phase in PHASES if phase.until == "unchanged"]
APPLIED = [
    (phase, case)
    for phase in REPEATED for name in phase.rules if (CASES / f"{name}.txt").is_file()
    for case in read(name) if not case.unchanged
]  # fmt: skip


def test_every_phase_that_repeats_has_a_measure() -> None:
    assert [phase.name for phase in REPEATED if phase.measure is None] == []


def _id(value: Any) -> str:
    return value.name.replace(" ", "_") if isinstance(value, Phase) else f"{value.rule}-{value.title.replace(' ', '_')}"


@pytest.mark.embedded
@pytest.mark.parametrize(("phase", "case"), APPLIED, ids=_id)
def test_it_falls_with_each_case_of_each_rule(phase: Phase, case: Case) -> None:
    """One round of the rule alone, on a plan of the phase: then of the whole phase, until it is unchanged."""
    alone = replace(phase, rules=(case.rule,), when=frozenset())
    done = optimise_with([alone], case.before, **case.known)
    assert done.trace
    grounds = Grounds(case.known.get("knowledge"), case.known.get("stored", ()))
    for entry in done.trace:
        for plan in (entry.plan_before, entry.plan_after):
            grounds.learn(plan, plan.steps)
        assert phase.measure is not None
        assert phase.measure(entry.plan_after, grounds) < phase.measure(entry.plan_before, grounds)
    optimise_with([replace(phase, when=frozenset())], case.before, **case.known)


def test_a_rule_that_does_not_let_it_fall_is_named(scratch: Any) -> None:
    """The inverse of a rule of the phase: with it alone the phase would end, with both it would not."""
    (limit,) = (phase for phase in PHASES if phase.measure is measure.selections_up)
    both = replace(limit, rules=("select_sources_past_select_attributes", "select_attributes_past_select_sources"))
    plain = notation.parse("""
A = External(id, x)
C = AttributeCalculator(A, double(x) -> y)
B = SelectAttributes(C, y)
S = SelectSources(B, list few)
""")
    heard: list[trace.Entry] = []
    with pytest.raises(RewriteError, match=r"'select_attributes_past_select_sources' does not bring") as caught:
        optimise_with([both], plain, engine=scratch, trace=heard.append)
    assert caught.value.code == "rewrite_endless"
    assert caught.value.details["rule"] == "select_attributes_past_select_sources"
    assert [entry.rule for entry in heard] == list(both.rules), "it was stopped at its first application"


def test_what_has_no_measure_has_a_bound(scratch: Any) -> None:
    phase = Phase("back and forth", ("select_sources_past_select_attributes", "select_attributes_past_select_sources"))
    plain = notation.parse("A = External(id, ra)\nB = SelectAttributes(A, ra)\nC = SelectSources(B, list few)")
    with pytest.raises(RewriteError, match=r"select_.* still finds something to do after \d+ rounds") as caught:
        optimise_with([phase], plain, engine=scratch)
    assert caught.value.code == "rewrite_endless"
    assert caught.value.details["rule"] in phase.rules


def test_the_round_after_an_error_leaves_nothing(scratch: Any) -> None:
    phase = Phase("back and forth", ("select_sources_past_select_attributes", "select_attributes_past_select_sources"))
    plain = notation.parse("A = External(id, ra)\nB = SelectAttributes(A, ra)\nC = SelectSources(B, list few)")
    with pytest.raises(RewriteError):
        optimise_with([phase], plain, engine=scratch)
    assert optimise(notation.parse(FIG_2A), engine=scratch).rounds > 5


def test_an_empty_set_that_is_stored_is_not_added_for_ever(scratch: Any) -> None:
    """It is a part of everything, and what is missing stays missing."""
    plain = notation.parse("""
A = External(id, x)
F = FilterSources(A, x < 0.1)
C = AttributeCalculator(A, double(x) -> y)
""")
    none, origins = frozenset(plain["F"].atoms), frozenset(plain["C"].origins)
    done = optimise(
        Plan("C", plain.steps), engine=scratch, stored=[Stored("F", none, origins, n=0)],
        knowledge=Knowledge(definitions_of(plain), (Counted(none, 0),)),
    )  # fmt: skip
    assert "calculate_what_is_missing" not in {entry.rule for entry in done.trace}


def test_a_step_that_many_depend_on_counts_as_often() -> None:
    shared = notation.parse(
        "A = External(x)\nB = Pass(A)\nC = FilterSources(B, x < 1)\nD = ConcatenateAttributes(B, C)"
    )
    fewer = notation.parse("A = External(x)\nC = FilterSources(A, x < 1)\nD = ConcatenateAttributes(A, C)")
    assert (
        measure.simpler(shared, Grounds())[0] - measure.simpler(fewer, Grounds())[0] == 3
    )  # once, and in a filter twice


def test_a_long_plan_is_measured_at_once() -> None:
    """Weights grow with the ways to the end, which double with each step; they stay numbers of a few hundred digits."""
    lines = ["S0 = External(x)"]
    for n in range(600):
        lines += [f"P{n} = Pass(S{n})", f"S{n + 1} = ConcatenateAttributes(S{n}, P{n})"]
    plan = notation.parse("\n".join(lines))
    for phase in strategy.PHASES:
        if phase.measure is not None:
            assert all(size.bit_length() < 4000 for size in phase.measure(plan, Grounds()))
