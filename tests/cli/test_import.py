"""import and export: PROV documents into a survey and out again, as files and on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from provgraph.prov import read
from tests.cli.conftest import Run, process

RUN = """\
document
  prefix ex <http://example.org/>
  entity(ex:flat)
  entity(ex:image)
  entity(ex:other)
  wasDerivedFrom(ex:image, ex:flat)
  bundle ex:b
    entity(ex:image)
  endBundle
endDocument
"""


@pytest.fixture
def file(survey: Path, folder: Path) -> Path:
    assert survey.is_dir()
    (folder / "run.provn").write_text(RUN)
    return folder / "run.provn"


@pytest.mark.embedded
def test_a_document_goes_in_and_comes_out(run: Run, file: Path, folder: Path) -> None:
    assert run("import").out == "No PROV document was imported.\n"
    assert run("import", "run.provn").out.endswith("  run.provn: 4 entity, 1 wasDerivedFrom; 1 bundle\n")
    assert run("import", "run.provn").out.endswith("; 1 bundle (it was there)\n")
    [kept] = (folder / "survey" / "documents").glob("??/*")
    kept.unlink()
    assert run("import", "run.provn").out.endswith("; 1 bundle (it was there; its bytes were put back)\n")
    made = run("import", "run.provn", "--json").json
    assert (made["statements"], made["bundles"]) == ({"entity": 4, "wasDerivedFrom": 1}, ["http://example.org/b"])
    [line] = run("import").out.splitlines()[1:]
    assert line.split()[:5] == [made["id"][-8:], "run.provn", "prov-n", "5", "1"]
    file.unlink()
    for reference in ("run.provn", made["id"], made["id"][-8:], made["iri"], made["digest"]):
        assert read(run("export", reference, "--format", "prov-n").out) == read(RUN), reference
    assert run("export", "run.provn", "--original").out == RUN
    (folder / "same.provn").write_text(RUN)
    assert run("export", "same.provn", "--original").out == RUN
    said = run("export", "run.provn", "--original", "--out", "copy.provn")
    assert (said.out, said.err) == ("", "Wrote copy.provn.\n")
    assert (folder / "copy.provn").read_bytes() == RUN.encode()
    assert run("export", "run.provn", "--out", "run.trig", "--json").json == {"file": "run.trig"}
    assert read(folder / "run.trig") == read(RUN)


@pytest.mark.embedded
def test_a_thing_of_a_document_comes_with_what_led_to_it(run: Run, file: Path) -> None:
    run("import", str(file))
    found = read(run("export", "http://example.org/image").out)
    assert [len(scope) for scope in found.scopes()] == [3, 1]
    file.write_text("document\n prefix ex <http://example.org/>\n entity(ex:image)\nendDocument\n")
    second = run("import", str(file), "--json").json
    assert "2 documents speak of" in run("export", "http://example.org/image", status=EXIT_ERROR).err
    assert len(read(run("export", "http://example.org/image", "--within", second["id"]).out)) == 1


@pytest.mark.embedded
def test_an_object_of_the_survey_comes_out_too(run: Run, file: Path, folder: Path) -> None:
    run("import", str(file))
    for format in ("prov-json", "prov-n", "prov-xml", "jsonld"):
        text = run("export", "field", "--format", format).out
        assert any("field" in repr(s) for s in read(text).statements), format
    assert len(read(run("export", "absmag").out)) > 0
    assert run("export", "field", "--format", "turtle", "--lossy").out


@pytest.mark.embedded
def test_a_lineage_says_what_was_taken_out_of_it(run: Run, file: Path, folder: Path) -> None:
    run("import", str(file))
    run("annotate", "field", "--description", "a copy of /home/ada/field.csv")
    said = run("export", "field", "--out", "field.prov.json", "--json")
    assert said.err.startswith("Redacted (private): home directories (1), user names (1); --redact none writes all.")
    assert said.json["redacted"] in said.err
    assert "/home/ada" not in (folder / "field.prov.json").read_text()
    assert "/home/ada/field.csv" in run("export", "field", "--redact", "none").out
    assert run("export", "field", "--redact", "none").err == ""
    (folder / "ours.toml").write_text('rules = []\nleave_out = ["packages", "value"]\n')
    said = run("export", "field", "--redact", "ours.toml")
    assert "Redacted (ours): attributes left out" in said.err
    assert not re.search(r"\bada\b", said.out)
    assert "voprov:DatasetEntity" in run("export", "field", "--profile", "ivoa", "--format", "prov-n").out
    assert "There is no profile 'vo'" in run("export", "field", "--profile", "vo", status=EXIT_USAGE).err
    assert "There is no redaction 'all'" in run("export", "field", "--redact", "all", status=EXIT_NOT_FOUND).err
    run("export", "field", "--original", "--redact", "none", status=EXIT_USAGE)


@pytest.mark.embedded
def test_closures_and_all_of_it(run: Run, survey: Path, folder: Path) -> None:
    up, down, alone = (
        len(read(run("export", "field", "--closure", c).out)) for c in ("ancestors", "descendants", "none")
    )
    assert alone < up
    assert down > 0
    assert run("export", "field").out == run("lineage", "field", "--format", "prov-json").out
    assert run("export", "field", "--redact", "none").out == run(
        "lineage", "field", "--format", "prov-json", "--redact", "none").out  # fmt: skip
    said = run("export", "--all", "--out", "all.provn", "--json")
    assert said.json["file"] == "all.provn"
    assert said.err.endswith("Wrote all.provn.\n")
    assert len(read(folder / "all.provn")) > up
    for wrong in (
        ["--all"],
        [],
        ["field", "--all", "--out", "x.provn"],
        ["--all", "--out", "x.provn", "--closure", "both"],
    ):
        run("export", *wrong, status=EXIT_USAGE)
    assert "There is no closure 'up'" in run("export", "field", "--closure", "up", status=EXIT_USAGE).err


@pytest.mark.embedded
def test_mistakes_are_sentences(run: Run, file: Path, folder: Path) -> None:
    (folder / "wrong.provn").write_text("document\n  usd(ex:a, ex:b, -)\nendDocument\n")
    assert "there is no kind of statement called 'usd'" in run("import", "wrong.provn", status=EXIT_ERROR).err
    assert "cannot be read" in run("import", "absent.provn", status=EXIT_ERROR).err
    assert "There is no PROV format 'n3'" in run("import", str(file), "--format", "n3", status=EXIT_ERROR).err
    assert run("import").out == "No PROV document was imported.\n"
    assert "There is nothing called 'nothing'" in run("export", "nothing", status=EXIT_NOT_FOUND).err
    assert "no imported document" in run("export", "nothing", "--original", status=EXIT_NOT_FOUND).err
    run("export", "x", "--original", "--format", "prov-n", status=EXIT_USAGE)
    run("import", str(file))
    assert "turtle cannot say everything" in run("export", "run.provn", "--format", "turtle", status=EXIT_ERROR).err
    assert "There is no PROV format 'svg'" in run("export", "field", "--format", "svg", status=EXIT_ERROR).err


@pytest.mark.embedded
def test_in_a_process_of_its_own(run: Run, file: Path) -> None:
    done = process("import", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    done = process("export", "run.provn", "--original")
    assert (done.returncode, done.stdout) == (0, RUN)


@pytest.mark.embedded
def test_half_of_a_surrogate_pair_is_refused_with_its_place(run: Run, survey: Path, folder: Path) -> None:
    (folder / "half.json").write_text('{"prefix": {"ex": "http://e/"},\n "entity": {"ex:e": {"ex:a": "a\\ud800b"}}}')
    said = run("import", "half.json", status=EXIT_ERROR).err
    assert said == (
        "provgraph: half.json is not valid PROV-JSON at /entity/ex:e/ex:a: a text holds half of a surrogate pair, which no "
        "encoding can, in line 2, column 32.\n"
    )
    assert run("import").out == "No PROV document was imported.\n"


@pytest.mark.embedded
def test_errors_name_options_of_the_command(run: Run, survey: Path, folder: Path) -> None:
    (folder / "run.provn").write_text(RUN)
    run("import", "run.provn")
    (folder / "again.provn").write_text(RUN + "\n")
    run("import", "again.provn")
    for words, says, not_says in (
        (("export", "run.provn", "--out", "run.word"), "or say --format.", "format="),
        (("export", "run.provn", "--format", "turtle"), "--json lists all; --lossy writes the rest.", "lossy="),
        (("export", "http://example.org/flat"), "say --within which is meant", "within="),
        (("validate", "catalog.csv"), "say --format, one of", "format="),
    ):
        said = run(*words, status=EXIT_ERROR).err
        assert says in said
        assert not_says not in said
        assert says in json.loads(run(*words, "--json", status=EXIT_ERROR).err)["message"]
    said = run("export", "field", "--license", "x", status=EXIT_USAGE).err
    assert "say --format ro-crate" in said
