"""All that differs between the engines' Cypher, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """Names of statements an engine needs where the others need other ones, or none.

    `schema` makes keys unique, or at least indexed, each in a transaction of its own, `documents` those of imported PROV documents;
    `ready` waits until that works;
    `twins` looks for what the engine does not itself refuse. `property_types` : by type of the stored values, what an engine calls
    it that wants to know of what type the values of an index are.
    """

    schema: tuple[str, ...]
    documents: tuple[str, ...]
    ready: tuple[str, ...] = ()
    twins: str | None = None
    property_types: Mapping[type, str] = field(default_factory=dict)


DIALECTS = {
    "embedded": Dialect(
        schema=("schema/indexes_embedded",),
        documents=("schema/indexes_prov", "schema/documents_embedded"),
        twins="schema/twins",
        property_types={str: "STRING", int: "INTEGER", float: "FLOAT", bool: "BOOLEAN"},
    ),
    "neo4j": Dialect(
        schema=("schema/constraints_neo4j",),
        documents=("schema/indexes_prov", "schema/documents_neo4j"),
        ready=("schema/await_indexes",),
    ),
}
