"""provgraph status"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
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
        str, typer.Argument(metavar="THING", help="Collection or object: name, name@version or id.", show_default=False)
    ],
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say whether something is still what would be made today: UP_TO_DATE, OUT_OF_DATE, NEWER_EXISTS or UNKNOWN, with reasons.

    Exit status 4 where it is out of date: of a collection, because it rests on a calculator that was declared invalid; of a process
    target, because of what it was made from, with or by. Nothing is processed.
    """
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        one = options.thing(found, thing)
        status = found.status(one)
        data = records.reference(found, one) | records.status(status)
        data["not_here"] = list(status.not_here)
    emit(data, as_json, lambda _: str(status))
    if status.status == OUT_OF_DATE:
        raise typer.Exit(EXIT_DIFFERS)
