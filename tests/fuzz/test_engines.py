"""The same plans on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from provgraph.errors import OperatorError
from provgraph.rewrite import notation
from provgraph.rewrite.strategy import Optimised
from tests.fuzz.cases import Case
from tests.fuzz.world import Start
from tests.rewrite.test_round_trips import AROUND

pytestmark = [pytest.mark.embedded, pytest.mark.neo4j]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with Start.opened(tmp_path_factory.mktemp("engines")) as found:
        yield found


def test_both_engines_give_the_same_plan(start: Start, neo4j_engine: Any) -> None:
    """Of what lineage says, and once some results are stored; in as many statements, each of which is a round trip."""
    trips = []
    for seed in range(20):
        case = Case.random(start, 40_000 + seed)
        start.forget()
        for before in ((), case.before):
            for name in before:
                with suppress(OperatorError):  # what the operators refuse when it is processed
                    start.survey.processor.process(case.graph.collections[name])
            embedded, served = (optimised(start, case, engine) for engine in (None, neo4j_engine))
            assert [e.rule for e in embedded.trace] == [e.rule for e in served.trace], case
            assert embedded.plan == served.plan, (
                f"{case}\n{notation.render(embedded.plan)}\n\n{notation.render(served.plan)}"
            )
            assert embedded.statements == served.statements
            trips.append(served.statements + AROUND)
    trips.sort()
    print(f"round trips: half of the plans at most {trips[len(trips) // 2]}, all at most {trips[-1]}")
    assert trips[len(trips) // 2] <= 24
    assert trips[-1] <= 80


def optimised(start: Start, case: Case, engine: Any) -> Optimised:
    start.survey.processor._plans._found.clear()
    with mock.patch.object(start.survey.processor, "scratch", engine):
        return start.survey.processor.optimised(case.graph.end)[1]  # type: ignore[no-any-return]
