"""PROV-CONSTRAINTS: whether a document can be true, and if not, which statements contradict each other and why.

The top level and every bundle are looked at separately (section 7.2 of the recommendation). Blank names (``_:x``) stand for
things that are not known, as placeholders do.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from provgraph.errors import InvalidInput
from provgraph.prov import words
from provgraph.prov.instance import Clash, Instance
from provgraph.prov.losses import called
from provgraph.prov.model import TIMES, Document, Name, Scope, Statement, as_document
from provgraph.prov.rules import OUTSIDE, RULES
from provgraph.prov.source import ended

MOST: Final = 1000
"""Findings that are explained; more are only counted."""
_EFFORT: Final = 500_000  # statements to look at again, in all, until the sets of them are minimal


@dataclass(frozen=True)
class Finding:
    """A contradiction.

    constraint : number in PROV-CONSTRAINTS; None where PROV-DM itself says that something is missing or said twice.
    name : of the constraint. sentence : what contradicts what.
    statements : a minimal set, without any of which there is no contradiction (where thousands hang together, those that say so
        directly); positions : their places in the scope, from 0.
    involved : numbers of all constraints and inferences that take part.
    cycle : for the order of events, what comes before what, until the first comes again.
    scope : the bundle, None for the top level.
    """

    constraint: int | None
    name: str
    sentence: str
    statements: tuple[Statement, ...]
    positions: tuple[int, ...] = ()
    involved: tuple[int, ...] = ()
    cycle: tuple[str, ...] = ()
    scope: Name | None = None

    @property
    def rule(self) -> str:
        """``constraint 23 (key-properties)``, or ``PROV-DM (required-argument)``."""
        return f"{'PROV-DM' if self.constraint is None else f'constraint {self.constraint}'} ({self.name})"

    def __str__(self) -> str:
        where = "" if self.scope is None else f" in bundle {words.name(self.scope)}"
        lines = [f"{self.rule}{where}: {self.sentence}"]
        lines += [f"  because {step}" for step in self.cycle]
        lines += [f"  {words.statement(s)}" for s in self.statements]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "constraint": self.constraint, "name": self.name, "sentence": self.sentence,
            "scope": None if self.scope is None else self.scope.iri, "involved": list(self.involved),
            "statements": [words.statement(s) for s in self.statements], "positions": list(self.positions),
            "cycle": list(self.cycle),
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What `validate` says.

    valid : None where nothing could be checked, because all that is there is of other recommendations, or not PROV.
    findings : the contradictions, at most `MOST`. more : how many there are beyond.
    unchecked : statements by kind that PROV-CONSTRAINTS does not speak of (PROV-Dictionary, ``mentionOf``).
    remarks : what is no contradiction but cannot be meant, such as a time that is no xsd:dateTime. unknown : sections that PROV
        has no statements for, with how many there are of each.
    """

    valid: bool | None
    findings: tuple[Finding, ...]
    checked: int
    more: int = 0
    unchecked: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    unknown: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        verdict = {True: "valid", False: "invalid", None: "not checked"}[self.valid]
        counts = [f"{self.checked:,} statement{'' if self.checked == 1 else 's'}"]
        if self.findings:
            found = len(self.findings) + self.more
            counts.append(f"{found:,} contradiction{'' if found == 1 else 's'}")
        lines = [f"{verdict}: {', '.join(counts)}"]
        lines += [str(f) for f in self.findings]
        if self.more:
            lines.append(f"and {self.more:,} more")
        if self.unchecked:
            kinds = words.listed([f"{n} {kind}" for kind, n in self.unchecked.items()])
            lines.append(f"not checked, PROV-CONSTRAINTS does not speak of it: {kinds}")
        if self.unknown:
            lines.append(f"not checked, and not PROV: {words.listed(list(self.unknown))}")
        lines += [f"remark: {one}" for one in self.remarks]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "valid": self.valid, "checked": self.checked, "findings": [f.as_dict() for f in self.findings],
            "more": self.more, "unchecked": dict(self.unchecked), "remarks": list(self.remarks), "unknown": dict(self.unknown),
        }  # fmt: skip


def validate(document: Scope) -> Verdict:
    """Check a document, or a bundle as one, against PROV-CONSTRAINTS."""
    validator = Validator()
    validator.add_document(as_document(document))
    return validator.verdict()


class Validator:
    """A validation that goes on: what is added is checked against all that was added before, at the price of what it touches.

    >>> validator = Validator()
    >>> validator.add(document.statements)
    ()
    """

    def __init__(self) -> None:
        self._scopes: dict[str | None, tuple[Name | None, Instance]] = {}
        self._findings: list[Finding] = []
        self._known: set[tuple[Any, ...]] = set()
        self._more = 0
        self._unknown: dict[str, int] = {}

    def add(self, statements: Iterable[Statement], bundle: Name | None = None) -> tuple[Finding, ...]:
        """Take in statements of the top level or of a bundle; gives the contradictions that they bring."""
        if isinstance(statements, str | Statement):
            raise InvalidInput("Statements are added as a list, such as those of a Document; read() gives one from text.",
                               code="prov_argument_invalid")  # fmt: skip
        key = None if bundle is None else bundle.iri
        _, instance = self._scopes.setdefault(key, (bundle, Instance()))
        found, effort = [], [_EFFORT]
        with _without_collector():
            clashes = instance.add(statements)
        for clash in clashes:
            if len(self._findings) >= MOST:
                self._more += 1
                continue
            finding = _explained(clash, instance, bundle, effort)
            mark = (key, finding.constraint, frozenset(finding.positions))
            if mark not in self._known:
                self._known.add(mark)
                self._findings.append(finding)
                found.append(finding)
        return tuple(found)

    def add_document(self, document: Document) -> tuple[Finding, ...]:
        """Take in the top level and every bundle; bundles of one name are one."""
        for scope in document.scopes():
            for part in scope.unknown:
                self._unknown[part.name] = self._unknown.get(part.name, 0) + 1
        found = self.add(document.statements)
        for bundle in document.bundles:
            found += self.add(bundle.statements, bundle.id)
        return found

    def verdict(self) -> Verdict:
        """About everything that was added."""
        unchecked: dict[str, int] = {}
        total = 0
        for _, instance in self._scopes.values():
            total += len(instance.statements)
            for kind, n in instance.unchecked.items():
                unchecked[kind] = unchecked.get(kind, 0) + n
        checked = total - sum(unchecked.values())
        nothing = not checked and bool(unchecked or self._unknown)
        valid = False if self._findings else None if nothing else True
        return Verdict(
            valid, tuple(self._findings), checked, self._more, unchecked, tuple(self._remarks()), dict(self._unknown)
        )

    def _remarks(self) -> Iterator[str]:
        """Times that are no xsd:dateTime: they are compared as the text that they are."""
        wrong = [
            (scope, statement, role, time)
            for scope, instance in self._scopes.values()
            if instance.odd
            for statement in instance.statements
            for role, time in statement.arguments
            if role in TIMES and time in instance.odd
        ]
        for scope, statement, role, time in wrong[:MOST]:
            where = "" if scope is None else f" in bundle {words.name(scope)}"
            yield ended(
                f"{role} {time!r} of {called(statement)}{where} is no xsd:dateTime, and is not compared as a time"
            )
        if len(wrong) > MOST:
            yield f"{len(wrong) - MOST:,} more times are no xsd:dateTime."


@contextmanager
def _without_collector() -> Iterator[None]:
    """What is taken in holds no cycles: to look for them while it grows takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _explained(clash: Clash, instance: Instance, scope: Name | None, effort: list[int]) -> Finding:
    """A clash with a minimal set of statements, as long as there is effort left to look for it."""
    statements = instance.statements
    among = sorted(clash.among)
    again = _same(clash, [statements[i] for i in among])
    for everything in (False, True):
        if again is None and effort[0] > 0:
            candidates = list(range(len(statements))) if everything else sorted(instance.behind(clash.among))
            effort[0] -= 4 * len(candidates)
            again = _same(clash, [statements[i] for i in candidates])
            if again is not None:
                among = candidates
    if again is not None:
        among = _minimal(clash, among, statements, effort)
        again = _same(clash, [statements[i] for i in among])
    told = again or clash
    return Finding(told.constraint, told.name, told.sentence, tuple(statements[i] for i in among), tuple(among),
                   tuple(sorted(told.involved)), told.cycle, scope)  # fmt: skip


def _same(clash: Clash, statements: Sequence[Statement]) -> Clash | None:
    """The contradiction of the same constraint among some statements alone."""
    for found in Instance().add(statements):
        if (found.constraint, found.name) == (clash.constraint, clash.name):
            return found
    return None


def _minimal(clash: Clash, among: list[int], statements: Sequence[Statement], effort: list[int]) -> list[int]:
    """Leave out what can be left out, in large parts first."""
    part = len(among) // 2
    while part and effort[0] > 0:
        before, at = len(among), 0
        while at < len(among):
            fewer = among[:at] + among[at + part :]
            effort[0] -= len(fewer)
            if fewer and _same(clash, [statements[i] for i in fewer]) is not None:
                among = fewer
            else:
                at += part
        if part > 1 or len(among) == before:
            part //= 2
    return among


def table() -> Iterator[tuple[str, str, str, str]]:
    """Number, name, sentence and how it is broken, of every rule: for documentation."""
    how = {"itself": "by itself", "cycle": "in a cycle with 42", "": ""}
    for rule in RULES.values():
        yield str(rule.number), rule.name, rule.sentence, how[rule.broken]


__all__ = ["OUTSIDE", "Finding", "Validator", "Verdict", "table", "validate"]
