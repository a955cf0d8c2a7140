"""A class that is not here: its objects still load, with the values and links that they were stored with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from provgraph.schema.meta import RESERVED, DBObjectMeta
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Link, Persistent
from provgraph.schema.target import ProcessTarget


def stand_in(properties: Mapping[str, Any], links: Mapping[str, Iterable[Any]]) -> DBObjectMeta:
    """A class by the name of one that nobody imported, with the properties of one stored object."""
    kinds = tuple(sorted((n, _kind(v)) for n, v in properties.items() if n not in RESERVED and n != "deleted"))
    roles = tuple(sorted((role, len(list(some)) > 1) for role, some in links.items()))
    return _class(str(properties["class_name"]), kinds, roles, "made_from" in properties)


def is_stand_in(cls: type) -> bool:
    """Whether the code of a class is not here."""
    return bool(getattr(cls, "__provgraph_stand_in__", False))


@lru_cache(maxsize=1024)
def _class(
    name: str, kinds: tuple[tuple[str, Any], ...], roles: tuple[tuple[str, bool], ...], is_target: bool
) -> DBObjectMeta:
    base = ProcessTarget if is_target else DBObject
    made = type.__new__(DBObjectMeta, name, (base,), {"__provgraph_stand_in__": True, "__module__": __name__})
    made.was, made.is_traced = (), None
    made.persistents, made.links = dict(base.persistents), dict(base.links)
    for n, kind in kinds:
        if n not in made.persistents:
            made.persistents[n] = _declared(made, n, Persistent(kind, default=None))
    for role, many in roles:
        made.links[role] = _declared(made, role, Link(list[DBObject] if many else DBObject, optional=True))
    return made


def _declared(cls: type, name: str, one: Any) -> Any:
    one.__set_name__(cls, name)
    type.__setattr__(cls, name, one)
    return one


def _kind(value: Any) -> Any:
    if isinstance(value, list):
        inner: Any = type(value[0]) if value else str
        return list[inner]
    return type(value)
