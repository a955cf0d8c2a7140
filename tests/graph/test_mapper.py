"""Objects to nodes and back; one writer of records, who tells the audit; no twins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provgraph.errors import Denied, NotFound
from provgraph.graph.mapper import Batch, Mapper, Written
from provgraph.graph.setup import prepare
from provgraph.graph.statements import Statement
from provgraph.policy import AllowAll, Context
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import FilterSources, SelectAttributes
from tests.schema.test_operators import external

COUNT = Statement("count", ("MATCH (n:Entity) RETURN count(n) AS n",))


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    return Mapper(engine, Context())


def stored(mapper: Mapper, *objects: DBObject) -> list[DBObject]:
    batch = Batch()
    batch.add(*objects)
    return mapper.write(batch)


def test_objects_come_back_as_they_were(mapper: Mapper) -> None:
    one = external().filter("z < 0.1").select("z", "mag")
    new = stored(mapper, one)
    assert {type(o).__name__ for o in new} == {"DataFile", "External", "Criterion", "FilterSources", "SelectAttributes"}
    again = Mapper(mapper.engine, Context()).get(one.object_id)
    assert isinstance(again, SelectAttributes)
    assert (again.lineage_key, again.identity, again.version) == (one.lineage_key, one.identity, 1)
    assert dict(again.attributes()) == dict(one.attributes())
    assert again.sources() == one.sources()
    assert isinstance(again.parent, FilterSources)
    assert again.parent.criterion.canonical == one.parent.criterion.canonical
    assert again.parent.parent.file.digest == "sha256:a"


def test_reading_one_object_does_not_read_its_lineage(mapper: Mapper, monkeypatch: pytest.MonkeyPatch) -> None:
    one = external()
    for n in range(30):
        one = one.filter(f"z < 0.{n + 10}")  # type: ignore[assignment]
    stored(mapper, one)
    asked: list[str] = []
    read = mapper.engine.read
    monkeypatch.setattr(mapper.engine, "read", lambda s, **p: asked.append(s.name) or read(s, **p))
    fresh = Mapper(mapper.engine, Context())
    again = fresh.get(one.object_id)
    assert len(asked) == 1
    fresh.cone([again])
    depth = 0
    while again.parents:  # type: ignore[attr-defined]
        again, depth = again.parents[0], depth + 1  # type: ignore[attr-defined]
    assert depth == 30
    assert len(asked) == 3


def test_what_has_the_key_of_something_stored_becomes_it(mapper: Mapper) -> None:
    first = external().select("z")
    stored(mapper, first)
    second = external().select("z")
    assert stored(Mapper(mapper.engine, Context()), second) == []
    assert second.object_id == first.object_id
    assert second.is_stored


def test_racing_writers_make_no_twins(mapper: Mapper) -> None:
    def write(_: int) -> str:
        one = external().filter("z < 0.1").select("z")
        stored(Mapper(mapper.engine, Context()), one)
        return one.object_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(write, range(16)))) == 1
    assert mapper.engine.read(COUNT)[0]["n"] == 5


def test_the_audit_is_told_what_was_written(engine: Any) -> None:
    told: list[Written] = []
    prepare(engine)
    mapper = Mapper(engine, Context(), audit=[told.append])
    one = external()
    batch = Batch()
    batch.add(one)
    batch.note(one, "name", "A")
    mapper.write(batch)
    assert [e["class_name"] for e in told[0].entities] == ["DataFile", "External"]
    assert [n["value"] for n in told[0].notes] == ["A"]
    assert ("WAS_DERIVED_FROM", one.object_id, one.file.object_id) in told[0].edges


def test_a_policy_stands_before_every_read_and_write(engine: Any) -> None:
    class Closed(AllowAll):
        def visible(self, context: Context, rows: Any) -> list[Any]:
            return []

        def may_write(self, context: Context, rows: Any) -> None:
            if any(r["class_name"] == "External" for r in rows):
                raise Denied("no")

    prepare(engine)
    one = external()
    with pytest.raises(Denied):
        stored(Mapper(engine, Context(), policy=Closed()), one)
    assert engine.read(COUNT)[0]["n"] == 0
    stored(Mapper(engine, Context()), one)
    with pytest.raises(NotFound):
        Mapper(engine, Context(), policy=Closed()).get(one.object_id)


def test_a_failed_write_leaves_nothing(mapper: Mapper) -> None:
    batch = Batch()
    one = external()
    batch.add(one)
    batch.relate("USED", "no such activity", one)
    with pytest.raises(Exception, match="dependency") as caught:
        mapper.write(batch)
    assert caught.value.code == "dependency_missing"
    assert not one.is_stored
    assert mapper.engine.read(COUNT)[0]["n"] == 0
