from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.language.criterion import Criterion
from provgraph.rewrite.neighbours import DISJOINT_FROM, SUBSET_OF, neighbours
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner
from tests.rewrite.worlds import attributes, criteria


def _keys(*texts: str) -> dict[str, str]:
    """Criteria by their own words."""
    return {text: Criterion.parse(text).bind(attributes()).canonical for text in texts}


def test_thresholds_in_a_row() -> None:
    assert set(neighbours(_keys("x < .1", "x < .2", "x <= .2", "x < .5"))) == {
        ("x < .1", SUBSET_OF, "x < .2"), ("x < .2", SUBSET_OF, "x <= .2"), ("x <= .2", SUBSET_OF, "x < .5"),
    }  # fmt: skip


def test_only_the_nearest_exclude_each_other() -> None:
    found = neighbours(_keys("x < .1", "x < .2", "x > .2", "x > .5"))
    assert [edge for edge in found if edge[1] == DISJOINT_FROM] == [("x < .2", DISJOINT_FROM, "x > .2")]


def test_other_attributes_have_nothing_to_do_with_it() -> None:
    assert neighbours(_keys("x < .1", "i < 2")) == []


def test_integers_leave_nothing_between() -> None:
    assert ("i < 2", DISJOINT_FROM, "i > 1") in neighbours(_keys("i < 2", "i > 1"))
    assert set(neighbours(_keys("i < 2", "i <= 1"))) == {("i < 2", SUBSET_OF, "i <= 1"), ("i <= 1", SUBSET_OF, "i < 2")}


def test_what_nothing_meets_excludes_itself() -> None:
    assert neighbours({"never": "false", "x": "`o:11` < 0x1p+0"}) == [("never", DISJOINT_FROM, "never")]


def test_several_attributes_and_positions() -> None:
    found = neighbours(_keys("x < .1 or i < 2", "i < 1", "x < .2 or i < 3", "within(ra, dec, 10, 20, 1)", "dec < 22"))
    assert set(found) == {
        ("i < 1", SUBSET_OF, "x < .1 or i < 2"), ("x < .1 or i < 2", SUBSET_OF, "x < .2 or i < 3"),
        ("within(ra, dec, 10, 20, 1)", SUBSET_OF, "dec < 22"),
    }  # fmt: skip


def test_the_place_of_a_new_one() -> None:
    known = _keys("x < .1", "x < .2", "x < .5", "x > .6")
    assert set(neighbours(known, new=["x < .2"])) == {("x < .1", SUBSET_OF, "x < .2"), ("x < .2", SUBSET_OF, "x < .5")}


@given(st.lists(criteria(more=True), min_size=2, max_size=7, unique=True))
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
def test_all_follows_from_the_neighbours(texts: list[str]) -> None:
    """Each edge is true, and every relation of two criteria is on a way along edges."""
    known = _keys(*texts)
    edges = neighbours(known)
    reasoner = Reasoner(Knowledge(known))
    above = {key: {key} for key in known}
    apart = {(a, b) for a, kind, b in edges if kind == DISJOINT_FROM}
    for _ in known:
        for a, kind, b in edges:
            if kind == SUBSET_OF:
                assert reasoner.subset({a}, {b}).answer is Answer.YES
                for larger in above.values():
                    larger.update(above[b] if a in larger else ())
            else:
                assert reasoner.disjoint({a}, {b}).answer is Answer.YES
    always = {key for key in known if reasoner.subset((), {key}).answer is Answer.YES}
    for a in known.keys() - always:
        if (a, a) in apart:
            continue
        for b in known.keys() - always:
            if reasoner.subset({a}, {b}).answer is Answer.YES:
                assert b in above[a], (a, b, edges)
            if reasoner.disjoint({a}, {b}).answer is Answer.YES and (b, b) not in apart:
                pairs = {(min(c, d), max(c, d)) for c in above[a] for d in above[b]}
                assert pairs & apart, (a, b, edges)
