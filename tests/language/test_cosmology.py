"""Distances against astropy's and against an integral that shares nothing with the table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from provgraph.errors import InvalidInput
from provgraph.language import Expression
from provgraph.language.cosmology import LIGHT, comoving, distmod, lumdist

Z = (1e-4, 0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)

# astropy 8.0.2, FlatLambdaCDM(H0, Om0).distmod(z). Stored, because astropy needs scipy for it, which provgraph does not install.
ASTROPY = {
    (70, 0.3): (23.15878159122431, 28.160294959940178, 33.17531838091248, 38.31520457439091, 42.2611854215409,
                44.10023765554372, 45.95719725271019, 48.3443617132753, 50.08188081779778, 51.766582154638044),
    (67.4, 0.315): (23.240969865710486, 28.242461248894802, 33.25726487842836, 38.39496735209428, 42.33217331700037,
                    44.16335099911208, 46.01192742457651, 48.39150091865062, 50.125936832879674, 51.808852237789154),
    (50, 1.0): (23.88930777637543, 28.889796022017954, 33.89464849158557, 38.94037797893686, 42.59308056918201,
                44.23310003375009, 45.90991272840516, 48.14585732946933, 49.822163681407964, 51.470928584206916),
}  # fmt: skip


POINTS = np.polynomial.legendre.leggauss(200)


def integral(z: float, om0: float) -> float:
    """Comoving distance in c/H0: 200 Gauss-Legendre points in ln(1+z)."""
    points, weights = POINTS
    top = math.log1p(z)
    x = top * (points + 1) / 2
    return float(np.sum(weights * np.exp(x) / np.sqrt(om0 * np.exp(3 * x) + 1 - om0)) * top / 2)


@pytest.mark.parametrize("cosmology", ASTROPY)
def test_distmod_is_astropys(cosmology: tuple[float, float]) -> None:
    h0, om0 = cosmology
    found = distmod(np.array(Z), {"H0": h0, "Om0": om0})
    assert np.max(np.abs(found - ASTROPY[cosmology])) < 1e-8


@pytest.mark.parametrize("om0", [1e-6, 1e-3, 0.05, 0.3, 0.7, 1.0])
def test_distmod_is_the_integral_everywhere(om0: float) -> None:
    z = np.concatenate([np.geomspace(1e-12, 1e-4, 200), np.geomspace(1e-4, 20, 3001), [100.0, 1100.0]])
    exact = np.array([5 * math.log10((1 + v) * integral(v, om0) * LIGHT / 70) + 25 for v in z])
    assert np.max(np.abs(distmod(z, {"H0": 70, "Om0": om0}) - exact)) < 1e-7


def test_distances_belong_together() -> None:
    parameters = {"H0": 70.0, "Om0": 0.3}
    z = np.geomspace(1e-6, 20, 500)
    distance = lumdist(z, parameters)
    assert 5 * np.log10(distance) + 25 == pytest.approx(distmod(z, parameters), abs=1e-11)
    assert comoving(z, parameters) * (1 + z) == pytest.approx(distance)
    assert comoving(np.array([1.0]), parameters)[0] == pytest.approx(integral(1.0, 0.3) * LIGHT / 70, rel=1e-8)


def test_redshifts_without_a_distance_are_null() -> None:
    z = np.array([0.0, -0.1, -1.0, -5.0, math.nan, 0.1])
    values, null = Expression.parse("distmod(z)").evaluate({"z": (z, None)}, {})
    assert null is not None
    assert null.tolist() == [True] * 5 + [False]
    assert np.isnan(values[:5]).all()
    values, null = Expression.parse("lumdist(z)").evaluate({"z": (z, None)}, {})
    assert null is not None
    assert null.tolist() == [False, True, True, True, True, False]
    assert values[0] == 0


def test_a_single_redshift_and_float32() -> None:
    assert distmod(np.float64(0.5), {"H0": 70, "Om0": 0.3}) == pytest.approx(ASTROPY[70, 0.3][4], abs=1e-8)
    single, _ = Expression.parse("distmod(z)").evaluate({"z": (np.array([0.5], dtype=np.float32), None)}, {})
    assert single.dtype == np.float64
    assert single[0] == pytest.approx(ASTROPY[70, 0.3][4], abs=1e-8)


NO_UNIVERSE = [{"H0": v} for v in (0.0, -70.0, math.inf, math.nan)] + [{"Om0": v} for v in (0.0, 1.5, math.nan)]


@pytest.mark.parametrize("parameters", NO_UNIVERSE, ids=str)
def test_parameters_that_make_no_universe(parameters: dict[str, float]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Expression.parse("distmod(z)").evaluate({"z": (np.array([0.5]), None)}, parameters)
    assert caught.value.code == "parameter_invalid"
    assert next(iter(parameters)) in caught.value.message
