"""Source lists: detected and measured, numbered, and wrapped as Source Collections, on both engines."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph import persistent
from provgraph.errors import InvalidInput, MissingExtra, ProvgraphError
from provgraph.targets.source_list import COLUMNS, NUMBER, Image, as_fits, detect
from tests.surveys import OpenSurvey, open_survey  # noqa: F401

HOW = {"threshold": 4.0, "min_area": 5, "deblend": True, "aperture": 6.0, "zeropoint": 25.0}
STARS = ((20.0, 30.0, 5000.0), (70.0, 64.0, 20000.0), (2.0, 90.0, 8000.0))  # x, y from 0, and flux


def pixels(stars: Any = STARS, *, size: int = 100) -> np.ndarray[Any, Any]:
    y, x = np.mgrid[:size, :size]
    found = np.random.default_rng(3).normal(50.0, 1.0, (size, size))
    for at_x, at_y, flux in stars:
        found += flux / (2 * np.pi * 4) * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 8)
    return found


def frame_bytes(image: np.ndarray[Any, Any] | None, **cards: Any) -> bytes:
    import io

    from astropy.io import fits

    part = fits.PrimaryHDU(image)
    for name, value in cards.items():
        part.header[name] = value
    out = io.BytesIO()
    part.writeto(out)
    return out.getvalue()


class ListedFrame(provgraph.DataObject):
    filename = persistent(str)


class PairSources(provgraph.SourceList):
    """Measured otherwise."""

    def measure(self, image: Image) -> dict[str, Any]:
        return {NUMBER: np.arange(1, 3), "pixels": np.full(2, image.pixels.size)}


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def frame(name: str, image: np.ndarray[Any, Any] | None = None, **cards: Any) -> ListedFrame:
    return ListedFrame(filename=name, file=frame_bytes(pixels() if image is None else image, **cards))


@pytest.fixture
def photutils() -> Any:
    return pytest.importorskip("photutils")


def test_what_is_measured(photutils: Any) -> None:
    image = pixels()
    masked = np.zeros(image.shape, bool)
    masked[60:70, 78:] = True
    found = detect(Image(image, masked, None), **HOW)
    assert list(found[NUMBER]) == [1, 2, 3]
    order = [int(np.argmin(np.hypot(found["x"] - 1 - x, found["y"] - 1 - y))) for x, y, _ in STARS]
    assert sorted(order) == [0, 1, 2]
    for n, (x, y, flux) in list(zip(order, STARS, strict=True))[:2]:
        assert abs(found["x"][n] - 1 - x) < 0.2
        assert abs(found["y"][n] - 1 - y) < 0.2
        assert abs(found["flux"][n] / flux - 1) < 0.05
        assert found["mag"][n] == pytest.approx(25 - 2.5 * np.log10(found["flux"][n]))
        assert abs(found["flux_error"][n] - np.sqrt(np.pi * 36)) < 2
        assert 3.5 < found["fwhm"][n] < 6
    assert [int(found["at_edge"][n]) for n in order] == [0, 0, 1]
    assert "ra" not in found
    assert set(found) <= {name for name, *_ in COLUMNS}


@pytest.mark.parametrize("image", [np.full((40, 40), np.nan), np.zeros((40, 40)), np.ones((5, 5))])
def test_no_sources(photutils: Any, image: Any) -> None:
    found = detect(Image(image, ~np.isfinite(image), None), **HOW)
    assert {len(values) for values in found.values()} == {0}
    assert as_fits(found, {}) == as_fits(found, {})


def test_a_list_and_its_collection(survey: Any, photutils: Any) -> None:
    sky = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 50.5, "CRPIX2": 50.5,
           "CDELT1": -1e-4, "CDELT2": 1e-4}  # fmt: skip
    made = survey.make(provgraph.SourceList(frame=frame("a", BUNIT="adu", **sky)))
    assert (made.n_sources, made.number) == (3, 1)
    catalog = survey.wrap(made, name="stars")
    assert (catalog.source_list, catalog.delivered.object_id, catalog.version) == (1, made.object_id, 1)
    assert survey.identifiers(catalog).tolist() == [2**32 + n for n in (1, 2, 3)]
    attributes = catalog.attributes()
    assert (attributes["ra"].unit, attributes["ra"].ucd) == ("deg", "pos.eq.ra;meta.main")
    assert (attributes["flux"].unit, attributes["elongation"].unit, attributes["fwhm"].unit) == ("adu", "", "pixel")
    bright = survey.pull("stars", ["ra", "dec", "mag"], where="mag < 15 and at_edge = 0").table()
    assert len(bright) == 1
    assert abs(bright["ra"][0] - 149.998) < 0.0005
    assert survey.wrap(made).object_id == catalog.object_id
    assert survey.get(made.retrieve()).object_id == made.object_id  # a list that was wrapped is still that list

    other = survey.make(provgraph.SourceList(frame=frame("b", pixels(STARS[:1]))))
    assert other.number == 2
    both = survey.wrap(other).select("mag").union(catalog.select("mag"))
    assert len(both) == 4
    assert survey.make(provgraph.SourceList(frame=other.frame)).object_id == other.object_id
    assert survey.make(made, force=True) is made  # the same bytes under the same number


def test_the_next_version_of_a_list(survey: Any, photutils: Any) -> None:
    first = survey.store(frame("a"))
    made = survey.make(provgraph.SourceList(frame=first))
    survey.new_version(first, file=frame_bytes(pixels(STARS[:2])))
    old = survey.wrap(made, name="stars")
    assert survey.status(old).status == "OUT_OF_DATE"
    again = survey.make(made)
    assert (again.number, again.version, again.n_sources) == (1, 2, 2)
    new = survey.wrap(again)
    assert (new.name, new.version, new.identity) == ("stars", 2, old.identity)
    assert survey["stars"].object_id == new.object_id
    assert survey.wrap(made).object_id == old.object_id
    assert survey.status(new).up_to_date


def test_a_newer_version_may_be_wrapped_first(survey: Any, photutils: Any) -> None:
    first = survey.store(frame("a"))
    made = survey.make(provgraph.SourceList(frame=first))
    survey.new_version(first, file=frame_bytes(pixels(STARS[:2])))
    new = survey.wrap(survey.make(made))
    old = survey.wrap(made)
    assert (old.version, new.version, old.identity) == (1, 2, new.identity)


def test_numbers_that_are_said(survey: Any) -> None:
    said = survey.make(PairSources(frame=frame("a"), number=7))
    assert survey.wrap(said).source_list == 7
    assert survey.make(PairSources(frame=frame("b"))).number == 8
    twice = survey.make(PairSources(frame=frame("c"), number=7))
    with pytest.raises(ProvgraphError, match="Source list 7") as caught:
        survey.wrap(twice)
    assert caught.value.code == "source_list_taken"


def test_numbers_are_given_once_to_many_at_once(survey: Any) -> None:
    lists = [PairSources(frame=frame(f"f{n}")) for n in range(8)]
    made = survey.make(*lists, jobs=4)
    assert sorted(one.number for one in made) == list(range(1, 9))


def test_measured_otherwise(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = survey.make(PairSources(frame=frame("a")))
    assert survey.wrap(made).table()["pixels"].tolist() == [10000, 10000]

    def measure(self: PairSources, image: Image) -> dict[str, Any]:
        return {NUMBER: np.arange(1, 2)}

    monkeypatch.setattr(PairSources, "measure", measure)
    assert survey.status(made).reasons == ("the code of `PairSources.make` changed",)
    assert survey.make(made).n_sources == 1


def test_what_cannot_be_wrapped(survey: Any) -> None:
    one = frame("a")
    for wrong, code in ((one, "not_a_source_list"), ("x.fits", "not_found"), (PairSources(frame=one), "not_stored")):
        with pytest.raises(ProvgraphError) as caught:
            survey.wrap(wrong)
        assert caught.value.code == code


def test_a_frame_without_an_image(survey: Any, photutils: Any) -> None:
    empty = ListedFrame(filename="e", file=frame_bytes(None))
    with pytest.raises(InvalidInput, match="no image") as caught:
        survey.make(provgraph.SourceList(frame=empty))
    assert caught.value.code == "no_image"


def test_without_photutils(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def missing(name: str, *more: Any, **other: Any) -> Any:
        if name.startswith("photutils"):
            raise ImportError(name)
        return there(name, *more, **other)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'provgraph\[imaging\]'"):
        detect(Image(pixels(), np.zeros((100, 100), bool), None), **HOW)
