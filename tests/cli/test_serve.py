from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from provgraph.cli import serve
from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run


@pytest.mark.embedded
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")
def test_the_service_answers_until_it_is_interrupted(survey: Path) -> None:
    words = [sys.executable, "-m", "provgraph", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr is not None
            address = child.stderr.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            question = json.dumps({"query": "{ __typename }"}).encode()
            request = urllib.request.Request(f"{address}graphql", question, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer) == {"data": {"__typename": "Query"}}
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    assert (child.returncode, out, err) == (0, "", "")


def test_there_must_be_a_survey(run: Run) -> None:
    run("serve", status=EXIT_NOT_FOUND)
    run("serve", "--survey", "nowhere", "--port", "0", status=EXIT_NOT_FOUND)


def test_it_does_not_listen_to_the_world(run: Run) -> None:
    said = run("serve", "--survey", "nowhere", "--host", "0.0.0.0", "--json", status=EXIT_USAGE)
    assert json.loads(said.err)["code"] == "host_not_loopback"


def test_without_its_packages_it_says_how_to_install_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(find_spec(package) for package in serve.NEEDS)
    monkeypatch.setattr(serve, "NEEDS", (*serve.NEEDS, "no_such_module"))
    assert "pip install 'provgraph[serve]'" in run("serve", "--survey", "x", status=EXIT_ERROR).err
    assert "pip install 'provgraph[serve]'" in run("demo", status=EXIT_ERROR).err
