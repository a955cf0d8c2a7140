"""Random work with a store of two places and a small cache, compared with a dict of bytes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from provgraph.errors import StorageError
from provgraph.store.location import Given, StorageWarning, digest_of
from tests.store.test_files import open_at, spoil

DATA = st.integers(0, 7).map(lambda n: bytes([n]) * (n * 1000))


class StoreMachine(RuleBasedStateMachine):
    """`held` : by digest, what each place has: the bytes, or None where they were spoiled."""

    @initialize()
    def begin(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="store-"))
        self.memory = f"memory://{self.base.name}"
        self.held: list[dict[str, bytes | None]] = [{}, {}]
        self.cached: set[str] = set()
        self.open()

    @rule()
    def open(self) -> None:
        self.store = open_at(self.base, "files", self.memory, limit=9000)

    @rule(data=DATA, as_file=st.booleans())
    def put(self, data: bytes, as_file: bool) -> None:
        given: bytes | Path = data
        if as_file:
            given = self.base / "given"
            given.write_bytes(data)
        put = self.store.put(given)
        assert put == (f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        self.held[0][put.digest] = data

    @rule(data=DATA, number=st.integers(0, 1))
    def copy(self, data: bytes, number: int) -> None:
        digest, place = digest_of([data]), self.store.places[number]
        cached = self.is_cached(digest)
        _, code = self.tried(lambda: self.store.copy(digest, place), digest, cached)
        if code:
            return
        if number == 0 or digest not in self.held[1]:  # far away, what has the size is taken for the bytes
            self.held[number][digest] = data

    def tried(self, work: Callable[[], Any], digest: str, cached: bool) -> tuple[Any, str]:
        """What work gives, or the code of its error, which is to be the right one."""
        found, code = None, ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StorageWarning)
            try:
                found = work()
            except StorageError as error:
                code = error.code
        if not code:
            assert self.has(digest) or cached
        elif all(digest not in held for held in self.held):
            assert code == "bytes_missing"
        else:
            assert code == "digest_differs"
            assert not self.has(digest)
        return found, code

    @rule(data=DATA, number=st.integers(0, 1))
    def lose(self, data: bytes, number: int) -> None:
        digest = digest_of([data])
        if digest in self.held[number]:
            self.store.places[number].delete(digest)
            del self.held[number][digest]

    @rule(data=DATA.filter(bool), number=st.integers(0, 1))
    def spoil(self, data: bytes, number: int) -> None:
        digest = digest_of([data])
        if self.held[number].get(digest) is None:
            return
        self.held[number][digest] = None
        at = self.store.places[number].at(digest)
        if at.path is not None:
            spoil(at.path)
        else:
            import fsspec

            fsspec.filesystem("memory").pipe_file(at.text, b"?" * len(data))

    @rule(data=DATA)
    def spoil_cache(self, data: bytes) -> None:
        path = self.store.cache.path(digest_of([data]))
        if path.exists() and data:
            spoil(path)

    @rule(data=DATA, delivered=st.booleans(), with_size=st.booleans())
    def get(self, data: bytes, delivered: bool, with_size: bool) -> None:
        digest = digest_of([data])
        to = self.base / "out" if delivered else None
        cached = self.is_cached(digest)
        size = len(data) if with_size else None
        found, code = self.tried(lambda: self.store.get(digest, to, size=size), digest, cached)
        assert code or found.read_bytes() == data

    @rule(data=DATA)
    def keep(self, data: bytes) -> None:
        """Bytes that were put at the second place by somebody else."""
        digest, _ = self.store.places[1].put(Given(data))
        self.held[1].setdefault(digest, data)

    def has(self, digest: str) -> bool:
        return any(held.get(digest) is not None for held in self.held)

    def is_cached(self, digest: str) -> bool:
        """What was lost everywhere may still be here."""
        return self.store.cache.path(digest).exists()

    @invariant()
    def nothing_is_left_over(self) -> None:
        if not hasattr(self, "base"):
            return
        self.store.cache.trim()
        assert sum(p.stat().st_size for p in self.store.cache.files()) <= 9000
        assert not list(self.base.rglob("*.part"))

    def teardown(self) -> None:
        if hasattr(self, "base"):
            shutil.rmtree(self.base)
            import fsspec

            if fsspec.filesystem("memory").exists(self.memory):
                fsspec.filesystem("memory").rm(self.memory, recursive=True)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
