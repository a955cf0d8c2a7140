"""What has to hold of any graph. Each check takes a graph and raises AssertionError with what differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any
from unittest import mock

from provgraph.errors import OperatorError, ProvgraphError
from provgraph.resolver import bounded
from provgraph.resolver.bounded import estimate, run_bounded
from provgraph.resolver.execute import Outcome, WorkOrder, run_partition
from provgraph.rewrite import notation
from provgraph.rewrite.relations import knowledge_of
from provgraph.rewrite.sets import Answer
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import AttributeCalculator, ConcatenateSources
from provgraph.schema.table import Table
from tests.fuzz.graphs import Graph, criterion
from tests.fuzz.world import Cells, Start, cells, reference_cells
from tests.reference import Refused


class Wrong(AssertionError):
    """Something is not what the definitions say."""


def expected(graph: Graph) -> Cells | None:
    """What the reference says of the end; None where that is an error when it is processed."""
    try:
        return reference_cells(graph.start.reference.of(graph.end))
    except Refused:
        return None


def same(found: Cells, wanted: Cells, what: str, order: WorkOrder | None = None) -> None:
    """Value by value and identifier by identifier, in order."""
    plan = "" if order is None else "\n" + notation.render(order.plan)
    if list(found) != list(wanted):
        more, less = [i for i in found if i not in wanted], [i for i in wanted if i not in found]
        raise Wrong(f"{what}: sources {more} are too many, {less} are missing{plan}")
    for i, values in wanted.items():
        if list(found[i].items()) != list(values.items()):
            raise Wrong(f"{what}: source {i} has {found[i]}, not {values}{plan}")


def as_cells(outcome: Outcome, one: SourceCollection) -> Cells:
    return cells(Table(outcome.ids, outcome.columns, one.attributes()))


def run(start: Start, order: WorkOrder, one: SourceCollection, lo: Any = None, hi: Any = None) -> Cells:
    return as_cells(run_partition(order, lo, hi, store=start.survey.store_), one)


# -- values ----------------------------------------------------------------------------------------------------------------


def check_values(graph: Graph, before: Sequence[str] = (), cuts: Sequence[Any] = ()) -> None:
    """Plain, optimised, in parts, in little memory, on what is stored already, and after that was forgotten: all the same.

    before : collections of the graph whose results are stored first. cuts : identifiers at which to cut.
    """
    start, end = graph.start, graph.end
    wanted = expected(graph)
    if wanted is None:
        start.forget()
        check_refused(graph)
        return
    plain, best = check_plan(graph)
    check_parts(graph, plain, wanted, cuts, "the plain plan")
    check_parts(graph, best, wanted, cuts, "the optimised plan")
    check_memory(graph, best, wanted)
    for name in before:
        if expected(only := Graph.of(start, graph.lines[: _line(graph, name)])) is not None:
            start.survey.processor.process(only.end)
    check_stored(graph)
    best = start.optimised(end)
    check_parts(graph, best, wanted, cuts, "with results that were stored before")
    same(cells(start.survey.processor.process(end)[0]), wanted, "processed with results that were stored before", best)
    check_stored(graph)
    best = start.optimised(end)
    same(run(start, best, end), wanted, "the optimised plan when its result is stored", best)
    same(cells(start.survey.processor.process(end)[0]), wanted, "the result as it is stored")
    if start.survey.count(end) != len(wanted):
        raise Wrong(f"the number of sources: {start.survey.count(end)}, not {len(wanted)}")
    start.forget()
    same(cells(start.survey.processor.process(end)[0]), wanted, "after forgetting")


def check_plan(graph: Graph) -> tuple[WorkOrder, WorkOrder]:
    """The plan as it was made and the optimised one, on nothing that was stored before."""
    graph.start.forget()
    wanted = expected(graph)
    plain, best = graph.start.plain(graph.end), graph.start.optimised(graph.end)
    if wanted is not None:
        same(run(graph.start, plain, graph.end), wanted, "the plain plan", plain)
        same(run(graph.start, best, graph.end), wanted, "the optimised plan", best)
    return plain, best


def _line(graph: Graph, name: str) -> int:
    return next(n for n, line in enumerate(graph.lines, 1) if line.startswith(f"{name} = "))


def check_parts(graph: Graph, order: WorkOrder, wanted: Cells, cuts: Sequence[Any], what: str) -> None:
    if not cuts:
        return
    parts: Cells = {}
    for lo, hi in pairwise([None, *sorted(cuts), None]):
        part = run(graph.start, order, graph.end, lo, hi)
        if wrong := [i for i in part if (lo is not None and i < lo) or (hi is not None and i >= hi)]:
            raise Wrong(f"{what}, of {lo} <= id < {hi}: sources {wrong}")
        parts |= part
    same(parts, wanted, f"{what}, cut at {list(cuts)}", order)


def check_memory(graph: Graph, order: WorkOrder, wanted: Cells) -> None:
    """In parts as small as a few sources; what cannot be cut says so."""
    store = graph.start.survey.store_
    need = estimate(order, store).bytes
    with mock.patch.object(bounded, "LEAST", 4):
        try:
            outcome = run_bounded(replace(order, memory=max(1, need // 3)), store=store)
        except ProvgraphError as error:
            if error.code == "memory_exceeded":
                return
            raise
    same(as_cells(outcome, graph.end), wanted, "in little memory", order)


def check_refused(graph: Graph) -> None:
    """What the definitions refuse is refused as it was made; optimised it may not be met any more, but nothing else happens."""
    try:
        run(graph.start, graph.start.plain(graph.end), graph.end)
    except OperatorError:
        pass
    else:
        raise Wrong("the plain plan: it was to be refused")
    with suppress(OperatorError):
        graph.start.survey.processor.process(graph.end)


def check_stored(graph: Graph) -> None:
    """What is stored for a set of sources is just these sources, and what is stored of an origin are its values."""
    start = graph.start
    sets: dict[str, list[Any]] = {}
    values: dict[str, dict[Any, Any]] = {}
    for one in graph.collections.values():
        try:
            catalog = start.reference.of(one)
        except Refused:
            continue
        sets[one.sources().key] = catalog.ids
        found = reference_cells(catalog)
        for name, attribute in one.attributes().items():
            values.setdefault(attribute.origin, {}).update({i: row[name] for i, row in found.items()})
    for info, key in start.made.values():
        segment = start.survey.store_.open(info)
        ids = segment.ids.tolist()
        if key in sets and ids != sets[key]:
            raise Wrong(f"stored as sources of {key}: {ids}, not {sets[key]}")
        for origin in segment.info.origins:
            column, null = segment.column(origin)
            for k, i in enumerate(ids):
                found_ = None if null is not None and null[k] else column[k].item()
                if i in values.get(origin, {}) and not _alike(found_, values[origin][i]):
                    raise Wrong(f"stored as {origin} of source {i}: {found_}, not {values[origin][i]}")


def _alike(stored: Any, wanted: Any) -> bool:
    stored = stored.decode() if isinstance(stored, bytes) else stored
    return stored == wanted or (isinstance(stored, float) and math.isnan(stored) and wanted == "nan")


# -- meaning ---------------------------------------------------------------------------------------------------------------


def check_meaning(graph: Graph) -> None:
    """Equal keys of sets are equal sources; equal origins are equal values."""
    sets: dict[str, list[Any]] = {}
    values: dict[tuple[str, Any], Any] = {}
    for name, one in graph.collections.items():
        try:
            catalog = graph.start.reference.of(one)
        except Refused:
            continue
        if sets.setdefault(one.sources().key, catalog.ids) != catalog.ids:
            raise Wrong(f"{name} has the key of other sources")
        for i, row in reference_cells(catalog).items():
            for attribute, value in row.items():
                origin = one.attributes()[attribute].origin
                if values.setdefault((origin, i), value) != value:
                    raise Wrong(
                        f"{attribute} of {name} has the origin of another value: {values[origin, i]}, not {value}"
                    )


# -- relations -------------------------------------------------------------------------------------------------------------


def check_relations(graph: Graph, store: Sequence[str] = ()) -> dict[str, int]:
    """No answer contradicts what the sources are; how many of each answer there were. store : what is processed before."""
    start = graph.start
    start.forget()
    real: dict[str, set[Any]] = {}
    for name, one in graph.collections.items():
        try:
            real[name] = set(start.reference.of(one).ids)
        except Refused:
            continue
    for name in store:
        if name in real:
            start.survey.processor.process(graph.collections[name])
    counts = {"YES": 0, "NO": 0, "UNKNOWN": 0}
    names = list(real)[-6:]
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            one, other = graph.collections[a], graph.collections[b]
            found = start.survey.relation(one, other)
            apart = one.id_space != other.id_space
            mine = {(one.id_space, i) for i in real[a]}
            theirs = {(other.id_space, i) for i in real[b]}
            truth = {
                "subset": mine <= theirs,
                "superset": theirs <= mine,
                "equal": mine == theirs,
                "disjoint": not mine & theirs,
            }
            for question, true in truth.items():
                answer = getattr(found, question)
                counts[answer.name] += 1
                if answer is not Answer.UNKNOWN and (answer is Answer.YES) != true:
                    raise Wrong(
                        f"{question} of {a} and {b} is answered {answer.name} because {found.because(question)}"
                        f"{' (of different id spaces)' if apart else ''}, but they are {sorted(mine)} and {sorted(theirs)}"
                    )
    return counts


def check_survey_answers(graph: Graph) -> None:
    """What lineage alone proves, the survey answers too."""
    graph.start.forget()
    names = list(graph.collections)[-5:]
    for a in names:
        for b in names:
            one, other = graph.collections[a], graph.collections[b]
            reasoner = Reasoner(knowledge_of(one.sources().told | other.sources().told))
            found = graph.start.survey.relation(one, other)
            mine, theirs = one.sources().atoms, other.sources().atoms
            for question, proof in (
                ("subset", reasoner.subset(mine, theirs)), ("superset", reasoner.subset(theirs, mine)),
                ("equal", reasoner.equal(mine, theirs)), ("disjoint", reasoner.disjoint(mine, theirs)),
            ):  # fmt: skip
                if proof.answer is not Answer.UNKNOWN and getattr(found, question) is not proof.answer:
                    raise Wrong(
                        f"{question} of {a} and {b} is {proof.answer.name}, and is answered {getattr(found, question).name}"
                    )


@dataclass
class Offered:
    """What stored collections provably had for pulls, all of which was taken: sets of sources, and attributes."""

    sources: int = 0
    attributes: int = 0


def check_pull(graph: Graph, seed: int) -> Offered:
    """A pull takes what is stored wherever it is proved to serve; and gives what the reference says."""
    start, draw, offered = graph.start, Random(seed), Offered()
    start.forget()
    survey = start.survey
    catalog = start.catalogs[draw.choice("ab")]
    where = criterion(draw, catalog)
    new = survey.define_calculator(f"new{seed}", requires=["x", "y"], expression=f"x * {seed + 2} + y", unit="?")
    wanted = [*draw.sample(["id", "x", "sum", "next", "place", "half"], 2), new.name]
    there = [*graph.collections.values(), *_of_use(draw, catalog, where, new)]
    for one in there:
        survey.store(one)
    try:
        pull = survey.pull(catalog, wanted, where=where)
    except ProvgraphError as error:
        if error.code in ("attribute_ambiguous", "name_clash"):
            return offered
        raise
    kept = catalog.filter(where)
    known = start.survey.relation(pull.result, kept)
    if known.equal is not Answer.YES:
        raise Wrong(f"{pull.result!r} is not known to have the sources of {where}")
    made = [c.what for c in pull.choices() if c.outcome == "created"]
    proven = [c for c in there if c.id_space == catalog.id_space and not c.introduces()
              and survey.relation(c, kept).equal is Answer.YES]  # fmt: skip
    if proven and any(what.startswith("FilterSources") for what in made):
        raise Wrong(f"{where} of {catalog.label} is selected again, though {proven[0]!r} has these sources")
    offered.sources += bool(proven)
    for name in set(wanted) - set(catalog.attributes()):
        serving = [c for c in there if isinstance(c, AttributeCalculator) and name in c.attributes()
                   and c.id_space == catalog.id_space and survey.relation(kept, c).subset is Answer.YES
                   and _is_of(catalog, c)]  # fmt: skip
        if serving and any(what.startswith("AttributeCalculator") and f", {name}@" in what for what in made):
            raise Wrong(f"{name} is calculated again, though {serving[0]!r} has it for these sources")
        offered.attributes += bool(serving)
    same(cells(pull.data()), reference_cells(start.reference.of(pull.result)), f"{', '.join(wanted)} where {where}")
    if list(pull.data().ids) != start.reference.of(kept).ids:
        raise Wrong(f"a pull of {where} has other sources")
    return offered


def _of_use(draw: Random, catalog: SourceCollection, where: str, new: Any) -> list[SourceCollection]:
    """What may serve a pull of `where`: the same sources in other words, or calculated values for more of them."""
    other = criterion(draw, catalog)
    cases = [catalog.filter(f"({where}) and ({form})") for form in (other, f"complement({other})")]
    wider = draw.choice([catalog.filter(f"({where}) or ({other})"), catalog.filter(other)])
    found = draw.sample([
        ConcatenateSources(parents=cases), wider.filter(where), catalog.filter(f"complement(complement({where}))"),
        catalog.concatenate(catalog.filter(where).select()),
    ], draw.randint(0, 2))  # fmt: skip
    return [*found, AttributeCalculator.of(wider, new)]


def _is_of(catalog: SourceCollection, one: AttributeCalculator) -> bool:
    """Whether it calculates, source by source, what the definition makes of the catalog's own attributes."""
    mine, theirs = catalog.attributes(), one.parent.attributes()
    return one.definition.per_source and all(mine[n].origin == theirs[n].origin for n in one.definition.requires)
