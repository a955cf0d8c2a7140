"""provgraph paths"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit
from provgraph.errors import EXIT_NOT_FOUND

EXAMPLES = {
    "paths": """
    provgraph paths bright "SDSS quasars"
    provgraph paths bright "SDSS quasars" --all --limit 100
    """
}


def run(
    a: Annotated[str, typer.Argument(metavar="A", help="Name, name@version, id or file.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another thing.", show_default=False)],
    every: Annotated[bool, typer.Option("--all", help="Every path, not only the shortest.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many paths.")] = 10,
    relations: Annotated[list[str] | None, typer.Option("--relation", metavar="NAME", show_default=False,
        help="Follow only this relation, such as used. Repeatable.")] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME", show_default=False,
        help="As it was recorded at a date or time, UTC.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show how one thing comes from another, whichever of the two is the cause.

    Exit status 3 where neither comes from the other.
    """
    with options.opened(survey, graph) as found:
        ways = found.paths(
            *(options.thing(found, x) for x in (a, b)), mode="all" if every else "shortest", limit=limit,
            relations=options.listed(relations or []), as_of=as_of,
        )  # fmt: skip
    emit(ways.as_dict(), as_json, lambda _: str(ways))
    if not ways.ways:
        raise typer.Exit(EXIT_NOT_FOUND)
