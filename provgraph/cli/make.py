"""provgraph make"""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, progress

EXAMPLES = {
    "make": """
    provgraph make coadd_f12 --classes mypipeline
    provgraph make coadd_f12 --classes mypipeline --dry-run
    provgraph make coadd_f12 flat_7 --classes mypipeline --jobs 4 --keep-going
    """
}


def run(
    things: Annotated[
        list[str],
        typer.Argument(metavar="THING...", help="Process targets: name, name@version or id.", show_default=False),
    ],
    classes: ClassesOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and why; make nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Run make() of these again even where nothing changed.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Independent targets made at once.")] = 1,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="After a failure, make what does not depend on it.")
    ] = False,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make process targets again where they are out of date, and first what they rest on; the least that is needed."""
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        from provgraph.cli import records
        from provgraph.schema.target import must_be_target

        targets = [must_be_target(options.thing(found, t)) for t in things]
        plan = found.plan(*targets, force=force)
        data = plan.as_dict()
        if not dry_run:
            with progress("making") as told:
                made = found.make(*targets, force=force, jobs=jobs, keep_going=keep_going, progress=told)
            data["made"] = [records.reference(found, o) for o in (made if isinstance(made, list) else [made])]
    emit(data, as_json, lambda _: str(plan))
