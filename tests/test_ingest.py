"""A file goes in: what it becomes, when it is the same again, and what is refused with one sentence."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import (
    FileUnreadable,
    IngestError,
    InvalidInput,
    NameTaken,
    ProvgraphError,
    StorageError,
    UnknownAttribute,
)
from tests.surveys import (  # noqa: F401
    N,
    address,
    catalog,
    census,
    empty_graph,
    galaxies,
    open_survey,
    survey,
    write_fits,
)


def rubbish(survey: Any) -> list[Path]:
    """Files of the bulk store and the spool that nothing refers to."""
    known = {r["file"] for r in survey.mapper.read("segment_files")}
    found = [p for p in (survey.directory / "segments").rglob("*") if p.is_file() and p.stem not in known]
    return found + list((survey.directory / "spool").iterdir())


def test_a_catalog_becomes_an_external(survey: Any, catalog: Path) -> None:
    a = survey.ingest(catalog, name="A", id="id", rename={"mag_u": "u"}, ucds={"redshift": "src.redshift"})
    assert repr(a) == "External(id, ra, dec, redshift, u)"
    assert len(a) == N
    assert a.attributes()["u"].unit == "mag"
    assert a.attributes()["redshift"].unit == "?"
    assert a.attributes()["id"].ucd == "meta.id;meta.main"
    head = a.head(3)
    order = np.argsort(galaxies()["id"])
    assert head["id"].tolist() == galaxies()["id"][order][:3].tolist()  # exact above 2**53
    assert head["u"].tolist() == galaxies()["mag_u"][order][:3].tolist()
    described = {row["attribute"]: row for row in a.describe()}
    assert described["redshift"]["missing"] == str(np.isnan(galaxies()["redshift"]).sum())
    assert float(described["u"]["minimum"]) == pytest.approx(float(galaxies()["mag_u"].min()), rel=1e-6)


def test_equal_bytes_and_declaration_are_the_same_object(survey: Any, catalog: Path, tmp_path: Path) -> None:
    a = survey.ingest(catalog, name="A", id="id")
    copied = tmp_path / "copy.fits"
    copied.write_bytes(catalog.read_bytes())
    files = survey.store_.names()
    assert survey.ingest(copied, name="A", id="id").object_id == a.object_id
    assert survey.ingest(copied, id="id").object_id == a.object_id
    assert survey.store_.names() == files
    other = survey.ingest(copied, id="id", units={"redshift": ""})
    assert other.object_id != a.object_id
    assert other.attributes()["redshift"].origin != a.attributes()["redshift"].origin


def test_a_new_version_succeeds_the_old(survey: Any, catalog: Path, tmp_path: Path) -> None:
    old = survey.ingest(catalog, name="A", id="id")
    better = write_fits(tmp_path / "better.fits", galaxies(seed=2))
    with pytest.raises(NameTaken):
        survey.ingest(better, name="A", id="id")
    new = survey.ingest(better, id="id", replaces="A")
    assert (new.identity, new.version) == (old.identity, 2)
    assert survey["A"].object_id == new.object_id
    assert survey["A@1"].object_id == old.object_id
    assert survey["A@2"].object_id == new.object_id
    with pytest.raises(ProvgraphError, match="has no version 3; it has 2, 1"):
        survey["A@3"]


def test_missing_values_are_declared_and_kept_apart(survey: Any, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("name,z,flux\na,0.1,-9\nb,,nan\nc,0,3\nd,-9,-9\n")
    a = survey.ingest(file, id="name", missing={"z": [-9, 0]})
    table = a.table()
    assert table["name"].tolist() == ["a", "b", "c", "d"]
    assert table["z"].mask.tolist() == [False, True, True, True]
    assert np.ma.filled(table["flux"], 1.5).tolist()[0] == -9  # not declared, so a value
    kept = survey.pull(a, ["name"], where="z is null or flux > 0").table()
    assert kept["name"].tolist() == ["b", "c", "d"]
    assert len(survey.pull(a, ["name"], where="flux is null").table()) == 1


def test_missing_values_may_be_words(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,x,n\n007,1.5,1\n7,N/A,-\n8,NULL,3\n")
    a = survey.ingest(tmp_path / "t.csv", id="id", missing={"x": ["N/A", "NULL"], "n": "-"})
    table = a.table()
    assert table["id"].tolist() == ["007", "7", "8"]
    assert table["x"].tolist() == [1.5, None, None]
    assert table["n"].tolist() == [1, None, 3]
    assert len(survey.pull(a, ["id"], where="x > 1").table()) == 1
    (tmp_path / "tonight.csv").write_text("id,x,n\n9,1.5,1\n")  # none missing, the same declaration
    assert len(survey.ingest(tmp_path / "tonight.csv", id="id", missing={"x": ["N/A", "NULL"], "n": "-"})) == 1


def test_words_cannot_be_missing_numbers_in_a_typed_file(survey: Any, catalog: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        survey.ingest(catalog, id="id", missing={"redshift": "none"})
    assert caught.value.code == "missing_type"


def test_text_identifiers_and_an_own_number(survey: Any, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("id,v\nß9,1\nα,2\nzz,3\n", encoding="utf-8")
    a = survey.ingest(file, id="id")
    assert sorted(a.table()["id"].tolist()) == sorted(["ß9", "α", "zz"])
    assert survey.pull(a, ["v"], where="id = 'α'").table()["v"].tolist() == [2]
    b = survey.ingest(file)
    assert b.attributes().names == ("row", "id", "v")
    assert b.table()["row"].tolist() == [0, 1, 2]


def test_sources_of_two_spaces_are_different_sources(survey: Any, catalog: Path, tmp_path: Path) -> None:
    a = survey.ingest(catalog, id="id")
    b = survey.ingest(write_fits(tmp_path / "b.fits", galaxies(seed=2)), id="id")
    with pytest.raises(InvalidInput, match="id_space=") as caught:
        a.select("ra").concatenate(b.select("mag_u"))
    assert caught.value.code == "id_spaces_differ"


def test_formats_are_recognised_by_content(survey: Any, tmp_path: Path) -> None:
    from astropy.table import Table

    columns = {k: v for k, v in galaxies(50).items() if k in ("id", "redshift")}
    table = Table(columns)
    expected = sorted(columns["id"].tolist())
    table.write(tmp_path / "a.fits")
    table.write(tmp_path / "a.vot", format="votable")
    table.write(tmp_path / "a.csv", format="ascii.csv")
    table.write(tmp_path / "a.txt", format="ascii.basic")
    table.write(tmp_path / "a.parquet", format="parquet")
    table.write(tmp_path / "a.h5", format="hdf5", path="t", serialize_meta=False)
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    for path in sorted(tmp_path.glob("a.*")):
        if path.suffix == ".h5":
            continue  # a compound dataset; plain columns are another test
        odd = path.with_name(path.name.replace("a.", "b").replace(".", "_") + ".dat")
        odd.write_bytes(path.read_bytes())
        assert survey.ingest(odd, id="id").table()["id"].tolist() == expected, path.name


def test_a_catalog_without_sources(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("id,x\n")
    write_fits(tmp_path / "none.fits", {k: v[:0] for k, v in galaxies(3).items()})
    for file in ("none.csv", "none.fits"):
        a = survey.ingest(tmp_path / file, id="id")
        assert len(a) == 0
        assert len(a.table()) == len(a.head()) == 0
        assert len(survey.pull(a, ["id"], where="id > 3").table()) == 0


def test_values_that_were_lost_come_back_with_the_file(survey: Any, catalog: Path) -> None:
    a = survey.ingest(catalog, name="A", id="id")
    for name in survey.store_.names():
        survey.store_.delete(name)
    with pytest.raises(StorageError, match="A@1"):
        a.table()
    again = survey.ingest(catalog, name="A", id="id")
    assert again.object_id == a.object_id
    assert len(again.table()) == N


def test_content_that_is_there_is_not_renamed_by_the_way(survey: Any, catalog: Path) -> None:
    a = survey.ingest(catalog, name="A", id="id")
    for lost in (False, True):  # its values come back from the file, and its name stays
        if lost:
            for segment in survey.store_.names():
                survey.store_.delete(segment)
        with pytest.raises(
            IngestError, match=r"in this survey already, as 'A'; .* annotate\('A', name='B'\)"
        ) as caught:
            survey.ingest(catalog, name="B", id="id")
        assert caught.value.code == "already_there"
        assert survey.name_of(a) == "A"
        assert "B" not in survey
        assert survey.ingest(catalog, name="A", id="id").object_id == a.object_id
    assert [n["value"] for n in survey.notes(a)] == ["A"]
    survey.annotate(a, name="B")
    assert survey.ingest(catalog, name="B", id="id").object_id == a.object_id
    with pytest.raises(IngestError, match="as 'B'"):
        survey.ingest(catalog, name="A", id="id")
    assert survey.name_of(a) == "B"


def test_content_without_a_name_takes_one(survey: Any, catalog: Path) -> None:
    a = survey.ingest(catalog, id="id")
    assert survey.ingest(catalog, name="A", id="id").object_id == a.object_id
    assert survey.name_of(a) == "A"


def test_other_descriptions_of_what_is_there_are_refused(survey: Any, catalog: Path) -> None:
    a = survey.ingest(catalog, name="A", id="id", rename={"mag_u": "u"}, descriptions={"mag_u": "u band"})
    again: dict[str, Any] = {"id": "id", "rename": {"mag_u": "u"}}
    for same in ({}, {"mag_u": "u band"}, {"mag_u": "u band", "ra": ""}):
        assert survey.ingest(catalog, **again, descriptions=same).object_id == a.object_id
    for other, says in (
        ({"mag_u": "U band"}, "as 'A', where 'u' is described as 'u band'; .*annotate"),
        ({"ra": "east"}, "as 'A', where 'ra' has no description; .*annotate"),
    ):
        with pytest.raises(IngestError, match=says) as caught:
            survey.ingest(catalog, **again, descriptions=other)
        assert caught.value.code == "already_there"
    assert a.attributes()["u"].description == "u band"


def test_content_that_is_there_does_not_become_a_version_of_something_else(
    survey: Any, catalog: Path, tmp_path: Path
) -> None:
    survey.ingest(catalog, name="A", id="id")
    other = write_fits(tmp_path / "b.fits", galaxies(seed=2))
    survey.ingest(other, name="B", id="id")
    with pytest.raises(IngestError, match="as B@1") as caught:
        survey.ingest(other, id="id", replaces="A")
    assert caught.value.code == "already_there"
    third = write_fits(tmp_path / "c.fits", galaxies(seed=3))
    new = survey.ingest(third, id="id", replaces="A")
    assert survey.ingest(third, id="id", replaces="A").object_id == new.object_id  # the same again
    with pytest.raises(IngestError, match="as A@1"):
        survey.ingest(catalog, id="id", replaces="A")


BAD: dict[str, tuple[Any, dict[str, Any], type, str]] = {
    "missing file": (None, {}, FileUnreadable, "file_missing"),
    "empty file": (b"", {}, FileUnreadable, "file_empty"),
    "no known format": (bytes(range(256)) * 10, {}, FileUnreadable, "format_unknown"),
    "truncated FITS": ("cut", {}, FileUnreadable, "file_truncated"),
    "truncated gzip": ("cut gzip", {}, FileUnreadable, "file_truncated"),
    "unknown id column": ("whole", {"id": "ident"}, UnknownAttribute, "unknown_id"),
    "unknown column in units": (
        "whole",
        {"id": "id", "units": {"mag_g": "mag"}},
        UnknownAttribute,
        "unknown_attribute",
    ),
    "a unit that is none": ("whole", {"id": "id", "units": {"mag_u": "magnitoodes"}}, InvalidInput, "unit_unknown"),
    "two attributes of one name": ("whole", {"id": "id", "rename": {"ra": "dec"}}, IngestError, "name_clash"),
    "duplicate ids": (b"id,v\n1,1\n2,2\n1,3\n", {"id": "id"}, IngestError, "duplicate_ids"),
    "null ids": (b"id,v\n1,1\n,2\n3,3\n", {"id": "id"}, IngestError, "null_ids"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_stores_nothing(survey: Any, catalog: Path, tmp_path: Path, case: str) -> None:
    content, declaration, error, code = BAD[case]
    path = tmp_path / "bad.dat"
    whole = catalog.read_bytes()
    if content == "whole":
        path = catalog
    elif content == "cut":
        path.write_bytes(whole[:-4000])
    elif content == "cut gzip":
        path.write_bytes(gzip.compress(whole)[:-1000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        survey.ingest(path, **{"name": "bad", **declaration})
    assert caught.value.code == code
    assert len(str(caught.value).splitlines()) == 1
    assert survey.collections() == []
    assert rubbish(survey) == []


def test_a_full_disk_leaves_nothing(survey: Any, catalog: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StorageError) as caught:
            survey.ingest(catalog, name="A", id="id")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.code == "disk_full"
    assert rubbish(survey) == []
    assert len(survey.ingest(catalog, name="A", id="id")) == N


@pytest.mark.parametrize("registered", [False, True])
def test_interrupted_around_the_registration(
    open_survey: Any, catalog: Path, registered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C just before the graph is told of the values, or just after: the next to open finds out which it was."""
    survey = open_survey()
    write = survey.mapper.write

    def interrupted(batch: Any) -> None:
        if registered:
            write(batch)
        raise KeyboardInterrupt

    monkeypatch.setattr(survey.mapper, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        survey.ingest(catalog, name="A", id="id")
    again = open_survey()  # while the interrupted process is still there
    assert rubbish(again) == []
    assert [len(one.table()) for one in again.collections()] == [N] * registered
    files = again.store_.names()
    assert len(again.ingest(catalog, name="A", id="id").table()) == N
    assert again.store_.names() == files or not registered
    assert len(again.collections()) == 1
    assert rubbish(again) == []


INGEST = """
import sys, provgraph
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
print("open", flush=True)
survey.ingest(sys.argv[3], name="A", id="id")
print("done", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_ingesting(tmp_path: Path, address: str, how: signal.Signals) -> None:
    import provgraph

    columns = galaxies(300_000)
    big = write_fits(tmp_path / "big.fits", columns)
    with provgraph.open(tmp_path / "undisturbed", graph=address) as survey:
        survey.ingest(big, name="A", id="id")
        undisturbed = census(survey)
    empty_graph(address)
    finished = []
    for delay in (0.05, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", INGEST, str(tmp_path / "survey"), address, str(big)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay)
        process.send_signal(how)
        finished.append("done" in process.stdout.read())
        assert process.wait() == -how or finished[-1]
        with provgraph.open(tmp_path / "survey", graph=address) as survey:
            assert rubbish(survey) == []
            assert len(survey.collections()) == 1 or not any(finished)
            for one in survey.collections():
                assert len(one) == 300_000
    assert not finished[0]
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        again = survey.ingest(big, name="A", id="id")
        assert [one.object_id for one in survey.collections()] == [again.object_id]
        assert census(survey) == undisturbed
        assert rubbish(survey) == []
        data, order = survey.pull(again, list(columns)).data(), np.argsort(columns["id"])
        for name in columns:
            np.testing.assert_array_equal(data[name].values, columns[name][order], name)
