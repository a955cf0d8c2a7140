from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import Table

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source
from tests.extract.compare import read, same, whole


def test_dc2_training_set(shared: Path) -> None:
    path = shared / "data/catalogs/test_dc2_training_9816.hdf5"
    attributes, columns = read(path, rows=3000)
    assert len(attributes) == 14
    assert read(path, table="photometry", rows=3000)[0] == attributes
    with h5py.File(path) as file:
        for name, dataset in file["photometry"].items():
            assert same(columns[name], dataset[:])
            assert columns[name].values.dtype == dataset.dtype


@pytest.mark.parametrize("table", ["/hits", "mc_tracks", "/reco/tracks", "tracks", "raw_header", "event_info"])
def test_km3net(shared: Path, table: str) -> None:
    path = shared / "data/km3net/geamon.h5"
    _, columns = read(path, table=table)
    with h5py.File(path) as file:
        node = file["/reco/tracks" if table == "tracks" else table]
        fields = node.dtype.names if isinstance(node, h5py.Dataset) else [n for n in node if n != "_indices"]
        assert list(columns) == list(fields)
        for name in fields:
            assert same(columns[name], node[name][:]), name


def test_several_tables_must_be_told_apart(shared: Path) -> None:
    with pytest.raises(FileUnreadable, match="/hits") as caught:
        open_source(shared / "data/km3net/geamon.h5")
    assert caught.value.code == "table_ambiguous"


@pytest.mark.parametrize(
    ("name", "word"), [("crossmatch/gd1_candidates.hdf5", "pandas"), ("cosmicray/esd_load_data.h5", "PyTables")]
)
def test_what_cannot_be_read_is_named(shared: Path, name: str, word: str) -> None:
    with pytest.raises(FileUnreadable, match=word) as caught:
        open_source(shared / "data" / name)
    assert caught.value.code == "table_unsupported"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.h5"


def test_every_type(path: Path) -> None:
    n = 50
    rng = np.random.default_rng(1)
    columns = {
        t: rng.integers(0, 100, n).astype(t) for t in ("i1", "u2", "i4", "u8", "f4", "f8", "?", ">f8", ">i2", "f2")
    }
    columns |= {
        "vector": rng.random((n, 3)),
        "text": np.array([b"ab", b"c"] * 25),
        "words": np.array([[b"x", b"yz"]] * n),
    }
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = values
        file["any"] = ["déf", ""] * 25
        file["ra"] = rng.random(n)
        file["ra"].attrs.update(unit="deg", ucd="pos.eq.ra", description="where")
        file["old"] = np.array([1, -9, 3] + [0] * 47)
        file["old"].attrs["_FillValue"] = -9
        file["z"] = rng.random((n, 2))
        file["complex"] = np.zeros(n, "c16")
        file["scalar"] = 5
        file.attrs["survey"] = "x"
    attributes, got = read(path, rows=20)
    for name, values in columns.items():
        assert same(got[name], values), name
    assert got["any"].values[0].decode() == "déf"
    ra = attributes["ra"]
    assert (ra.unit, ra.ucd, ra.description) == ("deg", "pos.eq.ra", "where")
    assert attributes["z"].unit == "?"
    assert got["old"].null.tolist() == [False, True] + [False] * 48
    with open_source(path) as source:
        assert set(source.skipped) == {"complex", "scalar"}
        assert source.metadata == {"survey": "x"}


def test_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.arange(3)
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(24))
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(3)
        file["soft"] = h5py.SoftLink("/x")
        file["away"] = h5py.ExternalLink("other.h5", "/secret")
        file.create_dataset("outside", (3,), "f8", external=[(str(raw), 0, 24)])
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (3,))
        file.create_virtual_dataset("virtual", layout)
    with open_source(path) as source:
        assert set(source.skipped) == {"soft", "away", "outside", "virtual"}
        assert list(whole(source)) == ["x"]
    with h5py.File(path, "w") as file:
        file["t"] = h5py.ExternalLink("other.h5", "/")
    for table in (None, "t"):
        with pytest.raises(FileUnreadable) as caught:
            open_source(path, table=table)
        assert caught.value.code == "table_missing"


def test_columns_of_unequal_length_are_no_table(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = np.arange(3)
        file["b"] = np.arange(4)
    with pytest.raises(FileUnreadable) as caught:
        open_source(path)
    assert caught.value.code == "table_missing"


def test_what_astropy_writes(path: Path) -> None:
    table = Table({"id": np.arange(5), "ra": np.arange(5.0), "name": [b"a"] * 5})
    table["ra"].unit = "deg"
    table["ra"].description = "right ascension"
    table.write(path, path="data", serialize_meta=True)
    attributes, columns = read(path)
    assert same(columns["ra"], np.arange(5.0))
    assert (attributes["ra"].unit, attributes["ra"].description) == ("deg", "right ascension")


def test_no_rows(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(0)
    with open_source(path) as source:
        assert source.n == 0
        assert list(source.chunks()) == []
