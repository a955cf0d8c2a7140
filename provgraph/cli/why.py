"""provgraph why"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit

EXAMPLES = {"why": "provgraph why bright"}


def run(
    thing: Annotated[
        str, typer.Argument(metavar="THING", help="Collection: name, name@version or id.", show_default=False)
    ],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the pulls that led to a collection: what was asked, what was found, created or rejected, and why."""
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        why = found.why(options.collection(found, thing))
        data = records.why(why)
    emit(data, as_json, lambda _: str(why))
