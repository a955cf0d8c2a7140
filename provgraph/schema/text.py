"""Text of sources: fixed-width UTF-8 bytes ('S') wherever it is stored or compared, str ('U') where a person reads it."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def encode_text(values: Array) -> Array:
    """Text as fixed-width UTF-8 bytes.

    values : ndarray of 'S' (returned as it is), 'U', or object (str, bytes; None becomes empty), any shape. Raises
    TypeError for an object that is neither.
    """
    if values.dtype.kind == "S":
        return values
    if values.dtype.kind == "U":
        width = values.dtype.itemsize // 4
        points = np.ascontiguousarray(values).view(np.uint32)
        if width and not (points.size and points.max() > 127):  # ASCII: one byte a character, no Python loop
            return points.astype(np.uint8).view(f"S{width}").reshape(values.shape)
        if not width:
            return np.zeros(values.shape, "S1")
    encoded = [_encode_one(value) for value in values.ravel().tolist()]
    width = max((len(value) for value in encoded), default=0)
    return np.array(encoded, dtype=f"S{max(width, 1)}").reshape(values.shape)


def _encode_one(value: object) -> bytes:
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value
    raise TypeError(f"text expected, not {type(value).__name__}")


def decode_text(values: Array) -> Array:
    """Fixed-width UTF-8 bytes ('S') as str ('U'); bytes that are no UTF-8 become U+FFFD. 'U' comes back as it is."""
    if values.dtype.kind == "U":
        return values
    width = values.dtype.itemsize
    if not width:
        return np.zeros(values.shape, "U1")
    units = np.ascontiguousarray(values).view(np.uint8)
    if not (units.size and units.max() > 127):
        return units.astype(np.uint32).view(f"U{width}").reshape(values.shape)
    return np.char.decode(values, "utf-8", "replace")


def text_width(values: Array) -> int:
    """Length in bytes of the longest entry of an 'S' array; at least 1, the narrowest type that holds it."""
    width = values.dtype.itemsize
    if not values.size or width <= 1:
        return 1
    units = np.ascontiguousarray(values).view(np.uint8).reshape(-1, width)
    used = np.flatnonzero(units.any(axis=0))
    return int(used[-1]) + 1 if used.size else 1
