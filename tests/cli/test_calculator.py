from __future__ import annotations

import json
from pathlib import Path

import pytest

from provgraph.errors import EXIT_ERROR, EXIT_NOT_FOUND
from tests.cli.conftest import Run
from tests.installed import Site, site  # noqa: F401
from tests.models import perceptron

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


def test_a_function_of_an_installed_package(run: Run, site: Site) -> None:
    said = run("calculator", "define", "--python", "one_by_one", "--json").json
    assert (said["name"], said["kind"], said["method"]) == ("one_by_one", "python", "one_by_one of skycalc 1.0")
    assert said["requires"] == ["redshift"]
    assert run("calculator", "show", "one_by_one").out.startswith("one_by_one@1: slow = one_by_one of skycalc 1.0\n")
    assert "one_by_one of skycalc" in run("calculator", "ls").out
    assert "did you mean" in run("calculator", "define", "--python", "absmagg", status=EXIT_NOT_FOUND).err


def test_a_model(run: Run, folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    perceptron(folder / "p.onnx", inputs=2)
    said = run(
        "calculator", "define", "p", "--model", "p.onnx", "--requires", "z,mag", "--unit", "", "--trained-on", "field"
    )
    assert said.out.startswith("p@1: p = model sha256:")
    assert run("pull", "field", "ID,p", "--where", "z < 0.2", "--json").json["rows"][0]["p"] > 0
    assert "Name the calculator" in run("calculator", "define", "--model", "p.onnx", status=2).err


def test_several_results(run: Run) -> None:
    said = run("calculator", "define", "two", "--provides", "a,b", "--expression", "a = z + 1; b = a * 2")
    assert said.out == "two@1: a = z + 1; b = a * 2\n"
    assert run("pull", "field", "b", "--where", "z < 0.2", "--json").json["rows"] == [{"b": 2.2}]


def test_check_invalidate_and_validate(run: Run) -> None:
    assert run("calculator", "check", "absmag", "--on", "field").out.endswith("the same values each time\n")
    run("pull", "field", "absmag", "--name", "far")
    said = run("calculator", "invalidate", "absmag", "--reason", "no K-correction")
    assert said.out == "absmag@1 is invalid: no K-correction\n"
    refused = run("pull", "field", "absmag", "--json", status=EXIT_NOT_FOUND)
    assert json.loads(refused.err)["code"] == "cannot_derive"
    assert "declared invalid: no K-correction" in json.loads(refused.err)["message"]
    assert run("calculator", "validate", "absmag@1", "--reason", "it was there", "--json").json["valid"]
    assert run("pull", "field", "absmag", "--json").json
    run("calculator", "invalidate", "absmag", "--reason", " ", status=2)
