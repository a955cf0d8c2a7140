"""provgraph lineage"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import message, to_json
from provgraph.errors import FileDiffers, FileUnclear, NotFound, UsageError

EXAMPLES = {
    "lineage": """
    provgraph lineage bright --up 3
    provgraph lineage bright.fits --format prov-json --out bright.prov.json
    provgraph lineage "SDSS quasars" --up 0 --down 5
    provgraph lineage bright --only External --as-of 2026-03-01
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", show_default=False,
        help="Name, name@version, id or the end of one, calculator, a file that was read or written; or an IRI of which an "
        "imported document speaks, or a file with that in it.")],
    up: Annotated[int | None, typer.Option("--up", metavar="N", min=0, show_default=False,
        help="How far towards what it depends on; else all the way.")] = None,
    down: Annotated[int, typer.Option("--down", metavar="N", min=0, help="How far towards what depends on it.")] = 0,
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT",
        help="What --up and --down count: entity, activity or edge.")] = "entity",
    relations: Annotated[list[str] | None, typer.Option("--relation", metavar="NAME", show_default=False,
        help="Follow only this relation, such as used. Repeatable.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="WHAT", show_default=False,
        help="Show only these: a class, a call such as Flat.make, entity, activity, agent, a name or an id. Repeatable.")] = None,
    without: Annotated[list[str] | None, typer.Option("--without", metavar="WHAT", show_default=False,
        help="As if these were not there; said as for --only. Repeatable.")] = None,
    stop_at: Annotated[list[str] | None, typer.Option("--stop-at", metavar="WHAT", show_default=False,
        help="Do not look behind these; said as for --only. Repeatable.")] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME", show_default=False,
        help="As it was recorded at a date or time, UTC.")] = "",
    valid_at: Annotated[str, typer.Option("--valid-at", metavar="TIME", show_default=False,
        help="Only what was valid then.")] = "",
    seconds: Annotated[float | None, typer.Option("--seconds", metavar="N", show_default=False,
        help="End after so many seconds, with what was found.")] = None,
    within: Annotated[str, typer.Option("--within", metavar="DOCUMENT", show_default=False,
        help="Of what only imported documents speak of: the one that is meant, where several do.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many nodes.")] = 1000,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="text, svg, dot, prov-json or prov-n; else as --out says, else text.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", show_default=False,
        help="Write to a file: .txt, .svg, .dot, .prov.json, .json or .provn.")] = None,
    redact: Annotated[str, typer.Option("--redact", metavar="POLICY", show_default=False,
        help="What is taken out of prov-json and prov-n, as 'provgraph export' does: private, none, or a TOML file with rules; "
        "else private.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show or export where something comes from and what came of it, as one W3C PROV graph.

    A file is known by its bytes. One that was changed since it was written shows what it was written from, with exit
    status 4; one that has the bytes of several shows all of them. One that is known only by an identifier in it (an HDF5
    attribute, a FITS keyword, an INFO of a VOTable) shows what an imported document says of that.

    --json prints nodes and edges as the graph has them; the W3C's JSON is --format prov-json.
    """
    _check_suffix(out, format)
    unclear: FileUnclear | None = None
    things: Any
    with options.opened(survey, graph) as found:
        try:
            things = [options.thing(found, thing)]
        except FileUnclear as error:
            unclear, things = error, found.mapper.many(error.objects)
        except NotFound:
            things = thing  # an imported document may speak of it
        said = {
            "unit": "" if unit == "entity" else unit, "relations": options.listed(relations or []),
            "only": options.listed(only or []), "without": options.listed(without or []),
            "stop_at": options.listed(stop_at or []), "within": within, "as_of": as_of, "valid_at": valid_at, "seconds": seconds,
        }  # fmt: skip
        terms: dict[str, Any] = {word: value for word, value in said.items() if value not in ("", [], None)}
        view = found.lineage(things, up=up, down=down, limit=limit, **terms)
        written = None if out is None else view.write(out, format, redact=redact or "private")
        if as_json:
            print(to_json(_data(view, written) | {"unclear": unclear and unclear.as_dict()}))
        elif written is None:
            print(view.to(format or "text", redact=redact or "private").rstrip("\n"))
    if written is not None:
        message(f"Wrote {written}: {len(view.nodes)} nodes, {len(view.edges)} edges.")
    if view.ended_by == "seconds":
        message(f"It ended after {view.seconds:.1f} seconds; raise --seconds to see the rest.")
    elif not view.complete:
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
        "complete": view.complete, "truncated": view.truncated, "ended_by": view.ended_by,
        "file": None if written is None else str(written),
    }  # fmt: skip
