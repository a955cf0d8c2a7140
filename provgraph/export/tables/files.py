"""Table files appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from provgraph.errors import StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to; on success it is synced and takes the name, else it is gone.

    Raises StorageError: ``disk_full``, ``storage_failed``.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
        if os.name != "nt":
            descriptor = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            if error.errno in _FULL or any(f"errno = {code}," in str(error) for code in _FULL):
                raise StorageError(
                    f"The disk is full: {path} was not written.", code="disk_full", path=str(path)
                ) from error
            reason = error.strerror or str(error)
            raise StorageError(f"{path} cannot be written: {reason}.", path=str(path)) from error
        raise


def write_stream(chunks: Iterable[bytes], path: Path) -> None:
    with replacing(path) as part, part.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)


def stream_file(write: Callable[[IO[bytes]], None]) -> Iterator[bytes]:
    """What `write` leaves in a file, for formats that cannot be written front to back."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        write(file)
        file.seek(0)
        while piece := file.read(1 << 20):
            yield piece
