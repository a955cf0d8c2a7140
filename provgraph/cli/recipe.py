"""Workflows without the objects that they were made of: show, write, follow and compare them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit, message, progress
from provgraph.errors import EXIT_DIFFERS

if TYPE_CHECKING:
    from provgraph.survey import Survey
    from provgraph.targets.recipe import Recipe

OTHERWISE = "show"  # the command that is meant where none is named
EXAMPLES = {
    "show": """
    provgraph recipe coadd_f12 --classes mypipeline
    provgraph recipe coadd_f12 --classes mypipeline --out coadd.json
    """,
    "ls": "provgraph recipe ls Coadd --classes mypipeline",
    "run": """
    provgraph recipe run coadd.json --classes mypipeline --input raw=r7,r8 --input flat=flat_3 --set sigma=2.5 --dry-run
    provgraph recipe run coadd.json --classes mypipeline --input raw=r7,r8 --input flat=flat_3 --name coadd_f13
    """,
    "diff": """
    provgraph recipe diff coadd_f12 coadd_f13 --classes mypipeline
    provgraph recipe diff coadd.json coadd_f13 --classes mypipeline --json
    """,
}


def show(
    thing: Annotated[
        str,
        typer.Argument(
            metavar="THING", help="What was made: name, name@version or id; or a recipe file.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the recipe to this file.", show_default=False)
    ] = None,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show or write the recipe of an object: the workflow that made it, and what that has to be given."""
    options.import_classes(classes)
    (recipe,) = _recipes([thing], survey, graph)
    if out is not None:
        recipe.write(out)
        message(f"written: {out}")
    else:
        emit(_plain(recipe), as_json, lambda _: str(recipe))


def ls(
    cls: Annotated[str, typer.Argument(metavar="CLASS", help="Class of the objects.", show_default=False)],
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the distinct recipes of all objects of a class, and how many were made by each."""
    options.import_classes(classes)
    with options.opened(survey, graph) as found:
        recipes = found.recipes(producing=cls)
    emit([{"made": r.times, **_plain(r)} for r in recipes], as_json, lambda _: "\n\n".join(map(str, recipes)))


def run(
    file: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or an object for its recipe.", show_default=False)],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", metavar="NAME=THING", show_default=False,
            help="What to make it of: names or ids, several separated by commas; or a result in place of a step. Repeatable.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", show_default=False,
            help="A process parameter or a value, such as sigma=2.5, or frames.sigma=2.5 where several have one. Repeatable.",
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the result.", show_default=False)] = "",
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Only with the code that the recipe was recorded with.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made; make nothing.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Independent targets made at once.")] = 1,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make what a recipe makes, of other inputs. What exists already is found, not made again."""
    options.import_classes(classes)
    with options.opened(survey, graph) as found, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        recipe = _recipe(found, file)
        given = _given(found, recipe, inputs or [])
        given |= options.pairs("--set", settings or (), _value)
        data: dict[str, Any]
        if dry_run:
            plan = recipe.plan(given, survey=found, as_recorded=as_recorded)
            data, text = plan.as_dict(), str(plan)
        else:
            with progress("making") as at:
                made = recipe.run(given, survey=found, as_recorded=as_recorded, jobs=jobs, progress=at)
            if name:
                found.annotate(made, name=name)
            from provgraph.cli import records

            data = {"made": records.reference(found, made)}
            text = records.title(data["made"])
    for warning in told:
        message(str(warning.message))
    emit(data, as_json, lambda _: text)


def diff(
    one: Annotated[
        str, typer.Argument(metavar="A", help="A recipe file, or an object for its recipe.", show_default=False)
    ],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two recipes: steps, code, parameters, values and links. Exit status 4 where something does."""
    options.import_classes(classes)
    before, after = _recipes([one, other], survey, graph)
    found = before.diff(after)
    emit(found.as_dict(), as_json, lambda _: str(found))
    if found:
        raise typer.Exit(EXIT_DIFFERS)


def _recipes(references: list[str], survey: Path | None, graph: str) -> list[Recipe]:
    """Recipes of files and objects; a survey is opened for objects only."""
    from provgraph.targets.recipe import read_recipe

    if all(_is_file(r) for r in references):
        return [read_recipe(r) for r in references]
    with options.opened(survey, graph) as found:
        return [_recipe(found, r) for r in references]


def _recipe(survey: Survey, reference: str) -> Recipe:
    from provgraph.targets.recipe import read_recipe

    return read_recipe(reference) if _is_file(reference) else survey.recipe(options.thing(survey, reference))


def _given(survey: Survey, recipe: Recipe, inputs: list[str]) -> dict[str, Any]:
    """Objects by name of an input or a step; in a list where one is wanted, or where several are given."""
    things: dict[str, list[str]] = {}
    for said in inputs:
        for name, text in options.pairs("--input", [said]).items():
            things.setdefault(name, []).extend(options.listed([text]))
    depth = {n: i.depth for i in recipe.inputs for n in (i.name, *i.used_as)} | {
        s.name: len(s.each) for s in recipe.steps
    }
    given: dict[str, Any] = {}
    for name, some in things.items():
        objects = [options.thing(survey, t) for t in some]
        given[name] = objects if depth.get(name) or len(objects) != 1 else objects[0]
    return given


def _is_file(reference: str) -> bool:
    """Whether it is a file that a recipe may be in; files of other kinds are known as objects."""
    path = Path(reference)
    return path.suffix == ".json" and (path.is_file() or len(path.parts) > 1)


def _plain(recipe: Recipe) -> dict[str, Any]:
    return {"digest": recipe.digest, **recipe.as_dict()}


def _value(text: str) -> Any:
    """A number, true, false or a list as JSON has it; else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


COMMANDS = {"show": show, "ls": ls, "run": run, "diff": diff}
