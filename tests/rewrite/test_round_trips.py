"""What a plan costs on a served engine, where each statement is a round trip: a few dozen at most, for a whole plan."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.rewrite import notation
from provgraph.rewrite.strategy import optimise
from provgraph.rewrite.transient import Transient
from tests.rewrite.test_strategy import FIG_2A, FIG_2B, LARGE

AROUND = 2  # beginning and rolling back the transaction


@pytest.mark.parametrize(
    ("name", "text", "most"),
    [
        ("Fig. 2a", FIG_2A, 24), ("Fig. 2b", FIG_2B, 24), ("Fig. 4", FIG_2A + "F = SelectAttributes(E)", 24),
        ("two calculators, a renaming and a second catalog", LARGE, 48),
    ],
)  # fmt: skip
def test_a_whole_plan(name: str, text: str, most: int, scratch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    optimise(notation.parse(text), engine=scratch)  # a scratch graph is there
    asked: list[str] = []
    run = Transient.run

    def counted(self: Transient, statement: Any, **parameters: Any) -> Any:
        asked.extend(statement.name for _ in statement.parts)
        return run(self, statement, **parameters)

    monkeypatch.setattr(Transient, "run", counted)
    done = optimise(notation.parse(text), engine=scratch)
    print(f"{name}: {len(asked) + AROUND} round trips for {done.rounds} acts")
    assert len(asked) == done.statements
    assert len(asked) + AROUND <= most, asked
    assert len(asked) < 1.5 * done.rounds + 8, "an act is one round trip; what matches nothing is mostly not asked"
