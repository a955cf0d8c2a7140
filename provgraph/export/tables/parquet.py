"""Parquet, compressed with zstd. Needs pyarrow (`provgraph[arrow]`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provgraph.export.tables.arrow import pyarrow, stated_in, to_arrow
from provgraph.export.tables.files import replacing, stream_file
from provgraph.export.tables.meta import Stated, TableMeta
from provgraph.schema.table import Table

_ROWS = 1 << 20


def write(table: Table, meta: TableMeta, path: Path) -> None:
    with replacing(path) as part:
        _write(table, meta, part)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    return stream_file(lambda file: _write(table, meta, file))


def stated(path: Path) -> Stated | None:
    pyarrow()
    import pyarrow.parquet as pq

    return stated_in(pq.read_metadata(path).metadata)


def _write(table: Table, meta: TableMeta, where: Any) -> None:
    pyarrow()
    import pyarrow.parquet as pq

    pq.write_table(to_arrow(table, meta), where, compression="zstd", row_group_size=_ROWS)
