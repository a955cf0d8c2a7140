"""Ingest: a file goes in, an External with one segment comes out, and the graph knows which call did it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from provgraph import known_files
from provgraph.bulk.sort import normalised_ids
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import FileUnreadable, IngestError, InvalidInput, StorageError, UnknownAttribute, nearest
from provgraph.extract import Source, recognise
from provgraph.graph.mapper import Batch, Mapper
from provgraph.language.ucd import checked_ucd
from provgraph.names import UCD_ID, UNIT_UNDECLARED, UNITLESS
from provgraph.resolver.processor import segment_entity
from provgraph.schema import keys
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.files import DataFile
from provgraph.schema.objects import DataObject, DBObject
from provgraph.schema.operators import External, SourceListWrapper
from provgraph.schema.operators.source_list_wrapper import IDENTIFIER
from provgraph.schema.properties import Reference
from provgraph.schema.table import Column
from provgraph.trace.activity import Recorder

CHUNK = 1 << 18  # sources read at once
ROW_ATTRIBUTE = "row"


@dataclass(frozen=True)
class Declaration:
    """What the user says of a catalog beyond what its file says; with equal bytes it decides what is the same.

    id : column with the identifiers; None numbers the rows. id_space : '' makes the catalog a space of its own.
    columns : columns wanted, all when empty. rename, units, ucds, descriptions, missing : by column of the file;
    `missing` gives the values that stand for "no value". source_list : the number of the source list that it is, if it is one;
    then `id` numbers the sources in the list. frames : what a source list was measured on. delivered : the data object whose file
    it is, where a survey made it.
    """

    id: str | None = None
    id_space: str = ""
    table: str | int | None = None
    columns: tuple[str, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    ucds: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    source_list: int | None = None
    frames: tuple[DBObject, ...] = ()
    delivered: DataObject | None = None

    def canonical(self) -> str:
        missing = {k: [repr(v) for v in _listed(v)] for k, v in self.missing.items()}
        return keys.canonical_json({
            "rename": dict(self.rename), "units": dict(self.units), "ucds": dict(self.ucds), "missing": missing,
        })  # fmt: skip


def file_digest(path: Path) -> str:
    """``sha256:<hex>`` of the bytes of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def ingest(mapper: Mapper, store: BulkStore, path: Path, declaration: Declaration, *,
           intent: Callable[[], AbstractContextManager[None]] = nullcontext, name: str = "",
           replaces: External | None = None, accept: Callable[[External], None] = lambda _: None,
           progress: Callable[[float], None] | None = None) -> External:  # fmt: skip
    """Make an External of a file; equal bytes with an equal declaration give the External that is there already.

    Descriptions are no part of what makes a declaration equal, and neither is the name: where they differ from those of the
    External that is there, nothing is stored and an error says how to state them.

    accept : called with the External before any value is read; may raise to refuse it.

    Raises
    ------
    FileUnreadable : missing, empty, truncated, of no known format.
    IngestError : unknown id column, duplicate or null identifiers, two columns of one name; ``already_there``, the content is
        in the survey as something else than `replaces`, by another name, or described otherwise.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileUnreadable(f"{path} {what}; give the path of a catalog file.", code="file_missing", path=str(path))
    digest = file_digest(path)
    extractor = recognise(path)
    with extractor.open(path, table=declaration.table, id=declaration.id, missing=declaration.missing) as source:
        stored = declaration.delivered.file if declaration.delivered is not None else None
        file = known_files.as_read(mapper, path, digest, extractor.format, stored)
        external, wanted = _declare(source, declaration, file, digest)
        if replaces is not None:
            _succeed(external, replaces)
        accept(external)
        if isinstance(external, SourceListWrapper):
            _check_number(mapper, external)
        found = mapper.existing([external])
        if external.lineage_key in found:
            (known,) = mapper.restore([found[external.lineage_key]])
            assert isinstance(known, External)
            if replaces is not None and (known.identity != replaces.identity or known.version < replaces.version):
                raise IngestError(
                    f"{path.name} is in this survey already, as {known.label}@{known.version}; what is there does not become "
                    f"a version of {replaces.label}. Use {known.label}@{known.version} by its name.", code="already_there",
                )  # fmt: skip
            _refuse_otherwise_named(mapper, path, known, name, replaces)
            _refuse_otherwise_described(mapper, path, known, external, declaration)
            if _is_readable(mapper, store, known):
                return known
            external = known  # its values are gone or changed; the file has them
        recorder = Recorder(type(external).__name__, "ingest", {"file": path.name, "format": extractor.format, "name": name,
                                                   "id": declaration.id or "", "id_space": declaration.id_space})  # fmt: skip
        with intent():
            info = _load(source, store, external, declaration, wanted, progress)
            segment = segment_entity(info, external.sources().key)
            recorder.uses("file", file)
            if declaration.delivered is not None:
                recorder.uses("source_list", declaration.delivered)
            recorder.generates("segment", segment)
            recorder.finish(sources=info.n)
            batch = Batch()
            batch.add(external)
            recorder.into(batch, mapper.context)
            if name and name not in _names(mapper, external):
                batch.note(external, "name", name)
            try:
                mapper.write(batch)
            except Exception:  # after Ctrl-C it may be registered: the intent stays, and the next start looks
                store.delete(info.name)
                raise
    return external


def _refuse_otherwise_named(mapper: Mapper, path: Path, known: External, name: str, replaces: External | None) -> None:
    """A second name is no way to rename; that of the version it succeeds was not asked for."""
    names = _names(mapper, known)
    inherited = name in _names(mapper, replaces) if replaces is not None else False
    if name and names and name != names[-1] and not inherited:
        raise IngestError(
            f"{path.name} is in this survey already, as {names[-1]!r}; leave out name={name!r} to get it, or rename it with "
            f"annotate({names[-1]!r}, name={name!r}).", code="already_there", name=names[-1],
        )  # fmt: skip


def _refuse_otherwise_described(mapper: Mapper, path: Path, known: External, external: External,
                                declaration: Declaration) -> None:  # fmt: skip
    """Descriptions of stored attributes stay as they are, so others must not be dropped without a word."""
    for column in declaration.descriptions:
        name = declaration.rename.get(column, column)
        there, new = known.attributes()[name].description, external.attributes()[name].description
        if there != new:
            called = (_names(mapper, known) or [known.object_id])[-1]
            raise IngestError(
                f"{path.name} is in this survey already, as {called!r}, where {name!r} "
                f"{f'is described as {there!r}' if there else 'has no description'}; leave descriptions= out to get it, or add "
                f"to what is said of it with annotate({called!r}, description=...).", code="already_there", name=called,
            )  # fmt: skip


def _names(mapper: Mapper, one: External) -> list[str]:
    """Names given to a collection, the newest last; none to one that is not stored."""
    return [r["value"] for r in mapper.read("notes_about", ids=[one.object_id]) if r["kind"] == "name"]


def _declare(source: Source, declaration: Declaration, file: DataFile,
             digest: str) -> tuple[External, list[Attribute]]:  # fmt: skip
    """The External a file and a declaration make, and the columns to read for it."""
    available = {a.name: a for a in source.attributes}
    for what, mentioned in (
        ("id", [declaration.id] if declaration.id is not None else []), ("columns", declaration.columns),
        ("rename", declaration.rename), ("units", declaration.units), ("ucds", declaration.ucds),
        ("descriptions", declaration.descriptions), ("missing", declaration.missing),
    ):  # fmt: skip
        for column in mentioned:
            if column not in available:
                code = "unknown_id" if what == "id" else "unknown_attribute"
                raise UnknownAttribute(
                    f"{file.name} has no column {column!r} ({what}=); {nearest(column, available)}",
                    code=code,
                    name=column,
                )
    for column, sentinels in declaration.missing.items():
        for sentinel in _listed(sentinels):
            if available[column].dtype != "U" and not _is_number(sentinel) and column not in source.masked:
                raise IngestError(
                    f"{sentinel!r}, declared as missing in column {column!r} of {file.name}, is no number as its values are.",
                    code="missing_type", name=column,
                )  # fmt: skip
    wanted = [available[c] for c in (declaration.columns or available)]
    if declaration.id is not None and declaration.id not in {a.name for a in wanted}:
        wanted.insert(0, available[declaration.id])
    attributes: list[Attribute] = []
    for item in wanted:
        unit = (
            item.unit if item.name not in declaration.units else checked_unit(item.name, declaration.units[item.name])
        )
        attributes.append(replace(
            item, name=declaration.rename.get(item.name, item.name), unit=unit,
            ucd=item.ucd if item.name not in declaration.ucds else checked_ucd(item.name, declaration.ucds[item.name]),
            description=declaration.descriptions.get(item.name, item.description),
        ))  # fmt: skip
        if item.name == declaration.id and item.dtype != "U" and declaration.source_list is None:
            attributes[-1] = replace(attributes[-1], dtype="i8")
    columns = [a.name for a in wanted]
    id_attribute = (
        declaration.rename.get(declaration.id, declaration.id) if declaration.id is not None else ROW_ATTRIBUTE
    )
    listed = declaration.source_list is not None
    if listed:
        says = "number of the source list times 2**32, plus number of the source in it"
        attributes.insert(0, Attribute(IDENTIFIER, "i8", "", UCD_ID, says))
        columns.insert(0, "")
        id_attribute = IDENTIFIER
    elif declaration.id is None:
        attributes.insert(0, Attribute(ROW_ATTRIBUTE, "i8", "", UCD_ID, "number of the row in the file, from 0"))
        columns.insert(0, "")
    names = [a.name for a in attributes]
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise IngestError(
            f"{file.name} would have two attributes called {repeated[0]!r}; rename one.", code="name_clash"
        )
    values = {
        "file": file, "digest": digest, "table_name": "" if declaration.table is None else str(declaration.table),
        "id_attribute": id_attribute, "declared_id_space": declaration.id_space, "columns": columns,
        "declaration": declaration.canonical(),
    }  # fmt: skip
    external = (
        SourceListWrapper(
            **values,
            source_list=declaration.source_list,
            frames=list(declaration.frames),
            delivered=declaration.delivered,
        )
        if listed
        else External(**values)
    )
    return external.declare(AttributeSet(attributes)), wanted


def checked_unit(name: str, unit: str) -> str:
    """A declared unit that means something, or an error; units that files state are kept as they are."""
    from provgraph.language.units import unit_of

    if unit in (UNITLESS, UNIT_UNDECLARED) or unit_of(unit) is not None:
        return unit
    raise InvalidInput(
        f"{unit!r}, declared for {name!r}, is not a unit; write it as VOUnits has it, such as 'mag', 'deg' or 'km.s**-1', "
        "'' when it has none, '?' when nobody knows.",
        code="unit_unknown", name=name,
    )  # fmt: skip


def _check_number(mapper: Mapper, wrapper: SourceListWrapper) -> None:
    """The sources of two source lists are different sources, so their numbers are too; versions of one list share its number."""
    for known in mapper.restore(
        [r["properties"] for r in mapper.read("source_lists_numbered", number=wrapper.source_list)]
    ):
        assert isinstance(known, SourceListWrapper)
        same = known.lineage_key == wrapper.lineage_key or known.identity == wrapper.identity
        if wrapper.delivered is not None and known.delivered is not None:
            same = same or known.delivered.identity == wrapper.delivered.identity
        if not same and known.id_space == wrapper.id_space:
            raise IngestError(
                f"Source list {wrapper.source_list} is {known.label}@{known.version} already; give this one another number, or say "
                "replaces= when it is a new version.", code="source_list_taken", source_list=wrapper.source_list,
            )  # fmt: skip


def _succeed(external: External, old: External) -> None:
    external.identity = old.identity
    external.version = old.version + 1
    external._revised = Reference(old.object_id, lambda _: old)


def _load(source: Source, store: BulkStore, external: External, declaration: Declaration, wanted: list[Attribute],
          progress: Callable[[float], None] | None) -> Any:  # fmt: skip
    """Read all chunks into one segment, ids sorted and checked."""
    attributes = external.attributes()
    source_dtypes = {a.name: a.dtype for a in source.attributes}
    meta = {a.origin: {"name": a.name, "unit": a.unit, "ucd": a.ucd} for a in attributes.values()}
    sentinels = {
        # what is no number the source has masked itself
        c: [s for s in _listed(v) if c not in source.masked or _is_number(s) or source_dtypes[c] == "U"]
        for c, v in declaration.missing.items()
    }
    done = 0
    with store.writer(id_space=external.id_space, id_name=external.id_attribute, meta=meta) as writer:
        for chunk in source.chunks(CHUNK) if source.n != 0 else ():
            columns = {c: _without(chunk[c], sentinels.get(c, ())) for c in (a.name for a in wanted)}
            n = len(next(iter(columns.values())).values)
            if declaration.id is None:
                ids, id_null = np.arange(done, done + n), None
            elif isinstance(external, SourceListWrapper):
                ids, id_null = columns[declaration.id]
            else:
                ids, id_null = columns.pop(declaration.id)
            if isinstance(external, SourceListWrapper):
                ids, id_null = external.identifiers(normalised_ids(ids, id_null, name=declaration.id or "row")), None
            writer.append(ids, {external.origin(c): v for c, v in columns.items()}, id_null=id_null)
            done += n
            if progress is not None and source.n:
                progress(0.6 * done / source.n)
        if not done:  # a catalog without sources still has its attributes
            nothing = {a.origin: _no_values(a) for a in attributes.values() if a.name != external.id_attribute}
            writer.append(_no_values(attributes[external.id_attribute]).values, nothing)
        return writer.finish(progress=None if progress is None else lambda f: progress(0.6 + 0.4 * f))


def _is_readable(mapper: Mapper, store: BulkStore, external: External) -> bool:
    """Whether the values of a catalog are stored and as they were."""
    for row in mapper.read("segments_of_source_sets", keys=[external.sources().key]):
        try:
            store.open(SegmentInfo.from_dict(json.loads(row["properties"]["info"])))
        except StorageError:
            continue
        return True
    return False


def _no_values(attribute: Attribute) -> Column:
    return Column(np.empty((0, *attribute.shape), "S1" if attribute.dtype == "U" else attribute.dtype))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]


def _without(column: Column, sentinels: Sequence[Any]) -> Column:
    """The column with its declared missing values masked; the values themselves stay as they are."""
    null = column.null
    for sentinel in sentinels:
        if column.values.dtype.kind in "SU":
            text = str(sentinel)
            match = column.values == (text.encode() if column.values.dtype.kind == "S" else text)
        else:
            match = _equals(column.values, float(sentinel) if isinstance(sentinel, str) else sentinel)
        match = match.reshape(len(match), -1).all(axis=1)
        null = match if null is None else null | match
    return Column(column.values, null)


def _equals(values: Any, sentinel: int | float) -> Any:
    """Where numbers are a declared value, which is rounded as they are; NaN finds NaN, 0.5 and -9 no unsigned integer."""
    if isinstance(sentinel, float) and math.isnan(sentinel):
        return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if values.dtype.kind in "iu" and not (
        np.iinfo(values.dtype).min <= sentinel <= np.iinfo(values.dtype).max and sentinel == int(sentinel)
    ):
        return np.zeros(values.shape, bool)
    return values == np.asarray(sentinel).astype(values.dtype)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
