"""What a benchmark gives, and how it is timed."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    what : what was done. ours, baseline : measured, with units. result : ratio or count. bar : what is asked for; '' where the
    line is for information. reached : whether it was; None without a bar.
    """

    what: str
    ours: str
    baseline: str
    result: str
    bar: str = ""
    reached: bool | None = None

    def row(self) -> str:
        verdict = {True: "yes", False: "**no**", None: ""}[self.reached]
        return f"| {self.what} | {self.ours} | {self.baseline} | {self.result} | {self.bar} | {verdict} |"


HEADER = "| what | provgraph | against | result | bar | reached |\n|---|---|---|---|---|---|"


def timed(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def peak() -> int:
    """Bytes that this process has held at most. What the system counts for `getrusage` includes whoever started it, on Linux."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def apart(measure: Callable[..., list[Figure]], *given: Any) -> list[Figure]:
    """`measure` in a process of its own: what others left in the memory of this one is no part of it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *given).result()


def typical(seconds: Iterable[float]) -> float:
    """The median: one disturbed run does not count."""
    return median(seconds)


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def processed(survey: Any, end: Any, rounds: int) -> tuple[float, int]:
    """Typical seconds of processing a collection, of which nothing is stored, and sources that criteria look at."""
    from provgraph.resolver.execute import run_partition

    copied, done = survey.processor.optimised(end)
    order, _ = survey.processor.order(copied, done.plan)
    seconds = []
    for _ in range(rounds):
        outcome = run_partition(order, store=survey.store_)
        seconds.append(outcome.seconds)
        looked = outcome.filtered
        del outcome  # to keep a hundred results would measure how fast the system gives out memory
    return typical(seconds), looked
