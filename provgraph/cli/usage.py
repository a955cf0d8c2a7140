"""provgraph usage"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message

EXAMPLES = {
    "usage": """
    provgraph usage
    provgraph usage BiasFrame --by ccd --classes mypipeline --plot bias.svg
    provgraph usage ReducedFrame --by raw.filter --since 2026-11-01 --classes mypipeline
    """
}


def run(
    cls: Annotated[
        str, typer.Argument(metavar="[CLASS]", help="Only of this class, a row for each thing.", show_default=False)
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="PROPERTY", help="A row for each value of it, such as raw.filter.", show_default=False
        ),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="DATE", help="Only what happened since, such as 2026-11-21.", show_default=False
        ),
    ] = "",
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Write how it grew over time, as SVG.", show_default=False),
    ] = None,
    count: Annotated[
        str, typer.Option("--count", metavar="WHAT", help="What the plot shows: made, reused, delivered.")
    ] = "made",
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show how often things were made, reused and delivered, and what that cost in time and bytes."""
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        usage = found.usage(cls, by=by, since=since)
        if plot is not None:
            usage.plot(plot, count)
    emit(usage.as_dict(), as_json, lambda _: str(usage))
    if plot is not None:
        message(f"Wrote {plot}.")
