"""Where the bytes of one file are: in memory, at a path here, or at an address that fsspec reads; and their digest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from provgraph.errors import InvalidInput, StorageError

BLOCK = 1 << 20  # bytes that are digested or written at once
CHUNK = 8 << 20  # bytes of one request to a place far away
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class StorageWarning(UserWarning):
    """A place that does not give what it should, while another one does."""


class Location(Protocol):
    """Bytes that somebody holds."""

    @property
    def text(self) -> str:
        """As a dated statement says it."""
        ...

    @property
    def path(self) -> Path | None:
        """The file itself, where it is one of this machine."""
        ...

    def size(self) -> int | None:
        """In bytes; None where nothing is there."""
        ...

    def read(self, start: int = 0, request: int = CHUNK) -> Iterator[bytes]:
        """The bytes from `start` on; from far away so many at once, since what is lost of a broken connection is one request.

        StorageError where they do not come; ``bytes_missing`` where there are none.
        """
        ...


@dataclass(frozen=True)
class Given:
    """Bytes in memory."""

    data: bytes = field(repr=False)
    text: str = "the bytes given"
    path: None = None

    def size(self) -> int:
        return len(self.data)

    def read(self, start: int = 0, request: int = CHUNK) -> Iterator[bytes]:
        view = memoryview(self.data)
        for begin in range(start, len(view), BLOCK):
            yield bytes(view[begin : begin + BLOCK])


@dataclass(frozen=True)
class Here:
    """A file of this machine. watched : it is an error that it changes while it is read; what is stored is touched only."""

    path: Path
    text: str
    watched: bool = False

    def size(self) -> int | None:
        try:
            return self.path.stat().st_size if self.path.is_file() else None
        except OSError as error:
            raise unreachable(self.text, error.strerror or str(error)) from error

    def read(self, start: int = 0, request: int = CHUNK) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                seen = os.fstat(file.fileno())
                file.seek(start)
                while block := file.read(BLOCK):
                    yield block
                now = os.fstat(file.fileno())
        except FileNotFoundError as error:
            raise missing(self.text) from error
        except OSError as error:
            raise unreachable(self.text, error.strerror or str(error)) from error
        if self.watched and (seen.st_size, seen.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
            raise unreachable(self.text, "it was changed while it was read")


def digest_of(blocks: Iterable[bytes]) -> str:
    """``sha256:<hex>`` of bytes that come in blocks."""
    whole = hashlib.sha256()
    for block in blocks:
        whole.update(block)
    return f"sha256:{whole.hexdigest()}"


def hexadecimal(digest: str) -> str:
    """The hex digits of a digest: what a stored file is called."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest!r} is not a digest; one is sha256: and 64 hex digits.", code="digest_invalid")
    return digest.removeprefix("sha256:")


def missing(text: str) -> StorageError:
    return StorageError(f"{text} is not there", code="bytes_missing", place=text)


def differs(text: str, how: str = "") -> StorageError:
    return StorageError(f"{text} has other bytes than were stored{how}", code="digest_differs", place=text)


def unreachable(text: str, why: str) -> StorageError:
    return StorageError(f"{text} cannot be read ({why})", code="place_unreachable", place=text)


def broken(text: str, why: str) -> StorageError:
    return StorageError(f"{text} broke off ({why})", code="download_interrupted", place=text)
