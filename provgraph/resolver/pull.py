"""Pull: what a request became. Explains itself without processing; gives the table; writes a script that repeats it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provgraph.resolver.costs import Expected, expected, rates
from provgraph.resolver.execute import WorkOrder
from provgraph.resolver.processor import Measured, TargetProcessor, Transient, letters
from provgraph.resolver.request import Choice, Resolution
from provgraph.rewrite.notation import lines as notation_lines
from provgraph.rewrite.notation import render
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.trace import Entry
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import AttributeCalculator
from provgraph.schema.table import Table


@dataclass(frozen=True)
class Explanation:
    """Why a pull is made the way it is; printing it processes nothing.

    rows : by step of the optimised plan, ``'= n'`` known, ``'<= n'`` bounded, ``'?'`` unknown, or as measured.
    superseded : calculator definitions in the lineage that have a newer version, each as a sentence without its stop.
    expected : where each step of the optimised plan runs, and what it is expected to cost.
    labels : what the notation calls definitions and the steps of the optimised plan: small letters, as in the paper.
    """

    request: str
    choices: tuple[Choice, ...]
    before: Plan
    after: Plan
    rewrites: tuple[str, ...]
    rows: Mapping[str, str]
    unchecked: tuple[str, ...]
    measured: Measured | None
    labels: Mapping[str, str]
    expected: Expected
    superseded: tuple[str, ...] = ()

    def plan_before(self) -> list[str]:
        return render(self.before, self.labels).splitlines()

    def plan_after(self) -> list[str]:
        """One line a step: its notation, how many sources it has, as far as that is known, where it runs, and what that is
        expected to cost until it was done."""
        told = {step: str(c) if self.measured is None else c.where for step, c in self.expected.steps.items()}
        steps = [s.id for s in self.after.ordered()]
        shown = notation_lines(self.after, steps, self.labels)
        width, wide = min(88, max(map(len, shown))), max(map(len, self.rows.values()))
        return [
            f"{line:<{width}}  {self.rows[step]:<{wide}}  {told[step]}" for step, line in zip(steps, shown, strict=True)
        ]

    def __str__(self) -> str:
        lines = [self.request, ""]
        for outcome in ("found", "created", "rejected"):
            lines += [f"{outcome:<9}{c.what}\n{'':9}because {c.reason}" for c in self.choices if c.outcome == outcome]
        if self.unchecked:
            lines += ["", f"Units not checked, nobody declared them: {', '.join(self.unchecked)}"]
        if self.superseded:
            lines += ["", *(f"{one}; what was calculated with it stays as it is." for one in self.superseded)]
        lines += ["", "As stored, most general:", *_indented(self.plan_before())]
        if self.measured is not None and self.measured.done is None:
            held = f"All of it is stored, {self.rows[self.after.end].removeprefix('= ')}, so it was read; nothing was processed."
            return "\n".join([*lines, "", held])
        lines += ["", f"As processed, after {len(self.rewrites)} rewrites:", *_indented(self.plan_after())]
        if self.measured is None:
            lines += ["", f"Processed {self.expected}."]
        else:
            m = self.measured
            calculated = ", ".join(f"{n:,}" for n in m.calculated.values()) or "none"
            lines += [
                "",
                f"Processed in {m.seconds * 1000:.1f} ms: criteria on {m.filtered:,} sources, calculators on {calculated}.",
            ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        return {
            "request": self.request,
            "choices": [{"outcome": c.outcome, "what": c.what, "reason": c.reason} for c in self.choices],
            "before": self.plan_before(), "after": self.plan_after(),
            "rewrites": list(self.rewrites), "rows": dict(self.rows), "unchecked_units": list(self.unchecked),
            "superseded": list(self.superseded), "expected": str(self.expected),
            "costs": [
                {"step": s.id, "where": c.where, "sources": c.sources, "bytes": c.bytes, "seconds": c.seconds}
                for s in self.after.ordered() for c in (self.expected.steps[s.id],)
            ],
        }  # fmt: skip


class Pull:
    """A resolved request. `result` is the Source Collection that represents it; nothing is processed until asked."""

    def __init__(self, resolution: Resolution, processor: TargetProcessor, survey: Any) -> None:
        self.resolution = resolution
        self.result: SourceCollection = resolution.result
        self._processor = processor
        self._survey = survey
        self._table: Table | None = None
        self.measured: Measured | None = None

    # -- why -----------------------------------------------------------------------------------------------------------

    def explain(self, trace: Callable[[Any], None] | None = None) -> Explanation:
        """What was found, what was created and why, the plan before and after; processes nothing."""
        names = _definitions(self.result)
        copied, done = self._processor.optimised(
            self.result, None if trace is None else lambda entry: trace(_named(entry, names))
        )
        if self.measured is not None and self.measured.done is not None:
            done = self.measured.done  # by now it would be another one, of what was stored meanwhile
        order, _ = self._processor.order(copied, done.plan)
        bounds = _bounds(order, done.plan)
        request = self.resolution.request
        text = f"{', '.join(request.attributes)} of {request.start.label}@{request.start.version}"
        text += f" where {request.where}" if request.where else ""
        return Explanation(
            text, tuple(self.choices()), copied.plan, done.plan, tuple(str(_named(e, names)) for e in done.trace),
            self._rows(bounds), _unchecked(copied), self.measured, _labels(copied, done.plan),
            self._expected(copied, order, {step: n for step, (n, _) in bounds.items()}),
            _superseded(copied, self._processor),
        )  # fmt: skip

    def choices(self) -> list[Choice]:
        """The decisions of the resolver, in their order."""
        return list(self.resolution.choices)

    def _rows(self, bounds: Mapping[str, tuple[int | None, bool]]) -> dict[str, str]:
        found = {
            step: "? sources" if n is None else f"{'=' if exact else '<='} {n:,} sources"
            for step, (n, exact) in bounds.items()
        }
        measured = self.measured.rows if self.measured is not None else {}
        return found | {step: f"= {n:,} sources" for step, n in measured.items()}

    def _expected(self, copied: Transient, order: WorkOrder, n: Mapping[str, int | None]) -> Expected:
        used = {
            o.definition.object_id: o.definition.dependency_key
            for o in copied.objects.values() if isinstance(o, AttributeCalculator)
        }  # fmt: skip
        rows = self._processor.mapper.read("calculations_measured", ids=sorted(used)) if used else []
        timed = {used[definition]: rate for definition, rate in rates(rows).items()}
        return expected(order, self._processor.store, n, timed)

    def script(self) -> str:
        """Python that makes the same collection again, step by step, from pinned versions."""
        from provgraph.resolver.script import script

        copied, _ = self._processor.optimised(self.result)
        return script(copied, self.resolution.request, self.result, self._survey.directory, self._processor.store)

    # -- the catalog data ----------------------------------------------------------------------------------------------

    def data(self, progress: Callable[[float], None] | None = None) -> Table:
        """Arrays by attribute; processed at the first call."""
        if self._table is None:
            self._table, self.measured = self._survey.process(self.result, progress=progress)
        return self._table

    def table(self) -> Any:
        """astropy Table with units, UCDs and descriptions; masked where there is no value."""
        return self._survey.as_astropy(self.data(), self.result)

    def numpy(self) -> Any:
        """Structured ndarray, shape (n_sources,); masked when something is missing."""
        from provgraph.export.tables import to_numpy

        return to_numpy(self.data())

    def arrow(self) -> Any:
        """pyarrow Table; needs ``provgraph[arrow]``."""
        from provgraph.export.tables import to_arrow

        return to_arrow(self.data(), self._survey.meta(self.result))

    def write(self, path: Any) -> Any:
        """Write the table to .fits, .vot, .parquet, .h5, .csv or .arrow; the file knows what it is."""
        return self._survey.write(self.result, path, table=self.data())

    def __len__(self) -> int:
        return len(self.data()) if self._table is not None else self.result.count()

    def __repr__(self) -> str:
        done = f"{len(self._table):,} sources" if self._table is not None else "not processed"
        return f"<Pull {self.result.label}: {', '.join(self.result.attributes())}; {done}>"


def _bounds(order: WorkOrder, plan: Plan) -> dict[str, tuple[int | None, bool]]:
    """By step, how many sources it has at most, as far as that is known, and whether it has just so many."""
    found: dict[str, tuple[int | None, bool]] = {}
    for step in plan.ordered():
        stored = order.sources.get(keys.source_set_key(step.atoms))
        above = [found[p][0] for p in (*step.parents, *step.sources)]
        known = [n for n in above if n is not None]
        if stored:
            found[step.id] = order.segments[stored[0]].n, True
        elif step.operator == "ConcatenateSources":
            found[step.id] = (sum(known) if len(known) == len(above) else None), False
        else:
            same = step.operator in (
                "SelectAttributes",
                "RenameAttributes",
                "RelabelSources",
                "AttributeCalculator",
                "Pass",
            )
            found[step.id] = min(known, default=None), same and found[step.parents[0]][1]
    return found


def _labels(copied: Transient, plan: Plan) -> dict[str, str]:
    """Definitions by name and version; the steps of the optimised plan as small letters, transient as they are."""
    found: dict[str, str] = {}
    for one in copied.objects.values():
        if isinstance(one, AttributeCalculator):
            found |= _definition(one)
    kept = {s.id for s in plan if s.id in copied.plan.steps}
    made = [s.id for s in plan.ordered() if s.id not in kept]
    return found | {step: letters(n).lower() for n, step in enumerate(made)}


def _unchecked(copied: Transient) -> tuple[str, ...]:
    found = []
    for one in copied.objects.values():
        if isinstance(one, AttributeCalculator):
            names = one.definition.check_units(one.parent.attributes().only(one.definition.requires))
            found += [f"{n} in {one.definition.name}" for n in names]
    return tuple(dict.fromkeys(found))


def _superseded(copied: Transient, processor: TargetProcessor) -> tuple[str, ...]:
    used = {o.definition.object_id: o.definition for o in copied.objects.values() if isinstance(o, AttributeCalculator)}
    if not used:
        return ()
    rows = processor.mapper.read("versions_of", identities=sorted({d.identity for d in used.values()}))
    newest: dict[str, int] = {}
    for row in rows:
        one = row["properties"]
        newest[one["identity"]] = max(newest.get(one["identity"], 0), int(one["version"]))
    return tuple(
        f"{d.name}@{d.version} is superseded by {d.name}@{newest[d.identity]}"
        for d in used.values() if newest.get(d.identity, 0) > d.version
    )  # fmt: skip


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _definitions(end: SourceCollection) -> dict[str, str]:
    """What everything `end` is derived from calls its calculator definitions, by their keys in plans."""
    found: dict[str, str] = {}
    fresh, seen = [end], {end.dependency_key}
    while fresh:
        one = fresh.pop()
        if isinstance(one, AttributeCalculator):
            found |= _definition(one)
        new = [p for p in one.parents if p.dependency_key not in seen]
        seen |= {p.dependency_key for p in new}
        fresh += new
    return found


def _definition(one: AttributeCalculator) -> dict[str, str]:
    return {one.definition.dependency_key: f"{one.definition.name}@{one.definition.version}"}


def _named(entry: Entry, names: Mapping[str, str]) -> Entry:
    """An act of rewriting in the words of a reader."""
    return replace(entry, labels={**entry.labels, **names})
