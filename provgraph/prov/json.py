"""PROV-JSON in and out: every statement, repetition, lexical form, datatype, language and scope survives.

W3C member submission PROV-JSON (2013), with the PROV-Dictionary and ``mentionOf`` sections that ProvToolbox writes.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, Final, NoReturn

from provgraph.errors import InvalidInput, nearest
from provgraph.names import PROV
from provgraph.prov.losses import Losses
from provgraph.prov.model import (
    INTERNATIONALIZED,
    KINDS,
    QNAME_TYPES,
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
    other_namespace,
    xsd,
)  # fmt: skip
from provgraph.prov.source import HALF, Source, ended, half_pair, open_source, printable

Pointer = tuple[str | int, ...]
Fields = tuple[tuple[str, Any], ...]
FORMAT: Final = "prov-json"
CODE: Final = "prov_json_invalid"
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# The usual case in one step; what they do not match is read step by step.
_KEY: Final = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_NEXT: Final = re.compile(r"[ \t\n\r]*([,}])[ \t\n\r]*")
_PREFIX_FIRST: Final = re.compile(r'\s*\{\s*"prefix"')
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SPACES: Final = {"", " ", "\t", "\n", "\r"}
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def read(source: str | bytes | Path) -> Document:
    """A PROV-JSON document from a path or from its text.

    Raises
    ------
    InvalidInput : code ``prov_json_invalid``, with line and JSON pointer of the place in the sentence and in the details.
    FileUnreadable : where the file cannot be read.
    """
    with open_source(source, code=CODE, whole=True) as opened, without_collector():
        document = Document()
        for scope, statement in _Reader(opened, document).walk():
            scope.statements.append(statement)
        return document


@contextmanager
def without_collector() -> Iterator[None]:
    """What is read holds no cycles: to look for them again and again while it grows takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def statements(source: str | bytes | Path) -> Iterator[tuple[Scope, Statement]]:
    """Every statement of a file with the scope it stands in, one after the other; memory holds only what is being read.

    The file is gone through twice, because prefixes may stand behind the statements that use them.
    """
    with open_source(source, code=CODE) as opened:
        for scope, statement in _Reader(opened, Document()).walk():
            yield scope, statement
            scope.forget()


def dumps(document: Document, *, indent: int | None = 2) -> str:
    """PROV-JSON text of a document; the same document gives the same text."""
    return write(document, indent=indent)[0]


def write(document: Document, *, indent: int | None = 2) -> tuple[str, Losses]:
    """PROV-JSON text of a document, and the little it cannot say."""
    writer = _Writer(document)
    text = render(writer.document(), indent) + "\n"
    return encodable(text, document, writer.losses), writer.losses


def pointer_text(path: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    for kind, word in (
        (tuple, "an object"), (list, "a list"), (Number, "a number"), (str, "a text"), (bool, "true or false"),
    ):  # fmt: skip
        if isinstance(value, kind):
            return word
    return "null"


class Scanner:
    """Goes through JSON text value by value: objects are tuples of pairs, so repeated keys are kept; numbers keep their digits."""

    def __init__(self, source: Source, called: str = "PROV-JSON") -> None:
        self.source = source
        self.called = called
        self.at = 0
        decoder = json.JSONDecoder(
            object_pairs_hook=tuple,  # type: ignore[arg-type]
            parse_int=Number, parse_float=Number, parse_constant=self._constant,
        )  # fmt: skip
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]

    def rewind(self) -> None:
        self.source.rewind()
        self.at = 0

    def _constant(self, word: str) -> NoReturn:
        self.fail(f"{word} is not a JSON value")

    def fail(self, what: str, at: int | None = None, path: Pointer = ()) -> NoReturn:
        line, column = self.source.place(self.at if at is None else at)
        pointer = pointer_text(path)
        where = f"{self.source.where} is not valid {self.called}{f' at {printable(pointer)}' if pointer else ''}"
        raise InvalidInput(f"{where}: {what}, in line {line}, column {column}.",
                           code=self.source.code, pointer=pointer, line=line, column=column)  # fmt: skip

    def peek(self) -> str:
        """The next character that is not white space; '' at the end."""
        while True:
            text = self.source.text
            self.at = _SPACE.match(text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(text):
                return text[self.at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        dropped = self.source.more(self.at)
        if dropped is None:
            return False
        self.at -= dropped
        return True

    def take(self, character: str) -> None:
        if (found := self.peek()) != character:
            self.fail(f"{character!r} is expected" if found else f"it ends where {character!r} is expected")
        self.at += 1

    def value(self, path: Pointer = ()) -> Any:
        """The value that begins here, at `path` for errors; `start` is its position until the next call."""
        while True:
            try:
                value, end = self._scan(self.source.text, self.at)
            except StopIteration as e:
                if e.value == self.at and self.source.text[self.at : self.at + 1] in _SPACES:
                    if self.peek():
                        continue
                    self.fail("it ends where a value is expected")
                if not self._more():
                    self.fail("a value is expected", e.value)
            except json.JSONDecodeError as e:
                if not self._more():
                    self.fail(e.msg[0].lower() + e.msg[1:].removesuffix(" at"), e.pos)
            except RecursionError:
                self.too_deep()
            else:
                if end < len(self.source.text) or not self._more():  # a number at the end of a part may go on
                    self.start, self.at = self.at, end
                    if self.source.text.find("\\u", self.start, end) >= 0:
                        self._check_pairs(value, path)
                    return value

    def _check_pairs(self, value: Any, path: Pointer) -> None:
        """No text may hold half of a surrogate pair, which only an escape can say: it cannot be stored or written as UTF-8."""
        place = half_pair(self.source.text, self.start, self.at)
        if place is not None:
            self.fail(HALF, place, (*path, *_half(value)))

    def too_deep(self) -> NoReturn:
        line, column = self.source.place(self.at)
        raise InvalidInput(f"{self.source.where} nests deeper than any PROV document, from line {line}, column {column}.",
                           code=self.source.code, pointer="", line=line, column=column) from None  # fmt: skip

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; whoever asks takes each value before the next key."""
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            if found := _KEY.match(self.source.text, self.at):
                key = found[1]
                self.at = found.end()
            else:
                if self.peek() != '"':
                    self.fail("a key in double quotes is expected")
                key = self.value()
                self.take(":")
            yield key
            if found := _NEXT.match(self.source.text, self.at):
                self.at = found.end()
                if found[1] == "}":
                    return
            elif self.peek() == "}":
                self.at += 1
                return
            else:
                self.take(",")

    def elements(self) -> Iterator[int]:
        """The positions of the list that begins here; whoever asks takes each value before the next."""
        self.take("[")
        if self.peek() != "]":
            number = 0
            while True:
                self.peek()
                yield number
                number += 1
                if self.peek() == "]":
                    break
                self.take(",")
        self.at += 1

    def end(self) -> None:
        if self.peek():
            self.fail("something follows the document")

    def find(self, start: int, path: Pointer) -> tuple[int, int]:
        """Line and column of a place inside the value that begins at `start`."""
        text, at = self.source.text, start
        for step in path:
            at = _inside(text, at, step, self._scan)
        return self.source.place(at)


def _half(value: Any) -> Pointer:
    """Where the first text with half of a surrogate pair stands in a value."""
    todo: list[tuple[Pointer, Any]] = [((), value)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str):
            if _SURROGATE.search(value):
                return path
        elif isinstance(value, tuple):
            for key, inside in reversed(value):
                todo.append(((*path, key), inside))
                if _SURROGATE.search(key):
                    return path
        elif isinstance(value, list):
            todo += [((*path, n), inside) for n, inside in reversed(list(enumerate(value)))]
    return ()


def _inside(text: str, at: int, step: str | int, scan: Callable[[str, int], tuple[Any, int]]) -> int:
    """Where a member of the object or list at a position stands; the position itself where it has none."""

    def skip(at: int) -> int:
        return _SPACE.match(text, at).end()  # type: ignore[union-attr]

    here, number = skip(at + 1), 0
    try:
        while text[here] not in "]}":
            place = here
            if text[at] == "{":
                key, here = scan(text, here)
                here = skip(skip(here) + 1)
                if step in (key, number):
                    return place
            elif number == step:
                return place
            _, here = scan(text, here)
            here = skip(here)
            if text[here] == ",":
                here = skip(here + 1)
            number += 1
    except (StopIteration, IndexError, ValueError):
        pass
    return at


class _Reader:
    def __init__(self, source: Source, document: Document) -> None:
        self.where = source.where
        self.json = Scanner(source)
        self.document = document
        self.base: Pointer = ()  # of the value that was scanned last

    def fail(self, at: Pointer, what: str, *, place: Pointer | None = None, **details: Any) -> NoReturn:
        """place : the same with the number of a member of an object, whose key stands there twice."""
        place = at if place is None else place
        pointer = pointer_text(at)
        if self.base == place[: len(self.base)] and hasattr(self.json, "start"):
            line, column = self.json.find(self.json.start, place[len(self.base) :])
        else:
            line, column = self.json.source.place(self.json.at)
        raise InvalidInput(f"{self.where} is not valid PROV-JSON at {printable(pointer) or 'its top'}, line {line}: {ended(what)}",
                           code=CODE, pointer=pointer, line=line, column=column, **details)  # fmt: skip

    def value_at(self, at: Pointer) -> Any:
        value = self.json.value(at)
        self.base = at
        return value

    def keys(self, at: Pointer, what: str) -> Iterator[str]:
        """The keys of an object that is read member by member."""
        if self.json.peek() != "{":
            self.fail(at, f"{what} must be an object, not {kind_of(self.value_at(at))}")
        return self.json.members()

    def object(self, value: Any, at: Pointer, what: str) -> Fields:
        if not isinstance(value, tuple):
            self.fail(at, f"{what} must be an object, not {kind_of(value)}")
        return value

    def name(self, scope: Scope, value: Any, at: Pointer, what: str) -> Name:
        known = scope._known.get(value) if type(value) is str else None
        if known is not None:
            return known
        if type(value) is not str:
            self.fail(at, f"{what} must be the text of a name, not {kind_of(value)}")
        try:
            return scope.name(value)
        except InvalidInput as e:
            self.fail(at, e.message[0].lower() + e.message[1:].rstrip("."), name=value)

    def walk(self) -> Iterator[tuple[Scope, Statement]]:
        """Fill the document's prefixes, bundles and unknown parts; give each statement with its scope."""
        text = self.json.source.text
        if self.json.source.whole and text.count('"prefix"') == 1 and _PREFIX_FIRST.match(text):
            prefixes: Iterator[dict[str, str]] = repeat({})  # they are read where they stand
        else:
            prefixes = iter(self.prefixes())
            self.json.rewind()
        document = self.document
        document.prefixes = dict(next(prefixes))
        for section in self.keys((), "a document"):
            if section != "bundle":
                yield from self.section(document, section, ())
                continue
            for key in self.keys(("bundle",), "the bundles"):
                at = ("bundle", key)
                if self.json.peek() == "[":
                    for i in self.json.elements():
                        yield from self.bundle(key, next(prefixes), (*at, i))
                else:
                    yield from self.bundle(key, next(prefixes), at)
        self.json.end()

    def prefixes(self) -> list[dict[str, str]]:
        """Of every scope in the order they stand: the document, then its bundles."""
        found: list[dict[str, str]] = [{}]

        def scope(at: Pointer) -> None:
            declared = found[-1]
            for section in self.keys(at, "a bundle" if at else "a document"):
                place = (*at, section)
                if section == "prefix":
                    self.declare(declared, place)
                elif section == "bundle" and not at:
                    for key in self.keys(place, "the bundles"):
                        if self.json.peek() == "[":
                            for i in self.json.elements():
                                found.append({})
                                scope((*place, key, i))
                        else:
                            found.append({})
                            scope((*place, key))
                elif self.json.peek() == "{":
                    for key in self.json.members():
                        self.json.value((*place, key))
                else:
                    self.json.value(place)

        scope(())
        return found

    def declare(self, declared: dict[str, str], at: Pointer) -> None:
        for n, (prefix, namespace) in enumerate(self.object(self.value_at(at), at, "the prefixes")):
            if type(namespace) is not str:
                self.fail((*at, prefix), f"a namespace must be text, not {kind_of(namespace)}")
            if (other := other_namespace(declared, prefix, namespace)) is not None:
                what = f"the prefix {prefix!r} is declared twice, for {other!r} and for {namespace!r}"
                self.fail((*at, prefix), what, place=(*at, n))
            declared[prefix] = namespace

    def bundle(self, key: str, prefixes: dict[str, str], at: Pointer) -> Iterator[tuple[Scope, Statement]]:
        document = self.document
        bundle = Bundle(Name(""), prefixes, document)
        # The identifier belongs to the document's scope; some writers declare its prefix only inside.
        inside = not document.knows(key)
        bundle.id = self.name(bundle if inside else document, key, at, "a bundle's identifier")
        document.bundles.append(bundle)
        for section in self.keys(at, "a bundle"):
            if section == "bundle":
                self.fail((*at, section), "a bundle cannot hold bundles")
            if section == "@id":
                place = (*at, section)
                if self.name(bundle, self.value_at(place), place, "@id") != bundle.id:
                    self.fail(place, f"@id differs from the bundle's key {key!r}")
                continue
            yield from self.section(bundle, section, at)

    def section(self, scope: Scope, kind: str, at: Pointer) -> Iterator[tuple[Scope, Statement]]:
        at = (*at, kind)
        roles = KINDS.get(kind)
        if roles is None:
            self.unknown(scope, kind, at)
            return
        places: dict[str, str | Name] = {}
        for key in self.keys(at, f"the {kind} statements"):
            place = (*at, key)
            record = self.value_at(place)
            identifier = self.name(scope, key, place, "an identifier")
            if type(record) is tuple:
                yield scope, self.statement(scope, kind, roles, identifier, record, place, places)
            else:
                for where, member in _each(record, place):
                    yield scope, self.statement(scope, kind, roles, identifier, member, where, places)

    def unknown(self, scope: Scope, kind: str, at: Pointer) -> None:
        if kind == "prefix":
            self.declare(scope.prefixes, at)
            return
        value = self.value_at(at)
        if (
            isinstance(value, tuple) and kind.isalpha()
        ):  # what looks like statements, and would be lost by a slip of the pen
            self.fail(at, f"there is no kind of statement called {kind!r}; {nearest(kind, KINDS)}")
        text = self.json.source.text[self.json.start : self.json.at]
        scope.unknown.append(Unknown(FORMAT, kind, text))

    def statement(self, scope: Scope, kind: str, roles: tuple[str, ...], identifier: Name, record: Any, at: Pointer,
                  places: dict[str, str | Name]) -> Statement:  # fmt: skip
        arguments: list[tuple[str, Argument]] = []
        attributes: list[tuple[Name, Value]] = []
        known = scope._known
        for key, content in record if type(record) is tuple else self.object(record, at, "a statement"):
            place = places.get(key)
            if place is None:
                name = self.name(scope, key, (*at, key), "an attribute")
                role = name.iri[len(PROV) :] if name.iri.startswith(PROV) else ""
                place = places[key] = role if role in roles else name
            if type(place) is str:
                if type(content) is str and place not in _PARTS:
                    argument: Argument | None = content if place in TIMES else known.get(content)
                    if argument is None:
                        argument = self.name(scope, content, (*at, key), f"the argument {place!r}")
                    arguments.append((place, argument))
                else:
                    arguments.extend((place, a) for a in self.arguments(scope, place, content, (*at, key)))
            elif type(content) is str:
                attributes.append((place, Literal(content, STRING, "", "plain")))  # type: ignore[arg-type]
            elif type(content) is tuple:
                attributes.append((place, self.value(scope, content, (*at, key))))  # type: ignore[arg-type]
            else:
                attributes.extend((place, self.value(scope, v, where)) for where, v in _each(content, (*at, key)))  # type: ignore[misc]
        return Statement(kind, identifier, tuple(arguments), tuple(attributes))

    def arguments(self, scope: Scope, role: str, content: Any, at: Pointer) -> list[Argument]:
        if role == "key-entity-set":
            return [self.entries(scope, content, at)]
        if role == "key-set":
            return [Keys(tuple(self.value(scope, v, where) for where, v in _each(content, at)))]
        return [self.argument(scope, role, v, where) for where, v in _each(content, at)]

    def argument(self, scope: Scope, role: str, content: Any, at: Pointer) -> Argument:
        if isinstance(content, tuple):  # {"$": …, "type": …} in a formal place, as some writers spell it
            value = self.value(scope, content, at)
            content = scope.spell(value.name) if isinstance(value, Reference) else value.lexical
        if role in TIMES:
            if type(content) is not str:
                self.fail(at, f"a time must be text, not {kind_of(content)}")
            return content
        return self.name(scope, content, at, f"the argument {role!r}")

    def entries(self, scope: Scope, content: Any, at: Pointer) -> Entries:
        """Both spellings of key-entity pairs: an object under one datatype, and a list of {key, $}."""
        pairs: list[tuple[Value, Name]] = []
        if isinstance(content, tuple):
            datatype = next((v for k, v in content if k == "$key-datatype"), "xsd:string")
            for key, entity in content:
                if key != "$key-datatype":
                    typed = (("$", key), ("type", datatype))
                    pairs.append(
                        (self.value(scope, typed, (*at, key)), self.name(scope, entity, (*at, key), "a member"))
                    )
            return Entries(tuple(pairs))
        if not isinstance(content, list):
            self.fail(at, f"a key-entity set must be an object or a list, not {kind_of(content)}")
        for i, item in enumerate(content):
            fields = dict(self.object(item, (*at, i), "a key-entity pair"))
            if set(fields) != {"key", "$"}:
                self.fail((*at, i), "a key-entity pair has exactly 'key' and '$'")
            pairs.append(
                (
                    self.value(scope, fields["key"], (*at, i, "key")),
                    self.name(scope, fields["$"], (*at, i, "$"), "a member"),
                )
            )
        return Entries(tuple(pairs))

    def value(self, scope: Scope, content: Any, at: Pointer) -> Value:
        if type(content) is not tuple:
            return self.bare(content, at)
        fields = dict(content)
        inside = fields.get("$")
        datatype = fields.get("type")
        if type(inside) is str and type(datatype) is str and len(content) == 2:  # nearly all there are
            kind = scope._known.get(datatype)
            if kind is not None and kind.iri not in QNAME_TYPES:
                return Literal(inside, kind, "", "typed")
        return self.typed(scope, content, fields, at)

    def typed(self, scope: Scope, content: Fields, fields: dict[str, Any], at: Pointer) -> Value:
        if unknown := [k for k in fields if k not in {"$", "type", "lang"}]:
            self.fail((*at, unknown[0]), "a value has only '$', 'type' and 'lang'")
        if len(fields) != len(content):
            self.fail(at, "a value has '$', 'type' and 'lang' only once")
        if "$" not in fields:
            self.fail(at, "a value needs '$'")
        inside = self.bare(fields["$"], (*at, "$"))
        language = fields.get("lang", "")
        if type(language) is not str:
            self.fail((*at, "lang"), f"a language must be text, not {kind_of(language)}")
        if "type" not in fields:
            return Literal(inside.lexical, INTERNATIONALIZED, language, "plain") if language else inside
        datatype = self.name(scope, fields["type"], (*at, "type"), "a datatype")
        if datatype.iri in QNAME_TYPES and not language:
            return Reference(self.name(scope, inside.lexical, (*at, "$"), "a qualified name"), datatype)
        form = "typed" if inside.datatype == STRING else "number"
        return Literal(inside.lexical, datatype, language, form)

    def bare(self, content: Any, at: Pointer) -> Literal:
        if isinstance(content, Number):
            return Literal(str(content), number_type(content), "", "plain")
        if isinstance(content, str):
            return Literal(content, STRING, "", "plain")
        if isinstance(content, bool):
            return Literal("true" if content else "false", _BOOLEAN, "", "plain")
        self.fail(at, f"a value must be a text, a number, true, false or an object with '$', not {kind_of(content)}")


_PARTS: Final = frozenset({"key-entity-set", "key-set"})


def _each(content: Any, at: Pointer) -> list[tuple[Pointer, Any]]:
    """The members of a list with their places, or the thing itself."""
    if isinstance(content, list):
        return [((*at, i), item) for i, item in enumerate(content)]
    return [(at, content)]


_DOUBLE, _INT, _LONG, _INTEGER, _BOOLEAN = (xsd(t) for t in ("double", "int", "long", "integer", "boolean"))


def number_type(text: str) -> Name:
    """The datatype of a bare JSON number."""
    if not text.lstrip("-").isdigit():
        return _DOUBLE
    if len(text) > 20:
        return _INTEGER
    number = int(text)
    return _INT if -(2**31) <= number < 2**31 else _LONG if -(2**63) <= number < 2**63 else _INTEGER


class _Writer:
    def __init__(self, data: Document) -> None:
        self.data = data
        self.losses = Losses()
        self.added: dict[str, str] = {}  # prefixes of names that none covers
        self.taken = {p for scope in data.scopes() for p in scope.all_prefixes()}
        for scope in data.scopes():  # what a spelling stood for before somebody changed the prefixes
            scope._known.clear()

    def document(self) -> dict[str, Any]:
        out = self.scope(self.data)
        bundles: dict[str, list[Any]] = {}
        for bundle in self.data.bundles:
            bundles.setdefault(self.bundle_key(bundle), []).append(self.scope(bundle))
        if bundles:
            out["bundle"] = {key: single(members) for key, members in bundles.items()}
        if self.added:
            out["prefix"] = {**out.pop("prefix", {}), **self.added}
            out = {"prefix": out.pop("prefix"), **out}
        return out

    def spell(self, scope: Scope, name: Name) -> str:
        try:
            return scope.spell(name)
        except InvalidInput:
            at = max(name.iri.rfind(c) for c in "/#:?") + 1
            prefix = next((p for p, ns in self.added.items() if ns == name.iri[:at]), "")
            number = 0
            while not prefix:
                number += 1
                if f"ns{number}" not in self.taken:
                    prefix = f"ns{number}"
                    self.taken.add(prefix)
                    self.added[prefix] = name.iri[:at]
            local = name.iri[at:].replace("\\", r"\\")
            return f"{prefix}:{local}"

    def bundle_key(self, bundle: Bundle) -> str:
        if bundle.id.qname and not self.data.knows(bundle.id.qname) and bundle.knows(bundle.id.qname):
            key = bundle.spell(bundle.id)  # its prefix is declared inside only
            if not self.data.knows(key):
                return key
        return self.spell(self.data, bundle.id)

    def scope(self, scope: Scope) -> dict[str, Any]:
        out: dict[str, Any] = {}
        prefixes = dict(scope.prefixes)
        if scope.outer is None:  # readers expect these two spelled out
            prefixes |= {p: ns for p, ns in (("prov", PROV), ("xsd", XSD)) if p not in prefixes and scope.statements}
        if prefixes:
            out["prefix"] = prefixes
        taken = {s.id.iri for s in scope.statements if s.id is not None and s.id.blank} | scope.blanks()
        fresh = self.fresh(taken)
        sections: dict[str, dict[str, list[Any]]] = {}
        for statement in scope.statements:
            key = fresh(statement.kind) if statement.id is None else self.spell(scope, statement.id)
            sections.setdefault(statement.kind, {}).setdefault(key, []).append(self.statement(scope, statement))
        for kind, records in sections.items():
            out[kind] = {key: single(members) for key, members in records.items()}
        for unknown in scope.unknown:
            if unknown.format == FORMAT:
                out.setdefault(unknown.name, _Raw()).append(unknown.text)
            else:
                self.losses.add(
                    scope, None, f"the part {unknown.name!r} of {unknown.format} has no place in PROV-JSON."
                )
        return out

    @staticmethod
    def fresh(taken: set[str]) -> Callable[[str], str]:
        counts: dict[str, int] = {}

        def label(kind: str) -> str:
            while True:
                counts[kind] = counts.get(kind, 0) + 1
                if (key := f"_:{kind}{counts[kind]}") not in taken:
                    return key

        return label

    def statement(self, scope: Scope, statement: Statement) -> dict[str, Any]:
        fields: dict[str, list[Any]] = {}
        for role, argument in statement.arguments:
            key = self.spell(scope, Name(PROV + role, f"prov:{role}"))
            fields.setdefault(key, []).append(self.argument(scope, argument))
        for name, value in statement.attributes:
            if name.iri.startswith(PROV) and name.iri[len(PROV) :] in KINDS[statement.kind]:
                self.losses.add(scope, statement, f"its attribute {name.qname or name.iri} has the name of an argument; it is left "
                                "out.")  # fmt: skip
                continue
            fields.setdefault(self.spell(scope, name), []).append(self.value(scope, value))
        return {key: single(values) for key, values in fields.items()}

    def argument(self, scope: Scope, argument: Argument) -> Any:
        if isinstance(argument, Name):
            return self.spell(scope, argument)
        if isinstance(argument, Keys):
            return [self.value(scope, k) for k in argument.keys]
        if isinstance(argument, Entries):
            return self.entries(scope, argument)
        return argument

    def entries(self, scope: Scope, entries: Entries) -> Any:
        texts = [self.spell(scope, k.name) if isinstance(k, Reference) else k.lexical for k, _ in entries.pairs]
        datatypes = {k.datatype for k, _ in entries.pairs}
        tagged = any(isinstance(k, Literal) and k.language for k, _ in entries.pairs)
        if len(datatypes) == 1 and not tagged and len(set(texts)) == len(texts) and "$key-datatype" not in texts:
            members = {t: self.spell(scope, e) for t, (_, e) in zip(texts, entries.pairs, strict=True)}
            return {"$key-datatype": self.spell(scope, datatypes.pop()), **members}
        return [{"key": self.value(scope, k), "$": self.spell(scope, e)} for k, e in entries.pairs]

    def value(self, scope: Scope, value: Value) -> Any:
        if isinstance(value, Reference):
            return {"$": self.spell(scope, value.name), "type": self.spell(scope, value.datatype)}
        datatype = value.datatype
        if datatype.iri in QNAME_TYPES and not value.language:
            called = datatype.qname or datatype.iri
            self.losses.add(
                scope, None, f"the text {value.lexical!r} has the datatype {called} of names; it is written as text."
            )
            datatype = STRING
        if value.form == "plain":
            if value.language and value.datatype == INTERNATIONALIZED:
                return {"$": value.lexical, "lang": value.language}
            if value.datatype == STRING and not value.language:
                return value.lexical
            if value.lexical in {"true", "false"} and value.datatype.iri == XSD + "boolean":
                return value.lexical == "true"
            if _NUMBER.fullmatch(value.lexical) and value.datatype == number_type(value.lexical):
                return Number(value.lexical)
        number = value.form == "number" and _NUMBER.fullmatch(value.lexical)
        out = {"$": Number(value.lexical) if number else value.lexical, "type": self.spell(scope, datatype)}
        return out | {"lang": value.language} if value.language else out


def single(members: list[Any]) -> Any:
    """One member bare; several as the list PROV-JSON uses for repeated identifiers and attributes. A list stays inside a list."""
    return members[0] if len(members) == 1 else members


class _Raw(list[str]):
    """JSON texts under one key, each as it stands."""


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def encodable(text: str, scope: Scope, losses: Losses) -> str:
    """The text with what replaces halves of surrogate pairs, which is a loss."""
    try:
        text.encode()
    except UnicodeEncodeError:
        losses.add(scope, None, f"{HALF}; it is replaced.")
        return _SURROGATE.sub("\ufffd", text)
    return text


def render(value: Any, indent: int | None, level: int = 0) -> str:
    """JSON text in which a number keeps the digits it was written with, which the standard encoder cannot do."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    newline = "" if indent is None else "\n" + " " * (indent * (level + 1))
    last = "" if indent is None else "\n" + " " * (indent * level)
    if isinstance(value, dict):
        body = (
            f"{_text(k)}: {raw}"
            for k, v in value.items()
            for raw in (v if isinstance(v, _Raw) else (render(v, indent, level + 1),))
        )
        return "{" + newline + ("," + (newline or " ")).join(body) + last + "}"
    return "[" + newline + ("," + (newline or " ")).join(render(v, indent, level + 1) for v in value) + last + "]"
