"""provgraph ls"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, short
from provgraph.cli.output import count, emit, message, table

EXAMPLES = {
    "ls": """
    provgraph ls
    provgraph ls --all --limit 100
    provgraph ls --same-sources-as bright --json
    """
}


def run(
    everything: Annotated[bool, typer.Option("--all", help="Also those that have no name.", show_default=False)] = False,
    same: Annotated[str, typer.Option("--same-sources-as", metavar="THING",
        help="Only collections that provably have exactly these sources.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many, newest first.", min=1)] = 50,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """List Source Collections, newest first: those with a name, and catalogs that were ingested.

    The number of sources stands where it is known; nothing is processed to find it out.
    """
    from provgraph.cli import records

    with options.opened(survey, graph) as found:
        if same:
            collections = found.find(same_sources_as=options.collection(found, same), limit=10_000)
        else:
            collections = found.collections(10_000)
        shown = collections
        if not everything and not same:
            names = found.names_of([c.object_id for c in collections])
            shown = [
                c
                for c in collections
                if names.get(c.object_id) or type(c).__name__ in ("External", "SourceListWrapper")
            ]
        data: list[dict[str, Any]] = records.summaries(found, shown[:limit])
    emit(data, as_json, _render)
    if len(shown) > limit:
        message(f"{len(shown) - limit} more; --limit {len(shown)} shows them.")
    if len(shown) < len(collections):
        message(f"{count(len(collections) - len(shown), 'collection')} without a name; --all shows them.")


def _render(data: list[dict[str, Any]]) -> str:
    if not data:
        return "There are no Source Collections yet; make one with 'provgraph ingest FILE --name NAME --id COLUMN'."
    return rows(data)


def rows(data: list[dict[str, Any]]) -> str:
    """Collections as lines of a table."""
    from provgraph.cli.records import title

    lines = [
        (title(d), "" if d["sources"] is None else f"{d['sources']:,}", d["attributes"], d["created"][:16].replace("T", " "),
         short(d["id"]), d["notation"])
        for d in data
    ]  # fmt: skip
    headers = ("name", "sources", "attributes", "created", "id", "made as")
    return table(headers, lines, right=("sources", "attributes"), cut="made as")
