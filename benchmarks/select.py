"""Selecting objects of a pipeline by conditions on their properties: how long it takes in a large survey.

Run alone with ``python -m benchmarks select``, smaller with ``--objects``, on an empty Neo4j too with ``--graph``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import provgraph
from benchmarks.figure import Figure, shown, timed, typical
from provgraph.graph import indexes, statements
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.schema import keys
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent

OBJECTS = 1_000_000
RESULTS = 100
ROUNDS = 15
BAR, BAR_CHAIN = 0.020, 0.200


class NightPlate(DBObject):
    """What came from the camera."""

    seeing = persistent(float, index=True)
    seeing_too = persistent(float)
    night = persistent(str, index=True)


class ReducedPlate(DBObject):
    raw = link(NightPlate)
    zeropoint = persistent(float, index=True)


class RegriddedPlate(DBObject):
    reduced = link(ReducedPlate)


class PlateCoadd(DBObject):
    """Three links from the camera."""

    regridded = link(RegriddedPlate)
    depth = persistent(float, index=True)
    depth_too = persistent(float)


CLASSES = (NightPlate, ReducedPlate, RegriddedPlate, PlateCoadd)
LINKS = ("", "raw", "reduced", "regridded")
INDEXES = sum(declared.index for cls in CLASSES for declared in cls.persistents.values())


def fill(survey: Any, n: int) -> None:
    """`n` objects: a quarter of each class, each linked to one of the class before."""
    each = n // len(CLASSES)
    random = np.random.default_rng(1)
    ids = [[keys.new_id() for _ in range(each)] for _ in CLASSES]
    statements.declare(*(label for cls in CLASSES for label in cls.labels))
    creator, now = survey.context.agent.agent_id, keys.now()

    def values(cls: type, i: int, draw: Any) -> dict[str, Any]:
        match cls.__name__:
            case "NightPlate":
                return {"seeing": float(draw[i]), "seeing_too": float(draw[i]), "night": f"night {i // RESULTS:06}"}
            case "ReducedPlate":
                return {"zeropoint": float(draw[i])}
            case "PlateCoadd":
                return {"depth": float(draw[i]), "depth_too": float(draw[i])}
        return {}

    def nodes() -> Iterator[NodeRow]:
        for cls, own in zip(CLASSES, ids, strict=True):
            draw = random.permutation(each) / each
            for i, object_id in enumerate(own):
                yield NodeRow(cls.labels, {
                    "object_id": object_id, "identity": object_id, "version": 1, "class_name": cls.__name__, "class_version": 1,
                    "repeat": 0, "created": now, "creator": creator, "project": "default", **values(cls, i, draw),
                })  # fmt: skip

    def edges() -> Iterator[EdgeRow]:
        for level in range(1, len(CLASSES)):
            for one, other in zip(ids[level], random.permutation(each), strict=True):
                to = ids[level - 1][other]
                yield EdgeRow(("Entity", one), ("Entity", to), "WAS_DERIVED_FROM", {"role": LINKS[level], "index": 0})

    survey.engine.load(nodes(), edges())


def measure(directory: Path, objects: int = OBJECTS, **where: Any) -> list[Figure]:
    """Figures of one engine. where : the graph, for `provgraph.open`."""
    with provgraph.open(directory, **where) as survey:
        engine = survey.engine.name
        took = timed(lambda: fill(survey, objects))
        indexing = timed(lambda: indexes.prepare(survey.engine, CLASSES))
        return [*searches(survey, objects), Figure(
            f"{engine}: filling it, and making {INDEXES} indexes", f"{shown(took)}, {shown(indexing)}", "",
            f"{objects / took:,.0f} objects/s",
        )]  # fmt: skip


def searches(survey: Any, objects: int) -> list[Figure]:
    """What it takes to find objects in a survey that `fill` filled."""
    engine = survey.engine.name
    few = RESULTS / (objects // len(CLASSES))
    raw = PlateCoadd.regridded.reduced.raw
    own, far, both = PlateCoadd.depth < few, raw.seeing < few, (raw.seeing < few) & (PlateCoadd.depth < 0.9)
    own_too, far_too = PlateCoadd.depth_too < few, raw.seeing_too < few
    size = f"{objects:,} objects"
    return [
        _figure(survey, f"{engine}: {RESULTS} of {size}, by a property of their own", own, own_too, BAR),
        _figure(survey, f"{engine}: the same over a chain of three links", far, far_too, BAR_CHAIN),
        _figure(survey, f"{engine}: by both, of which the chain finds fewer", both, None, BAR_CHAIN),
        _figure(survey, f"{engine}: over the chain, by equality", raw.night == "night 000007", None, BAR_CHAIN),
        _figure(
            survey, f"{engine}: by the beginning of a text, backwards to the camera", _of_a_night(), None, BAR_CHAIN
        ),
        _loop(survey, engine, 10 * few),
    ]


def _of_a_night() -> Any:
    """A condition of which the index finds ten times as many, by the beginning of the text."""
    return NightPlate.inverse(ReducedPlate.raw).raw.night.like("night 00000[3]")


def _figure(survey: Any, what: str, condition: Any, without_index: Any, bar: float) -> Figure:
    seconds = []
    for _ in range(ROUNDS):
        began = perf_counter()
        number = len(list(survey.select(condition)))
        seconds.append(perf_counter() - began)
    took = typical(seconds[ROUNDS // 3 :])  # a server has compiled by then what it runs
    against = ""
    if without_index is not None:
        scan = typical(timed(lambda: list(survey.select(without_index))) for _ in range(3))
        against = f"without an index: {shown(scan)}"
    return Figure(
        what, f"{shown(took)} for {number} objects", against, shown(took), f"<= {1000 * bar:.0f} ms", took <= bar
    )


def _loop(survey: Any, engine: str, share: float) -> Figure:
    """This share of the objects and what three links of each lead to, one after the other."""
    asked = 0
    read = survey.engine.read

    def counted(statement: Any, /, **parameters: Any) -> Any:
        nonlocal asked
        asked += 1
        return read(statement, **parameters)

    survey.engine.read = counted
    try:
        began = perf_counter()
        number = sum(one.regridded.reduced.raw.seeing >= 0 for one in survey.select(PlateCoadd.depth < share))
        took = perf_counter() - began
    finally:
        del survey.engine.read
    return Figure(f"{engine}: a loop over {number:,} objects and three links of each", shown(took), "",
                  f"{asked} statements", "<= 10", asked <= 10)  # fmt: skip
