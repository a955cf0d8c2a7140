"""External programs: one activity with the executable, its command line and configuration, files in and out, and how it ended."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from provgraph.errors import InvalidInput, NotFound, ProgramFailed, UsageError
from provgraph.graph.mapper import Batch
from provgraph.schema import calls
from provgraph.schema.calls import Function
from provgraph.schema.files import CodeVersion, DataFile
from provgraph.schema.objects import DBObject
from provgraph.schema.target import Parameters
from provgraph.trace import calls as traced

KEPT = 64 * 1024  # characters of what a program said on stderr that are recorded
_VERSION_SECONDS = 5.0


@dataclass(frozen=True)
class Finished:
    """A program that has ended: `status` 0 for success, what it wrote, and its output files as objects."""

    status: int
    stdout: str
    stderr: str
    outputs: tuple[DataFile, ...]
    activity: str


def run_program(arguments: Sequence[str | os.PathLike[str]], *, config: Parameters | None = None,
                inputs: Iterable[str | os.PathLike[str] | DBObject] = (), outputs: Iterable[str | os.PathLike[str]] = (),
                cwd: str | os.PathLike[str] | None = None, env: Mapping[str, str] | None = None,
                timeout: float | None = None, check: bool = True, secrets: Iterable[str] = ()) -> Finished:  # fmt: skip
    """Run an external program and record it in the survey that is in use (data lineage paper, section 4.2).

    arguments : the command line. config : the configuration that it was written from, defaults included. inputs : files or
    objects it reads; files are known by the digest of their bytes. outputs : files it writes; they must be there afterwards.
    secrets : values that are not recorded where they occur in the command line. timeout [s]. check : a status other than 0 is
    an error; False returns it.

    Raises
    ------
    NotFound : ``program_missing``. ProgramFailed : ``program_failed``, ``program_timeout``, ``output_missing``; all are recorded.
    """
    survey = calls.survey_in_use()
    if survey is None:
        raise UsageError("No survey is in use; run programs inside 'with survey:' or in a make().", code="no_survey")
    told = [os.fspath(a) for a in arguments]
    if not told or not all(isinstance(a, str) for a in told):
        raise InvalidInput("A command line is a list of texts, the program first.", code="wrong_type")
    folder = Path(cwd) if cwd is not None else Path.cwd()
    path = shutil.which(told[0], path=(env or os.environ).get("PATH"))
    if path is None:
        raise NotFound(f"The program {told[0]!r} is not found; install it, or say its path.", code="program_missing")
    program = _program(path)
    hidden = tuple(secrets)
    read = [("input", i if isinstance(i, DBObject) else data_file(folder / i)) for i in inputs]
    name = Path(told[0]).name
    function = Function("Program", name, run_program, False, ("arguments", "cwd"), {}, 2, "", "", frozenset())
    call = survey.tracer.hold(function, [_without(a, hidden) for a in told], str(cwd) if cwd is not None else "")
    call.used += [(role, one) for role, one in read]
    if config is not None:
        call.used.append(("config", config))
    call.plan = program
    result: dict[str, Any] = {}
    made: list[DataFile] = []
    error: ProgramFailed | None = None
    try:
        try:
            with calls.inside(call):
                done = subprocess.run(told, cwd=folder, env=dict(env) if env is not None else None, capture_output=True,
                                      timeout=timeout, check=False)  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise ProgramFailed(f"{name} did not end within {timeout:g} s.", code="program_timeout") from late
        said = done.stderr.decode("utf-8", "replace")
        result = {"status": done.returncode, "stderr": _without(said[-KEPT:], hidden)}
        if done.returncode and check:
            last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
            raise ProgramFailed(f"{name} ended with status {done.returncode}: {last}", code="program_failed", **result)
        for output in outputs:
            if not (folder / output).is_file():
                raise ProgramFailed(f"{name} ended, and did not write {output}.", code="output_missing", **result)
            made.append(data_file(folder / output))
    except ProgramFailed as failed:
        error = failed
        survey.tracer.fail(call, failed)
    except BaseException as interrupted:
        survey.tracer.fail(call, interrupted)
        _store(survey, call, read, config, [])
        raise
    else:
        survey.tracer.end(call, result)
    call.generated += [("output", one) for one in made]
    _store(survey, call, read, config, made)
    if error is not None:
        raise error
    return Finished(done.returncode, done.stdout.decode("utf-8", "replace"), said, tuple(made), call.call_id)


def data_file(path: Path) -> DataFile:
    """A file as it is now, by the digest of its bytes."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", code="file_missing", path=str(path)) from error
    return DataFile(digest=f"sha256:{digest}", name=path.name, size=size, format=path.suffix.lstrip("."))


def _store(survey: Any, call: Any, read: Sequence[tuple[str, DBObject]], config: Parameters | None,
           made: Sequence[DataFile]) -> None:  # fmt: skip
    batch = Batch()
    batch.add(*(one for _, one in read), *([config] if config is not None else []), *made)
    some = survey.tracer.take(call)
    traced.add(batch, some, survey.mapper)
    survey.store_batch(batch)
    survey.tracer.written(some)


def _program(path: str) -> CodeVersion:
    """An executable by the digest of its file, and what it calls its version."""
    digest, version = _identity(path, Path(path).stat().st_mtime_ns)
    return CodeVersion(name=Path(path).name, module="program", digest=digest, text=version)


@lru_cache(maxsize=64)
def _identity(path: str, mtime_ns: int) -> tuple[str, str]:
    with Path(path).resolve().open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    version = ""
    for option in ("--version", "-version", "-v"):
        try:
            said = subprocess.run([path, option], capture_output=True, timeout=_VERSION_SECONDS, check=False,
                                  stdin=subprocess.DEVNULL)  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            continue
        text = (said.stdout or said.stderr).decode("utf-8", "replace").strip()
        if said.returncode == 0 and text:
            version = text.splitlines()[0][:200]
            break
    return f"sha256:{digest}", version


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "(secret)")
    return text
