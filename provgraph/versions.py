"""Versions of a thing: the next one, and the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provgraph.errors import InvalidInput, UsageError, nearest
from provgraph.graph.mapper import Batch, Mapper
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Reference

DELETED = "deleted"


def next_version(mapper: Mapper, one: DBObject, changes: Mapping[str, Any]) -> DBObject:
    """An unstored object with the values of `one` but for `changes`, which succeeds it."""
    cls = type(one)
    if not one.is_stored:
        raise UsageError(
            f"This {cls.__name__} is not stored, so there is no version of it; just change it.", code="not_stored"
        )
    declared = cls.persistents | cls.links
    for name in changes:
        if name not in declared:
            raise InvalidInput(
                f"{cls.__name__} has no property {name!r}; {nearest(name, declared)}", code="unknown_property"
            )
    rows = mapper.read("versions_of", identities=[one.identity])
    newest = max((r["properties"] for r in rows), key=lambda p: p["version"])
    if newest["version"] > one.version:
        raise InvalidInput(
            f"Version {newest['version']} of this {cls.__name__} is newer than {one.version}; make the next version from that "
            f"one, survey.get({newest['object_id']!r}).", code="not_newest", newest=newest["object_id"],
        )  # fmt: skip
    values = {name: getattr(one, name) for name in declared if one._values.get(name) is not None}
    new = cls(**(values | dict(changes)))
    new.identity, new.version = one.identity, one.version + 1
    new._revised = Reference(one.object_id, lambda _: one)
    return new


def delete(mapper: Mapper, one: DBObject, reason: str) -> None:
    """Leave a tombstone, where nothing depends on the object."""
    rows = mapper.read("dependents_of", ids=[one.object_id])
    if rows:
        some = ", ".join(f"{r['class_name']} {r['object_id']}" for r in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise InvalidInput(
            f"{type(one).__name__} {one.object_id} cannot be deleted, others depend on it: {some}{more}; delete these first.",
            code="has_dependents", dependents=[r["object_id"] for r in rows],
        )  # fmt: skip
    batch = Batch()
    batch.note(one, DELETED, "true", reason=reason)
    batch.tombstones.append(one)
    mapper.write(batch)
