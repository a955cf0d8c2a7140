"""How often things were made, used for others and handed out, and what that cost: by class, by thing, or by a property.

What was made, when, from what and how long it took stands in the graph; what was found again or handed out, in the survey's uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final

from provgraph.errors import InvalidInput, NotFound, nearest
from provgraph.export import steps
from provgraph.graph import queryable, statements
from provgraph.projection import project
from provgraph.resolver.costs import amount
from provgraph.schema.meta import DBObjectMeta, class_called, registry
from provgraph.schema.objects import DataObject
from provgraph.schema.paths import Path as ClassPath
from provgraph.schema.target import ProcessTarget
from provgraph.store.uses import DELIVERED, REUSED

MADE: Final = "made"
EXPORTED: Final = "exported"
EVERY: Final = 1_000_000
COUNTED: Final = (MADE, REUSED, DELIVERED)


@dataclass
class Row:
    """What is known of a class, a thing, or a group of objects.

    objects : stored, all versions. made : how often a make() or another call made one of them, once more too. found : how often it
    was there when it should have been made. used : how many other objects were made from them. delivered : how often a file, or a
    catalog, was handed out. seconds : of the calls that made them. bytes : of their files that are kept. dropped : bytes of those
    that are not. last : when one of them was made or used last, ISO 8601.
    """

    group: str
    objects: int = 0
    made: int = 0
    found: int = 0
    used: int = 0
    delivered: int = 0
    seconds: float = 0.0
    bytes: int = 0
    dropped: int = 0
    last: str = ""

    @property
    def reused(self) -> int:
        return self.found + self.used

    def as_dict(self) -> dict[str, Any]:
        return {
            "group": self.group, "objects": self.objects, "made": self.made, "reused": self.reused, "found": self.found,
            "used": self.used, "delivered": self.delivered, "seconds": self.seconds, "bytes": self.bytes, "dropped": self.dropped,
            "last": self.last,
        }  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """A table of uses, and how they went on over time. rows : by group. what : of which class; by : what a group is."""

    what: str
    by: str
    since: str
    rows: tuple[Row, ...]
    events: Mapping[str, Mapping[str, list[tuple[str, int]]]] = field(
        repr=False
    )  # what is counted, group, when how many

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, group: Any) -> Row:
        found = next((r for r in self.rows if r.group == str(group)), None)
        if found is None:
            raise NotFound(
                f"There is no {self.by} {str(group)!r} here; {nearest(str(group), [r.group for r in self.rows])}"
            )
        return found

    def __repr__(self) -> str:
        since = f" since {self.since}" if self.since else ""
        if not self.rows:
            return f"Nothing of {self.what} is stored{since}."
        heads = (self.by, "objects", "made", "reused", "delivered", "time", "kept", "dropped")
        rows = [(r.group, f"{r.objects:,}", f"{r.made:,}", f"{r.reused:,}", f"{r.delivered:,}", time_of(r.seconds, r.made),
                 amount(r.bytes), amount(r.dropped) if r.dropped else "") for r in self.rows]  # fmt: skip
        return aligned(heads, rows)

    __str__ = __repr__

    def as_dict(self) -> dict[str, Any]:
        return {"class": self.what, "by": self.by, "since": self.since, "rows": [r.as_dict() for r in self.rows]}

    def plot(self, path: str | Path, count: str = MADE) -> Path:
        """Write how a count grew over time as an SVG picture, a line for each group (data lineage paper, Fig. 5).

        count : ``made``, ``reused`` or ``delivered``.
        """
        if count not in COUNTED:
            raise InvalidInput(f"{count!r} is not counted; {', '.join(COUNTED)} are.", code="count_unknown")
        groups = {name: [(_moment(at), n) for at, n in found] for name, found in self.events[count].items() if found}
        by = f" by {self.by}" if self.by != "class" else ""
        since = f" since {self.since[:10]}" if self.since else ""
        target = Path(path)
        target.write_text(steps.draw(f"{self.what}{by}: {count}{since}", count, groups), "utf-8")
        return target


def usage(survey: Any, cls: Any = None, *, by: Any = "", since: Any = "") -> Usage:
    """See `Survey.usage`."""
    begin = _since(since)
    by = None if isinstance(by, str) and not by else by  # a path has no truth
    name, known = _class(survey, cls)
    labels = [name] if name else [ProcessTarget.__name__, DataObject.__name__]
    if by is not None and not name:
        raise InvalidInput("Groups by a property are those of one class; say which.", code="class_missing")
    statements.declare(*labels)
    mapper = survey.mapper
    properties: dict[str, Mapping[str, Any]] = {}
    for label in labels:
        rows = mapper.read("entities_of_class", {"label": label}, before="9999", deleted=True, limit=EVERY)
        properties |= {r["properties"]["object_id"]: r["properties"] for r in rows}
    if name and not properties and known is None:
        raise NotFound(
            f"There is no class {name!r}; {nearest(name, registry, most=40)}", code="class_unknown", name=name
        )
    groups, title = _groups(survey, properties, name, known, by)
    found = _Counted(groups, begin)
    for one in properties:
        found.row(one).objects += 1
    for label in labels:
        found.made(mapper.read("usage_made", {"label": label}))
        found.derived(mapper.read("usage_derived", {"label": label}))
        found.files(mapper.read("usage_files", {"label": label}), survey.object_files.dropped())
    for use in survey.uses.read(begin):
        if use.object_id in groups and use.how in (REUSED, DELIVERED):
            found.add(use.how, use.object_id, use.at, use.times)
    rows = list(found.rows.values())
    rows.sort(key=lambda r: _natural(r.group) if by is not None or not name else (-r.seconds, r.group))
    return Usage(name or "targets and data objects", title, begin, tuple(rows), found.events)


class _Counted:
    """Rows by group while they are counted."""

    def __init__(self, groups: Mapping[str, str], begin: str) -> None:
        self.groups, self.begin = groups, begin
        self.rows: dict[str, Row] = {}
        self.events: dict[str, dict[str, list[tuple[str, int]]]] = {n: defaultdict(list) for n in COUNTED}
        self._seen: set[tuple[str, ...]] = set()

    def row(self, object_id: str) -> Row:
        group = self.groups[object_id]
        return self.rows.setdefault(group, Row(group))

    def add(self, what: str, object_id: str, at: str, times: int = 1, *, used: bool = False) -> None:
        row = self.row(object_id)
        if what == MADE:
            row.made += times
        elif what == DELIVERED:
            row.delivered += times
        elif used:
            row.used += times
        else:
            row.found += times
        row.last = max(row.last, at)
        self.events[what][row.group].append((at, times))

    def made(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for r in rows:
            if r["id"] in self.groups and (r["at"] or "") >= self.begin and self._first("made", r["id"], r["activity"]):
                self.add(MADE, r["id"], r["at"])
                if self._first("call", self.groups[r["id"]], r["activity"]):  # a call may make several
                    self.row(r["id"]).seconds += float(r["seconds"] or 0.0)

    def derived(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for r in rows:
            if (
                r["id"] in self.groups
                and r["at"] >= self.begin
                and self._first("derived", r["id"], r["role"], r["made"])
            ):
                self.add(DELIVERED if r["role"] == EXPORTED else REUSED, r["id"], r["at"], used=True)

    def files(self, rows: Iterable[Mapping[str, Any]], dropped: Mapping[str, str]) -> None:
        for r in rows:
            if r["id"] in self.groups and self._first("file", self.groups[r["id"]], r["digest"]):
                row = self.row(r["id"])
                if r["digest"] in dropped:
                    row.dropped += r["size"] or 0
                else:
                    row.bytes += r["size"] or 0

    def _first(self, *what: str) -> bool:
        known = what in self._seen
        self._seen.add(what)
        return not known


def _groups(survey: Any, properties: Mapping[str, Mapping[str, Any]], name: str, known: DBObjectMeta | None,
            by: Any) -> tuple[dict[str, str], str]:  # fmt: skip
    """The group of each object by id, and what groups are."""
    if not name:
        return {i: p["class_name"] for i, p in properties.items()}, "class"
    if by is not None:
        if known is None:  # its code is not here: what stands in the objects themselves
            return {i: str(p.get(str(by), "")) for i, p in properties.items()}, str(by)
        path = by if isinstance(by, ClassPath) else reduce(getattr, str(by).split("."), known)
        if not isinstance(path, ClassPath):
            raise InvalidInput(f"{by!r} is no property of {name}.", code="unknown_property")
        column = project(survey.mapper, list(properties), {"group": path}, about={})["group"]
        return {i: _text(v) for i, v in zip(properties, column, strict=True)}, repr(path).partition(".")[2] or str(by)
    newest: dict[str, Mapping[str, Any]] = {}
    for p in properties.values():
        if p["identity"] not in newest or (p["version"], p["repeat"]) > _age(newest[p["identity"]]):
            newest[p["identity"]] = p
    given = survey.names_of(list(properties))
    called = {p["identity"]: given[i] for i, p in properties.items() if i in given}
    label = {i: called.get(i) or f"{p['class_name']} {p['object_id'][-8:]}" for i, p in newest.items()}
    return {i: label[p["identity"]] for i, p in properties.items()}, "thing"


def _age(properties: Mapping[str, Any]) -> tuple[int, int]:
    return properties["version"], properties["repeat"]


def _class(survey: Any, cls: Any) -> tuple[str, DBObjectMeta | None]:
    """The name of a class, and itself where its code is here."""
    if cls is None or cls == "":
        return "", None
    if isinstance(cls, str) and class_called(cls) is None:
        if not cls.isidentifier():
            raise NotFound(
                f"There is no class {cls!r}; {nearest(cls, registry, most=40)}", code="class_unknown", name=cls
            )
        return cls, None
    known = class_called(cls) if isinstance(cls, str) else queryable.class_of(cls)
    assert known is not None
    return known.__name__, known


def _since(since: Any) -> str:
    if isinstance(since, datetime):
        since = (since.astimezone(UTC) if since.tzinfo else since).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    text = str(since)
    try:
        if text:
            _moment(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no date; write it like 2026-11-21.", code="date_invalid") from None
    return text


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    """A value as the name of a group; what has none is the group ``-``."""
    import numpy as np

    if value is None or value is np.ma.masked:
        return "-"
    return str(value.item() if isinstance(value, np.generic) else value)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def time_of(seconds: float | None, made: int = 1) -> str:
    """A time to read, no more exact than it is steady."""
    if seconds is None or not made:
        return ""
    if seconds < 1:
        return "< 1 s"
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.3g} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns, all but the first to the right."""
    widths = [max(len(str(line[i])) for line in (heads, *rows)) for i in range(len(heads))]
    return "\n".join(
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in (heads, *rows)
    )
