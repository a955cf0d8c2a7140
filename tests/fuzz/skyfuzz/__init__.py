"""Calculators of every kind that graphs are made with; installed as a package while the tests run."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph import Missing, Output, calculator

Array = np.ndarray[Any, Any]


@calculator(requires=["n"], provides={"half": Output("", dtype="i8")}, one_by_one=True)
def half(n: int) -> int:
    """Fails for every third number."""
    if n % 3 == 0:
        raise Missing
    return int(n // 2)


@calculator(requires=["x", "n"], provides={"more": Output("", dtype="f4"), "less": Output("", dtype="i8")})
def two(x: Array, n: Array) -> tuple[Array, Array]:
    """Two results; the first has no value where x is large."""
    return np.where(x > 0.5, np.nan, x + n).astype("f4"), (n - np.floor(x)).astype("i8")


@calculator(requires=["x"], provides={"place": Output("", dtype="i8")}, per_source=False)
def place(x: Array) -> Array:
    """How many sources of the catalog are below; of the whole catalog."""
    return np.searchsorted(np.sort(x), x)


@calculator(requires=["y"], provides={"share": Output("", dtype="f8")}, catalogs={"among": ["x"]})
def share(y: Array, *, among: Any) -> Array:
    """How many sources of another catalog are below; per source."""
    other = np.ma.filled(np.ma.asarray(among["x"], float), np.nan)
    other = np.sort(other[~np.isnan(other)])
    return np.searchsorted(other, y.astype("f8")).astype("f8")
