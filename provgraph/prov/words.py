"""Statements, names and values as short text for people: PROV-N with the spelling of the document."""

from __future__ import annotations

from provgraph.prov.model import (
    ELEMENTS,
    KINDS,
    STRING,
    Argument,
    Entries,
    Keys,
    Literal,
    Name,
    Reference,
    Statement,
    Value,
)


def statement(said: Statement) -> str:
    """``used(ex:u; ex:a, ex:e, -, [prov:role="input"])``: one line, whatever the statement holds."""
    places = [_place(said, role) for role in KINDS.get(said.kind, ())]
    while places and places[-1] == "-":
        places.pop()
    if said.kind in ELEMENTS:
        places.insert(0, "-" if said.id is None else name(said.id))
    identifier = "" if said.kind in ELEMENTS or said.id is None or said.id.blank else f"{name(said.id)}; "
    if said.attributes:
        places.append("[" + ", ".join(f"{name(n)}={value(v)}" for n, v in said.attributes) + "]")
    return f"{said.kind}({identifier}{', '.join(places)})"


def name(said: Name) -> str:
    """A name as it was spelled."""
    return said.qname or said.iri


def value(said: Value) -> str:
    """A literal or a qualified name."""
    if isinstance(said, Reference):
        return f"'{name(said.name)}'"
    text = '"' + " ".join(said.lexical.split()) + '"'
    if len(text) > 80:
        text = text[:76] + '…"'
    if said.language:
        return f"{text}@{said.language}"
    return text if said.datatype == STRING else f"{text} %% {name(said.datatype)}"


def exact(said: Argument | Value, at: int = 0) -> str:
    """A value with all that tells it from another that looks the same: its characters around `at`, its datatype by IRI."""
    if isinstance(said, Literal):
        start = at - 20 if at > 40 else 0
        part = said.lexical[start : at + 60]
        cut = "…" if start + len(part) < len(said.lexical) else ""
        language = f"@{said.language}" if said.language else ""
        return f"{'…' if start else ''}{part!r}{cut}{language} %% <{said.datatype.iri}>"
    if isinstance(said, Reference):
        return f"<{said.name.iri}> %% <{said.datatype.iri}>"
    if isinstance(said, Entries):
        return "{" + ", ".join(f"({exact(k)}, {exact(e)})" for k, e in said.pairs) + "}"
    if isinstance(said, Keys):
        return "{" + ", ".join(map(exact, said.keys)) + "}"
    return f"<{said.iri}>" if isinstance(said, Name) else repr(said)


def argument(said: Argument) -> str:
    """What stands in a formal place."""
    if isinstance(said, Name):
        return name(said)
    if isinstance(said, Entries):
        return "{" + ", ".join(f"({value(k)}, {name(e)})" for k, e in said.pairs) + "}"
    if isinstance(said, Keys):
        return "{" + ", ".join(value(k) for k in said.keys) + "}"
    return said


def _place(said: Statement, role: str) -> str:
    found = [argument(a) for r, a in said.arguments if r == role]
    return "-" if not found else found[0] if len(found) == 1 else "{" + ", ".join(found) + "}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"
