"""Operators as they are stored, found again and processed, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import IngestError, InvalidInput, OperatorError, ProvgraphError
from provgraph.schema.operators import SourceListWrapper
from tests.surveys import OpenSurvey, open_survey, write_fits  # noqa: F401


def catalog(path: Path, ids: range, *, shift: float = 0.0) -> Path:
    n = len(ids)
    return write_fits(
        path, {"id": np.array(ids), "z": np.linspace(0, 1, n), "mag": np.arange(float(n)) + shift}, {"mag": "mag"}
    )


@pytest.fixture
def opened(open_survey: OpenSurvey, tmp_path: Path) -> Any:
    survey = open_survey()
    survey.ingest(catalog(tmp_path / "a.fits", range(20)), name="A", id="id", id_space="sky")
    survey.ingest(catalog(tmp_path / "b.fits", range(10, 30), shift=100), name="B", id="id", id_space="sky")
    return survey


def test_every_operator_is_stored_and_found_again(opened: Any, open_survey: OpenSurvey, tmp_path: Path) -> None:
    a, b = opened["A"], opened["B"]
    union = a.filter("z < .5").rename(mag="m").union(b.rename(mag="m"), policy="first")
    names = opened.relabelling(union, "names", range(30), [f"n{i:02d}" for i in range(30)])
    named = union.relabel(names).filter("m > 3").select("m")
    opened.store(named, name="named")
    expected, _ = opened.process(named)
    frame = opened["A"]
    stars = opened.ingest(tmp_path / "a.fits", name="stars", id="id", source_list=7, frames=[frame, opened["B"]])
    others = opened.ingest(tmp_path / "b.fits", name="others", id="id", source_list=8)
    opened.store(stars.union(others), name="both")
    opened.store(a.only_listed([1, 2, 50]).relabel("doubled", scale=2), name="doubled")
    opened.close()

    again = open_survey()
    found = again["named"]
    assert found.lineage_key == named.lineage_key
    assert found.sources() == named.sources()
    assert dict(found.sources().definitions) == dict(named.sources().definitions)
    assert found.attributes() == named.attributes()
    assert found.id_space == "names"
    chain = [type(one).__name__ for one in found.ancestry()]
    assert chain[:4] == ["SelectAttributes", "FilterSources", "RelabelSources", "ConcatenateSources"]
    relabelled = found.parent.parent
    renamed = "RenameAttributes(FilterSources(A, z < 0.5), mag -> m), RenameAttributes(B, mag -> m)"
    assert repr(relabelled) == f"RelabelSources(ConcatenateSources({renamed}, first wins), 30 pairs into names)"
    assert relabelled.parent.policy == "first"
    assert [p.renamed if hasattr(p, "renamed") else None for p in relabelled.parent.parents] == [{"mag": "m"}] * 2
    table, _ = again.process(found)
    assert table.ids.tolist() == expected.ids.tolist() == [f"n{i:02d}".encode() for i in range(4, 30)]
    np.testing.assert_array_equal(table["m"].values, expected["m"].values)
    assert table["m"].values.tolist() == [float(i) if i < 10 else i + 90.0 for i in range(4, 30)]

    stars = again["stars"]
    assert isinstance(stars, SourceListWrapper)
    assert (stars.source_list, [f.name for f in stars.frames]) == (7, ["A", "B"])
    assert stars.sources().told.ranges == again["both"].parents[0].sources().told.ranges
    both, _ = again.process(again["both"].filter("z = 0 or z = 1"))
    assert both.ids.tolist() == [7 * 2**32, 7 * 2**32 + 19, 8 * 2**32 + 10, 8 * 2**32 + 29]
    assert both["id"].values.tolist() == [0, 19, 10, 29]
    assert both["slid_sid"].values.tolist() == both.ids.tolist()
    doubled, _ = again.process(again["doubled"])
    assert doubled.ids.tolist() == [2, 4]
    assert doubled["id"].values.tolist() == [1, 2]
    # The same by hand is the same object.
    same = again.store(again["A"].filter("z < .5").rename(mag="m").union(again["B"].rename(mag="m"), policy="first"))
    assert same.object_id == relabelled.parent.object_id
    assert again.relabelling("sky", "names", range(30), [f"n{i:02d}" for i in range(30)]).object_id == (
        relabelled.relabelling.object_id
    )
    listing = again.mapper.read("entities_by_id", ids=[relabelled.object_id, relabelled.parent.object_id])
    assert sorted(row["properties"]["defines"][:2] for row in listing) == ["r:", "u:"]


def test_pull_from_a_union(opened: Any) -> None:
    opened.store(opened["A"].select("z", "mag").union(opened["B"].select("z", "mag"), policy="first"), name="U")
    opened.define_calculator("double", requires=["mag"], expression="mag * 2", unit="mag")
    table = opened.pull("U", ["z", "double"], where="z >= 0.5").data()
    whole, _ = opened.process(opened["U"])
    wanted = whole["z"].values >= 0.5
    assert table.ids.tolist() == whole.ids[wanted].tolist()
    np.testing.assert_array_equal(table["double"].values, 2 * whole["mag"].values[wanted])


def test_a_source_list_has_a_number_of_its_own(opened: Any, tmp_path: Path) -> None:
    first = opened.ingest(tmp_path / "a.fits", name="stars", id="id", source_list=7)
    assert opened.ingest(tmp_path / "a.fits", id="id", source_list=7).object_id == first.object_id
    with pytest.raises(IngestError, match="Source list 7 is stars@1 already") as caught:
        opened.ingest(tmp_path / "b.fits", id="id", source_list=7)
    assert caught.value.code == "source_list_taken"
    newer = opened.ingest(tmp_path / "b.fits", id="id", source_list=7, replaces="stars")
    assert (newer.version, newer.source_list) == (2, 7)
    with pytest.raises(InvalidInput, match="say source_list= too"):
        opened.ingest(tmp_path / "b.fits", id="id", frames=[first])
    negative = catalog(tmp_path / "negative.fits", range(-3, 5))
    with pytest.raises(OperatorError, match="not -3"):
        opened.ingest(negative, id="id", source_list=9)
    rows = opened.ingest(negative, source_list=9)
    assert opened.process(rows.select())[0].ids.tolist() == [9 * 2**32 + i for i in range(8)]


def test_errors_while_processing_name_what_is_wrong(opened: Any) -> None:
    merged = opened.store(opened["A"].relabel(opened.relabelling("sky", "few", range(20), [i // 2 for i in range(20)])))
    with pytest.raises(ProvgraphError, match="0 and 1 both become 0") as caught:
        opened.process(merged)
    assert caught.value.code == "relabelling_not_injective"
    assert opened.process(merged.parent.filter("id < 1").relabel(merged.relabelling))[0].ids.tolist() == [0]
    unknown = opened["B"].relabel(merged.relabelling)
    with pytest.raises(ProvgraphError, match="no pair for 10 of 20 sources, 20 for one"):
        opened.process(unknown)
    with pytest.raises(OperatorError, match="1 of 2 identifiers are not in A, 77 for one"):
        opened["A"].only_listed([1, 77], strict=True)
