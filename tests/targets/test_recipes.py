"""Recipes: the workflow without its instances; written, read, followed with other inputs, compared."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, process_params
from provgraph.errors import InvalidInput, MakeFailed, NotFound, ProvgraphError, UsageError
from provgraph.graph.statements import Statement
from provgraph.schema.meta import registry
from provgraph.schema.objects import DBObject
from provgraph.targets.recipe import Recipe, RecipeWarning, from_dict
from provgraph.targets.recipe_of import Made, _Abstraction
from provgraph.targets.source_list import SourceList, SourceListParameters
from tests.surveys import OpenSurvey, address, catalog, empty_graph, nearby, open_survey  # noqa: F401

RUNS: list[str] = []


class RecipeReduce(provgraph.Parameters):
    sigma = persistent(float, default=3.0)
    clip = persistent(bool, default=True)


class RecipeFlatten(provgraph.Parameters):
    floor = persistent(float, default=0.0)
    clip = persistent(bool, default=False)


class RecipeRaw(provgraph.DataObject):
    value = persistent(float, unit="adu")


class RecipeFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[RecipeRaw])
    params = process_params(RecipeFlatten)
    level = persistent(float)

    def make(self) -> None:
        RUNS.append("flat")
        self.level = self.mean([r.value for r in self.raws])

    def mean(self, values: list[float]) -> float:
        return sum(values) / len(values)


class RecipeFrame(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(RecipeRaw)
    flat = link(RecipeFlat, optional=True)
    params = process_params(RecipeReduce)
    result = persistent(float)

    def make(self) -> None:
        RUNS.append("frame")
        if self.raw.value < 0:
            raise ValueError("no light")
        self.result = self.raw.value / (self.flat.level if self.flat else 1.0) * self.params.sigma


class RecipeWeight(provgraph.ProcessTarget):
    frame = link(RecipeFrame)
    weight = persistent(float)

    def make(self) -> None:
        RUNS.append("weight")
        self.weight = 1 / self.frame.result


class RecipeCoadd(provgraph.DataObject, provgraph.ProcessTarget):
    field = persistent(str)
    frames = link(list[RecipeFrame])
    weights = link(list[RecipeWeight], optional=True)
    total = persistent(float)

    def make(self) -> None:
        RUNS.append("coadd")
        self.total = sum(f.result for f in self.frames)


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    RUNS.clear()
    yield
    RecipeReduce.persistents["sigma"].default = 3.0


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def raws(*values: float) -> list[RecipeRaw]:
    return [RecipeRaw(value=v) for v in values]


def by_hand(frames: list[RecipeRaw], flats: list[RecipeRaw], *, field: str = "F12", sigma: float = 0.0) -> RecipeCoadd:
    """One flat for all frames."""
    flat = RecipeFlat(raws=flats)
    params = {"params": RecipeReduce(sigma=sigma)} if sigma else {}
    return RecipeCoadd(field=field, frames=[RecipeFrame(raw=r, flat=flat, **params) for r in frames])


def ran() -> list[str]:
    done, RUNS[:] = list(RUNS), []
    return done


TEXT = """\
given
  raw   a list of RecipeRaw
  raws  a list of RecipeRaw
made
  flat          RecipeFlat(raws=raws, floor=0.0 by default, clip=False by default)
  frames        each: RecipeFrame(raw=raw, flat=flat, sigma=2.5, clip=True by default)
  recipe_coadd  RecipeCoadd(frames=frames, field='F12')
code
"""


def test_it_is_the_workflow_without_its_instances(survey: Any) -> None:
    made = survey.make(by_hand(raws(1, 2, 3), raws(4, 5), sigma=2.5))
    recipe = survey.recipe(made)
    assert TEXT in str(recipe)
    assert repr(recipe) == "<Recipe of RecipeCoadd: 3 steps, given raw, raws>"
    assert [(i.name, i.cls, i.each, i.many, i.used_as) for i in recipe.inputs] == [
        ("raw", "RecipeRaw", ("frames",), False, ("frames.raw",)), ("raws", "RecipeRaw", (), True, ("flat.raws",))
    ]  # fmt: skip
    assert made.object_id not in json.dumps(recipe.as_dict())
    for n in (1, 7):  # however many they are
        assert survey.recipe(survey.make(by_hand(raws(*range(1, n + 1)), raws(8), sigma=2.5))) == recipe
    with pytest.raises(NotFound) as caught:
        survey.recipe(made.frames[0].raw)
    assert caught.value.code == "not_made"


def test_it_goes_to_an_empty_survey_and_is_followed_there(address: str, tmp_path: Path) -> None:
    with provgraph.open(tmp_path / "here", graph=address) as here:
        recipe = here.recipe(here.make(by_hand(raws(1, 2, 3), raws(4, 5), sigma=2.5)))
        recipe.write(tmp_path / "coadd.json")
    empty_graph(address)
    ran()
    with provgraph.open(tmp_path / "there", graph=address) as there:
        found = provgraph.read_recipe(tmp_path / "coadd.json")
        assert (found, found.digest, str(found)) == (recipe, recipe.digest, str(recipe))
        assert there.find(cls=DBObject) == []
        frames, flats = raws(10, 20), raws(6, 7, 8)
        made = found.run(raw=frames, raws=flats, field="F99", sigma=2.0)
        assert ran() == ["flat", "frame", "frame", "coadd"]
        assert (made.field, made.total) == ("F99", 30 / 7 * 2.0)
        flat = RecipeFlat(raws=flats)
        params = RecipeReduce(sigma=2.0)
        hand = there.make(
            RecipeCoadd(field="F99", frames=[RecipeFrame(raw=r, flat=flat, params=params) for r in frames])
        )
        assert hand.object_id == made.object_id  # by hand it would be just this, so it is found
        assert found.run(raw=frames, raws=flats, field="F99", sigma=2.0).object_id == made.object_id
        assert ran() == []
        assert there.recipe(made).diff(found).as_dict() == {
            "changes": [
                {"change": "changed", "what": "parameter", "name": "frames.sigma", "before": 2.0, "after": 2.5},
                {"change": "changed", "what": "value", "name": "recipe_coadd.field", "before": "F99", "after": "F12"},
            ]
        }
        assert there.status(made).up_to_date
        (version,) = there.find("name = 'recipe of RecipeCoadd'", cls="CodeVersion")
        assert (version.digest, from_dict(json.loads(version.text))) == (found.digest, found)
        everything = {o.object_id for o in (made, *made.frames, made.frames[0].flat)}
        assert {o.object_id for o in there.made_by("recipe of RecipeCoadd")} == everything


def test_the_defaults_of_a_class_stay_those_of_the_class(survey: Any) -> None:
    made = survey.make(by_hand(raws(1, 2), raws(4)))
    recipe = survey.recipe(made)
    again = recipe.run(raw=[f.raw for f in made.frames], raws=made.frames[0].flat.raws)
    assert again is made
    other = recipe.run(raw=raws(5), flat=made.frames[0].flat)
    assert other.frames[0].chosen == ("params",)  # so that it is out of date when the default changes, as by hand
    RecipeReduce.persistents["sigma"].default = 2.0
    with pytest.warns(RecipeWarning, match=r"The default of `frames.sigma` is 2\.0 here; the recipe has 3\.0"):
        kept = recipe.run(raw=raws(5), flat=made.frames[0].flat)
    assert (kept.frames[0].params.sigma, kept.frames[0].chosen) == (3.0, ())


def test_a_step_that_is_given_is_not_made(survey: Any) -> None:
    made = survey.make(by_hand(raws(1, 2), raws(4)))
    ran()
    recipe = survey.recipe(made)
    survey.store(made.frames[0].flat.raws[0], name="the flat")
    new = recipe.run(raw=raws(8), flat=made.frames[0].flat)
    assert (ran(), new.total) == (["frame", "coadd"], 6.0)
    assert recipe.run({"frames": made.frames}, field="F1").total == made.total
    assert ran() == ["coadd"]
    assert (
        recipe.run(raw=new.frames[0].raw, raws="the flat").object_id == new.object_id
    )  # one is a list of one; by name
    with pytest.raises(InvalidInput, match=r"`flat\.floor` would change nothing, as `flat` is not made"):
        recipe.run(raw=raws(8), flat=made.frames[0].flat, floor=2.0)


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({}, "input_missing", "needs `raw`, a list of RecipeRaw for frames.raw; `raws`, a list of RecipeRaw for flat.raws"),
        ({"raw": "x"}, "not_found", "nothing called 'x'"),
        ({"raw": 3}, "input_class", "`raw` takes a list of RecipeRaw, not 3."),
        ({"rav": 3}, "input_unknown", "has nothing called 'rav'; did you mean 'raw'"),
        ({"clip": True}, "input_ambiguous", "'clip' is one of several: flat.clip, frames.clip; say which"),
        ({"frames.sigmas": 3}, "input_unknown", "did you mean 'frames.sigma'"),
        ({"flat.floor": "much"}, "wrong_type", "RecipeFlatten.floor must be a number, not 'much'"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_told(survey: Any, given: dict[str, Any], code: str, says: str) -> None:
    made = survey.make(by_hand(raws(1, 2), raws(4)))
    recipe = survey.recipe(made)
    full = {"raw": raws(1), "raws": raws(2)} if given else {}
    with pytest.raises(ProvgraphError) as caught:
        recipe.run(full | given)
    assert caught.value.code == code
    assert says in caught.value.message
    for wrong in (made, [made], {"flat": made}):
        with pytest.raises(InvalidInput, match="takes a") as refused:
            recipe.run({"raws": raws(1)} | (wrong if isinstance(wrong, dict) else {"raw": wrong}))
        assert refused.value.code == "input_class"


def test_other_code_is_told_or_refused(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = survey.recipe(survey.make(by_hand(raws(1, 2), raws(4, 6))))
    monkeypatch.setattr(RecipeFlat, "mean", lambda self, values: max(values))
    says = "`RecipeFlat.make` is other code here than that of the recipe"
    with pytest.warns(RecipeWarning, match=says):
        plan = recipe.plan(raw=raws(3), raws=raws(1, 2))
    assert [s.label for s in plan.work] == ["RecipeFlat", "RecipeFrame", "RecipeCoadd"]
    assert says in recipe.differences_here()[0]
    with pytest.warns(RecipeWarning, match=says):
        assert recipe.run(raw=raws(3), raws=raws(1, 2)).total == 4.5
    with pytest.raises(NotFound, match=says) as caught:
        recipe.run(raw=raws(3), raws=raws(1, 2), as_recorded=True)
    assert caught.value.code == "code_missing"
    plain = recipe.as_dict()
    plain["steps"][0]["code"] |= {"distribution": "pipeline==1.2", "commit": "0123456789abcdef", "dirty": False}
    with pytest.raises(
        NotFound, match=r"\(pipeline==1\.2, commit 0123456789ab\); install pipeline==1\.2, commit 0123456789ab"
    ):
        from_dict(plain).run(raw=raws(3), raws=raws(1, 2), as_recorded=True)


def test_the_recipes_of_a_class(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        survey.make(by_hand(raws(1, n + 2), raws(4), field=f"F{n}"))
    survey.make(by_hand(raws(1, 2), raws(4), sigma=2.5))
    survey.make(RecipeCoadd(field="F12", frames=[RecipeFrame(raw=r) for r in raws(1, 2)]))
    monkeypatch.setattr(RecipeFlat, "mean", lambda self, values: max(values))
    for n in range(2):
        survey.make(by_hand(raws(1, n + 2), raws(9)))
    found = survey.recipes(producing=RecipeCoadd)
    assert [r.times for r in found] == [3, 2, 1, 1]
    assert survey.recipes(producing="RecipeCoadd") == found
    assert survey.recipes(producing=RecipeRaw) == []
    first, code, *others = found
    assert [(i.name, i.wanted) for i in first.inputs][-1] == ("field", "a str")
    assert "field=field" in str(first)
    with pytest.raises(InvalidInput, match=r"needs `field`, a str for recipe_coadd\.field; give it by name"):
        first.run(raw=raws(1), raws=raws(2))
    (changed,) = (c for c in first.diff(code) if c.what == "code")
    assert str(changed).startswith("  code flat (RecipeFlat.make): ")
    (sigma,) = (r for r in others if "sigma=2.5" in str(r))
    (parameter,) = (c for c in first.diff(sigma) if c.what == "parameter")
    assert str(parameter) == "  parameter frames.sigma: 3.0 → 2.5"
    (plain,) = (r for r in others if r is not sigma)
    assert str(sigma.diff(plain)) == (
        "- input raws: a list of RecipeRaw\n- step flat: RecipeFlat\n  parameter frames.sigma: 2.5 → 3.0\n- link frames.flat: flat"
    )
    assert str(plain.diff(plain)) == "Nothing differs."
    assert not plain.diff(plain)
    assert str(plain.diff(sigma)).startswith("+ input raws: a list of RecipeRaw\n+ step flat: RecipeFlat")


def test_elements_have_their_own_and_share_the_rest(survey: Any) -> None:
    flats = [RecipeFlat(raws=raws(n + 4)) for n in range(2)]
    frames = [RecipeFrame(raw=r, flat=flats[n % 2]) for n, r in enumerate(raws(1, 2, 3))]
    made = survey.make(RecipeCoadd(field="F", frames=frames, weights=[RecipeWeight(frame=f) for f in frames]))
    ran()
    recipe = survey.recipe(made)
    assert [(i.name, i.wanted) for i in recipe.inputs] == [
        ("raw", "a list of RecipeRaw"), ("raws", "a list of lists of RecipeRaw")
    ]  # fmt: skip
    assert [(s.name, s.each) for s in recipe.steps] == [
        ("flat", ("frames",)), ("frames", ("frames",)), ("weights", ("frames",)), ("recipe_coadd", ())
    ]  # fmt: skip
    given = [[f.flat.raws[0]] for f in made.frames]
    assert recipe.run(raw=[f.raw for f in made.frames], raws=given) is made
    shared = raws(8)
    new = recipe.run(raw=raws(5, 6), raws=[shared, shared])
    assert ran() == ["flat", "frame", "frame", "weight", "weight", "coadd"]
    assert [w.frame for w in new.weights] == list(new.frames)
    with pytest.raises(InvalidInput, match="there are 1 of `raw` and 2 of `raws`") as caught:
        recipe.run(raw=raws(5), raws=[shared, shared])
    assert caught.value.code == "input_lengths"
    with pytest.raises(InvalidInput, match="`raws` takes a list of lists of RecipeRaw"):
        recipe.run(raw=raws(5), raws=shared[0])


def test_a_list_of_two_kinds(survey: Any) -> None:
    flat = RecipeFlat(raws=raws(4))
    one, two, three = raws(1, 2, 3)
    made = survey.make(RecipeCoadd(field="F", frames=[RecipeFrame(raw=one, flat=flat), RecipeFrame(raw=two),
                                                      RecipeFrame(raw=three, flat=flat)]))  # fmt: skip
    recipe = survey.recipe(made)
    assert [i.name for i in recipe.inputs] == ["frames.raw", "raws", "frames_2.raw"]
    new = recipe.run({"frames.raw": [one, three], "frames_2.raw": [two]}, raws=flat.raws)
    assert [f.raw.value for f in new.frames] == [1, 3, 2]
    assert new.total == made.total


class RecipeNumber(provgraph.ProcessTarget):
    number = persistent(int)
    twice = persistent(int)

    def make(self) -> None:
        self.twice = 2 * self.number


class RecipeSum(provgraph.ProcessTarget):
    numbers = link(list[RecipeNumber])
    total = persistent(int)

    def make(self) -> None:
        self.total = sum(n.twice for n in self.numbers)


def test_values_in_which_elements_differ_are_given(survey: Any) -> None:
    recipe = survey.recipe(survey.make(RecipeSum(numbers=[RecipeNumber(number=n) for n in range(4)])))
    assert [(i.name, i.wanted, i.kind) for i in recipe.inputs] == [("number", "a list of int", "value")]
    assert recipe.run(number=[5, 6]).total == 22
    assert from_dict(recipe.as_dict()).run(survey=survey, number=[5, 6]).total == 22
    with pytest.raises(InvalidInput, match="`number` takes a list of int, not 5"):
        recipe.run(number=5)
    same = survey.recipe(survey.make(RecipeSum(numbers=[RecipeNumber(number=3)])))
    assert (same.digest, same.inputs) == (recipe.digest, ())


class RecipeNode(provgraph.ProcessTarget):
    """Anything made of anything."""

    one = link(DBObject, optional=True)
    other = link(DBObject, optional=True)
    some = link(list[DBObject], optional=True)
    label = persistent(int, default=0)
    total = persistent(float)

    def make(self) -> None:
        below = [o for o in (self.one, self.other, *(self.some or ())) if o is not None]
        self.total = 1.0 + self.label + sum(o.total if isinstance(o, RecipeNode) else o.value for o in below)


def some_workflow(rng: random.Random) -> RecipeNode:
    """Steps over steps, with sharing, lists, and lists of lists; each list of one kind."""
    pool: list[DBObject] = [RecipeRaw(value=rng.randrange(100)) for _ in range(4)]

    def element(kind: int) -> DBObject:
        fresh = RecipeRaw(value=rng.randrange(100))
        if kind == 0:
            return rng.choice([fresh, *pool[:2]])
        if kind == 1:
            return RecipeNode(one=fresh, other=shared, label=rng.randrange(2))
        if kind == 2:
            return RecipeNode(one=element(1))
        return RecipeNode(some=[element(1) for _ in range(rng.randrange(1, 4))], other=rng.choice([shared, own()]))

    def own() -> RecipeNode:
        return RecipeNode(one=RecipeRaw(value=rng.randrange(100)))

    shared: DBObject = RecipeNode(some=pool[:2])
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(4)
        elements = [element(kind) for _ in range(rng.randrange(1, 4))]
        if kind == 3:
            other = [RecipeNode(some=e.some, other=shared) for e in elements if isinstance(e, RecipeNode)]
            elements = list(other)
        shared = RecipeNode(some=elements, one=rng.choice(pool), other=rng.choice([shared, pool[-1]]))
        pool.append(shared)
    return shared  # type: ignore[return-value]


def originals(survey: Any, made: Any) -> tuple[Recipe, dict[str, Any]]:
    """A recipe, and what it would have to be given to make what it is of."""
    found = _Abstraction(Made(survey, [made]), made)
    recipe = found.recipe(survey)
    given: dict[str, Any] = {}
    for node in found.order:
        if not node.kind or node.stands_for is not None:
            continue
        if node.kind == "value":
            flat: list[Any] = next(v for v in values_of(found, node))
        else:
            flat = survey.mapper.many(node.flat)
        if node.many:
            ends = [sum(node.sizes[:n]) for n in range(len(node.sizes) + 1)]
            flat = [flat[a:b] for a, b in pairwise(ends)]
        scope = node.scope
        while scope.parent is not None:
            flat = [
                [v for v, owner in zip(flat, scope.owners, strict=True) if owner == n]
                for n in range(len(scope.parent.owners))
            ]
            scope = scope.parent
        given[node.name] = flat[0]
    return recipe, given


def values_of(found: Any, node: Any) -> Any:
    for key, known in found.nodes.items():
        if known is node:
            yield [json.loads(text) for text in key[3:]]


@pytest.mark.parametrize("seed", range(6))
def test_given_what_it_was_made_of_a_recipe_finds_it(survey: Any, seed: int) -> None:
    made = survey.make(some_workflow(random.Random(seed)))
    recipe, given = originals(survey, made)
    assert recipe.run(given) is made
    assert from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    assert survey.recipes(producing=RecipeNode)


class RecipeCount(provgraph.ProcessTarget):
    catalog = link(provgraph.SourceCollection)
    n = persistent(int)

    def make(self) -> None:
        self.n = len(self.catalog.sources())


def test_catalogs_are_pulled(nearby: Any, tmp_path: Path) -> None:
    with nearby:
        near = nearby.pull("A", ["absmag_u"], where="redshift < 0.5").result
        made = nearby.make(RecipeCount(catalog=near))
        recipe = nearby.recipe(made)
        assert "  catalog       pull absmag_u where redshift < 0.5 from start" in str(recipe)
        assert [(i.name, i.wanted) for i in recipe.inputs] == [("start", "a SourceCollection")]
        recipe.write(tmp_path / "count.json")
        part = nearby.pull("A", ["redshift", "mag_u"], where="mag_u < 20").result
        assert recipe.plan(start="A").steps[-1].label.startswith("RecipeCount")
        assert recipe.run(start="A") is made
        new = provgraph.read_recipe(tmp_path / "count.json").run(start=part)
        assert 0 < new.n < made.n
        assert new.n == len(nearby.pull(part, ["absmag_u"], where="redshift < 0.5").result.sources())
        hand = nearby.make(
            RecipeCount(catalog=nearby["A"].select("redshift"))
        )  # nobody pulled it: it is given as it is
        assert [(i.name, i.wanted) for i in nearby.recipe(hand).inputs] == [("catalog", "a SourceCollection")]


def test_what_fails_is_recorded_and_leaves_nothing_else(survey: Any) -> None:
    recipe = survey.recipe(survey.make(by_hand(raws(1), raws(4))))
    with pytest.raises(MakeFailed, match="no light"):
        recipe.run(raw=raws(-1), raws=raws(5))
    failed = Statement(
        "failed", ("MATCH (a:Activity) WHERE a.status = 'failed' RETURN a.class_name AS name ORDER BY name",)
    )
    assert [r["name"] for r in survey.engine.read(failed)] == ["Recipe", "RecipeFrame"]
    assert len(survey.find(cls=RecipeCoadd)) == 1


def test_nothing_is_made_by_a_plan(survey: Any) -> None:
    recipe = survey.recipe(survey.make(by_hand(raws(1), raws(4))))
    before = len(survey.find(cls=DBObject))
    assert len(recipe.plan(raw=raws(2, 3), raws=raws(5)).work) == 4
    assert len(survey.find(cls=DBObject)) == before


def test_which_survey(open_survey: OpenSurvey) -> None:
    with open_survey() as survey:
        recipe = survey.recipe(survey.make(by_hand(raws(1), raws(4))))
    with pytest.raises(UsageError, match="No survey is in use"):
        recipe.run(raw=raws(1), raws=raws(2))
    again = open_survey()
    assert recipe.run(survey=again, raw=raws(2), raws=raws(2)).total == 3.0


def test_classes_that_are_not_here(open_survey: OpenSurvey, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_survey() as survey:
        made = survey.make(by_hand(raws(1, 2), raws(4, 5), sigma=2.5))
        recipe = survey.recipe(made)
    for cls in (RecipeCoadd, RecipeFrame, RecipeFlat, RecipeRaw, RecipeReduce, RecipeFlatten):
        monkeypatch.delitem(registry, cls.__name__)
    with open_survey() as survey:
        seen = survey.recipe(made.object_id)
        assert (seen.digest, [s.module for s in seen.steps]) == (recipe.digest, [__name__] * 3)
        assert not [c for c in seen.diff(recipe) if c.what != "input"]
        with pytest.raises(
            NotFound, match=f"`flat` needs the class RecipeFlat, which is not here; import the module {__name__}"
        ):
            seen.run(raw=[], raws=[])


GOOD = {
    "format": "provgraph recipe", "version": 1, "inputs": [{"name": "raw", "class": "RecipeRaw"}],
    "steps": [{"name": "frame", "class": "RecipeFrame", "links": {"raw": "raw"}}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("plain", "code", "says"),
    [
        ("{", "recipe_unreadable", "it is not JSON"),
        ("[1]", "recipe_unreadable", 'does not begin with "format"'),
        ({**GOOD, "version": 2}, "recipe_too_new", "version 2"),
        ({**GOOD, "steps": []}, "recipe_unreadable", "it has no steps"),
        ({**GOOD, "steps": [{"name": "frame"}]}, "recipe_unreadable", "'class' is missing"),
        ({**GOOD, "inputs": []}, "recipe_unreadable", "frame.raw is 'raw', which is no input and no step before it"),
        ({**GOOD, "inputs": GOOD["inputs"] * 2}, "recipe_unreadable", "two things in it are called 'raw'"),
        ({**GOOD, "inputs": [{"name": "raw", "class": "RecipeRaw", "each": ["frames"]}]}, "recipe_unreadable", "gives several"),
        ({**GOOD, "steps": [{"name": "frame", "class": "RecipeFrame", "links": {"raw": 3}}]}, "recipe_unreadable", "list of names"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_recipe(tmp_path: Path, plain: Any, code: str, says: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    with pytest.raises(InvalidInput) as caught:
        provgraph.read_recipe(path)
    assert caught.value.code == code
    assert says in caught.value.message


@pytest.mark.embedded
def test_files_and_classes_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        provgraph.read_recipe(tmp_path / "none.json")
    assert caught.value.code == "file_missing"
    recipe = from_dict(GOOD)
    with pytest.raises(NotFound) as caught:
        recipe.write(tmp_path / "none" / "recipe.json")
    assert caught.value.code == "directory_missing"
    path = recipe.write(tmp_path / "recipe.json")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    step = {"name": "frame", "class": "NobodyHasThis", "module": "pipeline.frames", "links": {"raw": "raw"}}
    elsewhere = from_dict({**GOOD, "steps": [step]})
    with provgraph.open(tmp_path / "survey") as survey:
        assert recipe.run(raw=raws(2)[0]).result == 6.0
        with pytest.raises(
            NotFound, match=r"NobodyHasThis, which is not here; import the module pipeline\.frames"
        ) as caught:
            elsewhere.run(raw=raws(2)[0])
        assert caught.value.code == "class_missing"
        assert survey.find(cls=RecipeFrame)


class RecipeImage(provgraph.DataObject):
    pass


class RecipeFaint(provgraph.ProcessTarget):
    catalog = link(provgraph.SourceCollection)
    n = persistent(int)

    def make(self) -> None:
        RUNS.append("faint")
        self.n = len(self.catalog.sources())


def image(path: Path, n: int) -> RecipeImage:
    """A field of `n` stars, one brighter than the other."""
    import numpy as np
    from astropy.io import fits

    y, x = np.mgrid[:100, :200]
    pixels = np.random.default_rng(n).normal(0, 1, (100, 200))
    for k in range(n):
        pixels += 100 * (k + 1) * np.exp(-((x - 20 - 30 * k) ** 2 + (y - 50) ** 2) / 8)
    fits.PrimaryHDU(pixels).writeto(path)
    return RecipeImage(file=path)


def test_from_an_image_to_what_is_counted_in_its_catalog(survey: Any, tmp_path: Path) -> None:
    pytest.importorskip("photutils")
    first = survey.make(SourceList(frame=survey.store(image(tmp_path / "a.fits", 3))))
    bright = survey.pull(survey.wrap(first), ["flux"], where="flux > 3000").result
    made = survey.make(RecipeFaint(catalog=bright))
    recipe = survey.recipe(made)
    assert [(i.name, i.wanted) for i in recipe.inputs] == [("frame", "a DataObject")]
    assert [(s.name, s.cls) for s in recipe.steps] == [
        ("source_list", "SourceList"), ("catalog", "SourceCollection"), ("recipe_faint", "RecipeFaint")
    ]  # fmt: skip
    assert recipe.run(frame=first.frame).object_id == made.object_id
    ran()
    other = survey.store(image(tmp_path / "b.fits", 5))
    assert len(recipe.plan(frame=other).work) == 2
    new = from_dict(recipe.as_dict()).run(frame=other, threshold=10.0)
    assert (ran(), new.n - made.n) == (["faint"], 2)
    hand = survey.pull(survey.wrap(survey.make(SourceList(frame=other, params=SourceListParameters(threshold=10.0)))),
                       ["flux"], where="flux > 3000").result  # fmt: skip
    assert survey.make(RecipeFaint(catalog=hand)).object_id == new.object_id
    twice = survey.pull(bright, ["flux"], where="flux < 5000").result  # pulled from what was pulled
    nested = survey.recipe(survey.make(RecipeFaint(catalog=twice)))
    assert nested.run(frame=other, threshold=10.0).n == len(hand.filter("flux < 5000").sources())
