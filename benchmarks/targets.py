"""Process targets: the status of one that much stands behind, and what making costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import provgraph
from benchmarks.figure import Figure, shown, timed, typical
from provgraph import link, persistent, process_params

GROUP = 50


class TimedRaw(provgraph.DataObject):
    filename = persistent(str)
    value = persistent(float)


class TimedParameters(provgraph.Parameters):
    sigma = persistent(float, default=3.0)


class TimedReduced(provgraph.ProcessTarget):
    raw = link(TimedRaw)
    params = process_params(TimedParameters)
    result = persistent(float)

    def make(self) -> None:
        self.result = self.params.sigma * self.raw.value


class TimedCoadd(provgraph.ProcessTarget):
    frames = link(list[TimedReduced])
    result = persistent(float)

    def make(self) -> None:
        self.result = sum(f.result for f in self.frames)


class TimedHistogram(provgraph.ProcessTarget):
    coadds = link(list[TimedCoadd])
    result = persistent(float)

    def make(self) -> None:
        self.result = sum(c.result for c in self.coadds)


def histogram(survey: Any, ancestors: int) -> tuple[list[TimedRaw], TimedHistogram]:
    """A target, not made, that will have about so many ancestors."""
    raws = survey.store([TimedRaw(filename=f"r{i}", value=float(i)) for i in range(ancestors // 2)])
    reduced = [TimedReduced(raw=raw) for raw in raws]
    coadds = [TimedCoadd(frames=reduced[n : n + GROUP]) for n in range(0, len(reduced), GROUP)]
    return raws, TimedHistogram(coadds=coadds)


def measure(directory: Path, ancestors: int = 10_000, **where: Any) -> list[Figure]:
    with provgraph.open(directory, **where) as survey:
        name = survey.engine.name
        raws, target = histogram(survey, ancestors)
        took = timed(lambda: survey.make(target))
        made_id = survey.select(TimedHistogram).first().object_id
        targets = len(raws) + len(raws) // GROUP + 1
    bar = 0.5 if name == "embedded" else 1.0
    with provgraph.open(directory, **where) as survey:
        first = timed(lambda: survey.status(survey.get(made_id)))
        one: Any = survey.get(made_id)
        again = typical(timed(lambda: survey.status(one)) for _ in range(5))
        survey.new_version(one.coadds[0].frames[0].raw, value=-1.0)
        changed = timed(lambda: survey.status(one))
        remade = timed(lambda: survey.make(one))
    size = f"{ancestors:,} ancestors"
    return [
        Figure(f"{name}: status of a target with {size}", shown(again), f"read for the first time: {shown(first)}", shown(again),
               f"<= {1000 * bar:.0f} ms", again <= bar),
        Figure(f"{name}: the same, when one of them has a newer version", shown(changed), "", shown(changed)),
        Figure(f"{name}: making all of it; making it again after one raw frame changed", f"{shown(took)}; {shown(remade)}",
               "a make() does next to nothing", f"{1000 * took / targets:.1f} ms a target"),
    ]  # fmt: skip
