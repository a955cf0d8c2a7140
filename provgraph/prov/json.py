"""PROV-JSON in and out: every statement, repetition, lexical form, datatype, language and scope survives.

W3C member submission PROV-JSON (2013), with the PROV-Dictionary and ``mentionOf`` sections that ProvToolbox writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

from provgraph.errors import FileUnreadable, InvalidInput
from provgraph.names import PROV
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
    Value,
    xsd,
)  # fmt: skip

Pointer = tuple[str | int, ...]
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with repeated keys kept."""

    __slots__ = ()


def read(source: str | bytes | Path) -> Document:
    """A PROV-JSON document from a path or from its text.

    Raises
    ------
    InvalidInput : code ``prov_json_invalid``, with the JSON pointer of the place in the sentence and in ``details['pointer']``.
    FileUnreadable : where the file cannot be read.
    """
    where, text = _text(source)
    reader = _Reader(where)
    try:
        data = json.loads(text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number,
                          parse_constant=reader.constant)  # fmt: skip
    except json.JSONDecodeError as e:
        raise InvalidInput(f"{where} is not JSON: {e.msg} in line {e.lineno}, column {e.colno}.",
                           code="prov_json_invalid", pointer="", line=e.lineno, column=e.colno) from None  # fmt: skip
    except RecursionError:
        raise InvalidInput(
            f"{where} nests deeper than any PROV-JSON document.", code="prov_json_invalid", pointer=""
        ) from None
    return reader.document(data)


def dumps(document: Document, *, indent: int | None = 2) -> str:
    """PROV-JSON text of a document; the same document gives the same text."""
    return _render(_Writer(document).document(), indent) + "\n"


def _text(source: str | bytes | Path) -> tuple[str, str]:
    if isinstance(source, bytes):
        return "The document", _decode(source, "The document")
    if isinstance(source, str) and (source.lstrip("\ufeff \t\r\n")[:1] in {"{", "["} or "\n" in source or not source):
        return "The document", source.removeprefix("\ufeff")
    path = Path(source)
    try:
        return str(path), _decode(path.read_bytes(), str(path))
    except OSError as e:
        raise FileUnreadable(f"{path} cannot be read: {e.strerror or e}.", path=str(path)) from None


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InvalidInput(f"{where} is not UTF-8 text: byte {e.start} cannot be decoded.",
                           code="prov_json_invalid", pointer="", position=e.start) from None  # fmt: skip


def _pointer(path: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _kind_of(value: Any) -> str:
    for kind, word in (
        (_Pairs, "an object"), (list, "a list"), (_Number, "a number"), (str, "a text"), (bool, "true or false"),
    ):  # fmt: skip
        if isinstance(value, kind):
            return word
    return "null"


class _Reader:
    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, at: Pointer, what: str, **details: Any) -> NoReturn:
        pointer = _pointer(at)
        raise InvalidInput(f"{self.where} is not valid PROV-JSON at {pointer or 'its top'}: {what}.",
                           code="prov_json_invalid", pointer=pointer, **details)  # fmt: skip

    def constant(self, word: str) -> NoReturn:
        self.fail((), f"{word} is not a JSON value")

    def object(self, value: Any, at: Pointer, what: str) -> _Pairs:
        if not isinstance(value, _Pairs):
            self.fail(at, f"{what} must be an object, not {_kind_of(value)}")
        return value

    def name(self, scope: Scope, value: Any, at: Pointer, what: str) -> Name:
        if not isinstance(value, str) or isinstance(value, _Number):
            self.fail(at, f"{what} must be the text of a name, not {_kind_of(value)}")
        try:
            return scope.name(value)
        except InvalidInput as e:
            self.fail(at, e.message[0].lower() + e.message[1:].rstrip("."), name=value)

    def document(self, data: Any) -> Document:
        document = Document()
        sections = self.object(data, (), "a document")
        self.prefixes(document, sections, ())
        for section, content in sections:
            if section == "bundle":
                for key, member in self.object(content, ("bundle",), "the bundles"):
                    for at, body in _each(member, ("bundle", key)):
                        document.bundles.append(self.bundle(document, key, body, at))
            else:
                self.section(document, section, content, ())
        return document

    def bundle(self, document: Document, key: str, data: Any, at: Pointer) -> Bundle:
        sections = self.object(data, at, "a bundle")
        bundle = Bundle(Name(""), outer=document)
        self.prefixes(bundle, sections, at)
        # The identifier belongs to the document's scope; some writers declare its prefix only inside.
        prefix = key.partition(":")[0] if ":" in key else "default"
        bundle.id = self.name(
            document if document.namespace(prefix) is not None else bundle, key, at, "a bundle's identifier"
        )
        for section, content in sections:
            if section == "bundle":
                self.fail((*at, section), "a bundle cannot hold bundles")
            if section == "@id":
                if self.name(bundle, content, (*at, section), "@id") != bundle.id:
                    self.fail((*at, section), f"@id differs from the bundle's key {key!r}")
                continue
            self.section(bundle, section, content, at)
        return bundle

    def prefixes(self, scope: Scope, sections: _Pairs, at: Pointer) -> None:
        for section, content in sections:
            if section == "prefix":
                for prefix, namespace in self.object(content, (*at, "prefix"), "the prefixes"):
                    if not isinstance(namespace, str) or isinstance(namespace, _Number):
                        self.fail((*at, "prefix", prefix), f"a namespace must be text, not {_kind_of(namespace)}")
                    scope.prefixes[prefix] = namespace

    def section(self, scope: Scope, kind: str, content: Any, at: Pointer) -> None:
        if kind == "prefix":
            return
        if kind not in KINDS:
            self.fail((*at, kind), f"there is no kind of statement called {kind!r}; there are {', '.join(KINDS)}")
        for key, member in self.object(content, (*at, kind), f"the {kind} statements"):
            place = (*at, kind, key)
            identifier = self.name(scope, key, place, "an identifier")
            for where, record in _each(member, place):
                scope.statements.append(self.statement(scope, kind, identifier, record, where))

    def statement(self, scope: Scope, kind: str, identifier: Name, record: Any, at: Pointer) -> Statement:
        roles = KINDS[kind]
        arguments: list[tuple[str, Argument]] = []
        attributes: list[tuple[Name, Value]] = []
        for key, content in self.object(record, at, "a statement"):
            place = (*at, key)
            name = self.name(scope, key, place, "an attribute")
            role = name.iri[len(PROV) :] if name.iri.startswith(PROV) else ""
            if role in roles:
                arguments.extend((role, a) for a in self.arguments(scope, role, content, place))
            else:
                attributes.extend((name, self.value(scope, v, where)) for where, v in _each(content, place))
        return Statement(kind, identifier, tuple(arguments), tuple(attributes))

    def arguments(self, scope: Scope, role: str, content: Any, at: Pointer) -> list[Argument]:
        if role == "key-entity-set":
            return [self.entries(scope, content, at)]
        if role == "key-set":
            return [Keys(tuple(self.value(scope, v, where) for where, v in _each(content, at)))]
        return [self.argument(scope, role, v, where) for where, v in _each(content, at)]

    def argument(self, scope: Scope, role: str, content: Any, at: Pointer) -> Argument:
        if isinstance(content, _Pairs):  # {"$": …, "type": …} in a formal place, as some writers spell it
            value = self.value(scope, content, at)
            content = scope.spell(value.name) if isinstance(value, Reference) else value.lexical
        if role in TIMES:
            if not isinstance(content, str) or isinstance(content, _Number):
                self.fail(at, f"a time must be text, not {_kind_of(content)}")
            return str(content)
        return self.name(scope, content, at, f"the argument {role!r}")

    def entries(self, scope: Scope, content: Any, at: Pointer) -> Entries:
        """Both spellings of key-entity pairs: an object under one datatype, and a list of {key, $}."""
        pairs: list[tuple[Value, Name]] = []
        if isinstance(content, _Pairs):
            datatype = next((v for k, v in content if k == "$key-datatype"), "xsd:string")
            for key, entity in content:
                if key != "$key-datatype":
                    typed = _Pairs([("$", key), ("type", datatype)])
                    pairs.append(
                        (self.value(scope, typed, (*at, key)), self.name(scope, entity, (*at, key), "a member"))
                    )
            return Entries(tuple(pairs))
        if not isinstance(content, list):
            self.fail(at, f"a key-entity set must be an object or a list, not {_kind_of(content)}")
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
        if not isinstance(content, _Pairs):
            return self.bare(content, at)
        fields = dict(content)
        if unknown := [k for k in fields if k not in {"$", "type", "lang"}]:
            self.fail((*at, unknown[0]), "a value has only '$', 'type' and 'lang'")
        if "$" not in fields:
            self.fail(at, "a value needs '$'")
        inside = self.bare(fields["$"], (*at, "$"))
        language = fields.get("lang", "")
        if not isinstance(language, str) or isinstance(language, _Number):
            self.fail((*at, "lang"), f"a language must be text, not {_kind_of(language)}")
        if "type" not in fields:
            return Literal(inside.lexical, INTERNATIONALIZED, language, "plain") if language else inside
        datatype = self.name(scope, fields["type"], (*at, "type"), "a datatype")
        if datatype.iri in QNAME_TYPES and not language:
            return Reference(self.name(scope, inside.lexical, (*at, "$"), "a qualified name"), datatype)
        form = "typed" if inside.datatype == STRING else "number"
        return Literal(inside.lexical, datatype, language, form)

    def bare(self, content: Any, at: Pointer) -> Literal:
        if isinstance(content, _Number):
            return Literal(str(content), _number_type(content), form="plain")
        if isinstance(content, str):
            return Literal(content, STRING, form="plain")
        if isinstance(content, bool):
            return Literal("true" if content else "false", xsd("boolean"), form="plain")
        self.fail(at, f"a value must be a text, a number, true, false or an object with '$', not {_kind_of(content)}")


def _each(content: Any, at: Pointer) -> list[tuple[Pointer, Any]]:
    """The members of a list with their places, or the thing itself."""
    if isinstance(content, list) and not isinstance(content, _Pairs):
        return [((*at, i), item) for i, item in enumerate(content)]
    return [(at, content)]


def _number_type(text: str) -> Name:
    if not text.lstrip("-").isdigit():
        return xsd("double")
    if len(text) > 20:
        return xsd("integer")
    number = int(text)
    return xsd("int" if -(2**31) <= number < 2**31 else "long" if -(2**63) <= number < 2**63 else "integer")


class _Writer:
    def __init__(self, data: Document) -> None:
        self.data = data

    def document(self) -> dict[str, Any]:
        out = self.scope(self.data)
        bundles: dict[str, list[Any]] = {}
        for bundle in self.data.bundles:
            bundles.setdefault(self.bundle_key(bundle), []).append(self.scope(bundle))
        if bundles:
            out["bundle"] = {key: _single(members) for key, members in bundles.items()}
        return out

    def bundle_key(self, bundle: Bundle) -> str:
        try:
            return self.data.spell(bundle.id)
        except InvalidInput:  # its prefix is declared inside only
            return bundle.spell(bundle.id)

    def scope(self, scope: Scope) -> dict[str, Any]:
        out: dict[str, Any] = {}
        prefixes = dict(scope.prefixes)
        if scope.outer is None:  # readers expect these two spelled out
            prefixes |= {p: ns for p, ns in (("prov", PROV), ("xsd", XSD)) if p not in prefixes and scope.statements}
        if prefixes:
            out["prefix"] = prefixes
        taken = {s.id.iri for s in scope.statements if s.id is not None and s.id.blank}
        fresh = self.fresh(taken)
        sections: dict[str, dict[str, list[Any]]] = {}
        for statement in scope.statements:
            key = fresh(statement.kind) if statement.id is None else scope.spell(statement.id)
            sections.setdefault(statement.kind, {}).setdefault(key, []).append(self.statement(scope, statement))
        for kind, records in sections.items():
            out[kind] = {key: _single(members) for key, members in records.items()}
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
        prov = next((p for p, ns in scope.all_prefixes().items() if ns == PROV and p != "default"), "prov")
        for role, argument in statement.arguments:
            fields.setdefault(f"{prov}:{role}", []).append(self.argument(scope, argument))
        for name, value in statement.attributes:
            fields.setdefault(scope.spell(name), []).append(self.value(scope, value))
        return {key: _single(values) for key, values in fields.items()}

    def argument(self, scope: Scope, argument: Argument) -> Any:
        if isinstance(argument, Name):
            return scope.spell(argument)
        if isinstance(argument, Keys):
            return [self.value(scope, k) for k in argument.keys]
        if isinstance(argument, Entries):
            return self.entries(scope, argument)
        return argument

    def entries(self, scope: Scope, entries: Entries) -> Any:
        texts = [scope.spell(k.name) if isinstance(k, Reference) else k.lexical for k, _ in entries.pairs]
        datatypes = {k.datatype for k, _ in entries.pairs}
        tagged = any(isinstance(k, Literal) and k.language for k, _ in entries.pairs)
        if len(datatypes) == 1 and not tagged and len(set(texts)) == len(texts) and "$key-datatype" not in texts:
            members = {t: scope.spell(e) for t, (_, e) in zip(texts, entries.pairs, strict=True)}
            return {"$key-datatype": scope.spell(datatypes.pop()), **members}
        return [{"key": self.value(scope, k), "$": scope.spell(e)} for k, e in entries.pairs]

    def value(self, scope: Scope, value: Value) -> Any:
        if isinstance(value, Reference):
            return {"$": scope.spell(value.name), "type": scope.spell(value.datatype)}
        if value.form == "plain":
            if value.language and value.datatype == INTERNATIONALIZED:
                return {"$": value.lexical, "lang": value.language}
            if value.datatype == STRING and not value.language:
                return value.lexical
            if value.lexical in {"true", "false"} and value.datatype.iri == XSD + "boolean":
                return value.lexical == "true"
            if _NUMBER.fullmatch(value.lexical) and value.datatype == _number_type(value.lexical):
                return _Number(value.lexical)
        number = value.form == "number" and _NUMBER.fullmatch(value.lexical)
        out = {"$": _Number(value.lexical) if number else value.lexical, "type": scope.spell(value.datatype)}
        return out | {"lang": value.language} if value.language else out


def _single(members: list[Any]) -> Any:
    """One member bare; several as the list PROV-JSON uses for repeated identifiers and attributes. A list stays inside a list."""
    return members[0] if len(members) == 1 else members


def _render(value: Any, indent: int | None, level: int = 0) -> str:
    """JSON text in which a number keeps the digits it was written with, which the standard encoder cannot do."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, (str, bool)):
        return json.dumps(value, ensure_ascii=False)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    newline = "" if indent is None else "\n" + " " * (indent * (level + 1))
    last = "" if indent is None else "\n" + " " * (indent * level)
    if isinstance(value, dict):
        body = (f"{json.dumps(k, ensure_ascii=False)}: {_render(v, indent, level + 1)}" for k, v in value.items())
        return "{" + newline + ("," + (newline or " ")).join(body) + last + "}"
    return "[" + newline + ("," + (newline or " ")).join(_render(v, indent, level + 1) for v in value) + last + "]"
