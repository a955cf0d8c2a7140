"""A table of what stands at the end of paths: values of linked objects are read for all rows together, hop by hop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from provgraph.graph.mapper import Mapper
from provgraph.schema.kinds import kind_of
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.paths import Count, Term
from provgraph.schema.steps import Hop, Value, labels_of

AT_ONCE: Final = 5000  # records in one answer
_COUNTED: Final = Value("count", kind_of(int))
_DTYPES: Final = {str: "U", int: "i8", float: "f8", bool: "?"}


def project(mapper: Mapper, ids: Sequence[str], columns: Mapping[str, Term], *, about: Mapping[str, str]) -> Any:
    """An astropy Table with a row for each object and a column for each path.

    Units and descriptions are those of the declarations. What is missing is masked. A column of a path with many values, or to a
    list, has a tuple in each row, or is an array of two dimensions where all are of one length.
    """
    from astropy.table import Table

    graph = _Graph(mapper)
    graph.records(ids)
    table = Table(meta=dict(about))
    for name, term in columns.items():
        table[name] = _column(name, term, graph.values(ids, term))
    return table


class _Graph:
    """Records and their links as far as they were needed."""

    def __init__(self, mapper: Mapper) -> None:
        self.mapper = mapper
        self.properties: dict[str, Mapping[str, Any] | None] = {}
        self.links: dict[tuple[bool, str], list[tuple[str, int, str]]] = {}
        self.notes: dict[str, dict[str, list[str]]] = {}
        self.labels: dict[str, frozenset[str]] = {}
        self.agents: dict[str, str] = {}

    def values(self, ids: Sequence[str], term: Term) -> list[Any]:
        """What stands at the end of a path for each object, as it is stored; a list where there may be many."""
        path = term.path if isinstance(term, Count) else term
        value = path._value
        reached: list[list[str]] = [[i] for i in ids]
        tags = bool(path._hops) and not path._hops[-1].role
        for hop in path._hops[: -1 if tags else None]:
            reached = self.along(reached, hop)
        self.beside(reached, value, tags)
        found = [[self.at(i, value) for i in one] for one in reached]
        if tags:
            found = [[tag for i in one for tag in self.noted(i, "tag")] for one in reached]
        if isinstance(term, Count) and (value is None or tags):
            return [len(one) for one in found]
        if isinstance(term, Count):
            found = [[None if v is None else len(v) for v in one] for one in found]
        if any(h.many for h in path._hops):
            return [tuple(v for v in one if v is not None) for one in found]
        return [one[0] if one else None for one in found]

    def at(self, object_id: str, value: Value | None) -> Any:
        """Of one object: its id, or a value."""
        properties = self.properties.get(object_id)
        if value is None or properties is None:
            return object_id if properties is not None else None
        if value.brought == "creator":
            return self.agents.get(properties["creator"])
        key = next((k for k in value.keys if properties.get(k) is not None), "")
        found = properties.get(key)
        if found is not None and value.unit:
            found = self.mapper.classes.in_unit(properties, key, value.unit)
        if found is None and value.brought:
            found = next(reversed(self.noted(object_id, value.brought)), None)
        if value.is_list and found is not None:
            found = tuple(found) if isinstance(found, list | tuple) else (found,)
            if value.element is not None:
                inside = -len(found) <= value.element < len(found)
                found = found[value.element] if inside else None
        return found

    # -- what is read ----------------------------------------------------------------------------------------------------------

    def along(self, reached: list[list[str]], hop: Hop) -> list[list[str]]:
        inside = list(dict.fromkeys(i for one in reached for i in one))
        missing = [i for i in inside if (hop.inverse, i) not in self.links]
        near, far, query = ("target", "source", "links_to") if hop.inverse else ("source", "target", "links_of")
        found: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
        for some in _some(missing):
            for row in self.mapper.read(query, ids=some):
                found[row[near]].append((row["role"], row["place"], row[far]))
        self.links |= {(hop.inverse, i): found[i] for i in missing}
        ends = list(dict.fromkeys(t for i in inside for r, _, t in self.links[hop.inverse, i] if r == hop.role))
        self.records(ends)
        fits = set(self.of_classes(ends, hop.classes))

        def targets(i: str) -> list[str]:
            return [
                target for role, place, target in self.links[hop.inverse, i]
                if role == hop.role and target in fits and (hop.index is None or place == hop.index)
            ]  # fmt: skip

        return [[target for i in one for target in targets(i)] for one in reached]

    def records(self, ids: Iterable[str]) -> None:
        missing = [i for i in dict.fromkeys(ids) if i not in self.properties]
        for some in _some(missing):
            rows = {r["properties"]["object_id"]: r["properties"] for r in self.mapper.read("entities_by_id", ids=some)}
            self.properties |= {i: rows.get(i) for i in some}

    def of_classes(self, ids: Sequence[str], classes: Sequence[DBObjectMeta]) -> list[str]:
        """Those that the context may see and that are of all these classes."""
        seen = [i for i in ids if self.properties.get(i) is not None]
        if not classes:
            return seen
        for some in _some([i for i in seen if i not in self.labels]):
            self.labels |= {r["id"]: frozenset(r["labels"]) for r in self.mapper.read("labels_by_id", ids=some)}
        return [i for i in seen if all(self.labels[i].intersection(labels_of(cls)) for cls in classes)]

    def beside(self, reached: list[list[str]], value: Value | None, tags: bool) -> None:
        """Read what does not stand in the records and is asked for."""
        ids = dict.fromkeys(i for one in reached for i in one)
        if value is not None and value.brought == "creator":
            properties = (self.properties.get(i) for i in ids)
            agents = dict.fromkeys(p["creator"] for p in properties if p is not None)
            for some in _some([a for a in agents if a not in self.agents]):
                self.agents |= {r["id"]: r["name"] for r in self.mapper.read("agents_by_id", ids=some)}
        elif tags or (value is not None and value.brought):
            missing = [i for i in ids if i not in self.notes]
            self.notes |= {i: defaultdict(list) for i in missing}
            for some in _some(missing):
                for row in self.mapper.read("notes_about", ids=some):  # the oldest first
                    self.notes[row["about"]][row["kind"]].append(row["value"])

    def noted(self, object_id: str, kind: str) -> list[str]:
        return self.notes[object_id].get(kind, [])


def _some(ids: Sequence[str]) -> Iterable[list[str]]:
    for first in range(0, len(ids), AT_ONCE):
        yield list(ids[first : first + AT_ONCE])


# -- columns -------------------------------------------------------------------------------------------------------------------


def _column(name: str, term: Term, found: list[Any]) -> Any:
    import numpy as np
    from astropy.table import Column, MaskedColumn

    value = term._value if not isinstance(term, Count) else _COUNTED
    described: dict[str, Any] = {"name": name, "description": value.doc if value is not None else ""}
    if value is not None and value.unit not in ("", "?"):
        described["unit"] = value.unit
    if any(isinstance(v, tuple) for v in found):
        return Column(_lists(found, value), **described)
    if value is not None and value.kind.name == "datetime":
        return _times(found, described)
    dtype = "U" if value is None else _DTYPES[value.kind.stored]
    empty = {"U": "", "i8": 0, "f8": np.nan, "?": False}[dtype]
    mask = np.array([v is None for v in found], bool)
    data = np.array([empty if v is None else v for v in found], dtype if dtype != "U" or found else "U1")
    return MaskedColumn(data, mask=mask, **described) if mask.any() else Column(data, **described)


def _lists(found: list[Any], value: Value | None) -> Any:
    """One array where all lists have one length, else a tuple for each row."""
    import numpy as np

    lengths = {len(v) if v is not None else -1 for v in found}
    if len(lengths) == 1 and not any(isinstance(v, tuple) for one in found for v in one) and max(lengths) > 0:
        return np.array(found, "U" if value is None else _DTYPES[value.kind.stored])
    made = np.empty(len(found), object)
    made[:] = found
    return made


def _times(found: list[Any], described: dict[str, Any]) -> Any:
    """Times as astropy has them, in UTC; what says no offset is UTC."""
    import numpy as np
    from astropy.time import Time

    never = datetime(2000, 1, 1)
    moments = [datetime.fromisoformat(v) if v is not None else never for v in found]
    plain = [m if m.tzinfo is None else m.astimezone(UTC).replace(tzinfo=None) for m in moments]
    times = Time(np.array(plain, "datetime64[us]"), format="datetime64", scale="utc")
    mask = np.array([v is None for v in found], bool)
    if mask.any():
        times[mask] = np.ma.masked
    times.info.name, times.info.description = described["name"], described["description"]
    return times
