"""A file and the imported documents that speak of it, which meet by an identifier that stands in the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provgraph import names
from provgraph.documents.library import Library, StoredDocument
from provgraph.export.tables.identifiers import embedded
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, MOST, WAS_INFLUENCED_BY, Edge, Lineage, Node
from provgraph.prov.model import Bundle, Document, Literal, Name, Scope, Statement, kind_in, prov

if TYPE_CHECKING:
    from provgraph.schema.objects import DBObject

#: Which arguments of a statement are its effect and its cause, and the edge between them.
_ENDS: Final = {
    "wasGeneratedBy": ("entity", "activity", names.WAS_GENERATED_BY),
    "used": ("activity", "entity", names.USED),
    "wasInformedBy": ("informed", "informant", names.WAS_INFORMED_BY),
    "wasStartedBy": ("activity", "starter", names.WAS_INFORMED_BY),
    "wasDerivedFrom": ("generatedEntity", "usedEntity", names.WAS_DERIVED_FROM),
    "wasAttributedTo": ("entity", "agent", names.WAS_ATTRIBUTED_TO),
    "wasAssociatedWith": ("activity", "agent", names.WAS_ASSOCIATED_WITH),
    "actedOnBehalfOf": ("delegate", "responsible", names.ACTED_ON_BEHALF_OF),
    "wasInfluencedBy": ("influencee", "influencer", WAS_INFLUENCED_BY),
    "specializationOf": ("specificEntity", "generalEntity", WAS_INFLUENCED_BY),
    "hadMember": ("collection", "entity", WAS_INFLUENCED_BY),
}  # fmt: skip


@dataclass(frozen=True)
class Identified:
    """What is known of a file.

    object : of the survey, known by the bytes of the file; None where they are not known. iris : identifiers that stand in
    the file; anybody may have written them. documents : imported documents that speak of one of these, or of the object.
    """

    object: DBObject | None
    iris: tuple[str, ...]
    documents: tuple[StoredDocument, ...]


def identified(library: Library, path: Path, known: DBObject | None) -> Identified:
    """A file whose object is known, if it is one of the survey."""
    iris = tuple(embedded(path))
    asked = [*([known.iri] if known is not None else []), *iris]
    documents = {one.id: one for iri in asked for one in library.mentions(iri)}
    return Identified(known, iris, tuple(documents.values()))


def spoken_of(library: Library, path: Path) -> str:
    """The identifier in a file of which an imported document speaks, the first there is; ''."""
    return next((iri for iri in embedded(path) if library.mentions(iri)), "")


def lineage(document: Document, root: str, limit: int = MOST) -> Lineage:
    """What a document says led to a thing, as nodes and edges: ids are IRIs. limit : most nodes, the nearest ones.

    Every scope speaks for itself: of a thing that several speak of, each has a node of its own, which says in which bundle it is.
    """
    told = [_Graph(scope, root) for scope in document.scopes()]
    told = [one for one in told if one.speaks] or told[:1]
    several = len(told) > 1
    levels: dict[str, int] = {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    roots = []
    for one in told:
        ids = {node.id: f"{node.id} in {one.bundle}" if several and one.bundle else node.id for node in one.nodes}
        where = f" (in {one.bundle})" if several and one.bundle else ""
        roots.append(ids[root])
        levels |= {ids[iri]: level for iri, level in one.levels.items()}
        nodes += [replace(node, id=ids[node.id], label=f"{node.label}{where}") for node in one.nodes]
        edges += [replace(e, source=ids[e.source], target=ids[e.target]) for e in one.edges]
    nodes.sort(key=lambda node: levels[node.id])
    shown = {node.id: node for node in nodes[: max(limit, len(roots))]}
    edges = [edge for edge in edges if edge.source in shown and edge.target in shown]
    left_out = len(nodes) - len(shown)
    return Lineage(tuple(roots), tuple(shown.values()), tuple(edges), not left_out, left_out, 0, 0.0,
                   {i: levels[i] for i in shown}, "limit" if left_out else "")  # fmt: skip


class _Graph:
    """What one scope says. speaks : whether it names the thing at all. bundle : the name of the scope; '' of the top level."""

    def __init__(self, scope: Scope, root: str) -> None:
        self.bundle = (scope.id.qname or scope.id.iri) if isinstance(scope, Bundle) else ""
        said: dict[str, list[Statement]] = {}
        out: dict[str, list[Edge]] = {}
        kinds: dict[str, str] = {}
        for statement in (one for whole in scope.statements for one in whole.single()):
            if statement.id is not None and statement.kind in {ENTITY, ACTIVITY, AGENT}:
                said.setdefault(statement.id.iri, []).append(statement)
                kinds[statement.id.iri] = statement.kind
            else:
                for edge in _edges(statement, kinds):
                    out.setdefault(edge.source, []).append(edge)
        self.speaks = root in kinds
        self.levels = {root: 0}
        waiting = deque([root])
        while waiting:
            here = waiting.popleft()
            for edge in out.get(here, ()):
                if edge.target not in self.levels:
                    self.levels[edge.target] = self.levels[here] + 1
                    waiting.append(edge.target)
        reached = sorted(self.levels, key=lambda iri: (self.levels[iri], kinds.get(iri, ENTITY) != ENTITY, iri))
        self.nodes = [_node(iri, kinds.get(iri, ENTITY), said.get(iri, [])) for iri in reached]
        self.edges = [edge for iri in reached for edge in out.get(iri, ()) if edge.target in self.levels]


def _edges(statement: Statement, kinds: dict[str, str]) -> Iterator[Edge]:
    """The edge between effect and cause; a plan stands behind its activity, too."""
    ends = [_ENDS[statement.kind]] if statement.kind in _ENDS else []
    if statement.kind == "wasAssociatedWith":
        ends.append(("activity", "plan", names.HAD_PLAN))
    for effect, cause, relation in ends:
        source, target = statement.argument(effect), statement.argument(cause)
        if not isinstance(source, Name) or not isinstance(target, Name):
            continue
        for role, name in ((effect, source), (cause, target)):
            kinds.setdefault(name.iri, kind_in(role))
        properties: dict[str, Any] = {}
        if said := [v.lexical for v in statement.values(prov("role")) if isinstance(v, Literal)]:
            properties["role"] = said[0]
        if isinstance(time := statement.argument("time"), str):
            properties["time"] = time
        yield Edge(source.iri, target.iri, relation, properties)


def _node(iri: str, kind: str, said: list[Statement]) -> Node:
    attributes = [pair for one in said for pair in one.attributes]
    labels = [v.lexical for n, v in attributes if n == prov("label") and isinstance(v, Literal)]
    types = [
        v.lexical if isinstance(v, Literal) else v.name.qname or v.name.iri for n, v in attributes if n == prov("type")
    ]
    properties: dict[str, Any] = {"iri": iri}
    for name, value in attributes:
        words = value.lexical if isinstance(value, Literal) else value.name.qname or value.name.iri
        if name not in (prov("label"), prov("type")):
            properties.setdefault(name.qname or name.iri, words)
    for one in said:
        for role, key in (("startTime", "started"), ("endTime", "ended")):
            if isinstance(time := one.argument(role), str):
                properties.setdefault(key, time)
    short = types[0].rpartition(":")[2].rpartition("#")[2] if types else kind
    return Node(iri, kind, short, labels[0] if labels else iri, properties, ())
