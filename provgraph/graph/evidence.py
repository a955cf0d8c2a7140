"""Everything that is recorded around a lineage: calls inside its calls, dated statements, agents, numbers of sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from provgraph import names
from provgraph.errors import InvalidInput
from provgraph.graph import statements
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, Edge, Lineage, Node, label_of
from provgraph.graph.mapper import Mapper

NOTE: Final = "note"
"""The kind of a node that is a dated statement; its edges are ``ABOUT`` and ``WAS_ATTRIBUTED_TO``."""
SELF: Final = "self"
"""The role of the object that a method was called on."""
_AT_ONCE: Final = 5000
_LABELS: Final = {ENTITY: ("Entity", "object_id"), ACTIVITY: ("Activity", "activity_id"), AGENT: ("Agent", "agent_id")}
_OF_CALLS: Final = frozenset({
    names.USED, names.HAD_PLAN, names.WAS_ASSOCIATED_WITH, names.WAS_INFORMED_BY, names.WAS_GENERATED_BY,
})  # fmt: skip


def with_records(mapper: Mapper, lineage: Lineage, *, limit: int, calls: bool = True, as_of: str = "") -> Lineage:
    """A lineage with all that is recorded of it: calls that constructed its objects, calls inside calls, dated statements.

    Collections whose sources are counted have ``n_sources``. What is added stands behind what was there, in the order of ids.
    calls : False adds none. as_of : only what had been said then.

    Raises
    ------
    InvalidInput : ``lineage_truncated`` where that is more than `limit` nodes.
    """
    found = _Records(mapper, lineage, limit)
    if calls:
        found.calls()
    found.counts()
    found.notes(as_of)
    return found.answer()


class _Records:
    def __init__(self, mapper: Mapper, lineage: Lineage, limit: int) -> None:
        self.mapper, self.lineage, self.limit = mapper, lineage, limit
        self.nodes: dict[str, Node] = {n.id: n for n in lineage.nodes}
        self.added: dict[str, Node] = {}
        self.edges: list[Edge] = []

    def of(self, kind: str) -> list[str]:
        return sorted(n.id for n in self.nodes.values() if n.kind == kind)

    def read(
        self, query: str, values: Sequence[str], *, parameter: str = "ids", **slots: str
    ) -> Iterator[dict[str, Any]]:
        for start in range(0, len(values), _AT_ONCE):
            yield from self.mapper.read(query, slots, **{parameter: list(values[start : start + _AT_ONCE])})

    def take(self, kind: str, id: str, properties: Mapping[str, Any], labels: Iterable[str] = ()) -> None:
        class_name = str(properties.get("class_name") or properties.get("kind", ""))
        node = Node(id, kind, class_name, label_of(class_name, properties), properties, tuple(labels))
        self.nodes[id] = self.added[id] = node
        if len(self.nodes) > self.limit:
            raise InvalidInput(f"The lineage has more than {self.limit:,} nodes with its calls and statements; raise limit=.",
                               code="lineage_truncated", limit=self.limit)  # fmt: skip

    def calls(self) -> None:
        """The calls, and what is at the other end of their edges."""
        constructions = {row["activity"] for row in self.read("constructions_of", self.of(ENTITY))}
        self.records(ACTIVITY, sorted(constructions - set(self.nodes)))
        level = self.of(ACTIVITY)
        while level:
            inside = sorted({
                r["activity"]["activity_id"]: r["activity"] for r in self.read("calls_inside", level)
                if r["activity"]["activity_id"] not in self.nodes
            }.items())  # fmt: skip
            for id, properties in inside:
                self.take(ACTIVITY, id, properties)
            level = [id for id, _ in inside]
        shown = [n.id for n in self.lineage.nodes if n.kind == ACTIVITY]
        edges = [
            e for e in self.leaving(ACTIVITY, shown) if e.relation == names.HAD_PLAN
        ]  # also of calls that are effects
        fresh = [n.id for n in self.added.values()]
        while fresh:  # and the calls that those were made in
            leaving = self.leaving(ACTIVITY, fresh)
            edges += leaving
            fresh = sorted({e.target for e in leaving if e.relation == names.WAS_INFORMED_BY} - set(self.nodes))
            self.records(ACTIVITY, fresh)
        # Objects that were constructed in one call with others are no part of this.
        ends = {e.target: e.relation for e in edges if e.target not in self.nodes and e.properties.get("role") != SELF}
        self.records(AGENT, sorted(id for id, r in ends.items() if r == names.WAS_ASSOCIATED_WITH))
        self.records(ENTITY, sorted(id for id, r in ends.items() if r in {names.USED, names.HAD_PLAN}))
        self.edges += edges
        self.edges += self.leaving(ENTITY, [n.id for n in self.added.values() if n.kind == ENTITY])
        self.records(
            AGENT, sorted({e.target for e in self.edges if e.relation == names.WAS_ATTRIBUTED_TO} - set(self.nodes))
        )

    def records(self, kind: str, ids: Sequence[str]) -> None:
        label, key = _LABELS[kind]
        labels = {r["id"]: r["labels"] for r in self.read("labels_by_id", ids)} if kind == ENTITY else {}
        for row in self.read("recorded_nodes", ids, label=label, key=key):
            self.take(kind, row["id"], row["properties"], labels.get(row["id"], ()))

    def leaving(self, kind: str, ids: Sequence[str]) -> list[Edge]:
        label, key = _LABELS[kind]
        statement = statements.load("queries/recorded_edges", label=label, key=key)
        wanted = _OF_CALLS if kind == ACTIVITY else {names.WAS_ATTRIBUTED_TO, names.WAS_DERIVED_FROM}
        rows = [
            row for start in range(0, len(ids), _AT_ONCE)
            for row in self.mapper.engine.read(statement, ids=sorted(ids)[start : start + _AT_ONCE])
        ]  # fmt: skip
        return [Edge(r["source"], r["target"], r["relation"], r["properties"]) for r in rows if r["relation"] in wanted]

    def counts(self) -> None:
        self.nodes = {n.id: n for n in counted(self.mapper, list(self.nodes.values()))}

    def notes(self, as_of: str) -> None:
        rows = self.read("notes_recorded", self.of(ENTITY))
        said = [row for row in rows if not as_of or row["properties"]["recorded"] <= as_of]
        agents = sorted({r["agent"] for r in said if r["agent"]} - set(self.nodes))
        self.records(AGENT, agents)
        for row in said:
            id = row["properties"]["note_id"]
            properties = {**row["properties"], "class_name": "Note"}
            if id not in self.nodes:
                self.take(NOTE, id, properties)
                self.nodes[id] = self.added[id] = replace(self.added[id], label=str(properties["kind"]))
                if row["agent"]:
                    self.edges.append(Edge(id, row["agent"], names.WAS_ATTRIBUTED_TO, {}))
            self.edges.append(Edge(id, row["about"], names.ABOUT, {}))

    def answer(self) -> Lineage:
        rank = {ENTITY: 0, ACTIVITY: 1, AGENT: 2, NOTE: 3}
        behind = sorted(self.added, key=lambda id: (rank[self.added[id].kind], id))
        nodes = [self.nodes[n.id] for n in self.lineage.nodes] + [self.nodes[id] for id in behind]
        index = {n.id: i for i, n in enumerate(nodes)}
        known = {_key(e) for e in self.lineage.edges}
        more = {k: e for e in self.edges if e.source in index and e.target in index and (k := _key(e)) not in known}
        edges = sorted(more.values(), key=lambda e: (index[e.source], e.relation, str(e.properties.get("role", "")),
                                                     e.properties.get("index", 0), index[e.target]))  # fmt: skip
        return replace(self.lineage, nodes=tuple(nodes), edges=(*self.lineage.edges, *edges))


def counted(mapper: Mapper, nodes: Sequence[Node]) -> list[Node]:
    """These nodes; collections whose sources are counted have ``n_sources``."""
    sets = sorted({str(s) for n in nodes if "SourceCollection" in n.labels and (s := n.properties.get("source_set"))})
    found: dict[str, Any] = {}
    for start in range(0, len(sets), _AT_ONCE):
        rows = mapper.read("sources_counted", keys=sets[start : start + _AT_ONCE])
        found |= {r["key"]: r["n"] for r in rows if r["n"] is not None}
    return [
        replace(n, properties={**n.properties, "n_sources": found[n.properties["source_set"]]})
        if "SourceCollection" in n.labels and n.properties.get("source_set") in found else n
        for n in nodes
    ]  # fmt: skip


def _key(edge: Edge) -> str:
    return repr((edge.source, edge.target, edge.relation, sorted(edge.properties.items())))
