"""Where identifiers stand among others: a join of two ascending arrays, block by block, on all cores."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.bulk.parallel import each, gather

Array = np.ndarray[Any, Any]
Rows = slice | Array

FEW = (
    1 << 10
)  # identifiers searched at once where they lie far apart: what lies between them at 1 % fits into the cache
MANY = 1 << 14  # and where they lie close
LARGE = 1 << 20  # what is shorter is searched as a whole
DENSE = 8  # numbers for each identifier at most, for which marking all of them is quicker than searching


def match(frame: Array, ids: Array) -> tuple[Rows, Array | None]:
    """Rows of `frame` at which `ids` stand, and a mask of those that it has; None where it has all.

    Both ascending, each identifier once, of one type. Whole numbers are compared as such: exact beyond 2**53.
    """
    if len(frame) == 0:
        return np.zeros(len(ids), np.intp), np.zeros(len(ids), bool) if len(ids) else None
    if len(ids) == len(frame) and _same(frame, ids):
        return slice(None), None
    if len(frame) >= LARGE and len(ids) >= len(frame) // 4 and ids.dtype.kind == "i" and not _is_dense(ids):
        merged = _by_polars(frame, ids)  # the one case in which it is quicker
        if merged is not None:
            return merged
    rows = search(frame, ids)
    rows[rows == len(frame)] = 0
    found = gather(frame, rows) == ids
    return rows, None if found.all() else found


def search(frame: Array, ids: Array) -> Array:
    """`np.searchsorted` of ascending `ids` in the ascending `frame`; several times faster where both are long.

    Each search jumps through memory, and memory is fastest read in order: so the part of the frame where a block of
    ids must be is read once as a whole, which brings it near, and searched then.
    """
    if ids.dtype.kind not in "iu" or len(frame) < LARGE or len(ids) <= len(frame) // 256:
        return np.searchsorted(frame, ids)
    block = FEW if len(ids) < len(frame) // 4 else MANY
    found = np.empty(len(ids), np.intp)
    firsts = range(0, len(ids), block)
    borders = [*np.searchsorted(frame, ids[::block]).tolist(), len(frame)]

    def one(k: int) -> None:
        wanted = ids[k * block : (k + 1) * block]
        near = frame[borders[k] : borders[k + 1]]
        out = found[k * block : (k + 1) * block]
        if len(near) >= len(wanted) // 2 and _is_dense(wanted):
            np.add(_marked(near, wanted), borders[k], out=out)
        else:
            near.sum()  # reads it in order
            np.add(np.searchsorted(near, wanted), borders[k], out=out)

    for _ in each(one, range(len(firsts)), together=max(1, (1 << 17) // block)):
        pass
    return found


def _marked(near: Array, wanted: Array) -> Array:
    """How many of `near` are less than each of `wanted`, by marking every number between the first and the last of these."""
    low, high = wanted[0], wanted[-1]
    marks = np.zeros(int(high) - int(low) + 2, np.uint8)
    marks[near[: np.searchsorted(near, high, "right")] - low + 1] = 1
    less: Array = np.cumsum(marks, dtype=np.int32)[wanted - low]
    return less


def _is_dense(ids: Array) -> bool:
    return int(ids[-1]) - int(ids[0]) < DENSE * len(ids)


def _by_polars(frame: Array, ids: Array) -> tuple[Rows, Array | None] | None:
    """What `match` gives, by the merge of Polars; None where it is not installed."""
    try:
        import polars
    except ImportError:
        return None
    one = polars.DataFrame({"id": ids}).with_columns(polars.col("id").set_sorted()).with_row_index("at")
    two = polars.DataFrame({"id": frame}).with_columns(polars.col("id").set_sorted()).with_row_index("row")
    joined = one.join(two, on="id", how="inner", maintain_order="left")
    if len(joined) == len(ids):
        return joined["row"].to_numpy().astype(np.intp), None
    at = joined["at"].to_numpy()
    rows, found = np.zeros(len(ids), np.intp), np.zeros(len(ids), bool)
    rows[at] = joined["row"].to_numpy()
    found[at] = True
    return rows, found


def _same(one: Array, other: Array) -> bool:
    """Whether two arrays are equal; mostly decided by a few entries."""
    some = max(1, len(one) // 64)
    return bool((one[::some] == other[::some]).all()) and all(
        (one[first : first + LARGE] == other[first : first + LARGE]).all() for first in range(0, len(one), LARGE)
    )
