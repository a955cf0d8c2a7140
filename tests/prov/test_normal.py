"""Normal forms and equivalence: what the inferences add is what a direct reading of the recommendation adds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provgraph.errors import InvalidInput
from provgraph.prov.constraints import validate
from provgraph.prov.isomorphism import certificates
from provgraph.prov.model import Document, Name
from provgraph.prov.normal import _Normal, equivalent, normal_form
from tests.prov import reference_constraints as reference
from tests.prov.test_constraints import HARD, document, documents


def said(rows: Any) -> Counter[Any]:
    """Rows up to the names of what is only known to exist."""
    return certificates([
        ("|".join([kind, *("?" if isinstance(t, int) else f"={t}" for t in places), *sorted(attributes)]),
         tuple(t for t in places if isinstance(t, int)))
        for kind, places, attributes in rows
    ])  # fmt: skip


@given(documents())
@HARD
def test_the_normal_form_is_that_of_a_direct_reading(made: Document) -> None:
    assume(validate(made).valid)
    for scope in made.scopes():
        ours = (
            (
                kind,
                [t if isinstance(t, int) else t.removeprefix("time ") for t in places],
                map(reference._attribute, attributes),
            )
            for (kind, places), attributes in _Normal(scope).rows.items()
        )
        assert said(ours) == said(reference.normalised(scope))


@given(documents(), st.randoms())
@HARD
def test_order_repetition_and_what_follows_say_nothing_new(made: Document, random: Any) -> None:
    assume(validate(made).valid)
    other = Document(made.prefixes)
    other.statements = [*made.statements, *random.choices(made.statements, k=2)] if made.statements else []
    random.shuffle(other.statements)
    for bundle in made.bundles:
        other.bundle(bundle.id).statements = bundle.statements[::-1]
    assert equivalent(made, normal_form(made))
    # A statement without an identifier that is repeated may be about another event.
    if all(s.id is not None and not s.id.blank for s in other.statements):
        assert equivalent(made, other)


def test_an_expected_normal_form() -> None:
    made = document(("entity", "ex:e"), ("wasGeneratedBy", "ex:g", "ex:e", "ex:a"), ("used", None, "ex:b", "ex:e"))
    kinds = Counter(s.kind for s in normal_form(made).statements)
    assert kinds == {
        "entity": 1, "wasGeneratedBy": 1, "used": 1, "wasInvalidatedBy": 1, "wasInformedBy": 1, "alternateOf": 1,
        "wasInfluencedBy": 4,
    }  # fmt: skip
    assert equivalent(made, document(*[("entity", "ex:e"), ("wasGeneratedBy", "ex:g", "ex:e", "ex:a")],
                                     ("used", "_:u", "ex:b", "ex:e"), ("wasInformedBy", None, "ex:b", "ex:a")))  # fmt: skip
    assert not equivalent(made, document(("entity", "ex:e"), ("wasGeneratedBy", "ex:g", "ex:e", "ex:a")))


def test_blank_names_and_bundles() -> None:
    one, two = document(("used", None, "ex:a", "_:x")), document(("used", None, "ex:a", "_:other"))
    assert equivalent(one, two)
    assert not equivalent(one, document(("used", None, "ex:a", "ex:x")))
    one.bundle("ex:b").add("entity", "ex:e")
    assert not equivalent(one, two)
    two.bundle("ex:b").add("entity", "ex:e")
    assert equivalent(one, two)
    two.bundles[0].id = Name("http://example.org/c")
    assert not equivalent(one, two)


def test_contradictions_have_no_normal_form() -> None:
    made = document(("entity", "ex:a"), ("activity", "ex:a"))
    with pytest.raises(
        InvalidInput, match=r"constraint 55 \(entity-activity-disjoint\): ex:a is an entity and an activity"
    ):
        normal_form(made)
    assert equivalent(made, document(("activity", "ex:a"), ("entity", "ex:a")))
    assert not equivalent(made, document(("activity", "ex:a")))


def test_too_symmetric_is_said() -> None:
    """Circles of equal length cannot be told apart by looking around."""
    facts = [("to", (f"{c}{i}", f"{c}{(i + 1) % 3}")) for c in "abc" for i in range(3)]
    facts += [("near", (f"{c}{i}", f"{d}{i}")) for c in "abc" for d in "abc" for i in range(3)]
    again = [(what, tuple(t[1] + t[0] for t in things)) for what, things in reversed(facts)]
    assert certificates(facts) == certificates(again)
    many = [("near", (i, j)) for i in range(9) for j in range(9)]
    with pytest.raises(InvalidInput, match="too many things without a name"):
        certificates(many)
