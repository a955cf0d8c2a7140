"""A process that is killed between log and graph, at any place: the next start finds out, and log and graph agree."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.audit import writes
from provgraph.audit.log import RECORDS, lines
from provgraph.graph import statements
from provgraph.graph.dialect import DIALECTS
from provgraph.graph.engine import GraphEngine
from provgraph.graph.statements import Statement
from tests.surveys import address, galaxies, write_fits  # noqa: F401

# Writes statements until it is killed, by itself at a place or from outside; says each that was acknowledged.
WRITER = """
import os, signal, sys
import provgraph
from provgraph.audit import log, writes
directory, address, place = sys.argv[1:]
survey = provgraph.open(directory, graph=address)
one = survey["A"]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name):
    def patch():
        setattr(owner, name, die)
    return patch

def after(owner, name):
    def patch():
        plain = getattr(owner, name)
        def then(*given, **more):
            plain(*given, **more)
            die()
        setattr(owner, name, then)
    return patch

def half():
    plain = os.write
    def write(descriptor, data):
        if descriptor == survey.audit.log._files[log.RECORDS]:
            plain(descriptor, bytes(data)[: len(data) // 2])
            die()
        return plain(descriptor, data)
    os.write = write

PLACES = {
    "before the log": before(writes.Entry, "intend"),
    "in the middle of a record": half,
    "before it is durable": before(log.Log, "sync"),
    "before the commit": after(writes.Entry, "intend"),
    "after the commit": before(writes.Writes, "_say"),
    "before it is acknowledged": after(writes.Writes, "_say"),
    "outside": lambda: None,
}
for i in range(10_000):
    if i == 3:
        PLACES[place]()
    survey.annotate(one, tags=[str(i)])
    print(i, flush=True)
"""
# Whether the fourth statement is in the graph afterwards, and what the log says of it.
PLACES = {
    "before the log": (False, []),
    "in the middle of a record": (False, ["torn"]),
    "before it is durable": (False, ["write", "aborted"]),
    "before the commit": (False, ["write", "aborted"]),
    "after the commit": (True, ["write", "committed"]),
    "before it is acknowledged": (True, ["write", "committed"]),
}


def _begin(tmp_path: Path, address: str) -> Path:
    directory = tmp_path / "survey"
    with provgraph.open(directory, graph=address) as survey:
        survey.ingest(write_fits(tmp_path / "a.fits", galaxies(50), {}), name="A", id="id")
    return directory


def _writer(directory: Path, address: str, place: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), address, place], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def _tags(survey: Any) -> list[str]:
    rows = survey.mapper.read("notes_about", ids=[survey["A"].object_id])
    return [row["value"] for row in rows if row["kind"] == "tag"]


def _agree(survey: Any) -> None:
    assert not survey.audit.log.open
    report = survey.audit.verify()
    assert [f for f in report.findings if f.severity != "note"] == []
    written = {r["_n"] for r in survey.audit.records() if r["kind"] == "write"}
    settled = [r["intent"] for r in survey.audit.records() if r["kind"] in ("committed", "aborted")]
    assert sorted(settled) == sorted(written)  # each once


@pytest.mark.slow
def test_killed_at_each_place(tmp_path: Path, address: str) -> None:
    directory = _begin(tmp_path, address)
    for place, (there, said) in PLACES.items():
        with provgraph.open(directory, graph=address) as survey:
            before, known = len(_tags(survey)), sum(1 for _ in survey.audit.records())
        process = _writer(directory, address, place)
        out, err = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, err
        assert out.split() == ["0", "1", "2"], place
        with provgraph.open(directory, graph=address) as survey:
            assert len(_tags(survey)) - before == (4 if there else 3), place
            kinds = [r["kind"] for r in survey.audit.records()][known:]
            assert kinds == ["write", "committed"] * 3 + said, place
            _agree(survey)


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, address: str) -> None:
    directory = _begin(tmp_path, address)
    chosen, acknowledged = random.Random(8), 0
    for _ in range(8):
        process = _writer(directory, address, "outside")
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        time.sleep(chosen.uniform(0, 0.1))
        process.kill()
        acknowledged += 1 + len(process.stdout.read().split())
        process.communicate()
        with provgraph.open(directory, graph=address) as survey:
            assert len(_tags(survey)) >= acknowledged  # what was acknowledged is there; one more may be
            acknowledged = len(_tags(survey))
            _agree(survey)
    with provgraph.open(directory, graph=address) as survey:
        assert sum(1 for _ in survey.audit.records()) == len(list(lines(directory / "audit" / RECORDS)))


def test_two_processes_at_once(tmp_path: Path, address: str) -> None:
    directory = _begin(tmp_path, address)
    with provgraph.open(directory, graph=address) as survey:
        process = _writer(directory, address, "outside")
        assert process.stdout is not None
        for i in range(20):
            survey.annotate("A", tags=[f"here {i}"])
            assert process.stdout.readline() == f"{i}\n"
        with provgraph.open(directory, graph=address) as again:  # a living process's writes are its own
            assert [f for f in again.audit.verify().findings if f.severity != "note"] == []
        process.kill()
        process.communicate()
        survey.audit.begin()
        assert len([t for t in _tags(survey) if t.startswith("here")]) == 20
        _agree(survey)


def test_a_load_whose_end_is_under_way_is_there(engine: GraphEngine) -> None:
    """A killed process may have asked for it, and the server does it after the next start looks."""
    record = {"ids": [["Entity:Frame", "loaded", "", "digest"]], "edges": []}
    begin, end = statements.load("load/begin"), statements.load("load/end")
    engine.write(lambda run: run(begin, import_id="load", started="2026-11-22T08:00:00Z"))
    make = Statement("make", ("CREATE (:Entity {object_id: 'loaded', import_id: 'load'})",))
    engine.write(lambda run: run(make))
    assert not writes.is_there(engine, record)
    assert [nodes for nodes, _ in writes.pages(engine, "Entity")] == [{}]
    asked = threading.Event()

    def ending() -> None:
        def work(run: Any) -> None:
            run(end, import_id="load")
            asked.set()
            time.sleep(1)

        engine.write(work)

    thread = threading.Thread(target=ending)
    thread.start()
    asked.wait()
    assert writes.is_there(engine, record)
    thread.join()
    assert [list(nodes) for nodes, _ in writes.pages(engine, "Entity")] == [["loaded"]]


def test_a_document_that_is_just_being_committed_is_there(engine: GraphEngine) -> None:
    """Its id is unique, and whoever looks for it waits for that."""
    dialect = DIALECTS[engine.name]
    for name in (*dialect.documents, *dialect.ready):
        engine.write(lambda run: run(statements.load(name)))  # noqa: B023
    record = {"ids": [["ProvDocument", "document", "", "digest"]], "edges": []}
    assert not writes.is_there(engine, record)
    make = statements.load("prov/create_document")
    made = threading.Event()

    def committing() -> None:
        def work(run: Any) -> None:
            run(make, id="document", properties={"digest": "sha256:00"}, bundles=[])
            made.set()
            time.sleep(1)

        engine.write(work)

    thread = threading.Thread(target=committing)
    thread.start()
    made.wait()
    assert writes.is_there(engine, record)
    thread.join()
