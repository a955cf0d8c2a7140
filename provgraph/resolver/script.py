"""A pull as Python that repeats it: each step by hand, from catalogs and definitions of pinned versions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.resolver.processor import Transient
from provgraph.resolver.request import Request
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import (
    AttributeCalculator,
    ConcatenateAttributes,
    ConcatenateSources,
    External,
    FilterSources,
    Pass,
    RelabelSources,
    RenameAttributes,
    SelectAttributes,
    SelectSources,
)
from provgraph.schema.relabelling import EXPLICIT
from provgraph.schema.text import decode_text

SHORT = 100  # identifiers of a list that are written out; a longer one is taken from the survey


def script(copied: Transient, request: Request, result: SourceCollection, directory: Path, store: BulkStore) -> str:
    """copied : the dependency graph of `result` as it is stored. What the request overruled is said, and is in the steps.
    store : where lists of identifiers are.
    """
    lines = ["import provgraph"]
    if any(isinstance(one, SelectSources) and one.source_list.n > SHORT for one in copied.objects.values()):
        lines.append("from provgraph.schema.operators import SelectSources")
    lines += ["", f"survey = provgraph.open({str(directory)!r})"]
    lines += [f"# {line}" for line in _asked(request)]
    for step in copied.plan.ordered():
        one = copied.objects[step.id]
        lines.append(f"{step.id} = {_made(one, list(step.parents), store)}{_remark(one)}")
    lines += [f"result = survey.store({copied.plan.end})", "table = result.table()"]
    if result.lineage_key:
        lines.append(f"assert result.lineage_key == {result.lineage_key!r}")
    return "\n".join(lines) + "\n"


def _asked(request: Request) -> list[str]:
    """The call of `pull` that this was."""
    said = [repr(request.start.label), repr(list(request.attributes))]
    said += [f"where={request.where!r}"] if request.where else []
    if request.use:
        said.append(f"use={{{', '.join(f'{n!r}: {_label(one)!r}' for n, one in sorted(request.use.items()))}}}")
    if request.avoid:
        said.append(f"avoid={[_label(one) for one in request.avoid]!r}")
    if request.parameters:
        changed = {
            name: {k: _label(v) if isinstance(v, SourceCollection) else v for k, v in values.items()}
            for name, values in sorted(request.parameters.items())
        }
        said.append(f"parameters={changed!r}")
    return [f"survey.pull({', '.join(said)})".replace("\n", " ")]


def _label(one: DBObject) -> str:
    label = getattr(one, "name", "")
    return f"{label}@{one.version}" if label else one.iri


def _made(one: SourceCollection, parents: list[str], store: BulkStore) -> str:
    first, others = (parents[0], parents[1:]) if parents else ("", [])
    match one:
        case FilterSources():
            return f"{first}.filter({one.text!r})"
        case SelectAttributes():
            return f"{first}.select({_listed(map(repr, one.names))})"
        case RenameAttributes():
            return f"{first}.rename({one.renamed!r})"
        case ConcatenateAttributes():
            return f"{first}.concatenate({_listed(others)})"
        case ConcatenateSources():
            return f"{first}.union({_listed([*others, *([f'policy={one.policy!r}'] if one.policy else [])])})"
        case RelabelSources():
            return f"{first}.relabel({_relabelling(one.relabelling)})"
        case AttributeCalculator():
            return f"survey.calculate({_listed([first, repr(one.definition.iri), *_parameters(one)])})"
        case SelectSources() if one.source_list.n <= SHORT:
            ids = store.open(SegmentInfo.from_dict(json.loads(one.source_list.info))).ids
            plain = decode_text(ids) if ids.dtype.kind == "S" else ids
            return f"{first}.only_listed({plain.tolist()!r}{', strict=True' if one.strict else ''})"
        case SelectSources():
            return (
                f"SelectSources(parent={first}, source_list=survey.get({one.source_list.iri!r}), "
                f"sources_digest={one.sources_digest!r}, strict={one.strict})"
            )
        case Pass():
            return first
    return f"survey[{one.iri!r}]"


def _relabelling(one: Any) -> str:
    if one.kind == EXPLICIT:
        return f"survey.get({one.iri!r})"
    return f"{one.to_space!r}, scale={one.scale}, offset={one.offset}"


def _parameters(one: AttributeCalculator) -> list[str]:
    """All process parameters, so that other defaults change nothing, and whole catalogs."""
    said = [f"{k!r}: {v!r}" for k, v in one.process_params.as_dict().items()]
    whole = zip(one.definition.whole_catalogs(), one.catalogs or (), strict=True)
    said += [f"{k!r}: survey[{c.iri!r}]" for k, c in whole]
    return [f"parameters={{{', '.join(said)}}}"] if said else []


def _remark(one: SourceCollection) -> str:
    if isinstance(one, External):
        said = f"{one.label}@{one.version}, {one.digest}"
    elif isinstance(one, AttributeCalculator):
        said = f"{one.definition.name}@{one.definition.version}: {one.definition.says}"
    else:
        return ""
    return f"  # {' '.join(said.split())}"


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
