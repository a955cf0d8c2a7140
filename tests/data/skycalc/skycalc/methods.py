from __future__ import annotations

import time

import numpy as np

from provgraph import Missing, Output, calculator
from skycalc.helpers import distance as hubble_distance
from skycalc.helpers import unrelated

ZERO_POINT = 25.0


@calculator(
    requires={"redshift": "", "mag_u": "mag"},
    provides={"absmag": Output("mag", ucd="phot.magAbs")},
    parameters={"H0": 70.0},
)
def absmag(z, m, *, H0):
    """Absolute magnitude by Hubble's law.

    No K-correction.
    """
    # Mpc, hence the zero point
    return m - 5 * np.log10(hubble_distance(z, H0)) - ZERO_POINT


@calculator(
    requires=["ra", "dec"],
    provides={"xyz": Output("", shape=(3,)), "octant": Output("", dtype="i2"), "side": Output("", dtype="U")},
)
def direction(ra, dec):
    """Unit vector, octant and hemisphere."""
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    xyz = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    return {
        "xyz": xyz,
        "octant": (xyz > 0).astype("i2") @ np.array([1, 2, 4], "i2"),
        "side": np.where(dec >= 0, "nord", "süd"),
    }


@calculator(requires=["redshift"], provides={"rank": Output("", dtype="i8")}, per_source=False)
def rank(z):
    """Place among all redshifts, 0 for the smallest."""
    found = np.empty(len(z), "i8")
    found[np.argsort(z)] = np.arange(len(z))
    return found


@calculator(
    requires={"redshift": ""}, provides=["crowd"], catalogs={"among": ["redshift", "mag_u"]}, parameters={"width": 0.1}
)
def crowd(z, *, among, width):
    """Part of a whole catalog within a width in redshift."""
    other = among["redshift"]
    other = np.sort(np.ma.compressed(other[~np.isnan(np.ma.filled(other, np.nan))]))
    return (np.searchsorted(other, z + width) - np.searchsorted(other, z - width)) / len(among)


@calculator(requires=["redshift"], provides=["slow"], one_by_one=True)
def one_by_one(z):
    """Called for one source at a time."""
    if z > 0.9:
        raise Missing("too far")
    return z * 2


@calculator(requires=["redshift"], provides=["filled"], nulls="pass")
def filled(z):
    """Sees what is missing."""
    return np.where(np.isnan(np.ma.filled(z, np.nan)), -1.0, np.ma.filled(z, 0.0))


@calculator(requires=["ra", "dec", "redshift"], provides=["score"], batch=64)
def matrix(ra, dec, z):
    """Arithmetic of matrices: how many rows there are matters for the last bits."""
    assert len(ra) == 64
    rng = np.random.default_rng(1)
    features = np.stack([ra, dec, z], axis=1).astype("f4")
    return (np.tanh(features @ rng.normal(size=(3, 50)).astype("f4")) @ rng.normal(size=50).astype("f4")).astype("f8")


@calculator(requires=["redshift"], provides=["broken"])
def raises(z):
    if (z > 0.5).any():
        raise ValueError(f"no table beyond 0.5,\nbut z = {z.max():.3f}")
    return z


@calculator(requires=["redshift"], provides=["short"])
def short(z):
    return z[1:]


@calculator(requires=["redshift"], provides={"flat": Output("", shape=(2,))})
def flat(z):
    return z


@calculator(requires=["redshift"], provides={"whole": Output("", dtype="i4")})
def whole(z):
    return z * 2


@calculator(requires=["redshift"], provides=["one", "two"])
def one_of_two(z):
    return z


@calculator(requires=["redshift"], provides=["random"])
def random(z):
    return z + np.random.default_rng().random(len(z))


@calculator(requires=["redshift"], provides=["centred"])
def centred(z):
    return z - z.mean()


@calculator(requires=["redshift"], provides=["forever"])
def forever(z):
    while len(z):
        time.sleep(0.01)
    return z


@calculator(requires=["redshift"], provides=["hog"])
def hog(z):
    kept = [np.ones(1 << 22) for _ in range(256 if len(z) else 0)]
    return z + len(kept)


@calculator(requires=["redshift"], provides=["quits"])
def quits(z):
    import os

    if len(z):
        os._exit(3)
    return z


def undeclared(z):
    return unrelated(z)
