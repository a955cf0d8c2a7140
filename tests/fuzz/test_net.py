"""That the net has no hole: what is wrong on purpose is found by the same graphs and checks, from the values alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.fuzz import checks
from tests.fuzz.cases import FAILURES, Case
from tests.fuzz.world import Start
from tests.fuzz.wrong_parts import RULES, with_question, with_rule

pytestmark = pytest.mark.embedded
MOST = 300
"""So many graphs have to be enough."""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with Start.opened(tmp_path_factory.mktemp("net")) as found:
        yield found


def caught(start: Start, wrong: Callable[[], AbstractContextManager[None]]) -> str:
    """How it was found, and after how many graphs; '' where it was not. Graphs that fail without it do not count."""
    for tried in range(1, MOST + 1):
        graph = Case.random(start, tried).graph
        try:
            with wrong():
                checks.check_plan(graph)
        except FAILURES as error:
            checks.check_plan(graph)
            return f"after {tried} graphs: {error}".splitlines()[0]
    return ""


@pytest.mark.parametrize("name", RULES)
def test_a_wrong_rule_is_caught(start: Start, name: str) -> None:
    found = caught(start, partial(with_rule, name))
    assert found, f"{MOST} graphs show nothing of it"
    print(f"{name}: {found}")


@pytest.mark.parametrize("name", ["droppable", "superfluous", "contained", "implied", "empties", "kept_whole"])
def test_a_question_without_proof_is_caught(start: Start, name: str) -> None:
    found = caught(start, partial(with_question, name))
    assert found, f"{MOST} graphs show nothing of it"
    print(f"{name}: {found}")
