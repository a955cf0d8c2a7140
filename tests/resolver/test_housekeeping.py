"""What takes room, what can go, and that everything derived comes back."""

from __future__ import annotations

import numpy as np
import pytest

from provgraph.errors import InvalidInput
from tests.surveys import open_survey, survey, write_fits  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:Nothing proves that")


@pytest.fixture
def worked(survey, tmp_path):
    rng = np.random.default_rng(1)
    columns = {"id": rng.permutation(3000), "x": rng.random(3000), "y": rng.random(3000)}
    columns["y"][::7] = np.nan
    a = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")
    survey.define_calculator("s", requires=["x", "y"], expression="x + 2*y")
    return survey, survey.pull(a, ["id", "s"], where="x < 0.5 and s > 0.4", name="bright")


def content(pull):
    table = pull.data()
    return {n: (c.values.tobytes(), None if c.null is None else c.null.tobytes()) for n, c in table.columns.items()}


def test_forgotten_values_come_back_bit_by_bit(worked):
    survey, pull = worked
    before = content(pull)
    would = survey.forget("bright", dry_run=True)
    assert not would.done
    assert would.segments >= 1
    assert would.bytes > 0
    assert would.attributes == ("s",)
    again = survey.pull("A", ["id", "s"], where="x < 0.5 and s > 0.4")
    content(again)
    assert again.measured.calculated == {}
    gone = survey.forget("bright")
    assert (gone.segments, gone.bytes, gone.attributes) == (would.segments, would.bytes, ("s",))
    assert "are made again" in str(gone)
    repeated = survey.pull("A", ["id", "s"], where="x < 0.5 and s > 0.4")
    assert content(repeated) == before
    assert sum(repeated.measured.calculated.values()) > 0
    assert repeated.result.object_id == pull.result.object_id


def test_dropping_everything_derived_and_pulling_again(worked):
    survey, pull = worked
    before = content(pull)
    for name in survey.store_.names():
        if name not in {h.segment.file for h in survey.held() if not h.derived}:
            survey.store_.delete(name)
    assert content(survey.pull("A", ["id", "s"], where="x < 0.5 and s > 0.4")) == before


def test_what_was_put_in_cannot_be_forgotten(worked):
    survey, _ = worked
    with pytest.raises(InvalidInput) as caught:
        survey.forget("A")
    assert caught.value.code == "nothing_derived"


def test_du_counts_every_file_once(worked):
    survey, pull = worked
    content(pull)
    rooms = {r.kind: r for r in survey.du()}
    segments = sum(p.stat().st_size for p in (survey.directory / "segments").rglob("*.h5"))
    assert sum(rooms[k].bytes for k in rooms if k not in ("graph", "audit")) == segments
    assert rooms["original catalogs"].files == 1


def test_clean_removes_orphans_and_nothing_else(worked):
    survey, pull = worked
    before = content(pull)
    assert survey.clean() == []
    orphan = survey.store_.write(np.arange(5), {}, id_space="nobody")
    found = survey.clean()
    assert [r.path.stem for r in found] == [orphan.name]
    assert orphan.name in survey.store_.names()
    assert survey.clean(dry_run=False) == found
    assert orphan.name not in survey.store_.names()
    assert survey.clean() == []
    again = survey.pull("A", ["id", "s"], where="x < 0.5 and s > 0.4")
    assert content(again) == before
    assert again.measured.calculated == {}


def test_somebody_else_who_is_writing_is_left_alone(worked):
    survey, _ = worked
    with survey.intents.declare():
        survey.store_.write(np.arange(5), {}, id_space="nobody")
        assert survey.clean() == []


@pytest.fixture
def everything(survey, tmp_path):
    """Pulls over operators of all kinds, and each again as it is to come back."""
    rng = np.random.default_rng(2)
    n = 3000
    ids = rng.permutation(n) * 3
    columns = {"id": ids, "x": rng.random(n), "y": rng.normal(size=n).astype("f4"), "v": rng.random((n, 3))}
    columns["x"][::5] = np.nan
    a = survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", id_space="sky", name="A")
    b = survey.ingest(write_fits(tmp_path / "b.fits", {"id": ids[:2000], "w": rng.random(2000)}), id="id", id_space="sky",
                      name="B")  # fmt: skip
    survey.define_calculator("s", requires=["x", "y"], expression="sqrt(x) + 2*y")
    survey.define_calculator("t", requires=["s", "w"], expression="s * w")
    listed = survey.store(survey.select_sources(a, ids[::7]), name="listed")
    pairs = survey.relabelling("sky", "elsewhere", ids, rng.permutation(n) + 10**6)
    moved = survey.store(a.filter("x < 0.7").relabel(pairs), name="moved")
    united = survey.store(a.filter("x < 0.2").union(a.filter("x > 0.8")), name="united")
    both = survey.store(a.concatenate(b), name="both")

    def pull():
        return [
            survey.pull(a, ["id", "s", "v"], where="x < 0.5 and s > 0.4"), survey.pull(listed, ["id", "s"], where="y > 0"),
            survey.pull(moved, ["s", "y"], where="s > 0.1"), survey.pull(united, ["id", "s"]),
            survey.pull(both, ["id", "t"], where="w < 0.6"),
        ]  # fmt: skip

    return survey, pull


def test_all_that_is_derived_can_go_and_comes_back_bit_by_bit(everything):
    survey, pull = everything
    first = pull()
    before = [(p.result.object_id, content(p)) for p in first]
    kinds = {h.kind for h in survey.held()}
    assert kinds == {"original catalogs", "lists of identifiers", "derived values", "sets of sources"}
    put_in = {h.segment.file for h in survey.held() if not h.derived}
    assert len(put_in) == 4  # two catalogs, a list, and pairs
    for one in survey.collections():
        if one.parents:
            survey.forget(one)
    assert survey.clean(dry_run=False) == []  # nothing is left of what was forgotten
    assert put_in <= set(survey.store_.names())
    for h in survey.held():  # what belongs to no collection that has a name: steps on the way
        if h.derived:
            survey.store_.delete(h.segment.file)
    assert set(survey.store_.names()) == put_in
    again = pull()
    assert [(p.result.object_id, content(p)) for p in again] == before
    assert [sum(p.measured.calculated.values()) for p in again] == [sum(p.measured.calculated.values()) for p in first]


def test_what_forgetting_costs_is_what_making_took(everything):
    survey, pull = everything
    for one in pull():
        one.data()
    would = survey.forget("listed", dry_run=True)
    assert would.segments == 0  # a list was put in: nothing of it is derived
    found = [survey.forget(c, dry_run=True) for c in survey.collections() if "s" in c.attributes() and c.parents]
    assert all(f.seconds > 0 for f in found if f.segments)
    seconds = {h.activity: h.seconds for h in survey.held() if h.derived}
    assert max(f.seconds for f in found) <= sum(seconds.values())


def test_models_that_no_calculator_is_are_cleaned_and_others_kept(survey, tmp_path):
    pytest.importorskip("onnxruntime")
    from tests.models import perceptron

    columns = {"id": np.arange(300), "x": np.random.default_rng(1).random(300)}
    survey.ingest(write_fits(tmp_path / "a.fits", columns), id="id", name="A")
    survey.define_calculator("p", model=perceptron(tmp_path / "p.onnx", inputs=1), requires=["x"])
    before = content(survey.pull("A", ["p"]))
    models = survey.directory / "models"
    (used,) = models.iterdir()
    orphan, half = models / f"{'0' * 64}.onnx", models / ".0123.part"
    orphan.write_bytes(b"x" * 7)
    half.write_bytes(b"y")
    with survey.intents.declare():  # somebody is defining one just now
        assert survey.clean() == []
    assert {(r.path, r.why) for r in survey.clean()} == {
        (orphan, "no calculator is this model"), (half, "it was never finished")
    }  # fmt: skip
    room = {r.kind: (r.files, r.bytes) for r in survey.du()}
    assert room["models"] == (1, used.stat().st_size)
    assert room["not needed (clean)"] == (2, 8)
    survey.clean(dry_run=False)
    assert list(models.iterdir()) == [used]
    for one in survey.held():
        if one.derived:
            survey.store_.delete(one.segment.file)
    assert content(survey.pull("A", ["p"])) == before


def test_indexes_and_their_counts_go_with_their_segments(survey, monkeypatch):
    from provgraph.bulk import indexes

    monkeypatch.setattr(indexes, "WORTHWHILE", 10)
    info = survey.store_.write(np.arange(50), {"o:1": (np.random.default_rng(1).random(50), None)}, id_space="s")
    other = survey.store_.write(np.arange(50), {"o:1": (np.random.default_rng(2).random(50), None)}, id_space="s")
    survey.store_.indexes.build(survey.store_.open(info), "o:1")
    survey.store_.indexes.used(other, "o:1")
    found = survey.clean()
    assert {
        r.path.suffix for r in found if r.path.parent.name == "indexes"
    } == set()  # their segments are there, as orphans
    assert {r.path.stem for r in found} == {info.name, other.name}
    survey.clean(dry_run=False)
    assert not list((survey.directory / "segments" / "indexes").iterdir())
    (survey.directory / "segments" / "indexes" / f"{info.name}.0123456789abcdef.h5").write_bytes(b"x")
    (survey.directory / "segments" / "indexes" / f"{info.name}.0123456789abcdef.uses").write_bytes(b"x")
    assert [r.why for r in survey.clean(dry_run=False)] == ["its segment is gone"] * 2
    assert survey.clean() == []


def test_du_knows_every_byte(everything):
    survey, pull = everything
    for one in pull():
        one.data()
    (survey.directory / "scratch").mkdir(exist_ok=True)
    (survey.directory / "scratch" / "x").write_bytes(b"1234")
    everything_there = sum(p.stat().st_size for p in survey.directory.rglob("*") if p.is_file())
    rooms = {r.kind: r.bytes for r in survey.du()}
    graph = sum(p.stat().st_size for p in (survey.directory / "graph").rglob("*") if p.is_file())
    assert rooms["being written"] == 4
    assert sum(rooms.values()) - rooms.get("graph", 0) == (
        everything_there - graph - (survey.directory / "survey.toml").stat().st_size
    )
