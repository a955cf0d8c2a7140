"""The benchmarks run, on little data; what they count is exact at any size. How fast it is says scripts/bench."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import provgraph
from benchmarks import (
    audit,
    calls,
    catalog,
    constraints,
    difference,
    documents,
    graph,
    ingest,
    joins,
    lineage,
    objects,
    processing,
    prov,
    reuse,
    select,
    selection,
    targets,
)
from benchmarks.figure import HEADER, Figure

pytestmark = pytest.mark.embedded
ROWS = 20_000


def test_the_catalog_is_what_astropy_reads(tmp_path: Path) -> None:
    from astropy.table import Table

    catalog.write_fits(tmp_path / "a.fits", 1000)
    table = Table.read(tmp_path / "a.fits")
    assert table.colnames == [name for name, _ in catalog.COLUMNS]
    assert len(np.unique(table["id"])) == 1000
    assert (np.diff(table["id"]) < 0).any(), "unsorted"
    assert table["ra"].unit == "deg"


def test_ingest_and_processing(tmp_path: Path) -> None:
    fits = tmp_path / "catalog.fits"
    catalog.write_fits(fits, ROWS)
    ingested = ingest.measure(fits, tmp_path / "survey", ROWS)
    processed = processing.measure(tmp_path / "survey", ROWS)
    again = next(f for f in processed if "again" in f.what)
    assert again.result == "criteria on 0, calculators on 0 sources"
    for figure in (*ingested, *processed):
        assert figure.row().count("|") == HEADER.splitlines()[0].count("|")


def test_the_calculator_sees_what_is_selected(tmp_path: Path) -> None:
    catalog.write_fits(tmp_path / "a.fits", ROWS)
    seconds, seen, limit, columns, others = selection._ours(tmp_path / "survey", tmp_path / "a.fits", 200)
    assert seen == others == {200}
    assert (columns["z"] < limit).sum() == 200
    assert len(seconds) == selection.ROUNDS
    assert selection._polars(columns, limit, False)[1] == ROWS
    assert selection._polars(columns, limit, True)[1] == 200


def test_what_is_stored_is_looked_at_alone(tmp_path: Path) -> None:
    catalog.write_fits(tmp_path / "a.fits", ROWS)
    with provgraph.open(tmp_path / "survey") as survey:
        survey.ingest(tmp_path / "a.fits", name="catalog", id="id", units={"z": ""})
    within, *_ = reuse.measure(tmp_path / "survey", ROWS)
    assert "criterion on 180" in within.ours


def test_graphs_are_filled(tmp_path: Path) -> None:
    catalog.write_fits(tmp_path / "a.fits", 200)
    figures = graph.measure(tmp_path / "survey", tmp_path / "a.fits", (20, 40, 60))
    assert len(figures) == 5
    with provgraph.open(tmp_path / "survey") as survey:
        assert len(survey.find("created is not null")) > 40  # some are made twice, which is once


def test_searches_are_found_in_a_small_survey(tmp_path: Path) -> None:
    figures = select.measure(tmp_path / "survey", 4000)
    assert [f.ours.split(" for ")[-1] for f in figures[:2]] == ["100 objects"] * 2
    assert figures[-2].reached, figures[-2].row()  # statements of a loop are counted


def test_the_difference_of_small_lineages(tmp_path: Path) -> None:
    nothing, nearly_all = difference.measure(tmp_path, 300)
    assert (nothing.result, nearly_all.result) == ("1 changes", "4 changes")
    read = [int(figure.baseline.split()[0]) for figure in (nothing, nearly_all)]
    assert 8 * read[1] < read[0] < 660


def test_lineage_of_a_small_graph(tmp_path: Path) -> None:
    figures = lineage.measure(tmp_path, 10_000)
    assert ["202 nodes" in f.what for f in figures] == [True, False, True]


def test_a_small_pipeline_is_stored_made_and_traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(objects.measure(tmp_path / "objects", 500)) == 2
    assert len(targets.measure(tmp_path / "targets", 120)) == 3
    monkeypatch.setattr(calls, "CALLS", 50)
    monkeypatch.setattr(calls, "STEPS", 3)
    assert len(calls.measure(tmp_path / "calls")) == 3


def test_a_missed_bar_is_seen() -> None:
    assert "**no**" in Figure("a", "1", "2", "3x", "<= 2x", False).row()


def test_joins_agree_with_those_of_polars() -> None:
    pytest.importorskip("polars")
    figures = joins.measure(3 * ROWS)  # what they find is compared before it is timed
    assert len(figures) == 4


def test_the_audit_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.setenv("PROVGRAPH_AUDIT_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setattr(audit, "WRITES", 5)
    figures = audit.measure(tmp_path / "audit", 500)
    assert [f.bar for f in figures] == [">= 200,000 records/s", ">= 200,000 records/s", "<= 1 ms"]


def test_prov_documents_are_read(tmp_path: Path) -> None:
    pytest.importorskip("prov")
    figures = prov.measure(tmp_path, 1000)
    assert [f.bar for f in figures] == [">= 3x", "<= 0.6x", ""]


def test_prov_documents_are_imported(tmp_path: Path) -> None:
    figures = documents.measure(tmp_path, 2000, 1000)
    assert [f.bar for f in figures] == [">= 1,200/s", ">= 3,000/s"]


def test_constraints_are_checked() -> None:
    figures = constraints.measure(6000, 7000, 300)
    assert [f.bar for f in figures] == [">= 20,000 records/s", *["<= 2 s"] * 3]
