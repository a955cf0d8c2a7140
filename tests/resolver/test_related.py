"""Collections found by how their sources relate to those of another."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from provgraph.errors import NotFound, UsageError
from provgraph.resolver.related import related
from provgraph.rewrite.sets import Answer
from tests.surveys import open_survey, survey, write_fits  # noqa: F401


@pytest.fixture
def a(survey, tmp_path):
    rng = np.random.default_rng(1)
    columns = {"id": rng.permutation(300), "x": rng.random(300), "y": rng.random(300)}
    columns["x"][::7] = np.nan
    return survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")


@pytest.fixture
def known(survey, a, tmp_path):
    """Collections of all kinds by name."""
    b = survey.ingest(write_fits(tmp_path / "b.fits", {"id": np.arange(5), "w": np.arange(5.0)}), id="id", name="B")
    made = {
        "x < 0.1": a.filter("x < .1"), "x < 0.2": a.filter("x < .2"), "x < 0.2 twice": a.filter("x < .2 and x < .3"),
        "y >= 0": a.filter("y >= 0"), "y > 2": a.filter("y > 2"), "y > 3": a.filter("y > 3"), "x < 5": a.filter("x < 5"),
        "edges": a.filter("x < .1").union(a.filter("x > .9")), "or": a.filter("x < .1 or x > .9"),
        "both": a.filter("x < .1").filter("y < .5"), "attributes": a.filter("x < .1").select("id"),
        "relabelled": a.filter("x < .1").relabel("other", scale=2),
        "more relabelled": a.filter("x < .2").relabel("other", scale=2), "w < 3": b.filter("w < 3"),
    }  # fmt: skip
    for name, one in made.items():
        survey.store(one, name=name)
    survey.annotate(survey.select_sources(a, [1, 2, 3]), name="1 2 3")
    survey.annotate(survey.select_sources(a, [2, 3]), name="2 3")
    return {c.name: c for c in survey.collections() if c.name}


def names(found):
    return {c.name for c in found if c.name}


def test_what_has_the_same_sources(survey, known):
    assert names(survey.find(same_sources_as="x < 0.1")) == {"x < 0.1", "attributes"}
    assert names(survey.find(same_sources_as="x < 0.2")) == {"x < 0.2", "x < 0.2 twice"}
    assert names(survey.find(same_sources_as="or")) == {"or", "edges"}
    assert names(survey.find(same_sources_as="A")) == {"A", "y >= 0"}  # by statistics; x is missing for some
    assert names(survey.find(same_sources_as="y > 2")) == {"y > 2", "y > 3"}  # nothing


def test_what_contains_it_and_what_is_contained(survey, known):
    assert names(survey.find(containing="x < 0.1")) >= {"x < 0.1", "x < 0.2", "A", "edges", "or", "x < 5", "y >= 0"}
    assert names(survey.find(contained_in="x < 0.1")) == {"x < 0.1", "attributes", "both", "y > 2", "y > 3"}
    assert names(survey.find(containing="relabelled")) == {"relabelled", "more relabelled"}
    assert names(survey.find(contained_in="1 2 3")) >= {"1 2 3", "2 3"}


@pytest.mark.parametrize("question", ["same_sources_as", "containing", "contained_in"])
def test_it_finds_what_single_questions_prove(survey, known, question):
    """The prefilter loses nothing: all pairs, asked one by one, give the same."""
    asked = {"same_sources_as": "equal", "containing": "superset", "contained_in": "subset"}[question]
    found = {wanted: names(survey.find(**{question: one})) for wanted, one in known.items()}
    for (wanted, one), (name, other) in product(known.items(), known.items()):
        if one.id_space != other.id_space:
            continue
        proved = getattr(survey.relation(other, one), asked) is Answer.YES
        assert (name in found[wanted]) == proved, (name, question, wanted)


def test_what_was_counted_is_used(survey, known):
    assert "A" not in names(survey.find(contained_in="x < 5"))
    every, most = survey.store(known["A"].filter("sqrt(y) >= 0"), name="roots"), known["A"]
    assert most.name not in names(survey.find(same_sources_as="roots"))
    assert survey.count(every) == survey.count(most)
    assert "A" in names(survey.find(same_sources_as="roots"))
    assert "roots" in names(survey.find(same_sources_as="A"))


def test_criterion_and_relation_together(survey, known):
    assert names(survey.find("name = 'edges' or attribute = 'w'", containing="x < 0.1")) == {"edges"}
    assert names(survey.find("attribute = 'id'", containing="x < 0.1", contained_in="x < 0.2")) == {
        "x < 0.1", "x < 0.2", "x < 0.2 twice", "attributes",
    }  # fmt: skip
    newest = survey.find(contained_in="A", limit=2)
    assert len(newest) == 2
    assert newest == survey.find(contained_in="A")[:2]


def test_only_collections_have_sources(survey, known):
    with pytest.raises(UsageError):
        survey.find(cls="Segment", containing="A")
    with pytest.raises(NotFound):
        survey.find(containing="nothing")


def test_the_number_of_statements_does_not_grow(survey, known, monkeypatch):
    real, counted = survey.engine.read, []
    monkeypatch.setattr(survey.engine, "read", lambda s, **p: counted.append(s.name) or real(s, **p))
    survey.find(containing="x < 0.1", limit=10)
    assert len(counted) <= 15, counted
    monkeypatch.undo()
    for k in range(60):
        survey.store(known["A"].filter(f"x < {0.2 + k / 100}"))
    monkeypatch.setattr(survey.engine, "read", lambda s, **p: counted.append(s.name) or real(s, **p))
    counted.clear()
    assert len(survey.find(containing="x < 0.1", limit=10)) == 10
    assert len(counted) <= 15, counted


def test_it_does_without_the_index(survey, known, monkeypatch):
    from provgraph.resolver.knowledge import Known

    def without(query, *args, **kwargs):
        return [] if query == "source_set_marks" else real(query, *args, **kwargs)

    expected = related(survey.mapper, Known(survey.mapper, survey.store_), known["x < 0.1"], "containing")
    real = survey.mapper.read
    monkeypatch.setattr(survey.mapper, "read", without)
    assert related(survey.mapper, Known(survey.mapper, survey.store_), known["x < 0.1"], "containing") == expected
