"""The functions a criterion or an expression may call: one table, one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from provgraph.language import cosmology

Array = np.ndarray[Any, Any]
Parameters = dict[str, float]


@dataclass(frozen=True, slots=True)
class Function:
    """What the language knows about one function.

    compute : arrays in, array out, NaN where there is no result; None where the evaluator itself knows (where, isnull, ...).
    gives : 'float'; 'same' keeps integers integers; 'boolean'; 'argument' is the kind of the last argument;
        'vector' gives all of its arguments.
    units : the rule in units.py that says which units go in and come out.
    parameters : process parameters, with their defaults, that `compute` takes as its last argument.
    check : refuses values of these parameters.
    """

    least: int
    most: int
    compute: Callable[..., Array] | None
    gives: str
    units: str
    says: str
    parameters: tuple[tuple[str, float], ...] = ()
    check: Callable[[Parameters], object] | None = None


def _power(base: Array, exponent: Array) -> Array:
    """base ** exponent; NaN stays NaN, where IEEE 754 has 1 ** NaN = NaN ** 0 = 1."""
    if np.ndim(exponent) == 0:
        if exponent == 2:
            return base * base
        if exponent == 3:
            return base * base * base
    result = np.power(base, exponent)
    # Only these two cases lose a NaN.
    unknown = np.isnan(base) | np.isnan(exponent)
    return np.where(unknown, np.nan, result) if unknown.any() else result


def _hypot(a: Array, b: Array) -> Array:
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.hypot(a, b))


_COSMOLOGY: Final = (cosmology.PARAMETERS, cosmology.checked)

FUNCTIONS: Final[dict[str, Function]] = {
    "abs": Function(1, 1, np.abs, "same", "keep", "absolute value"),
    "sign": Function(1, 1, np.sign, "same", "sign", "-1, 0 or 1"),
    "sqrt": Function(1, 1, np.sqrt, "float", "sqrt", "square root"),
    "power": Function(2, 2, _power, "float", "power", "the first to the power of the second"),
    "exp": Function(1, 1, np.exp, "float", "exponent", "e to the power of"),
    "log": Function(1, 1, np.log, "float", "pure", "natural logarithm; also ln"),
    "log10": Function(1, 1, np.log10, "float", "pure", "logarithm to base 10"),
    "log2": Function(1, 1, np.log2, "float", "pure", "logarithm to base 2"),
    "sin": Function(1, 1, np.sin, "float", "of_angle", "sine of radians"),
    "cos": Function(1, 1, np.cos, "float", "of_angle", "cosine of radians"),
    "tan": Function(1, 1, np.tan, "float", "of_angle", "tangent of radians"),
    "arcsin": Function(1, 1, np.arcsin, "float", "to_angle", "inverse sine in radians; also asin"),
    "arccos": Function(1, 1, np.arccos, "float", "to_angle", "inverse cosine in radians; also acos"),
    "arctan": Function(1, 1, np.arctan, "float", "to_angle", "inverse tangent in radians; also atan"),
    "arctan2": Function(2, 2, np.arctan2, "float", "arctan2", "angle of the point (second, first) in radians; also atan2"),
    "hypot": Function(2, 2, _hypot, "float", "keep", "square root of the sum of squares"),
    "minimum": Function(2, 2, np.minimum, "same", "keep", "the smaller of two; also min"),
    "maximum": Function(2, 2, np.maximum, "same", "keep", "the larger of two; also max"),
    "floor": Function(1, 1, np.floor, "same", "keep", "next whole number below"),
    "ceil": Function(1, 1, np.ceil, "same", "keep", "next whole number above"),
    "round": Function(1, 1, np.round, "same", "keep", "nearest whole number, halves to the even one"),
    "deg2rad": Function(1, 1, np.deg2rad, "float", "deg2rad", "degrees to radians"),
    "rad2deg": Function(1, 1, np.rad2deg, "float", "rad2deg", "radians to degrees"),
    "where": Function(3, 3, None, "argument", "where", "second where the first is true, third where it is false"),
    "coalesce": Function(2, 16, None, "argument", "keep", "the first that is not null"),
    "complement": Function(1, 1, None, "boolean", "truth", "true exactly where its condition is not true"),
    "spread": Function(2, 2, None, "float", "spread", "from 0 up to 1, evenly, by an identifier and a seed alone"),
    "array": Function(1, 1000, None, "vector", "array", "a vector of its arguments; v[0] is its first entry"),
    "within": Function(3, 5, None, "boolean", "cone", "within(ra, dec, ra0, dec0, radius): positions in a cone"),
    "box": Function(4, 6, None, "boolean", "region",
                    "box(ra, dec, ra_min, ra_max, dec_min, dec_max): positions between coordinates, eastward across 0 too"),
    "polygon": Function(6, 1000, None, "boolean", "region",
                        "polygon(ra, dec, lon1, lat1, lon2, lat2, lon3, lat3, ...): positions between great circles"),
    "distmod": Function(1, 1, cosmology.distmod, "float", "distmod", "distance modulus of a redshift", *_COSMOLOGY),
    "lumdist": Function(1, 1, cosmology.lumdist, "float", "distance", "luminosity distance in Mpc", *_COSMOLOGY),
    "comoving": Function(1, 1, cosmology.comoving, "float", "distance", "comoving distance in Mpc", *_COSMOLOGY),
}  # fmt: skip

ALIASES: Final = {
    "ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "min": "minimum", "max": "maximum",
    "least": "minimum", "greatest": "maximum", "pow": "power", "radians": "deg2rad", "degrees": "rad2deg", "ceiling": "ceil",
}  # fmt: skip

# What needs other sources than the one asked about, or chance: with it the same source would be in or out depending on what
# else is in the catalog, and no rewrite that moves a selection would be allowed.
NOT_PER_SOURCE: Final = frozenset(
    [
        "rownum",
        "rownumber",
        "row_number",
        "rowid",
        "rank",
        "dense_rank",
        "percent_rank",
        "ntile",
        "mean",
        "avg",
        "average",
        "sum",
        "total",
        "count",
        "median",
        "mode",
        "std",
        "stddev",
        "var",
        "variance",
        "percentile",
        "quantile",
        "cumsum",
        "cumulative",
        "lag",
        "lead",
        "first",
        "last",
        "first_value",
        "last_value",
        "nth",
        "nth_value",
        "top",
        "argmin",
        "argmax",
        "rand",
        "random",
        "uniform",
        "normal",
        "shuffle",
        "sample",
        "uuid",
        "now",
        "today",
        "current_date",
        "current_timestamp",
    ]
)
