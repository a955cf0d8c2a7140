"""validate and diff: PROV documents in files, without a survey."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.errors import EXIT_DIFFERS, EXIT_ERROR, EXIT_INVALID, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run

RUN = """\
document
  prefix ex <http://example.org/>
  entity(ex:flat)
  entity(ex:image)
  wasDerivedFrom(ex:image, ex:flat)
endDocument
"""


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "run.provn").write_text(RUN)
    (folder / "loop.provn").write_text(RUN.replace("endDocument", "  wasDerivedFrom(ex:flat, ex:image)\nendDocument"))
    (folder / "run.json").write_text(
        '{"prefix": {"e": "http://example.org/"}, "wasDerivedFrom": {"_:d": {"prov:generatedEntity": "e:image", '
        '"prov:usedEntity": "e:flat"}}, "entity": {"e:image": {}, "e:flat": {}}}'
    )
    return folder


@pytest.mark.usefixtures("files")
def test_a_verdict_is_an_exit_status(run: Run) -> None:
    assert run("validate", "run.provn").out == "valid: 3 statements\n"
    said = run("validate", "loop.provn", status=EXIT_INVALID).out.splitlines()
    assert said[0] == "invalid: 4 statements, 1 contradiction"
    assert said[1].startswith("constraint 42 (derivation-generation-generation-ordering): the generation of ex:")
    assert said[2].startswith("  because the generation of ex:")
    assert said[-1] == "  wasDerivedFrom(ex:flat, ex:image)"
    data = run("validate", "loop.provn", "--json", status=EXIT_INVALID).json
    assert (data["valid"], data["findings"][0]["constraint"], data["findings"][0]["positions"]) == (
        False,
        42,
        [0, 1, 2, 3],
    )
    assert run("validate", "run.json", "--json", "--format", "prov-json").json["valid"] is True


@pytest.mark.usefixtures("files")
def test_files_that_cannot_be_read(run: Run, folder: Path) -> None:
    (folder / "broken.provn").write_text("document\n  entity(\nendDocument\n")
    for name in ("broken.provn", "missing.provn"):
        said = run("validate", name, status=EXIT_ERROR)
        assert said.out == ""
        assert name in said.err
        run("diff", "run.provn", name, status=EXIT_ERROR)
    run("validate", "run.provn", "--format", "word", status=EXIT_ERROR)
    run("validate", status=EXIT_USAGE)


@pytest.mark.usefixtures("files")
def test_a_difference_is_an_exit_status(run: Run) -> None:
    assert run("diff", "run.provn", "run.json").out == "same\n"
    said = run("diff", "run.provn", "loop.provn", status=EXIT_DIFFERS).out
    assert said == "different: 1 added, 0 removed, 0 changed\n+ wasDerivedFrom(ex:flat, ex:image) was added.\n"
    data = run("diff", "loop.provn", "run.provn", "--format", "json", status=EXIT_DIFFERS).json
    assert (data["same"], data["removed"], data["changes"][0]["kind"]) == (False, 1, "removed")
    assert run("diff", "loop.provn", "run.provn", "--json", status=EXIT_DIFFERS).json == data
    run("diff", "run.provn", "run.json", "--format", "word", status=EXIT_USAGE)


@pytest.mark.usefixtures("files")
def test_a_difference_as_a_page(run: Run, folder: Path) -> None:
    said = run("diff", "run.provn", "loop.provn", "--out", "two.html", status=EXIT_DIFFERS)
    assert said.err == "Wrote two.html.\n"
    page = (folder / "two.html").read_text()
    assert page.count("<svg") == 2
    assert run("diff", "run.provn", "loop.provn", "--format", "html", status=EXIT_DIFFERS).out == page
    run("diff", "run.provn", "loop.provn", "--out", "two.json", "--format", "html", status=EXIT_USAGE)
    run("diff", "run.provn", "loop.provn", "--ancestor", "x", status=EXIT_USAGE)


def test_things_of_a_survey_differ(run: Run, files: Path) -> None:
    run("diff", "near", "far", "--survey", "nowhere", status=EXIT_NOT_FOUND)
    run("init", ".")
    run("ingest", "catalog.csv", "--name", "all", "--id", "ID")
    for name, limit in (("near", "0.2"), ("far", "0.5")):
        run("pull", "all", "ra", "--where", f"z < {limit}", "--name", name)
    assert run("diff", "near", "near").out == "same\n"
    said = run("diff", "near", "far", status=EXIT_DIFFERS).out.splitlines()
    assert said[0].endswith("content that is not recorded; 1 change (1 may reach)")
    assert said[1].startswith("~ parameter criterion z < 0.2 → z < 0.5 of FilterSources ")
    data = run("diff", "near", "far", "--json", status=EXIT_DIFFERS).json
    assert (data["same"], data["parameter"], data["changes"][0]["details"][0]["new"]) == (False, 1, "z < 0.5")
    run("diff", "near", "far", "--out", "two.html", status=EXIT_DIFFERS)
    assert (files / "two.html").read_text().count("<svg") == 2
    sides = run("diff", "near", "far", "--ancestor", "near", "--json", status=EXIT_DIFFERS).json
    assert [c["side"] for c in sides["changes"]] == ["right"]
    assert run("diff", "near", "neer", status=EXIT_NOT_FOUND).err.count("near") == 1
    run("import", "loop.provn")
    assert run("diff", "loop.provn", "near", status=EXIT_DIFFERS).out.startswith("different: ")
    run("diff", "near", "loop.provn", "--ancestor", "far", status=EXIT_ERROR)


@pytest.mark.usefixtures("files")
def test_a_file_that_says_no_format_is_not_written(run: Run, folder: Path) -> None:
    said = run("diff", "run.provn", "loop.provn", "--out", "two.pdf", status=EXIT_USAGE)
    assert "two.pdf does not say a format; end it in one of .txt, .json, .html" in said.err
    assert not (folder / "two.pdf").exists()
    run("diff", "run.provn", "loop.provn", "--out", "two.out", "--format", "text", status=EXIT_DIFFERS)
    assert (folder / "two.out").read_text().startswith("different: ")


def test_what_cannot_be_meant_is_said_with_the_verdict(run: Run, folder: Path) -> None:
    (folder / "odd.json").write_text('{"activity": {"http://e/a": {"prov:startTime": "yesterday"}}, "$x": [1]}')
    said = run("validate", "odd.json").out.splitlines()
    assert said == [
        "valid: 1 statement", "not checked, and not PROV: $x",
        "remark: startTime 'yesterday' of activity http://e/a is no xsd:dateTime, and is not compared as a time.",
    ]  # fmt: skip
    data = run("validate", "odd.json", "--json").json
    assert (data["valid"], len(data["remarks"]), data["unknown"]) == (True, 1, {"$x": 1})
    (folder / "other.json").write_text('{"$x": [1]}')
    assert run("validate", "other.json").out == "not checked: 0 statements\nnot checked, and not PROV: $x\n"


@pytest.mark.embedded
def test_imported_documents_and_bundles_differ_by_name(run: Run, files: Path) -> None:
    run("init", ".")
    run("ingest", "catalog.csv", "--name", "near", "--id", "ID")
    (files / "night.provn").write_text(
        "document\n  prefix ex <http://example.org/>\n  entity(ex:night)\n  bundle ex:night\n"
        + "".join(f"{line}\n" for line in RUN.splitlines()[2:-1])
        + "  endBundle\nendDocument\n"
    )
    for name in ("run.provn", "loop.provn", "night.provn"):
        run("import", name)
        (files / name).rename(files / f"kept-{name}")
    assert "+ wasDerivedFrom(ex:flat, ex:image)" in run("diff", "run.provn", "loop.provn", status=EXIT_DIFFERS).out
    assert run("diff", "near", "run.provn", status=EXIT_DIFFERS).out.startswith("different: ")
    assert run("diff", "kept-run.provn", "run.provn").out == "same\n"
    assert run("diff", "http://example.org/night", "run.provn").out == "same\n"
    assert run("validate", "run.provn").out == run("validate", "kept-run.provn").out
    assert run("validate", "http://example.org/night", "--json").json["file"] == "http://example.org/night"
    assert run("validate", "loop.provn", status=EXIT_INVALID).out.startswith("invalid")
    assert "gone.provn cannot be read" in run("validate", "gone.provn", status=EXIT_ERROR).err
    assert "wasDerivedFrom(ex:image, ex:flat" in run("export", "http://example.org/night", "--format", "prov-n").out
    assert "wasDerivedFrom" in run("export", "http://example.org/night", "--within", "night.provn").out
    alone = run("export", "http://example.org/night", "--closure", "none", "--format", "prov-n").out
    assert "entity(ex:night)" in alone
    assert "wasDerivedFrom" not in alone
    assert "missing.provn cannot be read" in run("diff", "missing.provn", "near", status=EXIT_ERROR).err
