from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import ascii
from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source, text
from provgraph.schema.table import Column
from tests.extract.compare import read, same, whole


def write(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(path: Path, rows: int = 1000) -> dict[str, list]:
    return plain(read(path, rows=rows)[1])


def plain(columns: dict[str, Column]) -> dict[str, list]:
    return {
        n: [
            None if c.null is not None and c.null[i] else (v.decode() if isinstance(v, bytes) else v)
            for i, v in enumerate(c.values.tolist())
        ]
        for n, c in columns.items()
    }


def test_sdss_quasars(shared: Path) -> None:
    path = shared / "data/catalogs/SDSS_QSO.tab.gz"
    attributes, columns = read(path, rows=50_000)
    theirs = ascii.read(path, format="basic")
    assert list(attributes) == theirs.colnames
    assert [a.dtype for a in attributes.values()] == ["U"] + ["f8"] * 14
    assert len(theirs) == 77_429
    for name in theirs.colnames:
        assert same(columns[name], np.asarray(theirs[name])), name


@pytest.mark.parametrize(
    ("name", "separator"),
    [
        ("KASCADE_2005_SIBYLL-2.1_allParticle_totalEnergy.txt", None),
        ("TUNKA-133_allParticle_totalEnergy.txt", None),
        ("kascade.dat", None),
        ("events-s501-20120101.tsv", "\t"),
        ("weather-s501-20120101.tsv", "\t"),
    ],
)
def test_cosmic_rays(shared: Path, name: str, separator: str | None) -> None:
    path = shared / "data/cosmicray" / name
    _, columns = read(path)
    rows = [line.rstrip("\n").split(separator) for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(columns) == len(rows[0])
    for column, theirs in zip(columns.values(), zip(*rows, strict=True), strict=True):
        expected = np.array(theirs) if column.values.dtype.kind == "S" else np.array(theirs, dtype=column.values.dtype)
        assert same(column, expected)


def test_comments_are_metadata(shared: Path) -> None:
    with open_source(shared / "data/cosmicray/TUNKA-133_allParticle_totalEnergy.txt") as source:
        assert source.metadata["Experiment"] == "TUNKA-133"
        assert str(source.metadata["Ref"]).startswith("10.1016/")


def test_a_comment_may_be_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, "# made by hand\n# id  ra   mag\n  1  10.5  20\n\n # in between\n  2  11   21\n")
    assert values(path) == {"id": [1, 2], "ra": [10.5, 11.0], "mag": [20, 21]}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "   "])
def test_separators(tmp_path: Path, separator: str) -> None:
    rows = [("id", "x", "name"), ("1", "0.5", "a"), ("2", "1e3", "b")]
    path = write(tmp_path, "\r\n".join(separator.join(row) for row in rows))
    assert values(path) == {"id": [1, 2], "x": [0.5, 1000.0], "name": ["a", "b"]}


@pytest.mark.parametrize(
    ("fields", "dtype", "expected"),
    [
        (["1", "-2", "0", "-0"], "i8", [1, -2, 0, 0]),
        (["1", "-2", "+3"], "i8", [1, -2, 3]),
        (["7", "007"], "i8", [7, 7]),
        (["7", "-01"], "i8", [7, -1]),
        (["0.5", "00"], "f8", [0.5, 0.0]),
        (["0.5", "+01.5"], "f8", [0.5, 1.5]),
        (["0.5", "-0.5", "0.", "0e0", "10"], "f8", [0.5, -0.5, 0.0, 0.0, 10.0]),
        (["9007199254740993", "-9223372036854775808"], "i8", [2**53 + 1, -(2**63)]),
        (["1", "9223372036854775808"], "U", ["1", "9223372036854775808"]),
        (["1", "18446744073709551615"], "U", ["1", "18446744073709551615"]),
        (["9007199254740993", "nan"], "U", ["9007199254740993", "nan"]),  # would be another number
        (["nan", "18446744073709551615"], "U", ["nan", "18446744073709551615"]),
        (["9007199254740992", "-inf"], "f8", [2.0**53, -np.inf]),
        (["9007199254740993", "0.5"], "f8", [2.0**53, 0.5]),  # a measurement among others
        (["1", "2.5"], "f8", [1.0, 2.5]),
        (["1", "1e400", "-1e400"], "f8", [1.0, np.inf, -np.inf]),
        (["1", ".5", "5.", "1E-3", "inf", "-Infinity"], "f8", [1.0, 0.5, 5.0, 0.001, np.inf, -np.inf]),
        (["1", "", "3"], "i8", [1, None, 3]),
        (["1.5", " ", "3"], "f8", [1.5, None, 3.0]),
        (["a", "", "b"], "U", ["a", None, "b"]),
        (["", "", ""], "f8", [None, None, None]),
        (["1_000", "2"], "U", ["1_000", "2"]),
        (["1d5", "2"], "U", ["1d5", "2"]),
        (["0x10", "2"], "U", ["0x10", "2"]),
        (["-", "2"], "U", ["-", "2"]),
        (["NA", "2"], "U", ["NA", "2"]),  # nobody declared that this means missing
        (["1", "2", "x"], "U", ["1", "2", "x"]),
    ],
)
def test_types_are_exact(tmp_path: Path, fields: list[str], dtype: str, expected: list) -> None:
    path = write(tmp_path, "id,x\n" + "".join(f"{i},{field}\n" for i, field in enumerate(fields)))
    for rows in (1, 1000):  # whatever the first chunk looks like
        attributes, _ = read(path, rows=rows)
        assert attributes["x"].dtype == dtype
        assert values(path, rows)["x"] == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1", ""], [1, None]),
        (["1", "1e5"], ["1", "1e5"]),
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["0", "-0"], ["0", "-0"]),
        (["7", "007"], ["7", "007"]),
        (["1", "nan"], ["1", "nan"]),
    ],
)
def test_identifiers_stay_as_they_are_written(tmp_path: Path, ids: list[str], expected: list) -> None:
    path = write(tmp_path, "id,x\n" + "".join(f"{i},1e5\n" for i in ids))
    with open_source(path, id="id") as source:
        assert [a.dtype for a in source.attributes] == ["U" if isinstance(expected[0], str) else "i8", "f8"]
        assert plain(whole(source, 1)) == {"id": expected, "x": [1e5] * len(ids)}


@pytest.mark.parametrize(
    ("fields", "missing", "dtype", "expected"),
    [
        (["1.5", "N/A", "NULL", " - ", "-2"], ["N/A", "NULL", "-"], "f8", [1.5, None, None, None, -2.0]),
        (["N/A", "1", "2"], "N/A", "i8", [None, 1, 2]),
        (["1", "n/a", "2"], ["N/A"], "U", ["1", "n/a", "2"]),  # exactly what is declared
        (["1", "-99", "2"], [-99], "i8", [1, None, 2]),
        (["1", "-99.0", "2"], [-99.0], "i8", [1, None, 2]),
        (["1", "007", "2"], ["007"], "i8", [1, None, 2]),
        (["a", "-", ""], ["-"], "U", ["a", None, None]),
        (["N/A", "N/A"], ["N/A"], "f8", [None, None]),
    ],
)
def test_declared_missing_values_say_nothing_of_the_type(
    tmp_path: Path, fields: list[str], missing: list, dtype: str, expected: list
) -> None:
    path = write(tmp_path, "id,x,y\n" + "".join(f"{i},{field},N/A\n" for i, field in enumerate(fields)))
    for rows in (1, 1000):
        with open_source(path, missing={"x": missing}) as source:
            assert [a.dtype for a in source.attributes] == ["i8", dtype, "U"]
            columns = plain(whole(source, rows))
            assert columns["x"] == expected
            assert columns["y"] == ["N/A"] * len(fields)  # declared for the other column only


def test_masked_are_the_declared_values(tmp_path: Path) -> None:
    path = write(tmp_path, "id,x,y\n1,N/A,2\n2,3,4\n")
    with open_source(path, missing={"x": ["N/A", "-"], "y": ["none"]}) as source:
        assert source.masked == {"x": ("N/A", "-"), "y": ("none",)}


def test_nan_is_a_value(tmp_path: Path) -> None:
    _, columns = read(write(tmp_path, "id,x\n1,nan\n2,NaN\n3,1\n"))
    assert columns["x"].null is None
    assert np.isnan(columns["x"].values).tolist() == [True, True, False]


def test_a_column_that_changes_far_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "ROWS", 100)
    content = "id,x\n" + "".join(f"{i},{i}\n" for i in range(999)) + "999,0.5\n"
    attributes, columns = read(write(tmp_path, content), rows=100)
    assert attributes["x"].dtype == "f8"
    assert columns["x"].values[-1] == 0.5


def test_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,"the name",note\n1,"a, b","say ""hi"""\n2,"two\nlines",#3\n')
    assert values(path) == {"id": [1, 2], "the name": ["a, b", "two\nlines"], "note": ['say "hi"', "#3"]}


TOPCAT = """\
# Origin: a survey
# Author: nobody
# id  name                    mag   kind
  1   "two, words"            1.5   a
  2   ""                      ""    "b \\"x\\" \\#1 \\\\"
  3   M31                     2.5   "Oumuamua"
  4   'Oumuamua               3.5   12"
"""


def test_white_space_with_text_in_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, TOPCAT, "t.txt")
    assert values(path) == {
        "id": [1, 2, 3, 4],
        "name": ["two, words", None, "M31", "'Oumuamua"],
        "mag": [1.5, None, 2.5, 3.5],
        "kind": ["a", 'b "x" #1 \\', "Oumuamua", '12"'],
    }
    with open_source(path) as source:
        assert source.metadata == {"Origin": "a survey", "Author": "nobody"}


def test_names_in_a_comment_above_the_columns_leave_the_first_line_to_the_sources(tmp_path: Path) -> None:
    path = write(tmp_path, "# name  type\n  M31   galaxy\n  224   galaxy\n")
    assert values(path) == {"name": ["M31", "224"], "type": ["galaxy", "galaxy"]}


@pytest.mark.parametrize("separator", ",;|")
def test_a_separator_in_quoted_words_is_none(tmp_path: Path, separator: str) -> None:
    s = separator
    path = write(tmp_path, f'1 "a{s} b"\n2 "c{s}d"\n3 "{s}"\n')
    assert values(path) == {"col1": [1, 2, 3], "col2": [f"a{s} b", f"c{s}d", s]}
    path = write(tmp_path, f'id x\n1 "a"\n2 "c{s}d"\n3 "e"\n')
    assert values(path) == {"id": [1, 2, 3], "x": ["a", f"c{s}d", "e"]}


def test_what_astropy_writes_between_blanks_is_read(tmp_path: Path) -> None:
    from astropy.table import MaskedColumn, Table

    names = ["a b", 'say "hi" there', "x", "", "# no"]
    table = Table({"id": [1, 2, 3, 4, 5], "name": names, "m": MaskedColumn([1.5] * 5, mask=[0, 1, 0, 0, 0])})
    table.write(tmp_path / "t.txt", format="ascii.basic")
    assert values(tmp_path / "t.txt") == {
        "id": [1, 2, 3, 4, 5], "name": ["a b", 'say "hi" there', "x", None, "# no"], "m": [1.5, None, 1.5, 1.5, 1.5],
    }  # fmt: skip


def test_no_header(tmp_path: Path) -> None:
    assert values(write(tmp_path, "1,2.5,a\n3,4.5,b\n")) == {"col1": [1, 3], "col2": [2.5, 4.5], "col3": ["a", "b"]}
    assert values(write(tmp_path, "1\n2\n")) == {"col1": [1, 2]}


def test_names_above_numbers_are_a_header_even_when_one_is_a_number(tmp_path: Path) -> None:
    assert values(write(tmp_path, "id,1,id\n7,8,9\n")) == {"id": [7], "1": [8], "id_2": [9]}


def test_header_only(tmp_path: Path) -> None:
    with open_source(write(tmp_path, "id,ra,dec\n")) as source:
        assert [a.name for a in source.attributes] == ["id", "ra", "dec"]
        assert source.n == 0


def test_encodings(tmp_path: Path) -> None:
    assert values(write(tmp_path, "id,näme\n1,é\n".encode())) == {"id": [1], "näme": ["é"]}
    assert values(write(tmp_path, "\ufeffid,name\n1,é\n".encode())) == {"id": [1], "name": ["é"]}
    assert values(write(tmp_path, "id,näme\n1,é\n".encode("latin-1"))) == {"id": [1], "näme": ["é"]}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("id,x\n" + "1,2\n" * 100 + "3\n", 102),
        ("id x\n" + "1 2\n" * 100 + "3 4 5\n", 102),
        ("id x\n1 2\n3\n", 3),
        ("1 2\n3 4\n5\n", 3),
        ('id x\n1 "a b"\n2 c d\n', 3),
        ("id,x\n" + "1,2\n" * 100 + '3,"4\n', None),
        ("id,x\n1,2\n3\n", 3),
        ("id,x\n1,2,3\n", 2),
        ("id;x\n1;2\n3\n", 3),
        ("id\tx\n1\t2\n3\n", 3),
        ("# note\n\n1,2\n3\n", 4),
        ("1,2\n3,4,5\n", 2),
        ("id,long name\n1,a b\n2 c\n", 3),  # white space would make two fields of each
        ('id,x\n1,"2\n', None),
        ('id,"x\n1,2\n', None),
        ("id,x\n1,2\n# 3,4\n5,6\n", 3),  # a comment or a source: nobody can tell
        ("id,x\n" + "1,2\n" * 100 + "#3,4\n", 102),
    ],
)
def test_rows_of_other_length(tmp_path: Path, content: str, line: int | None) -> None:
    path = write(tmp_path, content)
    with pytest.raises(FileUnreadable) as caught:
        open_source(path)
    assert caught.value.code == "row_malformed"
    assert caught.value.details.get("line") == line


def test_the_counts_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"Line 3 of .* has 1 field where 2 were expected"):
        open_source(write(tmp_path, "id,x\n1,2\n3\n"))


@pytest.mark.parametrize("before", [1, 100])
@pytest.mark.parametrize("comment", ["# half of them", "  # one, two, three", '#"open, "quotes, here', "#"])
def test_comments_between_sources(tmp_path: Path, before: int, comment: str) -> None:
    path = write(tmp_path, "id,x\n" + "1,2\n" * before + f"{comment}\n3,4\n")
    assert values(path) == {"id": [1] * before + [3], "x": [2] * before + [4]}


def test_what_looks_like_a_comment_in_quotes_is_a_value(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,x\n"#1",2\n"a\n# b\n\nc",3\n')
    assert values(path) == {"id": ["#1", "a\n# b\n\nc"], "x": [2, 3]}


@pytest.mark.parametrize("content", ["f(a,b) z\n1 2\n3 4\n", "a\tb c\n1 2 3\n4\t5\t6\n"])
def test_white_space_that_fits_is_the_separator(tmp_path: Path, content: str) -> None:
    assert [len(c) for c in values(write(tmp_path, content)).values()] == [2] * len(content.split("\n")[1].split())


def test_gzipped(tmp_path: Path) -> None:
    assert values(write(tmp_path, gzip.compress(b"id,x\n1,2\n"))) == {"id": [1], "x": [2]}


WORD = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\0\x85\u2028\u2029"), min_size=1, max_size=8
).map(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.floats(allow_nan=False), st.none() | WORD),
        min_size=1,
        max_size=30,
    )
)
def test_what_python_writes_is_read(
    rows: list[tuple[int, float | None, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    import csv

    path = tmp_path_factory.mktemp("csv") / "t.csv"
    rows = [(i, x, "w" + w if w else None) for i, x, w in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "x", "w"])
        writer.writerows(rows)
    with open_source(path) as source:
        assert source.attributes[0].dtype == "i8"
    found = values(path, 7)
    assert found["id"] == [r[0] for r in rows]
    assert [None if v is None else float(v) for v in found["x"]] == [r[1] for r in rows]
    assert found["w"] == [r[2] for r in rows]
