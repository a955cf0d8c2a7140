"""Every rule, on its cases: what it does, what it refuses, that nobody can see it in the values, on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provgraph.rewrite import notation
from provgraph.rewrite.grounds import Stored
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.relations import definitions_of
from provgraph.rewrite.rule import all_rules
from provgraph.rewrite.sets import Bounds, Counted, Knowledge
from provgraph.rewrite.strategy import PHASES, apply_rule
from tests.rewrite.reference import assert_same, evaluate

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    rule: str
    title: str
    unchanged: str  # the reason, or '' when something happens
    before: Plan  # and steps that it does not need, of which something is stored
    after: Plan
    known: dict[str, Any] = field(default_factory=dict)  # stored, knowledge: as `optimise` takes them


def read(rule: str) -> Iterator[Case]:
    """The cases of a file: title, the graph, a blank line, the graph afterwards; or the reason why it stays.

    `# stored: B y` says that the store has the sources of B and, of them, the values of y; `# bounds: A x 0 1` that no source of
    A has an x below 0 or above 1, or none.
    """
    for block in (CASES / f"{rule}.txt").read_text(encoding="utf-8").split("# title:")[1:]:
        title, _, rest = block.partition("\n")
        lines = rest.strip("\n").split("\n")
        said: dict[str, list[str]] = {"unchanged": [], "stored": [], "bounds": []}
        while lines[0].startswith("# "):
            key, _, value = lines.pop(0).removeprefix("# ").partition(":")
            said[key].append(value.strip())
        reason = " ".join(said["unchanged"])
        texts = [text for text in "\n".join(lines).split("\n\n") if text.strip()]
        # Stored and Empty refer to steps from before.
        graphs = [notation.parse("\n".join(texts[:n])).only_needed() for n in range(1, len(texts) + 1)]
        graphs[0] = notation.parse(texts[0])
        assert len(graphs) == (1 if reason else 2), f"{rule}: {title}"
        yield Case(rule, title.strip(), reason, graphs[0], graphs[-1], _known(graphs[0], said))


def _known(plan: Plan, said: Mapping[str, list[str]]) -> dict[str, Any]:
    stored = []
    for line in said["stored"]:
        name, *columns = line.split()
        origins = (dict(plan[name].attributes)[column] for column in columns)
        stored.append(Stored(name, frozenset(plan[name].atoms), frozenset(origins), len(evaluate(plan).of(name).ids)))
    facts = [Counted(one.atoms, one.n) for one in stored if one.n]
    bounds = []
    for line in said["bounds"]:
        name, column, least, most = line.split()
        origin = dict(plan[name].attributes)[column]
        bounds.append(Bounds(frozenset(plan[name].atoms), origin, float(least), float(most), nulls=False))
    return {"stored": stored, "knowledge": Knowledge(definitions_of(plan), (*facts, *bounds))}


ALL = [case for rule in all_rules() if (CASES / f"{rule}.txt").exists() for case in read(rule)]


@pytest.mark.parametrize("case", ALL, ids=lambda c: f"{c.rule}-{c.title}")
def test_case(case: Case, scratch: Any) -> None:
    after = apply_rule(case.rule, case.before, engine=scratch, **case.known)
    shown = notation.render(after)
    if case.unchanged:
        assert after == case.before.only_needed(), f"was to stay, since {case.unchanged}, but is\n{shown}"
        return
    assert after.same_as(case.after), f"expected\n{notation.render(case.after)}\n\nis\n{shown}"
    whole = evaluate(case.before)
    assert_same(whole.of(), evaluate(after, stored=whole).of())
    again = apply_rule(case.rule, after, engine=scratch, **case.known)
    assert again.same_as(after), f"a second time it does something:\n{notation.render(again)}"


@pytest.mark.parametrize("rule", all_rules())
def test_every_rule_has_cases_of_both_kinds(rule: str) -> None:
    kinds = {bool(case.unchanged) for case in ALL if case.rule == rule}
    assert kinds == {True, False}, f"tests/rewrite/cases/{rule}.txt: one where it works, one where it refuses"


def test_every_case_file_has_a_rule() -> None:
    assert sorted(p.stem for p in CASES.glob("*.txt")) == sorted(all_rules())


@pytest.mark.parametrize("rule", all_rules())
def test_every_rule_is_in_a_phase(rule: str) -> None:
    assert any(rule in phase.rules for phase in PHASES)
