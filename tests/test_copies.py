"""Objects that are copied, and that go to other processes."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import Immutable, NotFound, UsageError
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401


class CopiedPlate(provgraph.DataObject):
    emulsion = persistent(str)
    levels = persistent(list[float], default=())


class CopiedScan(provgraph.DataObject):
    plate = link(CopiedPlate)
    others = link(list[CopiedPlate], optional=True)


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def describe(plate: CopiedPlate) -> tuple[str, str, tuple[float, ...]]:
    return plate.object_id, plate.emulsion, plate.levels


def test_what_is_stored_is_its_own_copy(survey: Any) -> None:
    scan = survey.store(CopiedScan(plate=CopiedPlate(emulsion="103a-O")))
    assert copy.copy(scan) is scan
    assert copy.deepcopy([scan])[0] is scan


def test_a_copy_of_what_is_not_stored_is_another_object(survey: Any) -> None:
    plate = CopiedPlate(emulsion="103a-O", levels=[1.0])
    scan = CopiedScan(plate=plate)
    shallow, deep = copy.copy(scan), copy.deepcopy(scan)
    assert shallow.plate is plate
    assert deep.plate is not plate
    deep.plate.emulsion = "IIIa-J"
    assert plate.emulsion == "103a-O"
    assert (
        len({one.object_id for one in (scan, shallow, deep)})
        == len({one.identity for one in (scan, shallow, deep)})
        == 3
    )
    survey.store([scan, shallow, deep])
    assert sorted(one.plate.emulsion for one in survey.select(CopiedScan)) == ["103a-O"] * 2 + ["IIIa-J"]


def test_other_processes_have_the_values(survey: Any) -> None:
    plates = survey.store([CopiedPlate(emulsion=e, levels=[1.0, 2.0]) for e in ("103a-O", "IIIa-J")])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(describe, plates)) == [describe(one) for one in plates]


def test_the_survey_does_not_come_along(survey: Any) -> None:
    plate = survey.store(CopiedPlate(emulsion="103a-O", file=b"grains"))
    scan = pickle.loads(pickle.dumps(survey.store(CopiedScan(plate=plate, others=[plate]))))
    there = pickle.loads(pickle.dumps(plate))
    with pytest.raises(NotFound, match=f"survey.get\\('{plate.object_id}'\\) reads it there") as missing:
        _ = scan.plate
    with pytest.raises(UsageError, match="came here without the survey") as homeless:
        there.retrieve()
    assert {missing.value.code, homeless.value.code} == {"not_here"}
    with pytest.raises(Immutable):
        there.emulsion = "IIIa-J"
    assert survey.get(scan.object_id).plate is plate


def test_collections_and_what_is_new_too(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "stars.csv").write_text("id,mag\n1,18.0\n2,19.0\n")
    stars = survey.ingest(tmp_path / "stars.csv", id="id")
    bright = pickle.loads(pickle.dumps(stars.filter("mag < 18.5")))
    assert not bright.is_stored
    assert pickle.loads(pickle.dumps(stars)).object_id == stars.object_id
