"""What surveys of older versions lack, made when one is opened: parts of the index, computed from records that stay as they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from provgraph.graph import setup, statements
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import Mapper
from provgraph.graph.records import index_atoms
from provgraph.graph.setup import Migration
from provgraph.policy import Context
from provgraph.resolver import index
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import place
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import FilterSources, SelectSources

statements.declare(SourceCollection.__name__)

AT_ONCE = 500

log = logging.getLogger(__name__)


def index_sets(engine: GraphEngine) -> None:
    """From version 1: what sets of sources mean, which are equal, how criteria relate, and what stored sets are part of.

    Everything is merged into what is there, so it may be ended and done again; an index that was lost is rebuilt by it too.
    """
    setup.make_indexes(engine)
    # Whoever opens the survey: an index knows all of it, and what one may see is asked when it answers.
    mapper = Mapper(engine, Context())
    log.info("indexing the sets of sources of a survey that an older version made")
    for some in _collections(mapper):
        engine.write(lambda run: index_atoms(run, some))  # noqa: B023
    for some in _collections(mapper):  # criteria are placed among the others, so all of them first
        index.add(mapper, some)
    while rows := mapper.read("segments_without_place", limit=AT_ONCE):
        placed = [{"id": row["id"], **place(row["atoms"])} for row in rows]
        engine.write(lambda run: run(statements.load("queries/place_segments"), rows=placed))  # noqa: B023


def _collections(mapper: Mapper) -> Iterator[list[SourceCollection]]:
    ids = [row["id"] for row in mapper.read("ids_of_class", {"label": "SourceCollection"})]
    for first in range(0, len(ids), AT_ONCE):
        found = mapper.many(ids[first : first + AT_ONCE])
        linked = [
            target for one in found if isinstance(one, FilterSources | SelectSources)
            for role, _, target in one.dependencies() if role in ("criterion", "source_list")
        ]  # fmt: skip
        held: list[DBObject] = mapper.many([one.object_id for one in linked])  # so that following links reads nothing
        yield [one for one in found if isinstance(one, SourceCollection)]
        del held


MIGRATIONS = (Migration(1, index_sets),)
