"""The store of files on directories: whole or absent, verified, and clear words where it cannot be."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from provgraph.errors import FileUnreadable, InvalidInput, StorageError
from provgraph.store.cache import Cache
from provgraph.store.directory import Directory
from provgraph.store.files import FileStore
from provgraph.store.location import Here, StorageWarning
from tests.store.servers import WebServer, web  # noqa: F401

OpenStore = Callable[..., FileStore]


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def open_at(base: Path, *places: str, limit: int = 1 << 30) -> FileStore:
    return FileStore.open(places or ("files",), Cache(base / "cache", limit), base)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return open_at(tmp_path)


def stored(store: FileStore, number: int = 0) -> list[str]:
    place = store.places[number]
    assert isinstance(place, Directory)
    return sorted(str(p.relative_to(place.root)) for p in place.root.rglob("*") if p.is_file())


def spoil(path: Path, at: int = 0) -> None:
    """Change one byte, as a disk does: neither size nor time of change tell."""
    seen = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


# -- putting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"x", noise(3_000_000)], ids=["empty", "byte", "3MB"])
def test_what_is_put_is_had_again(store: FileStore, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "ein Bild.fits"
    path.write_bytes(data)
    put = store.put(path)
    assert put == (digest(data), len(data))
    assert store.put(data) == put
    assert store.put(path.as_uri()) == put
    name = put.digest.removeprefix("sha256:")
    assert stored(store) == [f"{name[:2]}/{name}"]
    found = store.get(put.digest)
    assert found == tmp_path / "files" / name[:2] / name
    assert found.read_bytes() == data
    assert store.get(put.digest, tmp_path / "new" / "out.fits").read_bytes() == data
    assert store.get(put.digest, tmp_path).name == name  # a directory
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["ein Bild.fits", "files", "new", name])


def test_what_is_there_is_not_written_again(store: FileStore) -> None:
    path = store.get(store.put(b"bias").digest)
    inode = path.stat().st_ino
    assert store.put(b"bias").digest == digest(b"bias")
    assert path.stat().st_ino == inode


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot rename what is read-only")
def test_what_is_stored_is_not_written_to_by_mistake(store: FileStore) -> None:
    assert store.get(store.put(b"bias").digest).stat().st_mode & 0o222 == 0


def test_what_cannot_be_put(store: FileStore, tmp_path: Path) -> None:
    for path, says in ((tmp_path / "nothing.fits", "is not there"), (tmp_path, "is a directory")):
        for put in (store.put, store.reference):
            with pytest.raises(FileUnreadable, match=says) as caught:
                put(path)
            assert str(path) in caught.value.message
    assert stored(store) == []


def test_what_changes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(bytes(3 << 20))
    reading = Here(path, "growing", watched=True).read()
    next(reading)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(StorageError, match="changed while it was read"):
        list(reading)


def test_a_digest_is_no_path(store: FileStore) -> None:
    for wrong in ("sha256:../../etc/passwd", "md5:00", "sha256:" + "A" * 64, ""):
        with pytest.raises(InvalidInput) as caught:
            store.get(wrong)
        assert caught.value.code == "digest_invalid"


def test_a_spoiled_file_is_written_again_when_it_is_put(store: FileStore) -> None:
    data = noise(100_000)
    spoil(store.get(store.put(data).digest))
    with pytest.raises(StorageError) as caught:
        store.get(digest(data))
    assert caught.value.code == "digest_differs"
    assert store.get(store.put(data).digest).read_bytes() == data


PUT = """
import sys
from pathlib import Path
from tests.store.test_files import open_at
open_at(Path(sys.argv[1])).put(sys.argv[2])
"""


def test_a_killed_put_leaves_nothing_with_a_name(store: FileStore, tmp_path: Path, web: WebServer) -> None:
    data = noise(20 << 20)
    (web.directory / "raw.fits").write_bytes(data)
    web.slow = 0.02
    process = subprocess.Popen([sys.executable, "-c", PUT, str(tmp_path), f"{web.url}/raw.fits"])
    place = store.places[0]
    assert isinstance(place, Directory)
    while not any(p.stat().st_size for p in place.root.glob("*.part")):
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert list(place.files()) == []
    (part,) = place.unfinished()
    assert part.stat().st_size < len(data)
    web.slow = 0.0
    assert store.put(f"{web.url}/raw.fits") == (digest(data), len(data))
    assert list(place.unfinished()) == [part]


def _put(arguments: tuple[Path, bytes]) -> str:
    return open_at(arguments[0]).put(arguments[1]).digest


def test_many_put_at_once(store: FileStore, tmp_path: Path) -> None:
    same = noise(2_000_000)
    wanted = [same if n % 2 else noise(300_000, n) for n in range(24)]
    with ProcessPoolExecutor(8) as pool:
        found = list(pool.map(_put, [(tmp_path, data) for data in wanted]))
    assert found == [digest(data) for data in wanted]
    assert len(stored(store)) == 13
    for data in wanted:
        assert store.get(digest(data)).read_bytes() == data


def test_what_is_stored_again_is_read_all_the_same(store: FileStore) -> None:
    """Who stores it again touches it."""
    put = store.put(bytes(3 << 20))
    reading = store.places[0].at(put.digest).read()
    first = next(reading)
    store.put(bytes(3 << 20))
    assert len(first + b"".join(reading)) == 3 << 20


# -- several places ------------------------------------------------------------------------------------------------------


def test_new_files_go_to_the_first_place_and_copies_to_others(tmp_path: Path) -> None:
    store = open_at(tmp_path, "first", "second")
    put = store.put(b"flat")
    assert (len(stored(store, 0)), len(stored(store, 1))) == (1, 0)
    text = store.copy(put.digest, store.places[1])
    name = put.digest.removeprefix("sha256:")
    assert text == f"second/{name[:2]}/{name}"
    assert (len(stored(store, 0)), len(stored(store, 1))) == (1, 1)
    store.copy(put.digest, store.places[0])  # where it is
    store.delete(put.digest)
    assert stored(store, 0) == stored(store, 1) == []


def test_the_next_place_has_it(tmp_path: Path) -> None:
    store = open_at(tmp_path, "first", "second")
    data = noise(200_000)
    put = store.put(data)
    store.copy(put.digest, store.places[1])
    first = store.get(put.digest)
    spoil(first, 150_000)
    for to in (None, tmp_path / "out"):
        with pytest.warns(StorageWarning, match="first/.* has other bytes than were stored; another place has it"):
            assert store.get(put.digest, to).read_bytes() == data
    first.unlink()
    assert store.get(put.digest).read_bytes() == data  # what is only missing is no news
    spoil(store.get(put.digest))
    with pytest.raises(StorageError) as caught:
        store.get(put.digest, what="The flat")
    assert caught.value.code == "digest_differs"
    assert caught.value.message.startswith("The flat cannot be had: first/")
    assert "is not there; second/" in caught.value.message
    store.delete(put.digest)
    with pytest.raises(StorageError) as caught:
        store.get(put.digest)
    assert caught.value.code == "bytes_missing"


def test_another_size_is_seen_without_reading(tmp_path: Path) -> None:
    store = open_at(tmp_path)
    path = store.get(store.put(b"1234").digest)
    path.chmod(0o644)
    path.write_bytes(b"12345")
    with pytest.raises(StorageError, match=r"5 bytes in place of 4") as caught:
        store.get(digest(b"1234"), size=4)
    assert caught.value.code == "digest_differs"


# -- left where it is ----------------------------------------------------------------------------------------------------


def test_a_file_that_stays_where_it_is(store: FileStore, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    path = raw / "r1.fits"
    path.write_bytes(b"raw")
    left = store.reference(path)
    assert left == (digest(b"raw"), 3, "raw/r1.fits")
    assert stored(store) == []
    assert store.get(left.digest, also=[left.place]) == path
    assert store.get(left.digest, tmp_path / "copy", also=[left.place]).read_bytes() == b"raw"
    path.write_bytes(b"raW")
    with pytest.raises(StorageError, match=r"raw/r1.fits has other bytes") as caught:
        store.get(left.digest, also=[left.place])
    assert caught.value.code == "digest_differs"
    path.unlink()
    with pytest.raises(StorageError, match=r"raw/r1.fits is not there") as caught:
        store.get(left.digest, also=[left.place])
    assert caught.value.code == "bytes_missing"


# -- disks that are full or only read ------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    small = tmp_path / "disk"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mount is not allowed here: {mounted.stderr.decode().strip()}")
    yield small
    subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_full_disk(tmp_path: Path, disk: Path, web: WebServer) -> None:
    store = open_at(tmp_path, "disk/files")
    there = noise(1 << 20)
    put = store.put(there)
    (disk / "filler").write_bytes(bytes(2_600_000))
    (web.directory / "big").write_bytes(noise(3 << 20))
    for given in (noise(3 << 20), f"{web.url}/big"):
        with pytest.raises(StorageError) as caught:
            store.put(given)
        assert caught.value.code == "disk_full"
        assert "disk/files" in caught.value.message
    assert len(stored(store)) == 1
    assert store.put(there) == put  # needs no room
    with pytest.raises(StorageError) as caught:
        store.get(put.digest, disk / "out")
    assert caught.value.code == "disk_full"
    assert sorted(p.name for p in disk.iterdir()) == ["files", "filler"]
    (disk / "filler").unlink()
    assert store.get(put.digest, disk / "out").read_bytes() == there


def test_a_disk_that_fills_up_half_way(tmp_path: Path) -> None:
    """The limit on a file's size stands for a disk whose room another process takes meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", FILLED, str(tmp_path)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.stdout.split() == ["disk_full", "disk_full", "1"], done.stderr


FILLED = """
import resource, sys
from pathlib import Path
from provgraph.errors import StorageError
from tests.store.test_files import digest, noise, open_at
base = Path(sys.argv[1])
store = open_at(base)
data = noise(3 << 20)
store.put(data)
resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, resource.RLIM_INFINITY))
for work in (lambda: store.put(noise(3 << 20, 2)), lambda: store.get(digest(data), base / "out")):
    try:
        work()
    except StorageError as error:
        print(error.code)
print(sum(p.is_file() for p in base.rglob("*")))
"""


def test_a_disk_that_is_only_read(tmp_path: Path, disk: Path) -> None:
    store = open_at(tmp_path, "disk/files")
    put = store.put(b"flat")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert store.get(put.digest).read_bytes() == b"flat"
    with pytest.raises(StorageError, match="disk cannot be written to") as caught:
        store.get(put.digest, disk / "out")
    with pytest.raises(StorageError) as caught:  # it could be written to when this began
        store.put(b"bias")
    assert caught.value.code == "store_read_only"
    with pytest.raises(StorageError, match=r"No place .* disk/files \(Read-only file system\)") as caught:
        open_at(tmp_path, "disk/files").put(b"bias")
    assert caught.value.code == "store_read_only"
    both = open_at(tmp_path, "disk/files", "mine")
    assert both.get(both.put(b"bias").digest).is_relative_to(tmp_path / "mine")
    assert both.get(put.digest).is_relative_to(disk)
    with pytest.raises(StorageError) as caught:
        open_at(tmp_path, "disk/others").check()
    assert caught.value.code == "place_missing"


def test_a_directory_of_somebody_else(tmp_path: Path) -> None:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    store = open_at(tmp_path)
    put = store.put(b"flat")
    for path in (tmp_path / "files", *(tmp_path / "files").iterdir()):
        path.chmod(0o555)
    with pytest.raises(StorageError) as caught:
        store.put(b"bias")
    assert caught.value.code == "store_read_only"
    assert store.get(put.digest).read_bytes() == b"flat"


# -- what nobody needs ---------------------------------------------------------------------------------------------------


def test_what_is_stored_again_is_not_removed(store: FileStore) -> None:
    place = store.places[0]
    assert isinstance(place, Directory)
    path = store.get(store.put(b"orphan").digest)
    seen = path.stat().st_mtime_ns
    time.sleep(0.02)
    store.put(b"orphan")
    assert not place.remove(path, seen)
    assert path.read_bytes() == b"orphan"
    assert place.remove(path, path.stat().st_mtime_ns)
    assert not path.exists()
    assert not place.remove(path, seen)


def test_removing_and_storing_race(store: FileStore) -> None:
    """Whoever has been told that it is stored finds it, whatever is removed meanwhile."""
    place = store.places[0]
    assert isinstance(place, Directory)
    path = place.path(digest(b"orphan"))
    storing, registered, stop = threading.Event(), threading.Event(), threading.Event()
    removed = 0

    def remove() -> None:  # in the order of `housekeeping.removable`: what is there, who is storing, what is known
        nonlocal removed
        while not stop.is_set():
            for found in list(place.files()):
                try:
                    seen = found.stat().st_mtime_ns
                except FileNotFoundError:
                    continue
                if not storing.is_set() and not registered.is_set():
                    removed += place.remove(found, seen)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for n in range(300):
            storing.set()
            store.put(b"orphan")
            registered.set()
            storing.clear()
            time.sleep(0.001)
            assert path.exists()
            registered.clear()
            time.sleep(0.0005 * (n % 3))
    finally:
        stop.set()
        remover.join()
    assert removed > 10


def test_what_a_killed_removal_left_aside_comes_back(store: FileStore) -> None:
    place = store.places[0]
    assert isinstance(place, Directory)
    path = store.get(store.put(b"orphan").digest)
    path.rename(path.with_name(path.name + ".0123.removing"))
    place.recover()
    assert path.read_bytes() == b"orphan"
    assert len(stored(store)) == 1
