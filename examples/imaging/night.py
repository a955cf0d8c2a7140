"""A night at a telescope, simulated: files of raw frames, the same for the same seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

Array = np.ndarray[Any, Any]
SIZE = 256  # pixels
SCALE = 0.5 / 3600  # degrees a pixel
BIAS, DARK, NOISE = 300.0, 0.5, 4.0  # adu, adu a second, adu
SEEING = 1.5  # pixels, standard deviation
FIELDS = {"F12": (150.1, 2.2), "F13": (151.3, -1.0)}  # centres in degrees
BEGIN = datetime(2026, 3, 14, 20, tzinfo=UTC)
SCIENCE, SCREEN = 60.0, 10.0  # seconds


class Night:
    """One night; each frame is written when it is asked for."""

    def __init__(self, directory: Path, *, seed: int = 1, stars: int = 80) -> None:
        self.directory = directory
        self.seed = seed
        self.stars = stars
        self.taken = 0
        directory.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
        rng = np.random.default_rng(seed)
        self.sensitivity = 1.1 - 0.6 * (x**2 + y**2) + rng.normal(0, 0.02, (SIZE, SIZE))
        self.hot = np.where(rng.random((SIZE, SIZE)) > 0.999, 20.0, 0.0)  # adu a second

    def calibration(self, darks: int = 3, flats: int = 3) -> list[Path]:
        """Darks of both lengths of exposure, and flats."""
        made = [self.dark(exposure) for exposure in (SCREEN, SCIENCE) for _ in range(darks)]
        return [*made, *(self.flat() for _ in range(flats))]

    def dark(self, exposure: float) -> Path:
        return self._write("DARK", np.zeros((SIZE, SIZE)), exposure)

    def flat(self, *, lamp: float = 2000.0, later: timedelta = timedelta(0)) -> Path:
        """lamp : how bright the screen is, adu a second. later : than it would be its turn."""
        return self._write("FLAT", np.full((SIZE, SIZE), lamp), SCREEN, later, FILTER="g")

    def science(self, field: str, number: int) -> Path:
        """An exposure of a field, by its number pointed a little aside."""
        rng = np.random.default_rng([self.seed, number, *map(ord, field)])
        aside = np.round(rng.uniform(-12, 12, 2), 2)
        centre = (SIZE + 1) / 2 + aside
        light = np.full((SIZE, SIZE), 8.0)
        stars = np.random.default_rng([self.seed, *map(ord, field)])
        y, x = np.mgrid[:SIZE, :SIZE] + 1
        for _ in range(self.stars):
            at = stars.uniform(-0.55, 0.55, 2) * SIZE + centre
            brightness = 10 ** stars.uniform(1.2, 3.6)
            apart = (x - at[0]) ** 2 + (y - at[1]) ** 2
            light += brightness / (2 * np.pi * SEEING**2) * np.exp(-apart / (2 * SEEING**2))
        ra, dec = FIELDS[field]
        return self._write(
            "EXPOSE", light, SCIENCE, FILTER="g", OBJECT=field, CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=ra, CRVAL2=dec,
            CRPIX1=centre[0], CRPIX2=centre[1], CDELT1=-SCALE, CDELT2=SCALE,
        )  # fmt: skip

    def _write(self, kind: str, light: Array, exposure: float, later: timedelta = timedelta(0), **cards: Any) -> Path:
        rng = np.random.default_rng([self.seed, 7, self.taken])
        expected = (light * self.sensitivity + DARK + self.hot) * exposure
        counts = BIAS + rng.poisson(expected) + rng.normal(0, NOISE, light.shape)
        began = BEGIN + timedelta(minutes=2 * self.taken) + later
        part = fits.PrimaryHDU(np.clip(np.rint(counts), 0, 65535).astype("u2"))
        for name, value in {
            "OBSTYPE": kind,
            "EXPTIME": exposure,
            "DATE-OBS": f"{began:%Y-%m-%dT%H:%M:%S}",
            **cards,
        }.items():
            part.header[name] = value
        self.taken += 1
        path = self.directory / f"n{began:%Y%m%d}_{self.taken:03d}.fits"
        part.writeto(path, overwrite=True)
        return path
