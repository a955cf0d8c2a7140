"""IPAC tables: columns stand between the bars of a header that gives names, types, units and what means missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from provgraph.errors import FileUnreadable
from provgraph.extract.lines import Malformed, declared_column, encoding_of, lines_of, listed, rows_of, texts
from provgraph.extract.source import ROWS, Metadata, Source, table_missing, unique_names
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "IPAC"

_HEADER = re.compile(rb"(?:\\[^\n]*\n|[ \t\r]*\n)*(?:\|[^\n]*\|[ \t\r]*(?:\n|$)){2}")
_KEYWORD = re.compile(r"\\([^\s=]+)\s*=\s*(.*)")
# Any beginning of a type means it. Whole numbers are int64: what is called int can be as large.
_TYPES = {"integer": "i8", "long": "i8", "double": "f8", "float": "f8", "real": "f8", "character": "U", "date": "U"}


def matches(path: Path, head: bytes) -> bool:
    found = _HEADER.match(head)
    return found is not None and all(_dtype(kind) for kind in _cells(found[0].decode("latin-1").splitlines()[-1]))


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    return _Ipac(path, missing)


class _Ipac(Source):
    def __init__(self, path: Path, missing: Mapping[str, Sequence[Any]]) -> None:
        self._path, self._encoding = path, encoding_of(path)
        self.n = None
        self.metadata: Metadata = {}
        self.skipped: dict[str, str] = {}
        header: list[str] = []
        comments: list[str] = []
        self._first = 0  # line of the first source
        for line in map(str.rstrip, lines_of(path, self._encoding)):
            if line.startswith("|"):
                header.append(line)
            elif found := _KEYWORD.fullmatch(line):
                self.metadata[found[1]] = found[2].strip().strip("\"'")
            elif line.startswith("\\"):
                comments.append(line[1:].strip())
            elif line:
                break
            self._first += 1
        if any(comments):
            self.metadata["COMMENT"] = "\n".join(filter(None, comments))
        self._bars = [place for place, letter in enumerate(header[0]) if letter == "|"]
        if any([place for place, letter in enumerate(line) if letter == "|"] != self._bars for line in header[1:]):
            raise FileUnreadable(
                f"The bars in the header of {path} do not stand below each other.",
                code="header_malformed",
                path=str(path),
            )
        names = unique_names(_cells(header[0]))
        units = _cells(header[2]) if len(header) > 2 else [""] * len(names)
        nulls = _cells(header[3]) if len(header) > 3 else [""] * len(names)
        types = [_dtype(kind) for kind in _cells(header[1])]
        self.attributes = tuple(
            Attribute(name, kind, UNIT_UNDECLARED if unit in ("", "-") else unit)
            for name, kind, unit in zip(names, types, units, strict=True)
        )
        self._missing = [
            texts(missing.get(name, ())) | ({null} if null else set()) for name, null in zip(names, nulls, strict=True)
        ]
        self.masked = {name: tuple(listed(missing[name])) for name in names if name in missing}

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for part in rows_of(self._path, self._numbered(), len(self.attributes), rows):
            columns = zip(self.attributes, zip(*part, strict=True), self._missing, strict=True)
            yield {a.name: declared_column(self._path, a.name, f, a.dtype, gone) for a, f, gone in columns}

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        bars = self._bars
        between = list(pairwise(bars))
        lines = map(str.rstrip, lines_of(self._path, self._encoding))
        for number, line in enumerate(islice(lines, self._first, None), self._first + 1):
            if not line:
                continue
            if len(line) > bars[-1] + 1 or any(line[bar : bar + 1].strip() for bar in bars):
                raise Malformed(number, "has a value below a bar of the header, where the columns are parted")
            yield number, [line[left + 1 : right].strip() for left, right in between]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip()[1:-1].split("|")]


def _dtype(kind: str) -> str:
    """Type of an attribute; '' for what is no type."""
    kind = kind.strip().lower()
    return next((dtype for full, dtype in _TYPES.items() if kind and full.startswith(kind)), "")
