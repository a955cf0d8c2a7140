"""Statistics of stored columns: of the whole, and of each block of sources, gathered while the values pass by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BLOCK = 131_072
"""Sources in one block: 1 MiB of float64, which stays in the processor's cache from one pass to the next."""


@dataclass(frozen=True, slots=True)
class BlockStatistics:
    """One entry for each block of `BLOCK` sources.

    minimum, maximum : ndarray, shape (n_blocks,), float64, int64 or uint64. Infinities count (a block may be skipped
    only where this is so), NaN and null do not; meaningless where `count` is 0.
    count : values that took part; null_count : sources without a value; nan_count : elements that are NaN. All int64.
    """

    minimum: Array
    maximum: Array
    count: Array
    null_count: Array
    nan_count: Array

    def __len__(self) -> int:
        return len(self.count)


def record_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Type of one block's entry as it is stored."""
    extreme = {"f": "<f8", "u": "<u8"}.get(dtype.kind, "<i8")
    return np.dtype(
        [("minimum", extreme), ("maximum", extreme), ("count", "<i8"), ("null_count", "<i8"), ("nan_count", "<i8")]
    )


def from_records(records: Array) -> BlockStatistics:
    return BlockStatistics(*(records[name] for name in ("minimum", "maximum", "count", "null_count", "nan_count")))


class Gatherer:
    """Takes the blocks of one column in order.

    Attributes after the last block: null_count, nan_count, minimum, maximum (finite values only; None without any),
    records.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.null_count = 0
        self.nan_count = 0
        self.minimum: float | None = None
        self.maximum: float | None = None
        self._records: list[tuple[Any, ...]] = []

    @property
    def records(self) -> Array:
        return np.array(self._records, dtype=record_dtype(self.dtype))

    def add(self, values: Array, null: Array | None) -> None:
        """One block: values, shape (n, ...), and mask, shape (n,)."""
        nulls = 0 if null is None else int(np.count_nonzero(null))
        if nulls and null is not None:
            values = values[~null]
        self.null_count += nulls
        if self.dtype.kind == "S" or not values.size:
            self._records.append((0, 0, values.size, nulls, 0))
            return
        low, high = values.min(), values.max()
        count, nans = values.size, 0
        finite_low, finite_high = low, high
        if self.dtype.kind == "f" and not (math.isfinite(low) and math.isfinite(high)):
            nans = int(np.count_nonzero(np.isnan(values)))
            count -= nans
            if count:
                low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
            else:
                low = high = 0.0
            finite = values[np.isfinite(values)]
            if finite.size:
                finite_low, finite_high = finite.min(), finite.max()
            else:
                finite_low = finite_high = None
        self.nan_count += nans
        self._records.append((low, high, count, nulls, nans))
        if finite_low is None:
            return
        kind = float if self.dtype.kind == "f" else int
        self.minimum = kind(finite_low) if self.minimum is None else min(self.minimum, kind(finite_low))
        self.maximum = kind(finite_high) if self.maximum is None else max(self.maximum, kind(finite_high))
