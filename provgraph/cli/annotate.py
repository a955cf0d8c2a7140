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
    provgraph annotate bright --identifier doi:10.5281/zenodo.1234
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", show_default=False,
        help="Anything: name, name@version, id or the end of one, or a file that was read or written.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call it from now on.")] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A word to find it by. Repeatable.")] = None,
    identifier: Annotated[str, typer.Option("--identifier", metavar="ID", show_default=False,
        help="Under which it was published, such as doi:10.5281/zenodo.1234; of any object.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Append dated statements about a thing: a name, a description, tags, an identifier. Nothing stored is changed.

    'provgraph impact' tells what was published, by the identifier. Where PROVGRAPH_PUBLICATION_POLICY names a provenance policy,
    --identifier first checks by it; exit status 5 where it is violated, and nothing is stated.
    """
    if not (name or description or tag or identifier):
        raise UsageError("There is nothing to say: give --name, --description, --tag or --identifier.")
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        meant = options.thing(found, thing)
        one = found.annotate(meant, name=name, description=description, tags=tag or (), identifier=identifier)
        data = records.details(found, one)
    given = {"name": name, "description": description, "tags": tag, "identifier": identifier}
    said = [word for word, value in given.items() if value]
    emit(data, as_json, lambda d: f"{records.title(d)}: {', '.join(said)} noted.")
