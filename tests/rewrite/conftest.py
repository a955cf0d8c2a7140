"""Where plans are rewritten: the process's own scratch graphs, and a transaction on a real Neo4j that is rolled back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ENGINES


@pytest.fixture(params=ENGINES)
def scratch(request: pytest.FixtureRequest) -> Any:
    """What `optimise` takes as `engine`: None, or the served engine."""
    return None if request.param == "embedded" else request.getfixturevalue("neo4j_engine")
