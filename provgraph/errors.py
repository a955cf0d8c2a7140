"""Every error a user can cause: one tree, one clear sentence each, a stable ``code`` and the exit status of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar

EXIT_DONE, EXIT_ERROR, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_DIFFERS, EXIT_INVALID, EXIT_DENIED = range(7)


class ProvgraphError(Exception):
    """Base of all errors that say what happened, where, what there is instead, and what to do.

    Parameters
    ----------
    message : one sentence for the user.
    code : stable word for programs; the class has a default.
    details : further plain values (position, names, path) for ``--json`` and the API.
    """

    code: str = "error"
    exit_status: ClassVar[int] = EXIT_ERROR

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.details = details

    def as_dict(self) -> dict[str, object]:
        """The one JSON shape of an error: ``code``, ``message``, ``details``."""
        return {"code": self.code, "message": self.message, "details": self.details}


class NotFound(ProvgraphError, LookupError):
    """Something named does not exist."""

    code = "not_found"
    exit_status = EXIT_NOT_FOUND


class InvalidInput(ProvgraphError, ValueError):
    """What was given cannot be used."""

    code = "invalid_input"


class UsageError(InvalidInput):
    """The words of a command or call are off."""

    code = "usage"
    exit_status = EXIT_USAGE


class LanguageError(InvalidInput):
    """A criterion or an expression that does not parse or bind; ``position`` counts characters from 0."""

    code = "criterion_syntax"

    def __init__(self, message: str, *, position: int | None = None, text: str | None = None,
                 code: str | None = None, **details: object) -> None:  # fmt: skip
        if position is not None:
            details["position"] = position
        if text is not None:
            details["text"] = text
        super().__init__(message, code=code, **details)
        self.position = position
        self.text = text


class UnknownAttribute(LanguageError, LookupError):
    """An attribute name that nothing here has."""

    code = "unknown_attribute"


class UnknownProperty(InvalidInput, AttributeError):
    """A property that no object here has."""

    code = "unknown_property"


class UnitMismatch(LanguageError):
    """Quantities of different dimensions meet."""

    code = "unit_mismatch"


class FileUnreadable(InvalidInput):
    """A file that is missing, empty, truncated, or of another format than it says."""

    code = "file_unreadable"


class FileUnclear(InvalidInput):
    """A file whose bytes do not say which thing of the survey it is; `objects` : ids of those it can be."""

    code = "file_ambiguous"

    def __init__(self, message: str, *, objects: Sequence[str], code: str | None = None, **details: object) -> None:
        super().__init__(message, code=code, objects=list(objects), **details)
        self.objects = tuple(objects)


class FileDiffers(FileUnclear):
    """A file that says what it was written from, but was changed since."""

    code = "file_differs"
    exit_status = EXIT_DIFFERS


class IngestError(InvalidInput):
    """A catalog that cannot become a Source Collection (identifiers, columns, declarations)."""

    code = "ingest_failed"


class OperatorError(InvalidInput):
    """An operator whose parents or parameters contradict its definition."""

    code = "operator_invalid"


class MakeFailed(ProvgraphError):
    """A target whose make() fails; nothing of it is stored but that it failed."""

    code = "make_failed"


class ProgramFailed(ProvgraphError):
    """An external program that ended with an error, took too long, or did not write what it should."""

    code = "program_failed"


class CalculatorError(ProvgraphError):
    """A calculator whose code fails, or gives something else than it declares; the message names sources and inputs."""

    code = "calculator_failed"


class CannotDerive(NotFound):
    """An attribute that nothing provides; the message holds the tree of what was tried."""

    code = "cannot_derive"


class NameTaken(InvalidInput):
    """A name that belongs to something else."""

    code = "name_taken"


class Immutable(InvalidInput):
    """An attempt to change what is stored."""

    code = "immutable"


class GraphUnavailable(ProvgraphError, ConnectionError):
    """The graph engine cannot be reached or refuses us."""

    code = "graph_unavailable"


class WrongSurvey(InvalidInput):
    """A directory and a database that belong to different surveys."""

    code = "wrong_survey"


class SchemaTooNew(ProvgraphError):
    """A survey written by a newer version of provgraph."""

    code = "schema_too_new"


class SurveyLocked(ProvgraphError):
    """An embedded survey that another user holds."""

    code = "survey_locked"


class StorageError(ProvgraphError, OSError):
    """Catalog values cannot be written or read (disk full, segment gone or changed)."""

    code = "storage_failed"


class RewriteError(ProvgraphError):
    """A rewrite rule broke its promise; ours, never the user's fault."""

    code = "rewrite_broken"


class PolicyViolated(InvalidInput):
    """What a provenance policy forbids; `details["report"]` has the findings."""

    code = "policy_violated"
    exit_status = EXIT_INVALID


class MissingExtra(ProvgraphError, ImportError):
    """An optional part that is not installed."""

    code = "missing_extra"


class Denied(ProvgraphError, PermissionError):
    """The context may not do this."""

    code = "denied"
    exit_status = EXIT_DENIED


def nearest(name: str, existing: Iterable[str], *, most: int = 12) -> str:
    """The part of a sentence that says what there is instead of `name`."""
    names = list(dict.fromkeys(existing))
    folded = {n.casefold(): n for n in reversed(names)}
    close = [folded[n] for n in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    if close:
        return "did you mean " + " or ".join(repr(n) for n in close) + "?"
    if not names:
        return "there are none."
    shown = ", ".join(names[:most]) + (f", and {len(names) - most} more" if len(names) > most else "")
    return f"there are: {shown}."


def a(word: str) -> str:
    """A word with its article."""
    return f"{'an' if word[:1].casefold() in tuple('aeio') else 'a'} {word}"


def needs_extra(extra: str, what: str) -> MissingExtra:
    """The error for an optional part that is absent, with the command that installs it."""
    return MissingExtra(f"{what} needs an optional part: pip install 'provgraph[{extra}]'.", extra=extra)
