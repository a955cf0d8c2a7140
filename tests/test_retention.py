"""Dropping bytes that can be made again: what is proposed and what stays, what a kill leaves, and making it again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, process_params
from provgraph.cli import main
from provgraph.errors import ProvgraphError, StorageError
from provgraph.schema import calls
from provgraph.store.directory import Directory
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401

RUNS: list[str] = []


class RetainParameters(provgraph.Parameters):
    gain = persistent(int, default=2)


class RetainRaw(provgraph.DataObject):
    number = persistent(int)


class RetainFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[RetainRaw])
    params = process_params(RetainParameters)

    def make(self) -> None:
        RUNS.append("flat")
        time.sleep(0.02)
        self.attach(b"".join(r.retrieve().read_bytes() for r in self.raws) * self.params.gain)


class RetainReduced(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(RetainRaw)
    flat = link(RetainFlat)

    def make(self) -> None:
        RUNS.append(f"reduced {self.raw.number}")
        self.attach(self.scaled(self.raw.retrieve().read_bytes()) + self.flat.retrieve().read_bytes())

    def scaled(self, data: bytes) -> bytes:
        return data.lower()


class RetainCount(provgraph.ProcessTarget):
    frames = link(list[RetainReduced])
    total = persistent(int)

    def make(self) -> None:
        self.total = sum(f.file.size for f in self.frames)


class RetainChance(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(RetainRaw)

    def make(self) -> None:
        RUNS.append("chance")
        self.attach(f"run {len(RUNS)}".encode(), name=f"chance-{self.raw.number}.txt")


class RetainCopy(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(RetainRaw)

    def make(self) -> None:
        self.attach(self.raw.retrieve().read_bytes())


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    RUNS.clear()
    yield
    RUNS.clear()


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def chain(survey: Any, n: int = 3) -> RetainCount:
    raws = [survey.store(RetainRaw(number=i, file=bytes([65 + i]) * 1000)) for i in range(n)]
    flat = RetainFlat(raws=raws)
    return survey.make(RetainCount(frames=[RetainReduced(raw=r, flat=flat) for r in raws]))


def inside(survey: Any, one: Any) -> bool:
    return bool(survey.files.inside(one.file.digest))


def said(survey: Any, one: Any) -> list[str]:
    return [n["kind"] for n in survey.notes(one.file)]


def test_a_chain_is_dropped_and_the_last_is_had_again(survey: Any, tmp_path: Path) -> None:
    top = chain(survey)
    frames, flat = top.frames, top.frames[0].flat
    was = [f.retrieve().read_bytes() for f in frames]
    before = survey.lineage(top).text()
    plan = survey.retain()
    assert (len(plan), plan.bytes) == (4, 6000 + 3 * 7000)
    assert {type(o).__name__ for item in plan for o in item.objects} == {"RetainFlat", "RetainReduced"}
    assert plan.kept == {"put in, not made": (3, 3000)}
    (of_flat,) = [i for i in plan if i.objects == (flat,)]
    of_frames = [i for i in plan if i is not of_flat]
    assert all(i.again == pytest.approx(i.seconds + of_flat.seconds) for i in of_frames)
    assert plan.seconds == pytest.approx(sum(i.seconds for i in plan))
    assert plan.seconds > 0.02
    assert survey.retain().as_dict() == plan.as_dict()  # nothing happened
    assert plan.apply() == plan.bytes
    assert not any(inside(survey, one) for one in (flat, *frames))
    assert said(survey, flat) == ["place", "bytes_dropped"]
    assert survey.places(flat) == []
    assert survey.status(top).up_to_date
    assert survey.status(frames[0]).up_to_date
    assert survey.lineage(top).text() == before
    assert survey.usage()["RetainReduced"].dropped == 3 * 7000
    assert survey.clean() == []
    assert len(survey.retain()) == 0
    RUNS.clear()
    assert frames[1].retrieve().read_bytes() == was[1]
    assert RUNS == ["flat", "reduced 1"]
    assert said(survey, frames[1]) == ["place", "bytes_dropped", "place"]
    assert [n["kind"] for n in survey.notes(frames[1])] == ["confirmed"]
    assert len(survey.places(frames[1])) == 1
    assert frames[2].retrieve(to=tmp_path / "out.dat").read_bytes() == was[2]
    assert RUNS == ["flat", "reduced 1", "reduced 2"]  # the flat was there again
    assert [inside(survey, f) for f in frames] == [False, True, True]
    assert survey.status(top).up_to_date
    again = survey.retain()
    assert again.bytes == 6000 + 2 * 7000
    again.apply()
    assert frames[1].open().read() == was[1]
    (at,) = survey.copy_files(frames[0], to="mirror")
    assert (survey.directory / at).read_bytes() == was[0]
    survey.retain().apply()
    (survey.directory / at).unlink()
    assert survey.retrieve(frames[0].file).read_bytes() == was[0]


def test_several_that_ask_at_once_make_it_once(survey: Any) -> None:
    frame = chain(survey).frames[0]
    data = frame.retrieve().read_bytes()
    survey.retain().apply()
    RUNS.clear()
    with ThreadPoolExecutor(4) as pool:
        assert [p.read_bytes() for p in pool.map(lambda _: frame.retrieve(), range(4))] == [data] * 4
    assert RUNS == ["flat", "reduced 0"]


def test_what_was_dropped_and_is_stored_again_is_there(survey: Any) -> None:
    top = chain(survey, 1)
    survey.retain().apply()
    data = b"a" * 1000 + b"A" * 2000
    other = survey.store(RetainRaw(number=9, file=data))  # the bytes of the reduced frame, from elsewhere
    assert other.file.digest == top.frames[0].file.digest
    RUNS.clear()
    assert top.frames[0].retrieve().read_bytes() == data
    assert RUNS == []
    assert survey.usage()["RetainReduced"].dropped == 0
    assert {type(o).__name__ for i in survey.retain() for o in i.objects} == set()
    assert survey.retain().kept["put in, not made"] == (2, 4000)  # one of its two owners was put in


def test_what_stays_and_why(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    top = chain(survey, 2)
    copied = survey.make(RetainCopy(raw=top.frames[0].raw))
    chance = survey.make(RetainChance(raw=top.frames[0].raw))
    assert chance in [o for i in survey.retain() for o in i.objects]
    twice = survey.make(chance, force=True)
    assert (twice.version, twice.file.name) == (2, "chance-0~1.txt")
    other = survey.make(RetainChance(raw=top.frames[1].raw))
    kept = survey.retain().kept
    assert kept["`RetainChance.make` gave other results when it ran again"][0] == 3
    assert kept["put in, not made"] == (2, 2000)  # the copy has the bytes of a raw frame
    assert copied.file.digest == top.frames[0].raw.file.digest
    assert inside(survey, other)
    with monkeypatch.context() as patch:
        patch.setattr(RetainReduced, "scaled", lambda self, data: data)
        plan = survey.retain()
        assert plan.kept["the code of `RetainReduced.make` changed"] == (2, 2 * 5000)
        assert [o for i in plan for o in i.objects] == [top.frames[0].flat]
    # An input that is gone for good: what rests on it stays, and what rests on that is made from what stays.
    (path,) = survey.files.inside(top.frames[1].raw.file.digest)
    path.unlink()
    plan = survey.retain()
    assert plan.kept["the bytes of the RetainRaw it is made from are gone: put in, not made"] == (2, 4000 + 5000)
    assert [o for i in plan for o in i.objects] == [top.frames[0]]
    assert "the bytes of the RetainRaw" in str(plan)


def test_only_of_a_class_only_old_ones_only_so_much(survey: Any) -> None:
    top = chain(survey)
    only = survey.retain(RetainReduced)
    assert (len(only), only.kept["it is not only of RetainReduced"]) == (3, (1, 6000))
    assert len(survey.retain("RetainFlat")) == 1
    assert len(survey.retain(older_than=1)) == 0
    time.sleep(1.5)
    top.frames[0].retrieve()
    assert [i.bytes for i in survey.retain(RetainReduced, older_than=1.2 / 86400)] == [7000, 7000]
    cheapest = sorted(survey.retain(), key=lambda i: i.seconds / i.bytes)
    some = survey.retain(free=8000)
    assert {i.digest for i in some} == {i.digest for i in cheapest[:2]}
    assert some.apply() == some.bytes == sum(i.bytes for i in cheapest[:2])
    assert survey.retain(free="1GB").wanted == 1 << 30
    assert "That is less than the 1 GB" in str(survey.retain(free=10**9))
    for wrong, code in (
        (lambda: survey.retain("RetainFlot"), "class_unknown"), (lambda: survey.retain(older_than=-1), "days_invalid"),
        (lambda: survey.retain(free="much"), "memory_syntax"),
    ):  # fmt: skip
        with pytest.raises(ProvgraphError) as caught:
            wrong()
        assert caught.value.code == code


def test_what_cannot_be_made_again_says_so(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    top = chain(survey, 2)
    survey.retain().apply()
    with monkeypatch.context() as patch:
        patch.setattr(RetainReduced, "scaled", calls.hooked(lambda self, data: data, "RetainReduced", "scaled"))
        with pytest.raises(
            StorageError, match=r"dropped, and cannot be made again: RetainReduced\.make is other code"
        ) as caught:
            top.frames[0].retrieve()
        assert caught.value.code == "code_missing"
    chance = survey.make(RetainChance(raw=top.frames[0].raw))
    survey.retain().apply()
    RUNS.append("so that it differs")
    with pytest.raises(StorageError, match="what was made again has the bytes") as caught:
        chance.retrieve()
    assert caught.value.code == "remade_differs"
    other = survey.get(caught.value.details["remade"])
    assert (other.version, other.retrieve().read_bytes()) == (2, b"run 7")
    assert [n["value"] for n in survey.notes(other) if n["kind"] == "not_deterministic"] == [chance.object_id]


def test_others_keep_what_they_store_meanwhile(survey: Any) -> None:
    top = chain(survey, 1)
    plan = survey.retain(RetainReduced)
    data = top.frames[0].retrieve().read_bytes()
    mine = survey.store(RetainRaw(number=5, file=data))
    assert plan.apply() == 0
    assert mine.retrieve().read_bytes() == data
    assert said(survey, mine) == ["place"]
    plan = survey.retain(RetainFlat)
    (path,) = survey.files.inside(top.frames[0].flat.file.digest)
    flat = path.read_bytes()
    remove = Directory.remove

    def stored_just_before(path: Path, seen_ns: int) -> bool:
        survey.files.put(flat)
        return remove(path, seen_ns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Directory, "remove", staticmethod(stored_just_before))
        assert plan.apply() == 0
    assert said(survey, top.frames[0].flat) == ["place", "bytes_dropped", "place"]
    assert len(survey.places(top.frames[0].flat)) == 1
    plan = survey.retain(RetainFlat)
    with survey.intents.declare(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("provgraph.targets.retention.PATIENCE", 0.1)
        with pytest.raises(StorageError) as caught:
            plan.apply()
    assert caught.value.code == "store_busy"
    assert inside(survey, top.frames[0].flat)


KILLED = """
import os, signal, sys
from pathlib import Path
import provgraph
from provgraph.graph.mapper import Mapper
from provgraph.store.directory import Directory
import tests.test_retention
when = sys.argv[3]
kill = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
plan = survey.retain()
write, remove, unlink = Mapper.write, Directory.remove, Path.unlink
left = [1]
def half(path, seen):
    if not left.pop():
        kill()
    left.append(0)
    return remove(path, seen)
if when == "before":
    Mapper.write = kill
if when == "stated":
    Mapper.write = lambda self, batch: (write(self, batch), kill())
if when == "aside":
    Path.unlink = lambda self, missing_ok=False: kill() if self.suffix == ".removing" else unlink(self, missing_ok)
if when == "half":
    Directory.remove = staticmethod(half)
print(len(plan), flush=True)
plan.apply()
print("ended", flush=True)
kill()
"""


def test_killed_while_dropping(tmp_path: Path, address: str) -> None:
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        ids = [f.object_id for f in chain(survey).frames]
        was = {i: survey.retrieve(i).read_bytes() for i in ids}
    for when, there in (("before", 4), ("stated", 4), ("aside", 3), ("half", 3), ("after", 0)):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path / "survey"), address, when],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["4", "ended"] if when == "after" else ["4"]
        assert done.returncode == -signal.SIGKILL
        with provgraph.open(tmp_path / "survey", graph=address) as survey:
            frames: list[Any] = [survey.get(i) for i in ids]
            every = [frames[0].flat, *frames]
            assert sum(inside(survey, one) for one in every) == there, when
            for one in every:  # its bytes are here, or it is stated that they were dropped
                assert inside(survey, one) or said(survey, one)[-1] == "bytes_dropped", when
            survey.clean(dry_run=False)
            assert sum(inside(survey, one) for one in every) == (4 if when == "aside" else there), when
            assert {f.object_id: f.retrieve().read_bytes() for f in frames} == was, when
            frames[0].flat.retrieve()
            assert len(survey.retain()) == 4  # a plan goes by what is here


def test_the_command(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        chain(survey)
    monkeypatch.setenv("PROVGRAPH_SURVEY", str(tmp_path / "survey"))
    assert main(["retain", "--plan"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-2:] == ["stays, because    files  bytes", "put in, not made      3   3 kB"]
    assert "--apply" in told.err
    assert main(["retain", "--plan", "--apply"]) == 2
    capsys.readouterr()
    assert main(["retain", "--class", "RetainFlat", "--apply", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["freed"] == 6000
    assert main(["retain", "--free", "many"]) == 1


def test_a_frame_that_was_left_where_it_is_and_a_mirror(survey: Any, tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(b"R" * 500)
    raw = RetainRaw(number=1)
    raw.attach(path, copy=False)
    survey.store(raw)
    flat = survey.make(RetainFlat(raws=[raw]))
    survey.copy_files(flat, to=str(tmp_path / "mirror"))
    assert [i.objects for i in survey.retain()] == [(flat,)]
    survey.retain().apply()
    RUNS.clear()
    assert flat.retrieve().read_bytes() == b"R" * 1000  # from the mirror
    assert RUNS == []
    assert [s.place.startswith("file://") for s in survey.places(flat)] == [True]
    reduced = survey.make(RetainReduced(raw=raw, flat=flat))
    assert survey.retain().kept == {"at a place outside the survey's directory": (2, 1500)}
    path.unlink()
    assert [i.objects for i in survey.retain()] == []
    assert "gone" in str(survey.retain())
    assert reduced.retrieve().read_bytes() == b"r" * 500 + b"R" * 1000
