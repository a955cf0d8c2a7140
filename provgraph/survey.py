"""Survey: the façade. One method a capability; the work is done elsewhere."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from provgraph import ingest as ingesting
from provgraph import known_files
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.intents import Intents
from provgraph.errors import FileUnclear, InvalidInput, NameTaken, NotFound, UsageError, a, nearest
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import AuditHook, Batch, Mapper
from provgraph.language.expression import Expression
from provgraph.language.ucd import checked_ucd
from provgraph.policy import Context, Policy
from provgraph.resolver.attributes import Resolver
from provgraph.resolver.processor import Measured, TargetProcessor, segment_entity
from provgraph.resolver.pull import Pull
from provgraph.resolver.request import Request
from provgraph.schema.calculator import AttributeCalculatorDefinition, parameter_value
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import ExportedFile
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, External, SelectSources
from provgraph.schema.properties import Reference
from provgraph.schema.table import Table
from provgraph.trace.activity import Recorder

_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_VERSIONED = re.compile(r"(.+)@([1-9]\d*)")
Progress = Callable[[float], None]
NAMES_SERVE = 0.5  # seconds: a list asks for its names at once, and then each for its own
_NO_NAME = ("", -math.inf)


class Survey:
    """One survey: its graph, its catalog values, and who uses it. Made by `provgraph.open`."""

    def __init__(self, directory: Path, survey_id: str, engine: GraphEngine, *, context: Context | None = None,
                 policy: Policy | None = None, audit: Sequence[AuditHook] = (),
                 scratch: GraphEngine | None = None) -> None:  # fmt: skip
        self.directory = directory
        self.survey_id = survey_id
        self.engine = engine
        self.context = context or Context()
        self.store_ = Hdf5Store(directory / "segments")
        self.mapper = Mapper(engine, self.context, policy=policy, home=self, audit=audit)
        self.intents = Intents(directory / "spool")
        self.processor = TargetProcessor(self.mapper, self.store_, str(directory / "segments"), scratch, self.intents)
        self._names: dict[str, tuple[str, float]] = {}  # by object id, with the time of asking

    def close(self) -> None:
        """Give up the graph and its locks; nothing acknowledged depends on it."""
        self.engine.close()

    def __enter__(self) -> Survey:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Survey {str(self.directory)!r} on {self.engine.name}>"

    # -- putting in ------------------------------------------------------------------------------------------------

    def ingest(self, path: str | Path, *, name: str = "", id: str | None = None, id_space: str = "",
               table: str | int | None = None, columns: Sequence[str] = (), rename: Mapping[str, str] | None = None,
               units: Mapping[str, str] | None = None, ucds: Mapping[str, str] | None = None,
               descriptions: Mapping[str, str] | None = None, missing: Mapping[str, Any] | None = None,
               replaces: SourceCollection | str | None = None, progress: Progress | None = None) -> External:  # fmt: skip
        """Make a Source Collection of a catalog file: FITS, VOTable, CSV, ECSV, IPAC, other text, Parquet, Arrow, HDF5.

        name : what to call it. id : column with the identifiers; without it the rows are numbered as attribute ``row``.
        id_space : catalogs that name the same sources alike share one; unless said a catalog is a space of its own.
        columns : which columns, all unless said. rename, units, ucds, descriptions : by column of the file.
        missing : by column, the value or values that mean "not measured". replaces : the version this one succeeds.

        Equal bytes with an equal declaration give the collection that is there already.
        """
        old = self[replaces] if isinstance(replaces, str) else replaces
        if old is not None and not isinstance(old, External):
            raise InvalidInput(f"{old.label} was not ingested, so no file can replace it.", code="not_ingested")
        declaration = ingesting.Declaration(
            id,
            id_space,
            table,
            tuple(columns),
            rename or {},
            units or {},
            ucds or {},
            descriptions or {},
            missing or {},
        )
        made = ingesting.ingest(
            self.mapper, self.store_, Path(path), declaration, intent=self.intents.declare,
            name=name or self._name(old), replaces=old, progress=progress,
            accept=lambda external: self._check_name(name, identity=external.identity, mine=external),
        )  # fmt: skip
        self._names.clear()
        if name and self.name_of(made) != name:
            self.annotate(made, name=name)
        return made

    def define_calculator(
        self, name: str, *, requires: Iterable[str], expression: str, unit: str = "?", ucd: str = "",
        description: str = "", parameters: Mapping[str, float] | None = None,
    ) -> AttributeCalculatorDefinition:  # fmt: skip
        """Say how an attribute is calculated from others, for any sources that have them (paper, Section 3.2).

        name : of the definition and of the attribute it provides. unit : VOUnit of the result.
        parameters : process parameters in place of the defaults of the functions used, such as ``{"H0": 67.4}``.

        The same definition again is the same object; another one of this name is its next version.
        """
        parsed = Expression.parse(expression)
        defaults = dict(parsed.parameters)
        for parameter, value in (parameters or {}).items():
            if parameter not in defaults:
                raise InvalidInput(
                    f"The expression of {name!r} takes no process parameter {parameter!r}; "
                    f"{nearest(parameter, defaults)}", code="unknown_parameter",
                )  # fmt: skip
            defaults[parameter] = parameter_value(name, parameter, value)
        self._check_name(name or " ", identity=None, mine=None, only_form=True)
        definition = AttributeCalculatorDefinition(
            name=name, requires=list(requires), provides=[name], expression=parsed.text,
            units=[ingesting.checked_unit(name, unit)], ucds=[checked_ucd(name, ucd)], description=description,
            parameter_names=list(defaults), parameter_values=list(defaults.values()),
        )  # fmt: skip
        newest = self._newest_definition(name)
        if newest is not None and newest.lineage_key != definition.lineage_key:
            definition.identity = newest.identity
            definition.version = newest.version + 1
            previous = newest
            definition._revised = Reference(newest.object_id, lambda _: previous)
        batch = Batch()
        batch.add(definition)
        self.mapper.write(batch)
        return definition

    def calculate(self, parent: SourceCollection, definition: AttributeCalculatorDefinition | str,
                  parameters: Mapping[str, float] | None = None) -> AttributeCalculator:  # fmt: skip
        """A definition applied by hand to a collection; nothing is processed or stored."""
        found = self.definition(definition) if isinstance(definition, str) else definition
        return AttributeCalculator.of(parent, found, dict(parameters or {}))

    def select_sources(self, parent: SourceCollection | str, ids: Any, *, strict: bool = False) -> SelectSources:
        """The sources of `parent` with these identifiers; the list is kept. strict : all must be there."""
        import numpy as np

        from provgraph.bulk.sort import normalised_ids

        start = self[parent] if isinstance(parent, str) else parent
        listed = np.unique(normalised_ids(np.asarray(ids), name="ids"))
        if strict:
            table, _ = self.process(start.select())
            absent = np.setdiff1d(listed, table.ids)
            if len(absent):
                raise InvalidInput(
                    f"{len(absent)} of {len(listed)} identifiers are not in {start.label}, {absent[0]!r} for one; "
                    "leave strict=False to select those that are.", code="identifiers_foreign",
                )  # fmt: skip
        info = self.store_.write(listed, {}, id_space=start.id_space)
        entity = segment_entity(info, "")
        made = SelectSources(parent=start, source_list=entity, sources_digest=info.id_digest, strict=strict)
        self.store(made)
        if made.source_list.file != info.name:
            self.store_.delete(info.name)
        return made

    def store(self, collection: DBObject, *, name: str = "") -> Any:
        """Store an object made by hand, with what it depends on; an equal one that is there already is taken instead."""
        self._check_name(name, identity=None, mine=collection)
        batch = Batch()
        batch.add(collection)
        if name:
            batch.note(collection, "name", name)
        if batch.objects or name:
            self.mapper.write(batch)
            self._names.clear()
        return collection

    def annotate(self, thing: SourceCollection | str, *, name: str = "", description: str = "",
                 tags: Iterable[str] = ()) -> SourceCollection:  # fmt: skip
        """Append dated statements about a collection; nothing of what is stored changes."""
        one = self[thing] if isinstance(thing, str) else thing
        self._check_name(name, identity=one.identity, mine=one)
        batch = Batch()
        for kind, values in (("name", [name]), ("description", [description]), ("tag", list(tags))):
            for value in values:
                if value:
                    batch.note(one, kind, value)
        if batch.edges:
            self.mapper.write(batch)
            self._names.clear()
        return one

    # -- asking ----------------------------------------------------------------------------------------------------

    def pull(self, start: SourceCollection | str, attributes: Sequence[str], *, where: str = "", name: str = "",
             create: bool = True) -> Pull:  # fmt: skip
        """Say what a catalog should contain; find or create every step, in its most general form (paper, Section 6).

        start : collection, or its name. attributes : names wanted. where : criterion for the sources.
        name : what to call the result. create : False resolves and explains, but stores nothing.

        Raises
        ------
        UnknownAttribute, CannotDerive : with the nearest names, or the tree of what was tried.
        LanguageError : a criterion that does not parse or bind.
        NameTaken : `name` belongs to something else.
        """
        if isinstance(attributes, str):
            attributes = [a.strip() for a in attributes.split(",")]
        attributes = list(attributes)
        _check_request(start, attributes, where, name)
        first = self[start] if isinstance(start, str) else start
        resolution = Resolver(self.mapper).pull(Request(first, tuple(attributes), where))
        created: frozenset[str] = frozenset()
        self._check_name(name, identity=None, mine=resolution.result)
        if create:
            batch = Batch()
            batch.add(resolution.result)
            named = name and not (self._known(resolution.result) and name in self._all_names(resolution.result))
            if named:
                batch.note(resolution.result, "name", name)
            if batch.objects or batch.edges:
                created = frozenset(o.object_id for o in self.mapper.write(batch))
                if named:
                    self._names.clear()
        return Pull(resolution, created, self.processor, self)

    def process(self, collection: SourceCollection, *, progress: Progress | None = None,
                trace: Callable[[Any], None] | None = None) -> tuple[Table, Measured]:  # fmt: skip
        """The catalog data of a collection as arrays, and what it took."""
        return self.processor.process(collection, progress=progress, trace=trace)

    def table(self, collection: SourceCollection | str) -> Any:
        """The catalog data as an astropy Table."""
        one = self[collection] if isinstance(collection, str) else collection
        return self.as_astropy(self.process(one)[0], one)

    def head(self, collection: SourceCollection, n: int = 5) -> Any:
        """The first `n` sources as an astropy Table."""
        table, _ = self.processor.process(collection, limit=n)
        return self.as_astropy(table, collection)

    def count(self, collection: SourceCollection) -> int:
        """The number of sources; only what decides it is processed."""
        return self.processor.count(collection)

    def describe(self, collection: SourceCollection) -> Any:
        """One row an attribute: unit, UCD, range and missing values, from the statistics of stored columns."""
        from provgraph.export.describe import describe

        return describe(collection, self.mapper)

    def as_astropy(self, table: Table, collection: SourceCollection) -> Any:
        from provgraph.export.tables import to_astropy

        return to_astropy(table, self.meta(collection))

    def meta(self, collection: SourceCollection) -> Any:
        """What a file of this collection says about itself."""
        from provgraph.export.tables import TableMeta

        notes = self._notes(collection)
        description = next((n["value"] for n in reversed(notes) if n["kind"] == "description"), "")
        return TableMeta(
            name=collection.label, iri=collection.iri, description=description,
            provenance={"survey": self.survey_id, "lineage_key": collection.lineage_key, "notation": repr(collection)},
        )  # fmt: skip

    def write(self, collection: SourceCollection, path: str | Path, *, table: Table | None = None) -> Path:
        """Write a collection to a table file; `lineage` of the file finds the collection again."""
        from provgraph.export.tables import write

        target = Path(path)
        self._check_target(target)
        recorder = Recorder("SourceCollection", "write", {"file": target.name})
        data = table if table is not None else self.process(collection)[0]
        write(data, self.meta(collection), target)
        file = ExportedFile(
            digest=ingesting.file_digest(target), name=target.name, size=target.stat().st_size,
            format=target.suffix.lstrip("."), collection=collection,
        )  # fmt: skip
        known_files.record(self.mapper, recorder, file, sources=len(data))
        return target

    def stream(self, collection: SourceCollection, format: str, *, name: str) -> Iterator[bytes]:
        """A collection as the bytes of a table file, to be sent as `name`; known like a written one once all are taken."""
        from provgraph.export.tables import stream

        table, _ = self.process(collection)
        chunks = stream(table, self.meta(collection), format)
        return known_files.sent(self.mapper, chunks, collection, name, sources=len(table))

    def lineage(self, thing: DBObject | Sequence[DBObject] | str | Path, *, up: int | None = None, down: int = 0,
                limit: int = 1000) -> Any:  # fmt: skip
        """Where something comes from and what came of it, as one W3C PROV graph: `.write("x.svg")`, `.text()`, ...

        thing : object or several, name, id, or a file that provgraph wrote or read. up, down : depth in entities;
        up=None: all.

        A file that was changed after it was written, or that has the bytes of several, shows what it was written from or
        all that it can be: `.unclear` of the answer is the error that says so, a `FileWarning` its sentence.
        """
        from provgraph.graph import lineage as lineages
        from provgraph.lineage import LineageView

        unclear = None
        try:
            roots = [one.object_id for one in self._things(thing)]
        except FileUnclear as error:
            unclear, roots = error, list(error.objects)
            warnings.warn(error.message, known_files.FileWarning, stacklevel=2)
        depth = lineages.DEEPEST if up is None else up
        found = self.mapper.lineage(roots, up=depth, down=down, limit=limit)
        return LineageView(found, self.names_of([n.id for n in found.nodes if n.kind == "entity"]), unclear)

    # -- finding -----------------------------------------------------------------------------------------------------

    def __getitem__(self, reference: str) -> SourceCollection:
        """A collection by name, ``name@version``, id or IRI."""
        one = self.get(reference)
        if not isinstance(one, SourceCollection):
            raise NotFound(
                f"{reference!r} is {a(type(one).__name__)}, not a Source Collection.", code="not_a_collection"
            )
        return one

    def find(self, where: str = "", *, cls: Any = SourceCollection, limit: int = 1000) -> list[Any]:
        """Objects for which a criterion on their properties is true, newest first; all of them without one.

        where : in the language of criteria, such as ``"n_sources > 1000 and attribute = 'redshift'"``.
        cls : class, or its name; subclasses count. It says which properties there are.

        Raises
        ------
        LanguageError : with the position; ``unknown_property`` names the nearest ones.
        """
        from provgraph.graph import queryable, select

        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise InvalidInput(f"limit is a number of objects, not {limit!r}.", code="limit_invalid")
        return select.page(self.mapper, select.select(queryable.class_of(cls), where), limit=limit)[0]

    def get(self, reference: str | Path, *, files: bool = True) -> DBObject:
        """Any object by name, ``name@version``, id, IRI, or a file we wrote or read.

        files : False where the reference comes from outside: whether a file exists here is nobody's business there.
        """
        text = str(reference)
        match = _UUID.fullmatch(text)
        if match:
            return self.mapper.get(match[1])
        for query, version in ((text, 0), *(((m[1], int(m[2])),) if (m := _VERSIONED.fullmatch(text)) else ())):
            found = self._by_name(query, version)
            if found is not None:
                return found
        path = Path(text)
        if files and path.is_file():
            return self._by_file(path)
        known = [r["value"] for r in self.mapper.read("names_given", limit=10_000)]
        raise NotFound(f"There is nothing called {text!r} in this survey; {nearest(text, known)}", name=text)

    def definition(self, reference: str) -> AttributeCalculatorDefinition:
        """A calculator definition by name (its newest version), ``name@version``, id or IRI."""
        match = _UUID.fullmatch(reference)
        if match:
            one = self.mapper.get(match[1])
            if isinstance(one, AttributeCalculatorDefinition):
                return one
            raise NotFound(f"{reference} is {a(type(one).__name__)}, not a calculator definition.")
        versioned = _VERSIONED.fullmatch(reference)
        name, version = (versioned[1], int(versioned[2])) if versioned else (reference, 0)
        found = [d for d in self.definitions() if d.name == name and version in (0, d.version)]
        if not found:
            known = [d.name for d in self.definitions()]
            raise NotFound(f"There is no calculator {reference!r}; {nearest(name, known)}", name=reference)
        return max(found, key=lambda d: d.version)

    def definitions(self) -> list[AttributeCalculatorDefinition]:
        """All calculator definitions, newest first."""
        return self._of_class(AttributeCalculatorDefinition, 10_000)

    def collections(self, limit: int = 1000) -> list[SourceCollection]:
        """Source Collections, newest first."""
        return self._of_class(SourceCollection, limit)

    def versions(self, thing: DBObject) -> list[DBObject]:
        """All versions of a thing, newest first."""
        rows = self.mapper.read("versions_of", identities=[thing.identity])
        return self.mapper.restore([r["properties"] for r in rows])

    def name_of(self, thing: DBObject) -> str:
        """The newest name given to an object, or to its thing; '' when it has none."""
        return self.names_of([thing.object_id]).get(thing.object_id, "")

    def names_of(self, object_ids: Sequence[str]) -> dict[str, str]:
        """Newest names by object id, in one statement. Others may give names too, so an answer serves only for a moment."""
        now = monotonic()
        missing = [i for i in object_ids if now - self._names.get(i, _NO_NAME)[1] > NAMES_SERVE]
        if missing:
            found = dict.fromkeys(missing, "")
            rows = self.mapper.read("notes_about", ids=missing)
            found |= {row["about"]: row["value"] for row in rows if row["kind"] == "name"}
            self._names |= {i: (name, now) for i, name in found.items()}
        return {i: name for i in object_ids if (name := self._names.get(i, _NO_NAME)[0])}

    def notes(self, thing: DBObject) -> list[dict[str, Any]]:
        """Dated statements about an object, oldest first."""
        return self._notes(thing)

    def __contains__(self, reference: object) -> bool:
        """Whether something is found by this name, ``name@version``, id or IRI."""
        try:
            return isinstance(reference, str) and self.get(reference, files=False) is not None
        except NotFound:
            return False

    def __iter__(self) -> Iterator[SourceCollection]:
        """Source Collections, newest first."""
        return iter(self.collections())

    # -- inside --------------------------------------------------------------------------------------------------------

    def _of_class(self, cls: Any, limit: int) -> list[Any]:
        from provgraph.graph import statements

        statements.declare(cls.__name__)
        statement = statements.load("queries/entities_of_class", label=cls.__name__)
        rows = self.engine.read(statement, before="9999", limit=limit)
        visible = self.mapper.policy.visible(self.context, [r["properties"] for r in rows])
        return self.mapper.restore(visible)

    def _by_name(self, name: str, version: int) -> DBObject | None:
        rows = self.mapper.read("entities_by_name", name=name)
        if not rows:
            return None
        rows = self.mapper.read("versions_of", identities=[rows[0]["properties"]["identity"]])
        found = [r["properties"] for r in rows if version in (0, r["properties"]["version"])]
        if not found:
            versions = ", ".join(str(r["properties"]["version"]) for r in rows)
            raise NotFound(f"{name!r} has no version {version}; it has {versions}.", name=name)
        return self.mapper.restore(found[:1])[0]

    def _things(self, thing: DBObject | Sequence[DBObject] | str | Path) -> Sequence[DBObject]:
        if isinstance(thing, str | Path):
            return [self.get(thing)]
        return [thing] if isinstance(thing, DBObject) else thing

    def _by_file(self, path: Path) -> DBObject:
        return known_files.identify(self.mapper, path, ingesting.file_digest(path), self.survey_id)

    def _newest_definition(self, name: str) -> AttributeCalculatorDefinition | None:
        found = [d for d in self.definitions() if d.name == name]
        return max(found, key=lambda d: d.version, default=None)

    def _notes(self, thing: DBObject) -> list[dict[str, Any]]:
        return self.mapper.read("notes_about", ids=[thing.object_id])

    def _check_target(self, target: Path) -> None:
        """A file that was ingested is somebody's original: nothing is written over it."""
        if target.is_file():
            rows = self.mapper.read("files_by_digest", digest=ingesting.file_digest(target))
            if any(r["properties"]["class_name"] == "DataFile" for r in rows):
                raise InvalidInput(
                    f"{target} is a catalog that this survey has ingested; write to another file.",
                    code="file_ingested",
                    path=str(target),
                )

    def _name(self, thing: DBObject | None) -> str:
        return self.name_of(thing) if thing is not None else ""

    def _known(self, thing: DBObject) -> bool:
        return bool(self.mapper.existing([thing]))

    def _all_names(self, thing: DBObject) -> set[str]:
        found = self.mapper.existing([thing])
        ids = [p["object_id"] for p in found.values()]
        return {r["value"] for r in self.mapper.read("notes_about", ids=ids) if r["kind"] == "name"}

    def _check_name(self, name: str, *, identity: str | None, mine: DBObject | None, only_form: bool = False) -> None:
        """A name in use by something that is not a version of the same thing cannot be given."""
        if not isinstance(name, str):
            raise InvalidInput(f"A name is text, not {name!r}.", code="name_invalid")
        if not name:
            return
        if not name.strip() or name != name.strip():
            raise UsageError(f"{name!r} cannot be a name: it begins or ends with a space.", code="name_invalid")
        if _UUID.fullmatch(name) or _VERSIONED.fullmatch(name):
            raise UsageError(f"{name!r} cannot be a name: it reads as an id or as a version.", code="name_invalid")
        for row in () if only_form else self.mapper.read("entities_by_name", name=name):
            bearer = row["properties"]
            same = identity is not None and bearer["identity"] == identity
            same = same or (
                mine is not None and bool(mine.lineage_key) and bearer.get("lineage_key") == mine.lineage_key
            )
            if not same:
                raise NameTaken(
                    f"{name!r} is already the name of {a(bearer['class_name'])} made {bearer['created'][:10]}; choose another"
                    f"{', or say replaces= when this is a new version of it' if isinstance(mine, External) else ''}.", name=name,
                )  # fmt: skip


def _check_request(start: Any, attributes: Sequence[Any], where: Any, name: Any) -> None:
    """What a pull is asked with, before anything is looked up."""
    if not isinstance(start, str | SourceCollection):
        raise InvalidInput(
            f"A pull starts from a Source Collection or its name, not from {start!r}.", code="start_invalid"
        )
    wrong = next((a for a in attributes if not isinstance(a, str)), None)
    if wrong is not None:
        raise InvalidInput(f"Attributes are asked for by name, not by {wrong!r}.", code="attributes_invalid")
    if not attributes:
        raise InvalidInput(
            "A pull names the attributes that its catalog should have, at least one.", code="attributes_missing"
        )
    for what, value in (("A criterion", where), ("A name", name)):
        if not isinstance(value, str):
            raise InvalidInput(f"{what} is text, not {value!r}.", code="wrong_type")
