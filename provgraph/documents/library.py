"""The PROV documents of a survey: import, list, read back, and what led to a thing that they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from provgraph.audit.writes import as_import
from provgraph.documents import writing
from provgraph.documents.raw import RawFiles, digest_of
from provgraph.documents.records import (
    Layout,
    Placed,
    Reader,
    Source,
    fill_scope,
    name_key,
    placed,
    scope_id,
    scope_properties,
    statement_id,
)
from provgraph.errors import FileUnreadable, InvalidInput, NotFound, ProvgraphError, nearest
from provgraph.graph import loading
from provgraph.graph import statements as cypher
from provgraph.graph.dialect import DIALECTS
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.graph.mapper import Mapper, Written
from provgraph.graph.records import AT_ONCE
from provgraph.prov import formats
from provgraph.prov.model import ELEMENTS, Bundle, Document, Name, Scope
from provgraph.resolver.housekeeping import Removable
from provgraph.schema import keys

#: With more statements than these a document goes through the bulk loader, under its marker, instead of one transaction.
IN_ONE_TRANSACTION: Final = 20_000
#: Files that are no larger are held in memory; larger ones are gone through statement by statement, several times.
IN_MEMORY: Final = 8 << 20

ANCESTORS, DESCENDANTS, BOTH, ALONE = "ancestors", "descendants", "both", "none"
#: How the graph is walked from a thing to what belongs to it.
_STEPS: Final = {
    ANCESTORS: ("prov/causes",), DESCENDANTS: ("prov/effects",), BOTH: ("prov/causes", "prov/effects"), ALONE: (),
}  # fmt: skip
_PART_OF_ID: Final = re.compile(r"[0-9a-f-]{6,35}")


@dataclass(frozen=True)
class StoredDocument:
    """What an imported document holds.

    id : UUID, ``urn:uuid:<id>`` is its IRI. digest : of its bytes. statements : how many of each kind, in all scopes.
    bundles : IRIs in order. unknown : sections that PROV has no statements for, kept as they are. new : whether this import
    made it, or found it there. restored : whether it put bytes back that were gone or had been changed.
    """

    id: str
    digest: str
    format: str
    name: str
    size: int
    recorded: str
    creator: str
    statements: Mapping[str, int] = field(hash=False)
    bundles: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    new: bool = field(default=False, compare=False)
    restored: bool = field(default=False, compare=False)

    @property
    def iri(self) -> str:
        return f"urn:uuid:{self.id}"

    def __len__(self) -> int:
        return sum(self.statements.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "id": self.id, "iri": self.iri, "digest": self.digest, "format": self.format, "name": self.name,
            "size": self.size, "recorded": self.recorded, "creator": self.creator, "statements": dict(self.statements),
            "bundles": list(self.bundles), "unknown": list(self.unknown), "new": self.new,
        }  # fmt: skip

    def __str__(self) -> str:
        held = ", ".join(f"{n:,} {kind}" for kind, n in self.statements.items()) or "no statements"
        bundles = f"; {len(self.bundles)} bundle{'s'[: len(self.bundles) != 1]}" if self.bundles else ""
        unknown = f"; kept, but not PROV: {', '.join(self.unknown)}" if self.unknown else ""
        return f"{self.name}: {held}{bundles}{unknown}"


class Library:
    """Imported documents, in the name of a mapper's context; their bytes in `directory`."""

    def __init__(self, mapper: Mapper, directory: Path) -> None:
        self.mapper = mapper
        self.engine = mapper.engine
        self.raw = RawFiles(directory)
        self._indexed = False

    # -- in ------------------------------------------------------------------------------------------------------------

    def add(self, path: Path, format: str | None = None) -> StoredDocument:
        """Import a file: whole, or nothing of it; equal bytes give the document that is there already.

        Where the kept bytes of that one are gone or were changed, these take their place.

        Raises
        ------
        InvalidInput, FileUnreadable : as `provgraph.prov.read`; nothing is stored then.
        """
        with self.raw.alone():
            named = formats.recognised(path, format)
            digest = digest_of(path)
            has_bytes = self.raw.has(digest)
            if (known := self._by_digest(digest)) is not None:
                if not has_bytes:
                    self.raw.put(path, digest)
                return replace(known, restored=not has_bytes)
            document = None
            if path.stat().st_size <= IN_MEMORY:
                document = formats.read(path, named)
                top, layout = document, Layout(keys.new_id(), placed(document))
            else:
                top, layout = _gone_through(path, named)
            summary = self._summary(digest, named, path, top, layout)
            self.mapper.policy.may_write(self.mapper.context, [summary])
            self._make_indexes()
            kept = self.raw.path(digest)
            source: Source = (lambda: placed(document)) if document is not None else (lambda: _stream(kept, named))
            try:
                if not has_bytes:
                    self.raw.put(path, digest)
                with nullcontext() if self.mapper.ledger is None else self.mapper.ledger.entry() as entry:
                    if entry is not None:
                        entry.add(as_import(self.mapper.context, summary))
                    self._write(summary, top, layout, source)
            except BaseException:  # Ctrl-C too; a kill leaves bytes that `clean` finds
                # What ends it may come after the graph has the document: then it needs its bytes.
                if not has_bytes and self._is_absent(digest):
                    self.raw.drop(digest)
                raise
        for hook in self.mapper.audit:
            told = {"object_id": layout.document, "class_name": "ProvDocument", **summary}
            hook(Written(self.mapper.context, summary["recorded"], (told,), (), (), ()))
        return _stored(summary, new=True)

    def _write(self, summary: dict[str, Any], top: Document, layout: Layout, source: Source) -> None:
        bundles = [
            {**scope_properties(bundle), "scope_id": scope_id(layout.document, n), "document": layout.document, "place": n,
             "iri": bundle.id.iri, "qname": bundle.id.qname, "n_statements": layout.sizes[n]}
            for n, bundle in enumerate(top.bundles, 1)
        ]  # fmt: skip
        if layout.statements <= IN_ONE_TRANSACTION:
            self.engine.write(lambda run: writing.write(run, layout.document, summary, bundles, layout, source()))
            return
        counted = _counted(source(), layout.statements)
        heads = [NodeRow(("ProvDocument",), summary), *(NodeRow(("ProvBundle",), bundle) for bundle in bundles)]
        joins = [
            EdgeRow(("ProvDocument", layout.document), ("ProvBundle", str(b["scope_id"])), "HAS_BUNDLE") for b in bundles
        ]  # fmt: skip
        self.engine.load(_joined(heads, layout.nodes(counted)), _joined(joins, layout.edges(source())))

    def _summary(self, digest: str, format: str, path: Path, top: Document, layout: Layout) -> dict[str, Any]:
        context = self.mapper.context
        return {
            "document_id": layout.document, "digest": digest, "format": format, "name": path.name,
            "size": path.stat().st_size, "recorded": keys.now(), "creator": context.agent.agent_id,
            "project": context.project, "kinds": list(layout.kinds), "counts": list(layout.kinds.values()),
            "bundles": [bundle.id.iri for bundle in top.bundles],
            "unknown": [one.name for scope in top.scopes() for one in scope.unknown],
            "n_statements": layout.sizes[0], **scope_properties(top),
        }  # fmt: skip

    def _by_digest(self, digest: str) -> StoredDocument | None:
        """The document with these bytes. What a killed import left of it goes: whoever would finish it is not alone here."""
        if not self._any():
            return None
        for row in self.engine.read(cypher.load("prov/documents_by_digest"), digest=digest):
            if not row["markers"]:
                return _stored(row["properties"])
            loading.undo(self.engine, row["properties"]["import_id"])
        return None

    def _is_absent(self, digest: str) -> bool:
        """Whether the graph says that it has no document with these bytes; where it says nothing, it may have one."""
        with suppress(ProvgraphError):
            return self._by_digest(digest) is None
        return False

    def _any(self) -> bool:
        return self._indexed or bool(self.engine.read(cypher.load("prov/any_document")))

    def _make_indexes(self) -> None:
        if not self._indexed:
            dialect = DIALECTS[self.engine.name]
            for name in (*dialect.documents, *dialect.ready):
                self.engine.write(lambda run: run(cypher.load(name)))  # noqa: B023
            self._indexed = True

    # -- what is there -------------------------------------------------------------------------------------------------

    def all(self) -> list[StoredDocument]:
        """Every document, the oldest first."""
        if not self._any():
            return []
        return self._visible(self.engine.read(cypher.load("prov/documents")))

    def find(self, reference: str) -> StoredDocument:
        """A document by id, IRI or digest; or by the name of its file or the end of its id, where only one has it.

        Raises
        ------
        NotFound : ``document_missing``. InvalidInput : ``document_ambiguous``.
        """
        if (exact := self.exact(reference)) is not None:
            return exact
        there = self.all()
        ending = reference if _PART_OF_ID.fullmatch(reference) else None
        found = [one for one in there if one.name == reference or (ending and one.id.endswith(ending))]
        if len(found) > 1:
            listed = ", ".join(one.id for one in found)
            raise InvalidInput(f"{len(found)} imported documents are called {reference!r}: {listed}; give an id.",
                               code="document_ambiguous", documents=[one.id for one in found])  # fmt: skip
        if not found:
            raise NotFound(f"There is no imported document {reference!r}; {nearest(reference, [one.name for one in there])}",
                           code="document_missing", name=reference)  # fmt: skip
        return found[0]

    def exact(self, reference: str) -> StoredDocument | None:
        """The document with this id, IRI or digest."""
        wanted = reference.removeprefix("urn:uuid:")
        if not self._any():
            return None
        if wanted.startswith("sha256:"):
            rows = self.engine.read(cypher.load("prov/documents_by_digest"), digest=wanted)
        else:
            rows = self.engine.read(cypher.load("prov/documents_by_id"), ids=[wanted])
        return next(iter(self._visible(rows)), None)

    def _visible(self, rows: Iterable[Mapping[str, Any]]) -> list[StoredDocument]:
        there = [row["properties"] for row in rows if not row["markers"]]
        return [_stored(found) for found in self.mapper.policy.visible(self.mapper.context, there)]

    # -- out -----------------------------------------------------------------------------------------------------------

    def read(self, stored: StoredDocument) -> Document:
        """A document as it was imported, read from the graph."""
        document = Document()
        [row] = self.engine.read(cypher.load("prov/documents_by_id"), ids=[stored.id])
        fill_scope(document, row["properties"])
        sizes = [row["properties"]["n_statements"]]
        for row in self.engine.read(cypher.load("prov/bundles"), document=stored.id):
            found = row["properties"]
            bundle = document.bundle(Name(found["iri"], found["qname"]))
            fill_scope(bundle, found)
            sizes.append(found["n_statements"])
        reader = Reader()
        for n, (scope, size) in enumerate(zip(document.scopes(), sizes, strict=True)):
            ids = (statement_id(stored.id, n, position) for position in range(size))
            scope.statements += [reader.statement(found) for found in self._statements(ids)]
        return document

    def original(self, stored: StoredDocument) -> Path:
        """The file with the bytes of a document, unchanged."""
        return self.raw.read(stored.digest)

    def left_over(self) -> list[Removable]:
        """Kept bytes that no document in the graph has: of imports that were interrupted. None while somebody imports."""
        if not self.raw.files() or not self.raw.is_idle():
            return []
        return self._left_over()

    def clean(self) -> list[Removable]:
        """Remove what `left_over` tells; nobody imports meanwhile."""
        if not self.raw.files():
            return []
        with self.raw.alone():
            gone = self._left_over()
            for one in gone:
                one.path.unlink(missing_ok=True)
            return gone

    def _left_over(self) -> list[Removable]:
        files = self.raw.files()  # before the graph is asked: what somebody puts here meanwhile is none of them
        needed = {self.raw.path(digest) for digest in self._digests()}
        gone = []
        for path in files:
            if path not in needed:
                unfinished = path.suffix == ".part"
                why = "its import was not finished" if unfinished else "no imported document has these bytes"
                with suppress(FileNotFoundError):
                    gone.append(Removable(path, path.stat().st_size, why))
        return gone

    def _digests(self) -> set[str]:
        """Of all documents that are whole, whoever may see them."""
        return {
            str(r["properties"]["digest"]) for r in self.engine.read(cypher.load("prov/documents")) if not r["markers"]
        }

    def mentions(self, iri: str) -> dict[StoredDocument, list[str]]:
        """The documents that speak of a thing, and the scopes of each that do: ids of nodes, not to be kept."""
        found: dict[str, list[str]] = {}
        if (key := name_key(iri)) is not None and self._any():
            for row in self.engine.read(cypher.load("prov/things_named"), key=key, iri=iri):
                found.setdefault(row["scope"].rpartition(".")[0], []).append(row["thing"])
        documents = self._visible(self.engine.read(cypher.load("prov/documents_by_id"), ids=sorted(found)))
        return {one: sorted(found[one.id]) for one in documents}

    def bundle(self, iri: str, within: str = "") -> Document | None:
        """A document with what the bundle of this name says at its top level; None where no document has such a bundle.

        within : id or digest of the document, where several have one. Bundles of one name in a document are one.

        Raises
        ------
        InvalidInput : ``document_ambiguous``.
        """
        found = [one for one in self.all() if iri in one.bundles]
        if within:
            wanted = self.find(within)
            found = [one for one in found if one.id == wanted.id]
        if not found:
            return None
        if len(found) > 1:
            raise _ambiguous(found, f"have a bundle {iri}")
        document, reader = Document(), Reader()
        [own] = self.engine.read(cypher.load("prov/documents_by_id"), ids=[found[0].id])
        document.prefixes = _prefixes(own["properties"])
        for row in self.engine.read(cypher.load("prov/bundles"), document=found[0].id):
            said = row["properties"]
            if said["iri"] == iri:
                bundle = Bundle(Name(said["iri"], said["qname"]))
                fill_scope(bundle, said)
                document.prefixes |= bundle.prefixes
                document.unknown += bundle.unknown
                ids = (statement_id(found[0].id, said["place"], n) for n in range(said["n_statements"]))
                document.statements += [reader.statement(one) for one in self._statements(ids)]
        return document

    def ancestry(self, iri: str, within: str = "", closure: str = ANCESTORS) -> Document:
        """What a document says of a thing and of everything that it came from, scope by scope.

        within : id or digest of the document, where several speak of it. closure : ``ancestors``, ``descendants``, ``both`` or
        ``none``.

        Raises
        ------
        NotFound : ``document_missing`` where none does. InvalidInput : ``document_ambiguous``.
        """
        found = self.mentions(iri)
        if within:
            wanted = self.find(within)
            found = {one: things for one, things in found.items() if one.id == wanted.id}
        if not found:
            where = f"the document {within}" if within else "any imported document"
            raise NotFound(f"Nothing called {iri!r} is in {where}.", code="document_missing", name=iri)
        if len(found) > 1:
            raise _ambiguous(list(found), f"speak of {iri}")
        [(stored, things)] = found.items()
        return self._around(stored, things, closure)

    def _around(self, stored: StoredDocument, things: Sequence[str], closure: str) -> Document:
        seen: set[str] = set(things)
        statements: set[str] = set()
        for name in _STEPS[closure]:
            reached, frontier = set(things), list(things)
            while frontier:
                rows = self._each(name, frontier)
                statements |= {row["statement"] for row in rows}
                frontier = sorted({row["thing"] for row in rows} - reached)
                reached |= set(frontier)
            seen |= reached
        statements |= {row["statement"] for row in self._each("prov/statements_about", sorted(seen))}
        # What they name beside causes, such as the activity of a derivation, is declared too.
        others = {row["thing"] for row in self._each("prov/things_of_statements", sorted(statements))} - seen
        declared = {row["statement"] for row in self._each("prov/statements_about", sorted(others))}
        rows = [
            found for found in self._statements(sorted(statements | declared))
            if found["statement_id"] in statements or found["kind"] in ELEMENTS
        ]  # fmt: skip
        document, reader = Document(), Reader()
        [own] = self.engine.read(cypher.load("prov/documents_by_id"), ids=[stored.id])
        document.prefixes = _prefixes(own["properties"])
        scopes: dict[str, Scope] = {scope_id(stored.id, 0): document}
        rows.sort(key=lambda found: (int(found["scope"].rpartition(".")[2]), found["position"]))
        wanted = {found["scope"] for found in rows}
        for row in self.engine.read(cypher.load("prov/bundles"), document=stored.id):
            found = row["properties"]
            if found["scope_id"] in wanted:
                bundle = document.bundle(Name(found["iri"], found["qname"]), _prefixes(found))
                scopes[found["scope_id"]] = bundle
        for found in rows:
            scopes[found["scope"]].statements.append(reader.statement(found))
        return document

    def _each(self, name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        statement = cypher.load(name)
        return [row for some in loading.chunks(ids, AT_ONCE) for row in self.engine.read(statement, ids=some)]

    def _statements(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Properties of statements, in the order of their ids."""
        statement = cypher.load("prov/statements_by_id")
        for some in loading.chunks(ids, AT_ONCE):
            rows = self.engine.read(statement, ids=some)
            by_id = {row["properties"]["statement_id"]: row["properties"] for row in rows}
            yield from (by_id[id] for id in some)


def _stored(found: Mapping[str, Any], *, new: bool = False) -> StoredDocument:
    return StoredDocument(
        found["document_id"], found["digest"], found["format"], found["name"], found["size"], found["recorded"],
        found["creator"], dict(zip(found.get("kinds") or (), found.get("counts") or (), strict=True)),
        tuple(found.get("bundles") or ()), tuple(found.get("unknown") or ()), new,
    )  # fmt: skip


def _ambiguous(documents: Sequence[StoredDocument], what: str) -> InvalidInput:
    listed = ", ".join(f"{one.id} ({one.name})" for one in documents)
    return InvalidInput(
        f"{len(documents)} documents {what}, and their statements are never mixed: {listed}; say within= which "
        "is meant.", code="document_ambiguous", documents=[one.id for one in documents],
    )  # fmt: skip


def _prefixes(found: Mapping[str, Any]) -> dict[str, str]:
    return dict(zip(found.get("prefixes") or (), found.get("namespaces") or (), strict=True))


def _gone_through(path: Path, format: str) -> tuple[Document, Layout]:
    """A large file gone through once: everything of its document but the statements, and the things they name."""
    top = Document()
    layout = Layout(keys.new_id(), _stream(path, format, top))
    return top, layout


def _stream(path: Path, format: str, top: Document | None = None) -> Iterator[Placed]:
    """The statements of a file with their places, one after the other; `top` takes over what else its document has."""
    numbers: dict[int, int] = {}
    positions: dict[int, int] = {}
    document: Document | None = None
    for scope, statement in formats.statements(path, format):
        if id(scope) not in numbers:
            whole = scope if scope.outer is None else scope.outer
            assert isinstance(whole, Document)
            document = whole
            numbers |= {id(one): n for n, one in enumerate(document.scopes())}
        number = numbers[id(scope)]
        position = positions.get(number, 0)
        positions[number] = position + 1
        yield Placed(number, position, statement)
    if top is not None and document is not None:
        top.prefixes, top.unknown, top.bundles = document.prefixes, document.unknown, document.bundles


def _counted(source: Iterable[Placed], expected: int) -> Iterator[Placed]:
    n = 0
    for n, place in enumerate(source, 1):  # noqa: B007
        yield place
    if n != expected:
        raise FileUnreadable("The document changed while it was imported; nothing was stored.", code="file_changed")


def _joined(first: Iterable[Any], rest: Iterable[Any]) -> Iterator[Any]:
    yield from first
    yield from rest
