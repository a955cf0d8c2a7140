"""What is upstream of some things, read in one walk for all of them: nodes, ways, and what is known of the nodes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from provgraph import names
from provgraph.graph.lineage import ACTIVITY, AGENT, DEEPEST, ENTITY, MOST, Edge, Lineage, Node, label_of
from provgraph.graph.loading import chunks
from provgraph.graph.walk import CAUSAL, Terms, is_request

AT_ONCE: Final = 5000
THROUGH: Final = "through"  # of an edge that a call has from the call that it was made in
_TO_AGENTS: Final = (names.WAS_ASSOCIATED_WITH, names.WAS_ATTRIBUTED_TO)
# One node for all who have the same: who was the first to store it had no part in what others made with it.
_SHARED: Final = ("Environment", "CodeVersion", "ClassVersion", "PolicyVersion")
_BESIDE: Final = ("Environment", "StoredFile")
_STEPS: Final = (names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY)

Way = tuple[Node, ...]


def walks(mapper: Any, roots: Sequence[str]) -> Iterator[Upstream]:
    """What is upstream of these, together; in parts where that is more than one walk reads.

    Not upstream: earlier versions of a thing, and what a call was asked to make.
    """
    terms = Terms(up=DEEPEST, limit=MOST, without_roles=(names.REVISION_ROLE,))
    found: Lineage = mapper.walk(list(roots), terms)
    if found.complete or len(roots) == 1:
        yield Upstream(mapper, found)
        return
    half = len(roots) // 2
    yield from walks(mapper, roots[:half])
    yield from walks(mapper, roots[half:])


class Upstream:
    """Part of the graph above `roots`. complete : nothing above them was left out."""

    def __init__(self, mapper: Any, lineage: Lineage) -> None:
        self.mapper = mapper
        self.roots = lineage.roots
        self.complete = lineage.complete
        self.nodes: dict[str, Node] = {n.id: n for n in lineage.nodes}
        self.causes: dict[str, list[Edge]] = defaultdict(list)  # what somebody is responsible for leads to him, too
        self.callers: dict[str, list[str]] = defaultdict(list)
        for edge in lineage.edges:
            role = edge.properties.get("role")
            if edge.relation == names.WAS_INFORMED_BY:
                self.callers[edge.source].append(edge.target)
            elif edge.relation == names.WAS_ATTRIBUTED_TO and self.nodes[edge.source].class_name in _SHARED:
                continue
            elif edge.relation in _TO_AGENTS or (
                edge.relation in CAUSAL and not is_request(edge) and role != names.REVISION_ROLE
            ):
                self.causes[edge.source].append(edge)
        self._of_callers()

    def _of_callers(self) -> None:
        """A call inside another one has the agents and the environment of that."""
        if not self.callers:
            return
        around = sorted({c for some in self.callers.values() for c in some})
        environments: dict[str, list[str]] = defaultdict(list)
        for some in chunks(around, AT_ONCE):
            for row in self.mapper.read("walk_up", entities=[], activities=some, agents=[]):
                if row["relation"] == names.USED and (row["properties"] or {}).get("role") == names.ENVIRONMENT_ROLE:
                    environments[row["source"]].append(row["target"])
        missing = sorted({e for some in environments.values() for e in some} - self.nodes.keys())
        for some in chunks(missing, AT_ONCE):
            for row in self.mapper.read("walk_nodes", entities=some, activities=[], agents=[]):
                if row["what"] == ENTITY:
                    self._add(row)
        for call in list(self.callers):
            for caller in self._around(call):
                for edge in list(self.causes.get(caller, ())):
                    if edge.relation == names.WAS_ASSOCIATED_WITH and THROUGH not in edge.properties:
                        self.causes[call].append(Edge(call, edge.target, edge.relation, {THROUGH: caller}))
                for target in environments[caller]:
                    if target in self.nodes:
                        told = {"role": names.ENVIRONMENT_ROLE, THROUGH: caller}
                        self.causes[call].append(Edge(call, target, names.USED, told))

    def _add(self, row: Mapping[str, Any]) -> None:
        told = row["properties"]
        class_name = str(told.get("class_name", ""))
        node = Node(row["id"], ENTITY, class_name, label_of(class_name, told), told, tuple(row["labels"]))
        self.nodes.setdefault(node.id, node)

    def _around(self, call: str) -> list[str]:
        """The calls that a call was made in, the nearest first."""
        seen, waiting = {call: None}, deque([call])
        while waiting:
            for caller in self.callers.get(waiting.popleft(), ()):
                if caller not in seen:
                    seen[caller] = None
                    waiting.append(caller)
        return list(seen)[1:]

    # -- ways ----------------------------------------------------------------------------------------------------------

    @cached_property
    def _effects(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for source, edges in self.causes.items():
            for edge in edges:
                found[edge.target].append(source)
        return found

    def leading_to(self, ids: Iterable[str]) -> set[str]:
        """These, and everything that any of them is upstream of."""
        seen = set(ids)
        waiting = list(seen)
        while waiting:
            for effect in self._effects.get(waiting.pop(), ()):
                if effect not in seen:
                    seen.add(effect)
                    waiting.append(effect)
        return seen

    def nearest(self, wanted: Collection[str], most: int) -> Callable[[str], Iterator[Way]]:
        """Shortest ways from a node to at least `most` of `wanted` that are upstream, or to all, as a function of its id.

        Found for all nodes together, backwards: a node needs to know no more of them than `most` and itself.
        """
        known: dict[str, dict[str, str]] = defaultdict(dict)  # by node and by what is wanted: where to go on
        waiting: deque[tuple[str, str]] = deque()
        for end in sorted(wanted):
            known[end][end] = ""
            waiting.append((end, end))
        while waiting:
            here, end = waiting.popleft()
            for effect in self._effects.get(here, ()):
                told = known[effect]
                if end not in told and len(told) <= most:
                    told[end] = here
                    waiting.append((effect, end))

        def ways(start: str) -> Iterator[Way]:
            for end in known.get(start, ()):
                if end != start:
                    found = [start]
                    while found[-1] != end:
                        found.append(known[found[-1]][end])
                    yield tuple(self.nodes[i] for i in found)

        return ways

    def first(self, order: Iterable[str]) -> Callable[[str], Way | None]:
        """A way from a node to what is upstream of it and comes first in an order, as a function of its id; not of those in it."""
        known: dict[str, str] = {}
        for end in order:
            if end in known:  # whatever it is upstream of has found an earlier one
                continue
            known[end] = ""
            waiting = deque([end])
            while waiting:
                here = waiting.popleft()
                for effect in self._effects.get(here, ()):
                    if effect not in known:
                        known[effect] = here
                        waiting.append(effect)

        def way(start: str) -> Way | None:
            if start not in known:
                return None
            found = [start]
            while known[found[-1]]:
                found.append(known[found[-1]])
            return tuple(self.nodes[i] for i in found)

        return way

    def ways(self, start: str, wanted: Collection[str], leading: set[str]) -> Iterator[Way]:
        """A shortest way to each of `wanted` that is upstream, the nearest first. leading : what `leading_to` says of them."""
        if start not in leading:
            return
        before: dict[str, str] = {start: ""}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for edge in self.causes.get(here, ()):
                if edge.target in before or edge.target not in leading:
                    continue
                before[edge.target] = here
                waiting.append(edge.target)
                if edge.target in wanted:
                    yield self._way(edge.target, before)

    def _way(self, end: str, before: Mapping[str, str]) -> Way:
        found = [end]
        while before[found[-1]]:
            found.append(before[found[-1]])
        return tuple(self.nodes[i] for i in reversed(found))

    def deeper(self, start: str, steps: int) -> Way | None:
        """A way to the first object that is more derivations and calls away; None where nothing is. Files stand with their objects,
        environments with their calls: they do not count.
        """
        if self._heights.get(start, DEEPEST * 2) <= steps:
            return None
        before, level = {start: ""}, {start: 0}
        waiting = deque([start])
        done: set[str] = set()
        while waiting:
            here = waiting.popleft()
            if here in done:
                continue
            done.add(here)
            if level[here] > steps and self.nodes[here].kind == ENTITY:
                return self._way(here, before)
            for edge in self.causes.get(here, ()):
                end = self.nodes[edge.target]
                if end.kind == AGENT or end.class_name in _BESIDE:
                    continue
                there = level[here] + (edge.relation in _STEPS)
                if there < level.get(edge.target, DEEPEST * 2):
                    level[edge.target], before[edge.target] = there, here
                    (waiting.append if edge.relation in _STEPS else waiting.appendleft)(edge.target)
        return None

    def roles(self, id: str) -> set[str]:
        """The roles of the links of an object."""
        edges = self.causes.get(id, ())
        return {str(e.properties.get("role", "")) for e in edges if e.relation == names.WAS_DERIVED_FROM}

    @cached_property
    def _heights(self) -> dict[str, int]:
        """Steps of the longest way up, by id, without those that have a cycle upstream. A call that used what it made is none."""
        made: dict[str, set[str]] = defaultdict(set)
        for source, edges in self.causes.items():
            for edge in edges:
                if edge.relation == names.WAS_GENERATED_BY:
                    made[edge.target].add(source)
        after: dict[str, list[tuple[str, int]]] = defaultdict(list)
        left = dict.fromkeys(self.nodes, 0)
        for source, edges in self.causes.items():
            for edge in edges:
                if edge.relation == names.USED and made[source] == {edge.target}:
                    continue
                after[edge.target].append((source, int(edge.relation in _STEPS)))
                left[source] += 1
        heights = {id: 0 for id, n in left.items() if not n}
        waiting = deque(heights)
        most: dict[str, int] = defaultdict(int)
        while waiting:
            here = waiting.popleft()
            for source, step in after[here]:
                most[source] = max(most[source], heights[here] + step)
                left[source] -= 1
                if not left[source]:
                    heights[source] = most[source]
                    waiting.append(source)
        return heights

    # -- what is known of nodes ----------------------------------------------------------------------------------------

    def of_kind(self, kind: str) -> list[Node]:
        return [n for n in self.nodes.values() if n.kind == kind]

    @cached_property
    def above(self) -> set[str]:
        """Ids of what is upstream of anything here; not of calls around those that are."""
        seen = set(self.roots)
        waiting = list(seen)
        while waiting:
            for edge in self.causes.get(waiting.pop(), ()):
                if edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)
        return seen

    @cached_property
    def facts(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """What was said about the validity of objects, and under which identifiers they were published."""
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.read("impact_facts", [n.id for n in self.of_kind(ENTITY)]):
            found[row["id"]].append(row)
        return found

    def read(self, query: str, ids: Sequence[str], parameter: str = "ids") -> Iterator[Mapping[str, Any]]:
        for some in chunks(ids, AT_ONCE):
            yield from self.mapper.read(query, **{parameter: some})

    @cached_property
    def invalid(self) -> set[str]:
        """Ids of what was declared invalid, and that not taken back."""
        last = {}
        for id, facts in self.facts.items():
            said = sorted((f["recorded"], f["value"]) for f in facts if f["what"] == "validity")
            last[id] = said[-1][1] if said else ""
        return {id for id, value in last.items() if value == "invalid"}

    @cached_property
    def outdated(self) -> dict[str, int]:
        """Of what has a newer version, by id, the number of the newest one that is not deleted."""
        identities = sorted({str(n.properties.get("identity") or "") for n in self.of_kind(ENTITY)} - {""})
        newest: dict[str, int] = {}
        for row in self.read("versions_of", identities, "identities"):
            told = row["properties"]
            if not told.get("deleted"):
                newest[told["identity"]] = max(newest.get(told["identity"], 0), int(told.get("version") or 0))
        return {
            n.id: newest[n.properties["identity"]] for n in self.of_kind(ENTITY)
            if newest.get(n.properties.get("identity", ""), 0) > int(n.properties.get("version") or 0)
        }  # fmt: skip

    def silent(self, word: str) -> set[str]:
        """Ids of the calls that do not say this of themselves."""
        says: Callable[[Node, list[Edge]], bool] = {
            "software": self._software, "agent": self._agent, "environment": self._environment, "code": self._code,
        }[word]  # fmt: skip
        return {n.id for n in self.of_kind(ACTIVITY) if n.id in self.above and not says(n, self.causes.get(n.id, []))}

    def _ends(self, edges: Iterable[Edge], relation: str) -> Iterator[Node]:
        return (self.nodes[e.target] for e in edges if e.relation == relation)

    def _software(self, _: Node, edges: list[Edge]) -> bool:
        agents = self._ends(edges, names.WAS_ASSOCIATED_WITH)
        return any(a.properties.get("kind") == "software" and a.properties.get("version") for a in agents)

    def _agent(self, _: Node, edges: list[Edge]) -> bool:
        return any(a.properties.get("kind") != "software" for a in self._ends(edges, names.WAS_ASSOCIATED_WITH))

    @staticmethod
    def _environment(_: Node, edges: list[Edge]) -> bool:
        return any(e.relation == names.USED and e.properties.get("role") == names.ENVIRONMENT_ROLE for e in edges)

    def _code(self, node: Node, edges: list[Edge]) -> bool:
        """The code that ran; of calls of provgraph itself its version says that."""
        own = [e for e in edges if THROUGH not in e.properties]
        return any(e.relation == names.HAD_PLAN for e in own) or self._software(node, own)
