"""Bytes from where they are to a file here: gone on with where a broken or killed download stopped, verified as a whole."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from provgraph.bulk.files import check_room, settle, writing
from provgraph.errors import MissingExtra, StorageError
from provgraph.store.location import CHUNK, Here, Location, broken, differs, missing
from provgraph.store.locks import locked

ATTEMPTS = 4  # without a byte more; each asks for less at once
SMALLEST = 64 << 10  # bytes of a request
PAUSE = 0.2  # seconds before the next one, then twice as long
SKIPPED = frozenset({"bytes_missing", "digest_differs", "place_unreachable", "download_interrupted", "missing_extra"})
"""What is wrong with one place only: another one may have the bytes."""

Faulty = Callable[["StorageError | MissingExtra"], None]


def download(locations: Iterable[Location], part: Path, digest: str, size: int | None, faulty: Faulty) -> bool:
    """The bytes of `digest` from the first location that gives them, into `part`; each goes on where the one before stopped.

    faulty : told why a location did not give them. What came is kept in `part` where none gave all.
    """
    for location in locations:
        try:
            there = location.size()
            if there is None:
                raise missing(location.text)
            if size is not None and there != size:
                raise differs(location.text, f" ({there:,} bytes in place of {size:,})")
            before = _length(part)
            if not _fetch(location, part, digest, there) and not (before and _fetch(location, part, digest, there)):
                raise differs(location.text)
            return True
        except (StorageError, MissingExtra) as error:
            if error.code not in SKIPPED:
                raise
            faulty(error)
    return False


def _fetch(location: Location, part: Path, digest: str, size: int) -> bool:
    """All bytes into `part`, after those that are in it; whether they are the ones. They are gone where they are not."""
    whole = hashlib.sha256()
    have = _length(part)
    if have > size:
        part.unlink()
        have = 0
    if have:
        for block in Here(part, str(part)).read():
            whole.update(block)
    with writing(part.parent):
        check_room(part.parent, size - have)
        file = part.open("ab")
    with file:
        failures, request = 0, CHUNK
        while have < size:
            try:
                for block in location.read(have, request):
                    _append(file.fileno(), block, part)
                    whole.update(block)
                    have += len(block)
                    failures = 0
                if have < size:
                    raise broken(location.text, f"it ended after {have:,} of {size:,} bytes")
            except StorageError as error:
                failures += 1
                if error.code not in ("place_unreachable", "download_interrupted"):
                    raise
                if failures >= ATTEMPTS:
                    why = error.details.get("why", error.message)
                    raise (
                        broken(location.text, f"{why}; {have:,} of {size:,} bytes are here") if have else error
                    ) from error
                time.sleep(PAUSE * 2 ** (failures - 1))
                request = max(request // 8, SMALLEST)
    if have == size and f"sha256:{whole.hexdigest()}" == digest:
        return True
    part.unlink()
    return False


def _append(descriptor: int, block: bytes, part: Path) -> None:
    """Unbuffered, so that what came is in the file when the process is killed. A disk that is full gets its room back."""
    view = memoryview(block)
    try:
        with writing(part.parent):
            while view:
                view = view[os.write(descriptor, view) :]
    except StorageError as error:
        if error.code == "disk_full":
            part.unlink(missing_ok=True)
        raise


def deliver(locations: Iterable[Location], to: Path, digest: str, size: int | None, faulty: Faulty) -> Path | None:
    """The file `to`, whole and on the disk, or what was there before; what a killed call had of it is gone on with."""
    part = to.with_name(f".{to.name[:100]}.{digest.removeprefix('sha256:')[:16]}.part")
    with writing(to.parent):
        to.parent.mkdir(parents=True, exist_ok=True)
    with locked(part.with_suffix(".lock")):
        if not download(locations, part, digest, size, faulty):
            return None
        with writing(to.parent), part.open("r+b") as file:
            settle(file, part, to)
    return to


def _length(part: Path) -> int:
    with suppress(FileNotFoundError):
        return part.stat().st_size
    return 0
