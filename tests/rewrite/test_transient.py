from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provgraph.errors import GraphUnavailable
from provgraph.graph.statements import Statement
from provgraph.rewrite import notation, transient
from provgraph.rewrite.strategy import optimise, warm_up
from provgraph.rewrite.transient import LAID_OUT, Transient
from tests.rewrite.test_strategy import FIG_2A

PLAN = notation.parse("""
A = External(id, ra, redshift)
F = FilterSources(A, redshift < 0.1)
B = AttributeCalculator(A, whole rank(ra; {"k": 1}) -> place)
C = ConcatenateAttributes(B, A)
S = SelectSources(C, F, except B, list few)
""")
COUNT = Statement("count", ("MATCH (s:Step) RETURN count(s) AS n",))


def test_out_as_in(scratch: Any) -> None:
    def work(copy: Transient) -> Any:
        copy.lay_out(PLAN)
        return copy.read([LAID_OUT])

    assert transient.on(scratch, work) == dict(PLAN.steps)


def test_nothing_stays(scratch: Any) -> None:
    def laid_out(copy: Transient) -> int:
        copy.lay_out(PLAN)
        return int(copy.run(COUNT)[0]["n"])

    def left(copy: Transient) -> int:
        return int(copy.run(COUNT)[0]["n"])

    assert transient.on(scratch, laid_out) == len(PLAN)
    assert transient.on(scratch, left) == 0


def test_nothing_stays_of_what_fails(scratch: Any) -> None:
    def fails(copy: Transient) -> None:
        copy.lay_out(PLAN)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transient.on(scratch, fails)
    assert transient.on(scratch, lambda copy: copy.run(COUNT)[0]["n"]) == 0


@pytest.mark.embedded
def test_threads_rewrite_at_once() -> None:
    plain = notation.parse(FIG_2A)
    alone = optimise(plain).plan
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: optimise(plain).plan, range(24)))
    assert all(plan == alone for plan in found)


@pytest.mark.embedded
def test_graphs_are_used_again() -> None:
    optimise(PLAN)
    before = len(transient._made)
    for _ in range(3):
        optimise(PLAN)
    assert len(transient._made) == before
    assert before <= (os.cpu_count() or 1)


@pytest.mark.embedded
def test_a_graph_is_for_one_thread_at_a_time() -> None:
    inside: set[int] = set()
    guard = threading.Lock()

    def work(_: int) -> None:
        with transient._Borrowed() as engine, guard:
            assert id(engine) not in inside
            inside.add(id(engine))
        with guard:
            inside.discard(id(engine))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(50)))


@pytest.mark.embedded
def test_no_directory_is_left_behind() -> None:
    program = """
from provgraph.rewrite import strategy, transient
strategy.warm_up()
print(transient._made[0].directory.parent)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    directory = done.stdout.strip().splitlines()[-1]
    assert "provgraph-scratch-" in directory
    assert not os.path.exists(directory)


@pytest.mark.embedded
def test_what_a_killed_process_left_is_removed_by_the_next() -> None:
    program = """
from provgraph.rewrite import strategy, transient
strategy.warm_up()
print(transient._made[0].directory.parent, flush=True)
import os, signal
if {die}: os.kill(os.getpid(), signal.SIGKILL)
"""

    def run(die: bool) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program.format(die=die)], capture_output=True, text=True, check=False
        )
        return done.stdout.strip().splitlines()[-1]

    left = run(die=True)
    assert os.path.exists(left)
    run(die=False)
    assert not os.path.exists(left)


def test_without_the_embedded_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise GraphUnavailable("not installed", code="engine_missing")

    served: Any = object()
    monkeypatch.setattr(transient, "_make", missing)
    monkeypatch.setattr(transient, "_idle", type(transient._idle)())
    monkeypatch.setattr(transient, "_made", [])
    transient.can_embed.cache_clear()
    try:
        assert transient.place(served) is served
        with pytest.raises(GraphUnavailable):
            optimise(PLAN)
        warm_up()
    finally:
        transient.can_embed.cache_clear()


@pytest.mark.embedded
def test_with_the_embedded_engine() -> None:
    served: Any = object()
    assert transient.place(served) is None
