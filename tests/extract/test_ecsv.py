from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source, recognise
from provgraph.schema.attribute import Attribute
from tests.extract.compare import read, same, whole


def catalog() -> QTable:
    table = QTable()
    table["id"] = np.array([1, 2**63 + 5, 3], "u8")
    table["v"] = np.array([1, np.nan, 3], "f4") * u.km / u.s
    table["good"] = [True, False, True]
    table["mag"] = MaskedColumn([1.0, 2.0, 3.0], mask=[True, False, False], unit="mag", description='it, "is"')
    table["name"] = ["two words", "é", 'a "b", c']
    table["small"] = MaskedColumn(np.array([-128, 0, 127], "i1"), mask=[False, True, False])
    table["vector"] = np.arange(6.0).reshape(3, 2)
    table["where"] = SkyCoord([1, 2, 3], [4, 5, 6], unit="deg")
    table["when"] = Time([2000.0, 2001.0, 2002.0], format="jyear")
    table["wave"] = [1 + 2j, 3, 4]
    table.meta["author"] = "nobody"
    return table


@pytest.mark.parametrize("delimiter", [" ", ","])
@pytest.mark.parametrize("packed", [False, True])
def test_what_astropy_writes(tmp_path: Path, delimiter: str, packed: bool) -> None:
    path = tmp_path / "t.ecsv"
    table = catalog()
    table.write(path, delimiter=delimiter)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert recognise(path).format == "ECSV"
    attributes, columns = read(path, rows=2)
    assert list(attributes.values()) == [
        Attribute("id", "u8"),
        Attribute("v", "f4", "km / s"),
        Attribute("good", "?"),
        Attribute("mag", "f8", "mag", "", 'it, "is"'),
        Attribute("name", "U"),
        Attribute("small", "i1"),
        Attribute("where.ra", "f8", "deg"),
        Attribute("where.dec", "f8", "deg"),
        Attribute("when", "f8"),
    ]
    assert same(columns["mag"], np.ma.array([1.0, 2.0, 3.0], mask=[True, False, False]))
    assert same(columns["small"], np.ma.array([-128, 0, 127], mask=[False, True, False]))
    for name in ("id", "good", "name"):
        assert same(columns[name], np.asarray(table[name])), name
    assert same(columns["v"], table["v"].value)
    with open_source(path) as source:
        assert source.skipped == {
            "vector": "its values are of type float64[2], written as JSON",
            "wave": "its type 'complex128' is not supported",
        }
        assert source.metadata == {"author": "nobody"}


def test_masks_that_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    table = Table({
        "x": MaskedColumn([1, 2, 3], mask=[False, True, False]), "t": MaskedColumn(["a", "b", ""], mask=[True, False, False]),
    })  # fmt: skip
    table.write(tmp_path / "t.ecsv", serialize_method="data_mask")
    _, columns = read(tmp_path / "t.ecsv")
    assert list(columns) == ["x", "t"]
    assert columns["x"].values.tolist() == [1, 2, 3]
    assert [None if c.null is None else c.null.tolist() for c in columns.values()] == [
        [False, True, False], [True, False, True],  # an empty field is missing, as in CSV
    ]  # fmt: skip


TOPCAT = """\
# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# -
#   name: no
#   datatype: int64
#   description: "the number: unique"
#   meta:
#     ucd: meta.id;meta.main
# -
#   name: 'two words'
#   datatype: string
# -
#   name: z
#   datatype: float32
#   unit: 1
# meta:
#   name: cat
no,two words,z
1,"a, b",0.5
# a comment
2,,
"""


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "t.ecsv"
    path.write_text(content)
    return path


def test_what_topcat_writes(tmp_path: Path) -> None:
    attributes, columns = read(write(tmp_path, TOPCAT))
    assert list(attributes.values()) == [
        Attribute("no", "i8", "?", "meta.id;meta.main", "the number: unique"),  # `no` is a name, and no truth value
        Attribute("two words", "U"),
        Attribute("z", "f4", "1"),
    ]
    assert columns["no"].values.tolist() == [1, 2]
    assert columns["two words"].values.tolist() == [b"a, b", b""]
    assert columns["z"].null is not None
    assert columns["z"].null.tolist() == [False, True]
    with open_source(tmp_path / "t.ecsv", missing={"z": [0.5]}) as source:
        assert source.masked == {"z": (0.5,)}
        null = whole(source)["z"].null
        assert null is not None
        assert null.all()


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ('1,"a, b",0.5\n', "1,a\n", "row_malformed", "Line 21 of .* has 2 fields where 3 were expected"),
        ("\n2,,", "\n1_0,,", "row_malformed", "Column 'no' of .* holds '1_0', which is no int64"),
        ("\n2,,", "\n9223372036854775808,,", "row_malformed", "holds '9223372036854775808', which is no int64"),
        ("0.5\n", "half\n", "row_malformed", "Column 'z' of .* holds 'half', which is no float32"),
        ("no,two words,z", "no,two,z", "header_malformed", "names"),
        ("no,two words,z\n", "", "header_malformed", "names"),
        ("delimiter: ','", "delimiter: ';'", "header_malformed", "delimiter is ';'"),
        ("datatype:\n", "columns:\n", "header_malformed", "list of columns"),
        ("# meta:\n", "# meta: [\n", "header_malformed", "no YAML"),
        ("# meta:\n", "# meta: &a [*a]\n", "header_malformed", "no YAML"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, code: str, says: str) -> None:
    assert old in TOPCAT
    path = write(tmp_path, TOPCAT.replace(old, new, 1))
    with pytest.raises(FileUnreadable, match=says) as caught, open_source(path) as source:
        list(source.chunks())
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_no_sources(tmp_path: Path) -> None:
    with open_source(write(tmp_path, TOPCAT[: TOPCAT.index("1,")])) as source:
        assert [a.dtype for a in source.attributes] == ["i8", "U", "f4"]
        assert list(source.chunks()) == []


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable) as caught:
        open_source(write(tmp_path, TOPCAT), table="b")
    assert caught.value.code == "table_missing"
