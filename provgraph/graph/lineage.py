"""Lineage: what something came from and what came from it, in a bounded number of statements."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from provgraph import names
from provgraph.errors import InvalidInput, NotFound
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine, Row

#: From a collection to the segments that hold its stored columns; not an edge of the graph, exported as wasInfluencedBy.
WAS_INFLUENCED_BY: Final = "WAS_INFLUENCED_BY"
ENTITY, ACTIVITY, AGENT = "entity", "activity", "agent"
LEVELS: Final = 5  # hops that one statement of cypher/queries/lineage_up.cypher and lineage_down.cypher takes
DEEPEST: Final = 1000
MOST: Final = 100_000
_CALLS: Final = 8  # how far calls are followed to the calls they were made in, and agents to whom they acted for
_RANK: Final = {ENTITY: 0, ACTIVITY: 1, AGENT: 2}


@dataclass(frozen=True)
class Node:
    """An entity, activity or agent as it is recorded; `label` is its newest name, or what says best which one it is."""

    id: str
    kind: str
    class_name: str
    label: str
    properties: Mapping[str, Any]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """One relation, from effect to cause; properties are role, index, time where the relation has them."""

    source: str
    target: str
    relation: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Lineage:
    """Part of the graph around `roots`.

    nodes : nearest first, then by kind and id: the same graph gives the same order. roots come first.
    complete : nothing that was asked for is left out. What lies beyond the depth was not asked for.
    truncated : nodes left out because of the limit; those behind them were not looked at and are not counted.
    statements, seconds : what it cost.
    levels : how far each node is from the nearest root. ended_by : ``limit`` or ``seconds`` where that ended it, else ''.
    """

    roots: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    complete: bool
    truncated: int
    statements: int
    seconds: float
    levels: Mapping[str, int] = field(default_factory=dict)
    ended_by: str = ""

    def page(self, first: int, after: str = "") -> tuple[tuple[Node, ...], str]:
        """So many nodes behind the one of id `after`, in the order of all; and the id to go on behind, '' at the end."""
        start = 0
        if after:
            self.node(after)
            start = [n.id for n in self.nodes].index(after) + 1
        nodes = self.nodes[start : start + first]
        return nodes, nodes[-1].id if nodes and start + first < len(self.nodes) else ""

    def node(self, id: str) -> Node:
        """The node of this id."""
        for node in self.nodes:
            if node.id == id:
                return node
        raise NotFound(f"{id} is not in this lineage of {len(self.nodes)} nodes.", id=id)


def traverse(engine: GraphEngine, roots: Sequence[str], *, up: int = 1, down: int = 0, limit: int = 1000) -> Lineage:
    """The lineage of entities, by their ids.

    Depth counts hops between entities: a derivation is one, and so is a generation together with a usage. With an entity
    above which `up` goes on come the segments that hold its stored columns, the calls that made it or them, and of a
    call its agents, its plan, its environment and the calls it was made in.

    Parameters
    ----------
    up, down : hops towards causes and towards effects, 0 to 1000.
    limit : most nodes; nearer ones are kept. No level is followed further than for this many entities.

    Takes one statement for five hops up, one for five hops down, and three more, however large the graph is.

    Raises
    ------
    NotFound : ``not_found`` for a root that is not there.
    InvalidInput : ``lineage_depth``, ``lineage_limit`` for numbers out of range.
    """
    began = time.perf_counter()
    _check(up, down, limit)
    roots = tuple(dict.fromkeys(roots))
    search = _Search(engine, roots, up, down, max(limit, len(roots)))
    nodes, edges, truncated = search.run()
    seconds = time.perf_counter() - began
    levels = {n.id: search.hops[n.id] for n in nodes}
    return Lineage(roots, nodes, edges, truncated == 0, truncated, search.statements, seconds, levels,
                   "limit" if truncated else "")  # fmt: skip


def _check(up: int, down: int, limit: int) -> None:
    for word, value in (("up", up), ("down", down)):
        if type(value) is not int or not 0 <= value <= DEEPEST:
            raise InvalidInput(f"The depth {word}={value!r} must be a whole number from 0 to {DEEPEST}.",
                               code="lineage_depth")  # fmt: skip
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise InvalidInput(
            f"The limit of {limit!r} nodes must be a whole number from 1 to {MOST:,}.", code="lineage_limit"
        )


class _Search:
    def __init__(self, engine: GraphEngine, roots: tuple[str, ...], up: int, down: int, limit: int) -> None:
        self.engine, self.roots, self.depth, self.limit = engine, roots, {"up": up, "down": down}, limit
        self.statements = 0
        self.cut = 0  # entities that a level had beyond the limit
        self.hops: dict[str, int] = {}  # node id to hops from the nearest root
        self.found: dict[str, Node] = {}
        self.edges: list[Edge] = []

    def read(self, statement: statements.Statement, **parameters: Any) -> list[Row]:
        self.statements += 1
        return self.engine.read(statement, **parameters)

    def run(self) -> tuple[tuple[Node, ...], tuple[Edge, ...], int]:
        reached = {d: self.levels(d) for d in ("up", "down")}
        nearest: dict[str, int] = {}
        for hops in reached.values():
            for entity, level in hops.items():
                nearest[entity] = min(level, nearest.get(entity, level))
        wanted = sorted(nearest, key=lambda e: (nearest[e], e))
        left_out = self.cut + max(0, len(wanted) - self.limit)
        self.hops = {e: nearest[e] for e in wanted[: self.limit]}
        # Those from which a direction goes on; what stands at the depth asked for is shown, what made it is not.
        inner = {d: [e for e, level in hops.items() if e in self.hops and level < self.depth[d]]
                 for d, hops in reached.items()}  # fmt: skip
        self.activities(self.entities(inner["up"], inner["down"]))
        return self.answer(left_out)

    def levels(self, direction: str) -> dict[str, int]:
        """Entities by hops in one direction, roots at 0."""
        depth = self.depth[direction]
        statement = statements.load(f"queries/lineage_{direction}")
        hops = dict.fromkeys(self.roots, 0)
        frontier, done = list(self.roots), 0
        while done < depth and frontier and len(hops) <= self.limit:  # those known are nearer than any other
            [row] = self.read(statement, ids=frontier, depth=min(depth - done, LEVELS), limit=self.limit)
            for k in range(1, LEVELS + 1):
                self.cut += max(0, row[f"c{k}"] - self.limit)
                frontier = []
                for entity in row[f"l{k}"]:
                    if entity not in hops:  # cycles and second ways end here
                        hops[entity] = done + k
                        frontier.append(entity)
            done += LEVELS
        return hops

    def entities(self, up: list[str], down: list[str]) -> dict[str, int]:
        """Read the entities, their segments and edges; the activities to show, by hops."""
        rows = self.read(statements.load("queries/lineage_entities"), ids=list(self.hops), down=down)
        above = set(up)
        collections = [r["source"] for r in rows if "SourceCollection" in r["labels"] and r["source"] in above]
        held = self.read(statements.load("queries/lineage_segments"), ids=collections) if collections else []
        for row in rows:
            if not row["users"]:
                self.node(row, ENTITY, max(row["names"], default=("", ""))[1])
        for row in held:
            if row["what"] == "SEGMENT":
                self.node(row, ENTITY)
        if missing := [r for r in self.roots if r not in self.found]:
            raise NotFound(f"There is no object {missing[0]} in this survey.", object_id=missing[0])
        self.edges += [Edge(row["source"], target, what, told) for row in rows for what, target, told in row["edges"]]
        self.edges += [Edge(r["source"], r["target"], r["what"], r["properties"]) for r in held
                       if r["what"] in names.RELATIONS and r["what"] != names.HOLDS]  # fmt: skip
        going_up = {*up, *self.influences([r for r in held if r["what"] == names.HOLDS], above)}
        ways = [(user, row["source"]) for row in rows for user in row["users"]]
        ways += [
            (e.target, e.source) for e in self.edges if e.relation == names.WAS_GENERATED_BY and e.source in going_up
        ]
        calls: dict[str, int] = {}
        for call, entity in ways:
            calls[call] = min(calls.get(call, DEEPEST), self.hops[entity])
        return calls

    def influences(self, holds: list[Row], up: set[str]) -> set[str]:
        """Edges to segments, from where a column starts in this answer: what is derived from there says so by derivation."""
        holding: dict[str, list[str]] = defaultdict(list)  # origin to segments
        for row in holds:
            holding[row["target"]].append(row["source"])
        parents: dict[str, list[str]] = defaultdict(list)
        for edge in self.edges:
            if edge.relation == names.WAS_DERIVED_FROM:
                parents[edge.source].append(edge.target)
        collections = [e for e in up if "SourceCollection" in self.found[e].labels]
        origins = {e: self.found[e].properties["origins"] for e in collections}
        for collection in sorted(collections, key=lambda e: (self.hops[e], e)):
            inherited = {o for p in parents[collection] for o in origins.get(p, ())}
            columns: dict[str, int] = {}
            for origin in origins[collection]:
                for segment in holding[origin]:
                    self.hops[segment] = min(self.hops.get(segment, DEEPEST), self.hops[collection])
                    if origin not in inherited:
                        columns[segment] = columns.get(segment, 0) + 1
            self.edges += [Edge(collection, s, WAS_INFLUENCED_BY, {"columns": n}) for s, n in columns.items()]
        return {s for segments in holding.values() for s in segments}

    def activities(self, calls: dict[str, int]) -> None:
        """Read the calls, those they were made in, and all agents."""
        agents = {e.target: self.hops[e.source] for e in reversed(self.edges) if e.relation == names.WAS_ATTRIBUTED_TO}
        if not calls and not agents:
            return
        statement = statements.load("queries/lineage_activities", calls=_CALLS)
        rows = self.read(statement, ids=sorted(calls), agents=sorted(agents))
        for row in rows:
            if row["what"] in {"ACTIVITY", "AGENT"}:
                self.node(row, row["what"].lower())
        ends = [
            Edge(r["source"], r["target"], r["what"], r["properties"]) for r in rows if r["what"] in names.RELATIONS
        ]
        self.edges += ends
        self.hops |= calls
        for agent, level in agents.items():
            self.hops[agent] = min(level, self.hops.get(agent, level))
        for _ in range(_CALLS):  # callers, agents and those they act for stand as far as the nearest that leads to them
            for edge in ends:
                if edge.relation not in {names.USED, names.HAD_PLAN} and edge.source in self.hops:
                    self.hops[edge.target] = min(self.hops[edge.source], self.hops.get(edge.target, DEEPEST))

    def node(self, row: Row, kind: str, name: str = "") -> None:
        properties = row["properties"]
        class_name = properties.get("class_name") or properties.get("kind", "")
        label = name or label_of(class_name, properties)
        self.found[row["source"]] = Node(row["source"], kind, class_name, label, properties, tuple(row["labels"]))

    def answer(self, left_out: int) -> tuple[tuple[Node, ...], tuple[Edge, ...], int]:
        place = {root: i for i, root in enumerate(self.roots)}
        nodes = sorted(
            (n for n in self.found.values() if n.id in self.hops),
            key=lambda n: (self.hops[n.id], place.get(n.id, len(place)), _RANK[n.kind], n.id),
        )
        shown = nodes[: self.limit]
        index = {n.id: i for i, n in enumerate(shown)}
        inside: dict[tuple[str, str, str], list[Edge]] = {}
        for edge in self.edges:
            if edge.source in index and edge.target in index:
                same = inside.setdefault((edge.source, edge.target, edge.relation), [])
                if edge not in same:  # what was read twice is one
                    same.append(edge)
        edges = sorted(
            (edge for same in inside.values() for edge in same),
            key=lambda e: (index[e.source], e.relation, str(e.properties.get("role", "")), e.properties.get("index", 0),
                           index[e.target]),
        )  # fmt: skip
        return tuple(shown), tuple(edges), left_out + len(nodes) - len(shown)


def label_of(class_name: str, properties: Mapping[str, Any]) -> str:
    """What says best which object this is, where nobody named it."""
    for key in ("name", "text", "title", "method"):
        if value := properties.get(key):
            return str(value)
    return class_name
