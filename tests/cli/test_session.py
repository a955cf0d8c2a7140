"""The session of the README in a shell: real processes, a real catalog, both engines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import process
from tests.conftest import ENGINES, empty

EXPRESSION = "i_mag - distmod(z) + 1.25*log10(1+z)"


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Where the graph is; a server is empty and its password in the environment."""
    if request.param == "embedded":
        return "embedded"
    from provgraph.graph.neo4j import Neo4jEngine

    server = request.getfixturevalue("neo4j_server")
    with Neo4jEngine(server.uri, server.auth) as engine:
        empty(engine)
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", ":".join(server.auth))
    return str(server.uri)


@pytest.mark.shared
def test_the_session(address: str, shared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from astropy.table import Table

    def provgraph(*words: str) -> str:
        done = process(*words)
        assert done.returncode == 0, f"provgraph {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    monkeypatch.delenv("PROVGRAPH_SURVEY", raising=False)
    provgraph("init", "survey/", "--graph", address)
    monkeypatch.setenv("PROVGRAPH_SURVEY", "survey/")
    provgraph("ingest", str(shared / "data/catalogs/SDSS_QSO.tab.gz"), "--name", "SDSS quasars", "--id", "SDSS")
    assert "SDSS quasars@1   77,429          15" in provgraph("ls")
    assert "absmag" not in provgraph("show", "SDSS quasars")
    provgraph("calculator", "define", "absmag_i", "--requires", "z,i_mag", "--expression", EXPRESSION, "--unit", "mag")
    pull = ("pull", "SDSS quasars", "SDSS", "z", "absmag_i", "--where", "z < 0.5 and i_mag > 0", "--name", "bright")
    explained = provgraph(*pull, "--explain", "--out", "bright.fits")
    assert "Processed in " in explained
    table = Table.read("bright.fits")
    catalog = np.genfromtxt(shared / "data/catalogs/SDSS_QSO.tab.gz", names=True, dtype=None, encoding="utf-8")
    wanted = catalog[(catalog["z"] < 0.5) & (catalog["i_mag"] > 0)]
    assert sorted(np.char.strip(np.asarray(table["SDSS"], str))) == sorted(wanted["SDSS"])
    assert str(table["absmag_i"].unit) == "mag"
    again = json.loads(provgraph(*pull, "--json"))
    assert (again["processed"]["filtered"], again["processed"]["calculated"]) == (0, {})
    for thing in ("bright", "bright.fits"):
        assert "SDSS quasars" in provgraph("lineage", thing, "--up", "3", "--format", "text")
    assert provgraph("lineage", "bright", "--up", "3", "--format", "svg").startswith(("<svg", "<?xml"))
    assert provgraph("lineage", "bright", "--up", "3", "--format", "dot").startswith("digraph")
    assert "wasDerivedFrom" in json.loads(provgraph("lineage", "bright", "--up", "3", "--format", "prov-json"))
    assert provgraph("lineage", "bright", "--up", "3", "--format", "prov-n").startswith("document")
    assert "Everything needed works." in provgraph("doctor")


@pytest.mark.shared
def test_magnitudes_agree_with_the_catalog(
    address: str, shared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours minus its own, which is corrected for Galactic extinction."""
    import numpy as np

    import provgraph

    assert process("init", "survey/", "--graph", address).returncode == 0
    with provgraph.open("survey/") as survey:
        quasars = survey.ingest(shared / "data/catalogs/SDSS_QSO.tab.gz", name="SDSS quasars", id="SDSS")
        survey.define_calculator("absmag_i", requires=["z", "i_mag"], expression=EXPRESSION, unit="mag")
        data = survey.pull(quasars, ["absmag_i", "Mp"], where="i_mag > 0").data()
    values, null = data["absmag_i"]
    assert null is None or not null.any()
    off = values - data["Mp"].values
    assert 0.03 <= np.median(off) <= 0.08
    assert np.mean((off >= 0) & (off <= 0.2)) >= 0.9


@pytest.mark.neo4j
def test_directory_and_database_of_different_surveys(neo4j_engine: Any, neo4j_server: Any, folder: Path) -> None:
    uri, right = neo4j_server.uri, {"PROVGRAPH_GRAPH_AUTH": ":".join(neo4j_server.auth)}
    assert process("init", "one", "--graph", uri, env=os.environ | right).returncode == 0
    done = process("init", "two", "--graph", uri, "--json", env=os.environ | right)
    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "wrong_survey")
    assert not (folder / "two").exists()
    done = process("ls", "--survey", "one", "--json", env=os.environ | {"PROVGRAPH_GRAPH_AUTH": "neo4j:wrong"})
    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "graph_auth_failed")
