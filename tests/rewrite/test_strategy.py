"""The paper's figures, and that no strategy can be seen in the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.rewrite import notation
from provgraph.rewrite.grounds import Stored
from provgraph.rewrite.plan import ATTRIBUTE_CALCULATOR, CONCATENATE_ATTRIBUTES, Plan
from provgraph.rewrite.relations import definitions_of
from provgraph.rewrite.sets import Counted, Knowledge
from provgraph.rewrite.strategy import PHASES, apply_rule, optimise, optimise_with
from tests.reference import Refused
from tests.rewrite.plans import plans
from tests.rewrite.reference import assert_same, evaluate

FIG_2A = """
A = External(id, ra, dec, mag_u, redshift)
B = FilterSources(A, redshift < 0.1)
C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
D = ConcatenateAttributes(B, C)
E = SelectAttributes(D, mag_u, absmag_u)
"""
FIG_2B = """
A = External(id, ra, dec, mag_u, redshift)
Z = SelectAttributes(A, redshift)
F = FilterSources(Z, redshift < 0.1)
N = SelectAttributes(A, mag_u, redshift)
B = SelectSources(N, F)
C = AttributeCalculator(B, absmag(mag_u, redshift) -> absmag_u)
M = SelectAttributes(B, mag_u)
E = ConcatenateAttributes(M, C)
"""
FIG_4 = """
A = External(id, ra, dec, mag_u, redshift)
Z = SelectAttributes(A, redshift)
F = FilterSources(Z, redshift < 0.1)
E = SelectAttributes(F)
"""
# Two calculators, a renaming and a second catalog between what is asked for and the catalog.
LARGE = """
A = External(id, ra, mag_u, redshift)
X = External(extinction)
C = AttributeCalculator(A, double(redshift) -> distance)
D = ConcatenateAttributes(A, C, X)
R = RenameAttributes(D, distance -> d, extinction -> a_u)
M = AttributeCalculator(R, absmag(mag_u, d) -> absmag_u)
N = ConcatenateAttributes(R, M)
B = FilterSources(N, redshift < 0.3)
E = SelectAttributes(B, ra, absmag_u, a_u)
"""
# What Fig. 2a needs to become Fig. 2b; each has a reason that the test below checks by leaving it out.
NEEDED = (
    "filter_sources_to_select_sources",
    "concatenate_attributes_past_select_sources",
    "select_attributes_past_select_sources",
    "select_attributes_past_concatenate_attributes",
    "remove_identity_select_attributes",
    "select_sources_past_concatenate_attributes",
    "select_sources_past_attribute_calculator",
    "select_sources_past_select_attributes",
    "merge_equal_steps",
    "narrow_select_sources",
)


def agrees(before: str | Plan, engine: Any = None, share: float = 0.75) -> tuple[Plan, dict[str, int]]:
    """The optimised plan and on how many sources each method was evaluated; its values are those of the plain plan."""
    plain = notation.parse(before) if isinstance(before, str) else before
    best = optimise(plain, engine=engine).plan
    one = evaluate(plain, share)
    other = evaluate(best, share, stored=one)  # what can have no sources is read as nothing
    assert_same(one.of(), other.of())
    # Only values count where a plan begins with SOURCES edges, which only rules make, or where a calculator needs the whole
    # catalog: what it reads may be calculated again for the few sources that the rest is about.
    if any(s.sources or s.whole_catalog for s in plain):
        return best, dict(other.seen)
    for method, seen in other.seen.items():
        assert seen <= one.seen[method], f"{method} is evaluated on more sources:\n{notation.render(best)}"
    return best, dict(other.seen)


def test_figure_2(scratch: Any) -> None:
    best, seen = agrees(FIG_2A, scratch)
    assert best.same_as(notation.parse(FIG_2B)), notation.render(best)
    assert seen == {"absmag": len(evaluate(best).of().ids)}
    assert best[best.end].names == ("mag_u", "absmag_u")
    calculator = next(s for s in best if s.operator == ATTRIBUTE_CALCULATOR)
    assert len(best.dependents[calculator.parents[0]]) == 2, "both branches share the selection"


def test_figure_4(scratch: Any) -> None:
    best, seen = agrees(FIG_2A + "F = SelectAttributes(E)", scratch)
    assert best.same_as(notation.parse(FIG_4)), notation.render(best)
    assert not seen
    assert not {ATTRIBUTE_CALCULATOR, CONCATENATE_ATTRIBUTES} & best.operators


@pytest.mark.parametrize("rule", NEEDED)
def test_figure_2_needs(rule: str, scratch: Any) -> None:
    plain = notation.parse(FIG_2A)
    without = optimise_with(PHASES, plain, leave_out={rule}, engine=scratch).plan
    assert_same(evaluate(plain).of(), evaluate(without).of())
    assert not without.same_as(notation.parse(FIG_2B))


def test_figure_2_uses_nothing_else(scratch: Any) -> None:
    applied = {entry.rule for entry in optimise(notation.parse(FIG_2A), engine=scratch).trace}
    # A calculator directly over A would read no more; over anything else it saves a calculation (below).
    assert applied - set(NEEDED) == {"narrow_attribute_calculator", "read_select_sources_directly"}


def test_a_calculator_asks_only_for_what_it_reads(scratch: Any) -> None:
    plain = notation.parse("""
A = External(id, ra, mag_u, redshift)
B = AttributeCalculator(A, double(redshift) -> distance)
C = AttributeCalculator(A, negative(ra) -> unused)
D = ConcatenateAttributes(A, B, C)
E = AttributeCalculator(D, absmag(mag_u, distance) -> absmag_u)
""")
    without = optimise_with(PHASES, plain, leave_out={"narrow_attribute_calculator"}, engine=scratch).plan
    assert "negative" in evaluate(without).seen
    assert "negative" not in agrees(plain, scratch)[1]


def test_a_calculator_reads_the_selection_itself(scratch: Any) -> None:
    plain = notation.parse(FIG_2A.replace("E = SelectAttributes(D, mag_u", "E = SelectAttributes(D, ra"))
    without = optimise_with(PHASES, plain, leave_out={"read_select_sources_directly"}, engine=scratch).plan
    below = (ATTRIBUTE_CALCULATOR, "SelectSources")
    assert below in agrees(plain, scratch)[0].neighbours
    assert below not in without.neighbours


def test_figure_3_in_its_order(scratch: Any) -> None:
    rules = [entry.rule for entry in optimise(notation.parse(FIG_2A), engine=scratch).trace]
    in_order = [
        "filter_sources_to_select_sources",
        "concatenate_attributes_past_select_sources",
        "select_sources_past_concatenate_attributes",
        "select_sources_past_attribute_calculator",
        "merge_equal_steps",
    ]
    assert sorted(in_order, key=rules.index) == in_order


def test_only_the_calculated_attribute(scratch: Any) -> None:
    best, seen = agrees(
        FIG_2A.replace("E = SelectAttributes(D, mag_u, absmag_u)", "E = SelectAttributes(D, absmag_u)"), scratch
    )
    assert CONCATENATE_ATTRIBUTES not in best.operators
    assert seen == {"absmag": len(evaluate(best).of().ids)}


def test_two_filters_in_a_row(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, dec, mag_u, redshift)
B = FilterSources(A, redshift < 0.5)
G = FilterSources(B, mag_u > 0.2)
C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
D = ConcatenateAttributes(G, C)
E = SelectAttributes(D, ra, absmag_u)
""", scratch)  # fmt: skip
    assert seen == {"absmag": len(evaluate(best).of().ids)}
    assert sum(s.operator == "FilterSources" for s in best) == 1


def test_two_filters_apart(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, dec, mag_u, redshift)
B = FilterSources(A, redshift < 0.5)
C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
D = ConcatenateAttributes(B, C)
G = FilterSources(D, mag_u > 0.2)
H = AttributeCalculator(A, double(ra) -> twice)
I = ConcatenateAttributes(G, H)
E = SelectAttributes(I, absmag_u, twice)
""", scratch)  # fmt: skip
    n = len(evaluate(best).of().ids)
    assert seen == {"absmag": n, "double": n}


def test_criterion_on_a_calculated_attribute(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, dec, mag_u, redshift)
C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
D = ConcatenateAttributes(A, C)
B = FilterSources(D, absmag_u < 0)
H = AttributeCalculator(A, double(ra) -> twice)
I = ConcatenateAttributes(B, H)
E = SelectAttributes(I, absmag_u, twice)
""", scratch)  # fmt: skip
    done = evaluate(best)
    assert seen == {"absmag": len(done.of("A").ids), "double": len(done.of().ids)}


@pytest.mark.parametrize("order", ["redshift first", "absmag_u first"])
def test_a_cheap_criterion_limits_a_calculated_one(order: str, scratch: Any) -> None:
    cheap, costly = "redshift < 0.5", "absmag_u < -1"
    first, second = (cheap, costly) if order == "redshift first" else (costly, cheap)
    best, seen = agrees(f"""
A = External(id, ra, dec, mag_u, redshift)
C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
D = ConcatenateAttributes(A, C)
B = FilterSources(D, {first})
G = FilterSources(B, {second})
H = AttributeCalculator(A, double(ra) -> twice)
I = ConcatenateAttributes(G, H)
E = SelectAttributes(I, mag_u, absmag_u, twice)
""", scratch)  # fmt: skip
    near = np.count_nonzero(evaluate(best).of("A").by_name["redshift"] < 0.5)
    assert seen == {"absmag": near, "double": len(evaluate(best).of().ids)}, notation.render(best)


def test_a_calculator_needs_another(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, dec, mag_u, redshift)
B = FilterSources(A, redshift < 0.3)
C = AttributeCalculator(A, double(redshift) -> distance)
D = ConcatenateAttributes(A, C)
F = AttributeCalculator(D, absmag(mag_u, distance) -> absmag_u)
G = ConcatenateAttributes(B, F)
E = SelectAttributes(G, mag_u, absmag_u)
""", scratch)  # fmt: skip
    n = len(evaluate(best).of().ids)
    assert seen == {"double": n, "absmag": n}


def test_two_catalogs(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, redshift)
X = External(mag_u, mag_g)
B = FilterSources(A, redshift < 0.3)
C = AttributeCalculator(X, double(mag_u) -> twice)
D = ConcatenateAttributes(B, C, X)
E = SelectAttributes(D, ra, twice, mag_g)
""", scratch)  # fmt: skip
    assert seen["double"] == len(evaluate(best).of().ids)


def test_a_calculator_of_the_whole_catalog_sees_the_whole_catalog(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, redshift)
B = FilterSources(A, redshift < 0.3)
C = AttributeCalculator(A, whole rank(ra) -> place)
D = ConcatenateAttributes(B, C)
""", scratch)  # fmt: skip
    assert seen == {"rank": len(evaluate(best).of("A").ids)}


def test_a_user_made_selection_limits_too(scratch: Any) -> None:
    best, seen = agrees("""
A = External(id, ra, redshift)
B = SelectSources(A, list few)
C = AttributeCalculator(A, double(ra) -> twice)
D = ConcatenateAttributes(B, C)
""", scratch)  # fmt: skip
    assert seen == {"double": len(evaluate(best).of().ids)}


def test_nothing_to_do(scratch: Any) -> None:
    plain = notation.parse("A = External(id, ra)")
    done = optimise(plain, engine=scratch)
    assert (done.plan, done.trace, done.rounds) == (plain, (), 0)


def test_what_the_end_does_not_need_is_left_out(scratch: Any) -> None:
    plain = notation.parse("A = External(id, ra)\nB = External(dec)\nC = SelectAttributes(A, ra)")
    assert "B" not in optimise(plain, engine=scratch).plan.steps


@given(plans())
@settings(max_examples=60, deadline=None)
@pytest.mark.embedded
def test_optimised_is_plain(plan: Plan) -> None:
    best, _ = agrees(plan)
    again = optimise(best).plan
    plain = evaluate(plan)
    assert_same(plain.of(), evaluate(again, stored=plain).of())


@given(plans(most=6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.neo4j
def test_optimised_is_plain_on_the_served_engine(neo4j_engine: Any, plan: Plan) -> None:
    agrees(plan, neo4j_engine)


def test_a_phase_needs_its_operators(scratch: Any) -> None:
    plain = notation.parse("A = External(id, ra)\nB = FilterSources(A, ra < 0.5)")
    assert optimise(plain, engine=scratch).plan == plain
    assert apply_rule("filter_sources_to_select_sources", plain, engine=scratch) != plain


# -- unions, other identifiers, proofs and what is stored ----------------------------------------------------------------


def applied(before: str, engine: Any = None, **known: Any) -> set[str]:
    return {entry.rule for entry in optimise(notation.parse(before), engine=engine, **known).trace}


def test_two_calculators_a_rename_and_a_second_catalog(scratch: Any) -> None:
    best, seen = agrees(LARGE, scratch)
    n = len(evaluate(best).of().ids)
    assert seen == {"double": n, "absmag": n}, notation.render(best)


def test_a_selection_from_a_union(scratch: Any) -> None:
    text = """
A = External(x, z)
X = External(x, z)
C = AttributeCalculator(A, double(x) -> y)
D = AttributeCalculator(X, double(x) -> y)
P = ConcatenateAttributes(A, C)
Q = ConcatenateAttributes(X, D)
U = ConcatenateSources(P, Q, first wins)
F = FilterSources(U, z < 0.3)
E = SelectAttributes(F, x, y)
"""
    best, seen = agrees(text, scratch)
    done = evaluate(best)
    calculators = [s.id for s in best if s.operator == ATTRIBUTE_CALCULATOR]
    assert seen == {"double": sum(len(done.of(name).ids) for name in calculators)}
    assert all(set(done.of(name).ids) <= set(done.of().ids) for name in calculators)


def test_a_selection_in_other_identifiers(scratch: Any) -> None:
    best, seen = agrees("""
A = External(x)
Z = External(z)
C = AttributeCalculator(A, double(x) -> y)
R = RelabelSources(C, one to one by shift)
F = FilterSources(Z, z < 0.3)
D = ConcatenateAttributes(R, F)
""", scratch)  # fmt: skip
    assert seen == {"double": len(evaluate(best).of().ids)}, notation.render(best)


def test_a_part_whose_values_do_not_count(scratch: Any) -> None:
    text = """
A = External(id, x, y)
B = FilterSources(A, x < 0.2)
P = SelectAttributes(A, x)
Q = SelectAttributes(B, y)
R = RenameAttributes(Q, y -> x)
D = ConcatenateSources(P, R, first wins)
"""
    best, _ = agrees(text, scratch)
    assert "FilterSources" not in best.operators


def test_a_criterion_that_the_rest_implies(scratch: Any) -> None:
    best, _ = agrees("""
A = External(id, x)
B = FilterSources(A, x < 0.2)
C = FilterSources(A, x < 0.5)
D = SelectAttributes(C)
E = ConcatenateAttributes(B, D)
""", scratch)  # fmt: skip
    assert [s.operator for s in best].count("FilterSources") == 1, notation.render(best)


def test_what_is_stored_limits_what_is_calculated(scratch: Any) -> None:
    text = """
A = External(id, x, z)
C = AttributeCalculator(A, double(x) -> y)
D = ConcatenateAttributes(A, C)
S = FilterSources(D, y < 0.6)
B = FilterSources(D, y < 0.2)
"""
    plain = notation.parse(text)
    wide = evaluate(plain).of("S")
    stored = [Stored("S", frozenset(plain["S"].atoms), n=len(wide.ids))]
    best = optimise(plain, engine=scratch, stored=stored, knowledge=Knowledge(definitions_of(plain))).plan
    done = evaluate(best, stored=evaluate(plain))
    assert_same(evaluate(plain).of(), done.of())
    assert dict(done.seen) == {"double": len(wide.ids)}, notation.render(best)


def test_what_was_calculated_for_the_sources_that_remain_is_read(scratch: Any) -> None:
    plain = notation.parse(
        FIG_2A + "S = FilterSources(A, redshift < 0.3)\nT = AttributeCalculator(S, absmag(mag_u, redshift) -> absmag_u)"
    )
    plain = Plan("E", plain.steps)
    stored = [Stored("T", frozenset(plain["T"].atoms), frozenset(plain["T"].origins))]
    best = optimise(plain, engine=scratch, stored=stored, knowledge=Knowledge(definitions_of(plain))).plan
    assert ATTRIBUTE_CALCULATOR not in best.operators
    assert_same(evaluate(plain).of(), evaluate(best, stored=evaluate(plain)).of())


@given(plans(everything=True))
@settings(max_examples=60, deadline=None)
@pytest.mark.embedded
def test_optimised_is_plain_with_all_operators(plan: Plan) -> None:
    try:
        evaluate(plan)
    except Refused:
        return
    best = optimise(plan).plan
    assert_same(evaluate(plan).of(), evaluate(best, stored=evaluate(plan)).of())


@given(plans(everything=True), st.data())
@settings(max_examples=60, deadline=None)
@pytest.mark.embedded
def test_optimised_is_plain_whatever_is_stored(plan: Plan, data: st.DataObject) -> None:
    try:
        done = evaluate(plan)
    except Refused:
        return
    kept = data.draw(st.lists(st.sampled_from([s for s in plan if s.parents] or list(plan)), max_size=3))
    stored = [
        Stored(
            s.id, frozenset(s.atoms), frozenset(s.origins if data.draw(st.booleans()) else ()), len(done.of(s.id).ids)
        )
        for s in kept
    ]
    knowledge = Knowledge(definitions_of(plan), tuple(Counted(s.atoms, s.n) for s in stored))
    best = optimise(plan, stored=stored, knowledge=knowledge).plan
    assert_same(done.of(), evaluate(best, stored=done).of())
