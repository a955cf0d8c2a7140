"""Separated text: comma, semicolon, tab, bar, or white space between the fields; also gzipped.

Types are found over the whole file, so the file is read twice: whole numbers become int64 (exactly; where one does not
fit, the column stays text), other numbers float64, everything else text. Zeros or a plus sign before a number (``007``,
``+49``) are part of an identifier and keep the whole column text. An empty field and what is declared are missing;
nothing else is taken to mean that.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import ROWS, Array, Metadata, Source, open_bytes, reading, table_missing, unique_names
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
    except _Malformed:
        return True  # a table with a fault, which opening it names


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    """A table; the column `id` becomes numbers only if each of them is written in the one plain way of whole numbers."""
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    return _Text(path, id, missing)


class _Malformed(Exception):
    """A line that does not go with the others. line : None where only the whole file tells."""

    def __init__(self, line: int | None, fault: str) -> None:
        super().__init__(fault)
        self.line = line
        self.fault = fault

    def of(self, path: Path) -> FileUnreadable:
        if self.line is None:
            return FileUnreadable(f"{path} cannot be read: {self.fault}.", code="row_malformed", path=str(path))
        return FileUnreadable(
            f"Line {self.line} of {path} {self.fault}.", code="row_malformed", path=str(path), line=self.line
        )


def _other_count(line: int, found: int, expected: int) -> _Malformed:
    return _Malformed(
        line,
        f"has {found} field{'' if found == 1 else 's'} where {expected} were expected; it may be cut off or hold a"
        " separator in a value",
    )


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
        with reading(path), open_bytes(path) as file:
            self._encoding = _encoding(file)
        head = list(islice(self._lines(), 2000))
        try:
            layout = _layout(head)
        except _Malformed as error:
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
        types = [_Type(_texts(missing.get(name, ())), exact=name == id) for name in names]
        self.n = 0
        for rows in self._rows(ROWS):
            self.n += len(rows)
            for kind, fields in zip(types, zip(*rows, strict=True), strict=True):
                kind.see(fields)
        self._types = [kind.dtype for kind in types]
        self._missing = [kind.missing for kind in types]
        self.masked = {name: tuple(_listed(missing[name])) for name in names if name in missing}
        self.attributes = tuple(
            Attribute(name, "U" if t == "S" else t) for name, t in zip(names, self._types, strict=True)
        )

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for part in self._rows(rows):
            columns = zip(self.attributes, zip(*part, strict=True), self._types, self._missing, strict=True)
            yield {a.name: _column(fields, dtype, missing) for a, fields, dtype, missing in columns}

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
                    raise _other_count(number, len(fields), layout.count)
                rows.append(fields)
                if len(rows) == most:
                    yield rows
                    rows = []
        except _Malformed as error:
            raise error.of(self._path) from None
        except csv.Error as error:
            raise _Malformed(None, str(error)).of(self._path) from None
        if rows:
            yield rows


class _Type:
    """What all fields of one column have in common.

    missing : texts that stand for no value. exact : whether numbers have to be written in the one plain way.
    """

    def __init__(self, missing: frozenset[str], *, exact: bool) -> None:
        self.missing = missing
        self._exact = exact
        self._int = _ID if exact else _INT
        self._whole = self._number = True
        self._fits = True
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
                if self._fits and max(map(len, filled)) > 18:
                    self._fits = all(_INT64[0] <= int(text) <= _INT64[1] for text in filled)
                return
            self._whole = False
        self._number = self._number and not self._exact and all(map(_NUMBER.fullmatch, filled))

    @property
    def dtype(self) -> str:
        if not self._any or not self._number:
            return "f8" if not self._any else "S"
        if self._whole:
            return "i8" if self._fits else "S"  # as float64 they would be other numbers
        return "f8"


def _listed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, Sequence) and not isinstance(values, str | bytes) else [values]


def _texts(values: Any) -> frozenset[str]:
    """How declared values stand in a file; numbers as Python writes them."""
    return frozenset((v.decode() if isinstance(v, bytes) else str(v)).strip() for v in _listed(values))


def _column(fields: tuple[str, ...], dtype: str, missing: frozenset[str]) -> Column:
    n = len(fields)
    null: Array = np.fromiter((not field or field.isspace() for field in fields), bool, n)
    if missing:
        null |= np.fromiter((field.strip() in missing for field in fields), bool, n)
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
    """Line number and fields of each line that holds some; comments are left out.

    _Malformed : between the sources, a line that begins with '#' and could be one of them.
    """
    if not separator:
        for number, line in enumerate(lines, start=1):
            fields = line.split()
            if fields and not fields[0].startswith("#"):
                yield number, fields
        return
    count = 0  # of fields in the first line that is no comment
    last = 0
    inside = False  # a value in quotes that goes on in the next line

    def counted() -> Iterator[str]:
        nonlocal last, inside
        for number, line in enumerate(lines, start=1):
            last = number
            if not inside:
                if not line or line.isspace():
                    continue
                if line.lstrip().startswith("#"):
                    if count > 1 and len(next(csv.reader([line], delimiter=separator))) == count:
                        raise _Malformed(
                            number,
                            f"begins with '#' and has {count} fields as the sources have; remove it if it is a comment,"
                            " put its first value in quotes if it is a source",
                        )
                    continue
            inside = True
            yield line

    for fields in csv.reader(counted(), delimiter=separator, strict=True):
        inside = False
        count = count or len(fields)
        yield last, fields


def _layout(lines: list[str]) -> _Layout | None:
    first = next((i for i, x in enumerate(lines) if x.strip() and not x.lstrip().startswith("#")), len(lines))
    comments = [line.strip().lstrip("#").rstrip() for line in lines[:first] if line.strip()]
    faults: list[tuple[int, str, _Malformed]] = []
    for separator in (*_SEPARATORS, ""):
        rows, fault = _sample(lines, separator)
        count = len(rows[0]) if rows else 0
        if fault is None and count > (1 if separator else 0):
            break
        if fault is not None and separator and (count > 1 or (not rows and separator in lines[first])):
            faults.append((count, separator, fault))
    else:
        if not faults:
            return None
        separator, count = "", 1
    # White space may be what separates the fields although the first line has a comma in it, but not where others do
    # too: that is a faulty table, and no column of text.
    used = {s for _, s, _ in faults if s != "\t" and any(s in line for line in lines[first + 1 :])}
    if not separator and faults and (count == 1 or used):
        raise max(faults, key=lambda found: found[0])[2]
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


def _sample(lines: list[str], separator: str) -> tuple[list[list[str]], _Malformed | None]:
    """The fields of the first lines, up to the first that does not go with them."""
    rows: list[list[str]] = []
    try:
        for number, fields in islice(_split(lines, separator), _SAMPLE):
            if rows and len(fields) != len(rows[0]):
                return rows, _other_count(number, len(fields), len(rows[0]))
            rows.append(fields)
    except _Malformed as error:
        return rows, error
    except csv.Error as error:
        return rows, _Malformed(None, str(error))
    return rows, None


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
