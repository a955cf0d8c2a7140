"""Expressions as calculators: vectors, several results, text and whole numbers, through a survey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import InvalidInput, LanguageError, UnitMismatch, UsageError
from tests.surveys import catalog, galaxies, nearby, open_survey, survey, write_fits  # noqa: F401


def columns() -> dict[str, Any]:
    given = galaxies()
    order = np.argsort(given["id"])
    return {name: values[order] for name, values in given.items()}


def test_a_vector_is_stored_selected_and_read_again(nearby: Any, open_survey: Any) -> None:
    nearby.define_calculator("place", requires=["ra", "dec"], expression="array(ra, dec)", unit="deg")
    nearby.define_calculator("south", requires=["place"], expression="-place[1]", unit="deg")
    pull = nearby.pull("A", ["id", "place", "south"], where="redshift < 0.2")
    given = columns()
    keep = given["redshift"] < 0.2
    table = pull.data()
    assert np.array_equal(table.columns["place"].values, np.stack([given["ra"], given["dec"]], axis=1)[keep])
    assert np.array_equal(table.columns["south"].values, -given["dec"][keep])
    assert pull.result.attributes()["place"].shape == (2,)
    again = open_survey().pull("A", ["place"], where="redshift < 0.1")
    assert again.data().columns["place"].values.shape == (int((given["redshift"] < 0.1).sum()), 2)
    assert again.measured.calculated == {}


def test_several_results_of_one_definition(nearby: Any) -> None:
    made = nearby.define_calculator(
        "sky", requires=["ra", "dec", "mag_u"], provides=["half", "bright"],
        expression="far = ra > 180; half = where(far, 'west', 'east'); bright = mag_u < 19 and not far",
    )  # fmt: skip
    assert made.expression == "far = ra > 180; half = where(far, 'west', 'east'); bright = mag_u < 19 and not far"
    assert list(made.provides) == ["half", "bright"]
    table = nearby.pull("A", ["ra", "half", "bright"]).table()
    assert np.array_equal(np.asarray(table["half"]) == "west", np.asarray(table["ra"]) > 180)
    assert nearby.pull("A", ["bright"]).measured is None
    assert nearby.pull("A", ["id"], where="bright and half = 'east'").data() is not None
    dictionary = nearby.define_calculator("two", requires=["ra", "dec"], expression={"s": "ra + dec", "d": "ra - dec"},
                                          units={"s": "deg", "d": "deg"}, ucds={"d": "pos"})  # fmt: skip
    assert dictionary.expression == "s = ra + dec; d = ra - dec"
    assert (list(dictionary.provides), list(dictionary.units), list(dictionary.ucds)) == (
        ["s", "d"],
        ["deg", "deg"],
        ["", "pos"],
    )
    assert nearby.pull("A", ["d"]).data().columns["d"].values.tolist() == (columns()["ra"] - columns()["dec"]).tolist()


def test_text_and_whole_numbers_go_in(survey: Any, tmp_path: Any) -> None:
    kinds, counts = np.array(["star", "galaxy", "star", "qso"]), np.array([1, 2, 3, 4], "i2")
    write_fits(tmp_path / "t.fits", {"id": np.arange(4), "kind": kinds, "n": counts})
    survey.ingest(tmp_path / "t.fits", name="T", id="id")
    survey.define_calculator("is_star", requires=["kind"], expression="kind = 'star'")
    survey.define_calculator("weight", requires=["kind", "n"], expression="where(kind in ('star', 'qso'), n * 2, 0)")
    survey.define_calculator("label", requires=["kind", "n"], expression="where(n > 2, kind, 'few')")
    table = survey.pull("T", ["is_star", "weight", "label"]).table()
    assert table["is_star"].tolist() == [True, False, True, False]
    assert table["weight"].tolist() == [2, 0, 6, 8]
    assert table["weight"].dtype == np.dtype("i8")
    assert table["label"].tolist() == ["few", "few", "star", "qso"]


def test_sources_without_a_value_are_counted(nearby: Any) -> None:
    nearby.define_calculator("depth", requires=["dec"], expression="log10(dec / 1 deg)")
    pull = nearby.pull("A", ["dec", "depth"])
    table = pull.data()
    below = table.columns["dec"].values <= 0
    assert len(table) == 1000
    assert np.array_equal(table.columns["depth"].null, below)
    assert list(pull.measured.failed.values()) == [int(below.sum())]


def test_an_older_definition_keeps_its_key(nearby: Any) -> None:
    """What decides whether two definitions are one must not change with the package: these keys were written by 0.1."""
    from provgraph.schema.keys import lineage_key

    made = nearby.definition("absmag_u")
    assert made.lineage_key == lineage_key(
        "AttributeCalculatorDefinition", "expression", ["redshift", "mag_u"], ["absmag_u"], "mag_u - distmod(redshift)", ["mag"],
        ["phys.magAbs;em.opt.U"], ["H0", "Om0"], [(70.0).hex(), (0.3).hex()],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"requires": ["ra"], "expression": "ra[0]"}, None),
        ({"requires": ["ra"], "expression": "ra", "provides": []}, "name_invalid"),
        ({"requires": ["ra"], "provides": ["a", "b"], "expression": "a = ra"}, "expression_syntax"),
        ({"requires": ["ra"], "provides": ["a", "a"], "expression": "a = ra"}, "calculator_invalid"),
        ({"requires": ["ra", "ra"], "provides": ["a"], "expression": "ra"}, "calculator_invalid"),
        ({"requires": ["ra"], "provides": ["a"], "expression": "ra", "units": {"b": "deg"}}, "unknown_attribute"),
        ({"requires": ["ra"], "provides": ["a"]}, "usage"),
        ({"requires": ["ra"], "provides": ["a"], "expression": "ra", "parameters": {"H0": 1}}, "unknown_parameter"),
        ({"requires": ["ra"], "provides": ["a"], "expression": "ra", "catalogs": {"c": "A"}}, "unknown_parameter"),
    ],
)
def test_bad_wishes(nearby: Any, wish: dict[str, Any], code: str | None) -> None:
    name = "" if code == "name_invalid" else "wish"
    if code is None:
        nearby.define_calculator(name, **wish)
        with pytest.raises(LanguageError, match="ra is one value and has no entry 0"):
            nearby.pull("A", [name])
        return
    with pytest.raises((InvalidInput, UsageError)) as caught:
        nearby.define_calculator(name, **wish)
    assert caught.value.code == code


def test_vectors_of_other_lengths_are_refused_before_data(nearby: Any) -> None:
    nearby.define_calculator("two", requires=["ra", "dec"], expression="array(ra, dec)", unit="deg")
    nearby.define_calculator("sum3", requires=["two"], expression="two + array(1 deg, 2 deg, 3 deg)")
    with pytest.raises(LanguageError) as caught:
        nearby.pull("A", ["sum3"])
    assert caught.value.code == "expression_shapes"
    nearby.define_calculator("sum2", requires=["two"], expression="two + 1 pc", unit="deg")
    with pytest.raises(UnitMismatch):
        nearby.pull("A", ["sum2"])
