"""Attribute calculators: how an attribute is calculated from others, for any sources that have them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, listed, pairs, real
from provgraph.cli.output import emit, fields, hint, table
from provgraph.errors import UsageError

EXAMPLES = {
    "define": """
    provgraph calculator define absmag_i --requires z,i_mag --unit mag \\
        --expression "i_mag - distmod(z) + 1.25*log10(1+z)"
    provgraph calculator define distance --requires z --expression "distmod(z)" --unit mag --parameter H0=67.4
    provgraph calculator define --python photo_z
    provgraph calculator define p_star --model star.onnx --requires u_mag,g_mag,r_mag
    """,
    "ls": "provgraph calculator ls",
    "show": "provgraph calculator show absmag_i@1",
    "check": "provgraph calculator check absmag_i --on catalog",
    "invalidate": "provgraph calculator invalidate absmag_i@1 --reason 'without K-correction'",
    "validate": "provgraph calculator validate absmag_i@1 --reason 'the K-correction was there'",
}

CalculatorName = Annotated[str, typer.Argument(metavar="NAME", help="Name, name@version or id.", show_default=False)]


def define(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Of the calculator and its attribute.", show_default=False)] = "",
    expression: Annotated[str, typer.Option("--expression", metavar="TEXT",
        help="How it is calculated from what it requires; several results as 'x = ...; y = ...'.", show_default=False)] = "",
    python: Annotated[str, typer.Option("--python", metavar="ENTRY",
        help="Calculator of an installed package, by the name of its entry point.", show_default=False)] = "",
    model: Annotated[str, typer.Option("--model", metavar="FILE", help="ONNX file of a trained model.", show_default=False)] = "",
    requires: Annotated[list[str] | None, typer.Option("--requires", metavar="A,B,...",
        help="Attributes it reads; else those that the expression or the model names.")] = None,
    provides: Annotated[list[str] | None, typer.Option("--provides", metavar="A,B,...",
        help="Attributes it gives; else the one of its name.")] = None,
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="VOUnit of the result; '' for none, '?' if unknown.")] = "?",
    ucd: Annotated[str, typer.Option("--ucd", metavar="UCD", help="UCD of the result.")] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is.")] = "",
    parameter: Annotated[list[str] | None, typer.Option("--parameter", metavar="NAME=NUMBER",
        help="Process parameter in place of its default, such as H0=67.4. Repeatable.")] = None,
    catalog: Annotated[list[str] | None, typer.Option("--catalog", metavar="NAME=COLLECTION",
        help="Collection for a parameter that is a whole catalog. Repeatable.")] = None,
    trained_on: Annotated[str, typer.Option("--trained-on", metavar="COLLECTION",
        help="What the model learned from.", show_default=False)] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Define how an attribute is calculated: an expression, a function of an installed package, or a trained model.

    The same definition again changes nothing; another one of the same name is its next version.
    """
    values = pairs("--parameter", parameter or (), real("--parameter"))
    catalogs = pairs("--catalog", catalog or (), str)
    if (expression or model) and not name:
        raise UsageError("Name the calculator: provgraph calculator define NAME ...")
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        made = found.define_calculator(
            name, requires=listed(requires or ()), provides=listed(provides or ()), expression=expression, entry_point=python,
            model=model, unit=unit, ucd=ucd, description=description, parameters=values, catalogs=catalogs,
            trained_on=trained_on or None,
        )  # fmt: skip
        data = records.definition(made)
    emit(data, as_json, _line)
    hint(f"provgraph pull START {','.join(map(shlex.quote, data['provides']))}")


def ls(survey: SurveyOption = None, graph: GraphOption = "", as_json: JsonOption = False) -> None:
    """List calculators, the newest version of each."""
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        newest: dict[str, Any] = {}
        definitions = sorted(found.definitions(), key=lambda d: d.version)
        wrong = records.invalid(found.mapper, definitions)
        for one in definitions:
            newest[one.name] = records.definition(one, wrong)
        data = [newest[name] for name in sorted(newest)]
    emit(data, as_json, _list)


def show(
    name: CalculatorName,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show a calculator: what it needs, what it gives, how, and its process parameters."""
    with options.opened(survey, graph) as found:
        from provgraph.cli import records

        one = found.definition(name)
        data = records.definition(one, records.invalid(found.mapper, [one]))
    emit(data, as_json, _show)


def check(
    name: CalculatorName,
    on: Annotated[str, typer.Option("--on", metavar="COLLECTION", help="Collection to take sources from.", show_default=False)],
    sample: Annotated[int, typer.Option("--sample", metavar="N", help="How many of its sources.", min=1)] = 1000,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Calculate some sources again, in other orders and alone: the values must stay the same."""
    with options.opened(survey, graph) as found:
        done = found.check_calculator(name, on, sample=sample)
        data = {"name": name, "sources": done.sources, "calls": done.calls, "deviation": done.deviation}
    emit(
        data,
        as_json,
        lambda d: f"{d['name']}: {d['sources']} sources, {d['calls']} calls, {_deviation(d['deviation'])}",
    )


def _deviation(value: float) -> str:
    return "the same values each time" if value == 0 else f"the same values within {value:.2g}"


Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; it is shown wherever it matters.", show_default=False)
]


def invalidate(
    name: CalculatorName,
    reason: Reason,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Declare a calculator wrong: no pull uses it any more, what was made with it stays and is out of date."""
    _declare("invalidate", name, reason, survey, graph, as_json)


def validate(
    name: CalculatorName,
    reason: Reason,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take back that a calculator is wrong."""
    _declare("validate", name, reason, survey, graph, as_json)


def _declare(word: str, name: str, reason: str, survey: Path | None, graph: str, as_json: bool) -> None:
    with options.opened(survey, graph) as found:
        made = getattr(found, word)(name, reason)
        data = {
            "id": made.object_id,
            "name": made.name,
            "version": made.version,
            "valid": word == "validate",
            "reason": reason,
        }
    emit(
        data, as_json, lambda d: f"{d['name']}@{d['version']} is {'valid' if d['valid'] else 'invalid'}: {d['reason']}"
    )


COMMANDS = {"define": define, "ls": ls, "show": show, "check": check, "invalidate": invalidate, "validate": validate}


def _line(d: dict[str, Any]) -> str:
    if len(d["provides"]) > 1:
        return f"{d['name']}@{d['version']}: {d['statement']}"
    unit = f" [{d['units'][0]}]" if d["units"][0] not in ("", "?") else ""
    return f"{d['name']}@{d['version']}: {d['provides'][0]}{unit} = {d['method']}"


def _list(data: list[dict[str, Any]]) -> str:
    if not data:
        return "There are no calculators yet; make one with 'provgraph calculator define NAME --expression TEXT'."
    rows = [
        (
            f"{d['name']}@{d['version']}",
            ", ".join(d["units"]),
            ", ".join(d["requires"]),
            d["invalid"] or "",
            d["method"],
        )
        for d in data
    ]
    headers = ("calculator", "unit", "requires", "invalid because", "expression")
    shown = [i for i, h in enumerate(headers) if h != "invalid because" or any(r[i] for r in rows)]
    return table([headers[i] for i in shown], [[r[i] for i in shown] for r in rows], cut="expression")


def _show(d: dict[str, Any]) -> str:
    shown = {"invalid": d["invalid"]} if d["invalid"] else {}
    shown |= {k: d[k] for k in ("description", "requires", "provides", "units", "ucds")}
    shown["parameters"] = [f"{k}={v:g}" for k, v in d["parameters"].items()]
    return f"{_line(d)}\n\n{fields(shown | {'created': d['created'][:19].replace('T', ' ') + ' UTC', 'id': d['id']})}"
