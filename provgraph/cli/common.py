"""provgraph common"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit

EXAMPLES = {"common": "provgraph common bright faint"}


def run(
    things: Annotated[
        list[str], typer.Argument(metavar="THING...", help="Two things or more.", show_default=False)
    ],
    only: Annotated[list[str] | None, typer.Option("--only", metavar="WHAT", show_default=False,
        help="Show only these: a class, entity, activity, a name or an id. Repeatable.")] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME", show_default=False,
        help="As it was recorded at a date or time, UTC.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what several things come from, nearest first; * marks what stands behind nothing else of it."""
    with options.opened(survey, graph) as found:
        shared = found.common_ancestors(
            *(options.thing(found, x) for x in things), only=options.listed(only or []), as_of=as_of
        )
    emit(shared.as_dict(), as_json, lambda _: str(shared))
