"""What a calculator is, as plain data, and what each kind of calculators can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from provgraph.errors import UnitMismatch
from provgraph.language.criterion import AttributeLike
from provgraph.language.evaluate import Values, either
from provgraph.language.units import converted, unit_of
from provgraph.names import UNIT_UNDECLARED

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Limits:
    """What code of others may take; it then runs in a process of its own. seconds : of one call; memory : bytes."""

    seconds: float | None = None
    memory: int | None = None

    def __bool__(self) -> bool:
        return self.seconds is not None or self.memory is not None


@dataclass(frozen=True)
class Method:
    """A definition without its graph: everything that calculating needs, and survives JSON.

    requires, provides : names of attributes. text : expression, or name of the entry point. units, dtypes, shapes : of what
    is provided, shapes as text such as ``'3x2'``; input_units : of what is required, empty where nobody says.
    catalogs : attributes by name of each parameter that is a whole catalog.
    distribution, code : python: where the code came from, and the digest of its source.
    model, model_inputs, model_outputs : model: digest of the file, and the model's own names, parallel to requires and provides.
    batch : sources in each call, the last one filled up; 0: all at once. tolerance : relative, when results are compared.
    directory : where the files of models are.
    """

    kind: str
    name: str
    version: int
    requires: tuple[str, ...]
    provides: tuple[str, ...]
    text: str = ""
    units: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    input_units: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    catalogs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    distribution: str = ""
    distribution_version: str = ""
    code: str = ""
    model: str = ""
    model_inputs: tuple[str, ...] = ()
    model_outputs: tuple[str, ...] = ()
    batch: int = 0
    tolerance: float = 0.0
    per_source: bool = True
    directory: str = ""
    limits: Limits = Limits()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` gives back an equal Method."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Method:
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items() if k in known}
        given["catalogs"] = {k: tuple(v) for k, v in plain.get("catalogs", {}).items()}
        given["limits"] = Limits(**plain.get("limits", {}))
        return cls(**given)

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    def declared(self) -> dict[str, tuple[str, Shape]]:
        """dtype and shape by name of what is provided, where the definition says them."""
        return {n: (d, shape_of(s)) for n, d, s in zip(self.provides, self.dtypes, self.shapes, strict=True)}


@dataclass(frozen=True, eq=False)
class Catalog:
    """A whole catalog as a calculator gets it: identifiers, ascending, and values by name; masked where there is none."""

    ids: Array
    columns: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class Inputs:
    """What one call gets. columns : values and null mask by required name; ids : of the sources, to name one in an error."""

    n: int
    columns: Mapping[str, Values]
    parameters: Mapping[str, float]
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)
    ids: Array | None = None

    def take(self, rows: Any) -> Inputs:
        """The inputs of some of the sources: positions, a slice or a mask."""
        columns = {k: (v[rows], None if null is None else null[rows]) for k, (v, null) in self.columns.items()}
        n = len(np.arange(self.n)[rows])
        return Inputs(n, columns, self.parameters, self.catalogs, None if self.ids is None else self.ids[rows])


class Kind(Protocol):
    """One way to calculate. foreign : it runs code of others, so limits apply."""

    foreign: bool

    def check(self, method: Method) -> None:
        """Refuse what cannot be, from the definition alone."""

    def names(self, method: Method) -> tuple[str, ...]:
        """Attributes that the method itself reads, where it says."""

    def fit(self, method: Method, inputs: Mapping[str, AttributeLike]) -> tuple[str, ...]:
        """Check units before any data is read; the inputs whose unit nobody declared. Raises UnitMismatch."""

    def results(self, method: Method, inputs: Mapping[str, AttributeLike]) -> dict[str, tuple[str, Shape]]:
        """dtype and shape by provided name; errors for inputs of types or shapes that cannot be."""

    def calculate(self, method: Method, inputs: Inputs) -> dict[str, Values]:
        """Values of shape (n, ...) and null mask by provided name."""

    def says(self, method: Method) -> str:
        """What it is, in words for people."""

    def lacks(self, method: Method) -> str:
        """Why it cannot be run in this installation, '' where it can as far as one sees without running it."""


def shape_of(text: str) -> Shape:
    return tuple(int(part) for part in text.split("x") if part)


def shape_text(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def units_fit(method: Method, inputs: Mapping[str, AttributeLike]) -> tuple[str, ...]:
    """Whether inputs have the units that the definition declares for them; those whose unit nobody says."""
    unchecked = []
    for name, wanted in zip(method.requires, method.input_units, strict=True):
        given = inputs[name].unit
        if UNIT_UNDECLARED in (given, wanted) or (given and unit_of(given) is None):
            unchecked.append(name)
        elif given != wanted:
            factor = converted(1.0, given, wanted)
            if factor is None or abs(factor - 1) > 1e-12:
                said = f"[{given}]" if given else "no unit"
                needed = f"[{wanted}]" if wanted else "none"
                hint = "" if factor is None else f"; it would have to be multiplied by {factor:.12g}"
                raise UnitMismatch(f"{method.label} needs {name} in {needed}, and it has {said}{hint}.", name=name)
    return tuple(unchecked)


def missing(inputs: Inputs) -> Array | None:
    """Where a source lacks one of its inputs: null, or NaN where the value is a single float."""
    found: Array | None = None
    for values, null in inputs.columns.values():
        nan = np.isnan(values) if values.ndim == 1 and values.dtype.kind == "f" else None
        found = either(found, either(nan, null))
    return found if found is not None and found.any() else None
