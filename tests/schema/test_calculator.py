"""What a definition refuses, and that it says whose fault it is."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.errors import InvalidInput, LanguageError, UnitMismatch
from provgraph.schema.calculator import AttributeCalculatorDefinition
from tests.surveys import catalog, nearby, open_survey, survey, write_fits  # noqa: F401


@pytest.mark.parametrize(("parameters", "why"), [
    ({"H0": -70}, "H0 is -70; it must be positive"), ({"H0": float("nan")}, "H0 is nan"), ({"H0": "far"}, "a number, not 'far'"),
    ({"H0": None}, "a number, not None"), ({"Om0": 1.5}, "Om0 is 1.5; it must be from"),
])  # fmt: skip
def test_process_parameters_without_a_result_are_refused(nearby: Any, parameters: Any, why: str) -> None:
    before = len(nearby.definitions())
    with pytest.raises(InvalidInput) as caught:
        nearby.define_calculator(
            "far", requires=["redshift"], expression="distmod(redshift)", unit="mag", parameters=parameters
        )
    assert caught.value.code == "parameter_invalid"
    assert why in caught.value.message
    assert "'far'" in caught.value.message
    with pytest.raises(InvalidInput) as caught:
        nearby.calculate(nearby["A"], "absmag_u", parameters=parameters)
    assert caught.value.code == "parameter_invalid"
    assert "'absmag_u'" in caught.value.message
    assert len(nearby.definitions()) == before


def test_a_definition_that_was_stored_is_read_whatever_it_says() -> None:
    values = {"parameter_names": ["H0"], "parameter_values": [-70.0], "name": "old", "requires": ["z"], "provides": ["old"],
              "expression": "distmod(z)", "units": ["mag"], "ucds": ["no.word"]}  # fmt: skip
    told = dict.fromkeys(("object_id", "identity", "creator", "created", "project"), "x") | {"version": 1, "repeat": 0}
    one = AttributeCalculatorDefinition.restore({**values, **told}, {})
    assert one.defaults() == {"H0": -70.0}  # type: ignore[attr-defined]


def test_a_unit_that_does_not_fit_says_in_which_calculator(nearby: Any) -> None:
    nearby.define_calculator("nonsense", requires=["mag_u", "ra"], expression="mag_u + ra", unit="mag")
    with pytest.raises(UnitMismatch) as caught:
        nearby.pull("A", ["nonsense"])
    assert caught.value.code == "unit_mismatch"
    assert caught.value.message.startswith("Calculator 'nonsense': ")
    assert caught.value.details["calculator"] == "nonsense"
    assert caught.value.position is not None


def test_a_type_that_does_not_fit_says_in_which_calculator(survey: Any, tmp_path: Any) -> None:
    import numpy as np

    survey.ingest(
        write_fits(tmp_path / "t.fits", {"id": np.arange(3), "kind": np.array(["a", "b", "c"])}), name="T", id="id"
    )
    survey.define_calculator("loud", requires=["kind"], expression="kind + 1")
    with pytest.raises(LanguageError, match="Calculator 'loud': ") as caught:
        survey.pull("T", ["loud"])
    assert caught.value.code == "criterion_types"


def test_a_ucd_is_checked_where_somebody_declares_it(nearby: Any, survey: Any, tmp_path: Any) -> None:
    from astropy.io import fits
    from astropy.table import Table

    with pytest.raises(InvalidInput) as caught:
        nearby.define_calculator("bright", requires=["mag_u"], expression="mag_u", ucd="phot.magnitude")
    assert caught.value.code == "ucd_invalid"
    hdu = fits.table_to_hdu(Table({"id": [1, 2], "m": [1.0, 2.0]}))
    hdu.header["TUCD2"] = "not.a.word"
    hdu.writeto(tmp_path / "ucd.fits")
    with pytest.raises(InvalidInput, match=r"'not\.a\.word', declared for 'm'"):
        survey.ingest(tmp_path / "ucd.fits", id="id", ucds={"m": "not.a.word"})
    kept = survey.ingest(tmp_path / "ucd.fits", id="id")
    assert kept.attributes()["m"].ucd == "not.a.word"  # what a file says is nobody's mistake here
