"""The service as a process: says where it is, answers, ends cleanly, refuses what it must."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provgraph.api import serve
from provgraph.errors import NotFound, UsageError
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401

_SERVE = """
import sys
from provgraph.api import serve
serve(sys.argv[1], graph=sys.argv[2], auth=tuple(sys.argv[3:]) or None, port=0)
print("closed", file=sys.stderr)
"""


@pytest.fixture
def process(request: pytest.FixtureRequest, nearby: Any) -> Iterator[subprocess.Popen[str]]:
    """`serve` in a process of its own, while the survey is open here too."""
    where = [""]
    if nearby.engine.name != "embedded":
        server = request.getfixturevalue("neo4j_server")
        where = [server.uri, *server.auth]
    found = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(nearby.directory), *where], stderr=subprocess.PIPE, text=True
    )
    yield found
    found.kill()
    found.wait()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", line), line
    for _ in range(200):
        try:
            urllib.request.urlopen(line + "healthz", timeout=5).read()
            return line
        except OSError:
            time.sleep(0.05)
    raise AssertionError("it does not answer")


def post(url: str, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(url + "graphql", body, {"content-type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=60).read())


def test_it_serves_and_ends_cleanly(process: subprocess.Popen[str], nearby: Any) -> None:
    url = address(process)
    assert post(url, '{ sourceCollection(name: "A") { name } }') == {"data": {"sourceCollection": {"name": "A"}}}
    created = post(url, 'mutation { createPull(input: {start: "A", attributes: ["id", "absmag_u"]}) { id } }')
    job_id = created["data"]["createPull"]["id"]
    deadline = time.monotonic() + 60
    while (phase := post(url, f'{{ pull(id: "{job_id}") {{ phase }} }}')["data"]["pull"]["phase"]) != "COMPLETED":
        assert phase in ("QUEUED", "EXECUTING")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines = urllib.request.urlopen(f"{url}pulls/{job_id}/result?format=csv", timeout=60).read().decode().splitlines()
    assert lines[0] == "id,absmag_u"
    assert len(lines) == 1001
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert process.stderr is not None
    assert process.stderr.read() == "closed\n", "and nothing to complain about"


def test_a_foreign_address_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        serve(tmp_path / "nothing", host="0.0.0.0")
    assert caught.value.code == "host_not_loopback"


def test_a_directory_without_a_survey(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        serve(tmp_path / "nothing", port=0)
    assert caught.value.code == "survey_missing"
    assert not (tmp_path / "nothing").exists()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError) as caught:
            serve(tmp_path, port=taken.getsockname()[1])
    assert caught.value.code == "port_in_use"


def test_a_port_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        serve(tmp_path, port=70000)
