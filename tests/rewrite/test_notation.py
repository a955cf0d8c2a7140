from __future__ import annotations

import pytest
from hypothesis import given, settings

from provgraph.errors import InvalidInput
from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan
from tests.rewrite.plans import plans

TEXT = """
A = External(id, ra, dec, `mag u`)
F = FilterSources(A, ra < 0.1 and within(ra, dec, 10, 20, 0.5))
C = AttributeCalculator(A, k:abs(`mag u`, ra; {"H0": 70.0, "Om0": 0.3}) -> absmag, `other result`)
W = AttributeCalculator(A, whole rank(ra) -> place)
D = ConcatenateAttributes(F, C, W)
S = SelectSources(D, F, except A, list sha256:00)
P = Pass(S)
E = SelectAttributes(P, absmag, `mag u`)
""".strip()


def test_both_ways() -> None:
    plan = notation.parse(TEXT)
    assert notation.render(plan).splitlines()[0] == TEXT.splitlines()[0]
    assert sorted(notation.render(plan).splitlines()[2:]) == sorted(TEXT.splitlines()[2:])
    assert plan["C"].parameters == '{"H0": 70.0, "Om0": 0.3}'
    assert plan["W"].whole_catalog
    assert (plan["S"].sources, plan["S"].without, plan["S"].source_list) == (("F",), ("A",), "sha256:00")
    assert plan["C"].inputs == (plan["A"].origins[3], plan["A"].origins[1])


def test_unions_names_and_identifiers_both_ways() -> None:
    text = """
A = External(id, x, y)
B = FilterSources(A, x < 0.5)
R = RenameAttributes(B, x -> z, y -> `a b`)
W = SourceListWrapper(id, x, y)
Q = RenameAttributes(W, x -> z, y -> `a b`)
U = ConcatenateSources(R, Q, first wins)
L = RelabelSources(U, one to one by shift)
M = RelabelSources(L, by other)
S = SelectSources(M, strictly list few)
N = RelabelSources(S, one to one by ~other)
""".strip()
    plan = notation.parse(text)
    assert notation.render(plan) == text
    assert (plan["R"].old, plan["R"].new) == (("x", "y"), ("z", "a b"))
    assert plan["R"].origins == plan["A"].origins
    assert plan["U"].policy == "first"
    assert plan["U"].origins[1] not in (*plan["A"].origins, *plan["W"].origins)
    assert (plan["L"].relabelling, plan["L"].injective) == ("shift", True)
    assert (plan["M"].relabelling, plan["M"].injective) == ("other", False)
    assert plan["N"].relabelling == "~other"
    assert plan["S"].strict
    assert notation.render(plan, {"other": "swap"}).splitlines()[-1] == "N = RelabelSources(S, one to one by ~swap)"


@given(plans(everything=True))
@settings(max_examples=50, deadline=None)
def test_printed_plans_can_be_read(plan: Plan) -> None:
    again = notation.parse(notation.render(plan))
    assert again.same_as(plan)
    assert {s.id: s.atoms for s in again} == {s.id: s.atoms for s in plan}


def test_labels() -> None:
    plan = notation.parse("A = External(id, x)\nB = AttributeCalculator(A, k:12(x) -> y)")
    assert notation.render(plan, {"A": "quasars", "k:12": "double@1"}).splitlines() == [
        "quasars = External(id, x)",
        "B = AttributeCalculator(quasars, double@1(x) -> y)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one line"),
        ("nonsense", "not 'nonsense'"),
        ("A = Sum(id)", "no operator 'Sum'|'Sum'|not defined"),
        ("B = Pass(A)", "'A' is not defined"),
        ("A = External(id)\nB = SelectAttributes(A, x)", "A has no attribute 'x'"),
        ("A = External(x, y)\nB = RenameAttributes(A, x -> y)", "one name"),
        ("A = External(x, y)\nB = RenameAttributes(A, x)", "old -> new"),
        ("A = External(x, y)\nB = RelabelSources(A, shift)", "by name"),
        ("A = External(x)\nB = External(y)\nC = ConcatenateSources(A, B)", "B has no attribute 'x'"),
        ("A = External(id)\nB = AttributeCalculator(A, id)", "A calculator is written"),
        (
            "A = External(x)\nB = External(x)\nC = ConcatenateAttributes(A, B)",
            "Two different attributes are called 'x'",
        ),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        notation.parse(text)
    assert raised.value.code == "plan_syntax"
