"""Pulls in processes of their own: done, killed, cancelled, and taken up again after the server was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import InvalidInput, ProvgraphError, UnknownAttribute
from provgraph.jobs import worker
from provgraph.jobs.runner import Runner
from provgraph.jobs.store import Job, JobStore, Phase
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401

HANGING = (sys.executable, str(Path(__file__).with_name("hanging.py")))
PULL: dict[str, Any] = {"start": "A", "attributes": ["id", "absmag_u"], "where": "redshift < 0.5"}


@pytest.fixture
def running(nearby: Any) -> Iterator[Callable[..., Runner]]:
    """Starts a runner on the survey of the paper's example; extra words go to it."""
    started: list[Runner] = []

    def start(**more: Any) -> Runner:
        runner = Runner(nearby, **more)
        runner.start()
        started.append(runner)
        return runner

    yield start
    for runner in started:
        runner.stop()


def until(question: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The answer, once there is one."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return answer


def ended(store: JobStore, job: Job) -> Job:
    return until(lambda: store.get(job.id) if store.get(job.id).phase.is_final else None)  # type: ignore[no-any-return]


def left(survey: Any) -> dict[str, Any]:
    """Everything a pull may leave: segments, registered ones, intents, work directories, unfinished files."""
    return {
        "segments": survey.store_.names(),
        "registered": sorted(r["file"] for r in survey.mapper.read("segment_files")),
        "intents": sorted(p.name for p in (survey.directory / "spool").glob("*")),
        "work": sorted(p.name for p in (survey.directory / "jobs").glob("*")),
        "parts": sorted(p.name for p in (survey.directory / "segments").rglob("*.part")),
    }


def staged(survey: Any, job: Job) -> list[Path]:
    return list((survey.directory / "jobs" / job.id).rglob("*.h5"))


def test_a_pull_is_processed_and_kept(running: Callable[..., Runner], nearby: Any) -> None:
    before = left(nearby)
    runner = running()
    done = ended(runner.store, runner.submit("ann", **PULL, name="near"))
    assert (done.phase, done.fraction, done.error) == (Phase.COMPLETED, 1.0, None)
    columns = galaxies()
    expected = columns["id"][columns["redshift"] < 0.5]
    assert done.rows == len(expected)
    after = left(nearby)
    assert after["segments"] == after["registered"]
    assert len(after["segments"]) > len(before["segments"])
    assert {k: after[k] for k in ("intents", "work", "parts")} == {"intents": [], "work": [], "parts": []}
    result = runner.result(done.id)
    table, measured = nearby.process(result)
    assert (measured.calculated, measured.filtered) == ({}, 0), "the child's segments serve"
    np.testing.assert_array_equal(table.ids, np.sort(expected))
    assert nearby["near"].object_id == result.object_id
    used = nearby.lineage(result, up=3).lineage
    assert "process" in {n.properties.get("method") for n in used.nodes if n.kind == "activity"}


def test_a_second_time_nothing_is_processed(running: Callable[..., Runner], nearby: Any) -> None:
    runner = running()
    first = ended(runner.store, runner.submit("ann", **PULL))
    kept = left(nearby)
    second = ended(runner.store, runner.submit("ann", **PULL))
    assert second.id != first.id
    assert (second.phase, second.rows) == (Phase.COMPLETED, first.rows)
    assert left(nearby) == kept


def test_a_key_gives_the_same_job(running: Callable[..., Runner]) -> None:
    runner = running()
    first = runner.submit("ann", **PULL, idempotency_key="k")
    assert runner.submit("ann", **PULL, idempotency_key="k").id == first.id
    with pytest.raises(InvalidInput):
        runner.submit("ann", **{**PULL, "where": "redshift < 0.4"}, idempotency_key="k")


def test_what_cannot_be_resolved_leaves_no_job(running: Callable[..., Runner]) -> None:
    runner = running()
    with pytest.raises(UnknownAttribute):
        runner.submit("ann", start="A", attributes=["redshif"], idempotency_key="k")
    assert all(runner.store.count(phase) == 0 for phase in Phase)
    assert runner.submit("ann", **PULL, idempotency_key="k").phase is Phase.QUEUED


def test_a_killed_child_is_an_error_without_rubbish(running: Callable[..., Runner], nearby: Any) -> None:
    before = left(nearby)
    runner = running(command=HANGING)
    job = runner.submit("ann", **PULL)
    until(lambda: len(staged(nearby, job)) and runner.store.get(job.id).fraction == 0.9)
    os.kill(runner.children[job.id].pid, signal.SIGKILL)
    failed = ended(runner.store, job)
    assert failed.phase is Phase.ERROR
    assert failed.error is not None
    assert failed.error["code"] == "worker_died"
    assert "signal 9" in failed.error["message"]
    until(lambda: not staged(nearby, job))
    assert {**left(nearby), "work": []} == before
    runner.stop()
    again = running()
    assert ended(again.store, again.submit("ann", **PULL)).phase is Phase.COMPLETED


@pytest.mark.parametrize("deaf", [[], ["deaf"]])
def test_a_running_pull_is_cancelled(running: Callable[..., Runner], nearby: Any, deaf: list[str]) -> None:
    before = left(nearby)
    runner = running(command=(*HANGING, *deaf))
    job = runner.submit("ann", **PULL)
    until(lambda: staged(nearby, job))
    child = runner.children[job.id]
    began = time.monotonic()
    runner.cancel(job.id)
    assert ended(runner.store, job).phase is Phase.ABORTED
    assert time.monotonic() - began < 5
    assert child.poll() is not None
    until(lambda: left(nearby) == before)


def test_at_most_so_many_at_once(running: Callable[..., Runner], nearby: Any) -> None:
    runner = running(command=HANGING, parallel=2)
    jobs = [runner.submit("ann", **{**PULL, "where": f"redshift < 0.{k}"}) for k in (3, 4, 5)]
    until(lambda: len(runner.children) == 2)
    time.sleep(0.3)
    assert runner.store.count(Phase.EXECUTING) == 2
    assert runner.store.get(jobs[2].id).phase is Phase.QUEUED
    for job in jobs:
        runner.cancel(job.id)
    assert {ended(runner.store, job).phase for job in jobs} == {Phase.ABORTED}


def test_a_server_that_stops_gives_its_jobs_back(running: Callable[..., Runner], nearby: Any) -> None:
    runner = running(command=HANGING)
    job = runner.submit("ann", **PULL)
    until(lambda: runner.children)
    child = runner.children[job.id]
    runner.stop()
    assert child.poll() is not None
    done = ended(running().store, job)
    assert (done.phase, done.rows) == (Phase.COMPLETED, int((galaxies()["redshift"] < 0.5).sum()))


_SERVER = """
import sys, time, provgraph
from provgraph.jobs.runner import Runner
directory, graph, user, password, *command = sys.argv[1:]
survey = provgraph.open(directory, graph=graph, auth=(user, password) if user else None)
runner = Runner(survey, command=command)
runner.start()
job = runner.submit("ann", start="A", attributes=["id", "absmag_u"], where="redshift < 0.5")
while not list((runner.directory / job.id).rglob("*.h5")):
    time.sleep(0.02)
print(job.id, runner.children[job.id].pid, flush=True)
time.sleep(600)
"""


def test_a_killed_server_loses_no_job(
    request: pytest.FixtureRequest, nearby: Any, open_survey: Any
) -> None:  # fmt: skip
    directory, graph, auth = nearby.directory, "", ("", "")
    if nearby.engine.name != "embedded":
        server = request.getfixturevalue("neo4j_server")
        graph, auth = server.uri, server.auth
    nearby.close()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(directory), graph, *auth, *HANGING], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    job_id, child = process.stdout.readline().split()
    process.kill()
    process.wait()
    until(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2], 10)
    again = open_survey()
    runner = Runner(again)
    runner.start()
    try:
        done = ended(runner.store, runner.store.get(job_id))
        assert done.phase is Phase.COMPLETED
        state = left(again)
        assert state["segments"] == state["registered"]
        assert (state["work"], state["parts"], state["intents"]) == ([], [], [])
    finally:
        runner.stop()


# -- the child alone -------------------------------------------------------------------------------------------------------


def _child(task: str) -> tuple[list[dict[str, Any]], int]:
    done = subprocess.run(
        [sys.executable, "-m", worker.__name__], input=task, capture_output=True, text=True, check=False, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_a_child_answers_errors_in_our_shape(nearby: Any, tmp_path: Path) -> None:
    collection = nearby["A"].filter("redshift < 0.5")
    copied, done = nearby.processor.optimised(collection)
    order, _ = nearby.processor.order(copied, done.plan)
    for name in order.segments:
        nearby.store_.delete(name)
    # Read to the end, standard input closes: the child may leave before it answers, which its parent would see as death.
    process = subprocess.Popen(
        [sys.executable, "-m", worker.__name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    task = {"order": order.to_json(), "staged": str(tmp_path / "staged"), "id_space": collection.id_space}
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    process.stdin.close()
    process.wait()
    assert answer["error"]["code"] == "segment_missing"
    assert not list((tmp_path / "staged").rglob("*"))


def test_a_child_without_a_task_ends() -> None:
    assert _child("") == ([], 1)


def test_progress_is_said_at_most_five_times_a_second(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    with path.open("w") as answers:
        say = worker._Progress(answers)
        began = time.monotonic()
        while time.monotonic() - began < 0.5:
            say(0.5)
    assert 2 <= len(path.read_text().splitlines()) <= 3


def test_a_result_is_there_once_it_is_completed(running: Callable[..., Runner]) -> None:
    runner = running(command=HANGING)
    job = runner.submit("ann", **PULL)
    with pytest.raises(InvalidInput) as caught:
        runner.result(job.id)
    assert caught.value.code == "not_completed"
    runner.cancel(job.id)


def test_too_many_waiting_are_refused(running: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provgraph.jobs.runner.MOST_QUEUED", 0)
    with pytest.raises(ProvgraphError) as caught:
        running().submit("ann", **PULL)
    assert caught.value.code == "queue_full"
