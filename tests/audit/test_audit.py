"""The audit of a survey, on each engine: what is written is in the log first, and what is changed beside it is found."""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
from pathlib import Path
from typing import Any

import h5py
import pytest

from provgraph.audit import checkpoint as checkpoints
from provgraph.audit.writes import digest
from provgraph.bulk.store import SegmentInfo
from provgraph.errors import FileUnreadable, InvalidInput, NotFound, ProvgraphError, UsageError
from provgraph.graph import statements
from provgraph.graph.mapper import Batch
from provgraph.graph.statements import Statement
from provgraph.policy import Context
from provgraph.schema.agents import Agent
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401


def codes(found: Any, **more: Any) -> set[str]:
    return {f.code for f in found.audit.verify(**more).findings}


def forget_log(survey: Any) -> None:
    """As a survey of an older version is: its graph does not know that there was a log."""
    run(survey, "MATCH (s:Survey {only: 'survey'}) SET s.log_begun = null")


def run(survey: Any, text: str, **parameters: Any) -> Any:
    statement = Statement("by hand", (text,))
    return survey.engine.write(lambda run: run(statement, **parameters))


@pytest.fixture
def worked(nearby: Any) -> Any:
    """A survey in which everything has happened once."""
    nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.5", name="near").data()
    nearby.select_sources("A", list(nearby.process(nearby["A"].select())[0].ids[:3]))
    nearby.annotate("near", tags=["test"])
    nearby.invalidate("absmag_u", "without K-correction")
    return nearby


def test_all_that_happens_is_in_the_log(worked: Any) -> None:
    report = worked.audit.verify()
    assert report.findings == []
    assert report.ok
    assert not report.changed
    assert report.counts["entities"] > 10
    assert report.counts["segments"] == 3
    what = [w for r in worked.audit.show() for w in r["what"]]
    assert {"graph write", "segment stored", "file stored", "invalidation"} <= set(what)
    assert {r["outcome"] for r in worked.audit.show()} == {"committed"}
    writes = [r for r in worked.audit.records() if r["kind"] == "write"]
    done = {r["intent"] for r in worked.audit.records() if r["kind"] == "committed"}
    assert done == {r["_n"] for r in writes}
    assert not worked.audit.log.open
    assert all(before == "" and len(after) == 64 for r in writes for _, _, before, after in r["ids"])


def test_an_opened_survey_is_unchanged(worked: Any, open_survey: Any) -> None:
    worked.close()
    again = open_survey()
    assert again.audit.verify().findings == []
    again.annotate("near", description="again")
    assert again.audit.verify().findings == []


def test_a_survey_without_a_log_begins_with_what_is_there(worked: Any, open_survey: Any) -> None:
    forget_log(worked)
    worked.close()
    shutil.rmtree(worked.directory / "audit")
    again = open_survey()
    kinds = [r["kind"] for r in again.audit.records()]
    assert kinds[0] == "began"
    assert kinds[-1] == "begun"
    assert set(kinds[1:-1]) == {"found"}
    assert again.audit.verify().findings == []
    again.annotate("near", tags=["later"])
    assert again.audit.verify().findings == []
    run(again, "MATCH (n:Note {value: 'test'}) SET n.value = 'another'")
    assert codes(again) == {"record_differs"}


@pytest.mark.parametrize("how", ["all of it", "its records and head"])
def test_a_log_that_is_gone_is_missed(worked: Any, open_survey: Any, how: str) -> None:
    directory = worked.directory / "audit"
    worked.close()
    if how == "all of it":
        shutil.rmtree(directory)
    else:
        (directory / "records.jsonl").write_bytes(b"")
        (directory / "head").unlink()
    again = open_survey()
    report = again.audit.verify()
    assert [f.code for f in report.findings] == ["log_missing"]
    assert report.changed
    again.annotate("near", description="later")
    again.close()
    assert codes(open_survey()) == {"log_missing"}, "it says so from then on, once"


@pytest.mark.parametrize("text", [None, b"", b"garbage", b"x" * 1000, b'{"digest":1,"n":"2","settled":3,"size":4}'])
def test_a_damaged_head_is_told(worked: Any, open_survey: Any, text: bytes | None) -> None:
    head = worked.directory / "audit" / "head"
    worked.close()
    if text is None:
        head.unlink()
    else:
        head.write_bytes(text)
    again = open_survey()
    [finding] = again.audit.verify().findings
    assert (finding.code, finding.severity, finding.changed) == ("head_missing", "warning", False)
    again.close()
    assert codes(open_survey()) == {"head_missing"}


def test_one_that_was_killed_while_it_began_begins_again(worked: Any, open_survey: Any) -> None:
    forget_log(worked)
    worked.close()
    path = worked.directory / "audit" / "records.jsonl"
    shutil.rmtree(worked.directory / "audit")
    again = open_survey()
    forget_log(again)
    again.close()
    texts = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(texts[:-1]))
    (path.parent / "head").unlink()
    third = open_survey()
    assert third.audit.verify().findings == []
    assert [r["kind"] for r in third.audit.records()].count("began") == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("MATCH (n:Note {value: 'test'}) SET n.value = 'another'", {"record_differs"}),
        ("MATCH (n:Activity {method: 'ingest'}) SET n.ended = '2030'", {"record_differs"}),
        ("MATCH (n:External) SET n.creator = 'agent:nobody'", {"record_differs", "reference_broken"}),
        ("MATCH (n:Note {value: 'test'}) DETACH DELETE n", {"record_gone"}),
        ("MATCH (n:External)-[r:WAS_DERIVED_FROM {role: 'file'}]->() DELETE r", {"edge_gone", "reference_broken"}),
        ("MATCH (n:External)-[r:WAS_DERIVED_FROM {role: 'file'}]->() SET r.index = 7", {"edge_gone", "edge_foreign"}),
        ("MATCH (n:Segment)-[r:WAS_GENERATED_BY]->() DELETE r", {"edge_gone", "not_generated"}),
        ("MATCH (n:Activity)-[r:WAS_ASSOCIATED_WITH]->() DELETE r", {"edge_gone", "activity_without_agent", "code_unknown"}),
        ("MATCH (n:Activity)-[r:USED {role: 'environment'}]->() DELETE r", {"edge_gone", "environment_unknown"}),
        ("MATCH (n:Note {value: 'test'})-[r:ABOUT]->() DELETE r", {"edge_gone", "reference_broken"}),
        ("MATCH (a:Note {value: 'test'}), (b:DataFile) CREATE (a)-[:ABOUT]->(b)", {"edge_foreign"}),
        ("CREATE (n:Note {note_id: 'x', kind: 'tag', value: 'x'})", {"record_foreign", "reference_broken"}),
    ],
)  # fmt: skip
def test_changes_of_the_graph_are_found(worked: Any, change: str, expected: set[str]) -> None:
    run(worked, change)
    report = worked.audit.verify(stored=False)
    found = {f.code for f in report.findings}
    assert expected <= found <= expected | {"code_unknown"}
    assert report.changed
    assert not report.ok
    assert all(f.message.endswith(".") for f in report.findings)


def test_an_index_may_be_rebuilt(worked: Any) -> None:
    run(worked, "MATCH (n:SourceCollection) SET n.atoms = ['x'], n.introduces = []")
    run(worked, "MATCH ()-[r:INTRODUCES]->() DELETE r")
    assert worked.audit.verify(stored=False).findings == []


def test_changed_bytes_are_found(worked: Any) -> None:
    fractions: list[float] = []
    worked.audit.verify(progress=lambda what, f: fractions.append(f))
    assert fractions[-1] == 1.0
    path = sorted((worked.directory / "segments").rglob("*.h5"))[0]
    whole, times = path.read_bytes(), path.stat()
    at = len(whole) - 9
    path.chmod(0o644)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # only the bytes tell
    report = worked.audit.verify()
    assert {f.code for f in report.findings} <= {"segment_changed"}
    assert worked.audit.verify(stored=False).findings == []
    path.unlink()
    assert codes(worked) == {"segment_missing"}


def in_place(path: Path, at: int, new: bytes) -> None:
    """Change bytes so that only they tell."""
    times = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_stands_beside_values_is_compared_too(worked: Any) -> None:
    rows = worked.engine.read(statements.load("queries/segments_made"))
    infos = [SegmentInfo.from_dict(json.loads(r["properties"]["info"])) for r in rows]
    [info] = [one for one in infos if one.n == 1000]
    path = worked.store_.path(info.name)
    whole = path.read_bytes()
    column = next(c for c in info.columns if c.dtype == "f8")
    named = whole.index(info.id_space.encode())
    for at, new, says in (
        (column.blocks_offset, struct.pack("<2d", -3.0, -2.0), f"statistics of column {column.origin}"),
        (0, b"nothing!", "no segment any more"),
        (named, b"x", "what the file says of itself"),
    ):
        in_place(path, at, new)
        [finding] = worked.audit.verify().findings
        assert finding.code == "segment_changed"
        assert says in finding.message
        in_place(path, at, whole[at : at + len(new)])
    assert worked.audit.verify().findings == []
    worked.store_.indexes.build(worked.store_.open(info), column.origin)
    assert worked.audit.verify().findings == []
    index = worked.store_.indexes.path(info.name, column.origin)
    with h5py.File(index, "r+") as file:
        file["rows"][0] = file["rows"][1]
    assert codes(worked) == {"index_changed"}


def test_what_cannot_be_read_is_a_finding(
    worked: Any, tmp_path: Path, open_survey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.provn").write_text("document\nendDocument\n")
    kept = worked.library.raw.path(worked.import_prov(tmp_path / "run.provn").digest)
    worked.close()
    again = open_survey()
    plain = Path.open

    def refused(path: Path, *given: Any, **more: Any) -> Any:
        if path == kept or (path.suffix == ".h5" and path.is_relative_to(worked.directory)):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *given, **more)

    monkeypatch.setattr(Path, "open", refused)
    report = again.audit.verify()
    assert {f.code for f in report.findings} == {"segment_unreadable", "file_unreadable"}
    assert {f.message.partition("cannot be read")[2] for f in report.findings} == {": Permission denied."}


def test_imported_documents(worked: Any, tmp_path: Path, open_survey: Any) -> None:
    (tmp_path / "run.provn").write_text(
        "document\nprefix ex <http://example.org/>\nentity(ex:a)\nentity(ex:b)\nwasDerivedFrom(ex:a, ex:b)\nendDocument\n"
    )
    stored = worked.import_prov(tmp_path / "run.provn")
    report = worked.audit.verify()
    assert report.findings == []
    assert report.counts["documents"] == report.counts["files"] == 1
    assert worked.audit.show(of=stored.id)[0]["what"] == ["document imported", "file stored"]
    forget_log(worked)
    worked.close()
    shutil.rmtree(worked.directory / "audit")
    again = open_survey()
    assert again.audit.verify().findings == []
    run(again, "MATCH (d:ProvDocument) SET d.name = 'another'")
    assert codes(again) == {"record_differs"}
    again.library.raw.path(stored.digest).write_text("document\nendDocument\n")
    assert codes(again) == {"record_differs", "file_changed"}
    again.library.raw.path(stored.digest).unlink()
    assert codes(again) == {"record_differs", "file_missing"}
    assert again.import_prov(tmp_path / "run.provn").restored
    assert codes(again) == {"record_differs"}


def test_dropped_bytes_are_not_missed(worked: Any) -> None:
    worked.forget("near")
    assert worked.audit.verify().findings == []
    assert "bytes dropped" in worked.audit.show()[-1]["what"]


def test_show(worked: Any, open_survey: Any) -> None:
    near = worked["near"]
    about = worked.audit.show(of=near.object_id)
    assert len(about) >= 2  # made, and tagged
    assert about[0]["ids"][0]["id"] == near.object_id
    assert about[0]["ids"][0]["after"]
    name = worked.context.agent.name
    assert worked.audit.show(by=name) == [r for r in worked.audit.show() if r["agent"] == name]
    assert worked.audit.show(by="nobody") == []
    assert worked.audit.show(since="2999-01-01") == []
    assert len(worked.audit.show(since="2000-01-01T00:00+02:00")) == len(worked.audit.show())
    with pytest.raises(UsageError, match="not a date"):
        worked.audit.show(since="yesterday")
    worked.close()
    other = open_survey(context=Context(Agent("person", "ada")))
    other.annotate("near", tags=["by ada"])
    assert [r["agent"] for r in other.audit.show(by="ada")] == ["ada"]


def test_what_fails_is_not_in_the_log_as_done(worked: Any) -> None:
    before = list(worked.audit.records())

    def fails(_: Any) -> None:
        raise ProvgraphError("no")

    batch = Batch(indexing=fails)
    batch.note(worked["near"], "tag", "never")
    with pytest.raises(ProvgraphError, match="no"):
        worked.mapper.write(batch)
    assert list(worked.audit.records()) == before  # it failed before there was anything to commit
    engine_write = worked.engine.write

    def loses(work: Any) -> Any:
        def rolled_back(run: Any) -> Any:
            work(run)
            raise ProvgraphError("the disk is full")

        return engine_write(rolled_back)

    worked.engine.write = loses
    batch = Batch()
    batch.note(worked["near"], "tag", "never")
    with pytest.raises(ProvgraphError, match="full"):
        worked.mapper.write(batch)
    del worked.engine.write
    assert [r["kind"] for r in worked.audit.records()][-2:] == ["write", "aborted"]
    assert worked.audit.verify(stored=False).findings == []
    assert worked.audit.show()[-1]["outcome"] == "aborted"


def test_what_the_engine_runs_again_is_once_done(worked: Any) -> None:
    engine_write = worked.engine.write
    tried = []

    def again(work: Any) -> Any:
        def rolled_back(run: Any) -> Any:
            work(run)
            raise ProvgraphError("later", code="tried")

        if not tried:
            tried.append(1)
            with pytest.raises(ProvgraphError):
                engine_write(rolled_back)
        return engine_write(work)

    worked.engine.write = again
    worked.annotate("near", tags=["twice tried"])
    del worked.engine.write
    assert [r["kind"] for r in worked.audit.records()][-4:] == ["write", "write", "aborted", "committed"]
    assert worked.audit.verify(stored=False).findings == []


def test_interrupted_before_the_graph_is_told(worked: Any) -> None:
    engine_write = worked.engine.write

    def interrupted(work: Any) -> Any:
        def stops(run: Any) -> Any:
            work(run)
            raise KeyboardInterrupt

        return engine_write(stops)

    worked.engine.write = interrupted
    with pytest.raises(KeyboardInterrupt):
        worked.annotate("near", tags=["never"])
    del worked.engine.write
    assert len(worked.audit.log.open) == 1
    worked.annotate("near", tags=["after"])  # first finds out what became of the other
    assert not worked.audit.log.open
    assert [r["kind"] for r in worked.audit.records()][-3:] == ["aborted", "write", "committed"]
    assert worked.audit.verify(stored=False).findings == []


def test_other_things_can_be_recorded(worked: Any) -> None:
    n = worked.audit.record("authorisation", of="ada", before="", after="2")
    (shown,) = worked.audit.show(of="ada")
    assert (shown["n"], shown["kind"]) == (n, "authorisation")
    assert worked.audit.verify(stored=False).findings == []


def test_checkpoints_and_proofs(worked: Any, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    first = worked.audit.checkpoint(tmp_path / "first.json")
    key = checkpoints.key_path()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    worked.annotate("near", tags=["later"])
    assert worked.audit.verify(checkpoint=tmp_path / "first.json", key=first["key"]).findings == []
    assert codes(worked, checkpoint=tmp_path / "first.json", key="00" * 32, stored=False) == {"checkpoint_untrusted"}
    [public] = (worked.directory / "audit" / "keys").glob("*.pub")
    assert worked.audit.verify(checkpoint=tmp_path / "first.json", key=str(public), stored=False).findings == []
    for key_ in ("abc", "0" * 63, str(tmp_path / "first.json"), "x" * 5000, "\0"):
        with pytest.raises(InvalidInput, match="is no public key; give its 64 hexadecimal digits") as refused:
            worked.audit.verify(checkpoint=tmp_path / "first.json", key=key_)
        assert refused.value.code == "key_invalid"
    proof = tmp_path / "proof.json"
    near = worked["near"].object_id
    worked.audit.prove(proof, of=near, since=tmp_path / "first.json")
    records = checkpoints.check(proof, first["key"])
    assert any(one[1] == near for r in records if r["kind"] == "write" for one in r["ids"])
    shown = {row["n"] for row in worked.audit.show(of=near)}
    assert shown <= {r["n"] for r in json.loads(proof.read_text())["records"]}, "also what was said of it"
    assert worked.audit.verify(stored=False).findings == []
    whole = json.loads(proof.read_text())
    for change in (
        {"checkpoint": {**whole["checkpoint"], "n": whole["checkpoint"]["n"] + 1}},
        {"older": {**whole["older"], "root": whole["checkpoint"]["root"]}},
        {"consistency": whole["consistency"][:-1]},
        {"consistency": 3},
        {
            "records": [
                {**whole["records"][0], "line": whole["records"][0]["line"].replace("near", "far").replace("a", "b")}
            ]
        },
        {"records": [{**whole["records"][0], "n": whole["records"][0]["n"] + 1}]},
    ):
        proof.write_text(json.dumps({**whole, **change}))
        with pytest.raises(InvalidInput, match="proves nothing"):
            checkpoints.check(proof)
    proof.write_text(json.dumps(whole))
    with pytest.raises(InvalidInput, match="signed by the key"):
        checkpoints.check(proof, "00" * 32)
    with pytest.raises(NotFound):
        worked.audit.prove(proof, of="nothing")
    with pytest.raises(NotFound):
        worked.audit.prove(proof, record=10**6)
    with pytest.raises(UsageError):
        worked.audit.prove(proof)
    for text in ("", "[]", "{}", "\x00", "[" * 100_000):
        proof.write_text(text)
        with pytest.raises(FileUnreadable):
            checkpoints.check(proof)
        with pytest.raises(FileUnreadable):
            worked.audit.verify(checkpoint=proof)


def test_digests_are_of_what_the_graph_gives_back() -> None:
    assert digest({"a": 1}) != digest({"a": 1.0}) != digest({"a": True})
    assert digest({"a": [], "b": None, "c": "x"}) == digest({"c": "x"})
    assert digest({"a": [0.1, float("nan")]}) == digest({"a": (0.1, float("nan"))})
    assert digest({"a": 1, "b": 2}, ["a", "c"]) == digest({"a": 1})
