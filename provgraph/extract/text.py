"""Separated text: comma, semicolon, tab, bar, or white space between the fields; also gzipped.

In white space a value that holds some stands in double quotes, and a comment may name the columns, as TOPCAT writes it.

Types are found over the whole file, so the file is read twice: whole numbers become int64 (exactly; where one does not
fit, or stands beside NaN and would be rounded, the column stays text), other numbers float64, everything else text.
Zeros or a plus sign before a number (``007``, ``+49``) are part of an identifier and keep the whole column text. An
empty field and what is declared are missing; nothing else is taken to mean that.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from provgraph.errors import FileUnreadable
from provgraph.extract.lines import (
    Malformed,
    column,
    encoding_of,
    lines_of,
    listed,
    other_count,
    places,
    rows_of,
    split,
    texts,
    without_quoted,
    words,
)
from provgraph.extract.source import ROWS, Metadata, Source, table_missing, unique_names
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "text (CSV, TSV, white space)"

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 50
_ID = re.compile(r"0|-?[1-9][0-9]*")  # whole numbers that are written in one way only
_INT = re.compile(r"[+-]?[0-9]+")  # elsewhere 00 hours and +03 degrees are numbers
_NUMBER = re.compile(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d]|_")  # how the name of an attribute begins
_KEY_VALUE = re.compile(r"([A-Za-z][\w .-]{0,40}?)\s*[:=]\s*(\S.*)")
_INT64 = (-(2**63), 2**63 - 1)


def matches(path: Path, head: bytes) -> bool:
    """Lines of printable text with fields in each; prose, JSON and XML are not."""
    if b"\0" in head or head.lstrip()[:1] in (b"{", b"[", b"<"):
        return False
    lines = _decoded_head(head).splitlines()
    if len(lines) > 1 and len(head) >= 4096:
        lines = lines[:-1]  # the last one may be cut
    try:
        return _layout(lines) is not None
    except Malformed:
        return True  # a table with a fault, which opening it names


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    """A table; the column `id` becomes numbers only if each of them is written in the one plain way of whole numbers."""
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    return _Text(path, id, missing)


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
    def __init__(self, path: Path, id: str | None, missing: Mapping[str, Sequence[Any]]) -> None:
        self._path = path
        self.skipped: dict[str, str] = {}
        self._encoding = encoding_of(path)
        head = list(islice(lines_of(path, self._encoding), 2000))
        try:
            layout = _layout(head)
        except Malformed as error:
            raise error.of(path) from None
        if layout is None:
            raise FileUnreadable(
                f"{path} is no table: its lines do not hold the same number of fields.",
                code="format_unknown",
                path=str(path),
            )
        self._layout = layout
        self.metadata: Metadata = _metadata(layout.comments)
        names = unique_names(layout.names or [""] * layout.count)
        types = [_Type(texts(missing.get(name, ())), exact=name == id) for name in names]
        self.n = 0
        for rows in self._rows(ROWS):
            self.n += len(rows)
            for kind, fields in zip(types, zip(*rows, strict=True), strict=True):
                kind.see(fields)
        self._types = [kind.dtype for kind in types]
        self._missing = [kind.missing for kind in types]
        self.masked = {name: tuple(listed(missing[name])) for name in names if name in missing}
        self.attributes = tuple(map(Attribute, names, self._types))

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for part in self._rows(rows):
            columns = zip(self.attributes, zip(*part, strict=True), self._types, self._missing, strict=True)
            yield {a.name: column(fields, dtype, missing) for a, fields, dtype, missing in columns}

    def _rows(self, most: int) -> Iterator[list[list[str]]]:
        """The fields of at most so many sources at a time."""
        numbered = split(lines_of(self._path, self._encoding), self._layout.separator)
        sources = islice(numbered, 1 if self._layout.has_header else 0, None)
        return rows_of(self._path, sources, self._layout.count, most)


def _is_exact(text: str) -> bool:
    """Whether a whole number is itself as float64."""
    try:
        return int(float(text)) == int(text)
    except OverflowError:
        return False


class _Type:
    """What all fields of one column have in common.

    missing : texts that stand for no value. exact : whether numbers have to be written in the one plain way.
    """

    def __init__(self, missing: frozenset[str], *, exact: bool) -> None:
        self.missing = missing
        self._exact = exact
        self._int = _ID if exact else _INT
        self._whole = self._number = True
        self._fits = True  # an int64
        self._exactly = True  # a float64, as far as numbers are whole
        self._digits = True  # nothing but whole numbers, NaN and infinity
        self._any = False

    def see(self, fields: Iterable[str]) -> None:
        if not self._number:
            return
        filled = [text for field in fields if (text := field.strip())]
        if self.missing:
            filled = [text for text in filled if text not in self.missing]
        if not filled:
            return
        self._any = True
        if self._whole:
            if all(map(self._int.fullmatch, filled)):
                longest = max(map(len, filled))
                if self._fits and longest > 18:
                    self._fits = all(_INT64[0] <= int(text) <= _INT64[1] for text in filled)
                if self._exactly and longest > 15:
                    self._exactly = all(map(_is_exact, filled))
                return
            self._whole = False
        self._number = not self._exact and all(map(_NUMBER.fullmatch, filled))
        if self._number and self._digits:
            whole = [text for text in filled if not text.lstrip("+-")[0].isalpha()]
            self._digits = all(map(_INT.fullmatch, whole))
            self._exactly = self._exactly and self._digits and all(map(_is_exact, whole))

    @property
    def dtype(self) -> str:
        if not self._any or not self._number:
            return "f8" if not self._any else "U"
        if self._whole:
            return "i8" if self._fits else "U"
        return "U" if self._digits and not self._exactly else "f8"  # as float64 they would be other numbers


def _layout(lines: list[str]) -> _Layout | None:
    first = next((i for i, x in enumerate(lines) if x.strip() and not x.lstrip().startswith("#")), len(lines))
    comments = [line.strip().lstrip("#").rstrip() for line in lines[:first] if line.strip()]
    faults: list[tuple[int, str, Malformed]] = []
    for separator in (*_SEPARATORS, ""):
        if separator and _only_in_quotes(separator, lines[first:]):
            continue
        rows, fault = _sample(lines, separator)
        count = len(rows[0]) if rows else 0
        if fault is None and count > (1 if separator else 0):
            break
        if fault is not None and separator and (count > 1 or (not rows and separator in lines[first])):
            faults.append((count, separator, fault))
    else:
        if not faults:
            if fault is not None and len(rows) > 1 and count > 1 and _is_table(rows):
                raise fault
            return None
        separator, count = "", 1
    # White space may be what separates the fields although the first line has a comma in it, but not where others do
    # too: that is a faulty table, and no column of text.
    used = {s for _, s, _ in faults if s != "\t" and any(s in without_quoted(line) for line in lines[first + 1 :])}
    if not separator and faults and (count == 1 or used):
        raise max(faults, key=lambda found: found[0])[2]
    # TOPCAT writes names as a comment, each above its column; what follows is no header whatever it looks like.
    above = next((line for line in reversed(lines[:first]) if line.strip()), "").replace("#", " ", 1)
    named = words(above)
    aligned = not separator and len(named) == count > 1 and places(above) == places(lines[first])
    aligned = aligned and all(any(map(str.isalnum, name)) for name in named)
    has_header = not aligned and _is_header(rows)
    names: tuple[str, ...] | None = None
    if aligned:
        names, comments = tuple(named), comments[:-1]
    elif has_header:
        names = tuple(field.strip() for field in rows[0])
    elif comments:
        named = [part.strip() for part in (comments[-1].split(separator) if separator else words(comments[-1]))]
        if len(named) == count and not any(map(_is_number, named)):
            names, comments = tuple(named), comments[:-1]
    if count == 1 and not has_header and names is None and not all(_is_number(row[0]) for row in rows):
        return None  # a list of words is no catalog
    return _Layout(separator, names, count, tuple(comments), has_header)


def _sample(lines: list[str], separator: str) -> tuple[list[list[str]], Malformed | None]:
    """The fields of the first lines, up to the first that does not go with them."""
    rows: list[list[str]] = []
    try:
        for number, fields in islice(split(lines, separator), _SAMPLE):
            if rows and len(fields) != len(rows[0]):
                return rows, other_count(number, len(fields), len(rows[0]))
            rows.append(fields)
    except Malformed as error:
        return rows, error
    except csv.Error as error:
        return rows, Malformed(None, str(error))
    return rows, None


def _only_in_quotes(separator: str, lines: list[str]) -> bool:
    """Whether the first source holds a separator in the values only that stand in quotes between white space."""
    line = next((x for x in lines if separator in x), "")
    return '"' in line and separator not in without_quoted(line)


def _is_table(rows: list[list[str]]) -> bool:
    """Whether lines of words look like sources, and not like prose."""
    return any(map(_is_number, rows[-1])) and (_is_header(rows) or any(map(_is_number, rows[0])))


def _is_header(rows: list[list[str]]) -> bool:
    """Names stand in the first line when a word stands above a number there, or when all in it look like names."""
    first = [field.strip() for field in rows[0]]
    if len(rows) > 1 and any(
        top and not _is_number(top) and _is_number(below) for top, below in zip(first, rows[1], strict=True)
    ):
        return True
    return all(map(_NAME.match, first)) and not any(map(_is_number, first))


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip()) is not None


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


def _decoded_head(head: bytes) -> str:
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return head.decode("latin-1")
