from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from provgraph.export.tables import write
from tests.export.tables.sample import META, NUMBERS, sample
from tests.extract.compare import read


def test_python_reads_the_same(tmp_path: Path) -> None:
    table = sample()
    write(table, META, tmp_path / "t.csv")
    raw = (tmp_path / "t.csv").read_bytes()
    assert raw.count(b"\r\n") == len(table) + 1
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-11:] == [
        "vector_1",
        "vector_2",
        "vector_3",
        *(f"matrix_{i}_{j}" for i in (1, 2) for j in (1, 2, 3)),
        "words_1",
        "words_2",
    ]
    for name in (*NUMBERS, "flag", "odd", "ascii", "script", "magnitude"):
        values, null = table[name]
        for row, value, gap in zip(rows, values, null, strict=True):
            if gap:
                assert row[name] == ""
            elif values.dtype.kind == "f":
                assert values.dtype.type(row[name]) == value or (np.isnan(value) and row[name] == "nan")
            elif values.dtype.kind == "b":
                assert row[name] == ("true" if value else "false")
            else:
                assert row[name] == (value.decode() if values.dtype.kind == "S" else str(int(value)))


def test_we_read_the_same(tmp_path: Path) -> None:
    table = sample()
    write(table, META, tmp_path / "t.csv")
    _, found = read(tmp_path / "t.csv")
    for name in ("i8", "f8", "script"):
        values, null = table[name]
        assert found[name].null.tolist() == null.tolist()
        assert found[name].values[~null].tolist() == values[~null].tolist()
