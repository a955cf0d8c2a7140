"""A page with two graphs side by side and the list of what differs between them: one file, no script, nothing loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from provgraph import names
from provgraph.export.picture import STYLES, Arrow, Box, Picture, picture
from provgraph.export.svg import draw
from provgraph.export.wording import one_line
from provgraph.graph.alignment import Alignment
from provgraph.graph.contents import is_environment, is_method, shown
from provgraph.graph.differences import BOTH, CODE, CONFLICT, NO, YES, Change, LineageDifference, called
from provgraph.graph.lineage import ENTITY, WAS_INFLUENCED_BY, Edge, Lineage, Node
from provgraph.prov import words
from provgraph.prov.difference import Difference
from provgraph.prov.model import ELEMENTS, TIMES, Document, Entries, Name, Scope, Statement, kind_in

MOST: Final = 160  # nodes of a drawing, those that changes are about first
LISTED: Final = 1000
_NODE: Final = re.compile(r'<g class="node ([a-z ]+)" data-id="([^"]+)">(.*?)</g>', re.S)
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1f2328; --page: #ffffff; --soft: #59606a; --line: #d5dae0; --sure: #b3261e;
  --maybe: #b06000; --off: #4a7a35; --sure-fill: #ffd9d4; --maybe-fill: #ffe7c2; --off-fill: #dcefd2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9edf2; --page: #15181d; --soft: #a3acb8; --line: #2b3037; --sure: #ff8a80; --maybe: #ffb95c; --off: #9bd47f;
    --sure-fill: #5a1f1a; --maybe-fill: #56380a; --off-fill: #24401a; }
}
body { margin: 0 auto; padding: 1.2rem 1.5rem; max-width: 110rem; color: var(--ink); background: var(--page);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .2rem; }
h2 { font-size: 1.05rem; margin: 1.4rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .2rem 0; }
ol { margin: .6rem 0; padding-left: 2.4rem; }
li { margin: .35rem 0; padding: .1rem .5rem; border-left: 4px solid var(--line); overflow-wrap: anywhere; }
li.sure { border-color: var(--sure); } li.maybe { border-color: var(--maybe); } li.off { border-color: var(--off); }
li:target { outline: 2px solid var(--ink); outline-offset: 2px; }
li p { color: var(--soft); }
a { color: inherit; }
.key span { display: inline-block; margin-right: 1.2rem; padding-left: .5rem; border-left: 12px solid; }
.key .sure { border-color: var(--sure); } .key .maybe { border-color: var(--maybe); } .key .off { border-color: var(--off); }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.beside section { min-width: 0; }
.graph { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 6px; }
svg g.sure > .shape { fill: var(--sure-fill); stroke: var(--sure); stroke-width: 2.6; }
svg g.maybe > .shape { fill: var(--maybe-fill); stroke: var(--maybe); stroke-width: 2.6; }
svg g.off > .shape { fill: var(--off-fill); stroke: var(--off); stroke-width: 2.6; }
svg g.way > .shape { stroke: var(--sure); stroke-width: 2; }
svg g.alike { opacity: .62; }
svg g:target > .shape { stroke-width: 6; }
svg .sure > .line { stroke: var(--sure); stroke-width: 2.6; } svg .sure > .tip { fill: var(--sure); }
"""


@dataclass(frozen=True)
class Side:
    """One of the two graphs: its title, what is drawn, and by the id of a box its class and the change it leads to."""

    title: str
    picture: Picture
    marks: Mapping[str, tuple[str, int | None]]


@dataclass(frozen=True)
class Item:
    """One change in the list. look : class of it. lines : what it says. targets : ids of boxes on the sides."""

    look: str
    lines: tuple[str, ...]
    targets: tuple[tuple[int, str], ...]


def _page(title: str, headline: str, items: Sequence[Item], sides: Sequence[Side], key: Mapping[str, str]) -> str:
    boxes = [{box.id: n for n, box in enumerate(side.picture.boxes)} for side in sides]
    out = [
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
        f"<title>{_text(title)}</title>", "</head>", "<body>", "<header>", f"<h1>{_text(title)}</h1>",
        f"<p>{_text(headline)}</p>", "</header>",
    ]  # fmt: skip
    if items:
        told = "".join(f'<span class="{look}">{_text(what)}</span>' for look, what in key.items())
        out += [f'<p class="key">{told}</p>', "<ol>"]
        for i, item in enumerate(items[:LISTED]):
            links = [f'<a href="#{"ab"[s]}{boxes[s][id]}">{("first", "second")[s]}</a>'
                     for s, id in item.targets if id in boxes[s]]  # fmt: skip
            shown = f" ({', '.join(dict.fromkeys(links))})" if links else ""
            rest = "".join(f"<p>{_text(line)}</p>" for line in item.lines[1:])
            out.append(f'<li id="c{i}" class="{item.look}">{_text(item.lines[0])}{shown}{rest}</li>')
        out.append("</ol>")
        if len(items) > LISTED:
            out.append(f"<p>and {len(items) - LISTED:,} more</p>")
    out.append('<div class="beside">')
    for s, side in enumerate(sides):
        out += [f"<section><h2>{_text(side.title)}</h2>", f'<div class="graph">{_graph(s, side)}</div></section>']
    # Behind the style sheets of the drawings, which it goes past.
    out += ["</div>", f"<style>{_STYLE}</style>", "</body>", "</html>"]
    return "\n".join(out) + "\n"


def _graph(number: int, side: Side) -> str:
    """A drawing whose boxes lead to the changes they are about. Ids are counted, so that none is anything but an id."""
    letter = "ab"[number]
    place = {box.id: n for n, box in enumerate(side.picture.boxes)}
    marks = {str(n): side.marks.get(id, ("", None)) for id, n in place.items()}
    boxes = tuple(replace(box, id=str(place[box.id])) for box in side.picture.boxes)

    def marked(match: re.Match[str]) -> str:
        look, change = marks[match[2]]
        box = f'<g class="node {match[1]}{look and " " + look}" id="{letter}{match[2]}">{match[3]}</g>'
        return box if change is None else f'<a href="#c{change}">{box}</a>'

    drawn = _NODE.sub(marked, draw(replace(side.picture, boxes=boxes)))
    return drawn.replace("lineage-title", f"lineage-title-{letter}")


def _text(said: str) -> str:
    return escape(one_line(said))


# -- lineages ----------------------------------------------------------------------------------------------------------

_LOOKS: Final = {YES: "sure", NO: "off"}
_KEY: Final = {"sure": "reaches the results", "maybe": "may reach them", "off": "cut off by equal content"}


def lineages(found: LineageDifference) -> str:
    """The page of a difference of two lineages: with a common ancestor, of what each side has now."""
    items = [
        Item(_look(c), tuple(line.strip() for line in c.lines()), tuple(_targets(c))) for c in found.changes[:LISTED]
    ]
    sides = []
    for s, root in enumerate((found.before, found.after)):
        aligned = found.alignments[min(s, len(found.alignments) - 1)]
        side = s if len(found.alignments) == 1 else 1  # from an ancestor, the second of each pair
        changes = [(i, _of_side(c, s)) for i, c in enumerate(found.changes)]
        sides.append(_side(found, aligned, side, root, [(i, c) for i, c in changes if c is not None]))
    looks = {item.look for item in items}
    return _page("What differs, and what explains it", found.headline(), items, sides,
                 {look: what for look, what in _KEY.items() if look in looks})  # fmt: skip


def _look(change: Change) -> str:
    return _LOOKS.get(change.reaches, "maybe")


def _of_side(change: Change, side: int) -> Change | None:
    """The change as the first or the second side has it; None where it has not."""
    if not change.side:
        return change
    if change.side in (BOTH, CONFLICT):
        return change if side == 0 else change.other
    return change if change.side == ("left", "right")[side] else None


def _targets(change: Change) -> Iterator[tuple[int, str]]:
    if not change.side:
        yield from ((s, n.id) for s, n in enumerate((change.before, change.after)) if n is not None)
        return
    for s in (0, 1):
        told = _of_side(change, s)
        if told is not None and told.after is not None:
            yield s, told.after.id


def _side(
    found: LineageDifference, aligned: Alignment, side: int, root: Node, changes: Sequence[tuple[int, Change]]
) -> Side:
    """One lineage: what changes are about, the ways from there to the result, then what is nearest, as far as there is room."""
    chosen: dict[str, Node] = {root.id: root}
    marks: dict[str, tuple[str, int | None]] = {}
    mine = {pair[side] for pair in aligned.pairs}  # ways are those of the side where a change reaches further
    for i, change in changes:
        told = [(change.before, change.after)[side], *([change.of[side]] if change.of else [])]
        ways = [two[side] for two in (*change.chain, *change.cut_off) if two[side].id in mine]
        for step, node in enumerate([*told, *ways]):
            if node is None or (len(chosen) >= MOST and node.id not in chosen):
                continue
            chosen.setdefault(node.id, node)
            if step == 0:
                if marks.get(node.id, ("way", None))[1] is None:
                    marks[node.id] = (_look(change), i)
            elif change.reaches != NO:
                marks.setdefault(node.id, ("way", None))
    beside = [pair[side] for pair in aligned.pairs]
    alike = [i for pair in aligned.pairs for i in aligned.shared.get(pair, ()) if i in aligned.nodes]
    for id in dict.fromkeys((*beside, *alike)):
        if len(chosen) >= MOST:
            break
        if _drawn(aligned.nodes[id]):
            chosen.setdefault(id, aligned.nodes[id])
    for id in chosen.keys() - {pair[side] for pair in aligned.pairs} - marks.keys():
        marks[id] = ("alike", None)
    nodes = tuple(replace(n, label=found.names.get(n.id, n.label)) for n in chosen.values())
    edges = tuple(_edges(aligned, chosen))
    left_out = len({i for i in (*beside, *alike) if _drawn(aligned.nodes[i])} - chosen.keys())
    drawn = picture(Lineage((root.id,), nodes, edges, not left_out, left_out, 0, 0.0))
    hidden = chosen.keys() - {box.id for box in drawn.boxes}  # told in the boxes of those they belong to
    for id in hidden & marks.keys():
        for edge in edges:
            if edge.target == id and marks[id][1] is not None and marks.get(edge.source, ("way", None))[1] is None:
                marks[edge.source] = marks[id]
    values: dict[str, list[str]] = {}
    for i, change in changes:
        for valued in change.details[:3] if change.kind != CODE else ():
            value = (valued.old, valued.new)[side]
            for id, (_, marked) in marks.items():
                if marked == i and value is not None:
                    values.setdefault(id, []).append(f"{valued.name} = {shown(value)} {valued.unit}".strip())
    boxes = tuple(
        replace(box, lines=tuple(dict.fromkeys((*box.lines, *values.get(box.id, ()))))) for box in drawn.boxes
    )
    return Side(called(root), replace(drawn, boxes=boxes), marks)


def _drawn(node: Node) -> bool:
    """What a drawing shows where no change is about it."""
    return node.kind == ENTITY and "Segment" not in node.labels and not is_environment(node) and not is_method(node)


def _edges(aligned: Alignment, chosen: Mapping[str, Node]) -> Iterator[Edge]:
    """What the recorded causes say between nodes that are drawn; past calls that are not, an influence."""
    for id in chosen:
        for cause in aligned.causes.get(id, ()):
            properties = {"role": cause.role, "index": cause.place}
            if cause.target in chosen:
                yield Edge(id, cause.target, cause.relation, properties)
            elif cause.relation == names.WAS_GENERATED_BY:
                for behind in aligned.causes.get(cause.target, ()):
                    if behind.target in chosen and behind.target != id:
                        yield Edge(id, behind.target, WAS_INFLUENCED_BY, {})


# -- documents ---------------------------------------------------------------------------------------------------------

_OF_RELATIONS: Final = {
    "wasDerivedFrom": STYLES[names.WAS_DERIVED_FROM], "wasGeneratedBy": STYLES[names.WAS_GENERATED_BY],
    "used": STYLES[names.USED], "wasInformedBy": STYLES[names.WAS_INFORMED_BY], "wasInfluencedBy": STYLES[WAS_INFLUENCED_BY],
}  # fmt: skip
_CHANGED: Final = {"sure": "added, removed or changed"}


def documents(a: Document, b: Document, found: Difference, titles: tuple[str, str] = ("first", "second")) -> str:
    """The page of a difference of two PROV documents."""
    items = []
    about: list[dict[tuple[str, str], int]] = [{}, {}]
    for i, change in enumerate(found.changes):
        scope = "" if change.scope is None else change.scope.iri
        targets = []
        for s, said in enumerate((change.before, change.after)):
            for n, thing in enumerate(_things(said)[:2] if said is not None else ()):
                if n == 0:
                    targets.append((s, f"{scope} {thing.iri}"))
                about[s].setdefault((scope, thing.iri), i)
        items.append(Item("sure", (str(change),), tuple(targets)))
    counts = "same" if found.same else ", ".join(f"{n} {kind}" for kind, n in found.counts().items())
    changed = [{id(c.before) for c in found.changes}, {id(c.after) for c in found.changes}]
    sides = [_document(doc, titles[s], about[s], changed[s]) for s, doc in enumerate((a, b))]
    return _page(f"{titles[0]} and {titles[1]}", f"{counts}.", items, sides, _CHANGED if items else {})


def _document(document: Document, title: str, about: Mapping[tuple[str, str], int], changed: set[int]) -> Side:
    scopes: list[tuple[str, Scope]] = [("", document), *((bundle.id.iri, bundle) for bundle in document.bundles)]
    boxes: dict[str, Box] = {}
    arrows: list[tuple[str, str, str, int, str]] = []
    for scope, within in scopes:
        for said in within.statements:
            things = _things(said)
            for n, thing in enumerate(things):
                kind = said.kind if said.kind in ELEMENTS else _kind(said, n)
                box = _box(scope, thing, kind, said if said.kind in ELEMENTS else None)
                known = boxes.get(box.id)
                if known is None or (box.lines and not known.lines) or said.kind in ELEMENTS:
                    boxes[box.id] = box
            if said.kind not in ELEMENTS and len(things) > 1:
                style, weight = _OF_RELATIONS.get(said.kind, ("agent", 1))
                look = f"{style} sure" if id(said) in changed else style
                for other in things[1:] if said.kind in ("hadMember", "hadDictionaryMember") else things[1:2]:
                    arrows.append(
                        (f"{scope} {things[0].iri}", f"{scope} {other.iri}", look, weight, words.statement(said))
                    )
    marks = {f"{scope} {iri}": ("sure", i) for (scope, iri), i in about.items()}
    kept = _room(boxes, marks, arrows)
    index = {id: n for n, id in enumerate(kept)}
    lines = tuple(Arrow(index[s], index[t], look, weight, one_line(told)) for s, t, look, weight, told in arrows
                  if s in index and t in index)  # fmt: skip
    caption = (f"{len(boxes) - len(kept):,} more are not drawn.",) if len(kept) < len(boxes) else ()
    return Side(title, Picture(one_line(title), tuple(boxes[id] for id in kept), lines, caption), marks)


def _room(
    boxes: Mapping[str, Box], marks: Iterable[str], arrows: Sequence[tuple[str, str, str, int, str]]
) -> list[str]:
    """What is drawn: all, or what changes are about and what is nearest to that."""
    if len(boxes) <= MOST:
        return list(boxes)
    kept = dict.fromkeys(id for id in marks if id in boxes)
    for source, target, *_ in arrows:
        if source in kept or target in kept:
            kept |= dict.fromkeys((source, target))
    kept |= dict.fromkeys(boxes)
    return list(kept)[:MOST]


def _things(said: Statement) -> list[Name]:
    """What a statement is about: the thing itself, or the ends of a relation."""
    if said.kind in ELEMENTS:
        return [] if said.id is None else [said.id]
    found: list[Name] = []
    for role, argument in said.arguments:
        if role in TIMES or role in ("generation", "usage", "plan", "bundle"):
            continue
        if isinstance(argument, Name):
            found.append(argument)
        elif isinstance(argument, Entries):
            found += [entity for _, entity in argument.pairs]
    return found


def _kind(said: Statement, place: int) -> str:
    role = [r for r, a in said.arguments if isinstance(a, Name)]
    return kind_in(role[place]) if place < len(role) else "entity"


def _box(scope: str, thing: Name, kind: str, said: Statement | None) -> Box:
    lines = [] if said is None else [f"{words.name(n)} = {words.value(v)}" for n, v in said.attributes]
    told = words.statement(said) if said is not None else words.name(thing)
    within = f"in {scope}" if scope else ""
    shown = tuple(one_line(line) for line in (*lines[:4], within) if line)
    return Box(f"{scope} {thing.iri}", kind, kind, one_line(words.name(thing)), shown, one_line(told), False)
