from __future__ import annotations

import pytest

from provgraph.errors import EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]


def test_a_catalog(run: Run) -> None:
    data = run("show", "field", "--json").json
    assert (data["class"], data["version"], data["sources"]) == ("External", 1, 5)
    assert data["stored"] == {"sources": True, "attributes": ["ID", "ra", "dec", "z", "mag", "kind"]}
    by_name = {a["name"]: a for a in data["attributes"]}
    assert (by_name["z"]["minimum"], by_name["z"]["maximum"], by_name["z"]["missing"], by_name["z"]["of"]) == (
        0.1,
        0.9,
        1,
        5,
    )
    assert (by_name["ID"]["minimum"], by_name["ID"]["maximum"]) == (5, 42)
    text = run("show", "field").out
    assert text.startswith("field@1\n")
    assert "sources   5 sources" in text
    assert "stored    all attributes" in text


def test_a_collection_that_is_not_processed(run: Run) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near", "--explain")
    data = run("show", "near", "--json").json
    assert data["sources"] is None
    assert [p["class"] for p in data["parents"]] == ["ConcatenateAttributes"]
    text = run("show", "near").out
    assert "not counted yet" in text
    assert "calculated when asked for" in text


def test_things_are_found_in_many_ways(run: Run) -> None:
    data = run("show", "field", "--json").json
    for reference in (data["id"], data["iri"], data["id"][-8:], "field@1"):
        assert run("show", reference, "--json").json["id"] == data["id"], reference
    assert run("show", "catalog.csv", "--json").json["class"] == "DataFile"


def test_a_calculator(run: Run) -> None:
    data = run("show", "absmag", "--json").json
    assert data["class"] == "AttributeCalculatorDefinition"
    assert (data["requires"], data["units"]) == (["mag", "z"], ["mag"])
    assert data["parameters"] == {"H0": 70.0, "Om0": 0.3}
    assert "parameters  H0=70, Om0=0.3" in run("show", "absmag").out
    assert run("show", "absmag@1", "--json").json == data


def test_any_other_object(run: Run) -> None:
    lineage = run("lineage", "field", "--json").json
    segment = next(n for n in lineage["nodes"] if n["class"] == "Segment")
    data = run("show", segment["id"], "--json").json
    assert (data["class"], data["properties"]["n"]) == ("Segment", 5)
    assert "digest" in run("show", segment["id"]).out


def test_what_is_not_there_is_answered_with_the_nearest(run: Run) -> None:
    said = run("show", "feild", status=EXIT_NOT_FOUND)
    assert "did you mean 'field'?" in said.err
    assert "no version 7" in run("show", "field@7", status=EXIT_NOT_FOUND).err
