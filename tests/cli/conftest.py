"""The command line as somebody uses it: a folder, a small catalog in it, words in, text out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provgraph.cli import main

CATALOG = """\
ID,ra,dec,z,mag,kind
11,10.5,-1.0,0.10,17.5,galaxy
7,10.6,-1.1,0.40,19.25,galaxy
23,10.7,-1.2,,20.0,quasar
5,10.8,-1.3,0.30,-9,galaxy
42,10.9,-1.4,0.90,21.5,quasar
"""


@dataclass(frozen=True)
class Said:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a catalog and no settings from outside."""
    for variable in [v for v in os.environ if v.startswith("PROVGRAPH_") and not v.startswith("PROVGRAPH_TEST_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "catalog.csv").write_text(CATALOG)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; ``status`` is what it is to end with."""

    def call(*words: str, status: int = 0) -> Said:
        capsys.readouterr()
        code = main(list(words))
        out, err = capsys.readouterr()
        assert code == status, f"provgraph {' '.join(words)} ended with {code}:\n{out}\n{err}"
        return Said(code, out, err)

    return call


@pytest.fixture
def survey(run: Run, folder: Path) -> Path:
    """A survey here with the catalog ingested as `field` and a calculator."""
    run("init", "survey")
    os.environ["PROVGRAPH_SURVEY"] = "survey"  # taken away again by `folder`
    run("ingest", "catalog.csv", "--name", "field", "--id", "ID", "--unit", "mag=mag", "--missing", "mag=-9")
    run("calculator", "define", "absmag", "--expression", "mag - distmod(z)", "--unit", "mag")
    return folder / "survey"


def process(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "provgraph", *words], capture_output=True, text=True, check=False, timeout=300, **options
    )
