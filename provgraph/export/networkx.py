"""A lineage as a graph of networkx, for whoever computes on graphs in Python."""

from __future__ import annotations

from typing import Any, Final

from provgraph import names
from provgraph.errors import needs_extra
from provgraph.graph.evidence import NOTE
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, WAS_INFLUENCED_BY, Lineage

KINDS: Final = {ENTITY: "prov:Entity", ACTIVITY: "prov:Activity", AGENT: "prov:Agent", NOTE: "prov:Entity"}
#: Edges by their names in PROV; a call inside another one was started by it.
RELATIONS: Final = {
    names.WAS_DERIVED_FROM: "wasDerivedFrom", names.WAS_GENERATED_BY: "wasGeneratedBy", names.USED: "used",
    names.WAS_INFORMED_BY: "wasStartedBy", names.WAS_ASSOCIATED_WITH: "wasAssociatedWith",
    names.WAS_ATTRIBUTED_TO: "wasAttributedTo", names.ACTED_ON_BEHALF_OF: "actedOnBehalfOf", names.HAD_PLAN: "hadPlan",
    WAS_INFLUENCED_BY: "wasInfluencedBy", names.ABOUT: "wasInfluencedBy",
}  # fmt: skip


def to_networkx(lineage: Lineage) -> Any:
    """A ``networkx.MultiDiGraph``: nodes by id, edges from effect to cause.

    Nodes have ``prov:type`` (``prov:Entity``, ``prov:Activity`` or ``prov:Agent``), ``prov:label``, ``provgraph:level`` (how
    far from the nearest root) and their properties; edges have ``relation``, the name in PROV such as ``wasDerivedFrom``, and
    ``role``, ``index`` and ``time`` where the relation has them. The graph has ``roots``, ``complete`` and ``truncated``.

    Raises
    ------
    MissingExtra : where networkx is not installed.
    """
    try:
        from networkx import MultiDiGraph
    except ImportError:
        raise needs_extra("networkx", "A graph of networkx") from None
    graph = MultiDiGraph(roots=list(lineage.roots), complete=lineage.complete, truncated=lineage.truncated)
    for node in lineage.nodes:
        graph.add_node(node.id)
        graph.nodes[node.id].update(node.properties)
        graph.nodes[node.id].update({"prov:type": KINDS[node.kind], "prov:label": node.label})
        if node.id in lineage.levels:
            graph.nodes[node.id]["provgraph:level"] = lineage.levels[node.id]
    for edge in lineage.edges:
        key = graph.add_edge(edge.source, edge.target)
        graph.edges[edge.source, edge.target, key].update(edge.properties, relation=RELATIONS[edge.relation])
    return graph
