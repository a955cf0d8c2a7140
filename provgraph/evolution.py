"""What changed in persistent classes: as they are recorded in a survey, and as they are here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provgraph.graph.mapper import Batch, Mapper
from provgraph.schema.files import ClassVersion
from provgraph.schema.forms import form_of, is_of_author
from provgraph.schema.meta import DBObjectMeta, class_called

_WORDS = {
    "type": "type", "list": "list", "unit": "unit", "ucd": "UCD", "required": "required", "optional": "may have no value",
    "constraint": "constraint", "index": "index", "lineage": "decides the lineage key", "doc": "documentation",
    "to": "links to", "role": "role",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One difference between a class as it is recorded and as it is here.

    change : 'added', 'removed', 'renamed', 'changed', or 'not here' of a class that was not imported. property : '' where it is of
    the class itself. what : which part of the declaration. was, now : as recorded, and here.
    """

    class_name: str
    property: str
    change: str
    what: str = ""
    was: Any = None
    now: Any = None

    def __str__(self) -> str:
        of = f"{self.class_name}.{self.property}" if self.property else self.class_name
        match self.change:
            case "not here":
                return f"{of}: its code is not here, its objects load with what was stored"
            case "added":
                return f"{of}: added, {self.now}"
            case "removed":
                return f"{of}: removed, it was {self.was}"
            case "renamed":
                return f"{of}: renamed, it was {self.was}"
        return f"{of}: {_WORDS.get(self.what, self.what)} {_shown(self.was)} -> {_shown(self.now)}"


def diff(mapper: Mapper) -> list[Difference]:
    """What differs, by class; nothing of a class that is recorded as it is here, or of which no object was stored."""
    recorded = mapper.classes.recorded()
    found: list[Difference] = []
    for name, versions in recorded.items():
        cls = class_called(name)
        if cls is None or not is_of_author(cls):
            found.append(Difference(name, "", "not here"))
        elif cls.__name__ == name or cls.__name__ not in recorded:
            found.extend(_of_class(name, cls, versions))
    return found


def migrate(mapper: Mapper) -> list[ClassVersion]:
    """Record the classes that differ, as their next versions; no stored object is touched."""
    classes = {
        cls: None for name in mapper.classes.recorded()
        if (cls := class_called(name)) is not None and is_of_author(cls)
    }  # fmt: skip
    batch = Batch()
    batch.add(*mapper.classes.versions(classes))
    mapper.write(batch)
    return [one for one in batch.objects if isinstance(one, ClassVersion)]


def _of_class(name: str, cls: DBObjectMeta, versions: list[ClassVersion]) -> Iterator[Difference]:
    form = form_of(cls)
    if cls.__name__ != name:
        yield Difference(cls.__name__, "", "renamed", was=name, now=cls.__name__)
    if any(v.digest == form.digest for v in versions):
        return
    was, now = versions[-1].declared(), json.loads(form.text)
    for what in ("class_version", "bases"):
        if was[what] != now[what]:
            yield Difference(cls.__name__, "", "changed", what, was[what], now[what])
    yield from _between(cls.__name__, was["properties"], now["properties"])
    yield from _between(cls.__name__, was["links"], now["links"])


def _between(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    before = {key: key for key in now if key in was}
    for key, declared in now.items():
        earlier = next((n for n in declared.get("was", ()) if n in was and n not in now), None)
        if earlier is None and key not in was and "role" in declared:  # a link is the same by its role
            earlier = next((n for n, one in was.items() if n not in now and one["role"] == declared["role"]), None)
        if key not in before and earlier is not None:
            before[key] = earlier
            yield Difference(name, key, "renamed", was=earlier, now=key)
    for key in was:
        if key not in before.values():
            yield Difference(name, key, "removed", was=_told(was[key]))
    for key, declared in now.items():
        if key not in before:
            yield Difference(name, key, "added", now=_told(declared))
            continue
        there = was[before[key]]
        for what in _WORDS:
            if there.get(what) != declared.get(what):
                yield Difference(name, key, "changed", what, there.get(what), declared.get(what))


def _told(declared: Mapping[str, Any]) -> str:
    if "to" in declared:
        kind = f"a list of links to {declared['to']}" if declared["list"] else f"a link to {declared['to']}"
        return kind
    kind = f"a list of {declared['type']}" if declared["list"] else str(declared["type"])
    return f"{kind} in {declared['unit']}" if declared["unit"] else kind


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value not in ("", None) else "none"
