"""GraphiQL in a real browser, without network: it starts, asks for the schema, and nothing it wants is refused."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import provgraph
from tests.surveys import galaxies, write_fits

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--log-level=0",
)  # fmt: skip
SERVE = "import sys; from provgraph.api import serve; serve(sys.argv[1], port=int(sys.argv[2]))"


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium here; on Debian: apt-get install chromium")
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with provgraph.open(folder / "survey") as survey:
        survey.ingest(write_fits(folder / "galaxies.fits", galaxies(100)), name="A", id="id")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", SERVE, str(folder / "survey"), str(port)]) as server:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.embedded
@pytest.mark.parametrize(("page", "shown"), [
    ("/graphql", ["graphiql-execute-button", "sourceCollections", "CodeMirror"]),
    ("/", ["External", "A"]),
])  # fmt: skip
def test_a_page_in_a_browser(browser: str, address: str, page: str, shown: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000", "--dump-dom", address + page],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    for word in shown:
        assert word in done.stdout, done.stdout[-2000:]
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not [line for line in told if re.search(r"Refused|violates|Error|Failed", line)], told
