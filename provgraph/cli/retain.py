"""provgraph retain"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message
from provgraph.errors import UsageError

EXAMPLES = {
    "retain": """
    provgraph retain --plan --classes mypipeline
    provgraph retain --free 50GB --older-than 30 --classes mypipeline
    provgraph retain --class ReducedFrame --classes mypipeline --apply
    """
}


def run(
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what could be dropped; this is what happens unless --apply.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Drop the bytes.")] = False,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", min=0, help="Not made or used for so long.", show_default=False),
    ] = None,
    cls: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Only files of objects of this class.", show_default=False)
    ] = "",
    free: Annotated[
        str,
        typer.Option(
            "--free",
            metavar="BYTES",
            help="Only so much, such as 50GB: what is made again fastest.",
            show_default=False,
        ),
    ] = "",
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Propose bytes to drop that can all be made again, with the time that takes; with --apply drop them.

    What goes are files of objects that make() made, whose code is what it was, and whose inputs are kept or can be made again. The
    objects, their lineage and the digests of their files stay; retrieving one makes its file again and compares the digest.
    """
    if plan and apply:
        raise UsageError("--plan only says what --apply would do; give one of them.", code="usage")
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        proposed = found.retain(cls, older_than=older_than, free=free or None)
        data = proposed.as_dict()
        if apply:
            data["freed"] = proposed.apply()
    emit(data, as_json, lambda _: str(proposed))
    if apply:
        message(f"Dropped: {data['freed']:,} bytes are free.")
    elif len(proposed):
        message("Nothing was dropped; --apply does it.")
