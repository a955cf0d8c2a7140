"""The audit of one survey: what was written when and by whom, whether it is untouched, and proofs of it for others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provgraph.audit import checkpoint as checkpoints
from provgraph.audit.findings import ERROR, NOTE, SEVERITIES, Finding, changed, gap
from provgraph.audit.graph import verify_graph
from provgraph.audit.log import ABORTED, CHECKPOINT, COMMITTED, FOUND, WRITE, Log, Record
from provgraph.audit.stored import Keeps, Verifies, verify_stored
from provgraph.audit.verify import verify_log
from provgraph.audit.writes import REQUEST, Writes, who
from provgraph.errors import FileUnreadable, NotFound, UsageError
from provgraph.graph.mapper import Mapper

Progress = Callable[[str, float], None]


@dataclass
class Report:
    """What an audit looked at, and what it found. counts : records of the log, things of the graph, segments, files, bytes."""

    counts: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether something is not what was written."""
        return any(f.changed for f in self.findings)

    @property
    def ok(self) -> bool:
        """Nothing was changed and no record says less than it must; warnings and notes there may be."""
        return not any(f.severity == ERROR for f in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, "changed": self.changed, **self.counts, "seconds": round(self.seconds, 3),
                "findings": [f.as_dict() for f in self.findings]}  # fmt: skip

    def __str__(self) -> str:
        first = "Something was changed" if self.changed else "Untouched" if self.ok else "Untouched, but with gaps"
        seen = ", ".join(f"{n:,} {what}" for what, n in self.counts.items())
        found = [f for severity in SEVERITIES for f in self.findings if f.severity == severity]
        return "\n".join([f"{first}: {seen}.", *(f"{f.severity}: {f.message} [{f.code}]" for f in found)])


class Audit:
    """`survey.audit`: records, checkpoints and proofs of one survey. Nothing here changes what was recorded."""

    def __init__(self, directory: Path, survey_id: str, mapper: Mapper, store: Verifies,
                 files: Keeps | None = None) -> None:  # fmt: skip
        self._survey = directory
        self._mapper = mapper
        self._store = store
        self._files = files
        self.log = Log(directory / "audit", survey_id)
        self._writes = Writes(self.log, mapper.engine)

    def begin(self) -> None:
        """Be told of every write from now on; before, mend what a kill left, or write down what is there already."""
        self._writes.begin()
        self._mapper.ledger = self._writes

    def close(self) -> None:
        """Make everything durable; nothing acknowledged depends on it."""
        self.log.close()

    def record(self, kind: str, **facts: Any) -> int:
        """Write down something that is no write to the graph, such as ``authorisation``; its number. Durable on return."""
        n = self.log.append({"agent": who(self._mapper.context), "request": REQUEST.get(), **facts, "kind": kind})
        self.log.sync()
        return n

    # -- looking -------------------------------------------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """Every record as it stands in the log, oldest first."""
        return self.log.records()

    def show(self, of: str = "", by: str = "", since: str = "") -> list[dict[str, Any]]:
        """What was done, oldest first: who, what, when, for which request, with the digests of each thing before and after.

        of : id of an entity, an activity, a statement or a segment's file. by : name or id of an agent. since : a date or time.
        """
        after = _time(since) if since else ""
        found: dict[int, dict[str, Any]] = {}
        for record in self.log.records():
            n, kind = record["_n"], record["kind"]
            if kind in (COMMITTED, ABORTED):
                if record["intent"] in found:
                    found[record["intent"]]["outcome"] = kind
                continue
            agent = record.get("agent", {})
            if (after and record["at"] < after) or (by and by not in (agent.get("name"), agent.get("id"))):
                continue
            if of and not _is_about(record, of):
                continue
            found[n] = {
                "n": n, "at": record["at"], "kind": kind, "what": record.get("what", [kind]), "agent": agent.get("name", ""),
                "request": record.get("request", ""), "outcome": "open" if kind == WRITE else COMMITTED,
                "ids": [{"kind": k, "id": i, "before": b, "after": a} for k, i, b, a in record.get("ids", ()) if not of or i == of]
                or [{"kind": k, "id": i, "before": b, "after": a} for k, i, b, a in record.get("ids", ())],
            }  # fmt: skip
        return list(found.values())

    def verify(self, *, checkpoint: str | Path | Mapping[str, Any] | None = None, key: str = "", stored: bool = True,
               progress: Progress | None = None) -> Report:  # fmt: skip
        """Compare the log with itself and with checkpoints, the graph with the log, and all stored bytes with their digests.

        checkpoint : one that was kept elsewhere; those kept in the survey are looked at too, where signatures can be checked.
        key : the public key that must have signed it, as hex or in a file. stored : False leaves the bytes unread.

        Raises
        ------
        FileUnreadable : ``checkpoint_unreadable``. InvalidInput : ``key_invalid``.
        """
        began = time.perf_counter()
        key = checkpoints.named_key(key) if key else ""
        mine, damaged = self._kept()
        if checkpoint is not None:
            given = checkpoints.load(Path(checkpoint)) if isinstance(checkpoint, str | Path) else dict(checkpoint)
            mine = [given, *(one for one in mine if one != given)]
        trusted = {key} if key else checkpoints.known_keys(self.log.directory) if mine else set()
        self.log.sync()
        n, findings = verify_log(self.log.directory, self.log.survey_id, mine, trusted)
        findings = damaged + findings
        counts = {"records": n}
        if progress is not None:
            progress("the graph", 0.0)
        if not any(f.code.startswith(("record_", "log_")) and f.changed for f in findings):
            there, more = verify_graph(self.log, self._mapper.engine, _part(progress, "the graph"))
            called = {"Entity": "entities", "Activity": "activities", "Note": "notes", "ProvDocument": "documents"}
            counts |= {word: there[label] for label, word in called.items()}
            findings += more
        else:
            findings.append(
                gap(NOTE, "graph_not_compared", "The graph was not compared with the log, since the log was changed.")
            )
        if stored:
            read, more = verify_stored(
                self._mapper.engine, self._store, self._survey, self._files, _part(progress, "stored values")
            )
            counts |= read
            findings += more
        return Report(counts, findings, time.perf_counter() - began)

    def _kept(self) -> tuple[list[checkpoints.Checkpoint], list[Finding]]:
        """Checkpoints in the survey, where their signatures can be checked here."""
        found: list[checkpoints.Checkpoint] = []
        damaged: list[Finding] = []
        for path in (
            sorted((self.log.directory / checkpoints.CHECKPOINTS).glob("*.json")) if checkpoints.can_sign() else ()
        ):
            try:
                found.append(checkpoints.load(path))
            except FileUnreadable as error:
                damaged.append(changed("checkpoint_forged", error.message, str(path)))
        return found, damaged

    # -- for others ----------------------------------------------------------------------------------------------------

    def checkpoint(self, out: str | Path | None = None) -> checkpoints.Checkpoint:
        """A signed statement of what the log is now, kept in the survey, and in `out` to be deposited elsewhere."""
        self.record(CHECKPOINT)
        made = checkpoints.take(self.log)
        if out is not None:
            checkpoints.write(Path(out), checkpoints.text_of(made))
        return made

    def prove(self, out: str | Path, *, of: str = "", record: int | None = None,
              since: str | Path | Mapping[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
        """Write a file that proves to others, without the survey, that records are in the log as it is now.

        of : id of what was written; record : or the number of a record. since : an older checkpoint, of whose log the one now is
        then proven to be a continuation.
        """
        if not of and record is None and since is None:
            raise UsageError(
                "Say what is to be proven: an object, the number of a record, or the checkpoint since when."
            )
        numbers = [record] if record is not None else []
        if of:
            numbers += [r["_n"] for r in self.log.records() if _is_about(r, of)]
            if not numbers:
                raise NotFound(f"The log has no record of {of}.", code="record_missing")
            numbers += [r["_n"] for r in self.log.records() if r["kind"] == COMMITTED and r["intent"] in numbers]
        older = (
            None if since is None else checkpoints.load(Path(since)) if isinstance(since, str | Path) else dict(since)
        )
        proof = checkpoints.prove(self.log, sorted(set(numbers)), self.checkpoint(), older)
        checkpoints.write(Path(out), checkpoints.text_of(proof))
        return proof


def _is_about(record: Mapping[str, Any], of: str) -> bool:
    if any(one[1] == of for one in record.get("ids", ())) or any(one["name"] == of for one in record.get("stored", ())):
        return True
    if record["kind"] != FOUND and any(of in one[1:3] for one in record.get("edges", ())):
        return True
    return bool(record.get("of") == of)


def _part(progress: Progress | None, what: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda fraction: progress(what, fraction)


def _time(text: str) -> str:
    """A date or a time as records say it: UTC, of one width."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a date or a time; write it like 2026-03-01 or 2026-03-01T12:00.", code="date_invalid"
        ) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
