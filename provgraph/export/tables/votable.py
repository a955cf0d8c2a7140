"""VOTable 1.4 with one BINARY2 table, written front to back by numpy (astropy takes 200 times as long).

Types that VOTable lacks are written as the next wider one: int8 as short, uint16 as int, uint32 as long, uint64 as long
or, where that is too small, as its digits. A vector of text becomes one field an element, ``name_1``, ``name_2``, …
(astropy reads no arrays of strings).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr, unescape

import numpy as np

from provgraph.export.tables.files import write_stream
from provgraph.export.tables.meta import KEY, SURVEY, Stated, TableMeta, described
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Array, Column, Table
from provgraph.schema.text import decode_text, encode_text

_ROWS = 65_520  # a multiple of 3: base64 of one part ends without padding, so the parts join
_TYPES = {"u1": "unsignedByte", "i2": "short", "i4": "int", "i8": "long", "f4": "float", "f8": "double"}
_WIDER = {"i1": "i2", "u2": "i4", "u4": "i8"}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ENTITIES = {"&quot;": '"', "&#10;": "\n", "&#13;": "\r", "&#9;": "\t"}
_ID, _NOT_ID = re.compile("[A-Za-z_][A-Za-z0-9_.-]*"), re.compile("[^A-Za-z0-9_.-]")
_INFO = re.compile(rb"<INFO\s[^>]*>")
_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def write(table: Table, meta: TableMeta, path: Path) -> None:
    write_stream(stream(table, meta), path)


def stream(table: Table, meta: TableMeta) -> Iterator[bytes]:
    parts = [part for name, attribute in table.attributes.items() for part in _parts(attribute, table[name])]
    columns = [_column(column) for _, column in parts]
    yield _before(len(table), meta, [attribute for attribute, _ in parts], columns).encode("utf-8")
    flags = -(-len(columns) // 8)
    record = np.dtype(
        [("flags", "u1", (flags,)), *((f"f{i}", c.dtype, c.values.shape[1:]) for i, c in enumerate(columns))]
    )
    for lo in range(0, len(table), _ROWS):
        rows = np.zeros(min(_ROWS, len(table) - lo), record)
        for i, column in enumerate(columns):
            rows[f"f{i}"] = column.values[lo : lo + _ROWS]
            if column.null is not None:
                null = column.null[lo : lo + _ROWS]
                rows["flags"][:, i // 8] |= null.astype(np.uint8) << (7 - i % 8)  # first bit first
                rows[f"f{i}"][null] = np.nan if column.values.dtype.kind == "f" else np.zeros((), column.dtype)
        yield base64.b64encode(rows.data)
    yield b"</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>\n"


def stated(path: Path) -> Stated | None:
    with path.open("rb") as file:
        infos = _INFO.findall(file.read(65_536))
    found: dict[str, str] = {}
    for info in infos:  # as other tools write them too, with more attributes
        words = {k: unescape(a or b, _ENTITIES) for k, a, b in _ATTRIBUTE.findall(info.decode("utf-8"))}
        found.setdefault(words.get("name", ""), words.get("value", ""))
    return Stated(found[KEY], found.get(f"{KEY}.{SURVEY}", "")) if KEY in found else None


def _parts(attribute: Attribute, column: Column) -> Iterator[tuple[Attribute, Column]]:
    values, null = column
    if values.ndim == 1 or values.dtype.kind not in "SU":
        yield attribute, column
        return
    for i in range(values.shape[1]):
        one = replace(attribute, name=f"{attribute.name}_{i + 1}", shape=attribute.shape[1:])
        yield from _parts(one, Column(values[:, i], null))


class _Field:
    """A column in a type that VOTable has; `dtype` : as it stands in the stream."""

    def __init__(self, values: Array, null: Array | None, datatype: str, arraysize: str, dtype: Any) -> None:
        self.values, self.null, self.datatype, self.arraysize, self.dtype = values, null, datatype, arraysize, dtype


def _column(column: Column) -> _Field:
    values, null = column
    if values.dtype == np.uint64:
        values = values.astype("i8") if not values.size or values.max() < 2**63 else values.astype("S20")
    elif values.dtype.str[1:] in _WIDER:
        values = values.astype(_WIDER[values.dtype.str[1:]])
    if values.dtype.kind in "SU":
        return _text(encode_text(values), null)
    sizes = "x".join(map(str, reversed(values.shape[1:])))
    if values.dtype.kind == "b":
        return _Field(np.where(values, ord("T"), ord("F")).astype("u1"), null, "boolean", sizes, "u1")
    kind = values.dtype.str[1:]
    return _Field(values, null, _TYPES[kind], sizes, f">{kind}")


def _text(values: Array, null: Array | None) -> _Field:
    """ASCII as char, other text as unicodeChar (UTF-16)."""
    if not values.size or np.ascontiguousarray(values).view(np.uint8).max() < 128:
        return _Field(values, null, "char", str(values.dtype.itemsize), values.dtype)
    units = [text.encode("utf-16-be") for text in decode_text(values).tolist()]
    width = max(map(len, units)) // 2
    data = np.frombuffer(b"".join(text.ljust(2 * width, b"\0") for text in units), ">u2").reshape(len(values), width)
    return _Field(data, null, "unicodeChar", str(width), ">u2")


def _before(n: int, meta: TableMeta, attributes: list[Attribute], columns: list[_Field]) -> str:
    infos = {"QUERY_STATUS": "OK", KEY: meta.iri} | {f"{KEY}.{key}": value for key, value in meta.provenance.items()}
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n',
        *(f"<INFO name={_quoted(key)} value={_quoted(value)}/>\n" for key, value in infos.items()),
        f'<TABLE {_identifier(meta.name)}name={_quoted(meta.name)} nrows="{n}">\n',
        f"<DESCRIPTION>{escape(_clean(meta.description))}</DESCRIPTION>\n" if meta.description else "",
        *(_field(a, c) for a, c in zip(attributes, columns, strict=True)),
        '<DATA><BINARY2><STREAM encoding="base64">\n',
    ]
    return "".join(parts)


def _identifier(name: str) -> str:
    """An ID for what has a name that could not be one; readers would otherwise make one up, and warn."""
    if _ID.fullmatch(name):
        return ""
    return f'ID="_0_{_NOT_ID.sub("_", name)}" '


def _field(attribute: Attribute, column: _Field) -> str:
    known = described(attribute)
    words = {"name": attribute.name, "datatype": column.datatype}
    if column.arraysize:
        words["arraysize"] = column.arraysize
    words |= {key: known[key] for key in ("unit", "ucd") if key in known}
    # No ID: astropy calls columns by it, and what it makes of a name itself (`a_b` of `a b`) is nearer to the name.
    start = "<FIELD " + " ".join(f"{key}={_quoted(value)}" for key, value in words.items())
    if "description" not in known:
        return start + "/>\n"
    return f"{start}><DESCRIPTION>{escape(_clean(known['description']))}</DESCRIPTION></FIELD>\n"


def _quoted(text: str) -> str:
    """As an attribute value, always in double quotes."""
    quoted = quoteattr(_clean(text))
    return quoted if quoted.startswith('"') else '"' + quoted[1:-1].replace('"', "&quot;") + '"'


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub(" ", text)
