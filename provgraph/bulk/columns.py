"""What a column is made into before it is stored: one type an origin, little-endian, text no wider than it needs, the
same bytes under null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.bulk.digest import ColumnHash, type_text
from provgraph.bulk.statistics import BLOCK, Gatherer
from provgraph.bulk.store import ColumnInfo
from provgraph.errors import IngestError, StorageError
from provgraph.schema.table import Column
from provgraph.schema.text import encode_text, text_width

Array = np.ndarray[Any, Any]

_STORABLE = frozenset(("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"))


@dataclass(frozen=True, slots=True)
class Pending:
    """A column about to be stored: its type, and where its blocks come from.

    block : gives the Column of sources lo to hi, in order of identifiers; values of `dtype`.
    together : columns with the same key are read from the same rows, so they are best read block by block side by side.
    """

    origin: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    null: bool
    block: Callable[[int, int], Column]
    together: object = None


def storable(origin: str, column: Column, n: int) -> Column:
    """The same values in a type that is stored; text is trimmed. StorageError ``dtype_unsupported``, ``column_length``."""
    values, null = np.asarray(column[0]), column[1]
    if len(values) != n or (null is not None and null.shape != (n,)):
        raise StorageError(
            f"Column {origin} has {len(values)} values for {n} identifiers.", code="column_length", origin=origin
        )
    kind = values.dtype.kind
    if kind in "SUO":
        try:
            values = encode_text(values)
        except TypeError as error:
            raise StorageError(
                f"Column {origin} cannot be stored: {error}.", code="dtype_unsupported", origin=origin
            ) from None
        values = values.astype(f"S{text_width(values)}", copy=False)
    elif kind == "f" and values.dtype.itemsize == 2:
        values = values.astype("<f4")  # half precision fits exactly
    elif type_text(values.dtype) in _STORABLE:
        values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    else:
        raise StorageError(
            f"Column {origin} cannot be stored: values of type {values.dtype} are neither"
            " numbers, truth values nor text.",
            code="dtype_unsupported",
            origin=origin,
        )
    return Column(values, None if null is None or not null.any() else np.asarray(null, dtype=bool))


def pending(origin: str, column: Column, n: int) -> Pending:
    """A column in memory, ready to be stored."""
    column = storable(origin, column, n)
    return Pending(
        origin,
        column.values.dtype,
        column.values.shape[1:],
        column.null is not None,
        lambda lo, hi: column.take(slice(lo, hi)),
    )


class Passing:
    """One column on its way into a store, block by block in order: prepared, hashed, its statistics gathered.

    What stands under null is set to NaN, 0 or empty, so that equal content has an equal digest.
    """

    def __init__(self, column: Pending, n: int) -> None:
        self.column = column
        self._hash = ColumnHash(column.dtype, column.shape, n, null=column.null)
        self._gatherer = Gatherer(column.dtype)

    def take(self, lo: int, hi: int) -> Column:
        """Sources lo to hi as they are to be stored."""
        values, null = self.column.block(lo, hi)
        values = np.ascontiguousarray(values)
        if null is not None:
            null = np.ascontiguousarray(null)
            values = values.copy()
            values[null] = np.nan if self.column.dtype.kind == "f" else (b"" if self.column.dtype.kind == "S" else 0)
        self._add(values, null)
        return Column(values, null)

    def look(self, lo: int, hi: int) -> None:
        """Sources lo to hi of a column that is stored already, as they stand there."""
        self._add(*self.column.block(lo, hi))

    def _add(self, values: Array, null: Array | None) -> None:
        self._hash.add(values, null)
        self._gatherer.add(values, null)

    def learnt(self) -> tuple[ColumnInfo, Array]:
        """After the last block: what is now known of the column, and the statistics of each block."""
        info = ColumnInfo(
            self.column.origin,
            type_text(self.column.dtype),
            self.column.shape,
            self._gatherer.null_count,
            self._gatherer.nan_count,
            self._gatherer.minimum,
            self._gatherer.maximum,
            self._hash.digest(),
        )
        return info, self._gatherer.records


def pass_by(column: Pending, n: int, sink: Callable[[Column], None]) -> tuple[ColumnInfo, Array]:
    """A whole column: each block, as it is stored, goes to `sink`; returns what `Passing.learnt` does."""
    passing = Passing(column, n)
    for lo in range(0, n, BLOCK):
        sink(passing.take(lo, min(lo + BLOCK, n)))
    return passing.learnt()


def look_at(column: Pending, n: int) -> tuple[ColumnInfo, Array]:
    """A whole column that is stored already: what `Passing.learnt` said of these values when they were."""
    passing = Passing(column, n)
    for lo in range(0, n, BLOCK):
        passing.look(lo, min(lo + BLOCK, n))
    return passing.learnt()


def id_text(value: Any) -> str:
    """An identifier as text, for people and for the graph."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(int(value))


def check_same(first: Mapping[str, Array], later: Mapping[str, Array], first_ids: Array, ids: Array) -> None:
    """Every chunk has the origins, types and shapes of the first; text may differ in width. IngestError
    ``chunk_mismatch``, ``id_type``.
    """
    if (first_ids.dtype.kind == "S") != (ids.dtype.kind == "S"):
        raise IngestError("Identifiers are text in one part of the input and numbers in another.", code="id_type")
    if first.keys() != later.keys():
        odd = sorted(first.keys() ^ later.keys())
        raise IngestError(
            f"Column {odd[0]} is in one part of the input and not in another.", code="chunk_mismatch", origin=odd[0]
        )
    for origin, values in later.items():
        known = first[origin]
        same = known.dtype == values.dtype or known.dtype.kind == values.dtype.kind == "S"
        if not same or known.shape[1:] != values.shape[1:]:
            raise IngestError(
                f"Column {origin} is {known.dtype}{list(known.shape[1:]) or ''} in one part of the input and"
                f" {values.dtype}{list(values.shape[1:]) or ''} in another.",
                code="chunk_mismatch",
                origin=origin,
            )
