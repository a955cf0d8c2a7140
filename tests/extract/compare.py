"""Reading a Source whole, and comparing it with what another library read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from provgraph.extract import open_source
from provgraph.extract.source import Source
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column
from provgraph.schema.text import decode_text


def whole(source: Source, rows: int = 1000) -> dict[str, Column]:
    """All chunks as one; checks that each keeps to what the source announced."""
    parts: dict[str, list[Column]] = {a.name: [] for a in source.attributes}
    total = 0
    for chunk in source.chunks(rows):
        assert list(chunk) == [a.name for a in source.attributes]
        lengths = {len(c.values) for c in chunk.values()}
        assert len(lengths) == 1
        assert lengths.pop() <= rows
        for name, column in chunk.items():
            parts[name].append(column)
        total += len(column.values)
    assert source.n in (None, total)
    result = {}
    for a in source.attributes:
        if not parts[a.name]:
            continue
        values = np.concatenate([c.values for c in parts[a.name]])
        assert values.dtype.isnative
        assert values.dtype.kind == "S" if a.dtype == "U" else values.dtype == np.dtype(a.dtype), (a, values.dtype)
        assert values.shape[1:] == a.shape
        null = np.concatenate([np.zeros(len(c.values), bool) if c.null is None else c.null for c in parts[a.name]])
        result[a.name] = Column(values, null if null.any() else None)
    return result


def read(
    path: Path, *, table: str | int | None = None, rows: int = 1000
) -> tuple[dict[str, Attribute], dict[str, Column]]:
    with open_source(path, table=table) as source:
        columns = whole(source, rows)
        again = whole(source, rows + 7)
        for name, column in columns.items():  # may be read again, and however it is cut
            assert column.values.tobytes() == again[name].values.tobytes() or column.values.dtype.kind == "S"
        return {a.name: a for a in source.attributes}, columns


def same(ours: Column, theirs: np.ndarray) -> bool:
    """Equal where there is a value (NaN equals NaN), and missing in the same places; `theirs` may be masked."""
    mask = np.ma.getmaskarray(theirs) if isinstance(theirs, np.ma.MaskedArray) else np.zeros(theirs.shape, bool)
    mask = mask.reshape(len(mask), -1).all(axis=1) if mask.ndim > 1 else mask
    null = np.zeros(len(ours.values), bool) if ours.null is None else ours.null
    values = np.ma.getdata(theirs)
    mine = ours.values
    if mine.dtype.kind == "S":
        return bool((null == mask).all()) and [str(v) for v in decode_text(mine)[~null].ravel().tolist()] == [
            (v.decode() if isinstance(v, bytes) else str(v)).rstrip() for v in values[~mask].ravel().tolist()
        ]
    return bool((null == mask).all()) and np.array_equal(mine[~null], values[~mask], equal_nan=mine.dtype.kind == "f")
