"""A Table is catalog data in memory: arrays by attribute, one entry a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from provgraph.schema.attribute import AttributeSet

Array = np.ndarray[Any, Any]


class Column(NamedTuple):
    """Values of one attribute, and where they are missing.

    values : ndarray, shape (n_sources, ...).
    null : ndarray of bool, shape (n_sources,), True where there is no value; None when none is missing. NaN is a value here.
    """

    values: Array
    null: Array | None = None

    def take(self, positions: Any) -> Column:
        """The entries at `positions` (indices, a slice or a mask)."""
        return Column(self.values[positions], None if self.null is None else self.null[positions])


def concatenated(n: int, parts: Sequence[tuple[Any, Column]]) -> Column:
    """One column of `n` entries from parts: (positions, values at them); every entry is in exactly one part."""
    dtype = np.result_type(*(column.values.dtype for _, column in parts))
    values = np.empty((n, *parts[0][1].values.shape[1:]), dtype)
    null = np.zeros(n, bool)
    for at, column in parts:
        values[at] = column.values
        if column.null is not None:
            null[at] = column.null
    return Column(values, null if null.any() else None)


class Table:
    """Catalog data of a Source Collection: sorted identifiers and one Column for each attribute.

    ids : ndarray, shape (n_sources,), int64 or fixed-width bytes ('S', UTF-8), ascending, each once.
    """

    __slots__ = ("attributes", "columns", "ids")

    def __init__(self, ids: Array, columns: Mapping[str, Column], attributes: AttributeSet) -> None:
        self.ids = ids
        self.columns = dict(columns)
        self.attributes = attributes

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, name: str) -> Column:
        self.attributes[name]
        return self.columns[name]

    def only(self, names: tuple[str, ...] | list[str]) -> Table:
        return Table(self.ids, {n: self.columns[n] for n in names}, self.attributes.only(names))

    def take(self, positions: Any) -> Table:
        return Table(self.ids[positions], {n: c.take(positions) for n, c in self.columns.items()}, self.attributes)
