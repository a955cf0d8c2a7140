"""A lineage as a graph of networkx: every node and edge, in the names of PROV."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest

from provgraph import names
from provgraph.errors import MissingExtra
from provgraph.export.networkx import RELATIONS, to_networkx
from provgraph.graph.lineage import WAS_INFLUENCED_BY, Lineage
from tests.export.lineages import evil, pulled, uuid
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401

networkx = pytest.importorskip("networkx")


@pytest.mark.parametrize("lineage", [pulled(), evil()], ids=["pulled", "evil"])
def test_everything_is_there_once(lineage: Lineage) -> None:
    graph = to_networkx(lineage)
    assert set(graph) == {n.id for n in lineage.nodes}
    found = Counter((a, b, d["relation"], d.get("role"), d.get("index")) for a, b, d in graph.edges(data=True))
    wanted = Counter(
        (e.source, e.target, RELATIONS[e.relation], e.properties.get("role"), e.properties.get("index"))
        for e in lineage.edges
    )
    assert found == wanted
    assert graph.graph["roots"] == list(lineage.roots)
    assert (graph.graph["complete"], graph.graph["truncated"]) == (lineage.complete, lineage.truncated)


def test_nodes_and_edges_have_the_names_of_prov() -> None:
    graph = to_networkx(pulled())
    assert {graph.nodes[n]["prov:type"] for n in (uuid(1), uuid(20), "agent:soft")} == {
        "prov:Entity", "prov:Activity", "prov:Agent",
    }  # fmt: skip
    external = graph.nodes[uuid(5)]
    assert (external["prov:label"], external["class_name"], external["version"]) == ("SDSS quasars", "External", 2)
    assert graph.nodes["agent:soft"]["kind"] == "software"  # a property of its own, beside prov:type
    [started] = [d for _, _, d in graph.out_edges(uuid(21), data=True) if d["relation"] == "wasStartedBy"]
    assert started == {"relation": "wasStartedBy"}
    assert networkx.has_path(graph, uuid(1), uuid(9))


def test_every_relation_has_a_name() -> None:
    of_lineage = {WAS_INFLUENCED_BY, names.ABOUT, *names.RELATIONS[:8]}
    assert RELATIONS.keys() == of_lineage


def test_of_a_survey(nearby: Any) -> None:
    near = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near").result
    view = nearby.lineage(near)
    graph = view.to_networkx()
    assert graph.nodes[near.object_id]["prov:label"] == "near"
    assert graph.nodes[near.object_id]["provgraph:level"] == 0
    start = nearby["A"].object_id
    assert networkx.has_path(graph, near.object_id, start)
    assert networkx.descendants(graph, near.object_id) | {near.object_id} == {n.id for n in view.nodes}


def test_without_networkx_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'provgraph\[networkx\]'"):
        to_networkx(pulled())
