"""PROV-O in and out, as Turtle and as TriG, where each bundle is a named graph (PROV-O, W3C 2013).

RDF is a set of triples: what is stated twice, and statements that share an identifier, cannot be told apart; `write` says so.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from provgraph.errors import InvalidInput
from provgraph.names import PROV
from provgraph.prov.losses import Losses
from provgraph.prov.model import (
    ELEMENTS,
    INTERNATIONALIZED,
    KINDS,
    QNAME_TYPES,
    QUALIFIED_NAME,
    STRING,
    TIMES,
    Argument,
    Bundle,
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
    prov,
    xsd,
)  # fmt: skip
from provgraph.prov.source import open_source
from provgraph.prov.turtle import LABEL, LANGUAGE, PREFIX_NAME, RDF, TYPE, Graph, Parser, Term, iri_text, short, text_of

#: Bytes of a file; reading takes about thirty times as much memory.
LARGEST: Final = 128 << 20
CODES: Final = {"turtle": "prov_turtle_invalid", "trig": "prov_trig_invalid"}
CALLED: Final = {"turtle": "Turtle", "trig": "TriG"}
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
RDFS_LABEL: Final = "http://www.w3.org/2000/01/rdf-schema#label"


@dataclass(frozen=True)
class Influence:
    """How PROV-O says a relation.

    plain : the property from subject to object; '' where it has none. qualified, cls : the property to the node that stands
    for the relation, and its class. subject : the role of the subject. roles : each other role and its property of that node.
    """

    plain: str
    qualified: str
    cls: str
    subject: str
    object: str
    roles: dict[str, str]


def _influence(plain: str, cls: str, subject: str, object: str, **roles: str) -> Influence:
    return Influence(plain, f"qualified{cls}", cls, subject, object, roles)


INFLUENCES: Final = {
    "wasGeneratedBy": _influence("wasGeneratedBy", "Generation", "entity", "activity", activity="activity", time="atTime"),
    "used": _influence("used", "Usage", "activity", "entity", entity="entity", time="atTime"),
    "wasInformedBy": _influence("wasInformedBy", "Communication", "informed", "informant", informant="activity"),
    "wasStartedBy": _influence("wasStartedBy", "Start", "activity", "trigger", trigger="entity", starter="hadActivity",
                               time="atTime"),
    "wasEndedBy": _influence("wasEndedBy", "End", "activity", "trigger", trigger="entity", ender="hadActivity", time="atTime"),
    "wasInvalidatedBy": _influence("wasInvalidatedBy", "Invalidation", "entity", "activity", activity="activity", time="atTime"),
    "wasDerivedFrom": _influence("wasDerivedFrom", "Derivation", "generatedEntity", "usedEntity", usedEntity="entity",
                                 activity="hadActivity", generation="hadGeneration", usage="hadUsage"),
    "wasAttributedTo": _influence("wasAttributedTo", "Attribution", "entity", "agent", agent="agent"),
    "wasAssociatedWith": _influence("wasAssociatedWith", "Association", "activity", "agent", agent="agent", plan="hadPlan"),
    "actedOnBehalfOf": _influence("actedOnBehalfOf", "Delegation", "delegate", "responsible", responsible="agent",
                                  activity="hadActivity"),
    "wasInfluencedBy": _influence("wasInfluencedBy", "Influence", "influencee", "influencer", influencer="influencer"),
    "derivedByInsertionFrom": _influence("", "Insertion", "after", "before", before="dictionary"),
    "derivedByRemovalFrom": _influence("", "Removal", "after", "before", before="dictionary"),
}  # fmt: skip
#: Relations that are one triple and nothing else.
PLAIN: Final = {
    "specializationOf": ("specificEntity", "generalEntity"), "alternateOf": ("alternate1", "alternate2"),
    "hadMember": ("collection", "entity"), "mentionOf": ("specificEntity", "generalEntity"),
}  # fmt: skip
_CLASSES: Final = {PROV + k.capitalize(): k for k in ELEMENTS}
_SUBCLASSES: Final = {
    PROV + n: k for k, names in (
        ("agent", ("Person", "Organization", "SoftwareAgent")),
        ("entity", ("Plan", "Collection", "EmptyCollection", "Bundle", "Dictionary", "EmptyDictionary")),
    ) for n in names
}  # fmt: skip
_OF_CLASS: Final = {PROV + i.cls: k for k, i in INFLUENCES.items()}
_DERIVATIONS: Final = {PROV + n: n for n in ("Revision", "Quotation", "PrimarySource")}
_QUALIFIED: Final = {PROV + i.qualified: k for k, i in INFLUENCES.items()} | {
    f"{PROV}qualified{n}": "wasDerivedFrom" for n in _DERIVATIONS.values()
}
_UNQUALIFIED: Final = {PROV + i.plain: k for k, i in INFLUENCES.items() if i.plain}
_SHORTCUTS: Final = {
    PROV + "wasRevisionOf": "Revision", PROV + "wasQuotedFrom": "Quotation", PROV + "hadPrimarySource": "PrimarySource",
}  # fmt: skip
_INVERSE: Final = {PROV + "generated": "wasGeneratedBy", PROV + "invalidated": "wasInvalidatedBy"}
_AT_TIME: Final = {PROV + "generatedAtTime": "wasGeneratedBy", PROV + "invalidatedAtTime": "wasInvalidatedBy"}
_ACTIVITY_TIMES: Final = {PROV + "startedAtTime": "startTime", PROV + "endedAtTime": "endTime"}
_TIME_OF: Final = {role: iri for iri, role in _ACTIVITY_TIMES.items()}
_SAID: Final = {  # attributes that PROV-O has another property for
    PROV + "type": TYPE.iri, PROV + "label": RDFS_LABEL, PROV + "location": PROV + "atLocation", PROV + "role": PROV + "hadRole",
}  # fmt: skip
_MEANT: Final = {iri: prov(name[len(PROV) :]) for name, iri in _SAID.items()}
_PAIR: Final = (PROV + "insertedKeyEntityPair", PROV + "hadDictionaryMember", PROV + "pairKey", PROV + "pairEntity")
#: Properties with a meaning in PROV-O, which an attribute cannot be.
_TAKEN: Final = (
    set(_MEANT) | set(_QUALIFIED) | set(_UNQUALIFIED) | set(_SHORTCUTS) | set(_INVERSE) | set(_AT_TIME) | set(_ACTIVITY_TIMES)
    | {PROV + p for p in PLAIN} | {PROV + "asInBundle", PROV + "removedKey", *_PAIR}
    | {PROV + p for i in INFLUENCES.values() for p in i.roles.values()}
)  # fmt: skip
#: Types that say what a node is.
_STRUCTURE: Final = set(_CLASSES) | set(_OF_CLASS)


def read(source: str | bytes | Path, format: str = "turtle") -> Document:
    """A document from PROV-O. format : ``'turtle'`` or ``'trig'``.

    Raises
    ------
    InvalidInput : code ``prov_turtle_invalid`` or ``prov_trig_invalid``, with line and column in the sentence and in the details.
    FileUnreadable : where the file cannot be read.
    InvalidInput : ``prov_too_large`` for a file of more than `LARGEST` bytes, which would fill the memory.
    """
    with open_source(source, code=CODES[format], whole=True, largest=LARGEST) as opened:
        parser = Parser(opened, CALLED[format], trig=format == "trig")
        graphs = parser.read()
        document = Document(parser.prefixes)
        found = 0
        for graph in graphs:
            scope: Scope = document
            if graph.name is not None:
                scope = Bundle(graph.name, outer=document)
                document.bundles.append(scope)
            reader = _Reader(parser, graph, scope, format)
            reader.read()
            found += len(scope) or (graph.name is not None)
        if not found and any(g.triples for g in graphs):
            parser.fail(
                "none of its triples is a statement of PROV", graphs[0].triples[0][3] if graphs[0].triples else 0
            )
        return document


class _Reader:
    """The statements of one graph."""

    def __init__(self, parser: Parser, graph: Graph, scope: Scope, format: str) -> None:
        self.parser = parser
        self.graph = graph
        self.scope = scope
        self.format = format
        self.names: dict[str, Name] = {}
        self.of: dict[str, dict[str, list[tuple[Term, int]]]] = {}
        seen: set[tuple[str, str, Term]] = set()
        for subject, predicate, object, at in graph.triples:
            if (subject.iri, predicate.iri, object) in seen:
                continue  # a graph is a set
            seen.add((subject.iri, predicate.iri, object))
            terms: tuple[Term, ...] = (subject, predicate, object)
            for term in terms:
                if isinstance(term, Name):
                    self.names.setdefault(term.iri, term)
            self.of.setdefault(subject.iri, {}).setdefault(predicate.iri, []).append((object, at))
        self.used: set[tuple[str, str]] = set()  # the properties of a node that a statement took
        self.pairs: set[str] = set()

    def fail(self, what: str, at: int) -> NoReturn:
        self.parser.fail(what, at)

    def read(self) -> None:
        owners: dict[str, list[tuple[str, str]]] = defaultdict(
            list
        )  # of a node that stands for a relation: kind, subject
        for subject, properties in self.of.items():
            for predicate, objects in properties.items():
                kind = _QUALIFIED.get(predicate)
                if kind is None:
                    continue
                for object, at in objects:
                    if not isinstance(object, Name):
                        self.fail(f"prov:{predicate[len(PROV) :]} needs a node, not a text", at)
                    owners[object.iri].append((kind, subject))
                self.used.add((subject, predicate))
        covered: Counter[tuple[str, str, str]] = Counter()
        relations: dict[str, list[Statement]] = {}
        for node in (*self.of, *(n for n in owners if n not in self.of)):
            kinds = list(dict.fromkeys([*(k for k, _ in owners.get(node, ())), *self.classes(node)]))
            for kind in kinds:
                statement = self.relation(node, kind, [s for k, s in owners.get(node, ()) if k == kind])
                relations.setdefault(node, []).append(statement)
                about = INFLUENCES[kind]
                for s in (a for r, a in statement.arguments if r == about.subject):
                    for o in (a for r, a in statement.arguments if r == about.object):
                        if isinstance(s, Name) and isinstance(o, Name):
                            covered[kind, s.iri, o.iri] += 1
        for node in (*self.of, *(n for n in relations if n not in self.of)):
            if node in self.of:
                self.elements(node)
                self.plain(node, covered)
            self.scope.statements += relations.get(node, ())
        self.leftover()

    def classes(self, node: str) -> Iterator[str]:
        types = [o.iri for o, _ in self.of.get(node, {}).get(TYPE.iri, ()) if isinstance(o, Name)]
        for iri in types:
            if iri in _OF_CLASS:
                yield _OF_CLASS[iri]
            elif iri in _DERIVATIONS:
                yield "wasDerivedFrom"

    def name(self, iri: str) -> Name:
        return self.names.get(iri) or Name(iri)

    def take(self, node: str, predicate: str) -> list[tuple[Term, int]]:
        self.used.add((node, predicate))
        return self.of.get(node, {}).get(predicate, [])

    def named(self, node: str, predicate: str) -> list[Name]:
        found = []
        for object, at in self.take(node, predicate):
            if not isinstance(object, Name):
                self.fail(f"{predicate} needs a node, not a text", at)
            found.append(object)
        return found

    def relation(self, node: str, kind: str, subjects: list[str]) -> Statement:
        about = INFLUENCES[kind]
        arguments: list[tuple[str, Argument]] = [(about.subject, self.name(s)) for s in subjects]
        for role, local in about.roles.items():
            if role in TIMES:
                for object, at in self.take(node, PROV + local):
                    if not isinstance(object, Literal):
                        self.fail(f"prov:{local} needs a time, not a name", at)
                    arguments.append((role, object.lexical))
            else:
                arguments += ((role, n) for n in self.named(node, PROV + local))
        if kind == "wasInfluencedBy":
            for local in ("entity", "activity", "agent"):
                arguments += (("influencer", n) for n in self.named(node, PROV + local))
        elif kind == "derivedByInsertionFrom":
            pairs = [p for n in self.named(node, PROV + "insertedKeyEntityPair") for p in self.pair(n)]
            if pairs:
                arguments.append(("key-entity-set", Entries(tuple(pairs))))
        elif kind == "derivedByRemovalFrom":
            keys = tuple(self.value(o) for o, _ in self.take(node, PROV + "removedKey"))
            if keys:
                arguments.append(("key-set", Keys(keys)))
        structure = {PROV + about.cls}
        order = {role: i for i, role in enumerate(KINDS[kind])}
        return Statement(kind, self.name(node), tuple(sorted(arguments, key=lambda a: order[a[0]])),
                         tuple(self.attributes(node, structure)))  # fmt: skip

    def pair(self, node: Name) -> Iterator[tuple[Value, Name]]:
        self.pairs.add(node.iri)
        keys, entities = self.take(node.iri, PROV + "pairKey"), self.named(node.iri, PROV + "pairEntity")
        for (key, _), entity in zip(keys, entities, strict=False):
            yield self.value(key), entity

    def attributes(self, node: str, structure: set[str]) -> Iterator[tuple[Name, Value]]:
        for predicate, objects in self.of.get(node, {}).items():
            if predicate in _TAKEN and predicate not in _MEANT:
                continue
            self.used.add((node, predicate))
            name = _MEANT.get(predicate) or self.name(predicate)
            for object, _ in objects:
                if predicate == TYPE.iri and isinstance(object, Name) and object.iri in structure:
                    continue
                yield name, self.value(object)

    def value(self, term: Term) -> Value:
        if isinstance(term, Name):
            return Reference(term)
        if term.datatype.iri in QNAME_TYPES and not term.language:
            try:
                return Reference(self.scope.name(term.lexical), term.datatype)
            except InvalidInput:
                return Literal(term.lexical, STRING)
        return term

    def elements(self, node: str) -> None:
        types = [o.iri for o, _ in self.of[node].get(TYPE.iri, ()) if isinstance(o, Name)]
        kinds = list(dict.fromkeys(_CLASSES[t] for t in types if t in _CLASSES))
        if not kinds and not any(t in _OF_CLASS for t in types):
            kinds = list(dict.fromkeys(_SUBCLASSES[t] for t in types if t in _SUBCLASSES))[:1]
            if not kinds and any(p in self.of[node] for p in _ACTIVITY_TIMES):
                kinds = ["activity"]
        kinds.sort(key=ELEMENTS.index)
        for number, kind in enumerate(kinds):
            arguments: list[tuple[str, Argument]] = []
            if kind == "activity":
                for predicate, role in _ACTIVITY_TIMES.items():
                    for object, at in self.take(node, predicate):
                        if not isinstance(object, Literal):
                            self.fail(f"prov:{predicate[len(PROV) :]} needs a time, not a name", at)
                        arguments.append((role, object.lexical))
            relation = any(t in _OF_CLASS for t in types)
            attributes = [] if number or relation else self.attributes(node, {t for t in types if t in _CLASSES})
            self.scope.statements.append(Statement(kind, self.name(node), tuple(arguments), tuple(attributes)))
            self.used.add((node, TYPE.iri))

    def plain(self, node: str, covered: Counter[tuple[str, str, str]]) -> None:
        """Relations that are one triple; those that a node of their own says too are that."""
        for predicate in self.of[node]:
            local = predicate[len(PROV) :] if predicate.startswith(PROV) else ""
            if predicate in _UNQUALIFIED or predicate in _SHORTCUTS or predicate in _INVERSE:
                kind = _UNQUALIFIED.get(predicate) or _INVERSE.get(predicate) or "wasDerivedFrom"
                about = INFLUENCES[kind]
                for end in self.named(node, predicate):
                    subject, other = (end, self.name(node)) if predicate in _INVERSE else (self.name(node), end)
                    if covered[kind, subject.iri, other.iri]:
                        continue
                    kinds = ((prov("type"), Reference(prov(_SHORTCUTS[predicate]))),) if predicate in _SHORTCUTS else ()
                    self.add(kind, ((about.subject, subject), (about.object, other)), kinds)
            elif predicate in _AT_TIME:
                for object, at in self.take(node, predicate):
                    if not isinstance(object, Literal):
                        self.fail(f"prov:{local} needs a time, not a name", at)
                    self.add(_AT_TIME[predicate], (("entity", self.name(node)), ("time", object.lexical)))
            elif local in PLAIN:
                first, second = PLAIN[local]
                bundles = self.named(node, PROV + "asInBundle") if local == "mentionOf" else []
                for end in self.named(node, predicate):
                    self.add(local, ((first, self.name(node)), (second, end), *(("bundle", b) for b in bundles)))
            elif local == "hadDictionaryMember":
                for object in self.named(node, predicate):
                    self.add(local, (("dictionary", self.name(node)),
                                     ("key-entity-set", Entries(tuple(self.pair(object))))))  # fmt: skip

    def add(
        self, kind: str, arguments: Iterable[tuple[str, Argument]], attributes: tuple[tuple[Name, Value], ...] = ()
    ) -> None:
        order = {role: i for i, role in enumerate(KINDS[kind])}
        self.scope.statements.append(
            Statement(kind, None, tuple(sorted(arguments, key=lambda a: order[a[0]])), attributes)
        )

    def leftover(self) -> None:
        """Triples that are no part of a statement, as they are."""
        lines: dict[str, list[str]] = {}
        for subject, properties in self.of.items():
            for predicate, objects in properties.items():
                if (subject, predicate) not in self.used:
                    lines.setdefault(subject, []).extend(
                        f"{node_text(self.name(subject))} {iri_text(predicate)} {term_text(o)} ." for o, _ in objects
                    )
        for subject, triples in lines.items():
            self.scope.unknown.append(Unknown("rdf", subject, "\n".join(triples)))


def node_text(name: Name) -> str:
    return name.iri if name.blank else iri_text(name.iri)


def term_text(term: Term) -> str:
    """A term in full."""
    if isinstance(term, Name):
        return node_text(term)
    if term.language:
        return f"{text_of(term.lexical)}@{term.language}"
    return text_of(term.lexical) + ("" if term.datatype == STRING else f"^^{iri_text(term.datatype.iri)}")


def dumps(document: Document, format: str = "turtle") -> str:
    """PROV-O of a document as ``'turtle'`` or ``'trig'``."""
    return write(document, format)[0]


def write(document: Document, format: str = "turtle") -> tuple[str, Losses]:
    """PROV-O of a document as ``'turtle'`` or ``'trig'``, and what it cannot say."""
    losses = Losses()
    top = _Writer(document, document, losses)
    body = top.lines()
    lines = [f"@prefix {'' if p == 'default' else p}: {iri_text(ns)} ." for p, ns in top.declared]
    if format == "trig":
        lines += ["", "{", *(f"  {line}" if line else "" for line in body), "}"]
        seen: set[str] = set()
        for bundle in document.bundles:
            name = bundle.id
            if name.iri in seen:
                losses.add(bundle, None, "another bundle has the same identifier; the graphs become one.")
            seen.add(name.iri)
            inside = _Writer(bundle, document, losses, top).lines()
            lines += ["", f"{top.node(name, None)} {{", *(f"  {line}" if line else "" for line in inside), "}"]
    else:
        lines += ["", *body]
        for bundle in document.bundles:
            losses.add(bundle, None, f"Turtle has no bundles; its {len(bundle)} statements are left out.")
    return "\n".join(lines) + "\n", losses


class _Writer:
    def __init__(self, scope: Scope, document: Document, losses: Losses, top: _Writer | None = None) -> None:
        self.scope = scope
        self.losses = losses
        self.declared: list[tuple[str, str]] = []
        if top is None:
            wanted = {"prov": PROV, "xsd": xsd("").iri, "rdf": RDF, "rdfs": RDFS_LABEL.removesuffix("label")}
            prefixes = {
                p: ns for p, ns in document.all_prefixes().items()
                if (p == "default" or PREFIX_NAME.fullmatch(p)) and not SURROGATE.search(ns)
            }  # fmt: skip
            for prefix, namespace in wanted.items():
                if namespace not in prefixes.values() and prefix not in prefixes:
                    prefixes[prefix] = namespace
            self.declared = list(prefixes.items())
            self.sorted = sorted(
                (("" if p == "default" else p, ns) for p, ns in self.declared if ns), key=lambda p: -len(p[1])
            )
        else:
            self.sorted = top.sorted
        self.blanks = scope.blanks()
        self.taken = {s.id.iri for s in scope.statements if s.id is not None and s.id.blank} | self.blanks
        for unknown in scope.unknown:
            if unknown.format == "rdf":
                self.taken |= set(LABEL.findall(unknown.text))
        self.labels: dict[str, str] = top.labels if top is not None else {}
        self.top: _Writer = top if top is not None else self
        self.count = 0
        self.subjects: dict[str, list[str]] = {}
        self.known: dict[str, str] = {}
        self.said: set[tuple[str, str, str]] = set()

    def lose(self, statement: Statement | None, reason: str, *, minor: bool = False) -> None:
        self.losses.add(self.scope, statement, reason, minor=minor)

    def node(self, name: Name, statement: Statement | None) -> str:
        known = self.known.get(name.iri)
        if known is None:
            known = self.known[name.iri] = self._node(name, statement)
        return known

    def _node(self, name: Name, statement: Statement | None) -> str:
        iri = name.iri
        if SURROGATE.search(iri):
            self.lose(
                statement, f"the name {iri!r} holds half of a surrogate pair, which no encoding can; it is replaced."
            )
            iri = SURROGATE.sub("\ufffd", iri)
        if not name.blank:
            return short(iri, self.sorted)
        if LABEL.fullmatch(iri):
            return iri
        if iri not in self.labels:
            self.lose(statement, f"the blank identifier {iri!r} cannot be written in RDF; it gets another one.")
            self.labels[iri] = self.fresh()
        return self.labels[iri]

    def fresh(self) -> str:
        while True:
            self.top.count += 1  # a label is one node in the whole file
            if (label := f"_:b{self.top.count}") not in self.taken:
                return label

    def iri(self, iri: str) -> str:
        return self.node(Name(iri), None)

    def say(self, subject: str, predicate: str, *objects: str) -> None:
        words = "a" if predicate == TYPE.iri else self.iri(predicate)
        new = [o for o in objects if (subject, words, o) not in self.said]
        self.said |= {(subject, words, o) for o in new}
        if new:
            self.subjects.setdefault(subject, []).append(f"{words} {', '.join(new)}")

    def lines(self) -> list[str]:
        statements = [s for whole in self.scope.statements for s in whole.single()]
        groups: dict[str, list[Statement]] = {}
        for statement in statements:
            if statement.id is not None and statement.kind not in PLAIN and (
                not statement.id.blank or statement.id.iri in self.blanks or statement.kind in ELEMENTS
            ):  # fmt: skip
                groups.setdefault(statement.id.iri, []).append(statement)
        self.shared = self.sharing(groups)
        counted: Counter[tuple[str, str, str]] = Counter()
        qualified: set[tuple[str, str, str]] = set()
        for statement in statements:
            if key := self.ends(statement):
                counted[key] += 1
                if not self.is_plain(statement):
                    qualified.add(key)
        mentioned: set[str] = set()
        for statement in statements:
            if statement.kind in ELEMENTS:
                self.element(statement)
            elif statement.kind in PLAIN or statement.kind == "hadDictionaryMember":
                self.triple(statement, mentioned)
            else:
                key = self.ends(statement)
                if key is not None and self.is_plain(statement) and key not in qualified and counted[key] == 1:
                    self.link(key)
                else:
                    self.relation(statement)
        lines: list[str] = []
        for subject, predicates in self.subjects.items():
            head, *rest = predicates
            lines.append(f"{subject} {head}{' ;' if rest else ' .'}")
            lines += (f"    {p}{' .' if p is rest[-1] else ' ;'}" for p in rest)
        for unknown in self.scope.unknown:
            if unknown.format == "rdf":
                lines += unknown.text.split("\n")
            else:
                self.lose(None, f"the part {unknown.name!r} of {unknown.format} has no place in PROV-O.")
        return lines

    def sharing(self, groups: dict[str, list[Statement]]) -> set[int]:
        """Report statements that one node of RDF cannot keep apart."""
        shared: set[int] = set()
        for iri, group in groups.items():
            if len(group) == 1:
                continue
            kinds = Counter(s.kind for s in group)
            apart = all(n == 1 for n in kinds.values()) and set(kinds) <= set(ELEMENTS)
            if apart:
                first = min(group, key=lambda s: ELEMENTS.index(s.kind))
                if all(s is first or not s.attributes for s in group):
                    continue
            shared |= {id(s) for s in group}
            for statement in group[1:]:
                self.lose(
                    statement,
                    f"another statement is about the identifier {self.name_of(iri)} too; RDF cannot keep them apart.",
                )
        return shared

    def name_of(self, iri: str) -> str:
        return short(iri, self.sorted) if not iri.startswith("_:") else iri

    @staticmethod
    def ends(statement: Statement) -> tuple[str, str, str] | None:
        """Kind, subject, object of a relation that has one of each."""
        about = INFLUENCES.get(statement.kind)
        if about is None or not about.plain:
            return None
        subjects = [a for r, a in statement.arguments if r == about.subject]
        objects = [a for r, a in statement.arguments if r == about.object]
        if (
            len(subjects) != 1
            or len(objects) != 1
            or not isinstance(subjects[0], Name)
            or not isinstance(objects[0], Name)
        ):
            return None
        return statement.kind, subjects[0].iri, objects[0].iri

    def is_plain(self, statement: Statement) -> bool:
        """Whether the property from subject to object says it all."""
        unnamed = statement.id is None or (statement.id.blank and statement.id.iri not in self.blanks)
        return unnamed and len(statement.arguments) == 2 and not statement.attributes

    def link(self, key: tuple[str, str, str]) -> None:
        kind, subject, object = key
        self.say(self.node(Name(subject), None), PROV + INFLUENCES[kind].plain, self.node(Name(object), None))

    def element(self, statement: Statement) -> None:
        if statement.id is None:
            self.lose(statement, "it has no identifier; it is left out.")
            return
        node = self.node(statement.id, statement)
        self.say(node, TYPE.iri, self.iri(PROV + statement.kind.capitalize()))
        for role, argument in statement.arguments:
            self.once(statement, role, argument, [(r, a) for r, a in statement.arguments])
            self.say(node, _TIME_OF[role], f"{self.text(str(argument), statement)}^^{self.iri(xsd('dateTime').iri)}")
        self.attributes(node, statement)

    def once(self, statement: Statement, role: str, argument: Argument, arguments: list[tuple[str, Argument]]) -> None:
        if arguments.count((role, argument)) > 1:
            self.lose(statement, f"{role} has the same argument more than once; RDF says it once.")

    def triple(self, statement: Statement, mentioned: set[str]) -> None:
        kind = statement.kind
        if statement.attributes:
            self.lose(statement, f"PROV-O has no attributes for {kind}; they are left out.")
        if statement.id is not None and (not statement.id.blank or statement.id.iri in self.blanks):
            self.lose(statement, f"PROV-O has no identifier for {kind}; it is left out.")
        first, second = PLAIN.get(kind, ("dictionary", "key-entity-set"))
        given = [r for r, _ in statement.arguments]
        if given.count(first) != 1 or given.count(second) != 1 or len(given) > 3 or given.count("bundle") > 1:
            self.lose(statement, f"PROV-O needs one {first} and one {second}; the statement is left out.")
            return
        subject, object = statement.argument(first), statement.argument(second)
        assert isinstance(subject, Name)
        node = self.node(subject, statement)
        if isinstance(object, Entries):
            if not object.pairs:
                self.lose(statement, "it has no member; the statement is left out.")
            for pair in object.pairs:
                self.say(node, PROV + kind, self.pair(pair, statement))
            return
        assert isinstance(object, Name)
        written = (node, self.iri(PROV + kind), self.node(object, statement))
        if written in self.said:
            self.lose(statement, "it is stated more than once; RDF says it once.")
        self.say(node, PROV + kind, written[2])
        if kind == "mentionOf":
            if node in mentioned:
                self.lose(
                    statement,
                    f"{self.name_of(subject.iri)} mentions more than one; PROV-O does not say which in which bundle.",
                )
            mentioned.add(node)
            bundle = statement.argument("bundle")
            if isinstance(bundle, Name):
                self.say(node, PROV + "asInBundle", self.node(bundle, statement))

    def relation(self, statement: Statement) -> None:
        about = INFLUENCES[statement.kind]
        named = statement.id is not None and (not statement.id.blank or statement.id.iri in self.blanks)
        node = self.node(statement.id, statement) if named and statement.id is not None else self.fresh()
        if (key := self.ends(statement)) is not None:
            self.link(key)
        self.say(node, TYPE.iri, self.iri(PROV + about.cls))
        for role, argument in statement.arguments:
            self.once(statement, role, argument, list(statement.arguments))
            if isinstance(argument, Entries):
                if not argument.pairs:
                    self.lose(statement, "an empty set of members is left out.", minor=True)
                for pair in argument.pairs:
                    self.say(node, PROV + "insertedKeyEntityPair", self.pair(pair, statement))
            elif isinstance(argument, Keys):
                if not argument.keys:
                    self.lose(statement, "an empty set of keys is left out.", minor=True)
                if len(set(argument.keys)) < len(argument.keys):
                    self.lose(statement, "a key stands there more than once; RDF says it once.")
                self.say(node, PROV + "removedKey", *(self.value(k, statement) for k in argument.keys))
            elif isinstance(argument, str):
                self.say(
                    node, PROV + about.roles[role], f"{self.text(argument, statement)}^^{self.iri(xsd('dateTime').iri)}"
                )
            elif role == about.subject:
                self.say(self.node(argument, statement), PROV + about.qualified, node)
            else:
                self.say(node, PROV + about.roles[role], self.node(argument, statement))
        self.attributes(node, statement)

    def pair(self, pair: tuple[Value, Name], statement: Statement) -> str:
        node = self.fresh()
        self.say(node, PROV + "pairKey", self.value(pair[0], statement))
        self.say(node, PROV + "pairEntity", self.node(pair[1], statement))
        return node

    def attributes(self, node: str, statement: Statement) -> None:
        counts = Counter(statement.attributes)
        for (name, value), count in counts.items():
            called = name.qname or name.iri
            predicate = _SAID.get(name.iri, name.iri)
            if predicate == name.iri and (name.iri in _TAKEN or name.blank):
                self.lose(statement, f"{called} means something else in PROV-O than an attribute; it is left out.")
                continue
            if count > 1:
                self.lose(statement, f"{called} has the same value {count} times; RDF says it once.")
            if predicate == TYPE.iri and isinstance(value, Reference):
                iri = value.name.iri
                if iri in _STRUCTURE or (iri in _DERIVATIONS and statement.kind != "wasDerivedFrom"):
                    self.lose(
                        statement,
                        f"its type {value.name.qname or iri} would make it another statement; it is left out.",
                    )
                    continue
            self.say(node, predicate, self.value(value, statement))

    def text(self, text: str, statement: Statement) -> str:
        if SURROGATE.search(text):
            self.lose(statement, "a text holds half of a surrogate pair, which no encoding can; it is replaced.")
            text = SURROGATE.sub("\ufffd", text)
        return text_of(text)

    def value(self, value: Value, statement: Statement) -> str:
        if isinstance(value, Reference):
            if value.datatype != QUALIFIED_NAME:
                self.lose(statement, "RDF does not tell xsd:QName from prov:QUALIFIED_NAME.", minor=True)
            return self.node(value.name, statement)
        text = self.text(value.lexical, statement)
        if value.language:
            if value.datatype != INTERNATIONALIZED:
                self.lose(statement, f"a value has a language and the datatype {value.datatype.qname or value.datatype.iri}; "
                          "the datatype is left out.")  # fmt: skip
            if LANGUAGE.fullmatch(f"@{value.language}"):
                return f"{text}@{value.language}"
            self.lose(statement, f"{value.language!r} is no language tag; it is left out.")
            return text
        if value.datatype == STRING:
            return text
        if value.datatype.iri in QNAME_TYPES or value.datatype.blank:
            self.lose(statement, f"a text has the datatype {value.datatype.qname or value.datatype.iri} of names; it is written "
                      "as text.")  # fmt: skip
            return text
        return f"{text}^^{self.node(value.datatype, statement)}"
