"""Whether a calculator keeps its contract: the same values for the same source, whenever, in whatever company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.calculators.method import Inputs, Method
from provgraph.calculators.run import calculate
from provgraph.errors import CalculatorError
from provgraph.language.evaluate import Values
from provgraph.resolver.processor import TargetProcessor
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import AttributeCalculator
from provgraph.schema.operators.attribute_calculator import whole_catalog

Array = np.ndarray[Any, Any]
ALONE = 8  # sources that are also calculated one by one


@dataclass(frozen=True)
class Check:
    """What was compared. sources : of the sample; calls : of the calculator; deviation : largest relative one, 0.0 bit by bit."""

    sources: int
    calls: int
    deviation: float


def check_calculator(processor: TargetProcessor, definition: AttributeCalculatorDefinition, on: SourceCollection, *,
                     sample: int = 1000, seed: int = 0) -> Check:  # fmt: skip
    """See `Survey.check_calculator`."""
    applied = AttributeCalculator.of(on, definition)
    table, _ = processor.process(on.select(*definition.requires))
    catalogs = {}
    for name, collection in applied.whole_catalogs().items():
        catalogs[name] = whole_catalog(processor.process(collection)[0])
    rng = np.random.default_rng(seed)
    rows = np.arange(len(table))
    if definition.per_source and len(rows) > sample:
        rows = np.sort(rng.choice(rows, sample, replace=False))
    some = table.take(rows)
    inputs = Inputs(len(rows), some.columns, applied.process_params.as_dict(), catalogs, some.ids)
    method = definition.method
    first = calculate(method, inputs)
    calls = [("the second time", np.arange(len(rows)))]
    if definition.per_source and len(rows) > 1:
        calls += [
            ("in another order", rng.permutation(len(rows))),
            ("without half of the sources beside it", np.arange(0, len(rows), 2)),
            *(("alone", np.array([r])) for r in rng.choice(len(rows), min(ALONE, len(rows)), replace=False)),
        ]
    deviation = 0.0
    for how, taken in calls:
        again = calculate(method, inputs.take(taken))
        deviation = max(deviation, _compared(method, some.ids[taken], {
            name: (values[taken], None if null is None else null[taken]) for name, (values, null) in first.items()
        }, again, how))  # fmt: skip
    return Check(len(rows), len(calls) + 1, deviation)


def _compared(method: Method, ids: Array, first: Mapping[str, Values], again: Mapping[str, Values], how: str) -> float:
    """The largest relative deviation; CalculatorError where it exceeds the tolerance."""
    largest = 0.0
    for name, (values, null) in first.items():
        other, absent = again[name]
        n = len(ids)
        mine = np.zeros(n, bool) if null is None else null
        theirs = np.zeros(n, bool) if absent is None else absent
        differs = mine != theirs
        a, b = values.reshape(n, -1), other.reshape(n, -1)
        if a.dtype.kind == "f":
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            with np.errstate(all="ignore"):
                relative = np.where(same, 0.0, np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))
            relative = np.where(np.isnan(relative), np.inf, relative).max(axis=1, initial=0.0)
            relative[mine & theirs] = 0.0
            largest = max(largest, float(relative.max(initial=0.0)))
            differs |= relative > method.tolerance
        else:
            differs |= (a != b).any(axis=1) & ~mine
        if differs.any():
            at = int(np.flatnonzero(differs)[0])
            one = ids[at].decode("utf-8", "replace") if isinstance(ids[at], bytes) else ids[at]
            again_ = how == "the second time"
            raise CalculatorError(
                f"Calculator {method.label} gives source {one} {name} = {_said(values, null, at)}, and {how} "
                f"{_said(other, absent, at)}; "
                + ("it is not deterministic." if again_ else "a value must depend on its own source alone.")
                + (" Declare a tolerance= if that is meant." if a.dtype.kind == "f" else ""),
                code="calculator_not_deterministic" if again_ else "calculator_not_per_source",
                calculator=method.label, source=str(one), differing=int(differs.sum()),
            )  # fmt: skip
    return largest


def _said(values: Array, null: Array | None, at: int) -> str:
    return "no value" if null is not None and null[at] else str(values[at])
