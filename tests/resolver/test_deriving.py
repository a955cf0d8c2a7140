"""Algorithms 3 and 4: which candidate gives an attribute, who decides, and where a derivation ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph import Ranking
from provgraph.errors import CannotDerive, InvalidInput, OperatorError
from provgraph.resolver.ranking import MOST_GENERAL
from tests.resolver.test_pull import everything
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

N = 200


def given() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {"id": np.arange(N), "u": rng.random(N) + 0.1, "v": rng.random(N), "w": rng.random(N)}


@pytest.fixture
def a(survey: Any, tmp_path: Any) -> Any:
    return survey.ingest(write_fits(tmp_path / "a.fits", given()), id="id", id_space="sky", name="A")


def define(survey: Any, name: str, requires: str, expression: str = "", provides: str = "") -> Any:
    names = requires.split()
    return survey.define_calculator(
        name, requires=names, provides=provides or name, expression=expression or " + ".join(names)
    )


# -- ranking -------------------------------------------------------------------------------------------------------------


def test_the_ranking_is_stored_with_the_result(survey: Any, a: Any) -> None:
    define(survey, "s", "u v")
    result = survey.pull(a, ["id", "s"]).result
    (pulled,) = survey.why(result).pulls
    assert pulled.ranking == str(MOST_GENERAL) == "most_general@2"


def test_a_larger_set_of_sources_comes_first_and_losers_are_told(survey: Any, a: Any, tmp_path: Any) -> None:
    part = {"id": np.arange(50), "size": np.ones(50)}
    whole = {"id": np.arange(N), "size": np.zeros(N)}
    few = survey.ingest(write_fits(tmp_path / "few.fits", part), id="id", id_space="sky", name="few")
    many = survey.ingest(write_fits(tmp_path / "many.fits", whole), id="id", id_space="sky", name="many")
    both = survey.store(few.select("id").concatenate(many.select("id"), a.select("id", "u")), name="both")
    # The sources of `both` are in `few` and in `many`; neither of these is known to hold the other.
    with pytest.raises(OperatorError, match=r"'size' means different things in (few and many|many and few)") as caught:
        survey.pull(both, ["size"])
    assert caught.value.code == "attribute_ambiguous"
    assert set(caught.value.details["candidates"]) == {few.object_id, many.object_id}
    smaller = Ranking("smaller_name", 1, lambda candidate, standing: (candidate.name == "few",))
    pull = survey.pull(both, ["id", "size"], ranking=smaller)
    assert (np.asarray(pull.table()["size"]) == 1).all()
    (loser,) = [c for c in pull.choices() if c.outcome == "rejected"]
    assert (loser.what, loser.reason) == ("size of many", "few ranks higher (smaller_name@1)")
    assert "size of many" in str(pull.explain())
    assert survey.why(pull.result).pulls[-1].ranking == "smaller_name@1"


def test_a_ranking_replaces_ours_for_a_whole_survey(survey: Any, a: Any) -> None:
    define(survey, "first", "u", "2 * u", provides="s")
    define(survey, "second", "v", "3 * v", provides="s")
    with pytest.raises(OperatorError, match=r"'s' can be calculated by (first@1 and second@1|second@1 and first@1)"):
        survey.pull(a, ["s"])
    survey.ranking = Ranking("mine", 3, lambda c, standing: (standing.attribute == "s", c.definition.name))
    pull = survey.pull(a, ["v", "s"])
    assert np.array_equal(pull.table()["s"], 3 * np.asarray(pull.table()["v"]))
    assert [c.what for c in pull.choices() if c.outcome == "rejected"] == ["s of first@1"]
    assert survey.why(pull.result).pulls[-1].ranking == "mine@3"
    first = survey.definition("first")
    assert "first" not in {
        getattr(c, "definition", first).name for c in pull.result.ancestry() if hasattr(c, "definition")
    }


def test_a_ranking_may_refuse_candidates(survey: Any, a: Any) -> None:
    define(survey, "first", "u", "2 * u", provides="s")
    define(survey, "second", "v", "3 * v", provides="s")
    cheap = Ranking("cheap", 1, lambda c, standing: None if c.definition.name == "second" else (0,))
    pull = survey.pull(a, ["s"], ranking=cheap)
    assert any(c.reason == "the ranking cheap@1 does not take it" for c in pull.choices() if c.outcome == "rejected")
    before = everything(survey)
    with pytest.raises(CannotDerive, match="second@1 has s, but the ranking none@1 does not take it"):
        survey.pull(a.filter("u > 1"), ["s"], avoid=["first"], ranking=Ranking("none", 1, lambda c, standing: None))
    assert everything(survey) == before


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lambda c, standing: 5, "gave 5 where a tuple or None was expected"),
        (lambda c, standing: (standing.nothing,), "raised AttributeError"),
        (lambda c, standing: ("x",) if c.definition.name == "first" else (1,), "tuples that cannot be compared"),
    ],
)
def test_a_ranking_that_fails(survey: Any, a: Any, key: Any, says: str) -> None:
    define(survey, "first", "u", "2 * u", provides="s")
    define(survey, "second", "v", "3 * v", provides="s")
    before = everything(survey)
    with pytest.raises(InvalidInput, match=says) as caught:
        survey.pull(a, ["s"], ranking=Ranking("odd", 1, key))
    assert caught.value.code == "ranking_failed"
    assert "odd@1" in caught.value.message
    assert everything(survey) == before


@pytest.mark.parametrize(("name", "version"), [("", 1), ("a@1", 1), ("a", 0), ("a", "1"), ("a", True)])
def test_a_ranking_has_a_name_and_a_version(name: Any, version: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Ranking(name, version, lambda c, standing: ())
    assert caught.value.code == "ranking_invalid"


# -- deriving ------------------------------------------------------------------------------------------------------------


def test_a_derivation_of_derivations(survey: Any, a: Any) -> None:
    define(survey, "d1", "u v")
    define(survey, "d2", "d1 w")
    define(survey, "d3", "d2 d1")
    pull = survey.pull(a, ["id", "d3"], where="u < 0.5")
    columns = given()
    keep = columns["u"] < 0.5
    d1 = columns["u"] + columns["v"]
    assert np.allclose(pull.table()["d3"], (d1 + columns["w"] + d1)[keep])
    made = [c for c in pull.result.ancestry() if hasattr(c, "definition")]
    assert {c.sources() for c in made} == {a.sources()}  # on the most general set of sources


def test_who_asks_first_and_in_which_order_makes_no_difference(survey: Any, a: Any, open_survey: Any) -> None:
    for k in range(4):
        define(survey, f"d{k}", f"{'uvw'[k % 3]} {'vwu'[k % 3]}" if k < 2 else f"d{k - 1} d{k - 2}")
    one = survey.pull(a, ["d3", "d2", "u"], where="u < 0.5").result
    for attributes in (["u", "d2", "d3"], ["d2", "u", "d3"]):
        other = survey.pull(a, attributes, where="u < 0.5").result
        assert {o.object_id for o in other.ancestry() if hasattr(o, "definition")} == {
            o.object_id for o in one.ancestry() if hasattr(o, "definition")
        }
    calculators = [c for c in survey.collections() if hasattr(c, "definition")]
    assert len(calculators) == 4


def test_what_needs_itself_ends_and_says_so(survey: Any, a: Any) -> None:
    define(survey, "x", "y", "y + 1")
    define(survey, "y", "z", "z + 1")
    define(survey, "z", "x", "x + 1")
    with pytest.raises(CannotDerive) as caught:
        survey.pull(a, ["x"])
    assert caught.value.code == "cannot_derive"
    assert [line.strip() for line in caught.value.message.splitlines()[1:]] == [
        "- x@1 needs y:", "- y@1 needs z:", "- z@1 needs x:", "- x needs itself",
    ]  # fmt: skip
    survey.define_calculator("start", requires=["u"], provides="z", expression="10 * u")
    pull = survey.pull(a, ["u", "x"])  # another way in
    assert np.allclose(pull.table()["x"], 10 * np.asarray(pull.table()["u"]) + 2)


def test_circles_of_colours_end(survey: Any, a: Any) -> None:
    bands = ["b1", "b2", "b3", "b4", "b5"]
    for one in bands:
        for other in bands:
            if one != other:
                define(survey, f"{one}_of_{other}", other, f"{other} + 1", provides=one)
    with pytest.raises(CannotDerive, match="b3 needs itself"):
        survey.pull(a, ["b1"])
    define(survey, "b5_of_u", "u", "u + 1", provides="b5")
    pull = survey.pull(a, ["u", "b1"], use={"b1": "b1_of_b5", "b5": "b5_of_u"})
    assert np.allclose(pull.table()["b1"], np.asarray(pull.table()["u"]) + 2)


def test_too_many_ways_are_an_error_and_not_a_wait(survey: Any, a: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from provgraph.resolver import attributes

    monkeypatch.setattr(attributes, "MOST_ATTEMPTS", 20)
    bands = ["b1", "b2", "b3", "b4", "b5"]
    for one in bands:
        for other in bands:
            if one != other:
                define(survey, f"{one}_of_{other}", other, f"{other} + 1", provides=one)
    before = everything(survey)
    with pytest.raises(OperatorError, match="more than 20 ways to try to calculate 'b1'") as caught:
        survey.pull(a, ["b1"])
    assert caught.value.code == "derivation_too_wide"
    assert everything(survey) == before


def test_what_failed_once_is_not_tried_again(survey: Any, a: Any) -> None:
    """20 layers, in each of which everything can be made in two ways of what the next layer lacks."""
    for k in range(20):
        define(survey, f"p{k}", f"s{k + 1}", provides=f"s{k}")
        define(survey, f"q{k}", f"s{k + 1} u", provides=f"s{k}")
    with pytest.raises(CannotDerive) as caught:
        survey.pull(a, ["s0"])
    assert "no calculator provides s20" in caught.value.message
    assert len(caught.value.message.splitlines()) < 2000


def test_the_tree_says_why_each_branch_ended(survey: Any, a: Any, tmp_path: Any) -> None:
    other = survey.ingest(write_fits(tmp_path / "b.fits", {"id": np.arange(5), "far": np.ones(5)}), id="id", name="B")
    define(survey, "s", "far u", provides="s")
    define(survey, "t", "s missing", provides="t")
    define(survey, "sum", "t u", provides="goal")
    define(survey, "old", "u", "u + 1", provides="goal")
    survey.invalidate("old", "it was a draft")
    define(survey, "other", "v", "v + 1", provides="goal")
    with pytest.raises(CannotDerive) as caught:
        survey.pull(a, ["goal"], avoid=["other"])
    said = caught.value.message
    assert said.startswith("Attribute 'goal' cannot be had for the sources of A. Tried:")
    for line in (
        "- old@1 was declared invalid: it was a draft",
        "- other@1 is to be avoided, the request says",
        "- sum@1 needs t, u:",
        "  - t@1 needs s, missing:",
        "    - s@1 needs far, u:",
        "      - B has far, but its sources are of another id space",
        "      - no calculator provides far",
    ):
        assert line in said.splitlines(), (line, said)
    assert caught.value.details["tried"] == said.splitlines()[1:]
    assert other.count() == 5


def test_an_input_that_means_two_things_is_said_as_such(survey: Any, a: Any) -> None:
    define(survey, "first", "u", "2 * u", provides="s")
    define(survey, "second", "v", "3 * v", provides="s")
    define(survey, "goal", "s", "s + 1")
    with pytest.raises(OperatorError, match="first@1") as caught:
        survey.pull(a, ["goal"])
    assert caught.value.code == "attribute_ambiguous"
    pull = survey.pull(a, ["u", "goal"], use={"s": "first"})
    assert np.allclose(pull.table()["goal"], 2 * np.asarray(pull.table()["u"]) + 1)


def test_a_start_says_what_its_names_mean(survey: Any, a: Any) -> None:
    """u of the start is what A calls v; what is derived from u has to follow it."""
    swapped = survey.store(a.select("id", "u", "v").rename(u="v", v="u"), name="swapped")
    define(survey, "twice", "u", "2 * u")
    table = survey.pull(swapped, ["id", "u", "twice"]).table()
    assert np.array_equal(table["twice"], 2 * np.asarray(table["u"]))
    assert np.array_equal(table["u"], given()["v"])
    plain = survey.pull(a, ["id", "u", "twice"]).table()
    assert np.array_equal(plain["twice"], 2 * given()["u"])


def test_the_most_general_set_is_the_largest_that_has_the_inputs(survey: Any, a: Any) -> None:
    low, high = survey.store(a.filter("u < .4")), survey.store(a.filter("u >= .4"))
    both = survey.store(low.union(high), name="both")
    define(survey, "s", "u v")
    pull = survey.pull(low, ["s"], where="v < .5")
    (made,) = [c for c in pull.result.ancestry() if hasattr(c, "definition")]
    assert made.sources() == a.sources()
    assert survey.pull(both, ["s"]).result.attributes()["s"].origin == made.attributes()["s"].origin
    assert len([c for c in survey.collections() if hasattr(c, "definition")]) == 1
