"""provgraph lineage"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import message, to_json
from provgraph.errors import FileDiffers, FileUnclear, UsageError

EXAMPLES = {
    "lineage": """
    provgraph lineage bright --up 3
    provgraph lineage bright.fits --format prov-json --out bright.prov.json
    provgraph lineage "SDSS quasars" --up 0 --down 5
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", show_default=False,
        help="Name, name@version, id or the end of one, calculator, or a file that was read or written.")],
    up: Annotated[int | None, typer.Option("--up", metavar="N", min=0, show_default=False,
        help="How far towards what it depends on; else all the way.")] = None,
    down: Annotated[int, typer.Option("--down", metavar="N", min=0, help="How far towards what depends on it.")] = 0,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many nodes.")] = 1000,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="text, svg, dot, prov-json or prov-n; else as --out says, else text.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", show_default=False,
        help="Write to a file: .txt, .svg, .dot, .prov.json, .json or .provn.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show or export where something comes from and what came of it, as one W3C PROV graph.

    A file is known by its bytes. One that was changed since it was written shows what it was written from, with exit
    status 4; one that has the bytes of several shows all of them.

    --json prints nodes and edges as the graph has them; the W3C's JSON is --format prov-json.
    """
    _check_suffix(out, format)
    unclear: FileUnclear | None = None
    with options.opened(survey, graph) as found:
        try:
            things = [options.thing(found, thing)]
        except FileUnclear as error:
            unclear, things = error, found.mapper.many(error.objects)
        view = found.lineage(things, up=up, down=down, limit=limit)
        written = None if out is None else view.write(out, format)
        if as_json:
            print(to_json(_data(view, written) | {"unclear": unclear and unclear.as_dict()}))
        elif written is None:
            print(view.to(format or "text").rstrip("\n"))
    if written is not None:
        message(f"Wrote {written}: {len(view.nodes)} nodes, {len(view.edges)} edges.")
    if not view.complete:
        message(f"{view.truncated} nodes were left out; raise --limit to see them.")
    if unclear is not None:
        message(unclear.message)
    if isinstance(unclear, FileDiffers):
        raise typer.Exit(unclear.exit_status)


def _check_suffix(out: Path | None, format: str) -> None:
    """A file that would not be what its name says is not written; a suffix of no format is the user's own."""
    from provgraph.lineage import SUFFIXES

    meant = next((f for s, f in SUFFIXES.items() if out and out.name.lower().endswith(s)), format)
    if out and format and meant != format:
        raise UsageError(
            f"{out.name} says {meant}, --format says {format}; give one of the two.", code="format_contradicted"
        )


def _data(view: Any, written: Path | None) -> dict[str, Any]:
    return {
        "roots": list(view.roots),
        "nodes": [
            {"id": n.id, "kind": n.kind, "class": n.class_name, "label": n.label, "properties": dict(n.properties)}
            for n in view.nodes
        ],
        "edges": [
            {"source": e.source, "target": e.target, "relation": e.relation, "properties": dict(e.properties)}
            for e in view.edges
        ],
        "complete": view.complete, "truncated": view.truncated, "file": None if written is None else str(written),
    }  # fmt: skip
