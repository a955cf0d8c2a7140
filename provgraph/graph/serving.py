"""The serving end of a shared embedded graph: a thread for each connection of another process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from provgraph.graph import channel, statements
from provgraph.graph.embedded import EmbeddedEngine
from provgraph.graph.engine import EdgeRow, NodeRow, Run
from provgraph.graph.statements import Statement

# A transaction keeps the write lock, so one that says nothing for this long is undone.
IDLE_SECONDS = 120.0


class _Abandoned(Exception):
    """The other process ended its transaction, or itself."""


class Server:
    """Serves an open engine to other processes of the same user until it is closed."""

    def __init__(self, engine: EmbeddedEngine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory
        self._closed = False
        self._connections: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        before = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        engine.write(lambda run: run(statements.load("shared/forget_old"), before=before))
        self.holder = channel.Holder.of_this_process(directory)
        self._key = self.holder.key()
        self._listener = Listener(self.holder.address, backlog=64)
        threading.Thread(target=self._accept, name="provgraph-graph", daemon=True).start()
        self.holder.write(directory)  # last: who reads it finds somebody listening

    def close(self) -> None:
        """Hang up; transactions under way are undone, the clients find another holder and run them again."""
        self._closed = True
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            channel.hang_up(connection)
        with suppress(OSError):  # closing the socket alone would not wake the thread that accepts
            Client(self.holder.address).close()
        self._listener.close()
        for thread in connections.values():
            thread.join(10)
        self.holder.remove(self._directory)

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except OSError:
                time.sleep(0.05)  # out of files, perhaps
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), name="provgraph-client", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            channel.accept(connection, self._key)
            while not self._closed:
                self._answer(connection, channel.receive(connection))
        except (EOFError, OSError, AuthenticationError, _Abandoned):
            pass  # the other process has ended, or is not to be trusted
        finally:
            with self._lock:
                self._connections.pop(connection, None)
            connection.close()

    def _answer(self, connection: Connection, request: channel.Message) -> None:
        try:
            match request["do"]:
                case "read":
                    rows = self._engine.read(_statement(request), **request["parameters"])
                    reply: channel.Message = {"rows": rows}
                case "write":
                    self._engine.write(lambda run: self._transaction(connection, run))
                    reply = {"done": True}
                case "scratch":
                    self._engine.scratch(lambda run: self._transaction(connection, run))
                    reply = {"done": True}
                case "load":
                    nodes = (NodeRow(tuple(r[0]), r[1]) for r in _pulled(connection, "nodes"))
                    edges = (EdgeRow((*r[0],), (*r[1],), r[2], r[3]) for r in _pulled(connection, "edges"))  # type: ignore[arg-type]
                    self._engine.load(nodes, edges)
                    reply = {"done": True}
                case other:
                    raise ValueError(f"no such request: {other!r}")
        except (_Abandoned, EOFError, OSError) as error:
            if isinstance(error, OSError) and hasattr(error, "code"):  # one of ours, about the graph
                reply = channel.error_message(error)
            else:
                raise
        except Exception as error:
            reply = channel.error_message(error)
        channel.send(connection, reply)

    def _transaction(self, connection: Connection, run: Run) -> None:
        """What happens between begin and commit, told by the other process."""
        channel.send(connection, {"begun": True})
        while True:
            if not connection.poll(IDLE_SECONDS):
                raise _Abandoned
            request = channel.receive(connection)
            match request["do"]:
                case "run":
                    try:
                        reply: channel.Message = {"rows": run(_statement(request), **request["parameters"])}
                    except Exception as error:
                        reply = channel.error_message(error)
                    channel.send(connection, reply)
                case "end":
                    if "token" in request:
                        commit = statements.load("shared/commit")
                        run(commit, client=request["client"], token=request["token"], at=channel.now())
                    return
                case _:
                    raise _Abandoned


def _statement(request: channel.Message) -> Statement:
    return Statement(request["name"], tuple(request["parts"]))


def _pulled(connection: Connection, kind: str) -> Iterator[Any]:
    """Rows of a bulk load, asked for chunk by chunk."""
    while True:
        channel.send(connection, {"more": kind})
        if not connection.poll(IDLE_SECONDS):
            raise _Abandoned
        rows = channel.receive(connection)["rows"]
        if not rows:
            return
        yield from rows
