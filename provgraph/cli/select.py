"""provgraph select"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message, table

EXAMPLES = {
    "select": """
    provgraph select ReducedFrame --where "raw.filter == 'g' and zeropoint > 24.5" --classes mypipeline
    provgraph select ReducedFrame --columns "zeropoint, raw.filter" --order-by zeropoint --limit 10
    provgraph select RawFrame --where "inverse(ReducedFrame.raw).count() == 0" --count
    provgraph select Coadd --where "'NGC 1' in keywords or frames.any(zeropoint > 24)" --explain
"""
}


def run(
    class_name: Annotated[str, typer.Argument(metavar="CLASS", show_default=False,
        help="Class of the objects; its subclasses count.")],
    where: Annotated[str, typer.Option("--where", metavar="CONDITION", show_default=False,
        help="What is true of them and of what they are linked to, as in Python; without one: all.")] = "",
    columns: Annotated[str, typer.Option("--columns", metavar="PATHS", show_default=False,
        help="What to show of each, separated by commas, instead of all it was stored with.")] = "",
    order_by: Annotated[str, typer.Option("--order-by", metavar="PATHS", show_default=False,
        help="By what they are ordered, instead of the newest first.")] = "",
    descending: Annotated[bool, typer.Option("--descending", show_default=False,
        help="The largest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many.", min=1)] = 50,
    count: Annotated[bool, typer.Option("--count", help="Say how many there are.", show_default=False)] = False,
    explain: Annotated[bool, typer.Option("--explain", show_default=False,
        help="Show the statements that the graph is asked instead.")] = False,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Find objects of a pipeline by conditions on their properties, and along their links to what they are made from.

    Finding none is an answer: nothing is printed, or an empty JSON list, and the status is 0.
    """
    from provgraph.cli import find, records
    from provgraph.schema import written

    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        cls = found.mapper.classes.named(class_name)
        query = found.select(cls, *([written.condition(cls, where)] if where.strip() else []))
        if order_by:
            query = query.order_by(*written.terms(cls, order_by), descending=descending)
        if explain:
            query.limit(limit).explain()
            return
        if count:
            emit({"count": query.count()}, as_json, lambda data: str(data["count"]))
            return
        some = query.limit(limit)
        shown: list[dict[str, Any]] = (
            _rows(some.table(*written.terms(cls, columns))) if columns else records.plain(found, list(some))
        )
        more = len(shown) == limit and query.offset(limit).exists()
    if shown or as_json:
        emit(shown, as_json, _as_table if columns else find._as_objects)
    else:
        message(f"No {class_name} is found.")
    if more:
        message(f"There are more than {limit}; --limit shows more of them.")


def _rows(found: Any) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries; what is missing is None."""
    named = {name: [_plain(value) for value in found[name]] for name in found.colnames}
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]


def _plain(value: Any) -> Any:
    import numpy as np

    if np.ma.is_masked(value):
        return None
    if hasattr(value, "isot"):
        return None if np.any(value.mask) else f"{value.isot}Z"
    return value.tolist() if hasattr(value, "tolist") else value


def _as_table(data: list[dict[str, Any]]) -> str:
    names = tuple(data[0])
    return table(names, [tuple(row[name] for name in names) for row in data])
