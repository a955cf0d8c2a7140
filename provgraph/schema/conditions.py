"""Conditions: what is true of some objects of a class, as data.

A comparison with a value that is missing (None, NaN, a link to nothing) is neither true nor false: neither it nor its ``~``
selects the object. A path through a list of links, or backwards through `inverse`, has many values: a condition on it is true
when it is true of one of them, and ``~`` of it when it is true of none of them. Each condition asks on its own; `Path.any` asks
for one object that several conditions are true of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from provgraph.errors import InvalidInput, a
from provgraph.schema.meta import DBObjectMeta, registry

if TYPE_CHECKING:
    from provgraph.schema.paths import Path, Term

Operator = Literal["=", "<>", "<", "<=", ">", ">="]
OPPOSITE: Final[dict[str, Operator]] = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Comparable(ABC):
    """What becomes a condition when it is compared."""

    __slots__ = ()

    @property
    @abstractmethod
    def _path(self) -> Path:
        """The path that is compared, or along which is counted."""

    @abstractmethod
    def _compared(self, operator: Operator, other: Any) -> Condition:
        """Itself and something else."""

    @abstractmethod
    def _true(self) -> Condition:
        """Itself, where it is True or False."""

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("=", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compared("<>", other)

    def __lt__(self, other: Any) -> Condition:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Condition:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Condition:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Condition:
        return self._compared(">=", other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise no_truth(repr(self))


class Condition(ABC):
    """What is true of some objects of a class; joined by ``&``, ``|`` and ``~``, and asked with ``survey.select``."""

    root: DBObjectMeta

    def __and__(self, other: Any) -> Condition:
        return _joined(self, as_condition(other, "&"), All)

    def __or__(self, other: Any) -> Condition:
        return _joined(self, as_condition(other, "|"), AnyOf)

    def __rand__(self, other: Any) -> Condition:
        return as_condition(other, "&") & self

    def __ror__(self, other: Any) -> Condition:
        return as_condition(other, "|") | self

    @abstractmethod
    def __invert__(self) -> Condition:
        """Its opposite, which is not true of what it says nothing about."""

    def __bool__(self) -> bool:
        raise no_truth(repr(self))


@dataclass(frozen=True, eq=False, repr=False)
class All(Condition):
    """Every part is true."""

    parts: tuple[Condition, ...]
    root: DBObjectMeta

    def __invert__(self) -> Condition:
        return AnyOf(tuple(~part for part in self.parts), self.root)

    def __repr__(self) -> str:
        return " & ".join(f"({part!r})" for part in self.parts)


@dataclass(frozen=True, eq=False, repr=False)
class AnyOf(Condition):
    """At least one part is true."""

    parts: tuple[Condition, ...]
    root: DBObjectMeta

    def __invert__(self) -> Condition:
        return All(tuple(~part for part in self.parts), self.root)

    def __repr__(self) -> str:
        return " | ".join(f"({part!r})" for part in self.parts)


@dataclass(frozen=True, eq=False, repr=False)
class Leaf(Condition):
    """A condition on what is at the end of a path; opposite : its ``~`` is meant. shown : as it was written."""

    term: Term
    opposite: bool = field(default=False, kw_only=True)
    shown: str = field(default="", kw_only=True)

    @property
    def path(self) -> Path:
        return self.term._path

    @property
    def root(self) -> DBObjectMeta:  # type: ignore[override]
        return self.path._root

    def __invert__(self) -> Condition:
        return replace(self, opposite=not self.opposite)

    def __repr__(self) -> str:
        return f"~({self.shown})" if self.opposite else self.shown


@dataclass(frozen=True, eq=False, repr=False)
class Range(Leaf):
    """A value for which all comparisons are true, each an operator and what is stored."""

    bounds: tuple[tuple[Operator, Any], ...]


@dataclass(frozen=True, eq=False, repr=False)
class In(Leaf):
    """A value that is one of these, as they are stored."""

    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Match(Leaf):
    """Text that a regular expression matches, which begins with `beginning`."""

    regex: str
    beginning: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Contains(Leaf):
    """A list with this value in it; None : with one that it cannot have."""

    value: Any


@dataclass(frozen=True, eq=False, repr=False)
class Whole(Leaf):
    """A list that is, or is not, this one."""

    operator: Operator
    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Missing(Leaf):
    """Nothing is there."""


@dataclass(frozen=True, eq=False, repr=False)
class Present(Leaf):
    """Something is there."""


@dataclass(frozen=True, eq=False, repr=False)
class Linked(Leaf):
    """An object of one of these ids; unlike : of another one."""

    ids: tuple[str, ...]
    unlike: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Some(Leaf):
    """One object at the end of the path of which a condition is true."""

    condition: Condition


@dataclass(frozen=True, eq=False, repr=False)
class Pair(Leaf):
    """Two values of one object, compared; factor : from the unit of the right one to that of the left."""

    operator: Operator
    right: Term
    factor: float | None = None

    @property
    def root(self) -> DBObjectMeta:  # type: ignore[override]
        return narrower(self.path._root, self.right._path._root)


def as_condition(asked: Any, where: str) -> Condition:
    """A condition, also a path to what is True or False."""
    if isinstance(asked, Condition):
        return asked
    if isinstance(asked, Comparable):
        return asked._true()
    hint = "put parentheses around each comparison: (A.x == 1) & (A.y > 2)"
    if isinstance(asked, bool):
        hint = "a property that is called like a method of paths is compared as path['count'] == 3"
    raise InvalidInput(f"{where} takes conditions, not {brief(asked)}; {hint}.", code="not_a_condition")


def _joined(left: Condition, right: Condition, kind: type[All] | type[AnyOf]) -> Condition:
    one, other = left.root, right.root
    if not related(one, other):
        raise unrelated(f"{left!r} and {right!r}", one, other)
    root = narrower(one, other) if kind is All else common(one, other)
    parts = [part for c in (left, right) for part in (c.parts if isinstance(c, kind) else (c,))]  # type: ignore[attr-defined]
    return kind(tuple(parts), root)  # type: ignore[arg-type]


def narrowed(cls: DBObjectMeta, by: Condition | DBObjectMeta) -> DBObjectMeta:
    """The class whose objects are asked for by a condition, or another class, among the objects of `cls`."""
    other = by.root if isinstance(by, Condition) else by
    if not (related(cls, other) if isinstance(by, Condition) else other in cls.__mro__ or cls in other.__mro__):
        raise unrelated(f"{by if isinstance(by, Condition) else by.__name__} and {cls.__name__}", other, cls)
    return narrower(cls, other)


def unrelated(what: str, one: DBObjectMeta, other: DBObjectMeta) -> InvalidInput:
    return InvalidInput(
        f"{what} cannot be about the same object: nothing is both {a(one.__name__)} and {a(other.__name__)}; go on from one of "
        "them by its links, or by .inverse(...).", code="unrelated_classes",
    )  # fmt: skip


def narrower(one: DBObjectMeta, other: DBObjectMeta) -> DBObjectMeta:
    return other if issubclass(other, one) else one


def common(one: DBObjectMeta, other: DBObjectMeta) -> DBObjectMeta:
    """The most special class that both are made from."""
    return next(c for c in one.__mro__ if isinstance(c, DBObjectMeta) and c in other.__mro__)


def related(one: DBObjectMeta, other: DBObjectMeta) -> bool:
    """Whether an object can be of both classes."""
    if issubclass(one, other) or issubclass(other, one):
        return True
    return any(one in c.__mro__ and other in c.__mro__ for c in list(registry.values()))


def brief(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) < 60 else f"{shown[:57]}..."


def no_truth(shown: str) -> InvalidInput:
    return InvalidInput(
        f"{shown} is asked of the survey, it is not true or false here: write & for and, | for or, ~ for not, with parentheses "
        "around each comparison; a <= x <= b is x.between(a, b).", code="condition_truth",
    )  # fmt: skip
