"""The one shape of an error: ``code``, ``message``, ``details``; what is our fault is masked and logged once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from provgraph.errors import (
    Denied,
    GraphUnavailable,
    InvalidInput,
    NotFound,
    ProvgraphError,
    RewriteError,
    StorageError,
    SurveyLocked,
)

log = logging.getLogger("provgraph.api")

_STATUS: tuple[tuple[type[ProvgraphError], int], ...] = (
    (NotFound, 404),
    (Denied, 403),
    (InvalidInput, 400),
    (GraphUnavailable, 503),
    (SurveyLocked, 503),
    (StorageError, 503),
)
_STATUS_OF_CODE = {
    "not_acceptable": 406, "method_not_allowed": 405, "media_type": 415, "body_too_large": 413, "host_foreign": 421,
    "origin_foreign": 403, "not_completed": 409, "idempotency_conflict": 409, "queue_full": 503, "timeout": 504,
}  # fmt: skip


def status_of(error: ProvgraphError) -> int:
    """The HTTP status that says the same."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    return next((status for cls, status in _STATUS if isinstance(error, cls)), 500)


def shown(error: BaseException) -> ProvgraphError:
    """The error as a client may see it: one of ours as it is; anything else masked, and logged with its traceback."""
    if isinstance(error, ProvgraphError) and not isinstance(error, RewriteError):
        return error
    if isinstance(error, TimeoutError):
        return ProvgraphError("The answer took too long.", code="timeout")
    incident = uuid.uuid4().hex[:12]
    log.error("incident %s: %s", incident, error, exc_info=error)
    return ProvgraphError(
        f"Something went wrong that is not your fault; the server's log has it as incident {incident}.",
        code="internal", incident=incident,
    )  # fmt: skip


def plain(error: ProvgraphError) -> dict[str, Any]:
    """The error as JSON values."""
    return {"code": error.code, "message": error.message, "details": {k: _plain(v) for k, v in error.details.items()}}


def graphql_errors(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """Errors of a GraphQL answer: ``extensions`` hold ``code`` and ``details``."""
    return [_graphql_error(error) for error in errors]


def _graphql_error(error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if cause is None and error.path is not None:  # a field of ours gave what its type cannot say
        cause = TypeError(error.message)
    if cause is None or isinstance(cause, GraphQLError):
        said = error.formatted
        extensions = {**(error.extensions or {})}
        extensions.setdefault("code", _code(error))
        return {**said, "extensions": {"details": {}, **extensions}}
    if isinstance(cause, CannotGetOperationTypeError | InvalidOperationTypeError):
        return {"message": error.message, "extensions": {"code": "graphql_operation", "details": {}}}
    visible = plain(shown(cause))
    found: dict[str, Any] = {"message": visible["message"]}
    if error.locations:
        found["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        found["path"] = error.path
    found["extensions"] = {"code": visible["code"], "details": visible["details"]}
    return found


def _code(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "token_limit" if "tokens" in error.message else "graphql_syntax"
    return "graphql_invalid"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return str(value)
