from __future__ import annotations

from typing import Any

from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.strategy import optimise
from provgraph.rewrite.trace import Entry, Labels
from tests.rewrite.test_strategy import FIG_2A


def test_printed_as_it_happens(scratch: Any) -> None:
    heard: list[Entry] = []
    done = optimise(notation.parse(FIG_2A), trace=heard.append, engine=scratch)
    assert tuple(heard) == done.trace
    assert [e.round for e in heard] == list(range(1, done.rounds + 1))
    assert str(heard[0]).splitlines() == [
        "1. filter_sources_to_select_sources",
        "  - B = FilterSources(A, redshift < 0.1)",
        "  + B_2 = SelectAttributes(A, redshift)",
        "  + B_3 = FilterSources(B_2, redshift < 0.1)",
        "  + B_1 = SelectSources(A, B_3)",
    ]


def test_the_lines_are_those_of_the_result(scratch: Any) -> None:
    done = optimise(notation.parse(FIG_2A), engine=scratch)
    printed = {line for entry in done.trace for line in entry.after}
    made = [line for line in notation.render(done.plan).splitlines() if not line.startswith("A =")]
    assert made
    assert {line.partition(" =")[0] for line in made} <= {line.partition(" =")[0] for line in printed}


def test_every_entry_can_be_read(scratch: Any) -> None:
    for entry in optimise(notation.parse(FIG_2A), engine=scratch).trace:
        assert entry.before
        assert entry.after
        assert notation.parse(notation.render(entry.plan_before)).same_as(entry.plan_before)


def test_labels_are_unique_and_say_where_from() -> None:
    labels = Labels(Plan("B_1", notation.parse("B = External(id)\nB_1 = Pass(B)").steps))
    labels.add("B~1", "B")
    labels.add("B~1~2", "B~1")
    assert labels.of_step == {"B": "B", "B_1": "B_1", "B~1": "B_2", "B~1~2": "B_3"}
