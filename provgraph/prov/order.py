"""Events in the order that statements give them: grows edge by edge, and finds which "strictly before" lies on a cycle.

A topological order of the strongly connected components is kept (Pearce and Kelly, 2006): a new edge that agrees with it costs
nothing, another one costs what lies between its two ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

STRICT: Final = 0
"""The reason (lowest four bits of a label) of edges that are "strictly before"; all others are "not after"."""
_REASONS: Final = 16


def label(source: int, reason: int) -> int:
    """What an edge is marked with: the number of a statement, and why it orders two events."""
    return source * _REASONS + reason


def source_of(mark: int) -> int:
    return mark // _REASONS


def reason_of(mark: int) -> int:
    return mark % _REASONS


Edge = tuple[int, int, int]
"""Event, later event, label."""


class Order:
    """A directed graph of events with its strongly connected components in topological order."""

    def __init__(self) -> None:
        self.out: dict[int, list[int]] = {}  # event -> later event, label, later event, label, …
        self.into: dict[int, list[int]] = {}
        self.rank: dict[int, int] = {}  # of components that have an edge
        self.component: dict[int, int] = {}  # only of events that share theirs with another
        self.members: dict[int, list[int]] = {}
        self.top = self.bottom = 0
        self.edges = 0

    def extend(self, edges: Iterable[Edge]) -> list[Edge]:
        """Add edges. Gives those, old and new, that have come to lie inside one component."""
        new = list(edges)
        if len(new) > max(64, self.edges // 4):  # as much work as to order everything at once
            return self._everything(new)
        inside: list[Edge] = []
        budget = 2 * (self.edges + len(new)) + 10_000
        for i, edge in enumerate(new):
            budget -= self._link(edge, inside)
            if budget < 0:  # each edge moves much: starting over is cheaper
                return inside + self._everything(new[i + 1 :])
        return inside

    def path(self, start: int, end: int) -> list[Edge]:
        """A shortest path between two events of one component."""
        home = self.component.get(start, start)
        came: dict[int, Edge] = {}
        queue = deque([start])
        while queue:
            event = queue.popleft()
            later = self.out.get(event, ())
            for i in range(0, len(later), 2):
                target, mark = later[i], later[i + 1]
                if target in came or self.component.get(target, target) != home:
                    continue
                came[target] = (event, target, mark)
                if target == end:
                    found = [came[end]]
                    while found[-1][0] != start:
                        found.append(came[found[-1][0]])
                    return found[::-1]
                queue.append(target)
        return []

    def _append(self, edge: Edge) -> None:
        event, later, mark = edge
        self.out.setdefault(event, []).extend((later, mark))
        self.into.setdefault(later, []).append(event)
        self.edges += 1

    def _link(self, edge: Edge, inside: list[Edge]) -> int:
        """Add one edge; gives the number of events looked at."""
        self._append(edge)
        a, b = self.component.get(edge[0], edge[0]), self.component.get(edge[1], edge[1])
        if a == b:
            inside.append(edge)
            return 1
        ranks = self.rank
        at, bt = ranks.get(a), ranks.get(b)
        if at is None and bt is None:
            ranks[a], ranks[b] = self.top + 1, self.top + 2
            self.top += 2
        elif at is None:
            self.bottom -= 1
            ranks[a] = self.bottom
        elif bt is None:
            self.top += 1
            ranks[b] = self.top
        elif at > bt:
            return self._reorder(a, b, inside)
        return 1

    def _reorder(self, a: int, b: int, inside: list[Edge]) -> int:
        ranks, component = self.rank, self.component
        low, high = ranks[b], ranks[a]
        after = self._reach(b, self._later, lambda r: r <= high)
        before = self._reach(a, self._earlier, lambda r: r >= low)
        pool = sorted(ranks[n] for n in after | before)
        cycle = after & before
        first = sorted(before - cycle, key=ranks.__getitem__)
        last = sorted(after - cycle, key=ranks.__getitem__)
        for node, rank in zip(first, pool, strict=False):
            ranks[node] = rank
        for node, rank in zip(reversed(last), reversed(pool), strict=False):
            ranks[node] = rank
        if cycle:
            root = max(cycle, key=lambda n: len(self.members.get(n, ())))
            home = self.members.setdefault(root, [root])
            moved = []
            for node in cycle:
                if node != root:
                    moved += self.members.pop(node, [node])
                    del ranks[node]
            for node in moved:
                component[node] = root
            component[root] = root
            home += moved
            ranks[root] = pool[len(first)]
            inside += self._between(home)
        return len(pool)

    def _between(self, members: list[int]) -> list[Edge]:
        home = self.component.get(members[0], members[0])
        return [
            (event, later[i], later[i + 1]) for event in members for later in (self.out.get(event, ()),)
            for i in range(0, len(later), 2) if self.component.get(later[i], later[i]) == home
        ]  # fmt: skip

    def _later(self, node: int) -> Iterable[int]:
        for event in self.members.get(node, (node,)):
            yield from self.out.get(event, ())[::2]

    def _earlier(self, node: int) -> Iterable[int]:
        for event in self.members.get(node, (node,)):
            yield from self.into.get(event, ())

    def _reach(self, start: int, step: Callable[[int], Iterable[int]], within: Callable[[int], bool]) -> set[int]:
        ranks, component = self.rank, self.component
        found, stack = {start}, [start]
        while stack:
            for event in step(stack.pop()):
                node = component.get(event, event)
                if node not in found and within(ranks[node]):
                    found.add(node)
                    stack.append(node)
        return found

    def _everything(self, new: list[Edge]) -> list[Edge]:
        """Order all events anew; gives the edges inside components."""
        out, into = self.out, self.into
        for event, later, mark in new:
            if event in out:
                out[event] += (later, mark)
            else:
                out[event] = [later, mark]
            if later in into:
                into[later].append(event)
            else:
                into[later] = [event]
        self.edges += len(new)
        self.rank, self.component, self.members = {}, {}, {}
        rank = self.rank
        missing = {event: len(earlier) for event, earlier in into.items()}
        ready = [event for event in out if event not in missing]
        at = 0
        while ready:
            event = ready.pop()
            at += 1
            rank[event] = at
            if event in out:
                for later in out[event][::2]:
                    left = missing[later] - 1
                    missing[later] = left
                    if not left:
                        ready.append(later)
        components = self._components([event for event in missing if event not in rank])
        for members in reversed(components):
            at += 1
            rank[members[0]] = at
            if len(members) > 1:
                self.members[members[0]] = members
                for event in members:
                    self.component[event] = members[0]
        self.top, self.bottom = at, 0
        return [edge for members in components for edge in self._between(members)]

    def _components(self, events: list[int]) -> list[list[int]]:
        """Strongly connected components of what cannot be ordered, later ones first (Tarjan, without recursion)."""
        seen: dict[int, int] = {}
        lowest: dict[int, int] = {}
        open_: list[int] = []
        on_stack: set[int] = set()
        found: list[list[int]] = []
        for root in events:
            if root in seen:
                continue
            work: list[tuple[int, int]] = [(root, 0)]
            while work:
                event, i = work.pop()
                if i == 0:
                    seen[event] = lowest[event] = len(seen)
                    open_.append(event)
                    on_stack.add(event)
                later = self.out.get(event, ())
                while i < len(later):
                    target = later[i]
                    i += 2
                    if target not in seen:
                        work += [(event, i), (target, 0)]
                        break
                    if target in on_stack:
                        lowest[event] = min(lowest[event], seen[target])
                else:
                    if lowest[event] == seen[event]:
                        cut = _last(open_, event)
                        found.append(open_[cut:])
                        on_stack.difference_update(found[-1])
                        del open_[cut:]
                    if work:
                        above = work[-1][0]
                        lowest[above] = min(lowest[above], lowest[event])
        return found


def _last(items: list[int], item: int) -> int:
    at = len(items) - 1
    while items[at] != item:
        at -= 1
    return at
