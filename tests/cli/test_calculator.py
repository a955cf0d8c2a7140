from __future__ import annotations

import json

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND
from tests.cli.conftest import Run

pytestmark = [pytest.mark.embedded, pytest.mark.usefixtures("survey")]

DISTANCE = ("calculator", "define", "distance", "--requires", "z", "--expression", "distmod(z)", "--unit", "mag")


def test_a_definition_has_versions(run: Run) -> None:
    assert run(*DISTANCE).out == "distance@1: distance [mag] = distmod(z)\n"
    assert run(*DISTANCE, "--json").json["version"] == 1
    second = run(
        *DISTANCE, "--parameter", "H0=67.4", "--description", "modulus", "--ucd", "phot.mag.distMod", "--json"
    ).json
    assert second["version"] == 2
    assert second["parameters"] == {"H0": 67.4, "Om0": 0.3}
    assert (second["description"], second["ucds"]) == ("modulus", ["phot.mag.distMod"])
    assert [(d["name"], d["version"]) for d in run("calculator", "ls", "--json").json] == [
        ("absmag", 1),
        ("distance", 2),
    ]
    assert run("calculator", "show", "distance", "--json").json == second
    assert run("calculator", "show", "distance@1", "--json").json["parameters"]["H0"] == 70
    assert "H0=67.4, Om0=0.3" in run("calculator", "show", "distance").out


def test_the_list_is_a_table(run: Run) -> None:
    head, line = run("calculator", "ls").out.splitlines()
    assert head.split() == ["calculator", "unit", "requires", "expression"]
    assert line.split()[:2] == ["absmag@1", "mag"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x", "--expression", "z +"], "expression_syntax"),
        (["x", "--expression", "z.__class__"], None),
        (["x", "--expression", "open('x')"], None),
        (["x", "--expression", "z", "--requires", "mag"], "unknown_attribute"),
        (["x", "--expression", "z", "--parameter", "H0=67"], "unknown_parameter"),
        (["x", "--expression", "z", "--unit", "parrots"], "unit_unknown"),
        (["z", "--expression", "z + 1"], "calculator_invalid"),
    ],
)
def test_bad_definitions_are_refused_and_not_stored(words: list[str], code: str | None, run: Run) -> None:
    said = run("calculator", "define", *words, "--json", status=EXIT_ERROR)
    found = json.loads(said.err)
    assert found["code"] == (code or found["code"]) != "internal_error"
    assert found["message"].count("\n") == 0
    assert [d["name"] for d in run("calculator", "ls", "--json").json] == ["absmag"]


def test_a_calculator_that_is_not_there(run: Run) -> None:
    assert "did you mean 'absmag'?" in run("calculator", "show", "abs_mag", status=EXIT_NOT_FOUND).err
