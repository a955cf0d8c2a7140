"""What every format of a lineage does; each is found in EXPORTERS."""

from __future__ import annotations

import pytest

from provgraph.export import EXPORTERS
from provgraph.graph.lineage import Lineage
from tests.export.lineages import evil, node, pulled


def alone() -> Lineage:
    only = node(1, "entity", "External", "", "SourceCollection")
    return Lineage((only.id,), (only,), (), True, 0, 2, 0.0)


@pytest.mark.parametrize("format", EXPORTERS)
@pytest.mark.parametrize("lineage", [pulled(), evil(), alone()], ids=["pulled", "evil", "alone"])
def test_every_format_writes_every_lineage_the_same_each_time(format: str, lineage: Lineage) -> None:
    text = EXPORTERS[format].serialize(lineage)
    assert text.endswith("\n")
    assert text == EXPORTERS[format].serialize(lineage)
    text.encode("utf-8")
    if lineage.truncated and format in {"dot", "svg", "text"}:
        assert "7 nodes left out" in text


def test_suffixes_belong_to_one_format() -> None:
    suffixes = [s for e in EXPORTERS.values() for s in e.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert set(EXPORTERS) == {"prov-json", "prov-n", "dot", "svg", "text"}
