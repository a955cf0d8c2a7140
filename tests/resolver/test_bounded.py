"""A plan run in parts gives what it gives at once, in less memory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from provgraph.errors import InvalidInput, ProvgraphError
from provgraph.resolver import bounded
from provgraph.resolver.bounded import parse_memory, run_bounded
from provgraph.resolver.execute import run_partition
from tests.surveys import catalog, nearby, open_survey, survey, write_fits  # noqa: F401


@pytest.mark.parametrize(("text", "expected"), [("1GiB", 2**30), ("500 MB", 500 * 2**20), (4096, 4096), ("1.5k", 1536)])
def test_amounts_of_memory(text, expected):
    assert parse_memory(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "1 parsec", "0"])
def test_what_is_no_amount_of_memory(text):
    with pytest.raises(InvalidInput) as caught:
        parse_memory(text)
    assert caught.value.code == "memory_syntax"


@pytest.fixture
def work(survey, tmp_path, monkeypatch):
    """An order of 20,000 sources that filters, calculates and joins, and a smallest part of 1000."""
    monkeypatch.setattr(bounded, "LEAST", 1000)
    rng = np.random.default_rng(1)
    n = 20_000
    columns = {"id": rng.permutation(n), "x": rng.random(n), "y": rng.random(n)}
    columns["y"][::7] = np.nan
    a = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")
    survey.define_calculator("s", requires=["x", "y"], expression="x + 2*y")
    result = survey.pull(a, ["id", "s", "x"], where="x < 0.5 and s > 0.7").result
    copied, done = survey.processor.optimised(result)
    return survey, survey.processor.order(copied, done.plan)[0], result


@pytest.mark.parametrize("parts", [1, 3, 17])
def test_in_parts_it_gives_the_same(work, parts):
    survey, order, _ = work
    need = bounded.estimate(order, survey.store_).bytes
    assert bounded.estimate(order, survey.store_).sources == 20_000
    whole = run_partition(order, store=survey.store_)
    some = run_bounded(replace(order, memory=need // parts), store=survey.store_)
    assert (some.ids == whole.ids).all()
    assert set(some.columns) == set(whole.columns)
    for name, column in whole.columns.items():
        assert np.array_equal(some.columns[name].values, column.values, equal_nan=True)
        none = np.zeros(len(whole.ids), bool)
        assert (none if some.columns[name].null is None else some.columns[name].null).tolist() == (
            none if column.null is None else column.null
        ).tolist()
    assert (some.filtered, some.calculated, some.rows) == (whole.filtered, whole.calculated, whole.rows)
    assert len(some.fresh) == len(whole.fresh)
    for one in whole.fresh:
        other = next(
            f for f in some.fresh if set(f.columns) == set(one.columns) and f.source_set_key == one.source_set_key
        )
        assert (other.ids == one.ids).all()
    assert not list((survey.directory / "scratch").glob("*"))


def test_a_pull_in_parts_is_kept_and_not_repeated(work):
    survey, order, result = work
    survey.processor.memory = bounded.estimate(order, survey.store_).bytes // 4
    table, measured = survey.processor.process(result)
    again, second = survey.processor.process(result)
    assert sum(measured.calculated.values()) > 0
    assert (second.filtered, dict(second.calculated)) == (0, {})
    assert (table.ids == again.ids).all()


def test_what_looks_at_all_sources_at_once_fits_or_says_so(work):
    survey, order, _ = work
    whole = run_partition(order, store=survey.store_)
    need = bounded.estimate(order, survey.store_).bytes
    steps = {i: replace(s, whole_catalog=s.operator == "AttributeCalculator") for i, s in order.plan.steps.items()}
    order = replace(order, plan=replace(order.plan, steps=steps))
    some = run_bounded(replace(order, memory=need * 3 // 4), store=survey.store_)
    assert content(some) == content(whole)
    assert some.calculated == whole.calculated
    with pytest.raises(ProvgraphError) as caught:
        run_bounded(replace(order, memory=need // 50), store=survey.store_)
    assert caught.value.code == "memory_exceeded"
    assert not list((survey.directory / "scratch").glob("*"))


def content(outcome):
    return outcome.ids.tobytes(), {
        name: (values.tobytes(), None if null is None else null.tobytes())
        for name, (values, null) in outcome.columns.items()
    }


def test_the_first_sources_come_from_the_first_parts(work):
    survey, order, _ = work
    whole = run_partition(order, store=survey.store_, limit=7)
    need = bounded.estimate(order, survey.store_).bytes
    some = run_bounded(replace(order, memory=need // 17), store=survey.store_, limit=7)
    assert content(some) == content(whole)
    assert 0 < sum(some.calculated.values()) < sum(whole.calculated.values())
    assert all(not one.source_set_key for one in some.fresh)  # of a part of them, it is not known of all


def test_what_a_killed_process_left_is_removed_when_the_survey_is_opened(open_survey):
    first = open_survey()
    program = "from provgraph.bulk import processes; print(processes.mark())"
    mark = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    left = first.directory / "scratch" / f"parts-{mark}-abc"
    left.mkdir(parents=True)
    (left / "x").write_text("x")
    first.close()
    open_survey()
    assert not left.exists()
