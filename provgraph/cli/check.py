"""provgraph check"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message
from provgraph.errors import EXIT_INVALID, UsageError

EXAMPLES = {
    "check": """
    provgraph check --example > policy.toml
    provgraph check policy.toml
    provgraph check policy.toml bright --as-published
    provgraph check policy.toml --classes mypipeline --junit report.xml
    """
}


def run(
    policy: Annotated[Path | None, typer.Argument(metavar="POLICY", show_default=False, help="TOML file with rules.")] = None,
    things: Annotated[list[str] | None, typer.Argument(metavar="[THING]...", show_default=False,
        help="Check only these: name, name@version, id, calculator or file; else all that the rules are for.")] = None,
    as_published: Annotated[bool, typer.Option("--as-published", show_default=False,
        help="Check the things as if they were published.")] = False,
    at: Annotated[str, typer.Option("--at", metavar="TIME", show_default=False,
        help="The date or time, UTC, that counts as now.")] = "",
    strict: Annotated[bool, typer.Option("--strict", show_default=False, help="Warnings fail too.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", show_default=False,
        help="Write JUnit XML too, as CI systems read it.")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", show_default=False,
        help="Keep nothing of this check in the survey.")] = False,
    example: Annotated[bool, typer.Option("--example", show_default=False,
        help="Print a policy to start from.")] = False,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Check lineages by a provenance policy: which rule is violated, by what, and the way from the thing to what is at fault.

    Exit status 0 where all rules hold that are errors, 5 where one is violated. What was found is kept in the survey.
    """
    from provgraph.checks.example import EXAMPLE
    from provgraph.checks.reading import read_policy

    if example:
        print(EXAMPLE, end="")
        return
    if policy is None:
        raise UsageError(
            "Say which policy: provgraph check policy.toml; --example prints one to start from.", code="usage"
        )
    if as_published and not things:
        raise UsageError(
            "--as-published goes with the things that it is said of.", code="usage", option="--as-published"
        )
    read = read_policy(policy)
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        wanted = [options.thing(found, one) for one in things] if things else None
        report = found.check(read, wanted, at=at, as_published=as_published, record=not no_record)
    if junit is not None:
        report.write_junit(junit)
    emit(report.as_dict(), as_json, lambda _: str(report))
    if junit is not None:
        message(f"Wrote {junit}")
    if not report.holds or (strict and report.violations):
        raise typer.Exit(EXIT_INVALID)
