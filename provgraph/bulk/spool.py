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
from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import Progress, SegmentInfo
from provgraph.schema.table import Column

if TYPE_CHECKING:
    from provgraph.bulk.hdf5 import Hdf5Store

Array = np.ndarray[Any, Any]

_ROW = 32
"""Bytes of a row: half a cache line. Larger ones are fewer, but more of them is mapped at a time."""


class Hdf5Writer:
    """Chunks go to temporary files without a name, so that the operating system removes them whatever happens;
    identifiers stay in memory.

    Putting rows in order is reading them at random, which costs by the access and not by the byte: columns of fixed
    width are therefore kept together in rows of half a cache line. Memory: about 24 bytes a source for integer
    identifiers, one block of rows a thread, and what the system caches of the files.
    """

    def __init__(self, store: Hdf5Store, id_space: str, id_name: str, meta: Mapping[str, Mapping[str, str]]) -> None:
        self._store, self._id_space, self._id_name, self._meta = store, id_space, id_name, meta
        self._ids: list[Array] = []
        self._samples: dict[str, Array] = {}
        self._spools: list[_Rows | _Text] = []

    def append(self, ids: Array, columns: Mapping[str, Column], *, id_null: Array | None = None) -> None:
        ids = normalised_ids(np.asarray(ids), id_null, name=self._id_name)
        chunk = {origin: stored.storable(origin, column, len(ids)) for origin, column in columns.items()}
        if self._ids:
            stored.check_same(self._samples, {o: c.values for o, c in chunk.items()}, self._ids[0], ids)
        with writing(self._store.directory):
            if not self._ids:
                self._store.directory.mkdir(parents=True, exist_ok=True)
                self._samples = {origin: column.values[:0].copy() for origin, column in chunk.items()}
                self._spools = _spools(self._samples, self._store.directory)
            for spool in self._spools:
                spool.append(chunk, len(ids))
        self._ids.append(ids if ids.base is None else ids.copy())

    def finish(self, *, progress: Progress | None = None) -> SegmentInfo:
        try:
            ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int64)
            self._ids = []
            order = ordering(ids, name=self._id_name)
            if order is not None:
                ids = ids[order]
            with writing(self._store.directory):
                found = {p.origin: p for spool in self._spools for p in spool.pending(order, len(ids))}
            pending = [found[origin] for origin in self._samples]
            return self._store.keep(ids, pending, id_space=self._id_space, meta=self._meta, progress=progress)
        finally:
            self.abort()

    def abort(self) -> None:
        for spool in self._spools:
            spool.close()
        self._ids, self._spools, self._samples = [], [], {}

    def __enter__(self) -> Hdf5Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.abort()


def _spools(samples: Mapping[str, Array], directory: Path) -> list[_Rows | _Text]:
    """Text by itself, since chunks may differ in width; the other columns in rows that waste little."""
    fixed = {origin: sample for origin, sample in samples.items() if sample.dtype.kind != "S"}
    width = {o: s.dtype.itemsize * int(np.prod(s.shape[1:], dtype=np.int64)) for o, s in fixed.items()}
    # There are two threads: what would fit in one row is parted.
    room = next((size for size in (_ROW, 16) if sum(width.values()) > size), 8)
    rows: list[list[str]] = []
    for origin in sorted(fixed, key=lambda o: -width[o]):  # wide first also keeps every value aligned
        fitting = (row for row in rows if sum(width[o] for o in row) + width[origin] <= room)
        row = next(fitting, None)
        if row is None:
            rows.append([origin])
        else:
            row.append(origin)
    spools: list[_Rows | _Text] = [_Rows({o: fixed[o] for o in row}, directory) for row in rows]
    return spools + [_Text(o, s, directory) for o, s in samples.items() if s.dtype.kind == "S"]


class _Nulls:
    """Masks of one column, chunk by chunk, a bit a source."""

    def __init__(self) -> None:
        self._chunks: list[tuple[int, Array | None]] = []

    def append(self, column: Column) -> None:
        self._chunks.append((len(column.values), None if column.null is None else np.packbits(column.null)))

    def mask(self, n: int) -> Array | None:
        if all(packed is None for _, packed in self._chunks):
            return None
        null = np.zeros(n, bool)
        first = 0
        for rows, packed in self._chunks:
            if packed is not None:
                null[first : first + rows] = np.unpackbits(packed, count=rows)
            first += rows
        return null


class _File:
    """A temporary file without a name, mapped only while it is read: the pages of all together would count as memory."""

    def __init__(self, directory: Path) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=directory, prefix=".spool-")  # noqa: SIM115
        self._mapped: Array | None = None
        self._taken: Array | None = None

    def append(self, values: Array) -> None:
        write_all(self._file.fileno(), np.ascontiguousarray(values))

    def rows(self, size: int, lo: int, hi: int, order: Array | None) -> Array:
        """Rows lo to hi of the given order, each of so many bytes and opaque (numpy copies those at once); good until
        the next call, since fresh memory for each block would cost as much as filling it.
        """
        if self._mapped is None:
            buffer = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._mapped = np.frombuffer(buffer, np.dtype(f"V{size}"))
        if order is None:
            return self._mapped[lo:hi]
        if self._taken is None:
            self._taken = np.empty(BLOCK, self._mapped.dtype)
        return self._mapped.take(order[lo:hi], out=self._taken[: hi - lo], mode="clip")  # 'raise' would copy once more

    def read(self, first: int, size: int) -> bytes:
        self._file.seek(first)
        return self._file.read(size)

    def close(self) -> None:
        self._mapped = self._taken = None
        self._file.close()


class _Rows:
    """Columns of fixed width, side by side in rows."""

    def __init__(self, samples: Mapping[str, Array], directory: Path) -> None:
        self._samples = dict(samples)
        self._file = _File(directory)
        self._nulls = {origin: _Nulls() for origin in samples}
        packed = np.dtype([(f"c{i}", s.dtype, s.shape[1:]) for i, s in enumerate(samples.values())])
        # Rows of such a size never straddle cache lines.
        size = next((size for size in (1, 2, 4, 8, 16, 32) if size >= packed.itemsize), packed.itemsize)
        places: Mapping[str, Any] = packed.fields or {}
        self._dtype: np.dtype[Any] = np.dtype(
            {
                "names": list(places),
                "formats": [place[0] for place in places.values()],
                "offsets": [place[1] for place in places.values()],
                "itemsize": size,
            }
        )
        self._left = len(samples)
        self._rows: Array = np.empty(0, self._dtype)
        self._last: tuple[int, int, Array | None] = (-1, -1, None)

    def append(self, chunk: Mapping[str, Column], n: int) -> None:
        if len(self._rows) < n:
            self._rows = np.empty(n, self._dtype)
        rows = self._rows[:n]
        for i, origin in enumerate(self._samples):
            rows[f"c{i}"] = chunk[origin].values
            self._nulls[origin].append(chunk[origin])
        self._file.append(rows)

    def pending(self, order: Array | None, n: int) -> list[Pending]:
        return [self._pending(i, origin, order, n) for i, origin in enumerate(self._samples)]

    def _pending(self, i: int, origin: str, order: Array | None, n: int) -> Pending:
        null = self._nulls[origin].mask(n)
        sample = self._samples[origin]

        def block(lo: int, hi: int) -> Column:
            if self._last[:2] != (lo, hi):  # the first of these columns takes the rows for all
                self._last = (lo, hi, self._file.rows(self._dtype.itemsize, lo, hi, order).view(self._dtype))
            rows = self._last[2]
            values = np.ascontiguousarray(rows[f"c{i}"])  # type: ignore[index]
            if hi == n:
                self._left -= 1
                if not self._left:
                    self.close()
            return Column(values, None if null is None else null[slice(lo, hi) if order is None else order[lo:hi]])

        return Pending(origin, sample.dtype, sample.shape[1:], null is not None, block, self)

    def close(self) -> None:
        self._last = (-1, -1, None)
        self._file.close()


class _Text:
    """One column of text; each chunk as wide as its longest."""

    def __init__(self, origin: str, sample: Array, directory: Path) -> None:
        self._origin, self._shape, self._directory = origin, sample.shape[1:], directory
        self._file = _File(directory)
        self._nulls = _Nulls()
        self._chunks: list[tuple[int, int]] = []  # entries, width

    def append(self, chunk: Mapping[str, Column], n: int) -> None:
        column = chunk[self._origin]
        self._chunks.append((column.values.size, column.values.dtype.itemsize))
        self._nulls.append(column)
        self._file.append(column.values)

    def pending(self, order: Array | None, n: int) -> list[Pending]:
        width = max((width for _, width in self._chunks), default=1)
        if len({width for _, width in self._chunks}) > 1:
            self._widen(width)
        one = np.dtype(f"S{width}")
        row = np.dtype((one, self._shape)) if self._shape else one
        null = self._nulls.mask(n)

        def block(lo: int, hi: int) -> Column:
            rows = np.ascontiguousarray(self._file.rows(row.itemsize, lo, hi, order))
            values = rows.view(one).reshape(hi - lo, *self._shape)
            if hi == n:
                self.close()
            return Column(values, None if null is None else null[slice(lo, hi) if order is None else order[lo:hi]])

        return [Pending(self._origin, one, self._shape, null is not None, block)]

    def _widen(self, width: int) -> None:
        """Text of one width, the widest that came."""
        wide = _File(self._directory)
        first = 0
        for entries, narrow in self._chunks:
            size = entries * narrow
            wide.append(np.frombuffer(self._file.read(first, size), f"S{narrow}").astype(f"S{width}"))
            first += size
        self._file.close()
        self._file = wide

    def close(self) -> None:
        self._file.close()
