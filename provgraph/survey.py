"""Survey: the façade. One method a capability; the work is done elsewhere."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from provgraph import define, known_files
from provgraph import ingest as ingesting
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.intents import Intents
from provgraph.calculators import Limits
from provgraph.errors import FileUnclear, InvalidInput, NameTaken, NotFound, OperatorError, UsageError, a, nearest
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import AuditHook, Batch, Mapper
from provgraph.policy import Context, Policy
from provgraph.resolver import housekeeping, index, why
from provgraph.resolver.attributes import Resolver
from provgraph.resolver.checking import Check, check_calculator
from provgraph.resolver.coverage import all_data_stored
from provgraph.resolver.housekeeping import Forgotten, Held, Removable, Room
from provgraph.resolver.knowledge import Known
from provgraph.resolver.learning import batches, part_criteria
from provgraph.resolver.processor import Measured, TargetProcessor, segment_entity
from provgraph.resolver.pull import Pull
from provgraph.resolver.ranking import MOST_GENERAL, Ranking
from provgraph.resolver.related import related
from provgraph.resolver.relation import Relation, relation
from provgraph.resolver.request import Request
from provgraph.resolver.sources import select
from provgraph.resolver.status import INVALID, VALID, VALIDITY, Status, invalid, status
from provgraph.resolver.why import Why
from provgraph.rewrite.sets import Answer
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SPELLED, SourceCollection
from provgraph.schema.files import ExportedFile
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, External, SelectSources
from provgraph.schema.operators.pass_ import without_pass
from provgraph.schema.operators.select_sources import not_all_there
from provgraph.schema.properties import Reference
from provgraph.schema.relabelling import (
    EXPLICIT,
    NEW_IDENTIFIERS,
    Relabelling,
    is_injective,
    normalised,
    pairs_digest,
    shown,
)
from provgraph.schema.table import Column, Table
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
                 scratch: GraphEngine | None = None, memory: int | None = None,
                 calculator_limits: Limits = Limits()) -> None:  # fmt: skip
        self.directory = directory
        self.survey_id = survey_id
        self.engine = engine
        self.context = context or Context()
        self.store_ = Hdf5Store(directory / "segments")
        self.mapper = Mapper(engine, self.context, policy=policy, home=self, audit=audit)
        self.intents = Intents(directory / "spool")
        self.processor = TargetProcessor(
            self.mapper, self.store_, str(directory / "segments"), scratch, self.intents, memory
        )
        self.calculator_limits = calculator_limits
        self.ranking = MOST_GENERAL  # of the candidates of a pull that does not say another
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
               replaces: SourceCollection | str | None = None, progress: Progress | None = None,
               source_list: int | None = None, frames: Sequence[DBObject] = ()) -> External:  # fmt: skip
        """Make a Source Collection of a catalog file: FITS, VOTable, CSV, ECSV, IPAC, other text, Parquet, Arrow, HDF5.

        name : what to call it. id : column with the identifiers; without it the rows are numbered as attribute ``row``.
        id_space : catalogs that name the same sources alike share one; unless said a catalog is a space of its own.
        columns : which columns, all unless said. rename, units, ucds, descriptions : by column of the file.
        missing : by column, the value or values that mean "not measured". replaces : the version this one succeeds.
        source_list : the number (SLID) of the source list that the file is, which makes it a SourceListWrapper: `id` numbers its
        sources in the list (SID), and sources of different lists are different ones. frames : what they were measured on.

        Equal bytes with an equal declaration give the collection that is there already.
        """
        old = self[replaces] if isinstance(replaces, str) else replaces
        if old is not None and not isinstance(old, External):
            raise InvalidInput(f"{old.label} was not ingested, so no file can replace it.", code="not_ingested")
        if frames and source_list is None:
            raise InvalidInput("frames= are what a source list was measured on; say source_list= too.", code="usage")
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
            source_list,
            tuple(frames),
        )
        made = ingesting.ingest(
            self.mapper, self.store_, Path(path), declaration, intent=self.intents.declare,
            name=name or self._name(old), replaces=old, progress=progress,
            accept=lambda external: self._check_name(name, identity=external.identity, mine=external),
        )  # fmt: skip
        index.add(self.mapper, [made])
        self._names.clear()
        if name and self.name_of(made) != name:
            self.annotate(made, name=name)
        return made

    def define_calculator(
        self, name: str = "", *, requires: Iterable[str] = (), provides: Iterable[str] | str = (),
        expression: str | Mapping[str, str] = "", entry_point: str = "", model: str | Path = "",
        inputs: Mapping[str, str | Sequence[str]] | None = None, outputs: Mapping[str, str | Sequence[str]] | None = None,
        unit: str = "?", ucd: str = "", units: Mapping[str, str] | None = None, ucds: Mapping[str, str] | None = None,
        description: str = "", parameters: Mapping[str, float] | None = None,
        catalogs: Mapping[str, SourceCollection | str] | None = None, trained_on: SourceCollection | str | None = None,
        batch: int = 0, tolerance: float = 0.0,
    ) -> AttributeCalculatorDefinition:  # fmt: skip
        """Say how attributes are calculated from others, for any sources that have them (paper, Section 3.2).

        One of three says how. expression : in the language of criteria; several results as ``"x = ...; y = ..."``, or a dict.
        entry_point : a function of an installed package, by its name in the group ``provgraph.calculators``.
        model : an ONNX file; inputs, outputs : attributes by the model's own names, where it has several.

        name : of the definition, and of the attribute it provides unless `provides` says otherwise. requires : attributes it
        reads. unit, ucd : VOUnit and UCD of the results, or units, ucds by name. parameters : process parameters in place of
        defaults, such as ``{"H0": 67.4}``. catalogs : defaults of parameters that are whole collections. trained_on : what a
        model learned from. batch, tolerance : of a model, sources in each call, and relative error of its results.

        The same definition again is the same object; another one of this name is its next version.
        """
        self._check_name(name, identity=None, mine=None, only_form=True)
        wish = define.Wish(
            name, define.names(requires), define.names(provides), expression, entry_point, model, inputs, outputs, unit, ucd,
            units or {}, ucds or {}, description, parameters or {}, {k: self._one(c) for k, c in (catalogs or {}).items()},
            None if trained_on is None else self._one(trained_on), batch, tolerance,
        )  # fmt: skip
        with self.intents.declare():  # the file of a model is written before the graph knows of it
            definition = define.definition(wish, self.directory / "models")
            self._check_name(definition.name or " ", identity=None, mine=None, only_form=True)
            newest = self._newest_definition(definition.name)
            if newest is not None and newest.lineage_key != definition.lineage_key:
                definition.identity = newest.identity
                definition.version = newest.version + 1
                previous = newest
                definition._revised = Reference(newest.object_id, lambda _: previous)
            batched = Batch()
            batched.add(definition)
            self.mapper.write(batched)
        self._check_valid(definition)
        return definition

    def calculate(self, parent: SourceCollection, definition: AttributeCalculatorDefinition | str,
                  parameters: Mapping[str, float | SourceCollection] | None = None) -> AttributeCalculator:  # fmt: skip
        """A definition applied by hand to a collection, with numbers and whole collections as parameters; nothing is processed."""
        found = self.definition(definition) if isinstance(definition, str) else definition
        self._check_valid(found)
        return AttributeCalculator.of(parent, found, dict(parameters or {}))

    def check_calculator(self, definition: AttributeCalculatorDefinition | str, on: SourceCollection | str, *,
                         sample: int = 1000, seed: int = 0) -> Check:  # fmt: skip
        """Calculate some sources of `on` several times, in other orders, and alone: they must get the same values each time.

        Raises CalculatorError ``calculator_not_deterministic``, ``calculator_not_per_source``; nothing is stored.
        """
        found = self.definition(definition) if isinstance(definition, str) else definition
        return check_calculator(self.processor, found, self._one(on), sample=sample, seed=seed)

    def invalidate(self, definition: AttributeCalculatorDefinition | str, reason: str) -> AttributeCalculatorDefinition:
        """Declare a calculator wrong: no pull uses it any more; what was made with it stays, and says OUT_OF_DATE."""
        return self._declare(definition, INVALID, reason)

    def validate(self, definition: AttributeCalculatorDefinition | str, reason: str) -> AttributeCalculatorDefinition:
        """Take back `invalidate`."""
        return self._declare(definition, VALID, reason)

    def status(self, collection: SourceCollection | str) -> Status:
        """Whether a collection is still what would be made today, with reasons that name calculators and catalogs."""
        return status(self._one(collection), self.mapper)

    def select_sources(self, parent: SourceCollection | str, ids: Any, *, strict: bool = False) -> SelectSources:
        """The sources of `parent` with these identifiers; the list is kept. strict : all must be there."""
        import numpy as np

        from provgraph.bulk.sort import normalised_ids

        start = self[parent] if isinstance(parent, str) else parent
        listed = np.unique(normalised_ids(np.asarray(ids), name="ids"))
        _check_identifiers(start, listed)
        if strict:
            table, _ = self.process(start.select())
            absent = np.setdiff1d(listed, table.ids)
            if len(absent):
                raise not_all_there(absent, len(listed), start.label)
        info = self.store_.write(listed, {}, id_space=start.id_space)
        entity = segment_entity(info, "")
        try:
            made = SelectSources(parent=start, source_list=entity, sources_digest=info.id_digest, strict=strict)
            self.store(made)
        except BaseException:
            self.store_.delete(info.name)
            raise
        if made.source_list.file != info.name:
            self.store_.delete(info.name)
        return made

    def relabelling(self, from_: SourceCollection | str, to: SourceCollection | str, old: Any, new: Any) -> Relabelling:
        """Pairs of identifiers, kept: those of one id space and those of another; for `SourceCollection.relabel`.

        from_, to : id spaces, or collections whose id spaces are meant. old, new : identifiers, parallel; each old one once.
        """
        spaces = [s.id_space if isinstance(s, SourceCollection) else s for s in (from_, to)]
        ids, others = normalised(old, new)
        made = Relabelling(
            kind=EXPLICIT, from_space=spaces[0], to_space=spaces[1], pairs_digest=pairs_digest(ids, others),
            injective=is_injective(others),
        )  # fmt: skip
        known = self.mapper.existing([made])
        if known:
            (found,) = self.mapper.restore([known[made.lineage_key]])
            assert isinstance(found, Relabelling)
            return found
        with self.intents.declare():
            info = self.store_.write(ids, {NEW_IDENTIFIERS: Column(others)}, id_space=spaces[0])
            made.pairs = segment_entity(info, "")
            try:
                self.store(made)
            except Exception:  # after Ctrl-C it may be registered: the intent stays, and the next start looks
                self.store_.delete(info.name)
                raise
        return made

    def store(self, collection: DBObject, *, name: str = "") -> Any:
        """Store an object made by hand, with what it depends on; an equal one that is there already is taken instead."""
        collection = without_pass(collection)
        self._check_name(name, identity=None, mine=collection)
        batch = Batch()
        batch.add(collection)
        self._check_calculators(batch)
        if name:
            batch.note(collection, "name", name)
        if batch.objects or name:
            batch.indexing = index.prepare(self.mapper, batch.objects)
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

    # -- keeping house -------------------------------------------------------------------------------------------------

    def forget(self, collection: SourceCollection | str, *, dry_run: bool = False) -> Forgotten:
        """Drop the stored values that were derived for a collection; they are made again when they are asked for.

        dry_run : only say what would go, and what having it again costs.
        """
        one = self[collection] if isinstance(collection, str) else collection
        return housekeeping.forget(self.mapper, self.store_, one, dry_run=dry_run)

    def held(self) -> list[Held]:
        """The stored segments, what each is, and what it took to make."""
        return housekeeping.held(self.mapper)

    def du(self) -> list[Room]:
        """How much room each kind of thing takes, the largest first."""
        return housekeeping.rooms(self.mapper, self.store_, self.directory)

    def clean(self, *, dry_run: bool = True) -> list[Removable]:
        """Files that nothing needs; ``dry_run=False`` removes them."""
        return housekeeping.clean(self.mapper, self.store_, self.intents, self.directory, dry_run=dry_run)

    # -- asking ----------------------------------------------------------------------------------------------------

    def pull(self, start: SourceCollection | str, attributes: Sequence[str], *, where: str = "", name: str = "",
             create: bool = True, use: Mapping[str, DBObject | str] | None = None, avoid: Iterable[DBObject | str] = (),
             parameters: Mapping[str, Mapping[str, float | SourceCollection | str]] | None = None,
             ranking: Ranking | None = None) -> Pull:  # fmt: skip
        """Say what a catalog should contain; find or create every step, in its most general form (paper, Section 6).

        start : collection, or its name. attributes : names wanted. where : criterion for the sources.
        name : what to call the result. create : False resolves and explains, but stores nothing.
        use : by attribute, the collection to take it from, or the calculator to derive it by. avoid : collections and
        calculators not to use. parameters : by attribute or calculator, process parameters in place of defaults: numbers, and
        collections, or their names, where a whole catalog is meant. ranking : which of several candidates wins; its name and
        version are kept with the result.

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
        first = without_pass(self._one(start))
        assert isinstance(first, SourceCollection)
        request = Request(
            first, tuple(attributes), where, {n: self._overruling(one) for n, one in (use or {}).items()},
            tuple(self._overruling(one) for one in ([avoid] if isinstance(avoid, str | DBObject) else avoid)),
            self._process_params(parameters or {}),
        )  # fmt: skip
        resolver = Resolver(self.mapper, ranking or self.ranking, store=self.store_)
        resolution = resolver.pull(request)
        self._check_name(name, identity=None, mine=resolution.result)
        why.settle(resolution, self.mapper)
        if create:
            batch = Batch()
            batch.add(resolution.result)
            self._check_calculators(batch)
            about = self._notes_of(resolution.result)
            named = name and not any(n["kind"] == "name" and n["value"] == name for n in about)
            if named:
                batch.note(resolution.result, "name", name, once=True)
            if why.is_new(resolution, about):
                batch.note(resolution.result, why.PULLED, why.statement(resolution), once=True)
            if batch.objects or batch.edges:
                batch.indexing = index.prepare(self.mapper, batch.objects, resolver.known)
                self.mapper.write(batch)
                if named:
                    self._names.clear()
        return Pull(resolution, self.processor, self)

    def relation(self, a: SourceCollection | str, b: SourceCollection | str) -> Relation:
        """How the sources of two collections relate: `.subset`, `.superset`, `.equal`, `.disjoint`, `.because(question)`."""
        one, other = (self[x] if isinstance(x, str) else x for x in (a, b))
        return relation(self.mapper, self.store_, one, other)

    def why(self, collection: SourceCollection | str) -> Why:
        """Where a collection comes from: the pulls that led to it with their choices and reasons; and its status."""
        one = self[collection] if isinstance(collection, str) else collection
        pulls = why.pulls(self.mapper, one)
        overruling = self.mapper.many(why.spoken_of(pulls))
        called = {
            o.object_id: f"{o.name}@{o.version}" if isinstance(o, AttributeCalculatorDefinition)
            else self.name_of(o) or repr(o) for o in overruling
        }  # fmt: skip
        return Why(repr(one), self.status(one), pulls, called)

    def process(self, collection: SourceCollection, *, progress: Progress | None = None,
                trace: Callable[[Any], None] | None = None) -> tuple[Table, Measured]:  # fmt: skip
        """The catalog data of a collection as arrays, and what it took."""
        return self.processor.process(collection, progress=progress, trace=trace)

    def split(
        self, collection: SourceCollection | str, *, seed: int = 0, **fractions: float
    ) -> dict[str, SourceCollection]:
        """Provably disjoint parts by name, such as ``train=0.8, test=0.2``; the same sources for the same seed, for ever."""
        start = self[collection] if isinstance(collection, str) else collection
        parts = {}
        for part, criterion in part_criteria(start, fractions, seed).items():
            parts[part] = self.store(select(Resolver(self.mapper, store=self.store_), start, criterion))
        return parts

    def batches(self, collection: SourceCollection | str, columns: Sequence[str], size: int, *, seed: int | None = None,
                tensors: Literal["numpy", "torch"] = "numpy", last: bool = True) -> Iterator[dict[str, Any]]:  # fmt: skip
        """Values of `columns`, found or derived, for `size` sources at a time; see `resolver.learning.batches`."""
        return batches(self.pull(collection, columns).data(), columns, size, seed=seed, tensors=tensors, last=last)

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

    def all_data_stored(self, collection: SourceCollection | str) -> Answer:
        """Whether reading a collection would process nothing: YES, NO, or UNKNOWN. Nothing is processed to find out."""
        return all_data_stored(self.processor, self._one(collection))

    def identifiers(self, collection: SourceCollection | str) -> Any:
        """The identifiers of the sources, ascending: ndarray, int64 or text; only what decides them is processed."""
        from provgraph.schema.text import decode_text

        found = self.processor.identifiers(self._one(collection))
        return decode_text(found) if found.dtype.kind == "S" else found

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
            name=collection.name or type(collection).__name__, iri=collection.iri, description=description,
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

    def find(self, where: str = "", *, cls: Any = SourceCollection, limit: int = 1000,
             same_sources_as: SourceCollection | str | None = None, containing: SourceCollection | str | None = None,
             contained_in: SourceCollection | str | None = None) -> list[Any]:  # fmt: skip
        """Objects for which a criterion on their properties is true, newest first; all of them without one.

        where : in the language of criteria, such as ``"n_sources > 1000 and attribute = 'redshift'"``.
        cls : class, or its name; subclasses count. It says which properties there are.
        same_sources_as, containing, contained_in : only collections of which it is proved that their sources are those of this
        collection, are all of them and maybe more, or are some of them.

        Raises
        ------
        LanguageError : with the position; ``unknown_property`` names the nearest ones.
        """
        from provgraph.graph import queryable, select

        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise InvalidInput(f"limit is a number of objects, not {limit!r}.", code="limit_invalid")
        sets = self.sets_related(same_sources_as=same_sources_as, containing=containing, contained_in=contained_in)
        wanted = queryable.class_of(cls)
        if sets is not None and not issubclass(wanted, SourceCollection):
            raise UsageError(f"{wanted.__name__} has no sources; ask for Source Collections.", code="usage")
        return select.page(self.mapper, select.select(wanted, where, sets=sets), limit=limit)[0]

    def sets_related(self, **asked: SourceCollection | str | None) -> set[str] | None:
        """Keys of the sets of sources that provably relate to collections as `find` can ask; None where nothing is asked."""
        found: set[str] | None = None
        for question, reference in asked.items():
            if reference is not None:
                known = Known(self.mapper, self.store_)
                keys = set(related(self.mapper, known, self._one(reference), question))  # type: ignore[arg-type]
                found = keys if found is None else found & keys
        return found

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

    def notations(self, collections: Sequence[SourceCollection]) -> list[str]:
        """How collections are made, as `repr` says it; read for all of them together, in a few statements."""
        held: list[DBObject] = list(collections)
        level: list[DBObject] = list(collections)
        for _ in range(SPELLED):
            made = [one for one in level if one.is_stored]
            level = self.mapper.many(list(dict.fromkeys(d.object_id for one in made for _, _, d in one.dependencies())))
            held += level
            given = self.names_of([one.object_id for one in level])
            level = [one for one in level if isinstance(one, SourceCollection) and one.object_id not in given]
        self.names_of([one.object_id for one in held])
        found = [repr(one) for one in collections]
        del held  # kept until here, so that following links reads nothing
        return found

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

    def _one(self, thing: SourceCollection | str) -> SourceCollection:
        return self[thing] if isinstance(thing, str) else thing

    def _declare(
        self, thing: AttributeCalculatorDefinition | str, value: str, reason: str
    ) -> AttributeCalculatorDefinition:
        found = self.definition(thing) if isinstance(thing, str) else thing
        if not isinstance(found, AttributeCalculatorDefinition):
            raise InvalidInput("Only calculators are declared valid or invalid.", code="wrong_type")
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(
                "Say why; whoever meets what was made with it will read the reason.", code="reason_missing"
            )
        batch = Batch()
        batch.note(found, VALIDITY, value, reason=reason.strip())
        self.mapper.write(batch)
        return found

    def _check_valid(self, definition: AttributeCalculatorDefinition) -> None:
        reason = invalid(self.mapper, [definition]).get(definition.object_id)
        if reason is not None:
            raise InvalidInput(
                f"{definition.name}@{definition.version} was declared invalid: {reason}; define another one, or take that back "
                "with survey.validate().", code="calculator_invalidated", calculator=definition.object_id,
            )  # fmt: skip

    def _check_calculators(self, batch: Batch) -> None:
        """Nothing new is made with a definition that was declared invalid; what was made before is there."""
        new = [o for o in batch.objects if isinstance(o, AttributeCalculator)]
        wrong = invalid(self.mapper, [o.definition for o in new]) if new else {}
        known = self.mapper.existing(new) if wrong else {}
        for one in new:
            if one.definition.object_id in wrong and one.lineage_key not in known:
                self._check_valid(one.definition)

    def _process_params(self, parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Process parameters as a request has them: whole catalogs as collections."""
        wrong = next((name for name, values in parameters.items() if not isinstance(values, Mapping)), None)
        if wrong is not None:
            raise InvalidInput(
                f"parameters= is {{attribute or calculator: {{parameter: value}}}}, and {wrong!r} has {parameters[wrong]!r}.",
                code="parameter_invalid", name=wrong,
            )  # fmt: skip
        return {
            name: {k: self[v] if isinstance(v, str) else v for k, v in values.items()}
            for name, values in parameters.items()
        }

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

    def _notes_of(self, thing: DBObject) -> list[dict[str, Any]]:
        """Dated statements about what is stored as `thing`, oldest first; none where nothing is."""
        found = self.mapper.existing([thing])
        return self.mapper.read("notes_about", ids=[p["object_id"] for p in found.values()]) if found else []

    def _overruling(self, one: DBObject | str) -> DBObject:
        """What use= and avoid= speak of: a collection, or a calculator definition, also by name."""
        if isinstance(one, DBObject):
            return one
        name, _, version = one.partition("@")
        for definition in sorted(self.definitions(), key=lambda d: -d.version):
            if definition.name == name and version in ("", str(definition.version)):
                return definition
        found = self.get(one, files=False)
        if not isinstance(found, SourceCollection | AttributeCalculatorDefinition):
            raise NotFound(
                f"{one!r} is {a(type(found).__name__)}, neither a Source Collection nor a calculator.",
                code="not_a_collection",
            )
        return found

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


def _check_identifiers(start: SourceCollection, listed: Any) -> None:
    """Numbers never are the identifiers of sources that are named by text, nor the other way round."""
    for one in start.ancestry():
        if isinstance(one, External) and one.id_space == start.id_space and len(listed):
            text = one.attributes()[one.id_attribute].dtype == "U"
            if text != (listed.dtype.kind in "SU"):
                kinds = ("text", "numbers") if text else ("numbers", "text")
                raise OperatorError(
                    f"The sources of {start.label} have {kinds[0]} as identifiers, and {kinds[1]} are listed, {shown(listed[0])} "
                    "for one.", code="id_types_differ",
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
