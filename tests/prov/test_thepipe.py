"""What thepipe wrote about a run of KM3NeT, as PROV; and what is none of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provgraph.errors import InvalidInput
from provgraph.prov import Name, dumps, read, validate

FILE = "6e834f07-75c4-4742-addf-bd2196daedfe"
RUN, SESSION = "139d6c8a-a429-41bd-9e06-9dcf5cd91896", "73bfe947-1fc6-4134-8af6-754b9aab142f"


def test_a_run_of_km3net(shared: Path) -> None:
    document = read(shared / "data/km3net/geamon.h5.prov.json")
    arguments = [(s.kind, [getattr(a, "iri", a) for _, a in s.arguments]) for s in document.statements]
    assert ("wasGeneratedBy", [f"urn:uuid:{FILE}", f"urn:uuid:{RUN}"]) in arguments
    assert ("wasStartedBy", [f"urn:uuid:{RUN}", f"urn:uuid:{SESSION}", "2021-02-02T17:50:59.827937+00:00"]) in arguments
    [file] = [s for s in document.statements if s.id == Name(f"urn:uuid:{FILE}")]
    assert [getattr(v, "lexical", "") for n, v in file.attributes if n.qname == "prov:label"] == ["geamon.h5"]
    assert validate(document).valid
    assert read(dumps(document, "prov-n")) == document


def test_a_file_without_uuid_is_known_in_its_run() -> None:
    one = {"uuid": RUN, "name": "p", "parent_activity": None, "input": [{"url": "a.txt", "uuid": None}, {"url": "a.txt"}],
           "output": [], "start": {"time_utc": "2026-01-01T00:00:00"}, "stop": {}, "cycles": {"n": 3}}  # fmt: skip
    document = read(json.dumps([one]))
    assert [s.kind for s in document.statements] == ["activity", "entity", "used", "used"]
    assert document.statements[0].argument("startTime") == "2026-01-01T00:00:00Z"
    assert document.statements[1].id == Name(f"urn:uuid:{RUN}#a.txt")


@pytest.mark.parametrize("text", ["[3", "{}", "[3]", '[{"uuid": "x"}]', "[" * 100_000])
def test_what_thepipe_did_not_write(text: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(text.encode(), "thepipe")
    assert error.value.code == "thepipe_invalid"


def test_it_is_not_written() -> None:
    with pytest.raises(InvalidInput, match="thepipe wrote") as error:
        dumps(read("document endDocument"), "thepipe")
    assert error.value.code == "prov_read_only"
