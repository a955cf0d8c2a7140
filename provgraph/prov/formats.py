"""PROV documents in files: one table of formats, reading, writing, and what a format cannot say."""

from __future__ import annotations

import json as plain_json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final

from provgraph.errors import FileUnreadable, InvalidInput, StorageError, nearest
from provgraph.prov import json, jsonld, openlineage, provn, provo, thepipe, xml
from provgraph.prov.losses import Loss, Losses
from provgraph.prov.model import Bundle, Document, Scope, Statement, as_document
from provgraph.prov.parts import WRITERS
from provgraph.prov.parts import write as part_by_part
from provgraph.prov.source import is_text, unreadable


@dataclass(frozen=True)
class Format:
    """A way to write PROV down.

    read : from a path, bytes or text. write : the text and what is lost. statements : one after the other; None where the whole
    file has to be known. suffixes : endings of file names, the usual one first. media_type : as in HTTP. partial : for other
    programs, and never all that PROV says: written without asking, `loss` lists what is left out.
    """

    read: Callable[[str | bytes | Path], Document]
    write: Callable[[Document], tuple[str, Losses]]
    statements: Callable[[str | bytes | Path], Iterator[tuple[Scope, Statement]]] | None
    suffixes: tuple[str, ...]
    media_type: str
    partial: bool = False


FORMATS: Final = {
    "prov-json": Format(json.read, json.write, json.statements, (".prov.json", ".json"), "application/json"),
    "prov-n": Format(provn.read, provn.write, provn.statements, (".provn", ".prov-n", ".pn"), "text/provenance-notation"),
    "prov-xml": Format(xml.read, xml.write, xml.statements, (".provx", ".prov.xml", ".xml"), "application/provenance+xml"),
    "turtle": Format(partial(provo.read, format="turtle"), partial(provo.write, format="turtle"), None, (".ttl",), "text/turtle"),
    "trig": Format(partial(provo.read, format="trig"), partial(provo.write, format="trig"), None, (".trig",), "application/trig"),
    "jsonld": Format(jsonld.read, jsonld.write, jsonld.statements, (".jsonld", ".prov.jsonld"), "application/ld+json"),
}  # fmt: skip

#: What others write about provenance: read as PROV, and written as far as it says the same.
OTHERS: Final = {
    "openlineage": Format(openlineage.read, openlineage.write, None, (".jsonl", ".ndjson"), "application/x-ndjson", partial=True),
    "thepipe": Format(thepipe.read, thepipe.write, None, (), "application/json"),
}  # fmt: skip

_BEGINNING: Final = 1 << 16
_RDF_START: Final = re.compile(
    r"(@prefix|@base|prefix\s|base\s|_:|\[|#|<[a-z][a-z0-9+.-]*:[^>\s]*>|[\w.-]*:\w*\s)", re.IGNORECASE
)


def read(source: str | bytes | os.PathLike[str], format: str | None = None) -> Document:
    """A PROV document from a path, or from its text.

    Parameters
    ----------
    source : a path; or the document itself as text or bytes.
    format : one of `FORMATS`; without it the ending of the file name says, or how the text begins.

    Raises
    ------
    InvalidInput : one sentence with the place where the text is not valid in its format; codes ``prov_json_invalid``,
        ``prov_n_invalid``, ``prov_xml_invalid``, ``prov_turtle_invalid``, ``prov_trig_invalid``, ``prov_jsonld_invalid``;
        ``prov_format_unknown`` where the format is not known.
    FileUnreadable : where the file cannot be read.
    """
    given = _given(source)
    return _format(format or _recognised(given)).read(given)


def statements(source: str | bytes | os.PathLike[str], format: str | None = None) -> Iterator[tuple[Scope, Statement]]:
    """Every statement with the scope it stands in, one after the other: files larger than memory can be gone through.

    Turtle and TriG are read whole first, because a statement may stand anywhere in them. Errors are those of `read`, raised
    where they stand.
    """
    given = _given(source)
    found = _format(format or _recognised(given))
    if found.statements is not None:
        return found.statements(given)
    return ((scope, statement) for scope in found.read(given).scopes() for statement in scope.statements)


def dumps(document: Document | Bundle, format: str = "prov-json") -> str:
    """The text of a document, or of a bundle as one, in a format; `loss` says what is not in it."""
    return _format(format).write(as_document(document))[0]


def loss(document: Document | Bundle, format: str) -> list[Loss]:
    """Everything that a format cannot say of this document, thing by thing; empty where it comes back equal."""
    return list(_format(format).write(as_document(document))[1])


def write(
    document: Document | Bundle, path: str | os.PathLike[str], format: str | None = None, *, lossy: bool = False
) -> list[Loss]:
    """Write a document, or a bundle as one, to a file, which is whole or absent; give what is lost.

    Parameters
    ----------
    format : one of `FORMATS`; without it the ending of the file name says.
    lossy : write also where the format cannot say everything.

    Raises
    ------
    InvalidInput : ``prov_lossy`` where something would be lost and `lossy` is not set, ``prov_format_unknown``.
    StorageError : where the file cannot be written.
    """
    path = Path(path)
    named = format or _by_name(path)
    if named is None:
        endings = ", ".join(f.suffixes[0] for f in FORMATS.values())
        raise InvalidInput(f"The ending of {path.name} says no format of PROV; there are {endings}, or say format=.",
                           code="prov_format_unknown", path=str(path))  # fmt: skip
    text, losses = _checked(document, named, lossy)
    _write(path, text)
    return list(losses)


def text(document: Document | Bundle, format: str = "prov-json", *, lossy: bool = False) -> str:
    """What `write` would write.

    Raises
    ------
    InvalidInput : ``prov_lossy`` where something would be lost and `lossy` is not set, ``prov_format_unknown``.
    """
    return _checked(document, format, lossy)[0]


def _checked(document: Document | Bundle, format: str, lossy: bool) -> tuple[str, Losses]:
    found = _format(format)
    text, losses = found.write(as_document(document))
    if not found.partial:
        _check_losses(losses, format, lossy)
    return text, losses


def _check_losses(losses: Losses, format: str, lossy: bool) -> None:
    grave = [one for one in losses if not one.minor]
    if grave and not lossy:
        more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        raise InvalidInput(f"{format} cannot say everything: {grave[0]}{more} loss() lists all; lossy=True writes the rest.",
                           code="prov_lossy", format=format, losses=[str(one) for one in grave[:100]])  # fmt: skip


def write_parts(header: Document, parts: Iterable[Sequence[Statement]], path: str | os.PathLike[str], format: str | None = None,
                *, lossy: bool = False) -> list[Loss]:  # fmt: skip
    """Write a document that comes part by part, as `write` does; memory holds one part in PROV-JSON, PROV-N and PROV-XML.

    header : a document without statements and bundles, for its prefixes. No two statements of one kind have the same identifier.
    In the other formats what is said of a thing stands together, so that the whole document is held.
    """
    path = Path(path)
    named = format or _by_name(path) or ""
    if named not in WRITERS:
        for part in parts:
            header.statements += part
        return write(header, path, format, lossy=lossy)
    with _writing(path) as file:
        losses = part_by_part(header, parts, named, file, path.parent)
        _check_losses(losses, named, lossy)
    return list(losses)


def _write(path: Path, text: str) -> None:
    with _writing(path) as file:
        file.write(text)


@contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    """A file that is whole, or absent where this does not end well."""
    part: Path | None = None
    try:
        wanted = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
        with wanted.open("x", encoding="utf-8", newline="\n") as file:
            part = wanted
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as e:
        raise StorageError(f"{path} cannot be written: {e.strerror or e}.", path=str(path)) from None
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _format(name: str) -> Format:
    found = FORMATS.get(name) or OTHERS.get(name)
    if found is None:
        raise InvalidInput(f"There is no PROV format {name!r}; {nearest(name, [*FORMATS, *OTHERS])}",
                           code="prov_format_unknown", format=name)  # fmt: skip
    return found


def recognised(path: Path, format: str | None = None) -> str:
    """The format of a file: the one that is said, or by the ending of its name, or by how its text begins.

    Raises
    ------
    InvalidInput, FileUnreadable : ``prov_format_unknown``.
    """
    name = format or _recognised(path)
    _format(name)
    return name


def _given(source: str | bytes | os.PathLike[str]) -> str | bytes | Path:
    if not isinstance(source, str | bytes | os.PathLike):
        raise InvalidInput(f"A PROV document is read from a path, or from text or bytes, not from {type(source).__name__}.",
                           code="prov_source_invalid")  # fmt: skip
    if isinstance(source, str):
        return source if is_text(source) else Path(source)
    return source if isinstance(source, bytes) else Path(source)


def _by_name(path: Path) -> str | None:
    name = path.name.lower()
    endings = ((suffix, format) for format, f in (FORMATS | OTHERS).items() for suffix in f.suffixes)
    return max(((s, f) for s, f in endings if name.endswith(s)), key=lambda one: len(one[0]), default=("", None))[1]


def _recognised(source: str | bytes | Path) -> str:
    """The format of a file by its ending, and by how its text begins."""
    named = None
    if isinstance(source, Path):
        named = _by_name(source)
        if named is not None and named != "prov-json":
            return named
        try:
            with source.open("rb") as file:
                start = file.read(_BEGINNING)
        except (OSError, ValueError) as e:
            raise unreadable(source, e) from None
    else:
        start = source[:_BEGINNING].encode("utf-8", "replace") if isinstance(source, str) else source[:_BEGINNING]
    found = _by_content(start.decode(plain_json.detect_encoding(start), "replace"))
    if named is not None:  # .json: one of several
        return found if found in {"jsonld", *OTHERS} else named
    if found is None:
        where = str(source) if isinstance(source, Path) else "The document"
        kind = FileUnreadable if isinstance(source, Path) else InvalidInput
        raise kind(f"{where} is not recognised as a PROV document; say format=, one of {', '.join(FORMATS)}.",
                   code="prov_format_unknown")  # fmt: skip
    return found


def _of_others(text: str) -> str | None:
    """Events and activities of others, by the words that they cannot do without."""
    if re.search(r'"eventTime"\s*:', text) and re.search(r'"(run|job|dataset)"\s*:\s*\{', text):
        return "openlineage"
    return "thepipe" if text[0] == "[" and re.search(r'"(uuid|parent_activity)"\s*:', text) else None


def _by_content(text: str) -> str | None:
    text = text.lstrip("\ufeff \t\r\n")
    if text[:1] in {"{", "["} and (other := _of_others(text)):
        return other
    if text.startswith("{"):
        rest = text[1:].lstrip()
        if rest[:1] in {'"', "}", ""}:
            return "jsonld" if re.search(r'"@(context|graph)"\s*:', text) else "prov-json"
        return "trig"
    if re.match(r"(//[^\n]*\n|/\*.*?\*/|\s)*document\b", text, re.DOTALL):
        return "prov-n"
    if re.match(r"<(\?xml|!|[\w.-]*:?document\b)", text):
        return "prov-xml"
    if _RDF_START.match(text):
        return "trig" if "{" in re.sub(r'"[^"]*"|<[^>]*>|#[^\n]*', "", text) else "turtle"
    return "prov-json" if text[:1] in {"[", '"'} or text[:4] in {"null", "true"} else None
