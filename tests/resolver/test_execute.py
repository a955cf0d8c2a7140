"""The executor against the definitions: any collection of all operators, plain, in parts, and optimised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provgraph
from provgraph.errors import OperatorError
from provgraph.resolver import bounded
from provgraph.resolver.execute import WorkOrder, run_partition
from provgraph.resolver.processor import transient
from provgraph.schema.collection import SourceCollection
from provgraph.schema.table import Table
from tests.collections import Start, cells, reference_cells
from tests.reference import Refused
from tests.samples import sample

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    directory = tmp_path_factory.mktemp("collections")
    with provgraph.open(directory / "survey") as survey:
        yield Start.ingest(survey, directory)


def plain(start: Start, one: SourceCollection) -> WorkOrder:
    """The work order of the plan as it was made."""
    processor = start.survey.processor
    copied = transient(one, processor.mapper)
    order, _ = processor.order(copied, copied.plan)
    return WorkOrder.from_json(order.to_json())


def run(order: WorkOrder, one: SourceCollection, start: Start, lo: Any = None, hi: Any = None) -> Table:
    outcome = run_partition(order, lo, hi, store=start.survey.store_)
    return Table(outcome.ids, outcome.columns, one.attributes())


def same(one: dict[Any, Any], other: dict[Any, Any]) -> None:
    assert list(one) == list(other)
    assert one == other


@given(data=st.data())
@settings(
    max_examples=sample(150), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_collection_is_what_its_operators_say(start: Start, data: st.DataObject) -> None:
    one = data.draw(Start.collections(start))
    try:
        catalog = start.world.of(one)
    except Refused:
        with pytest.raises(OperatorError):
            start.evaluate(one)
        with pytest.raises(OperatorError):
            run(plain(start, one), one, start)
        return
    expected = reference_cells(catalog)
    same(cells(start.evaluate(one)), expected)
    same(cells(run(plain(start, one), one, start)), expected)
    optimised, _ = start.survey.process(one)
    same(cells(optimised), expected)
    same(cells(run(plain(start, one), one, start)), expected)  # what was kept of it serves the next


@given(data=st.data())
@settings(
    max_examples=sample(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_parts_make_the_whole(start: Start, data: st.DataObject) -> None:
    one = data.draw(Start.collections(start))
    try:
        expected = reference_cells(start.world.of(one))
    except Refused:
        return
    ids = list(expected)
    order = plain(start, one)
    cut = data.draw(st.sampled_from(ids)) if ids else 0
    parts: dict[Any, Any] = {}
    for lo, hi in ((None, cut), (cut, None)):
        parts |= cells(run(order, one, start, lo, hi))
    same(parts, expected)


@given(data=st.data(), parts=st.integers(2, 40))
@settings(
    max_examples=sample(100), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_little_memory_gives_the_same(start: Start, data: st.DataObject, parts: int) -> None:
    one = data.draw(Start.collections(start))
    try:
        expected = reference_cells(start.world.of(one))
    except Refused:
        return
    order = plain(start, one)
    need = bounded.estimate(order, start.survey.store_).bytes
    with mock.patch.object(bounded, "LEAST", 2):
        outcome = bounded.run_bounded(replace(order, memory=max(1, need // parts)), store=start.survey.store_)
    same(cells(Table(outcome.ids, outcome.columns, one.attributes())), expected)
    whole = run_partition(order, store=start.survey.store_)
    assert outcome.calculated == whole.calculated
    assert {f.source_set_key for f in outcome.fresh if f.source_set_key} >= {
        f.source_set_key for f in whole.fresh if f.source_set_key and not f.id_space
    }


def test_a_strict_list_is_checked_where_it_was_asked(start: Start) -> None:
    catalog = start.catalogs[0]
    ids = start.survey.process(catalog)[0].ids
    everything = catalog.only_listed(ids, strict=True)
    some = everything.filter("n > 0")  # once this is optimised, not all that was listed reaches the selection
    assert start.survey.count(some) < len(ids)
    absent = catalog.filter("n > 0").only_listed(ids[:3])
    strict = type(absent)(
        parent=catalog.filter("n > 0"),
        source_list=everything.source_list,
        sources_digest=everything.sources_digest,
        strict=True,
    )
    with pytest.raises(OperatorError, match="identifiers are not in FilterSources") as caught:
        start.survey.process(strict.filter("x < 0.5"))
    assert caught.value.code == "identifiers_foreign"


def test_errors_of_relabelling_say_which_source(start: Start) -> None:
    catalog = start.catalogs[0]
    found = {}
    for relabelling in start.relabellings:
        if relabelling.from_space == "sky":
            try:
                start.survey.process(catalog.relabel(relabelling).select("x"))
            except OperatorError as error:
                found[error.code] = str(error)
    assert found.keys() == {"relabelling_not_injective", "relabelling_undefined", "relabelling_overflow"}
    assert "both become" in found["relabelling_not_injective"]
    assert "has no pair for" in found["relabelling_undefined"]


def test_a_source_without_attributes_is_still_there(start: Start) -> None:
    one, two = start.catalogs[:2]
    both, _ = start.survey.process(one.select().union(two.select()))
    assert both.ids.tolist() == sorted({*start.world.of(one).ids, *start.world.of(two).ids})
    assert not both.columns
    empty, _ = start.survey.process(one.filter("false").union(two.filter("false"), policy="first"))
    assert len(empty) == 0
    assert all(len(column.values) == 0 for column in empty.columns.values())
    assert empty["t"].values.dtype.kind in "SU"
    assert np.issubdtype(empty["y"].values.dtype, np.float32)
