"""docs/cli.md, written from the definitions of the commands: python -m provgraph.cli.reference > docs/cli.md"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provgraph.cli.commands import COMMANDS, load

COMMON = ("survey", "graph", "as_json", "help")
INTRODUCTION = """\
# The command line

<!-- Written by `python -m provgraph.cli.reference > docs/cli.md`; a test compares. -->

Data goes to stdout, messages go to stderr. A survey is found like a git repository: upwards from here, or as `--survey` or
the variable `PROVGRAPH_SURVEY` says. `provgraph COMMAND --help` prints what stands here.

| every command takes | |
|---|---|
{common}

| exit status | |
|---|---|
| 0 | done |
| 1 | error |
| 2 | usage: the words of the command are off |
| 3 | not found |
| 4 | differs, was changed, or is out of date |
| 5 | an audit or a validation failed |
| 6 | denied |
| 130 | interrupted with Ctrl-C; nothing is half stored |

An error is one sentence on stderr; with `--json` it is an object with `code` (stable, for programs), `message` and
`details`. With `PROVGRAPH_DEBUG=1` an unexpected error shows where it happened. Colours only on a terminal, and not with
`NO_COLOR`. `provgraph --install-completion` teaches the shell to complete commands and options.

| variable | |
|---|---|
| `PROVGRAPH_SURVEY` | directory of the survey |
| `PROVGRAPH_GRAPH` | address of the graph |
| `PROVGRAPH_GRAPH_AUTH` | `user:password` for it |
| `PROVGRAPH_GRAPH_DATABASE` | database of the server, where it has several |
| `PROVGRAPH_DEBUG` | `1`: tracebacks |
"""


def markdown() -> str:
    """The whole page."""
    common = "\n".join(_row(p) for p in _parameters(load("ls")) if p.name in COMMON[:-1])
    parts = [INTRODUCTION.format(common=common)]
    for name in COMMANDS:
        command = load(name)
        inside = getattr(command, "commands", None)
        if inside:
            parts.append(f"## provgraph {name}\n\n{_prose(command.help)}\n")
            parts += [_section(f"{name} {key}", one, "###") for key, one in inside.items()]
        else:
            parts.append(_section(name, command, "##"))
    return "\n".join(parts)


def _section(path: str, command: Any, level: str) -> str:
    own = [p for p in _parameters(command) if p.name not in COMMON]
    words = [p.metavar + ("..." if p.nargs == -1 else "") for p in own if p.param_type_name == "argument"]
    words += [f"{p.opts[0]} {p.metavar}" for p in own if p.param_type_name == "option" and p.required]
    usage = " ".join(["provgraph", path, *words, "[OPTIONS]"])
    prose, _, examples = (command.help or "").partition("\b\nExamples:\n")
    text = f"{level} provgraph {path}\n\n```text\n{usage}\n```\n\n{_prose(prose)}\n"
    if own:
        text += "\n| | |\n|---|---|\n" + "\n".join(map(_row, own)) + "\n"
    if examples:
        lines = "\n".join(line.removeprefix("  ") for line in examples.rstrip().splitlines())
        text += f"\n```sh\n{lines}\n```\n"
    return text


def _parameters(command: Any) -> Iterator[Any]:
    yield from command.params


def _row(parameter: Any) -> str:
    flag = parameter.param_type_name == "option" and not parameter.metavar
    if parameter.param_type_name == "argument":
        name = str(parameter.metavar)
    else:
        name = parameter.opts[0] if flag else f"{parameter.opts[0]} {parameter.metavar}"
    help_ = parameter.help or ""
    if parameter.default not in (None, "", False, ()) and not parameter.required:
        help_ += f" Default: {parameter.default}."
    return "| `{}` | {} |".format(name.replace("|", "\\|"), help_.replace("|", "\\|"))


def _prose(text: str | None) -> str:
    return (text or "").replace("\b\n", "").replace("\b", "").strip()


if __name__ == "__main__":
    print(markdown(), end="")
