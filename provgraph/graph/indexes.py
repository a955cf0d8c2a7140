"""Indexes of properties that classes declare with ``index=True``: made when objects of the class are first stored or asked for."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable
from typing import Any

from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.dialect import DIALECTS, Dialect
from provgraph.graph.engine import GraphEngine
from provgraph.schema import keys
from provgraph.schema.meta import DBObjectMeta, registry
from provgraph.schema.properties import Persistent
from provgraph.schema.steps import index_of

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")  # what a statement can name
_REFUSED = frozenset({"statement_failed", "key_taken"})

# Classes that were looked after, for each engine of this process.
_prepared: weakref.WeakKeyDictionary[GraphEngine, set[DBObjectMeta]] = weakref.WeakKeyDictionary()


def prepare(engine: GraphEngine, classes: Iterable[DBObjectMeta]) -> None:
    """Make the indexes of these classes as far as they are missing; what was prepared once costs nothing.

    An engine that refuses an index finds the same without it.
    """
    done = _prepared.setdefault(engine, set())
    fresh = [cls for cls in dict.fromkeys(classes) if cls not in done]
    if not fresh:
        return
    dialect = DIALECTS[engine.name]
    if dialect.property_types:
        _retype(engine, dialect, fresh)
    wanted = [one for cls in fresh for one in _wanted(cls)]
    for label, key, declared in wanted:
        if not dialect.property_types or _typed(engine, dialect, label, key, declared):
            _run(engine, "property_index", index=_name("index", label, key), label=label, key=key)
    if wanted:
        for name in dialect.ready:
            engine.write(lambda run: run(statements.load(name)))  # noqa: B023
    done.update(fresh)


def _wanted(cls: DBObjectMeta) -> Iterable[tuple[str, str, Persistent[Any]]]:
    for name, declared in cls.persistents.items():
        if declared.index and not declared.is_list:
            for label, key in index_of(cls, name, declared):
                if _KEY.fullmatch(key):
                    yield label, key, declared


def _typed(engine: GraphEngine, dialect: Dialect, label: str, key: str, declared: Persistent[Any]) -> bool:
    """Whether all values there, stored ones and those to come, are of the type that the engine is told now."""
    type_ = dialect.property_types[declared.kind.stored]
    return not _contradicted(label, key, declared) and _run(
        engine, "property_type", constraint=_name("type", label, key), label=label, key=key, type=type_
    )


def _retype(engine: GraphEngine, dialect: Dialect, classes: Iterable[DBObjectMeta]) -> None:
    """Take away types, with their indexes, that the values of these classes would be bent to."""
    types = {
        (row["labelsOrTypes"][0], row["properties"][0]): row["propertyType"]
        for row in engine.read(statements.load("schema/property_types"))
    }
    if not types:
        return
    for cls in classes:
        for label in cls.labels:
            for key, declared in cls.persistents.items():
                kept = types.get((label, key))
                if kept is not None and (declared.is_list or kept != dialect.property_types[declared.kind.stored]):
                    _run(engine, "property_index_drop", index=_name("index", label, key))
                    _run(engine, "property_type_drop", constraint=_name("type", label, key))
                    del types[label, key]


def _contradicted(label: str, key: str, declared: Persistent[Any]) -> bool:
    """Whether another class whose objects have this label keeps something of another type there."""
    for cls in list(registry.values()):
        other = cls.persistents.get(key)
        if (
            other is not None
            and (other.is_list or other.kind.stored is not declared.kind.stored)
            and label in cls.labels
        ):
            return True
    return False


def _run(engine: GraphEngine, name: str, **slots: str) -> bool:
    """Whether the engine took it: it refuses a type that stored values are not of, or what another process just makes."""
    statements.declare(*slots.values())
    statement = statements.load(f"schema/{name}", **slots)
    try:
        engine.write(lambda run: run(statement))
    except ProvgraphError as error:
        if error.code not in _REFUSED:
            raise
        return False
    return True


def _name(kind: str, label: str, key: str) -> str:
    """A name of its own for each: labels and keys joined would not be."""
    return f"{kind}_{keys.sha256([label, key])[:16]}"
