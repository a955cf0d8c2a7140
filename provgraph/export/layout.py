"""A layered drawing of a directed graph: causes above effects, few crossings, boxes that do not overlap.

Longest-path layers, tightened; barycentre sweeps; positions by least squares within the order of a layer.
(Sugiyama, Tagawa and Toda 1981; the sweeps work on whole layers as arrays.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Point = tuple[float, float]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

SWEEPS = 12
MOST_BENDS = 20_000  # beyond, long edges go straight: they may cross boxes, but the layout stays fast


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in the units of the sizes given; the origin is the upper left corner.

    x, y : centres of the boxes, shape (n_boxes,).
    routes : for each edge the points it passes, from effect to cause; the same point twice for an edge to itself.
    """

    x: Floats
    y: Floats
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    *,
    weights: Sequence[int] | None = None,
    gap: float = 28.0,
    rise: float = 52.0,
) -> Layout:
    """Positions for boxes of these sizes, joined by (effect, cause) edges.

    weights : how much an edge wants to point upwards; where edges form a cycle, the lightest ones give way.
    gap, rise : least distance between boxes beside and above each other.
    """
    n = len(sizes)
    if n == 0:
        return Layout(np.zeros(0), np.zeros(0), tuple(() for _ in edges), 0.0, 0.0)
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    upward = _acyclic(n, ends, np.array(weights if weights is not None else [1] * len(ends), dtype=np.int64))
    rank = _ranks(n, upward[upward[:, 0] != upward[:, 1]])
    chain, rank, bends = _with_bends(ends, rank, n)
    pieces = _Pieces(chain, rank, int(rank.max()) + 1)
    order = _ordered(rank, pieces)
    width = np.array([w for w, _ in sizes] + [6.0] * bends)
    x, offsets = _across(order, pieces, width, gap, n)
    _straighten(order, chain, x, offsets)
    bands = _bands(rank[:n], np.array([h for _, h in sizes]), rise)
    y = bands[rank[:n]].mean(axis=1)
    x -= (x - width / 2).min()
    return Layout(x[:n], y, _routes(chain, rank, x, y, bands), float((x + width / 2).max()), float(bands[-1, 1]))


def _acyclic(n: int, ends: Ints, weights: Ints) -> Ints:
    """The edges, those of least weight in each cycle turned round."""
    turned = ends.copy()
    kept = np.flatnonzero(ends[:, 0] != ends[:, 1])
    while True:
        component = _components(n, ends[kept])
        inside = kept[component[ends[kept, 0]] == component[ends[kept, 1]]]
        if len(inside) == 0:
            return turned
        lightest: dict[int, int] = {}
        for e in inside:
            c = int(component[ends[e, 0]])
            lightest[c] = min(lightest.get(c, int(weights[e])), int(weights[e]))
        light = [e for e in inside if weights[e] == lightest[int(component[ends[e, 0]])]]
        if len(light) == len(inside):  # nothing is lighter than the rest: what closes a cycle on a walk gives way
            light = _closing(n, ends, inside)
        turned[light] = ends[light][:, ::-1]
        kept = np.setdiff1d(kept, light)


def _components(n: int, ends: Ints) -> Ints:
    """Strongly connected component of each node (Tarjan, without recursion)."""
    out: list[list[int]] = [[] for _ in range(n)]
    for a, b in ends.tolist():
        out[a].append(b)
    component = np.full(n, -1, dtype=np.int64)
    seen: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    count = 0
    for start in range(n):
        if start in seen:
            continue
        work = [(start, 0)]
        while work:
            node, i = work.pop()
            if i == 0:
                seen[node] = low[node] = len(seen)
                stack.append(node)
            for j in range(i, len(out[node])):
                other = out[node][j]
                if other not in seen:
                    work += [(node, j + 1), (other, 0)]
                    break
                if component[other] < 0:
                    low[node] = min(low[node], seen[other])
            else:
                if low[node] == seen[node]:
                    while True:
                        member = stack.pop()
                        component[member] = count
                        if member == node:
                            break
                    count += 1
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return component


def _closing(n: int, ends: Ints, edges: Ints) -> list[int]:
    """Of these edges those that lead a depth-first walk back to where it is."""
    out: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for e in edges.tolist():
        out[int(ends[e, 0])].append((e, int(ends[e, 1])))
    state = [0] * n  # 0 new, 1 on the walk, 2 done
    closing = []
    for start in sorted(out):
        if state[start]:
            continue
        state[start] = 1
        work = [(start, 0)]
        while work:
            node, i = work.pop()
            for j in range(i, len(out[node])):
                e, other = out[node][j]
                if state[other] == 1:
                    closing.append(e)
                elif state[other] == 0:
                    state[other] = 1
                    work += [(node, j + 1), (other, 0)]
                    break
            else:
                state[node] = 2
    return closing


def _ranks(n: int, ends: Ints) -> Ints:
    """Layer of each node, 0 at the top: below all its causes, and no higher than its effects need."""
    rank = np.zeros(n, dtype=np.int64)
    for _ in range(n):
        below = rank.copy()
        np.maximum.at(below, ends[:, 0], rank[ends[:, 1]] + 1)
        if np.array_equal(below, rank):
            break
        rank = below
    causes = np.bincount(ends[:, 0], minlength=n)
    effects = np.bincount(ends[:, 1], minlength=n)
    movable = (effects > 0) & (causes <= effects)
    for _ in range(int(rank.max()) + 1):  # what hangs high on long edges comes down to its nearest effect
        floor = np.full(n, np.iinfo(np.int64).max)
        np.minimum.at(floor, ends[:, 1], rank[ends[:, 0]] - 1)
        lower = np.where(movable, np.maximum(rank, np.where(effects > 0, floor, rank)), rank)
        if np.array_equal(lower, rank):
            break
        rank = lower
    used = np.unique(rank)
    return np.searchsorted(used, rank).astype(np.int64)


def _with_bends(ends: Ints, rank: Ints, n: int) -> tuple[list[list[int]], Ints, int]:
    """Each edge as the nodes it passes: a bend in every layer between its ends."""
    spans = np.abs(rank[ends[:, 0]] - rank[ends[:, 1]]) - 1
    bends = int(np.maximum(spans, 0).sum())
    if bends > MOST_BENDS:
        return [[int(a), int(b)] for a, b in ends], rank, 0
    chains: list[list[int]] = []
    extra: list[int] = []
    for a, b in ends.tolist():
        step = 1 if rank[b] > rank[a] else -1
        between = list(range(int(rank[a]) + step, int(rank[b]), step))
        chains.append([a, *range(n + len(extra), n + len(extra) + len(between)), b])
        extra += between
    return chains, np.concatenate([rank, np.array(extra, dtype=np.int64)]), bends


class _Pieces:
    """The pieces of edges between neighbouring layers: for each layer those that end in it from below and from above."""

    def __init__(self, chains: list[list[int]], rank: Ints, layers: int) -> None:
        pairs = [(a, b) for chain in chains for a, b in pairwise(chain) if rank[a] != rank[b]]
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        flip = rank[found[:, 0]] < rank[found[:, 1]]
        found[flip] = found[flip][:, ::-1]
        found = found[np.argsort(rank[found[:, 0]], kind="stable")]
        self.lower, self.upper = found[:, 0], found[:, 1]
        starts = np.searchsorted(rank[self.lower], np.arange(layers + 2))
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(starts)]

    def above(self, r: int) -> tuple[Ints, Ints]:
        """Nodes of layer r, and their neighbours in the layer above."""
        return self.lower[self.slices[r]], self.upper[self.slices[r]]

    def below(self, r: int) -> tuple[Ints, Ints]:
        """Nodes of layer r, and their neighbours in the layer below."""
        return self.upper[self.slices[r + 1]], self.lower[self.slices[r + 1]]


def _ordered(rank: Ints, pieces: _Pieces) -> list[Ints]:
    """The nodes of each layer from left to right: barycentre sweeps down and up, the order with fewest crossings."""
    layers = int(rank.max()) + 1
    place = np.zeros(len(rank), dtype=np.int64)
    order = _start(rank, pieces)
    best, fewest = order, None
    for sweep in range(SWEEPS + 1):
        for layer in order:
            place[layer] = np.arange(len(layer))
        crossings = sum(_crossings(place, *pieces.above(r)) for r in range(1, layers))
        if fewest is None or crossings < fewest:
            best, fewest = list(order), crossings
        if crossings == 0 or sweep == SWEEPS:
            break
        downwards = sweep % 2 == 0
        for r in range(1, layers) if downwards else range(layers - 2, -1, -1):
            here, there = pieces.above(r) if downwards else pieces.below(r)
            layer = order[r]
            slot = place[here]
            count = np.bincount(slot, minlength=len(layer))
            total = np.bincount(slot, weights=place[there], minlength=len(layer))
            # A node without neighbours there keeps its place.
            scale = len(order[r - 1 if downwards else r + 1]) / len(layer)
            centre = np.where(count > 0, total / np.maximum(count, 1), np.arange(len(layer)) * scale)
            order[r] = layer[np.argsort(centre, kind="stable")]
            place[order[r]] = np.arange(len(layer))
    return best


def _start(rank: Ints, pieces: _Pieces) -> list[Ints]:
    """A first order: a walk from the bottom upwards, so that what belongs together begins together."""
    causes: list[list[int]] = [[] for _ in rank]
    for a, b in zip(pieces.lower.tolist(), pieces.upper.tolist(), strict=True):
        causes[a].append(b)
    seen = [False] * len(rank)
    layer_of = rank.tolist()
    order: list[list[int]] = [[] for _ in range(int(rank.max()) + 1)]
    for start in np.argsort(-rank, kind="stable").tolist():
        stack = [start]
        while stack:
            node = stack.pop()
            if not seen[node]:
                seen[node] = True
                order[layer_of[node]].append(node)
                stack += reversed(causes[node])
    return [np.array(layer, dtype=np.int64) for layer in order]


def _crossings(place: Ints, lower: Ints, upper: Ints) -> int:
    """How many pairs of edges cross between two layers; for very many a bound by length is worth its time."""
    a, b = place[lower], place[upper]
    if len(a) > 1000:
        return int(np.abs(a - b).sum())
    return int(((a[:, None] < a) & (b[:, None] > b)).sum()) if len(a) > 1 else 0


def _across(order: list[Ints], pieces: _Pieces, width: Floats, gap: float, boxes: int) -> tuple[Floats, list[Floats]]:
    """Horizontal centres, each layer in turn as near to its neighbours as its order and its widths allow; and the least
    distance of each node from the first of its layer."""
    x, slot = np.zeros(len(width)), np.zeros(len(width), dtype=np.int64)
    offsets = []
    for layer in order:
        bend = layer >= boxes
        space = (width[layer][1:] + width[layer][:-1]) / 2 + np.where(bend[1:] & bend[:-1], gap * 0.6, gap)
        offset = np.concatenate([[0.0], np.cumsum(space)])
        offsets.append(offset)
        x[layer], slot[layer] = offset - offset[-1] / 2, np.arange(len(layer))
    for sweep in range(SWEEPS):
        downwards, both = sweep % 2 == 0, sweep >= SWEEPS - 4  # at first one side leads, at last both have their say
        for r in range(len(order)) if downwards else range(len(order) - 1, -1, -1):
            layer, offset = order[r], offsets[r]
            total, weight = np.zeros(len(layer)), np.zeros(len(layer))
            for here, there in ([pieces.above(r)] if downwards or both else []) + (
                [pieces.below(r)] if both or not downwards else []
            ):
                # Straight long edges please most: a bend holds on to a bend harder than a box to a box.
                pull = 1.0 + 3.0 * ((here >= boxes).astype(float) + (there >= boxes))
                total += np.bincount(slot[here], weights=x[there] * pull, minlength=len(layer))
                weight += np.bincount(slot[here], weights=pull, minlength=len(layer))
            aim = np.where(weight > 0, total / np.maximum(weight, 1e-9), x[layer])
            x[layer] = _isotonic(aim - offset, np.maximum(weight, 0.1)) + offset
    return x, offsets


def _straighten(order: list[Ints], chains: list[list[int]], x: Floats, offsets: list[Floats]) -> None:
    """Put the bends of a long edge above each other where its neighbours leave room."""
    before: dict[int, tuple[int, float]] = {}  # node to its left neighbour and the distance it needs from it
    after: dict[int, tuple[int, float]] = {}
    for layer, offset in zip(order, offsets, strict=True):
        for (a, b), space in zip(pairwise(layer.tolist()), np.diff(offset).tolist(), strict=True):
            before[b], after[a] = (a, space), (b, space)
    for chain in chains:
        bends = chain[1:-1]
        if not bends:
            continue
        low = max((x[before[b][0]] + before[b][1] for b in bends if b in before), default=-np.inf)
        high = min((x[after[b][0]] - after[b][1] for b in bends if b in after), default=np.inf)
        if low <= high:
            wishes = [x[chain[0]], x[chain[-1]], float(x[bends].mean())]
            inside = [w for w in wishes[:2] if low <= w <= high]
            near = min(inside, key=lambda w: abs(w - wishes[2])) if inside else wishes[2]
            x[bends] = min(max(near, low), high)


def _isotonic(aim: Floats, weight: Floats) -> Floats:
    """The ascending values nearest to `aim` (pool adjacent violators)."""
    if len(aim) < 2 or bool(np.all(aim[1:] >= aim[:-1])):
        return aim
    blocks: list[list[float]] = []  # weighted sum, weight, members
    for a, w in zip(aim.tolist(), weight.tolist(), strict=True):
        block = [a * w, w, 1.0]
        while blocks and blocks[-1][0] * block[1] > block[0] * blocks[-1][1]:
            block = [p + q for p, q in zip(blocks.pop(), block, strict=True)]
        blocks.append(block)
    return np.repeat([s / w for s, w, _ in blocks], [int(c) for _, _, c in blocks])


def _bands(rank: Ints, heights: Floats, rise: float) -> Floats:
    """Top and bottom of each layer, shape (n_layers, 2): as high as its highest box."""
    tallest = np.zeros(int(rank.max()) + 1)
    np.maximum.at(tallest, rank, heights)
    top = np.concatenate([[0.0], np.cumsum(tallest + rise)[:-1]])
    return np.column_stack([top, top + tallest])


def _routes(chains: list[list[int]], rank: Ints, x: Floats, y: Floats, bands: Floats) -> tuple[tuple[Point, ...], ...]:
    """The points of each edge; it passes a layer between two boxes from edge to edge of the layer, so straight."""
    routes = []
    for chain in chains:
        first, last = chain[0], chain[-1]
        points = [(float(x[first]), float(y[first]))]
        rising = rank[last] < rank[first]
        for bend in chain[1:-1]:
            top, bottom = bands[rank[bend]]
            passed = (bottom, top) if rising else (top, bottom)
            points += [(float(x[bend]), float(passed[0])), (float(x[bend]), float(passed[1]))]
        routes.append((*points, (float(x[last]), float(y[last]))))
    return tuple(routes)
