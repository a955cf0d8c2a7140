"""What is affected if something is wrong, on both engines, against reachability counted plainly."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

import provgraph
from provgraph import link, names, persistent
from provgraph.errors import InvalidInput
from provgraph.graph.engine import GraphEngine
from provgraph.graph.walk import walk
from provgraph.schema.objects import DBObject
from provgraph.targets.impact import impact
from tests.graph.test_lineage import Graph
from tests.surveys import OpenSurvey, open_survey  # noqa: F401


class ImpactRaw(provgraph.DataObject):
    n = persistent(int)


class ImpactFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(ImpactRaw)

    def make(self) -> None:
        self.attach(self.raw.retrieve().read_bytes() * 2)


class ImpactMosaic(provgraph.DataObject, provgraph.ProcessTarget):
    flats = link(list[ImpactFlat])

    def make(self) -> None:
        self.attach(b"".join(f.retrieve().read_bytes() for f in self.flats))


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    return open_survey()


def _mapper(engine: GraphEngine) -> Any:
    from provgraph.graph import statements

    return SimpleNamespace(
        walk=lambda roots, terms, until="": walk(engine, roots, terms, until=until),
        read=lambda name, **p: engine.read(statements.load(f"queries/{name}"), **p),
    )


@pytest.mark.parametrize("seed", range(4))
def test_it_is_all_that_can_be_reached(engine: GraphEngine, seed: int) -> None:
    chance = random.Random(seed)
    graph = Graph()
    entities = [
        graph.entity(
            f"e{i}", chance.choice(["Frame", "Flat", "Segment"]), size=10, **({"deleted": "x"} if i == 7 else {})
        )
        for i in range(25)
    ]
    calls = [
        graph.other("Activity", f"a{i}", class_name="Frame", method="make", seconds=float(2**i), started="2026-01-01")
        for i in range(12)
    ]
    steps = set()
    for _ in range(25):
        s, t = chance.choice(entities), chance.choice(entities)
        role = chance.choice(["raw", "revision"])
        graph.edge(s, names.WAS_DERIVED_FROM, t, role=role)
        if role != "revision":
            steps.add((t, s))
    made: dict[str, set[str]] = {}
    for call in calls:
        used, given = chance.choice(entities), chance.choice(entities)
        graph.edge(call, names.USED, used, role="input")
        graph.edge(given, names.WAS_GENERATED_BY, call, role="target")
        made.setdefault(given, set()).add(call)
        steps |= {(used, call), (call, given)}
        if chance.random() < 0.3 and (other := chance.choice(calls)) > call:
            graph.edge(call, names.WAS_INFORMED_BY, other)
    graph.write(engine)
    survey = SimpleNamespace(mapper=_mapper(engine))
    for start in entities[:6]:
        reached = {start}
        while more := {t for s, t in steps if s in reached} - reached:
            reached |= more
        expected = {i for i in reached if i.startswith("e")} - {start, "e7"}
        found = impact(survey, [SimpleNamespace(object_id=start)])  # type: ignore[list-item]
        assert {one.id for one in found.affected} == expected
        assert sum(found.by_class.values()) == len(expected) == len(found)
        assert found.complete
        told = {c for i in expected for c in made.get(i, ())}
        callers = {s: {t for a, r, t, _ in graph.edges if r == names.WAS_INFORMED_BY and a == s} for s in told}
        outer = {c for c in told if not _within(c, callers, graph) & (told - {c})}
        assert found.seconds == sum(2.0 ** int(c[1:]) for c in outer)
        stored = impact(survey, [SimpleNamespace(object_id=start)], only="stored")  # type: ignore[list-item]
        kinds = {i: graph.nodes["Entity", i]["class_name"] for i in expected}
        assert {one.id for one in stored.affected} == {i for i in expected if kinds[i] == "Segment"}
        assert stored.bytes == 10 * len(stored)


def _within(call: str, callers: dict[str, set[str]], graph: Graph) -> set[str]:
    found = {call}
    while more := {t for s, r, t, _ in graph.edges if r == names.WAS_INFORMED_BY and s in found} - found:
        found |= more
    return found


def test_it_is_told_before_it_is_declared(survey: Any) -> None:
    raws = [survey.store(ImpactRaw(n=n, file=bytes([n]) * 100)) for n in range(3)]
    flats = [survey.make(ImpactFlat(raw=raw)) for raw in raws]
    mosaic = survey.make(ImpactMosaic(flats=flats))
    other = survey.make(ImpactMosaic(flats=flats[1:]))
    survey.annotate(mosaic, identifier="doi:10.1/x")
    told = survey.impact(raws[0])
    assert told.by_class == {"ImpactFlat": 1, "ImpactMosaic": 1}
    assert [one.steps for one in told.affected] == [1, 2]
    assert told.bytes == 200 + 600
    assert [(one.id, one.identifiers) for one in told.published] == [(mosaic.object_id, ("doi:10.1/x",))]
    assert told.seconds > 0
    assert "1 published:" in str(told)
    assert survey.status(mosaic).up_to_date
    assert {one.id for one in survey.impact(raws[0], only="published").affected} == {mosaic.object_id}
    assert len(survey.impact(raws[0], raws[1])) == 4
    told.invalidate("it was the wrong filter")
    assert "it was the wrong filter" in str(survey.status(mosaic))
    assert survey.status(other).up_to_date
    assert survey.impact(mosaic).as_dict()["affected"] == 0
    assert str(survey.impact(mosaic)) == "Nothing depends on it."
    survey.invalidate(flats[0], "too")
    assert [one.invalid for one in survey.impact(raws[0]).affected] == [True, False]


def test_wrong_words(survey: Any) -> None:
    raw: DBObject = survey.store(ImpactRaw(n=1, file=b"x"))
    for more, code in (({"cause": "stolen"}, "impact_cause"), ({"only": "some"}, "impact_only")):
        with pytest.raises(InvalidInput) as raised:
            survey.impact(raw, **more)
        assert raised.value.code == code
    with pytest.raises(InvalidInput, match="cause='invalid'"):
        survey.impact(raw, cause="superseded").invalidate("no")
    with pytest.raises(InvalidInput, match="Say what may be wrong"):
        survey.impact()


def test_a_newer_version_does_not_depend_on_the_older(survey: Any) -> None:
    raw = survey.store(ImpactRaw(n=1, file=b"x"))
    better = survey.new_version(raw, file=b"y")
    assert better.version == raw.version + 1
    assert len(survey.impact(raw)) == 0


def test_as_of_and_paths_of_a_survey(survey: Any) -> None:
    raws = [survey.store(ImpactRaw(n=n, file=bytes([n]) * 100)) for n in range(2)]
    flats = [survey.make(ImpactFlat(raw=raw)) for raw in raws]
    mosaic = survey.make(ImpactMosaic(flats=flats))
    later = survey.make(ImpactMosaic(flats=flats[:1]))
    now = survey.lineage(flats[0], up=0, down=9, only=ImpactMosaic)
    then = survey.lineage(flats[0], up=0, down=9, only=ImpactMosaic, as_of=mosaic.created)
    assert {n.id for n in now.nodes} - {n.id for n in then.nodes} == {later.object_id}
    survey.invalidate(flats[0], "wrong")
    valid = survey.lineage(mosaic, only=[ImpactFlat, ImpactRaw], valid_at="2100-01-01")
    assert {n.id for n in valid.nodes} == {mosaic.object_id, flats[1].object_id, raws[1].object_id}
    ways = survey.paths(raws[0], mosaic, relations="wasDerivedFrom")
    assert [n.id for n in ways.ways[0].nodes] == [mosaic.object_id, flats[0].object_id, raws[0].object_id]
    assert survey.paths(raws[0], raws[1]).ways == ()
    shared = survey.common_ancestors(mosaic, later, only=[ImpactFlat, ImpactRaw])
    assert [n.id for n in shared] == [flats[0].object_id, raws[0].object_id]
    assert shared.nearest == (flats[0].object_id,)
