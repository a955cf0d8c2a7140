"""Turtle and TriG as triples: the syntax only (RDF 1.1, W3C 2014). Nothing is fetched and no IRI is resolved against an address."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeVar
from urllib.parse import urljoin

from provgraph.errors import InvalidInput, nearest
from provgraph.prov.model import INTERNATIONALIZED, STRING, Literal, Name, xsd
from provgraph.prov.source import Source, ended
from provgraph.prov.spelling import BASE, CHARS, LETTERS

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TYPE: Final = Name(f"{RDF}type", "rdf:type")
Term = Name | Literal
_T = TypeVar("_T")

_SPACE: Final = re.compile(r"(?:\s+|#[^\n\r]*)*")
_IRIREF: Final = re.compile(r"<((?:[^\x00-\x20<>\"{}|^`\\]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*)>")
_NS: Final = rf"(?:[{BASE}](?:[{CHARS}.]*[{CHARS}])?)?:"
_PLX: Final = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
_LOCAL: Final = rf"(?:[{LETTERS}:0-9]|{_PLX})(?:(?:[{CHARS}:.]|{_PLX})*(?:[{CHARS}:]|{_PLX}))?"
_PNAME: Final = re.compile(rf"({_NS})({_LOCAL})?")
_PREFIX: Final = re.compile(_NS)
_BLANK: Final = re.compile(rf"_:[{LETTERS}0-9](?:[{CHARS}.]*[{CHARS}])?")
_STRINGS: Final = tuple(
    (quote, re.compile(pattern, re.DOTALL))
    for quote, pattern in (
        ('"""', r'"""((?:"{0,2}(?:[^"\\]|\\.))*)"""'), ("'''", r"'''((?:'{0,2}(?:[^'\\]|\\.))*)'''"),
        ('"', r'"((?:[^"\\\n\r]|\\.)*)"'), ("'", r"'((?:[^'\\\n\r]|\\.)*)'"),
    )
)  # fmt: skip
LANGUAGE: Final = re.compile(r"@([a-zA-Z]+(?:-[a-zA-Z0-9]+)*)")
_NUMBER: Final = re.compile(
    r"[+-]?(?:(?P<double>(?:\d+\.\d*|\.?\d+)[eE][+-]?\d+)|(?P<decimal>\d*\.\d+)|(?P<integer>\d+))"
)
_WORD: Final = re.compile(r"@?[A-Za-z]+")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ECHAR: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_SAFE: Final = re.compile(rf"[{LETTERS}:0-9](?:[{CHARS}:.]*[{CHARS}:])?")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
DEPTH: Final = 100


@dataclass
class Graph:
    """The triples of one graph in their order, with the prefixes that hold in the file."""

    name: Name | None
    triples: list[tuple[Name, Name, Term, int]] = field(default_factory=list)


class Parser:
    """Reads Turtle, or TriG where `trig`."""

    def __init__(self, source: Source, called: str, *, trig: bool) -> None:
        self.source = source
        self.text = source.text
        self.called = called
        self.trig = trig
        self.at = 0
        self.depth = 0
        self.prefixes: dict[str, str] = {}
        self.base = ""
        self.graphs: dict[str, Graph] = {"": Graph(None)}
        self.graph = self.graphs[""]
        self.count = 0
        self.label = "_:n"
        while self.label in self.text:
            self.label += "n"
        self.names: dict[str, Name] = {}

    def fail(self, what: str, at: int | None = None) -> NoReturn:
        line, column = self.source.place(self.at if at is None else at)
        raise InvalidInput(f"{self.source.where} is not valid {self.called} in line {line}, column {column}: {ended(what)}",
                           code=self.source.code, line=line, column=column) from None  # fmt: skip

    def here(self) -> str:
        self.space()
        rest = self.text[self.at : self.at + 30].split("\n")[0]
        return repr(rest) if rest else "the end"

    def space(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.space()
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def sign(self, sign: str) -> bool:
        self.space()
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            self.fail(f"{sign!r} is expected, not {self.here()}")

    def read(self) -> list[Graph]:
        """Every graph, the default one first."""
        while True:
            self.space()
            if self.at >= len(self.text):
                return list(self.graphs.values())
            if not self.directive():
                self.block()

    def directive(self) -> bool:
        found = _WORD.match(self.text, self.at)
        word = found[0].lower() if found else ""
        if word not in {"@prefix", "@base", "prefix", "base"} or self.text.startswith(":", self.at + len(word)):
            return False
        self.at += len(word)
        if word.endswith("prefix"):
            prefix = self.match(_PREFIX)
            if prefix is None:
                self.fail(f"a prefix with a colon is expected, not {self.here()}")
            self.prefixes[prefix[0][:-1] or "default"] = self.iri()
            self.names.clear()
        else:
            self.base = self.iri()
        if word.startswith("@"):
            self.need(".")
        return True

    def block(self) -> None:
        if self.trig:
            began = self.at
            word = _WORD.match(self.text, self.at)
            named = word is not None and word[0].upper() == "GRAPH" and not self.text.startswith(":", word.end())
            if named:
                self.at += 5
            if self.sign("{"):
                if named:
                    self.fail(f"the name of the graph is expected, not {self.here()}", began)
                self.inside(None)
                return
            self.space()
            if self.text[self.at : self.at + 1] not in {"[", "("}:
                name = self.resource()
                if self.sign("{"):
                    self.inside(name)
                    return
                if named:
                    self.need("{")
                self.at = began
        self.triples()
        self.need(".")

    def inside(self, name: Name | None) -> None:
        key = "" if name is None else name.iri
        self.graph = self.graphs.setdefault(key, Graph(name))
        while not self.sign("}"):
            self.triples()
            if not self.sign("."):
                self.need("}")
                break
        self.graph = self.graphs[""]

    def triples(self) -> None:
        self.space()
        if self.text.startswith("[", self.at):
            subject = self.anonymous()
            self.space()
            if self.text[self.at : self.at + 1] in {".", "}"}:
                return
        elif self.text.startswith("(", self.at):
            subject = self.collection()
        else:
            subject = self.resource()
        self.properties(subject)

    def properties(self, subject: Name) -> None:
        while True:
            self.space()
            at = self.at
            if self.text.startswith("a", at) and not re.match(rf"[{CHARS}:.]", self.text[at + 1 : at + 2]):
                self.at += 1
                predicate = TYPE
            else:
                predicate = self.resource()
                if predicate.blank:
                    self.fail("a property cannot be blank", at)
            while True:
                self.space()
                at = self.at
                self.graph.triples.append((subject, predicate, self.object(), at))
                if not self.sign(","):
                    break
            if not self.sign(";"):
                return
            while self.sign(";"):
                pass
            self.space()
            if self.text[self.at : self.at + 1] in {".", "]", "}", ""}:
                return

    def nested(self, one: Callable[[], _T]) -> _T:
        self.depth += 1
        if self.depth > DEPTH:
            self.fail(f"it nests more than {DEPTH} deep")
        found = one()
        self.depth -= 1
        return found

    def anonymous(self) -> Name:
        self.need("[")
        node = self.fresh()
        if not self.sign("]"):
            self.nested(lambda: self.properties(node))
            self.need("]")
        return node

    def collection(self) -> Name:
        self.need("(")
        first = last = None
        while not self.sign(")"):
            node = self.fresh()
            if last is not None:
                self.graph.triples.append((last, Name(f"{RDF}rest"), node, self.at))
            first, last = first or node, node
            self.graph.triples.append((node, Name(f"{RDF}first"), self.object(), self.at))
        nil = Name(f"{RDF}nil", "rdf:nil")
        if last is not None:
            self.graph.triples.append((last, Name(f"{RDF}rest"), nil, self.at))
        return first or nil

    def fresh(self) -> Name:
        self.count += 1
        return Name(f"{self.label}{self.count}")

    def object(self) -> Term:
        self.space()
        character = self.text[self.at : self.at + 1]
        if character == "[":
            return self.anonymous()
        if character == "(":
            return self.nested(self.collection)
        if character in {'"', "'"}:
            return self.literal()
        if found := self.match(_NUMBER):
            return Literal(found[0], xsd(found.lastgroup or ""), "", "plain")
        word = _WORD.match(self.text, self.at)
        if (
            word is not None
            and word[0] in {"true", "false"}
            and not re.match(rf"[{CHARS}:]", self.text[word.end() : word.end() + 1])
        ):
            self.at = word.end()
            return Literal(word[0], xsd("boolean"), "", "plain")
        return self.resource()

    def literal(self) -> Literal:
        began = self.at
        for quote, pattern in _STRINGS:
            if self.text.startswith(quote, self.at):
                found = pattern.match(self.text, self.at)
                if found is not None:
                    break
                if len(quote) == 3:
                    self.fail("a text has no end", began)
        else:
            self.fail("a text has no end", began)
        self.at = found.end()
        lexical = self.unescaped(found[1], began)
        if language := LANGUAGE.match(self.text, self.at):
            self.at = language.end()
            return Literal(lexical, INTERNATIONALIZED, language[1], "plain")
        if self.sign("^^"):
            return Literal(lexical, self.resource())
        return Literal(lexical, STRING, "", "plain")

    def unescaped(self, text: str, at: int) -> str:
        if "\\" not in text:
            return text

        def one(m: re.Match[str]) -> str:
            if m[3] is not None:
                if m[3] not in _ECHAR:
                    self.fail(f"there is no escape \\{m[3]}", at)
                return _ECHAR[m[3]]
            number = int(m[1] or m[2], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                self.fail(f"there is no character {m[0]}", at)
            return chr(number)

        return _ESCAPE.sub(one, text)

    def iri(self) -> str:
        self.space()
        at = self.at
        found = self.match(_IRIREF)
        if found is None:
            self.fail(f"an IRI between < and > is expected, not {self.here()}")
        iri = self.unescaped(found[1], at)
        if self.base and not _SCHEME.match(iri):
            try:
                iri = urljoin(self.base, iri)
            except ValueError:
                self.fail(f"{iri!r} is no IRI", at)
        return iri

    def resource(self) -> Name:
        self.space()
        at = self.at
        if self.text.startswith("<", at):
            return Name(self.iri())
        if found := self.match(_BLANK):
            return Name(found[0], found[0])
        found = self.match(_PNAME)
        if found is None:
            self.fail(f"a name is expected, not {self.here()}")
        known = self.names.get(found[0])
        if known is None:
            prefix = found[1][:-1] or "default"
            namespace = self.prefixes.get(prefix)
            if namespace is None:
                self.fail(f"the prefix {found[1]!r} is not declared; {nearest(prefix, self.prefixes)}".rstrip("."), at)
            local = re.sub(r"\\(.)", r"\1", found[2] or "")
            spelled = local if prefix == "default" else f"{found[1]}{local}"
            known = self.names[found[0]] = Name(namespace + local, spelled)
        return known


def iri_text(iri: str) -> str:
    """An IRI between < and >, with what may not stand there escaped."""
    return "<" + re.sub(r"[\x00-\x20<>\"{}|^`\\]", lambda m: f"\\u{ord(m[0]):04X}", iri) + ">"


def short(iri: str, prefixes: list[tuple[str, str]]) -> str:
    """An IRI with the longest of the prefixes that can spell it (sorted by length), else in full."""
    for prefix, namespace in prefixes:
        if iri.startswith(namespace) and (
            _SAFE.fullmatch(iri, len(namespace)) or (len(iri) == len(namespace) and prefix)
        ):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri_text(iri)


def text_of(text: str) -> str:
    """A string in quotes."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04X}", escaped) + '"'


#: What a blank node may be called.
LABEL: Final = _BLANK
PREFIX_NAME: Final = re.compile(rf"[{BASE}](?:[{CHARS}.]*[{CHARS}])?")
