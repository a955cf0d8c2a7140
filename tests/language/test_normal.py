"""Every drawn criterion selects what a slow evaluator says, in every form it can take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.language import BoundCriterion, Criterion
from tests.language.oracle import ATTRIBUTES, CRITERIA, FLIP, N, columns, spelled, truth


def expected(node: tuple[Any, ...]) -> list[bool]:
    return [truth(node, row) is True for row in range(N)]


@settings(max_examples=500, deadline=None)
@given(CRITERIA, st.sampled_from("SU"))
def test_selects_what_the_oracle_says(node: tuple[Any, ...], texts: str) -> None:
    text = spelled(node)
    given_columns = columns(texts)
    before = {o: (v.copy(), None if m is None else m.copy()) for o, (v, m) in given_columns.items()}
    bound = Criterion.parse(text).bind(ATTRIBUTES)
    wanted = expected(node)

    assert bound.select(given_columns, N).tolist() == wanted, (text, bound.canonical)

    again = BoundCriterion.from_canonical(bound.canonical)
    assert again.canonical == bound.canonical
    assert again.key == bound.key
    assert again.conjuncts == bound.conjuncts
    assert again.select(given_columns, N).tolist() == wanted

    # the normal spelling means the same
    assert Criterion.parse(bound.text).bind(ATTRIBUTES).canonical == bound.canonical

    # the conjuncts together are the whole
    parts = [BoundCriterion.from_canonical(c).select(given_columns, N) for _, c in bound.conjuncts]
    parts = parts or [np.ones(N, bool)]  # what is always true limits nothing
    assert np.logical_and.reduce(parts).tolist() == wanted

    # nothing that was given has changed
    for origin, (values, null) in before.items():
        assert np.array_equal(values, given_columns[origin][0], equal_nan=values.dtype.kind == "f")
        assert null is None or np.array_equal(null, given_columns[origin][1])


@settings(max_examples=200, deadline=None)
@given(CRITERIA)
def test_a_criterion_and_its_complement_are_a_partition(node: tuple[Any, ...]) -> None:
    text = spelled(node)
    one = Criterion.parse(text).bind(ATTRIBUTES).select(columns(), N)
    other = Criterion.parse(f"complement({text})").bind(ATTRIBUTES).select(columns(), N)
    assert np.array_equal(one, ~other)
    twice = Criterion.parse(f"complement(complement({text}))").bind(ATTRIBUTES)
    assert twice.canonical == Criterion.parse(text).bind(ATTRIBUTES).canonical


def respelled(node: tuple[Any, ...], draw: Any) -> tuple[Any, ...]:
    """The same meaning said otherwise: terms in another order or twice, De Morgan, double negation, sides exchanged."""
    match node:
        case ("and" | "or" as word, terms, style):
            terms = draw(st.permutations([respelled(t, draw) for t in terms]))
            if draw(st.booleans()):
                terms = [*terms, terms[0]]
            if draw(st.booleans()):
                other = "or" if word == "and" else "and"
                return ("not", (other, [("not", t, 0) for t in terms], style), 1)
            return (word, terms, 1 - style)
        case ("not", inner, style):
            return ("not", respelled(inner, draw), 1 - style)
        case ("complement", inner):
            return ("complement", respelled(inner, draw))
        case ("compare", name, op, text, flipped, style):
            return ("compare", name, op, text, not flipped, 1 - style)
        case ("columns", left, op, right):
            return ("columns", right, FLIP[op], left)
        case ("between", name, low, high, negated):
            found = ("and", [("compare", name, "<=", high, True, 0), ("compare", name, ">=", low, False, 1)], 0)
            return ("not", found, 0) if negated else found
        case ("in", name, items, negated):
            return ("in", name, draw(st.permutations(items)), negated)
    return ("not", ("not", node, 0), 1)


@settings(max_examples=300, deadline=None)
@given(CRITERIA, st.data())
def test_one_meaning_has_one_canonical_text(node: tuple[Any, ...], data: Any) -> None:
    def without_unknown(part: Any) -> bool:
        return not (
            isinstance(part, tuple | list)
            and (part[:1] == ("unknown",) or any(without_unknown(p) is False for p in part))
        )

    # what stands inside `(...) is null` is kept as it was written
    if not without_unknown(node):
        return
    other = respelled(node, data.draw)
    assert (
        Criterion.parse(spelled(other)).bind(ATTRIBUTES).canonical
        == Criterion.parse(spelled(node)).bind(ATTRIBUTES).canonical
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("x < 0.1", "`o:11` < 0x1.999999999999ap-4"),
        ("0.1 > x", "`o:11` < 0x1.999999999999ap-4"),
        ("not (x < 0.1)", "`o:11` >= 0x1.999999999999ap-4"),
        ("x = -0.0", "`o:11` = 0x0p+0"),
        ("y <= 20.1", "`o:22` <= 0x1.41999ap+4"),
        ("y < 1e300", "`o:22` < inf"),
        ("i < 2.5", "`o:33` <= 2"),
        ("i < 3", "`o:33` <= 2"),
        ("i >= 2.5", "`o:33` >= 3"),
        ("i > -2.5", "`o:33` >= -2"),
        ("i = 2.5", "false"),
        ("i != 2.5", "`o:33` is not null"),
        ("i <= 2147483647", "`o:33` is not null"),
        ("k = 9007199254740993", "`o:44` = 9007199254740993"),
        ("k < 1e19", "`o:44` is not null"),
        ("x between 1 and 2", "`o:11` <= 0x1p+1 and `o:11` >= 0x1p+0"),
        ("i in (3, 1, 3, 2.5)", "`o:33` in (1, 3)"),
        ("i = 3 or i = 1", "`o:33` in (1, 3)"),
        ("i not in (3, 1)", "`o:33` != 1 and `o:33` != 3"),
        ("i in (1, null)", "`o:33` = 1"),
        ("i not in (1, null)", "false"),
        ("x < 1 and (x < 1 and b)", "`o:11` < 0x1p+0 and `o:77`"),
        ("complement(x < 1)", "`o:11` >= 0x1p+0 or `o:11` is null"),
        ("b = false", "not `o:77`"),
        ("x = x", "`o:11` is not null"),
        ("x != x", "false"),
        ("x > i", "`o:11` > `o:33`"),
        ("i < x", "`o:11` > `o:33`"),
        ("t = 'it''s'", "`o:66` = 'it''s'"),
        ("1 < 2 and x < 1", "`o:11` < 0x1p+0"),
        ("x + 2*3 < 1", "`o:11` + 2 * 3 < 0x1p+0"),
        ("i % 10 < 2.5", "`o:33` % 10 <= 2"),
        ("within(370, 20, 36 arcsec)", "within(`o:88`, `o:99`, 0x1.4p+3, 0x1.4p+4, 0x1.47ae147ae147bp-7)"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert Criterion.parse(text).bind(ATTRIBUTES).canonical == canonical


def test_nothing_grows_without_bound() -> None:
    """Ways to nest negations and null tests that could double the text at every level."""
    for opening, closing in (("complement(not (", "))"), ("not complement(b = (", "))"), ("((", ") is null) = b")):
        text = "x < 1"
        while len(opening + text + closing) < 1900 and text.count("(") < 28:
            text = opening + text + closing
        bound = Criterion.parse(text).bind(ATTRIBUTES)
        assert len(bound.canonical) < 20_000
        assert BoundCriterion.from_canonical(bound.canonical).canonical == bound.canonical
