"""FITS binary and ASCII tables.

Rows of a binary table are read straight from the file, in chunks, also from a gzipped one; astropy reads the headers
(and ASCII tables, which are small).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from provgraph.errors import FileUnreadable
from provgraph.extract.source import (
    ROWS,
    Array,
    Metadata,
    Source,
    is_gzipped,
    labels,
    open_bytes,
    reading,
    table_ambiguous,
    table_missing,
    truncated,
    unique_names,
    utf8,
)
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "FITS"

_BLOCK = 2880
_TFORM = re.compile(r"\s*(\d*)\s*([LXBIJKAEDCMPQ])\s*(.*)", re.IGNORECASE)
_TYPES = {
    "L": "u1",
    "X": "u1",
    "B": "u1",
    "I": ">i2",
    "J": ">i4",
    "K": ">i8",
    "E": ">f4",
    "D": ">f8",
    "C": ">c8",
    "M": ">c16",
}
# Unsigned (and for B signed) integers are written with the sign bit turned over, announced by this zero point.
_OFFSET = {"B": (-128, "i1"), "I": (2**15, "u2"), "J": (2**31, "u4"), "K": (2**63, "u8")}
_STRUCTURE = re.compile(
    r"(SIMPLE|BITPIX|NAXIS\d*|EXTEND|XTENSION|PCOUNT|GCOUNT|TFIELDS|THEAP|CHECKSUM|DATASUM|END|"
    r"(TTYPE|TFORM|TUNIT|TNULL|TSCAL|TZERO|TDISP|TDIM|TBCOL|TUCD|TCOMM|TUTYP|TDMIN|TDMAX|TLMIN|TLMAX)\d+|)$"
)


def matches(path: Path, head: bytes) -> bool:
    return head.startswith(b"SIMPLE  =")


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    """The only table, or the one with this extension name or HDU number (from 0, the primary one, as astropy counts)."""
    hdus = list(_hdus(path))
    tables = [hdu for hdu in hdus if hdu.is_table]
    names = labels([hdu.name for hdu in tables], [hdu.number for hdu in tables])
    if table is None:
        asked = hdus
    elif isinstance(table, int) or table.isdigit():
        asked = [hdu for hdu in hdus if hdu.number == int(table)]
    else:
        asked = [hdu for hdu in hdus if hdu.name.casefold() == table.strip().casefold()]
    found = [hdu for hdu in asked if hdu.is_table]
    if len(found) > 1:
        if table is None:
            raise table_ambiguous(path, names)
        raise table_ambiguous(path, [str(hdu.number) for hdu in found], str(table))
    if found:
        return _open_table(path, found[0], _metadata(hdus[0].header))
    if not tables and table is None:
        raise FileUnreadable(f"{path} holds images only, no table.", code="table_missing", path=str(path))
    if asked:
        there = f"it has these tables: {', '.join(names)}." if names else "it has no table."
        raise FileUnreadable(
            f"HDU {table!r} of {path} is an image, not a table; {there}", code="table_missing", path=str(path)
        )
    raise table_missing(path, table, names)


@dataclass(frozen=True, slots=True)
class _Hdu:
    """A part of the file: its header, and where its data begin."""

    number: int
    header: Any
    start: int

    @property
    def name(self) -> str:
        return str(self.header.get("EXTNAME", "")).strip()

    @property
    def is_table(self) -> bool:
        kind = str(self.header.get("XTENSION", "IMAGE")).strip().upper()
        return kind in ("BINTABLE", "TABLE") and not self.header.get("ZIMAGE")  # a compressed image stands in a table


def _hdus(path: Path) -> Iterator[_Hdu]:
    with reading(path), open_bytes(path) as file:
        end = None if is_gzipped(path) else path.stat().st_size
        number = 0
        while (header := _read_header(path, file)) is not None:
            hdu = _Hdu(number, header, file.tell())
            yield hdu
            _skip(path, file, hdu.start, _data_size(header), end)
            number += 1


def _open_table(path: Path, hdu: _Hdu, primary: Metadata) -> Source:
    header, number = hdu.header, hdu.number
    metadata = primary | _metadata(header)
    if header.get("ZTABLE"):
        raise FileUnreadable(
            f"Table {number} of {path} is tile-compressed; unpack it first (funpack).",
            code="table_unsupported",
            path=str(path),
        )
    if str(header["XTENSION"]).strip() == "TABLE":
        return _AsciiTable(path, number, header, metadata)
    return _BinaryTable(path, header, hdu.start, metadata)


@dataclass(frozen=True, slots=True)
class _Field:
    """One column as it stands in a row, and how its values are made of that."""

    attribute: Attribute
    code: str
    raw: np.dtype[Any]
    at: int
    null: int | None
    scale: float
    zero: float
    bits: int = 0

    def column(self, raw: Array) -> Column:
        """Values and mask of some rows; a vector is missing where all its elements are."""
        null: Any = None
        if self.code == "A":
            return Column(_text(raw))
        if self.code == "L":
            null = raw == 0
            values: Array = raw == ord("T")
        elif self.code == "X":
            values = np.unpackbits(raw, axis=-1)[..., : self.bits].astype(bool)
        else:
            if self.null is not None and self.code in "BIJK":
                null = raw == self.null
            values = self._scaled(raw)
        if null is not None and null.ndim > 1:
            null = null.reshape(len(null), -1).all(axis=1)
        return Column(values, null if null is not None and null.any() else None)

    def _scaled(self, raw: Array) -> Array:
        if self.scale == 1 and self.code in _OFFSET and self.zero == _OFFSET[self.code][0]:
            native = raw.astype(raw.dtype.newbyteorder("="))
            flipped = native.view(f"u{native.itemsize}") ^ np.array(
                1 << (8 * native.itemsize - 1), f"u{native.itemsize}"
            )
            return flipped.view(_OFFSET[self.code][1])
        if self.code in "CM":  # as two numbers, real and imaginary
            part = "f4" if self.code == "C" else "f8"
            native = np.ascontiguousarray(raw.astype(raw.dtype.newbyteorder("=")))
            return native.view(part).reshape(*raw.shape, 2)
        if self.scale != 1 or self.zero != 0:
            return raw.astype(np.float64) * self.scale + self.zero
        return raw.astype(raw.dtype.newbyteorder("="))


class _BinaryTable(Source):
    def __init__(self, path: Path, header: Any, start: int, metadata: Metadata) -> None:
        self._path, self._start = path, start
        self._width = int(header["NAXIS1"])
        self.n = int(header["NAXIS2"])
        self.metadata = metadata
        self.skipped: dict[str, str] = {}
        self._fields = list(_fields(path, header, self.skipped))
        self.attributes = tuple(field.attribute for field in self._fields)
        self._row = np.dtype(
            {
                "names": [f"f{i}" for i in range(len(self._fields))],
                "formats": [field.raw for field in self._fields],
                "offsets": [field.at for field in self._fields],
                "itemsize": self._width,
            }
        )

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        with reading(self._path), open_bytes(self._path) as file:
            file.seek(self._start)
            buffer = memoryview(bytearray(min(rows, self.n or 0) * self._width))
            for first in range(0, self.n or 0, rows):
                count = min(rows, (self.n or 0) - first)
                size = count * self._width
                got = _read_into(file, buffer[:size])
                if got < size:
                    raise truncated(
                        self._path, f"row {first + got // max(self._width, 1) + 1} of {self.n} is not there"
                    )
                # The columns are copies, so the next chunk may have the same memory.
                table = np.frombuffer(buffer, self._row, count) if self._width else np.zeros(count, self._row)
                yield {field.attribute.name: field.column(table[f"f{i}"]) for i, field in enumerate(self._fields)}


class _AsciiTable(Source):
    def __init__(self, path: Path, number: int, header: Any, metadata: Metadata) -> None:
        self._path, self._number = path, number
        self.n = int(header["NAXIS2"])
        self.metadata = metadata
        self.skipped: dict[str, str] = {}
        places = range(1, int(header["TFIELDS"]) + 1)
        names = unique_names(str(header.get(f"TTYPE{i}", "")) for i in places)
        columns = self._read()
        self.attributes = tuple(
            _attribute(header, i, name, columns[i - 1].values.dtype, ()) for i, name in zip(places, names, strict=True)
        )

    def _read(self) -> list[Column]:
        from astropy.io import fits

        try:
            with reading(self._path), fits.open(self._path, memmap=False) as file:
                hdu = file[self._number]
                columns = []
                for place in range(len(hdu.columns)):
                    values = np.asarray(hdu.data.field(place))
                    null = None
                    if hdu.columns[place].null not in (None, ""):
                        start, width = hdu.columns.starts[place] - 1, hdu.columns.spans[place]
                        raw = [
                            bytes(row)[start : start + width].strip()
                            for row in hdu.data.view(np.ndarray).view(f"S{hdu.header['NAXIS1']}")
                        ]
                        null = np.array([text == hdu.columns[place].null.strip().encode() for text in raw])
                    if values.dtype.kind in "US":
                        values = _text(values.astype("S"))
                    columns.append(
                        Column(
                            values.astype(values.dtype.newbyteorder("=")),
                            null if null is not None and null.any() else None,
                        )
                    )
                return columns
        except (ValueError, TypeError, IndexError, OSError) as error:
            raise FileUnreadable(
                f"The ASCII table {self._number} of {self._path} cannot be read: {error}.", path=str(self._path)
            ) from None

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        columns = self._read()
        for first in range(0, self.n or 0, rows):
            yield {a.name: c.take(slice(first, first + rows)) for a, c in zip(self.attributes, columns, strict=True)}


def _fields(path: Path, header: Any, skipped: dict[str, str]) -> Iterator[_Field]:
    places = range(1, int(header["TFIELDS"]) + 1)
    at = 0
    for i, name in zip(places, unique_names(str(header.get(f"TTYPE{i}", "")) for i in places), strict=True):
        form = _TFORM.fullmatch(str(header.get(f"TFORM{i}", "")))
        if form is None:
            raise FileUnreadable(f"Column {name!r} of {path} has no type that FITS knows (TFORM{i}).", path=str(path))
        repeat, code, rest = int(form[1] or 1), form[2].upper(), form[3].strip()
        if code in "PQ":
            skipped[name] = "its vectors differ in length from source to source"
            at += (8 if code == "P" else 16) * min(repeat, 1)
            continue
        if not repeat:
            skipped[name] = "it holds nothing (repeat count 0)"
            continue
        shape = _shape(str(header.get(f"TDIM{i}", "")))
        bits = 0
        if code == "A":
            width = int(rest) if rest.isdigit() and not shape else (shape[-1] if shape else repeat)
            shape = shape[:-1] if shape else ((repeat // width,) if width < repeat else ())
            raw = np.dtype((f"S{width}", shape)) if shape else np.dtype(f"S{width}")
            size = repeat
        elif code == "X":
            bits, size = repeat, -(-repeat // 8)
            raw, shape = np.dtype((np.uint8, (size,))), (repeat,)
        else:
            if int(np.prod(shape, dtype=np.int64)) != repeat or not shape:
                shape = () if repeat == 1 and not shape else (repeat,)
            raw = np.dtype((_TYPES[code], shape)) if shape else np.dtype(_TYPES[code])
            size = raw.itemsize
        scale, zero = header.get(f"TSCAL{i}", 1), header.get(f"TZERO{i}", 0)
        null = header.get(f"TNULL{i}")
        field = _Field(Attribute(name), code, raw, at, null if isinstance(null, int) else None, scale, zero, bits)
        one = field.column(np.zeros(1, [("f", raw)])["f"]).values  # what comes out, by trying
        attribute = _attribute(header, i, name, one.dtype, one.shape[1:])
        yield _Field(attribute, code, raw, at, field.null, scale, zero, bits)
        at += size


def _attribute(header: Any, i: int, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Attribute:
    def card(key: str, absent: str) -> str:
        value = header.get(f"{key}{i}")
        return absent if value is None else str(value).strip()

    kind = "U" if dtype.kind == "S" else ("?" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}")
    return Attribute(name, kind, card("TUNIT", UNIT_UNDECLARED), card("TUCD", ""), card("TCOMM", ""), shape)


def _shape(tdim: str) -> tuple[int, ...]:
    """TDIM counts the fastest axis first."""
    parts = tdim.strip().strip("()").split(",")
    return tuple(int(part) for part in reversed(parts)) if all(part.strip().isdigit() for part in parts) else ()


def _text(raw: Array) -> Array:
    """Text up to the first NUL, without the blanks that fill the field."""
    width = raw.dtype.itemsize
    if not width:
        return np.zeros(raw.shape, "S1")
    units = np.array(raw, order="C", copy=True).view(np.uint8).reshape(*raw.shape, width)
    ended = units == 0
    if ended.any():
        units[np.logical_or.accumulate(ended, axis=-1)] = 0
    return utf8(np.strings.rstrip(units.view(f"S{width}").reshape(raw.shape), b" "))


def _read_header(path: Path, file: IO[bytes]) -> Any:
    """The next header; None at the end of the file, or where something that is no extension follows the last one."""
    from astropy.io.fits import Header

    first = file.read(_BLOCK)
    start = first[:9]
    if not first or start not in (b"SIMPLE  =", b"XTENSION="):
        return None
    blocks = [first]
    while not _has_end(blocks[-1]):
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise truncated(path, "a header has no END")
        blocks.append(block)
    if len(blocks[-1]) < _BLOCK:
        raise truncated(path, "a header is cut off")
    return Header.fromstring(b"".join(blocks).decode("latin-1"))


def _read_into(file: Any, buffer: memoryview) -> int:
    """Fill the buffer as far as the file goes."""
    got = 0
    while got < len(buffer) and (more := file.readinto(buffer[got:])):
        got += more
    return got


def _has_end(block: bytes) -> bool:
    return any(block[at : at + 8] == b"END     " for at in range(0, len(block), 80))


def _data_size(header: Mapping[str, Any]) -> int:
    axes = [int(header[f"NAXIS{i}"]) for i in range(1, int(header.get("NAXIS", 0)) + 1)]
    if not axes:
        return 0
    if axes[0] == 0 and header.get("GROUPS"):
        axes = axes[1:]
    elements = int(np.prod(axes, dtype=object))
    bits = abs(int(header["BITPIX"])) * int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + elements)
    return bits // 8


def _skip(path: Path, file: IO[bytes], start: int, size: int, end: int | None) -> None:
    """To the next header. What fills the last block is not missed: some writers leave it out."""
    if end is not None and start + size > end:
        raise truncated(path, f"an HDU needs {start + size} bytes, the file has {end}")
    file.seek(start + -(-size // _BLOCK) * _BLOCK)


def _metadata(header: Any) -> Metadata:
    """Header cards that are about the data, not about how they are laid out."""
    found: Metadata = {}
    for key in header:
        if (
            not _STRUCTURE.match(key)
            and key not in ("COMMENT", "HISTORY")
            and isinstance(header[key], str | int | float | bool)
        ):
            found[key] = header[key]
    for key in ("HISTORY", "COMMENT"):
        if key in header:
            found[key] = "\n".join(str(line) for line in header[key])
    return found
