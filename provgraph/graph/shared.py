"""A second process on the same machine just works: whoever opens an embedded graph first serves the others.

The engine lets one process in at a time. `open_embedded` gives every process of one user the same graph: the first
holds it, later ones speak with the holder through `channel`. When the holder ends, even by kill -9, the next call of
any of the others takes over.
"""

from __future__ import annotations

import atexit
import os
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

from provgraph.errors import GraphUnavailable, ProvgraphError, SurveyLocked
from provgraph.graph import channel, embedded, loading, statements
from provgraph.graph.embedded import EmbeddedEngine
from provgraph.graph.engine import EdgeRow, GraphEngine, NodeRow, Rows, Run, T, nested, statement_failed
from provgraph.graph.serving import Server
from provgraph.graph.statements import Statement

FIND_SECONDS = 15.0  # a holder that was killed leaves a log to recover, some tenths of a second
ANSWER_SECONDS = 600.0
_TAKEOVERS = 8  # that one call lives through


def open_embedded(directory: Path | str) -> SharedEngine:
    """The embedded graph in a directory, whichever process of ours has it open.

    Raises
    ------
    SurveyLocked : another user, or a process on another machine, has it open; says who and since when.
    GraphUnavailable : it cannot be opened.
    """
    return SharedEngine(Path(directory))


class SharedEngine(GraphEngine):
    """The embedded engine, in this process or in the one that opened the graph first.

    Work given to `write` is run again when the holder died before it committed, and only then: each transaction of
    another process leaves a token that tells whether it was committed.

    Parameters
    ----------
    directory : of the graph.
    hold : False for a process that never takes over.
    """

    name: ClassVar[str] = EmbeddedEngine.name
    capabilities: ClassVar[frozenset[str]] = EmbeddedEngine.capabilities

    def __init__(self, directory: Path, *, hold: bool = True) -> None:
        self.directory = directory
        self._may_hold = hold
        self._closed = False
        self._client = uuid.uuid4().hex
        self._wrote = False
        self._begin_in_this_process()
        self._find()

    def _begin_in_this_process(self) -> None:
        """Nothing held, no connections: also for a process forked from one that had them, which must not use those."""
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._held: _Held | None = None
        self._idle: list[Connection] = []
        self._inside = threading.local()

    # -- the engine ----------------------------------------------------------------------------------------------------

    def read(self, statement: Statement, /, **parameters: Any) -> Rows:
        request = _request("read", statement, parameters)
        for _ in range(_TAKEOVERS):
            with self._gone_is_retried():
                held = self._place()
                if held is not None:
                    return held.engine.read(statement, **parameters)
                with self._connection() as connection:
                    rows: Rows = _ask(connection, request, statement)["rows"]
                    return rows
        raise self._unreachable("it ended again and again")

    def write(self, work: Callable[[Run], T]) -> T:
        return self._transaction(work, "write")

    def scratch(self, work: Callable[[Run], T]) -> T:
        return self._transaction(work, "scratch")

    def load(self, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
        held = self._place()
        if held is not None:
            held.engine.load(nodes, edges)
            return
        waiting = {"nodes": loading.chunks(nodes), "edges": loading.chunks(edges)}
        try:
            with self._connection() as connection:
                reply = _ask(connection, {"do": "load"})
                while "done" not in reply:
                    reply = _ask(connection, {"rows": next(waiting[reply["more"]], [])})
        except _HolderGone as gone:
            raise self._unreachable("it ended during a bulk load; what was loaded is removed, load again") from gone

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            if self._wrote and self._held is None and self._pid == os.getpid():
                with suppress(ProvgraphError, _HolderGone), self._connection() as connection:
                    forget = statements.load("shared/forget")
                    self._elsewhere(connection, lambda run: run(forget, client=self._client), "write", "", [])
            self._closed = True
            for idle in self._idle:
                idle.close()
            self._idle.clear()
            if self._held is not None and self._pid == os.getpid():
                self._held.release()
            self._held = None

    # -- transactions --------------------------------------------------------------------------------------------------

    def _transaction(self, work: Callable[[Run], T], kind: str) -> T:
        token = uuid.uuid4().hex if kind == "write" else ""
        outcome: list[T] = []  # of work whose commit was asked for
        for _ in range(_TAKEOVERS):
            with self._gone_is_retried():
                held = self._place()
                if outcome and self._committed(token):
                    return outcome[0]
                outcome.clear()
                if held is not None:
                    return held.engine.write(work) if kind == "write" else held.engine.scratch(work)
                with self._connection() as connection:
                    return self._elsewhere(connection, work, kind, token, outcome)
        raise self._unreachable("it ended again and again")

    def _elsewhere(self, connection: Connection, work: Callable[[Run], T], kind: str, token: str,
                   outcome: list[T]) -> T:  # fmt: skip
        """One transaction in the process that holds the graph."""

        def run(statement: Statement, /, **parameters: Any) -> Rows:
            rows: Rows = _ask(connection, _request("run", statement, parameters), statement)["rows"]
            return rows

        _ask(connection, {"do": kind})
        self._inside.transaction = True
        try:
            result = work(run)
        finally:
            self._inside.transaction = False
        if token:
            self._wrote = True
            outcome.append(result)
            _ask(connection, {"do": "end", "client": self._client, "token": token})
        else:
            _ask(connection, {"do": "end"})
        return result

    def _committed(self, token: str) -> bool:
        return bool(self.read(statements.load("shared/committed"), client=self._client, token=token))

    # -- who holds the graph -------------------------------------------------------------------------------------------

    def _place(self) -> _Held | None:
        """Ours if we hold the graph, else None and there is somebody to speak with."""
        if self._closed:
            raise GraphUnavailable(f"The graph in {self.directory} is closed.", code="graph_closed")
        if self._pid != os.getpid():
            self._begin_in_this_process()
        if getattr(self._inside, "transaction", False):
            raise nested()
        return self._held

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection for one exchange; kept for the next one unless something went wrong in between."""
        connection: Connection | None
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            holder = channel.Holder.read(self.directory)
            connection = None if holder is None or holder.is_other_user else holder.connect()
        if connection is None:
            raise _HolderGone
        try:
            yield connection
        except BaseException:
            connection.close()  # whatever was under way is undone there
            raise
        self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    @contextmanager
    def _gone_is_retried(self) -> Iterator[None]:
        try:
            yield
        except _HolderGone:
            self._find()

    def _find(self) -> None:
        """Speak with the holder, or become it."""
        with self._lock:
            for broken in self._idle:
                broken.close()
            self._idle.clear()
            deadline = time.monotonic() + FIND_SECONDS
            wait = 0.005
            while self._held is None:
                # Asking first: a process that finds the holder need not load the engine.
                holder = channel.Holder.read(self.directory)
                connection = None if holder is None or holder.is_other_user else holder.connect()
                if connection is not None:
                    self._idle.append(connection)
                    return
                if self._may_hold:
                    self._held = _hold(self.directory, holder)
                if self._held is not None:
                    return
                holder = channel.Holder.read(self.directory)
                if holder is not None and (holder.is_other_user or holder.is_other_host):
                    raise _locked(self.directory, holder)
                if time.monotonic() > deadline:
                    raise self._unreachable("it does not answer")
                # Apart, so that of many that wait one wins and the others find it.
                time.sleep(wait * (0.5 + random.random()))
                wait = min(2 * wait, 0.3)

    def _unreachable(self, what: str) -> GraphUnavailable:
        holder = channel.Holder.read(self.directory)
        who = f"process {holder.pid} of {holder.user}" if holder else "another process"
        if embedded.forked:
            what += "; this process was forked from one that used the engine, so it cannot hold the graph itself"
        return GraphUnavailable(
            f"The graph in {self.directory} is held by {who}: {what}.",
            code="graph_unreachable",
            pid=holder.pid if holder else None,
        )


class _HolderGone(Exception):
    """The process that held the graph has ended, or hung up."""


def _request(do: str, statement: Statement, parameters: dict[str, Any]) -> channel.Message:
    return {"do": do, "name": statement.name, "parts": statement.parts, "parameters": parameters}


def _ask(connection: Connection, message: channel.Message, statement: Statement | None = None) -> channel.Message:
    try:
        channel.send(connection, message)
        if not connection.poll(ANSWER_SECONDS):
            raise _HolderGone
        reply = channel.receive(connection)
    except TypeError as error:  # a parameter that is no JSON
        assert statement is not None
        raise statement_failed(statement, error) from error
    except (EOFError, OSError) as error:
        raise _HolderGone from error
    if "error" in reply:
        raise channel.error_of(reply)
    return reply


# -- the graphs this process holds -------------------------------------------------------------------------------------


@dataclass
class _Held:
    """A graph that this process has open and serves; closed with the last of its users here."""

    path: Path
    engine: EmbeddedEngine
    server: Server
    users: int = 1

    def release(self) -> None:
        with _holding:
            self.users -= 1
            if self.users == 0:
                del _graphs[self.path]
                self.close()

    def close(self) -> None:
        self.server.close()
        self.engine.close()


_graphs: dict[Path, _Held] = {}
_holding = threading.RLock()


def _hold(directory: Path, holder: channel.Holder | None) -> _Held | None:
    """The graph, opened here now or before; None when another process has it."""
    path = directory.resolve()
    with _holding:
        held = _graphs.get(path)
        if held is not None:
            held.users += 1
            return held
        if holder is not None and (holder.is_other_user or holder.is_other_host) and embedded.is_locked(directory):
            raise _locked(directory, holder)
        try:
            engine = EmbeddedEngine(directory)
        except GraphUnavailable as error:
            if error.code in ("graph_locked", "graph_forked"):  # a forked child can only ask others
                return None
            if holder is not None and holder.is_other_user and _is_alive(holder):
                raise _locked(directory, holder) from error
            raise
        try:
            held = _graphs[path] = _Held(path, engine, Server(engine, directory))
        except BaseException:
            engine.close()
            raise
        return held


def _locked(directory: Path, holder: channel.Holder) -> SurveyLocked:
    return SurveyLocked(
        f"The graph in {directory} has been open since {holder.since} in process {holder.pid} of the user "
        f"{holder.user} on {holder.host}; an embedded survey serves one user on one machine at a time.",
        user=holder.user, since=holder.since, pid=holder.pid, host=holder.host,
    )  # fmt: skip


def _is_alive(holder: channel.Holder) -> bool:
    if holder.is_other_host or sys.platform == "win32":
        return True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@atexit.register
def _close_all() -> None:
    with _holding:
        for held in list(_graphs.values()):
            held.close()
        _graphs.clear()


def _after_fork() -> None:
    """A child has nothing of what its parent holds: it speaks with the parent like any other process."""
    global _graphs, _holding
    _graphs, _holding = {}, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
