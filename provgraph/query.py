"""Query: the objects of a class for which a condition is true; nothing is read before they are looked at."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from provgraph.errors import InvalidInput, UsageError
from provgraph.graph import indexes, select, statements
from provgraph.graph.mapper import Mapper
from provgraph.graph.select import Order, Selection
from provgraph.graph.starts import Start, starts
from provgraph.policy import AllowAll
from provgraph.schema.conditions import All, AnyOf, Condition, Leaf, Pair, Some, as_condition, narrowed
from provgraph.schema.meta import DBObjectMeta, class_called
from provgraph.schema.objects import DBObject
from provgraph.schema.paths import Count, Path, Term

AT_ONCE: Final = 1000  # objects that are read together
_TRIED: Final = 300  # as far as the starts of a search are compared


def asked(mapper: Mapper, *conditions: Any) -> Query:
    """The query for objects of which all of these are true: classes, and conditions on paths.

    Raises InvalidInput ``unrelated_classes`` where nothing can be of all the classes, ``not_a_condition``.
    """
    query: Query | None = None
    for one in conditions:
        if isinstance(one, DBObjectMeta):
            query = Query(mapper, one) if query is None else query.also(one)
        else:
            condition = as_condition(one, "select")
            query = Query(mapper, condition.root, condition) if query is None else query.also(condition)
    if query is None:
        raise UsageError(
            "Say what to select: a class, or a condition such as ReducedFrame.zeropoint > 24.", code="usage"
        )
    return query


class Query:
    """Objects of a class for which a condition is true, newest first unless `order_by` says otherwise.

    Each look at it asks anew: iterating, ``len``, ``query[0]``, ``query[10:20]``, `first`, `exists`, `count`, `table`. A query is
    never changed; what narrows, orders or cuts it gives another one.
    """

    def __init__(self, mapper: Mapper, cls: DBObjectMeta, condition: Condition | None = None, *,
                 order: tuple[Order, ...] = (), skip: int = 0, most: int | None = None) -> None:  # fmt: skip
        self._mapper, self._class, self._condition = mapper, cls, condition
        self._order, self._skip, self._most = order, skip, most
        self._chosen: tuple[Start | None] | None = None
        self._begun: weakref.ref[_Objects] | None = None

    # -- other queries ---------------------------------------------------------------------------------------------------------

    def also(self, *conditions: Any) -> Query:
        """Those of which this is true too; a class keeps its objects only."""
        self._whole("narrowed")
        cls, condition = self._class, self._condition
        for one in conditions:
            if isinstance(one, DBObjectMeta):
                cls = narrowed(cls, one)
            else:
                new = as_condition(one, "also")
                cls = narrowed(cls, new)
                condition = new if condition is None else condition & new
        return Query(self._mapper, cls, condition, order=self._order)

    def __and__(self, other: Any) -> Query:
        return self.also(other)

    def order_by(self, *terms: Term, descending: bool | Sequence[bool] = False) -> Query:
        """In the order of these paths or counts, the first one first; equal ones newest first, those without a value last.

        descending : the largest first, for all of them or for each.
        """
        self._whole("ordered")
        each = [descending] * len(terms) if isinstance(descending, bool) else list(descending)
        if len(each) != len(terms):
            raise UsageError(
                f"descending= says {len(each)} times for {len(terms)} paths; say it once for each.", code="usage"
            )
        for term in terms:
            self._check_term(term, "order_by")
            if _has_many(term):
                raise InvalidInput(
                    f"{term} has several values; order by one element, or by .count().", code="wrong_type"
                )
        return Query(self._mapper, self._class, self._condition, order=tuple(zip(terms, each, strict=True)))

    def limit(self, most: int) -> Query:
        """At most the first `most` of them."""
        return self[: _number(most, "limit")]

    def offset(self, number: int) -> Query:
        """Without the first `number` of them."""
        return self[_number(number, "offset") :]

    # -- looking at it ---------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        found = _Objects(self)
        self._begun = weakref.ref(found)
        return found

    def __len__(self) -> int:
        # list(query) first begins to iterate, then asks for the length: what it is about to read anyway tells.
        begun = self._begun() if self._begun is not None else None
        if begun is not None and not begun.started and self._sees_all:
            return len(begun.ids())
        return self.count()

    def __bool__(self) -> bool:
        return self.exists()

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            first, last = key.start or 0, key.stop
            if key.step not in (None, 1) or first < 0 or (last is not None and last < 0):
                raise UsageError("A query is cut as query[10:20], counted from the front, without steps.", code="usage")
            most = None if last is None else max(0, last - first)
            if self._most is not None:
                left = max(0, self._most - first)
                most = left if most is None else min(most, left)
            return Query(
                self._mapper, self._class, self._condition, order=self._order, skip=self._skip + first, most=most
            )
        if isinstance(key, bool) or not isinstance(key, int):
            raise UsageError(f"Objects of a query are numbered; {key!r} is no number.", code="usage")
        place = key if key >= 0 else self.count() + key
        found = list(_Objects(self[place : place + 1])) if place >= 0 else []
        if not found:
            raise IndexError(f"This query has no object number {key}.")
        return found[0]

    def first(self) -> Any:
        """The first object, or None."""
        return next(iter(self[:1]), None)

    def exists(self) -> bool:
        """Whether there is any."""
        if not self._sees_all or self._skip or self._most is not None:
            return self.first() is not None
        return bool(self._read(select.condition_any(self._class, self._condition, self._start())))

    def count(self) -> int:
        """How many there are."""
        if not self._sees_all:
            return (
                sum(len(self._visible(ids)) for ids in self._chunks(self._ids()))
                if self._is_whole
                else sum(1 for _ in self)
            )
        found = self._read(select.condition_count(self._class, self._condition, self._start()))[0]["n"]
        left = max(0, int(found) - self._skip)
        return left if self._most is None else min(left, self._most)

    def table(self, *paths: Term, **named: Term) -> Any:
        """An astropy Table with a column for each path, called like it, and one for each of `named`; with units and descriptions.

        Without any, all descriptors of the class. Missing values are masked; a path with many values gives lists.
        """
        from provgraph.projection import project

        columns: dict[str, Term] = {}
        wanted = paths or (() if named else tuple(getattr(self._class, name) for name in self._class.persistents))
        for name, term in (*((_name(self._check_term(t, "table")), t) for t in wanted), *named.items()):
            if name in columns:
                raise UsageError(
                    f"Two columns are called {name!r}; give one another name, table(..., other={term}).", code="usage"
                )
            columns[name] = self._check_term(term, "table")
        return project(self._mapper, self.ids(), columns, about={"class": self._class.__name__, "where": str(self)})

    def ids(self) -> list[str]:
        """The ids of the objects, in their order; the objects are not read."""
        return self._ids(self._skip, self._most) if self._sees_all else [one.object_id for one in self]

    def explain(self) -> None:
        """Print the statements that this runs, with their parameters."""
        found = starts(self._condition, self._class)
        if len(found) > 1:
            print(_shown("to find where to start", select.condition_starts(self._class, found, _TRIED)))
        what = f"the ids, properties and links of the first {AT_ONCE:,}"
        print(_shown(what, self._selection(self._skip, self._most, records=AT_ONCE)))
        statement = statements.load("queries/objects_by_id")
        what = f"properties and links of further ones, for {AT_ONCE:,} of them at once"
        print(_shown(what, Selection(statement, {"ids": ["..."]})))

    def __repr__(self) -> str:
        parts = [self._class.__name__] if self._condition is None or self._condition.root is not self._class else []
        parts += [repr(self._condition)] if self._condition is not None else []
        text = f"select({', '.join(parts)})"
        if self._order:
            text += f".order_by({', '.join(f'{t} descending' if down else str(t) for t, down in self._order)})"
        if not self._is_whole:
            text += f"[{self._skip or ''}:{self._skip + self._most if self._most is not None else ''}]"
        return text

    # -- inside ----------------------------------------------------------------------------------------------------------------

    @property
    def _sees_all(self) -> bool:
        """Whether the policy hides nothing, so that the graph can count."""
        return type(self._mapper.policy).visible is AllowAll.visible

    @property
    def _is_whole(self) -> bool:
        return not self._skip and self._most is None

    def _whole(self, what: str) -> None:
        if not self._is_whole:
            raise UsageError(f"{self} is cut already; a query is {what} first, and cut then.", code="usage")

    def _check_term(self, term: Any, where: str) -> Term:
        if not isinstance(term, Path | Count):
            raise InvalidInput(
                f"{where} takes paths such as {self._class.__name__}.created, not {term!r}.", code="wrong_type"
            )
        root = (term.path if isinstance(term, Count) else term)._root
        if root not in self._class.__mro__ and self._class not in root.__mro__:
            raise InvalidInput(f"{term} is not about {self._class.__name__}.", code="unrelated_classes")
        return term

    def _start(self) -> Start | None:
        """Where the search starts: of several places the one from which the fewest objects are reached."""
        if self._chosen is None:
            indexes.prepare(self._mapper.engine, {self._class, *_searched(self._condition)})
            found = starts(self._condition, self._class)
            if len(found) > 1:
                reached = {r["start"]: r["n"] for r in self._read(select.condition_starts(self._class, found, _TRIED))}
                ranks = ("values", "notes", "beginning", "range")
                best = min(
                    range(len(found)), key=lambda i: (reached.get(i, 0), ranks.index(found[i].kind), len(found[i].hops))
                )
                self._chosen = (found[best],)
            else:
                self._chosen = (found[0] if found else None,)
        return self._chosen[0]

    def _selection(self, skip: int = 0, most: int | None = None, *, records: int = 0) -> Selection:
        return select.condition_ids(
            self._class, self._condition, self._start(), self._order, skip=skip, limit=most, records=records
        )

    def _ids(self, skip: int = 0, most: int | None = None) -> list[str]:
        return list(self._read(self._selection(skip, most))[0]["ids"]) if most != 0 else []

    def _read(self, selection: Selection) -> list[dict[str, Any]]:
        return self._mapper.engine.read(selection.statement, **selection.values)

    @staticmethod
    def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
        for first in range(0, len(ids), AT_ONCE):
            yield ids[first : first + AT_ONCE]

    def _visible(self, ids: Sequence[str]) -> set[str]:
        return {row["properties"]["object_id"] for row in self._mapper.read("entities_by_id", ids=list(ids))}

    def _begin(self) -> tuple[list[str], list[DBObject]]:
        """All ids, and the first objects, where no policy hides any; in one statement."""
        if self._most == 0:
            return [], []
        [row] = self._read(self._selection(self._skip, self._most, records=AT_ONCE))
        return list(row["ids"]), self._mapper.with_links(row["objects"])

    def _objects(self, ids: Sequence[str]) -> Iterator[DBObject]:
        """The objects of these ids that the context may see, in their order."""
        for some in self._chunks(ids):
            seen = some if self._sees_all else self._visible(some)
            found = self._mapper.found([i for i in some if i in seen])
            yield from (found[i] for i in some if i in found)


class _Objects(Iterator[Any]):
    """The objects of a query, one after the other."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.started = False
        self._ids: list[str] | None = None
        self._first: list[DBObject] = []
        self._objects: Iterator[DBObject] | None = None

    def ids(self) -> list[str]:
        """All of them; where a policy hides some, those before the query is cut."""
        if self._ids is None:
            query = self.query
            if query._sees_all:
                self._ids, self._first = query._begin()
            else:
                self._ids = query._ids()
        return self._ids

    def __next__(self) -> DBObject:
        self.started = True
        if self._objects is None:
            query = self.query
            ids = self.ids()
            first, self._first = self._first, []
            self._objects = chain(first, query._objects(ids[len(first) :]))
            if not query._sees_all:
                last = None if query._most is None else query._skip + query._most
                self._objects = (one for i, one in _until(self._objects, last) if i >= query._skip)
        return next(self._objects)


def _until(objects: Iterator[DBObject], last: int | None) -> Iterator[tuple[int, DBObject]]:
    for i, one in enumerate(objects if last != 0 else ()):
        yield i, one
        if i + 1 == last:
            return


def _searched(condition: Condition | None) -> set[DBObjectMeta]:
    """Classes whose indexes a condition could use."""
    match condition:
        case All(parts) | AnyOf(parts):
            return set().union(*(_searched(part) for part in parts))
        case Some(condition=inner):
            return _searched(inner)
        case Pair() | None:
            return set()
        case Leaf():
            value = condition.path._value
            found = (class_called(label) for label, _ in (value.indexes if value is not None else ()))
            return {cls for cls in found if cls is not None}
    return set()


def _has_many(term: Term) -> bool:
    if isinstance(term, Count):
        value = term.path._value
        return value is not None and value.is_list and any(h.many for h in term.path._hops)
    value = term._value
    return any(h.many for h in term._hops) or (value is not None and value.is_list and value.element is None)


def _name(term: Term) -> str:
    """A path without the class it begins with."""
    return repr(term).partition(".")[2] or repr(term)


def _number(number: Any, what: str) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise InvalidInput(f"{what} is a number of objects, not {number!r}.", code="limit_invalid")
    return number


def _shown(what: str, selection: Selection) -> str:
    values: Mapping[str, Any] = selection.values
    lines = [f"// {what}", *selection.statement.text.splitlines(), *(f"    ${k} = {v!r}" for k, v in values.items())]
    return "\n".join(lines) + "\n"
