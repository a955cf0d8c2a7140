"""provgraph init"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, hint

EXAMPLES = {
    "init": """
    provgraph init survey/
    provgraph init survey/ --graph bolt://localhost:7687     # PROVGRAPH_GRAPH_AUTH=user:password
    """
}


def run(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there.", show_default=False)],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a survey in a directory. One that is there already stays as it is.

    The graph is embedded in the directory, unless an address says where else.
    """
    from provgraph import opening

    there = (directory / opening.SURVEY_FILE).is_file()
    with opening.open(directory, graph=graph) as made:
        data = {
            "directory": str(made.directory), "survey_id": made.survey_id, "graph": made.engine.name, "created": not there,
        }  # fmt: skip
    emit(data, as_json, lambda d: f"{'Made' if d['created'] else 'There is already'} a survey in {d['directory']}.")
    hint(f"export PROVGRAPH_SURVEY={shlex.quote(str(directory))}; provgraph ingest FILE --name NAME --id COLUMN")
