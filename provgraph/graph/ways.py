"""Ways through a lineage: paths from an effect to a cause, shortest first, and what several things have in common."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from provgraph.errors import InvalidInput
from provgraph.graph.lineage import DEEPEST, ENTITY, MOST, Edge, Lineage, Node
from provgraph.graph.walk import CAUSAL, Terms, is_request

SHORTEST, ALL = "shortest", "all"
_TRIED: Final = 1_000_000  # beginnings of paths that are looked at before a search gives up


@dataclass(frozen=True)
class Way:
    """One path. nodes : from the effect to the cause, each once. edges : one for each step, the first where there are several."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __len__(self) -> int:
        return len(self.edges)

    def __str__(self) -> str:
        steps = "".join(f" --{e.relation}--> {called(n)}" for e, n in zip(self.edges, self.nodes[1:], strict=True))
        return f"{called(self.nodes[0])}{steps}"


@dataclass(frozen=True)
class Ways:
    """Paths between two things.

    ways : shortest first, then by the ids along them. source, target : effect and cause; they are the two things asked for in
    the order in which one comes from the other. complete : there are no more, and nothing was left out on the way.
    """

    source: str
    target: str
    ways: tuple[Way, ...]
    complete: bool

    def __iter__(self) -> Iterator[Way]:
        return iter(self.ways)

    def __len__(self) -> int:
        return len(self.ways)

    def __str__(self) -> str:
        lines = [str(w) for w in self.ways] or ["Neither comes from the other."]
        return "\n".join([*lines, *([] if self.complete else ["There may be more."])])

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source, "target": self.target, "complete": self.complete,
            "paths": [
                {"nodes": [_plain(n) for n in w.nodes], "relations": [e.relation for e in w.edges]} for w in self.ways
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class Common:
    """What several things come from. nodes : nearest first. nearest : ids of those that no other of them comes from; of a cycle,
    all that stand in it. steps : by id, how many edges away from each of the things. complete : nothing was left out."""

    things: tuple[str, ...]
    nodes: tuple[Node, ...]
    nearest: tuple[str, ...]
    steps: Mapping[str, tuple[int, ...]]
    complete: bool

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        lines = [f"{'*' if n.id in self.nearest else ' '} {called(n)}, {_away(self.steps[n.id])}" for n in self.nodes]
        lines = lines or ["They have nothing in common."]
        return "\n".join([*lines, *([] if self.complete else ["There may be more."])])

    def as_dict(self) -> dict[str, Any]:
        return {
            "things": list(self.things), "nearest": list(self.nearest), "complete": self.complete,
            "common": [_plain(n) | {"steps": list(self.steps[n.id])} for n in self.nodes],
        }  # fmt: skip


def called(node: Node) -> str:
    """The name of a node; its class and the end of its id where it has none."""
    if node.label != node.class_name:
        return node.label if node.kind != ENTITY else f"{node.class_name} {node.label}"
    return f"{node.class_name} …{node.id[-8:]}"


def _away(steps: Iterable[int]) -> str:
    return " and ".join(map(str, steps)) + " steps away"


def _plain(node: Node) -> dict[str, Any]:
    return {"id": node.id, "kind": node.kind, "class": node.class_name, "label": node.label}


def paths(mapper: Any, a: str, b: str, *, mode: str = SHORTEST, limit: int = 10, terms: Terms | None = None) -> Ways:
    """Paths between two entities, whichever of them comes from the other.

    mode : ``shortest``, those with the fewest edges; ``all``, every path that meets no node twice.
    limit : most paths. terms : which relations are followed, what is left out, and as of when.

    Raises
    ------
    InvalidInput : ``path_mode``, ``path_limit``. NotFound : ``not_found``.
    """
    if mode not in (SHORTEST, ALL):
        raise InvalidInput(f"Paths are {SHORTEST!r} or {ALL!r}, not {mode!r}.", code="path_mode")
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise InvalidInput(
            f"The limit of {limit!r} paths must be a whole number from 1 to {MOST:,}.", code="path_limit"
        )
    on = replace(terms or Terms(), unit="edge", up=DEEPEST, down=0, limit=MOST)
    complete = True
    for source, target in ((a, b), (b, a)):
        found = mapper.walk([source], on, until=target if mode == SHORTEST else "")
        complete = complete and found.complete
        if target in found.levels and any(n.id == target for n in found.nodes):
            ways, more = _between(found, on.relations or CAUSAL, source, target, mode, limit)
            return Ways(source, target, ways, not more and (found.complete or mode == SHORTEST))
    mapper.walk([b], replace(on, up=0))  # says so if it is not there
    return Ways(a, b, (), complete)


def _between(lineage: Lineage, follow: Sequence[str], source: str, target: str, mode: str,
             limit: int) -> tuple[tuple[Way, ...], bool]:  # fmt: skip
    nodes = {n.id: n for n in lineage.nodes}
    steps: dict[str, dict[str, Edge]] = defaultdict(dict)
    back: dict[str, list[str]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.relation in follow and not is_request(edge) and edge.target not in steps[edge.source]:
            steps[edge.source][edge.target] = edge
            back[edge.target].append(edge.source)
    left = distances(back, target)
    ways: list[Way] = []
    for path in _enumerate(steps, left, source, target):
        if path is None:
            return tuple(ways), True
        if mode == SHORTEST and len(path) - 1 > left[source]:
            break
        if len(ways) == limit:
            return tuple(ways), True
        edges = tuple(steps[s][t] for s, t in pairwise(path))
        ways.append(Way(tuple(nodes[i] for i in path), edges))
    return tuple(ways), False


def distances(steps: Mapping[str, Iterable[str]], start: str) -> dict[str, int]:
    """By node, how many steps it is from the start."""
    found = {start: 0}
    batch = [start]
    while batch:
        ahead = {t: found[s] + 1 for s in batch for t in steps.get(s, ()) if t not in found}
        found |= ahead
        batch = list(ahead)
    return found


def _enumerate(steps: Mapping[str, Mapping[str, Edge]], left: Mapping[str, int], source: str,
               target: str) -> Iterator[tuple[str, ...] | None]:  # fmt: skip
    """Paths without repetition, in the order of length and then of ids; None where there are too many beginnings to go on."""
    heap: list[tuple[int, tuple[str, ...]]] = [(left[source], (source,))]
    tried = 0
    while heap:
        _, path = heapq.heappop(heap)
        if path[-1] == target:
            yield path
            continue
        tried += 1
        if tried > _TRIED:
            yield None
            return
        for end in steps.get(path[-1], ()):
            if end in left and end not in path:
                heapq.heappush(heap, (len(path) + left[end], (*path, end)))


def common(mapper: Any, things: Sequence[str], *, terms: Terms | None = None) -> Common:
    """What all of some entities come from; of two that come from each other, the one that is the cause is common to both.

    Raises InvalidInput ``common_of_one`` for fewer than two things, NotFound ``not_found``.
    """
    things = tuple(dict.fromkeys(things))
    if len(things) < 2:
        raise InvalidInput("Give two different things or more; one alone has nothing in common.", code="common_of_one")
    on = replace(terms or Terms(), unit="edge", up=DEEPEST, down=0, limit=MOST)
    follow = on.relations or CAUSAL
    found = [mapper.walk([one], on) for one in things]
    reached = []
    for lineage, thing in zip(found, things, strict=True):
        steps: dict[str, list[str]] = defaultdict(list)
        for edge in lineage.edges:
            if edge.relation in follow and not is_request(edge):
                steps[edge.source].append(edge.target)
        reached.append(distances(steps, thing))
    shared = set.intersection(*(set(r) for r in reached))
    nodes = {n.id: n for n in found[0].nodes if n.id in shared}
    inside = {(e.source, e.target) for e in found[0].edges if e.source in shared and e.target in shared
              and e.relation in follow and not is_request(e)}  # fmt: skip
    group = components(nodes, inside)
    below = {group[t] for s, t in inside if group[s] != group[t]}
    away = {i: tuple(r[i] for r in reached) for i in nodes}
    ordered = sorted(nodes.values(), key=lambda n: (max(away[n.id]), sum(away[n.id]), n.id))
    near = tuple(n.id for n in ordered if group[n.id] not in below)
    return Common(things, tuple(ordered), near, away, all(f.complete for f in found))


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """By node, which set of nodes that all lead to each other it is in (Tarjan's, without recursion)."""
    steps: dict[str, list[str]] = defaultdict(list)
    for s, t in edges:
        steps[s].append(t)
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    group: dict[str, int] = {}
    stack: list[str] = []
    groups = 0
    for root in nodes:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        work = [(root, iter(steps[root]))]
        while work:
            node, rest = work[-1]
            for end in rest:
                if end not in number:
                    number[end] = low[end] = len(number)
                    stack.append(end)
                    work.append((end, iter(steps[end])))
                    break
                if end not in group:
                    low[node] = min(low[node], number[end])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    while True:
                        one = stack.pop()
                        group[one] = groups
                        if one == node:
                            break
                    groups += 1
    return group
