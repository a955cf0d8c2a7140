"""Sorted indexes of stored columns: written after repeated use, beside the segments; any of them may be deleted at any time."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.bulk import processes
from provgraph.bulk.files import check_room, sync_directory, writing
from provgraph.bulk.store import Segment, SegmentInfo
from provgraph.errors import StorageError
from provgraph.language.ranges import Range

Array = np.ndarray[Any, Any]

_PART = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{16}\.(?P<process>[0-9a-f]{8}\.\d+\.\d+)\.part")

USES = 3
"""Selective looks at a column before an index of it is written: sorting costs about forty of them."""
WORTHWHILE = 1 << 20
"""Sources that a segment has at least: less is read as quickly as an index."""


@dataclass(frozen=True, slots=True)
class SortedIndex:
    """The values of a column that are neither null nor NaN, ascending, and the row that each stands in.

    values : ndarray, shape (n,), of the column's dtype; rows : ndarray, shape (n,), uint32 or int64. Both mapped.
    """

    values: Array
    rows: Array

    def find(self, within: Range) -> tuple[int, int]:
        """The part of the index that lies in a range, as bounds of a slice; reads a page for each halving."""
        if within.is_empty:
            return 0, 0
        first, last = 0, len(self.values)
        if within.lower is not None:
            bound, nearest = self._bound(within.lower)
            beyond = nearest < within.lower or (nearest == within.lower and within.lower_open)
            first = int(np.searchsorted(self.values, bound, "right" if beyond else "left"))
        if within.upper is not None:
            bound, nearest = self._bound(within.upper)
            short = nearest > within.upper or (nearest == within.upper and within.upper_open)
            last = int(np.searchsorted(self.values, bound, "left" if short else "right"))
        return first, max(first, last)

    def take(self, first: int, last: int) -> Array:
        """The rows of a part, ascending, as positions."""
        return np.sort(self.rows[first:last]).astype(np.intp)

    def _bound(self, value: int | float) -> tuple[Any, int | float]:
        """A bound in the column's own type, as it is and for comparison: another type would make numpy convert everything."""
        dtype = self.values.dtype
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            nearest: int | float = int(min(max(value, int(limits.min)), int(limits.max)))
        else:
            with np.errstate(over="ignore"):
                nearest = float(dtype.type(value))
        return dtype.type(nearest), nearest


class Indexes:
    """The indexes beside one store of files: `<directory>/indexes/<segment>.<column>.h5`."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory) / "indexes"
        self._open: dict[Path, SortedIndex] = {}

    def path(self, segment: str, origin: str) -> Path:
        return self.directory / f"{segment}.{sha256(origin.encode()).hexdigest()[:16]}.h5"

    def get(self, info: SegmentInfo, origin: str) -> SortedIndex | None:
        """The index of a column, where there is one for just these values."""
        path = self.path(info.name, origin)
        found = self._open.get(path)
        if found is None and path.exists():
            with suppress(OSError, KeyError, ValueError):
                found = _read(path, info, origin)
            if found is not None:
                self._open[path] = found
        return found

    def used(self, info: SegmentInfo, origin: str) -> bool:
        """Count a selective look at a column; whether an index is due. Other processes count along."""
        if info.n < WORTHWHILE or np.dtype(info.column(origin).dtype).kind not in "fiu" or info.column(origin).shape:
            return False
        path = self.path(info.name, origin).with_suffix(".uses")
        with suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, b".")
                return os.fstat(descriptor).st_size >= USES
            finally:
                os.close(descriptor)
        return False

    def build(self, segment: Segment, origin: str) -> None:
        """Sort a column and keep the order. Written whole or not at all; StorageError ``disk_full``."""
        import h5py

        values, kept = _kept(segment, origin)
        rows = np.flatnonzero(kept)
        there = values[rows]
        order = np.argsort(there, kind="stable")
        narrow = np.uint32 if len(values) < 1 << 32 else np.int64
        rows, there = rows[order].astype(narrow), there[order]
        path = self.path(segment.info.name, origin)
        part = path.with_name(f"{path.stem}.{processes.mark()}.part")
        with writing(self.directory, part):
            self.directory.mkdir(parents=True, exist_ok=True)
            check_room(self.directory, rows.nbytes + there.nbytes)
            with h5py.File(part, "x", libver=("v108", "v110"), locking=False) as file:
                file.create_dataset("values", data=there)
                file.create_dataset("rows", data=rows)
                file.attrs["format"] = "provgraph sorted index"
                file.attrs["digest"] = segment.info.column(origin).digest
                file.attrs["origin"] = origin
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(part, path)
            sync_directory(self.directory)
        path.with_suffix(".uses").unlink(missing_ok=True)

    def verify(self, segment: Segment) -> None:
        """Whether each index of a segment has all its values in their order; StorageError ``index_changed``."""
        for column in segment.info.columns:
            path = self.path(segment.info.name, column.origin)
            if path.exists() and not _is_right(path, segment, column.origin):
                raise StorageError(
                    f"{path.name}, the index of column {column.origin}, is not what was stored; delete it, the values are whole.",
                    code="index_changed", name=segment.info.name, path=str(path),
                )  # fmt: skip

    def delete(self, segment: str) -> None:
        """All indexes of a segment."""
        for path in self.directory.glob(f"{segment}.*"):
            self._open.pop(path, None)
            path.unlink(missing_ok=True)

    def clean(self, segments: Collection[str]) -> list[str]:
        """Remove what killed processes left unfinished and what belongs to none of these segments; returns its names."""
        gone = []
        for path in self.directory.glob("*.*"):
            unfinished = _PART.fullmatch(path.name)
            ended = processes.is_gone(unfinished["process"]) if unfinished else False
            if ended or (not unfinished and path.name.partition(".")[0] not in segments):
                path.unlink(missing_ok=True)
                gone.append(path.name)
        return gone


def _kept(segment: Segment, origin: str) -> tuple[Array, Array]:
    """The values of a column, and which of them an index has."""
    values, null = segment.column(origin)
    kept = np.ones(len(values), bool) if null is None else ~null
    if values.dtype.kind == "f":
        kept &= ~np.isnan(values)
    return values, kept


def _is_right(path: Path, segment: Segment, origin: str) -> bool:
    try:
        found = _read(path, segment.info, origin)
        if found is None:
            return False
        values, kept = _kept(segment, origin)
        rows, n = found.rows, len(values)
        if len(rows) != np.count_nonzero(kept) or found.values.dtype != values.dtype or rows.dtype.kind not in "iu":
            return False
        if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= n):
            return False
        there = np.zeros(n, bool)
        there[rows] = True
        ascending = bool((found.values[:-1] <= found.values[1:]).all())
        return ascending and bool((there == kept).all()) and bool((values[rows] == found.values).all())
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError):  # h5py raises them all
        return False


def _read(path: Path, info: SegmentInfo, origin: str) -> SortedIndex | None:
    import h5py

    with h5py.File(path, "r", locking=False) as file:
        if file.attrs["digest"] != info.column(origin).digest:
            return None
        parts = [(d.dtype, d.id.get_offset(), d.shape[0]) for d in (file["values"], file["rows"])]
    if not parts[0][2]:
        return SortedIndex(np.empty(0, parts[0][0]), np.empty(0, parts[1][0]))
    with path.open("rb") as raw:
        buffer = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ)
    return SortedIndex(*(np.frombuffer(buffer, dtype, n, offset) for dtype, offset, n in parts))
