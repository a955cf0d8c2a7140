"""A sorted index answers ranges exactly, goes with its segment, and is never needed."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.bulk import indexes
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.errors import StorageError
from provgraph.language.ranges import Range
from provgraph.schema.table import Column


@pytest.fixture
def store(tmp_path):
    return Hdf5Store(tmp_path / "segments")


def stored(store, values, null=None):
    return store.open(store.write(np.arange(len(values)), {"o:x": Column(values, null)}, id_space="s"))


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u8", "i8"])
def test_ranges_are_exact(store, dtype):
    rng = np.random.default_rng(5)
    values = rng.integers(0, 50, 400).astype(dtype)
    if dtype[0] == "f":
        values[::7] = np.nan
        values[3], values[4] = np.inf, -np.inf
    null = np.arange(400) % 11 == 0
    segment = stored(store, values, null)
    store.indexes.build(segment, "o:x")
    index = store.indexes.get(segment.info, "o:x")
    there = ~null & ~np.isnan(values.astype("f8"))
    bounds = [None, -1e30, -3, 0, 7, 7.5, 20.1, 49, 50, 1e30]
    for lower in bounds:
        for upper in bounds:
            for opened in (False, True):
                one = Range("o:x", lower, upper, opened and lower is not None, opened and upper is not None)
                wide = values.astype("f8")
                expected = there.copy()
                if lower is not None:
                    expected &= wide > lower if one.lower_open else wide >= lower
                if upper is not None:
                    expected &= wide < upper if one.upper_open else wide <= upper
                assert (index.take(*index.find(one)) == np.flatnonzero(expected)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2**53 - 3, 2**53 + 3), st.booleans())
def test_integers_above_two_to_the_53_are_exact(tmp_path_factory, bound, opened):
    store = Hdf5Store(tmp_path_factory.mktemp("s"))
    values = np.arange(2**53 - 4, 2**53 + 5)
    segment = stored(store, values)
    store.indexes.build(segment, "o:x")
    index = store.indexes.get(segment.info, "o:x")
    expected = np.flatnonzero(values > bound if opened else values >= bound)
    assert (index.take(*index.find(Range("o:x", bound, None, opened))) == expected).all()


def test_an_index_is_due_after_repeated_use_and_counted_in_the_store(store, monkeypatch, tmp_path):
    monkeypatch.setattr(indexes, "WORTHWHILE", 10)
    segment = stored(store, np.arange(20.0))
    assert [store.indexes.used(segment.info, "o:x") for _ in range(indexes.USES)] == [False, False, True]
    assert Hdf5Store(tmp_path / "segments").indexes.used(segment.info, "o:x")


def test_it_goes_with_its_segment_and_what_was_left_behind_is_cleaned(store):
    segment, other = stored(store, np.arange(20.0)), stored(store, np.arange(30.0))
    for one in (segment, other):
        store.indexes.build(one, "o:x")
    store.delete(segment.info.name)
    assert store.indexes.get(segment.info, "o:x") is None
    orphan = store.indexes.path("0" * 32, "o:x")
    orphan.write_bytes(b"rubbish")
    assert orphan.name in store.clean()
    assert store.indexes.get(other.info, "o:x") is not None


def test_a_damaged_index_is_passed_over(store):
    segment = stored(store, np.arange(20.0))
    store.indexes.build(segment, "o:x")
    path = store.indexes.path(segment.info.name, "o:x")
    path.write_bytes(path.read_bytes()[:100])
    assert store.indexes.get(segment.info, "o:x") is None


@pytest.mark.parametrize("part", ["values", "rows"])
def test_a_changed_index_is_found(store, part):
    segment = stored(store, np.where(np.arange(20) % 3, np.arange(20.0)[::-1], np.nan))
    store.indexes.build(segment, "o:x")
    store.verify(segment.info)
    with h5py.File(store.indexes.path(segment.info.name, "o:x"), "r+") as file:
        file[part][2] = file[part][3]
    with pytest.raises(StorageError) as caught:
        store.verify(segment.info)
    assert caught.value.code == "index_changed"


def test_nothing_but_nan_and_null_gives_an_empty_index(store):
    segment = stored(store, np.full(5, np.nan))
    store.indexes.build(segment, "o:x")
    index = store.indexes.get(segment.info, "o:x")
    assert index.find(Range("o:x")) == (0, 0)
