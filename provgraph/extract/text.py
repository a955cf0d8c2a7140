"""Separated text: comma, semicolon, tab, bar, or white space between the fields; also gzipped.

Types are found over the whole file, so the file is read twice: whole numbers become int64 (exactly; where one does not
fit, the column stays text), other numbers float64, everything else text. An empty field is missing; nothing else is
taken to mean that.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import ROWS, Array, Metadata, Source, open_bytes, reading, table_missing, unique_names
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "text (CSV, TSV, white space)"

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 50
_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d]|_")  # how the name of an attribute begins
_KEY_VALUE = re.compile(r"([A-Za-z][\w .-]{0,40}?)\s*[:=]\s*(\S.*)")
_INT64 = (-(2**63), 2**63 - 1)


def matches(path: Path, head: bytes) -> bool:
    """Lines of printable text with the same number of fields in each; prose, JSON and XML are not."""
    if b"\0" in head or head.lstrip()[:1] in (b"{", b"[", b"<"):
        return False
    lines = _decoded_head(head).splitlines()
    if len(lines) > 1 and len(head) >= 4096:
        lines = lines[:-1]  # the last one may be cut
    return _layout(lines) is not None


def open(path: Path, *, table: str | int | None = None) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    return _Text(path)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines of a file are to be read.

    separator : '' is any white space. names : None where the file gives none. header_lines : lines before the first
    source that hold no values.
    """

    separator: str
    names: tuple[str, ...] | None
    count: int
    comments: tuple[str, ...]
    has_header: bool


class _Text(Source):
    def __init__(self, path: Path) -> None:
        self._path = path
        self.skipped: dict[str, str] = {}
        with reading(path), open_bytes(path) as file:
            self._encoding = _encoding(file)
        head = list(islice(self._lines(), 2000))
        layout = _layout(head)
        if layout is None:
            raise FileUnreadable(
                f"{path} is no table: its lines do not hold the same number of fields.",
                code="format_unknown",
                path=str(path),
            )
        self._layout = layout
        self.metadata: Metadata = _metadata(layout.comments)
        names = unique_names(layout.names or [""] * layout.count)
        types = [_Type() for _ in names]
        self.n = 0
        for rows in self._rows(ROWS):
            self.n += len(rows)
            for kind, fields in zip(types, zip(*rows, strict=True), strict=True):
                kind.see(fields)
        self._types = [kind.dtype for kind in types]
        self.attributes = tuple(
            Attribute(name, "U" if t == "S" else t) for name, t in zip(names, self._types, strict=True)
        )

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for part in self._rows(rows):
            columns = zip(*part, strict=True)
            yield {a.name: _column(f, t) for a, f, t in zip(self.attributes, columns, self._types, strict=True)}

    def _lines(self) -> Iterator[str]:
        with reading(self._path), open_bytes(self._path) as file:
            # newline='' leaves line ends inside quotes to the csv module
            yield from io.TextIOWrapper(file, self._encoding, newline="")

    def _rows(self, most: int) -> Iterator[list[list[str]]]:
        """The fields of at most so many sources at a time."""
        layout = self._layout
        rows: list[list[str]] = []
        header = layout.has_header
        try:
            for number, fields in _split(self._lines(), layout.separator):
                if header:
                    header = False
                    continue
                if len(fields) != layout.count:
                    raise FileUnreadable(
                        f"Line {number} of {self._path} has {len(fields)} field{'' if len(fields) == 1 else 's'} where"
                        f" {layout.count} were expected; it may be cut off or hold a separator in a value.",
                        code="row_malformed",
                        path=str(self._path),
                        line=number,
                    )
                rows.append(fields)
                if len(rows) == most:
                    yield rows
                    rows = []
        except csv.Error as error:
            raise FileUnreadable(
                f"{self._path} cannot be read: {error}.", code="row_malformed", path=str(self._path)
            ) from None
        if rows:
            yield rows


class _Type:
    """What all fields of one column have in common."""

    def __init__(self) -> None:
        self._whole = self._number = True
        self._fits = True
        self._any = False

    def see(self, fields: Iterable[str]) -> None:
        if not self._number:
            return
        filled = [text for field in fields if (text := field.strip())]
        if not filled:
            return
        self._any = True
        if self._whole:
            if all(map(_INT.fullmatch, filled)):
                if self._fits and max(map(len, filled)) > 18:
                    self._fits = all(_INT64[0] <= int(text) <= _INT64[1] for text in filled)
                return
            self._whole = False
        self._number = all(map(_FLOAT.fullmatch, filled))

    @property
    def dtype(self) -> str:
        if not self._any or not self._number:
            return "f8" if not self._any else "S"
        if self._whole:
            return "i8" if self._fits else "S"  # as float64 they would be other numbers
        return "f8"


def _column(fields: tuple[str, ...], dtype: str) -> Column:
    n = len(fields)
    null: Array = np.fromiter((not field or field.isspace() for field in fields), bool, n)
    some = bool(null.any())
    if dtype == "S":
        values: Array = np.array([field.strip().encode() for field in fields], dtype="S") if n else np.zeros(0, "S1")
        return Column(values if values.dtype.itemsize else np.zeros(n, "S1"), null if some else None)
    if some:
        fields = tuple("0" if gap else field for field, gap in zip(fields, null.tolist(), strict=True))
    values = np.fromiter(map(int if dtype == "i8" else float, fields), dtype, n)
    if some and dtype == "f8":
        values[null] = np.nan
    return Column(values, null if some else None)


def _split(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line that holds some; comments are left out."""
    if not separator:
        for number, line in enumerate(lines, start=1):
            fields = line.split()
            if fields and not fields[0].startswith("#"):
                yield number, fields
        return
    started = False
    last = 0

    def counted() -> Iterator[str]:
        nonlocal last
        for number, line in enumerate(lines, start=1):
            last = number
            # A '#' opens a comment before the first source only: later it may well be a value.
            if (started or not line.lstrip().startswith("#")) and not line.isspace():
                yield line

    for fields in csv.reader(counted(), delimiter=separator, strict=True):
        started = True
        yield last, fields


def _layout(lines: list[str]) -> _Layout | None:
    comments = []
    for line in lines:
        if line.strip():
            if not line.lstrip().startswith("#"):
                break
            comments.append(line.strip().lstrip("#").rstrip())
    for separator in (*_SEPARATORS, ""):
        try:
            rows = [fields for _, fields in islice(_split(lines, separator), _SAMPLE)]
        except csv.Error:
            continue
        counts = {len(fields) for fields in rows}
        if len(counts) == 1 and (max(counts) > 1 or not separator):
            break
    else:
        return None
    count = counts.pop()
    has_header = _is_header(rows)
    names: tuple[str, ...] | None = None
    if has_header:
        names = tuple(field.strip() for field in rows[0])
    elif comments:
        named = [part.strip() for part in (comments[-1].split(separator) if separator else comments[-1].split())]
        if len(named) == count and not any(map(_is_number, named)):
            names, comments = tuple(named), comments[:-1]
    if count == 1 and not has_header and names is None and not all(_is_number(row[0]) for row in rows):
        return None  # a list of words is no catalog
    return _Layout(separator, names, count, tuple(comments), has_header)


def _is_header(rows: list[list[str]]) -> bool:
    """Names stand in the first line when a word stands above a number there, or when all in it look like names."""
    first = [field.strip() for field in rows[0]]
    if len(rows) > 1 and any(
        top and not _is_number(top) and _is_number(below) for top, below in zip(first, rows[1], strict=True)
    ):
        return True
    return all(map(_NAME.match, first)) and not any(map(_is_number, first))


def _is_number(field: str) -> bool:
    return _FLOAT.fullmatch(field.strip()) is not None


def _metadata(comments: Iterable[str]) -> Metadata:
    """``key: value`` and ``key = value`` comments by key; the others together."""
    found: Metadata = {}
    rest = []
    for comment in comments:
        match = _KEY_VALUE.fullmatch(comment.strip())
        if match and match[1] not in found:
            found[match[1]] = match[2].strip()
        elif comment.strip():
            rest.append(comment.strip())
    if rest:
        found["COMMENT"] = "\n".join(rest)
    return found


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 where the whole file is; else Latin-1, in which every byte is a character."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _decoded_head(head: bytes) -> str:
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return head.decode("latin-1")
