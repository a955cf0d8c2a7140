"""The service on a survey with one catalog and one calculator, on each engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import provgraph
from tests.conftest import ENGINES, empty
from tests.surveys import EXPRESSION, catalog, galaxies, nearby, open_survey, survey, write_fits  # noqa: F401

Ask = Callable[..., Any]


def serving(survey: Any) -> Any:
    """A client of the service of an open survey; to be entered."""
    from starlette.testclient import TestClient

    from provgraph.api.app import make_app

    return TestClient(make_app(survey), base_url="http://localhost")


def asking(client: Any) -> Ask:
    """Sends an operation; gives its data, or with ``errors=True`` its errors."""

    def send(query: str, *, errors: bool = False, **variables: Any) -> Any:
        answer = client.post("/graphql", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        if errors:
            assert "errors" in found, found
            return found["errors"]
        assert "errors" not in found, found
        return found["data"]

    return send


@pytest.fixture
def client(nearby: Any) -> Iterator[Any]:
    with serving(nearby) as client:
        yield client


@pytest.fixture
def ask(client: Any) -> Ask:
    return asking(client)


class Served(NamedTuple):
    """A service that the tests of one module share: they change nothing that another would notice."""

    survey: Any
    client: Any
    ask: Ask
    job: Any  # the completed pull `BRIGHT`


@pytest.fixture(scope="module", params=ENGINES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("served")
    where: dict[str, Any] = {}
    if request.param == "neo4j":
        server = request.getfixturevalue("neo4j_server")
        from provgraph.graph.neo4j import Neo4jEngine

        with Neo4jEngine(server.uri, server.auth) as engine:
            empty(engine)
        where = {"graph": server.uri, "auth": server.auth}
    with provgraph.open(directory / "survey", **where) as survey:
        write_fits(directory / "galaxies.fits", galaxies())
        survey.ingest(directory / "galaxies.fits", name="A", id="id", units={"redshift": ""})
        survey.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION, unit="mag")
        with serving(survey) as client:
            ask = asking(client)
            yield Served(survey, client, ask, finished(ask, ask(CREATE, input=BRIGHT)["createPull"]["id"]))


CREATE = """mutation($input: PullInput!, $key: String! = "") {
  createPull(input: $input, idempotencyKey: $key) { id phase explanation { text } }
}"""
PULL = """query($id: ID!) {
  pull(id: $id) { id phase progress { fraction message } error { code message } result { href mediaType formats rows }
    started ended collection { objectId name attributes { name } } explanation { request choices { outcome what reason } } }
}"""
BRIGHT = {"start": "A", "attributes": ["id", "redshift", "absmag_u"], "where": "redshift < 0.5", "name": "near"}


@pytest.fixture
def pulled(ask: Ask) -> Any:
    """The job of a completed pull of the paper's example."""
    job_id = ask(CREATE, input=BRIGHT)["createPull"]["id"]
    return finished(ask, job_id)


def finished(ask: Ask, job_id: str) -> Any:
    deadline = time.monotonic() + 60
    while (job := ask(PULL, id=job_id)["pull"])["phase"] in ("PENDING", "QUEUED", "EXECUTING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job
