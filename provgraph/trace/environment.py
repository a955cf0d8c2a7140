"""What ran: interpreter, operating system, packages by version; and the software agent that did."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

from provgraph.schema import keys
from provgraph.schema.agents import Agent
from provgraph.schema.files import Environment


@cache
def _facts() -> tuple[str, str, tuple[str, ...]]:
    packages = sorted(
        {f"{d.metadata['Name'].lower()}=={d.version}" for d in metadata.distributions() if d.metadata["Name"]}
    )
    return platform.python_version(), f"{platform.system()} {platform.machine()}", tuple(packages)


def environment() -> Environment:
    """The environment of this process; the same packages give the same object wherever they run."""
    python, system, packages = _facts()
    digest = "sha256:" + keys.sha256([python, system, list(packages)])
    return Environment(digest=digest, python=python, platform=system, packages=list(packages))


@cache
def software() -> Agent:
    """provgraph itself, by version."""
    return Agent("software", "provgraph", metadata.version("provgraph"))
