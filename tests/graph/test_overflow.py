"""A mapping that leaves memory: what it holds is the same either way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.graph.overflow import Overflow

PAIRS = st.lists(st.tuples(st.text(st.characters(), max_size=4), st.text(st.characters(), max_size=4)))


@pytest.mark.parametrize("most", [0, 3, 1000])
def test_it_holds_what_a_dict_holds(most: int) -> None:
    @given(st.lists(PAIRS, max_size=5), st.text(max_size=4))
    def same(several: list[list[tuple[str, str]]], other: str) -> None:
        found, expected = Overflow(most), dict[str, str]()
        for pairs in several:
            found.update(iter(pairs))
            expected.update(pairs)
        found["one\ud800"] = expected["one\ud800"] = "\x00"
        assert list(found.items()) == list(expected.items())
        for key in (other, *expected):
            assert found.get(key) == expected.get(key)
            assert (key in found) == (key in expected)
        found.close()

    same()
