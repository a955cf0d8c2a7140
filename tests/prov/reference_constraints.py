"""PROV-CONSTRAINTS as it is written, rule by rule, for documents of a few statements: slow, and with nothing left out.

Terms are texts, those that are not known are numbers; ``-`` in a place that definition 4 does not expand stands for itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from provgraph.prov.model import Document, Name, Reference, Scope, Statement

Fact = tuple[str, tuple[Any, ...], frozenset[str]]  # kind, (identifier, arguments…), attributes

ARGUMENTS = {
    "entity": (), "activity": ("startTime", "endTime"), "agent": (),
    "wasGeneratedBy": ("entity", "activity", "time"), "used": ("activity", "entity", "time"),
    "wasInformedBy": ("informed", "informant"), "wasStartedBy": ("activity", "trigger", "starter", "time"),
    "wasEndedBy": ("activity", "trigger", "ender", "time"), "wasInvalidatedBy": ("entity", "activity", "time"),
    "wasDerivedFrom": ("generatedEntity", "usedEntity", "activity", "generation", "usage"),
    "wasAttributedTo": ("entity", "agent"), "wasAssociatedWith": ("activity", "agent", "plan"),
    "actedOnBehalfOf": ("delegate", "responsible", "activity"), "wasInfluencedBy": ("influencee", "influencer"),
    "specializationOf": ("specificEntity", "generalEntity"), "alternateOf": ("alternate1", "alternate2"),
    "hadMember": ("collection", "entity"),
}  # fmt: skip
NEEDED = {
    "wasGeneratedBy": 1, "used": 1, "wasInformedBy": 2, "wasStartedBy": 1, "wasEndedBy": 1, "wasInvalidatedBy": 1,
    "wasDerivedFrom": 2, "wasAttributedTo": 2, "wasAssociatedWith": 1, "actedOnBehalfOf": 1, "wasInfluencedBy": 2,
    "specializationOf": 2, "alternateOf": 2, "hadMember": 2,
}  # fmt: skip
WITHOUT_IDENTIFIER = {"specializationOf", "alternateOf", "hadMember"}
NINE = {
    "used", "wasGeneratedBy", "wasInvalidatedBy", "wasStartedBy", "wasEndedBy", "wasInformedBy", "wasAttributedTo",
    "wasAssociatedWith", "actedOnBehalfOf",
}  # fmt: skip
ELEVEN = NINE | {"wasDerivedFrom", "wasInfluencedBy"}


class Invalid(Exception):
    def __init__(self, *constraints: int | str) -> None:
        super().__init__(constraints)
        self.constraints = constraints


def valid(document: Document) -> bool:
    """The verdict, scope by scope."""
    try:
        for scope in document.scopes():
            check(scope)
    except Invalid:
        return False
    return True


def check(scope: Scope) -> list[Fact]:
    """The normal form of a valid instance. Raises Invalid with the constraints that fail first."""
    facts = normalised(scope)
    ordered(facts)
    impossible(facts)
    return facts


def normalised(scope: Scope) -> list[Fact]:
    fresh = itertools.count(1)
    return _chase(_expanded(scope, fresh), fresh)


# definitions 1 to 4


def _expanded(scope: Scope, fresh: Iterator[int]) -> list[Fact]:
    blank: dict[str, int] = {}

    def term(argument: Any) -> Any:
        if isinstance(argument, Name):
            if argument.iri.startswith("_:"):
                if argument.iri not in blank:
                    blank[argument.iri] = next(fresh)
                return blank[argument.iri]
            return argument.iri
        return argument

    facts: list[Fact] = []
    for s in scope.statements:
        if s.kind not in ARGUMENTS:
            continue
        said = [s.argument(role) for role in ARGUMENTS[s.kind]]
        if any(a is None for a in said[: NEEDED.get(s.kind, 0)]):
            raise Invalid("DM")
        places: list[Any] = []
        for role, argument in zip(ARGUMENTS[s.kind], said, strict=True):
            if argument is not None:
                places.append(term(argument))
            elif _none(s, role):
                places.append("-")
            else:
                places.append(next(fresh))
        if s.kind not in WITHOUT_IDENTIFIER:
            places.insert(0, next(fresh) if s.id is None else term(s.id))
        facts.append((s.kind, tuple(places), frozenset(map(_attribute, s.attributes))))
    return facts


def _attribute(pair: Any) -> str:
    name, value = pair
    return f"{name.iri} {value.name.iri if isinstance(value, Reference) else repr(value)}"


def _none(s: Statement, role: str) -> bool:
    if (s.kind, role) in {("wasDerivedFrom", "activity"), ("wasAssociatedWith", "plan")}:
        return True
    return s.kind == "wasDerivedFrom" and role in {"generation", "usage"} and s.argument("activity") is None


# inferences 5 to 21 and uniqueness constraints 22 to 29, until nothing changes


class _Facts(list[Fact]):
    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [args for k, args, _ in self if k == kind]


def _chase(start: list[Fact], fresh: Iterator[int]) -> list[Fact]:
    facts = _Facts(start)
    while True:
        facts = _unique(facts)
        for conclusions in itertools.chain.from_iterable(rule(facts, fresh) for rule in INFERENCES):
            if not _holds(facts, conclusions):
                facts.extend(conclusions)
                break
        else:
            return facts


class Some(int):
    """A term that an inference says there is."""


def _some(fresh: Iterator[int]) -> Some:
    return Some(next(fresh))


def _holds(facts: _Facts, conclusions: list[Fact], known: dict[Any, Any] | None = None) -> bool:
    if not conclusions:
        return True
    kind, wanted, attributes = conclusions[0]
    for k, args, has in facts:
        if k != kind or not attributes <= has:
            continue
        chosen = dict(known or {})
        fits = (
            chosen.setdefault(w, a) == a if isinstance(w, Some) else w == a for w, a in zip(wanted, args, strict=True)
        )
        if all(fits) and _holds(facts, conclusions[1:], chosen):
            return True
    return False


def _substituted(facts: list[Fact], old: Any, new: Any) -> list[Fact]:
    return [(k, tuple(new if a == old and type(a) is not str else a for a in args), attrs) for k, args, attrs in facts]


def _merged(facts: _Facts, a: Any, b: Any, constraint: int) -> _Facts:
    if "-" in (a, b) or (isinstance(a, str) and isinstance(b, str)):  # "none" is not a thing that is not known
        raise Invalid(constraint)
    if isinstance(a, str):
        a, b = b, a
    return _Facts(_substituted(facts, int(a), b if isinstance(b, str) else int(b)))


def _unique(facts: _Facts) -> _Facts:
    while True:
        facts = _Facts((k, tuple(a if isinstance(a, str) else int(a) for a in args), attrs) for k, args, attrs in facts)
        pair = next(_equal_terms(facts), None)
        if pair is not None:
            facts = _merged(facts, *pair)
            continue
        collected: dict[tuple[str, tuple[Any, ...]], frozenset[str]] = {}
        for k, args, attrs in facts:
            collected[k, args] = collected.get((k, args), frozenset()) | attrs
        return _Facts((k, args, attrs) for (k, args), attrs in collected.items())


def _equal_terms(facts: _Facts) -> Iterator[tuple[Any, Any, int]]:
    """Two terms that must be the same and are not, and the constraint that says so."""
    for (k, x, _), (other, y, _) in itertools.combinations(facts, 2):
        if k != other or k in WITHOUT_IDENTIFIER:
            continue
        if x[0] == y[0]:
            yield from (
                (a, b, 22 if k in {"entity", "activity", "agent"} else 23) for a, b in zip(x, y, strict=True) if a != b
            )
            continue
        if k == "wasGeneratedBy" and x[1:3] == y[1:3]:
            yield x[0], y[0], 24
        if k == "wasInvalidatedBy" and x[1:3] == y[1:3]:
            yield x[0], y[0], 25
        if k == "wasStartedBy" and (x[1], x[3]) == (y[1], y[3]):
            yield x[0], y[0], 26
        if k == "wasEndedBy" and (x[1], x[3]) == (y[1], y[3]):
            yield x[0], y[0], 27
    for a, start, end in facts.of("activity"):
        yield from ((start, s[4], 28) for s in facts.of("wasStartedBy") if s[1] == a and s[4] != start)
        yield from ((end, s[4], 29) for s in facts.of("wasEndedBy") if s[1] == a and s[4] != end)


Rule = Callable[[_Facts, Iterator[int]], Iterator[list[Fact]]]
NO: frozenset[str] = frozenset()


def _communication(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for _, a2, a1 in f.of("wasInformedBy"):
        e = _some(n)
        yield [("wasGeneratedBy", (_some(n), e, a1, _some(n)), NO), ("used", (_some(n), a2, e, _some(n)), NO)]


def _generation_use(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for _, e, a1, _ in f.of("wasGeneratedBy"):
        for _, a2, e2, _ in f.of("used"):
            if e == e2:
                yield [("wasInformedBy", (_some(n), a2, a1), NO)]


def _entity(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for (e,) in f.of("entity"):
        yield [("wasGeneratedBy", (_some(n), e, _some(n), _some(n)), NO)]
        yield [("wasInvalidatedBy", (_some(n), e, _some(n), _some(n)), NO)]
        yield [("alternateOf", (e, e), NO)]


def _activity(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for a, start, end in f.of("activity"):
        yield [("wasStartedBy", (_some(n), a, _some(n), _some(n), start), NO)]
        yield [("wasEndedBy", (_some(n), a, _some(n), _some(n), end), NO)]


def _bounds(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for _, _, e, a, _ in f.of("wasStartedBy") + f.of("wasEndedBy"):
        yield [("wasGeneratedBy", (_some(n), e, a, _some(n)), NO)]


def _derivation(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for k, args, attrs in f:
        if k != "wasDerivedFrom":
            continue
        _, e2, e1, a, g, u = args
        if "-" not in (a, g, u):
            yield [("wasGeneratedBy", (g, e2, a, _some(n)), NO)]
            yield [("used", (u, a, e1, _some(n)), NO)]
        if any(t.endswith("#type http://www.w3.org/ns/prov#Revision") for t in attrs):
            yield [("alternateOf", (e2, e1), NO)]


def _attribution(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for _, e, ag in f.of("wasAttributedTo"):
        a = _some(n)
        yield [
            ("wasGeneratedBy", (_some(n), e, a, _some(n)), NO),
            ("wasAssociatedWith", (_some(n), a, ag, _some(n)), NO),
        ]


def _delegation(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for _, ag2, ag1, a in f.of("actedOnBehalfOf"):
        yield [("wasAssociatedWith", (_some(n), a, ag1, _some(n)), NO)]
        yield [("wasAssociatedWith", (_some(n), a, ag2, _some(n)), NO)]


def _influence(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    for k, args, attrs in f:
        if k in NINE or k == "wasDerivedFrom":
            yield [("wasInfluencedBy", args[:3], attrs)]


def _alternates(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    pairs = f.of("alternateOf")
    for a, b in pairs:
        yield [("alternateOf", (b, a), NO)]
        yield from ([("alternateOf", (a, d), NO)] for c, d in pairs if b == c)


def _specializations(f: _Facts, n: Iterator[int]) -> Iterator[list[Fact]]:
    pairs = f.of("specializationOf")
    for a, b in pairs:
        yield [("alternateOf", (a, b), NO)]
        yield from ([("specializationOf", (a, d), NO)] for c, d in pairs if b == c)
        yield from ([("entity", (a,), attrs)] for k, args, attrs in f if k == "entity" and args == (b,))


INFERENCES: tuple[Rule, ...] = (
    _influence, _alternates, _specializations, _derivation, _delegation, _bounds, _communication, _generation_use,
    _attribution, _entity, _activity,
)  # fmt: skip


# constraints 30 to 49


def ordered(facts: list[Fact]) -> None:
    f = _Facts(facts)
    start, end = f.of("wasStartedBy"), f.of("wasEndedBy")
    used, gen, inv = f.of("used"), f.of("wasGeneratedBy"), f.of("wasInvalidatedBy")
    before: dict[tuple[Any, Any], bool] = {}  # whether strictly

    def put(x: Any, y: Any, strictly: bool = False) -> None:
        before[x, y] = before.get((x, y), False) or strictly

    def each(*lists: list[tuple[Any, ...]]) -> Iterator[Any]:
        return itertools.product(*lists)

    for s, e in each(start, end):
        if s[1] == e[1]:
            put(s[0], e[0])  # 30
    for same in (start, end):  # 31, 32
        for x, y in each(same, same):
            if x[1] == y[1]:
                put(x[0], y[0])
    for s, u in each(start, used):
        if s[1] == u[1]:
            put(s[0], u[0])  # 33
    for u, e in each(used, end):
        if u[1] == e[1]:
            put(u[0], e[0])  # 33
    for s, g in each(start, gen):
        if s[1] == g[2]:
            put(s[0], g[0])  # 34
    for g, e in each(gen, end):
        if g[2] == e[1]:
            put(g[0], e[0])  # 34
    for i, s, e in each(f.of("wasInformedBy"), start, end):
        if i[2] == s[1] and i[1] == e[1]:
            put(s[0], e[0])  # 35
    for g, i in each(gen, inv):
        if g[1] == i[1]:
            put(g[0], i[0])  # 36
    for g, u in each(gen, used):
        if g[1] == u[2]:
            put(g[0], u[0])  # 37
    for u, i in each(used, inv):
        if u[2] == i[1]:
            put(u[0], i[0])  # 38
    for same in (gen, inv):  # 39, 40
        for x, y in each(same, same):
            if x[1] == y[1]:
                put(x[0], y[0])
    for _, e2, e1, a, g2, u1 in f.of("wasDerivedFrom"):
        if "-" not in (a, g2, u1):
            put(u1, g2)  # 41
        for x, y in each(gen, gen):
            if x[1] == e1 and y[1] == e2:
                put(x[0], y[0], True)  # 42
    for bounds in (start, end):  # 43, 44
        for g, s in each(gen, bounds):
            if g[1] == s[2]:
                put(g[0], s[0])
        for s, i in each(bounds, inv):
            if s[2] == i[1]:
                put(s[0], i[0])
    for e2, e1 in f.of("specializationOf"):
        for x, y in each(gen, gen):
            if x[1] == e1 and y[1] == e2:
                put(x[0], y[0])  # 45
        for x, y in each(inv, inv):
            if x[1] == e2 and y[1] == e1:
                put(x[0], y[0])  # 46
    for _, a, ag, _ in f.of("wasAssociatedWith"):  # 47
        for s, i in each(start, inv):
            if s[1] == a and i[1] == ag:
                put(s[0], i[0])
        for g, e in each(gen, end):
            if g[1] == ag and e[1] == a:
                put(g[0], e[0])
        for s, e in each(start, end):
            if (s[1], e[1]) in {(a, ag), (ag, a)}:
                put(s[0], e[0])
    for _, e, ag in f.of("wasAttributedTo"):  # 48
        for x, g in each([*gen, *start], gen):
            if x[1] == ag and g[1] == e:
                put(x[0], g[0])
    for _, ag2, ag1, _ in f.of("actedOnBehalfOf"):  # 49
        for g, i in each(gen, inv):
            if g[1] == ag1 and i[1] == ag2:
                put(g[0], i[0])
        for s, e in each(start, end):
            if s[1] == ag1 and e[1] == ag2:
                put(s[0], e[0])
    for (x, y), strictly in before.items():
        if strictly and _leads(before, y, x):
            raise Invalid(42)


def _leads(before: dict[tuple[Any, Any], bool], start: Any, end: Any) -> bool:
    seen, todo = {start}, [start]
    while todo:
        at = todo.pop()
        if at == end:
            return True
        for x, y in before:
            if x == at and y not in seen:
                seen.add(y)
                todo.append(y)
    return False


# constraints 50 to 56


def impossible(facts: list[Fact]) -> None:
    f = _Facts(facts)
    types: dict[Any, set[str]] = {}

    def typed(kind: str, *terms: Any) -> None:
        for term in terms:
            if term != "-":
                types.setdefault(term, set()).add(kind)

    for k, args, attrs in f:
        if k in {"entity", "activity", "agent"}:
            typed(k, args[0])
            if k == "entity" and any(t.endswith("#type http://www.w3.org/ns/prov#EmptyCollection") for t in attrs):
                typed("empty", args[0])
        elif k in {"used", "wasInvalidatedBy", "wasGeneratedBy"}:
            activity, entity = (args[1], args[2]) if k == "used" else (args[2], args[1])
            typed("activity", activity)
            typed("entity", entity)
        elif k == "wasInformedBy":
            typed("activity", *args[1:])
        elif k in {"wasStartedBy", "wasEndedBy"}:
            typed("activity", args[1], args[3])
            typed("entity", args[2])
        elif k == "wasDerivedFrom":
            typed("entity", args[1], args[2])
            typed("activity", args[3])
            if args[3] == "-" and args[4:] != ("-", "-"):
                raise Invalid(51)
        elif k == "wasAttributedTo":
            typed("entity", args[1])
        elif k == "wasAssociatedWith":
            typed("activity", args[1])
            typed("entity", args[3])
        elif k == "actedOnBehalfOf":
            typed("activity", args[3])
        elif k in WITHOUT_IDENTIFIER:
            typed("entity", *args)
            if k == "specializationOf" and args[0] == args[1]:
                raise Invalid(52)
    for (k, x, _), (other, y, _) in itertools.permutations(f, 2):
        if k in WITHOUT_IDENTIFIER or other in WITHOUT_IDENTIFIER or x[0] != y[0]:
            continue
        if k in NINE and other in NINE and k != other:
            raise Invalid(53)
        if k in {"entity", "activity", "agent"} and other in ELEVEN:
            raise Invalid(54)
    for kinds in types.values():
        if {"entity", "activity"} <= kinds:
            raise Invalid(55)
    for c, _ in f.of("hadMember"):
        if "empty" in types[c]:
            raise Invalid(56)
