"""A real Neo4j for tests and benchmarks: one that is there, a container, or Community from Maven Central.

`start()` looks, in this order, at ``PROVGRAPH_TEST_NEO4J_URI`` (with ``PROVGRAPH_TEST_NEO4J_AUTH`` as
``user:password``), a Docker daemon (with the package ``testcontainers``), and ``mvn`` with a fitting Java.
``PROVGRAPH_TEST_NEO4J_VERSION`` selects the version of the last two.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import platformdirs

HERE = Path(__file__).parent
DEFAULT_VERSION = "5.26.30"
TOO_OLD_VERSION = "5.25.1"
PASSWORD = "only-for-tests"
WAYS = "set PROVGRAPH_TEST_NEO4J_URI and _AUTH, or install mvn and Java 17 (21 for 2026 releases)"


class Unavailable(Exception):
    """No Neo4j can be had here; the text says why."""


class Server(NamedTuple):
    """A running server: `stop` ends what `start` started and leaves alone what was there before."""

    uri: str
    auth: tuple[str, str]
    stop: Callable[[], None]


def start(version: str | None = None) -> Server:
    """A running Neo4j, ready for connections; of one version, then never the one that is there."""
    uri = os.environ.get("PROVGRAPH_TEST_NEO4J_URI")
    if uri and version is None:
        user, _, password = os.environ.get("PROVGRAPH_TEST_NEO4J_AUTH", "neo4j:neo4j").partition(":")
        return Server(uri, (user, password), lambda: None)
    version = version or os.environ.get("PROVGRAPH_TEST_NEO4J_VERSION") or DEFAULT_VERSION
    return _in_container(version) or _from_maven(version)


def _in_container(version: str) -> Server | None:
    if not _docker_answers():
        return None
    try:
        from testcontainers.neo4j import Neo4jContainer
    except ImportError:
        return None
    container = Neo4jContainer(f"neo4j:{version}-community", password=PASSWORD).start()
    return Server(container.get_connection_url(), ("neo4j", PASSWORD), container.stop)


def _docker_answers() -> bool:
    path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    if not path.startswith("/") or not Path(path).exists():
        return False
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.settimeout(2)
        try:
            daemon.connect(path)
        except OSError:
            return False
    return True


def _from_maven(version: str) -> Server:
    java = _java(17 if version.startswith("5.") else 21)
    jars = _jars(version, java)
    directory = Path(tempfile.mkdtemp(prefix="provgraph-neo4j-"))
    log = directory / "launcher.log"
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.nio", "sun.nio.ch")]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [java, "-Xmx1g", *opens, "-cp", f"{jars}/*", HERE / "Neo4j.java", directory / "home", PASSWORD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=directory,
        )  # fmt: skip

    def stop() -> None:
        process.kill()  # nothing of it is kept, so nothing need be written
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)

    # Reading the line blocks, so a clock ends a server that never says it is ready.
    clock = threading.Timer(180, process.kill)
    clock.start()
    assert process.stdout is not None
    ready = next((m for line in process.stdout if (m := re.fullmatch(rb"READY (\d+)\s*", line))), None)
    clock.cancel()
    if ready is None:
        process.wait()
        text = log.read_text(errors="replace")[-2000:]
        shutil.rmtree(directory, ignore_errors=True)
        raise Unavailable(f"Neo4j {version} did not start on {java}: {text}")
    # What it prints later must not fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    return Server(f"bolt://127.0.0.1:{int(ready[1])}", ("neo4j", PASSWORD), stop)


def _jars(version: str, java: str) -> Path:
    """The folder of the version's jars, fetched once per user."""
    folder = Path(platformdirs.user_cache_dir("provgraph")) / "neo4j" / version
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("mvn is not installed")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{version}-") as partial:
        outcome = subprocess.run(
            [maven, "-q", "-B", "-f", HERE / "pom.xml", f"-Dneo4j.version={version}",
             "dependency:copy-dependencies", f"-DoutputDirectory={partial}/jars"],
            capture_output=True, text=True, check=False, timeout=900,
            env={**os.environ, "JAVA_HOME": str(Path(java).resolve().parent.parent)},
        )  # fmt: skip
        if outcome.returncode != 0:
            raise Unavailable(f"mvn could not fetch Neo4j {version}: {outcome.stdout[-500:]}{outcome.stderr[-500:]}")
        try:
            Path(partial, "jars").rename(folder)
        except OSError:  # another run was first
            if not folder.is_dir():
                raise
    return folder


def _java(least: int) -> str:
    """The oldest installed Java that is new enough."""
    homes = [Path(value) for key, value in os.environ.items() if key.startswith("JAVA_HOME") and value]
    homes += Path("/usr/lib/jvm").glob("*") if Path("/usr/lib/jvm").is_dir() else []
    homes += Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home")
    on_path = shutil.which("java")
    if on_path:
        homes.append(Path(on_path).resolve().parent.parent)
    found = sorted((number, str(home / "bin" / "java")) for home in homes if (number := _version(home)) >= least)
    if not found:
        raise Unavailable(f"Java {least} or newer is not installed")
    return found[0][1]


def _version(home: Path) -> int:
    """The main version of the Java in `home`, 0 when there is none."""
    if not (home / "bin" / "java").is_file() or not (home / "release").is_file():
        return 0
    match = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(errors="replace"), re.MULTILINE)
    return int(match[1]) if match else 0
