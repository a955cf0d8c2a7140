"""Writing files so that they are whole or absent, and saying clearly when the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np

from provgraph.errors import StorageError

Array = np.ndarray[Any, Any]

_SEEKING = Lock()
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(directory: Path, part: Path | None = None) -> Iterator[None]:
    """Turns failures of the system into StorageError, and leaves no unfinished file behind, whatever ends it."""
    try:
        yield
    except BaseException as error:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        if isinstance(error, OSError | RuntimeError) and not isinstance(error, StorageError):  # h5py raises both
            full = getattr(error, "errno", None) in _FULL or any(f"errno = {code}," in str(error) for code in _FULL)
            if full:
                raise StorageError(
                    f"The disk that holds {directory} is full; nothing was stored.",
                    code="disk_full",
                    directory=str(directory),
                ) from error
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(
                f"Values cannot be stored in {directory}: {reason}.", directory=str(directory)
            ) from error
        raise


def check_room(directory: Path, needed: int) -> None:
    """Refuse at once what cannot fit: sooner for the user, and HDF5 never meets a full disk half-way."""
    if hasattr(os, "statvfs"):
        found = os.statvfs(directory)
        if found.f_blocks and found.f_bavail * found.f_frsize < needed:
            raise OSError(errno.ENOSPC, "No space left on device")


def write_all(descriptor: int, values: Array, offset: int | None = None) -> None:
    """All bytes of contiguous `values`, to where the file stands or to `offset`."""
    data = values.view(np.uint8).reshape(-1).data if values.nbytes else b""
    while len(data):
        written = os.write(descriptor, data) if offset is None else _write_at(descriptor, data, offset)
        data = data[written:]
        offset = None if offset is None else offset + written


def _write_at(descriptor: int, data: Any, offset: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, offset)
    with _SEEKING:  # Windows: two steps, and two threads share the descriptor
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)


def settle(file: BinaryIO, part: Path, path: Path) -> None:
    """Close a written file and give it its name, once its bytes are on the disk: whole or absent, also after a power cut."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    os.replace(part, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
