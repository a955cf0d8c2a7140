"""The normal form of a document: everything that the inferences of PROV-CONSTRAINTS add and its uniqueness constraints merge.

What an inference says to exist gets a blank name, unless something that is known already fits. Two documents are equivalent
when their normal forms differ in nothing but blank names (PROV-CONSTRAINTS, section 2.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from provgraph.errors import InvalidInput
from provgraph.names import PROV
from provgraph.prov.constraints import validate
from provgraph.prov.instance import moment
from provgraph.prov.isomorphism import Fact, certificates
from provgraph.prov.model import (
    ELEMENTS,
    KINDS,
    QNAME_TYPES,
    QUALIFIED_NAME,
    TIMES,
    Bundle,
    Document,
    Entries,
    Keys,
    Name,
    Reference,
    Scope,
    Statement,
    Value,
    as_document,
)
from provgraph.prov.rules import DISJOINT, IDENTIFIED, NONE_PLACES, OUTSIDE

Term = int | str  # a number for what is not known, the key of a name or a time, '-' for "there is none"
Attributes = frozenset[tuple[Name, Value]]
Row = tuple[str, tuple[Term, ...]]
_TYPE, _REVISION = PROV + "type", PROV + "Revision"
_NO: Final[Attributes] = frozenset()


def normal_form(document: Scope) -> Document:
    """The normal form of a document, or of a bundle; prefixes as in it, blank names for what is only known to exist.

    Raises
    ------
    InvalidInput : code ``prov_invalid`` where the document contradicts itself, so that it has none.
    """
    document = as_document(document)
    _refuse(document)
    normal = Document(document.prefixes)
    _Normal(document).into(normal)
    for bundle in document.bundles:
        _Normal(bundle).into(normal.bundle(bundle.id, bundle.prefixes))
    return normal


def equivalent(a: Scope, b: Scope) -> bool:
    """Whether two documents say the same: at the top level, and in each bundle. A bundle counts as a document of its own.

    A document that contradicts itself is equivalent only to one with the same statements.
    """
    a, b = as_document(a), as_document(b)
    valid = [validate(d).valid is not False for d in (a, b)]
    if not all(valid):
        return valid[0] == valid[1] and _with_one_type(a) == _with_one_type(b)
    return _certificates(a) == _certificates(b)


def _certificates(document: Document) -> list[Any]:
    bundles = sorted(
        ((b.id.iri, _Normal(b).certificates()) for b in document.bundles),
        key=lambda pair: (pair[0], repr(sorted(pair[1].items()))),
    )
    return [_Normal(document).certificates(), bundles]


def _refuse(document: Document) -> None:
    verdict = validate(document)
    if verdict.valid is False:
        finding = verdict.findings[0]
        raise InvalidInput(f"A document that contradicts itself has no normal form; {finding.rule}: {finding.sentence}",
                           code="prov_invalid", constraint=finding.constraint)  # fmt: skip


class _Normal:
    """One scope: rows of terms, and how terms are written."""

    def __init__(self, scope: Scope) -> None:
        self.rows: dict[Row, Attributes] = {}
        self.outside: list[Statement] = []
        self.written: dict[str, Name | str] = {}
        self.count = 0
        self._blank: dict[str, int] = {}
        for statement in scope.statements:
            self._take(_one_type(statement))
        self._chase()

    # statements in

    def _term(self, argument: Any) -> Term:
        if isinstance(argument, Name):
            if argument.blank:
                if argument.iri not in self._blank:
                    self._blank[argument.iri] = self.fresh()
                return self._blank[argument.iri]
            self.written.setdefault(argument.iri, argument)
            return argument.iri
        key = "time " + moment(argument)
        self.written.setdefault(key, argument)
        return key

    def fresh(self) -> int:
        self.count += 1
        return self.count

    def _take(self, s: Statement) -> None:
        if s.kind in OUTSIDE:
            self.outside += s.single()
            return
        if s.kind == "hadMember":
            collection = s.argument("collection")
            for role, member in s.arguments:
                if role == "entity":
                    self._put("hadMember", (self._term(collection), self._term(member)))
            return
        said = dict(s.arguments)
        places: list[Term] = []
        if s.kind in IDENTIFIED or s.kind in ELEMENTS:
            places.append(self.fresh() if s.id is None else self._term(s.id))
        for role in KINDS[s.kind]:
            if role in said:
                places.append(self._term(said[role]))
            elif (s.kind, role) in NONE_PLACES or (role in {"generation", "usage"} and "activity" not in said):
                places.append("-")
            else:
                places.append(self.fresh())
        bare = s.kind in {"specializationOf", "alternateOf"}
        self._put(s.kind, tuple(places), _NO if bare else frozenset(s.attributes))

    def _put(self, kind: str, places: tuple[Term, ...], attributes: Attributes = _NO) -> None:
        row = (kind, places)
        self.rows[row] = self.rows.get(row, _NO) | attributes

    # to the end of all inferences

    def _chase(self) -> None:
        self._merge()
        while True:
            for rule in _INFERENCES:
                new = list(rule(self))
                if new:
                    for kind, places, attributes in new:
                        self._put(kind, places, attributes)
                    break
            else:
                return
            self._merge()

    def _merge(self) -> None:
        """Uniqueness constraints: rows with one key become one, until none are left that have one."""
        while True:
            parent: dict[Term, Term] = {}

            def root(term: Term, parent: dict[Term, Term] = parent) -> Term:
                while term in parent:
                    term = parent[term]
                return term

            def same(a: Term, b: Term, root: Callable[[Term], Term] = root, parent: dict[Term, Term] = parent) -> None:
                a, b = root(a), root(b)
                if a != b:
                    if isinstance(a, str):
                        a, b = b, a
                    parent[a] = b

            first: dict[Any, tuple[Term, ...]] = {}
            bounds: list[tuple[str, tuple[Term, ...]]] = []
            for kind, places in self.rows:
                if kind in IDENTIFIED or kind in ELEMENTS:
                    known = first.setdefault((kind, places[0]), places)
                    if known is not places:
                        for a, b in zip(known, places, strict=True):
                            same(a, b)
                key = _KEYS.get(kind)
                if key is not None:
                    known = first.setdefault((kind, "key", *(places[k] for k in key)), places)
                    if known is not places:
                        same(known[0], places[0])
                if kind in {"wasStartedBy", "wasEndedBy"}:
                    bounds.append((kind, places))
            for kind, places in bounds:
                activity = first.get(("activity", places[1]))
                if activity is not None:
                    same(activity[1 if kind == "wasStartedBy" else 2], places[4])
            if not parent:
                return
            rows, self.rows = self.rows, {}
            for (kind, places), attributes in rows.items():
                self._put(kind, tuple(map(root, places)), attributes)

    def of(self, kind: str) -> Iterator[tuple[Term, ...]]:
        return (places for k, places in self.rows if k == kind)

    # out

    def into(self, scope: Scope) -> None:
        for (kind, places), attributes in self.rows.items():
            identified = kind in IDENTIFIED or kind in ELEMENTS
            said = list(zip(KINDS[kind], places[1:] if identified else places, strict=True))
            # Blank names cannot stand for times: what is not known is left out.
            arguments = tuple(
                (role, self._name(term)) for role, term in said
                if term != "-" and not (role in TIMES and isinstance(term, int))
            )  # fmt: skip
            id = self._name(places[0]) if identified else None
            ordered = tuple(sorted(attributes, key=lambda pair: (pair[0].iri, repr(pair[1]))))
            scope.statements.append(Statement(kind, id if isinstance(id, Name) else None, arguments, ordered))
        scope.statements += self.outside

    def _name(self, term: Term) -> Name | str:
        return Name(f"_:n{term}", f"_:n{term}") if isinstance(term, int) else self.written[term]

    def certificates(self) -> Counter[Any]:
        return certificates([*self._facts(), *map(outside_fact, self.outside)])

    def _facts(self) -> Iterator[Fact]:
        for (kind, places), attributes in self.rows.items():
            said = [
                kind,
                *("?" if isinstance(t, int) else "=" + t for t in places),
                *sorted(map(attribute_text, attributes)),
            ]
            yield "\x1f".join(said), tuple(t for t in places if isinstance(t, int))


def attribute_text(pair: tuple[Name, Value]) -> str:
    """An attribute as text that is equal for equal ones."""
    return f"{pair[0].iri}\x1e{value_text(pair[1])}"


def value_text(value: Value) -> str:
    """A value as text that is equal for equal ones, and for a name with either of its two datatypes."""
    if isinstance(value, Reference):
        return f"{reference_type(value)}\x1d{value.name.iri}"
    return f"{value.lexical}\x1d{value.datatype.iri}\x1d{value.language}"


def reference_type(value: Reference) -> str:
    """The datatype of a name: the two that there are say the same."""
    return QUALIFIED_NAME.iri if value.datatype.iri in QNAME_TYPES else value.datatype.iri


def _one_type(s: Statement) -> Statement:
    """A statement whose names have one datatype."""
    if not any(isinstance(v, Reference) and v.datatype != QUALIFIED_NAME for _, v in s.attributes):
        return s
    return replace(s, attributes=tuple((n, _plain(v)) for n, v in s.attributes))


def _plain(value: Value) -> Value:
    if isinstance(value, Reference) and value.datatype.iri in QNAME_TYPES:
        return Reference(value.name)
    return value


def _with_one_type(document: Document) -> Document:
    made = Document(document.prefixes)
    for scope in document.scopes():
        other = made.bundle(scope.id, scope.prefixes) if isinstance(scope, Bundle) else made
        other.statements, other.unknown = list(map(_one_type, scope.statements)), scope.unknown
    return made


def outside_fact(s: Statement) -> Fact:
    """A statement that no rule speaks of."""
    said: list[str] = [s.kind, "" if s.id is None or s.id.blank else s.id.iri]
    things: list[Hashable] = []

    def name(n: Name) -> str:
        if n.blank:
            things.append(n.iri)
            return "?"
        return n.iri

    for role, argument in sorted(s.arguments, key=lambda pair: pair[0]):
        if isinstance(argument, Entries):
            said += [role, *sorted(f"{value_text(k)}\x1c{e.iri}" for k, e in argument.pairs)]
        elif isinstance(argument, Keys):
            said += [role, *sorted(map(value_text, argument.keys))]
        else:
            said += [role, name(argument) if isinstance(argument, Name) else argument]
    return "\x1f".join([*said, *sorted(map(attribute_text, s.attributes))]), tuple(things)


_KEYS: Final = {"wasGeneratedBy": (1, 2), "wasInvalidatedBy": (1, 2), "wasStartedBy": (1, 3), "wasEndedBy": (1, 3)}

New = tuple[str, tuple[Term, ...], Attributes]


def _influence(n: _Normal) -> Iterable[New]:  # 15
    for (kind, places), attributes in n.rows.items():
        if kind in DISJOINT or kind == "wasDerivedFrom":
            known = n.rows.get(("wasInfluencedBy", places[:3]))
            if known is None or not attributes <= known:
                yield "wasInfluencedBy", places[:3], attributes


def _alternates(n: _Normal) -> Iterable[New]:  # 12, 16 to 18, 20
    pairs = {(a, b) for a, b in n.of("alternateOf")} | set(n.of("specializationOf"))
    pairs |= {
        (p[1], p[2]) for (kind, p), attributes in n.rows.items() if kind == "wasDerivedFrom"
        and any(a.iri == _TYPE and isinstance(v, Reference) and v.name.iri == _REVISION for a, v in attributes)
    }  # fmt: skip
    near: dict[Term, set[Term]] = {}
    for a, b in pairs:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    seen: set[Term] = set()
    for start in near:
        if start not in seen:
            group, todo = {start}, [start]
            while todo:
                for other in near[todo.pop()] - group:
                    group.add(other)
                    todo.append(other)
            seen |= group
            yield from (
                ("alternateOf", (a, b), _NO) for a in group for b in group if ("alternateOf", (a, b)) not in n.rows
            )
    for (e,) in n.of("entity"):
        if e not in near and ("alternateOf", (e, e)) not in n.rows:
            yield "alternateOf", (e, e), _NO


def _specializations(n: _Normal) -> Iterable[New]:  # 19, 21
    above: dict[Term, set[Term]] = {}
    for specific, general in n.of("specializationOf"):
        above.setdefault(specific, set()).add(general)
    for specific, generals in above.items():
        reached, todo = set(generals), list(generals)
        while todo:
            for further in above.get(todo.pop(), set()) - reached:
                reached.add(further)
                todo.append(further)
        for general in reached:
            if ("specializationOf", (specific, general)) not in n.rows:
                yield "specializationOf", (specific, general), _NO
            attributes = n.rows.get(("entity", (general,)))
            known = n.rows.get(("entity", (specific,)))
            if attributes is not None and (known is None or not attributes <= known):
                yield "entity", (specific,), attributes


def _derivations(n: _Normal) -> Iterable[New]:  # 11
    made = {p[:3] for p in n.of("wasGeneratedBy")}
    read = {p[:3] for p in n.of("used")}
    for _, new, old, activity, generation, usage in n.of("wasDerivedFrom"):
        if activity != "-":
            if (generation, new, activity) not in made:
                yield "wasGeneratedBy", (generation, new, activity, n.fresh()), _NO
            if (usage, activity, old) not in read:
                yield "used", (usage, activity, old, n.fresh()), _NO


def _delegations(n: _Normal) -> Iterable[New]:  # 14
    known = {(a, ag) for _, a, ag, _ in n.of("wasAssociatedWith")}
    wanted = {(a, ag): None for _, two, one, a in n.of("actedOnBehalfOf") for ag in (one, two)}
    for activity, agent in wanted:
        if (activity, agent) not in known:
            yield "wasAssociatedWith", (n.fresh(), activity, agent, n.fresh()), _NO


def _triggers(n: _Normal) -> Iterable[New]:  # 9, 10
    known = {(e, a) for _, e, a, _ in n.of("wasGeneratedBy")}
    for entity, activity in {(p[2], p[3]): None for kind in ("wasStartedBy", "wasEndedBy") for p in n.of(kind)}:
        if (entity, activity) not in known:
            yield "wasGeneratedBy", (n.fresh(), entity, activity, n.fresh()), _NO


def _handed_over(n: _Normal) -> set[tuple[Term, Term]]:
    made: dict[Term, set[Term]] = {}
    for _, entity, activity, _ in n.of("wasGeneratedBy"):
        made.setdefault(entity, set()).add(activity)
    return {(user, maker) for _, user, entity, _ in n.of("used") for maker in made.get(entity, ())}


def _communications(n: _Normal) -> Iterable[New]:  # 5
    known = _handed_over(n)
    for informed, informant in {(p[1], p[2]): None for p in n.of("wasInformedBy")}:
        if (informed, informant) not in known:
            entity = n.fresh()
            yield "wasGeneratedBy", (n.fresh(), entity, informant, n.fresh()), _NO
            yield "used", (n.fresh(), informed, entity, n.fresh()), _NO


def _uses(n: _Normal) -> Iterable[New]:  # 6
    known = {p[1:] for p in n.of("wasInformedBy")}
    for pair in _handed_over(n) - known:
        yield "wasInformedBy", (n.fresh(), *pair), _NO


def _attributions(n: _Normal) -> Iterable[New]:  # 13
    made: dict[Term, set[Term]] = {}
    for _, entity, activity, _ in n.of("wasGeneratedBy"):
        made.setdefault(entity, set()).add(activity)
    with_agent: dict[Term, set[Term]] = {}
    for _, activity, agent, _ in n.of("wasAssociatedWith"):
        with_agent.setdefault(agent, set()).add(activity)
    for entity, agent in {p[1:3]: None for p in n.of("wasAttributedTo")}:
        if not made.get(entity, set()) & with_agent.get(agent, set()):
            activity = n.fresh()
            yield "wasGeneratedBy", (n.fresh(), entity, activity, n.fresh()), _NO
            yield "wasAssociatedWith", (n.fresh(), activity, agent, n.fresh()), _NO


def _lives(n: _Normal) -> Iterable[New]:  # 7
    for kind in ("wasGeneratedBy", "wasInvalidatedBy"):
        known = {p[1] for p in n.of(kind)}
        for (entity,) in n.of("entity"):
            if entity not in known:
                yield kind, (n.fresh(), entity, n.fresh(), n.fresh()), _NO


def _runs(n: _Normal) -> Iterable[New]:  # 8
    for kind, place in (("wasStartedBy", 1), ("wasEndedBy", 2)):
        known = {p[1] for p in n.of(kind)}
        for places in n.of("activity"):
            if places[0] not in known:
                yield kind, (n.fresh(), places[0], n.fresh(), n.fresh(), places[place]), _NO


#: What says more comes first: an inference adds nothing where something that is there already fits.
_INFERENCES: Final[tuple[Callable[[_Normal], Iterable[New]], ...]] = (
    _influence, _alternates, _specializations, _derivations, _delegations, _triggers, _communications, _uses, _attributions,
    _lives, _runs,
)  # fmt: skip
