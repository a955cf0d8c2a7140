"""SelectSources: the sources of one parent that are in an explicit list."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection, SourceSet
from provgraph.schema.files import Segment
from provgraph.schema.properties import link, persistent
from provgraph.schema.table import Table


class SelectSources(SourceCollection):
    """The sources of one parent whose identifiers are listed; identifiers that the parent lacks select nothing."""

    parent = link(SourceCollection, role="parent")
    source_list = link(Segment, role="source_list", doc="the identifiers, as a stored segment")
    sources_digest = persistent(str, doc="digest of the sorted identifiers")
    strict = persistent(bool, default=False, doc="an identifier that the parent lacks is an error when processed")

    def derive_attributes(self) -> AttributeSet:
        return self.parent.attributes()

    def derive_sources(self) -> SourceSet:
        return SourceSet(self.parent.sources().atoms | {f"l:{self.sources_digest}"})

    def parameters(self) -> dict[str, Any]:
        return {"sources": self.sources_digest, "strict": self.strict}

    def evaluate(self, *parents: Table, ids: Any = ()) -> Table:
        (parent,) = parents
        return parent.take(np.isin(parent.ids, ids, assume_unique=True))

    def arguments(self) -> list[str]:
        return [f"{self.source_list.n} listed"]
