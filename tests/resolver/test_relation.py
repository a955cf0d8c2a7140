"""How stored collections relate, answered from what the graph and the segments know."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from provgraph.errors import InvalidInput, ProvgraphError
from provgraph.graph.statements import Statement
from provgraph.rewrite.sets import Answer
from provgraph.schema.collection import SourcesWarning
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

RELATED = Statement("related", (
    "MATCH (a:SourceAtom)-[r:SUBSET_OF|DISJOINT_FROM]->(b:SourceAtom) WHERE a.atom IN $atoms "
    "RETURN a.atom AS one, type(r) AS relation, b.atom AS other",
))  # fmt: skip


@pytest.fixture
def a(survey, tmp_path):
    rng = np.random.default_rng(1)
    columns = {"id": rng.permutation(300), "x": rng.random(300), "y": rng.random(300)}
    columns["x"][::7] = np.nan
    return survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")


def stored(survey, collection):
    survey.store(collection)
    return survey.mapper.get(collection.object_id)


def test_a_smaller_threshold_selects_a_part(survey, a):
    one, two = survey.pull(a, ["id"], where="x < .1").result, survey.pull(a, ["id"], where="x < .2").result
    found = survey.relation(one, two)
    assert (found.subset, found.disjoint) == (Answer.YES, Answer.UNKNOWN)
    assert found.superset is Answer.UNKNOWN
    assert "x < 0.1 implies x < 0.2" in found.because("subset")
    with pytest.raises(ProvgraphError):
        bool(found.superset)


def test_what_was_counted_makes_answers_definite(survey, a):
    one, two = survey.pull(a, ["id"], where="x < .1"), survey.pull(a, ["id"], where="x < .9")
    assert len(one.table()) < len(two.table())
    found = survey.relation(one.result, two.result)
    assert (found.subset, found.superset, found.disjoint, found.equal) == (Answer.YES, Answer.NO, Answer.NO, Answer.NO)


def test_statistics_prove_that_a_filter_keeps_everything(survey, a):
    every = stored(survey, a.filter("y >= 0"))
    found = survey.relation(every, a)
    assert found.equal is Answer.YES
    assert survey.relation(stored(survey, a.filter("x >= 0")), a).equal is not Answer.YES  # x is missing for some
    assert survey.relation(stored(survey, a.filter("y > 2")), stored(survey, a.filter("y > 3"))).equal is Answer.YES


def test_parts_and_their_union(survey, a):
    low, high = stored(survey, a.filter("y < .5")), stored(survey, a.filter("y >= .5"))
    assert survey.relation(low, high).disjoint is Answer.YES
    both = stored(survey, low.union(high))
    assert survey.relation(both, a).equal is Answer.YES
    either = stored(survey, a.filter("x < .1 or x > .9"))
    parts = stored(survey, a.filter("x < .1").union(a.filter("x > .9")))
    assert survey.relation(either, parts).equal is Answer.YES


def test_lists(survey, a):
    one, two = survey.select_sources(a, [1, 2, 3]), survey.select_sources(a, [2, 3])
    three = survey.select_sources(a, [7])
    assert survey.relation(two, one).subset is Answer.YES
    assert survey.relation(one, three).disjoint is Answer.YES


def test_sources_of_different_spaces_are_different(survey, a, tmp_path):
    b = survey.ingest(write_fits(tmp_path / "b.fits", {"id": np.arange(5), "w": np.arange(5.0)}), id="id", name="B")
    assert survey.relation(a, b).disjoint is Answer.YES


def test_the_parts_of_a_split_are_provably_apart_and_whole(survey, a):
    train, test = survey.split(a, train=0.8, test=0.2, seed=1).values()
    found = survey.relation(train, test)
    assert found.disjoint is Answer.YES
    assert survey.relation(stored(survey, train.union(test)), a).equal is Answer.YES


def test_a_question_that_is_none(survey, a):
    with pytest.raises(InvalidInput):
        survey.relation(a, a).because("bigger")


def test_it_takes_few_statements(survey, a):
    from provgraph.resolver.knowledge import Known

    chain = a
    for k in range(20):
        chain = chain.filter(f"x < {1 - k / 50}").union(chain.filter(f"y > {k / 50}"))
    end = stored(survey, chain)
    known = Known(survey.mapper, survey.store_)
    known.about(survey.mapper.get(end.object_id).sources().atoms)
    assert known.statements <= 20 + 4


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        (lambda a: a.filter("x < .1").union(a.filter("x > .9")), "x < .1 or x > .9"),
        (lambda a: a.filter("y > .5").filter("x < .1"), "x < .1 and y > .5"),
        (lambda a: a.filter("x < .1").concatenate(a.filter("x < .3")), "x < .1"),
        (lambda a: a.filter("not x >= .1"), "x < .1"),
    ],
)
def test_a_selection_is_found_whatever_made_it(survey, a, made, asked):
    there = stored(survey, made(a))
    pull = survey.pull(a, ["id", "x"], where=asked)
    assert [c for c in pull.choices() if c.outcome == "found" and "the sources with" in c.reason]
    assert not [c for c in pull.choices() if c.what.startswith("FilterSources") and c.outcome == "created"]
    assert survey.relation(there, pull.result).equal is Answer.YES
    x = np.ma.filled(pull.table()["x"], np.nan)
    assert len(x) == survey.count(there)


def test_a_criterion_that_everything_meets_needs_no_filter(survey, a):
    pull = survey.pull(a, ["id"], where="y < 5")
    assert pull.result.sources().key == a.sources().key
    assert any("already has no other sources" in c.reason for c in pull.choices())
    assert survey.pull(a, ["id"], where="x < 5").result.sources().key != a.sources().key  # x is missing for some


def test_neighbouring_criteria_are_related_in_the_graph(survey, a):
    key = {}
    for text in ("x < .3", "x < .1", "x < .2", "x > .5"):
        atoms = survey.pull(a, ["id"], where=text).result.sources().atoms
        (key[text],) = (atom for atom in atoms if atom.startswith("c:"))
    rows = survey.engine.read(RELATED, atoms=list(key.values()))
    text = {atom: criterion for criterion, atom in key.items()}
    said = {(text[r["one"]], r["relation"], text[r["other"]]) for r in rows}
    assert {("x < .1", "SUBSET_OF", "x < .2"), ("x < .2", "SUBSET_OF", "x < .3")} <= said
    assert any(relation == "DISJOINT_FROM" and "x > .5" in (one, other) for one, relation, other in said)


def test_what_was_processed_by_hand_is_found_too(survey, a):
    made = a.filter("y > .5").filter("x < .1")
    survey.process(made)
    pull = survey.pull(a, ["id", "x"], where="x < .1 and y > .5")
    pull.data()
    assert survey.relation(made, pull.result).equal is Answer.YES
    assert pull.measured.filtered == 0


def test_a_concatenation_warns_where_sources_may_be_lost(survey, a):
    near, bright = a.filter("x < .5"), a.filter("y < .5")
    with pytest.warns(SourcesWarning, match="Nothing proves"):
        near.concatenate(bright)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a.select("x").concatenate(a.select("y"))
        a.concatenate(near)
        a.filter("x < .2").concatenate(near)
