"""Random PROV documents: scruffy statements, odd literals, odd names, bundles that redefine prefixes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from provgraph.names import PROV
from provgraph.prov.model import (
    ELEMENTS,
    INTERNATIONALIZED,
    KINDS,
    QUALIFIED_NAME,
    TIMES,
    XSD,
    Argument,
    Document,
    Entries,
    Keys,
    Literal,
    Name,
    Reference,
    Scope,
    Statement,
)

NAMESPACES = (
    "http://example.org/",
    "http://example.org/a/",
    "http://example.org/a#",
    "urn:x:",
    "http://other/?q=",
    "tag",
)
LOCALS = st.one_of(
    st.sampled_from(["e", "e1", "a", "-", ".", "0tag", "a/b", "a:b", "é", "a=b", "x'y", "(", "a b", "", "a.b.", "%41", "50%",
                     "a\\:b", '"', "<", "http://x/y", "日本", "\u0301", "𝔘", "@", "//x", "?a"]),
    st.text(st.characters(codec="utf-8"), max_size=6),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(["", " ", "a", "\n", '"', '"""', "'", "\\", "\\n", "\r\n", "\t", "<a/>", "&amp;", "]]>", "\u2028", "\x00", "é",
                     "𝔘", "%%", "@en", "1", "x" * 5000, "\ufeff", "\x85"]),
    st.text(st.characters(codec="utf-8"), max_size=10),
)  # fmt: skip
TIME_TEXTS = st.sampled_from([
    "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.123456789+01:00", "-0044-03-15T12:00:00", "12026-01-01T00:00:00Z",
    "2026-06-30T23:59:60Z", "2026-01-01T24:00:00", "yesterday", "", " 2026-11-21T12:00:00Z ", "2026-13-45T99:99:99Z",
])  # fmt: skip
DATATYPES = (
    *(Name(XSD + t) for t in ("string", "int", "decimal", "double", "anyURI", "dateTime", "boolean", "hexBinary")),
    Name("http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral"), Name("http://example.org/type"), INTERNATIONALIZED,
)  # fmt: skip
SPECIAL = tuple(
    Name(PROV + n) for n in ("type", "label", "role", "location", "value", "entity", "time", "atTime", "used")
)


@st.composite
def names(draw: st.DrawFn, blank: bool = True) -> Name:
    if blank and draw(st.integers(0, 9)) == 0:
        return Name(f"_:{draw(st.sampled_from(['g1', 'b1', 'n1', 'x y', 'used1', '-']))}")
    iri = draw(st.sampled_from(NAMESPACES)) + draw(LOCALS)
    return Name(iri if iri.strip("_:") else "http://example.org/x")


@st.composite
def values(draw: st.DrawFn) -> Literal | Reference:
    kind = draw(st.integers(0, 9))
    if kind < 3:
        datatype = Name(XSD + "QName") if kind == 0 else QUALIFIED_NAME
        special = Name(PROV + draw(st.sampled_from(["Person", "Entity", "Usage", "Revision", "Plan", "Bundle"])))
        return Reference(special if draw(st.integers(0, 3)) == 0 else draw(names()), datatype)
    form = draw(st.sampled_from(["plain", "typed", "number"]))
    if kind == 3:
        language = draw(st.sampled_from(["en", "EN", "de-AT", "x y", ""]))
        return Literal(draw(TEXTS), draw(st.sampled_from([INTERNATIONALIZED, Name(XSD + "string")])), language, form)
    if kind == 4:
        numbers = ["1", "1.0", "01", "1e400", "-0.0", "NaN", "INF", "9" * 30, "true", "1.10"]
        return Literal(draw(st.sampled_from(numbers)), draw(st.sampled_from(DATATYPES)), "", form)
    return Literal(draw(TEXTS), draw(st.sampled_from(DATATYPES)), "", form)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    kind = draw(st.sampled_from(list(KINDS)))
    arguments: list[tuple[str, Argument]] = []
    for role in KINDS[kind]:
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2] if role == "entity" else [0, 1, 1, 1]))):
            argument: Any
            if role in TIMES:
                argument = draw(TIME_TEXTS)
            elif role == "key-set":
                argument = Keys(tuple(draw(st.lists(values(), max_size=2))))
            elif role == "key-entity-set":
                argument = Entries(tuple(draw(st.lists(st.tuples(values(), names()), max_size=2))))
            else:
                argument = draw(names())
            arguments.append((role, argument))
    attributes = draw(
        st.lists(st.tuples(st.one_of(names(blank=False), st.sampled_from(SPECIAL)), values()), max_size=3)
    )
    if attributes and draw(st.integers(0, 5)) == 0:
        attributes.append(attributes[0])
    own = draw(names()) if kind in ELEMENTS or draw(st.booleans()) else None
    dashes = tuple(r for r in KINDS[kind] if all(r != a for a, _ in arguments)) if draw(st.booleans()) else None
    return Statement(kind, own, tuple(arguments), tuple(attributes), dashes)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of up to two bundles; prefixes cover only some of the names."""
    spellings = st.sampled_from(["ex", "o", "default", "xsd", "prov", "ns1", "Entity", "e x", "é", "_", "http"])
    prefixes = st.dictionaries(spellings, st.sampled_from(NAMESPACES), max_size=4)
    document = Document(draw(prefixes))
    scopes: list[Scope] = [document]
    scopes += (document.bundle(draw(names()), draw(prefixes)) for _ in range(draw(st.integers(0, 2))))
    for scope in scopes:
        for statement in draw(st.lists(statements(), max_size=4)):
            scope.statements += [statement] * draw(st.sampled_from([1, 1, 1, 1, 2]))
    return document
