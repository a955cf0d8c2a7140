"""The layered layout: what a reader of a drawing relies on."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.export import layout as module
from provgraph.export.layout import Layout, layered


@st.composite
def graphs(draw: st.DrawFn, *, cyclic: bool) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    n = draw(st.integers(1, 14))
    size = st.tuples(st.floats(10, 300), st.floats(10, 90))
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30))
    edges = pairs if cyclic else [(max(a, b), min(a, b)) for a, b in pairs if a != b]
    return draw(st.lists(size, min_size=n, max_size=n)), edges


def no_box_touches_another(sizes: list[tuple[float, float]], found: Layout) -> None:
    for i, (w, h) in enumerate(sizes):
        assert found.x[i] - w / 2 >= -1e-6
        assert found.x[i] + w / 2 <= found.width + 1e-6
        assert found.y[i] - h / 2 >= -1e-6
        assert found.y[i] + h / 2 <= found.height + 1e-6
        for j in range(i):
            apart_x = abs(found.x[i] - found.x[j]) - (w + sizes[j][0]) / 2
            apart_y = abs(found.y[i] - found.y[j]) - (h + sizes[j][1]) / 2
            assert max(apart_x, apart_y) > 15, (i, j)


@settings(deadline=None)
@given(graphs(cyclic=False))
def test_causes_stand_above_effects_and_boxes_apart(
    graph: tuple[list[tuple[float, float]], list[tuple[int, int]]],
) -> None:
    sizes, edges = graph
    found = layered(sizes, edges)
    no_box_touches_another(sizes, found)
    for (effect, cause), route in zip(edges, found.routes, strict=True):
        assert found.y[cause] < found.y[effect]
        assert route[0] == (found.x[effect], found.y[effect])
        assert route[-1] == (found.x[cause], found.y[cause])
        heights = [y for _, y in route]
        assert heights == sorted(heights, reverse=True)
        for x, y in route[1:-1]:  # a long edge passes between the boxes
            for i, (w, h) in enumerate(sizes):
                assert not (abs(found.x[i] - x) < w / 2 and abs(found.y[i] - y) < h / 2 - 1e-6)


@settings(deadline=None)
@given(graphs(cyclic=True))
def test_cycles_do_not_matter(graph: tuple[list[tuple[float, float]], list[tuple[int, int]]]) -> None:
    sizes, edges = graph
    found = layered(sizes, edges)
    no_box_touches_another(sizes, found)
    again = layered(sizes, edges)
    assert np.array_equal(found.x, again.x)
    assert found.routes == again.routes


def test_the_lightest_edge_of_a_cycle_points_downwards() -> None:
    sizes = [(50.0, 20.0)] * 4
    edges = [(0, 1), (1, 2), (2, 3), (3, 0)]
    for light in range(4):
        found = layered(sizes, edges, weights=[1 if e == light else 5 for e in range(4)])
        assert [found.y[a] > found.y[b] for a, b in edges] == [e != light for e in range(4)]


def test_a_cause_stands_next_to_its_only_effect_and_not_at_the_top() -> None:
    found = layered([(50.0, 20.0)] * 5, [(1, 0), (2, 1), (3, 2), (3, 4)])
    assert found.y[4] == found.y[2]


def test_edges_that_need_not_cross_do_not() -> None:
    # Two ladders, given interleaved.
    edges = [(2, 0), (3, 1), (4, 2), (5, 3), (6, 4), (7, 5), (6, 0), (7, 1)]
    found = layered([(40.0, 20.0)] * 8, edges)
    left = [0, 2, 4, 6] if found.x[0] < found.x[1] else [1, 3, 5, 7]
    for a in left:
        assert all(found.x[a] < found.x[b] for b in range(8) if b not in left and found.y[a] == found.y[b])


def test_very_many_long_edges_go_straight(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_BENDS", 2)
    found = layered([(40.0, 20.0)] * 5, [(1, 0), (2, 1), (3, 2), (4, 3), (4, 0)])
    assert all(len(route) == 2 for route in found.routes)


def test_nothing_and_one_box() -> None:
    assert layered([], []).width == 0
    found = layered([(100.0, 30.0)], [])
    assert (found.x[0], found.y[0], found.width, found.height) == (50.0, 15.0, 100.0, 30.0)
