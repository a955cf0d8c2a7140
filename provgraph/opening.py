"""Opening a survey: its directory, its graph, and the check that they belong together."""

from __future__ import annotations

import json
import os
import tomllib
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from provgraph.calculators import Limits
from provgraph.config import Settings, parse_seconds
from provgraph.errors import GraphUnavailable, InvalidInput, NotFound, StorageError, WrongSurvey
from provgraph.graph import setup, statements
from provgraph.graph.engine import GraphEngine
from provgraph.policy import Context
from provgraph.resolver import bounded
from provgraph.resolver.bounded import parse_memory
from provgraph.resolver.migrations import MIGRATIONS
from provgraph.schema import keys
from provgraph.store.cache import LIMIT, Cache
from provgraph.store.files import FileStore
from provgraph.store.places import CACHE, DEFAULT_PLACE, split
from provgraph.survey import Survey

SURVEY_FILE = "survey.toml"
EMBEDDED = "embedded"


def open(directory: str | os.PathLike[str], *, graph: str = "", auth: tuple[str, str] | None = None,
         create: bool = True, context: Context | None = None, memory: str | int | None = None,
         calculator_seconds: float | None = None, calculator_memory: str | int | None = None,
         store: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
         cache_size: str | int | None = None) -> Survey:  # fmt: skip
    """Open the survey in a directory; one that is not there yet is made (``create=False``: is an error).

    graph : '' for the one it was made with, ``PROVGRAPH_GRAPH``, or embedded; else a ``bolt://`` or ``neo4j://`` address.
    auth : user and password of the served graph, else ``PROVGRAPH_GRAPH_AUTH``.
    memory : what one processing may take, such as ``"1GiB"``, else ``PROVGRAPH_MEMORY``, else as much as it needs.
    calculator_seconds, calculator_memory : what code of others, functions of packages and models, may take in one call; it then
    runs in a process of its own. Else ``PROVGRAPH_CALCULATOR_SECONDS``, ``PROVGRAPH_CALCULATOR_MEMORY``, else no limit.
    store : where the files of data objects are, one place or several in their order: directories, or addresses such as
    ``s3://bucket/files``. Else ``PROVGRAPH_STORE``, else as the survey was made, else the directory ``files`` in it.
    cache_size : what is kept here of files from far away, such as ``"50GiB"``, else ``PROVGRAPH_CACHE_SIZE``, else 10 GiB.

    Raises
    ------
    NotFound : no survey there, and `create` is False.
    GraphUnavailable : the served graph cannot be reached, or refuses us.
    WrongSurvey, SchemaTooNew, SurveyLocked : see `provgraph.errors`.
    InvalidInput, StorageError, MissingExtra : a place for files that is none, is not there, or where nothing can be written.
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
    said = _places(store) or split(settings.store or "")
    cache = Cache(path / CACHE, _cache_limit(cache_size if cache_size is not None else settings.cache_size))
    files = FileStore.open(said or (found["store"] if found else ()) or [DEFAULT_PLACE], cache, path)
    new = not path.exists()
    engine: GraphEngine | None = None
    try:  # what fails leaves no directory behind
        if found is None and address == EMBEDDED:
            _make_directory(path)
        if said:  # what is written down was looked at then
            files.check()
        engine, scratch = _engine(path, address, auth)
        if found is None:
            _make_directory(path)
        survey_id = _settle(path, engine, found, address, said)
        survey = Survey(
            path,
            survey_id,
            engine,
            context=context,
            scratch=scratch,
            memory=budget,
            calculator_limits=limits,
            files=files,
        )
        survey.publication_policy = settings.publication_policy or (found["publication_policy"] if found else None)
        bounded.clean(path / "scratch")
        survey.audit.begin()
        survey.intents.recover(survey.store_, lambda: [r["file"] for r in survey.mapper.read("segment_files")])
        survey.tracer.recover()
    except BaseException:
        if engine is not None:
            engine.close()
        if found is None and not (path / SURVEY_FILE).exists():
            for part in (path / "segments", path / "spool", path / DEFAULT_PLACE, *([path] if new else [])):
                with suppress(OSError):
                    part.rmdir()
        raise
    return survey


def _places(store: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """Places as they are written down."""
    some = split(store) if isinstance(store, str) else [store] if isinstance(store, os.PathLike) else store
    return [os.fspath(one) for one in some]


def _cache_limit(said: str | int | None) -> int:
    if said is None:
        return LIMIT
    try:
        return 0 if str(said).strip() == "0" else parse_memory(said)
    except InvalidInput:
        raise InvalidInput(
            f"{said!r} is not the size of a cache; write it like '50GiB' or '500MB', or 0 for none.", code="cache_size"
        ) from None


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
        store = [str(one) for one in found.get("store", ())]
        policy = found.get("publication_policy")
        return {"survey_id": str(found["survey_id"]), "graph": str(found.get("graph", EMBEDDED)), "store": store,
                "publication_policy": path / str(policy) if policy else None}  # fmt: skip
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


def _settle(path: Path, engine: GraphEngine, found: dict[str, Any] | None, address: str, store: Sequence[str]) -> str:
    """Directory and graph agree on the survey. A new one is written down first: a kill leaves nothing half made."""
    if found is not None:
        if not engine.read(statements.load("schema/survey")) and any((path / "segments").glob("??/*.h5")):
            raise _graph_gone(path, f"the one at {address} is empty")
        return setup.prepare(engine, found["survey_id"], MIGRATIONS)
    survey_id = str(uuid.uuid4())
    was_first = _write_first(path / SURVEY_FILE, (
        "# A provgraph survey: this directory and its graph belong together.\n"
        f'survey_id = "{survey_id}"\ncreated = "{keys.now()}"\ngraph = "{address}"\n'
        + (f"store = {json.dumps(list(store), ensure_ascii=False)}\n" if store else "")
    ))  # fmt: skip
    if not was_first:  # another process makes the same survey
        return _settle(path, engine, _read(path), address, store)
    try:
        return setup.prepare(engine, survey_id, MIGRATIONS)
    except WrongSurvey as error:
        (path / SURVEY_FILE).unlink()
        raise WrongSurvey(
            f"The graph at {address} holds another survey ({error.details.get('graph')}) than the new directory {path}; "
            "one database holds one survey.", graph=error.details.get("graph"),
        ) from None  # fmt: skip


def _write_first(path: Path, text: str) -> bool:
    """Write a file, whole or not at all; False where there is one already."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        os.replace(temporary, path)
        return True
    finally:
        temporary.unlink(missing_ok=True)
    return True
