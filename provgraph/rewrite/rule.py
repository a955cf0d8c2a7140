"""A rewrite rule: a statement of `cypher/rewrite/` and the contract in its header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from provgraph.errors import RewriteError
from provgraph.graph import statements
from provgraph.graph.statements import Statement
from provgraph.rewrite.grounds import Grounds
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.questions import QUESTIONS

HEADER = ("name", "operators", "replaces", "needs", "keeps", "paper")
PROMISES = frozenset({"sources", "attributes", "values"})
ANY = "any"
_PATTERN = re.compile(r"(\w+)(?:\((\w+)\))?")


@dataclass(frozen=True)
class Rule:
    """How one modification is done; why and when is said in `strategy`.

    operators : what has to occur for a match, alternatives: an operator, or a pair (of a step, of one of its parents).
    keeps : what replaced and replacement have in common.
    asks : `questions` whose answers it takes as parameters, and without which it has nothing to do.
    heeds : questions whose answers it takes, too, but that may be empty.
    """

    name: str
    statement: Statement
    operators: tuple[tuple[str, str], ...]
    keeps: frozenset[str]
    asks: tuple[str, ...] = ()
    heeds: tuple[str, ...] = ()

    @cached_property
    def reading(self) -> Statement | None:
        """The statement with what it made as its result, in one round trip; None where further parts complete it."""
        if len(self.statement.parts) > 1:
            return None
        made = statements.load("queries/steps_made_by")
        _, mark, tail = made.text.partition("WITH collect(")
        body, _, returned = self.statement.text.rpartition("RETURN ")
        return Statement(f"{self.statement.name} reading", (f"{body}WITH {returned}\n{mark}{tail}",))

    def may_match(self, plan: Plan) -> bool:
        """False when the operators it needs do not occur."""
        return any(
            child == ANY or (child in plan.operators if not parent else (child, parent) in plan.neighbours)
            for child, parent in self.operators
        )

    def answers(self, plan: Plan, grounds: Grounds | None = None) -> Mapping[str, list[dict[str, Any]]] | None:
        """The parameters it asks for; None when there is nothing for it to do."""
        grounds = grounds or Grounds()
        found = {}
        for question in (*self.asks, *self.heeds):
            found[question] = QUESTIONS[question](plan, grounds)
            if question in self.asks and not found[question]:
                return None
        return found


@cache
def load(name: str) -> Rule:
    """The rule in `cypher/rewrite/<name>.cypher`.

    Raises
    ------
    RewriteError : ``rule_header`` when the header does not say everything.
    """
    statement = statements.load(f"rewrite/{name}")
    header = statement.header
    missing = [key for key in HEADER if not header.get(key)]
    if missing:
        raise RewriteError(f"The header of the rule {name!r} lacks {', '.join(missing)}.", code="rule_header")
    keeps = frozenset(_words(header["keeps"]))
    asks, heeds = _words(header.get("asks", "")), _words(header.get("heeds", ""))
    operators = tuple(_pattern(name, word) for word in _words(header["operators"]))
    for said, known in ((keeps, PROMISES), ((*asks, *heeds), QUESTIONS)):
        unknown = [word for word in said if word not in known]
        if unknown:
            raise RewriteError(f"The header of the rule {name!r} says {unknown[0]!r}.", code="rule_header")
    return Rule(name, statement, operators, keeps, asks, heeds)


@cache
def all_rules() -> tuple[str, ...]:
    """Names of all rules there are, sorted."""
    found = (name.partition("/") for name in statements.all_statements())
    return tuple(rest for folder, _, rest in found if folder == "rewrite")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _pattern(name: str, word: str) -> tuple[str, str]:
    match = _PATTERN.fullmatch(word)
    if match is None:
        raise RewriteError(f"The header of the rule {name!r} says {word!r} as operators.", code="rule_header")
    return match[1], match[2] or ""
