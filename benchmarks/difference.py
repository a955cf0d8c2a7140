"""The difference of two lineages of 10,000 nodes: of which nothing is shared but code and environment, and which share nearly all.

Run alone with ``python -m benchmarks difference``, on an empty Neo4j too with ``--graph``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import provgraph
from benchmarks.figure import Figure, shown, typical
from provgraph.graph import statements
from provgraph.graph.differences import LineageDifference, difference
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.schema import keys
from provgraph.schema.objects import DataObject
from provgraph.schema.target import Parameters, ProcessTarget

LAYERS = 25
OFFSETS = (0, 1)  # the two frames below that a frame is made from
EACH = 3  # nodes of a frame: itself, its file, the call that made it
ROUNDS = 5
BAR = 2.0


class ComparedFrame(DataObject, ProcessTarget):
    """A frame of the graph."""


class ComparedParameters(Parameters):
    """What the frames of a layer are made with."""


class Pipeline:
    """Rows of frames in layers, each made by a recorded call from two of the layer below; and a sum of the last layer.

    wide : frames in a layer. cut : the process parameter of the lowest layer. mark : of their ids and their content.
    """

    def __init__(self, survey: Any, wide: int, cut: float, mark: str, shared: Pipeline | None = None) -> None:
        self.wide, self.cut, self.mark, self.shared = wide, cut, mark, shared
        self.start = keys.new_id()[-12:]
        self.root = f"{self.start}-sum"
        self.about = {
            "version": 1, "class_version": 1, "repeat": 0, "created": keys.now(), "project": "default",
            "creator": survey.context.agent.agent_id,
        }  # fmt: skip

    def id(self, layer: int, place: int) -> str:
        if self.shared is not None and layer < LAYERS - 1:
            return self.shared.id(layer, place)
        return f"{self.start}-{layer:02d}-{place % self.wide:05d}"

    def nodes(self) -> Iterator[NodeRow]:
        layers = range(LAYERS) if self.shared is None else [LAYERS - 1]
        frames = [self.id(layer, place) for layer in layers for place in range(self.wide)]
        for frame in [*frames, self.root]:
            yield self.node(ComparedFrame.labels, frame, class_name="ComparedFrame")
            yield self.node(("Entity", "DBObject", "StoredFile"), f"{frame}-file", class_name="StoredFile",
                            digest=f"sha256:{self.mark}-{frame[13:]}")  # fmt: skip
            yield NodeRow(("Activity",), {"activity_id": f"{frame}-call", "class_name": "ComparedFrame", "method": "make",
                                          "arguments": "{}", "status": "done"})  # fmt: skip
        for layer in layers:
            yield self.node(ComparedParameters.labels, f"{self.start}-{layer:02d}-with", class_name="ComparedParameters",
                            cut=self.cut if layer == 0 else 1.0)  # fmt: skip
        yield self.node(("Entity", "DBObject", "CodeVersion"), f"{self.start}-code", class_name="CodeVersion",
                        name="ComparedFrame.make", digest="sha256:code")  # fmt: skip
        yield self.node(("Entity", "DBObject", "Environment"), f"{self.start}-env", class_name="Environment",
                        digest="sha256:env")  # fmt: skip

    def node(self, labels: tuple[str, ...], id: str, **properties: Any) -> NodeRow:
        return NodeRow(labels, {"object_id": id, "identity": id, **self.about, **properties})

    def edges(self) -> Iterator[EdgeRow]:
        for layer in range(LAYERS) if self.shared is None else [LAYERS - 1]:
            for place in range(self.wide):
                frame = self.id(layer, place)
                yield from self.made(frame)
                yield self.edge(frame, "WAS_DERIVED_FROM", f"{self.start}-{layer:02d}-with", role="params", index=0)
                for index, offset in enumerate(OFFSETS if layer else ()):
                    yield self.edge(
                        frame, "WAS_DERIVED_FROM", self.id(layer - 1, place + offset), role="frames", index=index
                    )
        yield from self.made(self.root)
        for place in range(self.wide):
            yield self.edge(self.root, "WAS_DERIVED_FROM", self.id(LAYERS - 1, place), role="frames", index=place)

    def made(self, frame: str) -> Iterator[EdgeRow]:
        yield self.edge(frame, "WAS_DERIVED_FROM", f"{frame}-file", role="file", index=0)
        yield EdgeRow(("Entity", frame), ("Activity", f"{frame}-call"), "WAS_GENERATED_BY", {"role": "target"})
        yield EdgeRow(("Activity", f"{frame}-call"), ("Entity", f"{self.start}-code"), "HAD_PLAN", {})
        yield EdgeRow(("Activity", f"{frame}-call"), ("Entity", f"{self.start}-env"), "USED", {"role": "environment"})

    def edge(self, source: str, relation: str, target: str, **properties: Any) -> EdgeRow:
        return EdgeRow(("Entity", source), ("Entity", target), relation, properties)


def fill(survey: Any, nodes: int) -> tuple[Pipeline, Pipeline, Pipeline]:
    """Three pipelines of about so many nodes: the second has another parameter, the third shares all but a layer of the first."""
    statements.declare(*ComparedFrame.labels, *ComparedParameters.labels, "StoredFile", "CodeVersion", "Environment")
    wide = max(2, round(nodes / (EACH * LAYERS)))
    first, second = Pipeline(survey, wide, 1.0, "a"), Pipeline(survey, wide, 2.0, "b")
    third = Pipeline(survey, wide, 1.0, "c", first)
    for one in (first, second, third):
        survey.engine.load(one.nodes(), one.edges())
    return first, second, third


def compared(survey: Any, one: Pipeline, other: Pipeline) -> tuple[float, LineageDifference]:
    """Typical seconds, and what was found."""
    found = [difference(survey.mapper, one.root, other.root) for _ in range(ROUNDS)]
    return typical(f.seconds for f in found), found[0]


def measure(directory: Path, n: int = 10_000, **where: Any) -> list[Figure]:
    """n : nodes of a lineage. where : for `provgraph.open`."""
    with provgraph.open(directory, **where) as survey:
        first, second, third = fill(survey, n)
        figures = []
        for what, other in (("nothing shared", second), ("all but a layer shared", third)):
            seconds, found = compared(survey, first, other)
            read = len(found.alignments[0].nodes)
            figures.append(Figure(
                f"difference of two lineages of {n:,} nodes, {what}, {survey.engine.name}", shown(seconds),
                f"{read:,} nodes read in {found.statements} statements", f"{len(found)} changes", f"<= {shown(BAR)}",
                seconds <= BAR,
            ))  # fmt: skip
    return figures
