from __future__ import annotations

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]


def test_statements_are_appended(run: Run) -> None:
    said = run("annotate", "field", "--description", "A small field", "--tag", "test", "--tag", "2026")
    assert said.out == "field@1: description, tags noted.\n"
    data = run("annotate", "field", "--name", "the field", "--json").json
    assert data["name"] == "the field"
    assert [(n["kind"], n["value"]) for n in data["notes"]] == [
        ("name", "field"), ("description", "A small field"), ("tag", "test"), ("tag", "2026"), ("name", "the field"),
    ]  # fmt: skip
    text = run("show", "field").out
    assert text.startswith("the field@1\n")
    assert "description  A small field" in text
    assert "tags         test, 2026" in text


def test_what_was_published_has_an_identifier(run: Run) -> None:
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near")
    said = run("annotate", "near", "--identifier", "doi:10.5281/zenodo.1234")
    assert said.out == "near@1: identifier noted.\n"
    published = run("impact", "field", "--only", "published", "--json").json["published"]
    assert [one["identifiers"] for one in published] == [["doi:10.5281/zenodo.1234"]]
    assert run("annotate", "catalog.csv", "--identifier", "doi:10.5281/zenodo.5").out.endswith("identifier noted.\n")


def test_what_has_no_name_gets_one(run: Run) -> None:
    made = run("pull", "field", "ID", "--where", "z < 0.5", "--json").json["result"]
    assert made["name"] == ""
    run("annotate", made["id"][-8:], "--name", "near")
    assert run("show", "near", "--json").json["id"] == made["id"]


def test_anything_gets_a_name(run: Run) -> None:
    said = run("annotate", "catalog.csv", "--name", "the file", "--tag", "raw").out
    assert said.endswith("name, tags noted.\n")
    assert run("show", "the file", "--json").json["name"] == "the file"


def test_bad_words(run: Run) -> None:
    run("annotate", "field", status=EXIT_USAGE)
    run("annotate", "nothing", "--tag", "x", status=EXIT_NOT_FOUND)
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near")
    assert "already the name" in run("annotate", "field", "--name", "near", status=EXIT_ERROR).err
