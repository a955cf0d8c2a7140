"""The benchmarks run, on little data; what they count is exact at any size. How fast it is says scripts/bench."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import catalog, ingest, processing, selection
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
    seconds, seen, limit, columns = selection._ours(tmp_path / "survey", tmp_path / "a.fits", 200)
    assert seen == 200
    assert (columns["z"] < limit).sum() == 200
    assert len(seconds) == selection.ROUNDS
    _, theirs = selection._polars(columns, limit)
    assert theirs == ROWS


def test_a_missed_bar_is_seen() -> None:
    assert "**no**" in Figure("a", "1", "2", "3x", "<= 2x", False).row()
