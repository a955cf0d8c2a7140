"""Files of data objects, on both engines: put before the object, one name each, found again by their bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import FileUnreadable, Immutable, InvalidInput, MissingExtra, NameTaken, StorageError, UsageError
from provgraph.known_files import FileWarning
from provgraph.schema.files import Environment, StoredFile
from provgraph.store.location import StorageWarning
from tests.store.servers import bucket, s3_server  # noqa: F401
from tests.store.test_files import digest, noise, spoil
from tests.surveys import OpenSurvey, address, census, open_survey, survey  # noqa: F401

DATA = noise(50_000)


class StoreRaw(provgraph.DataObject):
    """An exposure, as an author writes it."""

    filename = persistent(str, doc="name at the observatory")
    exposure = persistent(float, unit="s", default=1.0)


class StoreReduced(provgraph.DataObject):
    raw = link(StoreRaw)


class StorePlate(provgraph.DataObject):
    """Equal plates are one object."""

    number = persistent(int)

    def lineage(self) -> list[Any]:
        return [self.number]


class StoreStack(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(StoreRaw)
    sigma = persistent(float, default=3.0)

    def make(self) -> None:
        self.attach(self.raw.retrieve().read_bytes()[: int(self.sigma * 100)], name=f"stack-{self.sigma:g}.dat")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "night" / "r123.fits.gz"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


def stored(survey: Any) -> list[str]:
    root = survey.directory / "files"
    return sorted(p.name for p in root.rglob("*") if p.is_file()) if root.is_dir() else []


def test_the_authors_view(survey: Any, raw: Path, tmp_path: Path) -> None:
    frame = StoreRaw(filename="r123.fits.gz", exposure=30.0)
    frame.attach(raw)
    with pytest.raises(UsageError, match="not stored"):
        frame.retrieve()
    survey.store(frame)
    raw.unlink()
    assert frame.filename == "r123.fits.gz"
    assert (frame.file.digest, frame.file.size) == (digest(DATA), len(DATA))
    assert frame.file.name == f"StoreRaw-{frame.object_id}.fits.gz"
    path = frame.retrieve()
    assert path.name == frame.file.name
    assert path.read_bytes() == DATA
    with frame.open() as file:
        assert file.read() == DATA
    out = tmp_path / "out"
    out.mkdir()
    assert frame.retrieve(to=out) == out / frame.file.name
    assert frame.retrieve(to=out / "x.fits.gz").read_bytes() == DATA
    assert survey.retrieve(frame.object_id).read_bytes() == DATA
    (place,) = survey.places(frame)
    assert place.place == f"files/{digest(DATA)[7:9]}/{digest(DATA)[7:]}"
    assert place.recorded >= frame.created[:10]
    with pytest.raises(Immutable, match=r"survey.new_version\(it, file=...\)") as caught:
        frame.attach(raw)
    assert caught.value.code == "immutable"
    with pytest.raises(Immutable):
        frame.file = raw


def test_an_object_that_is_read_again(open_survey: OpenSurvey, raw: Path) -> None:
    first = open_survey()
    id = first.store(StoreReduced(raw=StoreRaw(filename="r", file=raw))).object_id
    first.close()
    survey = open_survey()
    reduced = survey.get(id)
    assert reduced.file is None
    assert reduced.raw.retrieve().read_bytes() == DATA
    with pytest.raises(InvalidInput, match="has no file") as caught:
        reduced.retrieve()
    assert caught.value.code == "no_file"
    with pytest.raises(InvalidInput, match="is no data object") as caught:
        survey.retrieve(survey.store(Environment(digest="sha256:0", python="3", platform="x", packages=["a"])))
    assert caught.value.code == "no_file"


def test_versions_with_other_files(survey: Any, raw: Path) -> None:
    first = survey.store(StoreRaw(filename="r", file=raw))
    longer = survey.new_version(first, exposure=2.0)
    assert longer.file.object_id == first.file.object_id
    other = survey.new_version(longer, file=b"better")
    assert other.version == 3
    assert other.retrieve().read_bytes() == b"better"
    assert first.retrieve().read_bytes() == DATA
    assert survey.get(raw).object_id == longer.object_id  # the newest of those that have it


def test_what_is_attached_last_counts(survey: Any, raw: Path) -> None:
    frame = StoreRaw(filename="r")
    frame.attach(b"first")
    frame.attach(raw)
    survey.store(frame)
    assert frame.retrieve().read_bytes() == DATA
    assert len(stored(survey)) == 1
    shared = survey.store(StoreRaw(filename="s", file=frame.file))
    assert shared.file.object_id == frame.file.object_id


# -- names ---------------------------------------------------------------------------------------------------------------


def named(name: str, data: bytes | Path) -> StoreRaw:
    frame = StoreRaw(filename=name)
    frame.attach(data, name=name)
    return frame


def test_equal_bytes_of_one_name_are_one_file(survey: Any, raw: Path) -> None:
    one, other = survey.store(named("r123.fits", raw)), survey.store(named("r123.fits", DATA))
    assert one.file.object_id == other.file.object_id
    assert len(survey.places(one)) == 1
    third = survey.store(named("renamed.fits", raw))
    assert third.file.object_id != one.file.object_id
    assert len(stored(survey)) == 1


def test_a_name_that_is_taken(survey: Any, raw: Path) -> None:
    survey.store(named("r123.fits", raw))
    before = census(survey)
    for work in (lambda: survey.store(named("r123.fits", b"other")),
                 lambda: survey.store(StoreReducedTwice(one=named("new.fits", b"1"), two=named("new.fits", b"2")))):  # fmt: skip
        with pytest.raises(NameTaken, match="is the name of a file with other bytes") as caught:
            work()
        assert caught.value.code == "file_name_taken"
    assert census(survey) == before
    assert sorted(r.path.name for r in survey.clean()) == sorted(digest(d)[7:] for d in (b"other", b"1", b"2"))


class StoreReducedTwice(provgraph.DataObject):
    one = link(StoreRaw)
    two = link(StoreRaw)


def test_a_name_that_two_want_at_once(survey: Any) -> None:
    def store(n: int) -> str:
        try:
            return str(survey.store(named("wanted.fits", b"%d" % n)).file.digest)
        except NameTaken as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(store, range(8)))
    assert found.count("file_name_taken") == 7
    files = survey._of_class(StoredFile, 100)
    assert [f.name for f in files] == ["wanted.fits"]


@pytest.mark.parametrize("name", ["a/b.fits", "..", ".hidden", " x", "x\n", "x" * 201, "a\\b"])
def test_what_is_no_name_of_a_file(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        StoreRaw(filename="r").attach(b"", name=name)
    assert caught.value.code == "file_name_invalid"


def test_a_property_called_file_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:

        class StoreWrong(provgraph.DataObject):
            file = persistent(str)

    assert caught.value.code == "reserved_name"


# -- never an object without its bytes -----------------------------------------------------------------------------------


def test_a_file_that_is_not_there(survey: Any, raw: Path, tmp_path: Path) -> None:
    before = census(survey)
    frame = StoreReduced(raw=StoreRaw(filename="r", file=tmp_path / "nothing.fits"), file=raw)
    with pytest.raises(FileUnreadable, match="is not there"):
        survey.store(frame)
    assert census(survey) == before
    frame.raw.attach(raw)
    survey.store(frame)
    assert frame.raw.retrieve().read_bytes() == frame.retrieve().read_bytes() == DATA
    assert survey.clean() == []


KILLED = """
import os, signal, sys
import provgraph
from provgraph.graph.mapper import Mapper
from tests.store.test_objects import StoreRaw
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
if sys.argv[4] == "before":
    Mapper.write = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
survey.store(StoreRaw(filename="r", file=sys.argv[3]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_before_and_after_the_object_is_committed(tmp_path: Path, address: str, raw: Path) -> None:
    provgraph.open(tmp_path / "survey", graph=address).close()
    for when, there in (("before", 0), ("after", 1)):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path / "survey"), address, str(raw), when], check=False
        )
        assert done.returncode == -signal.SIGKILL
        with provgraph.open(tmp_path / "survey", graph=address) as survey:
            frames = survey._of_class(StoreRaw, 10)
            assert len(frames) == there
            assert [f.retrieve().read_bytes() for f in frames] == [DATA] * there
            gone = survey.clean(dry_run=False)
            assert [r.path.name for r in gone] == ([] if there else [digest(DATA)[7:]])
            assert len(stored(survey)) == there


def test_what_is_being_stored_is_not_cleaned(survey: Any, raw: Path) -> None:
    survey.files.put(raw)
    with survey.intents.declare():
        assert survey.clean() == []
    rooms = {r.kind: r for r in survey.du()}
    assert rooms["not needed (clean)"].bytes == len(DATA)
    (found,) = survey.clean()
    assert found.why == "no object of the survey has this file"
    survey.store(StoreRaw(filename="r", file=raw))
    assert survey.clean() == []
    rooms = {r.kind: r for r in survey.du()}
    assert (rooms["files of objects"].files, rooms["files of objects"].bytes) == (1, len(DATA))


def test_unfinished_files_are_cleaned(survey: Any, raw: Path) -> None:
    survey.store(StoreRaw(filename="r", file=raw))
    part = survey.directory / "files" / f"0123456789ab.{'0' * 8}.1.0.part"
    part.write_bytes(b"half")
    assert survey.clean() == []  # of another machine
    from provgraph.bulk import processes

    part = part.rename(part.with_name(f"0123456789ab.{processes.host()}.999999999.1.part"))
    assert [(r.path, r.why) for r in survey.clean(dry_run=False)] == [(part, "the process that wrote it has ended")]
    assert len(stored(survey)) == 1


def test_an_equal_object_with_another_file(survey: Any, raw: Path) -> None:
    plate = survey.store(StorePlate(number=7, file=raw))
    again = survey.store(StorePlate(number=7, file=raw))
    assert again.object_id == plate.object_id
    assert again.retrieve().read_bytes() == DATA
    with pytest.raises(InvalidInput, match="has a file of other bytes") as caught:
        survey.store(StorePlate(number=7, file=b"other"))
    assert caught.value.code == "file_differs"
    survey.store(StorePlate(number=8))
    with pytest.raises(InvalidInput, match="has no file"):
        survey.store(StorePlate(number=8, file=raw))


# -- left where it is ----------------------------------------------------------------------------------------------------


def test_a_file_that_is_left_where_it_is(survey: Any, raw: Path, tmp_path: Path) -> None:
    frame = StoreRaw(filename="r123.fits.gz")
    frame.attach(raw, copy=False)
    survey.store(frame)
    assert stored(survey) == []
    assert frame.retrieve() == raw
    assert [p.place for p in survey.places(frame)] == [raw.as_uri()]
    moved = raw.rename(tmp_path / "moved.fits.gz")
    with pytest.raises(
        StorageError, match=r"r123.fits.gz is not there; put it back, or say where it is, survey.locate"
    ) as caught:
        frame.retrieve()
    assert caught.value.code == "bytes_missing"
    assert caught.value.details["object_id"] == frame.object_id
    other = tmp_path / "other.fits"
    other.write_bytes(b"other")
    with pytest.raises(StorageError, match="it is another file") as caught:
        survey.locate(frame, other)
    assert caught.value.code == "digest_differs"
    survey.locate(frame, moved)
    survey.locate(frame, moved)
    assert frame.retrieve() == moved
    assert [p.place for p in survey.places(frame)] == [raw.as_uri(), moved.as_uri()]
    survey.copy_files(frame, to="files")
    spoil(moved)
    assert frame.retrieve().read_bytes() == DATA
    shutil.rmtree(survey.directory / "files")
    with pytest.raises(StorageError, match="has other bytes than were stored") as caught:
        frame.retrieve()
    assert caught.value.code == "digest_differs"


def test_what_is_in_the_cache_does_not_stay(open_survey: OpenSurvey, raw: Path, bucket: str) -> None:
    survey = open_survey(store=bucket, cache_size=0)
    frame = survey.store(StoreRaw(filename="r", file=raw))
    copied = StoreRaw(filename="s", file=frame.retrieve())
    left = StoreRaw(filename="t")
    left.attach(frame.retrieve(), copy=False)
    survey.files.cache.trim()  # what is attached is in use
    assert survey.store(copied).retrieve().read_bytes() == DATA
    with pytest.raises(InvalidInput, match="is in the cache") as caught:
        survey.store(left)
    assert caught.value.code == "file_in_cache"


def test_bytes_cannot_be_left() -> None:
    with pytest.raises(InvalidInput, match="nowhere but here"):
        StoreRaw(filename="r").attach(b"x", copy=False)


# -- several places ------------------------------------------------------------------------------------------------------


def test_copies_at_other_places(open_survey: OpenSurvey, raw: Path, tmp_path: Path, bucket: str) -> None:
    survey = open_survey()
    frames = [survey.store(StoreRaw(filename="r", file=raw)), survey.store(StoreRaw(filename="s", file=b"second"))]
    where = survey.copy_files(frames, to=f"{bucket}/mirror")
    assert survey.copy_files(frames[0], to=tmp_path / "disk") == [survey.places(frames[0])[-1].place]
    assert [p.place for p in survey.places(frames[1])][1:] == where[1:]
    assert survey.copy_files(frames, to=f"{bucket}/mirror") == where
    assert len(survey.places(frames[1])) == 2
    shutil.rmtree(survey.directory / "files")
    survey.close()
    survey = open_survey()  # which place it was copied to stands in the graph
    first, second = (survey.get(f.object_id) for f in frames)
    assert first.retrieve().is_relative_to(survey.directory)
    assert first.retrieve().resolve().is_relative_to(tmp_path / "disk")
    assert second.retrieve().resolve().is_relative_to(survey.directory / "cache")
    assert second.retrieve().read_bytes() == b"second"
    spoil(first.retrieve().resolve())
    with pytest.warns(StorageWarning, match="disk"):
        assert first.retrieve().read_bytes() == DATA
    rooms = {r.kind: r.bytes for r in survey.du()}
    assert rooms["cache"] == len(DATA) + 6
    with pytest.raises(StorageError) as caught:
        survey.copy_files(second, to="s3://nobodys/files")
    assert caught.value.code == "place_missing"


def test_a_survey_whose_files_are_far_away(open_survey: OpenSurvey, raw: Path, bucket: str) -> None:
    survey = open_survey(store=f"{bucket}/files", cache_size="1MB")
    frame = survey.store(StoreRaw(filename="r", file=raw))
    assert not (survey.directory / "files").exists()
    assert survey.clean() == []
    survey.close()
    assert f'store = ["{bucket}/files"]' in (survey.directory / "survey.toml").read_text()
    survey = open_survey()  # it remembers
    assert survey.get(frame.object_id).retrieve().read_bytes() == DATA
    assert survey.lineage(survey.get(frame.object_id).retrieve()).nodes


# -- in the graph --------------------------------------------------------------------------------------------------------


def test_lineage_knows_the_file(survey: Any, raw: Path, tmp_path: Path) -> None:
    reduced = survey.store(StoreReduced(raw=named("r123.fits.gz", raw), file=b"reduced"))
    delivered = reduced.raw.retrieve(to=tmp_path / "delivered")
    assert survey.get(delivered).object_id == reduced.raw.object_id
    found = survey.lineage(reduced)
    assert "r123.fits.gz" in found.text()
    assert "sha256:" in found.text()
    written = json.loads(found.write(tmp_path / "l.prov.json").read_text())
    files = [e for e in written["entity"].values() if "provgraph:digest" in e]
    assert {e["provgraph:digest"] for e in files} == {digest(DATA), digest(b"reduced")}
    assert all(e["prov:type"]["$"] == "provgraph:StoredFile" for e in files)
    roles = [d.get("provgraph:role") for d in written["wasDerivedFrom"].values()]
    assert sorted(roles) == ["file", "file", "raw"]
    assert survey.lineage(delivered).nodes[0].id == reduced.raw.object_id
    again = survey.store(named("copy.fits.gz", raw))
    with pytest.warns(FileWarning, match="can be each of 2 files"):
        unclear = survey.lineage(delivered).unclear
    assert set(unclear.objects) == {reduced.raw.object_id, again.object_id}


def test_what_is_ingested_and_attached(survey: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x\n1,2.5\n2,3.5\n")
    catalog = survey.ingest(path, id="id", name="A")
    frame = survey.store(StoreRaw(filename="a", file=path))
    with pytest.warns(FileWarning, match="can be each of 2"):
        unclear = survey.lineage(path).unclear
    assert set(unclear.objects) == {frame.object_id, catalog.file.object_id}


def test_a_target_that_attaches_its_file(survey: Any, raw: Path) -> None:
    frame = survey.store(StoreRaw(filename="r", file=raw))
    stack = survey.make(StoreStack(raw=frame))
    assert stack.retrieve().read_bytes() == DATA[:300]
    assert stack.file.name == "stack-3.dat"
    assert survey.make(StoreStack(raw=frame)).object_id == stack.object_id
    assert survey.get(stack.retrieve()).object_id == stack.object_id


# -- opening -------------------------------------------------------------------------------------------------------------


@pytest.mark.embedded
def test_places_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: Path) -> None:
    monkeypatch.setenv("PROVGRAPH_STORE", f"{tmp_path}/disk, files")
    monkeypatch.setenv("PROVGRAPH_CACHE_SIZE", "5 MiB")
    with provgraph.open(tmp_path / "survey") as survey:
        assert [p.text for p in survey.files.places] == [(tmp_path / "disk").as_uri(), "files"]
        assert survey.files.cache.limit == 5 << 20
        frame = survey.store(StoreRaw(filename="r", file=raw))
        assert frame.retrieve().resolve().is_relative_to(tmp_path / "disk")
        assert survey.clean() == []  # others may keep files there
    monkeypatch.delenv("PROVGRAPH_STORE")
    with provgraph.open(tmp_path / "survey", store=tmp_path / "survey" / "elsewhere", cache_size=0) as survey:
        assert [p.text for p in survey.files.places] == ["elsewhere"]
        assert survey.files.cache.limit == 0
        assert survey.get(frame.object_id).retrieve().read_bytes() == DATA  # where it is stands in the graph
    with provgraph.open(tmp_path / "survey") as survey:
        assert [p.text for p in survey.files.places] == [(tmp_path / "disk").as_uri(), "files"]


@pytest.mark.embedded
@pytest.mark.parametrize(("store", "error", "code"), [
    ("s4://bucket", InvalidInput, "place_unknown"), ("s3://nobodys/files", StorageError, "place_missing"),
    ("abfs://x", MissingExtra, "missing_extra"), ("http://127.0.0.1:1/", StorageError, "place_unreachable"),
])  # fmt: skip
def test_places_that_are_none_leave_no_survey(tmp_path: Path, bucket: str, store: str, error: type, code: str) -> None:
    with pytest.raises(error) as caught:
        provgraph.open(tmp_path / "survey", store=["files", store])
    assert caught.value.code == code
    assert not (tmp_path / "survey").exists()


def test_the_size_of_a_cache(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'50GiB'") as caught:
        provgraph.open(tmp_path / "survey", cache_size="much")
    assert caught.value.code == "cache_size"


SECOND = """
import sys
import provgraph
from tests.store.test_objects import StoreRaw
with provgraph.open(sys.argv[1], graph=sys.argv[2]) as survey:
    print(survey.store(StoreRaw(filename="r", file=sys.argv[3])).object_id)
"""


def test_a_second_process_stores_files_too(tmp_path: Path, address: str, raw: Path) -> None:
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        done = subprocess.run(
            [sys.executable, "-c", SECOND, str(tmp_path / "survey"), address, str(raw)], capture_output=True, text=True,
            check=False, env={**os.environ},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert survey.get(done.stdout.strip()).retrieve().read_bytes() == DATA
        assert survey.clean() == []
