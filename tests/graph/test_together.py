"""Links of objects that were read together are read together: the number of statements, and what is kept alive."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provgraph.errors import NotFound
from provgraph.graph.mapper import Batch, Mapper
from provgraph.graph.setup import prepare
from provgraph.policy import AllowAll, Context
from provgraph.query import asked as select
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent


class TogetherRaw(DBObject):
    n = persistent(int, index=True)


class TogetherFlat(DBObject):
    level = persistent(float, default=1.0)


class TogetherReduced(DBObject):
    n = persistent(int, index=True)
    raw = link(TogetherRaw)
    flat = link(TogetherFlat, optional=True)


class TogetherStack(DBObject):
    n = persistent(int, index=True)
    frames = link(list[TogetherReduced])


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    mapper = Mapper(engine, Context())
    batch = Batch()
    flat = TogetherFlat()
    reduced = [TogetherReduced(n=i, raw=TogetherRaw(n=i), flat=flat if i % 2 else None) for i in range(120)]
    batch.add(*(TogetherStack(n=i, frames=reduced[3 * i : 3 * i + 3]) for i in range(40)))
    mapper.write(batch)
    return Mapper(engine, Context())


@contextmanager
def counted(mapper: Mapper) -> Iterator[list[str]]:
    """Names of the statements that are read."""
    names: list[str] = []
    read = mapper.engine.read
    mapper.engine.read = lambda statement, /, **p: names.append(statement.name) or read(statement, **p)  # type: ignore[method-assign, func-returns-value]
    try:
        yield names
    finally:
        mapper.engine.read = read  # type: ignore[method-assign]


def test_a_loop_over_links_costs_a_handful_of_statements(mapper: Mapper) -> None:
    with counted(mapper) as read:
        assert sum(one.raw.n for one in select(mapper, TogetherReduced.n >= 0)) == sum(range(120))
        assert len([s for s in read if s.startswith("queries/")]) == 1  # what the objects that were found are linked to
    with counted(mapper) as read:
        levels = [one.flat.level for one in select(mapper, TogetherReduced.n >= 0) if one.flat is not None]
        assert len(levels) == 60
        assert len(read) <= 6
    with counted(mapper) as read:
        assert sum(f.raw.n for stack in select(mapper, TogetherStack) for f in stack.frames) == sum(range(120))
        assert len(read) <= 8


def test_a_loop_over_a_thousand_linked_objects(mapper: Mapper) -> None:
    for _ in range(2):
        batch = Batch()
        batch.add(*(TogetherReduced(n=1000 + i, raw=TogetherRaw(n=i), flat=TogetherFlat()) for i in range(500)))
        mapper.write(batch)
    with counted(mapper) as read:
        some = select(mapper, TogetherReduced.n >= 1000)
        assert sum(one.raw.n + one.flat.level for one in some) == 2 * sum(range(500)) + 1000
        assert len(read) <= 4, read  # ids, objects, and what each of two links leads to


def test_one_object_reads_nothing_of_others(mapper: Mapper) -> None:
    one = select(mapper, TogetherReduced.n == 5).first()
    with counted(mapper) as read:
        assert one.raw.n == 5
        assert read == ["queries/objects_by_id"]
        assert one.raw.n == 5
        assert len(read) == 1


def test_objects_that_were_read_alone_are_read_together_later(mapper: Mapper) -> None:
    ids = [o.object_id for o in select(mapper, TogetherReduced.n < 50)]
    held = [mapper.get(i) for i in ids]
    with counted(mapper) as read:
        for one in select(mapper, TogetherReduced.n < 50):
            assert one in held
            assert mapper.get(one.object_id) is one  # alone again, but read with the others before
            assert one.raw.n == one.n
        assert len([s for s in read if s == "queries/objects_by_id"]) == 1
    with counted(mapper) as read:
        assert len({one.raw for one in mapper.many(ids)}) == 50
        assert read == []


def test_nobody_is_kept_alive_for_others(mapper: Mapper) -> None:
    some = list(select(mapper, TogetherReduced.n < 30))
    first, gone = some[0], weakref.ref(some[1])
    wanted = first.n
    del some
    gc.collect()
    assert gone() is None
    with counted(mapper) as read:
        assert first.raw.n == wanted
        assert len(read) == 1
    raw = weakref.ref(first.raw)
    del first
    gc.collect()
    assert raw() is None


def test_only_what_is_alive_is_read_for(mapper: Mapper) -> None:
    some = list(select(mapper, TogetherReduced.n < 30))
    kept = some[:3]
    del some
    gc.collect()
    asked: list[int] = []
    read = mapper.engine.read
    mapper.engine.read = lambda s, /, **p: asked.append(len(p.get("ids", ()))) or read(s, **p)  # type: ignore[method-assign, func-returns-value]
    assert kept[0].raw.n == kept[0].n
    assert asked[0] == 3


def test_what_is_hidden_hides_only_itself(mapper: Mapper) -> None:
    class NotTheFifth(AllowAll):
        def visible(self, context: Any, rows: Any) -> Any:
            return [r for r in rows if not (r["class_name"] == "TogetherRaw" and r["n"] == 5)]

    hiding = Mapper(mapper.engine, Context(), policy=NotTheFifth())
    some = {one.n: one for one in select(hiding, TogetherReduced.n < 10)}
    assert some[3].raw.n == 3
    with pytest.raises(NotFound):
        some[5].raw  # noqa: B018
    assert some[7].raw.n == 7
    stack = select(hiding, TogetherStack.n == 1).first()
    with pytest.raises(NotFound):
        [f.raw for f in stack.frames]
    assert [f.n for f in stack.frames] == [3, 4, 5]


def test_large_groups_are_cut(mapper: Mapper, monkeypatch: pytest.MonkeyPatch) -> None:
    from provgraph.graph import together

    monkeypatch.setattr(together, "AT_ONCE", 50)
    some = list(select(mapper, TogetherReduced))
    with counted(mapper) as read:
        assert len({one.raw for one in some}) == 120
        assert len(read) == 3
