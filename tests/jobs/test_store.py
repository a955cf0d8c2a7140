"""Jobs as records: phases, idempotency, one claim a job, and what a killed process leaves."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provgraph.errors import InvalidInput, NotFound
from provgraph.jobs.store import Job, JobStore, Phase

REQUEST = {"start": "A", "attributes": ["z"], "where": "", "name": ""}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "jobs.sqlite")
    yield store
    store.close()


def queued(store: JobStore, key: str = "") -> Job:
    job, new = store.create("ann", REQUEST, key)
    assert new
    return store.queue(job.id, "collection", {"text": "why"})


def test_a_job_goes_through_its_phases(store: JobStore) -> None:
    job, new = store.create("ann", REQUEST)
    assert (new, job.phase, job.request, job.collection, job.rows) == (True, Phase.PENDING, REQUEST, "", None)
    job = store.queue(job.id, "object", {"text": "why"})
    assert (job.phase, job.collection, job.explanation) == (Phase.QUEUED, "object", {"text": "why"})
    claimed = store.claim()
    assert claimed is not None
    assert (claimed.id, claimed.phase, claimed.worker) == (job.id, Phase.EXECUTING, store.mark)
    assert store.progress(job.id, 0.5, "processing")
    assert (store.get(job.id).fraction, store.get(job.id).message) == (0.5, "processing")
    done = store.complete(job.id, 12)
    assert (done.phase, done.rows, done.fraction, done.message) == (Phase.COMPLETED, 12, 1.0, "")
    assert done.created <= done.started <= done.ended == done.updated


def test_progress_never_goes_back(store: JobStore) -> None:
    job = queued(store)
    store.claim()
    for fraction in (0.2, 0.9, 0.1, 7.0, -1.0):
        store.progress(job.id, fraction, "")
    assert store.get(job.id).fraction == 1.0


def test_the_oldest_is_claimed_first_and_once(store: JobStore) -> None:
    jobs = [queued(store) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        claimed = [job.id for job in pool.map(lambda _: store.claim(), range(30)) if job is not None]
    assert sorted(claimed) == sorted(job.id for job in jobs)
    assert store.claim() is None


def _claim_all(path: Path, answers: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    store = JobStore(path)
    while (job := store.claim()) is not None:
        answers.put(job.id)
    answers.put(None)
    store.close()


def test_processes_share_the_jobs(store: JobStore, tmp_path: Path) -> None:
    jobs = {queued(store).id for _ in range(40)}
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [context.Process(target=_claim_all, args=(tmp_path / "jobs.sqlite", answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claimed, ended = [], 0
    while ended < 2:
        found = answers.get(timeout=60)
        ended, claimed = (ended + 1, claimed) if found is None else (ended, [*claimed, found])
    for worker in workers:
        worker.join()
    assert sorted(claimed) == sorted(jobs)


def test_the_same_key_is_the_same_job(store: JobStore) -> None:
    first = queued(store, "k")
    again, new = store.create("ann", dict(reversed(REQUEST.items())), "k")
    assert (again.id, new) == (first.id, False)
    other, new = store.create("bob", REQUEST, "k")
    assert new
    assert other.id != first.id
    with pytest.raises(InvalidInput) as caught:
        store.create("ann", {**REQUEST, "where": "z < 1"}, "k")
    assert caught.value.code == "idempotency_conflict"


def test_a_refused_job_frees_its_key(store: JobStore) -> None:
    job, _ = store.create("ann", REQUEST, "k")
    store.forget(job.id)
    with pytest.raises(NotFound):
        store.get(job.id)
    again, new = store.create("ann", {**REQUEST, "where": "z < 1"}, "k")
    assert new
    assert again.id != job.id


@pytest.mark.parametrize("phase", ["PENDING", "QUEUED"])
def test_a_waiting_job_is_cancelled_at_once(store: JobStore, phase: str) -> None:
    job = store.create("ann", REQUEST)[0] if phase == "PENDING" else queued(store)
    assert store.cancel(job.id).phase is Phase.ABORTED
    assert store.claim() is None
    assert store.queue(job.id, "x", {}).phase is Phase.ABORTED


def test_a_running_job_is_told_to_end(store: JobStore) -> None:
    job = queued(store)
    store.claim()
    assert store.cancel(job.id).phase is Phase.EXECUTING
    assert not store.progress(job.id, 0.1, "")
    assert store.is_cancelled(job.id)
    assert store.abort(job.id).phase is Phase.ABORTED


def test_what_has_ended_stays(store: JobStore) -> None:
    job = queued(store)
    store.claim()
    store.complete(job.id, 3)
    assert store.cancel(job.id).phase is Phase.COMPLETED
    assert store.fail(job.id, {"code": "x", "message": "x"}).phase is Phase.COMPLETED
    assert store.release(job.id).phase is Phase.COMPLETED


def _mark_of_a_dead_process() -> str:
    code = "from provgraph.bulk import processes; print(processes.mark())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_a_killed_process_was_doing_is_queued_again(store: JobStore, tmp_path: Path) -> None:
    mine, theirs, cancelled = queued(store), queued(store), queued(store)
    for _ in range(3):
        store.claim()
    store.cancel(cancelled.id)
    unresolved, _ = store.create("ann", REQUEST, "k")
    dead = _mark_of_a_dead_process()
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET worker = ? WHERE id != ?", (dead, mine.id))
    assert store.recover() == [theirs.id]
    assert store.get(mine.id).phase is Phase.EXECUTING
    assert store.get(theirs.id).phase is Phase.QUEUED
    assert store.get(cancelled.id).phase is Phase.ABORTED
    with pytest.raises(NotFound):
        store.get(unresolved.id)


def test_jobs_survive_the_file_being_opened_again(store: JobStore, tmp_path: Path) -> None:
    job = queued(store)
    again = JobStore(tmp_path / "jobs.sqlite")
    assert again.get(job.id) == store.get(job.id)
    again.close()


@pytest.mark.parametrize("job_id", ["", "x", "' OR 1=1 --", "01a1fd43-a637-7b5a-a3fb-79b2dbc0a42d"])
def test_an_unknown_job_is_not_found(store: JobStore, job_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        store.get(job_id)
    assert caught.value.code == "job_unknown"
