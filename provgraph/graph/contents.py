"""What a recorded node says: what it was given, what it holds, and in what two of them differ."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provgraph.graph.lineage import ACTIVITY, Node

SAME, DIFFERENT, UNKNOWN = "same", "different", "unknown"
#: Of every object, and none of what it holds.
_RECORD: Final = frozenset({
    "object_id", "identity", "version", "class_name", "class_version", "class_form", "created", "creator", "project", "repeat",
    "lineage_key", "made_with", "made_from", "chosen", "import_id", "deleted", "valid_from", "valid_to",
})  # fmt: skip
#: Of a collection, follows from what it is derived from.
_FOLLOWS: Final = frozenset({
    "attribute_names", "dtypes", "units", "ucds", "descriptions", "shapes", "origins", "space", "atoms", "introduces", "source_set",
    "operator", "within", "digest",
})  # fmt: skip
#: Of a segment and of a file, where and when it was written.
_PLACED: Final = frozenset({"mtime_ns", "inode", "file", "info", "name", "origins", "columns"})
#: Arguments that only say which file or collection was meant.
_MEANT: Final = {"ingest": frozenset({"file", "name"}), "process": frozenset({"end"})}
_METHOD: Final = ("kind", "expression", "entry_point", "distribution", "distribution_version", "code", "model", "requires",
                  "provides", "units", "input_units", "catalog_attributes", "tolerance", "batch")  # fmt: skip


@dataclass(frozen=True)
class Valued:
    """A value that differs; None where there is none. unit : as declared, '' where none was."""

    name: str
    old: Any
    new: Any
    unit: str = ""
    old_unit: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        old_unit = f" {self.old_unit}" if self.old_unit != self.unit and self.old_unit else ""
        return f"{self.name} {shown(self.old)}{old_unit} → {shown(self.new)}{unit}"

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "old": plain(self.old), "new": plain(self.new), "unit": self.unit}


def is_parameters(node: Node) -> bool:
    """Whether all that it says is how something is done."""
    return not {"Parameters", "ProcessParameters", "Criterion", "Relabelling"}.isdisjoint(node.labels)


def is_method(node: Node) -> bool:
    """Whether it is code: a version of a function, or a calculator."""
    return not {"CodeVersion", "AttributeCalculatorDefinition"}.isdisjoint(node.labels)


def is_environment(node: Node) -> bool:
    return "Environment" in node.labels


def given(node: Node) -> dict[str, Any]:
    """Values that say how something was made: process parameters, what a target was given, what an operator is told."""
    p = node.properties
    if node.kind == ACTIVITY:
        return _arguments(p)
    if "ProcessParameters" in node.labels:
        return dict(zip(p.get("names", ()), p.get("values", ()), strict=False))
    if "Criterion" in node.labels:
        return {"criterion": p.get("text", "")}
    if "AttributeCalculatorDefinition" in node.labels:
        return dict(zip(p.get("parameter_names", ()), p.get("parameter_values", ()), strict=False))
    if "SourceCollection" in node.labels:
        found = {
            k: v for k, v in p.items() if k not in _RECORD and k not in _FOLLOWS and k not in {"declaration", "columns"}
        }
        return found | _declared(p.get("declaration"))
    if is_parameters(node):
        return {k: v for k, v in p.items() if k not in _RECORD}
    return {k: p[k] for k in p.get("made_from", ()) if k in p}


def held(node: Node) -> dict[str, Any]:
    """Values that something holds beside its file: of a target what making it found, of a raw object all."""
    if node.kind == ACTIVITY or is_parameters(node) or "SourceCollection" in node.labels:
        return {}
    p = node.properties
    if is_method(node) or is_environment(node):
        return {"digest": p.get("digest") or [p.get(k) for k in _METHOD]}
    if "Segment" in node.labels:
        return _columns(p)
    if not {"DataFile", "StoredFile", "ExportedFile"}.isdisjoint(node.labels):
        return {"digest": p["digest"]} if p.get("digest") else {}
    made = set(p.get("made_from", ()))
    return {k: v for k, v in p.items() if k not in _RECORD and k not in made}


def content(node: Node, files: Sequence[str]) -> Mapping[str, Any] | None:
    """What it holds, with the digests of its files; None where nothing of that is recorded."""
    if is_parameters(node):
        return given(node)
    if "External" in node.labels:
        return {"digest": node.properties.get("digest"), **given(node)}
    found = held(node)
    if files:
        found["file"] = sorted(files)
    return found or None


def compared(a: Node, b: Node, files_a: Sequence[str], files_b: Sequence[str]) -> str:
    """Whether two things have the same content: ``same``, ``different``, or ``unknown`` where that is not recorded."""
    if a.id == b.id:
        return SAME
    keys = [(n.properties.get("lineage_key"), n.properties.get("repeat")) for n in (a, b)]
    if keys[0][0] and keys[0] == keys[1]:
        return SAME
    one, other = content(a, files_a), content(b, files_b)
    if one is None or other is None:
        return UNKNOWN
    if "Segment" in a.labels and one.get("ids") != other.get("ids"):
        return UNKNOWN  # other sources: their values may be the same or not
    return SAME if a.class_name == b.class_name and equal(one, other) else DIFFERENT


def values_differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Names with their values on both sides, in the order of the names; None where there is none."""
    return [(n, one.get(n), other.get(n)) for n in sorted({*one, *other})
            if (n in one) != (n in other) or not equal(one.get(n), other.get(n))]  # fmt: skip


def environments(a: Node, b: Node) -> list[Valued]:
    """Interpreter, platform and packages by version that differ."""
    p, q = _installed(a.properties), _installed(b.properties)
    first = [n for n in ("python", "platform", "digest") if n in p or n in q]
    names = first[:2] + sorted((p.keys() | q.keys()) - set(first))
    found = [Valued(n, p.get(n), q.get(n)) for n in names if p.get(n) != q.get(n)]
    return found or [Valued("digest", p.get("digest"), q.get("digest"))]


def _installed(p: Mapping[str, Any]) -> dict[str, Any]:
    packages = dict(x.split("==", 1) if "==" in x else (x, "") for x in p.get("packages", ()))
    return {**packages, **{k: p[k] for k in ("python", "platform", "digest") if k in p}}


def method(node: Node) -> str:
    """How a calculator calculates, or the digest of code."""
    p = node.properties
    said = p.get("expression") or p.get("digest") or p.get("code") or p.get("model")
    return str(said or json.dumps(plain([p.get(k) for k in _METHOD])))


def _columns(p: Mapping[str, Any]) -> dict[str, Any]:
    try:
        info = json.loads(p.get("info") or "{}")
    except ValueError:
        info = {}
    columns = sorted(str(c.get("digest")) for c in info.get("columns", ()))
    found: dict[str, Any] = {"ids": p.get("id_digest")}
    return found | ({"columns": columns} if columns else {"digest": p.get("digest")})


def _declared(text: Any) -> dict[str, Any]:
    """A declaration as ``units.redshift`` and so on."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {"declaration": text}
    found: dict[str, Any] = {}
    for key, value in told.items() if isinstance(told, dict) else ():
        found |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return found


def _arguments(p: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call; objects among them are inputs, which relations tell."""
    try:
        told = json.loads(p.get("arguments") or "{}")
    except ValueError:
        return {"arguments": p.get("arguments")}
    if not isinstance(told, dict):
        return {"arguments": told}
    meant = _MEANT.get(str(p.get("method")), frozenset())
    return {k: v for k, v in told.items() if k not in meant and not _speaks_of_objects(v)}


def _speaks_of_objects(value: Any) -> bool:
    if isinstance(value, dict):
        return "object" in value or any(map(_speaks_of_objects, value.values()))
    return isinstance(value, list) and any(map(_speaks_of_objects, value))


def equal(a: Any, b: Any) -> bool:
    """Equality of recorded values: what is not a number equals itself, and a truth value is no number."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(equal(v, b[k]) for k, v in a.items())
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def shown(value: Any) -> str:
    """A value for people, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        algorithm, colon, digits = value.partition(":")
        cut = (
            f"{algorithm}:{digits[:8]}…" if colon and algorithm in {"sha256", "blake3"} and len(digits) > 12 else value
        )
        return repr(cut) if not cut or cut != cut.strip() else cut
    text = json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def plain(value: Any) -> Any:
    """A recorded value as JSON can say it."""
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)
