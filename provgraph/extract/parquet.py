"""Parquet, batch by batch. Needs pyarrow (`provgraph[arrow]`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provgraph.extract.arrow import attributes_of, columns_of, damaged_as_error, metadata_of, pyarrow
from provgraph.extract.source import ROWS, Source, check_unpacked, table_missing, truncated
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "Parquet"

_MAGIC = b"PAR1"
_DESCRIBED = b"IVOA.VOTable-Parquet.content"


def matches(path: Path, head: bytes) -> bool:
    return head.startswith(_MAGIC)


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    check_unpacked(path, format)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 4, 0))
        if size < 12 or file.read() != _MAGIC:
            raise truncated(path)
    pyarrow("Reading Parquet")
    import pyarrow.parquet as pq

    with damaged_as_error(path):
        return _Parquet(path, pq.ParquetFile(path))


class _Parquet(Source):
    def __init__(self, path: Path, file: Any) -> None:
        self._path, self._file = path, file
        schema = file.schema_arrow
        self.n = file.metadata.num_rows
        self.metadata = metadata_of(schema, without=(_DESCRIBED,))
        described = _votable_fields(schema.metadata or {})
        self.attributes, self._places, self.skipped = attributes_of(schema, described)

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        with damaged_as_error(self._path):
            for batch in self._file.iter_batches(batch_size=rows):
                yield columns_of(batch, self.attributes, self._places)

    def close(self) -> None:
        self._file.close()


def _votable_fields(metadata: Mapping[bytes, bytes]) -> Mapping[str, Attribute]:
    """Attributes described by a VOTable header in the file (VOParquet 1.0)."""
    header = metadata.get(_DESCRIBED)
    if not header:
        return {}
    from provgraph.extract.votable import described_fields

    return described_fields(header)
