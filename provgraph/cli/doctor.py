"""provgraph doctor"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, directory_of
from provgraph.cli.output import emit
from provgraph.errors import EXIT_ERROR, NotFound, ProvgraphError

WORKS, ABSENT, BROKEN = "works", "absent", "broken"
MARKS = {WORKS: "✔", ABSENT: "–", BROKEN: "✘"}
PACKAGES = ("astropy", "h5py", "numpy", "platformdirs", "rich", "typer")
EXTRAS = {  # extra -> (a module it brings, what it is for)
    "neo4j": ("neo4j", "the graph on a Neo4j server"),
    "arrow": ("pyarrow", "Parquet and Arrow files"),
    "serve": ("strawberry", "the service"),
    "polars": ("polars", "tables of Polars"),
    "prov": ("prov", "PROV-XML, PROV-O and other forms"),
    "audit": ("cryptography", "signed checkpoints, proofs"),
}
LEAST_SPACE = 256 << 20  # bytes
MOST_NAMED = 3


@dataclass(frozen=True)
class Check:
    """One line of the report. Absent: not needed here, or not yet."""

    name: str
    status: str
    detail: str
    mend: str = ""


def run(survey: SurveyOption = None, graph: GraphOption = "", as_json: JsonOption = False) -> None:
    """Check what works here, and say how to mend what does not. Exit status 1 when something needed is broken."""
    checks = list(examine(survey, graph))
    data = {"works": all(c.status != BROKEN for c in checks), "checks": [asdict(c) for c in checks]}
    emit(data, as_json, _render)
    if not data["works"]:
        raise typer.Exit(EXIT_ERROR)


def examine(survey: Path | None, graph: str) -> Iterator[Check]:
    """All checks, each on its own: one that fails does not stop the others."""
    directory = _find(survey)
    address = graph or os.environ.get("PROVGRAPH_GRAPH", "") or _recorded(directory)
    served = address not in ("", "embedded")
    yield Check("Python", WORKS, f"{platform.python_version()} on {platform.platform()}")
    yield _packages()
    yield _tried("embedded engine", lambda: _embedded(needed=not served))
    yield _tried("HDF5", _hdf5)
    yield from map(_extra, EXTRAS)
    if served:
        yield _tried("graph", lambda: _served(address))
    yield _tried("disk", lambda: _disk(directory))
    found = _tried("survey", lambda: _survey(survey, directory, graph))
    yield found
    if directory is not None and found.status == WORKS:
        yield _tried("originals", lambda: _originals(directory, graph))


def _tried(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except ProvgraphError as error:
        return Check(name, BROKEN, error.message, f"({error.code})")
    except Exception as error:  # a check never ends the report
        return Check(name, BROKEN, f"{type(error).__name__}: {error}")


def _find(survey: Path | None) -> Path | None:
    try:
        return directory_of(survey)
    except ProvgraphError:
        return None


def _recorded(directory: Path | None) -> str:
    """The address of the graph that a survey was made with."""
    import tomllib

    try:
        text = (directory / "survey.toml").read_text(encoding="utf-8") if directory else ""
        return str(tomllib.loads(text).get("graph", ""))
    except (OSError, tomllib.TOMLDecodeError):
        return ""


def _packages() -> Check:
    found, missing = [], []
    for package in ("provgraph", *PACKAGES):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return Check(
            "packages", BROKEN, f"not installed: {', '.join(missing)}", "pip install --force-reinstall provgraph"
        )
    return Check("packages", WORKS, ", ".join(found))


def _embedded(*, needed: bool) -> Check:
    from provgraph.graph import statements
    from provgraph.graph.embedded import EmbeddedEngine

    if find_spec("arcadedb") is None:
        mend = (
            "pip install arcadedb; there is none for Intel macOS and musl: set PROVGRAPH_GRAPH to a Neo4j server there"
        )
        return Check("embedded engine", BROKEN if needed else ABSENT, "not installed", mend)
    with tempfile.TemporaryDirectory(prefix="provgraph-doctor-") as directory:
        engine = EmbeddedEngine(Path(directory) / "graph", durable=False)
        try:
            engine.read(statements.load("schema/size"))
        finally:
            engine.close()
    return Check(
        "embedded engine", WORKS, f"arcadedb {version('arcadedb')}, opened and asked in {tempfile.gettempdir()}"
    )


def _hdf5() -> Check:
    import h5py
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="provgraph-doctor-") as directory:
        path = Path(directory) / "values.h5"
        with h5py.File(path, "w") as file:
            file["values"] = np.arange(10)
        with h5py.File(path) as file:
            assert file["values"][:].sum() == 45, "values written are not those read"
    return Check("HDF5", WORKS, f"{h5py.version.hdf5_version}, written and read")


def _extra(name: str) -> Check:
    module, purpose = EXTRAS[name]
    if find_spec(module) is None:
        return Check(f"extra {name}", ABSENT, f"not installed; for {purpose}", f"pip install 'provgraph[{name}]'")
    distribution = {"strawberry": "strawberry-graphql"}.get(module, module)
    return Check(f"extra {name}", WORKS, f"{distribution} {version(distribution)}, for {purpose}")


def _served(address: str) -> Check:
    from provgraph.config import Settings
    from provgraph.graph.neo4j import Neo4jEngine

    settings = Settings.from_environment()
    engine = Neo4jEngine(address, settings.graph_auth, settings.graph_database)
    try:
        major, minor = engine.version
    finally:
        engine.close()
    return Check("graph", WORKS, f"Neo4j {major}.{minor} at {address}")


def _disk(directory: Path | None) -> Check:
    place = next((p for p in (directory, Path.cwd()) if p is not None and p.is_dir()), Path.cwd())
    free = shutil.disk_usage(place).free
    detail = f"{free / (1 << 30):,.1f} GiB free at {place}"
    if not os.access(place, os.W_OK):
        return Check("disk", BROKEN if directory else ABSENT, f"{place} cannot be written", "use another directory")
    if free < LEAST_SPACE:
        return Check("disk", BROKEN, detail, "make room, or move the survey")
    return Check("disk", WORKS, detail)


def _survey(survey: Path | None, directory: Path | None, graph: str) -> Check:
    from provgraph import opening
    from provgraph.graph.channel import Holder

    if directory is None:
        return Check("survey", ABSENT, "none here or above", "provgraph init DIR, or set PROVGRAPH_SURVEY")
    if not (directory / opening.SURVEY_FILE).is_file():
        raise NotFound(
            f"There is no survey in {directory}; make one with 'provgraph init {directory}'.", code="survey_missing"
        )
    holder = Holder.read(directory / "graph")
    with opening.open(directory, graph=graph, create=False) as found:
        detail = f"{found.survey_id} in {directory}, graph {found.engine.name}"
    if holder is not None:
        detail += f", shared with process {holder.pid} of {holder.user}"
    return Check("survey", WORKS, detail)


def _originals(directory: Path, graph: str) -> Check:
    """The stored values of ingested catalogs, which nobody can make again but from their files."""
    from provgraph import opening
    from provgraph.resolver import originals

    with opening.open(directory, graph=graph, create=False) as survey:
        found = originals.examine(survey.mapper, survey.store_)
        lost = [f"{one.label}@{one.version} ({why})" for one, why in found.lost[:MOST_NAMED]]
        files = [one.file.name for one, _ in found.lost[:MOST_NAMED]]
    catalogs = f"{found.catalogs:,} catalog{'' if found.catalogs == 1 else 's'}"
    held = f"{catalogs}, {found.size / (1 << 20):,.1f} MiB in segments of the size registered"
    if not lost:
        return Check("originals", WORKS, held)
    more = len(found.lost) - len(lost)
    others = [f"and {more} more"] if more else []
    return Check(
        "originals", BROKEN, f"cannot be read: {', '.join([*lost, *others])}",
        f"ingest {', '.join([*files, *others])} again, with the same columns and words; what is derived stays as it is",
    )  # fmt: skip


def _render(data: dict[str, Any]) -> str:
    width = max(len(c["name"]) for c in data["checks"])
    lines = []
    for c in data["checks"]:
        lines.append(f"{MARKS[c['status']]} {c['name'].ljust(width)}  {c['detail']}")
        if c["mend"] and c["status"] != WORKS:
            lines.append(f"  {'':{width}}  → {c['mend']}")
    broken = sum(c["status"] == BROKEN for c in data["checks"])
    lines.append(f"\n{'Everything needed works.' if not broken else f'{broken} broken, see above.'}")
    return "\n".join(lines)
