"""A lineage in the language of Graphviz: ``dot -Tpdf``."""

from __future__ import annotations

from provgraph.export.picture import picture
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, Lineage

_NODES = {
    ENTITY: 'shape=box, style="rounded,filled", fillcolor="#fff6c9", color="#b08b00"',
    ACTIVITY: 'shape=box, style=filled, fillcolor="#d6e1ff", color="#3f62c4"',
    AGENT: 'shape=house, style=filled, fillcolor="#ffe1bd", color="#c96a00"',
}
_EDGES = {
    "derivation": 'color="#3b4048"',
    "call": 'color="#3f62c4"',
    "influence": 'color="#8a6d00", style=dotted',
    "agent": 'color="#c96a00", style=dashed',
}


def serialize(lineage: Lineage) -> str:
    """A digraph with causes above effects."""
    shown = picture(lineage)
    out = [
        "digraph lineage {",
        f'  graph [rankdir=BT, label={_quoted(" ".join((shown.title + ".", *shown.caption)))}, fontname="sans-serif"];',
        '  node [fontname="sans-serif", fontsize=11, margin="0.15,0.08"];',
        '  edge [fontname="sans-serif", fontsize=9, arrowsize=0.7];',
    ]
    for i, box in enumerate(shown.boxes):
        text = "\n".join((box.heading, *([box.title] if box.title else []), *box.lines))
        bold = ", penwidth=2.5" if box.root else ""
        out.append(f"  n{i} [{_NODES[box.kind]}{bold}, label={_quoted(text)}, tooltip={_quoted(box.tooltip)}];")
    for arrow in shown.arrows:
        out.append(f"  n{arrow.source} -> n{arrow.target} [{_EDGES[arrow.style]}, tooltip={_quoted(arrow.tooltip)}];")
    return "\n".join((*out, "}")) + "\n"


def _quoted(text: str) -> str:
    """A quoted string of the DOT language; a backslash would begin an escape in a label."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
