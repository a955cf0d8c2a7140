"""Surveys for tests: on each engine, and a small catalog whose values are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph.config import EMBEDDED, Settings
from provgraph.graph.statements import Statement
from tests.conftest import ENGINES, empty

OpenSurvey = Callable[..., Any]


@pytest.fixture(params=ENGINES)
def open_survey(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenSurvey]:
    """Opens the survey of this test, again with each call; on each engine in turn."""
    served: dict[str, Any] = {}
    if request.param == "neo4j":
        server = request.getfixturevalue("neo4j_server")
        from provgraph.graph.neo4j import Neo4jEngine

        with Neo4jEngine(server.uri, server.auth) as engine:
            empty(engine)
        served = {"graph": server.uri, "auth": server.auth}
    opened = []

    def again(directory: str = "survey", **more: Any) -> Any:
        survey = provgraph.open(tmp_path / directory, **{**served, **more})
        opened.append(survey)
        return survey

    yield again
    for survey in opened:
        survey.close()


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the graph of this test is, for processes too: 'embedded', or an empty server whose password they find."""
    if request.param == "embedded":
        return EMBEDDED
    server = request.getfixturevalue("neo4j_server")
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", ":".join(server.auth))
    empty_graph(server.uri)
    return str(server.uri)


def empty_graph(address: str) -> None:
    """Make room for another survey: a server has one; an embedded graph is new with its directory."""
    if address != EMBEDDED:
        from provgraph.graph.neo4j import Neo4jEngine

        with Neo4jEngine(address, Settings.from_environment().graph_auth) as engine:
            empty(engine)


def census(survey: Any) -> dict[str, int]:
    """How many nodes of each kind its graph has; but who worked with it, and where, differs from process to process."""
    kinds = Statement("census", ("MATCH (n) RETURN labels(n) AS labels, count(*) AS n",))
    found = {":".join(sorted(row["labels"])): row["n"] for row in survey.engine.read(kinds)}
    return {kind: n for kind, n in found.items() if not {"Agent", "Environment"} & set(kind.split(":"))}


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    return open_survey()


N = 1000


def galaxies(n: int = N, seed: int = 1) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of a simulated catalog: unsorted ids, redshift with gaps, a float32 magnitude."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(n).astype("i8") * 7 + 2**53 + 1
    redshift = rng.uniform(0.001, 1.0, n)
    redshift[rng.random(n) < 0.1] = np.nan
    return {"id": ids, "ra": rng.uniform(0, 360, n), "dec": rng.uniform(-5, 5, n), "redshift": redshift,
            "mag_u": rng.normal(20, 1, n).astype("f4")}  # fmt: skip


def write_fits(path: Path, columns: dict[str, np.ndarray[Any, Any]], units: dict[str, str] | None = None) -> Path:
    from astropy.table import Table

    table = Table(columns)
    units = {"ra": "deg", "dec": "deg", "mag_u": "mag"} if units is None else units
    for name, unit in units.items():
        if name in table.colnames:
            table[name].unit = unit
    table.write(path, format="fits", overwrite=True)
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A FITS file with `galaxies()`."""
    return write_fits(tmp_path / "galaxies.fits", galaxies())


EXPRESSION = "mag_u - distmod(redshift)"


@pytest.fixture
def nearby(survey: Any, catalog: Path) -> Any:
    """The survey of the paper's example: catalog A and a calculator for absmag_u."""
    survey.ingest(catalog, name="A", id="id", units={"redshift": ""})
    survey.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION, unit="mag",
                             ucd="phys.magAbs;em.opt.U")  # fmt: skip
    return survey
