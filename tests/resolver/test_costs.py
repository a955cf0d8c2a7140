"""What a plan says before it is processed: where each step runs, on how many sources, and what that takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provgraph.bulk.store import SegmentInfo
from provgraph.resolver import costs
from provgraph.resolver.costs import amount, duration
from tests.surveys import N, catalog, galaxies, nearby, open_survey, survey  # noqa: F401

NEAR = int((galaxies()["redshift"] < 0.1).sum())


def costs_of(pull: Any) -> dict[str, Any]:
    explained = pull.explain()
    return {explained.after[step].operator: cost for step, cost in explained.expected.steps.items()}


def test_a_plan_says_where_and_how_much(nearby: Any) -> None:
    pull = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.1")
    found = costs_of(pull)
    assert found["External"].where == "mapped file"
    assert found["External"].bytes == 0
    assert found["SelectAttributes"].where == "names only"
    assert (found["FilterSources"].where, found["FilterSources"].sources) == ("numpy", N)
    assert found["FilterSources"].bytes == N * 8  # redshift, and nothing else of A
    calculated = found["AttributeCalculator"]
    assert (calculated.where, calculated.sources, calculated.seconds) == ("numpy", N, None)  # nobody has timed it yet
    said = str(pull.explain())
    assert "not timed yet" in said
    assert "Processed at once in about " in said
    plain = pull.explain().as_dict()
    assert [c["step"] for c in plain["costs"]] == [s.id for s in pull.explain().after.ordered()]


def test_what_was_processed_is_what_is_shown(nearby: Any) -> None:
    pull = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.1")
    before = pull.explain()
    pull.table()
    after = pull.explain()
    assert after.after == before.after  # though by now what it found is stored, and it would be processed otherwise
    rows = {s.operator: after.rows[s.id] for s in after.after}
    assert rows["AttributeCalculator"] == rows["FilterSources"] == f"= {NEAR} sources"
    assert rows["External"] == f"= {N:,} sources"
    again = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.1")
    again.table()
    assert "nothing was processed" in str(again.explain())


def test_calculators_are_timed(nearby: Any) -> None:
    nearby.pull("A", ["absmag_u"], where="redshift < 0.1").table()
    found = costs_of(nearby.pull("A", ["absmag_u"], where="redshift < 0.2"))["AttributeCalculator"]
    assert 0 < found.seconds < 60


def test_a_range_that_statistics_or_an_index_confine(nearby: Any) -> None:
    nothing = nearby.pull("A", ["id"], where="redshift < 0.05")
    assert costs_of(nothing)["FilterSources"].sources == N
    (held,) = nearby.held()
    segment = nearby.store_.open(SegmentInfo.from_dict(json.loads(held.segment.info)))
    nearby.store_.indexes.build(segment, nearby["A"].attributes()["redshift"].origin)
    found = costs_of(nearby.pull("A", ["id"], where="redshift < 0.01"))["FilterSources"]
    assert found.where == "sorted index"
    assert found.sources == (galaxies()["redshift"] < 0.01).sum()


def test_in_parts_where_memory_is_short(open_survey: Any, catalog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small = open_survey("small", memory=20_000)
    small.ingest(catalog, name="A", id="id")
    pull = small.pull("A", ["id", "ra"], where="redshift < 0.1")
    need = pull.explain().expected
    assert need.memory > 20_000
    assert need.parts == 1  # so few sources are not divided
    monkeypatch.setattr(costs, "LEAST", 100)
    assert pull.explain().expected.parts == -(-need.memory // 20_000) > 1
    assert "in 1 part" not in str(pull.explain().expected)
    assert len(pull.table()) == NEAR


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e9, "2 GB"), (3e12, "3 TB"), (4e15, "4e+03 TB")]
)
def test_amounts_to_read(size: float, text: str) -> None:
    assert amount(int(size)) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "< 1 us"), (2.5e-5, "25 us"), (0.0123, "12.3 ms"), (75, "75 s")])
def test_times_to_read(seconds: float, text: str) -> None:
    assert duration(seconds) == text
