"""What only the served engine has: addresses, passwords, versions, retries."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from provgraph.errors import GraphUnavailable, InvalidInput, ProvgraphError
from provgraph.graph import neo4j as served
from provgraph.graph.engine import Run
from provgraph.graph.neo4j import Neo4jEngine, check_version
from provgraph.graph.statements import Statement
from tests.neo4j.launcher import Server


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_nobody_listening_is_told_fast(scheme: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{free.getsockname()[1]}"
    begun = time.monotonic()
    with pytest.raises(GraphUnavailable, match=address) as caught:
        Neo4jEngine(address, ("neo4j", "x"))
    assert caught.value.code == "graph_unreachable"
    assert "\n" not in caught.value.message
    if scheme == "bolt":  # with routing the driver says only that nobody told it where to
        assert caught.value.message.endswith("(Connection refused)")
    assert time.monotonic() - begun < 8


def test_a_server_that_does_not_speak_bolt_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "ANSWER_SECONDS", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(GraphUnavailable) as caught:
            Neo4jEngine(f"bolt://127.0.0.1:{silent.getsockname()[1]}", ("neo4j", "x"))
    assert caught.value.code == "graph_unreachable"


def test_an_unknown_host_is_unreachable() -> None:
    with pytest.raises(GraphUnavailable) as caught:
        Neo4jEngine("bolt://no-such-host.invalid:7687", ("neo4j", "x"))
    assert caught.value.code == "graph_unreachable"


@pytest.mark.parametrize(
    "address", ["http://localhost:7474", "localhost", "bolt+x://localhost", "bolt://", "bolt://h:port"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(InvalidInput, match="bolt://host:7687") as caught:
        Neo4jEngine(address, ("neo4j", "x"))
    assert caught.value.code == "graph_address"


@pytest.mark.neo4j
@pytest.mark.parametrize("auth", [("neo4j", "wrong"), ("nobody", "x"), None], ids=["password", "user", "none"])
def test_a_wrong_password_is_told(neo4j_server: Server, auth: tuple[str, str] | None) -> None:
    with pytest.raises(GraphUnavailable, match="PROVGRAPH_GRAPH_AUTH") as caught:
        Neo4jEngine(neo4j_server.uri, auth)
    assert caught.value.code == "graph_auth_failed"


@pytest.mark.parametrize(
    ("agent", "version"),
    [("Neo4j/5.26.30", (5, 26)), ("Neo4j/5.27-aura", (5, 27)), ("Neo4j/2026.08.1", (2026, 8)), ("Neo4j/6.0.0", (6, 0))],
)
def test_new_enough_versions(agent: str, version: tuple[int, int]) -> None:
    assert check_version("bolt://x", agent) == version


@pytest.mark.parametrize("agent", ["Neo4j/5.25.1", "Neo4j/4.4.30", "Memgraph/3.1", ""])
def test_too_old_versions(agent: str) -> None:
    with pytest.raises(GraphUnavailable, match=r"5\.26 or newer") as caught:
        check_version("bolt://x", agent)
    assert caught.value.code == "graph_too_old"


@pytest.mark.neo4j
def test_the_version_is_read_from_the_server(neo4j_engine: Neo4jEngine) -> None:
    assert neo4j_engine.version >= (5, 26)


@pytest.mark.neo4j
def test_routing_addresses_work(neo4j_server: Server) -> None:
    with Neo4jEngine(neo4j_server.uri.replace("bolt://", "neo4j://"), neo4j_server.auth) as engine:
        assert engine.write(lambda run: run(Statement("one", ("RETURN 1 AS one",)))) == [{"one": 1}]


@pytest.mark.neo4j
def test_an_unknown_database_is_told(neo4j_server: Server) -> None:
    with Neo4jEngine(neo4j_server.uri, neo4j_server.auth, "nowhere") as engine, pytest.raises(ProvgraphError) as caught:
        engine.read(Statement("one", ("RETURN 1 AS one",)))
    assert "nowhere" in caught.value.message


@pytest.mark.neo4j
def test_a_deadlock_is_retried(neo4j_engine: Neo4jEngine) -> None:
    """Two transactions that lock the same nodes in opposite order: the server ends one, the driver runs it again."""
    create = Statement("create", ("UNWIND ['a', 'b'] AS id CREATE (:Entity {object_id: id, n: 0})",))
    neo4j_engine.write(lambda run: run(create))
    lock = Statement("lock", ("MATCH (n:Entity {object_id: $id}) SET n.n = n.n + 1",))
    meet = threading.Barrier(2)
    runs: list[str] = []

    def add(first: str, second: str) -> None:
        def work(run: Run) -> None:
            again = first in runs
            runs.append(first)
            run(lock, id=first)
            if not again:
                meet.wait(20)
            run(lock, id=second)

        neo4j_engine.write(work)

    threads = [threading.Thread(target=add, args=ends) for ends in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(runs) > 2
    rows = neo4j_engine.read(Statement("n", ("MATCH (n:Entity) RETURN n.n AS n",)))
    assert rows == [{"n": 2}, {"n": 2}]


@pytest.mark.neo4j
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")
def test_ctrl_c_while_waiting_for_an_answer(neo4j_engine: Neo4jEngine) -> None:
    """It arrives as what it is, whatever the driver makes of it, is no commit, and the engine can be used again."""
    slow = Statement("slow", ("CREATE (:Entity {object_id: 'a'}) WITH 1 AS one UNWIND range(1, 1000000000) AS i "
                              "WITH i WHERE i % 7 = 8 RETURN count(i) AS n",))  # fmt: skip
    for doing in (neo4j_engine.write, neo4j_engine.scratch):
        clock = threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
        clock.start()
        with pytest.raises(KeyboardInterrupt):
            doing(lambda run: run(slow))
        clock.join()
        assert neo4j_engine.read(Statement("n", ("MATCH (n:Entity) RETURN count(n) AS n",))) == [{"n": 0}]


@pytest.mark.neo4j
def test_temporal_values_leave_as_text(neo4j_engine: Neo4jEngine) -> None:
    text = "RETURN datetime('2026-11-21T07:41:00.5Z') AS t, [date('2026-11-21')] AS d, duration('PT1S') AS s"
    [row] = neo4j_engine.read(Statement("t", (text,)))
    assert row == {"t": "2026-11-21T07:41:00.500000000+00:00", "d": ["2026-11-21"], "s": "PT1S"}


def test_without_the_driver_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules['neo4j'] = None\n"
        "from provgraph.graph.neo4j import Neo4jEngine\n"
        "Neo4jEngine('bolt://localhost')"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'provgraph[neo4j]'" in told.stderr.splitlines()[-1]
