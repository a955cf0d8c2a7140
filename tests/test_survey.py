"""The façade: names, notes, lists of sources, files that know what they are, lineage."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import InvalidInput, LanguageError, NotFound, ProvgraphError, StorageError, UsageError
from provgraph.graph.walk import moment
from provgraph.schema.files import DataFile
from provgraph.survey import NAMES_SERVE
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401


def test_names_versions_and_ids_find(nearby: Any) -> None:
    a = nearby["A"]
    for reference in ("A@1", a.object_id, a.iri):
        assert nearby[reference].object_id == a.object_id
    with pytest.raises(NotFound, match=r"did you mean 'A'\?"):
        nearby["a"]
    with pytest.raises(NotFound, match="There is no object"):
        nearby["urn:uuid:00000000-0000-7000-8000-000000000000"]
    with pytest.raises(UsageError, match="reads as an id or as a version"):
        nearby.annotate("A", name="B@2")


def test_names_that_others_give_are_seen(nearby: Any, open_survey: Any) -> None:
    a = nearby["A"]
    assert (a.name, nearby.name_of(a)) == ("A", "A")
    other = open_survey()
    other.annotate("A", name="B")
    time.sleep(NAMES_SERVE)
    assert (a.name, nearby.name_of(a), nearby.names_of([a.object_id])) == ("B", "B", {a.object_id: "B"})
    assert nearby["B"].object_id == a.object_id


def test_statements_are_appended(nearby: Any) -> None:
    a = nearby["A"]
    nearby.annotate(a, name="galaxies", description="a simulated catalog", tags=["simulated", "test"])
    assert nearby["galaxies"].object_id == nearby["A"].object_id  # the old name still finds it
    assert a.name == "galaxies"
    said = [(n["kind"], n["value"]) for n in nearby.notes(a)]
    assert said == [
        ("name", "A"),
        ("name", "galaxies"),
        ("description", "a simulated catalog"),
        ("tag", "simulated"),
        ("tag", "test"),
    ]


def test_objects_are_found_by_criteria(nearby: Any) -> None:
    near = nearby.pull("A", ["id", "redshift"], where="redshift < 0.5", name="near")
    assert [c.name for c in nearby.find("name in ('A', 'near')")] == ["near", "A"]
    assert [c.name for c in nearby.find("n_sources >= 1000")] == ["A"]
    assert near.result not in nearby.find("n_sources > 0")
    near.table()
    assert near.result in nearby.find("n_sources > 0 and n_sources < 1000 and n_attributes = 2")
    assert nearby.find() == nearby.collections()
    assert nearby.find(limit=1) == nearby.collections(1)
    [definition] = nearby.find("requires = 'mag_u' and version = 1", cls="AttributeCalculatorDefinition")
    assert definition is nearby.definition("absmag_u")
    assert [f.name for f in nearby.find("size > 1 kbyte", cls=DataFile)] == ["galaxies.fits"]
    with pytest.raises(LanguageError) as caught:
        nearby.find("version = 1 and atribute = 'id'")
    assert (caught.value.code, caught.value.position) == ("unknown_property", 16)
    for wrong in (-1, True, "3"):
        with pytest.raises(InvalidInput):
            nearby.find(limit=wrong)


def test_sources_by_list(nearby: Any, open_survey: Any) -> None:
    wanted = galaxies()["id"][[5, 500, 7]]
    some = nearby.select_sources("A", [*wanted, 12345])
    assert some.table()["id"].tolist() == sorted(wanted.tolist())
    assert len(some) == 3
    again = nearby.select_sources("A", [*reversed(wanted.tolist()), 12345])
    assert again.object_id == some.object_id
    table = nearby.pull(some, ["id", "absmag_u"], where="redshift > 0").table()
    redshift = dict(zip(galaxies()["id"].tolist(), galaxies()["redshift"].tolist(), strict=True))
    assert table["id"].tolist() == sorted(i for i in wanted.tolist() if redshift[i] > 0)
    with pytest.raises(InvalidInput, match="1 of 4 identifiers are not in A") as caught:
        nearby.select_sources("A", [*wanted, 12345], strict=True)
    assert caught.value.code == "identifiers_foreign"
    assert len(open_survey()[some.object_id]) == 3


def test_files_that_were_written_know_what_they_are(nearby: Any, tmp_path: Path, catalog: Path) -> None:
    pull = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near")
    for suffix in ("fits", "vot", "parquet", "h5", "csv", "arrow"):
        path = pull.write(tmp_path / f"near.{suffix}")
        assert nearby.get(path).object_id == pull.result.object_id, suffix
    assert nearby.get(catalog).name == catalog.name  # a file that was read
    (tmp_path / "strange.csv").write_text("a,b\n1,2\n")
    with pytest.raises(NotFound) as caught:
        nearby.get(tmp_path / "strange.csv")
    assert caught.value.code == "file_unknown"
    with pytest.raises(InvalidInput, match="in which format"):
        pull.write(tmp_path / "near.docx")
    assert not (tmp_path / "near.docx").exists()


def test_a_lineage_is_whole(nearby: Any) -> None:
    pull = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near")
    pull.table()
    view = nearby.lineage("near")
    classes = {n.class_name for n in view.nodes}
    assert {"SelectAttributes", "FilterSources", "AttributeCalculator", "External", "DataFile", "Criterion", "Segment",
            "AttributeCalculatorDefinition", "ProcessParameters", "Environment"} <= classes  # fmt: skip
    relations = {e.relation for e in view.edges}
    assert {"WAS_DERIVED_FROM", "WAS_GENERATED_BY", "USED", "WAS_ASSOCIATED_WITH", "HAD_PLAN"} <= relations
    assert view.complete
    assert "near" in view.text()
    near = nearby.lineage("near", up=1)
    assert len(near.nodes) < len(view.nodes)
    down = nearby.lineage("A", up=0, down=3)
    assert pull.result.object_id in {n.id for n in down.nodes}


def test_a_lineage_is_valid_prov_json(nearby: Any, tmp_path: Path) -> None:
    prov = pytest.importorskip("prov.model")
    pull = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.2", name="near")
    pull.table()
    path = nearby.lineage(pull.result).write(tmp_path / "near.prov.json")
    read = prov.ProvDocument.deserialize(str(path))
    assert prov.ProvDocument.deserialize(content=read.serialize()) == read
    document = json.loads(path.read_text())
    assert any("70" in json.dumps(e) for e in document["entity"].values())  # H0, a default, is recorded
    assert "wasAssociatedWith" in document


def test_identifiers_are_never_floats(nearby: Any) -> None:
    table = nearby.pull("A", ["id"], where="redshift is null or redshift >= 0").table()
    assert table["id"].dtype == np.dtype("i8")
    assert set(table["id"].tolist()) == set(galaxies()["id"].tolist())


def test_an_ingested_catalog_is_not_written_over(nearby: Any, catalog: Path) -> None:
    before = catalog.read_bytes()
    with pytest.raises(InvalidInput) as caught:
        nearby.pull("A", ["id"]).write(catalog)
    assert caught.value.code == "file_ingested"
    assert catalog.read_bytes() == before


def test_a_survey_is_looked_through(nearby: Any) -> None:
    assert "A" in nearby
    assert "B" not in nearby
    assert [c.label for c in nearby] == ["A"]


def test_a_lineage_that_cannot_be_written_is_one_sentence(nearby: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        nearby.lineage("A").write(tmp_path / "nowhere" / "a.svg")
    assert nearby.lineage("A").write(tmp_path / "a.svg").stat().st_size > 500
    assert [p.name for p in tmp_path.iterdir() if ".part" in p.name] == []


def test_what_is_no_thing_is_told(open_survey: Any, tmp_path: Path) -> None:
    with open_survey() as survey:
        for call, code in (
            (lambda: survey.lineage(None), "thing_invalid"),
            (lambda: survey.lineage([]), "thing_invalid"),
            (lambda: survey.lineage("x", as_of=5), "not_found"),
            (lambda: survey.check(None), "policy_value"),
            (lambda: survey.identify(tmp_path / "nope"), "file_missing"),
            (lambda: survey.import_prov(b"document endDocument"), "path_invalid"),
        ):
            with pytest.raises(ProvgraphError) as raised:
                call()
            assert raised.value.code == code
    with pytest.raises(InvalidInput, match="as_of=5 is no date"):
        moment(5)  # type: ignore[arg-type]
