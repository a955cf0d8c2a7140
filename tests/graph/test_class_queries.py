"""Objects selected by conditions on paths: the composed statements against a plain evaluation in Python, on random graphs."""

from __future__ import annotations

import enum
import fnmatch
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provgraph.graph import statements
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.graph.mapper import Batch, Mapper
from provgraph.graph.setup import prepare
from provgraph.graph.statements import Statement
from provgraph.policy import AllowAll, Context
from provgraph.query import asked as select
from provgraph.schema import keys, patterns
from provgraph.schema.agents import Agent
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent
from tests.conftest import empty
from tests.schema import test_paths

nan, inf = math.nan, math.inf


class Weather(enum.Enum):
    CLEAR = "clear"
    CLOUDY = "cloudy"


class AskedObservatory(DBObject):
    """Where a camera stands."""

    title = persistent(str, default=None, index=True)
    height = persistent(float, default=None, unit="km")


class AskedCamera(DBObject):
    """What takes shots."""

    title = persistent(str, default=None)
    gain = persistent(float, default=None, index=True)
    at = link(AskedObservatory, optional=True)


class AskedShot(DBObject):
    """One exposure, with a property of every type."""

    band = persistent(str, default=None, index=True)
    depth = persistent(float, default=None, unit="m", index=True)
    number = persistent(int, default=None, index=True)
    when = persistent(datetime, default=None, index=True)
    weather = persistent(Weather, default=None)
    good = persistent(bool, default=None)
    words = persistent(list[str], default=None)
    levels = persistent(list[float], default=None)
    camera = link(AskedCamera, optional=True)
    before = link("self", optional=True)


class AskedWideShot(AskedShot):
    """A shot with something of its own."""

    chip = persistent(int, default=None, index=True)


class AskedStack(DBObject):
    """Shots, and one of them."""

    depth = persistent(float, default=None, unit="m")
    shots = link(list[AskedShot], optional=True)
    best = link(AskedShot, optional=True)


class AskedAlbum(DBObject):
    stacks = link(list[AskedStack], optional=True)


CLASSES = (AskedObservatory, AskedCamera, AskedShot, AskedWideShot, AskedStack, AskedAlbum)
WORDS = ["", "g", "r", "it's", 'say "x" $p0 \\', "日本", "Sérsic", "NGC 1", "NGC\n224", "a*b", "NGC"]
NUMBERS = [0, 1, -1, 2, 7, 2**53 + 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, 1.5, -2.5, 7.0, inf, -inf, 1e300, 5e-324, float(2**53)]
MOMENTS = [
    datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC),
    datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
]  # fmt: skip
SHELL = ["NGC*", "?", "*", "[gr]", "[!g]", "*'*", "NGC 1", "a[*]b", "*\n*", "日?", "N[A-Z]C*"]
NAMES = ["bright", "faint", "it's"]
VALUES: dict[str, list[Any]] = {
    "text": WORDS, "float": FLOATS, "int": NUMBERS, "time": MOMENTS, "weather": list(Weather), "bool": [True, False],
    "words": [[], ["g"], ["g", "r"], ["it's", "日本", "g"]], "levels": [[], [0.0], [1.5, -0.0, inf], [7.0, 7.0]],
}  # fmt: skip
KINDS: dict[type, dict[str, str]] = {
    AskedObservatory: {"title": "text", "height": "float"},
    AskedCamera: {"title": "text", "gain": "float"},
    AskedShot: {"band": "text", "depth": "float", "number": "int", "when": "time", "weather": "weather", "good": "bool",
           "words": "words", "levels": "levels"},
    AskedWideShot: {"chip": "int"},
    AskedStack: {"depth": "float"},
    AskedAlbum: {},
}  # fmt: skip
KINDS[AskedWideShot] = KINDS[AskedShot] | KINDS[AskedWideShot]


# -- graphs ----------------------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: Any) -> list[dict[str, Any]]:
    """Objects as data: class, values, links as numbers of earlier objects, names and tags."""
    made: list[dict[str, Any]] = []

    def some(cls: type) -> st.SearchStrategy[int]:
        return st.sampled_from([i for i, one in enumerate(made) if issubclass(one["cls"], cls)] or [-1])

    def add(cls: type, **links: Any) -> None:
        values = {}
        for name, kind in KINDS[cls].items():
            pool = VALUES[kind] + ([nan] if kind == "float" else [])
            values[name] = draw(st.one_of(st.none(), st.sampled_from(pool)))
        names = draw(st.lists(st.sampled_from(NAMES), max_size=2))
        tags = draw(st.lists(st.sampled_from(["deep", "blue"]), max_size=2))
        made.append({"cls": cls, "values": values, "links": links, "names": names, "tags": tags})

    def maybe(cls: type) -> Any:
        number = draw(st.one_of(st.none(), some(cls)))
        return None if number == -1 else number

    for cls in (AskedObservatory, AskedCamera, AskedShot, AskedStack, AskedAlbum):
        for _ in range(draw(st.integers(1, 7 if cls is AskedShot else 3))):
            match cls.__name__:
                case "AskedObservatory":
                    add(cls)
                case "AskedCamera":
                    add(cls, at=maybe(AskedObservatory))
                case "AskedShot":
                    add(
                        draw(st.sampled_from([AskedShot, AskedWideShot])),
                        camera=maybe(AskedCamera),
                        before=maybe(AskedShot),
                    )
                case "AskedStack":
                    add(cls, shots=draw(st.lists(some(AskedShot), max_size=4)), best=maybe(AskedShot))
                case _:
                    add(cls, stacks=draw(st.lists(some(AskedStack), max_size=3)))
    return made


def store(mapper: Mapper, graph: Sequence[dict[str, Any]]) -> list[Any]:
    objects: list[Any] = []
    for one in graph:
        links = {
            name: [objects[i] for i in to] if isinstance(to, list) else objects[to]
            for name, to in one["links"].items() if to is not None
        }  # fmt: skip
        objects.append(one["cls"](**{n: v for n, v in one["values"].items() if v is not None}, **links))
    for some in (objects[::2], objects[1::2]):  # with what they depend on
        batch = Batch()
        batch.add(*some)
        mapper.write(batch)
    for one, stored in zip(graph, objects, strict=True):
        for kind, said in (("name", one["names"]), ("tag", one["tags"])):
            for text in said:
                batch = Batch()
                batch.note(stored, kind, text)
                mapper.write(batch)
    return objects


# -- what is asked, as data that is both written as a condition and evaluated in Python ------------------------------------------


@dataclass(frozen=True)
class Step:
    """name : of a link, '' backwards along `link` of `cls`, or to those of a subclass only. index : into a list."""

    name: str
    cls: type
    many: bool
    index: int | None = None
    inverse: bool = False
    only: bool = False


@dataclass(frozen=True)
class Way:
    root: type
    steps: tuple[Step, ...]
    end: type
    name: str = ""  # of a property; '' : the object
    element: int | None = None

    @property
    def many(self) -> bool:
        return any(s.many for s in self.steps) or self.name == "tag"

    def path(self) -> Any:
        path: Any = self.root
        for step in self.steps:
            if step.inverse:
                path = path.inverse(getattr(step.cls, step.name))
            elif step.only:
                path = path.of(step.cls)
            else:
                path = getattr(path, step.name)
                path = path if step.index is None else path[step.index]
        if self.name:
            path = getattr(path, self.name) if len(self.steps) % 2 else path[self.name]
        return path if self.element is None else path[self.element]


LINKS: dict[type, list[tuple[str, type, bool]]] = {
    AskedObservatory: [], AskedCamera: [("at", AskedObservatory, False)],
    AskedShot: [("camera", AskedCamera, False), ("before", AskedShot, False)],
    AskedStack: [("shots", AskedShot, True), ("best", AskedShot, False)], AskedAlbum: [("stacks", AskedStack, True)],
}  # fmt: skip
LINKS[AskedWideShot] = LINKS[AskedShot]
INVERSE = [
    (cls, name, to, many) for cls, links in LINKS.items() if cls is not AskedWideShot for name, to, many in links
]


@st.composite
def ways(draw: Any, root: type, most: int = 4) -> Way:
    """A path to an object."""
    at, steps = root, []
    for _ in range(draw(st.integers(0, most))):
        choices: list[Step] = []
        for name, to, many in LINKS[at]:
            choices.append(Step(name, to, many))
            if many:
                choices.append(Step(name, to, False, index=draw(st.integers(0, 2))))
        choices += [Step(n, cls, True, inverse=True) for cls, n, to, _ in INVERSE if issubclass(at, to)]
        if at is AskedShot and steps:
            choices.append(Step("", AskedWideShot, False, only=True))
        if not choices:
            break
        step = draw(st.sampled_from(choices))
        steps.append(step)
        at = step.cls
    return Way(root, tuple(steps), at)


Asked = tuple[Any, ...]
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ORDERS = {"text": list(OPERATORS), "float": list(OPERATORS), "int": list(OPERATORS), "time": list(OPERATORS),
          "weather": ["==", "!="], "bool": ["==", "!="]}  # fmt: skip


@st.composite
def value_ways(draw: Any, root: type, only: Sequence[str] = ()) -> tuple[Way, str]:
    """A path to a value, and its kind; only : to values of these kinds, where there are any."""
    way = draw(ways(root))
    kinds = dict(KINDS[way.end])
    if way.end is AskedShot and way.steps:
        kinds |= KINDS[AskedWideShot]
    kinds |= {"name": "text", "tag": "text", "version": "int"}
    names = sorted(name for name, kind in kinds.items() if kind in only) or sorted(kinds)
    name = draw(st.sampled_from(names))
    kind = kinds[name]
    element = None
    if kind in ("words", "levels") and kind not in only and draw(st.booleans()):
        element, kind = draw(st.sampled_from([0, 1, -1])), {"words": "text", "levels": "float"}[kind]
    return Way(way.root, way.steps, way.end, name, element), kind


def pool(kind: str, name: str) -> list[Any]:
    return [*NAMES, "deep", "zz"] if name in ("name", "tag") else VALUES[kind]


LEAVES = ["compare", "in", "between", "like", "matches", "contains", "null", "count", "pair", "linked", "any", "whole",
          "length", "flag"]  # fmt: skip
TEXTS, LISTS, COMPARABLE = ("text",), ("words", "levels"), ("text", "float", "int")
ABOUT = {"like": TEXTS, "matches": TEXTS, "contains": LISTS, "whole": LISTS, "length": LISTS, "pair": COMPARABLE,
         "flag": ("bool",)}  # fmt: skip


@st.composite
def leaves(draw: Any, root: type, kind_of_leaf: str = "") -> Asked:
    kind_of_leaf = kind_of_leaf or draw(st.sampled_from(["compare"] * 3 + LEAVES))
    if kind_of_leaf == "linked":
        way = draw(ways(root).filter(lambda w: bool(w.steps)))
        return (
            "linked",
            way,
            draw(st.sampled_from(["==", "!=", "isin", "none", "some"])),
            draw(st.lists(st.integers(0, 30), max_size=3)),
        )
    if kind_of_leaf in ("count", "any"):
        way = draw(ways(root))
        if not way.steps:
            return "count", way, "==", -1
        if kind_of_leaf == "any" and way.many:
            return "any", way, draw(conditions(way.end, deep=False))
        return "count", way, draw(st.sampled_from(list(OPERATORS))), draw(st.sampled_from([0, 1, 2, 1.5]))
    way, kind = draw(value_ways(root, ABOUT.get(kind_of_leaf, ())))
    if kind_of_leaf == "null" and draw(st.booleans()):
        return "present", way
    if kind in ("words", "levels"):
        if kind_of_leaf == "null":
            return "null", way
        if kind_of_leaf == "length":
            return "length", way, draw(st.sampled_from(list(OPERATORS))), draw(st.integers(0, 2))
        if kind_of_leaf == "whole":
            return "whole", way, draw(st.sampled_from(["==", "!="])), draw(st.sampled_from(VALUES[kind]))
        one = draw(st.sampled_from(WORDS if kind == "words" else FLOATS))
        return "contains", way, one
    constants = st.sampled_from(pool(kind, way.name))
    ordered = kind in ("text", "float", "int", "time")
    if kind_of_leaf == "null":
        return "null", way
    if kind_of_leaf == "in":
        return "in", way, draw(st.lists(constants, max_size=3))
    if kind_of_leaf == "between" and ordered:
        return "between", way, draw(constants), draw(constants)
    if kind_of_leaf == "like" and kind == "text":
        return (
            "like",
            way,
            draw(st.sampled_from(SHELL)),
        )
    if kind_of_leaf == "matches" and kind == "text":
        return "matches", way, draw(st.sampled_from(
            [r"NGC.*", r"\w", r"\w+", "(?s)NGC.*", r"[^\d]*", "", "(?i)ngc.1", r"(?P<a>.)(?P=a)*", "日.", r"[[a*b]+"]
        ))  # fmt: skip
    if kind_of_leaf == "pair" and kind in ("text", "float", "int"):
        other, kind_too = draw(value_ways(root, (kind,)))
        if (
            other.element is None
            and kind_too == kind
            and _unit(other) == _unit(way)
            and kind_too not in ("words", "levels")
        ):
            return "pair", way, draw(st.sampled_from(list(OPERATORS))), other
    if kind_of_leaf == "flag" and kind == "bool":
        return "flag", way
    sign = draw(st.sampled_from(ORDERS[kind]))
    constant = draw(constants)
    if kind == "int" and draw(st.integers(0, 4)) == 0:
        constant = draw(st.sampled_from([0.5, -1.5, 1e300, -1e300, inf, -inf, 2.0]))
    return "compare", way, sign, constant


def _unit(way: Way) -> str:
    return {"depth": "m", "height": "km", "levels": ""}.get(way.name, "")


def conditions(root: type, deep: bool = True) -> st.SearchStrategy[Asked]:
    one = leaves(root)
    return st.recursive(
        one,
        lambda inner: st.one_of(
            st.tuples(st.just("and"), inner, inner),
            st.tuples(st.just("or"), inner, inner),
            st.tuples(st.just("not"), inner),
        ),
        max_leaves=4 if deep else 2,
    )


def written(asked: Asked, objects: Sequence[Any]) -> Any:
    """As an author writes it."""
    match asked:
        case ("and", one, other):
            return written(one, objects) & written(other, objects)
        case ("or", one, other):
            return written(one, objects) | written(other, objects)
        case ("not", one):
            return ~written(one, objects)
        case ("any", way, inner):
            return way.path().any(written(inner, objects))
        case ("count", way, _, -1):
            return way.path()["version"] >= 1
        case ("count" | "length", way, sign, number):
            return OPERATORS[sign](way.path().count(), number)
        case ("null", way):
            return way.path().isnull()
        case ("in", way, values):
            return way.path().isin(values)
        case ("between", way, least, most):
            return way.path().between(least, most)
        case ("like", way, pattern):
            return way.path().like(pattern)
        case ("matches", way, pattern):
            return way.path().matches(pattern)
        case ("contains", way, value):
            return way.path().contains(value)
        case ("whole" | "compare", way, sign, value):
            return OPERATORS[sign](way.path(), value)
        case ("flag", way):
            return way.path() & way.path()
        case ("pair", way, sign, other):
            return OPERATORS[sign](way.path(), other.path())
        case ("linked", way, "none", _):
            return way.path() == None  # noqa: E711
        case ("linked", way, "some", _) | ("present", way):
            return way.path() != None  # noqa: E711
        case ("linked", way, sign, numbers):
            chosen = chosen_for(way, numbers, objects)
            if sign == "isin":
                return way.path().isin([o if i % 2 else o.object_id for i, o in enumerate(chosen)])
            return OPERATORS[sign](way.path(), chosen[0] if chosen else "no such id")
    raise AssertionError(asked)


def chosen_for(way: Way, numbers: Sequence[int], objects: Sequence[Any]) -> list[Any]:
    fit = [o for o in objects if isinstance(o, way.end) or issubclass(way.end, type(o))]
    return [fit[n % len(fit)] for n in numbers] if fit else []


# -- the plain evaluation --------------------------------------------------------------------------------------------------------


class World:
    def __init__(self, graph: Sequence[dict[str, Any]], objects: Sequence[Any]) -> None:
        self.objects = objects
        self.said = {o.object_id: one for o, one in zip(objects, graph, strict=True)}

    def linked(self, one: Any, name: str) -> list[Any]:
        to = self.said[one.object_id]["links"].get(name)
        return [] if to is None else [self.objects[i] for i in to] if isinstance(to, list) else [self.objects[to]]

    def follow(self, one: Any, step: Step) -> list[Any]:
        if step.only:
            return [one] if isinstance(one, step.cls) else []
        if step.inverse:
            users = [o for o in self.objects if isinstance(o, step.cls)]
            return [o for o in users for to in self.linked(o, step.name) if to is one]
        found = self.linked(one, step.name)
        return found if step.index is None else found[step.index : step.index + 1]

    def reached(self, one: Any, steps: Sequence[Step]) -> list[Any]:
        found = [one]
        for step in steps:
            found = [to for o in found for to in self.follow(o, step)]
        return found

    def value(self, one: Any, way: Way) -> Any:
        """None where there is none."""
        said = self.said[one.object_id]
        if way.name == "name":
            return said["names"][-1] if said["names"] else None
        if way.name == "version":
            return 1
        found = said["values"].get(way.name)
        if way.element is not None and found is not None:
            inside = -len(found) <= way.element < len(found)
            found = found[way.element] if inside else None
        return None if isinstance(found, float) and math.isnan(found) else found

    def values(self, one: Any, way: Way) -> list[Any]:
        """What the path leads to: one value for each of several objects, or one, each perhaps None."""
        if way.name == "tag":
            return [t for o in self.reached(one, way.steps) for t in self.said[o.object_id]["tags"]]
        split = split_of(way.steps)
        if not split:
            found = self.reached(one, way.steps)
            return [self.value(found[0], way) if found else None]
        ends = [self.reached(o, way.steps[split:]) for o in self.reached(one, way.steps[:split])]
        return [self.value(e[0], way) if e else None for e in ends]

    def holds(self, asked: Asked, one: Any) -> bool | None:
        match asked:
            case ("and", left, right):
                both = {self.holds(left, one), self.holds(right, one)}
                return False if False in both else None if None in both else True
            case ("or", left, right):
                both = {self.holds(left, one), self.holds(right, one)}
                return True if True in both else None if None in both else False
            case ("not", inner):
                found = self.holds(inner, one)
                return None if found is None else not found
            case ("any", way, inner):
                return any(self.holds(inner, o) is True for o in self.reached(one, way.steps))
            case ("count", _, _, -1):
                return True
            case ("count", way, sign, number):
                return bool(OPERATORS[sign](len(self.reached(one, way.steps)), number))
            case ("null", way):
                if way.name == "tag":
                    split = split_of(way.steps)
                    outer = self.reached(one, way.steps[:split])
                    return any(not self.values(o, Way(way.root, way.steps[split:], way.end, "tag")) for o in outer)
                found = [v is None for v in self.values(one, way)]
                return any(found)
            case ("linked", way, "none", _):
                last = len(way.steps) - (2 if way.steps[-1].only else 1)
                split = split_of(way.steps[:last])
                none = [not self.reached(o, way.steps[split:]) for o in self.reached(one, way.steps[:split])]
                return any(none)
            case ("linked", way, "some", _):
                return bool(self.reached(one, way.steps))
            case ("present", way):
                return any(v is not None for v in self.values(one, way))
            case ("linked", way, sign, numbers):
                chosen = chosen_for(way, numbers, self.objects)
                if sign == "isin":
                    return self.tested(one, way, lambda o: any(o is c for c in chosen), objects=True)
                wanted = chosen[0] if chosen else None
                return self.tested(one, way, lambda o: (o is wanted) == (sign == "=="), objects=True)
            case ("pair", way, sign, other):
                pairs = [(a, b) for a in self.values(one, way) for b in self.values(one, other)]
                found = [None if a is None or b is None else bool(OPERATORS[sign](a, b)) for a, b in pairs]
                return any(f is True for f in found) if way.many or other.many else found[0]
            case ("length", way, sign, number):
                return self.tested(one, way, lambda v: bool(OPERATORS[sign](len(v), number)))
            case (_, way, *_):
                return self.tested(one, way, plain(asked))
        raise AssertionError(asked)

    def tested(self, one: Any, way: Way, test: Callable[[Any], bool], *, objects: bool = False) -> bool | None:
        found = self.reached(one, way.steps) if objects else self.values(one, way)
        if way.many:
            return any(v is not None and test(v) for v in found)
        return None if not found or found[0] is None else test(found[0])


def split_of(steps: Sequence[Step]) -> int:
    """How far a path may lead to many objects; which of them only counts belongs to that."""
    split = max((i + 1 for i, s in enumerate(steps) if s.many), default=0)
    return split + 1 if split and split < len(steps) and steps[split].only else split


def plain(asked: Asked) -> Callable[[Any], bool]:
    def key(value: Any) -> Any:
        if isinstance(value, datetime):
            return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
        return value

    match asked:
        case ("compare", _, sign, constant):
            return lambda v: bool(OPERATORS[sign](key(v), key(constant)))
        case ("whole", _, sign, values):
            return lambda v: bool(OPERATORS[sign](list(v), list(values)))
        case ("in", _, values):
            return lambda v: any(key(v) == key(c) for c in values)
        case ("between", _, least, most):
            return lambda v: bool(key(least) <= key(v) <= key(most))
        case ("like", _, pattern):
            return lambda v: fnmatch.fnmatchcase(v, pattern)
        case ("matches", _, pattern):
            return lambda v: re.fullmatch(pattern, v) is not None
        case ("contains", _, value):
            return lambda v: value in v
        case ("flag", _):
            return lambda v: v is True
    raise AssertionError(asked)


# -- the test --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    return Mapper(engine, Context(Agent("person", "ada")))


@st.composite
def questions(draw: Any) -> list[tuple[type, Asked, list[tuple[Way, bool]], int, int]]:
    """Class, condition, order, and a page; some of every kind of condition."""
    found = []
    for kind in LEAVES * 2:
        root = draw(st.sampled_from(CLASSES))
        order = [
            (way, draw(st.booleans())) for way, _ in draw(st.lists(value_ways(root), max_size=2)) if orderable(way)
        ]
        one = draw(leaves(root, kind))
        match draw(st.integers(0, 5)):
            case 0:
                one = ("not", one)
            case 1:
                one = ("and", one, draw(conditions(root)))
            case 2:
                one = ("or", draw(conditions(root)), one)
        found.append((root, one, order, draw(st.integers(0, 3)), draw(st.integers(0, 4))))
    return found


def orderable(way: Way) -> bool:
    """One value, of which texts order in the same way on Python and Java, and NaN nowhere."""
    return not way.many and (way.element is not None or way.name not in ("words", "levels"))


def in_order(found: list[Any], world: World, order: Sequence[tuple[Way, bool]]) -> list[Any]:
    """Newest first, then by each key from the last to the first; what has none comes last."""
    found = sorted(found, key=lambda o: (o.created, o.object_id), reverse=True)
    for way, descending in reversed(order):

        def key(one: Any, way: Way = way) -> Any:
            value = world.values(one, way)[0]
            if isinstance(value, datetime):
                return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
            return value.name if isinstance(value, enum.Enum) else value

        there = sorted(
            (o for o in found if key(o) is not None), key=key, reverse=descending
        )  # equal ones stay in order
        found = [*there, *(o for o in found if key(o) is None)]
    return found


def test_selected_is_what_a_look_at_every_object_gives(mapper: Mapper, request: pytest.FixtureRequest) -> None:
    on_embedded = request.node.callspec.params["engine"] == "embedded"
    counts: dict[str, set[int]] = {}

    @settings(max_examples=40 if on_embedded else 2, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(graphs(), questions())
    def agrees(graph: list[dict[str, Any]], several: list[Any]) -> None:
        empty(mapper.engine)
        prepare(mapper.engine)
        objects = store(mapper, graph)
        world = World(graph, objects)
        for root, asked, order, first, most in several:
            expected = [o for o in objects if isinstance(o, root) and world.holds(asked, o) is True]
            expected = in_order(expected, world, order)
            query = select(mapper, root, written(asked, objects))
            if order:
                query = query.order_by(*(way.path() for way, _ in order), descending=[down for _, down in order])
            assert list(query) == expected, query
            assert query.count() == len(expected), query
            assert query.exists() == bool(expected), query
            page = query[first : first + most]
            assert list(page) == expected[first : first + most], page
            assert len(page) == len(expected[first : first + most]), page
            for kind in kinds_in(asked):
                counts.setdefault(kind, set()).add(len(expected))

    agrees()
    if not on_embedded:  # a server plans each for long, so few are drawn
        return
    assert len(set().union(*counts.values())) > 3
    for kind in (*LEAVES, "present", "and", "or", "not"):
        assert len(counts[kind]) > 1, f"{kind}: the conditions drawn do not decide anything"


def kinds_in(asked: Asked) -> set[str]:
    return {asked[0]}.union(*(kinds_in(part) for part in asked[1:] if isinstance(part, tuple)))


# -- by hand ---------------------------------------------------------------------------------------------------------------------


def put(mapper: Mapper, *objects: DBObject) -> None:
    batch = Batch()
    batch.add(*objects)
    mapper.write(batch)


def raw(
    mapper: Mapper, cls: str, object_id: str, links: Mapping[str, Sequence[str]] | None = None, **properties: Any
) -> None:
    """A node as an earlier version of a class left it."""
    statements.declare(cls, "DBObject")
    node = NodeRow(("Entity", "DBObject", cls), {
        "object_id": object_id, "identity": object_id, "version": 1, "class_name": cls, "class_version": 1, "repeat": 0,
        "created": keys.now(), "creator": mapper.context.agent.agent_id, "project": "default", **properties,
    })  # fmt: skip
    ends = [(role, i, to) for role, several in (links or {}).items() for i, to in enumerate(several)]
    edges = [
        EdgeRow(("Entity", object_id), ("Entity", to), "WAS_DERIVED_FROM", {"role": r, "index": i}) for r, i, to in ends
    ]
    mapper.engine.load([node], edges)


class AskedRenamed(DBObject, was="AskedBefore"):
    """Called differently once, and so was what it keeps."""

    exposure = persistent(float, default=None, index=True, was=("exptime", "texp"))
    band = persistent(str, default=None, index=True)
    words = persistent(list[str], default=None, was="tags")


class AskedUser(DBObject):
    of = link(AskedRenamed, optional=True)


def test_earlier_names_are_looked_up_too(mapper: Mapper) -> None:
    now = AskedRenamed(exposure=1.0, band="g", words=["a"])
    put(mapper, now, AskedUser(of=now))
    raw(mapper, "AskedBefore", "old", exptime=2.0, band="g", tags=["b"])
    raw(mapper, "AskedRenamed", "older", texp=3.0, band="r")
    raw(mapper, "AskedRenamed", "both", exposure=4.0, exptime=5.0)
    raw(mapper, "AskedUser", "user", {"of": ["old"]})

    def found(condition: Any) -> list[Any]:
        return sorted(getattr(o, "exposure", o.object_id) for o in select(mapper, condition))

    assert found(AskedRenamed) == [1.0, 2.0, 3.0, 4.0]
    assert found(AskedRenamed.band == "g") == [1.0, 2.0]
    assert found(AskedRenamed.exposure == 2) == [2.0]
    assert found(AskedRenamed.exposure.isin([1, 3, 9])) == [1.0, 3.0]
    assert found(AskedRenamed.exposure > 1.5) == [2.0, 3.0, 4.0]
    assert found(AskedRenamed.exposure == 5) == []  # the name of now comes first
    assert found(AskedRenamed.exposure.isnull()) == []
    assert found(AskedRenamed.words.contains("b")) == [2.0]
    assert found(AskedUser.of.exposure.between(1.5, 2.5)) == ["user"]
    assert found(AskedRenamed.inverse(AskedUser.of).count() == 0) == [3.0, 4.0]
    assert [o.exposure for o in select(mapper, AskedRenamed).order_by(AskedRenamed.exposure, descending=True)] == [
        4,
        3,
        2,
        1,
    ]
    assert {type(o) for o in select(mapper, AskedRenamed)} == {AskedRenamed}
    table = (
        select(mapper, AskedRenamed).order_by(AskedRenamed.exposure).table(AskedRenamed.exposure, AskedRenamed.words)
    )
    assert table["exposure"].tolist() == [1, 2, 3, 4]


def test_what_is_deleted_is_not_there(mapper: Mapper) -> None:
    one, other = AskedShot(band="g"), AskedShot(band="g")
    put(mapper, AskedStack(shots=[one]), AskedStack(shots=[one], best=other))
    stack = select(mapper, AskedStack.best == None).first()  # noqa: E711
    batch = Batch()
    batch.note(stack, "deleted", "true")
    batch.tombstones.append(stack)
    mapper.write(batch)
    assert len(list(select(mapper, AskedStack))) == select(mapper, AskedStack).count() == 1
    assert select(mapper, AskedStack.best.isnull()).exists() is False
    users = AskedShot.inverse(AskedStack.shots)
    assert select(mapper, users.count() == 1).first() is one
    assert not select(mapper, users.best.isnull(), users.count() > 0).exists()
    assert select(mapper, AskedShot).table(n=users.count())["n"].tolist() in ([0, 1], [1, 0])


def test_chains_end_also_where_they_go_round(mapper: Mapper) -> None:
    raw(mapper, "AskedShot", "a", band="g")
    raw(mapper, "AskedShot", "b", {"before": ["a"]}, band="r")
    raw(mapper, "AskedShot", "self", {"before": ["b"]}, band="i")
    turned = (
        "MATCH (a:Entity {object_id: 'self'})-[r:WAS_DERIVED_FROM]->() DELETE r",
        "MATCH (a:Entity {object_id: 'self'}) CREATE (a)-[:WAS_DERIVED_FROM {role: 'before', index: 0}]->(a)",
    )
    loop = Statement("loop", turned)
    mapper.engine.write(lambda run: run(loop))

    def found(condition: Any) -> set[str]:
        return {o.object_id for o in select(mapper, condition)}

    assert found(AskedShot.before.before.band == "i") == {"self"}
    assert found(AskedShot.before.before.before.before.band == "i") == {"self"}
    assert found(AskedShot.before.before.isnull()) == {"a", "b"}
    assert found(AskedShot.before == "self") == {"self"}
    assert found(AskedShot.inverse(AskedShot.before).inverse(AskedShot.before).band == "i") == {"self"}
    assert found(AskedShot.inverse(AskedShot.before).before.band == "g") == {"a"}
    path = far(30)
    assert found(path.band == "i") == {"self"}
    assert select(mapper, AskedShot.band == "i").table(path.band)[0][0] == "i"


def far(hops: int) -> Any:
    path: Any = AskedShot
    for _ in range(hops):
        path = path.before
    return path


def test_ordered_by_what_is_far_away(mapper: Mapper) -> None:
    for number in range(15):
        raw(
            mapper,
            "AskedShot",
            f"{number:02}",
            {"before": [f"{number - 1:02}"]} if number else {},
            band="zyx"[number % 3],
        )
    ordered = list(select(mapper, AskedShot).order_by(far(12).band))
    assert [o.object_id for o in ordered[:4]] == ["14", "13", "12", "11"]
    assert [o.object_id for o in select(mapper, AskedShot).order_by(far(3).before.band, descending=True)[:2]] == [
        "13",
        "10",
    ]


def test_names_of_any_letters(mapper: Mapper) -> None:
    put(mapper, AskedGreek(σ=1.5, order=3), AskedGreek(σ=2.5))
    assert [o.σ for o in select(mapper, AskedGreek.σ > 2)] == [2.5]
    assert [o.σ for o in select(mapper, AskedGreek.order == 3)] == [1.5]
    assert [o.σ for o in select(mapper, AskedGreek).order_by(AskedGreek.σ)] == [1.5, 2.5]


class AskedGreek(DBObject):
    σ = persistent(float, index=True)  # noqa: PLC2401
    order = persistent(int, default=None, index=True)  # a word of Cypher


def test_times_of_records_and_of_objects_are_compared(mapper: Mapper) -> None:
    put(
        mapper,
        AskedShot(band="old", when=datetime(2020, 1, 1, tzinfo=UTC)),
        AskedShot(band="new", when=datetime(2999, 1, 1)),
    )
    assert [o.band for o in select(mapper, AskedShot.created > AskedShot.when)] == ["old"]
    assert [o.band for o in select(mapper, AskedShot.when >= AskedShot.created)] == ["new"]
    assert select(mapper, AskedShot.created >= "2026", AskedShot.created < "2999").count() == 2


def test_units_of_two_properties(mapper: Mapper) -> None:
    top = AskedObservatory(height=2.0)  # km
    put(mapper, AskedShot(band="low", depth=1999.0, camera=AskedCamera(at=top)), AskedShot(band="high", depth=2001.0,
        camera=AskedCamera(at=top)))  # fmt: skip
    assert [o.band for o in select(mapper, AskedShot.depth > AskedShot.camera.at.height)] == ["high"]


@pytest.mark.parametrize("shell", [True, False])
def test_patterns_mean_on_engines_what_they_mean_in_python(mapper: Mapper, shell: bool) -> None:
    matched = Statement("matched", ("UNWIND $texts AS t RETURN t =~ $pattern AS fits",))
    for pattern in test_paths.SHELL if shell else test_paths.REGULAR:
        regex = patterns.from_shell(pattern)[0] if shell else patterns.java_regex(pattern)
        found = [r["fits"] for r in mapper.engine.read(matched, texts=test_paths.TEXTS, pattern=regex)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits = [
                fnmatch.fnmatchcase(t, pattern) if shell else re.fullmatch(pattern, t) is not None
                for t in test_paths.TEXTS
            ]
        assert found == fits, (pattern, regex)


def test_a_search_starts_where_the_fewest_are_found(mapper: Mapper) -> None:
    shots = [AskedShot(band="g", number=i, camera=AskedCamera(gain=float(i))) for i in range(40)]
    put(mapper, *shots)
    few = (AskedShot.band == "g") & (AskedShot.camera.gain > 37.5)
    query = select(mapper, few)
    assert {o.number for o in query} == {38, 39}
    start = query._start()
    assert start is not None
    assert start.indexes == (("AskedCamera", "gain"),)
    assert select(mapper, AskedShot.band == "g", AskedShot.number == 7)._start().indexes == (("AskedShot", "number"),)  # type: ignore[union-attr]


def test_what_a_policy_hides_does_not_count(mapper: Mapper) -> None:
    class Odd(AllowAll):
        def visible(self, context: Any, rows: Any) -> Any:
            return [r for r in rows if r.get("number", 1) % 2]

    put(mapper, *(AskedShot(number=i, before=AskedShot(number=2 * i)) for i in range(20, 30)))
    hiding = Mapper(mapper.engine, Context(), policy=Odd())
    query = select(hiding, AskedShot.number.between(20, 29)).order_by(AskedShot.number)
    assert [o.number for o in query] == [21, 23, 25, 27, 29]
    assert (len(query), query.count(), query[1].number, query[-1].number) == (5, 5, 23, 29)
    assert [o.number for o in query[1:3]] == [23, 25]
    assert len(query[1:3]) == query[1:3].count() == 2
    assert len(query[4:9]) == 1
    assert query.first().number == 21
    assert query.table(AskedShot.number)["number"].tolist() == [21, 23, 25, 27, 29]
    assert query.limit(2).table(AskedShot.number)["number"].tolist() == [21, 23]
    hidden = select(hiding, AskedShot.number == 22)
    assert (hidden.exists(), hidden.first(), hidden.count(), list(hidden)) == (False, None, 0, [])
    assert query.table(AskedShot.before.number)["before.number"].mask.all()  # a link to what is hidden
