"""What answers about a plan rest on, and that what is learnt later counts from then on."""

from __future__ import annotations

from provgraph.rewrite import notation
from provgraph.rewrite.grounds import Grounds, Stored

PLAN = """
A = External(id, x)
F = FilterSources(A, x < 0.5)
R = SelectSources(A, except F)
U = ConcatenateSources(F, R)
"""


def test_only_a_plan_says_what_a_stored_rest_is() -> None:
    """What was left out when something was calculated is stored; its atom says nothing until the plan does it again."""
    plan = notation.parse(PLAN)
    rest = Stored("rest", frozenset(plan["R"].atoms), n=1)
    grounds = Grounds(stored=[rest])
    grounds.learn([plan["F"]], plan.steps)
    assert not grounds.subset(plan["A"].atoms, rest.atoms)
    assert not grounds.empty({*rest.atoms, *plan["F"].atoms})
    assert grounds.may_be_part(rest.atoms, plan["A"].atoms)
    grounds.learn([plan["R"], plan["U"]], plan.steps)
    assert grounds.empty({*rest.atoms, *plan["F"].atoms})
    assert grounds.equal(plan["U"].atoms, plan["A"].atoms)
