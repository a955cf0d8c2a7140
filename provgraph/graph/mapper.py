"""Objects to nodes and edges, and back. The only writer of records; tells the audit what was written."""

from __future__ import annotations

import json
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from provgraph import names
from provgraph.errors import NotFound, ProvgraphError
from provgraph.graph import statements
from provgraph.graph.engine import GraphEngine, Run
from provgraph.graph.lineage import Lineage, traverse
from provgraph.language.criterion import BoundCriterion
from provgraph.policy import AllowAll, Context, Policy
from provgraph.schema import atoms, keys
from provgraph.schema.agents import RELATIONS, Activity, Agent, Note
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.meta import registry
from provgraph.schema.objects import DBObject
from provgraph.schema.operators.pass_ import without_pass
from provgraph.schema.properties import Reference

DEEPEST = 1000
RACES = 8  # how often another writer may be faster before it is an error

T = TypeVar("T")

statements.declare(
    "object_id", "activity_id", "agent_id", "note_id", "origin_key", "name",
    "Entity", "Activity", "Agent", "Note", "Column", "AttributeName", "SourceAtom",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What one call wrote, for the audit: who, when, and each record with its properties."""

    context: Context
    recorded: str
    entities: tuple[Mapping[str, Any], ...]
    activities: tuple[Mapping[str, Any], ...]
    notes: tuple[Mapping[str, Any], ...]
    edges: tuple[tuple[str, str, str], ...]  # relation, source, target


AuditHook = Callable[[Written], None]


@dataclass
class Batch:
    """Records that become stored together, or not at all."""

    objects: list[DBObject] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    edges: list[tuple[str, Any, Any, dict[str, Any]]] = field(default_factory=list)
    once: list[tuple[Note, DBObject]] = field(default_factory=list)
    indexing: Callable[[Run], None] | None = None  # of their sources, so that nothing is stored that is not found

    def add(self, *objects: DBObject) -> None:
        """Objects, and everything unstored they depend on, dependencies first."""
        known = {id(o) for o in self.objects}
        for wanted in map(without_pass, objects):
            stack: list[tuple[DBObject, bool]] = [(wanted, False)]
            while stack:
                one, ready = stack.pop()
                if one.is_stored or id(one) in known:
                    continue
                if ready:
                    known.add(id(one))
                    self.objects.append(one)
                    continue
                stack.append((one, True))
                stack.extend((d, False) for _, _, d in one.dependencies() if isinstance(d, DBObject))

    def relate(self, relation: str, source: Any, target: Any, **properties: Any) -> None:
        """An edge from effect to cause between objects, activities, agents, or keys of columns and names."""
        start, end = (without_pass(one) if isinstance(one, DBObject) else one for one in (source, target))
        self.edges.append((relation, start, end, properties))

    def note(self, about: DBObject, kind: str, value: str, *, reason: str = "", once: bool = False) -> None:
        """A dated statement. once : not where the last one of its kind says the same, whoever made it, even meanwhile."""
        said = Note(kind, value, "", reason)
        self.edges.append((names.ABOUT, said, about, {}))
        if once:
            self.once.append((said, about))

    def without(self, notes: set[str]) -> Batch:
        """This batch without the statements of these ids."""
        edges = [e for e in self.edges if not (isinstance(e[1], Note) and e[1].note_id in notes)]
        return replace(self, edges=edges) if notes else self


class Mapper:
    """Reads and writes the objects of one survey in the name of a context."""

    def __init__(self, engine: GraphEngine, context: Context, *, policy: Policy | None = None,
                 home: Any = None, audit: Sequence[AuditHook] = ()) -> None:  # fmt: skip
        self.engine = engine
        self.context = context
        self.policy = policy or AllowAll()
        self.audit = tuple(audit)
        self.home = home
        self._known: weakref.WeakValueDictionary[str, DBObject] = weakref.WeakValueDictionary()

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, batch: Batch) -> list[DBObject]:
        """Store a batch in one transaction; returns the objects that are new.

        What has the lineage key of something stored becomes that object.

        Idempotent, so it may be retried; under concurrency the uniqueness of (project, lineage_key, repeat) on the
        served engine, or the write lock of the embedded one, makes twins impossible.
        """
        recorded = keys.now()
        whole = batch
        by_key: dict[str, DBObject] = {}
        for one in batch.objects:
            if one.lineage_key:
                by_key.setdefault(one.lineage_key, one)

        def work(run: Run) -> tuple[Written, dict[str, Mapping[str, Any]], list[tuple[DBObject, dict[str, Any]]]]:
            found = self._existing(run, list(by_key))
            identities = {id(o): self._stored_id(o, found, by_key) for o in whole.objects}
            batch = whole.without(self._said(run, whole, found, identities))
            created = [
                o for o in batch.objects
                if not (o.lineage_key and (o.lineage_key in found or by_key[o.lineage_key] is not o))
            ]  # fmt: skip
            rows = [(o, self._properties(o, recorded)) for o in created]
            self.policy.may_write(self.context, [p for _, p in rows])
            by_labels: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
            for one, properties in rows:
                by_labels[type(one).labels].append({"object_id": one.object_id, "properties": properties})
            for labels, entities in by_labels.items():
                statements.declare(*labels)
                run(statements.load("queries/create_entities", labels=":".join(labels)), rows=entities)
            edges = self._edges(batch, created, identities)
            self._nodes(run, batch, edges)
            index_atoms(run, created)
            if batch.indexing is not None:
                batch.indexing(run)
            self._write_edges(run, edges)
            written = Written(
                self.context, recorded, tuple(p for _, p in rows),
                tuple(a.properties() for a in batch.activities),
                tuple(s.properties() for _, s, _, _ in batch.edges if isinstance(s, Note)),
                tuple((r, str(s), str(t)) for (r, _), ends in edges.items() for s, t, _ in ends),
            )  # fmt: skip
            return written, found, rows

        written, found, rows = self._until_alone(work)
        fresh = {id(o): p for o, p in rows}
        for one in batch.objects:
            properties = fresh.get(id(one)) or found.get(one.lineage_key)
            if properties is None:  # a twin inside the batch
                properties = fresh[id(by_key[one.lineage_key])]
            one.adopt(properties, self.home)
            self._known.setdefault(one.object_id, one)
        for hook in self.audit:
            hook(written)
        return [o for o, _ in rows]

    def _until_alone(self, work: Callable[[Run], T]) -> T:
        """Write; when somebody else stored one of these keys in between, look again: theirs is taken then."""
        for _ in range(RACES):
            try:
                return self.engine.write(work)
            except ProvgraphError as error:
                if error.code != "key_taken":
                    raise
        return self.engine.write(work)

    def _existing(self, run: Run, lineage_keys: list[str]) -> dict[str, Mapping[str, Any]]:
        if not lineage_keys:
            return {}
        statement = statements.load("queries/entities_by_lineage_key")
        rows = run(statement, keys=lineage_keys, project=self.context.project)
        found: dict[str, Mapping[str, Any]] = {}
        for row in rows:  # the newest repeat comes first
            found.setdefault(row["properties"]["lineage_key"], row["properties"])
        return found

    @staticmethod
    def _said(
        run: Run, batch: Batch, found: Mapping[str, Mapping[str, Any]], identities: Mapping[int, str]
    ) -> set[str]:
        """Ids of the statements of a batch that need not be made: what they are to be said once about has it already."""
        about = {n.note_id: identities.get(id(o), o.object_id) for n, o in batch.once
                 if o.is_stored or o.lineage_key in found}  # fmt: skip
        if not about:
            return set()
        last: dict[tuple[str, str], str] = {}
        for row in run(statements.load("queries/notes_about"), ids=sorted(set(about.values()))):  # the oldest first
            last[row["about"], row["kind"]] = row["value"]
        return {n.note_id for n, _ in batch.once if last.get((about.get(n.note_id, ""), n.kind)) == n.value}

    @staticmethod
    def _stored_id(one: DBObject, found: Mapping[str, Mapping[str, Any]], by_key: Mapping[str, DBObject]) -> str:
        if one.lineage_key in found:
            return str(found[one.lineage_key]["object_id"])
        return by_key[one.lineage_key].object_id if one.lineage_key else one.object_id

    def _properties(self, one: DBObject, recorded: str) -> dict[str, Any]:
        cls = type(one)
        # What has no key must not have an empty one: the served engine would take two of them for twins.
        key = {"lineage_key": one.lineage_key} if one.lineage_key else {}
        return {
            "object_id": one.object_id, "identity": one.identity, "version": one.version,
            "class_name": cls.__name__, "class_version": cls.class_version,
            **key, "repeat": one.repeat, "created": recorded,
            "creator": self.context.agent.agent_id, "project": self.context.project,
            **one.descriptors(), **one.index_values(),
        }  # fmt: skip

    def _edges(self, batch: Batch, created: list[DBObject], identities: Mapping[int, str]) -> _Edges:
        """All edges of the batch, as rows by the kinds of their ends."""
        edges: _Edges = defaultdict(list)

        def key_of(end: Any) -> str:
            if isinstance(end, DBObject):
                return identities.get(id(end), end.object_id)
            if isinstance(end, Activity):
                return end.activity_id
            if isinstance(end, Agent):
                return end.agent_id
            if isinstance(end, Note):
                return end.note_id
            return end.object_id if isinstance(end, Reference) else str(end)

        for one in created:
            for role, index, target in one.dependencies():
                edges[names.WAS_DERIVED_FROM, ""].append(
                    (one.object_id, key_of(target), {"role": role, "index": index})
                )
            if one._revised is not None:
                edges[names.WAS_DERIVED_FROM, ""].append(
                    (one.object_id, key_of(one._revised), {"role": names.REVISION_ROLE, "index": 0})
                )
            edges[names.WAS_ATTRIBUTED_TO, ""].append((one.object_id, self.context.agent.agent_id, {}))
            relation = names.PROVIDES if type(one).__name__ == "AttributeCalculatorDefinition" else names.INTRODUCES
            for name in one.index_values().get("introduces", ()):
                edges[relation, ""].append((one.object_id, name, {}))
            if isinstance(one, Segment):
                for origin in one.columns:
                    edges[names.HOLDS, ""].append((one.object_id, origin, {}))
        for relation, source, target, properties in batch.edges:
            kind = "note" if isinstance(source, Note) and relation == names.WAS_ATTRIBUTED_TO else ""
            edges[relation, kind].append((key_of(source), key_of(target), properties))
            if isinstance(source, Note) and relation == names.ABOUT:
                edges[names.WAS_ATTRIBUTED_TO, "note"].append((source.note_id, self.context.agent.agent_id, {}))
        return edges

    def _nodes(self, run: Run, batch: Batch, edges: _Edges) -> None:
        """Activities, notes, agents, columns and attribute names that the edges need."""
        if batch.activities:
            run(statements.load("queries/create_nodes", label="Activity"),
                rows=[{"properties": a.properties()} for a in batch.activities])  # fmt: skip
        noted = [s for _, s, _, _ in batch.edges if isinstance(s, Note)]
        if noted:
            run(statements.load("queries/create_nodes", label="Note"),
                rows=[{"properties": n.properties()} for n in {n.note_id: n for n in noted}.values()])  # fmt: skip
        agents = {a.agent_id: a for a in (self.context.agent, *(
            end for _, s, t, _ in batch.edges for end in (s, t) if isinstance(end, Agent)))}  # fmt: skip
        _merge(run, "Agent", "agent_id", {k: a.properties() for k, a in agents.items()})
        _merge(run, "Column", "origin_key", {t: {} for _, t, _ in edges[names.HOLDS, ""]})
        attribute_names = (*edges[names.INTRODUCES, ""], *edges[names.PROVIDES, ""])
        _merge(run, "AttributeName", "name", {t: {} for _, t, _ in attribute_names})

    @staticmethod
    def _write_edges(run: Run, edges: _Edges) -> None:
        for (relation, kind), rows in edges.items():
            if not rows:
                continue
            (source_label, source_key), (target_label, target_key) = RELATIONS[relation, kind]
            statement = statements.load(
                "queries/create_edges", relation=relation, source_label=source_label, source_key=source_key,
                target_label=target_label, target_key=target_key,
            )  # fmt: skip
            done = run(statement, rows=[{"source": s, "target": t, "properties": p} for s, t, p in rows])
            if done[0]["written"] != len(rows):
                missing = f"{done[0]['written']} of {len(rows)} {relation} edges could be written"
                raise ProvgraphError(f"A dependency is not in the graph: {missing}.", code="dependency_missing")

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(
        self, query: str, /, slots: Mapping[str, str | int] | None = None, **parameters: Any
    ) -> list[dict[str, Any]]:
        """Rows of a query whose ``properties``, where it has them, the context may see."""
        rows = self.engine.read(statements.load(f"queries/{query}", **(slots or {})), **parameters)
        if rows and "properties" in rows[0]:
            seen = {id(p) for p in self.policy.visible(self.context, [r["properties"] for r in rows])}
            return [r for r in rows if id(r["properties"]) in seen]
        return rows

    def get(self, object_id: str) -> DBObject:
        """The object of this id."""
        return self.many([object_id])[0]

    def many(self, object_ids: Sequence[str]) -> list[DBObject]:
        """The objects of these ids, in two statements."""
        missing = [i for i in dict.fromkeys(object_ids) if i not in self._known]
        found: dict[str, DBObject] = {}
        if missing:
            rows = self.read("entities_by_id", ids=missing)
            found = {o.object_id: o for o in self.restore([r["properties"] for r in rows])}
        objects = [found.get(i) or self._known.get(i) for i in object_ids]
        for object_id, one in zip(object_ids, objects, strict=True):
            if one is None:
                raise NotFound(f"There is no object {object_id} in this survey.", object_id=object_id)
        return [o for o in objects if o is not None]

    def lineage(self, roots: Sequence[str], *, up: int, down: int, limit: int) -> Lineage:
        """`traverse`, as far as the context may see; what it may not counts as left out."""
        found = traverse(self.engine, roots, up=up, down=down, limit=limit)
        seen = {id(p) for p in self.policy.visible(self.context, [n.properties for n in found.nodes])}
        nodes = tuple(n for n in found.nodes if id(n.properties) in seen)
        if len(nodes) == len(found.nodes):
            return found
        ids = {n.id for n in nodes}
        edges = tuple(e for e in found.edges if e.source in ids and e.target in ids)
        hidden = len(found.nodes) - len(nodes)
        return replace(found, nodes=nodes, edges=edges, complete=False, truncated=found.truncated + hidden)

    def existing(self, objects: Sequence[DBObject]) -> dict[str, Mapping[str, Any]]:
        """Graph properties, by lineage key, of those objects that the project has already."""
        wanted = [o.lineage_key for o in objects if o.lineage_key]
        found: dict[str, Mapping[str, Any]] = {}
        if wanted:
            for row in self.read("entities_by_lineage_key", keys=wanted, project=self.context.project):
                found.setdefault(row["properties"]["lineage_key"], row["properties"])
        return found

    def restore(self, found: Iterable[Mapping[str, Any]]) -> list[DBObject]:
        """Objects from their graph properties; links are read in one statement, linked objects when looked at."""
        rows = list({p["object_id"]: p for p in found}.values())
        # Held on to: what nobody else refers to could go while links are read, and would come back without them.
        held = {p["object_id"]: self._known.get(p["object_id"]) for p in rows}
        fresh = [i for i, one in held.items() if one is None]
        links: dict[str, dict[str, list[Reference]]] = defaultdict(lambda: defaultdict(list))
        if fresh:
            for row in self.engine.read(statements.load("queries/links_of"), ids=fresh):
                links[row["source"]][row["role"]].append(Reference(row["target"], self.get))
        objects = []
        for properties in rows:
            one = held[properties["object_id"]]
            if one is None:
                one = self._known.get(properties["object_id"])  # another thread was here meanwhile
            if one is None:
                cls = registry.get(properties["class_name"], DBObject)
                one = cls.restore(properties, links[properties["object_id"]], self.home)  # type: ignore[attr-defined]
                self._known[one.object_id] = one
            objects.append(one)
        return objects

    def cone(self, objects: Sequence[DBObject]) -> None:
        """Read everything `objects` are derived from, in one statement each and two more; then following links reads nothing.

        The caller holds on to the objects; their links then hold the rest.
        """
        stored: dict[str, DBObject] = {}
        fresh = list(objects)
        seen: set[int] = set()
        while fresh:  # what is not stored yet stands on what is
            one = fresh.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if one.is_stored:
                stored[one.object_id] = one
            else:
                fresh.extend(d for _, _, d in one.dependencies() if isinstance(d, DBObject))
        if not stored:
            return
        statement = statements.load("queries/cone", depth=DEEPEST)
        rows = [row for object_id in stored for row in self.engine.read(statement, id=object_id)]
        keep = self.many(list(dict.fromkeys(r["object_id"] for r in rows)))
        for one in (*keep, *stored.values()):
            for name in type(one).links:
                getattr(one, name, None)  # resolves References among what was just read


_Edges = defaultdict[tuple[str, str], list[tuple[str, str, dict[str, Any]]]]


def index_atoms(run: Run, objects: Sequence[DBObject]) -> None:
    """What the atoms mean that start at these collections, and which columns their criteria read."""
    found = {a: p for one in objects if isinstance(one, SourceCollection) for a, p in atoms.atoms_of(one)}
    if not found:
        return
    reads = [
        {"atom": atom, "origin": origin}
        for atom, properties in found.items() if properties["kind"] == atoms.CRITERION
        for origin in BoundCriterion.from_canonical(json.loads(properties["meaning"])).origins
    ]  # fmt: skip
    _merge(run, "SourceAtom", "atom", found)
    if reads:
        _merge(run, "Column", "origin_key", {r["origin"]: {} for r in reads})
        run(statements.load("queries/merge_reads"), rows=reads)


def _merge(run: Run, label: str, key: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    if rows:
        statement = statements.load("queries/merge_nodes", label=label, key=key)
        run(statement, rows=[{"key": k, "properties": dict(p)} for k, p in sorted(rows.items())])
