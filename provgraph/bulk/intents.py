"""Intents: a process that is about to write segments says so, so that what a kill leaves behind is found at the next start.

Between a segment's last rename and its registration in the graph a kill leaves a finished file that nothing refers to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
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
        # Compiled modules may lose a Ctrl-C while they are imported: what is needed to write segments is there before.
        import h5py  # noqa: F401

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

    def are_open(self) -> bool:
        """Whether some process that lives may be writing."""
        return any(self._writer(path) is not None for path in self.directory.glob("*.intent"))

    @staticmethod
    def _writer(path: Path) -> str | None:
        """The process that is writing; None where it has ended, or was killed or interrupted half-way."""
        try:
            process = str(json.loads(path.read_text(encoding="utf-8"))["process"])
        except (ValueError, KeyError, OSError):
            return None
        return None if processes.is_gone(process) else process

    def recover(self, store: Hdf5Store, registered: Callable[[], Collection[str]]) -> list[str]:
        """Remove what killed processes left: unfinished segments, and finished ones that were never registered."""
        gone = store.clean()
        if not any(self.directory.glob("*.intent")):
            return gone
        # First the names, then who is writing, then what is registered: what somebody finishes meanwhile is none of these
        # names, or he still says that he is writing, or it is registered.
        names = store.names()
        left, alive, oldest = [], False, float("inf")
        for path in self.directory.glob("*.intent"):
            if self._writer(path) is not None:
                alive = True
                continue
            with suppress(FileNotFoundError):  # its writer has just ended well
                oldest = min(oldest, path.stat().st_mtime)
                left.append(path)
        if not left or alive:  # somebody is writing: what is unregistered may be his
            return gone
        known = set(registered())
        for name in names:
            path = store.path(name)
            if name not in known and path.exists() and path.stat().st_mtime >= oldest - 1:
                store.delete(name)
                gone.append(name)
        for path in left:
            path.unlink(missing_ok=True)
        return gone
