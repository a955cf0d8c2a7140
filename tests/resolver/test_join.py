from __future__ import annotations

import sys

import numpy as np
import pytest

from provgraph.resolver import join
from provgraph.resolver.join import match, search


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


@pytest.mark.parametrize("apart", [2, 9, 10**6, 2**42])
@pytest.mark.parametrize("start", [0, -(2**62), 2**53 + 1])
@pytest.mark.parametrize("installed", [True, False])
def test_a_join_of_long_arrays_is_exact(
    apart: int, start: int, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Close and far apart, with Polars and without; neighbours beyond 2**53 are different sources."""
    monkeypatch.setattr(join, "LARGE", 1 << 15)
    if not installed:
        monkeypatch.setitem(sys.modules, "polars", None)
    random = np.random.default_rng(apart)
    every = start + np.cumsum(random.integers(1, apart, 200_000))
    frame = every[random.random(len(every)) < 0.5]
    for part in (0.7, 0.01):
        ids = every[random.random(len(every)) < part]
        rows, found = match(frame, ids)
        expected = np.isin(ids, frame)
        assert (found == expected).all()
        assert (frame[rows[found]] == ids[found]).all()
        assert (search(frame, ids) == np.searchsorted(frame, ids)).all()
    some = frame[1::3]
    rows, found = match(frame, some)
    assert found is None
    assert (frame[rows] == some).all()
    assert match(frame, frame.copy()) == (slice(None), None)
    almost = frame.copy()
    almost[-1] += 1
    rows, found = match(frame, almost)
    assert (np.flatnonzero(~found) == [len(frame) - 1]).all()


def test_nothing_is_among_nothing() -> None:
    none = np.empty(0, np.int64)
    assert match(none, none)[1] is None
    assert match(none, np.array([1]))[1].tolist() == [False]
    assert match(np.array([1]), none)[1] is None
