"""CSV (RFC 4180), UTF-8, with a header line. What is missing is an empty field; the elements of a vector are columns of
their own.

CSV cannot say: units, UCDs, descriptions, types, what the file is, and the difference between empty and missing text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.export.tables.files import write_stream
from provgraph.export.tables.meta import Stated, TableMeta
from provgraph.schema.table import Array, Column, Table
from provgraph.schema.text import decode_text

_ROWS = 16_384


def write(table: Table, meta: TableMeta, path: Path) -> None:
    write_stream(stream(table, meta), path)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    flat = [part for name in table.attributes for part in _flat(name, table[name])]
    yield _lines([[name for name, _ in flat]])
    for lo in range(0, len(table), _ROWS):
        fields = [_fields(column.take(slice(lo, lo + _ROWS))) for _, column in flat]
        yield _lines(zip(*fields, strict=True))


def stated(path: Path) -> Stated | None:
    return None


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8")


def _flat(name: str, column: Column) -> Iterator[tuple[str, Column]]:
    """A vector as columns ``name_1``, ``name_2``, …"""
    if column.values.ndim == 1:
        yield name, column
        return
    for i in range(column.values.shape[1]):
        yield from _flat(f"{name}_{i + 1}", Column(column.values[:, i], column.null))


def _fields(column: Column) -> list[Any]:
    values, null = column
    fields: list[Any] = _shown(values)
    if null is not None:
        for place in np.flatnonzero(null).tolist():
            fields[place] = None
    return fields


def _shown(values: Array) -> list[Any]:
    if values.dtype.kind == "S":
        return list(decode_text(values).tolist())
    if values.dtype.kind == "b":
        return list(np.where(values, "true", "false").tolist())
    if values.dtype == np.float32:
        return list(values.astype("U16").tolist())  # as few digits as give the same float32 again
    return list(values.tolist())
