"""A request: what a catalog should contain, not how to make it (paper, Section 6.1); and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provgraph.language.criterion import Criterion
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject


def _spelled(where: str) -> str:
    """A criterion in the one normal spelling, so that the same request is not recorded twice."""
    return Criterion.parse(where).text if where else ""


@dataclass(frozen=True)
class Request:
    """A starting collection, the attributes wanted, optionally a criterion for the sources, and what the user overrules.

    use : by attribute name, the collection to take it from or the calculator definition to derive it by.
    avoid : collections and definitions that are not to be used. Both decide which parents are chosen, nothing else.
    parameters : by name of an attribute or of its calculator, process parameters in place of defaults, numbers and whole
    catalogs: part of their step.
    """

    start: SourceCollection
    attributes: tuple[str, ...]
    where: str = ""
    use: Mapping[str, DBObject] = field(default_factory=dict)
    avoid: tuple[DBObject, ...] = ()
    parameters: Mapping[str, Mapping[str, float | SourceCollection]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What was asked, as plain values; what was not said is left out."""
        plain = {
            "start": self.start.object_id, "attributes": list(self.attributes), "where": _spelled(self.where),
            "use": {name: one.object_id for name, one in sorted(self.use.items())},
            "avoid": sorted(one.object_id for one in self.avoid),
            "parameters": {
                name: {k: v.object_id if isinstance(v, SourceCollection) else v for k, v in sorted(values.items())}
                for name, values in sorted(self.parameters.items())
            },
        }  # fmt: skip
        return {key: value for key, value in plain.items() if value}


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

    def as_dict(self) -> dict[str, Any]:
        """What is kept as a dated statement about the result: the request, the ranking and the choices with reasons."""
        choices = [[c.outcome, c.what, c.reason] for c in self.choices]
        return {"request": self.request.as_dict(), "ranking": self.ranking, "choices": choices}
