"""Lineage for clients of the service: terms, pages, paths, common ancestors, impact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from provgraph.api import limits, loaders
from provgraph.api import types as shown
from provgraph.api.context import Context
from provgraph.errors import InvalidInput
from provgraph.graph import ways
from provgraph.lineage import terms as as_terms

ROOTS = 100
CONDITIONS = 100
PATHS = 100


@strawberry.input(description="Which relations are followed, and as the graph was known or true when.")
class WaysInput:
    relations: list[str] = strawberry.field(
        default_factory=list, description="Follow only these, such as used or wasDerivedFrom; none: all causes."
    )
    without: list[str] = strawberry.field(default_factory=list, description="As if these were not there.")
    stop_at: list[str] = strawberry.field(default_factory=list, description="Do not look behind these.")
    as_of: str = strawberry.field(default="", description="As it was recorded then: a date or a time, UTC.")
    valid_at: str = strawberry.field(default="", description="Only what was valid then.")


@strawberry.type(description="One path: nodes from effect to cause, and the relation of each step.")
class Path:
    nodes: list[shown.LineageNode]
    relations: list[str]


@strawberry.type(description="Paths between two things, shortest first; none where neither comes from the other.")
class Paths:
    source: str = strawberry.field(description="The effect of the two.")
    target: str = strawberry.field(description="The cause of the two.")
    paths: list[Path]
    complete: bool = strawberry.field(description="There are no more, and nothing was left out on the way.")


@strawberry.type(description="Something that several things come from.")
class CommonAncestor:
    node: shown.LineageNode
    nearest: bool = strawberry.field(description="No other of them comes from it.")
    steps: list[int] = strawberry.field(description="How many relations away from each of the things.")


@strawberry.type(description="What several things come from, nearest first.")
class CommonAncestors:
    common: list[CommonAncestor]
    complete: bool
    truncated: int = strawberry.field(description="How many are not told because of the limit.")


@strawberry.type(description="How many things of a class are affected.")
class ClassCount:
    class_name: str
    count: int


@strawberry.type(description="One thing that depends on what is wrong.")
class Affected:
    id: strawberry.ID
    class_name: str
    label: str
    href: str
    steps: int = strawberry.field(description="Derivations and calls away.")
    bytes: shown.JSON | None = strawberry.field(description="Of its stored values; null where none are stored.")
    identifiers: list[str] = strawberry.field(description="Under which it was published.")
    invalid: bool = strawberry.field(description="It was declared so already.")


@strawberry.type(description="What is affected if things are wrong; nothing is declared.")
class Impact:
    count: int
    by_class: list[ClassCount]
    affected: list[Affected] = strawberry.field(description="Nearest first, so many as `first` says, behind `after`.")
    seconds: float = strawberry.field(description="What the calls took that made them.")
    bytes: shown.JSON
    published: int = strawberry.field(description="How many were published with an identifier.")
    complete: bool = strawberry.field(description="Nothing was left out.")
    end_cursor: str | None = strawberry.field(description="`after` of the next page; null at the end.")
    text: str


def lineage(context: Context, asked: shown.LineageInput) -> shown.Lineage:
    """A lineage, or a page of it. Ways that are no other for a client stay those of a plain traversal."""
    if not 1 <= len(asked.roots) <= ROOTS:
        raise InvalidInput(f"A lineage has from 1 to {ROOTS} roots.", code="lineage_roots")
    for name, depth in (("up", asked.up), ("down", asked.down)):
        if depth < 0:
            raise InvalidInput(f"{name} is {depth}; the depth of a lineage is 0 or more.", code="lineage_depth")
    if asked.first is not None and not 1 <= asked.first <= limits.LINEAGE_NODES:
        raise InvalidInput(f"first={asked.first} must be from 1 to {limits.LINEAGE_NODES:,}.", code="page_too_large")
    roots = [_id(context, r) for r in asked.roots]
    up, down = (limits.clamp(d, 1, limits.LINEAGE_DEPTH) for d in (asked.up, asked.down))
    limit = max(limits.clamp(asked.limit, 200, limits.LINEAGE_NODES), 1)
    said = _said(context, asked) | context.survey.conditions({"only": _conditions(asked.only)})
    unit = shown.LineageUnit(asked.unit)
    if unit != shown.LineageUnit.ENTITY:
        said["unit"] = unit.value
    if asked.seconds is not None:
        said["seconds"] = min(asked.seconds, limits.SECONDS)
    said = {word: value for word, value in said.items() if value not in ("", [])}
    if said:
        whole = context.survey.mapper.walk(roots, as_terms(up=up, down=down, limit=limit, **said))
    else:
        whole = context.survey.mapper.lineage(roots, up=up, down=down, limit=limit)
    if asked.first is None and not asked.after:
        return shown.lineage(whole, whole.nodes, "")
    nodes, end = whole.page(asked.first or limits.LINEAGE_NODES, asked.after)
    return shown.lineage(whole, nodes, end)


def paths(context: Context, a: str, b: str, every: bool, first: int, asked: WaysInput | None) -> Paths:
    if not 1 <= first <= PATHS:
        raise InvalidInput(f"first={first} must be from 1 to {PATHS}.", code="page_too_large")
    made = ways.paths(
        context.survey.mapper, _id(context, a), _id(context, b), mode=ways.ALL if every else ways.SHORTEST, limit=first,
        terms=_terms(context, asked),
    )  # fmt: skip
    return Paths(
        source=made.source, target=made.target, complete=made.complete,
        paths=[
            Path(nodes=[shown.lineage_node(n) for n in way.nodes], relations=[e.relation for e in way.edges]) for way in made
        ],
    )  # fmt: skip


def common(context: Context, things: Sequence[str], limit: int, asked: WaysInput | None) -> CommonAncestors:
    if not 2 <= len(things) <= ROOTS:
        raise InvalidInput(f"Name from 2 to {ROOTS} things.", code="lineage_roots")
    made = ways.common(context.survey.mapper, [_id(context, t) for t in things], terms=_terms(context, asked))
    limit = max(limits.clamp(limit, 200, limits.LINEAGE_NODES), 1)
    told = [
        CommonAncestor(node=shown.lineage_node(n), nearest=n.id in made.nearest, steps=list(made.steps[n.id]))
        for n in made.nodes[:limit]
    ]
    return CommonAncestors(common=told, complete=made.complete, truncated=max(0, len(made.nodes) - limit))


def impact(context: Context, things: Sequence[str], cause: str, only: str, first: int, after: str) -> Impact:
    if not 1 <= len(things) <= ROOTS:
        raise InvalidInput(f"Name from 1 to {ROOTS} things.", code="lineage_roots")
    if not 0 <= first <= limits.PAGE:
        raise InvalidInput(f"first={first} must be from 0 to {limits.PAGE}.", code="page_too_large")
    made = context.survey.impact(*(loaders.find(context.survey, t) for t in things), cause=cause, only=only)
    ids = [one.id for one in made.affected]
    if after and after not in ids:
        raise InvalidInput(f"{after[:80]!r} is not among what is affected.", code="cursor_invalid")
    start = ids.index(after) + 1 if after else 0
    told = made.affected[start : start + first]
    return Impact(
        count=len(made), by_class=[ClassCount(class_name=c, count=n) for c, n in made.by_class.items()],
        affected=[
            Affected(
                id=strawberry.ID(one.id), class_name=one.class_name, label=one.label, href=f"/id/{one.id}", steps=one.steps,
                bytes=None if one.bytes is None else shown.JSON(one.bytes), identifiers=list(one.identifiers),
                invalid=one.invalid,
            )
            for one in told
        ],
        seconds=made.seconds, bytes=shown.JSON(made.bytes), published=len(made.published), complete=made.complete,
        end_cursor=told[-1].id if told and start + first < len(ids) else None, text=str(made),
    )  # fmt: skip


def _id(context: Context, reference: str) -> str:
    return loaders.object_id_of(reference) or loaders.find(context.survey, reference).object_id


def _terms(context: Context, asked: WaysInput | None) -> Any:
    return as_terms(**_said(context, asked or WaysInput()), seconds=limits.SECONDS)


def _said(context: Context, asked: WaysInput | shown.LineageInput) -> dict[str, Any]:
    if len(asked.relations) > CONDITIONS:
        raise InvalidInput(f"A list of relations has at most {CONDITIONS} entries.", code="request_too_long")
    return {
        "relations": list(asked.relations), "as_of": asked.as_of, "valid_at": asked.valid_at,
        **context.survey.conditions({"without": _conditions(asked.without), "stop_at": _conditions(asked.stop_at)}),
    }  # fmt: skip


def _conditions(given: Sequence[str]) -> list[str]:
    """Ids, kinds, classes and calls; what looks like an id of ours is one."""
    if len(given) > CONDITIONS:
        raise InvalidInput(f"A list of conditions has at most {CONDITIONS} entries.", code="request_too_long")
    return [loaders.object_id_of(one) or one for one in given]
