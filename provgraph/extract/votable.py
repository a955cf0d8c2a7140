"""VOTable: TABLEDATA, BINARY and BINARY2.

The document is read as a stream by expat, in bounded memory, and binary rows are mapped onto a numpy record where their
length is fixed (astropy reads row by row). Nothing outside the file is ever fetched: no DTD, no entity, no STREAM
elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import (
    ROWS,
    Array,
    Metadata,
    Source,
    labels,
    open_bytes,
    reading,
    table_ambiguous,
    table_missing,
    truncated,
    unique_names,
)
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "VOTable"

_PIECE = 1 << 20
_TYPES = {
    "boolean": "u1",
    "bit": "u1",
    "unsignedByte": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "char": "S1",
    "unicodeChar": ">U1",
    "float": ">f4",
    "double": ">f8",
    "floatComplex": ">c8",
    "doubleComplex": ">c16",
}
_TABLE_TAG = re.compile(rb"<(?:[\w.-]+:)?TABLE[\s/>]")
_LONGEST_TAG = 256
_TRUE, _FALSE = frozenset(("t", "true", "1")), frozenset(("f", "false", "0"))


def matches(path: Path, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"VOTABLE" in head


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    """The only table, the one with this name or ID, or the one with this number (from 0)."""
    return _VOTable(path, _chosen(path, table))


def described_fields(document: bytes) -> dict[str, Attribute]:
    """The attributes that the FIELDs of a document without data describe, by name."""
    reader = _Reader(Path("header"), None)
    reader.feed(document, final=True)
    return {f.attribute.name: f.attribute for f in reader.fields}


def _chosen(path: Path, table: str | int | None) -> str | int | None:
    """What was asked for, once it is sure that it is one table."""
    if isinstance(table, int) or (table is not None and table.isdigit()) or _table_tags(path) < 2:
        return table
    tables = [t for t in _tables(path) if t.fields]  # one without has no values either
    names = labels([t.name for t in tables], [t.number for t in tables])
    if table is None:
        if len(tables) > 1:
            raise table_ambiguous(path, names)
        return tables[0].number if tables else None
    called = [t for t in tables if table.casefold() in (t.name.casefold(), t.id.casefold())]
    if len(called) > 1:
        raise table_ambiguous(path, [str(t.number) for t in called], table)
    return called[0].number if called else table


def _table_tags(path: Path) -> int:
    """How often the document seems to begin a table; for nearly every one that makes a second look needless."""
    count, kept = 0, b""
    with reading(path), open_bytes(path) as file:
        while piece := file.read(_PIECE):
            piece = kept + piece
            if b"\0" in piece[:4]:
                return 2  # of two bytes a character: let the parser count
            count += sum(1 for _ in _TABLE_TAG.finditer(piece))
            # What may be the begin of a tag waits for the next piece; one that was counted whole does not stay.
            last = piece.rfind(b"<", max(len(piece) - _LONGEST_TAG, 0))
            kept = b"" if last < 0 or _TABLE_TAG.match(piece, last) else piece[last:]
    return count


@dataclass(slots=True)
class _Table:
    number: int
    name: str
    id: str
    fields: int = 0


def _tables(path: Path) -> list[_Table]:
    """All tables of a document, in order."""
    found: list[_Table] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rsplit(" ", 1)[-1]
        if kind == "TABLE":
            id = attributes.get("ID", "")
            found.append(_Table(len(found), attributes.get("name") or id, id))
        elif kind == "FIELD" and found:
            found[-1].fields += 1

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EntityDeclHandler = lambda *_: _refuse_entities(path)
    with reading(path), open_bytes(path) as file:
        piece = b" "
        while piece:
            piece = file.read(_PIECE)
            _parse(parser, path, piece, final=not piece)
    return found


def _parse(parser: expat.XMLParserType, path: Path, piece: bytes, *, final: bool) -> None:
    try:
        parser.Parse(piece, final)
    except expat.ExpatError as error:
        if (final and error.code in (3, 5)) or "no element found" in str(error):  # end of file inside an element
            raise truncated(path) from None
        raise FileUnreadable(
            f"{path} is no well-formed VOTable: {error}.", code="row_malformed", path=str(path)
        ) from None


def _refused(path: Path, reason: str) -> FileUnreadable:
    return FileUnreadable(f"{path} is not read: {reason}.", code="table_unsupported", path=str(path))


def _refuse_entities(path: Path) -> None:
    raise _refused(path, "it declares XML entities, which a VOTable has no use for")


@dataclass(slots=True)
class _Field:
    """A FIELD: what it becomes, and how it is laid out.

    count : elements of a value, None where it varies; `variable` : text or vector whose length stands before it.
    """

    attribute: Attribute
    datatype: str
    arraysize: str
    null: str | None = None
    reason: str = ""
    count: int | None = None
    shape: tuple[int, ...] = ()
    description: list[str] = field(default_factory=list)

    @property
    def text(self) -> bool:
        return self.datatype in ("char", "unicodeChar")

    @property
    def item(self) -> int:
        """Bytes of one element in a binary stream."""
        return 2 if self.datatype == "unicodeChar" else np.dtype(_TYPES[self.datatype]).itemsize


class _Reader:
    """Fed with pieces of the document; collects FIELDs, and rows as they end."""

    def __init__(self, path: Path, table: str | int | None) -> None:
        self._path, self._wanted = path, int(table) if isinstance(table, str) and table.isdigit() else table
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 18
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity
        self.fields: list[_Field] = []
        self.metadata: Metadata = {}
        self.tables: list[str] = []
        self.n: int | None = None
        self.found = self.described = self.done = False
        self.kind = ""
        self.rows: list[list[str | None]] = []
        self.stream: list[str] = []
        self._inside = False
        self._collect: list[str] | None = None
        self._row: list[str | None] = []
        self._path_of: list[str] = []

    def feed(self, piece: bytes, *, final: bool = False) -> None:
        _parse(self._parser, self._path, piece, final=final)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit(" ", 1)[-1]
        self._path_of.append(name)
        if self.done:
            return
        if name == "TABLE":
            label = attributes.get("name") or attributes.get("ID") or str(len(self.tables))
            known = {label.casefold(), attributes.get("ID", label).casefold()}
            number = len(self.tables)
            self.tables.append(label)
            self._inside = self._wanted is None or self._wanted == number or str(self._wanted).casefold() in known
            if self._inside:
                self.found = True
                self.n = int(attributes["nrows"]) if attributes.get("nrows", "").isdigit() else None
                if label != str(number):
                    self.metadata["TABLE"] = label
        elif name == "INFO" and "value" in attributes:
            self.metadata.setdefault(attributes.get("name", "INFO"), attributes["value"])
        elif name == "PARAM" and "value" in attributes and "name" in attributes:
            self.metadata.setdefault(attributes["name"], attributes["value"])
        elif name == "DESCRIPTION":
            self._collect = []
        elif self._inside or self._wanted is None:
            self._start_inside(name, attributes)

    def _start_inside(self, name: str, attributes: dict[str, str]) -> None:
        if name == "FIELD":
            self.fields.append(_field(attributes))
        elif name == "VALUES" and self.fields and len(self._path_of) > 1 and self._path_of[-2] == "FIELD":
            self.fields[-1].null = attributes.get("null") or None
        elif not self._inside:
            return
        elif name == "DATA":
            self._name_fields()
        elif name in ("TABLEDATA", "BINARY", "BINARY2"):
            self.kind = name
        elif name == "FITS":
            raise self._refused("its data stand in a FITS file")
        elif name == "STREAM":
            if attributes.get("href"):
                raise self._refused(f"its data stand elsewhere ({attributes['href']}), and nothing is fetched")
            if attributes.get("encoding", "base64").strip().lower() != "base64":
                raise self._refused(f"its stream is encoded as {attributes['encoding']}, not base64")
            self._collect = self.stream
        elif name == "TR":
            self._row = []
        elif name == "TD":
            if attributes.get("encoding"):
                raise self._refused("its cells are encoded")
            self._collect = []

    def _end(self, tag: str) -> None:
        name = self._path_of.pop()
        if self.done:
            return
        if name == "DESCRIPTION" and self._collect is not None:
            text = " ".join("".join(self._collect).split())
            self._collect = None
            above = self._path_of[-1] if self._path_of else ""
            if above == "FIELD" and self.fields and (self._inside or self._wanted is None):
                self.fields[-1].attribute = _with(self.fields[-1].attribute, description=text)
            elif above in ("TABLE", "RESOURCE", "VOTABLE") and (above != "TABLE" or self._inside):
                self.metadata["DESCRIPTION"] = text
        elif name == "TD" and self._collect is not None:
            self._row.append("".join(self._collect))
            self._collect = None
        elif name == "TR" and self._inside:
            self.rows.append(self._row)
        elif name == "STREAM":
            self._collect = None
        elif name == "TABLE":
            if self._inside:
                self._name_fields()
                self.done = True
            self._inside = False

    def _text(self, text: str) -> None:
        if self._collect is not None:
            self._collect.append(text)

    def _entity(self, *declaration: Any) -> None:
        _refuse_entities(self._path)

    def _refused(self, reason: str) -> FileUnreadable:
        return _refused(self._path, reason)

    def _name_fields(self) -> None:
        if not self.described:
            self.described = True
            for f, name in zip(self.fields, unique_names(f.attribute.name for f in self.fields), strict=True):
                f.attribute = f.attribute.renamed(name)


class _VOTable(Source):
    def __init__(self, path: Path, table: str | int | None) -> None:
        self._path, self._table = path, table
        reader = _Reader(path, table)
        with reading(path), open_bytes(path) as file:
            while not reader.described and (piece := file.read(65_536)):
                reader.feed(piece)
            if not reader.described:
                reader.feed(b"", final=True)
        if not reader.found:
            raise table_missing(path, table, reader.tables)
        self._fields = reader.fields
        self.n = reader.n
        self.metadata = reader.metadata
        self.skipped = {f.attribute.name: f.reason for f in self._fields if f.reason}
        self.attributes = tuple(f.attribute for f in self._fields if not f.reason)

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        decode = _Decoder(self._path, self._fields)
        seen = 0
        for columns in self._pieces(decode, rows):
            seen += len(next(iter(columns.values())).values) if columns else 0
            yield columns
        if self.n is not None and seen < self.n:
            raise truncated(self._path, f"{seen} of {self.n} rows are there")

    def _pieces(self, decode: _Decoder, most: int) -> Iterator[dict[str, Column]]:
        reader = _Reader(self._path, self._table)
        with reading(self._path), open_bytes(self._path) as file:
            while not reader.done:
                piece = file.read(_PIECE)
                reader.feed(piece, final=not piece)
                yield from decode.take(reader, most, final=reader.done)
                if not piece:
                    break


class _Decoder:
    """Makes columns of what a reader has collected."""

    def __init__(self, path: Path, fields: list[_Field]) -> None:
        self._path, self._fields = path, fields
        self._rest = ""  # of base64, less than four characters
        self._bytes = bytearray()
        self._parts: list[list[bytes]] = []  # rows of unequal length that wait for more
        self._marks: list[bytes] = []
        self._flags = -(-len(fields) // 8)
        fixed = all(f.count is not None for f in fields)
        self._record: dict[str, np.dtype[Any] | None] = {
            kind: self._dtype(kind) if fixed else None for kind in ("BINARY", "BINARY2")
        }

    def _dtype(self, kind: str) -> np.dtype[Any]:
        parts: list[Any] = [("flags", "u1", (self._flags,))] if kind == "BINARY2" else []
        for i, f in enumerate(self._fields):
            count = f.count or 0
            if f.datatype == "bit":
                parts.append((f"f{i}", "u1", (-(-count // 8),)))
            elif f.datatype == "char":
                parts.append((f"f{i}", f"S{_text_size(f)}", f.shape) if f.shape else (f"f{i}", f"S{count}"))
            elif f.datatype == "unicodeChar":
                parts.append((f"f{i}", ">u2", (count,)))
            else:
                parts.append((f"f{i}", _TYPES[f.datatype], f.shape))
        return np.dtype(parts)

    def take(self, reader: _Reader, most: int, *, final: bool) -> Iterator[dict[str, Column]]:
        if reader.kind == "TABLEDATA":
            while len(reader.rows) >= most or (final and reader.rows):
                part, reader.rows = reader.rows[:most], reader.rows[most:]
                yield self._cells(part)
            return
        if not reader.kind:
            return
        text = self._rest + "".join("".join(reader.stream).split())
        reader.stream.clear()
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if final and self._rest:
            raise truncated(self._path, "its stream is cut off")
        try:
            self._bytes += base64.b64decode(text[:whole], validate=True)
        except binascii.Error:
            raise FileUnreadable(
                f"{self._path} holds a stream that is no base64.", code="row_malformed", path=str(self._path)
            ) from None
        record = self._record[reader.kind]
        if record is not None:
            yield from self._records(record, most, final=final)
        else:
            yield from self._rows_of_bytes(reader.kind == "BINARY2", most, final=final)

    def _records(self, record: np.dtype[Any], most: int, *, final: bool) -> Iterator[dict[str, Column]]:
        size = record.itemsize
        ready = len(self._bytes) // size
        first = 0
        while ready - first >= most or (final and ready > first):
            count = min(most, ready - first)
            table = np.frombuffer(bytes(self._bytes[first * size : (first + count) * size]), record)
            flagged = np.unpackbits(table["flags"], axis=1) if record.names and record.names[0] == "flags" else None
            yield {
                f.attribute.name: _binary(f, table[f"f{i}"], None if flagged is None else flagged[:, i].astype(bool))
                for i, f in enumerate(self._fields)
                if not f.reason
            }
            first += count
        del self._bytes[: first * size]
        if final and self._bytes:
            raise truncated(self._path, "its last row is cut off")

    def _rows_of_bytes(self, flags: bool, most: int, *, final: bool) -> Iterator[dict[str, Column]]:
        """Rows of unequal length, one by one."""
        data, at = bytes(self._bytes), 0
        while (end := self._one_row(data, at, flags)) is not None:
            at = end
        del self._bytes[:at]
        if final and self._bytes:
            raise truncated(self._path, "its last row is cut off")
        while len(self._parts) >= most or (final and self._parts):
            rows, self._parts = self._parts[:most], self._parts[most:]
            marks, self._marks = self._marks[:most], self._marks[most:]
            nulls = None
            if flags:
                nulls = np.unpackbits(np.frombuffer(b"".join(marks), np.uint8).reshape(len(rows), -1), axis=1).astype(
                    bool
                )
            yield {
                f.attribute.name: _binary(
                    f, _from_bytes(f, [row[i] for row in rows]), None if nulls is None else nulls[:, i]
                )
                for i, f in enumerate(self._fields)
                if not f.reason
            }

    def _one_row(self, data: bytes, at: int, flags: bool) -> int | None:
        """Cut one row out; where it ends, or None when it is not all there yet."""
        row = []
        start = at
        at += self._flags if flags else 0
        for f in self._fields:
            count = f.count
            if count is None:
                if at + 4 > len(data):
                    return None
                (count,) = struct.unpack_from(">i", data, at)
                if count < 0:
                    raise FileUnreadable(
                        f"{self._path} holds a vector of negative length.", code="row_malformed", path=str(self._path)
                    )
                at += 4
            size = -(-count // 8) if f.datatype == "bit" else count * f.item
            row.append(data[at : at + size])
            at += size
        if at > len(data) or at == start:
            return None
        self._parts.append(row)
        if flags:
            self._marks.append(data[start : start + self._flags])
        return at

    def _cells(self, rows: list[list[str | None]]) -> dict[str, Column]:
        for row in rows:
            if len(row) != len(self._fields):
                raise FileUnreadable(
                    f"A row of {self._path} has {len(row)} cells where {len(self._fields)} fields are declared.",
                    code="row_malformed",
                    path=str(self._path),
                )
        columns = {}
        for f, cells in zip(self._fields, zip(*rows, strict=True), strict=True):
            if not f.reason:
                try:
                    columns[f.attribute.name] = _parsed(f, [cell or "" for cell in cells])
                except (ValueError, OverflowError) as error:
                    raise FileUnreadable(
                        f"Field {f.attribute.name!r} of {self._path} holds what is no {f.datatype}: {error}.",
                        code="row_malformed",
                        path=str(self._path),
                    ) from None
        return columns


def _field(attributes: dict[str, str]) -> _Field:
    datatype = attributes.get("datatype", "char").strip()
    arraysize = attributes.get("arraysize", "").strip()
    unit = attributes.get("unit")
    name = attributes.get("name") or attributes.get("ID") or ""
    attribute = Attribute(
        name, "f8", UNIT_UNDECLARED if unit is None else unit.strip(), attributes.get("ucd", "").strip()
    )
    result = _Field(attribute, datatype, arraysize)
    if datatype not in _TYPES:
        result.reason = f"its type {datatype!r} is not known"
        result.datatype = "char"
        return result
    sizes = [part.strip() for part in arraysize.lower().split("x")] if arraysize and arraysize != "1" else []
    variable = bool(sizes) and sizes[-1].endswith("*")
    numbers = [int(part) for part in sizes if part.isdigit()]
    if not variable:
        result.count = int(np.prod(numbers, dtype=np.int64)) if numbers else 1
    inner = numbers[1:] if result.text else numbers
    result.shape = tuple(reversed(inner)) if not variable else ()
    if datatype == "bit" and result.count is not None and not result.shape and numbers:
        result.shape = (result.count,)
    if variable and not (result.text and len(sizes) == 1):
        result.reason = "its vectors differ in length from source to source"
    if datatype == "unicodeChar" and result.shape:
        result.reason = "vectors of Unicode text are not supported"
    shape = result.shape
    if result.text:
        kind = "U"
    elif datatype in ("boolean", "bit"):
        kind = "?"
    elif datatype in ("floatComplex", "doubleComplex"):
        kind, shape = ("f4" if datatype == "floatComplex" else "f8"), (*shape, 2)  # real, imaginary
    else:
        kind = np.dtype(_TYPES[datatype]).str[1:]
    result.attribute = _with(attribute, dtype=kind, shape=shape)
    return result


def _with(attribute: Attribute, **changes: Any) -> Attribute:
    from dataclasses import replace

    return replace(attribute, **changes)


def _text_size(f: _Field) -> int:
    first = f.arraysize.lower().split("x")[0]
    return int(first) if first.isdigit() else 1


def _from_bytes(f: _Field, parts: list[bytes]) -> Array:
    """The values of one field, from rows of unequal length, as they would stand in a record."""
    if f.datatype == "char":
        if f.shape:
            return np.frombuffer(b"".join(parts), f"S{_text_size(f)}").reshape(len(parts), *f.shape)
        return np.array([part.split(b"\0")[0] for part in parts], dtype="S")
    if f.datatype == "unicodeChar":
        texts = [part.decode("utf-16-be", "replace").split("\0")[0].encode() for part in parts]
        return np.array(texts, dtype="S")
    if f.datatype == "bit":
        return np.frombuffer(b"".join(parts), np.uint8).reshape(len(parts), -1)
    return np.frombuffer(b"".join(parts), _TYPES[f.datatype]).reshape(len(parts), *f.shape)


def _binary(f: _Field, raw: Array, flagged: Array | None) -> Column:
    """A field of some rows of BINARY or BINARY2 as a Column."""
    from provgraph.extract.source import utf8

    null = flagged
    values: Array
    if f.text:
        if raw.dtype.kind == "u":
            raw = np.array(
                [r.tobytes().decode("utf-16-be", "replace").split("\0")[0].encode() for r in raw.astype(">u2")],
                dtype="S",
            )
        elif raw.dtype.itemsize:
            units = np.array(raw, order="C", copy=True).view(np.uint8).reshape(*raw.shape, raw.dtype.itemsize)
            if (ended := units == 0).any():  # text ends at the first NUL
                units[np.logical_or.accumulate(ended, axis=-1)] = 0
            raw = units.view(raw.dtype).reshape(raw.shape)
        values = utf8(np.strings.rstrip(raw, b" ") if f.count is not None else raw)
    elif f.datatype == "boolean":
        values = np.isin(raw, np.frombuffer(b"Tt1", np.uint8))
        unknown = ~values & ~np.isin(raw, np.frombuffer(b"Ff0", np.uint8))
        null = _either(null, unknown)
    elif f.datatype == "bit":
        if f.shape:
            values = np.unpackbits(raw, axis=1)[:, : f.count].reshape(len(raw), *f.shape).astype(bool)
        else:
            values = raw[:, 0] != 0  # the first bit says it; astropy sets another
    else:
        values = raw.astype(raw.dtype.newbyteorder("="))
        if f.null is not None and values.dtype.kind in "iu":
            null = _either(null, values == _null_value(f))
        if values.dtype.kind == "c":
            part = "f4" if f.datatype == "floatComplex" else "f8"
            values = np.ascontiguousarray(values).view(part).reshape(*values.shape, 2)
    return Column(values, null if null is not None and null.any() else None)


def _null_value(f: _Field) -> int:
    text = (f.null or "").strip()
    try:
        return int(text, 0)
    except ValueError:
        return int(float(text))


def _either(null: Array | None, more: Any) -> Array:
    if more.ndim > 1:
        more = more.reshape(len(more), -1).all(axis=1)
    either: Array = more if null is None else null | more
    return either


def _parsed(f: _Field, cells: list[str]) -> Column:
    """A field of some rows of TABLEDATA; an empty cell is missing."""
    if f.text:
        null = np.array([not cell or cell == f.null for cell in cells], dtype=bool)
        if f.shape:
            size = _text_size(f)
            width = int(np.prod(f.shape, dtype=np.int64))
            words = [cell[k * size : (k + 1) * size].rstrip().encode() for cell in cells for k in range(width)]
            return Column(np.array(words, dtype="S").reshape(len(cells), *f.shape), null if null.any() else None)
        values = np.array([cell.encode() for cell in cells], dtype="S")
        return Column(values if values.dtype.itemsize else np.zeros(len(cells), "S1"), null if null.any() else None)
    one: Callable[[str], Any]
    if f.datatype in ("boolean", "bit"):
        one = _truth
    elif f.datatype in ("float", "double", "floatComplex", "doubleComplex"):
        one = float
    else:
        one = _integer
    dtype = np.dtype(f.attribute.dtype)
    shape = f.attribute.shape
    missing = [not cell.strip() or (f.null is not None and cell.strip() == f.null) for cell in cells]
    if not shape:
        missing = [gap or (dtype.kind == "b" and cell.strip() == "?") for gap, cell in zip(missing, cells, strict=True)]
        filled = ["0" if gap else cell.strip() for gap, cell in zip(missing, cells, strict=True)]
        values = np.array([one(cell) for cell in filled], dtype=dtype)
    else:
        count = int(np.prod(shape, dtype=np.int64))
        split = [list("".join(cell.split())) if f.datatype == "bit" else cell.split() for cell in cells]
        flat: list[Any] = []
        for row, (parts, gap) in enumerate(zip(split, missing, strict=True)):
            if gap:
                flat += [0] * count
                continue
            if len(parts) != count:
                raise ValueError(f"{len(parts)} elements where {count} are declared")
            if f.null is not None and all(part == f.null for part in parts):
                missing[row] = True
            flat += [one(part) for part in parts]
        values = np.array(flat, dtype=dtype).reshape(len(cells), *shape)
    null = np.array(missing, dtype=bool)
    if dtype.kind == "f" and null.any():
        values[null] = np.nan
    return Column(values, null if null.any() else None)


def _truth(cell: str) -> bool:
    word = cell.lower()
    if word not in _TRUE and word not in _FALSE:
        raise ValueError(f"{cell!r} is no truth value")
    return word in _TRUE


def _integer(cell: str) -> int:
    return int(cell, 16) if cell.lower().startswith("0x") else int(cell)
