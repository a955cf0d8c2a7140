from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.cli.recipe import _value
from tests.cli.conftest import Run
from tests.surveys import address, empty_graph  # noqa: F401

PIPELINE = """
import provgraph
from provgraph import link, persistent, process_params


class ShellParameters(provgraph.Parameters):
    sigma = persistent(float, default=3.0)


class ShellRaw(provgraph.DataObject):
    value = persistent(float)


class ShellFrame(provgraph.ProcessTarget):
    raw = link(ShellRaw)
    params = process_params(ShellParameters)
    result = persistent(float)

    def make(self):
        self.result = self.raw.value * self.params.sigma


class ShellCoadd(provgraph.ProcessTarget):
    field = persistent(str)
    frames = link(list[ShellFrame])
    total = persistent(float)

    def make(self):
        self.total = sum(f.result for f in self.frames)
"""


def fill(directory: str, address: str, *values: float) -> Any:
    """A survey with raw frames r0, r1, ..."""
    from shell_pipeline import ShellRaw  # type: ignore[import-not-found]

    survey = provgraph.open(directory, graph=address)
    for n, value in enumerate(values):
        survey.store(ShellRaw(value=value), name=f"r{n}")
    return survey


def test_a_recipe_goes_from_survey_to_survey(
    run: Run, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shell_pipeline.py").write_text(PIPELINE)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PROVGRAPH_CLASSES", "shell_pipeline")
    from shell_pipeline import ShellCoadd, ShellFrame

    with fill("here", address, 1.0, 2.0) as here:
        frames = [ShellFrame(raw=here.get(name)) for name in ("r0", "r1")]
        here.annotate(here.make(ShellCoadd(field="F1", frames=frames)), name="coadd")
        here.annotate(here.make(ShellCoadd(field="F2", frames=frames[:1])), name="short")
    monkeypatch.setenv("PROVGRAPH_SURVEY", "here")
    said = run("recipe", "coadd")
    assert "  frames       each: ShellFrame(raw=raw, sigma=3.0 by default)" in said.out
    assert run("recipe", "show", "coadd", "--json").json["inputs"][0]["name"] == "raw"
    assert run("recipe", "coadd", "--out", "coadd.json").err == "written: coadd.json\n"
    assert run("recipe", "show", "coadd.json").out == said.out
    assert run("recipe", "ls", "ShellCoadd", "--json").json[0]["made"] == 2
    assert run("recipe", "diff", "coadd", "coadd.json").out == "Nothing differs.\n"
    assert run("recipe", "diff", "short", "coadd.json", status=4).out == "  value shell_coadd.field: F2 → F1\n"
    empty_graph(address)
    fill("there", address, 5.0, 6.0, 7.0).close()
    monkeypatch.setenv("PROVGRAPH_SURVEY", "there")
    words = (
        "recipe",
        "run",
        "coadd.json",
        "--input",
        "raw=r0,r1",
        "--input",
        "raw=r2",
        "--set",
        "sigma=2.5",
        "--set",
        "field=F3",
    )
    assert [s["object"] for s in run(*words, "--dry-run", "--json").json["steps"]] == ["ShellFrame"] * 3 + [
        "ShellCoadd"
    ]
    assert run(*words, "--name", "new").out == "new@1\n"
    with provgraph.open("there", graph=address) as there:
        assert (there.get("new").total, there.get("new").field) == (45.0, "F3")
    assert "needs `raw`, a list of ShellRaw" in run("recipe", "run", "coadd.json", status=1).err
    assert "nothing called 'nobody'" in run("recipe", "nobody", status=3).err
    assert "--input takes NAME=VALUE" in run("recipe", "run", "coadd.json", "--input", "r0", status=2).err


def test_values_as_they_are_written() -> None:
    assert [_value(t) for t in ("2.5", "3", "true", "[1, 2]", "F12", "2026-11-21", "None")] == [
        2.5, 3, True, [1, 2], "F12", "2026-11-21", "None"
    ]  # fmt: skip
