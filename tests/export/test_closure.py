"""What is written with a thing: what it came from, what came of it, both, or nothing; by every way the same document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import InvalidInput, UsageError
from provgraph.names import NAMESPACE, PROV
from provgraph.prov import Document, read, validate
from tests.export.test_recorded import by_type, elements, flat, literals  # noqa: F401
from tests.surveys import open_survey, survey  # noqa: F401

CLOSURES = ("ancestors", "descendants", "both", "none")


def ours(document: Document) -> set[str]:
    """The entities that are objects of the survey."""
    notes = {s.id for s in by_type(document, NAMESPACE + "Note")}
    return {
        s.id.iri for s in elements(document, "entity") if s.id is not None and s.id not in notes and "uuid" in s.id.iri
    }


@pytest.mark.parametrize("format", ["prov-json", "prov-n", "prov-xml", "trig", "jsonld"])
def test_every_closure_in_every_format_is_valid(flat: Any, format: str, tmp_path: Path) -> None:
    survey = flat.home()
    first = survey.versions(flat)[-1]
    found = {}
    for closure in CLOSURES:
        out = tmp_path / f"{closure}.out"
        assert survey.export(first, closure=closure, format=format, out=out, lossy=format == "trig") == out
        document = read(out, format)
        verdict = validate(document)
        assert verdict.valid, str(verdict)
        found[closure] = ours(document)
    raws = {r.iri for r in first.raws}
    assert raws <= found["ancestors"]
    assert flat.iri not in found["ancestors"]
    assert flat.iri in found["descendants"]
    assert raws.isdisjoint(found["none"])
    assert found["none"] == {first.iri}
    assert {flat.iri, *raws} <= found["both"]
    assert found["both"] >= found["ancestors"] | found["descendants"]


def test_a_thing_alone_has_its_statements(flat: Any) -> None:
    first = flat.home().versions(flat)[-1]
    document = flat.home().as_prov(first, closure="none")
    kinds = {x for s in by_type(document, NAMESPACE + "Note") for x in literals(s, "kind")}
    assert {"name", "description", "validity"} <= kinds
    assert not elements(document, "activity")
    with pytest.raises(UsageError, match="did you mean 'ancestors'"):
        flat.home().as_prov(first, closure="ancestor")


def test_a_lineage_is_written_as_an_export_is(flat: Any, tmp_path: Path) -> None:
    survey = flat.home()
    for closure, depth in {"ancestors": {}, "both": {"down": 1000}, "none": {"up": 0}}.items():
        view = survey.lineage(flat, **depth)
        assert view.to("prov-json") == survey.export(flat, closure=closure), closure
        assert view.to("prov-n", redact="none") == survey.export(flat, closure=closure, redact="none", format="prov-n")
    view.write(tmp_path / "flat.provn")
    assert "ada@example.org" not in survey.lineage(flat).to("prov-json")
    assert "ada@example.org" in survey.lineage(flat).to("prov-json", redact="none")
    assert survey.lineage(flat).document() == survey.as_prov(flat)


def test_what_is_left_out_is_said(flat: Any) -> None:
    survey = flat.home()
    view = survey.lineage(flat, limit=3)
    assert view.truncated
    with pytest.raises(InvalidInput, match="raise limit="):
        view.document()
    document = read(view.to("prov-json"))
    assert validate(document).valid
    [said] = by_type(document, NAMESPACE + "Truncation")
    assert literals(said, "label", PROV) == [f"{view.truncated} nodes left out"]


def test_terms_hold_in_what_is_written(flat: Any) -> None:
    survey = flat.home()
    shown = read(survey.lineage(flat, only="RecordedRaw").to("prov-json"))
    assert validate(shown).valid
    assert ours(shown) == {flat.iri, *(r.iri for r in flat.raws)}
    assert not elements(shown, "activity")
    first = survey.versions(flat)[-1]
    named = next(n["recorded"] for n in survey.notes(first) if n["kind"] == "name")
    early = read(survey.lineage(first, as_of=named).to("prov-json"))
    kinds = {x for s in by_type(early, NAMESPACE + "Note") for x in literals(s, "kind")}
    assert "name" in kinds
    assert "validity" not in kinds
    assert "validity" in survey.lineage(first).to("prov-json")


def test_things_of_documents_have_closures_too(survey: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.provn"
    file.write_text("document\n prefix ex <http://example.org/>\n entity(ex:a)\n entity(ex:b)\n entity(ex:c)\n"
                    " wasDerivedFrom(ex:c, ex:b)\n wasDerivedFrom(ex:b, ex:a)\nendDocument\n")  # fmt: skip
    stored = survey.import_prov(file)
    names = {"ancestors": "ab", "descendants": "bc", "both": "abc", "none": "b"}
    for closure, letters in names.items():
        document = survey.as_prov("http://example.org/b", closure=closure)
        assert [s.id.iri[-1] for s in elements(document, "entity") if s.id] == list(letters), closure
        assert len(elements(document, "wasDerivedFrom")) == len(letters) - 1
    with pytest.raises(UsageError, match="comes out whole"):
        survey.as_prov(stored, closure="both")
    with pytest.raises(UsageError, match="comes out whole"):
        survey.export(stored.id, closure="none")
