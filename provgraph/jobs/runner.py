"""Works on the queued jobs of a survey: one child process each, a few at a time."""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import provgraph
from provgraph.errors import InvalidInput, ProvgraphError
from provgraph.jobs.store import Job, JobStore, Phase
from provgraph.resolver.execute import WorkOrder
from provgraph.resolver.handover import Report
from provgraph.survey import Survey

log = logging.getLogger(__name__)

PARALLEL = 2
MOST_QUEUED = 1000
LOOK_SECONDS = 0.1  # for a wish to cancel
IDLE_SECONDS = 1.0  # for jobs that another process queued
TERM_SECONDS = 1.0  # between asking a child to end and ending it
_COMMAND = (sys.executable, "-m", "provgraph.jobs.worker")


class _Ended(Exception):
    """The child was ended because the job was cancelled, or because the server shuts down."""


class Runner:
    """Resolves requests to jobs and works on them.

    Parameters
    ----------
    survey : the open survey; only this process writes its graph.
    parallel : most children at once.
    command : what runs a work order; see `provgraph.jobs.worker`.
    """

    def __init__(self, survey: Survey, *, parallel: int = PARALLEL, command: Sequence[str] = _COMMAND) -> None:
        self.survey = survey
        self.directory = survey.directory / "jobs"
        self.store = JobStore(survey.directory / "jobs.sqlite")
        self.parallel = parallel
        self.command = tuple(command)
        self.children: dict[str, subprocess.Popen[str]] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._work = threading.Condition()

    def start(self) -> None:
        """Take up what an earlier server left, and begin."""
        recovered = self.store.recover()
        for path in self.directory.glob("*"):
            if not self._is_running(path.name):
                shutil.rmtree(path, ignore_errors=True)
        if recovered:
            log.info("%d unfinished pulls are queued again", len(recovered))
        for number in range(self.parallel):
            thread = threading.Thread(target=self._loop, name=f"provgraph-pull-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End the children; what they were doing is queued for the next server."""
        self._stopping.set()
        with self._work:
            self._work.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)
        self.store.close()

    # -- asking --------------------------------------------------------------------------------------------------------

    def submit(self, owner: str, *, start: str, attributes: Sequence[str], where: str = "", name: str = "",
               idempotency_key: str = "", overruled: Mapping[str, Any] | None = None) -> Job:  # fmt: skip
        """Resolve a pull and queue its processing. A request that cannot be resolved raises at once and leaves no job.

        overruled : ``use``, ``avoid`` and ``parameters`` of `Survey.pull`, as plain values.
        """
        if self.store.count(Phase.QUEUED) >= MOST_QUEUED:
            raise ProvgraphError(f"{MOST_QUEUED} pulls are waiting already; ask again later.", code="queue_full")
        request = {"start": start, "attributes": list(attributes), "where": where, "name": name, **(overruled or {})}
        job, new = self.store.create(owner, request, idempotency_key)
        if not new:
            return job
        try:
            pull = self.survey.pull(start, list(attributes), where=where, name=name, **(overruled or {}))
            explanation = pull.explain()
            plain = {**explanation.as_dict(), "text": str(explanation)}
        except BaseException:
            self.store.forget(job.id)
            raise
        job = self.store.queue(job.id, pull.result.object_id, plain)
        with self._work:
            self._work.notify()
        return job

    def cancel(self, job_id: str) -> Job:
        """Ask a job to end; see `JobStore.cancel`."""
        return self.store.cancel(job_id)

    def result(self, job_id: str) -> Any:
        """The Source Collection of a completed job.

        Raises
        ------
        InvalidInput : ``not_completed`` while there is none.
        """
        job = self.store.get(job_id)
        if job.phase is not Phase.COMPLETED:
            raise InvalidInput(
                f"Pull {job.id} is {job.phase}; it has a result once it is COMPLETED.",
                code="not_completed",
                phase=job.phase,
            )
        return self.survey.mapper.get(job.collection)

    # -- working -------------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while not self._stopping.is_set():
            job = self.store.claim()
            if job is None:
                with self._work:
                    self._work.wait(IDLE_SECONDS)
                continue
            try:
                self._work_on(job)
            except BaseException:  # a thread must live on for the next job
                log.exception("pull %s failed", job.id)
                with suppress(Exception):
                    self.store.fail(job.id, _internal())

    def _work_on(self, job: Job) -> None:
        staged = self.directory / job.id
        try:
            collection: Any = self.survey.mapper.get(job.collection)
            report = self.survey.processor.process_elsewhere(
                collection, lambda order, id_space: (self._run(job, order, id_space, staged), staged)
            )
        except _Ended:
            if self.store.is_cancelled(job.id):
                self.store.abort(job.id)
            else:
                self.store.release(job.id)
        except ProvgraphError as error:
            self.store.fail(job.id, error.as_dict())
        except Exception:
            log.exception("pull %s failed", job.id)
            self.store.fail(job.id, _internal())
        else:
            shutil.rmtree(staged, ignore_errors=True)  # first: who hears that it is done finds nothing left
            self.store.complete(job.id, report.n)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _run(self, job: Job, order: WorkOrder, id_space: str, staged: Path) -> Report:
        """Run a work order in a child; its segments stand in `staged` when this returns."""
        staged.mkdir(parents=True, exist_ok=True)
        package = str(Path(provgraph.__file__).resolve().parent.parent)
        child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))},
            start_new_session=True,  # Ctrl-C is for the server, which ends its children itself
        )  # fmt: skip
        self.children[job.id] = child
        try:
            task = {"order": order.to_json(), "staged": str(staged), "id_space": id_space}
            answer = _talk(child, json.dumps(task), lambda progress: self._go_on(job.id, progress))
        finally:
            _end(child)
            del self.children[job.id]
        if answer is None:
            ended = f"by signal {-child.returncode}" if child.returncode < 0 else f"with status {child.returncode}"
            raise ProvgraphError(
                f"The process of this pull ended {ended} before it was done; nothing of it was kept, ask again.",
                code="worker_died",
            )  # fmt: skip
        if "error" in answer:
            error = answer["error"]
            raise ProvgraphError(error["message"], code=error["code"], **error["details"])
        self.store.progress(job.id, 0.95, "storing")
        return Report.from_dict(answer["report"])

    def _go_on(self, job_id: str, fraction: float | None) -> bool:
        """Note progress, or just look; False when the child is to end."""
        if self._stopping.is_set():
            return False
        if fraction is None:
            return not self.store.is_cancelled(job_id)
        return self.store.progress(job_id, fraction, "processing")

    def _is_running(self, job_id: str) -> bool:
        """Whether a job is being worked on, by us or by another server of this survey."""
        try:
            return self.store.get(job_id).phase is Phase.EXECUTING
        except ProvgraphError:
            return False


def _talk(child: subprocess.Popen[str], task: str, go_on: Callable[[float | None], bool]) -> dict[str, Any] | None:
    """Send the task, hear progress, return the last answer; None when the child ended without one."""
    assert child.stdin is not None
    heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(child, heard), daemon=True).start()
    with suppress(OSError):  # it died at once: the listener says so
        child.stdin.write(task + "\n")
        child.stdin.flush()
    while True:
        progress: float | None = None
        try:
            message = heard.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            pass
        else:
            if message is None or "progress" not in message:
                return message
            progress = message["progress"]
        if not go_on(progress):
            raise _Ended


def _listen(child: subprocess.Popen[str], heard: queue.Queue[dict[str, Any] | None]) -> None:
    assert child.stdout is not None
    try:
        for line in child.stdout:
            heard.put(json.loads(line))
    except ValueError:
        pass  # half a line: it was killed while it spoke
    heard.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    """End a child that may still run: politely, then hard."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None and pipe is child.stdin:
            with suppress(OSError):
                pipe.close()
    if child.poll() is None:
        with suppress(OSError):
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(TERM_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()


def _internal() -> dict[str, Any]:
    message = "The pull failed for a reason that is not yours; the server's log has it."
    return {"code": "internal", "message": message, "details": {}}
