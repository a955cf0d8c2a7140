"""What is taken out of a lineage before it leaves: environment variables, secrets, home directories, names of users, by rule."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from provgraph.errors import InvalidInput, NotFound, nearest
from provgraph.graph.lineage import ACTIVITY, AGENT, Edge, Lineage, Node
from provgraph.schema import keys

ENVIRONMENT, SECRETS, HOMES, USERS = "environment variables", "secrets", "home directories", "user names"
LEFT_OUT: Final = "attributes left out"
RULES: Final = (ENVIRONMENT, SECRETS, HOMES, USERS)
GONE: Final = "(redacted)"
USER: Final = "(user)"

#: Identifiers, names of classes and methods, and what other statements are made of: these are no text of anybody.
_KEPT: Final = frozenset({
    "object_id", "activity_id", "agent_id", "note_id", "identity", "class_name", "method", "kind", "lineage_key", "digest",
    "created", "recorded", "started", "ended", "valid_from", "status", "code", "origins", "source_set", "space", "packages",
    "attribute_names", "units", "ucds", "dtypes",
})  # fmt: skip
_HOME: Final = re.compile(
    r"(?P<before>[\w.-]?)(?:/(?:home|Users)/(?P<unix>[^/\s\"'\\:;,<>|()\[\]{}]+)|/root(?=[/\s\"':;,)\]]|$)"
    r"|(?<!\w)[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/)(?P<windows>[^\\/\s\"':;,<>|]+))"
)
_VARIABLE: Final = re.compile(r"(?<![\w.$-])([A-Z_][A-Z0-9_]{2,})=(?!\(redacted\))(\"[^\"]*\"|'[^']*'|[^\s\"',;)\]}]+)")
_SECRET_NAME: Final = (
    r"(?:[\w-]{0,40}[_-])?(?:password|passwd|passphrase|token|secret|api[_-]?key|access[_-]?key|credentials?)"
)
_SECRET: Final = re.compile(
    rf"(?<![\w-])(?:(--?{_SECRET_NAME})(=|\s+)|({_SECRET_NAME})(=))(?!\(redacted\))([^\s\"',;)\]}}]+)", re.IGNORECASE
)
_QUOTED: Final = re.compile(
    rf"(?<![\w-])({_SECRET_NAME}[\"']?\s{{0,3}}[:=]\s{{0,3}})([\"'])(?!\(redacted\))[^\"'\n]+\2", re.IGNORECASE
)
_OPTION: Final = re.compile(rf"--?{_SECRET_NAME}", re.IGNORECASE)
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s:\"']{1,100}:[^/@\s\"']{1,200}(?=@)")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_MAPPING: Final = re.compile(r"env|environ|environment", re.IGNORECASE)
_NAMED_SECRET: Final = re.compile(_SECRET_NAME, re.IGNORECASE)
#: Users that are nobody, whose names are words.
_NOBODY: Final = frozenset({"root", "user", "users", "admin", "nobody", "unknown", "guest", "shared", "public", "data"})


@dataclass(frozen=True)
class Redaction:
    """A policy.

    name : as it is stated. rules : of `RULES`. keep : environment variables that are written. users : names of users besides
    those of the lineage. leave_out : attributes that are not written. patterns : (name, regular expression, what is written).
    """

    name: str
    rules: tuple[str, ...] = RULES
    keep: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str, str], ...] = ()

    @property
    def needs_users(self) -> bool:
        """Whether it takes out names of users, so that they have to be known."""
        return USERS in self.rules


PRIVATE: Final = Redaction("private")
NONE: Final = Redaction("none", rules=())
POLICIES: Final = {p.name: p for p in (PRIVATE, NONE)}


@dataclass(frozen=True)
class Redacted:
    """What a policy took out: how often, by rule."""

    policy: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.counts:
            return f"nothing redacted ({self.policy})"
        return f"redacted ({self.policy}): " + ", ".join(f"{rule} ({n:,})" for rule, n in sorted(self.counts.items()))


def policy(given: Redaction | str | Path) -> Redaction:
    """A policy by name, ``private`` or ``none``, or from a TOML file.

    Raises
    ------
    NotFound : ``redaction_unknown``. InvalidInput : ``redaction_invalid``.
    """
    if isinstance(given, Redaction):
        return given
    if str(given) in POLICIES:
        return POLICIES[str(given)]
    path = Path(given)
    if not path.is_file():
        raise NotFound(
            f"There is no redaction {str(given)!r}; there are {' and '.join(POLICIES)}, or give a TOML file with rules.",
            code="redaction_unknown",
        )
    try:
        return _read(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as TOML: {error}.", code="redaction_invalid") from error


def _read(found: Mapping[str, Any], path: Path) -> Redaction:
    known = ("name", "rules", "keep", "users", "leave_out", "replace")
    for key in found:
        if key not in known:
            raise InvalidInput(
                f"{path} says {key!r}, which is nothing; {nearest(key, known)}", code="redaction_invalid"
            )
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("rules", "keep", "users", "leave_out"):
        value = found.get(key, list(RULES) if key == "rules" else [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise InvalidInput(f"{path}: {key} is a list of texts, not {value!r}.", code="redaction_invalid")
        lists[key] = tuple(value)
    for rule in lists["rules"]:
        if rule not in RULES:
            raise InvalidInput(f"{path}: there is no rule {rule!r}; {nearest(rule, RULES)}", code="redaction_invalid")
    patterns = []
    replaced = found.get("replace", [])
    for one in replaced if isinstance(replaced, list) else [replaced]:
        if not isinstance(one, dict) or not all(isinstance(one.get(k), str) and one[k] for k in ("name", "match")):
            raise InvalidInput(f"{path}: [[replace]] needs a name and a match.", code="redaction_invalid")
        try:
            re.compile(one["match"])
        except re.error as error:
            raise InvalidInput(f"{path}: {one['match']!r} is no regular expression: {error}.",
                               code="redaction_invalid") from error  # fmt: skip
        patterns.append((one["name"], one["match"], str(one.get("by", GONE))))
    return Redaction(str(found.get("name", path.stem)), patterns=tuple(patterns), **lists)


def redacted(lineage: Lineage, policy: Redaction) -> tuple[Lineage, Redacted]:
    """A lineage without what the policy takes out, and how much that was; the same nodes and edges are there.

    Persons become ``person 1`` and so on, in the order of the lineage, also where objects and calls name them. A node that was
    changed has ``redacted``, the rules that changed it.
    """
    redactor = Redactor(policy, lineage.nodes, homes(lineage.nodes) if policy.needs_users else ())
    return redactor.lineage(lineage), redactor.said()


class Redactor:
    """Takes out of lineages what a policy says, and counts.

    agents : all that there are; others are left out of account. users : names of users besides those of agents.
    """

    def __init__(self, policy: Redaction, agents: Iterable[Node], users: Iterable[str]) -> None:
        self.policy = policy
        self.counts: Counter[str] = Counter()
        self.agents: dict[str, str] = {}
        persons = [n for n in agents if n.kind == AGENT and n.properties.get("kind") == "person"]
        self.persons: dict[str, str] = {}
        if policy.needs_users:
            for i, node in enumerate(persons, 1):
                self.agents[node.id], self.persons[node.id] = f"agent:person{i}", f"person {i}"
        self.rules = list(self._rules([*(str(n.properties.get("name", "")) for n in persons), *users]))

    def lineage(self, lineage: Lineage) -> Lineage:
        """The lineage without it."""
        nodes = tuple(self.node(n) for n in lineage.nodes)
        edges = tuple(self.edge(e) for e in lineage.edges)
        roots = tuple(self.agents.get(r, r) for r in lineage.roots)
        levels = {self.agents.get(i, i): level for i, level in lineage.levels.items()}
        return replace(lineage, roots=roots, nodes=nodes, edges=edges, levels=levels)

    def said(self) -> Redacted:
        """What was taken out until now."""
        return Redacted(self.policy.name, dict(sorted(self.counts.items())))

    def _rules(self, users: list[str]) -> Iterator[tuple[str, Callable[[str], tuple[str, int]]]]:
        """(rule, text to text and how often it was changed), in the order in which they are applied."""
        wanted = self.policy.rules
        for name, match, by in self.policy.patterns:
            yield name, _replacing(re.compile(match), _always(by))
        if SECRETS in wanted:
            yield SECRETS, _replacing(_LOGIN, lambda _: GONE)
            yield SECRETS, _replacing(_QUOTED, lambda m: f"{m[1]}{m[2]}{GONE}{m[2]}")
            yield SECRETS, _replacing(_SECRET, lambda m: f"{m[1] or m[3]}{m[2] or m[4]}{GONE}")
        if HOMES in wanted:
            yield HOMES, _replacing(_HOME, lambda m: f"{m['before']}/~" if m["before"] else "~")
        if USERS in wanted:
            yield USERS, _replacing(_EMAIL, lambda _: USER)
            names = {n for n in users if len(n) > 2 and n.lower() not in _NOBODY}
            if names := names | set(self.policy.users):
                words = "|".join(re.escape(n) for n in sorted(names, key=lambda n: (-len(n), n)))
                yield USERS, _replacing(re.compile(rf"(?<!\w)(?:{words})(?!\w)"), lambda _: USER)

    def node(self, node: Node) -> Node:
        before = self.counts.copy()
        properties: dict[str, Any] = {}
        for key, value in node.properties.items():
            if key in self.policy.leave_out and key not in _KEPT:
                self.counts[LEFT_OUT] += 1
            elif isinstance(value, str) and value in self.agents:
                properties[key] = self.agents[value]
            elif key in _KEPT:
                properties[key] = value
            else:
                properties[key] = self.value(value, is_call=node.kind == ACTIVITY)
        label = self.text(node.label, is_call=False, count=False)
        if name := self.persons.get(node.id):
            properties["name"] = label = name
            self.counts = before + Counter({USERS: 1})
        changed = sorted(rule for rule in self.counts if self.counts[rule] > before[rule])
        if changed:
            properties["redacted"] = ", ".join(changed)
        return replace(node, id=self.agents.get(node.id, node.id), label=label, properties=properties)

    def edge(self, edge: Edge) -> Edge:
        source, target = (self.agents.get(end, end) for end in (edge.source, edge.target))
        return replace(edge, source=source, target=target)

    def value(self, value: Any, *, is_call: bool) -> Any:
        if isinstance(value, str):
            if is_call and value[:1] in ("{", "["):  # arguments and results are JSON
                try:
                    held = json.loads(value)
                except (ValueError, RecursionError):
                    return self.text(value, is_call=is_call)
                changed = self.walk(held)
                return value if changed == held else keys.canonical_json(changed)
            return self.text(value, is_call=is_call)
        if isinstance(value, (list, tuple)):
            return type(value)(self.value(v, is_call=is_call) for v in value)
        return value

    def walk(self, held: Any) -> Any:
        """Plain data of a call: what stands under the name of a secret or in an environment is not written."""
        if isinstance(held, str):
            return self.text(held, is_call=True)
        if isinstance(held, list):
            found: list[Any] = []
            for i, one in enumerate(held):
                before = held[i - 1] if i else None
                if (
                    SECRETS in self.policy.rules
                    and isinstance(one, str)
                    and isinstance(before, str)
                    and _OPTION.fullmatch(before)
                ):
                    self.counts[SECRETS] += 1
                    found.append(GONE)
                else:
                    found.append(self.walk(one))
            return found
        if isinstance(held, dict):
            return {self.text(k, is_call=True): self.entry(k, v) for k, v in held.items()}
        return held

    def entry(self, key: str, value: Any) -> Any:
        if ENVIRONMENT in self.policy.rules and _MAPPING.fullmatch(key) and isinstance(value, dict):
            gone = [k for k in value if k not in self.policy.keep]
            self.counts[ENVIRONMENT] += len(gone)
            return {k: GONE if k in gone else self.walk(v) for k, v in value.items()}
        if SECRETS in self.policy.rules and isinstance(value, str) and value and _NAMED_SECRET.fullmatch(key):
            self.counts[SECRETS] += 1
            return GONE
        return self.walk(value)

    def text(self, text: str, *, is_call: bool, count: bool = True) -> str:
        found: Counter[str] = Counter()
        if is_call and ENVIRONMENT in self.policy.rules:
            text = _VARIABLE.sub(lambda m: self.variable(m, found), text)
        for rule, change in self.rules:
            text, n = change(text)
            found[rule] += n
        if count:
            self.counts += found
        return text

    def variable(self, match: re.Match[str], found: Counter[str]) -> str:
        if match[1] in self.policy.keep:
            return match[0]
        found[ENVIRONMENT] += 1
        return f"{match[1]}={GONE}"


def homes(nodes: Iterable[Node]) -> Iterator[str]:
    """The users whose home directories are named somewhere."""
    for node in nodes:
        for text in _texts([node.label, *node.properties.values()]):
            for match in _HOME.finditer(text):
                if name := match["unix"] or match["windows"]:
                    yield name


def _always(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text


def _replacing(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> Callable[[str], tuple[str, int]]:
    return lambda text: pattern.subn(by, text)


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)
