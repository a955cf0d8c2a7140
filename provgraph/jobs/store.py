"""Jobs as records that survive a killed server: one SQLite file beside the survey, phases as in UWS 1.1."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any

from provgraph.bulk import processes
from provgraph.errors import InvalidInput, NotFound
from provgraph.schema import keys


class Phase(StrEnum):
    """Where a job stands (IVOA UWS 1.1, section 2.1.3)."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"

    @property
    def is_final(self) -> bool:
        return self in (Phase.COMPLETED, Phase.ERROR, Phase.ABORTED)


@dataclass(frozen=True)
class Job:
    """One pull that somebody asked for.

    request : what was asked, as plain data. collection : object id of what the request was resolved to.
    fraction : of the work done, 0 to 1. rows : sources of the result, None until they are known.
    error : ``code``, ``message`` and ``details`` when the phase is ERROR.
    cancelled : somebody wants it to end; the worker sees to it.
    """

    id: str
    owner: str
    phase: Phase
    request: Mapping[str, Any]
    collection: str
    explanation: Mapping[str, Any] | None
    fraction: float
    message: str
    rows: int | None
    error: Mapping[str, Any] | None
    cancelled: bool
    worker: str
    created: str
    updated: str
    started: str
    ended: str


_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, idempotency_key TEXT, phase TEXT NOT NULL,
    request TEXT NOT NULL, collection TEXT NOT NULL DEFAULT '', explanation TEXT,
    fraction REAL NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '', rows INTEGER, error TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0, worker TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL, updated TEXT NOT NULL, started TEXT NOT NULL DEFAULT '', ended TEXT NOT NULL DEFAULT '',
    UNIQUE (owner, idempotency_key)
);
CREATE INDEX IF NOT EXISTS jobs_phase ON jobs (phase, id);
"""


class JobStore:
    """The jobs of one survey. Safe for several threads and processes; a claim is one statement, so no job runs twice."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL: readers never wait; NORMAL: a power cut may lose the last phases, never the file.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLE)
        self.mark = processes.mark()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- asking for one ----------------------------------------------------------------------------------------------

    def create(self, owner: str, request: Mapping[str, Any], idempotency_key: str = "") -> tuple[Job, bool]:
        """A new PENDING job, or the one that was made for this key before; and whether it is new.

        Raises
        ------
        InvalidInput : ``idempotency_conflict`` when the key was used for another request.
        """
        text, now = keys.canonical_json(request), keys.now()
        with self._transaction() as db:
            if idempotency_key:
                row = db.execute(
                    "SELECT * FROM jobs WHERE owner = ? AND idempotency_key = ?", (owner, idempotency_key)
                ).fetchone()
                if row is not None:
                    if row["request"] != text:
                        raise InvalidInput(
                            f"The idempotency key {idempotency_key!r} was used for another request; take a new one.",
                            code="idempotency_conflict", job=row["id"],
                        )  # fmt: skip
                    return _job(row), False
            row = db.execute(
                "INSERT INTO jobs (id, owner, idempotency_key, phase, request, worker, created, updated) "
                "VALUES (?, ?, ?, 'PENDING', ?, ?, ?, ?) RETURNING *",
                (keys.new_id(), owner, idempotency_key or None, text, self.mark, now, now),
            ).fetchone()
        return _job(row), True

    def queue(self, job_id: str, collection: str, explanation: Mapping[str, Any], *, rows: int | None = None) -> Job:
        """The request is resolved: PENDING becomes QUEUED."""
        return self._update(
            "UPDATE jobs SET phase = 'QUEUED', worker = '', collection = :collection, explanation = :explanation, "
            "rows = :rows, updated = :now WHERE id = :id AND phase = 'PENDING' RETURNING *",
            id=job_id, collection=collection, explanation=keys.canonical_json(explanation), rows=rows,
        )  # fmt: skip

    def forget(self, job_id: str) -> None:
        """Remove a job that was refused before it was queued; its idempotency key is free again."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE id = ? AND phase = 'PENDING'", (job_id,))

    def cancel(self, job_id: str) -> Job:
        """End a job: at once when it does not run yet, else by its worker; one that has ended stays as it is."""
        found = self.get(job_id)
        return self._update(
            "UPDATE jobs SET cancelled = 1, updated = :now, "
            "ended = CASE WHEN phase = 'EXECUTING' THEN ended ELSE :now END, "
            "phase = CASE WHEN phase = 'EXECUTING' THEN phase ELSE 'ABORTED' END "
            "WHERE id = :id AND phase IN ('PENDING', 'QUEUED', 'EXECUTING') RETURNING *",
            otherwise=found, id=job_id,
        )  # fmt: skip

    # -- looking -----------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job:
        with self._lock:
            row = self._db.execute("SELECT * FROM jobs WHERE id = ?", (_checked(job_id),)).fetchone()
        if row is None:
            raise NotFound(f"There is no pull {job_id}.", code="job_unknown", id=job_id)
        return _job(row)

    def count(self, phase: Phase) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM jobs WHERE phase = ?", (phase,)).fetchone()[0])

    # -- working on them -----------------------------------------------------------------------------------------------

    def claim(self) -> Job | None:
        """The oldest queued job, now ours and EXECUTING."""
        now = keys.now()
        with self._transaction() as db:
            row = db.execute(
                "UPDATE jobs SET phase = 'EXECUTING', worker = ?, started = ?, updated = ?, fraction = 0, message = '' "
                "WHERE id = (SELECT id FROM jobs WHERE phase = 'QUEUED' ORDER BY id LIMIT 1) RETURNING *",
                (self.mark, now, now),
            ).fetchone()
        return _job(row) if row is not None else None

    def progress(self, job_id: str, fraction: float, message: str) -> bool:
        """Say how far a job is; False when it is to end."""
        with self._transaction() as db:
            row = db.execute(
                "UPDATE jobs SET fraction = max(fraction, ?), message = ?, updated = ? "
                "WHERE id = ? AND phase = 'EXECUTING' RETURNING cancelled",
                (min(max(fraction, 0.0), 1.0), message, keys.now(), job_id),
            ).fetchone()
        return row is not None and not row["cancelled"]

    def is_cancelled(self, job_id: str) -> bool:
        with self._lock:
            row = self._db.execute("SELECT cancelled FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return row is None or bool(row["cancelled"])

    def complete(self, job_id: str, rows: int) -> Job:
        return self._update(
            "UPDATE jobs SET phase = 'COMPLETED', rows = :rows, fraction = 1, message = '', error = NULL, updated = :now, "
            "ended = :now WHERE id = :id AND phase = 'EXECUTING' RETURNING *", id=job_id, rows=rows,
        )  # fmt: skip

    def fail(self, job_id: str, error: Mapping[str, Any]) -> Job:
        return self._update(
            "UPDATE jobs SET phase = 'ERROR', error = :error, message = '', updated = :now, ended = :now "
            "WHERE id = :id AND phase = 'EXECUTING' RETURNING *", id=job_id, error=json.dumps(error, default=str),
        )  # fmt: skip

    def abort(self, job_id: str) -> Job:
        return self._update(
            "UPDATE jobs SET phase = 'ABORTED', message = '', updated = :now, ended = :now "
            "WHERE id = :id AND phase = 'EXECUTING' RETURNING *", id=job_id,
        )  # fmt: skip

    def release(self, job_id: str) -> Job:
        """Give a job back, as a server does that shuts down: whoever comes next does it."""
        return self._update(
            "UPDATE jobs SET phase = 'QUEUED', worker = '', fraction = 0, message = '', started = '', updated = :now "
            "WHERE id = :id AND phase = 'EXECUTING' RETURNING *", id=job_id,
        )  # fmt: skip

    def recover(self) -> list[str]:
        """Queue again what killed processes were working on; forget what they had not resolved. Returns ids queued."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, phase, worker, cancelled FROM jobs WHERE phase IN ('EXECUTING', 'PENDING')"
            )
            left = [row for row in rows.fetchall() if not row["worker"] or processes.is_gone(row["worker"])]
        for row in left:
            if row["phase"] == "PENDING":
                self.forget(row["id"])
            elif row["cancelled"]:
                self.abort(row["id"])
            else:
                self.release(row["id"])
        return [row["id"] for row in left if row["phase"] == "EXECUTING" and not row["cancelled"]]

    # -- inside --------------------------------------------------------------------------------------------------------

    def _update(self, statement: str, *, otherwise: Job | None = None, **values: Any) -> Job:
        with self._transaction() as db:
            row = db.execute(statement, {**values, "now": keys.now()}).fetchone()
        if row is None:
            return otherwise if otherwise is not None else self.get(values["id"])
        return _job(row)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _checked(job_id: str) -> str:
    try:
        return str(uuid.UUID(job_id))
    except ValueError:
        raise NotFound(f"There is no pull {job_id[:80]!r}.", code="job_unknown") from None


def _job(row: sqlite3.Row) -> Job:
    values = {name: value for name, value in dict(row).items() if name != "idempotency_key"}
    plain = {name: json.loads(values[name]) if values[name] else None for name in ("request", "explanation", "error")}
    return Job(**{**values, **plain, "phase": Phase(values["phase"]), "cancelled": bool(values["cancelled"])})
