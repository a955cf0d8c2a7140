"""Parquet, batch by batch. Needs pyarrow (`provgraph[arrow]`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.errors import FileUnreadable, needs_extra
from provgraph.extract.source import ROWS, Array, Metadata, Source, table_missing, truncated, unique_names
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "Parquet"

_MAGIC = b"PAR1"


def matches(path: Path, head: bytes) -> bool:
    return head.startswith(_MAGIC)


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        if size < 12 or file.read() != _MAGIC:
            raise truncated(path)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise needs_extra("arrow", "Reading Parquet") from None
    try:
        return _Parquet(path, pq.ParquetFile(path))
    except (pa.ArrowException, OSError) as error:
        raise FileUnreadable(
            f"{path} cannot be read as Parquet: {_first(error)}.", code="file_truncated", path=str(path)
        ) from None


class _Parquet(Source):
    def __init__(self, path: Path, file: Any) -> None:
        self._path, self._file = path, file
        schema = file.schema_arrow
        self.n = file.metadata.num_rows
        self.skipped: dict[str, str] = {}
        self.metadata: Metadata = {
            key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for key, value in (schema.metadata or {}).items()
            if key not in (b"ARROW:schema", b"pandas", b"IVOA.VOTable-Parquet.content")
        }
        described = _votable_fields(schema.metadata or {})
        attributes = []
        self._places: list[int] = []
        for place, (name, field) in enumerate(zip(unique_names(schema.names), schema, strict=True)):
            found = _type(field.type)
            if isinstance(found, str):
                self.skipped[name] = found
                continue
            dtype, shape = found
            meta = {k.decode().lower(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
            known = described.get(field.name, Attribute(name))
            attributes.append(
                Attribute(
                    name,
                    dtype,
                    meta.get("unit", known.unit if known.unit else UNIT_UNDECLARED),
                    meta.get("ucd", known.ucd),
                    meta.get("description", known.description),
                    shape,
                )
            )
            self._places.append(place)
        self.attributes = tuple(attributes)

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        import pyarrow as pa

        try:
            for batch in self._file.iter_batches(batch_size=rows):
                yield {a.name: column_of(batch.column(p)) for a, p in zip(self.attributes, self._places, strict=True)}
        except (pa.ArrowException, OSError) as error:
            raise FileUnreadable(
                f"{self._path} is damaged: {_first(error)}.", code="file_truncated", path=str(self._path)
            ) from None

    def close(self) -> None:
        self._file.close()


def _type(kind: Any) -> tuple[str, tuple[int, ...]] | str:
    """Attribute type and shape for an Arrow type, or why there is none."""
    import pyarrow as pa

    t = pa.types
    if t.is_dictionary(kind):
        return _type(kind.value_type)
    if t.is_fixed_size_list(kind):
        inner = _type(kind.value_type)
        return inner if isinstance(inner, str) else (inner[0], (kind.list_size, *inner[1]))
    if t.is_boolean(kind):
        return "?", ()
    if t.is_integer(kind):
        return f"{'i' if t.is_signed_integer(kind) else 'u'}{kind.bit_width // 8}", ()
    if t.is_floating(kind):
        return f"f{max(kind.bit_width // 8, 4)}", ()
    if (
        t.is_string(kind)
        or t.is_large_string(kind)
        or t.is_string_view(kind)
        or t.is_temporal(kind)
        or t.is_decimal(kind)
    ):
        return "U", ()  # times in ISO 8601 and decimals as digits: exact
    return f"its values are of type {kind}"


def column_of(array: Any) -> Column:
    """An Arrow array as a Column; text as UTF-8 bytes. A vector of floats keeps NaN where one element is null; another
    vector that holds a null is missing.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    null: Array | None = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        inner = column_of(array.values.slice(array.offset * size, len(array) * size))
        values = inner.values.reshape(len(array), size, *inner.values.shape[1:])
        if inner.null is not None:
            holes: Any = inner.null.reshape(len(array), -1)
            if values.dtype.kind == "f":  # what is left of the vector stays
                values = np.where(inner.null.reshape(values.shape[:2]), np.nan, values).astype(values.dtype)
                holes = holes.all(axis=1)
            else:
                holes = holes.any(axis=1)
            null = holes if null is None else null | holes
        return Column(values, null if null is not None and null.any() else None)
    kind = _type(array.type)
    if kind == ("U", ()):
        return Column(text_of(array), null)
    if null is not None:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    values = array.to_numpy(zero_copy_only=False)
    return Column(values.astype("f4") if values.dtype == np.float16 else values, null)


def text_of(array: Any) -> Array:
    """An Arrow array of text as fixed-width UTF-8 bytes; null as empty."""
    import pyarrow as pa

    if array.type != pa.large_string():
        array = array.cast(pa.string()) if not pa.types.is_string(array.type) else array
        array = array.cast(pa.large_string())
    array = array.fill_null("")
    offsets = np.frombuffer(array.buffers()[1], "i8", len(array) + 1, array.offset * 8)
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=0)), 1)
    result = np.zeros((len(array), width), np.uint8)
    if len(array) and offsets[-1] > offsets[0]:
        data = np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        result[np.arange(width) < lengths[:, None]] = data
    return result.view(f"S{width}").reshape(len(array))


def _votable_fields(metadata: dict[bytes, bytes]) -> dict[str, Attribute]:
    """Attributes described by a VOTable header in the file (VOParquet 1.0)."""
    header = metadata.get(b"IVOA.VOTable-Parquet.content")
    if not header:
        return {}
    from provgraph.extract.votable import described_fields

    return described_fields(header)


def _first(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
