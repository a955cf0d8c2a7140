from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from provgraph.errors import ProvgraphError, RewriteError
from provgraph.rewrite import notation, relations
from provgraph.rewrite.plan import Plan, Step
from provgraph.rewrite.relations import Answer, equal, prove_equal, prove_subset, subset
from tests.rewrite.plans import plans
from tests.rewrite.reference import evaluate


def test_unknown_is_not_no() -> None:
    assert bool(Answer.YES)
    assert not bool(Answer.NO)
    with pytest.raises(ProvgraphError, match="not known"):
        bool(Answer.UNKNOWN)


def test_answers_by_atoms() -> None:
    assert subset({"s:1", "c:1"}, {"s:1"}) is Answer.YES
    assert subset({"s:1"}, {"s:1", "c:1"}) is Answer.UNKNOWN
    assert equal({"s:1"}, {"s:1"}) is Answer.YES
    assert equal({"s:1"}, {"s:1", "c:1"}) is Answer.UNKNOWN
    assert "c:1" in prove_subset({"s:1"}, {"s:1", "c:1"}).reason
    assert "s:1" in prove_equal({"s:1"}, {"s:1"}).reason


@given(plans())
@settings(max_examples=60, deadline=None)
def test_what_is_proved_is_true(plan: Plan) -> None:
    """Of each two steps of a random plan: a proven subset is one, in a small catalog."""
    done = evaluate(plan)
    for one in plan:
        for other in plan:
            if subset(one.atoms, other.atoms) is Answer.YES:
                assert np.isin(done.of(one.id).ids, done.of(other.id).ids).all(), (one.id, other.id)
            if equal(one.atoms, other.atoms) is Answer.YES:
                assert done.of(one.id).ids.tolist() == done.of(other.id).ids.tolist(), (one.id, other.id)


def test_conjuncts_are_atoms_of_their_own() -> None:
    plan = notation.parse("""
A = External(id, x, z)
B = FilterSources(A, x < 0.5)
C = FilterSources(B, z > 0.2)
D = FilterSources(A, z > 0.2 and x < 0.5)
E = ConcatenateAttributes(C, D)
""")
    assert equal(plan["C"].atoms, plan["D"].atoms) is Answer.YES
    assert subset(plan["D"].atoms, plan["B"].atoms) is Answer.YES


def test_an_operator_nobody_described() -> None:
    plan = Plan("B", {"A": Step("A", "External"), "B": Step("B", "RankSources", ("A",))})
    with pytest.raises(RewriteError, match="RankSources"):
        relations.with_atoms(plan)


def test_with_atoms_says_the_same_again() -> None:
    plan = notation.parse(
        "A = External(id, x)\nB = FilterSources(A, x < 1)\nC = SelectSources(A, B, except B, list few)"
    )
    assert relations.with_atoms(plan) == plan
    assert {a.partition(":")[0] for a in plan["C"].atoms} == {"s", "c", "e", "l"}


def test_who_knows_more_than_atoms_say() -> None:
    plan = notation.parse("""
A = External(id, x)
B = FilterSources(A, x < 0.1)
C = FilterSources(A, x < 0.2)
D = FilterSources(A, x >= 0.1 and x < 0.2)
E = ConcatenateSources(B, D)
""")
    reasoner = relations.reasoner_of(plan)
    assert subset(plan["B"].atoms, plan["C"].atoms) is Answer.UNKNOWN
    assert subset(plan["B"].atoms, plan["C"].atoms, reasoner) is Answer.YES
    assert subset(plan["B"].atoms, plan["A"].atoms, reasoner) is Answer.YES
    assert equal(plan["E"].atoms, plan["C"].atoms, reasoner) is Answer.YES
    assert "implies" in prove_subset(plan["B"].atoms, plan["C"].atoms, reasoner).reason
