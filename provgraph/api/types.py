"""What GraphQL shows. Plain fields hold what is known already, so that lists of them need no resolvers; the rest is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from provgraph.api import limits, loaders
from provgraph.api.context import Context
from provgraph.jobs.store import Job as StoredJob
from provgraph.jobs.store import Phase as StoredPhase
from provgraph.resolver.relation import QUESTIONS
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection as StoredCollection
from provgraph.schema.files import DataFile
from provgraph.schema.files import Segment as StoredSegment
from provgraph.schema.objects import DBObject

if TYPE_CHECKING:
    from provgraph.graph.lineage import Lineage as FoundLineage
    from provgraph.graph.lineage import Node as FoundNode
    from provgraph.resolver.pull import Explanation as MadeExplanation
    from provgraph.resolver.relation import Relation as MadeRelation

Information = Info[Context, None]
Phase = strawberry.enum(StoredPhase, name="Phase", description="As in IVOA UWS 1.1.")


# -- objects -----------------------------------------------------------------------------------------------------------


@strawberry.interface(description="Anything with an id that `node` takes.")
class Node:
    id: strawberry.ID


@strawberry.type(description="A dated statement about an object: a name, a description, a tag.")
class Note:
    kind: str
    value: str
    reason: str
    recorded: str
    valid_from: str


@strawberry.interface(description="A version of a persistent object, a PROV Entity.")
class Record(Node):
    object_id: str = strawberry.field(description="UUID of this version; its IRI is urn:uuid:<objectId>.")
    identity: str = strawberry.field(description="UUID that all versions of one thing share.")
    version: int
    class_name: str
    name: str | None = strawberry.field(description="The newest name given to it.")
    lineage_key: str | None = strawberry.field(description="Equal keys, same object.")
    created: str = strawberry.field(description="ISO 8601, UTC.")
    creator: str
    project: str
    href: str = strawberry.field(description="Its page, relative to this service.")
    stored: strawberry.Private[DBObject]

    @strawberry.field(description="Dated statements about it, oldest first.")
    async def notes(self, info: Information) -> list[Note]:
        found = await info.context.notes.load(self.stored)
        return [Note(**{k: n[k] or "" for k in ("kind", "value", "reason", "recorded", "valid_from")}) for n in found]

    @strawberry.field(description="All versions of this thing, newest first.")
    async def versions(self, info: Information) -> list[Record]:
        return await records(info.context, await info.context.versions.load(self.stored))

    @strawberry.field(description="What it is derived from: parents, criterion, definition, files.")
    async def dependencies(self, info: Information) -> list[Record]:
        return await records(info.context, await info.context.parents.load(self.stored))


@strawberry.type(description="One parametrised property of the sources of a collection.")
class Attribute:
    name: str
    dtype: str = strawberry.field(description="numpy type without byte order, or U for text.")
    unit: str = strawberry.field(description="VOUnit; empty: unitless, '?': nobody declared one.")
    ucd: str
    shape: list[int]
    description: str
    origin: str = strawberry.field(description="Key of where the values come from.")


@strawberry.type(
    description="From the statistics of the stored column with most sources; it bounds that of a selection."
)
class AttributeStatistics:
    attribute: str
    minimum: str | None
    maximum: str | None
    missing: int | None
    of: int | None = strawberry.field(description="Sources of the stored column.")


@strawberry.type(
    description="The first sources. Rows hold JSON values: null where there is none, 'NaN', integers beyond 2^53 as text."
)
class Preview:
    attributes: list[str]
    rows: list[list[JSON | None]]


@strawberry.type(
    description="Whether something is still what would be made today: UP_TO_DATE, OUT_OF_DATE, NEWER_EXISTS or UNKNOWN."
)
class Status:
    status: str
    reasons: list[str]
    not_here: list[str] = strawberry.field(
        description="Why values that are not stored could not be made again where this service runs."
    )


@strawberry.type(description="A pull that led to a collection: what was asked, and each choice with its reason.")
class Pulled:
    recorded: str
    request: JSON
    ranking: str
    choices: list[Choice]


@strawberry.type(description="A catalog, processed or not.")
class SourceCollection(Record):
    operator: str
    attributes: list[Attribute]

    @strawberry.field(description="Whether it is still what would be made today, with the reasons.")
    async def status(self, info: Information) -> Status:
        found = await info.context.status.load(self.collection())
        return Status(status=found.status, reasons=list(found.reasons), not_here=list(found.not_here))

    @strawberry.field(description="The pulls that led to it, oldest first; none for what was made by hand.")
    async def why(self, info: Information) -> list[Pulled]:
        return [
            Pulled(
                recorded=p.recorded, request=JSON(dict(p.request)), ranking=p.ranking,
                choices=[Choice(outcome=c.outcome, what=c.what, reason=c.reason) for c in p.choices],
            )
            for p in loaders.pulls(await info.context.notes.load(self.stored))
        ]  # fmt: skip

    @strawberry.field(description="How it is made from its parents, as the documents write it.")
    async def notation(self, info: Information) -> str:
        return await info.context.notation.load(self.collection())

    @strawberry.field(description="The Source Collections it is derived from.")
    async def parents(self, info: Information) -> list[SourceCollection]:
        found = await info.context.parents.load(self.stored)
        made = await records(info.context, [p for p in found if isinstance(p, StoredCollection)])
        return [p for p in made if isinstance(p, SourceCollection)]

    @strawberry.field(description="Number of sources, where it is known without processing.")
    async def rows(self, info: Information) -> int | None:
        return await info.context.rows.load(self.collection())

    @strawberry.field(description="Range and missing values of each attribute, from stored statistics.")
    async def statistics(self, info: Information) -> list[AttributeStatistics]:
        found = await info.context.run(loaders.statistics, info.context.survey, self.collection())
        return [
            AttributeStatistics(
                attribute=name, minimum=row["minimum"] or None, maximum=row["maximum"] or None,
                missing=int(row["missing"]) if row["missing"] else None, of=int(row["of"]) if row["of"] else None,
            )
            for name, row in found.items()
        ]  # fmt: skip

    @strawberry.field(
        description="The first sources; what they need is processed. For more, createPull and its result."
    )
    async def preview(self, info: Information, first: int = 10) -> Preview:
        n = limits.clamp(first, 10, limits.PAGE)
        attributes, rows = await info.context.run(loaders.preview, info.context.survey, self.collection(), n)
        return Preview(attributes=attributes, rows=rows)

    def collection(self) -> StoredCollection:
        assert isinstance(self.stored, StoredCollection)
        return self.stored


@strawberry.type(description="How an attribute is calculated from others, apart from where it is applied.")
class CalculatorDefinition(Record):
    kind: str = strawberry.field(description="expression, python or model.")
    requires: list[str]
    provides: list[str]
    expression: str
    units: list[str]
    ucds: list[str]
    description: str
    parameters: list[Parameter]

    @strawberry.field(description="Why it was declared invalid, so that no pull uses it; null where it was not.")
    async def invalid(self, info: Information) -> str | None:
        return loaders.invalid(await info.context.notes.load(self.stored)) or None


@strawberry.type(description="A process parameter.")
class Parameter:
    name: str
    value: float


@strawberry.type(description="A file that was read or written, known by the digest of its bytes.")
class File(Record):
    file_name: str
    digest: str
    size: JSON = strawberry.field(description="Bytes.")
    format: str


@strawberry.type(description="Stored columns of some sources.")
class Segment(Record):
    digest: str
    rows: JSON
    size: JSON = strawberry.field(description="Bytes.")
    columns: list[str] = strawberry.field(description="Origins of the columns held.")
    id_space: str


@strawberry.type(description="Any other object.")
class Entity(Record):
    properties: JSON


def record(one: DBObject, name: str = "") -> Record:
    """A stored object as GraphQL shows it."""
    common: dict[str, Any] = {
        "object_id": one.object_id, "identity": one.identity, "version": one.version, "class_name": type(one).__name__,
        "name": name or None, "lineage_key": one.lineage_key or None, "created": one.created, "creator": one.creator,
        "project": one.project, "href": f"/id/{one.object_id}", "stored": one,
    }  # fmt: skip
    if isinstance(one, StoredCollection):
        attributes = [
            Attribute(name=a.name, dtype=a.dtype, unit=a.unit, ucd=a.ucd, shape=list(a.shape), description=a.description,
                      origin=a.origin)
            for a in one.attributes().values()
        ]  # fmt: skip
        return SourceCollection(
            **_identified("SourceCollection", common), operator=type(one).__name__, attributes=attributes
        )
    if isinstance(one, AttributeCalculatorDefinition):
        parameters = [Parameter(name=n, value=v) for n, v in one.defaults().items()]
        common["name"] = name or one.name
        return CalculatorDefinition(
            **_identified("CalculatorDefinition", common), kind=one.kind, requires=list(one.requires),
            provides=list(one.provides), expression=one.says, units=list(one.units), ucds=list(one.ucds),
            description=one.description, parameters=parameters,
        )  # fmt: skip
    if isinstance(one, DataFile):
        return File(
            **_identified("File", common), file_name=one.name, digest=one.digest, size=one.size, format=one.format
        )
    if isinstance(one, StoredSegment):
        return Segment(**_identified("Segment", common), digest=one.digest, rows=one.n, size=one.size,
                       columns=list(one.columns), id_space=one.id_space)  # fmt: skip
    return Entity(**_identified("Entity", common), properties=JSON(loaders.properties(one)))


def _identified(kind: str, common: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": strawberry.ID(loaders.global_id(kind, common["object_id"])), **common}


async def records(context: Context, found: Sequence[DBObject]) -> list[Record]:
    """Several objects, with their names, in one statement for all that are asked for at the same time."""
    names = await context.names.load_many(list(found))
    return [record(o, name) for o, name in zip(found, names, strict=True)]


# -- pages -------------------------------------------------------------------------------------------------------------


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class SourceCollectionEdge:
    cursor: str
    node: SourceCollection


@strawberry.type
class SourceCollectionConnection:
    edges: list[SourceCollectionEdge]
    page_info: PageInfo


# -- lineage -----------------------------------------------------------------------------------------------------------


@strawberry.enum(
    description="What depth counts: derivations and calls with what they used or made; calls in calls, too; or all."
)
class LineageUnit(StrEnum):
    ENTITY = "entity"
    ACTIVITY = "activity"
    EDGE = "edge"


@strawberry.input(
    description="Conditions are ids, kinds (entity, activity, agent), classes, or calls such as Flat.make."
)
class LineageInput:
    roots: list[str] = strawberry.field(description="Ids, UUIDs, IRIs or names.")
    up: int = strawberry.field(default=1, description="Depth towards what it was made from, in `unit`.")
    down: int = strawberry.field(default=0, description="Depth towards what was made from it.")
    limit: int = strawberry.field(default=200, description="Most nodes, at most 1000; the nearest are kept.")
    unit: LineageUnit = LineageUnit.ENTITY
    relations: list[str] = strawberry.field(
        default_factory=list, description="Follow only these, such as used or wasDerivedFrom; none: all causes."
    )
    only: list[str] = strawberry.field(
        default_factory=list,
        description="Show only these; an edge WAS_INFLUENCED_BY joins what is shown past what is not.",
    )
    without: list[str] = strawberry.field(default_factory=list, description="As if these were not there.")
    stop_at: list[str] = strawberry.field(default_factory=list, description="Do not look behind these.")
    as_of: str = strawberry.field(default="", description="As it was recorded then: a date or a time, UTC.")
    valid_at: str = strawberry.field(default="", description="Only what was valid then.")
    seconds: float | None = strawberry.field(default=None, description="End after so many, with what was found.")
    first: int | None = strawberry.field(
        default=None, description="So many nodes of them, with the edges that leave those; null: all."
    )
    after: str = strawberry.field(default="", description="Behind this node: endCursor of the page before.")


@strawberry.type(description="An entity, activity or agent.")
class LineageNode:
    id: strawberry.ID = strawberry.field(description="UUID of the object or activity, or key of the agent.")
    kind: str
    class_name: str
    label: str
    href: str | None
    properties: JSON


@strawberry.type(description="From effect to cause.")
class LineageEdge:
    source: str
    target: str
    relation: str
    role: str | None


@strawberry.type
class Cost:
    statements: int
    seconds: float


@strawberry.type
class Lineage:
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    complete: bool = strawberry.field(description="Nothing that was asked for is left out.")
    truncated: int = strawberry.field(description="Nodes left out because of the limit.")
    ended_by: str | None = strawberry.field(description="limit or seconds, where one of them ended it.")
    end_cursor: str | None = strawberry.field(description="`after` of the next page; null where there is none.")
    cost: Cost


def lineage_node(n: FoundNode) -> LineageNode:
    return LineageNode(
        id=strawberry.ID(n.id), kind=n.kind, class_name=n.class_name, label=n.label,
        href=f"/id/{n.id}" if n.kind == "entity" else None,
        properties=JSON({k: v for k, v in n.properties.items() if k != "info"}),
    )  # fmt: skip


def lineage(found: FoundLineage, page: Sequence[FoundNode], end: str) -> Lineage:
    """These nodes of a lineage, with the edges that leave them."""
    ids = {n.id for n in page}
    edges = [
        LineageEdge(source=e.source, target=e.target, relation=e.relation, role=e.properties.get("role") or None)
        for e in found.edges if e.source in ids
    ]  # fmt: skip
    return Lineage(
        nodes=[lineage_node(n) for n in page], edges=edges, complete=found.complete, truncated=found.truncated,
        ended_by=found.ended_by or None, end_cursor=end or None,
        cost=Cost(statements=found.statements, seconds=found.seconds),
    )  # fmt: skip


# -- pulls -------------------------------------------------------------------------------------------------------------


@strawberry.input(description="Which collection, or calculator, to use for an attribute, whatever ranks higher.")
class UseInput:
    attribute: str
    thing: str = strawberry.field(description="A collection or calculator: name, name@version, id or IRI.")


@strawberry.input(description="Process parameters of a calculation, in place of defaults.")
class OverruledInput:
    attribute: str = strawberry.field(description="What it provides, or its name.")
    parameters: list[ParameterInput]


@strawberry.input(description="What a catalog should contain, not how to make it.")
class PullInput:
    start: str = strawberry.field(description="The collection to begin with: name, name@version, id or IRI.")
    attributes: list[str]
    where: str = strawberry.field(default="", description="Criterion for the sources.")
    name: str = strawberry.field(default="", description="What to call the result.")
    use: list[UseInput] = strawberry.field(default_factory=list, description="What to use, whatever ranks higher.")
    avoid: list[str] = strawberry.field(default_factory=list, description="Collections and calculators not to use.")
    parameters: list[OverruledInput] = strawberry.field(
        default_factory=list, description="Process parameters, by attribute."
    )


@strawberry.enum(description="Nothing is NO without a witness; UNKNOWN is neither YES nor NO.")
class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@strawberry.type(description="An answer with its reason.")
class Answered:
    answer: Answer
    because: str
    rules: list[str] = strawberry.field(description="What it rests on, as the documentation names them.")


@strawberry.type(description="How the sources of a relate to those of b.")
class Relation:
    subset: Answered = strawberry.field(description="All sources of a are in b.")
    superset: Answered = strawberry.field(description="All sources of b are in a.")
    equal: Answered
    disjoint: Answered = strawberry.field(description="No source is in both.")


def relation(found: MadeRelation) -> Relation:
    answers = {
        q: Answered(answer=Answer(getattr(found, q).value), because=found.because(q), rules=list(found.rules(q)))
        for q in QUESTIONS
    }
    return Relation(**answers)


@strawberry.type(description="One thing that was found, created or rejected, and why.")
class Choice:
    outcome: str
    what: str
    reason: str


@strawberry.type
class StepRows:
    step: str
    rows: str


@strawberry.type(description="On how many sources at most, bytes read or made, seconds; null where nobody knows yet.")
class StepCost:
    step: str
    where: str
    sources: JSON | None
    bytes: JSON | None
    seconds: float | None


@strawberry.type(description="Why a pull is made the way it is; nothing is processed for it.")
class Explanation:
    request: str
    choices: list[Choice]
    before: list[str] = strawberry.field(description="The plan as stored, most general.")
    after: list[str] = strawberry.field(description="The plan as processed.")
    rewrites: list[str]
    rows: list[StepRows] = strawberry.field(description="Sources by step: known, bounded or unknown.")
    unchecked_units: list[str]
    superseded: list[str] = strawberry.field(description="Calculators in it that have a newer version.")
    costs: list[StepCost] = strawberry.field(description="Where each step runs, and what it is expected to cost.")
    expected: str = strawberry.field(description="What all of it is expected to cost.")
    text: str = strawberry.field(description="All of it, to read.")


def explanation(plain: Mapping[str, Any]) -> Explanation:
    return Explanation(
        request=plain["request"], choices=[Choice(**c) for c in plain["choices"]], before=list(plain["before"]),
        after=list(plain["after"]), rewrites=list(plain["rewrites"]),
        rows=[StepRows(step=s, rows=r) for s, r in plain["rows"].items()],
        unchecked_units=list(plain["unchecked_units"]), superseded=list(plain.get("superseded", ())),
        costs=[StepCost(**c) for c in plain.get("costs", ())], expected=plain.get("expected", ""), text=plain["text"],
    )  # fmt: skip


def explained(made: MadeExplanation) -> Explanation:
    return explanation({**made.as_dict(), "text": str(made)})


@strawberry.type
class Progress:
    fraction: float
    message: str


@strawberry.type(description="Why a job ended in ERROR: the same code and sentence as everywhere.")
class PullError:
    code: str
    message: str
    details: JSON


@strawberry.type(description="Where the catalog data are; other formats by Accept or ?format=.")
class PullResult:
    href: str
    media_type: str
    formats: list[str]
    rows: int


@strawberry.type(description="A pull that is processed in a process of its own; its phases are those of UWS 1.1.")
class PullJob:
    id: strawberry.ID
    phase: Phase  # type: ignore[valid-type]
    progress: Progress
    error: PullError | None
    result: PullResult | None
    explanation: Explanation | None
    created: str
    started: str | None
    ended: str | None
    object_id: strawberry.Private[str]

    @strawberry.field(description="The Source Collection that represents what was asked for.")
    async def collection(self, info: Information) -> SourceCollection | None:
        if not self.object_id:
            return None
        one = await info.context.run(info.context.survey.mapper.get, self.object_id)
        found = (await records(info.context, [one]))[0]
        return found if isinstance(found, SourceCollection) else None


def pull_job(job: StoredJob, formats: Sequence[str]) -> PullJob:
    from provgraph.api.results import ARROW

    error = PullError(code=job.error["code"], message=job.error["message"], details=JSON(job.error.get("details") or {})) \
        if job.error else None  # fmt: skip
    result = None
    if job.phase is StoredPhase.COMPLETED:
        result = PullResult(href=f"/pulls/{job.id}/result", media_type=ARROW, formats=list(formats), rows=job.rows or 0)
    return PullJob(
        id=strawberry.ID(job.id), phase=job.phase, progress=Progress(fraction=job.fraction, message=job.message),
        error=error, result=result, explanation=explanation(job.explanation) if job.explanation else None,
        created=job.created, started=job.started or None, ended=job.ended or None, object_id=job.collection,
    )  # fmt: skip


# -- definitions and notes ---------------------------------------------------------------------------------------------


@strawberry.input(description="A number, or a collection where a whole catalog is meant: one of the two.")
class ParameterInput:
    name: str
    value: float | None = None
    collection: str = strawberry.field(default="", description="Name, name@version, id or IRI.")


@strawberry.input(description="A part of a collection.")
class PartInput:
    name: str
    fraction: float = strawberry.field(description="Of all sources; those of all parts are at most 1 together.")


@strawberry.type(description="A part of a collection that provably shares no source with the others.")
class Part:
    name: str
    collection: SourceCollection


@strawberry.type(description="What dropping derived values takes away, and what having them again costs.")
class Forgotten:
    segments: int
    bytes: JSON
    seconds: float = strawberry.field(description="That making them took, as measured then.")
    attributes: list[str]
    done: bool
    text: str


@strawberry.input
class CalculatorInput:
    name: str = strawberry.field(description="Of the definition and of the attribute it provides.")
    requires: list[str]
    expression: str
    unit: str = strawberry.field(default="?", description="VOUnit of the result.")
    ucd: str = ""
    description: str = ""
    parameters: list[ParameterInput] = strawberry.field(
        default_factory=list, description="Process parameters in place of the defaults."
    )


@strawberry.input(description="Dated statements to append; nothing of what is stored changes.")
class AnnotationInput:
    name: str = ""
    description: str = ""
    tags: list[str] = strawberry.field(default_factory=list)
