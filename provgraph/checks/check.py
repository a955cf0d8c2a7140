"""Checking: the rules of a policy applied to things, by one walk over what is upstream of all of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from typing import Any, Final, NoReturn

from provgraph.checks import rules
from provgraph.checks.report import Outcome, Report, Step, Violation
from provgraph.checks.rules import Policy, Rule, What, When
from provgraph.checks.upstream import AT_ONCE, Upstream, Way, walks
from provgraph.errors import InvalidInput, NotFound, ProvgraphError, StorageError, a, nearest
from provgraph.graph import statements
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, MOST, Node
from provgraph.graph.loading import chunks
from provgraph.graph.queryable import class_of
from provgraph.graph.walk import moment
from provgraph.query import Query
from provgraph.schema import keys, written
from provgraph.schema.meta import registry
from provgraph.schema.paths import Path

EACH: Final = 10  # nodes at fault that are told of one thing and assertion
_SAYS: Final = {
    rules.SOFTWARE: "the version of the software that ran", rules.AGENT: "who is responsible",
    rules.ENVIRONMENT: "where it ran", rules.CODE: "which code ran",
}  # fmt: skip
_NAMES: Final = 100_000
_ALONE: Final = (rules.MaxAge, rules.Has)  # of the thing, whatever is upstream

Fault = tuple[Way, str]  # the way from the thing to what is at fault, and what is wrong


def check(
    survey: Any, policy: Policy, things: Sequence[Any] | None = None, *, at: Any = "", as_published: bool = False
) -> Report:
    """What the rules of a policy say of these things, or of all that they are for. Nothing is stored.

    at : what counts as now. as_published : the things count as published.

    Raises InvalidInput ``policy_class``, ``policy_condition`` for a rule that asks for what is not in this survey.
    """
    return _Check(survey, policy, things, moment(at, "at") if at else keys.now(), as_published).run()


class _Check:
    def __init__(self, survey: Any, policy: Policy, things: Sequence[Any] | None, now: str, as_published: bool) -> None:
        self.survey, self.mapper, self.policy, self.now = survey, survey.mapper, policy, now
        self.given = None if things is None else list(dict.fromkeys(one.object_id for one in things))
        self.as_published = as_published
        self.rule: Rule = policy.rules[0]
        self.words = ""

    def run(self) -> Report:
        for rule in self.policy.rules:
            self.rule = rule
            self.check_words()
        candidates = [self.candidates(rule) for rule in self.policy.rules]
        every = sorted({i for some in candidates for i in some}) if self.given is None else self.given
        checked: list[list[Step]] = [[] for _ in self.policy.rules]
        violations: list[list[Violation]] = [[] for _ in self.policy.rules]
        for upstream in walks(self.mapper, every) if every else ():
            for n, rule in enumerate(self.policy.rules):
                self.rule = rule
                things = self.things([i for i in upstream.roots if i in candidates[n]], upstream)
                checked[n] += [Step.of(one) for one in things]
                violations[n] += _Judge(self, upstream, things).violations()
        outcomes = tuple(
            Outcome(rule, tuple(checked[n]), tuple(violations[n])) for n, rule in enumerate(self.policy.rules)
        )
        return Report(self.policy, outcomes, self.now, unmatched=self.unmatched(outcomes))

    def unmatched(self, outcomes: Iterable[Outcome]) -> tuple[Step, ...]:
        told = {one.id for outcome in outcomes for one in outcome.things}
        left = [i for i in self.given or () if i not in told]
        if not left:
            return ()
        called = self.survey.names_of(left)
        return tuple(
            Step(one.object_id, ENTITY, type(one).__name__, called.get(one.object_id) or type(one).__name__)
            for one in self.mapper.many(left)
        )

    # -- what a rule is for --------------------------------------------------------------------------------------------

    @cached_property
    def published(self) -> set[str]:
        found = {row["id"] for row in self.mapper.read("identifiers_given")}
        return found | set(self.given or ()) if self.as_published else found

    def candidates(self, rule: Rule) -> set[str]:
        """Ids among which the things of a rule are."""
        wanted = rule.things
        found: set[str] | None = None if self.given is None else set(self.given)
        if wanted.published:
            found = self.published if found is None else found & self.published
        elif wanted.published is False and found is not None:
            found = found - self.published
        if found is None and wanted.classes:
            found = set()
            for name in wanted.classes:
                statements.declare(name)
                statement = statements.load("queries/ids_of_class", label=name)
                found |= {row["id"] for row in self.mapper.engine.read(statement)}
            if wanted.published is False:
                found -= self.published
        if found is None:
            given = (r["value"] for r in self.mapper.read("names_given", limit=_NAMES))
            like = [name for name in given if fnmatchcase(name, wanted.name)]
            found = {r["id"] for some in chunks(like, AT_ONCE) for r in self.mapper.read("ids_named", names=some)}
        return found

    def things(self, ids: Sequence[str], upstream: Upstream) -> list[Node]:
        """Those that the rule is for."""
        wanted = self.rule.things
        found = [
            upstream.nodes[i] for i in ids if i in upstream.nodes and not upstream.nodes[i].properties.get("deleted")
        ]
        if wanted.classes:
            found = [n for n in found if not set(wanted.classes).isdisjoint(n.labels)]
        if wanted.name:
            found = [n for n in found if fnmatchcase(n.label, wanted.name)]
        if wanted.where:
            true = self.true_of(found, wanted.classes, wanted.where)
            found = [n for n in found if n.id in true]
        if wanted.newest:
            found = [n for n in found if n.id not in upstream.outdated]
        return found

    def true_of(self, nodes: Iterable[Node], classes: Iterable[str], where: str) -> set[str]:
        """Ids of the objects of any of these classes for which a condition is true."""
        found: set[str] = set()
        some = list(nodes)
        for name in classes:
            ids = [n.id for n in some if name in n.labels]
            if ids:
                cls = class_of(name)
                condition = written.condition(cls, where)
                for part in chunks(ids, AT_ONCE):
                    among = Path(cls, (cls,))._to("object_id").isin(part)
                    found |= set(Query(self.mapper, cls, condition & among).ids())
        return found

    # -- what a rule speaks of -----------------------------------------------------------------------------------------

    def fault(self, says: str, code: str) -> NoReturn:
        line = f", line {self.rule.line}" if self.rule.line else ""
        raise InvalidInput(
            f"{self.policy.source}{line}, rule {self.rule.name!r}: {says}", code=code, path=self.policy.source,
            line=self.rule.line or None, rule=self.rule.name,
        )  # fmt: skip

    def check_words(self) -> None:
        """Classes, properties and conditions that a rule names are there."""
        wanted = self.rule.things
        self.check_class(wanted.classes, wanted.where)
        for _, one in self.rule.assertions:
            match one:
                case rules.DescendsFrom(what=what) | rules.NotUpstream(what=what):
                    self.check_class(what.classes, what.where)
                    self.check_properties(what.classes, [what.when.time], times=True)
                case rules.EveryUpstream(what=what, must=must, when=when):
                    self.check_class(what.classes, what.where)
                    self.check_class(what.classes, must)
                    self.check_properties(what.classes, [when.time], times=True)
                case rules.Has(properties=properties):
                    self.check_properties(wanted.classes, properties)

    def check_class(self, classes: Iterable[str], where: str) -> None:
        for name in classes:
            try:
                cls = class_of(name)
            except (NotFound, InvalidInput):
                recorded = self.mapper.classes.recorded()
                if name not in recorded:
                    self.fault(
                        f"there is no class {name!r}; {nearest(name, [*registry, *recorded], most=40)}", "policy_class"
                    )
                if where:
                    module = recorded[name][-1].module
                    self.fault(f"the class {name} is not here, and a condition asks for its properties; import the module "
                               f"that has it, {module} (on the command line: --classes {module}).", "policy_class")  # fmt: skip
                continue
            if where:
                try:
                    written.condition(cls, where)
                except ProvgraphError as error:
                    self.fault(error.message, "policy_condition")

    def check_properties(self, classes: Iterable[str], properties: Iterable[str], *, times: bool = False) -> None:
        for name in classes:
            try:
                cls = class_of(name)
            except NotFound:
                continue
            known = Path(cls, (cls,))._names()
            for one in filter(None, properties):
                if one not in known:
                    self.fault(f"{name} has no property {one!r}; {nearest(one, known, most=40)}", "policy_condition")
                kind = getattr(cls.persistents.get(one), "type", None)
                if times and kind in (bool, int, float):
                    self.fault(f"{name}.{one} is no time: it is {a(kind.__name__)}.", "policy_condition")


class _Judge:
    """One rule, and those of its things that were walked from together."""

    def __init__(self, check: _Check, upstream: Upstream, things: Sequence[Node]) -> None:
        self.check, self.up, self.list = check, upstream, things
        self.rule = check.rule

    def violations(self) -> Iterator[Violation]:
        if not self.list:
            return
        by_thing: dict[str, list[Violation]] = {one.id: [] for one in self.list}
        for word, assertion in self.rule.assertions:
            if not self.up.complete and not isinstance(assertion, _ALONE):
                for one in self.list:
                    why = f"its lineage was not all looked at: it has over {MOST:,} nodes, or some that may not be seen here"
                    by_thing[one.id].append(self.violation(word, one, (one,), why))
            judge = self.faults(assertion)
            for one in self.list:
                found = [self.violation(word, one, way, why) for way, why in islice(judge(one), EACH + 1)]
                if len(found) > EACH:
                    last = found[EACH - 1]
                    found[EACH - 1 :] = [replace(last, why=f"{last.why}; and there are more")]
                by_thing[one.id] += found
        for told in by_thing.values():
            yield from told

    def violation(self, word: str, thing: Node, way: Sequence[Any], why: str) -> Violation:
        path = tuple(one if isinstance(one, Step) else Step.of(one) for one in way)
        return Violation(self.rule.name, self.rule.severity, word, Step.of(thing), why, path[-1], path)

    def faults(self, assertion: rules.Assertion) -> Callable[[Node], Iterator[Fault]]:
        """What is wrong with a thing, as a function of it."""
        match assertion:
            case rules.DescendsFrom():
                return self.descends_from(assertion)
            case rules.NotUpstream(what=what):
                return self.not_upstream(what)
            case rules.EveryUpstream():
                return self.every_upstream(assertion)
            case rules.EveryActivity(names=words):
                silent = {word: self.up.silent(word) for word in words}
                return self.at_fault({
                    id: f"the call {_called(self.up.nodes[id])} does not say "
                    + " and ".join(_SAYS[word] for word in words if id in silent[word])
                    for id in set().union(*silent.values())
                })  # fmt: skip
            case rules.Software(versions=versions):
                return self.at_fault(dict(self.software(dict(versions))))
            case rules.Agents(names=names):
                return self.at_fault({
                    n.id: f"{n.label} had a part in it" for n in self.up.of_kind(AGENT)
                    if n.properties.get("kind") != "software"
                    and not any(fnmatchcase(str(n.properties.get("name", "")), name) for name in names)
                })  # fmt: skip
            case rules.Valid():
                said = {i: f"{Step.of(self.up.nodes[i])} was declared invalid" for i in self.up.invalid}
                return self.at_fault(said, itself="it was declared invalid")
            case rules.Newest():
                return self.at_fault({
                    id: f"{Step.of(node)} is version {node.properties.get('version')}; there is version {n}"
                    for id, n in self.up.outdated.items() if (node := self.up.nodes[id])
                })  # fmt: skip
            case rules.Stored(how=how):
                return self.at_fault(dict(self.stored(how)))
            case rules.MaxDepth(steps=steps):
                return lambda one: self.max_depth(one, steps)
            case rules.MaxAge(seconds=seconds):
                return lambda one: self.max_age(one, seconds)
            case rules.Has():
                return lambda one: _lacking(one, assertion, self.up.roles(one.id))

    def at_fault(self, why: Mapping[str, str], itself: str = "") -> Callable[[Node], Iterator[Fault]]:
        """Faults where any of these nodes is upstream, for these reasons. itself : the reason where it is the thing."""
        ways = self.up.nearest(why, EACH + 1)

        def judge(one: Node) -> Iterator[Fault]:
            if itself and one.id in why:
                yield (one,), itself
            for way in ways(one.id):
                yield way, why[way[-1].id]

        return judge

    # -- what is looked for --------------------------------------------------------------------------------------------

    def matched(self, what: What) -> list[Node]:
        """What is looked for among all that is upstream of anything, whenever it was."""
        if what.calls:
            return [
                n for n in self.up.of_kind(ACTIVITY) if n.id in self.up.above and fnmatchcase(_called(n), what.calls)
            ]
        found = [n for n in self.up.of_kind(ENTITY) if n.id in self.up.above]
        if what.classes:
            found = [n for n in found if not set(what.classes).isdisjoint(n.labels)]
        if what.name:
            found = [n for n in found if fnmatchcase(n.label, what.name)]
        if what.where:
            true = self.check.true_of(found, what.classes, what.where)
            found = [n for n in found if n.id in true]
        return found

    def meets(self, when: When, times: Mapping[str, float], node: Node, thing: Node) -> bool:
        """Whether a node was when it must have been."""
        at = times[node.id]
        now = _seconds(thing.properties.get("created") if when.measured_at == rules.MAKING else self.check.now)
        return (  # a comparison with what is not known, NaN, is false
            (when.newer_than is None or now - at <= when.newer_than)
            and (when.older_than is None or now - at > when.older_than)
            and (not when.after or at >= _seconds(when.after))
            and (not when.before or at < _seconds(when.before))
        )

    def ways(self, wanted: Collection[str], when: When, most: int) -> Callable[[str], Iterator[Way]]:
        """Ways to `most` of these upstream; to all of them, where it depends on the thing which of them count."""
        if not when.is_of_the_thing:
            return self.up.nearest(wanted, most)
        leading = self.up.leading_to(wanted)
        return lambda id: self.up.ways(id, wanted, leading)

    def descends_from(self, asked: rules.DescendsFrom) -> Callable[[Node], Iterator[Fault]]:
        what, when = asked.what, asked.what.when
        found = {n.id: n for n in self.matched(what)}
        times = {id: _time(n, when) for id, n in found.items()}
        latest_first = sorted(found, key=lambda id: (math.inf if math.isnan(times[id]) else -times[id], id))
        latest = self.up.first(latest_first)
        if when.is_of_the_thing:
            good = found
        else:
            good = {id: n for id, n in found.items() if not when or self.meets(when, times, n, n)}
        ways = self.ways(good, when, asked.at_least)
        wanted = _said(what) + (f" {_when(when)}" if when else "")
        only_new = asked.at_least == 1 and when.older_than is None and not when.before

        def judge(one: Node) -> Iterator[Fault]:
            newest = None if one.id in found else latest(one.id)
            if one.id not in found and newest is None:
                yield (one,), f"no {wanted} is upstream"
                return
            if newest is not None and only_new and when and self.meets(when, times, newest[-1], one):
                return
            n = 0
            if newest is None or not (only_new and when):
                for way in ways(one.id):
                    n += not when or self.meets(when, times, way[-1], one)
                    if n >= asked.at_least:
                        return
            if n or newest is None or not when:
                none = "no" if not n else f"only {n} of {asked.at_least}"
                yield (one,), f"{none} {wanted} is upstream"
                return
            end = newest[-1]
            at = times[end.id]
            told = f"is of {_text(at)}" if not math.isnan(at) else "does not say when it was"
            yield newest, f"no {wanted} is upstream; the latest, {Step.of(end)}, {told}"

        return judge

    def not_upstream(self, what: What) -> Callable[[Node], Iterator[Fault]]:
        found = {n.id: n for n in self.matched(what)}
        times = {id: _time(n, what.when) for id, n in found.items()}
        if not what.when.is_of_the_thing:
            found = {id: n for id, n in found.items() if not what.when or self.meets(what.when, times, n, n)}
        ways = self.ways(found, what.when, EACH + 1)

        def judge(one: Node) -> Iterator[Fault]:
            for way in ways(one.id):
                end = way[-1]
                if not what.when or self.meets(what.when, times, end, one):
                    also = f", {_when(what.when)}" if what.when else ""
                    yield way, f"{Step.of(end)} is upstream{also}"

        return judge

    def every_upstream(self, asked: rules.EveryUpstream) -> Callable[[Node], Iterator[Fault]]:
        found = {n.id: n for n in self.matched(asked.what)}
        times = {id: _time(n, asked.when) for id, n in found.items()}
        good = self.check.true_of(found.values(), asked.what.classes, asked.must) if asked.must else set(found)
        if not asked.when.is_of_the_thing:
            found = {
                id: n for id, n in found.items()
                if id not in good or (asked.when and not self.meets(asked.when, times, n, n))
            }  # fmt: skip
        ways = self.ways(found, asked.when, EACH + 1)

        def judge(one: Node) -> Iterator[Fault]:
            for way in ways(one.id):
                end = way[-1]
                if end.id not in good:
                    yield way, f"of {Step.of(end)} it is not true that {asked.must}"
                elif asked.when and not self.meets(asked.when, times, end, one):
                    at = times[end.id]
                    told = f"is of {_text(at)}, not" if not math.isnan(at) else "does not say that it is"
                    yield way, f"{Step.of(end)} {told} {_when(asked.when)}"

        return judge

    # -- what is wrong -------------------------------------------------------------------------------------------------

    def software(self, allowed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        from packaging.specifiers import SpecifierSet
        from packaging.utils import canonicalize_name
        from packaging.version import InvalidVersion

        wanted = {canonicalize_name(name): SpecifierSet(text) for name, text in allowed.items()}
        for node in self.up.nodes.values():
            told = node.properties
            ran: list[tuple[str, str]] = []
            if node.class_name == "Environment":
                ran = [(name, version) for name, _, version in (p.partition("==") for p in told.get("packages", ()))]
                ran.append(("python", str(told.get("python", ""))))
            elif node.kind == AGENT and told.get("kind") == "software":
                ran = [(str(told.get("name", "")), str(told.get("version", "")))]
            wrong = []
            for name, version in ran:
                specifier = wanted.get(canonicalize_name(name))
                if specifier is None:
                    continue
                try:
                    fits = bool(version) and specifier.contains(version, prereleases=True)
                except InvalidVersion:
                    fits = False
                if not fits:
                    wrong.append(f"{name} {version or 'of no version'} ran, which is not {specifier}")
            if wrong:
                yield node.id, "; ".join(wrong)

    def stored(self, how: str) -> Iterator[tuple[str, str]]:
        above = self.above_of([n.id for n in self.list])
        for label, look in (("StoredFile", self.file), ("Segment", self.segment)):
            nodes = {i: self.up.nodes[i] for i in sorted(above) if label in self.up.nodes[i].labels}
            notes: dict[str, list[Mapping[str, Any]]] = {id: [] for id in nodes}
            for row in self.up.read("notes_about", list(nodes)):
                notes[row["about"]].append(row)
            for id, node in nodes.items():
                if why := look(node, notes[id], how):
                    yield id, f"{Step.of(node)}: {why}"

    def above_of(self, ids: Collection[str]) -> set[str]:
        seen = set(ids)
        waiting = list(seen)
        while waiting:
            for edge in self.up.causes.get(waiting.pop(), ()):
                if edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)
        return seen

    def file(self, node: Node, notes: Iterable[Mapping[str, Any]], how: str) -> str:
        places: list[str] = []
        dropped = False
        for note in notes:  # oldest first
            if note["kind"] in ("place", "bytes_dropped"):
                places = [one for one in places if one != note["value"]]
                dropped = note["kind"] == "bytes_dropped"
            if note["kind"] == "place":
                places.append(note["value"])
        digest, size = str(node.properties["digest"]), node.properties.get("size")
        files = self.check.survey.files
        try:
            if how == rules.VERIFIED:
                files.get(digest, size=size, also=places, what=node.label)
            elif not files.has(digest, size=size, also=places):
                return "its bytes were dropped" if dropped else "its bytes are not where they are said to be"
        except StorageError as error:
            return "its bytes were dropped" if dropped else error.message.rstrip(".")
        return ""

    def segment(self, node: Node, notes: Iterable[Mapping[str, Any]], how: str) -> str:
        from provgraph.bulk.store import SegmentInfo

        if any(note["kind"] == "bytes_dropped" for note in notes):
            return "its bytes were dropped"
        store = self.check.survey.store_
        info = SegmentInfo.from_dict(json.loads(node.properties["info"]))
        try:
            (store.verify if how == rules.VERIFIED else store.check)(info)
        except StorageError as error:
            return str(error.message).rstrip(".")
        return ""

    def max_depth(self, one: Node, steps: int) -> Iterator[Fault]:
        if (way := self.up.deeper(one.id, steps)) is not None:
            yield way, f"{Step.of(way[-1])} is more than {steps} {'step' if steps == 1 else 'steps'} away"

    def max_age(self, one: Node, seconds: float) -> Iterator[Fault]:
        at = _seconds(one.properties.get("created"))
        if not _seconds(self.check.now) - at <= seconds:
            yield (one,), f"it was stored {str(one.properties.get('created', ''))[:19]}, more than {_age(seconds)} ago"


def _lacking(one: Node, wanted: rules.Has, roles: set[str]) -> Iterator[Fault]:
    """What a thing has not, of what it must have; roles : of the links that it has."""
    told = one.properties
    there = list(told.get("attribute_names") or ())
    units, ucds = (dict(zip(there, told.get(key) or (), strict=False)) for key in ("units", "ucds"))
    for name in dict.fromkeys([*wanted.attributes, *dict(wanted.units), *dict(wanted.ucds)]):
        if name not in there:
            yield (one,), f"it has no attribute {name!r}; {nearest(name, there)}".rstrip(".")
    for name, unit in wanted.units:
        if name in there and not _same_unit(units.get(name, "?"), unit):
            has = units.get(name, "?")
            shown = "no declared unit" if has == "?" else f"the unit {has!r}" if has else "no unit"
            yield (one,), f"its attribute {name!r} has {shown}, not {unit!r}"
    for name, ucd in wanted.ucds:
        if name in there and ucds.get(name) != ucd:
            yield (one,), f"its attribute {name!r} has the UCD {ucds.get(name) or ''!r}, not {ucd!r}"
    for name in wanted.properties:
        value = told.get(name)
        link = getattr(registry.get(one.class_name), "links", {}).get(name)
        if name in roles or (link is not None and link.role in roles):
            continue
        if value is None or value in ("", []) or (isinstance(value, float) and math.isnan(value)):
            yield (one,), f"it has no {name}"


def _same_unit(one: str, other: str) -> bool:
    if one == other or "?" in (one, other) or not one or not other:
        return one == other
    from provgraph.language.units import unit_of

    a, b = unit_of(one), unit_of(other)
    return a is not None and a == b


def _called(call: Node) -> str:
    return f"{call.class_name}.{call.properties.get('method', '')}"


def _time(node: Node, when: When) -> float:
    """Seconds since 1970; NaN where it does not say that."""
    usual = node.properties.get("created") if node.kind == ENTITY else node.properties.get("started")
    return _seconds(node.properties.get(when.time) if when.time else usual)


def _seconds(value: Any) -> float:
    if not isinstance(value, str | datetime) or not value:
        return math.nan
    try:
        return datetime.fromisoformat(moment(value)).timestamp()
    except (InvalidInput, ValueError, OverflowError):
        return math.nan


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")[:19]


def _said(what: What) -> str:
    if what.calls:
        return f"call {what.calls}"
    words = " or ".join(what.classes) or "object"
    if what.name:
        words += f" called {what.name}"
    return words + (f" with {what.where}" if what.where else "")


def _when(when: When) -> str:
    since = "its making" if when.measured_at == rules.MAKING else "now"
    words = []
    if when.newer_than is not None:
        words.append(f"newer than {_age(when.newer_than)} before {since}")
    if when.older_than is not None:
        words.append(f"older than {_age(when.older_than)} before {since}")
    words += [f"{word} {at[:19]}" for word, at in (("after", when.after), ("before", when.before)) if at]
    return " and ".join(words)


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
