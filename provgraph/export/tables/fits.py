"""FITS: one binary table, written front to back.

FITS cannot say everything: missing floats are NaN, missing text is empty, and text that is not ASCII is UTF-8 (as
astropy's Table reads it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.export.tables.files import write_stream
from provgraph.export.tables.meta import FITS_KEY, KEY, SURVEY, Stated, TableMeta, described
from provgraph.schema.table import Array, Column, Table
from provgraph.schema.text import encode_text

_BLOCK = 2880
_ROWS = 131_072
_CODES = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D", "i1": "B", "u2": "I", "u4": "J", "u8": "K"}
_OFFSETS = {"i1": -(2**7), "u2": 2**15, "u4": 2**31, "u8": 2**63}
_WIDER = {"i1": "i2", "u1": "i2", "i2": "i4", "u2": "i4", "i4": "i8", "u4": "i8", "u8": "i8"}


def write(table: Table, meta: TableMeta, path: Path) -> None:
    write_stream(stream(table, meta), path)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    fields = [_field(name, table[name]) for name in table.attributes]
    record = np.dtype([(f"f{i}", f.dtype, f.shape) for i, f in enumerate(fields)])
    yield _header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)], meta)
    yield _header(_cards(table, meta, fields, record.itemsize), meta)
    size = 0
    for lo in range(0, len(table), _ROWS):
        rows = np.zeros(min(_ROWS, len(table) - lo), record)
        for i, field in enumerate(fields):
            rows[f"f{i}"] = field.raw(slice(lo, lo + _ROWS))
        data = rows.tobytes()
        size += len(data)
        yield data
    yield bytes(-size % _BLOCK)


def stated(path: Path) -> Stated | None:
    """Looks in the primary header and those of all tables: astropy moves the card to the table when it saves again, and
    writes the table that it was given under its own keys.
    """
    from astropy.io import fits

    with fits.open(path) as units:
        for number, unit in enumerate(units):
            if number == 0 or isinstance(unit, fits.BinTableHDU):
                found = unit.header.get(FITS_KEY, unit.header.get(KEY))
                if isinstance(found, str):
                    return Stated(found, _survey(unit.header))
    return None


def _survey(header: Any) -> str:
    lines = [str(line) for line in header.get("HISTORY", ())]
    said = [line.removeprefix(f"{SURVEY}: ") for line in lines if line.startswith(f"{SURVEY}: ")]
    return said[0] if said else str(header.get(SURVEY, ""))


@dataclass(frozen=True, slots=True)
class _Field:
    """A column as it is laid out in a row; `null` : what stands for a missing value, in the file's own terms."""

    column: Column
    dtype: str
    shape: tuple[int, ...]
    form: str
    flip: bool = False
    zero: int | None = None
    null: int | None = None
    dim: str = ""

    def raw(self, part: slice) -> Array:
        values, gaps = self.column.take(part)
        if values.dtype.kind == "S":
            out: Array = values
        elif values.dtype.kind == "b":
            out = np.where(values, ord("T"), ord("F")).astype(np.uint8)
        elif self.flip:  # the sign bit turned over is the value less the zero point
            unsigned = f"u{values.dtype.itemsize}"
            native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
            flipped = native.view(unsigned) ^ np.array(1 << (8 * values.dtype.itemsize - 1), unsigned)
            out = flipped.view(np.dtype(self.dtype).newbyteorder("="))
        else:
            out = values.astype(self.dtype)
        if gaps is not None and gaps.any():
            out = out.copy()
            out[gaps] = b"" if out.dtype.kind == "S" else (np.nan if out.dtype.kind == "f" else (self.null or 0))
        return out


def _field(name: str, column: Column) -> _Field:
    values, null = column
    if values.dtype.kind in "SU":
        values = encode_text(values)
        width = values.dtype.itemsize
        count = int(np.prod(values.shape[1:], dtype=np.int64))
        dim = f"({','.join(map(str, (width, *reversed(values.shape[1:]))))})" if values.ndim > 1 else ""
        return _Field(Column(values, null), f"S{width}", values.shape[1:], f"{count * width}A", dim=dim)
    shape = values.shape[1:]
    repeat = "" if not shape else str(int(np.prod(shape, dtype=np.int64)))
    dim = f"({','.join(map(str, reversed(shape)))})" if len(shape) > 1 else ""
    if values.dtype.kind == "b":
        return _Field(column, "u1", shape, f"{repeat}L", dim=dim)
    kind = values.dtype.str[1:]
    stands: int | None = None
    if null is not None and kind in _OFFSETS and (kind != "u8" or int(values.max(initial=0)) < 2**63):
        # With a zero point, TNULL is meant before it is applied (standard 4.0, 7.3.2), but astropy compares after.
        return _field(name, Column(values.astype(_WIDER[kind]), null))
    if null is not None and values.dtype.kind in "iu":
        stands = _free_value(values, null)
        if stands is None:  # every value is in use: one size up there is room
            return _field(name, Column(values.astype(_WIDER[kind]), null))
    zero = _OFFSETS.get(kind)
    flip = zero is not None
    dtype = (
        "u1" if kind == "i1" else (f">i{values.dtype.itemsize}" if values.dtype.kind == "u" and flip else f">{kind}")
    )
    if stands is not None and zero is not None:
        stands -= zero
    return _Field(column, dtype, shape, f"{repeat}{_CODES[kind]}", flip, zero, stands, dim)


def _free_value(values: Array, null: Array) -> int | None:
    """A value that no source has, the lowest or highest of the type where that is free."""
    info = np.iinfo(values.dtype)
    there = values[~null]
    if values.dtype.kind == "u" and there.size and there.max() < info.max:
        return int(info.max)  # which is positive on both sides of the zero point
    if not there.size or there.min() > info.min:
        return int(info.min)
    if there.max() < info.max:
        return int(info.max)
    # Both ends are in use.
    used = np.unique(there)
    if values.dtype.itemsize < 8 and len(used) == int(info.max) - int(info.min) + 1:
        return None
    steps = np.diff(used.view(f"u{used.dtype.itemsize}"))  # unsigned, in which no step is too large
    return int(used[int(np.argmax(steps > 1))]) + 1


def _cards(table: Table, meta: TableMeta, fields: list[_Field], width: int) -> list[tuple[str, Any]]:
    cards: list[tuple[str, Any]] = [
        ("XTENSION", "BINTABLE"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", width),
        ("NAXIS2", len(table)),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", len(fields)),
        ("EXTNAME", meta.name),
    ]
    for i, ((name, attribute), field) in enumerate(zip(table.attributes.items(), fields, strict=True), start=1):
        cards += [(f"TTYPE{i}", name), (f"TFORM{i}", field.form)]
        known = described(attribute)
        cards += [
            (f"{key}{i}", known[word])
            for key, word in (("TUNIT", "unit"), ("TUCD", "ucd"), ("TCOMM", "description"))
            if word in known
        ]
        cards += [
            (f"{key}{i}", value) for key, value in (("TZERO", field.zero), ("TNULL", field.null)) if value is not None
        ]
        if field.dim:
            cards.append((f"TDIM{i}", field.dim))
    return cards


def _header(cards: list[tuple[str, Any]], meta: TableMeta) -> bytes:
    """Cards, what the table is, and what it came from; FITS headers are ASCII."""
    from astropy.io.fits import Header

    header = Header()
    for key, value in [*cards, (FITS_KEY, meta.iri)]:
        header.append((key, _ascii(value) if isinstance(value, str) else value), end=True)
    if meta.description:
        for line in _ascii(meta.description).splitlines():
            header.add_comment(line)
    for key, value in meta.provenance.items():
        for line in _ascii(f"{key}: {value}").splitlines():
            header.add_history(line)
    return header.tostring().encode("ascii")


def _ascii(text: str) -> str:
    plain = text.encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() or c == "\n" else " " for c in plain)
