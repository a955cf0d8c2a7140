"""What a policy says, as plain data: rules, the things each is for, and what must be true of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ERROR, WARNING = "error", "warning"
SEVERITIES: Final = (ERROR, WARNING)
MAKING, NOW = "making", "now"
MEASURED: Final = (MAKING, NOW)
PRESENT, VERIFIED = "present", "verified"
STORED: Final = (PRESENT, VERIFIED)
SOFTWARE, AGENT, ENVIRONMENT, CODE = "software", "agent", "environment", "code"
NAMED: Final = (SOFTWARE, AGENT, ENVIRONMENT, CODE)


@dataclass(frozen=True)
class When:
    """When something must have been: what has no such time meets no condition on it.

    newer_than, older_than : seconds before `measured_at`, the making of the thing that is checked, or now. after, before : times.
    time : the property that holds the time; without one, when an object was stored, or a call began.
    """

    newer_than: float | None = None
    older_than: float | None = None
    after: str = ""
    before: str = ""
    time: str = ""
    measured_at: str = MAKING

    def __bool__(self) -> bool:
        return bool(self.newer_than is not None or self.older_than is not None or self.after or self.before)

    @property
    def is_of_the_thing(self) -> bool:
        """Whether it depends on when the thing was made that is checked."""
        return self.measured_at == MAKING and (self.newer_than is not None or self.older_than is not None)


@dataclass(frozen=True)
class What:
    """What is looked for upstream: objects of classes, of a name, for which a condition is true; or calls.

    name, calls : shell wildcards; calls are called ``Class.method``.
    """

    classes: tuple[str, ...] = ()
    name: str = ""
    where: str = ""
    calls: str = ""
    when: When = When()


@dataclass(frozen=True)
class For:
    """Which things a rule is for."""

    classes: tuple[str, ...] = ()
    name: str = ""
    where: str = ""
    published: bool | None = None
    newest: bool = False


@dataclass(frozen=True)
class DescendsFrom:
    """At least so many of these are upstream."""

    what: What
    at_least: int = 1


@dataclass(frozen=True)
class NotUpstream:
    """None of these is upstream."""

    what: What


@dataclass(frozen=True)
class EveryUpstream:
    """All of these that are upstream are as they must be: `must` is a condition, `when` a time."""

    what: What
    must: str = ""
    when: When = When()


@dataclass(frozen=True)
class EveryActivity:
    """Every call upstream says who and what stood behind it."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Software:
    """What ran upstream was of these versions; by package, as pip writes it."""

    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Agents:
    """Only these persons and organisations had a part in it; shell wildcards."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Valid:
    """Neither it nor anything upstream was declared invalid."""


@dataclass(frozen=True)
class Newest:
    """Nothing upstream has a newer version."""


@dataclass(frozen=True)
class Stored:
    """The stored bytes of it and of everything upstream are there; verified : and are those that were stored."""

    how: str


@dataclass(frozen=True)
class MaxDepth:
    """Nothing upstream is further away than so many derivations and calls, by the shortest way."""

    steps: int


@dataclass(frozen=True)
class MaxAge:
    """It was stored less than so many seconds ago."""

    seconds: float


@dataclass(frozen=True)
class Has:
    """It has these attributes, with these units and UCDs, and values of these properties."""

    attributes: tuple[str, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    ucds: tuple[tuple[str, str], ...] = ()
    properties: tuple[str, ...] = ()


Assertion = (
    DescendsFrom | NotUpstream | EveryUpstream | EveryActivity | Software | Agents | Valid | Newest | Stored
    | MaxDepth | MaxAge | Has
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One rule; assertions : by the word that it is written with. line : where it begins in the file, 0 where that is unknown."""

    name: str
    things: For
    assertions: tuple[tuple[str, Assertion], ...]
    description: str = ""
    severity: str = ERROR
    line: int = 0


@dataclass(frozen=True)
class Policy:
    """A policy as it was read; digest : ``sha256:<hex>`` of its text. source : the file, for messages."""

    name: str
    rules: tuple[Rule, ...]
    text: str = field(repr=False)
    digest: str
    description: str = ""
    source: str = "policy"
