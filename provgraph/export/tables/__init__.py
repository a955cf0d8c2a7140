"""Catalog data out, one format a file; every file but CSV says what it is (`stated`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provgraph.errors import InvalidInput, nearest
from provgraph.export.tables import arrow, csv, fits, hdf5, parquet, votable
from provgraph.export.tables.arrow import to_arrow
from provgraph.export.tables.astropy import to_astropy
from provgraph.export.tables.meta import Stated, TableMeta
from provgraph.export.tables.numpy import to_numpy
from provgraph.schema.table import Table

__all__ = [
    "EXPORTERS",
    "Exporter",
    "Stated",
    "TableMeta",
    "exporter_of",
    "stated",
    "stream",
    "to_arrow",
    "to_astropy",
    "to_numpy",
    "write",
]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format a table can be written in.

    write : to a file. stream : what is sent, the bytes of the file where it can be written front to back (not Arrow, whose
    file and stream differ). stated : what a file says of itself. suffixes : endings of file names, the usual one first.
    starts : how a file of it begins; none where that says nothing.
    """

    write: Callable[[Table, TableMeta, Path], None]
    stream: Callable[[Table, TableMeta], Iterator[bytes]]
    stated: Callable[[Path], Stated | None]
    suffixes: tuple[str, ...]
    media_type: str
    starts: tuple[bytes, ...]


EXPORTERS: Final[dict[str, Exporter]] = {
    "fits": Exporter(fits.write, fits.stream, fits.stated, (".fits", ".fit"), "application/fits", (b"SIMPLE  =",)),
    "votable": Exporter(
        votable.write,
        votable.stream,
        votable.stated,
        (".vot", ".votable", ".xml"),
        "application/x-votable+xml;serialization=binary2",
        (b"<?xml", b"<VOTABLE"),
    ),
    "parquet": Exporter(
        parquet.write,
        parquet.stream,
        parquet.stated,
        (".parquet", ".pq"),
        "application/vnd.apache.parquet",
        (b"PAR1",),
    ),
    "hdf5": Exporter(
        hdf5.write, hdf5.stream, hdf5.stated, (".h5", ".hdf5"), "application/x-hdf5", (b"\x89HDF\r\n\x1a\n",)
    ),
    "csv": Exporter(csv.write, csv.stream, csv.stated, (".csv",), "text/csv", ()),
    "arrow": Exporter(
        arrow.write,
        arrow.stream,
        arrow.stated,
        (".arrow", ".arrows"),
        "application/vnd.apache.arrow.stream",
        (arrow.FILE_START, arrow.STREAM_START),
    ),
}


def write(table: Table, meta: TableMeta, path: str | Path) -> None:
    """Write a table in the format that the name of the file says; whole or not at all, over what was there.

    Raises InvalidInput ``format_unknown``, StorageError ``disk_full``, ``storage_failed``, MissingExtra.
    """
    exporter_of(path).write(table, meta, Path(path))


def exporter_of(path: str | Path) -> Exporter:
    """The format that the name of a file says. InvalidInput ``format_unknown``."""
    path = Path(path)
    for exporter in EXPORTERS.values():
        if path.suffix.lower() in exporter.suffixes:
            return exporter
    suffixes = [exporter.suffixes[0] for exporter in EXPORTERS.values()]
    raise InvalidInput(
        f"{path} does not say in which format to write; it may end in: {', '.join(suffixes)}.",
        code="format_unknown",
        path=str(path),
    )


def stream(table: Table, meta: TableMeta, format: str) -> Iterator[bytes]:
    """The table as it is sent, part by part. InvalidInput ``format_unknown``."""
    if format not in EXPORTERS:
        raise InvalidInput(f"There is no table format {format!r}; {nearest(format, EXPORTERS)}", code="format_unknown")
    return EXPORTERS[format].stream(table, meta)


def stated(path: str | Path) -> Stated | None:
    """What a file says of itself; None where it says nothing, or cannot be read. Anybody may have changed what follows."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
        for exporter in EXPORTERS.values():
            if head.startswith(exporter.starts) and exporter.starts:
                return exporter.stated(path)
    except (OSError, ValueError, KeyError):  # damaged, or another kind of file after all
        return None
    return None
