"""What the stored statistics say of a collection's attributes, without reading a value."""

from __future__ import annotations

import json
from typing import Any

from provgraph.graph.mapper import Mapper
from provgraph.schema.collection import SourceCollection


def describe(collection: SourceCollection, mapper: Mapper) -> Any:
    """astropy Table, one row an attribute: dtype, unit, ucd, minimum, maximum, missing, of, description.

    The range is that of the stored column, over ``of`` sources: for a selection it bounds the selection's own.
    """
    from astropy.table import Table

    attributes = collection.attributes()
    origins = [a.origin for a in attributes.values()]
    best: dict[str, tuple[int, dict[str, Any]]] = {}
    ids: dict[str, Any] = {}
    for row in mapper.read("segments_holding", origins=origins):
        info = json.loads(row["properties"]["info"])
        for column in info["columns"]:
            if column["origin"] in origins and best.get(column["origin"], (-1,))[0] < info["n"]:
                best[column["origin"]] = (info["n"], column)
    for row in mapper.read("segments_of_source_sets", keys=[collection.sources().key]):
        ids = json.loads(row["properties"]["info"])
    rows = []
    for a in attributes.values():
        n, column = best.get(a.origin, (0, {}))
        low, high = column.get("minimum"), column.get("maximum")
        if not column and a.ucd.startswith("meta.id") and ids:
            n, low, high, column = ids["n"], ids["id_min"], ids["id_max"], {"null_count": 0, "nan_count": 0}
        missing = str(column["null_count"] + column["nan_count"]) if column else ""
        rows.append((
            a.name, a.dtype + "".join(f"[{s}]" for s in a.shape), a.unit, a.ucd, _shown(low), _shown(high), missing,
            str(n) if n else "", a.description,
        ))  # fmt: skip

    class Description(Table):
        """Printed whole: a range in the middle is what one looks for."""

        def __repr__(self) -> str:
            return "\n".join(self.pformat(max_lines=-1, max_width=-1, align="<"))

        __str__ = __repr__

    names = ("attribute", "dtype", "unit", "ucd", "minimum", "maximum", "missing", "of", "description")
    return Description(rows=rows or None, names=names, dtype=["U"] * len(names))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
