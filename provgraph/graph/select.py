"""Class queries to statements: the objects of a class for which a criterion is true. The one module that composes Cypher.

The criterion is in the language of `where=`, over the properties of the class. Its values go by ``$parameters``; keys and labels
are declared names, never words of the criterion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from provgraph.graph import statements
from provgraph.graph.mapper import Mapper
from provgraph.graph.queryable import Property, properties_of, terms
from provgraph.graph.statements import Statement
from provgraph.language.nodes import All, Compare, In, IsNull, Name, Node, Not, Number, Text, Truth, names, print_node
from provgraph.language.nodes import Any as AnyOf
from provgraph.schema.meta import DBObjectMeta

NEWEST: Final = ("9", "")  # a place (created, object_id) before everything: where the order newest first begins
_INDEXED: Final = ("object_id", "identity", "lineage_key", "digest")  # of :Entity, on every engine
_PLACE: Final = "(n.created < $created OR (n.created = $created AND n.object_id < $object_id))"

# What a node does not hold itself, by name: after such a stage `n` and this name are known. {carried} are the names before it.
# Where many objects share what is looked up they are gathered first: it is looked up once, and all stays linear. A list of
# them must not be carried on: the embedded engine would hold it for each of them.
_BROUGHT: Final = {
    "creator": """
WITH n.creator AS key, {carried}collect(n) AS members
OPTIONAL MATCH (a:Agent {{agent_id: key}})
WITH members, {carried}a.name AS creator
UNWIND members AS n
WITH n, {carried}creator""",
    "n_sources": """
WITH n.source_set AS key, {carried}collect(n) AS members
OPTIONAL MATCH (s:Entity {{source_set: key}})
WHERE s:Segment
WITH members, {carried}max(s.n) AS n_sources
UNWIND members AS n
WITH n, {carried}n_sources""",
    "n_attributes": """
WITH n, {carried}size(n.attribute_names) AS n_attributes""",
    "name": """
OPTIONAL MATCH (n)<-[:ABOUT]-(t:Note)
WHERE t.kind = 'name'
WITH n, {carried}t ORDER BY t.recorded
WITH n, {carried}last(collect(t.value)) AS name""",
    "description": """
OPTIONAL MATCH (n)<-[:ABOUT]-(t:Note)
WHERE t.kind = 'description'
WITH n, {carried}t ORDER BY t.recorded
WITH n, {carried}last(collect(t.value)) AS description""",
    "tag": """
OPTIONAL MATCH (n)<-[:ABOUT]-(t:Note)
WHERE t.kind = 'tag'
WITH n, {carried}collect(t.value) AS tag""",
}


@dataclass(frozen=True)
class Selection:
    """A composed query for objects of a class, newest first; `page` runs it."""

    statement: Statement
    values: Mapping[str, Any] = field(hash=False)


def select(cls: DBObjectMeta, where: str, *, named: str = "", sets: Iterable[str] | None = None) -> Selection:
    """The query for the objects of a class for which `where` is true; '' : for all. named : with a name that contains this text.

    sets : only collections that represent one of these sets of sources, given by their keys.

    Raises LanguageError, see `queryable.terms`.
    """
    statements.declare(cls.__name__, *cls.persistents)  # refuses what would be more than a name
    properties = properties_of(cls)
    composed = _Composed(properties)
    text = composed.text(cls.__name__, terms(cls, properties, where), named, sets)
    return Selection(_statement(f"select/{cls.__name__}", text), composed.values)


def page(
    mapper: Mapper, selection: Selection, *, limit: int, after: tuple[str, str] = NEWEST
) -> tuple[list[Any], bool]:
    """At most `limit` objects that the context may see, from behind a place (created, object_id), and whether there are more."""
    seen: list[Mapping[str, Any]] = []
    while len(seen) <= limit:  # what a policy hides must not shorten a page
        created, object_id = after
        rows = mapper.engine.read(
            selection.statement, created=created, object_id=object_id, limit=limit + 1, **selection.values
        )
        seen += mapper.policy.visible(mapper.context, [r["properties"] for r in rows])
        if len(rows) <= limit:
            break
        last = rows[-1]["properties"]
        after = (last["created"], last["object_id"])
    return mapper.restore(seen[:limit]), len(seen) > limit


@lru_cache(maxsize=1024)
def _statement(name: str, text: str) -> Statement:
    """Criteria that differ in their constants only share one text, which engines parse once."""
    return Statement(name, (text,))


class _Composed:
    """One statement in the making, and the values of its parameters."""

    def __init__(self, properties: Mapping[str, Property]) -> None:
        self.properties = properties
        self.values: dict[str, Any] = {}

    def text(self, label: str, asked: list[Node], named: str, sets: Iterable[str] | None = None) -> str:
        """What an index finds, then what nodes say themselves, then what has to be brought in."""
        text, left = self.beginning(label, asked, named) if sets is None else self.among(label, asked, named, sets)
        needed = {b for t in left for b in self.needs(t)}
        brought = [b for b in _BROUGHT if b in needed]
        text += "\n  AND ".join([_PLACE, *(self.true(t) for t in left if not self.needs(t))])
        for i, name in enumerate(brought):
            text += _BROUGHT[name].format(carried="".join(f"{b}, " for b in brought[:i]))
        if brought:
            late = (self.true(t) for t in left if self.needs(t))
            text += f"\nWITH n, {', '.join(brought)}\nWHERE " + "\n  AND ".join(late)
        # Read again by id: after `n.x IS NOT NULL` Neo4j 5.26 can give true for x among the properties of that same n.
        return f"""{text}
WITH n.object_id AS found ORDER BY n.created DESC, n.object_id DESC LIMIT $limit
MATCH (m:Entity {{object_id: found}})
RETURN properties(m) AS properties
ORDER BY m.created DESC, m.object_id DESC"""

    def beginning(self, label: str, asked: list[Node], named: str) -> tuple[str, list[Node]]:
        """The text up to its first conditions, and the terms that are still to be asked."""
        if named:
            contains = f"g.kind = 'name' AND toLower(g.value) CONTAINS {self.value(named.lower())}"
            return f"MATCH (n:{label})<-[:ABOUT]-(g:Note)\nWHERE {contains}\nWITH DISTINCT n\nWHERE ", asked
        for term in asked:
            match term:
                case Compare("=", Name(name), Text(value)) if self.properties[name].key in _INDEXED:
                    # By the indexed label alone: a second one in the pattern makes the embedded engine read every node.
                    begin = (
                        f"MATCH (n:Entity {{{self.properties[name].key}: {self.value(value)}}})\nWHERE n:{label} AND "
                    )
                    return begin, [t for t in asked if t is not term]
                case Compare("=", Name("name" | "tag" as kind), Text(value)) if not self.properties[kind].key:
                    # One of the names it ever had; whether that is the newest is asked later.
                    note = f"MATCH (g:Note {{value: {self.value(value)}}})\nWHERE g.kind = '{kind}'\n"
                    return f"{note}MATCH (g)-[:ABOUT]->(n:Entity)\nWHERE n:{label}\nWITH DISTINCT n\nWHERE ", asked
        return f"MATCH (n:{label})\nWHERE ", asked

    def among(self, label: str, asked: list[Node], named: str, sets: Iterable[str]) -> tuple[str, list[Node]]:
        """As `beginning`, for those of these sets of sources."""
        text = f"UNWIND {self.value(sorted(set(sets)))} AS key\nMATCH (n:Entity {{source_set: key}})\nWHERE n:{label}"
        if named:
            text += "\nMATCH (n)<-[:ABOUT]-(g:Note)\nWHERE g.kind = 'name' AND toLower(g.value) CONTAINS "
            text += f"{self.value(named.lower())}\nWITH DISTINCT n\nWHERE true"
        return f"{text} AND ", asked

    def needs(self, term: Node) -> list[str]:
        return [brought for name in names(term) if (brought := self.properties[name].brought)]

    def value(self, value: Any) -> str:
        key = f"p{len(self.values)}"
        self.values[key] = value
        return f"${key}"

    def said(self, name: str) -> str:
        known = self.properties[name]
        if known.key and known.brought:
            return f"coalesce(n.{known.key}, {known.brought})"
        return known.brought or f"n.`{known.key}`"

    def true(self, node: Node) -> str:
        """Where a part of the normal form is true. Nothing stands under a NOT there, so NULL and FALSE are one on every engine."""
        match node:
            case Truth(value):
                return "true" if value else "false"
            case All(parts):
                return f"({' AND '.join(map(self.true, parts))})"
            case AnyOf(parts):
                return f"({' OR '.join(map(self.true, parts))})"
            case Compare(operator, Name(name), Number(value) | Text(value)):
                return self.compared(name, operator, value)
            case Compare(operator, Name(left), Name(right)):
                asked = [f"{self.said(left)} {_cypher(operator)} {self.said(right)}"]
                return _every([*asked, *self.no_nan(left, operator), *self.no_nan(right, operator)])
            case In(Name(name), items):
                values = [item.value for item in items if isinstance(item, Number | Text)]
                if self.properties[name].many:
                    return f"({' OR '.join(f'{self.value(v)} IN {self.said(name)}' for v in values)})"
                return f"{self.said(name)} IN {self.value(values)}"
            case IsNull(Name(name)):
                null = f"{self.said(name)} IS NULL"
                return f"({null} OR {self.said(name)} <> {self.said(name)})" if self.is_float(name) else null
            case Not(IsNull(Name(name))):
                return (
                    f"{self.said(name)} = {self.said(name)}"
                    if self.is_float(name)
                    else f"{self.said(name)} IS NOT NULL"
                )
            case Name(name):
                return f"{self.said(name)} = true"
            case Not(Name(name)):
                return f"{self.said(name)} = false"
        raise TypeError(f"not a condition on properties: {print_node(node)}")

    def compared(self, name: str, operator: str, value: Any) -> str:
        if self.properties[name].many:
            return f"{'' if operator == '=' else 'NOT '}{self.value(value)} IN {self.said(name)}"
        return _every([f"{self.said(name)} {_cypher(operator)} {self.value(value)}", *self.no_nan(name, operator)])

    def is_float(self, name: str) -> bool:
        """NaN is null in the language: it equals not even itself."""
        return self.properties[name].dtype == "f8" and not self.properties[name].many

    def no_nan(self, name: str, operator: str) -> list[str]:
        """The one comparison that engines call true for NaN."""
        return [f"{self.said(name)} = {self.said(name)}"] if operator == "!=" and self.is_float(name) else []


def _cypher(operator: str) -> str:
    return "<>" if operator == "!=" else operator


def _every(conditions: list[str]) -> str:
    return f"({' AND '.join(conditions)})" if len(conditions) > 1 else conditions[0]
