"""Rows of records to nodes and edges: the statements that write them, a thousand rows each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provgraph import names
from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.engine import Run
from provgraph.graph.statements import Statement
from provgraph.language.criterion import BoundCriterion
from provgraph.schema import atoms
from provgraph.schema.agents import RELATIONS
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject

AT_ONCE = 1000  # rows of a statement that creates; five times as many take nine times as long on the embedded engine

# What creates an edge that says these things.
_CREATING: Mapping[tuple[str, ...], str] = {
    (): "queries/create_edges",
    ("role",): "queries/create_edges_in_role",
    ("role", "index"): "queries/create_edges_in_place",
}
Ends = list[tuple[str, str, dict[str, Any]]]
Kind = tuple[str, str]  # a relation, and which of its kinds where its ends differ
Edges = defaultdict[Kind, Ends]


def create(
    run: Run, agent: str, rows: Iterable[tuple[DBObject, Mapping[str, Any]]], edges: Edges
) -> Mapping[Kind, Ends]:
    """New nodes, attributed to an agent, each with its links to what was stored before; the edges that are left to be written."""
    rows = list(rows)
    new = {one.object_id for one, _ in rows}
    links: dict[str, list[dict[str, Any]]] = defaultdict(list)
    later = []
    for end in edges.get((names.WAS_DERIVED_FROM, ""), ()):
        source, target, place = end
        if source in new and target not in new and len(place) == 2:
            links[source].append({"target": target, **place})
        else:
            later.append(end)
    plain: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    linked: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for one, properties in rows:
        row = {"object_id": one.object_id, "properties": properties}
        if one.object_id in links:
            linked[type(one).labels].append({**row, "links": links[one.object_id]})
        else:
            plain[type(one).labels].append(row)
    statements.declare(*(label for labels in (*plain, *linked) for label in labels))
    for labels, some in plain.items():
        statement = statements.load("queries/create_entities", labels=":".join(labels))
        _all_written(names.WAS_ATTRIBUTED_TO, in_chunks(run, statement, some, agent=agent), len(some))
    for labels, some in linked.items():
        statement = statements.load("queries/create_entities_with_links", labels=":".join(labels))
        written = in_chunks(run, statement, some, agent=agent)
        _all_written(names.WAS_DERIVED_FROM, written, sum(len(row["links"]) for row in some))
    attributed = [end for end in edges[names.WAS_ATTRIBUTED_TO, ""] if end[0] not in new]
    return {**edges, (names.WAS_DERIVED_FROM, ""): later, (names.WAS_ATTRIBUTED_TO, ""): attributed}


def write_edges(run: Run, edges: Mapping[Kind, Ends]) -> None:
    by_properties: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for (relation, kind), ends in edges.items():
        for source, target, properties in ends:
            wording = _CREATING[tuple(properties)]
            by_properties[relation, kind, wording].append({"source": source, "target": target, **properties})
    for (relation, kind, wording), rows in by_properties.items():
        (source_label, source_key), (target_label, target_key) = RELATIONS[relation, kind]
        statement = statements.load(
            wording, relation=relation, source_label=source_label, source_key=source_key,
            target_label=target_label, target_key=target_key,
        )  # fmt: skip
        _all_written(relation, in_chunks(run, statement, rows), len(rows))


def in_chunks(run: Run, statement: Statement, rows: Sequence[Mapping[str, Any]], **parameters: Any) -> int:
    """Run a statement for rows; how much it says it wrote."""
    written = 0
    for n in range(0, len(rows), AT_ONCE):
        written += sum(r["written"] for r in run(statement, rows=rows[n : n + AT_ONCE], **parameters))
    return written


def _all_written(relation: str, written: int, wanted: int) -> None:
    if written != wanted:
        missing = f"{written} of {wanted} {relation} edges could be written"
        raise ProvgraphError(f"A dependency is not in the graph: {missing}.", code="dependency_missing")


def index_atoms(run: Run, objects: Sequence[DBObject]) -> None:
    """What the atoms mean that start at these collections, and which columns their criteria read."""
    found = {a: p for one in objects if isinstance(one, SourceCollection) for a, p in atoms.atoms_of(one)}
    if not found:
        return
    reads = [
        {"atom": atom, "origin": origin}
        for atom, properties in found.items() if properties["kind"] == atoms.CRITERION
        for origin in BoundCriterion.from_canonical(json.loads(properties["meaning"])).origins
    ]  # fmt: skip
    merge(run, "SourceAtom", "atom", found)
    if reads:
        merge(run, "Column", "origin_key", {r["origin"]: {} for r in reads})
        run(statements.load("queries/merge_reads"), rows=reads)


def merge(run: Run, label: str, key: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    if rows:
        statement = statements.load("queries/merge_nodes", label=label, key=key)
        run(statement, rows=[{"key": k, "properties": dict(p)} for k, p in sorted(rows.items())])
