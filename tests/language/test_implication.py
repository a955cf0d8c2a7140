"""What criteria say in propositions, against the criteria themselves evaluated on values."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.language import implication
from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.language.implication import (
    BELOW,
    IS,
    THERE,
    Cells,
    Every,
    Formula,
    Literal,
    Theory,
    Variable,
    meaning,
    variables,
)
from provgraph.schema.attribute import Attribute

DTYPES = {"x": "f8", "y": "f4", "i": "i8", "b": "?", "t": "U"}
ATTRIBUTES = {n: Attribute(n, d, "", origin=f"o:{n}") for n, d in DTYPES.items()}
ROWS = [
    {"x": x, "y": y, "i": i, "b": b, "t": t}
    for x, y, i, b, t in product(
        (None, math.nan, -math.inf, 0.0, 0.1, 0.15, 2.0), (None, np.float32(0.1), 3.0), (None, 0, 1, 2, 2**60), (None, True, False),
        (None, "", "a", "b"),
    )
]  # fmt: skip
TEXTS = (
    "x < .1", "not x < .1", "x >= .1", "x = .1", "x != .1", "x between 0 and .1", "x in (.1, 2)", "not x in (.1, 2)", "x is null",
    "complement(x < .1)", "complement(not x < .1)", "i < 1.5", "not i < 1.5", "i in (1, 2)", "i != 1", "i > 2**59", "y <= .1",
    "y < .1",
    "x < y", "not x < y", "x = y", "x + i < 2", "x - i is null", "b", "not b", "b is null", "complement(b)", "t < 'b'",
    "t in ('', 'b')", "not t = 'a'", "x < .1 or b", "x < .1 and not b", "not (x < .1 or i >= 2)", "x < inf", "x <= inf", "x > -inf",
    "where(b, x, y) < .1", "coalesce(x, y) is null", "x != x",
)  # fmt: skip


def canonical(text: str) -> str:
    return Criterion.parse(text).bind(ATTRIBUTES).canonical


def columns() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found = {}
    for name, dtype in DTYPES.items():
        values = [row[name] for row in ROWS]
        null = np.array([v is None for v in values])
        found[f"o:{name}"] = (
            np.array([("" if dtype == "U" else 0) if v is None else v for v in values], dtype=dtype),
            null,
        )
    return found


COLUMNS = columns()


def truth(formula: Formula) -> np.ndarray:
    """Where a formula is true, its variables asked one by one as criteria of their own."""
    if isinstance(formula, Literal):
        found = proposition(formula.variable)
        return found if formula.positive else ~found
    parts = [truth(part) for part in formula.parts]
    start = np.full(len(ROWS), isinstance(formula, Every))
    for part in parts:
        start = start & part if isinstance(formula, Every) else start | part
    return start


def proposition(variable: Variable) -> np.ndarray:
    kind, term, bound = variable
    text = term.text
    if " against " in text:
        left, right = text.split(" against ")
        said = {BELOW: f"{left} < {right}", THERE: f"not ({left} is null or {right} is null)"}.get(
            kind, f"{left} <= {right}"
        )
    elif kind == THERE:
        said = f"{text} is not null"
    elif kind == IS:
        said = text
    else:
        value = f"'{bound}'" if isinstance(bound, str) else str(bound) if isinstance(bound, int) else bound.hex()  # type: ignore[union-attr]
        value = "inf" if bound == math.inf else "-inf" if bound == -math.inf else value
        said = f"{text} {'<' if kind == BELOW else '<='} {value}"
    return np.asarray(BoundCriterion.from_canonical(said).select(COLUMNS, len(ROWS)))


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_is_true_where_the_criterion_selects(text: str) -> None:
    said = canonical(text)
    expected = BoundCriterion.from_canonical(said).select(COLUMNS, len(ROWS))
    assert truth(meaning(said)).tolist() == expected.tolist()


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_clauses_hold_for_every_row(texts: list[str]) -> None:
    theory = Theory()
    for text in texts:
        for variable in variables(meaning(canonical(text))):
            for clause in theory.meet(variable):
                holds = np.zeros(len(ROWS), bool)
                for literal in clause:
                    holds |= truth(literal)
                assert holds.all(), clause


def test_integers_have_neighbours() -> None:
    assert meaning(canonical("i < 3")) == meaning(canonical("i <= 2")) == meaning(canonical("i < 2.5"))
    assert meaning(canonical("i > 2")) == meaning(canonical("i >= 3"))


def test_a_constant_is_the_one_of_the_column() -> None:
    assert meaning(canonical("y <= .1")) == meaning(canonical("y <= 0.10000000149011612"))
    assert meaning(canonical("x <= .1")) != meaning(canonical("x <= 0.10000000149011612"))


def test_values_need_their_parts() -> None:
    theory = Theory()
    (x_minus_y,) = {v.term for v in variables(meaning(canonical("x - y < 1")))}
    clauses = theory.meet(Variable(THERE, x_minus_y))
    assert {literal.variable.term.text for clause in clauses for literal in clause if literal.positive} == {
        "`o:x`",
        "`o:y`",
    }
    assert theory.meet(Variable(THERE, x_minus_y)) == []


def test_other_names() -> None:
    said = canonical("x < y and b")
    assert implication.renamed(said, (("o:x", "o:z"),)) == "`o:b` and `o:y` > `o:z`"


@given(
    st.lists(st.sampled_from([t for t in TEXTS if t.count("x") and not set(t) & set("yibt(")]), min_size=2, max_size=5)
)
@settings(deadline=None, max_examples=40)
def test_cells_of_one_term(texts: list[str]) -> None:
    formulas = {t: meaning(canonical(t)) for t in texts if Cells.fit(meaning(canonical(t)))}
    cells = Cells(formulas)
    selected = {t: truth(f) for t, f in formulas.items()}
    for a, in_a in cells.of.items():
        for b, in_b in cells.of.items():
            if not in_a & ~in_b:
                assert not (selected[a] & ~selected[b]).any()
            if not in_a & in_b:
                assert not (selected[a] & selected[b]).any()
