"""provgraph ingest"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, listed, numbers, pairs
from provgraph.cli.output import count, emit, hint, progress

EXAMPLES = {
    "ingest": """
    provgraph ingest SDSS_QSO.tab.gz --name "SDSS quasars" --id SDSS
    provgraph ingest cat.fits --name galaxies --id ID --columns ID,RA,DEC,z --rename RA=ra --unit RA=deg --missing z=-9
    """
}


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False,
        help="FITS, VOTable, CSV, ECSV, IPAC or other text (these also gzipped), Parquet, Arrow or HDF5. Recognised by content.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the collection.")] = "",
    id: Annotated[str, typer.Option("--id", metavar="COLUMN",
        help="Column with the identifiers; without it the rows are numbered.")] = "",
    id_space: Annotated[str, typer.Option("--id-space", metavar="SPACE",
        help="Catalogs with the same identifiers for the same sources share one; else a catalog is its own.")] = "",
    table: Annotated[str, typer.Option("--table", metavar="NAME|NUMBER", help="Which table of the file.")] = "",
    columns: Annotated[list[str] | None, typer.Option("--columns", metavar="A,B,...",
        help="Which columns; else all.")] = None,
    rename: Annotated[list[str] | None, typer.Option("--rename", metavar="OLD=NEW",
        help="Name of the attribute for a column of the file. Repeatable.")] = None,
    unit: Annotated[list[str] | None, typer.Option("--unit", metavar="COLUMN=UNIT",
        help="VOUnit of a column, '?' if unknown. Repeatable.")] = None,
    ucd: Annotated[list[str] | None, typer.Option("--ucd", metavar="COLUMN=UCD", help="UCD of a column. Repeatable.")] = None,
    description: Annotated[list[str] | None, typer.Option("--description", metavar="COLUMN=TEXT",
        help="Description of a column. Repeatable.")] = None,
    missing: Annotated[list[str] | None, typer.Option("--missing", metavar="COLUMN=V,...",
        help="Values that mean 'not measured'. Repeatable.")] = None,
    replaces: Annotated[str, typer.Option("--replaces", metavar="NAME",
        help="The collection that this is the next version of.")] = "",
    source_list: Annotated[int | None, typer.Option("--source-list", metavar="NUMBER",
        help="The file is the source list of this number (SLID); --id numbers its sources.")] = None,
    frame: Annotated[list[str] | None, typer.Option("--frame", metavar="NAME",
        help="What a source list was measured on. Repeatable.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make a Source Collection of a catalog file.

    Equal bytes with an equal declaration give the collection that is there already. Missing values are declared, never
    guessed.
    """
    declared = {
        "rename": pairs("--rename", rename or ()), "units": pairs("--unit", unit or ()),
        "ucds": pairs("--ucd", ucd or ()), "descriptions": pairs("--description", description or ()),
        "missing": pairs("--missing", missing or (), numbers),
    }  # fmt: skip
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        old = options.collection(found, replaces) if replaces else None
        with progress(f"ingesting {file.name}") as tell:
            made = found.ingest(
                file, name=name, id=id or None, id_space=id_space, columns=listed(columns or ()), replaces=old,
                table=int(table) if table.isdecimal() else table or None, progress=tell, source_list=source_list,
                frames=[options.collection(found, one) for one in frame or ()], **declared,  # type: ignore[arg-type]
            )  # fmt: skip
        data = records.summaries(found, [made])[0]
    emit(data, as_json, _render)
    hint(f"provgraph show {shlex.quote(name or options.short(str(data['id'])))}")


def _render(d: dict[str, Any]) -> str:
    from provgraph.cli.records import title

    return f"{title(d)}: {count(d['sources'], 'source')}, {count(d['attributes'], 'attribute')}."
