"""The audit of pipelines, on each engine: objects with files, calls, what is made, dropped and loaded at once is in the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.bulk import processes
from provgraph.errors import ProvgraphError
from provgraph.graph.mapper import Batch
from provgraph.graph.statements import Statement
from tests.surveys import OpenSurvey, open_survey, survey  # noqa: F401


class AuditedCamera(provgraph.DataObject):
    model = persistent(str)
    size = persistent(float, unit="cm")
    digest = persistent(str, default="")


class AuditedRaw(provgraph.DataObject):
    number = persistent(int, index=True)
    levels = persistent(list[float], default=())
    camera = link(AuditedCamera, optional=True)


class AuditedSum(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[AuditedRaw])
    first = link(AuditedRaw)

    def make(self) -> None:
        self.attach(b"".join(self.read(r) for r in self.raws))

    def read(self, raw: AuditedRaw) -> bytes:
        return raw.retrieve().read_bytes()


def codes(found: Any, **more: Any) -> set[str]:
    return {f.code for f in found.audit.verify(**more).findings}


def is_whole(survey: Any) -> None:
    """Nothing is there that the log does not have, every write has its outcome, and nothing says less than it must."""
    survey.tracer.write(all_=True)
    assert survey.audit.verify().findings == []
    assert {r["outcome"] for r in survey.audit.show()} == {"committed"}
    assert not survey.audit.log.open


def raws(survey: Any, n: int = 3) -> list[AuditedRaw]:
    camera = AuditedCamera(model="X100", size=12.5)
    return survey.store(  # type: ignore[no-any-return]
        [AuditedRaw(number=i, levels=[0.1, 1e300], camera=camera, file=bytes([65 + i]) * 1000) for i in range(n)]
    )


def made(survey: Any) -> AuditedSum:
    there = raws(survey)
    return survey.make(AuditedSum(raws=there, first=there[0]))  # type: ignore[no-any-return]


def test_what_is_made_with_its_files_and_calls_is_in_the_log(survey: Any) -> None:
    with survey:
        one = made(survey)
        is_whole(survey)
        stored = [s for r in survey.audit.records() for s in r.get("stored", ())]
        assert {s["name"] for s in stored} >= {one.file.name, one.first.file.name}
        assert {s["what"] for s in stored} == {"file"}
        (record,) = survey.audit.show(of=one.object_id)
        assert {"graph write", "file stored"} <= set(record["what"])


def test_following_a_recipe_is_in_the_log(survey: Any) -> None:
    with survey:
        recipe = survey.recipe(made(survey))
        others = survey.store([AuditedRaw(number=i, file=b"x" * i) for i in (7, 8)])
        recipe.run(**{i.name: others if i.many else others[0] for i in recipe.inputs})
        is_whole(survey)


@pytest.mark.parametrize("n", [1, 300])
def test_what_is_loaded_at_once_is_in_the_log(survey: Any, n: int) -> None:
    with survey:
        camera = survey.store(AuditedCamera(model="X100", size=12.5))
        before = len(survey.audit.show())
        there = survey.store([AuditedRaw(number=i, levels=[float(i)], camera=camera) for i in range(n)], bulk=True)
        survey.tracer.write(all_=True)
        records = survey.audit.show()[before:]
        assert sum(len(r["ids"]) for r in records if r["kind"] == "write") > n
        is_whole(survey)
        change = Statement("by hand", ("MATCH (n:AuditedRaw {number: 0}) SET n.levels = [7.0]",))
        survey.engine.write(lambda run: run(change))
        (found,) = survey.audit.verify().findings
        assert (found.code, found.of) == ("record_differs", there[0].object_id)


def test_notes_are_loaded_with_what_they_are_about(survey: Any) -> None:
    with survey:
        batch = Batch()
        batch.add(one := AuditedCamera(model="X1", size=1.0))
        batch.note(one, "tag", "loaded")
        survey.mapper.load(batch)
        assert [n["value"] for n in survey.notes(one)] == ["loaded"]
        is_whole(survey)


def test_a_load_that_fails_was_none(survey: Any) -> None:
    with survey:
        camera = AuditedCamera(model="X1", size=1.0)
        batch = Batch()
        batch.add(camera)
        batch.relate("WAS_DERIVED_FROM", camera, "nothing", role="parent", index=0)
        with pytest.raises(ProvgraphError, match="is not in the graph"):
            survey.mapper.load(batch)
        assert survey.audit.show()[-1]["outcome"] == "aborted"
        assert survey.audit.verify().findings == []


def test_dropping_and_making_again_is_in_the_log(survey: Any) -> None:
    with survey:
        one = made(survey)
        survey.retain().apply()
        assert "bytes dropped" in [w for r in survey.audit.show() for w in r["what"]]
        is_whole(survey)
        one.retrieve()
        is_whole(survey)


def test_deleting_is_in_the_log(survey: Any) -> None:
    with survey:
        one = made(survey)
        survey.delete(one)
        is_whole(survey)


def test_files_of_objects_are_read(survey: Any) -> None:
    with survey:
        one = made(survey)
        whole = survey.audit.verify()
        assert (whole.findings, whole.counts["files"], whole.counts["bytes"]) == ([], 4, 6000)
        (path,) = survey.files.inside(one.file.digest)
        path.chmod(0o644)
        path.write_bytes(b"a" + path.read_bytes()[1:].lower())
        assert codes(survey) == {"file_changed"}
        path.unlink()
        (found,) = survey.audit.verify().findings
        assert (found.code, found.of) == ("file_missing", one.file.digest)


def test_a_file_that_was_left_elsewhere_is_not_missed(survey: Any, tmp_path: Path) -> None:
    path = tmp_path / "left.fits"
    path.write_bytes(b"left")
    with survey:
        raw = AuditedRaw(number=1)
        raw.attach(path, copy=False)
        survey.store(raw)
        path.unlink()
        is_whole(survey)


def test_a_lost_link_is_found_by_what_the_class_said_when_it_was_stored(survey: Any) -> None:
    with survey:
        one = made(survey)
        survey.tracer.write(all_=True)
        lost = Statement("by hand", ("MATCH (n:AuditedSum)-[r:WAS_DERIVED_FROM {role: 'first'}]->() DELETE r",))
        survey.engine.write(lambda run: run(lost))
        found = {f.code: f for f in survey.audit.verify().findings}
        assert set(found) == {"edge_gone", "reference_broken"}
        assert found["reference_broken"].message == f"AuditedSum {one.object_id} has lost its first."


def test_what_a_killed_process_called_says_so(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        raw = survey.store(AuditedRaw(number=1))
        spool = survey.directory / "spool"
    begun = {"begin": "c1", "parent": "", "cls": "AuditedSum", "method": "make", "arguments": "{}", "began": 1,
             "used": [["self", raw.object_id]], "thread": "t", "process": "p"}  # fmt: skip
    (spool / f"{processes.host()}.999999999.0.gone.calls").write_text(json.dumps(begun) + "\n")
    with open_survey() as survey:
        report = survey.audit.verify()
        assert {(f.code, f.severity, f.of) for f in report.findings} == {
            ("activity_without_agent", "warning", "c1"), ("code_unknown", "warning", "c1"),
        }  # fmt: skip
        assert report.ok
        assert not report.changed
