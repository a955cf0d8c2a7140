"""RelabelSources: the same sources under other identifiers."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.errors import OperatorError
from provgraph.names import UCD_ID
from provgraph.schema import keys, sets
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.properties import link
from provgraph.schema.relabelling import Relabelling, relabel
from provgraph.schema.sets import Definition, SourceSet
from provgraph.schema.table import Table

Array = np.ndarray[Any, Any]


class RelabelSources(SourceCollection):
    """Every source of one parent under the identifier that a relabelling gives it; the same attributes and values.

    Processing it is an error where the relabelling says nothing of a source, or makes one of two.
    """

    parent = link(SourceCollection, role="parent")
    relabelling = link(Relabelling, role="relabelling")

    def check(self) -> None:
        if self.parent.id_space != self.relabelling.from_space:
            raise OperatorError(
                f"The relabelling is for identifiers of the id space {self.relabelling.from_space!r}, but those of "
                f"{self.parent.label} are of {self.parent.id_space!r}.",
                code="id_spaces_differ", id_spaces=sorted((self.parent.id_space, self.relabelling.from_space)),
            )  # fmt: skip

    @property
    def id_space(self) -> str:
        return str(self.relabelling.to_space)

    def derive_attributes(self) -> AttributeSet:
        return AttributeSet(
            Attribute(
                a.name, a.dtype, a.unit, UCD_ID.partition(";")[0] if a.ucd == UCD_ID else a.ucd, a.description, a.shape,
                keys.origin_key("RelabelSources", self.relabelling.lineage_key, a.origin),
            )
            for a in self.parent.attributes().values()
        )  # fmt: skip

    def derive_sources(self) -> SourceSet:
        return SourceSet(self._image()[0])

    def defines(self) -> dict[str, Definition]:
        return self._image()[1]

    def _image(self) -> tuple[sets.Atoms, dict[str, Definition]]:
        return sets.relabelled(
            self.relabelling.lineage_key, self.parent.sources().atoms, injective=self.relabelling.injective
        )

    def parameters(self) -> dict[str, Any]:
        return {"relabelling": self.relabelling.lineage_key}

    def introduces(self) -> tuple[str, ...]:
        return self.attributes().names

    def evaluate(self, *parents: Table, pairs: tuple[Array, Array] | None = None) -> Table:
        (parent,) = parents
        new = relabel(parent.ids, self.relabelling.plain(), pairs)
        order = np.argsort(new, kind="stable")
        return Table(new[order], {n: c.take(order) for n, c in parent.columns.items()}, self.attributes())

    def arguments(self) -> list[str]:
        return [repr(self.relabelling)]
