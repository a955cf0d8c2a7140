"""ECSV: CSV with a header in YAML that gives each column its type, and where they are known unit and description.

An empty field is missing. Columns that astropy makes one object of (coordinates, times, quantities) are read as they
stand in the file; a column with the mask of another masks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from provgraph.errors import FileUnreadable
from provgraph.extract.lines import declared_column, encoding_of, lines_of, listed, rows_of, split, texts
from provgraph.extract.source import ROWS, Metadata, Source, table_missing, unique_names
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

format = "ECSV"

_MARK = "# %ECSV "
_LARGEST_HEADER = 1 << 24
_TYPES = {
    "bool": "?", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8", "uint8": "u1", "uint16": "u2", "uint32": "u4",
    "uint64": "u8", "float16": "f4", "float32": "f4", "float64": "f8", "string": "U",
}  # fmt: skip


def matches(path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith(_MARK.encode())


def open(
    path: Path, *, table: str | int | None = None, id: str | None = None, missing: Mapping[str, Sequence[Any]] = {}
) -> Source:
    if table not in (None, 0, "0"):
        raise table_missing(path, table, [])
    return _Ecsv(path, missing)


@dataclass(frozen=True, slots=True)
class _Field:
    """A column of the file. place : of its values; mask : of the column that says where there are none."""

    attribute: Attribute
    place: int
    mask: int | None
    missing: frozenset[str]


class _Ecsv(Source):
    def __init__(self, path: Path, missing: Mapping[str, Sequence[Any]]) -> None:
        self._path, self._encoding = path, encoding_of(path)
        self.n = None
        header, self._first = self._header()
        self._separator = str(header.get("delimiter", " "))
        if self._separator not in (" ", ","):
            raise self._faulty(f"its delimiter is {self._separator!r}, which is neither a blank nor a comma")
        columns = header.get("datatype")
        if not isinstance(columns, list) or not all(isinstance(c, dict) and c.get("name") for c in columns):
            raise self._faulty("its datatype is no list of columns with names")
        self._count = len(columns)
        try:
            head = next(iter(self._rows(1, names=True)), [[]])[0]
        except FileUnreadable:
            head = []
        if head != [str(c["name"]) for c in columns]:
            raise self._faulty("the names in the line above the values are not those it declares")
        meta = _mapping(header.get("meta"))
        self.metadata: Metadata = {k: v for k, v in meta.items() if isinstance(v, str)}
        self.skipped: dict[str, str] = {}
        self._fields = self._described(columns, _mapping(meta.get("__serialized_columns__")), missing)
        self.attributes = tuple(field.attribute for field in self._fields)
        self.masked = {a.name: tuple(listed(missing[a.name])) for a in self.attributes if a.name in missing}

    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        for part in self._rows(rows):
            by_place = list(zip(*part, strict=True))
            yield {field.attribute.name: self._column(field, by_place) for field in self._fields}

    def _column(self, field: _Field, by_place: Sequence[tuple[str, ...]]) -> Column:
        name = field.attribute.name
        found = declared_column(self._path, name, by_place[field.place], field.attribute.dtype, field.missing)
        if field.mask is None:
            return found
        masked = declared_column(self._path, f"{name}.mask", by_place[field.mask], "?", frozenset()).values
        null = masked if found.null is None else found.null | masked
        return Column(found.values, null if null.any() else None)

    def _rows(self, most: int, *, names: bool = False) -> Iterator[list[list[str]]]:
        """The fields of so many sources at a time, or first the names above them."""
        lines = islice(lines_of(self._path, self._encoding), self._first, None)
        numbered = split(lines, self._separator, self._first + 1)
        return rows_of(self._path, islice(numbered, 0 if names else 1, None), self._count, most)

    def _header(self) -> tuple[Mapping[str, Any], int]:
        """What the comments at the begin say, and how many they are. It is YAML, of which text and lists are read only."""
        import yaml  # type: ignore[import-untyped]  # comes with astropy

        text: list[str] = []
        size = 0
        for line in lines_of(self._path, self._encoding):
            if not line.startswith("#"):
                break
            size += len(line)
            text.append(line[2:])
            if size > _LARGEST_HEADER:
                raise self._faulty("it does not end")
        try:
            header = yaml.load("".join(chain(text[1:])), Loader=yaml.BaseLoader)
        except (yaml.YAMLError, RecursionError) as error:
            raise self._faulty(f"it is no YAML ({' '.join(str(error).split())})") from None
        if not isinstance(header, dict):
            raise self._faulty("it is no mapping")
        return header, len(text)

    def _faulty(self, fault: str) -> FileUnreadable:
        return FileUnreadable(
            f"The ECSV header of {self._path} cannot be read: {fault}.", code="header_malformed", path=str(self._path)
        )

    def _described(
        self, columns: list[dict[str, Any]], objects: Mapping[str, Any], missing: Mapping[str, Sequence[Any]]
    ) -> list[_Field]:
        names = unique_names(str(c["name"]) for c in columns)
        places = {name: place for place, name in enumerate(names)}
        masks = {_named(o, "data"): _named(o, "mask") for o in _all_mappings(objects)}
        masks = {name: mask for name, mask in masks.items() if name in places and mask in places}
        fields = []
        for name, told in zip(names, columns, strict=True):
            datatype, subtype = str(told.get("datatype", "")), told.get("subtype")
            if name in masks.values():
                continue
            if subtype:
                self.skipped[name] = f"its values are of type {subtype}, written as JSON"
            elif datatype not in _TYPES:
                self.skipped[name] = f"its type {datatype!r} is not supported"
            else:
                about = _mapping(_mapping(objects.get(name)).get("__info__"))
                attribute = Attribute(
                    name, _TYPES[datatype], str(told.get("unit", UNIT_UNDECLARED)).strip(),
                    str(_mapping(told.get("meta")).get("ucd", "")).strip(),
                    str(told.get("description", about.get("description", ""))).strip(),
                )  # fmt: skip
                mask = places[masks[name]] if name in masks else None
                fields.append(_Field(attribute, places[name], mask, texts(missing.get(name, ()))))
        return fields


def _mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, or an ordered one, which YAML writes as a list of mappings."""
    if isinstance(value, list):
        return {k: v for one in value if isinstance(one, dict) for k, v in one.items()}
    return value if isinstance(value, dict) else {}


def _all_mappings(value: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    yield value
    for inner in value.values():
        if isinstance(inner, dict) and depth < 8:
            yield from _all_mappings(inner, depth + 1)


def _named(value: Mapping[str, Any], key: str) -> str:
    return str(_mapping(value.get(key)).get("name", ""))
