"""Random graphs at length: `scripts/fuzz --minutes 10`. Exit status 1 where one fails, with the smallest that does."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.fuzz.cases import FAILURES, Case
from tests.fuzz.world import Start

AT_ONCE = 400
"""Graphs of one survey; the next has other values, and a small graph again."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Random graphs against the reference evaluator.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None, help="where to begin; without it, somewhere else each time")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    print(f"From seed {seed}, for {given.minutes:g} minutes.", flush=True)
    started = time.monotonic()
    until = started + 60 * given.minutes
    done = 0
    room = (
        "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    )  # what is thrown away need not reach a disk
    while time.monotonic() < until:
        directory = Path(tempfile.mkdtemp(prefix="provgraph-fuzz-", dir=room))
        try:
            with Start.opened(directory, seed=seed + done) as start:
                for number in range(seed + done, seed + done + AT_ONCE):
                    if time.monotonic() >= until:
                        break
                    case = Case.random(start, number)
                    try:
                        case.check()
                    except FAILURES:
                        return _tell(case, number, done, start.seed)
                    done += 1
                    if not done % 100:
                        print(f"{done:,} graphs, {_rate(done, started)}", flush=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{done:,} graphs, {_rate(done, started)}: nothing found.")
    return 0


def _rate(done: int, started: float) -> str:
    return f"{done / (time.monotonic() - started):.1f} a second"


def _tell(case: Case, number: int, done: int, values: int) -> int:
    traceback.print_exc()
    print(f"Graph {number} fails, after {done:,} that do not. Looking for the smallest that does ...", flush=True)
    smallest = case.shrunk(lambda c: c.check())
    try:
        smallest.check()
    except FAILURES as error:
        print(f"{type(error).__name__}: {error}")
    print(
        f"With the values of seed {values}. To keep it, put this into tests/fuzz/test_found.py under a name:\n\n{smallest!r}"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
