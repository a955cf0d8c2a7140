"""Why a collection is as it is: what every pull that led to it found, created and rejected."""

from __future__ import annotations

from typing import Any

from tests.surveys import EXPRESSION, catalog, galaxies, nearby, open_survey, survey  # noqa: F401


def outcomes(choices: Any) -> dict[str, str]:
    return {c.what: c.outcome for c in choices}


def test_what_is_there_already_was_found(nearby: Any) -> None:
    first = nearby.pull("A", ["absmag_u"], where="redshift < 0.1", name="first")
    assert outcomes(first.choices())["AttributeCalculator(A, absmag_u@1)"] == "created"
    # A definition that the request names is applied as it says, which is what the first pull has led to, too.
    wider = nearby.pull("A", ["absmag_u"], where="redshift < 0.2", use={"absmag_u": "absmag_u@1"}, name="wider")
    found = outcomes(wider.choices())
    assert found["AttributeCalculator(A, absmag_u@1)"] == "found"
    assert found["FilterSources(A, redshift < 0.2)"] == "created"
    assert outcomes(nearby.why("wider").pulls[0].choices) == found  # as it was recorded
    again = nearby.pull("A", ["absmag_u"], where="redshift < 0.1")
    assert set(outcomes(again.choices()).values()) == {"found"}
    explained = nearby.pull("A", ["absmag_u"], where="redshift < 0.1", create=False)
    assert outcomes(explained.choices()) == outcomes(again.choices())


def test_what_overruled_is_called_by_its_name(nearby: Any) -> None:
    nearby.pull("A", ["absmag_u"], where="redshift < 0.1", name="old")
    nearby.define_calculator("bright", requires=["mag_u"], provides=["absmag_u"], expression="mag_u - 40", unit="mag")
    nearby.pull("A", ["absmag_u"], use={"absmag_u": "bright"}, avoid=["old"], name="other")
    said = str(nearby.why("other"))
    assert 'overruled: use={"absmag_u": "bright@1"}' in said
    assert 'overruled: avoid=["old"]' in said
    assert said.splitlines()[1] == "status: UP_TO_DATE"


def test_of_what_was_made_by_hand(nearby: Any) -> None:
    made = nearby["A"].filter("redshift < 0.1")
    assert "made by hand" in str(nearby.why(made))
    assert nearby.status(made).status == "UP_TO_DATE"
    nearby.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION + " + 1", unit="mag")
    old = nearby["A"].calculate("absmag_u@1")
    assert nearby.status(old).status == "NEWER_EXISTS"
