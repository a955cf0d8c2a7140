"""Running the service: one process, on this machine only."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provgraph.api.security import check_loopback
from provgraph.errors import UsageError, needs_extra

if TYPE_CHECKING:
    from provgraph.survey import Survey

PORT = 8765


def serve(survey: Survey | str | os.PathLike[str], *, graph: str = "", auth: tuple[str, str] | None = None,
          host: str = "127.0.0.1", port: int = PORT) -> None:  # fmt: skip
    """Serve a survey (open already, or its directory) until SIGTERM or Ctrl-C; the address goes to standard error.

    graph, auth : as in `provgraph.open`. port : 0 takes a free one.

    One process, one worker: the embedded engine lets one process in, and pulls have processes of their own.

    Raises
    ------
    UsageError : ``host_not_loopback`` while no authentication exists; ``port_in_use``.
    """
    address = check_loopback(host)  # before anything is opened
    try:
        import uvicorn

        from provgraph.api.app import make_app
    except ImportError:
        raise needs_extra("serve", "The service") from None
    import provgraph

    listening = _listen(address, port)
    try:
        opened = None
        if isinstance(survey, str | os.PathLike):
            survey = opened = provgraph.open(Path(survey), graph=graph, auth=auth, create=False)
        try:
            shown = f"[{address}]" if ":" in address else address
            print(f"http://{shown}:{listening.getsockname()[1]}/", file=sys.stderr, flush=True)
            logging.getLogger("provgraph").setLevel(logging.INFO)
            config = uvicorn.Config(
                make_app(survey), log_level="warning", access_log=False, lifespan="on", server_header=False,
                timeout_graceful_shutdown=5, h11_max_incomplete_event_size=64 * 1024,
            )  # fmt: skip
            with _ends_by_signal():
                uvicorn.Server(config).run(sockets=[listening])
        finally:
            if opened is not None:
                opened.close()
    finally:
        listening.close()


@contextmanager
def _ends_by_signal() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the server, not the process: uvicorn sends them again when it has ended, which would be
    before the survey is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(2048)  # whoever reads the address can connect: it waits until the service has started
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(
            f"Port {port} of {address} cannot be had ({getattr(error, 'strerror', error)}); give another, or 0 for a free one.",
            code="port_in_use", port=port,
        ) from None  # fmt: skip
    return listening
