"""How a recorded call tells its arguments and its result: small values whole, large ones by what they are, secrets never."""

from __future__ import annotations

import enum
import hashlib
import json
import math
import types
import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from provgraph.schema.calls import Items
from provgraph.schema.objects import DBObject

WHOLE = 4096  # bytes of a value that is kept as it is
ARRAY = 64 * 1024  # bytes of an array that is digested while the call waits
DEEPEST = 8
MANY = 200  # members of a list or dict that are looked at
SECRET = {"secret": True}


class Told:
    """What a call was given, as plain data, and the persistent objects in it."""

    def __init__(self) -> None:
        self.objects: list[DBObject] = []

    def value(self, value: Any, depth: int = 0) -> Any:
        """JSON for one value; what is too large for that is described, ``{"type": ..., "digest": ...}``."""
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is str:
            return value if len(value) <= WHOLE else _large("str", value.encode("utf-8", "replace"), value[:80])
        if kind is int:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, DBObject):
            self.objects.append(value)
            return {"object": value.object_id, "class": type(value).__name__}
        if depth > DEEPEST:
            return {"type": kind.__name__}
        if isinstance(value, Mapping):
            some = {str(k): self.value(v, depth + 1) for k, v in _first(value.items())}
            return some if len(value) <= MANY else {"type": kind.__name__, "members": len(value), "first": some}
        if isinstance(value, list | tuple | set | frozenset):
            members = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
            some_of = [self.value(v, depth + 1) for v in _first(members)]
            return some_of if len(value) <= MANY else {"type": kind.__name__, "members": len(value), "first": some_of}
        if isinstance(value, Items):
            return {"items": value.number, "complete": value.complete, "returned": self.value(value.value, depth + 1)}
        return self._other(value, kind, depth)

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            return {"enum": f"{kind.__name__}.{value.name}"}
        if isinstance(value, PurePath | uuid.UUID):
            return str(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bytes | bytearray | memoryview):
            return _large(kind.__name__, bytes(value), "")
        if isinstance(
            value, type | types.FunctionType | types.MethodType | types.BuiltinFunctionType | types.ModuleType
        ):
            return {
                "name": f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}".lstrip(
                    "."
                )
            }
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            return _array(value)
        if hasattr(value, "to_value") and hasattr(value, "unit"):
            return {"value": self.value(value.value, depth + 1), "unit": str(value.unit)}
        return {"type": f"{kind.__module__}.{kind.__qualname__}"}


def _first(members: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for one in members:
        if len(found) == MANY:
            break
        found.append(one)
    return found


def _large(kind: str, data: bytes, begins: str) -> dict[str, Any]:
    told: dict[str, Any] = {"type": kind, "bytes": len(data)}
    if len(data) <= ARRAY:
        told["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
    return told | ({"begins": begins} if begins else {})


def _array(value: Any) -> Any:
    """An array by shape and dtype; its digest where that costs nothing worth speaking of."""
    if value.shape == () and hasattr(value, "item"):
        item = value.item()
        return item if isinstance(item, int | str | bool) else float(item) if isinstance(item, float) else str(item)
    told: dict[str, Any] = {"type": type(value).__name__, "dtype": str(value.dtype), "shape": list(value.shape)}
    if getattr(value, "nbytes", ARRAY + 1) <= ARRAY and hasattr(value, "tobytes"):
        told["digest"] = "sha256:" + hashlib.sha256(value.tobytes()).hexdigest()
    if hasattr(value, "unit"):
        told["unit"] = str(value.unit)
    return told


def text(value: Any) -> str:
    """JSON of told values; short of what the graph takes."""
    written = _encoder.encode(value)
    if len(written) <= 4 * WHOLE:
        return written
    if isinstance(value, dict):
        return json.dumps(
            {k: _shortened(v) for k, v in value.items()}, ensure_ascii=False, separators=(",", ":"), default=str
        )
    return json.dumps(_shortened(value), ensure_ascii=False, default=str)


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def _shortened(value: Any) -> Any:
    written = json.dumps(value, ensure_ascii=False, default=str)
    if len(written) <= WHOLE // 4:
        return value
    return _large(type(value).__name__, written.encode("utf-8", "replace"), written[:80])
