from __future__ import annotations

import json
from pathlib import Path

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND
from tests.cli.conftest import CATALOG, Run

pytestmark = pytest.mark.embedded


@pytest.fixture
def empty(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", "survey")
    monkeypatch.setenv("PROVGRAPH_SURVEY", "survey")


@pytest.mark.usefixtures("empty")
def test_a_catalog_goes_in_with_its_declaration(run: Run) -> None:
    said = run(
        "ingest", "catalog.csv", "--name", "field", "--id", "ID", "--columns", "ID,z", "--columns", "mag", "--rename", "z=redshift",
        "--unit", "mag=mag", "--ucd", "z=src.redshift", "--description", "z=heliocentric, CMB = no", "--missing", "mag=-9,99",
        "--id-space", "sky",
    )  # fmt: skip
    assert said.out == "field@1: 5 sources, 3 attributes.\n"
    shown = run("show", "field", "--json").json
    assert shown["id_space"] == "sky"
    z, mag = shown["attributes"][1:]
    assert [a["name"] for a in shown["attributes"]] == ["ID", "redshift", "mag"]
    assert (z["ucd"], z["description"], z["missing"]) == ("src.redshift", "heliocentric, CMB = no", 1)
    assert (mag["unit"], mag["missing"], mag["minimum"], mag["maximum"]) == ("mag", 1, 17.5, 21.5)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(("declared", "missing"), [
    ("n=0.5,-1,300", 0), ("n=0", 1), ("x=nan", 1), ("x=0.1", 1), ("x=nan,0.1", 2), ("t=a,b", 2), ("t=1", 0),
])  # fmt: skip
def test_missing_values_are_exactly_those_declared(declared: str, missing: int, run: Run, folder: Path) -> None:
    from astropy.table import Table

    columns = {"n": [0, 1, 255], "x": [0.1, 0.5, float("nan")], "t": ["a", "b", "c"]}
    Table(columns, dtype=["u1", "f4", "U1"]).write(folder / "three.fits")
    name = declared.partition("=")[0]
    run("ingest", "three.fits", "--name", "three", "--missing", declared)
    rows = run("pull", "three", name, "--json").json["rows"]
    nan = name == "x" and "nan" not in declared  # JSON has no NaN
    assert sum(row[name] is None for row in rows) == missing + nan


@pytest.mark.usefixtures("empty")
def test_the_same_again_is_the_same(run: Run) -> None:
    words = ("ingest", "catalog.csv", "--name", "field", "--id", "ID", "--json")
    assert run(*words).json == run(*words).json
    assert len(run("ls", "--json").json) == 1


@pytest.mark.usefixtures("empty")
def test_a_new_version_succeeds_the_old(run: Run, folder: Path) -> None:
    run("ingest", "catalog.csv", "--name", "field", "--id", "ID")
    (folder / "more.csv").write_text(CATALOG + "99,11,-2,0.2,18,galaxy\n")
    taken = run("ingest", "more.csv", "--name", "field", "--id", "ID", "--json", status=EXIT_ERROR)
    assert json.loads(taken.err)["code"] == "name_taken"
    assert run("ingest", "more.csv", "--id", "ID", "--replaces", "field").out == "field@2: 6 sources, 6 attributes.\n"
    assert run("show", "field", "--json").json["sources"] == 6
    assert run("show", "field@1", "--json").json["sources"] == 5
    assert [v["version"] for v in run("show", "field", "--json").json["versions"]] == [2, 1]


@pytest.mark.usefixtures("empty")
def test_a_table_of_several_is_chosen(run: Run, folder: Path) -> None:
    from astropy.io import fits
    from astropy.table import Table

    one, two = Table({"a": [1, 2]}), Table({"b": [1, 2, 3]})
    fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(one), fits.table_to_hdu(two)]).writeto(folder / "two.fits")
    assert run("ingest", "two.fits", "--table", "2", "--name", "b", "--json").json["sources"] == 3


BAD = {
    "no file": (["ingest", "absent.fits"], "file_missing"),
    "a folder": (["ingest", "."], "file_missing"),
    "an empty file": (["ingest", "empty.csv"], ""),
    "no catalog": (["ingest", "noise.bin"], ""),
    "unknown id": (["ingest", "catalog.csv", "--id", "Id"], "unknown_id"),
    "unknown column": (["ingest", "catalog.csv", "--columns", "ID,zz"], "unknown_attribute"),
    "ids twice": (["ingest", "catalog.csv", "--id", "kind"], ""),
    "ids absent": (["ingest", "catalog.csv", "--id", "z"], ""),
    "no unit": (["ingest", "catalog.csv", "--unit", "mag=parrots"], "unit_unknown"),
    "two of a name": (["ingest", "catalog.csv", "--rename", "z=mag"], "name_clash"),
    "a name that reads as a version": (["ingest", "catalog.csv", "--name", "field@2"], "name_invalid"),
}


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_stores_nothing(case: str, run: Run, folder: Path) -> None:
    (folder / "empty.csv").write_bytes(b"")
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 20)
    words, code = BAD[case]
    from provgraph.cli import main

    status = main([*words, "--json"])
    assert status in (EXIT_ERROR, 2)
    said = run(*words, status=status)
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("provgraph: ")
    assert "unexpected" not in said.err
    found = json.loads(run(*words, "--json", status=status).err)
    assert found["code"] == (code or found["code"]) != "internal_error"
    assert run("ls", "--all", "--json").json == []
    assert list((folder / "survey" / "segments").iterdir()) == []


@pytest.mark.usefixtures("empty")
def test_what_it_replaces_must_be_there(run: Run) -> None:
    run("ingest", "catalog.csv", "--replaces", "field", status=EXIT_NOT_FOUND)
