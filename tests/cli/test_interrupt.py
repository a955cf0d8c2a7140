from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.surveys import address  # noqa: F401

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")

N = 300_000
INGEST = ("ingest", "big.csv", "--name", "big", "--id", "ID")
EXPRESSION = " + ".join(f"sin(a * {n}) * cos(b / {n})" for n in range(1, 13))
PULL = ("pull", "big", "ID", "waves", "--where", "a < 200000", "--name", "some")


def interrupt(command: Sequence[str], how: signal.Signals, kept: Sequence[Path]) -> None:
    """Run a command and end it once it has begun to write values; it says so in one sentence if it still can."""
    before = {file for place in kept for file in place.rglob("*")}
    with subprocess.Popen(
        [sys.executable, "-m", "provgraph", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            while child.poll() is None and not any(f not in before for place in kept for f in place.rglob("*")):
                time.sleep(0.002)
            assert child.poll() is None, f"it ended by itself: {child.communicate()}"
            child.send_signal(how)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    assert out == "", (out, err, child.returncode)
    if how == signal.SIGINT:
        assert (child.returncode, err) == (130, "provgraph: interrupted; nothing is half stored.\n")
    else:
        assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_ends_early_leaves_nothing(
    how: signal.Signals, run: Run, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and kill -9 while values are being written; the next command finds no trace, the same again works."""
    (folder / "big.csv").write_text("ID,a,b\n" + "".join(f"{N - i},{i}.25,{i}.5\n" for i in range(N)))
    run("init", "survey", "--graph", address)
    monkeypatch.setenv("PROVGRAPH_SURVEY", "survey")
    kept = [folder / "survey" / "segments", folder / "survey" / "spool"]

    def files() -> list[Path]:
        return [file for place in kept for file in place.rglob("*") if file.is_file()]

    interrupt(INGEST, how, kept)
    assert run("ls", "--all", "--json").json == []
    assert files() == []
    assert run(*INGEST).out == f"big@1: {N:,} sources, 3 attributes.\n"
    catalog = files()

    run("calculator", "define", "waves", "--expression", EXPRESSION)
    interrupt(PULL, how, kept)
    run("ls")
    assert files() == catalog
    for _ in range(2):
        assert run(*PULL, "--json").json["sources"] == 200_000
        assert len(files()) == len(catalog) + 1
