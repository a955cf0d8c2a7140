"""PROV-N: what we write, the prov package reads as the same document."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from provgraph.errors import InvalidInput
from provgraph.prov import provn
from provgraph.prov.json import read
from provgraph.prov.model import Document
from provgraph.prov.provn import dumps
from tests.prov.test_json import corpus

#: prov differs from the document where PROV-JSON holds PROV-N's own escapes in a local name (prov percent-encodes the backslash),
#: and where a name has the datatype xsd:QName, which prov takes for a name in PROV-JSON and for a text in PROV-N.
KNOWN = {
    "pc1.json", "primer.json", "test-entity101/entity101.json",
    "unification-attributes-end-s2-PASS-c23.json", "unification-attributes-entity-s1-PASS-c22.json",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_prov_reads_the_corpus_from_our_notation(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    prov = pytest.importorskip("prov.model")
    caplog.set_level(logging.CRITICAL)
    different, count = set(), 0
    for name, text in corpus(shared):
        try:
            expected = prov.ProvDocument.deserialize(io.StringIO(text))
        except Exception:  # PROV-Dictionary, which prov does not know
            continue
        count += 1
        if prov.ProvDocument.deserialize(io.StringIO(dumps(read(text))), format="provn") != expected:
            different.add("/".join(name.split("/")[-2:]))
    assert count > 200
    assert {name for name in different if not any(k.endswith(name) or name.endswith(k) for k in KNOWN)} == set()


def test_names_and_texts_are_escaped() -> None:
    document = Document({"ex": "http://example.org/", "default": "http://d/"})
    document.add("entity", "ex:a=b(c)", {}, [("ex:say", 'a "quoted" \\ word'), ("ex:lines", "one\ntwo"), ("n", 5)])
    document.add("used", "ex:u", {"activity": "ex:a", "time": "2026-11-21T07:41:00Z"}, [("prov:role", "r")])
    document.add("used", "_:b", {"entity": "e"})
    assert dumps(document) == (
        "document\n  prefix ex <http://example.org/>\n  default <http://d/>\n"
        '  entity(ex:a\\=b\\(c\\), [ex:say="a \\"quoted\\" \\\\ word", ex:lines="""one\ntwo""", n="5" %% xsd:int])\n'
        '  used(ex:u; ex:a, -, 2026-11-21T07:41:00Z, [prov:role="r"])\n'
        "  used(-, e, -)\n"
        "endDocument\n"
    )


def test_bundles_members_and_dictionaries_have_their_notation() -> None:
    document = read(
        '{"prefix": {"ex": "http://example.org/"}, "bundle": {"ex:b": {"prefix": {"in": "http://in/"}, "hadMember": '
        '{"_:m": {"prov:collection": "in:c", "prov:entity": ["in:a", "in:b"]}}}}, "derivedByInsertionFrom": {"ex:i": '
        '{"prov:after": "ex:d2", "prov:before": "ex:d1", "prov:key-entity-set": {"$key-datatype": "xsd:int", "1": "ex:e"}}}}'
    )
    text = dumps(document)
    assert (
        "  bundle ex:b\n    prefix in <http://in/>\n    hadMember(in:c, in:a)\n    hadMember(in:c, in:b)\n  endBundle\n"
        in text
    )
    assert '  prov:derivedByInsertionFrom(ex:i; ex:d2, ex:d1, {("1" %% xsd:int, ex:e)})\n' in text


def test_a_redefined_standard_prefix_gets_another_name() -> None:
    document = read('{"prefix": {"xsd": "http://other/"}, "entity": {"xsd:e": {"prov:value": 1}}}')
    assert "  prefix xsd_ <http://other/>\n" in dumps(document)
    assert 'entity(xsd_:e, [prov:value="1" %% xsd:int])' in dumps(document)


def test_a_prefix_with_two_meanings_is_refused() -> None:
    text = "document\n  prefix ex <http://a/>\n  prefix ex <http://b/>\n  entity(ex:e)\nendDocument\n"
    with pytest.raises(InvalidInput, match="line 3, column 3: the prefix 'ex' is declared twice") as error:
        provn.read(text)
    assert (error.value.code, error.value.details["line"]) == ("prov_n_invalid", 3)
    assert len(provn.read(text.replace("http://b/", "http://a/")).statements) == 1
    inside = text.replace("  entity(ex:e)\n", "").replace(
        "prefix ex <http://b/>", "bundle ex:b prefix ex <http://b/> endBundle"
    )
    assert provn.read(inside).bundles[0].prefixes == {"ex": "http://b/"}
