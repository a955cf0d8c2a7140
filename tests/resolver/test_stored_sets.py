"""What is in the store limits what is looked at and what is calculated, where that is proved, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.resolver import handover
from provgraph.rewrite.plan import STORED
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401

WANTED = ["id", "mag_u", "absmag_u"]


def read_from_store(survey: Any, collection: Any) -> list[str]:
    _, done = survey.processor.optimised(collection)
    return [s.id for s in done.plan if s.lineage_key.startswith(STORED)]


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are kept, however fast they were calculated."""
    monkeypatch.setattr(handover, "READING", 1e18)


def test_a_narrower_criterion_looks_in_what_a_wider_one_found(nearby: Any) -> None:
    wide = nearby.pull("A", ["id"], where="redshift < 0.2").table()
    narrow = nearby.pull("A", ["id", "mag_u"], where="redshift < 0.1")
    table = narrow.table()
    assert narrow.measured.filtered == len(wide)
    plain, _ = nearby.processor.process(nearby["A"].select("id", "redshift"))
    assert list(table["id"]) == plain.ids[plain.columns["redshift"].values < 0.1].tolist()


def test_what_was_found_has_its_own_name_again(nearby: Any) -> None:
    nearby.pull("A", ["id"], where="redshift < 0.2").table()
    narrow = nearby.pull("A", ["id"], where="redshift < 0.1")
    assert read_from_store(nearby, narrow.result)
    narrow.table()
    assert nearby.mapper.read("segments_of_source_sets", keys=[narrow.result.sources().key])


def test_calculated_for_more_sources_before(nearby: Any) -> None:
    nearby.pull("A", WANTED, where="redshift < 0.2").table()
    narrow = nearby.pull("A", ["id", "ra", "absmag_u"], where="redshift < 0.1")
    narrow.table()
    assert narrow.measured.calculated == {}


def test_what_is_gone_is_made_again(nearby: Any) -> None:
    nearby.pull("A", ["id"], where="redshift < 0.2").table()
    narrow = nearby.pull("A", ["id", "mag_u"], where="redshift < 0.1")
    assert read_from_store(nearby, narrow.result)
    for row in nearby.mapper.read("segments_made"):
        if row["class_name"] == "TargetProcessor":
            nearby.processor.store.delete(row["properties"]["file"])
    assert not read_from_store(nearby, narrow.result)
    assert len(narrow.table())


def test_a_criterion_that_the_statistics_decide(nearby: Any) -> None:
    table, measured = nearby.processor.process(nearby["A"].filter("ra < 1e6"))
    assert measured.filtered == 0
    assert len(table) == len(nearby.pull("A", ["id"]).table())
    nothing = nearby.pull("A", ["id", "mag_u"], where="redshift > 1e6")
    assert len(nothing.table()) == 0
    assert nothing.measured.filtered == 0
    assert nothing.table()["mag_u"].dtype == nearby.pull("A", ["mag_u"]).table()["mag_u"].dtype
