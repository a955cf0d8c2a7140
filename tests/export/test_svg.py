"""The drawing: well-formed, harmless, complete, readable in the dark."""

from __future__ import annotations

from xml.etree import ElementTree

from provgraph.export.svg import serialize
from tests.export.lineages import EVIL, evil, pulled, uuid

NS = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def boxes(root: ElementTree.Element) -> dict[str, list[str]]:
    """Lines of text by the id of the node."""
    found = {}
    for group in root.iter(f"{NS}g"):
        if "node" in group.get("class", "").split():
            found[group.get("data-id", "")] = [t.text or "" for t in group.iter(f"{NS}text")]
    return found


def test_boxes_tell_operator_name_parameters_and_number_of_sources() -> None:
    found = boxes(drawn(serialize(pulled())))
    assert found[uuid(1)] == ["SelectAttributes", "bright", "SDSS, z, absmag", "6,450 sources"]
    assert found[uuid(3)] == ["FilterSources", "z < 0.5", "6,450 sources"]
    assert found[uuid(4)] == ["AttributeCalculator", "i - distmod(z)", "H0 = 70, Om0 = 0.3", "77,429 sources"]
    assert found[uuid(5)][:2] == ["External", "SDSS quasars"]
    assert found[uuid(9)] == ["DataFile", "sdss.fits", "2.8 MB", "sha256:abababababab…"]
    assert found[uuid(20)] == ["External", "ingest", "2026-11-21 07:00:00 UTC, 1.9 s", "sources 77,429"]
    assert found[uuid(21)][-2:] == ["for bright", "H0 = 70, Om0 = 0.3"]
    assert found[uuid(22)][-1] == "failed: disk full"
    assert found["agent:soft"] == ["software", "provgraph", "version 0.1.0"]


def test_criteria_and_parameters_are_told_where_they_are_used_and_the_one_owner_below() -> None:
    root = drawn(serialize(pulled()))
    assert not {uuid(6), uuid(8)} & boxes(root).keys()
    assert [t.text for t in root.iter(f"{NS}text") if t.get("class") == "caption"][-1] == "Attributed to Ada."


def test_relations_are_told_on_hovering() -> None:
    root = drawn(serialize(pulled()))
    told = [t.text for g in root.iter(f"{NS}g") if "edge" in g.get("class", "") for t in g.findall(f"{NS}title")]
    assert "wasDerivedFrom (parent 2): ConcatenateAttributes → AttributeCalculator" in told
    assert "wasInfluencedBy (2 stored columns): SDSS quasars → Segment" in told
    assert "used (environment): process → Environment" in told
    assert "hadPlan: process → absmag" in told
    assert "actedOnBehalfOf: Ada → KIT" in told
    assert len(told) == 39 - 13 - 1 - 3  # without attributions, the request, and what leads to folded boxes


def test_hostile_names_stay_text() -> None:
    text = serialize(evil())
    root = drawn(text)
    assert {e.tag for e in root.iter()} <= {
        NS + t for t in ("svg", "title", "style", "rect", "g", "path", "text", "polygon")
    }
    assert "<script" not in text
    assert not any(name.lower().startswith("on") or "href" in name for e in root.iter() for name in e.attrib)
    assert any(" ".join(EVIL.replace("\u202e", "").split()) in (t.text or "") for t in root.iter(f"{NS}title"))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_it_has_a_title_a_legend_and_colours_for_the_dark() -> None:
    text = serialize(pulled())
    root = drawn(text)
    assert root.get("role") == "img"
    assert root.find(f"{NS}title").text == "Lineage of bright"  # type: ignore[union-attr]
    assert "@media (prefers-color-scheme: dark)" in text
    legend = {t.text for t in root.iter(f"{NS}text") if t.get("class") == "caption"}
    assert {"entity", "activity", "agent", "wasDerivedFrom", "wasInfluencedBy", "responsibility"} <= legend
    width, height = (float(v) for v in root.get("viewBox", "").split()[2:])
    for rect in root.iter(f"{NS}rect"):
        assert 0 <= float(rect.get("x", 0)) <= width
        assert float(rect.get("width", 0)) <= width
        assert float(rect.get("height", 0)) <= height


def test_a_box_is_wide_enough_for_its_text_and_never_too_wide() -> None:
    root = drawn(serialize(pulled(label="W" * 200)))
    lines = boxes(root)[uuid(1)]
    assert lines[1].endswith("…")
    assert 10 < len(lines[1]) < 40
    shapes = [r for g in root.iter(f"{NS}g") if g.get("data-id") == uuid(1) for r in g.iter(f"{NS}rect")]
    assert 150 < float(shapes[0].get("width", 0)) <= 330
