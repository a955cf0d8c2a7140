"""OpenLineage events as PROV and back: runs, versions of datasets, parents, facets, states, the official schema, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import InvalidInput
from provgraph.export.native import document as native
from provgraph.prov import Document, Reference, dumps, loss, read, validate, write
from provgraph.prov.model import Name, Statement
from provgraph.prov.openlineage import NAMESPACE, dataset_iri
from tests.export.lineages import evil, pulled, uuid

RUN = ["01930000-0000-7000-8000-0000000000f%d" % n for n in range(4)]  # noqa: UP031
BASE = {"_producer": "https://example.org/cron", "_schemaURL": "https://example.org/facet.json"}


def event(
    kind: str, minute: int, run: int, job: str, *, run_facets: Any = None, job_facets: Any = None, **more: Any
) -> dict[str, Any]:
    return {
        "eventType": kind, "eventTime": f"2026-11-21T08:{minute:02}:00Z", "producer": "https://example.org/cron",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN[run], "facets": run_facets or {}},
        "job": {"namespace": "night", "name": job, "facets": job_facets or {}}, **more,
    }  # fmt: skip


def frame(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "s3://archive", "name": name, "facets": {k: BASE | v for k, v in facets.items()}}


def events() -> list[dict[str, Any]]:
    """A night: a flat is made, a frame is reduced with it, the flat is made again, and one run fails."""
    schema = {"fields": [{"name": "flux", "type": "float64"}]}
    lineage = {"fields": {"flux": {"inputFields": [{"namespace": "s3://archive", "name": "raw", "field": "counts"}]}}}
    parent = {"run": {"runId": RUN[0]}, "job": {"namespace": "night", "name": "night"}}
    return [
        event("START", 0, 0, "night"),
        event("START", 1, 1, "flat", run_facets={"parent": BASE | parent}, outputs=[frame("flat")],
              job_facets={"sourceCodeLocation": BASE | {"type": "git", "url": "https://example.org/flat.py"}}),
        event("RUNNING", 2, 1, "flat", run_facets={"progress": BASE | {"done": 0.5}}),
        event("COMPLETE", 3, 1, "flat", outputs=[frame("flat", documentation={"description": "the mean of 5"})]),
        event("START", 4, 2, "reduce", inputs=[frame("flat"), frame("raw", dataSource={"name": "s3", "uri": "s3://archive"})]),
        event("COMPLETE", 5, 2, "reduce", inputs=[frame("flat"), frame("raw")],
              outputs=[frame("reduced", schema=schema, columnLineage=lineage)]),
        event("START", 6, 3, "flat", inputs=[frame("flat")], outputs=[frame("flat")]),
        event("FAIL", 7, 3, "flat", run_facets={"errorMessage": BASE | {"message": "no stars", "programmingLanguage": "python"}}),
    ]  # fmt: skip


def lines(found: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in found)


def said(document: Document, kind: str) -> set[tuple[str, ...]]:
    return {
        tuple(a.iri if isinstance(a, Name) else str(a) for _, a in s.arguments)
        for s in document.statements if s.kind == kind
    }  # fmt: skip


def test_runs_are_activities_and_what_they_wrote_are_versions() -> None:
    document = read(lines(events()))
    night, flat, reduce, again = (f"urn:uuid:{run}" for run in RUN)
    first = f"s3://archive/flat#run={flat}"
    times = {s.id.iri: s.arguments for s in document.statements if s.kind == "activity" and s.id}
    assert dict(times[flat]) == {"startTime": "2026-11-21T08:01:00Z", "endTime": "2026-11-21T08:03:00Z"}
    assert dict(times[night]) == {"startTime": "2026-11-21T08:00:00Z"}  # it has not ended
    assert said(document, "used") == {(reduce, first), (reduce, "s3://archive/raw"), (again, first)}
    assert (first, flat) in said(document, "wasGeneratedBy")
    assert (first, "s3://archive/flat") in said(document, "specializationOf")
    assert said(document, "wasDerivedFrom") == {(f"s3://archive/reduced#run={reduce}", "s3://archive/raw", reduce)}
    assert (flat, night, "2026-11-21T08:01:00Z") in said(document, "wasStartedBy")
    assert validate(document).valid


def test_every_facet_is_kept() -> None:
    document = read(lines(events()))
    kept = {n.iri.removeprefix(NAMESPACE) for s in document.statements for n, _ in s.attributes}
    assert kept >= {"run.parent", "run.progress", "run.errorMessage", "job.sourceCodeLocation", "dataset.schema",
                    "dataset.columnLineage", "dataset.documentation", "dataset.dataSource"}  # fmt: skip
    states = [v.lexical for s in document.statements for n, v in s.attributes if n.iri == NAMESPACE + "state"]  # type: ignore[union-attr]
    assert sorted(states) == ["COMPLETE", "COMPLETE", "FAIL", "START"]
    plans = [
        s
        for s in document.statements
        if Reference(Name("http://www.w3.org/ns/prov#Plan")) in [v for _, v in s.attributes]
    ]
    assert len(plans) == 3


def test_a_list_a_single_event_and_lines_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(lines(events()))
    assert read(path) == read(json.dumps(events())) == read(lines(reversed(events()))) == read(lines(events()).encode())  # type: ignore[arg-type]
    (tmp_path / "one.json").write_text(json.dumps(events()[0], indent=1))
    assert len([s for s in read(tmp_path / "one.json").statements if s.kind == "activity"]) == 1


def test_what_was_read_is_written_again_without_loss() -> None:
    document = read(lines(events()))
    assert loss(document, "openlineage") == []
    assert read(dumps(document, "openlineage")) == document


def test_the_events_of_the_folder(shared: Path) -> None:
    found = 0
    for path in sorted((shared / "conformance/prov/openlineage").glob("*ol_events.json")):
        document = read(path)
        assert validate(document).valid, path.name
        lost = loss(document, "openlineage")
        assert {s.statement.kind for s in lost if s.statement} <= {"wasAssociatedWith"}, (
            path.name
        )  # they name no producer
        assert any(s.kind == "activity" for s in document.statements)
        found += 1
    assert found > 5


@pytest.mark.parametrize(
    "document", [read(lines(events())), native(pulled()), native(evil())], ids=["read", "pulled", "evil"]
)
def test_what_is_written_is_valid_by_the_official_schema(shared: Path, document: Document) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((shared / "conformance/prov/openlineage/spec__OpenLineage.json").read_text())
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for line in dumps(document, "openlineage").splitlines():
        check.validate(json.loads(line))


def test_what_a_survey_recorded() -> None:
    document = native(pulled())
    found = [json.loads(line) for line in dumps(document, "openlineage").splitlines()]
    assert [(e["eventType"], e["job"]["name"]) for e in found] == [
        ("START", "ingest"), ("COMPLETE", "ingest"), ("START", "process"),
        ("START", "pull"), ("COMPLETE", "process"),
    ]  # fmt: skip
    ended = found[-1]
    assert ended["run"]["facets"]["parent"]["run"]["runId"] == uuid(22)
    assert uuid(1) not in {i["name"] for i in ended["inputs"]}  # what it was made for
    assert [o["name"] for o in ended["outputs"]] == [uuid(11)]
    lost = loss(document, "openlineage")
    assert {"wasDerivedFrom", "wasAttributedTo", "specializationOf"} <= {s.statement.kind for s in lost if s.statement}


def test_it_is_written_without_asking_what_is_lost_is_given(tmp_path: Path) -> None:
    lost = write(native(pulled()), tmp_path / "run.jsonl")
    assert lost
    again = read(tmp_path / "run.jsonl")
    assert (f"urn:uuid:{uuid(11)}", f"urn:uuid:{uuid(21)}") in said(again, "wasGeneratedBy")
    assert validate(again).valid


@pytest.mark.parametrize(("text", "words"), [
    ("[1]", "event 1"),
    (lines(events()[:1]) + "{\n", "line 2"),
    (json.dumps([{"eventTime": "2026-11-21T08:00:00Z", "run": {}, "job": {"namespace": "a", "name": "b"}}]), "no runId"),
    (json.dumps([{"eventTime": "2026-11-21T08:00:00Z"}]), "no run, no job and no dataset"),
    (json.dumps({"eventTime": 5, "run": {"runId": "x"}}), "no eventTime"),
    (json.dumps(event("START", 0, 0, "a", inputs=[{"name": "x"}])), "namespace and name"),
    (json.dumps(event("START", 0, 0, "a", outputs=5)), "no list"),
])  # fmt: skip
def test_what_is_no_event_is_said(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as error:
        read(text, "openlineage")
    assert error.value.code == "openlineage_invalid"


def test_addresses_of_datasets() -> None:
    assert dataset_iri("postgres://db:5432", "a.b.c") == "postgres://db:5432/a.b.c"
    assert dataset_iri("file", "/data/x y.fits") == "file:///data/x%20y.fits"
    assert dataset_iri("urn:uuid", uuid(1)) == f"urn:uuid:{uuid(1)}"
    assert dataset_iri("food delivery", "orders") == "https://provgraph.org/openlineage/dataset/food%20delivery/orders"


def test_a_statement_is_lost_once_and_whole_or_in_part() -> None:
    document = read("""document
      prefix ex <http://example.org/>
      activity(ex:a, 2026-11-21T20:00:00Z, 2026-11-21T20:01:00Z)
      used(ex:u; ex:a, ex:e, -, [ex:b="c"])
      agent(ex:ann)
    endDocument""")
    document.statements.append(Statement("hadMember", None, (("collection", Name("http://example.org/c")),
                               *(("entity", Name(f"http://example.org/{n}")) for n in "def"))))  # fmt: skip
    lost = loss(document, "openlineage")
    assert [(one.statement.kind, one.whole) for one in lost if one.statement] == [
        ("used", False), ("agent", True), ("hadMember", True),
    ]  # fmt: skip


def test_half_of_a_surrogate_pair_is_refused() -> None:
    text = lines(events()).replace("raw", "\\ud800", 1)
    with pytest.raises(InvalidInput, match=r"half of a surrogate pair.* in line 5"):
        read(text, "openlineage")
