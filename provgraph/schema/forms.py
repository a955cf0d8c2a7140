"""Forms of persistent classes: what a class declares, as plain data that is recorded and compared with what it declares later."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provgraph.schema.properties import REQUIRED, Link, Persistent

if TYPE_CHECKING:
    from provgraph.schema.meta import DBObjectMeta

SHORT = 16  # hexadecimal digits that each object keeps of the digest of its class


class ClassWarning(UserWarning):
    """A stored value that the class of today refuses."""


@dataclass(frozen=True)
class Form:
    """What a class declares. text : canonical JSON of it. digest : ``sha256:<hex>`` of the text."""

    text: str
    digest: str

    @property
    def short(self) -> str:
        return self.digest.removeprefix("sha256:")[:SHORT]


def is_of_author(cls: type) -> bool:
    """Whether a class is recorded: those of the library have the version of the library."""
    return cls.__module__.partition(".")[0] != "provgraph"


def form_of(cls: DBObjectMeta) -> Form:
    """The form of a class as it is here. What the library declares for it does not count."""
    known = vars(cls).get("_provgraph_form")
    if known is None:
        text = json.dumps(_declarations(cls), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        known = Form(text, "sha256:" + hashlib.sha256(text.encode()).hexdigest())
        type.__setattr__(cls, "_provgraph_form", known)
    assert isinstance(known, Form)
    return known


def bases_of(cls: type) -> list[str]:
    return [b.__name__ for b in cls.__bases__ if hasattr(b, "persistents")]


def _declarations(cls: DBObjectMeta) -> dict[str, Any]:
    return {
        "class_version": cls.class_version,
        "bases": bases_of(cls),
        "properties": {n: _property(one) for n, one in cls.persistents.items() if is_of_author(one.owner)},
        "links": {n: _link(one, cls) for n, one in cls.links.items() if is_of_author(one.owner)},
    }


def _property(one: Persistent[Any]) -> dict[str, Any]:
    constraint = one.constraint
    if not isinstance(constraint, str):
        constraint = constraint.__doc__ or "a function"
    return {
        "type": one.kind.name, "list": one.is_list, "unit": one.unit, "ucd": one.ucd, "required": one.default is REQUIRED,
        "optional": one.optional, "constraint": constraint.strip(), "index": one.index, "lineage": one.lineage,
        "was": list(one.was), "doc": one.__doc__ or "",
    }  # fmt: skip


def _link(one: Link[Any], cls: type) -> dict[str, Any]:
    return {
        "to": one.target(cls).__name__, "list": one.is_list, "optional": one.optional, "role": one.role,
        "lineage": one.lineage, "doc": one.__doc__ or "",
    }  # fmt: skip


# -- objects of earlier forms --------------------------------------------------------------------------------------------------


def read_values(
    cls: DBObjectMeta, properties: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Values of an object that was stored when its class was of another form.

    properties : of its node. said : what the class declared of each property then; empty where that is not known. Numbers are
    converted to the unit of today. What today's class refuses is given as it was stored, with a `ClassWarning`.
    """
    before = {n: _stored_as(one, properties, said) for n, one in cls.persistents.items()}
    moved = {key for n, key in before.items() if key != n}
    values = {}
    for n, one in cls.persistents.items():
        key = before[n]
        if key is None or (key == n and n in moved) or properties.get(key) is None:
            continue
        values[n] = _read(cls, one, properties[key], str(said.get(key, {}).get("unit", "")))
    return values


def _stored_as(one: Persistent[Any], properties: Mapping[str, Any], said: Mapping[str, Any]) -> str | None:
    """The name that a property had then; None where there was none."""
    there = said if said and is_of_author(one.owner) else properties
    return next((name for name in (one.name, *one.was) if name in there), None)


def _read(cls: type, one: Persistent[Any], stored: Any, unit: str) -> Any:
    fault = ""
    for decode in (one.decode, lambda value: value):  # an Enum also by its value
        try:
            value = decode(converted(stored, unit, one.unit))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            fault = fault or str(error)
            continue
        try:
            return one.check(value)
        except ValueError as error:
            fault = str(error)
            if getattr(error, "code", "") == "constraint_violated":
                _warn(f"{fault} It was stored before the class said so, and is given as it is.")
                return value
    of = f" {unit}" if unit not in ("", "?") else ""
    fault = (
        fault
        if fault.startswith(f"{one.owner.__name__}.")
        else f"{cls.__name__}.{one.name} cannot be {stored!r} any more."
    )
    _warn(f"{fault} It was stored when the class was another; the value is given as it was stored, {stored!r}{of}.")
    return tuple(stored) if isinstance(stored, list) else stored


def converted(stored: Any, unit: str, now: str) -> Any:
    """A number or a list of numbers in the unit of now; as it is where one of the units is not said."""
    if unit in ("", "?", now) or now in ("", "?") or isinstance(stored, str):
        return stored
    from astropy.units import Quantity

    found = Quantity(stored, unit).to_value(now)
    return found.tolist() if hasattr(found, "tolist") else found


def several(cls: type, name: str, n: int) -> None:
    """Say that what is one link now were `n`."""
    _warn(f"{cls.__name__}.{name} is one link, and {n} were stored when the class was another; all of them are given.")


def _warn(message: str) -> None:
    warnings.warn(message, ClassWarning, stacklevel=2)
