"""ConcatenateAttributes: the attributes of several parents, for the sources that all of them represent."""

from __future__ import annotations

from functools import reduce

import numpy as np

from provgraph.errors import OperatorError
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection, same_id_space
from provgraph.schema.properties import link
from provgraph.schema.sets import SourceSet
from provgraph.schema.table import Table


class ConcatenateAttributes(SourceCollection):
    """Joins attributes by source. The sources are the intersection of those of the parents (paper, Section 7.3)."""

    parents = link(list[SourceCollection], role="parent")

    def check(self) -> None:
        if not self.parents:
            raise OperatorError("ConcatenateAttributes needs at least one parent.", code="parents_missing")
        same_id_space(self.parents, "ConcatenateAttributes")
        having: dict[str, SourceCollection] = {}
        for parent in self.parents:
            for name, attribute in parent.attributes().items():
                first = having.setdefault(name, parent)
                if first.attributes()[name].origin != attribute.origin:
                    raise OperatorError(
                        f"ConcatenateAttributes cannot have two attributes {name!r}: that of {first.label} comes from elsewhere "
                        f"than that of {parent.label}; rename one, or select the others.", code="name_clash", name=name,
                    )  # fmt: skip

    def derive_attributes(self) -> AttributeSet:
        return reduce(lambda a, b: a | b, (p.attributes() for p in self.parents))

    def derive_sources(self) -> SourceSet:
        return reduce(lambda a, b: a & b, (p.sources() for p in self.parents))

    def evaluate(self, *parents: Table) -> Table:
        ids = reduce(lambda a, b: np.intersect1d(a, b, assume_unique=True), (p.ids for p in parents))
        columns = {}
        for parent in reversed(parents):
            columns.update(parent.take(np.searchsorted(parent.ids, ids)).columns)
        attributes = reduce(lambda a, b: a | b, (p.attributes for p in parents))
        return Table(ids, {n: columns[n] for n in attributes}, attributes)
