from __future__ import annotations

import json

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]


def test_collections_are_found_by_what_is_true_of_them(run: Run) -> None:
    run("pull", "field", "ID", "absmag", "--where", "z < 0.5", "--name", "near")
    run("annotate", "near", "--tag", "nice")
    for criterion in ("tag = 'nice'", "name = 'near'", "n_sources = 3 and attribute = 'absmag' and n_attributes = 2"):
        assert [d["name"] for d in run("find", criterion, "--json").json] == ["near"], criterion
    head, one = run("find", "tag = 'nice'").out.splitlines()
    assert head.split()[:3] == ["name", "sources", "attributes"]
    assert one.split()[:3] == ["near@1", "3", "2"]
    assert len(run("find", "--json").json) == len(run("ls", "--all", "--json").json)


def test_finding_none_is_an_answer(run: Run) -> None:
    said = run("find", "name = 'far'")
    assert (said.out, said.err) == ("", "No SourceCollection is found.\n")
    assert run("find", "name = 'far'", "--json").json == []


def test_a_limit_says_that_there_is_more(run: Run) -> None:
    run("pull", "field", "ID", "--where", "z < 0.5", "--name", "near")
    said = run("find", "--limit", "1")
    assert len(said.out.splitlines()) == 2
    assert said.err == "There are more than 1; --limit shows more of them.\n"


def test_objects_of_other_classes(run: Run) -> None:
    [one] = run("find", "requires = 'z'", "--class", "AttributeCalculatorDefinition", "--json").json
    assert (one["name"], one["class"], one["properties"]["requires"]) == (
        "absmag",
        "AttributeCalculatorDefinition",
        ["mag", "z"],
    )
    [file] = run("find", "size < 1 Mbyte", "--class", "DataFile").out.splitlines()[1:]
    assert "name=catalog.csv" in file
    said = run("find", "--class", "Segment").out.splitlines()[1]
    assert "columns=o:" in said
    assert "info" not in said


def test_what_can_be_asked_is_shown(run: Run) -> None:
    shown = {d["name"]: d for d in run("find", "--properties", "--class", "DataFile", "--json").json}
    assert shown["size"] == {"name": "size", "type": "integer", "list": False, "unit": "byte", "description": ""}
    assert shown["tag"]["list"]
    assert "n_sources" not in shown
    assert "n_sources" in run("find", "--properties").out


def test_what_cannot_be_asked(run: Run) -> None:
    said = run("find", "version = 1 and naem = 'x'", status=EXIT_ERROR)
    assert said.err == (
        "provgraph: SourceCollection has no property 'naem'; did you mean 'name'? (at position 16, \"naem = 'x'\").\n"
    )
    error = json.loads(run("find", "version >", "--json", status=EXIT_ERROR).err)
    assert (error["code"], error["details"]["position"]) == ("criterion_syntax", 9)
    for more in ((), ("--properties",)):
        said = run("find", "--class", "Extrenal", *more, status=EXIT_NOT_FOUND)
        assert said.err.startswith("provgraph: There is no class 'Extrenal'; did you mean 'External'")
