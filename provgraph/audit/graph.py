"""Whether the graph is what the log says was written, and whether every record in it says where it comes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from provgraph import names
from provgraph.audit.findings import ERROR, NOTE, WARNING, Finding, changed, gap
from provgraph.audit.log import ABORTED, COMMITTED, FOUND, HEADLESS, LOST, SHORTENED, TORN, WRITE, Log, Record
from provgraph.audit.writes import LABELS, counted, digest, pages
from provgraph.bulk import processes
from provgraph.graph import statements
from provgraph.graph.engine import KEYS, GraphEngine
from provgraph.schema.forms import Form
from provgraph.schema.meta import class_called

Progress = Callable[[float], None]
Edges = Counter[tuple[str, str, str]]  # relation, target, digest of the properties

# A list of identifiers, or the pairs of a relabelling, is put in by hand: no call makes its segment.
BY_HAND = ("source_list", "pairs")


class Logged:
    """What the log says is in the graph, read from its records."""

    def __init__(self) -> None:
        self.things: dict[str, tuple[str, str, list[str] | None]] = {}  # id -> kind, digest, keys that count
        self.edges: dict[str, Edges] = {}
        self.possible: set[str] = set()  # ids of writes of which nobody knows yet
        self.busy: set[str] = set()  # what gets edges by them
        self.aborted: set[str] = set()
        self.findings: list[Finding] = []
        self._open: dict[int, Record] = {}

    def read(self, log: Log) -> None:
        for record in log.records():
            kind = record["kind"]
            if kind == WRITE:
                self._open[record["_n"]] = record
            elif kind == COMMITTED:
                if record["intent"] in self._open:
                    self._take(self._open.pop(record["intent"]))
            elif kind == ABORTED:
                self.aborted.update(one[1] for one in self._open.pop(record["intent"], {}).get("ids", ()))
            elif kind == FOUND:
                self._take(record)
            elif kind in (SHORTENED, TORN, LOST, HEADLESS):
                self.findings.append(_found_before(record))
        for n, record in self._open.items():
            self.possible.update(one[1] for one in record["ids"])
            self.busy.update(edge[1] for edge in record["edges"])
            if processes.is_gone(record["process"]):
                why = "is not known yet; the next opening of the survey finds out"
                self.findings.append(
                    gap(WARNING, "write_open", f"What became of the write of record {n} {why}.", f"record {n}")
                )

    def _take(self, record: Mapping[str, Any]) -> None:
        for what, id_, _, after in record["ids"]:
            kind, _, class_name = what.partition(":")
            self.things[id_] = (what, after, record["keys"].get(class_name) if kind == "Entity" else None)
        fresh: dict[str, Edges] = {}
        for relation, source, target, properties in record["edges"]:
            fresh.setdefault(source, Counter())[relation, target, digest(properties)] += 1
        for source, edges in fresh.items():
            there = self.edges.setdefault(source, Counter())
            # What was found may have been written to the log meanwhile.
            self.edges[source] = there | edges if record["kind"] == FOUND else there + edges


def _found_before(record: Record) -> Finding:
    """What an earlier use of the log had to put right, and wrote down."""
    n, at = record["_n"], record["at"]
    if record["kind"] == TORN:
        half = (
            f"a record of {record['bytes']} bytes had been left half written by a process that ended before its write"
        )
        return gap(NOTE, "record_torn", f"At {at} {half}.", f"record {n}")
    if record["kind"] == LOST:
        said = f"At {at} the log was gone, and began anew with what was there then."
        return changed("log_missing", said, f"record {n}")
    if record["kind"] == HEADLESS:
        said = f"At {at} the file with what was last known to be there was gone or damaged."
        return gap(WARNING, "head_missing", said, f"record {n}")
    lost = f"{record['had']} records had been there, {n} were left"
    return changed("log_truncated", f"At {at} the log was shorter than before: {lost}.", f"record {n}")


def verify_graph(
    log: Log, engine: GraphEngine, progress: Progress | None = None
) -> tuple[dict[str, int], list[Finding]]:
    """How many records of each kind the graph has, and where it is not what was written, or says less than it must.

    Some processes may write meanwhile: what is missing is judged by the log before the graph was read, what is unknown by
    the log after.
    """
    written = Logged()
    written.read(log)
    findings = list(written.findings)
    there: dict[str, tuple[str, dict[str, Any], Edges]] = {}
    gaps = Gaps(engine)
    counts = dict.fromkeys(LABELS, 0)
    for label in LABELS:
        for nodes, edges in pages(engine, label):
            counts[label] += len(nodes)
            leaving: dict[str, Edges] = {i: Counter() for i in nodes}
            for e in edges:
                leaving[e["source"]][e["relation"], e["target"], digest(e["properties"])] += 1
            for id_, properties in nodes.items():
                expected = written.things.get(id_)
                what = label if label != "Entity" else f"Entity:{properties.get('class_name')}"
                if expected is None or _of(what, properties, expected[2]) != expected[1] \
                        or leaving[id_] != written.edges.get(id_, Counter()):  # fmt: skip
                    there[id_] = (what, properties, leaving[id_])  # to be looked at again
                elif expected is not None:
                    written.things[id_] = ("", "", None)  # seen, and right
            gaps.page(label, nodes, edges)
            if progress is not None and written.things:
                progress(min(1.0, sum(counts.values()) / len(written.things)))
    later = Logged()
    later.read(log)
    findings += [
        changed("record_gone", f"{_called(what)} {id_} was written, and is not in the graph.", id_)
        for id_, (what, *_) in written.things.items() if what and id_ not in there
    ]  # fmt: skip
    for id_, (what, properties, edges_there) in there.items():
        findings += _differs(id_, what, properties, edges_there, later)
    return counts, [*findings, *gaps.findings()]


def _of(what: str, properties: Mapping[str, Any], keys: list[str] | None) -> str:
    if not what.startswith("Entity"):
        return digest(properties)
    return digest(properties, counted(str(properties.get("class_name"))) if keys is None else keys)


def _differs(id_: str, what: str, properties: Mapping[str, Any], edges: Edges, log: Logged) -> Iterator[Finding]:
    expected = log.things.get(id_)
    if expected is None:
        if id_ not in log.possible:
            why = "the log says that it was not written after all" if id_ in log.aborted else "the log does not know it"
            yield changed("record_foreign", f"{_called(what)} {id_} is in the graph, but {why}.", id_)
        return
    if _of(what, properties, expected[2]) != expected[1]:
        yield changed("record_differs", f"{_called(what)} {id_} is not what was written.", id_)
    wanted = log.edges.get(id_, Counter())
    for (relation, target, _), n in (wanted - edges).items():
        yield changed(
            "edge_gone", f"{_called(what)} {id_}: its {relation} to {target} is gone or was changed ({n}).", id_
        )
    for (relation, target, _), n in (edges - wanted).items():
        if id_ not in log.busy:
            yield changed(
                "edge_foreign", f"{_called(what)} {id_}: the log does not know its {relation} to {target} ({n}).", id_
            )


def _called(what: str) -> str:
    return what.partition(":")[2] or what


class Gaps:
    """What the graph does not say, gathered while it is read."""

    def __init__(self, engine: GraphEngine) -> None:
        slots = {"label": "Agent", "key": KEYS["Agent"]}
        ids = [r["id"] for r in engine.read(statements.load("queries/recorded_ids", **slots))]
        rows = engine.read(statements.load("queries/recorded_nodes", **slots), ids=ids)
        self._software = {r["id"] for r in rows if r["properties"].get("kind") == "software"}
        self._agents = set(ids)
        # Roles that objects must have, by name and form of a class that is not ours: it may say another thing today.
        self._needed: dict[tuple[str, str], list[str]] = {}
        for row in engine.read(statements.load("queries/classes_recorded")):
            said = row["properties"]
            links = json.loads(said["declarations"])["links"].values()
            needed = [link["role"] for link in links if not link["optional"] and not link["list"]]
            self._needed[said["name"], Form("", said["digest"]).short] = needed
        self._not_made: dict[str, str] = {}  # id -> class
        self._by_hand: set[str] = set()
        self._found: list[Finding] = []

    def page(self, label: str, nodes: Mapping[str, Mapping[str, Any]], edges: list[dict[str, Any]]) -> None:
        leaving: dict[str, list[dict[str, Any]]] = {i: [] for i in nodes}
        for e in edges:
            leaving[e["source"]].append(e)
        for id_, properties in nodes.items():
            if label == "Entity":
                self._entity(id_, properties, leaving[id_])
            elif label == "Activity":
                self._activity(id_, properties, leaving[id_])
            elif label == "Note" and not any(e["relation"] == names.ABOUT for e in leaving[id_]):
                self._add(ERROR, "reference_broken", f"The statement {id_} is about nothing that is there.", id_)

    def _entity(self, id_: str, properties: Mapping[str, Any], edges: list[dict[str, Any]]) -> None:
        class_name = str(properties.get("class_name"))
        roles = {e["properties"].get("role") for e in edges if e["relation"] == names.WAS_DERIVED_FROM}
        self._by_hand.update(e["target"] for e in edges if e["properties"].get("role") in BY_HAND)
        made = any(e["relation"] == names.WAS_GENERATED_BY for e in edges)
        if class_name in ("Segment", "ExportedFile") and not made:
            self._not_made[id_] = class_name
        for role in self._roles(class_name, properties.get("class_form")):
            if role not in roles:
                self._add(ERROR, "reference_broken", f"{class_name} {id_} has lost its {role}.", id_)
        if properties.get("creator") not in self._agents:
            self._add(ERROR, "reference_broken", f"{class_name} {id_} was made by somebody who is not there.", id_)

    def _roles(self, class_name: str, form: str | None) -> Iterable[str]:
        if form is not None:
            return self._needed.get((class_name, form), ())
        links = getattr(class_called(class_name), "links", {}).values()
        return [link.role for link in links if not link.optional and not link.is_list]

    def _activity(self, id_: str, properties: Mapping[str, Any], edges: list[dict[str, Any]]) -> None:
        called = f"The call of {properties.get('class_name')}.{properties.get('method')} {id_}"
        agents = {e["target"] for e in edges if e["relation"] == names.WAS_ASSOCIATED_WITH}
        # A call inside another has the agents and the environment of that; one of a killed process says who ran no more.
        outermost = not any(e["relation"] == names.WAS_INFORMED_BY for e in edges)
        was_killed = "process" in properties and "agent" not in properties
        if outermost and not agents:
            severity = WARNING if was_killed else ERROR
            self._add(severity, "activity_without_agent", f"{called} names nobody who is responsible.", id_)
        plan = any(e["relation"] == names.HAD_PLAN for e in edges)
        environment = any(e["properties"].get("role") == names.ENVIRONMENT_ROLE for e in edges)
        if not plan and not agents & self._software:
            self._add(WARNING, "code_unknown", f"{called} does not say which code ran.", id_)
        elif outermost and not environment:
            self._add(WARNING, "environment_unknown", f"{called} does not say where it ran.", id_)

    def _add(self, severity: str, code: str, message: str, of: str) -> None:
        self._found.append(gap(severity, code, message, of))

    def findings(self) -> list[Finding]:
        for id_, class_name in self._not_made.items():
            if id_ not in self._by_hand:
                self._add(ERROR, "not_generated", f"No call says that it made the {class_name} {id_}.", id_)
        return self._found
