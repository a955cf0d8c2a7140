"""run_partition: an optimised plan in, arrays out. All an executor needs, in this process, in a child, or elsewhere.

Database-like operators are positions into an id space: a set of sources is a frame (sorted identifiers of a segment) and
rows of it; columns stay mapped until their rows are taken. Calculators run on exactly the sources of their step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.store import BulkStore, Segment, SegmentInfo
from provgraph.errors import OperatorError, ProvgraphError, StorageError
from provgraph.language.criterion import BoundCriterion
from provgraph.language.expression import Expression
from provgraph.rewrite.plan import Plan, Step
from provgraph.schema import keys
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]
Rows = slice | Array
EVERYTHING = slice(None)
BLOCK = 1 << 17  # sources a block: a few columns of it fit into the cache
SEARCHED = 1 << 10  # identifiers searched at once; what lies between them at 1 % fits into the cache


@dataclass(frozen=True)
class WorkOrder:
    """A plan with all it refers to, as plain data: which segments hold what, and how calculators calculate.

    columns : segment names by origin key; sources : segment names by source set key; lists : segment name by digest of the
    identifiers that a user listed; identifiers : origins that are ids.
    """

    plan: Plan
    store: str
    segments: Mapping[str, SegmentInfo]
    columns: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, tuple[str, ...]]
    definitions: Mapping[str, Mapping[str, Any]]
    lists: Mapping[str, str]
    identifiers: frozenset[str] = frozenset()

    def to_json(self) -> str:
        return json.dumps({
            "plan": json.loads(self.plan.to_json()), "store": self.store,
            "segments": {n: i.as_dict() for n, i in self.segments.items()},
            "columns": {o: list(n) for o, n in self.columns.items()},
            "sources": {k: list(n) for k, n in self.sources.items()}, "lists": dict(self.lists),
            "definitions": {k: dict(d) for k, d in self.definitions.items()}, "identifiers": sorted(self.identifiers),
        })  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> WorkOrder:
        plain = json.loads(text)
        return cls(
            Plan.from_json(json.dumps(plain["plan"])), plain["store"],
            {n: SegmentInfo.from_dict(i) for n, i in plain["segments"].items()},
            {o: tuple(n) for o, n in plain["columns"].items()},
            {k: tuple(n) for k, n in plain["sources"].items()}, plain["definitions"], plain["lists"],
            frozenset(plain["identifiers"]),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Selection:
    """Some sources: rows of a frame, which is the ascending identifiers of a segment.

    digest : of the frame's identifiers; equal digests are the same sources in the same order, known from lineage.
    rows : slice or ascending positions.
    """

    frame: Array
    digest: str
    rows: Rows = field(default_factory=lambda: EVERYTHING)

    def __len__(self) -> int:
        if isinstance(self.rows, slice):
            return len(range(*self.rows.indices(len(self.frame))))
        return len(self.rows)

    @cached_property
    def ids(self) -> Array:
        """Identifiers, ascending; gathered once."""
        return self.frame[self.rows]

    def positions(self) -> Array:
        """Rows as an array of positions."""
        if isinstance(self.rows, slice):
            return np.arange(*self.rows.indices(len(self.frame)))
        return self.rows

    @property
    def is_whole(self) -> bool:
        return isinstance(self.rows, slice) and self.rows == EVERYTHING

    def first(self, n: int) -> Selection:
        """The first `n` sources."""
        if isinstance(self.rows, slice):
            begin = self.rows.start or 0
            return Selection(self.frame, self.digest, slice(begin, begin + n))
        return Selection(self.frame, self.digest, self.rows[:n])

    def narrowed(self, keep: Array) -> Selection:
        """The sources of this selection at `keep` (mask or positions within it)."""
        return Selection(self.frame, self.digest, self.positions()[keep])

    def within(self, other: Selection) -> tuple[Rows, Array | None]:
        """Where these sources stand within `other`: rows of `other`, and a mask of those found (None: all)."""
        if other is self:
            return EVERYTHING, None
        if other.digest and other.digest == self.digest:
            if other.is_whole:
                return self.rows, None
            mine, theirs = self.positions(), other.positions()
        else:
            mine, theirs = self.ids, other.ids
            if mine.dtype.kind != theirs.dtype.kind:
                raise OperatorError(
                    "Catalogs of one id space name their sources by text in one and by numbers in the other; "
                    "ingest them in different id spaces, or with identifiers of one kind.", code="id_types_differ",
                )  # fmt: skip
            if mine.dtype.kind == "S" and mine.dtype != theirs.dtype:
                width = max(mine.dtype.itemsize, theirs.dtype.itemsize)
                mine, theirs = mine.astype(f"S{width}"), theirs.astype(f"S{width}")
        if len(theirs) == 0:
            return np.zeros(len(mine), np.intp), np.zeros(len(mine), bool)
        rows = search(theirs, mine)
        rows[rows == len(theirs)] = 0
        found = theirs[rows] == mine
        return rows, None if found.all() else found

    def __and__(self, other: Selection) -> Selection:
        if other is self:
            return self
        if self.digest and self.digest == other.digest:
            if self.is_whole:
                return other
            if other.is_whole:
                return self
        if len(other) < len(self):
            return other & self
        _, found = self.within(other)
        return self if found is None else self.narrowed(found)

    def __sub__(self, other: Selection) -> Selection:
        _, found = self.within(other)
        return self.narrowed(np.zeros(len(self), bool) if found is None else ~found)


@dataclass(frozen=True)
class Fresh:
    """What was found out and is worth keeping: values by origin for these sources; the set that they exactly are."""

    ids: Array
    columns: Mapping[str, Column]
    source_set_key: str = ""


@dataclass
class Outcome:
    """The catalog data of a plan's end and what it took.

    columns : by name of the end's attributes; calculated : sources on which each calculated origin was evaluated;
    filtered : sources on which criteria were evaluated.
    """

    ids: Array
    columns: dict[str, Column]
    fresh: list[Fresh]
    calculated: dict[str, int] = field(default_factory=dict)
    filtered: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    read: tuple[str, ...] = ()


def run_partition(order: WorkOrder, lo: Any = None, hi: Any = None, *, store: BulkStore | None = None,
                  progress: Callable[[float], None] | None = None, limit: int | None = None) -> Outcome:  # fmt: skip
    """Evaluate a plan for the sources with ``lo <= id < hi`` (None: no bound); return at most the first `limit`."""
    started = perf_counter()
    run = _Evaluation(order, store or Hdf5Store(Path(order.store)), lo, hi, progress)
    plan = order.plan
    selection = run.sources(plan.end)
    if limit is not None and limit < len(selection):
        selection = selection.first(limit)
    end = plan.steps[plan.end]
    columns = {
        name: run.column(plan.end, origin, selection) for name, origin in zip(end.names, end.origins, strict=True)
    }
    ids = np.ascontiguousarray(selection.ids)
    run.outcome.ids, run.outcome.columns = ids, columns
    run.outcome.rows = {i: len(s) for i, s in run.selections.items()}
    run.outcome.read = tuple(run.opened)
    run.outcome.seconds = perf_counter() - started
    return run.outcome


class _Evaluation:
    def __init__(self, order: WorkOrder, store: BulkStore, lo: Any, hi: Any,
                 progress: Callable[[float], None] | None) -> None:  # fmt: skip
        self.order, self.store, self.lo, self.hi, self.progress = order, store, lo, hi, progress
        self.steps = order.plan.steps
        self.selections: dict[str, Selection] = {}
        self.opened: dict[str, Segment] = {}
        self.lost: dict[str, StorageError] = {}
        self.results: dict[str, dict[str, Column]] = {}
        self.taken: dict[tuple[str, int], tuple[Selection, Column]] = {}
        self.outcome = Outcome(np.empty(0), {}, [])

    # -- sources ---------------------------------------------------------------------------------------------------

    def sources(self, step_id: str) -> Selection:
        """The sources of a step; evaluated once."""
        found = self.selections.get(step_id)
        if found is None:
            found = self.selections[step_id] = self._sources(self.steps[step_id])
        return found

    def _sources(self, step: Step) -> Selection:
        key = keys.source_set_key(step.atoms)
        for segment in self.segments(self.order.sources.get(key, ())):
            return self._bounded(Selection(segment.ids, segment.info.id_digest))
        match step.operator:
            case "External":
                raise self._gone(step)
            case "FilterSources":
                return self._filter(step, key)
            case "SelectSources":
                selection = self.sources(step.parents[0])
                for other in step.sources:
                    selection = selection & self.sources(other)
                for other in step.without:
                    selection = selection - self.sources(other)
                if step.source_list:
                    try:
                        listed = self.segment(self.order.lists[step.source_list])
                    except StorageError as error:
                        raise self._gone(step, error) from None
                    selection = selection & self._bounded(Selection(listed.ids, listed.info.id_digest))
                return selection
            case "ConcatenateAttributes":
                selection = self.sources(step.parents[0])
                for parent in step.parents[1:]:
                    selection = selection & self.sources(parent)
                return selection
            case _:
                return self.sources(step.parents[0])

    def _bounded(self, selection: Selection) -> Selection:
        if self.lo is None and self.hi is None:
            return selection
        first = 0 if self.lo is None else int(np.searchsorted(selection.frame, self.lo))
        last = len(selection.frame) if self.hi is None else int(np.searchsorted(selection.frame, self.hi))
        return Selection(selection.frame, selection.digest, slice(first, last))

    def _filter(self, step: Step, key: str) -> Selection:
        parent = self.sources(step.parents[0])
        bound = BoundCriterion.from_canonical(step.criterion)
        located = {o: self.locate(step.parents[0], o, parent) for o in bound.origins}
        n = len(parent)
        found: list[Array] = []
        for first, last in _blocks(n):
            columns = {o: _part(column, rows, first, last) for o, (column, rows) in located.items()}
            found.append(np.flatnonzero(bound.select(columns, last - first)) + first)
            if self.progress is not None:
                self.progress(last / n)
        self.outcome.filtered += n
        kept = np.concatenate(found) if found else np.empty(0, np.intp)
        if parent.is_whole:
            selection = Selection(parent.frame, parent.digest, kept)
        else:
            selection = parent.narrowed(kept)
        if self.lo is None and self.hi is None:
            self.outcome.fresh.append(Fresh(selection.ids, {}, key))
        return selection

    # -- columns ---------------------------------------------------------------------------------------------------

    def column(self, step_id: str, origin: str, selection: Selection) -> Column:
        """The values of an origin for a selection; taken once, whoever asks: same origin, same values."""
        known = self.taken.get((origin, id(selection)))
        if known is None:  # the selection is kept with it, so that its id is not used again
            known = self.taken[origin, id(selection)] = (selection, self._column(step_id, origin, selection))
        return known[1]

    def _column(self, step_id: str, origin: str, selection: Selection) -> Column:
        column, rows = self.locate(step_id, origin, selection)
        taken = column.take(rows)
        return taken if not isinstance(rows, slice) else Column(np.array(taken.values), taken.null)

    def locate(self, step_id: str, origin: str, selection: Selection) -> tuple[Column, Rows]:
        """A column and the rows of it that belong to `selection`: mapped, not yet taken."""
        if origin in self.order.identifiers:
            return Column(selection.frame), selection.rows
        for segment in self.segments(self.order.columns.get(origin, ())):
            rows, found = selection.within(Selection(segment.ids, segment.info.id_digest))
            if found is None:
                return segment.column(origin), rows
        step = self.provider(step_id, origin)
        if step.operator == "External":
            raise self._gone(step)
        own = self.sources(step.id)
        if step.id not in self.results:
            self.results[step.id] = self._calculate(step, own)
        rows, _ = selection.within(own)
        return self.results[step.id][origin], rows

    def provider(self, step_id: str, origin: str) -> Step:
        """The nearest step above in which the origin starts."""
        step = self.steps[step_id]
        while step.operator not in ("External", "AttributeCalculator"):
            step = next(
                (self.steps[p] for p in step.parents if origin in self.steps[p].origins), self.steps[step.parents[0]]
            )
            if origin not in step.origins:
                raise ProvgraphError(
                    f"Step {step_id} of the plan has no attribute of origin {origin}.", code="plan_broken"
                )
        return step

    def _calculate(self, step: Step, own: Selection) -> dict[str, Column]:
        """The values of a calculator step for its own sources: what is stored of them, and the rest calculated."""
        definition = self.order.definitions[step.definition]
        provided = list(zip(definition["provides"], step.origins, strict=True))
        wanted = np.ones(len(own), bool)
        partial: dict[str, list[tuple[Array, Column]]] = {o: [] for _, o in provided}
        for segment in self.segments(self.order.columns.get(step.origins[0], ())):
            if not all(o in segment.info.origins for _, o in provided):
                continue
            rows, found = own.within(Selection(segment.ids, segment.info.id_digest))
            here = wanted if found is None else wanted & found
            if not here.any():
                continue
            at = np.flatnonzero(here)
            theirs = at + (rows.start or 0) if isinstance(rows, slice) else rows[at]
            for _, origin in provided:
                partial[origin].append((at, segment.column(origin).take(theirs)))
            wanted &= ~here
        missing = np.flatnonzero(wanted)
        todo = own if len(missing) == len(own) else own.narrowed(missing)
        inputs = {
            name: self.column(step.parents[0], origin, todo)
            for name, origin in zip(definition["requires"], step.inputs, strict=True)
        }
        parameters = json.loads(step.parameters) if step.parameters else {}
        values = calculate(definition, inputs, parameters, len(todo))
        made: dict[str, Column] = {}
        for name, origin in provided:
            made[origin] = values[name]
            self.outcome.calculated[origin] = self.outcome.calculated.get(origin, 0) + len(todo)
        if len(todo) and self.lo is None and self.hi is None:
            exact = keys.source_set_key(step.atoms) if todo is own else ""
            self.outcome.fresh.append(Fresh(todo.ids, made, exact))
        if len(missing) == len(own):
            return made
        return {origin: _assembled(len(own), [*partial[origin], (missing, made[origin])]) for _, origin in provided}

    def segment(self, name: str) -> Segment:
        found = self.opened.get(name)
        if found is None:
            found = self.opened[name] = self.store.open(self.order.segments[name])
        return found

    def segments(self, names: Iterable[str]) -> Iterator[Segment]:
        """Those of these segments that can be used: what is gone or changed is passed over, derived values are made again."""
        for name in names:
            if name in self.lost:
                continue
            try:
                yield self.segment(name)
            except StorageError as error:
                self.lost[name] = error

    def _gone(self, step: Step, error: StorageError | None = None) -> StorageError:
        """The error of values that nobody can make again: of an ingested catalog, or of a list of identifiers."""
        names = self.order.sources.get(keys.source_set_key(step.atoms), ())
        error = error or next((self.lost[name] for name in names if name in self.lost), None)
        if error is None:
            error = StorageError(f"No segment holds the values of {step.id}.", code="segment_missing")
        return StorageError(
            error.message, code=error.code, **{**error.details, "step": step.id, "list": step.source_list}
        )


def calculate(definition: Mapping[str, Any], inputs: Mapping[str, Column], parameters: Mapping[str, float],
              n: int) -> dict[str, Column]:  # fmt: skip
    """Run a definition on `n` sources; a Column by provided name."""
    values, null = Expression.parse(definition["expression"]).evaluate(inputs, parameters)
    if values.shape[:1] != (n,):  # an expression without attributes is the same for every source
        values = np.broadcast_to(values, (n,)).copy()
    return {definition["provides"][0]: Column(values, null)}


def _assembled(n: int, parts: list[tuple[Array, Column]]) -> Column:
    values = np.empty((n, *parts[0][1].values.shape[1:]), parts[0][1].values.dtype)
    null = np.zeros(n, bool)
    for at, column in parts:
        values[at] = column.values
        if column.null is not None:
            null[at] = column.null
    return Column(values, null if null.any() else None)


def _part(column: Column, rows: Rows, first: int, last: int) -> Column:
    if isinstance(rows, slice):
        begin = rows.start or 0
        return column.take(slice(begin + first, begin + last))
    return column.take(rows[first:last])


def search(frame: Array, ids: Array) -> Array:
    """`np.searchsorted` of ascending `ids` in the ascending `frame`; several times faster where both are long.

    Each search jumps through memory, and memory is fastest read in order: so the part of the frame where a block of
    ids must be is read once as a whole, which brings it near, and searched then.
    """
    if ids.dtype.kind not in "iu" or len(frame) < 1 << 20 or not len(frame) // 256 < len(ids) < len(frame) // 4:
        return np.searchsorted(frame, ids)
    found = np.empty(len(ids), np.intp)
    firsts = range(0, len(ids), SEARCHED)
    borders = [*np.searchsorted(frame, ids[firsts.start :: SEARCHED]).tolist(), len(frame)]
    for first, low, high in zip(firsts, borders, borders[1:], strict=False):
        near = frame[low : high + 1]
        near.sum()  # reads it in order
        np.add(np.searchsorted(near, ids[first : first + SEARCHED]), low, out=found[first : first + SEARCHED])
    return found


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    for first in range(0, n, BLOCK):
        yield first, min(first + BLOCK, n)
