"""Whether what was made is still what would be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import CannotDerive, InvalidInput, UsageError
from tests.surveys import EXPRESSION, catalog, galaxies, nearby, open_survey, survey, write_fits  # noqa: F401


def second(survey: Any) -> Any:
    return survey.define_calculator(
        "absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION + " + 0.1", unit="mag"
    )


def test_what_was_made_stays_and_says_that_a_newer_one_exists(nearby: Any) -> None:
    nearby.define_calculator("luminous", requires=["absmag_u"], expression="absmag_u < -20")
    near = nearby.pull("A", ["id", "absmag_u", "luminous"], where="redshift < 0.1", name="near")
    before = near.table()
    assert nearby.status("near").status == "UP_TO_DATE"
    assert nearby.status("near").reasons == ()
    second(nearby)
    found = nearby.status("near")
    assert found.status == "NEWER_EXISTS"
    assert found.reasons == ("it rests on what was calculated by absmag_u@1, and absmag_u@2 is newer",)
    assert "because it rests on" in str(found)
    made = next(
        c for c in nearby.collections() if type(c).__name__ == "AttributeCalculator" and "absmag_u" in c.attributes()
    )
    assert nearby.status(made).reasons == ("it was calculated by absmag_u@1, and absmag_u@2 is newer",)
    assert nearby.status("A").status == "UP_TO_DATE"
    assert np.array_equal(nearby["near"].table()["absmag_u"], before["absmag_u"])  # never what was made
    successor = nearby.pull("A", ["id", "absmag_u", "luminous"], where="redshift < 0.1")
    assert successor.result.object_id != near.result.object_id
    assert nearby.status(successor.result).status == "UP_TO_DATE"
    assert np.allclose(successor.table()["absmag_u"], before["absmag_u"] + 0.1)


def test_an_invalid_definition_is_used_by_no_pull(nearby: Any) -> None:
    near = nearby.pull("A", ["absmag_u"], where="redshift < 0.1", name="near")
    before = near.table()["absmag_u"].copy()
    nearby.invalidate("absmag_u", "the zero point was wrong")
    found = nearby.status("near")
    assert found.status == "OUT_OF_DATE"
    assert found.reasons == (
        "it rests on what was calculated by absmag_u@1, which was declared invalid: the zero point was wrong",
    )
    with pytest.raises(CannotDerive, match="absmag_u@1 was declared invalid: the zero point was wrong"):
        nearby.pull("A", ["absmag_u"])
    with pytest.raises(InvalidInput, match="declared invalid: the zero point was wrong") as caught:
        nearby.calculate(nearby["A"], "absmag_u")
    assert caught.value.code == "calculator_invalidated"
    with pytest.raises(InvalidInput, match="declared invalid"):
        nearby.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION, unit="mag",
                                 ucd="phys.magAbs;em.opt.U")  # fmt: skip
    assert np.array_equal(nearby["near"].table()["absmag_u"], before)
    second(nearby)
    successor = nearby.pull("A", ["absmag_u"], where="redshift < 0.1")
    assert any("declared invalid" in c.reason for c in successor.choices() if c.outcome == "rejected")
    assert nearby.status(successor.result).status == "UP_TO_DATE"
    assert nearby.status("near").status == "OUT_OF_DATE"
    notes = nearby.notes(nearby.definition("absmag_u@1"))
    assert [(n["kind"], n["value"], n["reason"]) for n in notes] == [
        ("validity", "invalid", "the zero point was wrong")
    ]


def test_when_the_newest_is_invalid_the_one_before_it_serves(nearby: Any) -> None:
    first = nearby.pull("A", ["absmag_u"], name="first")
    second(nearby)
    newer = nearby.pull("A", ["absmag_u"], name="newer")
    nearby.invalidate("absmag_u@2", "0.1 is too much")
    assert nearby.status("first").status == "UP_TO_DATE"
    assert nearby.status("newer").status == "OUT_OF_DATE"
    assert nearby.pull("A", ["absmag_u"]).result.object_id == first.result.object_id
    nearby.validate("absmag_u@2", "0.1 was right")
    assert nearby.status("newer").status == "UP_TO_DATE"
    assert nearby.status("first").status == "NEWER_EXISTS"
    assert nearby.pull("A", ["absmag_u"]).result.object_id == newer.result.object_id


def test_another_version_of_a_catalog(nearby: Any, tmp_path: Any) -> None:
    near = nearby.pull("A", ["id", "absmag_u"], name="near")
    nearby.ingest(write_fits(tmp_path / "new.fits", galaxies(seed=2)), id="id", units={"redshift": ""}, replaces="A")
    found = nearby.status(near.result)
    assert found.status == "NEWER_EXISTS"
    assert found.reasons == ("it comes from A@1, and version 2 of this catalog was ingested",)
    assert nearby.status("A").status == "UP_TO_DATE"  # the newest of this name


def test_a_reason_is_needed(nearby: Any) -> None:
    with pytest.raises(UsageError, match="Say why"):
        nearby.invalidate("absmag_u", " ")
    with pytest.raises(InvalidInput, match="A Source Collection is not declared valid or invalid"):
        nearby.invalidate(nearby["A"], "wrong")
    assert nearby.notes(nearby.definition("absmag_u")) == []


def test_why_says_the_status_too(nearby: Any) -> None:
    near = nearby.pull("A", ["absmag_u"], name="near")
    nearby.invalidate("absmag_u", "the zero point was wrong")
    assert "OUT_OF_DATE" in str(nearby.why(near.result))


def test_the_status_of_what_is_not_stored(nearby: Any) -> None:
    by_hand = nearby.calculate(nearby["A"], "absmag_u").select("absmag_u")
    assert nearby.status(by_hand).status == "UP_TO_DATE"
    second(nearby)
    assert nearby.status(by_hand).status == "NEWER_EXISTS"
