from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source, recognise
from provgraph.schema.attribute import Attribute
from tests.extract.compare import read, same

TOPCAT = """\
\\EQUINOX = 'J2000'
\\ made by hand
| id     | name       | ra     | z     |
| long   | char       | double | float |
|        |            | deg    |       |
| null   | null       | null   | -9    |
  1        two words    1.5      0.5
  2        null         null     -9
"""


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "t.tbl"
    path.write_text(content)
    return path


def test_what_topcat_writes(tmp_path: Path) -> None:
    path = write(tmp_path, TOPCAT)
    assert recognise(path).format == "IPAC"
    attributes, columns = read(path, rows=1)
    assert list(attributes.values()) == [
        Attribute("id", "i8"), Attribute("name", "U"), Attribute("ra", "f8", "deg"), Attribute("z", "f8"),
    ]  # fmt: skip
    assert columns["id"].values.tolist() == [1, 2]
    assert columns["name"].values.tolist()[0] == b"two words"
    for name in ("name", "ra", "z"):
        null = columns[name].null
        assert null is not None
        assert null.tolist() == [False, True]
    with open_source(path) as source:
        assert source.metadata == {"EQUINOX": "J2000", "COMMENT": "made by hand"}


def test_what_astropy_writes(tmp_path: Path) -> None:
    table = Table({
        "id": np.arange(200) + 2**60, "x": np.linspace(0, 1, 200), "t": [f"s {i}" for i in range(200)],
        "m": MaskedColumn(np.arange(200), mask=np.arange(200) % 3 == 0),
    })  # fmt: skip
    table.write(tmp_path / "t.tbl", format="ascii.ipac")
    _, columns = read(tmp_path / "t.tbl", rows=33)
    for name in table.colnames:
        theirs = table[name]
        assert same(columns[name], theirs.data if isinstance(theirs, MaskedColumn) else np.asarray(theirs)), name


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("  1        two", "  100000000000two", "row_malformed", "Line 7 of .* below a bar"),
        ("0.5\n", "0.5 and much more\n", "row_malformed", "Line 7 of .* below a bar"),
        ("1.5 ", "abc ", "row_malformed", "Column 'ra' of .* holds 'abc', which is no float64"),
        ("| deg    |", "| deg   | ", "header_malformed", "bars"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, code: str, says: str) -> None:
    assert old in TOPCAT
    path = write(tmp_path, TOPCAT.replace(old, new, 1))
    with pytest.raises(FileUnreadable, match=says) as caught, open_source(path) as source:
        list(source.chunks())
    assert caught.value.code == code


def test_bars_between_fields_are_no_header(tmp_path: Path) -> None:
    assert recognise(write(tmp_path, "|id|x|\n|1|2|\n|3|4|\n")).format != "IPAC"
    assert recognise(write(tmp_path, "id|x\n1|2\n")).format != "IPAC"
