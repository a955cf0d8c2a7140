"""What authors of pipelines get wrong: each gives one clear sentence, and nothing is half stored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import Immutable, InvalidInput, MakeFailed, NotFound, ProvgraphError, StorageError
from provgraph.graph.statements import Statement
from provgraph.schema import calls
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401

ROOT = Path(__file__).parents[2]
TARGETS = Statement("targets", ("MATCH (n:BadTarget) RETURN count(n) AS n",))
FAILED = Statement("failed", (
    "MATCH (a:Activity) WHERE a.class_name = 'BadTarget' AND a.method = 'make' RETURN a.status AS status, a.message AS message",
))  # fmt: skip


class BadRaw(provgraph.DataObject):
    filename = persistent(str)
    value = persistent(float)


class BadOther(provgraph.DataObject):
    filename = persistent(str)


class BadTarget(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(BadRaw)
    how = persistent(str)
    value = persistent(float)

    def make(self) -> Any:
        if self.how == "raises":
            raise ValueError("no star in the image")
        if self.how == "hangs":
            print("making", flush=True)
            time.sleep(600)
        if self.how == "writes":
            path = self.raw.retrieve()
            path.chmod(0o644)
            path.write_bytes(b"other bytes")
        if self.how == "changes":
            self.raw._values["value"] = 7.0
        self.value = object() if self.how == "no number" else 2 * self.raw.value
        return 5 if self.how == "returns" else None


class BadCircle(provgraph.ProcessTarget):
    other = link("self", optional=True)

    def make(self) -> None: ...


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def test_two_classes_of_one_name() -> None:
    def declare(module: str) -> None:
        type(BadRaw)("BadTwin", (provgraph.DataObject,), {"__module__": module, "__qualname__": "BadTwin"})

    declare("night")
    with pytest.raises(
        InvalidInput, match="Two persistent classes are called 'BadTwin', in night and in day"
    ) as caught:
        declare("day")
    assert caught.value.code == "class_name_taken"


@pytest.mark.parametrize("name", ["version", "lineage_key", "_hidden", "is_stored"])
def test_names_that_are_kept(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"BadNames\.{name}: .*choose another") as caught:
        exec(f"class BadNames(provgraph.DataObject):\n    {name} = persistent(int)", {**globals()})
    assert caught.value.code == "reserved_name"


def test_a_link_to_something_else() -> None:
    with pytest.raises(InvalidInput, match=r"BadTarget\.raw must be a BadRaw, not BadOther\(filename='a'\)"):
        BadTarget(raw=BadOther(filename="a"), how="")
    with pytest.raises(InvalidInput, match=r"BadTarget\.raw must be a BadRaw, not 'a\.fits'"):
        BadTarget(raw="a.fits", how="")
    with pytest.raises(InvalidInput, match=r"BadTarget has no property 'rwa'; did you mean 'raw'"):
        BadTarget(rwa=None)


def test_a_circle(survey: Any) -> None:
    one = BadCircle()
    other = BadCircle(other=BadCircle(other=one))
    for what in (other, one):
        with pytest.raises(InvalidInput, match="would depend on itself") as caught:
            one.other = what
        assert caught.value.code == "dependency_cycle"
    assert survey.make(other).is_stored


def test_unstored_objects_are_stored_with_what_links_them(survey: Any) -> None:
    made = survey.make(BadTarget(raw=BadRaw(filename="a", value=1.0), how=""))
    assert made.raw.is_stored
    assert survey.get(made.raw.object_id).filename == "a"


def test_identifiers_are_given_and_objects_are_stored_once(survey: Any) -> None:
    raw = survey.store(BadRaw(filename="a", value=1.0))
    with pytest.raises(Immutable, match="no two objects have the same"):
        BadRaw(filename="b", value=1.0).object_id = raw.object_id
    assert survey.store(raw) is raw
    assert survey.select(BadRaw).count() == 1
    with pytest.raises(Immutable, match="make a new version"):
        raw.value = 2.0
    with pytest.raises(Immutable, match="make a new version"):
        del raw.value
    for nothing in (None, 5, "raw"):
        with pytest.raises(InvalidInput, match="Only persistent objects are stored") as caught:
            survey.store(nothing)
        assert caught.value.code == "not_persistent"


@pytest.mark.parametrize(
    ("how", "error", "code", "says"),
    [
        (
            "raises",
            MakeFailed,
            "make_failed",
            r"make\(\) failed: ValueError: no star in the image \(test_bad_input\.py:\d+ in make",
        ),
        ("returns", InvalidInput, "make_returned", r"make\(\) returned an int; it sets properties"),
        ("no number", InvalidInput, "wrong_type", r"BadTarget\.value must be a number"),
        ("changes", InvalidInput, "dependency_changed", r"changed BadRaw\.value of an object it is made from"),
    ],
)
def test_a_make_that_does_not_do_its_work(
    survey: Any, how: str, error: type[ProvgraphError], code: str, says: str
) -> None:
    raw = survey.store(BadRaw(filename="a", value=1.0))
    with pytest.raises(error, match=says) as caught:
        survey.make(BadTarget(raw=raw, how=how))
    assert caught.value.code == code
    assert survey.engine.read(TARGETS) == [{"n": 0}]
    (told,) = survey.engine.read(FAILED)
    assert told["status"] == "failed"
    assert raw.value == survey.get(raw.object_id).value == 1.0
    assert survey.make(BadTarget(raw=raw, how="")).value == 2.0  # and goes on


def test_a_make_that_writes_into_the_file_of_another(survey: Any) -> None:
    raw = survey.store(BadRaw(filename="a", value=1.0, file=b"the bytes of the night"))
    survey.make(BadTarget(raw=raw, how="writes"))  # what is stored is read-only; it took that away first
    with pytest.raises(StorageError, match=r"has other bytes than were stored \(11 bytes in place of 22\)") as caught:
        raw.retrieve()
    assert caught.value.code == "digest_differs"


HANGS = """
import sys, threading, provgraph
from tests.targets.test_bad_input import BadRaw, BadTarget
with provgraph.open(sys.argv[1], graph=sys.argv[2]) as survey:
    raw = survey.store(BadRaw(filename="a", value=1.0))
    survey.make(BadTarget(raw=raw, how="hangs"), jobs=int(sys.argv[3]))
"""


@pytest.mark.parametrize(("with_", "jobs"), [(signal.SIGINT, 1), (signal.SIGINT, 2), (signal.SIGKILL, 1)])
def test_a_make_that_hangs_is_ended(tmp_path: Path, address: str, with_: signal.Signals, jobs: int) -> None:
    directory = tmp_path / "survey"
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS, str(directory), address, str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "making\n"
    process.send_signal(with_)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said.count("Traceback") == (with_ == signal.SIGINT)
    with provgraph.open(directory, graph=address) as survey:
        survey.tracer.recover()
        assert survey.engine.read(TARGETS) == [{"n": 0}]
        assert [row["status"] for row in survey.engine.read(FAILED)] == ["aborted"]
        (raw,) = survey.select(BadRaw)
        assert survey.make(BadTarget(raw=raw, how="")).value == 2.0


def test_a_store_that_is_read_only(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for the superuser; tests/store tries a full and a read-only store")
    (survey.directory / "files").mkdir(exist_ok=True)
    (survey.directory / "files").chmod(0o555)
    with pytest.raises(StorageError):
        survey.store(BadRaw(filename="a", value=1.0, file=b"x"))
    assert survey.select(BadRaw).count() == 0


GONE = """
import sys, provgraph
from provgraph import persistent, link
class GoneRaw(provgraph.DataObject):
    value = persistent(float)
class GoneFlat(provgraph.ProcessTarget):
    raw = link(GoneRaw)
    level = persistent(float, unit="adu")
    def make(self):
        self.level = self.raw.value
with provgraph.open(sys.argv[1], graph=sys.argv[2]) as survey:
    survey.store(survey.make(GoneFlat(raw=GoneRaw(value=3.0))), name="flat")
"""


def test_a_class_that_is_not_here(tmp_path: Path, address: str) -> None:
    directory = tmp_path / "survey"
    subprocess.run(
        [sys.executable, "-c", GONE, str(directory), address],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with provgraph.open(directory, graph=address) as survey:
        flat: Any = survey.get("flat")
        assert (type(flat).__name__, flat.level, flat.raw.value) == ("GoneFlat", 3.0, 3.0)
        assert survey.status(flat).status == "UNKNOWN"
        with pytest.raises(NotFound, match="its class is not here; import the module that has it") as caught:
            survey.make(flat, force=True)
        assert caught.value.code == "class_missing"


def test_clocks_that_run_backwards(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = survey.store(BadRaw(filename="a", value=1.0))
    made = survey.make(BadTarget(raw=raw, how=""))
    monkeypatch.setattr(time, "time_ns", lambda: 978_307_200_000_000_000)  # the beginning of 2001
    better = survey.new_version(raw, value=3.0)
    assert (better.version, better.created[:4]) == (2, "2001")
    assert survey.status(made).status == "OUT_OF_DATE"
    new = survey.make(made)
    assert (new.value, new.version) == (6.0, 2)
    assert survey.status(new).up_to_date
    (call,) = [c for c in survey.calls(new) if c.method == "make"]
    assert call.started[:4] == "2001"
    assert call.seconds >= 0


def test_making_in_a_survey_that_is_closed(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        raw = survey.store(BadRaw(filename="a", value=1.0))
    with pytest.raises(ProvgraphError, match="closed") as caught:
        survey.make(BadTarget(raw=raw, how=""))
    assert caught.value.code == "graph_closed"
    calls.leave(survey)
