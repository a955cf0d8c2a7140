"""A lineage as a subgraph of py2neo, for notebooks that still use it: its last release is of 2023, nothing of ours needs it."""

from __future__ import annotations

from typing import Any, Final

from provgraph.errors import needs_extra
from provgraph.graph.evidence import NOTE
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, Lineage

#: The label and the key by which nodes are found again, as the graph of a survey has them.
KEYS: Final = {
    ENTITY: ("Entity", "object_id"),
    ACTIVITY: ("Activity", "activity_id"),
    AGENT: ("Agent", "agent_id"),
    NOTE: ("Note", "note_id"),
}


def to_py2neo(lineage: Lineage) -> Any:
    """A ``py2neo.Subgraph`` with the labels, relationship types and properties of the graph of a survey.

    ``graph.create(subgraph)`` writes it to a Neo4j, and ``graph.merge(subgraph)`` writes what is not there yet: nodes know
    their label and key. Write to a database that is not the one of a survey.

    Raises
    ------
    MissingExtra : where py2neo is not installed.
    """
    try:
        from py2neo import Node, Relationship, Subgraph
    except ImportError:
        raise needs_extra("py2neo", "A subgraph of py2neo") from None
    made: dict[str, Any] = {}
    for node in lineage.nodes:
        label, key = KEYS[node.kind]
        properties = {k: list(v) if isinstance(v, tuple) else v for k, v in node.properties.items() if v is not None}
        one = Node(*dict.fromkeys((label, *node.labels)), **(properties | {key: node.id, "label": node.label}))
        one.__primarylabel__, one.__primarykey__ = label, key
        made[node.id] = one
    ends = [
        Relationship(made[e.source], e.relation, made[e.target], **{k: v for k, v in e.properties.items() if v is not None})
        for e in lineage.edges
    ]  # fmt: skip
    return Subgraph(made.values(), ends)
