"""provgraph serve"""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import Annotated

import typer

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, directory_of
from provgraph.cli.output import emit
from provgraph.errors import needs_extra

NEEDS = ("strawberry", "starlette", "uvicorn", "jinja2", "orjson")
EXAMPLES = {
    "serve": """
    provgraph serve
    provgraph serve --survey survey/ --port 9000
    """
}


def require() -> None:
    """The optional packages of the service are there, or an error that says how to install them."""
    if not all(find_spec(package) for package in NEEDS):
        raise needs_extra("serve", "The service")


def run(
    host: Annotated[str, typer.Option("--host", metavar="HOST",
        help="Address to listen at; only this machine reaches 127.0.0.1.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="0 for any that is free.")] = 8765,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Serve the survey: GraphQL at /graphql with GraphiQL, objects as pages, results as downloads. Ends with Ctrl-C.

    Without accounts whoever reaches the port may do everything, so it listens to this machine only.
    """
    require()
    directory = directory_of(survey)
    from provgraph.api.server import serve

    if as_json:
        emit({"directory": str(directory), "host": host, "port": port}, True, str)
    with suppress(KeyboardInterrupt):  # how it is meant to end
        serve(directory, graph=graph, host=host, port=port)
