"""A lineage as a PROV document: what our classes, links and records say in the words of PROV-DM."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from provgraph import names
from provgraph.graph.lineage import ACTIVITY, ENTITY, WAS_INFLUENCED_BY, Edge, Lineage, Node
from provgraph.prov.model import Document, Literal, Name, Statement, Value, prov, value_of, xsd

#: Local part of every class, descriptor and role of ours is declared under `provgraph`; ids that are no UUIDs under `id`.
PREFIXES: Final = {
    "provgraph": names.NAMESPACE,
    "parameter": names.NAMESPACE.removesuffix("ns#") + "parameter#",
    "uuid": "urn:uuid:",
    "agent": names.NAMESPACE.removesuffix("ns#") + "agent/",
    "id": names.NAMESPACE.removesuffix("ns#") + "id/",
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_AGENT_TYPES: Final = {"person": "Person", "software": "SoftwareAgent", "organisation": "Organization"}
_TIMES: Final = frozenset({"created", "recorded", "started", "ended", "valid_from"})
#: Said by other statements, or true of one machine or of the index only.
_LEFT_OUT: Final = frozenset({
    "object_id", "activity_id", "agent_id", "identity", "kind", "introduces", "atoms", "info", "mtime_ns", "inode",
    "import_id",
})  # fmt: skip


def document(lineage: Lineage) -> Document:
    """The lineage as PROV statements.

    Objects are entities ``urn:uuid:<object_id>`` with their class as prov:type and their descriptors as attributes (a list is
    one JSON text, since PROV keeps no order among the values of an attribute); links are derivations with
    ``provgraph:role``; a revision is a prov:Revision, and a version specializes the thing it is a version of.
    """
    doc = Document({"prov": names.PROV, "xsd": xsd("").iri, **PREFIXES})
    named = {n.id: doc.name(qname(n.id)) for n in lineage.nodes}
    plans: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.relation == names.HAD_PLAN:
            plans[edge.source].append(edge)
    planned = {e.target for edges in plans.values() for e in edges}
    for node in lineage.nodes:
        if node.kind == ENTITY:
            _entity(doc, node, named[node.id], node.id in planned)
        elif node.kind == ACTIVITY:
            _activity(doc, node, named[node.id])
        else:
            _agent(doc, node, named[node.id])
    nodes = {n.id: n for n in lineage.nodes}
    software = {n.id for n in lineage.nodes if n.properties.get("kind") == "software"}
    for edge in lineage.edges:
        _relation(doc, edge, named, nodes)
    for activity in nodes:
        _associations(doc, activity, lineage.edges, plans.get(activity, []), software, named)
    _specializations(doc, lineage, named)
    used = {n.qname.partition(":")[0] for n in named.values()} | {"provgraph", "parameter"}
    doc.prefixes = {p: ns for p, ns in doc.prefixes.items() if p not in PREFIXES or p in used}
    return doc


def qname(id: str) -> str:
    """How an id of the graph is spelled as a qualified name."""
    if _UUID.fullmatch(id):
        return f"uuid:{id}"
    kind, _, rest = id.partition(":")
    if kind == "agent" and rest and rest.isalnum() and rest.isascii():
        return id
    return "id:" + quote(id, safe="-._~")


def _entity(doc: Document, node: Node, name: Name, plan: bool) -> None:
    types = [doc.name(f"provgraph:{_local(node.class_name)}")]
    if "SourceCollection" in node.labels:
        types.append(prov("Collection"))
    if plan:
        types.append(prov("Plan"))
    doc.statements.append(_element("entity", name, node, types))


def _activity(doc: Document, node: Node, name: Name) -> None:
    said = _element(
        "activity", name, node, [doc.name(f"provgraph:{_local(node.properties.get('method') or 'Activity')}")]
    )
    doc.add("activity", name, {"startTime": _time(node, "started"), "endTime": _time(node, "ended")}, said.attributes)


def _time(node: Node, key: str) -> str | None:
    """A time as PROV takes it; what is none stays an attribute."""
    value = node.properties.get(key)
    return value if isinstance(value, str) and _DATE_TIME.fullmatch(value) else None


def _agent(doc: Document, node: Node, name: Name) -> None:
    kind = str(node.properties.get("kind", ""))
    types = [prov(_AGENT_TYPES[kind])] if kind in _AGENT_TYPES else []
    doc.statements.append(_element("agent", name, node, types))


def _element(kind: str, name: Name, node: Node, types: list[Name]) -> Statement:
    attributes = [(prov("type"), value_of(t)) for t in types]
    if node.label:
        attributes.append((prov("label"), value_of(node.label)))
    return Statement(kind, name, (), (*attributes, *_descriptors(node)))


def _descriptors(node: Node) -> Iterator[tuple[Name, Value]]:
    properties: Mapping[str, Any] = node.properties
    if node.class_name == "ProcessParameters":  # each by its own name, so that readers find H0 without parsing
        for parameter, value in zip(properties.get("names", ()), properties.get("values", ()), strict=False):
            yield Name(PREFIXES["parameter"] + quote(parameter), f"parameter:{quote(parameter)}"), value_of(value)
    for key in sorted(properties):
        value = properties[key]
        if key in _LEFT_OUT or value is None or value in ("", []):
            continue
        if node.kind == ACTIVITY and key in {"started", "ended"} and _time(node, key):
            continue
        if node.class_name == "ProcessParameters" and key in {"names", "values"}:
            continue
        yield _name(key), _value(key, value)


def _name(key: str) -> Name:
    return Name(names.NAMESPACE + _local(key), f"provgraph:{_local(key)}")


def _local(text: str) -> str:
    return quote(text, safe="-._~")


def _value(key: str, value: Any) -> Value:
    if isinstance(value, (list, tuple, dict)):
        return value_of(json.dumps(value, ensure_ascii=False))
    if key in _TIMES and isinstance(value, str) and _DATE_TIME.fullmatch(value):
        return Literal(value, xsd("dateTime"))
    return value_of(value)


def _relation(doc: Document, edge: Edge, named: Mapping[str, Name], nodes: Mapping[str, Node]) -> None:
    source, target = named[edge.source], named[edge.target]
    role = edge.properties.get("role")
    time = edge.properties.get("time")
    if not (isinstance(time, str) and _DATE_TIME.fullmatch(time)):
        time = None
    rest = [
        (_name(k), _value(k, v))
        for k, v in sorted(edge.properties.items())
        if k not in {"role", "time"} and v is not None
    ]
    roles: list[tuple[str | Name, Any]] = [(prov("role"), value_of(role)), *rest] if role else [*rest]
    if edge.relation == names.WAS_DERIVED_FROM:
        said: list[tuple[str | Name, Any]] = [(_name("role"), value_of(role)), *rest] if role else [*rest]
        if role == names.REVISION_ROLE:
            said.insert(0, (prov("type"), prov("Revision")))
        doc.add("wasDerivedFrom", None, {"generatedEntity": source, "usedEntity": target}, said)
    elif edge.relation == names.WAS_GENERATED_BY:
        doc.add("wasGeneratedBy", None, {"entity": source, "activity": target, "time": time}, roles)
    elif edge.relation == names.USED:
        doc.add("used", None, {"activity": source, "entity": target, "time": time}, roles)
    elif edge.relation == names.WAS_ATTRIBUTED_TO:
        doc.add("wasAttributedTo", None, {"entity": source, "agent": target}, rest)
    elif edge.relation == names.ACTED_ON_BEHALF_OF:
        doc.add("actedOnBehalfOf", None, {"delegate": source, "responsible": target}, rest)
    elif edge.relation == names.WAS_INFORMED_BY:  # a call made inside another one: it was started by it, no data passed
        doc.add("wasStartedBy", None,
                {"activity": source, "starter": target, "time": _time(nodes[edge.source], "started")}, rest)  # fmt: skip
    elif edge.relation == WAS_INFLUENCED_BY:
        doc.add("wasInfluencedBy", None, {"influencee": source, "influencer": target}, rest)


def _associations(doc: Document, activity: str, edges: tuple[Edge, ...], plans: list[Edge], software: set[str],
                  named: Mapping[str, Name]) -> None:  # fmt: skip
    """Associations of one activity; the plan stands with the software that followed it, or with nobody named."""
    mine = [e for e in edges if e.source == activity and e.relation == names.WAS_ASSOCIATED_WITH]
    followers = [e for e in mine if e.target in software] or mine
    for edge in mine:
        role = edge.properties.get("role")
        said: list[tuple[str | Name, Any]] = [(prov("role"), value_of(role))] if role else []
        for plan in plans if edge in followers and plans else [None]:
            doc.add("wasAssociatedWith", None,
                    {"activity": named[activity], "agent": named[edge.target], "plan": named[plan.target] if plan else None},
                    said)  # fmt: skip
    if not mine:
        for plan in plans:
            doc.add("wasAssociatedWith", None, {"activity": named[activity], "plan": named[plan.target]})


def _specializations(doc: Document, lineage: Lineage, named: Mapping[str, Name]) -> None:
    """Each version specializes the thing whose version it is; a thing that shares its IRI with a version says nothing."""
    for node in lineage.nodes:
        identity = str(node.properties.get("identity") or "")
        if node.kind == ENTITY and identity and identity not in named:
            thing = doc.name(qname(identity))
            doc.add("specializationOf", None, {"specificEntity": named[node.id], "generalEntity": thing})
