"""What the service reads: pages of collections, and what several objects need, in one statement for all of them.

No function here is async: `Context.run` takes them off the event loop.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provgraph.errors import InvalidInput, NotFound
from provgraph.graph import select, statements
from provgraph.resolver import status, why
from provgraph.resolver.status import Status
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.survey import Survey

_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_FIRST = ("9", "")  # sorts after every time: the page that begins with the newest


# -- ids ---------------------------------------------------------------------------------------------------------------


def global_id(kind: str, object_id: str) -> str:
    """A Relay id: opaque to clients, kind and id to us."""
    return base64.urlsafe_b64encode(f"{kind}:{object_id}".encode()).decode().rstrip("=")


def object_id_of(reference: str) -> str | None:
    """The object id in a Relay id, a UUID or an IRI; None when it is none of them (a name, then)."""
    match = _UUID.fullmatch(reference)
    if match:
        return match[1]
    try:
        text = base64.urlsafe_b64decode(reference + "=" * (-len(reference) % 4)).decode()
    except (ValueError, UnicodeDecodeError):
        return None
    kind, colon, object_id = text.partition(":")
    return object_id if colon and kind.isalpha() and _UUID.fullmatch(object_id) else None


def find(survey: Survey, reference: str) -> DBObject:
    """An object by Relay id, UUID, IRI, name or ``name@version``. Never by a path: the server's files are not asked for."""
    object_id = object_id_of(reference)
    if object_id is not None:
        return survey.mapper.get(object_id)
    return survey.get(reference, files=False)


def find_collection(survey: Survey, reference: str) -> SourceCollection:
    """A Source Collection by any of these."""
    one = find(survey, reference)
    if not isinstance(one, SourceCollection):
        raise NotFound(
            f"{reference!r} is of class {type(one).__name__}, not a Source Collection.", code="not_a_collection"
        )
    return one


# -- pages -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Some of a list, newest first; `after` of the next page is the cursor of the last entry."""

    objects: list[Any]
    cursors: list[str]
    more: bool


def collections(survey: Survey, *, first: int, after: str = "", name: str | None = None, where: str = "",
                sets: Collection[str] | None = None) -> Page:  # fmt: skip
    """Source Collections, newest first.

    after : cursor of the entry before; it is a place in the order (created, object_id), so what is added meanwhile moves
    nothing. name : only those with a name that contains this text; '': any name. where : only those for which this criterion on
    their properties is true. sets : only those that represent one of these sets of sources, see `Survey.sets_related`.
    """
    created, object_id = _place(after) if after else _FIRST
    if where or sets is not None:
        selection = select.select(SourceCollection, where, named=name or "", sets=sets)
        objects, more = select.page(survey.mapper, selection, limit=first, after=(created, object_id))
        return Page(objects, [cursor(o) for o in objects], more)
    values: dict[str, Any] = {"created": created, "object_id": object_id, "limit": first + 1}
    query = "queries/page_of_class"
    if name is not None:
        query, values["name"] = "queries/page_of_class_named", name.lower()
    statements.declare("SourceCollection")
    rows = survey.engine.read(statements.load(query, label="SourceCollection"), **values)
    visible = survey.mapper.policy.visible(survey.context, [r["properties"] for r in rows[:first]])
    objects = survey.mapper.restore(visible)
    return Page(objects, [cursor(o) for o in objects], len(rows) > first)


def cursor(one: DBObject) -> str:
    return base64.urlsafe_b64encode(f"{one.created}|{one.object_id}".encode()).decode().rstrip("=")


def _place(text: str) -> tuple[str, str]:
    try:
        created, bar, object_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
        if bar:
            return created, object_id
    except (ValueError, UnicodeDecodeError):
        pass
    raise InvalidInput(f"{text[:80]!r} is no cursor of ours.", code="cursor_invalid")


# -- batches -----------------------------------------------------------------------------------------------------------


def parents(survey: Survey, children: Sequence[DBObject]) -> list[list[DBObject]]:
    """What each object depends on, in the order of its links; read in two statements for all."""
    found = [[(d.object_id, role) for role, _, d in one.dependencies()] for one in children]
    wanted = list(dict.fromkeys(i for ids in found for i, _ in ids))
    known = dict(zip(wanted, survey.mapper.many(wanted), strict=True)) if wanted else {}
    return [[known[i] for i, _ in ids] for ids in found]


def names(survey: Survey, objects: Sequence[DBObject]) -> list[str]:
    """The newest name of each object; '' of what has none."""
    found = survey.names_of([o.object_id for o in objects])
    return [found.get(o.object_id, "") for o in objects]


def notes(survey: Survey, objects: Sequence[DBObject]) -> list[list[dict[str, Any]]]:
    """Dated statements about each object, oldest first."""
    by_id: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in survey.mapper.read("notes_about", ids=[o.object_id for o in objects]):
        by_id[row["about"]].append(row)
    return [by_id[o.object_id] for o in objects]


def versions(survey: Survey, objects: Sequence[DBObject]) -> list[list[DBObject]]:
    """All versions of each thing, newest first."""
    rows = survey.mapper.read("versions_of", identities=list({o.identity for o in objects}))
    by_identity: dict[str, list[DBObject]] = defaultdict(list)
    for one in survey.mapper.restore([r["properties"] for r in rows]):
        by_identity[one.identity].append(one)
    return [sorted(by_identity[o.identity], key=lambda v: (v.version, v.repeat), reverse=True) for o in objects]


def statuses(survey: Survey, found: Sequence[SourceCollection]) -> list[Status]:
    """Of each whether it is still what would be made today."""
    return status.statuses(found, survey.mapper)


def pulls(noted: Sequence[Mapping[str, Any]]) -> tuple[why.Pulled, ...]:
    """The pulls that led to something, from the notes about it."""
    return why.pulled(noted)


def invalid(noted: Sequence[Mapping[str, Any]]) -> str:
    """Why a calculator is declared invalid, from the notes about it, oldest first; '' where it is not."""
    said = [n for n in noted if n["kind"] == status.VALIDITY]
    return str(said[-1]["reason"]) if said and said[-1]["value"] == status.INVALID else ""


def known_rows(survey: Survey, found: Sequence[SourceCollection]) -> list[int | None]:
    """The number of sources of each collection where it is known without processing."""
    keys = {c.object_id: c.sources().key for c in found}
    rows = survey.mapper.read("segments_of_source_sets", keys=sorted(set(keys.values())))
    n = {r["properties"]["source_set_key"]: int(r["properties"]["n"]) for r in rows}
    return [n.get(keys[c.object_id]) for c in found]


def statistics(survey: Survey, collection: SourceCollection) -> dict[str, dict[str, Any]]:
    """By attribute: ``minimum``, ``maximum``, ``missing`` and ``of`` (sources), from the statistics of stored columns.

    The range is that of the stored column with most sources: for a selection it bounds the selection's own.
    """
    from provgraph.export.describe import describe

    described = describe(collection, survey.mapper)
    return {row["attribute"]: {name: str(row[name]) for name in row.colnames} for row in described}


# -- values ------------------------------------------------------------------------------------------------------------


def preview(survey: Survey, collection: SourceCollection, n: int) -> tuple[list[str], list[list[Any]]]:
    """The first sources as JSON values: null where there is none, ``'NaN'``, integers beyond 2^53 as text."""
    from provgraph.schema.text import decode_text

    table, _ = survey.processor.process(collection, limit=n)
    columns = []
    for name in collection.attributes():
        values, null = table[name]
        if values.dtype.kind == "S":
            values = decode_text(values)
        plain = [_json(value) for value in values.tolist()]
        columns.append([None if null is not None and null[i] else v for i, v in enumerate(plain)])
    return list(collection.attributes()), [list(row) for row in zip(*columns, strict=True)]


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value


def properties(one: DBObject) -> dict[str, Any]:
    """The plain values an object was stored with."""
    found = one.descriptors()
    if isinstance(found.get("info"), str):  # a segment's own register entry: long, and for machines
        found["info"] = json.loads(found["info"])
    return found
