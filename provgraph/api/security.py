"""Who may speak with the service while nobody has to say who he is: this machine, and pages that we served ourselves."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provgraph.api.errors import plain, status_of
from provgraph.errors import ProvgraphError, UsageError

_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_loopback(host: str) -> str:
    """`host` when it is this machine only.

    Raises
    ------
    UsageError : ``host_not_loopback``. Without authentication everybody who reaches the service could do everything.
    """
    if host == "localhost":
        return "127.0.0.1"  # whatever a hosts file says
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return host.strip("[]")
    except ValueError:
        pass
    raise UsageError(
        f"{host} can be reached from other machines, and this service does not ask who somebody is; use 127.0.0.1, "
        "and 'ssh -L' from elsewhere.", code="host_not_loopback", host=host,
    )  # fmt: skip


class LocalOnly:
    """Refuses requests under a foreign host name (DNS rebinding) or from pages of others, and adds security headers.

    on_error : makes the response of whatever nobody inside has handled, so that it has the headers too.
    """

    def __init__(self, app: ASGIApp, on_error: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self.app = app
        self.on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def send_protected(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refused = _refused(headers)
        if refused is not None:
            response: Response = JSONResponse({"error": plain(refused)}, status_code=status_of(refused))
            await response(scope, receive, send_protected)
            return
        try:
            await self.app(scope, receive, send_protected)
        except Exception as error:
            if started:  # half an answer: the server closes the connection, so that nobody takes it for a whole one
                raise
            response = await self.on_error(Request(scope, receive), error)
            await response(scope, receive, send_protected)


def _refused(headers: Headers) -> ProvgraphError | None:
    host = headers.get("host", "")
    if _name(host) not in _LOCAL_NAMES:
        return ProvgraphError(f"This service is not called {host[:200]!r}.", code="host_foreign")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return ProvgraphError("Pages of others may not use this service.", code="origin_foreign")
    return None


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
