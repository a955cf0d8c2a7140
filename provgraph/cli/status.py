"""provgraph status"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit
from provgraph.errors import EXIT_DIFFERS
from provgraph.names import OUT_OF_DATE

EXAMPLES = {
    "status": """
    provgraph status bright
    provgraph status bright > /dev/null || provgraph why bright
    """
}


def run(
    thing: Annotated[
        str, typer.Argument(metavar="THING", help="Collection: name, name@version or id.", show_default=False)
    ],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say whether a collection is still what would be made today: UP_TO_DATE, OUT_OF_DATE, NEWER_EXISTS or UNKNOWN.

    Exit status 4 where it is out of date: it rests on a calculator that was declared invalid. Nothing is processed.
    """
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        one = options.collection(found, thing)
        status = found.status(one)
        data = records.reference(found, one) | records.status(status)
        data["not_here"] = list(status.not_here)
    emit(data, as_json, lambda _: str(status))
    if status.status == OUT_OF_DATE:
        raise typer.Exit(EXIT_DIFFERS)
