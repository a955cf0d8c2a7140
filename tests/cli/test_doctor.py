from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.cli import doctor
from provgraph.errors import EXIT_ERROR
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded


def checks(data: dict[str, object]) -> dict[str, dict[str, str]]:
    return {c["name"]: c for c in data["checks"]}  # type: ignore[attr-defined]


def test_everything_works_without_a_survey(run: Run) -> None:
    data = run("doctor", "--json").json
    assert data["works"] is True
    assert checks(data)["embedded engine"]["status"] == doctor.WORKS
    assert checks(data)["survey"]["status"] == doctor.ABSENT
    assert "provgraph init" in checks(data)["survey"]["mend"]
    text = run("doctor").out
    assert "✔ embedded engine" in text
    assert text.endswith("Everything needed works.\n")


def test_a_survey_and_who_holds_it(run: Run, survey: Path) -> None:
    import os

    import provgraph

    assert checks(run("doctor", "--json").json)["survey"]["status"] == doctor.WORKS
    with provgraph.open(survey):
        assert f"shared with process {os.getpid()}" in checks(run("doctor", "--json").json)["survey"]["detail"]


def test_a_graph_that_cannot_be_reached(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVGRAPH_GRAPH", "bolt://127.0.0.1:9")
    said = run("doctor", status=EXIT_ERROR)
    assert "✘ graph" in said.out
    assert "1 broken, see above." in said.out
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", "without colon")
    assert "user:password" in run("doctor", status=EXIT_ERROR).out


def test_a_survey_that_is_damaged(run: Run, survey: Path) -> None:
    (survey / "survey.toml").write_text("survey_id = ")
    data = run("doctor", "--json", status=EXIT_ERROR).json
    assert checks(data)["survey"]["status"] == doctor.BROKEN
    assert "survey.toml" in checks(data)["survey"]["detail"]


def test_originals_that_are_lost(run: Run, survey: Path) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--out", "near.csv")
    found = checks(run("doctor", "--json").json)["originals"]
    assert found["status"] == doctor.WORKS
    assert found["detail"].startswith("1 catalog, ")
    (original,) = [p for p in (survey / "segments").glob("??/*.h5") if b"kind" in p.read_bytes()]
    whole = original.read_bytes()
    for change, why in ((whole[:-8], f"{len(whole) - 8} bytes instead of {len(whole)}"), (None, "is gone")):
        original.unlink() if change is None else original.write_bytes(change)
        found = checks(run("doctor", "--json", status=EXIT_ERROR).json)["originals"]
        assert found["status"] == doctor.BROKEN
        assert why in found["detail"]
        assert "field@1" in found["detail"]
        assert "ingest catalog.csv again" in found["mend"]
    run("ingest", "catalog.csv", "--id", "ID", "--unit", "mag=mag", "--missing", "mag=-9")
    assert checks(run("doctor", "--json").json)["originals"]["status"] == doctor.WORKS
    for derived in set((survey / "segments").glob("??/*.h5")):
        if b"kind" not in derived.read_bytes():
            derived.unlink()  # made again when it is wanted
    assert checks(run("doctor", "--json").json)["originals"]["status"] == doctor.WORKS


def test_a_survey_that_is_not_where_it_should_be(run: Run) -> None:
    data = run("doctor", "--survey", "nowhere", "--json", status=EXIT_ERROR).json
    assert checks(data)["survey"]["status"] == doctor.BROKEN


def test_an_extra_that_is_absent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "prov", ("no_such_module", "something"))
    found = checks(run("doctor", "--json").json)["extra prov"]
    assert (found["status"], found["mend"]) == (doctor.ABSENT, "pip install 'provgraph[prov]'")


@pytest.mark.neo4j
def test_a_server(run: Run, neo4j_server: object, monkeypatch: pytest.MonkeyPatch) -> None:
    uri, (user, password) = neo4j_server.uri, neo4j_server.auth  # type: ignore[attr-defined]
    monkeypatch.setenv("PROVGRAPH_GRAPH", uri)
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", f"{user}:{password}")
    found = checks(run("doctor", "--json").json)["graph"]
    assert found["status"] == doctor.WORKS
    assert found["detail"].startswith("Neo4j ")
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", f"{user}:wrong")
    assert checks(run("doctor", "--json", status=EXIT_ERROR).json)["graph"]["mend"] == "(graph_auth_failed)"
