"""Impact: what is affected if something is wrong, counted before anybody declares it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from provgraph import names
from provgraph.errors import InvalidInput, nearest
from provgraph.graph.lineage import DEEPEST, ENTITY, MOST, Node
from provgraph.graph.walk import Terms
from provgraph.resolver.costs import amount
from provgraph.schema.objects import DBObject
from provgraph.targets.usage import time_of

INVALID, SUPERSEDED = "invalid", "superseded"
CAUSES: Final = (INVALID, SUPERSEDED)
ALL, STORED, PUBLISHED = "all", "stored", "published"
CHOICES: Final = (ALL, STORED, PUBLISHED)
_SHOWN: Final = 20  # things that are told one by one


@dataclass(frozen=True)
class Affected:
    """One thing that depends on what is wrong.

    steps : how many derivations and calls away. bytes : of its stored values, None where none are stored. identifiers : under
    which it was published. invalid : it was declared so already.
    """

    id: str
    class_name: str
    label: str
    steps: int
    bytes: int | None = None
    identifiers: tuple[str, ...] = ()
    invalid: bool = False

    def __str__(self) -> str:
        called = self.class_name if self.label == self.class_name else f"{self.class_name} {self.label}"
        published = f", published as {', '.join(self.identifiers)}" if self.identifiers else ""
        return f"{called} …{self.id[-8:]}{published}{', invalid already' if self.invalid else ''}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id, "class": self.class_name, "label": self.label, "steps": self.steps, "bytes": self.bytes,
            "identifiers": list(self.identifiers), "invalid": self.invalid,
        }  # fmt: skip


@dataclass(frozen=True)
class Impact:
    """What depends on some things.

    affected : nearest first. seconds : what the calls took that made them, each call once and not also the calls in it. complete :
    nothing was left out; else there is more than is told.
    """

    survey: Any = field(repr=False, compare=False)
    things: tuple[DBObject, ...]
    cause: str
    affected: tuple[Affected, ...]
    seconds: float
    complete: bool
    only: str = ALL

    @property
    def by_class(self) -> dict[str, int]:
        """How many of each class, the most first."""
        counts = Counter(one.class_name for one in self.affected)
        return dict(sorted(counts.items(), key=lambda c: (-c[1], c[0])))

    @property
    def bytes(self) -> int:
        return sum(one.bytes or 0 for one in self.affected)

    @property
    def published(self) -> tuple[Affected, ...]:
        return tuple(one for one in self.affected if one.identifiers)

    def __len__(self) -> int:
        return len(self.affected)

    def invalidate(self, reason: str) -> list[Any]:
        """Declare the things wrong, as `Survey.invalidate` does: dated statements with this reason, by who works here."""
        if self.cause != INVALID:
            raise InvalidInput(
                f"This is the impact of things that are {self.cause}; ask with cause='invalid' to declare them wrong.",
                code="impact_cause",
            )
        return [self.survey.invalidate(one, reason) for one in self.things]

    def __str__(self) -> str:
        which = {ALL: "", STORED: " with stored values", PUBLISHED: " published"}[self.only]
        if not self.affected:
            return f"Nothing{which} depends on it."
        cost = f"{time_of(self.seconds)} to make them again, {amount(self.bytes)} stored"
        many = f"{len(self.affected):,} things{which} depend" if len(self.affected) > 1 else f"1 thing{which} depends"
        lines = [f"{many} on it; {cost}"]
        lines += [f"  {n:,} {name}" for name, n in self.by_class.items()]
        if self.published:
            lines.append(f"{len(self.published):,} published:")
            lines += [f"  {one}" for one in self.published[:_SHOWN]]
            if len(self.published) > _SHOWN:
                lines.append(f"  and {len(self.published) - _SHOWN:,} more")
        if not self.complete:
            lines.append("There is more; not everything was looked at.")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        return {
            "things": [one.object_id for one in self.things], "cause": self.cause, "only": self.only,
            "affected": len(self.affected), "by_class": self.by_class, "seconds": self.seconds, "bytes": self.bytes,
            "published": [one.as_dict() for one in self.published], "all": [one.as_dict() for one in self.affected],
            "complete": self.complete,
        }  # fmt: skip


def impact(survey: Any, things: Sequence[DBObject], *, cause: str = INVALID, only: str = ALL) -> Impact:
    """What depends on these things. A newer version does not depend on an older one, a file is counted with its object, and
    what policies said of things is no result of them.

    Raises InvalidInput ``impact_cause``, ``impact_only``.
    """
    for word, value, known in (("cause", cause, CAUSES), ("only", only, CHOICES)):
        if value not in known:
            raise InvalidInput(f"There is no {word}={value!r}; {nearest(value, known)}", code=f"impact_{word}")
    if not things:
        raise InvalidInput("Say what may be wrong: an object, or several.", code="impact_of_nothing")
    roots = [one.object_id for one in things]
    terms = Terms(up=0, down=DEEPEST, limit=MOST, without_roles=(names.REVISION_ROLE,))
    found = survey.mapper.walk(roots, terms)
    nodes = [n for n in found.nodes if n.kind == ENTITY and n.id not in roots and not n.properties.get("deleted")
             and not {"StoredFile", "CheckReport"} & set(n.labels)]  # fmt: skip
    facts = _facts(survey, [n.id for n in nodes])
    affected = [_affected(n, found.levels[n.id], facts.get(n.id, ())) for n in nodes]
    if only == STORED:
        affected = [one for one in affected if one.bytes is not None]
    elif only == PUBLISHED:
        affected = [one for one in affected if one.identifiers]
    seconds = cost(survey.mapper, [one.id for one in affected])
    return Impact(survey, tuple(things), cause, tuple(affected), seconds, found.complete, only)


def _facts(survey: Any, ids: Sequence[str]) -> Mapping[str, list[Mapping[str, Any]]]:
    facts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in survey.mapper.read("impact_facts", ids=list(ids)) if ids else ():
        facts[row["id"]].append(row)
    return facts


def _affected(node: Node, steps: int, facts: Iterable[Mapping[str, Any]]) -> Affected:
    told = sorted(facts, key=lambda f: f["recorded"])
    sizes = [f["size"] for f in told if f["what"] == "size"]
    if "Segment" in node.labels:
        sizes.append(node.properties["size"])
    one = Affected(node.id, node.class_name, node.label, steps)
    validity = [f["value"] for f in told if f["what"] == "validity"]
    return replace(
        one, bytes=sum(sizes) if sizes else None, invalid=validity[-1:] == ["invalid"],
        identifiers=tuple(dict.fromkeys(f["value"] for f in told if f["what"] == "identifier")),
    )  # fmt: skip


def cost(mapper: Any, made: Sequence[str]) -> float:
    """Seconds of the calls that made these entities; of a call and one inside it, only the outer one."""
    if not made:
        return 0.0
    calls = {row["call"]: _seconds(row) for row in mapper.read("calls_that_made", ids=list(made))}
    callers: dict[str, list[str]] = {}
    frontier = list(calls)
    while frontier:
        callers |= {call: [] for call in frontier}
        for row in mapper.read("walk_up", entities=[], activities=frontier, agents=[]):
            if row["relation"] == names.WAS_INFORMED_BY:
                callers[row["source"]].append(row["target"])
        frontier = sorted({c for call in frontier for c in callers[call]} - callers.keys())
    return sum(seconds for call, seconds in calls.items() if not _inside(call, callers, calls))


def _inside(call: str, callers: Mapping[str, Sequence[str]], makers: Mapping[str, float]) -> bool:
    seen, stack = {call}, [call]
    while stack:
        for caller in callers.get(stack.pop(), ()):
            if caller in makers and caller != call:
                return True
            if caller not in seen:
                seen.add(caller)
                stack.append(caller)
    return False


def _seconds(call: Mapping[str, Any]) -> float:
    if isinstance(call["seconds"], int | float):
        return float(call["seconds"])
    if call["started"] and call["ended"]:
        start, end = (datetime.fromisoformat(call[w]) for w in ("started", "ended"))
        return max(0.0, (end - start).total_seconds())
    return 0.0
