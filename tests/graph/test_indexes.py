"""Indexes of declared properties: made when they are first needed, right for every type, and by whoever comes first."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.graph import indexes
from provgraph.graph.mapper import Batch, Mapper
from provgraph.graph.setup import prepare
from provgraph.graph.statements import Statement
from provgraph.policy import Context
from provgraph.query import asked as select
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import persistent
from tests.conftest import ROOT
from tests.surveys import address  # noqa: F401

SHOWN = Statement("shown", ("SHOW INDEXES",))
KEPT = Statement("kept", ("MATCH (n:Entity) RETURN n.n AS n, n.x AS x",))


class IndexedMixture(DBObject):
    """A property of each type."""

    text = persistent(str, default=None, index=True)
    n = persistent(int, default=None, index=True)
    x = persistent(float, default=None, index=True)
    good = persistent(bool, default=None, index=True)
    many = persistent(list[int], default=None, index=True)


class IndexedInteger(DBObject):
    n = persistent(int, default=None, index=True)


class IndexedFloat(IndexedInteger):
    """Declares anew what its base keeps in an index of integers."""

    n = persistent(float, default=None)


class NotIndexed(DBObject):
    n = persistent(int, default=None)


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    return Mapper(engine, Context())


def put(mapper: Mapper, *objects: DBObject) -> None:
    batch = Batch()
    batch.add(*objects)
    mapper.write(batch)


def made(mapper: Mapper) -> set[tuple[str, str]]:
    rows = mapper.engine.read(SHOWN)
    found = [(r["labelsOrTypes"], r["properties"]) for r in rows if r["labelsOrTypes"] and r["properties"]]
    return {(labels[0], keys[0]) for labels, keys in found}


def without(mapper: Mapper, *classes: DBObjectMeta) -> None:
    """A served graph keeps its indexes from test to test."""
    for cls in classes:
        for label, key, _ in indexes._wanted(cls):
            indexes._run(mapper.engine, "property_index_drop", index=indexes._name("index", label, key))
    indexes._prepared.pop(mapper.engine, None)


def test_storing_makes_the_indexes_of_a_class(mapper: Mapper) -> None:
    without(mapper, IndexedMixture)
    put(mapper, NotIndexed(n=1))
    assert ("IndexedMixture", "n") not in made(mapper)
    put(mapper, IndexedMixture(n=1))
    assert {("IndexedMixture", key) for key in ("text", "n", "x", "good")} <= made(mapper)
    assert ("IndexedMixture", "many") not in made(mapper)
    asked: list[Any] = []
    write = mapper.engine.write
    mapper.engine.write = lambda work: asked.append(work) or write(work)  # type: ignore[method-assign, func-returns-value]
    put(mapper, IndexedMixture(n=2))
    assert len(asked) == 1  # nothing but the objects


def test_asking_makes_the_indexes_of_what_is_there(mapper: Mapper) -> None:
    without(mapper, IndexedMixture)
    indexes._prepared[mapper.engine] = {IndexedMixture}  # type: ignore[index]
    put(mapper, *(IndexedMixture(text=f"t{i}", n=i, x=i / 4) for i in range(20)))
    assert ("IndexedMixture", "n") not in made(mapper)
    indexes._prepared.pop(mapper.engine)
    assert select(mapper, IndexedMixture.n > 17).count() == 2
    assert ("IndexedMixture", "n") in made(mapper)


@pytest.mark.parametrize("before", [True, False])
def test_values_come_back_as_they_were(mapper: Mapper, before: bool) -> None:
    """Whichever comes first, the index or the value that it does not fit."""
    without(mapper, IndexedMixture, IndexedInteger, IndexedFloat)
    if before:
        put(mapper, IndexedInteger(n=7))
    put(mapper, IndexedFloat(n=2.5), IndexedFloat(n=math.inf))
    put(mapper, IndexedInteger(n=2**53 + 1), IndexedMixture(n=2**63 - 1, x=-0.0))
    fresh = Mapper(mapper.engine, Context())
    assert sorted(o.n for o in select(fresh, IndexedInteger)) == sorted(
        [*([7] if before else []), 2.5, math.inf, 2**53 + 1]
    )
    assert [o.n for o in select(fresh, IndexedFloat.n > 2)] == [math.inf, 2.5] or [
        o.n for o in select(fresh, IndexedFloat.n > 2)
    ] == [2.5, math.inf]
    assert [o.n for o in select(fresh, IndexedInteger.n == 2**53 + 1)] == [2**53 + 1]
    [one] = select(fresh, IndexedMixture)
    assert one.n == 2**63 - 1
    assert math.copysign(1, one.x) == -1
    kept = {(type(r["n"]), r["n"]) for r in mapper.engine.read(KEPT)}
    assert {(float, 2.5), (int, 2**53 + 1)} <= kept


def test_an_index_finds_what_a_look_finds(mapper: Mapper) -> None:
    values = [None, math.nan, -math.inf, -2.5, -0.0, 0.0, 5e-324, 1.0, math.inf]
    put(mapper, *(IndexedMixture(x=v, text=None if v is None else str(v)) for v in values))
    known = [v for v in values if v is not None and not math.isnan(v)]
    for bound in known:
        assert select(mapper, IndexedMixture.x < bound).count() == sum(v < bound for v in known), bound
        assert select(mapper, IndexedMixture.x <= bound).count() == sum(v <= bound for v in known), bound
        assert select(mapper, IndexedMixture.x > bound).count() == sum(v > bound for v in known), bound
        assert select(mapper, IndexedMixture.x >= bound).count() == sum(v >= bound for v in known), bound
        assert select(mapper, IndexedMixture.x == bound).count() == sum(v == bound for v in known), bound
        assert select(mapper, IndexedMixture.x.isin([bound, 1.0])).count() == sum(v in (bound, 1.0) for v in known), (
            bound
        )
        assert select(mapper, IndexedMixture.x.between(-1, bound)).count() == sum(-1 <= v <= bound for v in known), (
            bound
        )
    assert select(mapper, IndexedMixture.text.like("-*")).count() == 3


def test_threads_make_an_index_at_the_same_time(mapper: Mapper) -> None:
    without(mapper, IndexedMixture)

    def one(_: int) -> int:
        indexes._prepared.pop(mapper.engine, None)
        put(Mapper(mapper.engine, Context()), IndexedMixture(n=1, x=1.5))
        return select(Mapper(mapper.engine, Context()), IndexedMixture.n == 1).count()

    with ThreadPoolExecutor(6) as pool:
        assert all(n >= 1 for n in pool.map(one, range(12)))
    assert select(mapper, IndexedMixture.n == 1).count() == 12


def test_processes_make_an_index_at_the_same_time(address: str, tmp_path: Path) -> None:
    code = """
        import sys
        import provgraph
        from provgraph import persistent

        class IndexedTogether(provgraph.DataObject):
            n = persistent(int, index=True)
            x = persistent(float, index=True)

        with provgraph.open(sys.argv[1]) as survey:
            for i in range(5):
                survey.store(IndexedTogether(n=i, x=i / 2))
            assert survey.select(IndexedTogether.n == 3).count() >= 1
            assert survey.select(IndexedTogether.x > 1.75).exists()
    """
    directory = tmp_path / "survey"
    provgraph.open(directory, graph=address).close()
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(directory)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    with provgraph.open(directory) as survey:
        found = survey.select(provgraph.DataObject, provgraph.DataObject.class_name == "IndexedTogether")
        assert len(found) == 15
        assert sorted(one.n for one in found) == sorted([0, 1, 2, 3, 4] * 3)
