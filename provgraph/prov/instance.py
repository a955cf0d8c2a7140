"""The statements of one scope with everything that PROV-CONSTRAINTS says follows from them, as far as a contradiction needs it.

What is kept: which names are the same thing, merged relations, what is an entity or an activity, which generations are known
to exist, and the order of generations and starts. Uses, ends and invalidations are not ordered: nothing that comes after an end
or an invalidation comes before anything else, and what a use orders, the derivation that names it orders too; so they cannot
be part of a contradiction. `tests/prov/reference_constraints.py` orders all of them, and agrees.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from provgraph.names import PROV
from provgraph.prov import words
from provgraph.prov.model import KINDS, TIMES, Name, Reference, Statement
from provgraph.prov.order import STRICT, Edge, Order, label, reason_of, source_of
from provgraph.prov.rules import (
    ACTIVITY_PLACES,
    DISJOINT,
    ENTITY_PLACES,
    IDENTIFIED,
    INFLUENCE,
    NONE_PLACES,
    REQUIRED,
    RULES,
)

NONE: Final = -1  # a place whose content is not known
MOST_CYCLES: Final = 100
DASH: Final = 0  # the term that says "there is none"
TYPE, EMPTY_COLLECTION = PROV + "type", PROV + "EmptyCollection"

# Why one event does not come after another: the reason of an edge, and the constraints that say so.
GENERATED, TRIGGERED, STARTER, SPECIALIZED, ATTRIBUTED, SAME = range(1, 7)
_BECAUSE: Final = {
    STRICT: (42,), GENERATED: (34,), TRIGGERED: (43,), STARTER: (9, 34, 43), SPECIALIZED: (45,), ATTRIBUTED: (48,),
    SAME: (23,),
}  # fmt: skip


@dataclass(slots=True)
class Clash:
    """A contradiction as it is found: the constraint, a sentence, and the statements that are directly about what clashes.

    `Instance.behind` gives those that say why they are about the same things.
    """

    constraint: int | None
    name: str
    sentence: str
    among: tuple[int, ...]
    involved: tuple[int, ...]
    cycle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    kind: str
    places: tuple[tuple[str, bool, int, str], ...]  # role, is it a time, what an absent one is, 'e', 'a' or ''
    required: tuple[str, ...]
    identified: bool
    influence: tuple[int, int] | None
    key: tuple[int, int, int] | None  # two places that make it unique, and the constraint that says so


_KEYS: Final = {
    "wasGeneratedBy": ("entity", "activity", 24), "wasInvalidatedBy": ("entity", "activity", 25),
    "wasStartedBy": ("activity", "starter", 26), "wasEndedBy": ("activity", "ender", 27),
}  # fmt: skip


def _shape(kind: str) -> _Shape:
    roles = KINDS[kind]
    places = tuple(
        (role, role in TIMES, DASH if (kind, role) in NONE_PLACES else NONE,
         "e" if role in ENTITY_PLACES.get(kind, ()) else "a" if role in ACTIVITY_PLACES.get(kind, ()) else "")
        for role in roles
    )  # fmt: skip
    pair, key = INFLUENCE.get(kind), _KEYS.get(kind)
    return _Shape(kind, places, REQUIRED.get(kind, ()), kind in IDENTIFIED,
                  None if pair is None else (roles.index(pair[0]), roles.index(pair[1])),
                  None if key is None else (roles.index(key[0]), roles.index(key[1]), key[2]))  # fmt: skip


_SHAPES: Final = {kind: _shape(kind) for kind in REQUIRED}


class Record:
    """A relation, or an activity with its times: one or several statements merged."""

    __slots__ = ("also", "id", "into", "involved", "placed", "shape", "slots", "source")

    def __init__(self, shape: _Shape, id: int, slots: list[int], source: int) -> None:
        self.shape = shape
        self.id = id
        self.slots = slots
        self.source = source
        self.also: Record | None = None  # of another kind with the same identifier
        self.into: Record | None = None
        self.involved: tuple[int, ...] = ()
        self.placed = False  # among the starts and ends of its activity


_ACTIVITY: Final = _Shape(
    "activity", (("startTime", True, NONE, ""), ("endTime", True, NONE, "")), (), False, None, None
)


class Instance:
    """One scope: the top level of a document, or a bundle."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.terms: dict[str, int] = {"-": DASH}
        self.labels: list[str] = ["-"]
        self.variables: set[int] = set()
        self.parent: dict[int, int] = {}  # of names that turned out to be another
        self.became: dict[int, tuple[int, int]] = {}  # the same, as it came about, with a statement that is behind it
        self.mentions: dict[int, list[Record]] = {}  # records with a variable in a place
        self.relations: dict[int, Record] = {}
        self.times: dict[str, int] = {}
        self.odd: set[str] = set()  # times that are none
        self.lonely: dict[
            str, int
        ] = {}  # blank identifiers that only one statement has: it is as if they were not there
        self.keyed: dict[str, dict[tuple[int, int], Record]] = {kind: {} for kind in _KEYS}
        self.entity: dict[int, Any] = {}  # term -> the statement that says so
        self.activity: dict[int, Any] = {}
        self.element: dict[int, Any] = {}
        self.declared: dict[int, Any] = {}  # entity(…): a statement, or (specialization, general entity)
        self.empty: dict[int, Any] = {}
        self.member: dict[int, Any] = {}
        self.activities: dict[int, Record] = {}
        self.bounds: dict[int, list[Record]] = {}  # starts and ends of an activity
        self.specific: dict[int, list[tuple[int, int]]] = {}
        self.generated: dict[int, Any] = {}
        self.waiting: dict[int, list[tuple[int, int, int]]] = {}
        self.order = Order()
        self.kinds = Order()  # specializations alone
        self.joined: dict[int, list[int]] = {}  # statements that are about one thing because of each other
        self.unchecked: dict[str, int] = {}
        self._edges: list[Edge] = []
        self._changed: list[Record] = []
        self._woken: list[int] = []
        self._equalities: list[tuple[int, int, int, str, Record, Record]] = []
        self._clashes: list[Clash] = []
        self._told: set[Any] = set()

    # statements in

    def add(self, statements: Iterable[Statement]) -> list[Clash]:
        """Take in statements; gives the contradictions that come with them."""
        shapes, changed = _SHAPES, self._changed
        for statement in statements:
            index = len(self.statements)
            self.statements.append(statement)
            kind = statement.kind
            if kind in shapes:
                self._relation(index, statement, shapes[kind])
            elif kind == "entity":
                self._entity(index, statement)
            elif kind == "activity":
                self._activity(index, statement)
            elif kind == "agent":
                if statement.id is not None:
                    self._is_element(self._term(statement.id), index)
            else:
                self.unchecked[kind] = self.unchecked.get(kind, 0) + 1
            while changed or self._equalities or self._woken:
                if self._woken:
                    woken = self._woken.pop()
                    self._relation(woken, self.statements[woken], shapes[self.statements[woken].kind])
                elif self._equalities:
                    self._become_one(*self._equalities.pop())
                else:
                    self._follow(self._final(changed.pop()))
        edges, self._edges = self._edges, []
        self._contradictory_order(self.order.extend(edges))
        self._circular(self.kinds.extend(e for e in edges if reason_of(e[2]) in (SPECIALIZED, SAME)))
        clashes, self._clashes = self._clashes, []
        return clashes

    def _term(self, name: Name) -> int:
        iri = name.iri
        term = self.terms.get(iri)
        if term is None:
            term = self.terms[iri] = len(self.labels)
            self.labels.append(name.qname or iri)
            if iri[:2] == "_:":
                self.variables.add(term)
                if iri in self.lonely:
                    self._woken.append(self.lonely.pop(iri))
        elif self.parent:
            return self._find(term)
        return term

    def _time(self, text: str) -> int:
        term = self.times.get(text)
        if term is None:
            key = "time " + moment(text)
            term = self.terms.get(key)
            if term is None:
                term = self.terms[key] = len(self.labels)
                self.labels.append(text)
            self.times[text] = term
            if not is_time(text):
                self.odd.add(text)
        return term

    def _fresh(self) -> int:
        term = len(self.labels)
        self.labels.append("something")
        self.variables.add(term)
        return term

    def _find(self, term: int) -> int:
        parent = self.parent
        while (above := parent.get(term)) is not None:
            parent[term] = parent.get(above, above)
            term = above
        return term

    @staticmethod
    def _final(record: Record) -> Record:
        while record.into is not None:
            record = record.into
        return record

    def _entity(self, index: int, statement: Statement) -> None:
        if statement.id is None:
            return
        term = self._term(statement.id)
        if statement.attributes and any(
            n.iri == TYPE and isinstance(v, Reference) and v.name.iri == EMPTY_COLLECTION
            for n, v in statement.attributes
        ):
            self._is_empty(term, index)
        self._is_declared(term, index)

    def _activity(self, index: int, statement: Statement) -> None:
        if statement.id is None:
            return
        term = self._term(statement.id)
        self._is_activity(term, index)
        self._is_element(term, index)
        slots = [NONE, NONE]
        for role, argument in statement.arguments:
            place = 0 if role == "startTime" else 1
            time = self._time(str(argument))
            if slots[place] not in (NONE, time):
                self._twice(index, statement, role)
            slots[place] = time
        record = Record(_ACTIVITY, term, slots, index)
        known = self.activities.get(term)
        if known is None:
            self.activities[term] = record
            for bound in self.bounds.get(term, ()):
                self._same_time(record, self._final(bound))
        elif self._merge(known, record, 22):
            for bound in self.bounds.get(term, ()):
                self._same_time(known, self._final(bound))

    def _relation(self, index: int, statement: Statement, shape: _Shape) -> None:
        said = dict(statement.arguments)
        if len(said) != len(statement.arguments) and statement.kind == "hadMember":
            for _, member in statement.arguments:
                self._is_entity(self._term(member), index)  # type: ignore[arg-type]
        elif len(said) != len(statement.arguments):
            for role in said:
                if len({a for r, a in statement.arguments if r == role}) > 1:
                    self._twice(index, statement, role)
        slots = []
        for role, time, absent, _ in shape.places:
            argument = said.get(role)
            if argument is None:
                slots.append(absent)
            elif time:
                slots.append(self._time(str(argument)))
            else:
                slots.append(self._term(argument))  # type: ignore[arg-type]
        for role in shape.required:
            if role not in said:
                self._clash(
                    None, "required-argument", f"{statement.kind} needs {_article(role)}.", [index], (index, role)
                )
                return
        id = NONE
        if statement.id is not None and shape.identified:
            iri = statement.id.iri
            if iri[:2] == "_:" and iri not in self.terms and iri not in self.lonely:
                self.lonely[iri] = index
            else:
                id = self._term(statement.id)
        self._follow(self._known(Record(shape, id, slots, index)))

    def _twice(self, index: int, statement: Statement, role: str) -> None:
        self._clash(None, "one-argument", f"{statement.kind} has more than one {role}.", [index], (index, role))

    # merging: constraints 22 to 29

    def _known(self, record: Record) -> Record:
        """The record under this identifier, with what the new one adds; the new one where it is the first or contradicts."""
        if record.id == NONE:
            return self._keyed(record)
        first = self.relations.get(record.id)
        if first is None:
            self.relations[record.id] = record
            if record.id in self.element:
                self._overlap(record.id)
            return self._keyed(record)
        known = self._of_kind(first, record.shape)
        if known is not None:
            return known if self._merge(known, record, 23) else record
        for other in self._kinds(first):
            self._shared(record.id, self._final(other), record)
        record.also, first.also = first.also, record
        return self._keyed(record)

    @staticmethod
    def _kinds(record: Record | None) -> Iterator[Record]:
        """All that have one identifier."""
        while record is not None:
            yield record
            record = record.also

    def _of_kind(self, first: Record, shape: _Shape) -> Record | None:
        return next((self._final(r) for r in self._kinds(first) if r.shape is shape), None)

    def _keyed(self, record: Record) -> Record:
        """Constraints 24 to 27: the record that the same two things make, with one identifier."""
        if self.variables:
            for slot in record.slots:
                if slot in self.variables:
                    self._mention(slot, record)
        key = record.shape.key
        if key is None:
            return record
        first, second = record.slots[key[0]], record.slots[key[1]]
        if NONE in (first, second):
            return record
        keyed = self.keyed[record.shape.kind]
        known = keyed.setdefault((first, second), record)
        known = self._final(known)
        if known is record:
            return record
        if not self._same_id(known, record, key[2]):
            return record
        known = self._final(known)
        record = self._final(record)
        if known is record:
            return known
        if key[2] not in known.involved:
            known.involved += (key[2],)
        return known if self._merge(known, record, 23) else record

    def _same_id(self, known: Record, record: Record, constraint: int) -> bool:
        a, b = known.id, record.id
        if b in (a, NONE):
            return True
        if a == NONE:
            known.id = b
            self._join(known, record)
            return True
        first, second, _ = record.shape.key  # type: ignore[misc]
        ends = ", ".join(self._label(record.slots[place]) for place in (first, second))
        return self._unify(a, b, constraint, f"{record.shape.kind}({ends}) has two identifiers", known, record)

    def _merge(self, known: Record, record: Record, constraint: int) -> bool:
        """Make one of two; False where they contradict."""
        clash = changed = False
        for place, (a, b) in enumerate(zip(known.slots, record.slots, strict=True)):
            if b in (a, NONE):
                continue
            if a == NONE:
                known.slots[place] = b
                changed = True
                continue
            if not self._unify(a, b, constraint, f"{_thing(known, self)} has two values of {known.shape.places[place][0]}",
                               known, record):  # fmt: skip
                clash = True
        if clash:
            return False
        if known.into is not None or known is record:  # merged by what was just found to be the same
            return True
        record.into = known
        self._join(known, record)
        known.involved += tuple(c for c in record.involved if c not in known.involved)
        for slot in (*known.slots, known.id):
            if slot in self.variables:
                self._mention(slot, known)
        if changed:
            self._changed.append(known)
        return True

    def _join(self, one: Record, two: Record) -> None:
        a, b = one.source, two.source
        if a != b:
            self.joined.setdefault(a, []).append(b)
            self.joined.setdefault(b, []).append(a)

    def behind(self, among: Iterable[int]) -> list[int]:
        """Statements, and all that they may owe what they say to."""
        found = dict.fromkeys(among)
        todo = list(found)
        while todo:
            source = todo.pop()
            near = list(self.joined.get(source, ()))
            if self.became:
                for name in _names(self.statements[source]):
                    term = self.terms.get(name.iri, NONE) if name.blank else NONE
                    while term in self.became:
                        term, because = self.became[term]
                        near.append(because)
            for other in near:
                if other not in found:
                    found[other] = None
                    todo.append(other)
        return list(found)

    def _shared(self, id: int, other: Record, record: Record) -> None:
        """Two kinds of relations under one identifier: constraint 53, and one influence (inference 15 with constraint 23)."""
        if other.shape.kind in DISJOINT and record.shape.kind in DISJOINT:
            self._clash(53, "", f"{self.labels[id]} is the identifier of {other.shape.kind} and of {record.shape.kind}.",
                        [other.source, record.source], (53, id, other.shape.kind, record.shape.kind))  # fmt: skip
            return
        assert other.shape.influence is not None
        assert record.shape.influence is not None
        for i, j in zip(other.shape.influence, record.shape.influence, strict=True):
            self._equal(other, i, record, j, 23, f"the influence {self.labels[id]} joins different things")

    def _same_time(self, activity: Record, bound: Record) -> None:
        start = bound.shape.kind == "wasStartedBy"
        what = f"{self.labels[activity.id]} has two {'start' if start else 'end'} times"
        self._equal(activity, 0 if start else 1, bound, 3, 28 if start else 29, what)

    def _equal(self, one: Record, i: int, two: Record, j: int, constraint: int, what: str) -> None:
        a, b = one.slots[i], two.slots[j]
        if a == b != NONE:
            return
        if a == b:
            one.slots[i] = two.slots[j] = shared = self._fresh()
            self._mention(shared, one)
            self._mention(shared, two)
            self._join(one, two)
        elif a == NONE:
            self._adopt(one, i, b, two)
        elif b == NONE:
            self._adopt(two, j, a, one)
        else:
            self._unify(a, b, constraint, what, one, two)

    def _adopt(self, record: Record, place: int, term: int, other: Record) -> None:
        record.slots[place] = term
        self._mention(term, record)
        self._join(record, other)
        self._changed.append(record)

    def _mention(self, term: int, record: Record) -> None:
        if term in self.variables:
            records = self.mentions.setdefault(term, [])
            if not records or records[-1] is not record:
                records.append(record)

    def _unify(self, a: int, b: int, constraint: int, what: str, one: Record, two: Record) -> bool:
        """See to it that two terms become one; a clash, and False, where both are known and differ."""
        a, b = self._find(a), self._find(b)
        if a == b:
            return True
        if DASH in (a, b) or (a not in self.variables and b not in self.variables):
            involved = (constraint, *one.involved, *two.involved)
            self._clash(constraint, "", f"{what}: {self._label(a)} and {self._label(b)}.", [one.source, two.source],
                        (constraint, min(a, b), max(a, b), one.source, two.source), involved)  # fmt: skip
            return False
        # Later, not here: one equality leads to the next, deeper than calls may nest.
        self._equalities.append((a, b, constraint, what, one, two))
        return True

    def _become_one(self, a: int, b: int, constraint: int, what: str, one: Record, two: Record) -> None:
        a, b = self._find(a), self._find(b)
        if a == b:
            return
        if DASH in (a, b) or (a not in self.variables and b not in self.variables):
            self._unify(a, b, constraint, what, one, two)
            return
        fewer = len(self.mentions.get(a, ())) < len(self.mentions.get(b, ()))
        if a in self.variables and (b not in self.variables or fewer):
            self._become(a, b, one, two)
        else:
            self._become(b, a, one, two)

    def _label(self, term: int) -> str:
        return "none" if term == DASH else self.labels[term]

    def _become(self, child: int, root: int, one: Record, two: Record) -> None:
        """A variable turns out to be another term: everything that is known of it is known of that."""
        self.parent[child] = root
        self.became[child] = (root, one.source)
        self._join(one, two)
        for known, learn in (
            (self.entity, self._is_entity), (self.activity, self._is_activity), (self.element, self._is_element),
            (self.empty, self._is_empty), (self.member, self._is_member),
        ):  # fmt: skip
            if child in known:
                learn(root, known.pop(child))  # type: ignore[attr-defined]
        below = self.specific.pop(child, [])
        self.specific.setdefault(root, []).extend(below)
        if child in self.declared:
            self._is_declared(root, self.declared.pop(child))
        for specific, source in below:  # what the root was before holds for these now
            self._inherit(root, self._find(specific), source)
        if child in self.generated:
            self._is_generated(root, self.generated.pop(child))
        for pending in self.waiting.pop(child, ()):
            self._when_generated(*pending)
        mark = label(one.source, SAME)
        for event in (0, 1):  # one thing has one generation and one start
            self._edges.append((2 * child + event, 2 * root + event, mark))
            self._edges.append((2 * root + event, 2 * child + event, mark))
        records = self.mentions.pop(child, [])
        if root in self.variables:
            self.mentions.setdefault(root, []).extend(records)
        for mentioned in records:
            record = self._final(mentioned)
            self._join(record, one)
            record.slots = [self._find(s) if s > 0 else s for s in record.slots]
            if record.id == child:
                record.id = root
        for old in list(self._kinds(self.relations.pop(child, None))):
            old.also = None
            record = self._final(old)
            record.id = root
            self._join(record, one)
            first = self.relations.get(root)
            if first is None:
                self.relations[root] = record
                if root in self.element:
                    self._overlap(root)
                continue
            present = self._of_kind(first, record.shape)
            if present is None:
                for other in self._kinds(first):
                    self._shared(root, self._final(other), record)
                record.also, first.also = first.also, record
            elif present is not record:
                self._merge(present, record, 23)
        bounds = self.bounds.pop(child, [])
        self.bounds.setdefault(root, []).extend(bounds)
        activity = self.activities.pop(child, None)
        if activity is not None:
            activity.id = root
            before = self.activities.setdefault(root, activity)
            if before is not activity:
                self._merge(before, activity, 22)
        if root in self.activities:
            for bound in self.bounds[root]:
                self._same_time(self.activities[root], self._final(bound))
        self._changed.extend(records)

    # what follows from a relation: inferences 9 to 15, constraint 50, and the order of events

    def _follow(self, record: Record) -> None:
        source, slots = record.source, record.slots
        for (_, _, _, what), slot in zip(record.shape.places, slots, strict=True):
            if slot > 0:
                if what == "e":
                    if slot not in self.entity:
                        self._is_entity(slot, source)
                elif what == "a" and slot not in self.activity:
                    self._is_activity(slot, source)
        follow = _FOLLOW.get(record.shape.kind)
        if follow is not None:
            follow(self, record, source, slots)
        if record.shape.key is not None and record.into is None:
            self._rekey(record)

    def _rekey(self, record: Record) -> None:
        """After a place became known, another record may be of the same two things."""
        first, second, _ = record.shape.key  # type: ignore[misc]
        pair = (record.slots[first], record.slots[second])
        if NONE not in pair and self.keyed[record.shape.kind].get(pair) is not record:
            self._keyed(record)

    def _generation(self, record: Record, source: int, slots: list[int]) -> None:
        entity, activity, _ = slots
        self._is_generated(entity, source)
        if activity != NONE:
            self._edges.append((2 * activity + 1, 2 * entity, label(source, GENERATED)))

    def _bound(self, record: Record, source: int, slots: list[int]) -> None:
        """A start or an end."""
        activity, trigger, other, _ = slots
        if not record.placed:
            record.placed = True
            self.bounds.setdefault(activity, []).append(record)
            if activity in self.activities:
                self._same_time(self.activities[activity], record)
        start = record.shape.kind == "wasStartedBy"
        if trigger != NONE:
            self._is_generated(trigger, source)
            if start:
                self._edges.append((2 * trigger, 2 * activity + 1, label(source, TRIGGERED)))
            if other != NONE:
                generation = Record(_SHAPES["wasGeneratedBy"], NONE, [trigger, other, NONE], source)
                generation.involved = record.involved
                self._follow(self._known(generation))
        elif start and other != NONE:
            self._edges.append((2 * other + 1, 2 * activity + 1, label(source, STARTER)))

    def _derivation(self, record: Record, source: int, slots: list[int]) -> None:
        new, old, activity, generation, usage = slots
        if activity == DASH:
            if generation != NONE or usage != NONE:
                self._clash(51, "", "A derivation with a generation or a use must name its activity.", [source],
                            (51, source))  # fmt: skip
        else:
            made = Record(_SHAPES["wasGeneratedBy"], generation, [new, activity, NONE], source)
            read = Record(_SHAPES["used"], usage, [activity, old, NONE], source)
            for inferred in (made, read):
                inferred.involved = (*record.involved, 11)
                self._follow(self._known(inferred))
        self._when_generated(2 * old, 2 * new, label(source, STRICT))

    def _attribution(self, record: Record, source: int, slots: list[int]) -> None:
        entity, agent = slots
        self._is_generated(entity, source)
        self._when_generated(2 * agent, 2 * entity, label(source, ATTRIBUTED))
        self._edges.append((2 * agent + 1, 2 * entity, label(source, ATTRIBUTED)))

    def _specialization(self, record: Record, source: int, slots: list[int]) -> None:
        specific, general = slots
        self._edges.append((2 * general, 2 * specific, label(source, SPECIALIZED)))
        self.specific.setdefault(general, []).append((specific, source))
        self._inherit(general, specific, source)

    def _membership(self, record: Record, source: int, slots: list[int]) -> None:
        self._is_member(slots[0], source)

    # facts

    def _is_entity(self, term: int, source: int) -> None:
        if term not in self.entity:
            self.entity[term] = source
            if term in self.activity:
                self._disjoint(term)

    def _is_activity(self, term: int, source: int) -> None:
        if term not in self.activity:
            self.activity[term] = source
            if term in self.entity:
                self._disjoint(term)

    def _disjoint(self, term: int) -> None:
        self._clash(55, "", f"{self.labels[term]} is an entity and an activity.",
                    [*self._why(self.entity[term]), *self._why(self.activity[term])],
                    (55, term), (55, 50))  # fmt: skip

    def _is_element(self, term: int, source: Any) -> None:
        if term not in self.element:
            self.element[term] = source
            if term in self.relations:
                self._overlap(term)

    def _overlap(self, term: int) -> None:
        first = self.relations[term]
        among = [self._final(record).source for record in self._kinds(first)]
        self._clash(54, "", f"{self.labels[term]} is a thing and the identifier of {_article(first.shape.kind)}.",
                    [*self._why(self.element[term]), *among], (54, term))  # fmt: skip

    def _is_member(self, collection: int, source: int) -> None:
        if collection not in self.member:
            self.member[collection] = source
            self._emptiness(collection)

    def _is_empty(self, collection: int, source: Any) -> None:
        todo = [(collection, source)]
        while todo:
            term, because = todo.pop()
            if term not in self.empty:
                self.empty[term] = because
                self._emptiness(term)
                todo += [(self._find(s), (stated, term)) for s, stated in self.specific.get(term, ())]

    def _emptiness(self, term: int) -> None:
        if term in self.empty and term in self.member:
            among = [*self._why(self.member[term]), *self._why(self.empty[term])]
            what = f"{self.labels[term]} is an empty collection and has a member."
            self._clash(56, "", what, among, (56, term), (56, 50))

    def _is_declared(self, term: int, source: Any) -> None:
        """entity(term), said or inferred (21): it is an entity, and has a generation (7)."""
        if term in self.declared:
            return
        todo = [(term, source)]
        while todo:
            declared, because = todo.pop()
            if declared in self.declared:
                continue
            self.declared[declared] = because
            self._is_entity(declared, because)
            self._is_element(declared, because)
            self._is_generated(declared, because)
            todo += [(self._find(s), (stated, declared)) for s, stated in self.specific.get(declared, ())]

    def _inherit(self, general: int, specific: int, source: int) -> None:
        if general in self.declared:
            self._is_declared(specific, (source, general))
        if general in self.empty:
            self._is_empty(specific, (source, general))

    def _is_generated(self, term: int, source: Any) -> None:
        if term not in self.generated:
            self.generated[term] = source
            for pending in self.waiting.pop(term, ()):
                self._when_generated(*pending)

    def _when_generated(self, event: int, later: int, mark: int) -> None:
        """An edge between two generations, once there are both."""
        a, b = self._find(event // 2), self._find(later // 2)
        missing = a if a not in self.generated else b if b not in self.generated else None
        if missing is None:
            self._edges.append((2 * a, 2 * b, mark))
        else:
            self.waiting.setdefault(missing, []).append((2 * a, 2 * b, mark))

    def _why(self, source: Any) -> Iterator[int]:
        """The statements behind a fact that may have been inherited."""
        seen = set()
        while isinstance(source, tuple):
            yield source[0]
            general = self._find(source[1])
            if general in seen:
                return
            seen.add(general)
            source = self.declared.get(general, source[0])
        yield source

    # contradictions

    def _clash(self, constraint: int | None, name: str, sentence: str, among: Iterable[int], key: Any,
               involved: tuple[int, ...] = (), cycle: tuple[str, ...] = ()) -> None:  # fmt: skip
        if key not in self._told:
            self._told.add(key)
            if constraint is not None:
                name = RULES[constraint].name
                involved = tuple(dict.fromkeys((constraint, *involved)))
            self._clashes.append(Clash(constraint, name, sentence, tuple(dict.fromkeys(among)), involved, cycle))

    def _contradictory_order(self, inside: list[Edge]) -> None:
        """Constraint 42, in a cycle of events."""
        for edge, cycle in self._cycles(self.order, inside, STRICT):
            rules = tuple(dict.fromkeys(r for e in cycle for r in _BECAUSE[reason_of(e[2])]))
            told = tuple(self._sentence(e) for e in cycle)
            self._clash(42, "", f"{self._event(edge[1])} would come before itself.", self._rests_on(cycle),
                        (42, edge), rules, told)  # fmt: skip

    def _circular(self, inside: list[Edge]) -> None:
        """Constraint 52, in a circle of specializations."""
        for edge, cycle in self._cycles(self.kinds, inside, SPECIALIZED):
            rules = (52,) if len(cycle) == 1 else (52, 19)
            self._clash(52, "", f"{self.labels[edge[1] // 2]} would be a specialization of itself.",
                        self._rests_on(cycle), (52, edge), rules)  # fmt: skip

    def _cycles(self, order: Order, inside: list[Edge], reason: int) -> Iterator[tuple[Edge, list[Edge]]]:
        """A cycle through each edge that is not on one told of before; the first hundred."""
        told = self._told
        count = 0
        for edge in inside:
            if reason_of(edge[2]) != reason or (reason, edge) in told or count == MOST_CYCLES:
                continue
            cycle = [edge, *(() if edge[0] == edge[1] else order.path(edge[1], edge[0]))]
            told.update((reason, e) for e in cycle)
            count += 1
            yield edge, cycle

    def _rests_on(self, cycle: list[Edge]) -> list[int]:
        found: list[int] = []
        for event, later, mark in cycle:
            found.append(source_of(mark))
            if reason_of(mark) in (STRICT, ATTRIBUTED):  # both generations must be known
                for term in (event // 2, later // 2):
                    root = self._find(term)
                    if root in self.generated:
                        found += self._why(self.generated[root])
        return found

    def _event(self, event: int) -> str:
        return f"the {'start' if event % 2 else 'generation'} of {self.labels[event // 2]}"

    def _sentence(self, edge: Edge) -> str:
        event, later, mark = edge
        reason = reason_of(mark)
        if reason == SAME:
            return f"{self.labels[event // 2]} is {self.labels[later // 2]}"
        before = "comes strictly before" if reason == STRICT else "comes before or together with"
        numbers = ", ".join(map(str, _BECAUSE[reason]))
        said = words.statement(self.statements[source_of(mark)])
        return f"{self._event(event)} {before} {self._event(later)} ({numbers}: {said})"


_FOLLOW: Final[dict[str, Callable[[Instance, Record, int, list[int]], None]]] = {
    "wasGeneratedBy": Instance._generation,
    "wasStartedBy": Instance._bound,
    "wasEndedBy": Instance._bound,
    "wasDerivedFrom": Instance._derivation,
    "wasAttributedTo": Instance._attribution,
    "specializationOf": Instance._specialization,
    "hadMember": Instance._membership,
}


def _names(statement: Statement) -> Iterator[Name]:
    if statement.id is not None:
        yield statement.id
    yield from (a for _, a in statement.arguments if isinstance(a, Name))


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"


def _thing(record: Record, instance: Instance) -> str:
    if record.shape is _ACTIVITY:
        return f"activity {instance.labels[record.id]}"
    if record.id not in (NONE,) and record.id not in instance.variables:
        return f"{record.shape.kind} {instance.labels[record.id]}"
    places = [instance._label(s) if s != NONE else "-" for s in record.slots[:2]]
    return f"{record.shape.kind}({', '.join(places)})"


_MOMENT: Final = re.compile(r"(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def moment(text: str) -> str:
    """A key of a time: equal for times that xsd:dateTime holds for one moment. Other text is its own key."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return text.strip()
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    fraction = (fraction or "").rstrip("0")
    if (zone is None or zone in ("Z", "+00:00", "-00:00")) and hour != "24":
        whole = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    else:
        try:
            # Years that datetime has not are put into a cycle of the calendar, which repeats every 400 years.
            cycles, within = divmod(int(year), 400)
            date = datetime(within + 400, int(month), int(day), int(hour) % 24, int(minute), int(second), tzinfo=UTC)
            date += timedelta(days=1 if hour == "24" else 0)
            if zone not in (None, "Z"):
                offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
                date += offset if zone[0] == "-" else -offset
        except ValueError:
            return text.strip()
        y = date.year - 400 + 400 * cycles
        whole = f"{'-' if y < 0 else ''}{abs(y):04d}-{date:%m-%dT%H:%M:%S}"
    return f"{whole}{'.' if fraction else ''}{fraction}{'' if zone is None else 'Z'}"


def is_time(text: str) -> bool:
    """Whether a text is an xsd:dateTime: written as one, and with a day and an hour that there are."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return False
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    digits = year.removeprefix("-")
    if len(digits) > 4 and digits[0] == "0":
        return False
    leap = monthrange(2000 + int(digits[-4:]) % 400, 2)[1] == 29  # the calendar repeats every 400 years
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= days[int(month) - 1]):
        return False
    midnight = hour == "24" and not (minute + second + (fraction or "")).strip("0")
    if not (midnight or int(hour) <= 23) or int(minute) > 59 or int(second) > 59:
        return False
    return zone in (None, "Z") or (zone[4:] <= "59" and zone[1:] <= "14:00")
