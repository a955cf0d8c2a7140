"""Kinds of values that a persistent property may have: what is taken, how a graph keeps it, and back."""

from __future__ import annotations

import enum
import math
import numbers
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

INTEGERS = range(-(2**63), 2**63)  # what a graph engine can keep


@dataclass(frozen=True)
class Kind:
    """One type of values.

    name : how it is called in a recorded class. stored : type of the stored value, str, int, float or bool.
    take : the value as the property has it, or TypeError or ValueError with what it must be instead.
    encode, decode : to the stored value and back.
    """

    name: str
    stored: type
    take: Callable[[Any], Any]
    encode: Callable[[Any], Any] = lambda value: value
    decode: Callable[[Any], Any] = lambda value: value


def kind_of(declared: Any, unit: str = "") -> Kind:
    """The kind of a type as a class declares it; TypeError for one that cannot be kept."""
    if isinstance(declared, type):
        if declared in _PLAIN:
            return _with_unit(_PLAIN[declared], unit)
        if issubclass(declared, enum.Enum):
            return _enumeration(declared)
        if issubclass(declared, PurePath):
            return Kind("Path", str, _path, PurePath.as_posix, Path)
        if declared.__name__ == "Quantity" and declared.__module__.startswith("astropy.units"):
            return _quantity(unit)
    shown = getattr(declared, "__name__", repr(declared))
    raise TypeError(
        f"a property cannot be of type {shown}: it is str, int, float, bool, datetime, Quantity, UUID, Path, an Enum, or a "
        "list[...] of one of these; link() to other persistent objects"
    )


def _plain(value: Any) -> Any:
    """A numpy scalar, or an array of no dimension, as Python has it."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def _text(value: Any) -> str:
    value = _plain(value)
    if not isinstance(value, str):
        raise TypeError("text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("text that can be written as UTF-8") from None
    if "\0" in value:
        raise ValueError("text without a NUL character")
    return str(value)


def _integer(value: Any) -> int:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError("an integer")
    if int(value) not in INTEGERS:
        raise ValueError("an integer of at most 64 bits")
    return int(value)


def _real(value: Any) -> float:
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError("a number")
    return float(value)


def _truth(value: Any) -> bool:
    value = _plain(value)
    if not isinstance(value, bool):
        raise TypeError("True or False")
    return value


def _moment(value: Any) -> datetime:
    if hasattr(value, "to_datetime") and not isinstance(value, datetime):  # an astropy Time
        value = value.to_datetime()
    if hasattr(value, "astype") and getattr(getattr(value, "dtype", None), "kind", "") == "M":
        value = value.astype("datetime64[us]").item()
    if not isinstance(value, datetime):
        raise TypeError("a datetime")
    return value


def _moment_text(value: datetime) -> str:
    """ISO 8601, in UTC where it says an offset: equal moments are equal texts, and later ones sort behind."""
    return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()


def _path(value: Any) -> Path:
    if not isinstance(value, str | PurePath):
        raise TypeError("a path")
    return Path(_text(str(value)))


def _uuid(value: Any) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(_text(value))
    except (TypeError, ValueError, AttributeError):
        raise TypeError("a UUID") from None


def _enumeration(declared: type[enum.Enum]) -> Kind:
    """Kept by name: values may be corrected, names are what people write."""

    def take(value: Any) -> enum.Enum:
        if isinstance(value, declared):
            return value
        try:
            return declared[value] if isinstance(value, str) and value in declared.__members__ else declared(value)
        except ValueError:
            raise TypeError(f"one of {', '.join(declared.__members__)}") from None

    return Kind(
        f"{declared.__name__}({', '.join(declared.__members__)})",
        str,
        take,
        lambda v: v.name,
        lambda name: declared[name],
    )


def _with_unit(kind: Kind, unit: str) -> Kind:
    """A number with a unit takes quantities too, in any unit of the same dimension."""
    if kind.stored not in (int, float) or not unit or unit == "?":
        return kind

    def take(value: Any) -> Any:
        if hasattr(value, "to_value"):
            return kind.take(_in_unit(value, unit))
        return kind.take(value)

    return Kind(kind.name, kind.stored, take, kind.encode, kind.decode)


def _quantity(unit: str) -> Kind:
    """A number with its unit, kept as the number in the declared unit."""

    def decode(value: Any) -> Any:
        from astropy.units import Quantity

        return Quantity(value, unit)

    return Kind("Quantity", float, lambda v: decode(_real(_in_unit(v, unit))), lambda q: float(q.value), decode)


def _in_unit(value: Any, unit: str) -> Any:
    from astropy.units import Quantity, UnitConversionError

    try:
        return _plain(Quantity(value).to_value(unit))
    except UnitConversionError:
        raise ValueError(f"convertible to {unit or 'a number without unit'}") from None


def same(one: Any, other: Any) -> bool:
    """Equal values; NaN is NaN here, and 1 is not True."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


_PLAIN: dict[type, Kind] = {
    str: Kind("str", str, _text),
    int: Kind("int", int, _integer),
    float: Kind("float", float, _real, decode=float),
    bool: Kind("bool", bool, _truth),
    datetime: Kind("datetime", str, _moment, _moment_text, datetime.fromisoformat),
    uuid.UUID: Kind("UUID", str, _uuid, str, uuid.UUID),
}
