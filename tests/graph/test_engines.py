"""The contract on each engine, and what only one of them has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provgraph.graph.setup import prepare
from tests.graph.engine_contract import GraphEngineTests, statements_for


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function.__name__ == "test_every_statement_runs":
        metafunc.parametrize("name", statements_for(metafunc.cls.engine_name))


@pytest.mark.embedded
class TestEmbedded(GraphEngineTests):
    engine_name = "embedded"

    @pytest.fixture
    def engine(self, embedded_engine: Any) -> Any:
        prepare(embedded_engine)
        return embedded_engine


@pytest.mark.embedded
class TestShared(GraphEngineTests):
    """Through the channel, as a second process has it."""

    engine_name = "embedded"

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Any]:
        from provgraph.graph.shared import SharedEngine, open_embedded

        with open_embedded(tmp_path / "graph") as holder, SharedEngine(tmp_path / "graph", hold=False) as client:
            prepare(holder)
            yield client


@pytest.mark.neo4j
class TestNeo4j(GraphEngineTests):
    engine_name = "neo4j"

    @pytest.fixture
    def engine(self, neo4j_engine: Any) -> Any:
        prepare(neo4j_engine)
        return neo4j_engine
