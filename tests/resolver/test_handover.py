"""What is worth keeping."""

from __future__ import annotations

import json

import numpy as np
import pytest

from provgraph.graph.statements import Statement
from provgraph.resolver import handover
from tests.surveys import open_survey, survey, write_fits  # noqa: F401


@pytest.fixture
def a(survey, tmp_path):
    columns = {"id": np.arange(500), "x": np.random.default_rng(1).random(500)}
    made = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")
    survey.define_calculator("double", requires=["x"], expression="2*x")
    return made


@pytest.mark.parametrize(("speed", "again"), [(1e15, {}), (1e-9, {"double": 1})])
def test_values_are_kept_when_calculating_them_costs_more_than_reading(survey, a, monkeypatch, speed, again):
    monkeypatch.setattr(handover, "READING", speed)
    first = survey.pull(a, ["id", "double"], where="x < .5")
    first.data()
    second = survey.pull(a, ["id", "double"], where="x < .5")
    assert (second.data()["double"].values == first.data()["double"].values).all()
    assert len(second.measured.calculated) == len(again)
    assert second.measured.filtered == 0  # sets of sources are kept in any case
    recorded = [a for a in activities(survey) if a["class_name"] == "TargetProcessor"]
    (one,) = recorded  # the second pull stored nothing
    assert one["not_kept"] == len(again)
    assert (one["calculating"] < one["reading"]) == bool(again)
    assert one["calculating"] > 0


def activities(survey):
    statement = Statement("activities", ("MATCH (a:Activity) RETURN properties(a) AS properties",))
    return [row["properties"] for row in survey.engine.read(statement)]


def test_a_report_survives_the_way_from_a_child(survey, a):
    survey.pull(a, ["id", "double"], where="x < .5")
    report = handover.Report(3, 1, {"o": 2}, {"A": 3}, ("s",), 0.5, (), (("s", "o"),), {"o": 1}, 0.1, 0.2, ("o",))
    assert handover.Report.from_dict(json.loads(json.dumps(report.as_dict()))) == report
