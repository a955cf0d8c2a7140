"""Comparing what a survey holds: the lineages of two things, with the names and units that the survey knows of them."""

from __future__ import annotations

import json
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.documents.library import StoredDocument
from provgraph.errors import InvalidInput, NotFound, UsageError
from provgraph.export.tables.files import replacing
from provgraph.graph import differences, ways
from provgraph.graph.differences import LineageDifference
from provgraph.graph.lineage import Node
from provgraph.prov import formats
from provgraph.prov.difference import Difference, diff
from provgraph.prov.model import Scope
from provgraph.schema.forms import Form
from provgraph.schema.meta import class_called
from provgraph.schema.objects import DBObject

if TYPE_CHECKING:
    from provgraph.graph.mapper import Mapper
    from provgraph.survey import Survey


class Compared(LineageDifference):
    """What differs between two lineages, as a user holds it: look at it, write it down."""

    def html(self) -> str:
        """A page with both lineages side by side and the changes: one file, no script, nothing loaded."""
        from provgraph.export.beside import lineages

        return lineages(self)

    def write(self, path: str | Path) -> Path:
        """Write to a file whose suffix says how: .html, .json or .txt."""
        target = Path(path)
        ways = {".html": self.html, ".json": lambda: json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n",
                ".txt": lambda: f"{self}\n"}  # fmt: skip
        write = ways.get(target.suffix.lower())
        if write is None:
            raise UsageError(
                f"{target.name} does not say a format; end it in one of {', '.join(ways)}.", code="format_unknown"
            )
        with replacing(target) as part:
            part.write_text(write(), encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def compared(survey: Survey, a: Any, b: Any, ancestor: DBObject | bool | None = None) -> Compared | Difference:
    """What differs between two things, or between a PROV document or bundle and another or what is recorded of a thing."""
    one, other = (_found(survey, x) for x in (a, b))
    if isinstance(one, DBObject) and isinstance(other, DBObject):
        return lineages(survey, one, other, ancestor)
    if ancestor:
        raise InvalidInput("Documents have no common ancestor to compare with; leave the ancestor out.", code="usage")
    return diff(*(survey.as_prov(x) if isinstance(x, DBObject) else x for x in (one, other)))


def _found(survey: Survey, thing: Any) -> DBObject | Scope:
    """An object of the survey, or a document or bundle: what `thing` is, names, or holds where it is a file."""
    if isinstance(thing, DBObject | Scope):
        return thing
    if isinstance(thing, StoredDocument):
        return survey.library.read(thing)
    try:
        return survey.get(thing)
    except NotFound as missing:
        if _is_document(thing):
            return formats.read(Path(thing))
        try:
            return survey.as_prov(str(thing))
        except NotFound:
            raise missing from None


def _is_document(thing: Any) -> bool:
    try:
        return Path(thing).is_file() and bool(formats.recognised(Path(thing)))
    except (OSError, ValueError):  # nothing that a file could be called, or of another kind
        return False


def lineages(survey: Any, a: DBObject, b: DBObject, ancestor: DBObject | bool | None = None) -> Compared:
    """What differs between the lineages of two stored objects; see `Survey.diff`."""
    survey.tracer.write()
    mapper = survey.mapper
    units = _Units(mapper)
    ids = [a.object_id, b.object_id]
    if ancestor is None or ancestor is False:
        found = differences.difference(mapper, ids[0], ids[1], units=units)
    else:
        since = nearest(mapper, a, b) if ancestor is True else ancestor.object_id
        found = differences.three_way(mapper, ids[0], ids[1], since, units=units)
    told = differences.renamed(found, survey.names_of(sorted(differences.mentioned(found))))
    return Compared(**{f.name: getattr(told, f.name) for f in fields(told)})


def nearest(mapper: Mapper, a: DBObject, b: DBObject) -> str:
    """The id of the nearest thing of their class that two things come from, an earlier version mostly.

    Raises InvalidInput ``no_common_ancestor``.
    """
    kind = type(a).__name__
    if type(b).__name__ == kind and a.object_id != b.object_id:
        for node in ways.common(mapper, [a.object_id, b.object_id]).nodes:
            if node.class_name == kind:
                return node.id
    raise InvalidInput(
        f"The two come from no {kind} that both share; say with what to compare them, as the common ancestor.",
        code="no_common_ancestor",
    )


class _Units:
    """Units of properties as the classes of objects declared them when the objects were stored."""

    def __init__(self, mapper: Mapper) -> None:
        self.mapper = mapper
        self.recorded: dict[tuple[str, str], dict[str, Any]] | None = None

    def __call__(self, node: Node, name: str) -> str:
        if "class_form" not in node.properties:
            cls = class_called(node.class_name)
            declared = cls.persistents.get(name) if cls is not None else None
            return str(getattr(declared, "unit", "") or "")
        if self.recorded is None:
            self.recorded = {
                (v.name, Form("", v.digest).short): v.declared()["properties"]
                for versions in self.mapper.classes.recorded().values()
                for v in versions
            }
        declared_then = self.recorded.get((node.class_name, str(node.properties["class_form"])), {})
        return str(declared_then.get(name, {}).get("unit", ""))
