"""provgraph validate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit
from provgraph.errors import EXIT_INVALID, FileUnreadable, NotFound

EXAMPLES = {
    "validate": """
    provgraph validate run.provn
    provgraph validate run.prov.json --json
    """
}


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False,
        help="PROV-JSON, PROV-N, PROV-XML, Turtle, TriG or PROV-JSONLD; where there is no such file, an imported document of the "
        "survey, or a bundle of one.")],
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="prov-json, prov-n, prov-xml, turtle, trig or jsonld; else as the file says.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say whether a PROV document can be true, by the W3C's PROV-CONSTRAINTS; a file needs no survey.

    For every contradiction: the number of the constraint, the statements, none of which can be left out, and what would
    have to come before itself. Exit status 5 where there is one.
    """
    from provgraph.prov.constraints import validate
    from provgraph.prov.formats import read

    try:
        verdict = validate(read(Path(file), format or None))
    except FileUnreadable as unreadable:
        if Path(file).exists():
            raise
        try:
            with options.opened(survey, graph) as found:
                verdict = found.validate_prov(file)
        except NotFound:
            raise unreadable from None
    emit({"file": file} | verdict.as_dict(), as_json, lambda _: str(verdict))
    if verdict.valid is False:
        raise typer.Exit(EXIT_INVALID)
