"""A lineage in PROV-N, the notation people read."""

from __future__ import annotations

from provgraph.export.native import document
from provgraph.graph.lineage import Lineage
from provgraph.prov import provn


def serialize(lineage: Lineage) -> str:
    """A PROV-N document of everything in the lineage."""
    return provn.dumps(document(lineage))
