"""The demonstration: what it simulates, what it says, and that the second time finds everything."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import provgraph
from provgraph import demo, simulate
from provgraph.errors import NameTaken, StorageError

pytest_plugins = ("tests.demonstration",)
pytestmark = pytest.mark.embedded
GALAXIES = 4000


def _run(directory: Path) -> str:
    from rich.console import Console

    out = io.StringIO()
    demo.run(directory, serve=False, galaxies=GALAXIES, console=Console(file=out, width=demo.WIDTH))
    return out.getvalue()


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    first, second, other = (
        [p.read_bytes() for p in simulate.write(tmp_path / name, galaxies=500, seed=seed)]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second
    assert all(x != y for x, y in zip(first, other, strict=True))


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / simulate.SHAPES).write_bytes(b"mine")
    simulate.write(tmp_path, galaxies=500)
    assert (tmp_path / simulate.SHAPES).read_bytes() == b"mine"


KILLED = """
import os, pathlib, sys
from provgraph import simulate

def cut(path, content):
    path.open("wb", buffering=0).write(content[:100])
    os._exit(9)

pathlib.Path.write_bytes = cut
simulate.write(pathlib.Path(sys.argv[1]), galaxies=500)
"""


def test_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 1
    simulate.write(tmp_path, galaxies=500)
    assert {p.name for p in tmp_path.iterdir()} == {simulate.PHOTOMETRY, simulate.SPECTROSCOPY, simulate.SHAPES}


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / simulate.PHOTOMETRY).mkdir()
    with pytest.raises(StorageError, match=r"cannot be written to .*: [A-Z].*[a-z]\.") as caught:
        simulate.write(tmp_path, galaxies=500)
    assert caught.value.code == "directory_unusable"


def test_catalogs_overlap_and_have_gaps(demonstration: Path) -> None:
    with provgraph.open(demonstration) as survey:
        tables = {name: survey.process(survey[name])[0] for name in demo.CATALOGS}
    photometry, spectroscopy, shapes = (tables[name] for name in ("photometry", "spectroscopy", "shapes"))
    for one in (photometry, spectroscopy, shapes):
        for other in (photometry, spectroscopy, shapes):
            if one is not other:
                assert np.intersect1d(one.ids, other.ids).size
                assert np.setdiff1d(one.ids, other.ids).size
    gaps = spectroscopy["redshift"].null
    assert gaps is not None
    assert 0.05 < gaps.mean() < 0.12
    assert len(np.unique(photometry.ids)) == len(photometry)
    assert len(np.unique(photometry.ids.astype(np.float64))) < len(photometry), "identifiers that no float64 holds"


def test_the_pulls_show_what_they_say(demonstration: Path) -> None:
    """The demonstration has run once: its values are those of an independent calculation, and all of it is found again."""
    with provgraph.open(demonstration) as survey:
        for asked in demo.PULLS:
            pull = survey.pull(asked.start, asked.attributes, where=asked.where, name=asked.name)
            table = pull.data()
            assert pull.measured is not None
            assert pull.measured.filtered == 0
            assert not any(pull.measured.calculated.values())
            by_hand = asked.by_hand(demonstration / "catalogs")
            order = np.argsort(by_hand["source_id"])
            np.testing.assert_array_equal(table.ids, by_hand["source_id"][order])
            assert len(table) > 50
            for name in set(asked.attributes) - {"source_id"}:
                np.testing.assert_allclose(table[name].values, by_hand[name][order], rtol=1e-6, err_msg=name)


def test_first_and_second_time(tmp_path: Path) -> None:
    first = _run(tmp_path)
    assert first.count("the same sources, values within") == 3
    assert "created" in first
    rows = [line.split() for line in first.splitlines() if line.startswith(("nearby", "very nearby", "giants"))]
    assert len(rows) == 3
    fresh, part, other = rows
    assert int(fresh[3].replace(",", "")) == int(fresh[1].replace(",", "")), (
        "calculated on exactly the selected sources"
    )
    assert part[4] == "0", "the stored values serve"
    assert other[1] != "0"
    assert json.loads((tmp_path / "lineage.prov.json").read_text())["wasDerivedFrom"]
    assert (tmp_path / "lineage.svg").read_text().startswith(("<svg", "<?xml"))
    second = _run(tmp_path)
    assert "was there from an earlier run" in second
    assert second.count("the same sources, values within") == 3
    assert all(
        line.split()[-4] == "0" for line in second.splitlines() if line.startswith(("nearby", "very nearby", "giants"))
    )


def test_a_survey_of_something_else(tmp_path: Path) -> None:
    simulate.write(tmp_path / "catalogs", galaxies=500)
    with provgraph.open(tmp_path) as survey:
        survey.ingest(tmp_path / "catalogs" / simulate.SHAPES, name="photometry", id="source_id")
    with pytest.raises(NameTaken, match="remove it") as caught:
        _run(tmp_path)
    assert caught.value.code == "demo_survey_other"


def test_no_colour_and_no_wide_line_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.run(tmp_path, serve=False, galaxies=GALAXIES)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= demo.WIDTH
