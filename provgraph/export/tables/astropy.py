"""A Table as astropy has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.export.tables.meta import KEY, TableMeta
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.table import Table
from provgraph.schema.text import decode_text


def to_astropy(table: Table, meta: TableMeta | None = None) -> Any:
    """astropy Table with units, descriptions and UCDs (`column.meta['ucd']`); text as str.

    A column is masked where it has missing values. The values are copies: changing them changes nothing stored.
    """
    from astropy.table import Column, MaskedColumn
    from astropy.table import Table as AstropyTable

    columns = []
    for name, attribute in table.attributes.items():
        values, null = table[name]
        data = decode_text(values) if values.dtype.kind == "S" else values
        about: dict[str, Any] = {
            "name": name,
            "unit": _unit(attribute.unit),
            "description": attribute.description or None,
            "meta": {"ucd": attribute.ucd} if attribute.ucd else None,
        }
        if null is None:
            columns.append(Column(np.array(data), copy=False, **about))
        else:
            mask = np.broadcast_to(null.reshape(-1, *(1,) * (data.ndim - 1)), data.shape)
            columns.append(MaskedColumn(np.array(data), mask=np.array(mask), copy=False, **about))
    about_table: dict[str, str] = {}
    if meta is not None:
        about_table = {"name": meta.name, KEY: meta.iri, **meta.provenance}
        if meta.description:
            about_table["description"] = meta.description
    return AstropyTable(columns, meta=about_table, copy=False)


def _unit(text: str) -> Any:
    """The unit as astropy knows it; what it does not know keeps its name. None where nobody declared one."""
    if text == UNIT_UNDECLARED:
        return None
    import warnings

    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)  # how a file writes its units is not for its reader to mend
        for notation in ("vounit", None):
            try:
                return units.Unit(text, format=notation)
            except (ValueError, TypeError):
                continue
        return units.Unit(text, parse_strict="silent")
