"""Lineage in a large graph: 200 and 1,000 nodes with their properties and edges, and the same on terms.

Run alone with ``python -m benchmarks lineage``, smaller with ``--objects``, on an empty Neo4j too with ``--graph``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import provgraph
from benchmarks.figure import Figure, shown, timed, typical
from provgraph.graph import statements
from provgraph.graph.engine import EdgeRow, GraphEngine, NodeRow
from provgraph.graph.lineage import Lineage, traverse
from provgraph.graph.walk import Terms, walk
from provgraph.schema import keys
from provgraph.schema.objects import DBObject

LAYERS = 50
OFFSETS = (0, 1, 4)  # the three causes of a node, in the layer before: about 4k nodes k hops up
ROUNDS = 15
BARS = {"embedded": (0.020, 0.080), "neo4j": (0.040, 0.120)}
GROWTH = 1.3  # at ten times as many nodes


class LayeredPlate(DBObject):
    """A node of the graph."""


def fill(survey: Any, n: int) -> list[str]:
    """`n` objects in 50 layers with three causes each; ids of some of the last layer."""
    width = n // LAYERS
    mark = keys.new_id()[:13]
    statements.declare(*LayeredPlate.labels)
    creator, now = survey.context.agent.agent_id, keys.now()

    def id_of(layer: int, place: int) -> str:
        return f"{mark}-{layer:02d}-{place % width:07d}"

    def nodes() -> Iterator[NodeRow]:
        for layer in range(LAYERS):
            for place in range(width):
                own = id_of(layer, place)
                yield NodeRow(LayeredPlate.labels, {
                    "object_id": own, "identity": own, "version": 1, "class_name": "LayeredPlate", "class_version": 1,
                    "repeat": 0, "created": now, "creator": creator, "project": "default",
                })  # fmt: skip

    def edges() -> Iterator[EdgeRow]:
        for layer in range(1, LAYERS):
            for place in range(width):
                for index, offset in enumerate(OFFSETS):
                    yield EdgeRow(("Entity", id_of(layer, place)), ("Entity", id_of(layer - 1, place + offset)),
                                  "WAS_DERIVED_FROM", {"role": "raws", "index": index})  # fmt: skip

    survey.engine.load(nodes(), edges())
    return [id_of(LAYERS - 1, place) for place in range(0, width, max(1, width // ROUNDS))][:ROUNDS]


def timings(engine: GraphEngine, roots: list[str]) -> dict[str, tuple[float, int]]:
    """Typical seconds and nodes found, by what was asked."""
    asked: dict[str, Callable[[str], Lineage]] = {
        "depth 10": lambda root: traverse(engine, [root], up=10, limit=10_000),
        "1,000 nodes": lambda root: traverse(engine, [root], up=40, limit=1000),
        "depth 10 as of a time": lambda root: walk(engine, [root], Terms(up=10, limit=10_000, as_of="9999")),
    }
    found = {}
    for what, ask in asked.items():
        nodes = len(ask(roots[0]).nodes)
        found[what] = typical(timed(partial(ask, root)) for root in roots), nodes
    return found


def measure(directory: Path, n: int = 1_000_000, **where: Any) -> list[Figure]:
    """n : objects of the large graph; the small one, which is measured first, has a tenth. where : for `provgraph.open`."""
    with provgraph.open(directory, **where) as survey:
        small = timings(survey.engine, fill(survey, n // 10))
        large = timings(survey.engine, fill(survey, n))
        name = survey.engine.name
    bars = dict(zip(("depth 10", "1,000 nodes"), BARS[name], strict=True))
    figures = []
    for what, (seconds, nodes) in large.items():
        bar = bars.get(what)
        growth = seconds / small[what][0]
        asked = f"<= {shown(bar)}, <= {GROWTH}x" if bar else ""
        figures.append(Figure(
            f"lineage with properties and edges, {what}, {nodes:,} nodes of {n:,}, {name}", shown(seconds),
            f"{shown(small[what][0])} of {n // 10:,}", f"{growth:.2f}x", asked,
            seconds <= bar and growth <= GROWTH if bar else None,
        ))  # fmt: skip
    return figures
