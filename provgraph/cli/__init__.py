"""The command line: one command a file. Data on stdout, messages on stderr, exit statuses as in `provgraph.errors`."""

from __future__ import annotations

import _thread
import os
import re
import sys
import threading
from collections.abc import Sequence
from typing import Any

from provgraph.errors import EXIT_ERROR, EXIT_USAGE, ProvgraphError

INTERRUPTED = 130  # as shells say it: 128 + SIGINT
REPORT_AT = "https://github.com/provgraph/provgraph/issues"
_ARGUMENT = re.compile(r"(?<![\w.'\"-])([a-z_]+)=(?:'([\w.-]+)'|True\b|(?=[\s,.;:)]|$))")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status: 0 done, 1 error, 2 usage, 3 not found, 4 differs, 5 invalid, 6 denied, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ✔ still gets the line
    as_json = "--json" in given[: given.index("--")] if "--" in given else "--json" in given
    unraisable, sys.unraisablehook = sys.unraisablehook, _once_more
    try:
        return _run(given, as_json)
    except ProvgraphError as error:
        said = _in_options(error.message, given)
        _say(said, error.as_dict() | {"message": said}, as_json)
        return error.exit_status
    except KeyboardInterrupt:
        _say("interrupted; nothing is half stored.", _shape("interrupted", "interrupted"), as_json)
        return INTERRUPTED
    except BrokenPipeError:  # `provgraph ls | head`: whoever read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_ERROR
    except Exception as error:
        if os.environ.get("PROVGRAPH_DEBUG"):
            raise
        what = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        how = f"this is a fault of provgraph: please report it at {REPORT_AT} with what PROVGRAPH_DEBUG=1 prints"
        _say(f"{what} ({how}).", _shape("internal_error", what), as_json)
        return EXIT_ERROR
    finally:
        sys.unraisablehook = unraisable


def _once_more(unraisable: Any) -> None:
    """Ctrl-C that came while something was being finalised, where Python has nobody to tell it to: it is raised again."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        later = threading.Timer(0.02, _thread.interrupt_main)  # at once it would be raised in here, and lost again
        later.daemon = True
        later.start()
    else:
        sys.__unraisablehook__(unraisable)


def _run(given: list[str], as_json: bool) -> int:
    from provgraph.cli.commands import Exit, WrongUsage, program

    command = program()
    if "_PROVGRAPH_COMPLETE" in os.environ:  # a shell asks for completions
        command.main(prog_name="provgraph")
    try:
        with command.make_context("provgraph", given) as context:
            command.invoke(context)
        sys.stdout.flush()
    except Exit as done:
        return int(done.exit_code)
    except WrongUsage as error:
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":
            print(message, file=sys.stderr)
            return EXIT_USAGE
        path = error.ctx.command_path if getattr(error, "ctx", None) else "provgraph"
        joined = message if message.endswith("?") else f"{message.rstrip('.')};"
        message = f"{joined[0].lower()}{joined[1:]} see '{path} --help'."
        _say(message, _shape("usage", message), as_json)
        return EXIT_USAGE
    return 0


def _in_options(message: str, given: Sequence[str]) -> str:
    """A sentence that names arguments of Python, such as ``format=``, with the options that the command has for them."""
    if not _ARGUMENT.search(message):
        return message
    from provgraph.cli.commands import program

    command = program()
    for word in given:
        inside = getattr(command, "get_command", None)
        if inside is None:
            break
        command = (None if word.startswith("-") else inside(None, word)) or command
    known = {name for parameter in command.params for name in parameter.opts}

    def option(found: re.Match[str]) -> str:
        name = f"--{found[1].replace('_', '-')}"
        return found[0] if name not in known else f"{name} {found[2]}" if found[2] else name

    return _ARGUMENT.sub(option, message).replace("loss() lists all", "--json lists all")


def _shape(code: str, message: str) -> dict[str, object]:
    return {"code": code, "message": message, "details": {}}


def _say(message: str, shape: dict[str, object], as_json: bool) -> None:
    """An error, on stderr: one sentence, or the one JSON shape of errors."""
    if as_json:
        from provgraph.cli.output import to_json

        print(to_json(shape), file=sys.stderr)
    else:
        print(f"provgraph: {message}", file=sys.stderr)
