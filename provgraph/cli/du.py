"""provgraph du"""

from __future__ import annotations

from typing import Any

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, table

EXAMPLES = {
    "du": """
    provgraph du
    provgraph du --json
    """
}


def run(survey: SurveyOption = None, graph: GraphOption = "", as_json: JsonOption = False) -> None:
    """Show how much room each kind of thing takes."""
    with options.opened(survey, graph) as found:
        data = [{"kind": r.kind, "files": r.files, "bytes": r.bytes} for r in found.du()]
    emit(data, as_json, _render)


def _render(data: list[dict[str, Any]]) -> str:
    rows = [(d["kind"], f"{d['files']:,}", f"{d['bytes']:,}") for d in data]
    rows.append(("together", f"{sum(d['files'] for d in data):,}", f"{sum(d['bytes'] for d in data):,}"))
    return table(("what", "files", "bytes"), rows, right=("files", "bytes"))
