"""provgraph import"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, hint, table

EXAMPLES = {
    "import": """
    provgraph import run.prov.json
    provgraph import events.jsonl
    provgraph import
    """
}


def run(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False,
        help="PROV-JSON, PROV-N, PROV-XML, Turtle, TriG, PROV-JSONLD, OpenLineage events, or what thepipe wrote; none lists the "
        "documents that are there.")] = None,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="prov-json, prov-n, prov-xml, turtle, trig, jsonld, openlineage or thepipe; else as the file says.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Keep a PROV document in the survey: every statement in the graph, and its bytes as they came.

    It is kept whole or, where it cannot be read, not at all. Equal bytes are kept once. Things meet those of the survey
    by their IRIs; nothing is merged, and export gives the document back.
    """
    with options.opened(survey, graph) as found:
        if file is None:
            emit([one.as_dict() for one in found.documents()], as_json, _listed)
            return
        made = found.import_prov(file, format=format)
    there = "" if made.new else " (it was there; its bytes were put back)" if made.restored else " (it was there)"
    emit(made.as_dict(), as_json, lambda _: f"{made.id}  {made}{there}")
    hint(f"provgraph export {options.short(made.id)} --format prov-n")


def _listed(documents: list[dict[str, Any]]) -> str:
    if not documents:
        return "No PROV document was imported."
    rows = [
        [
            options.short(d["id"]),
            d["name"],
            d["format"],
            sum(d["statements"].values()),
            len(d["bundles"]),
            d["recorded"][:19],
        ]
        for d in documents
    ]
    headers = ("id", "name", "format", "statements", "bundles", "imported")
    return table(headers, rows, right=("statements", "bundles"), cut="name")
