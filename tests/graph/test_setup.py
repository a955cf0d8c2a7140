"""Making a graph ready, on each engine."""

from __future__ import annotations

import threading
import uuid

import pytest

from provgraph.errors import ProvgraphError, SchemaTooNew, WrongSurvey
from provgraph.graph import loading, setup, statements
from provgraph.graph.dialect import DIALECTS
from provgraph.graph.engine import KEYS, GraphEngine
from provgraph.graph.statements import Statement
from provgraph.names import RELATIONS


def test_a_new_graph_gets_a_survey_and_keeps_it(engine: GraphEngine) -> None:
    survey_id = setup.prepare(engine)
    assert str(uuid.UUID(survey_id)) == survey_id
    assert setup.prepare(engine) == survey_id
    assert setup.prepare(engine, survey_id) == survey_id
    assert engine.read(statements.load("schema/survey")) == [
        {"survey_id": survey_id, "schema_version": setup.SCHEMA_VERSION}
    ]


def test_another_survey_is_refused_and_nothing_changes(engine: GraphEngine) -> None:
    setup.prepare(engine, "one")
    with pytest.raises(WrongSurvey, match=r"holds the survey one, the directory belongs to two") as caught:
        setup.prepare(engine, "two")
    assert caught.value.code == "wrong_survey"
    assert setup.prepare(engine) == "one"


def test_a_newer_schema_is_refused(engine: GraphEngine) -> None:
    setup.prepare(engine, "one")
    engine.write(lambda run: run(statements.load("schema/migrated"), schema_version=setup.SCHEMA_VERSION + 1))
    with pytest.raises(SchemaTooNew, match="upgrade") as caught:
        setup.prepare(engine)
    assert caught.value.code == "schema_too_new"


def test_an_older_schema_is_brought_up_step_by_step(engine: GraphEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.prepare(engine, "one")
    now = setup.SCHEMA_VERSION
    seen: list[int] = []

    def work(engine: GraphEngine) -> None:
        seen.append(engine.read(statements.load("schema/survey"))[0]["schema_version"])

    monkeypatch.setattr(setup, "SCHEMA_VERSION", now + 2)
    with pytest.raises(ProvgraphError) as caught:
        setup.prepare(engine, "one", [setup.Migration(now, work)])
    assert caught.value.code == "schema_too_old"
    setup.prepare(engine, "one", [setup.Migration(now + 1, work), setup.Migration(now - 1, work)])
    assert engine.read(statements.load("schema/survey"))[0]["schema_version"] == now + 2
    assert seen == [now, now + 1]  # each once, and none that was done before
    setup.prepare(engine, "one")


def test_processes_racing_to_prepare_agree(engine: GraphEngine) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(setup.prepare(engine))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_every_key_is_indexed(engine: GraphEngine) -> None:
    """By what the engine says of itself, so that no key falls back to a scan unseen."""
    setup.prepare(engine)
    for name in (
        *DIALECTS[engine.name].documents,
        *DIALECTS[engine.name].ready,
    ):  # before the first import of a PROV document
        engine.write(lambda run: run(statements.load(name)))  # noqa: B023
    wanted = {*KEYS.items(), ("Entity", "lineage_key"), ("Entity", "identity"), ("Entity", "source_set"),
              ("Entity", "digest"), ("Entity", "within"), ("SourceSet", "source_set"), ("SourceSet", "fingerprint"),
              ("Note", "value")}  # fmt: skip
    assert wanted <= _indexes(engine)


def _indexes(engine: GraphEngine) -> set[tuple[str, str]]:
    if engine.name == "embedded":
        rows = engine._database.query("sql", "select typeName, properties from schema:indexes").to_list()  # type: ignore[attr-defined]
        return {(row["typeName"], name) for row in rows for [name] in row["properties"]}
    show = Statement(
        "show", ("SHOW INDEXES YIELD labelsOrTypes, properties, state RETURN labelsOrTypes, properties, state",)
    )
    rows = engine.read(show)
    assert {row["state"] for row in rows} == {"ONLINE"}
    return {(row["labelsOrTypes"][0], row["properties"][0]) for row in rows if len(row["properties"] or ()) == 1}


@pytest.mark.embedded
def test_twins_are_noticed_at_the_start(embedded_engine: GraphEngine) -> None:
    setup.prepare(embedded_engine)
    twin = Statement("twin", ("UNWIND [1, 2] AS i CREATE (n:Entity {object_id: 'same'})",))
    embedded_engine.write(lambda run: run(twin))
    assert setup.find_twins(embedded_engine) == ["same"]
    with pytest.raises(ProvgraphError, match="same") as caught:
        setup.prepare(embedded_engine)
    assert caught.value.code == "graph_damaged"


@pytest.mark.neo4j
def test_neo4j_itself_refuses_twins(neo4j_engine: GraphEngine) -> None:
    setup.prepare(neo4j_engine)
    twin = Statement("twin", ("UNWIND [0, 0] AS i CREATE (n:Entity {project: 'p', lineage_key: 'k:1', repeat: i})",))
    with pytest.raises(ProvgraphError, match="already exists"):
        neo4j_engine.write(lambda run: run(twin))
    several = Statement("s", ("UNWIND [0, 1] AS i CREATE (n:Entity {project: 'p', lineage_key: 'k:1', repeat: i})",))
    neo4j_engine.write(lambda run: run(several))


def test_a_load_that_never_ended_is_removed_and_one_under_way_is_not(engine: GraphEngine) -> None:
    setup.prepare(engine)
    begin, nodes = statements.load("load/begin"), statements.load("load/nodes", labels="Entity")
    for started in ("2020-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"):
        engine.write(lambda run: run(begin, import_id=started, started=started))  # noqa: B023
        engine.write(lambda run: run(nodes, rows=[{"object_id": started, "import_id": started}]))  # noqa: B023
    assert loading.undo_unfinished(engine) == ["2020-01-01T00:00:00.000000Z"]
    left = engine.read(Statement("left", ("MATCH (n:Entity) RETURN n.object_id AS id",)))
    assert left == [{"id": "2999-01-01T00:00:00.000000Z"}]


def test_no_label_is_an_edge_type() -> None:
    """The embedded engine has one namespace for both."""
    assert not {*KEYS, "Survey", "ImportMarker", "SharedCommit"} & set(RELATIONS)
