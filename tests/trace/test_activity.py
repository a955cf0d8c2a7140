"""A recorded call: what it used and made, by whom, in which environment; one node for equal environments."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.graph.mapper import Batch, Mapper
from provgraph.graph.setup import prepare
from provgraph.graph.statements import Statement
from provgraph.policy import Context
from provgraph.schema.agents import Agent
from provgraph.schema.files import DataFile
from provgraph.trace.activity import Recorder
from provgraph.trace.environment import environment, software

EDGES = Statement("edges", (
    "MATCH (a:Activity)-[r]->(m) RETURN type(r) AS relation, r.role AS role, "
    "coalesce(m.class_name, m.kind) AS target ORDER BY relation, role",
))  # fmt: skip
GENERATED = Statement(
    "generated", ("MATCH (n:Entity)-[r:WAS_GENERATED_BY]->(a:Activity) RETURN n.name AS name, r.role AS role",)
)
COUNT = Statement("count", ("MATCH (n:Environment) RETURN count(n) AS n",))


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    return Mapper(engine, Context(agent=Agent("person", "Henrietta")))


def record(mapper: Mapper, digest: str) -> Recorder:
    recorder = Recorder("External", "ingest", {"file": "plate.fits"})
    recorder.uses("file", DataFile(digest=digest, name="plate.fits", size=2))
    recorder.generates("file", DataFile(digest=digest + "out", name="plate.h5", size=3))
    recorder.finish(sources=12)
    batch = Batch()
    recorder.into(batch, mapper.context)
    mapper.write(batch)
    return recorder


def test_a_call_is_one_activity_with_all_its_ends(mapper: Mapper) -> None:
    recorder = record(mapper, "sha256:1")
    assert mapper.engine.read(EDGES) == [
        {"relation": "USED", "role": "environment", "target": "Environment"},
        {"relation": "USED", "role": "file", "target": "DataFile"},
        {"relation": "WAS_ASSOCIATED_WITH", "role": "operator", "target": "person"},
        {"relation": "WAS_ASSOCIATED_WITH", "role": "software", "target": "software"},
    ]
    assert mapper.engine.read(GENERATED) == [{"name": "plate.h5", "role": "file"}]
    found = recorder.activity.properties()
    assert (found["status"], found["sources"], found["arguments"]) == ("done", 12, '{"file":"plate.fits"}')
    assert found["started"] <= found["ended"]


def test_an_environment_is_one_node(mapper: Mapper) -> None:
    record(mapper, "sha256:1")
    record(mapper, "sha256:2")
    assert mapper.engine.read(COUNT) == [{"n": 1}]


def test_the_environment_names_packages_and_versions() -> None:
    import numpy

    here = environment()
    assert f"numpy=={numpy.__version__}" in here.packages
    assert here.lineage_key == environment().lineage_key
    assert software().name == "provgraph"
