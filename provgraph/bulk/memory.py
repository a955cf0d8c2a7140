"""Segments in memory, for tests and for results nobody keeps."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np

from provgraph.bulk import columns as stored
from provgraph.bulk.digest import segment_digest, type_text
from provgraph.bulk.sort import is_ascending, normalised_ids, ordering
from provgraph.bulk.statistics import BlockStatistics, from_records
from provgraph.bulk.store import Progress, SegmentInfo, changed, missing
from provgraph.errors import StorageError
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class MemorySegment:
    info: SegmentInfo
    ids: Array
    columns: dict[str, Column]
    records: dict[str, Array]

    @property
    def n(self) -> int:
        return self.info.n

    def column(self, origin: str) -> Column:
        self.info.column(origin)
        return self.columns[origin]

    def blocks(self, origin: str) -> BlockStatistics:
        self.info.column(origin)
        return from_records(self.records[origin])


class MemoryStore:
    """A bulk store that ends with the process."""

    name = "memory"
    indexes = None  # its values are in memory already

    def __init__(self) -> None:
        self._segments: dict[str, MemorySegment] = {}

    def write(
        self,
        ids: Array,
        columns: Mapping[str, Column],
        *,
        id_space: str,
        meta: Mapping[str, Mapping[str, str]] | None = None,
        progress: Progress | None = None,
    ) -> SegmentInfo:
        pending = [stored.pending(origin, column, len(ids)) for origin, column in columns.items()]
        ids = stored.storable("ids", Column(ids), len(ids)).values
        if not is_ascending(ids):
            raise StorageError("Identifiers of a segment must ascend, each once.", code="ids_not_ascending")
        n = len(ids)
        id_info, _ = stored.pass_by(stored.pending("ids", Column(ids), n), n, lambda block: None)
        kept: dict[str, Column] = {}
        records: dict[str, Array] = {}
        infos = []
        for column in pending:
            parts: list[Column] = []
            info, records[column.origin] = stored.pass_by(column, n, parts.append)  # type: ignore[misc]
            empty = np.zeros((0, *column.shape), column.dtype)
            values = np.concatenate([empty, *(part.values for part in parts)])
            null = np.concatenate([part.null for part in parts if part.null is not None]) if column.null else None
            kept[column.origin] = Column(values, null)
            for array in kept[column.origin]:
                if array is not None:
                    array.flags.writeable = False
            infos.append(info)
        ids = ids.copy()
        ids.flags.writeable = False
        size = ids.nbytes + sum(c.values.nbytes + (0 if c.null is None else c.null.nbytes) for c in kept.values())
        name = uuid4().hex
        segment = SegmentInfo(
            name,
            segment_digest(id_space, id_info.digest, [(c.origin, c.digest) for c in infos]),
            size,
            time.time_ns(),
            0,
            n,
            id_space,
            type_text(ids.dtype),
            stored.id_text(ids[0]) if n else "",
            stored.id_text(ids[-1]) if n else "",
            id_info.digest,
            tuple(infos),
        )
        self._segments[name] = MemorySegment(segment, ids, kept, records)
        if progress is not None:
            progress(1.0)
        return segment

    def writer(
        self, *, id_space: str, id_name: str = "id", meta: Mapping[str, Mapping[str, str]] | None = None
    ) -> MemoryWriter:
        return MemoryWriter(self, id_space, id_name, meta)

    def open(self, info: SegmentInfo) -> MemorySegment:
        segment = self._segments.get(info.name)
        if segment is None:
            raise missing(info.name)
        if segment.info.size != info.size or segment.info.mtime_ns != info.mtime_ns:
            raise changed(info.name, "size or time differ")
        return segment

    def verify(self, info: SegmentInfo) -> None:
        segment = self.open(info)
        ids = stored.pass_by(stored.pending("ids", Column(segment.ids), info.n), info.n, lambda block: None)[0]
        if ids.digest != info.id_digest:
            raise changed(info.name, "identifiers")
        for column in info.columns:
            found = stored.pass_by(
                stored.pending(column.origin, segment.columns[column.origin], info.n), info.n, lambda block: None
            )[0]
            if found.digest != column.digest:
                raise changed(info.name, f"column {column.origin}")

    def delete(self, name: str) -> None:
        self._segments.pop(name, None)

    def names(self) -> list[str]:
        return sorted(self._segments)

    def clean(self, registered: Collection[str] | None = None, *, older_than: float = 3600.0) -> list[str]:
        oldest = time.time_ns() - older_than * 1e9
        gone = [
            n
            for n, s in self._segments.items()
            if registered is not None and n not in registered and s.info.mtime_ns <= oldest
        ]
        for name in gone:
            self.delete(name)
        return gone


class MemoryWriter:
    """Keeps the chunks and puts them in order at the end."""

    def __init__(
        self, store: MemoryStore, id_space: str, id_name: str, meta: Mapping[str, Mapping[str, str]] | None
    ) -> None:
        self._store, self._id_space, self._id_name, self._meta = store, id_space, id_name, meta
        self._ids: list[Array] = []
        self._chunks: dict[str, list[Column]] = {}

    def append(self, ids: Array, columns: Mapping[str, Column], *, id_null: Array | None = None) -> None:
        ids = normalised_ids(np.asarray(ids), id_null, name=self._id_name)
        chunk = {origin: stored.storable(origin, column, len(ids)) for origin, column in columns.items()}
        if self._ids:
            stored.check_same(
                {o: c[0].values for o, c in self._chunks.items()},
                {o: c.values for o, c in chunk.items()},
                self._ids[0],
                ids,
            )
        self._ids.append(ids)
        for origin, column in chunk.items():
            self._chunks.setdefault(origin, []).append(column)

    def finish(self, *, progress: Progress | None = None) -> SegmentInfo:
        ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int64)
        order = ordering(ids, name=self._id_name)
        columns = {}
        for origin, parts in self._chunks.items():
            values = np.concatenate([part.values for part in parts])
            null = np.concatenate([np.zeros(len(p.values), bool) if p.null is None else p.null for p in parts])
            columns[origin] = Column(values, null) if order is None else Column(values, null).take(order)
        self.abort()
        ids = ids if order is None else ids[order]
        return self._store.write(ids, columns, id_space=self._id_space, meta=self._meta, progress=progress)

    def abort(self) -> None:
        self._ids, self._chunks = [], {}

    def __enter__(self) -> MemoryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.abort()
