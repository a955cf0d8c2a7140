"""Collecting a segment from chunks that come in any order, in bounded memory."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from provgraph.bulk import columns as stored
from provgraph.bulk.columns import Pending
from provgraph.bulk.files import write_all, writing
from provgraph.bulk.sort import normalised_ids, ordering
from provgraph.bulk.store import Progress, SegmentInfo
from provgraph.schema.table import Column

if TYPE_CHECKING:
    from provgraph.bulk.hdf5 import Hdf5Store

Array = np.ndarray[Any, Any]


class Hdf5Writer:
    """Chunks go to one unnamed temporary file a column, so that the operating system removes them whatever happens;
    identifiers stay in memory.

    Memory: about 24 bytes a source for integer identifiers, plus one block a thread.
    """

    def __init__(self, store: Hdf5Store, id_space: str, id_name: str, meta: Mapping[str, Mapping[str, str]]) -> None:
        self._store, self._id_space, self._id_name, self._meta = store, id_space, id_name, meta
        self._ids: list[Array] = []
        self._spools: dict[str, _Spool] = {}

    def append(self, ids: Array, columns: Mapping[str, Column], *, id_null: Array | None = None) -> None:
        ids = normalised_ids(np.asarray(ids), id_null, name=self._id_name)
        chunk = {origin: stored.storable(origin, column, len(ids)) for origin, column in columns.items()}
        if self._ids:
            stored.check_same(
                {o: s.sample for o, s in self._spools.items()},
                {o: c.values for o, c in chunk.items()},
                self._ids[0],
                ids,
            )
        with writing(self._store.directory):
            if not self._ids:
                self._store.directory.mkdir(parents=True, exist_ok=True)
                self._spools = {o: _Spool(o, c.values[:0], self._store.directory) for o, c in chunk.items()}
            for origin, column in chunk.items():
                self._spools[origin].append(column)
        self._ids.append(ids if ids.base is None else ids.copy())

    def finish(self, *, progress: Progress | None = None) -> SegmentInfo:
        try:
            ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int64)
            self._ids = []
            order = ordering(ids, name=self._id_name)
            if order is not None:
                ids = ids[order]
            with writing(self._store.directory):
                pending = [spool.pending(order, len(ids)) for spool in self._spools.values()]
            return self._store.keep(ids, pending, id_space=self._id_space, meta=self._meta, progress=progress)
        finally:
            self.abort()

    def abort(self) -> None:
        for spool in self._spools.values():
            spool.close()
        self._ids, self._spools = [], {}

    def __enter__(self) -> Hdf5Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.abort()


class _Spool:
    """The chunks of one column in the order they came."""

    def __init__(self, origin: str, sample: Array, directory: Path) -> None:
        self.origin = origin
        self.sample = sample
        self._directory = directory
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=directory, prefix=".spool-")  # noqa: SIM115
        self._mapped: Array | None = None
        self._rows: list[int] = []
        self._widths: list[int] = []
        self._null: list[Array | None] = []  # packed to bits, per chunk

    def append(self, column: Column) -> None:
        values = np.ascontiguousarray(column.values)
        write_all(self._file.fileno(), values)
        self._rows.append(len(values))
        self._widths.append(values.dtype.itemsize)
        self._null.append(None if column.null is None else np.packbits(column.null))

    def pending(self, order: Array | None, n: int) -> Pending:
        dtype = self.sample.dtype
        if len(set(self._widths)) > 1:
            dtype = np.dtype(f"S{max(self._widths)}")
            self._widen(dtype)
        elif self._widths:
            dtype = np.dtype((dtype.type, self._widths[0])) if dtype.kind == "S" else dtype
        shape = self.sample.shape[1:]
        null = self._mask(n)

        def block(lo: int, hi: int) -> Column:
            if self._mapped is None:  # only while it is read: pages of all columns together would count as memory
                buffer = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
                self._mapped = np.frombuffer(buffer, dtype).reshape(n, *shape)
            if order is None:
                values, part = self._mapped[lo:hi], None if null is None else null[lo:hi]
            else:
                values, part = self._mapped.take(order[lo:hi], axis=0), None if null is None else null[order[lo:hi]]
            if hi == n:
                self.close()
            return Column(values, part)

        return Pending(self.origin, dtype, shape, null is not None, block)

    def _mask(self, n: int) -> Array | None:
        if all(packed is None for packed in self._null):
            return None
        null = np.zeros(n, bool)
        first = 0
        for rows, packed in zip(self._rows, self._null, strict=True):
            if packed is not None:
                null[first : first + rows] = np.unpackbits(packed, count=rows)
            first += rows
        return null

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Text of one width, the widest that came."""
        wide: IO[bytes] = tempfile.TemporaryFile(dir=self._directory, prefix=".spool-")  # noqa: SIM115
        self._file.seek(0)
        per_row = int(np.prod(self.sample.shape[1:], dtype=np.int64))
        for rows, width in zip(self._rows, self._widths, strict=True):
            chunk = np.frombuffer(self._file.read(rows * per_row * width), f"S{width}")
            write_all(wide.fileno(), chunk.astype(dtype))
        self._file.close()
        self._file = wide

    def close(self) -> None:
        self._mapped = None
        self._file.close()
