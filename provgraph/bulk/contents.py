"""Files by content: written once under the name of their digest, whole or absent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from provgraph.bulk.files import check_room, settle, writing


def put(directory: Path, name: str, data: bytes) -> Path:
    """Keep `data` as `name`, which its digest decides: what is there already is the same. Survives a power cut.

    Raises StorageError: ``disk_full``, ``storage_failed``.
    """
    path = directory / name
    if path.is_file() and path.stat().st_size == len(data):
        return path
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        check_room(directory, len(data))
        descriptor, part = tempfile.mkstemp(prefix=f".{name[:16]}.", dir=directory)
    with writing(directory, Path(part)), os.fdopen(descriptor, "wb") as file:
        file.write(data)
        settle(file, Path(part), path)
    return path
