"""The session of a scientist with a real quasar catalog, whole, on each engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.surveys import open_survey, survey  # noqa: F401

EXPRESSION = "i_mag - distmod(z) + 1.25*log10(1+z)"


@pytest.mark.shared
def test_the_session(survey: Any, shared: Path, tmp_path: Path) -> None:
    quasars = survey.ingest(shared / "data/catalogs/SDSS_QSO.tab.gz", name="SDSS quasars", id="SDSS")
    survey.define_calculator(
        "absmag_i", requires=["z", "i_mag"], expression=EXPRESSION, unit="mag", ucd="phys.magAbs;em.opt.I"
    )
    assert len(quasars) == 77_429
    assert quasars.head()["SDSS"][0] == "000006.53+003055.2"
    assert "i_mag" in str(quasars.describe())
    pull = survey.pull(quasars, ["SDSS", "z", "absmag_i"], where="z < 0.5 and i_mag > 0", name="bright")
    explained = str(pull.explain())
    assert pull.measured is None
    assert "77,429 sources" in explained
    table = pull.table()
    assert pull.measured.calculated[pull.result.attributes()["absmag_i"].origin] == len(table) == 6450
    assert str(table["absmag_i"].unit) == "mag"
    assert pull.numpy()["z"].max() < 0.5
    assert pull.arrow().num_rows == len(table)
    for suffix in ("fits", "vot", "parquet", "h5", "csv"):
        written = pull.write(tmp_path / f"out.{suffix}")
        assert survey.get(written).object_id == pull.result.object_id, suffix
    lineage = survey.lineage(pull.result)
    for name in ("lineage.prov.json", "lineage.svg", "lineage.dot", "lineage.provn", "lineage.txt"):
        assert lineage.write(tmp_path / name).stat().st_size > 500
    document = json.loads((tmp_path / "lineage.prov.json").read_text())
    assert {"entity", "activity", "agent", "wasDerivedFrom", "used", "wasGeneratedBy", "wasAssociatedWith"} <= set(
        document
    )
    assert "survey.calculate(A" in pull.script()
    again = survey.pull("SDSS quasars", ["SDSS", "z", "absmag_i"], where="z < 0.5 and i_mag > 0", name="bright")
    assert again.result.object_id == pull.result.object_id
    again.table()
    assert (again.measured.filtered, again.measured.calculated) == (0, {})


@pytest.mark.shared
def test_absolute_magnitudes_agree_with_the_catalog(survey: Any, shared: Path) -> None:
    """The catalog corrects for Galactic extinction, we do not: ours are a little fainter."""
    quasars = survey.ingest(shared / "data/catalogs/SDSS_QSO.tab.gz", name="SDSS quasars", id="SDSS")
    survey.define_calculator("absmag_i", requires=["z", "i_mag"], expression=EXPRESSION, unit="mag")
    table = survey.pull(quasars, ["absmag_i", "Mp"], where="i_mag > 0").table()
    difference = np.asarray(table["absmag_i"]) - np.asarray(table["Mp"])
    assert 0.03 < np.median(difference) < 0.08
    assert ((difference > 0) & (difference < 0.2)).mean() > 0.9
