"""A lineage as W3C PROV-JSON."""

from __future__ import annotations

from provgraph.export.native import document
from provgraph.graph.lineage import Lineage
from provgraph.prov import json


def serialize(lineage: Lineage, *, indent: int | None = 2) -> str:
    """A PROV-JSON document of everything in the lineage."""
    return json.dumps(document(lineage), indent=indent)
