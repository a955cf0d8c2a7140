"""The calls around an object as a tree: what was called, with what, what it gave, how long it took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from provgraph.graph.mapper import Mapper
from provgraph.schema.objects import DBObject

WIDE = 60  # characters of a value that are shown


@dataclass
class CallNode:
    """One recorded call; arguments and result as they were told."""

    activity_id: str
    class_name: str
    method: str
    arguments: dict[str, Any]
    result: Any
    status: str
    message: str
    started: str
    seconds: float
    parent: str = ""
    number: int = 1  # of objects of the class that were constructed; what each was given stands with it
    calls: list[CallNode] = field(default_factory=list)

    def __str__(self) -> str:
        given = ", ".join(f"{k}={_short(v)}" for k, v in self.arguments.items())
        if self.number > 1:
            given = f"... of {self.number:,} objects"
        ended = f" -> {_short(self.result)}" if self.result is not None else ""
        wrong = f" {self.status}: {self.message}" if self.status != "done" else ""
        return f"{self.class_name}.{self.method}({given}){ended}{wrong}  {_time(self.seconds)}"


@dataclass(frozen=True)
class CallTree:
    """The outermost calls, in the order of time."""

    roots: tuple[CallNode, ...]

    def __iter__(self) -> Iterator[CallNode]:
        stack = list(reversed(self.roots))
        while stack:
            one = stack.pop()
            yield one
            stack.extend(reversed(one.calls))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __str__(self) -> str:
        lines: list[str] = []
        stack = [(one, 0) for one in reversed(self.roots)]
        while stack:
            one, depth = stack.pop()
            lines.append(f"{'  ' * depth}{one}")
            stack.extend((c, depth + 1) for c in reversed(one.calls))
        return "\n".join(lines) or "No call is recorded."


def call_tree(mapper: Mapper, one: DBObject) -> CallTree:
    """The calls that made an object or were calls of its methods, and all below them."""
    found: dict[str, CallNode] = {}
    fresh = mapper.read("calls_of", id=one.object_id)
    while fresh:
        for row in fresh:
            found.setdefault(row["activity"]["activity_id"], _node(row["activity"], row["parent"]))
        ids = [row["activity"]["activity_id"] for row in fresh]
        fresh = [r for r in mapper.read("calls_inside", ids=ids) if r["activity"]["activity_id"] not in found]
    roots: list[CallNode] = []
    for node in sorted(found.values(), key=lambda n: (n.started, n.activity_id)):
        (found[node.parent].calls if node.parent in found else roots).append(node)
    return CallTree(tuple(roots))


def _node(properties: dict[str, Any], parent: str | None) -> CallNode:
    return CallNode(
        properties["activity_id"], properties["class_name"], properties["method"], json.loads(properties["arguments"] or "{}"),
        json.loads(properties.get("result") or "null"), properties["status"], properties["message"], properties["started"],
        properties.get("seconds") or 0.0, parent or "", properties.get("number") or 1,
    )  # fmt: skip


def _short(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"object", "class"}:
        return f"{value['class']} {value['object'][-6:]}"
    if value == {"secret": True}:
        return "(secret)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDE else text[: WIDE - 3] + "..."


def _time(seconds: float) -> str:
    return (
        f"{seconds * 1e6:.0f} µs"
        if seconds < 1e-3
        else f"{seconds * 1e3:.1f} ms"
        if seconds < 1
        else f"{seconds:.2f} s"
    )
