"""import, export and lineage with what others write: events, crates, files that hold an identifier."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded
KID = "6e834f07-75c4-4742-addf-bd2196daedfe"


def test_events_go_in_and_out(run: Run, survey: Path, folder: Path) -> None:
    event = {"eventType": "COMPLETE", "eventTime": "2026-11-21T08:00:00Z", "run": {"runId": KID}, "producer": "https://example.org/",
             "job": {"namespace": "night", "name": "reduce"}, "outputs": [{"namespace": "s3://a", "name": "reduced"}]}  # fmt: skip
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    assert "1 wasGeneratedBy" in run("import", "events.jsonl").out
    said = run("export", "events.jsonl", "--out", "again.jsonl")
    assert (said.out, said.err) == ("", "Wrote again.jsonl.\n")
    assert [json.loads(line)["run"]["runId"] for line in (folder / "again.jsonl").read_text().splitlines()] == [KID]


def test_what_events_do_not_say_is_said(run: Run, survey: Path, folder: Path) -> None:
    said = run("export", "field", "--format", "openlineage")
    assert {json.loads(line)["job"]["namespace"] for line in said.out.splitlines()} == {"provgraph"}
    found = re.search(r"openlineage has no place for (\d+) of (\d+) statements", said.err)
    assert found
    assert 0 < int(found[1]) < int(found[2])
    (folder / "two.provn").write_text(
        "document\n prefix ex <http://e/>\n agent(ex:a)\n bundle ex:b\n agent(ex:a)\n agent(ex:c)\n endBundle\nendDocument\n"
    )
    run("import", "two.provn")
    said = run("export", "two.provn", "--format", "openlineage")
    assert "openlineage has no place for 3 of 3 statements; " in said.err


def test_a_crate(run: Run, survey: Path, folder: Path) -> None:
    said = run(
        "export", "field", "--format", "ro-crate", "--out", "field.zip", "--license", "https://example.org/license"
    )
    assert said.err.endswith("Wrote field.zip.\n")
    with zipfile.ZipFile(folder / "field.zip") as crate:
        found = {one["@id"]: one for one in json.loads(crate.read("ro-crate-metadata.json"))["@graph"]}
    assert found["./"]["name"] == "field"
    assert found["./"]["license"] == {"@id": "https://example.org/license"}
    assert "say --out" in run("export", "field", "--format", "ro-crate", status=EXIT_USAGE).err
    assert "in an RO-Crate only" in run("export", "field", "--license", "x", status=EXIT_USAGE).err


def test_a_crate_of_an_object_whose_class_nobody_imported(run: Run, survey: Path, folder: Path) -> None:
    (folder / "crateclasses.py").write_text("import provgraph\nclass CratedAway(provgraph.DataObject):\n    pass\n")
    kept = "s.store(c.CratedAway(file=b'mean'), name='mean')"
    store = f"import provgraph, crateclasses as c\nwith provgraph.open('survey') as s: {kept}"
    subprocess.run([sys.executable, "-c", store], cwd=folder, check=True)
    run("export", "mean", "--format", "ro-crate", "--out", "mean.zip")
    with zipfile.ZipFile(folder / "mean.zip") as crate:
        [name] = [name for name in crate.namelist() if name.startswith("files/")]
        assert crate.read(name) == b"mean"
    [stored] = [path for path in (survey / "files").rglob("*") if path.is_file() and path.read_bytes() == b"mean"]
    stored.unlink()
    said = run("export", "mean", "--format", "ro-crate", "--out", "gone.zip", status=EXIT_ERROR)
    assert "cannot be had" in said.err
    assert not (folder / "gone.zip").exists()


def test_a_file_that_only_a_document_knows(run: Run, survey: Path, folder: Path) -> None:
    with h5py.File(folder / "muons.h5", "w") as file:
        file.attrs["kid"] = KID
    run("lineage", "muons.h5", status=EXIT_NOT_FOUND)
    (folder / "run.provn").write_text(
        f"document\n prefix uuid <urn:uuid:>\n prefix ex <http://example.org/>\n entity(uuid:{KID})\n"
        f" wasGeneratedBy(uuid:{KID}, ex:run, -)\nendDocument\n"
    )
    run("import", "run.provn")
    assert "http://example.org/run" in run("lineage", "muons.h5").out
    assert run("lineage", "muons.h5", "--json").json["roots"] == [f"urn:uuid:{KID}"]
    assert "wasGeneratedBy" in run("export", "muons.h5", "--format", "prov-n").out
    assert "shown whole" in run("lineage", "muons.h5", "--up", "1", status=EXIT_USAGE).err
