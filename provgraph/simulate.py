"""A simulated survey of galaxies: three catalogs that overlap, each in a format of its own; the same seed, the same bytes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from provgraph.errors import StorageError
from provgraph.export.tables.files import replacing
from provgraph.language import cosmology

Array = np.ndarray[Any, Any]

GALAXIES = 200_000
SEED = 20_071_125
FIRST_ID = 1 << 60  # identifiers that a float64 cannot hold exactly, as those of large surveys
BANDS = ("u", "g", "r", "i", "z")

PHOTOMETRY = "photometry.fits"
SPECTROSCOPY = "spectroscopy.csv.gz"
SHAPES = "shapes.vot"


@dataclass(frozen=True)
class Galaxies:
    """The true properties of all galaxies; every array has shape (n,).

    source_id : int64, unordered. ra, dec : float64 [deg]. redshift : float64. absmag_r : float64 [mag].
    colours : float64 [mag], shape (n, 5): u-r, g-r, r-r, i-r, z-r. radius : float64 [kpc]; half of the light is inside.
    """

    source_id: Array
    ra: Array
    dec: Array
    redshift: Array
    absmag_r: Array
    colours: Array
    radius: Array

    def __len__(self) -> int:
        return len(self.source_id)

    def take(self, rows: Array) -> Galaxies:
        return Galaxies(**{name: values[rows] for name, values in vars(self).items()})

    def magnitudes(self) -> Array:
        """Apparent magnitudes without noise, float64 [mag], shape (n, 5)."""
        apparent = self.absmag_r + cosmology.distmod(self.redshift, dict(cosmology.PARAMETERS))
        return apparent[:, None] + self.colours


def write(directory: Path, *, galaxies: int = GALAXIES, seed: int = SEED) -> list[Path]:
    """The three catalog files in `directory`; a file that is there already is kept.

    About 2 % of the spectra and 3 % of the shapes are of galaxies that the photometry does not have, and the other way round
    most galaxies have neither; a twelfth of the redshifts could not be measured.

    Raises StorageError ``directory_unusable``, ``disk_full``.
    """
    writers: dict[str, Callable[[Galaxies, np.random.Generator], bytes]] = {
        PHOTOMETRY: _photometry, SPECTROSCOPY: _spectroscopy, SHAPES: _shapes,
    }  # fmt: skip
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(directory, error) from error
    sky: Galaxies | None = None
    for number, (name, content) in enumerate(writers.items()):
        if (directory / name).is_file():
            continue
        sky = sky or draw(galaxies, seed)
        _replace(directory / name, content(sky, np.random.default_rng((seed, number))))
    return [directory / name for name in writers]


def draw(n: int, seed: int = SEED) -> Galaxies:
    """`n` galaxies in a field of 20 by 10 degrees on the equator."""
    random = np.random.default_rng(seed)
    redshift = 0.16 * random.gamma(2.2, 0.75, n) + 0.004
    red = random.random(n) < 0.45
    absmag = np.where(red, -20.9, -20.1) + random.normal(0, 1.1, n)
    means = np.where(red[:, None], [2.60, 0.78, 0, -0.36, -0.66], [1.55, 0.42, 0, -0.21, -0.33])
    colours = means + random.normal(0, 1, (n, 5)) * [0.25, 0.08, 0, 0.05, 0.08]
    radius = 10 ** (0.62 - 0.2 * (absmag + 20.5) - np.where(red, 0.1, 0) + random.normal(0, 0.15, n))
    return Galaxies(
        FIRST_ID + random.permutation(5 * n)[:n].astype(np.int64),
        random.uniform(150, 170, n), np.degrees(np.arcsin(random.uniform(0, np.sin(np.radians(10)), n))),
        redshift, absmag, colours, radius,
    )  # fmt: skip


def _photometry(sky: Galaxies, random: np.random.Generator) -> bytes:
    """FITS: positions and magnitudes; NaN where a galaxy is too faint for a band."""
    from astropy.table import Table

    seen = sky.take(np.flatnonzero(random.random(len(sky)) < 0.985))
    magnitudes = seen.magnitudes()
    magnitudes += random.normal(0, 1, magnitudes.shape) * 0.02 * 10 ** (0.15 * (magnitudes - 19).clip(0))
    magnitudes[magnitudes > [24.2, 25.3, 25.1, 24.4, 23.0]] = np.nan
    table = Table({"source_id": seen.source_id, "ra": seen.ra, "dec": seen.dec})
    for band, values in zip(BANDS, magnitudes.T, strict=True):
        table[f"mag_{band}"] = values.astype(np.float32)
        table[f"mag_{band}"].unit = "mag"
    table["ra"].unit = table["dec"].unit = "deg"
    file = io.BytesIO()
    table.write(file, format="fits")
    return file.getvalue()


def _spectroscopy(sky: Galaxies, random: np.random.Generator) -> bytes:
    """CSV: redshifts of the brighter galaxies; an empty field where the spectrum gave none."""
    chance = np.where(sky.magnitudes()[:, 2] < 19.8, 0.92, 0.2)
    seen = sky.take(np.flatnonzero(random.random(len(sky)) < chance))
    error = random.uniform(1e-5, 2e-4, len(seen))
    redshift = seen.redshift + random.normal(0, 1, len(seen)) * error
    measured = random.random(len(seen)) > 1 / 12
    rows = zip(seen.source_id.tolist(), redshift.tolist(), error.tolist(), measured.tolist(), strict=True)
    lines = [f"{i},{z:.7f},{e:.2e}\n" if good else f"{i},,\n" for i, z, e, good in rows]
    return gzip.compress("".join(["source_id,redshift,redshift_error\n", *lines]).encode(), compresslevel=6, mtime=0)


def _shapes(sky: Galaxies, random: np.random.Generator) -> bytes:
    """VOTable: apparent sizes and shapes in the western 60 % of the field, also of what the photometry missed."""
    from astropy.io.votable import writeto
    from astropy.table import Table

    seen = sky.take(np.flatnonzero(sky.ra < 162))
    distance = cosmology.comoving(seen.redshift, dict(cosmology.PARAMETERS)) / (1 + seen.redshift)  # Mpc
    radius = np.degrees(seen.radius / (1000 * distance)) * 3600 * 10 ** random.normal(0, 0.02, len(seen))
    table = Table({
        "source_id": seen.source_id, "radius": radius.astype(np.float32),
        "ellipticity": random.beta(1.8, 3.5, len(seen)).astype(np.float32),
        "position_angle": random.uniform(0, 180, len(seen)).astype(np.float32),
    })  # fmt: skip
    table["radius"].unit = "arcsec"
    table["position_angle"].unit = "deg"
    table["radius"].description = "semi-major axis of the ellipse with half of the light"
    file = io.BytesIO()
    writeto(table, file, tabledata_format="binary2")
    return file.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; what a killed demo left of it is removed first."""
    try:
        with replacing(path) as part:
            part.write_bytes(content)
    except StorageError as error:
        if error.code == "disk_full":
            raise
        raise _unusable(path.parent, error.__cause__) from error


def _unusable(directory: Path, error: BaseException | None) -> StorageError:
    reason = getattr(error, "strerror", None) or str(error)
    return StorageError(
        f"The catalogs cannot be written to {directory}: {reason}.",
        code="directory_unusable",
        path=str(directory),
    )
