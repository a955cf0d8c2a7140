"""Retention: which bytes can go because they can be made again, and making them again when they are asked for.

Only bytes are dropped, of files inside the survey's directory. The statement that they are dropped is written before they go: a
kill in between leaves bytes that are found although they are said to be dropped, and that the next plan proposes again.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from provgraph.errors import InvalidInput, ProvgraphError, StorageError
from provgraph.graph.mapper import Batch
from provgraph.names import FILE_ROLE
from provgraph.resolver.bounded import parse_memory
from provgraph.resolver.costs import amount
from provgraph.schema import calls, keys
from provgraph.schema.files import StoredFile
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.stand_in import is_stand_in
from provgraph.schema.target import ProcessTarget, must_be_target
from provgraph.store.directory import Directory
from provgraph.store.locks import locked
from provgraph.store.objects import DROPPED, PLACE
from provgraph.store.places import location
from provgraph.targets.make import NOT_DETERMINISTIC, Maker
from provgraph.targets.tree import make_code
from provgraph.targets.usage import aligned, time_of

AT_ONCE: Final = 500  # files whose dropping is stated together
PATIENCE: Final = 10.0  # seconds to wait for others who are just storing something
PUT_IN: Final = "put in, not made"
_REASON: Final = "it can be made again"


@dataclass(frozen=True)
class Item:
    """Bytes that could be dropped, of one object or of several that have the same.

    seconds : what the calls took that made them. again : the same with everything that must be made before. last : when one of the
    objects was made or used last, ISO 8601; '' where nobody asked.
    """

    digest: str
    bytes: int
    objects: tuple[DBObject, ...]
    seconds: float
    again: float
    last: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "digest": self.digest, "bytes": self.bytes, "seconds": self.seconds, "seconds_with_inputs": self.again,
            "objects": [{"id": o.object_id, "class": type(o).__name__, "version": o.version} for o in self.objects],
        }  # fmt: skip


@dataclass(frozen=True)
class Retention:
    """What could be dropped, everything of which can be made again. seconds : to make all of it again, each thing once.

    kept : why other files stay, with how many there are and their bytes. wanted : bytes that should become free; 0 for all.
    """

    survey: Any = field(repr=False, compare=False)
    items: tuple[Item, ...]
    seconds: float
    kept: Mapping[str, tuple[int, int]]
    wanted: int = 0

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.items)

    @property
    def hours(self) -> float:
        return self.seconds / 3600

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        by_class: dict[str, list[Item]] = defaultdict(list)
        for one in self.items:
            by_class[type(one.objects[0]).__name__].append(one)
        rows = [(name, f"{len(some):,}", amount(sum(i.bytes for i in some)), time_of(sum(i.seconds for i in some)))
                for name, some in sorted(by_class.items())]  # fmt: skip
        lines = []
        if rows:
            rows.append(("together", f"{len(self):,}", amount(self.bytes), time_of(self.seconds)))
            lines.append(aligned(("could be dropped", "files", "bytes", "to remake"), rows))
        else:
            lines.append("Nothing can be dropped.")
        if self.wanted > self.bytes:
            lines.append(f"That is less than the {amount(self.wanted)} that should become free.")
        if self.kept:
            lines.append(aligned(("stays, because", "files", "bytes"),
                                 [(why, f"{n:,}", amount(size)) for why, (n, size) in sorted(self.kept.items())]))  # fmt: skip
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        return {
            "files": len(self), "bytes": self.bytes, "seconds": self.seconds, "hours": self.hours,
            "items": [one.as_dict() for one in self.items],
            "kept": [{"why": why, "files": n, "bytes": size} for why, (n, size) in sorted(self.kept.items())],
        }  # fmt: skip

    def apply(self) -> int:
        """Drop these bytes; how many are free now. What somebody else needs meanwhile stays.

        StorageError ``store_busy`` where others are storing all the time.
        """
        return sum(_drop(self.survey, self.items[n : n + AT_ONCE]) for n in range(0, len(self.items), AT_ONCE))


def retain(
    survey: Any, cls: Any = None, *, older_than: float | None = None, free: int | str | None = None
) -> Retention:
    """See `Survey.retain`."""
    if older_than is not None and not older_than >= 0:
        raise InvalidInput(f"older_than is a number of days, not {older_than!r}.", code="days_invalid")
    wanted_class = survey.mapper.classes.named(cls) if cls is not None and cls != "" else None
    wanted = parse_memory(free) if free is not None else 0
    before = ""
    if older_than is not None:
        before = (datetime.now(UTC) - timedelta(days=older_than)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    world = _World(survey)
    last = world.last_used() if older_than is not None else {}
    chosen: dict[str, tuple[DBObject, ...]] = {}
    kept: dict[str, list[int]] = defaultdict(list)
    for digest, owners in world.owners.items():
        size = world.here.get(digest)
        if size is None:
            if digest in world.elsewhere:
                kept["at a place outside the survey's directory"].append(world.sizes[digest])
            continue
        objects = [world.objects.get(i) for i in dict.fromkeys(owners)]
        some = tuple(o for o in objects if o is not None)
        used = max((last.get(o.object_id, "") for o in some), default="")
        if why := next((w for i in owners if (w := world.why_not(i))), "") or ("" if owners else "no object has it"):
            kept[why].append(size)
        elif wanted_class is not None and not all(isinstance(o, wanted_class) for o in some):
            kept[f"it is not only of {wanted_class.__name__}"].append(size)
        elif before and used >= before:
            kept[f"made or used in the last {older_than:g} days"].append(size)
        else:
            chosen[digest] = some
    if wanted:
        gone = {i for i in world.files if i in world.objects and not world.has_bytes(i)}

        def price(digest: str) -> float:
            ids = [o.object_id for o in chosen[digest]]
            return world.seconds(world.closure(ids, gone)) / max(world.here[digest], 1)

        taken: dict[str, tuple[DBObject, ...]] = {}
        freed = 0
        for digest in sorted(chosen, key=lambda d: (price(d), d)):
            if freed >= wanted:
                kept["enough becomes free without it"].append(world.here[digest])
            else:
                taken[digest] = chosen[digest]
                freed += world.here[digest]
        chosen = taken
    dropped = {o.object_id for some in chosen.values() for o in some}
    missing = dropped | {i for i in world.files if i in world.objects and not world.has_bytes(i)}
    items = []
    for digest, some in chosen.items():
        ids = [some[0].object_id]  # making one gives the bytes of all
        again = world.seconds(world.closure(ids, missing))
        used = max((last.get(o.object_id, "") for o in some), default="")
        items.append(Item(digest, world.here[digest], some, world.seconds(ids), again, used))
    items.sort(key=lambda one: (one.again / max(one.bytes, 1), one.digest))
    every = world.seconds(world.closure([one.objects[0].object_id for one in items], missing))
    return Retention(survey, tuple(items), every, {why: (len(s), sum(s)) for why, s in kept.items()}, wanted)


class _World:
    """All objects with files, what is known of how they were made, and where their bytes are; a handful of statements."""

    def __init__(self, survey: Any) -> None:
        self.survey = survey
        mapper = survey.mapper
        self.files: dict[str, str] = {}  # digest by id of the object
        self.owners: dict[str, list[str]] = defaultdict(list)  # ids by digest, '' for what is no object with a file
        places: dict[str, str] = {}  # digest by id of the file
        self.sizes: dict[str, int] = {}
        for row in mapper.read("files_owned"):
            digest = row["digest"]
            self.sizes[digest] = row["size"] or 0
            places[row["file"]] = digest
            is_file = row["id"] is not None and row["role"] == FILE_ROLE
            self.owners[digest].append(row["id"] if is_file else "")
            if is_file:
                self.files[row["id"]] = digest
        self.objects: dict[str, DBObject] = mapper.found(list(self.files)) if self.files else {}
        made = [i for i, o in self.objects.items() if isinstance(o, ProcessTarget) and o.lineage_key]
        self.code: dict[str, Mapping[str, Any]] = {
            r["made"]: r for r in (mapper.read("made_with", ids=made) if made else ())
        }
        self.chance: set[str] = set()  # digests of code that gave other results when it ran again
        for note in mapper.read("notes_about", ids=made) if made else ():
            if note["kind"] == NOT_DETERMINISTIC:
                self.chance |= {str(self.code[i]["digest"]) for i in (note["about"], note["value"]) if i in self.code}
        self.here: dict[str, int] = {}  # bytes by digest, inside the survey
        self.elsewhere: set[str] = set()
        for digest in self.sizes:
            found = [path.stat().st_size for path in survey.files.inside(digest)]
            if found and max(found) == self.sizes[digest]:
                self.here[digest] = self.sizes[digest]
        missing = {file: digest for file, digest in places.items() if digest not in self.here}
        for note in mapper.read("notes_about", ids=list(missing)) if missing else ():
            if note["kind"] == PLACE and _is_there(survey, note["value"], self.sizes[missing[note["about"]]]):
                self.elsewhere.add(missing[note["about"]])
        self._why: dict[str, str] = {}

    def has_bytes(self, object_id: str) -> bool:
        digest = self.files[object_id]
        return digest in self.here or digest in self.elsewhere

    def inputs(self, object_id: str) -> list[str]:
        """Ids of what an object was made from that has a file, or should have one that cannot be seen."""
        one = self.objects[object_id]
        return [other.object_id for _, _, other in one.dependencies() if other.object_id in self.files]

    def why_not(self, object_id: str) -> str:
        """Why the bytes of an object could not be made again; '' where they can."""
        stack = [(object_id, False)]
        while stack:
            one, ready = stack.pop()
            if one in self._why:
                continue
            if not ready:
                stack.append((one, True))
                if one in self.objects:
                    stack += [(i, False) for i in self.inputs(one) if i not in self._why and not self.has_bytes(i)]
                continue
            self._why[one] = self._judge(one)
        return self._why[object_id]

    def _judge(self, object_id: str) -> str:
        one = self.objects.get(object_id)
        if one is None:
            return "it cannot be seen, or is no file of a data object"
        if not isinstance(one, ProcessTarget) or not one.lineage_key:
            return PUT_IN
        cls = type(one)
        if one.is_deleted:
            return "its object was deleted"
        if is_stand_in(cls):
            return f"the class {cls.__name__} is not here"
        was = self.code.get(object_id)
        if was is None:
            return "it is not recorded by what code it was made"
        if was["digest"] != make_code(cls).digest:
            return f"the code of `{was['name']}` changed"
        if was["digest"] in self.chance:
            return f"`{was['name']}` gave other results when it ran again"
        if _recipe_key(one, str(was["digest"])) != one.lineage_key:
            return f"what {cls.__name__} is made from is declared otherwise now"
        for i in self.inputs(object_id):
            if not self.has_bytes(i) and (why := self._why.get(i, "")):
                named = type(self.objects[i]).__name__ if i in self.objects else "what"
                return f"the bytes of the {named} it is made from are gone: {why}"
        return ""

    def closure(self, ids: Iterable[str], missing: set[str]) -> set[str]:
        """What has to be made for these, those among it whose bytes are missing then."""
        found: set[str] = set()
        stack = list(ids)
        while stack:
            one = stack.pop()
            if one not in found:
                found.add(one)
                stack += [i for i in self.inputs(one) if i in missing and i in self.objects]
        return found

    def seconds(self, ids: Iterable[str]) -> float:
        """What the calls took that made these; equal bytes are made once."""
        longest: dict[str, float] = {}
        for i in ids:
            took = float((self.code.get(i) or {}).get("seconds") or 0.0)
            longest[self.files[i]] = max(took, longest.get(self.files[i], 0.0))
        return math.fsum(longest.values())

    def last_used(self) -> dict[str, str]:
        """When each object was made or used last."""
        found = {i: o.created for i, o in self.objects.items()}
        rows = self.survey.mapper.read("usage_derived", {"label": DataObject.__name__})
        uses = [(r["id"], r["at"]) for r in rows] + [(u.object_id, u.at) for u in self.survey.uses.read()]
        for i, at in uses:
            if i in found:
                found[i] = max(found[i], at)
        return found


def _recipe_key(one: ProcessTarget, code: str) -> str:
    """The key that an object would get if it were made again by this code from what it was made from."""
    given = one.given()
    return keys.lineage_key(type(one).__name__, code, [[n, given[n]] for n in sorted(one.made_from) if n in given])


def _is_there(survey: Any, place: str, size: int) -> bool:
    """Whether a stated place has a file: looked at where it is on this machine, believed of a server."""
    try:
        found = location(place, survey.files.base)
        return found.path is None or found.size() == size
    except ProvgraphError:
        return False


# -- dropping ------------------------------------------------------------------------------------------------------------------


def _drop(survey: Any, items: Sequence[Item]) -> int:
    """State that bytes are dropped, then drop them; how many went."""
    mapper = survey.mapper
    # First the files, then who is storing, then whose they are: who stores one of them after that has touched it.
    seen = {one.digest: [(path, path.stat().st_mtime_ns) for path in survey.files.inside(one.digest)] for one in items}
    _wait(survey)
    owners: dict[str, set[str]] = defaultdict(set)
    files: dict[str, list[str]] = defaultdict(list)
    for row in mapper.read("owners_of_files", digests=list(seen)):
        owners[row["digest"]].add(row["id"] if row["role"] == FILE_ROLE else "")
        files[row["digest"]].append(row["file"])
    agreed = [one for one in items if seen[one.digest] and owners[one.digest] == {o.object_id for o in one.objects}]
    if not agreed:
        return 0
    found = mapper.found([f for one in agreed for f in files[one.digest]])
    batch = Batch()
    for one in agreed:
        for text in survey.files.texts(one.digest):
            for file in dict.fromkeys(files[one.digest]):
                batch.note(found[file], DROPPED, text, reason=_REASON)
    mapper.write(batch)
    freed = 0
    for one in agreed:
        gone = [Directory.remove(path, seen_ns) for path, seen_ns in seen[one.digest]]
        if all(gone):
            freed += one.bytes
        else:  # somebody has just stored it again
            _state(survey, [found[f] for f in dict.fromkeys(files[one.digest])], one.digest)
    return freed


def _wait(survey: Any) -> None:
    until = time.monotonic() + PATIENCE
    while survey.intents.are_open():
        if time.monotonic() > until:
            raise StorageError("Others are storing files; drop bytes when they have ended.", code="store_busy")
        time.sleep(0.05)


def _state(survey: Any, files: Iterable[DBObject], digest: str) -> None:
    """That bytes are where they are, after it was stated that they are dropped."""
    batch = Batch()
    places = [d.at(digest).text for d in survey.files.directories() if d.path(digest).exists()]
    for file in files:
        for text in places:
            batch.note(file, PLACE, text)
    if batch.edges:
        survey.mapper.write(batch)


# -- making again --------------------------------------------------------------------------------------------------------------


def remake(survey: Any, one: DBObject) -> None:
    """Make the file of an object again whose bytes were dropped, after those of what it is made from.

    StorageError : ``remade_differs`` where other bytes come out; else the code of what is wrong, such as ``code_missing``.
    """
    for each in _missing_first(survey, one):
        # One process makes it, and others that ask for it meanwhile wait.
        with locked(survey.directory / "spool" / f"{each.object_id}.remaking"):
            if not survey.files.inside(survey.object_files.file(each).digest):
                _remake(survey, each)


def _missing_first(survey: Any, one: DBObject) -> list[DBObject]:
    """An object, and before it what it is made from whose bytes were dropped too, dependencies first."""
    found: dict[str, DBObject] = {}
    seen = {one.object_id}
    stack = [(one, False)]
    while stack:
        each, ready = stack.pop()
        if ready:
            found[each.object_id] = each
            continue
        stack.append((each, True))
        for name in type(each).links:
            value = getattr(each, name, None)
            for other in value if isinstance(value, tuple) else (value,):
                if isinstance(other, DataObject) and other.object_id not in seen and _is_missing(survey, other.file):
                    seen.add(other.object_id)
                    stack.append((other, False))
    return list(found.values())


def _is_missing(survey: Any, file: StoredFile | None) -> bool:
    """Whether bytes were dropped and are nowhere else."""
    if file is None or survey.files.inside(file.digest):
        return False
    notes = survey.notes(file)
    stated = [n["value"] for n in notes if n["kind"] == PLACE]
    return any(n["kind"] == DROPPED for n in notes) and not any(_is_there(survey, place, file.size) for place in stated)


def _remake(survey: Any, one: DBObject) -> None:
    file = survey.object_files.file(one)
    try:
        with calls.using(survey), survey.intents.declare():
            made = Maker(survey).rebuild(must_be_target(one))
            found = getattr(made, "file", None)
            if found is not None and found.digest == file.digest:
                rows = survey.mapper.read("owners_of_files", digests=[file.digest])
                files = survey.mapper.many(list(dict.fromkeys(r["file"] for r in rows)))
                _state(survey, files, file.digest)
                return
    except ProvgraphError as error:
        raise StorageError(
            f"The bytes of {file.name} were dropped, and cannot be made again: {error.message}", code=error.code,
            object_id=one.object_id,
        ) from error  # fmt: skip
    other = (
        f"has the bytes {found.digest[:19]}… in place of {file.digest[:19]}…" if found is not None else "has no file"
    )
    raise StorageError(
        f"The bytes of {file.name} were dropped, and what was made again {other}; it is kept as {type(made).__name__}"
        f"@{made.version}, survey.get({made.object_id!r}).", code="remade_differs", object_id=one.object_id,
        remade=made.object_id,
    )  # fmt: skip
