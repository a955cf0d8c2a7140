"""PROV-JSONLD in and out (W3C member submission, 2024): its compacted shape, one object a statement. No context is ever fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

from provgraph.errors import InvalidInput, nearest
from provgraph.names import PROV
from provgraph.prov.json import (
    Fields,
    Number,
    Pointer,
    Scanner,
    encodable,
    kind_of,
    number_type,
    pointer_text,
    render,
    single,
)
from provgraph.prov.losses import Losses
from provgraph.prov.model import (
    ELEMENTS,
    INTERNATIONALIZED,
    KINDS,
    QNAME_TYPES,
    QUALIFIED_NAME,
    STRING,
    TIMES,
    Bundle,
    Document,
    Entries,
    Keys,
    Literal,
    Name,
    Reference,
    Scope,
    Statement,
    Unknown,
    Value,
    other_namespace,
    prov,
    xsd,
)  # fmt: skip
from provgraph.prov.source import Source, ended, open_source, printable
from provgraph.prov.spelling import BASE, CHARS, Speller

FORMAT: Final = "jsonld"
CODE: Final = "prov_jsonld_invalid"
CONTEXT: Final = "https://openprovenance.org/prov-jsonld/context.jsonld"
#: Prefixes of that context, besides prov and xsd.
_PREDECLARED: Final = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "provext": "https://openprovenance.org/ns/provext#",
}  # fmt: skip
_CLASSES: Final = {
    "entity": "Entity", "activity": "Activity", "agent": "Agent", "wasGeneratedBy": "Generation", "used": "Usage",
    "wasInformedBy": "Communication", "wasStartedBy": "Start", "wasEndedBy": "End", "wasInvalidatedBy": "Invalidation",
    "wasDerivedFrom": "Derivation", "wasAttributedTo": "Attribution", "wasAssociatedWith": "Association",
    "actedOnBehalfOf": "Delegation", "wasInfluencedBy": "Influence", "specializationOf": "Specialization",
    "alternateOf": "Alternate", "hadMember": "Membership",
}  # fmt: skip
_KIND_OF: Final = {cls: kind for kind, cls in _CLASSES.items()}
_SPECIAL: Final = {term: prov(term) for term in ("type", "label", "role", "location", "value")}
#: Terms whose texts are names.
_NAMES: Final = frozenset({"type", "role", "location"})
_TERMS: Final = {*_CLASSES.values(), *_SPECIAL, *(r for roles in KINDS.values() for r in roles), "Bundle"}
_PREFIX: Final = re.compile(rf"(?!(?:{'|'.join(sorted(_TERMS))})$)[{BASE}](?:[{CHARS}.]*[{CHARS}])?")
_NAMESPACE: Final = re.compile(r"[^@].*", re.DOTALL)
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def read(source: str | bytes | Path) -> Document:
    """A PROV-JSONLD document from a path or from its text.

    Raises
    ------
    InvalidInput : code ``prov_jsonld_invalid``, with line and JSON pointer of the place in the sentence and in the details.
    FileUnreadable : where the file cannot be read.
    """
    with open_source(source, code=CODE, whole=True) as opened:
        document = Document()
        for scope, statement in _Reader(opened, document).walk():
            scope.statements.append(statement)
        return document


def statements(source: str | bytes | Path) -> Iterator[tuple[Scope, Statement]]:
    """Every statement of a file with the scope it stands in; memory holds one statement, or one bundle."""
    with open_source(source, code=CODE) as opened:
        for scope, statement in _Reader(opened, Document()).walk():
            yield scope, statement
            scope.forget()


class _Reader:
    def __init__(self, source: Source, document: Document) -> None:
        self.where = source.where
        self.json = Scanner(source, "PROV-JSONLD")
        self.document = document
        self.base: Pointer = ()

    def fail(self, at: Pointer, what: str) -> NoReturn:
        pointer = pointer_text(at)
        if self.base == at[: len(self.base)] and hasattr(self.json, "start"):
            line, column = self.json.find(self.json.start, at[len(self.base) :])
        else:
            line, column = self.json.source.place(self.json.at)
        where = printable(pointer) or "its top"
        raise InvalidInput(f"{self.where} is not valid PROV-JSONLD at {where}, line {line}: {ended(what)}",
                           code=CODE, pointer=pointer, line=line, column=column)  # fmt: skip

    def scan(self, at: Pointer) -> Any:
        value = self.json.value(at)
        self.base = at
        return value

    def members(self) -> Iterator[str]:
        if self.json.peek() != "{":
            self.fail((), f"a document must be an object, not {kind_of(self.scan(()))}")
        return self.json.members()

    def walk(self) -> Iterator[tuple[Scope, Statement]]:
        graph = contexts = False
        for key in self.members():  # names can only be read once the context is known, which may stand last
            if key == "@context":
                context = self.scan((key,))
                if contexts:
                    self.fail((key,), "a document has one @context")
                contexts = True
                self.context(self.document, context, (key,))
            elif key == "@graph":
                graph = True
                if self.json.peek() != "[":
                    self.fail((key,), f"@graph must be a list, not {kind_of(self.scan((key,)))}")
                for i in self.json.elements():
                    self.json.value((key, i))
            else:
                self.document.unknown.append(Unknown(FORMAT, key, text_of(self.scan((key,)))))
        self.json.end()
        if not graph:
            self.fail((), "a document needs @graph")
        self.json.rewind()
        for key in self.json.members():
            if key != "@graph":
                self.json.value()
                continue
            for i in self.json.elements():
                at: Pointer = ("@graph", i)
                yield from self.node(self.document, self.scan(at), at)

    def context(self, scope: Scope, context: Any, at: Pointer) -> None:
        for i, entry in enumerate(context) if isinstance(context, list) else [(-1, context)]:
            place = at if i < 0 else (*at, i)
            if isinstance(entry, str):
                if entry != CONTEXT:
                    self.fail(place, f"the context {entry!r} is not fetched; only {CONTEXT} is known")
                scope.prefixes.update({p: ns for p, ns in _PREDECLARED.items() if p not in scope.prefixes})
                continue
            if not isinstance(entry, tuple):
                self.fail(place, f"a context must be an object or an address, not {kind_of(entry)}")
            own: dict[str, str] = {}
            for prefix, meaning in entry:
                if prefix == "@import":
                    self.fail(
                        (*place, prefix), f"a context is not fetched, so that none is imported; only {CONTEXT} is known"
                    )
                said = isinstance(meaning, tuple) and dict(meaning).get("@prefix") is True
                namespace = dict(meaning).get("@id") if said else meaning
                if (
                    type(namespace) is str
                    and (not prefix.startswith("@") or prefix == "@vocab")
                    and prefix not in _TERMS
                ):
                    if (other := other_namespace(own, prefix, namespace)) is not None:
                        self.fail((*place, prefix), f"the prefix {prefix!r} is declared twice, for {other!r} and for "
                                  f"{namespace!r}")  # fmt: skip
                    own[prefix] = namespace
                    scope.prefixes["default" if prefix == "@vocab" else prefix] = namespace

    def node(self, scope: Scope, node: Any, at: Pointer) -> Iterator[tuple[Scope, Statement]]:
        if not isinstance(node, tuple):
            self.fail(at, f"a statement must be an object, not {kind_of(node)}")
        fields = dict(node)
        if len(fields) != len(node):
            self.fail(at, "a key stands there twice")
        cls = fields.get("@type")
        if isinstance(cls, list) and len(cls) == 1:
            cls = cls[0]
        if type(cls) is not str:
            self.fail((*at, "@type"), f"a statement needs one @type, not {kind_of(cls)}")
        local = cls.removeprefix("prov:")
        if local == "Bundle" and "@graph" in fields:
            yield from self.bundle(scope, fields, at)
        elif local in _KIND_OF:
            yield scope, self.statement(scope, _KIND_OF[local], node, at)
        elif ":" in cls:
            scope.unknown.append(Unknown(FORMAT, f"@graph {cls}", text_of(node)))
        else:
            self.fail(
                (*at, "@type"), f"there is no kind of statement called {cls!r}; {nearest(cls, _KIND_OF)}".rstrip(".")
            )

    def bundle(self, scope: Scope, fields: dict[str, Any], at: Pointer) -> Iterator[tuple[Scope, Statement]]:
        if isinstance(scope, Bundle):
            self.fail(at, "a bundle cannot hold bundles")
        bundle = Bundle(Name(""), outer=scope)
        self.context(bundle, fields.get("@context", []), (*at, "@context"))
        if "@id" not in fields:
            self.fail(at, "a bundle needs @id")
        bundle.id = self.name(bundle, fields["@id"], (*at, "@id"))
        self.document.bundles.append(bundle)
        graph = fields["@graph"]
        if not isinstance(graph, list):
            self.fail((*at, "@graph"), f"@graph must be a list, not {kind_of(graph)}")
        for i, node in enumerate(graph):
            yield from self.node(bundle, node, (*at, "@graph", i))
        for key, value in fields.items():
            if key not in {"@context", "@id", "@graph", "@type"}:
                bundle.unknown.append(Unknown(FORMAT, key, text_of(value)))

    def name(self, scope: Scope, value: Any, at: Pointer) -> Name:
        if type(value) is not str:
            self.fail(at, f"a name must be text, not {kind_of(value)}")
        known = scope._known.get(value)
        if known is not None:
            return known
        prefix, colon, local = value.partition(":")
        namespace = scope.namespace(prefix) if colon and prefix != "_" and not local.startswith("//") else None
        if namespace is None:
            if not colon:
                namespace = scope.namespace("default")
                if namespace is None:
                    self.fail(at, f"{value!r} has no prefix, and the context has no @vocab")
                local = value
            elif prefix == "_" or (
                _ABSOLUTE.match(value) and (local.startswith("//") or scope._means(value, Name(value)))
            ):
                namespace, local = "", value
            else:
                known_prefixes = [p for p in scope.all_prefixes() if p != "default"]
                self.fail(
                    at,
                    f"the prefix {prefix!r} of {value!r} is not declared; {nearest(prefix, known_prefixes)}".rstrip(
                        "."
                    ),
                )
        name = scope._known[value] = Name(namespace + local, value)
        return name

    def statement(self, scope: Scope, kind: str, node: Fields, at: Pointer) -> Statement:
        roles = KINDS[kind]
        identifier: Name | None = None
        arguments: list[tuple[str, Any]] = []
        attributes: list[tuple[Name, Value]] = []
        for key, content in node:
            place = (*at, key)
            if key == "@type":
                continue
            if key == "@id":
                identifier = self.name(scope, content, place)
            elif key in roles:
                for i, item in enumerate(content) if isinstance(content, list) else [(-1, content)]:
                    where = place if i < 0 else (*place, i)
                    wrapped = isinstance(item, tuple) and len(item) == 1 and item[0][0] in {"@id", "@value"}
                    one = item[0][1] if wrapped else item
                    if key in TIMES and type(one) is not str:
                        self.fail(where, f"a time must be text, not {kind_of(one)}")
                    arguments.append((key, one if key in TIMES else self.name(scope, one, where)))
            elif key.startswith("@"):
                self.fail(place, f"a statement has no {key}")
            else:
                name = _SPECIAL.get(key) or self.name(scope, key, place)
                for i, one in enumerate(content) if isinstance(content, list) else [(-1, content)]:
                    attributes.append((name, self.value(scope, key, one, place if i < 0 else (*place, i))))
        if identifier is None and kind in ELEMENTS:
            self.fail(at, f"an {_CLASSES[kind]} needs @id")
        return Statement(kind, identifier, tuple(arguments), tuple(attributes))

    def value(self, scope: Scope, key: str, content: Any, at: Pointer) -> Value:
        if type(content) is str:
            return Reference(self.name(scope, content, at)) if key in _NAMES else Literal(content, STRING, "", "plain")
        if isinstance(content, str):  # a number
            return Literal(str(content), number_type(content), "", "plain")
        if isinstance(content, bool):
            return Literal("true" if content else "false", xsd("boolean"), "", "plain")
        if not isinstance(content, tuple):
            self.fail(at, f"a value must be a text, a number, true, false or an object, not {kind_of(content)}")
        fields = dict(content)
        if set(fields) == {"@id"}:
            return Reference(self.name(scope, fields["@id"], (*at, "@id")))
        if unknown := [k for k in fields if k not in {"@value", "@type", "@language"}]:
            self.fail((*at, unknown[0]), "a value has @value with @type or @language, or @id alone")
        if "@value" not in fields or len(fields) != len(content):
            self.fail(at, "a value needs @value, once")
        inside = self.value(scope, "", fields["@value"], (*at, "@value"))
        language = fields.get("@language", "")
        if type(language) is not str or not isinstance(inside, Literal):
            self.fail(at, "@value and @language must be texts")
        if "@type" not in fields:
            return Literal(inside.lexical, INTERNATIONALIZED, language, "plain") if language else inside
        datatype = self.name(scope, fields["@type"], (*at, "@type"))
        if language:
            self.fail(at, "a value has @type or @language, not both")
        if datatype.iri in QNAME_TYPES:
            return Reference(self.name(scope, inside.lexical, (*at, "@value")), datatype)
        return Literal(inside.lexical, datatype)


def text_of(value: Any) -> str:
    """JSON text of a scanned value."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{render(k, None)}: {text_of(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(text_of(v) for v in value) + "]"
    return "null" if value is None else render(value, None)


def dumps(document: Document) -> str:
    """PROV-JSONLD text of a document, in the order of its statements."""
    return write(document)[0]


def write(document: Document) -> tuple[str, Losses]:
    """PROV-JSONLD text of a document, and what it cannot say."""
    losses = Losses()
    top = _Writer(document, losses)
    graph = top.nodes(document)
    for bundle in document.bundles:
        inside = _Writer(bundle, losses, top)
        nodes = inside.nodes(bundle)
        name = inside.name(bundle.id)
        graph.append({"@type": "Bundle", "@id": name, "@context": inside.context(), "@graph": nodes, **inside.rest()})
    out: dict[str, Any] = {"@context": [*top.context(), CONTEXT], "@graph": graph, **top.rest()}
    return encodable(render(out, 2) + "\n", document, losses), losses


def _compact(local: str) -> str | None:
    return None if local.startswith("//") else local


class _Writer:
    def __init__(self, scope: Scope, losses: Losses, outer: _Writer | None = None) -> None:
        self.scope = scope
        self.losses = losses
        self.blanks = scope.blanks()
        self.speller: Speller = Speller(scope, _compact, outer=outer.speller if outer else None, prefix_ok=_PREFIX,
                                        namespace_ok=_NAMESPACE, default=False)  # fmt: skip

    def context(self) -> list[Any]:
        """The prefixes; what JSON-LD would not take for one by its last character is said to be one."""
        found = {
            p: ns if ns[-1:] in set(":/?#[]@") else {"@id": ns, "@prefix": True} for p, ns in self.speller.declared()
        }
        return [found] if found else []

    def lose(self, statement: Statement | None, reason: str, *, minor: bool = False) -> None:
        self.losses.add(self.scope, statement, reason, minor=minor)

    def nodes(self, scope: Scope) -> list[Any]:
        nodes: list[Any] = []
        for statement in scope.statements:
            if statement.kind in _CLASSES:
                nodes.append(self.node(statement))
            else:
                self.lose(statement, f"PROV-JSONLD has no {statement.kind}; the statement is left out.")
        for unknown in scope.unknown:
            if unknown.format != FORMAT:
                self.lose(None, f"the part {unknown.name!r} of {unknown.format} has no place in PROV-JSONLD.")
            elif unknown.name.startswith("@graph "):
                nodes.append(Number(unknown.text))  # written as it stands
        return nodes

    def rest(self) -> dict[str, Any]:
        """Keys beside the graph that PROV-JSONLD does not know."""
        found = (u for u in self.scope.unknown if u.format == FORMAT and not u.name.startswith("@graph "))
        return {u.name: Number(u.text) for u in found}

    def name(self, name: Name) -> str:
        if name.blank:
            return name.iri
        spelled = self.speller.spell(name)
        if spelled is None:
            self.lose(None, f"the name {name.iri!r} cannot be written.")
        return spelled or ""

    def node(self, statement: Statement) -> dict[str, Any]:
        out: dict[str, Any] = {"@type": _CLASSES[statement.kind]}
        if statement.id is not None and (
            not statement.id.blank or statement.id.iri in self.blanks or statement.kind in ELEMENTS
        ):
            out["@id"] = self.name(statement.id)
        places: dict[str, list[Any]] = {}
        for role, argument in statement.arguments:
            assert not isinstance(argument, (Entries, Keys))
            places.setdefault(role, []).append(self.name(argument) if isinstance(argument, Name) else argument)
        out |= {role: single(found) for role, found in places.items()}
        values: dict[str, list[Any]] = {}
        for name, value in statement.attributes:
            key = self.name(name)
            special = name.iri.removeprefix(PROV)
            if name.iri.startswith(PROV) and special in _SPECIAL and (special != "value" or statement.kind == "entity"):
                key = special
            if key.startswith("_:"):
                self.lose(statement, f"the attribute {key} is blank, which a key of JSON-LD should not be.", minor=True)
            values.setdefault(key, []).append(self.value(key, value, statement))
        return out | values

    def value(self, key: str, value: Value, statement: Statement) -> Any:
        if isinstance(value, Reference):
            name = self.name(value.name)
            if value.datatype != QUALIFIED_NAME:
                return {"@value": name, "@type": self.name(value.datatype)}
            return name if key in _NAMES else {"@id": name}
        text = value.lexical
        if value.language:
            if value.datatype != INTERNATIONALIZED:
                self.lose(statement, f"a value has a language and the datatype {value.datatype.qname or value.datatype.iri}; "
                          "the datatype is left out.")  # fmt: skip
            return {"@value": text, "@language": value.language}
        if value.datatype.iri in QNAME_TYPES:
            self.lose(statement, f"a text has the datatype {value.datatype.qname or value.datatype.iri} of names; it is written "
                      "as text.")  # fmt: skip
            return {"@value": text}
        return {"@value": text} if value.datatype == STRING else {"@value": text, "@type": self.name(value.datatype)}
