"""skyfuzz as pip leaves it: on the path, with entry points."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

METHODS = ("half", "two", "place", "share")


def install(directory: Path) -> None:
    """Copy the package to `directory` and put that on the path."""
    path = directory / "site"
    shutil.copytree(Path(__file__).parent / "skyfuzz", path / "skyfuzz", ignore=shutil.ignore_patterns("__pycache__"))
    info = path / "skyfuzz-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: skyfuzz\nVersion: 1.0\n")
    entries = [f"{name} = skyfuzz:{name}" for name in METHODS]
    (info / "entry_points.txt").write_text("\n".join(["[provgraph.calculators]", *entries, ""]))
    (info / "RECORD").write_text("")
    sys.modules.pop("skyfuzz", None)
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()


def remove(directory: Path) -> None:
    sys.modules.pop("skyfuzz", None)
    sys.path[:] = [p for p in sys.path if p != str(directory / "site")]
    importlib.invalidate_caches()
