"""Every kind of rule on random lineages, on both engines, against a direct reading of what it says."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice, pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provgraph
from provgraph import names, persistent
from provgraph.checks.check import check
from provgraph.checks.reading import parse_policy
from provgraph.checks.upstream import Upstream
from provgraph.graph.engine import GraphEngine
from provgraph.graph.lineage import Edge, Lineage, Node
from provgraph.graph.mapper import Mapper
from provgraph.policy import Context
from tests.graph.test_lineage import Graph

_FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_START = datetime(2026, 1, 10)
_CAUSAL = (names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY, names.USED, names.HAD_PLAN)


class OracleRaw(provgraph.DataObject):
    exposure = persistent(float)
    taken = persistent(str, default="")


class OracleFlat(provgraph.DataObject):
    exposure = persistent(float)


def _day(n: int) -> str:
    return (_START + timedelta(hours=12 * n)).isoformat(timespec="microseconds") + "Z"


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, list[str]]:
    """A lineage with cycles, calls inside calls, versions, statements and agents; its ids are its own."""
    mark = uuid.uuid4().hex[:8]
    graph = Graph()
    few = st.integers(0, 6)
    entities = [f"{mark}-e{i}" for i in range(draw(st.integers(2, 8)))]
    for i, id in enumerate(entities):
        kind = draw(st.sampled_from(["OracleRaw", "OracleFlat"]))
        taken = draw(st.sampled_from(["", _day(0), _day(3), "not known"]))
        more = {"taken": taken} if kind == "OracleRaw" and taken else {}
        graph.entity(id, kind, object_id=id, created=_day(draw(few)), exposure=float(draw(st.integers(0, 3))),
                     identity=f"{mark}-i{draw(st.integers(0, 5))}", version=i + 1, **more)  # fmt: skip
    for i in range(2):
        graph.entity(f"{mark}-env{i}", "Environment", object_id=f"{mark}-env{i}", created=_day(0), identity=f"{mark}-v{i}",
                     version=1, python=f"3.1{i + 1}.0", packages=[f"numpy=={i + 1}.5", "astropy==7.0"])  # fmt: skip
    agents = {
        graph.other("Agent", f"{mark}-p{i}", kind="person", name=name, version="") for i, name in enumerate(("Jane", "Bob"))
    } | {graph.other("Agent", f"{mark}-s{i}", kind="software", name="provgraph", version=v)
         for i, v in enumerate(("", "0.1", "0.2"))}  # fmt: skip
    people = sorted(agents)
    calls = [f"{mark}-a{i}" for i in range(draw(st.integers(0, 5)))]
    for i, id in enumerate(calls):
        graph.other("Activity", id, class_name="OracleFlat", method=draw(st.sampled_from(["make", "simulate"])),
                    started=_day(draw(few)), ended=_day(6))  # fmt: skip
        for agent in draw(st.lists(st.sampled_from(people), max_size=2, unique=True)):
            graph.edge(id, names.WAS_ASSOCIATED_WITH, agent, role="x")
        if draw(st.booleans()):
            graph.edge(id, names.USED, f"{mark}-env{draw(st.integers(0, 1))}", role="environment")
        if draw(st.integers(0, 1)):
            graph.edge(id, names.HAD_PLAN, draw(st.sampled_from(entities)))
        if i and draw(st.booleans()):
            graph.edge(id, names.WAS_INFORMED_BY, draw(st.sampled_from(calls[:i])))
        graph.edge(draw(st.sampled_from(entities)), names.WAS_GENERATED_BY, id, role="target")
    for _ in range(draw(st.integers(0, 14))):
        a, b = draw(st.sampled_from(entities)), draw(st.sampled_from(entities))
        if calls and draw(st.integers(0, 1)):
            graph.edge(draw(st.sampled_from(calls)), names.USED, b, role=draw(st.sampled_from(["input", "target"])))
        else:
            graph.edge(a, names.WAS_DERIVED_FROM, b, role=draw(st.sampled_from(["raw", "raw", "revision"])), index=0)
    for id in entities:
        graph.edge(id, names.WAS_ATTRIBUTED_TO, draw(st.sampled_from(people[:2])))
    for i in range(draw(st.integers(0, 3))):
        value, at = draw(st.sampled_from(["valid", "invalid"])), f"{_day(draw(few))}{i}"
        note = graph.other("Note", f"{mark}-n{i}", kind="validity", value=value, recorded=at, valid_from=at)
        graph.edge(note, names.ABOUT, draw(st.sampled_from(entities)))
    return graph, entities


class Plain:
    """A lineage of rows, read edge by edge."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.told = {id: p for (_, id), p in graph.nodes.items()}
        self.label = {id: label for label, id in graph.nodes}

    def to(self, id: str, *relations: str) -> set[str]:
        return {
            t for s, r, t, p in self.graph.edges if s == id and r in relations
            and not (r == names.USED and p["role"] == "target") and p.get("role") != "revision"
        }  # fmt: skip

    def reached(self, ids: set[str], *relations: str) -> set[str]:
        found = set(ids)
        while more := {t for i in found for t in self.to(i, *relations)} - found:
            found |= more
        return found

    def upstream(self, id: str) -> set[str]:
        return self.reached({id}, *_CAUSAL) - {id}

    def around(self, call: str) -> set[str]:
        """A call and those that it was made in."""
        return self.reached({call}, names.WAS_INFORMED_BY)

    def calls(self, id: str) -> set[str]:
        return {i for i in self.upstream(id) if self.label[i] == "Activity"}

    def agents(self, id: str) -> set[str]:
        made_by = {c for call in self.calls(id) for c in self.around(call)}
        found = {t for c in made_by for t in self.to(c, names.WAS_ASSOCIATED_WITH)}
        return found | {t for e in {id, *self.upstream(id)} for t in self.to(e, names.WAS_ATTRIBUTED_TO)}

    def environments(self, id: str) -> set[str]:
        ran = {t for call in self.calls(id) for c in self.around(call) for t in self.environment_of(c)}
        return ran | {i for i in self.upstream(id) if self.told[i].get("class_name") == "Environment"}

    def environment_of(self, call: str) -> set[str]:
        return {t for s, r, t, p in self.graph.edges if s == call and r == names.USED and p["role"] == "environment"}

    def objects(self, id: str, kind: str) -> set[str]:
        return {i for i in self.upstream(id) if self.label[i] == "Entity" and self.told[i]["class_name"] == kind}

    def silent(self, call: str, word: str) -> bool:
        own = {t: self.told[t] for t in self.to(call, names.WAS_ASSOCIATED_WITH)}
        every = {t: self.told[t] for c in self.around(call) for t in self.to(c, names.WAS_ASSOCIATED_WITH)}
        versions = {n: any(a["kind"] == "software" and a["version"] for a in some.values())
                    for n, some in (("own", own), ("every", every))}  # fmt: skip
        return not {
            "software": versions["every"],
            "agent": any(a["kind"] == "person" for a in every.values()),
            "environment": any(self.environment_of(c) for c in self.around(call)),
            "code": versions["own"] or bool(self.to(call, names.HAD_PLAN)),
        }[word]

    def hours(self, a: str, b: str) -> float:
        """From one time to another; NaN where one is none."""
        try:
            one, other = (datetime.fromisoformat(t) for t in (a, b))
        except ValueError:
            return float("nan")
        return (other - one).total_seconds() / 3600

    def made(self, id: str) -> str:
        return str(self.told[id]["created"])

    def invalid(self, id: str) -> bool:
        said = [self.told[s] for s, r, t, _ in self.graph.edges if r == names.ABOUT and t == id]
        return [n["value"] for n in sorted(said, key=lambda n: str(n["recorded"]))][-1:] == ["invalid"]

    def outdated(self, id: str) -> bool:
        mine = self.told[id]
        return any(
            p.get("identity") == mine.get("identity") and p["version"] > mine["version"]
            for i, p in self.told.items() if self.label[i] == "Entity"
        )  # fmt: skip

    def steps(self, id: str) -> dict[str, int]:
        """How far everything upstream is, by the shortest way; a derivation and a generation are steps."""
        level = {id: 0}
        changed = True
        while changed:
            changed = False
            for i in list(level):
                for relation in _CAUSAL:
                    for t in self.to(i, relation):
                        n = level[i] + (relation in (names.WAS_DERIVED_FROM, names.WAS_GENERATED_BY))
                        if n < level.get(t, 10**6):
                            level[t], changed = n, True
        return level


_ALLOWED = {"numpy": {"1.5"}, "provgraph": {"0.2"}}


def _wrong_software(plain: Plain, id: str) -> set[str]:
    wrong = {i for i in plain.environments(id) if "numpy==1.5" not in plain.told[i]["packages"]}
    return wrong | {
        a for a in plain.agents(id) if plain.told[a]["kind"] == "software"
        and plain.told[a]["version"] not in _ALLOWED["provgraph"]
    }  # fmt: skip


# What a rule says, and what is at fault with a thing: None where something is missing, else the nodes.
RULES: list[tuple[str, Callable[[Plain, str], set[str] | bool]]] = [
    ('descends_from = { class = "OracleRaw", where = "exposure > 1" }',
     lambda p, i: not any(p.told[n]["exposure"] > 1 for n in p.objects(i, "OracleRaw"))),
    ('descends_from = { class = ["OracleRaw", "OracleFlat"], at_least = 3 }',
     lambda p, i: len(p.objects(i, "OracleRaw") | p.objects(i, "OracleFlat")) < 3),
    ('descends_from = { class = "OracleRaw", newer_than = "24 h" }',
     lambda p, i: not any(p.hours(p.made(n), p.made(i)) <= 24 for n in p.objects(i, "OracleRaw"))),
    ('descends_from = { class = "OracleRaw", newer_than = "36 h", measured_at = "now", time = "taken" }',
     lambda p, i: not any(p.hours(p.told[n].get("taken", "").rstrip("Z"), _day(4).rstrip("Z")) <= 36
                          for n in p.objects(i, "OracleRaw"))),
    ('descends_from = { calls = "*.make" }',
     lambda p, i: not any(p.told[c]["method"] == "make" for c in p.calls(i))),
    ('not_upstream = { class = "OracleFlat", where = "exposure = 0 or exposure = 2" }',
     lambda p, i: {n for n in p.objects(i, "OracleFlat") if p.told[n]["exposure"] in (0, 2)}),
    ('not_upstream = { class = "OracleRaw", older_than = "24 h" }',
     lambda p, i: {n for n in p.objects(i, "OracleRaw") if p.hours(p.made(n), p.made(i)) > 24}),
    (f'not_upstream = {{ class = "OracleRaw", after = "{_day(2)}", before = "{_day(4)}" }}',
     lambda p, i: {n for n in p.objects(i, "OracleRaw") if _day(2) <= p.made(n) < _day(4)}),
    ('not_upstream = { calls = "OracleFlat.sim*" }',
     lambda p, i: {c for c in p.calls(i) if p.told[c]["method"] == "simulate"}),
    ('every_upstream = { class = "OracleRaw", must = "exposure >= 1", newer_than = "48 h" }',
     lambda p, i: {n for n in p.objects(i, "OracleRaw")
                   if p.told[n]["exposure"] < 1 or not p.hours(p.made(n), p.made(i)) <= 48}),
    (f'every_upstream = {{ class = "OracleFlat", before = "{_day(3)}" }}',
     lambda p, i: {n for n in p.objects(i, "OracleFlat") if p.made(n) >= _day(3)}),
    *((f'every_activity = ["{word}"]', lambda p, i, word=word: {c for c in p.calls(i) if p.silent(c, word)})
      for word in ("software", "agent", "environment", "code")),
    ('software = { NumPy = "<2", provgraph = ">=0.2" }', _wrong_software),
    ('agents = ["J*e"]',
     lambda p, i: {a for a in p.agents(i) if p.told[a]["kind"] == "person" and p.told[a]["name"] != "Jane"}),
    ("valid = true", lambda p, i: {n for n in {i, *p.upstream(i)} if p.invalid(n)}),
    ("newest = true", lambda p, i: {n for n in p.upstream(i) if p.label[n] == "Entity" and p.outdated(n)}),
    ("max_depth = 2", lambda p, i: any(n > 2 for e, n in p.steps(i).items() if "exposure" in p.told[e])),
    ('max_age = "36 h"', lambda p, i: not p.hours(p.made(i), _day(4)) <= 36),
    ('has = { properties = ["exposure", "taken"] }', lambda p, i: not p.told[i].get("taken")),
]  # fmt: skip


def _survey(engine: GraphEngine) -> Any:
    return SimpleNamespace(mapper=Mapper(engine, Context()), names_of=lambda ids: {})


@_FEW
@given(drawn=graphs())
def test_a_rule_says_what_is_at_fault(engine: GraphEngine, drawn: tuple[Graph, list[str]]) -> None:
    graph, entities = drawn
    graph.write(engine)
    plain = Plain(graph)
    classes = '{ class = ["OracleRaw", "OracleFlat"] }'
    said = [text.replace('"exposure", "taken"', '"exposure"') for text, _ in RULES]
    said[-1] = 'has = { properties = ["exposure"] }'
    text = "\n".join(f'[[rule]]\nname = "r{n}"\nfor = {classes}\n{one}' for n, one in enumerate(said))
    text += '\n[[rule]]\nname = "has"\nfor = { class = "OracleRaw" }\nhas = { properties = ["exposure", "taken"] }\n'
    things = [SimpleNamespace(object_id=i) for i in entities]
    report = check(_survey(engine), parse_policy(text), things, at=_day(4))
    for (rule, direct), outcome in zip(RULES[:-1], report.outcomes, strict=False):
        assert {t.id for t in outcome.things} == set(entities)
        told: dict[str, list[Any]] = {}
        for violation in outcome.violations:
            told.setdefault(violation.thing.id, []).append(violation)
        for thing in entities:
            expected, found = direct(plain, thing), told.get(thing, [])
            if isinstance(expected, bool):
                assert bool(found) == expected, rule
            else:
                assert {v.node.id for v in found} == expected, rule
                assert len(found) == len(expected), rule
            for violation in found:
                _is_a_way(plain, thing, violation)
    lacking = report.outcomes[-1]
    raws = {i for i in entities if plain.told[i]["class_name"] == "OracleRaw"}
    assert {t.id for t in lacking.things} == raws
    assert {v.thing.id for v in lacking.violations} == {i for i in raws if not plain.told[i].get("taken")}


def _is_a_way(plain: Plain, thing: str, violation: Any) -> None:
    """Each node of a path is a cause of the one before; agents and environments may be those of the calls around a call."""
    ids = [step.id for step in violation.path]
    assert (ids[0], ids[-1]) == (thing, violation.node.id)
    for a, b in pairwise(ids):
        around = plain.around(a) if plain.label[a] == "Activity" else {a}
        assert any(b in plain.to(c, *_CAUSAL, names.WAS_ASSOCIATED_WITH, names.WAS_ATTRIBUTED_TO) for c in around)


def test_a_walk_is_shared(engine: GraphEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many statements a check takes does not depend on how many things there are."""
    graph = Graph()
    root = graph.entity("root", "OracleRaw", object_id="root", created=_day(0), identity="r", version=1, exposure=1.0)
    things = [
        graph.entity(
            f"t{i}", "OracleFlat", object_id=f"t{i}", created=_day(1), identity=f"t{i}", version=1, exposure=1.0
        )
        for i in range(300)
    ]
    for thing in things:
        graph.edge(thing, names.WAS_DERIVED_FROM, root, role="raw", index=0)
    graph.write(engine)
    policy = parse_policy("\n".join(
        f'[[rule]]\nname = "{n}"\nfor = {{ class = "OracleFlat" }}\n{one}' for n, one in enumerate((
            'not_upstream = { class = "OracleRaw", where = "exposure = 1" }', "valid = true", "newest = true",
            'every_activity = ["agent"]', 'descends_from = { class = "OracleRaw", newer_than = "24 h" }',
        ))
    ))  # fmt: skip
    check(_survey(engine), policy, [SimpleNamespace(object_id=things[0])])  # makes indexes
    asked: list[int] = []
    read = engine.read

    def counting(*given: Any, **more: Any) -> Any:
        asked.append(1)
        return read(*given, **more)

    monkeypatch.setattr(engine, "read", counting)
    counts = []
    for n in (1, 300):
        asked.clear()
        report = check(_survey(engine), policy, [SimpleNamespace(object_id=i) for i in things[:n]])
        assert [len(one.violations) for one in report.outcomes] == [n, 0, 0, 0, 0]
        counts.append(len(asked))
    assert counts[0] == counts[1] < 30


def test_the_nearest_are_found_for_all_together() -> None:
    """The few nearest of many, backwards from all of them, are those that a search from each thing finds."""
    chance = random.Random(3)
    for _ in range(200):
        ids = [f"n{i}" for i in range(12)]
        nodes = tuple(Node(i, "entity", "X", "", {}) for i in ids)
        pairs = {(chance.choice(ids), chance.choice(ids)) for _ in range(chance.randint(5, 30))}
        edges = tuple(Edge(a, b, names.WAS_DERIVED_FROM, {"role": "x"}) for a, b in sorted(pairs))
        upstream = Upstream(None, Lineage(tuple(ids), nodes, edges, True, 0, 0, 0.0))
        wanted = set(chance.sample(ids, 6))
        ways = upstream.nearest(wanted, 2)
        for start in ids:
            every = list(upstream.ways(start, wanted, upstream.leading_to(wanted)))
            few = list(islice(ways(start), 2))
            assert [len(way) for way in few] == [len(way) for way in every[:2]]
            assert all((a.id, b.id) in pairs for way in few for a, b in pairwise(way))
            assert all(way[0].id == start != way[-1].id in wanted for way in few)
