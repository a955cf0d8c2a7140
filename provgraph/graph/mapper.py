"""Objects to nodes and edges, and back. The only writer of records; tells the audit what was written."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from provgraph import names
from provgraph.errors import InvalidInput, NotFound, ProvgraphError
from provgraph.graph import indexes, records, statements
from provgraph.graph.classes import Classes
from provgraph.graph.engine import EdgeRow, GraphEngine, NodeRow, Run
from provgraph.graph.lineage import Lineage, traverse
from provgraph.graph.records import Edges
from provgraph.graph.together import bind
from provgraph.graph.walk import Terms, walk
from provgraph.policy import AllowAll, Context, Policy
from provgraph.schema import keys
from provgraph.schema.agents import RELATIONS, Activity, Agent, Note
from provgraph.schema.files import ClassVersion, Segment
from provgraph.schema.forms import form_of, is_of_author
from provgraph.schema.meta import class_called, of_now
from provgraph.schema.objects import DBObject
from provgraph.schema.operators.pass_ import without_pass
from provgraph.schema.properties import Reference
from provgraph.schema.stand_in import stand_in

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
    edge_properties: tuple[Mapping[str, Any], ...] = ()  # of each of `edges`


AuditHook = Callable[[Written], None]


class Entry(Protocol):
    """One write, before it is committed."""

    def intend(self, written: Written) -> None: ...
    def add(self, record: Mapping[str, Any]) -> None: ...


class Ledger(Protocol):
    """Is told of every write before the graph commits it, and that it did, or did not."""

    def entry(self) -> AbstractContextManager[Entry]: ...


@dataclass
class Batch:
    """Records that become stored together, or not at all."""

    objects: list[DBObject] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    edges: list[tuple[str, Any, Any, dict[str, Any]]] = field(default_factory=list)
    once: list[tuple[Note, DBObject]] = field(default_factory=list)
    tombstones: list[DBObject] = field(default_factory=list)  # what is deleted; the notes say so
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


@dataclass
class _Wanted:
    """A batch with the versions of its classes; by_key : the first object of it with each lineage key."""

    batch: Batch
    versions: list[ClassVersion]
    by_key: dict[str, DBObject]
    recorded: str


@dataclass
class _New:
    """What of a batch is not there yet; found : what is, by lineage key. properties : of its objects, by id()."""

    batch: Batch
    found: Mapping[str, Mapping[str, Any]]
    objects: list[DBObject]
    properties: dict[int, dict[str, Any]]
    edges: Edges


class Mapper:
    """Reads and writes the objects of one survey in the name of a context."""

    def __init__(self, engine: GraphEngine, context: Context, *, policy: Policy | None = None,
                 home: Any = None, audit: Sequence[AuditHook] = ()) -> None:  # fmt: skip
        self.engine = engine
        self.context = context
        self.policy = policy or AllowAll()
        self.audit = tuple(audit)
        self.ledger: Ledger | None = None
        self.home = home
        self.classes = Classes(self)
        self._known: weakref.WeakValueDictionary[str, DBObject] = weakref.WeakValueDictionary()

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, batch: Batch) -> list[DBObject]:
        """Store a batch in one transaction; returns the objects that are new.

        What has the lineage key of something stored becomes that object.

        Idempotent, so it may be retried; under concurrency the uniqueness of (project, lineage_key, repeat) on the
        served engine, or the write lock of the embedded one, makes twins impossible.
        """
        wanted = self._wanted(batch)

        def work(run: Run) -> tuple[_New, Written]:
            new = self._new(wanted, run)
            self._nodes(run, new.batch, new.edges)
            left = records.create(
                run, self.context.agent.agent_id, ((o, new.properties[id(o)]) for o in new.objects), new.edges
            )
            records.index_atoms(run, new.objects)
            if new.batch.indexing is not None:
                new.batch.indexing(run)
            records.write_edges(run, left)
            if new.batch.tombstones:
                run(statements.load("queries/bury"), ids=[o.object_id for o in new.batch.tombstones])
            written = self._written(wanted, new)
            if entry is not None:
                entry.intend(written)
            return new, written

        with self._entry() as entry:
            new, written = self._until_alone(work)
        return self._stored(wanted, new, written)

    def load(self, batch: Batch) -> list[DBObject]:
        """Store a batch by the engine's bulk loader, all of it or nothing; returns the objects that are new.

        Faster than transactions for many new objects. Not for what has an index of its own, such as Source Collections.
        What has a key is looked up before, outside of what the loader writes: of two processes that load the same things at the
        same time, both may store them on the embedded engine, where no constraint forbids that.
        """
        wanted = self._wanted(batch)
        new = self._new(wanted, self.engine.read)
        notes = {s.note_id: s for _, s, _, _ in new.batch.edges if isinstance(s, Note)}
        nodes = [NodeRow(type(o).labels, new.properties[id(o)]) for o in new.objects]
        nodes += [NodeRow(("Activity",), a.properties()) for a in new.batch.activities]
        nodes += [NodeRow(("Note",), n.properties()) for n in notes.values()]
        ends = (
            EdgeRow((RELATIONS[kind][0][0], source), (RELATIONS[kind][1][0], target), kind[0], properties)
            for kind, some in new.edges.items() for source, target, properties in some
        )  # fmt: skip
        statements.declare(*(label for n in nodes for label in n.labels))
        agents = replace(new.batch, activities=[], edges=[e for e in new.batch.edges if not isinstance(e[1], Note)])
        written = self._written(wanted, new)
        with self._entry() as entry:
            if entry is not None:
                entry.intend(written)
            self.engine.write(lambda run: self._nodes(run, agents, defaultdict(list)))
            self.engine.load(nodes, ends)
        return self._stored(wanted, new, written)

    def _wanted(self, batch: Batch) -> _Wanted:
        indexes.prepare(self.engine, {type(o) for o in batch.objects})
        versions = self.classes.unrecorded(batch.objects)
        batch = replace(batch, objects=[*versions, *batch.objects])
        by_key: dict[str, DBObject] = {}
        for one in batch.objects:
            if one.lineage_key:
                by_key.setdefault(one.lineage_key, one)
        return _Wanted(batch, versions, by_key, keys.now())

    def _new(self, wanted: _Wanted, run: Run) -> _New:
        """What of a batch is to be written, after a look at what is there."""
        by_key = wanted.by_key
        found = self._living(self._existing(run, list(by_key)), by_key)
        identities = {id(o): self._stored_id(o, found, by_key) for o in wanted.batch.objects}
        batch = wanted.batch.without(self._said(run, wanted.batch, found, identities))
        objects = [
            o for o in batch.objects
            if not (o.lineage_key and (o.lineage_key in found or by_key[o.lineage_key] is not o))
        ]  # fmt: skip
        properties = {id(o): self._properties(o, wanted.recorded) for o in objects}
        self.policy.may_write(self.context, list(properties.values()))
        return _New(batch, found, objects, properties, self._edges(batch, objects, identities))

    def _stored(self, wanted: _Wanted, new: _New, written: Written) -> list[DBObject]:
        """After it was committed: the objects of a batch become what is stored of them; returns those that are new."""
        for one in wanted.batch.objects:
            properties = new.properties.get(id(one)) or new.found.get(one.lineage_key)
            if properties is None:  # a twin inside the batch
                properties = new.properties[id(wanted.by_key[one.lineage_key])]
            one.adopt(properties, self.home)
            self._known.setdefault(one.object_id, one)
        self.classes.stored(wanted.versions)
        for hook in self.audit:
            hook(written)
        beside = {id(v) for v in wanted.versions}
        return [o for o in new.objects if id(o) not in beside]

    def _entry(self) -> AbstractContextManager[Entry | None]:
        return nullcontext() if self.ledger is None else self.ledger.entry()

    def _written(self, wanted: _Wanted, new: _New) -> Written:
        return Written(
            self.context, wanted.recorded, tuple(new.properties.values()), tuple(a.properties() for a in new.batch.activities),
            tuple(s.properties() for _, s, _, _ in new.batch.edges if isinstance(s, Note)),
            tuple((r, str(s), str(t)) for (r, _), ends in new.edges.items() for s, t, _ in ends),
            tuple(p for ends in new.edges.values() for _, _, p in ends),
        )  # fmt: skip

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
    def _living(found: dict[str, Mapping[str, Any]], by_key: Mapping[str, DBObject]) -> dict[str, Mapping[str, Any]]:
        """Without those that gave up their key: what was deleted, and what is made once more, as the next repeat."""
        living = {}
        for key, properties in found.items():
            if properties.get("deleted"):
                by_key[key].repeat = properties["repeat"] + 1
            elif by_key[key].repeat <= properties["repeat"]:
                living[key] = properties
        return living

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
        form = {"class_form": form_of(cls).short} if is_of_author(cls) else {}
        return {
            "object_id": one.object_id, "identity": one.identity, "version": one.version,
            "class_name": cls.__name__, "class_version": cls.class_version,
            **form, **key, "repeat": one.repeat, "created": recorded,
            "creator": self.context.agent.agent_id, "project": self.context.project,
            **one.descriptors(), **one.index_values(),
        }  # fmt: skip

    def is_home_of(self, one: DBObject) -> bool:
        """Whether a stored object is of this survey."""
        mine, its = (getattr(home, "survey_id", None) for home in (self.home, one._home))
        return mine is None or its is None or mine == its

    def _edges(self, batch: Batch, created: list[DBObject], identities: Mapping[int, str]) -> Edges:
        """All edges of the batch, as rows by the kinds of their ends."""
        edges: Edges = defaultdict(list)

        def key_of(end: Any) -> str:
            if isinstance(end, DBObject):
                if end.is_stored and not self.is_home_of(end):
                    raise InvalidInput(
                        f"{type(end).__name__} {end.object_id} is stored in another survey ({end._home.directory}); "
                        "export it there and bring it here, or make this there.", code="other_survey", object_id=end.object_id,
                    )  # fmt: skip
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

    def _nodes(self, run: Run, batch: Batch, edges: Edges) -> None:
        """Activities, notes, agents, columns and attribute names that the edges need."""
        if batch.activities:
            records.in_chunks(run, statements.load("queries/create_nodes", label="Activity"),
                       [{"properties": a.properties()} for a in batch.activities])  # fmt: skip
        noted = [s for _, s, _, _ in batch.edges if isinstance(s, Note)]
        if noted:
            records.in_chunks(run, statements.load("queries/create_nodes", label="Note"),
                       [{"properties": n.properties()} for n in {n.note_id: n for n in noted}.values()])  # fmt: skip
        agents = {a.agent_id: a for a in (self.context.agent, *(
            end for _, s, t, _ in batch.edges for end in (s, t) if isinstance(end, Agent)))}  # fmt: skip
        records.merge(run, "Agent", "agent_id", {k: a.properties() for k, a in agents.items()})
        records.merge(run, "Column", "origin_key", {t: {} for _, t, _ in edges[names.HOLDS, ""]})
        attribute_names = (*edges[names.INTRODUCES, ""], *edges[names.PROVIDES, ""])
        records.merge(run, "AttributeName", "name", {t: {} for _, t, _ in attribute_names})

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
        """The objects of these ids, in one statement."""
        found = self.found(object_ids)
        objects = [found.get(i) for i in object_ids]
        for object_id, one in zip(object_ids, objects, strict=True):
            if one is None:
                raise NotFound(f"There is no object {object_id} in this survey.", object_id=object_id)
        return [o for o in objects if o is not None]

    def found(self, object_ids: Sequence[str]) -> dict[str, DBObject]:
        """The objects of these ids by id, in one statement, without those that are not there or that the context may not see."""
        held = {i: one for i in dict.fromkeys(object_ids) if (one := self._held(i)) is not None}
        missing = [i for i in dict.fromkeys(object_ids) if i not in held]
        if missing:
            rows = self.engine.read(statements.load("queries/objects_by_id"), ids=missing)
            held |= {o.object_id: o for o in self.with_links(rows)}
        if len(held) > len(missing):
            bind(list(held.values()), self.found, self.get)
        return held

    def with_links(self, rows: Sequence[Mapping[str, Any]]) -> list[DBObject]:
        """The objects of rows as ``queries/objects_by_id`` gives them that the context may see."""
        visible = self.policy.visible(self.context, [row["properties"] for row in rows])
        return self.restore(visible, {row["properties"]["object_id"]: row["links"] for row in rows})

    def _held(self, object_id: str) -> DBObject | None:
        """What was read before and is in use; not where its class was defined anew since."""
        one = self._known.get(object_id)
        return one if one is None or of_now(type(one)) is type(one) else None

    def lineage(self, roots: Sequence[str], *, up: int, down: int, limit: int) -> Lineage:
        """`traverse`, as far as the context may see; what it may not counts as left out."""
        return self._visible(traverse(self.engine, roots, up=up, down=down, limit=limit))

    def walk(self, roots: Sequence[str], terms: Terms, *, until: str = "") -> Lineage:
        """`walk`, as far as the context may see; what it may not counts as left out."""
        return self._visible(walk(self.engine, roots, terms, until=until))

    def _visible(self, found: Lineage) -> Lineage:
        seen = {id(p) for p in self.policy.visible(self.context, [n.properties for n in found.nodes])}
        nodes = tuple(n for n in found.nodes if id(n.properties) in seen)
        if len(nodes) == len(found.nodes):
            return found
        ids = {n.id for n in nodes}
        edges = tuple(e for e in found.edges if e.source in ids and e.target in ids)
        hidden = len(found.nodes) - len(nodes)
        levels = {id: level for id, level in found.levels.items() if id in ids}
        return replace(
            found, nodes=nodes, edges=edges, levels=levels, complete=False, truncated=found.truncated + hidden
        )

    def existing(self, objects: Sequence[DBObject]) -> dict[str, Mapping[str, Any]]:
        """Graph properties, by lineage key, of those objects that the project has already."""
        wanted = [o.lineage_key for o in objects if o.lineage_key]
        found: dict[str, Mapping[str, Any]] = {}
        if wanted:
            for row in self.read("entities_by_lineage_key", keys=wanted, project=self.context.project):
                if not row["properties"].get("deleted"):
                    found.setdefault(row["properties"]["lineage_key"], row["properties"])
        return found

    def restore(
        self, found: Iterable[Mapping[str, Any]], linked: Mapping[str, Sequence[Sequence[Any]]] | None = None
    ) -> list[DBObject]:
        """Objects from their graph properties; linked objects are read when one of them is looked at.

        linked : role, place and id of what each is linked to; without it they are read in one statement.
        """
        rows = list({p["object_id"]: p for p in found}.values())
        # Held on to: what nobody else refers to could go while links are read, and would come back without them.
        held = {p["object_id"]: self._held(p["object_id"]) for p in rows}
        fresh = [i for i, one in held.items() if one is None]
        links: dict[str, dict[str, list[Reference]]] = defaultdict(lambda: defaultdict(list))
        if fresh and linked is None:
            for row in self.engine.read(statements.load("queries/links_of"), ids=fresh):
                links[row["source"]][row["role"]].append(Reference(row["target"], self.get))
        elif linked is not None:
            for i in fresh:
                for role, _, target in sorted(linked[i], key=_place):
                    links[i][role].append(Reference(target, self.get))
        objects = []
        for properties in rows:
            one = held[properties["object_id"]]
            if one is None:
                one = self._held(properties["object_id"])  # another thread was here meanwhile
            if one is None:
                its = links[properties["object_id"]]
                cls = class_called(properties["class_name"]) or stand_in(properties, its)
                one = cls.restore(properties, its, self.home, self.classes.said(cls, properties))  # type: ignore[attr-defined]
                self._known[one.object_id] = one
            objects.append(one)
        bind(objects, self.found, self.get)
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


def _place(link: Sequence[Any]) -> tuple[str, int]:
    """Links in the order of their roles, and of their places in a list."""
    return link[0] or "", link[1] or 0
