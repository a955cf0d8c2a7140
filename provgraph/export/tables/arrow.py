"""Arrow: a pyarrow Table, the IPC file, and the IPC stream. Needs pyarrow (`provgraph[arrow]`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.errors import needs_extra
from provgraph.export.tables.files import replacing, write_stream
from provgraph.export.tables.meta import KEY, SURVEY, Stated, TableMeta, described
from provgraph.schema.table import Array, Column, Table
from provgraph.schema.text import encode_text

_ROWS = 131_072
FILE_START, STREAM_START = b"ARROW1\0\0", b"\xff\xff\xff\xff"


def to_arrow(table: Table, meta: TableMeta | None = None) -> Any:
    """pyarrow Table. Numbers are shared with `table`, not copied; unit, UCD and description stand in the metadata of
    the fields.
    """
    pa = pyarrow()
    arrays = [array_of(table[name]) for name in table.attributes]
    fields = [
        pa.field(name, array.type, metadata=described(attribute) or None)
        for (name, attribute), array in zip(table.attributes.items(), arrays, strict=True)
    ]
    about = None
    if meta is not None:
        about = {KEY: meta.iri, "name": meta.name, "description": meta.description}
        about |= {f"{KEY}.{key}": value for key, value in meta.provenance.items()}
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about))


def write(table: Table, meta: TableMeta, path: Path) -> None:
    """The IPC file format, which readers of files expect and can read in any order; the stream where it ends in .arrows."""
    if path.suffix.lower() == ".arrows":
        write_stream(stream(table, meta), path)
        return
    pa = pyarrow()
    whole = to_arrow(table, meta)
    with (
        replacing(path) as part,
        part.open("xb") as file,
        pa.ipc.new_file(pa.PythonFile(file, mode="w"), whole.schema) as writer,
    ):
        writer.write_table(whole, max_chunksize=_ROWS)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    pa = pyarrow()
    whole = to_arrow(table, meta)
    pieces = _Pieces()
    with pa.ipc.new_stream(pa.PythonFile(pieces, mode="w"), whole.schema) as writer:
        yield pieces.take()
        for batch in whole.to_batches(max_chunksize=_ROWS):
            writer.write_batch(batch)
            yield pieces.take()
    yield pieces.take()


def stated(path: Path) -> Stated | None:
    pa = pyarrow()
    with path.open("rb") as file:
        is_file = file.read(len(FILE_START)) == FILE_START
        file.seek(0)
        reader = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file)
        return stated_in(reader.schema.metadata)


def stated_in(metadata: Mapping[bytes, bytes] | None) -> Stated | None:
    """What the metadata of a schema, which Parquet keeps too, say."""
    found = {key: (metadata or {}).get(key.encode(), b"").decode() for key in (KEY, f"{KEY}.{SURVEY}")}
    return Stated(*found.values()) if found[KEY] else None


def pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise needs_extra("arrow", "Arrow and Parquet") from None
    return pyarrow


class _Pieces:
    """A file that is emptied while it is written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken, self._pieces = self._pieces, []
        return b"".join(taken)


def array_of(column: Column) -> Any:
    """A Column as an Arrow array, made of its own memory where Arrow lays values out the same way."""
    pa = pyarrow()
    values, null = column
    n = len(values)
    validity = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    missing = 0 if null is None else int(null.sum())
    if values.ndim > 1:
        inner = array_of(Column(np.ascontiguousarray(values).reshape(-1, *values.shape[2:])))
        kind = pa.list_(inner.type, values.shape[1])
        return pa.FixedSizeListArray.from_buffers(kind, n, [validity], missing, children=[inner])
    if values.dtype.kind in "SU":
        return _text(encode_text(values), validity, missing)
    if values.dtype.kind == "b":
        return pa.Array.from_buffers(
            pa.bool_(), n, [validity, pa.py_buffer(np.packbits(values, bitorder="little"))], missing
        )
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    return pa.Array.from_buffers(pa.from_numpy_dtype(native.dtype), n, [validity, pa.py_buffer(native)], missing)


def _text(values: Array, validity: Any, missing: int) -> Any:
    pa = pyarrow()
    n, width = len(values), values.dtype.itemsize
    lengths = np.strings.str_len(values) if width else np.zeros(n, np.int64)
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    units = np.ascontiguousarray(values).view(np.uint8).reshape(n, width)
    data = units[np.arange(width) < lengths[:, None]]
    large = offsets[-1] >= 2**31
    kind = pa.large_string() if large else pa.string()
    places = pa.py_buffer(offsets if large else offsets.astype(np.int32))
    return pa.Array.from_buffers(kind, n, [validity, places, pa.py_buffer(data)], missing)
