"""Options that every command takes, the survey they lead to, and values written as NAME=VALUE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provgraph.errors import NotFound, UsageError

if TYPE_CHECKING:
    from provgraph.schema.collection import SourceCollection
    from provgraph.schema.objects import DBObject
    from provgraph.survey import Survey

SurveyOption = Annotated[
    Path | None,
    typer.Option(
        "--survey", metavar="DIR", show_default=False,
        help="Directory of the survey; else PROVGRAPH_SURVEY, else found from here upwards.",
    ),
]  # fmt: skip
GraphOption = Annotated[
    str,
    typer.Option(
        "--graph", metavar="ADDRESS", show_default=False,
        help="'embedded', or bolt:// or neo4j:// of a server; else PROVGRAPH_GRAPH, else as the survey was made.",
    ),
]  # fmt: skip
ClassesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--classes", metavar="MODULE", show_default=False,
        help="Module with persistent classes, imported first; else those in PROVGRAPH_CLASSES. Repeatable.",
    ),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.", show_default=False)]

command = ""  # the one that runs, for the audit
SHORT_ID = 8  # the end of an id is random, its start is a time
_PART_OF_ID = re.compile(r"[0-9a-f-]{6,35}")
_MOST = 10_000


def directory_of(survey: Path | None) -> Path:
    """The directory of the survey that a command is about."""
    from provgraph.config import Settings
    from provgraph.opening import find

    return survey or Settings.from_environment().survey or find()


@contextmanager
def opened(survey: Path | None, graph: str) -> Iterator[Survey]:
    """The survey that a command is about, closed afterwards."""
    from provgraph import opening
    from provgraph.audit.writes import REQUEST

    REQUEST.set(command)
    with opening.open(directory_of(survey), graph=graph, create=False) as found:
        yield found


def import_classes(modules: list[str] | None) -> None:
    """Import the modules whose classes a command needs; those of this directory too."""
    import sys
    from importlib import import_module

    from provgraph.config import Settings

    wanted = listed(modules or []) or list(Settings.from_environment().classes)
    if wanted and "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in wanted:
        try:
            import_module(name)
        except ImportError as error:
            raise NotFound(
                f"The module {name!r} with persistent classes cannot be imported: {error}.",
                code="module_missing",
                module=name,
            ) from error


def short(object_id: str) -> str:
    """The part of an id that lists show, and that `thing` understands."""
    return object_id[-SHORT_ID:]


def thing(survey: Survey, reference: str) -> DBObject:
    """Any object by name, ``name@version``, id or the end of one, a file, or the name of a calculator."""
    try:
        return survey.get(reference)
    except NotFound as error:
        if error.code != "not_found":
            raise
        missing = error
    definitions = sorted(survey.definitions(), key=lambda d: -d.version)
    for definition in definitions:
        if reference in (definition.name, f"{definition.name}@{definition.version}"):
            return definition
    if _PART_OF_ID.fullmatch(reference):
        candidates = [*definitions, *survey.collections(_MOST)]
        ending = {o.object_id: o for o in candidates if o.object_id.endswith(reference)}
        if len(ending) == 1:
            return ending.popitem()[1]
        if ending:
            raise UsageError(f"{len(ending)} ids end in {reference!r}; give more of it.", code="id_ambiguous")
    raise missing


def collection(survey: Survey, reference: str) -> SourceCollection:
    """A Source Collection, named in any of the ways `thing` knows."""
    from provgraph.schema.collection import SourceCollection

    found = thing(survey, reference)
    if not isinstance(found, SourceCollection):
        raise NotFound(
            f"{reference!r} is of class {type(found).__name__}, not a Source Collection.", code="not_a_collection"
        )
    return found


def listed(values: Iterable[str]) -> list[str]:
    """The names in options that take several, separated by commas or given again."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def pairs(option: str, values: Iterable[str], convert: Callable[[str], Any] = str) -> dict[str, Any]:
    """``NAME=VALUE`` options as a dictionary."""
    found: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} takes NAME=VALUE, not {value!r}.", code="usage", option=option)
        found[name.strip()] = convert(text.strip())
    return found


def number(text: str) -> int | float | str:
    """A number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def numbers(text: str) -> list[int | float | str]:
    """Values separated by commas."""
    return [number(part.strip()) for part in text.split(",")]


def real(option: str) -> Callable[[str], float]:
    """A converter for the value of a process parameter."""

    def convert(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise UsageError(
                f"{option} takes NAME=NUMBER, not the value {text!r}.", code="usage", option=option
            ) from None

    return convert


def parameters(survey: Survey, values: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``--parameter ATTRIBUTE.NAME=VALUE`` options: by attribute, then by name of the process parameter.

    A value is a number; else it names a collection, where a whole catalog is meant.
    """
    found: dict[str, dict[str, Any]] = {}
    for said, text in pairs("--parameter", values).items():
        attribute, dot, name = said.rpartition(".")
        if not dot or not attribute or not name:
            raise UsageError(
                f"--parameter takes ATTRIBUTE.NAME=VALUE, such as absmag_i.H0=67, not {said!r}.", code="usage",
                option="--parameter",
            )  # fmt: skip
        value: Any = number(text)
        if isinstance(value, str):
            try:
                value = collection(survey, value)
            except NotFound as error:
                raise UsageError(
                    f"--parameter {said}={text} is no number, and names no collection: {error.message}", code="usage",
                    option="--parameter",
                ) from None  # fmt: skip
        found.setdefault(attribute, {})[name] = value
    return found
