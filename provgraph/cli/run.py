"""provgraph run"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption

EXAMPLES = {
    "run": """
    provgraph run reduce_night.py 2026-11-21
    provgraph run --survey night reduce_night.py --quick
    """
}
CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def run(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="Python script.", show_default=False)],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENTS...", help="What the script gets.", show_default=False)
    ] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Run a Python script inside the survey: the script, its arguments, and every call in it become part of the graph.

    Its exit status is that of the script, and what it prints is the script's; --json is for errors of this command.
    """
    from provgraph.trace.script import run_script

    with options.opened(survey, graph) as found:
        status = run_script(found, script, tuple(arguments or ()))
    if status:
        raise typer.Exit(status)
