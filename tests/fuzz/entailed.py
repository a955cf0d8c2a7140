"""What follows from how collections were made, estimated: what holds of their sources in every of many random tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from provgraph.errors import ProvgraphError
from provgraph.rewrite.relations import knowledge_of
from provgraph.rewrite.sets import Bounds, Knowledge, Listed, Proof
from provgraph.rewrite.solver import Reasoner
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import AttributeCalculator, External, RelabelSources, SelectSources
from provgraph.schema.sets import Told
from provgraph.schema.table import Table
from tests.collections import columns
from tests.fuzz.graphs import Graph
from tests.fuzz.world import SPACE, TYPES, table
from tests.reference import Catalog

TABLES = 60
NUMBERS = (-30.0, -2.5, -1.0, 0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.75, 1.0, 2.0, 3.0, 10.0, 19.5, 20.0, 20.1, 25.0)
INTEGERS = (-40, -3, -2, -1, 0, 1, 2, 3, 4, 5, 9, 10, 11, 20, 21, 60)


def tables(graph: Graph, random: np.random.Generator) -> dict[str, Table]:
    """Other values and sources for all catalogs, by their keys; any source may be in any catalog of its id space."""
    found = {}
    for name, one in graph.start.catalogs.items():
        listed = "slid_sid" in one.attributes()
        ids = sorted((random.permutation(2 * SPACE)[: random.integers(SPACE, 2 * SPACE + 1)] - SPACE // 3).tolist())
        values = columns(random, len(ids))
        for name_ in ("x", "y", "n", "dec", "ra"):  # anything on both sides of every number that criteria compare with
            some = random.choice(INTEGERS if name_ == "n" else NUMBERS, len(ids)).tolist()
            keep = random.random(len(ids)) < (0.5 if name_ in ("ra", "dec") else 0.0)
            fresh = [float(np.float32(v)) if name_ == "y" else v for v in some]
            values[name_] = [v if k or v is None else f for v, k, f in zip(values[name_], keep, fresh, strict=True)]
        number = {"one": 1, "two": 2}.get(name, 0)
        own = [number * 2**32 + i + SPACE // 3 for i in ids] if listed else ids
        given = {"id": ids, **values} if not listed else {"slid_sid": own, "id": ids, **values}
        rows = {i: {c: v[k] for c, v in given.items()} for k, i in enumerate(own)}
        found[one.lineage_key] = table(one.attributes(), Catalog(rows, {"slid_sid": "i8", "id": "i8", **TYPES}))
    return found


class Tables:
    """Collections evaluated on other tables, as the classes of the operators define it."""

    def __init__(self, graph: Graph, random: np.random.Generator) -> None:
        self.graph = graph
        self.given = tables(graph, random)
        self.done: dict[str, Table] = {}

    def of(self, one: SourceCollection) -> Table:
        found = self.done.get(one.dependency_key)
        if found is None:
            found = self.done[one.dependency_key] = self._of(one)
        return found

    def _of(self, one: SourceCollection) -> Table:
        if isinstance(one, External):
            return self.given[one.lineage_key]
        parents = [self.of(p) for p in one.parents]
        if isinstance(one, AttributeCalculator):
            parents += [self.of(c) for c in one.catalogs or ()]
        if isinstance(one, SelectSources):
            ids: Any = np.array(self.graph.start.reference.lists[one.sources_digest])
            return one.evaluate(*parents, ids=ids.astype(parents[0].ids.dtype) if not len(ids) else ids)
        if isinstance(one, RelabelSources):
            return one.evaluate(*parents, pairs=self.graph.start.pairs.get(one.relabelling.pairs_digest))
        return one.evaluate(*parents)


def entailed(graph: Graph) -> Iterator[tuple[str, str, str, Proof]]:
    """Questions about two collections whose answer is yes in all tables, and what the reasoner says from lineage alone.

    Without the catalogs that are refused in some table. Whole catalogs and what is opaque to logic are left out, too: what
    holds of them holds for reasons that no lineage tells.
    """
    random = np.random.default_rng(len(graph.lines))
    names = [n for n, one in graph.collections.items() if _is_logical(one)][-5:]
    made: dict[str, list[set[Any]]] = {n: [] for n in names}
    for _ in range(TABLES):
        one_table = Tables(graph, random)
        for name in list(made):
            try:
                made[name].append(set(one_table.of(graph.collections[name]).ids.tolist()))
            except ProvgraphError:
                del made[name]
    for a, ours in made.items():
        for b, theirs in made.items():
            one, other = graph.collections[a].sources(), graph.collections[b].sources()
            reasoner = Reasoner(_knowledge(one.told | other.told, graph))
            same = graph.collections[a].id_space == graph.collections[b].id_space
            if same and all(x <= y for x, y in zip(ours, theirs, strict=True)):
                yield "subset", a, b, reasoner.subset(one.atoms, other.atoms)
            if same and all(not x & y for x, y in zip(ours, theirs, strict=True)):
                yield "disjoint", a, b, reasoner.disjoint(one.atoms, other.atoms)


def _knowledge(told: Told, graph: Graph) -> Knowledge:
    """What lineage says, with which identifiers the lists are, and that every source has an identifier."""
    known = knowledge_of(told)
    lists = {f"l:{digest}": Listed(np.array(ids, None if ids else np.int64))
             for digest, ids in graph.start.reference.lists.items()}  # fmt: skip
    there = (
        Bounds(frozenset({a}), keys.origin_key("identifier", space), nulls=False) for a, space in told.spaces.items()
    )
    return replace(known, definitions={**known.definitions, **lists}, facts=(*known.facts, *there))


def _is_logical(one: SourceCollection) -> bool:
    opaque = (AttributeCalculator, RelabelSources)
    return not any(isinstance(o, opaque) for o in one.ancestry())
