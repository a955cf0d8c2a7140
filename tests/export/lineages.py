"""Lineages to export: a pull as it is recorded, and names that try to break out."""

from __future__ import annotations

from typing import Any

from provgraph import names
from provgraph.graph.lineage import WAS_INFLUENCED_BY, Edge, Lineage, Node

EVIL = '</title><script>alert("1")</script> & \'x\' \\N \\ "quoted"\n\t\u202e 日本 é %s {{}} ]]> -->'


def uuid(n: int) -> str:
    return f"01930000-0000-7000-8000-{n:012d}"


def node(n: int | str, kind: str, class_name: str, label: str = "", /, *labels: str, **properties: Any) -> Node:
    id = n if isinstance(n, str) else uuid(n)
    if kind == "entity":
        properties = {"object_id": id, "identity": id, "class_name": class_name, "version": 1, **properties}
        labels = ("Entity", "DBObject", *labels)
    return Node(id, kind, class_name, label or class_name, properties, labels)


def edge(source: int | str, relation: str, target: int | str, /, **properties: Any) -> Edge:
    a, b = (n if isinstance(n, str) else uuid(n) for n in (source, target))
    return Edge(a, b, relation, properties)


def pulled(label: str = "bright", **more: Any) -> Lineage:
    """What a pull leaves: External and its file, a filter, a calculator, the segment it stored, the calls behind."""
    collection = "SourceCollection"
    nodes = (
        node(1, "entity", "SelectAttributes", label, collection, names=["SDSS", "z", "absmag"], source_set="S:few",
             attribute_names=["SDSS", "z", "absmag"], units=["", "", "mag"], project="p", created="2026-11-21T08:00:00.000000Z"),
        node(2, "entity", "ConcatenateAttributes", "", collection, attribute_names=list("abcdef"), source_set="S:few"),
        node(3, "entity", "FilterSources", "", collection, source_set="S:few", attribute_names=list("abcdef")),
        node(4, "entity", "AttributeCalculator", "", collection, attribute_names=["absmag"], source_set="S:all"),
        node(5, "entity", "External", "SDSS quasars", collection, attribute_names=list("abcdef"), source_set="S:all",
             identity=uuid(90), version=2),
        node(6, "entity", "Criterion", "z < 0.5", text="z < 0.5"),
        node(7, "entity", "AttributeCalculatorDefinition", "absmag", provides=["absmag"], units=["mag"],
             expression="i - distmod(z)"),
        node(8, "entity", "ProcessParameters", "", names=["H0", "Om0"], values=[70.0, 0.3]),
        node(9, "entity", "DataFile", "sdss.fits", name="sdss.fits", size=2_778_427, digest="sha256:" + "ab" * 32),
        node(10, "entity", "Segment", "", n=77429, columns=["o:1", "o:2"], source_set="S:all", inode=5, mtime_ns=6),
        node(11, "entity", "Segment", "", n=6450, columns=["o:3"], source_set="S:few"),
        node(12, "entity", "Environment", "", python="3.11.7", platform="Linux x86_64", packages=["a==1", "b==2"]),
        node(13, "entity", "External", "older quasars", collection, identity=uuid(90)),
        node(20, "activity", "External", "ingest", method="ingest", started="2026-11-21T07:00:00.000000Z",
             ended="2026-11-21T07:00:01.900000Z", status="done", arguments='{"id":"SDSS"}', sources=77429),
        node(21, "activity", "TargetProcessor", "process", method="process", started="2026-11-21T08:00:00.000000Z",
             ended="2026-11-21T08:00:00.031000Z", status="done"),
        node(22, "activity", "Survey", "pull", method="pull", started="2026-11-21T08:00:00.000000Z", status="failed",
             message="disk full"),
        node("agent:0123456789abcdef0123", "agent", "person", "Ada", kind="person", name="Ada"),
        node("agent:soft", "agent", "software", "provgraph", kind="software", name="provgraph", version="0.1.0"),
        node("agent:kit", "agent", "organisation", "KIT", kind="organisation", name="KIT"),
    )  # fmt: skip
    ada = "agent:0123456789abcdef0123"
    edges = (
        edge(1, names.WAS_DERIVED_FROM, 2, role="parent", index=0),
        edge(2, names.WAS_DERIVED_FROM, 3, role="parent", index=0),
        edge(2, names.WAS_DERIVED_FROM, 4, role="parent", index=1),
        edge(3, names.WAS_DERIVED_FROM, 5, role="parent", index=0),
        edge(3, names.WAS_DERIVED_FROM, 6, role="criterion", index=0),
        edge(4, names.WAS_DERIVED_FROM, 5, role="parent", index=0),
        edge(4, names.WAS_DERIVED_FROM, 7, role="definition", index=0),
        edge(4, names.WAS_DERIVED_FROM, 8, role="process_params", index=0),
        edge(4, WAS_INFLUENCED_BY, 11, columns=1),
        edge(5, names.WAS_DERIVED_FROM, 9, role="file", index=0),
        edge(5, names.WAS_DERIVED_FROM, 13, role="revision", index=0),
        edge(5, WAS_INFLUENCED_BY, 10, columns=2),
        edge(10, names.WAS_GENERATED_BY, 20, role="segment"),
        edge(11, names.WAS_GENERATED_BY, 21, role="segment"),
        edge(20, names.USED, 9, role="file"),
        edge(20, names.USED, 12, role="environment"),
        edge(21, names.USED, 10, role="segment"),
        edge(21, names.USED, 12, role="environment"),
        edge(21, names.USED, 8, role="process_params"),
        edge(21, names.USED, 1, role="target"),
        edge(21, names.HAD_PLAN, 7),
        edge(21, names.WAS_INFORMED_BY, 22),
        edge(20, names.WAS_ASSOCIATED_WITH, ada, role="operator"),
        edge(21, names.WAS_ASSOCIATED_WITH, ada, role="operator"),
        edge(21, names.WAS_ASSOCIATED_WITH, "agent:soft", role="software"),
        edge(ada, names.ACTED_ON_BEHALF_OF, "agent:kit"),
        *(edge(n, names.WAS_ATTRIBUTED_TO, ada) for n in range(1, 14)),
    )
    rest: dict[str, Any] = {"complete": True, "truncated": 0, "statements": 4, "seconds": 0.01, **more}
    return Lineage((uuid(1),), nodes, edges, **rest)


def evil() -> Lineage:
    """Every text that a user can set is hostile, ids are no UUIDs, edges form cycles."""
    texts = {"names": [EVIL], "text": EVIL, EVIL[:3]: EVIL}
    nodes = (
        node(f'a"{EVIL}', "entity", "SelectAttributes", EVIL, "SourceCollection", **texts),
        node("b>", "entity", "Criterion", EVIL, text=EVIL),
        node("c", "entity", "DataFile", EVIL, name=EVIL, digest=EVIL),
        node("d", "activity", EVIL, EVIL, started=EVIL, message=EVIL, status="failed", method=EVIL),
        node("agent:" + EVIL, "agent", "person", EVIL, kind="person", version=EVIL),
    )
    ids = [n.id for n in nodes]
    edges = (
        edge(ids[0], names.WAS_DERIVED_FROM, ids[0], role=EVIL),
        edge(ids[0], names.WAS_DERIVED_FROM, ids[1], role="criterion", index=0),
        edge(ids[0], names.WAS_DERIVED_FROM, ids[2], role=EVIL, index=0),
        edge(ids[2], names.WAS_DERIVED_FROM, ids[0], role=EVIL, index=0),
        edge(ids[2], names.WAS_GENERATED_BY, ids[3], role=EVIL),
        edge(ids[3], names.USED, ids[0], role=EVIL, time="2026-11-21T07:00:00Z"),
        edge(ids[3], names.WAS_ASSOCIATED_WITH, ids[4]),
    )
    return Lineage((ids[0], ids[2]), nodes, edges, False, 7, 4, 0.0)
