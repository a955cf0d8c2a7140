"""What is stored is read: no plan is rewritten, nothing is evaluated; what cannot be made again says what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import StorageError
from provgraph.resolver import processor
from provgraph.schema.collection import SourceCollection
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401

WANTED = ["id", "mag_u", "absmag_u"]
WHERE = "redshift < 0.3"


def originals(survey: Any) -> set[str]:
    rows = survey.mapper.read("segments_of_source_sets", keys=[survey["A"].sources().key])
    return {r["properties"]["file"] for r in rows}


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ends of the plans that were optimised."""
    ends: list[str] = []
    optimise = processor.optimise

    def counting(plan: Any, **more: Any) -> Any:
        ends.append(plan.end)
        return optimise(plan, **more)

    monkeypatch.setattr(processor, "optimise", counting)
    return ends


def test_a_stored_result_is_read_without_rewriting(nearby: Any, open_survey: Any, rewritten: list[str]) -> None:
    table = nearby.pull("A", WANTED, where=WHERE, name="near").table()
    assert rewritten
    rewritten.clear()
    again = open_survey().pull("A", WANTED, where=WHERE)
    assert (again.table() == table).all()
    assert rewritten == []
    assert (again.measured.filtered, again.measured.calculated, again.measured.kept) == (0, {}, 0)
    assert "275 sources" in str(again.explain())  # its plan is shown, with what is known from the store


def test_what_is_stored_for_more_sources_serves(nearby: Any, rewritten: list[str]) -> None:
    nearby.pull("A", WANTED, where=WHERE).data()
    fainter = f"{WHERE} and mag_u < 20"
    first = nearby.pull("A", WANTED, where=fainter).table()
    rewritten.clear()
    again = nearby.pull("A", WANTED, where=fainter).table()
    assert (again == first).all()
    assert rewritten == []


def test_a_whole_catalog_is_read(nearby: Any, rewritten: list[str]) -> None:
    table, measured = nearby.processor.process(nearby["A"].select("id", "dec"), limit=10)
    assert rewritten == []
    order = np.argsort(galaxies()["id"])[:10]
    assert np.array_equal(table["dec"].values, galaxies()["dec"][order])
    assert measured.rows == {}


def test_values_that_no_segment_has_for_all_are_processed(nearby: Any, rewritten: list[str]) -> None:
    nearby.pull("A", WANTED, where=WHERE).data()
    pull = nearby.pull("A", WANTED, where="redshift < 0.6")
    assert len(pull.data()) > 275
    assert rewritten
    assert pull.measured.filtered == 1000


def test_derived_segments_that_are_gone_are_made_again(nearby: Any) -> None:
    table = nearby.pull("A", WANTED, where=WHERE).table()
    for name in set(nearby.store_.names()) - originals(nearby):
        nearby.store_.delete(name)
    again = nearby.pull("A", WANTED, where=WHERE)
    assert (again.table() == table).all()
    assert again.measured.kept == 1


def test_a_stored_result_needs_no_other_process(nearby: Any) -> None:
    result: SourceCollection = nearby.pull("A", WANTED, where=WHERE).result

    def elsewhere(*_: Any) -> Any:
        raise AssertionError("a process was started")

    with pytest.raises(AssertionError):
        nearby.processor.process_elsewhere(result, elsewhere)
    n = len(nearby.process(result)[0])
    assert nearby.processor.process_elsewhere(result, elsewhere).n == n


@pytest.mark.parametrize(("change", "what"), [
    (lambda path: path.unlink(), "is gone"), (lambda path: path.write_bytes(path.read_bytes()[:-9]), "was changed"),
])  # fmt: skip
def test_lost_originals_say_which_file_brings_them_back(nearby: Any, catalog: Any, change: Any, what: str) -> None:
    (name,) = originals(nearby)
    change(nearby.store_.path(name))
    with pytest.raises(StorageError) as caught:
        nearby.pull("A", ["id", "dec"], where="dec > 0").data()
    said = caught.value.message
    assert said.startswith(f"The values of A@1 cannot be read, segment {name} {what}")
    assert f"ingest {catalog.name} again" in said
    assert nearby["A"].digest[:19] in said
    assert "elete" not in said
    nearby.ingest(catalog, id="id", units={"redshift": ""})
    assert len(nearby.pull("A", ["id", "dec"], where="dec > 0").data())


def test_a_lost_list_says_how_to_make_it_again(nearby: Any) -> None:
    chosen = nearby.select_sources("A", galaxies()["id"][:7])
    absolute = nearby.store(chosen.select("id", "mag_u"))
    nearby.store_.delete(chosen.source_list.file)
    with pytest.raises(StorageError, match=r"A list of identifiers cannot be read, .* again with select_sources"):
        nearby.process(absolute)
