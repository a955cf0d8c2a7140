"""PROV-CONSTRAINTS and differences: how many statements a second, and what an addition to a million costs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from itertools import islice

from benchmarks.figure import Figure, shown, timed, typical
from provgraph.prov.constraints import Validator
from provgraph.prov.difference import diff
from provgraph.prov.model import Document, Literal, Name, Statement

ROUNDS = 3
EX = "http://example.org/"


def measure(records: int = 100_000, stored: int = 1_000_000, nodes: int = 10_000) -> list[Figure]:
    """records : of the document that is validated. stored : statements that are there when 1,000 come. nodes : of two documents."""
    whole = list(islice(statements(), records))
    seconds = typical(timed(lambda: Validator().add(whole)) for _ in range(ROUNDS))
    rate = records / seconds
    figures = [
        Figure(f"validate {records:,} records against PROV-CONSTRAINTS", shown(seconds), "", f"{rate:,.0f} records/s",
               ">= 20,000 records/s", rate >= 20_000),
    ]  # fmt: skip
    stream, validator = statements(), Validator()
    validator.add(list(islice(stream, stored)))
    later = []
    for _ in range(ROUNDS):
        new = list(islice(stream, 1000))
        later.append(timed(partial(validator.add, new)))
    # What was there first turns out to be made of what came last: it has to move in the order of events.
    entities = [s.id for s in whole if s.kind == "entity" and s.id is not None]
    late = [specialization(Name(f"{EX}version{i}"), entities[i]) for i in range(500)]
    late += [specialization(entities[i], Name(f"{EX}work{i}")) for i in range(500)]
    moved = timed(lambda: validator.add(late))
    assert validator.verdict().valid
    for what, took in (("1,000 new records", typical(later)), ("1,000 specializations of what is at the start", moved)):
        figures.append(Figure(f"{what} against {stored:,} stored", shown(took), "", shown(took), "<= 2 s", took <= 2))
    a, b = Document(), Document()
    a.statements = list(islice(statements(), 3 * nodes))
    b.statements = [changed(s, i) for i, s in enumerate(reversed(a.statements))]
    took = typical(timed(lambda: diff(a, b)) for _ in range(ROUNDS))
    figures.append(
        Figure(f"differences of two documents of {nodes:,} nodes", shown(took), "", shown(took), "<= 2 s", took <= 2)
    )
    return figures


def statements() -> Iterator[Statement]:
    """A pipeline without end: activities with times that use two of the last thousand results and make the next."""
    chosen = random.Random(1)
    agent = Name(f"{EX}agent")
    yield Statement("agent", agent)
    i = 0
    while True:
        activity, entity = Name(f"{EX}a{i}"), Name(f"{EX}e{i}")
        yield Statement("activity", activity, (("startTime", f"2026-01-01T{i % 24:02d}:00:00Z"),))
        yield Statement("entity", entity, (), ((Name(f"{EX}n"), Literal(str(i))),))
        yield Statement("wasGeneratedBy", Name(f"_:g{i}"), (("entity", entity), ("activity", activity)))
        for j in range(2 if i else 0):
            old = Name(f"{EX}e{chosen.randrange(max(0, i - 1000), i)}")
            yield Statement("used", Name(f"_:u{i}_{j}"), (("activity", activity), ("entity", old)))
            yield Statement("wasDerivedFrom", None, (("generatedEntity", entity), ("usedEntity", old)))
        yield Statement("wasAssociatedWith", None, (("activity", activity), ("agent", agent)))
        i += 1


def specialization(specific: Name, general: Name) -> Statement:
    return Statement("specializationOf", None, (("specificEntity", specific), ("generalEntity", general)))


def changed(s: Statement, i: int) -> Statement:
    """One entity in fifty with another value."""
    return (
        s if i % 50 or s.kind != "entity" else Statement(s.kind, s.id, s.arguments, ((Name(f"{EX}n"), Literal("x")),))
    )


if __name__ == "__main__":
    for figure in measure():
        print(figure.row())
