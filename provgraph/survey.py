"""Survey: the façade. One method a capability; the work is done elsewhere."""

from __future__ import annotations

import math
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from provgraph import define, known_files, retrieval
from provgraph import ingest as ingesting
from provgraph.audit.audit import Audit
from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.intents import Intents
from provgraph.calculators import Limits
from provgraph.documents.library import ANCESTORS, Library, StoredDocument
from provgraph.errors import (
    FileUnclear,
    FileUnreadable,
    InvalidInput,
    NameTaken,
    NotFound,
    OperatorError,
    UsageError,
    a,
    nearest,
)
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import AuditHook, Batch, Mapper
from provgraph.names import OUT_OF_DATE
from provgraph.policy import Context, Policy
from provgraph.prov.constraints import Verdict
from provgraph.prov.model import Bundle, Document, Scope, as_document
from provgraph.query import Query
from provgraph.query import asked as asked_query
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
from provgraph.resolver.status import INVALID, VALID, VALIDITY, Status, invalid, statuses
from provgraph.resolver.why import Why
from provgraph.rewrite.sets import Answer
from provgraph.schema import calls
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SPELLED, SourceCollection
from provgraph.schema.files import ExportedFile
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.operators import AttributeCalculator, External, SelectSources
from provgraph.schema.operators.pass_ import without_pass
from provgraph.schema.operators.select_sources import not_all_there
from provgraph.schema.operators.source_list_wrapper import wrappers
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
from provgraph.schema.target import ProcessTarget, must_be_target
from provgraph.store.cache import Cache
from provgraph.store.files import FileStore
from provgraph.store.objects import ObjectFiles, Stated, file_of
from provgraph.store.places import CACHE, DEFAULT_PLACE
from provgraph.store.uses import DIRECTORY as USES
from provgraph.store.uses import Uses
from provgraph.targets.source_list import SourceList
from provgraph.trace import calls as traced
from provgraph.trace import parallel
from provgraph.trace.activity import Recorder
from provgraph.trace.calls import Tracer

_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_VERSIONED = re.compile(r"(.+)@([1-9]\d*)")
if TYPE_CHECKING:
    from provgraph.checks.report import Report
    from provgraph.checks.rules import Policy as ProvenancePolicy
    from provgraph.documents.embedded import Identified
    from provgraph.evolution import Difference
    from provgraph.export.redaction import Redaction
    from provgraph.graph.ways import Common, Ways
    from provgraph.schema.files import ClassVersion
    from provgraph.schema.operators import SourceListWrapper
    from provgraph.targets.choose import Specification
    from provgraph.targets.impact import Impact
    from provgraph.targets.make import Plan
    from provgraph.targets.recipe import Recipe
    from provgraph.targets.retention import Retention
    from provgraph.targets.usage import Usage
    from provgraph.targets.why import WhyTarget
    from provgraph.trace.tree import CallTree

Progress = Callable[[float], None]
AT_ONCE = 5000  # objects that are stored in one transaction
NAMES_SERVE = 0.5  # seconds: a list asks for its names at once, and then each for its own
_NO_NAME = ("", -math.inf)
ALL = 1_000_000  # objects of a class


class Survey:
    """One survey: its graph, its catalog values, and who uses it. Made by `provgraph.open`."""

    def __init__(self, directory: Path, survey_id: str, engine: GraphEngine, *, context: Context | None = None,
                 policy: Policy | None = None, audit: Sequence[AuditHook] = (),
                 scratch: GraphEngine | None = None, memory: int | None = None,
                 calculator_limits: Limits = Limits(), files: FileStore | None = None) -> None:  # fmt: skip
        self.directory = directory
        self.survey_id = survey_id
        self.engine = engine
        self.context = context or Context()
        self._entered = 0
        self.store_ = Hdf5Store(directory / "segments")
        self.mapper = Mapper(engine, self.context, policy=policy, home=self, audit=audit)
        self.intents = Intents(directory / "spool")
        self.files = files or FileStore.open([DEFAULT_PLACE], Cache(directory / CACHE), directory)
        self.uses = Uses(directory / USES)
        self.object_files = ObjectFiles(self.mapper, self.files, self.intents, self.uses, self._remake)
        self.audit = Audit(directory, survey_id, self.mapper, self.store_, self.object_files)
        self.processor = TargetProcessor(
            self.mapper, self.store_, str(directory / "segments"), scratch, self.intents, memory
        )
        self.calculator_limits = calculator_limits
        self.publication_policy: Path | None = None  # by which things are checked before they get an identifier
        self.ranking = MOST_GENERAL  # of the candidates of a pull that does not say another
        self._names: dict[str, tuple[str, float]] = {}  # by object id, with the time of asking
        self._moment = threading.local()  # while something slow is spelled, names are those of its beginning
        self.is_closed = False
        self.tracer = Tracer(self.mapper, directory / "spool")

    def close(self) -> None:
        """Write the calls that are not in the graph yet, and give up the graph and its locks."""
        if not self.is_closed:
            try:
                self.tracer.close()
            finally:
                self.is_closed = True
                self.uses.close()
                calls.leave(self)
                try:
                    self.audit.close()
                finally:
                    self.engine.close()

    def __enter__(self) -> Survey:
        """Inside, calls of persistent objects are recorded in this survey; the outermost block closes it."""
        parallel.install()
        self._entered += 1
        calls.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered -= 1
        if not self._entered:
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

    def wrap(self, source_list: SourceList | str, *, name: str = "") -> SourceListWrapper:
        """The Source Collection of a source list that was made: pulls start from it, and its lineage goes on through the list.

        Wrapping one again gives the same collection; that of the next version of a list is the next version of its collection.
        """
        from provgraph.targets.catalogs import wrap

        return wrap(self, self.get(source_list) if isinstance(source_list, str) else source_list, name)

    def source_list_number(self, source_list: SourceList) -> int:
        """A number (SLID) for a source list that has none: that of its other versions, or the next that nothing else has."""
        from provgraph.targets.catalogs import number_of

        return number_of(self, source_list)

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

    def invalidate(self, thing: DBObject | str, reason: str) -> Any:
        """Declare a calculator or any other object wrong: nothing new is made with it, and what was made stays OUT_OF_DATE."""
        return self._declare(thing, INVALID, reason)

    def validate(self, thing: DBObject | str, reason: str) -> Any:
        """Take back `invalidate`."""
        return self._declare(thing, VALID, reason)

    def status(self, thing: DBObject | str) -> Status:
        """Whether something is still what would be made today, and why not: `.up_to_date`, `.status`, `.reasons`.

        Of a process target: whether what it rests on, its process parameters and the code of its make() are what they were; of a
        Source Collection: whether it rests on calculators that were declared invalid, on source lists that are out of date, or on
        catalogs that have newer versions.
        """
        return self.statuses([self._object(thing)])[0]

    def statuses(self, things: Sequence[DBObject]) -> list[Status]:
        """`status` of each of some objects, read together."""
        from provgraph.targets.choose import Chooser
        from provgraph.targets.tree import Tree

        catalogs = [one for one in things if isinstance(one, SourceCollection)]
        told = dict(zip(map(id, catalogs), statuses(catalogs, self.mapper), strict=True)) if catalogs else {}
        lists = {id(one): [w.delivered for w in wrappers(one)] for one in catalogs}
        others = [one for one in things if one.is_stored and not isinstance(one, SourceCollection)]
        roots = [*others, *(o for some in lists.values() for o in some)]
        if roots:
            tree = Tree(
                self.mapper, list({o.object_id: o for o in roots}.values()), self.names_of, chooser=Chooser(self)
            )
            told |= {id(one): told[id(one)].also(tree.behind(lists[id(one)])) for one in catalogs}
            told |= {id(one): tree.status(one) for one in others}
        return [told[id(one)] if id(one) in told else self._unstored(one) for one in things]

    def _unstored(self, one: DBObject) -> Status:
        """Of a target that was specified, that of what was made of the same."""
        if not isinstance(one, DBObject):
            raise InvalidInput(
                f"{one!r} is no object of a survey, so it has no status; survey.get(...) gives one.", code="wrong_type"
            )
        if isinstance(one, ProcessTarget):
            (step,) = (s for s in self.plan(one).steps if s.one is one)
            if step.result is not None:
                return self.status(step.result)
        return Status(OUT_OF_DATE, ("it is not stored yet",))

    def plan(self, *targets: DBObject, force: bool = False) -> Plan:
        """What `make` would do for these targets, dependencies first, and why; nothing is made."""
        from provgraph.targets.make import Maker

        return Maker(self).plan([must_be_target(t) for t in targets], force=force)

    def make(self, *targets: DBObject, force: bool = False, as_recorded: bool = False, jobs: int = 1, keep_going: bool = False,
             progress: Progress | None = None) -> Any:  # fmt: skip
        """Make targets, and first what they rest on where that is out of date; or find what was made of the same before.

        One target gives one object, several a list. force : run make() of these again even where nothing changed. jobs : how many
        independent targets are made at once. keep_going : after a failure, make what does not depend on it. as_recorded : make
        stored targets once more from the versions and parameters, and by the code, that they were made with.

        Raises MakeFailed ``make_failed`` when a make() raises; that it failed is recorded, nothing else is stored of it.
        """
        from provgraph.targets.make import Maker

        parallel.install()
        with calls.using(self):
            maker = Maker(self, jobs=jobs, keep_going=keep_going, progress=progress)
            wanted = [must_be_target(t) for t in targets]
            made = [maker.rebuild(t) for t in wanted] if as_recorded else maker.make(wanted, force=force)
        return made[0] if len(targets) == 1 else made

    def target(self, cls: Any, **known: Any) -> Specification:
        """A target by specification: `.plan()`, `.make()`. What it is made from its class chooses, and it is made where none is.

        known : properties of the class, or of what it is made from, such as ``field="F12"``; ``date=`` is compared with the ranges
        ``valid_from``, ``valid_to`` of calibrations.
        """
        from provgraph.targets.choose import Specification

        return Specification(self, cls, known)

    def current(self, cls: Any, **known: Any) -> list[Any]:
        """The newest valid versions of all things of a class that agree with what is known, the newest last.

        known : as for `target`. It is what a class takes from that chooses for itself: ``def choose_raws(self, survey)``.
        """
        from provgraph.targets.choose import Chooser

        return Chooser(self).agreeing(cls, known)

    def recipe(self, thing: DBObject | str) -> Recipe:
        """The workflow that made an object, without what it was made of: `.write("x.json")`, `.run(raw=..., sigma=2.5)`."""
        from provgraph.targets.recipe_of import recipe_of

        return recipe_of(self, self._object(thing))

    def recipes(self, *, producing: Any) -> list[Recipe]:
        """The distinct recipes of all objects of a class, the most frequent first; `.times` is how many were made so."""
        from provgraph.targets.recipe_of import recipes_producing

        return recipes_producing(self, self.find(cls=producing, limit=ALL))

    def new_version(self, thing: DBObject, **changes: Any) -> Any:
        """A stored object with other values, as the next version of the same thing; the old one stays as it was.

        Raises
        ------
        UsageError : ``not_stored``. InvalidInput : ``not_newest`` where there is a newer version already.
        """
        from provgraph.versions import next_version

        calls.use(self)
        new = next_version(self.mapper, thing, changes)
        return self.store(new)

    def delete(self, thing: DBObject | str, *, reason: str = "") -> None:
        """Delete an object that nothing depends on; a tombstone stays, and what is made of the same later is a new object.

        Raises InvalidInput ``has_dependents`` with the list.
        """
        from provgraph.versions import delete

        delete(self.mapper, self._object(thing), reason)

    def calls(self, thing: DBObject) -> CallTree:
        """The calls that made an object, or were calls of its methods, with the calls below them: print it, or walk through it."""
        from provgraph.trace.tree import call_tree

        self.tracer.write()
        self.tracer.recover()
        return call_tree(self.mapper, thing)

    def made_by(self, code: DBObject | str) -> list[Any]:
        """What a version of code made, directly or in a call inside: a CodeVersion, or all versions of the function of this name.

        ``survey.made_by("MasterFlat.debias")``; the versions are ``survey.find("name = 'MasterFlat.debias'", cls="CodeVersion")``.
        Of a recipe, ``survey.made_by("recipe of Coadd")``, all that was made when it was followed.
        """
        self.tracer.write()
        versions: list[Any] = [code]
        if isinstance(code, str) and not _UUID.fullmatch(code):
            versions = [c for c in self.find(cls="CodeVersion") if c.name == code]
            if not versions:
                known = sorted({c.name for c in self.find(cls="CodeVersion")})
                raise NotFound(
                    f"No code called {code!r} was recorded; {nearest(code, known)}", code="code_unknown", name=code
                )
        elif isinstance(code, str):
            versions = [self.get(code)]
        query = {c.object_id: "made_by_recipe" if c.module == "recipe" else "made_by_code" for c in versions}
        ids = [r["object_id"] for i, q in query.items() for r in self.mapper.read(q, {"depth": 50}, id=i)]
        return self.mapper.many(list(dict.fromkeys(ids)))

    def store_batch(self, batch: Batch) -> None:
        """Write a batch, after the files of its data objects, and with what makes its collections found again."""
        with self._constructing(batch), self.object_files.put(batch):
            batch.indexing = self.object_files.naming(batch, index.prepare(self.mapper, batch.objects))
            self.mapper.write(batch)

    def select_sources(self, parent: SourceCollection | str, ids: Any, *, strict: bool = False) -> SelectSources:
        """The sources of `parent` with these identifiers; the list is kept. strict : all must be there."""
        import numpy as np

        from provgraph.bulk.sort import normalised_ids

        start = self._one(parent)
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

    def store(self, thing: Any, *, name: str = "", bulk: bool = False) -> Any:
        """Store an object made by hand, or many, with what they depend on; an equal one that is there already is taken instead.

        thing : an object, or several, of which a list is returned. Several are stored in transactions of 5,000.
        bulk : with the bulk loader of the graph, all of them or none; for a great many new objects without files.
        """
        if not isinstance(thing, DBObject):
            return self._store_many(thing, name, bulk)
        one = without_pass(thing)
        calls.use(self)
        self._check_name(name, identity=None, mine=one)
        batch = self._batch([one])
        if name:
            batch.note(one, "name", name)
        if batch.objects or name:
            self.store_batch(batch)
            self._names.clear()
        return one

    def _store_many(self, things: Any, name: str, bulk: bool) -> list[Any]:
        several = list(things) if isinstance(things, Iterable) and not isinstance(things, str) else [things]
        for one in several:
            if not isinstance(one, DBObject):
                what = "None" if one is None else a(type(one).__name__)
                raise InvalidInput(f"Only persistent objects are stored, not {what}.", code="not_persistent")
        if name:
            raise InvalidInput("A name belongs to one object; store that by itself.", code="usage")
        calls.use(self)
        objects = [without_pass(o) for o in several]
        if bulk:
            self._load(objects)
            return objects
        for n in range(0, len(objects), AT_ONCE):
            batch = self._batch(objects[n : n + AT_ONCE])
            if batch.objects:
                self.store_batch(batch)
        return objects

    def _load(self, objects: Sequence[DBObject]) -> None:
        batch = self._batch(objects)
        for one in batch.objects:
            if isinstance(one, SourceCollection) or (isinstance(one, DataObject) and one._attached):
                what = "Source Collections" if isinstance(one, SourceCollection) else "objects with files"
                raise InvalidInput(f"The bulk loader does not take {what}; store them without bulk=True.", code="usage")
        with self._constructing(batch):
            self.mapper.load(batch)

    def _batch(self, objects: Sequence[DBObject]) -> Batch:
        """Objects to be stored, and what they depend on; refused where one of them may not be."""
        batch = Batch()
        batch.add(*objects)
        self._check_calculators(batch)
        self._check_made(batch)
        return batch

    @contextmanager
    def _constructing(self, batch: Batch) -> Iterator[None]:
        """The calls in which the objects of a batch were constructed are written with it; where that fails, with the next one."""
        constructed = self.tracer.constructions(batch.objects)
        traced.add(batch, constructed, self.mapper)
        try:
            yield
        except BaseException:
            self.tracer.again(constructed)
            raise
        self.tracer.written(constructed)

    def annotate(self, thing: DBObject | str, *, name: str = "", description: str = "",
                 tags: Iterable[str] = (), identifier: str = "") -> Any:  # fmt: skip
        """Append dated statements about an object; nothing of what is stored changes.

        identifier : under which it was published, such as ``doi:10.5281/zenodo.1234``. Where there is a policy for
        publications (`publication_policy`), it is checked first: PolicyViolated ``policy_violated``, and nothing is stated.
        """
        one: Any = self.get(thing, files=False) if isinstance(thing, str) else thing
        self._check_name(name, identity=one.identity, mine=one)
        if not isinstance(identifier, str) or identifier != identifier.strip():
            raise InvalidInput(f"An identifier is text such as 'doi:10.5281/zenodo.1234', not {identifier!r}.",
                               code="identifier_invalid")  # fmt: skip
        if identifier and self.publication_policy is not None:
            from provgraph.checks.publication import before_publication

            before_publication(self, one, self.publication_policy)
        batch = Batch()
        for kind, values in (("name", [name]), ("description", [description]), ("tag", list(tags)),
                             ("identifier", [identifier])):  # fmt: skip
            for value in values:
                if value:
                    batch.note(one, kind, value)
        if batch.edges:
            self.mapper.write(batch)
            self._names.clear()
        return one

    def schema_diff(self) -> list[Difference]:
        """What differs between the persistent classes of which objects are stored, as they are recorded, and as they are here."""
        from provgraph import evolution

        return evolution.diff(self.mapper)

    def schema_migrate(self) -> list[ClassVersion]:
        """Record the classes that differ, as the next versions of them; returns these. No stored object changes."""
        from provgraph import evolution

        return evolution.migrate(self.mapper)

    # -- files of data objects -----------------------------------------------------------------------------------------

    def retrieve(self, thing: DBObject | str, to: str | os.PathLike[str] | None = None) -> Path:
        """A path here of the file of a data object, every byte verified, from the first place that has it; or the file `to`."""
        return self.object_files.retrieve(self._object(thing), to)

    def open_file(self, thing: DBObject | str) -> BinaryIO:
        """The file of a data object, verified and opened to read bytes."""
        return self.object_files.open(self._object(thing))

    def copy_files(self, things: DBObject | Iterable[DBObject], to: str | os.PathLike[str]) -> list[str]:
        """Keep the files of data objects at another place too: a directory, or an address such as ``s3://bucket/files``."""
        return self.object_files.copy([things] if isinstance(things, DBObject) else things, to)

    def locate(self, thing: DBObject, path: str | os.PathLike[str]) -> None:
        """State where the file of a data object is now, one that was left where it was and was moved; its bytes are compared."""
        self.object_files.locate(thing, path)

    def places(self, thing: DBObject) -> list[Stated]:
        """Where the file of a data object is said to be, with the dates of the statements, oldest first."""
        return self.object_files.places(self.object_files.file(thing))

    # -- keeping house -------------------------------------------------------------------------------------------------

    def forget(self, collection: SourceCollection | str, *, dry_run: bool = False) -> Forgotten:
        """Drop the stored values that were derived for a collection; they are made again when they are asked for.

        dry_run : only say what would go, and what having it again costs.
        """
        one = self._one(collection)
        return housekeeping.forget(self.mapper, self.store_, one, dry_run=dry_run)

    def held(self) -> list[Held]:
        """The stored segments, what each is, and what it took to make."""
        return housekeeping.held(self.mapper)

    def du(self) -> list[Room]:
        """How much room each kind of thing takes, the largest first."""
        kept, gone = self.library.raw.directory, self.library.left_over()
        return housekeeping.rooms(self.mapper, self.store_, self.directory, self.files, documents=[kept], unneeded=gone)

    def usage(self, cls: Any = None, *, by: Any = "", since: Any = "") -> Usage:
        """How often things were made, reused and delivered, and what that cost in time and bytes: a table, with `.rows`, `.plot`.

        Without a class there is a row for each class of process targets and data objects; with one, subclasses included, for each
        thing; with `by`, a property such as ``"ccd"`` or ``"raw.filter"``, for each value of it. since : a date.
        """
        from provgraph.targets.usage import usage

        self.tracer.write()
        return usage(self, cls, by=by, since=since)

    def retain(self, cls: Any = None, *, older_than: float | None = None, free: int | str | None = None) -> Retention:
        """What bytes could be dropped such that everything dropped can be made again: a plan, and `.apply()` drops them.

        Nodes, edges and digests stay, and `retrieve` makes the bytes again. cls : only of objects of this class. older_than : days
        in which they were neither made nor used. free : drop as little as frees so many bytes, the least time to remake first.
        """
        from provgraph.targets.retention import retain

        self.tracer.write()
        return retain(self, cls, older_than=older_than, free=free)

    def clean(self, *, dry_run: bool = True) -> list[Removable]:
        """Files that nothing needs; ``dry_run=False`` removes them."""
        found = housekeeping.clean(self.mapper, self.store_, self.intents, self.directory, self.files, dry_run=dry_run)
        return [*found, *(self.library.left_over() if dry_run else self.library.clean())]

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

    def why(self, thing: DBObject | str) -> Why | WhyTarget:
        """Why something is as it is, and its status.

        Of a collection, the pulls that led to it with their choices and reasons; of a target, what it was made from, what of that
        was chosen and what given, by which code, and what make would do.
        """
        one = self._object(thing)
        if not isinstance(one, SourceCollection):
            from provgraph.targets.why import why_target

            return why_target(self, one)
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
        start = self._one(collection)
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
        one = self._one(collection)
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
                limit: int = 1000, within: str = "", **terms: Any) -> Any:  # fmt: skip
        """Where something comes from and what came of it, as one W3C PROV graph: `.write("x.svg")`, `.text()`, ...

        thing : object or several, name, id, or a file that provgraph wrote or read. up, down : depth in entities;
        up=None: all. terms : ``unit``, ``relations``, ``only``, ``without``, ``stop_at``, ``as_of``, ``valid_at`` and
        ``seconds`` of `provgraph.graph.walk.Terms`, with classes and objects beside names and ids.

        A file that was changed after it was written, or that has the bytes of several, shows what it was written from or
        all that it can be: `.unclear` of the answer is the error that says so, a `FileWarning` its sentence.

        What only an imported document speaks of, an IRI or a file that has an identifier in it, is shown as that says; `within`
        says which document, where several do.
        """
        from provgraph.graph import lineage as lineages
        from provgraph.graph import walk
        from provgraph.lineage import LineageView, walked

        self.tracer.write()
        unclear = None
        try:
            roots = [one.object_id for one in self._things(thing)]
        except NotFound:
            if isinstance(thing, str | Path) and (iri := self._spoken_of(thing)):
                return self._imported(iri, within, limit, whole=up is None and not down and not terms)
            raise
        except FileUnclear as error:
            unclear, roots = error, list(error.objects)
            warnings.warn(error.message, known_files.FileWarning, stacklevel=2)
        if within:
            raise UsageError(f"{thing} is an object of this survey; within= is for what only imported documents speak of.",
                             code="usage")  # fmt: skip
        if terms:
            terms |= self.conditions(terms)
            return walked(self.mapper, roots, unclear, up=up, down=down, limit=limit, **terms)
        depth = lineages.DEEPEST if up is None else up
        found = self.mapper.lineage(roots, up=depth, down=down, limit=limit)
        asked = walk.Terms(depth, down, limit=limit)
        given = self.names_of([n.id for n in found.nodes if n.kind == "entity"])
        return LineageView(found, given, unclear, mapper=self.mapper, terms=asked)

    def conditions(self, said: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Those of the terms of a lineage that are conditions, with ids for names of things. NotFound ``lineage_condition``."""
        from provgraph.lineage import meant

        given = {option: said[option] for option in ("only", "without", "stop_at") if option in said}
        return meant(lambda one: self.get(one, files=False), self.mapper, **given)

    def paths(
        self, a: DBObject | str, b: DBObject | str, *, mode: str = "shortest", limit: int = 10, **terms: Any
    ) -> Ways:
        """How one of two things comes from the other: its shortest paths, or with ``mode="all"`` every one, shortest first.

        terms : ``relations``, ``without``, ``stop_at``, ``as_of``, ``valid_at`` and ``seconds``, as for `lineage`.
        """
        from provgraph.graph import ways
        from provgraph.lineage import terms as as_terms

        one, other = (self.get(x) if isinstance(x, str) else x for x in (a, b))
        terms |= self.conditions(terms)
        return ways.paths(self.mapper, one.object_id, other.object_id, mode=mode, limit=limit, terms=as_terms(**terms))

    def common_ancestors(self, *things: DBObject | str, **terms: Any) -> Common:
        """What all of these come from, nearest first: `.nodes`, and `.nearest`, the ids of those that stand behind no other."""
        from provgraph.graph import ways
        from provgraph.lineage import terms as as_terms

        found = [self.get(x) if isinstance(x, str) else x for x in things]
        terms |= self.conditions(terms)
        return ways.common(self.mapper, [one.object_id for one in found], terms=as_terms(**terms))

    def impact(self, *things: DBObject | str, cause: str = "invalid", only: str = "all") -> Impact:
        """What is affected if these are wrong, before anything is declared: by class, with what making it again costs, what has
        stored bytes, and what was published with an identifier.

        cause : ``invalid``, or ``superseded`` by something better. only : ``all``, ``stored`` or ``published``.
        `.invalidate(reason)` of the answer declares it.
        """
        from provgraph.targets.impact import impact

        return impact(self, [self.get(x) if isinstance(x, str) else x for x in things], cause=cause, only=only)

    def diff(self, a: DBObject | StoredDocument | Document | Bundle | str | Path,
             b: DBObject | StoredDocument | Document | Bundle | str | Path,
             ancestor: DBObject | str | bool | None = None) -> Any:  # fmt: skip
        """What differs between the lineages of two things, and which of it explains that the things differ: a `Compared`.

        a, b : objects, names, ids; of one thing two versions, ``name@version``. ancestor : what both come from, of another
        version or as a model; True finds the nearest of their class. Then each change says which side made it.

        Where one of them is a PROV document (an imported one or its name or id, a bundle or its IRI, a file), their statements
        are compared: a `provgraph.prov.Difference`.

        Raises InvalidInput ``no_common_ancestor``, ``diff_too_large``; NotFound ``not_found``.
        """
        from provgraph import compare

        since = self.get(ancestor) if isinstance(ancestor, str) else ancestor
        return compare.compared(self, a, b, since)

    def check(self, policy: ProvenancePolicy | str | os.PathLike[str], things: Any = None, *, at: Any = "",
              as_published: bool = False, record: bool = True) -> Report:  # fmt: skip
        """Whether lineages are as a provenance policy says: `.holds`, `.violations` with the ways to what is at fault.

        policy : a TOML file, or what `provgraph.checks.reading.parse_policy` gave. things : objects, names or ids; else all that
        its rules are for. at : the time that counts as now. as_published : the things count as published. record : keep what
        was found, as a `CheckReport` made by a call that used the things.

        Raises InvalidInput: ``policy_syntax``, ``policy_key``, ``policy_value``, ``policy_incomplete``, ``policy_class``,
        ``policy_condition``; FileUnreadable ``policy_unreadable``.
        """
        from provgraph.checks.reading import read_policy
        from provgraph.checks.record import checked

        some = [things] if isinstance(things, str | DBObject) else things
        found = None if some is None else [self._object(one) for one in some]
        self.tracer.write()
        read = read_policy(policy) if isinstance(policy, str | os.PathLike) else policy
        if not hasattr(read, "rules"):
            raise InvalidInput(
                f"A policy is a TOML file or what parse_policy gave, not {policy!r}.", code="policy_value"
            )
        return checked(self, read, found, at=at, as_published=as_published, record=record)

    # -- PROV documents ----------------------------------------------------------------------------------------------

    @cached_property
    def library(self) -> Library:
        """The imported PROV documents."""
        return Library(self.mapper, self.directory / "documents")

    def import_prov(self, path: str | Path, *, format: str = "") -> StoredDocument:
        """Keep a PROV document, statement by statement in the graph and byte by byte beside it; what it holds.

        Whole or not at all; equal bytes give the document that is there already. Errors are those of `provgraph.prov.read`.
        """
        if not isinstance(path, str | os.PathLike):
            raise InvalidInput(f"A PROV document is imported from a file, named by its path, not from {type(path).__name__}.",
                               code="path_invalid")  # fmt: skip
        return self.library.add(Path(path), format or None)

    def documents(self) -> list[StoredDocument]:
        """Imported PROV documents, the oldest first."""
        return self.library.all()

    def document(self, reference: str | StoredDocument) -> Document:
        """An imported document by id, IRI, digest or name of its file, read from the graph; equal to what was imported."""
        return self.library.read(self._stored_document(reference))

    def validate_prov(self, reference: DBObject | StoredDocument | Document | Bundle | str) -> Verdict:
        """Whether an imported document can be true, by PROV-CONSTRAINTS; or a bundle, or what is recorded of an object."""
        from provgraph.prov.constraints import validate

        found: Any = reference
        if isinstance(reference, str):
            try:
                found = self.library.find(reference)
            except NotFound as missing:
                try:
                    found = self.as_prov(reference)
                except NotFound:
                    raise missing from None
        return validate(found if isinstance(found, Scope) else self.as_prov(found))

    def mentions(self, thing: DBObject | str) -> list[StoredDocument]:
        """The imported documents that speak of an object or an IRI."""
        return list(self.library.mentions(thing.iri if isinstance(thing, DBObject) else thing))

    def identify(self, path: str | Path) -> Identified:
        """What is known of a file: the object that it is by its bytes, the identifiers that stand in it, and the imported
        documents that speak of one of these.

        Raises
        ------
        FileUnclear, FileDiffers : as `get`. FileUnreadable : where it cannot be read.
        """
        from provgraph.documents.embedded import identified

        path, known = Path(path), None
        if not path.is_file():
            raise FileUnreadable(f"There is no file {path}.", code="file_missing", path=str(path))
        with suppress(NotFound):
            known = self._by_file(path)
        return identified(self.library, path, known)

    def _spoken_of(self, thing: str | Path) -> str:
        """The IRI by which an imported document speaks of this: itself, or one that stands in the file; else ''."""
        from provgraph.documents.embedded import spoken_of

        path = Path(thing)
        if path.is_file():
            return spoken_of(self.library, path)
        return str(thing) if self.library.mentions(str(thing)) else ""

    def _imported(self, iri: str, within: str, limit: int, *, whole: bool) -> Any:
        from provgraph.documents import embedded
        from provgraph.lineage import ImportedView

        if not whole:
            raise UsageError(f"Of {iri} an imported document speaks; its lineage is shown whole, and up, down and other terms are "
                             "for objects of the survey.", code="usage")  # fmt: skip
        found = self.library.ancestry(iri, within)
        return ImportedView(embedded.lineage(found, iri, limit), found)

    def as_prov(self, thing: DBObject | StoredDocument | Document | Bundle | str, *, closure: str = "", within: str = "",
                limit: int = 100_000, redact: Redaction | str | Path | None = None, profile: str = "") -> Document:  # fmt: skip
        """As one PROV document: an imported document; or a thing with all that it came from, and all that is recorded of that.

        thing : an object of the survey, an imported document, the IRI of a bundle in one, or that of something that one imported
        document speaks of; `within` says which one, where several do. closure : ``ancestors``, which is meant where none is said,
        ``descendants``, ``both``, or ``none``: the thing alone. limit : at most so many nodes of a lineage, more are an error.
        redact : what is taken out of a lineage, ``'private'`` or a TOML file with rules; nothing unless said. profile :
        ``'ivoa'`` adds classes and attributes of the IVOA Provenance Data Model. Imported documents stay as they are.
        """
        return self._document(self._as_prov(thing, within, closure), redact, profile, limit, closure)

    def _document(self, found: Document | DBObject, redact: Redaction | str | Path | None, profile: str, limit: int,
                  closure: str) -> Document:  # fmt: skip
        if isinstance(found, Document):
            if redact not in (None, "none") or profile:
                raise UsageError("An imported document comes out as it came in; redact= and profile= are for what the survey "
                                 "recorded.", code="usage")  # fmt: skip
            return found
        from provgraph.export import recorded

        up, down = recorded.CLOSURES[closure or ANCESTORS]
        view = self.lineage(found, up=up, down=down, limit=limit)
        made: Document = view.document(redact="none" if redact is None else redact, profile=profile, limit=limit)
        return made

    def _as_prov(self, thing: DBObject | StoredDocument | Document | Bundle | str, within: str, closure: str
                 ) -> Document | DBObject:  # fmt: skip
        from provgraph.export.recorded import check_closure

        check_closure(closure)
        if isinstance(thing, Document | Bundle):
            return as_document(thing)
        if isinstance(thing, StoredDocument):
            return self._whole(thing, closure)
        if isinstance(thing, str):
            around = closure or ANCESTORS
            if within:
                bundle = None if closure else self.library.bundle(thing, within)
                return bundle if bundle is not None else self.library.ancestry(thing, within, around)
            if (stored := self.library.exact(thing)) is not None:
                return self._whole(stored, closure)
            try:
                thing = self.get(thing, files=False)
            except NotFound as missing:
                with suppress(NotFound):
                    return self._whole(self.library.find(str(thing)), closure)
                if not closure and (bundle := self.library.bundle(str(thing))) is not None:
                    return bundle
                try:
                    return self.library.ancestry(str(thing), closure=around)
                except NotFound:
                    raise missing from None
        return thing

    def _whole(self, stored: StoredDocument, closure: str) -> Document:
        if closure:
            raise UsageError(f"{stored.name} is an imported document, which comes out whole; closure= is for a thing: give "
                             "the IRI of one that it speaks of, and within=.", code="usage")  # fmt: skip
        return self.library.read(stored)

    def export(self, thing: DBObject | StoredDocument | Document | Bundle | str, *, format: str = "", out: str | Path | None = None,
               closure: str = "", original: bool = False, lossy: bool = False, within: str = "",
               redact: Redaction | str | Path | None = None, profile: str = "", license: str = "") -> Any:  # fmt: skip
        """Write what `as_prov` gives to a file: its path. Without `out`: its text, or its bytes where `original` is meant.

        thing : as `as_prov` takes it, or a document or a bundle. format : one of `provgraph.prov.FORMATS`, else as the name of
        the file says, else PROV-JSON. original : the bytes that were imported, unchanged. lossy : write also where the format
        cannot say everything. closure, profile : as `as_prov`. redact : too, but ``'private'`` for a lineage unless said;
        ``'none'`` writes everything.

        ``openlineage`` writes run events, and ``ro-crate`` a directory or a ZIP file: a Process Run Crate with the document and, of
        a data object, its file; `license` is stated in it. Neither says all of PROV; `provgraph.prov.loss` lists what is missing
        in events.
        """
        from provgraph.documents import exporting

        thing = thing.document() if isinstance(thing, Bundle) else thing
        target = None if out is None else Path(out)
        if target is not None:
            self._check_target(target)
        if license and format != exporting.CRATE:
            raise UsageError("A license is stated in an RO-Crate only; say format='ro-crate'.", code="usage")
        if format == exporting.CRATE and not original:
            return self._crate(thing, target, closure, within, redact, profile, license)
        if isinstance(thing, Document):
            if original or within or redact or profile or closure:
                raise UsageError("A document is written as it is; give the thing instead.", code="usage")
            return exporting.write(thing, format, target, lossy=lossy)
        if original:
            return exporting.original(self.library, self._stored_document(thing), target)
        found = self._as_prov(thing, within, closure)
        rules = "private" if isinstance(found, DBObject) and redact is None else redact
        return exporting.write(self._document(found, rules, profile, 100_000, closure), format, target, lossy=lossy)

    def export_all(self, out: str | Path, *, format: str = "", lossy: bool = False,
                   redact: Redaction | str | Path = "private") -> str:  # fmt: skip
        """Write all that the survey recorded to a file, as one PROV document; what was taken out, in a sentence, or ''.

        It is read and written page by page; memory holds a page and the ids of the records, and in Turtle, TriG and
        PROV-JSONLD the document. format, lossy, redact : as `export`. Imported documents are not in it: each is exported alone.
        """
        from provgraph.export.whole import Whole
        from provgraph.prov import formats

        self._check_target(Path(out))
        self.tracer.write()
        whole = Whole(self.mapper, redact)
        formats.write_parts(whole.header(), whole.parts(), out, format or None, lossy=lossy)
        return str(whole.redacted).capitalize() if whole.redacted.counts else ""

    def _crate(self, thing: DBObject | StoredDocument | Document | str, target: Path | None, closure: str, within: str, redact: Any,
               profile: str, license: str) -> Path:  # fmt: skip
        from tempfile import TemporaryDirectory

        from provgraph.documents import exporting

        found = thing if isinstance(thing, Document) else self._as_prov(thing, within, closure)
        if isinstance(found, Document):
            root = thing if isinstance(thing, str) else ""
            name = getattr(thing, "name", "") or root or "PROV document"
            document = (
                found if isinstance(thing, Document) else self._document(found, redact, profile, 100_000, closure)
            )
            return exporting.crate(document, target, name=name, root=root, license=license)
        document = self._document(found, "private" if redact is None else redact, profile, 100_000, closure)
        with TemporaryDirectory(prefix="provgraph-crate-") as folder:
            files = [self.retrieve(found, folder)] if file_of(found) is not None else []
            name = self.name_of(found) or f"{type(found).__name__} {found.object_id}"
            return exporting.crate(document, target, name=name, root=found.iri, license=license, files=files)

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
        from provgraph.graph import select

        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise InvalidInput(f"limit is a number of objects, not {limit!r}.", code="limit_invalid")
        sets = self.sets_related(same_sources_as=same_sources_as, containing=containing, contained_in=contained_in)
        wanted = self.mapper.classes.named(cls)
        if sets is not None and not issubclass(wanted, SourceCollection):
            raise UsageError(f"{wanted.__name__} has no sources; ask for Source Collections.", code="usage")
        return select.page(self.mapper, select.select(wanted, where, sets=sets), limit=limit)[0]

    def select(self, *asked: Any) -> Query:
        """Objects for which conditions on paths are true: ``survey.select((Frame.raw.filter == "g") & (Frame.zeropoint > 24))``.

        asked : classes, of which the objects have to be, and conditions, which all have to be true. Nothing is read before the
        query is looked at; see `Query`.
        """
        calls.use(self)
        return asked_query(self.mapper, *asked)

    def info(self, thing: DBObject | str) -> str:
        """The lineage of an object as an indented tree."""
        return retrieval.info(self._object(thing))

    def get_persistent_properties(self, thing: DBObject | str) -> dict[str, Any]:
        """Descriptors and links of an object by name; what has no value is None."""
        return retrieval.get_persistent_properties(self._object(thing))

    def get_inverse_properties(self, thing: DBObject | str) -> list[DBObject]:
        """All objects that used this one."""
        return retrieval.get_inverse_properties(self._object(thing))

    def get_dependencies(self, thing: DBObject | str, *, up: int | None = 1) -> list[DBObject]:
        """The objects that one is linked to; up : so many links away at most, None for all that it rests on."""
        return retrieval.get_dependencies(self._object(thing), up=up)

    def get_onthefly_dependencies(self, thing: DBObject | str, *, up: int | None = 1) -> list[DBObject]:
        """Those dependencies that can be processed anew, on the fly."""
        return retrieval.get_onthefly_dependencies(self._object(thing), up=up)

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
        if ":" in text and self.library.mentions(text):
            raise NotFound(
                f"{text!r} is no object of this survey; an imported document speaks of it, which lineage and export show.",
                name=text,
            )
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
        now = getattr(self._moment, "now", None) or monotonic()
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
        self._moment.now = monotonic()
        try:
            self.names_of([one.object_id for one in held])
            found = [repr(one) for one in collections]
        finally:
            del self._moment.now
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

    def _remake(self, one: DBObject) -> None:
        """Make the file of an object again whose bytes were dropped."""
        from provgraph.targets.retention import remake

        remake(self, one)

    def _of_class(self, cls: Any, limit: int) -> list[Any]:
        from provgraph.graph import statements

        statements.declare(cls.__name__)
        statement = statements.load("queries/entities_of_class", label=cls.__name__)
        rows = self.engine.read(statement, before="9999", deleted=False, limit=limit)
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
        things = [thing] if isinstance(thing, DBObject) else list(thing) if isinstance(thing, Iterable) else []
        if not things or not all(isinstance(one, DBObject) for one in things):
            raise InvalidInput(f"A lineage is that of an object, of several, or of what a name, an id or a file says, not of "
                               f"{thing!r}.", code="thing_invalid")  # fmt: skip
        return things

    def _stored_document(self, thing: DBObject | StoredDocument | str) -> StoredDocument:
        if isinstance(thing, DBObject):
            raise UsageError(f"{thing.iri} is an object of this survey, not an imported document.", code="usage")
        return thing if isinstance(thing, StoredDocument) else self.library.find(thing)

    def _by_file(self, path: Path) -> DBObject:
        return known_files.identify(self.mapper, path, ingesting.file_digest(path), self.survey_id)

    def _object(self, thing: DBObject | str) -> DBObject:
        return self.get(thing) if isinstance(thing, str) else thing

    def _one(self, thing: SourceCollection | str) -> SourceCollection:
        return self[thing] if isinstance(thing, str) else thing

    def _declare(self, thing: DBObject | str, value: str, reason: str) -> DBObject:
        found: Any = thing
        if isinstance(thing, str):
            found = self.definition(thing) if not _UUID.fullmatch(thing) else self.get(thing)
        if isinstance(found, SourceCollection):
            raise InvalidInput(
                "A Source Collection is not declared valid or invalid; declare the calculator or the object it rests on.",
                code="wrong_type",
            )
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

    @staticmethod
    def _check_made(batch: Batch) -> None:
        for one in batch.objects:
            if isinstance(one, ProcessTarget) and (missing := one.missing()):
                raise InvalidInput(
                    f"This {type(one).__name__} was not made, it has no {', '.join(missing)}; survey.make(it) makes and stores it.",
                    code="not_made",
                )

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
