"""Distances in a flat universe of matter and a cosmological constant, fast enough for whole catalogs.

The comoving distance is dc(z) = integral of dz/E, E = sqrt(Om0 (1+z)^3 + 1 - Om0), in units of c/H0. With
s = 1/sqrt(1+z) it is the integral from s to 1 of 2 ds / sqrt(Om0 + (1-Om0) s^6), which has no singularity for any z
from 0 to infinity, and dc(z) (1+z) / z = dc / (1-s^2) is smooth and never 0. So a table that is uniform in s needs no
search, linear interpolation does, and what is steep, the factor z, is applied exactly.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np

from provgraph.errors import InvalidInput

Array = np.ndarray[Any, Any]

LIGHT: Final = 299792.458  # km/s
PARAMETERS: Final = (("H0", 70.0), ("Om0", 0.3))  # H0 in km/s/Mpc
_TOLERANCE: Final = 1e-8  # mag
_BLOCK: Final = 1 << 14  # rows whose intermediate arrays stay in the fastest caches


@lru_cache(maxsize=16)
def _table(om0: float) -> tuple[Array, Array]:
    """ln(dc / (1-s^2)) at s = 0, 1/n, ..., 1 and the differences of neighbours; shape (n + 1,), float64.

    n is doubled until the middle of every interval is within the tolerance.
    """
    n = 1 << 13
    coarse = _exact(om0, n)
    while True:
        fine = _exact(om0, 2 * n)
        off = np.max(np.abs(fine[1::2] - (coarse[:-1] + coarse[1:]) / 2)) * 5 / math.log(10)
        if off < _TOLERANCE or n >= 1 << 20:
            return coarse, np.append(np.diff(coarse), 0.0)
        n, coarse = 2 * n, fine


def _exact(om0: float, n: int) -> Array:
    """ln(dc / (1-s^2)) at s = k/n by Gauss-Legendre quadrature on each interval, summed from s = 1 downwards."""
    points, weights = np.polynomial.legendre.leggauss(6)
    s = (np.arange(n)[:, None] + (points + 1) / 2) / n
    pieces = (2 / np.sqrt(om0 + (1 - om0) * s**6)) @ (weights / 2) / n
    k = np.arange(n + 1)
    distance = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)
    ratio = np.ones(n + 1)  # its limit at s = 1, which is z = 0
    np.divide(distance, (n - k) * (n + k) / n**2, out=ratio, where=k < n)
    return np.log(ratio)


def checked(parameters: dict[str, float]) -> tuple[float, float]:
    """H0 and Om0, or InvalidInput ``parameter_invalid``."""
    h0, om0 = float(parameters["H0"]), float(parameters["Om0"])
    if not 0 < h0 < math.inf:
        raise InvalidInput(
            f"The process parameter H0 is {h0:g}; it must be positive, in km/s/Mpc.", code="parameter_invalid"
        )
    if not 1e-6 <= om0 <= 1:
        raise InvalidInput(
            f"The process parameter Om0 is {om0:g}; it must be from 1e-6 to 1.", code="parameter_invalid"
        )
    return h0, om0


def _smooth(z: Array, om0: float) -> Array:
    """ln(dl / (z c/H0)) of z, shape (n,), float64; anything where z is not a number >= 0."""
    values, steps = _table(om0)
    last = len(values) - 1.0
    result = np.empty(len(z))
    for low in range(0, len(z), _BLOCK):
        part = z[low : low + _BLOCK]
        at = result[low : low + _BLOCK]
        np.add(part, 1.0, out=at)
        np.sqrt(at, out=at)
        np.divide(last, at, out=at)
        # fmin and fmax turn NaN into a bound, so that every place is inside the table.
        np.fmin(at, last, out=at)
        np.fmax(at, 0.0, out=at)
        k = at.astype(np.intp)
        at -= k
        at *= steps.take(k)
        at += values.take(k)
    return result


def distmod(z: Array, parameters: dict[str, float]) -> Array:
    """Distance modulus, float64 [mag], within 1e-7 mag of the integral; NaN where z <= 0.

    z : ndarray, float64 ['redshift'].
    """
    h0, om0 = checked(parameters)
    z = np.asarray(z, dtype=np.float64)
    with np.errstate(all="ignore"):
        # One logarithm for z and none for the table: 5 log10(dl) = 5/ln(10) (ln z + table).
        result = _smooth(z.reshape(-1), om0).reshape(z.shape)
        result += np.log(z)  # NaN below 0
        result *= 5 / math.log(10)
        result += 5 * math.log10(LIGHT / h0) + 25
    return np.where(z > 0, result, np.nan) if not np.all(z > 0) else result


def lumdist(z: Array, parameters: dict[str, float]) -> Array:
    """Luminosity distance, float64 [Mpc], relative error below 1e-8; NaN where z < 0.

    z : ndarray, float64 ['redshift'].
    """
    h0, om0 = checked(parameters)
    z = np.asarray(z, dtype=np.float64)
    with np.errstate(all="ignore"):
        result = np.exp(_smooth(z.reshape(-1), om0).reshape(z.shape)) * z * (LIGHT / h0)
    return np.where(z >= 0, result, np.nan)


def comoving(z: Array, parameters: dict[str, float]) -> Array:
    """Comoving distance, float64 [Mpc]; NaN where z < 0. z : ndarray, float64 ['redshift']."""
    return lumdist(z, parameters) / (1 + np.asarray(z, dtype=np.float64))
