"""FilterSources: the sources for which a selection criterion is true."""

from __future__ import annotations

from typing import Any

from provgraph.language import criterion as language
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.criterion import Criterion
from provgraph.schema.properties import link
from provgraph.schema.sets import Definition, SourceSet
from provgraph.schema.table import Table


class FilterSources(SourceCollection):
    """The sources of one parent for which `criterion` is TRUE (neither FALSE nor unknown); the same attributes."""

    parent = link(SourceCollection, role="parent")
    criterion = link(Criterion, role="criterion")

    @classmethod
    def of(cls, parent: SourceCollection, text: str) -> FilterSources:
        """A filter by a criterion as the user writes it, bound to the attributes of `parent`."""
        bound = language.Criterion.parse(text).bind(parent.attributes())
        return cls(parent=parent, criterion=Criterion.of(bound))

    def derive_attributes(self) -> AttributeSet:
        return self.parent.attributes()

    def derive_sources(self) -> SourceSet:
        return SourceSet(self.parent.sources().atoms | {key for key, _ in self.criterion.bound().conjuncts})

    def defines(self) -> dict[str, Definition]:
        return dict(self.criterion.bound().conjuncts)

    def parameters(self) -> dict[str, Any]:
        return {"criterion": self.criterion.canonical}

    def evaluate(self, *parents: Table) -> Table:
        (parent,) = parents
        columns = {a.origin: parent.columns[a.name] for a in parent.attributes.values()}
        return parent.take(self.criterion.bound().select(columns, len(parent)))

    def arguments(self) -> list[str]:
        return [self.text]

    @property
    def text(self) -> str:
        """The criterion over the names of this collection's attributes."""
        return self.criterion.bound().describe({a.origin: a.name for a in self.parent.attributes().values()})
