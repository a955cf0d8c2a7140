"""The classes of the pipeline: what each object is, what it is made from, how that is chosen, and how it is made."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ccdproc
import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS
from reproject import reproject_interp

from provgraph import (
    DataObject,
    Parameters,
    ProcessTarget,
    SourceCollection,
    SourceList,
    SourceListParameters,
    link,
    persistent,
    process_params,
)

NIGHT = timedelta(days=1)


def night_of(time: datetime) -> datetime:
    """Noon before the night that a time is in, UTC: what nights are called by."""
    return (time - timedelta(hours=12)).replace(hour=12, minute=0, second=0, microsecond=0)


# -- raw frames ----------------------------------------------------------------------------------------------------------------


class RawImage(DataObject):
    """One exposure as it came from the camera."""

    filename = persistent(str, doc="name at the observatory")
    exposure = persistent(float, unit="s")
    date_obs = persistent(datetime, doc="when the exposure began")


class RawDark(RawImage):
    """An exposure with the shutter closed."""


class RawFlat(RawImage):
    """An exposure of an evenly lit screen."""

    filter = persistent(str)


class RawScience(RawImage):
    """An exposure of the sky."""

    filter = persistent(str)
    field = persistent(str, doc="name of the field")


def raw_frame(path: Path) -> RawImage:
    """The raw frame in a file, by its header."""
    header = fits.getheader(path)
    kind = {"DARK": RawDark, "FLAT": RawFlat}.get(header["OBSTYPE"], RawScience)
    known: dict[str, Any] = {"filter": header.get("FILTER"), "field": header.get("OBJECT")}
    began = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
    return kind(filename=path.name, exposure=header["EXPTIME"], date_obs=began, file=path,
                **{n: v for n, v in known.items() if n in kind.persistents})  # fmt: skip


# -- calibration ---------------------------------------------------------------------------------------------------------------


class MasterDark(DataObject, ProcessTarget):
    """What the camera counts without light in exposures of one length; valid for a week."""

    date = persistent(datetime, doc="noon before the night of its exposures")
    exposure = persistent(float, unit="s")
    raws = link(list[RawDark])
    valid_from = persistent(datetime)
    valid_to = persistent(datetime)
    level = persistent(float, unit="adu", doc="median")

    def choose_raws(self, survey: Any) -> Any:
        return [r for r in survey.current(RawDark, exposure=self.exposure) if night_of(r.date_obs) == self.date]

    def make(self) -> None:
        dark = combined([image(raw) for raw in self.raws])
        self.valid_from, self.valid_to = self.date, self.date + 7 * NIGHT
        self.level = float(np.median(dark.data))
        self.attach(as_fits(dark))


class MasterFlat(DataObject, ProcessTarget):
    """How sensitive each pixel is in one filter, 1 on average; valid for a night."""

    date = persistent(datetime, doc="noon before the night of its exposures")
    filter = persistent(str)
    raws = link(list[RawFlat])
    dark = link(MasterDark, optional=True)
    valid_from = persistent(datetime)
    valid_to = persistent(datetime)

    def choose_raws(self, survey: Any) -> Any:
        return [r for r in survey.current(RawFlat, filter=self.filter) if night_of(r.date_obs) == self.date]

    def choose_dark(self, survey: Any) -> Any:
        return survey.target(MasterDark, date=self.date, exposure=self.raws[0].exposure)

    def make(self) -> None:
        frames = [image(raw) for raw in self.raws]
        if self.dark is not None:
            frames = [without_dark(frame, image(self.dark)) for frame in frames]
        self.valid_from, self.valid_to = self.date, self.date + NIGHT
        self.attach(as_fits(combined([frame.divide(np.median(frame.data)) for frame in frames])))


# -- science frames ------------------------------------------------------------------------------------------------------------


class ReduceParameters(Parameters):
    bias = persistent(float, default=0.0, unit="adu", doc="level to take off where the dark does not have it")
    scale_dark = persistent(bool, default=False, doc="whether the dark is of another length and has no bias level")
    least_flat = persistent(float, default=0.1, doc="pixels that are less sensitive are not used")


class ReducedFrame(DataObject, ProcessTarget):
    """An exposure of the sky without what the camera did to it."""

    raw = link(RawScience)
    dark = link(MasterDark)
    flat = link(MasterFlat)
    params = process_params(ReduceParameters)
    sky = persistent(float, unit="adu", doc="median")

    def choose_dark(self, survey: Any) -> Any:
        return survey.target(MasterDark, date=night_of(self.raw.date_obs), exposure=self.raw.exposure)

    def choose_flat(self, survey: Any) -> Any:
        return survey.target(MasterFlat, date=night_of(self.raw.date_obs), filter=self.raw.filter)

    def make(self) -> None:
        frame = image(self.raw)
        frame = frame.subtract(self.params.bias * u.adu, handle_meta="first_found") if self.params.bias else frame
        frame = without_dark(frame, image(self.dark), scale=self.params.scale_dark)
        flat = image(self.flat)
        frame = ccdproc.flat_correct(frame, flat, min_value=self.params.least_flat)
        frame.data[flat.data < self.params.least_flat] = np.nan
        self.sky = float(np.nanmedian(frame.data))
        self.attach(as_fits(frame))


class GridParameters(Parameters):
    size = persistent(int, default=256, unit="pixel", doc="of the square around the centre of the field")


class ResampledFrame(DataObject, ProcessTarget):
    """A reduced frame on the grid of its field, without its sky."""

    reduced = link(ReducedFrame)
    params = process_params(GridParameters)

    def make(self) -> None:
        frame = image(self.reduced)
        grid = frame.wcs.deepcopy()
        grid.wcs.crpix = [(self.params.size + 1) / 2] * 2
        shape = (self.params.size, self.params.size)
        pixels, _ = reproject_interp((frame.data - self.reduced.sky, frame.wcs), grid, shape_out=shape)
        self.attach(as_fits(CCDData(pixels, unit=frame.unit, wcs=grid)))


class CoaddParameters(Parameters):
    clip = persistent(float, default=5.0, doc="pixels this many standard deviations from the others are left out")


class Coadd(DataObject, ProcessTarget):
    """All exposures of a field in a night, averaged."""

    field = persistent(str)
    date = persistent(datetime, doc="noon before the night")
    frames = link(list[ResampledFrame])
    params = process_params(CoaddParameters)
    depth = persistent(int, doc="number of frames")

    def choose_frames(self, survey: Any) -> Any:
        raws = [r for r in survey.current(RawScience, field=self.field) if night_of(r.date_obs) == self.date]
        return [survey.target(ResampledFrame, reduced=survey.target(ReducedFrame, raw=raw)) for raw in raws]

    def make(self) -> None:
        self.depth = len(self.frames)
        self.attach(as_fits(combined([image(frame) for frame in self.frames], clip=self.params.clip)))


# -- catalogs ------------------------------------------------------------------------------------------------------------------


class DetectParameters(SourceListParameters):
    threshold = persistent(float, default=4.0, constraint="threshold > 0", doc="in standard deviations of the sky")


class FieldSources(SourceList):
    """The sources on the coadd of a field."""

    field = persistent(str)
    date = persistent(datetime, doc="noon before the night")
    frame = link(Coadd)
    params = process_params(DetectParameters)

    def choose_frame(self, survey: Any) -> Any:
        return survey.target(Coadd, field=self.field, date=self.date)


class HistogramParameters(Parameters):
    brightest = persistent(float, default=10.0, unit="mag")
    faintest = persistent(float, default=22.0, unit="mag")
    bins = persistent(int, default=12)


class MagnitudeHistogram(ProcessTarget):
    """How many sources of a field there are of each magnitude."""

    field = persistent(str)
    date = persistent(datetime, doc="noon before the night")
    catalog = link(SourceCollection)
    params = process_params(HistogramParameters)
    counts = persistent(list[int], doc="sources in each bin, the brightest first")

    def choose_catalog(self, survey: Any) -> Any:
        sources = survey.target(FieldSources, field=self.field, date=self.date)
        return sources.catalog(["mag", "snr"], where="snr > 10 and at_edge = 0")

    def make(self) -> None:
        table = self.catalog.table()
        edges = np.linspace(self.params.brightest, self.params.faintest, self.params.bins + 1)
        self.counts = np.histogram(table["mag"], edges)[0].tolist()


def define(survey: Any) -> None:
    """What the pulls of the pipeline derive."""
    survey.define_calculator(
        "snr", requires=["flux", "flux_error"], expression="flux / flux_error", unit="", ucd="stat.snr"
    )


# -- images --------------------------------------------------------------------------------------------------------------------


def image(of: Any) -> CCDData:
    """The image in the file of an object, in counts, with its length of exposure and its coordinates."""
    with of.open() as file, fits.open(file, memmap=False) as parts:
        first = next(p for p in parts if p.data is not None)
        wcs = WCS(first.header)
        made = CCDData(first.data.astype("f8"), unit=u.adu, wcs=wcs if wcs.has_celestial else None)
        made.header["EXPTIME"] = first.header.get("EXPTIME", 1.0)
    return made


def as_fits(frame: CCDData) -> bytes:
    """An image as the bytes of a FITS file; with nothing in its header that differs when the image is the same."""
    header = frame.wcs.to_header() if frame.wcs is not None else fits.Header()
    header["BUNIT"] = "adu"
    header["EXPTIME"] = frame.header.get("EXPTIME", 1.0)
    pixels = np.where(frame.mask, np.nan, frame.data) if frame.mask is not None else frame.data
    out = io.BytesIO()
    fits.PrimaryHDU(np.asarray(pixels, "f4"), header).writeto(out)
    return out.getvalue()


def without_dark(frame: CCDData, dark: CCDData, *, scale: bool = False) -> CCDData:
    """What is left of an exposure without the dark; scale : the dark is of another length."""
    times = [image.header["EXPTIME"] * u.s for image in (dark, frame)]
    return ccdproc.subtract_dark(frame, dark, dark_exposure=times[0], data_exposure=times[1], scale=scale)


def combined(frames: Sequence[CCDData], *, clip: float = 5.0) -> CCDData:
    """The average of images, without pixels that are no numbers or far from the others."""
    for frame in frames:
        frame.mask = ~np.isfinite(frame.data)
    combiner = ccdproc.Combiner(list(frames))
    combiner.sigma_clipping(low_thresh=clip, high_thresh=clip, func=np.ma.median)
    made = combiner.average_combine()
    made.wcs = frames[0].wcs
    made.header["EXPTIME"] = frames[0].header.get("EXPTIME", 1.0)
    return made
