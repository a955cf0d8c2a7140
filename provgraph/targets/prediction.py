"""What making is expected to take: seconds and bytes, from recorded runs of the same class, by how much goes in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from statistics import median, median_low
from typing import Any, Final

from provgraph.names import FILE_ROLE
from provgraph.resolver.costs import amount
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.target import ProcessTarget
from provgraph.targets.tree import make_code
from provgraph.targets.usage import time_of

LAST: Final = 20  # runs of a class that are looked at
_SAME: Final = 1.1  # inputs that differ by less do not tell how the time grows with them
_LEAST_SECONDS: Final = 0.01  # shorter times are equal
_LEAST_BYTES: Final = 100.0

Estimate = Callable[[int, int], float]  # by how many objects go in, and how many bytes


@dataclass(frozen=True)
class Expected:
    """Of one step, or of all. seconds, bytes : None where nothing of the class was made before. runs : that it rests on."""

    seconds: float | None
    bytes: int | None
    runs: int = 0

    def __str__(self) -> str:
        if self.seconds is None:
            return "not timed yet"
        size = f", {amount(self.bytes)}" if self.bytes else ""
        return f"{time_of(self.seconds)}{size}"


@dataclass(frozen=True)
class Prediction:
    """Of a plan. steps : by the id of the object of a step. unknown : steps of which nobody knows anything yet."""

    steps: Mapping[int, Expected]

    @property
    def unknown(self) -> int:
        return sum(one.seconds is None for one in self.steps.values())

    @property
    def total(self) -> Expected:
        """All steps that can be told together; None where that is none."""
        known = [one for one in self.steps.values() if one.seconds is not None]
        if not known:
            return Expected(None, None)
        return Expected(
            math.fsum(o.seconds or 0.0 for o in known), sum(o.bytes or 0 for o in known), min(o.runs for o in known)
        )

    def __str__(self) -> str:
        if self.total.seconds is None:
            return ""
        more = f", and {self.unknown} not timed yet" if self.unknown else ""
        return f"expected together: {self.total}{more}"


@dataclass(frozen=True)
class _Run:
    """One recorded run: what it took, what came out in bytes, how many inputs it had, and how many bytes these."""

    seconds: float
    made: int
    inputs: int
    bytes: int


def predict(mapper: Any, work: Sequence[tuple[DBObject, Sequence[DBObject]]]) -> Prediction:
    """What each of these takes; work : objects to be made with what each is made from, dependencies first. Two statements."""
    classes = {type(one) for one, _ in work if isinstance(one, ProcessTarget)}
    names = sorted({make_code(cls).name for cls in classes})
    if not names:
        return Prediction({id(one): Expected(None, None) for one, _ in work})
    ran: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in sorted(mapper.read("runs_of_code", names=names, last=LAST), key=lambda r: r["started"], reverse=True):
        if len(ran[row["class_name"]]) < LAST:  # of several versions of the code
            ran[row["class_name"]].setdefault(row["made"], row)
    to_make = {id(one) for one, _ in work}
    given = [o.object_id for _, inputs in work for o in inputs if o.is_stored and id(o) not in to_make]
    ids = list(dict.fromkeys((*(i for rows in ran.values() for i in rows), *given)))
    sizes = _sizes(mapper.read("sizes_around", ids=ids)) if ids else {}
    runs = {
        name: [_Run(_took(r), *sizes.get(made, (0, 0, 0))) for made, r in rows.items()]
        for name, rows in ran.items()
    }  # fmt: skip
    models = {name: (_seconds(some), _made(some), len(some)) for name, some in runs.items()}
    found: dict[int, Expected] = {}
    for one, inputs in work:
        known = models.get(type(one).__name__)
        size = 0
        for other in inputs:
            expected = found.get(id(other))
            size += (expected.bytes or 0) if expected is not None else sizes.get(other.object_id, (0, 0, 0))[0]
        if known:
            seconds, made = known[0](len(inputs), size), known[1](len(inputs), size)
            found[id(one)] = Expected(seconds, round(made) if isinstance(one, DataObject) else 0, known[2])
        else:
            found[id(one)] = Expected(None, None)
    return Prediction(found)


def _took(row: Mapping[str, Any]) -> float:
    """Seconds of a run, with putting its file into the store; without, where it made nothing new, or a clock was set back."""
    started, stored = (datetime.fromisoformat(row[name].replace("Z", "+00:00")) for name in ("started", "stored"))
    return max(float(row["seconds"] or 0.0), (stored - started).total_seconds())


def _sizes(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int, int]]:
    """By id: bytes of its own file, number of what it is made from, bytes of the files of that."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        one = found[row["id"]]
        if row["role"] == FILE_ROLE:
            one[0] += row["own"] or 0
        elif row["role"] != "revision":
            one[1] += 1
            one[2] += row["size"] or 0
    return {i: (a, b, c) for i, (a, b, c) in found.items()}


def _seconds(runs: Sequence[_Run]) -> Estimate:
    """Time by how many bytes, or how many objects, go in: whichever tells that of the runs better."""
    return _best(runs, (_total, _number), [r.seconds for r in runs], _LEAST_SECONDS)


def _made(runs: Sequence[_Run]) -> Estimate:
    """Bytes that come out, by the same; and by the size of one input, since the mean of several images is as large as one."""
    return _best(runs, (_each, _total, _number), [r.made for r in runs], _LEAST_BYTES)


def _total(inputs: int, size: int) -> float:
    return size


def _number(inputs: int, size: int) -> float:
    return inputs


def _each(inputs: int, size: int) -> float:
    return size / max(inputs, 1)


def _best(runs: Sequence[_Run], ways: Sequence[Estimate], values: Sequence[float], least: float) -> Estimate:
    """By the quantity that tells the values of the runs best; where they differ in none of them, by the first that is there."""
    by = [([way(r.inputs, r.bytes) for r in runs], way) for way in ways]
    some = [(xs, way) for xs, way in by if max(xs) > 0] or by[:1]
    xs, way = min(some, key=lambda one: (not _spread(one[0]), _error(one[0], values, least)))  # the first of equal ones
    through = line(xs, values)
    return lambda inputs, size: float(through(way(inputs, size)))


def line(xs: Sequence[float], ys: Sequence[float]) -> Callable[[float], float]:
    """y by x of a few runs: between constant and proportional, through the middle of them; some that are far off do not count.

    Where the runs do not differ in x, y is taken as proportional, for x that differ from theirs.
    """
    middle, usual = median(ys), median(xs)
    if not _spread(xs):
        near = (usual / _SAME, usual * _SAME)
        return lambda x: middle if usual <= 0 or near[0] <= x <= near[1] else middle * x / usual
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(zip(xs, ys, strict=True), 2) if x2 != x1]
    most = median(y / x for x, y in zip(xs, ys, strict=True) if x > 0)
    slope = min(max(median_low(slopes), 0.0), most)
    start = max(0.0, median(y - slope * x for x, y in zip(xs, ys, strict=True)))
    return lambda x: start + slope * x


def _spread(xs: Sequence[float]) -> bool:
    return max(xs) > min(xs) * _SAME


def _error(xs: Sequence[float], ys: Sequence[float], least: float) -> float:
    """How far off each run would have been told by the others, as a factor; by all of them where there are only two."""
    found = []
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        others = ([*xs[:i], *xs[i + 1 :]], [*ys[:i], *ys[i + 1 :]]) if len(xs) > 2 else (xs, ys)
        found.append(abs(math.log((line(*others)(x) + least) / (y + least))))
    return round(median(found), 3)
