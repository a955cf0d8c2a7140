"""The service: routes as one list, GraphQL for the graph and for control, plain streams for rows, pages for people."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from provgraph.api import limits, loaders, results
from provgraph.api.context import Context, Service
from provgraph.api.errors import graphql_errors, plain, shown, status_of
from provgraph.api.schema import Schema, make_schema
from provgraph.api.security import LocalOnly
from provgraph.api.server import serve
from provgraph.api.viewer import pages
from provgraph.errors import InvalidInput, NotFound, ProvgraphError
from provgraph.jobs.runner import Runner
from provgraph.survey import Survey

__all__ = ["ROUTES", "make_app", "serve"]

log = logging.getLogger("provgraph.api")

LINEAGE_TYPES = {
    "prov-json": "application/json", "prov-n": "text/provenance-notation; charset=utf-8", "svg": "image/svg+xml",
    "dot": "text/vnd.graphviz; charset=utf-8", "text": "text/plain; charset=utf-8", "json": "application/json",
}  # fmt: skip
Handler = Callable[[Request], Awaitable[Response]]


# -- GraphQL -----------------------------------------------------------------------------------------------------------


async def graphql(request: Request) -> Response:
    """POST of one operation as application/json; GET shows the page to write one."""
    if request.method == "GET":
        if "query" in request.query_params and "text/html" not in request.headers.get("accept", ""):
            raise ProvgraphError("Operations are sent with POST as application/json.", code="method_not_allowed")
        return await pages.query(request)
    asked = await _operation(request)
    service: Service = request.app.state.service
    schema: Schema = request.app.state.schema
    try:
        with anyio.fail_after(limits.SECONDS):
            found = await schema.execute(
                asked["query"], variable_values=asked.get("variables"), operation_name=asked.get("operationName"),
                context_value=Context(service),
            )  # fmt: skip
    except TimeoutError:
        raise ProvgraphError(f"The answer took longer than {limits.SECONDS:.0f} s.", code="timeout") from None
    except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError):
        raise InvalidInput("This operation is not in the document.", code="graphql_operation") from None
    answer: dict[str, Any] = {"data": found.data}
    if found.errors:
        answer["errors"] = graphql_errors(found.errors)
    return Response(orjson.dumps(answer, default=str), media_type="application/json")


async def _operation(request: Request) -> dict[str, Any]:
    """The operation in the body, checked before anything is parsed as GraphQL."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidInput("An operation is sent as application/json.", code="media_type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.BODY_BYTES:
            raise InvalidInput(f"A request has at most {limits.BODY_BYTES:,} bytes.", code="body_too_large")
    try:
        asked = orjson.loads(body)
    except ValueError:
        raise InvalidInput("The body is no JSON.", code="json_invalid") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str) or not asked["query"].strip():
        raise InvalidInput(
            "The body is to be one object with the text of the operation as 'query'.", code="graphql_request"
        )
    if not isinstance(asked.get("variables") or {}, dict) or not isinstance(asked.get("operationName") or "", str):
        raise InvalidInput("'variables' is an object and 'operationName' is text.", code="graphql_request")
    if len(asked["query"]) > limits.QUERY_CHARACTERS:
        raise InvalidInput(f"A query has at most {limits.QUERY_CHARACTERS:,} characters.", code="query_too_long")
    return asked


# -- files -------------------------------------------------------------------------------------------------------------


async def lineage(request: Request) -> Response:
    """The lineage of an object as a document: ``?up=&down=&limit=&format=``."""
    service: Service = request.app.state.service
    wanted = request.query_params.get("format", "prov-json")
    if wanted not in LINEAGE_TYPES:
        raise ProvgraphError(
            f"A lineage cannot be had as {wanted[:80]!r}; there are: {', '.join(LINEAGE_TYPES)}.", code="not_acceptable"
        )
    up, down = _number(request, "up", 1, limits.LINEAGE_DEPTH), _number(request, "down", 0, limits.LINEAGE_DEPTH)
    limit = max(_number(request, "limit", 200, limits.LINEAGE_NODES), 1)
    body = await service.run(_lineage, service.survey, request.path_params["object_id"], up, down, limit, wanted)
    return Response(body, media_type=LINEAGE_TYPES[wanted])


def _lineage(survey: Survey, reference: str, up: int, down: int, limit: int, format: str) -> str | bytes:
    view = survey.lineage(_object(survey, reference), up=up, down=down, limit=limit)
    if format != "json":
        return str(view.to(format))
    found = view.lineage
    return orjson.dumps({
        "roots": found.roots, "complete": found.complete, "truncated": found.truncated,
        "nodes": [
            {"id": n.id, "kind": n.kind, "className": n.class_name, "label": n.label, "properties": dict(n.properties)}
            for n in found.nodes
        ],
        "edges": [{"source": e.source, "target": e.target, "relation": e.relation, **e.properties} for e in found.edges],
        "cost": {"statements": found.statements, "seconds": found.seconds},
    }, default=str)  # fmt: skip


async def result(request: Request) -> Response:
    """The catalog data of a completed pull; ``?format=`` or Accept say how."""
    service: Service = request.app.state.service
    collection = await service.run(service.runner.result, request.path_params["job_id"])
    format = results.negotiate(request.headers.get("accept", ""), request.query_params.get("format", ""))
    return await results.respond(service, collection, format, head=request.method == "HEAD")


def _object(survey: Survey, reference: str) -> Any:
    object_id = loaders.object_id_of(reference)
    if object_id is None:
        raise NotFound(f"{reference[:80]!r} is no id.", code="id_invalid")
    return survey.mapper.get(object_id)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput(f"{name}={text[:20]!r} is not a number.", code="number_invalid", name=name)
    return limits.clamp(int(text), default, most)


# -- health ------------------------------------------------------------------------------------------------------------


async def healthz(request: Request) -> Response:
    """The process lives."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The graph answers and jobs can be stored."""
    service: Service = request.app.state.service
    with anyio.fail_after(5):
        await service.run(_ready, service)
    return JSONResponse({"status": "ready", "engine": service.survey.engine.name})


def _ready(service: Service) -> None:
    from provgraph.jobs.store import Phase

    service.survey.mapper.read("names_given", limit=1)
    service.runner.store.count(Phase.QUEUED)


# -- errors ------------------------------------------------------------------------------------------------------------


async def on_error(request: Request, error: Exception) -> Response:
    """Every error in one shape; as a page where a person asked."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=400)
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        seen, status = ProvgraphError(str(error.detail), code=code), error.status_code
        headers = dict(error.headers or {})
    else:
        seen = shown(error)
        status, headers = status_of(seen), {}
    if status == 405:
        headers.setdefault("Allow", "POST")
    if status == 503:
        headers["Retry-After"] = "5"
    if "text/html" in request.headers.get("accept", "") and request.method == "GET":
        return pages.error(request, seen, status, headers)
    if request.url.path == "/graphql":
        visible = plain(seen)
        extensions = {"code": visible["code"], "details": visible["details"]}
        body = {"data": None, "errors": [{"message": visible["message"], "extensions": extensions}]}
        return Response(orjson.dumps(body, default=str), status, headers, "application/json")
    return Response(orjson.dumps({"error": plain(seen)}, default=str), status, headers, "application/json")


# -- the application ---------------------------------------------------------------------------------------------------

ROUTES = [
    Route("/", pages.index),
    Route("/id/{object_id}", pages.thing),
    Route("/lineage/{object_id}", lineage),
    Route("/graphql", graphql, methods=["GET", "POST"]),
    Route("/pulls/{job_id}/result", result),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Mount("/static", StaticFiles(directory=pages.STATIC), name="static"),
]


def make_app(survey: Survey, *, runner: Runner | None = None) -> Starlette:
    """The application of one open survey. It starts the runner of its pulls, and stops it; the survey stays the caller's."""
    working = runner or Runner(survey)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(working.start)
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(working.stop)

    app = Starlette(
        routes=ROUTES, middleware=[Middleware(LocalOnly, on_error=on_error)], lifespan=lifespan,
        exception_handlers={ProvgraphError: on_error, HTTPException: on_error},
    )  # fmt: skip
    app.state.service = Service(survey, working)
    app.state.schema = make_schema()
    return app
