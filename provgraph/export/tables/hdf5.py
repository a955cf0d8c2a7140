"""HDF5: one dataset a column, with `unit`, `ucd` and `description` as attributes.

Where something is missing, the attribute `null_mask` names a dataset in the group `nulls` (1: no value).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from provgraph.export.tables.files import replacing, stream_file
from provgraph.export.tables.meta import KEY, SURVEY, Stated, TableMeta, described
from provgraph.schema.table import Table
from provgraph.schema.text import encode_text


def write(table: Table, meta: TableMeta, path: Path) -> None:
    with replacing(path) as part, part.open("x+b") as file:
        _write(table, meta, file)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    return stream_file(lambda file: _write(table, meta, file))


def stated(path: Path) -> Stated | None:
    import h5py

    with h5py.File(path, "r", locking=False) as file:
        found, survey = file.attrs.get(KEY), file.attrs.get(f"{KEY}.{SURVEY}")
    return Stated(found, survey if isinstance(survey, str) else "") if isinstance(found, str) else None


class _Patient:
    """A file for HDF5 to write to. HDF5 cannot let go of a file that it fails to write, so the first failure is kept
    for afterwards and the rest goes nowhere.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        self._try(self._file.write, data)
        return len(data)

    def truncate(self, size: int) -> int:
        self._try(self._file.truncate, size)
        return size

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, call: Callable[..., Any], *arguments: Any) -> None:
        if self.error is None:
            try:
                call(*arguments)
            except OSError as error:
                self.error = error


def _write(table: Table, meta: TableMeta, where: IO[bytes]) -> None:
    import h5py

    patient = _Patient(where)
    with h5py.File(patient, "w", track_order=True) as file:
        file.attrs[KEY] = meta.iri
        file.attrs["name"] = meta.name
        if meta.description:
            file.attrs["description"] = meta.description
        for key, value in meta.provenance.items():
            file.attrs[f"{KEY}.{key}"] = value
        for name, attribute in table.attributes.items():
            values, null = table[name]
            label = name.replace("/", "∕")  # HDF5 takes a slash for a group
            if values.dtype.kind in "SU":
                text = encode_text(values)
                dataset = file.create_dataset(label, data=text.astype(h5py.string_dtype("utf-8", text.dtype.itemsize)))
            else:
                dataset = file.create_dataset(label, data=values)
            for key, word in described(attribute).items():
                dataset.attrs[key] = word
            if null is not None:
                mask = file.create_dataset(f"nulls/{label}", data=null.astype("u1"))
                dataset.attrs["null_mask"] = mask.name
    if patient.error is not None:
        raise patient.error
