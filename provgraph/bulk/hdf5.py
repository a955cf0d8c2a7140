"""Segments as HDF5 files: written once, contiguous, mapped by readers.

A file holds `ids`, `columns/<origin>`, `nulls/<origin>` (uint8, only where something is missing) and
`statistics/<origin>` (one record a block). Digests, statistics and units are attributes, for whoever opens it with
other tools. HDF5 lays out the file; the values are written past it, straight to where each dataset stands, which lets
two threads work, and read the same way, which needs no HDF5 library at all.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import numpy as np

from provgraph.bulk import columns as stored
from provgraph.bulk import processes
from provgraph.bulk.columns import Pending
from provgraph.bulk.digest import segment_digest
from provgraph.bulk.files import check_room, sync_directory, writing
from provgraph.bulk.indexes import Indexes
from provgraph.bulk.layout import read_info, row_bytes, write_file
from provgraph.bulk.sort import is_ascending
from provgraph.bulk.spool import Hdf5Writer
from provgraph.bulk.statistics import BLOCK, BlockStatistics, from_records, record_dtype
from provgraph.bulk.store import ColumnInfo, Progress, SegmentInfo, changed, missing, unreadable
from provgraph.errors import StorageError
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]

_NAME = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"[0-9a-f]{32}\.(?P<process>[0-9a-f]{8}\.\d+\.\d+)\.part")
_THREADS = 2
MAPPED = 64
"""Files that stay mapped: address space and page tables, no memory of ours."""


class Hdf5Store:
    """A bulk store in a directory: `<directory>/<first two digits>/<name>.h5`."""

    name = "hdf5"

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self.indexes = Indexes(self.directory)
        self._verified: set[tuple[str, int, int, int]] = set()
        self._mapped: OrderedDict[tuple[str, str, int, int, int], mmap.mmap] = OrderedDict()
        self._mapping = Lock()

    def path(self, name: str) -> Path:
        """Where a segment's file is or would be."""
        if not _NAME.fullmatch(name):
            raise StorageError(f"{name!r} is not the name of a segment.", code="segment_missing", name=name)
        return self.directory / name[:2] / f"{name}.h5"

    def write(
        self,
        ids: Array,
        columns: Mapping[str, Column],
        *,
        id_space: str,
        meta: Mapping[str, Mapping[str, str]] | None = None,
        progress: Progress | None = None,
    ) -> SegmentInfo:
        n = len(ids)
        ids = stored.storable("ids", Column(ids), n).values
        if not is_ascending(ids):
            raise StorageError("Identifiers of a segment must ascend, each once.", code="ids_not_ascending")
        pending = [stored.pending(origin, column, n) for origin, column in columns.items()]
        return self.keep(ids, pending, id_space=id_space, meta=meta or {}, progress=progress)

    def writer(
        self, *, id_space: str, id_name: str = "id", meta: Mapping[str, Mapping[str, str]] | None = None
    ) -> Hdf5Writer:
        return Hdf5Writer(self, id_space, id_name, meta or {})

    def keep(
        self,
        ids: Array,
        pending: list[Pending],
        *,
        id_space: str,
        meta: Mapping[str, Mapping[str, str]],
        progress: Progress | None,
    ) -> SegmentInfo:
        """Store columns that come block by block: what `write` and `Hdf5Writer.finish` end in."""
        name = uuid4().hex
        path = self.path(name)
        part = path.with_name(f"{name}.{processes.mark()}.part")
        with writing(self.directory, part):
            fresh = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            check_room(path.parent, ids.nbytes + sum(len(ids) * row_bytes(column) for column in pending))
            info = write_file(part, ids, pending, name=name, id_space=id_space, meta=meta, progress=progress)
            with part.open("rb") as file:
                os.fsync(file.fileno())
                found = os.fstat(file.fileno())
            os.replace(part, path)
            sync_directory(path.parent)
            if fresh:
                sync_directory(self.directory)
        return replace(info, size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)

    def open(self, info: SegmentInfo) -> Hdf5Segment:
        """Maps the file. A file of other size is refused; one of other time or inode (copied, restored) is read once
        and used if its digest is right. The last files stay mapped: to map a page again costs as much as to read it.
        """
        path = self.path(info.name)
        try:
            found = path.stat()
            if found.st_size != info.size:
                raise changed(info.name, f"{found.st_size} bytes instead of {info.size}")
            buffer = self._map(path, info.digest, found)
        except FileNotFoundError:
            raise missing(info.name) from None
        except StorageError:
            raise
        except OSError as error:
            raise unreadable(info.name, error) from None
        segment = Hdf5Segment(info, buffer)
        if found.st_mtime_ns != info.mtime_ns or found.st_ino != info.inode:
            seen = (info.digest, found.st_size, found.st_mtime_ns, found.st_ino)
            if seen not in self._verified:
                _verify(segment)
                self._verified.add(seen)
        return segment

    def _map(self, path: Path, digest: str, found: os.stat_result) -> mmap.mmap:
        key = (path.stem, digest, found.st_size, found.st_mtime_ns, found.st_ino)
        with self._mapping:
            if key not in self._mapped:
                with path.open("rb") as file:
                    self._mapped[key] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._mapped.move_to_end(key)
            while len(self._mapped) > MAPPED:
                self._mapped.popitem(last=False)
            return self._mapped[key]

    def check(self, info: SegmentInfo) -> None:
        """Whether the file is there and of the size that is registered; raises as `open` does, reads nothing."""
        try:
            size = self.path(info.name).stat().st_size
        except FileNotFoundError:
            raise missing(info.name) from None
        if size != info.size:
            raise changed(info.name, f"{size} bytes instead of {info.size}")

    def verify(self, info: SegmentInfo) -> None:
        segment = self.open(info)
        _verify(segment)
        found = self.inspect(info.name)
        if replace(found, size=info.size, mtime_ns=info.mtime_ns, inode=info.inode) != info:
            raise changed(info.name, "what the file says of itself")
        self.indexes.verify(segment)

    def inspect(self, name: str) -> SegmentInfo:
        """What `write` returned, read from the file itself: for rebuilding a register. Slow beside `open`, which trusts
        the register.
        """
        import h5py

        path = self.path(name)
        try:
            found = path.stat()
            with h5py.File(path, "r", locking=False) as file:
                return read_info(file, name, found)
        except FileNotFoundError:
            raise missing(name) from None
        except (
            OSError,
            LookupError,
            ValueError,
            TypeError,
            AttributeError,
            RuntimeError,
        ) as error:  # h5py raises them all
            raise changed(name, f"it is no segment any more: {error}") from None

    def take(self, name: str, directory: Path) -> None:
        """Move a finished segment here from another store of files, as a child process has left it in `directory`.

        A rename: size, time and inode stay as they were reported. Between file systems it is a copy, which `open` reads
        once before it is used.
        """
        source, path = Hdf5Store(directory).path(name), self.path(name)
        part = path.with_name(f"{name}.{processes.mark()}.part")
        with writing(self.directory, part):
            fresh = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, part)
            os.replace(part, path)
            sync_directory(path.parent)
            if fresh:
                sync_directory(self.directory)

    def delete(self, name: str) -> None:
        with self._mapping:  # no disk is free of a file that is still mapped
            for key in [key for key in self._mapped if key[0] == name]:
                del self._mapped[key]
        with suppress(FileNotFoundError):
            self.path(name).unlink()
        self.indexes.delete(name)

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.directory.glob("??/*.h5") if _NAME.fullmatch(path.stem))

    def clean(self, registered: Collection[str] | None = None, *, older_than: float = 3600.0) -> list[str]:
        gone = []
        for path in self.directory.glob("??/*.part"):
            match = _PART.fullmatch(path.name)
            if match and processes.is_gone(match["process"]):
                path.unlink(missing_ok=True)
                gone.append(path.name)
        gone += self.indexes.clean(set(self.names()))
        if registered is not None:
            oldest = time.time() - older_than
            for name in self.names():
                with suppress(FileNotFoundError):
                    if name not in registered and self.path(name).stat().st_mtime <= oldest:
                        self.delete(name)
                        gone.append(name)
        return gone


@dataclass(frozen=True, slots=True)
class Hdf5Segment:
    """A mapped segment. The arrays it gives are read-only and stay valid while they are held, even when the file is
    deleted.
    """

    info: SegmentInfo
    buffer: mmap.mmap

    @property
    def n(self) -> int:
        return self.info.n

    @property
    def ids(self) -> Array:
        return self._array(self.info.id_dtype, self.info.ids_offset, (self.info.n,))

    def column(self, origin: str) -> Column:
        info = self.info.column(origin)
        values = self._array(info.dtype, info.offset, (self.info.n, *info.shape))
        return Column(values, self._array("?", info.null_offset, (self.info.n,)) if info.null_count else None)

    def blocks(self, origin: str) -> BlockStatistics:
        return from_records(self.records(origin))

    def records(self, origin: str) -> Array:
        """The statistics of each block as they are stored."""
        info = self.info.column(origin)
        return self._array(record_dtype(np.dtype(info.dtype)), info.blocks_offset, (-(-self.info.n // BLOCK),))

    def _array(self, dtype: str | np.dtype[Any], offset: int, shape: tuple[int, ...]) -> Array:
        dtype = np.dtype(dtype).newbyteorder("<")
        count = int(np.prod(shape, dtype=np.int64))
        if not count:
            return np.zeros(shape, dtype)
        if offset < 0 or offset + count * dtype.itemsize > len(self.buffer):
            raise changed(self.info.name, "its values are not where they were registered")
        return np.frombuffer(self.buffer, dtype, count, offset).reshape(shape)


def _verify(segment: Hdf5Segment) -> None:
    """Values against their digests, and what is recorded of them beside, in the file and in the register, against the values."""
    info = segment.info

    def one(column: ColumnInfo | None) -> str | None:
        values, null = Column(segment.ids) if column is None else segment.column(column.origin)
        pending = Pending(
            "ids" if column is None else column.origin,
            values.dtype,
            values.shape[1:],
            null is not None,
            lambda lo, hi: Column(values, null).take(slice(lo, hi)),
        )
        found, records = stored.look_at(pending, info.n)
        if column is None:
            return None if found.digest == info.id_digest else "identifiers"
        if found.digest != column.digest:
            return f"column {column.origin}"
        same = replace(column, offset=-1, null_offset=-1, blocks_offset=-1) == found
        if not same or segment.records(column.origin).tolist() != records.tolist():
            return f"statistics of column {column.origin}"
        return None

    with ThreadPoolExecutor(_THREADS) as pool:
        wrong = [what for what in pool.map(one, (None, *info.columns)) if what]
    if wrong:
        raise changed(info.name, ", ".join(wrong))
    if segment_digest(info.id_space, info.id_digest, [(c.origin, c.digest) for c in info.columns]) != info.digest:
        raise changed(info.name, "its register entry")
