"""Identifiers of sources: exact, never missing, in ascending order, each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from provgraph.errors import IngestError
from provgraph.schema.text import encode_text

Array = np.ndarray[Any, Any]

_EXACT = 2**53
_EXAMPLES = 3
_PARALLEL = 1 << 18


def normalised_ids(values: Array, null: Array | None = None, *, name: str = "id") -> Array:
    """Identifiers as int64, or as UTF-8 bytes ('S') where they are text.

    Parameters
    ----------
    values : ndarray, shape (n,): integers of any size that fit int64, text, or floats that are whole numbers below
    2**53.
    null : ndarray of bool, shape (n,), or None.

    Raises
    ------
    IngestError
        ``null_ids`` (a mask entry, NaN, or empty text), ``id_not_exact`` (floats that may have been rounded,
        integers above int64),
        ``id_type`` (neither number nor text, or a vector).
    """
    if values.ndim != 1:
        raise IngestError(
            f"Identifier {name!r} holds vectors of shape {values.shape[1:]}; name a column with one value a source.",
            code="id_type",
            name=name,
        )
    kind = values.dtype.kind
    if kind in "SUO":
        try:
            ids = encode_text(values)
        except TypeError:
            raise IngestError(
                f"Identifier {name!r} is neither whole numbers nor text.", code="id_type", name=name
            ) from None
        empty = ids == b""
        absent = empty if null is None else empty | null
    elif kind == "f":
        absent = np.isnan(values) if null is None else np.isnan(values) | null
    else:
        absent = np.zeros(0, bool) if null is None else null
    count = int(np.count_nonzero(absent))
    if count:
        first = int(np.argmax(absent))
        raise IngestError(
            f"Identifier {name!r} is missing for {_times(count, 'source')} (first in row {first + 1} of those"
            " read together);"
            " every source needs one.",
            code="null_ids",
            name=name,
            count=count,
        )
    if kind in "SUO":
        return ids
    if kind == "f":
        inexact = (np.abs(values) >= _EXACT) | (values != np.floor(values))
        if inexact.any():
            example = values[int(np.argmax(inexact))]
            raise IngestError(
                f"Identifier {name!r} is stored as floating point and {example!s} is not an exact whole number"
                " below 2**53;"
                " use an integer or text column.",
                code="id_not_exact",
                name=name,
            )
        return values.astype(np.int64)
    if kind == "u" and values.dtype.itemsize == 8 and values.size and values.max() > np.iinfo(np.int64).max:
        raise IngestError(
            f"Identifier {name!r} holds {int(values.max())}, which is above the largest int64; give it as text.",
            code="id_not_exact",
            name=name,
        )
    if kind in "iu":
        return values.astype(np.int64, copy=False)
    raise IngestError(
        f"Identifier {name!r} is of type {values.dtype}; identifiers are whole numbers or text.",
        code="id_type",
        name=name,
    )


def is_ascending(ids: Array) -> bool:
    """Whether each identifier is larger than the one before, which also says that each is there once."""
    step = 1 << 20  # in blocks: comparing needs no second array of full length, and disorder usually shows early
    for start in range(0, len(ids) - 1, step):
        part = ids[start : start + step + 1]
        if not bool((part[1:] > part[:-1]).all()):
            return False
    return True


def ordering(ids: Array, *, name: str = "id") -> Array | None:
    """Positions that put the identifiers in ascending order; None when they are. IngestError ``duplicate_ids`` when one
    is there twice.
    """
    if is_ascending(ids):
        return None
    order = _positions(ids)
    check_unique(ids[order], name=name)
    return order


def _positions(ids: Array) -> Array:
    """As np.argsort, in two threads, and for whole numbers of moderate range three times faster.

    Sorting numbers is several times faster than sorting their positions, so number and position are packed into one
    int64 where both fit.
    """
    n = len(ids)
    if n < _PARALLEL:
        return np.argsort(ids)
    half = n // 2
    with ThreadPoolExecutor(1, thread_name_prefix="provgraph-sort") as other:
        bits = (n - 1).bit_length()
        low = int(ids.min()) if ids.dtype.kind == "i" else 0
        if ids.dtype.kind == "i" and int(ids.max()) - low < 1 << (63 - bits):
            packed = ids - low
            packed <<= bits
            packed |= np.arange(n)
            job = other.submit(packed[half:].sort)
            packed[:half].sort()
            job.result()
            packed.sort(kind="stable")  # merges the two runs it finds
            packed &= (1 << bits) - 1
            return packed
        job_order = other.submit(np.argsort, ids[half:])
        order = np.concatenate([np.argsort(ids[:half]), job_order.result() + half])
    result: Array = order[np.argsort(ids[order], kind="stable")]
    return result


def check_unique(ascending: Array, *, name: str = "id") -> None:
    """Raise IngestError ``duplicate_ids`` where sorted identifiers hold one more than once."""
    same = ascending[1:] == ascending[:-1]
    if not same.any():
        return
    repeated = np.unique(ascending[1:][same])
    count = len(repeated)
    examples = [str(v.decode("utf-8", "replace") if isinstance(v, bytes) else v) for v in repeated[:_EXAMPLES].tolist()]
    raise IngestError(
        f"Identifier {name!r} is not unique: {_times(count, 'value')} stand{'s' if count == 1 else ''} there"
        f" more than once (for example {', '.join(examples)}).",
        code="duplicate_ids",
        name=name,
        count=count,
        examples=examples,
    )


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
