"""Intents: a process that is about to write segments says so, so that what a kill leaves behind is found at the next start.

Between a segment's last rename and its registration in the graph a kill leaves a finished file that nothing refers to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from provgraph.bulk import processes
from provgraph.bulk.hdf5 import Hdf5Store


class Intents:
    """Intent files of one survey, `<directory>/<uuid>.intent`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def declare(self) -> Iterator[None]:
        """While this is open, segments may be written that the graph does not know yet.

        Whoever fails inside removes what it wrote. Ctrl-C can come between any two steps, also right after the graph was
        told: then nothing may be removed, and the next start looks what the graph knows.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"{uuid4().hex}.intent"
        path.write_text(json.dumps({"process": processes.mark()}), encoding="utf-8")
        try:
            yield
        except Exception:
            path.unlink(missing_ok=True)
            raise
        except BaseException:
            begun = path.stat()
            path.write_text("{}", encoding="utf-8")  # as if we were gone, though this process may live on
            os.utime(path, ns=(begun.st_atime_ns, begun.st_mtime_ns))
            raise
        path.unlink(missing_ok=True)

    def recover(self, store: Hdf5Store, registered: Callable[[], Collection[str]]) -> list[str]:
        """Remove what killed processes left: unfinished segments, and finished ones that were never registered."""
        gone = store.clean()
        left, alive, oldest = [], False, float("inf")
        for path in self.directory.glob("*.intent"):
            try:
                process = json.loads(path.read_text(encoding="utf-8"))["process"]
            except (ValueError, KeyError, OSError):
                process = None  # killed while it was written, or interrupted
            if process is None or processes.is_gone(process):
                left.append(path)
                oldest = min(oldest, os.stat(path).st_mtime)
            else:
                alive = True
        if not left or alive:  # somebody is writing: what is unregistered may be his
            return gone
        known = set(registered())
        for name in store.names():
            path = store.path(name)
            if name not in known and path.stat().st_mtime >= oldest - 1:
                store.delete(name)
                gone.append(name)
        for path in left:
            path.unlink(missing_ok=True)
        return gone
