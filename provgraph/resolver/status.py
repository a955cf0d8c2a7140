"""Whether what was made is still what would be made: status of a collection, and which definitions a pull may use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from provgraph.errors import NotFound
from provgraph.graph.mapper import Mapper
from provgraph.names import NEWER_EXISTS, OUT_OF_DATE, UNKNOWN, UP_TO_DATE
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, External

VALIDITY = "validity"
INVALID, VALID = "invalid", "valid"
QUALITY = "quality"  # statement of the system: what verify() of a target said is wrong with it, a phrase a line


@dataclass(frozen=True)
class Status:
    """status : UP_TO_DATE; OUT_OF_DATE, it rests on a definition declared invalid; NEWER_EXISTS, on something that has a newer
    version; UNKNOWN, not all it rests on can be seen. reasons : a sentence each, naming the definition or the catalog.
    not_here : why what is not stored of it could not be made again in this installation: the code of a package is another
    one, or missing, or the file of a model is. That changes nothing of what it is, so it is no status.
    flags : quality flags, what verify() of a target said is wrong with it.
    """

    status: str
    reasons: tuple[str, ...] = ()
    not_here: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def also(self, reasons: Sequence[str]) -> Status:
        """This, and out of date for these reasons, if there are any."""
        return replace(self, status=OUT_OF_DATE, reasons=(*self.reasons, *reasons)) if reasons else self

    @property
    def up_to_date(self) -> bool:
        return self.status == UP_TO_DATE

    def __str__(self) -> str:
        reasons = (f"  because {r}" for r in self.reasons)
        rest = [*(f"  cannot be made again here: {r}" for r in self.not_here), *(f"  flagged: {f}" for f in self.flags)]
        return "\n".join([self.status, *reasons, *rest])


def invalid(mapper: Mapper, things: Iterable[DBObject]) -> dict[str, str]:
    """Why, by object id, of those that are declared invalid; of several statements about one the last counts."""
    ids = [t.object_id for t in things if t.is_stored]
    found: dict[str, str] = {}
    for row in mapper.read("notes_about", ids=ids) if ids else ():
        if row["kind"] == VALIDITY:
            found.pop(row["about"], None)
            if row["value"] == INVALID:
                found[row["about"]] = row["reason"]
    return found


def unfit(mapper: Mapper, things: Iterable[DBObject]) -> set[str]:
    """Ids of those that no class chooses by itself: declared invalid, or flagged and not declared valid since."""
    ids = [t.object_id for t in things if t.is_stored]
    found: dict[str, bool] = {}
    for row in mapper.read("notes_about", ids=ids) if ids else ():
        if row["kind"] == VALIDITY:
            found[row["about"]] = row["value"] == INVALID
        elif row["kind"] == QUALITY:
            found[row["about"]] = bool(row["value"])
    return {i for i, wrong in found.items() if wrong}


def newest_valid(
    definitions: Sequence[AttributeCalculatorDefinition], wrong: dict[str, str]
) -> AttributeCalculatorDefinition | None:
    """The newest of these versions that is not declared invalid."""
    return max((d for d in definitions if d.object_id not in wrong), key=lambda d: d.version, default=None)


def status(collection: SourceCollection, mapper: Mapper) -> Status:
    """Whether a collection is still what would be made today; from lineage and statements alone, nothing is processed."""
    return statuses([collection], mapper)[0]


def statuses(collections: Sequence[SourceCollection], mapper: Mapper) -> list[Status]:
    """Of each of some collections. They are read together: the number of statements grows with how deep their lineage is."""
    rests_on: list[list[DBObject]] = []
    try:
        held = _read(collections, mapper)  # so that following links reads nothing
        rests_on = [list(_ancestry(one)) for one in collections]
        del held
    except NotFound as error:
        if len(collections) > 1:
            return [status(one, mapper) for one in collections]
        return [Status(UNKNOWN, (f"not everything it is derived from can be seen: {error.message.rstrip('.')}",))]
    versioned = {
        t.object_id: t for ts in rests_on for t in ts if isinstance(t, AttributeCalculatorDefinition | External)
    }
    if not versioned:
        return [Status(UP_TO_DATE) for _ in collections]
    rows = mapper.read("versions_of", identities=list(dict.fromkeys(t.identity for t in versioned.values())))
    versions: dict[str, list[DBObject]] = {}
    for version in mapper.restore([r["properties"] for r in rows]):
        versions.setdefault(version.identity, []).append(version)
    wrong = invalid(mapper, {t.object_id: t for t in (*versioned.values(), *chain(*versions.values()))}.values())
    used = [t for t in versioned.values() if isinstance(t, AttributeCalculatorDefinition)]
    lacks = {t.object_id: why for t in used if (why := t.kind_.lacks(t.method))}
    return [
        _status(one, [t for t in on if t.object_id in versioned], versions, wrong, lacks)
        for one, on in zip(collections, rests_on, strict=True)
    ]


def _read(collections: Sequence[SourceCollection], mapper: Mapper) -> list[DBObject]:
    """Everything that they are derived from."""
    if len(collections) == 1:
        mapper.cone(collections)
        return list(collections)
    found: dict[str, DBObject] = {one.object_id: one for one in collections}
    fresh: list[DBObject] = list(collections)
    while fresh:
        wanted = list(dict.fromkeys(d.object_id for one in fresh for _, _, d in one.dependencies()))
        fresh = mapper.many([i for i in wanted if i not in found])
        found |= {one.object_id: one for one in fresh}
    return list(found.values())


def _status(collection: SourceCollection, rests_on: Sequence[DBObject], versions: Mapping[str, Sequence[DBObject]],
            wrong: dict[str, str], lacks: Mapping[str, str]) -> Status:  # fmt: skip
    out, newer = [], []
    not_here = tuple(dict.fromkeys(lacks[one.object_id] for one in rests_on if one.object_id in lacks))
    for one in rests_on:
        others = versions.get(one.identity, ())
        if isinstance(one, AttributeCalculatorDefinition):
            what = _made_with(collection, one)
            newest = newest_valid([v for v in others if isinstance(v, AttributeCalculatorDefinition)], wrong)
            if one.object_id in wrong:
                out.append(f"{what}, which was declared invalid: {wrong[one.object_id]}")
            elif newest is not None and newest.version > one.version:
                newer.append(f"{what}, and {newest.name}@{newest.version} is newer")
        elif others and (last := max(o.version for o in others)) > one.version:
            label = getattr(one, "label", "a catalog")
            newer.append(f"it comes from {label}@{one.version}, and version {last} of this catalog was ingested")
    reasons = tuple(dict.fromkeys([*out, *newer]))
    return Status(OUT_OF_DATE if out else NEWER_EXISTS if newer else UP_TO_DATE, reasons, not_here)


def _made_with(collection: SourceCollection, definition: AttributeCalculatorDefinition) -> str:
    mine = isinstance(collection, AttributeCalculator) and collection.definition.object_id == definition.object_id
    made = "it was calculated by" if mine else "it rests on what was calculated by"
    return f"{made} {definition.name}@{definition.version}"


def _ancestry(collection: DBObject) -> Iterator[DBObject]:
    """Everything a collection is derived from, and itself, each once, nearest first; the graph below it is read already."""
    seen = {collection.object_id}
    todo = [collection]
    while todo:
        one = todo.pop(0)
        yield one
        for name in type(one).links:
            linked = getattr(one, name, None)
            for target in linked if isinstance(linked, tuple) else (linked,):
                if isinstance(target, DBObject) and target.object_id not in seen:
                    seen.add(target.object_id)
                    todo.append(target)
