"""The GraphQL schema: the graph, control, and small previews. Rows leave through `results`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from provgraph.api import limits, lineages, loaders
from provgraph.api import types as shown
from provgraph.api.context import Context
from provgraph.api.executor import executor
from provgraph.api.results import FORMATS
from provgraph.api.types import Information
from provgraph.errors import InvalidInput
from provgraph.schema.collection import SourceCollection

_ROOTS = 100
_TEXT = 10_000


async def _one(context: Context, found: Any) -> Any:
    return (await shown.records(context, [found]))[0]


def _check_pull(asked: shown.PullInput) -> None:
    if not asked.attributes:
        raise InvalidInput("A pull names at least one attribute.", code="attributes_missing")
    several = [len(asked.attributes), len(asked.use), len(asked.avoid), len(asked.parameters)]
    if max(several) > limits.LINEAGE_NODES or max(map(len, (asked.where, asked.name, asked.start))) > _TEXT:
        raise InvalidInput("This pull is longer than anybody would write.", code="request_too_long")


@strawberry.type
class Query:
    @strawberry.field(description="Any object by its id; a UUID or IRI serves too.")
    async def node(self, info: Information, id: strawberry.ID) -> shown.Node | None:
        object_id = loaders.object_id_of(id)
        if object_id is None:
            raise InvalidInput(f"{str(id)[:80]!r} is no id of ours.", code="id_invalid")
        return await _one(info.context, await info.context.run(info.context.survey.mapper.get, object_id))  # type: ignore[no-any-return]

    @strawberry.field(
        description="Source Collections, newest first. name: with a name that contains this text; where: for which this criterion "
        "on their properties is true, such as \"n_sources > 1000 and attribute = 'redshift'\". containing, containedIn, "
        "sameSourcesAs: of which it is proved that they have all sources of this collection, none but its, exactly its."
    )
    async def source_collections(
        self,
        info: Information,
        first: int = 20,
        after: str = "",
        name: str = "",
        where: str = "",
        containing: str = "",
        contained_in: str = "",
        same_sources_as: str = "",
    ) -> shown.SourceCollectionConnection:
        context = info.context
        if first < 0 or first > limits.PAGE:
            raise InvalidInput(f"first={first} must be from 0 to {limits.PAGE}.", code="page_too_large")
        related = {"containing": containing, "contained_in": contained_in, "same_sources_as": same_sources_as}
        sets = await context.run(_sets, context, {q: r for q, r in related.items() if r})
        page = await context.run(
            loaders.collections, context.survey, first=first, after=after, name=name or None, where=where, sets=sets
        )
        nodes = await shown.records(context, page.objects)
        edges = [
            shown.SourceCollectionEdge(cursor=cursor, node=node)
            for cursor, node in zip(page.cursors, nodes, strict=True)
            if isinstance(node, shown.SourceCollection)
        ]
        return shown.SourceCollectionConnection(
            edges=edges,
            page_info=shown.PageInfo(
                has_next_page=page.more, has_previous_page=bool(after),
                start_cursor=page.cursors[0] if page.cursors else None, end_cursor=page.cursors[-1] if page.cursors else None,
            ),
        )  # fmt: skip

    @strawberry.field(description="A Source Collection by name, name@version, id or IRI.")
    async def source_collection(self, info: Information, name: str) -> shown.SourceCollection:
        context = info.context
        return await _one(context, await context.run(loaders.find_collection, context.survey, name))  # type: ignore[no-any-return]

    @strawberry.field(
        description="How the sources of two collections relate: an answer to each question, with its reason. Nothing is processed."
    )
    async def relation(self, info: Information, a: str, b: str) -> shown.Relation:
        return await info.context.run(_relation, info.context, a, b)

    @strawberry.field(description="Calculator definitions, newest first.")
    async def calculator_definitions(self, info: Information, first: int = 20) -> list[shown.CalculatorDefinition]:
        context = info.context
        found = (await context.run(context.survey.definitions))[: limits.clamp(first, 20, limits.PAGE)]
        made = await shown.records(context, found)
        return [d for d in made if isinstance(d, shown.CalculatorDefinition)]

    @strawberry.field(description="Where things come from and what came of them, as one graph.")
    async def lineage(self, info: Information, input: shown.LineageInput) -> shown.Lineage:
        return await info.context.run(lineages.lineage, info.context, input)

    @strawberry.field(
        description="How one of two things comes from the other; every: all paths, not only the shortest."
    )
    async def paths(
        self,
        info: Information,
        a: str,
        b: str,
        every: bool = False,
        first: int = 10,
        terms: lineages.WaysInput | None = None,
    ) -> lineages.Paths:
        return await info.context.run(lineages.paths, info.context, a, b, every, first, terms)

    @strawberry.field(description="What all of these come from, nearest first.")
    async def common_ancestors(
        self, info: Information, things: list[str], limit: int = 200, terms: lineages.WaysInput | None = None
    ) -> lineages.CommonAncestors:
        return await info.context.run(lineages.common, info.context, things, limit, terms)

    @strawberry.field(
        description="What is affected if these are wrong; nothing is declared. cause: invalid or superseded. only: all, stored "
        "or published."
    )
    async def impact(
        self,
        info: Information,
        things: list[str],
        cause: str = "invalid",
        only: str = "all",
        first: int = 20,
        after: str = "",
    ) -> lineages.Impact:
        return await info.context.run(lineages.impact, info.context, things, cause, only, first, after)

    @strawberry.field(description="What a pull would find and create, and why; nothing is stored or processed.")
    async def explain_pull(self, info: Information, input: shown.PullInput) -> shown.Explanation:
        _check_pull(input)
        return await info.context.run(_explain, info.context, input)

    @strawberry.field(description="A pull by the id that createPull gave.")
    async def pull(self, info: Information, id: strawberry.ID) -> shown.PullJob:
        return shown.pull_job(await info.context.run(info.context.runner.store.get, str(id)), list(FORMATS))


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Ask for a catalog. It is resolved at once and processed in a process of its own; "
        "the same idempotencyKey again gives the same job."
    )
    async def create_pull(self, info: Information, input: shown.PullInput, idempotency_key: str = "") -> shown.PullJob:
        _check_pull(input)
        if len(idempotency_key) > 200:
            raise InvalidInput("An idempotency key has at most 200 characters.", code="request_too_long")
        return shown.pull_job(await info.context.run(_submit, info.context, input, idempotency_key), list(FORMATS))

    @strawberry.mutation(description="End a pull: at once while it waits; a running one within seconds.")
    async def cancel_pull(self, info: Information, id: strawberry.ID) -> shown.PullJob:
        return shown.pull_job(await info.context.run(info.context.runner.cancel, str(id)), list(FORMATS))

    @strawberry.mutation(description="Say how an attribute is calculated from others, for any sources that have them.")
    async def define_calculator(self, info: Information, input: shown.CalculatorInput) -> shown.CalculatorDefinition:
        made = await info.context.run(_define, info.context, input)
        return await _one(info.context, made)  # type: ignore[no-any-return]

    @strawberry.mutation(description="Append a name, a description or tags to a Source Collection.")
    async def annotate(self, info: Information, id: str, input: shown.AnnotationInput) -> shown.SourceCollection:
        made = await info.context.run(_annotate, info.context, id, input)
        return await _one(info.context, made)  # type: ignore[no-any-return]

    @strawberry.mutation(
        description="Declare a calculator wrong: no pull uses it any more, what was made with it is out of date."
    )
    async def invalidate_calculator(
        self, info: Information, calculator: str, reason: str
    ) -> shown.CalculatorDefinition:
        return await _one(
            info.context, await info.context.run(_declare, info.context, "invalidate", calculator, reason)
        )  # type: ignore[no-any-return]

    @strawberry.mutation(description="Take back that a calculator is wrong.")
    async def validate_calculator(self, info: Information, calculator: str, reason: str) -> shown.CalculatorDefinition:
        return await _one(info.context, await info.context.run(_declare, info.context, "validate", calculator, reason))  # type: ignore[no-any-return]

    @strawberry.mutation(
        description="Parts that provably share no source; the same sources for the same seed. Nothing is processed. "
        "name: call them 'name part'."
    )
    async def split(
        self, info: Information, collection: str, parts: list[shown.PartInput], seed: int = 0, name: str = ""
    ) -> list[shown.Part]:
        context = info.context
        if len(parts) > _ROOTS or len({p.name for p in parts}) < len(parts):
            raise InvalidInput(f"A split has at most {_ROOTS} parts, each with a name of its own.", code="fractions")
        made = await context.run(_split, context, collection, parts, seed, name)
        collections = await shown.records(context, list(made.values()))
        return [
            shown.Part(name=part, collection=one)
            for part, one in zip(made, collections, strict=True) if isinstance(one, shown.SourceCollection)
        ]  # fmt: skip

    @strawberry.mutation(
        description="Drop the stored values that were derived for a collection; they are made again when they are asked for. "
        "Unless dryRun is false it is only said what would go."
    )
    async def forget(self, info: Information, collection: str, dry_run: bool = True) -> shown.Forgotten:
        gone = await info.context.run(_forget, info.context, collection, dry_run)
        return shown.Forgotten(
            segments=gone.segments, bytes=shown.JSON(gone.bytes), seconds=gone.seconds, attributes=list(gone.attributes),
            done=gone.done, text=str(gone),
        )  # fmt: skip


# -- what blocks -------------------------------------------------------------------------------------------------------


def _sets(context: Context, asked: dict[str, str]) -> set[str] | None:
    """Keys of the sets of sources that are asked for; found anew for each page."""
    found = {q: loaders.find_collection(context.survey, r) for q, r in asked.items()}
    return context.survey.sets_related(**found)


def _relation(context: Context, a: str, b: str) -> shown.Relation:
    things = (loaders.find_collection(context.survey, r) for r in (a, b))
    return shown.relation(context.survey.relation(*things))


def _overruled(asked: shown.PullInput) -> dict[str, Any]:
    """What overrules the ranking, as plain values; what is not said is left out."""
    plain = {
        "use": {u.attribute: loaders.object_id_of(u.thing) or u.thing for u in asked.use},
        "avoid": [loaders.object_id_of(r) or r for r in asked.avoid],
        "parameters": {o.attribute: {p.name: _value(p) for p in o.parameters} for o in asked.parameters},
    }  # fmt: skip
    return {word: value for word, value in plain.items() if value}


def _value(asked: shown.ParameterInput) -> float | str:
    """The value of a process parameter: a number, or what a collection is called."""
    if (asked.value is None) == (not asked.collection):
        raise InvalidInput(
            f"Parameter {asked.name} is a value or a collection, one of the two.", code="parameter_invalid"
        )
    return loaders.object_id_of(asked.collection) or asked.collection if asked.value is None else asked.value


def _explain(context: Context, asked: shown.PullInput) -> shown.Explanation:
    start: SourceCollection = loaders.find_collection(context.survey, asked.start)
    pull = context.survey.pull(start, asked.attributes, where=asked.where, name=asked.name, create=False,
                               **_overruled(asked))  # fmt: skip
    return shown.explained(pull.explain())


def _submit(context: Context, asked: shown.PullInput, key: str) -> Any:
    start = loaders.find_collection(context.survey, asked.start)
    return context.runner.submit(
        context.survey.context.agent.name, start=start.iri, attributes=asked.attributes, where=asked.where,
        name=asked.name, idempotency_key=key, overruled=_overruled(asked),
    )  # fmt: skip


def _define(context: Context, asked: shown.CalculatorInput) -> Any:
    values = {p.name: _value(p) for p in asked.parameters}
    return context.survey.define_calculator(
        asked.name, requires=asked.requires, expression=asked.expression, unit=asked.unit, ucd=asked.ucd,
        description=asked.description, parameters={n: v for n, v in values.items() if not isinstance(v, str)},
        catalogs={n: v for n, v in values.items() if isinstance(v, str)},
    )  # fmt: skip


def _declare(context: Context, what: str, reference: str, reason: str) -> Any:
    if len(reason) > _TEXT:
        raise InvalidInput(f"A reason has at most {_TEXT:,} characters.", code="request_too_long")
    object_id = loaders.object_id_of(reference)
    return getattr(context.survey, what)(object_id or reference, reason)


def _split(context: Context, reference: str, parts: Sequence[shown.PartInput], seed: int, name: str) -> dict[str, Any]:
    if "seed" in (names := [p.name for p in parts]) or "collection" in names:
        raise InvalidInput("A part is called something else than 'seed' or 'collection'.", code="name_invalid")
    start = loaders.find_collection(context.survey, reference)
    made = context.survey.split(start, seed=seed, **{p.name: p.fraction for p in parts})
    for part, one in made.items() if name else ():
        context.survey.annotate(one, name=f"{name} {part}")
    return made


def _forget(context: Context, reference: str, dry_run: bool) -> Any:
    return context.survey.forget(loaders.find_collection(context.survey, reference), dry_run=dry_run)


def _annotate(context: Context, reference: str, asked: shown.AnnotationInput) -> Any:
    one = loaders.find_collection(context.survey, reference)
    return context.survey.annotate(one, name=asked.name, description=asked.description, tags=asked.tags)


class Schema(strawberry.Schema):
    """Ours, which does not write a traceback for every mistake of a client; see `errors`."""

    def process_errors(self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        return None


def make_schema() -> Schema:
    """The schema with its limits. One serves all requests."""
    return Schema(
        query=Query, mutation=Mutation,
        types=[shown.SourceCollection, shown.CalculatorDefinition, shown.File, shown.Segment, shown.Entity],
        extensions=limits.EXTENSIONS, execution_context_class=executor(),
        config=StrawberryConfig(disable_field_suggestions=True, sort_schema=True),
    )  # fmt: skip


def sdl() -> str:
    """The schema as text, sorted: what `tests/api/schema.graphql` holds."""
    return make_schema().as_str() + "\n"
