"""The store of files: put at the first place that takes them, had from the first that has them, every byte verified."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from provgraph.errors import FileUnreadable, InvalidInput, MissingExtra, StorageError
from provgraph.store.cache import Cache
from provgraph.store.directory import Directory
from provgraph.store.download import Faulty, deliver
from provgraph.store.location import Given, Here, Location, StorageWarning, differs, digest_of, hexadecimal, missing
from provgraph.store.places import Place, left_at, location, place


class Put(NamedTuple):
    """What a file is known by. size : bytes."""

    digest: str
    size: int


class Left(NamedTuple):
    """What is known of a file that stays where it is. place : its path or address."""

    digest: str
    size: int
    place: str


class FileStore:
    """Files by the digest of their bytes at `places`, in this order; `base` is the directory that relative ones are below.

    New files go to the first place that can be written to. What comes from far away is kept in `cache`.
    """

    def __init__(self, places: Sequence[Place], cache: Cache, base: Path) -> None:
        self.places = tuple(places)
        self.cache = cache
        self.base = base
        self._target: Place | None = None

    @classmethod
    def open(cls, places: Iterable[str | os.PathLike[str]], cache: Cache, base: Path) -> FileStore:
        """A store at the places that are said.

        InvalidInput ``place_invalid``, ``place_unknown``; MissingExtra with the command that installs what lacks.
        """
        return cls([place(said, base) for said in places], cache, base)

    def check(self) -> None:
        """Look whether the places are there, and whether one can be written to.

        StorageError ``place_missing``, ``place_unreachable``, ``store_read_only``.
        """
        for one in self.places:
            one.check()
        self.target()

    def target(self) -> Place:
        """Where new files go: the first place that can be written to. StorageError ``store_read_only`` where none can."""
        if self._target is None:
            whys = []
            for one in self.places:
                if not (why := one.unwritable()):
                    self._target = one
                    return one
                whys.append(f"{one.text} ({why})")
            raise StorageError(
                f"No place for files can be written to: {', '.join(whys)}; add one, such as store=[..., 'files'].",
                code="store_read_only", places=[one.text for one in self.places],
            )  # fmt: skip
        return self._target

    def put(self, given: str | os.PathLike[str] | bytes) -> Put:
        """Keep a file, by its path or address, or bytes; on the disk, or acknowledged by the server, when this returns.

        Raises
        ------
        FileUnreadable : it is not there, is a directory, or was changed while it was read.
        StorageError : ``disk_full``, ``store_read_only``, ``place_unreachable``.
        """
        source = self._source(given)
        target = self.target()
        try:
            return Put(*target.put(source))
        except StorageError as error:
            raise _of_source(source, error) from error

    def reference(self, given: str | os.PathLike[str]) -> Left:
        """Digest and size of a file that stays where it is, and where that is."""
        source = self._source(given)
        if source.path is not None and source.path.is_relative_to(self.cache.directory):
            raise InvalidInput(
                f"{source.path} is in the cache, where nothing stays; attach it without copy=False.", code="file_in_cache",
                path=str(source.path),
            )  # fmt: skip
        size = source.size() or 0
        try:
            return Left(digest_of(source.read()), size, source.text)
        except StorageError as error:
            raise _of_source(source, error) from error

    def get(self, digest: str, to: str | os.PathLike[str] | None = None, *, size: int | None = None,
            also: Iterable[str] = (), what: str = "") -> Path:  # fmt: skip
        """A path here with the bytes of a digest, every one verified; the stored file itself, or the file `to`.

        What another place gives does not raise: a `StorageWarning` names the place that has wrong bytes or does not answer.

        size : in bytes, where it is known. also : paths and addresses to ask after the places. what : it, in messages.

        Raises
        ------
        StorageError : ``bytes_missing``, no place has it; ``digest_differs``, what there is has other bytes than were stored;
        ``download_interrupted``, what came is kept, and the next call goes on there; ``place_unreachable``; ``disk_full``.
        """
        hexadecimal(digest)
        target = None if to is None else _file(to, digest)
        known = self._known(digest, also)
        faults: list[StorageError | MissingExtra] = []

        def faulty(error: StorageError | MissingExtra) -> None:
            """Without the calls that led to it: they would hold on to paths of the cache."""
            faults.append(type(error)(error.message, code=error.code, **error.details))

        # Remote places together: each goes on where the one before broke off.
        for is_here, some in groupby(known, lambda one: one.path is not None):
            found = (self._from_here if is_here else self._from_afar)(list(some), digest, size, target, faulty)
            if found is None:
                continue
            for fault in faults:
                if fault.code != "bytes_missing":
                    warnings.warn(f"{fault.message}; another place has it.", StorageWarning, stacklevel=2)
            return found
        raise _nowhere(what or digest, faults)

    def has(self, digest: str, *, size: int | None = None, also: Iterable[str] = ()) -> bool:
        """Whether any place has a file of these bytes, by its name and size; nothing is read. also : as for `get`."""
        for one in self._known(digest, also):
            try:
                found = one.size()
            except (StorageError, MissingExtra):
                continue
            if found is not None and size in (None, found):
                return True
        return False

    def copy(self, digest: str, to: Place, *, size: int | None = None, also: Iterable[str] = (), what: str = "") -> str:
        """Keep the bytes of a digest at another place too; where they are there."""
        at = to.at(digest)
        path = self.get(digest, size=size, also=also, what=what)
        if at.path is None or path != at.path:
            to.put(Here(path, str(path)), digest)
        return at.text

    def delete(self, digest: str) -> None:
        """Remove the bytes from every place that can be written to, and from the cache."""
        for one in self.places:
            if not one.unwritable():
                one.delete(digest)
        self.cache.delete(digest)

    def directories(self) -> list[Directory]:
        """The places inside the survey, where nobody else keeps anything."""
        return [one for one in self.places if isinstance(one, Directory) and one.root.is_relative_to(self.base)]

    def inside(self, digest: str) -> list[Path]:
        """The stored files with these bytes that are inside the survey; by their names, nothing is read."""
        return [path for one in self.directories() if (path := one.path(digest)).is_file()]

    def texts(self, digest: str) -> list[str]:
        """How statements call the places inside the survey of these bytes."""
        return [one.at(digest).text for one in self.directories()]

    def _known(self, digest: str, also: Iterable[str]) -> list[Location]:
        """Where to ask, in order: what else is said to be here goes before what is far away."""
        known: list[Location] = [one.at(digest) for one in self.places]
        more = [location(text, self.base) for text in also if text not in {one.text for one in known}]
        first = next((n for n, one in enumerate(known) if one.path is None), len(known))
        here, there = ([one for one in more if (one.path is None) == is_far] for is_far in (False, True))
        return [*known[:first], *here, *known[first:], *there]

    def _source(self, given: str | os.PathLike[str] | bytes) -> Location:
        if isinstance(given, bytes | bytearray | memoryview):
            return Given(bytes(given))
        source = left_at(given, self.base)
        try:
            size = source.size()
        except StorageError as error:
            raise _of_source(source, error) from error
        if size is None:
            what = "is a directory" if source.path is not None and source.path.is_dir() else "is not there"
            raise FileUnreadable(f"{source.path or source.text} {what}; only files are stored.", path=source.text)
        return source

    def _from_here(self, some: Sequence[Location], digest: str, size: int | None, to: Path | None,
                   faulty: Faulty) -> Path | None:  # fmt: skip
        for one in some:
            if to is not None and to != one.path:
                if (found := deliver([one], to, digest, size, faulty)) is not None:
                    return found
                continue
            try:
                there = one.size()
                if there is None:
                    raise missing(one.text)
                if size is not None and there != size:
                    raise differs(one.text, f" ({there:,} bytes in place of {size:,})")
                if digest_of(one.read()) != digest:
                    raise differs(one.text)
                return one.path
            except StorageError as error:
                faulty(error)
        return None

    def _from_afar(self, some: Sequence[Location], digest: str, size: int | None, to: Path | None,
                   faulty: Faulty) -> Path | None:  # fmt: skip
        cached = self.cache.find(digest)
        if to is None:
            return cached or self.cache.fetch(digest, size, some, faulty)
        return deliver([Here(cached, str(cached))] if cached else some, to, digest, size, faulty)


def _file(to: str | os.PathLike[str], digest: str) -> Path:
    target = Path(os.path.abspath(Path(to).expanduser()))
    return target / hexadecimal(digest) if target.is_dir() else target


def _of_source(source: Location, error: StorageError) -> StorageError | FileUnreadable:
    """Trouble with what was given is not trouble of the store."""
    if error.details.get("place") != source.text:
        return error
    return FileUnreadable(f"{error.message.rstrip('.')}; nothing was stored.", path=source.text)


_WORST = ("digest_differs", "missing_extra", "download_interrupted", "place_unreachable", "bytes_missing")


def _nowhere(what: str, faults: Sequence[StorageError | MissingExtra]) -> StorageError | MissingExtra:
    worst = min(faults, key=lambda f: _WORST.index(f.code), default=None)
    told = "; ".join(dict.fromkeys(fault.message.rstrip(".") for fault in faults)) or "no place is known"
    if isinstance(worst, MissingExtra):
        return MissingExtra(f"{what} cannot be had: {told}.")
    code = worst.code if worst is not None else "bytes_missing"
    return StorageError(
        f"{what} cannot be had: {told}.", code=code, places=[f.details.get("place", "") for f in faults]
    )
