"""Process Run Crates: what is in them, whole or absent, redacted, of objects and of imported documents."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.errors import StorageError, UsageError
from provgraph.export import ro_crate
from provgraph.export.native import document as native
from provgraph.prov import read
from tests.export.lineages import evil, pulled, uuid
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401


class CratedRaw(provgraph.DataObject):
    night = persistent(str)


class CratedMean(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[CratedRaw])

    def make(self) -> None:
        self.attach(b"mean of " + b" and ".join(raw.retrieve().read_bytes() for raw in self.raws))


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    """By @id; every name that is referred to is of a thing in the crate, or an IRI."""
    found = json.loads((folder / ro_crate.METADATA).read_text())["@graph"]
    by_id = {one["@id"]: one for one in found}
    assert len(by_id) == len(found)
    for one in found:
        for key, value in one.items():
            for reference in value if isinstance(value, list) else [value]:
                if isinstance(reference, dict) and key != "conformsTo":
                    assert reference["@id"] in by_id, (one["@id"], key)
    for part in _listed(by_id["./"]["hasPart"]):
        assert (folder / part["@id"]).is_file()
    return by_id


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def written(document: Any, folder: Path, **more: Any) -> dict[str, dict[str, Any]]:
    ro_crate.write(document, folder, name="bright", published="2026-11-22", **more)
    return graph(folder)


def test_each_activity_is_an_action(tmp_path: Path) -> None:
    found = written(native(pulled()), tmp_path / "crate", root=f"urn:uuid:{uuid(1)}")
    actions = {i: one for i, one in found.items() if one["@type"] == "CreateAction"}
    assert actions.keys() == {f"urn:uuid:{uuid(n)}" for n in (20, 21, 22)}
    assert {a["@id"] for a in _listed(found["./"]["mentions"])} == actions.keys()
    ingest, process, failed = (actions[f"urn:uuid:{uuid(n)}"] for n in (20, 21, 22))
    assert (ingest["startTime"], ingest["endTime"]) == (
        "2026-11-21T07:00:00.000+00:00",
        "2026-11-21T07:00:01.900+00:00",
    )
    assert {"@id": f"urn:uuid:{uuid(9)}"} in _listed(ingest["object"])
    assert ingest["result"] == {"@id": f"urn:uuid:{uuid(10)}"}
    assert {"@id": f"urn:uuid:{uuid(1)}"} not in _listed(process["object"])  # what it was made for
    assert {found[i["@id"]]["name"] for i in _listed(process["instrument"])} == {"absmag", "provgraph"}
    assert found[process["agent"]["@id"]] == {"@id": process["agent"]["@id"], "@type": "Person", "name": "Ada",
                                              "identifier": process["agent"]["@id"]}  # fmt: skip
    assert (failed["actionStatus"], failed["error"]) == ("http://schema.org/FailedActionStatus", "disk full")
    parameters = found[f"urn:uuid:{uuid(8)}"]["hasPart"]
    assert {found[p["@id"]]["name"]: found[p["@id"]]["value"] for p in _listed(parameters)} == {
        "H0": "70.0",
        "Om0": "0.3",
    }
    assert found[f"urn:uuid:{uuid(9)}"]["sha256"] == "ab" * 32
    assert found["./"]["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert found["./"]["about"] == {"@id": f"urn:uuid:{uuid(1)}"}
    assert read(tmp_path / "crate" / ro_crate.PROV_FILE) == native(pulled())


def test_hostile_names_do_not_break_out(tmp_path: Path) -> None:
    written(native(evil()), tmp_path / "crate", license="nobody's </title>")


def test_an_object_comes_with_its_file_redacted(survey: Any, tmp_path: Path) -> None:
    raws = [survey.store(CratedRaw(night=f"/home/ada/{n}", file=bytes([65 + n]))) for n in range(2)]
    mean = survey.make(CratedMean(raws=raws))
    made = survey.export(
        mean, format="ro-crate", out=tmp_path / "crate", license="https://creativecommons.org/licenses/by/4.0/"
    )
    assert made == tmp_path / "crate"
    found = graph(made)
    assert found["./"]["license"] == {"@id": "https://creativecommons.org/licenses/by/4.0/"}
    [file] = [p for p in _listed(found["./"]["hasPart"]) if p["@id"].startswith("files/")]
    content = (made / file["@id"]).read_bytes()
    assert content == b"mean of A and B"
    assert found[file["@id"]]["sha256"] == hashlib.sha256(content).hexdigest()
    text = "".join(p.read_text() for p in made.glob("*.json"))
    assert "/home/ada" not in text
    assert "person 1" in text
    assert any(
        {"@id": mean.iri} in _listed(one.get("result")) for one in found.values() if one["@type"] == "CreateAction"
    )


def test_of_a_catalog_and_of_an_imported_document(nearby: Any, tmp_path: Path) -> None:
    near = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near").result
    found = graph(nearby.export(near, format="ro-crate", out=tmp_path / "near"))
    assert found["./"]["name"] == "near"
    assert found["#license"]["name"] == "No license was stated"
    (tmp_path / "run.provn").write_text("document\n prefix ex <http://example.org/>\n activity(ex:run)\n entity(ex:e)\n"
                                        " wasGeneratedBy(ex:e, ex:run, -)\nendDocument\n")  # fmt: skip
    stored = nearby.import_prov(tmp_path / "run.provn")
    target = nearby.export(stored, format="ro-crate", out=tmp_path / "run.zip")
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path / "run")
    found = graph(tmp_path / "run")
    assert found["http://example.org/run"]["result"] == {"@id": "http://example.org/e"}
    assert read(tmp_path / "run" / ro_crate.PROV_FILE) == nearby.document(stored)


def test_whole_or_absent(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="there already") as error:
        written(native(pulled()), tmp_path / "full")
    assert error.value.code == "crate_exists"
    with pytest.raises(StorageError):
        written(native(pulled()), tmp_path / "full" / "mine.txt" / "crate")
    assert [p.name for p in tmp_path.rglob("*")] == ["full", "mine.txt"]
    (tmp_path / "empty").mkdir()
    written(native(pulled()), tmp_path / "empty")
    assert not list(tmp_path.glob(".*"))


def test_where_it_goes_has_to_be_said(nearby: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="say out=") as error:
        nearby.export("A", format="ro-crate")
    assert error.value.code == "crate_out"
    with pytest.raises(UsageError, match="in an RO-Crate only"):
        nearby.export("A", license="x", out=tmp_path / "a.prov.json")
