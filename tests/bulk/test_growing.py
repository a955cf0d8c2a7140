"""Arrays that come in parts."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.bulk.growing import Growing, GrowingTable, in_order
from provgraph.schema.table import Column


def test_parts_become_one_array_and_no_file_has_a_name(tmp_path: Path) -> None:
    one = Growing(tmp_path)
    parts = [np.arange(6.0).reshape(3, 2), np.empty((0, 2)), np.ones((4, 2))]
    for part in parts:
        one.append(part)
    whole = one.finish()
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="read-only"):
        whole[0] = 3
    del one
    gc.collect()
    np.testing.assert_array_equal(whole, np.concatenate(parts))  # good as long as somebody holds it


@pytest.mark.parametrize("parts", [[b"abc", b"z"], [b"z", b"longer"]])
def test_text_becomes_as_wide_as_its_widest(tmp_path: Path, parts: list[bytes]) -> None:
    one = Growing(tmp_path)
    for part in parts:
        one.append(np.array([part, b""]))
    assert one.finish().tolist() == [parts[0], b"", parts[1], b""]


def test_nothing_keeps_its_type(tmp_path: Path) -> None:
    one = Growing(tmp_path)
    one.append(np.empty((0, 3), "i2"))
    assert (one.finish().dtype, one.finish().shape) == (np.dtype("i2"), (0, 3))


def test_masks_that_start_late(tmp_path: Path) -> None:
    table = GrowingTable(tmp_path)
    table.append(np.arange(2), {"a": Column(np.zeros(2)), "b": Column(np.zeros(2))})
    table.append(np.arange(2, 5), {"a": Column(np.ones(3), np.array([True, False, True])), "b": Column(np.ones(3))})
    table.append(np.arange(5, 6), {"a": Column(np.ones(1)), "b": Column(np.ones(1))})
    ids, columns = table.finish()
    assert ids.tolist() == [0, 1, 2, 3, 4, 5]
    assert columns["a"].null.tolist() == [False, False, True, False, True, False]
    assert columns["b"].null is None


@given(
    parts=st.lists(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9), max_size=30), max_size=8),
    rows=st.integers(1, 40),
)
@settings(max_examples=200, deadline=None)
def test_order_is_that_of_a_stable_sort(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], rows: int
) -> None:
    directory = tmp_path_factory.mktemp("sort")
    arrays = [np.array(part, np.int64) for part in parts]
    every = np.concatenate([np.empty(0, np.int64), *arrays])
    place = np.arange(len(every))
    starts = np.cumsum([0, *map(len, arrays)])
    chunks = [(a, {"place": Column(place[s : s + len(a)])}) for a, s in zip(arrays, starts, strict=False)]
    ids, columns = in_order(chunks, directory, rows)
    order = np.argsort(every, kind="stable")
    assert ids.tolist() == every[order].tolist()  # exact beyond 2**53
    if chunks:
        assert columns["place"].values.tolist() == place[order].tolist()
