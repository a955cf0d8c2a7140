"""What differs between two documents."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provgraph.prov.difference import diff
from provgraph.prov.formats import read
from provgraph.prov.model import QUALIFIED_NAME, Document, Literal, Name, Reference, Scope, Statement, Unknown, xsd
from provgraph.prov.normal import equivalent
from tests.prov.test_constraints import HARD, document, documents

BLANK = ("_:x", "_:y", "_:i", "_:k")


def blanks(scope: Scope) -> list[str]:
    found: set[str] = set()
    for s in scope.statements:
        names = [s.id, *(a for _, a in s.arguments), *(v.name for _, v in s.attributes if isinstance(v, Reference))]
        found |= {n.iri for n in names if isinstance(n, Name) and n.blank}
    return sorted(found)


def renamed(s: Statement, names: dict[str, str]) -> Statement:
    def name(n: Any) -> Any:
        return Name(names.get(n.iri, n.iri), n.qname) if isinstance(n, Name) and n.blank else n

    return replace(
        s, id=name(s.id), arguments=tuple((r, name(a)) for r, a in s.arguments),
        attributes=tuple((n, replace(v, name=name(v.name)) if isinstance(v, Reference) else v) for n, v in s.attributes),
    )  # fmt: skip


def renamings(a: Scope, b: Scope) -> Iterator[dict[str, str]]:
    mine, theirs = blanks(a), blanks(b)
    spare = [f"_:spare{i}" for i in range(max(0, len(mine) - len(theirs)))]
    return (dict(zip(mine, chosen, strict=True)) for chosen in itertools.permutations([*theirs, *spare], len(mine)))


def equal(a: Document, b: Document) -> bool:
    """By trying every renaming of blank names, scope by scope."""
    if [s.id for s in a.bundles] != [s.id for s in b.bundles]:
        return False
    for one, two in zip(a.scopes(), b.scopes(), strict=True):
        for names in renamings(one, two):
            other = Scope()
            other.statements = [renamed(s, names) for s in one.statements]
            if other.canonical() == two.canonical():
                break
        else:
            return False
    return True


@given(documents(), st.randoms(use_true_random=False), st.sampled_from(("nothing", "less", "more", "other")))
@HARD
def test_nothing_differs_exactly_where_documents_are_equal_up_to_blank_names(
    a: Document, random: Any, change: str
) -> None:
    b = Document(a.prefixes)
    for scope in a.scopes():
        other = b if scope is a else b.bundle(scope.id)  # type: ignore[attr-defined]
        names = dict(zip(BLANK, random.sample(BLANK, len(BLANK)), strict=True))
        other.statements = [renamed(s, names) for s in scope.statements]
        random.shuffle(other.statements)
    assert diff(a, b).same
    if b.statements and change == "less":
        b.statements.pop()
    elif b.statements and change == "more":
        b.statements.append(random.choice(b.statements))
    elif b.statements and change == "other":
        s = b.statements[0]
        other_names = tuple((r, Name(random.choice(BLANK)) if isinstance(v, Name) else v) for r, v in s.arguments)
        b.statements[0] = replace(s, arguments=other_names)
    found = diff(a, b)
    assert found.same == equal(a, b)
    assert diff(b, a).same == found.same
    json.dumps(found.as_dict())
    assert str(found).startswith("same" if found.same else "different: ")


def test_each_change_is_a_sentence() -> None:
    a = document(
        ("activity", "ex:run", "2026-01-01T00:00:00Z"), ("entity", "ex:flat"), ("used", None, "ex:run", "ex:flat"),
        ("wasGeneratedBy", "ex:g", "ex:image", "ex:run"), ("agent", "ex:ann"), ("agent", "ex:ann"),
    )  # fmt: skip
    a.add("wasAssociatedWith", None, {"activity": "ex:run", "agent": "ex:ann"}, [("prov:role", "observer")])
    b = document(
        ("activity", "ex:run", "2026-01-02T00:00:00Z"), ("entity", "ex:flat"), ("used", None, "ex:run", "ex:other"),
        ("wasGeneratedBy", "ex:g", "ex:image", "ex:run", "2026-01-02T01:00:00Z"), ("agent", "ex:ann"), ("entity", "ex:other"),
    )  # fmt: skip
    b.add(
        "wasAssociatedWith",
        None,
        {"activity": "ex:run", "agent": "ex:ann"},
        [("prov:role", "author"), ("ex:paid", True)],
    )
    bundle = b.bundle("ex:extra")
    bundle.add("entity", "ex:e")
    found = diff(a, b)
    assert not found.same
    assert str(found) == (
        "different: 2 added, 1 removed, 4 changed\n"
        "~ activity ex:run: startTime changed from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z.\n"
        "~ wasGeneratedBy ex:g: time 2026-01-02T01:00:00Z was added.\n"
        '~ wasAssociatedWith(ex:run, ex:ann): prov:role changed from "observer" to "author"; '
        'ex:paid "true" %% xsd:boolean was added.\n'
        "~ used(ex:run, ex:flat): entity changed from ex:flat to ex:other.\n"
        "- agent(ex:ann) was removed.\n"
        "+ entity(ex:other) was added.\n"
        "+ Bundle ex:extra was added.\n"
        "+ entity(ex:e) was added in bundle ex:extra."
    )
    assert found.counts() == {"added": 2, "removed": 1, "changed": 4}
    first = found.as_dict()["changes"][0]
    assert (first["kind"], first["before"], first["count"]) == ("changed", "activity(ex:run, 2026-01-01T00:00:00Z)", 1)


def test_only_the_statement_that_changed_is_told_where_blank_names_hang_together() -> None:
    def made(prefix: str, entity: str) -> Document:
        return document(
            ("wasGeneratedBy", f"_:{prefix}g", "ex:new", "ex:a"), ("used", f"_:{prefix}u", "ex:a", entity),
            ("wasDerivedFrom", None, "ex:new", "ex:old", "ex:a", f"_:{prefix}g", f"_:{prefix}u"),
        )  # fmt: skip

    assert diff(made("one", "ex:old"), made("two", "ex:old")).same
    found = diff(made("one", "ex:old"), made("two", "ex:older"))
    assert [str(c) for c in found.changes] == ["used(ex:a, ex:old): entity changed from ex:old to ex:older."]


def test_bundles_of_one_name_and_what_prov_does_not_know() -> None:
    def made(*names: str) -> Document:
        whole = document()
        for name in names:
            whole.bundle("ex:b").add("entity", name)
        return whole

    assert diff(made("ex:1", "ex:2"), made("ex:2", "ex:1")).same
    assert diff(made("ex:1", "ex:1"), made("ex:1")).counts() == {"added": 0, "removed": 1, "changed": 0}
    other = made("ex:1")
    other.unknown.append(Unknown("prov-json", "extension", "{}"))
    assert str(diff(made("ex:1"), other).changes[0]) == "extension of prov-json, which PROV does not know, was added."
    assert diff(other, other).same


def test_large_documents_are_quick() -> None:
    def made(changed: int) -> Document:
        whole = Document({"ex": "http://example.org/"})
        for i in range(5000):
            whole.add("entity", f"ex:e{i}", {}, [("ex:n", i + (i < changed))])
            whole.add("activity", f"ex:a{i}")
            whole.add("wasGeneratedBy", f"_:g{i}", {"entity": f"ex:e{i}", "activity": f"ex:a{i}"})
            whole.add("used", f"_:u{i}", {"activity": f"ex:a{i}", "entity": f"ex:e{i - 1}"})
            whole.add("wasDerivedFrom", None, {
                "generatedEntity": f"ex:e{i}", "usedEntity": f"ex:e{i - 1}", "generation": f"_:g{i}", "usage": f"_:u{i}",
            })  # fmt: skip
        return whole

    a, b = made(0), made(100)
    b.statements.reverse()
    began = perf_counter()
    found = diff(a, b)
    assert perf_counter() - began < 20  # on any machine; benchmarks have the figure
    assert found.counts() == {"added": 0, "removed": 0, "changed": 100}


def one(namespace: str, value: Any, prefix: str = "ex") -> Document:
    made = Document({prefix: namespace, "xs": "http://www.w3.org/2001/XMLSchema#"})
    made.add("entity", f"{prefix}:e", {}, [("prov:value", value)])
    return made


def test_the_two_datatypes_of_names_are_one() -> None:
    name = Name("http://example.org/t", "ex:t")
    mine, other = (one("http://example.org/", Reference(name, datatype)) for datatype in (xsd("QName"), QUALIFIED_NAME))
    assert mine != other
    assert diff(mine, other).same
    assert equivalent(mine, other)
    for whole in (mine, other):  # one that contradicts itself
        whole.add("activity", "ex:e")
    assert equivalent(mine, other)
    blank = Reference(Name("_:x", "_:x"), xsd("QName"))
    assert diff(one("http://a/", blank), one("http://a/", Reference(Name("_:y", "_:y")))).same


def test_the_pc1_documents_of_the_folder_are_the_same(shared: Path) -> None:
    assert str(diff(*(read(shared / "data/prov" / name) for name in ("pc1.json", "pc1.provn")))) == "same"


def test_what_looks_the_same_is_told_by_its_iri() -> None:
    found = diff(one("http://a/", 1), one("http://b/", 1))
    assert str(found) == (
        "different: 1 added, 1 removed, 0 changed\n"
        '- entity(http://a/e, [prov:value="1" %% xsd:int]) was removed.\n'
        '+ entity(http://b/e, [prov:value="1" %% xsd:int]) was added.'
    )
    assert [c["before"] or c["after"] for c in found.as_dict()["changes"]] == [
        'entity(http://a/e, [prov:value="1" %% xsd:int])', 'entity(http://b/e, [prov:value="1" %% xsd:int])',
    ]  # fmt: skip
    assert found.changes[0].before is not None
    mine = one("http://a/", Reference(Name("http://b/x", "y:x")))
    other = one("http://a/", Reference(Name("http://c/x", "y:x")))
    assert str(diff(mine, other).changes[0]) == "entity ex:e: prov:value changed from 'http://b/x' to 'http://c/x'."
    whole = [Document({"ex": f"http://{n}/"}) for n in "ab"]
    for made in whole:
        made.bundle("ex:b").add("entity", "ex:e")
    assert "- Bundle http://a/b was removed.\n" in str(diff(*whole))


def test_what_looks_the_same_is_told_by_datatype_and_text() -> None:
    def change(old: Any, new: Any) -> str:
        return str(diff(one("http://a/", old), one("http://a/", new)).changes[0])

    assert change("a b", "a  b") == (
        "entity ex:e: prov:value changed from 'a b' %% <http://www.w3.org/2001/XMLSchema#string> "
        "to 'a  b' %% <http://www.w3.org/2001/XMLSchema#string>."
    )
    mine, other = (Literal("x", datatype, "en") for datatype in (xsd("string"), xsd("token")))
    assert "%% <http://www.w3.org/2001/XMLSchema#token>" in change(mine, other)
    said = change("x" * 100 + "1" + "y" * 100, "x" * 100 + "2" + "y" * 100)
    assert f"from '…{'x' * 20}1y" in said.replace("…'", "'…")
    assert f"to '…{'x' * 20}2y" in said.replace("…'", "'…")
    assert change(Literal("1", Name("http://t/a", "t:a")), Literal("1", Name("http://u/a", "t:a"))) == (
        'entity ex:e: prov:value changed from "1" %% http://t/a to "1" %% http://u/a.'
    )
