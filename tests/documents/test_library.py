"""Documents in a survey: whole or absent, equal when read back, apart from each other, and exported as they came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from provgraph.documents import library
from provgraph.errors import FileUnreadable, InvalidInput, NotFound, ProvgraphError, StorageError
from provgraph.graph import statements as cypher
from provgraph.graph.engine import GraphEngine
from provgraph.graph.mapper import Mapper, Written
from provgraph.graph.setup import prepare
from provgraph.graph.statements import Statement
from provgraph.policy import Context
from provgraph.prov import Document, dumps, read, validate
from tests.conftest import ENGINES
from tests.prov.conformance import Case, cases
from tests.prov.drawn import documents
from tests.surveys import catalog, census, nearby, open_survey, survey  # noqa: F401

RUN = """\
document
  prefix ex <http://example.org/>
  entity(ex:flat, [ex:exposure="1.10" %% xsd:decimal, prov:label="le plat"@fr])
  entity(ex:reduced)
  activity(ex:reduce, 2026-11-21T20:00:00Z, -)
  used(ex:u1; ex:reduce, ex:flat, 2026-11-21T20:00:01Z, [prov:role="flat field"])
  wasGeneratedBy(ex:reduced, ex:reduce, -)
  wasDerivedFrom(ex:reduced, ex:flat, ex:reduce, -, ex:u1)
  entity(ex:other)
  bundle ex:night
    prefix ex <http://example.org/night/>
    entity(ex:reduced)
    wasAttributedTo(ex:reduced, ex:ann)
    agent(ex:bob)
  endBundle
endDocument
"""
ENDINGS = {
    "prov-json": ".json",
    "prov-n": ".provn",
    "prov-xml": ".provx",
    "turtle": ".ttl",
    "trig": ".trig",
    "jsonld": ".jsonld",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.provn"
    path.write_text(RUN)
    return path


@pytest.fixture
def kept(engine: GraphEngine, tmp_path: Path) -> library.Library:
    """An empty library on each engine."""
    return made(engine, tmp_path)


def made(engine: GraphEngine, folder: Path, **more: Any) -> library.Library:
    prepare(engine)
    return library.Library(Mapper(engine, Context(), **more), folder / "documents")


def count(engine: GraphEngine, label: str) -> int:
    return int(engine.read(Statement("count", (f"MATCH (n:{label}) RETURN count(n) AS n",)))[0]["n"])


def left(engine: GraphEngine) -> dict[str, int]:
    """Nodes of imported documents."""
    found = {
        label: count(engine, label) for label in ("ProvDocument", "ProvBundle", "Thing", "Statement", "ImportMarker")
    }
    return {label: n for label, n in found.items() if n}


def spelled(document: Document) -> list[tuple[dict[str, str], list[str]]]:
    """Everything, also what equality leaves out."""
    return [(scope.prefixes, [repr(s) for s in scope.statements]) for scope in document.scopes()]


def back(kept: library.Library, path: Path, expected: Document, where: str) -> None:
    """Import, read from the graph, compare: also the order and the spelling."""
    stored = kept.add(path)
    found = kept.read(stored)
    assert found == expected, where
    assert spelled(found) == spelled(expected), where
    assert [b.id for b in found.bundles] == [b.id for b in expected.bundles], where
    assert len(stored) == sum(len(scope) for scope in expected.scopes()), where
    assert kept.original(stored).read_bytes() == path.read_bytes(), where


def readable(shared: Path) -> list[tuple[Case, Document]]:
    found = []
    for case in cases(shared):
        try:
            found.append((case, read(case.content, case.format)))
        except ProvgraphError:
            continue
    return found


@pytest.mark.embedded
@pytest.mark.timeout(900)
def test_every_readable_document_comes_back(embedded_engine: GraphEngine, shared: Path, tmp_path: Path) -> None:
    kept = made(embedded_engine, tmp_path)
    taken = readable(shared)
    assert len(taken) > 1000
    for n, (case, document) in enumerate(taken):
        path = tmp_path / f"{n}{ENDINGS[case.format]}"
        path.write_bytes(case.content)
        back(kept, path, document, case.path)
        path.unlink()
    assert len(kept.all()) == len({case.content for case, _ in taken})


@pytest.mark.neo4j
@pytest.mark.timeout(900)
def test_a_sample_of_them_comes_back_from_neo4j(neo4j_engine: GraphEngine, shared: Path, tmp_path: Path) -> None:
    kept = made(neo4j_engine, tmp_path)
    for n, (case, document) in enumerate(readable(shared)[::15]):
        path = tmp_path / f"{n}{ENDINGS[case.format]}"
        path.write_bytes(case.content)
        back(kept, path, document, case.path)


@pytest.mark.embedded
def test_the_bulk_loader_makes_the_same(embedded_engine: GraphEngine, shared: Path, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Streamed and loaded in chunks, a document is what it is in one transaction."""
    monkeypatch.setattr(library, "IN_ONE_TRANSACTION", 0)
    monkeypatch.setattr(library, "IN_MEMORY", 0)
    kept = made(embedded_engine, tmp_path)
    for n, (case, document) in enumerate(readable(shared)[::25]):
        path = tmp_path / f"{n}{ENDINGS[case.format]}"
        path.write_bytes(case.content)
        if any(len(scope) for scope in document.scopes()):
            back(kept, path, document, case.path)


@pytest.mark.embedded
def test_random_documents_come_back(embedded_engine: GraphEngine, tmp_path: Path) -> None:
    kept = made(embedded_engine, tmp_path)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(documents())
    def check(document: Document) -> None:
        path = tmp_path / "drawn.json"
        path.write_text(dumps(document), encoding="utf-8")
        expected = read(path)
        stored = kept.add(path)
        assert kept.read(stored) == expected

    check()


@pytest.mark.parametrize("most", [library.IN_ONE_TRANSACTION, 0], ids=["transaction", "loader"])
def test_both_ways_make_the_same_graph(
    kept: library.Library, run: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "IN_ONE_TRANSACTION", most)
    back(kept, run, read(run), "run")
    assert left(kept.engine) == {"ProvDocument": 1, "ProvBundle": 1, "Thing": 7, "Statement": 10}
    edges = Statement("edges", ("MATCH (a)-[r]->(b) RETURN type(r) AS type, count(*) AS n",))
    assert {row["type"]: row["n"] for row in kept.engine.read(edges)} == {
        "HAS_BUNDLE": 1, "ABOUT": 6, "ARG_ACTIVITY": 3, "ARG_ENTITY": 3, "ARG_GENERATED_ENTITY": 1, "ARG_USED_ENTITY": 1,
        "ARG_USAGE": 1, "ARG_AGENT": 1, "USED": 1, "WAS_GENERATED_BY": 1, "WAS_DERIVED_FROM": 1, "WAS_ATTRIBUTED_TO": 1,
    }  # fmt: skip
    up = Statement("up", ("MATCH (t:Thing {name_key: $iri})-[*1..5]->(u:Thing) RETURN DISTINCT u.iri AS iri",))
    causes = {row["iri"] for row in kept.engine.read(up, iri="http://example.org/reduced")}
    assert causes == {"http://example.org/flat", "http://example.org/reduce"}


def test_equal_bytes_are_kept_once(kept: library.Library, run: Path, tmp_path: Path) -> None:
    first = kept.add(run)
    assert first.new
    copy = tmp_path / "copy.provn"
    copy.write_bytes(run.read_bytes())
    second = kept.add(copy)
    assert not second.new
    assert second == first
    assert [one.name for one in kept.all()] == ["run.provn"]
    assert left(kept.engine)["ProvDocument"] == 1


def test_what_cannot_be_read_leaves_nothing(kept: library.Library, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"prefix": {"ex": "http://example.org/"}, "entity": {"ex:e": {"no:p": 1}}}')
    with pytest.raises(InvalidInput, match=str(wrong)):
        kept.add(wrong)
    (tmp_path / "loop").mkdir()
    for path in (tmp_path / "absent.provn", tmp_path / "loop"):
        with pytest.raises(FileUnreadable, match="cannot be read"):
            kept.add(path)
    assert left(kept.engine) == {}
    assert [p.name for p in (tmp_path / "documents").rglob("*") if p.is_file()] == ["import.lock"]


def test_what_the_graph_refuses_leaves_nothing(kept: library.Library, run: Path, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    refused = Statement("refused", ("UNWIND $rows AS row RETURN 1 / 0 AS x",))
    real = cypher.load

    def load(name: str, **slots: Any) -> Statement:
        return refused if name == "prov/create_statements_of_two" else real(name, **slots)

    monkeypatch.setattr(cypher, "load", load)
    with pytest.raises(ProvgraphError):
        kept.add(run)
    monkeypatch.undo()
    assert left(kept.engine) == {}
    assert not list((tmp_path / "documents").rglob("*/*")) or not [
        p for p in (tmp_path / "documents").rglob("*/*") if p.is_file()
    ]
    assert kept.add(run).new


def test_documents_are_found(kept: library.Library, run: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no imported document 'x'; there are none"):
        kept.find("x")
    stored = kept.add(run)
    for reference in (stored.id, stored.iri, stored.digest, stored.id[-8:], "run.provn"):
        assert kept.find(reference) == stored
    with pytest.raises(NotFound, match=r"did you mean 'run\.provn'\?"):
        kept.find("run.prov")
    (tmp_path / "later").mkdir()
    other = tmp_path / "later" / "run.provn"
    other.write_text("document\nendDocument\n")
    kept.add(other)
    with pytest.raises(InvalidInput, match="2 imported documents are called"):
        kept.find("run.provn")


def test_what_led_to_a_thing_stays_in_its_scope(kept: library.Library, run: Path, tmp_path: Path) -> None:
    stored = kept.add(run)
    found = kept.ancestry("http://example.org/reduced")
    expected = read(RUN.replace("  entity(ex:other)\n", "").split("  bundle")[0] + "endDocument\n")
    assert found == expected
    inside = kept.ancestry("http://example.org/night/reduced")
    [bundle] = inside.bundles
    assert (bundle.id.iri, len(inside.statements)) == ("http://example.org/night", 0)
    assert [s.kind for s in bundle.statements] == ["entity", "wasAttributedTo"]
    assert {one.id: len(things) for one, things in kept.mentions("http://example.org/reduced").items()} == {
        stored.id: 1
    }
    other = tmp_path / "other.provn"
    other.write_text("document\n prefix ex <http://example.org/>\n entity(ex:reduced)\nendDocument\n")
    again = kept.add(other)
    with pytest.raises(InvalidInput, match="2 documents speak of http") as caught:
        kept.ancestry("http://example.org/reduced")
    assert caught.value.code == "document_ambiguous"
    assert len(kept.ancestry("http://example.org/reduced", again.digest)) == 1
    with pytest.raises(NotFound, match="is in any imported document"):
        kept.ancestry("http://example.org/nothing")


def test_blank_names_mean_nothing_outside(kept: library.Library, tmp_path: Path) -> None:
    for n in range(2):
        path = tmp_path / f"{n}.json"
        path.write_text(
            f'{{"prefix": {{"ex": "http://example.org/"}}, "entity": {{"_:x": {{"ex:n": {n}}}, "ex:e": {{}}}}, '
            '"wasDerivedFrom": {"_:d": {"prov:generatedEntity": "ex:e", "prov:usedEntity": "_:x"}}}'
        )
        back(kept, path, read(path), path.name)
    assert kept.mentions("_:x") == {}
    assert len(kept.mentions("http://example.org/e")) == 2
    joined = Statement("joined", ("MATCH (a:Thing)-->(b:Thing) WHERE a.scope <> b.scope RETURN count(*) AS n",))
    assert kept.engine.read(joined) == [{"n": 0}]


def test_a_killed_import_is_taken_over(kept: library.Library, run: Path) -> None:
    """What it left is not seen, and goes when the document comes again; elsewhere the next start removes it."""
    from provgraph.graph import loading

    kept._make_indexes()
    digest = library.digest_of(run)
    begin = cypher.load("load/begin")
    kept.engine.write(lambda r: r(begin, import_id="killed", started=loading._text(library_now())))
    own = {"digest": digest, "import_id": "killed", "kinds": [], "counts": []}
    half = cypher.load("prov/create_document")
    kept.engine.write(lambda r: r(half, id="half", properties=own, bundles=[]))
    assert kept.all() == []
    assert kept.exact(digest) is None
    assert kept.add(run).new
    assert left(kept.engine) == {"ProvDocument": 1, "ProvBundle": 1, "Thing": 7, "Statement": 10}


def library_now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


@pytest.mark.parametrize("change", ["gone", "edited", "longer"])
def test_equal_bytes_put_back_what_is_not_there(kept: library.Library, run: Path, change: str) -> None:
    stored = kept.add(run)
    assert not kept.add(run).restored
    path = kept.raw.path(stored.digest)
    if change == "gone":
        path.unlink()
    else:
        path.write_text(RUN.replace("flat", "fl4t") if change == "edited" else RUN + "\n")
    again = kept.add(run)
    assert (again, again.new, again.restored) == (stored, False, True)
    assert kept.original(stored).read_bytes() == run.read_bytes()
    assert kept.raw.files() == [path]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_interrupted_import_leaves_no_bytes(
    kept: library.Library, run: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    if streamed:
        monkeypatch.setattr(library, "IN_ONE_TRANSACTION", 0)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(library, "placed", _interrupting(library.placed))
        with pytest.raises(KeyboardInterrupt):
            kept.add(run)
    assert kept.raw.files() == []
    assert left(kept.engine) == {}
    assert kept.all() == []

    write = kept._write

    def late(*given: Any) -> None:
        write(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(kept, "_write", late)
        with pytest.raises(KeyboardInterrupt):
            kept.add(run)
    [stored] = kept.all()
    assert kept.original(stored).read_bytes() == run.read_bytes(), "the graph has it, so it needs its bytes"


def _interrupting(placed: Any) -> Any:
    """Ctrl-C when the statements are written: they are gone through once before, for the layout."""
    times = []

    def once(document: Document) -> Any:
        times.append(1)
        for n, one in enumerate(placed(document)):
            if len(times) > 1 and n == 3:
                raise KeyboardInterrupt
            yield one

    return once


def test_the_original_is_looked_at(kept: library.Library, run: Path) -> None:
    stored = kept.add(run)
    path = kept.original(stored)
    path.write_text(RUN + "\n")
    with pytest.raises(StorageError, match="is not what was imported") as caught:
        kept.original(stored)
    assert caught.value.code == "document_damaged"
    path.unlink()
    with pytest.raises(StorageError, match="is gone"):
        kept.original(stored)
    assert kept.read(stored) == read(RUN)


def test_hooks_hear_of_an_import(engine: GraphEngine, run: Path, tmp_path: Path) -> None:
    heard: list[Written] = []
    kept = made(engine, tmp_path, audit=[heard.append])
    stored = kept.add(run)
    kept.add(run)
    [written] = heard
    assert [(e["class_name"], e["object_id"], e["digest"]) for e in written.entities] == [
        ("ProvDocument", stored.id, stored.digest)
    ]


def test_a_survey_holds_documents(nearby: Any, run: Path, tmp_path: Path) -> None:
    before = census(nearby)
    made = nearby.import_prov(run)
    assert str(made) == (
        "run.provn: 4 entity, 1 activity, 1 used, 1 wasGeneratedBy, 1 wasDerivedFrom, 1 wasAttributedTo, 1 agent; 1 bundle"
    )
    assert nearby.documents() == [made]
    assert nearby.document("run.provn") == nearby.document(made) == read(RUN)
    assert nearby.validate_prov(made).valid
    assert nearby.export(made, format="prov-n") == dumps(read(RUN), "prov-n")
    assert nearby.export(made.digest, original=True) == run.read_bytes()
    out = nearby.export("run.provn", out=tmp_path / "out.trig")
    assert read(out) == read(RUN)
    with pytest.raises(InvalidInput, match="turtle cannot say everything"):
        nearby.export(made, format="turtle")
    assert "ex:reduced" in nearby.export(made, format="turtle", lossy=True)
    after = census(nearby)
    assert {kind: after[kind] for kind in before} == before, "nothing of the survey changed"


def test_documents_meet_objects_by_their_iris(nearby: Any, tmp_path: Path) -> None:
    a = nearby["A"]
    path = tmp_path / "paper.provn"
    path.write_text(
        f"document\n prefix u <urn:uuid:>\n prefix ex <http://example.org/>\n entity(u:{a.object_id})\n entity(ex:paper)\n"
        f" wasDerivedFrom(ex:paper, u:{a.object_id})\nendDocument\n"
    )
    made = nearby.import_prov(path)
    assert nearby.mentions(a) == [made]
    native = nearby.as_prov(a.iri)
    assert native == nearby.as_prov(a)
    assert validate(native).valid
    shown = nearby.lineage(a).document()
    assert {s.id for s in shown.statements if s.kind in ("activity", "agent")} <= {s.id for s in native.statements}
    assert len(nearby.as_prov(a.iri, within="paper.provn").statements) == 1
    assert len(nearby.as_prov("http://example.org/paper").statements) == 3
    assert read(nearby.export("A", out=tmp_path / "a.prov.json", redact="none")) == native
    with pytest.raises(NotFound, match="There is nothing called"):
        nearby.export("http://example.org/nothing")
    with pytest.raises(InvalidInput, match="not an imported document"):
        nearby.export(a, original=True)
    assert ENGINES
