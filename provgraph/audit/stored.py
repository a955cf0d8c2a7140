"""Whether what is stored is what was: values and what stands beside them in segments, and files kept by content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from provgraph.audit.findings import Finding, changed
from provgraph.bulk.store import SegmentInfo
from provgraph.errors import StorageError
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine

Progress = Callable[[float], None]
FOLDERS = ("models", "documents")  # files named by their digest
_NAME = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 1 << 20


class Verifies(Protocol):
    """The part of a bulk store that is needed here."""

    def verify(self, info: SegmentInfo) -> None: ...


class Keeps(Protocol):
    """The part of what knows the files of data objects."""

    def here(self) -> tuple[list[Path], list[str]]: ...


def verify_stored(engine: GraphEngine, store: Verifies, directory: Path, objects: Keeps | None = None,
                  progress: Progress | None = None) -> tuple[dict[str, int], list[Finding]]:  # fmt: skip
    """How many segments, files and bytes were read, and which of them are not what was stored. Reads every byte."""
    rows = engine.read(statements.load("queries/segments_made"))
    segments: dict[str, dict[str, Any]] = {r["properties"]["file"]: r["properties"] for r in rows if not r["dropped"]}
    files = [
        p for name in FOLDERS for p in sorted((directory / name).rglob("*")) if _NAME.match(p.name) and p.is_file()
    ]
    kept, lost = objects.here() if objects is not None else ([], [])
    files += kept
    whole = sum(int(p["size"]) for p in segments.values()) + sum(p.stat().st_size for p in files)
    findings: list[Finding] = []
    done = 0

    def step(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None and whole:
            progress(min(1.0, done / whole))

    for properties in segments.values():
        findings += _segment(store, properties)
        step(int(properties["size"]))
    for path in files:
        findings += _file(path, directory, step)
    wanted = {str(r["model"]): "the model" for r in engine.read(statements.load("queries/models_used"))}
    if engine.read(statements.load("prov/any_document")):
        rows = engine.read(statements.load("prov/documents"))
        wanted |= {str(r["properties"]["digest"]): "the imported document" for r in rows if not r["markers"]}
    there = {p.name[:64] for p in files}
    for digest, what in sorted(wanted.items()):
        name = digest.removeprefix("sha256:")
        # What came while others were read is not missing.
        if name not in there and not any(p for folder in FOLDERS for p in (directory / folder).rglob(f"{name}*")):
            findings.append(changed("file_missing", f"The file of {what} sha256:{name} is gone.", name))
    findings += [changed("file_missing", f"The file {digest} of a data object is gone.", digest) for digest in lost]
    return {"segments": len(segments), "files": len(files), "bytes": done}, findings


def _segment(store: Verifies, properties: dict[str, Any]) -> Iterator[Finding]:
    try:
        store.verify(SegmentInfo.from_dict(json.loads(properties["info"])))
    except StorageError as error:
        yield changed(error.code, error.message, str(properties["object_id"]))
    except (LookupError, ValueError, TypeError, AttributeError):
        said = f"What the graph says of segment {properties['file']} is no description of a segment any more."
        yield changed("segment_changed", said, str(properties["object_id"]))


def _file(path: Path, directory: Path, step: Callable[[int], None]) -> Iterator[Finding]:
    read = sha256()
    try:
        with path.open("rb") as file:
            while some := file.read(_AT_ONCE):
                read.update(some)
                step(len(some))
    except OSError as error:
        said = f"{path.relative_to(directory)} cannot be read: {error.strerror or error}."
        yield changed("file_unreadable", said, str(path))
        return
    if read.hexdigest() != path.name[:64]:
        yield changed("file_changed", f"{path.relative_to(directory)} is not what was stored.", str(path))
