from __future__ import annotations

import re

import pytest

from provgraph.errors import RewriteError
from provgraph.graph import statements
from provgraph.rewrite import notation, rule
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    EXTERNAL,
    FILTER_SOURCES,
    PASS,
    RELABEL_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
)
from provgraph.rewrite.rule import Rule

OPERATORS = (
    ATTRIBUTE_CALCULATOR,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    EXTERNAL,
    FILTER_SOURCES,
    PASS,
    RELABEL_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
)


@pytest.mark.parametrize("name", rule.all_rules())
def test_every_header_is_a_contract(name: str) -> None:
    found = rule.load(name)
    assert {child for child, _ in found.operators} <= {*OPERATORS, rule.ANY}
    assert {parent for _, parent in found.operators} <= {*OPERATORS, ""}
    assert "sources" in found.keeps
    asked = set(re.findall(r"\$([a-z_]+)", found.statement.text)) - {"plan", "round"}
    assert asked == {*found.asks, *found.heeds}


@pytest.mark.parametrize("name", rule.all_rules())
def test_every_rule_stays_in_its_vocabulary(name: str) -> None:
    text = rule.load(name).statement.text
    assert set(re.findall(r"\(\w*:(\w+)", text)) == {"Step"}
    edges = re.findall(r"\[\w*:([\w|]+)", text)
    assert {edge for several in edges for edge in several.split("|")} <= {"PARENT", "SOURCES", "EXCEPT"}
    assert "DELETE" not in text, "what is replaced is dropped when nothing depends on it"


def test_skipped_without_its_operators() -> None:
    move = rule.load("select_attributes_past_filter_sources")
    assert not move.may_match(
        notation.parse("A = External(x)\nB = SelectAttributes(A, x)\nC = FilterSources(B, x < 1)")
    )
    assert move.may_match(notation.parse("A = External(x)\nB = FilterSources(A, x < 1)\nC = SelectAttributes(B)"))
    assert rule.load("merge_equal_steps").may_match(notation.parse("A = External(x)"))


def test_nothing_to_ask_for() -> None:
    plan = notation.parse("A = External(x)\nB = ConcatenateAttributes(A)")
    assert rule.load("drop_parent_without_attributes").answers(plan) is None
    assert rule.load("select_sources_past_attribute_calculator").answers(plan) == {"evaluated": []}
    assert rule.load("remove_pass").answers(plan) == {}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({"keeps": ""}, "lacks keeps"),
        ({"keeps": "sources, order"}, "says 'order'"),
        ({"asks": "the way"}, "says 'the way'"),
        ({"operators": "External("}, r"says 'External\(' as operators"),
    ],
)
def test_a_header_that_does_not_do(lines: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    header = {**rule.load("remove_pass").statement.header, **lines}
    text = "\n".join(f"// {k}: {v}" for k, v in header.items()) + "\nRETURN 1"
    broken = statements.parse("rewrite/remove_pass", text)
    monkeypatch.setattr(statements, "load", lambda name: broken)
    with pytest.raises(RewriteError, match=message) as raised:
        rule.load.__wrapped__("remove_pass")
    assert raised.value.code == "rule_header"


def test_rules_are_values() -> None:
    assert rule.load("remove_pass") is rule.load("remove_pass")
    assert isinstance(rule.load("remove_pass"), Rule)
