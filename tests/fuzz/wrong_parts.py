"""Parts of the package that are wrong on purpose: rules without their side conditions, and questions that prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from provgraph.graph import statements
from provgraph.rewrite import questions, replace, rule, strategy
from provgraph.rewrite.rule import Rule
from provgraph.rewrite.strategy import Phase

HERE = Path(__file__).parent / "wrong"
RULES = tuple(sorted(p.stem for p in HERE.glob("*.cypher")))


@cache
def wrong_rule(name: str) -> tuple[Rule, str, str]:
    """The rule, the name of the right one in whose place it stands, and `last` where it comes after all others."""
    statement = statements.parse(f"rewrite/{name}", (HERE / f"{name}.cypher").read_text(encoding="utf-8"))
    with mock.patch.object(statements, "load", return_value=statement):
        return rule.load.__wrapped__(name), statement.header.get("instead", ""), statement.header.get("when", "")


@contextmanager
def with_rule(name: str) -> Iterator[None]:
    """Let the optimiser use it: in place of the right one, or once before or after all others."""
    wrong, instead, when = wrong_rule(name)
    right: Callable[[str], Rule] = strategy.load

    def load(wanted: str) -> Rule:
        return wrong if wanted in (name, instead) else right(wanted)

    alone = () if instead else (Phase("wrong", (name,), until="once"),)
    phases = (*strategy.PHASES, *alone) if when == "last" else (*alone, *strategy.PHASES)
    with unchecked(), mock.patch.object(strategy, "load", load), mock.patch.object(strategy, "PHASES", phases):
        yield


class _Gullible:
    """Takes for proved whatever it is asked, so long as it may be."""

    def __init__(self, grounds: Any) -> None:
        self._grounds = grounds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grounds, name)

    def subset(self, one: Any, other: Any) -> bool:
        return True

    equal = subset

    def empty(self, one: Any) -> bool:
        return True


@contextmanager
def with_question(name: str) -> Iterator[None]:
    """Let a question be answered without proof."""
    right = questions.QUESTIONS[name]

    def wrong(plan: Any, grounds: Any) -> Any:
        return right(plan, _Gullible(grounds))

    with unchecked(), mock.patch.dict(questions.QUESTIONS, {name: wrong}):  # type: ignore[arg-type]
        yield


@contextmanager
def unchecked() -> Iterator[None]:
    """Without the checks of what rules promise, which would find some of it: the values alone have to."""
    with ExitStack() as stack:
        for check in ("_check_promise", "_check_step"):
            stack.enter_context(mock.patch.object(replace, check, return_value=None))
        yield
