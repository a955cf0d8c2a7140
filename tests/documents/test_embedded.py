"""A file and what imported documents say of it meet by the identifier in the file; on each engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

from provgraph.errors import InvalidInput, NotFound, UsageError
from provgraph.export.tables.identifiers import embedded
from provgraph.prov import Document, read, write
from tests.surveys import catalog, open_survey, survey  # noqa: F401

KID = "6e834f07-75c4-4742-addf-bd2196daedfe"
RUN = f"""\
document
  prefix ex <http://example.org/>
  prefix uuid <urn:uuid:>
  entity(uuid:{KID}, [prov:label="muons.h5", prov:type='ex:File'])
  entity(ex:raw, [prov:label="raw events"])
  entity(ex:unrelated)
  activity(ex:run, 2026-11-21T20:00:00Z, 2026-11-21T20:00:05Z, [prov:label="reconstruct"])
  agent(ex:ann, [prov:type='prov:Person'])
  wasGeneratedBy(uuid:{KID}, ex:run, -)
  used(ex:run, ex:raw, -, [prov:role="input"])
  wasAssociatedWith(ex:run, ex:ann, ex:recipe)
endDocument
"""


@pytest.fixture
def muons(tmp_path: Path) -> Path:
    """A file that holds its identifier as KM3NeT's do."""
    with h5py.File(tmp_path / "muons.h5", "w") as file:
        file.attrs["kid"] = KID.encode()
        file["energy"] = [1.0, 2.0]
    return tmp_path / "muons.h5"


def imported(survey: Any, folder: Path, name: str = "run.provn", text: str = RUN) -> Any:
    (folder / name).write_text(text)
    return survey.import_prov(folder / name)


def test_a_file_is_found_in_a_document(survey: Any, muons: Path, tmp_path: Path) -> None:
    found = survey.identify(muons)
    assert (found.object, found.iris, found.documents) == (None, (f"urn:uuid:{KID}",), ())
    with pytest.raises(NotFound):
        survey.lineage(muons)
    stored = imported(survey, tmp_path)
    assert survey.identify(muons).documents == (stored,)
    view = survey.lineage(muons)
    assert [(n.label, n.kind, view.levels[n.id]) for n in view.nodes] == [
        ("muons.h5", "entity", 0), ("reconstruct", "activity", 1),
        ("raw events", "entity", 2), ("http://example.org/recipe", "entity", 2), ("http://example.org/ann", "agent", 2),
    ]  # fmt: skip
    assert {(e.relation, e.properties.get("role")) for e in view.edges} == {
        ("WAS_GENERATED_BY", None), ("USED", "input"), ("WAS_ASSOCIATED_WITH", None), ("HAD_PLAN", None),
    }  # fmt: skip
    assert view.text().splitlines()[0] == "muons.h5 (File)"
    assert "<svg" in view.svg()
    assert read(view.prov_json()) == survey.as_prov(f"urn:uuid:{KID}") == view.document()
    assert survey.lineage(f"urn:uuid:{KID}").nodes == view.nodes


def test_a_file_that_is_ingested_is_both(survey: Any, catalog: Path, tmp_path: Path) -> None:
    from astropy.io import fits

    with fits.open(catalog, mode="update") as units:
        units[0].header["OBS_ID"] = f"urn:uuid:{KID}"
    stored = imported(survey, tmp_path)
    external = survey.ingest(catalog, name="A", id="id")
    found = survey.identify(catalog)
    assert found.object is not None
    assert survey.lineage(catalog).nodes[0].id == found.object.object_id
    assert external.object_id not in found.iris
    assert found.documents == (stored,)


def test_several_documents_are_never_mixed(survey: Any, muons: Path, tmp_path: Path) -> None:
    imported(survey, tmp_path)
    other = imported(
        survey, tmp_path, "other.provn", f"document\n prefix uuid <urn:uuid:>\n entity(uuid:{KID})\nendDocument\n"
    )
    assert len(survey.identify(muons).documents) == 2
    with pytest.raises(InvalidInput, match="2 documents speak") as error:
        survey.lineage(muons)
    assert error.value.code == "document_ambiguous"
    assert len(survey.lineage(muons, within=other.id).nodes) == 1


def test_terms_are_for_objects_of_the_survey(survey: Any, muons: Path, tmp_path: Path) -> None:
    imported(survey, tmp_path)
    with pytest.raises(UsageError, match="shown whole"):
        survey.lineage(muons, up=1)


def test_what_km3net_wrote(survey: Any, shared: Path) -> None:
    file = shared / "data/km3net/geamon.h5"
    survey.import_prov(shared / "data/km3net/geamon.h5.prov.json")
    view = survey.lineage(file)
    assert [n.label for n in view.nodes][:2] == ["geamon.h5", "pipeline"]
    assert "mcv5.0.monopole.geamon.jte.jchain.aanet.7.root" in {n.label for n in view.nodes}


def test_a_run_of_cwl(survey: Any, shared: Path) -> None:
    stored = survey.import_prov(shared / "data/prov/directory-cwlprov-0.6.0.json")
    assert survey.document(stored) == read(shared / "data/prov/directory-cwlprov-0.6.0.json")
    outputs = [s.argument("entity") for s in survey.document(stored).statements if s.kind == "wasGeneratedBy"]
    for output in outputs:
        view = survey.lineage(output.iri)
        assert {"entity", "activity"} <= {n.kind for n in view.nodes}


def test_events_of_openlineage(survey: Any, tmp_path: Path) -> None:
    run = {"runId": KID, "facets": {}}
    event = {"eventType": "COMPLETE", "eventTime": "2026-11-21T08:00:00Z", "run": run, "producer": "https://example.org/",
             "job": {"namespace": "night", "name": "reduce"}, "inputs": [{"namespace": "s3://archive", "name": "raw"}],
             "outputs": [{"namespace": "s3://archive", "name": "reduced"}]}  # fmt: skip
    (tmp_path / "events.jsonl").write_text(json.dumps(event) + "\n")
    stored = survey.import_prov(tmp_path / "events.jsonl")
    assert stored.format == "openlineage"
    assert survey.document(stored) == read(tmp_path / "events.jsonl")
    assert survey.validate_prov(stored).valid
    view = survey.lineage(f"s3://archive/reduced#run=urn:uuid:{KID}")
    assert "s3://archive/raw" in {n.id for n in view.nodes}
    survey.export(stored, format="openlineage", out=tmp_path / "again.jsonl")
    assert read(tmp_path / "again.jsonl") == survey.document(stored)


def test_identifiers_of_each_format(tmp_path: Path, muons: Path) -> None:
    from astropy.io import fits

    assert embedded(muons) == [f"urn:uuid:{KID}"]
    header = fits.Header({"OBS_ID": "ivo://example.org/obs?7", "UUID": KID.upper(), "OBJECT": KID})
    fits.PrimaryHDU(header=header).writeto(tmp_path / "a.fits")
    assert embedded(tmp_path / "a.fits") == ["ivo://example.org/obs?7", f"urn:uuid:{KID}"]
    (tmp_path / "a.vot").write_text(
        f'<?xml version="1.0"?>\n<VOTABLE><INFO value="{KID}" name="uuid"/><INFO name="b"/></VOTABLE>'
    )
    assert embedded(tmp_path / "a.vot") == [f"urn:uuid:{KID}"]
    (tmp_path / "a.txt").write_text(KID)
    (tmp_path / "broken.h5").write_bytes(muons.read_bytes()[:200])
    for name in ("a.txt", "broken.h5", "absent.h5"):
        assert embedded(tmp_path / name) == []


def test_of_a_long_chain_the_nearest_are_shown(survey: Any, tmp_path: Path) -> None:
    document = Document({"ex": "http://example.org/"})
    for i in range(1500):
        document.add("wasDerivedFrom", None, {"generatedEntity": f"ex:e{i + 1}", "usedEntity": f"ex:e{i}"})
    write(document, tmp_path / "chain.provn")
    survey.import_prov(tmp_path / "chain.provn")
    found = survey.lineage("http://example.org/e1500")
    assert (len(found.nodes), found.complete, found.truncated, found.ended_by) == (1000, False, 501, "limit")
    assert len(found.edges) == 999
    few = survey.lineage("http://example.org/e1500", limit=3)
    assert [n.id.rpartition("/")[2] for n in few.nodes] == ["e1500", "e1499", "e1498"]
    assert survey.lineage("http://example.org/e2").complete
    with pytest.raises(NotFound, match="an imported document speaks of it, which lineage and export show"):
        survey.impact("http://example.org/e1")


def test_scopes_speak_for_themselves(survey: Any, tmp_path: Path) -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("wasDerivedFrom", None, {"generatedEntity": "ex:a", "usedEntity": "ex:c"})
    bundle = document.bundle("ex:night")
    bundle.add("wasDerivedFrom", None, {"generatedEntity": "ex:a", "usedEntity": "ex:z"})
    document.bundle("ex:other").add("activity", "ex:z")
    write(document, tmp_path / "two.provn")
    survey.import_prov(tmp_path / "two.provn")
    found = survey.lineage("http://example.org/a")
    label = {n.id: n.label.replace("http://example.org/", "") for n in found.nodes}
    assert [label[i] for i in found.roots] == ["a", "a (in ex:night)"]
    assert [(label[e.source], label[e.target]) for e in found.edges] == [
        ("a", "c"), ("a (in ex:night)", "z (in ex:night)"),
    ]  # fmt: skip
    assert {n.kind for n in found.nodes} == {"entity"}
    assert "z (in ex:night)" in found.text()
