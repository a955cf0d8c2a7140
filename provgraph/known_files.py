"""Files that left the survey and come back: known by their bytes; what they say of themselves is only a hint.

The file of a data object that was retrieved is one of them.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from provgraph.errors import FileDiffers, FileUnclear, NotFound
from provgraph.graph.mapper import Batch, Mapper
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import DataFile, ExportedFile, StoredFile
from provgraph.schema.objects import DBObject
from provgraph.trace.activity import Recorder

log = logging.getLogger(__name__)

_HEX = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IRI = re.compile(rf"urn:uuid:({_HEX})")
_RECORDING = threading.Lock()  # two downloads of one table end at once, and are one file


class FileWarning(UserWarning):
    """A file is shown, but not as what it seems to be; the sentence is that of the `FileUnclear` it stands for."""


# -- leaving -----------------------------------------------------------------------------------------------------------


def record(mapper: Mapper, recorder: Recorder, file: ExportedFile, *, sources: int) -> None:
    """Store that a file was written, and the call that did it; once, however often a collection gives the same bytes."""
    with _RECORDING:
        if mapper.existing([file]):
            return
        recorder.uses("collection", file.collection)
        recorder.generates("file", file)
        recorder.finish(sources=sources)
        batch = Batch()
        recorder.into(batch, mapper.context)
        mapper.write(batch)


def sent(mapper: Mapper, chunks: Iterable[bytes], collection: SourceCollection, name: str, *,
         sources: int) -> Iterator[bytes]:  # fmt: skip
    """The chunks of a file as they come. Once the last is taken the file is known; if nobody takes it, nothing is."""
    recorder = Recorder("SourceCollection", "send", {"file": name})
    digest, size = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    file = ExportedFile(
        digest=f"sha256:{digest.hexdigest()}", name=name, size=size, format=Path(name).suffix.lstrip("."),
        collection=collection,
    )  # fmt: skip
    try:
        record(mapper, recorder, file, sources=sources)
    except Exception:  # whoever receives it has it whole; that we shall not know it again is ours to repair
        log.exception("%s was sent, but not recorded", name)


# -- coming back -------------------------------------------------------------------------------------------------------


def identify(mapper: Mapper, path: Path, digest: str, survey_id: str) -> DBObject:
    """What a file is: the collection it was written from, the data object whose file it is, or itself where it was read.

    Raises
    ------
    FileDiffers : it says that it was written from a collection, but has other bytes.
    FileUnclear : ``file_ambiguous``, more than one collection was written with these bytes.
    NotFound : ``file_foreign``, it is from another survey; ``file_unknown``.
    """
    from provgraph.export.tables import stated

    found = _by_bytes(mapper, digest)
    if len(found) == 1:
        return found[0][0]
    said = stated(path)
    about = _collection(mapper, said.iri) if said else None
    if not found:
        raise _differs(mapper, path, about) if about else _strange(path, said, survey_id)
    for one, _ in found:
        if about is not None and one.object_id == about.object_id:
            return one
    raise _ambiguous(path, found)


def as_read(mapper: Mapper, path: Path, digest: str, format: str, stored: StoredFile | None = None) -> DataFile:
    """The record of a file that is read: the one there is, or a new one that is linked to what it was written from.

    stored : the file of a data object that it is.
    """
    from provgraph.export.tables import stated

    files = _files(mapper, digest)
    for file in files:
        if not isinstance(file, ExportedFile) and file.project == mapper.context.project:
            return file
    about = None
    if not files and (said := stated(path)):
        about = _collection(mapper, said.iri)
    return DataFile(
        digest=digest, name=path.name, size=path.stat().st_size, format=format,
        same_bytes=[*(f for f in files if isinstance(f, ExportedFile)), *([stored] if stored is not None else ())],
        before_changes=about,
    )  # fmt: skip


def _files(mapper: Mapper, digest: str) -> list[DataFile]:
    """Files read and written that have these bytes, oldest first."""
    rows = [r["properties"] for r in mapper.read("files_by_digest", digest=digest)]
    return [file for file in mapper.restore(rows) if isinstance(file, DataFile)]


def _by_bytes(mapper: Mapper, digest: str) -> list[tuple[DBObject, DataFile | StoredFile]]:
    """What a file with these bytes can be, each once, with the file it was."""
    found: dict[str, tuple[DBObject, DataFile | StoredFile]] = {}
    for number, file in enumerate(_files(mapper, digest)):
        if isinstance(file, ExportedFile):
            found.setdefault(file.collection.object_id, (file.collection, file))
        elif number == 0 and not any(isinstance(f, StoredFile) for f in file.same_bytes or ()):
            # what was written first and then read is what was written
            found[file.object_id] = (file, file)
    for row in mapper.read("objects_with_file", digest=digest):
        (one, stored) = mapper.restore([row["properties"], row["file"]])
        assert isinstance(stored, StoredFile)
        found[one.identity] = (one, stored)  # the newest version of those that share it
    return list(found.values())


def _collection(mapper: Mapper, iri: str) -> SourceCollection | None:
    """The collection of this survey that an IRI names, if there is one."""
    named = _IRI.fullmatch(iri)
    try:
        one = mapper.get(named[1]) if named else None
    except NotFound:
        return None
    return one if isinstance(one, SourceCollection) else None


def _differs(mapper: Mapper, path: Path, about: SourceCollection) -> FileDiffers:
    rows = mapper.read("files_written_from", id=about.object_id)
    written = [str(r["properties"]["name"]) for r in rows]
    alike = [n for n in written if n == path.name] or [n for n in written if Path(n).suffix == path.suffix]
    file = f" as {alike[-1]}" if alike else ""
    how = "its bytes differ from what was written" if written else "this survey has not written a file from that"
    return FileDiffers(
        f"{path} says that it was written from {_called(about)}{file}, but {how}; ingest it to use it as it is now, or say "
        f"{about.name or about.object_id} to mean what was written.",
        objects=[about.object_id], path=str(path), written=written,
    )  # fmt: skip


def _ambiguous(path: Path, found: Sequence[tuple[DBObject, DataFile | StoredFile]]) -> FileUnclear:
    first = sorted(found, key=lambda pair: pair[1].name != path.name)  # the one that was called so
    whats = [
        f"{_called(one)} as {file.name}" if one is not file else f"the catalog {file.name} as it was read"
        for one, file in first
    ]
    return FileUnclear(
        f"{path} can be each of {len(whats)} files that have the same bytes: {', '.join(whats[:-1])}, and {whats[-1]}; "
        "say which by its name or id.",
        objects=[one.object_id for one, _ in first], path=str(path),
    )  # fmt: skip


def _strange(path: Path, said: Any, survey_id: str) -> NotFound:
    named = _IRI.fullmatch(said.iri) if said else None
    if named is None:
        return NotFound(f"{path} is not a file that this survey read or wrote.", code="file_unknown", path=str(path))
    other = said.survey if re.fullmatch(_HEX, said.survey) and said.survey != survey_id else ""
    who = f"the survey {other}" if other else "another survey, or a state of this one that is gone"
    return NotFound(
        f"{path} was written by {who}: this one, {survey_id}, has no collection {named[1]}; open the survey that wrote it.",
        code="file_foreign", path=str(path), iri=said.iri, survey=other,
    )  # fmt: skip


def _called(one: DBObject) -> str:
    name = getattr(one, "name", "")
    if not name:
        return f"{type(one).__name__} {one.object_id}"
    return repr(f"{name}@{one.version}" if one.version > 1 else name)
