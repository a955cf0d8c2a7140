"""Pass: the exact same catalog as its parent; the movable end of a graph under construction."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link
from provgraph.schema.table import Table


class Pass(SourceCollection):
    """Represents the exact same catalog as its parent. Never stored: what stands on it is stored as standing on its parent."""

    parent = link(SourceCollection, role="parent")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        _alive.add(self)

    def derive_attributes(self) -> AttributeSet:
        return self.parent.attributes()

    def evaluate(self, *parents: Table) -> Table:
        return parents[0]


_alive: WeakSet[Pass] = WeakSet()  # so that a thousand plain objects are not searched for one


def without_pass(one: DBObject) -> DBObject:
    """What `one` is without each Pass in what is not stored yet; the objects that stood on one now stand on its parent."""
    if not _alive:
        return one
    unstored: dict[int, DBObject] = {}
    todo: list[Any] = [one]
    while todo:
        found = todo.pop()
        if isinstance(found, DBObject) and not found.is_stored and id(found) not in unstored:
            unstored[id(found)] = found
            todo.extend(target for _, _, target in found.dependencies())
    if not any(isinstance(found, Pass) for found in unstored.values()):
        return one
    for found in unstored.values():
        moved = False
        for name in () if isinstance(found, Pass) else type(found).links:
            value = found._values.get(name)
            if value is not None:
                found._values[name] = tuple(map(_meant, value)) if isinstance(value, tuple) else _meant(value)
                moved = True
        if moved:  # what was answered from lineage before may have named a Pass
            found._lineage_key = None
            if isinstance(found, SourceCollection) and found.parents:
                for answer in ("_attributes", "_sources", "_id_space"):
                    found.__dict__.pop(answer, None)
    return _meant(one)  # type: ignore[no-any-return]


def _meant(one: Any) -> Any:
    while isinstance(one, Pass) and not one.is_stored:
        one = one.parent
    return one
