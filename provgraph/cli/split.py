"""provgraph split"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, pairs, real
from provgraph.cli.output import emit
from provgraph.errors import UsageError

EXAMPLES = {"split": "provgraph split galaxies train=0.8 test=0.2 --seed 1 --name 'my galaxies'"}
_PART = "PART"


def run(
    thing: Annotated[
        str, typer.Argument(metavar="THING", help="Collection: name, name@version or id.", show_default=False)
    ],
    parts: Annotated[list[str], typer.Argument(metavar=_PART, show_default=False,
        help="Name and fraction of a part, such as train=0.8; together at most 1.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same parts.")] = 0,
    name: Annotated[str, typer.Option("--name", metavar="NAME",
        help="Call the parts 'NAME train' and so on.", show_default=False)] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make parts of a collection that provably share no source, such as a sample to learn from and one to test with.

    A source is in the same part whatever else is in the collection; nothing is processed.
    """
    from provgraph.cli import ls, records

    fractions = pairs(_PART, parts, real(_PART))
    if len(fractions) < len(parts) or "seed" in fractions or "collection" in fractions:
        raise UsageError("Each part has a name of its own, other than 'seed' and 'collection'.", code="usage")
    with options.opened(survey, graph) as found:
        made = found.split(options.collection(found, thing), seed=seed, **fractions)
        if name:
            for part, one in made.items():
                found.annotate(one, name=f"{name} {part}")
        rows = records.summaries(found, list(made.values()))
        data = [{"part": part} | row for part, row in zip(made, rows, strict=True)]
    emit(data, as_json, ls.rows)
