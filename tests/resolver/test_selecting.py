"""Algorithm 2: a selection is reused whatever made it, when its sources provably are those that are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.rewrite.sets import Answer
from tests.resolver.test_pull import everything
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

ASKED = "x < .1 and y > .5"


@pytest.fixture
def a(survey: Any, tmp_path: Any) -> Any:
    """x is missing for some; y is from 0 to 1 and n from 0 to 299, for all of them."""
    rng = np.random.default_rng(1)
    columns = {"id": rng.permutation(300), "x": rng.random(300), "y": rng.random(300), "n": np.arange(300)}
    columns["x"][rng.random(300) < 0.2] = np.nan
    made = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")
    survey.define_calculator("total", requires=["x", "y"], expression="x + y")
    survey.define_calculator("twice", requires=["x"], expression="2 * x")
    return made


def halves(a: Any) -> Any:
    return a.filter("x < .1 and y > .5 and n < 100").union(a.filter("y > .5 and n >= 100 and x < .1"))


MADE = {
    "in two steps": lambda s, a: a.filter("y > .5").filter("x < .1"),
    "of fewer attributes": lambda s, a: a.select("x", "y").filter(ASKED),
    "renamed in between": lambda s, a: a.filter("y > .5").rename(x="u", y="x").filter("u < .1"),
    "renamed at the end": lambda s, a: a.filter(ASKED).rename(x="y", y="x"),
    "after a calculator": lambda s, a: a.concatenate(s.calculate(a, "total")).filter(ASKED),
    "a calculator at the end": lambda s, a: s.calculate(a.filter(ASKED), "total"),
    "of two halves": lambda s, a: halves(a),
    "of parts that overlap": lambda s, a: a.filter("x < .1 and y > .5 and n < 200").union(
        a.filter("x < .1 and y > .5 and n > 50")
    ),
    "as an intersection": lambda s, a: a.filter("x < .1").select("id", "x").concatenate(a.filter("y > .5").select("y")),
    "spelled otherwise": lambda s, a: a.filter("not (x >= .1 or y <= .5)"),
    "with what is true of all": lambda s, a: a.filter("x < .1 and y > .5 and n >= 0"),
    "of one half and all of it": lambda s, a: a.filter("x < .1 and y > .5 and n < 7").union(a.filter(ASKED)),
}  # fmt: skip


@pytest.mark.parametrize("how", MADE)
def test_what_has_these_sources_is_found(survey: Any, a: Any, how: str) -> None:
    there = survey.store(MADE[how](survey, a), name="there")
    before = everything(survey)
    pull = survey.pull(a, ["id", "x", "y"], where=ASKED)
    assert not [c for c in pull.choices() if c.what.startswith("FilterSources") and c.outcome == "created"], how
    found = [c for c in pull.choices() if c.outcome == "found" and "sources with" in c.reason]
    assert len(found) == 1
    assert survey.relation(there, pull.result).equal is Answer.YES
    kinds = {one.object_id for one in survey.collections()}
    assert all(one.object_id in kinds for one in pull.result.ancestry())
    new = [row for row in everything(survey) - before if "'operator': 'FilterSources'" in row]
    assert new == []
    data = pull.data()
    given = survey.process(a)[0]
    keep = (given["x"].values < 0.1) & (given["y"].values > 0.5)
    assert data.ids.tolist() == given.ids[keep].tolist()
    for name in ("id", "x", "y"):
        assert data[name].values.tolist() == given[name].values[keep].tolist()


@pytest.mark.parametrize(
    "made",
    [
        lambda a: a.filter("x < .1"),
        lambda a: a.filter("x <= .1 and y > .5"),
        lambda a: a.filter("x < .1 and y > .5 and n < 150"),
        lambda a: a.filter("x < .1 and y > .5 and n < 150").union(a.filter("x < .1 and y > .5 and n > 150")),
        lambda a: a.rename(x="y", y="x").filter(ASKED),  # the same words about other attributes
        lambda a: a.relabel("elsewhere", offset=1).filter(ASKED),
        lambda a: a.filter("complement(x >= .1) and y > .5"),  # x is missing for some
    ],
)
def test_what_has_not_provably_these_sources_is_not_taken(survey: Any, a: Any, made: Any) -> None:
    there = survey.store(made(a), name="there")
    pull = survey.pull(a, ["id", "x"], where=ASKED)
    chosen = [c for c in pull.choices() if c.what.startswith("FilterSources") and c.outcome == "created"]
    assert len(chosen) == 1
    assert there.object_id not in {one.object_id for one in pull.result.ancestry() if type(one).__name__ != "External"}


def test_the_proof_is_told(survey: Any, a: Any) -> None:
    survey.store(halves(a), name="halves")
    (found,) = [c for c in survey.pull(a, ["id"], where=ASKED).choices() if "sources with" in c.reason]
    assert found.what.startswith("halves = ConcatenateSources(")
    assert found.reason.startswith("represents the sources with x < 0.1 and y > 0.5: ")
    assert "n <= 99" in found.reason  # n is a whole number
    assert "o:" not in found.reason  # in names of attributes, not in keys
    assert "c:" not in found.reason


def test_a_selection_to_be_avoided_is_not_reused(survey: Any, a: Any) -> None:
    there = survey.store(a.filter("y > .5").filter("x < .1"), name="there")
    again = survey.pull(a, ["id", "x"], where=ASKED, avoid=["there"])
    assert there.object_id not in {one.object_id for one in again.result.ancestry()}
    assert again.result.sources() == there.sources()
    usual = survey.pull(a, ["id", "y"], where=ASKED)
    assert usual.result.sources() == there.sources()


def test_the_selected_sources_are_found_for_a_start_with_other_names(survey: Any, a: Any) -> None:
    near = survey.pull(a, ["id"], where="x < .1").result
    renamed = survey.store(a.rename(x="redshift"), name="renamed")
    pull = survey.pull(renamed, ["id", "redshift"], where="redshift < .1")
    assert pull.result.sources() == near.sources()
    assert not [c for c in pull.choices() if c.outcome == "created" and c.what.startswith("Filter")]
    assert (np.asarray(pull.table()["redshift"]) < 0.1).all()
