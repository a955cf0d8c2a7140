"""A lineage as a user holds it: look at it, write it down."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from provgraph.errors import FileUnclear, NotFound, UsageError, nearest
from provgraph.export import EXPORTERS
from provgraph.export.redaction import Redaction
from provgraph.export.tables.files import replacing
from provgraph.graph.lineage import ACTIVITY, AGENT, DEEPEST, ENTITY, MOST, Lineage
from provgraph.graph.mapper import Mapper
from provgraph.graph.walk import Condition, Terms, moment, relation_called
from provgraph.prov.formats import FORMATS, dumps
from provgraph.prov.model import Document
from provgraph.schema.meta import registry
from provgraph.schema.objects import DBObject

# Longest first: '.prov.json' is PROV-JSON, and so is '.json'.
SUFFIXES = {
    ".prov.json": "prov-json", ".json": "prov-json", ".provn": "prov-n", ".prov-n": "prov-n", ".dot": "dot", ".gv": "dot",
    ".svg": "svg", ".txt": "text", ".text": "text",
}  # fmt: skip
_CALL: Final = re.compile(r"[A-Z]\w*\.\w+")
_LABELS: Final = ("Entity", "Activity", "Agent")


def terms(*, up: int | None = None, down: int = 0, limit: int = 1000, unit: str = "entity", relations: Any = (),
          only: Any = (), without: Any = (), stop_at: Any = (), as_of: Any = "", valid_at: Any = "",
          seconds: float | None = None) -> Terms:  # fmt: skip
    """`Terms` in a user's words: classes and objects beside names and ids, relations in any spelling, dates."""
    return Terms(
        up=DEEPEST if up is None else up, down=down, limit=limit, unit=unit, seconds=seconds,
        relations=tuple(relation_called(r) for r in _several(relations)),
        only=_conditions(only), without=_conditions(without), stop_at=_conditions(stop_at),
        as_of=moment(as_of, "as_of") if as_of else "", valid_at=moment(valid_at, "valid_at") if valid_at else "",
    )  # fmt: skip


def meant(find: Callable[[str], DBObject], mapper: Mapper, **conditions: Any) -> dict[str, list[Any]]:
    """Conditions of a lineage, names of things in place of which stand ids. find : a thing by name or id.

    Raises NotFound ``lineage_condition`` for what is no kind, class, call, name or id.
    """
    return {
        option: [_meant(find, mapper, option, one) for one in _several(given)] for option, given in conditions.items()
    }


def _meant(find: Callable[[str], DBObject], mapper: Mapper, option: str, said: Any) -> Any:
    if not isinstance(said, str) or said in (ENTITY, ACTIVITY, AGENT) or said in registry or _CALL.fullmatch(said):
        return said
    try:
        return find(said).object_id
    except NotFound:
        classes = {*_LABELS, *(label for cls in registry.values() for label in cls.labels), *mapper.classes.recorded()}
        if said in classes or mapper.read("walk_nodes", entities=[], activities=[said], agents=[said]):
            return said
        names = [row["value"] for row in mapper.read("names_given", limit=10_000)]
        raise NotFound(
            f"{option}={said!r} is no class, call, name or id that this survey knows, nor entity, activity or agent; "
            f"{nearest(said, [*names, *sorted(classes)])}", code="lineage_condition", name=said,
        ) from None  # fmt: skip


def walked(mapper: Mapper, roots: Sequence[str], unclear: FileUnclear | None = None, **said: Any) -> LineageView:
    """The lineage on `terms`; names are those of the time that it is asked for."""
    meant = terms(**said)
    return LineageView(mapper.walk(roots, meant), {}, unclear, mapper=mapper, terms=meant)


def _several(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple | set | frozenset) else [given]


def _conditions(given: Any) -> tuple[Condition, ...]:
    return tuple(
        one.object_id if isinstance(one, DBObject) else one.__name__ if isinstance(one, type) else one
        for one in _several(given)
    )


class LineageView:
    """Nodes and edges of one W3C PROV graph, with the names people gave.

    nodes, edges : as read; complete : nothing was left out; truncated : how many nodes were. unclear : what is to be said
    of a file that is not plainly what is shown, else None. mapper : where all that is recorded of these nodes is read from
    when they are written as PROV; without one it is what is shown. terms : what was asked for.
    """

    def __init__(self, lineage: Lineage, names: Mapping[str, str], unclear: FileUnclear | None = None, *,
                 mapper: Mapper | None = None, terms: Terms | None = None) -> None:  # fmt: skip
        self.unclear = unclear
        self._mapper, self._terms = mapper, terms
        self.lineage = replace(
            lineage, nodes=tuple(replace(n, label=names[n.id]) if n.id in names else n for n in lineage.nodes)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["lineage"], name)

    def to(self, format: str, *, redact: Redaction | str | Path = "private") -> str:
        """The lineage as ``'prov-json'``, ``'prov-n'``, ``'svg'``, ``'dot'`` or ``'text'``.

        redact : what is taken out where it is written as PROV: ``'private'``, ``'none'`` or a TOML file with rules. Where nodes
        are left out, the PROV says so.
        """
        if format not in EXPORTERS:
            known = ", ".join(EXPORTERS)
            raise UsageError(f"A lineage cannot be written as {format!r}; there are: {known}.", code="format_unknown")
        if format in FORMATS and self._mapper is not None:
            return dumps(self._document(redact, "", MOST, partial=True), format)
        return str(EXPORTERS[format].serialize(self.lineage))

    def text(self) -> str:
        """An indented tree."""
        return self.to("text")

    def svg(self) -> str:
        """A layered drawing, dependencies above."""
        return self.to("svg")

    def prov_json(self) -> str:
        """A W3C PROV-JSON document."""
        return self.to("prov-json")

    def to_networkx(self) -> Any:
        """A ``networkx.MultiDiGraph`` of the nodes and edges, with the names of PROV: `provgraph.export.networkx`."""
        from provgraph.export.networkx import to_networkx

        return to_networkx(self.lineage)

    def to_py2neo(self) -> Any:
        """A ``py2neo.Subgraph`` of the nodes and edges, as the graph has them: `provgraph.export.py2neo`."""
        from provgraph.export.py2neo import to_py2neo

        return to_py2neo(self.lineage)

    def document(self, *, redact: Redaction | str | Path = "none", profile: str = "", limit: int = MOST) -> Document:
        """The lineage as a PROV document, with all that is recorded of it, as `Survey.as_prov`: all of it, or an error.

        limit : most nodes, with calls and statements.

        Raises
        ------
        InvalidInput : ``lineage_truncated`` where nodes were left out, or time ran out.
        """
        return self._document(redact, profile, limit, partial=False)

    def _document(self, redact: Redaction | str | Path, profile: str, limit: int, *, partial: bool) -> Document:
        from provgraph.export import native, recorded

        if self._mapper is None:
            recorded.check_whole(self.lineage)
            return native.document(self.lineage)
        return recorded.document(
            self._mapper, self.lineage, redact=redact, profile=profile, limit=limit, terms=self._terms, partial=partial
        )

    def write(self, path: str | Path, format: str = "", *, redact: Redaction | str | Path = "private") -> Path:
        """Write to a file whose suffix says the format: .prov.json, .provn, .svg, .dot or .txt. redact : as `to`."""
        target = Path(path)
        found = format or next((f for s, f in SUFFIXES.items() if target.name.lower().endswith(s)), "")
        if not found:
            raise UsageError(
                f"{target.name} does not say a format; end it in one of {', '.join(SUFFIXES)}, or give format=.",
                code="format_unknown",
            )
        text = self.to(found, redact=redact)
        with replacing(target) as part:
            part.write_text(text, encoding="utf-8")
        return target

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        left_out = f", {self.lineage.truncated} left out" if self.lineage.truncated else ""
        return f"<Lineage of {len(self.lineage.nodes)} nodes and {len(self.lineage.edges)} edges{left_out}>"


class ImportedView(LineageView):
    """The lineage of a thing that an imported document speaks of; ids are IRIs, and as PROV it is what the document says."""

    def __init__(self, lineage: Lineage, said: Document) -> None:
        super().__init__(lineage, {})
        self.said = said

    def to(self, format: str, *, redact: Redaction | str | Path = "none") -> str:
        if format in FORMATS:
            return dumps(self.document(redact="none" if redact == "private" else redact), format)
        return super().to(format)

    def document(self, *, redact: Redaction | str | Path = "none", profile: str = "", limit: int = MOST) -> Document:
        """What the document says of the thing and of everything that it came from, as it came in."""
        if redact != "none" or profile:
            raise UsageError("What an imported document says comes out as it came in; redact= and profile= are for what the survey "
                             "recorded.", code="usage")  # fmt: skip
        return self.said
