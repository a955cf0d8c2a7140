"""How a lineage speaks to people: what a node is called, the few facts that tell it from the next, what a relation says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from provgraph import names
from provgraph.graph.lineage import ACTIVITY, AGENT, ENTITY, WAS_INFLUENCED_BY, Edge, Lineage, Node

#: Relations as PROV-DM spells them.
PROV_WORDS: Final = {
    names.WAS_DERIVED_FROM: "wasDerivedFrom",
    names.WAS_GENERATED_BY: "wasGeneratedBy",
    names.USED: "used",
    names.WAS_INFORMED_BY: "wasInformedBy",
    names.WAS_ASSOCIATED_WITH: "wasAssociatedWith",
    names.WAS_ATTRIBUTED_TO: "wasAttributedTo",
    names.ACTED_ON_BEHALF_OF: "actedOnBehalfOf",
    names.HAD_PLAN: "hadPlan",
    WAS_INFLUENCED_BY: "wasInfluencedBy",
}
#: What is told in the box of those it belongs to, rather than in a box of its own.
_TOLD_ELSEWHERE: Final = frozenset({"Criterion", "ProcessParameters"})
_PLAIN_ACTIVITY: Final = frozenset({
    "activity_id", "class_name", "method", "arguments", "started", "ended", "status", "message", "name", "class_version", "seconds",
})  # fmt: skip
_FEW: Final = 6


def is_request(edge: Edge) -> bool:
    """True between a processing and the collection it was asked for: that lies downstream of what the processing made."""
    return edge.relation == names.USED and edge.properties.get("role") == "target"


class Wording:
    """Words for the nodes and edges of one lineage."""

    def __init__(self, lineage: Lineage) -> None:
        self.nodes = {n.id: n for n in lineage.nodes}
        self.causes: dict[str, list[Edge]] = {}
        for edge in lineage.edges:
            self.causes.setdefault(edge.source, []).append(edge)
        # A segment knows how many sources it holds; whatever represents the same sources has as many.
        self.counts = {
            n.properties["source_set"]: n.properties["n"]
            for n in lineage.nodes
            if n.class_name == "Segment" and n.properties.get("source_set") and "n" in n.properties
        }

    def heading(self, node: Node) -> str:
        """What kind of thing it is: operator, class, method, kind of agent."""
        return node.class_name or node.kind

    def title(self, node: Node) -> str:
        """What it is called; '' where only its kind says that."""
        return "" if node.label == self.heading(node) else node.label

    def told_elsewhere(self, node: Node) -> bool:
        """True of a criterion and of process parameters: their dependents tell what they say."""
        return node.class_name in _TOLD_ELSEWHERE

    def facts(self, node: Node) -> list[str]:
        """Short lines, the telling ones first."""
        if node.kind == ENTITY:
            tell = _ENTITIES.get(node.class_name)
            lines = tell(self, node) if tell else []
            if tell is None and "SourceCollection" in node.labels:
                lines = self._attributes(node)
            if (
                "SourceCollection" in node.labels
                and (count := self.counts.get(node.properties.get("source_set"))) is not None
            ):
                lines.append(_sources(count))
            return [line for line in lines if line]
        if node.kind == ACTIVITY:
            return self._activity(node)
        version = node.properties.get("version")
        return [f"version {version}"] if node.kind == AGENT and version else []

    def linked(self, node: Node, *class_names: str) -> list[Node]:
        """Direct causes of these classes, each once."""
        found = {e.target: self.nodes[e.target] for e in self.causes.get(node.id, ()) if e.target in self.nodes}
        return [n for n in found.values() if n.class_name in class_names]

    def _attributes(self, node: Node) -> list[str]:
        attributes = node.properties.get("attribute_names", ())
        return (
            [few(attributes)]
            if 0 < len(attributes) <= 4
            else [plural(len(attributes), "attribute")]
            if attributes
            else []
        )

    def _activity(self, node: Node) -> list[str]:
        properties = node.properties
        lines = []
        if started := str(properties.get("started") or ""):
            took = _seconds(started, str(properties.get("ended") or ""))
            lines.append(f"{started[:19].replace('T', ' ')} UTC" + (f", {took}" if took else ""))
        if properties.get("status") not in {None, "", "done"}:
            lines.append(": ".join(str(p) for p in (properties["status"], properties.get("message")) if p))
        measured = [f"{k.replace('_', ' ')} {number(v)}" for k, v in sorted(properties.items())
                    if k not in _PLAIN_ACTIVITY and isinstance(v, (int, float)) and not isinstance(v, bool)]  # fmt: skip
        lines += [", ".join(measured[i : i + 2]) for i in range(0, min(len(measured), 4), 2)]
        lines += [f"for {self.nodes[e.target].label}" for e in self.causes.get(node.id, ()) if is_request(e)]
        return lines + [_parameters(p) for p in self.linked(node, "ProcessParameters")]

    def relation(self, edge: Edge) -> str:
        """The PROV word with the role, as ``wasDerivedFrom (parent 2)``."""
        role = str(edge.properties.get("role") or "")
        index = edge.properties.get("index")
        siblings = [
            e for e in self.causes.get(edge.source, ()) if e.properties.get("role") == edge.properties.get("role")
        ]
        if role and isinstance(index, int) and len(siblings) > 1 and edge.relation == names.WAS_DERIVED_FROM:
            role += f" {index + 1}"
        if edge.relation == WAS_INFLUENCED_BY and edge.properties.get("columns"):
            role = plural(edge.properties["columns"], "stored column")
        return PROV_WORDS.get(edge.relation, edge.relation) + (f" ({role})" if role else "")


def _file(words: Wording, node: Node) -> list[str]:
    properties = node.properties
    size = properties.get("size")
    return [", ".join(t for t in (str(properties.get("format") or ""), in_bytes(size) if size else "") if t),
            short_digest(str(properties.get("digest") or "")), _written(words, node)]  # fmt: skip


def _written(words: Wording, node: Node) -> str:
    """What a file that was read was written from, as far as the lineage shows it."""
    edges = [
        e for e in words.causes.get(node.id, ()) if e.relation == names.WAS_DERIVED_FROM and e.target in words.nodes
    ]
    if changed := [e.target for e in edges if e.properties.get("role") == "before_changes"]:
        return f"changed since it was written from {words.nodes[changed[0]].label}"
    files = [words.nodes[e.target] for e in edges if e.properties.get("role") == "same_bytes"]
    ends = [e.target for f in files for e in words.causes.get(f.id, ()) if e.properties.get("role") == "exported"]
    labels = [words.nodes[end].label for end in ends if end in words.nodes]
    if len(labels) > 1:
        return f"the bytes that were written from {' and from '.join(labels)}: one of them, which is not recorded"
    return f"written here from {labels[0]}" if labels else ""


def _segment(words: Wording, node: Node) -> list[str]:
    n, columns = node.properties.get("n"), node.properties.get("columns", ())
    return [
        ", ".join(
            t for t in (_sources(n) if n is not None else "", plural(len(columns), "column") if columns else "") if t
        )
    ]


def _environment(words: Wording, node: Node) -> list[str]:
    python, packages = node.properties.get("python"), node.properties.get("packages", ())
    return [f"Python {python}" if python else "", str(node.properties.get("platform") or ""),
            plural(len(packages), "package") if packages else ""]  # fmt: skip


def _definition(words: Wording, node: Node) -> list[str]:
    properties = node.properties
    units = [u for u in properties.get("units", ()) if u and u != names.UNIT_UNDECLARED]
    provides = few(properties.get("provides", ())) + (f" [{', '.join(units)}]" if units else "")
    method = _method(properties)
    return [f"{provides} =" if method else provides, method]


def _method(properties: Mapping[str, Any]) -> str:
    """How a definition calculates: its expression, its function and package, or its model."""
    if properties.get("entry_point"):
        return (
            f"{properties['entry_point']} of {properties.get('distribution')} {properties.get('distribution_version')}"
        )
    if properties.get("model"):
        return f"model {str(properties['model'])[:19]}"
    return str(properties.get("expression") or "")


def _calculator(words: Wording, node: Node) -> list[str]:
    return [*((_method(d.properties) or d.label) for d in words.linked(node, "AttributeCalculatorDefinition")),
            *(_parameters(p) for p in words.linked(node, "ProcessParameters"))] or words._attributes(node)  # fmt: skip


def _filter(words: Wording, node: Node) -> list[str]:
    return [c.label for c in words.linked(node, "Criterion")] or words._attributes(node)


def _select(words: Wording, node: Node) -> list[str]:
    return [few(node.properties.get("names", ()))]


def _rename(words: Wording, node: Node) -> list[str]:
    pairs = zip(node.properties.get("old", ()), node.properties.get("new", ()), strict=False)
    return [few([f"{old} → {new}" for old, new in pairs])]


def _relabel(words: Wording, node: Node) -> list[str]:
    return [line for r in words.linked(node, "Relabelling") for line in _relabelling(words, r)] or words._attributes(
        node
    )


def _relabelling(words: Wording, node: Node) -> list[str]:
    properties = node.properties
    scale, offset = properties.get("scale", 1), properties.get("offset", 0)
    how = (
        "given pairs"
        if properties.get("kind") == "explicit"
        else f"{scale} × id {'-' if offset < 0 else '+'} {abs(offset)}"
    )
    return [how, f"into {properties.get('to_space', '')}"]


def _union(words: Wording, node: Node) -> list[str]:
    return [
        "the first that has a source gives its values" if node.properties.get("policy") else "",
        *words._attributes(node),
    ]


def _source_list(words: Wording, node: Node) -> list[str]:
    return [f"source list {node.properties.get('source_list')}", *words._attributes(node)]


def _process_params(words: Wording, node: Node) -> list[str]:
    return [_parameters(node)]


_ENTITIES: Final = {
    "DataFile": _file, "ExportedFile": _file, "StoredFile": _file, "Segment": _segment, "Environment": _environment,
    "AttributeCalculatorDefinition": _definition, "AttributeCalculator": _calculator, "FilterSources": _filter,
    "ConcatenateSources": _union, "RelabelSources": _relabel, "Relabelling": _relabelling, "SourceListWrapper": _source_list,
    "SelectAttributes": _select, "RenameAttributes": _rename, "ProcessParameters": _process_params,
}  # fmt: skip


def _parameters(node: Node) -> str:
    pairs: Mapping[str, Any] = dict(
        zip(node.properties.get("names", ()), node.properties.get("values", ()), strict=False)
    )
    return ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}" for name, value in pairs.items()
    )


def _sources(n: int) -> str:
    return plural(n, "source")


def _seconds(started: str, ended: str) -> str:
    try:
        took = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    except ValueError:
        return ""
    return f"{took * 1000:.0f} ms" if took < 1 else f"{took:.1f} s" if took < 120 else f"{took / 60:.0f} min"


def plural(n: int, word: str) -> str:
    """``1 source``, ``77,429 sources``."""
    return f"{n:,} {word}" + ("" if n == 1 else "s")


def few(words: Iterable[str]) -> str:
    """The first of many, and how many there are."""
    found = [str(w) for w in words]
    return ", ".join(found) if len(found) <= _FEW else f"{', '.join(found[: _FEW - 1])}, … ({len(found)})"


def number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def in_bytes(size: int) -> str:
    """A size in decimal units, as file managers show it."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def short_digest(digest: str) -> str:
    """Enough of a digest to compare by eye."""
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}…" if colon and len(value) > 16 else digest


_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)


def one_line(text: str) -> str:
    """Text on one line, without control characters and those that turn the direction of what follows."""
    return re.sub(r"\s+", " ", _UNSEEN.sub("", text)).strip()
