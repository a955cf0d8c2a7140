"""Ranges hold every source that a criterion selects, and say so of their terms."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from provgraph.language.criterion import BoundCriterion
from provgraph.language.nodes import TRUE
from provgraph.language.ranges import ranges, remainder

VALUES = np.array([-np.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, np.inf, np.nan])

numbers = st.sampled_from(["-1.0", "-0.5", "0.0", "0.5", "1.0", "1.5"])
comparisons = st.tuples(st.sampled_from("xy"), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), numbers).map(
    lambda t: f"`{t[0]}` {t[1]} {t[2]}"
)
lists = st.tuples(st.sampled_from("xy"), st.lists(numbers, min_size=1, max_size=3)).map(
    lambda t: f"`{t[0]}` in ({', '.join(t[1])})"
)
criteria = st.recursive(
    comparisons | lists | st.just("`x` is null"),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) and ({t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) or ({t[1]})"),
        inner.map(lambda t: f"not ({t})"),
    ),
    max_leaves=6,
)


def inside(one, values):
    kept = ~np.isnan(values)
    if one.lower is not None:
        kept &= values > one.lower if one.lower_open else values >= one.lower
    if one.upper is not None:
        kept &= values < one.upper if one.upper_open else values <= one.upper
    return kept


@given(criteria)
def test_every_selected_source_is_in_the_range_of_each_origin(text):
    x, y = (part.ravel() for part in np.meshgrid(VALUES, VALUES))
    columns = {"x": (x, None), "y": (y, None)}
    bound = BoundCriterion.from_canonical(text)
    selected = bound.select(columns, len(x))
    known = np.ones(len(x), bool)
    terms = frozenset()
    for origin, one in ranges(bound.tree).items():
        kept = inside(one, columns[origin][0])
        assert not (selected & ~kept).any()
        if one.is_empty:
            assert not selected.any()
        if one.terms:
            known &= kept
            terms |= one.terms
    left = remainder(bound.tree, terms)
    if left == TRUE:
        assert (known == selected).all()
    else:
        from provgraph.language.nodes import print_node

        rest = BoundCriterion.from_canonical(print_node(left)).select(columns, len(x))
        assert (known & rest == selected).all()


def test_a_range_of_two_terms_is_their_intersection():
    bound = BoundCriterion.from_canonical("`x` > 1.0 and `x` >= 1.0 and `x` < 3.0 and `y` = 2.0")
    found = ranges(bound.tree)
    assert (found["x"].lower, found["x"].lower_open, found["x"].upper, found["x"].upper_open) == (1.0, True, 3.0, True)
    assert found["y"].lower == found["y"].upper == 2.0
    assert remainder(bound.tree, found["x"].terms | found["y"].terms) == TRUE
