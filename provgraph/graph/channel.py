"""The owner-only local channel between processes that share an embedded graph: where it is, and its messages.

Messages are JSON, never pickles. The socket lies in a directory that only its owner may enter, and both ends prove
that they know a key kept beside it in a file only the owner may read.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from provgraph import errors
from provgraph.errors import ProvgraphError

HOLDER_FILE = "holder.json"
_LONGEST_ADDRESS = 100  # bytes; a Unix socket's path has room for 104 to 108
_HANDSHAKE_SECONDS = 10.0
_PIPE = "\\\\.\\pipe\\"
Message = dict[str, Any]


@dataclass(frozen=True)
class Holder:
    """Who has a graph open and serves it; kept in the graph's directory, readable for all so that they can be told."""

    user: str
    pid: int
    host: str
    since: str
    address: str  # of the channel
    key_file: str

    @classmethod
    def of_this_process(cls, directory: Path) -> Holder:
        """A new address and key for serving `directory`; what earlier holders left there is removed."""
        folder = _owner_only_folder()
        stem = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]
        for stale in folder.glob(f"{stem}-*"):  # whoever serves has the engine's lock, so nobody else does
            stale.unlink(missing_ok=True)
        _forget_dead(folder)
        name = f"{stem}-{secrets.token_hex(4)}"
        key_file = folder / f"{name}.key"
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        address = f"{_PIPE}provgraph-{name}" if sys.platform == "win32" else str(folder / f"{name}.sock")
        return cls(getpass.getuser(), os.getpid(), socket.gethostname(), now(), address, str(key_file))

    @classmethod
    def read(cls, directory: Path) -> Holder | None:
        """Who wrote that they hold the graph; they may be gone."""
        try:
            return cls(**json.loads((directory / HOLDER_FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, directory: Path) -> None:
        path = directory / HOLDER_FILE
        partial = path.with_suffix(f".{self.pid}")
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        partial.chmod(0o644)
        partial.replace(path)

    def remove(self, directory: Path) -> None:
        """Take the traces away, unless they are another holder's by now."""
        if Holder.read(directory) == self:
            (directory / HOLDER_FILE).unlink(missing_ok=True)
        Path(self.key_file).unlink(missing_ok=True)
        if not self.address.startswith(_PIPE):
            Path(self.address).unlink(missing_ok=True)

    @property
    def is_other_user(self) -> bool:
        return self.user != getpass.getuser()

    @property
    def is_other_host(self) -> bool:
        return self.host != socket.gethostname()

    def key(self) -> bytes:
        """The key, from a file that belongs to us alone; anything else could be a trap."""
        with open(self.key_file, "rb") as file:
            found = os.fstat(file.fileno())
            if sys.platform != "win32" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
                raise PermissionError(f"{self.key_file} is not private")
            return file.read()

    def connect(self) -> Connection | None:
        """A connection to the holder, or None when it is not there any more."""
        connection = None
        try:
            key = self.key()
            connection = Client(self.address)
            if not connection.poll(_HANDSHAKE_SECONDS):  # nobody accepts any more, or the process is stopped
                raise TimeoutError
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
            return connection
        except (OSError, EOFError, AuthenticationError):
            if connection is not None:
                connection.close()
            return None


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def accept(connection: Connection, key: bytes) -> None:
    """The serving end of `Holder.connect`, in the thread of the connection so that a slow client delays nobody."""
    deliver_challenge(connection, key)
    answer_challenge(connection, key)


def send(connection: Connection, message: Message) -> None:
    connection.send_bytes(json.dumps(message, separators=(",", ":"), default=_plain).encode())


def receive(connection: Connection) -> Message:
    """The next message; EOFError or OSError when the other end is gone."""
    message: Message = json.loads(connection.recv_bytes())
    return message


def hang_up(connection: Connection) -> None:
    """End a connection that another thread may be waiting on; that thread sees the end of it."""
    try:
        if sys.platform == "win32":
            connection.close()
            return
        with socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
    except OSError:  # it is gone already
        pass


def error_message(error: BaseException) -> Message:
    """An error as a message; what is not one of ours is told by its text."""
    if not isinstance(error, ProvgraphError):
        error = ProvgraphError(f"The process that holds the graph failed: {error!r}", code="graph_failed")
    return {"error": {"class": type(error).__name__, **json.loads(json.dumps(error.as_dict(), default=str))}}


def error_of(message: Message) -> ProvgraphError:
    """The error in a message, of the class it had."""
    told = message["error"]
    cls: Callable[..., Any] = getattr(errors, told["class"], ProvgraphError)
    if not (isinstance(cls, type) and issubclass(cls, ProvgraphError)):
        cls = ProvgraphError
    error: ProvgraphError = cls.__new__(cls)
    ProvgraphError.__init__(error, told["message"], code=told["code"], **told["details"])
    return error


def _owner_only_folder() -> Path:
    """A directory for sockets that nobody else can enter, with a short name."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if sys.platform == "win32":
        folder = Path(tempfile.gettempdir()) / "provgraph"
    else:
        folder = Path(base) / "provgraph" if base else Path(tempfile.gettempdir()) / f"provgraph-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if _is_private(folder) and len(os.fsencode(folder)) + 30 <= _LONGEST_ADDRESS:
            return folder
    except OSError:
        pass
    short = None if len(tempfile.gettempdir()) < 60 else "/tmp"
    return Path(tempfile.mkdtemp(prefix="provgraph-", dir=short))


def _forget_dead(folder: Path) -> None:
    """Remove what processes that were killed days ago left of other graphs."""
    for address in folder.glob("*.sock"):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            if address.stat().st_mtime > time.time() - 86_400:
                continue
            try:
                probe.connect(str(address))
            except ConnectionRefusedError:
                address.with_suffix(".key").unlink(missing_ok=True)
                address.unlink(missing_ok=True)


def _is_private(folder: Path) -> bool:
    if sys.platform == "win32":  # the user's own temporary directory
        return True
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays, which the engine in the process takes too."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} cannot be a parameter")
