"""DBObject: an object with an identity, fixed once stored, whose links are its dependencies."""

from __future__ import annotations

import os
import re
import types
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from provgraph.errors import Immutable, InvalidInput, UsageError, nearest
from provgraph.schema import keys
from provgraph.schema.forms import read_values, several
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.properties import REQUIRED, Link, Property, Reference


class DBObject(metaclass=DBObjectMeta):
    """Base of everything that becomes an ``:Entity`` (PROV-DM, section 2.1).

    object_id : UUIDv7 of this version; ``urn:uuid:<object_id>`` is its IRI.
    identity : UUID that all versions of one thing share.
    lineage_key : what decides whether two objects are the same; empty where only `object_id` does.
    """

    class_version: int = 1  # of a stored object, what its class said when it was stored

    object_id: str
    is_stored: bool
    is_deleted: bool = False
    _values: dict[str, Any]
    _home: Any = None
    _defaulted: tuple[str, ...] = ()  # properties that have a value made by their default

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """An object is itself before its ``__init__`` begins: that is a call that may be recorded."""
        self = super().__new__(cls)
        self._values = {}
        self.object_id = keys.new_id()
        self.is_stored = False
        return self

    def __init__(self, **values: Any) -> None:
        self.identity = keys.new_id()
        self.version = 1
        self.repeat = 0
        self.created = self.creator = self.project = ""
        self._revised: Reference | DBObject | None = None
        self._lineage_key: str | None = None
        cls = type(self)
        for name, value in values.items():
            declared = cls.persistents.get(name) or cls.links.get(name)
            if declared is None:
                raise InvalidInput(
                    f"{cls.__name__} has no property {name!r}; {nearest(name, [*cls.persistents, *cls.links])}",
                    code="unknown_property",
                )
            declared.__set__(self, value)
        for name, one in (cls.persistents | cls.links).items():
            if name not in self._values and isinstance(one.default, types.FunctionType | type):
                one.__set__(self, one.default())  # once: what is made anew each time it is looked at would be no value
                self._defaulted = (*self._defaulted, name)
        missing = [n for n in self.missing() if self.needs(n)]
        if missing:
            raise InvalidInput(f"{cls.__name__} needs {', '.join(missing)}.", code="property_missing")
        self.check()
        self._constructed = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "object_id" and "object_id" in vars(self):
            raise Immutable(
                f"The object_id of this {type(self).__name__} is its own; no two objects have the same.",
                object_id=self.object_id,
            )
        super().__setattr__(name, value)

    def missing(self) -> list[str]:
        """Properties without a value that must have one when the object is stored."""
        declared = type(self).persistents | type(self).links
        return [n for n, p in declared.items() if p.default is REQUIRED and n not in self._values]

    def needs(self, name: str) -> bool:
        """Whether a property must have its value from the beginning."""
        return True

    def check(self) -> None:
        """Refuse nonsense when constructed, from lineage alone. Operators say here what cannot be."""

    # -- identity ------------------------------------------------------------------------------------------------

    @property
    def iri(self) -> str:
        return f"urn:uuid:{self.object_id}"

    @property
    def lineage_key(self) -> str:
        if self._lineage_key is None:
            parts = self.lineage()
            self._lineage_key = keys.lineage_key(type(self).__name__, *parts) if parts is not None else ""
        return self._lineage_key

    @property
    def dependency_key(self) -> str:
        """What a dependent hashes: the lineage key with the repeat, or the id of a thing without lineage."""
        key = self.lineage_key
        if not key:
            return self.object_id
        return f"{key}#{self.repeat}" if self.repeat else key

    def lineage(self) -> list[Any] | None:
        """What, besides the class, decides the lineage key; None: the object is only itself."""
        return None

    def dependencies(self) -> Iterator[tuple[str, int, Any]]:
        """(role, index, object or Reference) of each link, without reading anything."""
        for name, declared in type(self).links.items():
            value = self._values.get(name)
            if value is None:
                continue
            for index, one in enumerate(value if isinstance(value, tuple) else (value,)):
                yield declared.role, index, one

    def descriptors(self) -> dict[str, Any]:
        """The plain values as a graph stores them."""
        found = {}
        for name, declared in type(self).persistents.items():
            value = getattr(self, name, None)
            if value is not None:
                found[name] = declared.encode(value)
        return found

    def _plain(self, name: str) -> Any:
        """A descriptor as keys hash it: floats exactly, also those that JSON does not have."""
        value = getattr(self, name)
        if value is None:
            return None
        stored = type(self).persistents[name].encode(value)
        return [_exact(v) for v in stored] if isinstance(stored, list) else _exact(stored)

    def index_values(self) -> Mapping[str, Any]:
        """What the index keeps beside the record, computed from it; may be dropped and rebuilt."""
        return {}

    # -- set by the mapper -----------------------------------------------------------------------------------------

    def adopt(self, properties: Mapping[str, Any], home: Any = None) -> None:
        """Become the stored object these graph properties belong to."""
        for name in ("object_id", "identity", "version", "repeat", "created", "creator", "project"):
            vars(self)[name] = properties[name]
        self.class_version = properties.get("class_version", type(self).class_version)
        self._lineage_key = properties.get("lineage_key") or ""
        self.is_deleted = bool(properties.get("deleted"))
        self._home = home
        self.is_stored = True

    @classmethod
    def restore(cls, properties: Mapping[str, Any], links: Mapping[str, Any], home: Any = None,
                said: Mapping[str, Any] | None = None) -> DBObject:  # fmt: skip
        """An object as it was stored; links are `Reference`s. What later versions of the class added stays unset.

        said : what the class declared of each property when the object was stored, where it has another form now.
        """
        self = cls.__new__(cls)
        self._revised = None
        if said is not None:
            self._values |= read_values(cls, properties, said)
        else:
            for name, declared in cls.persistents.items():
                if (value := declared.stored(properties)) is not None:
                    self._values[name] = declared.decode(value)
        by_role = {one.role: (name, one) for name, one in cls.links.items()}
        for role, targets in links.items():
            if role in by_role:
                name, linked = by_role[role]
                many = linked.is_list or (said is not None and len(targets) > 1)
                self._values[name] = tuple(targets) if many else targets[0]
                if many and not linked.is_list:
                    several(cls, name, len(targets))
        self.adopt(properties, home)
        return self

    def home(self) -> Any:
        """The survey this object lives in."""
        if self._home is None and self.is_stored:
            raise UsageError(
                f"This {type(self).__name__} came here without the survey that it is stored in; survey.get({self.object_id!r}) "
                "reads it there.", code="not_here",
            )  # fmt: skip
        if self._home is None:
            raise UsageError(
                f"This {type(self).__name__} is not stored in a survey yet; survey.store(it) first.", code="not_stored"
            )
        return self._home

    # -- copies ----------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """For another process: its values, without its survey. What it is linked to and is stored stays there."""
        values = {n: _left_there(v) if n in type(self).links else v for n, v in self._values.items()}
        return {**vars(self), "_values": values, "_home": None, "_revised": _left_there(self._revised)}

    def __copy__(self) -> Self:
        return self._copied(dict(self._values))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copied(deepcopy(self._values, memo)) if not self.is_stored else self

    def _copied(self, values: dict[str, Any]) -> Self:
        """What is stored is fixed, so it needs no copy; another object of the same values of what is not."""
        if self.is_stored:
            return self
        new = type(self).__new__(type(self))
        vars(new).update({**vars(self), "object_id": new.object_id, "identity": keys.new_id(), "_values": values})
        return new

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n in type(self).persistents if n in self._values)
        return f"{type(self).__name__}({shown})"


def _left_there(value: Any) -> Any:
    """A link without the stored objects that it leads to."""
    if isinstance(value, tuple):
        return tuple(map(_left_there, value))
    if isinstance(value, DBObject) and value.is_stored:
        return Reference(value.object_id, lambda _: value)
    return value


def _exact(value: Any) -> Any:
    return value.hex() if isinstance(value, float) else value


@dataclass(frozen=True)
class Attachment:
    """A file that an object is to have: `given` is its path, its address, or the bytes; name '' is a canonical one."""

    given: str | bytes
    copy: bool = True
    name: str = ""
    held: Any = None  # what was given: a path of the cache keeps its file there


class FileLink(Link[Any]):
    """The link of an object to its file. A path, an address or bytes that are set in place of one are attached."""

    def __init__(self) -> None:
        super().__init__(None, optional=True, doc="its file, as it is stored")

    def target(self, owner: type) -> type:
        from provgraph.schema.files import StoredFile  # which is a DBObject itself

        return StoredFile

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, str | bytes | os.PathLike):
            instance.attach(value)
        else:
            super().__set__(instance, value)
            instance._attached = None


class DataObject(DBObject):
    """A persistent object that may have a file (data lineage paper, section 2.1).

    The file is attached before the object is stored: ``frame.attach("/data/r123.fits")``, or ``RawFrame(file="/data/r123.fits")``.
    It is put into the survey's store first, and then the object is committed.
    """

    file = FileLink()

    _attached: Attachment | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if isinstance(vars(cls).get("file"), Property) and not isinstance(vars(cls)["file"], FileLink):
            raise InvalidInput(
                f"{cls.__name__}.file: a data object has its file there; choose another name.", code="reserved_name"
            )

    def attach(self, file: str | bytes | os.PathLike[str], *, copy: bool = True, name: str = "") -> None:
        """Give the object its file, by path or address, or as bytes. Nothing is read until the object is stored.

        copy : False leaves the file where it is, and records where that is, and the digest of what it holds.
        name : what to call it, unique in the survey; ``<Class>-<object id><suffix>`` unless said.

        Raises
        ------
        Immutable : the object is stored. InvalidInput : ``file_name_invalid``.
        """
        if self.is_stored:
            raise Immutable(
                f"This {type(self).__name__} is fixed, the object is stored; make a new version of it with the other file, "
                "survey.new_version(it, file=...).",
                object_id=self.object_id,
            )
        if isinstance(file, bytes) and not copy:
            raise InvalidInput("Bytes are nowhere but here, so they cannot be left where they are.", code="usage")
        if name and (name != name.strip() or name.startswith(".") or len(name) > 200 or not _FILE_NAME.fullmatch(name)):
            raise InvalidInput(
                f"{name!r} cannot be the name of a file: it is up to 200 characters without / and \\, and begins with no dot.",
                code="file_name_invalid",
            )
        if not isinstance(file, str | bytes | os.PathLike):
            raise InvalidInput(
                f"The file of a {type(self).__name__} is given as a path, an address or bytes, not as {file!r}.",
                code="wrong_type",
            )
        given = file if isinstance(file, bytes) else os.fspath(file)
        if isinstance(given, str) and "://" not in given:
            given = os.path.abspath(os.path.expanduser(given))  # where it is when it is stored, nobody knows yet
        self._attached = Attachment(given, copy, name, file)
        self._values.pop("file", None)

    def retrieve(self, to: str | os.PathLike[str] | None = None) -> Path:
        """A path of the file on this machine, every byte verified; or the file `to`, or one of its name in the directory `to`.

        StorageError ``bytes_missing``, ``digest_differs``, ``download_interrupted``, ``place_unreachable``.
        """
        return self.home().retrieve(self, to=to)

    def open(self) -> BinaryIO:
        """The file, verified and opened to read bytes."""
        return self.home().open_file(self)


_FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
