"""survey.select: a query is lazy, ordered, cut, narrowed, counted, tabulated and explained; on each engine."""

from __future__ import annotations

import enum
import gc
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from astropy.time import Time

import provgraph
from provgraph.errors import InvalidInput, UnknownProperty, UsageError
from provgraph.graph.mapper import Batch
from provgraph.query import Query
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent
from tests.surveys import open_survey, survey  # noqa: F401


class Grade(enum.Enum):
    A = 1
    B = 2


class QueryFrame(DBObject):
    n = persistent(int, index=True, doc="its number")
    band = persistent(str, default=None)
    depth = persistent(float, default=None, unit="m", doc="how deep")
    taken = persistent(datetime, default=None)
    grade = persistent(Grade, default=None)
    good = persistent(bool, default=None)
    words = persistent(list[str], default=None)
    corners = persistent(list[float], default=(1.0, 2.0))


class QueryWide(QueryFrame):
    chip = persistent(int, default=0)


class QueryStack(DBObject):
    frames = link(list[QueryFrame])
    best = link(QueryFrame, optional=True)


@pytest.fixture
def frames(survey: Any) -> list[Any]:
    made: list[Any] = []
    for i in range(10):
        values = {"n": i, "band": "gr"[i % 2], "words": ["a", "b"][: i % 3]}
        if i % 4:
            values |= {
                "depth": i / 2,
                "taken": datetime(2026, 1, i + 1, tzinfo=UTC),
                "grade": list(Grade)[i % 2],
                "good": i > 5,
            }
        made.append(QueryWide(chip=i, **values) if i > 7 else QueryFrame(**values))
    for one in made:
        survey.store(one)
    survey.store(QueryStack(frames=made[:3], best=made[1]), name="first")
    survey.store(QueryStack(frames=made[3:4]))
    return made


def numbers(query: Any) -> list[int]:
    return [one.n for one in query]


def test_nothing_is_read_before_it_is_looked_at(survey: Any, frames: list[Any]) -> None:
    asked: list[str] = []
    read = survey.engine.read
    survey.engine.read = lambda statement, /, **p: asked.append(statement.name) or read(statement, **p)
    query = survey.select(QueryFrame.n > 3).order_by(QueryFrame.n)[1:3].limit(5)
    repr(query)
    assert asked == []
    list(survey.select(QueryFrame))
    asked.clear()
    del frames[:]
    assert numbers(query) == [5, 6]
    assert len(asked) <= 3
    asked.clear()
    assert len(list(survey.select(QueryFrame.n == 3))) == 1
    assert len([a for a in asked if a.startswith(("select/", "count/"))]) == 1  # list() asks for a length, too


def test_a_query_is_asked_anew(survey: Any, frames: list[Any]) -> None:
    query = survey.select(QueryFrame, QueryFrame.n > 8)
    assert (len(query), numbers(query), bool(query)) == (1, [9], True)
    survey.store(QueryFrame(n=10))
    assert (len(query), numbers(query), query.count()) == (2, [10, 9], 2)
    assert list(query) == list(query)


def test_pages_and_places(survey: Any, frames: list[Any]) -> None:
    query = survey.select(QueryFrame).order_by(QueryFrame.n)
    assert (query[0].n, query[3].n, query[-1].n, query[-10].n) == (0, 3, 9, 0)
    assert (numbers(query[2:4]), numbers(query[8:]), numbers(query[:2]), numbers(query[5:5])) == (
        [2, 3],
        [8, 9],
        [0, 1],
        [],
    )
    assert (numbers(query[2:8][1:3]), numbers(query[2:4][1:9]), numbers(query.offset(7).limit(2))) == (
        [3, 4],
        [3],
        [7, 8],
    )
    assert (len(query[2:4]), query[8:99].count(), query[20:].count(), query[20:].exists()) == (2, 2, 0, False)
    assert (query[4:].first().n, query[20:].first(), query.limit(0).first()) == (4, None, None)
    assert list(query.limit(0)) == []
    for place in (10, -11):
        with pytest.raises(IndexError):
            query[place]


def test_equal_keys_keep_their_order_over_pages(survey: Any, frames: list[Any]) -> None:
    query = survey.select(QueryFrame).order_by(QueryFrame.band)
    assert [n for i in range(0, 10, 3) for n in numbers(query[i : i + 3])] == numbers(query)
    assert numbers(query) == [8, 6, 4, 2, 0, 9, 7, 5, 3, 1]
    assert numbers(query.order_by(QueryFrame.depth, descending=True)) == [9, 7, 6, 5, 3, 2, 1, 8, 4, 0]
    both = survey.select(QueryFrame).order_by(QueryFrame.band, QueryFrame.n, descending=[True, False])
    assert numbers(both) == [1, 3, 5, 7, 9, 0, 2, 4, 6, 8]
    stacks = survey.select(QueryStack)
    assert [len(s.frames) for s in stacks.order_by(QueryStack.frames.count())] == [1, 3]
    assert [len(s.frames) for s in stacks.order_by(QueryStack.best.n)] == [3, 1]
    assert [len(s.frames) for s in stacks.order_by(QueryStack.frames[0].n, descending=True)] == [1, 3]
    assert [len(s.frames) for s in stacks.order_by(QueryStack.name)] == [3, 1]
    assert numbers(survey.select(QueryFrame, QueryFrame.n < 3).order_by(QueryFrame.words.count())) == [0, 1, 2]


def test_queries_are_narrowed(survey: Any, frames: list[Any]) -> None:
    query = survey.select(QueryFrame.n > 3).order_by(QueryFrame.n)
    assert numbers(query.also(QueryFrame.band == "g")) == [4, 6, 8]
    assert numbers(query & (QueryFrame.band == "g") & QueryFrame.good) == [6]
    assert numbers(query.also(QueryWide)) == [8, 9]
    assert numbers(survey.select(QueryWide, QueryFrame.band == "r")) == [9]
    assert numbers(survey.select(QueryFrame, QueryWide.chip == 8)) == [8]
    assert numbers(survey.select((QueryFrame.n == 1) | (QueryWide.chip == 8)).order_by(QueryFrame.n)) == [1, 8]
    assert survey.select(DBObject, QueryStack.best.n == 1).count() == 1
    assert survey.select(~(QueryWide.chip == 8), QueryFrame).count() == 1  # of others nobody can say so


def test_what_a_query_refuses(survey: Any) -> None:
    query = survey.select(QueryFrame)
    for write, code in (
        (survey.select, "usage"),
        (lambda: survey.select("n > 3"), "not_a_condition"),
        (lambda: survey.select(QueryFrame.n), "not_a_condition"),
        (lambda: survey.select(QueryFrame, QueryStack), "unrelated_classes"),
        (lambda: survey.select(QueryFrame, QueryStack.best.n == 1), "unrelated_classes"),
        (lambda: query.also(QueryStack.best.n == 1), "unrelated_classes"),
        (lambda: query & 3, "not_a_condition"),
        (lambda: query.order_by("n"), "wrong_type"),
        (lambda: query.order_by(QueryStack.best.n), "unrelated_classes"),
        (lambda: query.order_by(QueryFrame.words), "wrong_type"),
        (lambda: survey.select(QueryStack).order_by(QueryStack.frames.n), "wrong_type"),
        (lambda: query.order_by(QueryFrame.n, descending=[True, False]), "usage"),
        (lambda: query[1:].order_by(QueryFrame.n), "usage"),
        (lambda: query.limit(3).also(QueryFrame.n > 1), "usage"),
        (lambda: query[::2], "usage"),
        (lambda: query[-3:], "usage"),
        (lambda: query["a"], "usage"),
        (lambda: query.limit(-1), "limit_invalid"),
        (lambda: query.offset("2"), "limit_invalid"),
        (lambda: query.table("n"), "wrong_type"),
        (lambda: query.table(QueryFrame.n, n=QueryFrame.depth), "usage"),
    ):
        with pytest.raises((InvalidInput, UsageError)) as caught:
            write()
        assert caught.value.code == code, str(caught.value)


def test_a_table_has_units_descriptions_and_masks(survey: Any, frames: list[Any]) -> None:
    table = survey.select(QueryFrame).order_by(QueryFrame.n).table()
    assert table.colnames == list(QueryFrame.persistents)
    assert table["depth"].unit == "m"
    assert (table["depth"].description, table["n"].description) == ("how deep", "its number")
    assert table["n"].dtype == np.int64
    assert table["depth"].mask.tolist() == [True, False, False, False] * 2 + [True, False]
    assert table["depth"][1] == 0.5
    assert table["band"].tolist() == list("grgrgrgrgr")
    assert isinstance(table["taken"], Time)
    assert table["taken"][1].isot == "2026-01-02T00:00:00.000"
    assert table["taken"].mask[0]
    assert table["grade"][1:4].tolist() == ["B", "A", "B"]
    assert table["good"][7]
    assert list(table["words"][:3]) == [(), ("a",), ("a", "b")]
    assert table["corners"].shape == (10, 2)
    assert table.meta["class"] == "QueryFrame"


def test_a_table_reads_along_links_for_all_rows_together(survey: Any, frames: list[Any]) -> None:
    batch = Batch()
    batch.note(frames[1], "tag", "deep")
    batch.note(frames[1], "name", "one")
    survey.mapper.write(batch)
    asked: list[str] = []
    read = survey.engine.read
    survey.engine.read = lambda statement, /, **p: asked.append(statement.name) or read(statement, **p)
    query = survey.select(QueryStack).order_by(QueryStack.frames.count(), descending=True)
    table = query.table(
        QueryStack.name, QueryStack.best, QueryStack.best.band, QueryStack.best.name, QueryStack.best.tag, QueryStack.frames.n,
        QueryStack.frames[2].n, QueryStack.creator, QueryStack.frames.of(QueryWide).chip, size=QueryStack.frames.count(),
        words=QueryStack.best.words.count(), used=QueryStack.best.inverse(QueryStack.frames).count(),
        tags=QueryStack.best.tag.count(),
    )  # fmt: skip
    assert len(asked) <= 12
    assert table.colnames[:6] == ["name", "best", "best.band", "best.name", "best.tag", "frames.n"]
    assert table["name"].tolist() == ["first", None]
    assert table["best"].tolist() == [frames[1].object_id, None]
    assert table["best.band"].tolist() == ["r", None]
    assert table["best.name"].tolist() == ["one", None]
    assert [tuple(t) for t in table["best.tag"]] == [("deep",), ()]
    assert [tuple(t) for t in table["frames.n"]] == [(0, 1, 2), (3,)]
    assert table["frames[2].n"].tolist() == [2, None]
    assert table["creator"].tolist() == [survey.context.agent.name] * 2
    assert [tuple(t) for t in table["frames.of(QueryWide).chip"]] == [(), ()]
    assert table["size"].tolist() == [3, 1]
    assert table["words"].tolist() == [1, None]
    assert table["used"].tolist() == [1, 0]
    assert table["tags"].tolist() == [1, 0]
    empty = survey.select(QueryFrame.n > 99).table()
    assert len(empty) == 0
    assert empty.colnames == list(QueryFrame.persistents)


def test_explain_prints_statements_and_parameters(survey: Any, frames: list[Any], capsys: Any) -> None:
    query = survey.select((QueryStack.best.n == 1) & (QueryStack.best.band == "it's"))
    assert isinstance(query, Query)
    query.explain()
    said = capsys.readouterr().out
    assert "// the ids" in said
    assert "MATCH (v1:QueryFrame {`n`: $p0})" in said
    assert "$p0 = 1\n" in said
    assert '"it\'s"' in said
    assert "queries" not in said
    assert "it's" not in said.split("$p0 = 1")[0]
    survey.select(QueryFrame.n > 1, QueryFrame.object_id.isin(["a", "b"])).explain()
    assert "// to find where to start" in capsys.readouterr().out


def test_any_object_can_be_asked_for(survey: Any, frames: list[Any]) -> None:
    assert survey.select(DBObject, DBObject.class_name == "QueryStack").count() == 2
    assert survey.select(DBObject.name == "first").first() == survey.select(QueryStack.best.n == 1).first()
    assert survey.select(DBObject.creator == survey.context.agent.name).count() >= 12


class NightlyRaw(provgraph.DataObject):
    filter = persistent(str, index=True)


class NightlyReduced(provgraph.DataObject):
    raw = link(NightlyRaw)
    zeropoint = persistent(float, index=True, unit="mag")


class NightlyDeep(NightlyReduced):
    """What is asked of a class is asked of its subclasses."""

    hours = persistent(float, default=1.0)


@pytest.fixture
def night(survey: Any) -> Any:
    raws = [NightlyRaw(filter="gri"[i % 3]) for i in range(12)]
    for i, raw in enumerate(raws):
        survey.store((NightlyDeep if i > 8 else NightlyReduced)(raw=raw, zeropoint=24 + 0.1 * i))
    return survey


def test_objects_are_found_by_what_they_are_made_from(night: Any) -> None:
    found = night.select((NightlyReduced.raw.filter == "g") & (NightlyReduced.zeropoint > 24.5))
    assert [(type(one), one.raw.filter, round(one.zeropoint, 1)) for one in found] == [
        (NightlyDeep, "g", 24.9), (NightlyReduced, "g", 24.6),
    ]  # fmt: skip
    assert [one.zeropoint for one in night.select(NightlyDeep.raw.filter == "i")] == [25.1]
    assert night.select(NightlyRaw.inverse(NightlyReduced.raw).zeropoint > 25.05).first().filter == "i"
    with pytest.raises(UnknownProperty, match="did you mean 'filter'"):
        night.select(NightlyReduced.raw.fliter == "g")


def test_what_each_look_costs(night: Any) -> None:
    """Statements, however many objects there are."""
    asked: list[str] = []
    read = night.engine.read
    night.engine.read = lambda statement, /, **p: asked.append(statement.name) or read(statement, **p)
    several = (NightlyReduced.raw.filter == "g") & (NightlyReduced.zeropoint > 24.5)  # two places to start at
    for look, most in (
        (lambda: night.select(NightlyReduced).count(), 1),
        (lambda: night.select(NightlyReduced).exists(), 1),
        (lambda: night.select(several).exists(), 2),
        (lambda: night.select(NightlyReduced).first(), 2),
        (lambda: list(night.select(NightlyReduced)), 2),
        (lambda: list(night.select(several)), 3),
        (lambda: list(night.select(NightlyReduced).order_by(NightlyReduced.raw.filter)[3:9]), 2),
        (lambda: [one.raw.filter for one in night.select(NightlyReduced)], 3),
        (lambda: night.select(NightlyReduced).table(), 2),
        (lambda: night.select(NightlyReduced).table(NightlyReduced.raw.filter), 4),
    ):
        asked.clear()
        look()
        gc.collect()  # what was read is read again
        assert len(asked) <= most, asked


def test_what_was_deleted_is_not_selected(night: Any) -> None:
    gone = night.select(NightlyReduced.zeropoint > 25.05).first()
    raw = gone.raw
    users = NightlyRaw.inverse(NightlyReduced.raw)
    assert night.select(NightlyRaw, users.count() == 0).count() == 0
    night.delete(gone, reason="a test")
    everything = night.select(NightlyReduced)
    assert len(everything) == everything.count() == len(everything.table()) == 11
    assert gone.object_id not in {one.object_id for one in everything}
    assert not night.select(NightlyReduced.zeropoint > 25.05).exists()
    assert not night.select(NightlyReduced.object_id == gone.object_id).exists()
    assert not night.select(NightlyReduced.raw == raw).exists()
    assert list(night.select(NightlyRaw, users.count() == 0)) == [raw]
    assert list(night.select(NightlyRaw, users.zeropoint > 25.05)) == []
    assert night.select(NightlyRaw.object_id == raw.object_id).table(n=users.count())["n"].tolist() == [0]
    assert night.get_inverse_properties(raw) == []
    assert gone.object_id not in {one.object_id for one in night.find("zeropoint > 1", cls=NightlyReduced)}
    assert len(night.find(cls=NightlyReduced)) == 11
