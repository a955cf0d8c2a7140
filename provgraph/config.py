"""Settings with zero-setup defaults, and the maps of engines and stores: to add one, add a line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from provgraph.errors import InvalidInput

# Graph engine by the scheme of its address; the embedded one has no address but the survey's directory.
ENGINES: Mapping[str, str] = {
    "embedded": "provgraph.graph.shared:open_embedded",
    "bolt": "provgraph.graph.neo4j:Neo4jEngine",
    "bolt+s": "provgraph.graph.neo4j:Neo4jEngine",
    "bolt+ssc": "provgraph.graph.neo4j:Neo4jEngine",
    "neo4j": "provgraph.graph.neo4j:Neo4jEngine",
    "neo4j+s": "provgraph.graph.neo4j:Neo4jEngine",
    "neo4j+ssc": "provgraph.graph.neo4j:Neo4jEngine",
}
# Where catalog values are kept.
STORES: Mapping[str, str] = {
    "hdf5": "provgraph.bulk.hdf5:Hdf5Store",
    "memory": "provgraph.bulk.memory:MemoryStore",
}
EMBEDDED = "embedded"


@dataclass(frozen=True)
class Settings:
    """What can be set from outside; each field is read from ``PROVGRAPH_<FIELD>``."""

    survey: Path | None = None  # PROVGRAPH_SURVEY: directory of the survey
    graph: str = EMBEDDED  # PROVGRAPH_GRAPH: "embedded", or an address such as bolt://localhost:7687
    graph_auth: tuple[str, str] | None = field(default=None, repr=False)  # PROVGRAPH_GRAPH_AUTH: user:password
    graph_database: str | None = None  # PROVGRAPH_GRAPH_DATABASE: the server's default one unless said
    store: str | None = None  # PROVGRAPH_STORE: places of the files of objects, in their order, separated by commas
    cache_size: str | None = None  # PROVGRAPH_CACHE_SIZE: what is kept here of files from far away, such as 50GiB
    memory: str | None = None  # PROVGRAPH_MEMORY: what one processing may take, such as 1GiB; no limit unless said

    classes: tuple[
        str, ...
    ] = ()  # PROVGRAPH_CLASSES: modules with persistent classes that commands import, separated by commas

    # PROVGRAPH_PUBLICATION_POLICY: the provenance policy that things are checked by before they get an identifier
    publication_policy: Path | None = None

    # PROVGRAPH_CALCULATOR_SECONDS, PROVGRAPH_CALCULATOR_MEMORY: what foreign code may take in one call; no limit unless said
    calculator_seconds: float | None = None
    calculator_memory: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from variables; an empty variable counts as absent."""
        variables = os.environ if environment is None else environment
        given = {f: variables.get(f"PROVGRAPH_{f.upper()}") or None for f in cls.__dataclass_fields__}
        settings = cls(
            survey=Path(given["survey"]) if given["survey"] else None,
            graph_auth=parse_auth(given["graph_auth"]) if given["graph_auth"] else None,
            graph_database=given["graph_database"],
            store=given["store"],
            cache_size=given["cache_size"],
            memory=given["memory"],
            classes=tuple(c.strip() for c in (given["classes"] or "").split(",") if c.strip()),
            publication_policy=Path(given["publication_policy"]) if given["publication_policy"] else None,
            calculator_seconds=parse_seconds(given["calculator_seconds"]),
            calculator_memory=given["calculator_memory"],
        )
        return replace(settings, graph=given["graph"]) if given["graph"] else settings


def parse_auth(text: str) -> tuple[str, str]:
    """User and password from ``user:password``; the password may hold colons."""
    user, colon, password = text.partition(":")
    if not user or not colon:
        raise InvalidInput("PROVGRAPH_GRAPH_AUTH is to be user:password.", code="graph_auth")
    return user, password


def parse_seconds(text: str | None) -> float | None:
    """A time limit in seconds."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InvalidInput(f"A time limit is a number of seconds above 0, not {text!r}.", code="time_limit")
    return seconds


def engine_factory(graph: str) -> tuple[str, Any]:
    """The scheme of a graph's address and the class or function that opens it.

    Raises
    ------
    InvalidInput : ``graph_address`` when nothing opens such an address.
    """
    scheme, separator, rest = graph.partition("://")
    known = scheme in ENGINES and (scheme == EMBEDDED) == (not separator) and (scheme == EMBEDDED or bool(rest))
    if not known:
        raise InvalidInput(
            f"{graph!r} is not the address of a graph; use {EMBEDDED!r}, bolt://host:7687 or neo4j://host:7687 "
            "(with +s or +ssc for TLS).",
            code="graph_address",
        )
    return scheme, _named(ENGINES[scheme])


def store_factory(store: str) -> Any:
    """The class that keeps catalog values under this name."""
    if store not in STORES:
        raise InvalidInput(f"{store!r} is not a store; there are: {', '.join(STORES)}.", code="store_unknown")
    return _named(STORES[store])


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
