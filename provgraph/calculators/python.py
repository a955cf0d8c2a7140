"""Functions of installed packages: found by entry point, identified by distribution, version and the digest of their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np

from provgraph.calculators.declaration import Declaration, Missing, Output
from provgraph.calculators.method import Inputs, Method, Shape, missing, shape_text, units_fit
from provgraph.calculators.run import checked, in_batches, no_value, nothing, said_by, spread
from provgraph.calculators.source import code_digest
from provgraph.errors import CalculatorError, InvalidInput, NotFound, ProvgraphError, nearest
from provgraph.language.criterion import AttributeLike
from provgraph.language.evaluate import Values

Array = np.ndarray[Any, Any]
GROUP = "provgraph.calculators"
SHOWN = 5  # sources that an error names
_DTYPES = ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "U")


@dataclass(frozen=True)
class Installed:
    """An entry point with what it leads to. distribution, version : of the package; code : digest of the function's source."""

    entry_point: str
    distribution: str
    version: str
    code: str
    declaration: Declaration


def entry_points() -> dict[str, metadata.EntryPoint]:
    """Calculators of installed packages by name."""
    return {e.name: e for e in metadata.entry_points(group=GROUP)}


def installed(name: str) -> Installed:
    """What is installed under an entry point; loads its package.

    Raises
    ------
    NotFound : ``calculator_missing`` no package has it. InvalidInput : ``calculator_invalid`` it is no calculator.
    """
    found = entry_points()
    entry = found.get(name)
    if entry is None:
        raise NotFound(
            f"No installed package has a calculator {name!r} among its entry points; {nearest(name, found)}",
            code="calculator_missing", name=name,
        )  # fmt: skip
    try:
        declaration = entry.load()
    except Exception as error:
        raise CalculatorError(
            f"The calculator {name!r} of {_distribution(entry)[0]} cannot be loaded: {said_by(error)}.",
            code="calculator_missing",
        ) from error
    if not isinstance(declaration, Declaration):
        raise InvalidInput(
            f"{entry.value} is not declared as a calculator; put @provgraph.calculator(...) above it.",
            code="calculator_invalid",
        )
    _check_declaration(name, declaration)
    distribution, version = _distribution(entry)
    return Installed(name, distribution, version, _digest(declaration), declaration)


def _distribution(entry: metadata.EntryPoint) -> tuple[str, str]:
    dist = entry.dist
    return (dist.metadata["Name"], dist.version) if dist is not None else ("", "")


def _digest(declaration: Declaration) -> str:
    function = declaration.function
    return code_digest(function.__module__, function.__qualname__.partition(".")[0])


def _check_declaration(name: str, declaration: Declaration) -> None:
    def refuse(why: str) -> InvalidInput:
        return InvalidInput(f"The calculator {name!r} is declared wrongly: {why}.", code="calculator_invalid")

    if not declaration.requires or not declaration.provides:
        raise refuse("it needs at least one attribute and gives at least one")
    for attribute, output in declaration.provides.items():
        if output.dtype not in _DTYPES:
            raise refuse(f"{attribute} has type {output.dtype!r}; there are: {', '.join(_DTYPES)}")
        if any(not isinstance(k, int) or k < 1 for k in output.shape):
            raise refuse(f"{attribute} has shape {output.shape!r}")
    if declaration.one_by_one and (declaration.batch or not declaration.per_source or declaration.nulls == "pass"):
        raise refuse("what is called for one source at a time takes neither batches, nor masks, nor the whole catalog")
    if set(declaration.catalogs) & set(declaration.parameters):
        raise refuse("a catalog and a process parameter have one name")


def fields_of(name: str) -> dict[str, Any]:
    """What an installed calculator says of itself, as the fields of a definition."""
    found = installed(name)
    d = found.declaration
    outputs: list[Output] = list(d.provides.values())
    return {
        "requires": list(d.requires), "provides": list(d.provides), "input_units": list(d.requires.values()),
        "units": [o.unit for o in outputs], "ucds": [o.ucd for o in outputs], "dtypes": [o.dtype for o in outputs],
        "shapes": [shape_text(o.shape) for o in outputs], "entry_point": name, "distribution": found.distribution,
        "distribution_version": found.version, "code": found.code, "batch": d.batch, "tolerance": float(d.tolerance),
        "per_source": d.per_source, "description": d.description, "parameters": dict(d.parameters),
        "catalogs": dict(d.catalogs),
    }  # fmt: skip


@lru_cache(maxsize=64)
def _same_code(name: str, label: str, code: str, mark: Any) -> Declaration:
    found = installed(name)
    if found.code != code:
        raise CalculatorError(
            f"The code of calculator {label} is not the one that is installed ({found.distribution} {found.version}); "
            f"define it again, as a new version: survey.define_calculator(entry_point={name!r}).",
            code="calculator_changed", installed=found.code, defined=code,
        )  # fmt: skip
    return found.declaration


class PythonKind:
    """Per source and deterministic by contract, whole catalogs where declared; within limits in a process of its own."""

    foreign = True

    def check(self, method: Method) -> None:
        """All was said by the declaration."""

    def names(self, method: Method) -> tuple[str, ...]:
        return method.requires

    def fit(self, method: Method, inputs: Mapping[str, AttributeLike]) -> tuple[str, ...]:
        return units_fit(method, inputs)

    def results(self, method: Method, inputs: Mapping[str, AttributeLike]) -> dict[str, tuple[str, Shape]]:
        return method.declared()

    def calculate(self, method: Method, inputs: Inputs) -> dict[str, Values]:
        # Entry points are looked up each time: what is installed may change while we run, as in a notebook.
        entry = entry_points().get(method.text)
        declaration = _same_code(
            method.text, method.label, method.code, (entry.value, _distribution(entry)) if entry else None
        )
        call = _Call(method, declaration)
        absent = missing(inputs) if declaration.nulls == "skip" else None
        if absent is None:
            return call.run(inputs)
        kept = np.flatnonzero(~absent)
        if len(kept) == 0:
            return {name: nothing(inputs.n, *form) for name, form in method.declared().items()}
        return {name: spread(inputs.n, kept, values) for name, values in call.run(inputs.take(kept)).items()}

    def says(self, method: Method) -> str:
        return f"{method.text} of {method.distribution} {method.distribution_version}"

    def lacks(self, method: Method) -> str:
        try:
            found = installed(method.text)
        except ProvgraphError as error:
            return (
                f"{method.label} was {self.says(method)}, and {error.message[0].lower()}{error.message[1:].rstrip('.')}"
            )
        if found.code == method.code:
            return ""
        return (
            f"{method.label} was {self.says(method)}, and the code that is installed, of {found.distribution} {found.version}, "
            "is another one"
        )


KIND = PythonKind()


class _Call:
    """A function and how it is called."""

    def __init__(self, method: Method, declaration: Declaration) -> None:
        self.method = method
        self.declaration = declaration

    def run(self, inputs: Inputs) -> dict[str, Values]:
        if self.declaration.one_by_one:
            return self.one_by_one(inputs)
        if self.declaration.batch:
            return in_batches(inputs, self.declaration.batch, self.together)
        return self.together(inputs)

    def together(self, inputs: Inputs) -> dict[str, Values]:
        if inputs.n == 0:
            return {name: nothing(0, *form) for name, form in self.method.declared().items()}
        try:
            given = self.call(inputs)
        except ProvgraphError:
            raise
        except Exception as error:
            raise self.failed(error, *self.culprit(inputs, error)) from error
        results = self.named(given)
        return {
            name: checked(self.method, name, results[name], inputs.n, dtype, shape)
            for name, (dtype, shape) in self.method.declared().items()
        }

    def call(self, inputs: Inputs) -> Any:
        masked = self.declaration.nulls == "pass"
        arrays = [_given(*inputs.columns[name], masked=masked) for name in self.method.requires]
        with np.errstate(all="ignore"):
            return self.declaration.function(*arrays, **inputs.parameters, **inputs.catalogs)

    def named(self, given: Any) -> Mapping[str, Any]:
        """What a call returned, by provided name."""
        names = self.method.provides
        if isinstance(given, Mapping):
            if set(given) == set(names):
                return given
            said = ", ".join(map(str, given))
        elif isinstance(given, tuple):
            if len(given) == len(names):
                return dict(zip(names, given, strict=True))
            said = f"{len(given)} arrays"
        elif len(names) == 1:
            return {names[0]: given}
        else:
            said = f"one {type(given).__name__}"
        raise CalculatorError(
            f"Calculator {self.method.label} gave {said}; it declares {', '.join(names)}.",
            code="calculator_result", calculator=self.method.label,
        )  # fmt: skip

    def one_by_one(self, inputs: Inputs) -> dict[str, Values]:
        names = self.method.provides
        columns = [_given(*inputs.columns[name], masked=False) for name in self.method.requires]
        found: dict[str, list[Any]] = {name: [] for name in names}
        null = np.zeros(inputs.n, bool)
        for row in range(inputs.n):
            values = [c[row].item() if np.ndim(c[row]) == 0 else c[row] for c in columns]
            try:
                results = self.named(self.declaration.function(*values, **inputs.parameters, **inputs.catalogs))
            except Missing:
                null[row] = True
                continue
            except CalculatorError:
                raise
            except Exception as error:
                raise self.failed(error, inputs, [row]) from error
            for name in names:
                found[name].append(results[name])
        kept = np.flatnonzero(~null)
        done = {
            name: checked(self.method, name, np.asarray(found[name]) if len(kept) else np.empty((0, *shape), no_value(dtype)),
                          len(kept), dtype, shape)
            for name, (dtype, shape) in self.method.declared().items()
        }  # fmt: skip
        return done if len(kept) == inputs.n else {n: spread(inputs.n, kept, v) for n, v in done.items()}

    def culprit(self, inputs: Inputs, error: Exception) -> tuple[Inputs, list[int]]:
        """The first source for which a call fails by itself; the first of all where none does."""
        if not self.declaration.per_source or isinstance(error, MemoryError):
            return inputs, list(range(min(inputs.n, SHOWN)))
        low, high = 0, inputs.n
        while high - low > 1:
            middle = (low + high) // 2
            if self.fails(inputs, low, middle):
                high = middle
            elif self.fails(inputs, middle, high):
                low = middle
            else:
                break
        return inputs, list(range(low, min(high, low + SHOWN)))

    def fails(self, inputs: Inputs, low: int, high: int) -> bool:
        try:
            self.call(inputs.take(slice(low, high)))
        except Exception:
            return True
        return False

    def failed(self, error: Exception, inputs: Inputs, rows: list[int]) -> CalculatorError:
        """The error of code that raises: definition, sources, inputs."""
        method = self.method
        values = {n: _shown(inputs.columns[n], rows[0]) for n in method.requires} if rows else {}
        ids = [] if inputs.ids is None else [_text(inputs.ids[r]) for r in rows]
        where = f"source {ids[0]}" if ids else f"row {rows[0]}"
        more = f" (and others: {', '.join(ids[1:])})" if len(ids) > 1 else ""
        given = ", ".join(f"{k}={v}" for k, v in values.items())
        if isinstance(error, MemoryError):
            return CalculatorError(
                f"Calculator {method.label} ({KIND.says(method)}) needs more memory than there is, for {inputs.n} sources.",
                code="calculator_memory", calculator=method.label,
            )  # fmt: skip
        return CalculatorError(
            f"Calculator {method.label} ({KIND.says(method)}) failed at {where}{more} with {given}: {said_by(error)}.",
            code="calculator_failed", calculator=method.label, sources=ids, inputs=values,
        )  # fmt: skip


def _given(values: Array, null: Array | None, *, masked: bool) -> Array:
    """An input as a function gets it: text as str, masked only where it asked for that."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if not masked:
        return values
    mask = np.zeros(values.shape, bool)
    if null is not None:
        mask[null] = True
    return np.ma.MaskedArray(values, mask)


def _shown(column: Values, row: int) -> str:
    values, null = column
    if null is not None and null[row]:
        return "null"
    return _text(values[row])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if np.ndim(value) == 0 else np.array2string(np.asarray(value), threshold=6)
