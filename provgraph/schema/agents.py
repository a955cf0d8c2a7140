"""Activities and agents of PROV-DM, and the one table that says which relation joins what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from provgraph import names
from provgraph.schema import keys


@dataclass(frozen=True)
class Agent:
    """Somebody or something responsible; the same kind and name are the same agent."""

    kind: str  # person, software, organisation
    name: str
    version: str = ""

    @cached_property
    def agent_id(self) -> str:
        return "agent:" + keys.sha256([self.kind, self.name, self.version])[:20]

    def properties(self) -> dict[str, Any]:
        return {"agent_id": self.agent_id, "kind": self.kind, "name": self.name, "version": self.version}


@dataclass
class Activity:
    """One recorded call, written once, when it ends."""

    class_name: str
    method: str
    arguments: str = ""  # canonical JSON
    activity_id: str = field(default_factory=keys.new_id)
    started: str = field(default_factory=keys.now)
    ended: str = ""
    status: str = "done"  # done, failed, aborted
    message: str = ""
    results: dict[str, Any] = field(default_factory=dict)  # scalars measured: rows, seconds

    def properties(self) -> dict[str, Any]:
        return {
            "activity_id": self.activity_id, "class_name": self.class_name, "method": self.method,
            "arguments": self.arguments, "started": self.started, "ended": self.ended, "status": self.status,
            "message": self.message, **self.results,
        }  # fmt: skip


@dataclass(frozen=True)
class Note:
    """A dated statement about an entity: a name, a description, a tag, validity, an explanation."""

    kind: str
    value: str
    about: str  # object_id
    reason: str = ""
    valid_from: str = ""
    recorded: str = field(default_factory=keys.now)
    note_id: str = field(default_factory=keys.new_id)

    def properties(self) -> dict[str, Any]:
        return {
            "note_id": self.note_id, "kind": self.kind, "value": self.value, "reason": self.reason,
            "recorded": self.recorded, "valid_from": self.valid_from or self.recorded,
        }  # fmt: skip


class Relation(NamedTuple):
    """Which nodes an edge joins: label and key property of its effect and of its cause."""

    source: tuple[str, str]
    target: tuple[str, str]


ENTITY = ("Entity", "object_id")
ACTIVITY = ("Activity", "activity_id")
AGENT = ("Agent", "agent_id")
NOTE = ("Note", "note_id")
COLUMN = ("Column", "origin_key")
ATTRIBUTE_NAME = ("AttributeName", "name")
SOURCE_ATOM = ("SourceAtom", "atom")

RELATIONS: dict[tuple[str, str], Relation] = {
    (names.WAS_DERIVED_FROM, ""): Relation(ENTITY, ENTITY),
    (names.WAS_GENERATED_BY, ""): Relation(ENTITY, ACTIVITY),
    (names.USED, ""): Relation(ACTIVITY, ENTITY),
    (names.WAS_INFORMED_BY, ""): Relation(ACTIVITY, ACTIVITY),
    (names.WAS_ASSOCIATED_WITH, ""): Relation(ACTIVITY, AGENT),
    (names.WAS_ATTRIBUTED_TO, ""): Relation(ENTITY, AGENT),
    (names.WAS_ATTRIBUTED_TO, "note"): Relation(NOTE, AGENT),
    (names.ACTED_ON_BEHALF_OF, ""): Relation(AGENT, AGENT),
    (names.HAD_PLAN, ""): Relation(ACTIVITY, ENTITY),
    (names.ABOUT, ""): Relation(NOTE, ENTITY),
    (names.HOLDS, ""): Relation(ENTITY, COLUMN),
    (names.INTRODUCES, ""): Relation(ENTITY, ATTRIBUTE_NAME),
    (names.PROVIDES, ""): Relation(ENTITY, ATTRIBUTE_NAME),
    (names.READS, ""): Relation(SOURCE_ATOM, COLUMN),
    (names.SUBSET_OF, ""): Relation(SOURCE_ATOM, SOURCE_ATOM),
    (names.DISJOINT_FROM, ""): Relation(SOURCE_ATOM, SOURCE_ATOM),
}
