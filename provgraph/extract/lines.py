"""What the formats made of lines of text share: lines, their fields, and columns made of fields."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import Array, open_bytes, reading
from provgraph.schema.table import Column

# In white space a field that holds some stands in double quotes; in these they are doubled or have a backslash before.
_QUOTED = r'"(?:[^"\\]|\\.|"")*"(?=\s|$)'
_FIELD = re.compile(rf"{_QUOTED}|\S+")
_ALONE = re.compile(rf"(?<!\S){_QUOTED}")
_ESCAPED = re.compile(r"\\([\\\"'#])|\"(\")")
_TRUE, _FALSE = frozenset(("true", "t", "1")), frozenset(("false", "f", "0"))


class Malformed(Exception):
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


def other_count(line: int, found: int, expected: int) -> Malformed:
    return Malformed(
        line,
        f"has {found} field{'' if found == 1 else 's'} where {expected} were expected; it may be cut off or hold a"
        " separator in a value",
    )


def encoding_of(path: Path) -> str:
    """UTF-8 where the whole file is; else Latin-1, in which every byte is a character."""
    with reading(path), open_bytes(path) as file:
        return _encoding(file)


def _encoding(file: IO[bytes]) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    with reading(path), open_bytes(path) as file:
        # newline='' leaves line ends inside quotes to the csv module
        yield from io.TextIOWrapper(file, encoding, newline="")


def words(line: str) -> list[str]:
    """What stands between white space; text in double quotes is one word."""
    if '"' not in line:
        return line.split()
    return [_unquoted(word) for word in _FIELD.findall(line)]


def places(line: str) -> list[int]:
    """Where its words begin."""
    return [word.start() for word in _FIELD.finditer(line)]


def without_quoted(line: str) -> str:
    """The line without the words in quotes that stand between white space."""
    return _ALONE.sub("", line)


def _unquoted(word: str) -> str:
    if len(word) < 2 or not (word.startswith('"') and word.endswith('"')):
        return word
    return _ESCAPED.sub(lambda found: found[1] or found[2], word[1:-1])


def split(lines: Iterable[str], separator: str, first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line that holds some; comments are left out.

    separator : '' is any white space, ' ' one blank between fields. first : number of the first line.

    Malformed : between the sources, a line that begins with '#' and could be one of them.
    """
    if not separator:
        for number, line in enumerate(lines, start=first):
            if line and not line.isspace() and not line.lstrip().startswith("#"):
                yield number, words(line)
        return
    count = 0  # of fields in the first line that is no comment
    last = first - 1
    inside = False  # a value in quotes that goes on in the next line
    blank = separator == " "

    def counted() -> Iterator[str]:
        nonlocal last, inside
        for number, line in enumerate(lines, start=first):
            last = number
            if not inside:
                if not line or line.isspace():
                    continue
                if line.lstrip().startswith("#"):
                    if count > 1 and len(next(csv.reader([line], delimiter=separator))) == count:
                        raise Malformed(
                            number,
                            f"begins with '#' and has {count} fields as the sources have; remove it if it is a comment,"
                            " put its first value in quotes if it is a source",
                        )
                    continue
            inside = True
            yield line

    for fields in csv.reader(counted(), delimiter=separator, strict=True, skipinitialspace=blank):
        inside = False
        count = count or len(fields)
        yield last, fields


def rows_of(path: Path, numbered: Iterable[tuple[int, list[str]]], count: int, most: int) -> Iterator[list[list[str]]]:
    """The fields of at most so many sources at a time, `count` each. FileUnreadable: ``row_malformed``."""
    rows: list[list[str]] = []
    try:
        for number, fields in numbered:
            if len(fields) != count:
                raise other_count(number, len(fields), count)
            rows.append(fields)
            if len(rows) == most:
                yield rows
                rows = []
    except Malformed as error:
        raise error.of(path) from None
    except csv.Error as error:
        raise Malformed(None, str(error)).of(path) from None
    if rows:
        yield rows


def listed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, Sequence) and not isinstance(values, str | bytes) else [values]


def texts(values: Any) -> frozenset[str]:
    """How declared values stand in a file; numbers as Python writes them."""
    return frozenset((v.decode() if isinstance(v, bytes) else str(v)).strip() for v in listed(values))


def column(fields: tuple[str, ...], dtype: str, missing: frozenset[str]) -> Column:
    """Fields as values of a type; an empty one and what is declared are missing. ValueError, OverflowError."""
    n = len(fields)
    null: Array = np.fromiter((not field or field.isspace() for field in fields), bool, n)
    if missing:
        null |= np.fromiter((field.strip() in missing for field in fields), bool, n)
    some = bool(null.any())
    if dtype == "U":
        values: Array = np.array([field.strip().encode() for field in fields], dtype="S") if n else np.zeros(0, "S1")
        return Column(values if values.dtype.itemsize else np.zeros(n, "S1"), null if some else None)
    if some:
        fields = tuple("0" if gap else field for field, gap in zip(fields, null.tolist(), strict=True))
    one: Callable[[str], Any] = float if dtype[0] == "f" else _truth if dtype == "?" else int
    values = np.fromiter(map(one, fields), dtype, n)
    if some and dtype[0] == "f":
        values[null] = np.nan
    return Column(values, null if some else None)


def declared_column(path: Path, name: str, fields: tuple[str, ...], dtype: str, missing: frozenset[str]) -> Column:
    """The same where the file itself declares the type. FileUnreadable: ``row_malformed``, with the value."""
    try:
        if dtype != "U" and any("_" in field for field in fields):
            raise ValueError  # Python would read 1_000 as a number
        return column(fields, dtype, missing)
    except (ValueError, OverflowError):
        wrong = next(field for field in fields if not _is(field, dtype, missing))
        raise FileUnreadable(
            f"Column {name!r} of {path} holds {wrong.strip()!r}, which is no {np.dtype(dtype)} as the file declares.",
            code="row_malformed", path=str(path), name=name,
        ) from None  # fmt: skip


def _is(field: str, dtype: str, missing: frozenset[str]) -> bool:
    try:
        column((field,), dtype, missing)
    except (ValueError, OverflowError):
        return False
    return "_" not in field


def _truth(field: str) -> bool:
    word = field.strip().lower()
    if word not in _TRUE and word not in _FALSE:
        raise ValueError(field)
    return word in _TRUE
