"""A random graph and what is done with it, from one number; and the smallest case that fails in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from provgraph.errors import ProvgraphError
from tests.fuzz import checks
from tests.fuzz.graphs import Graph, random_graph, uses
from tests.fuzz.world import SPACE, Start

FAILURES = (
    checks.Wrong,
    ProvgraphError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
)


@dataclass(frozen=True)
class Case:
    """A graph; the collections of it whose results are stored before, by name; and where it is cut into parts."""

    graph: Graph
    before: tuple[str, ...] = ()
    cuts: tuple[Any, ...] = ()

    @classmethod
    def random(cls, start: Start, seed: int) -> Case:
        draw = Random(seed)
        graph = random_graph(start, draw)
        made = [n for n in graph.collections if n not in start.catalogs]
        before = [n for n in made if draw.random() < 0.2][:3]
        cuts = sorted({draw.randint(0, SPACE) for _ in range(draw.randint(0, 2))})
        texts = graph.end.id_space == "names"
        return cls(graph, tuple(before), tuple(f"n{c:02d}".encode() if texts else c for c in cuts))

    def check(self) -> None:
        """Everything that has to hold of it."""
        checks.check_meaning(self.graph)
        checks.check_values(self.graph, self.before, self.cuts)
        checks.check_relations(self.graph, self.before)

    def shrunk(self, check: Callable[[Case], None], most: int = 400) -> Case:
        """A case as small as can be for which `check` still fails."""
        best = self
        changed = True
        while changed and most > 0:
            changed = False
            for smaller in _smaller(best):
                most -= 1
                if most > 0 and _fails(smaller, check):
                    best, changed = smaller, True
                    break
        return best

    def __repr__(self) -> str:
        """As the lines of a test."""
        text = "\n".join(f"            {line}" for line in self.graph.lines)
        more = f", before={self.before!r}" if self.before else ""
        more += f", cuts={self.cuts!r}" if self.cuts else ""
        return f'def test_(start: Start) -> None:\n    holds(\n        start,\n        """\n{text}\n        """{more},\n    )\n'

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def cases(start: Start) -> st.SearchStrategy[Case]:
    return st.integers(0, 2**40).map(lambda seed: Case.random(start, seed))


def _fails(case: Case, check: Callable[[Case], None]) -> bool:
    try:
        check(case)
    except FAILURES:
        return True
    return False


def _smaller(case: Case) -> list[Case]:
    """Without a collection stored before, without a cut, and without a line, the last one first."""
    found = [replace(case, before=tuple(b for b in case.before if b != one)) for one in case.before]
    found += [replace(case, cuts=tuple(c for c in case.cuts if c != one)) for one in case.cuts]
    lines = case.graph.lines
    for n in reversed(range(len(lines))):
        found += _with_lines(case, [*lines[:n], *lines[n + 1 :]])
    for n, line in enumerate(lines):  # what is made of something may be that
        name, _, expression = line.partition(" = ")
        parents = [p for p in case.graph.collections if uses(p, expression)]
        if not expression.startswith("passed("):
            for parent in parents:
                found += _with_lines(case, [*lines[:n], f"{name} = passed({parent})", *lines[n + 1 :]])
    return found


def _with_lines(case: Case, lines: list[str]) -> list[Case]:
    try:
        graph = Graph.of(case.graph.start, lines)
    except (ProvgraphError, NameError):
        return []
    known = set(graph.collections)
    return [Case(graph, tuple(b for b in case.before if b in known), case.cuts)]
