"""The log: one line of canonical JSON a record, each with the digest of the one before; only ever appended to.

One file for all processes of a survey, so that there is one order and no process's records can be left out unseen. A lock
file is held for the microseconds of an append, never while a graph is asked; what was appended is made durable for all at once.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from provgraph.bulk.files import sync_directory, writing
from provgraph.schema import keys
from provgraph.store.locks import held

RECORDS, HEAD, LOCK = "records.jsonl", "head", "lock"
WRITE, COMMITTED, ABORTED = "write", "committed", "aborted"
BEGAN, FOUND, BEGUN = "began", "found", "begun"
CHECKPOINT, TORN, SHORTENED, LOST, HEADLESS = "checkpoint", "torn", "shortened", "lost", "headless"
_HEAD_WIDTH = 256
_AT_ONCE = 1 << 20

Record = dict[str, Any]


def origin(survey_id: str) -> str:
    """What stands in the first record in place of the digest of one before: the log of another survey does not fit."""
    return sha256(f"provgraph audit {survey_id}".encode()).hexdigest()


def line(record: Mapping[str, Any]) -> bytes:
    """A record as it stands in the log, without the end of the line."""
    return keys.canonical_json(record).encode("utf-8", "surrogatepass")


def read(text: bytes) -> Record:
    found: Record = json.loads(text.decode("utf-8", "surrogatepass"))
    return found


class Log:
    """The log of one survey, for all threads of a process.

    open : writes that were begun and of which the log does not say yet what became of them, by their numbers.
    begun : whether the state that was there before the log is written down.
    tells_loss : whether it says itself that records were lost.
    is_headless : whether the file that says how long it was last known to be could not be read when it was opened.
    """

    def __init__(self, directory: Path, survey_id: str) -> None:
        self.directory = directory
        self.path = directory / RECORDS
        self.survey_id = survey_id
        self._mutex = threading.RLock()
        self._syncing = threading.Lock()
        self._pid = 0
        self._start_over()

    def _start_over(self) -> None:
        self._n = self._size = self._synced = 0
        self._digest = origin(self.survey_id)
        self._files: dict[str, int] = {}
        self._offsets: dict[int, int] = {}
        self.open: dict[int, Record] = {}
        self.begun = self.tells_loss = self.is_headless = False

    # -- appending -----------------------------------------------------------------------------------------------------

    def append(self, record: Mapping[str, Any], *, when: Callable[[], bool] | None = None) -> int:
        """Add a record and return its number; a power cut may lose it until `sync`. It gets the time.

        when : asked while nobody else can append; where it says no, nothing is added and the number is -1.
        """
        with self._alone():
            if when is not None and not when():
                return -1
            return self._append(record)

    def _append(self, record: Mapping[str, Any]) -> int:
        n = self._n
        whole = {"_before": self._digest, "_n": n, "at": keys.now(), **record}
        text = line(whole)
        with writing(self.directory):
            try:
                rest = memoryview(text + b"\n")
                while rest:
                    rest = rest[os.write(self._files[RECORDS], rest) :]
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(self._files[RECORDS], self._size)
                raise
        self._take(text, whole)
        return n

    def sync(self) -> None:
        """Everything appended until now survives a power cut; threads that come together wait for one writing of the disk."""
        with self._mutex:
            wanted = self._n
        with self._syncing:
            if self._synced >= wanted:
                return
            with self._alone():
                files, n, size, digest, settled = self._files, self._n, self._size, self._digest, self._settled()
            with writing(self.directory):
                getattr(os, "fdatasync", os.fsync)(files[RECORDS])
                self._synced = n
                # Written when the records are safe: it never knows of more than there are, so what is missing was taken away.
                head = line({"digest": digest, "n": n, "settled": settled, "size": size}).ljust(_HEAD_WIDTH - 1) + b"\n"
                before = os.fstat(files[HEAD]).st_size
                os.lseek(files[HEAD], 0, os.SEEK_SET)
                os.write(files[HEAD], head)
                if before > _HEAD_WIDTH:  # whatever somebody else wrote there
                    os.ftruncate(files[HEAD], _HEAD_WIDTH)
                elif before < _HEAD_WIDTH:  # the first: where none is from now on, somebody took it away
                    os.fsync(files[HEAD])

    def catch_up(self) -> None:
        """Take notice of what other processes appended."""
        with self._alone():
            pass

    def close(self) -> None:
        """Make everything durable and give up the files; the next use opens them again."""
        if self._pid == os.getpid():
            self.sync()
        with self._mutex:
            if self._pid == os.getpid():
                for descriptor in self._files.values():
                    os.close(descriptor)
            self._start_over()
            self._pid = 0

    # -- reading -------------------------------------------------------------------------------------------------------

    def records(self) -> Iterator[Record]:
        """All records, oldest first."""
        for text in lines(self.path):
            yield read(text)

    # -- files and processes -------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else appends, in this process or another, and all that is there is known."""
        with self._mutex:
            self._open()
            with held(self._files[LOCK]):
                self._catch_up()
                yield

    def _open(self) -> None:
        if self._pid == os.getpid():
            return
        self._start_over()  # a forked process shares nothing with its parent but the bytes
        with writing(self.directory):
            new = not self.directory.is_dir()
            self.directory.mkdir(parents=True, exist_ok=True)
            more = os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            for name, flags in ((RECORDS, os.O_RDWR | os.O_APPEND), (HEAD, os.O_RDWR), (LOCK, os.O_RDWR)):
                self._files[name] = os.open(self.directory / name, flags | more, 0o600 if name == LOCK else 0o644)
            sync_directory(self.directory)
            if new:
                sync_directory(self.directory.parent)
        self._pid = os.getpid()
        with held(self._files[LOCK]):
            self._begin_at_head()

    def _begin_at_head(self) -> None:
        """What was settled at the last `sync` need not be read again."""
        head = read_head(self.directory) or read_head(self.directory)  # one that is just being written is read again
        size = os.fstat(self._files[RECORDS]).st_size
        if head is not None and 0 < head["settled"] <= size and self._ends_a_line(head["settled"]):
            self.begun = True
            if head["settled"] == head["size"] == size:
                self._n, self._digest, self._size = head["n"], head["digest"], size
            else:
                self._size = head["settled"]
                self._n = -1  # the next record says
        self._catch_up(head)
        self.is_headless = head is None and self.begun

    def _ends_a_line(self, offset: int) -> bool:
        os.lseek(self._files[RECORDS], offset - 1, os.SEEK_SET)
        return os.read(self._files[RECORDS], 1) == b"\n"

    def _catch_up(self, head: Mapping[str, Any] | None = None) -> None:
        size = os.fstat(self._files[RECORDS]).st_size
        had = (self._n, self._digest) if head is None else (head["n"], head["digest"])
        if size < self._size:
            files, self._pid = self._files, os.getpid()
            self._start_over()
            self._files = files
        elif size == self._size and self._n >= 0 and head is None:
            return
        torn = self._read_on()
        if (
            self._n < 0
        ):  # the head says that there was nothing after what is settled; so there is, or it is not the head of this log
            self._n, self._size = 0, 0
            self._digest = origin(self.survey_id)
            torn = self._read_on()
        if torn:
            os.ftruncate(self._files[RECORDS], self._size)
            self._append({"kind": TORN, "bytes": len(torn), "digest": sha256(torn).hexdigest()})
        if self._n < had[0]:
            self._append({"kind": SHORTENED, "had": had[0], "digest": had[1]})

    def _read_on(self) -> bytes:
        """Take what stands behind what is known; what a killed process left of a line is returned."""
        os.lseek(self._files[RECORDS], self._size, os.SEEK_SET)
        rest = b""
        while some := os.read(self._files[RECORDS], _AT_ONCE):
            *whole, rest = (rest + some).split(b"\n")
            for text in whole:
                try:
                    self._take(text, read(text))
                except (
                    ValueError,
                    KeyError,
                    TypeError,
                ):  # changed by somebody: `verify` says so, and we go on behind it
                    self._take(text, {"_n": self._n, "kind": ""})
        return rest

    def _take(self, text: bytes, record: Record) -> None:
        n = int(record["_n"])
        kind = record["kind"]
        if kind == WRITE:
            self.open[n] = record
            self._offsets[n] = self._size
        elif kind in (COMMITTED, ABORTED):
            self.open.pop(record["intent"], None)
            self._offsets.pop(record["intent"], None)
        elif kind == BEGUN:
            self.begun = True
        elif kind in (SHORTENED, LOST):
            self.tells_loss = True
        self._n = n + 1
        self._size += len(text) + 1
        self._digest = sha256(text).hexdigest()

    def _settled(self) -> int:
        return min(self._offsets.values(), default=self._size) if self.begun else 0


def read_head(directory: Path) -> Record | None:
    """What was known to be durable last: ``n`` records of ``size`` bytes, and the ``digest`` of the last; None where it is lost."""
    try:
        head = read((directory / HEAD).read_bytes())
        is_head = isinstance(head["digest"], str) and all(type(head[key]) is int for key in ("n", "settled", "size"))
    except (OSError, LookupError, ValueError, TypeError):
        return None
    return head if is_head else None


def lines(path: Path) -> Iterator[bytes]:
    """The records of a log as they stand there."""
    try:
        with path.open("rb") as file:
            for text in file:
                if text.endswith(b"\n"):
                    yield text[:-1]
    except FileNotFoundError:
        return
