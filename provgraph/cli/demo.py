"""provgraph demo"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit

EXAMPLES = {
    "demo": """
    provgraph demo
    provgraph demo --no-serve --survey /tmp/demo-survey
    """
}


def run(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the pulls.", show_default=False)] = False,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Address to serve at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0 for any that is free.")] = 8765,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Simulate a survey of galaxies, pull from it three times, show what happened, then serve it.

    The survey is made in demo-survey/ here, unless --survey says where. With --json the account goes to stderr and the
    places of what was written to stdout.
    """
    import os

    from provgraph import demo

    if not no_serve:
        from provgraph.cli.serve import require

        require()
    directory = survey or Path(demo.DIRECTORY)
    if graph:
        os.environ["PROVGRAPH_GRAPH"] = graph  # where `provgraph.open` of the demonstration looks
    console = None
    if as_json:
        from rich.console import Console

        console = Console(stderr=True, width=demo.WIDTH)
    demo.run(directory, serve=False if as_json else not no_serve, host=host, port=port, console=console)
    if as_json:
        written = sorted(str(p) for p in directory.glob(f"{demo.LINEAGE}.*"))
        emit({"directory": str(directory), "written": written}, True, str)
