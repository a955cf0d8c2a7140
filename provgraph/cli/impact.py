"""provgraph impact"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message
from provgraph.errors import UsageError

EXAMPLES = {
    "impact": """
    provgraph impact absmag --cause invalid
    provgraph impact absmag --only published
    provgraph impact absmag --invalidate "the distance modulus was wrong"
    """
}


def run(
    things: Annotated[list[str], typer.Argument(metavar="THING...", show_default=False,
        help="What may be wrong: name, name@version, id, calculator or file.")],
    cause: Annotated[str, typer.Option("--cause", metavar="CAUSE", help="invalid or superseded.")] = "invalid",
    only: Annotated[str, typer.Option("--only", metavar="WHICH", help="all, stored or published.")] = "all",
    invalidate: Annotated[str | None, typer.Option("--invalidate", metavar="REASON", show_default=False,
        help="Then declare it wrong, for this reason.")] = None,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say what is affected if something is wrong: how much of what class, what it costs to make again, what is published.

    Nothing is declared unless --invalidate says why.
    """
    if invalidate is not None and cause != "invalid":
        raise UsageError(f"--invalidate goes with --cause invalid, not {cause}.", code="usage", option="--cause")
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        told: Any = found.impact(*(options.thing(found, x) for x in things), cause=cause, only=only)
        if invalidate is not None:
            told.invalidate(invalidate)
    emit(told.as_dict() | {"invalidated": invalidate is not None}, as_json, lambda _: str(told))
    if invalidate is not None:
        message(f"Declared invalid: {invalidate}")
