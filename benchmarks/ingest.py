"""Ingest of a FITS file with unsorted identifiers, digest and statistics, against a copy of the file that is safe on disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure, shown, timed, typical

# In a process of its own, so that the peak is the ingest's and nothing else's.
CHILD = """
import json, resource, sys, time
import provgraph
from benchmarks.figure import peak
survey = provgraph.open(sys.argv[1])
began = time.perf_counter()
survey.ingest(sys.argv[2], name="catalog", id="id", units={"z": "", "run": "", "field": "", "htm": ""})
seconds = time.perf_counter() - began
survey.close()
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": seconds, "peak": max(peak(), children)}))
"""
ROUNDS = 3


def measure(fits: Path, survey: Path, n: int) -> list[Figure]:
    """Ingest `fits` into a new survey at `survey`; n : sources in it."""
    # In turn, so that both meet the disk in the same mood; only the last survey is kept.
    copies, ingests = [], []
    for turn in range(ROUNDS):
        copies.append(timed(lambda: _copy(fits, fits.with_suffix(".copy"))))
        ingests.append(_ingest(fits, survey))
        if turn < ROUNDS - 1:
            shutil.rmtree(survey)
    copy, seconds = typical(copies), typical(one["seconds"] for one in ingests)
    ratio, gib = seconds / copy, max(one["peak"] for one in ingests) / 2**30
    size = fits.stat().st_size / 1e6
    return [
        Figure(
            f"ingest of {n:,} sources x 12 columns from FITS, unsorted ids, with digest and statistics", shown(seconds),
            f"copy and fsync of the file ({size:,.0f} MB): {shown(copy)}", f"{ratio:.1f}x", "<= 12x", ratio <= 12,
        ),
        Figure("memory of that ingest, at most", f"{gib:.2f} GiB", "", f"{gib:.2f} GiB", "<= 1.5 GiB", gib <= 1.5),
    ]  # fmt: skip


def _ingest(fits: Path, survey: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", CHILD, survey, fits], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    target.unlink()
