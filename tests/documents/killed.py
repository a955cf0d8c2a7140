"""Imports that are killed at random moments: the document is whole or absent, and the audit log agrees with the graph.

``scripts/kill_imports --runs 100``, and with ``--graph neo4j``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import provgraph
from benchmarks.prov import write
from provgraph.config import EMBEDDED
from provgraph.errors import NotFound
from provgraph.graph.statements import Statement
from provgraph.prov import Document, read

IMPORT = """
import sys, provgraph
from provgraph.documents import library
library.IN_ONE_TRANSACTION = int(sys.argv[4])
library.IN_MEMORY = 0 if library.IN_ONE_TRANSACTION == 0 else library.IN_MEMORY
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
print("open", flush=True)
print(survey.import_prov(sys.argv[3]).id, flush=True)
survey.close()
"""
LABELS = ("ProvDocument", "ProvBundle", "Thing", "Statement", "ImportMarker")


def start(directory: Path, address: str, file: Path, most: int) -> subprocess.Popen[str]:
    """A process that imports; when this returns it has opened the survey. most : statements in one transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(directory), address, str(file), str(most)], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def kill(process: subprocess.Popen[str], delay: float) -> str:
    """Kill it after `delay` seconds; the id of the document if it had said that it is there."""
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    said = process.stdout.read().strip()
    process.wait()
    return said


def check(directory: Path, address: str, file: Path, expected: Document, said: str) -> bool:
    """Whole or absent, nothing in between, and the log agrees with the graph; whether it is there."""
    with provgraph.open(directory, graph=address) as survey:
        report = survey.audit.verify()
        assert report.ok, str(report)
        digest = "sha256:" + _sha256(file)
        try:
            stored = survey.library.find(digest)
        except NotFound:
            assert not said, "what was said to be there is gone"
            assert survey.documents() == []
            if address == EMBEDDED:  # elsewhere what was killed is removed when it is too old to be under way
                assert left(survey) == {}
            return False
        assert not said or said == stored.id
        assert survey.document(stored) == expected
        assert survey.library.original(stored).read_bytes() == file.read_bytes()
        there = left(survey)
        assert there["ProvDocument"] == 1
        # A kill between a marker and its first node leaves just that, elsewhere until it is too old to be under way.
        assert "ImportMarker" not in there or address != EMBEDDED
        return True


def left(survey: Any) -> dict[str, int]:
    """How many nodes of documents the graph has."""
    counts = (survey.engine.read(Statement("count", (f"MATCH (n:{label}) RETURN count(n) AS n",))) for label in LABELS)
    return {label: row["n"] for label, [row] in zip(LABELS, counts, strict=True) if row["n"]}


def _sha256(file: Path) -> str:
    from hashlib import sha256

    return sha256(file.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/kill_imports", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--graph", default=EMBEDDED, help="neo4j to start one, or the address of an empty one; "
                        "else the embedded engine")  # fmt: skip
    options = parser.parse_args()
    if options.graph == "neo4j":
        from tests.neo4j import launcher

        server = launcher.start()
        os.environ["PROVGRAPH_GRAPH_AUTH"] = ":".join(server.auth)
        options.graph = server.uri
        try:
            return _kills(options)
        finally:
            server.stop()
    return _kills(options)


def _kills(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    whole = 0
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "run.json"
        write(file, options.records)
        expected = read(file)
        took = {}
        for most in (0, options.records):  # how long an import takes that nobody disturbs
            process = start(Path(name) / f"undisturbed{most}", options.graph, file, most)
            began = time.monotonic()
            process.wait()
            took[most] = time.monotonic() - began
            if options.graph != EMBEDDED:
                _empty(options.graph)
        for n in range(options.runs):
            most = (0, options.records)[n % 2]
            directory = Path(name) / f"survey{n}"
            said = kill(start(directory, options.graph, file, most), rng.uniform(0, took[most] * 1.1))
            there = check(directory, options.graph, file, expected, said)
            whole += there
            if n % 10 == 9:
                print(f"{n + 1} kills, {whole} whole, {n + 1 - whole} absent", file=sys.stderr, flush=True)
            if options.graph != EMBEDDED:
                _empty(options.graph)
    print(
        f"{options.runs} kills (seed {options.seed}): {whole} whole, {options.runs - whole} absent, nothing in between"
    )
    return 0


def _empty(address: str) -> None:
    from tests.surveys import empty_graph

    empty_graph(address)


if __name__ == "__main__":
    sys.exit(main())
