"""Calculating: a definition and values of some sources in, checked columns out; in a process of its own where limits are set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from provgraph.calculators import kind_of
from provgraph.calculators.method import Inputs, Method, Shape, missing
from provgraph.errors import CalculatorError
from provgraph.language.evaluate import Values

Array = np.ndarray[Any, Any]


def calculate(method: Method, inputs: Inputs) -> dict[str, Values]:
    """Run a definition on the sources of `inputs`; values of shape (n, ...) and null mask by provided name.

    Raises
    ------
    CalculatorError : ``calculator_failed`` its code raises, ``calculator_result`` it gives something else than it declares,
        ``calculator_time`` and ``calculator_memory`` it takes more than the limits, ``calculator_changed`` and
        ``calculator_missing`` what is installed is other code, or none.
    """
    kind = kind_of(method.kind)
    if kind.foreign and method.limits:
        from provgraph.calculators.child import calculate_apart

        return calculate_apart(method, inputs)
    return kind.calculate(method, inputs)


def failed(inputs: Inputs, columns: Mapping[str, Values]) -> dict[str, int]:
    """By provided name, how many sources have all inputs and yet got no value; names where all got one are left out."""
    nulls = {name: null for name, (_, null) in columns.items() if null is not None}
    if not nulls:
        return {}
    absent = missing(inputs)
    counts = {n: int(np.count_nonzero(null if absent is None else null & ~absent)) for n, null in nulls.items()}
    return {name: count for name, count in counts.items() if count}


def checked(method: Method, name: str, result: Any, n: int, dtype: str, shape: Shape) -> Values:
    """What foreign code gave for one attribute, as it was declared; masked entries and NaN are sources without a value.

    Raises CalculatorError ``calculator_result`` for another length, shape or type.
    """

    def refuse(what: str) -> CalculatorError:
        return CalculatorError(
            f"Calculator {method.label} gave {what} for {name!r}.", code="calculator_result",
            calculator=method.label, attribute=name,
        )  # fmt: skip

    mask = np.ma.getmaskarray(result) if isinstance(result, np.ma.MaskedArray) else None
    try:
        values = np.asarray(np.ma.getdata(result) if mask is not None else result)
    except ValueError:
        raise refuse("a list of values of different lengths, not one array") from None
    if values.ndim == 0 or len(values) != n:
        said = "one value" if values.ndim == 0 else f"{len(values)} values"
        raise refuse(f"{said} for {n} sources")
    if values.shape[1:] != shape:
        raise refuse(f"values of shape {values.shape[1:]} where it declares {shape}")
    if dtype == "U":
        values, mask = _texts(values, mask, refuse)
    elif not np.can_cast(values.dtype, np.dtype(dtype), "safe"):
        raise refuse(f"values of type {values.dtype} where it declares {dtype}")
    else:
        values = np.ascontiguousarray(values, dtype)
    if values.dtype.kind == "f":
        values = values if mask is None else np.where(mask, values.dtype.type(np.nan), values)
        null = np.isnan(values).reshape(n, -1).all(axis=1)
    else:
        null = np.zeros(n, bool) if mask is None else mask.reshape(n, -1).any(axis=1)
    return values, null if null.any() else None


def _texts(values: Array, mask: Array | None, refuse: Any) -> tuple[Array, Array | None]:
    """Text as UTF-8 bytes; None in an array of objects is a missing value."""
    if values.dtype.kind == "S":
        return values, mask
    if values.dtype.kind == "O":
        absent = np.array([v is None for v in values.ravel()]).reshape(values.shape)
        if any(not isinstance(v, str) for v in values[~absent].ravel()):
            raise refuse("something else than text")
        mask = absent if mask is None else mask | absent
        values = np.where(absent, "", values).astype("U")
    if values.dtype.kind != "U":
        raise refuse(f"values of type {values.dtype} where it declares text")
    return np.char.encode(values, "utf-8"), mask


def in_batches(inputs: Inputs, size: int, run: Callable[[Inputs], dict[str, Values]]) -> dict[str, Values]:
    """Calls with exactly `size` sources each, the last filled up with its last source, whose copies are dropped again.

    The arithmetic of matrices depends on how many rows they have; like this one source alone gets the bits it gets among others.
    """
    parts: dict[str, list[Values]] = {}
    for rows, n in _padded(inputs.n, size):
        for name, (values, null) in run(inputs.take(rows)).items():
            parts.setdefault(name, []).append((values[:n], None if null is None else null[:n]))
    if not parts:
        return run(inputs)
    joined: dict[str, Values] = {}
    for name, found in parts.items():
        nulls = [np.zeros(len(v), bool) if null is None else null for v, null in found]
        null = np.concatenate(nulls)
        joined[name] = np.concatenate([v for v, _ in found]), null if null.any() else None
    return joined


def _padded(n: int, size: int) -> Iterator[tuple[Array, int]]:
    for first in range(0, n, size):
        rows = np.arange(first, first + size)
        yield np.minimum(rows, n - 1), min(size, n - first)


def no_value(dtype: str) -> str:
    """numpy type of a column of this type that has no value yet."""
    return "S1" if dtype == "U" else dtype


def nothing(n: int, dtype: str, shape: Shape) -> Values:
    """No value for any source."""
    return _blank(n, np.dtype(no_value(dtype)), shape), np.ones(n, bool) if n else None


def _blank(n: int, dtype: Any, shape: Shape) -> Array:
    return np.full((n, *shape), np.nan, dtype) if dtype.kind == "f" else np.zeros((n, *shape), dtype)


def spread(n: int, kept: Array, result: Values) -> Values:
    """A result for some of the sources, for all of them; the others have no value."""
    values, null = result
    whole, absent = _blank(n, values.dtype, values.shape[1:]), np.ones(n, bool)
    whole[kept] = values
    absent[kept] = False if null is None else null
    return whole, absent if absent.any() else None


def said_by(error: BaseException) -> str:
    """An exception of foreign code as part of a sentence."""
    message = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {message[:300]}" if message else type(error).__name__
