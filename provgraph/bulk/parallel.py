"""Parts of arrays on all cores: numpy lets go of the interpreter while it compares and copies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
T = TypeVar("T")
R = TypeVar("R")

MOST = 8
"""Threads at most: more of them wait for the memory, not for each other."""
FEW = 32_768
"""Entries that are taken sooner than a thread is woken."""
NEAR = 16 << 20
"""Bytes of a column that a cache may hold: there is nothing to wait for."""


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not say
        return os.cpu_count() or 1


def each(work: Callable[[T], R], parts: Sequence[T], *, together: int = 1) -> Iterator[R]:
    """`work` of each part, in their order; several at once. What it raises is raised here.

    together : parts that one thread does before it gives their results, where each takes less than handing it over.
    """
    if len(parts) <= together or cores() == 1:
        return map(work, parts)
    runs = [parts[first : first + together] for first in range(0, len(parts), together)]
    return chain.from_iterable(_pool(os.getpid()).map(lambda run: [work(part) for part in run], runs))


def gather(values: Array, positions: Array) -> Array:
    """``values[positions]``; positions : indices, none negative."""
    n = len(positions)
    if n < FEW or values.nbytes < NEAR or cores() == 1 or values.dtype.hasobject:
        return values[positions]
    out = np.empty((n, *values.shape[1:]), values.dtype)
    parts = 2 * min(MOST, cores())

    def take(part: int) -> None:
        at = slice(part * n // parts, (part + 1) * n // parts)
        np.take(values, positions[at], axis=0, out=out[at], mode="clip")  # "raise" would go through a buffer

    for _ in each(take, range(parts)):
        pass
    return out


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """One of each process: threads do not survive a fork."""
    return ThreadPoolExecutor(min(MOST, cores()), thread_name_prefix="provgraph-part")
