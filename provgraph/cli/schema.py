"""Persistent classes of pipelines: what changed since objects of them were stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, hint
from provgraph.errors import EXIT_DIFFERS

EXAMPLES = {
    "diff": """
    provgraph schema diff --classes pipeline
    provgraph schema diff --classes pipeline --json
    """,
    "migrate": "provgraph schema migrate --classes pipeline",
}


def diff(
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what differs between the classes as they are recorded in the survey and as they are here.

    Exit status 4 where something differs. Stored objects load either way.
    """
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        differences = found.schema_diff()
    emit(
        [_plain(asdict(d)) for d in differences],
        as_json,
        lambda _: "\n".join(map(str, differences)) or "Nothing differs.",
    )
    if any(d.change != "not here" for d in differences):
        hint("provgraph schema migrate")
    if differences:
        raise typer.Exit(EXIT_DIFFERS)


def migrate(
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Record the classes that differ, each as the next version of the class of its name. No stored object changes."""
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        made = [
            {"class": v.name, "version": v.version, "class_version": v.number, "module": v.module, "digest": v.digest,
             "id": v.object_id}
            for v in found.schema_migrate()
        ]  # fmt: skip
    emit(made, as_json, _recorded)


COMMANDS = {"diff": diff, "migrate": migrate}


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {"class" if key == "class_name" else key: value for key, value in found.items()}


def _recorded(made: list[dict[str, Any]]) -> str:
    if not made:
        return "Nothing to record: the classes that are here are recorded as they are."
    return "\n".join(f"{d['class']}: recorded as version {d['version']}, from {d['module']}" for d in made)
