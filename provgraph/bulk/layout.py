"""How a segment stands in an HDF5 file: laid out by HDF5, filled past it, described by attributes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from provgraph.bulk import columns as stored
from provgraph.bulk.columns import Pending
from provgraph.bulk.digest import segment_digest, type_text
from provgraph.bulk.files import write_all
from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import ColumnInfo, Progress, SegmentInfo
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]

_FORMAT = "provgraph segment"
_FORMAT_VERSION = 1
_THREADS = 2


def write_file(
    part: Path,
    ids: Array,
    pending: list[Pending],
    *,
    name: str,
    id_space: str,
    meta: Mapping[str, Mapping[str, str]],
    progress: Progress | None,
) -> SegmentInfo:
    """Lay out, fill, describe."""
    import h5py

    n = len(ids)
    everything = [stored.pending("ids", Column(ids), n), *pending]
    with h5py.File(
        part, "x", libver=("v108", "v110"), locking=False, alignment_threshold=512, alignment_interval=64
    ) as file:
        groups = {key: file.create_group(key) for key in ("columns", "nulls", "statistics")}
        places = []
        for index, column in enumerate(everything):
            where, label = (file, "ids") if not index else (groups["columns"], _quoted(column.origin))
            values_at = _reserve(where, label, column.dtype, (n, *column.shape))
            null_at = _reserve(groups["nulls"], label, np.dtype("u1"), (n,)) if column.null else -1
            places.append((values_at, null_at))
        file.flush()
        learnt = _fill(part, everything, places, n, progress)
        infos = []
        for (info, records), (values_at, null_at), column in zip(learnt[1:], places[1:], pending, strict=True):
            label = _quoted(column.origin)
            blocks_at = _offset(groups["statistics"].create_dataset(label, data=records))
            infos.append(replace(info, offset=values_at, null_offset=null_at, blocks_offset=blocks_at))
            _describe(groups["columns"][label], info, meta.get(column.origin, {}))
        id_digest = learnt[0][0].digest
        segment = SegmentInfo(
            name=name,
            digest=segment_digest(id_space, id_digest, [(c.origin, c.digest) for c in infos]),
            size=0,
            mtime_ns=0,
            inode=0,
            n=n,
            id_space=id_space,
            id_dtype=type_text(ids.dtype),
            id_min=stored.id_text(ids[0]) if n else "",
            id_max=stored.id_text(ids[-1]) if n else "",
            id_digest=id_digest,
            columns=tuple(infos),
            ids_offset=places[0][0],
        )
        file["ids"].attrs["digest"] = id_digest
        file.attrs["format"] = _FORMAT
        file.attrs["format_version"] = _FORMAT_VERSION
        file.attrs["digest"] = segment.digest
        file.attrs["id_space"] = id_space
        file.attrs["n"] = n
        file.attrs["origins"] = np.array([c.origin for c in infos], dtype=h5py.string_dtype())
    return segment


def _reserve(where: Any, label: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """A contiguous dataset with its place in the file already taken; returns that place, -1 for nothing to hold."""
    import h5py

    as_stored = h5py.string_dtype("utf-8", dtype.itemsize) if dtype.kind == "S" else dtype
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_layout(h5py.h5d.CONTIGUOUS)
    create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    create.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # every byte is written by us
    create.set_obj_track_times(False)
    dataset = h5py.h5d.create(
        where.id, label.encode(), h5py.h5t.py_create(as_stored, logical=True), h5py.h5s.create_simple(shape), create
    )
    offset = dataset.get_offset()
    return -1 if offset is None else int(offset)


def _fill(
    part: Path, everything: list[Pending], places: list[tuple[int, int]], n: int, progress: Progress | None
) -> list[tuple[ColumnInfo, Array]]:
    """Write the values of all columns, in two threads: taking, hashing and writing all leave Python's lock."""
    passing = [stored.Passing(column, n) for column in everything]
    rows: dict[object, list[int]] = {}  # columns that are read from the same rows go together
    for index, column in enumerate(everything):
        rows.setdefault(index if column.together is None else id(column.together), []).append(index)
    total = max(sum(n * row_bytes(column) for column in everything), 1)
    done = [0] * len(everything)
    stop = Event()
    descriptor = os.open(part, os.O_WRONLY | getattr(os, "O_BINARY", 0))

    def write(indices: list[int]) -> None:
        for lo in range(0, n, BLOCK):
            hi = min(lo + BLOCK, n)
            for index in indices:
                if stop.is_set():
                    return
                column, (values_at, null_at) = everything[index], places[index]
                block = passing[index].take(lo, hi)
                write_all(descriptor, block.values, values_at + lo * (row_bytes(column) - column.null))
                if block.null is not None:
                    write_all(descriptor, block.null, null_at + lo)
                done[index] += (hi - lo) * row_bytes(column)

    try:
        if n < BLOCK:  # not worth a thread
            for indices in rows.values():
                write(indices)
        else:
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="provgraph-segment") as pool:
                jobs = [pool.submit(write, indices) for indices in rows.values()]
                try:
                    running = set(jobs)
                    while running:
                        ended, running = wait(running, timeout=0.1 if progress else None, return_when=FIRST_EXCEPTION)
                        for job in ended:
                            job.result()
                        if progress is not None:
                            progress(sum(done) / total)
                except BaseException:
                    stop.set()
                    for job in jobs:
                        job.cancel()
                    raise
        return [each.learnt() for each in passing]
    finally:
        os.close(descriptor)


def row_bytes(column: Pending) -> int:
    return int(np.prod(column.shape, dtype=np.int64)) * column.dtype.itemsize + column.null


def _describe(dataset: Any, info: ColumnInfo, meta: Mapping[str, str]) -> None:
    for key, value in meta.items():
        dataset.attrs[key] = value
    dataset.attrs["origin"] = info.origin
    dataset.attrs["digest"] = info.digest
    dataset.attrs["null_count"] = info.null_count
    dataset.attrs["nan_count"] = info.nan_count
    if info.minimum is not None and info.maximum is not None:
        extreme = np.float64 if isinstance(info.minimum, float) else (np.uint64 if info.dtype == "u8" else np.int64)
        dataset.attrs["minimum"] = extreme(info.minimum)
        dataset.attrs["maximum"] = extreme(info.maximum)


def read_info(file: Any, name: str, found: os.stat_result) -> SegmentInfo:
    attributes = file.attrs
    if attributes.get("format") != _FORMAT:
        raise KeyError("format")
    n = int(attributes["n"])
    infos = []
    for origin in (text.decode() if isinstance(text, bytes) else str(text) for text in attributes["origins"]):
        label = _quoted(origin)
        dataset, nulls, blocks = file["columns"][label], file["nulls"].get(label), file["statistics"][label]
        known = dataset.attrs
        infos.append(
            ColumnInfo(
                origin=origin,
                dtype=type_text(dataset.dtype),
                shape=dataset.shape[1:],
                null_count=int(known["null_count"]),
                nan_count=int(known["nan_count"]),
                minimum=known["minimum"].item() if "minimum" in known else None,
                maximum=known["maximum"].item() if "maximum" in known else None,
                digest=str(known["digest"]),
                offset=_offset(dataset),
                null_offset=_offset(nulls),
                blocks_offset=_offset(blocks),
            )
        )
    ids = file["ids"]
    return SegmentInfo(
        name=name,
        digest=str(attributes["digest"]),
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        inode=found.st_ino,
        n=n,
        id_space=str(attributes["id_space"]),
        id_dtype=type_text(ids.dtype),
        id_min=stored.id_text(ids[0]) if n else "",
        id_max=stored.id_text(ids[n - 1]) if n else "",
        id_digest=str(ids.attrs["digest"]),
        columns=tuple(infos),
        ids_offset=_offset(ids),
    )


def _offset(dataset: Any) -> int:
    offset = None if dataset is None else dataset.id.get_offset()
    return -1 if offset is None else int(offset)


def _quoted(origin: str) -> str:
    """An origin as the name of a dataset: HDF5 gives '/' and '.' a meaning of their own."""
    return origin.replace("%", "%25").replace("/", "%2F").replace(".", "%2E")
