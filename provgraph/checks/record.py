"""Checks as provenance of provenance: a call that used the things, had the policy as its plan, and made a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from provgraph import names
from provgraph.checks.check import check
from provgraph.checks.report import Report
from provgraph.checks.rules import Policy
from provgraph.graph.mapper import Batch
from provgraph.schema import keys
from provgraph.schema.files import CheckReport, PolicyVersion
from provgraph.trace.activity import Recorder

CHECKED: Final = "checked"
"""The role of what was checked."""
KEPT: Final = 1000  # violations of a rule that are kept one by one


def checked(
    survey: Any, policy: Policy, things: Sequence[Any] | None = None, *, at: Any = "", as_published: bool = False,
    record: bool = True,
) -> Report:  # fmt: skip
    """`check`, and what it found is kept in the survey, unless `record` is False or nothing was checked."""
    recorder = Recorder(
        "Policy", "check", {"policy": policy.name, "digest": policy.digest, "as_published": as_published}
    )
    report = check(survey, policy, things, at=at, as_published=as_published)
    return recorded(survey, report, recorder) if record and report.things else report


def recorded(survey: Any, report: Report, recorder: Recorder) -> Report:
    """The report with the id of what is kept of it."""
    policy = report.policy
    findings = [
        one.as_dict() | {"violations": [v.as_dict() for v in one.violations[:KEPT]], "violated": len(one.violations)}
        for one in report.outcomes
    ]
    made = CheckReport(
        policy=policy.name, verdict=report.verdict, n_things=len(report.things), n_errors=len(report.errors),
        n_warnings=len(report.warnings), measured_at=report.measured_at, findings=keys.canonical_json(findings),
    )  # fmt: skip
    recorder.had_plan(PolicyVersion(name=policy.name, digest=policy.digest, text=policy.text))
    recorder.generates("report", made)
    recorder.finish(verdict=report.verdict)
    batch = Batch()
    recorder.into(batch, survey.context)
    for one in report.things:
        batch.relate(names.USED, recorder.activity, one.id, role=CHECKED)
    survey.mapper.write(batch)
    return replace(report, recorded=made.object_id)
