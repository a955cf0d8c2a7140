"""Only this machine, only under its own name, only our own pages."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.api.security import check_loopback
from provgraph.errors import UsageError
from tests.api.conftest import Served


@pytest.mark.parametrize(("host", "address"), [
    ("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"), ("127.0.0.2", "127.0.0.2"),
])  # fmt: skip
def test_this_machine(host: str, address: str) -> None:
    assert check_loopback(host) == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.2", "example.org", "localhost.example.org", "1", "*"])
def test_other_machines(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_loopback(host)
    assert caught.value.code == "host_not_loopback"


@pytest.mark.parametrize("host", ["localhost", "localhost:8765", "127.0.0.1:1", "[::1]:8765", "[::1]", "LOCALHOST"])
def test_our_names(served: Served, host: str) -> None:
    assert served.client.get("/healthz", headers={"host": host}).json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example",
                                  "0.0.0.0", "", "[::2]", "user@localhost"])  # fmt: skip
def test_names_of_others(served: Served, host: str) -> None:
    answer = served.client.get("/", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "host_foreign")


@pytest.mark.parametrize(("origin", "status"), [
    ("http://localhost", 200), ("https://evil.example", 403), ("null", 403), ("http://localhost:1", 403),
])  # fmt: skip
def test_pages_of_others_may_not_ask(served: Served, origin: str, status: int) -> None:
    answer = served.client.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": origin})
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/graphql", "/healthz", "/static/style.css", "/nothing", "/readyz"])
def test_every_answer_is_protected(served: Served, path: str) -> None:
    headers = served.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    # GraphiQL's editor writes style; nothing may ever run script that is not a file of ours.
    assert headers["content-security-policy"].count("unsafe") == (path == "/graphql")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_style_of_a_drawing_is_allowed_by_its_digest(served: Served) -> None:
    one = served.survey.get("near")
    answer = served.client.get(f"/id/{one.object_id}")
    policy = answer.headers["content-security-policy"]
    assert policy.count("'sha256-") == answer.text.count("<style>")
    assert "unsafe" not in policy


def test_an_error_of_ours_is_protected_and_says_nothing(
    client: Any, nearby: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearby, "definitions", lambda: 1 / 0)
    for headers in ({"accept": "text/html"}, {}):
        answer = client.get("/", headers=headers)
        assert answer.status_code == 500
        assert "content-security-policy" in answer.headers
        assert "ZeroDivision" not in answer.text


def test_health(served: Served) -> None:
    assert served.client.get("/readyz").json() == {"status": "ready", "engine": served.survey.engine.name}
    assert served.client.delete("/healthz").status_code == 405


def test_not_ready_without_a_graph(client: Any, nearby: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from provgraph.errors import GraphUnavailable

    def gone(*_: Any, **__: Any) -> Any:
        raise GraphUnavailable("The graph cannot be reached.")

    monkeypatch.setattr(nearby.mapper, "read", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "graph_unavailable")
    assert answer.headers["retry-after"]
