"""Expressions: the safe language of `provgraph.language`, identified by its normalised text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from provgraph.calculators.method import Inputs, Method, Shape
from provgraph.language.assignments import Assignments
from provgraph.language.criterion import AttributeLike
from provgraph.language.evaluate import Values


@lru_cache(maxsize=512)
def parsed(text: str, provides: tuple[str, ...]) -> Assignments:
    return Assignments.parse(text, provides)


class ExpressionKind:
    """Per source, deterministic and bounded by its grammar; runs in this process."""

    foreign = False

    def check(self, method: Method) -> None:
        parsed(method.text, method.provides)

    def names(self, method: Method) -> tuple[str, ...]:
        return parsed(method.text, method.provides).names

    def fit(self, method: Method, inputs: Mapping[str, AttributeLike]) -> tuple[str, ...]:
        units = {name: inputs[name].unit for name in method.requires}
        declared = dict(zip(method.provides, method.units, strict=True))
        return parsed(method.text, method.provides).check_units(units, declared)

    def results(self, method: Method, inputs: Mapping[str, AttributeLike]) -> dict[str, tuple[str, Shape]]:
        dtypes = {name: inputs[name].dtype for name in method.requires}
        shapes = {name: tuple(inputs[name].shape) for name in method.requires}
        return parsed(method.text, method.provides).results(dtypes, shapes)

    def calculate(self, method: Method, inputs: Inputs) -> dict[str, Values]:
        return parsed(method.text, method.provides).evaluate(inputs.columns, inputs.parameters, inputs.n)

    def says(self, method: Method) -> str:
        return method.text

    def lacks(self, method: Method) -> str:
        return ""  # what it means is part of this package


KIND = ExpressionKind()
