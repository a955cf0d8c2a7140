"""Counts over time as a drawing: one line of steps for each group, named where it ends. No script, nothing loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 150.0, 44.0, 44.0
_LEAST = 15.0  # between the names of two lines
SHOWN = 8  # lines; the smaller ones are drawn in grey, together under one name
# Apart for every kind of colour vision (Okabe and Ito); the names say the same again.
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b08b00", "#56b4e9", "#8a5a2b", "#6b5fb5")
_STYLE: Final = """
text { font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; fill: #1f2328; }
.page { fill: #ffffff; }
.title { font-weight: 600; font-size: 14px; }
.mark, .axis { fill: #59606a; font-size: 11px; }
.name { font-size: 11.5px; }
.grid { stroke: #e4e7eb; stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.lead { fill: none; stroke: #a3acb8; stroke-width: 0.8; }
.more { stroke: #a3acb8; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e9edf2; }
  .page { fill: #15181d; }
  .mark, .axis { fill: #a3acb8; }
  .grid { stroke: #2b3037; }
}
"""

Events = Sequence[tuple[datetime, int]]


def draw(title: str, counted: str, groups: Mapping[str, Events]) -> str:
    """An SVG document. counted : what the axis counts. groups : by name, when how many more there were, in any order."""
    lines = {name: _summed(events) for name, events in groups.items() if events}
    times = [at for line in lines.values() for at, _ in line] or [datetime.now(UTC)]
    first, last = min(times), max(times)
    room = max((last - first) * 0.04, timedelta(seconds=1))
    first, last = first - room, last + room
    top = max((line[-1][1] for line in lines.values()), default=1)
    step = _round(top / 5)
    high = max(step, math.ceil(top / step) * step)

    def x(at: datetime) -> float:
        return _LEFT + (at - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(n: float) -> float:
        return _HEIGHT - _BOTTOM - n / high * (_HEIGHT - _TOP - _BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}" '
        f'viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-labelledby="steps-title">',
        f'<title id="steps-title">{escape(title)}</title>', f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH:.0f}" height="{_HEIGHT:.0f}"/>',
        f'<text class="title" x="{_LEFT:.0f}" y="24">{escape(title)}</text>',
        f'<text class="axis" x="{_LEFT - 8:.0f}" y="{_TOP - 10:.0f}" text-anchor="end">{escape(counted)}</text>',
    ]  # fmt: skip
    for i in range(round(high / step) + 1):
        n = i * step
        out += [f'<path class="grid" d="M{_LEFT:.1f} {y(n):.1f}H{_WIDTH - _RIGHT:.1f}"/>',
                f'<text class="mark" x="{_LEFT - 8:.1f}" y="{y(n) + 4:.1f}" text-anchor="end">{n:g}</text>']  # fmt: skip
    for at, text in _marks(first, last):
        out.append(
            f'<text class="mark" x="{x(at):.1f}" y="{_HEIGHT - _BOTTOM + 18:.1f}" text-anchor="middle">{text}</text>'
        )
    order = sorted(lines, key=lambda name: -lines[name][-1][1])
    named = order[:SHOWN]
    for name in order[SHOWN:]:
        out.append(f'<path class="line more" d="{_path(lines[name], x, y, last)}"><title>{escape(name)}</title></path>')
    ends = [
        (name, y(lines[name][-1][1]), f'class="name" style="fill: {colour}"')
        for name, colour in zip(named, _COLOURS, strict=False)
    ]
    for name, colour in reversed(list(zip(named, _COLOURS, strict=False))):  # the largest above the others
        path = _path(lines[name], x, y, last)
        out.append(
            f'<path class="line" stroke="{colour}" d="{path}"><title>{escape(name)}: {lines[name][-1][1]}</title></path>'
        )
    if len(order) > SHOWN:
        ends.append((f"{len(order) - SHOWN} more", y(max(lines[n][-1][1] for n in order[SHOWN:])), 'class="mark"'))
    edge = x(last)
    for (name, at_y, look), text_y in zip(ends, _apart([one[1] for one in ends]), strict=True):
        out += [f'<path class="lead" d="M{edge:.1f} {at_y:.1f}L{edge + 10:.1f} {text_y:.1f}"/>',
                f'<text {look} x="{edge + 14:.1f}" y="{text_y + 4:.1f}">'
                f"{escape(_cut(name))}</text>"]  # fmt: skip
    return "\n".join((*out, "</svg>")) + "\n"


def _summed(events: Events) -> list[tuple[datetime, int]]:
    total, found = 0, []
    for at, n in sorted(events):
        total += n
        found.append((at, total))
    return found


def _path(line: Events, x: Callable[[datetime], float], y: Callable[[float], float], last: datetime) -> str:
    parts = [f"M{x(line[0][0]):.1f} {y(0):.1f}"]
    parts += [f"H{x(at):.1f}V{y(n):.1f}" for at, n in line]
    return "".join((*parts, f"H{x(last):.1f}"))


def _round(step: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, at least 1."""
    power = 10 ** math.floor(math.log10(max(step, 1)))
    return float(next(power * n for n in (1, 2, 5, 10) if power * n >= step))


def _marks(first: datetime, last: datetime) -> list[tuple[datetime, str]]:
    """Five times, as exactly as they differ."""
    length = last - first
    form = "%Y-%m-%d" if length > timedelta(days=5) else "%m-%d %H:%M" if length > timedelta(minutes=10) else "%H:%M:%S"
    return [(at, at.strftime(form)) for at in (first + length * n / 4 for n in range(5))]


def _apart(heights: Sequence[float]) -> list[float]:
    """Where names stand beside the ends of lines, so that none covers another."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    found = list(heights)
    for before, i in pairwise(order):
        found[i] = max(found[i], found[before] + _LEAST)
    over = max((found[i] for i in order[-1:]), default=0.0) - (_HEIGHT - _BOTTOM)
    if over > 0:  # back up again from the bottom
        found[order[-1]] -= over
        for after, i in pairwise(reversed(order)):
            found[i] = min(found[i], found[after] - _LEAST)
    return found


def _cut(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"
