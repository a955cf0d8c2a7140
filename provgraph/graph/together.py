"""Objects that were read together: when a link of one is followed, the links of that role of all of them are read at once."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Reference

AT_ONCE = 1000  # whoever looks at one link need not wait for a million

Read = Callable[[Sequence[str]], Mapping[str, DBObject]]


def bind(objects: Sequence[DBObject], read: Read, get: Callable[[str], DBObject]) -> None:
    """Let the links of these objects that were not followed yet be read together, in groups of neighbours.

    Who was read with more objects that are still in use stays with them. read : objects of these ids, as far as there are any.
    get : one object, or the error that there is none.
    """
    for first in range(0, len(objects), AT_ONCE):
        some = objects[first : first + AT_ONCE]
        together = _Together(some, read, get)
        living: dict[int, int] = {}
        for one in some:
            for role, _, references in _open(one):
                for reference in references:
                    before = reference.load
                    if isinstance(before, _Following):
                        group = before.group
                        if living.setdefault(id(group), len(group.living())) >= len(some):
                            continue
                    reference.load = _Following(together, role)


class _Together:
    """Knows its objects weakly: none is kept alive, or read for, because others of its group are in use."""

    def __init__(self, objects: Sequence[DBObject], read: Read, get: Callable[[str], DBObject]) -> None:
        self.objects = [weakref.ref(one) for one in objects]
        self.read, self.get = read, get
        self.lock = threading.RLock()  # what two threads look at is read once

    def living(self) -> list[DBObject]:
        return [one for ref in self.objects if (one := ref()) is not None]

    def follow(self, role: str, object_id: str) -> DBObject:
        with self.lock:
            living = self.living()
            open_links = [(one, name, found) for one in living for r, name, found in _open(one) if r == role]
            wanted = {reference.object_id: None for _, _, references in open_links for reference in references}
            if object_id not in wanted and (there := _followed(living, role, object_id)) is not None:
                return there
            found = self.read(list(wanted | {object_id: None}))
            for one, name, _ in open_links:
                value = one._values[name]
                if isinstance(value, tuple):
                    one._values[name] = tuple(
                        found.get(v.object_id, v) if isinstance(v, Reference) else v for v in value
                    )
                elif isinstance(value, Reference):
                    one._values[name] = found.get(value.object_id, value)
        return found[object_id] if object_id in found else self.get(object_id)


def _followed(living: Sequence[DBObject], role: str, object_id: str) -> DBObject | None:
    """What another thread has read meanwhile."""
    for one in living:
        for name, declared in type(one).links.items():
            if declared.role == role:
                value = one._values.get(name)
                for linked in value if isinstance(value, tuple) else (value,):
                    if isinstance(linked, DBObject) and linked.object_id == object_id:
                        return linked
    return None


class _Following:
    """What a Reference of a group calls when it is looked at."""

    __slots__ = ("group", "role")

    def __init__(self, group: _Together, role: str) -> None:
        self.group, self.role = group, role

    def __call__(self, object_id: str) -> DBObject:
        return self.group.follow(self.role, object_id)


def _open(one: DBObject) -> Iterator[tuple[str, str, list[Reference]]]:
    """Role and name of each link that was not followed yet, with what it leads to."""
    for name, declared in type(one).links.items():
        value = one._values.get(name)
        references = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Reference)]
        if references:
            yield declared.role, name, references
