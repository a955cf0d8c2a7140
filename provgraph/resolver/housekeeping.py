"""Keeping house: what takes room, what can go, and dropping derived values, which come back when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from provgraph.bulk import processes
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.intents import Intents
from provgraph.calculators.model import SUFFIX, file_name
from provgraph.errors import InvalidInput
from provgraph.graph.mapper import Batch, Mapper
from provgraph.resolver import bounded
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import AttributeCalculator
from provgraph.store.directory import Directory
from provgraph.store.files import FileStore
from provgraph.store.objects import DROPPED
from provgraph.store.uses import DIRECTORY as USES

ORIGINAL, LISTS = "original catalogs", "lists of identifiers"
VALUES, SOURCES = "derived values", "sets of sources"


@dataclass(frozen=True)
class Held:
    """One stored segment. seconds : what the call took that made it; activity : which, '' for what was put in."""

    segment: Segment
    activity: str
    seconds: float
    derived: bool

    @property
    def kind(self) -> str:
        if not self.derived:  # a list, or the pairs of a relabelling, is put in by hand: no call made it
            return ORIGINAL if self.activity else LISTS
        return VALUES if self.segment.columns else SOURCES


@dataclass(frozen=True)
class Forgotten:
    """What dropping takes away: segments and bytes; and what having them again costs, in seconds as once measured."""

    segments: int
    bytes: int
    seconds: float
    attributes: tuple[str, ...]
    done: bool

    def __str__(self) -> str:
        if not self.segments:
            return "Nothing derived of it is stored."
        what = ", ".join(self.attributes) or "its set of sources"
        return (
            f"{'Dropped' if self.done else 'Would drop'} {what}: {self.segments} segments, {self.bytes:,} bytes; "
            f"they took {self.seconds:.3g} s to make and are made again when they are asked for."
        )


@dataclass(frozen=True)
class Room:
    """How much of one kind there is."""

    kind: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Removable:
    """A file that nothing needs, and why. seen_ns : when it was changed, of one that somebody may just be storing again."""

    path: Path
    bytes: int
    why: str
    seen_ns: int = field(default=0, compare=False)


def held(mapper: Mapper) -> list[Held]:
    """All segments whose bytes were not dropped."""
    rows = [r for r in mapper.read("segments_made") if not r["dropped"]]
    found = mapper.restore([r["properties"] for r in rows])
    return [
        Held(one, str(r["activity"] or ""), float(r["seconds"] or 0.0), r["class_name"] == "TargetProcessor")
        for one, r in zip(found, rows, strict=True) if isinstance(one, Segment)
    ]  # fmt: skip


def forget(mapper: Mapper, store: Hdf5Store, collection: SourceCollection, *, dry_run: bool = False) -> Forgotten:
    """Drop what was derived for a collection: calculated values, and its stored set of sources.

    Nodes, edges and digests stay, and so does everything that was put in. InvalidInput ``nothing_derived`` where the
    collection is not derived at all.
    """
    if not collection.parents:
        raise InvalidInput(
            f"{collection.label} was put in, not derived: its values could not be made again, so they stay.",
            code="nothing_derived",
        )
    mapper.cone([collection])
    attributes = collection.attributes().values()
    calculated = {
        o for one in collection.ancestry() if isinstance(one, AttributeCalculator) for o in one.attributes().origins
    }
    origins = {a.origin for a in attributes if a.origin in calculated}
    key = collection.sources().key
    chosen = [
        h for h in held(mapper)
        if h.derived and (origins.intersection(h.segment.columns) or (h.segment.source_set_key == key and h.kind == SOURCES))
    ]  # fmt: skip
    if chosen and not dry_run:
        batch = Batch()
        for one in chosen:
            batch.note(one.segment, DROPPED, collection.object_id, reason="forgotten on request")
        mapper.write(batch)  # first the statement: a kill in between leaves a file that `clean` finds, never a lie
        for one in chosen:
            store.delete(one.segment.file)
    seconds = {one.activity: one.seconds for one in chosen}
    gone = {o for one in chosen for o in one.segment.columns}
    return Forgotten(
        len(chosen), sum(h.segment.size for h in chosen), sum(seconds.values()),
        tuple(a.name for a in attributes if a.origin in gone), not dry_run,
    )  # fmt: skip


def rooms(mapper: Mapper, store: Hdf5Store, directory: Path, files: FileStore, *,
          documents: Iterable[Path] = (), unneeded: Iterable[Removable] = ()) -> list[Room]:  # fmt: skip
    """How much room each kind of thing takes, the largest first; of places outside the survey nothing is known here.

    documents : where imported documents are kept. unneeded : of them, what nothing needs.
    """
    gone = [*removable(mapper, store, Intents(directory / "spool"), directory, files), *unneeded]
    kinds: dict[str, list[int]] = {ORIGINAL: [], LISTS: [], VALUES: [], SOURCES: []}
    for one in held(mapper):
        path = store.path(one.segment.file)
        if path.exists():
            kinds[one.kind].append(path.stat().st_size)
    for kind, places in (
        ("sorted indexes", [store.indexes.directory]), ("graph", [directory / "graph"]), ("models", [directory / "models"]),
        ("jobs", [directory / "jobs", *directory.glob("jobs.sqlite*")]), ("audit", [directory / "audit"]),
        ("files of objects", [path for place in files.directories() for path in place.files()]),
        ("cache", files.cache.files()), ("counts of uses", [directory / USES]), ("imported documents", documents),
        ("being written", [directory / "scratch", directory / "spool"]),
    ):  # fmt: skip
        kinds[kind] = _sizes(places, without={r.path for r in gone})
    kinds["not needed (clean)"] = [r.bytes for r in gone]
    found = [Room(kind, len(sizes), sum(sizes)) for kind, sizes in kinds.items() if sizes]
    return sorted(found, key=lambda r: -r.bytes)


def removable(mapper: Mapper, store: Hdf5Store, intents: Intents, directory: Path, files: FileStore) -> list[Removable]:
    """Files that nothing needs: of dropped and unregistered segments, unfinished ones, and leftovers of ended processes."""
    # First the names, then who is writing, then what is registered: see `Intents.recover`.
    names = store.names()
    models = [path for path in sorted((directory / "models").glob("*")) if path.is_file()]
    kept = [(path, seen) for place in files.directories() for path, seen in _seen(place.files())]
    busy = intents.are_open()
    rows = mapper.read("segments_made")
    dropped = {r["properties"]["file"] for r in rows if r["dropped"]}
    registered = {r["properties"]["file"] for r in rows}
    found: list[Removable] = []
    for name in names:
        path = store.path(name)
        if name in dropped:
            found += _removable(path, "its bytes were dropped")
        elif name not in registered and not busy:  # somebody who is writing registers his in a moment
            found += _removable(path, "no object of the survey refers to it")
    for path in sorted((*store.directory.glob("??/*.part"), *store.indexes.directory.glob("*.part"))):
        if processes.is_gone(".".join(path.name.split(".")[-4:-1])):
            found += _removable(path, "the process that wrote it has ended")
    stored = set(names) - dropped
    for path in sorted(store.indexes.directory.glob("*")):
        if path.suffix in (".h5", ".uses") and path.name.partition(".")[0] not in stored and not busy:
            found += _removable(path, "its segment is gone")
    if models and not busy:
        used = {file_name(row["model"]) for row in mapper.read("models_used")}
        for path in models:
            if path.name not in used:
                unfinished = path.suffix != SUFFIX
                found += _removable(path, "it was never finished" if unfinished else "no calculator is this model")
    if kept and not busy:
        wanted = {str(row["digest"]).removeprefix("sha256:") for row in mapper.read("stored_digests")}
        for path, seen in kept:
            if path.name not in wanted:
                found.append(Removable(path, seen.st_size, "no object of the survey has this file", seen.st_mtime_ns))
    for place in files.directories():
        for path in sorted(place.unfinished()):
            found += _removable(path, "the process that wrote it has ended")
    for path in bounded.abandoned(directory / "scratch"):
        found.append(Removable(path, sum(_sizes([path])), "the process that wrote it has ended"))
    return found


def clean(
    mapper: Mapper, store: Hdf5Store, intents: Intents, directory: Path, files: FileStore, *, dry_run: bool = True
) -> list[Removable]:
    """Remove what nothing needs; with `dry_run` only say what that is."""
    if not dry_run:
        for place in files.directories():
            place.recover()
    found = removable(mapper, store, intents, directory, files)
    if dry_run:
        return found
    for one in found:
        if one.path.is_dir():
            continue  # below
        if one.seen_ns:
            Directory.remove(one.path, one.seen_ns)
        elif one.path.suffix == ".h5" and one.path.parent != store.indexes.directory:
            store.delete(one.path.stem)  # with its indexes
        else:
            one.path.unlink(missing_ok=True)
    bounded.clean(directory / "scratch")
    intents.recover(store, lambda: [str(r["file"]) for r in mapper.read("segment_files")])
    return found


def _seen(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Those that are there, in the order of their names."""
    for path in sorted(paths):
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _removable(path: Path, why: str) -> list[Removable]:
    """Nothing where somebody else has removed it meanwhile."""
    with suppress(FileNotFoundError):
        return [Removable(path, path.stat().st_size, why)]
    return []


def _sizes(places: Iterable[Path], without: Collection[Path] = ()) -> list[int]:
    """Of files, and of those below directories; not of what lies in one of `without`."""
    found = []
    for place in places:
        for path in (place, *place.rglob("*")):
            if not path.is_file() or path in without or any(parent in without for parent in path.parents):
                continue
            with suppress(FileNotFoundError):
                found.append(path.stat().st_size)
    return found
