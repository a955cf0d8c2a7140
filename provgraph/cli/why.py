"""provgraph why"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit

EXAMPLES = {"why": "provgraph why bright"}


def run(
    thing: Annotated[
        str, typer.Argument(metavar="THING", help="Collection or object: name, name@version or id.", show_default=False)
    ],
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show why something is as it is.

    Of a collection the pulls that led to it: what was asked, what was found, created or rejected, and why. Of a target what it was
    made from, what of that its class chose, the chain of reasons why it is out of date, and what make would do.
    """
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        why = found.why(options.thing(found, thing))
        data = records.why(why)
    emit(data, as_json, lambda _: str(why))
