"""relation, find by relations, why, status, split."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.errors import EXIT_DIFFERS, EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run
from tests.installed import site  # noqa: F401

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]


@pytest.fixture
def selections(run: Run, survey: Path) -> None:
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near")
    run("pull", "field", "ID", "absmag", "--where", "z < 0.35", "--name", "nearer", "--explain")


@pytest.mark.usefixtures("selections")
def test_each_answer_has_its_sentence(run: Run) -> None:
    lines = run("relation", "nearer", "near").out.splitlines()
    assert lines[0] == "is nearer@1 part of near@1? yes"
    assert "z < 0.35 implies z < 0.5" in lines[1]
    assert len(lines) == 8
    data = run("relation", "nearer", "near", "--json").json
    assert (data["a"]["name"], data["b"]["name"]) == ("nearer", "near")
    assert {q: data[q]["answer"] for q in ("subset", "superset", "equal")} == {
        "subset": "yes", "superset": "unknown", "equal": "unknown",
    }  # fmt: skip
    assert data["subset"]["rules"]
    assert all(data[q]["because"] for q in ("subset", "superset", "equal", "disjoint"))
    run("relation", "nearer", "farther", status=EXIT_NOT_FOUND)
    run("relation", "absmag", "near", status=EXIT_NOT_FOUND)


@pytest.mark.usefixtures("selections")
def test_collections_are_found_by_their_sources(run: Run) -> None:
    def names(*words: str) -> set[str]:
        return {d["name"] for d in run("find", *words, "--json").json if d["name"]}

    assert names("--containing", "nearer") == {"field", "near", "nearer"}
    assert names("--contained-in", "near") == {"near", "nearer"}
    assert names("--same-sources-as", "near") == {"near"}
    assert names("attribute = 'absmag'", "--containing", "nearer", "--contained-in", "near") == {"nearer"}
    assert names("name = 'near' or name = 'field'", "--contained-in", "near") == {"near"}
    run("find", "--containing", "farther", status=EXIT_NOT_FOUND)
    run("find", "--containing", "near", "--class", "Segment", status=EXIT_USAGE)


@pytest.mark.usefixtures("selections")
def test_why_tells_the_choices(run: Run) -> None:
    said = run("why", "nearer").out
    assert "asked for ID, absmag where z < 0.35" in said
    assert "status: UP_TO_DATE" in said
    data = run("why", "nearer", "--json").json
    assert (data["status"], len(data["pulls"])) == ("UP_TO_DATE", 1)
    assert data["pulls"][0]["request"]["where"] == "z < 0.35"
    assert {c["outcome"] for c in data["pulls"][0]["choices"]} >= {"created"}
    assert run("why", "field", "--json").json["pulls"] == []
    assert "stored" in run("why", "absmag").out
    run("why", "nothing", status=EXIT_NOT_FOUND)


@pytest.mark.usefixtures("selections")
def test_status_is_an_exit_status(run: Run) -> None:
    assert run("status", "nearer").out == "UP_TO_DATE\n"
    run("calculator", "define", "absmag", "--expression", "mag - distmod(z) - 0.1", "--unit", "mag")
    newer = run("status", "nearer", "--json").json
    assert (newer["status"], newer["name"]) == ("NEWER_EXISTS", "nearer")
    run("calculator", "invalidate", "absmag@1", "--reason", "the zero point was wrong")
    said = run("status", "nearer", status=EXIT_DIFFERS)
    assert said.out.startswith("OUT_OF_DATE\n")
    assert "the zero point was wrong" in said.out
    assert run("status", "nearer", "--json", status=EXIT_DIFFERS).json["reasons"]
    run("status", "near")
    assert "OUT_OF_DATE, it rests on what was calculated by absmag@1" in run("show", "nearer").out
    data = run("show", "nearer", "--json").json
    assert (data["status"], data["not_here"]) == ("OUT_OF_DATE", [])
    assert [n["kind"] for n in data["notes"]] == ["name"]  # what pulls did is told by `why`
    assert "the zero point was wrong" in run("calculator", "show", "absmag@1").out
    assert run("calculator", "ls", "--json").json[0]["invalid"] is None  # version 2
    run("calculator", "invalidate", "absmag", "--reason", "neither is it right")
    assert "neither is it right" in run("calculator", "ls").out
    assert run("calculator", "show", "absmag", "--json").json["invalid"] == "neither is it right"
    run("calculator", "validate", "absmag", "--reason", "it was right")
    assert "invalid" not in run("calculator", "ls").out


def test_parts_share_no_source(run: Run) -> None:
    made = run("split", "field", "train=0.6", "test=0.4", "--seed", "2", "--name", "mine", "--json").json
    assert [(d["part"], d["name"]) for d in made] == [("train", "mine train"), ("test", "mine test")]
    data = run("relation", "mine train", "mine test", "--json").json
    assert data["disjoint"]["answer"] == "yes"
    again = run("split", "field", "train=0.6", "test=0.4", "--seed", "2", "--json").json
    assert [d["id"] for d in again] == [d["id"] for d in made]
    assert "mine train@1" in run("split", "field", "train=0.6", "--seed", "2").out


@pytest.mark.parametrize(
    ("parts", "status"),
    [(["train"], EXIT_USAGE), (["train=most"], EXIT_USAGE), (["seed=0.5"], EXIT_USAGE), (["a=0.5", "a=0.5"], EXIT_USAGE),
     (["a=0.8", "b=0.4"], EXIT_ERROR)],
)  # fmt: skip
def test_parts_that_cannot_be(run: Run, parts: list[str], status: int) -> None:
    run("split", "field", *parts, status=status)


def test_a_pull_is_overruled(run: Run) -> None:
    plain = run("pull", "field", "ID", "absmag", "--json").json
    slower = run("pull", "field", "ID", "absmag", "--parameter", "absmag.H0=35", "--name", "slower", "--json").json
    difference = slower["rows"][-1]["absmag"] - plain["rows"][-1]["absmag"]
    assert difference == pytest.approx(-1.505, abs=0.001)  # twice as far
    taken = run("pull", "field", "absmag", "--use", "absmag=slower", "--json").json
    assert [r["absmag"] for r in taken["rows"]] == [r["absmag"] for r in slower["rows"]]
    run("calculator", "define", "simple", "--expression", "mag - 40", "--provides", "absmag", "--unit", "mag")
    avoided = run("pull", "field", "mag", "absmag", "--avoid", "absmag", "--json").json
    assert avoided["rows"][-1]["absmag"] == avoided["rows"][-1]["mag"] - 40
    used = run("pull", "field", "absmag", "--use", "absmag=simple@1", "--explain", "--json").json
    assert used["explanation"]["choices"]
    assert "overruled: parameters=" in run("why", "slower").out
    run("pull", "field", "absmag", "--use", "absmag=simple", "--avoid", "slower", "--name", "forty")
    said = run("why", "forty").out
    assert 'overruled: use={"absmag": "simple@1"}' in said  # names, not ids
    assert 'overruled: avoid=["slower"]' in said


def test_an_explanation_says_where_steps_run_and_what_they_cost(run: Run) -> None:
    said = run("pull", "field", "absmag", "--where", "z < 0.3", "--explain").out
    assert "mapped file" in said
    assert "Processed at once in about" in said
    data = run("pull", "field", "absmag", "--where", "z < 0.3", "--dry-run", "--json").json["explanation"]
    assert {c["where"] for c in data["costs"]} >= {"mapped file", "names only", "numpy"}
    assert data["expected"].startswith("at once")
    run("pull", "field", "absmag", "--where", "z < 0.3", "--name", "first")
    again = run("pull", "field", "absmag", "--where", "z < 0.3", "--explain", "--json").json["explanation"]
    assert {c["outcome"] for c in again["choices"]} == {"found"}  # all of it is there already


@pytest.mark.usefixtures("site")
def test_a_whole_catalog_as_a_process_parameter(run: Run, folder: Path) -> None:
    (folder / "near.csv").write_text("ID,redshift,mag_u\n1,0.1,20\n2,0.2,21\n")
    (folder / "far.csv").write_text("ID,redshift,mag_u\n1,5.1,20\n2,5.2,21\n")
    for name in ("near", "far"):
        run("ingest", f"{name}.csv", "--name", name, "--id", "ID", "--unit", "redshift=", "--unit", "mag_u=mag")
    run("calculator", "define", "crowded", "--python", "crowd", "--catalog", "among=near")
    asked = ("pull", "near", "crowd", "--rows", "1", "--json")
    assert run(*asked).json["rows"] == [{"crowd": 0.5}]
    assert run(*asked, "--parameter", "crowd.among=far", "--parameter", "crowd.width=9").json["rows"] == [
        {"crowd": 1.0}
    ]
    run(*asked, "--parameter", "crowd.among=nothing", status=EXIT_USAGE)
    run("pull", "field", "absmag", "--parameter", "absmag.H0=near", status=EXIT_ERROR)  # H0 is a number


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--parameter", "H0=67"], EXIT_USAGE), (["--parameter", "absmag.H0"], EXIT_USAGE),
        (["--parameter", "absmag.H0=fast"], EXIT_USAGE), (["--parameter", "absmag.h0=67"], EXIT_ERROR),
        (["--use", "absmag"], EXIT_USAGE), (["--use", "absmag=nothing"], EXIT_NOT_FOUND), (["--use", "z2=field"], EXIT_ERROR),
        (["--avoid", "nothing"], EXIT_NOT_FOUND),
    ],
)  # fmt: skip
def test_overruling_that_cannot_be(run: Run, words: list[str], status: int) -> None:
    run("pull", "field", "absmag", *words, status=status)
