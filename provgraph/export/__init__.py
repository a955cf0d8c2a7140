"""The graph out, one format a file: each is a function from a lineage to text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from provgraph.export import dot, prov_json, prov_n, svg, text
from provgraph.graph.lineage import Lineage


@dataclass(frozen=True)
class Exporter:
    """A format a lineage can be written in.

    serialize : Lineage to the text of a whole file.
    suffixes : endings of file names, the usual one first.
    """

    serialize: Callable[[Lineage], str]
    suffixes: tuple[str, ...]
    media_type: str


EXPORTERS: Final = {
    "prov-json": Exporter(prov_json.serialize, (".prov.json", ".json"), "application/json"),
    "prov-n": Exporter(prov_n.serialize, (".provn",), "text/provenance-notation"),
    "dot": Exporter(dot.serialize, (".dot", ".gv"), "text/vnd.graphviz"),
    "svg": Exporter(svg.serialize, (".svg",), "image/svg+xml"),
    "text": Exporter(text.serialize, (".txt",), "text/plain"),
}
