"""The index of sets of sources: fingerprints, by which equal sets are found, and what follows from what among criteria.

It may be dropped and rebuilt; without it less is found to be there already, and nothing is answered differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from provgraph import names
from provgraph.graph import statements
from provgraph.graph.engine import Run
from provgraph.graph.mapper import Mapper
from provgraph.resolver.knowledge import Known
from provgraph.rewrite.fingerprints import fingerprint
from provgraph.rewrite.neighbours import neighbours
from provgraph.rewrite.plan import criterion_origins
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.sets import Atoms, SourceSet

statements.declare("SourceSet", "source_set")

MOST_NEIGHBOURS = 2000
"""Criteria on one column among which a new one is placed; beyond, the solver alone says how it relates."""


def add(mapper: Mapper, collections: Iterable[SourceCollection], known: Known | None = None) -> None:
    """Put the sets of stored collections into the index."""
    work = prepare(mapper, collections, known)
    if work is not None:
        mapper.engine.write(work)


def prepare(mapper: Mapper, objects: Iterable[DBObject], known: Known | None = None) -> Callable[[Run], None] | None:
    """What puts the sets of collections into the index, for the transaction that stores them; None where all are there."""
    collections = [one for one in objects if isinstance(one, SourceCollection)]
    sets = {one.sources().key: (one.sources(), one.id_space) for one in collections}
    if not sets:
        return None
    there = {row["key"] for row in mapper.read("source_sets_known", keys=sorted(sets))}
    fresh = {key: value for key, value in sets.items() if key not in there}
    if not fresh:
        return None
    known = known or Known(mapper)
    known.define(*(one for one, _ in fresh.values()))
    rows = [
        {"key": key, "atoms": sorted(one.atoms), "space": space, "fingerprint": mark(one.atoms, known)}
        for key, (one, space) in sorted(fresh.items())
    ]
    related = _neighbours(mapper, known, {a for one, _ in fresh.values() for a in one.atoms if a.startswith("c:")})

    def work(run: Run) -> None:
        run(statements.load("queries/merge_source_sets"), rows=rows)
        for relation, edges in related.items():
            run(statements.load("queries/relate_atoms", relation=relation), rows=edges)

    return work


def equal_sets(mapper: Mapper, known: Known, wanted: SourceSet, space: str) -> list[str]:
    """Keys of other sets in the index that provably have the same sources."""
    known.define(wanted)
    candidates = mapper.read("source_sets_like", fingerprint=mark(wanted.atoms, known), space=space)
    found = {str(c["key"]): frozenset(c["atoms"]) for c in candidates if c["key"] != wanted.key}
    if not found:
        return []
    reasoner = known.about(wanted, *found.values())
    return [key for key, atoms in sorted(found.items()) if reasoner.equal(wanted.atoms, atoms).answer.value == "yes"]


def mark(atoms: Atoms, known: Known) -> str:
    """The fingerprint as text."""
    return fingerprint(atoms, known.knowledge).hex()


def _neighbours(mapper: Mapper, known: Known, criteria: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Edges between criteria and those that look at the same columns."""
    new = {c: d for c in criteria if isinstance(d := known.definitions.get(c), str)}
    origins = sorted({o for canonical in new.values() for o in criterion_origins(canonical)})
    if not origins:
        return {}
    rows = mapper.read("criteria_reading", origins=origins)
    if len(rows) > MOST_NEIGHBOURS:
        return {}
    every = {**{str(r["atom"]): str(json.loads(r["meaning"])) for r in rows}, **new}
    found: dict[str, list[dict[str, Any]]] = {}
    for one, relation, other in neighbours(every, new):
        name = names.SUBSET_OF if relation == "SUBSET_OF" else names.DISJOINT_FROM
        if one != other:
            found.setdefault(name, []).append({"one": one, "other": other})
    return found
