"""Servers for tests of the store: S3 as moto serves it, SFTP, and a web server that breaks off when it is told to."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CI


def needs(module: str) -> Any:
    """An optional package; where everything is to be tested it has to be there."""
    if CI:
        return __import__(module)
    return pytest.importorskip(module, reason=f"{module} is not installed: pip install 'provgraph[test]'")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server that speaks S3, in this process but reached over the network like any other."""
    needs("s3fs")
    needs("moto")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, as ``s3://name``; processes that are started find the server too."""
    for name, value in (
        ("AWS_ENDPOINT_URL", s3_server), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    name = f"b-{uuid.uuid4().hex}"
    filesystem().mkdir(name)
    return f"s3://{name}"


def filesystem() -> Any:
    import fsspec

    found = fsspec.filesystem("s3")
    found.invalidate_cache()
    return found


class WebServer(ThreadingHTTPServer):
    """Serves the files of a directory. asked : path and first byte of each GET; cut : after how many bytes the next ones break off.

    ranges : whether parts of files can be asked for. slow : seconds to wait after each 64 KiB. status : what it answers instead.
    """

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory = directory
        self.asked: list[tuple[str, int]] = []
        self.cut: list[int] = []
        self.ranges = True
        self.slow = 0.0
        self.status = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who has gone away is none of our business."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebServer

    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, body: bool) -> None:
        path = self.server.directory / self.path.lstrip("/")
        if self.server.status or not path.is_file():
            self.send_response(self.server.status or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        size = path.stat().st_size
        start, stop = 0, size
        asked = self.headers.get("Range") if self.server.ranges else None
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1 if last else size, size)
        if body:
            self.server.asked.append((self.path, start))
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(stop - start))
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.end_headers()
        if not body:
            return
        cut = self.server.cut.pop(0) if self.server.cut and stop - start > self.server.cut[0] else None
        with path.open("rb") as file:
            file.seek(start)
            left = stop - start if cut is None else cut
            while left and (block := file.read(min(left, 65536))):
                self.wfile.write(block)
                left -= len(block)
                time.sleep(self.server.slow)
        if cut is not None:
            self.close_connection = True
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    needs("aiohttp")
    directory = tmp_path / "web"
    directory.mkdir()
    server = WebServer(directory)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An SFTP server: its address, and the folder that is its root."""
    needs("paramiko")
    asyncssh = needs("asyncssh")
    root = tmp_path_factory.mktemp("sftp")

    class Server(asyncssh.SSHServer):  # type: ignore[name-defined,misc]
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("observer", "clear sky")

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Server, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        )  # fmt: skip

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    yield f"sftp://127.0.0.1:{listening.get_port()}", root
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)


@pytest.fixture
def sftp_folder(sftp_server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty folder of the server; who may read it is said to fsspec, as its settings do."""
    from fsspec.config import conf

    monkeypatch.setitem(conf, "sftp", {"username": "observer", "password": "clear sky"})
    address, root = sftp_server
    folder = uuid.uuid4().hex
    (root / folder).mkdir()
    return f"{address}/{folder}"
