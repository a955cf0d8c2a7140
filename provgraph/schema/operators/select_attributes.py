"""SelectAttributes: some of the attributes of one parent."""

from __future__ import annotations

from typing import Any

from provgraph.errors import OperatorError, UnknownAttribute, nearest
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.properties import link, persistent
from provgraph.schema.table import Table


class SelectAttributes(SourceCollection):
    """Some of the attributes of one parent, in the given order; the same sources. None at all is allowed: only sources."""

    parent = link(SourceCollection, role="parent")
    names = persistent(list[str], doc="names kept, in order")

    def check(self) -> None:
        known = self.parent.attributes()
        for place, name in enumerate(self.names):
            if name not in known:
                raise UnknownAttribute(
                    f"{self.parent.label} has no attribute {name!r}; {nearest(name, known)}", name=name
                )
            if name in self.names[:place]:
                raise OperatorError(f"SelectAttributes names {name!r} twice.", code="names_repeated", name=name)

    def derive_attributes(self) -> AttributeSet:
        return self.parent.attributes().only(self.names)

    def parameters(self) -> dict[str, Any]:
        return {"names": list(self.names)}

    def evaluate(self, *parents: Table) -> Table:
        return parents[0].only(list(self.names))

    def arguments(self) -> list[str]:
        return list(self.names)
