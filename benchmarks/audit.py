"""The audit: records verified a second, with and without a checkpoint, and what keeping the log adds to one write."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import provgraph
from benchmarks import catalog
from benchmarks.figure import Figure, shown, timed, typical
from provgraph.audit.checkpoint import Checkpoint, take
from provgraph.audit.log import BEGUN, COMMITTED, WRITE, Log
from provgraph.audit.verify import verify_log

ROUNDS = 3
WRITES = 200
SURVEY = "7d1c3f0e-0000-4000-8000-000000000000"


def measure(folder: Path, records: int = 200_000, graph: str = "") -> list[Figure]:
    """records : of the log that is verified, half of them writes of one thing. graph : where writes are timed, '' for embedded."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PROVGRAPH_AUDIT_KEY", str(folder / "audit-key.pem"))  # not that of whoever runs this
    log = fill(folder / "audit", records)
    plain = typical(timed(lambda: _verified(log, [])) for _ in range(ROUNDS))
    signed = _signed(log)
    with_tree = typical(timed(lambda: _verified(log, [signed])) for _ in range(ROUNDS)) if signed else 0.0
    read = typical(timed(log.path.read_bytes) for _ in range(ROUNDS))
    figures = []
    for what, seconds in (("the chain of a log", plain), ("the chain and the tree of a signed checkpoint", with_tree)):
        if seconds:
            rate = records / seconds
            figures.append(Figure(f"verify {what}, {records:,} records", shown(seconds), f"reading the file: {shown(read)}",
                                  f"{rate:,.0f} records/s", ">= 200,000 records/s", rate >= 200_000))  # fmt: skip
    alone, kept, durable = writes(folder, graph)
    added = kept - alone
    figures.append(Figure(f"one write of a statement, with the log ({WRITES} of them)", shown(kept), f"without: {shown(alone)}; "
                          f"one fdatasync there: {shown(durable)}", f"{shown(added)} more", "<= 1 ms", added <= 1e-3))  # fmt: skip
    return figures


def fill(directory: Path, records: int) -> Log:
    """A log as writes of single statements leave it."""
    log = Log(directory, SURVEY)
    log.append({"kind": BEGUN, "things": 0})
    agent = {"id": "agent:0123456789abcdef0123", "kind": "person", "name": "ada"}
    for i in range((records - 1) // 2):
        n = log.append({
            "kind": WRITE, "agent": agent, "project": "default", "request": "", "process": "0123abcd.1.1", "keys": {}, "stored": [],
            "what": ["graph write"], "ids": [["Note", f"{i:036x}", "", f"{i:064x}"]],
            "edges": [["ABOUT", f"{i:036x}", f"{i:036x}", {}], ["WAS_ATTRIBUTED_TO", f"{i:036x}", agent["id"], {}]],
        })  # fmt: skip
        log.append({"kind": COMMITTED, "intent": n})
    for _ in range((records - 1) % 2):
        log.append({"kind": "test"})
    log.close()
    return log


def _signed(log: Log) -> Checkpoint | None:
    try:
        return take(log)
    except provgraph.errors.MissingExtra:
        return None
    finally:
        log.close()


def _verified(log: Log, checkpoints: list[Checkpoint]) -> None:
    _, findings = verify_log(log.directory, SURVEY, checkpoints)
    assert not findings


def writes(folder: Path, graph: str) -> tuple[float, float, float]:
    """Typical seconds of one write without the log and with it, taken in turns, and of making a record durable there."""
    catalog.write_fits(folder / "a.fits", 100)
    with provgraph.open(folder / "survey", graph=graph) as survey:
        one = survey.ingest(folder / "a.fits", name="A", id="id")
        ledger = survey.mapper.ledger
        seconds: tuple[list[float], list[float]] = ([], [])
        for i in range(2 * WRITES + 20):
            survey.mapper.ledger = ledger if i % 2 else None
            took = timed(lambda: survey.annotate(one, tags=["t"]))
            if i >= 20:
                seconds[i % 2].append(took)
        durable = []
        for _ in range(WRITES):
            survey.audit.log.append({"kind": "test", "text": "x" * 600})
            began = perf_counter()
            survey.audit.log.sync()
            durable.append(perf_counter() - began)
    return typical(seconds[0]), typical(seconds[1]), typical(durable)


def main(given: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="provgraph-bench-", dir=given[0] if given else None) as name:
        for figure in measure(Path(name)):
            print(figure.row())


if __name__ == "__main__":
    main(sys.argv[1:])
