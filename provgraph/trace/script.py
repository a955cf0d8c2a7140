"""Ad-hoc scripts: one activity with the digest of the script and its arguments; the calls in it are below."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from provgraph.errors import NotFound
from provgraph.graph.mapper import Batch
from provgraph.schema import calls
from provgraph.schema.calls import Function
from provgraph.schema.files import CodeVersion, DataFile
from provgraph.trace import calls as traced
from provgraph.trace.programs import data_file

MOST_FILES = 1000


def run_script(survey: Any, script: Path, arguments: Sequence[str]) -> int:
    """Run a Python script as the main program, recorded in `survey`; its exit status.

    Files that it opens by name are inputs, or outputs where they are written; those of Python itself and of packages are not.
    """
    if not script.is_file():
        raise NotFound(f"There is no script {script}.", code="script_missing", path=str(script))
    source = data_file(script)
    function = Function("Script", script.name, run_script, False, ("script", "arguments"), {}, 2, "", "", frozenset())
    status = 0
    with calls.using(survey), _as_main(script, arguments), _watching() as (read, written):
        call = survey.tracer.hold(function, str(script), list(arguments))
        call.used.append(("script", source))
        call.plan = CodeVersion(name=script.name, module="script", digest=source.digest,
                                text=script.read_text(encoding="utf-8", errors="replace")[:65536])  # fmt: skip
        try:
            with calls.inside(call):
                runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if status and not isinstance(end.code, int):
                print(end.code, file=sys.stderr)
            survey.tracer.end(call, {"status": status})
        except BaseException as error:
            survey.tracer.fail(call, error)
            if not isinstance(error, Exception):
                _store(survey, call, read, written)
                raise
            _show(error)
            status = 1  # as Python itself ends
        else:
            survey.tracer.end(call, {"status": 0})
    _store(survey, call, read, written)
    return status


def _show(error: Exception) -> None:
    """What Python says of an exception, from the script on."""
    below = error.__traceback__
    while below is not None and Path(below.tb_frame.f_code.co_filename).name in (
        "script.py",
        "<frozen runpy>",
        "runpy.py",
    ):
        below = below.tb_next
    traceback.print_exception(error.with_traceback(below))


def _store(survey: Any, call: Any, read: Sequence[Path], written: Sequence[Path]) -> None:
    batch = Batch()
    made: list[tuple[str, DataFile]] = []
    for role, paths, found in (("input", read, call.used), ("output", written, made)):
        for path in list(dict.fromkeys(paths))[:MOST_FILES]:
            if path.is_file():
                found.append((role, data_file(path)))
    call.generated += made
    batch.add(*(one for _, one in call.used), *(one for _, one in made))
    some = survey.tracer.take(call)
    traced.add(batch, some, survey.mapper)
    survey.store_batch(batch)
    survey.tracer.written(some)


@contextmanager
def _as_main(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


@contextmanager
def _watching() -> Iterator[tuple[list[Path], list[Path]]]:
    """Paths that Python opens by name, to read and to write; not those of Python itself, of packages, and of surveys."""
    read: list[Path] = []
    written: list[Path] = []
    ours = tuple({sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)})

    def opened(file: Any, mode: str | None, flags: int) -> None:
        if isinstance(file, str | os.PathLike):
            path = Path(os.path.abspath(os.fspath(file)))
            if (
                path.suffix not in _CODE
                and not str(path).startswith(ours)
                and not any(_is_survey(p) for p in path.parents)
            ):
                writes = any(m in mode for m in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
                (written if writes else read).append(path)

    global _watched
    if _watched is None:  # a hook can be given to Python, never taken back
        sys.addaudithook(_heard)
    _watched = opened
    try:
        yield read, written
    finally:
        _watched = _nobody


_CODE = frozenset({".py", ".pyc", ".so", ".pyd", ".dll"})
_watched: Callable[[Any, str | None, int], None] | None = None


def _nobody(file: Any, mode: str | None, flags: int) -> None:
    return None


def _heard(event: str, given: tuple[Any, ...]) -> None:
    if event == "open" and _watched is not _nobody and _watched is not None:
        _watched(*given)


@cache
def _is_survey(folder: Path) -> bool:
    return os.path.exists(folder / "survey.toml")
