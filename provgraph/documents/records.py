"""Statements of imported documents as properties of nodes, and back; the things they name, and the edges for traversal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from provgraph.errors import InvalidInput
from provgraph.graph import statements as cypher
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.graph.overflow import Overflow
from provgraph.prov.model import (
    ELEMENTS,
    KINDS,
    TIMES,
    Argument,
    Document,
    Entries,
    Keys,
    Literal,
    Name,
    Reference,
    Scope,
    Statement,
    Unknown,
    Value,
    kind_in,
)

#: The label that a statement of each kind has beside ``Statement``; declarations of all three kinds of elements share one.
LABELS: Final[Mapping[str, str]] = {
    "entity": "ProvDeclaration", "activity": "ProvDeclaration", "agent": "ProvDeclaration",
    "wasGeneratedBy": "ProvGeneration", "used": "ProvUsage", "wasInformedBy": "ProvCommunication",
    "wasStartedBy": "ProvStart", "wasEndedBy": "ProvEnd", "wasInvalidatedBy": "ProvInvalidation",
    "wasDerivedFrom": "ProvDerivation", "wasAttributedTo": "ProvAttribution", "wasAssociatedWith": "ProvAssociation",
    "actedOnBehalfOf": "ProvDelegation", "wasInfluencedBy": "ProvInfluence", "specializationOf": "ProvSpecialization",
    "alternateOf": "ProvAlternate", "mentionOf": "ProvMention", "hadMember": "ProvMembership",
    "derivedByInsertionFrom": "ProvInsertion", "derivedByRemovalFrom": "ProvRemoval",
    "hadDictionaryMember": "ProvDictionaryMembership",
}  # fmt: skip
#: The labels that a thing has beside ``Thing``, one for each kind that some statement of its scope makes it.
THINGS: Final[Mapping[str, str]] = {"entity": "ProvEntity", "activity": "ProvActivity", "agent": "ProvAgent"}
_ANYTHING: Final = frozenset({"influencee", "influencer", "bundle"})
#: Roles in which a statement names another one.
_STATEMENTS: Final[Mapping[str, str]] = {"generation": "wasGeneratedBy", "usage": "used"}
ABOUT: Final = "ABOUT"
#: What a relation joins beyond its first and its second argument: from, to, the type of the edge.
_FURTHER: Final[Mapping[str, tuple[str, str, str]]] = {
    "wasStartedBy": ("activity", "starter", "WAS_STARTED_BY"),
    "wasEndedBy": ("activity", "ender", "WAS_ENDED_BY"),
    "wasAssociatedWith": ("activity", "plan", "HAD_PLAN"),
}
_LONGEST_KEY: Final = 1000  # an index of the served engine takes no more than 8 kB


def upper(name: str) -> str:
    """``wasGeneratedBy`` as edges are called: ``WAS_GENERATED_BY``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").upper()


def argument_type(role: str) -> str:
    """The type of the edges from statements to what they name in a role."""
    return f"ARG_{upper(role)}"


cypher.declare(
    "Thing", "Statement", "ProvDocument", "ProvBundle", *LABELS.values(), *THINGS.values(), "HAS_BUNDLE", ABOUT,
    *(upper(kind) for kind in KINDS), *(relation for _, _, relation in _FURTHER.values()),
    *(argument_type(role) for roles in KINDS.values() for role in roles),
)  # fmt: skip


class Placed(NamedTuple):
    """A statement and where it stands: scope 0 is the top level, the bundles follow in order."""

    scope: int
    position: int
    statement: Statement


Source = Callable[[], Iterator[Placed]]


def placed(document: Document) -> Iterator[Placed]:
    """Every statement of a document with its place."""
    for number, scope in enumerate(document.scopes()):
        for position, statement in enumerate(scope.statements):
            yield Placed(number, position, statement)


def scope_id(document: str, scope: int) -> str:
    return f"{document}.{scope}"


def statement_id(document: str, scope: int, position: int) -> str:
    return f"{document}.{scope}.{position}"


def name_key(iri: str) -> str | None:
    """What a thing is found by; a blank name means nothing outside its document, so nothing finds it."""
    if iri.startswith("_:"):
        return None
    if len(iri) <= _LONGEST_KEY:
        return iri
    from provgraph.schema.keys import sha256

    return f"sha256:{sha256(iri)}"


# -- one statement -----------------------------------------------------------------------------------------------------


def properties(document: str, place: Placed) -> dict[str, Any]:
    """A statement as parallel lists of texts: everything it says, and how it was spelled.

    roles, arguments : names as IRIs, times as written, of keys of a dictionary how many; attributes, values, datatypes,
    languages, forms : of each attribute; a value that is a name has the form ``'name'``. key_values and the like : of the
    keys of a dictionary; key_entities : what they lead to. spellings : of every name in the order of the others, one a line
    (a list where a name holds a line break).
    """
    statement = place.statement
    spelled: list[str] = []
    found: dict[str, Any] = {
        "statement_id": statement_id(document, *place[:2]), "scope": scope_id(document, place.scope),
        "position": place.position, "kind": statement.kind,
    }  # fmt: skip
    if statement.id is not None:
        found["iri"] = statement.id.iri
        spelled.append(statement.id.qname)
    if statement.dashes is not None:
        found["dashes"] = list(statement.dashes)
    if statement.arguments:
        _put_arguments(found, statement, spelled)
    if statement.attributes:
        found["attributes"] = [name.iri for name, _ in statement.attributes]
        spelled.extend(name.qname for name, _ in statement.attributes)
        _put_values(found, "", [value for _, value in statement.attributes], spelled)
    # One text is stored twice as fast as a list of short ones.
    found["spellings"] = spelled if any("\n" in one for one in spelled) else "\n".join(spelled)
    return found


def _put_arguments(found: dict[str, Any], statement: Statement, spelled: list[str]) -> None:
    texts: list[str] = []
    entry_keys: list[Value] = []
    entities: list[Name] = []
    for role, argument in statement.arguments:
        kind: type = (
            str if role in TIMES else Entries if role == "key-entity-set" else Keys if role == "key-set" else Name
        )
        if not isinstance(argument, kind):
            raise InvalidInput(
                f"The {role} of a {statement.kind} statement is {argument!r}.", code="prov_argument_invalid"
            )
        if isinstance(argument, Name):
            texts.append(argument.iri)
            spelled.append(argument.qname)
        elif isinstance(argument, Entries):
            texts.append(str(len(argument.pairs)))
            entry_keys += [key for key, _ in argument.pairs]
            entities += [entity for _, entity in argument.pairs]
        elif isinstance(argument, Keys):
            texts.append(str(len(argument.keys)))
            entry_keys += argument.keys
        else:
            texts.append(argument)
    found["roles"] = [role for role, _ in statement.arguments]
    found["arguments"] = texts
    if entry_keys:
        _put_values(found, "key_", entry_keys, spelled)
    if entities:
        found["key_entities"] = [entity.iri for entity in entities]
        spelled.extend(entity.qname for entity in entities)


def _put_values(found: dict[str, Any], prefix: str, values: Sequence[Value], spelled: list[str]) -> None:
    texts, datatypes, languages, forms = [], [], [], []
    for value in values:
        spelled.append(value.datatype.qname)
        datatypes.append(value.datatype.iri)
        if isinstance(value, Literal):
            texts.append(value.lexical)
            languages.append(value.language)
            forms.append(value.form)
        else:
            texts.append(value.name.iri)
            spelled.append(value.name.qname)
            languages.append("")
            forms.append("name")
    found[f"{prefix}values"], found[f"{prefix}datatypes"], found[f"{prefix}forms"] = texts, datatypes, forms
    if any(languages):
        found[f"{prefix}languages"] = languages


class Reader:
    """Statements from the properties of nodes; names that come often are one object."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], Name] = {}

    def statement(self, found: Mapping[str, Any]) -> Statement:
        spellings = found.get("spellings") or ""
        spelled = iter(spellings.split("\n") if isinstance(spellings, str) else spellings)
        id = self._name(found["iri"], spelled) if found.get("iri") is not None else None
        arguments = self._arguments(found, spelled) if found.get("roles") else ()
        attributes: tuple[tuple[Name, Value], ...] = ()
        if found.get("attributes"):
            names = [self._name(iri, spelled) for iri in found["attributes"]]
            attributes = tuple(zip(names, self._values(found, "", spelled), strict=True))
        dashes = found.get("dashes")
        return Statement(found["kind"], id, arguments, attributes, None if dashes is None else tuple(dashes))

    def _name(self, iri: str, spelled: Iterator[str]) -> Name:
        key = (iri, next(spelled))
        known = self._names.get(key)
        if known is None:
            known = self._names[key] = Name(*key)
        return known

    def _arguments(self, found: Mapping[str, Any], spelled: Iterator[str]) -> tuple[tuple[str, Argument], ...]:
        named: list[Argument] = []
        for role, text in zip(found["roles"], found["arguments"], strict=True):
            plain = role in TIMES or role in ("key-entity-set", "key-set")
            named.append(text if plain else self._name(text, spelled))
        keys = iter(self._values(found, "key_", spelled))
        entities = iter([self._name(iri, spelled) for iri in found.get("key_entities") or ()])
        arguments: list[tuple[str, Argument]] = []
        for role, argument in zip(found["roles"], named, strict=True):
            whole = argument
            if role == "key-entity-set":
                whole = Entries(tuple((next(keys), next(entities)) for _ in range(int(str(argument)))))
            elif role == "key-set":
                whole = Keys(tuple(next(keys) for _ in range(int(str(argument)))))
            arguments.append((role, whole))
        return tuple(arguments)

    def _values(self, found: Mapping[str, Any], prefix: str, spelled: Iterator[str]) -> list[Value]:
        texts = found.get(f"{prefix}values") or ()
        languages = found.get(f"{prefix}languages") or [""] * len(texts)
        values: list[Value] = []
        for text, datatype, language, form in zip(
            texts, found.get(f"{prefix}datatypes") or (), languages, found.get(f"{prefix}forms") or (), strict=True
        ):
            kind = self._name(datatype, spelled)
            values.append(
                Reference(self._name(text, spelled), kind) if form == "name" else Literal(text, kind, language, form)
            )
        return values


def scope_properties(scope: Scope) -> dict[str, Any]:
    """What is kept of a scope beside its statements."""
    found: dict[str, Any] = {"prefixes": list(scope.prefixes), "namespaces": list(scope.prefixes.values())}
    if scope.unknown:
        found["unknown_formats"] = [one.format for one in scope.unknown]
        found["unknown_names"] = [one.name for one in scope.unknown]
        found["unknown_texts"] = [one.text for one in scope.unknown]
    return found


def fill_scope(scope: Scope, found: Mapping[str, Any]) -> None:
    """Put what `scope_properties` gave into an empty scope."""
    scope.prefixes = dict(zip(found.get("prefixes") or (), found.get("namespaces") or (), strict=True))
    unknown = (found.get(f"unknown_{part}") or () for part in ("formats", "names", "texts"))
    scope.unknown = [Unknown(*one) for one in zip(*unknown, strict=True)]


# -- all of them -------------------------------------------------------------------------------------------------------


class Ends(NamedTuple):
    """What a statement leads to.

    arguments : (role, thing) in order. references : (role, statement). relations : (from, to, type) between things.
    """

    arguments: list[tuple[str, str]]
    references: list[tuple[str, str]]
    relations: list[tuple[str, str, str]]


class Layout:
    """The things that the statements of a document name, each in its scope; made by going through all statements once."""

    def __init__(self, document: str, source: Iterable[Placed]) -> None:
        self.document = document
        self.kinds: Counter[str] = Counter()
        self.sizes: Counter[int] = Counter()  # statements of each scope
        self._things = Overflow()  # by scope and IRI: number, labels, spelling
        self._n_things = 0
        self._named = Overflow()  # by scope, kind and IRI: the positions of statements
        referred = Overflow()
        for place in source:
            self._see(place, referred)
        for key, _ in referred.items():
            if key not in self._named:  # no such statement: it stands for itself
                scope, _, iri = key.split(" ", 2)
                self._thing(int(scope), Name(iri), "")

    def _see(self, place: Placed, referred: Overflow) -> None:
        scope, position, statement = place
        self.kinds[statement.kind] += 1
        self.sizes[scope] += 1
        if statement.id is not None:
            if statement.kind in ELEMENTS:
                self._thing(scope, statement.id, statement.kind)
            elif statement.kind in _STATEMENTS.values():
                key = f"{scope} {statement.kind} {statement.id.iri}"
                before = self._named.get(key)
                self._named[key] = str(position) if before is None else f"{before} {position}"
        for role, argument in statement.arguments:
            if isinstance(argument, Entries):
                for _, entity in argument.pairs:
                    self._thing(scope, entity, "entity")
            elif isinstance(argument, Name):
                if role in _STATEMENTS:
                    referred[f"{scope} {_STATEMENTS[role]} {argument.iri}"] = ""
                else:
                    self._thing(scope, argument, _kind_of(role))

    def _thing(self, scope: int, name: Name, kind: str) -> None:
        key, label = f"{scope} {name.iri}", THINGS.get(kind, "")
        known = self._things.get(key)
        if known is None:
            self._things[key] = f"{self._n_things} {label} {name.qname}"
            self._n_things += 1
            return
        number, labels, qname = known.split(" ", 2)
        if label and label not in labels.split(":"):
            self._things[key] = f"{number} {':'.join(sorted({*labels.split(':'), label} - {''}))} {qname}"

    @property
    def statements(self) -> int:
        return sum(self.kinds.values())

    def things(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Labels beside ``Thing``, and properties, of every thing."""
        for key, known in self._things.items():
            scope, _, iri = key.partition(" ")
            number, labels, qname = known.split(" ", 2)
            id = f"{self.document}.{scope}.t{number}"
            found = {"thing_id": id, "scope": scope_id(self.document, int(scope)), "iri": iri, "qname": qname}
            if (name := name_key(iri)) is not None:
                found["name_key"] = name
            yield labels, found

    def ends(self, place: Placed) -> Ends:
        """What a statement leads to."""
        scope, _, statement = place
        found = Ends([], [], [])
        first: dict[str, str] = {}
        for role, argument in statement.arguments:
            if isinstance(argument, Entries):
                found.arguments.extend((role, self._id(scope, entity)) for _, entity in argument.pairs)
            elif isinstance(argument, Name):
                named = self._named.get(f"{scope} {_STATEMENTS[role]} {argument.iri}") if role in _STATEMENTS else None
                if named is not None:
                    found.references.extend((role, f"{self.document}.{scope}.{n}") for n in named.split(" "))
                else:
                    thing = self._id(scope, argument)
                    found.arguments.append((role, thing))
                    first.setdefault(role, thing)
        self._relate(found, statement, first)
        if statement.kind in ELEMENTS and statement.id is not None:
            found.arguments.append(("", self._id(scope, statement.id)))
        elif not found.relations and (effect := first.get(next(iter(KINDS[statement.kind]), ""))) is not None:
            found.arguments.append(("", effect))
        return found

    def _relate(self, found: Ends, statement: Statement, first: Mapping[str, str]) -> None:
        if statement.kind in ELEMENTS:
            return
        effect_role, cause_role = KINDS[statement.kind][:2]
        if (effect := first.get(effect_role)) is not None:
            causes = dict.fromkeys(thing for role, thing in found.arguments if role == cause_role)
            if statement.kind == "derivedByInsertionFrom":  # its members are further causes
                causes |= dict.fromkeys(thing for role, thing in found.arguments if role == "key-entity-set")
            found.relations.extend((effect, cause, upper(statement.kind)) for cause in causes)
        if (further := _FURTHER.get(statement.kind)) is not None:
            source, target, relation = further
            if source in first and target in first:
                found.relations.append((first[source], first[target], relation))

    def _id(self, scope: int, name: Name) -> str:
        known = self._things.get(f"{scope} {name.iri}")
        assert known is not None
        return f"{self.document}.{scope}.t{known.partition(' ')[0]}"

    # -- for the bulk loader -------------------------------------------------------------------------------------------

    def nodes(self, source: Iterable[Placed]) -> Iterator[NodeRow]:
        """Things, then statements."""
        for labels, found in self.things():
            yield NodeRow(("Thing", *filter(None, labels.split(":"))), found)
        for place in source:
            yield NodeRow(("Statement", LABELS[place.statement.kind]), properties(self.document, place))

    def edges(self, source: Iterable[Placed]) -> Iterator[EdgeRow]:
        """Of every statement the edges to what it names, and between the things."""
        for place in source:
            own = statement_id(self.document, *place[:2])
            arguments, references, relations = self.ends(place)
            for role, thing in arguments:
                yield EdgeRow(("Statement", own), ("Thing", thing), argument_type(role) if role else ABOUT)
            for role, other in references:
                yield EdgeRow(("Statement", own), ("Statement", other), argument_type(role))
            for effect, cause, relation in relations:
                yield EdgeRow(("Thing", effect), ("Thing", cause), relation, {"statement": own})


def _kind_of(role: str) -> str:
    if role in _ANYTHING:
        return ""
    return kind_in(role)
