from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded


class ShelvedRaw(provgraph.DataObject):
    filter = persistent(str, index=True)
    words = persistent(list[str], default=())


class ShelvedReduced(provgraph.DataObject):
    raw = link(ShelvedRaw)
    zeropoint = persistent(float, unit="mag", default=None)


@pytest.fixture(autouse=True)
def shelf(folder: Path) -> None:
    with provgraph.open(folder / "shelf") as survey:
        for i in range(6):
            raw = ShelvedRaw(filter="gr"[i % 2], words=["a", "b"][: i % 3])
            survey.store(ShelvedReduced(raw=raw, zeropoint=24 + i / 4 if i else None))
        survey.store(ShelvedRaw(filter="i"), name="unused")


def test_objects_are_selected_over_links(run: Run) -> None:
    words = ("select", "ShelvedReduced", "--survey", "shelf", "--where", "raw.filter = 'g' and zeropoint > 24.25")
    found = run(*words, "--json").json
    assert [d["properties"]["zeropoint"] for d in found] == [25.0, 24.5]
    head, *lines = run(*words).out.splitlines()
    assert head.split() == ["name", "class", "created", "id", "properties"]
    assert ["zeropoint=25.0" in lines[0], len(lines)] == [True, 2]
    assert run(*words, "--count").out == "2\n"
    assert run(*words, "--count", "--json").json == {"count": 2}


def test_columns_order_and_limit(run: Run) -> None:
    words = ("select", "ShelvedReduced", "--survey", "shelf", "--columns", "zeropoint, raw.filter, raw.words, created")
    said = run(*words, "--order-by", "raw.filter, zeropoint", "--limit", "4", "--json")
    assert [(d["zeropoint"], d["raw.filter"], d["raw.words"]) for d in said.json] == [
        (24.5, "g", ["a", "b"]), (25.0, "g", ["a"]), (None, "g", []), (24.25, "r", ["a"]),
    ]  # fmt: skip
    assert said.json[0]["created"].endswith("Z")
    assert said.err == "There are more than 4; --limit shows more of them.\n"
    head, first, *_ = run(*words, "--order-by", "zeropoint", "--descending").out.splitlines()
    assert head.split() == ["zeropoint", "raw.filter", "raw.words", "created"]
    assert first.split()[:2] == ["25.25", "r"]
    assert run("select", "ShelvedRaw", "--where", "inverse(ShelvedReduced.raw).count() == 0", "--survey", "shelf",
               "--columns", "name").out.split() == ["name", "unused"]  # fmt: skip


def test_classes_that_nobody_imported(run: Run, folder: Path) -> None:
    (folder / "shelfclasses.py").write_text(
        "import provgraph\nclass ShelvedAway(provgraph.DataObject):\n    n = provgraph.persistent(int)\n"
    )
    store = "import provgraph, shelfclasses\nwith provgraph.open('shelf') as s: s.store(shelfclasses.ShelvedAway(n=3))"
    subprocess.run([sys.executable, "-c", store], cwd=folder, check=True)
    said = run("select", "ShelvedAway", "--survey", "shelf", status=EXIT_NOT_FOUND).err
    assert said == (
        "provgraph: The class ShelvedAway is not here, only its objects are; import the module that has it, which was shelfclasses "
        "(on the command line: --classes shelfclasses).\n"
    )


def test_statements_are_shown(run: Run) -> None:
    said = run("select", "ShelvedReduced", "--survey", "shelf", "--where", "raw.filter == 'it''s'", "--explain").out
    assert "MATCH (v1:ShelvedRaw {`filter`: $p0})" in said
    assert "$p0 = 'its'" in said


def test_what_cannot_be_selected(run: Run) -> None:
    none = run("select", "ShelvedRaw", "--survey", "shelf", "--where", "filter == 'z'")
    assert (none.out, none.err) == ("", "No ShelvedRaw is found.\n")
    assert (
        run(
            "select", "ShelvedRaw", "--survey", "shelf", "--where", "filter == 'z'", "--columns", "filter", "--json"
        ).json
        == []
    )
    assert "did you mean 'ShelvedRaw'" in run("select", "ShelfedRaw", "--survey", "shelf", status=EXIT_NOT_FOUND).err
    said = run("select", "ShelvedRaw", "--survey", "shelf", "--where", "fliter == 'g'", status=EXIT_ERROR)
    assert said.err.count("\n") == 1
    assert "did you mean 'filter'" in said.err
    said = run("select", "ShelvedRaw", "--survey", "shelf", "--where", "filter == ", "--json", status=EXIT_ERROR)
    assert "condition_syntax" in said.out + said.err
    said = run(
        "select", "ShelvedRaw", "--survey", "shelf", "--where", "ShelvedReduced.zeropoint > 2", status=EXIT_ERROR
    )
    assert "ShelvedReduced" in said.err
