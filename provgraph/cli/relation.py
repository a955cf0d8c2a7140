"""provgraph relation"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit

EXAMPLES = {
    "relation": """
    provgraph relation near bright
    provgraph relation train test --json
    """
}
_ASKED = {
    "subset": "is {a} part of {b}?", "superset": "is {b} part of {a}?", "equal": "have they the same sources?",
    "disjoint": "have they no common source?",
}  # fmt: skip


def run(
    a: Annotated[str, typer.Argument(metavar="A", help="Collection: name, name@version or id.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say how the sources of two collections relate, with the reason for each answer.

    An answer is yes, no, or unknown, which means neither of them. Nothing is processed to find it.
    """
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        things = [options.collection(found, reference) for reference in (a, b)]
        relation = found.relation(*things)
        data = {"a": records.reference(found, things[0]), "b": records.reference(found, things[1])}
        data |= records.answers(relation)
    emit(data, as_json, _render)


def _render(data: dict[str, Any]) -> str:
    from provgraph.cli.records import title

    called = {"a": title(data["a"]), "b": title(data["b"])}
    return "\n".join(
        f"{said.format(**called)} {data[question]['answer']}\n    {data[question]['because']}"
        for question, said in _ASKED.items()
    )
