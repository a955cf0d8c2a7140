"""The same jobs in AiiDA and in DVC, in an environment of their own: ``python -m benchmarks.others ENVIRONMENT``.

ENVIRONMENT : a folder with a virtual environment that has aiida-core and dvc; made when it is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import provgraph
from benchmarks.figure import Figure, shown, timed, typical
from benchmarks.targets import TimedCoadd, TimedRaw, TimedReduced

TARGETS = 50
HERE = Path(__file__).parent


def measure(environment: Path, targets: int = TARGETS) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="provgraph-others-") as name:
        folder = Path(name)
        ours = _ours(folder / "survey", targets)
        aiida = _aiida(environment, folder, targets)
        dvc = _run(environment, {}, "dvc_job.py", str(folder / "dvc"), str(targets))
    lines = [
        (f"storing {targets} raw objects", ours["stored"], "AiiDA", aiida["stored"]),
        (f"making {targets} targets and one of all of them, each call recorded", ours["made"], "AiiDA", aiida["made"]),
        (f"all that {aiida['found']} ancestors are", ours["ancestors"], "AiiDA", aiida["ancestors"]),
        (f"status of {targets} targets and one of all of them", ours["status"], "DVC", dvc["status"]),
        ("the same after one input changed", ours["changed"], "DVC", dvc["changed"]),
    ]
    return [
        Figure(what, shown(us), f"{who}: {shown(them)}", f"{them / us:.1f}x", "faster", them > us)
        for what, us, who, them in lines
    ]


def _ours(directory: Path, targets: int) -> dict[str, float]:
    raws: list[TimedRaw] = []
    with provgraph.open(directory) as survey:
        survey.store(TimedRaw(filename="first", value=0.0))  # the environment is looked at once
        found = {"stored": timed(lambda: raws.extend(
            survey.store([TimedRaw(filename=str(i), value=float(i)) for i in range(targets)])
        ))}  # fmt: skip
        made: list[Any] = []
        found["made"] = timed(
            lambda: made.append(survey.make(TimedCoadd(frames=[TimedReduced(raw=raw) for raw in raws])))
        )
        one = made[0]
        found["ancestors"] = typical(timed(lambda: survey.get_dependencies(one, up=None)) for _ in range(5))
        found["status"] = typical(timed(lambda: survey.status(one)) for _ in range(5))
        survey.new_version(raws[1], value=-1.0)
        found["changed"] = typical(timed(lambda: survey.status(one)) for _ in range(5))
    return found


def _aiida(environment: Path, folder: Path, targets: int) -> dict[str, float]:
    home = {"AIIDA_PATH": str(folder / "aiida")}
    subprocess.run(
        [environment / "bin" / "verdi", "profile", "setup", "core.sqlite_dos", "-n", "--profile-name", "bench", "--email",
         "a@b.c", "--set-as-default", "--no-use-rabbitmq"],
        check=True, env={**os.environ, **home}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return _run(environment, home, "aiida_job.py", str(targets))


def _run(environment: Path, more: dict[str, str], job: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [environment / "bin" / "python", HERE / job, *arguments],
        check=True,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def make_environment(environment: Path) -> None:
    if not (environment / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", "aiida-core", "dvc"], check=True)
