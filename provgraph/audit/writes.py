"""Writes of records, in two steps: what will be written goes to the log, then into the graph, then the log says that it is there.

A process that is killed in between leaves an open write; the next start looks whether the graph has it, and says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from hashlib import sha256
from typing import Any

from provgraph.audit.log import ABORTED, BEGAN, BEGUN, COMMITTED, FOUND, HEADLESS, LOST, WRITE, Log, Record
from provgraph.bulk import processes
from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.engine import KEYS, GraphEngine
from provgraph.graph.loading import chunks
from provgraph.graph.mapper import Written
from provgraph.policy import Context
from provgraph.schema import keys
from provgraph.schema.agents import RELATIONS
from provgraph.schema.meta import registry

REQUEST: ContextVar[str] = ContextVar("provgraph_request", default="")
"""What the writes of this thread or task are made for: the command, or the id of a request to the service."""

# What every entity has beside its descriptors; the rest of a node is index, and may be rebuilt.
HEADER = (
    "object_id", "identity", "version", "class_name", "class_version", "class_form", "lineage_key", "repeat", "created", "creator",
    "project",
)  # fmt: skip
FILES = ("DataFile", "ExportedFile", "StoredFile")
LABELS = ("Entity", "Activity", "Note", "ProvDocument")
statements.declare("ProvDocument", "document_id")
AT_ONCE = 500

_in_flight: set[tuple[str, int]] = set()  # of this process: path of the log, number of the write
_taking_off = threading.Lock()


def digest(properties: Mapping[str, Any], only: Sequence[str] | None = None) -> str:
    """Of a record: the same whichever engine gives it back. only : the keys that count, all unless said."""
    counted = properties if only is None else {k: properties.get(k) for k in only}
    plain = {k: _plain(v) for k, v in counted.items() if v is not None and v not in ([], ()) and k != "import_id"}
    return sha256(keys.canonical_json(plain).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return f"float {value.hex()}"  # exact, also what JSON has no word for
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def counted(class_name: str) -> list[str]:
    """Keys of an entity's record: what it declares, and what all have."""
    return sorted({*HEADER, *getattr(registry.get(class_name), "persistents", ())})


@lru_cache(maxsize=1)
def _mark_of(pid: int) -> str:
    return processes.mark()


def _mark() -> str:
    """This process; the system is asked once, and again after a fork."""
    return _mark_of(os.getpid())


def who(context: Context) -> dict[str, str]:
    agent = context.agent
    return {"id": agent.agent_id, "kind": agent.kind, "name": agent.name}


def as_record(written: Written) -> Record:
    """What is about to be written, with the digest of each thing before (nothing) and after."""
    only = {c: counted(c) for c in {p["class_name"] for p in written.entities}}
    ids = [
        [f"Entity:{p['class_name']}", p["object_id"], "", digest(p, only[p["class_name"]])] for p in written.entities
    ]
    ids += [["Activity", p["activity_id"], "", digest(p)] for p in written.activities]
    ids += [["Note", i, "", digest(p)] for i, p in {p["note_id"]: p for p in written.notes}.items()]
    edges = [[*ends, dict(p)] for ends, p in zip(written.edges, written.edge_properties, strict=True)]
    return {
        "kind": WRITE, "agent": who(written.context), "project": written.context.project, "request": REQUEST.get(),
        "process": _mark(), "what": _what(written), "ids": ids,
        "edges": [e for e in edges if e[0] in RECORDED],
        "keys": only, "stored": _stored(written),
    }  # fmt: skip


def as_import(context: Context, document: Mapping[str, Any]) -> Record:
    """The import of a PROV document, for `Entry.add`; its bytes are kept under their digest, which speaks for its statements."""
    file = {"what": "file", "name": document["name"], "digest": document["digest"]}
    return {
        "kind": WRITE, "agent": who(context), "project": context.project, "request": REQUEST.get(), "process": _mark(),
        "what": ["document imported", "file stored"], "edges": [], "keys": {}, "stored": [file],
        "ids": [["ProvDocument", document["document_id"], "", digest(document)]],
    }  # fmt: skip


# Edges that are records; those of the index, which attribute is called how for one, may be rebuilt.
RECORDED = frozenset(r for r, _ in RELATIONS) - {"INTRODUCES", "PROVIDES", "READS", "SUBSET_OF", "DISJOINT_FROM"}


def _what(written: Written) -> list[str]:
    found = ["graph write"]
    stored = {one["what"] for one in _stored(written)}
    found += [f"{kind} stored" for kind in ("segment", "file") if kind in stored]
    for note in written.notes:
        if note["kind"] == "validity":
            found.append("invalidation" if note["value"] == "invalid" else "validation")
        elif note["kind"] == "bytes_dropped":
            found.append("bytes dropped")
    return list(dict.fromkeys(found))


def _stored(written: Written) -> list[dict[str, str]]:
    """Files of ours that these records speak for."""
    found = []
    for p in written.entities:
        if p["class_name"] == "Segment":
            found.append({"what": "segment", "name": p["file"], "digest": p["digest"]})
        elif p["class_name"] == "AttributeCalculatorDefinition" and p.get("model"):
            found.append({"what": "file", "name": p["name"], "digest": p["model"]})
        elif p["class_name"] in FILES:
            found.append({"what": "file", "name": p["name"], "digest": p["digest"]})
    return found


class Writes:
    """What the mapper tells before and after each of its transactions."""

    def __init__(self, log: Log, engine: GraphEngine) -> None:
        self.log = log
        self.engine = engine

    @contextmanager
    def entry(self) -> Iterator[Entry]:
        """One write; whatever ends it, the log gets to know what became of it, or the next start finds out."""
        self.mend(others=False)
        entry = Entry(self)
        try:
            yield entry
        except Exception:
            for n in entry.made:
                with suppress(ProvgraphError):  # the graph does not answer: the write stays open
                    self._settle(n)
            raise
        else:
            *again, last = entry.made or [-1]
            for n in again:  # the engine had to run it again: what went before was rolled back, or is found
                same = self._ids(n) & self._ids(last)
                self._say(n, ABORTED) if same else self._settle(n)
            if last >= 0:
                self._say(last, COMMITTED)
        finally:
            _in_flight.difference_update((str(self.log.path), n) for n in entry.made)

    def mend(self, *, others: bool = True) -> list[tuple[int, str]]:
        """Find out what became of writes that nobody is at any more; their numbers, and what became of them.

        others : also of those of processes that have ended, not only of calls of this one that were interrupted.
        """
        if others:
            self.log.catch_up()
        with _taking_off:
            left = {n: r["process"] for n, r in self.log.open.items() if (str(self.log.path), n) not in _in_flight}
        if not left:
            return []
        mark = _mark()
        given_up = [n for n, process in left.items() if process == mark or (others and processes.is_gone(process))]
        return [(n, self._settle(n, mended=True)) for n in given_up]

    def begin(self) -> None:
        """Make the log ready: the state that is there already is written down, and what a kill left open is mended.

        The graph knows since when there is a log; where that is gone, or what was last known of it, the log says so.
        """
        # Asked first: what is marked had its log and its head on the disk before.
        is_marked = any(r["properties"].get("log_begun") for r in self.engine.read(statements.load("schema/log_begun")))
        self.log.catch_up()
        if is_marked and self.log.is_headless:
            self.log.append({"kind": HEADLESS})
        if not self.log.begun:
            if is_marked and not self.log.tells_loss:
                self.log.append({"kind": LOST})
            self.log.append({"kind": BEGAN, "survey": self.log.survey_id, "format": 1})
            things = 0
            for record in found(self.engine):
                things += len(record["ids"])
                self.log.append({"kind": FOUND, **record})
            self.log.append({"kind": BEGUN, "things": things})
            self.log.sync()
        elif self.mend() or self.log.is_headless:
            self.log.sync()
        if not is_marked:
            self.log.sync()
            self.engine.write(lambda run: run(statements.load("schema/mark_log_begun"), at=keys.now()))

    def _ids(self, n: int) -> set[str]:
        return {one[1] for one in self.log.open.get(n, {}).get("ids", ())}

    def _settle(self, n: int, *, mended: bool = False) -> str:
        record = self.log.open.get(n)
        if record is None:
            return ""
        outcome = COMMITTED if is_there(self.engine, record) else ABORTED
        self._say(n, outcome, **({"mended": True} if mended else {}))
        return outcome

    def _say(self, n: int, outcome: str, **more: Any) -> None:
        self.log.append({"kind": outcome, "intent": n, **more}, when=lambda: n in self.log.open)


class Entry:
    """One write of the mapper. made : numbers of its records, several where the engine ran it several times."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes
        self.made: list[int] = []

    def intend(self, written: Written) -> None:
        """Say what is about to be committed; on return it survives a power cut. A write of nothing is none."""
        record = as_record(written)
        if record["ids"] or record["edges"]:
            self.add(record)

    def add(self, record: Mapping[str, Any]) -> None:
        """The same for what is not written by the mapper; `as_record` shows what a record has."""
        log = self._writes.log
        with _taking_off:
            n = log.append(record)
            _in_flight.add((str(log.path), n))
        self.made.append(n)
        log.sync()


def is_there(engine: GraphEngine, record: Mapping[str, Any]) -> bool:
    """Whether the graph has what a write was to write: all of it or nothing, so that one thing tells."""
    if record["ids"]:
        what, id_, *_ = record["ids"][0]
        label = what.partition(":")[0]
        slots = {"label": label, "key": KEYS[label]}
        # A transaction of a killed process may still be open on a server. To make the same node waits until it has ended.
        with suppress(ProvgraphError):
            merge = statements.load("queries/merge_nodes", **slots)
            engine.scratch(lambda run: run(merge, rows=[{"key": id_, "properties": {}}]))
        rows = engine.read(statements.load("queries/recorded_nodes", **slots), ids=[id_])
        for row in rows:
            if import_id := row["properties"].get("import_id"):
                _hold(engine, import_id)
        unfinished = _unfinished(engine)
        return any(r["properties"].get("import_id") not in unfinished for r in rows)
    relation, source, target, properties = record["edges"][0]
    label = RELATIONS[relation, ""].source[0]
    rows = engine.read(statements.load("queries/recorded_edges", label=label, key=KEYS[label]), ids=[source])
    return any((r["relation"], r["target"], r["properties"]) == (relation, target, properties) for r in rows)


def found(engine: GraphEngine) -> Iterator[Record]:
    """What a graph holds, as records of the log: of all entities, activities and notes."""
    for label in LABELS:
        for nodes, edges in pages(engine, label):
            classes = {p["class_name"] for p in nodes.values()} if label == "Entity" else set()
            yield {
                "ids": [
                    [label if label != "Entity" else f"Entity:{p['class_name']}", i, "",
                     digest(p, counted(p["class_name"]) if label == "Entity" else None)]
                    for i, p in nodes.items()
                ],
                "edges": [[r["relation"], r["source"], r["target"], r["properties"]] for r in edges],
                "keys": {c: counted(c) for c in classes},
            }  # fmt: skip


def pages(engine: GraphEngine, label: str) -> Iterator[tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]]:
    """All nodes of a label, some at a time: their properties by id, and the edges that leave them and are records.

    Without those of loads that have not ended: a server keeps what a killed one left until it is too old to be under way.
    """
    slots = {"label": label, "key": KEYS[label]}
    ids = [row["id"] for row in engine.read(statements.load("queries/recorded_ids", **slots))]
    for some in chunks(ids, AT_ONCE):
        nodes = engine.read(statements.load("queries/recorded_nodes", **slots), ids=some)
        edges = engine.read(statements.load("queries/recorded_edges", **slots), ids=some)
        loading = _unfinished(engine) if any("import_id" in row["properties"] for row in nodes) else frozenset()
        there = {row["id"]: row["properties"] for row in nodes if row["properties"].get("import_id") not in loading}
        yield there, [edge for edge in edges if edge["source"] in there]


def _hold(engine: GraphEngine, import_id: str) -> None:
    """The end of a load may be under way, too."""
    with suppress(ProvgraphError):
        engine.scratch(lambda run: run(statements.load("load/hold"), import_id=import_id))


def _unfinished(engine: GraphEngine) -> frozenset[str]:
    return frozenset(r["import_id"] for r in engine.read(statements.load("load/unfinished")))
