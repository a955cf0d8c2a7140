"""Names and scopes of PROV documents."""

from __future__ import annotations

import math
from typing import Any

import pytest

from provgraph.errors import InvalidInput
from provgraph.prov import FORMATS, Validator, diff, dumps, equivalent, loss, normal_form, read, to_prov, validate
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


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("bogus", "ex:a"), "no kind of statement called 'bogus'"),
        (("entity", 5), "The identifier of entity is a name"),
        (("used", None, {"activity": 5}), "The argument 'activity' of used is a name"),
        (("used", None, {"aktivity": "ex:a"}), "used has no argument 'aktivity'; did you mean 'activity'"),
        (("activity", "ex:a", {"startTime": 2026}), "The argument 'startTime' of activity is a time as text"),
        (("derivedByRemovalFrom", None, {"key-set": "ex:a"}), "is Keys, not 'ex:a'"),
        (("entity", "ex:a", {}, [(5, "x")]), "An attribute of entity is a name"),
    ],
)
def test_what_is_no_statement_is_refused_at_once(said: tuple[Any, ...], words: str) -> None:
    document = Document({"ex": "http://example.org/"})
    with pytest.raises(InvalidInput, match=words) as error:
        document.add(*said)
    assert error.value.code == "prov_statement_invalid"
    assert not document.statements


def test_a_bundle_is_a_document_of_its_own() -> None:
    document = Document({"ex": "http://example.org/"})
    bundle = document.bundle("ex:b", {"in": "http://in/"})
    bundle.add("entity", "in:e")
    bundle.add("used", None, {"activity": "ex:a", "entity": "in:e"})
    alone = Document({"ex": "http://example.org/", "in": "http://in/"})
    alone.add("entity", "in:e")
    alone.add("used", None, {"activity": "ex:a", "entity": "in:e"})
    assert bundle.document() == alone
    assert diff(bundle, alone).same
    assert equivalent(bundle, alone)
    assert equivalent(bundle, bundle)
    assert normal_form(bundle) == normal_form(alone)
    assert validate(bundle).valid
    assert read(dumps(bundle, "prov-n")) == alone
    assert not diff(document, bundle).same
    with pytest.raises(InvalidInput, match="A PROV document or a bundle is needed, not 5"):
        diff(5, bundle)  # type: ignore[arg-type]


def test_what_is_added_means_what_its_prefix_means_now() -> None:
    document = Document({"ex": "http://a/"})
    document.add("entity", "ex:e")
    document.prefixes["ex"] = "http://b/"
    document.add("entity", "ex:e")
    assert [s.id for s in document.statements] == [Name("http://a/e"), Name("http://b/e")]
    for format in FORMATS:
        assert loss(document, format) == [], format
        assert read(dumps(document, format), format) == document, format


def test_what_is_no_document_is_told() -> None:
    for call in (lambda: read(None), lambda: read(5), lambda: to_prov("x"), lambda: Validator().add("entity(ex:a)")):  # type: ignore[arg-type, return-value]
        with pytest.raises(InvalidInput):
            call()
