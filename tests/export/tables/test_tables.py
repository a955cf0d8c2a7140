"""Every format: what is written is read again, by us and by others."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from provgraph.errors import InvalidInput, StorageError
from provgraph.export.tables import EXPORTERS, TableMeta, stated, stream, write
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.export.tables.sample import META, sample
from tests.extract.compare import read

FORMATS = sorted(EXPORTERS)


def path_for(tmp_path: Path, format: str) -> Path:
    return tmp_path / f"t{EXPORTERS[format].suffixes[0]}"


def gaps(column: Column) -> np.ndarray:
    return np.zeros(len(column.values), bool) if column.null is None else column.null


@pytest.mark.parametrize("format", [f for f in FORMATS if f not in ("csv", "arrow")])
@pytest.mark.parametrize("with_gaps", [True, False])
@pytest.mark.parametrize("script", ["é", "ascii"])
def test_round_trip(tmp_path: Path, format: str, with_gaps: bool, script: str) -> None:
    """Bit-exact values, gaps, units, UCDs and descriptions, up to what the format says that it cannot say."""
    table = sample(gaps=with_gaps, script=script)
    path = path_for(tmp_path, format)
    write(table, META, path)
    attributes, columns = read(path)
    if format == "votable":  # in which a vector of text is written element by element
        assert list(attributes)[-2:] == ["words_1", "words_2"]
        table = table.only([name for name in table.attributes if name != "words"])
        attributes = {n: a for n, a in attributes.items() if not n.startswith("words_")}
    assert list(attributes) == list(table.attributes)
    for name, original in table.attributes.items():
        mine, theirs = table[name], columns[name]
        about = attributes[name]
        assert (about.unit, about.ucd, about.description, about.shape) == (
            original.unit,
            original.ucd,
            original.description,
            original.shape,
        ), name
        null = gaps(mine)
        if format == "fits" and mine.values.dtype.kind in "fS":  # there, NaN or empty text
            missing = theirs.values[null]
            assert np.isnan(missing).all() if mine.values.dtype.kind == "f" else (missing == b"").all()
        else:
            assert np.array_equal(gaps(theirs), null), name
        there, here = theirs.values[~null], mine.values[~null]
        if there.dtype != here.dtype and here.dtype.kind != "S":
            assert there.dtype.itemsize >= here.dtype.itemsize or there.dtype.kind == "S"
            assert [int(v) for v in there.ravel().tolist()] == [int(v) for v in here.ravel().tolist()], name
        elif here.dtype.kind == "S":
            assert there.tolist() == here.tolist(), name
        else:
            assert there.tobytes() == here.tobytes(), name


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_knows_what_it_is(tmp_path: Path, format: str) -> None:
    path = path_for(tmp_path, format)
    write(sample(10), META, path)
    expected = None if format == "csv" else (META.iri, "s1")
    assert stated(path) == expected
    renamed = tmp_path / "other.name"
    path.rename(renamed)
    assert stated(renamed) == expected


@pytest.mark.parametrize("format", FORMATS)
def test_stream_is_the_file(tmp_path: Path, format: str) -> None:
    table = sample(100)
    path = path_for(tmp_path, format)
    write(table, META, path)
    parts = list(stream(table, META, format))
    if format == "arrow":  # whose file ends in a table of contents
        streamed = tmp_path / "t.arrows"
        write(table, META, streamed)
        assert b"".join(parts) == streamed.read_bytes()
    elif format == "hdf5":  # which keeps times and places of its own
        path.write_bytes(b"".join(parts))
        assert len(read(path)[1]) == len(table.attributes)
    else:
        assert b"".join(parts) == path.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_no_sources(tmp_path: Path, format: str) -> None:
    path = path_for(tmp_path, format)
    table = sample(100).take(slice(0, 0))
    write(table, META, path)
    assert stated(path) == (None if format == "csv" else (META.iri, "s1"))
    if format not in ("arrow",):
        assert list(read(path)[0])[:11] == list(table.attributes)[:11]


@pytest.mark.parametrize("format", FORMATS)
def test_many_parts(tmp_path: Path, format: str) -> None:
    n = 300_001
    columns = {"id": Column(np.arange(n)), "x": Column(np.arange(n) * 0.5, np.arange(n) % 7 == 0)}
    table = Table(np.arange(n), columns, AttributeSet([Attribute("id", "i8"), Attribute("x", "f8", origin="o")]))
    path = path_for(tmp_path, format)
    write(table, META, path)
    if format == "arrow":
        import pyarrow as pa

        found = pa.ipc.open_file(path).read_all()
        assert found["id"].to_pylist() == list(range(n))
        assert found["x"].null_count == int((np.arange(n) % 7 == 0).sum())
        return
    _, found = read(path, rows=100_000)
    assert np.array_equal(found["id"].values, columns["id"].values)
    assert np.array_equal(found["x"].values[~columns["x"].null], columns["x"].values[~columns["x"].null])


def test_unknown_suffix_and_format(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\.fits") as caught:
        write(sample(10), META, tmp_path / "t.xls")
    assert caught.value.code == "format_unknown"
    with pytest.raises(InvalidInput, match="votable"):
        stream(sample(10), META, "votabel")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"no table", b"SIMPLE  = broken", b"PAR1broken", b"\x89HDF\r\n\x1a\nbroken", b"<VOTABLE/>"]
)
def test_other_files_are_not_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert stated(tmp_path / "x") is None


def test_files_nobody_wrote(tmp_path: Path, shared: Path) -> None:
    assert stated(tmp_path / "none") is None
    for name in (
        "crossmatch/gd1_photo.fits",
        "catalogs/rubin_dm_dc2_example.pq",
        "catalogs/test_dc2_training_9816.hdf5",
    ):
        assert stated(shared / "data" / name) is None


@pytest.mark.parametrize("format", FORMATS)
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, format: str) -> None:
    program = """
        import resource, sys
        from pathlib import Path
        from provgraph.errors import StorageError
        from provgraph.export.tables import write
        from tests.export.tables.sample import META, sample
        path = Path(sys.argv[1])
        table = sample(5000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        try:
            write(table, META, path)
        except StorageError as error:
            print(error.code)
        """
    path = path_for(tmp_path, format)
    path.write_text("what was there")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "disk_full", done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "what was there"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file") as caught:
        write(sample(10), META, tmp_path / "none" / "t.fits")
    assert caught.value.code == "storage_failed"


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from provgraph.export.tables.files import write_stream
        def chunks():
            yield b"some"
            os.kill(os.getpid(), signal.SIGKILL)
        write_stream(chunks(), Path(sys.argv[1]))
        """
    target = tmp_path / "t [1].csv"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert re.fullmatch(r"\.t \[1\]\.csv\.[0-9]+\.[0-9a-f]{8}\.part", left.name)
    ended, end = left.name.split(".")[-3], left.name[-13:]
    kept = {
        f".{target.name}.{os.getppid()}{end}",  # still runs
        f".{target.name}.{ended}.{'0000' if end[1:5] != '0000' else 'ffff'}0000.part",  # another machine's
        left.name.replace("[1]", "[2]"),  # of another target
    }
    for name in kept:
        (tmp_path / name).write_bytes(b"some")
    write(sample(10), META, target)
    assert {p.name for p in tmp_path.iterdir()} == {target.name, *kept}


def test_a_file_is_synced_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []
    fsync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda d: (did.append("sync"), fsync(d)))
    monkeypatch.setattr(os, "replace", lambda a, b: (did.append("rename"), rename(a, b)))
    write(sample(10), META, tmp_path / "t.csv")
    assert did == ["sync", "rename", "sync"]


def test_bare_meta(tmp_path: Path) -> None:
    meta = TableMeta("", "urn:uuid:0")
    for format in FORMATS:
        write(sample(10), meta, path_for(tmp_path, format))
        assert stated(path_for(tmp_path, format)) == (None if format == "csv" else ("urn:uuid:0", ""))
