"""Walks on terms, paths and common ancestors, on both engines, against their definitions applied edge by edge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph import names
from provgraph.errors import InvalidInput, NotFound
from provgraph.graph.engine import GraphEngine
from provgraph.graph.lineage import WAS_INFLUENCED_BY, Lineage, Node
from provgraph.graph.walk import CAUSAL, RESPONSIBLE, Terms, moment, relation_called, walk
from provgraph.graph.ways import Common, Ways, common, components, paths
from tests.graph.test_lineage import ENDS, Graph, edges, ids, layered

_WALKED = [r for r in ENDS if r not in (names.HOLDS, names.ABOUT)]
_FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ways_of(engine: GraphEngine, a: str, b: str, **more: Any) -> Ways:
    return paths(_mapper(engine), a, b, **more)


def _mapper(engine: GraphEngine) -> Any:
    return SimpleNamespace(walk=lambda roots, terms, until="": walk(engine, roots, terms, until=until))


# -- random graphs -----------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, list[str]]:
    """A graph with cycles, parallel edges and times, and its entities; ids are its own."""
    mark = uuid.uuid4().hex[:8]
    graph = Graph()
    seconds = st.integers(0, 5)
    count = {"Entity": draw(st.integers(2, 8)), "Activity": draw(st.integers(0, 4)), "Agent": draw(st.integers(0, 2))}
    nodes: dict[str, list[str]] = {label: [f"{mark}-{label[:2]}{i}" for i in range(n)] for label, n in count.items()}
    columns = [graph.other("Column", f"{mark}-o{i}") for i in range(3)]
    for id in nodes["Entity"]:
        kind = draw(st.sampled_from(["Frame", "Flat", "SourceCollection"]))
        more = {"origins": draw(st.lists(st.sampled_from(columns), unique=True))} if kind == "SourceCollection" else {}
        graph.entity(id, kind, created=f"2026-01-0{1 + draw(seconds)}", **more)
        if kind == "Frame" and draw(st.booleans()):
            graph.edge(id, names.HOLDS, *draw(st.lists(st.sampled_from(columns), max_size=2, unique=True)))
    for id in nodes["Activity"]:
        start = draw(seconds)
        graph.other("Activity", id, class_name="Frame", method="make", started=f"2026-01-0{1 + start}",
                    ended=f"2026-01-0{1 + start + draw(st.integers(0, 2))}")  # fmt: skip
    for id in nodes["Agent"]:
        graph.other("Agent", id, kind="person", name=id)
    for _ in range(draw(st.integers(0, 25))):
        relation = draw(st.sampled_from(_WALKED))
        a, b = ENDS[relation]
        if nodes[a] and nodes[b]:
            role = draw(st.sampled_from(["target", "input"])) if relation == names.USED else "x"
            graph.edge(draw(st.sampled_from(nodes[a])), relation, draw(st.sampled_from(nodes[b])), role=role)
    for i in range(draw(st.integers(0, 4))):
        recorded, since = (f"2026-01-0{1 + draw(seconds)}T0{i}" for _ in range(2))
        value = draw(st.sampled_from(["invalid", "valid"]))
        note = graph.other("Note", f"{mark}-n{i}", kind="validity", value=value, recorded=recorded, valid_from=since)
        graph.edge(note, names.ABOUT, draw(st.sampled_from(nodes["Entity"])))
    return graph, nodes["Entity"]


words = st.lists(
    st.sampled_from(["Frame", "Flat", "SourceCollection", "Frame.make", "activity", "agent"]), max_size=2
).map(tuple)
times = st.sampled_from(["", *(f"2026-01-0{d}T05" for d in range(1, 8))])
terms_of = st.builds(
    Terms, up=st.integers(0, 5), down=st.integers(0, 4), unit=st.sampled_from(["entity", "activity", "edge"]),
    relations=st.one_of(st.just(()), st.lists(st.sampled_from([*CAUSAL, *RESPONSIBLE]), min_size=1, max_size=6).map(tuple)),
    only=words, without=words, stop_at=words, as_of=times, valid_at=times,
)  # fmt: skip


# -- the definitions, one edge at a time -------------------------------------------------------------------------------


class Plain:
    """A graph of rows under terms: what is there, which steps there are, and how far everything is."""

    def __init__(self, graph: Graph, roots: list[str], terms: Terms) -> None:
        self.terms, self.roots = terms, roots
        self.label = {id: label for label, id in graph.nodes}
        self.told = {id: p for (_, id), p in graph.nodes.items()}
        notes = {(s, t) for s, r, t, _ in graph.edges if r == names.ABOUT}
        self.said = {id: [self.told[n] for n, about in notes if about == id] for id in self.told}
        there = {id for id in self.told if self.there(id) and (id in roots or not self.any_of(id, terms.without))}
        edges = [(s, r, t, p) for s, r, t, p in graph.edges if r in _WALKED]
        edges += [(s, WAS_INFLUENCED_BY, t, {}) for s, t in self.stored(graph)]
        self.edges = [e for e in edges if e[0] in there and e[2] in there]
        self.follow = set(terms.relations or CAUSAL)

    def stored(self, graph: Graph) -> set[tuple[str, str]]:
        holds = {(s, t) for s, r, t, _ in graph.edges if r == names.HOLDS}
        derived = {(s, t) for s, r, t, _ in graph.edges if r == names.WAS_DERIVED_FROM}
        own = {
            (id, origin) for id, p in self.told.items() for origin in p.get("origins", ())
            if not any(s == id and origin in self.told[t].get("origins", ()) for s, t in derived)
        }  # fmt: skip
        return {(id, segment) for id, origin in own for segment, column in holds if column == origin}

    def there(self, id: str) -> bool:
        told, label, terms = self.told[id], self.label[id], self.terms
        if label not in ("Entity", "Activity"):
            return label == "Agent"
        if terms.as_of and told["created" if label == "Entity" else "ended"] > terms.as_of:
            return False
        if terms.valid_at and told["created" if label == "Entity" else "started"] > terms.valid_at:
            return False
        heard = [n for n in self.said[id] if not terms.as_of or n["recorded"] <= terms.as_of]
        heard = [n for n in heard if n["valid_from"] <= terms.valid_at]
        last = sorted(heard, key=lambda n: (n["valid_from"], n["recorded"]))[-1:]
        return not any(n["value"] == "invalid" for n in last)

    def any_of(self, id: str, conditions: tuple[Any, ...]) -> bool:
        told = self.told[id].get("class_name") if self.label[id] == "Entity" else f"Frame.{self.told[id].get('method')}"
        return bool({id, self.label[id].lower(), told} & set(conditions))

    def step(self, relation: str, up: bool) -> int:
        if self.terms.unit == "edge":
            return 1
        if relation == names.WAS_INFORMED_BY:
            return 1 if self.terms.unit == "activity" else 0
        calls = (names.WAS_GENERATED_BY,) if up else (names.USED, names.HAD_PLAN, names.WAS_ATTRIBUTED_TO)
        counted = {names.WAS_DERIVED_FROM, *calls}
        return 1 if relation in counted else 0

    def levels(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for up, depth in ((True, self.terms.up), (False, self.terms.down)):
            level = dict.fromkeys(self.roots, 0)
            changed = True
            while changed:
                changed = False
                for source, relation, target, told in self.edges:
                    a, b = (source, target) if up else (target, source)
                    if a not in level or relation not in self.follow or (not up and relation == WAS_INFLUENCED_BY):
                        continue
                    if relation == names.USED and told["role"] == "target":
                        continue
                    if a not in self.roots and self.any_of(a, self.terms.stop_at):
                        continue
                    new = level[a] + self.step(relation, up)
                    if new > depth or (relation == WAS_INFLUENCED_BY and level[a] == depth):
                        continue
                    if new < level.get(b, 99):
                        level[b] = new
                        changed = True
            for id, n in level.items():
                found[id] = min(n, found.get(id, 99))
        if not self.terms.relations:
            for _ in range(len(self.told)):
                for source, relation, target, _told in self.edges:
                    if relation in RESPONSIBLE and source in found:
                        found[target] = min(found[source], found.get(target, 99))
        return found


@_FEW
@given(made=graphs(), terms=terms_of)
def test_a_walk_is_what_its_terms_say(engine: GraphEngine, made: tuple[Graph, list[str]], terms: Terms) -> None:
    graph, entities = made
    graph.write(engine)
    for roots in ([entities[0]], entities[:2]):
        plain = Plain(graph, roots, terms)
        if not all(plain.there(r) for r in roots):
            with pytest.raises(NotFound):
                walk(engine, roots, terms)
            continue
        found = walk(engine, roots, terms)
        levels = plain.levels()
        shown = {i: n for i, n in levels.items() if not terms.only or i in roots or plain.any_of(i, terms.only)}
        assert dict(found.levels) == shown
        assert [n.id for n in found.nodes][: len(roots)] == roots
        assert [found.levels[n.id] for n in found.nodes] == sorted(shown.values())
        allowed = plain.follow if terms.relations else {*CAUSAL, *RESPONSIBLE}
        direct = {(s, r, t) for s, r, t, _ in plain.edges if s in shown and t in shown and r in allowed}
        ends = {(s, t) for s, _, t in direct}
        around = {e for e in edges(found) - direct if e[1] == WAS_INFLUENCED_BY and (e[0], e[2]) not in ends}
        assert edges(found) == direct | around
        assert {(s, t) for s, _, t in around} == _past(plain, levels, shown) - ends
        assert found.complete
        _check_limits(engine, roots, terms, found)


def _past(plain: Plain, levels: Mapping[str, int], shown: Mapping[str, int]) -> set[tuple[str, str]]:
    """Pairs of shown nodes between which a way leads through hidden ones only."""
    steps = {(s, t) for s, r, t, p in plain.edges
             if r in plain.follow and s in levels and t in levels and not (r == names.USED and p["role"] == "target")}  # fmt: skip
    for hidden in levels.keys() - shown.keys():
        into = {s for s, t in steps if t == hidden}
        out = {t for s, t in steps if s == hidden}
        steps |= {(s, t) for s in into for t in out}
    return {(s, t) for s, t in steps if s in shown and t in shown and s != t}


def _check_limits(engine: GraphEngine, roots: list[str], terms: Terms, whole: Lineage) -> None:
    for limit in (1, 3, 6):
        part = walk(engine, roots, replace(terms, limit=limit))
        assert len(part.nodes) <= max(limit, len(roots))
        assert part.complete == (len(part.nodes) == len(whole.nodes)) == (part.truncated == 0) == (part.ended_by == "")
        assert {e.target for e in part.edges} <= {n.id for n in part.nodes}
        if not terms.down or not terms.up:
            assert {n.id for n in part.nodes} <= {n.id for n in whole.nodes}


@_FEW
@given(made=graphs())
def test_paths_are_all_and_shortest_first(engine: GraphEngine, made: tuple[Graph, list[str]]) -> None:
    graph, entities = made
    graph.write(engine)
    plain = Plain(graph, [], Terms())
    steps = {(s, t) for s, r, t, p in plain.edges if r in CAUSAL and not (r == names.USED and p["role"] == "target")}
    a, b = entities[:2]
    for source, target in ((a, b), (b, a)):
        if expected := sorted(_simple(steps, source, target), key=lambda p: (len(p), p)):
            break
    every = ways_of(engine, a, b, mode="all", limit=100_000)
    assert [tuple(n.id for n in w.nodes) for w in every] == expected
    assert every.complete
    for way in every:
        assert [(e.source, e.target) for e in way.edges] == list(pairwise(n.id for n in way.nodes))
    shortest = ways_of(engine, a, b, limit=100_000)
    assert [tuple(n.id for n in w.nodes) for w in shortest] == [p for p in expected if len(p) == len(expected[0])]
    if len(expected) > 1:
        few = ways_of(engine, a, b, mode="all", limit=1)
        assert (len(few), few.complete) == (1, False)


def _simple(
    steps: set[tuple[str, str]], source: str, target: str, before: tuple[str, ...] = ()
) -> list[tuple[str, ...]]:
    path = (*before, source)
    if source == target:
        return [path]
    return [p for s, t in steps if s == source and t not in path for p in _simple(steps, t, target, path)]


@_FEW
@given(made=graphs())
def test_common_ancestors_are_what_all_come_from(engine: GraphEngine, made: tuple[Graph, list[str]]) -> None:
    graph, entities = made
    graph.write(engine)
    plain = Plain(graph, [], Terms())
    steps = {(s, t) for s, r, t, p in plain.edges if r in CAUSAL and not (r == names.USED and p["role"] == "target")}
    above = {id: _above(steps, id) for id in plain.told}
    things = entities[: min(3, len(entities))]
    found: Common = common(_mapper(engine), things)
    expected = set.intersection(*(above[t] for t in things))
    assert {n.id for n in found} == expected
    assert set(found.nearest) == {
        c for c in expected if all(other in above[c] for other in expected if c in above[other])
    }  # fmt: skip
    for node in found:
        assert all(n >= 1 or node.id == t for n, t in zip(found.steps[node.id], things, strict=True))


def _above(steps: set[tuple[str, str]], id: str) -> set[str]:
    found = {id}
    while more := {t for s, t in steps if s in found} - found:
        found |= more
    return found


# -- single cases ------------------------------------------------------------------------------------------------------


def test_what_is_hidden_still_connects(engine: GraphEngine) -> None:
    graph = Graph()
    for id, kind in (("catalog", "SourceCollection"), ("step", "Coadd"), ("raw", "RawFrame"), ("bias", "Bias")):
        graph.entity(id, kind, **({"origins": []} if kind == "SourceCollection" else {}))
    graph.edge("catalog", names.WAS_DERIVED_FROM, "step", role="x")
    graph.edge("step", names.WAS_DERIVED_FROM, "raw", "bias", role="x")
    graph.write(engine)
    found = walk(engine, ["catalog"], Terms(only=("RawFrame",)))
    assert (ids(found), edges(found)) == (["catalog", "raw"], {("catalog", WAS_INFLUENCED_BY, "raw")})
    stopped = walk(engine, ["catalog"], Terms(stop_at=(lambda n: isinstance(n, Node) and n.id == "step",)))
    assert ids(stopped) == ["catalog", "step"]
    assert ids(walk(engine, ["catalog"], Terms(without=("step",)))) == ["catalog"]


def test_names_are_those_of_the_time(engine: GraphEngine) -> None:
    graph = Graph()
    graph.entity("e", created="2026-01-01T00:00:00.000000Z")
    for id, value, when in (("n1", "first", "2026-01-02T01"), ("n2", "second", "2026-01-04T01")):
        graph.other("Note", id, kind="name", value=value, recorded=when)
        graph.edge(id, names.ABOUT, "e")
    graph.write(engine)
    labels = [
        walk(engine, ["e"], Terms(as_of=moment(d))).nodes[0].label for d in ("2026-01-02", "2026-01-03", "2026-01-05")
    ]
    assert labels == ["Frame", "first", "second"]
    with pytest.raises(NotFound, match="no object e in this survey as of 2025-12-31"):
        walk(engine, ["e"], Terms(as_of=moment("2025-12-31")))


def test_a_budget_of_time_ends_with_what_was_found(engine: GraphEngine) -> None:
    layered(30, 2).write(engine)
    found = walk(engine, ["029-000"], Terms(seconds=1e-9))
    assert (found.complete, found.ended_by, ids(found)) == (False, "seconds", ["029-000"])
    assert len(walk(engine, ["029-000"], Terms(seconds=60)).nodes) == 59


def test_pages_go_through_all_nodes_once(engine: GraphEngine) -> None:
    layered(7, 3).write(engine)
    found = walk(engine, ["006-000"], Terms())
    seen: list[str] = []
    after = ""
    while True:
        nodes, after = found.page(4, after)
        seen += [n.id for n in nodes]
        if not after:
            break
    assert seen == [n.id for n in found.nodes]
    with pytest.raises(NotFound):
        found.page(4, "elsewhere")


@pytest.mark.parametrize(("said", "code"), [
    ({"unit": "hop"}, "lineage_unit"), ({"relations": ("EATEN",)}, "lineage_relation"), ({"seconds": 0}, "lineage_seconds"),
    ({"up": -1}, "lineage_depth"), ({"limit": 0}, "lineage_limit"),
])  # fmt: skip
def test_wrong_terms_are_one_sentence(said: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Terms(**said)
    assert raised.value.code == code


def test_words_of_users() -> None:
    assert {relation_called(n) for n in ("wasDerivedFrom", "was_derived_from", "WAS_DERIVED_FROM")} == {
        names.WAS_DERIVED_FROM
    }
    assert moment("2026-03-01") == "2026-03-01T00:00:00.000000Z"
    assert moment("2026-03-01T02:00:00+02:00") == moment("2026-03-01")
    with pytest.raises(InvalidInput, match="as_of='yesterday' is no date"):
        moment("yesterday")


def test_components_of_a_long_cycle() -> None:
    nodes = [str(i) for i in range(5000)]
    group = components(nodes, {(a, b) for a, b in pairwise(nodes)} | {("4000", "0")})
    assert len({group[str(i)] for i in range(4001)}) == 1
    assert len(set(group.values())) == 1000
