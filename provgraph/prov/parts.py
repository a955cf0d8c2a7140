"""PROV documents written part by part: memory holds one part, however many there are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

from provgraph.names import PROV
from provgraph.prov import json, provn, xml
from provgraph.prov.losses import Losses
from provgraph.prov.model import XSD, Document, Statement

_PART: Final = 1 << 20


class Writer(Protocol):
    """Takes the statements of a document without bundles, some at a time, and then writes the whole text.

    losses : what the format cannot say of what it took.
    """

    losses: Losses

    def take(self, statements: Sequence[Statement]) -> None: ...

    def finish(self, out: IO[str]) -> None: ...


class JsonParts:
    """PROV-JSON, whose statements stand together by kind: each kind is gathered in a file of its own.

    No two statements of one kind may have the same identifier, since a part does not know of those before it.
    """

    def __init__(self, header: Document, folder: Path) -> None:
        self.header, self.folder = header, folder
        self.writer = json._Writer(header)
        self.losses = self.writer.losses
        self.label: Callable[[str], str] = self.writer.fresh(set())
        self.files: dict[str, IO[str]] = {}

    def take(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            kind = statement.kind
            key = self.label(kind) if statement.id is None else self.writer.spell(self.header, statement.id)
            file = self.files.get(kind)
            if file is None:
                file = self.files[kind] = (self.folder / kind).open("w+", encoding="utf-8", newline="\n")
            else:
                file.write(",\n")
            record = json.render(self.writer.statement(self.header, statement), 2, 2)
            line = f"    {json.render(key, None)}: {record}"
            file.write(json.encodable(line, self.header, self.losses))
        self.header.forget()

    def finish(self, out: IO[str]) -> None:
        added = {"prov": PROV, "xsd": XSD} if self.files else {}
        sections: list[Any] = [json.render({**added, **self.header.prefixes, **self.writer.added}, 2, 1), *self.files]
        out.write("{")
        for n, section in enumerate(sections):
            out.write(",\n" if n else "\n")
            if n == 0:
                out.write(json.encodable(f'  "prefix": {section}', self.header, self.losses))
                continue
            out.write(f'  "{section}": {{\n')
            _copy(self.files[section], out)
            out.write("\n  }")
        out.write("\n}\n")


class LineParts:
    """PROV-N and PROV-XML, whose statements stand in any order; they are gathered in a file because prefixes stand before them."""

    def __init__(self, header: Document, folder: Path, start: str) -> None:
        self.header, self.start = header, start
        self.losses = Losses()
        self.xml = start == "prov-xml"
        self.writer: Any = xml._Writer(header, self.losses) if self.xml else provn._Writer(header, self.losses)
        self.file = (folder / "statements").open("w+", encoding="utf-8", newline="\n")

    def take(self, statements: Sequence[Statement]) -> None:
        self.header.statements = list(statements)
        lines = self.writer.lines(self.header, *(["  "] if self.xml else []))
        self.header.statements = []
        self.file.writelines(f"{line}\n" for line in lines)
        self.header.forget()
        self.writer.speller._known.clear()

    def finish(self, out: IO[str]) -> None:
        if self.xml:
            out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<prov:document{self.writer.prefixes("    ")}>\n')
        else:
            out.write("\n".join(("document", *self.writer.prefixes())) + "\n")
        _copy(self.file, out)
        out.write("</prov:document>\n" if self.xml else "endDocument\n")


def _copy(file: IO[str], out: IO[str]) -> None:
    file.flush()
    file.seek(0)
    shutil.copyfileobj(file, out, _PART)
    file.close()


#: Formats that can be written part by part.
WRITERS: Final[dict[str, Callable[[Document, Path], Writer]]] = {
    "prov-json": JsonParts,
    "prov-n": lambda header, folder: LineParts(header, folder, "prov-n"),
    "prov-xml": lambda header, folder: LineParts(header, folder, "prov-xml"),
}


def write(header: Document, parts: Iterable[Sequence[Statement]], format: str, out: IO[str], folder: Path) -> Losses:
    """Write a document of these prefixes and statements, in a format of `WRITERS`; give what is lost.

    folder : where there is room for as much again while it is written.
    """
    with tempfile.TemporaryDirectory(prefix=".provgraph-", dir=folder) as inside:
        writer = WRITERS[format](header, Path(inside))
        for part in parts:
            writer.take(part)
        writer.finish(out)
    return writer.losses
