"""Lineage on both engines, against a plain walk over the same edges."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from provgraph import names
from provgraph.errors import InvalidInput, NotFound
from provgraph.graph import setup
from provgraph.graph.engine import GraphEngine
from provgraph.graph.lineage import WAS_INFLUENCED_BY, Lineage, traverse
from provgraph.graph.statements import Statement
from tests.conftest import ENGINES

ENDS = {
    names.WAS_DERIVED_FROM: ("Entity", "Entity"),
    names.WAS_GENERATED_BY: ("Entity", "Activity"),
    names.USED: ("Activity", "Entity"),
    names.HAD_PLAN: ("Activity", "Entity"),
    names.WAS_INFORMED_BY: ("Activity", "Activity"),
    names.WAS_ASSOCIATED_WITH: ("Activity", "Agent"),
    names.WAS_ATTRIBUTED_TO: ("Entity", "Agent"),
    names.ACTED_ON_BEHALF_OF: ("Agent", "Agent"),
    names.HOLDS: ("Entity", "Column"),
    names.ABOUT: ("Note", "Entity"),
}
KEYS = {
    "Entity": "object_id",
    "Activity": "activity_id",
    "Agent": "agent_id",
    "Column": "origin_key",
    "Note": "note_id",
}


class Graph:
    """A graph as rows, written to an engine at once."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, str], dict[str, Any]] = {}
        self.classes: dict[str, str] = {}
        self.edges: list[tuple[str, str, str, dict[str, Any]]] = []

    def entity(self, id: str, class_name: str = "Frame", **properties: Any) -> str:
        self.nodes["Entity", id] = {"class_name": class_name, **properties}
        return id

    def collection(self, id: str, *origins: str, **properties: Any) -> str:
        return self.entity(id, "SourceCollection", origins=list(origins), **properties)

    def other(self, label: str, id: str, **properties: Any) -> str:
        self.nodes[label, id] = properties
        return id

    def edge(self, source: str, relation: str, *targets: str, **properties: Any) -> None:
        for target in targets:
            self.edges.append((source, relation, target, properties))

    def write(self, engine: GraphEngine) -> None:
        setup.prepare(engine)
        by_labels: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for (label, id), properties in self.nodes.items():
            labels = f"{label}:DBObject:{properties['class_name']}" if label == "Entity" else label
            by_labels[labels].append({KEYS[label]: id, **properties})

        def work(run: Any) -> None:
            for labels, rows in by_labels.items():
                run(Statement("nodes", (f"UNWIND $rows AS row CREATE (n:{labels}) SET n += row",)), rows=rows)
            for relation in {r for _, r, _, _ in self.edges}:
                a, b = ENDS[relation]
                rows = [{"s": s, "t": t, "p": p} for s, r, t, p in self.edges if r == relation]
                text = (f"UNWIND $rows AS row MATCH (a:{a} {{{KEYS[a]}: row.s}}) MATCH (b:{b} {{{KEYS[b]}: row.t}}) "
                        f"CREATE (a)-[r:{relation}]->(b) SET r += row.p")  # fmt: skip
                run(Statement("edges", (text,)), rows=rows)

        engine.write(work)


def ids(lineage: Lineage, kind: str = "entity") -> list[str]:
    return [n.id for n in lineage.nodes if n.kind == kind]


def edges(lineage: Lineage) -> set[tuple[str, str, str]]:
    return {(e.source, e.relation, e.target) for e in lineage.edges}


@pytest.fixture(scope="module", params=ENGINES)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A catalog ingested from a file, selected from, calculated on, its results stored; on each engine."""
    graph = Graph()
    graph.entity("file", "DataFile", name="sdss.fits")
    graph.entity("env", "Environment")
    graph.collection("external", "o:z", "o:i")
    graph.collection("filter", "o:z", "o:i")
    graph.entity("criterion", "Criterion", text="z < 0.5", origins=["o:z"])
    graph.collection("calculator", "o:m")
    graph.entity("definition", "AttributeCalculatorDefinition", name="absmag")
    graph.entity("params", "ProcessParameters", names=["H0"], values=[70.0])
    graph.collection("result", "o:z", "o:m")
    for segment, columns in (("raw", ("o:z", "o:i")), ("made", ("o:m",))):
        graph.entity(segment, "Segment", n=5)
        graph.edge(segment, names.HOLDS, *(graph.other("Column", c) for c in columns))
    for call in ("pull", "ingest", "process"):
        graph.other("Activity", call, class_name="Survey", method=call)
    graph.other("Agent", "agent:me", kind="person", name="Me")
    graph.other("Agent", "agent:kit", kind="organisation", name="KIT")
    for note, value, when in (("n1", "old name", "2026-01-01"), ("n2", "bright", "2026-02-01")):
        graph.other("Note", note, kind="name", value=value, recorded=when)
        graph.edge(note, names.ABOUT, "result")
    graph.edge("external", names.WAS_DERIVED_FROM, "file", role="file", index=0)
    graph.edge("filter", names.WAS_DERIVED_FROM, "external", role="parent", index=0)
    graph.edge("filter", names.WAS_DERIVED_FROM, "criterion", role="criterion", index=0)
    graph.edge("calculator", names.WAS_DERIVED_FROM, "external", role="parent", index=0)
    graph.edge("calculator", names.WAS_DERIVED_FROM, "definition", role="definition", index=0)
    graph.edge("calculator", names.WAS_DERIVED_FROM, "params", role="process_params", index=0)
    graph.edge("result", names.WAS_DERIVED_FROM, "calculator", role="parent", index=1)
    graph.edge("result", names.WAS_DERIVED_FROM, "filter", role="parent", index=0)
    graph.edge("raw", names.WAS_GENERATED_BY, "ingest", role="segment")
    graph.edge("made", names.WAS_GENERATED_BY, "process", role="segment")
    graph.edge("ingest", names.USED, "file", role="file")
    graph.edge("ingest", names.USED, "env", role="environment")
    graph.edge("process", names.USED, "raw", role="segment")
    graph.edge("process", names.USED, "env", role="environment")
    graph.edge("process", names.USED, "params", role="process_params")
    graph.edge("process", names.USED, "result", role="target")
    graph.edge("process", names.HAD_PLAN, "definition")
    graph.edge("process", names.WAS_INFORMED_BY, "pull")
    graph.edge("ingest", names.WAS_ASSOCIATED_WITH, "agent:me", role="operator")
    graph.edge("process", names.WAS_ASSOCIATED_WITH, "agent:me", role="operator")
    graph.edge("agent:me", names.ACTED_ON_BEHALF_OF, "agent:kit")
    graph.edge("result", names.WAS_ATTRIBUTED_TO, "agent:me")
    if request.param == "embedded":
        from provgraph.graph.embedded import EmbeddedEngine

        with EmbeddedEngine(tmp_path_factory.mktemp("pipeline") / "graph", durable=False) as engine:
            graph.write(engine)
            yield engine
    else:
        from provgraph.graph.neo4j import Neo4jEngine
        from tests.conftest import empty

        server = request.getfixturevalue("neo4j_server")
        with Neo4jEngine(server.uri, server.auth) as engine:
            empty(engine)
            graph.write(engine)
            yield engine
            empty(engine)


def test_depth_counts_hops_between_entities(pipeline: GraphEngine) -> None:
    none = traverse(pipeline, ["result"], up=0)
    assert [n.id for n in none.nodes] == ["result", "agent:kit", "agent:me"]
    one = traverse(pipeline, ["result"], up=1)
    assert ids(one)[0] == "result"
    assert set(ids(one)) == {"result", "calculator", "filter", "raw", "made", "file", "env", "definition", "params"}
    two = traverse(pipeline, ["result"], up=2)
    assert set(ids(two)) == set(ids(one)) | {"external", "criterion"}
    assert edges(traverse(pipeline, ["result"], up=1000)) == edges(traverse(pipeline, ["result"], up=3))


def test_the_calls_behind_stored_columns_come_with_agents_plan_and_callers(pipeline: GraphEngine) -> None:
    lineage = traverse(pipeline, ["result"], up=3)
    assert set(ids(lineage, "activity")) == {"ingest", "process", "pull"}
    assert set(ids(lineage, "agent")) == {"agent:me", "agent:kit"}
    assert {
        ("process", names.HAD_PLAN, "definition"), ("process", names.WAS_INFORMED_BY, "pull"),
        ("process", names.USED, "params"), ("process", names.USED, "env"), ("process", names.USED, "raw"),
        ("made", names.WAS_GENERATED_BY, "process"), ("ingest", names.USED, "file"),
        ("process", names.WAS_ASSOCIATED_WITH, "agent:me"), ("agent:me", names.ACTED_ON_BEHALF_OF, "agent:kit"),
        ("result", names.WAS_ATTRIBUTED_TO, "agent:me"),
    } <= edges(lineage)  # fmt: skip
    assert lineage.complete
    assert lineage.truncated == 0


def test_segments_are_said_to_influence_where_their_columns_begin(pipeline: GraphEngine) -> None:
    def influences(up: int) -> set[tuple[str, str]]:
        lineage = traverse(pipeline, ["result"], up=up)
        return {(e.source, e.target) for e in lineage.edges if e.relation == WAS_INFLUENCED_BY}

    assert influences(1) == {("result", "raw"), ("result", "made")}
    assert influences(2) == {("filter", "raw"), ("calculator", "made")}
    assert influences(3) == {("external", "raw"), ("calculator", "made")}


def test_what_was_asked_for_is_not_a_cause_of_what_was_made_for_it(pipeline: GraphEngine) -> None:
    lineage = traverse(pipeline, ["calculator"], up=9)
    assert "process" in ids(lineage, "activity")
    assert "result" not in ids(lineage)


def test_down_goes_to_what_was_derived_and_what_calls_generated(pipeline: GraphEngine) -> None:
    one = traverse(pipeline, ["file"], up=0, down=1)
    assert set(ids(one)) == {"file", "external", "raw"}
    assert set(ids(one, "activity")) == {"ingest"}
    assert ("raw", names.WAS_GENERATED_BY, "ingest") in edges(one)
    everything = traverse(pipeline, ["file"], up=0, down=9)
    assert set(ids(everything)) == {"file", "external", "raw", "filter", "calculator", "made", "result"}
    assert set(ids(traverse(pipeline, ["definition"], up=0, down=1))) == {"definition", "calculator", "made"}


def test_a_node_says_what_it_is(pipeline: GraphEngine) -> None:
    lineage = traverse(pipeline, ["result"], up=3)
    result = lineage.node("result")
    assert (result.kind, result.class_name, result.label) == ("entity", "SourceCollection", "bright")
    assert set(result.labels) == {"Entity", "DBObject", "SourceCollection"}
    assert result.properties["origins"] == ["o:z", "o:m"]
    assert lineage.node("file").label == "sdss.fits"
    assert lineage.node("criterion").label == "z < 0.5"
    assert lineage.node("env").label == "Environment"
    assert (lineage.node("ingest").class_name, lineage.node("ingest").label) == ("Survey", "ingest")
    assert (lineage.node("agent:kit").class_name, lineage.node("agent:kit").label) == ("organisation", "KIT")
    with pytest.raises(NotFound, match="elsewhere is not in this lineage"):
        lineage.node("elsewhere")
    roles = [e.properties["role"] for e in lineage.edges if (e.source, e.target) == ("external", "file")]
    assert roles == ["file"]


def test_the_limit_keeps_the_nearest_and_says_what_is_missing(pipeline: GraphEngine) -> None:
    whole = traverse(pipeline, ["result"], up=3)
    for limit in range(1, len(whole.nodes) + 1):
        part = traverse(pipeline, ["result"], up=3, limit=limit)
        assert len(part.nodes) <= limit
        assert part.nodes[0].id == "result"
        shown = {n.id for n in part.nodes}
        assert {e.source for e in part.edges} | {e.target for e in part.edges} <= shown
        assert part.complete == (part.truncated == 0) == (len(part.nodes) == len(whole.nodes))
        if part.complete:
            assert part.nodes == whole.nodes


def test_several_roots_and_the_order_is_always_the_same(pipeline: GraphEngine) -> None:
    lineage = traverse(pipeline, ["filter", "calculator", "filter"], up=1, down=1)
    assert lineage.roots == ("filter", "calculator")
    assert ids(lineage)[:2] == ["filter", "calculator"]
    assert {"external", "result"} <= set(ids(lineage))
    again = traverse(pipeline, ["filter", "calculator"], up=1, down=1)
    assert (again.nodes, again.edges) == (lineage.nodes, lineage.edges)


def test_what_is_not_there_or_out_of_range_is_one_sentence(pipeline: GraphEngine) -> None:
    with pytest.raises(NotFound, match="There is no object nowhere"):
        traverse(pipeline, ["result", "nowhere"], up=2)
    with pytest.raises(InvalidInput, match="depth up=-1") as raised:
        traverse(pipeline, ["result"], up=-1)
    assert raised.value.code == "lineage_depth"
    with pytest.raises(InvalidInput, match="depth down=5000"):
        traverse(pipeline, ["result"], down=5000)
    with pytest.raises(InvalidInput, match="limit of 0 nodes") as raised:
        traverse(pipeline, ["result"], limit=0)
    assert raised.value.code == "lineage_limit"


def test_cycles_and_edges_to_oneself_survive(engine: GraphEngine) -> None:
    graph = Graph()
    for id in "abcd":
        graph.entity(id)
    for source, target in ("ab", "bc", "ca", "aa", "cd"):
        graph.edge(source, names.WAS_DERIVED_FROM, target, role="parent", index=0)
    graph.write(engine)
    lineage = traverse(engine, ["a"], up=1000)
    assert ids(lineage) == list("abcd")
    assert {(s, t) for s, _, t in edges(lineage)} == {tuple(e) for e in ("ab", "bc", "ca", "aa", "cd")}
    assert ids(traverse(engine, ["a"], up=1)) == ["a", "b"]
    assert lineage.statements <= 4
    assert set(ids(traverse(engine, ["d"], up=0, down=1000))) == set("abcd")


def layered(layers: int, width: int) -> Graph:
    """Collections with three parents each: 3^layers ways up from each of the last."""
    graph = Graph()
    for layer in range(layers):
        for i in range(width):
            id = graph.collection(f"{layer:03d}-{i:03d}", f"o:{i}")
            if layer:
                parents = {f"{layer - 1:03d}-{(i + k) % width:03d}" for k in range(3)}
                graph.edge(id, names.WAS_DERIVED_FROM, *sorted(parents), role="parent", index=0)
    return graph


@pytest.mark.parametrize(("layers", "width"), [(12, 3), (12, 12)])
def test_the_number_of_statements_does_not_grow_with_the_graph(engine: GraphEngine, layers: int, width: int) -> None:
    layered(layers, width).write(engine)
    last = f"{layers - 1:03d}-000"
    up = traverse(engine, [last], up=10)
    assert up.statements == 4  # nobody responsible: no calls and agents to read
    assert len(up.nodes) == 1 + sum(min(2 * k + 1, width) for k in range(1, 11))
    assert len(up.edges) == sum(min(2 * k + 1, width) for k in range(0, 10)) * 3
    both = traverse(engine, ["006-001"], up=10, down=10)
    assert both.statements == 6
    cut = traverse(engine, [last], up=10, limit=2)
    assert (len(cut.nodes), cut.complete, cut.statements) == (2, False, 3)
    assert cut.truncated >= 2


def test_a_long_chain_takes_a_statement_for_five_hops(engine: GraphEngine) -> None:
    graph = layered(47, 1)
    graph.edges = list({(s, r, t): (s, r, t, p) for s, r, t, p in graph.edges}.values())
    graph.write(engine)
    lineage = traverse(engine, ["046-000"], up=1000)
    assert len(lineage.nodes) == 47
    assert lineage.statements == 12
    assert [n.id for n in traverse(engine, ["046-000"], up=23).nodes] == [f"{46 - k:03d}-000" for k in range(24)]


def hops(graph: Graph, roots: Iterable[str], depth: int, *, up: bool) -> dict[str, int]:
    """Entities by hops, by walking the edges one entity at a time."""
    derived, made, used = (
        [(s, t) if up else (t, s) for s, r, t, _ in graph.edges if r == relation]
        for relation in (names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY, names.USED)
    )
    first, second = (made, used) if up else (used, made)
    found = dict.fromkeys(roots, 0)
    frontier = list(found)
    for level in range(1, depth + 1):
        calls = {t for s, t in first if s in frontier}
        reached = {t for s, t in derived if s in frontier} | {t for s, t in second if s in calls}
        frontier = sorted(reached - found.keys())
        found |= dict.fromkeys(frontier, level)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_random_graphs_of_derivations_and_calls_agree_with_a_plain_walk(engine: GraphEngine, seed: int) -> None:
    random_ = random.Random(seed)
    graph = Graph()
    entities = [graph.entity(f"e{i:02d}") for i in range(40)]
    calls = [graph.other("Activity", f"a{i:02d}", class_name="C", method="m") for i in range(20)]
    for _ in range(30):
        graph.edge(random_.choice(entities), names.WAS_DERIVED_FROM, random_.choice(entities), role="parent", index=0)
        graph.edge(random_.choice(calls), names.USED, random_.choice(entities), role="input")
    for call in calls:
        graph.edge(random_.choice(entities), names.WAS_GENERATED_BY, call, role="output")
    graph.write(engine)
    for root in entities[:6]:
        for up, down in ((1, 0), (3, 0), (13, 0), (0, 2), (0, 12), (2, 2)):
            lineage = traverse(engine, [root], up=up, down=down)
            expected = hops(graph, [root], up, up=True).keys() | hops(graph, [root], down, up=False).keys()
            assert set(ids(lineage)) == expected, (root, up, down)
            shown = {n.id for n in lineage.nodes}
            own = {(s, r, t) for s, r, t, _ in graph.edges if s in shown and t in shown}
            assert edges(lineage) == own
            inner = {e for e, level in hops(graph, [root], up, up=True).items() if level < up}
            assert {t for s, r, t, _ in graph.edges if r == names.WAS_GENERATED_BY and s in inner} <= shown
