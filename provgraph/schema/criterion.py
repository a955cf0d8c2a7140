"""A selection criterion as an object: one for each canonical text over origin keys."""

from __future__ import annotations

from typing import Any

from provgraph.language.criterion import BoundCriterion
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import persistent


class Criterion(DBObject):
    """What a Filter Sources selects by, after binding: the same text over other attributes is another criterion."""

    canonical = persistent(str, doc="over origin keys, constants cast to the dtype of their attribute")
    text = persistent(str, doc="as it was written", lineage=False)
    origins = persistent(list[str], lineage=False, default=())

    def lineage(self) -> list[Any]:
        return [self.canonical]

    def bound(self) -> BoundCriterion:
        bound = self.__dict__.get("_bound")
        if bound is None:
            bound = self.__dict__["_bound"] = BoundCriterion.from_canonical(self.canonical)
        return bound

    @classmethod
    def of(cls, bound: BoundCriterion) -> Criterion:
        return cls(canonical=bound.canonical, text=bound.text, origins=list(bound.origins))
