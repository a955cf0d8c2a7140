"""A lineage as a user holds it: look at it, write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provgraph.errors import FileUnclear, UsageError
from provgraph.export import EXPORTERS
from provgraph.export.tables.files import replacing
from provgraph.graph.lineage import Lineage

# Longest first: '.prov.json' is PROV-JSON, and so is '.json'.
SUFFIXES = {
    ".prov.json": "prov-json", ".json": "prov-json", ".provn": "prov-n", ".prov-n": "prov-n", ".dot": "dot", ".gv": "dot",
    ".svg": "svg", ".txt": "text", ".text": "text",
}  # fmt: skip


class LineageView:
    """Nodes and edges of one W3C PROV graph, with the names people gave.

    nodes, edges : as read; complete : nothing was left out; truncated : how many nodes were. unclear : what is to be said
    of a file that is not plainly what is shown, else None.
    """

    def __init__(self, lineage: Lineage, names: Mapping[str, str], unclear: FileUnclear | None = None) -> None:
        self.unclear = unclear
        self.lineage = replace(
            lineage, nodes=tuple(replace(n, label=names[n.id]) if n.id in names else n for n in lineage.nodes)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["lineage"], name)

    def to(self, format: str) -> str:
        """The lineage as ``'prov-json'``, ``'prov-n'``, ``'svg'``, ``'dot'`` or ``'text'``."""
        if format not in EXPORTERS:
            known = ", ".join(EXPORTERS)
            raise UsageError(f"A lineage cannot be written as {format!r}; there are: {known}.", code="format_unknown")
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

    def write(self, path: str | Path, format: str = "") -> Path:
        """Write to a file whose suffix says the format: .prov.json, .provn, .svg, .dot or .txt."""
        target = Path(path)
        found = format or next((f for s, f in SUFFIXES.items() if target.name.lower().endswith(s)), "")
        if not found:
            raise UsageError(
                f"{target.name} does not say a format; end it in one of {', '.join(SUFFIXES)}, or give format=.",
                code="format_unknown",
            )
        text = self.to(found)
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
