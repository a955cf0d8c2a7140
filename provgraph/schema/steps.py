"""What paths are made of: steps from object to object, and the value at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from provgraph.errors import a
from provgraph.schema.kinds import Kind, kind_of
from provgraph.schema.meta import DBObjectMeta, registry
from provgraph.schema.properties import Persistent

TAG: Final = "tag"


@dataclass(frozen=True)
class Hop:
    """A step from an object to others.

    role : of the link; '' for the tags of an object. inverse : from what is linked to what links to it. many : there may be
    several. classes : only objects of these classes, where the role alone does not say so. index : only the one at this place
    of a list.
    """

    role: str
    inverse: bool = False
    many: bool = False
    classes: tuple[DBObjectMeta, ...] = ()
    index: int | None = None


@dataclass(frozen=True)
class Value:
    """What is at the end of a path.

    keys : under which its node holds it, the one of now first. is_list : it is a list; element : of which only this one is meant.
    brought : 'name', 'description' or 'creator', where it stands in a neighbour of the node; what the node says itself comes first.
    indexes : labels and keys of the indexes that find it; unique : that find at most one object.
    """

    name: str
    kind: Kind
    keys: tuple[str, ...] = ()
    is_list: bool = False
    element: int | None = None
    brought: str = ""
    unit: str = ""
    doc: str = ""
    indexes: tuple[tuple[str, str], ...] = ()
    unique: bool = False

    @property
    def is_float(self) -> bool:
        """NaN is no value."""
        return self.kind.stored is float and not (self.is_list and self.element is None)


def labels_of(cls: DBObjectMeta) -> tuple[str, ...]:
    """Labels of the objects of a class: its own, its earlier names, and what subclasses were stored as before they were that."""
    found = [cls.__name__, *cls.was]
    for one in registry.values():
        if one is not cls and cls in one.__mro__:
            found += [*one.was, *([one.__name__] if one.class_version > 1 else [])]
    return tuple(dict.fromkeys(found))


def _time(value: Any) -> str:
    """A time as ours are stored: UTC, of one width; what says no offset is UTC, a text may be cut off after year, month, ..."""
    if isinstance(value, str):
        value = read_time(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    value = MOMENT.take(value)
    utc = value if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def read_time(text: str) -> datetime:
    text = text.strip()
    try:
        return datetime.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
    except ValueError:
        raise TypeError(
            "a time, as a datetime or as '2026', '2026-11', '2026-11-21' or '2026-11-21T07:41:00'"
        ) from None


def identifier(value: Any) -> str:
    return _TEXT.take(value).removeprefix("urn:uuid:")


_TEXT: Final = kind_of(str)
MOMENT: Final = kind_of(datetime)
_ID: Final = Kind("id", str, identifier)
_TIME: Final = Kind("datetime", str, _time)
OF_ALL: Final = {
    v.name: v
    for v in (
        Value("object_id", _ID, ("object_id",), doc="of this version", indexes=(("Entity", "object_id"),), unique=True),
        Value(
            "identity", _ID, ("identity",), doc="shared by all versions of one thing", indexes=(("Entity", "identity"),)
        ),
        Value(
            "lineage_key", _TEXT, ("lineage_key",), doc="equal keys, same object", indexes=(("Entity", "lineage_key"),)
        ),
        Value("version", kind_of(int), ("version",), doc="among the versions of one thing"),
        Value("class_name", _TEXT, ("class_name",), doc="of its class when it was stored"),
        Value("class_version", kind_of(int), ("class_version",), doc="of its class when it was stored"),
        Value("created", _TIME, ("created",), doc="when it was stored"),
        Value("creator", _TEXT, brought="creator", doc="name of the agent in whose name it was made"),
        Value("project", _TEXT, ("project",), doc="in which it was made"),
        Value("name", _TEXT, brought="name", doc="the newest name given to it"),
        Value("description", _TEXT, brought="description", doc="the newest description of it"),
        Value(TAG, _TEXT, brought=TAG, doc="tags given to it"),
    )
}


def index_of(cls: DBObjectMeta, name: str, declared: Persistent[Any]) -> list[tuple[str, str]]:
    """Labels and keys of the indexes of a property: with the most general classes that declare it, under each of its names."""
    owners = [c for c in cls.__mro__ if isinstance(c, DBObjectMeta) and c.persistents.get(name) is declared]
    tops = [c for c in owners if not any(c is not o and issubclass(c, o) for o in owners)]
    return [(label, key) for one in tops for label in labels_of(one) for key in (name, *declared.was)]


def a_kind(value: Value) -> str:
    name = {"str": "text", "int": "an integer", "float": "a number", "bool": "True or False", "datetime": "a time"}.get(
        value.kind.name, a(value.kind.name)
    )
    return "a list" if value.is_list and value.element is None else name
