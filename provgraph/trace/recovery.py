"""Calls that a process which has ended left in its spool: they become activities, those that were running as ``aborted``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provgraph import names
from provgraph.graph.mapper import Batch, Mapper
from provgraph.schema import keys
from provgraph.schema.agents import Activity
from provgraph.trace import spool

ABORTED = "aborted"


def recover(mapper: Mapper, directory: Path) -> int:
    """Write what is left into the graph and remove its files; the number of calls."""
    found = 0
    for path, lines in spool.left(directory):
        calls: dict[str, dict[str, Any]] = {}
        for line in lines:
            call = calls.setdefault(line.get("begin") or line.get("end") or "", {})
            call.update(line)
        calls = {i: c for i, c in calls.items() if i and "cls" in c}
        for part in _parts(list(calls.items())):
            found += _write(mapper, dict(part), calls)
        path.unlink(missing_ok=True)
    return found


def _parts(items: list[tuple[str, dict[str, Any]]], size: int = 5000) -> list[list[tuple[str, dict[str, Any]]]]:
    return [items[n : n + size] for n in range(0, len(items), size)]


def _write(mapper: Mapper, calls: dict[str, dict[str, Any]], every: dict[str, dict[str, Any]]) -> int:
    known = {r["activity_id"] for r in mapper.read("activities_known", ids=list(calls))}
    fresh = {i: c for i, c in calls.items() if i not in known}
    if not fresh:
        return 0
    used = {o for c in fresh.values() for _, o in c["used"]}
    there = {r["properties"]["object_id"] for r in mapper.read("entities_by_id", ids=sorted(used))} if used else set()
    parents = {c["parent"] for c in fresh.values() if c["parent"] and c["parent"] not in every}
    above = {r["activity_id"] for r in mapper.read("activities_known", ids=sorted(parents))} if parents else set()
    batch = Batch()
    for call_id, call in fresh.items():
        activity = Activity(
            call["cls"], call["method"], call["arguments"], call_id, keys.instant(call["began"]),
            keys.instant(call["ended"]) if "ended" in call else "",
            call.get("status", ABORTED), call.get("message", "" if "ended" in call else "The process ended while this ran."),
        )  # fmt: skip
        activity.results = {k: call[k] for k in ("result", "seconds", "thread", "process") if k in call}
        if call.get("place"):
            activity.results["place"] = call["place"]
        batch.activities.append(activity)
        for role, object_id in call["used"]:
            if object_id in there:
                batch.relate(names.USED, activity, object_id, role=role)
        parent = call["parent"]
        if parent in every or parent in above:
            batch.relate(names.WAS_INFORMED_BY, activity, parent)
    # A parent that is written in a later part is not there yet.
    later = {i for i in every if i not in calls and i not in known}
    batch.edges = [e for e in batch.edges if not (e[0] == names.WAS_INFORMED_BY and e[2] in later)]
    mapper.write(batch)
    return len(fresh)
