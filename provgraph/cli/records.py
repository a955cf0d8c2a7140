"""Objects of a survey as the plain dictionaries that commands print: the same for text and JSON, keys stable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provgraph.cli.options import number
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.table import Table
from provgraph.survey import Survey


def title(data: dict[str, Any]) -> str:
    """``name@version``; the class and the end of the id for what has no name."""
    from provgraph.cli.options import short

    return f"{data['name']}@{data['version']}" if data["name"] else f"({data['class']} {short(data['id'])})"


def reference(survey: Survey, one: DBObject) -> dict[str, Any]:
    """What identifies an object."""
    name = one.name if isinstance(one, AttributeCalculatorDefinition) else survey.name_of(one)
    return {"id": one.object_id, "name": name, "version": one.version, "class": type(one).__name__}


def summaries(survey: Survey, collections: Sequence[SourceCollection]) -> list[dict[str, Any]]:
    """One line each, in two statements for all; ``sources`` is None where nobody counted them yet."""
    survey.names_of([c.object_id for c in collections])
    sets = sorted({c.sources().key for c in collections})
    rows = survey.mapper.read("segments_of_source_sets", keys=sets) if sets else []
    known = {r["properties"]["source_set"]: int(r["properties"]["n"]) for r in rows}
    return [
        {
            **reference(survey, c), "notation": repr(c), "sources": known.get(c.sources().key),
            "attributes": len(c.attributes()), "created": c.created, "project": c.project,
        }
        for c in collections
    ]  # fmt: skip


def plain(survey: Survey, objects: Sequence[DBObject]) -> list[dict[str, Any]]:
    """Objects of any class, with the values they were stored with."""
    survey.names_of([o.object_id for o in objects])
    return [
        {**reference(survey, o), "created": o.created, "project": o.project, "properties": o.descriptors()}
        for o in objects
    ]


def details(survey: Survey, one: DBObject) -> dict[str, Any]:
    """Everything `show` says of an object."""
    data = reference(survey, one) | {
        "iri": one.iri, "identity": one.identity, "lineage_key": one.lineage_key, "created": one.created,
        "project": one.project,
    }  # fmt: skip
    if isinstance(one, SourceCollection):
        data = summaries(survey, [one])[0] | data | {
            "id_space": one.id_space, "attributes": _attributes(survey, one),
            "parents": [reference(survey, p) for p in one.parents],
        }  # fmt: skip
        stored = [a["name"] for a in data["attributes"] if a["of"]]
        data["stored"] = {"sources": data["sources"] is not None, "attributes": stored}
    elif isinstance(one, AttributeCalculatorDefinition):
        data |= definition(one)
    else:
        data["properties"] = one.descriptors()
    data["versions"] = [{"version": v.version, "id": v.object_id, "created": v.created} for v in survey.versions(one)]
    data["notes"] = [{k: n[k] for k in ("kind", "value", "recorded", "reason")} for n in survey.notes(one)]
    return data


def definition(one: AttributeCalculatorDefinition) -> dict[str, Any]:
    """A calculator definition."""
    return {
        "id": one.object_id, "name": one.name, "version": one.version, "class": type(one).__name__,
        "requires": list(one.requires), "provides": list(one.provides), "expression": one.expression,
        "units": list(one.units), "ucds": list(one.ucds), "parameters": one.defaults(),
        "description": one.description, "created": one.created,
    }  # fmt: skip


def columns(one: SourceCollection) -> list[dict[str, Any]]:
    """The attributes of a collection as lineage knows them."""
    return [
        {"name": a.name, "dtype": a.dtype, "shape": list(a.shape), "unit": a.unit, "ucd": a.ucd, "description": a.description}
        for a in one.attributes().values()
    ]  # fmt: skip


def rows(table: Table, most: int) -> list[dict[str, Any]]:
    """The first sources by attribute name; None where there is no value."""
    first = table.take(slice(0, most))
    found: list[dict[str, Any]] = [{} for _ in range(len(first))]
    for name in table.attributes:
        values, null = first.columns[name]
        for i, row in enumerate(found):
            row[name] = None if null is not None and null[i] else _value(values[i])
    return found


def _attributes(survey: Survey, one: SourceCollection) -> list[dict[str, Any]]:
    """Attributes with the range, the missing values and the number of stored sources (``of``)."""
    described = survey.describe(one)
    found = []
    for attribute, row in zip(columns(one), described, strict=True):
        text = attribute["dtype"] == "U"
        extent = {k: (str(row[k]) if text else number(str(row[k]))) if row[k] else None for k in ("minimum", "maximum")}
        counts = {k: int(row[k]) if row[k] else None for k in ("missing", "of")}
        found.append(attribute | extent | counts)
    return found


def _value(value: Any) -> Any:
    """One entry of a column as a Python value; a float32 as its own shortest digits, not those of its double."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return [_value(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.floating):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value
