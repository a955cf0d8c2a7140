"""SourceList: the sources of a frame, detected and measured with photutils."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from provgraph.errors import InvalidInput, needs_extra
from provgraph.schema import calls
from provgraph.schema.objects import DataObject
from provgraph.schema.properties import link, persistent
from provgraph.schema.target import Parameters, ProcessTarget, process_params

Array = np.ndarray[Any, Any]
NUMBER = "SID"  # the column that numbers the sources of a list
# name, unit, UCD, description; ra and dec only where the frame has celestial coordinates
COLUMNS = (
    (NUMBER, "", "meta.id;meta.main", "number of the source in its list, from 1"),
    ("x", "pixel", "pos.cartesian.x;instr.det", "centroid; the centre of the first pixel is 1"),
    ("y", "pixel", "pos.cartesian.y;instr.det", "centroid; the centre of the first pixel is 1"),
    ("ra", "deg", "pos.eq.ra;meta.main", "of the centroid"),
    ("dec", "deg", "pos.eq.dec;meta.main", "of the centroid"),
    ("flux", "", "phot.flux", "inside the aperture, in units of the frame, without background"),
    ("flux_error", "", "stat.error;phot.flux", "from the noise of the background"),
    ("mag", "mag", "phot.mag", "zeropoint - 2.5 log10(flux); none where the flux is not positive"),
    ("mag_error", "mag", "stat.error;phot.mag", "from flux_error"),
    ("fwhm", "pixel", "phys.angSize;stat.fwhm", "of a round Gaussian with the second moments of the source"),
    ("elongation", "", "src.morph.param", "longer axis over the shorter"),
    ("area", "pixel**2", "phys.angArea", "pixels above the threshold"),
    ("at_edge", "", "meta.code.qual", "1 where the aperture is not all on good pixels"),
)


class SourceListParameters(Parameters):
    """How sources are found and measured."""

    threshold = persistent(
        float, default=4.0, constraint="threshold > 0", doc="in standard deviations of the background"
    )
    min_area = persistent(
        int, default=5, unit="pixel**2", constraint="min_area > 0", doc="connected pixels above the threshold"
    )
    deblend = persistent(bool, default=True, doc="whether blended sources are taken apart")
    aperture = persistent(
        float, default=6.0, unit="pixel", constraint="aperture > 0", doc="radius in which the flux is summed"
    )
    zeropoint = persistent(float, default=25.0, unit="mag", doc="magnitude of a flux of 1")


class SourceList(DataObject, ProcessTarget):
    """The sources of a frame, detected and measured; ``survey.wrap(source_list)`` is the Source Collection of them.

    The file is a FITS table with one row a source. Sources of different lists are different sources: one is known by the number
    of its list (SLID), which all versions of a list share, and its number in the list (SID).
    A subclass may say which frame: ``def choose_frame(self, survey)``, or measure otherwise: ``def measure(self, image)``.
    """

    frame = link(DataObject, doc="whose file has the image, in the first part of it that is one")
    params = process_params(SourceListParameters)
    number = persistent(int, default=None, doc="SLID; the next that is free unless said", constraint="number >= 0")
    n_sources = persistent(int)

    def make(self) -> None:
        """Raises MissingExtra without photutils, InvalidInput ``no_image`` where the file of the frame has none."""
        if self.number is None:
            self.number = calls.survey_in_use().source_list_number(self)
        with self.frame.open() as file:
            image = read_image(file, repr(self.frame))
        columns = self.measure(image)
        self.n_sources = len(columns[NUMBER])
        table = as_fits(columns, {"flux": image.unit, "flux_error": image.unit})
        self.attach(table, name=f"{type(self).__name__}-{self.object_id}.fits")

    def measure(self, image: Image) -> dict[str, Array]:
        """Columns by name, parallel; `NUMBER` is one of them."""
        return detect(image, **self.params.as_dict())


class Image(NamedTuple):
    """pixels : ndarray, shape (ny, nx), float64 [unit]. masked : those that are no good. wcs : celestial coordinates, or None."""

    pixels: Array
    masked: Array
    wcs: Any
    unit: str = ""


def read_image(file: Any, what: str) -> Image:
    """The first image of a FITS file; pixels that are not finite, or set in the part MASK, are masked."""
    from astropy.io import fits
    from astropy.wcs import WCS

    with fits.open(file, memmap=False) as parts:
        found = next((p for p in parts if p.is_image and p.data is not None and p.data.ndim == 2), None)
        if found is None:
            raise InvalidInput(f"The file of {what} has no image of two dimensions.", code="no_image")
        pixels = np.asarray(found.data, "f8")
        masked = ~np.isfinite(pixels)
        if "MASK" in parts and parts["MASK"].data is not None:
            masked |= np.asarray(parts["MASK"].data) != 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers say much that is no standard
            wcs = WCS(found.header)
        unit = str(found.header.get("BUNIT", "")).strip()
    return Image(pixels, masked, wcs if wcs.has_celestial else None, unit)


def detect(image: Image, *, threshold: float, min_area: int, deblend: bool, aperture: float,
           zeropoint: float) -> dict[str, Array]:  # fmt: skip
    """Sources of an image: connected pixels above the background, measured in round apertures around their centroids."""
    try:
        from photutils.aperture import CircularAperture, aperture_photometry
        from photutils.segmentation import SourceCatalog, deblend_sources, detect_sources
    except ImportError:
        raise needs_extra("imaging", "Detecting sources") from None
    from astropy.stats import sigma_clipped_stats

    good = image.pixels[~image.masked]
    if not good.size:
        return _no_sources(image)
    _, background, noise = sigma_clipped_stats(good, sigma=3.0, maxiters=10)
    pixels = np.where(image.masked, 0.0, image.pixels - background)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no source is an answer
        segments = detect_sources(pixels, threshold * noise, min_area, mask=image.masked)
        if segments is None:
            return _no_sources(image)
        if deblend:
            segments = deblend_sources(pixels, segments, min_area, progress_bar=False)
    found = SourceCatalog(pixels, segments, mask=image.masked)
    x, y = np.atleast_1d(found.x_centroid), np.atleast_1d(found.y_centroid)
    measured = aperture_photometry(
        pixels, CircularAperture(np.transpose([x, y]), aperture), error=np.full(pixels.shape, noise), mask=image.masked
    )
    flux, error = np.asarray(measured["aperture_sum"], "f8"), np.asarray(measured["aperture_sum_err"], "f8")
    with np.errstate(divide="ignore", invalid="ignore"):
        mag = np.where(flux > 0, zeropoint - 2.5 * np.log10(flux), np.nan)
        mag_error = np.where(flux > 0, 2.5 / np.log(10) * error / flux, np.nan)
    i, j = np.rint(y).astype(int), np.rint(x).astype(int)
    reach = int(np.ceil(aperture))
    padded = np.pad(image.masked, reach, constant_values=True)
    at_edge = [padded[a : a + 2 * reach + 1, b : b + 2 * reach + 1].any() for a, b in zip(i, j, strict=True)]
    columns = {
        NUMBER: np.arange(1, len(x) + 1), "x": x + 1, "y": y + 1, "flux": flux, "flux_error": error, "mag": mag,
        "mag_error": mag_error, "fwhm": np.atleast_1d(found.fwhm.value), "elongation": np.atleast_1d(found.elongation.value),
        "area": np.rint(np.atleast_1d(found.segment_area.value)).astype("i4"), "at_edge": np.array(at_edge, "i2"),
    }  # fmt: skip
    if image.wcs is not None:
        columns["ra"], columns["dec"] = image.wcs.celestial.wcs_pix2world(x, y, 0)
    return columns


def _no_sources(image: Image) -> dict[str, Array]:
    whole = {NUMBER: "i8", "area": "i4", "at_edge": "i2"}
    names = [name for name, *_ in COLUMNS if image.wcs is not None or name not in ("ra", "dec")]
    return {name: np.empty(0, whole.get(name, "f8")) for name in names}


def as_fits(columns: Mapping[str, Array], units: Mapping[str, str]) -> bytes:
    """The columns as the bytes of a FITS table with units and UCDs; those that `COLUMNS` does not know come last."""
    from astropy.io import fits

    known = [row for row in COLUMNS if row[0] in columns]
    names = [row[0] for row in known]
    known += [(name, "", "", "") for name in columns if name not in names]
    kinds = {"f": "D", "i": "K", "u": "K"}
    made = []
    for name, unit, _, _ in known:
        values = np.asarray(columns[name])
        made.append(fits.Column(name, kinds[values.dtype.kind], unit or units.get(name) or None, array=values))
    table = fits.BinTableHDU.from_columns(made, name="SOURCES")
    for n, (name, unit, ucd, says) in enumerate(known, 1):
        if not unit and ucd and name not in units:
            table.header[f"TUNIT{n}"] = ""  # it has none, which is not that nobody says
        for keyword, value in ((f"TUCD{n}", ucd), (f"TCOMM{n}", says)):
            if value:
                table.header[keyword] = value
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(out)
    return out.getvalue()
