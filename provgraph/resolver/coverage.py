"""Whether the values of a collection are all in the store: known by proof, or unknown, never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from provgraph.bulk.store import Segment as Stored
from provgraph.bulk.store import SegmentInfo
from provgraph.errors import StorageError
from provgraph.resolver.processor import MOST_ATOMS, TargetProcessor
from provgraph.rewrite.sets import Answer
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import External


def all_data_stored(processor: TargetProcessor, end: SourceCollection) -> Answer:
    """YES: reading it processes nothing. NO: some of its values would have to be made. UNKNOWN: which sources it has is not
    stored, so nobody knows whether what is stored covers them. Nothing is processed, and of values nothing is read.
    """
    identifiers = {one.id_origin for one in end.ancestry() if isinstance(one, External)}
    origins = sorted({a.origin for a in end.attributes().values()} - identifiers)
    rows = processor.mapper.read("segments_holding", origins=origins) if origins else []
    holding: dict[str, list[tuple[str, Stored]]] = {o: [] for o in origins}
    for segment in processor.mapper.restore([r["properties"] for r in rows]):
        opened = _open(processor, segment)
        if isinstance(segment, Segment) and opened is not None:
            for origin in set(segment.columns) & holding.keys():
                holding[origin].append((segment.source_set_key, opened))
    sources = next(_sources(processor, end), None)
    if sources is not None and sources.n == 0:
        return Answer.YES
    if any(not parts for parts in holding.values()):
        return Answer.NO if sources is not None else Answer.UNKNOWN  # of no source there is no value to make
    if sources is None:
        return Answer.UNKNOWN
    wider = _wider(end)
    for parts in holding.values():
        if not any(key in wider for key, _ in parts) and not _cover(sources, [part for _, part in parts]):
            return Answer.NO
    return Answer.YES


def _open(processor: TargetProcessor, segment: object) -> Stored | None:
    if not isinstance(segment, Segment):
        return None
    try:
        return processor.store.open(SegmentInfo.from_dict(json.loads(segment.info)))
    except StorageError:
        return None


def _sources(processor: TargetProcessor, end: SourceCollection) -> Iterator[Stored]:
    rows = processor.mapper.read("segments_of_source_sets", keys=[end.sources().key])
    for segment in processor.mapper.restore([r["properties"] for r in rows]):
        opened = _open(processor, segment)
        if opened is not None:
            yield opened


def _wider(end: SourceCollection) -> set[str]:
    """Keys of sets that have all sources of a collection, because they have fewer conditions."""
    atoms = sorted(end.sources().atoms)
    some = atoms[:MOST_ATOMS]
    return {keys.source_set_key(part) for n in range(1, len(some) + 1) for part in combinations(some, n)} | {
        end.sources().key
    }


def _cover(sources: Stored, parts: list[Stored]) -> bool:
    left = np.asarray(sources.ids)
    for part in parts:
        left = left[~np.isin(left, part.ids, assume_unique=True)]
        if not len(left):
            return True
    return not len(left)
