"""Where the search for the objects of a condition can start: at what an index finds, also at the far end of a chain of links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from provgraph.schema.conditions import All, Condition, In, Leaf, Linked, Match, Operator, Range, Some
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.paths import Count
from provgraph.schema.steps import Hop, Value


@dataclass(frozen=True, eq=False)
class Start:
    """What an index finds, and the way from there to the objects that are asked for.

    hops : from the objects asked for to what is found, so they are gone backwards. kind : 'values' for one of several, 'range',
    'beginning' of a text, or 'notes' of which an object has one. indexes : labels and keys. found : values, bounds, or the text.
    note : of which kind, for notes. settled : the conditions that hold for whatever is found this way.
    """

    hops: tuple[Hop, ...]
    kind: Literal["values", "range", "beginning", "notes"]
    indexes: tuple[tuple[str, str], ...]
    found: tuple[Any, ...]
    note: str = ""
    unique: bool = False
    settled: tuple[Leaf, ...] = ()

    @property
    def certain(self) -> bool:
        """Nothing finds less."""
        return self.unique and not self.hops and len(self.found) == 1


def starts(condition: Condition | None, cls: DBObjectMeta) -> list[Start]:
    """Every start for the objects of a class; [] where all of them have to be looked at."""
    found: list[Start] = []
    ranges: dict[tuple[tuple[Hop, ...], str], int] = {}
    for leaf, hops, own in _leaves(condition):
        start = _start(leaf, hops)
        if start is None:
            continue
        if own and len(start.indexes) == 1 and start.kind in ("values", "range") and issubclass(cls, leaf.root):
            start = replace(start, settled=(leaf,))
        place = (hops, leaf.path._value.name if leaf.path._value else "")
        if start.kind == "range" and not any(h.many for h in hops):  # two bounds of one value
            if place in ranges:
                other = found[ranges[place]]
                both = (*other.settled, *start.settled) if other.settled and start.settled else ()
                found[ranges[place]] = replace(other, found=(*other.found, *start.found), settled=both)
                continue
            ranges[place] = len(found)
        found.append(start)
    certain = [s for s in found if s.certain]
    return certain[:1] or found


def _leaves(
    condition: Condition | None, before: tuple[Hop, ...] = (), own: bool = True
) -> Iterator[tuple[Leaf, tuple[Hop, ...], bool]]:
    """What has to be true, each with the way to what it is about; own : of the object itself, not of one among several others."""
    for part in condition.parts if isinstance(condition, All) else (condition,):
        if not isinstance(part, Leaf) or part.opposite or isinstance(part.term, Count):
            continue
        if isinstance(part, Some):
            yield from _leaves(part.condition, (*before, *part.path._hops), own=False)
        else:
            yield part, (*before, *part.path._hops), own


def _start(leaf: Leaf, hops: tuple[Hop, ...]) -> Start | None:
    value = leaf.path._value
    if isinstance(leaf, Linked):
        if leaf.unlike or not leaf.ids:
            return None
        return Start(hops, "values", (("Entity", "object_id"),), leaf.ids, unique=True)
    if value is None or value.element is not None or value.is_list:
        return None
    values = _values(leaf)
    if values and (hops and not hops[-1].role):  # a tag
        return Start(hops[:-1], "notes", (("Note", "value"),), values, note="tag")
    if values and value.brought == "name" and not value.keys:
        return Start(hops, "notes", (("Note", "value"),), values, note="name")
    if not value.indexes:
        return None
    if values:
        return Start(hops, "values", value.indexes, _with_zeros(values, value), unique=value.unique)
    match leaf:
        case Range(bounds=bounds):
            some: list[tuple[Operator, Any]] = [b for b in bounds if b[0] not in ("=", "<>")]
            return Start(hops, "range", value.indexes, tuple(some)) if some and len(some) == len(bounds) else None
        case Match(beginning=beginning) if beginning:
            return Start(hops, "beginning", value.indexes, (beginning,))
    return None


def _values(leaf: Leaf) -> tuple[Any, ...]:
    """The values that a leaf allows, where it says them."""
    match leaf:
        case In(values=values):
            return values
        case Range(bounds=(("=", value),)):
            return (value,)
    return ()


def _with_zeros(values: tuple[Any, ...], value: Value) -> tuple[Any, ...]:
    """0.0 and -0.0 are equal, but not to an index."""
    if value.kind.stored is not float or 0.0 not in values:
        return values
    return (*(v for v in values if v != 0), 0.0, -0.0)
