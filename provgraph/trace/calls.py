"""Calls into activities: every traced call of this process is spooled at once, and written to the graph when its tree has ended."""

from __future__ import annotations

import os
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from provgraph import names
from provgraph.graph.mapper import Batch, Mapper
from provgraph.policy import Context
from provgraph.schema import calls, keys
from provgraph.schema.agents import Activity
from provgraph.schema.calls import Function
from provgraph.schema.files import CodeVersion
from provgraph.schema.objects import DBObject
from provgraph.trace import spool, values
from provgraph.trace.code import code_of, where_from
from provgraph.trace.environment import environment, software
from provgraph.trace.recovery import recover

DONE, FAILED, ABORTED = "done", "failed", "aborted"
MOST = 20_000  # calls that wait to be written, and constructions that wait for their objects to be stored
PART = 5000  # calls of a tree that still grows are written in parts of so many
PAUSE = 0.5  # seconds without a call, after which what has ended is written in the background
SELF = "self"


class Call:
    """One call, while it runs and until it is written."""

    __slots__ = (
        "arguments", "began", "call_id", "done", "early", "ended", "function", "generated", "holder", "is_held", "is_plain",
        "is_written", "message",
        "number", "owner", "parent", "plan", "process", "result", "status", "thread", "ticks", "untraced", "used",
        "where",
    )  # fmt: skip

    began: int  # nanoseconds since 1970
    ended: int  # the same; 0 while it runs
    holder: Call

    def __init__(self, function: Function, parent: Call | Foreign | None) -> None:
        self.call_id = keys.new_id()
        self.function = function
        self.parent = parent
        self.holder = parent.holder if isinstance(parent, Call) and not parent.ended else self
        self.done: list[Call] = []  # of a holder: calls of its tree that have ended, itself the last
        self.early: list[str] = []  # children that were written before it
        self.used: list[tuple[str, DBObject]] = []
        self.generated: list[tuple[str, DBObject]] = []
        self.ended = 0
        self.arguments = self.result = self.message = self.where = self.status = ""
        self.began = time.time_ns()
        self.ticks = time.perf_counter_ns()
        self.thread = threading.current_thread().name
        self.process = os.getpid()
        self.owner: type | None = None  # the class that it was called on
        self.plan: CodeVersion | None = None  # what ran, where that is no function of ours
        self.number = 1  # of constructors told as one
        self.untraced = False
        self.is_plain = False  # it gave an object its values and did nothing else
        self.is_held = False  # until what it made is stored
        self.is_written = False

    def activity(self, context: Context) -> Activity:
        class_name = self.owner.__name__ if self.owner is not None else self.function.class_name
        found = Activity(
            class_name,
            self.function.name,
            self.arguments,
            self.call_id,
            keys.instant(self.began),
            keys.instant(self.ended),
            self.status,
            self.message,
        )
        found.results = {
            "result": self.result, "seconds": self.ticks / 1e9, "thread": self.thread, "process": self.process,
            "agent": context.agent.agent_id,
        }  # fmt: skip
        if self.where:
            found.results["place"] = self.where
        if self.untraced:
            found.results["untraced"] = True
        if self.number > 1:
            found.results["number"] = self.number
        return found


def _is_plain_construction(call: Call) -> bool:
    inherited = call.function.name == "__init__" and call.function.call.__module__.startswith("provgraph.")
    return inherited and call.parent is None and call.status == DONE and not call.untraced and len(call.used) > 0


class Foreign:
    """The call of another process that this one was started in."""

    ended = "elsewhere"

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id


class Tracer:
    """Takes what traced methods tell, for one survey."""

    def __init__(self, mapper: Mapper | None, directory: Path) -> None:
        self.mapper = mapper
        self.spool = spool.Spool(directory)
        self.directory = directory
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._trees: list[list[Call]] = []  # ended, not written
        self._constructions: dict[int, Call] = {}  # ended, of objects that are not stored yet, by their id()
        self._running = 0
        self._worker: threading.Thread | None = None
        self._wake = threading.Event()
        self._closed = False
        self._pid = os.getpid()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(self))

    @classmethod
    def only_spooling(cls, directory: Path) -> Tracer:
        """For a child process: its calls wait in a spool until the process that has the survey takes them."""
        made = cls(None, directory)
        made._pid = 0
        return made

    def _forked(self) -> None:
        """A lock that another thread held when the process was copied would never be given up."""
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self.spool.forked()
        self._worker = None

    # -- told by the hooks -------------------------------------------------------------------------------------------------

    def begin(self, function: Function, parent: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        call = Call(function, parent)
        found: dict[str, Any] = {}
        for n, (name, value) in enumerate(function.arguments(args, kwargs).items()):
            if n == 0 and function.is_method:  # the object or the class that it is called on
                call.owner = value if isinstance(value, type) else type(value)
                if isinstance(value, DBObject):
                    call.used.append((SELF, value))
            elif name in function.secrets:
                found[name] = values.SECRET
            else:
                told = values.Told()
                found[name] = told.value(value)
                call.used += [(name, o) for o in told.objects]
        call.arguments = values.text(found)
        with self._lock:
            self._running += 1
        self.spool.write(
            begin=call.call_id, parent=parent.call_id if parent is not None else "", cls=function.class_name, method=function.name,
            arguments=call.arguments, began=call.began, used=[(r, o.object_id) for r, o in call.used],
            thread=call.thread, process=call.process,
        )  # fmt: skip
        return call

    def end(self, call: Call, result: Any) -> None:
        told = values.Told()
        call.result = values.text(told.value(result))
        call.status = DONE
        self._over(call)

    def fail(self, call: Call, error: BaseException) -> None:
        call.status = FAILED if isinstance(error, Exception) else ABORTED
        call.message = f"{type(error).__name__}: {error}"[: values.WHOLE]
        frames = traceback.extract_tb(error.__traceback__)
        if frames:
            call.where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}"
        self._over(call)

    def silent(self, call: Call) -> None:
        call.untraced = True

    def _over(self, call: Call) -> None:
        call.ticks = time.perf_counter_ns() - call.ticks
        # By how long it took: a clock that is set back meanwhile does not make it end before it began.
        call.ended = call.began + call.ticks
        self.spool.write(
            end=call.call_id, ended=call.ended, seconds=call.ticks / 1e9, status=call.status, result=call.result,
            message=call.message, place=call.where, untraced=call.untraced,
        )  # fmt: skip
        if self._pid != os.getpid():
            return
        holder = call.holder
        with self._lock:
            self._running -= 1
            holder.done.append(call)
            if holder is call and not call.is_held:
                if len(holder.done) == 1 and _is_plain_construction(call):
                    call.is_plain = True
                    self._constructions[id(call.used[0][1])] = call
                    holder.done = []
                    return
                self._queue(holder)
            elif holder is not call and len(holder.done) >= PART:
                self._trees.append(holder.done)
                holder.done = []
        if holder is call:
            self._wake.set()

    def _queue(self, holder: Call) -> None:
        self._trees.append(holder.done)
        holder.done = []
        if self._worker is None and not self._closed and self._pid == os.getpid():
            self._worker = threading.Thread(target=self._work, name="provgraph calls", daemon=True)
            calls_untouched(self._worker.start)

    # -- into the graph ----------------------------------------------------------------------------------------------------

    def hold(self, function: Function, *args: Any) -> Call:
        """Begin a call whose tree is stored together with what it makes: by `take`, not by itself."""
        call = self.begin(function, calls.running(), args, {})
        call.holder, call.is_held = call, True
        return call

    def take(self, call: Call) -> list[Call]:
        """The calls of a held call that has ended and of all below it."""
        with self._lock:
            found, call.done = call.done, []
        return found

    def constructions(self, objects: Iterable[DBObject]) -> list[Call]:
        """The calls that constructed these; they are stored together."""
        with self._lock:
            return [c for one in objects if (c := self._constructions.pop(id(one), None)) is not None]

    def write(self, *, all_: bool = False) -> None:
        """What has ended, into the graph. all_ : also calls whose object may be stored later, and then would be an edge."""
        if self.mapper is None or self._pid != os.getpid():
            return
        with self._writing:
            with self._lock:
                ready, self._trees = self._trees, []
                waiting = self._constructions.values()
                some = [c for tree in ready for c in tree]
                some += [c for c in waiting if all_ or len(waiting) > MOST or c.used[0][1].is_stored]
                for call in some:
                    if call.used:
                        self._constructions.pop(id(call.used[0][1]), None)
            for n in range(0, len(some), PART):
                batch = Batch()
                add(batch, some[n : n + PART], self.mapper)
                try:
                    self.mapper.write(batch)
                except BaseException:
                    self.again(some[n:])
                    raise
                self.written(some[n : n + PART])

    def again(self, some: Sequence[Call]) -> None:
        """These could not be written."""
        with self._lock:
            self._trees.append(list(some))

    def written(self, some: Iterable[Call]) -> None:
        """These are in the graph."""
        with self._lock:
            for call in some:
                call.is_written = True
            if not self._running and not self._trees and not self._constructions:
                self.spool.clear()

    def recover(self) -> int:
        """Write what processes that have ended left behind; the number of calls."""
        if self.mapper is None or self._running:  # what runs may be what they were called in
            return 0
        return recover(self.mapper, self.directory)

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._worker is not None and self._worker is not threading.current_thread():
            self._worker.join()
        self.write(all_=True)
        self.spool.close()
        if self._pid == os.getpid():
            self.recover()

    def _work(self) -> None:
        """Write while nothing is called, or when very much waits: work that goes on is not slowed down."""
        while not self._closed:
            self._wake.wait()
            while not self._closed and self._wake.is_set() and sum(map(len, self._trees)) < MOST:
                self._wake.clear()
                time.sleep(PAUSE)
            self._wake.clear()
            if not self._closed:
                try:
                    self.write()
                except Exception:  # the spool has them; whoever closes the survey is told
                    self._wake.clear()


def _weakly(tracer: Tracer) -> Callable[[], None]:
    known = weakref.ref(tracer)

    def forked() -> None:
        if (found := known()) is not None:
            found._forked()

    return forked


def calls_untouched(start: Any) -> None:
    """Start a thread of our own outside every call."""
    with calls.inside(None):
        start()


def add(batch: Batch, some: Sequence[Call], mapper: Mapper) -> None:
    """Calls as activities of a batch, with their edges; children before parents or after, as they come.

    Objects of another survey are told with the arguments, and have no edges here.
    """
    context = mapper.context
    ran = environment()
    batch.add(ran)
    there = {c.call_id for c in some}
    stored = {id(o) for o in batch.objects}
    code: dict[tuple[int, int], CodeVersion] = {}
    for call in _together(some):
        activity = call.activity(context)
        version = call.plan or code_version(call.function, call.owner, code)
        activity.results |= {"code": version.digest, **where_from(version.module)}
        batch.add(version)
        batch.relate(names.HAD_PLAN, activity, version)
        batch.activities.append(activity)
        for role, one in call.used:
            if (one.is_stored and mapper.is_home_of(one)) or id(one) in stored:
                batch.relate(names.USED, activity, one, role=role)
        for role, one in call.generated:
            batch.relate(names.WAS_GENERATED_BY, one, activity, role=role)
        for child in call.early:
            batch.relate(names.WAS_INFORMED_BY, child, activity)
        parent = call.parent
        if parent is None:
            batch.relate(names.USED, activity, ran, role=names.ENVIRONMENT_ROLE)
            batch.relate(names.WAS_ASSOCIATED_WITH, activity, context.agent, role="operator")
            batch.relate(names.WAS_ASSOCIATED_WITH, activity, software(), role="software")
        elif parent.call_id in there or getattr(parent, "is_written", True):
            batch.relate(names.WAS_INFORMED_BY, activity, parent.call_id)
        elif isinstance(parent, Call):
            parent.early.append(call.call_id)


def _together(some: Sequence[Call]) -> Iterable[Call]:
    """Calls, those that only constructed objects of one class as one: what each was given stands with its object."""
    groups: dict[tuple[int, type | None], list[Call]] = {}
    for call in some:
        if call.is_plain:
            groups.setdefault((id(call.function), call.owner), []).append(call)
        else:
            yield call
    for calls_ in groups.values():
        first = calls_[0]
        if len(calls_) > 1:
            first.number = len(calls_)
            first.arguments = first.result = ""
            first.ended = max(c.ended for c in calls_)
            first.ticks = sum(c.ticks for c in calls_)
            first.used = [used for c in calls_ for used in c.used[:1]]
        yield first


def code_version(function: Function, owner: type | None, known: dict[tuple[int, int], CodeVersion]) -> CodeVersion:
    """The code of a traced function, as it runs on this class, as an object of the graph."""
    key = (id(function), id(owner))
    if key not in known:
        code = code_of(function.call, owner if function.is_method else None)
        known[key] = CodeVersion(name=code.name, module=code.module, digest=code.digest, text=code.text[:65536])
    return known[key]
