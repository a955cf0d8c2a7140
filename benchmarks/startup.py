"""How long a command takes that only has to say something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure, shown, timed, typical

ROUNDS = 7


def measure() -> list[Figure]:
    command = str(Path(sys.executable).with_name("provgraph"))
    ours = typical(timed(lambda: _run([command, "--help"])) for _ in range(ROUNDS))
    bare = typical(timed(lambda: _run([sys.executable, "-c", "pass"])) for _ in range(ROUNDS))
    return [
        Figure(
            "`provgraph --help`",
            shown(ours),
            f"`python -c pass`: {shown(bare)}",
            shown(ours),
            "<= 250 ms",
            ours <= 0.25,
        )
    ]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
