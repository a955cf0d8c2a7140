"""What can be said of docker/ without a daemon: it parses, and holds to what the documentation promises."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

DOCKER = ROOT / "docker"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def test_every_service_is_checked_and_not_root(compose: Any) -> None:
    neo4j, provgraph = compose["services"]["neo4j"], compose["services"]["provgraph"]
    assert neo4j["user"] != "0"
    assert "healthcheck" in neo4j
    assert provgraph["depends_on"]["neo4j"]["condition"] == "service_healthy"
    dockerfile = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER provgraph$", dockerfile, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", dockerfile, re.MULTILINE)


def test_data_is_in_named_volumes(compose: Any) -> None:
    for service in compose["services"].values():
        for mounted in service["volumes"]:
            assert mounted.split(":")[0] in compose["volumes"]


def test_ports_are_for_this_machine_only(compose: Any) -> None:
    for service in compose["services"].values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_no_password_is_written_down(compose: Any) -> None:
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if "AUTH" in name:
                assert "${NEO4J_PASSWORD:?" in value


def test_neo4j_is_of_a_version_that_is_tested(compose: Any) -> None:
    from tests.neo4j.launcher import DEFAULT_VERSION

    assert compose["services"]["neo4j"]["image"] == f"neo4j:{DEFAULT_VERSION.rpartition('.')[0]}-community"


def test_what_the_image_copies_is_there() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists()
            assert source in allowed


def test_the_scripts_parse() -> None:
    subprocess.run(["sh", "-n", DOCKER / "start"], check=True)


def test_health_is_asked_where_the_service_answers() -> None:
    from provgraph.api.app import ROUTES

    found = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", (DOCKER / "Dockerfile").read_text())
    assert found is not None
    assert f"--port {found[1]}" in (DOCKER / "start").read_text()
    assert found[2] in {getattr(route, "path", "") for route in ROUTES}


def test_the_container_starts_commands_that_exist() -> None:
    from provgraph.cli.commands import COMMANDS

    used = re.findall(r"provgraph (\w+) ", (DOCKER / "start").read_text())
    assert used
    assert set(used) <= set(COMMANDS)
