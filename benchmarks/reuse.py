"""What proofs save: a selection within a stored one, attributes of the same sources side by side, a range of an indexed column."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

import provgraph
from benchmarks.figure import Figure, processed, shown, typical
from provgraph.resolver import execute

ROUNDS = 15


def measure(directory: Path, n: int) -> list[Figure]:
    """On the survey in `directory`, whose collection ``catalog`` has `n` sources."""
    with provgraph.open(directory) as survey:
        catalog = survey["catalog"]
        indexes, survey.store_.indexes = survey.store_.indexes, None
        sample = np.sort(survey.process(catalog.select("z"))[0]["z"].values)
        figures = [*_within(survey, catalog, sample), _side_by_side(survey, catalog)]
        survey.store_.indexes = indexes
        figures.append(_range(survey, catalog, np.sort(survey.process(catalog.select("ra"))[0]["ra"].values)))
    return figures


def _within(survey: Any, catalog: Any, sample: Any) -> list[Figure]:
    """A hundredth is stored, half of it is asked for; before that was stored and after."""
    n = len(sample)
    hundredth = n // 100 - n // 1000  # a little less: other benchmarks take the same survey from there
    narrow = catalog.filter(f"z < {float(sample[n // 200])!r}").select("id", "z")
    recomputed, seen = processed(survey, narrow, ROUNDS)
    assert seen == n
    survey.pull(catalog, ["id", "z"], where=f"z < {float(sample[hundredth])!r}").data()
    reused, seen = processed(survey, narrow, 10 * ROUNDS)  # each is short
    ratio = recomputed / reused
    return [
        Figure(
            f"`x < a` of {n:,} sources where `x < b` is stored (b above a; 0.5 and 0.9 % of the sources), processing part",
            f"{shown(reused)}, criterion on {seen:,}", f"recomputed: {shown(recomputed)}", f"{ratio:.1f}x faster",
            ">= 15x", ratio >= 15,
        )
    ]  # fmt: skip


def _side_by_side(survey: Any, catalog: Any) -> Figure:
    """Attributes of the same sources, as lineage says: nothing is compared."""
    seconds = []
    for _ in range(ROUNDS):
        joined = catalog.select("id", "z", "mag_u").concatenate(catalog.select("mag_r", "run"))
        table, measured = survey.process(joined)
        seconds.append(measured.seconds)
    took = typical(seconds)
    return Figure(
        f"concatenate attributes of the same {len(table):,} sources, by lineage",
        shown(took),
        "",
        shown(took),
        "<= 1 ms",
        took <= 1e-3,
    )


def _range(survey: Any, catalog: Any, sample: Any) -> Figure:
    """0.1 % of a column that was asked for before."""
    n = len(sample)
    read: list[int] = []
    scan = execute.scan

    def counting(*given: Any, **more: Any) -> Any:
        found = scan(*given, **more)
        read.append(found.read)
        return found

    def seconds(first: int) -> float:
        low, high = float(sample[first]), float(sample[first + n // 1000])
        return float(survey.process(catalog.filter(f"ra >= {low!r} and ra < {high!r}"))[1].seconds)

    execute.scan = counting
    try:
        without = [seconds(n // 3 + turn) for turn in range(ROUNDS)]
        for thread in threading.enumerate():
            if thread.name == "provgraph-index":
                thread.join()
        read.clear()
        found = [seconds(n // 2 + turn) for turn in range(ROUNDS)]
    finally:
        execute.scan = scan
    ratio, part = typical(without[:2]) / typical(found), max(read) / n
    return Figure(
        f"a range of 0.1 % of a column of {n:,} values, with its sorted index",
        f"{shown(typical(found))}, {part:.2%} of the column read",
        f"without: {shown(typical(without[:2]))}", f"{ratio:.1f}x faster", "<= 1 % read", part <= 0.01,
    )  # fmt: skip
