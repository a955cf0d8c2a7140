"""Paths: ``ReducedFrame.raw.filter == "g"`` as data, checked when it is written; the graph is asked elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NoReturn

from provgraph.errors import InvalidInput, UnitMismatch, UnknownProperty, a, nearest
from provgraph.schema.conditions import (
    Comparable,
    Condition,
    Contains,
    In,
    Linked,
    Match,
    Missing,
    Operator,
    Pair,
    Present,
    Range,
    Some,
    Whole,
    as_condition,
    brief,
    related,
    unrelated,
)  # fmt: skip
from provgraph.schema.kinds import kind_of
from provgraph.schema.meta import DBObjectMeta, registry
from provgraph.schema.patterns import from_shell, java_regex
from provgraph.schema.properties import Link, Persistent
from provgraph.schema.steps import MOMENT, OF_ALL, TAG, Hop, Value, a_kind, identifier, index_of, read_time

_SPELLED: Final = {"=": "==", "<>": "!="}
_LARGEST: Final = 2**63 - 1  # of the integers that a graph keeps


class Path(Comparable):
    """Where a value or an object stands, seen from the objects of a class: ``Coadd.frames[0].raw.filter``.

    An attribute goes on to a property of the object that the path leads to, also to one that only subclasses of its class have;
    ``path["count"]`` to one that is called like a method of paths. ``path[2]`` is one object of a list of links, or one value of
    a list.

    Compared with ``== != < <= > >=`` to a value, a quantity, None or another path, it becomes a condition; paths to objects are
    compared with objects, ids or None. Conditions are joined by ``&``, ``|`` and ``~``, with parentheses around each comparison.

    Raises
    ------
    UnknownProperty : with the nearest names. InvalidInput : ``wrong_type`` for a value of another kind.
    """

    __slots__ = ("_classes", "_hops", "_root", "_shown", "_value")
    __array_ufunc__ = None  # so that numpy and quantities leave comparisons to us

    _root: DBObjectMeta
    _classes: tuple[DBObjectMeta, ...]
    _hops: tuple[Hop, ...]
    _value: Value | None
    _shown: str

    def __init__(self, root: DBObjectMeta, classes: tuple[DBObjectMeta, ...], hops: tuple[Hop, ...] = (),
                 value: Value | None = None, shown: str = "") -> None:  # fmt: skip
        for name, given in (("_root", root), ("_classes", classes), ("_hops", hops), ("_value", value)):
            object.__setattr__(self, name, given)
        object.__setattr__(self, "_shown", shown or root.__name__)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise InvalidInput(f"{self._shown} is a path to ask about; nothing is set through it.", code="usage")

    # -- going on --------------------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Path:
        if name.startswith("_"):  # no property begins so
            raise AttributeError(name)
        return self._to(name)

    def __getitem__(self, key: str | int) -> Path:
        if isinstance(key, str):
            return self._to(key)
        if isinstance(key, bool) or not isinstance(key, int):
            raise InvalidInput(
                f"{self._shown}[...] takes the place of one element, such as [0], not {key!r}.", code="usage"
            )
        shown = f"{self._shown}[{key}]"
        if self._value is not None:
            if not self._value.is_list or self._value.element is not None:
                raise InvalidInput(f"{self._shown} is one value, not a list; leave [{key}] out.", code="wrong_type")
            return Path(self._root, self._classes, self._hops, replace(self._value, element=key), shown)
        last = self._hops[-1] if self._hops else None
        if last is None or not last.many or last.inverse or last.index is not None:
            raise InvalidInput(f"{self._shown} is no list of links; leave [{key}] out.", code="wrong_type")
        if key < 0:
            raise InvalidInput(f"Links are counted from the front: {self._shown}[0] is the first.", code="usage")
        hop = replace(last, many=False, index=key)
        return Path(self._root, self._classes, (*self._hops[:-1], hop), shown=shown)

    def inverse(self, link: Path) -> Path:
        """The objects that have an object of this path as `link`: ``RawFrame.inverse(ReducedFrame.raw).zeropoint > 24``."""
        if (
            not isinstance(link, Path)
            or link._value is not None
            or len(link._hops) != 1
            or link._hops[0].index is not None
        ):
            raise InvalidInput(
                f"{self._shown}.inverse(...) takes a link of a class, such as inverse(ReducedFrame.raw), not {link!r}.",
                code="wrong_type",
            )
        if self._value is not None:
            raise InvalidInput(f"{self._shown} is a value, which nothing links to.", code="wrong_type")
        if not any(related(one, target) for one in self._classes for target in link._classes):
            raise InvalidInput(
                f"{link} leads to {_either(link._classes)}, so no {_either(self._classes)} is linked by it.",
                code="unrelated_classes",
            )
        hop = Hop(link._hops[0].role, inverse=True, many=True, classes=(link._root,))
        return Path(self._root, (link._root,), (*self._hops, hop), shown=f"{self._shown}.inverse({link})")

    def of(self, cls: Any) -> Path:
        """Only the objects of a subclass: ``Coadd.frames.of(WideFieldFrame).chip == 3``."""
        if self._value is not None or not self._hops:
            raise InvalidInput(
                f"{self._shown} does not lead to other objects, so not to some of them.", code="wrong_type"
            )
        if not isinstance(cls, DBObjectMeta) or not any(related(cls, one) for one in self._classes):
            shown = cls.__name__ if isinstance(cls, type) else repr(cls)
            raise InvalidInput(
                f"{self._shown} leads to {_either(self._classes)}, never to {shown}.", code="unrelated_classes"
            )
        last = replace(self._hops[-1], classes=(*self._hops[-1].classes, cls))
        return Path(self._root, (cls,), (*self._hops[:-1], last), shown=f"{self._shown}.of({cls.__name__})")

    def _to(self, name: str) -> Path:
        shown = f"{self._shown}.{name}"
        if self._value is not None:
            raise UnknownProperty(f"{self._shown} is {a_kind(self._value)}, it has no property {name!r}.")
        found = self._declared(name)
        links = [one for one in found if isinstance(one[1], Link)]
        if links and len(links) == len(found):
            return self._along(name, [(c, one) for c, one in found if isinstance(one, Link)], shown)
        if links:
            raise self._ambiguous(name, found)
        if found:
            value = self._described(name, [(c, one) for c, one in found if isinstance(one, Persistent)])
            return Path(self._root, self._classes, self._hops, value, shown)
        if name in OF_ALL:
            value = OF_ALL[name]
            if name == TAG:
                hops = (*self._hops, Hop("", many=True))
                return Path(self._root, (), hops, replace(value, keys=("value",), brought=""), shown)
            if name in ("name", "description") and any(_says(one, name) for one in _subclasses(self._classes)):
                value = replace(value, keys=(name,))
            return Path(self._root, self._classes, self._hops, value, shown)
        raise self._unknown(name)

    def _declared(self, name: str) -> list[tuple[DBObjectMeta, Persistent[Any] | Link[Any]]]:
        """The declarations that a name can mean here, each with the class it was found in."""
        found: list[tuple[DBObjectMeta, Persistent[Any] | Link[Any]]] = []
        for cls in self._classes:
            declared = cls.persistents.get(name) or cls.links.get(name)
            if declared is not None:
                found.append((cls, declared))
        if found or not self._hops or (name in OF_ALL):
            return found
        for cls in _subclasses(self._classes):
            declared = cls.persistents.get(name) or cls.links.get(name)
            if declared is not None and all(declared is not one for _, one in found):
                found.append((cls, declared))
        return found

    def _described(self, name: str, found: list[tuple[DBObjectMeta, Persistent[Any]]]) -> Value:
        first = found[0][1]
        if len({(one.kind.name, one.kind.stored, one.is_list, one.unit) for _, one in found}) > 1:
            raise self._ambiguous(name, found)
        keys = dict.fromkeys(key for _, one in found for key in (name, *one.was))
        indexes: dict[tuple[str, str], None] = {}
        if all(one.index and not one.is_list for _, one in found):
            indexes = dict.fromkeys(at for cls, one in found for at in index_of(cls, name, one))
        kind = first.kind
        if first.type is datetime:
            kind = replace(kind, take=lambda v: MOMENT.take(read_time(v) if isinstance(v, str) else v))
        return Value(
            name, kind, tuple(keys), first.is_list, unit=first.unit, doc=first.__doc__ or "", indexes=tuple(indexes)
        )

    def _along(self, name: str, found: list[tuple[DBObjectMeta, Link[Any]]], shown: str) -> Path:
        roles = {one.role for _, one in found}
        if len(roles) > 1:
            raise self._ambiguous(name, found)
        classes = dict.fromkeys(_target(one) for _, one in found)
        hop = Hop(roles.pop(), many=any(one.is_list for _, one in found))
        return Path(self._root, tuple(classes), (*self._hops, hop), shown=shown)

    def _ambiguous(self, name: str, found: Sequence[tuple[DBObjectMeta, Any]]) -> InvalidInput:
        owners = [cls.__name__ for cls, _ in found]
        return InvalidInput(
            f"{self._shown}.{name} means different things in {', '.join(owners)}; say which, {self._shown}.of({owners[0]}).{name}.",
            code="ambiguous_property",
        )

    def _unknown(self, name: str) -> UnknownProperty:
        classes = _either(self._classes)
        owners = sorted(c.__name__ for c in _subclasses(self._classes) if name in c.persistents or name in c.links)
        if owners:
            hint = f"{', '.join(owners[:3])} {'has' if len(owners) == 1 else 'have'} it, begin with that class."
        else:
            hint = nearest(name, self._names(), most=40)
        return UnknownProperty(f"{classes} has no property {name!r}; {hint}", name=name)

    def _names(self) -> list[str]:
        classes = [*self._classes, *(_subclasses(self._classes) if self._hops else ())]
        return list(dict.fromkeys([*(n for c in classes for n in (*c.persistents, *c.links)), *OF_ALL]))

    # -- conditions ------------------------------------------------------------------------------------------------------------

    def isin(self, values: Iterable[Any]) -> Condition:
        """One of these values, or objects or ids where the path leads to objects; of none there are, nothing is."""
        if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
            raise InvalidInput(f"{self._shown}.isin(...) takes a list of values, not {values!r}.", code="wrong_type")
        listed = list(values)
        shown = f"{self._shown}.isin({listed!r})"
        if self._value is None:
            return Linked(self, tuple(dict.fromkeys(self._id(v) for v in listed)), shown=shown)
        self._one_value("isin")
        found = (self._equal(v, f"{self._shown}.isin([...])") for v in listed)
        return In(self, tuple(dict.fromkeys(v for v in found if v is not None)), shown=shown)

    def between(self, least: Any, most: Any) -> Condition:
        """From `least` to `most`, both included."""
        self._ordered("between")
        shown = f"{self._shown}.between({least!r}, {most!r})"
        bounds = (*self._bound(">=", least), *self._bound("<=", most))
        return Range(self, bounds, shown=shown)

    def like(self, pattern: str) -> Condition:
        """Text that fits wildcards, ``NGC*``: ``*`` anything, ``?`` one character, ``[abc]`` one of these; case counts."""
        self._text("like", pattern)
        regex, beginning, plain = from_shell(pattern)
        shown = f"{self._shown}.like({pattern!r})"
        if plain:
            return In(self, (beginning,), shown=shown)
        return Match(self, regex, beginning, shown=shown)

    def matches(self, pattern: str) -> Condition:
        """Text that a regular expression of Python matches from its beginning to its end."""
        self._text("matches", pattern)
        return Match(self, java_regex(pattern), shown=f"{self._shown}.matches({pattern!r})")

    def contains(self, value: Any) -> Condition:
        """A list, of values or of links, that this is in."""
        shown = f"{self._shown}.contains({value!r})"
        if self._value is None:
            if not self._hops or not self._hops[-1].many:
                raise InvalidInput(f"{self._shown} is one object, not a list; compare it with ==.", code="wrong_type")
            return Linked(self, (self._id(value),), shown=shown)
        if not self._value.is_list or self._value.element is not None:
            if self._value.name == TAG:
                return In(self, (self._encoded(value),), shown=shown)
            hint = (
                f"; for a part of a text write {self._shown}.like('*part*')" if self._value.kind.stored is str else ""
            )
            raise InvalidInput(f"{self._shown} is {a_kind(self._value)}, not a list{hint}.", code="wrong_type")
        return Contains(self, self._equal(value, shown), shown=shown)

    def isnull(self) -> Condition:
        """Where there is no value: none was given, it is NaN, or the path ends at a link to nothing."""
        return Missing(self, shown=f"{self._shown}.isnull()")

    def any(self, condition: Any) -> Condition:
        """One object at the end of which a condition is true: ``Coadd.frames.any((Frame.filter == "g") & (Frame.chip < 3))``."""
        asked = as_condition(condition, f"{self._shown}.any")
        if self._value is not None or not any(h.many for h in self._hops):
            raise InvalidInput(
                f"{self._shown} does not lead to several objects; write conditions on its own properties, joined by &.",
                code="wrong_type",
            )
        if not any(related(asked.root, one) for one in self._classes):
            raise InvalidInput(
                f"{self._shown} leads to {_either(self._classes)}, and {asked} is about {asked.root.__name__}.",
                code="unrelated_classes",
            )
        return Some(self, asked, shown=f"{self._shown}.any({asked})")

    def count(self) -> Count:
        """How many objects, or values of a list, there are: ``Coadd.frames.count() >= 3``; one that stands twice counts twice."""
        if (
            self._value is not None
            and not (self._value.is_list and self._value.element is None)
            and self._value.name != TAG
        ):
            raise InvalidInput(f"{self._shown} is one value, there is nothing to count.", code="wrong_type")
        return Count(self)

    # -- what is compared ------------------------------------------------------------------------------------------------------

    @property
    def _path(self) -> Path:
        return self

    def _compared(self, operator: Operator, other: Any) -> Condition:
        shown = f"{self._shown} {_SPELLED.get(operator, operator)} {other!r}"
        if isinstance(other, Path | Count):
            return pair(self, operator, other, shown)
        if other is None:
            if operator not in ("=", "<>"):
                raise InvalidInput(f"{shown}: None is no value, so nothing is before or after it.", code="wrong_type")
            return Missing(self, shown=shown) if operator == "=" else Present(self, shown=shown)
        if self._value is None:
            if operator not in ("=", "<>"):
                raise InvalidInput(
                    f"{self._shown} is an object, these have no order; compare with == or !=.", code="wrong_type"
                )
            if isinstance(other, list | tuple | set):
                raise InvalidInput(
                    f"{self._shown} is compared with one object; write .isin([...]) for one of several.",
                    code="wrong_type",
                )
            return Linked(self, (self._id(other),), unlike=operator == "<>", shown=shown)
        if self._value.is_list and self._value.element is None:
            return self._listed(operator, other, shown)
        if operator in ("=", "<>"):
            value = self._equal(other, shown)
            if value is None:  # an integer never is 2.5
                return In(self, (), shown=shown) if operator == "=" else Range(self, (("<=", _LARGEST),), shown=shown)
            return Range(self, ((operator, value),), shown=shown)
        self._ordered(_SPELLED.get(operator, operator))
        return Range(self, self._bound(operator, other), shown=shown)

    def _listed(self, operator: Operator, other: Any, shown: str) -> Condition:
        assert self._value is not None
        if operator not in ("=", "<>") or isinstance(other, str | bytes) or not hasattr(other, "__iter__"):
            raise InvalidInput(
                f"{self._shown} is a list: .contains(x) asks what is in it, == [...] for the whole list, {self._shown}[0] for an "
                "element.", code="wrong_type",
            )  # fmt: skip
        values = [self._encoded(v) for v in other]
        return Whole(self, operator, tuple(values), shown=shown)

    def _one_value(self, what: str) -> Value:
        value = self._value
        if value is None:
            raise InvalidInput(
                f"{self._shown} leads to objects, not to a value; {what} asks for a property.", code="wrong_type"
            )
        if value.is_list and value.element is None:
            raise InvalidInput(
                f"{self._shown} is a list; .contains(x) asks what is in it, {self._shown}[0] is an element.",
                code="wrong_type",
            )
        return value

    def _ordered(self, what: str) -> None:
        value = self._one_value(what)
        if value.kind.stored in (int, float) or value.kind.name in _ORDERED:
            return
        raise InvalidInput(
            f"{self._shown} is {a_kind(value)}, which has no order; compare with == or .isin([...]).",
            code="wrong_type",
        )

    def _text(self, what: str, pattern: Any) -> None:
        value = self._one_value(what)
        if value.kind.stored is not str:
            raise InvalidInput(
                f"{self._shown} is {a_kind(value)}, not text; .{what}() asks about text.", code="wrong_type"
            )
        if not isinstance(pattern, str):
            raise InvalidInput(f"{self._shown}.{what}(...) takes text, not {pattern!r}.", code="wrong_type")

    def _encoded(self, value: Any) -> Any:
        """A value as it is stored."""
        assert self._value is not None
        kind = self._value.kind
        if kind.name == "int":
            number = self._number(value)
            value = int(number) if isinstance(number, float) and number.is_integer() else value
        try:
            stored = kind.encode(kind.take(value))
        except (TypeError, ValueError, OverflowError) as error:
            wanted = str(error) if not isinstance(error, OverflowError) else f"{a(kind.name)} that can be stored"
            wanted = f"a quantity {wanted}" if wanted.startswith("convertible") else wanted
            raise InvalidInput(
                f"{self._shown} is compared with {wanted}, not with {brief(value)}.", code="wrong_type"
            ) from None
        if isinstance(stored, float) and math.isnan(stored):
            raise InvalidInput(
                f"Nothing is equal to NaN, before or after it; write {self._shown}.isnull() for what has no value.",
                code="wrong_type",
            )
        return stored

    def _equal(self, value: Any, shown: str) -> Any:
        """As stored; None for a number that no integer is."""
        if value is None:
            raise InvalidInput(f"{shown}: None is no value; {self._shown}.isnull() asks for that.", code="wrong_type")
        number = self._fraction(value)
        return self._encoded(value) if number is None else None

    def _bound(self, operator: Operator, value: Any) -> tuple[tuple[Operator, Any], ...]:
        """Operator and stored value; of an integer the next one inside, and none where any integer will do."""
        number = self._fraction(value)
        if number is None:
            return ((operator, self._encoded(value)),)
        up = operator in (">", ">=")
        if not math.isfinite(number) or abs(number) >= 2.0**63:
            none = (number > 0) == up
            return (("<", -_LARGEST - 1),) if none else (("<=", _LARGEST),)
        return ((">=", math.ceil(number)),) if up else (("<=", math.floor(number)),)

    def _fraction(self, value: Any) -> float | None:
        """A number beside integers that is none of them."""
        assert self._value is not None
        if self._value.kind.stored is not int or self._value.kind.name != "int":
            return None
        plain = self._number(value)
        if not isinstance(plain, float) or math.isnan(plain):
            return None
        return plain if not plain.is_integer() or abs(plain) >= 2.0**63 else None

    def _number(self, value: Any) -> Any:
        """A numpy scalar, or a quantity in the unit of the property, as Python has it; anything else as it is."""
        assert self._value is not None
        if hasattr(value, "to_value") and self._value.unit not in ("", "?"):
            try:
                return float(value.to_value(self._value.unit))
            except (TypeError, ValueError):
                return value
        return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value

    def _id(self, other: Any) -> str:
        """The id of an object that this path may lead to."""
        cls: Any = type(other)
        if isinstance(cls, DBObjectMeta):
            if not any(related(cls, one) for one in self._classes):
                raise InvalidInput(
                    f"{self._shown} leads to {_either(self._classes)}, so it never is {a(cls.__name__)}.",
                    code="wrong_type",
                )
            if not other.is_stored:
                raise InvalidInput(
                    f"This {cls.__name__} is not stored, so nothing in the survey is linked to it; survey.store(it) first.",
                    code="not_stored",
                )
            return str(other.object_id)
        if isinstance(other, str) and other:
            return identifier(other)
        raise InvalidInput(
            f"{self._shown} leads to {_either(self._classes)}: compare it with an object, an id or None, not with {brief(other)}.",
            code="wrong_type",
        )

    # -- as a condition of its own, and what it is not -----------------------------------------------------------------------

    def _true(self) -> Condition:
        """Of a property that is True or False, the path alone is a condition."""
        if (
            self._value is None
            or self._value.kind.stored is not bool
            or (self._value.is_list and self._value.element is None)
        ):
            raise InvalidInput(
                f"{self._shown} is {'an object' if self._value is None else a_kind(self._value)}, no condition; compare it, with "
                "parentheses around each comparison: (A.x == 1) & (A.y > 2).", code="not_a_condition",
            )  # fmt: skip
        return Range(self, (("=", True),), shown=self._shown)

    def __and__(self, other: Any) -> Condition:
        return self._true() & other

    def __or__(self, other: Any) -> Condition:
        return self._true() | other

    def __rand__(self, other: Any) -> Condition:
        return as_condition(other, "&") & self._true()

    def __ror__(self, other: Any) -> Condition:
        return as_condition(other, "|") | self._true()

    def __invert__(self) -> Condition:
        return ~self._true()

    def __contains__(self, other: object) -> bool:
        raise InvalidInput(
            f"Write {self._shown}.contains({other!r}) or .isin([...]) instead of 'in'.", code="condition_truth"
        )

    def __iter__(self) -> NoReturn:
        raise InvalidInput(f"{self._shown} is a path to ask about; survey.select(...) gives objects.", code="usage")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise InvalidInput(f"{self._shown} is a property, it is not called.", code="usage")

    def __dir__(self) -> list[str]:
        methods = [name for name in dir(type(self)) if not name.startswith("_")]
        return [*methods, *(self._names() if self._value is None else ())]

    def __repr__(self) -> str:
        return self._shown


_ORDERED: Final = frozenset({"str", "datetime", "Path", "UUID", "id"})


@dataclass(frozen=True, eq=False)
class Count(Comparable):
    """How many objects a path leads to, or values a list has; compared with numbers, paths and other counts."""

    path: Path

    @property
    def _path(self) -> Path:
        return self.path

    def _compared(self, operator: Operator, other: Any) -> Condition:
        shown = f"{self} {_SPELLED.get(operator, operator)} {other!r}"
        if isinstance(other, Path | Count):
            return pair(self, operator, other, shown)
        value = other.item() if hasattr(other, "item") and getattr(other, "shape", None) == () else other
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise InvalidInput(f"{self} is compared with a number, not with {brief(other)}.", code="wrong_type")
        return Range(self, ((operator, value),), shown=shown)

    def between(self, least: int, most: int) -> Condition:
        """From `least` to `most`, both included."""
        return (self >= least) & (self <= most)

    def _true(self) -> Condition:
        raise InvalidInput(f"{self} is a number, no condition; compare it: {self} > 0.", code="not_a_condition")

    def __repr__(self) -> str:
        return f"{self.path}.count()"


Term = Path | Count


def of_class(cls: DBObjectMeta, name: str) -> Path:
    """What ``Class.name`` gives, for a property or what every object has."""
    return Path(cls, (cls,))._to(name)


def properties(cls: DBObjectMeta) -> list[Path]:
    """Paths to the descriptors of a class, in order of declaration."""
    return [of_class(cls, name) for name in cls.persistents]


def pair(left: Term, operator: Operator, right: Term, shown: str) -> Condition:
    """Two terms compared; refused where they can never be."""
    ends = [_end(left), _end(right)]
    paths = [t._path for t in (left, right)]
    root, other_root = (p._root for p in paths)
    if root not in other_root.__mro__ and other_root not in root.__mro__:
        raise unrelated(shown, root, other_root)
    values = [end for end in ends if isinstance(end, Value)]
    if not values:
        if operator not in ("=", "<>"):
            raise InvalidInput(f"{shown}: objects have no order; compare them with == or !=.", code="wrong_type")
        if not any(related(one, other) for one in paths[0]._classes for other in paths[1]._classes):
            raise InvalidInput(
                f"{shown}: {_either(paths[0]._classes)} and {_either(paths[1]._classes)} never are the same object.",
                code="unrelated_classes",
            )
        return Pair(left, operator, right, shown=shown)
    if len(values) == 1:
        raise InvalidInput(f"{shown} compares an object with a value.", code="wrong_type")
    if any(v.is_list and v.element is None for v in values):
        raise InvalidInput(f"{shown} compares lists; compare their elements or their .count().", code="wrong_type")
    one, other = values
    if {one.kind.stored, other.kind.stored} <= {int, float}:
        return Pair(left, operator, right, _factor(one.unit, other.unit, shown), shown=shown)
    if one.kind.name != other.kind.name and not {one.kind.name, other.kind.name} <= {"str", "id"}:
        raise InvalidInput(f"{shown} compares {a_kind(one)} with {a_kind(other)}.", code="wrong_type")
    if operator not in ("=", "<>") and one.kind.name not in _ORDERED:
        raise InvalidInput(f"{shown}: {a_kind(one)} has no order; compare with == or !=.", code="wrong_type")
    return Pair(left, operator, right, shown=shown)


_NUMBER_OF: Final = Value("count", kind_of(int))


def _end(term: Term) -> Value | None:
    return _NUMBER_OF if isinstance(term, Count) else term._value


def _factor(one: str, other: str, shown: str) -> float | None:
    """By what a value in the unit `other` is multiplied to be one in the unit `one`; None where they are the same."""
    if one == other:
        return None
    from astropy.units import Unit, UnitConversionError

    try:
        return float(Unit(other).to(Unit(one)))
    except (UnitConversionError, ValueError, TypeError):
        raise UnitMismatch(
            f"{shown} compares [{one or 'no unit'}] with [{other or 'no unit'}].", code="unit_mismatch"
        ) from None


def _subclasses(classes: Iterable[DBObjectMeta]) -> list[DBObjectMeta]:
    wanted = tuple(classes)
    return [c for c in list(registry.values()) if c not in wanted and any(one in c.__mro__ for one in wanted)]


def _says(cls: DBObjectMeta, name: str) -> bool:
    declared = cls.persistents.get(name)
    return declared is not None and declared.type is str and not declared.is_list


def _target(link: Link[Any]) -> DBObjectMeta:
    target = link.target(link.owner)
    assert isinstance(target, DBObjectMeta)
    return target


def _either(classes: Iterable[DBObjectMeta]) -> str:
    return " or ".join(c.__name__ for c in classes)
