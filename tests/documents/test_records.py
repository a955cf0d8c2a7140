"""A statement as properties, and back: everything it says and how it was spelled."""

from __future__ import annotations

from hypothesis import given, settings

from provgraph.documents.records import KINDS, LABELS, Layout, Placed, Reader, placed, properties, upper
from provgraph.graph.engine import KEYS
from provgraph.prov.model import ELEMENTS, Document, Name, Statement
from tests.prov.drawn import documents


def as_written(statement: Statement) -> object:
    """A statement with the spelling that its equality leaves out."""
    return repr(statement)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_any_statement_comes_back_as_it_was(document: Document) -> None:
    reader = Reader()
    for place in placed(document):
        found = properties("d", place)
        for value in found.values():
            assert isinstance(value, str | int) or {type(one) for one in value} <= {str}, "what an engine can store"
        again = reader.statement(found)
        assert again == place.statement
        assert as_written(again) == as_written(place.statement)


@settings(max_examples=100, deadline=None)
@given(documents())
def test_edges_join_nodes_that_are_there(document: Document) -> None:
    layout = Layout("d", placed(document))
    nodes = [(row.labels[0], row.properties[KEYS[row.labels[0]]]) for row in layout.nodes(placed(document))]
    assert len(nodes) == len(set(nodes))
    scopes = {node[1]: node[1].rpartition(".")[0] for node in nodes}
    for edge in layout.edges(placed(document)):
        assert {edge.source, edge.target} <= set(nodes)
        assert scopes[edge.source[1]] == scopes[edge.target[1]], "nothing leads from one scope into another"
    assert layout.statements == sum(len(scope) for scope in document.scopes())


def test_every_kind_has_its_label_and_no_label_is_a_type_of_edge() -> None:
    assert set(LABELS) == set(KINDS)
    assert not {*LABELS.values()} & {upper(kind) for kind in KINDS}


def test_a_thing_has_a_label_for_each_kind_that_it_is() -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("agent", "ex:robot")
    document.add("entity", "ex:robot")
    document.add("wasInfluencedBy", None, {"influencee": "ex:x", "influencer": "ex:robot"})
    document.bundle("ex:b").add("activity", "ex:robot")
    found = [(labels, row["iri"], row["scope"]) for labels, row in Layout("d", placed(document)).things()]
    assert found == [
        ("ProvAgent:ProvEntity", "http://example.org/robot", "d.0"), ("", "http://example.org/x", "d.0"),
        ("ProvActivity", "http://example.org/robot", "d.1"),
    ]  # fmt: skip


def test_a_generation_that_is_named_is_a_statement() -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("wasGeneratedBy", "ex:g", {"entity": "ex:e", "activity": "ex:a"})
    document.add(
        "wasDerivedFrom", None, {"generatedEntity": "ex:e", "usedEntity": "ex:f", "generation": "ex:g", "usage": "ex:u"}
    )
    layout = Layout("d", placed(document))
    ends = layout.ends(Placed(0, 1, document.statements[1]))
    assert ends.references == [("generation", "d.0.0")]
    assert [role for role, _ in ends.arguments] == ["generatedEntity", "usedEntity", "usage"]
    assert [relation for *_, relation in ends.relations] == ["WAS_DERIVED_FROM"]


def test_the_declaration_of_all_kinds_of_elements_has_one_label() -> None:
    assert {LABELS[kind] for kind in ELEMENTS} == {"ProvDeclaration"}
    assert Name("_:x").blank
