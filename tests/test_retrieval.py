"""The five helpers of the data lineage paper, on each engine."""

from __future__ import annotations

from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, retrieval
from provgraph.errors import UsageError
from tests.surveys import open_survey, survey  # noqa: F401


class HelpedRaw(provgraph.DataObject):
    n = persistent(int)


class HelpedFlat(provgraph.ProcessTarget):
    raws = link(list[HelpedRaw])
    level = persistent(float, default=None)

    def make(self) -> None:
        self.level = float(sum(raw.n for raw in self.raws))


class HelpedReduced(provgraph.DataObject):
    raw = link(HelpedRaw)
    flat = link(HelpedFlat, optional=True)
    zeropoint = persistent(float, default=None, unit="mag")


class HelpedCoadd(provgraph.DataObject):
    frames = link(list[HelpedReduced])


@pytest.fixture
def objects(survey: Any) -> dict[str, Any]:
    raws = [HelpedRaw(n=i) for i in range(3)]
    flat = survey.make(HelpedFlat(raws=raws[:2]))
    reduced = [survey.store(HelpedReduced(raw=raw, flat=flat, zeropoint=24.5)) for raw in raws]
    return {"raws": raws, "flat": flat, "reduced": reduced, "coadd": survey.store(HelpedCoadd(frames=reduced))}


def test_dependencies(survey: Any, objects: dict[str, Any]) -> None:
    coadd, reduced = objects["coadd"], objects["reduced"]
    assert survey.get_dependencies(coadd) == retrieval.get_dependencies(coadd) == reduced
    assert set(survey.get_dependencies(coadd, up=None)) == {*reduced, *objects["raws"], objects["flat"]}
    assert set(survey.get_dependencies(coadd.object_id, up=2)) == {*reduced, *objects["raws"], objects["flat"]}
    assert survey.get_dependencies(objects["raws"][0]) == []
    assert survey.get_onthefly_dependencies(reduced[0]) == [objects["flat"]]
    assert survey.get_onthefly_dependencies(coadd) == []
    assert retrieval.get_onthefly_dependencies(coadd, up=None) == [objects["flat"]]
    assert retrieval.get_dependencies(HelpedReduced(raw=objects["raws"][0])) == [objects["raws"][0]]  # not stored yet


def test_a_chain_is_read_level_by_level(survey: Any, objects: dict[str, Any]) -> None:
    coadd = objects["coadd"].object_id
    objects.clear()
    one = survey.get(coadd)
    asked: list[str] = []
    read = survey.engine.read
    survey.engine.read = lambda statement, /, **p: asked.append(statement.name) or read(statement, **p)
    assert len(retrieval.get_dependencies(one, up=None)) == 7
    assert len(asked) <= 8


def test_what_used_an_object(survey: Any, objects: dict[str, Any]) -> None:
    raws, reduced = objects["raws"], objects["reduced"]
    assert survey.get_inverse_properties(raws[0]) == [objects["flat"], reduced[0]]
    assert retrieval.get_inverse_properties(raws[2]) == [reduced[2]]
    assert survey.get_inverse_properties(objects["coadd"]) == []
    with pytest.raises(UsageError):
        retrieval.get_inverse_properties(HelpedRaw(n=1))


def test_properties_and_the_tree(survey: Any, objects: dict[str, Any]) -> None:
    one = objects["reduced"][0]
    found = survey.get_persistent_properties(one)
    assert list(found) == [*HelpedReduced.persistents, *HelpedReduced.links]
    assert (found["zeropoint"], found["raw"], found["flat"]) == (24.5, objects["raws"][0], objects["flat"])
    assert found == retrieval.get_persistent_properties(one)
    tree = survey.info(objects["coadd"])
    assert tree == retrieval.info(objects["coadd"])
    for name in ("HelpedCoadd", "HelpedReduced", "HelpedFlat", "HelpedRaw"):
        assert name in tree
