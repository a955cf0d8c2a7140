"""Recognising files, and saying what is wrong with those that are none."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from provgraph.errors import FileUnreadable, UnknownAttribute
from provgraph.extract import EXTRACTORS, open_source, recognise
from tests.extract.compare import read, whole

N = 20_000


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same table in every format, large enough to be cut in the middle."""
    directory = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(0)
    table = Table({"id": np.arange(N) + 2**60, "ra": rng.random(N), "name": [f"s{i}" for i in range(N)]})
    paths = {k: directory / f"t.{k}" for k in ("fits", "fits.gz", "vot", "vot.gz", "pq", "h5", "csv", "csv.gz", "txt")}
    table.write(paths["fits"])
    table.write(paths["vot"], format="votable")
    table.write(paths["csv"], format="ascii.csv")
    table.write(paths["txt"], format="ascii.basic")
    for kind in ("fits", "vot", "csv"):
        paths[f"{kind}.gz"].write_bytes(gzip.compress(paths[kind].read_bytes(), 1))
    pq.write_table(pa.table({n: table[n].tolist() for n in table.colnames}), paths["pq"])
    with h5py.File(paths["h5"], "w") as file:
        for name in table.colnames:
            file[name] = table[name].astype("S") if table[name].dtype.kind == "U" else table[name]
    return paths


KINDS = ("fits", "fits.gz", "vot", "vot.gz", "pq", "h5", "csv", "csv.gz", "txt")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same(samples: dict[str, Path], kind: str, tmp_path: Path) -> None:
    nameless = tmp_path / "file"  # the content says what it is, not the name
    nameless.write_bytes(samples[kind].read_bytes())
    attributes, columns = read(nameless, rows=7777)
    assert [
        (a.name, a.dtype, a.shape)
        for a in sorted(attributes.values(), key=lambda a: ["id", "ra", "name"].index(a.name))
    ] == [
        ("id", "i8", ()),
        ("ra", "f8", ()),
        ("name", "U", ()),
    ]
    assert columns["id"].values.tolist() == list(range(2**60, 2**60 + N))
    assert columns["ra"].values.tolist() == np.random.default_rng(0).random(N).tolist()
    assert columns["name"].values.tolist() == [f"s{i}".encode() for i in range(N)]


@pytest.mark.parametrize("kind", ["fits", "fits.gz", "vot", "vot.gz", "pq", "h5", "csv.gz"])
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.99])
def test_truncated(samples: dict[str, Path], kind: str, kept: float, tmp_path: Path) -> None:
    content = samples[kind].read_bytes()
    path = tmp_path / samples[kind].name
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(FileUnreadable) as caught, open_source(path) as source:
        whole(source)
    assert caught.value.code == "file_truncated"
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_no_such_table(samples: dict[str, Path], kind: str) -> None:
    with pytest.raises(FileUnreadable) as caught:
        open_source(samples[kind], table="elsewhere")
    assert caught.value.code == "table_missing"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.fits", b"", "file_empty"),
        ("empty.gz", gzip.compress(b"", mtime=0), "file_empty"),
        ("cut.gz", gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:9], "file_truncated"),
        ("damaged.gz", b"\x1f\x8b" + b"\xff" * 100, "file_truncated"),
        ("noise.csv", bytes(range(256)) * 10, "format_unknown"),
        ("prose.txt", b"This is no table.\n\nIt is a text with lines of\ndifferent length.\n", "format_unknown"),
        ("one.json", b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "format_unknown"),
        ("page.html", b"<html><body>404, not found</body></html>", "format_unknown"),
        ("comments.txt", b"# only\n# comments\n", "format_unknown"),
        ("x.fits", b"SIMPLE  =                    T", "file_truncated"),
        ("x.pq", b"PAR1", "file_truncated"),
        ("x.h5", b"\x89HDF\r\n\x1a\n" + bytes(20), "file_unreadable"),
        ("x.vot", b"<VOTABLE><RESOURCE><TABLE>", "file_truncated"),
        ("bad.vot", b"<VOTABLE><RESOURCE></VOTABLE>", "row_malformed"),
        ("none.vot", b"<VOTABLE></VOTABLE>", "table_missing"),
    ],
)
def test_no_tables(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileUnreadable) as caught:
        open_source(tmp_path / name)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_missing_and_directory(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable) as caught:
        recognise(tmp_path / "none.fits")
    assert caught.value.code == "file_missing"
    with pytest.raises(FileUnreadable, match="directory"):
        recognise(tmp_path)


def test_unknown_formats_name_the_known(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\0\1\2")
    with pytest.raises(FileUnreadable) as caught:
        recognise(tmp_path / "x")
    assert not isinstance(caught.value, UnknownAttribute)
    for extractor in EXTRACTORS:
        assert extractor.format in str(caught.value)


def test_other_files_of_the_neighbours_are_not_taken_for_tables(shared: Path) -> None:
    for name in (
        "corsika/corsika75700",
        "corsika/corsika_77500_particle_slant.long",
        "prov/pc1.provn",
        "prov/pc1.json",
        "prov/pc1.provx",
        "iact/one_shower.dat",
        "km3net/km3net_offline.root",
        "fact/20170119_229_pass4_100events.phs.jsonl.gz",
    ):
        with pytest.raises(FileUnreadable) as caught:
            recognise(shared / "data" / name)
        assert caught.value.code == "format_unknown"
