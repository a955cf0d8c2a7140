"""PROV-N in and out: the notation of the recommendation, one statement a line (PROV-N, W3C 2013).

What the recommendation has no notation for is written as ProvToolbox does, under the prefix ``provext``: identifiers and
attributes of alternateOf, specializationOf, hadMember and mentionOf.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn, TypeVar

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
    other_namespace,
    xsd,
)  # fmt: skip
from provgraph.prov.source import Source, ended, open_source
from provgraph.prov.spelling import BASE, CHARS, LETTERS, Speller, unblank

FORMAT: Final = "prov-n"
CODE: Final = "prov_n_invalid"
EXTENSION: Final = "http://openprovenance.org/prov/extension#"
#: Relations that PROV-N writes without an identifier and without attributes (section 3.5 and 3.6).
_BARE: Final = frozenset({"specializationOf", "alternateOf", "mentionOf", "hadMember"})
#: Arguments that always stand there, where others are optional; those stand there all or not at all.
_NEEDED: Final = {"activity": 1, "wasGeneratedBy": 1, "used": 1, "wasStartedBy": 1, "wasEndedBy": 1, "wasInvalidatedBy": 1,
                  "wasAssociatedWith": 1, "wasDerivedFrom": 2, "actedOnBehalfOf": 2}  # fmt: skip
_DICTIONARY: Final = frozenset({"derivedByInsertionFrom", "derivedByRemovalFrom", "hadDictionaryMember"})

# Section 3.7.1 and the grammar: PN_LOCAL with PN_CHARS_OTHERS and PN_CHARS_ESC.
_OTHERS = r"/@~&+*?#$!"
_ESCAPABLE = r"=',():;\[\].\-"
_MID = rf"[{CHARS}{_OTHERS}]|%[0-9A-Fa-f]{{2}}|\\[{_ESCAPABLE}\"\\]"
_FIRST = rf"[{LETTERS}0-9{_OTHERS}]|%[0-9A-Fa-f]{{2}}|\\[{_ESCAPABLE}\"\\]"
_LOCAL = rf"(?:{_FIRST})(?:(?:{_MID}|\.)*(?:{_MID}))?"
_QNAME: Final = re.compile(rf"(?:[{BASE}](?:[{CHARS}.]*[{CHARS}])?:(?:{_LOCAL})?)|{_LOCAL}")
_RAW: Final = re.compile(rf"(?:[{LETTERS}0-9{_OTHERS}]|%[0-9A-Fa-f]{{2}})(?:(?:[{CHARS}{_OTHERS}]|%[0-9A-Fa-f]{{2}}|\.)*"
                         rf"(?:[{CHARS}{_OTHERS}]|%[0-9A-Fa-f]{{2}}))?")  # fmt: skip
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNWRITABLE: Final = re.compile(rf"[^{CHARS}{_OTHERS}%{_ESCAPABLE}]")
_SPACE: Final = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TIME: Final = re.compile(
    r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_LONG: Final = re.compile(r'"""((?:"{0,2}(?:[^"\\]|\\.))*)"""', re.DOTALL)
_SHORT: Final = re.compile(r'"((?:[^"\\\n\r]|\\.)*)"')
_LANGUAGE: Final = re.compile(r"[a-zA-Z]+(?:-[a-zA-Z0-9]+)*")
_INTEGER: Final = re.compile(r"-?[0-9]+")
_NAMESPACE: Final = re.compile(r"<([^<>\"{}|^`\\\x00-\x20]*)>")
_WORD: Final = re.compile(r"[A-Za-z]+")
_ECHAR: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_LOOKAHEAD: Final = 1 << 16
_T = TypeVar("_T")


def read(source: str | bytes | Path) -> Document:
    """A PROV-N document from a path or from its text.

    Raises
    ------
    InvalidInput : code ``prov_n_invalid``, with line and column of the place in the sentence and in the details.
    FileUnreadable : where the file cannot be read.
    """
    with open_source(source, code=CODE, whole=True) as opened:
        document = Document()
        for scope, statement in _Reader(opened, document).walk():
            scope.statements.append(statement)
        return document


def statements(source: str | bytes | Path) -> Iterator[tuple[Scope, Statement]]:
    """Every statement of a file with the scope it stands in, one after the other; memory holds only what is being read."""
    with open_source(source, code=CODE) as opened:
        for scope, statement in _Reader(opened, Document()).walk():
            yield scope, statement
            scope.forget()


class _Reader:
    def __init__(self, source: Source, document: Document) -> None:
        self.source = source
        self.document = document
        self.scope: Scope = document
        self.at = 0

    def fail(self, what: str, at: int | None = None) -> NoReturn:
        line, column = self.source.place(self.at if at is None else at)
        raise InvalidInput(f"{self.source.where} is not valid PROV-N in line {line}, column {column}: {ended(what)}",
                           code=CODE, line=line, column=column)  # fmt: skip

    def here(self) -> str:
        """What stands here, for a message."""
        self.space()
        rest = self.source.text[self.at : self.at + 30].split("\n")[0]
        return repr(rest) if rest else "the end"

    def space(self) -> None:
        self.at = _SPACE.match(self.source.text, self.at).end()  # type: ignore[union-attr]

    def try_(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.space()
        found = pattern.match(self.source.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def sign(self, sign: str) -> bool:
        self.space()
        if self.source.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            self.fail(f"{sign!r} is expected, not {self.here()}")

    def word(self, word: str) -> bool:
        """A keyword, which no character of a name follows."""
        self.space()
        end = self.at + len(word)
        if self.source.text.startswith(word, self.at) and not re.match(
            rf"[{CHARS}:.]", self.source.text[end : end + 1]
        ):
            self.at = end
            return True
        return False

    def refill(self) -> bool:
        dropped = self.source.more(self.at)
        if dropped is None:
            return False
        self.at -= dropped
        return True

    def complete(self, part: Callable[[], Statement | None]) -> Statement | None:
        """What a part of the grammar reads, with as much of the file as it needs."""
        while len(self.source.text) - self.at < _LOOKAHEAD and self.refill():
            pass
        while True:
            began = self.at
            try:
                return part()
            except InvalidInput:
                self.at = began
                if not self.refill():
                    raise

    def walk(self) -> Iterator[tuple[Scope, Statement]]:
        self.complete(self.opening)
        while (found := self.complete(self.item)) is not None or not self.ended:
            if found is not None:
                yield self.scope, found
        self.space()
        if self.at < len(self.source.text):
            self.fail(f"nothing may follow endDocument, but here is {self.here()}")

    def opening(self) -> None:
        if not self.word("document"):
            self.fail(f"a document begins with 'document', not {self.here()}")
        self.ended = False
        self.declarations(self.document)

    def declarations(self, scope: Scope) -> None:
        while True:
            self.space()
            began = self.at
            if self.word("prefix"):
                self.space()
                found = _QNAME.match(self.source.text, self.at)
                if found is None or ":" in found[0]:
                    if self.source.text.startswith("(", self.at):
                        self.at = began
                        return
                    self.fail(f"a prefix is expected, not {self.here()}")
                self.at = found.end()
                prefix = found[0]
            elif self.word("default"):
                prefix = "default"
            else:
                return
            namespace = self.try_(_NAMESPACE)
            if namespace is None:
                self.fail(f"a namespace between < and > is expected, not {self.here()}")
            if (other := other_namespace(scope.prefixes, prefix, namespace[1])) is not None:
                self.fail(f"the prefix {prefix!r} is declared twice, for {other!r} and for {namespace[1]!r}", began)
            scope.prefixes[prefix] = namespace[1]

    def item(self) -> Statement | None:
        """The next statement, or None where a bundle begins or something ends."""
        if self.word("endDocument"):
            if isinstance(self.scope, Bundle):
                self.fail("the bundle has no endBundle", self.at - len("endDocument"))
            self.ended = True
            return None
        if self.word("endBundle"):
            if not isinstance(self.scope, Bundle):
                self.fail("no bundle is open here", self.at - len("endBundle"))
            self.scope = self.document
            return None
        if self.word("bundle"):
            if isinstance(self.scope, Bundle):
                self.fail("a bundle cannot hold bundles", self.at - len("bundle"))
            self.bundle()
            return None
        return self.expression()

    def bundle(self) -> None:
        began = self.at
        found = self.try_(_QNAME)
        if found is None:
            self.fail(f"the name of the bundle is expected, not {self.here()}")
        bundle = Bundle(Name(""), outer=self.document)
        self.declarations(bundle)
        # The identifier belongs to the document's scope; some writers declare its prefix only inside.
        inside = not self.document.knows(found[0])
        bundle.id = self.named(bundle if inside else self.document, found[0], began)
        self.document.bundles.append(bundle)
        self.scope = bundle

    def expression(self) -> Statement | None:
        self.space()
        began = self.at
        found = self.try_(_QNAME)
        if found is None:
            self.fail(f"a statement is expected, not {self.here()}" if self.at < len(self.source.text)
                      else f"it ends without {'endBundle' if isinstance(self.scope, Bundle) else 'endDocument'}")  # fmt: skip
        kind = found[0]
        if ":" in kind:
            iri = self.named(self.scope, kind, began).iri
            local = next((iri[len(ns) :] for ns in (PROV, EXTENSION) if iri.startswith(ns)), "")
            if local in KINDS:
                kind = local
            else:
                self.unknown(kind, began)
                return None
        elif kind not in KINDS:
            self.fail(f"there is no kind of statement called {kind!r}; {nearest(kind, KINDS)}".rstrip("."), began)
        self.need("(")
        return self.statement(kind)

    def unknown(self, name: str, began: int) -> None:
        """An expression of an extension: kept as it stands, to the bracket that closes it."""
        self.need("(")
        depth = 1
        while depth:
            if self.try_(_LONG) or self.try_(_SHORT) or self.try_(_QUOTED):
                continue
            self.space()
            character = self.source.text[self.at : self.at + 1]
            if not character:
                self.fail(f"the expression {name} has no end", began)
            depth += (character == "(") - (character == ")")
            self.at += 1 if character != "\\" else 2
        self.scope.unknown.append(Unknown(FORMAT, name, self.source.text[began : self.at]))

    def statement(self, kind: str) -> Statement:
        roles = KINDS[kind]
        identifier: Name | None = None
        arguments: list[tuple[str, Argument]] = []
        attributes: tuple[tuple[Name, Value], ...] = ()
        dashes: list[str] = []
        if kind in ELEMENTS:
            identifier = self.name()
            more = self.sign(",")
        else:
            identifier = self.identifier()
            more = True
        waiting = list(roles)
        while more:
            self.space()
            if self.source.text.startswith("[", self.at):
                attributes = self.attributes()
                break
            if not waiting:
                if kind == "hadDictionaryMember" and len(arguments) == 2:
                    arguments = self.member(arguments)
                    more = self.sign(",")
                    continue
                self.fail(f"{kind} has no further argument, but here is {self.here()}")
            role = waiting.pop(0)
            argument = self.argument(role, kind)
            if argument is None:
                dashes.append(role)
            else:
                arguments.append((role, argument))
            more = self.sign(",")
        if kind == "hadDictionaryMember" and len(arguments) == 2 and isinstance(arguments[1][1], Name):
            self.fail("hadDictionaryMember needs the key of its member")
        self.need(")")
        return Statement(kind, identifier, tuple(arguments), attributes, tuple(dashes))

    def identifier(self) -> Name | None:
        """What stands before ``;``, if there is one."""
        self.space()
        began = self.at
        if self.sign("-"):
            if self.sign(";"):
                return None
        elif found := self.try_(_QNAME):
            at = self.at
            if self.sign(";"):
                return self.named(self.scope, found[0], at - len(found[0]))
        self.at = began
        return None

    def argument(self, role: str, kind: str) -> Argument | None:
        if role in TIMES:
            if found := self.try_(_TIME):
                return found[0]
        elif role == "key-set":
            if self.sign("{"):
                return Keys(tuple(self.several(self.value)))
        elif role == "key-entity-set" and self.sign("{"):
            return Entries(tuple(self.several(self.pair)))
        if self.sign("-"):
            return None
        if role in TIMES:
            self.fail(f"a time such as 2026-11-21T12:00:00Z or - is expected for {role!r} of {kind}, not {self.here()}")
        if role == "key-set":
            self.fail(f"a set of keys is expected, not {self.here()}")
        return self.name()

    def member(self, arguments: list[tuple[str, Argument]]) -> list[tuple[str, Argument]]:
        """The key behind its member, as hadDictionaryMember has them."""
        entity = arguments[1][1]
        if not isinstance(entity, Name):
            self.fail(f"hadDictionaryMember has no further argument, but here is {self.here()}")
        return [arguments[0], ("key-entity-set", Entries(((self.value(), entity),)))]

    def pair(self) -> tuple[Value, Name]:
        self.need("(")
        key = self.value()
        self.need(",")
        entity = self.name()
        self.need(")")
        return key, entity

    def several(self, one: Callable[[], _T]) -> list[_T]:
        found: list[_T] = []
        if self.sign("}"):
            return found
        while True:
            found.append(one())
            if self.sign("}"):
                return found
            self.need(",")

    def attributes(self) -> tuple[tuple[Name, Value], ...]:
        self.need("[")
        if self.sign("]"):
            return ()
        found = []
        while True:
            name = self.name()
            self.need("=")
            found.append((name, self.value()))
            if self.sign("]"):
                return tuple(found)
            self.need(",")

    def name(self) -> Name:
        found = self.try_(_QNAME)
        if found is None:
            self.fail(f"a name is expected, not {self.here()}")
        return self.named(self.scope, found[0], found.start())

    def named(self, scope: Scope, qname: str, at: int) -> Name:
        try:
            name = scope.name(qname)
        except InvalidInput as e:
            self.fail(e.message[0].lower() + e.message[1:].rstrip("."), at)
        return unblank(name)

    def value(self) -> Value:
        if found := self.try_(_LONG) or self.try_(_SHORT):
            return self.literal(_unescaped(found[1]))
        if found := self.try_(_QUOTED):
            return Reference(self.named(self.scope, found[1], found.start(1)), QUALIFIED_NAME)
        if found := self.try_(_INTEGER):
            return Literal(found[0], xsd("int"), "", "plain")
        self.fail(f"a value is expected, not {self.here()}")

    def literal(self, lexical: str) -> Value:
        if self.sign("@"):
            found = self.try_(_LANGUAGE)
            if found is None:
                self.fail(f"a language is expected, not {self.here()}")
            return Literal(lexical, INTERNATIONALIZED, found[0], "plain")
        if not self.sign("%%"):
            return Literal(lexical, STRING, "", "plain")
        began = self.at
        datatype = self.name()
        if datatype.iri in QNAME_TYPES:
            if not _QNAME.fullmatch(lexical):
                self.fail(f"{lexical!r} is no qualified name", began)
            return Reference(self.named(self.scope, lexical, began), datatype)
        return Literal(lexical, datatype)


_QUOTED: Final = re.compile(rf"'({_QNAME.pattern})'")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ECHAR.get(m[1], m[1]), text, flags=re.DOTALL) if "\\" in text else text


def dumps(document: Document) -> str:
    """PROV-N text of a document, in the order of its statements. Blank identifiers nobody refers to are left out."""
    return write(document)[0]


def write(document: Document) -> tuple[str, Losses]:
    """PROV-N text of a document, and what it cannot say."""
    losses = Losses()
    top = _Writer(document, losses)
    body = top.lines(document)
    bundles: list[str] = []
    for bundle in document.bundles:
        inside = _Writer(bundle, losses, top)
        content = inside.lines(bundle)
        name = top.speller.spell(bundle.id)
        if name is None:
            name = top.name(bundle.id, None, bundle)
        bundles += ["", f"  bundle {name}", *(f"  {line}" for line in (*inside.prefixes(), *content)), "  endBundle"]
    return "\n".join(("document", *top.prefixes(), *body, *bundles, "endDocument")) + "\n", losses


def escaped(local: str) -> str | None:
    """A local name in PROV-N, None where the grammar has no way to write it."""
    if not local or _RAW.fullmatch(local):
        return local
    if _UNWRITABLE.search(local) or _PERCENT.search(local):
        return None
    text = re.sub(r"([=',():;\[\]])", r"\\\1", local)
    if text[0] in "-." or (text[0] >= "\u00b7" and not re.match(_FIRST, text)):
        text = f"\\{text}"
    if text[-1] == "." and text[-2:] != "\\.":
        text = f"{text[:-1]}\\."
    return text if re.fullmatch(_LOCAL, text) else None


class _Writer:
    def __init__(self, scope: Scope, losses: Losses, outer: _Writer | None = None) -> None:
        self.scope = scope
        self.losses = losses
        self.blanks = scope.blanks()
        self.speller: Speller = Speller(scope, escaped, outer=outer.speller if outer else None, colons=True)

    def prefixes(self) -> list[str]:
        return [f"  default <{ns}>" if p == "default" else f"  prefix {p} <{ns}>" for p, ns in self.speller.declared()]

    def lines(self, scope: Scope) -> list[str]:
        lines = [self.line(s) for statement in scope.statements for s in statement.single()]
        for unknown in scope.unknown:
            if unknown.format == FORMAT:
                lines.append(f"  {unknown.text}")
            else:
                self.losses.add(
                    scope, None, f"the section {unknown.name!r} of {unknown.format} has no place in PROV-N."
                )
        return lines

    def lose(self, statement: Statement | None, reason: str) -> None:
        self.losses.add(self.scope, statement, reason)

    def line(self, statement: Statement) -> str:
        kind, roles = statement.kind, KINDS[statement.kind]
        places: list[str] = []
        for role in roles:
            found = [a for r, a in statement.arguments if r == role]
            if len(found) > 1:
                self.lose(
                    statement, f"it has {len(found)} arguments in the role {role!r}; PROV-N has one, the first is kept."
                )
            places.append(self.argument(role, found[0], statement) if found else "-")
        identifier = ""
        named = statement.id is not None and (not statement.id.blank or statement.id.iri in self.blanks)
        if kind in ELEMENTS:
            own = statement.id
            places.insert(0, "-" if own is None else self.name(own, statement))
        elif named and statement.id is not None:
            identifier = f"{self.name(statement.id, statement)}; "
        if (statement.dashes == () or (kind == "activity" and not statement.dashes)) and all(
            p == "-" for p in places[_NEEDED.get(kind, 9) :]
        ):
            places = places[: _NEEDED.get(kind, 9)]
        if kind == "hadDictionaryMember":
            places = self.membership(statement, places)
        attributes = ", ".join(f"{self.name(n, statement)}={self.value(v, statement)}" for n, v in statement.attributes)
        if attributes:
            places.append(f"[{attributes}]")
        word = kind
        if kind in _DICTIONARY:
            word = f"prov:{kind}"
        elif kind in _BARE and (attributes or identifier):
            word = self.name(Name(EXTENSION + kind), statement)
        return f"  {word}({identifier}{', '.join(places)})"

    def membership(self, statement: Statement, places: list[str]) -> list[str]:
        entries = statement.argument("key-entity-set")
        if isinstance(entries, Entries) and len(entries.pairs) == 1 and places[0] != "-":
            [(key, entity)] = entries.pairs
            return [places[0], self.name(entity, statement), self.value(key, statement)]
        return places

    def argument(self, role: str, argument: Argument, statement: Statement) -> str:
        if isinstance(argument, Name):
            return self.name(argument, statement)
        if isinstance(argument, Entries):
            pairs = (f"({self.value(k, statement)}, {self.name(e, statement)})" for k, e in argument.pairs)
            return "{" + ", ".join(pairs) + "}"
        if isinstance(argument, Keys):
            return "{" + ", ".join(self.value(k, statement) for k in argument.keys) + "}"
        if not _TIME.fullmatch(argument):
            self.lose(statement, f"{role} {argument!r} is no xsd:dateTime; it is left out.")
            return "-"
        return argument

    def name(self, name: Name, statement: Statement | None, scope: Scope | None = None) -> str:
        spelled = self.speller.spell(name)
        if spelled is not None:
            return spelled
        changed = Name(re.sub(_UNWRITABLE, lambda m: "".join(f"%{b:02X}" for b in m[0].encode("utf-8", "replace")),
                              _PERCENT.sub("%25", name.iri)))  # fmt: skip
        self.losses.add(scope or self.scope, statement,
                        f"the name {name.iri!r} holds characters that PROV-N cannot; they are percent-encoded.")  # fmt: skip
        return self.speller.spell(changed) or "-"

    def value(self, value: Value, statement: Statement) -> str:
        if isinstance(value, Reference):
            name = self.name(value.name, statement)
            if value.datatype == QUALIFIED_NAME:
                return f"'{name}'"
            return f"{_quoted(name)} %% {self.name(value.datatype, statement)}"
        text = value.lexical
        if _SURROGATE.search(text):
            self.lose(statement, "a text holds half of a surrogate pair, which no encoding can; it is replaced.")
            text = _SURROGATE.sub("\ufffd", text)
        if value.language:
            if value.datatype != INTERNATIONALIZED:
                self.lose(statement, f"a value has a language and the datatype {value.datatype.qname or value.datatype.iri}; "
                          "the datatype is left out.")  # fmt: skip
            if _LANGUAGE.fullmatch(value.language):
                return f"{_quoted(text)}@{value.language}"
            self.lose(statement, f"{value.language!r} is no language tag; it is left out.")
        if value.datatype.iri in QNAME_TYPES:
            self.lose(statement, f"a text has the datatype {value.datatype.qname or value.datatype.iri} of names; it is written "
                      "as text.")  # fmt: skip
            return _quoted(text)
        if value.datatype == STRING:
            return _quoted(text)
        return f"{_quoted(text)} %% {self.name(value.datatype, statement)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for character, letter in (("\r", "r"), ("\b", "b"), ("\f", "f"), ("\t", "t")):
        escaped = escaped.replace(character, f"\\{letter}")
    return f'"""{escaped}"""' if "\n" in escaped else f'"{escaped}"'
