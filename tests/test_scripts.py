"""scripts/: what a user is told where Python or a part of it is missing, and that nothing is installed twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPTS = [*sorted(p for p in (ROOT / "scripts").iterdir() if not p.suffix), ROOT / ".ci" / "run"]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with a few tools and no Python: all there is on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "cat", "rm", "dirname"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def _environment(machine: Path, folder: str = "venv") -> subprocess.CompletedProcess[str]:
    """Make an environment as the scripts do, in a checkout of its own."""
    checkout = machine.parent
    shutil.copy(ROOT / "pyproject.toml", checkout)
    return subprocess.run(
        ["sh", "-euc", f". {ROOT}/scripts/environment.sh; environment {folder} test"],
        cwd=checkout, env={"PATH": str(machine)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_no_python(machine: Path) -> None:
    done = _environment(machine)
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert done.stdout == ""


def test_old_python(machine: Path) -> None:
    _program(machine / "python3", "exit 1")
    done = _environment(machine)
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr


def test_python_without_venv(machine: Path) -> None:
    _program(machine / "python3", '[ "$1" = -c ] || { echo "ensurepip is not available"; exit 1; }')
    done = _environment(machine)
    assert done.returncode != 0
    assert "python3-venv" in done.stderr
    assert not (machine.parent / "venv").exists()


def test_installed_once_until_pyproject_changes(machine: Path) -> None:
    """The environment's Python is real; its pip writes down what it is asked for."""
    asked = machine.parent / "asked"
    _program(
        machine.parent / "venv" / "bin" / "python",
        f'if [ "$1" = -m ]; then echo "$@" >> {asked}; else exec {sys.executable} "$@"; fi',
    )
    for expected in (1, 1):
        assert _environment(machine).returncode == 0
        assert len(asked.read_text().splitlines()) == expected
    with (machine.parent / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    subprocess.run(
        ["sh", "-euc", f". {ROOT}/scripts/environment.sh; environment venv test"],
        cwd=machine.parent, env={"PATH": str(machine)}, check=True, capture_output=True,
    )  # fmt: skip
    assert len(asked.read_text().splitlines()) == 2
    assert "--editable .[test]" in asked.read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_parses_and_may_be_run(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", script], check=True)
    assert os.access(script, os.X_OK)


def test_ci_names_no_host() -> None:
    assert "://" not in (ROOT / ".ci" / "run").read_text()
