"""Which process made a file that is not finished, and whether it still runs: a pid alone is used again too soon."""

from __future__ import annotations

import os
import socket
from hashlib import sha256
from pathlib import Path


def host() -> str:
    """This machine, 8 hex digits: another machine's processes cannot be looked at from here."""
    return sha256(socket.gethostname().encode()).hexdigest()[:8]


def started(pid: int) -> str:
    """When a process started, '' when it does not run; '0' where the system does not say."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass  # it runs, under another user
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    except OSError:
        return "0"


def mark() -> str:
    """This process as text."""
    return f"{host()}.{os.getpid()}.{started(os.getpid())}"


def is_gone(process: str) -> bool:
    """Whether the process of a mark was one of this machine and has ended."""
    where, pid, began = process.split(".")
    return where == host() and started(int(pid)) != began
