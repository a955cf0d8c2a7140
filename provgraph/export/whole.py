"""All that a survey recorded as one PROV document, read page by page: memory holds a page and the ids of records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from provgraph import names
from provgraph.export import native
from provgraph.export.redaction import NONE, Redacted, Redaction, Redactor, homes, policy
from provgraph.graph import walk
from provgraph.graph.evidence import NOTE, counted
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, Edge, Lineage, Node
from provgraph.graph.mapper import Mapper
from provgraph.prov.model import Document, Statement

PAGE: Final = 500
_LISTS: Final = {ENTITY: "entities", ACTIVITY: "activities", AGENT: "agents"}
_KEYS: Final = {
    ENTITY: ("Entity", "object_id"), ACTIVITY: ("Activity", "activity_id"), AGENT: ("Agent", "agent_id"),
    NOTE: ("Note", "note_id"),
}  # fmt: skip


class Whole:
    """The records of a survey as statements. redacted : what was taken out, when all parts were gone through."""

    def __init__(self, mapper: Mapper, redact: Redaction | str | Path | None = None) -> None:
        self.mapper = mapper
        self.policy = policy(NONE if redact is None else redact)
        self.redacted = Redacted(self.policy.name)
        self.ids = {kind: self._ids(kind) for kind in _KEYS}
        self.known = {kind: frozenset(self.ids[kind]) for kind in (ENTITY, ACTIVITY, AGENT)}

    def _ids(self, kind: str) -> list[str]:
        label, key = _KEYS[kind]
        rows = self.mapper.read("recorded_ids", {"label": label, "key": key})
        return [row["id"] for row in rows]

    def header(self) -> Document:
        """The document without its statements."""
        return native.empty()

    def parts(self) -> Iterator[list[Statement]]:
        """Its statements, some at a time. Each usage and each generation has an identifier, so that derivations can name it."""
        persons = [n for page in self._pages(AGENT) for n in self._nodes(AGENT, page)]
        users = {u for kind in _KEYS for page in self._pages(kind) for u in homes(self._nodes(kind, page))} if (
            self.policy.needs_users
        ) else set()  # fmt: skip
        redactor = Redactor(self.policy, persons, users)
        software = {n.id for n in persons if n.properties.get("kind") == "software"}
        written = _Names()
        for kind in _KEYS:
            for page in self._pages(kind):
                yield self._part(kind, page, redactor, software, written)
        self.redacted = redactor.said()
        if self.redacted.counts:
            doc = native.empty()
            native.redaction(doc, (), self.redacted)
            yield doc.statements

    def _pages(self, kind: str) -> Iterator[list[str]]:
        ids = self.ids[kind]
        return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))

    def _nodes(self, kind: str, ids: Sequence[str]) -> list[Node]:
        if kind == NOTE:
            label, key = _KEYS[NOTE]
            rows = self.mapper.read("recorded_nodes", {"label": label, "key": key}, ids=list(ids))
            found = [
                Node(r["id"], NOTE, "Note", str(r["properties"]["kind"]), {**r["properties"], "class_name": "Note"})
                for r in rows
            ]
        else:
            lists: dict[str, Sequence[str]] = {"entities": [], "activities": [], "agents": []}
            rows = list(self.mapper.read("walk_nodes", None, **{**lists, _LISTS[kind]: list(ids)}))
            said: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
            for row in rows:
                if row["what"] == "note":
                    said[row["id"]].append(row["properties"])
            found = [walk.node_of(row, said[row["id"]]) for row in rows if row["what"] != "note"]
        seen = {id(p) for p in self.mapper.policy.visible(self.mapper.context, [n.properties for n in found])}
        return sorted((n for n in found if id(n.properties) in seen), key=lambda n: n.id)

    def _edges(self, kind: str, ids: Iterable[str]) -> list[Edge]:
        """The edges that leave these records, in the same order each time."""
        if kind == NOTE:
            label, key = _KEYS[NOTE]
            rows = self.mapper.read("recorded_edges", {"label": label, "key": key}, ids=list(ids))
        else:
            lists: dict[str, Sequence[str]] = {"entities": [], "activities": [], "agents": []}
            rows = self.mapper.read("walk_up", None, **{**lists, _LISTS[kind]: list(ids)})
        found = [
            Edge(r["source"], r["target"], r["relation"], r["properties"]) for r in rows if self._is_record(r["target"])
        ]
        return sorted(found, key=lambda e: (e.source, e.relation, str(e.properties.get("role", "")),
                                            e.properties.get("index", 0), e.target))  # fmt: skip

    def _is_record(self, id: str | None) -> bool:
        return any(id in known for known in self.known.values())

    def _part(
        self, kind: str, ids: Sequence[str], redactor: Redactor, software: set[str], written: _Names
    ) -> list[Statement]:
        nodes = self._nodes(kind, ids)
        there = {n.id for n in nodes}
        edges = [e for e in self._edges(kind, ids) if e.source in there]
        planned: set[str] = set()
        around: list[Edge] = []
        if kind == ENTITY:
            nodes = counted(self.mapper, nodes)
            planned = {row["id"] for row in self.mapper.read("plans_among", ids=list(ids))}
            calls = sorted({e.target for e in edges if e.relation == names.WAS_GENERATED_BY})
            around = [e for e in self._edges(ACTIVITY, calls) if e.relation == names.USED]
        shown = Lineage((), tuple(nodes), tuple(edges), True, 0, 0, 0.0)
        cleaned = redactor.lineage(shown)
        more = [redactor.edge(e) for e in around]
        identities = {str(n.properties.get("identity") or "") for n in nodes}
        doc = native.part(cleaned, more, planned, software, identities & self.known[ENTITY], written.seen)
        return doc.statements


class _Names:
    """Usages that are written because an input must have been used, by their names: each stands once."""

    def __init__(self) -> None:
        self.found: set[int] = set()

    def seen(self, iri: str) -> bool:
        """Whether it was asked for before."""
        key = hash(iri)
        if key in self.found:
            return True
        self.found.add(key)
        return False
