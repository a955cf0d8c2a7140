"""Fixtures for all tests: the data beside the checkout, graph engines, a real Neo4j."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import GraphUnavailable
from tests.neo4j import launcher

# A shell that runs this in the background ignores Ctrl-C, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
_skipped: dict[str, str] = {}  # part -> why, for the last lines of a run


def _embedded_engine_missing() -> str | None:
    if os.environ.get("PROVGRAPH_TEST_WITHOUT_EMBEDDED"):
        return "PROVGRAPH_TEST_WITHOUT_EMBEDDED is set"
    try:
        from provgraph.graph.embedded import import_arcadedb

        import_arcadedb()
    except GraphUnavailable as error:
        return str(error)
    return None


EMBEDDED_MISSING = _embedded_engine_missing()
ENGINES = [
    pytest.param("embedded", marks=pytest.mark.embedded),
    pytest.param("neo4j", marks=pytest.mark.neo4j),
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "embedded: runs on the embedded graph engine")


def _needs_embedded(item: pytest.Item) -> bool:
    return item.get_closest_marker("embedded") is not None or "embedded_engine" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the embedded engine the tests of it are left out, once and aloud, not skipped one by one."""
    if EMBEDDED_MISSING is None:
        return
    left_out = [item for item in items if _needs_embedded(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _needs_embedded(item)]
        _skipped[f"{len(left_out)} tests on the embedded engine"] = EMBEDDED_MISSING


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # one of several processes that run the tests
        session.config.workeroutput["not run"] = dict(_skipped)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _skipped.update(getattr(node, "workeroutput", {}).get("not run", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for part, reason in _skipped.items():
        terminalreporter.write_line(f"Not run: {part} ({reason}).")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        _skipped["tests on the shared data"] = f"{folder} is not there"
        pytest.skip(f"the shared data folder {folder} is not there")
    return folder


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[launcher.Server]:
    """A real Neo4j, started when the first test asks for it."""
    yield from _running("tests on Neo4j")


@pytest.fixture
def too_old_neo4j() -> Iterator[launcher.Server]:
    """The last Neo4j before the oldest that we support, for one test."""
    yield from _running("the test on a Neo4j that is too old", launcher.TOO_OLD_VERSION)


def _running(part: str, version: str | None = None) -> Iterator[launcher.Server]:
    try:
        server = launcher.start(version)
    except launcher.Unavailable as error:
        if CI:
            raise
        _skipped[part] = f"{error}; to have them: {launcher.WAYS}"
        pytest.skip(f"no Neo4j here: {error}")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def neo4j_engine(neo4j_server: launcher.Server) -> Iterator[Any]:
    """The served engine on an empty graph; constraints of an earlier test may stand."""
    from provgraph.graph.neo4j import Neo4jEngine

    with Neo4jEngine(neo4j_server.uri, neo4j_server.auth) as engine:
        empty(engine)
        yield engine


@pytest.fixture
def embedded_engine(tmp_path: Path) -> Iterator[Any]:
    """The embedded engine on a new directory."""
    from provgraph.graph.embedded import EmbeddedEngine

    with EmbeddedEngine(tmp_path / "graph", durable=False) as engine:
        yield engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    """Each graph engine in turn, empty and not yet set up."""
    return request.getfixturevalue(f"{request.param}_engine")


def empty(engine: Any) -> None:
    """Remove everything from a graph, in batches."""
    from provgraph.graph.statements import Statement

    some = Statement("empty", ("MATCH (n) WITH n LIMIT 10000 DETACH DELETE n RETURN count(n) AS removed",))
    while engine.write(lambda run: run(some))[0]["removed"]:
        pass
