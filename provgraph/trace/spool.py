"""The spool of a process: calls as they begin and end, a line each, so that a kill loses none that has returned.

A line is one write to a file that only grows: no fsync, so it outlives the process, not the machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from provgraph.bulk import processes


class Spool:
    """One file, ``<directory>/<process>.<random>.calls``, of the process that writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = Lock()
        self._file = -1
        self._path: Path | None = None
        self._pid = 0

    def write(self, **line: Any) -> None:
        data = _encoder.encode(line).encode("utf-8", "surrogateescape") + b"\n"
        with self._lock:
            if self._pid != os.getpid():  # the first line, or the first in a forked child
                self._open()
            os.write(self._file, data)

    def clear(self) -> None:
        """All that was written is in the graph."""
        with self._lock:
            if self._pid == os.getpid():
                os.ftruncate(self._file, 0)

    def forked(self) -> None:
        """In the child of a fork: the file belongs to the parent."""
        self._lock = Lock()

    def close(self) -> None:
        """Give the file up; for good when nothing is in it."""
        with self._lock:
            if self._pid == os.getpid() and self._path is not None:
                empty = os.fstat(self._file).st_size == 0
                os.close(self._file)
                if empty:
                    self._path.unlink(missing_ok=True)
            self._file, self._path, self._pid = -1, None, 0

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._path = self.directory / f"{processes.mark()}.{uuid4().hex[:8]}.calls"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        self._pid = os.getpid()


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def left(directory: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Files of processes that have ended, with their lines; a last line that was cut off is left out."""
    for path in sorted(directory.glob("*.calls")):
        mark = path.name.rsplit(".", 2)[0]
        with suppress(ValueError):
            if not processes.is_gone(mark):
                continue
            lines = []
            for line in path.read_bytes().splitlines():
                with suppress(ValueError):
                    lines.append(json.loads(line))
            yield path, lines
