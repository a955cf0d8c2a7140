"""Meanings of atoms as text, for the index that the graph keeps of them: one node for each atom, whoever defines it first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import External, SelectSources
from provgraph.schema.sets import Definition, Relabelled, Union

CRITERION, UNION, RELABELLED, LIST, CATALOG = "criterion", "union", "relabelled", "list", "catalog"


def atoms_of(collection: SourceCollection) -> Iterator[tuple[str, dict[str, Any]]]:
    """The atoms that start at a collection, each with the properties of its node."""
    told = collection.tells()
    for atom, definition in told.definitions.items():
        yield atom, as_properties(definition)
    if isinstance(collection, SelectSources):
        yield f"l:{collection.sources_digest}", _properties(LIST, collection.source_list.object_id)
    if isinstance(collection, External):
        for atom, space in told.spaces.items():
            ranges = told.ranges.get(atom, ())
            yield atom, {**_properties(CATALOG, list(ranges)), "space": space}


def as_properties(definition: Definition) -> dict[str, Any]:
    if isinstance(definition, str):
        return _properties(CRITERION, definition)
    if isinstance(definition, Union):
        return _properties(UNION, [sorted(part) for part in definition.parts])
    if isinstance(definition, Relabelled):
        return _properties(RELABELLED, [definition.relabelling, definition.injective, sorted(definition.preimage)])
    raise TypeError(f"{definition!r} is nothing that the graph keeps")


def of_properties(properties: Mapping[str, Any]) -> Definition | None:
    """The definition that a node holds; None for a catalog, and for a list, whose identifiers stand elsewhere."""
    meaning = json.loads(properties["meaning"])
    match properties["kind"]:
        case "criterion":
            return str(meaning)
        case "union":
            return Union(tuple(frozenset(part) for part in meaning))
        case "relabelled":
            relabelling, injective, preimage = meaning
            return Relabelled(relabelling, injective, frozenset(preimage))
    return None


def _properties(kind: str, meaning: Any) -> dict[str, Any]:
    return {"kind": kind, "meaning": keys.canonical_json(meaning)}
