"""Files that left the survey and come back: written, sent, changed, read again, of equal bytes, of another survey."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.errors import EXIT_DIFFERS, FileDiffers, FileUnclear, NotFound
from provgraph.known_files import FileWarning
from provgraph.schema.files import ExportedFile
from tests.surveys import catalog, galaxies, nearby, open_survey, survey, write_fits  # noqa: F401

SUFFIXES = {"fits": ".fits", "votable": ".vot", "parquet": ".parquet", "hdf5": ".h5", "csv": ".csv", "arrow": ".arrows"}


@pytest.fixture
def pull(nearby: Any) -> Any:
    return nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near")


def files(survey: Any) -> list[str]:
    """Names of the files that the survey knows to have written."""
    return sorted(f.name for f in survey._of_class(ExportedFile, 100))


def changed(path: Path) -> Path:
    """The same table with another value, as a tool of the format would leave it."""
    if path.suffix == ".fits":
        from astropy.io import fits

        with fits.open(path, mode="update") as units:
            units[1].data["absmag_u"][0] = -30
    elif path.suffix == ".vot":
        from astropy.io import votable

        document = votable.parse(path)
        next(document.iter_tables()).array["absmag_u"][0] = -30
        document.to_xml(str(path))
    elif path.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(pq.read_table(path).slice(1), path)
    elif path.suffix == ".arrows":
        import pyarrow as pa

        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_stream(file).read_all().slice(1)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    else:
        import h5py

        with h5py.File(path, "r+") as file:
            file["absmag_u"][0] = -30
    return path


# -- sent --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", SUFFIXES)
def test_what_was_sent_is_known(nearby: Any, pull: Any, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"received{SUFFIXES[format]}"
    path.write_bytes(b"".join(nearby.stream(pull.result, format, name=f"near{SUFFIXES[format]}")))
    assert nearby.get(path).object_id == pull.result.object_id
    assert files(nearby) == [f"near{SUFFIXES[format]}"]
    assert nearby.lineage(path).unclear is None


def test_the_same_bytes_are_one_file(nearby: Any, pull: Any, tmp_path: Path) -> None:
    def send(_: int) -> bytes:
        return b"".join(nearby.stream(pull.result, "csv", name="near.csv"))

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(send, range(4)))) == 1
    pull.write(tmp_path / "again.csv")
    assert files(nearby) == ["near.csv"]
    view = nearby.lineage(pull.result, up=0, down=1)
    assert len([n for n in view.nodes if n.properties.get("method") in ("send", "write")]) == 1


def test_what_was_not_sent_to_its_end_is_not_known(nearby: Any, pull: Any) -> None:
    chunks: Iterator[bytes] = nearby.stream(pull.result, "fits", name="near.fits")
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert files(nearby) == []


def test_a_failure_to_record_does_not_spoil_what_is_sent(
    nearby: Any, pull: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = nearby.stream(pull.result, "csv", name="near.csv")

    def fails(*_: Any) -> Any:
        raise ConnectionError("the graph is gone")

    monkeypatch.setattr(nearby.mapper, "write", fails)
    assert b"".join(chunks).startswith(b"id,absmag_u\r\n")
    assert "near.csv was sent, but not recorded" in caplog.text


# -- changed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES.values() if s != ".csv"])
def test_a_changed_file_says_so(nearby: Any, pull: Any, tmp_path: Path, suffix: str) -> None:
    path = pull.write(tmp_path / f"near{suffix}")
    edited = changed(Path(shutil.copy(path, tmp_path / f"edited{suffix}")))
    with pytest.raises(FileDiffers) as caught:
        nearby.get(edited)
    error = caught.value
    assert (error.code, error.exit_status) == ("file_differs", EXIT_DIFFERS)
    assert f"was written from 'near' as near{suffix}, but its bytes differ from what was written" in error.message
    with pytest.warns(FileWarning, match="its bytes differ"):
        view = nearby.lineage(edited)
    assert view.unclear.as_dict() == error.as_dict()
    assert view.roots == (pull.result.object_id,) == error.objects
    assert nearby.get(path).object_id == pull.result.object_id  # what was written is what it was


def test_a_file_that_something_else_wrote_says_so(nearby: Any, pull: Any, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pull.arrow(), tmp_path / "own.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy, about the long names of what is known of a table
        pull.table().write(tmp_path / "own.fits")
    for path in (tmp_path / "own.parquet", tmp_path / "own.fits"):
        with pytest.raises(FileDiffers, match="this survey has not written a file from that") as caught:
            nearby.get(path)
        assert caught.value.objects == (pull.result.object_id,)


def test_a_changed_file_that_is_ingested_comes_from_what_was_written(nearby: Any, pull: Any, tmp_path: Path) -> None:
    edited = changed(pull.write(tmp_path / "near.fits"))
    new = nearby.ingest(edited, name="edited", id="id")
    assert nearby.get(edited) is new.file
    view = nearby.lineage(new)
    assert {"near", "absmag_u"} <= {n.label for n in view.nodes}
    assert "changed since it was written from near" in view.text()
    assert "from before changes: near (SelectAttributes)" in view.text()


# -- read again --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".fits", ".csv"])
def test_a_file_that_is_ingested_again_keeps_its_lineage(
    nearby: Any, pull: Any, tmp_path: Path, suffix: str, catalog: Path
) -> None:
    path = pull.write(tmp_path / f"near{suffix}")
    new = nearby.ingest(path, name="new", id="id")
    view = nearby.lineage("new")
    labels = {n.label for n in view.nodes}
    assert {"new", f"near{suffix}", "near", "A", "absmag_u", catalog.name} <= labels
    assert {"AttributeCalculatorDefinition", "AttributeCalculator", "ExportedFile"} <= {
        n.class_name for n in view.nodes
    }
    assert f"from same bytes: near{suffix} (ExportedFile)" in view.text()
    assert "written here from near" in view.text()
    assert nearby.get(path).object_id == pull.result.object_id
    down = nearby.lineage("A", up=0, down=20)
    assert new.object_id in {n.id for n in down.nodes}
    further = nearby.pull("new", ["id", "absmag_u"], where="absmag_u < -20")  # what stands on it works as ever
    assert len(further.table()) > 0
    assert "A" in {n.label for n in nearby.lineage(further.result).nodes}
    assert new.object_id == nearby.ingest(path, name="new", id="id").object_id


def test_the_lineage_of_a_file_read_again_is_valid_prov(nearby: Any, pull: Any, tmp_path: Path) -> None:
    prov = pytest.importorskip("prov.model")
    nearby.ingest(pull.write(tmp_path / "near.fits"), name="new", id="id")
    read = prov.ProvDocument.deserialize(str(nearby.lineage("new").write(tmp_path / "new.prov.json")))
    assert prov.ProvDocument.deserialize(content=read.serialize()) == read


def test_an_original_is_not_derived_from_its_copy(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "original.csv").write_bytes(b"id,mag\r\n1,17.5\r\n2,19.25\r\n")
    original = survey.ingest(tmp_path / "original.csv", name="O", id="id")
    copy = survey.pull("O", ["id", "mag"], name="all").write(tmp_path / "copy.csv")
    assert copy.read_bytes() == (tmp_path / "original.csv").read_bytes()
    other = survey.ingest(copy, name="P", id="id", rename={"mag": "m"})
    assert other.file is original.file
    assert [e.target for e in survey.lineage(other.file).edges if e.relation == "WAS_DERIVED_FROM"] == []
    with pytest.raises(FileUnclear, match=r"the catalog original\.csv as it was read"):
        survey.get(copy)


# -- equal bytes -------------------------------------------------------------------------------------------------------


def same_as_near(survey: Any) -> str:
    """Another criterion for the sources with redshift < 0.2, of which only their values show that it is one."""
    every = survey.process(survey["A"].select("redshift", "ra"))[0]
    near = every["ra"].values[every["redshift"].values < 0.2]
    assert every["ra"].values.max() > near.max(), "else statistics of the catalog would prove it"
    return f"redshift < 0.2 and ra <= {float(near.max())!r}"


@pytest.fixture
def twins(nearby: Any, tmp_path: Path) -> tuple[Any, Any]:
    """Two pulls of the same sources, written as files that cannot say what they are."""
    one = nearby.pull("A", ["id"], where="redshift < 0.2", name="one")
    two = nearby.pull("A", ["id"], where=same_as_near(nearby), name="two")
    first, second = one.write(tmp_path / "one.csv"), two.write(tmp_path / "two.csv")
    assert first.read_bytes() == second.read_bytes()
    return one.result, two.result


def test_equal_bytes_name_all_that_they_can_be(nearby: Any, twins: tuple[Any, Any], tmp_path: Path) -> None:
    one, two = twins
    assert files(nearby) == ["one.csv", "two.csv"]
    for name, first, second in (("one", one, two), ("two", two, one)):
        path = tmp_path / f"{name}.csv"
        with pytest.raises(FileUnclear) as caught:
            nearby.get(path)
        assert caught.value.code == "file_ambiguous"
        assert caught.value.objects == (first.object_id, second.object_id)  # the one that was called so comes first
        assert f"'{first.name}' as {name}.csv, and '{second.name}' as {second.name}.csv" in caught.value.message
        with pytest.warns(FileWarning, match="can be each of 2 files"):
            assert nearby.lineage(path).roots == (first.object_id, second.object_id)
    new = nearby.ingest(tmp_path / "two.csv", name="new", id="id")
    text = nearby.lineage(new).text()
    assert "from one and from two: one of them, which is not recorded" in text
    assert {"one", "two"} <= {n.label for n in nearby.lineage(new).nodes}


def test_a_file_that_says_what_it_is_is_that(nearby: Any, tmp_path: Path) -> None:
    one = nearby.pull("A", ["id"], where="redshift < 0.2", name="one")
    two = nearby.pull("A", ["id"], where=same_as_near(nearby), name="two")
    assert nearby.get(two.write(tmp_path / "two.fits")).object_id == two.result.object_id
    assert nearby.get(one.write(tmp_path / "one.fits")).object_id == one.result.object_id


# -- of another survey -------------------------------------------------------------------------------------------------


@pytest.mark.embedded
@pytest.mark.parametrize("suffix", [s for s in SUFFIXES.values() if s != ".csv"])
def test_a_file_of_another_survey_says_so(tmp_path: Path, suffix: str) -> None:
    source = write_fits(tmp_path / "galaxies.fits", galaxies(10))
    with provgraph.open(tmp_path / "other") as other:
        path = other.write(other.ingest(source, name="A", id="id"), tmp_path / f"theirs{suffix}")
        theirs = other.survey_id
    with provgraph.open(tmp_path / "mine") as mine:
        for ask in (mine.get, mine.lineage):
            with pytest.raises(
                NotFound, match=f"was written by the survey {theirs}: this one, {mine.survey_id}"
            ) as caught:
                ask(path)
            assert caught.value.code == "file_foreign"
            assert caught.value.details["survey"] == theirs
        if suffix != ".arrows":  # which is written, not read
            assert mine.ingest(path, name="theirs", id="id").file is mine.get(path)


@pytest.mark.embedded
def test_a_file_that_says_nonsense_is_unknown(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["provgraph"] = "urn:uuid:\x1b[31m"
    with provgraph.open(tmp_path / "mine") as mine, pytest.raises(NotFound) as caught:
        mine.get(tmp_path / "x.h5")
    assert caught.value.code == "file_unknown"
    assert "\x1b" not in caught.value.message
