from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import Progress, SegmentInfo
from provgraph.errors import StorageError
from provgraph.schema.table import Column
from tests.bulk.contract import BulkStoreTests, sample


class TestHdf5Store(BulkStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Hdf5Store:
        return Hdf5Store(tmp_path / "segments")


@pytest.fixture
def store(tmp_path: Path) -> Hdf5Store:
    return Hdf5Store(tmp_path / "segments")


@pytest.fixture
def info(store: Hdf5Store) -> SegmentInfo:
    ids, columns = sample(1000)
    return store.write(ids, columns, id_space="sky", meta={"o:0": {"name": "z", "unit": "", "ucd": "src.redshift"}})


def append_and_finish(
    store: Hdf5Store, ids: np.ndarray, columns: dict[str, Column], progress: Progress | None = None
) -> SegmentInfo:
    with store.writer(id_space="s") as writer:
        writer.append(ids, columns)
        return writer.finish(progress=progress)


def files(directory: Path) -> list[str]:
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())


def test_others_can_read_it(store: Hdf5Store, info: SegmentInfo) -> None:
    """Any HDF5 reader finds values, masks, statistics and units; nothing is chunked or compressed."""
    ids, columns = sample(1000)
    path = store.path(info.name)
    assert path.relative_to(store.directory).parts == (info.name[:2], f"{info.name}.h5")
    with h5py.File(path) as file:
        assert file.attrs["digest"] == info.digest
        assert file["ids"][:].tolist() == ids.tolist()
        z = file["columns/o:0"]
        assert z.chunks is None
        assert (z.attrs["unit"], z.attrs["ucd"], z.attrs["maximum"]) == (
            "",
            "src.redshift",
            columns["o:0"].values.max(),
        )
        assert z[:].tolist() == columns["o:0"].values.tolist()
        assert file["columns/o:10"].dtype == bool
        assert file["columns/o:11"].asstr()[0] == columns["o:11"].values[0].decode() or columns["o:11"].null[0]
        assert sorted(file["nulls"]) == sorted(c.origin for c in info.columns if c.null_count)
        assert file["nulls/o:1"][:].astype(bool).tolist() == columns["o:1"].null.tolist()
        assert len(file["statistics/o:0"]) == 1
    assert store.inspect(info.name) == info


def test_reading_needs_no_hdf5_library(store: Hdf5Store, info: SegmentInfo) -> None:
    program = textwrap.dedent(
        """
        import json, sys
        from pathlib import Path
        from provgraph.bulk.hdf5 import Hdf5Store
        from provgraph.bulk.store import SegmentInfo
        segment = Hdf5Store(Path(sys.argv[1])).open(SegmentInfo.from_dict(json.loads(sys.argv[2])))
        assert len(segment.column("o:0").values) == 1000
        assert "h5py" not in sys.modules
        """
    )
    import json

    subprocess.run([sys.executable, "-c", program, str(store.directory), json.dumps(info.as_dict())], check=True)


def test_columns_are_mapped_and_outlive_the_file(store: Hdf5Store, info: SegmentInfo) -> None:
    segment = store.open(info)
    values = segment.column("o:0").values
    assert values.base is not None
    assert values.flags.aligned
    expected = values.copy()
    store.delete(info.name)
    assert values.tolist() == expected.tolist()


def test_a_changed_value_is_found(store: Hdf5Store, info: SegmentInfo) -> None:
    path = store.path(info.name)
    with path.open("r+b") as file:
        file.seek(info.column("o:3").offset + 7)
        file.write(b"\x55")
    for call in (store.open, store.verify):
        with pytest.raises(StorageError, match="column o:3") as caught:
            call(info)
        assert caught.value.code == "segment_changed"


def test_a_change_that_hides_its_time_is_found_by_verify(store: Hdf5Store, info: SegmentInfo) -> None:
    path = store.path(info.name)
    with path.open("r+b") as file:
        file.seek(info.ids_offset)
        file.write(b"\x01")
    os.utime(path, ns=(info.mtime_ns, info.mtime_ns))
    store.open(info)
    with pytest.raises(StorageError, match="identifiers") as caught:
        store.verify(info)
    assert caught.value.code == "segment_changed"


def test_changed_statistics_are_found(store: Hdf5Store, info: SegmentInfo) -> None:
    """By them blocks are left unread, so they change what is found."""
    path = store.path(info.name)
    with path.open("r+b") as file:
        file.seek(info.column("o:0").blocks_offset)
        file.write(np.array([-3.0, -2.0]).tobytes())
    for call in (store.open, store.verify):  # it has another time, so it is read once
        with pytest.raises(StorageError, match=r"\(statistics of column o:0\)") as caught:
            call(info)
        assert caught.value.code == "segment_changed"


def test_a_changed_description_is_found(store: Hdf5Store, info: SegmentInfo) -> None:
    path = store.path(info.name)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"sky", b"Sky"))
    with pytest.raises(StorageError, match="what the file says of itself"):
        store.verify(info)
    path.write_bytes(b"nothing!" + whole[8:])
    with pytest.raises(StorageError, match="no segment any more"):
        store.verify(info)
    path.write_bytes(whole)
    store.verify(info)


def test_a_shorter_file_is_refused(store: Hdf5Store, info: SegmentInfo) -> None:
    path = store.path(info.name)
    os.truncate(path, info.size - 1)
    with pytest.raises(StorageError) as caught:
        store.open(info)
    assert caught.value.code == "segment_changed"


def test_a_restored_copy_is_used_once_its_digest_is_right(store: Hdf5Store, info: SegmentInfo) -> None:
    path = store.path(info.name)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert store.open(info).n == 1000
    assert store.open(info).column("o:0").values[0] == sample(1000)[1]["o:0"].values[0]


def test_inspect_refuses_other_files(store: Hdf5Store, info: SegmentInfo) -> None:
    store.path(info.name).write_bytes(b"something else")
    with pytest.raises(StorageError) as caught:
        store.inspect(info.name)
    assert caught.value.code == "segment_changed"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 32, "a" * 31])
def test_names_are_no_paths(store: Hdf5Store, name: str) -> None:
    with pytest.raises(StorageError):
        store.delete(name)


def test_odd_origins(store: Hdf5Store) -> None:
    columns = {origin: Column(np.arange(2)) for origin in ("a/b", ".", "..", "50%", "ö")}
    info = store.write(np.arange(2), columns, id_space="s")
    assert store.inspect(info.name) == info


def test_files_are_durable_before_they_have_a_name(store: Hdf5Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """write, fsync, rename, fsync of the directory, in this order."""
    did: list[str] = []
    fsync, rename = os.fsync, os.replace

    def spy_fsync(descriptor: int) -> None:
        did.append("sync directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "sync file")
        fsync(descriptor)

    def spy_rename(source: Path, target: Path) -> None:
        did.append("rename")
        assert ".part" in str(source)
        rename(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_rename)
    store.write(np.arange(3), {}, id_space="s")
    assert did[:3] == ["sync file", "rename", "sync directory"]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments], capture_output=True, text=True, check=False
    )


def test_disk_full_leaves_nothing(store: Hdf5Store) -> None:
    """The limit on a file's size stands for a full disk: the system refuses further bytes half-way."""
    done = run(
        """
        import resource, sys
        from pathlib import Path
        import h5py, numpy as np
        from provgraph.bulk.hdf5 import Hdf5Store
        from provgraph.errors import StorageError
        from provgraph.schema.table import Column
        store = Hdf5Store(Path(sys.argv[1]))
        columns = {"o": Column(np.random.default_rng(0).random(300_000)), "p": Column(np.zeros(300_000))}
        for limit in (100, 3000, 1_000_000, 2_500_000, 5_000_000, 7_200_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                store.write(np.arange(300_000), columns, id_space="s")
            except StorageError as error:
                print(error.code)
            with store.writer(id_space="s") as writer:
                try:
                    writer.append(np.arange(300_000)[::-1], columns)
                    writer.finish()
                except StorageError as error:
                    print(error.code)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert not store.names()
        assert not [p for p in store.directory.rglob("*") if p.is_file()]
        store.verify(store.write(np.arange(300_000), columns, id_space="s"))
        """,
        str(store.directory),
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.split() == ["disk_full"] * 12


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root on Linux")
def test_a_really_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        store = Hdf5Store(small)
        columns = {"o": Column(np.zeros(200_000)), "p": Column(np.zeros(200_000))}
        (small / "filler").write_bytes(bytes(2_000_000))
        for rows in (100_000, 110_000, 200_000):
            part = {o: c.take(slice(0, rows)) for o, c in columns.items()}
            with pytest.raises(StorageError) as caught:
                store.write(np.arange(rows), part, id_space="s")
            assert caught.value.code == "disk_full"
            with pytest.raises(StorageError) as caught:
                append_and_finish(store, np.arange(rows), part)
            assert caught.value.code == "disk_full"
        assert files(small) == ["filler"]
        (small / "filler").unlink()
        store.verify(store.write(np.arange(50_000), {"o": columns["o"].take(slice(0, 50_000))}, id_space="s"))
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_failed_write_in_a_thread_ends_all(store: Hdf5Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    write = os.pwrite

    def failing(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise OSError(errno.EIO, "Input/output error")
        return write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", failing)
    n = 3 * BLOCK
    with pytest.raises(StorageError, match="Input/output error") as caught:
        store.write(np.arange(n), {"o": Column(np.zeros(n)), "p": Column(np.zeros(n))}, id_space="s")
    assert caught.value.code == "storage_failed"
    assert files(store.directory) == []


def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StorageError):
        Hdf5Store(tmp_path / "file" / "segments").write(np.arange(3), {}, id_space="s")


def test_interrupted_by_the_user(store: Hdf5Store) -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    n = 2 * BLOCK
    with pytest.raises(KeyboardInterrupt):
        store.write(np.arange(n), {"o": Column(np.zeros(n))}, id_space="s", progress=stop)
    with pytest.raises(KeyboardInterrupt):
        append_and_finish(store, np.arange(n), {"o": Column(np.zeros(n))}, stop)
    assert files(store.directory) == []


def test_a_killed_process_leaves_nothing_after_cleaning(store: Hdf5Store) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        import numpy as np
        from provgraph.bulk.hdf5 import Hdf5Store
        from provgraph.schema.table import Column
        store = Hdf5Store(Path(sys.argv[1]))
        n = 300_000
        with store.writer(id_space="s") as writer:
            writer.append(np.arange(n), {"o": Column(np.zeros(n))})
            if sys.argv[2] == "append":
                os.kill(os.getpid(), signal.SIGKILL)
            writer.finish(progress=lambda done: os.kill(os.getpid(), signal.SIGKILL))
        """
    run(program, str(store.directory), "append")
    assert files(store.directory) == []  # chunks stand in files without a name
    assert run(program, str(store.directory), "finish").returncode == -9
    assert len(files(store.directory)) == 1
    assert store.names() == []
    running = store.directory / "aa"
    running.mkdir(exist_ok=True)
    from provgraph.bulk import processes

    mine = running / f"{'aa' * 16}.{processes.mark()}.part"
    elsewhere = running / f"{'aa' * 16}.00000000.1.1.part"
    reused = running / f"{'aa' * 16}.{processes.host()}.{os.getpid()}.1.part"
    for path in (mine, elsewhere, reused):
        path.touch()
    assert len(store.clean()) == 2
    assert files(store.directory) == sorted(f"aa/{p.name}" for p in (mine, elsewhere))


def test_a_writer_left_early_leaves_nothing(store: Hdf5Store) -> None:
    with store.writer(id_space="s") as writer:
        writer.append(np.arange(10), {"o": Column(np.zeros(10))})
    assert files(store.directory) == []
    assert not [f for f in os.listdir("/proc/self/fd") if ".spool" in os.path.realpath(f"/proc/self/fd/{f}")]
