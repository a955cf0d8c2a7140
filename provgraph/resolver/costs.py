"""What a plan is expected to cost, and where each of its steps runs; from statistics and earlier calls, nothing is processed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import BulkStore
from provgraph.calculators import Method, kind_of
from provgraph.errors import StorageError
from provgraph.language.criterion import BoundCriterion
from provgraph.language.ranges import Range, ranges
from provgraph.resolver.bounded import LEAST, estimate
from provgraph.resolver.execute import WorkOrder
from provgraph.resolver.handover import READING
from provgraph.rewrite.plan import CATALOGS, Step

NAMES_ONLY = frozenset({"SelectAttributes", "RenameAttributes", "Pass"})
BY_IDENTIFIER = 8  # bytes: a position


@dataclass(frozen=True)
class Cost:
    """where : what does it. sources : on how many at most, None unknown. bytes : read or made for them, at most.
    seconds : expected; None where nobody has measured it yet.
    """

    where: str
    sources: int | None = 0
    bytes: int | None = 0
    seconds: float | None = 0.0

    def __str__(self) -> str:
        if not self.bytes and self.bytes is not None:
            return self.where
        size = "? B" if self.bytes is None else amount(self.bytes)
        time = "not timed yet" if self.seconds is None else duration(self.seconds)
        return f"{self.where}, {size}, {time}"


@dataclass(frozen=True)
class Expected:
    """The cost of a whole plan. steps : by id. parts : ranges of identifiers that are processed one after the other, so that
    no more memory is taken than allowed; memory : bytes that it takes at once, about.
    """

    steps: Mapping[str, Cost]
    parts: int
    memory: int

    def __str__(self) -> str:
        """In what, how much and how long, as part of a sentence."""
        sizes = [c.bytes for c in self.steps.values()]
        size = f"{amount(sum(b for b in sizes if b is not None))}{' and more' if None in sizes else ''}"
        times = [c.seconds for c in self.steps.values()]
        time = (
            f"{duration(sum(t for t in times if t is not None))}{' and what nobody timed yet' if None in times else ''}"
        )
        parts = "at once" if self.parts == 1 else f"in {self.parts} parts"
        return f"{parts} in about {amount(self.memory)} of memory; at most {size}, expected {time}"


def expected(order: WorkOrder, store: BulkStore, n: Mapping[str, int | None], rates: Mapping[str, float]) -> Expected:
    """n : by step, how many sources it has at most, as far as that is known. rates : seconds a source, by definition key."""
    need = estimate(order, store)
    steps = {step.id: _cost(step, order, store, n, rates) for step in order.plan}
    end = order.plan[order.plan.end]
    many = n.get(end.id)
    widths = _widths(order)
    taken = None if many is None else many * sum(widths.get(o, 8) for o in end.origins)
    steps[end.id] = _plus(steps[end.id], taken)
    parts = 1
    if order.memory is not None and need.bytes > order.memory:
        parts = min(-(-need.bytes // order.memory), max(1, need.sources // LEAST))
    return Expected(steps, parts, need.bytes)


def _cost(
    step: Step, order: WorkOrder, store: BulkStore, n: Mapping[str, int | None], rates: Mapping[str, float]
) -> Cost:
    widths = _widths(order)
    if step.operator in CATALOGS:
        return Cost("mapped file")
    if step.operator in NAMES_ONLY:
        return Cost("names only")
    parents = [n.get(p) for p in (*step.parents, *step.sources)]
    if step.operator == "FilterSources":
        return _filter(step, order, store, parents[0], widths)
    if step.operator == "AttributeCalculator":
        method = Method.from_dict(order.definitions[step.definition])
        where = {"expression": "numpy", "python": method.distribution or "python", "model": "onnxruntime"}[method.kind]
        apart = kind_of(method.kind).foreign and method.limits
        many = n.get(step.id)
        size = sum(widths.get(o, 8) for o in (*step.inputs, *step.origins))
        rate = rates.get(step.definition)
        return Cost(
            where + (" in a process of its own" if apart else ""), many, None if many is None else many * size,
            None if many is None or rate is None else many * rate,
        )  # fmt: skip
    # Sets of sources are joined by position where lineage knows the order, by identifier else; at most this.
    least = min((p for p in parents if p is not None), default=None)
    many = (
        sum(p for p in parents if p is not None) if step.operator in ("ConcatenateSources", "RelabelSources") else least
    )
    return _plus(Cost("numpy", many), None if many is None else many * BY_IDENTIFIER)


def _filter(step: Step, order: WorkOrder, store: BulkStore, n: int | None, widths: Mapping[str, int]) -> Cost:
    """A criterion: through a sorted index, or by blocks that may hold a source for which it is true."""
    bound = BoundCriterion.from_canonical(step.criterion)
    where, many = "numpy", n
    for origin, one in ranges(bound.tree).items():
        for name in order.columns.get(origin, ()):
            info = order.segments[name]
            if not one.terms or np.dtype(info.column(origin).dtype).kind not in "fiu" or info.column(origin).shape:
                continue
            index = store.indexes.get(info, origin) if store.indexes is not None else None
            try:
                looked = index.find(one) if index is not None else (0, _possible(store, order, name, origin, one))
            except StorageError:  # it is gone; processing will say so, or make it again
                continue
            if many is None or looked[1] - looked[0] < many:
                many, where = looked[1] - looked[0], "sorted index" if index is not None else "numpy"
    return _plus(Cost(where, many), None if many is None else many * sum(widths.get(o, 8) for o in bound.origins))


def _possible(store: BulkStore, order: WorkOrder, segment: str, origin: str, one: Range) -> int:
    """Sources in blocks whose statistics do not rule the range out."""
    info = order.segments[segment]
    blocks = store.open(info).blocks(origin)
    maybe = blocks.count > 0
    if one.lower is not None:
        maybe &= blocks.maximum >= one.lower
    if one.upper is not None:
        maybe &= blocks.minimum <= one.upper
    return min(int(np.count_nonzero(maybe)) * BLOCK, info.n)


def _widths(order: WorkOrder) -> dict[str, int]:
    """Bytes of one source's value by origin."""
    return {
        c.origin: np.dtype(c.dtype).itemsize * int(np.prod(c.shape, dtype=np.int64))
        for info in order.segments.values() for c in info.columns
    }  # fmt: skip


def _plus(cost: Cost, more: int | None) -> Cost:
    if more is None:
        return Cost(cost.where, cost.sources, None, None)
    return Cost(
        cost.where, cost.sources, None if cost.bytes is None else cost.bytes + more,
        None if cost.seconds is None else cost.seconds + more / READING,
    )  # fmt: skip


def rates(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds a source by definition, as calls have measured it."""
    sources: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for row in rows:
        key = str(row["definition"])
        sources[key] = sources.get(key, 0) + int(row["calculated"])
        seconds[key] = seconds.get(key, 0.0) + float(row["seconds"])
    return {key: seconds[key] / n for key, n in sources.items() if n}


def amount(size: int) -> str:
    """Bytes to read."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def duration(seconds: float) -> str:
    """A time to read."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.2g} us" if seconds >= 1e-6 else "< 1 us"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
