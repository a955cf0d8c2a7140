"""Several results of one calculation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from provgraph.errors import LanguageError, UnitMismatch
from provgraph.language.assignments import Assignments


def test_one_result_is_an_expression() -> None:
    parsed = Assignments.parse("g-r", ["colour"])
    assert (parsed.text, parsed.names, parsed.single) == ("g - r", ("g", "r"), True)
    assert Assignments.parse("n = 3", ["is_three"]).text == "n = 3"  # a condition, no assignment
    assert Assignments.parse("`a;b` + 1", ["c"]).names == ("a;b",)
    assert Assignments.parse("name = 'x;y'", ["c"]).single


def test_several_results_use_earlier_ones() -> None:
    parsed = Assignments.parse("c=g-r;  red = c > 0.8 ; `at z` = distmod(z);", ["red", "at z"])
    assert parsed.text == "c = g - r; red = c > 0.8; `at z` = distmod(z)"
    assert Assignments.parse(parsed.text, ["red", "at z"]).text == parsed.text
    assert parsed.names == ("g", "r", "z")
    assert parsed.parameters == {"H0": 70.0, "Om0": 0.3}
    forms = parsed.results({"g": "f4", "r": "f4", "z": "f8"}, {"g": (), "r": (), "z": ()})
    assert forms == {"red": ("?", ()), "at z": ("f8", ())}
    columns = {
        "g": (np.array([1.0, math.nan]), None),
        "r": (np.array([0.0, 0.0]), None),
        "z": (np.array([0.5, -1]), None),
    }
    found = parsed.evaluate(columns, parsed.parameters, 2)
    assert list(found) == ["red", "at z"]
    assert found["red"][0][0]
    assert found["red"][1].tolist() == [False, True]
    assert found["at z"][1].tolist() == [False, True]


def test_one_result_with_helps() -> None:
    parsed = Assignments.parse("a = x * 2; y = a + a", ["y"])
    assert parsed.evaluate({"x": (np.array([1, 2]), None)}, {}, 2)["y"][0].tolist() == [4, 8]
    assert Assignments.parse("y = x + 1", ["y"]).evaluate({"x": (np.array([1]), None)}, {}, 1)["y"][0].tolist() == [2]


def test_results_without_attributes() -> None:
    found = Assignments.parse("a = 1; b = array(1, 2)", ["a", "b"]).evaluate({}, {}, 3)
    assert found["a"][0].tolist() == [1, 1, 1]
    assert found["b"][0].tolist() == [[1, 2]] * 3


def test_units_go_from_one_to_the_next() -> None:
    parsed = Assignments.parse("d = p * 2; m = 5 * log10(d / 10 pc)", ["d", "m"])
    assert parsed.check_units({"p": "pc"}, {"d": "pc", "m": "mag"}) == ()
    assert parsed.check_units({"p": "?"}, {"d": "?", "m": "mag"}) == ("p",)
    with pytest.raises(UnitMismatch):
        parsed.check_units({"p": "s"}, {"d": "?", "m": "mag"})


@pytest.mark.parametrize(
    ("text", "provides", "code", "position"),
    [
        ("a = x; b", ["a", "b"], "expression_syntax", 7),
        ("a = x; a = y", ["a"], "expression_syntax", 7),
        ("a = x", ["a", "b"], "expression_syntax", 5),
        ("a = b; b = x", ["a", "b"], "unknown", 0),
        ("a = a + 1; b = 1", ["a", "b"], "expression_syntax", 0),
        ("a = x; b = y +", ["a", "b"], "expression_syntax", 14),
        ("a = x; b = foo(y)", ["a", "b"], "expression_refused", 11),
        ("a = 'x; b = 1", ["a", "b"], "expression_syntax", 4),
        ("", ["a"], "expression_syntax", 0),
        (";", ["a", "b"], "expression_syntax", 1),
        ("a = x;" * 9000, ["a", "b"], "expression_refused", 20_000),
    ],
)
def test_refused(text: str, provides: list[str], code: str, position: int) -> None:
    if code == "unknown":  # b is then an attribute that has to be there
        assert "b" in Assignments.parse(text, provides).names
        return
    with pytest.raises(LanguageError) as caught:
        Assignments.parse(text, provides)
    assert (caught.value.code, caught.value.position) == (code, position)
    assert caught.value.message.count("(at ") == 1
