"""The reasoner against enumeration: sets of a random world, and of every source that there could be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.rewrite import sat
from provgraph.rewrite.fingerprints import fingerprint, may_be_part
from provgraph.rewrite.sets import Answer, Bounds, Counted, Fact, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema import sets
from provgraph.schema.sets import Complement, Definition
from tests.rewrite.worlds import (
    COUNT,
    Sets,
    X,
    bounds_of,
    counted_of,
    grid,
    random_sets,
    relabelled_origin,
    small_worlds,
)
from tests.samples import sample

RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck))
YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


@pytest.fixture(params=["python-sat", "own"], autouse=True)
def solver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "own":
        monkeypatch.setattr(sat, "installed", lambda: False)
    elif not sat.installed():
        pytest.skip("python-sat is not installed")


@st.composite
def known_worlds(draw: st.DrawFn, partial: bool = True) -> tuple[Sets, list[Fact]]:
    """Sets in a small world, and some facts that are true in it; `partial` as in `random_sets`."""
    made = draw(random_sets(draw(small_worlds()), relabel=True, more=True, partial=partial))
    facts: list[Fact] = []
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(made.found) - 1))
        if draw(st.booleans()):
            facts.append(counted_of(made, at, digest=draw(st.booleans())))
        else:
            origin = draw(st.sampled_from((X, COUNT, relabelled_origin("k:one", X))))
            facts.append(bounds_of(made, at, origin))
    return made, facts


@given(known_worlds())
@settings(RELAXED, max_examples=sample(150))
def test_no_answer_is_wrong(known: tuple[Sets, list[Fact]]) -> None:
    """Whatever is answered YES or NO from what is true in a world is so in that world."""
    made, facts = known
    reasoner = Reasoner(made.knowledge(*facts))
    for a, has_a in made.found:
        assert reasoner.empty(a).answer in (UNKNOWN, YES if not has_a.any() else NO), (a, facts)
        for b, has_b in made.found:
            inside, apart = not (has_a & ~has_b).any(), not (has_a & has_b).any()
            truth = {
                "subset": inside,
                "equal": bool((has_a == has_b).all()),
                "disjoint": apart,
                "intersects": not apart,
            }
            for question, true in truth.items():
                proof = getattr(reasoner, question)(a, b)
                assert proof.answer in (UNKNOWN, YES if true else NO), (question, a, b, proof, facts)


@given(known_worlds())
@settings(RELAXED, max_examples=sample(30))
def test_every_answer_has_a_reason(known: tuple[Sets, list[Fact]]) -> None:
    made, facts = known
    reasoner = Reasoner(made.knowledge(*facts))
    for a, _ in made.found:
        for b, _ in made.found:
            for proof in (reasoner.subset(a, b), reasoner.equal(a, b), reasoner.disjoint(a, b)):
                assert proof.reason
                assert proof.answer is UNKNOWN or proof.rules, proof


ALL_SOURCES = grid()
asked: dict[str, int] = {"entailed": 0, "answered": 0}


def _entailed(made: Sets, facts: list[Fact]) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    possible = np.ones(len(made.world), bool)
    for a, has_a in made.found:
        for b, has_b in made.found:
            if not (possible & has_a & ~has_b).any():
                yield "subset", a, b
            if not (possible & has_a & has_b).any():
                yield "disjoint", a, b


@given(random_sets(ALL_SOURCES, relabel=False, more=False))
@settings(RELAXED, max_examples=sample(150))
def test_what_follows_is_answered(made: Sets) -> None:
    """In a world that has every possible source, what holds follows from the definitions; all of it is found."""
    reasoner = Reasoner(made.knowledge())
    for question, a, b in _entailed(made, []):
        asked["entailed"] += 1
        proof = getattr(reasoner, question)(a, b)
        asked["answered"] += proof.answer is YES
    assert asked["answered"] >= 0.99 * asked["entailed"], asked


@given(random_sets(ALL_SOURCES, relabel=False, more=False))
@settings(RELAXED, max_examples=sample(60))
def test_what_does_not_follow_is_unknown(made: Sets) -> None:
    reasoner = Reasoner(made.knowledge())
    for a, has_a in made.found:
        for b, has_b in made.found:
            if (has_a & ~has_b).any():
                assert reasoner.subset(a, b).answer is UNKNOWN


@given(known_worlds())
@settings(RELAXED, max_examples=sample(100))
def test_fingerprints_agree(known: tuple[Sets, list[Fact]]) -> None:
    """Of what is entailed by definitions, equal sets have one fingerprint, and a part no bit that the whole lacks."""
    made, _ = known
    knowledge = made.knowledge()
    without_spaces = type(knowledge)(knowledge.definitions)
    reasoner = Reasoner(without_spaces)
    prints = {a: fingerprint(a, knowledge) for a, _ in made.found}
    for a, print_a in prints.items():
        assert len(print_a) == 128
        for b, print_b in prints.items():
            if reasoner.equal(a, b).answer is YES:
                assert print_a == print_b, (a, b)
            if reasoner.subset(a, b).answer is YES:
                assert may_be_part(print_a, print_b), (a, b)


def test_deeply_nested_definitions() -> None:
    definitions: dict[str, Definition] = {}
    now = frozenset(("s:A",))
    for k in range(1100):
        now, more = sets.union([now | {f"s:{k}"}, frozenset((f"s:{k}",))])
        definitions.update(more)
    knowledge = Knowledge(definitions, spaces={f"s:{k}": "here" for k in range(1100)})
    assert knowledge.space(now) == "here"
    proof = Reasoner(knowledge).subset({"s:1099"}, now)
    assert proof.answer is YES
    assert len(proof.reason) < 1000


def test_same_identifiers() -> None:
    """Of one id space: identifiers of another are of other sources."""
    facts = (Counted(frozenset(("s:A",)), 3, "ids"), Counted(frozenset(("s:B",)), 3, "ids"))
    assert Reasoner(Knowledge({}, facts, {"s:A": "x", "s:B": "x"})).equal({"s:A"}, {"s:B"}).answer is YES
    assert Reasoner(Knowledge({}, facts, {"s:A": "x", "s:B": "y"})).disjoint({"s:A"}, {"s:B"}).answer is YES
    assert Reasoner(Knowledge({}, facts)).equal({"s:A"}, {"s:B"}).answer is UNKNOWN


def test_other_identifiers() -> None:
    facts = (Counted(frozenset(("s:A",)), 3, "ids"), Counted(frozenset(("s:B",)), 3, "others"))
    reasoner = Reasoner(Knowledge({}, facts, {"s:A": "x", "s:B": "x"}))
    assert reasoner.equal({"s:A"}, {"s:B"}).answer is NO
    assert reasoner.subset({"s:A"}, {"s:B"}).answer is NO
    assert reasoner.disjoint({"s:A"}, {"s:B"}).answer is UNKNOWN


def test_bounds_alone_keep_sets_apart() -> None:
    facts = (Bounds(frozenset(("s:A",)), X, 0, 10, nulls=False), Bounds(frozenset(("s:B",)), X, 11, 20, nulls=False))
    assert Reasoner(Knowledge({}, facts)).disjoint({"s:A"}, {"s:B"}).answer is YES


def test_relabelled_attributes_are_those_before() -> None:
    """ρ(A[x < .1]) is part of ρ(A)[x < .2], because values stay."""
    made = Sets(grid(many=True))
    made.where(*(frozenset(("s:A",)), made.world.members["s:A"]), "x < .1")
    made.relabel("k:one", made.found[-1])
    image = made.found[-1][0]
    made.relabel("k:one", (frozenset(("s:A",)), made.world.members["s:A"]))
    made.where(*made.found[-1], "x < .2", "k:one")
    assert Reasoner(made.knowledge()).subset(image, made.found[-1][0]).answer is YES
    made.relabel("k:two", (frozenset(("s:A",)), made.world.members["s:A"]))
    made.where(*made.found[-1], "x < .2", "k:two")
    assert Reasoner(made.knowledge()).subset(image, made.found[-1][0]).answer is UNKNOWN


def test_what_is_empty_under_other_identifiers() -> None:
    made = Sets(grid(many=True))
    made.where(*(frozenset(("s:A",)), made.world.members["s:A"]), "x < .1 and x > .2")
    made.relabel("k:many", made.found[-1])
    assert Reasoner(made.knowledge()).empty(made.found[-1][0]).answer is YES


def test_a_fact_about_what_is_left_out_of_an_image_comes_to_an_end() -> None:
    """A without ρ(A): what is looked at from ρ's side is again A, and from there ρ(A)."""
    a = frozenset(("s:A",))
    for injective in (True, False):
        image, definitions = sets.relabelled("k:one", a, injective=injective)
        left: frozenset[str] = a | {"e:image"}
        definitions["e:image"] = Complement(image)
        for n in (0, 3):
            reasoner = Reasoner(Knowledge(definitions, (Counted(left, n), Counted(a, 3))))
            assert reasoner.subset(a, image).answer is (NO if n else YES)


def test_as_many_sources_are_the_same_under_other_identifiers() -> None:
    small, large = frozenset(("s:A", "s:B")), frozenset(("s:A",))
    facts = (Counted(small, 3), Counted(large, 3))
    for injective in (True, False):
        one, definitions = sets.relabelled("k:one", small, injective=injective)
        other, more = sets.relabelled("k:one", large, injective=injective)
        reasoner = Reasoner(Knowledge({**definitions, **more}, facts))
        assert reasoner.equal(one, other).answer is YES
        assert "3 sources" in reasoner.equal(one, other).reason
        assert Reasoner(Knowledge({**definitions, **more}, facts[:1])).equal(one, other).answer is UNKNOWN
