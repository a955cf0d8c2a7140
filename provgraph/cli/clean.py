"""provgraph clean"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message, table

EXAMPLES = {
    "clean": """
    provgraph clean
    provgraph clean --yes
    """
}


def run(
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; else only list.", show_default=False)] = False,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """List files that nothing needs, and why; with --yes remove them.

    These are values that were forgotten or never registered, files that no object has, and what ended processes left behind.
    """
    with options.opened(survey, graph) as found:
        gone = found.clean(dry_run=not yes)
        data = [{"file": str(r.path.relative_to(found.directory)), "bytes": r.bytes, "why": r.why} for r in gone]
    emit(data, as_json, _render)
    if data:
        message("Removed." if yes else "Nothing was removed; --yes does it.")


def _render(data: list[dict[str, Any]]) -> str:
    if not data:
        return "There is nothing that could be removed."
    return table(("file", "bytes", "why"), [(d["file"], f"{d['bytes']:,}", d["why"]) for d in data], right=("bytes",))
