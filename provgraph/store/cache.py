"""What came from remote places, kept here up to a limit: least recently used goes first, what is in use never.

Any number of processes use one cache. What is in it may be lost or changed at any time: it is verified each time it is given.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4
from weakref import finalize

from provgraph.bulk import processes
from provgraph.bulk.files import writing
from provgraph.errors import StorageError
from provgraph.store.download import Faulty, download
from provgraph.store.location import Here, Location, digest_of, hexadecimal
from provgraph.store.locks import is_free, locked

LIMIT = 10 << 30  # bytes, unless said


class HeldPath(type(Path())):  # type: ignore[misc]  # Python 3.11 has no other way to inherit from Path
    """The path of a file that stays in the cache as long as somebody has this."""

    behind: Any = None  # what it leads to, where it is a link


class Cache:
    """Files at ``<first two hex>/<hex>`` below `directory`, of `limit` bytes together, as far as they are not in use."""

    def __init__(self, directory: Path, limit: int = LIMIT) -> None:
        self.directory = directory
        self.limit = limit
        self._mine: Counter[str] = Counter()
        self._given_up: deque[str] = (
            deque()
        )  # by paths that nobody has any more: garbage collection must not wait for locks
        self._lock = Lock()

    def path(self, digest: str) -> Path:
        name = hexadecimal(digest)
        return self.directory / name[:2] / name

    def find(self, digest: str) -> Path | None:
        """The file, verified, or None. One whose bytes were changed is removed."""
        path = self.path(digest)
        if not path.is_file():
            return None
        with self._alone():
            try:
                with suppress(PermissionError):  # somebody else fetched it
                    os.utime(path)
            except FileNotFoundError:
                return None
            held = self._hold(path)
            seen = path.stat()
        try:
            intact = digest_of(Here(path, str(path)).read()) == digest
        except StorageError:
            intact = False
        if intact:
            return held
        with self._alone(), suppress(FileNotFoundError):
            if os.path.samestat(seen, path.stat()):  # nobody has fetched it again meanwhile
                path.unlink()
        return None

    def fetch(self, digest: str, size: int | None, locations: Iterable[Location], faulty: Faulty) -> Path | None:
        """The file, from the first location that gives it, or None; waits where another process is fetching it."""
        name, path = hexadecimal(digest), self.path(digest)
        part = self.directory / f"{name}.part"
        with writing(self.directory):
            path.parent.mkdir(parents=True, exist_ok=True)
        with locked(part.with_suffix(".lock")):
            if (found := self.find(digest)) is not None:
                return found
            self.trim(size or 0)
            if not download(locations, part, digest, size, faulty):
                return None
            with self._alone(), writing(self.directory):
                path.parent.mkdir(exist_ok=True)
                if os.name != "nt":
                    part.chmod(0o444)
                os.replace(part, path)
                os.utime(path)
                held = self._hold(path)
        self.trim()
        return held

    def trim(self, needed: int = 0) -> None:
        """Remove what was not used for longest until `needed` bytes more are within the limit, or all that is left is in use."""
        if not self.directory.is_dir():
            return
        with self._alone():
            used = self._used()
            found = sorted(self._entries())
            total = sum(size for _, size, _ in found)
            for _, size, path in found:
                if total + needed <= self.limit:
                    return
                name = path.name.removesuffix(".part")
                if name in used or (path.suffix == ".part" and not is_free(path.with_suffix(".lock"))):
                    continue
                with suppress(OSError):  # Windows: somebody has it open
                    path.unlink()
                    total -= size

    def named(self, path: Path, name: str) -> Path:
        """A link to a stored file under a name that programs understand; the file itself where there can be no link."""
        link = self.directory / "named" / path.name[:16] / name
        leads = os.path.relpath(path, link.parent)
        try:
            if not link.is_symlink() or os.readlink(link) != leads:
                link.parent.mkdir(parents=True, exist_ok=True)
                fresh = link.with_name(f".{uuid4().hex[:8]}")
                fresh.symlink_to(leads)
                os.replace(fresh, link)
        except OSError:
            return path
        held = HeldPath(link)
        held.behind = path
        return held

    def delete(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    def files(self) -> list[Path]:
        """All that takes room, parts of broken downloads too."""
        return [path for _, _, path in self._entries()]

    def _entries(self) -> list[tuple[int, int, Path]]:
        """Time of last use, size and path."""
        found = []
        for path in (*self.directory.glob("??/*"), *self.directory.glob("*.part")):
            with suppress(FileNotFoundError):
                seen = path.stat()
                found.append((seen.st_mtime_ns, seen.st_size, path))
        return found

    # -- who uses what -------------------------------------------------------------------------------------------------

    def _alone(self) -> Any:
        return locked(self.directory / ".lock", keep=True)

    def _hold(self, path: Path) -> Path:
        """A path that keeps the file here while somebody has it; called by whoever is alone."""
        name = path.name
        held = HeldPath(path)
        with self._lock:
            self._mine[name] += 1
            self._give_up()
            mark = self._mark(name)
            mark.parent.mkdir(exist_ok=True)
            mark.touch()
        finalize(held, self._given_up.append, name)
        return held

    def _give_up(self) -> None:
        """Take back the marks of what nobody of this process has any more."""
        while self._given_up:
            name = self._given_up.popleft()
            self._mine[name] -= 1
            if self._mine[name] <= 0:
                del self._mine[name]
                self._mark(name).unlink(missing_ok=True)

    def _used(self) -> set[str]:
        """What is in use by any process that runs."""
        with self._lock:
            self._give_up()
        found = set()
        for mark in self.directory.glob("held/*"):
            name, _, process = mark.name.partition(".")
            if processes.is_gone(process):
                mark.unlink(missing_ok=True)
            else:
                found.add(name)
        return found

    def _mark(self, name: str) -> Path:
        return self.directory / "held" / f"{name}.{processes.mark()}"
