"""Joins by identifier that lineage does not answer: how they are done here, and by Polars on sorted columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.figure import Figure, shown, timed, typical
from provgraph.resolver.join import match

ROUNDS = 7
Array = np.ndarray[Any, Any]


def measure(n: int) -> list[Figure]:
    """Where the sources of one catalog stand in another, of `n` sources, whose order is not known to be the same."""
    random = np.random.default_rng(1)
    close = np.arange(n) * 3 + 2**53
    far = np.unique(random.integers(-(2**62), 2**62, n))
    half = np.unique(np.concatenate([far[::2], random.integers(-(2**62), 2**62, n // 2)]))
    return [
        _join(f"{n:,} x {n:,}, the same sources", close, close.copy()),
        _join(f"{n:,} x {n:,}, a third in both", close, np.unique(random.integers(0, 3 * n, n)) + 2**53),
        _join(f"{n:,} x {n:,}, half in both, identifiers all over int64", far, half),
        _join(f"{n:,} x {n // 100:,}", close, np.sort(random.choice(close, n // 100, replace=False))),
    ]


def _join(what: str, frame: Array, ids: Array) -> Figure:
    rows, found = _polars(frame, ids)
    mine, there = match(frame, ids)
    assert (np.ones(len(ids), bool) if there is None else there).tolist() == found.tolist()
    assert (np.arange(len(ids))[mine] if isinstance(mine, slice) else mine)[found].tolist() == rows[found].tolist()
    ours, theirs = _typical(lambda: match(frame, ids)), _typical(lambda: _polars(frame, ids))
    return Figure(f"join of {what}", shown(ours), f"Polars, sorted: {shown(theirs)}", f"{theirs / ours:.1f}x faster")


def _polars(frame: Array, ids: Array) -> tuple[Array, Array]:
    """Rows of `frame` and a mask of what it has, as the executor needs them; no column is copied to get there."""
    import polars

    one = polars.DataFrame({"id": ids}).with_columns(polars.col("id").set_sorted()).with_row_index("i")
    two = polars.DataFrame({"id": frame}).with_columns(polars.col("id").set_sorted()).with_row_index("r")
    joined = one.join(two, on="id", how="inner", maintain_order="left")
    at = joined["i"].to_numpy()
    rows, found = np.zeros(len(ids), np.intp), np.zeros(len(ids), bool)
    rows[at] = joined["r"].to_numpy()
    found[at] = True
    return rows, found


def _typical(work: Callable[[], Any]) -> float:
    work()
    return typical(timed(work) for _ in range(ROUNDS))


if __name__ == "__main__":
    for figure in measure(10_000_000):
        print(figure.row())
