"""Large graphs: how long a relation, a plan and a search for equal sets take among many collections."""

from __future__ import annotations

import gc
import random
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import provgraph
from benchmarks.figure import Figure, shown, typical
from provgraph.graph.mapper import Batch
from provgraph.resolver import index
from provgraph.resolver.knowledge import Known
from provgraph.rewrite.equality import classes
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import ConcatenateAttributes

AT_ONCE = 500  # collections stored in one transaction
QUESTIONS = 200


LIMITS = {"z": (0.0, 1.0), "mag_u": (16.0, 24.0), "ra": (0.0, 360.0), "dec": (-90.0, 90.0)}
DEEPEST = 8  # steps from the catalog


def fill(survey: Any, start: SourceCollection, n: int, seed: int = 1) -> list[SourceCollection]:
    """Store `n` collections derived from `start` in random ways, as years of use leave them."""
    rng = random.Random(seed)
    depth = {id(start): 0}
    known: list[SourceCollection] = [start]
    made: list[SourceCollection] = []
    waiting: list[SourceCollection] = []

    def parent() -> SourceCollection:
        while True:
            one = rng.choice(known[-400:] if rng.random() < 0.8 else known)
            if depth[id(one)] < DEEPEST:
                return one

    while len(made) < n:
        parents = [start if rng.random() < 0.2 else parent()]
        kind = rng.random()
        if kind < 0.55:
            name = rng.choice(list(LIMITS))
            limit = rng.uniform(*LIMITS[name])
            one = parents[0].filter(f"`{name}` {rng.choice(['<', '>=', '>', '<='])} {limit:.3g}")
        elif kind < 0.75:
            one = parents[0].select(*parents[0].attributes().names)
        else:
            parents.append(parent())
            one = ConcatenateAttributes(parents=parents) if kind < 0.9 else parents[0].union(parents[1], policy="first")
        depth[id(one)] = 1 + max(depth[id(p)] for p in parents)
        waiting.append(one)
        known.append(one)
        made.append(one)
        if len(waiting) == AT_ONCE or len(made) == n:
            batch = Batch()
            batch.add(*waiting)
            index.add(survey.mapper, [o for o in survey.mapper.write(batch) if isinstance(o, SourceCollection)])
            waiting = []
    return made


def measure(
    directory: Path, fits: Path, sizes: tuple[int, int, int] = (10_000, 50_000, 100_000), **where: Any
) -> list[Figure]:
    """sizes : collections in the graph for plans and equal sets, for relations, and for plans again.

    where : the graph, for `provgraph.open`.
    """
    small, middle, large = sizes
    with provgraph.open(directory, **where) as survey:
        start = survey.ingest(fits, name="A", id="id", units={"z": ""})
        survey.define_calculator("absmag", requires=["mag_u", "z"], expression="mag_u - distmod(z)", unit="mag")
        bar = 0.1 if survey.engine.name == "embedded" else 0.2
        made = fill(survey, start, small)
        few = _plans(survey, start)
        figures = [
            _planned(f"{survey.engine.name}: request to optimised plan, {small:,} collections in the graph", few, bar)
        ]
        if middle:
            figures.append(_equal(survey, made))
            made += fill(survey, start, middle - small, seed=2)
            figures += _relations(survey, made)
        if large:
            fill(survey, start, large - max(small, middle), seed=3)
            many = _plans(survey, start, first=100)
            figures.append(Figure(
                f"{survey.engine.name}: the same, {large:,} collections", shown(many), shown(few), f"{many / few:.2f}x", "<= 1.5x",
                many <= 1.5 * few,
            ))  # fmt: skip
    return figures


def _plans(survey: Any, start: SourceCollection, first: int = 0) -> float:
    """A request that nothing answers yet, to its optimised plan; the graph is warm."""
    seconds = []
    for turn in range(first, first + 60):
        began = perf_counter()
        pull = survey.pull(start, ["id", "absmag"], where=f"z < {0.1 + turn / 1000} and mag_u < 22", create=False)
        pull.explain()
        seconds.append(perf_counter() - began)
    return typical(seconds[30:])  # a server has compiled by then what it runs


def _planned(what: str, took: float, bar: float) -> Figure:
    return Figure(what, shown(took), "", shown(took), f"<= {1000 * bar:.0f} ms", took <= bar)


def _equal(survey: Any, made: list[SourceCollection]) -> Figure:
    """All classes of equal sets, trivial equalities collapsed first."""
    sets = {one.sources().key: one.sources() for one in made}
    known = Known(survey.mapper, survey.store_)
    known.define(*sets.values())
    began = perf_counter()
    found = classes(known.knowledge, [s.atoms for s in sets.values()])
    took = perf_counter() - began
    together = sum(len(c) for c in found)
    return Figure(
        f"all equal sets among {len(made):,} collections, {len(sets):,} sets of atoms",
        f"{shown(took)}: {together:,} sets in {len(found):,} classes", "", shown(took), "<= 1 s", took <= 1,
    )  # fmt: skip


def _relations(survey: Any, made: list[SourceCollection]) -> list[Figure]:
    rng = random.Random(3)
    cones, queries, statements, sizes = [], [], [], []
    gc.disable()  # as `timeit` does: it would look at everything that was made above
    for _ in range(QUESTIONS):
        one, other = rng.sample(made, 2)
        known = Known(survey.mapper, survey.store_)
        began = perf_counter()
        reasoner = known.about(one.sources().atoms, other.sources().atoms)
        cones.append(perf_counter() - began)
        statements.append(known.statements)
        sizes.append(len(known.knowledge.definitions))
        began = perf_counter()
        reasoner.subset(one.sources().atoms, other.sources().atoms)
        queries.append(perf_counter() - began)
    gc.enable()
    p95 = float(np.percentile(queries, 95))
    asked = f"relation query among {len(made):,} collections, p95, its cone read"
    cone_size = f"{typical(sizes):.0f} definitions, {max(sizes)} at most"
    cone = shown(typical(cones))
    return [
        Figure(asked, shown(p95), "", shown(p95), "<= 1 ms", p95 <= 1e-3),
        Figure("reading that cone", f"{cone}; {cone_size}; {max(statements)} statements at most", "", cone, "", None),
    ]
