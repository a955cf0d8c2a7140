"""du, forget, clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.errors import EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded]


def test_what_takes_room(run: Run, survey: Path) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near")
    kinds = {d["kind"]: d for d in run("du", "--json").json}
    assert kinds["original catalogs"]["files"] == 1
    assert kinds["derived values"]["bytes"] > 0
    assert "together" in run("du").out


def test_forgetting_says_what_it_would_do_first(run: Run, survey: Path) -> None:
    first = run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near", "--json").json
    said = run("forget", "near")
    assert said.out.startswith("Would drop absmag")
    assert "--yes" in said.err
    assert run("forget", "near", "--yes").out.startswith("Dropped absmag")
    assert run("forget", "near", "--yes").out.startswith("Nothing derived")
    again = run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near", "--json").json
    assert {**again, "processed": 0} == {**first, "processed": 0}


def test_what_was_put_in_stays(run: Run, survey: Path) -> None:
    result = run("forget", "field", "--yes", status=1)
    assert "put in, not derived" in result.err
    run("forget", "nothing", status=EXIT_NOT_FOUND)


def test_cleaning(run: Run, survey: Path) -> None:
    assert "nothing that could be removed" in run("clean").out
    folder = survey / "segments" / "00"
    folder.mkdir(parents=True, exist_ok=True)
    orphan = folder / ("00" * 16 + ".h5")
    orphan.write_bytes(b"left")
    (found,) = run("clean", "--json").json
    assert found["file"].endswith(orphan.name)
    assert orphan.exists()
    run("clean", "--yes")
    assert not orphan.exists()
