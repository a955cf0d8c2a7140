"""How much of what follows is answered, and that pulls use every stored set of which it is proved that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from unittest import mock

import pytest

from provgraph.resolver.attributes import Resolver
from provgraph.rewrite.sets import Answer
from tests.fuzz import checks
from tests.fuzz.cases import Case
from tests.fuzz.entailed import entailed
from tests.fuzz.world import Start

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with Start.opened(tmp_path_factory.mktemp("relations")) as found:
        yield found


def test_what_the_definitions_entail_is_answered(start: Start) -> None:
    """What holds in every of many random tables, is what follows; nearly all of that is answered with YES."""
    held = answered = 0
    missed: list[str] = []
    for seed in range(25):
        graph = Case.random(start, 10_000 + seed).graph
        for question, a, b, proof in entailed(graph):
            held += 1
            answered += proof.answer is Answer.YES
            if proof.answer is not Answer.YES:
                missed.append(f"{question} of {a} and {b} in\n{graph}")
    print(f"{answered} of {held} answered")
    assert held > 200
    assert answered >= 0.99 * held, f"{answered} of {held}; for example\n" + "\n".join(missed[:5])


def test_the_survey_answers_what_the_reasoner_proves(start: Start) -> None:
    """What lineage alone proves, the survey answers too, whatever else it knows."""
    for seed in range(15):
        checks.check_survey_answers(Case.random(start, 20_000 + seed).graph)


def test_pulls_use_what_is_proved_to_serve(start: Start) -> None:
    found = [checks.check_pull(Case.random(start, 30_000 + seed).graph, seed) for seed in range(30)]
    sources, attributes = sum(f.sources for f in found), sum(f.attributes for f in found)
    print(f"{sources} stored sets of sources and {attributes} stored calculations were proved to serve, all were used")
    assert min(sources, attributes) >= 10


@pytest.mark.parametrize("question", ["SELECT", "ADD"])
def test_a_pull_that_does_not_look_is_caught(start: Start, question: str) -> None:
    blind = {
        "SELECT": [mock.patch("provgraph.resolver.sources._best", return_value=None)],
        "ADD": [mock.patch.object(Resolver, "introducers", return_value=[])],
    }[question]

    def fails(seed: int) -> bool:
        with ExitStack() as stack:
            for patch in blind:
                stack.enter_context(patch)
            try:
                checks.check_pull(Case.random(start, 31_000 + seed).graph, 1000 + seed)
            except checks.Wrong as error:
                return "again" in str(error)
            return False

    assert any(map(fails, range(60)))


def test_an_unknown_that_is_read_as_no_is_caught(start: Start) -> None:
    from provgraph.resolver.relation import Relation

    def wrong(self: Relation) -> Answer:
        return Answer.YES if self._proofs["subset"].answer is Answer.YES else Answer.NO

    with mock.patch.object(Relation, "subset", property(wrong)):
        assert any(map(partial(_fails, start), range(100)))


def _fails(start: Start, seed: int) -> bool:
    try:
        checks.check_relations(Case.random(start, seed).graph)
    except checks.Wrong:
        return True
    return False
