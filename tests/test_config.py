"""Settings and the maps of engines and stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph import config
from provgraph.config import Settings
from provgraph.errors import InvalidInput


def test_nothing_set_is_embedded() -> None:
    assert Settings.from_environment({}) == Settings(None, "embedded", None, None, None, None, None)


def test_everything_set() -> None:
    environment = {
        "PROVGRAPH_SURVEY": "/data/survey",
        "PROVGRAPH_GRAPH": "bolt://localhost:7687",
        "PROVGRAPH_GRAPH_AUTH": "neo4j:a:b",
        "PROVGRAPH_GRAPH_DATABASE": "surveys",
        "PROVGRAPH_STORE": "files, s3://bucket/files",
        "PROVGRAPH_CACHE_SIZE": "5GiB",
        "PROVGRAPH_MEMORY": "2GiB",
        "PROVGRAPH_PUBLICATION_POLICY": "/data/policy.toml",
        "PROVGRAPH_CALCULATOR_SECONDS": "60",
        "PROVGRAPH_CALCULATOR_MEMORY": "1GiB",
    }
    settings = Settings.from_environment(environment)
    assert settings == Settings(
        Path("/data/survey"), "bolt://localhost:7687", ("neo4j", "a:b"), "surveys", "files, s3://bucket/files", "5GiB",
        "2GiB", publication_policy=Path("/data/policy.toml"), calculator_seconds=60.0, calculator_memory="1GiB",
    )  # fmt: skip
    assert "a:b" not in repr(settings)


def test_empty_is_absent() -> None:
    assert Settings.from_environment({"PROVGRAPH_GRAPH": "", "PROVGRAPH_GRAPH_AUTH": ""}) == Settings()


@pytest.mark.parametrize("text", ["soon", "-1", "0", "inf", "nan"])
def test_a_time_limit_is_seconds(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings.from_environment({"PROVGRAPH_CALCULATOR_SECONDS": text})
    assert caught.value.code == "time_limit"


@pytest.mark.parametrize("text", ["neo4j", ":secret", ""])
def test_auth_is_user_and_password(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        config.parse_auth(text)
    assert caught.value.code == "graph_auth"
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("graph", ["", "http://localhost", "bolt://", "bolt", "embedded://x", "neo4j+z://h", "sqlite"])
def test_what_opens_nothing_is_told(graph: str) -> None:
    with pytest.raises(InvalidInput, match="bolt://host:7687") as caught:
        config.engine_factory(graph)
    assert caught.value.code == "graph_address"


@pytest.mark.parametrize("scheme", [s for s in config.ENGINES if s != "embedded"])
def test_every_address_opens_with_a_class(scheme: str) -> None:
    assert config.engine_factory(f"{scheme}://host:7687")[1].__name__ == "Neo4jEngine"


def test_every_store_is_there() -> None:
    assert [config.store_factory(s).__name__ for s in config.STORES] == ["Hdf5Store", "MemoryStore"]
    with pytest.raises(InvalidInput, match="hdf5, memory"):
        config.store_factory("ascii")
