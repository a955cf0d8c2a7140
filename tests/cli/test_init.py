from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.errors import EXIT_ERROR
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded


def test_a_survey_is_made_once(run: Run, folder: Path) -> None:
    said = run("init", "new/survey", "--json").json
    assert said["directory"] == str(folder / "new" / "survey")
    assert said["created"] is True
    assert said["graph"] == "embedded"
    assert (folder / "new" / "survey" / "survey.toml").is_file()
    again = run("init", "new/survey", "--json").json
    assert again == said | {"created": False}
    assert run("init", "new/survey").out == f"There is already a survey in {folder / 'new' / 'survey'}.\n"


def test_a_survey_is_found_upwards(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", ".")
    (folder / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(folder / "a" / "b")
    assert run("ls", "--json").json == []


@pytest.mark.parametrize(
    ("address", "code"),
    [("bolt://127.0.0.1:9", "graph_unreachable"), ("http://127.0.0.1", "graph_address"), ("x", "graph_address")],
)
def test_a_bad_address_leaves_nothing(address: str, code: str, run: Run, folder: Path) -> None:
    import json

    said = run("init", "survey", "--graph", address, "--json", status=EXIT_ERROR)
    assert json.loads(said.err)["code"] == code
    assert not (folder / "survey").exists()


def test_a_file_in_the_way(run: Run) -> None:
    assert "catalog.csv" in run("init", "catalog.csv/survey", status=EXIT_ERROR).err
