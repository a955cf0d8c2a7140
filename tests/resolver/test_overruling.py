"""What the user overrules, how names of several origins are settled, and what is kept of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from provgraph.errors import CannotDerive, InvalidInput, OperatorError, UnknownAttribute
from tests.installed import site  # noqa: F401
from tests.surveys import open_survey, survey, write_fits  # noqa: F401


@pytest.fixture
def a(survey, tmp_path):
    rng = np.random.default_rng(1)
    columns = {"id": rng.permutation(300), "z": rng.random(300) + 0.01, "mag": rng.random(300)}
    return survey.ingest(
        write_fits(tmp_path / "a.fits", columns), id="id", name="A", ucds={"z": "src.redshift"}, units={"mag": "mag"}
    )


@pytest.fixture
def absmag(survey, a):
    return survey.define_calculator("absmag", requires=["z", "mag"], expression="mag - distmod(z)", unit="mag")


def test_process_parameters_of_a_pull_are_part_of_the_step(survey, a, absmag):
    plain = survey.pull(a, ["id", "absmag"])
    other = survey.pull(a, ["id", "absmag"], parameters={"absmag": {"H0": 67}})
    assert other.result.lineage_key != plain.result.lineage_key
    difference = np.asarray(other.table()["absmag"]) - np.asarray(plain.table()["absmag"])
    assert np.allclose(difference, 5 * np.log10(67 / 70))
    again = survey.pull(a, ["id", "absmag"], parameters={"absmag": {"H0": 67}})
    assert again.result.object_id == other.result.object_id
    assert not [c for c in again.choices() if c.outcome == "created"]
    assert survey.pull(a, ["id", "absmag"]).result.object_id == plain.result.object_id


def test_an_unknown_process_parameter_is_named(survey, a, absmag):
    with pytest.raises(InvalidInput) as caught:
        survey.pull(a, ["absmag"], parameters={"absmag": {"h0": 67}})
    assert caught.value.code == "unknown_parameter"
    assert "H0" in caught.value.message


@pytest.mark.parametrize(
    ("overruled", "code"),
    [({"parameters": {"absmg": {"H0": 67}}}, "parameters_unused"), ({"use": {"z2": "A"}}, "use_unused")],
)
def test_what_nothing_needs_is_not_ignored(survey, a, absmag, overruled, code):
    with pytest.raises(InvalidInput) as caught:
        survey.pull(a, ["absmag"], **overruled)
    assert caught.value.code == code


def test_use_takes_a_collection_whatever_ranks_higher(survey, a, absmag):
    other = survey.pull(a, ["id", "absmag"], parameters={"absmag": {"H0": 67}}).result
    taken = survey.pull(a, ["absmag"], use={"absmag": other})
    assert taken.result.attributes()["absmag"].origin == other.attributes()["absmag"].origin
    assert any("says to use it" in c.reason for c in taken.choices())


def test_use_that_cannot_be_says_why(survey, a, absmag, tmp_path):
    b = survey.ingest(write_fits(tmp_path / "b.fits", {"id": np.arange(5), "w": np.arange(5.0)}), id="id", name="B")
    with pytest.raises(OperatorError) as caught:
        survey.pull(a, ["w"], use={"w": b})
    assert caught.value.code == "use_impossible"
    assert "id space" in caught.value.message
    with pytest.raises(OperatorError) as caught:
        survey.pull(a, ["w"], use={"w": a})
    assert "no attribute 'w'" in caught.value.message


def test_avoid_leaves_a_definition_out(survey, a, absmag):
    survey.define_calculator("simple", requires=["mag"], provides="absmag", expression="mag - 40", unit="mag")
    taken = survey.pull(a, ["mag", "absmag"], avoid=["absmag"])
    assert np.allclose(taken.table()["absmag"], np.asarray(taken.table()["mag"]) - 40)
    used = survey.pull(a, ["mag", "absmag"], use={"absmag": "absmag"})
    assert not np.allclose(used.table()["absmag"], taken.table()["absmag"])


def test_two_calculators_of_equal_rank_are_an_error_that_names_both(survey, a, absmag):
    survey.define_calculator("simple", requires=["mag"], provides="absmag", expression="mag - 40", unit="mag")
    with pytest.raises(OperatorError) as caught:
        survey.pull(a, ["absmag"])
    assert caught.value.code == "attribute_ambiguous"
    assert "absmag@1" in caught.value.message
    assert "simple@1" in caught.value.message


def test_an_attribute_is_found_by_its_ucd(survey, a):
    pull = survey.pull(a, ["id", "src.redshift"])
    assert list(pull.result.attributes()) == ["id", "z"]
    with pytest.raises(UnknownAttribute):
        survey.pull(a, ["phot.mag;em.radio"])


def test_a_ucd_of_a_calculator(survey, a):
    survey.define_calculator("double", requires=["mag"], expression="2*mag", unit="mag", ucd="phot.mag;em.opt.V")
    assert list(survey.pull(a, ["phot.mag;em.opt.V"]).result.attributes()) == ["double"]


def test_a_ucd_that_two_attributes_have(survey, tmp_path):
    columns = {"id": np.arange(3), "z1": np.arange(3.0), "z2": np.arange(3.0)}
    b = survey.ingest(
        write_fits(tmp_path / "b.fits", columns), id="id", ucds={"z1": "src.redshift", "z2": "src.redshift"}
    )
    with pytest.raises(OperatorError) as caught:
        survey.pull(b, ["src.redshift"])
    assert "z1, z2" in caught.value.message


def test_why_tells_each_pull_that_said_something_new(survey, a, absmag):
    result = survey.pull(a, ["id", "absmag"], where="z < 0.5", name="near").result
    for _ in range(3):
        survey.pull("A", ["id", "absmag"], where="z < 0.5", avoid=[])
    said = survey.why("near")
    assert len(said.pulls) == 1  # the others asked for the same
    assert {c.outcome for c in said.pulls[0].choices} == {"created"}
    assert said.pulls[0].request["attributes"] == ["id", "absmag"]
    assert "asked for id, absmag where z < 0.5" in str(said)
    survey.pull(a, ["id", "absmag"], where="z < 0.5", use={"absmag": "absmag"})
    last = survey.why(result).pulls[-1]
    assert list(last.request["use"]) == ["absmag"]
    assert "overruled: use=" in str(last)
    assert json.dumps(last.request)


def test_looking_at_a_plan_keeps_nothing(survey, a, absmag):
    survey.pull(a, ["id", "absmag"], name="x")
    before = survey.why("x").pulls
    survey.pull(a, ["id", "absmag"], use={"absmag": "absmag"}, create=False)
    assert survey.why("x").pulls == before


def test_use_decides_the_inputs_of_what_is_derived(survey, a):
    """Also where the result is there already, made from the other one."""
    survey.define_calculator("first", requires=["mag"], provides="s", expression="2 * mag", unit="mag")
    survey.define_calculator("second", requires=["mag"], provides="s", expression="3 * mag", unit="mag")
    survey.define_calculator("goal", requires=["s"], expression="s + 1 mag", unit="mag")
    results = {}
    for use, factor in (("first", 2), ("second", 3), ("first", 2)):
        pull = survey.pull(a, ["mag", "goal"], use={"s": use})
        table = pull.table()
        assert np.allclose(table["goal"], factor * np.asarray(table["mag"]) + 1)
        assert results.setdefault(use, pull.result.object_id) == pull.result.object_id
    rejected = [c.reason for c in pull.choices() if c.outcome == "rejected"]
    assert "it was calculated from another s than first@1 gives" in rejected
    other = survey.pull(a, ["mag", "goal"], avoid=["first"])
    assert other.result.object_id == results["second"]
    # A collection says which values are meant, too.
    stored = next(c for c in survey.collections() if getattr(c, "definition", None) and c.definition.name == "first")
    by_collection = survey.pull(a, ["mag", "goal"], use={"s": stored})
    assert by_collection.result.object_id == results["first"]


def test_use_of_what_rests_on_an_invalid_definition_is_refused(survey, a, absmag):
    made = survey.pull(a, ["id", "absmag"], name="made").result
    survey.invalidate("absmag", "the zero point was wrong")
    with pytest.raises(OperatorError, match="declared invalid: the zero point was wrong") as caught:
        survey.pull(a, ["absmag"], use={"absmag": made})
    assert caught.value.code == "use_impossible"


def test_a_renamed_attribute_of_an_invalid_definition_is_not_used(survey, a, absmag):
    made = survey.pull(a, ["id", "absmag"]).result
    survey.store(made.rename(absmag="luminosity"), name="renamed")
    assert survey.pull(a, ["luminosity"]).result.attributes()["luminosity"].origin == made.attributes()["absmag"].origin
    survey.invalidate("absmag", "the zero point was wrong")
    with pytest.raises(
        CannotDerive, match="renamed has luminosity, but it rests on absmag@1, which was declared invalid"
    ):
        survey.pull(a, ["luminosity"])


def test_overruling_is_kept_about_an_older_result_too(survey, a, absmag):
    older = survey.pull(a, ["id", "absmag"], name="older").result
    survey.define_calculator("simple", requires=["mag"], provides="absmag", expression="mag - 40", unit="mag")
    again = survey.pull(a, ["id", "absmag"], avoid=["simple"], parameters={"absmag": {"H0": 70.0, "Om0": 0.3}})
    assert again.result.object_id == older.object_id  # parameters are part of the step, and these are the defaults
    first, second = survey.why("older").pulls
    assert "avoid" not in first.request
    assert second.request["avoid"] == [survey.definition("simple").object_id]
    assert second.request["parameters"] == {"absmag": {"H0": 70.0, "Om0": 0.3}}
    assert second.ranking == "most_general@2"
    assert second.recorded > older.created
    assert {c.outcome for c in second.choices} >= {"found"}


def test_a_whole_catalog_is_a_parameter_of_a_pull(survey, a, tmp_path, site):
    rng = np.random.default_rng(2)
    columns = {"id": np.arange(40), "redshift": rng.random(40), "mag_u": rng.random(40)}
    b = survey.ingest(write_fits(tmp_path / "b.fits", columns), id="id", name="B", units={"redshift": ""})
    reference = survey.store(b.filter("mag_u < 0.5"), name="reference")
    survey.define_calculator(entry_point="crowd")
    pulls = {
        key: survey.pull(
            b, ["id", "crowd"], where="redshift < 0.5", parameters={"crowd": {"among": among, "width": 0.2}}
        )
        for key, among in (("name", "reference"), ("object", reference), ("all", b))
    }
    assert pulls["name"].result.object_id == pulls["object"].result.object_id != pulls["all"].result.object_id
    for key, catalog in (("name", columns["redshift"][columns["mag_u"] < 0.5]), ("all", columns["redshift"])):
        near = columns["redshift"][columns["redshift"] < 0.5]
        wanted = [np.sum((catalog >= z - 0.2) & (catalog < z + 0.2)) / len(catalog) for z in near]
        plan = pulls[key].explain().after  # the selection of sources did not move into the catalog
        assert pulls[key].table()["crowd"].tolist() == pytest.approx(wanted, abs=1e-12)
        assert list(pulls[key].measured.calculated.values()) == [len(near)]
        assert any(s.operator == "AttributeCalculator" for s in plan)
    asked = survey.why(pulls["name"].result).pulls[-1].request
    assert asked["parameters"] == {"crowd": {"among": reference.object_id, "width": 0.2}}
    assert json.dumps(asked)
    assert "'among': 'reference@1'" in pulls["name"].script()
    assert "'among': survey['" in pulls["name"].script()
    again = survey.pull(b, ["id", "crowd"], parameters={"crowd": {"among": "reference", "width": 0.2}})
    assert again.result.attributes()["crowd"].origin == pulls["name"].result.attributes()["crowd"].origin
    assert any("beside other catalogs than those asked for" in c.reason for c in again.choices())
    with pytest.raises(CannotDerive, match="needs a Source Collection as 'among'"):
        survey.pull(b, ["crowd"])


def test_ranks_do_not_depend_on_who_asked_before(survey, tmp_path, site):
    """A value that depends on the other sources of its catalog is that of the largest one, whatever is stored of a smaller one."""
    columns = {"id": np.arange(40), "redshift": np.random.default_rng(3).permutation(40) / 40}
    b = survey.ingest(write_fits(tmp_path / "b.fits", columns), id="id", name="B", units={"redshift": ""})
    survey.define_calculator(entry_point="rank")
    near = survey.store(survey.calculate(b.filter("redshift < 0.5"), "rank"), name="among the near")
    pull = survey.pull(b, ["redshift", "rank"], where="redshift < 0.3")
    table = pull.table()
    assert np.array_equal(table["rank"], np.round(np.asarray(table["redshift"]) * 40))
    assert pull.result.attributes()["rank"].origin != near.attributes()["rank"].origin
    assert any(c.outcome == "rejected" and "ranks higher" in c.reason for c in pull.choices())
    used = survey.pull(b, ["redshift", "rank"], where="redshift < 0.3", use={"rank": near})
    assert used.result.attributes()["rank"].origin == near.attributes()["rank"].origin
