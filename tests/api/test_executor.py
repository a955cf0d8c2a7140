"""The short cut for lists gives what the normal path gives, errors included."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import strawberry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.scalars import JSON

from provgraph.api.executor import Executor, executor
from tests.api.conftest import Served


@strawberry.type
class Part:
    text: str
    maybe: str | None
    number: float | None


@strawberry.type
class Thing:
    id: strawberry.ID
    text: str
    count: int
    number: float
    flag: bool
    plain: JSON
    tags: list[str]
    matrix: list[list[int | None]]
    part: Part
    maybe: Part | None
    parts: list[Part]

    @strawberry.field
    def resolved(self) -> str:
        return self.text * 2


THINGS: list[Any] = []


@strawberry.type
class Query:
    @strawberry.field
    def things(self) -> list[Thing]:
        return THINGS

    @strawberry.field
    def perhaps(self) -> list[Thing | None] | None:
        return THINGS


class Counted(Executor):
    """Says whether the short cut was taken."""

    short = 0

    def _compile(self, kind: Any, details: Any) -> Any:
        found = super()._compile(kind, details)
        Counted.short += found is not None
        return found


FAST = strawberry.Schema(query=Query, execution_context_class=Counted)
NORMAL = strawberry.Schema(query=Query)


def both(query: str) -> tuple[Any, Any]:
    """Data and errors of both paths."""
    answers = []
    for schema in (FAST, NORMAL):
        found = asyncio.run(schema.execute(query))
        errors = [(e.message, e.path) for e in found.errors or []]
        answers.append((json.dumps(found.data, default=repr), errors))
    return answers[0], answers[1]


part = st.builds(Part, text=st.text(max_size=3), maybe=st.none() | st.text(max_size=2),
                 number=st.none() | st.floats() | st.integers(-3, 3))  # fmt: skip
thing = st.builds(
    Thing, id=st.text(max_size=3) | st.integers(0, 9), text=st.text(max_size=3) | st.integers(0, 9) | st.none(),
    count=st.integers(-(2**33), 2**33) | st.booleans() | st.floats(-9, 9), number=st.floats() | st.integers(-9, 9),
    flag=st.booleans() | st.integers(0, 1), plain=st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    tags=st.lists(st.text(max_size=2), max_size=3) | st.just(("a", "b")) | st.just({"a"}),
    matrix=st.lists(st.lists(st.none() | st.integers(-9, 9), max_size=2) | st.none(), max_size=2), part=part | st.none(),
    maybe=st.none() | part, parts=st.lists(part | st.none(), max_size=2),
)  # fmt: skip
PLAIN = ("id", "text", "count", "number", "flag", "plain", "tags", "matrix", "x: text", "text", "part { text number }",
         "maybe { maybe number text }", "parts { number maybe }", "parts { t: text text }")  # fmt: skip
OTHER = ("resolved", "__typename", "part { __typename text }", "... on Thing { text }", "...f",
         "text @include(if: true)", "count @skip(if: true)")  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    things=st.lists(thing | st.none(), max_size=3), field=st.sampled_from(["things", "perhaps"]),
    selected=st.lists(st.sampled_from(PLAIN + OTHER), min_size=1, max_size=6),
)  # fmt: skip
def test_both_paths_agree(things: list[Any], field: str, selected: list[str]) -> None:
    THINGS[:] = things
    fragment = " fragment f on Thing { flag part { maybe } }" if "...f" in selected else ""
    fast, normal = both(f"{{ {field} {{ {' '.join(selected)} }} }}{fragment}")
    assert fast == normal


@pytest.mark.parametrize(("selected", "short"), [
    (" ".join(PLAIN), True), ("... on Thing { text } tags", True), ("resolved text", False), ("__typename", False),
    ("parts { __typename }", False),
])  # fmt: skip
def test_the_short_cut_is_taken_where_it_can_be(selected: str, short: bool) -> None:
    piece = Part(text="t", maybe=None, number=1.5)
    one = Thing(id=strawberry.ID("1"), text="t", count=1, number=1.0, flag=True, plain=1, tags=["a"], matrix=[[1, None]],
                part=piece, maybe=None, parts=[piece])  # fmt: skip
    THINGS[:] = [one]
    Counted.short = 0
    fast, normal = both(f"{{ things {{ {selected} }} }}")
    assert fast == normal
    assert bool(Counted.short) == short or not short


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert executor() is Executor
    monkeypatch.setenv("PROVGRAPH_PLAIN_EXECUTOR", "1")
    assert executor() is not Executor


OPERATIONS = (
    """{ lineage(input: {roots: ["near"], up: 10}) { nodes { id kind className label href properties }
         edges { source target relation role } complete truncated } }""",
    "{ sourceCollections { edges { cursor node { id name operator attributes { name unit ucd shape } } } } }",
    "{ sourceCollections { edges { cursor node { __typename id rows notation parents { name } } } } }",
    """{ sourceCollection(name: "near") { attributes { n: name dtype } preview(first: 4) { attributes rows }
         statistics { attribute minimum missing } } }""",
    "{ __schema { types { name fields { name type { name kind } } } } }",
)


@pytest.mark.parametrize("query", OPERATIONS)
def test_the_service_answers_the_same_without_it(served: Served, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    from provgraph.api.schema import make_schema

    fast = served.ask(query)
    monkeypatch.setenv("PROVGRAPH_PLAIN_EXECUTOR", "1")
    state = served.client.app.state
    usual, state.schema = state.schema, make_schema()
    try:
        normal = served.ask(query)
    finally:
        state.schema = usual
    for answer in (fast, normal):
        answer.get("lineage", {}).pop("cost", None)
    assert normal == fast
