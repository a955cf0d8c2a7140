"""Making: the least work that brings targets up to date, dependencies first, what is independent at the same time."""

from __future__ import annotations

import ctypes
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Any

from provgraph.errors import InvalidInput, MakeFailed, NotFound, ProvgraphError, a
from provgraph.graph.mapper import Batch
from provgraph.resolver.status import QUALITY
from provgraph.schema import calls, keys
from provgraph.schema.calls import TRACED, function_of
from provgraph.schema.collection import SourceCollection
from provgraph.schema.meta import of_now
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.properties import Reference
from provgraph.schema.stand_in import is_stand_in
from provgraph.schema.target import ProcessParams, ProcessTarget
from provgraph.store.uses import REUSED
from provgraph.targets.catalogs import WantedCatalog, derive, is_derived
from provgraph.targets.choose import Chooser, changed_choices
from provgraph.targets.prediction import Prediction, predict
from provgraph.targets.tree import EQUAL_CONTENT, Tree, in_order, make_code
from provgraph.trace import calls as traced
from provgraph.trace.code import unwrapped

KEEP, MAKE, REMAKE, BLOCKED = "keep", "make", "remake", "blocked"
DERIVE = "derive"  # a catalog, over what is there now
CONFIRMED, NOT_DETERMINISTIC = (
    "confirmed",
    "not_deterministic",
)  # statements: made again, with the same result or another
GRACE = 2.0  # seconds that what is interrupted has to end
NEVER_MADE, ASKED_FOR = "it was never made", "it was asked for"


@dataclass
class Step:
    """What is done about one object: kept, replaced by a newer version, made, or made again; of a catalog: derived again.

    reasons : why. needs : the steps it waits for. result : the object that stands for it afterwards.
    """

    one: DBObject
    action: str
    label: str
    reasons: tuple[str, ...] = ()
    needs: list[Step] = field(default_factory=list)
    result: DBObject | None = None
    done: str = ""  # what was done in the end: made, found, kept
    seconds: float = 0.0

    @property
    def outcome(self) -> DBObject:
        return self.result or self.one

    @property
    def is_work(self) -> bool:
        return self.action in (MAKE, REMAKE)

    @property
    def changes(self) -> bool:
        """Whether something else may stand for the object afterwards."""
        return self.is_work or self.action == DERIVE


@dataclass(frozen=True)
class Plan:
    """What make would do, dependencies first. Content that turns out equal may make it less."""

    steps: tuple[Step, ...]
    mapper: Any = field(default=None, repr=False, compare=False)

    @cached_property
    def expected(self) -> Prediction:
        """What its steps are expected to take, from recorded runs; read when it is first looked at."""
        return predict(self.mapper, [(s.one, [n.one for n in s.needs]) for s in self.work])

    @property
    def work(self) -> tuple[Step, ...]:
        return tuple(s for s in self.steps if s.is_work)

    @property
    def blocked(self) -> tuple[Step, ...]:
        """What is wrong and cannot be made: somebody has to give another, or take back that it is wrong."""
        return tuple(s for s in self.steps if s.action == BLOCKED)

    def __len__(self) -> int:
        return len(self.work)

    def __str__(self) -> str:
        shown = (*self.blocked, *self.work)
        if not shown:
            return "Nothing to make, all is up to date."
        width = max(len(s.label) for s in shown)
        expected = self.expected
        told = {k: str(e) for k, e in expected.steps.items()} if expected.total.seconds is not None else {}
        room = max((len(t) + 2 for t in told.values()), default=0)
        lines = [
            f"{s.action:<7}  {s.label:<{width}}  {told.get(id(s.one), ''):<{room}}{'; '.join(s.reasons)}" for s in shown
        ]
        return "\n".join(line.rstrip() for line in (*lines, str(expected))).rstrip()

    def as_dict(self) -> dict[str, Any]:
        expected = self.expected
        steps = []
        for s in self.work:
            told = expected.steps[id(s.one)]
            steps.append({"action": s.action, "object": s.label, "id": s.one.object_id, "reasons": list(s.reasons),
                          "seconds": told.seconds, "bytes": told.bytes})  # fmt: skip
        total = expected.total
        return {"steps": steps, "seconds": total.seconds, "bytes": total.bytes, "not_timed": expected.unknown}


class Maker:
    """Makes targets of one survey."""

    def __init__(self, survey: Any, *, jobs: int = 1, keep_going: bool = False,
                 progress: Callable[[float], None] | None = None) -> None:  # fmt: skip
        self.survey = survey
        self.mapper = survey.mapper
        self.jobs = jobs
        self.keep_going = keep_going
        self.progress = progress
        self.steps: dict[int, Step] = {}
        self._links: dict[int, dict[str, Any]] = {}
        self.changed: dict[int, list[str]] = {}  # choices that would be others now
        self._storing = threading.Lock()

    # -- planning ----------------------------------------------------------------------------------------------------------

    def plan(self, targets: Sequence[DBObject], *, force: bool = False) -> Plan:
        """What has to be done for these, dependencies first."""
        self.tree = Tree(self.mapper, _stored_first(targets), self.survey.names_of)
        wanted = {id(self.stand(t)) for t in targets} if force else set()
        self.steps, self._links, self.changed = {}, {}, {}
        self.chooser = Chooser(self.survey)
        stack = [(self.stand(t), False) for t in reversed(targets)]
        begun: set[int] = set()
        while stack:
            one, ready = stack.pop()
            if id(one) in self.steps:
                continue
            below = [self.stand(d) for d in self.below(one)]
            if not ready:
                begun.add(id(one))
                if any(id(d) in begun and id(d) not in self.steps for d in below):
                    raise InvalidInput(
                        f"{type(one).__name__} would be made from itself: what its class chooses leads back to it; give one of its "
                        "links.", code="dependency_cycle",
                    )  # fmt: skip
                stack.append((one, True))
                stack.extend((d, False) for d in reversed(below) if id(d) not in self.steps)
                continue
            needs = list({id(d): self.steps[id(d)] for d in below}.values())
            self.steps[id(one)] = self._step(one, needs, forced=id(one) in wanted)
        self._find_made()
        return Plan(tuple(self.steps.values()), self.mapper)

    def below(self, one: DBObject) -> list[DBObject]:
        """What an object is made from; where its class chose and would choose something else now, that."""
        return [o for value in self.links_of(one).values() for o in (value if isinstance(value, tuple) else (value,))]

    def links_of(self, one: DBObject) -> dict[str, Any]:
        if id(one) not in self._links:
            found = {n: v for n in type(one).links if (v := getattr(one, n, None)) is not None}
            chose = one.is_stored and bool(getattr(one, "chosen", ())) and not is_stand_in(type(one))
            if isinstance(one, ProcessTarget) and chose and (changed := changed_choices(self.chooser, one)):
                self.changed[id(one)] = changed
                for name in one.chosen:
                    if name in found and not isinstance(type(one).links[name], ProcessParams):
                        found[name] = self.chooser.chosen_now(one, name) or found[name]
                chosen = [o for v in found.values() for o in (v if isinstance(v, tuple) else (v,))]
                self.tree.add([o for o in in_order(chosen) if o.is_stored])
            self._links[id(one)] = found
        return self._links[id(one)]

    def stand(self, one: DBObject) -> DBObject:
        """What stands for an object now: of what is stored the newest valid version."""
        return self.tree.newest(one) if one.is_stored else one

    def _step(self, one: DBObject, needs: list[Step], *, forced: bool) -> Step:
        if isinstance(one, SourceCollection) and is_derived(one):
            reasons = [NEVER_MADE] if isinstance(one, WantedCatalog) else self._changes_below(one, needs)
            label = self.tree.label(one) if one.is_stored else type(one).__name__
            return Step(one, DERIVE if reasons else KEEP, label, tuple(dict.fromkeys(reasons)), needs)
        if not one.is_stored:
            if isinstance(one, ProcessTarget):
                return Step(one, MAKE, type(one).__name__, (NEVER_MADE,), needs)
            return Step(one, KEEP, type(one).__name__, (), needs)
        label = self.tree.label(one)
        if one.object_id in self.tree.invalid and not (isinstance(one, ProcessTarget) and one.lineage_key):
            return Step(one, BLOCKED, label, tuple(self.tree.own_reasons(one)), needs)
        if not isinstance(one, ProcessTarget) or not one.lineage_key:
            return Step(one, KEEP, label, (), needs)
        if forced:
            return Step(one, REMAKE, label, (ASKED_FOR,), needs)
        reasons = [*self.tree.own_reasons(one), *self.changed.get(id(one), ()), *self._changes_below(one, needs)]
        return Step(one, REMAKE if reasons else KEEP, label, tuple(dict.fromkeys(reasons)), needs)

    def _find_made(self) -> None:
        """What is to be made of what is there may be there itself; a statement for each level of those that are."""
        tried: set[int] = set()
        while True:
            ready = [s for s in self.steps.values()
                     if s.action == MAKE and id(s) not in tried and not any(n.changes for n in s.needs)]  # fmt: skip
            if not ready:
                return
            tried |= {id(s) for s in ready}
            by_key: dict[str, list[Step]] = defaultdict(list)
            for step in ready:
                by_key[self._key(step)].append(step)
            rows = self.mapper.read("entities_by_lineage_key", keys=list(by_key), project=self.mapper.context.project)
            there: dict[str, DBObject] = {}
            for one in self.mapper.restore(r["properties"] for r in rows if not r["properties"].get("deleted")):
                if one.object_id not in self.tree.invalid and (
                    one.lineage_key not in there or one.repeat > there[one.lineage_key].repeat
                ):
                    there[one.lineage_key] = one
            self.tree.add([one for one in there.values() if one.object_id not in self.tree.objects])
            for key, one in there.items():
                for step in by_key[key] if one.object_id not in self.tree.invalid else ():
                    step.action, step.result, step.reasons, step.label = KEEP, one, (), self.tree.label(one)

    def _key(self, step: Step) -> str:
        """The lineage key that a target will have when it is made."""
        one = step.one
        assert isinstance(one, ProcessTarget)
        values = dict(one._values)
        try:
            for name in type(one).links:
                if one._values.get(name) is not None:
                    one._values[name] = self._now(getattr(one, name))
            given = one.given()
        finally:
            one._values = values
        return keys.lineage_key(
            type(one).__name__, make_code(type(one)).digest, [[n, v] for n, v in sorted(given.items())]
        )

    def _changes_below(self, one: DBObject, needs: list[Step]) -> list[str]:
        """What it rests on that is superseded, or made again."""
        reasons = [self.tree.superseded(d, self.stand(d)) for d in _dependencies(one)
                   if not self.tree.same_content(d, self.stand(d))]  # fmt: skip
        for need in needs:
            if need.changes:  # a catalog has no reasons of its own
                reasons += need.reasons if need.action == DERIVE else [f"{need.label} is made again"]
        return reasons

    # -- making ------------------------------------------------------------------------------------------------------------

    def make(self, targets: Sequence[DBObject], *, force: bool = False) -> list[DBObject]:
        plan = self.plan(targets, force=force)
        if plan.blocked:
            raise InvalidInput(
                f"{'; '.join(r for s in plan.blocked for r in s.reasons)}; give another one in its place, or take that back with "
                "survey.validate().", code="dependency_invalid",
            )  # fmt: skip
        failures = self.run(plan)
        for one in dict.fromkeys(self.stand(t) for t in targets):
            if self.steps[id(one)].done == KEEP and one.is_stored:
                self.survey.uses.write(REUSED, one.object_id)
        if failures:
            raise failures[0] if len(failures) == 1 else _several(failures)
        return [self.steps[id(self.stand(t))].outcome for t in targets]

    def run(self, plan: Plan) -> list[ProvgraphError]:
        """Do what a plan says; what failed."""
        failures: list[ProvgraphError] = []
        running: dict[Future[None], Step] = {}
        failed: set[int] = set()
        after: dict[int, list[Step]] = defaultdict(list)
        missing = {id(s): len(s.needs) for s in plan.steps}
        for step in plan.steps:
            for need in step.needs:
                after[id(need)].append(step)
        ready = deque(s for s in plan.steps if not s.needs)
        work = max(sum(s.changes for s in plan.steps), 1)
        finished = 0

        def over(step: Step) -> None:
            for other in after[id(step)]:
                missing[id(other)] -= 1
                if not missing[id(other)]:
                    ready.append(other)

        with _workers(self.jobs) as pool:
            while ready or running:
                while ready and (len(running) < self.jobs or not running):
                    step = ready.popleft()
                    if any(id(n) in failed for n in step.needs) or (failures and not self.keep_going):
                        failed.add(id(step))
                        over(step)
                    elif step.changes:
                        running[pool.submit(copy_context().run, self._do, step)] = step
                    else:
                        self._do(step)
                        over(step)
                for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                    step = running.pop(future)
                    finished += 1
                    if self.progress is not None:
                        self.progress(finished / work)
                    try:
                        future.result()
                    except ProvgraphError as error:
                        failures.append(error)
                        failed.add(id(step))
                    over(step)
        return failures

    def _do(self, step: Step) -> None:
        started = time.perf_counter()
        one = step.one
        if step.action == MAKE:
            assert isinstance(one, ProcessTarget)
            for name in type(one).links:
                if one._values.get(name) is not None:
                    one._values[name] = self._now(getattr(one, name))
            step.result = self.make_one(one, None, step)
        elif step.action == REMAKE and self._is_still_wanted(step):
            assert isinstance(one, ProcessTarget)
            step.result = self.make_one(self.again(one), one, step)
        elif step.action == DERIVE and (isinstance(one, WantedCatalog) or self._has_other_inputs(step)):
            assert isinstance(one, SourceCollection)
            step.result = derive(self.survey, one, self._now)
        elif step.result is not None:
            step.done = "found"
            self.survey.uses.write(REUSED, step.result.object_id)
        elif isinstance(one, DataObject) and one._attached is not None and not one.is_stored:
            self.survey.store(one)  # what is made from it opens its file
        step.done = step.done or KEEP
        step.seconds = time.perf_counter() - started

    def _is_still_wanted(self, step: Step) -> bool:
        """What it rests on may have come out as it was."""
        if ASKED_FOR in step.reasons or self.tree.own_reasons(step.one) or id(step.one) in self.changed:
            return True
        return self._has_other_inputs(step)

    def _has_other_inputs(self, step: Step) -> bool:
        return any(self._now(d) is not d for d in _dependencies(step.one))

    def rebuild(self, one: ProcessTarget) -> DBObject:
        """Make a stored target once more from exactly what it was made from, by the code it was made with.

        Raises NotFound ``not_made``, ``class_missing``, ``code_missing`` that name what is not here.
        """
        self.plan([one])
        cls = of_now(type(one))
        if not one.is_stored or not one.lineage_key:
            raise NotFound(
                f"This {cls.__name__} was never made, so nothing is recorded to make it from.", code="not_made"
            )
        _must_be_here(cls)
        was, now = self.tree.made(one), make_code(cls)
        if was and was["digest"] != now.digest:
            activity = self.mapper.read("activity_known", id=was["activity"])[0]["properties"]
            where = ", ".join(str(activity[k]) for k in ("distribution", "commit") if activity.get(k))
            raise NotFound(
                f"{was['name']} is other code here than what made this {cls.__name__}{f' ({where})' if where else ''}; install "
                f"that, or see it: survey.get({was['code']!r}).text.", code="code_missing", code_version=was["code"],
            )  # fmt: skip
        given = {n: getattr(one, n) for n in one.made_from if n in cls.links or n in cls.persistents}
        new = cls(**given)
        new._chosen = tuple(one.chosen)
        self._succeed(new, one)
        return self.make_one(new, one, Step(one, REMAKE, self.tree.label(one), (ASKED_FOR,)))

    def again(self, one: ProcessTarget) -> ProcessTarget:
        """A new version of a target, to be made from what is now there of what it was made from."""
        cls = of_now(type(one))
        _must_be_here(cls)
        given: dict[str, Any] = {}
        chosen = []
        for name in one.made_from:
            if name in cls.links:
                if name in one.chosen:
                    if isinstance(cls.links[name], ProcessParams):
                        continue  # the defaults of today
                    chosen.append(name)
                given[name] = self._now(self.links_of(one)[name])
            elif name in cls.persistents:
                given[name] = getattr(one, name)
        new = cls(**given)
        new._chosen = tuple(chosen)
        self._succeed(new, one)
        return new

    def _succeed(self, new: DBObject, old: DBObject) -> None:
        newest = max(self.tree.versions.get(old.identity, [old]), key=lambda v: v.version)
        new.identity = old.identity
        new.version = newest.version + 1
        new._revised = Reference(newest.object_id, lambda _: newest)

    def _now(self, value: Any) -> Any:
        """What an object, or each of several, has become; itself where its content is the same, so that keys stay."""
        if isinstance(value, tuple):
            return tuple(self._now(v) for v in value)
        step = self.steps.get(id(self.stand(value)))
        outcome = step.outcome if step is not None else self.stand(value)
        return value if self.tree.same_content(value, outcome) else outcome

    def make_one(self, target: ProcessTarget, old: ProcessTarget | None, step: Step) -> DBObject:
        """Run make() of one target, or find what was made of the same; store it with the calls that made it."""
        survey = self.survey
        cls = type(target)
        code = make_code(cls)
        target.begin_making(code.digest)
        # The same of the same once more: it confirms what is there, or shows that it is not deterministic.
        repeats = (
            old if ASKED_FOR in step.reasons and old is not None and target.lineage_key == old.lineage_key else None
        )
        if repeats is None and (found := self.mapper.existing([target])):
            (there,) = self.mapper.restore([found[target.lineage_key]])
            if there.object_id not in self.tree.invalid:
                step.done = "found"
                survey.uses.write(REUSED, there.object_id)
                return there
            target.repeat = there.repeat + 1
        if repeats is not None:
            target.repeat = repeats.repeat + 1
        function = getattr(cls.make, TRACED, None) or function_of(unwrapped(cls.make), cls.__name__, "make")
        batch = Batch()
        with calls.using(survey):
            call = survey.tracer.hold(function, target)
            before = [(d, dict(d._values)) for d in _dependencies(target)]
            try:
                with calls.inside(call):
                    returned = unwrapped(cls.make)(target)
                _check(target, returned, before)
                with calls.untraced():
                    flags = [" ".join(str(flag).split()) for flag in target.verify()]
            except BaseException as error:
                survey.tracer.fail(call, error)
                self._store_calls(call)
                if isinstance(error, ProvgraphError) or not isinstance(error, Exception):
                    raise
                raise MakeFailed(
                    f"{cls.__name__}.make() failed: {type(error).__name__}: {error} ({call.where}).",
                    activity=call.call_id,
                ) from error
            survey.tracer.end(call, None)
        some = survey.tracer.take(call)
        batch.add(target)
        with survey.object_files.put(batch):  # its file has a digest then
            if repeats is not None and target.results() == repeats.results():
                call.used = [(role, repeats if one is target else one) for role, one in call.used]
                batch = Batch()
                batch.note(repeats, CONFIRMED, call.call_id)
                traced.add(batch, some, self.mapper)
                self.mapper.write(batch)
                survey.tracer.written(some)
                step.done = CONFIRMED
                return repeats
            call.generated.append(("target", target))
            if flags:
                batch.note(target, QUALITY, "\n".join(flags))
            if repeats is not None:
                batch.note(target, NOT_DETERMINISTIC, repeats.object_id)
            elif old is not None and target.results() == old.results():
                batch.note(target, EQUAL_CONTENT, old.object_id)
                with self._storing:
                    same = {target.object_id, old.object_id} | self.tree.equal.get(old.object_id, set())
                    self.tree.equal.update(dict.fromkeys(same, same))
            traced.add(batch, some, self.mapper)
            survey.store_batch(batch)
        survey.tracer.written(some)
        step.done = "made"
        return target

    def _store_calls(self, call: Any) -> None:
        some = self.survey.tracer.take(call)
        batch = Batch()
        traced.add(batch, some, self.mapper)
        self.mapper.write(batch)
        self.survey.tracer.written(some)


class _Here:
    """Does at once what it is given, in the thread that gives it: Ctrl-C reaches a make() that hangs."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(function(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done


class _Threads:
    """Does what it is given in threads of its own, which nobody waits for at the end: no exception reaches a make() in C code."""

    def __init__(self, jobs: int) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"make_{n}", daemon=True) for n in range(jobs)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self._waiting.put((done, function, arguments))
        return done

    def _work(self) -> None:
        with suppress(KeyboardInterrupt):  # of `interrupt`, between two of them
            while (given := self._waiting.get()) is not None:
                done, function, arguments = given
                try:
                    done.set_result(function(*arguments))
                except BaseException as error:
                    done.set_exception(error)

    def end(self) -> None:
        """Nothing more is begun."""
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._threads:
            self._waiting.put(None)

    def join(self, seconds: float | None = None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def interrupt(self) -> None:
        """A KeyboardInterrupt in each thread, as soon as it is in Python code."""
        for thread in self._threads:
            if thread.is_alive():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
                )


@contextmanager
def _workers(jobs: int) -> Iterator[Any]:
    """What runs the steps; where this is interrupted, each make() that runs in a thread is, too."""
    if jobs <= 1:
        yield _Here()
        return
    threads = _Threads(jobs)
    try:
        yield threads
    except BaseException as error:
        threads.end()
        if isinstance(error, Exception):
            threads.join()
        else:
            threads.interrupt()
            threads.join(GRACE)
        raise
    threads.end()
    threads.join()


def _stored_first(targets: Iterable[DBObject]) -> list[DBObject]:
    """Of targets, and of what those that are not stored are to be made from, the first that are stored."""
    found: dict[int, DBObject] = {}
    seen: set[int] = set()
    todo = list(targets)
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.is_stored:
            found[id(one)] = one
        else:
            todo.extend(_dependencies(one))
    return list(found.values())


def _dependencies(one: DBObject) -> Iterable[DBObject]:
    for name in type(one).links:
        value = getattr(one, name, None)
        for other in value if isinstance(value, tuple) else (value,):
            if other is not None:
                yield other


def _must_be_here(cls: type) -> None:
    if is_stand_in(cls):
        raise NotFound(
            f"{cls.__name__} cannot be made again: its class is not here; import the module that has it.",
            code="class_missing",
        )


def _check(target: ProcessTarget, returned: Any, before: Sequence[tuple[DBObject, dict[str, Any]]]) -> None:
    for one, values in before:
        changed = [n for n in type(one).persistents if one._values.get(n) != values.get(n)]
        if changed:
            one._values = values
            raise InvalidInput(
                f"{type(target).__name__}.make() changed {type(one).__name__}.{changed[0]} of an object it is made from, which is "
                "stored and stays as it is; it sets properties of its own object only.", code="dependency_changed",
            )  # fmt: skip
    _, given = target._recipe or ("", {})
    now = target.given()
    if changed := [n for n, value in given.items() if now.get(n) != value]:
        raise InvalidInput(
            f"{type(target).__name__}.make() changed {changed[0]}, which was given before, and is what the object is made from; "
            "give what is calculated another property.", code="given_changed",
        )  # fmt: skip
    if returned is not None and returned is not target:
        raise InvalidInput(
            f"{type(target).__name__}.make() returned {a(type(returned).__name__)}; it sets properties of its object and returns "
            "nothing.", code="make_returned",
        )  # fmt: skip
    if missing := target.missing():
        raise InvalidInput(
            f"{type(target).__name__}.make() ended, and {', '.join(missing)} has no value; set it in make(), or give it a default.",
            code="property_missing",
        )


def _several(failures: Sequence[ProvgraphError]) -> MakeFailed:
    return MakeFailed(
        f"{len(failures)} targets could not be made: " + " ".join(f.message for f in failures), code="make_failed"
    )
