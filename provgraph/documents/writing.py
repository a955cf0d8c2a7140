"""A document into the graph in one transaction: a few statements for each shape that its statements have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provgraph.documents.records import ABOUT, LABELS, Layout, Placed, argument_type, properties
from provgraph.graph import statements as cypher
from provgraph.graph.engine import Run
from provgraph.graph.loading import chunks
from provgraph.graph.records import AT_ONCE

# By how many names follow the label in the shape of a statement: none, a role, or two roles and the relation between the two.
_BY_ENDS = {0: "prov/create_statements", 1: "prov/create_statements_of_one", 3: "prov/create_statements_of_two"}
_Rows = dict[tuple[str, ...], list[dict[str, Any]]]


def write(run: Run, id: str, own: Mapping[str, Any], bundles: Sequence[Mapping[str, Any]], layout: Layout,
          source: Iterable[Placed]) -> None:  # fmt: skip
    """Nodes and edges of a document. own, bundles : properties of its node and of those of its bundles."""
    run(cypher.load("prov/create_document"), id=id, properties=own, bundles=list(bundles))
    things: _Rows = defaultdict(list)
    for labels, found in layout.things():
        things[(labels,)].append(found)
    for (labels,), rows in things.items():
        _run(run, "prov/create_things", rows, labels=f"Thing:{labels}" if labels else "Thing")
    shaped, arguments, references, relations = _sorted(layout, source)
    for shape, rows in shaped.items():
        label, *ends = shape
        slots = dict(zip(("role", "other", "relation"), ends, strict=False))
        _run(run, _BY_ENDS[len(ends)], rows, label=label, **slots)
    for (role,), rows in arguments.items():
        _run(run, "prov/create_arguments", rows, role=role)
    for (role,), rows in references.items():
        _run(run, "prov/create_references", rows, role=role)
    for (relation,), rows in relations.items():
        _run(run, "prov/create_relations", rows, relation=relation)


def _sorted(layout: Layout, source: Iterable[Placed]) -> tuple[_Rows, _Rows, _Rows, _Rows]:
    """Statements by the edges that are made with them, and the edges that are left over."""
    shaped: _Rows = defaultdict(list)
    arguments: _Rows = defaultdict(list)
    references: _Rows = defaultdict(list)
    further: _Rows = defaultdict(list)
    for place in source:
        row = properties(layout.document, place)
        own = row["statement_id"]
        named, others, relations = layout.ends(place)
        label = LABELS[place.statement.kind]
        ends = [(argument_type(role) if role else ABOUT, thing) for role, thing in named]
        if relations and len(ends) > 1 and relations[0][:2] == (ends[0][1], ends[1][1]):
            row["one"], row["other"] = ends[0][1], ends[1][1]
            shaped[label, ends[0][0], ends[1][0], relations[0][2]].append(row)
            ends, relations = ends[2:], relations[1:]
        elif ends:
            row["one"] = ends[0][1]
            shaped[label, ends[0][0]].append(row)
            ends = ends[1:]
        else:
            shaped[(label,)].append(row)
        for edge, thing in ends:
            arguments[(edge,)].append({"source": own, "target": thing})
        for role, other in others:
            references[(argument_type(role),)].append({"source": own, "target": other})
        for effect, cause, relation in relations:
            further[(relation,)].append({"source": effect, "target": cause, "statement": own})
    return shaped, arguments, references, further


def _run(run: Run, name: str, rows: list[dict[str, Any]], **slots: str) -> None:
    statement = cypher.load(name, **slots)
    for some in chunks(rows, AT_ONCE):
        run(statement, rows=some)
