"""Files in: one format a file. `recognise` finds the format by content; what it gives opens the file as a Source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provgraph.errors import FileUnreadable
from provgraph.extract import arrow, ecsv, fits, hdf5, ipac, parquet, text, votable
from provgraph.extract.source import Extractor, Source, read_head

EXTRACTORS: tuple[Extractor, ...] = (
    fits,
    votable,
    parquet,
    arrow,
    hdf5,
    ecsv,
    ipac,
    text,  # last: it is what has no mark of its own
)

__all__ = ["EXTRACTORS", "Extractor", "Source", "open_source", "recognise"]


def recognise(path: str | Path) -> Extractor:
    """The extractor for a file. FileUnreadable: ``file_missing``, ``file_empty``, ``format_unknown`` (names the formats
    there are).
    """
    path = Path(path)
    head = read_head(path)
    for extractor in EXTRACTORS:
        if extractor.matches(path, head):
            return extractor
    known = ", ".join(extractor.format for extractor in EXTRACTORS)
    raise FileUnreadable(
        f"{path} is of no format that can be read; these can: {known}.", code="format_unknown", path=str(path)
    )


def open_source(
    path: str | Path, *, table: str | int | None = None, id: str | None = None,
    missing: Mapping[str, Sequence[Any]] = {},
) -> Source:  # fmt: skip
    """Open a file of any format; use it in a ``with`` statement."""
    return recognise(path).open(Path(path), table=table, id=id, missing=missing)
