"""Policies from TOML: what is wrong in a file is one sentence that says where, and what there is instead."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from provgraph.checks import rules
from provgraph.checks.rules import For, Policy, Rule, What, When
from provgraph.errors import FileUnreadable, InvalidInput, nearest
from provgraph.graph.walk import moment

LARGEST: Final = 1_000_000  # bytes of a file
_SECONDS: Final = {
    "s": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0,
    "week": 604800.0, "y": 31557600.0, "year": 31557600.0,
}  # fmt: skip
_AGE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_LONG_TEXT: Final = re.compile(r'"""[\s\S]*?"""|' + r"'''[\s\S]*?'''")
_WHEN: Final = ("newer_than", "older_than", "after", "before", "time", "measured_at")
_WHAT: Final = ("class", "name", "where", "calls")
_FOR: Final = ("class", "name", "where", "published", "newest")
_HAS: Final = ("attributes", "units", "ucds", "properties")
_ABOUT: Final = ("name", "description", "severity", "for")


def read_policy(path: str | os.PathLike[str]) -> Policy:
    """The policy in a TOML file.

    Raises
    ------
    FileUnreadable : ``policy_unreadable``. InvalidInput : as `parse_policy`.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise FileUnreadable(
            f"The policy {file} cannot be read: {error.strerror or error}.", code="policy_unreadable", path=str(file)
        ) from None
    if len(data) > LARGEST:
        raise FileUnreadable(
            f"{file} is larger than {LARGEST:,} bytes; it is no policy.", code="policy_unreadable", path=str(file)
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileUnreadable(
            f"{file} is not UTF-8 at byte {error.start}.", code="policy_unreadable", path=str(file)
        ) from None
    return parse_policy(text.replace("\r\n", "\n"), source=str(file))


def parse_policy(text: str, *, source: str = "policy") -> Policy:
    """The policy that a text says.

    Raises InvalidInput: ``policy_syntax`` where it is no TOML, ``policy_key`` for a word that means nothing there,
    ``policy_value`` for a value that cannot be, ``policy_incomplete`` where something must be said.
    """
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is nested too deeply"
        raise InvalidInput(f"{source} is no TOML: {why}.", code="policy_syntax", path=source) from None
    return _Reader(text, source).policy(found)


class _Reader:
    """One text. Where it is, is kept for messages."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
        # TOML readers keep no lines: those of tables and keys are found again, texts of several lines left out.
        blank = _LONG_TEXT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
        self.lines = blank.splitlines()
        self.begins = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*rule\s*\]\]", line)]
        self.rule: int | None = None  # the number of the one that is read
        self.rule_name = ""

    # -- where ---------------------------------------------------------------------------------------------------------

    def line_of(self, key: str = "") -> int:
        """The line of a key of the rule that is read, of its head, or of a key before all rules; 0 where that is unknown."""
        first, last = 0, self.begins[0] if self.begins else len(self.lines)
        if self.rule is not None:
            if self.rule >= len(self.begins):
                return 0
            first = self.begins[self.rule]
            last = self.begins[self.rule + 1] if self.rule + 1 < len(self.begins) else len(self.lines)
        if key:
            word = re.escape(key)
            for pattern in (rf"\s*[\"']?{word}[\"']?\s*=", rf"\s*\[+[^\]]*\b{word}\b", rf".*\b{word}\b"):
                for i in range(first, last):
                    if re.match(pattern, self.lines[i]):
                        return i + 1
        return first + 1 if self.rule is not None else 0

    def fault(self, says: str, code: str, *, key: str = "") -> NoReturn:
        line = self.line_of(key)
        where = self.source + (f", line {line}" if line else "")
        if self.rule is not None:
            where += f", rule {self.rule_name!r}" if self.rule_name else f", rule {self.rule + 1}"
        details = {"rule": self.rule_name} if self.rule_name else {}
        raise InvalidInput(
            f"{where}: {says}", code=code, path=self.source, line=line or None, key=key or None, **details
        )

    # -- values --------------------------------------------------------------------------------------------------------

    def check_keys(self, table: Mapping[str, Any], known: Collection[str], where: str) -> None:
        for key in table:
            if key not in known:
                self.fault(f"{key!r} means nothing {where}; {nearest(key, known, most=40)}", "policy_key", key=key)

    def table(self, value: Any, key: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.fault(
                f"{key} is a table, such as {_EXAMPLES.get(key, '{ ... }')}, not {value!r}.", "policy_value", key=key
            )
        return value

    def string(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or not value.strip():
            self.fault(f"{key} is a text, not {value!r}.", "policy_value", key=key)
        return value

    def texts(self, value: Any, key: str) -> tuple[str, ...]:
        several = value if isinstance(value, list) else [value]
        if not several or not all(isinstance(one, str) and one.strip() for one in several):
            self.fault(f"{key} is a text or a list of texts, not {value!r}.", "policy_value", key=key)
        return tuple(several)

    def flag(self, value: Any, key: str) -> bool:
        if not isinstance(value, bool):
            self.fault(f"{key} is true or false, not {value!r}.", "policy_value", key=key)
        return value

    def whole(self, value: Any, key: str, least: int) -> int:
        if type(value) is not int or value < least:
            self.fault(f"{key} is a whole number from {least}, not {value!r}.", "policy_value", key=key)
        return value

    def one_of(self, value: Any, key: str, known: Collection[str]) -> str:
        if value not in known:
            hint = nearest(value, known) if isinstance(value, str) else f"there are: {', '.join(known)}."
            self.fault(f"{key} = {value!r} is nothing; {hint}", "policy_value", key=key)
        return str(value)

    def age(self, value: Any, key: str) -> float:
        match = _AGE.fullmatch(value) if isinstance(value, str) else None
        unit = match[2] if match else ""
        seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
        if match is None or seconds is None:
            self.fault(f"{key} is a time such as \"24 h\", \"30 d\" or \"90 min\" (s, min, h, d, weeks, y), not {value!r}.",
                       "policy_value", key=key)  # fmt: skip
        return float(match[1]) * seconds

    def moment(self, value: Any, key: str) -> str:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        try:
            if isinstance(value, str | datetime):
                return moment(value, key)
        except InvalidInput:
            pass
        self.fault(f'{key} is a date or a time, such as "2026-03-01", not {value!r}.', "policy_value", key=key)

    def pairs(self, value: Any, key: str) -> tuple[tuple[str, str], ...]:
        table = self.table(value, key)
        for name, text in table.items():
            if not isinstance(text, str):
                self.fault(f"{key}.{name} is a text, not {text!r}.", "policy_value", key=name)
        return tuple(table.items())

    # -- parts ---------------------------------------------------------------------------------------------------------

    def policy(self, found: Mapping[str, Any]) -> Policy:
        self.check_keys(found, ("name", "description", "rule"), "in a policy")
        name = self.string(found["name"], "name") if "name" in found else Path(self.source).stem
        description = self.string(found["description"], "description") if "description" in found else ""
        tables = found.get("rule", [])
        if not isinstance(tables, list) or not tables:
            self.fault("there is no rule; each begins with [[rule]].", "policy_incomplete", key="rule")
        read: list[Rule] = []
        for number, table in enumerate(tables):
            self.rule, self.rule_name = number, ""
            one = self.one_rule(self.table(table, "rule"))
            if one.name in {r.name for r in read}:
                self.fault("another rule has this name; each needs one of its own.", "policy_value", key="name")
            read.append(one)
        digest = "sha256:" + hashlib.sha256(self.text.encode("utf-8")).hexdigest()
        return Policy(name, tuple(read), self.text, digest, description, self.source)

    def one_rule(self, table: Mapping[str, Any]) -> Rule:
        if "name" not in table:
            self.fault("the rule has no name; give it one, so that findings can be told apart.", "policy_incomplete")
        self.rule_name = self.string(table["name"], "name")
        self.check_keys(table, (*_ABOUT, *_ASSERTIONS), "in a rule")
        if "for" not in table:
            self.fault('the rule does not say what it is for; write for = { published = true } or for = { class = "..." }.',
                       "policy_incomplete")  # fmt: skip
        assertions: list[tuple[str, rules.Assertion]] = []
        for key, value in table.items():
            if key in _ABOUT:
                continue
            several = (
                value if isinstance(value, list) and value and all(isinstance(v, dict) for v in value) else [value]
            )
            for one in several:
                if (made := _ASSERTIONS[key](self, one)) is not None:
                    assertions.append((key, made))
        if not assertions:
            self.fault(f"the rule asserts nothing; say one of {', '.join(_ASSERTIONS)}.", "policy_incomplete")
        severity = self.one_of(table.get("severity", rules.ERROR), "severity", rules.SEVERITIES)
        description = self.string(table["description"], "description") if "description" in table else ""
        return Rule(self.rule_name, self.things(table["for"]), tuple(assertions), description, severity, self.line_of())

    def things(self, value: Any) -> For:
        table = self.table(value, "for")
        self.check_keys(table, _FOR, "in for")
        if not {"class", "name", "published"} & table.keys():
            self.fault("for names a class, a name, or says published = true.", "policy_incomplete", key="for")
        if "published" in table and not self.flag(table["published"], "published") and "class" not in table:
            self.fault("what is not published is looked for in a class; for names one.", "policy_incomplete", key="for")
        if "where" in table and "class" not in table:
            self.fault("where asks for properties of a class; for names one.", "policy_incomplete", key="where")
        return For(
            self.texts(table["class"], "class") if "class" in table else (),
            self.string(table["name"], "name") if "name" in table else "",
            self.string(table["where"], "where") if "where" in table else "",
            table.get("published"),
            self.flag(table.get("newest", False), "newest"),
        )

    def when(self, table: Mapping[str, Any]) -> When:
        ages = [self.age(table[key], key) if key in table else None for key in ("newer_than", "older_than")]
        dates = [self.moment(table[key], key) if key in table else "" for key in ("after", "before")]
        time = self.string(table["time"], "time") if "time" in table else ""
        measured_at = self.one_of(table.get("measured_at", rules.MAKING), "measured_at", rules.MEASURED)
        said = When(ages[0], ages[1], dates[0], dates[1], time, measured_at)
        if not said and (word := next((k for k in ("time", "measured_at") if k in table), "")):
            self.fault(f"{word} goes with newer_than, older_than, after or before.", "policy_incomplete", key=word)
        return said

    def what(self, table: Mapping[str, Any], key: str, *, when: bool = True) -> What:
        if not {"class", "name", "calls"} & table.keys():
            self.fault(f"{key} names a class, a name, or calls.", "policy_incomplete", key=key)
        if "calls" in table and (also := {"class", "name", "where"} & table.keys()):
            self.fault(f"{key} asks for objects or for calls, not for both ({', '.join(sorted(also))}).", "policy_value",
                       key="calls")  # fmt: skip
        if "where" in table and "class" not in table:
            self.fault(f"where asks for properties of a class; {key} names one.", "policy_incomplete", key="where")
        return What(
            self.texts(table["class"], "class") if "class" in table else (),
            self.string(table["name"], "name") if "name" in table else "",
            self.string(table["where"], "where") if "where" in table else "",
            self.string(table["calls"], "calls") if "calls" in table else "",
            self.when(table) if when else When(),
        )

    # -- assertions ----------------------------------------------------------------------------------------------------

    def descends_from(self, value: Any) -> rules.Assertion:
        table = self.table(value, "descends_from")
        self.check_keys(table, (*_WHAT, *_WHEN, "at_least"), "in descends_from")
        return rules.DescendsFrom(
            self.what(table, "descends_from"), self.whole(table.get("at_least", 1), "at_least", 1)
        )

    def not_upstream(self, value: Any) -> rules.Assertion:
        table = self.table(value, "not_upstream")
        self.check_keys(table, (*_WHAT, *_WHEN), "in not_upstream")
        return rules.NotUpstream(self.what(table, "not_upstream"))

    def every_upstream(self, value: Any) -> rules.Assertion:
        table = self.table(value, "every_upstream")
        self.check_keys(table, (*_WHAT, *_WHEN, "must"), "in every_upstream")
        what, when = self.what(table, "every_upstream", when=False), self.when(table)
        must = self.string(table["must"], "must") if "must" in table else ""
        if not must and not when:
            self.fault("every_upstream says how they must be: must, newer_than, older_than, after or before.",
                       "policy_incomplete", key="every_upstream")  # fmt: skip
        if must and not what.classes:
            self.fault(
                "must asks for properties of a class; every_upstream names one.", "policy_incomplete", key="must"
            )
        return rules.EveryUpstream(what, must, when)

    def every_activity(self, value: Any) -> rules.Assertion:
        words = self.texts(value, "every_activity")
        for word in words:
            self.one_of(word, "every_activity", rules.NAMED)
        return rules.EveryActivity(words)

    def software(self, value: Any) -> rules.Assertion:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        versions = self.pairs(value, "software")
        if not versions:
            self.fault('software names packages, such as { numpy = ">=2" }.', "policy_incomplete", key="software")
        for name, text in versions:
            try:
                SpecifierSet(text)
            except InvalidSpecifier:
                self.fault(f"{name} = {text!r} says no versions; write them like \">=1.2,<2\" or \"==1.4.1\".", "policy_value",
                           key=name)  # fmt: skip
        return rules.Software(versions)

    def agents(self, value: Any) -> rules.Assertion:
        return rules.Agents(self.texts(value, "agents"))

    def has(self, value: Any) -> rules.Assertion:
        table = self.table(value, "has")
        self.check_keys(table, _HAS, "in has")
        if not table:
            self.fault(f"has says nothing; there are: {', '.join(_HAS)}.", "policy_incomplete", key="has")
        return rules.Has(
            self.texts(table["attributes"], "attributes") if "attributes" in table else (),
            self.pairs(table.get("units", {}), "units"),
            self.pairs(table.get("ucds", {}), "ucds"),
            self.texts(table["properties"], "properties") if "properties" in table else (),
        )

    def valid(self, value: Any) -> rules.Assertion | None:
        return rules.Valid() if self.flag(value, "valid") else None

    def newest(self, value: Any) -> rules.Assertion | None:
        return rules.Newest() if self.flag(value, "newest") else None

    def stored(self, value: Any) -> rules.Assertion:
        return rules.Stored(self.one_of(value, "stored", rules.STORED))

    def max_depth(self, value: Any) -> rules.Assertion:
        return rules.MaxDepth(self.whole(value, "max_depth", 0))

    def max_age(self, value: Any) -> rules.Assertion:
        return rules.MaxAge(self.age(value, "max_age"))


_ASSERTIONS: Final[Mapping[str, Callable[[_Reader, Any], rules.Assertion | None]]] = {
    "descends_from": _Reader.descends_from, "not_upstream": _Reader.not_upstream, "every_upstream": _Reader.every_upstream,
    "every_activity": _Reader.every_activity, "software": _Reader.software, "agents": _Reader.agents, "valid": _Reader.valid,
    "newest": _Reader.newest, "stored": _Reader.stored, "max_depth": _Reader.max_depth, "max_age": _Reader.max_age,
    "has": _Reader.has,
}  # fmt: skip
ASSERTIONS: Final = tuple(_ASSERTIONS)
_EXAMPLES: Final = {
    "for": "{ published = true }", "descends_from": '{ class = "Bias", newer_than = "24 h" }',
    "not_upstream": '{ class = "TestFrame" }', "every_upstream": '{ class = "Bias", must = "exposure == 0" }',
    "software": '{ numpy = ">=2" }', "has": '{ attributes = ["ra", "dec"] }', "rule": '[[rule]]', "units": '{ ra = "deg" }',
    "ucds": '{ ra = "pos.eq.ra;meta.main" }',
}  # fmt: skip
