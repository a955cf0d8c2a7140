"""Why a collection is as it is: the dated statements of the pulls that led to it, kept beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provgraph.graph.mapper import Mapper
from provgraph.resolver.request import Choice, Resolution
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection

OVERRULING = ("use", "avoid", "parameters")
PULLED = "pulled"
"""Kind of the statement that a pull makes about its result, which may be older than the pull."""


@dataclass(frozen=True)
class Pulled:
    """One pull that led to a collection: when, what was asked, by which ranking, and each choice with its reason."""

    recorded: str
    request: Mapping[str, Any]
    ranking: str
    choices: tuple[Choice, ...]

    def said(self, called: Mapping[str, str]) -> str:
        """To read. called : names by id, of what the request speaks of."""
        asked = ", ".join(self.request.get("attributes", ()))
        where = f" where {self.request['where']}" if "where" in self.request else ""
        lines = [f"{self.recorded[:19].replace('T', ' ')}  asked for {asked}{where}; ranking {self.ranking}"]
        for word in OVERRULING:
            if word in self.request:
                lines.append(f"  overruled: {word}={json.dumps(_named(self.request[word], called))}")
        lines += [f"  {c.outcome:<8}  {c.what}\n            {c.reason}" for c in self.choices]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.said({})


def _named(said: Any, called: Mapping[str, str]) -> Any:
    """What was said, with names in place of ids."""
    if isinstance(said, Mapping):
        return {key: _named(value, called) for key, value in said.items()}
    if isinstance(said, list):
        return [_named(value, called) for value in said]
    return called.get(said, said) if isinstance(said, str) else said


@dataclass(frozen=True)
class Why:
    """Where a collection comes from, and whether it is up to date.

    pulls : oldest first; none for what was made by hand. status : as `Survey.status` says. called : names by id of what the
    requests speak of.
    """

    collection: str
    status: Any
    pulls: tuple[Pulled, ...] = field(default=())
    called: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        made = [p.said(self.called) for p in self.pulls] or ["made by hand; no pull led to it"]
        return "\n".join([self.collection, f"status: {self.status}", *made])

    def __repr__(self) -> str:
        return str(self)


def settle(resolution: Resolution, mapper: Mapper) -> None:
    """Say of what the resolver would create, and the survey has already, that it was found."""
    made = {repr(one): one for one in resolution.result.ancestry() if not one.is_stored}
    there = mapper.existing(list(made.values())) if made else {}
    for i, choice in enumerate(resolution.choices):
        one = made.get(choice.what) if choice.outcome == "created" else None
        if one is not None and one.lineage_key in there:
            resolution.choices[i] = Choice(
                "found", choice.what, "it was created for an earlier request with the same lineage"
            )


def statement(resolution: Resolution) -> str:
    """What is kept of a pull, as canonical JSON."""
    return keys.canonical_json(resolution.as_dict())


def is_new(resolution: Resolution, about: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last pull of this result asked for something else. about : notes about it, oldest first."""
    said = [n["value"] for n in about if n["kind"] == PULLED]
    return not said or _meant(json.loads(said[-1])) != _meant(resolution.as_dict())


def _meant(said: Mapping[str, Any]) -> Any:
    """What was asked, and by which ranking. The result is the same, so criteria select the same however they are spelled;
    and what the first pull had to create the next one finds, which is nothing new."""
    return said["ranking"], {key: value for key, value in said["request"].items() if key != "where"}


def spoken_of(pulls: Sequence[Pulled]) -> list[str]:
    """Ids of what requests speak of."""

    def ids(said: Any) -> list[str]:
        if isinstance(said, Mapping):
            return [i for value in said.values() for i in ids(value)]
        return [i for value in said for i in ids(value)] if isinstance(said, list) else [said] * isinstance(said, str)

    return list(dict.fromkeys(i for p in pulls for word in OVERRULING for i in ids(p.request.get(word, []))))


def pulls(mapper: Mapper, collection: SourceCollection) -> tuple[Pulled, ...]:
    """The pulls that led to a collection, oldest first."""
    return pulled(mapper.read("notes_about", ids=[collection.object_id]))


def pulled(about: Sequence[Mapping[str, Any]]) -> tuple[Pulled, ...]:
    """The pulls among notes, in their order."""
    found = []
    for note in about:
        if note["kind"] == PULLED:
            plain = json.loads(note["value"])
            choices = tuple(Choice(*one) for one in plain["choices"])
            found.append(Pulled(note["recorded"], plain["request"], plain["ranking"], choices))
    return tuple(found)
