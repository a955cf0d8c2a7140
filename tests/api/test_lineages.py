"""Lineage on terms, page by page, paths, common ancestors and impact: what the service gives is what the survey gives."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.prov import read, validate
from tests.api.conftest import Served

FIELDS = "nodes { id kind className label } edges { source target relation role } complete truncated endedBy endCursor"
LINEAGE = f"query($input: LineageInput!) {{ lineage(input: $input) {{ {FIELDS} }} }}"


@pytest.fixture
def near(served: Served) -> Any:
    return served.survey.pull("A", ["absmag_u"], where="redshift < 0.2", name="near by").result


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ({"only": ["External", "DataFile"]}, {"only": ["External", "DataFile"]}),
        ({"without": ["Segment"], "stopAt": ["External"]}, {"without": ["Segment"], "stop_at": ["External"]}),
        ({"relations": ["wasDerivedFrom"]}, {"relations": ["wasDerivedFrom"]}),
        ({"unit": "EDGE", "up": 2}, {"unit": "edge", "up": 2}),
        ({"validAt": "2100-01-01", "seconds": 20.0}, {"valid_at": "2100-01-01"}),
    ],
)
def test_terms_are_those_of_the_survey(served: Served, near: Any, asked: Any, terms: Any) -> None:
    found = served.ask(LINEAGE, input={"roots": ["near by"], "up": 20, "limit": 1000, **asked})["lineage"]
    expected = served.survey.lineage(near, **{"up": 20, **terms})
    assert [n["id"] for n in found["nodes"]] == [n.id for n in expected.nodes]
    assert [(e["source"], e["target"], e["relation"]) for e in found["edges"]] == [
        (e.source, e.target, e.relation) for e in expected.edges
    ]
    assert len(found["nodes"]) > 1
    assert (found["complete"], found["endedBy"], found["endCursor"]) == (True, None, None)


def test_as_of_shows_what_was_known_then(served: Served, near: Any) -> None:
    before = served.survey["A"].created
    found = served.ask(LINEAGE, input={"roots": ["A"], "up": 0, "down": 9, "asOf": before})["lineage"]
    later = served.ask(LINEAGE, input={"roots": ["A"], "up": 0, "down": 9, "asOf": "2100-01-01"})["lineage"]
    assert len(found["nodes"]) < len(later["nodes"])
    assert near.object_id in {n["id"] for n in later["nodes"]}


@pytest.mark.parametrize("terms", [{}, {"only": ["entity"]}])
def test_pages_together_are_the_whole(served: Served, near: Any, terms: Any) -> None:
    asked = {"roots": ["near by"], "up": 20, "limit": 1000, **terms}
    whole = served.ask(LINEAGE, input=asked)["lineage"]
    nodes, edges, after = [], [], ""
    while after is not None:
        page = served.ask(LINEAGE, input={**asked, "first": 4, "after": after})["lineage"]
        assert len(page["nodes"]) <= 4
        nodes += page["nodes"]
        edges += page["edges"]
        after = page["endCursor"]
    assert nodes == whole["nodes"]
    assert edges == whole["edges"]


def test_a_limit_is_said(served: Served, near: Any) -> None:
    found = served.ask(LINEAGE, input={"roots": ["near by"], "up": 20, "limit": 3, "only": ["entity"]})["lineage"]
    assert (len(found["nodes"]), found["complete"], found["endedBy"]) == (3, False, "limit")
    assert found["truncated"] > 0


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"relations": ["usd"]}, "lineage_relation"),
        ({"asOf": "yesterday"}, "time_invalid"),
        ({"seconds": 0}, "lineage_seconds"),
        ({"first": 0}, "page_too_large"),
        ({"first": 2, "after": "x"}, "not_found"),
        ({"only": ["a"] * 101}, "request_too_long"),
    ],
)
def test_wrong_terms_are_one_error(served: Served, near: Any, asked: Any, code: str) -> None:
    [error] = served.ask(LINEAGE, errors=True, input={"roots": ["A"], **asked})
    assert error["extensions"]["code"] == code


PATHS = """query($a: String!, $b: String!, $every: Boolean!, $terms: WaysInput) {
    paths(a: $a, b: $b, every: $every, terms: $terms) {
    source target complete paths { nodes { id } relations } } }"""


@pytest.mark.parametrize("every", [False, True])
def test_paths(served: Served, near: Any, every: bool) -> None:
    expected = served.survey.paths("A", near, mode="all" if every else "shortest")
    assert len(expected)
    for a, b in (("A", "near by"), ("near by", "A")):
        found = served.ask(PATHS, a=a, b=b, every=every)["paths"]
        assert (found["source"], found["target"]) == (expected.source, expected.target)
        assert [[n["id"] for n in p["nodes"]] for p in found["paths"]] == [[n.id for n in w.nodes] for w in expected]
        assert [p["relations"] for p in found["paths"]] == [[e.relation for e in w.edges] for w in expected]
    none = served.ask(PATHS, a="A", b="near by", every=every, terms={"relations": ["used"]})["paths"]
    assert none["paths"] == []


COMMON = """query($things: [String!]!) { commonAncestors(things: $things) {
    complete truncated common { nearest steps node { id className } } } }"""


def test_common_ancestors(served: Served, near: Any) -> None:
    far = served.survey.pull("A", ["absmag_u"], where="redshift > 0.4", name="far off").result
    expected = served.survey.common_ancestors(near, far)
    found = served.ask(COMMON, things=["near by", "far off"])["commonAncestors"]
    assert [c["node"]["id"] for c in found["common"]] == [n.id for n in expected.nodes]
    assert {c["node"]["id"] for c in found["common"] if c["nearest"]} == set(expected.nearest)
    assert [c["steps"] for c in found["common"]] == [list(expected.steps[n.id]) for n in expected.nodes]
    assert served.survey["A"].object_id in {c["node"]["id"] for c in found["common"]}
    [error] = served.ask(COMMON, errors=True, things=["A"])
    assert error["extensions"]["code"] == "lineage_roots"


IMPACT = """query($things: [String!]!, $first: Int!, $after: String!, $only: String!) {
    impact(things: $things, first: $first, after: $after, only: $only) {
    count byClass { className count } affected { id className steps bytes identifiers invalid } seconds bytes published complete
    endCursor text } }"""


def test_impact_page_by_page(served: Served, near: Any) -> None:
    expected = served.survey.impact("A")
    affected, after = [], ""
    while after is not None:
        found = served.ask(IMPACT, things=["A"], first=2, after=after, only="all")["impact"]
        affected += found["affected"]
        after = found["endCursor"]
    assert [one["id"] for one in affected] == [one.id for one in expected.affected]
    assert found["count"] == len(expected) > 2
    assert {c["className"]: c["count"] for c in found["byClass"]} == expected.by_class
    assert (found["bytes"], found["complete"], found["text"]) == (expected.bytes, expected.complete, str(expected))
    assert served.ask(IMPACT, things=["A"], first=2, after="", only="published")["impact"]["count"] == 0
    [error] = served.ask(IMPACT, errors=True, things=["A"], first=2, after="x", only="all")
    assert error["extensions"]["code"] == "cursor_invalid"


def test_the_document_of_a_lineage_is_that_of_an_export(served: Served, near: Any) -> None:
    survey = served.survey
    survey.annotate(near, description="from /home/ada/near.fits")
    answer = served.client.get(f"/lineage/{near.object_id}", params={"up": 1000, "limit": 1000})
    assert answer.text == survey.export(near)
    assert "/home/ada" not in answer.text
    assert validate(read(answer.text)).valid
