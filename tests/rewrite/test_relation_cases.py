"""The cases of relation_cases.txt. Case 19 (criteria that are not per source) cannot be written: such a criterion is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from provgraph.errors import LanguageError, ProvgraphError
from provgraph.language.criterion import Criterion
from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.relations import definitions_of
from provgraph.rewrite.sets import Answer, Bounds, Counted, Fact, Knowledge, Listed
from provgraph.rewrite.solver import Reasoner

CASES = Path(__file__).with_name("relation_cases.txt").read_text(encoding="utf-8").split("# title: ")[1:]
QUESTIONS = {"⊑": "subset", "≡": "equal", "⊥": "disjoint", "∩": "intersects", "∅": "empty"}


@dataclass
class Case:
    plan: Plan
    facts: list[Fact] = field(default_factory=list)
    claims: list[tuple[str, str]] = field(default_factory=list)  # answer, "F1 ⊑ F2"

    def reasoner(self) -> Reasoner:
        definitions = definitions_of(self.plan)
        for step in self.plan:
            if step.source_list:
                definitions[f"l:{step.source_list}"] = Listed(np.array(sorted(map(int, step.source_list.split()))))
        known = {o: n for step in self.plan for n, o in zip(step.names, step.origins, strict=True)}
        names = {f"s:{step.id}": step.id for step in self.plan} | known
        return Reasoner(Knowledge(definitions, tuple(self.facts)), lambda atom: names.get(atom, atom))

    def ask(self, reasoner: Reasoner, claim: str) -> tuple[Answer, str]:
        one, question, *other = claim.split()
        proof = getattr(reasoner, QUESTIONS[question])(*(self.plan[name].atoms for name in (one, *other)))
        return proof.answer, proof.reason


def read(text: str) -> Case:
    lines = text.splitlines()[1:]
    said = [line.partition(": ") for line in lines if re.match(r"[a-z]+: ", line)]
    case = Case(notation.parse("\n".join(line for line in lines if not re.match(r"[a-z]+: ", line))))
    for word, _, rest in said:
        if word == "fact":
            case.facts.append(_fact(case.plan, rest))
        else:
            case.claims += [(word, claim.strip()) for claim in rest.split(";")]
    return case


def _fact(plan: Plan, text: str) -> Fact:
    """`F has 10 sources`, `A has x` (for every source), `A has x from 0 to 1`."""
    name, _, what, *rest = text.split()
    step = plan[name]
    if rest == ["sources"]:
        return Counted(frozenset(step.atoms), int(what))
    origin = dict(zip(step.names, step.origins, strict=True))[what]
    low, high = (float(rest[1]), float(rest[3])) if rest else (None, None)
    return Bounds(frozenset(step.atoms), origin, low, high, nulls=False)


@pytest.mark.parametrize("text", CASES, ids=lambda text: text.partition("\n")[0])
def test_case(text: str) -> None:
    case = read(text)
    for expected, claim in case.claims:
        reasoner = case.reasoner()
        if expected == "inconsistent":
            with pytest.raises(ProvgraphError) as raised:
                case.ask(reasoner, claim if " " in claim else f"{claim} ∅")
            assert raised.value.code == "sources_inconsistent"
        else:
            answer, reason = case.ask(reasoner, claim)
            assert answer.value == expected, (claim, reason)
            assert reason


@pytest.mark.parametrize("text", CASES, ids=lambda text: text.partition("\n")[0])
def test_whatever_was_asked_before(text: str) -> None:
    """The answers of one reasoner do not depend on the order of questions."""
    case = read(text)
    reasoner = case.reasoner()
    for expected, claim in [*case.claims, *reversed(case.claims)]:
        if expected != "inconsistent":
            assert case.ask(reasoner, claim)[0].value == expected, claim


def test_19_what_depends_on_other_sources_is_no_criterion() -> None:
    with pytest.raises(LanguageError):
        Criterion.parse("x < mean(x)").bind({})


REASONS = {
    "1 comp: F1 ⊑ F2": "A[x < 0.1] is part of A[x < 0.2] because both select from A and x < 0.1 implies x < 0.2",
    "2 the: F ⊑ B": "A[x < 0.1][y > 5.0] is part of A[x < 0.1] because both select from A and keep only x < 0.1",
    "11 trap: F ∅": "A[x < 0.0][x > 1.0] has no sources because x < 0.0 and x > 1.0 cannot hold together",
    "17 equal: U ⊑ G": "the union of A[x < 0.1] and A[x = 0.1] is part of A[x <= 0.1] because being in the union of A[x < 0.1] and"
    " A[x = 0.1] implies x <= 0.1 and being in the union of A[x < 0.1] and A[x = 0.1] implies being in A",
    "15 sources: A ⊑ H": "A is not part of A[x > 0.5]: A[x < 0.1], found to have 10 sources, is part of the one and outside of the"
    " other",
    "16 trap: F2 ⊑ F1": "A[x < 0.2] is part of A[x < 0.1] because both select from A and x < 0.2 and being in A imply x < 0.1,"
    " as A[x < 0.1] is part of A[x < 0.2] and both have 1,000 sources",
    "statistics: A ⊑ B": "A is part of A[x >= 0.1] because both select from A and being in A implies x >= 0.1, as x is there for"
    " every source, is at least 0.1 and is at most 0.6 in A",
    "8 trap: A ⊥ B": "nothing known says that A and B share no source",
}  # fmt: skip


@pytest.mark.parametrize("at", REASONS)
def test_reasons_are_sentences(at: str) -> None:
    title, _, claim = at.partition(": ")
    case = read(next(text for text in CASES if text.startswith(title)))
    said = case.ask(case.reasoner(), claim)[1]
    assert said == REASONS[at]
