from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provgraph.errors import EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]


def test_what_has_a_name_is_listed(run: Run) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near")
    said = run("ls")
    head, near, field = said.out.splitlines()
    assert head.split() == ["name", "sources", "attributes", "created", "id", "made", "as"]
    assert near.split()[:3] == ["near@1", "3", "2"]
    assert field.split()[:3] == ["field@1", "5", "6"]
    assert said.err == "3 collections without a name; --all shows them.\n"
    everything = run("ls", "--all", "--json").json
    assert {d["class"] for d in everything} == {
        "External", "FilterSources", "AttributeCalculator", "ConcatenateAttributes", "SelectAttributes",
    }  # fmt: skip
    assert set(everything[0]) == {
        "id", "name", "version", "class", "notation", "sources", "attributes", "created", "project",
    }  # fmt: skip


def test_nothing_is_processed_to_count(run: Run) -> None:
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near", "--explain")
    near = run("ls", "--json").json[0]
    assert (near["name"], near["sources"]) == ("near", None)


def test_a_limit_says_what_it_hides(run: Run) -> None:
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near")
    said = run("ls", "--limit", "1")
    assert len(said.out.splitlines()) == 2
    assert said.err.splitlines()[0] == "1 more; --limit 2 shows them."


def test_collections_of_the_same_sources(run: Run) -> None:
    run("pull", "field", "z", "--where", "z < 0.5", "--name", "near")
    run("pull", "field", "mag", "--where", "0.5 > z", "--name", "also near")
    names = {d["name"] for d in run("ls", "--same-sources-as", "near", "--json").json}
    assert {"near", "also near"} <= names
    assert "field" not in names
    run("ls", "--same-sources-as", "far", status=EXIT_NOT_FOUND)


def test_global_options_may_stand_before_the_command(run: Run, survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVGRAPH_SURVEY", "elsewhere")
    run("ls", status=EXIT_NOT_FOUND)
    assert run("--survey", str(survey), "--json", "ls").json[0]["name"] == "field"
    assert run("--json", "--survey", str(survey), "calculator", "ls").json[0]["name"] == "absmag"
    assert run("--survey", "elsewhere", "ls", "--survey", str(survey), "--json").json[0]["name"] == "field"


def test_a_survey_that_cannot_be_written_to_is_told(survey: Path) -> None:
    without = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]  # root may write everywhere
    if without and shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv to give up root's right to write everywhere")
    graph = survey / "graph"
    modes = {path: path.stat().st_mode for path in (graph, *graph.iterdir())}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        said = subprocess.run(
            [*without, sys.executable, "-m", "provgraph", "ls"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert said.returncode == 1
    assert said.stderr == f"provgraph: Cannot write in {graph}; the embedded engine needs to, also to read a graph.\n"
