"""A request: what a catalog should contain, not how to make it (paper, Section 6.1); and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from provgraph.schema.collection import SourceCollection


@dataclass(frozen=True)
class Request:
    """A starting collection, the attributes wanted, and optionally a criterion for the sources."""

    start: SourceCollection
    attributes: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Choice:
    """One thing that was found, created or rejected while a request was resolved, and why."""

    outcome: str  # found, created, rejected
    what: str
    reason: str


@dataclass
class Resolution:
    """The dependency graph that answers a request, its end first, with the choices that led to it."""

    request: Request
    result: SourceCollection
    ranking: str
    choices: list[Choice] = field(default_factory=list)
