"""Names and scopes of PROV documents."""

from __future__ import annotations

import math

import pytest

from provgraph.errors import InvalidInput
from provgraph.prov.model import Document, Literal, Name, value_of, xsd


def test_a_name_is_spelled_as_it_was_or_by_the_longest_namespace() -> None:
    document = Document({"ex": "http://example.org/", "deep": "http://example.org/deep/"})
    bundle = document.bundle("ex:b", {"ex": "http://other/"})
    assert document.spell(document.name("ex:deep/x")) == "ex:deep/x"
    assert document.spell(Name("http://example.org/deep/x")) == "deep:x"
    assert bundle.spell(document.name("ex:deep/x")) == "deep:x"
    assert bundle.spell(Name("http://other/y")) == "ex:y"
    assert document.spell(Name("_:b")) == "_:b"
    with pytest.raises(InvalidInput, match="No prefix covers 'unknown'"):
        document.spell(Name("unknown"))


@pytest.mark.parametrize(
    ("value", "lexical", "datatype"),
    [(True, "true", "boolean"), (5, "5", "int"), (2**40, str(2**40), "long"), (2**70, str(2**70), "integer"),
     (0.1, "0.1", "double"), (math.inf, "INF", "double"), (-math.inf, "-INF", "double"), (math.nan, "NaN", "double"),
     ("a", "a", "string")],
)  # fmt: skip
def test_plain_values_get_their_datatype(value: object, lexical: str, datatype: str) -> None:
    assert value_of(value) == Literal(lexical, xsd(datatype))


def test_order_and_spelling_do_not_matter_but_repetition_does() -> None:
    def document(prefix: str, *kinds: str) -> Document:
        made = Document({prefix: "http://example.org/"})
        for kind in kinds:
            made.add(kind, f"{prefix}:{kind}")
        return made

    assert document("ex", "entity", "agent") == document("other", "agent", "entity")
    assert document("ex", "entity", "entity") != document("ex", "entity")
    with_bundle = document("ex", "entity")
    with_bundle.bundle("ex:b").add("entity", "ex:entity")
    assert with_bundle != document("ex", "entity")
    assert repr(with_bundle) == "Document(2 entity; 1 bundles)"
