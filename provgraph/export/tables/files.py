"""Table files appear whole or not at all.

What is being written is beside its target as ``.NAME.PID.8HEX.part``; the first half of the hex digits is the machine's,
the second is random. What a killed process left is removed when the same target is written again.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
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
    _remove_left(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.{_host()}{uuid4().hex[:4]}.part")
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


def _host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:4]


def _remove_left(path: Path) -> None:
    """Remove what processes of this machine that have ended left of writing `path`."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.([0-9]{{1,9}})\.{_host()}[0-9a-f]{{4}}\.part")
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            found = ours.fullmatch(entry.name)
            if found and not _runs(int(found[1])):
                with suppress(OSError):
                    os.unlink(entry.path)


def _runs(pid: int) -> bool:
    if os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, under another user
    return True


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
