"""Every format in and out: the conformance folder by name, what is lost, bad input, files on disk."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from provgraph.errors import FileUnreadable, InvalidInput, MissingExtra, StorageError
from provgraph.prov import (
    FORMATS,
    Document,
    Literal,
    Name,
    Reference,
    dumps,
    from_prov,
    loss,
    read,
    statements,
    to_prov,
    write,
)
from provgraph.prov.model import Entries, Scope, Statement, Unknown, xsd
from tests.prov import fuzz
from tests.prov.conformance import Case, cases, losses, outcome
from tests.prov.drawn import documents

OUTCOMES = Path(__file__).parent / "outcomes.csv"
#: Serialisations of one case of the suite that say something else than its PROV-JSON, in the files themselves.
SAID_OTHERWISE = {
    "prov-n": {
        # {} in PROV-N, nothing in PROV-JSON
        "test-dictionaryInsertion1-M", "test-dictionaryInsertion2-S", "test-dictionaryRemoval2-S",
        "test-primer",  # has a statement more
    },
}  # fmt: skip


def listed() -> dict[str, tuple[str, dict[str, int]]]:
    """Outcome and losses by path, as python -m tests.prov.conformance wrote them."""
    with OUTCOMES.open(encoding="utf-8") as file:
        return {
            row["path"]: (row["outcome"], {k: int(n) for k, n in (w.rsplit(":", 1) for w in row["lost"].split())})
            for row in csv.DictReader(file)
        }


def test_every_document_of_the_folder_has_the_outcome_that_is_listed(shared: Path) -> None:
    known = listed()
    found = {case.path: outcome(case) for case in cases(shared)}
    assert {p: (o, known.get(p, ("",))[0]) for p, o in found.items() if known.get(p, ("",))[0] != o} == {}
    assert found.keys() == known.keys()


def test_what_must_be_rejected_is_and_nothing_that_prov_reads(shared: Path) -> None:
    known = listed()
    for case in cases(shared):
        refused = known[case.path][0].startswith("refused")
        if case.expected == "must-reject":
            assert refused, case.path
        elif refused:
            assert case.prov.startswith("err:"), case.path


def few(shared: Path, every: int) -> list[Case]:
    return [
        c for i, c in enumerate(cases(shared)) if len(c.content) < 200_000 and (i % every == 0 or "scruffy" in c.path)
    ]


def test_documents_come_back_equal_from_every_format_or_the_report_names_what_is_lost(shared: Path) -> None:
    """A part of the folder; all of it in the slow test below."""
    known = listed()
    for case in few(shared, 25):
        if known[case.path][0].startswith("read"):
            assert {k: n for k, n in losses(case).items() if n} == known[case.path][1], case.path


@pytest.mark.slow
def test_all_documents_come_back_equal_from_every_format_or_the_report_names_what_is_lost(shared: Path) -> None:
    known = listed()
    for case in cases(shared):
        if known[case.path][0].startswith("read"):
            assert {k: n for k, n in losses(case).items() if n} == known[case.path][1], case.path


def said(document: Document, *, toolbox: bool = False) -> Counter[str]:
    """What a document states, with one spelling of what serialisations of the suite spell differently."""
    found: Counter[str] = Counter()
    for scope in document.scopes():
        for (kind, own, arguments, attributes), n in scope.canonical().items():
            plain = [(name.iri, f"<{v.name.iri}>" if isinstance(v, Reference) else (v.lexical, v.datatype.iri, v.language), k)
                     for (name, v), k in attributes]  # fmt: skip
            places = sorted(re.sub(r", qname='[^']*'", "", repr(a)) for a in arguments)
            text = repr((getattr(scope, "id", Name("")).iri, kind, own, places, sorted(plain, key=repr)))
            if (
                toolbox
            ):  # ProvToolbox doubles underscores in XML and puts one before a digit; its XMLLiterals get white space
                text = re.sub(r"(example\d?\.org/)_(\d)", r"\1\2", text.replace("__", "_"))
                text = re.sub(r"(\\n|\s)+(?=<)|(?<=>)(\\n|\s)+", "", text) if "XMLLiteral" in text else text
            found[text] += n
    return found


@pytest.mark.parametrize(("format", "alike"), [("prov-n", 241), ("prov-xml", 228), ("turtle", 223), ("trig", 226)])
def test_serialisations_of_a_case_of_the_suite_say_the_same(shared: Path, format: str, alike: int) -> None:
    suite: dict[str, dict[str, Case]] = defaultdict(dict)
    for case in cases(shared):
        if case.path.startswith("prov-suite/"):
            suite[case.path.split("/")[1]][case.format] = case
    same = set()
    compared = {name for name, found in suite.items() if format in found}
    for name in compared:
        first, other = (FORMATS[f].read(suite[name][f].content) for f in ("prov-json", format))
        if said(first, toolbox=format == "prov-xml") == said(other, toolbox=format == "prov-xml"):
            same.add(name)
    assert len(same) >= alike, sorted(compared - same)
    assert format not in SAID_OTHERWISE or compared - same == SAID_OTHERWISE[format]


@pytest.mark.parametrize("format", FORMATS)
def test_a_random_document_comes_back_equal_or_something_is_reported(format: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents())
    def check(document: Document) -> None:
        text, lost = FORMATS[format].write(document)
        again = FORMATS[format].read(text.encode("utf-8"))
        assert again == document or lost
        if not lost and format == "prov-n":  # the placeholder is not absence
            dashes = {s.dashes for s in document.statements if s.dashes is not None and len(s.single()) == 1}
            assert dashes <= {s.dashes for s in again.statements} | {()}

    check()


@pytest.mark.parametrize("seed", range(4))
def test_broken_files_are_read_or_refused_with_one_located_error(seed: int) -> None:
    wrong: list[tuple[str, bytes, str]] = []
    outcomes = fuzz.run(500, seed, lambda *found: wrong.append(found), fuzz.AN_END)
    assert wrong == []
    assert outcomes.total() == 500


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_written_whole_and_recognised_again(format: str, tmp_path: Path) -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("entity", "ex:e", {}, [("ex:n", 5)])
    document.add("wasGeneratedBy", None, {"entity": "ex:e", "activity": "ex:a", "time": "2026-11-21T12:00:00Z"})
    assert loss(document, format) == []
    for suffix in FORMATS[format].suffixes:
        path = tmp_path / f"run{suffix}"
        assert write(document, path) == []
        assert read(path) == read(str(path)) == document
    text = path.read_text(encoding="utf-8")
    assert text == dumps(document, format)
    assert read(text) == read(text.encode()) == read(text.encode("utf-8-sig")) == document
    (tmp_path / "unknown").write_bytes(text.replace('encoding="UTF-8"', "").encode("utf-16"))
    assert read(tmp_path / "unknown") == document
    assert [s for _, s in statements(path)] == list(read(path).statements)
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.name.endswith(".part")) == []


def test_where_something_would_be_lost_nothing_is_written_unless_it_is_wanted(tmp_path: Path) -> None:
    document = Document({"ex": "http://example.org/"})
    document.add("entity", "ex:e")
    document.bundle("ex:b").add("entity", "ex:e")
    [one] = loss(document, "turtle")
    assert str(one) == "bundle ex:b: Turtle has no bundles; its 1 statements are left out."
    assert loss(document, "trig") == []
    with pytest.raises(InvalidInput, match=r"turtle cannot say everything: bundle ex:b: .* lossy=True") as raised:
        write(document, tmp_path / "run.ttl")
    assert raised.value.code == "prov_lossy"
    assert list(tmp_path.iterdir()) == []
    assert write(document, tmp_path / "run.ttl", lossy=True) == [one]
    assert read(tmp_path / "run.ttl").bundles == []


def stated(kind: str, **given: Any) -> Document:
    document = Document({"ex": "http://example.org/"})
    attributes = given.pop("attributes", ())
    document.add(kind, given.pop("id", None), given, attributes)
    return document


TWICE = stated("entity", id="ex:e", attributes=[("ex:x", 1), ("ex:x", 1)])
SCRUFFY = stated("used", id="ex:u", activity="ex:a", entity="ex:e")
SCRUFFY.add("used", "ex:u", {"activity": "ex:b"})


@pytest.mark.parametrize(
    ("document", "format", "says"),
    [
        (TWICE, "turtle", "entity ex:e: ex:x has the same value 2 times; RDF says it once."),
        (SCRUFFY, "trig", "used ex:u: another statement is about the identifier ex:u too; RDF cannot keep them apart."),
        (stated("mentionOf", specificEntity="ex:e", generalEntity="ex:f", bundle="ex:b"), "jsonld",
         "mentionOf of ex:e and ex:f: PROV-JSONLD has no mentionOf; the statement is left out."),
        (stated("entity", id="ex:e", attributes=[("ex:x", "a\x00b")]), "prov-xml",
         "entity ex:e: a text holds characters that XML cannot; they are replaced."),
        (stated("entity", id="ex:a b"), "prov-n",
         "entity ex:a b: the name 'http://example.org/a b' holds characters that PROV-N cannot; they are percent-encoded."),
        (stated("activity", id="ex:a", startTime="yesterday"), "prov-n",
         "activity ex:a: startTime 'yesterday' is no xsd:dateTime; it is left out."),
        (stated("used", id="ex:u", entity="ex:e", attributes=[("prov:entity", "x")]), "prov-json",
         "used ex:u: its attribute prov:entity has the name of an argument; it is left out."),
        (stated("entity", id="ex:e", attributes=[("ex:x", Literal("1", xsd("int"), "en"))]), "prov-n",
         "entity ex:e: a value has a language and the datatype xsd:int; the datatype is left out."),
    ],
)  # fmt: skip
def test_a_report_says_where_and_what(document: Document, format: str, says: str) -> None:
    assert [str(one) for one in loss(document, format)] == [says]
    assert FORMATS[format].read(dumps(document, format)) != document
    others = {"prov-json", "prov-n", "prov-xml"} - {format}
    for other in others:
        if not loss(document, other):
            assert FORMATS[other].read(dumps(document, other)) == document


def test_hard_cases_survive_everywhere_they_can_be_said() -> None:
    document = Document({"ex": "http://example.org/", "default": "http://d/"})
    document.add("wasGeneratedBy", "_:g1", {"entity": "ex:e", "activity": "a", "time": "-0044-03-15T12:00:00Z"})
    document.add("wasDerivedFrom", None, {"generatedEntity": "ex:e", "usedEntity": "f", "generation": "_:g1"})
    document.add("entity", Name("http://nowhere.example/é#x(1)"), {}, [
        ("ex:n", Literal("1.10", xsd("decimal"))), ("ex:n", 2**70), ("ex:n", Literal("x", Name("http://t/#y"))),
        ("ex:big", "x" * 1_000_000), ("ex:ref", Name("http://example.org/a/b")),
    ])  # fmt: skip
    pairs = (
        (Literal("1", xsd("int")), Name("http://example.org/e")),
        (Reference(Name("http://d/k")), Name("http://d/f")),
    )
    document.add(
        "derivedByInsertionFrom", "ex:i", {"after": "ex:d2", "before": "ex:d1", "key-entity-set": Entries(pairs)}
    )
    document.bundle("ex:b", {"ex": "http://inner/"}).add("entity", "ex:b")
    for format in ("prov-json", "prov-n", "prov-xml", "trig"):
        assert loss(document, format) == [], format
        assert FORMATS[format].read(dumps(document, format)) == document, format
    assert [one.statement.kind for one in loss(document, "jsonld") if one.statement] == ["derivedByInsertionFrom"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_namespace_that_no_encoding_can_write(format: str, tmp_path: Path) -> None:
    document = Document({"ex": "http://example.org/", "half": "\ud800"})
    document.add("entity", "ex:e")
    document.bundle("half:b").add("entity", "ex:e")
    path = tmp_path / "half"
    write(document, path, format, lossy=True)
    assert len(read(path, format).statements) == 1
    assert loss(document, format)


def test_the_placeholder_is_kept_apart_from_absence() -> None:
    text = "document\n  prefix ex <http://e/>\n  used(ex:a)\n  used(ex:a, -, -)\n  wasAssociatedWith(ex:a, ex:b, -)\nendDocument\n"
    assert [s.dashes for s in read(text).statements] == [(), ("entity", "time"), ("plan",)]
    assert dumps(read(text), "prov-n") == text


def test_what_prov_does_not_know_is_kept_and_reported() -> None:
    found = read('{"$schema": "https://x/y", "x:notes": {"a": [1, 2.50]}, "entity": {}}')
    assert found.unknown == [
        Unknown("prov-json", "$schema", '"https://x/y"'),
        Unknown("prov-json", "x:notes", '{"a": [1, 2.50]}'),
    ]
    assert read(dumps(found)) == found
    assert [str(one) for one in loss(found, "prov-n")] == [
        "the document: the section '$schema' of prov-json has no place in PROV-N.",
        "the document: the section 'x:notes' of prov-json has no place in PROV-N.",
    ]
    for text in (
        "document\nprefix ex <http://e/>\nex:special(ex:a; \"x)\", [ex:b='ex:c'])\nendDocument",
        '<prov:document xmlns:prov="http://www.w3.org/ns/prov#"><y:z xmlns:y="http://y/"><y:w/>a</y:z></prov:document>',
        "@prefix prov: <http://www.w3.org/ns/prov#> . <http://e/> a prov:Entity . <http://x/> <http://y/> 5 .",
        '{"@context": [], "@graph": [{"@type": "x:y"}], "title": "a"}',
    ):
        document = read(text)
        assert document.unknown
        name = next(f for f in FORMATS if not loss(document, f))
        assert read(dumps(document, name), name) == document
        assert loss(document, "prov-json")


XML = '<prov:document xmlns:prov="http://www.w3.org/ns/prov#">'


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        ("document\n  used(ex:a)\nendDocument", "prov_n_invalid", 2, "prefix 'ex' of 'ex:a' is not declared"),
        ("document\n  prefix ex <http://e/>\n  usd(ex:a)\nendDocument", "prov_n_invalid", 3, "did you mean 'used'?"),
        ("document\n  bundle _:b\n", "prov_n_invalid", 2, ""),
        ('<?xml version="1.0"?>\n<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<d>&x;</d>', "prov_xml_invalid", 2,
         "a document type declaration is not read"),
        (f'{XML}\n<prov:usd/></prov:document>', "prov_xml_invalid", 2, "did you mean 'used'?"),
        (f'{XML}\n<prov:used><prov:entity prov:ref="x:e"/></prov:used></prov:document>', "prov_xml_invalid", 2,
          "the prefix 'x' of 'x:e' is not declared"),
        ("@prefix prov: <http://www.w3.org/ns/prov#> .\n<http://e/> a pro:Entity .", "prov_turtle_invalid", 2,
         "did you mean 'prov'?"),
        ('@prefix e: <http://e/> .\n{ e:a e:says "a \\\nb" . }', "prov_trig_invalid", 2, "there is no escape"),
        ('{"@context": "https://evil.example/context",\n "@graph": []}', "prov_jsonld_invalid", 1, "is not fetched"),
        ('{"@context": [],\n "@graph": [{"@type": "Entity", "@id": "x:e"}]}', "prov_jsonld_invalid", 2,
         "the prefix 'x' of 'x:e' is not declared"),
        ('{"@graph": [\n {"@type": "Usge"}]}', "prov_jsonld_invalid", 2, "did you mean 'Usage'?"),
        ('{"@context": [\n {"ex": "http://a/", "@import": "http://evil.example/c"}], "@graph": []}', "prov_jsonld_invalid", 2,
         "so that none is imported"),
        ('{"@context": {"ex": "http://a/", "ex": "http://b/"}, "@graph": []}', "prov_jsonld_invalid", 1, "'ex' is declared twice"),
        ('{"@context": [],\n "@context": [], "@graph": []}', "prov_jsonld_invalid", 2, "has one @context"),
        ('{"@context": {"ex": "http://a/"},\n "@graph": [{"@type": "Entity", "@id": "ex:e", "ex:p": [{"@value": "\\ud800"}]}]}',
         "prov_jsonld_invalid", 2, "half of a surrogate pair"),
        ('{"prefix": {"ex": "http://e/"},\n "entity": {"ex:e":\n  {"ex:x": null}}}', "prov_json_invalid", 3, "not null"),
        ('{"bundle": {"x:b":\n {}}}', "prov_json_invalid", 2, "prefix 'x' of 'x:b' is not declared"),
    ],
)  # fmt: skip
def test_an_error_has_its_line(text: str, code: str, line: int, says: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(text)
    assert (raised.value.code, raised.value.details["line"]) == (code, line)
    assert says in raised.value.message
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    "nested",
    ['{"a":' * 100_000, "[" * 100_000, '{"entity": {"ex:e": {"x": ' + "[" * 100_000, "document " + "(" * 100_000,
     "@prefix : <http://e/> . :a :b " + "[ :b " * 100_000, XML + "<prov:used>" * 100_000],
)  # fmt: skip
def test_deep_nesting_is_one_error(nested: str) -> None:
    with pytest.raises(InvalidInput):
        read(nested)


def test_encodings_are_read_or_refused(tmp_path: Path) -> None:
    text = '{"prefix": {"ex": "http://é/"}, "entity": {"ex:e": {}}}'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        assert read(text.encode(encoding)) == read(text), encoding
    with pytest.raises(InvalidInput, match="not UTF-8 text: byte 26 in line 1"):
        read(text.encode("latin-1"), "prov-json")
    xml = f'<?xml version="1.0" encoding="ISO-8859-1"?>{XML[:-1]} xmlns:e="http://é/"/>'
    assert read(xml.encode("latin-1")).prefixes["e"] == "http://é/"
    assert read(xml).prefixes["e"] == "http://é/"


def test_what_is_no_document_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no PROV format 'json'; did you mean 'jsonld' or 'prov-json'"):
        read("{}", "json")
    with pytest.raises(FileUnreadable, match=r"missing\.provn cannot be read"):
        read(tmp_path / "missing.provn")
    with pytest.raises(FileUnreadable, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "notes.txt").write_text("dear diary")
    with pytest.raises(FileUnreadable, match="not recognised as a PROV document; say format="):
        read(tmp_path / "notes.txt")
    with pytest.raises(InvalidInput, match="says no format of PROV"):
        write(Document(), tmp_path / "run.txt")
    with pytest.raises(StorageError, match="cannot be written"):
        write(Document(), tmp_path / "no" / "run.provn")


def large(path: Path, n: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{"entity": {')
        for i in range(n):
            file.write(f'{"," if i else ""}\n"ex:e{i}": {{"ex:size": {i}, "ex:name": "frame {i} {"x" * 200}"}}')
        file.write('},\n"prefix": {"ex": "http://example.org/"}}')


def test_a_large_file_is_gone_through_in_little_memory(tmp_path: Path) -> None:
    large(tmp_path / "large.json", 200_000)  # 50 MB
    code = (
        "import sys; from provgraph.prov import statements; from benchmarks.figure import peak\n"
        "before = peak()\n"
        "count = sum(s.id.iri.startswith('http://example.org/e') for _, s in statements(sys.argv[1]))\n"
        "print(count, (peak() - before) // 2**20)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "large.json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 200_000
    assert megabytes < 40


@pytest.mark.parametrize("suffix", ["ttl", "trig"])
def test_a_file_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"huge.{suffix}"
    with path.open("wb") as file:
        file.truncate(4 << 30)  # no blocks of the disk
    for way in (read, lambda file: list(statements(file))):
        with pytest.raises(
            InvalidInput, match=r"has 4,096 MiB\..* read up to 128 MiB; have it written as PROV-JSON"
        ) as raised:
            way(path)
        assert raised.value.code == "prov_too_large"


@pytest.mark.parametrize("format", FORMATS)
def test_statements_are_those_of_the_document(format: str) -> None:
    document = fuzz.example()
    text = dumps(document, format)
    found: dict[int, tuple[Scope, list[Statement]]] = {}
    for scope, statement in statements(text, format):
        found.setdefault(id(scope), (scope, []))[1].append(statement)
    read_again = read(text, format)
    assert [s for _, s in found.values()] == [s.statements for s in read_again.scopes() if s.statements]


def test_documents_of_prov_convert_both_ways() -> None:
    pytest.importorskip("prov.model")
    document = Document({"ex": "http://example.org/"})
    document.add("entity", "ex:e", {}, [("ex:n", 5), ("prov:label", "x")])
    document.add("wasGeneratedBy", "ex:g", {"entity": "ex:e", "activity": "ex:a", "time": "2026-11-21T12:00:00+00:00"})
    document.bundle("ex:b").add("agent", "ex:ag")
    theirs = to_prov(document)
    assert len(theirs.get_records()) == 2
    assert from_prov(theirs) == document
    assert to_prov(from_prov(theirs)) == theirs
    with pytest.raises(InvalidInput, match="no PROV-Dictionary: derivedByRemovalFrom"):
        to_prov(stated("derivedByRemovalFrom", after="ex:a"))
    with pytest.raises(InvalidInput, match="takes a ProvDocument, not str"):
        from_prov("{}")


def test_without_prov_everything_but_its_documents_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prov", None)
    monkeypatch.setitem(sys.modules, "prov.model", None)
    document = stated("entity", id="ex:e")
    for format in FORMATS:
        assert read(dumps(document, format), format) == document
    with pytest.raises(MissingExtra, match=r"pip install 'provgraph\[prov\]'"):
        to_prov(document)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["prov-n", "jsonld"])
def test_prov_reads_what_we_write_as_what_it_reads_from_json(shared: Path, format: str) -> None:
    """The other formats of prov need parsers that are not installed here."""
    import io
    import logging

    model = pytest.importorskip("prov.model")
    logging.disable(logging.CRITICAL)
    different, count = [], 0
    try:
        for case in few(shared, 5):
            if case.format != "prov-json" or case.prov != "ok" or loss(FORMATS[case.format].read(case.content), format):
                continue
            expected = model.ProvDocument.deserialize(io.BytesIO(case.content))
            ours = dumps(FORMATS[case.format].read(case.content), format)
            theirs = model.ProvDocument.deserialize(
                io.StringIO(ours), format={"prov-n": "provn", "jsonld": "jsonld"}[format]
            )
            count += 1
            if theirs != expected:
                different.append(case.path.rpartition("/")[2])
    finally:
        logging.disable(logging.NOTSET)
    assert count > 15
    # prov reads the @id of a bundle before the prefixes beside it; in JSON-LD they hold for it.
    assert different == ([] if format == "prov-n" else ["bundle4.json"])
