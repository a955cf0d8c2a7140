"""What docs/criteria.md says is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import LanguageError
from provgraph.language import Criterion, Expression
from provgraph.language.functions import ALIASES, FUNCTIONS
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.attribute import Attribute

PAGE = Path(__file__).resolve().parents[2] / "docs" / "criteria.md"
TEXT = PAGE.read_text(encoding="utf-8")
DTYPES = {"bool": "?", "text": "U"}


def tables() -> dict[str, list[list[str]]]:
    """Rows of each table, by the first cell of its header with its section; a pipe in a cell is written with a backslash."""
    found: dict[str, list[list[str]]] = {}
    section, title = "", ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            section = line[3:]
        if not line.startswith("|"):
            title = ""
            continue
        cells = [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not title:
            title = f"{section}/{cells[0]}"
            found[title] = []
        elif not set(line) <= set("|- "):
            found[title].append(cells)
    return found


TABLES = tables()


def code(cell: str) -> list[str]:
    return [part.strip() for part in re.findall(r"`([^`]*)`", cell)]


def attributes() -> dict[str, Attribute]:
    made = {}
    for names, dtype, unit, ucds in TABLES["/name"]:
        for name, ucd in zip(code(names), code(ucds) * 2 or ["", ""], strict=False):
            declared = "?" if unit == "not declared" else unit
            made[name] = Attribute(name, DTYPES.get(dtype, dtype), declared, ucd, origin=f"o:{name}")
    return made


ATTRIBUTES = attributes()


def test_the_page_has_its_tables() -> None:
    assert [len(rows) for rows in TABLES.values()] == [9, 18, 10, 11, 9, 20, 11]


@pytest.mark.parametrize("row", TABLES["What can be written/criterion"], ids=lambda row: row[0])
def test_criteria(row: list[str]) -> None:
    (text,) = code(row[0])
    assert Criterion.parse(text).bind(ATTRIBUTES).origins


def test_says_the_same() -> None:
    def same(one: str, other: str) -> bool:
        return Criterion.parse(one).bind(ATTRIBUTES) == Criterion.parse(other).bind(ATTRIBUTES)

    assert same("n < 2.5", "n <= 2")
    assert same("n >= 2.5", "n >= 3")
    assert same("n = 2.5", "false")
    assert same("(z < 0.5) & ~good", "z < 0.5 and not good")
    assert same("z < 1 & z > 0 | good", "(z < 1 and z > 0) or good")
    assert same("`i_mag` < 20", "i_mag < 20.0")
    assert same("within(150.1, 2.2, 5 arcsec)", "within(ra, dec, 150.1, 2.2, 5 arcsec)")
    single = np.array([20.1], dtype=np.float32)
    assert Criterion.parse("i_mag <= 20.1").bind(ATTRIBUTES).select({"o:i_mag": (single, None)}).all()


@pytest.mark.parametrize("row", TABLES["Null/"], ids=lambda row: row[0])
def test_nulls(row: list[str]) -> None:
    z = np.array([0.05, 0.5, np.nan, 7.0])
    null = np.array([False, False, False, True])
    good = np.zeros(4, dtype=bool)
    (text,) = code(row[0])
    found = Criterion.parse(text).bind(ATTRIBUTES).select({"o:z": (z, null), "o:good": (good, None)})
    first, second, third = (cell == "yes" for cell in row[1:])
    assert found.tolist() == [first, second, third, third]


@pytest.mark.parametrize("row", TABLES["Units/expression"], ids=lambda row: row[0])
def test_units(row: list[str]) -> None:
    (text,) = code(row[0])
    declared = (code(row[1]) or [""])[0]
    units = {a.name: a.unit for a in ATTRIBUTES.values()}
    outcome, _, says = row[2].partition(": ")
    if outcome == "refused":
        with pytest.raises(LanguageError) as caught:
            Expression.parse(text).check_units(units, declared)
        assert says in caught.value.message
    else:
        found = Expression.parse(text).check_units(units, declared)
        assert found.unit == declared
        assert ", ".join(found.unchecked) == says


@pytest.mark.parametrize("row", TABLES["What implies what/all sources with"], ids=" in ".join)
def test_what_implies_what(row: list[str]) -> None:
    (one,), (other,) = (code(cell) for cell in row)
    terms = [Criterion.parse(text).bind(ATTRIBUTES).conjuncts for text in (one, other)]
    reasoner = Reasoner(Knowledge({key: text for conjuncts in terms for key, text in conjuncts}))
    part, whole = ({key for key, _ in conjuncts} for conjuncts in terms)
    assert reasoner.subset(part, whole).answer is Answer.YES
    assert reasoner.subset(whole, part).answer is not Answer.YES or one == "n < 2.5"


def test_vectors_are_for_expressions() -> None:
    v = Attribute("v", "f4", "mag", origin="o:v", shape=(3,))
    assert "v" in Expression.parse("v[0] - v[-1]").names
    with pytest.raises(LanguageError) as caught:
        Criterion.parse("v < 1").bind({"v": v})
    assert caught.value.code == "criterion_types"


def test_every_function_is_documented() -> None:
    said = {
        name
        for row in TABLES["Functions/function"]
        for cell in row
        for text in code(cell)
        for name in re.findall(r"^\w+", text)
    }
    assert set(FUNCTIONS) | set(ALIASES) | {"isnull", "isnan"} == said - {"log"} | {"log"}


@pytest.mark.parametrize("row", TABLES["Functions/function"], ids=lambda row: row[0])
def test_functions_take_what_is_said(row: list[str]) -> None:
    for text in code(row[0]):
        Expression.parse(text.replace("...", "0"))


def test_the_session_runs_as_printed() -> None:
    block = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    given: dict[str, Any] = {"attributes": ATTRIBUTES, "names": {a.origin: a.name for a in ATTRIBUTES.values()}}
    parsed = doctest.DocTestParser().get_doctest(block.group(1), given, "criteria.md", str(PAGE), 0)
    assert len(parsed.examples) > 8
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(parsed, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
