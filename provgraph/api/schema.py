"""The GraphQL schema: the graph, control, and small previews. Rows leave through `results`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from provgraph.api import limits, loaders
from provgraph.api import types as shown
from provgraph.api.context import Context
from provgraph.api.executor import executor
from provgraph.api.results import FORMATS
from provgraph.api.types import Information
from provgraph.errors import InvalidInput
from provgraph.graph import lineage as lineages
from provgraph.schema.collection import SourceCollection

_ROOTS = 100
_TEXT = 10_000


async def _one(context: Context, found: Any) -> Any:
    return (await shown.records(context, [found]))[0]


def _check_pull(asked: shown.PullInput) -> None:
    if not asked.attributes:
        raise InvalidInput("A pull names at least one attribute.", code="attributes_missing")
    if len(asked.attributes) > limits.LINEAGE_NODES or max(map(len, (asked.where, asked.name, asked.start))) > _TEXT:
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
        "on their properties is true, such as \"n_sources > 1000 and attribute = 'redshift'\"."
    )
    async def source_collections(
        self, info: Information, first: int = 20, after: str = "", name: str = "", where: str = ""
    ) -> shown.SourceCollectionConnection:
        context = info.context
        if first < 0 or first > limits.PAGE:
            raise InvalidInput(f"first={first} must be from 0 to {limits.PAGE}.", code="page_too_large")
        page = await context.run(
            loaders.collections, context.survey, first=first, after=after, name=name or None, where=where
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

    @strawberry.field(description="Calculator definitions, newest first.")
    async def calculator_definitions(self, info: Information, first: int = 20) -> list[shown.CalculatorDefinition]:
        context = info.context
        found = (await context.run(context.survey.definitions))[: limits.clamp(first, 20, limits.PAGE)]
        made = await shown.records(context, found)
        return [d for d in made if isinstance(d, shown.CalculatorDefinition)]

    @strawberry.field(description="Where things come from and what came of them, as one graph.")
    async def lineage(self, info: Information, input: shown.LineageInput) -> shown.Lineage:
        if not 1 <= len(input.roots) <= _ROOTS:
            raise InvalidInput(f"A lineage has from 1 to {_ROOTS} roots.", code="lineage_roots")
        for name, depth in (("up", input.up), ("down", input.down)):
            if depth < 0:
                raise InvalidInput(f"{name} is {depth}; the depth of a lineage is 0 or more.", code="lineage_depth")
        return shown.lineage(await info.context.run(_traverse, info.context, input))

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


# -- what blocks -------------------------------------------------------------------------------------------------------


def _traverse(context: Context, asked: shown.LineageInput) -> lineages.Lineage:
    roots = [loaders.object_id_of(r) or loaders.find(context.survey, r).object_id for r in asked.roots]
    return context.survey.mapper.lineage(
        roots, up=limits.clamp(asked.up, 1, limits.LINEAGE_DEPTH),
        down=limits.clamp(asked.down, 0, limits.LINEAGE_DEPTH), limit=max(limits.clamp(asked.limit, 200, limits.LINEAGE_NODES), 1),
    )  # fmt: skip


def _explain(context: Context, asked: shown.PullInput) -> shown.Explanation:
    start: SourceCollection = loaders.find_collection(context.survey, asked.start)
    pull = context.survey.pull(start, asked.attributes, where=asked.where, name=asked.name, create=False)
    return shown.explained(pull.explain())


def _submit(context: Context, asked: shown.PullInput, key: str) -> Any:
    start = loaders.find_collection(context.survey, asked.start)
    return context.runner.submit(
        context.survey.context.agent.name, start=start.iri, attributes=asked.attributes, where=asked.where,
        name=asked.name, idempotency_key=key,
    )  # fmt: skip


def _define(context: Context, asked: shown.CalculatorInput) -> Any:
    return context.survey.define_calculator(
        asked.name, requires=asked.requires, expression=asked.expression, unit=asked.unit, ucd=asked.ucd,
        description=asked.description, parameters={p.name: p.value for p in asked.parameters},
    )  # fmt: skip


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
