"""Arrays that come in parts and may be larger than memory: kept in files without a name, mapped in the end."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from provgraph.bulk.files import write_all, writing
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]


class Growing:
    """One array; its parts may be text of different widths. The operating system removes the file whatever happens."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file: IO[bytes] | None = None
        self._parts: list[tuple[int, np.dtype[Any]]] = []
        self._shape: tuple[int, ...] = ()

    def append(self, values: Array) -> None:
        self._parts.append((len(values), values.dtype))
        self._shape = values.shape[1:]
        if values.size:
            with writing(self.directory):
                if self._file is None:
                    self._file = tempfile.TemporaryFile(dir=self.directory, prefix=".part-")  # noqa: SIM115
                write_all(self._file.fileno(), np.ascontiguousarray(values))

    def finish(self) -> Array:
        """The whole, read-only and mapped: good as long as somebody holds it."""
        types = [dtype for n, dtype in self._parts if n] or [dtype for _, dtype in self._parts]
        dtype = np.result_type(*types) if types else np.dtype("f8")
        if self._file is None:
            return np.empty((0, *self._shape), dtype)
        if any(one != dtype for one in types):
            return self._widened(dtype)
        self._file.flush()
        whole = np.frombuffer(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ), dtype)
        self._file.close()
        return whole.reshape(-1, *self._shape)

    def _widened(self, dtype: np.dtype[Any]) -> Array:
        assert self._file is not None
        entries = int(np.prod(self._shape, dtype=np.int64))
        wide = Growing(self.directory)
        self._file.seek(0)
        for n, narrow in self._parts:
            data = self._file.read(n * entries * narrow.itemsize)
            wide.append(np.frombuffer(data, narrow).astype(dtype).reshape(n, *self._shape))
        self._file.close()
        return wide.finish()


class GrowingTable:
    """Identifiers and columns by name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ids = Growing(directory)
        self._values: dict[str, Growing] = {}
        self._nulls: dict[str, Growing] = {}
        self._n = 0

    def append(self, ids: Array, columns: Mapping[str, Column]) -> None:
        """Another part, with the names of the first."""
        self._ids.append(ids)
        for name, (values, null) in columns.items():
            self._values.setdefault(name, Growing(self.directory)).append(values)
            if null is not None and name not in self._nulls:
                self._nulls[name] = Growing(self.directory)
                self._nulls[name].append(np.zeros(self._n, bool))
            if name in self._nulls:
                self._nulls[name].append(np.zeros(len(ids), bool) if null is None else null)
        self._n += len(ids)

    def finish(self) -> tuple[Array, dict[str, Column]]:
        nulls = {name: mask.finish() for name, mask in self._nulls.items()}
        return self._ids.finish(), {
            name: Column(values.finish(), nulls.get(name)) for name, values in self._values.items()
        }


def in_order(
    chunks: Iterable[tuple[Array, Mapping[str, Column]]], directory: Path, rows: int
) -> tuple[Array, dict[str, Column]]:
    """A table by ascending identifiers, from chunks that fit in memory; equal ones stay, in the order in which they came.

    rows : how many fit in memory at once.
    """
    spooled = GrowingTable(directory)
    bounds = [0]
    for ids, columns in chunks:
        order = np.argsort(ids, kind="stable")
        spooled.append(ids[order], {name: column.take(order) for name, column in columns.items()})
        bounds.append(bounds[-1] + len(ids))
    ids, columns = spooled.finish()
    runs = [slice(lo, hi) for lo, hi in pairwise(bounds) if hi > lo]
    if all(ids[one.stop - 1] <= ids[other.start] for one, other in pairwise(runs)):
        return ids, columns
    merged = GrowingTable(directory)
    for parts in _ranges(ids, runs, rows):
        together = np.concatenate([ids[part] for part in parts])
        order = np.argsort(together, kind="stable")
        taken = {
            name: Column(
                np.concatenate([values[part] for part in parts])[order],
                None if null is None else np.concatenate([null[part] for part in parts])[order],
            )
            for name, (values, null) in columns.items()
        }
        merged.append(together[order], taken)
    return merged.finish()


def _ranges(ids: Array, runs: Sequence[slice], rows: int) -> Iterator[list[slice]]:
    """Parts of each run that hold the same range of identifiers, one range after the other, about so many rows together."""
    step = max(1, rows // (4 * len(runs)))
    seen = np.sort(np.concatenate([ids[one][step - 1 :: step] for one in runs]))  # each stands for `step` rows
    cuts = np.unique(seen[3 * len(runs) - 1 :: max(1, 3 * len(runs))])
    starts = [one.start for one in runs]
    for cut in [*cuts, None]:
        ends = [one.stop if cut is None else one.start + int(np.searchsorted(ids[one], cut, "right")) for one in runs]
        parts = [slice(lo, hi) for lo, hi in zip(starts, ends, strict=True) if hi > lo]
        starts = ends
        if parts:
            yield parts
