"""Keys: what makes two things the same. Hashes over canonical JSON; nothing here reads a clock but `new_id`."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, no NaN, non-ASCII as it is."""
    return _encoder.encode(value)


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def lineage_key(*parts: Any) -> str:
    """``'k:'`` + 32 hex: operator or class, its semantic version, parameters, the keys of the parents."""
    return "k:" + sha256(parts)[:32]


def origin_key(*parts: Any) -> str:
    """``'o:'`` + 20 hex: where the values of an attribute come from."""
    return "o:" + sha256(parts)[:20]


def source_set_key(atoms: Iterable[str]) -> str:
    """``'S:'`` + 20 hex of a set of sources that is the intersection of `atoms`."""
    return "S:" + sha256(sorted(atoms))[:20]


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): ids made later sort later, so that indexes grow at one end."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> str:
    """The time as ISO 8601 text of one width, UTC: sorts as text on every engine."""
    return instant(time.time_ns())


def instant(nanoseconds: int) -> str:
    """A time since 1970 as such a text."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()}.{rest // 1000:06d}Z"


_EPOCH = datetime(1970, 1, 1)
