"""A recorded call: what it used, what it made, who and what ran it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provgraph import names
from provgraph.graph.mapper import Batch
from provgraph.policy import Context
from provgraph.schema import keys
from provgraph.schema.agents import Activity
from provgraph.schema.objects import DBObject
from provgraph.trace.environment import environment, software


class Recorder:
    """Collects an activity while it runs; `into` adds it to the batch that stores what it made."""

    def __init__(self, class_name: str, method: str, arguments: Mapping[str, Any] | None = None) -> None:
        self.activity = Activity(class_name, method, keys.canonical_json(dict(arguments or {})))
        self.used: list[tuple[str, DBObject]] = []
        self.generated: list[tuple[str, DBObject]] = []
        self.plans: list[DBObject] = []

    def uses(self, role: str, *objects: DBObject) -> None:
        self.used.extend((role, o) for o in objects)

    def generates(self, role: str, *objects: DBObject) -> None:
        self.generated.extend((role, o) for o in objects)

    def had_plan(self, *plans: DBObject) -> None:
        self.plans.extend(plans)

    def finish(self, **results: float | str) -> None:
        """The call is over: set its end and what was measured."""
        self.activity.ended = keys.now()
        self.activity.results.update(results)

    def into(self, batch: Batch, context: Context) -> None:
        """Everything of this call as records, in the same transaction as what it made."""
        if not self.activity.ended:
            self.finish()
        ran = environment()
        batch.add(ran, *(o for _, o in (*self.used, *self.generated)), *self.plans)
        batch.activities.append(self.activity)
        for role, one in (*self.used, (names.ENVIRONMENT_ROLE, ran)):
            batch.relate(names.USED, self.activity, one, role=role)
        for role, one in self.generated:
            batch.relate(names.WAS_GENERATED_BY, one, self.activity, role=role)
        for plan in self.plans:
            batch.relate(names.HAD_PLAN, self.activity, plan)
        batch.relate(names.WAS_ASSOCIATED_WITH, self.activity, context.agent, role="operator")
        batch.relate(names.WAS_ASSOCIATED_WITH, self.activity, software(), role="software")
