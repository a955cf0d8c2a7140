"""Pass: the exact same catalog as its parent; the movable end of a graph under construction."""

from __future__ import annotations

from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.properties import link
from provgraph.schema.table import Table


class Pass(SourceCollection):
    """Represents the exact same catalog as its parent. Never stored."""

    parent = link(SourceCollection, role="parent")

    def derive_attributes(self) -> AttributeSet:
        return self.parent.attributes()

    def evaluate(self, *parents: Table) -> Table:
        return parents[0]
