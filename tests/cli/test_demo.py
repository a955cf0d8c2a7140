from __future__ import annotations

from pathlib import Path

import pytest

from provgraph import demo
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded


def test_the_demonstration(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(demo.run.__kwdefaults__, "galaxies", 5000)
    said = run("demo", "--no-serve", "--json", "--survey", "shown")
    assert said.json == {"directory": "shown", "written": ["shown/lineage.prov.json", "shown/lineage.svg"]}
    assert "Pull 3" in said.err
    assert "Pull 3" in run("demo", "--no-serve", "--survey", "shown").out
    names = {d["name"] for d in run("ls", "--survey", "shown", "--json").json}
    assert {"photometry", "spectroscopy", "shapes", "nearby", "very nearby", "giants"} <= names


def test_a_place_that_cannot_be_written_to_is_told(run: Run, folder: Path) -> None:
    (folder / "file").write_text("no directory")
    said = run("demo", "--no-serve", "--survey", "file/inside", status=1)
    assert "The catalogs cannot be written to file/inside/catalogs: Not a directory." in said.err
    assert "unexpected" not in said.err
