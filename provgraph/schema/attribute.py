"""Attributes quantify properties of sources; a set of them forms the dimensions of a Source Collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from provgraph.errors import OperatorError, UnknownAttribute, nearest
from provgraph.names import UNIT_UNDECLARED


@dataclass(frozen=True, slots=True)
class Attribute:
    """One parametrised property of the sources of a collection.

    name : how this collection calls it; `origin` says what it is.
    dtype : numpy type text without byte order, ``'f8' 'f4' 'i8' 'i4' 'i2' 'u1' '?'`` or ``'U'`` for text of any length.
    unit : VOUnit text, ``''`` unitless, ``'?'`` not declared.
    shape : shape of one source's value, ``()`` for a scalar.
    origin : key of where the values come from; same origin, same values (research: value numbering).
    """

    name: str
    dtype: str = "f8"
    unit: str = UNIT_UNDECLARED
    ucd: str = ""
    description: str = ""
    shape: tuple[int, ...] = ()
    origin: str = ""

    def renamed(self, name: str) -> Attribute:
        return replace(self, name=name)


class AttributeSet(Mapping[str, Attribute]):
    """Attributes by name, in order."""

    __slots__ = ("_by_name",)

    def __init__(self, attributes: Iterable[Attribute] = ()) -> None:
        self._by_name: dict[str, Attribute] = {}
        for attribute in attributes:
            known = self._by_name.get(attribute.name)
            if known is not None and known.origin != attribute.origin:
                raise OperatorError(
                    f"Two different attributes are called {attribute.name!r}; rename one of them first.",
                    code="name_clash", name=attribute.name,
                )  # fmt: skip
            self._by_name.setdefault(attribute.name, attribute)

    def __getitem__(self, name: str) -> Attribute:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownAttribute(
                f"Attribute {name!r} is not found; {nearest(name, self._by_name)}", name=name
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        return self._by_name.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(a.origin for a in self._by_name.values())

    def only(self, names: Iterable[str]) -> AttributeSet:
        """These attributes, in the given order; an unknown name is an error with the nearest ones."""
        return AttributeSet(self[name] for name in names)

    def __or__(self, other: AttributeSet) -> AttributeSet:
        """All of both; one name for different origins is an error."""
        return AttributeSet((*self.values(), *other.values()))

    def __repr__(self) -> str:
        return f"AttributeSet({', '.join(self._by_name)})"
