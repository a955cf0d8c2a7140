"""Algorithm 2: find or create the collection with the selected sources (paper, Section 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provgraph.language.criterion import Criterion
from provgraph.resolver.index import equal_sets
from provgraph.resolver.knowledge import words_for
from provgraph.resolver.related import related
from provgraph.rewrite.sets import Answer
from provgraph.rewrite.solver import Reasoner
from provgraph.schema import criterion as entity
from provgraph.schema.collection import SourceCollection, SourceSet
from provgraph.schema.operators import ConcatenateAttributes, FilterSources

if TYPE_CHECKING:
    from provgraph.resolver.attributes import Resolver

MOST_COMPARED = 1000
"""Sets of sources in a survey up to which each is compared by all that is known, statistics of catalogs included; among more
those are found that are equal by definition, or once conditions are left out that statistics say are always met."""
MOST_TRIED = 30
"""Of these, how many the solver is asked about, those first whose fingerprints are most alike."""


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
    same = f"represents exactly the sources with {bound.text}: same start, same conditions on the same origins"
    best = _best(resolver, made, resolver.with_sources([made.sources().key]))
    if best is None:
        best, same = _proven(resolver, start, made)
    if best is not None:
        resolver.note("found", best, same)
        return best
    resolver.note("created", made, f"nothing represents the sources of {start.label} with {bound.text} yet")
    return made


def _best(resolver: Resolver, made: FilterSources, candidates: Sequence[SourceCollection]) -> SourceCollection | None:
    """Of collections with the same sources the one to use, None where there is none.

    A filter that still has the attributes of its parent saves a concatenation, and what only concerns attributes stands on
    something with these sources. What has its sources from the same catalog comes first: that of another one can have the same
    only because of what is in it. Among equals the oldest is taken, so that everybody gets the same one.
    """
    begin = resolver.known.catalogs(made.sources().atoms)
    usable = [c for c in candidates if not resolver.rests_on_avoided(c)]
    return min(
        usable,
        key=lambda c: (
            c.lineage_key != made.lineage_key,
            begin.isdisjoint(resolver.known.catalogs(c.sources().atoms)),
            not isinstance(c, FilterSources),
            bool(c.introduces()),
            -len(c.attributes()),
            c.created,
            c.lineage_key,
        ),
        default=None,
    )


def _proven(resolver: Resolver, start: SourceCollection, made: FilterSources) -> tuple[SourceCollection | None, str]:
    """A collection with provably the sources of `made`, whatever its operators, and the reason."""
    wanted = made.sources()
    reasoner = resolver.known.about(start.sources(), wanted)
    resolver.known.words.update(words_for([made], lambda one: one.label))
    every = reasoner.subset(start.sources().atoms, wanted.atoms)
    if every.answer is Answer.YES:
        return start, f"already has no other sources than those with {made.text}: {every.reason}"
    keys = equal_sets(resolver.mapper, resolver.known, wanted, start.id_space)
    less = _needed(reasoner, wanted)
    if less != wanted:
        keys += [less.key, *equal_sets(resolver.mapper, resolver.known, less, start.id_space)]
    found = _best(resolver, made, resolver.with_sources(sorted(set(keys)))) if keys else None
    if found is None and not resolver.mapper.read("source_sets_beyond", n=MOST_COMPARED):
        keys = related(resolver.mapper, resolver.known, made, "same_sources_as", most=MOST_TRIED)
        found = _best(resolver, made, resolver.with_sources(keys)) if keys else None
    if found is None:
        return None, ""
    theirs = found.sources()
    for key, word in words_for([found], lambda one: one.label).items():
        resolver.known.words.setdefault(key, word)
    proof = resolver.known.about(wanted, theirs).equal(theirs.atoms, wanted.atoms)
    return found, f"represents the sources with {made.text}: {proof.reason}"


def _needed(reasoner: Reasoner, wanted: SourceSet) -> SourceSet:
    """The same set without the conditions that follow from the others, as statistics of its catalogs may say."""
    atoms = wanted.atoms
    for atom in sorted(a for a in atoms if a.startswith("c:")):
        rest = atoms - {atom}
        if rest and reasoner.subset(rest, frozenset({atom})).answer is Answer.YES:
            atoms = rest
    return SourceSet(atoms, lambda: wanted.told)
