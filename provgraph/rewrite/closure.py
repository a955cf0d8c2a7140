"""The relations that rules find (docs/relations.md), as Cypher run to a fixpoint on a scratch graph of some sets.

`solver` answers more and is the authority; this says which rule made each relation, and works inside the graph. Sets are
`(:Set {plan, id, kind, arity, empty, n, relabelling, injective})`; `PART` leads from an intersection or a union to what it is
made of, `IMAGE_OF` from a relabelled set to the one it was; `SUBSET_OF` and `DISJOINT_FROM` are what is known and found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provgraph.errors import ProvgraphError, RewriteError
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine
from provgraph.language import implication
from provgraph.rewrite import transient
from provgraph.rewrite.neighbours import DISJOINT_FROM, SUBSET_OF, neighbours
from provgraph.rewrite.sets import Answer, Bounds, Counted, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.rewrite.transient import Transient
from provgraph.schema import keys
from provgraph.schema.sets import Atoms, Complement, Listed, Relabelled, Union

PART, IMAGE_OF = "PART", "IMAGE_OF"
statements.declare(PART, IMAGE_OF, SUBSET_OF, DISJOINT_FROM)

FIRST = (
    "is_part_of_itself",
    "intersection_is_part_of_each",
    "one_part_is_the_whole",
    "union_contains_each",
)  # once is enough
TRANSITIVE = ("part_of_what_is_now_a_part", "part_of_a_part")  # until they find nothing, for the next ones to see all
RULES = (
    "part_of_all", "union_of_parts", "image_of_a_part", "source_of_a_part", "as_many_sources",
    "part_of_disjoint", "disjoint_from_union", "disjoint_images",
    "empty_in_disjoint", "part_of_an_empty_set",  # an empty part lets the others find more
)  # fmt: skip
_MOST_ROUNDS = 200

Row = dict[str, Any]


@dataclass(frozen=True)
class Closure:
    """What was found. edges : rule by (id, SUBSET_OF or DISJOINT_FROM, id); empty : ids of sets without sources.

    ids : of the sets that were asked about. statements : how many it took.
    """

    edges: Mapping[tuple[str, str, str], str]
    empty: frozenset[str]
    ids: Mapping[Atoms, str]
    statements: int

    def subset(self, a: Atoms, b: Atoms) -> str:
        """The rule by which a is part of b; '' where none was found."""
        one, other = self.ids[a], self.ids[b]
        if one == other:
            return "R0"
        return self.edges.get((one, SUBSET_OF, other), "Z3" if one in self.empty else "")

    def disjoint(self, a: Atoms, b: Atoms) -> str:
        one, other = self.ids[a], self.ids[b]
        if {one, other} & self.empty:
            return "Z3"
        return self.edges.get((one, DISJOINT_FROM, other), "")


def close(knowledge: Knowledge, sets: Iterable[Atoms], engine: GraphEngine | None = None) -> Closure:
    """Run the rules on some sets, what they are made of, and what is known of it.

    engine : on whose scratch graph; None for one of this process.

    Raises
    ------
    ProvgraphError : ``sources_inconsistent`` when a set that was found to have sources is proved to have none.
    RewriteError : ``rules_endless``, which would be a mistake in a rule.
    """
    cone = _Cone(knowledge)
    ids = {atoms: cone.set(atoms) for atoms in sets if atoms}
    cone.relate()
    return transient.on(engine, lambda copy: _close(copy, cone, ids))


def _close(copy: Transient, cone: _Cone, ids: Mapping[Atoms, str]) -> Closure:
    copy.run(statements.load("queries/sets_create"), rows=list(cone.nodes.values()))
    for relation, known in cone.edges.items():
        if known:
            pairs = [{"a": a, "b": b, "rule": rule} for (a, b), rule in sorted(known.items())]
            copy.run(statements.load("queries/sets_connect", relation=relation), edges=pairs)
    run = _Run(copy)
    for rule in FIRST:
        run(rule)
    for _ in range(_MOST_ROUNDS):
        while sum([run(rule) for rule in TRANSITIVE]):
            pass
        if not sum([run(rule) for rule in RULES]):
            break
    else:
        raise RewriteError("The rules of relations do not come to an end.", code="rules_endless")
    related = statements.load("queries/sets_related", relations=f"{SUBSET_OF}|{DISJOINT_FROM}")
    edges = {(str(row["a"]), str(row["relation"]), str(row["b"])): str(row["rule"]) for row in copy.run(related)}
    empty = frozenset(row["a"] for row in copy.run(statements.load("queries/sets_empty")))
    for name in sorted(empty):
        if cone.nodes[name]["n"]:
            raise ProvgraphError(
                f"{name} was found to have sources and is proved to have none: the graph or the stored data contradict each"
                " other.", code="sources_inconsistent",
            )  # fmt: skip
    return Closure(edges, empty, ids, copy.statements)


class _Run:
    """Runs a rule, and says how much it found. Edges have the number of the run that made them, so that a rule can look at
    those that are new to it."""

    def __init__(self, copy: Transient) -> None:
        self._copy = copy
        self._runs = 0
        self._last: dict[str, int] = {}

    def __call__(self, rule: str) -> int:
        self._runs += 1
        statement = statements.load(f"relations/{rule}")
        since = self._last.get(rule, 0)
        self._last[rule] = self._runs
        return sum(row["new"] for row in self._copy.run(statement, since=since, round=self._runs))


class _Cone:
    """Rows of the scratch graph: sets with all that they are made of, and what Python knows of atoms."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.nodes: dict[str, Row] = {}
        self.edges: dict[str, dict[tuple[str, str], str]] = {PART: {}, IMAGE_OF: {}, SUBSET_OF: {}, DISJOINT_FROM: {}}
        self._todo: list[str] = []
        self._working = False

    def set(self, atoms: Atoms) -> str:
        """The id of the node; a set of one atom is the atom."""
        if len(atoms) == 1:
            name = self._atom(next(iter(atoms)))
        else:
            name = keys.source_set_key(atoms)
            if name not in self.nodes:
                self._node(name, "intersection", arity=len(atoms))
                self.edges[PART].update({(name, self._atom(atom)): "" for atom in atoms})
        self._work()
        return name

    def _atom(self, atom: str) -> str:
        if atom not in self.nodes:
            self._node(atom, "atom")
            self._todo.append(atom)
        return atom

    def _node(self, name: str, kind: str, arity: int = 0) -> None:
        self.nodes[name] = {
            "id": name, "kind": kind, "arity": arity, "empty": False, "n": None, "relabelling": "", "injective": False,
        }  # fmt: skip

    def _work(self) -> None:
        if self._working:
            return
        self._working = True
        while self._todo:
            self._define(self._todo.pop())
        self._working = False

    def _define(self, atom: str) -> None:
        node = self.nodes[atom]
        match self.knowledge.definitions.get(atom):
            case str():
                node["kind"] = "criterion"
            case Union(parts):
                names = {self.set(part) for part in parts}
                node.update(kind="union", arity=len(names))
                self.edges[PART].update({(atom, name): "" for name in names})
            case Relabelled(relabelling, injective, preimage):
                node.update(kind="relabelled", relabelling=relabelling, injective=injective)
                self.edges[IMAGE_OF][atom, self.set(preimage)] = ""
            case Complement(of):
                self._disjoint(atom, self.set(of), "C1")
            case Listed(ids):
                node.update(kind="list", empty=not len(ids))

    def _disjoint(self, a: str, b: str, rule: str) -> None:
        self.edges[DISJOINT_FROM][a, b] = self.edges[DISJOINT_FROM][b, a] = rule

    def relate(self) -> None:
        """What follows from values and identifiers, and what was found out."""
        self._count()
        criteria = {a: d for a in self.nodes if isinstance(d := self.knowledge.definitions.get(a), str)}
        for a, relation, b in neighbours(criteria):
            if a == b:
                self.nodes[a]["empty"] = True
            elif relation == SUBSET_OF:
                self.edges[SUBSET_OF][a, b] = "U6"
            else:
                self._disjoint(a, b, "D1")
        self._lists()
        self._spaces()
        self._statistics(criteria)

    def _lists(self) -> None:
        lists = {a: d.ids for a in self.nodes if isinstance(d := self.knowledge.definitions.get(a), Listed)}
        for a, ids in lists.items():
            for b, others in lists.items():
                if a != b and ids.dtype.kind == others.dtype.kind:
                    inside = np.isin(ids, others)
                    if inside.all():
                        self.edges[SUBSET_OF][a, b] = "U7"
                    if not inside.any():
                        self._disjoint(a, b, "D4")

    def _spaces(self) -> None:
        spaces = {a: self.knowledge.spaces[a] for a in self.nodes if self.knowledge.spaces.get(a)}
        for a, space in spaces.items():
            for b, other in spaces.items():
                if space < other:
                    self._disjoint(a, b, "D4")

    def _count(self) -> None:
        by_digest: dict[tuple[str, str], str] = {}
        for fact in self.knowledge.facts:
            name = keys.source_set_key(fact.atoms) if isinstance(fact, Counted) and len(fact.atoms) > 1 else ""
            if isinstance(fact, Counted) and len(fact.atoms) == 1:
                (name,) = fact.atoms
            if not isinstance(fact, Counted) or name not in self.nodes:
                continue
            self.nodes[name]["n"] = fact.n
            if fact.n == 0:
                self.nodes[name]["empty"] = True
            space = self.knowledge.space(fact.atoms)
            if fact.digest and space:
                same = by_digest.setdefault((fact.digest, space), name)
                if same != name:
                    self.edges[SUBSET_OF][same, name] = self.edges[SUBSET_OF][name, same] = "E6"

    def _statistics(self, criteria: Mapping[str, str]) -> None:
        """Which criteria hold for all sources of a set, by the statistics of a column."""
        about: dict[str, list[str]] = {}
        for key, text in criteria.items():
            for variable in implication.variables(implication.meaning(text)):
                about.setdefault(variable.term.text, []).append(key)
        for fact in self.knowledge.facts:
            if not isinstance(fact, Bounds) or not fact.over:
                continue
            related = sorted(set(about.get(implication.column(fact.origin).text, ())))
            anything = "s:any"
            reasoner = Reasoner(Knowledge(criteria, (Bounds(
                frozenset((anything,)), fact.origin, fact.minimum, fact.maximum, fact.nulls),)))  # fmt: skip
            for key in related:
                if reasoner.subset((anything,), (key,)).answer is Answer.YES:
                    self.edges[SUBSET_OF][self.set(fact.over), key] = "U10"
                elif reasoner.disjoint((anything,), (key,)).answer is Answer.YES:
                    self._disjoint(self.set(fact.over), key, "U10")
