"""Calls in threads and child processes: they belong to the call that started them.

While a survey is in use, what starts threads, tasks of pools and processes of `multiprocessing` carries the running call along.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing.process
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final

from provgraph.schema import calls
from provgraph.trace.calls import Foreign, Tracer

VARIABLE: Final = "PROVGRAPH_CALL"
_installed = False
_lock = threading.Lock()


def install() -> None:
    """Once in a process, when the first survey is used."""
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
    _carry_to_threads()
    _carry_to_pools()
    _carry_to_processes()


def _is_on() -> bool:
    return calls.running() is not None or calls.survey_in_use() is not None


def _carry_to_threads() -> None:
    start = threading.Thread.start

    def carrying(thread: threading.Thread) -> None:
        if _is_on() and not getattr(thread, "_provgraph", False):
            run, context = thread.run, copy_context()
            thread.run = lambda: context.run(run)  # type: ignore[method-assign]
        start(thread)

    threading.Thread.start = carrying  # type: ignore[method-assign,assignment]


def _carry_to_pools() -> None:
    in_thread = concurrent.futures.ThreadPoolExecutor.submit
    in_process = concurrent.futures.ProcessPoolExecutor.submit

    def submit_thread(pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if _is_on():
            return in_thread(pool, copy_context().run, function, *args, **kwargs)
        return in_thread(pool, function, *args, **kwargs)

    def submit_process(pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if (told := _told()) is not None:
            with _in_environment(told):  # a pool starts its processes when it is first given something
                return in_process(pool, _InChild(function, told), *args, **kwargs)
        return in_process(pool, function, *args, **kwargs)

    concurrent.futures.ThreadPoolExecutor.submit = submit_thread  # type: ignore[method-assign,assignment]
    concurrent.futures.ProcessPoolExecutor.submit = submit_process  # type: ignore[method-assign,assignment]


def _carry_to_processes() -> None:
    start = multiprocessing.process.BaseProcess.start

    def carrying(process: Any) -> None:
        told = _told()
        if told is None:
            start(process)
            return
        with _in_environment(told):
            start(process)

    multiprocessing.process.BaseProcess.start = carrying  # type: ignore[method-assign,assignment]


def _told() -> str | None:
    """What a child has to know: where the spool is, and which call it is started in."""
    survey, call = calls.survey_in_use(), calls.running()
    if survey is None:
        return None
    return json.dumps({"spool": str(survey.tracer.directory), "call": call.call_id if call is not None else ""})


@contextmanager
def _in_environment(told: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = told
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


class _InChild:
    """A task of a pool of processes, with the call that it belongs to."""

    def __init__(self, function: Callable[..., Any], told: str) -> None:
        self.function, self.told = function, told

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        home, call = _elsewhere(self.told)
        with calls.using(home), calls.inside(call):
            return self.function(*args, **kwargs)


class Elsewhere:
    """The survey of a parent process, as far as a child needs it: calls go to a spool of its own, which the parent reads."""

    is_closed = False

    def __init__(self, directory: Path) -> None:
        self.tracer = Tracer.only_spooling(directory)


_homes: dict[tuple[str, int], Elsewhere] = {}


def _elsewhere(told: str) -> tuple[Elsewhere, Foreign | None]:
    found = json.loads(told)
    home = _homes.setdefault((found["spool"], os.getpid()), Elsewhere(Path(found["spool"])))
    return home, Foreign(found["call"]) if found["call"] else None


def from_environment() -> bool:
    """In a child process that was started inside a survey: its calls belong there from now on."""
    told = os.environ.get(VARIABLE)
    if not told or calls.survey_in_use() is not None:
        return False
    home, call = _elsewhere(told)
    calls.enter(home, call)
    return True
