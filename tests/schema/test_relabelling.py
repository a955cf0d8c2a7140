"""Maps of identifiers, against Python's integers and dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.errors import OperatorError
from provgraph.schema.relabelling import Relabelling, is_injective, normalised, pairs_digest, preimage, relabel

LEAST, MOST = -(2**63), 2**63 - 1
big = st.one_of(
    st.integers(LEAST, MOST), st.integers(-20, 20), st.sampled_from([LEAST, MOST, LEAST + 1, MOST - 1, 2**62])
)
scales = st.one_of(st.sampled_from([1, -1, 2, -3, 2**62, LEAST, MOST]), big).filter(bool)


def plain(scale: int, offset: int) -> dict[str, Any]:
    return Relabelling.linear("a", "b", scale=scale, offset=offset).plain()


@given(st.lists(big, unique=True, max_size=8), scales, big)
@settings(deadline=None)
def test_linear_maps_are_exact_or_refused(ids: list[int], scale: int, offset: int) -> None:
    new = [scale * i + offset for i in ids]
    given_ids = np.array(sorted(ids), np.int64)
    if all(LEAST <= n <= MOST for n in new):
        assert relabel(given_ids, plain(scale, offset)).tolist() == [scale * i + offset for i in sorted(ids)]
    else:
        with pytest.raises(OperatorError) as caught:
            relabel(given_ids, plain(scale, offset))
        assert caught.value.code == "relabelling_overflow"


@given(st.lists(big, unique=True, max_size=8), scales, big)
@settings(deadline=None)
def test_the_way_back_of_a_linear_map(ids: list[int], scale: int, offset: int) -> None:
    old, found = preimage(np.array(ids, np.int64), plain(scale, offset))
    expected = [divmod(i - offset, scale) for i in ids]
    leads = [rest == 0 and LEAST <= whole <= MOST for whole, rest in expected]
    assert found.tolist() == leads
    assert old.tolist() == [whole for (whole, _), yes in zip(expected, leads, strict=True) if yes]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=3)


@given(st.dictionaries(st.one_of(big), texts, max_size=8), st.lists(big, unique=True, max_size=8))
@settings(deadline=None)
def test_explicit_maps(pairs: dict[int, str], ids: list[int]) -> None:
    old, new = normalised(list(pairs) or np.empty(0, np.int64), list(pairs.values()))
    known = {
        **Relabelling(
            kind="explicit", from_space="a", to_space="b", pairs_digest="d", injective=is_injective(new)
        ).plain()
    }
    asked = np.array(sorted(i for i in ids if i in pairs) or sorted(pairs), np.int64)
    wanted = [pairs[i].encode() for i in asked.tolist()]
    if len(set(wanted)) == len(wanted):
        assert relabel(asked, known, (old, new)).tolist() == wanted
    else:
        with pytest.raises(OperatorError, match="both become"):
            relabel(asked, known, (old, new))
    absent = [i for i in ids if i not in pairs]
    if absent:
        with pytest.raises(OperatorError, match="has no pair for") as caught:
            relabel(np.array(sorted(absent), np.int64), known, (old, new))
        assert caught.value.code == "relabelling_undefined"
    if is_injective(new) and pairs:
        back, found = preimage(new, known, (old, new))
        assert found.all()
        assert back.tolist() == old.tolist()


def test_pairs_have_one_digest_in_any_order() -> None:
    one, two = normalised([3, 1], ["x", "y"]), normalised([1, 3], ["y", "x"])
    assert pairs_digest(*one) == pairs_digest(*two)
    assert pairs_digest(*one) != pairs_digest(*normalised([1, 3], ["x", "y"]))
    assert pairs_digest(*normalised(["1"], [2])) != pairs_digest(*normalised([1], [2]))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [([1, 1], [2, 3], "two pairs for 1"), ([1], [2, 3], "one new identifier"), ([1.5], [2], "whole numbers")],
)
def test_pairs_are_refused(old: list[Any], new: list[Any], says: str) -> None:
    with pytest.raises(OperatorError, match=says) as caught:
        normalised(old, new)
    assert caught.value.code == "pairs_invalid"


def test_text_has_no_linear_map() -> None:
    with pytest.raises(OperatorError, match="are text"):
        relabel(np.array([b"a"]), plain(1, 1))
    old, found = preimage(np.array([b"a"]), plain(1, 1))
    assert (len(old), found.tolist()) == (0, [False])
