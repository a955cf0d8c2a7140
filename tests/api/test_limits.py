"""What one request may ask for, and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_introspection_query

from provgraph.api import limits
from provgraph.api.limits import Limits
from tests.api.conftest import Ask, Served


@pytest.fixture
def client(served: Served) -> Any:
    return served.client


@pytest.fixture
def ask(served: Served) -> Ask:
    return served.ask


@pytest.fixture
def nearby(served: Served) -> Any:
    return served.survey


def refused(ask: Ask, query: str, code: str, **variables: Any) -> str:
    errors = ask(query, errors=True, **variables)
    assert code in {e["extensions"]["code"] for e in errors}, errors
    return str(next(e["message"] for e in errors if e["extensions"]["code"] == code))


def nested(levels: int) -> str:
    return '{ sourceCollection(name: "A") ' + "{ parents " * levels + "{ name }" + " }" * levels + " }"


def test_deep(ask: Ask) -> None:
    ask(nested(4))
    codes = {e["extensions"]["code"] for e in ask(nested(limits.DEPTH - 2), errors=True)}
    assert codes == {"cost_limit"}, "as deep as may be, but each level is thought to be several times as wide"
    assert str(limits.DEPTH) in refused(ask, nested(limits.DEPTH - 1), "depth_limit")


def test_deep_through_fragments(ask: Ask) -> None:
    fragments = " ".join(f"fragment f{k} on SourceCollection {{ parents {{ ...f{k + 1} }} }}" for k in range(8))
    query = '{ sourceCollection(name: "A") { ...f0 } } ' + fragments + " fragment f8 on SourceCollection { name }"
    refused(ask, query, "depth_limit")


def aliased(n: int) -> str:
    return "{ " + " ".join(f'a{k}: sourceCollection(name: "A") {{ name }}' for k in range(n)) + " }"


def test_aliases(ask: Ask) -> None:
    ask(aliased(limits.ALIASES))
    assert str(limits.ALIASES) in refused(ask, aliased(limits.ALIASES + 1), "alias_limit")


def test_aliases_in_fragments_count_each_time(ask: Ask) -> None:
    names = " ".join(f"a{k}: name" for k in range(8))
    query = '{ x: sourceCollection(name: "A") { ...f } y: sourceCollection(name: "A") { ...f } } '
    query += f"fragment f on SourceCollection {{ {names} }}"
    refused(ask, query, "alias_limit")


def test_tokens(ask: Ask) -> None:
    refused(ask, "{ " + "sourceCollection " * limits.TOKENS + "}", "token_limit")


WIDE = (
    "{ sourceCollections(first: %d) { edges { node { notation notes { value kind reason recorded validFrom } %s } } } }"
)


def test_wide(ask: Ask) -> None:
    attributes = "attributes { name unit ucd dtype origin description shape }"
    ask(WIDE % (10, attributes))
    assert str(limits.COST) in refused(ask, WIDE % (100, attributes), "cost_limit")


def test_a_variable_counts_as_the_largest_page(ask: Ask) -> None:
    query = "query($n: Int!) " + (WIDE % (7, "attributes { name unit ucd dtype origin description shape }")).replace(
        "7", "$n"
    )
    refused(ask, query, "cost_limit", n=1)


def test_a_page_without_its_size_counts_as_the_default(ask: Ask) -> None:
    ask("{ sourceCollections { edges { node { name attributes { name unit ucd dtype origin description } } } } }")


def test_a_bomb_of_fragments_is_measured_at_once(ask: Ask) -> None:
    """2^30 fields, were they counted one by one."""
    fragments = " ".join(f"fragment f{k} on SourceCollection {{ ...f{k + 1} ...f{k + 1} }}" for k in range(30))
    query = '{ sourceCollection(name: "A") { ...f0 } } ' + fragments + " fragment f30 on SourceCollection { name }"
    assert "1073741825" in refused(ask, query, "cost_limit")


def test_fragments_in_a_circle(ask: Ask) -> None:
    query = """{ sourceCollection(name: "A") { ...f } }
    fragment f on SourceCollection { parents { ...g } } fragment g on SourceCollection { parents { ...f } }"""
    refused(ask, query, "graphql_invalid")


def test_introspection_is_open_and_bounded(ask: Ask) -> None:
    assert ask(get_introspection_query())["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}
    deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    refused(ask, deep, "graphql_invalid")


def test_the_lineage_of_a_thousand_is_within_the_cost(ask: Ask) -> None:
    ask("""{ lineage(input: {roots: ["A"], up: 10, down: 10, limit: 1000}) {
        nodes { id kind className label href properties } edges { source target relation role } complete truncated } }""")


def test_unknown_fields_are_refused_without_suggestions(ask: Ask) -> None:
    message = refused(ask, "{ sourceColection(name: 1) { id } }", "graphql_invalid")
    assert "Did you mean" not in message


def test_of_several_operations_one_is_named(client: Any) -> None:
    query = "query a { a: __typename } query b { b: __typename }"
    for unnamed in ({}, {"operationName": None}, {"operationName": ""}):
        [error] = client.post("/graphql", json={"query": query} | unnamed).json()["errors"]
        assert error["extensions"]["code"] == "graphql_operation"
    for name in "ab":
        answer = client.post("/graphql", json={"query": query, "operationName": name}).json()
        assert answer == {"data": {name: "Query"}}


def test_a_mistake_in_the_text(ask: Ask) -> None:
    [error] = ask("{ sourceCollections(", errors=True)
    assert error["extensions"]["code"] == "graphql_syntax"
    assert error["locations"]


def test_a_variable_of_another_type(ask: Ask) -> None:
    [error] = ask("query($n: Int!) { sourceCollections(first: $n) { edges { cursor } } }", errors=True, n="many")
    assert error["extensions"]["code"] == "graphql_invalid"


# -- before GraphQL ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "headers", "status", "code"), [
    (b"{}", {"content-type": "text/plain"}, 400, "media_type"),
    (b"{ healthz }", {"content-type": "application/graphql"}, 400, "media_type"),
    (b"query=1", {"content-type": "application/x-www-form-urlencoded"}, 400, "media_type"),
    (b"", {"content-type": "multipart/form-data; boundary=x"}, 400, "media_type"),
    (b"{", {"content-type": "application/json"}, 400, "json_invalid"),
    (b"\xff\xfe", {"content-type": "application/json"}, 400, "json_invalid"),
    (b"[]", {"content-type": "application/json"}, 400, "graphql_request"),
    (b'[{"query": "{ __typename }"}]', {"content-type": "application/json"}, 400, "graphql_request"),
    (b'{"query": 1}', {"content-type": "application/json"}, 400, "graphql_request"),
    (b'{"query": "  "}', {"content-type": "application/json"}, 400, "graphql_request"),
    (b'{"query": "{ __typename }", "variables": []}', {"content-type": "application/json"}, 200, None),
    (b'{"query": "{ __typename }", "variables": 1}', {"content-type": "application/json"}, 400, "graphql_request"),
    (b'{"query": "query a { __typename }", "operationName": "b"}', {"content-type": "application/json"}, 400,
     "graphql_operation"),
    (b'{"query": "{ __typename }", "operationName": 3}', {"content-type": "application/json"}, 400, "graphql_request"),
])  # fmt: skip
def test_bodies(client: Any, body: bytes, headers: dict[str, str], status: int, code: str | None) -> None:
    answer = client.post("/graphql", content=body, headers=headers)
    if code == "media_type":
        status = 415
    assert answer.status_code == status
    if code is not None:
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == code


def test_a_body_that_is_too_large(client: Any) -> None:
    body = b'{"query": "' + b" " * limits.BODY_BYTES + b'"}'
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "body_too_large")


def test_a_text_that_is_too_long(client: Any) -> None:
    """One string is one token, however long."""
    query = '{ sourceCollection(name: "' + "x" * limits.QUERY_CHARACTERS + '") { id } }'
    answer = client.post("/graphql", json={"query": query})
    assert answer.json()["errors"][0]["extensions"]["code"] == "query_too_long"


def test_operations_are_not_sent_with_get(client: Any) -> None:
    answer = client.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "data" not in answer.text or answer.json()["data"] is None
    assert client.put("/graphql", json={}).status_code == 405


def test_an_answer_that_takes_too_long(client: Any, nearby: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(limits, "SECONDS", 0.2)
    monkeypatch.setattr(nearby, "definitions", lambda: time.sleep(1) or [])
    answer = client.post("/graphql", json={"query": "{ calculatorDefinitions { name } }"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (504, "timeout")


def test_what_is_our_fault_is_masked(client: Any, nearby: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(nearby, "definitions", broken)
    answer = client.post("/graphql", json={"query": "{ calculatorDefinitions { name } }"})
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "internal"
    assert "swordfish" not in answer.text
    assert error["extensions"]["details"]["incident"] in caplog.text
    assert "swordfish" in caplog.text


def test_a_clients_mistake_is_not_logged(ask: Ask, caplog: Any) -> None:
    ask("{ nope }", errors=True)
    ask('{ sourceCollection(name: "nope") { id } }', errors=True)
    assert caplog.text == ""


def test_rules_are_made_once() -> None:
    """Others for each request would never meet the cache of validated documents."""
    assert limits.EXTENSIONS[0]().validation_rules is limits.EXTENSIONS[0]().validation_rules  # type: ignore[attr-defined]
    assert [Limits] == limits.RULES
