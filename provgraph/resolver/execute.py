"""run_partition: an optimised plan in, arrays out. All an executor needs, in this process, in a child, or elsewhere.

Database-like operators are positions into an id space: a set of sources is a frame (sorted identifiers of a segment) and
rows of it; columns stay mapped until their rows are taken. Calculators run on exactly the sources of their step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.parallel import gather
from provgraph.bulk.store import BulkStore, Segment, SegmentInfo
from provgraph.calculators import Catalog, Method
from provgraph.calculators.method import Inputs
from provgraph.calculators.run import calculate as run_method
from provgraph.calculators.run import failed
from provgraph.errors import OperatorError, ProvgraphError, StorageError
from provgraph.language.criterion import BoundCriterion
from provgraph.resolver.join import match
from provgraph.resolver.scan import Located, scan
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CATALOGS,
    CONCATENATE_SOURCES,
    EMPTY,
    INVERSE,
    RELABEL_SOURCES,
    Plan,
    Step,
)
from provgraph.schema import keys
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.operators.attribute_calculator import whole_catalog
from provgraph.schema.operators.select_sources import not_all_there
from provgraph.schema.relabelling import NEW_IDENTIFIERS, preimage, relabel
from provgraph.schema.table import Column, Table, concatenated

Array = np.ndarray[Any, Any]
Rows = slice | Array
EVERYTHING = slice(None)
ROWS = "rows:"  # of a stored column: followed by the digest of identifiers, where the sources stand among these
COPY = "copy:"  # of a stored column: followed by the origin whose values it repeats for a small selection
COPIED = 4  # columns at most, of selections of at most one in so many sources
_PROVIDERS = CATALOGS | {ATTRIBUTE_CALCULATOR, CONCATENATE_SOURCES, RELABEL_SOURCES}


@dataclass(frozen=True)
class WorkOrder:
    """A plan with all it refers to, as plain data: which segments hold what, and how calculators calculate.

    columns : segment names by origin key; sources : segment names by source set key; lists : segment name by digest of the
    identifiers that a user listed; identifiers : origins that are ids. memory : bytes to keep to, where it was said.
    relabellings : by key, as `schema.relabelling.Relabelling.plain` has them. dtypes : by origin, of attributes of steps that
    are proved to have no sources; by '', of identifiers.
    """

    plan: Plan
    store: str
    segments: Mapping[str, SegmentInfo]
    columns: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, tuple[str, ...]]
    definitions: Mapping[str, Mapping[str, Any]]
    lists: Mapping[str, str]
    identifiers: frozenset[str] = frozenset()
    memory: int | None = None
    relabellings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dtypes: Mapping[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps({
            "plan": json.loads(self.plan.to_json()), "store": self.store,
            "segments": {n: i.as_dict() for n, i in self.segments.items()},
            "columns": {o: list(n) for o, n in self.columns.items()},
            "sources": {k: list(n) for k, n in self.sources.items()}, "lists": dict(self.lists),
            "definitions": {k: dict(d) for k, d in self.definitions.items()}, "identifiers": sorted(self.identifiers),
            "memory": self.memory, "relabellings": {k: dict(r) for k, r in self.relabellings.items()},
            "dtypes": {o: [dtype, list(shape)] for o, (dtype, shape) in self.dtypes.items()},
        })  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> WorkOrder:
        plain = json.loads(text)
        return cls(
            Plan.from_json(json.dumps(plain["plan"])), plain["store"],
            {n: SegmentInfo.from_dict(i) for n, i in plain["segments"].items()},
            {o: tuple(n) for o, n in plain["columns"].items()},
            {k: tuple(n) for k, n in plain["sources"].items()}, plain["definitions"], plain["lists"],
            frozenset(plain["identifiers"]), plain["memory"], plain["relabellings"],
            {o: (dtype, tuple(shape)) for o, (dtype, shape) in plain["dtypes"].items()},
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Selection:
    """Some sources: rows of a frame, which is the ascending identifiers of a segment.

    digest : of the frame's identifiers; equal digests are the same sources in the same order, known from lineage.
    rows : slice or ascending positions. own_digest : of just these identifiers, where it is known.
    near, at : a smaller segment that has them, too, quicker to read than rows far apart, and their rows there; `rows` are
    then those of everything in this segment.
    """

    frame: Array
    digest: str
    rows: Rows = field(default_factory=lambda: EVERYTHING)
    own_digest: str = ""
    near: Segment | None = None
    at: Rows = field(default_factory=lambda: EVERYTHING)

    def __len__(self) -> int:
        rows, among = (self.rows, self.frame) if self.near is None else (self.at, self.near.ids)
        return len(range(*rows.indices(len(among)))) if isinstance(rows, slice) else len(rows)

    @cached_property
    def ids(self) -> Array:
        """Identifiers, ascending; gathered once."""
        if self.near is not None:
            return self.near.ids[self.at]
        return self.frame[self.rows] if isinstance(self.rows, slice) else gather(self.frame, self.rows)

    @cached_property
    def placed(self) -> Rows:
        """Rows of the frame."""
        if self.near is None or isinstance(self.rows, slice):
            return self.rows
        return self.rows[self.at].astype(np.intp)

    def positions(self) -> Array:
        """Rows of the frame as an array of positions."""
        if isinstance(self.placed, slice):
            return np.arange(*self.placed.indices(len(self.frame)))
        return self.placed

    @property
    def is_whole(self) -> bool:
        return isinstance(self.rows, slice) and self.rows == EVERYTHING

    def first(self, n: int) -> Selection:
        """The first `n` sources."""
        if self.near is not None:
            return self.narrowed(slice(0, n))
        if isinstance(self.rows, slice):
            begin = self.rows.start or 0
            return Selection(self.frame, self.digest, slice(begin, begin + n))
        return Selection(self.frame, self.digest, self.rows[:n])

    def narrowed(self, keep: Rows) -> Selection:
        """The sources of this selection at `keep` (mask, positions or a slice within it)."""
        if not isinstance(keep, slice) and keep.dtype == bool:
            keep = np.flatnonzero(keep)
        if self.near is None:
            return Selection(self.frame, self.digest, _among(self.rows, len(self), keep))
        return Selection(self.frame, self.digest, self.rows, near=self.near, at=_among(self.at, len(self), keep))

    def within(self, other: Selection) -> tuple[Rows, Array | None]:
        """Where these sources stand within `other`: rows of `other`, and a mask of those found (None: all)."""
        if other is self:
            return EVERYTHING, None
        if self.own_digest and self.own_digest in (other.own_digest, other.digest if other.is_whole else ""):
            return EVERYTHING, None
        if other.digest and other.digest == self.digest:
            if other.is_whole:
                return self.placed, None
            mine, theirs = self.positions(), other.positions()
        else:
            mine, theirs = self.ids, other.ids
            if mine.dtype.kind != theirs.dtype.kind and len(mine) and len(theirs):
                raise OperatorError(
                    "Catalogs of one id space name their sources by text in one and by numbers in the other; "
                    "ingest them in different id spaces, or with identifiers of one kind.", code="id_types_differ",
                )  # fmt: skip
            if mine.dtype.kind == "S" and mine.dtype != theirs.dtype:
                width = max(mine.dtype.itemsize, theirs.dtype.itemsize)
                mine, theirs = mine.astype(f"S{width}"), theirs.astype(f"S{width}")
        return match(theirs, mine)

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
    """What was found out: values by origin for these sources; the set that they exactly are.

    Of a part of a plan, ``lo <= id < hi``, it is the part of them in these bounds. id_space : where that is another one than
    that of the end, because sources are relabelled on the way. seconds : that calculating the values took.
    rows, frame : where the sources stand among identifiers of this digest, so that nobody has to search them again.
    copies : of a selection, what its criterion looked at: the next selection from it need not read the catalog.
    step : that it is of.
    """

    ids: Array
    columns: Mapping[str, Column]
    source_set_key: str = ""
    id_space: str = ""
    seconds: float = 0.0
    rows: Array | None = None
    frame: str = ""
    step: str = ""
    copies: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What a step gives for all its sources, from a run before: what looks at all of them cannot be run in parts."""

    ids: Array
    columns: Mapping[str, Column]  # by origin


@dataclass
class Outcome:
    """The catalog data of a plan's end and what it took.

    columns : by name of the end's attributes; calculated : sources on which each calculated origin was evaluated;
    failed : those of them that have all inputs and got no value; filtered : sources on which criteria were evaluated;
    due : (segment, origin) of columns that deserve a sorted index.
    """

    ids: Array
    columns: dict[str, Column]
    fresh: list[Fresh]
    calculated: dict[str, int] = field(default_factory=dict)
    filtered: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    read: tuple[str, ...] = ()
    due: list[tuple[str, str]] = field(default_factory=list)


def run_partition(order: WorkOrder, lo: Any = None, hi: Any = None, *, store: BulkStore | None = None,
                  progress: Callable[[float], None] | None = None, limit: int | None = None,
                  prepared: Mapping[str, Prepared] | None = None,
                  catalog: Callable[[WorkOrder], Outcome] | None = None) -> Outcome:  # fmt: skip
    """Evaluate a plan for the sources with ``lo <= id < hi`` (None: no bound); return at most the first `limit`.

    prepared : by step, what need not be evaluated any more. catalog : how whole catalogs that calculators look at are had.
    """
    started = perf_counter()
    run = _Evaluation(order, store or Hdf5Store(Path(order.store)), lo, hi, progress, prepared or {}, catalog)
    plan = order.plan
    selection = run.bounded(run.sources(plan.end))
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
    run.place_fresh()
    return run.outcome


class _Evaluation:
    def __init__(self, order: WorkOrder, store: BulkStore, lo: Any, hi: Any,
                 progress: Callable[[float], None] | None, prepared: Mapping[str, Prepared],
                 catalog: Callable[[WorkOrder], Outcome] | None) -> None:  # fmt: skip
        self.order, self.store, self.lo, self.hi, self.progress = order, store, lo, hi, progress
        self.prepared = prepared
        self.catalog = catalog or (lambda order: run_partition(order, store=store))
        self.steps = order.plan.steps
        self.selections: dict[str, Selection] = {}
        self.sets: dict[tuple[tuple[str, ...], bool], Selection] = {}
        self.opened: dict[str, Segment] = {}
        self.lost: dict[str, StorageError] = {}
        self.results: dict[str, dict[str, Column]] = {}
        self.taken: dict[tuple[str, int], tuple[Selection, Column]] = {}
        self.relabelled: dict[str, tuple[Selection, Array]] = {}
        self.elsewhere = id_spaces(order)
        self.selected: dict[str, tuple[Selection, Mapping[str, Located], Array]] = {}
        self.outcome = Outcome(np.empty(0), {}, [])

    # -- sources ---------------------------------------------------------------------------------------------------

    def sources(self, step_id: str) -> Selection:
        """The sources of a step; each set evaluated once: equal atoms, equal sources."""
        found = self.selections.get(step_id)
        if found is None:
            step = self.steps[step_id]
            same = (step.atoms, step_id in self.elsewhere)
            if step.atoms and not step.strict:  # a strict list is an error of its step
                found = self.sets.get(same)
            if found is None:
                found = self._sources(step)
            self.selections[step_id] = self.sets[same] = found
        return found

    def _sources(self, step: Step) -> Selection:
        key = keys.source_set_key(step.atoms)
        if step.id in self.prepared and step.operator == RELABEL_SOURCES:
            return self.bounded(Selection(self.prepared[step.id].ids, f"step {step.id}"), step)
        known = self.order.sources.get(key, ())
        for segment in self.segments(sorted(known, key=lambda name: not self._is_placed(name))):
            return self.bounded(self._stored_selection(segment), step)
        match step.operator:
            case "External" if step.lineage_key.startswith(EMPTY):
                return Selection(self._none("").values, self._mark(step))
            case "External" | "SourceListWrapper":
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
                        stored = self.segment(self.order.lists[step.source_list])
                    except StorageError as error:
                        raise self._gone(step, error) from None
                    listed = self.bounded(Selection(stored.ids, stored.info.id_digest), step)
                    if step.strict:
                        _, found = listed.within(self.sources(step.parents[0]))
                        if found is not None:
                            raise not_all_there(listed.ids[~found], len(listed), "what they are selected from")
                    selection = selection & listed
                return selection
            case "ConcatenateAttributes":
                selection = self.sources(step.parents[0])
                for parent in step.parents[1:]:
                    selection = selection & self.sources(parent)
                return selection
            case "ConcatenateSources":
                return _united([self.sources(p) for p in step.parents], self._mark(step))
            case "RelabelSources":
                return self.bounded(self._relabel(step)[0], step)
            case _:
                return self.sources(step.parents[0])

    def _mark(self, step: Step) -> str:
        """Instead of a digest, of identifiers that this evaluation alone has: the same step has others in other bounds."""
        return f"step {step.id} of {self.lo} to {self.hi}"

    def _is_placed(self, name: str) -> bool:
        return any(column.origin.startswith(ROWS) for column in self.order.segments[name].columns)

    def _stored_selection(self, segment: Segment) -> Selection:
        """The sources of a segment; as rows of the identifiers that they were found among, where these are at hand."""
        for column in segment.info.columns:
            if column.origin.startswith(ROWS):
                frame = column.origin.removeprefix(ROWS)
                for other in self.segments(n for n, i in self.order.segments.items() if i.id_digest == frame):
                    rows = segment.column(column.origin).values
                    return Selection(other.ids, frame, rows, segment.info.id_digest, near=segment)
        return Selection(segment.ids, segment.info.id_digest)

    def bounded(self, selection: Selection, step: Step | None = None) -> Selection:
        """Those in the bounds, which are of the end's identifiers: what is relabelled later on is not limited by them."""
        if (self.lo is None and self.hi is None) or (step is not None and step.id in self.elsewhere):
            return selection
        first = 0 if self.lo is None else int(np.searchsorted(selection.ids, self.lo))
        last = len(selection) if self.hi is None else int(np.searchsorted(selection.ids, self.hi))
        if selection.is_whole:
            return Selection(selection.frame, selection.digest, slice(first, last))
        return selection.narrowed(slice(first, last))

    def _filter(self, step: Step, key: str) -> Selection:
        parent = self.sources(step.parents[0])
        bound = BoundCriterion.from_canonical(step.criterion)
        located = {o: self.place(step.parents[0], o, parent) for o in bound.origins}
        found = scan(bound, located, len(parent), indexes=self.store.indexes, progress=self.progress)
        self.outcome.filtered += found.looked
        self.outcome.due += [(segment.info.name, origin) for segment, origin in found.due]
        kept = found.kept
        if parent.is_whole:
            selection = Selection(parent.frame, parent.digest, kept)
        else:
            selection = parent.narrowed(kept)
        placed = selection.digest.startswith("sha256:")  # not among identifiers that exist in this run alone
        self._keep(step, Fresh(selection.ids, {}, key, frame=selection.digest if placed else ""))
        self.selected[step.id] = selection, located, kept
        return selection

    def place_fresh(self) -> None:
        """Add to new selections where their sources stand, and to small ones what their criterion looked at.

        The results do not wait for it.
        """
        for number, fresh in enumerate(self.outcome.fresh):
            if fresh.columns or not fresh.frame or fresh.step not in self.selected:
                continue
            selection, located, kept = self.selected[fresh.step]
            copies = {}
            if (
                self.lo is None
                and self.hi is None
                and len(kept) * COPIED <= len(selection.frame)
                and len(located) <= COPIED
            ):
                copies = {
                    o: one.take(kept) for o, one in located.items() if one.segment is not None or COPY in one.name
                }
            self.outcome.fresh[number] = replace(fresh, rows=selection.positions(), copies=copies)

    def _keep(self, step: Step, fresh: Fresh) -> None:
        fresh = replace(fresh, step=step.id)
        if step.id not in self.elsewhere:
            self.outcome.fresh.append(fresh)
        elif self.lo is None and self.hi is None:  # else every part would tell the whole
            self.outcome.fresh.append(replace(fresh, id_space=self.elsewhere[step.id]))

    def _relabel(self, step: Step) -> tuple[Selection, Array]:
        """The sources under their new identifiers, all of them, and where each stands among those of the parent."""
        found = self.relabelled.get(step.id)
        if found is None:
            parent = self.sources(step.parents[0])
            plain = self.order.relabellings[step.relabelling.removeprefix(INVERSE)]
            pairs = None
            if plain["pairs"]:
                segment = self.segment(plain["pairs"])
                pairs = (segment.ids, segment.column(NEW_IDENTIFIERS).values)
            if step.relabelling.startswith(INVERSE):
                ids, mask = preimage(parent.ids, plain, pairs)
                at = np.flatnonzero(mask)
            else:
                ids, at = relabel(parent.ids, plain, pairs), np.arange(len(parent))
            order = np.argsort(ids, kind="stable")
            found = self.relabelled[step.id] = (Selection(ids[order], self._mark(step)), at[order])
        return found

    # -- columns ---------------------------------------------------------------------------------------------------

    def column(self, step_id: str, origin: str, selection: Selection) -> Column:
        """The values of an origin for a selection; taken once, whoever asks: same origin, same values."""
        known = self.taken.get((origin, id(selection)))
        if known is None:  # the selection is kept with it, so that its id is not used again
            known = self.taken[origin, id(selection)] = (selection, self._column(step_id, origin, selection))
        return known[1]

    def _column(self, step_id: str, origin: str, selection: Selection) -> Column:
        if origin in self.order.identifiers:
            return Column(selection.ids)
        column, rows = self.locate(step_id, origin, selection)
        if isinstance(rows, slice):
            return column.take(rows)  # as it is mapped: nothing is copied
        return Column(gather(column.values, rows), None if column.null is None else gather(column.null, rows))

    def locate(self, step_id: str, origin: str, selection: Selection) -> tuple[Column, Rows]:
        """A column and the rows of it that belong to `selection`: mapped, not yet taken."""
        where = self.place(step_id, origin, selection)
        return where.column, where.rows

    def place(self, step_id: str, origin: str, selection: Selection) -> Located:
        """What `locate` says, and the segment that the column stands in."""
        near = selection.near
        if origin in self.order.identifiers:
            return Located(
                Column(selection.frame if near is None else near.ids),
                selection.placed if near is None else selection.at,
            )
        if near is not None and any(c.origin == COPY + origin for c in near.info.columns):
            return Located(near.column(COPY + origin), selection.at, name=COPY + origin)
        for segment in self.segments(self.order.columns.get(origin, ())):
            rows, found = selection.within(Selection(segment.ids, segment.info.id_digest))
            if found is None:
                return Located(segment.column(origin), rows, segment)
        step = self.provider(step_id, origin)
        if step.lineage_key.startswith(EMPTY):
            return Located(self._none(origin), EVERYTHING)
        given = self.prepared.get(step.id)
        if given is not None and origin in given.columns:
            rows, _ = selection.within(Selection(given.ids, f"step {step.id}"))
            return Located(given.columns[origin], rows)
        if step.operator in CATALOGS:
            raise self._gone(step)
        if step.operator == CONCATENATE_SOURCES:
            return Located(self._of_parents(step, origin, selection), EVERYTHING)
        if step.operator == RELABEL_SOURCES:
            return Located(self._of_relabelled(step, origin, selection), EVERYTHING)
        own = self.sources(step.id)
        if step.id not in self.results:
            self.results[step.id] = self._calculate(step, own)
        rows, _ = selection.within(own)
        return Located(self.results[step.id][origin], rows)

    def _none(self, origin: str) -> Column:
        """The values of an attribute for no source; of '' the identifiers."""
        dtype, shape = self.order.dtypes[origin]
        return Column(np.empty((0, *shape), "S1" if dtype == "U" else dtype))

    def provider(self, step_id: str, origin: str) -> Step:
        """The nearest step above in which the origin starts, or several parents have it."""
        step = self.steps[step_id]
        while step.operator not in _PROVIDERS:
            step = next(
                (self.steps[p] for p in step.parents if origin in self.steps[p].origins), self.steps[step.parents[0]]
            )
            if origin not in step.origins:
                raise ProvgraphError(
                    f"Step {step_id} of the plan has no attribute of origin {origin}.", code="plan_broken"
                )
        return step

    def _of_parents(self, step: Step, origin: str, selection: Selection) -> Column:
        """Values of an attribute of a union: each source's from the first parent that has it."""
        name = step.names[step.origins.index(origin)]
        parts: list[tuple[Array, Column]] = []
        left = np.ones(len(selection), bool)
        for parent in (self.steps[p] for p in step.parents):
            _, found = selection.within(self.sources(parent.id))
            here = left if found is None else left & found
            at = np.flatnonzero(here)
            if len(at) or not parts:
                mine = selection if len(at) == len(selection) else selection.narrowed(at)
                parts.append((at, self.column(parent.id, parent.origins[parent.names.index(name)], mine)))
            left = left & ~here
        return parts[0][1] if len(parts) == 1 else concatenated(len(selection), parts)

    def _of_relabelled(self, step: Step, origin: str, selection: Selection) -> Column:
        own, places = self._relabel(step)
        rows, _ = selection.within(own)
        at = places[rows]
        order = np.argsort(at, kind="stable")  # the parent's sources ascend by their own identifiers
        parent = self.steps[step.parents[0]]
        before = parent.origins[parent.names.index(step.names[step.origins.index(origin)])]
        column = self.column(parent.id, before, self.sources(parent.id).narrowed(at[order]))
        back = np.empty(len(order), np.intp)
        back[order] = np.arange(len(order))
        return column.take(back)

    def _calculate(self, step: Step, own: Selection) -> dict[str, Column]:
        """The values of a calculator step for its own sources: what is stored of them, and the rest calculated."""
        if step.whole_catalog and (self.lo is not None or self.hi is not None):
            whole = _Evaluation(self.order, self.store, None, None, None, self.prepared, self.catalog)
            everything = whole.sources(step.id)
            rows, _ = own.within(everything)
            return {origin: column.take(rows) for origin, column in whole._calculate(step, everything).items()}
        definition = self.order.definitions[step.definition]
        provided = list(zip(step.names, step.origins, strict=True))
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
        if step.whole_catalog and wanted.any():  # no part of it can be calculated alone
            wanted[:] = True
        missing = np.flatnonzero(wanted)
        todo = own if len(missing) == len(own) else own.narrowed(missing)
        began = perf_counter()
        inputs = {
            name: self.column(step.parents[0], origin, todo)
            for name, origin in zip(definition["requires"], step.inputs, strict=True)
        }
        parameters = json.loads(step.parameters) if step.parameters else {}
        catalogs = {k: self._whole(definition, v) for k, v in parameters.items() if isinstance(v, str)}
        numbers = {k: v for k, v in parameters.items() if k not in catalogs}
        values = calculate(definition, inputs, numbers, len(todo), ids=todo.ids, catalogs=catalogs)
        failures = failed(Inputs(len(todo), inputs, numbers), values)
        made: dict[str, Column] = {}
        for name, origin in provided:
            made[origin] = values[name]
            if name in failures:
                self.outcome.failed[origin] = self.outcome.failed.get(origin, 0) + failures[name]
            self.outcome.calculated[origin] = self.outcome.calculated.get(origin, 0) + len(todo)
        if len(todo) or self.lo is not None or self.hi is not None:  # of a part, the others tell
            exact = keys.source_set_key(step.atoms) if todo is own else ""
            self._keep(step, Fresh(todo.ids, made, exact, seconds=perf_counter() - began))
        if len(missing) == len(own):
            return made
        return {origin: concatenated(len(own), [*partial[origin], (missing, made[origin])]) for _, origin in provided}

    def _whole(self, definition: Mapping[str, Any], key: str) -> Catalog:
        """A whole catalog that a calculator looks at: a plan of its own, which no selection of ours concerns."""
        order = WorkOrder.from_json(definition["orders"][key])
        done = self.catalog(order)
        return whole_catalog(Table(done.ids, done.columns, AttributeSet()))

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


def _among(rows: Rows, n: int, keep: Rows) -> Rows:
    """Those of `n` rows at `keep`, positions or a slice; nothing of the length of all of them is made."""
    if not isinstance(rows, slice):
        return rows[keep]
    begin = rows.start or 0
    if not isinstance(keep, slice):
        return keep + begin if begin else keep
    first, last, _ = keep.indices(n)
    return slice(begin + first, begin + max(first, last))


def calculate(definition: Mapping[str, Any], inputs: Mapping[str, Column], parameters: Mapping[str, float], n: int, *,
              ids: Array | None = None, catalogs: Mapping[str, Catalog] | None = None) -> dict[str, Column]:  # fmt: skip
    """Run a definition on `n` sources; a Column by provided name. Raises CalculatorError; see `calculators.run`."""
    given = Inputs(n, inputs, parameters, catalogs or {}, ids)
    return {name: Column(*values) for name, values in run_method(Method.from_dict(definition), given).items()}


def id_spaces(order: WorkOrder) -> dict[str, str]:
    """By step, the id space of its sources, for those that are relabelled before the end."""
    found: dict[str, str] = {}
    todo = [(order.plan.end, "")]
    seen = set()
    while todo:
        name, space = todo.pop()
        if (name, space) in seen:
            continue
        seen.add((name, space))
        if space:
            found[name] = space
        step = order.plan.steps[name]
        if step.operator == RELABEL_SOURCES:
            plain = order.relabellings[step.relabelling.removeprefix(INVERSE)]
            space = plain["to_space" if step.relabelling.startswith(INVERSE) else "from_space"]
        todo.extend((d, space) for d in step.dependencies)
    return found


def _united(parts: list[Selection], mark: str) -> Selection:
    """All sources of some selections, each once; `mark` is the digest where they become a frame of their own."""
    parts = [p for p in parts if len(p)] or parts[:1]
    first = parts[0]
    if all(p.digest and p.digest == first.digest for p in parts):
        whole = next((p for p in parts if p.is_whole), None)
        if whole is not None:
            return whole
        return Selection(first.frame, first.digest, _merged([p.positions() for p in parts]))
    for part in parts[1:]:
        part.within(first)  # refuses identifiers of different kinds
    ids = _merged([p.ids for p in parts])
    return next((p for p in parts if len(p) == len(ids)), None) or Selection(ids, mark)


def _merged(parts: list[Array]) -> Array:
    """Ascending values, each once, of arrays that ascend."""
    together = np.sort(np.concatenate(parts), kind="stable")  # merges what is in order already
    if len(together) < 2:
        return together
    return together[np.concatenate([[True], together[1:] != together[:-1]])]
