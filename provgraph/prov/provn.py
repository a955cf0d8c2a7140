"""PROV-N out: the notation of the recommendation, one statement a line (PROV-N, W3C 2013)."""

from __future__ import annotations

import re
from typing import Final

from provgraph.errors import InvalidInput
from provgraph.prov.model import (
    ELEMENTS,
    INTERNATIONALIZED,
    KINDS,
    STRING,
    WELL_KNOWN,
    Argument,
    Document,
    Entries,
    Keys,
    Name,
    Reference,
    Scope,
    Statement,
    Value,
)  # fmt: skip

#: Relations that PROV-N writes without an identifier and without attributes (section 3.5 and 3.6).
_BARE: Final = frozenset({"specializationOf", "alternateOf", "mentionOf", "hadMember"})
_EXTENSION: Final = {
    k: f"prov:{k}" for k in ("mentionOf", "derivedByInsertionFrom", "derivedByRemovalFrom", "hadDictionaryMember")
}
# PN_CHARS_ESC, section 3.7.1; PROV-JSON of ProvToolbox has such characters escaped already.
_ESCAPED: Final = re.compile(r"(?<!\\)([=',():;\"\[\]])")


def dumps(document: Document) -> str:
    """PROV-N text of a document, in the order of its statements. Blank identifiers are left out: the notation has none."""
    top = _speller(document, None)
    lines = ["document", *_prefixes(top), *_statements(top, document)]
    for bundle in document.bundles:
        scope = _speller(bundle, top)
        try:
            name = _name(top, bundle.id)
        except InvalidInput:  # its prefix is declared inside only, which PROV-N cannot say
            prefix = bundle.spell(bundle.id).partition(":")[0]
            lines.insert(1, f"  prefix {prefix} <{_iri(bundle.namespace(prefix) or '')}>")
            name = _name(scope, bundle.id)
        inside = [*_prefixes(scope), *_statements(scope, bundle)]
        lines += ["", f"  bundle {name}", *(f"  {line}" for line in inside), "  endBundle"]
    return "\n".join((*lines, "endDocument")) + "\n"


def _speller(scope: Scope, outer: Scope | None) -> Scope:
    """The scope to spell names in: ``prov`` and ``xsd`` are reserved here, so what redefines them gets another prefix."""
    prefixes: dict[str, str] = {}
    for prefix, namespace in scope.prefixes.items():
        spare = prefix
        while WELL_KNOWN.get(spare, namespace) != namespace or (spare != prefix and spare in scope.prefixes):
            spare += "_"
        prefixes[spare] = namespace
    return Scope(prefixes, outer)


def _prefixes(scope: Scope) -> list[str]:
    lines = []
    for prefix, namespace in scope.prefixes.items():
        if prefix == "default":
            lines.append(f"  default <{_iri(namespace)}>")
        elif prefix not in WELL_KNOWN:
            lines.append(f"  prefix {prefix} <{_iri(namespace)}>")
    return lines


def _iri(iri: str) -> str:
    return re.sub(r"[\x00-\x20<>\"{}|^`\\]", lambda m: f"%{ord(m[0]):02X}", iri)


def _statements(scope: Scope, stated: Scope) -> list[str]:
    return [line for s in stated.statements for line in _lines(scope, s)]


def _lines(scope: Scope, statement: Statement) -> list[str]:
    members = [a for r, a in statement.arguments if statement.kind == "hadMember" and r == "entity"]
    if len(members) > 1:  # PROV-N names one member a statement
        collection = statement.argument("collection")
        return [_line(scope, Statement("hadMember", None, (*(() if collection is None else (("collection", collection),)),
                                                           ("entity", m)))) for m in members]  # fmt: skip
    return [_line(scope, statement)]


def _line(scope: Scope, statement: Statement) -> str:
    kind, roles = statement.kind, KINDS[statement.kind]
    places = [_argument(scope, statement.argument(role)) for role in roles]
    if kind in ELEMENTS:
        places.insert(0, "-" if statement.id is None else _name(scope, statement.id))
        if kind == "activity" and places[1:] == ["-", "-"]:
            places = places[:1]
    identifier = ""
    if kind not in (*ELEMENTS, *_BARE) and statement.id is not None and not statement.id.blank:
        identifier = f"{_name(scope, statement.id)}; "
    attributes = ", ".join(f"{_name(scope, n)}={_value(scope, v)}" for n, v in statement.attributes)
    if attributes and kind not in _BARE:
        places.append(f"[{attributes}]")
    return f"  {_EXTENSION.get(kind, kind)}({identifier}{', '.join(places)})"


def _argument(scope: Scope, argument: Argument | None) -> str:
    if argument is None:
        return "-"
    if isinstance(argument, Name):
        return "-" if argument.blank else _name(scope, argument)  # PROV-N has no blank identifiers
    if isinstance(argument, Entries):
        return "{" + ", ".join(f"({_value(scope, k)}, {_name(scope, e)})" for k, e in argument.pairs) + "}"
    if isinstance(argument, Keys):
        return "{" + ", ".join(_value(scope, k) for k in argument.keys) + "}"
    return argument


def _name(scope: Scope, name: Name) -> str:
    prefix, colon, local = scope.spell(name).partition(":")
    if not colon:
        prefix, local = "", prefix
    escaped = _ESCAPED.sub(r"\\\1", local)
    return f"{prefix}{colon}{escaped}"


def _value(scope: Scope, value: Value) -> str:
    if isinstance(value, Reference):
        return f"'{_name(scope, value.name)}'"
    if value.language and value.datatype == INTERNATIONALIZED:
        return f"{_text(value.lexical)}@{value.language}"
    if value.datatype == STRING:
        return _text(value.lexical)
    return f"{_text(value.lexical)} %% {_name(scope, value.datatype)}"


def _text(text: str) -> str:
    if "\n" in text or "\r" in text:
        body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
        return f'"""{body}"""'
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
