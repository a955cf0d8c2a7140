from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process"),
]

INGEST = ("ingest", "big.csv", "--name", "big", "--id", "ID")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_ingest_that_ends_early_leaves_nothing(
    how: signal.Signals, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C and kill -9 while values are being written; the next command finds no trace, the same again works."""
    n = 300_000
    (folder / "big.csv").write_text("ID,a,b\n" + "".join(f"{n - i},{i}.25,{i}.5\n" for i in range(n)))
    run("init", "survey")
    monkeypatch.setenv("PROVGRAPH_SURVEY", "survey")
    with subprocess.Popen(
        [sys.executable, "-m", "provgraph", *INGEST], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        kept = [folder / "survey" / "segments", folder / "survey" / "spool"]
        try:
            while child.poll() is None and not any(any(place.iterdir()) for place in kept):
                time.sleep(0.005)
            assert child.poll() is None, f"it ended by itself: {child.communicate()}"
            child.send_signal(how)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    assert out == ""
    if how == signal.SIGINT:
        assert (child.returncode, err) == (130, "provgraph: interrupted; nothing is half stored.\n")
    else:
        assert child.returncode == -signal.SIGKILL
    assert run("ls", "--all", "--json").json == []
    assert [list(place.rglob("*")) for place in kept] == [[], []]
    assert run(*INGEST).out == "big@1: 300,000 sources, 3 attributes.\n"
