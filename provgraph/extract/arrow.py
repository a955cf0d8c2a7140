"""Arrow: the IPC file (also called Feather) and the IPC stream, batch by batch; and what Parquet shares with them.

Needs pyarrow (`provgraph[arrow]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.errors import FileUnreadable, needs_extra
from provgraph.extract.source import (
    ROWS,
    Array,
    Metadata,
    Source,
    check_unpacked,
    table_missing,
    truncated,
    unique_names,
)
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "Arrow"

_FILE = b"ARROW1"
_MESSAGE = b"\xff\xff\xff\xff"  # what every message of a stream begins with
_END = _MESSAGE + bytes(4)
_LARGEST_SCHEMA = 1 << 26


def matches(path: Path, head: bytes) -> bool:
    if head.startswith(_FILE + bytes(2)):
        return True
    size = int.from_bytes(head[4:8], "little")
    return head.startswith(_MESSAGE) and 0 < size < _LARGEST_SCHEMA and not size % 8


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    check_unpacked(path, format)
    with path.open("rb") as file:
        is_file = file.read(len(_FILE)) == _FILE
        end = _FILE if is_file else _END
        file.seek(max(file.seek(0, 2) - len(end), 0))
        if file.read() != end:
            raise truncated(path)
    pyarrow("Reading Arrow")
    return _Arrow(path, is_file)


class _Arrow(Source):
    def __init__(self, path: Path, is_file: bool) -> None:
        self._path, self._is_file = path, is_file
        with self._reader() as reader:
            schema = reader.schema
            self.n = None
        self.metadata = metadata_of(schema)
        self.attributes, self._places, self.skipped = attributes_of(schema)

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.ipc

        opened = pa.ipc.open_file if self._is_file else pa.ipc.open_stream
        with damaged_as_error(self._path), pa.OSFile(str(self._path)) as file, opened(file) as reader:
            yield reader

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        with self._reader() as reader:
            batches = map(reader.get_batch, range(reader.num_record_batches)) if self._is_file else reader
            for batch in batches:
                for first in range(0, batch.num_rows, rows):
                    yield columns_of(batch.slice(first, rows), self.attributes, self._places)


def pyarrow(what: str) -> Any:
    """The package. MissingExtra where it is not installed; `what` needs it."""
    try:
        import pyarrow
    except ImportError:
        raise needs_extra("arrow", what) from None
    return pyarrow


@contextmanager
def damaged_as_error(path: Path) -> Iterator[None]:
    """Turns what pyarrow says of a damaged file into one sentence."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileUnreadable):
            raise
        what = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise FileUnreadable(f"{path} is damaged: {what}.", code="file_truncated", path=str(path)) from None


def metadata_of(schema: Any, without: Iterable[bytes] = ()) -> Metadata:
    """What a schema says of the whole table, but for what is about how it is laid out."""
    layout = (b"ARROW:schema", b"pandas", *without)
    return {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in (schema.metadata or {}).items()
        if key not in layout
    }


def attributes_of(
    schema: Any, described: Mapping[str, Attribute] = {}
) -> tuple[tuple[Attribute, ...], list[int], dict[str, str]]:
    """Attributes, the places of their columns, and what is left out with the reason.

    Unit, UCD and description stand in the metadata of the fields; where they do not, `described` may know them.
    """
    attributes, places = [], []
    skipped: dict[str, str] = {}
    for place, (name, field) in enumerate(zip(unique_names(schema.names), schema, strict=True)):
        found = _type(field.type)
        if isinstance(found, str):
            skipped[name] = found
            continue
        dtype, shape = found
        meta = {k.decode().lower(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
        known = described.get(field.name, Attribute(name))
        unit = meta.get("unit", known.unit if known.unit else UNIT_UNDECLARED)
        ucd, description = meta.get("ucd", known.ucd), meta.get("description", known.description)
        attributes.append(Attribute(name, dtype, unit, ucd, description, shape))
        places.append(place)
    return tuple(attributes), places, skipped


def columns_of(batch: Any, attributes: Iterable[Attribute], places: Iterable[int]) -> dict[str, Column]:
    return {a.name: column_of(batch.column(place)) for a, place in zip(attributes, places, strict=True)}


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
