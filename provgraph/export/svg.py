"""A lineage as a drawing: layered, causes above effects, in the colours PROV is drawn with. No script, nothing loaded."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from provgraph.export.layout import Layout, layered
from provgraph.export.picture import LEGEND, Box, Picture, picture
from provgraph.graph.lineage import ACTIVITY, AGENT, Lineage

_HEADING, _TITLE, _LINE = 11.0, 13.5, 11.5  # font sizes
_LEADING: Final = 1.36
_PAD_X, _PAD_Y, _ROOF = 14.0, 9.0, 13.0
_WIDEST, _NARROWEST = 300.0, 84.0
_MARGIN = 24.0
_ARROW = 7.0

# Yellow, blue and orange stay apart for every kind of colour vision; shape and line style say the same again.
_STYLE: Final = """
text { font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; fill: #1f2328; }
.page { fill: #ffffff; }
.heading, .caption { fill: #59606a; }
.title { font-weight: 600; }
.entity .shape { fill: #fff6c9; stroke: #b08b00; }
.activity .shape { fill: #d6e1ff; stroke: #3f62c4; }
.agent .shape { fill: #ffe1bd; stroke: #c96a00; }
.shape { stroke-width: 1.3; }
.root .shape { stroke-width: 3; }
.line { fill: none; stroke-width: 1.5; }
.reach { fill: none; stroke: #000000; stroke-opacity: 0; stroke-width: 12; }
.derivation .line { stroke: #3b4048; }
.call .line { stroke: #3f62c4; }
.influence .line { stroke: #8a6d00; stroke-dasharray: 2 4; stroke-linecap: round; }
.agent .line { stroke: #c96a00; stroke-dasharray: 7 4; stroke-width: 1.2; }
.derivation .tip { fill: #3b4048; }
.call .tip { fill: #3f62c4; }
.influence .tip { fill: #8a6d00; }
.agent .tip { fill: #c96a00; }
.edge:hover .line { stroke-width: 3.2; }
.node:hover .shape { stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e9edf2; }
  .page { fill: #15181d; }
  .heading, .caption { fill: #a3acb8; }
  .entity .shape { fill: #3a3312; stroke: #e2bf3a; }
  .activity .shape { fill: #1c2a52; stroke: #8fa9ff; }
  .agent .shape { fill: #47290c; stroke: #ffab52; }
  .derivation .line { stroke: #c4cbd5; }
  .call .line { stroke: #8fa9ff; }
  .influence .line { stroke: #e2bf3a; }
  .agent .line { stroke: #ffab52; }
  .derivation .tip { fill: #c4cbd5; }
  .call .tip { fill: #8fa9ff; }
  .influence .tip { fill: #e2bf3a; }
  .agent .tip { fill: #ffab52; }
}
"""


def serialize(lineage: Lineage) -> str:
    """An SVG document; hovering tells more."""
    return draw(picture(lineage))


def draw(shown: Picture) -> str:
    """An SVG document of boxes and arrows."""
    texts = [_texts(box) for box in shown.boxes]
    sizes = [_size(box, lines) for box, lines in zip(shown.boxes, texts, strict=True)]
    layout = layered(sizes, [(a.source, a.target) for a in shown.arrows], weights=[a.weight for a in shown.arrows])
    legend, legend_width = _legend(shown)
    caption = _caption(shown)
    width = max(layout.width, legend_width, *(_width(c, _LINE) for c in (*caption, ""))) + 2 * _MARGIN
    left = (width - layout.width) / 2
    below = layout.height + 2 * _MARGIN + 6
    height = below + 22 + 18 * len(caption) + (_MARGIN if caption else 10)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}"'
        ' role="img" aria-labelledby="lineage-title">',
        f'<title id="lineage-title">{escape(shown.title)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{width:.1f}" height="{height:.1f}"/>',
        f'<g transform="translate({left:.1f} {_MARGIN:.1f})">',
        *_arrows(shown, layout, sizes),
        *(
            _box(box, lines, size, float(layout.x[i]), float(layout.y[i]))
            for i, (box, lines, size) in enumerate(zip(shown.boxes, texts, sizes, strict=True))
        ),
        "</g>",
        f'<g transform="translate({(width - legend_width) / 2:.1f} {below:.1f})">',
        *legend,
        "</g>",
    ]
    for i, line in enumerate(caption):
        y = below + 36 + 18 * i
        out.append(
            f'<text class="caption" x="{width / 2:.1f}" y="{y:.1f}" font-size="{_LINE}" text-anchor="middle">{escape(line)}</text>'
        )
    return "\n".join((*out, "</svg>")) + "\n"


# -- boxes -------------------------------------------------------------------------------------------------------------


def _texts(box: Box) -> list[tuple[str, str, float]]:
    """(class, text, font size) of each line of a box; what is too long is cut, the tooltip has it whole."""
    room = _WIDEST - 2 * _PAD_X
    lines = (
        [("heading", box.heading, _HEADING), ("title", box.title, _TITLE)]
        if box.title
        else [("title", box.heading, _TITLE)]
    )
    lines += [("fact", line, _LINE) for line in box.lines if line]
    return [(kind, _cut(text, size * _boldness(kind), room), size) for kind, text, size in lines]


def _boldness(kind: str) -> float:
    """How much wider the text of a line is for being bold."""
    return 1.09 if kind == "title" else 1.0


def _size(box: Box, lines: list[tuple[str, str, float]]) -> tuple[float, float]:
    width = max(_width(text, size * _boldness(kind)) for kind, text, size in lines) + 2 * _PAD_X
    height = sum(size * _LEADING for _, _, size in lines) + 2 * _PAD_Y + (_ROOF if box.kind == AGENT else 0.0)
    return max(_NARROWEST, width), height


def _box(box: Box, lines: list[tuple[str, str, float]], size: tuple[float, float], x: float, y: float) -> str:
    width, height = size
    left, top = x - width / 2, y - height / 2
    parts = [
        f'<g class="node {box.kind}{" root" if box.root else ""}" data-id={quoteattr(box.id)}>',
        f"<title>{escape(box.tooltip)}</title>",
        _shape(box.kind, left, top, width, height),
    ]
    line_y = top + _PAD_Y + (_ROOF if box.kind == AGENT else 0.0)
    for kind, text, font in lines:
        line_y += font * _LEADING
        parts.append(f'<text class="{kind}" x="{x:.1f}" y="{line_y - font * 0.36:.1f}" font-size="{font}" text-anchor="middle">'
                     f"{escape(text)}</text>")  # fmt: skip
    return "".join((*parts, "</g>"))


def _shape(kind: str, left: float, top: float, width: float, height: float) -> str:
    if kind == AGENT:  # a house
        right, bottom, eaves = left + width, top + height, top + min(_ROOF, height / 2)
        points = ((left + width / 2, top), (right, eaves), (right, bottom), (left, bottom), (left, eaves))
        return f'<polygon class="shape" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" stroke-linejoin="round"/>'
    radius = 2.0 if kind == ACTIVITY else min(14.0, height / 2)
    return f'<rect class="shape" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"/>'


# -- arrows ------------------------------------------------------------------------------------------------------------


def _arrows(shown: Picture, layout: Layout, sizes: list[tuple[float, float]]) -> list[str]:
    """Edges under the boxes; where several meet one side of a box they share it, in the order of where they come from."""
    routes = [list(route) for route in layout.routes]
    doors: dict[tuple[int, bool], list[tuple[float, int, int]]] = defaultdict(
        list
    )  # (box, top side) to (towards x, edge, end)
    for i, arrow in enumerate(shown.arrows):
        if arrow.source != arrow.target:
            for box, end, towards in ((arrow.source, 0, routes[i][1]), (arrow.target, -1, routes[i][-2])):
                doors[box, towards[1] < layout.y[box]].append((towards[0], i, end))
    for (box, top), users in doors.items():
        users.sort()
        width, height = sizes[box]
        spread = min(width - 30.0, 26.0 * (len(users) - 1))
        roof = 0.0 if shown.boxes[box].kind != AGENT or not top else _ROOF * 0.5 * (spread > 0)
        for k, (_, i, end) in enumerate(users):
            shift = spread * (k / (len(users) - 1) - 0.5) if len(users) > 1 else 0.0
            y = float(layout.y[box]) + (-height / 2 + roof if top else height / 2)
            routes[i][end] = (float(layout.x[box]) + shift, y)
    out = []
    for i, arrow in enumerate(shown.arrows):
        if arrow.source == arrow.target:
            path, tip = _loop(float(layout.x[arrow.source]), float(layout.y[arrow.source]), *sizes[arrow.source])
        else:
            path, tip = _curve(routes[i])
        out.append(f'<g class="edge {arrow.style}"><title>{escape(arrow.tooltip)}</title><path class="reach" d="{path}"/>'
                   f'<path class="line" d="{path}"/><path class="tip" d="{tip}"/></g>')  # fmt: skip
    return out


def _curve(points: list[tuple[float, float]]) -> tuple[str, str]:
    """A smooth line through points, upright at each, and the arrow head at its end."""
    (end_x, end_y), (_, before_y) = points[-1], points[-2]
    rising = before_y > end_y
    sign = 1.0 if rising else -1.0
    stop = (end_x, end_y + sign * (_ARROW - 1.0))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in zip(points, [*points[1:-1], stop], strict=False):
        if abs(x0 - x1) < 0.5:
            path += f"L{x1:.1f} {y1:.1f}"
        else:
            middle = (y0 + y1) / 2
            path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    tip_y = end_y + sign * 0.8
    tip = (f"M{end_x:.1f} {tip_y:.1f}L{end_x - _ARROW * 0.55:.1f} {tip_y + sign * _ARROW:.1f}"
           f"L{end_x + _ARROW * 0.55:.1f} {tip_y + sign * _ARROW:.1f}Z")  # fmt: skip
    return path, tip


def _loop(x: float, y: float, width: float, height: float) -> tuple[str, str]:
    """An edge to itself: round the right side of the box."""
    right, out, upper, lower = x + width / 2, x + width / 2 + 34, y - height / 4, y + height / 4
    path = f"M{right:.1f} {lower:.1f}C{out:.1f} {lower:.1f} {out:.1f} {upper:.1f} {right + 6:.1f} {upper:.1f}"
    tip = f"M{right + 0.8:.1f} {upper:.1f}l{_ARROW:.1f} {-_ARROW * 0.55:.1f}l0 {_ARROW * 1.1:.1f}Z"
    return path, tip


# -- legend and caption ------------------------------------------------------------------------------------------------


def _legend(shown: Picture) -> tuple[list[str], float]:
    """One row that says what the shapes and lines of this drawing mean."""
    out: list[str] = []
    x = 0.0
    for kind in ("entity", "activity", "agent"):
        if any(b.kind == kind for b in shown.boxes):
            out.append(f'<g class="{kind}">{_shape(kind, x, -7, 22, 14)}</g>{_caption_text(kind, x + 28)}')
            x += 28 + _width(kind, _HEADING) + 18
    for style, word in LEGEND.items():
        if any(a.style == style for a in shown.arrows):
            tip = f"M{x + 28:.1f} 0l{-_ARROW:.1f} {-_ARROW * 0.55:.1f}l0 {_ARROW * 1.1:.1f}Z"
            out.append(f'<g class="{style}"><path class="line" d="M{x:.1f} 0h22"/><path class="tip" d="{tip}"/></g>'
                       f"{_caption_text(word, x + 34)}")  # fmt: skip
            x += 34 + _width(word, _HEADING) + 18
    return out, max(0.0, x - 18)


def _caption_text(text: str, x: float) -> str:
    return f'<text class="caption" x="{x:.1f}" y="4" font-size="{_HEADING}">{escape(text)}</text>'


def _caption(shown: Picture) -> list[str]:
    return [" ".join(shown.caption)] if shown.caption else []


# -- the width of text -------------------------------------------------------------------------------------------------


def _width(text: str, size: float) -> float:
    """Width of text in the widest of the fonts named, near enough for a box to fit round it."""
    return size * sum(_advance(c) for c in text)


def _advance(character: str) -> float:
    if character in "iljI|.,:;'!":
        return 0.31
    if character in 'tfr()[]/\\ -"`':
        return 0.40
    if character in "mwMW@%—…":
        return 0.94
    if character.isupper() or character in "&=<>+~#×→":
        return 0.74
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.0 if unicodedata.combining(character) else 0.60


def _cut(text: str, size: float, room: float) -> str:
    """As much of a text as fits."""
    if _width(text, size) <= room:
        return text
    used = _width("…", size)
    for i, character in enumerate(text):
        used += size * _advance(character)
        if used > room:
            return text[:i].rstrip() + "…"
    return text
