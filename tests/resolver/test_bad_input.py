"""Everything that can be wrong with collections and calculators: one sentence, a code that stays, and nothing half stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.calculators import Limits
from provgraph.errors import ProvgraphError
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateAttributes,
    ConcatenateSources,
    Pass,
    SelectAttributes,
    SelectSources,
)
from provgraph.schema.relabelling import Relabelling
from tests.installed import Site, site  # noqa: F401
from tests.resolver.test_pull import everything
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

N = 60


@pytest.fixture
def sky(survey: Any, tmp_path: Path) -> Any:
    """A and B share an id space and some sources, T is named by text, E is of another space; u of A is a magnitude."""
    rng = np.random.default_rng(1)
    a = {"id": np.arange(N), "u": rng.random(N), "v": rng.random(N), "redshift": rng.random(N), "mag_u": rng.random(N)}
    b = {"id": np.arange(N // 2, N + 9), "u": np.ones(N // 2 + 9), "w": np.ones(N // 2 + 9)}
    units = {"u": "mag", "mag_u": "mag"}
    survey.ingest(
        write_fits(tmp_path / "a.fits", a, units), id="id", id_space="sky", name="A", units={"redshift": "", "v": ""}
    )
    survey.ingest(write_fits(tmp_path / "b.fits", b, {"u": "mag"}), id="id", id_space="sky", name="B")
    survey.ingest(
        write_fits(tmp_path / "t.fits", {"name": np.array(["p", "q"]), "v": np.ones(2)}, {}), id="name", name="T"
    )
    survey.ingest(write_fits(tmp_path / "e.fits", {"id": np.arange(3), "v": np.ones(3)}, {}), id="id", name="E")
    survey.define_calculator("s", requires=["u", "v"], expression="u + v * 1 mag", unit="mag")
    survey.define_calculator("gone", requires=["absent"], expression="absent + 1")
    survey.define_calculator("light", requires=["u"], expression="u * 1 s / 1 mag", unit="s")
    survey.define_calculator("wrong", requires=["v"], expression="v + 1", provides=["w1"])
    survey.invalidate("wrong", "the sign was wrong")
    return survey


def state(survey: Any) -> tuple[set[str], dict[str, int]]:
    """All of the graph, and every file of the survey's values by size; not what only an open handle needs."""
    files = {}
    for part in ("segments", "models", "spool", "scratch"):
        for path in sorted((survey.directory / part).rglob("*")):
            if path.is_file() and "indexes" not in path.parts:
                files[str(path.relative_to(survey.directory))] = path.stat().st_size
    return everything(survey), files


def refused(survey: Any, act: Callable[[], Any], code: str, says: str) -> ProvgraphError:
    """The error of `act`, which changes nothing."""
    before = state(survey)
    with pytest.raises(ProvgraphError) as caught:
        act()
    error = caught.value
    assert error.code == code, error.message
    assert re.search(says, error.message), error.message
    assert "\n" not in error.message
    assert error.message.endswith((".", "?", ")", "'"))
    assert len(error.message) < 400
    assert not re.search(r"\b[ocskur]:[0-9a-f]{8}|Traceback|0x[0-9a-f]{6}", error.message), error.message
    after = state(survey)
    assert after == before
    return error


# -- decided when it is created, from lineage alone -----------------------------------------------------------------------

CREATED: dict[str, tuple[Callable[[Any, Any, Any], Any], str, str]] = {
    "unknown attribute": (lambda s, a, b: a.select("id", "vv"), "unknown_attribute", "A has no attribute 'vv'; did you mean 'v'"),
    "an attribute twice": (lambda s, a, b: SelectAttributes(parent=a, names=["u", "u"]), "names_repeated", "'u' twice"),
    "rename what is not there": (lambda s, a, b: a.rename(uu="x"), "unknown_attribute", "'uu'.*did you mean 'u'"),
    "rename to what is there": (lambda s, a, b: a.rename(u="v"), "name_clash", "'v' is what A has already"),
    "rename two to one": (lambda s, a, b: a.rename(u="x", v="x"), "name_clash", "called that twice"),
    "clash": (lambda s, a, b: a.concatenate(b), "name_clash", "two attributes 'u': that of A .* that of B; rename one"),
    "other id space": (lambda s, a, b: a.concatenate(s["E"]), "id_spaces_differ", "A and E .* different id spaces"),
    "no parents": (lambda s, a, b: ConcatenateAttributes(parents=[]), "parents_missing", "at least one parent"),
    "overlap": (
        lambda s, a, b: a.select("id", "u").union(b.select("id", "u")),
        "sources_overlap", "two values of 'u', and nothing proves that there is none; say policy='first'",
    ),
    "union of different attributes": (lambda s, a, b: a.union(b), "attributes_differ", "'mag_u' and 4 more differ|has no"),
    "union of other sources": (lambda s, a, b: a.select("v").union(s["E"].select("v")), "id_spaces_differ", "A.* and .*E"),
    "union of nothing": (lambda s, a, b: ConcatenateSources(parents=[]), "parents_missing", "at least one parent"),
    "no such policy": (lambda s, a, b: a.union(a, policy="last"), "policy_unknown", "'last' is no policy"),
    "filter by what is not there": (lambda s, a, b: a.filter("uu < 1"), "unknown_attribute", "'uu'.*did you mean 'u'"),
    "filter by nothing": (lambda s, a, b: a.filter(" "), "criterion_syntax", "empty"),
    "filter by a rank": (lambda s, a, b: a.filter("rank(u) < 10"), "criterion_not_per_source", "rank depends on other sources"),
    "filter by a number of rows": (lambda s, a, b: a.filter("ROWNUM <= 10"), "criterion_not_per_source", "ROWNUM depends"),
    "filter by a mean": (lambda s, a, b: a.filter("u < mean(u)"), "criterion_not_per_source", "mean depends on other sources"),
    "pull by a median": (lambda s, a, b: s.pull(a, ["id"], where="u > median(u)"), "criterion_not_per_source", "median depends"),
    "filter across types": (lambda s, a, b: a.filter("u = 'far'"), "criterion_types", "text"),
    "filter across units": (lambda s, a, b: a.filter("u < 5 deg"), "unit_mismatch", "deg"),
    "relabel all to one": (lambda s, a, b: a.relabel("new", scale=0), "relabelling_not_injective", "scale"),
    "relabel what is elsewhere": (lambda s, a, b: a.relabel(Relabelling.linear("no", "new")), "id_spaces_differ", "'no'.*A.*'sky'"),
    "relabel one twice": (lambda s, a, b: s.relabelling("sky", "new", [1, 1], [2, 3]), "pairs_invalid", "two pairs for 1"),
    "relabel unevenly": (lambda s, a, b: s.relabelling("sky", "new", [1, 2], [2]), "pairs_invalid", "one new identifier for each"),
    "relabelled and not": (lambda s, a, b: a.select("u").concatenate(a.relabel("new").select("v")), "id_spaces_differ", "spaces"),
    "input missing": (lambda s, a, b: s.calculate(a, "gone"), "unknown_attribute", "gone@1 needs 'absent', which A has not"),
    "input of another unit": (lambda s, a, b: s.calculate(a.rename(u="v", v="u"), "s"), "unit_mismatch", "'s'.*mag"),
    "input of another type": (lambda s, a, b: s.calculate(s["T"].rename(name="u"), "s"), "criterion_types", "'s'"),
    "invalid definition": (lambda s, a, b: s.calculate(a, "wrong"), "calculator_invalidated", "wrong@1 .* the sign was wrong"),
    "invalid definition past us": (
        lambda s, a, b: s.store(AttributeCalculator.of(a, s.definition("wrong"))), "calculator_invalidated", "sign was wrong",
    ),
    "pull from one that is past us": (
        lambda s, a, b: s.pull(AttributeCalculator.of(a, s.definition("wrong")), ["w1"]), "calculator_invalidated", "wrong@1",
    ),
    "use of what is invalid": (
        lambda s, a, b: s.pull(a, ["w1"], use={"w1": "wrong"}), "cannot_derive", "declared invalid: the sign was wrong",
    ),
    "unknown parameter": (
        lambda s, a, b: s.calculate(a, "s", {"H0": 1}), "unknown_parameter", "'s' has no process parameter 'H0'",
    ),
    "parameters of the wrong form": (lambda s, a, b: s.pull(a, ["s"], parameters={"s": 3}), "parameter_invalid", "'s' has 3"),
    "strict with foreign": (
        lambda s, a, b: s.select_sources(a, [1, 2, 1000], strict=True), "identifiers_foreign",
        "1 of 3 identifiers are not in A, 1000 for one; leave strict=False",
    ),
    "strict among selected": (
        lambda s, a, b: s.store(a.filter("u < 0")).only_listed([1], strict=True), "identifiers_foreign", "1 of 1 .* 1 for one",
    ),
    "identifiers of another kind": (lambda s, a, b: s.select_sources(a, ["p"]), "id_types_differ", "numbers as identifiers.*text"),
    "identifiers that are none": (lambda s, a, b: s.select_sources(a, [1.5]), "id_not_exact", "1.5"),
    "calculator that needs itself": (
        lambda s, a, b: s.define_calculator("z", requires=["z"], expression="z + 1"), "calculator_invalid",
        "requires and provides z",
    ),
    "calculator of nothing": (lambda s, a, b: s.define_calculator("z", expression="1"), "calculator_invalid", "requires="),
    "expression that is none": (
        lambda s, a, b: s.define_calculator("z", requires=["u"], expression="u +"), "expression_syntax", "text ends where",
    ),
    "expression by a rank": (
        lambda s, a, b: s.define_calculator("z", requires=["u"], expression="rank(u)"), "expression_not_per_source", "rank",
    ),
    "nothing by that name": (lambda s, a, b: s.pull(a, ["redshfit"]), "unknown_attribute", "did you mean 'redshift'"),
    "no such collection": (lambda s, a, b: s.pull("AA", ["u"]), "not_found", "'AA'.*did you mean 'A'"),
}  # fmt: skip


@pytest.mark.parametrize("what", CREATED)
def test_what_cannot_be_is_refused_before_anything_is_stored(sky: Any, what: str) -> None:
    act, code, says = CREATED[what]
    if code == "cannot_derive":  # the one error with more than a sentence: the tree of what was tried
        before = state(sky)
        with pytest.raises(ProvgraphError, match=says) as caught:
            act(sky, sky["A"], sky["B"])
        assert caught.value.code == code
        assert state(sky) == before
        return
    a, b = sky["A"], sky["B"]
    if what == "strict among selected":
        sky.pull(sky.store(a.filter("u < 0")), ["id"]).data()  # so that nothing is left to be stored on the way
    refused(sky, lambda: act(sky, a, b), code, says)


def test_a_pass_is_never_stored(sky: Any) -> None:
    a = sky["A"]
    made = sky.store(Pass(parent=Pass(parent=a).filter("u < 0.5")).select("id", "u"), name="made")
    assert [type(o).__name__ for o in made.ancestry()] == ["SelectAttributes", "FilterSources", "External"]
    assert made.lineage_key == a.filter("u < 0.5").select("id", "u").lineage_key
    assert sky.store(Pass(parent=made)).object_id == made.object_id
    assert sky.pull(Pass(parent=a), ["id", "s"]).result.object_id == sky.pull(a, ["id", "s"]).result.object_id
    assert not [c for c in sky.collections() if type(c).__name__ == "Pass"]
    assert len(sky.table(made)) == int((sky.process(a)[0]["u"].values < 0.5).sum())


# -- found out when it is processed ----------------------------------------------------------------------------------------


def explicit(old: list[int], new: list[int]) -> Callable[[Any, Any], Any]:
    return lambda s, a: a.relabel(s.relabelling("sky", "new", old, new))


RUN: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "not injective": (explicit(list(range(N)), [i // 2 for i in range(N)]), "relabelling_not_injective", "0 and 1 both become 0"),
    "undefined": (explicit([0, 1], [5, 6]), "relabelling_undefined", "no pair for 58 of 60 sources, 2 for one"),
    "too large": (lambda s, a: a.relabel("new", scale=2**60), "relabelling_overflow", "does not fit 64 bits"),
}  # fmt: skip


@pytest.mark.parametrize("what", RUN)
@pytest.mark.parametrize("how", ["table", "count", "pull"])
def test_a_relabelling_that_does_not_go_with_the_sources(sky: Any, what: str, how: str) -> None:
    made, code, says = RUN[what]
    stored = sky.store(made(sky, sky["A"]))
    if how == "pull":
        pull = sky.pull(stored, ["u"])
        refused(sky, pull.data, code, says)
    else:
        refused(sky, lambda: sky.table(stored) if how == "table" else sky.count(stored), code, says)


def test_injective_on_the_sources_is_enough(sky: Any) -> None:
    """Two identifiers become one, but only one of them is that of a source."""
    pairs = sky.relabelling("sky", "new", [*range(N), 1000], [*range(100, 100 + N), 100])
    assert not pairs.injective
    assert sky.table(sky.store(sky["A"].relabel(pairs)))["u"].tolist() == sky.table(sky["A"])["u"].tolist()
    some = sky.store(
        sky["A"].filter("id >= 2").relabel(sky.relabelling("sky", "n2", range(1, N), [7, *range(7, N + 5)]))
    )
    assert sky.count(some) == N - 2


def test_a_strict_list_made_by_hand(sky: Any) -> None:
    """The list is strict of what it selects from, which is known only when that is processed."""
    kept = sky.select_sources("A", [1, 2, 1000])
    assert sky.count(kept) == 2
    strict = SelectSources(
        parent=sky["A"], source_list=kept.source_list, sources_digest=kept.sources_digest, strict=True
    )
    made = sky.store(strict)
    refused(sky, lambda: sky.table(made), "identifiers_foreign", "1 of 3 identifiers are not in A, 1000 for one")
    pull = sky.pull(made, ["u"], where="u < 0.5")
    refused(sky, pull.data, "identifiers_foreign", "1 of 3 identifiers are not in A, 1000 for one")


CODE = {
    "short": ("short", "calculator_result", r"short@1 gave 59 values for 60 sources for 'short'"),
    "flat": ("flat", "calculator_result", r"shape \(\) where it declares \(2,\) for 'flat'"),
    "whole": ("whole", "calculator_result", "type float64 where it declares i4 for 'whole'"),
    "one_of_two": ("two", "calculator_result", "gave one ndarray; it declares one, two"),
    "raises": (
        "broken",
        "calculator_failed",
        r"raises@1 \(raises of skycalc 1.0\) failed at source \d+ with redshift=0\.",
    ),
}


@pytest.mark.parametrize("entry_point", CODE)
@pytest.mark.parametrize("limited", [False, True], ids=["here", "in a process"])
def test_code_that_breaks_its_word(sky: Any, site: Site, entry_point: str, limited: bool) -> None:
    attribute, code, says = CODE[entry_point]
    sky.define_calculator(entry_point=entry_point)
    if limited:
        sky.calculator_limits = Limits(seconds=60)
    pull = sky.pull("A", ["id", attribute])
    error = refused(sky, pull.data, code, says)
    assert error.details["calculator"] == f"{entry_point}@1"
    refused(sky, pull.data, code, says)  # and again


@pytest.mark.parametrize(
    ("entry_point", "limits", "code", "says"),
    [
        ("forever", Limits(seconds=1.5), "calculator_time", r"did not end within 1.5 s for 60 sources \(0 to 59\); give it more"),
        ("hog", Limits(memory=200 << 20), "calculator_memory", "needs more than the 209,715,200 bytes allowed for 60 sources"),
        ("quits", Limits(seconds=60), "calculator_failed", "ended with status 3 for 60 sources"),
    ],
)  # fmt: skip
def test_code_that_takes_too_much(sky: Any, site: Site, entry_point: str, limits: Limits, code: str, says: str) -> None:
    sky.define_calculator(entry_point=entry_point)
    sky.calculator_limits = limits
    pull = sky.pull("A", ["id", entry_point])
    refused(sky, pull.data, code, says)
    assert sky.pull("A", ["id", "s"]).data() is not None  # nobody else suffers


@pytest.mark.parametrize(
    ("entry_point", "code", "says"),
    [
        (
            "random",
            "calculator_not_deterministic",
            r"source \d+ random = .*, and the second time .*; it is not deterministic",
        ),
        ("centred", "calculator_not_per_source", "must depend on its own source alone"),
    ],
)
def test_code_that_is_another_each_time(sky: Any, site: Site, entry_point: str, code: str, says: str) -> None:
    sky.define_calculator(entry_point=entry_point)
    refused(sky, lambda: sky.check_calculator(entry_point, "A"), code, says)


def test_code_that_is_not_there_any_more(sky: Any, site: Site) -> None:
    sky.define_calculator(entry_point="absmag")
    pull = sky.pull("A", ["absmag"])
    site.remove()
    refused(sky, pull.data, "calculator_missing", "No installed package has a calculator 'absmag'")


def test_a_whole_catalog_that_is_missing(sky: Any, site: Site) -> None:
    sky.define_calculator(entry_point="crowd")
    refused(sky, lambda: sky.calculate(sky["A"], "crowd"), "catalog_missing", "needs a Source Collection as 'among'")
    refused(sky, lambda: sky.calculate(sky["A"], "crowd", {"among": sky["E"]}), "unknown_attribute", "'redshift'")
    refused(
        sky, lambda: sky.define_calculator(entry_point="crowd", catalogs={"amogn": "A"}), "unknown_parameter", "'amogn'"
    )


def test_a_model_whose_inputs_do_not_fit(sky: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from tests.models import perceptron

    path = perceptron(tmp_path / "m.onnx")
    define = sky.define_calculator
    refused(
        sky, lambda: define("p", model=path, requires=["u", "v"]), "model_unfit", "takes 3 values for a source, not 2"
    )
    refused(sky, lambda: define("p", model=path, inputs={"Y": ["u"]}), "model_unfit", "no input 'Y'; there are: X")
    refused(sky, lambda: define("p", model=path, requires=["u", "v", "w"], batch=-3), "batch_invalid", "-3")
    refused(sky, lambda: define("p", model=path, requires=["u", "v", "w"], tolerance=-1.0), "tolerance_invalid", "-1")
    (tmp_path / "no.onnx").write_bytes(b"no model")
    refused(sky, lambda: define("p", model=tmp_path / "no.onnx"), "model_unreadable", "no ONNX model")
    define("p", model=path, requires=["u", "v", "redshift"], units={"u": "mag", "v": "", "redshift": ""})
    refused(sky, lambda: sky.calculate(sky["B"], "p"), "unknown_attribute", "p@1 needs 'v', which B has not")
    define("q", model=path, requires=["u", "v", "redshift"], units={"u": "deg"}, provides="q")
    refused(sky, lambda: sky.pull("A", ["q"]), "unit_mismatch", r"q@1 needs u in \[deg\], and it has \[mag\]")
