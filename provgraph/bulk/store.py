"""The interface of a bulk store: catalog values in immutable segments, one stored column for each origin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from provgraph.bulk.statistics import BlockStatistics
from provgraph.errors import StorageError
from provgraph.schema.table import Column

if TYPE_CHECKING:
    from provgraph.bulk.indexes import Indexes

Array = np.ndarray[Any, Any]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """What is known of one stored column without reading it.

    dtype : numpy type text without byte order, ``'f8' 'i4' '?' 'S12'``; on disk always little-endian.
    shape : shape of one source's value, ``()`` for a scalar.
    null_count : sources without a value; nan_count : elements that are NaN (and not null).
    minimum, maximum : of the finite values that are there; int where the column holds integers, None where there are
    none or text.
    offset, null_offset, blocks_offset : where the bytes stand in the segment file, -1 where there are none, so that a
    reader maps them without opening the file's structure.
    """

    origin: str
    dtype: str
    shape: tuple[int, ...] = ()
    null_count: int = 0
    nan_count: int = 0
    minimum: float | None = None
    maximum: float | None = None
    digest: str = ""
    offset: int = -1
    null_offset: int = -1
    blocks_offset: int = -1


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """What is registered of a segment: enough to find, check and map it.

    digest : of the content (identifiers, origins, types, values, masks), the same in every store.
    size, mtime_ns, inode : of the file as it was finished; compared at every open.
    id_min, id_max : first and last identifier as text, '' when there are none.
    """

    name: str
    digest: str
    size: int
    mtime_ns: int
    inode: int
    n: int
    id_space: str
    id_dtype: str
    id_min: str
    id_max: str
    id_digest: str
    columns: tuple[ColumnInfo, ...]
    ids_offset: int = -1

    def column(self, origin: str) -> ColumnInfo:
        for column in self.columns:
            if column.origin == origin:
                return column
        raise StorageError(
            f"Segment {self.name} holds no column {origin}.", code="column_missing", name=self.name, origin=origin
        )

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(column.origin for column in self.columns)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` gives back an equal SegmentInfo."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> SegmentInfo:
        known = {field.name for field in fields(ColumnInfo)}
        columns = tuple(
            ColumnInfo(**{**{k: v for k, v in column.items() if k in known}, "shape": tuple(column["shape"])})
            for column in plain["columns"]
        )
        own = {field.name for field in fields(cls)}
        return cls(**{**{k: v for k, v in plain.items() if k in own}, "columns": columns})


class Segment(Protocol):
    """Some columns of some sources of one id space, read-only.

    ids : ndarray, shape (n,), int64 or 'S', ascending, each once.
    """

    @property
    def info(self) -> SegmentInfo: ...
    @property
    def n(self) -> int: ...
    @property
    def ids(self) -> Array: ...
    def column(self, origin: str) -> Column:
        """Values, shape (n, ...), and null mask; StorageError(code='column_missing') where it is not held."""
        ...

    def blocks(self, origin: str) -> BlockStatistics:
        """Statistics of each block of `statistics.BLOCK` sources."""
        ...


class SegmentWriter(Protocol):
    """Takes chunks in any order of identifiers; `finish` sorts, checks and stores them as one segment.

    A context manager: left without `finish`, everything it wrote is gone.
    """

    def append(self, ids: Array, columns: Mapping[str, Column], *, id_null: Array | None = None) -> None:
        """Another chunk; the same origins and types as the first, text may be wider. See `sort.normalised_ids` for what
        an identifier may be.
        """
        ...

    def finish(self, *, progress: Progress | None = None) -> SegmentInfo:
        """Raises IngestError: ``duplicate_ids`` (up to 3 named, and how many), ``null_ids``, ``id_not_exact``;
        StorageError: ``disk_full``.
        """
        ...

    def abort(self) -> None: ...
    def __enter__(self) -> SegmentWriter: ...
    def __exit__(self, *exc: object) -> None: ...


class BulkStore(Protocol):
    """Where segments live. A segment is written once and never changed; deleting a derived one costs time, no
    knowledge.
    """

    name: str

    @property
    def indexes(self) -> Indexes | None:
        """Sorted indexes of stored columns; None for a store that keeps none."""
        ...

    def write(
        self,
        ids: Array,
        columns: Mapping[str, Column],
        *,
        id_space: str,
        meta: Mapping[str, Mapping[str, str]] | None = None,
        progress: Progress | None = None,
    ) -> SegmentInfo:
        """Store columns by origin; `ids` ascending, each once (else StorageError ``ids_not_ascending``). On return it
        survives a power cut.

        meta : by origin, further text to keep beside the column (name, unit, ucd) for people who look into the file.
        """
        ...

    def writer(
        self, *, id_space: str, id_name: str = "id", meta: Mapping[str, Mapping[str, str]] | None = None
    ) -> SegmentWriter:
        """For ingest: chunks in, bounded memory. `id_name` is what errors call the identifier."""
        ...

    def open(self, info: SegmentInfo) -> Segment:
        """Raises StorageError: ``segment_missing``, ``segment_changed``, ``segment_unreadable``."""
        ...

    def verify(self, info: SegmentInfo) -> None:
        """Read everything and compare digests, statistics and indexes with the values; raises as `open` does, and ``index_changed``
        where all is well but an index.
        """
        ...

    def delete(self, name: str) -> None:
        """Nothing happens when it is gone already."""
        ...

    def names(self) -> list[str]: ...

    def clean(self, registered: Collection[str] | None = None, *, older_than: float = 3600.0) -> list[str]:
        """Remove what killed processes left unfinished, and, given the names that are registered, finished segments
        that are not and that are older than `older_than` seconds (a younger one may be about to be registered). Returns
        what was removed.
        """
        ...


# What to do about it depends on what the segment holds, which a store does not know: whoever asked for it says so.


def missing(name: str) -> StorageError:
    return StorageError(f"Segment {name} is gone.", code="segment_missing", name=name)


def unreadable(name: str, error: OSError) -> StorageError:
    return StorageError(
        f"Segment {name} cannot be read: {error.strerror or error}.", code="segment_unreadable", name=name
    )


def changed(name: str, what: str) -> StorageError:
    return StorageError(
        f"Segment {name} was changed since it was written ({what}).",
        code="segment_changed",
        name=name,
        what=what,
    )
