"""DBObject: an object with an identity, fixed once stored, whose links are its dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from provgraph.errors import InvalidInput, UsageError, nearest
from provgraph.schema import keys
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.properties import REQUIRED, Reference


class DBObject(metaclass=DBObjectMeta):
    """Base of everything that becomes an ``:Entity`` (PROV-DM, section 2.1).

    object_id : UUIDv7 of this version; ``urn:uuid:<object_id>`` is its IRI.
    identity : UUID that all versions of one thing share.
    lineage_key : what decides whether two objects are the same; empty where only `object_id` does.
    """

    class_version: ClassVar[int] = 1

    def __init__(self, **values: Any) -> None:
        self._values: dict[str, Any] = {}
        self.is_stored = False
        self.object_id = keys.new_id()
        self.identity = keys.new_id()
        self.version = 1
        self.repeat = 0
        self.created = self.creator = self.project = ""
        self._home: Any = None
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
        missing = [
            n for n, p in (cls.persistents | cls.links).items() if p.default is REQUIRED and n not in self._values
        ]
        if missing:
            raise InvalidInput(f"{cls.__name__} needs {', '.join(missing)}.", code="property_missing")
        self.check()

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

    def index_values(self) -> Mapping[str, Any]:
        """What the index keeps beside the record, computed from it; may be dropped and rebuilt."""
        return {}

    # -- set by the mapper -----------------------------------------------------------------------------------------

    def adopt(self, properties: Mapping[str, Any], home: Any = None) -> None:
        """Become the stored object these graph properties belong to."""
        for name in ("object_id", "identity", "version", "repeat", "created", "creator", "project"):
            setattr(self, name, properties[name])
        self._lineage_key = properties.get("lineage_key") or ""
        self._home = home
        self.is_stored = True

    @classmethod
    def restore(cls, properties: Mapping[str, Any], links: Mapping[str, Any], home: Any = None) -> DBObject:
        """An object as it was stored; links are `Reference`s. What later versions of the class added stays unset."""
        self = cls.__new__(cls)
        self._values = {}
        self._revised = None
        self.is_stored = False
        for name, declared in cls.persistents.items():
            if name in properties:
                self._values[name] = declared.decode(properties[name])
        by_role = {one.role: (name, one) for name, one in cls.links.items()}
        for role, targets in links.items():
            if role in by_role:
                name, linked = by_role[role]
                self._values[name] = tuple(targets) if linked.is_list else targets[0]
        self.adopt(properties, home)
        return self

    def home(self) -> Any:
        """The survey this object lives in."""
        if self._home is None:
            raise UsageError(
                f"This {type(self).__name__} is not stored in a survey yet; survey.store(it) first.", code="not_stored"
            )
        return self._home

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n in type(self).persistents if n in self._values)
        return f"{type(self).__name__}({shown})"
