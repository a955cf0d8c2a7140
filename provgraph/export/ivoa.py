"""The names of the IVOA Provenance Data Model (Recommendation 1.0) in a PROV document of a lineage."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from provgraph import names
from provgraph.graph.evidence import NOTE
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, Lineage, Node
from provgraph.prov.model import Document, Literal, Name, Statement, Value, prov, value_of, xsd

PREFIX: Final = "voprov"
_DATASETS: Final = frozenset({"SourceCollection", "DataFile", "StoredFile", "ExportedFile", "Segment", "DataObject"})
_AGENT_TYPES: Final = {"person": "Person", "software": "SoftwareAgent", "organisation": "Organization"}
#: Of every record; what a class of parameters says besides is a parameter.
_RECORD: Final = frozenset({
    "object_id", "identity", "class_name", "class_version",
    "class_form", "version", "repeat", "created", "creator", "project", "lineage_key",
    "deleted", "redacted", "import_id",
})  # fmt: skip


def profiled(document: Document, lineage: Lineage, name: Callable[[str], str]) -> Document:
    """A document of `lineage` in which everything has the class and the attributes of ProvenanceDM too.

    Plans are activity descriptions, process parameters one entity each that configured the activity, and times of generation
    stand with entities, of which each has one generating activity: a further one becomes an influence.

    name : how an id of the graph is spelled as a qualified name.
    """
    return _Profile(document, lineage, name).run()


class _Profile:
    def __init__(self, document: Document, lineage: Lineage, name: Callable[[str], str]) -> None:
        self.document, self.lineage, self.spelled = document, lineage, name
        self.made = Document({**document.prefixes, PREFIX: names.VOPROV})
        self.nodes: Mapping[str, Node] = {document.name(name(n.id)).iri: n for n in lineage.nodes if self.known(n)}
        self.plans = {e.target for e in lineage.edges if e.relation == names.HAD_PLAN}
        self.plan_of: dict[str, list[str]] = defaultdict(list)
        self.said: dict[str, list[Node]] = defaultdict(list)  # entity to dated statements, oldest first
        notes = {n.id: n for n in lineage.nodes if n.kind == NOTE}
        for edge in lineage.edges:
            if edge.relation == names.HAD_PLAN:
                self.plan_of[edge.source].append(edge.target)
            elif edge.relation == names.ABOUT and edge.source in notes:
                self.said[edge.target].append(notes[edge.source])
        for found in self.said.values():
            found.sort(key=lambda n: (str(n.properties.get("recorded", "")), n.id))

    def known(self, node: Node) -> bool:
        return self.document.knows(self.spelled(node.id))

    def term(self, local: str) -> Name:
        return Name(names.VOPROV + local, f"{PREFIX}:{local}")

    def run(self) -> Document:
        generated: dict[str, Name] = {}
        dropped: set[str] = set()
        self.made.statements = [
            said for s in self.document.statements if (said := self.statement(s, generated, dropped)) is not None
        ]
        if dropped:
            self.made.statements = [self.unqualified(s, dropped) for s in self.made.statements]
        self.parameters()
        return self.made

    def statement(self, statement: Statement, generated: dict[str, Name], dropped: set[str]) -> Statement | None:
        if statement.kind == "wasGeneratedBy":
            return self.generation(statement, generated, dropped)
        if statement.kind in ("used", "wasAssociatedWith"):
            return self.with_role(statement)
        if statement.kind in (ENTITY, ACTIVITY, AGENT) and statement.id is not None and statement.id.iri in self.nodes:
            return self.element(statement, self.nodes[statement.id.iri])
        return statement

    def element(self, statement: Statement, node: Node) -> Statement:
        said: list[tuple[Name, Any]] = [(prov("type"), self.term(kind)) for kind in self.classes(node)]
        said.append((self.term("id"), statement.id.iri if statement.id else ""))
        if node.label:
            said.append((self.term("name"), node.label))
        properties = node.properties
        if node.kind in (ENTITY, NOTE):
            said += self.of_entity(node)
        elif node.kind == ACTIVITY:
            said += [(self.term("comment"), m) for m in [properties.get("message")] if m]
            said += [
                (self.term("activityDescription"), self.document.name(self.spelled(p))) for p in self.plan_of[node.id]
            ]
        elif (kind := _AGENT_TYPES.get(str(properties.get("kind", "")))) is not None:
            said.append((self.term("type"), kind))
        added: list[tuple[Name, Value]] = [(n, value_of(v)) for n, v in said]
        attributes = sorted(
            (*statement.attributes, *added), key=lambda a: a[0].iri != names.PROV + "type"
        )  # stable: types first
        return Statement(statement.kind, statement.id, statement.arguments, tuple(attributes))

    def classes(self, node: Node) -> list[str]:
        """The classes of ProvenanceDM that a node is of."""
        if node.kind == ACTIVITY:
            return ["Activity"]
        if node.kind == AGENT:
            return ["Agent"]
        found = ["Entity"]
        if node.id in self.plans:
            found = ["ActivityDescription"]
        elif "SourceCollection" in node.labels or _parameters(node) is not None:
            found.append("Collection")
        if {node.class_name, *node.labels} & _DATASETS:
            found.append("DatasetEntity")
        return found

    def of_entity(self, node: Node) -> list[tuple[Name, Any]]:
        properties = node.properties
        found: list[tuple[Name, Any]] = []
        if time := properties.get("created") or properties.get("recorded"):
            found.append((self.term("generatedAtTime"), _time(time)))
        newest = {str(n.properties.get("kind")): n.properties for n in self.said[node.id]}
        if newest.get("validity", {}).get("value") == "invalid":
            found.append((self.term("invalidatedAtTime"), _time(newest["validity"]["recorded"])))
        if "deleted" in newest:
            found.append((self.term("invalidatedAtTime"), _time(newest["deleted"]["recorded"])))
        if "place" in newest:
            found.append((self.term("location"), str(newest["place"].get("value", ""))))
        if comment := newest.get("description", {}).get("value") or newest.get("comment", {}).get("value"):
            found.append((self.term("comment"), str(comment)))
        if node.id in self.plans:
            version = properties.get("distribution_version") or properties.get("version")
            found += [(self.term("version"), str(version))] if version else []
            text = properties.get("expression") or properties.get("entry_point")
            found += [(self.term("description"), str(text))] if text else []
        return found

    def with_role(self, statement: Statement) -> Statement:
        role = [(self.term("role"), v) for n, v in statement.attributes if n.iri == names.PROV + "role"]
        return Statement(statement.kind, statement.id, statement.arguments, (*statement.attributes, *role))

    def generation(self, statement: Statement, generated: dict[str, Name], dropped: set[str]) -> Statement | None:
        """Times stand with entities, which have one generating activity."""
        entity, activity = statement.argument("entity"), statement.argument("activity")
        if not isinstance(activity, Name) or not isinstance(entity, Name):
            return None
        if generated.setdefault(entity.iri, activity) == activity:
            arguments = tuple((r, a) for r, a in statement.arguments if r != "time")
            return self.with_role(Statement(statement.kind, statement.id, arguments, statement.attributes))
        if statement.id is not None:
            dropped.add(statement.id.iri)
        said = ((prov("type"), value_of(self.term("WasGeneratedBy"))), *statement.attributes)
        return Statement("wasInfluencedBy", None, (("influencee", entity), ("influencer", activity)), said)

    def unqualified(self, statement: Statement, dropped: set[str]) -> Statement:
        """A derivation that spoke of a generation that is an influence now, without the call."""
        generation = statement.argument("generation")
        if statement.kind != "wasDerivedFrom" or not isinstance(generation, Name) or generation.iri not in dropped:
            return statement
        ends = tuple((r, a) for r, a in statement.arguments if r in ("generatedEntity", "usedEntity"))
        return Statement(statement.kind, statement.id, ends, statement.attributes)

    def parameters(self) -> None:
        """Each process parameter as an entity, of the object that holds all of them, that configured the activity."""
        held: dict[str, list[Name]] = {}
        for node in self.lineage.nodes:
            found = _parameters(node) if node.kind == ENTITY else None
            for key, value in found or ():
                spelled = f"id:{quote(f'{node.id}.{key}', safe='-._~')}"
                self.made.prefixes.setdefault("id", names.NAMESPACE.removesuffix("ns#") + "id/")
                one = self.made.name(spelled)
                held.setdefault(node.id, []).append(one)
                self.made.add("entity", one, None, [
                    (prov("type"), self.term("Parameter")), (self.term("name"), key), (self.term("value"), _text(value)),
                    (prov("value"), value if isinstance(value, (str, bool, int, float)) else _text(value)),
                ])  # fmt: skip
                self.made.add(
                    "hadMember", None, {"collection": self.document.name(self.spelled(node.id)), "entity": one}
                )
        for statement in self.document.statements:
            activity, entity = statement.argument("activity"), statement.argument("entity")
            if statement.kind == "used" and isinstance(entity, Name) and entity.iri in self.nodes:
                for one in held.get(self.nodes[entity.iri].id, ()):
                    said = [(prov("type"), self.term("WasConfiguredBy")), (self.term("artefactType"), "Parameter")]
                    self.made.add("wasInfluencedBy", None, {"influencee": activity, "influencer": one}, said)


def _parameters(node: Node) -> list[tuple[str, Any]] | None:
    """Process parameters by name; None for what holds none."""
    properties = node.properties
    if node.class_name == "ProcessParameters":
        return list(zip(properties.get("names", ()), properties.get("values", ()), strict=False))
    if "Parameters" in node.labels:
        return [(k, v) for k, v in sorted(properties.items()) if k not in _RECORD and v is not None]
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _time(value: Any) -> Literal:
    return Literal(str(value), xsd("dateTime"))
