"""A lineage as a subgraph of py2neo: what it holds, and that it comes out of a real Neo4j as it went in."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest

from provgraph.errors import MissingExtra
from provgraph.export.py2neo import to_py2neo
from provgraph.graph.lineage import Lineage
from tests.conftest import empty
from tests.export.lineages import evil, pulled
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401


def held(subgraph: Any, lineage: Lineage) -> None:
    """Nodes by their keys, edges by their ends and types."""
    keys = {node[node.__primarykey__] for node in subgraph.nodes}
    assert keys == {n.id for n in lineage.nodes}
    ends = Counter(
        (r.start_node[r.start_node.__primarykey__], type(r).__name__, r.end_node[r.end_node.__primarykey__])
        for r in subgraph.relationships
    )
    # py2neo holds relationships as a set: those that say the same are one
    said = {(e.source, e.relation, e.target, repr(sorted(e.properties.items()))) for e in lineage.edges}
    assert ends == Counter((a, r, b) for a, r, b, _ in said)


@pytest.mark.parametrize("lineage", [pulled(), evil()], ids=["pulled", "evil"])
def test_everything_is_there(lineage: Lineage) -> None:
    pytest.importorskip("py2neo")
    subgraph = to_py2neo(lineage)
    held(subgraph, lineage)
    assert {"Entity", "Activity", "Agent"} <= subgraph.labels()


def test_of_a_survey(nearby: Any) -> None:
    pytest.importorskip("py2neo")
    near = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near").result
    view = nearby.lineage(near)
    subgraph = view.to_py2neo()
    held(subgraph, view.lineage)
    [node] = [n for n in subgraph.nodes if n["object_id"] == near.object_id]
    assert {"Entity", "DBObject", "SourceCollection"} <= set(node.labels)
    assert (node["label"], node["class_name"]) == ("near", type(near).__name__)


@pytest.mark.neo4j
def test_it_goes_into_a_neo4j_and_is_merged_there(neo4j_server: Any, neo4j_engine: Any) -> None:
    py2neo = pytest.importorskip("py2neo")
    graph = py2neo.Graph(neo4j_server.uri, auth=neo4j_server.auth)
    lineage = pulled()
    try:
        graph.merge(to_py2neo(lineage))
        graph.merge(to_py2neo(lineage))  # what is there is not written again
        assert graph.evaluate("MATCH (n) RETURN count(n)") == len(lineage.nodes)
        assert graph.evaluate("MATCH ()-[r]->() RETURN count(r)") == len(lineage.edges)
        file = graph.nodes.match("DataFile").first() or graph.nodes.match("Entity", class_name="DataFile").first()
        assert (file["name"], file["size"]) == ("sdss.fits", 2_778_427)
        far = graph.evaluate(
            "MATCH (a {label: 'bright'})-[:WAS_DERIVED_FROM*]->(b {class_name: 'DataFile'}) RETURN count(b)"
        )
        assert far > 0
    finally:
        empty(neo4j_engine)


def test_without_py2neo_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py2neo", None)
    with pytest.raises(MissingExtra, match=r"pip install 'provgraph\[py2neo\]'"):
        to_py2neo(pulled())
