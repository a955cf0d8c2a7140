"""Descriptors of persistent classes: what an object keeps, and what it is made from."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, get_args, get_origin, overload

from provgraph.errors import Immutable, InvalidInput, NotFound, a
from provgraph.schema.constraint import holds
from provgraph.schema.kinds import kind_of

if TYPE_CHECKING:
    from provgraph.schema.objects import DBObject
    from provgraph.schema.paths import Path

T = TypeVar("T")
D = TypeVar("D", bound="DBObject")

REQUIRED = object()


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
    def __get__(self, instance: None, owner: type) -> Path: ...
    @overload
    def __get__(self, instance: Any, owner: type) -> T: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            from provgraph.schema.paths import of_class

            return of_class(owner, self.name) if hasattr(owner, "persistents") else self  # type: ignore[arg-type]
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

    def __delete__(self, instance: Any) -> None:
        if instance.is_stored:
            self.__set__(instance, None)  # type: ignore[arg-type]
        instance._values.pop(self.name, None)

    def resolve(self, instance: Any, value: Any) -> Any:
        return value

    def check(self, value: Any) -> Any:
        return value

    def refuse(self, value: Any, wanted: str, *, code: str = "wrong_type") -> InvalidInput:
        shown = repr(value)
        return InvalidInput(
            f"{self.owner.__name__}.{self.name} must be {wanted}, not {shown if len(shown) < 60 else shown[:57] + '...'}.",
            code=code,
        )


class Persistent(Property[T]):
    """A descriptor or a list of descriptors: a plain value with type, unit and UCD.

    kind : str, int, float, bool, datetime, Quantity, UUID, Path, an Enum, or ``list[...]`` of one of these. Numpy scalars and, of
        a number with a unit, quantities are taken too.
    default : a value, or a function that gives one; None makes the property one that may have no value.
    constraint : what a value must be, such as ``"exposure > 0"``, in the language of criteria with the property's name; or a
        function of the value that says whether it may be.
    index : searches by this property are quick in large surveys. was : names it had in earlier versions of the class.
    lineage : False keeps it out of the lineage key: it describes, it does not decide.
    """

    def __init__(self, kind: Any, *, doc: str = "", unit: str = "", ucd: str = "", default: Any = REQUIRED,
                 constraint: str | Callable[[Any], bool] = "", index: bool = False, was: str | Iterable[str] = (),
                 lineage: bool = True) -> None:  # fmt: skip
        super().__init__(doc=doc, default=default)
        self.is_list = get_origin(kind) is list
        self.type = get_args(kind)[0] if self.is_list else kind
        self.kind = kind_of(self.type, unit)
        self.unit, self.ucd, self.index, self.lineage = unit, ucd, index, lineage
        self.constraint = constraint
        self.was = (was,) if isinstance(was, str) else tuple(was)

    @property
    def optional(self) -> bool:
        return self.default is None

    def check(self, value: Any) -> Any:
        if value is None and self.optional:
            return None
        if not self.is_list:
            return self._one(value)
        if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
            raise self.refuse(value, f"a list of {self.kind.name}")
        return tuple(self._one(v) for v in value)

    def _one(self, value: Any) -> Any:
        try:
            taken = self.kind.take(value)
        except (TypeError, ValueError) as error:
            raise self.refuse(value, str(error)) from None
        if self.constraint and not self._may_be(taken):
            says = self.constraint if isinstance(self.constraint, str) else self.constraint.__doc__ or "its constraint"
            raise self.refuse(value, f"as its class says ({says.strip()})", code="constraint_violated")
        return taken

    def _may_be(self, value: Any) -> bool:
        if not isinstance(self.constraint, str):
            return bool(self.constraint(value))
        return holds(self.constraint, self.name, self.kind.encode(value), self.unit)

    def encode(self, value: Any) -> Any:
        """As both engines store it: times as text, lists flat."""
        if self.is_list:
            return [self.kind.encode(v) for v in value]
        return self.kind.encode(value)

    def decode(self, value: Any) -> Any:
        if self.is_list:
            return tuple(self.kind.decode(v) for v in (value if isinstance(value, list | tuple) else [value]))
        return self.kind.decode(value)

    def stored(self, properties: Mapping[str, Any]) -> Any:
        """The value among the properties of a node, under the name of now or an earlier one; None where there is none."""
        for name in (self.name, *self.was):
            if (value := properties.get(name)) is not None:
                return value
        return None


class Reference:
    """A linked object that has not been read yet."""

    __slots__ = ("load", "object_id")

    def __init__(self, object_id: str, load: Callable[[str], Any]) -> None:
        self.object_id = object_id
        self.load = load

    def __reduce__(self) -> tuple[Any, ...]:
        return Reference, (self.object_id, _elsewhere)


def _elsewhere(object_id: str) -> NoReturn:
    raise NotFound(
        f"Object {object_id} is in the survey that what links to it came from; survey.get({object_id!r}) reads it there.",
        code="not_here",
    )


class Link(Property[T]):
    """A dependency: another persistent object, or a list of them. Read when it is looked at, not before."""

    def __init__(
        self, target: Any, *, doc: str = "", optional: bool = False, role: str = "", lineage: bool = True
    ) -> None:
        super().__init__(doc=doc, default=None if optional else REQUIRED)
        self.lineage = lineage
        self.is_list = get_origin(target) is list
        self._target = get_args(target)[0] if self.is_list else target
        self.optional = optional
        self._role = role

    @property
    def role(self) -> str:
        return self._role or self.name

    def target(self, owner: type) -> type:
        return owner if self._target == "self" else self._target

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        # What is linked while an object is constructed was there before it, and does not know it.
        if "_constructed" in vars(instance) and _leads_to(instance._values[self.name], instance):
            del instance._values[self.name]
            what = type(instance).__name__
            raise InvalidInput(
                f"This {what} would depend on itself: what {what}.{self.name} is to be was made from it.", code="dependency_cycle",
            )  # fmt: skip

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
        from provgraph.schema.meta import of_now

        if isinstance(value, of_now(target)):
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


def _leads_to(value: Any, instance: Any) -> bool:
    """Whether unstored objects are derived from `instance`; what is stored cannot be."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if one is instance:
            return True
        if isinstance(one, tuple):
            todo.extend(one)
        elif one is not None and not isinstance(one, Reference) and not one.is_stored and id(one) not in seen:
            seen.add(id(one))
            todo.extend(one._values.get(name) for name in type(one).links)
    return False


def persistent(kind: type[T] | Any, *, doc: str = "", unit: str = "", ucd: str = "", default: Any = REQUIRED,
               constraint: str | Callable[[Any], bool] = "", index: bool = False, was: str | Iterable[str] = (),
               lineage: bool = True) -> Any:  # fmt: skip
    """Declare a persistent property: ``exposure = persistent(float, unit="s")``, ``names = persistent(list[str])``.

    See `Persistent` for what the words mean.
    """
    return Persistent(
        kind, doc=doc, unit=unit, ucd=ucd, default=default, constraint=constraint, index=index, was=was, lineage=lineage
    )


def link(target: type[D] | Any, *, doc: str = "", optional: bool = False, role: str = "") -> Any:
    """Declare a dependency: ``parent = link(SourceCollection)``, ``frames = link(list[RawFrame])``."""
    return Link(target, doc=doc, optional=optional, role=role)
