from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run, process

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]

NEAR = ("pull", "field", "ID", "z", "absmag", "--where", "z < 0.5")


def test_the_first_sources_and_their_number(run: Run) -> None:
    said = run(*NEAR, "--name", "near")
    lines = said.out.splitlines()
    assert lines[0].split() == ["ID", "z", "absmag"]
    assert lines[1].split() == ["[mag]"]
    assert [line.split()[:2] for line in lines[2:5]] == [["5", "0.3"], ["7", "0.4"], ["11", "0.1"]]
    assert lines[2].split()[2] == "--"  # its magnitude was declared missing
    assert lines[-1] == "near@1: 3 sources."
    assert run(*NEAR, "--rows", "1").out.splitlines()[-1] == "near@1: first 1 of 3 sources."
    assert run(*NEAR, "--rows", "0").out == "near@1: 3 sources.\n"


def test_json_says_what_came_of_it(run: Run) -> None:
    data = run(*NEAR, "--name", "near", "--json").json
    assert set(data) == {
        "result", "sources", "attributes", "rows", "file", "explanation", "trace", "script", "processed",
    }  # fmt: skip
    assert (data["result"]["name"], data["sources"], data["result"]["sources"]) == ("near", 3, 3)
    assert data["processed"]["filtered"] == 5
    assert sum(data["processed"]["calculated"].values()) == 3
    five, seven, eleven = data["rows"]
    assert five == {"ID": 5, "z": 0.3, "absmag": None}
    # luminosity distances of a flat universe with H0=70, Om0=0.3
    assert math.isclose(seven["absmag"], 19.25 - 41.68, abs_tol=0.01)
    assert math.isclose(eleven["absmag"], 17.5 - 38.31, abs_tol=0.01)
    again = run(*NEAR, "--name", "near", "--json").json
    assert (again["result"]["id"], again["rows"]) == (data["result"]["id"], data["rows"])
    assert again["processed"] | {"seconds": 0} == {"filtered": 0, "calculated": {}, "seconds": 0, "segments_kept": 0}


def test_an_explanation_processes_nothing(run: Run) -> None:
    said = run(*NEAR, "--explain")
    assert said.out.startswith("ID, z, absmag of field@1 where z < 0.5\n")
    assert "As processed, after " in said.out
    data = run(*NEAR, "--explain", "--json").json
    assert data["processed"] is None
    assert data["rows"] is None
    assert data["explanation"]["choices"]
    assert run("show", data["result"]["id"], "--json").json["stored"]["sources"] is False


def test_a_trace_prints_each_rewrite(run: Run) -> None:
    said = run(*NEAR, "--trace", "--explain")
    assert said.out.startswith("1. filter_sources_to_select_sources\n  - ")
    assert "absmag@1(mag, z; " in said.out
    assert "k:" not in said.out  # definitions by name, not by key
    rewrites = run(*NEAR, "--trace", "--explain", "--json").json
    assert len(rewrites["trace"]) == len(rewrites["explanation"]["rewrites"])


def test_a_dry_run_stores_nothing(run: Run) -> None:
    before = run("ls", "--all", "--json").json
    said = run(*NEAR, "--dry-run", "--name", "near")
    assert "created  FilterSources(field, z < 0.5)" in said.out
    assert run(*NEAR, "--dry-run", "--json").json["result"] is None
    assert run("ls", "--all", "--json").json == before
    run(*NEAR, "--dry-run", "--out", "x.csv", status=EXIT_USAGE)


@pytest.mark.parametrize("name", ["near.fits", "near.vot", "near.parquet", "near.h5", "near.csv", "near.arrow"])
def test_a_file_is_written_and_known(name: str, run: Run, folder: Path) -> None:
    said = run(*NEAR, "--name", "near", "--out", name)
    assert said.out == ""
    assert said.err == f"Wrote {name}: 3 sources, 3 attributes.\n"
    assert (folder / name).stat().st_size > 0
    assert run("show", name, "--json").json["name"] == "near"


def test_explanation_and_file_together(run: Run, folder: Path) -> None:
    said = run(*NEAR, "--explain", "--out", "near.csv")
    assert "Processed in " in said.out
    assert said.err.startswith("Wrote near.csv: 3 sources")
    assert len((folder / "near.csv").read_text().splitlines()) >= 4


def test_a_format_nobody_writes_is_refused_before_anything_is_made(run: Run, folder: Path) -> None:
    before = run("ls", "--all", "--json").json
    said = run(*NEAR, "--out", "near.docx", status=EXIT_ERROR)
    assert "docx" in said.err
    assert run("ls", "--all", "--json").json == before
    assert not (folder / "near.docx").exists()


def test_the_script_repeats_it(run: Run, folder: Path) -> None:
    script = run(*NEAR, "--name", "near", "--script").out
    (folder / "again.py").write_text(script + "print(len(table), list(table.colnames))\n")
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "again.py"], capture_output=True, text=True, cwd=folder, check=False)
    assert (done.stdout, done.returncode) == ("3 ['ID', 'z', 'absmag']\n", 0), done.stderr


def test_attributes_may_be_given_with_commas(run: Run) -> None:
    assert [a["name"] for a in run("pull", "field", "ID,z", "mag", "--json").json["attributes"]] == ["ID", "z", "mag"]


def test_a_start_is_found_in_many_ways(run: Run) -> None:
    data = run("ls", "--json").json[0]
    for start in (data["id"], data["id"][-8:], "field@1"):
        assert run("pull", start, "z", "--json").json["sources"] == 5


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["nothing", "z"], EXIT_NOT_FOUND, "not_found"),
        (["absmag", "z"], EXIT_NOT_FOUND, "not_a_collection"),
        (["field", "zz"], None, None),
        (["field", "z", "--where", "z <"], EXIT_ERROR, "criterion_syntax"),
        (["field", "z", "--where", "zed < 1"], EXIT_ERROR, "unknown_attribute"),
        (["field", "z", "--where", "kind < 1"], EXIT_ERROR, "criterion_types"),
        (["field", "z", "--where", "mag < 10 km"], EXIT_ERROR, "unit_mismatch"),
        (["field", "z", "--where", "__import__('os') == 1"], EXIT_ERROR, None),
        (["field", "z", "--name", "absent@3"], EXIT_USAGE, "name_invalid"),
        (["field", "z", "--where", "z < 1", "--name", "field"], EXIT_ERROR, "name_taken"),
    ],
)
def test_bad_requests_store_nothing(
    words: list[str], status: int | None, code: str | None, run: Run, folder: Path
) -> None:
    from provgraph.cli import main

    before = run("ls", "--all", "--json").json
    if status is None:
        status = main(["pull", *words])
        assert status in (EXIT_ERROR, EXIT_NOT_FOUND)
    said = run("pull", *words, "--json", status=status)
    assert said.out == ""
    found = json.loads(said.err)
    assert found["code"] == (code or found["code"]) != "internal_error"
    assert run("ls", "--all", "--json").json == before
    segments = list((folder / "survey" / "segments").iterdir())
    assert len(segments) == 1


def test_beside_another_process(run: Run, survey: Path) -> None:
    """The survey is open here; a command in another process uses it all the same."""
    import provgraph

    with provgraph.open(survey) as open_here:
        done = process("pull", "field", "ID", "--where", "z < 0.5", "--name", "near", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sources"] == 3
        assert len(open_here["near"]) == 3
