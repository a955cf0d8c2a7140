"""Files of data objects: put before the objects are committed, had again by them, known by dated statements where they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, TypeVar

from provgraph.bulk.intents import Intents
from provgraph.errors import InvalidInput, NameTaken, ProvgraphError, StorageError, a
from provgraph.graph import setup, statements
from provgraph.graph.engine import Run
from provgraph.graph.loading import chunks
from provgraph.graph.mapper import Batch, Mapper
from provgraph.schema import calls
from provgraph.schema.files import StoredFile
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.stand_in import is_stand_in
from provgraph.schema.target import ProcessTarget
from provgraph.store.files import FileStore
from provgraph.store.location import differs
from provgraph.store.places import Place, place
from provgraph.store.uses import DELIVERED, Uses

PLACE = "place"  # the kind of notes that say where the bytes of a file are, and of those that they are there no longer:
DROPPED = "bytes_dropped"
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".fz", ".Z"})
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")

T = TypeVar("T")


class Stated(NamedTuple):
    """That a file is at a place, and since when that is known."""

    place: str
    recorded: str


class ObjectFiles:
    """The files of one survey's data objects."""

    def __init__(self, mapper: Mapper, store: FileStore, intents: Intents, uses: Uses | None = None,
                 remake: Callable[[DBObject], None] | None = None) -> None:  # fmt: skip
        """remake : puts the bytes of an object back that were dropped, or says why that cannot be."""
        self.mapper = mapper
        self.store = store
        self.intents = intents
        self.uses = uses
        self.remake = remake
        self._is_indexed = False

    # -- putting in --------------------------------------------------------------------------------------------------------

    @contextmanager
    def put(self, batch: Batch) -> Iterator[None]:
        """Files attached to the objects of a batch are in the store when this begins; inside, the batch is written.

        Where that fails, what was put stays without an object, and `provgraph clean` finds it. May be used inside itself.
        """
        waiting = [o for o in batch.objects if isinstance(o, DataObject) and o._attached and "file" not in o._values]
        if not waiting:
            yield
            return
        try:
            with self.intents.declare():
                self._put(batch, waiting)
                yield
        except BaseException:
            for one in waiting:
                if not one.is_stored:
                    one._values.pop("file", None)
            raise
        for one in waiting:
            one._attached = None

    def naming(self, batch: Batch, work: Callable[[Run], None] | None) -> Callable[[Run], None] | None:
        """`work` of the transaction that writes a batch, and before it that the names of its files belong to nothing else."""
        names = {one.name: one.digest for one in batch.objects if isinstance(one, StoredFile)}
        if not names:
            return work
        if not self._is_indexed:  # a survey that an older version made has no such key yet
            setup.make_indexes(self.mapper.engine)
            self._is_indexed = True
        rows = [{"name": name, "digest": digest} for name, digest in sorted(names.items())]

        def claim(run: Run) -> None:
            for row in run(statements.load("queries/claim_file_names"), rows=rows):
                if row["digest"] != names[row["name"]]:
                    raise _taken(row["name"])
            if work is not None:
                work(run)

        return claim

    def _put(self, batch: Batch, waiting: Sequence[DataObject]) -> None:
        names: dict[str, str] = {}
        files: dict[int, StoredFile] = {}
        where: list[tuple[StoredFile, str]] = []
        known = self.mapper.existing(waiting)
        for one in waiting:
            attached = one._attached
            assert attached is not None
            if attached.copy:
                digest, size = self.store.put(attached.given)
                at = self.store.target().at(digest).text
            else:
                assert isinstance(attached.given, str)
                digest, size, at = self.store.reference(attached.given)
            name = attached.name or f"{type(one).__name__}-{one.object_id}{_suffix(attached.given)}"
            if names.setdefault(name, digest) != digest:
                raise _taken(name)
            file = StoredFile(digest=digest, name=name, size=size)
            if one.lineage_key in known:
                there = known[one.lineage_key]
                if one.repeat <= there["repeat"]:
                    self._same(one, there["object_id"], file)
                    continue
                file = self._once_more(one, there["object_id"], file)
            files[id(one)] = file
            where.append((file, at))
        for one in waiting:
            if id(one) in files:
                one._values["file"] = files[id(one)]
        batch.objects[:] = [o for one in batch.objects for o in ((files[id(one)], one) if id(one) in files else (one,))]
        self._state(batch, where)

    def _same(self, one: DataObject, object_id: str, file: StoredFile) -> None:
        """What is there already is taken; then its file must be this one."""
        (there,) = self.mapper.many([object_id])
        stored = there.file if isinstance(there, DataObject) else None
        if stored is None or stored.digest != file.digest:
            has = f"a file of other bytes, {stored.name}" if stored is not None else "no file"
            raise InvalidInput(
                f"An equal {type(one).__name__} is stored, {object_id}, and has {has}; make a new version of it, "
                "survey.new_version(it, file=...).", code="file_differs", object_id=object_id,
            )  # fmt: skip
        one._values["file"] = stored

    def _once_more(self, one: DataObject, object_id: str, file: StoredFile) -> StoredFile:
        """What is made of the same once more may have other bytes, and then another name."""
        (there,) = self.mapper.many([object_id])
        stored = there.file if isinstance(there, DataObject) else None
        if stored is None or stored.name != file.name or stored.digest == file.digest:
            return file
        suffix = _suffix(file.name)
        name = f"{file.name.removesuffix(suffix)}~{one.repeat}{suffix}"
        return StoredFile(digest=file.digest, name=name, size=file.size)

    def _state(self, batch: Batch, where: Iterable[tuple[StoredFile, str]]) -> None:
        """That files are at places, where that is not stated yet."""
        where = list(where)
        found = self.mapper.existing([file for file, _ in where if not file.is_stored])
        ids = {
            id(file): file.object_id if file.is_stored else str(found[file.lineage_key]["object_id"])
            for file, _ in where if file.is_stored or file.lineage_key in found
        }  # fmt: skip
        rows = self.mapper.read("notes_about", ids=sorted(set(ids.values()))) if ids else []
        stated: set[tuple[str, str]] = set()
        for row in rows:  # oldest first
            if row["kind"] == PLACE:
                stated.add((row["about"], row["value"]))
            elif row["kind"] == DROPPED:
                stated.discard((row["about"], row["value"]))
        for file, at in where:
            if (ids.get(id(file)), at) not in stated:
                batch.note(file, PLACE, at)

    # -- getting out -------------------------------------------------------------------------------------------------------

    def retrieve(self, one: DBObject, to: str | os.PathLike[str] | None = None) -> Path:
        """See `DataObject.retrieve`."""
        file = self.file(one)
        target = None
        if to is not None:
            target = Path(to).expanduser()
            target = target / file.name if target.is_dir() else target
        with self._telling(one):
            path = self._having(
                one,
                file,
                lambda also: self.store.get(file.digest, target, size=file.size, also=also, what=_what(one, file)),
            )
        if self.uses is not None and not _is_making():
            self.uses.write(DELIVERED, one.object_id)
        if to is not None or path.name != file.digest.removeprefix("sha256:"):
            return path
        return self.store.cache.named(path, file.name)

    def open(self, one: DBObject) -> BinaryIO:
        """See `DataObject.open`."""
        path = self.retrieve(one)
        return path.open("rb")

    def copy(self, objects: Iterable[DBObject], to: str | os.PathLike[str]) -> list[str]:
        """Keep the files of objects at another place too; where each is there.

        StorageError ``place_missing``, ``store_read_only``, and what `DataObject.retrieve` raises.
        """
        target = place(to, self.store.base)
        target.check()
        if why := target.unwritable():
            raise StorageError(
                f"{target.text} cannot be written to ({why}).", code="store_read_only", place=target.text
            )
        found = []
        for one in objects:
            at = self._copied(one, target)
            self._write(self.file(one), at)
            found.append(at)
        return found

    def _copied(self, one: DBObject, to: Place) -> str:
        file = self.file(one)
        with self._telling(one):
            return self._having(
                one,
                file,
                lambda also: self.store.copy(file.digest, to, size=file.size, also=also, what=_what(one, file)),
            )

    def locate(self, one: DBObject, path: str | os.PathLike[str]) -> None:
        """State where the file of an object is now: one that was left where it was, and was moved since."""
        file = self.file(one)
        left = self.store.reference(path)
        if left.digest != file.digest:
            raise differs(left.place, f" as {file.name}; it is another file.")
        self._write(file, left.place)

    def places(self, file: StoredFile) -> list[Stated]:
        """Where a file is said to be, oldest statement first; not where its bytes were dropped since."""
        found: list[Stated] = []
        for row in self.mapper.read("notes_about", ids=[file.object_id]):
            if row["kind"] in (PLACE, DROPPED):
                found = [one for one in found if one.place != row["value"]]
            if row["kind"] == PLACE:
                found.append(Stated(row["value"], row["recorded"]))
        return found

    def here(self) -> tuple[list[Path], list[str]]:
        """The stored files inside the survey, and digests of those that are said to be there, and are not."""
        paths: list[Path] = []
        absent: dict[str, str] = {}  # id -> digest
        for row in {r["file"]: r for r in self.mapper.read("files_owned")}.values():
            there = self.store.inside(row["digest"])
            paths += there
            if not there:
                absent[row["file"]] = row["digest"]
        said: set[tuple[str, str]] = set()
        for some in chunks(absent):
            for row in self.mapper.read("notes_about", ids=some):
                if row["kind"] == PLACE:
                    said.add((row["about"], row["value"]))
                elif row["kind"] == DROPPED:
                    said.discard((row["about"], row["value"]))
        lost = {absent[id_] for id_, text in said if text in self.store.texts(absent[id_])}
        return sorted(set(paths)), sorted(lost)

    def dropped(self) -> dict[str, str]:
        """Digests whose bytes were dropped, and are neither here nor stated to be back, with the time of the statement."""
        rows = self.mapper.read("files_dropped")
        back = {r["digest"] for r in rows if (r["placed"] or "") > r["dropped"]}
        gone = {r["digest"]: r["dropped"] for r in rows if r["digest"] not in back}
        return {digest: since for digest, since in gone.items() if not self.store.inside(digest)}

    def _having(self, one: DBObject, file: StoredFile, work: Callable[[list[str]], T]) -> T:
        """What `work` does with the bytes of a file and the places where they may be; bytes that were dropped are made first."""
        rows = self.mapper.read("notes_about", ids=[file.object_id])
        also = list(dict.fromkeys(row["value"] for row in rows if row["kind"] == PLACE))
        try:
            return work(also)
        except StorageError as error:
            dropped = any(row["kind"] == DROPPED for row in rows)
            if error.code != "bytes_missing" or not dropped or self.remake is None:
                raise
        self.remake(self._owner(file) if one is file else one)
        return work(also)

    def _owner(self, file: StoredFile) -> DBObject:
        """An object that has this file."""
        rows = self.mapper.read("objects_with_file", digest=file.digest)
        found = self.mapper.restore([row["properties"] for row in rows])
        return found[0] if found else file

    def file(self, one: DBObject) -> StoredFile:
        """The stored file of an object; InvalidInput ``no_file`` where it has none."""
        if isinstance(one, StoredFile):
            return one
        if not isinstance(one, DataObject) and not is_stand_in(type(one)):
            raise InvalidInput(
                f"{a(type(one).__name__).capitalize()} is no data object and has no file.", code="no_file"
            )
        one.home()
        if (found := file_of(one)) is None:
            raise InvalidInput(
                f"{type(one).__name__} {one.object_id} has no file; it is attached before the object is stored, so make a new "
                "version of it, survey.new_version(it, file=...).", code="no_file", object_id=one.object_id,
            )  # fmt: skip
        return found

    def _write(self, file: StoredFile, at: str) -> None:
        batch = Batch()
        self._state(batch, [(file, at)])
        if batch.edges:
            self.mapper.write(batch)

    @contextmanager
    def _telling(self, one: DBObject) -> Iterator[None]:
        """What can be done where no place gives the bytes that were stored."""
        try:
            yield
        except ProvgraphError as error:
            if error.code not in ("bytes_missing", "digest_differs"):
                raise
            again = ", or make it again, survey.make(object, force=True)" if isinstance(one, ProcessTarget) else ""
            raise StorageError(
                f"{error.message.rstrip('.')}; put it back, or say where it is, survey.locate(object, path){again}.",
                code=error.code, object_id=one.object_id, **error.details,
            ) from error  # fmt: skip


def file_of(one: DBObject) -> StoredFile | None:
    """The stored file of an object, also of one whose class is not here; None where it has none."""
    if not isinstance(one, DataObject) and not is_stand_in(type(one)):
        return None
    found = getattr(one, "file", None)
    return found if isinstance(found, StoredFile) else None


def _is_making() -> bool:
    """Whether this happens inside a make(): what that reads is used, not handed out."""
    call = calls.running()
    while call is not None:
        function = getattr(call, "function", None)
        if function is not None and function.name == "make":
            return True
        call = getattr(call, "parent", None)
    return False


def _what(one: DBObject, file: StoredFile) -> str:
    return (
        f"The file {file.name} of {type(one).__name__} {one.object_id}" if one is not file else f"The file {file.name}"
    )


def _taken(name: str) -> NameTaken:
    return NameTaken(
        f"{name!r} is the name of a file with other bytes in this survey already; call this one something else, "
        "attach(..., name=...).", code="file_name_taken", name=name,
    )  # fmt: skip


def _suffix(given: str | bytes) -> str:
    """What the name of a file ends in: ``.fits``, ``.fits.gz``."""
    if isinstance(given, bytes):
        return ""
    suffixes = PurePosixPath(given.replace("\\", "/").partition("?")[0]).suffixes
    kept = suffixes[-2:] if suffixes and suffixes[-1] in _COMPRESSED else suffixes[-1:]
    return "".join(s for s in kept if _SUFFIX.fullmatch(s))
