"""Persistent objects in a graph engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provgraph.config import EMBEDDED, engine_factory

if TYPE_CHECKING:
    from provgraph.graph.engine import GraphEngine


def open_graph(
    graph: str, directory: Path, *, auth: tuple[str, str] | None = None, database: str | None = None
) -> GraphEngine:
    """The engine of a survey: embedded in `directory` (shared with other processes), or the server at an address."""
    scheme, factory = engine_factory(graph)
    engine: GraphEngine = factory(directory) if scheme == EMBEDDED else factory(graph, auth, database)
    return engine
