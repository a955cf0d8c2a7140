"""All that a survey recorded as one document: valid, nothing missing, the same in every format, and in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from provgraph.export import whole
from provgraph.graph.engine import EdgeRow, NodeRow
from provgraph.names import NAMESPACE, PROV
from provgraph.prov import FORMATS, read, validate
from tests.export.test_recorded import HOME, by_type, elements, flat, literals  # noqa: F401
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401

WHOLE = ("prov-json", "prov-n", "prov-xml", "trig", "jsonld")


def test_all_is_there_valid_and_the_same_in_every_format(flat: Any, tmp_path: Path) -> None:
    survey = flat.home()
    alone = survey.as_prov(flat)
    found = {}
    for format in WHOLE:
        out = tmp_path / f"all.{format}"
        assert survey.export_all(out, format=format, redact="none") == ""
        found[format] = read(out, format)
        assert found[format] == found["prov-json"], format
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    document = found["prov-json"]
    verdict = validate(document)
    assert verdict.valid, str(verdict)
    for kind in ("entity", "activity", "agent"):
        assert {s.id for s in elements(alone, kind)} <= {s.id for s in elements(document, kind)}
    for kind in ("wasDerivedFrom", "wasAssociatedWith", "wasStartedBy", "specializationOf"):
        said = {(s.arguments[:2], s.attributes) for s in elements(document, kind)}
        assert {(s.arguments[:2], s.attributes) for s in elements(alone, kind)} <= said, kind
    assert {s.id: s for s in elements(alone, "entity")}[alone.name(f"uuid:{flat.object_id}")] in document.statements


def test_small_pages_and_large_ones_give_the_same(nearby: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearby.pull("A", ["absmag_u"], where="redshift < 0.3", name="bright").table()
    nearby.export_all(tmp_path / "large.prov.json")
    monkeypatch.setattr(whole, "PAGE", 3)
    nearby.export_all(tmp_path / "small.prov.json")
    small = read(tmp_path / "small.prov.json")
    assert small == read(tmp_path / "large.prov.json")
    assert validate(small).valid
    names = {x for s in elements(small, "entity") for x in literals(s, "label", PROV)}
    assert {"bright", "A"} <= names
    counted = [x for s in by_type(small, PROV + "Collection") for x in literals(s, "n_sources")]
    assert "1000" in counted
    plans = {s.argument("plan") for s in elements(small, "wasAssociatedWith")} - {None}
    assert plans == {s.id for s in by_type(small, PROV + "Plan")}


def test_what_is_private_is_taken_out_of_all_of_it(flat: Any, tmp_path: Path) -> None:
    said = flat.home().export_all(tmp_path / "all.provn")
    text = (tmp_path / "all.provn").read_text()
    assert said.startswith("Redacted (private): ")
    assert HOME not in text
    assert "abcdef" not in text
    assert "ada@example.org" not in text
    [stated] = by_type(read(text), NAMESPACE + "Redaction")
    assert literals(stated, "label", PROV)[0].capitalize() == said
    assert validate(read(text)).valid


@pytest.mark.parametrize("format", ["prov-json", "prov-n", "prov-xml"])
def test_a_large_survey_takes_little_memory(
    survey: Any, tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "PAGE", 50)

    def fill(n: int, start: int) -> None:
        ids = [f"{i:08x}-0000-7000-8000-000000000000" for i in range(start, start + n)]
        text = "x" * 20_000
        nodes = [
            NodeRow(
                ("Entity",), {"object_id": i, "class_name": "Large", "text": text, "created": "2026-11-21T00:00:00Z"}
            )
            for i in ids
        ]
        edges = [EdgeRow(("Entity", a), ("Entity", b), "WAS_DERIVED_FROM", {"role": "raw", "index": 0})
                 for a, b in zip(ids[1:], ids, strict=False)]  # fmt: skip
        survey.engine.load(nodes, edges)

    def peak() -> int:
        tracemalloc.start()
        survey.export_all(tmp_path / "all", format=format)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    fill(100, 0)
    peak()
    small = peak()
    fill(700, 100)
    assert peak() < small * 1.5
    assert (tmp_path / "all").stat().st_size > 16_000_000


def test_formats_written_in_parts_are_those_that_can_be() -> None:
    from provgraph.prov.parts import WRITERS

    assert set(WRITERS) < set(FORMATS)
