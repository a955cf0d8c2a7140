"""The bytes of imported documents, kept under their digests as they came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provgraph.errors import FileUnreadable, StorageError
from provgraph.export.tables.files import replacing
from provgraph.store.locks import is_free, locked

LOCK = "import.lock"
_PART = 1 << 20


class RawFiles:
    """Files ``<directory>/<two digits>/<digest>``; written once, whole or absent."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, digest: str) -> Path:
        """Where the bytes with this digest are."""
        name = digest.removeprefix("sha256:")
        return self.directory / name[:2] / name

    def has(self, digest: str) -> bool:
        """Whether the bytes with this digest are here, every one of them looked at."""
        path = self.path(digest)
        try:
            return path.is_file() and digest_of(path) == digest
        except FileUnreadable:
            return False

    def put(self, path: Path, digest: str) -> None:
        """Keep the bytes of a file that were seen to have this digest, in place of whatever stands there.

        Raises
        ------
        FileUnreadable : ``file_changed`` where it has other bytes by now.
        StorageError : where they cannot be written.
        """
        target = self.path(digest)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{target.parent} cannot be made: {error.strerror}.", path=str(target)) from None
        seen = hashlib.sha256()
        with replacing(target) as part, part.open("xb") as out, _reading(path) as file:
            while content := file.read(_PART):
                seen.update(content)
                out.write(content)
            if f"sha256:{seen.hexdigest()}" != digest:
                raise FileUnreadable(f"{path} changed while it was read; nothing was imported.", code="file_changed",
                                     path=str(path))  # fmt: skip

    def read(self, digest: str) -> Path:
        """The file with these bytes, which are looked at again.

        Raises
        ------
        StorageError : ``document_damaged`` where it is gone or has other bytes.
        """
        path = self.path(digest)
        if not path.is_file() or digest_of(path) != digest:
            what = "is not what was imported" if path.is_file() else "is gone"
            raise StorageError(f"The original of the document {digest}, {path}, {what}; importing it again puts it back.",
                               code="document_damaged", path=str(path), digest=digest)  # fmt: skip
        return path

    def drop(self, digest: str) -> None:
        """Forget bytes that nothing stored needs."""
        self.path(digest).unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else imports into this survey meanwhile; waits for who does.

        Raises
        ------
        StorageError : where the folder cannot be written.
        """
        with locked(self.directory / LOCK, keep=True):
            yield

    def files(self) -> list[Path]:
        """The bytes of documents that are here, and what was not finished."""
        return sorted(path for path in self.directory.glob("??/*") if path.is_file())

    def is_idle(self) -> bool:
        """Whether nobody imports."""
        return is_free(self.directory / LOCK)


def digest_of(path: Path) -> str:
    """``sha256:<hex>`` of the bytes of a file.

    Raises
    ------
    FileUnreadable : where it cannot be read.
    """
    seen = hashlib.sha256()
    with _reading(path) as file:
        while content := file.read(_PART):
            seen.update(content)
    return f"sha256:{seen.hexdigest()}"


class _Reader:
    """A file whose failures say which it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("rb")

    def read(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from None


@contextmanager
def _reading(path: Path) -> Iterator[_Reader]:
    try:
        reader = _Reader(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with reader.file:
        yield reader


def _unreadable(path: Path, error: Exception) -> FileUnreadable:
    return FileUnreadable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.", path=str(path))
