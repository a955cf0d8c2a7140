"""spread(): a fixed place for every identifier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.errors import LanguageError
from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.language.expression import Expression
from provgraph.schema.attribute import Attribute


def attribute(name: str, dtype: str) -> Attribute:
    return Attribute(name, dtype, "", "", "", (), f"o:{name}")


def places(values, seed=42):
    return Expression.parse(f"spread(id, {seed})").evaluate({"id": (values, None)}, {})[0]


def reference(value: int, seed: int) -> float:
    """splitmix64 with whole numbers of Python."""
    mask = 2**64 - 1

    def mixed(z: int) -> int:
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return z ^ (z >> 31)

    return (mixed(((value & mask) + mixed((seed + 0x9E3779B97F4A7C15) & mask)) & mask) >> 11) * 2.0**-53


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), st.integers(0, 2**63 - 1))
def test_it_is_splitmix(values, seed):
    assert places(np.array(values), seed).tolist() == [reference(v, seed) for v in values]


def test_it_spreads_evenly():
    found = places(np.arange(200_000))
    counts, _ = np.histogram(found, 20, (0, 1))
    assert counts.min() > 9500
    assert counts.max() < 10500
    assert abs(np.corrcoef(found, places(np.arange(200_000), 43))[0, 1]) < 0.01


@given(st.lists(st.text("abcé0", max_size=4), min_size=1, max_size=8))
def test_text_has_its_place_however_wide_it_is_stored(texts):
    narrow = np.array([t.encode() for t in texts])
    wide = narrow.astype("S40")
    assert places(narrow).tolist() == places(wide).tolist() == places(np.array(texts)).tolist()


def test_unsigned_identifiers_above_the_signed_ones():
    assert places(np.array([2**64 - 1], np.uint64))[0] == reference(2**64 - 1, 42)


def test_a_missing_identifier_has_none():
    values, null = Expression.parse("spread(id, 1)").evaluate({"id": (np.arange(2), np.array([True, False]))}, {})
    assert null is not None
    assert null.tolist() == [True, False]
    assert values[1] == reference(1, 1)


@pytest.mark.parametrize("text", ["spread(x, 42) < 1", "spread(id) < 1", "spread(id, 1.5) < .2", "spread(id, id) < .1"])
def test_what_is_refused(text):
    with pytest.raises(LanguageError):
        Criterion.parse(text).bind({"id": attribute("id", "i8"), "x": attribute("x", "f8")})


def test_its_canonical_text_comes_back():
    bound = Criterion.parse("spread(id, 42) < 0.3").bind({"id": attribute("id", "i8")})
    assert BoundCriterion.from_canonical(bound.canonical).canonical == bound.canonical
