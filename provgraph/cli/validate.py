"""provgraph validate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit
from provgraph.errors import EXIT_INVALID

EXAMPLES = {
    "validate": """
    provgraph validate run.provn
    provgraph validate run.prov.json --json
    """
}


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False,
        help="PROV-JSON, PROV-N, PROV-XML, Turtle, TriG or PROV-JSONLD.")],
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="prov-json, prov-n, prov-xml, turtle, trig or jsonld; else as the file says.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Say whether a PROV document can be true, by the W3C's PROV-CONSTRAINTS; needs no survey.

    For every contradiction: the number of the constraint, the statements, none of which can be left out, and what would
    have to come before itself. Exit status 5 where there is one.
    """
    from provgraph.prov.constraints import validate
    from provgraph.prov.formats import read

    verdict = validate(read(file, format or None))
    emit({"file": str(file)} | verdict.as_dict(), as_json, lambda _: str(verdict))
    if verdict.valid is False:
        raise typer.Exit(EXIT_INVALID)
