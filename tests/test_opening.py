"""A survey and its graph belong together; who opens what, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.errors import GraphUnavailable, NotFound, SchemaTooNew, WrongSurvey
from provgraph.graph.statements import Statement
from provgraph.opening import find
from tests.surveys import catalog, galaxies, open_survey, survey, write_fits  # noqa: F401


def test_a_survey_is_found_upwards(survey: Any) -> None:
    below = survey.directory / "notes" / "deep"
    below.mkdir(parents=True)
    assert find(below) == survey.directory


def test_no_survey_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="provgraph init"):
        provgraph.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_it_is_the_same_survey_again(open_survey: Any) -> None:
    assert open_survey().survey_id == open_survey().survey_id


def test_a_newer_schema_is_refused(open_survey: Any) -> None:
    survey = open_survey()
    newer = Statement("newer", ("MATCH (s:Survey) SET s.schema_version = 999",))
    survey.engine.write(lambda run: run(newer))
    survey.close()
    with pytest.raises(SchemaTooNew) as caught:
        open_survey()
    assert caught.value.code == "schema_too_new"


@pytest.mark.neo4j
def test_directory_and_database_of_different_surveys(neo4j_server: Any, tmp_path: Path) -> None:
    from provgraph.graph.neo4j import Neo4jEngine
    from tests.conftest import empty

    with Neo4jEngine(neo4j_server.uri, neo4j_server.auth) as engine:
        empty(engine)
    served = {"graph": neo4j_server.uri, "auth": neo4j_server.auth}
    provgraph.open(tmp_path / "one", **served).close()
    with pytest.raises(WrongSurvey) as caught:
        provgraph.open(tmp_path / "two", **served)
    assert caught.value.code == "wrong_survey"
    assert not (tmp_path / "two" / "survey.toml").exists()


@pytest.mark.embedded
def test_an_embedded_survey_keeps_its_engine(tmp_path: Path) -> None:
    provgraph.open(tmp_path / "one").close()
    with pytest.raises(WrongSurvey, match="embedded"):
        provgraph.open(tmp_path / "one", graph="bolt://127.0.0.1:1")


def test_a_graph_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GraphUnavailable) as caught:
        provgraph.open(tmp_path / "one", graph="bolt://127.0.0.1:1", auth=("neo4j", "x"))
    assert caught.value.code == "graph_unreachable"


@pytest.mark.neo4j
def test_a_wrong_password(neo4j_server: Any, tmp_path: Path) -> None:
    with pytest.raises(GraphUnavailable) as caught:
        provgraph.open(tmp_path / "one", graph=neo4j_server.uri, auth=("neo4j", "not the password"))
    assert caught.value.code == "graph_auth_failed"


@pytest.mark.neo4j
def test_a_server_that_is_too_old(too_old_neo4j: Any, tmp_path: Path) -> None:
    with pytest.raises(GraphUnavailable, match=r"is Neo4j/5\.25\.1; provgraph needs Neo4j 5\.26 or newer\.$") as caught:
        provgraph.open(tmp_path / "one", graph=too_old_neo4j.uri, auth=too_old_neo4j.auth)
    assert caught.value.code == "graph_too_old"
    done = subprocess.run(
        [sys.executable, "-m", "provgraph", "init", "two", "--graph", too_old_neo4j.uri], capture_output=True, text=True,
        cwd=tmp_path, env={**os.environ, "PROVGRAPH_GRAPH_AUTH": ":".join(too_old_neo4j.auth)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"provgraph: {caught.value}\n")
    assert list(tmp_path.iterdir()) == []
    from neo4j import GraphDatabase

    with GraphDatabase.driver(too_old_neo4j.uri, auth=too_old_neo4j.auth) as driver:
        for there in ("MATCH (n) RETURN n", "SHOW CONSTRAINTS YIELD name RETURN name"):
            assert driver.execute_query(there).records == []


SECOND = """
import sys, provgraph
survey = provgraph.open(sys.argv[1])
pull = survey.pull("A", ["id", "absmag"], where="redshift < 0.1", name="near")
print(len(pull.table()), pull.result.object_id)
"""


@pytest.mark.embedded
def test_a_second_process_just_works(tmp_path: Path) -> None:
    with provgraph.open(tmp_path / "survey") as survey:
        survey.ingest(write_fits(tmp_path / "a.fits", galaxies()), name="A", id="id")
        survey.define_calculator(
            "absmag", requires=["redshift", "mag_u"], expression="mag_u - distmod(redshift)", unit="mag"
        )
        command = [sys.executable, "-c", SECOND, str(tmp_path / "survey")]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        mine = survey.pull("A", ["id", "absmag"], where="redshift < 0.1")
        answers = {p.communicate()[0].strip() for p in running}
        assert answers == {f"{len(mine.table())} {mine.result.object_id}"}
        assert survey["near"].object_id == mine.result.object_id


@pytest.mark.embedded
def test_a_lost_graph_is_not_an_empty_survey(tmp_path: Path) -> None:
    with provgraph.open(tmp_path / "survey") as survey:
        survey.ingest(write_fits(tmp_path / "a.fits", galaxies(10)), name="A", id="id")
    shutil.rmtree(tmp_path / "survey" / "graph")
    with pytest.raises(GraphUnavailable) as caught:
        provgraph.open(tmp_path / "survey")
    assert caught.value.code == "graph_missing"
    assert not (tmp_path / "survey" / "graph").exists()


@pytest.mark.neo4j
def test_an_emptied_database_is_not_an_empty_survey(neo4j_server: Any, tmp_path: Path) -> None:
    from provgraph.graph.neo4j import Neo4jEngine
    from tests.conftest import empty

    served = {"graph": neo4j_server.uri, "auth": neo4j_server.auth}
    with Neo4jEngine(neo4j_server.uri, neo4j_server.auth) as engine:
        empty(engine)
        with provgraph.open(tmp_path / "survey", **served) as survey:
            survey.ingest(write_fits(tmp_path / "a.fits", galaxies(10)), name="A", id="id")
        empty(engine)
    with pytest.raises(GraphUnavailable) as caught:
        provgraph.open(tmp_path / "survey", **served)
    assert caught.value.code == "graph_missing"
