"""A process beside the test: opens a graph and does what it is told, one line in, one line out, as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from provgraph.errors import ProvgraphError
from provgraph.graph.embedded import EmbeddedEngine
from provgraph.graph.engine import Run
from provgraph.graph.shared import SharedEngine, open_embedded
from provgraph.graph.statements import Statement

MERGE = Statement("merge", ("MERGE (n:Entity {object_id: $id}) ON CREATE SET n.by = $by RETURN n.by AS by",))
CREATE = Statement(
    "create", ("CREATE (n:Entity {object_id: $id})-[:WAS_DERIVED_FROM]->(m:Entity {object_id: $id + '-of'})",)
)
COUNT = Statement("count", ("MATCH (n:Entity) RETURN count(n) AS n",))


def main(directory: str) -> None:
    engine = open_embedded(directory)
    say({"holds": holds(engine), "pid": os.getpid()})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            say({"result": globals()[f"do_{request.pop('do')}"](engine, **request)})
        except ProvgraphError as error:
            say({"error": error.code, "message": error.message})
    engine.close()


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def holds(engine: SharedEngine) -> bool:
    return engine._held is not None


def do_holds(engine: SharedEngine) -> bool:
    return holds(engine)


def do_count(engine: SharedEngine) -> int:
    return int(engine.read(COUNT)[0]["n"])


def do_merge(engine: SharedEngine, first: int, end: int, threads: int = 1) -> int:
    """MERGE the ids in many threads; how many failed."""
    failed: list[BaseException] = []

    def work(by: int) -> None:
        try:
            for i in range(first, end):
                engine.write(lambda run: run(MERGE, id=f"n{i}", by=f"{os.getpid()}-{by}"))  # noqa: B023
        except BaseException as error:
            failed.append(error)
            print(repr(error), file=sys.stderr, flush=True)

    workers = [threading.Thread(target=work, args=(by,)) for by in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(failed)


def do_create_for_ever(engine: SharedEngine, prefix: str) -> None:
    """Create pairs until killed, saying each that was acknowledged."""
    number = 0
    while True:
        engine.write(lambda run: run(CREATE, id=f"{prefix}{number}"))  # noqa: B023
        say({"acknowledged": number})
        number += 1


def do_stay_in_transaction(engine: SharedEngine) -> None:
    def work(run: Run) -> None:
        run(CREATE, id="never")
        say({"inside": True})
        sys.stdin.readline()

    engine.write(work)


def do_die_after_next_commit(engine: SharedEngine) -> None:
    """Be killed when a transaction of another process is committed and nobody has been told."""
    assert engine._held is not None
    committed = EmbeddedEngine.write

    def write(self: EmbeddedEngine, work: Any) -> Any:
        committed(self, work)
        os.kill(os.getpid(), signal.SIGKILL)

    EmbeddedEngine.write = write  # type: ignore[method-assign]


def do_fork(engine: SharedEngine) -> int:
    """What a forked child reads and writes."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            engine.write(lambda run: run(MERGE, id="child", by="child"))
            status = 10 + do_count(engine)
            status += 100 * holds(engine)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(sys.argv[1])
