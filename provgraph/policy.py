"""Context and policy: who reads and makes what. Every read and every write of records goes through one policy object."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from provgraph.schema.agents import Agent


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this uid, as in a container
        return "unknown"


@dataclass(frozen=True)
class Context:
    """In whose name, in which project, and at which least level of privileges objects are made and seen.

    privileges : 1 own, 2 project, 3 survey, 4 world, 5 Virtual Observatory (Astro-WISE context).
    """

    agent: Agent = field(default_factory=lambda: Agent("person", _user()))
    project: str = "default"
    privileges: int = 2


class Policy(Protocol):
    """What a context may see and make."""

    def visible(self, context: Context, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Of graph properties read, those that `context` may see."""
        ...

    def may_write(self, context: Context, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises `Denied` when `context` may not make these records."""
        ...


class AllowAll:
    """One user, one machine: everything is visible and may be made."""

    def visible(self, context: Context, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return list(rows)

    def may_write(self, context: Context, rows: Sequence[Mapping[str, Any]]) -> None:
        return None
