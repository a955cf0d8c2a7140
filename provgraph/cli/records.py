"""Objects of a survey as the plain dictionaries that commands print: the same for text and JSON, keys stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provgraph.cli.options import number
from provgraph.resolver.status import invalid
from provgraph.resolver.why import PULLED
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
    notations = survey.notations(collections)
    survey.names_of([c.object_id for c in collections])
    sets = sorted({c.sources().key for c in collections})
    rows = survey.mapper.read("segments_of_source_sets", keys=sets) if sets else []
    known = {r["properties"]["source_set"]: int(r["properties"]["n"]) for r in rows}
    return [
        {
            **reference(survey, c), "notation": notation, "sources": known.get(c.sources().key),
            "attributes": len(c.attributes()), "created": c.created, "project": c.project,
        }
        for c, notation in zip(collections, notations, strict=True)
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
        data |= status(survey.status(one))
    elif isinstance(one, AttributeCalculatorDefinition):
        data |= definition(one, invalid(survey.mapper, [one]))
    else:
        data["properties"] = one.descriptors()
    data["versions"] = [{"version": v.version, "id": v.object_id, "created": v.created} for v in survey.versions(one)]
    data["notes"] = [
        {k: n[k] for k in ("kind", "value", "recorded", "reason")} for n in survey.notes(one) if n["kind"] != PULLED
    ]  # `why` tells these
    return data


def definition(one: AttributeCalculatorDefinition, wrong: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A calculator definition. wrong : by id, why those are declared invalid that are."""
    return {
        "id": one.object_id, "name": one.name, "version": one.version, "class": type(one).__name__,
        "kind": one.kind, "requires": list(one.requires), "provides": list(one.provides), "expression": one.expression,
        "method": one.says, "statement": one.statement,
        "units": list(one.units), "ucds": list(one.ucds), "parameters": one.defaults(),
        "description": one.description, "created": one.created, "invalid": (wrong or {}).get(one.object_id),
    }  # fmt: skip


def answers(relation: Any) -> dict[str, Any]:
    """How two sets of sources relate: by question the answer, its reason and the rules it rests on."""
    from provgraph.resolver.relation import QUESTIONS

    return {
        q: {"answer": getattr(relation, q).value, "because": relation.because(q), "rules": list(relation.rules(q))}
        for q in QUESTIONS
    }


def why(found: Any) -> dict[str, Any]:
    """The pulls that led to a collection, and its status; of another object, what it was made from."""
    if not hasattr(found, "pulls"):
        return dict(found.as_dict())
    pulls = [
        {
            "recorded": p.recorded, "request": dict(p.request), "ranking": p.ranking,
            "choices": [{"outcome": c.outcome, "what": c.what, "reason": c.reason} for c in p.choices],
        }
        for p in found.pulls
    ]  # fmt: skip
    return {"collection": found.collection, **status(found.status), "pulls": pulls}


def status(found: Any) -> dict[str, Any]:
    """Whether something is up to date."""
    return {"status": found.status, "reasons": list(found.reasons), "not_here": list(found.not_here)}


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
