"""Every rule, on its cases: what it does, what it refuses, that nobody can see it in the values, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.rule import all_rules
from provgraph.rewrite.strategy import PHASES, apply_rule
from tests.rewrite.reference import assert_same, evaluate

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    rule: str
    title: str
    unchanged: str  # the reason, or '' when something happens
    before: Plan
    after: Plan


def read(rule: str) -> Iterator[Case]:
    """The cases of a file: title, the graph, a blank line, the graph afterwards; or the reason why it stays."""
    for block in (CASES / f"{rule}.txt").read_text(encoding="utf-8").split("# title:")[1:]:
        title, _, rest = block.partition("\n")
        lines = rest.strip("\n").split("\n")
        reason = lines.pop(0).removeprefix("# unchanged:").strip() if lines[0].startswith("# unchanged:") else ""
        graphs = [notation.parse(g) for g in "\n".join(lines).split("\n\n") if g.strip()]
        assert len(graphs) == (1 if reason else 2), f"{rule}: {title}"
        yield Case(rule, title.strip(), reason, graphs[0], graphs[-1])


ALL = [case for rule in all_rules() if (CASES / f"{rule}.txt").exists() for case in read(rule)]


@pytest.mark.parametrize("case", ALL, ids=lambda c: f"{c.rule}-{c.title}")
def test_case(case: Case, scratch: Any) -> None:
    after = apply_rule(case.rule, case.before, engine=scratch)
    shown = notation.render(after)
    if case.unchanged:
        assert after == case.before, f"was to stay, since {case.unchanged}, but is\n{shown}"
        return
    assert after.same_as(case.after), f"expected\n{notation.render(case.after)}\n\nis\n{shown}"
    assert_same(evaluate(case.before).of(), evaluate(after).of())
    assert apply_rule(case.rule, after, engine=scratch).same_as(after), "a second time it does something"


@pytest.mark.parametrize("rule", all_rules())
def test_every_rule_has_cases_of_both_kinds(rule: str) -> None:
    kinds = {bool(case.unchanged) for case in ALL if case.rule == rule}
    assert kinds == {True, False}, f"tests/rewrite/cases/{rule}.txt: one where it works, one where it refuses"


def test_every_case_file_has_a_rule() -> None:
    assert sorted(p.stem for p in CASES.glob("*.txt")) == sorted(all_rules())


@pytest.mark.parametrize("rule", all_rules())
def test_every_rule_is_in_a_phase(rule: str) -> None:
    assert any(rule in phase.rules for phase in PHASES)
