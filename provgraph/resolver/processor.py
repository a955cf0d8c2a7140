"""TargetProcessor: optimise a transient copy, process what remains, keep the results (paper, Sections 7 and 8)."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from threading import Lock
from typing import Any, Generic, TypeVar

from provgraph.bulk.intents import Intents
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import ProvgraphError, StorageError
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import Batch, Mapper
from provgraph.resolver.execute import Outcome, WorkOrder, run_partition
from provgraph.resolver.handover import Elsewhere, Kept, Report, keep
from provgraph.rewrite.plan import EXTERNAL, Plan, Step
from provgraph.rewrite.strategy import Optimised, optimise
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import (
    AttributeCalculator,
    External,
    FilterSources,
    SelectSources,
)
from provgraph.schema.table import Table
from provgraph.trace.activity import Recorder

REMEMBERED_PLANS = 256
MOST_ATOMS = 8  # of a set of sources, whose subsets are looked through

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What a processing took: sources on which criteria and calculators were evaluated, seconds, segments kept."""

    filtered: int
    calculated: Mapping[str, int]
    seconds: float
    kept: int
    rows: Mapping[str, int]  # by step of the optimised plan; empty where it was only read


@dataclass(frozen=True)
class Transient:
    """A transient copy before optimisation, with the objects its steps came from."""

    plan: Plan
    objects: Mapping[str, SourceCollection]  # by step id


class TargetProcessor:
    """Processes Source Collections of one survey."""

    def __init__(self, mapper: Mapper, store: BulkStore, directory: str, scratch: GraphEngine | None,
                 intents: Intents) -> None:  # fmt: skip
        self.mapper = mapper
        self.store = store
        self.directory = directory
        self.scratch = scratch
        self.intents = intents
        self._copies: _Remembered[Transient] = _Remembered()
        self._plans: _Remembered[Optimised] = _Remembered()

    # -- plans -------------------------------------------------------------------------------------------------------

    def optimised(
        self, end: SourceCollection, trace: Callable[[Any], None] | None = None
    ) -> tuple[Transient, Optimised]:
        """The transient copy of `end` and its optimised form. Depends on lineage alone, so it is remembered by key."""
        copied = self.copied(end)
        found = self._plans.get(end.dependency_key)
        if found is None or trace is not None:
            found = self._plans.keep(end.dependency_key, optimise(copied.plan, engine=self.scratch, trace=trace))
        return copied, found

    def copied(self, end: SourceCollection) -> Transient:
        """The transient copy of `end`, as it is stored: most general."""
        return self._copies.get(end.dependency_key) or self._copies.keep(
            end.dependency_key, transient(end, self.mapper)
        )

    def order(self, copied: Transient, plan: Plan) -> tuple[WorkOrder, dict[str, Segment]]:
        """Everything a plan refers to as plain data, read in two statements; and the segments as objects."""
        origins = sorted({o for s in plan.steps.values() for o in s.origins})
        sets = sorted({keys.source_set_key(s.atoms) for s in plan.steps.values()})
        rows = self.mapper.read("segments_holding", origins=origins)
        rows += self.mapper.read("segments_of_source_sets", keys=sets)
        found = {s.file: s for s in self.mapper.restore([r["properties"] for r in rows]) if isinstance(s, Segment)}
        externals = [o for o in copied.objects.values() if isinstance(o, External)]
        columns: dict[str, list[str]] = {}
        for name, segment in found.items():
            for origin in segment.columns:
                columns.setdefault(origin, []).append(name)
        held = {s.source_set_key for s in found.values()} & set(sets)
        definitions = {
            o.definition.dependency_key: {
                "kind": o.definition.kind, "name": o.definition.name, "requires": list(o.definition.requires),
                "provides": list(o.definition.provides), "expression": o.definition.expression,
            }
            for o in copied.objects.values() if isinstance(o, AttributeCalculator)
        }  # fmt: skip
        lists = {o.sources_digest: o.source_list for o in copied.objects.values() if isinstance(o, SelectSources)}
        found.update({s.file: s for s in lists.values()})
        order = WorkOrder(
            plan, self.directory,
            {name: SegmentInfo.from_dict(json.loads(s.info)) for name, s in found.items()},
            {o: tuple(sorted(names)) for o, names in columns.items()},
            {key: tuple(sorted(n for n, s in found.items() if s.source_set_key == key)) for key in held},
            definitions,
            {digest: s.file for digest, s in lists.items()},
            frozenset(e.attributes()[e.id_attribute].origin for e in externals),
        )  # fmt: skip
        return order, found

    # -- processing --------------------------------------------------------------------------------------------------

    def process(self, end: SourceCollection, *, progress: Callable[[float], None] | None = None,
                trace: Callable[[Any], None] | None = None, target: SourceCollection | None = None,
                limit: int | None = None) -> tuple[Table, Measured]:  # fmt: skip
        """The catalog data of `end`; what was calculated or selected on the way is kept for whoever asks next.

        target : what the activity is recorded for, when `end` is a component of it; limit : only the first sources.
        """
        outcome = self._read(end, limit) if trace is None else None
        if outcome is not None:
            return Table(outcome.ids, outcome.columns, end.attributes()), Measured(0, {}, outcome.seconds, 0, {})
        copied, done = self.optimised(end, trace)
        order, segments = self.order(copied, done.plan)
        recorder = Recorder("TargetProcessor", "process", {"end": end.dependency_key})
        try:
            outcome = run_partition(order, store=self.store, progress=progress, limit=limit)
        except StorageError as error:
            raise _lost(copied, error) from None
        kept: list[Kept] = []
        if outcome.fresh:
            with self.intents.declare():
                kept = keep(self.store, outcome.fresh, end.id_space)
                self.register(Report.of(outcome, kept), recorder, target or end, copied, segments)
        table = Table(outcome.ids, outcome.columns, end.attributes())
        return table, Measured(outcome.filtered, outcome.calculated, outcome.seconds, len(kept), outcome.rows)

    def stored(self, end: SourceCollection) -> WorkOrder | None:
        """The order to read `end`, when all of it is stored: where nothing is processed, nothing has to be optimised.

        None where a set of sources or a value is not stored; a segment may still turn out to be gone.
        """
        if not self.mapper.read("segments_of_source_sets", keys=[end.sources().key]):
            return None
        copied = self.copied(end)
        step = copied.plan.steps[copied.plan.end]
        alone = Step(step.id, EXTERNAL, names=step.names, origins=step.origins, atoms=step.atoms, stored=step.origins)
        order, segments = self.order(copied, Plan(step.id, {step.id: alone}))
        # A set with some of the conditions holds all sources of the end, so what is stored for it serves.
        atoms = step.atoms[:MOST_ATOMS]
        wider = {keys.source_set_key(some) for n in range(1, len(atoms) + 1) for some in combinations(atoms, n)}
        wider.add(keys.source_set_key(step.atoms))
        held = {o for s in segments.values() if s.source_set_key in wider for o in s.columns} | order.identifiers
        return order if held.issuperset(step.origins) else None

    def _read(self, end: SourceCollection, limit: int | None) -> Outcome | None:
        """What `end` represents, read; None where it has to be processed."""
        order = self.stored(end)
        if order is None:
            return None
        try:
            return run_partition(order, store=self.store, limit=limit)
        except StorageError:  # derived values are made again
            return None

    def process_elsewhere(self, end: SourceCollection, run: Elsewhere) -> Report:
        """Process where `run` does it; the segments it wrote are taken into our store and registered by us.

        What is stored as a whole is not processed at all.
        """
        read = self.stored(end)
        if read is not None:
            with suppress(StorageError):  # gone or changed: it is made again
                opened = {name: self.store.open(info) for name, info in read.segments.items()}
                return Report(opened[read.sources[end.sources().key][0]].n)
        copied, done = self.optimised(end)
        order, segments = self.order(copied, done.plan)
        recorder = Recorder("TargetProcessor", "process", {"end": end.dependency_key})
        try:
            report, staged = run(order, end.id_space)
        except ProvgraphError as error:
            raise _lost(copied, error) from None
        if report.kept:
            with self.intents.declare():
                try:
                    for info, _ in report.kept:
                        self.store.take(info.name, staged)  # type: ignore[attr-defined]  # a store of files
                except BaseException:
                    for info, _ in report.kept:
                        self.store.delete(info.name)
                    raise
                self.register(report, recorder, end, copied, segments)
        return report

    def register(self, report: Report, recorder: Recorder, end: SourceCollection, copied: Transient,
                 segments: Mapping[str, Segment]) -> None:  # fmt: skip
        """Make written segments known, with the activity that made them, in one transaction."""
        for info, source_set in report.kept:
            recorder.generates("segment", segment_entity(info, source_set))
        recorder.uses("target", end)
        recorder.uses("segment", *(segments[name] for name in report.read if name in segments))
        for one in copied.objects.values():
            if isinstance(one, AttributeCalculator) and set(one.attributes().origins) & report.calculated.keys():
                recorder.had_plan(one.definition)
                recorder.uses("process_params", one.process_params)
        recorder.finish(
            filtered=report.filtered, calculated=sum(report.calculated.values()), sources=report.n,
            seconds=round(report.seconds, 6),
        )  # fmt: skip
        batch = Batch()
        recorder.into(batch, self.mapper.context)
        try:
            self.mapper.write(batch)
        except Exception:  # after Ctrl-C they may be registered: the intent stays, and the next start looks
            for info, _ in report.kept:
                self.store.delete(info.name)
            raise

    def count(self, end: SourceCollection) -> int:
        """The number of sources of `end`: only the component that decides it is processed (paper, Fig. 4)."""
        row = self.mapper.read("segments_of_source_sets", keys=[end.sources().key])
        if row:
            return int(row[0]["properties"]["n"])
        table, _ = self.process(end.select(), target=end)
        return len(table)


def _lost(copied: Transient, error: ProvgraphError) -> ProvgraphError:
    """Values that cannot be made again, in the words of whoever put them in, with what brings them back; else `error`."""
    listed, step = error.details.get("list"), str(error.details.get("step"))
    lists = (o for o in copied.objects.values() if isinstance(o, SelectSources) and o.sources_digest == listed)
    one = copied.objects.get(step) or next(lists, None)  # a rewritten step of a list has another id
    if isinstance(one, External):
        what = f"The values of {one.label}@{one.version} cannot be read"
        mend = f"ingest {one.file.name} again, as it was then ({one.digest[:19]}...), and they can"
    elif isinstance(one, SelectSources):
        what, mend = "A list of identifiers cannot be read", "make it again with select_sources"
    else:
        return error
    why = error.message[0].lower() + error.message[1:].rstrip(".")
    return StorageError(f"{what}, {why}; {mend}.", code=error.code, collection=one.object_id)


class _Remembered(Generic[T]):
    """The last things made, by key; safe between threads."""

    def __init__(self, most: int = REMEMBERED_PLANS) -> None:
        self._found: OrderedDict[str, T] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def get(self, key: str) -> T | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def keep(self, key: str, made: T) -> T:
        with self._lock:
            self._found[key] = made
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return made


def segment_entity(info: SegmentInfo, source_set: str) -> Segment:
    """A written segment as an object of the graph."""
    return Segment(
        file=info.name, digest=info.digest, size=info.size, mtime_ns=info.mtime_ns, inode=info.inode, n=info.n,
        id_space=info.id_space, id_dtype=info.id_dtype, id_digest=info.id_digest, source_set_key=source_set,
        info=keys.canonical_json(info.as_dict()), columns=list(info.origins),
    )  # fmt: skip


def transient(end: SourceCollection, mapper: Mapper) -> Transient:
    """A copy of everything `end` is derived from, as plain steps that rewriting may change."""
    mapper.cone([end])
    steps: dict[str, Step] = {}
    objects: dict[str, SourceCollection] = {}
    ids: dict[str, str] = {}

    def visit(one: SourceCollection) -> str:
        if one.dependency_key in ids:
            return ids[one.dependency_key]
        parents = tuple(visit(p) for p in one.parents)
        step_id = ids[one.dependency_key] = letters(len(ids))
        objects[step_id] = one
        attributes = one.attributes()
        extra: dict[str, Any] = {}
        if isinstance(one, FilterSources):
            extra["criterion"] = one.criterion.canonical
        elif isinstance(one, SelectSources):
            extra["source_list"] = one.sources_digest
        elif isinstance(one, AttributeCalculator):
            inputs = one.parent.attributes().only(one.definition.requires)
            extra["definition"] = one.definition.dependency_key
            extra["inputs"] = inputs.origins
            extra["parameters"] = keys.canonical_json(one.process_params.as_dict())
        elif isinstance(one, External):
            extra["stored"] = attributes.origins
        steps[step_id] = Step(
            id=step_id, operator=type(one).__name__, parents=parents, names=attributes.names,
            origins=attributes.origins, atoms=tuple(sorted(one.sources().atoms)), lineage_key=one.lineage_key, **extra,
        )  # fmt: skip
        return step_id

    end_id = visit(end)
    return Transient(Plan(end_id, steps), objects)


def letters(n: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    text = ""
    n += 1
    while n:
        n, rest = divmod(n - 1, 26)
        text = chr(65 + rest) + text
    return text
