"""Locks between processes: files that one process at a time holds, given up by the system when it ends, however it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provgraph.errors import StorageError


@contextmanager
def locked(path: Path, *, keep: bool = False) -> Iterator[None]:
    """Hold the lock that is the file `path`, alone among processes and threads; waits for it.

    keep : leave the file behind, for a lock that is used again and again.
    """
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StorageError(
                f"{path.parent} cannot be written to ({error.strerror}).", directory=str(path.parent)
            ) from error
        try:
            acquire(descriptor)
            if _is(descriptor, path):  # else whoever held it has removed it
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        yield
    finally:
        if not keep:
            with suppress(OSError):  # Windows: what is open cannot go, and is used again
                path.unlink()
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Whether nobody holds this lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return acquire(descriptor, wait=False)
    finally:
        os.close(descriptor)


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


@contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Hold the lock of an open file, alone among descriptors, and give it back; for files that stay open."""
    acquire(descriptor)
    try:
        yield
    finally:
        _release(descriptor)


def acquire(descriptor: int, *, wait: bool = True) -> bool:
    """Take the lock of an open file; closing the descriptor gives it back, and so does the end of the process.

    wait : False gives up at once where somebody else has it, and says so.
    """
    try:
        import fcntl
    except ImportError:
        return _acquire_on_windows(descriptor, wait)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _release(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def _acquire_on_windows(descriptor: int, wait: bool) -> bool:
    import msvcrt

    os.lseek(descriptor, 0, os.SEEK_SET)  # what is locked is the byte that stands there
    while True:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            return True
        except OSError:
            if not wait:
                return False
            time.sleep(0.05)
