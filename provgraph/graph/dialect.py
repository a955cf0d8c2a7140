"""All that differs between the engines' Cypher, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """Names of statements an engine needs where the others need other ones, or none.

    `schema` makes keys unique, or at least indexed, each in a transaction of its own; `ready` waits until that works;
    `twins` looks for what the engine does not itself refuse.
    """

    schema: tuple[str, ...]
    ready: tuple[str, ...] = ()
    twins: str | None = None


DIALECTS = {
    "embedded": Dialect(schema=("schema/indexes_embedded",), twins="schema/twins"),
    "neo4j": Dialect(schema=("schema/constraints_neo4j",), ready=("schema/await_indexes",)),
}
