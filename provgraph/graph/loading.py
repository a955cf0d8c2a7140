"""What bulk loads share: the marker that lets the next start find what a killed load left."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from provgraph import names
from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.engine import KEYS, EdgeRow, GraphEngine, NodeRow

CHUNK = 5000

statements.declare(*KEYS, *KEYS.values(), "ImportMarker", *names.RELATIONS)

T = TypeVar("T")


def chunks(rows: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Lists of at most `size` rows."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


@contextmanager
def marked(engine: GraphEngine) -> Iterator[str]:
    """An import id under whose marker nodes are loaded; what raises inside is undone at once."""
    import_id = uuid.uuid4().hex
    started = _text(datetime.now(UTC))
    engine.write(lambda run: run(statements.load("load/begin"), import_id=import_id, started=started))
    try:
        yield import_id
    except BaseException:
        undo(engine, import_id)
        raise
    engine.write(lambda run: run(statements.load("load/end"), import_id=import_id))


def undo(engine: GraphEngine, import_id: str) -> None:
    """Remove the nodes of a load, then its marker."""
    for label in KEYS:
        statement = statements.load("load/undo", label=label)
        while engine.write(lambda run: run(statement, import_id=import_id, most=CHUNK))[0]["removed"]:  # noqa: B023
            pass
    engine.write(lambda run: run(statements.load("load/end"), import_id=import_id))


def undo_unfinished(engine: GraphEngine, *, older_than: timedelta = timedelta()) -> list[str]:
    """Remove what killed loads left, their ids; where others may be loading, only what is too old to be under way."""
    now = _text(datetime.now(UTC) - older_than)
    found = [r["import_id"] for r in engine.read(statements.load("load/unfinished")) if r["started"] <= now]
    for import_id in found:
        undo(engine, import_id)
    return found


def node_properties(node: NodeRow, import_id: str) -> dict[str, Any]:
    """What is stored of a node; a property that is None is not there, as in Cypher."""
    key = KEYS.get(node.labels[0]) if node.labels else None
    if key is None or node.properties.get(key) is None:
        raise ProvgraphError(
            f"A loaded node needs one of {', '.join(KEYS)} as its first label, and its key; it has {node.labels}.",
            code="load_invalid",
        )
    return {**_present(node.properties), "import_id": import_id}


def edge_properties(edge: EdgeRow) -> dict[str, Any]:
    return _present(edge.properties)


def missing_end(relation: str, end: object = "") -> ProvgraphError:
    """The error of an edge whose ends are not there."""
    return ProvgraphError(f"An end of a loaded {relation} edge is not in the graph {end}.", code="dependency_missing")


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _present(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in properties.items() if v is not None}


def load_by_statements(engine: GraphEngine, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
    """A bulk load by batches of ``UNWIND``, each its own transaction."""
    with marked(engine) as import_id:
        for chunk in chunks(nodes):
            by_labels: dict[tuple[str, ...], list[dict[str, Any]]] = {}
            for node in chunk:
                by_labels.setdefault(node.labels, []).append(node_properties(node, import_id))
            for labels, rows in by_labels.items():
                statement = statements.load("load/nodes", labels=":".join(labels))
                engine.write(lambda run: run(statement, rows=rows))  # noqa: B023
        for some in chunks(edges):
            by_kind: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
            for edge in some:
                row = {"source": edge.source[1], "target": edge.target[1], "properties": edge_properties(edge)}
                by_kind.setdefault((edge.relation, edge.source[0], edge.target[0]), []).append(row)
            for (relation, source, target), edge_rows in by_kind.items():
                statement = statements.load(
                    "load/edges", relation=relation, source_label=source, source_key=KEYS[source],
                    target_label=target, target_key=KEYS[target],
                )  # fmt: skip
                written = engine.write(lambda run: run(statement, rows=edge_rows))  # noqa: B023
                if written[0]["written"] != len(edge_rows):
                    raise missing_end(relation)
