"""Algorithm 2: find or create the collection with the selected sources (paper, Section 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provgraph.language.criterion import Criterion
from provgraph.schema import criterion as entity
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import ConcatenateAttributes, FilterSources

if TYPE_CHECKING:
    from provgraph.resolver.attributes import Resolver


def select(resolver: Resolver, start: SourceCollection, where: str) -> SourceCollection:
    """The collection whose sources are those of `start` for which `where` is true.

    Any collection with provably the same sources serves, whatever its operators: its set of sources has the same
    atoms, the set of `start` and the conjuncts of the criterion over the same origins.
    """
    parsed = Criterion.parse(where)
    parent = start
    missing = [n for n in parsed.names if n not in start.attributes()]
    if missing:
        providers = [resolver.provider(n, start, start.sources()) for n in missing]
        parent = ConcatenateAttributes(
            parents=[start, *(resolver.only(p, [n]) for p, n in zip(providers, missing, strict=True))]
        )
    bound = parsed.bind(parent.attributes())
    made = FilterSources(parent=parent, criterion=entity.Criterion.of(bound))
    candidates = [
        c for c in resolver.with_sources(made.sources().key) if isinstance(c, FilterSources) or not c.introduces()
    ]
    # A filter that still has the attributes of its parent saves a concatenation; among equals the oldest, so that
    # everybody gets the same one.
    candidates.sort(
        key=lambda c: (
            c.lineage_key != made.lineage_key,
            not isinstance(c, FilterSources),
            -len(c.attributes()),
            c.created,
        )
    )
    if candidates:
        best = candidates[0]
        resolver.note(
            "found",
            best,
            f"represents exactly the sources with {bound.text}: same start, same conditions on the same origins",
        )
        return best
    resolver.note("created", made, f"nothing represents the sources of {start.label} with {bound.text} yet")
    return made
