"""Places far away: S3 as a real server speaks it, web servers that break off, addresses that are none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import FileUnreadable, InvalidInput, MissingExtra, StorageError
from provgraph.store import download, remote
from provgraph.store.directory import Directory
from provgraph.store.files import FileStore
from provgraph.store.location import CHUNK, Given, StorageWarning
from provgraph.store.places import place
from tests.store.servers import WebServer, bucket, filesystem, s3_server, sftp_folder, sftp_server, web  # noqa: F401
from tests.store.test_files import digest, noise, open_at, spoil

BIG = noise(20_000_000)  # three parts of an upload, three requests of a download


@pytest.fixture(params=["s3", "sftp", "memory"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty place of each kind that can be written to."""
    if request.param == "s3":
        yield request.getfixturevalue("bucket") + "/survey/files"
        return
    if request.param == "sftp":
        yield request.getfixturevalue("sftp_folder")
        return
    import fsspec

    name = f"memory://{uuid.uuid4().hex}"
    yield name
    with contextlib.suppress(FileNotFoundError):
        fsspec.filesystem("memory").rm(name, recursive=True)


def keys(address: str) -> list[str]:
    import fsspec

    fs = fsspec.core.url_to_fs(address)[0]
    fs.invalidate_cache()
    return sorted(str(name).rpartition("/")[2] for name in fs.find(address))


@pytest.mark.parametrize("data", [b"", b"bias", BIG], ids=["empty", "small", "large"])
def test_what_is_put_far_away_is_had_again(tmp_path: Path, address: str, data: bytes) -> None:
    store = open_at(tmp_path, address)
    store.check()
    path = tmp_path / "raw.fits"
    path.write_bytes(data)
    assert store.put(path) == (digest(data), len(data)) == store.put(data)
    name = digest(data).removeprefix("sha256:")
    assert store.places[0].at(digest(data)).text == f"{address}/{name[:2]}/{name}"
    assert keys(address) == [name]
    found = store.get(digest(data))
    assert found.read_bytes() == data
    assert found.is_relative_to(tmp_path / "cache")
    assert store.get(digest(data), tmp_path / "out").read_bytes() == data
    del found
    store.delete(digest(data))
    assert keys(address) == []
    with pytest.raises(StorageError) as caught:
        store.get(digest(data))
    assert caught.value.code == "bytes_missing"
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".part", ".lock") and p.name != ".lock"]


def test_what_is_there_is_not_sent_again(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_at(tmp_path, address)
    put = store.put(b"flat")
    sent: list[Any] = []
    monkeypatch.setattr(remote.Remote, "_send", lambda *a: sent.append(a))
    assert store.put(b"flat") == put
    store.copy(put.digest, store.places[0])
    assert sent == []


def test_one_upload_is_one_object(tmp_path: Path, bucket: str) -> None:
    store = open_at(tmp_path, bucket)
    before = filesystem().call_s3("list_object_versions", Bucket=bucket.removeprefix("s3://"))
    for _ in range(2):
        store.put(BIG)
        store.put(b"small")
    after = filesystem().call_s3("list_objects_v2", Bucket=bucket.removeprefix("s3://"))
    assert "Versions" not in before
    assert {o["Size"] for o in after["Contents"]} == {len(BIG), 5}
    assert uploads(bucket) == 0


def uploads(bucket: str) -> int:
    """Uploads that were begun and neither completed nor given up."""
    return len(filesystem().call_s3("list_multipart_uploads", Bucket=bucket.removeprefix("s3://")).get("Uploads", []))


def test_a_file_that_changes_while_it_is_sent(tmp_path: Path, address: str) -> None:
    target = place(address, tmp_path)
    for data in (b"small", BIG):
        with pytest.raises(StorageError) as caught:
            target.put(Given(data), digest(b"other"))
        assert caught.value.code == "digest_differs"
    assert keys(address) == []
    if address.startswith("s3://"):
        assert uploads(address.partition("/survey")[0]) == 0


SENDING = """
import sys
from pathlib import Path
from tests.store.test_files import open_at
open_at(Path(sys.argv[1]), sys.argv[2]).put(sys.argv[3])
"""


def test_a_killed_upload_is_not_seen(tmp_path: Path, bucket: str, web: WebServer) -> None:
    (web.directory / "raw").write_bytes(BIG)
    process = subprocess.Popen([sys.executable, "-c", SENDING, str(tmp_path), bucket, f"{web.url}/raw"])
    while len(web.asked) < 4:  # it is digested first, then sent
        time.sleep(0.01)
        assert process.poll() is None
        web.slow = 0.02 if len(web.asked) >= 3 else 0.0
    while uploads(bucket) == 0:
        time.sleep(0.01)
        assert process.poll() is None
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert keys(bucket) == []
    web.slow = 0.0
    store = open_at(tmp_path, bucket)
    store.put(f"{web.url}/raw")
    assert store.get(digest(BIG)).read_bytes() == BIG


def test_the_same_is_sent_by_many_at_once(tmp_path: Path, address: str) -> None:
    data = noise(300_000)

    def put(n: int) -> str:
        return open_at(tmp_path, address).put(data if n % 2 else noise(1000, n)).digest

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(put, range(16)))
    assert len(keys(address)) == len(set(found)) == 9
    store = open_at(tmp_path, address)
    for n, one in enumerate(found):
        assert store.get(one).read_bytes() == (data if n % 2 else noise(1000, n))


def test_other_bytes_than_were_stored(tmp_path: Path, address: str) -> None:
    store = open_at(tmp_path, address, "files")
    put = store.put(b"flat")
    import fsspec

    at = store.places[0].at(put.digest).text
    fsspec.core.url_to_fs(address)[0].pipe_file(at, b"falt")
    with pytest.raises(StorageError, match="has other bytes than were stored") as caught:
        store.get(put.digest)
    assert caught.value.code == "digest_differs"
    assert caught.value.details["places"] == [at, store.places[1].at(put.digest).text]
    store.places[1].put(Given(b"flat"))
    with pytest.warns(StorageWarning, match="has other bytes"):
        assert store.get(put.digest).read_bytes() == b"flat"
    fsspec.core.url_to_fs(address)[0].pipe_file(at, b"fla")
    with pytest.warns(StorageWarning, match="3 bytes in place of 4"):
        store.get(put.digest, size=4)


def test_from_one_place_to_another(tmp_path: Path, bucket: str) -> None:
    store = open_at(tmp_path, "files", f"{bucket}/a")
    put = store.put(BIG)
    other = place(f"{bucket}/b", tmp_path)
    store.copy(put.digest, other)
    store.places[0].delete(put.digest)
    assert keys(f"{bucket}/b") == [put.digest.removeprefix("sha256:")]
    store.copy(put.digest, store.places[1], also=[other.at(put.digest).text])
    store.copy(put.digest, store.places[0])
    assert keys(f"{bucket}/a") == keys(f"{bucket}/b")
    assert store.get(put.digest).is_relative_to(tmp_path / "files")


# -- broken connections --------------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path: Path, web: WebServer) -> tuple[FileStore, WebServer, str]:
    """A store that reads what a web server has of a directory of files."""
    held = Directory(web.directory / "files")
    return open_at(tmp_path, f"{web.url}/files"), web, held.put(Given(BIG))[0]


def test_a_connection_that_breaks_once(
    mirror: tuple[FileStore, WebServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    for cut in ([1_000_000], [9_000_000, 0], [0, 0, 0]):
        store, web, key = mirror
        web.cut = list(cut)
        web.asked.clear()
        assert store.get(key).read_bytes() == BIG
        store.cache.delete(key)


def test_a_line_that_holds_for_a_moment_only(
    mirror: tuple[FileStore, WebServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection breaks off after 2 MB: less is asked for at once then."""
    monkeypatch.setattr(download, "PAUSE", 0.01)
    store, web, key = mirror
    web.cut = Always(2_000_000)
    assert store.get(key).read_bytes() == BIG
    assert len(web.asked) < 30


class Always(list[int]):
    """Each answer that is longer breaks off after so many bytes."""

    def __init__(self, length: int) -> None:
        super().__init__([length])

    def pop(self, index: Any = 0) -> int:
        return self[0]


def test_what_a_killed_download_left_is_gone_on_with(mirror: tuple[FileStore, WebServer, str]) -> None:
    store, web, key = mirror
    part = store.cache.directory / f"{key.removeprefix('sha256:')}.part"
    part.parent.mkdir()
    part.write_bytes(BIG[:9_000_000])
    assert store.get(key).read_bytes() == BIG
    assert [start for _, start in web.asked] == [9_000_000, 9_000_000 + CHUNK]
    assert not part.exists()


def test_what_came_is_verified_as_a_whole(mirror: tuple[FileStore, WebServer, str]) -> None:
    store, web, key = mirror
    part = store.cache.directory / f"{key.removeprefix('sha256:')}.part"
    part.parent.mkdir()
    for begun in (bytes(9_000_000), BIG + b"more", bytes(len(BIG))):
        part.write_bytes(begun)
        found = store.get(key)
        assert found.read_bytes() == BIG
        found.unlink()
        part.unlink(missing_ok=True)
    assert web.asked[0][1] == 9_000_000  # and then all of it once more


def test_a_server_that_always_breaks_off(mirror: tuple[FileStore, WebServer, str], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(download, "PAUSE", 0.01)
    store, web, key = mirror
    part = store.cache.directory / f"{key.removeprefix('sha256:')}.part"
    part.parent.mkdir()
    part.write_bytes(BIG[:9_000_000])
    web.cut = Always(100)
    with pytest.raises(StorageError) as caught:
        store.get(key)
    assert caught.value.code == "download_interrupted"
    assert "9,000,000 of 20,000,000 bytes are here" in caught.value.message
    assert part.stat().st_size == 9_000_000
    with pytest.raises(StorageError) as caught:
        store.get(key, tmp_path / "out")
    assert caught.value.code == "place_unreachable"  # nothing came
    (beside,) = tmp_path.glob(".out.*.part")
    assert list(tmp_path.glob("out")) == []
    web.cut = []
    web.asked.clear()
    assert store.get(key).read_bytes() == BIG
    assert store.get(key, tmp_path / "out").read_bytes() == BIG
    assert web.asked[0][1] == 9_000_000
    assert not part.exists()
    assert not beside.exists()


def test_the_next_place_goes_on_with_what_came(mirror: tuple[FileStore, WebServer, str], tmp_path: Path,
                                               bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    store, web, key = mirror
    store = open_at(tmp_path, f"{web.url}/files", f"{bucket}/files")
    store.places[1].put(Given(BIG), key)
    monkeypatch.setattr(web, "cut", [])
    first = remote.There.read

    def breaking(self: remote.There, start: int = 0, request: int = CHUNK) -> Iterator[bytes]:
        if self.text.startswith("s3://"):
            assert start == CHUNK
            yield from first(self, start)
        else:
            yield next(first(self, start))
            raise StorageError("broke off", code="download_interrupted")

    monkeypatch.setattr(remote.There, "read", breaking)
    with pytest.warns(StorageWarning, match="broke off"):
        assert store.get(key).read_bytes() == BIG


GETTING = """
import sys
from pathlib import Path
from tests.store.test_files import open_at
open_at(Path(sys.argv[1]), sys.argv[2]).get(sys.argv[3], *sys.argv[4:])
"""


@pytest.mark.parametrize("to", [[], ["out.fits"]], ids=["cached", "delivered"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_is_gone_on_with(mirror: tuple[FileStore, WebServer, str], tmp_path: Path, how: signal.Signals,
                                           to: list[str]) -> None:  # fmt: skip
    store, web, key = mirror
    web.slow = 0.003
    to = [str(tmp_path / name) for name in to]
    process = subprocess.Popen(
        [sys.executable, "-c", GETTING, str(tmp_path), f"{web.url}/files", key, *to], stderr=subprocess.DEVNULL
    )
    parts = tmp_path if to else store.cache.directory
    while not any(p.stat().st_size for p in parts.glob("*.part")) and not any(
        p.stat().st_size for p in parts.glob(".*.part")
    ):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(how)
    assert process.wait() in (-how, 1)
    assert not to or not Path(to[0]).exists()
    web.slow = 0.0
    web.asked.clear()
    assert store.get(key, *to).read_bytes() == BIG
    assert web.asked[0][1] > 0
    assert [p for p in tmp_path.rglob("*") if p.suffix == ".part"] == []


def test_a_server_that_gives_only_whole_files(mirror: tuple[FileStore, WebServer, str]) -> None:
    store, web, key = mirror
    web.ranges = False
    part = store.cache.directory / f"{key.removeprefix('sha256:')}.part"
    part.parent.mkdir()
    part.write_bytes(BIG[:3_000_000])
    assert store.get(key).read_bytes() == BIG
    assert not part.exists()


def test_what_a_web_server_answers(mirror: tuple[FileStore, WebServer, str], tmp_path: Path) -> None:
    store, web, key = mirror
    with pytest.raises(StorageError, match="is not there") as caught:
        store.get(digest(b"unknown"))
    assert caught.value.code == "bytes_missing"
    for status in (500, 403):
        web.status = status
        with pytest.raises(StorageError, match=str(status)) as caught:
            store.get(key)
        assert caught.value.code == "place_unreachable"
    with pytest.raises(StorageError, match="a web server is only read from") as caught:
        store.check()
    assert caught.value.code == "store_read_only"
    web.status = 0
    both = open_at(tmp_path, f"{web.url}/files", "files")
    both.check()
    assert both.put(b"flat").digest == digest(b"flat")
    nobody = open_at(tmp_path, "http://127.0.0.1:1/files")
    for work in (nobody.check, lambda: nobody.get(key)):
        with pytest.raises(StorageError) as caught:
            work()
        assert caught.value.code == "place_unreachable"
    with pytest.raises(FileUnreadable):
        both.put(f"{web.url}/nothing")


# -- what is no place ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "code", "says"), [
    ("s4://bucket", "place_unknown", "there is no protocol 's4'; did you mean"),
    ("s3://", "place_invalid", "names no bucket"),
    ("https://", "place_invalid", "names no host"),
    ("sftp://me:secret@host/files", "place_invalid", "has a password"),
    ("simplecache::s3://bucket", "place_invalid", "say the place itself"),
    (" ", "place_invalid", "not ''"),
])  # fmt: skip
def test_what_is_no_place(tmp_path: Path, text: str, code: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        place(text, tmp_path).check()
    assert caught.value.code == code
    assert "secret" not in str(caught.value.as_dict())


def test_a_bucket_that_is_not_there(tmp_path: Path, bucket: str) -> None:
    with pytest.raises(StorageError, match="there is no bucket 'nobodys'; make it first") as caught:
        open_at(tmp_path, "s3://nobodys/files").check()
    assert caught.value.code == "place_missing"


def test_a_server_that_does_not_answer(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(tmp_path), f"{bucket}/files"], capture_output=True, text=True, check=False,
        env={**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "place_unreachable", done.stderr


CHECK = """
import sys
from pathlib import Path
from provgraph.errors import ProvgraphError
from tests.store.test_files import open_at
for missing in sys.argv[3:]:
    sys.modules[missing] = None
try:
    open_at(Path(sys.argv[1]), sys.argv[2]).check()
except ProvgraphError as error:
    print(error.code)
    print(error.message, file=sys.stderr)
"""


@pytest.mark.parametrize(("address", "module", "extra"), [
    ("s3://bucket", "s3fs", "pip install 'provgraph[s3]'"), ("https://host/files", "aiohttp", "pip install 'provgraph[http]'"),
    ("abfs://container", "adlfs", "adlfs"),
])  # fmt: skip
def test_what_is_not_installed(tmp_path: Path, address: str, module: str, extra: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(tmp_path), address, module], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "missing_extra", done.stderr
    assert extra in done.stderr


def test_a_package_that_is_missing_is_said_where_nothing_else_has_it(tmp_path: Path) -> None:
    store = open_at(tmp_path)
    with pytest.raises(MissingExtra, match="adlfs"):
        store.get(digest(b"x"), also=["abfs://container/x"])
    put = store.put(b"x")
    assert store.get(put.digest, also=["abfs://container/x"]).read_bytes() == b"x"


# -- in bounded memory -----------------------------------------------------------------------------------------------------

BOUNDED = """
import resource, sys
from pathlib import Path
from tests.store.test_files import open_at, digest
base, source, slack = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[5]) << 20
store = open_at(base, sys.argv[3])

def status(name):
    return int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) << 10

store.get(store.put(sys.argv[4].encode()).digest)  # threads and modules
resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + slack,) * 2)
put = store.put(source)
store.get(put.digest)
store.get(put.digest, base / "out")
print(put.size)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits the data of a process")
@pytest.mark.parametrize(("where", "slack"), [("files", 24), ("s3", 80)])
def test_large_files_take_little_memory(tmp_path: Path, request: pytest.FixtureRequest, where: str, slack: int) -> None:
    source = tmp_path / "large"
    with source.open("wb") as file:
        for n in range(200):
            file.write(noise(1 << 20, n))
    at = request.getfixturevalue("bucket") if where == "s3" else where
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(tmp_path), str(source), at, "warm", str(slack)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == str(200 << 20), done.stderr[-2000:]
    assert (tmp_path / "out").read_bytes() == source.read_bytes()


def test_a_spoiled_mirror_is_told(mirror: tuple[FileStore, WebServer, str], tmp_path: Path) -> None:
    store, web, key = mirror
    name = key.removeprefix("sha256:")
    spoil(web.directory / "files" / name[:2] / name, 12_000_000)
    with pytest.raises(StorageError) as caught:
        store.get(key)
    assert caught.value.code == "digest_differs"
    assert web.url in caught.value.message
    assert store.cache.files() == []


def test_the_parts_of_a_very_large_file(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit to their number, so they are as large as it takes."""
    monkeypatch.setattr(remote, "MOST_PARTS", 2)
    monkeypatch.setattr(remote, "CHUNK", 5 << 20)
    store = open_at(tmp_path, bucket)
    store.put(BIG)
    made = filesystem().info(store.places[0].at(digest(BIG)).text)
    assert made["ETag"].strip('"').endswith("-2")
