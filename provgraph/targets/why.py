"""Why a target is as it is: what it was made from and how each of that was found, by which code, whether it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provgraph.resolver.status import Status
from provgraph.schema.objects import DBObject
from provgraph.schema.target import Parameters, ProcessTarget
from provgraph.targets.choose import Chooser
from provgraph.targets.make import Maker, Plan
from provgraph.targets.tree import Tree

GIVEN, CHOSEN, DEFAULT = "given", "chosen by its class", "default"


@dataclass(frozen=True)
class Source:
    """One thing that a target is made from. how : given, chosen by its class, or the default."""

    role: str
    what: str
    how: str


@dataclass(frozen=True)
class WhyTarget:
    """What made a target, from what, its status with the whole chain of reasons, and what make would do about it.

    made : when, '' for what was not made by make(). seconds : how long that took. code : function and digest that ran.
    """

    title: str
    made: str
    seconds: float
    code: str
    sources: tuple[Source, ...]
    status: Status
    plan: Plan | None

    def __str__(self) -> str:
        how = f" by {self.code}, in {self.seconds:.3g} s" if self.code else ""
        lines = [
            f"{self.title}, made {self.made[:19].replace('T', ' ')}{how}" if self.made else f"{self.title}, stored"
        ]
        width = max((len(s.role) for s in self.sources), default=0)
        lines += [f"  {s.role:<{width}}  {s.what} ({s.how})" for s in self.sources]
        lines.append(str(self.status))
        if self.plan is not None and (self.plan.work or self.plan.blocked):
            lines += ["make would", *(f"  {line}" for line in str(self.plan).splitlines())]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        return {
            "title": self.title, "made": self.made, "seconds": self.seconds, "code": self.code,
            "sources": [{"role": s.role, "what": s.what, "how": s.how} for s in self.sources],
            "status": self.status.status, "reasons": list(self.status.reasons), "flags": list(self.status.flags),
            "plan": self.plan.as_dict() if self.plan is not None else None,
        }  # fmt: skip


def why_target(survey: Any, one: DBObject) -> WhyTarget:
    """Of any stored object; of what no make() made, where it comes from as far as its links say."""
    tree = Tree(survey.mapper, [one], survey.names_of, chooser=Chooser(survey))
    made = tree.made(one)
    is_target = isinstance(one, ProcessTarget) and bool(one.lineage_key)
    sources = []
    for name in type(one).links:
        value = getattr(one, name, None)
        chosen = name in getattr(one, "chosen", ())
        for linked in value if isinstance(value, tuple) else (value,):
            if isinstance(linked, Parameters):
                said = ", ".join(f"{k} = {v}" for k, v in linked.as_dict().items())
                sources.append(Source(name, said, DEFAULT if chosen else GIVEN))
            elif linked is not None and name != "file":
                sources.append(Source(name, tree.label(linked), CHOSEN if chosen else GIVEN))
    return WhyTarget(
        tree.label(one), str(made.get("started", "")), float(made.get("seconds") or 0.0),
        f"{made['name']} {made['digest'][:19]}" if made else "", tuple(sources), tree.status(one),
        Maker(survey).plan([one]) if is_target else None,
    )  # fmt: skip
