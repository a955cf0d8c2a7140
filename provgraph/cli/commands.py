"""All commands, and a group that imports the module of one only when it runs: help stays quick."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption

# Command -> what help says of it. Its module is provgraph.cli.<command>.
COMMANDS: dict[str, str] = {
    "init": "Make a survey in a directory.",
    "ingest": "Make a Source Collection of a catalog file.",
    "ls": "List Source Collections.",
    "find": "Find objects by what is true of them.",
    "select": "Find objects of a pipeline, also by what they are made from.",
    "show": "Show one thing: attributes, parents, notes, versions.",
    "calculator": "Define and list attribute calculators.",
    "pull": "Say what a catalog should contain; get the table.",
    "split": "Make parts that provably share no source.",
    "relation": "Say how the sources of two collections relate.",
    "why": "Show how a collection came about, choice by choice.",
    "status": "Say whether something is up to date, and why not.",
    "make": "Make again what is out of date, and no more.",
    "recipe": "Show how something was made, and make it of other inputs.",
    "run": "Run a script and record what it does.",
    "schema": "Show what changed in persistent classes, and record it.",
    "annotate": "Append a name, a description or tags.",
    "lineage": "Show or export where something comes from.",
    "paths": "Show how one thing comes from another.",
    "common": "Show what several things come from.",
    "impact": "Say what is affected if something is wrong.",
    "check": "Check lineages by a provenance policy.",
    "import": "Keep a PROV document, or list those that are kept.",
    "export": "Write a thing or a document as PROV.",
    "validate": "Check a PROV document against PROV-CONSTRAINTS.",
    "diff": "Show what differs between two lineages or documents.",
    "audit": "Show what was written, prove that it is untouched.",
    "du": "Show how much room things take.",
    "usage": "Show how often things were made and used.",
    "retain": "Propose bytes to drop that can be made again.",
    "forget": "Drop derived values; they come back when asked for.",
    "clean": "Remove files that nothing needs.",
    "serve": "Serve the survey: GraphQL, pages, downloads.",
    "demo": "Run a simulated survey through the whole chain.",
    "doctor": "Check what works here, and say how to mend the rest.",
    "version": "Print the version.",
}
# Commands of groups that need a survey.
INSIDE = ("define", "diff", "ls", "migrate", "run", "show", "verify", "checkpoint", "prove")
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

Exit = typer.Exit
WrongUsage: Any = typer.BadParameter.__mro__[2]  # ClickException, of click or of the copy inside typer


class LazyGroup(TyperGroup):
    """Knows its commands by name and summary; imports a command's module when it is asked for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._loaded: dict[str, Any] = {}
        self.commands: Any = dict.fromkeys(COMMANDS)  # for "did you mean"; nothing else reads the values

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self._loaded and cmd_name in COMMANDS:
            self._loaded[cmd_name] = load(cmd_name)
        return self._loaded.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class Otherwise(TyperGroup):
    """A group of which one command is meant where none is named."""

    command = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [self.command, *args]
        return super().parse_args(ctx, args)


def load(name: str) -> Any:
    """The command of a module: its function `run`, or its functions in `COMMANDS` as a group, `OTHERWISE` the usual one of it."""
    module = import_module(f"provgraph.cli.{name}")
    inside = getattr(module, "COMMANDS", None)
    usual = getattr(module, "OTHERWISE", "")
    group = {"cls": type("Otherwise", (Otherwise,), {"command": usual})} if usual else {}
    app = _app(no_args_is_help=inside is not None, **group)
    for key, function in (inside or {name: module.run}).items():
        examples = getattr(module, "EXAMPLES", {}).get(key, "")
        app.command(key, help=_help(function, examples), context_settings=HELP | getattr(module, "CONTEXT", {}))(
            function
        )
    if inside is not None:
        app.callback(help=module.__doc__)(_nothing)
    command = typer.main.get_command(app)
    command.name, command.short_help = name, COMMANDS[name]
    return command


def program() -> Any:
    """``provgraph`` itself."""
    app = _app(cls=LazyGroup, no_args_is_help=True, add_completion=True)
    app.callback(help=inspect.cleandoc(_options.__doc__ or ""))(_options)
    return typer.main.get_command(app)


def _app(**options: Any) -> typer.Typer:
    settings = {"add_completion": False, **options}
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=HELP, **settings)


def _help(function: Any, examples: str) -> str:
    text = inspect.cleandoc(function.__doc__ or "")
    if examples:
        lines = "\n".join(f"  {line}" for line in inspect.cleandoc(examples).splitlines())
        text += f"\n\n\b\nExamples:\n{lines}"
    return text


def _nothing() -> None:
    """A group has no action of its own."""


def _version(wanted: bool) -> None:
    if wanted:
        from provgraph.cli.version import installed

        typer.echo(f"provgraph {installed()}")
        raise typer.Exit


def _options(
    ctx: typer.Context,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True, show_default=False)
    ] = False,
) -> None:
    """Say what a catalog should contain; get the table with its whole lineage as one W3C PROV graph.

    \b
    Start with:
      provgraph demo
      provgraph init survey/ && cd survey && provgraph ingest ~/catalog.fits --name mine --id ID

    Data goes to stdout, messages to stderr. Exit status: 0 done, 1 error, 2 usage, 3 not found, 4 differs, changed or
    out of date, 5 audit or validation failed, 6 denied.
    """
    said: dict[str, Any] = {"survey": survey, "graph": graph or None, "as_json": as_json or None}
    given = {k: v for k, v in said.items() if v is not None}
    # What is said before the command holds for it, unless the command says it again.
    ctx.default_map = {name: given | dict.fromkeys(INSIDE, given) for name in COMMANDS}
    options.command = f"provgraph {ctx.invoked_subcommand or ''}".strip()
