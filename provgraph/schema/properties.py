"""Descriptors of persistent classes: what an object keeps, and what it is made from."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin, overload

from provgraph.errors import Immutable, InvalidInput, a

if TYPE_CHECKING:
    from provgraph.schema.objects import DBObject

T = TypeVar("T")
D = TypeVar("D", bound="DBObject")

REQUIRED = object()
SCALARS = (str, int, float, bool, datetime)


class Property(Generic[T]):
    """What `persistent` and `link` have in common: a name, an owner, a default, and fixed values once stored."""

    name: str
    owner: type

    def __init__(self, *, doc: str = "", default: Any = REQUIRED) -> None:
        self.__doc__ = doc
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    @overload
    def __get__(self, instance: None, owner: type) -> Property[T]: ...
    @overload
    def __get__(self, instance: Any, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
        except KeyError:
            if self.default is REQUIRED:
                raise AttributeError(f"{type(instance).__name__}.{self.name} has no value yet.") from None
            return self.default() if isinstance(self.default, types.FunctionType | type) else self.default
        return self.resolve(instance, value)

    def __set__(self, instance: Any, value: T) -> None:
        if instance.is_stored:
            raise Immutable(
                f"{type(instance).__name__}.{self.name} is fixed, the object is stored; "
                "make a new version of the object instead.",
                object_id=instance.object_id,
            )
        instance._values[self.name] = self.check(value)

    def resolve(self, instance: Any, value: Any) -> Any:
        return value

    def check(self, value: Any) -> Any:
        return value

    def refuse(self, value: Any, wanted: str) -> InvalidInput:
        shown = repr(value)
        return InvalidInput(
            f"{self.owner.__name__}.{self.name} must be {wanted}, not {shown if len(shown) < 60 else shown[:57] + '...'}.",
            code="wrong_type",
        )


class Persistent(Property[T]):
    """A descriptor or a list of descriptors: a plain value with type, unit and UCD.

    ``lineage=False`` keeps it out of the lineage key: it describes, it does not decide.
    """

    def __init__(self, kind: Any, *, doc: str = "", unit: str = "", ucd: str = "", default: Any = REQUIRED,
                 index: bool = False, lineage: bool = True) -> None:  # fmt: skip
        super().__init__(doc=doc, default=default)
        self.is_list = get_origin(kind) is list
        self.kind = get_args(kind)[0] if self.is_list else kind
        self.unit, self.ucd, self.index, self.lineage = unit, ucd, index, lineage
        if self.kind not in SCALARS:
            raise TypeError(f"persistent({kind!r}): a descriptor is one of {', '.join(s.__name__ for s in SCALARS)}.")

    def check(self, value: Any) -> Any:
        if self.is_list:
            if isinstance(value, str) or not hasattr(value, "__iter__"):
                raise self.refuse(value, f"a list of {self.kind.__name__}")
            return tuple(self._scalar(v) for v in value)
        return self._scalar(value)

    def _scalar(self, value: Any) -> Any:
        if hasattr(value, "item") and not isinstance(value, SCALARS):  # a numpy scalar
            value = value.item()
        if self.kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, self.kind) or (self.kind is int and isinstance(value, bool)):
            raise self.refuse(value, f"of type {self.kind.__name__}")
        return value

    def encode(self, value: Any) -> Any:
        """As both engines store it: times as text, lists flat."""
        if self.is_list:
            return [self._encode(v) for v in value]
        return self._encode(value)

    def decode(self, value: Any) -> Any:
        if self.is_list:
            return tuple(self._decode(v) for v in value)
        return self._decode(value)

    def _encode(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value

    def _decode(self, value: Any) -> Any:
        if self.kind is datetime:
            return datetime.fromisoformat(value)
        return float(value) if self.kind is float and isinstance(value, int) else value


class Reference:
    """A linked object that has not been read yet."""

    __slots__ = ("load", "object_id")

    def __init__(self, object_id: str, load: Callable[[str], Any]) -> None:
        self.object_id = object_id
        self.load = load


class Link(Property[T]):
    """A dependency: another persistent object, or a list of them. Read when it is looked at, not before."""

    def __init__(self, target: Any, *, doc: str = "", optional: bool = False, role: str = "") -> None:
        super().__init__(doc=doc, default=None if optional else REQUIRED)
        self.is_list = get_origin(target) is list
        self._target = get_args(target)[0] if self.is_list else target
        self.optional = optional
        self._role = role

    @property
    def role(self) -> str:
        return self._role or self.name

    def target(self, owner: type) -> type:
        return owner if self._target == "self" else self._target

    def check(self, value: Any) -> Any:
        if value is None and self.optional:
            return None
        if self.is_list:
            return tuple(self._one(v) for v in value)
        return self._one(value)

    def _one(self, value: Any) -> Any:
        target = self.target(self.owner)
        if isinstance(value, (Reference, target)):
            return value
        raise self.refuse(value, a(target.__name__))

    def resolve(self, instance: Any, value: Any) -> Any:
        if isinstance(value, tuple):
            if any(isinstance(v, Reference) for v in value):
                value = tuple(v.load(v.object_id) if isinstance(v, Reference) else v for v in value)
                instance._values[self.name] = value
        elif isinstance(value, Reference):
            value = instance._values[self.name] = value.load(value.object_id)
        return value


def persistent(kind: type[T] | Any, *, doc: str = "", unit: str = "", ucd: str = "", default: Any = REQUIRED,
               index: bool = False, lineage: bool = True) -> Any:  # fmt: skip
    """Declare a persistent property: ``exposure = persistent(float, unit="s")``, ``names = persistent(list[str])``."""
    return Persistent(kind, doc=doc, unit=unit, ucd=ucd, default=default, index=index, lineage=lineage)


def link(target: type[D] | Any, *, doc: str = "", optional: bool = False, role: str = "") -> Any:
    """Declare a dependency: ``parent = link(SourceCollection)``, ``frames = link(list[RawFrame])``."""
    return Link(target, doc=doc, optional=optional, role=role)
