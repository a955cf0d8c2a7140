"""Opening a survey: its directory, its graph, and the check that they belong together."""

from __future__ import annotations

import os
import tomllib
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from provgraph.calculators import Limits
from provgraph.config import Settings, parse_seconds
from provgraph.errors import GraphUnavailable, NotFound, StorageError, WrongSurvey
from provgraph.graph import setup, statements
from provgraph.graph.engine import GraphEngine
from provgraph.policy import Context
from provgraph.resolver import bounded
from provgraph.resolver.bounded import parse_memory
from provgraph.resolver.migrations import MIGRATIONS
from provgraph.schema import keys
from provgraph.survey import Survey

SURVEY_FILE = "survey.toml"
EMBEDDED = "embedded"


def open(directory: str | os.PathLike[str], *, graph: str = "", auth: tuple[str, str] | None = None,
         create: bool = True, context: Context | None = None, memory: str | int | None = None,
         calculator_seconds: float | None = None, calculator_memory: str | int | None = None) -> Survey:  # fmt: skip
    """Open the survey in a directory; one that is not there yet is made (``create=False``: is an error).

    graph : '' for the one it was made with, ``PROVGRAPH_GRAPH``, or embedded; else a ``bolt://`` or ``neo4j://`` address.
    auth : user and password of the served graph, else ``PROVGRAPH_GRAPH_AUTH``.
    memory : what one processing may take, such as ``"1GiB"``, else ``PROVGRAPH_MEMORY``, else as much as it needs.
    calculator_seconds, calculator_memory : what code of others, functions of packages and models, may take in one call; it then
    runs in a process of its own. Else ``PROVGRAPH_CALCULATOR_SECONDS``, ``PROVGRAPH_CALCULATOR_MEMORY``, else no limit.

    Raises
    ------
    NotFound : no survey there, and `create` is False.
    GraphUnavailable : the served graph cannot be reached, or refuses us.
    WrongSurvey, SchemaTooNew, SurveyLocked : see `provgraph.errors`.
    """
    path = Path(directory).expanduser().absolute()
    settings = Settings.from_environment()
    allowed = memory if memory is not None else settings.memory
    seconds = parse_seconds(str(calculator_seconds)) if calculator_seconds is not None else settings.calculator_seconds
    room = calculator_memory if calculator_memory is not None else settings.calculator_memory
    limits = Limits(seconds, None if room is None else parse_memory(room))
    budget = None if allowed is None else parse_memory(allowed)
    found = _read(path)
    if found is None and not create:
        raise NotFound(
            f"There is no survey in {path}; make one with 'provgraph init {directory}', or give --survey.",
            code="survey_missing", path=str(path),
        )  # fmt: skip
    recorded = str(found["graph"]) if found else ""
    address = graph or os.environ.get("PROVGRAPH_GRAPH", "") or recorded or EMBEDDED
    if found and (address == EMBEDDED) != (recorded == EMBEDDED):
        here, there = (recorded, address) if recorded != EMBEDDED else ("the embedded engine", address)
        raise WrongSurvey(
            f"The survey in {path} keeps its graph in {here}, not in {there}; open it without graph= "
            "(and without PROVGRAPH_GRAPH).", path=str(path),
        )  # fmt: skip
    if found and address == EMBEDDED and not (path / "graph").is_dir():
        raise _graph_gone(path, f"{path / 'graph'} is not there")
    new = not path.exists()
    if found is None and address == EMBEDDED:
        _make_directory(path)
    engine, scratch = _engine(path, address, auth)  # a server that does not answer leaves no directory behind
    try:
        if found is None:
            _make_directory(path)
        survey_id = _settle(path, engine, found, address)
        survey = Survey(
            path, survey_id, engine, context=context, scratch=scratch, memory=budget, calculator_limits=limits
        )
        bounded.clean(path / "scratch")
        survey.intents.recover(survey.store_, lambda: [r["file"] for r in survey.mapper.read("segment_files")])
    except BaseException:
        engine.close()
        if found is None and not (path / SURVEY_FILE).exists():
            for part in (path / "segments", path / "spool", *([path] if new else [])):
                with suppress(OSError):
                    part.rmdir()
        raise
    return survey


def _graph_gone(path: Path, why: str) -> GraphUnavailable:
    return GraphUnavailable(
        f"The graph of the survey in {path} is gone ({why}), and with it what its stored values are; put it back from a backup, "
        "or start a new survey in another directory.", code="graph_missing", path=str(path),
    )  # fmt: skip


def find(start: str | os.PathLike[str] = ".") -> Path:
    """The survey a directory lies in, looked for upwards like a git repository."""
    here = Path(start).expanduser().absolute()
    for candidate in (here, *here.parents):
        if (candidate / SURVEY_FILE).is_file():
            return candidate
    raise NotFound(
        f"There is no survey in {here} or above it; make one with 'provgraph init DIR', or name one with --survey DIR "
        "or PROVGRAPH_SURVEY.", code="survey_missing", path=str(here),
    )  # fmt: skip


def _read(path: Path) -> dict[str, Any] | None:
    file = path / SURVEY_FILE
    if not file.is_file():
        return None
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
        return {"survey_id": str(found["survey_id"]), "graph": str(found.get("graph", EMBEDDED))}
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise NotFound(f"{file} is damaged ({error}); put it back from a backup.", code="survey_damaged") from None


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "segments").mkdir(exist_ok=True)
        (path / "spool").mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path} cannot be made: {error.strerror}.", code="directory_unusable") from None


def _engine(path: Path, address: str, auth: tuple[str, str] | None) -> tuple[GraphEngine, GraphEngine | None]:
    """The engine, and the one to rewrite on where no embedded engine can do it in scratch space."""
    if address == EMBEDDED:
        from provgraph.graph.shared import open_embedded

        return open_embedded(path / "graph"), None
    from provgraph.graph.neo4j import Neo4jEngine
    from provgraph.rewrite.transient import place

    settings = Settings.from_environment()
    served = Neo4jEngine(address, auth or settings.graph_auth, settings.graph_database)
    return served, place(served)


def _settle(path: Path, engine: GraphEngine, found: dict[str, Any] | None, address: str) -> str:
    """Directory and graph agree on the survey. A new one is written down first: a kill leaves nothing half made."""
    if found is not None:
        if not engine.read(statements.load("schema/survey")) and any((path / "segments").glob("??/*.h5")):
            raise _graph_gone(path, f"the one at {address} is empty")
        return setup.prepare(engine, found["survey_id"], MIGRATIONS)
    survey_id = str(uuid.uuid4())
    _write(path / SURVEY_FILE, (
        "# A provgraph survey: this directory and its graph belong together.\n"
        f'survey_id = "{survey_id}"\ncreated = "{keys.now()}"\ngraph = "{address}"\n'
    ))  # fmt: skip
    try:
        return setup.prepare(engine, survey_id, MIGRATIONS)
    except WrongSurvey as error:
        (path / SURVEY_FILE).unlink()
        raise WrongSurvey(
            f"The graph at {address} holds another survey ({error.details.get('graph')}) than the new directory {path}; "
            "one database holds one survey.", graph=error.details.get("graph"),
        ) from None  # fmt: skip


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
