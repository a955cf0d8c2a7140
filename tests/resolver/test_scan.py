"""Scanning with block statistics and indexes finds what evaluating everything finds, and reads less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.bulk import statistics
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.language.criterion import BoundCriterion
from provgraph.resolver import scan as scanning
from provgraph.resolver.scan import Located, scan
from provgraph.schema.table import Column
from tests.language.test_ranges import criteria

N = 200


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    """Two columns in blocks of 16: x ascends, so that blocks decide; y does not; both with NaN and NULL here and there."""
    patch = pytest.MonkeyPatch()
    for module in (statistics, scanning):
        patch.setattr(module, "BLOCK", 16)
    for name in ("columns", "layout", "hdf5"):
        patch.setattr(f"provgraph.bulk.{name}.BLOCK", 16)
    rng = np.random.default_rng(3)
    x, y = np.sort(rng.choice(np.linspace(-2, 2, 17), N)), rng.choice(np.linspace(-2, 2, 17), N)
    y[::5] = np.nan
    x[40:50] = np.nan
    null = np.zeros(N, bool)
    null[100:105] = True
    store = Hdf5Store(tmp_path_factory.mktemp("store"))
    info = store.write(np.arange(N), {"x": Column(x, null), "y": Column(y)}, id_space="s")
    indexed = Hdf5Store(tmp_path_factory.mktemp("indexed"))
    both = indexed.open(indexed.write(np.arange(N), {"x": Column(x, null), "y": Column(y)}, id_space="s"))
    for origin in "xy":
        indexed.indexes.build(both, origin)
    patch.setattr(scanning, "SELECTIVE", 0.5)
    yield store.open(info), both, indexed.indexes
    patch.undo()


@settings(deadline=None, max_examples=300)
@given(criteria, st.sampled_from(["all", "slice", "rows"]))
def test_it_finds_what_evaluating_everything_finds(segment, text, which):
    plain, both, index = segment
    rows = {"all": slice(None), "slice": slice(23, 171), "rows": np.arange(0, N, 3)}[which]
    bound = BoundCriterion.from_canonical(text)
    columns = {o: plain.column(o).take(rows) for o in "xy"}
    n = len(columns["x"].values)
    expected = np.flatnonzero(bound.select(columns, n))
    for one, beside in ((plain, None), (both, index)):
        located = {o: Located(one.column(o), rows, one) for o in bound.origins}
        assert (scan(bound, located, n, indexes=beside).kept == expected).all()


def test_blocks_that_are_decided_by_their_statistics_are_not_looked_at(segment):
    plain, _, _ = segment
    located = {"x": Located(plain.column("x"), slice(None), plain)}
    assert scan(BoundCriterion.from_canonical("`x` > 100.0"), located, N).looked == 0
    assert scan(BoundCriterion.from_canonical("`x` < -1.5"), located, N).looked < N / 2


def test_a_narrow_range_reads_the_index_alone(segment):
    _, both, index = segment
    located = {"y": Located(both.column("y"), slice(None), both)}
    found = scan(BoundCriterion.from_canonical("`y` > 1.9"), located, N, indexes=index)
    assert found.looked == 0
    assert found.read == len(found.kept) > 0
