"""The cache of what came from far away: its limit, what is in use, several processes, and bytes that change."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from provgraph.store.cache import Cache, HeldPath
from provgraph.store.directory import Directory
from provgraph.store.files import FileStore
from provgraph.store.location import Given
from provgraph.store.locks import is_free, locked
from tests.store.servers import WebServer, web  # noqa: F401
from tests.store.test_files import noise, open_at, spoil

KIB = 1024
Far = tuple[WebServer, list[str]]


@pytest.fixture
def far(web: WebServer) -> Far:
    """Eight files of 100 KiB on a web server."""
    held = Directory(web.directory / "files")
    return web, [held.put(Given(noise(100 * KIB, n)))[0] for n in range(8)]


def open_far(base: Path, url: str, files: float) -> FileStore:
    """A store with a cache for so many of them."""
    return open_at(base, f"{url}/files", limit=int(files * 100 * KIB))


def cached(store: FileStore) -> set[str]:
    return {f"sha256:{p.name}" for p in store.cache.files()}


def fetched(web: WebServer) -> int:
    return len(web.asked)


def test_the_second_time_it_is_here(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 8)
    first = store.get(keys[0])
    count = fetched(web)
    assert store.get(keys[0]) == first
    assert store.get(keys[0], tmp_path / "out").read_bytes() == first.read_bytes()
    assert fetched(web) == count
    web.status = 500  # nor is anybody asked
    assert store.get(keys[0]).read_bytes() == noise(100 * KIB, 0)


def test_least_recently_used_goes_first(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 3)
    for key in (*keys[:3], keys[0], *keys[3:5]):  # the first is used again
        store.get(key)
        gc.collect()
        time.sleep(0.01)
    assert cached(store) == {keys[0], keys[3], keys[4]}


def test_what_is_in_use_stays(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 2)
    held = [store.get(key) for key in keys[:4]]  # more than the limit
    assert cached(store) == set(keys[:4])
    store.get(keys[4])
    gc.collect()
    store.get(keys[5])
    assert all(path.read_bytes() == noise(100 * KIB, n) for n, path in enumerate(held))
    del held
    gc.collect()
    store.cache.trim()
    assert len(cached(store)) == 2
    held = [store.get(keys[0]), store.get(keys[0])]
    held.pop()
    gc.collect()
    for key in keys[1:]:
        store.get(key)
    assert held[0].exists()


def test_without_a_cache_what_is_in_use_is_there(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 0)
    for n, key in enumerate(keys):
        path = store.get(key)
        assert path.read_bytes() == noise(100 * KIB, n)
    assert len(cached(store)) <= 2  # the one in use, and the one before


def test_a_held_path_is_a_path(tmp_path: Path, far: Far) -> None:
    web, keys = far
    path = open_far(tmp_path, web.url, 8).get(keys[0])
    assert isinstance(path, Path)
    assert (path.parent / path.name) == path
    assert pickle.loads(pickle.dumps(path)) == path
    assert os.fspath(path) == str(path)
    assert path.with_suffix(".x").name == f"{path.name}.x"
    assert type(path) is HeldPath


def test_changed_bytes_are_found_out_and_fetched_again(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 8)
    for change in (lambda p: spoil(p, 50_000), lambda p: p.write_bytes(b""), lambda p: p.unlink()):
        path = store.get(keys[0])
        count = fetched(web)
        change(path)
        assert store.get(keys[0]).read_bytes() == noise(100 * KIB, 0)
        assert fetched(web) == count + 1


USING = """
import sys, time
from pathlib import Path
from tests.store.test_cache import open_far
store = open_far(Path(sys.argv[1]), sys.argv[2], 2)
held = store.get(sys.argv[3])
print("held", flush=True)
sys.stdin.read()
"""


def test_what_another_process_uses_stays_until_it_ends(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 2)
    with subprocess.Popen(
        [sys.executable, "-c", USING, str(tmp_path), web.url, keys[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        for key in keys[1:]:
            store.get(key)
        assert keys[0] in cached(store)
        process.send_signal(signal.SIGKILL)  # it takes nothing back
    assert any((store.cache.directory / "held").iterdir())
    for key in keys[1:]:
        store.get(key)
        gc.collect()
    assert keys[0] not in cached(store)
    store.cache.trim()
    assert len(cached(store)) <= 2


def _get_all(arguments: tuple[Path, str, list[str], int]) -> int:
    base, url, keys, seed = arguments
    store = open_far(base, url, 3)
    wrong = 0
    for step in range(40):
        n = (step * 7 + seed * 3 + step * step) % len(keys)
        path = store.get(keys[n])
        wrong += path.read_bytes() != noise(100 * KIB, n)
    return wrong


def test_several_processes_use_one_cache(tmp_path: Path, far: Far) -> None:
    web, keys = far
    with ProcessPoolExecutor(4) as pool:
        assert list(pool.map(_get_all, [(tmp_path, web.url, keys, n) for n in range(4)])) == [0] * 4
    store = open_far(tmp_path, web.url, 3)
    store.cache.trim()
    assert len(cached(store)) <= 3
    assert list((store.cache.directory / "held").iterdir()) == []
    assert [p.name for p in store.cache.directory.iterdir() if p.is_file()] == [".lock"]


def test_threads_use_one_cache(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 2)

    def get(step: int) -> bool:
        n = step * 5 % len(keys)
        return store.get(keys[n]).read_bytes() == noise(100 * KIB, n)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(get, range(80)))


def test_who_comes_second_waits_and_fetches_nothing(tmp_path: Path, far: Far) -> None:
    web, keys = far
    web.slow = 0.1
    store = open_far(tmp_path, web.url, 8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(store.get, [keys[0]] * 4))
    assert len({p.read_bytes() for p in found}) == 1
    assert fetched(web) == 1


def test_broken_downloads_count_and_go(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 2)
    store.cache.directory.mkdir()
    left = store.cache.directory / f"{'0' * 64}.part"
    left.write_bytes(bytes(150 * KIB))
    busy = store.cache.directory / f"{'1' * 64}.part"
    busy.write_bytes(b"x")
    with locked(busy.with_suffix(".lock")):
        for key in keys[:2]:
            store.get(key)
            gc.collect()
        assert not left.exists()
        assert busy.exists()
    store.get(keys[2])
    assert not busy.exists()


def test_locks(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert is_free(path)
    with locked(path):
        assert not is_free(path)
    assert is_free(path)
    assert not path.exists()
    with locked(path, keep=True):
        pass
    assert path.exists()


def test_a_name_that_programs_understand(tmp_path: Path, far: Far) -> None:
    web, keys = far
    store = open_far(tmp_path, web.url, 1)
    path = store.cache.named(store.get(keys[0]), "RawFrame-1.fits")
    gc.collect()
    store.get(keys[1])
    assert path.name == "RawFrame-1.fits"
    assert path.read_bytes() == noise(100 * KIB, 0)  # it keeps what is behind it
    again = store.cache.named(store.get(keys[0]), "RawFrame-1.fits")
    assert again == path
    del path, again
    gc.collect()
    store.get(keys[1])
    store.get(keys[2])
    assert keys[0] not in cached(store)
    assert store.cache.named(store.get(keys[0]), "RawFrame-1.fits").read_bytes() == noise(100 * KIB, 0)


def test_links_that_cannot_be_made(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "no directory" / "cache")
    (tmp_path / "no directory").write_text("a file")
    path = tmp_path / ("0" * 64)
    assert cache.named(path, "x.fits") == path
