from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from provgraph.errors import RewriteError
from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan, Step, normal_criterion
from tests.rewrite.plans import plans

PLAN = notation.parse("""
A = External(id, ra, redshift)
F = FilterSources(A, redshift < 0.1)
B = SelectAttributes(A, ra)
S = SelectSources(B, F)
""")


@given(plans(everything=True))
@settings(max_examples=50, deadline=None)
def test_json_round_trip(plan: Plan) -> None:
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert list(again.steps) == list(plan.steps)
    assert again.to_json() == plan.to_json()


def test_json_of_every_field() -> None:
    step = Step(
        "é", "AttributeCalculator", ("a",), ("n",), ("o:1",), "c", "k:1", ("o:2",), '{"H0": 70.0}', ("s",), ("w",),
        "sha256:00", ("s:1",), "k:2", ("o:3",), True, ("a",), ("b",), "first", "k:3", True, True,
    )  # fmt: skip
    assert all(vars(step).values()), "a field that the test does not fill"
    assert Step.from_dict(step.to_dict()) == step


def test_ordered_counts_sources_as_dependencies() -> None:
    order = [s.id for s in PLAN.ordered()]
    assert order.index("F") < order.index("S")
    assert order[-1] == "S"
    assert order == [s.id for s in PLAN.ordered()]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"sources": ("S",)}, "depends on itself"), ({"parents": ("Z",)}, "needs 'Z', which is not in it")],
)
def test_a_broken_plan(change: dict[str, tuple[str, ...]], message: str) -> None:
    broken = Plan("S", {**PLAN.steps, "S": replace(PLAN["S"], **change)})  # type: ignore[arg-type]
    with pytest.raises(RewriteError, match=message) as raised:
        broken.ordered()
    assert raised.value.code == "plan_broken"


def test_a_long_plan_is_ordered() -> None:
    steps = {"0": Step("0", "External")} | {str(n): Step(str(n), "Pass", (str(n - 1),)) for n in range(1, 5000)}
    assert len(Plan("4999", steps).ordered()) == 5000


def test_same_as() -> None:
    assert PLAN.same_as(PLAN.renamed({"F": "other", "S": "end"}))
    assert not PLAN.same_as(Plan("B", PLAN.steps).only_needed())
    other = notation.parse(notation.render(PLAN).replace("0.1", "0.2"))
    assert not PLAN.same_as(other)


def test_reads() -> None:
    assert PLAN["F"].reads == (PLAN["A"].origins[2],)


def test_normal_criterion_of_merged_texts() -> None:
    one, other = PLAN["F"].criterion, notation.parse(notation.render(PLAN).replace("0.1", "0.05"))["F"].criterion
    assert normal_criterion(f"({one}) and ({other})") == normal_criterion(f"({other}) and ({one})")
