"""Small packages as pip leaves them: files on sys.path, and a dist-info that names the entry points."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parent / "data"
METHODS = [
    "absmag",
    "direction",
    "rank",
    "crowd",
    "one_by_one",
    "filled",
    "matrix",
    "raises",
    "short",
    "flat",
    "whole",
    "one_of_two",
    "random",
    "centred",
    "forever",
    "hog",
    "quits",
    "undeclared",
    "missing_function",
]
Edit = Callable[[Path], Any]


class Site:
    """A directory of installed packages that is on sys.path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(self, version: str = "1.0", edit: Edit | None = None) -> None:
        """Install skycalc in this version, in place of another; edit : changes its files first."""
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(DATA / "skycalc" / "skycalc", self.path / "skycalc")
        if edit is not None:
            edit(self.path / "skycalc")
        info = self.path / f"skycalc-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: skycalc\nVersion: {version}\n")
        entries = [f"{name} = skycalc.methods:{name}" for name in METHODS]
        (info / "entry_points.txt").write_text("\n".join(["[provgraph.calculators]", *entries, ""]))
        (info / "RECORD").write_text("")
        self.forget()

    def remove(self) -> None:
        shutil.rmtree(self.path)
        self.path.mkdir()
        self.forget()

    def forget(self) -> None:
        """As a new process would find it."""
        from provgraph.calculators import python

        for name in [m for m in sys.modules if m.partition(".")[0] == "skycalc"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        python._same_code.cache_clear()


def replacing(file: str, old: str, new: str) -> Edit:
    """An edit of one text in one file."""

    def edit(package: Path) -> None:
        path = package / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edit


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """skycalc 1.0, installed."""
    path = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(str(path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Site(path)
    found.install()
    yield found
    found.forget()
