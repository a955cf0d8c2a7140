"""Random dependency graphs, written as lines of Python, so that one that fails can be read, shrunk and kept as a test."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

from provgraph.errors import OperatorError, ProvgraphError
from provgraph.schema.collection import SourceCollection, SourcesWarning
from provgraph.schema.operators import AttributeCalculator, ConcatenateSources, Pass, SelectSources
from tests.fuzz.world import CALCULATORS, LISTS, Start
from tests.reference import Refused


class Made:
    """What the lines of a graph may call."""

    def __init__(self, start: Start) -> None:
        self.start = start

    def names(self) -> dict[str, Any]:
        calls = (self.listed, self.calculated, self.together, self.union, self.relabelled, self.passed)
        return {c.__name__: c for c in calls} | self.start.catalogs

    def listed(self, one: SourceCollection, number: int, strict: bool = False) -> SourceCollection:
        segment = self.start.lists[number]
        return SelectSources(parent=one, source_list=segment, sources_digest=segment.id_digest, strict=strict)

    def calculated(self, one: SourceCollection, name: str) -> SourceCollection:
        definition = self.start.survey.definition(name)
        texts = {n for n, a in one.attributes().items() if a.dtype == "U"}
        if definition.kind == "python" and texts.intersection(definition.requires):
            raise OperatorError(f"The method {name} is about numbers.", code="criterion_types")
        return AttributeCalculator.of(one, definition)

    def together(self, *parents: SourceCollection) -> SourceCollection:
        with warnings.catch_warnings():  # most of them are not provably about the same sources
            warnings.simplefilter("ignore", SourcesWarning)
            return parents[0].concatenate(*parents[1:])

    def union(self, *parents: SourceCollection, policy: str = "") -> SourceCollection:
        return ConcatenateSources(parents=list(parents), policy=policy)

    def relabelled(self, one: SourceCollection, number: int) -> SourceCollection:
        return one.relabel(self.start.relabellings[number])

    def passed(self, one: SourceCollection) -> SourceCollection:
        return Pass(parent=one)


@dataclass(frozen=True)
class Graph:
    """Collections by name, in the order in which they were made, and the lines that made them. The last is the end."""

    start: Start
    lines: tuple[str, ...]
    collections: dict[str, SourceCollection]

    @classmethod
    def of(cls, start: Start, lines: str | Iterable[str]) -> Graph:
        """Make a graph again from its lines: ``name = expression``, over a, b, e, one, two and what earlier lines made."""
        lines = [line.strip() for line in (lines.splitlines() if isinstance(lines, str) else lines)]
        graph = cls(start, (), dict(start.catalogs))
        for line in lines:
            graph = graph.then(line) if line else graph
        return graph

    def then(self, line: str) -> Graph:
        """With one line more."""
        name, _, expression = line.partition(" = ")
        made = eval(expression, {"__builtins__": {}}, Made(self.start).names() | self.collections)
        made.sources(), made.attributes()
        return Graph(self.start, (*self.lines, line), {**self.collections, name: made})

    @property
    def end(self) -> SourceCollection:
        return next(reversed(self.collections.values()))

    def __repr__(self) -> str:
        return "graph of\n    " + "\n    ".join(self.lines or ("(nothing)",)) + "\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # how a failing example is shown
        printer.text(repr(self))


def uses(name: str, expression: str) -> bool:
    """Whether the right side of a line names a collection."""
    return re.search(rf"(?<![\w'\"`]){name}(?![\w'\"`=])", expression) is not None


def random_graph(start: Start, draw: Random, most: int = 9) -> Graph:
    """A graph of up to `most` steps that no operator refuses; mostly each is made of the one before."""
    graph = Graph.of(start, ())
    for number in range(draw.randint(3, most)):
        made = [n for n in graph.collections if n not in start.catalogs]
        for _ in range(5):
            name = draw.choice(made) if made else draw.choice("aaab")
            name = made[-1] if made and draw.random() < 0.75 else name
            name = draw.choice([*start.catalogs]) if draw.random() < 0.08 else name
            more = _more(draw, graph, f"c{number}", name)
            if more is not graph and draw.random() < _worth(more):
                graph = more
                break
    return graph


def _worth(graph: Graph) -> float:
    """How likely it is gone on with: what has no sources, or is refused, hides what is made of it."""
    try:
        return 1.0 if graph.start.reference.of(graph.end).sources else 0.2
    except Refused:
        return 0.1


OPERATORS: tuple[str, ...] = (
    "filter", "filter", "filter", "select", "rename", "rename", "pass", "listed", "calculate", "back", "back", "back",
    "concatenate", "concatenate", "union", "union", "split", "relabel", "relabel",
)  # fmt: skip


def _more(draw: Random, graph: Graph, new: str, name: str) -> Graph:
    """With one step more, which may take several lines; as it was where that is refused."""
    one = graph.collections[name]
    drawn = draw.choice(OPERATORS)
    more = graph
    try:
        for line in _STEPS[drawn](draw, graph, new, name, list(one.attributes())):
            more = more.then(line)
    except ProvgraphError:
        return graph
    return more


def _filter(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    return [f"{new} = {name}.filter({criterion(draw, graph.collections[name])!r})"]


def _select(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    return [f"{new} = {name}.select({_some(draw, has)})"]


def _rename(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    old = draw.sample(has, len(has))[: draw.randint(1, 3)]
    after = draw.choice([[*old[1:], *old[:1]], [f"{o}_" for o in old], [o.rstrip("_") for o in old]])
    renamed = f"{name}.rename({dict(zip(old, after, strict=True))})"
    if draw.random() < 0.7:
        return [f"{new} = {renamed}"]
    kept = ", ".join(map(repr, draw.sample(after, draw.randint(0, len(after)))))
    return [f"{new}_ = {renamed}", f"{new} = {new}_.select({kept})"]


def _pass(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    return [f"{new} = passed({name})"]


def _listed(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    texts = graph.collections[name].id_space == "names"
    fitting = [k for k, ids in enumerate(LISTS) if texts == bool(ids and isinstance(ids[0], bytes))]
    strict = ", strict=True" if draw.randint(0, 4) == 4 else ""
    return [f"{new} = listed({name}, {draw.choice(fitting)}{strict})"]


def _calculate(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    return [f"{new} = calculated({name}, {draw.choice(CALCULATORS)!r})"]


def _back(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    """A calculation joined with what it was made of, or is a part of that, as a pull does."""
    calculated = f"{new}_ = calculated({name}, {draw.choice(CALCULATORS)!r})"
    other = draw.choice([name, name, *_relatives(graph, name)])
    return [calculated, f"{new} = together({other}, {new}_)"]


def _concatenate(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    other = draw.choice(_relatives(graph, name))
    mine, theirs = (graph.collections[n].attributes() for n in (name, other))
    clash = [n for n in theirs if n in mine and mine[n].origin != theirs[n].origin]
    if not clash or draw.randint(0, 3) == 3:
        return [f"{new} = together({name}, {other})"]
    if draw.random() < 0.5:
        renamed = f"{new}_ = {other}.rename({ {n: n + '_' for n in clash} })"
        return [renamed, f"{new} = together({name}, {new}_)"]
    return [f"{new} = together({name}, {other}.select({_some(draw, [n for n in theirs if n not in clash])}))"]


def _union(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    others = [draw.choice(_relatives(graph, name)) for _ in range(draw.choice([1, 1, 1, 2]))]
    common = [n for n in has if all(n in graph.collections[o].attributes() for o in others)]
    kept = _some(draw, common)
    policy = draw.choice(["", ", policy='first'", ", policy='first'"])
    parts = ", ".join(f"{n}.select({kept})" for n in (name, *others))
    return [f"{new} = union({parts}{policy})"]


def _split(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    """Two selections of one collection together, which may be all of it."""
    said = criterion(draw, graph.collections[name])
    form = draw.choice(["not ({})", "complement({})"])
    return [f"{new}_ = {name}.filter({said!r})", f"{new} = union({new}_, {name}.filter({form.format(said)!r}))"]


def _relabel(draw: Random, graph: Graph, new: str, name: str, has: list[str]) -> list[str]:
    space = graph.collections[name].id_space
    fitting = [k for k, r in enumerate(graph.start.relabellings) if r.from_space == space]
    return [f"{new} = relabelled({name}, {draw.choice(fitting)})"] if fitting else []


_STEPS: dict[str, Callable[[Random, Graph, str, str, list[str]], list[str]]] = {
    "filter": _filter, "select": _select, "rename": _rename, "pass": _pass, "listed": _listed, "calculate": _calculate,
    "back": _back, "concatenate": _concatenate, "union": _union, "split": _split, "relabel": _relabel,
}  # fmt: skip


def _some(draw: Random, names: list[str]) -> str:
    most = draw.choice([0, 1, 2, len(names), len(names)])
    kept = draw.sample(names, len(names))[:most] if names else []
    return ", ".join(map(repr, kept))


def _relatives(graph: Graph, name: str) -> list[str]:
    """Collections of the same id space, later ones more often."""
    space = graph.collections[name].id_space
    found = [n for n, c in graph.collections.items() if c.id_space == space]
    return [*found, *found[-3:]]


# -- criteria --------------------------------------------------------------------------------------------------------------


def criterion(draw: Random, one: SourceCollection) -> str:
    """A condition on the attributes there are, of any type."""
    atoms = _atoms(one)
    parts = [draw.choice(atoms or ["true", "false"]) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    parts = [draw.choice(["{}", "{}", "not ({})", "complement({})"]).format(p) for p in parts]
    said = parts[0]
    for part in parts[1:]:
        said = f"({said}) {draw.choice(['and', 'or', 'or'])} ({part})"
    return said


def _atoms(one: SourceCollection) -> list[str]:
    found: list[str] = []
    attributes = one.attributes()
    numbers = []
    for name, attribute in attributes.items():
        said = f"`{name}`"
        match attribute.dtype:
            case "U":
                found += [
                    f"{said} = 'Sérsic'",
                    f"{said} < 'b'",
                    f"{said} in ('a', 'zz')",
                    f"{said} between 'a' and 'b'",
                ]
            case "f4" | "f8":
                numbers.append(said)
                found += [
                    f"{said} < 20",
                    f"{said} != 0.5",
                    f"{said} < 0.5",
                    f"{said} <= 20.1",
                    f"{said} > 0.1",
                    f"{said} = 0.25",
                ]
                found += [f"{said} between 0.1 and 0.5", f"{said} in (20.1, 3, null)", f"abs({said}) <= 1"]
            case _:
                numbers.append(said)
                found += [
                    f"{said} > -2",
                    f"{said} < 2.5",
                    f"{said} >= 10",
                    f"{said} != 3",
                    f"{said} not in (1, 4)",
                    f"{said} between 0 and 20",
                ]
        found += [f"{said} is null", f"{said} is not null", f"{said} is not null"]
    found += [f"{first} < {second}" for first, second in pairwise(numbers)]
    if "ra" in attributes and "dec" in attributes:
        found += [
            "within(`ra`, `dec`, 10, 20, 0.7)",
            "within(`ra`, `dec`, 10, 20, 0.4)",
            "box(`ra`, `dec`, 9.5, 10.5, 19, 20.5)",
        ]
        found += ["within(`ra`, `dec`, 10.8, 20, 0.2)", "polygon(`ra`, `dec`, 9.2, 19.2, 10.8, 19.2, 10, 20.9)"]
    return found
