"""Class queries to statements: the objects of a class for which a criterion, or a condition on paths, is true.

The one module that composes Cypher. Values go by ``$parameters``; keys and labels are declared names, never words of what is asked.

Two habits of the embedded engine decide how conditions on paths are written. A search by a range, or by the beginning of a text,
uses an index only where no further MATCH follows: links are followed by comprehensions there, and conditions on other objects are
EXISTS subqueries, which change nothing about the index. And one index serves one MATCH: what else is asked stands behind a WITH.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from provgraph.errors import ProvgraphError
from provgraph.graph import statements
from provgraph.graph.mapper import Mapper
from provgraph.graph.queryable import Property, properties_of, terms
from provgraph.graph.starts import Start
from provgraph.graph.statements import Statement
from provgraph.language.nodes import All, Compare, In, IsNull, Name, Node, Not, Number, Text, Truth, names, print_node
from provgraph.language.nodes import Any as AnyOf
from provgraph.schema import conditions
from provgraph.schema.conditions import OPPOSITE, Condition, Leaf
from provgraph.schema.kinds import kind_of
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.paths import Count, Term
from provgraph.schema.steps import Hop, Value, labels_of

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
    statements.declare(cls.__name__)  # refuses what would be more than a name
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


class _Parameters:
    """The values of a statement in the making."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def value(self, value: Any) -> str:
        key = f"p{len(self.values)}"
        self.values[key] = value
        return f"${key}"

    def comparison(self, said: str, operator: str, value: Any, *, is_float: bool) -> str:
        """A term and a constant compared; what has no value, NaN too, is not compared."""
        if is_float and value == 0:  # -0.0 equals 0.0, and is before it on Neo4j and in every index
            value = -0.0 if operator in ("<", ">=") else 0.0
        return _every([f"{said} {_cypher(operator)} {self.value(value)}", *_no_nan(said, operator, is_float)])


class _Composed(_Parameters):
    """One statement in the making: the criterion of `where=`."""

    def __init__(self, properties: Mapping[str, Property]) -> None:
        super().__init__()
        self.properties = properties

    def text(self, label: str, asked: list[Node], named: str, sets: Iterable[str] | None = None) -> str:
        """What an index finds, then what nodes say themselves, then what has to be brought in."""
        text, left = self.beginning(label, asked, named) if sets is None else self.among(label, asked, named, sets)
        needed = {b for t in left for b in self.needs(t)}
        brought = [b for b in _BROUGHT if b in needed]
        text += "\n  AND ".join(["n.deleted IS NULL", _PLACE, *(self.true(t) for t in left if not self.needs(t))])
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

    def said(self, name: str) -> str:
        known = self.properties[name]
        if known.key and known.brought:
            return f"coalesce(n.{_key(known.key)}, {known.brought})"
        return known.brought or f"n.{_key(known.key)}"

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
                for name in (left, right):
                    asked += _no_nan(self.said(name), operator, self.is_float(name))
                return _every(asked)
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
        return self.comparison(self.said(name), operator, value, is_float=self.is_float(name))

    def is_float(self, name: str) -> bool:
        """NaN is null in the language: it equals not even itself."""
        return self.properties[name].dtype == "f8" and not self.properties[name].many


# -- conditions on paths -------------------------------------------------------------------------------------------------------

_DERIVED: Final = "WAS_DERIVED_FROM"
_RECORDS: Final = f"""
WITH collect(n) AS found
RETURN [n IN found | n.object_id] AS ids, [n IN found[0..%s] | {{
  properties: properties(n), links: [(n)-[r:{_DERIVED}]->(m:Entity) | [r.role, r.index, m.object_id]]}}] AS objects"""
Order = tuple[Term, bool]  # a key to order by, and whether the largest comes first


def condition_ids(cls: DBObjectMeta, condition: Condition | None, start: Start | None, order: Sequence[Order] = (), *,
                  skip: int = 0, limit: int | None = None, records: int = 0) -> Selection:  # fmt: skip
    """The ids of the objects of a class for which a condition is true, in order; what has no value to order by comes last.

    What is equal in all keys comes newest first, which is also the order without any key. All in one row, `ids`: a
    server takes longer for a row than for an id. records : of how many of the first ones `objects` has the properties and links,
    as ``queries/objects_by_id`` gives them: a server takes longer for another statement than for these.
    """
    asked = _Asked()
    text = asked.found(cls, condition, start)
    brought = "".join(f", {asked.key('n', term)} AS k{i}" for i, (term, _) in enumerate(order))
    by = "".join(f"k{i} IS NULL, k{i}{' DESC' if descending else ''}, " for i, (_, descending) in enumerate(order))
    # One key is sorted in half the time of two, and times of records are of one width.
    what = "n" if records else "n.object_id AS id"
    text += f"\nWITH {what}, n.created + n.object_id AS place{brought}\nORDER BY {by}place DESC"
    if skip:
        text += f"\nSKIP {asked.value(skip)}"
    if limit is not None:
        text += f"\nLIMIT {asked.value(limit)}"
    text += _RECORDS % asked.value(records) if records else "\nRETURN collect(id) AS ids"
    return Selection(_statement(f"select/{cls.__name__}", text), asked.values)


def condition_any(cls: DBObjectMeta, condition: Condition | None, start: Start | None) -> Selection:
    """The id of one of these objects."""
    asked = _Asked()
    text = f"{asked.found(cls, condition, start)}\nRETURN n.object_id AS id LIMIT 1"
    return Selection(_statement(f"exists/{cls.__name__}", text), asked.values)


def condition_count(cls: DBObjectMeta, condition: Condition | None, start: Start | None) -> Selection:
    """How many these objects are, as `n`."""
    asked = _Asked()
    text = f"{asked.found(cls, condition, start)}\nRETURN count(n) AS n"
    return Selection(_statement(f"count/{cls.__name__}", text), asked.values)


def condition_starts(cls: DBObjectMeta, starts: Sequence[Start], most: int) -> Selection:
    """How many objects are reached from each start, as far as `most`: rows of `start`, its number, and `n`."""
    asked = _Asked()
    texts = [
        f"{asked.begin(one)}\nWITH n LIMIT {most}\nRETURN {i} AS start, count(n) AS n" for i, one in enumerate(starts)
    ]
    return Selection(_statement(f"starts/{cls.__name__}", "\nUNION ALL\n".join(texts)), asked.values)


class _Asked(_Parameters):
    """One statement in the making: a condition on paths."""

    def __init__(self) -> None:
        super().__init__()
        self.variables = 0

    def found(self, cls: DBObjectMeta, condition: Condition | None, start: Start | None) -> str:
        """The text up to where `n` is each of the objects once."""
        parts = condition.parts if isinstance(condition, conditions.All) else () if condition is None else (condition,)
        if start is None:
            text = f"MATCH (n:{'|'.join(_labels(cls))})\nWHERE "
            return text + "\n  AND ".join(["n.deleted IS NULL", *(self.true("n", p, (cls,)) for p in parts)])
        left = [p for p in parts if not any(p is one for one in start.settled)]
        text = f"{self.begin(start)}\nWITH {'DISTINCT ' if _repeats(start) else ''}n\nWHERE "
        own = not start.hops and start.indexes == tuple((label, start.indexes[0][1]) for label in _labels(cls))
        return text + "\n  AND ".join(
            [*([] if own else [_is("n", (cls,))]), "n.deleted IS NULL", *(self.true("n", p, (cls,)) for p in left)]
        )

    # -- from an index -----------------------------------------------------------------------------------------------------

    def begin(self, start: Start) -> str:
        """What an index finds, and from there to objects `n`, which may come more than once."""
        at = "n" if not start.hops and start.kind != "notes" else self.variable()
        branches = [self.branch(start, at, label, key) for label, key in start.indexes]
        text = branches[0]
        if len(branches) > 1:
            text = "CALL {\n" + "\nUNION\n".join(f"{b}\nRETURN {at}" for b in branches) + "\n}\nWITH " + at
        if start.kind == "notes":
            about = "n" if not start.hops else self.variable()
            text += (
                f"\nWHERE {at}.kind = '{start.note}'\nMATCH ({at})-[:ABOUT]->({about}:Entity)\nWITH DISTINCT {about}"
            )
            at = about
        for i, hop in reversed(list(enumerate(start.hops))):
            before = "n" if i == 0 else self.variable()
            text += self.backwards(hop, at, before, by_range=start.kind in ("range", "beginning"))
            text += f"\nWITH DISTINCT {before}" if i else ""
            at = before
        return text

    def branch(self, start: Start, at: str, label: str, key: str) -> str:
        if start.kind == "range":
            bounds = (
                self.comparison(f"{at}.{_key(key)}", op, v, is_float=isinstance(v, float)) for op, v in start.found
            )
            return f"MATCH ({at}:{label})\nWHERE {' AND '.join(bounds)}"
        if start.kind == "beginning":
            return f"MATCH ({at}:{label})\nWHERE {at}.{_key(key)} STARTS WITH {self.value(start.found[0])}"
        if len(start.found) == 1:
            return f"MATCH ({at}:{label} {{{_key(key)}: {self.value(start.found[0])}}})"
        one = self.variable()
        return f"UNWIND {self.value(list(start.found))} AS {one}\nMATCH ({at}:{label} {{{_key(key)}: {one}}})"

    def backwards(self, hop: Hop, at: str, before: str, *, by_range: bool) -> str:
        """From the end of a hop to where it begins."""
        such = [_is(at, (one,)) for one in hop.classes]
        if hop.inverse:
            such.append(f"{at}.deleted IS NULL")
        if not hop.role:
            pattern = f"({at})-[:ABOUT]->({before})"
            such.append(f"{at}.kind = 'tag'")
        else:
            role = self.role(hop)
            pattern = f"({at})-[{role}]->({before})" if hop.inverse else f"({at})<-[{role}]-({before})"
        where = f" WHERE {' AND '.join(such)}" if such else ""
        if by_range:
            return f"\nUNWIND [{pattern}{where} | {before}] AS {before}"
        return f"\nMATCH {pattern}{where}"

    # -- what is true ------------------------------------------------------------------------------------------------------

    def true(self, at: str, condition: Condition, classes: tuple[DBObjectMeta, ...]) -> str:
        """Where a condition is true of an object of these classes."""
        match condition:
            case conditions.All(parts):
                return f"({' AND '.join(self.true(at, p, classes) for p in parts)})"
            case conditions.AnyOf(parts):
                return f"({' OR '.join(self.true(at, p, classes) for p in parts)})"
            case Leaf():
                text = self.leaf(at, condition)
                if not all(issubclass(c, condition.root) for c in classes):
                    text = f"({_is(at, (condition.root,))} AND {text})"
                return text
        raise TypeError(f"not a condition: {condition!r}")

    def leaf(self, at: str, leaf: Leaf) -> str:
        hops = leaf.path._hops
        if isinstance(leaf, conditions.Pair):
            return self.pair(at, leaf)
        if isinstance(leaf.term, Count) and not (leaf.path._value is not None and leaf.path._value.is_list):
            return self.bounds(self.said(at, leaf.term), leaf, Value("count", _INTEGER))
        if isinstance(leaf, conditions.Missing):
            return self.missing(at, leaf)
        if isinstance(leaf, conditions.Present):
            value = leaf.path._value if not hops or hops[-1].role else None  # tags are there or not
            text = self.along(at, hops, lambda end: "true" if value is None else self.present(end, value))
            return f"NOT {text}" if leaf.opposite else text
        none = leaf.opposite and any(h.many for h in hops)
        text = self.along(at, hops, lambda end: self.test(end, leaf, leaf.opposite and not none))
        return f"NOT {text}" if none else text

    def along(self, at: str, hops: Sequence[Hop], true: Callable[[str], str]) -> str:
        """Whether something is true of an object at the end."""
        if not hops:
            return true(at)
        matches, such, end = self.matched(at, hops)
        tested = true(end)
        such += [] if tested == "true" else [tested]
        return f"EXISTS {{ {matches}{' WHERE ' + ' AND '.join(such) if such else ''} }}"

    def matched(self, at: str, hops: Sequence[Hop]) -> tuple[str, list[str], str]:
        """Each hop a MATCH of its own: one pattern would not go back along the edge on which it came."""
        texts, such = [], []
        for hop in hops:
            end = self.variable()
            texts.append(f"MATCH {self.pattern(at, hop, end)}")
            such += _such(end, hop)
            at = end
        return " ".join(texts), such, at

    def pattern(self, at: str, hop: Hop, end: str) -> str:
        if not hop.role:
            return f"({at})<-[:ABOUT]-({end}:Note)"
        role = self.role(hop)
        return f"({at})<-[{role}]-({end})" if hop.inverse else f"({at})-[{role}]->({end})"

    def role(self, hop: Hop) -> str:
        place = f", index: {self.value(hop.index)}" if hop.index is not None else ""
        return f":{_DERIVED} {{role: {self.value(hop.role)}{place}}}"

    def missing(self, at: str, leaf: conditions.Missing) -> str:
        """No value: of one of several, or not even an object that it could be the value of."""
        hops, value = leaf.path._hops, leaf.path._value
        if hops and not hops[-1].role:  # tags
            value = None
        several = hops if value is not None else hops[:-1]
        split = max((i + 1 for i, h in enumerate(several) if h.many), default=0)
        outer, inner = hops[:split], hops[split:]
        there = leaf.opposite and not outer  # of several, none without: not one of which something is missing

        def asked(end: str) -> str:
            text = self.along(end, inner, lambda last: "true" if value is None else self.present(last, value))
            return text if there else f"NOT {text}"

        text = self.along(at, outer, asked)
        return f"NOT {text}" if outer and leaf.opposite else text

    def test(self, at: str, leaf: Leaf, opposite: bool) -> str:
        """Whether what is asked is true of a value or object; opposite : whether it is there and is not so."""
        match leaf:
            case conditions.Linked(ids=ids, unlike=unlike):
                text = _one_of(f"{at}.object_id", ids, self)
                return f"NOT {text}" if unlike != opposite else text
            case conditions.Some(condition=condition):
                return self.true(at, condition, leaf.path._classes)
        value = leaf.path._value
        assert value is not None
        if isinstance(leaf, conditions.Range):
            return self.bounds(self.said(at, leaf.term), leaf, value if leaf.path is leaf.term else _LENGTH, opposite)
        said = self.said(at, leaf.path)
        match leaf:
            case conditions.In(values=values):
                if not opposite:
                    return _one_of(said, values, self)
                return _every([*([f"NOT {_one_of(said, values, self)}"] if values else []), self.present(at, value)])
            case conditions.Match(regex=regex):
                text = f"{said} =~ {self.value(regex)}"
                return f"({said} = {said} AND NOT {text})" if opposite else text
            case conditions.Contains(value=None):
                return f"size({said}) >= 0" if opposite else "false"
            case conditions.Contains(value=one):
                return f"{'NOT ' if opposite else ''}{self.value(one)} IN {said}"
            case conditions.Whole(operator=operator, values=values):
                if opposite:
                    operator = OPPOSITE[operator]
                return f"{said} {operator} {self.value(list(values))}"
        raise TypeError(f"not a condition: {leaf!r}")

    def bounds(self, said: str, leaf: Leaf, value: Value, opposite: bool | None = None) -> str:
        assert isinstance(leaf, conditions.Range)
        if leaf.opposite if opposite is None else opposite:
            found = [self.comparison(said, OPPOSITE[op], v, is_float=value.is_float) for op, v in leaf.bounds]
            return f"({' OR '.join(found)})" if len(found) > 1 else found[0]
        return _every([self.comparison(said, op, v, is_float=value.is_float) for op, v in leaf.bounds])

    def pair(self, at: str, leaf: conditions.Pair) -> str:
        """Two terms compared: on the way to each of them its own variables."""
        sides, matches, such, many = [], [], [], False
        values = [_value(term) for term in (leaf.term, leaf.right)]
        for term in (leaf.term, leaf.right):
            text, more, end = self.matched(at, _way(term))
            matches += [text] if text else []
            such += more
            many = many or any(h.many for h in _way(term))
            sides.append(self.said(end, term))
        if leaf.factor is not None:
            sides[1] = f"({sides[1]} * {self.value(leaf.factor)})"
        times = [v is not None and v.kind.name == "datetime" for v in values]
        ours = [v is not None and v.keys == ("created",) for v in values]
        if all(times) and ours[0] != ours[1]:
            sides = [side if is_ours else _as_ours(side) for side, is_ours in zip(sides, ours, strict=True)]
        none = leaf.opposite and many
        operator = OPPOSITE[leaf.operator] if leaf.opposite and not none else leaf.operator
        is_float = any(v is not None and v.kind.stored is float for v in values)
        text = " AND ".join([*such, _compared_sides(sides[0], operator, sides[1], is_float)])
        if not matches:
            return f"({text})"
        return f"{'NOT ' if none else ''}EXISTS {{ {' '.join(matches)} WHERE {text} }}"

    # -- terms ---------------------------------------------------------------------------------------------------------------

    def said(self, at: str, term: Term) -> str:
        """What stands at the end of the `_way` of a term: a value of this object, its id, or how many there are from here on."""
        if isinstance(term, Count):
            path = term.path
            if path._value is not None and path._value.is_list:
                return f"size({self.own(at, path._value)})"
            matches, such, _ = self.matched(at, path._hops)
            return f"COUNT {{ {matches}{' WHERE ' + ' AND '.join(such) if such else ''} }}"
        return self.own(at, term._value) if term._value is not None else f"{at}.object_id"

    def own(self, at: str, value: Value) -> str:
        said = [f"{at}.{_key(key)}" for key in value.keys]
        if value.brought == "creator":
            agent = self.variable()
            return f"head(COLLECT {{ MATCH ({agent}:Agent {{agent_id: {at}.creator}}) RETURN {agent}.name }})"
        if value.brought:
            note, one, last = self.variable(), self.variable(), self.variable()
            # Times of notes are of one width, so the newest is the last text that begins with one.
            notes = f"[({at})<-[:ABOUT]-({note}:Note) WHERE {note}.kind = '{value.brought}' | {note}.recorded + {note}.value]"
            newest = f"reduce({last} = '', {one} IN {notes} | CASE WHEN {one} > {last} THEN {one} ELSE {last} END)"
            said.append(f"head([{one} IN [{newest}] WHERE {one} <> '' | substring({one}, {_WIDTH})])")
        text = said[0] if len(said) == 1 else f"coalesce({', '.join(said)})"
        if value.is_list:
            text = f"([] + {text})"  # of objects that were stored when the property was one value
        return text if value.element is None else f"{text}[{self.value(value.element)}]"

    def present(self, at: str, value: Value) -> str:
        """After IS NOT NULL, Neo4j 5.26 can give true for what was asked about: this says the same, and that it is not NaN."""
        said = self.own(at, value)
        if value.is_list and value.element is None:
            return f"coalesce(size({said}) >= 0, false)"
        return f"coalesce({said} = {said}, false)"

    def key(self, at: str, term: Term) -> str:
        """What is ordered by: NaN is no value."""
        text = self.one(at, _way(term), lambda end: self.said(end, term))
        if not isinstance(term, Count) and term._value is not None and term._value.is_float:
            return f"head([x IN [{text}] WHERE x = x | x + 0.0])"
        return text

    def one(self, at: str, hops: Sequence[Hop], said: Callable[[str], str]) -> str:
        """What is said of the one object at the end, as one pattern: Neo4j plans nested ones for twice as long with every hop.

        Links to one object never lead back, so no edge is met twice.
        """
        if not hops:
            return said(at)
        pattern, such = f"({at})", []
        for hop in hops:
            end = self.variable()
            pattern += f"-[{self.role(hop)}]->({end})"
            such += _such(end, hop)
        return f"head([{pattern}{' WHERE ' + ' AND '.join(such) if such else ''} | {said(end)}])"

    def variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"


_INTEGER: Final = kind_of(int)
_LENGTH: Final = Value("count", _INTEGER)
_WIDTH: Final = len("2026-11-21T07:41:00.123456Z")


def _way(term: Term) -> tuple[Hop, ...]:
    """From the object asked for to the one whose value a term is; the objects it counts are counted from the former."""
    path = term.path if isinstance(term, Count) else term
    if isinstance(term, Count) and (path._value is None or not path._value.is_list):
        return ()
    return path._hops


def _labels(cls: DBObjectMeta) -> tuple[str, ...]:
    found = labels_of(cls)
    statements.declare(*found)  # refuses what would be more than a name
    return found


def _key(key: str) -> str:
    if not key.isidentifier():
        raise ProvgraphError(f"{key!r} cannot be the name of a property.", code="statement_slot")
    return f"`{key}`"


def _is(at: str, classes: Iterable[DBObjectMeta]) -> str:
    labels = [f"{at}:{label}" for cls in classes for label in _labels(cls)]
    return labels[0] if len(labels) == 1 else f"({' OR '.join(labels)})"


def _such(end: str, hop: Hop) -> list[str]:
    """What has to be true of what a hop leads to."""
    found = [_is(end, (one,)) for one in hop.classes]
    if hop.inverse:
        found.append(f"{end}.deleted IS NULL")
    if not hop.role:
        found.append(f"{end}.kind = 'tag'")
    return found


def _repeats(start: Start) -> bool:
    """Whether the same object may be reached twice."""
    return bool(start.hops) or start.kind == "notes" or (start.kind == "values" and len(start.found) > 1)


def _one_of(said: str, values: Sequence[Any], parameters: _Parameters) -> str:
    if not values:
        return "false"
    return (
        f"{said} = {parameters.value(values[0])}" if len(values) == 1 else f"{said} IN {parameters.value(list(values))}"
    )


def _value(term: Term) -> Value | None:
    return _LENGTH if isinstance(term, Count) else term._value


def _as_ours(said: str) -> str:
    """A declared time, which is stored as it was given, in the form of our own ones."""
    return f"(CASE WHEN {said} CONTAINS '.' THEN left({said}, 26) ELSE left({said}, 19) + '.000000' END + 'Z')"


def _compared_sides(left: str, operator: str, right: str, is_float: bool) -> str:
    text = f"{left} {operator} {right}"
    if not is_float:
        return text
    if operator == "<>":
        return f"{text} AND {left} = {left} AND {right} = {right}"
    # -0.0 equals 0.0, and is before it on Neo4j.
    return {"=": text}.get(operator) or (
        f"({text} OR {left} = {right})" if operator in ("<=", ">=") else f"{text} AND {left} <> {right}"
    )


def _no_nan(said: str, operator: str, is_float: bool) -> list[str]:
    """The one comparison that engines call true for NaN."""
    return [f"{said} = {said}"] if operator in ("!=", "<>") and is_float else []


def _cypher(operator: str) -> str:
    return "<>" if operator == "!=" else operator


def _every(conditions: list[str]) -> str:
    return f"({' AND '.join(conditions)})" if len(conditions) > 1 else conditions[0]
