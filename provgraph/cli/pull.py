"""provgraph pull"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, listed, pairs
from provgraph.cli.output import count, emit, hint, message, progress, table
from provgraph.errors import UsageError

FIRST = 10
EXAMPLES = {
    "pull": """
    provgraph pull "SDSS quasars" SDSS z absmag_i --where "z < 0.5 and i_mag > 0" --name bright --out bright.fits
    provgraph pull "SDSS quasars" z absmag_i --where "z < 0.5" --explain
    provgraph pull "SDSS quasars" absmag_i --use absmag_i=absmag_i@1 --parameter absmag_i.H0=67 --avoid old
    provgraph pull "SDSS quasars" z --where "z < 0.5" --script > again.py
    """
}


def run(
    start: Annotated[str, typer.Argument(metavar="START", help="Collection to start from.", show_default=False)],
    attributes: Annotated[list[str], typer.Argument(metavar="ATTRIBUTE", help="Attributes wanted, in order.",
        show_default=False)],
    where: Annotated[str, typer.Option("--where", metavar="CRITERION",
        help="Which sources, such as \"z < 0.5 and i_mag > 0\".")] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the result.")] = "",
    use: Annotated[list[str] | None, typer.Option("--use", metavar="ATTRIBUTE=THING",
        help="Take an attribute from this collection, or derive it by this calculator. Repeatable.")] = None,
    avoid: Annotated[list[str] | None, typer.Option("--avoid", metavar="THING",
        help="A collection or calculator not to use. Repeatable.")] = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", metavar="ATTRIBUTE.NAME=VALUE",
        help="Process parameter in place of its default, such as absmag_i.H0=67; or a whole collection. Repeatable.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE",
        help="Write the table: .fits, .vot, .parquet, .h5, .csv or .arrow.", show_default=False)] = None,
    explain: Annotated[bool, typer.Option("--explain", show_default=False,
        help="Print what was found, what was created and why, and the plan; processes nothing unless --out does.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Print each rewrite of the plan.", show_default=False)] = False,
    script: Annotated[bool, typer.Option("--script", show_default=False,
        help="Print Python that repeats this with pinned versions.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Explain and store nothing.", show_default=False)] = False,
    rows: Annotated[int | None, typer.Option("--rows", metavar="N", min=0, show_default=False,
        help=f"Print so many of the first sources; {FIRST} where nothing else is asked for.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say what a catalog should contain; get the table.

    Finds or creates every step in its most general form, and processes what this request needs. Without --out, --explain
    or --script the first sources are printed.
    """
    if dry_run and (out is not None or rows is not None):
        raise UsageError("--dry-run processes nothing: leave --out and --rows away.")
    asked = explain or script or dry_run
    most = rows if rows is not None else None if asked or out is not None else FIRST
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        if out is not None:
            from provgraph.export.tables import exporter_of

            exporter_of(out)  # before anything is made for a file that nobody can write
        first = options.collection(found, start)
        overruled: dict[str, Any] = {
            "use": {n: options.thing(found, t) for n, t in pairs("--use", use or ()).items()},
            "avoid": [options.thing(found, t) for t in avoid or ()], "parameters": options.parameters(found, parameter or ()),
        }  # fmt: skip
        pull = found.pull(first, listed(attributes), where=where, name=name, create=not dry_run, **overruled)
        rewrites: list[str] = []
        if trace:
            pull.explain(trace=lambda entry: _tell(rewrites, str(entry), as_json))
        data: dict[str, Any] = {"result": None, "sources": None, "attributes": records.columns(pull.result)}
        if out is not None or most is not None:
            with progress("processing") as tell:
                table_ = pull.data(progress=tell)
            data["sources"] = len(table_)
            data["rows"] = None if most is None else records.rows(table_, most)
        file = None if out is None else pull.write(out)
        if not dry_run:
            data["result"] = records.summaries(found, [pull.result])[0]
        explanation = pull.explain() if explain or dry_run else None
        data |= {
            "rows": data.get("rows"), "file": None if file is None else str(file),
            "explanation": None if explanation is None else explanation.as_dict(),
            "trace": rewrites if trace else None, "script": pull.script() if script else None,
            "processed": _measured(pull.measured),
        }  # fmt: skip
    if as_json:
        emit(data, True, str)
    else:
        parts = [str(explanation) if explanation is not None else "", data["script"] or ""]
        parts.append("" if most is None else _head(data))
        text = "\n\n".join(p.rstrip("\n") for p in parts if p)
        if text:
            print(text)
    if file is not None:
        message(f"Wrote {file}: {count(data['sources'], 'source')}, {count(len(data['attributes']), 'attribute')}.")
    if not dry_run:
        hint(f"provgraph lineage {shlex.quote(name or str(file or options.short(pull.result.object_id)))}")


def _tell(rewrites: list[str], entry: str, as_json: bool) -> None:
    rewrites.append(entry)
    if not as_json:
        print(entry)  # as it happens


def _measured(measured: Any) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "filtered": measured.filtered, "calculated": dict(measured.calculated), "seconds": measured.seconds,
        "segments_kept": measured.kept,
    }  # fmt: skip


def _head(data: dict[str, Any]) -> str:
    """The first sources as a table with units, and how many there are."""
    from provgraph.cli.records import title

    names = [a["name"] for a in data["attributes"]]
    units = [f"[{a['unit']}]" if a["unit"] not in ("", "?") else "" for a in data["attributes"]]
    body = [["--" if row[n] is None else row[n] for n in names] for row in data["rows"]]
    if any(units) and body:
        body.insert(0, list(units))
    numeric = [a["name"] for a in data["attributes"] if a["dtype"] != "U"]
    shown = f"first {len(data['rows'])} of " if 0 < len(data["rows"]) < data["sources"] else ""
    counted = f"{title(data['result'])}: {shown}{count(data['sources'], 'source')}."
    return f"{table(names, body, right=numeric)}\n\n{counted}" if data["rows"] else counted
