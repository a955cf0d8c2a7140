from __future__ import annotations

import gzip
import socket
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import from_table, parse_single_table, writeto
from astropy.table import MaskedColumn, Table

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source
from tests.extract.compare import read, same, whole


def every_type(n: int = 200) -> Table:
    rng = np.random.default_rng(2)
    gaps = rng.random(n) < 0.2
    table = Table()
    for dtype in ("u1", "i2", "i4", "i8"):
        info = np.iinfo(dtype)
        values = rng.integers(info.min + 1, info.max, n, dtype=dtype)
        table[dtype] = MaskedColumn(values, mask=gaps, fill_value=info.min)
    table["f4"] = rng.random(n, dtype="f4")
    table["f8"] = np.where(rng.random(n) < 0.1, np.inf, rng.random(n))
    table["flag"] = rng.random(n) < 0.5
    table["text"] = [["a", "bc", "déf", "x y"][i % 4] for i in range(n)]
    table["vector"] = rng.random((n, 3))
    table["matrix"] = rng.integers(0, 9, (n, 2, 3), dtype="i4")
    table["f8"].unit = "deg"
    table["f8"].description = "an angle"
    table["f8"].meta["ucd"] = "pos.eq.ra;meta.main"
    table["text"].unit = ""
    return table


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
@pytest.mark.parametrize("packed", [False, True])
def test_against_astropy(tmp_path: Path, serialization: str, packed: bool) -> None:
    table = every_type()
    votable = from_table(table)
    fields = {f.name: f for f in votable.get_first_table().fields}
    for dtype in ("u1", "i2", "i4", "i8"):
        fields[dtype].values.null = np.iinfo(dtype).min
    fields["f8"].ucd = "pos.eq.ra;meta.main"
    fields["f8"].description = "an angle"
    path = tmp_path / "t.vot"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writeto(votable, str(path), tabledata_format=serialization)
        theirs = parse_single_table(str(path)).array
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    attributes, columns = read(path, rows=64)
    assert list(attributes) == table.colnames
    for name in table.colnames:
        expected = theirs[name]
        if name == "text":
            expected = np.array([str(v) for v in expected.tolist()])
        assert same(columns[name], expected), name
    angle = attributes["f8"]
    assert (angle.unit, angle.ucd, angle.description) == ("deg", "pos.eq.ra;meta.main", "an angle")
    assert attributes["i4"].unit == "?"
    assert attributes["matrix"].shape == (3, 2)  # as astropy reads it, too


HEAD = '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE name="t">'


def document(tmp_path: Path, fields: str, data: str, prolog: str = "") -> Path:
    path = tmp_path / "d.vot"
    path.write_text(
        prolog
        + HEAD.replace('<?xml version="1.0"?>', "" if prolog else '<?xml version="1.0"?>')
        + fields
        + data
        + "</TABLE></RESOURCE></VOTABLE>"
    )
    return path


def cells(*rows: tuple[str, ...]) -> str:
    body = "".join("<TR>" + "".join(f"<TD>{c}</TD>" for c in row) + "</TR>" for row in rows)
    return f"<DATA><TABLEDATA>{body}</TABLEDATA></DATA>"


def test_what_is_missing_and_what_is_not(tmp_path: Path) -> None:
    fields = (
        '<FIELD name="i" datatype="int"><VALUES null="-99"/></FIELD><FIELD name="x" datatype="double" unit=""/>'
        '<FIELD name="h" datatype="unsignedByte"/><FIELD name="b" datatype="boolean"/>'
        '<FIELD name="t" datatype="char" arraysize="*"/><FIELD name="l" datatype="long"/>'
    )
    data = cells(
        ("1", "NaN", "0x1F", "T", "a &amp; b", str(2**53 + 1)),
        ("-99", "", "", "?", "", ""),
        ("-98", "-Inf", "7", "0", " c", "-1"),
    )
    attributes, columns = read(document(tmp_path, fields, data))
    assert {n: c.null.tolist() for n, c in columns.items() if c.null is not None} == {
        name: [False, True, False] for name in "ixhbtl"
    }
    assert columns["i"].values[[0, 2]].tolist() == [1, -98]
    assert np.isnan(columns["x"].values[0])
    assert columns["x"].values[2] == -np.inf
    assert columns["h"].values[0] == 31
    assert columns["b"].values[[0, 2]].tolist() == [True, False]
    assert columns["t"].values.tolist() == [b"a & b", b"", b" c"]
    assert columns["l"].values[0] == 2**53 + 1
    assert attributes["x"].unit == ""


def test_nothing_is_ever_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*arguments: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    field = '<FIELD name="t" datatype="char" arraysize="*"/>'
    external = f'<!DOCTYPE VOTABLE [<!ENTITY x SYSTEM "file://{secret}">]>'
    bomb = '<!DOCTYPE VOTABLE [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    stream = '<DATA><BINARY2><STREAM href="http://example.org/data" encoding="base64"/></BINARY2></DATA>'
    inside = '<DATA><FITS><STREAM href="file:///etc/passwd"/></FITS></DATA>'
    for prolog, data in ((external, cells(("&x;",))), (bomb, cells(("&b;",))), ("", stream), ("", inside)):
        with pytest.raises(FileUnreadable) as caught, open_source(document(tmp_path, field, data, prolog)) as source:
            whole(source)
        assert caught.value.code == "table_unsupported"
    old = '<!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">'  # stands in many old files, and is not read
    assert read(document(tmp_path, field, cells(("a",)), old))[1]["t"].values.tolist() == [b"a"]


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ('datatype="int"', "1.5"),
        ('datatype="int"', "99999999999"),
        ('datatype="double"', "one"),
        ('datatype="boolean"', "maybe"),
        ('datatype="int" arraysize="2"', "1 2 3"),
    ],
)
def test_cells_that_break_their_declaration(tmp_path: Path, field: str, cell: str) -> None:
    with pytest.raises(FileUnreadable, match="'x'") as caught:
        read(document(tmp_path, f'<FIELD name="x" {field}/>', cells((cell,))))
    assert caught.value.code == "row_malformed"


def test_rows_of_other_length(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable) as caught:
        read(document(tmp_path, '<FIELD name="x" datatype="int"/>', cells(("1", "2"))))
    assert caught.value.code == "row_malformed"


def test_fewer_rows_than_announced(tmp_path: Path) -> None:
    path = document(tmp_path, '<FIELD name="x" datatype="int"/>', cells(("1",)))
    path.write_text(path.read_text().replace('name="t"', 'name="t" nrows="2"'))
    with pytest.raises(FileUnreadable) as caught, open_source(path) as source:
        list(source.chunks())
    assert caught.value.code == "file_truncated"


def test_tables_by_name_and_number(tmp_path: Path) -> None:
    one = '<TABLE name="{}"><FIELD name="{}" datatype="int"/>{}</TABLE>'
    path = tmp_path / "two.vot"
    path.write_text(
        '<VOTABLE><DESCRIPTION>all</DESCRIPTION><INFO name="server" value="x"/><RESOURCE>'
        + one.format("first", "a", cells(("1",)))
        + '</RESOURCE><RESOURCE><PARAM name="epoch" datatype="double" value="2000.0"/>'
        + one.format("second", "b", cells(("2",)))
        + "</RESOURCE></VOTABLE>"
    )
    for table, name, value in (("First", "a", 1), (0, "a", 1), ("second", "b", 2), ("1", "b", 2)):
        assert {n: c.values.tolist() for n, c in read(path, table=table)[1].items()} == {name: [value]}
    with open_source(path, table="second") as source:
        assert source.metadata == {"DESCRIPTION": "all", "server": "x", "epoch": "2000.0", "TABLE": "second"}
    with pytest.raises(FileUnreadable, match="second") as caught:
        open_source(path, table="secnd")
    assert caught.value.code == "table_missing"
    with pytest.raises(FileUnreadable, match=r"holds 2 tables: first, second; say which one with table=") as caught:
        open_source(path)
    assert caught.value.code == "table_ambiguous"


@pytest.mark.parametrize("before", [0, (1 << 20) - 60, (1 << 20) - 53, (1 << 20) - 50, (1 << 20) - 49])
def test_tables_of_one_name_must_be_told_apart(tmp_path: Path, before: int) -> None:
    one = '<v:TABLE name="t"><v:FIELD name="{}" datatype="int"/></v:TABLE>'
    path = tmp_path / "two.vot"
    pad = "x" * before  # the second begins about where the first piece that is read ends
    path.write_text(
        f"<v:VOTABLE xmlns:v='http://www.ivoa.net/xml/VOTable/v1.3'>{one.format('a')}{pad}{one.format('b')}</v:VOTABLE>"
    )
    with pytest.raises(FileUnreadable, match=r"holds 2 tables: 0, 1; say which one") as caught:
        open_source(path)
    assert caught.value.code == "table_ambiguous"
    with pytest.raises(FileUnreadable, match=r"holds 2 tables called 'T': 0, 1; say which one"):
        open_source(path, table="T")
    for number in (0, 1):
        with open_source(path, table=number) as source:
            assert [a.name for a in source.attributes] == ["ab"[number]]


def test_one_table_with_fields_is_the_one(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    body = cells(("1",)) + "<!-- <TABLE > -->"
    path.write_text(
        '<VOTABLE><RESOURCE><TABLE name="none"/><TABLE name="t"><FIELD name="x" datatype="int"/>'
        f'{body}</TABLE><TABLE ref="t"/></RESOURCE></VOTABLE>'
    )
    assert read(path)[1]["x"].values.tolist() == [1]


def test_vectors_of_unequal_length_are_left_out_and_named(tmp_path: Path) -> None:
    fields = '<FIELD name="v" datatype="int" arraysize="*"/><FIELD name="x" datatype="int"/>'
    with open_source(document(tmp_path, fields, cells(("1 2", "7"), ("", "8")))) as source:
        assert list(source.skipped) == ["v"]
        assert whole(source)["x"].values.tolist() == [7, 8]
