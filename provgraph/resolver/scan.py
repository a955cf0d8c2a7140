"""Finding the sources for which a criterion is true, reading as little of its columns as can be proven enough.

Block statistics rule whole blocks out or in, a sorted index gives the rows of a range; what remains is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from provgraph.bulk.indexes import Indexes, SortedIndex
from provgraph.bulk.parallel import each, gather
from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import Segment
from provgraph.language.criterion import BoundCriterion
from provgraph.language.nodes import TRUE, All, Compare, Name, Node, Number
from provgraph.language.ranges import Range, ranges, remainder
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]
Rows = slice | Array

SELECTIVE = 0.02
"""A larger part of a column than this is read as quickly in its own order as through an index."""

TOGETHER = 4
"""Parts that one thread looks at before another asks it for what it found."""
THRESHOLDS = 4 * BLOCK
"""Sources compared with thresholds at once: nothing but the answer is written, so that less need fit into the cache."""


@dataclass(frozen=True)
class Located:
    """A column, the rows of it that belong to the sources asked about, and the segment it stands in, if it does.

    name : of a column of its own, which no statistics and no index are asked for.
    """

    column: Column
    rows: Rows
    segment: Segment | None = None
    name: str = ""

    def take(self, kept: Array) -> Column:
        """The entries of these of its sources."""
        if isinstance(self.rows, slice):
            at = kept + (self.rows.start or 0)
        else:
            at = self.rows[kept]
        return Column(
            gather(self.column.values, at), None if self.column.null is None else gather(self.column.null, at)
        )


@dataclass
class Found:
    """kept : positions of the sources for which the criterion is TRUE, ascending; looked : sources it was evaluated on.

    read : values read, of columns and indexes; due : columns (segment, origin) that deserve an index by now.
    """

    kept: Array
    looked: int = 0
    read: int = 0
    due: list[tuple[Segment, str]] = field(default_factory=list)


def scan(bound: BoundCriterion, located: Mapping[str, Located], n: int, *, indexes: Indexes | None = None,
         progress: Callable[[float], None] | None = None) -> Found:  # fmt: skip
    """Which of `n` sources a criterion selects. located : by origin."""
    confined = ranges(bound.tree)
    through = _through_index(bound, located, confined, n, indexes)
    if through is not None:
        return through
    found = Found(np.empty(0, np.intp))
    kept: list[Array] = []
    left: dict[frozenset[Node], BoundCriterion | None] = {frozenset(): bound}
    todo: list[tuple[int, int, BoundCriterion | None]] = []
    for first, last, certain in _blocks(located, confined, n):
        if certain not in left:
            rest = remainder(bound.tree, certain)
            left[certain] = None if rest == TRUE else _criterion(rest)
        asked = left[certain]
        if todo and todo[-1][1:] == (first, asked) and last - todo[-1][0] <= _at_once(asked):
            todo[-1] = (todo[-1][0], last, asked)
        else:
            todo.append((first, last, asked))

    def selected(block: tuple[int, int, BoundCriterion | None]) -> Array:
        first, last, asked = block
        if asked is None:
            return np.arange(first, last)
        columns = {o: _part(located[o], first, last) for o in asked.origins}
        return np.flatnonzero(asked.select(columns, last - first)) + first

    for (first, last, asked), rows in zip(todo, each(selected, todo, together=TOGETHER), strict=True):
        kept.append(rows)
        if asked is not None:
            found.looked += last - first
            found.read += (last - first) * len(asked.origins)
        if progress is not None:
            progress(last / n)
    found.kept = np.concatenate(kept) if kept else np.empty(0, np.intp)
    if indexes is not None and found.looked > n / 10 and len(found.kept) < SELECTIVE * n:
        for origin, one in confined.items():
            segment = located[origin].segment
            if segment is None or not one.terms or not _covers(located[origin].rows, segment.n):
                continue
            if indexes.used(segment.info, origin):
                found.due.append((segment, origin))
    return found


def _through_index(bound: BoundCriterion, located: Mapping[str, Located], confined: Mapping[str, Range], n: int,
                   indexes: Indexes | None) -> Found | None:  # fmt: skip
    if indexes is None or not n:
        return None
    best: tuple[int, str, SortedIndex, tuple[int, int]] | None = None
    for origin, one in confined.items():
        segment = located[origin].segment
        if not one.terms or segment is None or not isinstance(located[origin].rows, slice):
            continue
        index = indexes.get(segment.info, origin)
        if index is not None:
            part = index.find(one)
            if best is None or part[1] - part[0] < best[0]:
                best = (part[1] - part[0], origin, index, part)
    if best is None or best[0] > SELECTIVE * n:
        return None
    hits, origin, index, part = best
    rows = located[origin].rows
    assert isinstance(rows, slice)
    begin = rows.start or 0
    positions = index.take(*part) - begin
    positions = positions[(positions >= 0) & (positions < n)]
    left = remainder(bound.tree, confined[origin].terms)
    found = Found(positions, read=hits)
    if left != TRUE:
        rest = _criterion(left)
        columns = {o: located[o].take(positions) for o in rest.origins}
        found.kept = positions[rest.select(columns, len(positions))]
        found.looked = len(positions)
        found.read += len(positions) * len(columns)
    return found


def _blocks(located: Mapping[str, Located], confined: Mapping[str, Range], n: int
            ) -> Iterator[tuple[int, int, frozenset[Node]]]:  # fmt: skip
    """Parts of the sources to look at, and the terms that are TRUE for all of a part; of others one is known to be false."""
    bounds = list(range(0, n, BLOCK))
    possible = np.ones(len(bounds), bool)
    certain: list[frozenset[Node]] = [frozenset()] * len(bounds)
    for origin, one in confined.items():
        where = located[origin]
        begin = where.rows.start or 0 if isinstance(where.rows, slice) else None
        if where.segment is None or begin is None or where.segment.info.column(origin).shape:
            continue
        if np.dtype(where.segment.info.column(origin).dtype).kind not in "fiu":
            continue
        maybe, sure = _decide(where.segment, origin, one)
        for index, first in enumerate(bounds):
            covered = slice((begin + first) // BLOCK, (begin + min(first + BLOCK, n) - 1) // BLOCK + 1)
            possible[index] &= bool(maybe[covered].any())
            if one.terms and sure[covered].all():
                certain[index] |= one.terms
    for index, first in enumerate(bounds):
        if possible[index]:
            yield first, min(first + BLOCK, n), certain[index]


def _decide(segment: Segment, origin: str, one: Range) -> tuple[Array, Array]:
    """By block: whether a value in the range is possible, and whether all values are there and in it."""
    blocks = segment.blocks(origin)
    maybe, sure = blocks.count > 0, (blocks.null_count == 0) & (blocks.nan_count == 0) & (blocks.count > 0)
    if one.lower is not None:
        maybe &= blocks.maximum > one.lower if one.lower_open else blocks.maximum >= one.lower
        sure &= blocks.minimum > one.lower if one.lower_open else blocks.minimum >= one.lower
    if one.upper is not None:
        maybe &= blocks.minimum < one.upper if one.upper_open else blocks.minimum <= one.upper
        sure &= blocks.maximum < one.upper if one.upper_open else blocks.maximum <= one.upper
    return maybe, sure


def _criterion(tree: Node) -> BoundCriterion:
    from provgraph.language.normal import canonical_text

    return BoundCriterion.from_canonical(canonical_text(tree))


def _covers(rows: Rows, n: int) -> bool:
    return isinstance(rows, slice) and len(range(*rows.indices(n))) == n


def _part(one: Located, first: int, last: int) -> Column:
    if isinstance(one.rows, slice):
        begin = one.rows.start or 0
        return one.column.take(slice(begin + first, begin + last))
    return one.column.take(one.rows[first:last])


def _at_once(asked: BoundCriterion | None) -> int:
    if asked is None:
        return THRESHOLDS
    terms = asked.tree.terms if isinstance(asked.tree, All) else (asked.tree,)
    simple = (isinstance(t, Compare) and isinstance(t.left, Name) and isinstance(t.right, Number) for t in terms)
    return THRESHOLDS if all(simple) else BLOCK
