"""What random graphs found, each by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz.cases import Case
from tests.fuzz.graphs import Graph
from tests.fuzz.world import Start

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with Start.opened(tmp_path_factory.mktemp("found")) as found:
        yield found


def holds(start: Start, lines: str, before: tuple[str, ...] = (), cuts: tuple[Any, ...] = ()) -> None:
    Case(Graph.of(start, lines), before, cuts).check()


def test_the_first_part_of_a_union_is_a_catalog_without_sources(start: Start) -> None:
    holds(
        start,
        """
            c0 = union(e.select('id', 'n', 'x'), b.select('id', 'n', 'x'), policy='first')
        """,
    )


def test_parts_of_a_set_are_found_among_different_sources(start: Start) -> None:
    holds(
        start,
        """
            c0 = together(b, a.select('id'))
            c1 = passed(c0)
            c6 = c1.filter('complement(`dec` > 0.1)')
        """,
    )


def test_parts_of_a_union_have_the_same_calculated_values(start: Start) -> None:
    holds(
        start,
        """
            c0_ = calculated(a, 'sum')
            c0 = together(b, c0_)
            c1 = union(c0.select('sum'), c0_.select('sum'))
        """,
    )


def test_one_set_is_selected_at_two_places_in_parts(start: Start) -> None:
    holds(
        start,
        """
            c0 = a.filter('(`ra` <= 20.1) or (not (`dec` in (20.1, 3, null)))')
            c1 = c0.select('y', 'dec')
            c2 = passed(c0)
            c3 = together(c2, c1)
        """,
    )


def test_a_part_with_all_sources_under_other_identifiers(start: Start) -> None:
    """Only their numbers say that the two are the same set, and only before they are relabelled."""
    holds(
        start,
        """
            c0 = a.filter('`n` != 3')
            c1 = calculated(c0, 'either')
            c2 = c1.filter('(`either` < 100) or (`either` is null)')
            c3 = relabelled(c2, 3)
        """,
    )


def test_the_end_is_a_pass(start: Start) -> None:
    holds(
        start,
        """
            c0_ = passed(a)
            c1 = calculated(c0_, 'twice')
            c2 = passed(c1)
        """,
    )


def test_a_rest_was_stored(start: Start) -> None:
    """What remained to be calculated is stored as a set of its own, about which only the plan says what was left out."""
    holds(
        start,
        """
            c0 = a.filter("(complement(`t` between 'a' and 'b')) or (`n` is not null)")
            c1 = calculated(c0, 'root')
            c2 = a.filter('`x` > 0.1')
            c3 = calculated(c2, 'root')
            c4 = calculated(a, 'root')
        """,
        before=("c1", "c3"),
    )


def test_a_calculator_of_a_whole_union_in_parts(start: Start) -> None:
    holds(
        start,
        """
            c0 = union(a.select('x', 'id'), b.select('x', 'id'), policy='first')
            c1 = calculated(c0, 'place')
        """,
        cuts=(18, 27),
    )


def test_little_memory_where_nothing_is_needed(start: Start) -> None:
    """No attribute of the end, but sources that are found by values under other identifiers."""
    holds(
        start,
        """
            c0 = calculated(one, 'half')
            c1 = relabelled(c0, 6)
            c2 = c1.filter('(complement(`half` is not null)) or (complement(`half` >= 10))')
            c3 = union(c2, c1.filter('complement((complement(`half` is not null)) or (complement(`half` >= 10)))'))
            c4 = c3.select()
        """,
    )
