"""Splitting a collection and reading it in batches."""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
import pytest

from provgraph.errors import InvalidInput, MissingExtra
from provgraph.rewrite.sets import Answer
from tests.surveys import open_survey, survey, write_fits  # noqa: F401


@pytest.fixture
def sample(survey, tmp_path):
    rng = np.random.default_rng(1)
    n = 3000
    columns = {
        "id": rng.permutation(n), "x": rng.random(n), "v": rng.random((n, 3)).astype("f4"), "k": rng.integers(0, 4, n),
        "t": rng.choice(["galaxy", "point"], n),
    }  # fmt: skip
    columns["x"][::9] = np.nan
    return survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")


def test_parts_are_disjoint_and_together_everything(survey, sample):
    parts = survey.split(sample, train=0.7, valid=0.1, test=0.2, seed=3)
    ids = {name: set(part.table()["id"].tolist()) for name, part in parts.items()}
    assert list(ids) == ["train", "valid", "test"]
    assert sum(map(len, ids.values())) == len(set.union(*ids.values())) == 3000
    assert abs(len(ids["train"]) - 2100) < 150
    assert [p.object_id for p in survey.split(sample, train=0.7, valid=0.1, test=0.2, seed=3).values()] == [
        p.object_id for p in parts.values()
    ]
    other = survey.split(sample, train=0.7, seed=4)["train"]
    assert set(other.table()["id"].tolist()) != ids["train"]


def test_parts_are_proved_to_be_disjoint(survey, sample):
    parts = survey.split(sample, train=0.7, valid=0.1, test=0.2, seed=3)
    for one, other in combinations(parts.values(), 2):
        relation = survey.relation(one, other)
        assert relation.disjoint is Answer.YES
        assert "share no source because" in relation.because("disjoint")
    assert all(survey.relation(part, sample).subset is Answer.YES for part in parts.values())
    again = survey.split(sample.filter("k < 2"), train=0.7, seed=3)["train"]
    assert survey.relation(again, parts["test"]).disjoint is Answer.YES
    assert survey.relation(again, parts["train"]).subset is Answer.YES
    other = survey.split(sample, train=0.7, seed=4)["train"]
    assert survey.relation(other, parts["test"]).disjoint is Answer.UNKNOWN


def test_the_parts_of_a_selection_are_those_of_the_whole(survey, sample):
    whole = survey.split(sample, train=0.5, seed=3)["train"]
    part = survey.split(sample.filter("x < 0.5").select("x"), train=0.5, seed=3)["train"]
    assert set(part.table()["x"].tolist()) <= set(whole.table()["x"].tolist())


@pytest.mark.parametrize(
    "fractions", [{}, {"train": 0.8, "test": 0.3}, {"train": 0}, {"train": -1.0}, {"a": float("nan")}]
)
def test_fractions_that_are_none(survey, sample, fractions):
    with pytest.raises(InvalidInput) as caught:
        survey.split(sample, **fractions)
    assert caught.value.code == "fractions"


def test_batches_have_every_source_once_in_an_order_of_the_seed(sample):
    got = list(sample.batches(["id", "v", "x"], 256, seed=5))
    assert [len(b["id"]) for b in got] == [256] * 11 + [184]
    assert got[0]["v"].shape == (256, 3)
    assert got[0]["v"].dtype == np.float32
    ids = np.concatenate([b["id"] for b in got])
    assert sorted(ids.tolist()) == list(range(3000))
    again = np.concatenate([b["id"] for b in sample.batches(["id"], 256, seed=5)])
    assert (ids == again).all()
    assert (ids != np.concatenate([b["id"] for b in sample.batches(["id"], 256, seed=6)])).any()
    assert [b["id"][0] for b in sample.batches(["id"], 1000)] == [0, 1000, 2000]
    assert len(list(sample.batches(["id"], 256, seed=5, last=False))) == 11
    table = sample.table()
    x = dict(zip(table["id"].tolist(), np.ma.filled(table["x"], np.nan).tolist(), strict=True))
    assert np.array_equal(got[3]["x"], [x[i] for i in got[3]["id"].tolist()], equal_nan=True)


def test_a_batch_of_nothing(sample):
    with pytest.raises(InvalidInput) as caught:
        list(sample.batches(["id"], 0))
    assert caught.value.code == "batch_size"


def test_text_comes_as_text(sample):
    (batch,) = sample.batches(["t"], 5000)
    assert set(batch["t"].tolist()) == {"galaxy", "point"}


@pytest.mark.parametrize(
    ("columns", "tensors", "code"), [(["x"], "jax", "tensors_unknown"), (["x", "t"], "torch", "tensor_text")]
)
def test_what_no_batch_can_be(sample, columns, tensors, code):
    with pytest.raises(InvalidInput) as caught:
        list(sample.batches(columns, 10, tensors=tensors))
    assert caught.value.code == code


def test_a_missing_whole_number_is_an_error(survey, sample):
    survey.define_calculator("some", requires=["k", "x"], expression="where(x > 0, k, k)")
    with pytest.raises(InvalidInput, match="select where some is not null") as caught:
        list(sample.batches(["some"], 10))
    assert caught.value.code == "values_missing"
    assert len(next(sample.filter("x is not null").batches(["some"], 10))["some"]) == 10


def test_tensors_where_torch_is_installed(sample):
    torch = pytest.importorskip("torch")
    arrays = next(sample.batches(["v", "k"], 256, seed=5))
    tensors = next(sample.batches(["v", "k"], 256, seed=5, tensors="torch"))
    assert tensors["v"].dtype == torch.float32
    assert tensors["v"].shape == (256, 3)
    assert all(np.array_equal(arrays[name], tensors[name].numpy()) for name in arrays)


def test_without_torch_it_says_how_to_get_it(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match="pip install torch"):
        next(sample.batches(["x"], 10, tensors="torch"))


def test_derived_attributes_come_in_batches_too(survey, sample):
    survey.define_calculator("double", requires=["k"], expression="2 * k")
    (batch,) = sample.batches(["k", "double"], 5000)
    assert (batch["double"] == 2 * batch["k"]).all()
