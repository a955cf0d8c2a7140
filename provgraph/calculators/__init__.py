"""Kinds of attribute calculators, one a file: arrays of some sources in, arrays out; they know no graph and no survey.

To add a kind, write its file and name it in `KINDS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from provgraph.calculators.method import Catalog, Kind, Limits, Method
from provgraph.errors import InvalidInput

KINDS: Final = {
    "expression": "provgraph.calculators.expression",
    "python": "provgraph.calculators.python",
    "model": "provgraph.calculators.model",
}

__all__ = ["KINDS", "Catalog", "Kind", "Limits", "Method", "kind_of"]


def kind_of(name: str) -> Kind:
    """The kind of this name; InvalidInput ``calculator_invalid`` for what this version of the package does not know."""
    if name not in KINDS:
        raise InvalidInput(
            f"There is no kind of calculator {name!r}; there are: {', '.join(KINDS)}.", code="calculator_invalid"
        )
    found: Kind = import_module(KINDS[name]).KIND
    return found
