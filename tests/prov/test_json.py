"""PROV-JSON in and out, on the corpus and on what is hard."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.errors import FileUnreadable, InvalidInput
from provgraph.names import PROV
from provgraph.prov.json import dumps, read, statements, write
from provgraph.prov.model import KINDS, TIMES, XSD, Document, Literal, Name, Reference

#: Files in these folders that are no PROV-JSON: events of OpenLineage.
OTHER_FORMATS = {"openlineage-successful_run_ol_events.json"}


def corpus(shared: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every PROV-JSON document there is."""
    conformance = shared / "conformance" / "prov"
    with zipfile.ZipFile(conformance / "prov-suite.zip") as suite:
        for member in sorted(suite.namelist()):
            if member.endswith(".json"):
                yield member, suite.read(member).decode("utf-8")
    for folder in (conformance / "realworld", conformance / "prov-py" / "unification", shared / "data" / "prov"):
        for path in sorted(folder.glob("*.json")):
            if path.name not in OTHER_FORMATS:
                yield path.name, path.read_text(encoding="utf-8")


def plain(value: Any) -> Any:
    """JSON with what PROV-JSON leaves free made one: a list of one is its member, lists have no order."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        members = sorted((plain(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
        return members[0] if len(members) == 1 else members
    return value


def without_standard_prefixes(document: dict[str, Any]) -> dict[str, Any]:
    prefixes = {k: v for k, v in document.get("prefix", {}).items() if (k, v) not in {("prov", PROV), ("xsd", XSD)}}
    rest = {k: v for k, v in document.items() if k != "prefix" and v}
    return rest | ({"prefix": prefixes} if prefixes else {})


def test_every_document_of_the_corpus_comes_back_as_it_was(shared: Path) -> None:
    different, count = [], 0
    for name, text in corpus(shared):
        document = read(text)
        written = dumps(document)
        again = read(written)
        same = plain(without_standard_prefixes(json.loads(text))) == plain(
            without_standard_prefixes(json.loads(written))
        )
        prefixes = [set(s.prefixes.items()) for s in document.scopes()]
        kept = all(a <= set(b.prefixes.items()) for a, b in zip(prefixes, again.scopes(), strict=True))
        if not (same and again == document and kept and dumps(again) == written):
            different.append(name)
        count += 1
    assert count >= 250
    assert different == []


@pytest.mark.filterwarnings("ignore")  # prov warns of escaped local names, which it will refuse one day
def test_prov_reads_what_we_wrote_as_what_it_read_before(shared: Path) -> None:
    """For every document that the prov package can read: it refuses PROV-Dictionary."""
    prov = pytest.importorskip("prov.model")
    different, refused = [], Counter()
    for name, text in corpus(shared):
        try:
            expected = prov.ProvDocument.deserialize(io.StringIO(text))
        except Exception as error:
            refused[type(error).__name__] += 1
            assert "ictionary" in text or "derivedBy" in text, name
            continue
        if prov.ProvDocument.deserialize(io.StringIO(dumps(read(text)))) != expected:
            different.append(name)
    assert different == []
    assert refused.total() < 60


def test_malformed_documents_are_refused_with_the_place(shared: Path) -> None:
    pointers = {
        "bad_bundle_shape.json": "/bundle",
        "bad_record_shape.json": "/entity",
        "bad_typed_literal.json": "/entity/ex:e1/ex:attr",
        "not_json.json": "",
        "top_level_scalar.json": "",
        "unknown_record_type.json": "/notarealtype",
    }
    for name, pointer in pointers.items():
        with pytest.raises(InvalidInput) as raised:
            read(shared / "conformance" / "prov" / "prov-py" / "malformed" / name)
        assert raised.value.code == "prov_json_invalid"
        assert raised.value.details["pointer"] == pointer
        assert name in raised.value.message
        assert "\n" not in raised.value.message


def ex(body: str) -> str:
    """A document in which the prefix ex is declared."""
    return '{"prefix": {"ex": "http://example.org/"}, ' + body + "}"


@pytest.mark.parametrize(
    ("text", "pointer", "says"),
    [
        ('{"entity": {"nope:e": {}}}', "/entity/nope:e", "prefix 'nope' of 'nope:e' is not declared"),
        ('{"entity": {"e": {}}}', "/entity/e", "no default namespace"),
        (ex('"entity": {"ex:a/b~c": {"ex:x": null}}'), "/entity/ex:a~1b~0c/ex:x", "not null"),
        (ex('"entity": {"ex:e": {"ex:x": [1, {"$": {}}]}}'), "/entity/ex:e/ex:x/1/$", "an object"),
        (ex('"entity": {"ex:e": {"ex:x": {"$": 1, "typ": 2}}}'), "/entity/ex:e/ex:x/typ", "only '$'"),
        (ex('"used": {"_:u": {"prov:entity": 5}}'), "/used/_:u/prov:entity", "a number"),
        (ex('"used": {"_:u": {"prov:time": 5}}'), "/used/_:u/prov:time", "a time must be text"),
        (ex('"bundle": {"ex:b": {"bundle": {}}}'), "/bundle/ex:b/bundle", "cannot hold bundles"),
        (ex('"bundle": {"ex:b": {"@id": "ex:c"}}'), "/bundle/ex:b/@id", "differs"),
        ('{"prefix": {"ex": 1}}', "/prefix/ex", "a namespace must be text"),
        ('{"entity": {"prov:e": {"prov:value": NaN}}}', "", "NaN"),
        ("[]", "", "must be an object, not a list"),
    ],
)  # fmt: skip
def test_an_error_names_the_place_and_what_is_wrong(text: str, pointer: str, says: str) -> None:
    with pytest.raises(InvalidInput, match="PROV-JSON") as raised:
        read(text)
    assert raised.value.code == "prov_json_invalid"
    assert raised.value.details["pointer"] == pointer
    assert says in raised.value.message


def test_a_file_that_is_not_there_or_not_text_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"missing\.json cannot be read"):
        read(tmp_path / "missing.json")
    (tmp_path / "latin.json").write_bytes(b'{"prefix": {"ex": "\xe9"}}')
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read(tmp_path / "latin.json")
    with pytest.raises(InvalidInput, match="nests deeper"):
        read("{" + '"a": {' * 100_000)


def one(text: str) -> Document:
    """A document of one entity with these attributes; it must survive."""
    document = read(ex(f'"entity": {{"ex:e": {{{text}}}}}'))
    again = read(dumps(document))
    assert again == document
    assert again.statements == document.statements
    return again


@pytest.mark.parametrize(
    ("written", "lexical", "datatype"),
    [
        ("1.10", "1.10", "double"), ("1e400", "1e400", "double"), ("-0.0", "-0.0", "double"), ("1E+2", "1E+2", "double"),
        ("7", "7", "int"), ("2147483648", "2147483648", "long"), ("9223372036854775808", "9223372036854775808", "integer"),
        ("true", "true", "boolean"), ('"true"', "true", "string"),
        ('{"$": "1.10", "type": "xsd:decimal"}', "1.10", "decimal"), ('{"$": 1.10, "type": "xsd:decimal"}', "1.10", "decimal"),
        ('{"$": "24:00:00", "type": "xsd:time"}', "24:00:00", "time"),
    ],
)  # fmt: skip
def test_the_lexical_form_and_the_datatype_of_a_value_survive(written: str, lexical: str, datatype: str) -> None:
    document = one(f'"ex:v": {written}')
    [value] = document.statements[0].values(Name("http://example.org/v"))
    assert (value.lexical, value.datatype.iri) == (lexical, XSD + datatype)
    assert json.loads(dumps(document))["entity"] == {"ex:e": {"ex:v": json.loads(written)}}
    assert f": {written}" in dumps(document) or "{" in written


def test_values_that_only_look_alike_stay_apart() -> None:
    assert one('"ex:v": 1') != one('"ex:v": 1.0')
    assert one('"ex:v": 1') != one('"ex:v": true')
    assert one('"ex:v": {"$": "a", "lang": "en"}') != one('"ex:v": {"$": "a", "lang": "EN"}')
    assert one('"ex:v": ["a", "a"]') != one('"ex:v": "a"')
    assert one('"ex:v": {"$": "ex:a", "type": "xsd:QName"}') != one(
        '"ex:v": {"$": "ex:a", "type": "prov:QUALIFIED_NAME"}'
    )
    assert one('"ex:v": "a"') == one('"ex:v": {"$": "a", "type": "xsd:string"}')
    assert one('"ex:v": ["a", "b"]') == one('"ex:v": ["b", "a"]')


def test_statements_are_a_multiset_even_where_a_key_is_repeated() -> None:
    first, second = '{"prov:activity": "ex:a"}', '{"prov:activity": "ex:b"}'
    listed = read(ex(f'"used": {{"ex:u": [{first}, {second}, {first}]}}'))
    assert len(listed) == 3
    repeated = read(ex(f'"used": {{"ex:u": {first}, "ex:u": {second}}}, "used": {{"ex:u": {first}}}'))
    assert repeated == listed == read(dumps(listed))


def test_names_are_read_in_the_scope_they_stand_in() -> None:
    document = read(
        '{"prefix": {"ex": "http://outer/", "default": "http://d/"}, "entity": {"ex:e": {}, "e": {}},'
        ' "bundle": {"ex:b": {"prefix": {"ex": "http://inner/"}, "entity": {"ex:e": {}, "e": {}}}}}'
    )
    [bundle] = document.bundles
    assert bundle.id.iri == "http://outer/b"
    assert [s.id.iri for s in document.statements if s.id] == ["http://outer/e", "http://d/e"]
    assert [s.id.iri for s in bundle.statements if s.id] == ["http://inner/e", "http://d/e"]
    assert read(dumps(document)) == document
    assert document != read(dumps(document).replace("http://inner/", "http://outer/"))


def test_the_prefix_of_a_bundle_may_be_declared_inside_it_only() -> None:
    document = read('{"bundle": {"in:b": {"prefix": {"in": "http://inner/"}, "entity": {"in:e": {}}}}}')
    assert document.bundles[0].id.iri == "http://inner/b"
    assert read(dumps(document)) == document


def test_a_blank_identifier_matters_only_where_something_refers_to_it() -> None:
    free = ex(
        '"wasGeneratedBy": {"_:g": {"prov:entity": "ex:e"}}, "wasDerivedFrom": {"_:d": {"prov:usedEntity": "ex:f"}}'
    )
    bound = free.replace('"prov:usedEntity"', '"prov:generation": "_:g", "prov:usedEntity"')
    assert read(free) == read(free.replace("_:g", "_:other"))
    assert read(bound) != read(bound.replace('"_:g": {', '"_:other": {'))
    assert read(dumps(read(bound))) == read(bound)


def test_an_absolute_iri_needs_no_prefix_and_a_byte_order_mark_does_not_hurt() -> None:
    document = read(
        b"\xef\xbb\xbf" + b'{"entity": {"http://example.org/e": {"prov:type": {"$": "urn:x:y", "type": "xsd:QName"}}}}'
    )
    assert document.statements[0].id == Name("http://example.org/e")
    assert isinstance(document.statements[0].attributes[0][1], Reference)
    assert read(dumps(document)) == document


LOCAL = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=8)
NAMES = st.tuples(st.sampled_from(["ex", "o", "default"]), LOCAL)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
LITERALS = st.one_of(
    st.builds(Literal, TEXT, st.sampled_from([Name(XSD + t) for t in ("string", "decimal", "anyURI")]), st.just(""),
              st.sampled_from(["plain", "typed", "number"])),
    st.builds(Literal, TEXT, st.just(Name(PROV + "InternationalizedString")), st.sampled_from(["en", "de-AT"]),
              st.sampled_from(["plain", "typed"])),
    st.integers(), st.floats(), st.booleans(), TEXT,
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> Document:
    document = Document({"ex": "http://example.org/", "o": "http://example.org/a/", "default": "http://default/"})

    def name() -> Name:
        prefix, local = draw(NAMES)
        return Name(document.prefixes[prefix] + local)

    scopes = [document]
    for _ in range(draw(st.integers(0, 2))):
        scopes.append(document.bundle(name(), {"ex": "http://example.org/b/"}))  # type: ignore[arg-type]
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from([k for k, roles in KINDS.items() if not any("key" in r for r in roles)]))
        arguments = {r: draw(TEXT) if r in TIMES else name() for r in KINDS[kind] if draw(st.booleans())}
        attributes = [(name(), draw(LITERALS)) for _ in range(draw(st.integers(0, 3)))]
        own = name() if kind in {"entity", "activity", "agent"} or draw(st.booleans()) else None
        draw(st.sampled_from(scopes)).add(kind, own, arguments, attributes)
    return document


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(documents())
def test_any_document_comes_back(document: Document) -> None:
    again = read(dumps(document))
    assert again == document
    assert dumps(again) == dumps(read(dumps(again)))


@pytest.mark.parametrize(
    ("text", "pointer", "line"),
    [
        ('{"prefix": {"ex": "http://a/"}, "entity": {"ex:e": {}},\n "prefix": {"ex": "http://b/"}}', "/prefix/ex", 2),
        ('{"prefix": {"ex": "http://a/",\n "ex": "http://b/"}, "entity": {"ex:e": {}}}', "/prefix/ex", 2),
        ('{"entity": {"ex:e": {}},\n "prefix": {"o": "http://a/", "ex": "http://a/"}, "prefix": {"ex": "x"}}', "/prefix/ex", 2),
        ('{"bundle": {"prov:b": {"prefix": {"ex": "http://a/"}, "prefix": {"ex": "http://b/"}}}}', "/bundle/prov:b/prefix/ex", 1),
    ],
)  # fmt: skip
def test_a_prefix_with_two_meanings_is_refused(text: str, pointer: str, line: int) -> None:
    for reading in (read, lambda source: list(statements(source))):
        with pytest.raises(InvalidInput, match="the prefix 'ex' is declared twice") as raised:
            reading(text)
        assert raised.value.code == "prov_json_invalid"
        assert (raised.value.details["pointer"], raised.value.details["line"]) == (pointer, line)


def test_a_prefix_declared_twice_for_the_same_does_no_harm() -> None:
    document = read(
        '{"prefix": {"ex": "http://a/", "ex": "http://a/"}, "entity": {"ex:e": {}}, "prefix": {"ex": "http://a/"}}'
    )
    assert read(dumps(document)) == document
    assert document.statements[0].id == Name("http://a/e")
    read('{"bundle": {"prov:b": [{"prefix": {"ex": "http://a/"}}, {"prefix": {"ex": "http://b/"}}]}}')


def test_a_name_keeps_its_iri_when_its_prefix_means_something_else() -> None:
    document = Document({"ex": "http://a/"})
    document.add(
        "entity", "ex:e", {}, [("ex:p", Reference(Name("http://a/v", "ex:v"), Name(XSD + "QName", "ex:QName")))]
    )
    bundle = document.bundle("ex:b", {"in": "http://in/"})
    bundle.add("entity", "ex:e")
    bundle.add("entity", "in:e")
    document.prefixes["ex"] = "http://b/"
    bundle.prefixes["in"] = "http://c/"
    bundle.prefixes["ex"] = "http://d/"
    again = read(dumps(document))
    assert again == document
    assert [s.id for s in again.bundles[0].statements] == [Name("http://a/e"), Name("http://in/e")]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (ex('"entity": {"ex:e": {"ex:a": "a\\ud800b"}}'), "/entity/ex:e/ex:a"),
        (ex('"entity": {"ex:e": {"ex:a": ["x", {"$": "\\\\\\uDC00", "type": "xsd:string"}]}}'), "/entity/ex:e/ex:a/1/$"),
        (ex('"entity": {"ex:\\udfff": {}}'), ""),
        (ex('"x:y": {"a\\ud83dx": 1}'), "/x:y"),
        ('{"prefix": {"ex": "http://\\ud800/"}}', "/prefix/ex"),
    ],
)  # fmt: skip
def test_half_of_a_surrogate_pair_is_refused(text: str, pointer: str) -> None:
    with pytest.raises(InvalidInput, match="half of a surrogate pair") as raised:
        read(text)
    assert raised.value.code == "prov_json_invalid"
    assert (raised.value.details["pointer"], raised.value.details["line"]) == (pointer, 1)
    raised.value.message.encode()


def test_a_whole_surrogate_pair_and_a_backslash_before_its_half_are_text() -> None:
    document = one('"ex:a": ["\\ud83d\\ude00", "\\\\ud800"]')
    assert [v.lexical for _, v in document.statements[0].attributes] == ["\U0001f600", "\\ud800"]  # type: ignore[union-attr]


def test_half_of_a_surrogate_pair_in_memory_is_a_loss() -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("entity", "ex:e", {}, [("ex:a", "a\ud83d\ude00")])
    text, losses = write(document)
    assert ["surrogate" in one.reason for one in losses] == [True]
    assert read(text.encode()).statements[0].values(Name("http://example.org/a"))[0] == Literal("a\ufffd\ufffd")
