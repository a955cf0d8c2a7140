from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provgraph.errors import MissingExtra
from provgraph.export.tables import stated, stream, to_arrow, write
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.export.tables.sample import META, sample


@pytest.fixture(params=["memory", "arrow", "parquet"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> pa.Table:
    table = sample()
    if request.param == "memory":
        return to_arrow(table, META)
    path = tmp_path / f"t.{request.param}"
    write(table, META, path)
    return pa.ipc.open_file(path).read_all() if request.param == "arrow" else pq.read_table(path)


def test_values_nulls_and_descriptions(found: pa.Table) -> None:
    table = sample()
    found.validate(full=True)
    assert found.column_names == list(table.attributes)
    for name, attribute in table.attributes.items():
        values, null = table[name]
        theirs = found[name].to_pylist()
        assert [v is None for v in theirs] == null.tolist(), name
        for mine, other, gap in zip(values.tolist(), theirs, null.tolist(), strict=True):
            if gap:
                continue
            if values.dtype.kind == "S":
                assert other == ([v.decode() for v in mine] if isinstance(mine, list) else mine.decode())
            else:
                assert other == mine or (np.isnan(mine) and np.isnan(other))
        meta = {k.decode(): v.decode() for k, v in (found.schema.field(name).metadata or {}).items()}
        assert meta.get("ucd", "") == attribute.ucd
        assert meta.get("unit", "?") == attribute.unit
        assert meta.get("description", "") == attribute.description
    assert found.schema.metadata[b"provgraph"].decode() == META.iri
    assert found.schema.metadata[b"provgraph.survey"] == b"s1"


def test_numbers_are_not_copied() -> None:
    table = sample(gaps=False)
    address = to_arrow(table)["f8"].chunk(0).buffers()[1].address
    assert address == table["f8"].values.__array_interface__["data"][0]


def test_the_stream_comes_in_batches() -> None:
    table = sample(1000)
    big = table.take(np.tile(np.arange(1000), 300))
    parts = list(stream(big, META, "arrow"))
    assert len(parts) > 3
    assert pa.ipc.open_stream(b"".join(parts)).read_all().num_rows == 300_000


def test_a_file_is_of_the_file_format_and_a_stream_of_the_other(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    table = sample(1000)
    big = table.take(np.tile(np.arange(1000), 300))
    write(big, META, tmp_path / "t.arrow")
    write(big, META, tmp_path / "t.arrows")
    with pa.ipc.open_file(tmp_path / "t.arrow") as reader:
        assert reader.num_record_batches > 1
    simple = Table(
        np.arange(5), {"i4": Column(table["i4"].values[:5])}, AttributeSet([Attribute("i4", "i4", origin="o:i4")])
    )
    write(simple, META, tmp_path / "simple.arrow")
    assert polars.read_ipc(tmp_path / "simple.arrow")["i4"].to_list() == table["i4"].values[:5].tolist()
    assert pa.ipc.open_stream(tmp_path / "t.arrows").read_all().num_rows == 300_000
    assert stated(tmp_path / "t.arrow") == stated(tmp_path / "t.arrows") == (META.iri, "s1")


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [m for m in sys.modules if m.split(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, module, None)
    for suffix in ("arrow", "parquet"):
        with pytest.raises(MissingExtra, match=r"provgraph\[arrow\]"):
            write(sample(10), META, tmp_path / f"t.{suffix}")
    assert list(tmp_path.iterdir()) == []
    for suffix in ("fits", "vot", "h5", "csv"):
        write(sample(10), META, tmp_path / f"t.{suffix}")
