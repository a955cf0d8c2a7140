"""A lineage as a PROV document: what our classes, links and records say in the words of PROV-DM."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from provgraph import names
from provgraph.export.redaction import Redacted
from provgraph.graph.evidence import NOTE
from provgraph.graph.lineage import ACTIVITY, ENTITY, WAS_INFLUENCED_BY, Edge, Lineage, Node
from provgraph.prov.model import Document, Literal, Name, Reference, Statement, Value, prov, value_of, xsd
from provgraph.schema import keys

#: Local part of every class, descriptor and role of ours is declared under `provgraph`; ids that are no UUIDs under `id`.
PREFIXES: Final = {
    "provgraph": names.NAMESPACE,
    "parameter": names.NAMESPACE.removesuffix("ns#") + "parameter#",
    "uuid": "urn:uuid:",
    "agent": names.NAMESPACE.removesuffix("ns#") + "agent/",
    "id": names.NAMESPACE.removesuffix("ns#") + "id/",
}
#: Roles of what a call was made for or on, which is nothing that its results are made of.
_FOR: Final = frozenset({"target", "self"})
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_AGENT_TYPES: Final = {"person": "Person", "software": "SoftwareAgent", "organisation": "Organization"}
_TIMES: Final = frozenset({"created", "recorded", "started", "ended", "valid_from"})
#: Said by other statements, or true of one machine or of the index only.
_LEFT_OUT: Final = frozenset({
    "object_id", "activity_id", "agent_id", "note_id", "identity", "kind", "introduces", "atoms", "info", "mtime_ns", "inode",
    "import_id",
})  # fmt: skip


def document(lineage: Lineage, redacted: Redacted | None = None) -> Document:
    """The lineage as PROV statements.

    Objects are entities ``urn:uuid:<object_id>`` with their class as prov:type and their descriptors as attributes (a list is
    one JSON text, since PROV keeps no order among the values of an attribute); links are derivations with
    ``provgraph:role``, which name the call, its usage and its generation where one call stands behind them (making a target
    used what it is linked to); a revision is a
    prov:Revision, and a version specializes the thing it is a version of. A dated statement is an entity that was generated
    when it was recorded and influenced by what it is about; what was deleted is invalidated at that time.

    redacted : what was taken out of this lineage; an entity of the class ``provgraph:Redaction`` says so.
    """
    doc = empty()
    named = {n.id: doc.name(qname(n.id)) for n in lineage.nodes}
    plans: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.relation == names.HAD_PLAN:
            plans[edge.source].append(edge)
    planned = {e.target for edges in plans.values() for e in edges}
    _elements(doc, lineage.nodes, named, planned)
    nodes = {n.id: n for n in lineage.nodes}
    software = {n.id for n in lineage.nodes if n.properties.get("kind") == "software"}
    behind = _Behind(lineage.edges)
    for edge in (*lineage.edges, *behind.implied):
        _relation(doc, edge, named, nodes, behind)
    for activity in nodes:
        _associations(doc, activity, lineage.edges, plans.get(activity, []), software, named)
    _specializations(doc, lineage.nodes, named, named)
    if redacted is not None and redacted.counts:
        redaction(doc, lineage.roots, redacted)
    if lineage.ended_by or lineage.truncated:
        _truncation(doc, lineage)
    used = {s.id.qname.partition(":")[0] for s in doc.statements if s.id is not None} | {"provgraph", "parameter"}
    used |= {n.qname.partition(":")[0] for n in named.values()}
    doc.prefixes = {p: ns for p, ns in doc.prefixes.items() if p not in PREFIXES or p in used}
    return doc


def empty() -> Document:
    """A document with our prefixes."""
    return Document({"prov": names.PROV, "xsd": xsd("").iri, **PREFIXES})


def part(lineage: Lineage, around: Sequence[Edge], planned: Container[str], software: Container[str],
         things: Container[str], seen: Callable[[str], bool]) -> Document:  # fmt: skip
    """The statements about these nodes and their edges, which are part of something larger.

    around : usages of the calls that made them. planned, software : which nodes are plans, which software. things : what is a
    version and the thing whose version it is at once. seen : whether a usage that must have been was written before.
    """
    doc = empty()
    named = _Named(doc)
    _elements(doc, lineage.nodes, named, planned)
    nodes = {n.id: n for n in lineage.nodes}
    behind = _Behind((*lineage.edges, *around), every=True)
    leaving: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        leaving[edge.source].append(edge)
        _relation(doc, edge, named, nodes, behind)
    for edge in behind.implied:
        name = behind.name(doc, edge)
        if name is not None and not seen(name.iri):
            _relation(doc, edge, named, nodes, behind)
    for activity in nodes:
        plans = [e for e in leaving[activity] if e.relation == names.HAD_PLAN]
        _associations(doc, activity, tuple(leaving[activity]), plans, software, named)
    _specializations(doc, lineage.nodes, named, things)
    return doc


class _Named(dict[str, Name]):
    """How nodes are called that stand anywhere."""

    def __init__(self, doc: Document) -> None:
        self.doc = doc

    def __missing__(self, id: str) -> Name:
        found = self[id] = self.doc.name(qname(id))
        return found


def _elements(doc: Document, nodes: Sequence[Node], named: Mapping[str, Name], planned: Container[str]) -> None:
    for node in nodes:
        if node.kind == ENTITY:
            _entity(doc, node, named[node.id], node.id in planned)
        elif node.kind == ACTIVITY:
            _activity(doc, node, named[node.id])
        elif node.kind == NOTE:
            _note(doc, node, named[node.id])
        else:
            _agent(doc, node, named[node.id])


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


def _note(doc: Document, node: Node, name: Name) -> None:
    said = _element("entity", name, node, [doc.name("provgraph:Note")])
    kind = (_name("kind"), value_of(str(node.properties.get("kind", ""))))
    doc.statements.append(Statement("entity", name, (), (*said.attributes, kind)))
    if time := _time(node, "recorded"):
        doc.add("wasGeneratedBy", None, {"entity": name, "time": time})


def _truncation(doc: Document, lineage: Lineage) -> None:
    """That nodes were left out, as an entity."""
    key = keys.sha256([lineage.truncated, list(lineage.roots)])[:20]
    said = f"{lineage.truncated:,} nodes left out" if lineage.ended_by != "seconds" else "ended before all was found"
    doc.add("entity", f"id:truncation-{key}", None, [
        (prov("type"), doc.name("provgraph:Truncation")), (prov("label"), said), (_name("left_out"), lineage.truncated),
    ])  # fmt: skip


def redaction(doc: Document, roots: Sequence[str], redacted: Redacted) -> None:
    """What was taken out, as an entity; its name depends on what is said, so that equal documents stay equal."""
    said = [(r, n) for r, n in sorted(redacted.counts.items())]
    key = keys.sha256([redacted.policy, said, list(roots)])[:20]
    doc.add("entity", f"id:redaction-{key}", None, [
        (prov("type"), doc.name("provgraph:Redaction")), (prov("label"), str(redacted)),
        (_name("policy"), redacted.policy),
        *((_name(rule.replace(" ", "_")), n) for rule, n in said),
    ])  # fmt: skip


def stated(doc: Document) -> str:
    """What a document says was taken out of it, in one sentence; '' where it says nothing."""
    kind = Reference(Name(names.NAMESPACE + "Redaction"))
    for statement in doc.statements:
        if statement.kind == "entity" and kind in statement.values(prov("type")):
            label = statement.values(prov("label"))[0]
            return label.lexical.capitalize() if isinstance(label, Literal) else ""
    return ""


class _Behind:
    """Which call stands behind a derivation: the one that generated one end and used the other.

    every : whether all generations and usages have an identifier, not only those that a derivation speaks of.
    """

    def __init__(self, edges: Sequence[Edge], *, every: bool = False) -> None:
        self.every = every
        self.generations: dict[str, list[Edge]] = defaultdict(list)
        uses: dict[tuple[str, str], Edge] = {}
        for edge in edges:
            if edge.relation == names.WAS_GENERATED_BY:
                self.generations[edge.source].append(edge)
            elif edge.relation == names.USED and edge.properties.get("role") not in _FOR:
                uses.setdefault((edge.source, edge.target), edge)
        self.pairs: dict[int, tuple[Edge, Edge]] = {}
        self.implied: list[Edge] = []
        self.called: set[int] = set()
        for edge in edges:
            if edge.relation == names.WAS_DERIVED_FROM and edge.source != edge.target:
                for generation in self.generations.get(edge.source, ()):
                    usage = uses.get((generation.target, edge.target))
                    if usage is None and _is_input(generation, edge, self.generations):
                        usage = Edge(generation.target, edge.target, names.USED, {"role": edge.properties["role"]})
                        uses[generation.target, edge.target] = usage
                        self.implied.append(usage)
                    if usage is not None:
                        self.pairs[id(edge)] = generation, usage
                        self.called |= {id(generation), id(usage)}
                        break

    def name(self, doc: Document, edge: Edge) -> Name | None:
        """The identifier of a generation or usage that a derivation speaks of."""
        if id(edge) not in self.called and not self.every:
            return None
        word = "generation" if edge.relation == names.WAS_GENERATED_BY else "usage"
        key = keys.sha256([edge.source, edge.target, sorted((k, str(v)) for k, v in edge.properties.items())])[:20]
        return doc.name(f"id:{word}-{key}")


def _is_input(generation: Edge, derivation: Edge, generations: Mapping[str, list[Edge]]) -> bool:
    """Whether what a target is linked to was used when it was made: by PROV-CONSTRAINTS, inference 11, it was."""
    role = derivation.properties.get("role")
    made = generation.properties.get("role") == "target" and len(generations[derivation.source]) == 1
    return made and bool(role) and role not in {names.REVISION_ROLE, names.FILE_ROLE}


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


def _relation(doc: Document, edge: Edge, named: Mapping[str, Name], nodes: Mapping[str, Node], behind: _Behind) -> None:
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
        call: dict[str, Name | None] = {}
        if pair := behind.pairs.get(id(edge)):
            generation, usage = pair
            call = {"activity": named[generation.target], "generation": behind.name(doc, generation),
                    "usage": behind.name(doc, usage)}  # fmt: skip
        doc.add("wasDerivedFrom", None, {"generatedEntity": source, "usedEntity": target, **call}, said)
    elif edge.relation == names.WAS_GENERATED_BY:
        doc.add("wasGeneratedBy", behind.name(doc, edge), {"entity": source, "activity": target, "time": time}, roles)
    elif edge.relation == names.USED:
        doc.add("used", behind.name(doc, edge), {"activity": source, "entity": target, "time": time}, roles)
    elif edge.relation == names.WAS_ATTRIBUTED_TO:
        doc.add("wasAttributedTo", None, {"entity": source, "agent": target}, rest)
    elif edge.relation == names.ACTED_ON_BEHALF_OF:
        doc.add("actedOnBehalfOf", None, {"delegate": source, "responsible": target}, rest)
    elif edge.relation == names.WAS_INFORMED_BY:  # a call made inside another one: it was started by it, no data passed
        doc.add("wasStartedBy", None,
                {"activity": source, "starter": target, "time": _time(nodes[edge.source], "started")}, rest)  # fmt: skip
    elif edge.relation == names.ABOUT:
        about = [(_name("role"), value_of("about")), *rest]
        doc.add("wasInfluencedBy", None, {"influencee": source, "influencer": target}, about)
        if nodes[edge.source].label == "deleted":
            doc.add("wasInvalidatedBy", None, {"entity": target, "time": _time(nodes[edge.source], "recorded")})
    elif edge.relation == WAS_INFLUENCED_BY:
        doc.add("wasInfluencedBy", None, {"influencee": source, "influencer": target}, rest)


def _associations(doc: Document, activity: str, edges: tuple[Edge, ...], plans: list[Edge], software: Container[str],
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


def _specializations(doc: Document, nodes: Sequence[Node], named: Mapping[str, Name], things: Container[str]) -> None:
    """Each version specializes the thing whose version it is; a thing that shares its IRI with a version says nothing."""
    for node in nodes:
        identity = str(node.properties.get("identity") or "")
        if node.kind == ENTITY and identity and identity not in things:
            thing = doc.name(qname(identity))
            doc.add("specializationOf", None, {"specificEntity": named[node.id], "generalEntity": thing})
