"""Originals: the stored values of ingested catalogs, which can be made again from their files only."""

from __future__ import annotations

import json
from dataclasses import dataclass

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.store import SegmentInfo
from provgraph.errors import StorageError
from provgraph.graph import statements
from provgraph.graph.mapper import Mapper
from provgraph.schema.operators import External

MOST = 10_000  # catalogs looked at


@dataclass(frozen=True)
class Originals:
    """What an examination found; size : bytes of segments that are as registered; lost : catalogs, and why."""

    catalogs: int
    size: int
    lost: tuple[tuple[External, str], ...]


def examine(mapper: Mapper, store: Hdf5Store) -> Originals:
    """Whether the segments of all ingested catalogs are there, with the size that is registered; reads no values."""
    statements.declare(External.__name__)
    statement = statements.load("queries/entities_of_class", label=External.__name__)
    rows = mapper.engine.read(statement, before="9999", deleted=False, limit=MOST)
    visible = mapper.policy.visible(mapper.context, [r["properties"] for r in rows])
    catalogs = [one for one in mapper.restore(visible) if isinstance(one, External)]
    registered: dict[str, list[SegmentInfo]] = {}
    keys = [one.sources().key for one in catalogs]
    for row in mapper.read("segments_of_source_sets", keys=keys):
        info = SegmentInfo.from_dict(json.loads(row["properties"]["info"]))
        registered.setdefault(row["properties"]["source_set_key"], []).append(info)
    size, lost = 0, []
    for one in catalogs:
        wanted = {a.origin for a in one.attributes().values() if a.name != one.id_attribute}
        mine = [i for i in registered.get(one.sources().key, []) if wanted <= set(i.origins)]
        faults = []
        for info in mine:
            try:
                store.check(info)
                size += info.size
            except StorageError as error:
                faults.append(error.message.rstrip("."))
        if len(faults) == len(mine):  # a catalog that was ingested again has another segment, too
            lost.append((one, faults[0] if faults else "no segment is registered"))
    return Originals(len(catalogs), size, tuple(lost))
