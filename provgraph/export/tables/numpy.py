"""A Table as one structured array."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.schema.table import Table
from provgraph.schema.text import decode_text


def to_numpy(table: Table) -> Any:
    """Structured ndarray, shape (n_sources,), one field an attribute; text as str. A masked array where something is
    missing.
    """
    columns = {}
    for name in table.attributes:
        values, null = table[name]
        columns[name] = (decode_text(values) if values.dtype.kind == "S" else values, null)
    dtype = np.dtype([(name, values.dtype, values.shape[1:]) for name, (values, _) in columns.items()])
    data = np.empty(len(table), dtype)
    for name, (values, _) in columns.items():
        data[name] = values
    if all(null is None for _, null in columns.values()):
        return data
    masked: Any = np.ma.array(data)
    mask = np.zeros(len(table), masked.mask.dtype if masked.mask.dtype.names else np.ma.make_mask_descr(dtype))
    for name, (values, null) in columns.items():
        if null is not None:
            mask[name] = null.reshape(-1, *(1,) * (values.ndim - 1))
    masked.mask = mask
    return masked
