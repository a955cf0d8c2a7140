"""The transient copy of a plan in a scratch graph, and the scratch graphs of this process."""

from __future__ import annotations

import atexit
import itertools
import os
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from provgraph import names
from provgraph.bulk import processes
from provgraph.errors import GraphUnavailable
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine, Rows, Run
from provgraph.graph.statements import Statement
from provgraph.rewrite.plan import FILTER_SOURCES, Plan, Step, normal_criterion

T = TypeVar("T")

LAID_OUT = ""  # the round of the steps that were there before any rule
_PREFIX = "provgraph-scratch-"
_MARK = re.compile(r"[0-9a-f]{8}\.\d+\.\d+")
_ROOM = "/dev/shm"  # what is thrown away need not reach a disk
_plans = itertools.count(1)


class Transient:
    """A plan as `(:Step)` nodes inside one transaction, under its own plan id, counting statements.

    A Step holds the fields of `plan.Step` but for the dependencies, which are edges: `PARENT {index}`, `SOURCES`,
    `EXCEPT`. `inputs` holds what a criterion reads, too. `round` is '' or the round that made the step.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: dict[str, Any] = {}  # of a redirection that goes with the next statement
        self.plan_id = f"{os.getpid()}-{next(_plans)}"
        self.statements = 0

    def run(self, statement: Statement, **parameters: Any) -> Rows:
        self.statements += len(statement.parts)
        return self._run(statement, plan=self.plan_id, **parameters)

    def lay_out(self, plan: Plan) -> None:
        """Create all steps and edges of a plan."""
        rows = [_row(step) for step in plan]
        self.run(statements.load("queries/steps_create"), rows=rows)
        for relation, dependencies in _edges(plan).items():
            if dependencies:
                self.run(statements.load("queries/steps_connect", relation=relation), rows=dependencies)

    def read(self, rounds: Sequence[str]) -> dict[str, Step]:
        """The steps that these rounds made, with their dependencies."""
        self._redirect()
        return _steps(self.run(statements.load("queries/steps_made"), rounds=list(rounds)))

    def apply(
        self, rule: Statement, reading: Statement | None, absent: Collection[str], **parameters: Any
    ) -> tuple[Rows, dict[str, Step]]:
        """Run a rule: rows {replaced, replacement}, and the steps that it made.

        reading : the rule together with reading what it made, where there is such a statement. Further parts of a rule only
        complete what the first made, and need not be asked of edges that are `absent`.
        """
        if reading is not None:
            if self._open:
                reading, parameters = _after_redirecting(reading), {**parameters, **self._open}
                self._open = {}
            found = self.run(reading, **parameters)
            made = (row for row in found if row["properties"])
            return (found[0]["pairs"] if found else []), _steps(made)
        self._redirect()
        rows = self.run(_part(rule, 0), **parameters)
        if not rows:
            return [], {}
        for n in range(1, len(rule.parts)):
            if not any(f"-[:{relation}]->(source" in rule.parts[n].partition("MERGE")[0] for relation in absent):
                self.run(_part(rule, n), **parameters)
        return rows, self.read([parameters["round"]])

    def redirect(self, replacements: Mapping[str, str], dropped: Iterable[str]) -> None:
        """Let everything that depends on a replaced step depend on its replacement, and remove some steps.

        Done before anything else is asked, if possible in the same round trip.
        """
        self._redirect()
        pairs = [{"replaced": old, "replacement": new} for old, new in replacements.items()]
        self._open = {"pairs": pairs, "dropped": sorted(dropped)}

    def _redirect(self) -> None:
        if self._open:
            self.run(statements.load("queries/steps_redirect"), **self._open)
            self._open = {}

    def drop(self, steps: Iterable[str]) -> None:
        self.run(statements.load("queries/steps_drop"), ids=sorted(steps))


def on(engine: GraphEngine | None, work: Callable[[Transient], T]) -> T:
    """Do `work` on a scratch graph and leave nothing behind.

    engine : whose `scratch` to use; None for a graph of this process, kept warm and used again.

    Raises
    ------
    GraphUnavailable : ``engine_missing`` when there is no engine to make one with.
    """
    if engine is not None:
        return engine.scratch(lambda run: work(Transient(run)))
    with _Borrowed() as own:
        return own.scratch(lambda run: work(Transient(run)))


def place(served: GraphEngine) -> GraphEngine | None:
    """Where plans are rewritten: None, for the process's own scratch graphs, or `served` where there can be none."""
    return None if can_embed() else served


@cache
def can_embed() -> bool:
    """Whether the embedded engine is installed."""
    try:
        with _Borrowed():
            return True
    except GraphUnavailable as error:
        if error.code == "engine_missing":
            return False
        raise


@cache
def _part(statement: Statement, number: int) -> Statement:
    return Statement(statement.name, (statement.parts[number],), statement.header)


@cache
def _after_redirecting(rule: Statement) -> Statement:
    redirect = statements.load("queries/steps_redirect")
    text = f"{redirect.text}\nWITH count(*) AS redirecting\n{rule.text}"
    return Statement(f"{rule.name} after redirecting", (text,), rule.header)


# -- the pool ----------------------------------------------------------------------------------------------------------

_idle: queue.LifoQueue[GraphEngine] = queue.LifoQueue()
_guard = threading.Lock()
_made: list[GraphEngine] = []
_owner = os.getpid()


class _Borrowed:
    """A scratch graph of this process, for one thread at a time; as many as threads that rewrite at once, at most one a core."""

    def __enter__(self) -> GraphEngine:
        _forget_parent()
        with suppress(queue.Empty):
            self.engine = _idle.get_nowait()
            return self.engine
        with _guard:
            fresh = _make() if len(_made) < (os.cpu_count() or 1) else None
            if fresh is not None:
                _made.append(fresh)
        self.engine = fresh if fresh is not None else _idle.get()
        return self.engine

    def __exit__(self, *_: object) -> None:
        _idle.put(self.engine)


def _make() -> GraphEngine:
    from provgraph.graph.embedded import EmbeddedEngine

    room = _ROOM if os.access(_ROOM, os.W_OK) else tempfile.gettempdir()
    _remove_what_killed_processes_left(Path(room))
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{processes.mark()}-", dir=room))
    try:
        engine = EmbeddedEngine(directory / "graph", durable=False)
        # Labels and edge types exist once something was written with them; otherwise each plan pays for it.
        engine.write(lambda run: _make_types(Transient(run)))
        engine.write(lambda run: run(statements.load("schema/steps_index")))
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    atexit.register(_discard, engine, directory, os.getpid())
    return engine


def _remove_what_killed_processes_left(room: Path) -> None:
    for left in room.glob(f"{_PREFIX}*-*"):
        mark = left.name.removeprefix(_PREFIX).partition("-")[0]
        if _MARK.fullmatch(mark) and processes.is_gone(mark):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays: it cannot be removed


def _make_types(copy: Transient) -> None:
    copy.lay_out(_EXAMPLE)
    copy.drop(_EXAMPLE.steps.keys())


def _discard(engine: GraphEngine, directory: Path, owner: int) -> None:
    if owner == os.getpid():  # not in a forked child
        with suppress(Exception):
            engine.close()
        shutil.rmtree(directory, ignore_errors=True)


def _forget_parent() -> None:
    """An engine does not survive a fork: a child begins with an empty pool."""
    global _idle, _guard, _made, _owner
    if _owner != os.getpid():
        _idle, _guard, _made, _owner = queue.LifoQueue(), threading.Lock(), [], os.getpid()


_EXAMPLE = Plan("c", {s.id: s for s in (
    Step("a", "External"), Step("b", "SelectSources", ("a",), sources=("a",), without=("a",)), Step("c", "Pass", ("b",)),
)})  # fmt: skip


# -- rows --------------------------------------------------------------------------------------------------------------


def _row(step: Step) -> dict[str, Any]:
    return {
        "id": step.id, "operator": step.operator, "names": list(step.names), "origins": list(step.origins),
        "criterion": step.criterion, "definition": step.definition, "inputs": list(step.reads),
        "parameters": step.parameters, "whole_catalog": step.whole_catalog, "source_list": step.source_list,
        "atoms": list(step.atoms), "lineage_key": step.lineage_key, "stored": list(step.stored),
        "old": list(step.old), "new": list(step.new), "policy": step.policy, "relabelling": step.relabelling,
        "injective": step.injective, "strict": step.strict,
    }  # fmt: skip


def _edges(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    def edges(step: Step, dependencies: Iterable[str]) -> list[dict[str, Any]]:
        return [{"step": step.id, "dependency": d, "index": i} for i, d in enumerate(dependencies)]

    return {
        names.PARENT: [e for s in plan for e in edges(s, s.parents)],
        names.SOURCES: [e for s in plan for e in edges(s, s.sources)],
        names.EXCEPT: [e for s in plan for e in edges(s, s.without)],
    }


def _steps(rows: Iterable[Mapping[str, Any]]) -> dict[str, Step]:
    steps = (_step(row["properties"], row["dependencies"]) for row in rows)
    return {step.id: step for step in sorted(steps, key=lambda s: s.id)}


def _step(properties: Mapping[str, Any], edges: Sequence[Mapping[str, Any]]) -> Step:
    def texts(key: str) -> tuple[str, ...]:
        return tuple(properties.get(key) or ())

    def dependencies(relation: str) -> tuple[str, ...]:
        found = sorted((e["index"] or 0, e["id"]) for e in edges if e["relation"] == relation)
        return tuple(name for _, name in found)

    operator = properties["operator"]
    criterion = properties.get("criterion") or ""
    return Step(
        properties["id"], operator, dependencies(names.PARENT), texts("names"), texts("origins"),
        criterion=normal_criterion(criterion) if criterion else "",
        definition=properties.get("definition") or "",
        inputs=() if operator == FILTER_SOURCES else texts("inputs"),
        parameters=properties.get("parameters") or "",
        sources=tuple(sorted(set(dependencies(names.SOURCES)))),
        without=tuple(sorted(set(dependencies(names.EXCEPT)))),
        source_list=properties.get("source_list") or "",
        atoms=texts("atoms"), lineage_key=properties.get("lineage_key") or "", stored=texts("stored"),
        whole_catalog=bool(properties.get("whole_catalog")), old=texts("old"), new=texts("new"),
        policy=properties.get("policy") or "", relabelling=properties.get("relabelling") or "",
        injective=bool(properties.get("injective")), strict=bool(properties.get("strict")),
    )  # fmt: skip
