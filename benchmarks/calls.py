"""Traced calls: what recording one costs its caller, and how much a pipeline is slowed by it."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import provgraph
from benchmarks.figure import Figure, typical
from provgraph import persistent
from provgraph.schema import calls

CALLS = 20_000
STEPS = 150
STEP = 0.010  # seconds of work of a call of the pipeline


class TimedFrame(provgraph.DataObject):
    """A frame whose methods do nothing, or a fixed amount of work."""

    filename = persistent(str)

    def tiny(self, a: int, b: int = 2) -> int:
        return a

    def work(self, n: int) -> int:
        total = 0
        for i in range(n):
            total += i & 3
        return total

    @provgraph.not_traced
    def work_untraced(self, n: int) -> int:
        total = 0
        for i in range(n):
            total += i & 3
        return total


def measure(directory: Path, **where: Any) -> list[Figure]:
    with provgraph.open(directory, **where) as survey:
        frame = survey.store(TimedFrame(filename="a"))
        plain = _each(lambda i: frame.tiny.__wrapped__(frame, i))
        traced = _each(frame.tiny)
        cost = 1e6 * (typical(traced) - typical(plain))
        flushed = perf_counter()
        survey.tracer.write(all_=True)
        flushed = perf_counter() - flushed
        n = _work_of(frame)
        pairs = []
        for _ in range(STEPS):
            began = perf_counter()
            frame.work_untraced(n)
            middle = perf_counter()
            frame.work(n)
            pairs.append((perf_counter() - middle) / (middle - began))
        slower = typical(pairs) - 1
        busy = process_time()
        survey.tracer.write(all_=True)
        busy = process_time() - busy
        name = survey.engine.name
    return [
        Figure(f"{name}: recording one traced call, time in the caller", f"{cost:.0f} µs",
               f"the call: {1e6 * typical(plain):.1f} µs",
               f"{cost:.0f} µs", "<= 100 µs", cost <= 100),
        Figure(f"{name}: a pipeline of 10 ms calls, recorded and written in the background", f"{100 * slower:+.1f} %", "not traced",
               f"{100 * slower:+.1f} %", "< 2 %", slower < 0.02),
        Figure(f"{name}: calls into the graph", f"{flushed / CALLS * 1e6:.0f} µs a call left when the last had returned", "", ""),
    ]  # fmt: skip


def _each(call: Any) -> list[float]:
    seconds = []
    for i in range(CALLS):
        began = perf_counter()
        call(i)
        seconds.append(perf_counter() - began)
    return seconds


def _work_of(frame: TimedFrame) -> int:
    """How often the loop goes round in 10 ms here."""
    with calls.untraced():
        began = perf_counter()
        frame.work_untraced(100_000)
        return int(100_000 * STEP / (perf_counter() - began))
