"""The paper's example, Section 2.1: what is created, what is processed, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from provgraph.errors import (
    CannotDerive,
    LanguageError,
    NameTaken,
    OperatorError,
    ProvgraphError,
    StorageError,
    UnitMismatch,
    UnknownAttribute,
)
from provgraph.graph.statements import Statement
from provgraph.language.expression import Expression
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateAttributes,
    External,
    FilterSources,
    SelectAttributes,
)
from tests.surveys import EXPRESSION, N, catalog, galaxies, nearby, open_survey, survey, write_fits  # noqa: F401

WANTED = ["id", "mag_u", "absmag_u"]
WHERE = "redshift < 0.1"
EVERYTHING = Statement("everything", (
    "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) "
    "RETURN coalesce(n.object_id, n.activity_id, n.agent_id, n.note_id, n.origin_key, n.name, n.survey_id) AS key, "
    "properties(n) AS properties, type(r) AS relation, properties(r) AS edge, "
    "coalesce(m.object_id, m.activity_id, m.agent_id, m.note_id, m.origin_key, m.name) AS target",
))  # fmt: skip


def everything(survey: Any) -> set[str]:
    return {repr(sorted(row.items(), key=str)) for row in survey.engine.read(EVERYTHING)}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many sources each evaluation of a calculator saw, counted inside it."""
    counts: list[int] = []
    evaluate = Expression.evaluate

    def counting(self: Expression, columns: Any, parameters: Any, n: int | None = None) -> Any:
        counts.append(len(next(iter(columns.values()))[0]))
        return evaluate(self, columns, parameters, n)

    monkeypatch.setattr(Expression, "evaluate", counting)
    return counts


def expected(where: str = WHERE) -> tuple[Any, Any]:
    """Identifiers and absolute magnitudes by plain numpy and astropy, everything calculated before anything is selected."""
    from astropy.cosmology import FlatLambdaCDM

    columns = galaxies()
    order = np.argsort(columns["id"])
    z, m = columns["redshift"][order], columns["mag_u"][order]
    absolute = np.full(len(z), np.nan)
    known = ~np.isnan(z)
    absolute[known] = m[known] - FlatLambdaCDM(H0=70, Om0=0.3).distmod(z[known]).value
    keep = eval(where, {}, {"redshift": z, "mag_u": m, "absmag_u": absolute})
    return columns["id"][order][keep], absolute[keep]


def test_fig_2a_is_created_and_fig_2b_is_processed(nearby: Any, seen: list[int]) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    e = pull.result
    assert isinstance(e, SelectAttributes)
    d = e.parent
    assert isinstance(d, ConcatenateAttributes)
    b, c = d.parents
    assert isinstance(b, FilterSources)
    assert isinstance(c, AttributeCalculator)
    assert isinstance(c.parent, External)  # as general as applicable
    assert b.parent.object_id == c.parent.object_id
    explanation = pull.explain()
    assert seen == []  # explaining processes nothing
    table = pull.table()
    ids, absolute = expected()
    assert table["id"].tolist() == ids.tolist()
    assert np.allclose(table["absmag_u"], absolute, rtol=0, atol=2e-6)
    assert seen == [len(ids)]
    assert pull.measured.calculated == {c.attributes()["absmag_u"].origin: len(ids)}
    calculators = [s for s in explanation.after if s.operator == "AttributeCalculator"]
    assert [explanation.after[c.parents[0]].operator for c in calculators] == ["SelectSources"]


def test_units_ucds_and_descriptions_reach_the_table(nearby: Any) -> None:
    table = nearby.pull("A", WANTED, where=WHERE).table()
    assert str(table["mag_u"].unit) == "mag"
    assert table["absmag_u"].meta["ucd"] == "phys.magAbs;em.opt.U"
    assert table["id"].meta["ucd"] == "meta.id;meta.main"


def test_the_same_pull_again_creates_and_processes_nothing(nearby: Any, seen: list[int]) -> None:
    first = nearby.pull("A", WANTED, where=WHERE)
    table = first.table()
    before = everything(nearby)
    seen.clear()
    again = nearby.pull("A", WANTED, where="  redshift<0.10  and redshift < .1")
    assert again.result.object_id == first.result.object_id
    assert (again.table() == table).all()
    assert seen == []
    assert again.measured.filtered == 0
    assert again.measured.kept == 0
    assert everything(nearby) == before
    assert {c.outcome for c in again.choices()} == {"found"}


def test_nothing_stored_is_changed_by_a_pull(nearby: Any) -> None:
    nearby.pull("A", WANTED, where=WHERE).table()
    before = everything(nearby)
    with_edges = {row for row in before if "'relation', None" not in row}
    nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2 and absmag_u < -17").table()
    assert with_edges <= everything(nearby)


def test_a_stricter_selection_reuses_what_was_calculated(nearby: Any, seen: list[int]) -> None:
    nearby.pull("A", WANTED, where="redshift < 0.2").table()
    seen.clear()
    pull = nearby.pull("A", WANTED, where="redshift < 0.2 and mag_u < 20")
    ids, absolute = expected("(redshift < 0.2) & (mag_u < 20)")
    table = pull.table()
    assert table["id"].tolist() == ids.tolist()
    assert np.allclose(table["absmag_u"], absolute, rtol=0, atol=2e-6)
    assert sum(seen) == 0
    wider = nearby.pull("A", WANTED, where="redshift < 0.3").table()
    ids, absolute = expected("redshift < 0.3")
    assert wider["id"].tolist() == ids.tolist()
    assert np.allclose(wider["absmag_u"], absolute, rtol=0, atol=2e-6)
    assert sum(seen) == len(ids) - len(expected("redshift < 0.2")[0])


def test_a_criterion_on_a_calculated_attribute(nearby: Any) -> None:
    table = nearby.pull("A", ["id"], where="absmag_u < -20").table()
    assert table["id"].tolist() == expected("absmag_u < -20")[0].tolist()


def test_a_calculator_of_a_calculated_attribute(nearby: Any, seen: list[int]) -> None:
    nearby.define_calculator("luminosity", requires=["absmag_u"], expression="power(10, -0.4 * absmag_u)", unit="?")
    table = nearby.pull("A", ["id", "luminosity"], where=WHERE).table()
    ids, absolute = expected()
    assert np.allclose(table["luminosity"], 10 ** (-0.4 * absolute), rtol=1e-5)
    assert seen == [len(ids), len(ids)]


def test_two_ways_to_say_one_selection_are_one_collection(nearby: Any) -> None:
    one = nearby.pull("A", ["id"], where="redshift < 0.1 and mag_u > 20")
    two = nearby.pull("A", ["id"], where="not (mag_u <= 20) and 0.1 > redshift")
    assert one.result.object_id == two.result.object_id


def test_a_superseded_calculator_serves_no_new_pull(nearby: Any) -> None:
    old = nearby.pull("A", WANTED, where=WHERE).result
    again = nearby.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION, unit="mag",
                                     ucd="phys.magAbs;em.opt.U")  # fmt: skip
    assert again.version == 1
    newer = nearby.define_calculator(
        "absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION + " + 1", unit="mag", parameters={"H0": 67.0}
    )
    assert newer.version == 2
    pull = nearby.pull("A", WANTED, where=WHERE)
    assert pull.result.object_id != old.object_id
    assert any("superseded" in c.reason for c in pull.choices() if c.outcome == "rejected")
    assert pull.table()["absmag_u"][0] > old.table()["absmag_u"][0]


def test_a_pull_without_a_criterion(nearby: Any) -> None:
    table = nearby.pull("A", ["absmag_u"]).table()
    assert len(table) == N
    assert table["absmag_u"].mask.sum() == np.isnan(galaxies()["redshift"]).sum()


def test_the_script_makes_the_same_collection(nearby: Any) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    script = pull.script()
    scope: dict[str, Any] = {"survey": nearby}
    lines = [line for line in script.splitlines() if not line.startswith(("import provgraph", "survey = "))]
    exec("\n".join(lines), scope)
    assert scope["result"].object_id == pull.result.object_id
    assert (scope["table"] == pull.table()).all()


def test_the_explanation_shows_both_plans_and_rows(nearby: Any) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE, name="near")
    text = str(pull.explain())
    assert "created" in text
    assert "FilterSources(A, redshift < 0.1)" in text
    assert f"= {N:,} sources" in text
    assert f"<= {N:,} sources" in text
    pull.table()
    assert f"= {len(expected()[0]):,} sources" in str(pull.explain())


def test_counting_calculates_nothing(nearby: Any, seen: list[int]) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    assert len(pull.result) == len(expected()[0])
    assert seen == []


def test_derived_values_come_back_when_deleted(nearby: Any) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    table = pull.table()
    original = {s["properties"]["file"] for s in nearby.mapper.read(
        "segments_of_source_sets", keys=[nearby["A"].sources().key])}  # fmt: skip
    for name in nearby.store_.names():
        if name not in original:
            nearby.store_.delete(name)
    assert (nearby.pull("A", WANTED, where=WHERE).table() == table).all()


def test_ingested_values_that_are_gone_are_a_clear_error(nearby: Any) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    for name in nearby.store_.names():
        nearby.store_.delete(name)
    with pytest.raises(StorageError, match="ingest") as caught:
        pull.table()
    assert caught.value.code == "segment_missing"


def test_changed_values_are_not_used(nearby: Any) -> None:
    pull = nearby.pull("A", WANTED, where=WHERE)
    table = pull.table()
    original = nearby.mapper.read("segments_of_source_sets", keys=[nearby["A"].sources().key])[0]["properties"]["file"]
    for name in nearby.store_.names():
        path = nearby.store_.path(name)
        changed = bytearray(path.read_bytes())
        changed[-1000:-900] = bytes(100) if changed[-1000:-900] != bytes(100) else b"x" * 100
        if name != original:
            path.write_bytes(changed)  # derived: made again
    assert (nearby.pull("A", WANTED, where=WHERE).table() == table).all()
    path = nearby.store_.path(original)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(StorageError) as caught:
        nearby.pull("A", ["id", "dec"], where="dec > 0").table()
    assert caught.value.code == "segment_changed"


def test_an_explanation_says_which_version(nearby: Any, tmp_path: Any) -> None:
    nearby.ingest(write_fits(tmp_path / "b.fits", galaxies(seed=2)), id="id", replaces="A")
    assert "id of A@2" in str(nearby.pull("A", ["id"], where="mag_u < 20").explain())
    assert "id of A@1" in str(nearby.pull("A@1", ["id"], where="mag_u < 20").explain())


@pytest.mark.parametrize(("attributes", "where", "error", "code"), [
    (["absmag_g"], "", UnknownAttribute, "unknown_attribute"),
    (["mag_u"], "redshfit < 0.1", UnknownAttribute, "unknown_attribute"),
    (["mag_u"], "redshift <", LanguageError, "criterion_syntax"),
    (["mag_u"], "redshift < 'far'", LanguageError, "criterion_types"),
    (["mag_u"], "mag_u < 5 deg", UnitMismatch, "unit_mismatch"),
    (["mag_u"], "__import__('os').system('true')", LanguageError, None),
    (["mag_u"], "9 ** 9 ** 9 > redshift", LanguageError, None),
    (["colour"], "", CannotDerive, "cannot_derive"),
])  # fmt: skip
def test_bad_requests_store_nothing(
    nearby: Any, attributes: list[str], where: str, error: type, code: str | None
) -> None:
    nearby.define_calculator("colour", requires=["mag_u", "mag_x"], expression="mag_u - mag_x", unit="mag")
    before = everything(nearby)
    with pytest.raises(error) as caught:
        nearby.pull("A", attributes, where=where)
    assert code is None or caught.value.code == code
    assert "\n" not in str(caught.value) or code == "cannot_derive"
    assert everything(nearby) == before


def test_what_was_tried_is_a_tree(nearby: Any) -> None:
    nearby.define_calculator("colour", requires=["mag_u", "mag_x"], expression="mag_u - mag_x", unit="mag")
    with pytest.raises(CannotDerive, match=r"(?s)colour@1 needs mag_u, mag_x:\n +- no calculator provides mag_x"):
        nearby.pull("A", ["colour"])


def test_units_are_checked_before_data_is_read(nearby: Any) -> None:
    nearby.define_calculator("nonsense", requires=["ra", "mag_u"], expression="ra + mag_u", unit="mag")
    with pytest.raises(UnitMismatch):
        nearby.pull("A", ["nonsense"])


def test_a_name_in_use_is_refused(nearby: Any) -> None:
    nearby.pull("A", WANTED, where=WHERE, name="near")
    nearby.pull("A", WANTED, where=WHERE, name="near")  # the same catalog may be named so again
    before = everything(nearby)
    with pytest.raises(NameTaken, match="'near'"):
        nearby.pull("A", WANTED, where="redshift < 0.3", name="near")
    assert everything(nearby) == before


def test_catalogs_of_one_id_space_are_concatenated_by_hand(survey: Any, catalog: Any, tmp_path: Any) -> None:
    columns = galaxies()
    rng = np.random.default_rng(3)
    half = rng.permutation(N)[: N // 2]
    other = write_fits(tmp_path / "other.fits", {"id": columns["id"][half], "size": rng.random(N // 2)})
    one = survey.ingest(catalog, name="A", id="id", id_space="sky")
    two = survey.ingest(other, name="B", id="id", id_space="sky", columns=["size"])
    both = survey.store(one.select("id", "mag_u").concatenate(two.select("size")), name="both")
    table = survey.pull(both, ["id", "mag_u", "size"], where="size < 0.5").table()
    wanted = sorted(columns["id"][half].tolist())
    assert set(table["id"].tolist()) <= set(wanted)
    mags = dict(zip(columns["id"].tolist(), columns["mag_u"].tolist(), strict=True))
    assert [mags[i] for i in table["id"].tolist()] == table["mag_u"].tolist()
    assert (table["size"] < 0.5).all()


def test_identifiers_of_two_kinds_do_not_meet(survey: Any, tmp_path: Any) -> None:
    (tmp_path / "a.csv").write_text("id,v\n1,2\n")
    (tmp_path / "b.csv").write_text("id,w\nx,2\n")
    one = survey.ingest(tmp_path / "a.csv", id="id", id_space="sky")
    two = survey.ingest(tmp_path / "b.csv", id="id", id_space="sky")
    with pytest.raises(OperatorError) as caught:
        survey.store(one.concatenate(two)).table()
    assert caught.value.code == "id_types_differ"


def test_other_handles_see_the_same(nearby: Any, open_survey: Any) -> None:
    result = nearby.pull("A", WANTED, where=WHERE, name="near").result
    other = open_survey()
    assert other["near"].object_id == result.object_id
    assert repr(other["near"]) == repr(result)
    assert (other["near"].table() == result.table()).all()


def test_what_rests_on_a_superseded_calculator_is_made_again(nearby: Any) -> None:
    nearby.define_calculator("double", requires=["absmag_u"], expression="2 * absmag_u")
    old = nearby.pull("A", ["absmag_u", "double"], where=WHERE).table()
    nearby.define_calculator("absmag_u", requires=["mag_u"], expression="mag_u + 0", unit="mag")
    pull = nearby.pull("A", ["absmag_u", "double"], where=WHERE)
    new = pull.table()
    assert np.allclose(new["double"], 2 * new["absmag_u"])
    assert not np.allclose(new["double"], old["double"])
    assert any("was calculated from was calculated by absmag_u@1, superseded" in c.reason for c in pull.choices())
    faint = nearby.pull("A", ["double"], where="double > 40").table()
    assert (faint["double"] > 40).all()
    assert len(faint) == (galaxies()["mag_u"] > 20).sum()


def test_what_starts_from_superseded_values_says_so(nearby: Any) -> None:
    nearby.pull("A", WANTED, where=WHERE, name="near").data()
    assert nearby.pull("near", ["id", "absmag_u"]).explain().superseded == ()
    nearby.define_calculator("absmag_u", requires=["mag_u"], expression="mag_u + 0", unit="mag")
    nearby.define_calculator("absmag_u", requires=["mag_u"], expression="mag_u + 1", unit="mag")
    explanation = nearby.pull("near", ["id", "absmag_u"], where="absmag_u < -18").explain()
    said = "absmag_u@1 is superseded by absmag_u@3"
    assert explanation.superseded == (said,)
    assert said in str(explanation)
    assert explanation.as_dict()["superseded"] == [said]
    assert nearby.pull("A", WANTED, where=WHERE).explain().superseded == ()


@pytest.mark.parametrize("create", [True, False])
def test_a_name_is_checked_where_nothing_is_created_too(nearby: Any, create: bool) -> None:
    with pytest.raises(NameTaken, match="the name of an External"):
        nearby.pull("A", WANTED, where=WHERE, name="A", create=create)
    with pytest.raises(ProvgraphError) as caught:
        nearby.pull("A", WANTED, where=WHERE, name="x@2", create=create)
    assert caught.value.code == "name_invalid"
    nearby.pull("A", WANTED, where=WHERE, name="near")
    assert nearby.pull("A", WANTED, where=WHERE, name="near", create=create).result.name == ("near" if create else "")


@pytest.mark.parametrize(("start", "attributes", "where", "name", "code"), [
    (None, ["id"], "", "", "start_invalid"),
    ("A", [], "", "", "attributes_missing"),
    ("A", [3], "", "", "attributes_invalid"),
    ("A", ["id"], 5, "", "wrong_type"),
    ("A", ["id"], "", 5, "wrong_type"),
    ("A", ["id"], "", " ", "name_invalid"),
    ("A@0", ["id"], "", "", "not_found"),
])  # fmt: skip
def test_a_pull_says_what_is_wrong_with_it(
    nearby: Any, start: Any, attributes: Any, where: Any, name: Any, code: str
) -> None:
    with pytest.raises(ProvgraphError) as caught:
        nearby.pull(start, attributes, where=where, name=name)
    assert caught.value.code == code


def test_a_failed_pull_of_something_unstored_stores_nothing(nearby: Any) -> None:
    before = everything(nearby)
    with pytest.raises(UnknownAttribute):
        nearby.pull(nearby["A"].filter("redshift < 0.37"), ["nope"])
    assert everything(nearby) == before
    assert len(nearby.pull(nearby["A"].filter("redshift < 0.37"), ["id"]).table()) == len(
        expected("redshift < 0.37")[0]
    )


@pytest.mark.parametrize("name", ["", " ", "c@2", "a,b"])
def test_a_calculator_has_a_name_and_inputs(nearby: Any, name: str) -> None:
    with pytest.raises(ProvgraphError):
        nearby.define_calculator(name, requires=["mag_u"], expression="mag_u")
    with pytest.raises(ProvgraphError) as caught:
        nearby.define_calculator("constant", requires=[], expression="1")
    assert caught.value.code == "calculator_invalid"
    assert [d.name for d in nearby.definitions()] == ["absmag_u"]
