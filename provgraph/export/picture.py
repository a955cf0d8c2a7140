"""What a drawing of a lineage shows: boxes, arrows and a caption; where they stand is the layout's."""

from __future__ import annotations

from dataclasses import dataclass

from provgraph import names
from provgraph.export.wording import PROV_WORDS, Wording, is_request, one_line, plural
from provgraph.graph.lineage import WAS_INFLUENCED_BY, Lineage, Node

#: Which of the lines of a drawing a relation gets, and how much such an edge wants to point upwards.
STYLES = {
    names.WAS_DERIVED_FROM: ("derivation", 5),
    names.WAS_GENERATED_BY: ("call", 4),
    WAS_INFLUENCED_BY: ("influence", 3),
    names.USED: ("call", 2),
    names.HAD_PLAN: ("call", 2),
    names.WAS_INFORMED_BY: ("call", 1),
}
_OTHER = ("agent", 1)
LEGEND = {
    "derivation": "wasDerivedFrom",
    "call": "wasGeneratedBy, used",
    "influence": "wasInfluencedBy",
    "agent": "responsibility",
}


@dataclass(frozen=True)
class Box:
    """One node: heading and title, lines of facts, and everything in `tooltip`."""

    id: str
    kind: str
    heading: str
    title: str
    lines: tuple[str, ...]
    tooltip: str
    root: bool


@dataclass(frozen=True)
class Arrow:
    """One edge, from effect to cause; ends are positions in `Picture.boxes`."""

    source: int
    target: int
    style: str
    weight: int
    tooltip: str


@dataclass(frozen=True)
class Picture:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    caption: tuple[str, ...]


def picture(lineage: Lineage) -> Picture:
    """Boxes and arrows of a lineage.

    Criteria, process parameters and the request a processing was for are told in the boxes of those that have them, and
    who everything is attributed to in the caption, where that is the same for all.
    """
    words = Wording(lineage)
    roots = set(lineage.roots)
    caption = []
    hidden = {n.id for n in lineage.nodes if words.told_elsewhere(n) and n.id not in roots}
    edges = [e for e in lineage.edges if e.source not in hidden and e.target not in hidden and not is_request(e)]
    attributed = [e for e in edges if e.relation == names.WAS_ATTRIBUTED_TO]
    if len({e.target for e in attributed}) == 1:
        edges = [e for e in edges if e.relation != names.WAS_ATTRIBUTED_TO]
        agent = attributed[0].target
        caption.append(f"Attributed to {one_line(words.nodes[agent].label)}.")
        if not any(agent in (e.source, e.target) for e in edges) and agent not in roots:
            hidden.add(agent)
    if lineage.truncated:
        caption.append(f"{plural(lineage.truncated, 'node')} left out.")
    shown = [n for n in lineage.nodes if n.id not in hidden]
    index = {n.id: i for i, n in enumerate(shown)}
    arrows = []
    for edge in edges:
        style, weight = STYLES.get(edge.relation, _OTHER)
        tooltip = f"{words.relation(edge)}: {_short(words.nodes[edge.source])} → {_short(words.nodes[edge.target])}"
        arrows.append(Arrow(index[edge.source], index[edge.target], style, weight, tooltip))
    first = ", ".join(_short(words.nodes[r]) for r in lineage.roots[:3]) + (", …" if len(lineage.roots) > 3 else "")
    return Picture(
        f"Lineage of {first}", tuple(_box(words, n, n.id in roots) for n in shown), tuple(arrows), tuple(caption)
    )


def _box(words: Wording, node: Node, root: bool) -> Box:
    lines = tuple(one_line(line) for line in words.facts(node))
    told = [f"{words.heading(node)} {words.title(node)}".strip(), *lines, node.id]
    for edge in words.causes.get(node.id, ()):
        if edge.target in words.nodes and edge.relation == names.WAS_ATTRIBUTED_TO:
            told.append(f"{PROV_WORDS[edge.relation]} {words.nodes[edge.target].label}")
    return Box(node.id, node.kind, one_line(words.heading(node)), one_line(words.title(node)), lines,
               "\n".join(one_line(t) for t in told), root)  # fmt: skip


def _short(node: Node) -> str:
    return one_line(node.label or node.class_name or node.id)
