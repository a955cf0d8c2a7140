"""A lineage as PROV: the prov package reads it, and it says what was recorded."""

from __future__ import annotations

import io

import pytest

from provgraph.export.native import document, qname
from provgraph.export.prov_json import serialize
from provgraph.export.prov_n import serialize as prov_n
from provgraph.graph.lineage import Lineage
from provgraph.prov.json import read
from provgraph.prov.provn import dumps as notation
from tests.export.lineages import evil, pulled, uuid


@pytest.mark.parametrize("lineage", [pulled(), evil()], ids=["pulled", "evil"])
def test_the_document_survives_our_round_trip_and_that_of_prov(lineage: Lineage) -> None:
    text = serialize(lineage)
    assert read(text) == document(lineage)
    prov = pytest.importorskip("prov.model")
    theirs = prov.ProvDocument.deserialize(io.StringIO(text))
    assert prov.ProvDocument.deserialize(io.StringIO(theirs.serialize())) == theirs
    assert len(theirs.get_records()) == len(document(lineage).statements)
    assert prov.ProvDocument.deserialize(io.StringIO(prov_n(lineage)), format="provn") == theirs


def statements() -> list[str]:
    return [line.strip() for line in notation(document(pulled())).splitlines()]


def test_each_relation_is_said_in_the_words_of_prov() -> None:
    u = {n: f"uuid:{uuid(n)}" for n in range(100)}
    ada = "agent:0123456789abcdef0123"
    said = statements()
    for line in (
        f'wasDerivedFrom({u[2]}, {u[4]}, -, -, -, [provgraph:role="parent", provgraph:index="1" %% xsd:int])',
        f"wasDerivedFrom({u[5]}, {u[13]}, -, -, -, [prov:type='prov:Revision', provgraph:role=\"revision\", "
        'provgraph:index="0" %% xsd:int])',
        f"specializationOf({u[5]}, {u[90]})",
        f"specializationOf({u[13]}, {u[90]})",
        f'wasGeneratedBy({u[10]}, {u[20]}, -, [prov:role="segment"])',
        f'used({u[20]}, {u[12]}, -, [prov:role="environment"])',
        f'used({u[21]}, {u[8]}, -, [prov:role="process_params"])',
        f'wasAssociatedWith({u[21]}, agent:soft, {u[7]}, [prov:role="software"])',
        f'wasAssociatedWith({u[21]}, {ada}, -, [prov:role="operator"])',
        f"wasStartedBy({u[21]}, -, {u[22]}, 2026-11-21T08:00:00.000000Z)",
        f"wasInfluencedBy({u[4]}, {u[11]}, [provgraph:columns=\"1\" %% xsd:int])",
        f"actedOnBehalfOf({ada}, agent:kit, -)",
        f"wasAttributedTo({u[1]}, {ada})",
    ):  # fmt: skip
        assert line in said
    assert not any(line.startswith(f"specializationOf({u[1]}") for line in said)  # its first version shares the IRI


def test_elements_have_type_label_times_and_typed_descriptors() -> None:
    said = statements()
    [select] = [line for line in said if line.startswith(f"entity(uuid:{uuid(1)},")]
    assert "prov:type='provgraph:SelectAttributes', prov:type='prov:Collection', prov:label=\"bright\"" in select
    assert 'provgraph:names="[\\"SDSS\\", \\"z\\", \\"absmag\\"]"' in select
    assert 'provgraph:created="2026-11-21T08:00:00.000000Z" %% xsd:dateTime' in select
    [definition] = [line for line in said if line.startswith(f"entity(uuid:{uuid(7)},")]
    assert "prov:type='prov:Plan'" in definition
    [parameters] = [line for line in said if line.startswith(f"entity(uuid:{uuid(8)},")]
    assert 'parameter:H0="70.0" %% xsd:double, parameter:Om0="0.3" %% xsd:double' in parameters
    [segment] = [line for line in said if line.startswith(f"entity(uuid:{uuid(10)},")]
    assert 'provgraph:n="77429" %% xsd:int' in segment
    assert "inode" not in segment
    [ingest] = [line for line in said if line.startswith(f"activity(uuid:{uuid(20)},")]
    assert "2026-11-21T07:00:00.000000Z, 2026-11-21T07:00:01.900000Z, [prov:type='provgraph:ingest'" in ingest
    assert [line.split("prov:type=")[1].split(",")[0] for line in said if line.startswith("agent(")] == [
        "'prov:Person'", "'prov:SoftwareAgent'", "'prov:Organization'",
    ]  # fmt: skip


def test_only_the_prefixes_in_use_are_declared() -> None:
    assert set(document(pulled()).prefixes) == {"prov", "xsd", "provgraph", "parameter", "uuid", "agent"}
    assert "id" in document(evil()).prefixes


def test_an_id_that_is_no_uuid_becomes_a_name_all_the_same() -> None:
    assert qname(uuid(3)) == f"uuid:{uuid(3)}"
    assert qname("agent:0a1b") == "agent:0a1b"
    assert qname("agent:a b") == "id:agent%3Aa%20b"
    assert qname('é/"') == "id:%C3%A9%2F%22"
