"""TargetProcessor: optimise a transient copy, process what remains, keep the results (paper, Sections 7 and 8)."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np

from provgraph.bulk.intents import Intents
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import ProvgraphError, StorageError
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import Batch, Mapper
from provgraph.resolver import index
from provgraph.resolver.bounded import run_bounded
from provgraph.resolver.execute import COPY, ROWS, Outcome, WorkOrder
from provgraph.resolver.handover import Elsewhere, Kept, Report, keep, worth_keeping
from provgraph.resolver.indexing import index_later
from provgraph.resolver.knowledge import Known
from provgraph.rewrite.grounds import Stored
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    EMPTY,
    EXTERNAL,
    FILTER_SOURCES,
    SELECT_SOURCES,
    STORED,
    Plan,
    Step,
)
from provgraph.rewrite.relations import definitions_of, knowledge_of
from provgraph.rewrite.sets import Knowledge
from provgraph.rewrite.strategy import Optimised, optimise
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateSources,
    External,
    FilterSources,
    RelabelSources,
    RenameAttributes,
    SelectSources,
)
from provgraph.schema.operators.select_sources import not_all_there
from provgraph.schema.table import Table
from provgraph.trace.activity import Recorder

REMEMBERED_PLANS = 256
PROVABLE = frozenset(
    {FILTER_SOURCES, SELECT_SOURCES, CONCATENATE_ATTRIBUTES, CONCATENATE_SOURCES, ATTRIBUTE_CALCULATOR}
)
MOST_ATOMS = 8  # of a set of sources, whose subsets are looked through

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What a processing took: sources on which criteria and calculators were evaluated, seconds, segments kept.

    failed : by origin, sources that have all inputs of a calculator and got no value from it.
    done : what was run; None where all was stored and only read.
    """

    filtered: int
    calculated: Mapping[str, int]
    seconds: float
    kept: int
    rows: Mapping[str, int]  # by step of the optimised plan; empty where it was only read
    failed: Mapping[str, int] = field(default_factory=dict)
    done: Optimised | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Transient:
    """A transient copy before optimisation, with the objects its steps came from."""

    plan: Plan
    objects: Mapping[str, SourceCollection]  # by step id


class TargetProcessor:
    """Processes Source Collections of one survey."""

    def __init__(self, mapper: Mapper, store: BulkStore, directory: str, scratch: GraphEngine | None,
                 intents: Intents, memory: int | None = None) -> None:  # fmt: skip
        self.mapper = mapper
        self.store = store
        self.directory = directory
        self.scratch = scratch
        self.intents = intents
        self.memory = memory
        self._copies: _Remembered[Transient] = _Remembered()
        self._plans: _Remembered[Optimised] = _Remembered()
        self._gone: set[str] = set()  # segments that turned out not to be readable
        self._all_there: set[str] = set()

    # -- plans -------------------------------------------------------------------------------------------------------

    def optimised(
        self, end: SourceCollection, trace: Callable[[Any], None] | None = None
    ) -> tuple[Transient, Optimised]:
        """The transient copy of `end` and its optimised form: of lineage and of what is stored, by which it is remembered."""
        copied = self.copied(end)
        stored, infos = self._stored_sets(copied.plan)
        while True:
            key = keys.sha256([end.dependency_key, [[s.name, sorted(s.origins)] for s in stored]])
            found = self._plans.get(key)
            if found is None or trace is not None:
                plan = _not_strict(copied.plan)
                knowledge = self._knowledge(copied, stored)
                found = self._plans.keep(
                    key, optimise(plan, engine=self.scratch, trace=trace, knowledge=knowledge, stored=stored)
                )
            gone = self._unreadable(found.plan, infos)
            if not gone:
                return copied, found
            stored = tuple(s for s in stored if s.name not in gone)

    def _stored_sets(self, plan: Plan) -> tuple[tuple[Stored, ...], Mapping[str, list[SegmentInfo]]]:
        """Sets of sources in the store that have to do with those of a plan, and their segments by name."""
        if plan[plan.end].operator == EXTERNAL or not PROVABLE & plan.operators:
            return (), {}
        begin = sorted({a for s in plan for a in s.atoms if a[0] in "sur"})
        sets: dict[str, Stored] = {}
        infos: dict[str, list[SegmentInfo]] = {}
        for row in self.mapper.read("source_sets_stored", atoms=begin):
            info = SegmentInfo.from_dict(json.loads(row["info"]))
            if info.name in self._gone:
                continue
            name = row["key"]
            before = sets[name].origins if name in sets else frozenset()
            sets[name] = Stored(name, frozenset(row["atoms"]), before | frozenset(row["columns"]), int(row["n"]))
            infos.setdefault(name, []).append(info)
        return tuple(sets[name] for name in sorted(sets)), infos

    def _knowledge(self, copied: Transient, stored: Iterable[Stored]) -> Knowledge:
        """What is known of the sets of a plan and of those that are stored, besides what the plan says itself."""
        if not PROVABLE & copied.plan.operators:
            return Knowledge()
        known = Known(self.mapper, self.store)
        known.definitions.update(definitions_of(copied.plan))
        known.define(*(one.atoms for one in stored))
        known.about(*{frozenset(step.atoms) for step in copied.plan})
        told = (knowledge_of(o.sources().told) for o in copied.objects.values() if isinstance(o, External))
        found = known.knowledge
        return replace(found, facts=(*found.facts, *(fact for one in told for fact in one.facts)))

    def _unreadable(self, plan: Plan, infos: Mapping[str, list[SegmentInfo]]) -> set[str]:
        """Names of stored sets that a plan reads and that are gone: dropped, or changed by somebody."""
        gone = set()
        for step in plan:
            name = step.lineage_key.removeprefix(STORED)
            if step.operator == EXTERNAL and name in infos and step.lineage_key.startswith(STORED):
                for info in infos[name]:
                    try:
                        self.store.open(info)
                    except StorageError:
                        self._gone.add(info.name)
                        gone.add(name)
        return gone

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
            o.definition.dependency_key: {**o.definition.method.as_dict(), "orders": {}}
            for o in copied.objects.values() if isinstance(o, AttributeCalculator)
        }  # fmt: skip
        for one in copied.objects.values():
            if isinstance(one, AttributeCalculator):
                for collection in one.whole_catalogs().values():
                    orders = definitions[one.definition.dependency_key]["orders"]
                    orders[collection.dependency_key] = self.order_of(collection).to_json()
        lists = {o.sources_digest: o.source_list for o in copied.objects.values() if isinstance(o, SelectSources)}
        relabellings = {
            o.relabelling.lineage_key: o.relabelling for o in copied.objects.values() if isinstance(o, RelabelSources)
        }
        found.update({s.file: s for s in (*lists.values(), *(r.pairs for r in relabellings.values())) if s is not None})
        order = WorkOrder(
            plan, self.directory,
            {name: SegmentInfo.from_dict(json.loads(s.info)) for name, s in found.items()},
            {o: tuple(sorted(names)) for o, names in columns.items()},
            {key: tuple(sorted(n for n, s in found.items() if s.source_set_key == key)) for key in held},
            definitions,
            {digest: s.file for digest, s in lists.items()},
            frozenset(e.attributes()[e.id_attribute].origin for e in externals),
            self.memory,
            {key: r.plain() for key, r in relabellings.items()},
            _dtypes(copied, plan),
        )  # fmt: skip
        return order, found

    def order_of(self, end: SourceCollection) -> WorkOrder:
        """What gives a collection as a whole, such as one that a calculator looks at."""
        copied, done = self.optimised(end)
        self.check_strict(copied)
        return self.order(copied, done.plan)[0]

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
        self.check_strict(copied)
        order, segments = self.order(copied, done.plan)
        recorder = Recorder("TargetProcessor", "process", {"end": end.dependency_key})
        try:
            outcome = run_bounded(order, store=self.store, progress=progress, limit=limit)
        except StorageError as error:
            raise _lost(copied, error) from None
        kept: list[Kept] = []
        worth = worth_keeping(outcome, order)
        if worth:
            with self.intents.declare():
                kept = keep(self.store, worth, end.id_space)
                self.register(Report.of(outcome, kept), recorder, target or end, copied, segments, done.plan)
        index_later(self.store, outcome.due, order.segments)
        table = Table(outcome.ids, outcome.columns, end.attributes())
        return table, Measured(
            outcome.filtered, outcome.calculated, outcome.seconds, len(kept), outcome.rows, outcome.failed, done
        )

    def check_strict(self, copied: Transient) -> None:
        """Strict selections among what is processed: of all that a user listed every identifier must be there.

        Asked of what the user selected from; where the optimised plan selects, other sources may be gone already.

        Raises
        ------
        OperatorError : ``identifiers_foreign``.
        """
        for one in copied.objects.values():
            if isinstance(one, SelectSources) and one.strict and one.dependency_key not in self._all_there:
                parent, _ = self.process(one.parent.select())
                listed = self.store.open(SegmentInfo.from_dict(json.loads(one.source_list.info))).ids
                absent = np.setdiff1d(listed, parent.ids)
                if len(absent):
                    raise not_all_there(absent, len(listed), one.parent.label)
                self._all_there.add(one.dependency_key)

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
            return run_bounded(order, store=self.store, limit=limit)
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
        self.check_strict(copied)
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
                self.register(report, recorder, end, copied, segments, done.plan)
        index_later(self.store, report.due, order.segments)
        return report

    def register(self, report: Report, recorder: Recorder, end: SourceCollection, copied: Transient,
                 segments: Mapping[str, Segment], plan: Plan) -> None:  # fmt: skip
        """Make written segments known, with the activity that made them, in one transaction."""
        atoms = {keys.source_set_key(s.atoms): s.atoms for s in plan}
        for info, source_set in report.kept:
            recorder.generates("segment", segment_entity(info, source_set, atoms.get(source_set, ())))
        recorder.uses("target", end)
        recorder.uses("segment", *(segments[name] for name in report.read if name in segments))
        for one in copied.objects.values():
            if isinstance(one, AttributeCalculator) and set(one.attributes().origins) & report.calculated.keys():
                recorder.had_plan(one.definition)
                recorder.uses("process_params", one.process_params)
                recorder.uses("catalog", *(one.catalogs or ()))
        recorder.finish(
            filtered=report.filtered, calculated=sum(report.calculated.values()), sources=report.n,
            seconds=round(report.seconds, 6), failed=sum(report.failed.values()),
            calculating=round(report.calculating, 6), reading=round(report.reading, 6), not_kept=len(report.dropped),
        )  # fmt: skip
        batch = Batch()
        recorder.into(batch, self.mapper.context)
        batch.indexing = index.prepare(self.mapper, batch.objects)
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
        return len(self.identifiers(end))

    def identifiers(self, end: SourceCollection) -> np.ndarray[Any, Any]:
        """The identifiers of the sources of `end`, ascending: only the component that decides them is processed, and what it
        finds is stored for every collection with provably the same sources."""
        return self.process(end.select(), target=end)[0].ids


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


def segment_entity(info: SegmentInfo, source_set: str, atoms: tuple[str, ...] = ()) -> Segment:
    """A written segment as an object of the graph; `atoms` where its set of sources is one that others may lie in."""
    made = Segment(
        file=info.name, digest=info.digest, size=info.size, mtime_ns=info.mtime_ns, inode=info.inode, n=info.n,
        id_space=info.id_space, id_dtype=info.id_dtype, id_digest=info.id_digest, source_set_key=source_set,
        info=keys.canonical_json(info.as_dict()), columns=[o for o in info.origins if not o.startswith((ROWS, COPY))],
    )  # fmt: skip
    made.atoms = atoms
    return made


def _dtypes(copied: Transient, plan: Plan) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Types by origin, and by '' of identifiers, where a plan has steps that are proved to be empty."""
    if not any(s.lineage_key.startswith(EMPTY) for s in plan):
        return {}
    externals = (o for o in copied.objects.values() if isinstance(o, External))
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    found[""] = next(((o.attributes()[o.id_attribute].dtype, ()) for o in externals), ("i8", ()))
    for one in copied.objects.values():
        found.update({a.origin: (a.dtype, a.shape) for a in one.attributes().values()})
    return found


def _not_strict(plan: Plan) -> Plan:
    """For rewriting, which moves selections to where not all that was listed is there any more."""
    return Plan(plan.end, {s.id: replace(s, strict=False) for s in plan})


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
            extra["strict"] = one.strict
        elif isinstance(one, RenameAttributes):
            extra["old"], extra["new"] = tuple(one.old), tuple(one.new)
        elif isinstance(one, ConcatenateSources):
            extra["policy"] = one.policy
        elif isinstance(one, RelabelSources):
            extra["relabelling"] = one.relabelling.lineage_key
            extra["injective"] = one.relabelling.injective
        elif isinstance(one, AttributeCalculator):
            inputs = one.parent.attributes().only(one.definition.requires)
            extra["definition"] = one.definition.dependency_key
            extra["inputs"] = inputs.origins
            whole = {name: c.dependency_key for name, c in one.whole_catalogs().items()}
            extra["parameters"] = keys.canonical_json(one.process_params.as_dict() | whole)
            extra["whole_catalog"] = not one.definition.per_source
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
