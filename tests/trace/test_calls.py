"""Traced calls: what is told of each, whichever way a method works, ends or is called; and that none that returned is lost."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph import link, persistent
from provgraph.graph.statements import Statement
from provgraph.schema import calls
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401

CALLS = Statement("calls", ("MATCH (a:Activity) RETURN properties(a) AS call ORDER BY a.started, a.activity_id",))
PARENTS = Statement("parents", (
    "MATCH (a:Activity)-[:WAS_INFORMED_BY]->(b:Activity) RETURN a.method AS child, b.method AS parent ORDER BY child",
))  # fmt: skip


class CalledFrame(provgraph.DataObject):
    """An exposure whose methods do all that methods can."""

    filename = persistent(str)
    level = persistent(float, default=0.0, unit="adu")

    def mean(self, values: Any, *, weight: float = 1.0) -> float:
        return float(np.mean(values)) * weight

    def outer(self, other: CalledFrame | None = None) -> float:
        return self.mean([1, 2, 3]) + self._hidden()

    def _hidden(self) -> float:
        return 1.0

    def rows(self, n: int) -> Iterator[int]:
        yield from range(n)

    async def wait(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "waited"

    async def stream(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    @classmethod
    def named(cls, name: str) -> CalledFrame:
        return cls(filename=name)

    @staticmethod
    def add(a: int, b: int = 2) -> int:
        return a + b

    def fail(self) -> None:
        raise ValueError("no star in the image")

    def login(self, user: str, password: provgraph.Secret) -> bool:
        return True

    @provgraph.not_traced
    def quiet(self) -> int:
        return 1

    def with_quiet(self) -> int:
        with provgraph.untraced():
            return int(self.mean([1.0]))


class SilentFrame(CalledFrame, traced=False):
    def loud(self) -> int:
        return 1


def recorded(survey: Any) -> list[dict[str, Any]]:
    survey.tracer.write(all_=True)
    return [row["call"] for row in survey.engine.read(CALLS) if row["call"]["method"] != "__init__"]


def test_what_is_told_of_a_call(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame = survey.store(CalledFrame(filename="a.fits"))
        assert frame.mean([1.0, 3.0]) == 2.0
        (call,) = recorded(survey)
        assert call["class_name"] == "CalledFrame"
        assert (call["method"], call["status"], call["result"]) == ("mean", "done", "2.0")
        assert call["arguments"] == '{"values":[1.0,3.0],"weight":1.0}'
        assert call["started"] <= call["ended"]
        assert call["seconds"] > 0
        assert call["code"].startswith("sha256:")
        assert call["process"] == os.getpid()
        tree = survey.calls(frame)
        assert "CalledFrame.mean(values=[1.0, 3.0], weight=1.0) -> 2.0" in str(tree)


def test_calls_inside_calls(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame, other = (survey.store(CalledFrame(filename=n)) for n in "ab")
        frame.outer(other)
        recorded(survey)
        assert survey.engine.read(PARENTS) == [{"child": "mean", "parent": "outer"}]
        used = Statement("used", (
            "MATCH (a:Activity)-[u:USED]->(n:Entity) WHERE a.method = 'outer' RETURN u.role AS role, n.object_id AS id",
        ))  # fmt: skip
        roles = {r["role"]: r["id"] for r in survey.engine.read(used)}
        assert (roles["self"], roles["other"]) == (frame.object_id, other.object_id)


def test_every_kind_of_method(open_survey: OpenSurvey) -> None:
    async def both(frame: CalledFrame) -> list[int]:
        assert await frame.wait(0) == "waited"
        return [i async for i in frame.stream(3)]

    with open_survey() as survey:
        frame = survey.store(CalledFrame.named("a"))
        assert list(frame.rows(4)) == [0, 1, 2, 3]
        assert asyncio.run(both(frame)) == [0, 1, 2]
        assert CalledFrame.add(1) == 3
        with pytest.raises(ValueError, match="no star"):
            frame.fail()
        assert next(iter(frame.rows(4))) == 0
        told = {(c["method"], c["status"]): c for c in recorded(survey)}
        assert set(told) == {
            ("named", "done"), ("rows", "done"), ("wait", "done"), ("stream", "done"), ("add", "done"), ("fail", "failed"),
        }  # fmt: skip
        assert told["add", "done"]["arguments"] == '{"a":1,"b":2}'
        assert told["fail", "failed"]["message"] == "ValueError: no star in the image"
        assert told["fail", "failed"]["place"].endswith("in fail")
        results = sorted(c["result"] for c in recorded(survey) if c["method"] == "rows")
        assert results == [
            '{"items":1,"complete":false,"returned":null}',
            '{"items":4,"complete":true,"returned":null}',
        ]


def test_values_that_are_large_or_secret(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame = survey.store(CalledFrame(filename="a"))
        frame.mean(np.zeros((100, 1000)))
        frame.mean(np.zeros(3, "f4"))
        frame.login("ada", "hunter2")
        frame.mean([float("nan")])
        given = [c["arguments"] for c in recorded(survey)]
        assert given[0] == '{"values":{"type":"ndarray","dtype":"float64","shape":[100,1000]},"weight":1.0}'
        assert '"digest":"sha256:' in given[1]
        assert given[2] == '{"user":"ada","password":{"secret":true}}'
        assert given[3] == '{"values":[{"float":"nan"}],"weight":1.0}'
        spooled = "".join(p.read_text() for p in (survey.directory / "spool").glob("*.calls"))
        assert "hunter2" not in spooled


def test_tracing_can_be_turned_off_and_says_so(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame, silent = survey.store(CalledFrame(filename="a")), survey.store(SilentFrame(filename="b"))
        frame.quiet()
        frame.with_quiet()
        silent.loud()
        (call,) = recorded(survey)
        assert (call["method"], call["untraced"]) == ("with_quiet", True)


def test_outside_a_survey_a_call_is_not_recorded_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_told", False)
    frame = CalledFrame(filename="a")
    with pytest.warns(calls.TraceWarning, match="with survey"):
        frame.mean([1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame.mean([1])


def test_a_loaded_object_brings_its_survey(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        object_id = survey.store(CalledFrame(filename="a")).object_id
    survey = open_survey()
    survey.get(object_id).mean([1])
    assert [c["method"] for c in recorded(survey)] == ["mean"]


def test_a_constructor_and_parameters_are_told(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        params = CalledParameters()
        params.sigma = 2.5
        survey.store(params)
        survey.tracer.write(all_=True)
        told = [row["call"] for row in survey.engine.read(CALLS)]
        assert [(c["class_name"], c["method"], c["arguments"]) for c in told] == [
            ("CalledParameters", "__init__", "{}"), ("CalledParameters", "set", '{"name":"sigma","value":2.5}'),
        ]  # fmt: skip


class CalledParameters(provgraph.Parameters):
    sigma = persistent(float, default=3.0)


class CalledLink(provgraph.DataObject):
    frame = link(CalledFrame)


def test_objects_that_are_stored_after_the_call_are_edges(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame = CalledFrame(filename="late")
        survey.tracer.write()
        survey.store(frame)
        survey.tracer.write()
        assert [c.method for c in survey.calls(frame)] == ["__init__"]


KILLED = """
import os, sys, provgraph
from tests.trace.test_calls import CalledFrame
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
with survey:
    frame = survey.store(CalledFrame(filename="a"))
    survey.tracer._closed = True   # nothing is written in the background
    for i in range(50):
        frame.mean([i])
    for row in frame.rows(3):
        print("running", flush=True)
        os.kill(os.getpid(), 9)
"""


def test_calls_that_returned_outlive_a_kill(tmp_path: Path, address: str) -> None:
    directory = tmp_path / "survey"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(directory), address], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    with provgraph.open(directory, graph=address) as survey:
        told = recorded(survey)
        assert [c["status"] for c in told if c["method"] == "mean"] == ["done"] * 50
        assert [c["status"] for c in told if c["method"] == "rows"] == ["aborted"]
        assert list((directory / "spool").glob("*.calls")) == []
        (frame,) = survey.find(cls="CalledFrame")
        assert len(survey.calls(frame)) == 52


def _in_child(numbers: list[int]) -> float:
    return CalledFrame(filename="child").mean(numbers)


class ParallelFrame(provgraph.DataObject):
    filename = persistent(str)

    def threads(self) -> list[float]:
        frame = CalledFrame(filename="t")
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(frame.mean, [[1], [2], [3]]))

    def thread(self) -> None:
        one = threading.Thread(target=CalledFrame(filename="t").mean, args=([1],))
        one.start()
        one.join()

    def processes(self, how: str) -> list[float]:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as pool:
            return list(pool.map(_in_child, [[1], [2]]))

    def process(self, how: str) -> None:
        one = multiprocessing.get_context(how).Process(target=_in_child, args=([1],))
        one.start()
        one.join()


def test_calls_in_threads_belong_to_the_call_that_started_them(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        frame = survey.store(ParallelFrame(filename="p"))
        assert frame.threads() == [1.0, 2.0, 3.0]
        frame.thread()
        tree = [c for c in survey.calls(frame) if c.method != "__init__"]
        assert [c.method for c in tree] == ["threads", "mean", "mean", "mean", "thread", "mean"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("how", ["spawn", "fork"])
def test_calls_in_child_processes_belong_to_the_call_that_started_them(embedded_survey: Any, how: str) -> None:
    survey = embedded_survey
    with survey:
        frame = survey.store(ParallelFrame(filename="p"))
        assert frame.processes(how) == [1.0, 2.0]
        frame.process(how)
        tree = [c for c in survey.calls(frame) if c.method != "__init__"]
        assert [c.method for c in tree] == ["processes", "mean", "mean", "process", "mean"]


@pytest.fixture
def embedded_survey(tmp_path: Path) -> Any:
    return provgraph.open(tmp_path / "survey")
