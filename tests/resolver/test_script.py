"""The script of a pull makes the same again, on a copy of the survey from before the pull."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from tests.surveys import write_fits

pytestmark = [pytest.mark.embedded]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A survey with two catalogs, lists, relabellings and calculators; closed."""
    rng = np.random.default_rng(1)
    columns = {"id": np.arange(200), "z": rng.random(200) + 0.01, "mag": rng.random(200) + 20}
    with provgraph.open(tmp_path / "before") as survey:
        a = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A", units={"mag": "mag"})
        survey.define_calculator("absmag", requires=["z", "mag"], expression="mag - distmod(z)", unit="mag")
        survey.define_calculator("simple", requires=["mag"], provides="absmag", expression="mag - 40", unit="mag")
        survey.annotate(survey.select_sources(a, np.arange(0, 200, 1.5).astype(int)), name="many")
        survey.relabelling(a, "others", np.arange(200), np.arange(200) * 3 + 1)
    return tmp_path / "before"


def overruled(survey: Any) -> Any:
    return survey.pull(
        "A", ["id", "absmag"], where="z < 0.5", use={"absmag": "absmag"}, avoid=["simple"],
        parameters={"absmag": {"H0": 67, "Om0": 0.31}}, name="near",
    )  # fmt: skip


def avoided(survey: Any) -> Any:
    return survey.pull("A", ["absmag"], avoid=["absmag"])


def taken(survey: Any) -> Any:
    other = survey.pull("A", ["id", "absmag"], use={"absmag": "absmag"}, parameters={"absmag": {"H0": 60}}, name="slow")
    return survey.pull("A", ["absmag", "mag"], use={"absmag": other.result})


def renamed(survey: Any) -> Any:
    return survey.pull(survey.store(survey["A"].rename(z="redshift", mag="z")), ["redshift", "z"], where="z > 20.5")


def union(survey: Any) -> Any:
    a = survey["A"]
    both = a.filter("z < 0.2").union(a.filter("z > 0.8").rename(mag="m").rename(m="mag"))
    return survey.pull(survey.store(both), ["id", "mag"])


def the_first_wins(survey: Any) -> Any:
    a = survey["A"]
    faint = a.select("z").concatenate(survey.calculate(a, "simple").rename(absmag="mag"))
    return survey.pull(survey.store(a.select("z", "mag").filter("z < 0.5").union(faint, policy="first")), ["mag"])


def relabelled(survey: Any) -> Any:
    return survey.pull(survey.store(survey["A"].filter("z < 0.5").relabel("twice", scale=2, offset=1)), ["id", "mag"])


def relabelled_by_pairs(survey: Any) -> Any:
    pairs = survey.relabelling(survey["A"], "others", np.arange(200), np.arange(200) * 3 + 1)
    return survey.pull(survey.store(survey["A"].relabel(pairs)), ["mag"], where="z < 0.5")


def listed(survey: Any) -> Any:
    return survey.pull(survey["A"].only_listed([5, 4, 3, 1], strict=True), ["id", "mag"], where="z > 0.01")


def listed_at_length(survey: Any) -> Any:
    return survey.pull("many", ["id", "mag"], where="z > 0.5")


def part(survey: Any) -> Any:
    return survey.pull(survey.split("A", train=0.75, test=0.25, seed=3)["test"], ["id"])


@pytest.mark.parametrize(
    "pull", [overruled, avoided, taken, renamed, union, the_first_wins, relabelled, relabelled_by_pairs, listed,
     listed_at_length, part],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_the_script_makes_it_on_a_copy_of_the_survey(pull: Any, directory: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    with provgraph.open(directory) as survey:
        made = pull(survey)
        script, expected, key = made.script(), made.table(), made.result.lineage_key
    assert repr(key) in script
    again = tmp_path / "again.py"
    again.write_text(script.replace(repr(str(directory)), repr(str(copy))) + "table.write('table.ecsv')\n")
    done = subprocess.run([sys.executable, str(again)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, script + done.stderr

    from astropy.table import Table

    table = Table.read(tmp_path / "table.ecsv")
    assert table.colnames == expected.colnames
    assert len(table) == len(expected) > 0
    for name in table.colnames:
        assert np.array_equal(np.asarray(table[name]), np.asarray(expected[name])), name


def test_what_was_overruled_is_said(directory: Path) -> None:
    with provgraph.open(directory) as survey:
        script = overruled(survey).script()
    assert "use={'absmag': 'absmag@1'}, avoid=['simple@1'], parameters={'absmag': {'H0': 67, 'Om0': 0.31}}" in script
    assert "parameters={'H0': 67.0, 'Om0': 0.31}" in script
