from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from provgraph.errors import FileUnreadable, MissingExtra
from provgraph.extract import open_source
from tests.extract.compare import read, same


@pytest.mark.parametrize(
    "name",
    [
        "catalogs/rubin_dm_dc2_example.pq",
        *(f"hats/small_sky_order1/dataset/Norder=1/Dir=0/Npix={p}.parquet" for p in range(44, 48)),
    ],
)
def test_real_files(shared: Path, name: str) -> None:
    path = shared / "data" / name
    _, columns = read(path, rows=33)
    table = pq.read_table(path, partitioning=None)
    assert list(columns) == table.column_names
    for column in table.column_names:
        assert same(columns[column], table[column].to_numpy()), column


def every_type() -> pa.Table:
    n = 7
    columns: dict[str, pa.Array] = {}
    for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()):
        columns[str(t)] = pa.array([0, 1, None, 3, 100, None, 127], t)
    columns["big"] = pa.array([2**63 + i for i in range(n)], pa.uint64())
    columns["float"] = pa.array([0.5, None, float("nan"), 1, 2, 3, 4], pa.float32())
    columns["double"] = pa.array([0.5, None, float("nan"), 1, 2, 3, 4], pa.float64())
    columns["half"] = pa.array(np.arange(n, dtype="f2"))
    columns["bool"] = pa.array([True, None, False] * 2 + [True])
    columns["text"] = pa.array(["a", None, "déf", "", "long text", "x", "y"])
    columns["large"] = columns["text"].cast(pa.large_string())
    columns["words"] = columns["text"].dictionary_encode()
    columns["day"] = pa.array([datetime.date(2026, 11, 21)] * n)
    columns["price"] = pa.array([decimal.Decimal("1.10")] * n)
    columns["vector"] = pa.array(
        [[1.0, 2.0], None, [3.0, None], [None, None], [5.0, 6.0], [7.0, 8.0], [9.0, 0.0]], pa.list_(pa.float64(), 2)
    )
    columns["ragged"] = pa.array([[1], [1, 2]] * 3 + [[]])
    columns["struct"] = pa.array([{"a": 1}] * n)
    return pa.table(columns)


def test_every_type(tmp_path: Path) -> None:
    table = every_type()
    pq.write_table(table, tmp_path / "t.pq", row_group_size=3)
    with open_source(tmp_path / "t.pq") as source:
        assert set(source.skipped) == {"ragged", "struct"}
    for rows in (2, 5, 100):
        _, columns = read(tmp_path / "t.pq", rows=rows)
        for name, (values, null) in columns.items():
            plain = table[name].to_pylist()
            gaps = [v is None for v in plain]
            if name == "vector":
                assert null.tolist() == [False, True, False, True, False, False, False]
                assert values[2, 0] == 3.0
                assert np.isnan(values[2, 1])
                continue
            assert ([False] * len(plain) if null is None else null.tolist()) == gaps, name
            for mine, theirs, gap in zip(values.tolist(), plain, gaps, strict=True):
                assert gap or str(mine.decode() if isinstance(mine, bytes) else mine) == str(theirs), name


def test_units_in_field_metadata(tmp_path: Path) -> None:
    field = pa.field("ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra", "description": "where"})
    pq.write_table(pa.table([pa.array([1.0])], schema=pa.schema([field], metadata={"survey": "x"})), tmp_path / "t.pq")
    with open_source(tmp_path / "t.pq") as source:
        (a,) = source.attributes
        assert (a.unit, a.ucd, a.description) == ("deg", "pos.eq.ra", "where")
        assert source.metadata == {"survey": "x"}


def test_units_in_a_votable_header(tmp_path: Path) -> None:
    """VOParquet 1.0, as astropy writes it."""
    table = Table({"ra": [1.0, 2.0], "n": [1, 2]})
    table["ra"].unit = "deg"
    table["ra"].description = "right ascension"
    table.write(
        tmp_path / "t.vop",
        format="parquet.votable",
        metadata={
            "ra": {"unit": "deg", "ucd": "pos.eq.ra", "description": "right ascension"},
            "n": {"unit": "", "ucd": "", "description": ""},
        },
    )
    with open_source(tmp_path / "t.vop") as source:
        ra = source.attributes[0]
        assert (ra.unit, ra.ucd, ra.description) == ("deg", "pos.eq.ra", "right ascension")


def test_damaged_inside(tmp_path: Path) -> None:
    path = tmp_path / "t.pq"
    pq.write_table(pa.table({"x": np.random.default_rng(0).random(10_000)}), path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(FileUnreadable) as caught:
        read(path)
    assert caught.value.code == "file_truncated"
    assert "\n" not in str(caught.value)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    pq.write_table(pa.table({"x": [1]}), tmp_path / "t.pq")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"provgraph\[arrow\]"):
        open_source(tmp_path / "t.pq")
