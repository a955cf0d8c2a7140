"""Digests of stored values. They cover content, not files: equal values have equal digests in every store.

A column's digest is over its type, shape, length, values and null mask; a segment's is over the digests of its
identifiers and columns, so that columns are hashed side by side and a changed one can be named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class ColumnHash:
    """Takes the blocks of one column in order, values as they are stored (little-endian, fixed content under null)."""

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], n: int, *, null: bool) -> None:
        self._values = hashlib.sha256(json.dumps([type_text(dtype), list(shape), n, null]).encode())
        self._null = hashlib.sha256() if null else None

    def add(self, values: Array, null: Array | None) -> None:
        self._values.update(values.data.cast("B") if values.nbytes else b"")
        if self._null is not None and null is not None:
            self._null.update(null.view(np.uint8).data)

    def digest(self) -> str:
        if self._null is None:
            return "sha256:" + self._values.hexdigest()
        both = self._values.copy()
        both.update(self._null.digest())
        return "sha256:" + both.hexdigest()


def segment_digest(id_space: str, id_digest: str, columns: Iterable[tuple[str, str]]) -> str:
    """Digest of a segment from those of its identifiers and of its columns, (origin, digest) in order."""
    text = json.dumps(
        [id_space, id_digest, [list(pair) for pair in columns]], ensure_ascii=False, separators=(",", ":")
    )
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def type_text(dtype: np.dtype[Any]) -> str:
    """Type without byte order: ``'f8' 'i4' '?' 'S12'``."""
    return "?" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
