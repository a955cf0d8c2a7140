"""A directory of files by content: written beside, on the disk, then renamed; nothing half-written has a final name."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from provgraph.bulk import processes
from provgraph.bulk.files import check_room, settle, sync_directory, writing
from provgraph.errors import StorageError
from provgraph.store.location import Here, Location, digest_of, hexadecimal

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_OPEN = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# What is stored does not change: a program that opens it to write is told so. Windows could not even rename it then.
_MODE = 0o666 if os.name == "nt" else 0o444


class Directory:
    """Files at ``<first two hex>/<hex>`` below a directory of this machine. text : as it is said, '' for its URL."""

    is_local = True

    def __init__(self, root: Path, text: str = "") -> None:
        self.root = root
        self.text = text or root.as_uri()

    def path(self, digest: str) -> Path:
        name = hexadecimal(digest)
        return self.root / name[:2] / name

    def at(self, digest: str) -> Here:
        name = hexadecimal(digest)
        return Here(self.path(digest), f"{self.text.rstrip('/')}/{name[:2]}/{name}")

    def check(self) -> None:
        """StorageError ``place_missing`` where it neither is there nor can be made."""
        if self.root.is_dir():
            return
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"{self.text} is not a directory and cannot be made one ({error.strerror}).",
                code="place_missing", place=self.text,
            ) from error  # fmt: skip

    def unwritable(self) -> str:
        """Why nothing can be written here, '' where it can."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self._part()
            os.close(os.open(probe, _OPEN, _MODE))
            probe.unlink()
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def put(self, source: Location, expected: str = "") -> tuple[str, int]:
        """Keep what `source` gives: digest and size, on the disk when this returns. What is there already stays as it is.

        expected : the digest that it must have. StorageError: ``disk_full``, ``store_read_only``, ``digest_differs``.
        """
        size = source.size() or 0
        with _storing(self.text):
            _make(self.root)
        try:
            with _storing(self.text), writing(self.root):
                check_room(self.root, size)
        except StorageError as error:
            digest = expected or digest_of(source.read())
            if error.code == "disk_full" and self._has(digest, size):
                return digest, size
            raise
        part = self._part()
        with _storing(self.text), writing(self.root, part):
            with os.fdopen(os.open(part, _OPEN, _MODE), "wb") as file:
                whole, size = hashlib.sha256(), 0
                for block in source.read():
                    whole.update(block)
                    file.write(block)
                    size += len(block)
                digest = f"sha256:{whole.hexdigest()}"
                if expected and digest != expected:
                    raise StorageError(
                        f"{source.text} gave other bytes than those of {expected}; nothing was stored.",
                        code="digest_differs", place=source.text,
                    )  # fmt: skip
                path = self.path(digest)
                if not self._has(digest, size):
                    _make(path.parent)
                    settle(file, part, path)
                    return digest, size
            part.unlink()
        return digest, size

    def _has(self, digest: str, size: int) -> bool:
        """Whether these bytes are there, all of them; touched, so that whoever removes what nobody needs lets it be."""
        path = self.path(digest)
        try:
            with suppress(PermissionError):  # somebody else's, and then nobody here removes it
                os.utime(path)
            return path.stat().st_size == size and digest_of(self.at(digest).read()) == digest
        except (FileNotFoundError, StorageError):
            return False

    def delete(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)

    # -- keeping house -------------------------------------------------------------------------------------------------

    def files(self) -> Iterator[Path]:
        """What is stored, by no order."""
        for path in self.root.glob("??/*"):
            if len(path.name) == 64 and path.name.startswith(path.parent.name):
                yield path

    def unfinished(self) -> Iterator[Path]:
        """What a process that has ended did not finish."""
        for path in self.root.glob("*.part"):
            if processes.is_gone(".".join(path.name.split(".")[-4:-1])):
                yield path

    def recover(self) -> None:
        """What a killed `remove` left aside is back, and looked at again."""
        for aside in self.root.glob("??/*.removing"):
            _put_back(aside)

    @staticmethod
    def remove(path: Path, seen_ns: int) -> bool:
        """Remove a stored file unless somebody has stored it again since it was `seen_ns`, its time of change, was looked at."""
        aside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.removing")
        with suppress(FileNotFoundError):
            path.rename(aside)  # whoever finds it missing from now on writes it; whoever found it before has touched it
            if aside.stat().st_mtime_ns == seen_ns:
                aside.unlink()
                return True
            _put_back(aside)
        return False

    def _part(self) -> Path:
        return self.root / f"{uuid4().hex[:12]}.{processes.mark()}.part"


def _make(directory: Path) -> None:
    """Make a directory that is there after a power cut too."""
    for one in reversed([p for p in (directory, *directory.parents) if not p.is_dir()]):
        one.mkdir(exist_ok=True)
        sync_directory(one.parent)


def _put_back(aside: Path) -> None:
    path = aside.with_name(aside.name.partition(".")[0])
    with suppress(FileNotFoundError):
        aside.unlink() if path.exists() else aside.rename(path)


@contextmanager
def _storing(text: str) -> Iterator[None]:
    """Says which place cannot be written to; no room is said already."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError) and error.code != "storage_failed":
            raise
        reason = error.__cause__ if isinstance(error, StorageError) else error
        number = getattr(reason, "errno", None)
        if number in _READ_ONLY:
            raise StorageError(
                f"{text} cannot be written to ({getattr(reason, 'strerror', '')}); nothing was stored.",
                code="store_read_only", place=text,
            ) from error  # fmt: skip
        why = getattr(reason, "strerror", None) or reason
        raise StorageError(f"{text} cannot be written to ({why}); nothing was stored.", place=text) from error
