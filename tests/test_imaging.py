"""The example of images: from raw frames to a histogram, and exactly what each event makes out of date, on both engines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph import link, persistent
from tests.surveys import OpenSurvey, open_survey  # noqa: F401

for module in ("ccdproc", "photutils", "reproject"):
    pytest.importorskip(module)

from examples.imaging import events, pipeline  # noqa: E402
from examples.imaging.night import FIELDS  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # astropy says much about headers


@pytest.fixture
def example(open_survey: OpenSurvey, tmp_path: Path) -> Iterator[events.Example]:
    with events.example(tmp_path, exposures=2, stars=30, open_survey=open_survey) as made:
        yield made


OLD = {"F12": ("001", "002"), "F13": ("003", "004")}  # the exposures of each field
NEW = "011"
FRAMES = [f"{cls} {f} {n}" for cls in ("ReducedFrame", "ResampledFrame") for f in OLD
          for n in (*OLD[f], *([NEW] if f == "F12" else []))]  # fmt: skip
AFTER = [f"{cls} {f}" for cls in events.ORDER[4:] for f in FIELDS]  # from coadds to histograms


def versions(made: tuple[str, ...]) -> dict[str, int]:
    return {name: int(version) for name, _, version in (m.partition("@") for m in made)}


def test_each_event_makes_out_of_date_what_it_should(example: events.Example) -> None:
    first = example.begin()
    assert [sum(h.counts) > 10 for h in first] == [True, True]
    assert example.out_of_date() == {}

    told = example.after(example.new_raw_frame)
    assert list(told.out_of_date) == ["Coadd F12", "FieldSources F12", "PulledCatalog F12", "MagnitudeHistogram F12"]
    assert told.causes() == {"1 more is there for `frames`": ["Coadd F12"]}
    assert told.out_of_date["MagnitudeHistogram F12"] == (
        "FieldSources@1 is out of date: Coadd@1 is out of date: 1 more is there for `frames`",
    )
    assert versions(told.made) == {
        f"ReducedFrame F12 {NEW}": 1, f"ResampledFrame F12 {NEW}": 1, "Coadd F12": 2, "FieldSources F12": 2,
        "MagnitudeHistogram F12": 2,
    }  # fmt: skip
    assert example.out_of_date() == {}
    assert [o.depth for o in example.survey.find("field = 'F12'", cls="Coadd")] == [3, 2]

    told = example.after(example.better_flat)
    assert list(told.out_of_date) == [*FRAMES, *AFTER]
    assert told.causes() == {"another one would be chosen for `flat` now": FRAMES[:5]}
    assert list(versions(told.made)) == [n for n in (*FRAMES, *AFTER) if not n.startswith("PulledCatalog")]
    assert example.out_of_date() == {}

    told = example.after(example.changed_parameter)
    assert list(told.out_of_date) == AFTER[2:]
    assert told.causes() == {"parameter `threshold` 4.0 → 6.0": ["FieldSources F12", "FieldSources F13"]}
    assert versions(told.made) == {
        "FieldSources F12": 4, "FieldSources F13": 3, "MagnitudeHistogram F12": 4, "MagnitudeHistogram F13": 3
    }  # fmt: skip
    assert example.out_of_date() == {}

    told = example.after(example.changed_line)
    assert list(told.out_of_date) == [*FRAMES, *AFTER]
    assert told.causes() == {"the code of `ReducedFrame.make` changed": FRAMES[:5]}
    assert list(versions(told.made)) == [n for n in (*FRAMES, *AFTER) if not n.startswith("PulledCatalog")]
    assert example.out_of_date() == {}

    told = example.after(example.same_result)
    darks = ["MasterDark 10 s", "MasterDark 60 s"]
    assert list(told.out_of_date) == [*darks, "MasterFlat g of 2", "MasterFlat g of 5", *FRAMES, *AFTER]
    assert told.causes() == {"the code of `MasterDark.make` changed": darks}
    assert versions(told.made) == dict.fromkeys(darks, 2)
    assert example.out_of_date() == {}


def test_from_raw_frames_alone_in_one_call(example: events.Example) -> None:
    survey = example.survey
    for path in [*example.night.calibration(2, 2), *(example.night.science("F12", n) for n in range(2))]:
        example.arrives(path)
    coadd = survey.target(pipeline.Coadd, field="F12", date=events.NIGHT).make()
    assert (coadd.depth, coadd.chosen) == (2, ("params", "frames"))
    assert {one.exposure for one in survey.find(cls="MasterDark")} == {10.0, 60.0}
    assert survey.status(coadd).up_to_date
    reduced = coadd.frames[0].reduced
    before, after = pipeline.image(reduced.raw).data, pipeline.image(reduced).data
    sky = np.s_[100:150, 100:150]
    assert np.std(np.median(after, axis=0)) < np.std(np.median(before[:, :], axis=0))  # the vignetting is gone
    assert abs(np.median(after[sky]) - 8.0 * 60) < 30

    sources = survey.make(survey.target(pipeline.FieldSources, field="F12", date=events.NIGHT).object())
    assert survey.find(cls="MagnitudeHistogram") == []
    catalog = survey.wrap(sources, name="F12")
    assert survey.wrap(sources).object_id == catalog.object_id
    pulled = survey.pull("F12", ["ra", "dec", "mag", "snr"], where="snr > 20")
    text = survey.lineage(pulled.result).text()
    for name in ("SourceListWrapper", "FieldSources", "Coadd", "ResampledFrame", "ReducedFrame", "MasterFlat", "MasterDark",
                 "RawScience", "RawFlat", "RawDark", "make (FieldSources)"):  # fmt: skip
        assert name in text, name
    table = pulled.table()
    # As bright as they were simulated, 60 s of 10**1.2 to 10**3.6 counts a second.
    ra, _ = FIELDS["F12"]
    assert len(table) > 10
    assert np.all(abs(table["ra"] - ra) < 0.03)
    assert 25 - 2.5 * np.log10(60 * 10**3.6) - 0.1 < np.min(table["mag"]) < 25 - 2.5 * np.log10(60 * 10**1.2)
    assert survey.get(sources.retrieve()).object_id == sources.object_id


def test_a_histogram_of_a_catalog_that_was_given(example: events.Example) -> None:
    example.begin()
    survey = example.survey
    (sources,) = survey.find("field = 'F12'", cls="FieldSources")
    bright = survey.wrap(sources).filter("mag < 15").select("mag")  # by hand, no pull
    given = survey.make(pipeline.MagnitudeHistogram(field="F12", date=events.NIGHT, catalog=bright))
    assert survey.status(given).up_to_date
    example.new_raw_frame()
    assert survey.status(given).status == survey.status(given.catalog).status == "OUT_OF_DATE"
    again = survey.make(given)
    assert (again.version, repr(again.catalog)) == (2, repr(given.catalog))
    assert again.catalog.parent.parent.delivered.version == 2
    assert survey.status(again).up_to_date

    listed = survey.wrap(sources).only_listed([sources.number * 2**32 + 1])
    with pytest.raises(provgraph.errors.OperatorError, match="numbers") as caught:
        survey.make(pipeline.MagnitudeHistogram(field="F12", date=events.NIGHT, catalog=listed))
    assert caught.value.code == "sources_renumbered"


# -- frames of real telescopes -------------------------------------------------------------------------------------------------


class CoveredImage(provgraph.DataObject, provgraph.ProcessTarget):
    """The part of an image that was exposed, by its map of weights."""

    image = link(provgraph.DataObject)
    weights = link(provgraph.DataObject)
    size = persistent(int, unit="pixel")

    def make(self) -> None:
        from astropy.io import fits

        with self.image.open() as file, self.weights.open() as other:
            (_, image), (_, weights) = fits.open(file), fits.open(other)
            cut = np.s_[: self.size, : self.size]
            part = fits.PrimaryHDU(np.where(weights.data[cut] > 0, image.data[cut], np.nan), image.header)
        part.header["BUNIT"] = "nanomaggy"
        out = io.BytesIO()
        part.writeto(out)
        self.attach(out.getvalue())


class SurveyImage(provgraph.DataObject):
    filename = persistent(str)


@pytest.fixture(scope="module")
def images(shared: Path) -> Path:
    folder = shared / "data" / "images"
    if not folder.is_dir():
        pytest.skip(f"the frames in {folder} are not there")
    return folder


@pytest.mark.shared
@pytest.mark.embedded
def test_sources_of_a_real_coadd(images: Path, tmp_path: Path) -> None:
    with provgraph.open(tmp_path / "survey") as survey:
        paths = [images / "coadd" / f"legacysurvey-0959p805-{what}-g.fits.fz" for what in ("image", "invvar")]
        image, weights = [SurveyImage(filename=p.name, file=p) for p in paths]
        params = provgraph.SourceListParameters(zeropoint=22.5, threshold=5.0)
        covered = CoveredImage(image=image, weights=weights, size=800)
        sources = survey.make(provgraph.SourceList(frame=covered, params=params))
        catalog = survey.wrap(sources, name="0959p805")
        assert catalog.attributes()["flux"].unit == "nanomaggy"
        table = survey.pull(catalog, ["ra", "dec", "mag"], where="at_edge = 0 and mag < 21").table()
        assert 10 < len(table) < sources.n_sources
        # Inside the brick, and as bright as galaxies and stars of a survey to 24 mag are.
        assert np.all(abs(table["dec"] - 80.5) < 0.2)
        assert 12 < np.min(table["mag"]) < 20


@pytest.mark.shared
@pytest.mark.embedded
def test_reduction_of_real_frames(images: Path, tmp_path: Path) -> None:
    folder, night = images / "sprat", datetime(2018, 8, 10, 12, tzinfo=UTC)
    with provgraph.open(tmp_path / "survey") as survey:

        def raw(cls: Any, name: str, exposure: float, **more: Any) -> Any:
            return cls(filename=name, exposure=exposure, date_obs=night, file=folder / name, **more)

        flat = raw(pipeline.RawFlat, "v_slit_red_1.fits.gz", 8.0, filter="red")
        dark = pipeline.MasterDark(date=night, exposure=600.0, raws=[raw(pipeline.RawDark, "v_dark_1.fits.gz", 600.0)])
        science = raw(pipeline.RawScience, "v_e_20180810_12_1_0_0.fits.gz", 120.0, filter="red", field="LHS6328")
        made = survey.make(pipeline.ReducedFrame(
            raw=science, dark=dark, flat=pipeline.MasterFlat(date=night, filter="red", raws=[flat]),
            params=pipeline.ReduceParameters(bias=905.0, scale_dark=True),
        ))  # fmt: skip
        pixels = pipeline.image(made).data
        counts = pipeline.image(science).data
        assert pixels.shape == counts.shape == (254, 1024)
        assert 0 < made.sky < np.median(counts) - 900
        # The trace of the star is where it was: the row with most light.
        assert np.argmax(np.nansum(pixels, axis=1)) == np.argmax(counts.sum(axis=1))
        assert "RawDark" in survey.lineage(made).text()
