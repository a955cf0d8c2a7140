from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provgraph.errors import EXIT_DIFFERS, EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("near")]


@pytest.fixture
def near(run: Run, survey: Path) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near", "--out", "near.csv")


def test_text_names_what_it_is_made_from(run: Run) -> None:
    said = run("lineage", "near")
    assert said.out.splitlines()[0].startswith("near")
    for word in ("field", "FilterSources", "absmag", "catalog.csv"):
        assert word in said.out
    assert run("lineage", "near", "--format", "text") == said


def test_a_file_we_wrote_or_read_knows_what_it_is(run: Run) -> None:
    assert run("lineage", "near.csv", "--json").json["roots"] == run("lineage", "near", "--json").json["roots"]
    assert run("lineage", "catalog.csv", "--down", "2", "--json").json["nodes"]
    run("lineage", "survey/survey.toml", status=EXIT_NOT_FOUND)


def test_a_file_that_was_changed_shows_what_it_was(run: Run, folder: Path) -> None:
    from astropy.io import fits

    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near", "--out", "near.fits")
    with fits.open(folder / "near.fits", mode="update") as units:
        units[1].data["absmag"][0] = -30
    said = run("lineage", "near.fits", status=EXIT_DIFFERS)
    assert said.out == run("lineage", "near").out
    assert said.err.startswith("near.fits says that it was written from 'near' as near.fits, but its bytes differ from")
    assert len(said.err.splitlines()) == 1
    plain = run("lineage", "near.fits", "--json", status=EXIT_DIFFERS).json
    assert plain["unclear"]["code"] == "file_differs"
    assert plain["roots"] == plain["unclear"]["details"]["objects"]
    assert "ingest it to use it as it is now" in run("show", "near.fits", status=EXIT_DIFFERS).err


def test_a_file_that_can_be_several_shows_all(run: Run, folder: Path) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5 and z + ra > 0", "--name", "same", "--out", "same.csv")
    assert (folder / "same.csv").read_bytes() == (folder / "near.csv").read_bytes()
    said = run("lineage", "same.csv", "--json")
    assert len(said.json["roots"]) == 2
    assert "'same' as same.csv, and 'near' as near.csv" in said.err
    assert "say which" in run("show", "same.csv", status=EXIT_ERROR).err


@pytest.mark.parametrize("format", ["svg", "dot", "prov-json", "prov-n"])
def test_formats_on_stdout_and_in_files(format: str, run: Run, folder: Path) -> None:
    text = run("lineage", "near", "--up", "2", "--format", format).out
    if format == "svg":
        assert ElementTree.fromstring(text).tag.endswith("svg")
    elif format == "prov-json":
        assert {"entity", "activity", "wasDerivedFrom"} <= set(json.loads(text))
    else:
        assert text.startswith({"dot": "digraph", "prov-n": "document"}[format])
    suffix = {"prov-json": "prov.json", "prov-n": "provn"}.get(format, format)
    said = run("lineage", "near", "--up", "2", "--out", f"near.{suffix}")
    assert said.out == ""
    assert said.err.startswith(f"Wrote near.{suffix}: ")
    assert (folder / f"near.{suffix}").read_text().strip() == text.strip()
    run("lineage", "near", "--up", "2", "--format", format, "--out", "near.other")
    contradicted = run("lineage", "near", "--format", format, "--out", "far.txt", status=EXIT_USAGE)
    assert f"far.txt says text, --format says {format}" in contradicted.err
    assert not (folder / "far.txt").exists()
    assert (folder / "near.other").read_text().strip() == text.strip()


def test_depth_and_limit(run: Run) -> None:
    whole = run("lineage", "near", "--json").json
    one = run("lineage", "near", "--up", "1", "--json").json
    assert whole["complete"]
    assert len(one["nodes"]) < len(whole["nodes"])
    assert set(whole) == {"roots", "nodes", "edges", "complete", "truncated", "ended_by", "file", "unclear"}
    cut = run("lineage", "near", "--limit", "3")
    assert "nodes were left out; raise --limit" in cut.err
    down = run("lineage", "field", "--up", "0", "--down", "9", "--json").json
    assert "near" in {n["label"] for n in down["nodes"]}


def test_bad_words(run: Run, folder: Path) -> None:
    run("lineage", "far", status=EXIT_NOT_FOUND)
    run("lineage", "near", "--format", "jpeg", status=EXIT_USAGE)
    run("lineage", "near", "--out", "near.jpeg", status=EXIT_USAGE)
    run("lineage", "near", "--up", "-1", status=EXIT_USAGE)
    assert not (folder / "near.jpeg").exists()


def test_terms(run: Run) -> None:
    only = run("lineage", "near", "--only", "External", "--json").json
    assert [n["class"] for n in only["nodes"]][1:] == ["External"]
    assert {e["relation"] for e in only["edges"]} <= {"WAS_INFLUENCED_BY", "WAS_DERIVED_FROM"}
    assert len(run("lineage", "near", "--stop-at", "SourceCollection,Segment", "--json").json["nodes"]) < len(
        run("lineage", "near", "--json").json["nodes"]
    )
    assert "DataFile" not in {
        n["class"] for n in run("lineage", "near", "--without", "DataFile", "--json").json["nodes"]
    }
    run("lineage", "near", "--as-of", "2020-01-01", status=EXIT_NOT_FOUND)
    assert "2020-01-01" in run("lineage", "near", "--valid-at", "2020-01-01", status=EXIT_NOT_FOUND).err
    assert "no date" in run("lineage", "near", "--as-of", "soon", status=EXIT_ERROR).err
    assert "entity, activity, edge" in run("lineage", "near", "--unit", "hop", status=EXIT_ERROR).err
    assert "--seconds" in run("lineage", "near", "--seconds", "0.0000001").err
    assert (
        len(
            run("lineage", "near", "--up", "1", "--unit", "edge", "--relation", "wasDerivedFrom", "--json").json[
                "nodes"
            ]
        )
        > 1
    )


def test_conditions_name_things_and_nothing_else(run: Run) -> None:
    """A word that is misspelled would leave everything as it was."""
    whole = run("lineage", "near", "--json").json["nodes"]
    [field] = [n for n in whole if n["label"] == "field"]
    for option in ("--stop-at", "--without"):
        by_name = run("lineage", "near", option, "field", "--json").json["nodes"]
        assert by_name == run("lineage", "near", option, field["id"], "--json").json["nodes"]
        assert (field in by_name) == (option == "--stop-at")
        assert "did you mean 'field'" in run("lineage", "near", option, "fiield", status=EXIT_NOT_FOUND).err
    assert "--only Bogus is no class" in run("lineage", "near", "--only", "Bogus", status=EXIT_NOT_FOUND).err
    agents = [n["id"] for n in whole if n["kind"] == "agent"]
    calls = [n["id"] for n in whole if n["kind"] == "activity"]
    for one in (*agents[:1], *calls[:1], "Survey.pull", "DBObject", "Entity", "activity"):
        run("lineage", "near", "--stop-at", one)
    assert "did you mean" in run("common", "near", "field", "--only", "fiield", status=EXIT_NOT_FOUND).err
    run("lineage", "near", "--within", "nosuchdocument", status=EXIT_USAGE)


def test_paths_and_common(run: Run) -> None:
    paths = run("paths", "field", "near", "--json").json
    assert (paths["paths"][0]["nodes"][0]["label"], paths["paths"][0]["nodes"][-1]["label"]) == ("near", "field")
    assert paths["complete"]
    every = run("paths", "near", "field", "--all", "--limit", "1000", "--json").json
    assert len(every["paths"]) >= len(paths["paths"])
    assert "--WAS_DERIVED_FROM-->" in run("paths", "near", "field", "--relation", "wasDerivedFrom").out
    assert "Neither comes from the other" in run("paths", "field", "absmag", status=EXIT_NOT_FOUND).out
    shared = run("common", "near", "field", "--only", "SourceCollection", "--json").json
    assert [c["label"] for c in shared["common"]] == ["field"]
    assert run("common", "near", "field").out.startswith("* ")
    run("common", "near", "near", status=EXIT_ERROR)


def test_impact(run: Run) -> None:
    before = run("impact", "absmag", "--json").json
    assert before["affected"] == len(before["all"]) > 0
    assert not before["invalidated"]
    assert run("status", "near", "--json").json
    assert "Nothing published depends on it." in run("impact", "absmag", "--only", "published").out
    run("impact", "absmag", "--cause", "superseded", "--invalidate", "no", status=EXIT_USAGE)
    run("impact", "absmag", "--only", "some", status=EXIT_ERROR)
    for empty in ("", " "):
        said = run("impact", "absmag", "--invalidate", empty, status=EXIT_USAGE)
        assert said.out == ""
        assert said.err.startswith("provgraph: Say why; ")
    said = run("impact", "absmag", "--invalidate", "wrong distance modulus")
    assert "depend" in said.out
    assert "Declared invalid" in said.err
    assert "wrong distance modulus" in run("status", "near", status=EXIT_DIFFERS).out
