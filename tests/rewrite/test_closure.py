"""The rules in Cypher against the solver."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.language.criterion import Criterion
from provgraph.rewrite.closure import FIRST, RULES, TRANSITIVE, Closure, close
from provgraph.rewrite.sets import Answer, Bounds, Counted, Fact, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema import sets
from provgraph.schema.sets import Atoms
from tests.rewrite.test_relation_cases import CASES, read
from tests.rewrite.test_solver import known_worlds
from tests.rewrite.worlds import Sets, attributes

# What rules do not see: cases, and combinations of criteria.
MISSED = {"6", "9", "14", "17", "statistics", "what", "12", "10"}


def test_every_rule_is_run() -> None:
    names = [name.partition("/")[2] for name in statements.all_statements() if name.startswith("relations/")]
    assert sorted(names) == sorted((*FIRST, *TRANSITIVE, *RULES))
    for name in names:
        header = statements.load(f"relations/{name}").header
        assert header["rule"], name
        assert header["writes"], name


@pytest.mark.parametrize("text", CASES, ids=lambda text: text.partition("\n")[0])
def test_cases(text: str, scratch: Any) -> None:
    """Rules find what the cases say, but for what needs to be told apart by cases; and nothing else."""
    case = read(text)
    reasoner = case.reasoner()
    sets_ = {frozenset(step.atoms) for step in case.plan}
    if any(expected == "inconsistent" for expected, _ in case.claims):
        if "fewer" not in text:  # that needs numbers to be compared, which the solver does
            with pytest.raises(ProvgraphError, match="contradict"):
                close(reasoner.knowledge, sets_, scratch)
        return
    found = close(reasoner.knowledge, sets_, scratch)
    for expected, claim in case.claims:
        one, question, *other = claim.split()
        holds = _holds(found, question, *(frozenset(case.plan[name].atoms) for name in (one, *(other or [one]))))
        if expected != "yes":
            assert not holds, claim
        elif text.split(maxsplit=1)[0] not in MISSED and question != "∩":
            assert holds, claim


def _holds(found: Closure, question: str, a: Atoms, b: Atoms) -> bool:
    match question:
        case "⊑":
            return bool(found.subset(a, b))
        case "≡":
            return bool(found.subset(a, b) and found.subset(b, a))
        case "⊥":
            return bool(found.disjoint(a, b))
        case "∅":
            return found.ids[a] in found.empty
    return False


def _check(found: Closure, reasoner: Reasoner, asked: list[Atoms]) -> tuple[int, int]:
    """How many of the relations that the solver proves there are, and how many were not found; and none that it does not."""
    entailed = missed = 0
    for a in asked:
        for b in asked:
            for rule, proof in (
                (found.subset(a, b), reasoner.subset(a, b)), (found.disjoint(a, b), reasoner.disjoint(a, b)),
            ):  # fmt: skip
                if rule:
                    assert proof.answer is Answer.YES, (a, b, rule)
                entailed += proof.answer is Answer.YES
                missed += proof.answer is Answer.YES and not rule
    return entailed, missed


@pytest.mark.embedded
@given(known_worlds(partial=False))
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
def test_nothing_is_found_that_does_not_hold(known: tuple[Sets, list[Fact]]) -> None:
    made, facts = known
    found = close(made.knowledge(*facts), [atoms for atoms, _ in made.found])
    for a, has_a in made.found:
        for b, has_b in made.found:
            rules = found.subset(a, b), found.disjoint(a, b)
            assert not rules[0] or not (has_a & ~has_b).any(), (a, b, rules, facts)
            assert not rules[1] or not (has_a & has_b).any(), (a, b, rules, facts)


def random_graph(n: int, seed: int) -> tuple[Knowledge, list[Atoms]]:
    """Sets made by operators; every criterion is one comparison."""
    rng = random.Random(seed)
    definitions: dict[str, Any] = {}
    made: list[Atoms] = [frozenset((f"s:{i}",)) for i in range(3)]
    while len(made) < n:
        one, other = rng.choice(made), rng.choice(made)
        match rng.choice(("where", "where", "both", "union")):
            case "where":
                text = f"{rng.choice('xi')} {rng.choice(('<', '<=', '>', '>='))} {rng.choice((0, 1, 2, 3))}"
                bound = Criterion.parse(text).bind(attributes())
                definitions.update(bound.conjuncts)
                made.append(one | {key for key, _ in bound.conjuncts})
            case "both":
                made.append(one | other)
            case "union":
                atoms, more = sets.union((one, other))
                definitions.update(more)
                made.append(atoms)
    return Knowledge(definitions), list(dict.fromkeys(made))


@pytest.mark.embedded
def test_single_comparisons_need_no_solver() -> None:
    entailed = missed = 0
    for seed in range(3):
        knowledge, made = random_graph(60, seed)
        both = _check(close(knowledge, made), Reasoner(knowledge), made)
        entailed, missed = entailed + both[0], missed + both[1]
    assert entailed > 1000
    assert missed <= 0.005 * entailed, (entailed, missed)


@pytest.mark.embedded
def test_facts() -> None:
    definitions = dict(Criterion.parse("x < .1 and x < .2 and x > .5").bind(attributes()).conjuncts)
    large, small, other = sorted(definitions, key=lambda key: definitions[key])  # …p-3 is larger than …p-4
    knowledge = Knowledge(
        definitions,
        (
            Counted(frozenset({"s:A", small}), 7),
            Counted(frozenset({"s:A", large}), 7),
            Bounds(frozenset({"s:B"}), "o:11", 0.6),
        ),
    )
    asked = [
        frozenset({"s:A", small}),
        frozenset({"s:A", large}),
        frozenset({"s:B"}),
        frozenset({small}),
        frozenset({other}),
    ]
    found = close(knowledge, asked)
    assert found.subset(asked[1], asked[0]) == "E7"
    assert found.disjoint(asked[2], asked[3]) == "U10"
