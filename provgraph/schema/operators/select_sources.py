"""SelectSources: the sources of one parent that are in an explicit list."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.errors import OperatorError
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.properties import link, persistent
from provgraph.schema.relabelling import shown
from provgraph.schema.sets import SourceSet
from provgraph.schema.table import Table

Array = np.ndarray[Any, Any]


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
        if self.strict:
            absent = np.setdiff1d(ids, parent.ids)
            if len(absent):
                raise not_all_there(absent, len(ids), self.parent.label)
        return parent.take(np.isin(parent.ids, ids, assume_unique=True))

    def arguments(self) -> list[str]:
        return [f"{self.source_list.n} listed{', strictly' if self.strict else ''}"]


def not_all_there(absent: Array, n: int, label: str) -> OperatorError:
    """The error for a strict selection: `absent` of `n` listed identifiers are not in what it selects from."""
    return OperatorError(
        f"{len(absent)} of {n} identifiers are not in {label}, {shown(absent[0])} for one; "
        "leave strict=False to select those that are.",
        code="identifiers_foreign",
    )
