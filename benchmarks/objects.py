"""Storing many objects with links: in transactions, and by the bulk loader of the graph."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import provgraph
from benchmarks.figure import Figure
from provgraph import link, persistent

RAWS = 1000


class StoredRaw(provgraph.DataObject):
    filename = persistent(str)
    exposure = persistent(float, unit="s")


class StoredFrame(provgraph.DataObject):
    raw = link(StoredRaw)
    dark = link(StoredRaw)
    flat = link(StoredRaw)
    filename = persistent(str)
    zeropoint = persistent(float, unit="mag")


def measure(directory: Path, objects: int = 100_000, **where: Any) -> list[Figure]:
    """Objects are constructed before, inside the survey, so that their constructors are recorded with them."""
    with provgraph.open(directory, **where) as survey:
        raws = survey.store([StoredRaw(filename=f"r{i}", exposure=1.0) for i in range(RAWS)])
        name = survey.engine.name
        figures = [_figure(survey, name, raws, objects, bulk=False, bar=2000)]
        if name == "embedded":
            figures.append(_figure(survey, name, raws, objects, bulk=True, bar=6000))
        return figures


def _figure(survey: Any, name: str, raws: list[Any], objects: int, *, bulk: bool, bar: int) -> Figure:
    made = [
        StoredFrame(
            raw=raws[i % RAWS], dark=raws[i // 7 % RAWS], flat=raws[i // 49 % RAWS], filename=f"f{i}", zeropoint=float(i % 30)
        )
        for i in range(objects)
    ]  # fmt: skip
    began = perf_counter()
    survey.store(made, bulk=bulk)
    took = perf_counter() - began
    rate = objects / took
    how = "by the bulk loader" if bulk else "in transactions of 5,000"
    what = f"{name}: {objects:,} objects with 3 links each, {how}"
    return Figure(what, f"{took:.1f} s", "", f"{rate:,.0f} objects/s", f">= {bar:,}/s", rate >= bar)
