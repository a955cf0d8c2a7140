"""Publication: what a policy forbids gets no identifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provgraph.checks.reading import read_policy
from provgraph.checks.record import checked
from provgraph.checks.report import Report
from provgraph.errors import PolicyViolated, UsageError
from provgraph.schema.objects import DBObject

_TOLD = 3


def before_publication(survey: Any, one: DBObject, path: Path) -> Report:
    """The check of an object by the policy for publications, as if it were published already. The check is recorded, either way.

    Raises PolicyViolated ``policy_violated`` where a rule that is an error does not hold; the report is in its details.
    """
    if not one.is_stored:
        raise UsageError("Only what is stored can be published; store it first, survey.store(it).", code="not_stored")
    report = checked(survey, read_policy(path), [one], as_published=True)
    if report.holds:
        return report
    errors = report.errors
    told = "; ".join(f"{v.rule}: {v.why}" for v in errors[:_TOLD])
    more = f"; and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
    raise PolicyViolated(
        f"{errors[0].thing} gets no identifier, by the policy {report.policy.name} ({path}): {told}{more}.",
        object_id=one.object_id, policy=str(path), report=report.as_dict(),
    )  # fmt: skip
