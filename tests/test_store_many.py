"""Many objects stored at once: in transactions, or by the bulk loader; what is constructed is told with what is stored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import InvalidInput
from provgraph.graph.statements import Statement
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401

OBJECTS = Statement("objects", ("MATCH (n:ManyFrame) RETURN count(n) AS n",))
LINKS = Statement("links", ("MATCH (n:ManyFrame)-[r:WAS_DERIVED_FROM]->(m:ManyRaw) RETURN count(r) AS n",))
CALLS = Statement("calls", (
    "MATCH (a:Activity) WHERE a.class_name = 'ManyFrame' RETURN a.method AS method, a.number AS number",
))  # fmt: skip
SELVES = Statement("selves", ("MATCH (a:Activity)-[u:USED {role: 'self'}]->(n:ManyFrame) RETURN count(u) AS n",))
ATTRIBUTED = Statement("attributed", ("MATCH (n:ManyFrame)-[r:WAS_ATTRIBUTED_TO]->(a:Agent) RETURN count(r) AS n",))


class ManyRaw(provgraph.DataObject):
    filename = persistent(str)


class ManyFrame(provgraph.DataObject):
    raws = link(list[ManyRaw])
    best = link(ManyRaw, optional=True)
    x = persistent(float)


class ManyParameters(provgraph.Parameters):
    sigma = persistent(float, default=3.0)


class ManyTuned(provgraph.DataObject):
    parameters = link(ManyParameters)
    frame = link(ManyFrame)


def some(raws: list[ManyRaw], n: int) -> list[ManyFrame]:
    return [ManyFrame(raws=raws[i % 3 :][:3], best=raws[0] if i % 2 else None, x=float(i)) for i in range(n)]


def one(survey: Any, statement: Statement) -> int:
    return int(survey.engine.read(statement)[0]["n"])


@pytest.mark.parametrize("bulk", [False, True])
def test_all_are_stored_with_their_links_and_calls(open_survey: OpenSurvey, bulk: bool) -> None:
    with open_survey() as survey:
        raws = survey.store([ManyRaw(filename=f"{i}") for i in range(6)])
        with survey:
            frames = survey.store(some(raws, 30), bulk=bulk)
        survey.tracer.write(all_=True)
        assert one(survey, OBJECTS) == one(survey, ATTRIBUTED) == one(survey, SELVES) == 30
        assert one(survey, LINKS) == sum(len(f.raws) for f in frames) + 15
        assert survey.engine.read(CALLS) == [{"method": "__init__", "number": 30}]
        assert "ManyFrame.__init__(... of 30 objects)" in str(survey.calls(frames[4]))
        assert all(f.is_stored for f in frames)
    with open_survey() as survey:
        again = survey.get(frames[5].object_id)
        assert ([r.filename for r in again.raws], again.best.filename, again.x) == (["2", "3", "4"], "0", 5.0)
        assert [f.x for f in survey.select(ManyFrame.x >= 28.0).order_by(ManyFrame.x)] == [28.0, 29.0]


@pytest.mark.parametrize("bulk", [False, True])
def test_what_has_a_key_is_taken_where_it_is(open_survey: OpenSurvey, bulk: bool) -> None:
    with open_survey() as survey:
        there = survey.store(ManyParameters(sigma=2.0))
        raw = ManyRaw(filename="a")
        tuned = [
            ManyTuned(parameters=ManyParameters(sigma=s), frame=f)
            for f, s in zip(some([raw] * 3, 4), (1, 2, 2, 1), strict=True)
        ]
        survey.store(tuned, bulk=bulk)
        assert tuned[1].parameters.object_id == tuned[2].parameters.object_id == there.object_id
        assert tuned[0].parameters.object_id == tuned[3].parameters.object_id != there.object_id
        assert survey.select(ManyParameters).count() == 2
        assert survey.store(tuned, bulk=bulk) == tuned  # a second time changes nothing
        assert survey.select(ManyTuned).count() == 4


def test_what_cannot_be_stored_so(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        with pytest.raises(InvalidInput, match="Only persistent objects are stored, not a str") as caught:
            survey.store([ManyRaw(filename="a"), "b"])
        assert caught.value.code == "not_persistent"
        assert survey.select(ManyRaw).count() == 0
        with pytest.raises(InvalidInput, match="A name belongs to one object"):
            survey.store([ManyRaw(filename="a")], name="a")


KILLED = """
import os, sys, threading, time, provgraph
from tests.test_store_many import ManyRaw, some
with provgraph.open(sys.argv[1]) as survey:
    raws = survey.store([ManyRaw(filename=f"{i}") for i in range(6)])
    frames = some(raws, 12_000)
    threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), 9)).start()
    survey.store(frames, bulk=True)
    print("stored", flush=True)
    time.sleep(60)
"""


@pytest.mark.embedded
@pytest.mark.parametrize("after", [0.4, 1.5])
def test_a_killed_load_leaves_all_or_nothing(tmp_path: Path, after: float) -> None:
    directory = tmp_path / "survey"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(directory), str(after)], capture_output=True, text=True, check=False,
        env=dict(os.environ), cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    with provgraph.open(directory) as survey:
        n = one(survey, OBJECTS)
        assert n == (12_000 if "stored" in done.stdout else n)
        assert n in (0, 12_000)
        assert one(survey, ATTRIBUTED) == n
