"""provgraph annotate"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit
from provgraph.errors import UsageError

EXAMPLES = {
    "annotate": """
    provgraph annotate bright --description "Bright quasars for the proposal" --tag proposal --tag 2026
    provgraph annotate 3f2a9c1d --name bright
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", show_default=False,
        help="Source Collection: name, name@version, id or the end of one.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it from now on.")] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A word to find it by. Repeatable.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Append dated statements about a Source Collection: a name, a description, tags. Nothing stored is changed."""
    if not (name or description or tag):
        raise UsageError("There is nothing to say: give --name, --description or --tag.")
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        one = found.annotate(options.collection(found, thing), name=name, description=description, tags=tag or ())
        data = records.details(found, one)
    said = [word for word, given in (("name", name), ("description", description), ("tags", tag)) if given]
    emit(data, as_json, lambda d: f"{records.title(d)}: {', '.join(said)} noted.")
