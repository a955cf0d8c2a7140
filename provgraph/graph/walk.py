"""Lineage on terms: which relations are followed and how far, what is shown, and as it was known or true at a time."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from provgraph import names
from provgraph.errors import InvalidInput, NotFound, nearest
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine
from provgraph.graph.lineage import (
    ACTIVITY,
    AGENT,
    DEEPEST,
    ENTITY,
    MOST,
    WAS_INFLUENCED_BY,
    Edge,
    Lineage,
    Node,
    label_of,
)  # fmt: skip
from provgraph.schema.agents import RELATIONS as ENDS

#: What makes something depend on something else; followed where no relations are asked for.
CAUSAL: Final = (names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY, names.USED, names.HAD_PLAN, WAS_INFLUENCED_BY)
#: Who and what stood behind a call; shown with it where no relations are asked for, and not followed to what else they did.
RESPONSIBLE: Final = (
    names.WAS_INFORMED_BY, names.WAS_ASSOCIATED_WITH, names.WAS_ATTRIBUTED_TO, names.ACTED_ON_BEHALF_OF
)  # fmt: skip
UNITS: Final = (ENTITY, ACTIVITY, "edge")
_KIND: Final = {"Entity": ENTITY, "Activity": ACTIVITY, "Agent": AGENT}
_RANK: Final = {ENTITY: 0, ACTIVITY: 1, AGENT: 2}
_LISTS: Final = {ENTITY: "entities", ACTIVITY: "activities", AGENT: "agents"}
_SOURCE_KIND: Final = {r: _KIND[e.source[0]] for (r, role), e in ENDS.items() if not role and e.source[0] in _KIND}
_TARGET_KIND: Final = {r: _KIND[e.target[0]] for (r, role), e in ENDS.items() if not role and e.target[0] in _KIND}
# Steps that count, by unit: into a call or past one that was not recorded.
_COUNTS_UP: Final = frozenset({names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY})
_COUNTS_DOWN: Final = frozenset({names.WAS_DERIVED_FROM, names.USED, names.HAD_PLAN, names.WAS_ATTRIBUTED_TO})
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")

Condition = str | Callable[[Node], bool]


@dataclass(frozen=True)
class Terms:
    """How to walk.

    up, down : how far, in `unit`. unit : ``entity``, a derivation counts and so does a call with what it used or made;
    ``activity``, calls inside calls count too, where they are followed; ``edge``, every relation counts.
    relations : which to follow, such as ``USED``; without any, those that say what something was made from and by, and
    callers and agents are shown with their calls.
    stop_at : shown, but not looked behind. without : as if they were not there. only : those that are shown; what is hidden is
    still followed, and an edge WAS_INFLUENCED_BY joins what is shown on both sides of it.
    Each is ids, kinds, classes of entities, calls such as ``Flat.make``, or functions of a `Node`.
    as_of : only what had been recorded then. valid_at : only what was made by then, and is said to be valid then.
    without_roles : roles of relations that are not followed.
    limit : most nodes shown, nearest first. seconds : when to end with what was found, None for no such end.
    """

    up: int = DEEPEST
    down: int = 0
    unit: str = ENTITY
    relations: tuple[str, ...] = ()
    only: tuple[Condition, ...] = ()
    without: tuple[Condition, ...] = ()
    stop_at: tuple[Condition, ...] = ()
    as_of: str = ""
    valid_at: str = ""
    limit: int = 1000
    seconds: float | None = None
    without_roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for word, value in (("up", self.up), ("down", self.down)):
            if type(value) is not int or not 0 <= value <= DEEPEST:
                raise InvalidInput(f"The depth {word}={value!r} must be a whole number from 0 to {DEEPEST}.",
                                   code="lineage_depth")  # fmt: skip
        if type(self.limit) is not int or not 1 <= self.limit <= MOST:
            raise InvalidInput(f"The limit of {self.limit!r} nodes must be a whole number from 1 to {MOST:,}.",
                               code="lineage_limit")  # fmt: skip
        if self.unit not in UNITS:
            raise InvalidInput(
                f"Depth is not counted in {self.unit!r}; {nearest(self.unit, UNITS)}", code="lineage_unit"
            )
        known = (*CAUSAL, *RESPONSIBLE)
        for relation in self.relations:
            if relation not in known:
                raise InvalidInput(
                    f"There is no relation {relation!r}; {nearest(relation, known)}", code="lineage_relation"
                )
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidInput(f"seconds={self.seconds!r} must be more than 0.", code="lineage_seconds")


def moment(text: str | datetime, word: str = "as_of") -> str:
    """A date, its beginning in UTC, or a time as records have it: text that sorts. Raises InvalidInput ``time_invalid``."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else text
        if not isinstance(found, datetime):
            raise TypeError
    except (ValueError, TypeError):
        raise InvalidInput(
            f"{word}={text!r} is no date and no time; write 2026-03-01 or 2026-03-01T20:00:00Z.", code="time_invalid"
        ) from None
    zoned = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return zoned.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def relation_called(name: str) -> str:
    """``USED`` for ``used``, ``WAS_DERIVED_FROM`` for ``wasDerivedFrom`` and ``was_derived_from``; else the name as it is."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def walk(engine: GraphEngine, roots: Sequence[str], terms: Terms, *, until: str = "") -> Lineage:
    """The lineage of entities, by their ids, on these terms. until : goes no further than where this node is found.

    The order is that of `traverse`: nearest first, then by kind and id. Takes at most two statements for a step of edges, and two
    more. Raises NotFound ``not_found`` for a root that is not there, or was not there then.
    """
    began = time.perf_counter()
    search = _Walk(engine, tuple(dict.fromkeys(roots)), terms, began, until)
    nodes, edges, left_out, ended_by = search.run()
    levels = {n.id: search.levels[n.id] for n in nodes}
    return Lineage(search.roots, nodes, edges, not ended_by, left_out, search.statements,
                   time.perf_counter() - began, levels, ended_by)  # fmt: skip


def matcher(conditions: Iterable[Condition]) -> Callable[[Node], bool]:
    """Whether any of these conditions is true of a node."""
    words = {c for c in conditions if isinstance(c, str)}
    tests = [c for c in conditions if not isinstance(c, str)]

    def matches(node: Node) -> bool:
        called = {node.id, node.kind}
        if node.kind == ENTITY:
            called |= {node.class_name, *node.labels}
        elif node.kind == ACTIVITY:
            called.add(f"{node.class_name}.{node.properties.get('method', '')}")
        return not words.isdisjoint(called) or any(test(node) for test in tests)

    return matches


@dataclass
class _Found:
    nodes: dict[str, Node] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)  # not there, not yet there, or left out by the terms


class _Walk:
    def __init__(self, engine: GraphEngine, roots: tuple[str, ...], terms: Terms, began: float, until: str) -> None:
        self.engine, self.roots, self.terms, self.began, self.until = engine, roots, terms, began, until
        self.limit = max(terms.limit, len(roots))
        self.statements = 0
        self.known = _Found()
        self.levels: dict[str, int] = {}
        self.edges: dict[str, list[Edge]] = {}  # by node that was looked behind, towards causes
        self.follow = frozenset(terms.relations or CAUSAL)
        self.stops, self.shows, self.drops = (matcher(c) for c in (terms.stop_at, terms.only, terms.without))
        self.ended_by = ""

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, statement: str, ids: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """One statement about nodes, given as id and kind."""
        lists: dict[str, list[str]] = {"entities": [], "activities": [], "agents": []}
        for id, kind in sorted(ids):
            lists[_LISTS[kind]].append(id)
        self.statements += 1
        return [dict(row) for row in self.engine.read(statements.load(f"queries/{statement}"), **lists)]

    def learn(self, ids: Mapping[str, str]) -> None:
        """Read nodes, by id their kind; those that the terms leave out count as absent."""
        new = {i: k for i, k in ids.items() if i not in self.known.nodes and i not in self.known.absent}
        if not new:
            return
        rows = self.read("walk_nodes", new.items())
        notes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            if row["what"] == "note" and not (self.terms.as_of and row["properties"]["recorded"] > self.terms.as_of):
                notes[row["id"]].append(row["properties"])
        for row in rows:
            if row["what"] == "note":
                continue
            node = node_of(row, notes[row["id"]])
            if there(node, notes[node.id], self.terms) and (node.id in self.roots or not self.drops(node)):
                self.known.nodes[node.id] = node
        self.known.absent |= new.keys() - self.known.nodes.keys()

    def causes(self, ids: Iterable[str]) -> None:
        """Read the edges from these nodes, where that was not done yet."""
        new = [i for i in ids if i not in self.edges]
        if not new:
            return
        self.edges |= {i: [] for i in new}
        for row in self.read("walk_up", [(i, self.known.nodes[i].kind) for i in new]):
            if row["target"] is not None:
                self.edges[row["source"]].append(Edge(row["source"], row["target"], row["relation"], row["properties"]))

    # -- walking -----------------------------------------------------------------------------------------------------

    def run(self) -> tuple[tuple[Node, ...], tuple[Edge, ...], int, str]:
        self.learn(dict.fromkeys(self.roots, ENTITY))
        for root in self.roots:
            if root not in self.known.nodes:
                when = f" as of {self.terms.as_of}" if self.terms.as_of else ""
                when += f" valid at {self.terms.valid_at}" if self.terms.valid_at else ""
                raise NotFound(f"There is no object {root} in this survey{when}.", object_id=root)
        for up, depth in ((True, self.terms.up), (False, self.terms.down)):
            for id, level in self.search(depth, up=up).items():
                self.levels[id] = min(level, self.levels.get(id, level))
        if not self.terms.relations:
            self.companions()
        return self.answer()

    def search(self, depth: int, *, up: bool) -> dict[str, int]:
        """Nodes by their level in one direction, roots at 0."""
        levels = dict.fromkeys(self.roots, 0)
        batch, level = list(self.roots), 0
        while batch and level <= depth:
            later: dict[str, None] = {}
            while batch:
                if self.ended(levels):
                    return levels
                near, far = self.step(batch, level, depth, up=up)
                batch = [i for i in near if i not in levels]
                levels |= dict.fromkeys(batch, level)
                later |= dict.fromkeys(far)
            if self.until in levels:
                break
            level += 1
            batch = [i for i in later if i not in levels]
            levels |= dict.fromkeys(batch, level)
        return levels

    def ended(self, levels: Mapping[str, int]) -> bool:
        """Whether the budget is used up: time, or enough nodes to know which are the nearest."""
        seconds = self.terms.seconds
        if seconds is not None and time.perf_counter() - self.began > seconds:
            self.ended_by = "seconds"
            return True
        if len(levels) > MOST or sum(self.shown(i) for i in levels) > self.limit:
            self.ended_by = self.ended_by or "limit"
            return True
        return False

    def shown(self, id: str) -> bool:
        return not self.terms.only or id in self.roots or self.shows(self.known.nodes[id])

    def step(self, batch: Sequence[str], level: int, depth: int, *, up: bool) -> tuple[list[str], list[str]]:
        """What these lead to, at the same level and at the next."""
        behind = [i for i in batch if i in self.roots or not self.stops(self.known.nodes[i])]
        if up:
            self.causes(behind)
            found = [e for i in behind for e in self.edges[i]]
        else:
            rows = self.read("walk_down", self.followed_down(behind))
            found = [Edge(r["source"], r["target"], r["relation"], r["properties"]) for r in rows if r["source"]]
        ends: dict[str, str] = {}
        steps: list[tuple[str, int]] = []
        for edge in found:
            if edge.relation not in self.follow or is_request(edge):
                continue
            if self.terms.without_roles and edge.properties.get("role") in self.terms.without_roles:
                continue
            cost = self.cost(edge.relation, up=up)
            if level + cost > depth or (edge.relation == WAS_INFLUENCED_BY and level == depth):
                continue
            end = edge.target if up else edge.source
            ends[end] = _end_kind(edge.relation, up=up)
            steps.append((end, cost))
        self.learn(ends)
        there = sorted({s for s in steps if s[0] in self.known.nodes})
        return [i for i, cost in there if not cost], [i for i, cost in there if cost]

    def followed_down(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        """Without agents whom no relation that is followed leads away from: whoever works a lot has edges without end."""
        responsible = not self.follow.isdisjoint(RESPONSIBLE[1:])
        kinds = [(i, self.known.nodes[i].kind) for i in ids]
        return [(i, kind) for i, kind in kinds if kind != AGENT or responsible]

    def cost(self, relation: str, *, up: bool) -> int:
        if self.terms.unit == "edge":
            return 1
        if relation == names.WAS_INFORMED_BY:
            return int(self.terms.unit == ACTIVITY)
        return int(relation in (_COUNTS_UP if up else _COUNTS_DOWN))

    def companions(self) -> None:
        """Callers and agents of what was found, as near as what leads to them."""
        batch = list(self.levels)
        while batch:
            self.causes(batch)
            ends: dict[str, tuple[int, str]] = {}
            for edge in (e for i in batch for e in self.edges[i] if e.relation in RESPONSIBLE):
                level = self.levels[edge.source]
                kind = _TARGET_KIND[edge.relation]
                ends[edge.target] = min((level, kind), ends.get(edge.target, (level, kind)))
            self.learn({i: kind for i, (_, kind) in ends.items()})
            batch = []
            for id, (level, _) in ends.items():
                if id in self.known.nodes and level < self.levels.get(id, DEEPEST + 1):
                    self.levels[id] = level
                    batch.append(id)

    # -- the answer --------------------------------------------------------------------------------------------------

    def answer(self) -> tuple[tuple[Node, ...], tuple[Edge, ...], int, str]:
        place = {root: i for i, root in enumerate(self.roots)}
        nodes = sorted(
            (self.known.nodes[i] for i in self.levels if self.shown(i)),
            key=lambda n: (self.levels[n.id], place.get(n.id, len(place)), _RANK[n.kind], n.id),
        )
        left_out = max(0, len(nodes) - self.limit)
        shown = nodes[: self.limit]
        index = {n.id: i for i, n in enumerate(shown)}
        hidden = [i for i in self.levels if not self.shown(i)]
        self.causes([*index, *hidden])
        allowed = self.follow if self.terms.relations else {*CAUSAL, *RESPONSIBLE}
        edges = [e for i in index for e in self.edges[i] if e.target in index and e.relation in allowed]
        edges += self.around(index, set(hidden), edges)
        edges.sort(key=lambda e: (index[e.source], e.relation, str(e.properties.get("role", "")),
                                  e.properties.get("index", 0), index[e.target]))  # fmt: skip
        return tuple(shown), tuple(edges), left_out, self.ended_by or ("limit" if left_out else "")

    def around(self, shown: Mapping[str, int], hidden: set[str], edges: list[Edge]) -> list[Edge]:
        """An edge past what is hidden, to each node shown that is only reached through it."""
        if not hidden:
            return []
        direct = {(e.source, e.target) for e in edges}
        found = []
        for source in shown:
            seen: set[str] = set()
            stack = [source]
            while stack:
                for edge in self.edges[stack.pop()]:
                    if edge.relation not in self.follow or edge.target in seen or is_request(edge):
                        continue
                    seen.add(edge.target)
                    if edge.target in hidden:
                        stack.append(edge.target)
            found += [Edge(source, t, WAS_INFLUENCED_BY, {}) for t in sorted(seen & shown.keys())
                      if t != source and (source, t) not in direct]  # fmt: skip
        return found


def is_request(edge: Edge) -> bool:
    """Whether an edge says what a call was made for: that is no cause of what it made."""
    return edge.relation == names.USED and edge.properties.get("role") == "target"


def _end_kind(relation: str, *, up: bool) -> str:
    if relation == WAS_INFLUENCED_BY:
        return ENTITY
    return (_TARGET_KIND if up else _SOURCE_KIND)[relation]


def node_of(row: Mapping[str, Any], notes: Iterable[Mapping[str, Any]]) -> Node:
    """A node of a row of ``walk_nodes``, with the newest name of the notes about it."""
    properties = row["properties"]
    class_name = properties.get("class_name") or properties.get("kind", "")
    named = [(n["recorded"], n["value"]) for n in notes if n["kind"] == "name"]
    label = max(named, default=("", ""))[1] or label_of(class_name, properties)
    return Node(row["id"], row["what"], class_name, label, properties, tuple(row["labels"]))


def there(node: Node, notes: Sequence[Mapping[str, Any]], terms: Terms) -> bool:
    """Whether a node was recorded by the time `as_of`, and by what had been said then was there and valid at `valid_at`."""
    told = node.properties
    recorded = told.get("created") if node.kind == ENTITY else told.get("ended") or told.get("started")
    if terms.as_of and node.kind != AGENT and recorded and recorded > terms.as_of:
        return False
    at = terms.valid_at
    if not at or node.kind == AGENT:
        return True
    made = told.get("created") if node.kind == ENTITY else told.get("started")
    if made and made > at:
        return False
    if not _covers(told.get("valid_from"), told.get("valid_to"), at):
        return False
    said = [n for n in notes if n["kind"] == "validity" and (n.get("valid_from") or n["recorded"]) <= at]
    newest = max(said, key=lambda n: (n.get("valid_from") or n["recorded"], n["recorded"]), default=None)
    return newest is None or newest["value"] != "invalid"


def _covers(start: Any, end: Any, at: str) -> bool:
    """Whether a validity that a class declares holds at a time; what is no time says nothing."""
    for value, wrong in ((start, lambda v: v > at), (end, lambda v: v < at)):
        if isinstance(value, str | datetime) and value:
            try:
                if wrong(moment(value)):
                    return False
            except InvalidInput:
                continue
    return True
