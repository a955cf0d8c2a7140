"""PROV documents as they were written: statements in order, repeated ones kept, names and literals with their spelling.

Two documents are equal when they state the same things: names compare by IRI, literals by lexical form, datatype and
language, statements as a multiset in each scope. Spelling (prefixes, order, bare or typed JSON values) is kept but not compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from provgraph.errors import InvalidInput, nearest
from provgraph.names import PROV

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
# What ProvToolbox and others declare, although names of XML Schema begin with '#'; nothing else can be meant.
_XSD_SLIP: Final = XSD[:-1]
#: Prefixes every scope knows without declaring them (PROV-N, section 3.7.1).
WELL_KNOWN: Final = {"prov": PROV, "xsd": XSD}

_MANY: Final = 50_000
ELEMENTS: Final = ("entity", "activity", "agent")
#: Every kind of statement and its arguments in the order of PROV-N; an argument ending in "Time" or called "time" holds a time.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "entity": (),
    "activity": ("startTime", "endTime"),
    "agent": (),
    "wasGeneratedBy": ("entity", "activity", "time"),
    "used": ("activity", "entity", "time"),
    "wasInformedBy": ("informed", "informant"),
    "wasStartedBy": ("activity", "trigger", "starter", "time"),
    "wasEndedBy": ("activity", "trigger", "ender", "time"),
    "wasInvalidatedBy": ("entity", "activity", "time"),
    "wasDerivedFrom": ("generatedEntity", "usedEntity", "activity", "generation", "usage"),
    "wasAttributedTo": ("entity", "agent"),
    "wasAssociatedWith": ("activity", "agent", "plan"),
    "actedOnBehalfOf": ("delegate", "responsible", "activity"),
    "wasInfluencedBy": ("influencee", "influencer"),
    "specializationOf": ("specificEntity", "generalEntity"),
    "alternateOf": ("alternate1", "alternate2"),
    "mentionOf": ("specificEntity", "generalEntity", "bundle"),
    "hadMember": ("collection", "entity"),
    # PROV-Dictionary
    "derivedByInsertionFrom": ("after", "before", "key-entity-set"),
    "derivedByRemovalFrom": ("after", "before", "key-set"),
    "hadDictionaryMember": ("dictionary", "key-entity-set"),
}
TIMES: Final = frozenset({"startTime", "endTime", "time"})
_ACTIVITIES: Final = frozenset({"activity", "informed", "informant", "starter", "ender"})
_AGENTS: Final = frozenset({"agent", "delegate", "responsible"})


def kind_in(role: str) -> str:
    """Of which kind something is that stands in a role: one of `ELEMENTS`. Influences and bundles may be of any."""
    return "activity" if role in _ACTIVITIES else "agent" if role in _AGENTS else "entity"


@dataclass(slots=True, unsafe_hash=True)  # not frozen: that takes three times as long to make
class Name:
    """An IRI and how it was spelled; blank names (``_:x``) hold only inside their document. Not to be changed once made."""

    iri: str
    qname: str = field(default="", compare=False)

    @property
    def blank(self) -> bool:
        return self.iri.startswith("_:")


def prov(local: str) -> Name:
    """A name of the PROV vocabulary."""
    return Name(PROV + local, f"prov:{local}")


def xsd(local: str) -> Name:
    """A datatype of XML Schema."""
    return Name(XSD + local, f"xsd:{local}")


STRING: Final = xsd("string")
INTERNATIONALIZED: Final = prov("InternationalizedString")
QUALIFIED_NAME: Final = prov("QUALIFIED_NAME")
QNAME_TYPES: Final = frozenset({QUALIFIED_NAME.iri, XSD + "QName"})


@dataclass(slots=True, unsafe_hash=True)
class Literal:
    """A value as it was written.

    form : ``'plain'`` a bare JSON value or a text with a language only, ``'typed'`` written with its datatype,
        ``'number'`` written with its datatype but without quotes; spelling, so not compared.
    """

    lexical: str
    datatype: Name = STRING
    language: str = ""
    form: str = field(default="typed", compare=False)


@dataclass(slots=True, unsafe_hash=True)
class Reference:
    """A qualified name used as a value; `datatype` says which of its two datatypes it was written with."""

    name: Name
    datatype: Name = QUALIFIED_NAME


Value = Literal | Reference


@dataclass(frozen=True, slots=True)
class Entries:
    """Key-entity pairs of a dictionary statement."""

    pairs: tuple[tuple[Value, Name], ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that were removed from a dictionary."""

    keys: tuple[Value, ...]


Argument = Name | str | Entries | Keys
"""What stands in a formal place of a statement: a name, a time as written, or the parts of a dictionary."""


@dataclass(slots=True, unsafe_hash=True)
class Statement:
    """One assertion.

    kind : name of the relation or element, a key of `KINDS`.
    arguments : (role, argument) pairs; a role that is absent was omitted, a repeated one had a list (``hadMember``).
    attributes : (name, value) pairs in order, repeated ones kept.
    dashes : roles that PROV-N wrote as ``-`` instead of leaving them out; None from where there is no such difference.
        Both mean the same, so they are not compared.
    """

    kind: str
    id: Name | None
    arguments: tuple[tuple[str, Argument], ...] = ()
    attributes: tuple[tuple[Name, Value], ...] = ()
    dashes: tuple[str, ...] | None = field(default=None, compare=False)

    def argument(self, role: str) -> Argument | None:
        """The first argument in this role."""
        return next((a for r, a in self.arguments if r == role), None)

    def values(self, attribute: Name) -> tuple[Value, ...]:
        """All values of one attribute."""
        return tuple(v for n, v in self.attributes if n == attribute)

    def single(self) -> tuple[Statement, ...]:
        """The statements of one member each that a statement of several members abbreviates; else the statement itself."""
        if self.kind == "hadMember" and sum(r == "entity" for r, _ in self.arguments) > 1:
            return self._each("entity", [a for r, a in self.arguments if r == "entity"])
        if self.kind == "hadDictionaryMember" and len(self.arguments) == 2:
            entries = self.argument("key-entity-set")
            if isinstance(entries, Entries) and len(entries.pairs) > 1:
                return self._each("key-entity-set", [Entries((pair,)) for pair in entries.pairs])
        return (self,)

    def _each(self, role: str, members: Sequence[Argument]) -> tuple[Statement, ...]:
        rest = tuple((r, a) for r, a in self.arguments if r != role)
        return tuple(Statement(self.kind, self.id, (*rest, (role, m)), self.attributes) for m in members)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that a file holds and PROV has no kind of statement for, as it stands there.

    format : of the file, such as ``'prov-json'``. name : of the section or the expression. text : what is written there.
    """

    format: str
    name: str
    text: str


class Scope:
    """The top level of a document, or a bundle: its own prefixes and its statements in order.

    unknown : what else its file holds; written again in the same format, and reported as lost in the others.
    """

    def __init__(self, prefixes: Mapping[str, str] | None = None, outer: Scope | None = None) -> None:
        self.prefixes: dict[str, str] = dict(prefixes or {})
        self.outer = outer
        self.statements: list[Statement] = []
        self.unknown: list[Unknown] = []
        self._known: dict[str, Name] = {}

    def namespace(self, prefix: str) -> str | None:
        """What a prefix stands for here (``'default'`` for names without one)."""
        scope: Scope | None = self
        while scope is not None:
            if prefix in scope.prefixes:
                namespace = scope.prefixes[prefix]
                return XSD if namespace == _XSD_SLIP else namespace
            scope = scope.outer
        return WELL_KNOWN.get(prefix)

    def all_prefixes(self) -> dict[str, str]:
        """Every prefix that holds here."""
        outer = self.outer.all_prefixes() if self.outer is not None else dict(WELL_KNOWN)
        return outer | {p: XSD if ns == _XSD_SLIP else ns for p, ns in self.prefixes.items()}

    def name(self, qname: str) -> Name:
        """The name a spelling stands for in this scope.

        Raises
        ------
        InvalidInput : ``prov_prefix_unknown`` where a prefix is not declared.
        """
        known = self._known.get(qname)
        if known is None:
            known = self._known[qname] = Name(self._expand(qname), qname)
        return known

    def forget(self) -> None:
        """Let go of spellings looked up so far, once they are many: for files larger than memory."""
        if len(self._known) > _MANY:
            self._known.clear()

    def _expand(self, qname: str) -> str:
        prefix, colon, local = qname.partition(":")
        if not colon or prefix.endswith("\\"):  # an escaped colon is one of the local name
            namespace = self.namespace("default")
            if namespace is None:
                raise InvalidInput(f"Name {qname!r} has no prefix, and no default namespace is declared.",
                                   code="prov_prefix_unknown", name=qname)  # fmt: skip
            return namespace + (unescape(qname) if "\\" in qname else qname)
        if prefix == "_":
            return qname
        namespace = self.namespace(prefix)
        if namespace is not None:
            return namespace + (unescape(local) if "\\" in local else local)
        if _IRI.match(qname):
            return qname  # an absolute IRI that no prefix covers
        raise InvalidInput(f"Prefix {prefix!r} of {qname!r} is not declared; {nearest(prefix, self.all_prefixes())}",
                           code="prov_prefix_unknown", name=qname)  # fmt: skip

    def spell(self, name: Name) -> str:
        """How to write a name in this scope: as it was, if that still means the same; else by the longest namespace."""
        if name.qname:
            try:
                if self.name(name.qname).iri == name.iri:
                    return name.qname
            except InvalidInput:
                pass
        if name.blank:
            return name.iri
        best = ""
        for prefix, namespace in self.all_prefixes().items():
            local = name.iri[len(namespace) :].replace("\\", r"\\")
            spelled = local if prefix == "default" else f"{prefix}:{local}"
            if name.iri.startswith(namespace) and (not best or len(spelled) < len(best)) and self._means(spelled, name):
                best = spelled
        if best or self._means(name.iri, name):
            return best or name.iri
        raise InvalidInput(f"No prefix covers {name.iri!r}; declare one.", code="prov_prefix_unknown", name=name.iri)

    def knows(self, qname: str) -> bool:
        """Whether a spelling stands for a name in this scope."""
        try:
            self.name(qname)
        except InvalidInput:
            return False
        return True

    def _means(self, spelled: str, name: Name) -> bool:
        try:
            return self._expand(spelled) == name.iri
        except InvalidInput:
            return False

    def add(self, kind: str, id: str | Name | None = None, arguments: Mapping[str, Argument | None] | None = None,
            attributes: Iterable[tuple[str | Name, Any]] = ()) -> Statement:  # fmt: skip
        """Append a statement; a text in the place of a name is spelled in this scope, a value may be a plain Python value.

        Raises
        ------
        InvalidInput : ``prov_statement_invalid`` where there is no such kind or role, or something has a wrong type;
            ``prov_prefix_unknown``.
        """
        roles = KINDS.get(kind)
        if roles is None:
            raise _misfit(f"There is no kind of statement called {kind!r}; {nearest(str(kind), KINDS)}")
        places: list[tuple[str, Argument]] = []
        for role, argument in (arguments or {}).items():
            if role not in roles:
                raise _misfit(f"{kind} has no argument {role!r}; {nearest(str(role), roles)}")
            if argument is not None:
                places.append((role, self._argument(kind, role, argument)))
        statement = Statement(kind, None if id is None else self._named(id, f"The identifier of {kind}"), tuple(places),
                              tuple((self._named(n, f"An attribute of {kind}"), value_of(v)) for n, v in attributes))  # fmt: skip
        self.statements.append(statement)
        return statement

    def _named(self, name: Any, what: str) -> Name:
        if isinstance(name, str):
            known, iri = self._known.get(name), self._expand(name)  # prefixes may have changed since it was looked up
            if known is None or known.iri != iri:
                known = self._known[name] = Name(iri, name)
            return known
        if isinstance(name, Name):
            return name
        raise _misfit(f"{what} is a name, as a text or a Name, not {name!r}.")

    def _argument(self, kind: str, role: str, argument: Any) -> Argument:
        if role in TIMES:
            wanted: type = str
            needed = "a time as text, such as '2026-11-21T12:00:00Z'"
        elif role in _PARTS:
            wanted, needed = _PARTS[role]
        else:
            return self._named(argument, f"The argument {role!r} of {kind}")
        if not isinstance(argument, wanted):
            raise _misfit(f"The argument {role!r} of {kind} is {needed}, not {argument!r}.")
        return argument  # type: ignore[return-value]

    def canonical(self) -> Counter[tuple[Any, ...]]:
        """The statements as a multiset that does not depend on order; a blank identifier nobody refers to says nothing."""
        referred = self.blanks()
        return Counter(
            (
                s.kind,
                ""
                if s.id is None or (s.id.blank and s.kind not in ELEMENTS and s.id.iri not in referred)
                else s.id.iri,
                frozenset(Counter((r, _unordered(a)) for r, a in s.arguments).items()),
                frozenset(Counter(s.attributes).items()),
            )
            for whole in self.statements
            for s in whole.single()
        )

    def blanks(self) -> set[str]:
        """The blank identifiers that something here refers to."""
        found = set()
        for s in self.statements:
            for _, a in s.arguments:
                if isinstance(a, Name):
                    if a.iri.startswith("_:"):
                        found.add(a.iri)
                elif isinstance(a, Entries):
                    found |= {e.iri for _, e in a.pairs if e.blank}
            found |= {v.name.iri for _, v in s.attributes if isinstance(v, Reference) and v.name.blank}
        return found

    def __len__(self) -> int:
        return len(self.statements)


class Bundle(Scope):
    """A named set of statements inside a document."""

    def __init__(self, id: Name, prefixes: Mapping[str, str] | None = None, outer: Scope | None = None) -> None:
        super().__init__(prefixes, outer)
        self.id = id

    def document(self) -> Document:
        """A document with what the bundle says at its top level; the statements are the same objects."""
        outer = {} if self.outer is None else self.outer.prefixes
        found = Document({**outer, **self.prefixes})
        found.statements, found.unknown = list(self.statements), list(self.unknown)
        return found


class Document(Scope):
    """A PROV document: prefixes, statements, bundles; all in the order they were written."""

    def __init__(self, prefixes: Mapping[str, str] | None = None) -> None:
        super().__init__(prefixes)
        self.bundles: list[Bundle] = []

    def bundle(self, id: str | Name, prefixes: Mapping[str, str] | None = None) -> Bundle:
        """Append an empty bundle."""
        bundle = Bundle(self.name(id) if isinstance(id, str) else id, prefixes, self)
        self.bundles.append(bundle)
        return bundle

    def scopes(self) -> Iterator[Scope]:
        """The top level, then every bundle."""
        yield self
        yield from self.bundles

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        if self.canonical() != other.canonical() or Counter(self.unknown) != Counter(other.unknown):
            return False
        return _bundles(self) == _bundles(other)

    __hash__ = None  # type: ignore[assignment]  # it can be added to

    def __repr__(self) -> str:
        counts = Counter(s.kind for scope in self.scopes() for s in scope.statements)
        inside = ", ".join(f"{n} {kind}" for kind, n in counts.items())
        return f"Document({inside}{f'; {len(self.bundles)} bundles' if self.bundles else ''})"


def as_document(said: Scope) -> Document:
    """A document itself; of a bundle what `Bundle.document` gives.

    Raises
    ------
    InvalidInput : for anything else.
    """
    if isinstance(said, Document):
        return said
    if isinstance(said, Bundle):
        return said.document()
    raise InvalidInput(f"A PROV document or a bundle is needed, not {said!r:.200}; provgraph.prov.read reads files.")


def other_namespace(prefixes: Mapping[str, str], prefix: str, namespace: str) -> str | None:
    """What a prefix was already declared for, where that is something else."""
    known = prefixes.get(prefix, namespace)
    return None if known == namespace or {known, namespace} == {XSD, _XSD_SLIP} else known


def _misfit(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="prov_statement_invalid")


def _bundles(document: Document) -> Counter[tuple[str, frozenset[Any], frozenset[Any]]]:
    return Counter(
        (b.id.iri, frozenset(b.canonical().items()), frozenset(Counter(b.unknown).items())) for b in document.bundles
    )


#: What stands in the places of a dictionary statement that hold no name.
_PARTS: Final[Mapping[str, tuple[type, str]]] = {"key-entity-set": (Entries, "Entries"), "key-set": (Keys, "Keys")}


def _unordered(argument: Argument) -> Any:
    if isinstance(argument, Entries):
        return ("entries", frozenset(Counter(argument.pairs).items()))
    if isinstance(argument, Keys):
        return ("keys", frozenset(Counter(argument.keys).items()))
    return argument


_ESCAPE: Final = re.compile(r"\\([=',():;\"\[\].\-\\])")


def unescape(local: str) -> str:
    """A local name without the backslashes of PROV-N (PN_CHARS_ESC, section 3.7.1), which PROV-JSON takes over."""
    return _ESCAPE.sub(r"\1", local)


_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(urn|doi|ark|mailto|tag|info|data|arcp|file|hdl):", re.IGNORECASE)
_INT32, _INT64 = 2**31, 2**63


def value_of(value: Any) -> Value:
    """A plain Python value as a literal with its XML Schema datatype; a `Name` as a reference."""
    if isinstance(value, (Literal, Reference)):
        return value
    if isinstance(value, Name):
        return Reference(value)
    if isinstance(value, bool):
        return Literal("true" if value else "false", xsd("boolean"))
    if isinstance(value, int):
        size = "int" if -_INT32 <= value < _INT32 else "long" if -_INT64 <= value < _INT64 else "integer"
        return Literal(str(value), xsd(size))
    if isinstance(value, float):
        return Literal(double(value), xsd("double"))
    return Literal(str(value), STRING, form="plain")


def double(value: float) -> str:
    """A float in the lexical form of xsd:double that reads back as the same float."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(value)
