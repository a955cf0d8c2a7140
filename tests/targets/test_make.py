"""Making: exactly what is out of date, for the reason that is told, in the order of dependencies."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, process_params
from provgraph.errors import InvalidInput, MakeFailed, ProvgraphError, StorageError
from provgraph.graph.statements import Statement
from provgraph.schema import calls
from tests.surveys import OpenSurvey, open_survey  # noqa: F401

RUNS: list[str] = []
FAILING: set[str] = set()


class MadeParameters(provgraph.Parameters):
    sigma = persistent(float, default=3.0)
    clip = persistent(bool, default=True)


class MadeRaw(provgraph.DataObject):
    filename = persistent(str)
    value = persistent(float, unit="adu")


class MadeFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[MadeRaw])
    level = persistent(float)

    def make(self) -> None:
        RUNS.append("flat")
        self.level = self.mean([r.value for r in self.raws])

    def mean(self, values: list[float]) -> float:
        return round(sum(values) / len(values), 1)


class MadeReduced(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(MadeRaw)
    flat = link(MadeFlat, optional=True)
    params = process_params(MadeParameters)
    result = persistent(float)

    def make(self) -> None:
        RUNS.append(f"reduced {self.raw.filename}")
        if self.raw.filename in FAILING:
            raise ValueError("no star in the image")
        self.result = self.raw.value / (self.flat.level if self.flat else 1.0) * self.params.sigma


class MadeHistogram(provgraph.ProcessTarget):
    frames = link(list[MadeReduced])
    total = persistent(float)

    def make(self) -> None:
        RUNS.append("histogram")
        self.total = sum(f.result for f in self.frames)


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    RUNS.clear()
    FAILING.clear()
    yield
    MadeParameters.persistents["sigma"].default = 3.0


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def chain(n: int = 3) -> tuple[list[MadeRaw], MadeHistogram]:
    raws = [MadeRaw(filename=f"r{i}", value=i + 1.0) for i in range(n)]
    flat = MadeFlat(raws=raws)
    return raws, MadeHistogram(frames=[MadeReduced(raw=r, flat=flat) for r in raws])


def ran() -> list[str]:
    done, RUNS[:] = list(RUNS), []
    return done


def test_dependencies_first_and_only_once(survey: Any) -> None:
    _, target = chain()
    assert [s.label for s in survey.plan(target).work] == ["MadeFlat", *["MadeReduced"] * 3, "MadeHistogram"]
    made = survey.make(target)
    assert ran() == ["flat", "reduced r0", "reduced r1", "reduced r2", "histogram"]
    assert made.total == 9.0
    assert survey.status(made).up_to_date
    assert str(survey.plan(made)) == "Nothing to make, all is up to date."
    assert survey.make(made) is made
    assert ran() == []


def test_what_was_made_of_the_same_is_found(survey: Any) -> None:
    raws, target = chain()
    made = survey.make(target)
    ran()
    flat = MadeFlat(raws=raws)
    again = survey.make(MadeHistogram(frames=[MadeReduced(raw=r, flat=flat) for r in raws]))
    assert again.object_id == made.object_id
    assert ran() == []


def test_a_better_input_makes_again_what_rests_on_it(survey: Any) -> None:
    raws, target = chain()
    made = survey.make(target)
    ran()
    survey.new_version(raws[1], value=5.0)
    status = survey.status(made)
    assert status.status == "OUT_OF_DATE"
    assert any("MadeRaw@1 was superseded by MadeRaw@2" in r for r in status.reasons)
    new = survey.make(made)
    assert ran() == ["flat", "reduced r0", "reduced r1", "reduced r2", "histogram"]
    assert (new.version, new.identity) == (2, made.identity)
    assert survey.status(new).up_to_date
    assert survey.make(made).object_id == new.object_id
    assert ran() == []


def test_equal_content_stops_it_early_and_for_good(survey: Any) -> None:
    raws, target = chain()
    made = survey.make(target)
    ran()
    survey.new_version(raws[0], value=1.01)  # the mean, rounded, is what it was
    new = survey.make(made)
    assert ran() == ["flat", "reduced r0", "histogram"]
    status = survey.status(new)
    assert status.up_to_date
    (kept,) = {f.object_id for f in new.frames} & {made.frames[1].object_id}
    assert survey.status(made.frames[1]).reasons == ("MadeFlat@2 is equal by content to MadeFlat@1",)
    assert kept
    assert survey.make(new) is new
    assert ran() == []


def test_other_defaults_make_again_where_defaults_were_taken(survey: Any) -> None:
    raw = MadeRaw(filename="r", value=2.0)
    by_default = survey.make(MadeReduced(raw=raw))
    said = survey.make(MadeReduced(raw=raw, params=MadeParameters(sigma=3.0, clip=False)))
    ran()
    MadeParameters.persistents["sigma"].default = 2.5
    assert survey.status(by_default).reasons == ("parameter `sigma` 3.0 → 2.5",)
    assert survey.status(said).up_to_date
    assert survey.make(by_default).result == 5.0
    assert survey.make(said).object_id == said.object_id
    assert ran() == ["reduced r"]


def test_changed_code_makes_again(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, target = chain()
    made = survey.make(target)
    ran()

    def mean(self: MadeFlat, values: list[float]) -> float:
        return round(sum(values) / len(values) + 1, 1)

    monkeypatch.setattr(MadeFlat, "mean", mean)
    reasons = survey.status(made.frames[0].flat).reasons
    assert reasons == ("the code of `MadeFlat.make` changed",)
    new = survey.make(made)
    assert ran() == ["flat", "reduced r0", "reduced r1", "reduced r2", "histogram"]
    assert new.frames[0].flat.level == 3.0


def test_invalid_things_are_named_and_nothing_is_made_of_them(survey: Any) -> None:
    raws, target = chain()
    made = survey.make(target)
    ran()
    survey.invalidate(raws[2], "clouds")
    assert any("was declared invalid on" in r and r.endswith("clouds") for r in survey.status(made).reasons)
    with pytest.raises(InvalidInput, match="clouds") as caught:
        survey.make(made)
    assert caught.value.code == "dependency_invalid"
    survey.validate(raws[2], "no, it was the moon")
    assert survey.status(made).up_to_date
    survey.invalidate(made.frames[0].flat, "a lamp was on")
    new = survey.make(made)
    assert ran() == ["flat", "reduced r0", "reduced r1", "reduced r2", "histogram"] or ran() == []
    assert survey.status(new).up_to_date


def test_a_make_that_fails_is_recorded_and_leaves_nothing_else(survey: Any) -> None:
    FAILING.add("r1")
    _, target = chain()
    with pytest.raises(MakeFailed, match="no star in the image") as caught:
        survey.make(target)
    assert caught.value.code == "make_failed"
    failed = Statement("failed", ("MATCH (a:Activity) WHERE a.status = 'failed' RETURN a.message AS message",))
    assert survey.engine.read(failed) == [{"message": "ValueError: no star in the image"}]
    assert survey.find(cls="MadeHistogram") == []
    ran()
    FAILING.clear()
    survey.make(target)
    assert "reduced r0" not in ran()


def test_going_on_past_a_failure(survey: Any) -> None:
    FAILING.update({"r0", "r2"})
    _, target = chain(4)
    with pytest.raises(MakeFailed, match="2 targets could not be made"):
        survey.make(target, keep_going=True)
    assert ran() == ["flat", "reduced r0", "reduced r1", "reduced r2", "reduced r3"]
    assert len(survey.find(cls="MadeReduced")) == 2


class MadeSlow(provgraph.ProcessTarget):
    number = persistent(int)
    done = persistent(bool)

    def make(self) -> None:
        time.sleep(0.3)
        self.done = True


class MadeOfSlow(provgraph.ProcessTarget):
    parts = link(list[MadeSlow])

    def make(self) -> None:
        pass


def test_what_is_independent_is_made_at_the_same_time(survey: Any) -> None:
    made = survey.make(MadeOfSlow(parts=[MadeSlow(number=i) for i in range(8)]), jobs=8)
    assert len({p.object_id for p in made.parts}) == 8
    calls_of = [next(c for c in survey.calls(p) if c.method == "make") for p in made.parts]
    began = [datetime.fromisoformat(c.started) for c in calls_of]
    at_once = max(
        sum(b <= t < b + timedelta(seconds=c.seconds) for b, c in zip(began, calls_of, strict=True)) for t in began
    )
    assert at_once > 1


class MadeWrong(provgraph.ProcessTarget):
    how = persistent(str)
    value = persistent(float)
    raw = link(MadeRaw, optional=True)

    def make(self) -> Any:
        if self.how == "returns":
            self.value = 1.0
            return [1, 2]
        if self.how == "changes":
            self.raw.value = 3.0
        return None


@pytest.mark.parametrize(
    ("how", "code"), [("returns", "make_returned"), ("forgets", "property_missing"), ("changes", "immutable")]
)
def test_a_make_that_does_what_it_may_not(survey: Any, how: str, code: str) -> None:
    raw = survey.store(MadeRaw(filename="r", value=1.0))
    with pytest.raises(ProvgraphError) as caught:
        survey.make(MadeWrong(how=how, raw=raw))
    assert caught.value.code == code
    assert survey.find(cls="MadeWrong") == []


class MadeByChance(provgraph.ProcessTarget):
    raw = link(MadeRaw)
    value = persistent(float)

    def make(self) -> None:
        RUNS.append("chance")
        self.value = float(len(RUNS))


def test_once_more_confirms_or_shows_that_it_is_chance(survey: Any) -> None:
    raw = MadeRaw(filename="r", value=2.0)
    first = survey.make(MadeReduced(raw=raw))
    assert survey.make(first, force=True) is first
    assert ran() == ["reduced r", "reduced r"]
    assert [n["kind"] for n in survey.notes(first)] == ["confirmed"]
    assert [c.method for c in survey.calls(first) if c.method != "__init__"] == ["make", "make"]
    once = survey.make(MadeByChance(raw=raw))
    twice = survey.make(once, force=True)
    assert (twice.version, twice.repeat, twice.value, once.value) == (2, 1, 2.0, 1.0)
    assert [n["value"] for n in survey.notes(twice) if n["kind"] == "not_deterministic"] == [once.object_id]
    assert survey.status(twice).up_to_date


def test_a_new_version_and_the_end_of_one(survey: Any) -> None:
    raw = survey.store(MadeRaw(filename="r", value=2.0))
    new = survey.new_version(raw, value=3.0)
    assert (new.version, new.identity, new.value, new.filename) == (2, raw.identity, 3.0, "r")
    assert [v.version for v in survey.versions(raw)] == [2, 1]
    with pytest.raises(InvalidInput) as caught:
        survey.new_version(raw, value=4.0)
    assert caught.value.code == "not_newest"
    made = survey.make(MadeReduced(raw=new))
    with pytest.raises(InvalidInput) as caught:
        survey.delete(new)
    assert caught.value.code == "has_dependents"
    survey.delete(made, reason="a test")
    again = survey.make(MadeReduced(raw=new))
    assert again.object_id != made.object_id
    assert (again.lineage_key, again.repeat) == (made.lineage_key, 1)


class ChosenRaw(provgraph.DataObject):
    field = persistent(str)
    ccd = persistent(int)
    value = persistent(float)


class ChosenFlat(provgraph.ProcessTarget):
    ccd = persistent(int)
    level = persistent(float)

    def make(self) -> None:
        RUNS.append(f"flat {self.ccd}")
        self.level = float(self.ccd)


class ChosenReduced(provgraph.ProcessTarget):
    raw = link(ChosenRaw)
    flat = link(ChosenFlat)
    result = persistent(float)

    def choose_flat(self, survey: Any) -> Any:
        return survey.target(ChosenFlat, ccd=self.raw.ccd)

    def make(self) -> None:
        RUNS.append(f"reduced {self.raw.value:g}")
        self.result = self.raw.value / self.flat.level


class ChosenCoadd(provgraph.ProcessTarget):
    field = persistent(str)
    frames = link(list[ChosenReduced])
    depth = persistent(int)

    def make(self) -> None:
        RUNS.append("coadd")
        self.depth = len(self.frames)


def test_by_specification_from_raw_frames_alone(survey: Any) -> None:
    for i in range(4):
        survey.store(ChosenRaw(field="F12" if i < 3 else "F13", ccd=1 + i % 2, value=float(i)))
    coadd = survey.target(ChosenCoadd, field="F12").make(explain=True)
    assert sorted(ran()) == ["coadd", "flat 1", "flat 2", "reduced 0", "reduced 1", "reduced 2"]
    assert (coadd.depth, coadd.chosen) == (3, ("frames",))
    assert survey.status(coadd).up_to_date
    assert survey.target(ChosenCoadd, field="F12").make().object_id == coadd.object_id
    assert ran() == []
    survey.store(ChosenRaw(field="F12", ccd=2, value=9.0))
    assert survey.status(coadd).reasons == ("1 more is there for `frames`",)
    new = survey.make(coadd)
    assert ran() == ["reduced 9", "coadd"]
    assert (new.depth, new.version) == (4, 2)
    assert survey.status(new).up_to_date


def test_a_specification_that_leads_nowhere(survey: Any) -> None:
    with pytest.raises(ProvgraphError, match="There is no ChosenRaw") as caught:
        survey.target(ChosenReduced, field="F99").make()
    assert caught.value.code == "nothing_to_choose"
    with pytest.raises(InvalidInput, match="'feild'") as wrong:
        survey.target(ChosenCoadd, feild="F12").make()
    assert wrong.value.code == "unknown_property"


class FiledFrame(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(MadeRaw)

    def make(self) -> None:
        RUNS.append("filed")
        folder = Path(tempfile.mkdtemp())
        (folder / "frame.txt").write_text(f"{round(self.raw.value)}")
        self.attach(folder / "frame.txt")


class FiledSum(provgraph.ProcessTarget):
    frame = link(FiledFrame)
    value = persistent(float)

    def make(self) -> None:
        RUNS.append("sum")
        with self.frame.open() as file:
            self.value = float(file.read())


def test_a_file_that_is_lost_is_made_again(survey: Any) -> None:
    made = survey.make(FiledSum(frame=FiledFrame(raw=MadeRaw(filename="r", value=2.0)))).frame
    path = made.retrieve()
    path.chmod(0o644)
    path.write_bytes(b"2.x")
    with pytest.raises(StorageError, match=r"or make it again, survey\.make\(object, force=True\)"):
        made.retrieve()
    survey.make(made, force=True)
    assert made.retrieve().read_bytes() != b"2.x"


def test_files_are_made_stored_and_compared(survey: Any) -> None:
    raw = MadeRaw(filename="r", value=2.0)
    made = survey.make(FiledSum(frame=FiledFrame(raw=raw)))
    assert (ran(), made.value) == (["filed", "sum"], 2.0)
    assert made.frame.retrieve().read_text() == "2"
    survey.new_version(raw, value=2.1)  # the same file comes out
    assert survey.make(made).object_id == made.object_id
    assert ran() == ["filed"]
    assert survey.status(made).up_to_date
    text = survey.lineage(made).text()
    assert "FiledFrame" in text


def test_as_it_was_recorded(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raws, target = chain()
    flat = survey.make(target).frames[0].flat
    survey.new_version(raws[0], value=7.0)
    ran()
    assert survey.make(flat, as_recorded=True) is flat  # from the raw frames of then, with the same result
    assert ran() == ["flat"]
    monkeypatch.setattr(MadeFlat, "mean", lambda self, values: 1.0)
    with pytest.raises(ProvgraphError, match="other code") as caught:
        survey.make(flat, as_recorded=True)
    assert caught.value.code == "code_missing"
    with pytest.raises(ProvgraphError) as caught:
        survey.make(MadeFlat(raws=raws), as_recorded=True)
    assert caught.value.code == "not_made"


def test_what_a_version_of_code_made(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    raws = [MadeRaw(filename="r", value=2.0)]
    first = survey.make(MadeFlat(raws=raws))

    def mean(self: MadeFlat, values: list[float]) -> float:
        return 7.0

    monkeypatch.setattr(MadeFlat, "mean", calls.hooked(mean, "MadeFlat", "mean"))
    second = survey.make(first)
    assert {o.object_id for o in survey.made_by("MadeFlat.mean")} == {first.object_id, second.object_id}
    versions = survey.find("name = 'MadeFlat.mean'", cls="CodeVersion")
    assert sorted(o.object_id for v in versions for o in survey.made_by(v)) == sorted(
        [first.object_id, second.object_id]
    )
    with pytest.raises(ProvgraphError, match=r"MadeFlat\.mean"):
        survey.made_by("MadeFlat.maen")


class MadeDark(provgraph.ProcessTarget):
    raws = link(list[MadeRaw])
    night = persistent(str)
    level = persistent(float)

    def make(self) -> None:
        self.level = sum(r.value for r in self.raws)

    def verify(self) -> list[str]:
        return ["fewer than 2 frames"] if len(self.raws) < 2 else []


class MadeOfDark(provgraph.ProcessTarget):
    dark = link(MadeDark)
    params = process_params(MadeParameters)
    night = persistent(str)
    level = persistent(float)

    def make(self) -> None:
        self.level = 2 * self.dark.level


def test_quality_flags_keep_a_result_from_being_chosen(survey: Any) -> None:
    raws = [MadeRaw(filename=n, value=1.0) for n in "ab"]
    good = survey.make(MadeDark(raws=raws, night="n"))
    poor = survey.make(MadeDark(raws=raws[:1], night="n"))
    assert survey.status(poor).flags == ("fewer than 2 frames",)
    assert "flagged: fewer than 2 frames" in str(survey.status(poor))
    assert survey.status(good).flags == ()
    made = survey.target(MadeOfDark, night="n").make()
    assert made.dark.object_id == good.object_id
    survey.validate(poor, "one is enough for this")
    assert survey.status(poor).flags == ()
    assert not survey.status(made).up_to_date  # its class would choose the newer one now
    assert survey.make(made).dark.object_id == poor.object_id


def test_why_a_target_is_as_it_is(survey: Any) -> None:
    raws = [MadeRaw(filename=n, value=1.0) for n in "ab"]
    survey.store(survey.make(MadeDark(raws=raws, night="n")), name="dark")
    made = survey.target(MadeOfDark, night="n").make()
    survey.new_version(raws[1], value=2.0)
    why = survey.why(made)
    assert [(s.role, s.what, s.how) for s in why.sources] == [
        ("dark", "dark@1", "chosen by its class"), ("params", "sigma = 3.0, clip = True", "default"),
    ]  # fmt: skip
    said = str(why)
    assert "MadeOfDark@1, made 20" in said
    assert "by MadeOfDark.make sha256:" in said
    assert "because dark@1 is out of date: MadeRaw@1 was superseded by MadeRaw@2" in said
    assert "remake" in said.partition("make would")[2]
    assert [(s.role, s.how) for s in survey.why("dark").sources] == [("raws", "given"), ("raws", "given")]
    assert str(survey.why(raws[0])).startswith("MadeRaw@1, stored\nUP_TO_DATE")


def test_a_plan_knows_what_was_made_of_the_same(survey: Any) -> None:
    raws, target = chain()
    made = survey.make(target)
    ran()
    flat = MadeFlat(raws=raws)
    again = MadeHistogram(frames=[MadeReduced(raw=r, flat=flat) for r in raws])
    assert str(survey.plan(again)) == "Nothing to make, all is up to date."
    assert survey.status(again).up_to_date
    assert survey.make(again).object_id == made.object_id
    more = MadeHistogram(frames=[MadeReduced(raw=r, flat=flat) for r in raws[:2]])
    assert [s.label for s in survey.plan(more).work] == ["MadeHistogram"]
    assert survey.status(more).status == "OUT_OF_DATE"
    survey.make(more)
    assert ran() == ["histogram"]


def test_what_another_survey_has_is_not_mixed_in(survey: Any, tmp_path: Path) -> None:
    raw = survey.store(MadeRaw(filename="here", value=1.0))
    with provgraph.open(tmp_path / "other") as other:
        there = other.store(MadeRaw(filename="there", value=1.0))
        with pytest.raises(InvalidInput, match="stored in another survey") as caught:
            survey.make(MadeFlat(raws=[raw, there]))
        assert caught.value.code == "other_survey"
        with calls.using(survey):
            MadeOther(filename="b").look(there)
    survey.tracer.write(all_=True)
    told = Statement("told", ("MATCH (a:Activity) WHERE a.method = 'look' RETURN a.arguments AS arguments",))
    assert there.object_id in survey.engine.read(told)[0]["arguments"]


class MadeOther(provgraph.DataObject):
    filename = persistent(str)

    def look(self, other: Any) -> str:
        return str(other.filename)


def test_a_target_that_was_not_made_is_not_stored(survey: Any) -> None:
    with pytest.raises(InvalidInput, match=r"was not made, it has no level; survey\.make\(it\)") as caught:
        survey.store(MadeFlat(raws=[MadeRaw(filename="a", value=1.0)]))
    assert caught.value.code == "not_made"
    assert survey.select(MadeRaw).count() == 0


def test_a_class_that_is_defined_again_counts(survey: Any, tmp_path: Path) -> None:
    """As a cell of a notebook that is run once more."""
    import linecache

    space: dict[str, Any] = {"provgraph": provgraph, "persistent": persistent, "link": link, "__name__": "notebook"}

    def cell(n: int, text: str) -> None:
        name = f"<cell {n}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), space)

    cell(1, "class CellRaw(provgraph.DataObject):\n    x = persistent(float)\n")
    again = (
        "class CellSum(provgraph.ProcessTarget):\n    raw = link(CellRaw)\n    y = persistent(float)\n\n"
        "    def make(self):\n        self.y = {} * self.raw.x\n"
    )
    cell(2, again.format(2))
    made = survey.make(space["CellSum"](raw=space["CellRaw"](x=1.0)))
    assert survey.status(made).up_to_date
    cell(3, again.format(3))
    assert survey.status(made).reasons == ("the code of `CellSum.make` changed",)
    assert type(survey.get(made.object_id)) is space["CellSum"]
    assert survey.make(made).y == 3.0
    cell(4, "class CellRaw(provgraph.DataObject):\n    x = persistent(float)\n")
    assert survey.make(space["CellSum"](raw=space["CellRaw"](x=5.0))).y == 15.0
