"""provgraph forget"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message

EXAMPLES = {
    "forget": """
    provgraph forget bright
    provgraph forget bright --yes
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", help="Collection: name, name@version or id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only say what would go.", show_default=False)] = False,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Drop the stored values that were derived for a collection.

    Lineage and digests stay; the values are made again when somebody asks for them. What was put in is never dropped.
    """
    with options.opened(survey, graph) as found:
        gone = found.forget(options.collection(found, thing), dry_run=not yes)
    data = {
        "segments": gone.segments, "bytes": gone.bytes, "seconds": gone.seconds, "attributes": list(gone.attributes),
        "done": gone.done,
    }  # fmt: skip
    emit(data, as_json, lambda _: str(gone))
    if gone.segments and not yes:
        message("Nothing was dropped; --yes does it.")
