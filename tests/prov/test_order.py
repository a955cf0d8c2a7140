"""The order of events: grown bit by bit it has the components and the contradictions of the whole."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.prov.order import STRICT, Edge, Order, label

EDGES = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14), st.sampled_from((STRICT, 1, 1, 1))), max_size=40)


def reach(edges: list[Edge]) -> set[tuple[int, int]]:
    found = {(a, b) for a, b, _ in edges}
    for k, a, b in itertools.product(range(15), repeat=3):
        if (a, k) in found and (k, b) in found:
            found.add((a, b))
    return found


@given(EDGES, st.data())
@settings(max_examples=300, deadline=None)
def test_edges_in_any_portions(drawn: list[tuple[int, int, int]], data: Any) -> None:
    edges = [(a, b, label(i, reason)) for i, (a, b, reason) in enumerate(drawn)]
    leads = reach(edges)
    inside = {e for e in edges if (e[1], e[0]) in leads or e[0] == e[1]}
    order, rest, found = Order(), edges, set()
    while rest:
        n = data.draw(st.integers(1, len(rest)))
        found |= set(order.extend(rest[:n]))
        rest = rest[n:]
    assert found == inside
    for a, b, _ in edges:
        one, two = order.component.get(a, a), order.component.get(b, b)
        assert one == two or order.rank[one] < order.rank[two]
    for a, b, mark in inside:
        path = order.path(b, a) if a != b else []
        assert all(x[1] == y[0] for x, y in itertools.pairwise([(a, b, mark), *path]))
        assert a == b or (path[0][0], path[-1][1]) == (b, a)


def linked(order: Order, edges: list[Edge]) -> list[Edge]:
    return [e for edge in edges for e in order.extend([edge])]


def test_an_edge_that_agrees_looks_at_nothing_else() -> None:
    order = Order()
    order.extend([(i, i + 1, label(i, 1)) for i in range(10_000)])
    looked: list[Edge] = []
    assert order._link((5, 9_000, label(0, 1)), looked) == 1
    assert order._link((10_000, 10_001, label(0, 1)), looked) == 1
    assert order._link((-1, 0, label(0, 1)), looked) == 1
    assert looked == []
    assert linked(order, [(9_000, 8_990, label(1, STRICT))])
    assert len(order.members[order.component[8_995]]) == 11


def test_much_that_disagrees_is_ordered_anew() -> None:
    """A thousand chains that are joined end to start, last first."""
    order = Order()
    order.extend([(100 * c + i, 100 * c + i + 1, label(0, 1)) for c in range(1000) for i in range(99)])
    assert order.extend([(100 * c + 99, 100 * (c - 1), label(1, 1)) for c in range(1, 1000)]) == []
    assert len(order.extend([(99, 99_900, label(2, STRICT))])) == 100_000
