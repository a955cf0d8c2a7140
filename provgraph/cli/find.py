"""provgraph find"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, short
from provgraph.cli.output import emit, message, table

EXAMPLES = {
    "find": """
    provgraph find "n_sources > 1000 and attribute = 'redshift'"
    provgraph find "created >= '2026-11-01' and tag != 'bad'" --json
    provgraph find "requires = 'redshift'" --class AttributeCalculatorDefinition
    provgraph find --contained-in galaxies --limit 10
    provgraph find "attribute = 'absmag_r'" --containing near
    provgraph find --properties --class External
"""
}


def run(
    criterion: Annotated[str, typer.Argument(metavar="CRITERION", show_default=False,
        help="What is true of their properties, in the language of --where; without one: all.")] = "",
    class_name: Annotated[str, typer.Option("--class", metavar="NAME",
        help="Class of the objects; its subclasses count.")] = "SourceCollection",
    same: Annotated[str, typer.Option("--same-sources-as", metavar="THING", show_default=False,
        help="Only collections that provably have the sources of this one.")] = "",
    containing: Annotated[str, typer.Option("--containing", metavar="THING", show_default=False,
        help="Only collections that provably have all of its sources.")] = "",
    contained_in: Annotated[str, typer.Option("--contained-in", metavar="THING", show_default=False,
        help="Only collections that provably have none but its sources.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="At most so many, newest first.", min=1)] = 50,
    properties: Annotated[bool, typer.Option("--properties", show_default=False,
        help="Show what can be asked of the class instead.")] = False,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Find objects by a criterion on their properties, and collections by how their sources relate, newest first.

    Finding none is an answer: nothing is printed, or an empty JSON list, and the status is 0.
    """
    from provgraph.cli import ls, records
    from provgraph.schema.collection import SourceCollection

    if properties:
        emit(_properties(class_name), as_json, _as_properties)
        return
    with options.opened(survey, graph) as found:
        related = {"same_sources_as": same, "containing": containing, "contained_in": contained_in}
        asked: dict[str, Any] = {q: options.collection(found, r) for q, r in related.items() if r}
        objects = found.find(criterion, cls=class_name, limit=limit + 1, **asked)
        catalogs = issubclass(found.mapper.classes.named(class_name), SourceCollection)
        shown: list[dict[str, Any]] = (records.summaries if catalogs else records.plain)(found, objects[:limit])
    if shown or as_json:
        emit(shown, as_json, ls.rows if catalogs else _as_objects)
    else:
        message(f"No {class_name} is found.")
    if len(objects) > limit:
        message(f"There are more than {limit}; --limit shows more of them.")


def _properties(class_name: str) -> list[dict[str, Any]]:
    import provgraph.survey  # noqa: F401  it knows the classes of the package
    from provgraph.graph.queryable import class_of, properties_of

    types = {"U": "text", "i8": "integer", "f8": "number", "?": "true or false"}
    return [
        {"name": p.name, "type": "time" if p.moment else types[p.dtype], "list": p.many, "unit": p.unit, "description": p.doc}
        for p in properties_of(class_of(class_name)).values()
    ]  # fmt: skip


def _as_properties(data: list[dict[str, Any]]) -> str:
    rows = [(d["name"], d["type"] + " (list)" * d["list"], d["unit"], d["description"]) for d in data]
    return table(("property", "type", "unit", "what it is"), rows, cut="what it is")


def _as_objects(data: list[dict[str, Any]]) -> str:
    from provgraph.cli.records import title

    rows = [
        (title(d), d["class"], d["created"][:16].replace("T", " "), short(d["id"]), _values(d["properties"], d["name"]))
        for d in data
    ]
    return table(("name", "class", "created", "id", "properties"), rows, cut="properties")


def _values(properties: dict[str, Any], name: str) -> str:
    """``key=value`` of what has a value and is not shown already; a segment's own register entry is for machines."""
    shown = {
        k: " ".join(map(str, v)) if isinstance(v, list | tuple) else v for k, v in properties.items() if k != "info"
    }
    return ", ".join(f"{k}={v}" for k, v in shown.items() if v not in ("", name))
