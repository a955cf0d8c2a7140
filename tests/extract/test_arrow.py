from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest

from provgraph.errors import FileUnreadable
from provgraph.export.tables import arrow as exporter
from provgraph.export.tables.meta import TableMeta
from provgraph.extract import open_source, recognise
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.extract.compare import read, same
from tests.extract.test_parquet import every_type

KINDS = ("arrow", "arrows")


def write(table: Any, path: Path, rows: int = 3) -> Path:
    make = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with make(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_type(tmp_path: Path, kind: str) -> None:
    table = every_type()
    path = write(table, tmp_path / f"t.{kind}")
    assert recognise(path).format == "Arrow"
    with open_source(path) as source:
        assert set(source.skipped) == {"ragged", "struct"}
    for rows in (2, 1000):
        attributes, columns = read(path, rows=rows)
        assert attributes["big"].dtype == "u8"
        assert columns["big"].values.tolist() == [2**63 + i for i in range(7)]
        assert attributes["vector"].shape == (2,)
        assert columns["text"].null is not None
        assert columns["words"].values.tolist() == columns["text"].values.tolist()
        for name in ("int64", "uint8", "double", "bool"):
            null = np.array(table[name].is_null())
            values = table[name].fill_null(0 if name != "bool" else False).to_numpy()
            assert same(columns[name], np.ma.array(values, mask=null)), name


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_write_is_what_is_read(tmp_path: Path, kind: str) -> None:
    attributes = [
        Attribute("id", "i8", "", "meta.id;meta.main", "identifier"),
        Attribute("mag", "f4", "mag", "phot.mag", ""),
        Attribute("z", "f8"),
        Attribute("name", "U", "?", "", "of the object"),
        Attribute("flux", "f8", "Jy", "phot.flux", "in two bands", (2,)),
    ]
    columns = {
        "id": Column(np.array([2**53 + 1, 2**60, -1])),
        "mag": Column(np.array([1, np.nan, 3], "f4"), np.array([False, False, True])),
        "z": Column(np.array([0.1, 0.2, 0.3])),
        "name": Column(np.array(["a", "é", ""], "U"), np.array([False, False, True])),
        "flux": Column(np.arange(6.0).reshape(3, 2)),
    }
    path = tmp_path / f"t.{kind}"
    exporter.write(
        Table(columns["id"].values, columns, AttributeSet(attributes)), TableMeta("t", "urn:uuid:1", "a table"), path
    )
    found, values = read(path, rows=2)
    assert list(found.values()) == attributes
    for name, column in columns.items():
        theirs = np.ma.array(column.values, mask=False if column.null is None else column.null)
        assert same(values[name], theirs), name
    with open_source(path) as source:
        assert source.metadata == {"provgraph": "urn:uuid:1", "name": "t", "description": "a table"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
def test_truncated(tmp_path: Path, kind: str, kept: float) -> None:
    path = write(pa.table({"x": np.arange(10_000)}), tmp_path / f"t.{kind}", rows=100)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(FileUnreadable) as caught:
        open_source(path)
    assert caught.value.code == "file_truncated"


def test_a_stream_cut_between_batches_is_truncated(tmp_path: Path) -> None:
    path = write(pa.table({"x": np.arange(10)}), tmp_path / "t.arrows", rows=5)
    path.write_bytes(path.read_bytes()[:-8])  # what says that no batch follows
    with pytest.raises(FileUnreadable, match="ends too early"):
        open_source(path)


def test_damaged(tmp_path: Path) -> None:
    path = write(pa.table({"x": np.arange(100)}), tmp_path / "t.arrow")
    content = bytearray(path.read_bytes())
    content[8:-10] = bytes(len(content) - 18)
    path.write_bytes(content)
    with pytest.raises(FileUnreadable) as caught, open_source(path) as source:
        list(source.chunks())
    assert caught.value.code == "file_truncated"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["arrow", "arrows", "parquet", "h5"])
def test_gzipped_files_that_cannot_be_read_say_how(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"x": [1]}), path)
    elif kind == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["x"] = [1]
    else:
        write(pa.table({"x": [1]}), path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(FileUnreadable, match="unpack it first") as caught:
        open_source(path)
    assert caught.value.code == "file_packed"


def test_no_batches(tmp_path: Path) -> None:
    path = tmp_path / "t.arrow"
    with pa.ipc.new_file(str(path), pa.schema([("x", pa.int64())])):
        pass
    with open_source(path) as source:
        assert [a.name for a in source.attributes] == ["x"]
        assert list(source.chunks()) == []
