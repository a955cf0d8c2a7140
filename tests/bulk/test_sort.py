from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.bulk.sort import is_ascending, normalised_ids, ordering
from provgraph.errors import IngestError


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">i8", "f4", "f8"])
def test_whole_numbers_become_int64(dtype: str) -> None:
    ids = normalised_ids(np.array([3, 1, 2], dtype=dtype))
    assert ids.dtype == np.int64
    assert ids.tolist() == [3, 1, 2]


def test_large_identifiers_stay_exact() -> None:
    large = [2**63 - 1, 2**53 + 1]
    assert normalised_ids(np.array(large, dtype="u8")).tolist() == large


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.array([1.5, 2.0]), "id_not_exact"),
        (np.array([2.0**53, 1.0]), "id_not_exact"),
        (np.array([np.inf]), "id_not_exact"),
        (np.array([2**63], dtype="u8"), "id_not_exact"),
        (np.array([1.0, np.nan]), "null_ids"),
        (np.array(["a", ""]), "null_ids"),
        (np.array([b"a", b""]), "null_ids"),
        (np.array(["a", None], dtype=object), "null_ids"),
        (np.array([True, False]), "id_type"),
        (np.array([1 + 2j]), "id_type"),
        (np.array([[1, 2]]), "id_type"),
        (np.array([object()]), "id_type"),
    ],
)
def test_what_is_no_identifier(values: np.ndarray, code: str) -> None:
    with pytest.raises(IngestError) as caught:
        normalised_ids(values, name="objID")
    assert caught.value.code == code
    assert "objID" in str(caught.value)


@given(st.lists(st.integers(-50, 50)))
def test_ordering_against_sorted(values: list[int]) -> None:
    ids = np.array(values, dtype="i8")
    assert is_ascending(ids) == (values == sorted(set(values)))
    if len(set(values)) == len(values):
        order = ordering(ids)
        assert (ids if order is None else ids[order]).tolist() == sorted(values)
    else:
        with pytest.raises(IngestError) as caught:
            ordering(ids)
        repeated = sorted({v for v in values if values.count(v) > 1})
        assert caught.value.details["count"] == len(repeated)
        assert caught.value.details["examples"] == [str(v) for v in repeated[:3]]


def test_disorder_across_blocks_is_seen() -> None:
    ids = np.arange(2**20 + 2)
    assert is_ascending(ids)
    ids[2**20] = ids[2**20 - 1]  # the pair that straddles the first block
    assert not is_ascending(ids)


@pytest.mark.parametrize("kind", ["near", "negative", "wide", "whole range", "text"])
def test_many_identifiers(kind: str) -> None:
    """Above the size from which two threads sort, packed with their positions where both fit."""
    n = 2**18 + 3
    rng = np.random.default_rng(4)
    near = rng.permutation(n)
    ids = {
        "near": near + 2**53,
        "negative": near - n,
        "wide": near * (2**62 // n),
        "whole range": np.concatenate([[-(2**63), 2**63 - 1], near[2:]]),
        "text": np.char.mod("%d", near).astype("S"),
    }[kind]
    order = ordering(ids)
    assert order is not None
    assert np.array_equal(ids[order], np.sort(ids))
    assert len(np.unique(order)) == n
    ids[7] = ids[n - 7]
    with pytest.raises(IngestError) as caught:
        ordering(ids)
    assert caught.value.details["count"] == 1
