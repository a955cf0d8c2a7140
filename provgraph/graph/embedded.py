"""The default engine: ArcadeDB's native build, in this process, one directory, one process at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from provgraph.errors import GraphUnavailable, ProvgraphError
from provgraph.graph import loading, statements
from provgraph.graph.engine import (
    KEYS,
    EdgeRow,
    GraphEngine,
    NodeRow,
    Row,
    Rows,
    Run,
    RunText,
    T,
    nested,
    run_parts,
    statement_failed,
)
from provgraph.graph.overflow import Overflow
from provgraph.graph.statements import Statement

#: MB of the graph that the engine holds; its own 4,096 are more than a large import should take, and no faster.
PAGES: Final = 512
_PAGES: Final = "-Darcadedb.maxPageRAM"

# What the engine says when somebody else has the directory, or is just opening it or being killed.
_IN_USE = ("utility.LockException", "already in use")


class EmbeddedEngine(GraphEngine):
    """A graph in a directory.

    The engine's habits that are taken care of here (measured, see docs/decisions): autocommit keeps half of a failed
    statement, so every write is in an explicit transaction; MERGE makes twins when threads race, so one lock guards
    all writing; a transaction belongs to a thread, so begin, run and commit happen in one call.

    Parameters
    ----------
    directory : made if absent.
    durable : survive kills at any moment and power loss (an fsync per commit); False for a graph that is thrown away.

    Raises
    ------
    GraphUnavailable : ``engine_missing``; ``graph_locked`` when another process holds the directory; ``graph_read_only``
        when this process may not write there.
    """

    name: ClassVar[str] = "embedded"
    capabilities: ClassVar[frozenset[str]] = frozenset({"bulk_loader", "single_process"})

    def __init__(self, directory: Path | str, *, durable: bool = True) -> None:
        self.directory = Path(directory)
        if forked:
            raise GraphUnavailable(
                "This process was forked from one that used the embedded graph engine, which does not live through a "
                "fork; start it with the method 'spawn'.",
                code="graph_forked",
            )
        self._arcadedb = import_arcadedb()
        self._database = self._open(durable)
        global _used
        _used = True
        _opened.add(self)
        self._database.set_wal_flush("yes_full" if durable else "no")
        self._lock = threading.RLock()
        self._writer: int | None = None  # thread that is inside a transaction
        self._closed = False
        self._known_types: set[tuple[str, ...]] = set()
        loading.undo_unfinished(self)

    def read(self, statement: Statement, /, **parameters: Any) -> Rows:
        if self._writer == threading.get_ident():
            raise nested()
        return run_parts(statement, self._runner(statement, self._open_database().query), parameters)

    def write(self, work: Callable[[Run], T]) -> T:
        return self._transaction(work, keep=True)

    def scratch(self, work: Callable[[Run], T]) -> T:
        return self._transaction(work, keep=False)

    def load(self, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
        with self._lock, loading.marked(self) as import_id:
            database = self._open_database()
            record_ids = Overflow()  # by label and key
            # With the log and a flush for each chunk: a killed load leaves whole chunks, which the marker leads to.
            options = {"use_wal": True, "wal_flush": "yes_full", "commit_every": loading.CHUNK, "parallel_flush": False}
            try:
                for chunk in loading.chunks(nodes):
                    self._load_nodes(database, options, chunk, import_id, record_ids)
                with database.graph_batch(**options) as batch:
                    for some in loading.chunks(edges):
                        self._load_edges(batch, some, record_ids)
            except self._arcadedb.ArcadeDBError as error:
                raise ProvgraphError(f"The graph engine refused a bulk load: {error}", code="load_invalid") from error

    def _load_nodes(self, database: Any, options: dict[str, Any], chunk: list[NodeRow], import_id: str,
                    record_ids: Overflow) -> None:  # fmt: skip
        by_labels: dict[tuple[str, ...], list[NodeRow]] = {}
        for node in chunk:
            by_labels.setdefault(node.labels, []).append(node)
        for labels, rows in by_labels.items():
            if labels not in self._known_types:
                self.write(lambda run: run(statements.load("load/node_type", labels=":".join(labels))))  # noqa: B023
                self._known_types.add(labels)
            properties = [loading.node_properties(node, import_id) for node in rows]
            with database.graph_batch(**options) as batch:
                made = batch.create_vertices("~".join(sorted(set(labels))), properties)
            key = KEYS[labels[0]]
            record_ids.update((f"{labels[0]} {p[key]}", i) for p, i in zip(properties, made, strict=True))

    def _load_edges(self, batch: Any, chunk: list[EdgeRow], record_ids: Overflow) -> None:
        ids = {end: record_ids.get(" ".join(end)) for edge in chunk for end in (edge.source, edge.target)}
        before: dict[str, list[str]] = {}
        for (label, key), id in ids.items():
            if id is None:
                before.setdefault(label, []).append(key)
        for edge in chunk:
            if ids[edge.source] is ids[edge.target] is None:  # else a killed load could not be undone by its nodes
                raise ProvgraphError(
                    f"A loaded {edge.relation} edge joins nothing that is loaded: {edge.source}, {edge.target}.",
                    code="load_invalid",
                )
        for label, keys in before.items():
            found = self.read(statements.load("load/record_ids", label=label, key=KEYS[label]), keys=keys)
            ids.update(((label, row["key"]), row["id"]) for row in found)
        by_relation: dict[str, list[EdgeRow]] = {}
        for edge in chunk:
            by_relation.setdefault(edge.relation, []).append(edge)
        for relation, rows in by_relation.items():
            if (relation,) not in self._known_types:
                self.write(lambda run: run(statements.load("load/edge_type", relation=relation)))  # noqa: B023
                self._known_types.add((relation,))
            sources, targets = [ids[edge.source] for edge in rows], [ids[edge.target] for edge in rows]
            for edge in rows:
                for end in (edge.source, edge.target):
                    if ids[end] is None:
                        raise loading.missing_end(relation, end)
            batch.new_edges(sources, relation, targets, [loading.edge_properties(edge) for edge in rows])

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._database.close()

    def _open(self, durable: bool) -> Any:
        path = str(self.directory)
        try:
            if not self._arcadedb.database_exists(path):
                if not durable:
                    self.directory.mkdir(parents=True, exist_ok=True)
                    return self._arcadedb.create_database(path)
                self._create()
            return self._arcadedb.open_database(path)
        except (self._arcadedb.ArcadeDBError, OSError) as error:
            if any(sign in str(error) for sign in _IN_USE):
                raise GraphUnavailable(f"The graph in {path} is in use.", code="graph_locked", path=path) from error
            if (blocked := _unwritable(self.directory)) is not None:
                raise GraphUnavailable(
                    f"Cannot write in {blocked}; the embedded engine needs to, also to read a graph.",
                    code="graph_read_only", path=path,
                ) from error  # fmt: skip
            raise GraphUnavailable(
                f"The graph in {path} cannot be opened: {' '.join(str(error).split())}.",
                code="graph_unreadable",
                path=path,
            ) from error

    def _create(self) -> None:
        """An empty graph, made elsewhere and renamed: whoever sees the directory sees all of it, after a kill too."""
        parent, beginning = self.directory.parent, f".{self.directory.name}.new-"
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{beginning}*"):
            with suppress(FileNotFoundError):  # whoever made it has just finished
                if left.stat().st_mtime < time.time() - 60:  # nobody takes so long
                    shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=beginning, ignore_cleanup_errors=True) as folder:
            new = Path(folder) / self.directory.name
            self._arcadedb.create_database(str(new)).close()
            try:
                if self.directory.is_dir():
                    self.directory.rmdir()  # an empty one may be there; renaming onto it does not work everywhere
                new.rename(self.directory)
            except OSError:  # another process was first
                if not self._arcadedb.database_exists(str(self.directory)):
                    raise

    def _open_database(self) -> Any:
        if self._closed:
            raise GraphUnavailable(f"The graph in {self.directory} is closed.", code="graph_closed")
        return self._database

    def _transaction(self, work: Callable[[Run], T], *, keep: bool) -> T:
        with self._lock:
            database = self._open_database()
            if self._writer is not None:  # the lock lets the same thread in again
                raise nested()

            failure: list[ProvgraphError] = []

            def run(statement: Statement, /, **parameters: Any) -> Rows:
                try:
                    return run_parts(statement, self._runner(statement, database.command), parameters)
                except ProvgraphError as error:
                    failure.append(error)
                    raise

            self._writer = threading.get_ident()
            database.begin()
            try:
                result = work(run)
                if failure:  # half a statement may have been done; nothing may come of it, even if `work` went on
                    raise failure[0]
                if keep:
                    database.commit()
                else:
                    database.rollback()
            except BaseException as error:  # Ctrl-C too must leave no open transaction
                if database.is_transaction_active():
                    database.rollback()
                if isinstance(error, self._arcadedb.ArcadeDBError):
                    raise ProvgraphError(
                        f"The graph in {self.directory} could not commit: {error}", code="commit_failed"
                    ) from error
                raise
            finally:
                self._writer = None
            return result

    def _runner(self, statement: Statement, call: Callable[..., Any]) -> RunText:
        def run_text(text: str, parameters: dict[str, Any]) -> Rows:
            try:
                result = call("opencypher", text, parameters) if parameters else call("opencypher", text)
                rows: list[Row] = result.to_list()
            except self._arcadedb.ArcadeDBError as error:
                raise statement_failed(statement, error) from error
            for value in rows[0].values() if rows else ():
                if type(value) is dict and "@rid" in value:
                    raise statement_failed(statement, f"a {value['@type']} does not leave the graph; return properties")
            return rows

        return run_text


def is_locked(directory: Path) -> bool:
    """Whether another process has a graph open; False where that cannot be told without opening it.

    Opening would tell too, but the engine writes before it looks at its lock: files of ours in the graph of another user.
    Not for a graph that this process has open: it would give up its own lock.
    """
    try:
        import fcntl

        file = (directory / "database.lck").open("r+b")
    except (ImportError, OSError):
        return False
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _unwritable(directory: Path) -> Path | None:
    """The directory that has to be written in and cannot be; None where writing is not the trouble."""
    there = next(p for p in (directory, *directory.absolute().parents) if p.is_dir())
    if not os.access(there, os.W_OK | os.X_OK):
        return there
    if there == directory and not all(os.access(file, os.R_OK | os.W_OK) for file in directory.iterdir()):
        return there
    return None


def import_arcadedb() -> Any:
    """The package, its log kept out of the working directory and off the console."""
    import platformdirs

    os.environ.setdefault("ARCADEDB_LOG_DIR", str(Path(platformdirs.user_log_dir("provgraph")) / "graph"))
    os.environ.setdefault("ARCADEDB_LOG_CONSOLE", "0")
    given = os.environ.get("ARCADEDB_NATIVE_ISOLATE_ARGS", "")
    if _PAGES not in given:
        os.environ["ARCADEDB_NATIVE_ISOLATE_ARGS"] = f"{given} {_PAGES}={PAGES}".strip()
    try:
        import arcadedb
    except ImportError as error:
        raise GraphUnavailable(
            "The embedded graph engine is not installed on this platform: "
            "pip install arcadedb, or name a Neo4j server in PROVGRAPH_GRAPH.",
            code="engine_missing",
        ) from error
    return arcadedb


# The engines of this process, and whether it is a forked child of one that had any. The engine's threads are not in a
# child: it must never touch what it inherited, not even to close it, which would write to the parent's files.
_opened: weakref.WeakSet[EmbeddedEngine] = weakref.WeakSet()
_used = False
forked = False


def _after_fork() -> None:
    global forked
    forked = _used
    for engine in list(_opened):
        engine._closed = True
        engine._database._closed = True  # what its finaliser asks


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
