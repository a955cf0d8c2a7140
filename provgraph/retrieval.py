"""Scripts for lineage retrieval (data lineage paper, section 5.3.3), as functions of a stored object."""

from __future__ import annotations

from typing import Any

from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Reference
from provgraph.schema.target import ProcessTarget


def info(obj: DBObject) -> str:
    """The lineage of an object as an indented tree."""
    return str(obj.home().lineage(obj).text())


def get_persistent_properties(obj: DBObject) -> dict[str, Any]:
    """Descriptors and links of an object by name, in order of declaration; what has no value is None."""
    cls = type(obj)
    return {name: getattr(obj, name, None) for name in (*cls.persistents, *cls.links)}


def get_inverse_properties(obj: DBObject) -> list[DBObject]:
    """All objects that used this one: those it is linked from, in the order in which they were stored."""
    mapper = obj.home().mapper
    ids = dict.fromkeys(row["source"] for row in mapper.read("links_to", ids=[obj.object_id]))
    return sorted(mapper.found(list(ids)).values(), key=lambda one: (one.created, one.object_id))


def get_dependencies(obj: DBObject, *, up: int | None = 1) -> list[DBObject]:
    """The objects that this one is linked to, nearest first; up : so many links away at most, None for all that it rests on."""
    found: dict[str, DBObject] = {}
    level: list[DBObject] = [obj]
    while level and up != 0:
        ends = [end for one in level for _, _, end in one.dependencies()]
        stored = {end.object_id for end in ends if isinstance(end, Reference)}
        read = obj.home().mapper.found(sorted(stored)) if stored else {}
        fresh = [read.get(end.object_id) if isinstance(end, Reference) else end for end in ends]
        level = []
        for one in fresh:
            if one is not None and one.object_id not in found and one is not obj:
                found[one.object_id] = one
                level.append(one)
        up = None if up is None else up - 1
    return list(found.values())


def get_onthefly_dependencies(obj: DBObject, *, up: int | None = 1) -> list[DBObject]:
    """Those dependencies that can be processed anew: process targets whose class says how they are made."""
    return [
        one for one in get_dependencies(obj, up=up)
        if isinstance(one, ProcessTarget) and type(one).make is not ProcessTarget.make
    ]  # fmt: skip
