"""HDF5 whose columns are datasets of one length in a group, or the fields of one compound dataset. Links are never
followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import (
    ROWS,
    Array,
    Metadata,
    Source,
    check_unpacked,
    table_ambiguous,
    table_missing,
    truncated,
    utf8,
)
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column
from provgraph.schema.text import encode_text

format = "HDF5"

_MAGIC = b"\x89HDF\r\n\x1a\n"
_PANDAS = "it was written by pandas (`to_hdf`), which packs columns together; write it with `to_parquet`, or one dataset a column"
_DESCRIBED_BY = {
    "unit": ("unit", "units", "Unit", "Units", "UNIT", "UNITS"),
    "ucd": ("ucd", "UCD"),
    "description": ("description", "Description", "DESCRIPTION", "long_name"),
}


def matches(path: Path, head: bytes) -> bool:
    return head.startswith(_MAGIC)


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    """The group or compound dataset named (``'/a/b'`` or ``'b'``), or the only one there is."""
    import h5py

    check_unpacked(path, format)
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        if "truncated" in str(error):
            raise truncated(path) from None
        raise FileUnreadable(f"{path} cannot be read as HDF5: {error}.", path=str(path)) from None
    try:
        return _Hdf5(path, file, table)
    except BaseException:
        file.close()
        raise


@dataclass(frozen=True, slots=True)
class _Field:
    """A column: how it is read, and how its missing values are declared."""

    attribute: Attribute
    read: Callable[[int, int], Any]
    sentinels: tuple[Any, ...] = ()
    mask: Any = None

    def column(self, lo: int, hi: int) -> Column:
        values = np.asarray(self.read(lo, hi))
        if values.dtype.kind in "SUO":
            values = utf8(encode_text(values))
        else:
            values = values.astype(values.dtype.newbyteorder("="), copy=False)
        null: Array | None = None
        for sentinel in self.sentinels:
            same = np.isnan(values) if math.isnan(sentinel) else values == sentinel
            same = same.reshape(len(same), -1).all(axis=1)
            null = same if null is None else null | same
        if self.mask is not None:
            declared = self.mask[lo:hi].astype(bool)
            null = declared if null is None else null | declared
        return Column(values, null if null is not None and null.any() else None)


class _Hdf5(Source):
    def __init__(self, path: Path, file: Any, table: str | int | None) -> None:
        self._path, self._file = path, file
        self.skipped: dict[str, str] = {}
        node = _find(path, file, table)
        self.metadata = _metadata(file) | (_metadata(node) if node.name != "/" else {})
        self._fields = list(_compound(node) if hasattr(node, "dtype") else _group(node, self.skipped))
        if not self._fields:
            raise table_missing(path, table, _tables(file))
        self.attributes = tuple(field.attribute for field in self._fields)
        self.n = len(node) if hasattr(node, "dtype") else _length(node)

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for lo in range(0, self.n or 0, rows):
            hi = min(lo + rows, self.n or 0)
            try:
                yield {field.attribute.name: field.column(lo, hi) for field in self._fields}
            except (OSError, TypeError, ValueError) as error:
                raise FileUnreadable(f"{self._path} cannot be read: {error}.", path=str(self._path)) from None

    def close(self) -> None:
        self._file.close()


def _find(path: Path, file: Any, table: str | int | None) -> Any:
    found = _tables(file)
    if table is None:
        if not found:
            pandas = _pandas_groups(file)
            if pandas:
                raise FileUnreadable(
                    f"{path} cannot be read: {_PANDAS}.", code="table_unsupported", path=str(path), groups=pandas
                )
            unreadable = [name for name, node in _nodes(file) if isinstance(node, str)]
            if unreadable:
                raise FileUnreadable(
                    f"{path} cannot be read: the type of {', '.join(unreadable[:5])} is not supported"
                    " (HDF5 time types, as PyTables writes them).",
                    code="table_unsupported",
                    path=str(path),
                )
            raise table_missing(path, None, [])
        if len(found) > 1:
            raise table_ambiguous(path, found)
        return file[found[0]]
    if isinstance(table, int):
        if not 0 <= table < len(found):
            raise table_missing(path, table, found)
        return file[found[table]]
    wanted = "/" + table.strip("/")
    for name in found:
        if name == wanted:
            return file[name]
    same_end = [name for name in found if name.endswith(wanted)]
    if len(same_end) == 1:
        return file[same_end[0]]
    if same_end:
        raise table_ambiguous(path, same_end, table)
    if wanted in _pandas_groups(file):
        raise FileUnreadable(f"{wanted} in {path} cannot be read: {_PANDAS}.", code="table_unsupported", path=str(path))
    raise table_missing(path, table, found)


def _nodes(group: Any) -> Iterator[tuple[str, Any]]:
    """Name and object of everything below a group that stands in this file; text (the reason) for what h5py cannot
    represent.
    """
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue  # a link may lead out of this file
        full = f"{group.name.rstrip('/')}/{name}"
        try:
            node = group[name]
            if isinstance(node, h5py.Dataset):
                _ = node.dtype
        except (TypeError, KeyError, OSError) as error:
            yield full, str(error)
            continue
        yield full, node
        if isinstance(node, h5py.Group):
            yield from _nodes(node)


def _tables(file: Any) -> list[str]:
    """Groups with columns, and compound datasets."""
    import h5py

    groups: dict[str, None] = {}
    pandas = _pandas_groups(file)
    nodes = list(_nodes(file))
    columns = [node for _, node in nodes if isinstance(node, h5py.Dataset)]
    masks = {str(_text(node.attrs["null_mask"])).strip("/") for node in columns if "null_mask" in node.attrs}
    for name, node in nodes:
        parent = name.rsplit("/", 1)[0] or "/"
        if any((parent + "/").startswith(group.rstrip("/") + "/") for group in pandas) or name.strip("/") in masks:
            continue
        if isinstance(node, h5py.Dataset) and node.ndim and "/_i_" not in name:
            if node.dtype.names is not None:
                if node.ndim == 1 and not name.endswith("/_indices"):
                    groups[name] = None
            elif not name.endswith("__table_column_meta__") and _is_column(node) is None:
                groups[parent] = None
    return [name for name in groups if hasattr(file[name], "dtype") or _length(file[name]) is not None]


def _pandas_groups(file: Any) -> list[str]:
    """Groups that pandas wrote."""
    marks = ("pandas_type", "axis0_variety")
    nodes = [("/", file), *_nodes(file)]
    return [name for name, node in nodes if not isinstance(node, str) and any(mark in node.attrs for mark in marks)]


def _is_column(dataset: Any) -> str | None:
    """None when the dataset can be a column, else why not."""
    import h5py

    if dataset.is_virtual or dataset.external:
        return "its values stand in another file"
    if not dataset.ndim:
        return "it is one value, no column"
    if h5py.check_string_dtype(dataset.dtype) is not None or dataset.dtype.kind in "SUbiu":
        return None
    if dataset.dtype.kind == "f" and dataset.dtype.itemsize <= 8:
        return None
    return f"its values are of type {dataset.dtype}"


def _length(group: Any) -> int | None:
    """The length all columns of a group have, None where they differ."""
    import h5py

    lengths = set()
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            try:
                node = group[name]
                if isinstance(node, h5py.Dataset) and node.dtype.names is None and _is_column(node) is None:
                    lengths.add(len(node))
            except (TypeError, KeyError, OSError):
                continue
    return lengths.pop() if len(lengths) == 1 else None


def _group(group: Any, skipped: dict[str, str]) -> Iterator[_Field]:
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            skipped[name] = "it is a link, and links are not followed"
            continue
        try:
            dataset = group[name]
            reason = (
                None
                if not isinstance(dataset, h5py.Dataset) or dataset.dtype.names is not None
                else _is_column(dataset)
            )
        except (TypeError, KeyError, OSError) as error:
            skipped[name] = str(error)
            continue
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.names is not None:
            continue
        if reason is not None:
            skipped[name] = reason
            continue
        attributes = dataset.attrs
        mask = None
        if "null_mask" in attributes:
            place = str(_text(attributes["null_mask"]))
            if isinstance(group.file.get(place, getlink=True), h5py.HardLink):
                mask = group.file[place]
        text = h5py.check_string_dtype(dataset.dtype) is not None
        yield _Field(
            _attribute(name, dataset.dtype, dataset.shape[1:], attributes),
            lambda lo, hi, dataset=dataset: dataset[lo:hi],  # type: ignore[misc]
            () if text else _sentinels(attributes),
            mask,
        )


def _compound(dataset: Any) -> Iterator[_Field]:
    """The fields of a compound dataset (PyTables, astropy)."""
    described = _column_meta(dataset)
    for name in dataset.dtype.names:
        dtype = dataset.dtype[name]
        base, shape = (dtype.subdtype[0], dtype.shape) if dtype.subdtype else (dtype, ())
        yield _Field(
            _attribute(name, base, shape, described.get(name, {})),
            lambda lo, hi, name=name: dataset.fields(name)[lo:hi],  # type: ignore[misc]
        )


def _column_meta(dataset: Any) -> dict[str, dict[str, str]]:
    """What astropy keeps of its columns in a dataset beside the table: lines of YAML."""
    beside = dataset.name + ".__table_column_meta__"
    if beside not in dataset.file:
        return {}
    import yaml  # type: ignore[import-untyped]  # astropy brings it

    class Plain(yaml.SafeLoader):
        """Tags become what they tag."""

    def untagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value

    Plain.add_multi_constructor("", untagged)
    try:
        plain = yaml.load("\n".join(str(_text(line)) for line in dataset.file[beside][:]), Plain)
        return {
            str(column["name"]): {
                key: str(value["unit"] if isinstance(value, dict) and "unit" in value else value)
                for key, value in column.items()
                if key in ("unit", "description")
            }
            for column in plain["datatype"]
        }
    except (yaml.YAMLError, KeyError, TypeError):
        return {}


def _attribute(name: str, dtype: np.dtype[Any], shape: tuple[int, ...], described: Any) -> Attribute:
    import h5py

    if dtype.kind in "SU" or h5py.check_string_dtype(dtype) is not None:
        kind = "U"
    else:
        kind = "?" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    words = {
        key: next((str(_text(described[k])) for k in keys if k in described), None)
        for key, keys in _DESCRIBED_BY.items()
    }
    unit = words["unit"]
    return Attribute(
        name,
        kind,
        UNIT_UNDECLARED if unit is None else unit,
        words["ucd"] or "",
        words["description"] or "",
        tuple(shape),
    )


def _sentinels(attributes: Any) -> tuple[Any, ...]:
    """Values declared to mean that there is none (netCDF convention)."""
    found: list[Any] = []
    for key in ("_FillValue", "missing_value"):
        if key in attributes:
            found += np.atleast_1d(attributes[key]).tolist()
    return tuple(value for value in found if isinstance(value, int | float))


def _metadata(node: Any) -> Metadata:
    found: Metadata = {}
    for key in node.attrs:
        try:
            value = _text(node.attrs[key])
        except (OSError, TypeError, ValueError):
            continue
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str | int | float | bool):
            found[key] = value
    return found


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
