"""Attribute calculators: how an attribute is calculated from others, for any sources that have them."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, listed, pairs, real
from provgraph.cli.output import emit, fields, hint, table

EXAMPLES = {
    "define": """
    provgraph calculator define absmag_i --requires z,i_mag --unit mag \\
        --expression "i_mag - distmod(z) + 1.25*log10(1+z)"
    provgraph calculator define distance --requires z --expression "distmod(z)" --unit mag --parameter H0=67.4
    """,
    "ls": "provgraph calculator ls",
    "show": "provgraph calculator show absmag_i@1",
}


def define(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the calculator and its attribute.", show_default=False)],
    expression: Annotated[str, typer.Option("--expression", metavar="TEXT",
        help="How it is calculated from what it requires.", show_default=False)],
    requires: Annotated[list[str] | None, typer.Option("--requires", metavar="A,B,...",
        help="Attributes it reads; else those that the expression names.")] = None,
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="VOUnit of the result; '' for none, '?' if unknown.")] = "?",
    ucd: Annotated[str, typer.Option("--ucd", metavar="UCD", help="UCD of the result.")] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is.")] = "",
    parameter: Annotated[list[str] | None, typer.Option("--parameter", metavar="NAME=NUMBER",
        help="Process parameter in place of its default, such as H0=67.4. Repeatable.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Define how an attribute is calculated.

    The same definition again changes nothing; another one of the same name is its next version.
    """
    values = pairs("--parameter", parameter or (), real("--parameter"))
    with options.opened(survey, graph) as found:
        from provgraph.cli import records
        from provgraph.language.expression import Expression

        needed = listed(requires or ()) or list(Expression.parse(expression).names)
        made = found.define_calculator(
            name, requires=needed, expression=expression, unit=unit, ucd=ucd, description=description, parameters=values
        )
        data = records.definition(made)
    emit(data, as_json, _line)
    hint(f"provgraph pull START {shlex.quote(name)}")


def ls(survey: SurveyOption = None, graph: GraphOption = "", as_json: JsonOption = False) -> None:
    """List calculators, the newest version of each."""
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        newest: dict[str, Any] = {}
        for one in sorted(found.definitions(), key=lambda d: d.version):
            newest[one.name] = records.definition(one)
        data = [newest[name] for name in sorted(newest)]
    emit(data, as_json, _list)


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name, name@version or id.", show_default=False)],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show a calculator: what it needs, what it gives, how, and its process parameters."""
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        data = records.definition(found.definition(name))
    emit(data, as_json, _show)


COMMANDS = {"define": define, "ls": ls, "show": show}


def _line(d: dict[str, Any]) -> str:
    unit = f" [{d['units'][0]}]" if d["units"][0] not in ("", "?") else ""
    return f"{d['name']}@{d['version']}: {d['provides'][0]}{unit} = {d['expression']}"


def _list(data: list[dict[str, Any]]) -> str:
    if not data:
        return "There are no calculators yet; make one with 'provgraph calculator define NAME --expression TEXT'."
    rows = [(f"{d['name']}@{d['version']}", d["units"][0], ", ".join(d["requires"]), d["expression"]) for d in data]
    return table(("calculator", "unit", "requires", "expression"), rows, cut="expression")


def _show(d: dict[str, Any]) -> str:
    shown = {k: d[k] for k in ("description", "requires", "provides", "units", "ucds")}
    shown["parameters"] = [f"{k}={v:g}" for k, v in d["parameters"].items()]
    return f"{_line(d)}\n\n{fields(shown | {'created': d['created'][:19].replace('T', ' ') + ' UTC', 'id': d['id']})}"
