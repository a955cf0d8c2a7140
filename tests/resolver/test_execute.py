from __future__ import annotations

import numpy as np
import pytest

from provgraph.resolver.execute import search


@pytest.mark.parametrize("n", [5000, 8192, 12_345, 200_000, 1_000_000])
def test_a_search_in_blocks_finds_what_a_plain_one_does(n: int) -> None:
    random = np.random.default_rng(n)
    frame = np.cumsum(random.integers(1, 9, 1 << 20))
    for low, high in ((-50, frame[-1] + 50), (frame[-1] - 3, frame[-1] + 2 * n), (-3 * n, frame[0] + 1)):
        ids = np.unique(random.integers(low, high, n))
        assert np.array_equal(search(frame, ids), np.searchsorted(frame, ids))


def test_a_search_among_names() -> None:
    frame = np.array([b"a", b"c", b"d"])
    assert search(frame, np.array([b"b", b"c", b"e"])).tolist() == [1, 1, 3]
