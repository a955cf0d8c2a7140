"""Functions of an installed package as calculators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import CalculatorError, InvalidInput, NotFound, OperatorError, ProvgraphError, UnitMismatch
from tests.installed import Site, replacing, site  # noqa: F401
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401


def columns() -> dict[str, Any]:
    given = galaxies()
    order = np.argsort(given["id"])
    return {name: values[order] for name, values in given.items()}


def value(pull: Any, name: str) -> tuple[Any, Any]:
    column = pull.data().columns[name]
    return column.values, np.zeros(len(column.values), bool) if column.null is None else column.null


def test_what_a_package_says_of_its_calculator(nearby: Any, site: Site) -> None:
    made = nearby.define_calculator(entry_point="absmag")
    assert (made.name, made.kind, list(made.requires), list(made.provides)) == (
        "absmag", "python", ["redshift", "mag_u"], ["absmag"]
    )  # fmt: skip
    assert (made.distribution, made.distribution_version) == ("skycalc", "1.0")
    assert made.code.startswith("sha256:")
    assert made.description == "Absolute magnitude by Hubble's law."
    assert made.defaults() == {"H0": 70.0}
    assert list(made.units) == ["mag"]
    assert list(made.ucds) == ["phot.magAbs"]
    assert nearby.define_calculator(entry_point="absmag").object_id == made.object_id
    assert made.statement == "absmag = absmag of skycalc 1.0"


def test_it_is_calculated_on_just_the_sources_asked_for(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="absmag")
    pull = nearby.pull("A", ["id", "absmag"], where="redshift < 0.2")
    found, null = value(pull, "absmag")
    given = columns()
    keep = given["redshift"] < 0.2
    wanted = given["mag_u"][keep] - 5 * np.log10(299792.458 * given["redshift"][keep] / 70.0) - 25.0
    np.testing.assert_array_equal(found, wanted)
    assert not null.any()
    assert list(pull.measured.calculated.values()) == [int(keep.sum())]
    everything = nearby.pull("A", ["absmag"])
    assert np.array_equal(value(everything, "absmag")[1], np.isnan(given["redshift"]))
    assert everything.measured.failed == {}  # who lacks an input has no value, and nothing has failed


def test_parameters_have_defaults_and_are_recorded(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="absmag", parameters={"H0": 100})
    usual, _ = value(nearby.pull("A", ["absmag"]), "absmag")
    other, _ = value(nearby.pull("A", ["absmag"], parameters={"absmag": {"H0": 50}}), "absmag")
    assert np.nanmax(np.abs(other - usual - 5 * np.log10(0.5))) < 1e-9
    with pytest.raises(InvalidInput) as caught:
        nearby.define_calculator(entry_point="absmag", parameters={"h0": 50})
    assert caught.value.code == "unknown_parameter"


def test_vectors_numbers_and_text_of_one_call(nearby: Any, site: Site) -> None:
    nearby.define_calculator("direction", entry_point="direction")
    result = nearby.pull("A", ["id", "xyz", "octant", "side"], where="dec < -4 or dec > 4.5")
    attributes = result.result.attributes()
    assert [(a.dtype, a.shape) for a in attributes.values()] == [("i8", ()), ("f8", (3,)), ("i2", ()), ("U", ())]
    table = result.table()
    assert np.allclose(np.linalg.norm(table["xyz"], axis=1), 1)
    assert set(table["side"]) == {"nord", "süd"}
    again = nearby.pull("A", ["id", "xyz", "side"], where="dec < -4.5")  # of what is stored
    assert again.data() is not None
    assert again.measured.calculated == {}
    assert set(again.table()["side"]) == {"süd"}


def test_a_calculator_of_the_whole_catalog(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="rank")
    given = columns()
    known = np.flatnonzero(~np.isnan(given["redshift"]))
    ranks = np.empty(len(known), int)
    ranks[np.argsort(given["redshift"][known])] = np.arange(len(known))
    pull = nearby.pull("A", ["id", "rank"], where="redshift < 0.1")
    before = pull.explain().after  # nothing is stored yet
    near = given["redshift"][known] < 0.1
    assert value(pull, "rank")[0].tolist() == ranks[near].tolist()  # among all, not among those selected
    assert list(pull.measured.calculated.values()) == [len(given["id"])]
    assert any(s.whole_catalog for s in before)
    # Ranks in two catalogs are two attributes, though definition and inputs are the same.
    near_a = nearby["A"].filter("redshift < 0.1")
    among = nearby.store(nearby.calculate(near_a, "rank"))
    assert among.attributes()["rank"].origin != nearby.calculate(nearby["A"], "rank").attributes()["rank"].origin
    assert sorted(nearby.table(among)["rank"]) == list(range(near.sum()))


def test_a_parameter_that_is_a_whole_catalog(nearby: Any, site: Site) -> None:
    a = nearby["A"]
    nearby.define_calculator(entry_point="crowd")
    with pytest.raises(ProvgraphError, match="needs a Source Collection as 'among'"):
        nearby.pull("A", ["crowd"])
    reference = nearby.store(a.filter("mag_u < 20"), name="reference")
    by_hand = nearby.calculate(a.filter("redshift < 0.05"), "crowd", {"among": reference, "width": 0.2})
    assert by_hand.catalogs[0].object_id == reference.object_id
    given = columns()
    other = given["redshift"][given["mag_u"] < 20]
    near = given["redshift"][given["redshift"] < 0.05]
    wanted = [np.sum((other >= z - 0.2) & (other < z + 0.2)) / len(other) for z in near]
    assert nearby.table(nearby.store(by_hand))["crowd"].tolist() == pytest.approx(wanted, abs=1e-12)
    # With a default a pull can use it; the selection of its sources does not move into the catalog.
    nearby.define_calculator("crowd", entry_point="crowd", catalogs={"among": "reference"}, parameters={"width": 0.2})
    pull = nearby.pull("A", ["id", "crowd"], where="redshift < 0.05")
    assert value(pull, "crowd")[0].tolist() == pytest.approx(wanted, abs=1e-12)
    assert list(pull.measured.calculated.values()) == [len(near)]
    roles = {e.properties.get("role") for e in nearby.lineage(pull.result).edges}
    assert "catalog" in roles
    assert "survey['" + reference.iri in pull.script()
    with pytest.raises(InvalidInput) as caught:
        nearby.calculate(a, "crowd", {"amongst": reference})
    assert caught.value.code == "unknown_parameter"


def test_one_source_at_a_time(nearby: Any, site: Site) -> None:
    nearby.define_calculator("slow", entry_point="one_by_one")
    pull = nearby.pull("A", ["redshift", "slow"])
    found, null = value(pull, "slow")
    z = columns()["redshift"]
    assert np.array_equal(null, np.isnan(z) | (z > 0.9))
    assert np.array_equal(found[~null], 2 * z[~null])
    failed = int((z > 0.9).sum())
    assert list(pull.measured.failed.values()) == [failed]
    activities = [
        n for n in nearby.lineage(pull.result).nodes if n.kind == "activity" and n.properties["method"] == "process"
    ]
    assert [a.properties["failed"] for a in activities] == [failed]


def test_who_wants_to_see_what_is_missing_gets_masks(nearby: Any, site: Site) -> None:
    nearby.define_calculator("filled", entry_point="filled")
    found, null = value(nearby.pull("A", ["filled"]), "filled")
    z = columns()["redshift"]
    assert not null.any()
    assert np.array_equal(found, np.where(np.isnan(z), -1, z))


def test_matrices_run_in_batches_of_one_size(nearby: Any, site: Site) -> None:
    definition = nearby.define_calculator("score", entry_point="matrix")
    assert definition.batch == 64
    everything, null = value(nearby.pull("A", ["score"]), "score")
    given = columns()
    for row in np.flatnonzero(~null)[[0, 63, 64, 400, -1]]:
        one = nearby["A"].only_listed([given["id"][row]])
        alone = nearby.table(nearby.store(nearby.calculate(one, "score")))["score"]
        assert alone.tobytes() == everything[row].tobytes()


@pytest.mark.parametrize(
    ("entry_point", "attribute", "code", "says"),
    [
        ("short", "short", "calculator_result", "short@1 gave {less} values for {n} sources for 'short'"),
        ("flat", "flat", "calculator_result", "gave values of shape () where it declares (2,) for 'flat'"),
        ("whole", "whole", "calculator_result", "gave values of type float64 where it declares i4 for 'whole'"),
        ("one_of_two", "two", "calculator_result", "gave one ndarray; it declares one, two"),
    ],
)
def test_a_result_that_is_not_what_was_declared(nearby: Any, site: Site, entry_point: str, attribute: str, code: str,
                                                says: str) -> None:  # fmt: skip
    nearby.define_calculator(entry_point=entry_point)
    with pytest.raises(CalculatorError) as caught:
        nearby.pull("A", [attribute]).data()
    assert caught.value.code == code
    n = int((~np.isnan(columns()["redshift"])).sum())
    assert says.format(n=n, less=n - 1) in caught.value.message
    assert nearby["A"].count() == 1000  # nothing of it was kept
    with pytest.raises(CalculatorError):
        nearby.pull("A", [attribute]).data()


def test_code_that_raises_names_source_inputs_and_definition(nearby: Any, site: Site) -> None:
    nearby.define_calculator("broken", entry_point="raises")
    assert len(nearby.pull("A", ["broken"], where="redshift < 0.4").data()) > 0
    with pytest.raises(CalculatorError) as caught:
        nearby.pull("A", ["broken"]).data()
    error = caught.value
    given = columns()
    first = int(np.flatnonzero(given["redshift"] > 0.5)[0])
    assert error.code == "calculator_failed"
    assert error.details["sources"] == [str(given["id"][first])]
    assert "\n" not in error.message
    place = f"source {given['id'][first]} with redshift={given['redshift'][first]}"
    assert f"broken@1 (raises of skycalc 1.0) failed at {place}" in error.message
    assert "ValueError: no table beyond 0.5, but z =" in error.message


def test_units_are_checked_before_any_data(nearby: Any, site: Site, tmp_path: Any) -> None:
    from tests.surveys import write_fits

    nearby.define_calculator(entry_point="absmag")
    other = write_fits(
        tmp_path / "b.fits", {"id": np.arange(3), "redshift": np.ones(3), "mag_u": np.ones(3)}, {"mag_u": "Jy"}
    )
    b = nearby.ingest(other, name="B", id="id", units={"redshift": ""})
    with pytest.raises(UnitMismatch, match=r"absmag@1 needs mag_u in \[mag\], and it has \[Jy\]"):
        nearby.calculate(b, "absmag")
    with pytest.raises(UnitMismatch):
        nearby.pull("B", ["absmag"])
    assert nearby.calculate(nearby["A"], "absmag").definition.check_units(nearby["A"].attributes()) == ()


def test_what_is_not_installed_or_no_calculator(nearby: Any, site: Site) -> None:
    with pytest.raises(NotFound, match="did you mean 'absmag'") as caught:
        nearby.define_calculator(entry_point="absmagg")
    assert caught.value.code == "calculator_missing"
    with pytest.raises(InvalidInput, match="not declared as a calculator") as refused:
        nearby.define_calculator(entry_point="undeclared")
    assert refused.value.code == "calculator_invalid"
    with pytest.raises(CalculatorError, match="AttributeError") as broken:
        nearby.define_calculator(entry_point="missing_function")
    assert broken.value.code == "calculator_missing"
    with pytest.raises(InvalidInput, match="said by the package"):
        nearby.define_calculator(entry_point="absmag", requires=["redshift"])


def test_other_code_under_the_same_name_is_a_new_version(nearby: Any, site: Site) -> None:
    first = nearby.define_calculator(entry_point="absmag")
    near = nearby.pull("A", ["id", "absmag"], where="redshift < 0.1", name="near")
    before = value(near, "absmag")[0].copy()
    assert nearby.status("near").not_here == ()
    site.install("1.0", replacing("methods.py", "ZERO_POINT = 25.0", "ZERO_POINT = 26.0"))
    assert nearby.status("near").status == "UP_TO_DATE"  # it is what it was; only here it could not be made again
    assert nearby.status("near").not_here == (
        "absmag@1 was absmag of skycalc 1.0, and the code that is installed, of skycalc 1.0, is another one",
    )
    assert "cannot be made again here: absmag@1 was" in str(nearby.status("near"))
    # What was made is there; what is not there cannot be made with this definition any more.
    assert np.array_equal(value(nearby.pull("A", ["id", "absmag"], where="redshift < 0.1"), "absmag")[0], before)
    with pytest.raises(CalculatorError, match=r"define it again, as a new version: survey.define_calculator") as caught:
        nearby.pull("A", ["absmag"]).data()
    assert caught.value.code == "calculator_changed"
    second = nearby.define_calculator(entry_point="absmag")
    assert (second.version, second.identity) == (2, first.identity)
    assert nearby.status("near").status == "NEWER_EXISTS"
    assert "absmag@1, and absmag@2 is newer" in nearby.status("near").reasons[0]
    successor = nearby.pull("A", ["id", "absmag"], where="redshift < 0.1")
    assert np.allclose(value(successor, "absmag")[0], before - 1)
    assert nearby.status(successor.result).status == "UP_TO_DATE"
    site.remove()
    with pytest.raises(NotFound, match="No installed package has a calculator 'absmag'"):
        nearby.pull("A", ["absmag"]).data()
    assert "no installed package has a calculator 'absmag'" in nearby.status("near").not_here[0]


def test_a_new_release_with_the_same_code_goes_on_calculating(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="absmag")
    site.install("1.1")
    assert len(nearby.pull("A", ["absmag"], name="all").data()) == 1000
    assert nearby.status("all").not_here == ()
    assert (
        nearby.define_calculator(entry_point="absmag").version == 2
    )  # another release: known by distribution and version


def test_a_contract_is_checked_on_request(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="absmag")
    nearby.define_calculator(entry_point="matrix")
    nearby.define_calculator(entry_point="rank")
    good = nearby.check_calculator("absmag", "A", sample=100)
    assert (good.sources, good.deviation) == (100, 0.0)
    assert nearby.check_calculator("matrix", "A").deviation == 0
    assert nearby.check_calculator("rank", nearby["A"]).calls == 2
    nearby.define_calculator("random", entry_point="random")
    with pytest.raises(CalculatorError, match=r"and the second time .*; it is not deterministic") as caught:
        nearby.check_calculator("random", "A")
    assert caught.value.code == "calculator_not_deterministic"
    nearby.define_calculator("centred", entry_point="centred")
    with pytest.raises(CalculatorError, match="depend on its own source alone") as caught:
        nearby.check_calculator("centred", "A")
    assert caught.value.code == "calculator_not_per_source"
    nearby.define_calculator(entry_point="crowd")
    with pytest.raises(OperatorError, match="among"):
        nearby.check_calculator("crowd", "A")
