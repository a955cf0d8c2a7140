"""PROV-XML in and out (W3C note PROV-XML, 2013), with PROV-Dictionary and mentionOf.

A document type declaration is refused, so no entity is ever expanded and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn
from xml.parsers import expat

from provgraph.errors import InvalidInput, nearest
from provgraph.names import PROV
from provgraph.prov.losses import Losses
from provgraph.prov.model import (
    ELEMENTS,
    INTERNATIONALIZED,
    KINDS,
    QNAME_TYPES,
    QUALIFIED_NAME,
    STRING,
    TIMES,
    XSD,
    Argument,
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
    prov,
)  # fmt: skip
from provgraph.prov.source import PART, ended, open_bytes
from provgraph.prov.spelling import BASE, CHARS, Speller, unblank

FORMAT: Final = "prov-xml"
CODE: Final = "prov_xml_invalid"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
_XSD_NAMESPACE: Final = XSD[:-1]  # as XML names it
#: Elements that are another one with a type (section 3 of the note).
SUBTYPES: Final = {
    "person": ("agent", "Person"), "organization": ("agent", "Organization"), "softwareAgent": ("agent", "SoftwareAgent"),
    "plan": ("entity", "Plan"), "collection": ("entity", "Collection"), "emptyCollection": ("entity", "EmptyCollection"),
    "dictionary": ("entity", "Dictionary"), "emptyDictionary": ("entity", "EmptyDictionary"), "bundle": ("entity", "Bundle"),
    "wasRevisionOf": ("wasDerivedFrom", "Revision"), "wasQuotedFrom": ("wasDerivedFrom", "Quotation"),
    "hadPrimarySource": ("wasDerivedFrom", "PrimarySource"),
}  # fmt: skip
_ROLE_OF: Final = {"newDictionary": "after", "oldDictionary": "before"}
_ELEMENT_OF: Final = {"after": "newDictionary", "before": "oldDictionary"}
_ORDER: Final = {PROV + n: i for i, n in enumerate(("label", "location", "role", "type", "value"))}
_NCNAME: Final = re.compile(f"[_{BASE}](?:[{CHARS}.])*")
_PREFIX: Final = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", re.IGNORECASE)
_QTEXT: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]*")
_NAMESPACE: Final = re.compile("[^\x00-\x20\x7f\ud800-\udfff\ufffe\uffff]+")
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TIME: Final = re.compile(r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?")
MANY: Final = 50_000  # names that are kept, because they come again
_RESERVED: Final = {"prov": PROV, "xsi": XSI, "xml": XML}


def read(source: str | bytes | Path) -> Document:
    """A PROV-XML document from a path or from its text.

    Raises
    ------
    InvalidInput : code ``prov_xml_invalid``, with line and column of the place in the sentence and in the details.
    FileUnreadable : where the file cannot be read.
    """
    document = Document()
    for scope, statement in _walk(source, document):
        scope.statements.append(statement)
    return document


def statements(source: str | bytes | Path) -> Iterator[tuple[Scope, Statement]]:
    """Every statement of a file with the scope it stands in, one after the other; memory holds only what is being read."""
    return _walk(source, Document())


def _walk(source: str | bytes | Path, document: Document) -> Iterator[tuple[Scope, Statement]]:
    where, file = open_bytes(source)
    with file:
        reader = _Reader(where, document)
        final = False
        while not final:
            content = file.read(PART)
            final = not content
            reader.feed(content, final)
            yield from reader.take()
            if len(reader.names) > MANY:
                reader.names.clear()


class _Element:
    """An element that is open: its name, where it stands, the prefixes that hold in it, its attributes, text and children."""

    __slots__ = ("attributes", "children", "column", "line", "local", "markup", "namespace", "prefixes", "text")

    def __init__(self, namespace: str, local: str, prefixes: Mapping[str, str], attributes: dict[str, str],
                 line: int, column: int) -> None:  # fmt: skip
        self.namespace = namespace
        self.local = local
        self.prefixes = prefixes
        self.attributes = attributes
        self.line, self.column = line, column
        self.text: list[str] = []
        self.children: list[_Element] = []
        self.markup: _Markup | None = None


class _Markup:
    """Elements that are kept as text: those inside a value, and those that are not of PROV."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.depth = 0
        self.declared: list[set[str]] = [set()]
        self.open = False

    def start(
        self, name: str, attributes: list[str], declared: list[tuple[str, str]], prefixes: Mapping[str, str]
    ) -> None:
        tag = _split(name)
        self.close()
        here = {p for p, _ in declared}
        names = [tag, *(_split(attributes[i]) for i in range(0, len(attributes), 2))]
        needed = {p for number, (ns, _, p) in enumerate(names) if ns and ns != XML and (p or not number)}
        for prefix in sorted(needed - here - self.declared[-1]):
            declared.append((prefix, prefixes.get(prefix or "default", "")))
            here.add(prefix)
        words = [f"xmlns{':' if p else ''}{p}={_quoted(ns)}" for p, ns in sorted(declared)]
        words += [f"{_qname(n)}={_quoted(attributes[2 * i + 1])}" for i, n in enumerate(names[1:])]
        self.parts.append("<" + " ".join((_qname(tag), *words)))
        self.declared.append(self.declared[-1] | here)
        self.depth += 1
        self.open = True

    def close(self) -> None:
        if self.open:
            self.parts.append(">")
            self.open = False

    def end(self, name: str) -> None:
        if self.open:
            self.parts.append("/>")
            self.open = False
        else:
            self.parts.append(f"</{_qname(_split(name))}>")
        self.declared.pop()
        self.depth -= 1

    def text(self, text: str) -> None:
        self.close()
        self.parts.append(_escaped(text))


def _split(name: str) -> tuple[str, str, str]:
    """Namespace, local name, prefix of a name as expat gives it."""
    parts = name.split("\n")
    return (parts[0], parts[1], parts[2] if len(parts) > 2 else "") if len(parts) > 1 else ("", name, "")


def _qname(name: tuple[str, str, str]) -> str:
    return f"{name[2]}:{name[1]}" if name[2] else name[1]


class _Reader:
    def __init__(self, where: str, document: Document) -> None:
        self.where = where
        self.document = document
        self.scope: Scope | None = None
        self.stack: list[_Element] = []
        self.found: list[tuple[Scope, Statement]] = []
        self.declared: list[tuple[str, str]] = []
        self.unknown: tuple[str, _Markup] | None = None
        self.names: dict[tuple[int, str], Name] = {}
        # A line break is in no namespace and in no name.
        self.parser = expat.ParserCreate(namespace_separator="\n")
        self.parser.namespace_prefixes = True
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartNamespaceDeclHandler = self.declare
        self.parser.StartDoctypeDeclHandler = self.doctype

    def feed(self, content: bytes, final: bool) -> None:
        try:
            self.parser.Parse(content, final)
        except expat.ExpatError as e:
            reason = expat.errors.messages.get(e.code, str(e))
            self.fail(f"the XML is broken, {reason}", e.lineno, e.offset + 1)
        except InvalidInput:
            raise
        except (
            LookupError,
            UnicodeError,
            ValueError,
        ) as e:  # an encoding that Python does not know, or bytes it cannot decode
            self.fail(str(e))

    def take(self) -> list[tuple[Scope, Statement]]:
        found, self.found = self.found, []
        return found

    def fail(self, what: str, line: int = 0, column: int = 0) -> NoReturn:
        line, column = line or self.parser.CurrentLineNumber, column or self.parser.CurrentColumnNumber + 1
        raise InvalidInput(f"{self.where} is not valid PROV-XML in line {line}, column {column}: {ended(what)}",
                           code=CODE, line=line, column=column) from None  # fmt: skip

    def fail_at(self, element: _Element, what: str) -> NoReturn:
        self.fail(what, element.line, element.column)

    def doctype(self, *_: Any) -> None:
        self.fail("a document type declaration is not read, because entities could hide anything")

    def declare(self, prefix: str | None, namespace: str | None) -> None:
        self.declared.append((prefix or "", namespace or ""))

    def start(self, name: str, attributes: list[str]) -> None:
        declared, self.declared = self.declared, []
        outer: Mapping[str, str] = self.stack[-1].prefixes if self.stack else {}
        prefixes = {**outer, **{p or "default": ns for p, ns in declared}} if declared else outer
        markup = self.unknown[1] if self.unknown else (self.stack[-1].markup if self.stack else None)
        if markup is not None and markup.depth:
            markup.start(name, attributes, declared, prefixes)
            return
        namespace, local, _ = _split(name)
        element = _Element(
            namespace, local, prefixes, {}, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        )
        level = len(self.stack)
        if not level:
            if (namespace, local) != (PROV, "document"):
                self.fail(f"the outermost element must be prov:document, not {local!r}")
            self.scope = self.document
            self.document.prefixes.update(self.kept(prefixes))
        elif level == 1 + isinstance(self.scope, Bundle) and (
            namespace != PROV or (local not in KINDS and local not in SUBTYPES and local != "bundleContent")
        ):
            if namespace == PROV:
                self.fail(
                    f"there is no statement called prov:{local}; {nearest(local, (*KINDS, *SUBTYPES))}".rstrip(".")
                )
            self.unknown = (_qname(_split(name)), _Markup())
            self.unknown[1].start(name, attributes, declared, prefixes)
            return
        elif (namespace, local) == (PROV, "bundleContent"):
            if isinstance(self.scope, Bundle) or level > 1:
                self.fail("a bundle cannot hold bundles")
        elif level > 1 + isinstance(self.scope, Bundle) and not self.inside(element):
            markup = self.stack[-1].markup = self.stack[-1].markup or _Markup()
            if self.stack[-1].text:
                markup.parts.append(_escaped("".join(self.stack[-1].text)))
                self.stack[-1].text = []
            markup.start(name, attributes, declared, prefixes)
            return
        for i in range(0, len(attributes), 2):
            key = attributes[i].split("\n")
            element.attributes["\n".join(key[:2])] = attributes[i + 1]
        if (namespace, local) == (PROV, "bundleContent"):
            self.open_bundle(element, declared)
        self.stack.append(element)

    def inside(self, element: _Element) -> bool:
        """Whether an element is read as one: a part of a statement, or of a pair in it; what is deeper is text with markup."""
        above = self.stack[-1]
        depth = len(self.stack) - isinstance(self.scope, Bundle)
        return depth == 2 or (depth == 3 and above.namespace == PROV and above.local == "keyEntityPair"
                              and element.namespace == PROV)  # fmt: skip

    @staticmethod
    def kept(prefixes: Mapping[str, str]) -> dict[str, str]:
        return {p: XSD if ns == _XSD_NAMESPACE else ns for p, ns in prefixes.items() if p not in {"xsi", "xml"} and ns}

    def open_bundle(self, element: _Element, declared: list[tuple[str, str]]) -> None:
        bundle = Bundle(Name(""), self.kept({p or "default": ns for p, ns in declared}), self.document)
        identifier = element.attributes.get(f"{PROV}\nid")
        if identifier is None:
            self.fail("a bundle needs prov:id")
        bundle.id = self.name(element, identifier)
        self.document.bundles.append(bundle)
        self.scope = bundle

    def characters(self, text: str) -> None:
        if self.unknown is not None:
            self.unknown[1].text(text)
        elif self.stack:
            above = self.stack[-1]
            if above.markup is not None:
                above.markup.text(text)
            else:
                above.text.append(text)

    def end(self, name: str) -> None:
        if self.unknown is not None:
            called, markup = self.unknown
            markup.end(name)
            if not markup.depth:
                assert self.scope is not None
                self.scope.unknown.append(Unknown(FORMAT, called, "".join(markup.parts)))
                self.unknown = None
            return
        above = self.stack[-1]
        if above.markup is not None and above.markup.depth:
            above.markup.end(name)
            return
        element = self.stack.pop()
        depth = len(self.stack) - isinstance(self.scope, Bundle)
        if element.local == "bundleContent" and isinstance(self.scope, Bundle) and depth == 0:
            self.blank(element)
            self.scope = self.document
        elif depth >= 2:
            self.stack[-1].children.append(element)
        elif depth == 1:
            assert self.scope is not None
            self.found.append((self.scope, self.statement(element)))
        else:
            self.blank(element)

    def blank(self, element: _Element) -> None:
        if "".join(element.text).strip():
            self.fail_at(element, f"prov:{element.local} holds text")

    def name(self, element: _Element, qname: str) -> Name:
        """The name a qualified name stands for in an element."""
        key = (id(element.prefixes), qname)
        known = self.names.get(key)
        if known is not None:
            return known
        text = qname.strip()
        prefix, colon, local = text.partition(":")
        namespace = element.prefixes.get(prefix if colon else "default")
        if not text:
            self.fail_at(element, "a name is empty")
        if namespace is None and colon:
            if prefix == "_":
                return Name(text, text)
            self.fail_at(element, f"the prefix {prefix!r} of {text!r} is not declared; "
                         f"{nearest(prefix, [p for p in element.prefixes if p != 'default'])}".rstrip("."))  # fmt: skip
        if namespace == _XSD_NAMESPACE:
            namespace = XSD
        name = unblank(Name(f"{namespace or ''}{local if colon else text}", text))
        if element.prefixes is self.stack[0].prefixes:  # of the document's element: it is there to the end
            self.names[key] = name
        return name

    def statement(self, element: _Element) -> Statement:
        self.blank(element)
        kind, subtype = SUBTYPES.get(element.local, (element.local, ""))
        roles = KINDS[kind]
        own = element.attributes.get(f"{PROV}\nid")
        arguments: list[tuple[str, Argument]] = []
        attributes: list[tuple[Name, Value]] = []
        if subtype:
            attributes.append((prov("type"), Reference(prov(subtype))))
        pairs: list[tuple[Value, Name]] = []
        keys: list[Value] = []
        for child in element.children:
            role = _ROLE_OF.get(child.local, child.local) if child.namespace == PROV else ""
            if role == "keyEntityPair" and "key-entity-set" in roles:
                pairs.append(self.pair(child))
            elif role == "key" and "key-set" in roles:
                keys.append(self.value(child))
            elif role in roles and role in TIMES:
                text = "".join(child.text)
                arguments.append((role, text.strip() if _TIME.fullmatch(text.strip()) else text))
            elif role in roles and (ref := child.attributes.get(f"{PROV}\nref")) is not None:
                arguments.append((role, self.name(child, ref)))
            elif role in roles and f"{XSI}\ntype" not in child.attributes:
                self.fail_at(child, f"prov:{child.local} needs prov:ref")
            else:
                iri = (XSD if child.namespace == _XSD_NAMESPACE else child.namespace) + child.local
                attributes.append((self.attribute(element, child, iri), self.value(child)))
        if pairs:
            arguments.append(("key-entity-set", Entries(tuple(pairs))))
        if keys:
            arguments.append(("key-set", Keys(tuple(keys))))
        if own is None and kind in ELEMENTS:
            self.fail_at(element, f"prov:{element.local} needs prov:id")
        return Statement(kind, None if own is None else self.name(element, own), tuple(arguments), tuple(attributes))

    def attribute(self, element: _Element, child: _Element, iri: str) -> Name:
        if not child.namespace:
            return Name(iri)
        prefix = next((p for p, ns in element.prefixes.items() if ns == child.namespace and p != "default"), "")
        return unblank(Name(iri, f"{prefix}:{child.local}" if prefix else child.local))

    def pair(self, element: _Element) -> tuple[Value, Name]:
        key = entity = None
        for child in element.children:
            if child.local == "key":
                key = self.value(child)
            elif child.local == "entity" and f"{PROV}\nref" in child.attributes:
                entity = self.name(child, child.attributes[f"{PROV}\nref"])
        if key is None or entity is None:
            self.fail_at(element, "prov:keyEntityPair needs prov:key and prov:entity with prov:ref")
        return key, entity

    def value(self, element: _Element) -> Value:
        text = "".join(element.text)
        if element.markup is not None:
            text = "".join(element.markup.parts)
        written = element.attributes.get(f"{XSI}\ntype")
        language = element.attributes.get(f"{XML}\nlang", "")
        if element.children:
            self.fail_at(element, f"a value of {element.local!r} holds elements")
        if written is None:
            ref = element.attributes.get(f"{PROV}\nref")
            if ref is not None and not text.strip():
                return Reference(self.name(element, ref))
            if element.markup is not None:
                return Literal(text, Name(f"{RDF}XMLLiteral"), language)
            return Literal(text, INTERNATIONALIZED if language else STRING, language, "plain")
        datatype = self.name(element, written)
        if datatype.iri in QNAME_TYPES and not language:
            return Reference(self.name(element, text), QUALIFIED_NAME)
        return Literal(text, datatype, language)


def dumps(document: Document) -> str:
    """PROV-XML text of a document, in the order of its statements. Blank identifiers nobody refers to are left out."""
    return write(document)[0]


def write(document: Document) -> tuple[str, Losses]:
    """PROV-XML text of a document, and what it cannot say."""
    losses = Losses()
    top = _Writer(document, losses)
    body = top.lines(document, "  ")
    for bundle in document.bundles:
        inside = _Writer(bundle, losses, top)
        content = inside.lines(bundle, "    ")
        name = inside.name(bundle.id, None)
        body += [
            f"  <prov:bundleContent{inside.prefixes('    ')} prov:id={_quoted(name)}>",
            *content,
            "  </prov:bundleContent>",
        ]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<prov:document{top.prefixes('    ')}>",
        *body,
        "</prov:document>",
    ]
    return "\n".join(lines) + "\n", losses


def _reference(local: str) -> str | None:
    """A local name in an attribute or a text: anything without white space."""
    return local if _QTEXT.fullmatch(local) else None


@lru_cache(maxsize=10_000)
def _element_name(local: str) -> str | None:
    if not _NCNAME.fullmatch(local):
        return None
    if not local.isascii():  # parsers differ in what they take for a letter
        try:
            expat.ParserCreate().Parse(f"<{local}/>".encode(), True)
        except expat.ExpatError:
            return None
    return local


class _Writer:
    def __init__(self, scope: Scope, losses: Losses, outer: _Writer | None = None) -> None:
        self.scope = scope
        self.losses = losses
        self.top: _Writer = outer.top if outer is not None else self
        self.blanks = scope.blanks()
        self.speller: Speller = Speller(scope, _reference, outer=outer.speller if outer else None, reserved=_RESERVED,
                                        prefix_ok=_PREFIX, namespace_ok=_NAMESPACE)  # fmt: skip
        self.tags: Speller = Speller(Document(), _element_name, reserved=_RESERVED, namespace_ok=_NAMESPACE)
        self.tags.outer = self.speller
        self.tags.prefixes = {}
        self.tags.taken = self.speller.taken
        self.tags._visible = [p for p in self.speller._visible if p[0] != "default"]
        self.xsd = next(
            (p for p, ns in self.speller._all().items() if ns in {XSD, _XSD_NAMESPACE} and p != "default"), ""
        )
        if not self.xsd:
            self.xsd = self.speller.add(XSD, "xsd")

    def prefixes(self, indent: str) -> str:
        lines = []
        if self.top is self:
            lines += [f'xmlns:prov="{PROV}"', f'xmlns:xsi="{XSI}"']
        for prefix, namespace in self.speller.declared():
            shown = _XSD_NAMESPACE if namespace == XSD else namespace
            lines.append(f"xmlns={_quoted(shown)}" if prefix == "default" else f"xmlns:{prefix}={_quoted(shown)}")
        return "".join(f"\n{indent}{line}" for line in lines)

    def lines(self, scope: Scope, indent: str) -> list[str]:
        lines: list[str] = []
        for statement in scope.statements:
            lines += (indent + line for line in self.statement(statement))
        for unknown in scope.unknown:
            if unknown.format == FORMAT:
                lines.append(f"{indent}{unknown.text}")
            else:
                self.losses.add(scope, None, f"the part {unknown.name!r} of {unknown.format} has no place in PROV-XML.")
        return lines

    def lose(self, statement: Statement | None, reason: str, *, minor: bool = False) -> None:
        self.losses.add(self.scope, statement, reason, minor=minor)

    def statement(self, statement: Statement) -> list[str]:
        kind = statement.kind
        own = ""
        if statement.id is not None and (kind in ELEMENTS or not statement.id.blank or statement.id.iri in self.blanks):
            own = f" prov:id={_quoted(self.name(statement.id, statement))}"
        order = {role: i for i, role in enumerate(KINDS[kind])}
        lines = []
        for role, argument in sorted(statement.arguments, key=lambda a: order[a[0]]):
            lines += self.argument(role, argument, statement)
        for name, value in sorted(statement.attributes, key=lambda a: _ORDER.get(a[0].iri, len(_ORDER))):
            lines += self.attribute(name, value, statement)
        if not lines:
            return [f"<prov:{kind}{own}/>"]
        return [f"<prov:{kind}{own}>", *(f"  {line}" for line in lines), f"</prov:{kind}>"]

    def argument(self, role: str, argument: Argument, statement: Statement) -> list[str]:
        if isinstance(argument, Name):
            return [f"<prov:{_ELEMENT_OF.get(role, role)} prov:ref={_quoted(self.name(argument, statement))}/>"]
        if isinstance(argument, str):
            if argument != argument.strip() and _TIME.fullmatch(argument.strip()):
                self.lose(statement, f"the white space around the time {argument!r} is left out.", minor=True)
            return [f"<prov:{role}>{_escaped(self.text(argument, statement))}</prov:{role}>"]
        if isinstance(argument, Keys):
            if not argument.keys:
                self.lose(statement, "an empty set of keys is left out.", minor=True)
            return [self.valued("prov:key", k, statement) for k in argument.keys]
        if not argument.pairs:
            self.lose(statement, "an empty set of members is left out.", minor=True)
        lines = []
        for key, entity in argument.pairs:
            lines += [
                "<prov:keyEntityPair>", f"  {self.valued('prov:key', key, statement)}",
                f"  <prov:entity prov:ref={_quoted(self.name(entity, statement))}/>", "</prov:keyEntityPair>",
            ]  # fmt: skip
        return lines

    def attribute(self, name: Name, value: Value, statement: Statement) -> list[str]:
        local = name.iri.removeprefix(PROV)
        if name.iri.startswith(PROV) and (
            (local in KINDS[statement.kind] and (local in TIMES or (isinstance(value, Literal) and not _typed(value))))
            or local in {"keyEntityPair", "key", "newDictionary", "oldDictionary"}
        ):
            self.lose(statement, f"its attribute {name.qname or name.iri} has the name of an argument; it is left out.")
            return []
        tag = self.tags.spell(name)
        if tag is None:
            self.lose(
                statement,
                f"the attribute {name.qname or name.iri} cannot be the name of an XML element; it is left out.",
            )
            return []
        return [self.valued(tag, value, statement)]

    def valued(self, tag: str, value: Value, statement: Statement) -> str:
        if isinstance(value, Reference):
            if value.datatype != QUALIFIED_NAME:
                self.lose(statement, "PROV-XML does not tell xsd:QName from prov:QUALIFIED_NAME.", minor=True)
            return f'<{tag} xsi:type="{self.xsd}:QName">{_escaped(self.name(value.name, statement))}</{tag}>'
        marks = f" xml:lang={_quoted(self.text(value.language, statement))}" if value.language else ""
        datatype = value.datatype
        if datatype.iri in QNAME_TYPES and not value.language:
            self.lose(
                statement, f"a text has the datatype {datatype.qname or datatype.iri} of names; it is written as text."
            )
            datatype = STRING
        if datatype != (INTERNATIONALIZED if value.language else STRING):
            marks += f" xsi:type={_quoted(self.name(datatype, statement))}"
        return f"<{tag}{marks}>{_escaped(self.text(value.lexical, statement))}</{tag}>"

    def text(self, text: str, statement: Statement) -> str:
        if _ILLEGAL.search(text):
            self.lose(statement, "a text holds characters that XML cannot; they are replaced.")
            return _ILLEGAL.sub("\ufffd", text)
        return text

    def name(self, name: Name, statement: Statement | None) -> str:
        spelled = self.speller.spell(name)
        if spelled is not None:
            return spelled
        self.lose(
            statement,
            f"the name {name.iri!r} holds white space or characters that XML cannot; they are percent-encoded.",
        )
        changed = re.sub(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]",
                         lambda m: "".join(f"%{b:02X}" for b in m[0].encode("utf-8", "replace")), name.iri)  # fmt: skip
        return self.speller.spell(Name(changed)) or "_"


def _typed(value: Literal) -> bool:
    return value.datatype != (INTERNATIONALIZED if value.language else STRING)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _quoted(text: str) -> str:
    escaped = _escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{escaped}"'
