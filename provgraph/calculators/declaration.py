"""How a package says that a function of it is an attribute calculator: a decorator, and an entry point that names the function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provgraph.errors import InvalidInput
from provgraph.names import UNIT_UNDECLARED

Function = Callable[..., Any]


class Missing(ValueError):
    """Raised by a calculator that is called for one source at a time: this source has no value."""


@dataclass(frozen=True)
class Output:
    """One attribute that a calculator gives: unit (VOUnit), numpy type (``'U'`` for text), shape of one source's value, UCD."""

    unit: str = UNIT_UNDECLARED
    dtype: str = "f8"
    shape: tuple[int, ...] = ()
    ucd: str = ""


@dataclass(frozen=True)
class Declaration:
    """What a function needs and gives; see `calculator`."""

    function: Function
    requires: Mapping[str, str]
    provides: Mapping[str, Output]
    parameters: Mapping[str, float] = field(default_factory=dict)
    catalogs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    per_source: bool = True
    one_by_one: bool = False
    nulls: str = "skip"
    batch: int = 0
    tolerance: float = 0.0
    description: str = ""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def calculator(
    *, requires: Mapping[str, str] | Sequence[str], provides: Mapping[str, Output | str] | Sequence[str],
    parameters: Mapping[str, float] | None = None, catalogs: Mapping[str, Sequence[str]] | None = None,
    per_source: bool = True, one_by_one: bool = False, nulls: str = "skip", batch: int = 0, tolerance: float = 0.0,
) -> Callable[[Function], Declaration]:  # fmt: skip
    """Declare a function as a calculator; the package names it in its entry points, group ``provgraph.calculators``.

    The function is called with one array for each required attribute, in order, of shape (n, ...); with its process parameters
    by name; and with its catalogs by name. It returns an array for each attribute provided: one array, a tuple, or a dict.
    Masked entries and NaN are sources without a value.

    requires : attributes, with their units (VOUnit; ``'?'`` any). provides : attributes, with their units or an `Output`.
    parameters : process parameters and their defaults. catalogs : parameters that are whole catalogs, with the attributes
    read of each. per_source : False where a value depends on the other sources of the same catalog, as a rank does.
    one_by_one : call it once a source, with plain values; it may raise `Missing`. nulls : ``'skip'`` sources that lack an
    input, they have no value then; ``'pass'`` gives masked arrays. batch : call it with exactly so many sources each time, the
    last time filled up, so that no value depends on how many there are. tolerance : relative, where results are not
    reproducible to the last bit.
    """

    def declare(function: Function) -> Declaration:
        if nulls not in ("skip", "pass"):
            raise InvalidInput(f"nulls= is 'skip' or 'pass', not {nulls!r}.", code="calculator_invalid")
        if type(batch) is not int or batch < 0 or not 0 <= tolerance < math.inf:
            raise InvalidInput(
                f"batch= is a number of sources and tolerance= a relative error from 0 on, not {batch!r} and {tolerance!r}.",
                code="calculator_invalid",
            )
        if not per_source and batch:
            raise InvalidInput("What needs all sources at once cannot run in batches.", code="calculator_invalid")
        return Declaration(
            function,
            dict(requires) if isinstance(requires, Mapping) else dict.fromkeys(requires, UNIT_UNDECLARED),
            {n: o if isinstance(o, Output) else Output(o) for n, o in
             (provides if isinstance(provides, Mapping) else dict.fromkeys(provides, UNIT_UNDECLARED)).items()},
            {k: float(v) for k, v in (parameters or {}).items()},
            {k: tuple(v) for k, v in (catalogs or {}).items()},
            per_source, one_by_one, nulls, batch, tolerance, " ".join((function.__doc__ or "").split("\n\n")[0].split()),
        )  # fmt: skip

    return declare
