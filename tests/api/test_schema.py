"""GraphQL: what can be asked, and what comes back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph import survey as survey_module
from provgraph.api import limits
from provgraph.api.limits import RULES
from provgraph.api.results import FORMATS
from provgraph.api.schema import make_schema, sdl
from tests import pages
from tests.api.conftest import BRIGHT, CREATE, PULL, Ask, finished
from tests.conftest import ROOT
from tests.installed import site  # noqa: F401
from tests.surveys import N, galaxies

SDL = Path(__file__).with_name("schema.graphql")


def test_the_schema_is_the_committed_one() -> None:
    """A change shows in review; to accept it: python -c 'from provgraph.api.schema import sdl; print(sdl(), end="")'"""
    assert sdl() == SDL.read_text(encoding="utf-8")


# -- objects -----------------------------------------------------------------------------------------------------------


def test_a_collection_says_what_it_is(ask: Ask) -> None:
    found = ask("""{ sourceCollection(name: "A") {
        id objectId className operator name version notation rows href lineageKey
        attributes { name dtype unit ucd shape } parents { name } dependencies { __typename ... on File { fileName size } }
        notes { kind value } versions { objectId } statistics { attribute minimum maximum missing of } } }""")
    one = found["sourceCollection"]
    assert (one["className"], one["operator"], one["name"], one["version"], one["rows"]) == (
        "External",
        "External",
        "A",
        1,
        N,
    )
    assert one["href"] == f"/id/{one['objectId']}"
    assert one["attributes"][4] == {"name": "mag_u", "dtype": "f4", "unit": "mag", "ucd": "", "shape": []}
    assert one["parents"] == []
    assert [d["__typename"] for d in one["dependencies"]] == ["File"]
    assert one["dependencies"][0]["fileName"] == "galaxies.fits"
    assert one["notes"] == [{"kind": "name", "value": "A"}]
    assert one["versions"] == [{"objectId": one["objectId"]}]
    redshift = next(s for s in one["statistics"] if s["attribute"] == "redshift")
    columns = galaxies()["redshift"]
    assert redshift["missing"] == int(np.isnan(columns).sum())
    assert float(redshift["maximum"]) == pytest.approx(np.nanmax(columns), rel=1e-6)


def test_node_takes_ids_of_every_kind(ask: Ask, pulled: Any) -> None:
    one = ask('{ sourceCollection(name: "near") { id objectId } }')["sourceCollection"]
    asked = "query($id: ID!) { node(id: $id) { id __typename ... on SourceCollection { name } } }"
    for reference in (one["id"], one["objectId"], f"urn:uuid:{one['objectId']}"):
        assert ask(asked, id=reference)["node"] == {"id": one["id"], "__typename": "SourceCollection", "name": "near"}
    kinds = {}
    lineage = ask('{ lineage(input: {roots: ["near"], up: 9}) { nodes { id kind className } } }')["lineage"]
    for node in lineage["nodes"]:
        if node["kind"] == "entity":
            kinds[node["className"]] = ask(asked, id=node["id"])["node"]["__typename"]
    assert kinds.items() >= {
        "External": "SourceCollection", "FilterSources": "SourceCollection", "Segment": "Segment", "DataFile": "File",
        "AttributeCalculatorDefinition": "CalculatorDefinition", "Criterion": "Entity", "Environment": "Entity",
    }.items()  # fmt: skip


@pytest.mark.parametrize("reference", ["", "x", "near", "../../etc/passwd", base64.b64encode(b"File:passwd").decode()])
def test_what_is_no_id_is_refused(ask: Ask, reference: str) -> None:
    [error] = ask("query($id: ID!) { node(id: $id) { id } }", errors=True, id=reference)
    assert error["extensions"]["code"] == "id_invalid"


def test_an_id_of_nothing_is_not_found(ask: Ask) -> None:
    [error] = ask('{ node(id: "01a1fd43-a637-7b5a-a3fb-79b2dbc0a42d") { id } }', errors=True)
    assert error["extensions"]["code"] == "not_found"
    assert error["path"] == ["node"]


def test_a_file_of_the_server_is_no_name(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found by its bytes in Python and on the command line must tell nobody here which files there are."""
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "galaxies.fits").exists()
    for name in ("galaxies.fits", str(tmp_path / "galaxies.fits"), "/etc/passwd"):
        [error] = ask("query($n: String!) { sourceCollection(name: $n) { id } }", errors=True, n=name)
        assert error["extensions"]["code"] == "not_found"
        assert "There is nothing called" in error["message"]


# -- pages -------------------------------------------------------------------------------------------------------------

PAGES = """query($first: Int!, $after: String!, $name: String! = "") {
  sourceCollections(first: $first, after: $after, name: $name) {
    edges { cursor node { objectId name created } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


def test_pages_give_everything_once_newest_first(ask: Ask, nearby: Any) -> None:
    for k in range(7):
        nearby.pull("A", ["id"], where=f"redshift < 0.{k + 1}", name=f"selection {k}")
    everything = [c.object_id for c in nearby.collections()]
    assert len(everything) > 7
    for first in (1, 3, 100):
        seen, after, more = [], "", True
        while more:
            page = ask(PAGES, first=first, after=after)["sourceCollections"]
            assert len(page["edges"]) <= first
            seen += [e["node"]["objectId"] for e in page["edges"]]
            assert page["pageInfo"]["hasPreviousPage"] == bool(after)
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            assert after == page["edges"][-1]["cursor"]
        assert seen == everything


def test_what_was_deleted_is_on_no_page(ask: Ask, nearby: Any) -> None:
    gone = nearby.pull("A", ["id"], where="redshift < 0.5", name="not wanted").result
    kept = nearby.pull("A", ["id"], where="redshift < 0.6", name="wanted").result
    nearby.delete(gone)
    for found in (
        [c.object_id for c in nearby.collections()],
        [e["node"]["objectId"] for e in ask(PAGES, first=100, after="")["sourceCollections"]["edges"]],
        [e["node"]["objectId"] for e in ask(PAGES, first=100, after="", name="wanted")["sourceCollections"]["edges"]],
    ):
        assert kept.object_id in found
        assert gone.object_id not in found


def test_what_is_added_moves_no_page(ask: Ask, nearby: Any) -> None:
    for k in range(4):
        nearby.pull("A", ["id"], where=f"redshift < 0.{k + 1}")
    everything = [c.object_id for c in nearby.collections()]
    page = ask(PAGES, first=3, after="")["sourceCollections"]
    nearby.pull("A", ["id"], where="redshift < 0.9")
    rest = ask(PAGES, first=100, after=page["pageInfo"]["endCursor"])["sourceCollections"]
    assert [e["node"]["objectId"] for p in (page, rest) for e in p["edges"]] == everything


def test_pages_by_name(ask: Ask, nearby: Any) -> None:
    for name in ("Bright galaxies", "Bright quasars", "faint"):
        nearby.pull("A", ["id"], where=f"redshift < 0.{len(name)}", name=name)
    page = ask(PAGES, first=1, after="", name="bright")["sourceCollections"]
    rest = ask(PAGES, first=9, after=page["pageInfo"]["endCursor"], name="BRIGHT")["sourceCollections"]
    assert [e["node"]["name"] for p in (page, rest) for e in p["edges"]] == ["Bright quasars", "Bright galaxies"]


FOUND = """query($where: String!, $first: Int! = 20, $after: String! = "", $name: String! = "") {
  sourceCollections(where: $where, first: $first, after: $after, name: $name) {
    edges { node { objectId name } } pageInfo { hasNextPage endCursor } } }"""


def test_pages_by_criterion(ask: Ask, nearby: Any) -> None:
    for k in range(5):
        nearby.pull("A", ["id"], where=f"redshift < 0.{k + 1}", name=f"selection {k}")
    where = "operator = 'SelectAttributes' and name != 'selection 2' and attribute = 'id'"
    expected = [c.object_id for c in nearby.find(where)]
    assert len(expected) == 4
    for first in (1, 3, 4, 100):
        seen, after, more = [], "", True
        while more:
            page = ask(FOUND, where=where, first=first, after=after)["sourceCollections"]
            assert len(page["edges"]) <= first
            seen += [e["node"]["objectId"] for e in page["edges"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert seen == expected
    [edge] = ask(FOUND, where=where, name="TION 3")["sourceCollections"]["edges"]
    assert edge["node"]["name"] == "selection 3"
    assert ask(FOUND, where="name is null and name = 'A'")["sourceCollections"]["edges"] == []


@pytest.mark.parametrize(("where", "code", "position"), [
    ("naem = 'x'", "unknown_property", 0), ("version = 'x'", "criterion_types", 8), ("version >", "criterion_syntax", 9),
    ("version + 1 > 2", "criterion_refused", 8), ("x" * 2001, "criterion_refused", 2000),
])  # fmt: skip
def test_criteria_that_cannot_be_asked(ask: Ask, where: str, code: str, position: int) -> None:
    [error] = ask(FOUND, errors=True, where=where)
    assert error["extensions"]["code"] == code
    assert error["extensions"]["details"]["position"] == position


@pytest.mark.parametrize(("first", "after", "code"), [
    (101, "", "page_too_large"), (-1, "", "page_too_large"), (1, "x", "cursor_invalid"), (1, "YWJj", "cursor_invalid"),
])  # fmt: skip
def test_pages_that_are_none(ask: Ask, first: int, after: str, code: str) -> None:
    [error] = ask(PAGES, errors=True, first=first, after=after)
    assert error["extensions"]["code"] == code


def test_a_page_takes_few_statements(ask: Ask, nearby: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(9):
        nearby.pull("A", ["id", "absmag_u"], where=f"redshift < 0.{k + 1}", name=f"selection {k}")
    asked = """{ sourceCollections(first: 50) { edges { node { name notation rows parents { name } notes { value }
        versions { objectId } } } } }"""
    monkeypatch.setattr(survey_module, "NAMES_SERVE", 0.0)  # as where everything is slow
    counted: list[str] = []
    real = nearby.engine.read
    monkeypatch.setattr(
        nearby.engine, "read", lambda statement, **p: counted.append(statement.name) or real(statement, **p)
    )
    assert len(ask(asked)["sourceCollections"]["edges"]) > 25
    assert len(counted) <= 20, " ".join(counted)


# -- lineage -----------------------------------------------------------------------------------------------------------

LINEAGE = """query($input: LineageInput!) { lineage(input: $input) {
    nodes { id kind className label href properties } edges { source target relation role }
    complete truncated cost { statements seconds } } }"""


def test_lineage_is_one_graph(ask: Ask, pulled: Any, nearby: Any) -> None:
    found = ask(LINEAGE, input={"roots": ["near"], "up": 10})["lineage"]
    expected = nearby.lineage("near", up=10).lineage
    assert [n["id"] for n in found["nodes"]] == [n.id for n in expected.nodes]
    assert [(e["source"], e["target"], e["relation"]) for e in found["edges"]] == [
        (e.source, e.target, e.relation) for e in expected.edges
    ]
    assert (found["complete"], found["truncated"]) == (True, 0)
    assert 1 <= found["cost"]["statements"] <= 5
    assert {n["kind"] for n in found["nodes"]} == {"entity", "activity", "agent"}
    ids = {n["id"] for n in found["nodes"]}
    assert all(e["source"] in ids and e["target"] in ids for e in found["edges"])


@pytest.mark.parametrize("depth", ["up", "down"])
def test_a_lineage_of_negative_depth_is_refused(ask: Ask, depth: str) -> None:
    [error] = ask(LINEAGE, errors=True, input={"roots": ["A"], depth: -1})
    assert error["extensions"]["code"] == "lineage_depth"
    assert depth in error["message"]


def test_lineage_goes_down(ask: Ask, pulled: Any) -> None:
    found = ask(LINEAGE, input={"roots": ["A"], "up": 0, "down": 5})["lineage"]
    assert {"FilterSources", "AttributeCalculator", "SelectAttributes"} <= {n["className"] for n in found["nodes"]}


def test_lineage_says_what_it_leaves_out(ask: Ask, pulled: Any) -> None:
    found = ask(LINEAGE, input={"roots": ["near"], "up": 10, "limit": 3})["lineage"]
    assert len(found["nodes"]) == 3
    assert not found["complete"]
    assert found["truncated"] > 0


@pytest.mark.parametrize(("wanted", "code"), [
    ({"roots": []}, "lineage_roots"), ({"roots": ["nothing"]}, "not_found"), ({"roots": ["A"] * 101}, "lineage_roots"),
])  # fmt: skip
def test_lineage_of_nothing(ask: Ask, wanted: Any, code: str) -> None:
    [error] = ask(LINEAGE, errors=True, input=wanted)
    assert error["extensions"]["code"] == code


def test_numbers_beyond_the_bounds_are_clamped(ask: Ask) -> None:
    found = ask(LINEAGE, input={"roots": ["A"], "up": 10**6, "down": 10**6, "limit": 10**6})["lineage"]
    assert found["complete"]


# -- pulls -------------------------------------------------------------------------------------------------------------


def test_explaining_stores_and_processes_nothing(ask: Ask, nearby: Any) -> None:
    before = ([c.object_id for c in nearby.collections()], nearby.store_.names())
    found = ask("""query($input: PullInput!) { explainPull(input: $input) {
        request text choices { outcome what reason } before after rewrites rows { step rows } uncheckedUnits } }""",
        input=BRIGHT)["explainPull"]  # fmt: skip
    assert {c["outcome"] for c in found["choices"]} == {"created"}
    assert any("AttributeCalculator" in line for line in found["after"])
    assert found["rewrites"]
    assert {r["rows"].split()[0] for r in found["rows"]} <= {"=", "<=", "?"}
    assert found["request"] in found["text"]
    assert ([c.object_id for c in nearby.collections()], nearby.store_.names()) == before


@pytest.mark.parametrize(("name", "code"), [("A", "name_taken"), ("near@2", "name_invalid"), (" near", "name_invalid")])
def test_a_pull_that_is_only_explained_refuses_the_names_that_a_pull_does(ask: Ask, name: str, code: str) -> None:
    for asked in ("query($input: PullInput!) { explainPull(input: $input) { text } }", CREATE):
        [error] = ask(asked, errors=True, input={**BRIGHT, "name": name})
        assert error["extensions"]["code"] == code


def test_a_pull_end_to_end(ask: Ask, pulled: Any, nearby: Any) -> None:
    expected = galaxies()
    near = expected["redshift"] < 0.5
    assert pulled["phase"] == "COMPLETED"
    assert pulled["progress"] == {"fraction": 1.0, "message": ""}
    assert pulled["error"] is None
    assert pulled["result"]["rows"] == int(near.sum())
    assert pulled["result"]["href"] == f"/pulls/{pulled['id']}/result"
    assert pulled["collection"]["name"] == "near"
    assert [a["name"] for a in pulled["collection"]["attributes"]] == BRIGHT["attributes"]
    assert {c["outcome"] for c in pulled["explanation"]["choices"]} == {"created"}
    preview = ask('{ sourceCollection(name: "near") { preview(first: 3) { attributes rows } } }')["sourceCollection"][
        "preview"
    ]
    ids = np.sort(expected["id"][near])[:3]
    assert preview["attributes"] == BRIGHT["attributes"]
    assert [row[0] for row in preview["rows"]] == [str(i) for i in ids], "beyond 2^53 as text"
    by_id = dict(zip(expected["id"], expected["redshift"], strict=True))
    assert [row[1] for row in preview["rows"]] == [by_id[i] for i in ids]


def test_the_preview_tells_nan_from_nothing(ask: Ask) -> None:
    columns = galaxies()
    order = np.argsort(columns["id"])[:100]
    rows = ask('{ sourceCollection(name: "A") { preview(first: 100) { rows } } }')["sourceCollection"]["preview"][
        "rows"
    ]
    shown = [row[3] for row in rows]
    assert [v == "NaN" for v in shown] == np.isnan(columns["redshift"][order]).tolist()
    assert "NaN" in shown


def test_a_preview_is_short(ask: Ask) -> None:
    asked = 'query($n: Int!) { sourceCollection(name: "A") { preview(first: $n) { rows } } }'
    assert len(ask(asked, n=10**6)["sourceCollection"]["preview"]["rows"]) == 100


def test_the_same_key_is_the_same_pull(ask: Ask) -> None:
    first = ask(CREATE, input=BRIGHT, key="k")["createPull"]["id"]
    assert ask(CREATE, input=BRIGHT, key="k")["createPull"]["id"] == first
    [error] = ask(CREATE, errors=True, input={**BRIGHT, "where": ""}, key="k")
    assert error["extensions"]["code"] == "idempotency_conflict"
    finished(ask, first)


def test_a_pull_is_cancelled(ask: Ask) -> None:
    job_id = ask(CREATE, input=BRIGHT)["createPull"]["id"]
    cancelled = ask("mutation($id: ID!) { cancelPull(id: $id) { phase } }", id=job_id)["cancelPull"]["phase"]
    assert cancelled in ("ABORTED", "EXECUTING", "COMPLETED")
    done = finished(ask, job_id)
    assert done["phase"] in ("ABORTED", "COMPLETED")
    assert (done["result"] is None) == (done["phase"] == "ABORTED")


@pytest.mark.parametrize(("change", "code", "details"), [
    ({"attributes": ["redshif"]}, "unknown_attribute", {"name": "redshif"}),
    ({"where": "redshift <"}, "criterion_syntax", {"position": 10}),
    ({"where": "redshift = 'far'"}, "criterion_types", {}),
    ({"start": "B"}, "not_found", {"name": "B"}),
    ({"attributes": []}, "attributes_missing", {}),
    ({"where": "redshift < 1 or " * 1000 + "redshift < 2"}, "request_too_long", {}),
    ({"name": "A"}, "name_taken", {}),
])  # fmt: skip
def test_a_pull_that_cannot_be(ask: Ask, change: Any, code: str, details: Any) -> None:
    [error] = ask(CREATE, errors=True, input={**BRIGHT, **change})
    assert error["extensions"]["code"] == code, error
    assert error["extensions"]["details"].items() >= details.items()
    assert error["message"]
    assert "\n" not in error["message"]
    assert "Traceback" not in error["message"]


def test_an_unknown_pull(ask: Ask) -> None:
    [error] = ask(PULL, errors=True, id="01a1fd43-a637-7b5a-a3fb-79b2dbc0a42d")
    assert error["extensions"]["code"] == "job_unknown"


# -- definitions and notes -----------------------------------------------------------------------------------------------


def test_a_calculator_is_defined_and_used(ask: Ask) -> None:
    made = ask("""mutation { defineCalculator(input: {name: "mag_double", requires: ["mag_u"], expression: "mag_u + mag_u",
        unit: "mag", description: "twice"}) { id name version expression requires provides units parameters { name } } }""")
    definition = made["defineCalculator"]
    assert (definition["name"], definition["version"], definition["provides"]) == ("mag_double", 1, ["mag_double"])
    named = ask("{ calculatorDefinitions { name parameters { name value } } }")["calculatorDefinitions"]
    assert [d["name"] for d in named] == ["mag_double", "absmag_u"]
    assert {p["name"]: p["value"] for p in named[1]["parameters"]} == {"H0": 70.0, "Om0": 0.3}
    text = ask("query($input: PullInput!) { explainPull(input: $input) { text } }",
               input={"start": "A", "attributes": ["mag_double"]})  # fmt: skip
    assert "mag_double@1" in text["explainPull"]["text"]


@pytest.mark.parametrize(("expression", "code"), [
    ("mag_u +", "expression_syntax"), ("open(mag_u)", "expression_refused"), ("redshift + mag_v", "unknown_attribute"),
])  # fmt: skip
def test_a_calculator_that_cannot_be(ask: Ask, expression: str, code: str) -> None:
    [error] = ask("""mutation($e: String!) { defineCalculator(input: {name: "x", requires: ["mag_u", "redshift"],
        expression: $e}) { id } }""", errors=True, e=expression)  # fmt: skip
    assert error["extensions"]["code"] == code


def test_notes_are_appended(ask: Ask) -> None:
    made = ask("""mutation { annotate(id: "A", input: {description: "from the paper", tags: ["x", "y"]}) {
        notes { kind value } } }""")["annotate"]
    assert [(n["kind"], n["value"]) for n in made["notes"]] == [
        ("name", "A"), ("description", "from the paper"), ("tag", "x"), ("tag", "y"),
    ]  # fmt: skip


# -- documentation -------------------------------------------------------------------------------------------------------

SERVICE = ROOT / "docs" / "service.md"


@pytest.mark.parametrize(
    "block", [b for b in pages.blocks(SERVICE) if b.language == "graphql"], ids=lambda b: f"line {b.line}"
)
def test_what_the_documentation_asks_is_valid(block: pages.Block) -> None:
    from graphql import parse, specified_rules, validate

    schema = make_schema()._schema
    assert validate(schema, parse(block.code), [*specified_rules, *RULES]) == []


def test_the_documentation_names_every_limit_and_format() -> None:
    text = SERVICE.read_text(encoding="utf-8")
    for number in (limits.QUERY_CHARACTERS, limits.TOKENS, limits.DEPTH, limits.ALIASES, limits.COST, limits.PAGE,
                   limits.LINEAGE_NODES, int(limits.SECONDS)):  # fmt: skip
        assert f" {number:,} " in text, number
    for name, (media_type, _) in FORMATS.items():
        assert f"`{name}`" in text
        assert f"`{media_type}`" in text


# -- relations, status, overruling -----------------------------------------------------------------------------------------

RELATION = """query($a: String!, $b: String!) { relation(a: $a, b: $b) {
    subset { answer because rules } superset { answer because } equal { answer } disjoint { answer because } } }"""
RELATED = """query($containing: String! = "", $containedIn: String! = "", $sameSourcesAs: String! = "", $where: String! = "",
    $first: Int! = 50, $after: String! = "") {
  sourceCollections(containing: $containing, containedIn: $containedIn, sameSourcesAs: $sameSourcesAs, where: $where,
    first: $first, after: $after) { edges { node { objectId name } } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
def selections(nearby: Any) -> None:
    nearby.pull("A", ["id"], where="redshift < 0.5", name="near")
    nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="nearer")


@pytest.mark.usefixtures("selections")
def test_how_sources_relate(ask: Ask) -> None:
    found = ask(RELATION, a="nearer", b="near")["relation"]
    assert {q: found[q]["answer"] for q in found} == {
        "subset": "YES", "superset": "UNKNOWN", "equal": "UNKNOWN", "disjoint": "UNKNOWN",
    }  # fmt: skip
    assert "redshift < 0.2 implies redshift < 0.5" in found["subset"]["because"]
    assert found["subset"]["rules"]
    [error] = ask(RELATION, errors=True, a="nearer", b="absent")
    assert error["extensions"]["code"] == "not_found"


@pytest.mark.usefixtures("selections")
def test_pages_by_relation(ask: Ask, nearby: Any) -> None:
    for asked, question in (
        ("containing", "containing"),
        ("containedIn", "contained_in"),
        ("sameSourcesAs", "same_sources_as"),
    ):
        expected = [c.object_id for c in nearby.find(**{question: "near"})]
        assert expected
        seen, after, more = [], "", True
        while more:
            page = ask(RELATED, **{asked: "near", "first": 2, "after": after})["sourceCollections"]
            seen += [e["node"]["objectId"] for e in page["edges"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert seen == expected
    page = ask(RELATED, containedIn="near", where="attribute = 'absmag_u' and name is not null")["sourceCollections"]
    assert [e["node"]["name"] for e in page["edges"]] == ["nearer"]
    [error] = ask(RELATED, errors=True, containing="absent")
    assert error["extensions"]["code"] == "not_found"


@pytest.mark.usefixtures("selections")
def test_status_and_why(ask: Ask, nearby: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = '{ sourceCollection(name: "nearer") { status { status reasons } why { request choices { outcome what reason } } } }'
    one = ask(asked)["sourceCollection"]
    assert one["status"] == {"status": "UP_TO_DATE", "reasons": []}
    assert one["why"][0]["request"]["where"] == "redshift < 0.2"
    assert one["why"][0]["choices"]
    nearby.invalidate("absmag_u", "the zero point was wrong")
    found = ask(asked)["sourceCollection"]["status"]
    assert found["status"] == "OUT_OF_DATE"
    assert "the zero point was wrong" in found["reasons"][0]
    for k in range(9):
        nearby.pull("A", ["id"], where=f"redshift < 0.{k + 1}", name=f"selection {k}")
    monkeypatch.setattr(survey_module, "NAMES_SERVE", 0.0)  # as where everything is slow
    counted: list[str] = []
    real = nearby.engine.read
    monkeypatch.setattr(
        nearby.engine, "read", lambda statement, **p: counted.append(statement.name) or real(statement, **p)
    )
    page = ask(
        "{ sourceCollections(first: 50) { edges { node { objectId status { status reasons } why { ranking } } } } }"
    )
    edges = page["sourceCollections"]["edges"]
    assert len(edges) > 20
    assert len(counted) <= 20, " ".join(counted)
    for edge in edges:
        single = nearby.status(nearby.get(edge["node"]["objectId"]))
        assert edge["node"]["status"] == {"status": single.status, "reasons": list(single.reasons)}


def test_a_pull_is_overruled(ask: Ask, nearby: Any) -> None:
    nearby.define_calculator("simple", requires=["mag_u"], provides="absmag_u", expression="mag_u - 40", unit="mag")
    explained = "query($input: PullInput!) { explainPull(input: $input) { text choices { outcome what reason } } }"
    asked = {"start": "A", "attributes": ["absmag_u"]}
    [error] = ask(explained, errors=True, input=asked)
    assert error["extensions"]["code"] == "attribute_ambiguous"
    for overruled in ({"avoid": ["absmag_u"]}, {"use": [{"attribute": "absmag_u", "thing": "simple@1"}]},
                      {"use": [{"attribute": "absmag_u", "thing": nearby.definition("simple").iri}]}):  # fmt: skip
        assert "simple@1" in ask(explained, input={**asked, **overruled})["explainPull"]["text"]
    changed = [{"attribute": "absmag_u", "parameters": [{"name": "H0", "value": 67}]}]
    job = ask(CREATE, input={**asked, "avoid": ["simple"], "parameters": changed, "name": "slower"})["createPull"]
    assert finished(ask, job["id"])["phase"] == "COMPLETED"
    [pulled] = ask('{ sourceCollection(name: "slower") { why { request } } }')["sourceCollection"]["why"]
    assert pulled["request"]["parameters"] == {"absmag_u": {"H0": 67}}
    [error] = ask(explained, errors=True, input={**asked, "avoid": ["galaxies.fits"]})
    assert error["extensions"]["code"] == "not_found"


def test_a_calculator_is_invalidated_and_that_is_taken_back(ask: Ask, nearby: Any) -> None:
    nearby.pull("A", ["absmag_u"], where="redshift < 0.1", name="near")
    declare = """mutation($what: String!, $reason: String!) {
        invalidateCalculator(calculator: $what, reason: $reason) { name version kind invalid } }"""
    status = '{ sourceCollection(name: "near") { status { status reasons notHere } } }'
    found = ask(declare, what="absmag_u@1", reason="the zero point was wrong")["invalidateCalculator"]
    assert found == {"name": "absmag_u", "version": 1, "kind": "expression", "invalid": "the zero point was wrong"}
    said = ask(status)["sourceCollection"]["status"]
    assert said["status"] == "OUT_OF_DATE"
    assert "absmag_u@1" in said["reasons"][0]
    assert said["notHere"] == []
    (error,) = ask("query($i: PullInput!) { explainPull(input: $i) { text } }", errors=True,
                   i={"start": "A", "attributes": ["absmag_u"]})  # fmt: skip
    assert error["extensions"]["code"] == "cannot_derive"
    back = 'mutation { validateCalculator(calculator: "absmag_u", reason: "it was right") { objectId invalid } }'
    assert ask(back)["validateCalculator"]["invalid"] is None
    assert ask(status)["sourceCollection"]["status"]["status"] == "UP_TO_DATE"
    for what, reason, code in (("nothing", "because", "not_found"), ("absmag_u", " ", "reason_missing"),
                               ("absmag_u", "x" * 10_001, "request_too_long")):  # fmt: skip
        assert ask(declare, errors=True, what=what, reason=reason)[0]["extensions"]["code"] == code


def test_parts_by_mutation_share_no_source(ask: Ask, nearby: Any) -> None:
    split = """mutation($parts: [PartInput!]!) {
        split(collection: "A", parts: $parts, seed: 3, name: "mine") { name collection { name notation } } }"""
    made = ask(split, parts=[{"name": "train", "fraction": 0.8}, {"name": "test", "fraction": 0.2}])["split"]
    assert [(p["name"], p["collection"]["name"]) for p in made] == [("train", "mine train"), ("test", "mine test")]
    related = ask('{ relation(a: "mine train", b: "mine test") { disjoint { answer } } }')["relation"]
    assert related["disjoint"]["answer"] == "YES"
    assert nearby.relation("mine train", nearby.split("A", train=0.8, test=0.2, seed=3)["train"]).equal.value == "yes"
    for parts, code in (
        ([{"name": "a", "fraction": 0.8}, {"name": "b", "fraction": 0.4}], "fractions"), ([], "fractions"),
        ([{"name": "a", "fraction": 0.1}, {"name": "a", "fraction": 0.1}], "fractions"),
        ([{"name": f"p{k}", "fraction": 0.001} for k in range(101)], "fractions"),
        ([{"name": "seed", "fraction": 0.1}], "name_invalid"),
    ):  # fmt: skip
        assert ask(split, errors=True, parts=parts)[0]["extensions"]["code"] == code


def test_derived_values_are_forgotten(ask: Ask, nearby: Any) -> None:
    made = nearby.pull("A", ["id"], where="redshift < 0.1", name="near")
    before = made.table()
    forget = (
        'mutation($dry: Boolean!) { forget(collection: "near", dryRun: $dry) { segments bytes seconds done text } }'
    )
    said = ask(forget, dry=True)["forget"]
    assert (said["segments"], said["done"]) == (1, False)
    assert "made again when they are asked for" in said["text"]
    assert nearby.du() == nearby.du()
    assert (
        ask('mutation { forget(collection: "near") { done } }')["forget"]["done"] is False
    )  # nothing is dropped by accident
    done = ask(forget, dry=False)["forget"]
    assert (done["segments"], done["bytes"], done["done"]) == (1, said["bytes"], True)
    assert ask(forget, dry=True)["forget"]["segments"] == 0
    assert (nearby["near"].table()["id"] == before["id"]).all()
    (error,) = ask('mutation { forget(collection: "A") { done } }', errors=True)
    assert error["extensions"]["code"] == "nothing_derived"


def test_an_explanation_says_where_and_how_much(ask: Ask) -> None:
    found = ask("""query($i: PullInput!) { explainPull(input: $i) {
        expected superseded costs { step where sources bytes seconds } rows { step rows } } }""",
        i={"start": "A", "attributes": ["absmag_u"], "where": "redshift < 0.1"})["explainPull"]  # fmt: skip
    assert {c["where"] for c in found["costs"]} >= {"mapped file", "numpy"}
    assert {c["step"] for c in found["costs"]} == {r["step"] for r in found["rows"]}
    assert any(c["seconds"] is None for c in found["costs"])  # nobody has timed the calculator yet
    assert "of memory" in found["expected"]


@pytest.mark.parametrize(
    ("parameter", "code"),
    [({"name": "H0"}, "parameter_invalid"), ({"name": "H0", "value": 67.0, "collection": "A"}, "parameter_invalid"),
     ({"name": "H0", "collection": "nothing"}, "not_found")],
)  # fmt: skip
def test_process_parameters_that_cannot_be(ask: Ask, parameter: Any, code: str) -> None:
    asked = {
        "start": "A",
        "attributes": ["absmag_u"],
        "parameters": [{"attribute": "absmag_u", "parameters": [parameter]}],
    }
    (error,) = ask("query($i: PullInput!) { explainPull(input: $i) { text } }", errors=True, i=asked)
    assert error["extensions"]["code"] == code


def test_new_fields_count_towards_the_limits(ask: Ask) -> None:
    many = " ".join(f'r{k}: relation(a: "A", b: "A") {{ equal {{ answer }} }}' for k in range(limits.ALIASES + 1))
    assert "alias_limit" in {e["extensions"]["code"] for e in ask(f"{{ {many} }}", errors=True)}
    wide = "{ sourceCollections(first: 100) { edges { node { why { choices { outcome what reason } } status { reasons } } } } }"
    assert "cost_limit" in {e["extensions"]["code"] for e in ask(wide, errors=True)}


def test_a_whole_catalog_as_a_process_parameter_of_a_request(ask: Ask, nearby: Any, site: Any, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("id,redshift,mag_u\n1,0.1,20\n2,0.2,21\n")
    few = nearby.ingest(tmp_path / "few.csv", name="few", id="id", units={"redshift": "", "mag_u": "mag"})
    nearby.define_calculator("crowded", entry_point="crowd", catalogs={"among": "A"})
    made = []
    for parameters in ([], [{"name": "among", "collection": "few"}], [{"name": "among", "collection": few.iri}]):
        asked = {
            "start": "A",
            "attributes": ["crowd"],
            "parameters": [{"attribute": "crowd", "parameters": parameters}],
        }
        if not parameters:
            del asked["parameters"]
        job = ask(CREATE, input=asked)["createPull"]
        made.append(finished(ask, job["id"])["collection"]["objectId"])
    assert made[0] != made[1] == made[2]
    beside = nearby.pull("A", ["crowd"], parameters={"crowd": {"among": few}})
    assert beside.result.object_id == made[1]
