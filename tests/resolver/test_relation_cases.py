"""The cases of tests/rewrite/relation_cases.txt once more, on collections of a survey: what the graph says of them is known.

What was ingested is known, too: how many sources there are, with which identifiers, between which values. So some answers that
lineage leaves open are definite here; a trap is one where YES would be wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import LanguageError, OperatorError, ProvgraphError
from provgraph.rewrite.sets import Answer
from provgraph.schema.operators import AttributeCalculator, ConcatenateAttributes, ConcatenateSources
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore::provgraph.schema.collection.SourcesWarning")
N = 60
SIGNS = {"⊑": "subset", "≡": "equal", "⊥": "disjoint"}


@pytest.fixture
def a(survey: Any, tmp_path: Any) -> Any:
    return ingested(survey, tmp_path, "A", np.arange(N) * 10)


def ingested(survey: Any, tmp_path: Any, name: str, ids: Any, seed: int = 1) -> Any:
    """x has NaN, y and z have a value for every source, u is a float32."""
    rng = np.random.default_rng(seed)
    n = len(ids)
    columns = {"id": ids, "x": rng.uniform(0, 0.7, n), "y": rng.uniform(0, 10, n), "z": rng.uniform(0, 1, n)}
    columns["x"][::7] = np.nan
    columns["u"] = rng.uniform(0, 30, n).astype("f4")
    return survey.ingest(write_fits(tmp_path / f"{name}.fits", columns), id="id", name=name, id_space="sky")


def calculated(survey: Any, parent: Any, name: str, expression: str, requires: str) -> Any:
    survey.define_calculator(name, requires=[requires], expression=expression, unit="?")
    return AttributeCalculator.of(parent, survey.definition(name))


def holds(survey: Any, made: dict[str, Any], **claims: str) -> None:
    """yes="F ⊑ G; F ⊥ H", no=..., unknown=..., trap=... (not YES); of what the graph has, read again."""
    stored = {name: survey.mapper.get(survey.store(one).object_id) for name, one in made.items()}
    for expected, text in claims.items():
        for claim in text.split("; "):
            one, sign, other = claim.split()
            found = survey.relation(stored[one], stored[other])
            answer, reason = getattr(found, SIGNS[sign]), found.because(SIGNS[sign])  # type: ignore[arg-type]
            if expected == "trap":
                assert answer is not Answer.YES, (claim, reason)
            else:
                assert answer.name == expected.upper(), (claim, reason)
            assert reason
            assert survey.relation(stored[other], stored[one]).superset is found.subset


def test_1_comparable_criteria(survey: Any, a: Any) -> None:
    made = {"A": a, "F1": a.filter("x < .1"), "F2": a.filter("x < .2")}
    holds(survey, made, yes="F1 ⊑ F2; F1 ⊑ A", unknown="F2 ⊑ F1; A ⊑ F2; F1 ⊥ F2")


def test_2_the_order_of_criteria_says_nothing(survey: Any, a: Any) -> None:
    made = {
        "C": a.filter("x < .1").filter("y > 5"),
        "E": a.filter("y > 5").filter("x < .1"),
        "F": a.filter("y > 5 and x < .1"),
    }
    holds(survey, made, yes="C ≡ E; E ≡ F; C ≡ F")


def test_3_attributes_say_nothing_about_sources(survey: Any, a: Any) -> None:
    c = calculated(survey, a, "double", "x * 2", "x")
    ac = ConcatenateAttributes(parents=[a, c])
    made = {"A": a, "C": c, "F": a.filter("z < .1"), "G": ac.filter("z < .1"), "S": ac.filter("z < .1").select()}
    holds(survey, made, yes="F ≡ G; G ≡ S; C ≡ A")


def test_4_another_origin_under_the_same_name(survey: Any, a: Any) -> None:
    photo = calculated(survey, a, "photo", "x + 1", "x").rename(photo="z")
    other = a.select("x").concatenate(photo)
    made = {"A": a, "F": a.filter("z < .1"), "G": other.filter("z < .1")}
    holds(survey, made, yes="F ⊑ A; G ⊑ A", unknown="F ≡ G; F ⊑ G; G ⊑ F; F ⊥ G")


def test_5_a_new_name_of_the_same_origin(survey: Any, a: Any) -> None:
    made = {"F": a.filter("z < .1"), "G": a.rename(z="redshift").filter("redshift < .1")}
    holds(survey, made, yes="F ≡ G")


def test_6_not_where_there_may_be_no_value(survey: Any, a: Any) -> None:
    lt, ge, n = a.filter("x < .1"), a.filter("x >= .1"), a.filter("complement(x < .1)")
    made = {"A": a, "lt": lt, "ge": ge, "n": n, "not": a.filter("not x < .1"), "U": lt.union(ge), "V": lt.union(n)}
    holds(survey, made, yes="ge ⊑ n; V ≡ A; lt ⊥ n; not ≡ ge; lt ⊥ ge", unknown="n ⊑ ge; U ≡ A; A ⊑ U")


def test_6_not_where_there_always_is_a_value(survey: Any, a: Any) -> None:
    lt, ge = a.filter("y < 5"), a.filter("y >= 5")
    made = {"A": a, "ge": ge, "n": a.filter("complement(y < 5)"), "U": lt.union(ge)}
    holds(survey, made, yes="n ≡ ge; U ≡ A")


def test_7_joined_attributes_keep_what_all_have(survey: Any, a: Any, tmp_path: Any) -> None:
    b = ingested(survey, tmp_path, "B", np.arange(10, N + 10) * 10, seed=2)
    f = a.filter("x < .1")
    made = {"A": a, "B": b, "F": f, "C": a.concatenate(f.select("x")), "D": a.select("x").concatenate(b.select("y"))}
    holds(survey, made, yes="C ≡ F; D ⊑ A; D ⊑ B", trap="D ≡ A; A ≡ B; A ⊥ B")


def test_8_unions_that_may_overlap(survey: Any, a: Any, tmp_path: Any) -> None:
    b = ingested(survey, tmp_path, "B", np.arange(10, N + 10) * 10, seed=2)
    made = {
        "A": a, "B": b, "C": ConcatenateSources(parents=[a, a.filter("x < .1")]),
        "D": ConcatenateSources(parents=[a, b], policy="first"),
    }  # fmt: skip
    holds(survey, made, yes="C ≡ A; A ⊑ D; B ⊑ D", trap="A ⊥ B; D ≡ A; D ⊑ A")


def test_9_identifiers_are_never_missing(survey: Any, a: Any) -> None:
    f, g = a.filter("id < 300"), a.filter("id >= 300")
    holds(survey, {"A": a, "F": f, "G": g, "U": f.union(g)}, yes="U ≡ A; F ⊥ G")


def test_10_other_identifiers(survey: Any, a: Any) -> None:
    f, g = a.filter("x < .1"), a.filter("x > .5")
    first, second = {"scale": 1, "offset": 1}, {"scale": 1, "offset": 2}
    made = {
        "F": f, "A1": a.relabel("other", **first), "F1": f.relabel("other", **first), "G1": g.relabel("other", **first),
        "F2": f.relabel("other", **second), "U1": f.union(g).relabel("other", **first),
        "B1": f.relabel("other", **first).union(g.relabel("other", **first)),
        "here": f.relabel("sky", scale=1, offset=10),
    }  # fmt: skip
    holds(survey, made, yes="F1 ⊑ A1; F1 ⊥ G1; B1 ≡ U1", trap="F1 ⊑ F; F ⊑ F1", unknown="F2 ⊑ A1; F1 ≡ F2; here ⊑ F")


def test_10_a_relabelling_that_may_make_one_source_of_two(survey: Any, a: Any) -> None:
    old = np.arange(N) * 10
    rounding = survey.relabelling(a, "other", old, old // 20)
    f, g = a.filter("x < .1"), a.filter("x > .5")
    made = {"A1": a.relabel(rounding), "F1": f.relabel(rounding), "G1": g.relabel(rounding)}
    holds(survey, made, yes="F1 ⊑ A1; G1 ⊑ A1", unknown="F1 ⊥ G1; A1 ⊑ F1")


def test_11_criteria_that_nothing_meets(survey: Any, a: Any, tmp_path: Any) -> None:
    b = ingested(survey, tmp_path, "B", np.arange(10, N + 10) * 10, seed=2)
    made = {"B": b, "F": a.filter("x < 0 and x > 1"), "G": a.filter("x > .1 and x <= .1"), "H": a.filter("x < .1")}
    holds(survey, made, yes="F ⊑ B; F ⊥ F; G ⊥ B; F ≡ G", unknown="H ⊥ H; H ⊑ B")


def test_12_lists_of_identifiers(survey: Any, a: Any) -> None:
    one, two, three = ([10, 20, 30], [20, 30], [70])
    made = {
        "s1": a.only_listed(one), "s2": a.only_listed(two), "s3": a.only_listed(three),
        "sf": a.filter("x < .1").only_listed(one),
    }  # fmt: skip
    holds(survey, made, yes="s2 ⊑ s1; s1 ⊥ s3; sf ⊑ s1", unknown="sf ≡ s1")


def test_13_selecting_before_calculating_and_after(survey: Any, a: Any) -> None:
    s = a.filter("z < .5")
    before, after = calculated(survey, s, "M", "x - 20", "x"), calculated(survey, a, "M", "x - 20", "x")
    after = after.concatenate(s.select())
    made = {"B": after, "E": before, "F": after.filter("M < -20"), "G": before.filter("M < -20")}
    holds(survey, made, yes="B ≡ E; F ≡ G")


def test_14_what_needs_to_be_told_apart_by_cases(survey: Any, a: Any, tmp_path: Any) -> None:
    b = ingested(survey, tmp_path, "B", np.arange(10, N + 10) * 10, seed=2).select()
    f1, f2 = a.filter("x < .1"), a.filter("y > 5")
    union = ConcatenateSources(parents=[f1, f2])
    made = {
        "UB": union.concatenate(b), "V": ConcatenateSources(parents=[f1.concatenate(b), f2.concatenate(b)]),
        "U": union, "O": a.filter("x < .1 or y > 5"),
    }  # fmt: skip
    holds(survey, made, yes="UB ≡ V; U ≡ O")


def test_15_sources_that_were_found(survey: Any, a: Any) -> None:
    made = {"A": a, "F": a.filter("x < .1"), "G": a.filter("x < .3"), "H": a.filter("x > .5")}
    holds(survey, made, unknown="F ⊥ G; F ⊥ A; A ⊑ H")
    assert survey.count(made["F"])
    holds(survey, made, yes="G ⊥ H", no="F ⊥ G; F ⊥ A; F ⊑ H")


def test_16_as_many_sources(survey: Any, a: Any) -> None:
    table = a.table()
    x = np.sort(np.asarray(table["x"])[~np.isnan(np.asarray(table["x"]))])
    between, wider = (x[10] + x[11]) / 2, x[10] + (x[11] - x[10]) * 0.9
    made = {"F1": a.filter(f"x < {between}"), "F2": a.filter(f"x < {wider}"), "F3": a.filter(f"x < {x[13]}")}
    holds(survey, made, yes="F1 ⊑ F2", unknown="F2 ⊑ F1")
    assert [survey.count(one) for one in made.values()] == [11, 11, 13]
    holds(survey, made, yes="F1 ≡ F2", no="F3 ⊑ F1; F1 ≡ F3")


def test_17_equal_to_a_bound(survey: Any, a: Any) -> None:
    equal, less = a.filter("x = .1"), a.filter("x < .1")
    holds(survey, {"E": equal, "F": less, "U": equal.union(less), "G": a.filter("x <= .1")}, yes="U ≡ G; E ⊥ F")


def test_18_concatenations_of_one_and_no_attributes(survey: Any, a: Any) -> None:
    made = {"A": a, "B": ConcatenateAttributes(parents=[a]), "C": ConcatenateSources(parents=[a]), "D": a.select()}
    holds(survey, made, yes="A ≡ B; B ≡ C; C ≡ D")


def test_19_what_depends_on_other_sources_is_no_criterion(survey: Any, a: Any) -> None:
    with pytest.raises(LanguageError):
        a.filter("x < mean(x)")


def test_20_constants_as_the_column_has_them(survey: Any, a: Any) -> None:
    made = {"F": a.filter("u <= 20.1"), "G": a.filter(f"u <= {float(np.float32(20.1))!r}"), "H": a.filter("u < 20.1")}
    holds(survey, made, yes="F ≡ G; H ⊑ F", unknown="F ⊑ H")


def test_21_two_versions_of_a_calculator(survey: Any, a: Any) -> None:
    old = calculated(survey, a, "M", "x - 20", "x")
    survey.define_calculator("M", requires=["x"], expression="x - 21", unit="?")
    new = AttributeCalculator.of(a, survey.definition("M"))
    assert new.definition.version > old.definition.version
    made = {"F": old.filter("M < -20"), "G": new.filter("M < -20")}
    holds(survey, made, unknown="F ≡ G; F ⊑ G; G ⊑ F")
    assert old.attributes()["M"].origin != new.attributes()["M"].origin


def test_22_a_list_may_hold_identifiers_that_are_not_there(survey: Any, a: Any, tmp_path: Any) -> None:
    b = ingested(survey, tmp_path, "B", np.arange(2, N + 10) * 10, seed=2)
    s, t = a.only_listed([10, 20, 30]), b.only_listed([10, 20, 30])
    holds(survey, {"A": a, "S": s, "T": t}, yes="S ⊑ A", unknown="S ≡ T; S ⊑ T")
    assert (survey.count(s), survey.count(t)) == (3, 2)
    with pytest.raises(OperatorError) as strict:
        b.only_listed([10, 20, 30], strict=True)
    assert strict.value.code == "identifiers_foreign"


def test_23_sources_where_there_can_be_none(survey: Any, a: Any, tmp_path: Any) -> None:
    """What was said of a set contradicts what it is made of: an error, not a choice."""
    none = a.filter("x < 0 and x > 1")
    survey.store(none)
    claim(survey, none, [10, 20])
    with pytest.raises(ProvgraphError) as raised:
        _ = survey.relation(survey.mapper.get(none.object_id), a).disjoint
    assert raised.value.code == "sources_inconsistent"


def claim(survey: Any, one: Any, ids: list[int]) -> None:
    """Register a segment that says that the collection has these sources, as a damaged graph would."""
    from provgraph.graph.mapper import Batch
    from provgraph.resolver.processor import segment_entity

    info = survey.store_.write(np.array(ids), {}, id_space=one.id_space)
    batch = Batch()
    batch.add(segment_entity(info, one.sources().key, tuple(sorted(one.sources().atoms))))
    survey.mapper.write(batch)
