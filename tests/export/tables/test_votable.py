from __future__ import annotations

import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from astropy.io.votable import parse_single_table
from astropy.table import Table as AstropyTable

from provgraph.export.tables import Stated, TableMeta, stated, write
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.export.tables.sample import META, sample


def test_astropy_reads_the_same_bits(tmp_path: Path) -> None:
    table = sample()
    write(table, META, tmp_path / "t.vot")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = parse_single_table(tmp_path / "t.vot", verify="exception")
    assert read.name == META.name
    fields = {f.name: f for f in read.fields}
    for name, attribute in table.attributes.items():
        values, null = table[name]
        if name == "words":
            assert read.array["words_1"].tolist() == ["" if gap else "ab" for gap in null.tolist()]
            continue
        theirs = read.array[name]
        if theirs.dtype.kind in "OU":  # astropy masks no text
            theirs = np.ma.masked_where([v is np.ma.masked or v in ("", b"") for v in theirs], theirs)
            null = null | np.array([not v for v in (values if values.dtype.kind == "S" else np.ones(len(null)))])
        masked = np.ma.getmaskarray(theirs).reshape(len(null), -1).all(axis=1)
        nan = np.isnan(values) if name == "odd" else np.zeros(len(null), bool)  # astropy masks NaN
        assert np.array_equal(masked, null | nan), name
        found = np.ma.getdata(theirs)[~null]
        if values.dtype.kind == "S":
            assert [str(v) for v in found.ravel().tolist()] == [v.decode() for v in values[~null].ravel().tolist()], (
                name
            )
        elif found.dtype == values.dtype:
            assert found.tobytes() == values[~null].tobytes(), name
        else:
            assert [int(v) for v in found.ravel().tolist()] == [int(v) for v in values[~null].ravel().tolist()], name
        assert (fields[name].ucd or "") == attribute.ucd
        assert (fields[name].description or "") == attribute.description
    assert fields["magnitude"].unit == "mag"
    assert fields["i1"].unit is None


def test_text_that_xml_must_not_take_for_markup(tmp_path: Path) -> None:
    meta = TableMeta("a<b & \"c\" 'd'\x00", "urn:x?a=1&b='2'\"", "]]> \x07 & done", {"key & more": "<tag>\nline"})
    write(sample(10), meta, tmp_path / "t.vot")
    root = ElementTree.parse(tmp_path / "t.vot").getroot()
    space = "{http://www.ivoa.net/xml/VOTable/v1.3}"
    infos = {i.get("name"): i.get("value") for i in root.iter(f"{space}INFO")}
    assert infos["provgraph"] == meta.iri
    assert infos["provgraph.key & more"] == "<tag>\nline"
    assert stated(tmp_path / "t.vot") == Stated(meta.iri)
    assert root.find(f".//{space}TABLE").get("name") == "a<b & \"c\" 'd' "


def test_names_that_are_no_identifiers(tmp_path: Path) -> None:
    names = ["a b", "1st", "é", "plain"]
    attributes = AttributeSet([Attribute(name, "f8", origin=f"o:{i}") for i, name in enumerate(names)])
    write(Table(np.arange(3), {n: Column(np.arange(3.0)) for n in names}, attributes), META, tmp_path / "t.vot")
    assert b"<FIELD ID" not in (tmp_path / "t.vot").read_bytes()
    assert AstropyTable.read(tmp_path / "t.vot", use_names_over_ids=True).colnames == names
    # What astropy makes of them where it is not asked for the names.
    assert AstropyTable.read(tmp_path / "t.vot").colnames == ["a_b", "_1st", "__", "plain"]
