"""What a check found: for people, as plain data, and as JUnit XML for CI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from provgraph.checks.rules import ERROR, Policy, Rule
from provgraph.graph.lineage import ACTIVITY, Node

HOLDS, VIOLATED, NOTHING = "holds", "violated", "nothing to check"
_SHOWN: Final = 20  # violations of a rule that are told one by one
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Step:
    """One node of a way."""

    id: str
    kind: str
    class_name: str
    label: str

    @classmethod
    def of(cls, node: Node) -> Step:
        called = node.label
        if node.kind == ACTIVITY:
            called = f"{node.class_name}.{node.properties.get('method', '')}"
        return cls(node.id, node.kind, node.class_name, called)

    def __str__(self) -> str:
        called = self.label
        if self.kind == "entity" and self.label != self.class_name:
            called = f"{self.class_name} {self.label}"
        return f"{called} …{self.id[-8:]}"

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "class": self.class_name, "label": self.label}


@dataclass(frozen=True)
class Violation:
    """One thing that is not as a rule says.

    assertion : the word of the rule that it is about. why : what is wrong, without the thing. node : what is at fault, the thing
    itself where it lacks something. path : the nodes from the thing to it, both included.
    """

    rule: str
    severity: str
    assertion: str
    thing: Step
    why: str
    node: Step
    path: tuple[Step, ...]

    def __str__(self) -> str:
        return f"{self.thing}: {self.why}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule, "severity": self.severity, "assertion": self.assertion, "thing": self.thing.as_dict(),
            "why": self.why, "node": self.node.as_dict(), "path": [one.as_dict() for one in self.path],
        }  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What came of one rule; things : those that it was for."""

    rule: Rule
    things: tuple[Step, ...]
    violations: tuple[Violation, ...] = ()

    @property
    def verdict(self) -> str:
        return VIOLATED if self.violations else HOLDS if self.things else NOTHING

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule.name, "severity": self.rule.severity, "description": self.rule.description,
            "verdict": self.verdict, "things": len(self.things), "violations": [v.as_dict() for v in self.violations],
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What a check found. measured_at : what counted as now.

    recorded : the id of the `CheckReport` that the survey keeps of it, '' where none is kept. unmatched : things that were
    given, and that no rule is for. holds : no rule that is an error is violated.
    """

    policy: Policy = field(repr=False)
    outcomes: tuple[Outcome, ...]
    measured_at: str
    recorded: str = ""
    unmatched: tuple[Step, ...] = ()

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(v for one in self.outcomes for v in one.violations)

    @property
    def errors(self) -> tuple[Violation, ...]:
        return tuple(v for v in self.violations if v.severity == ERROR)

    @property
    def warnings(self) -> tuple[Violation, ...]:
        return tuple(v for v in self.violations if v.severity != ERROR)

    @property
    def holds(self) -> bool:
        return not self.errors

    @property
    def verdict(self) -> str:
        return HOLDS if self.holds else VIOLATED

    @property
    def things(self) -> tuple[Step, ...]:
        """What was checked, each thing once."""
        return tuple({one.id: one for outcome in self.outcomes for one in outcome.things}.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy.name, "file": self.policy.source, "digest": self.policy.digest, "verdict": self.verdict,
            "measured_at": self.measured_at, "things": len(self.things), "errors": len(self.errors),
            "warnings": len(self.warnings), "rules": [one.as_dict() for one in self.outcomes],
            "unmatched": [one.as_dict() for one in self.unmatched], "recorded": self.recorded or None,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [
            f"{self.policy.name}: {self.verdict}; {_count(len(self.things), 'thing')}, "
            f"{_count(len(self.outcomes), 'rule')}, {_count(len(self.errors), 'error')}, "
            f"{_count(len(self.warnings), 'warning')}"
        ]
        for one in self.outcomes:
            lines += _told(one)
        lines += [f"{one}: no rule is for it" for one in self.unmatched]
        return "\n".join(lines)

    def junit(self) -> str:
        """As JUnit XML: a suite, a class for each rule, and in it a case for each thing that it is for.

        What is a warning is printed by its case, which passes. A rule without things is a case that was skipped.
        """
        suite = ElementTree.Element("testsuite", name=_xml(self.policy.name), timestamp=self.measured_at[:19])
        n = failed = skipped = 0
        for outcome in self.outcomes:
            wrong: dict[str, list[Violation]] = {}
            for violation in outcome.violations:
                wrong.setdefault(violation.thing.id, []).append(violation)
            class_name = _xml(f"{self.policy.name}.{outcome.rule.name}")
            for thing in outcome.things:
                n += 1
                case = ElementTree.SubElement(suite, "testcase", classname=class_name, name=_xml(str(thing)), time="0")
                found = wrong.get(thing.id, [])
                if not found:
                    continue
                told = _xml("\n".join(line for v in found for line in _lines(v)))
                if outcome.rule.severity == ERROR:
                    failed += 1
                    why = _xml("; ".join(v.why for v in found))
                    ElementTree.SubElement(case, "failure", message=why, type=found[0].assertion).text = told
                else:
                    ElementTree.SubElement(case, "system-out").text = f"warning: {told}"
            if not outcome.things:
                n, skipped = n + 1, skipped + 1
                case = ElementTree.SubElement(suite, "testcase", classname=class_name, name=NOTHING, time="0")
                ElementTree.SubElement(case, "skipped", message=NOTHING)
        for key, value in (("tests", n), ("failures", failed), ("errors", 0), ("skipped", skipped)):
            suite.set(key, str(value))
        whole = ElementTree.Element("testsuites", tests=str(n), failures=str(failed), errors="0", skipped=str(skipped))
        whole.append(suite)
        ElementTree.indent(whole)
        return ElementTree.tostring(whole, encoding="unicode", xml_declaration=True) + "\n"

    def write_junit(self, path: str | Path) -> Path:
        """`junit` as a file, whole or not at all."""
        from provgraph.export.tables.files import replacing

        target = Path(path)
        with replacing(target) as part:
            part.write_text(self.junit(), encoding="utf-8")
        return target


def _told(outcome: Outcome) -> Sequence[str]:
    rule, n = outcome.rule, len(outcome.things)
    if not outcome.things:
        return [f"{rule.name}: {NOTHING}"]
    if not outcome.violations:
        return [f"{rule.name}: holds for {_count(n, 'thing')}"]
    wrong = len({v.thing.id for v in outcome.violations})
    lines = [f"{rule.name} ({rule.severity}): violated by {wrong:,} of {_count(n, 'thing')}"]
    for violation in outcome.violations[:_SHOWN]:
        lines += [f"  {line}" for line in _lines(violation)]
    if len(outcome.violations) > _SHOWN:
        lines.append(f"  and {len(outcome.violations) - _SHOWN:,} more")
    return lines


def _lines(violation: Violation) -> list[str]:
    lines = [str(violation)]
    if len(violation.path) > 1:
        lines.append(f"  {' → '.join(map(str, violation.path))}")
    return lines


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _xml(text: str) -> str:
    return _NO_XML.sub("�", text)
