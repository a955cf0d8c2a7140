"""Random graphs: optimised = plain = in parts = with stored results = the reference, and no relation answered wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz import checks
from tests.fuzz.cases import FAILURES, Case, cases
from tests.fuzz.world import Start

pytestmark = pytest.mark.embedded
SMALL = settings(
    deadline=None, derandomize=True, database=None, print_blob=False, phases=[Phase.generate],
    report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with Start.opened(tmp_path_factory.mktemp("fuzz")) as found:
        yield found


def holds(case: Case, check: Callable[[Case], Any]) -> None:
    """The check; where it fails, the smallest case that does, as a test for `test_found.py`."""
    try:
        check(case)
    except FAILURES:
        smallest = case.shrunk(check)
        print(f"\nThis fails; give it a name in tests/fuzz/test_found.py:\n\n{smallest!r}")
        check(smallest)
        raise


@given(data=st.data())
@settings(SMALL, max_examples=60)
def test_nobody_can_see_how_it_was_processed(start: Start, data: st.DataObject) -> None:
    def check(case: Case) -> None:
        checks.check_meaning(case.graph)
        checks.check_values(case.graph, case.before, case.cuts)

    holds(data.draw(cases(start)), check)


@given(data=st.data())
@settings(SMALL, max_examples=30)
def test_no_relation_is_answered_wrongly(start: Start, data: st.DataObject) -> None:
    holds(data.draw(cases(start)), lambda case: checks.check_relations(case.graph, case.before))
