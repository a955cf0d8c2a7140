"""Running a plan in less memory than it would take at once: ranges of identifiers one after the other, results on disk.

Two steps look at all of their sources at once: relabelled sources have to be put in order again, and calculators of a whole
catalog need all of it. These are run first, relabelled sources sorted on disk, and the ranges read what came out.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from provgraph.bulk import processes
from provgraph.bulk.growing import GrowingTable, in_order
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.store import BulkStore
from provgraph.errors import InvalidInput, ProvgraphError
from provgraph.resolver.execute import ROWS, Fresh, Outcome, Prepared, WorkOrder, id_spaces, run_partition
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CATALOGS,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    FILTER_SOURCES,
    INVERSE,
    RELABEL_SOURCES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    Plan,
    Step,
)
from provgraph.schema import keys
from provgraph.schema.relabelling import NEW_IDENTIFIERS, not_one_to_one, preimage, relabel
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)

_PARTS = re.compile(r"parts-([0-9a-f]{8}\.\d+\.\d+)-")

_OLD = "old"  # beside relabelled sources: what they were called before

LEAST = 1 << 14
"""Sources of the smallest part: below, a part costs more than the memory it saves."""


def parse_memory(text: str | int) -> int:
    """Bytes of ``"1GiB"``, ``"500 MB"`` or a number. InvalidInput ``memory_syntax``."""
    match = _SIZE.fullmatch(str(text))
    if not match or float(match[1]) <= 0:
        raise InvalidInput(
            f"{text!r} is not an amount of memory; write it like '1GiB' or '500MB'.", code="memory_syntax"
        )
    return int(float(match[1]) * _UNITS[match[2].lower()])


def run_bounded(order: WorkOrder, *, store: BulkStore | None = None,
                progress: Callable[[float], None] | None = None, limit: int | None = None) -> Outcome:  # fmt: skip
    """What `run_partition` gives, in about `order.memory` bytes at most; larger results are mapped from files without a name.

    Raises
    ------
    ProvgraphError : ``memory_exceeded`` where a calculator of a whole catalog would need more.
    """
    store = store or Hdf5Store(Path(order.store))
    if order.memory is None:
        return run_partition(order, store=store, progress=progress, limit=limit)
    scratch = Path(order.store).parent / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"parts-{processes.mark()}-", dir=scratch))
    try:
        return _Bounded(order.memory, store, directory).run(order, progress=progress, limit=limit)
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # what is mapped stays readable while somebody holds it


def abandoned(scratch: Path) -> list[Path]:
    """What killed processes left behind."""
    found = ((path, _PARTS.match(path.name)) for path in sorted(scratch.glob("parts-*")))
    return [path for path, match in found if match and processes.is_gone(match[1])]


def clean(scratch: Path) -> None:
    """Remove what killed processes left behind."""
    for path in abandoned(scratch):
        shutil.rmtree(path, ignore_errors=True)


class Need(NamedTuple):
    """What a plan takes at once. leaves : identifiers of what it reads, mapped."""

    a_source: int
    leaves: tuple[Array, ...]

    @property
    def sources(self) -> int:
        return sum(map(len, self.leaves))

    @property
    def bytes(self) -> int:
        return self.a_source * self.sources


def estimate(order: WorkOrder, store: BulkStore, prepared: Mapping[str, Prepared] | None = None) -> Need:
    """About how much memory a plan takes at once, at most."""
    prepared = prepared or {}
    widths = {c.origin: np.dtype(c.dtype).itemsize * int(np.prod(c.shape, dtype=np.int64)) + bool(c.null_count)
              for info in order.segments.values() for c in info.columns}  # fmt: skip

    def width(origins: Iterable[str]) -> int:
        return sum(widths.get(o, 8) for o in origins)

    leaves: list[Array] = []
    a_source = 2 * width(order.plan[order.plan.end].origins)
    for step in _above(order.plan, prepared):
        if step.id in prepared:
            leaves.append(prepared[step.id].ids)
        elif step.operator in CATALOGS:
            for name in order.sources.get(keys.source_set_key(step.atoms), ())[:1]:
                leaves.append(store.open(order.segments[name]).ids)
        if step.operator == ATTRIBUTE_CALCULATOR:
            a_source += 3 * width(step.inputs) + 4 * width(step.origins)
        a_source += _SELECTING.get(step.operator, 0)
        if step.operator in (CONCATENATE_SOURCES, RELABEL_SOURCES):
            a_source += 3 * width(step.origins)
    return Need(max(1, a_source), tuple(leaves))


_SELECTING = {
    ATTRIBUTE_CALCULATOR: 24,
    FILTER_SOURCES: 32,
    SELECT_SOURCES: 48,
    CONCATENATE_ATTRIBUTES: 32,
    CONCATENATE_SOURCES: 64,
    RELABEL_SOURCES: 64,
}
"""Bytes a source for positions, identifiers that are compared, and masks."""


def _above(plan: Plan, prepared: Mapping[str, Prepared]) -> Iterator[Step]:
    """The steps that the end needs and that are not only needed by prepared ones."""
    todo, seen = [plan.end], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        step = plan.steps[name]
        yield step
        if name not in prepared:
            todo.extend(step.dependencies)
        elif step.operator != RELABEL_SOURCES:  # values are prepared, the sources are those of the parent
            todo.extend(step.parents)


class _Bounded:
    """One run of a plan, and of what has to be prepared for it."""

    def __init__(self, memory: int, store: BulkStore, directory: Path) -> None:
        self.memory, self.store, self.directory = memory, store, directory
        self.done: list[Outcome] = []  # of what was prepared for the present plan
        self.catalogs: dict[str, Outcome] = {}

    def run(self, order: WorkOrder, *, progress: Callable[[float], None] | None = None, limit: int | None = None,
            spill: bool = False, whole: str = "") -> Outcome:  # fmt: skip
        """The outcome, with what was found out on the way to it.

        spill : its arrays are to take no memory. whole : step that gets all its sources at once, whatever it takes.
        """
        before, self.done = self.done, []
        prepared = self.prepare(order, whole)
        need = estimate(order, self.store, prepared)
        if whole and need.bytes > self.memory:
            raise ProvgraphError(
                f"This needs about {need.bytes / 2**30:.2g} GiB, more than the {self.memory / 2**30:.2g} GiB allowed, and "
                f"{order.plan[whole].operator} {whole} looks at all sources at once; allow more with memory=.",
                code="memory_exceeded", needed=need.bytes, allowed=self.memory,
            )  # fmt: skip
        one_kind = len({leaf.dtype.kind for leaf in need.leaves}) < 2  # else a join of them says what is wrong
        if whole or not one_kind or (need.bytes <= self.memory and not spill):
            total = run_partition(
                order, store=self.store, progress=progress, limit=limit, prepared=prepared, catalog=self.catalog
            )
            if spill:
                total = self.on_disk([total])
        else:
            parts = max(1, min(-(-need.bytes // self.memory), need.sources // LEAST))
            bounds = pairwise([None, *_cuts(need.leaves, parts), None])
            total = self.on_disk(self.parts(order, list(bounds), prepared, progress, limit), limit)
        for one in self.done:
            _add(total, one)
            total.fresh += one.fresh
        self.done = before
        return total

    def parts(self, order: WorkOrder, bounds: Sequence[tuple[Any, Any]], prepared: Mapping[str, Prepared],
              progress: Callable[[float], None] | None, limit: int | None) -> Iterator[Outcome]:  # fmt: skip
        """Outcomes for one range of identifiers after the other, until there are enough sources."""
        for k, (lo, hi) in enumerate(bounds):

            def tell(fraction: float, k: int = k) -> None:
                if progress is not None:
                    progress((k + fraction) / len(bounds))

            part = run_partition(
                order, lo, hi, store=self.store, progress=tell, limit=limit, prepared=prepared, catalog=self.catalog
            )
            yield part
            if limit is not None:
                limit -= len(part.ids)
                if limit <= 0:
                    return

    def on_disk(self, parts: Iterable[Outcome], limit: int | None = None) -> Outcome:
        """One outcome of several, mapped. Of the first sources only, nothing is known of the sets that they are from."""
        spool = _Spool(self.directory)
        total = Outcome(np.empty(0), {}, [])
        for part in parts:
            spool.add(("result",), Fresh(part.ids, part.columns))
            for one in part.fresh:
                spool.add(("columns" if one.columns else "sources", one.step), one)
            _add(total, part)
        done = spool.finish()
        result = done.pop(("result",))
        total.ids, total.columns = result.ids, dict(result.columns)
        total.fresh = list(done.values())
        if limit is not None:
            total.fresh = [replace(one, source_set_key="") for one in total.fresh if one.columns]
        return total

    def catalog(self, order: WorkOrder) -> Outcome:
        """A whole catalog that a calculator looks at, however many parts ask for it; with half of the memory, on disk."""
        key = order.to_json()
        if key not in self.catalogs:
            inner = _Bounded(max(1, self.memory // 2), self.store, self.directory)
            self.catalogs[key] = inner.run(order, spill=True)
        return self.catalogs[key]

    # -- what looks at all sources -------------------------------------------------------------------------------------

    def prepare(self, order: WorkOrder, whole: str) -> dict[str, Prepared]:
        """Steps that are not to be run in parts, the nearest to the end; those below are prepared for them in turn."""
        needed = _needed(order.plan)
        spaces = id_spaces(order)
        found: dict[str, Prepared] = {}
        todo, seen = [order.plan.end], set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            step = order.plan.steps[name]
            wanted = needed[name] - order.identifiers
            if self.is_stored(order, step, wanted):
                continue
            if step.operator == RELABEL_SOURCES:
                found[name] = self.relabelled(order, step, wanted, spaces.get(step.parents[0], ""))
                continue
            if step.whole_catalog and name != whole and wanted:
                columns = dict(zip(step.origins, step.origins, strict=True))
                outcome = self.sub(order, step, columns, spaces.get(name, ""), whole=name)
                found[name] = Prepared(outcome.ids, outcome.columns)
            todo.extend(step.dependencies)
        return found

    def is_stored(self, order: WorkOrder, step: Step, wanted: set[str]) -> bool:
        """Whether sources and values are simply read."""
        held = set(order.sources.get(keys.source_set_key(step.atoms), ()))
        return bool(held) and all(held.intersection(order.columns.get(o, ())) for o in wanted)

    def sub(self, order: WorkOrder, end: Step, columns: Mapping[str, str], space: str, whole: str = "") -> Outcome:
        """Some columns, origins by name, of a step for all its sources, on disk. space : of its identifiers, '' that of the end."""
        only = Step(
            f"{end.id} only", SELECT_ATTRIBUTES, (end.id,), tuple(columns), tuple(columns.values()), atoms=end.atoms
        )
        plan = Plan(only.id, {**order.plan.steps, only.id: only})
        outcome = self.run(replace(order, plan=plan), spill=True, whole=whole)
        outcome.rows.pop(only.id, None)
        fresh = [one if one.id_space else replace(one, id_space=space) for one in outcome.fresh]
        self.done.append(replace(outcome, ids=outcome.ids[:0], columns={}, fresh=fresh))
        return outcome

    def relabelled(self, order: WorkOrder, step: Step, wanted: set[str], space: str) -> Prepared:
        """New identifiers for all sources, block by block, put in order on disk."""
        parent = order.plan.steps[step.parents[0]]
        origin_of = {name: origin for name, origin in zip(step.names, step.origins, strict=True) if origin in wanted}
        before = {name: parent.origins[parent.names.index(name)] for name in origin_of}
        outcome = self.sub(order, parent, before, space)
        plain = order.relabellings[step.relabelling.removeprefix(INVERSE)]
        width = sum(_width(values) + 1 for values, _ in outcome.columns.values())
        rows = max(LEAST, self.memory // (4 * (width + 24)))
        pairs = self.pairs(order, plain, rows, by_new=step.relabelling.startswith(INVERSE))

        def renamed() -> Iterator[tuple[Array, dict[str, Column]]]:
            for part in _blocks(len(outcome.ids), rows):
                ids = outcome.ids[part]
                columns = {origin_of[name]: column.take(part) for name, column in outcome.columns.items()}
                if step.relabelling.startswith(INVERSE):
                    new, there = preimage(ids, plain, pairs, by_new=True)
                    yield new, {origin: column.take(there) for origin, column in columns.items()}
                else:
                    yield relabel(ids, plain, pairs), {**columns, _OLD: Column(ids)}

        ids, found = in_order(renamed(), self.directory, rows)
        old = found.pop(_OLD, None)
        if old is not None and not plain["injective"]:
            _check_once(ids, old.values, plain, rows)
        return Prepared(ids, found)

    def pairs(
        self, order: WorkOrder, plain: Mapping[str, Any], rows: int, *, by_new: bool
    ) -> tuple[Array, Array] | None:
        """Old and new identifiers of an explicit relabelling, by the one or the other, mapped."""
        if not plain["pairs"]:
            return None
        segment = self.store.open(order.segments[plain["pairs"]])
        old, new = segment.ids, segment.column(NEW_IDENTIFIERS).values
        if not by_new:
            return old, new
        parts = ((new[part], {_OLD: Column(old[part])}) for part in _blocks(len(old), rows))
        ordered, columns = in_order(parts, self.directory, rows)
        return columns[_OLD].values, ordered


def _check_once(new: Array, old: Array, plain: Mapping[str, Any], rows: int) -> None:
    for part in _blocks(len(new), rows):
        some = slice(part.start, part.stop + 1)
        same = np.flatnonzero(new[some][1:] == new[some][:-1])
        if len(same):
            first = part.start + int(same[0])
            raise not_one_to_one(plain, old[first], old[first + 1], new[first])


def _blocks(n: int, rows: int) -> list[slice]:
    """One after the other; one that is empty where there is nothing, so that types are known."""
    return [slice(first, min(first + rows, n)) for first in range(0, max(n, 1), rows)]


def _width(values: Array) -> int:
    return values.itemsize * int(np.prod(values.shape[1:], dtype=np.int64))


def _needed(plan: Plan) -> dict[str, set[str]]:
    """By step, the origins whose values the end needs of it, or criteria and calculators on the way."""
    needed: dict[str, set[str]] = {step.id: set() for step in plan}
    needed[plan.end].update(plan[plan.end].origins)
    for step in reversed(plan.ordered()):
        mine = needed[step.id]
        if step.operator == ATTRIBUTE_CALCULATOR:
            needed[step.parents[0]].update(step.inputs if mine else ())
        elif step.operator in (CONCATENATE_SOURCES, RELABEL_SOURCES):
            names = {name for name, origin in zip(step.names, step.origins, strict=True) if origin in mine}
            for parent in map(plan.__getitem__, step.parents):
                needed[parent.id].update(o for n, o in zip(parent.names, parent.origins, strict=True) if n in names)
        else:
            left = mine | set(step.reads)
            for name in step.parents:
                needed[name].update(left.intersection(plan[name].origins))
                left -= set(plan[name].origins)
    return needed


def _cuts(leaves: Sequence[Array], parts: int) -> list[Any]:
    """Identifiers between which about equally many of all these lie."""
    step = max(1, sum(map(len, leaves)) // (64 * parts))
    seen = np.sort(np.concatenate([leaf[::step] for leaf in leaves]))
    return list(np.unique(seen[[len(seen) * k // parts for k in range(1, parts)]])) if parts > 1 else []


def _add(total: Outcome, part: Outcome) -> None:
    """What a part took."""
    for mine, theirs in ((total.calculated, part.calculated), (total.failed, part.failed), (total.rows, part.rows)):
        for key, count in theirs.items():
            mine[key] = mine.get(key, 0) + count
    total.filtered += part.filtered
    total.seconds += part.seconds
    total.read = tuple(dict.fromkeys((*total.read, *part.read)))
    total.due += [one for one in part.due if one not in total.due]


class _Spool:
    """Tables that come in parts, by what they are."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tables: dict[tuple[str, ...], GrowingTable] = {}
        self.parts: dict[tuple[str, ...], Fresh] = {}  # the first of each
        self.keys: dict[tuple[str, ...], set[str]] = {}
        self.frames: dict[tuple[str, ...], set[str]] = {}
        self.seconds: dict[tuple[str, ...], float] = {}

    def add(self, kind: tuple[str, ...], part: Fresh) -> None:
        self.parts.setdefault(kind, part)
        self.keys.setdefault(kind, set()).add(part.source_set_key)
        self.frames.setdefault(kind, set()).add(part.frame)
        self.seconds[kind] = self.seconds.get(kind, 0.0) + part.seconds
        columns = part.columns
        if kind[0] == "sources":  # which sources those of a part are found among depends on the part
            columns = {**columns, ROWS: Column(np.zeros(len(part.ids), np.intp) if part.rows is None else part.rows)}
        self.tables.setdefault(kind, GrowingTable(self.directory)).append(part.ids, columns)

    def finish(self) -> dict[tuple[str, ...], Fresh]:
        done = {}
        for kind, table in self.tables.items():
            ids, columns = table.finish()
            rows = columns.pop(ROWS, None)
            (key, *other_keys), (frame, *others) = self.keys[kind], self.frames[kind]
            done[kind] = replace(
                self.parts[kind], ids=ids, columns=columns, seconds=self.seconds[kind], rows=None, frame="", copies={},
                source_set_key="" if other_keys else key,  # of one part only, it is not known of the whole
            )  # fmt: skip
            if rows is not None and frame and not others:
                done[kind] = replace(done[kind], rows=rows.values, frame=frame)
        return done
