"""What every bulk store promises; a store's test module subclasses BulkStoreTests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.bulk.memory import MemoryStore
from provgraph.bulk.statistics import BLOCK
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import IngestError, StorageError
from provgraph.schema.table import Column

DTYPES = ("f8", "f4", "i8", "i4", "i2", "i1", "u1", "u2", "u4", "u8", "?", "S5")


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, dict[str, Column]]:
    """Ascending ids and one column of each type, some with gaps, one of vectors."""
    rng = np.random.default_rng(seed)
    ids = np.cumsum(rng.integers(1, 9, n)) + 2**53  # above what a float holds
    columns = {}
    for index, dtype in enumerate(DTYPES):
        values = rng.integers(0, 100, n).astype(dtype)
        columns[f"o:{index}"] = Column(values, rng.random(n) < 0.2 if index % 2 else None)
    columns["o:vector"] = Column(rng.random((n, 3)), rng.random(n) < 0.1)
    with_nan = rng.random(n)
    with_nan[::7] = np.nan
    with_nan[::11] = np.inf
    columns["o:nan"] = Column(with_nan)
    return ids, columns


class BulkStoreTests:
    @pytest.fixture
    def store(self) -> BulkStore:
        raise NotImplementedError

    @pytest.mark.parametrize("n", [0, 1, 1000, 2 * BLOCK + 5])
    def test_what_is_written_comes_back(self, store: BulkStore, n: int) -> None:
        ids, columns = sample(n)
        info = store.write(ids, columns, id_space="sky")
        segment = store.open(SegmentInfo.from_dict(info.as_dict()))
        assert segment.n == info.n == n
        assert equal(segment.ids, ids)
        assert info.origins == tuple(columns)
        for origin, (values, null) in columns.items():
            got = segment.column(origin)
            gaps = np.zeros(n, bool) if null is None else null
            assert got.values.dtype.kind == values.dtype.kind
            assert (got.values[~gaps].tolist() == values[~gaps].tolist()) or origin == "o:nan"
            assert np.array_equal(np.zeros(n, bool) if got.null is None else got.null, gaps)
            assert (got.null is None) == (not gaps.any())
            assert info.column(origin).null_count == gaps.sum()
        assert np.array_equal(segment.column("o:nan").values, columns["o:nan"].values, equal_nan=True)
        assert (info.id_min, info.id_max) == ((str(ids[0]), str(ids[-1])) if n else ("", ""))
        store.verify(info)

    def test_statistics(self, store: BulkStore) -> None:
        n = BLOCK + 100
        values = np.arange(n, dtype="f8")
        values[:50] = np.nan
        values[50] = -np.inf
        null = np.zeros(n, bool)
        null[-10:] = True
        exact = np.arange(n) + 2**53 + 1
        columns = {
            "f": Column(values, null),
            "i": Column(exact),
            "t": Column(np.full(n, b"x")),
            "e": Column(values, ~null | True),
        }
        info = store.write(np.arange(n), columns, id_space="s")
        f, i, t, e = info.columns
        assert (f.minimum, f.maximum, f.null_count, f.nan_count) == (51.0, n - 11.0, 10, 50)
        assert (i.minimum, i.maximum) == (2**53 + 1, 2**53 + n)
        assert t.minimum is None
        assert e.maximum is None
        assert (e.null_count, e.nan_count) == (n, 0)
        blocks = store.open(info).blocks("f")
        assert blocks.minimum.tolist() == [-np.inf, BLOCK]  # a block may be skipped only where infinities are counted
        assert blocks.maximum.tolist() == [BLOCK - 1, n - 11]
        assert blocks.count.tolist() == [BLOCK - 50, 90]
        assert blocks.null_count.tolist() == [0, 10]
        assert store.open(info).blocks("i").maximum.dtype == np.int64

    def test_text_ids_and_text_of_any_script(self, store: BulkStore) -> None:
        ids = np.array(["ab", "b", "Ωm"])
        names = np.array(["näme", "", "x" * 30])
        info = store.write(ids, {"o:t": Column(names)}, id_space="s")
        segment = store.open(info)
        assert segment.ids.tolist() == [b"ab", b"b", "Ωm".encode()]
        assert (info.id_dtype, info.id_max) == ("S3", "Ωm")
        assert [v.decode() for v in segment.column("o:t").values.tolist()] == names.tolist()

    def test_digest_is_of_content(self, store: BulkStore) -> None:
        ids, columns = sample(1000)
        first = store.write(ids, columns, id_space="sky")
        assert first.digest == MemoryStore().write(ids, columns, id_space="sky").digest
        wider = {o: Column(v.astype("S40") if v.dtype.kind == "S" else v, n) for o, (v, n) in columns.items()}
        assert store.write(ids, wider, id_space="sky").digest == first.digest
        values, null = columns["o:1"]
        under = Column(
            np.where(null, 99, values).astype(values.dtype), null
        )  # what stands under null is nobody's business
        assert store.write(ids, columns | {"o:1": under}, id_space="sky").digest == first.digest
        for other in (
            store.write(ids, columns, id_space="other"),
            store.write(ids + 1, columns, id_space="sky"),
            store.write(ids, columns | {"o:1": Column(values)}, id_space="sky"),
            store.write(ids, columns | {"o:0": Column(columns["o:0"].values.astype("f4"))}, id_space="sky"),
        ):
            assert other.digest != first.digest

    def test_ids_must_ascend(self, store: BulkStore) -> None:
        for ids in ([2, 1], [1, 1]):
            with pytest.raises(StorageError) as caught:
                store.write(np.array(ids), {}, id_space="s")
            assert caught.value.code == "ids_not_ascending"
        assert store.names() == []

    @pytest.mark.parametrize(
        ("column", "code"),
        [
            (Column(np.zeros(2)), "column_length"),
            (Column(np.zeros(3), np.zeros(2, bool)), "column_length"),
            (Column(np.zeros(3, "c16")), "dtype_unsupported"),
            (Column(np.array([1, "a", None], dtype=object)), "dtype_unsupported"),
        ],
    )
    def test_what_cannot_be_stored(self, store: BulkStore, column: Column, code: str) -> None:
        with pytest.raises(StorageError) as caught:
            store.write(np.arange(3), {"o": column}, id_space="s")
        assert caught.value.code == code
        assert store.names() == []

    def test_stored_values_are_read_only(self, store: BulkStore) -> None:
        ids, columns = sample(10)
        segment = store.open(store.write(ids, columns, id_space="s"))
        for array in (segment.ids, segment.column("o:0").values, segment.column("o:1").null):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1

    def test_unknown_column(self, store: BulkStore) -> None:
        segment = store.open(store.write(np.arange(3), {}, id_space="s"))
        with pytest.raises(StorageError) as caught:
            segment.column("o:none")
        assert caught.value.code == "column_missing"

    def test_delete_and_missing(self, store: BulkStore) -> None:
        ids, columns = sample(10)
        info, kept = (store.write(ids, columns, id_space="s") for _ in range(2))
        assert sorted(store.names()) == sorted([info.name, kept.name])
        store.delete(info.name)
        store.delete(info.name)
        assert store.names() == [kept.name]
        for call in (store.open, store.verify):
            with pytest.raises(StorageError) as caught:
                call(info)
            assert caught.value.code == "segment_missing"

    def test_clean_removes_what_nobody_registered(self, store: BulkStore) -> None:
        kept, lost = (store.write(np.arange(3), {}, id_space="s") for _ in range(2))
        assert store.clean([kept.name]) == []  # young: another process may be about to register it
        assert store.clean() == []
        assert store.clean([kept.name], older_than=0.0) == [lost.name]
        assert store.names() == [kept.name]

    @given(
        ids=st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, max_size=60),
        cuts=st.lists(st.integers(0, 60), max_size=4),
        data=st.data(),
    )
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    def test_chunks_in_any_order(self, store: BulkStore, ids: list[int], cuts: list[int], data: st.DataObject) -> None:
        """A writer gives the same segment as sorting everything and writing it at once."""
        n = len(ids)
        text = data.draw(
            st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6), min_size=n, max_size=n)
        )
        gaps = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
        all_ids = np.array(ids, dtype="i8")
        columns = {
            "o:f": Column(np.arange(n, dtype="f4"), gaps),
            "o:t": Column(np.array([t.encode() for t in text], dtype="S24")),
            "o:v": Column(np.arange(2 * n, dtype="i2").reshape(n, 2)),
        }
        edges = [0, *sorted(min(c, n) for c in cuts), n]
        with store.writer(id_space="s") as writer:
            for lo, hi in pairwise(edges):
                writer.append(all_ids[lo:hi], {o: c.take(slice(lo, hi)) for o, c in columns.items()})
            info = writer.finish()
        order = np.argsort(all_ids)
        plain = MemoryStore().write(all_ids[order], {o: c.take(order) for o, c in columns.items()}, id_space="s")
        assert info.digest == plain.digest
        segment = store.open(info)
        assert segment.ids.tolist() == sorted(ids)
        assert segment.column("o:f").values[~gaps[order]].tolist() == order[~gaps[order]].tolist()
        store.delete(info.name)

    def test_writer_many_blocks(self, store: BulkStore) -> None:
        n = 2 * BLOCK + 77
        ids, columns = sample(n)
        order = np.random.default_rng(3).permutation(n)
        heard: list[float] = []
        with store.writer(id_space="sky") as writer:
            for lo in range(0, n, 100_000):
                part = order[lo : lo + 100_000]
                writer.append(ids[part], {o: c.take(part) for o, c in columns.items()})
            info = writer.finish(progress=heard.append)
        assert info.digest == MemoryStore().write(ids, columns, id_space="sky").digest
        assert heard[-1] == 1.0
        assert heard == sorted(heard)

    def test_text_ids_in_chunks(self, store: BulkStore) -> None:
        with store.writer(id_space="s") as writer:
            writer.append(np.array([b"zz", b"b"]), {"o": Column(np.array([1, 2]))})
            writer.append(np.array(["abc"]), {"o": Column(np.array([3]))})
            segment = store.open(writer.finish())
        assert segment.ids.tolist() == [b"abc", b"b", b"zz"]
        assert segment.column("o").values.tolist() == [3, 2, 1]

    def test_bad_identifiers_store_nothing(self, store: BulkStore) -> None:
        def ingest(*chunks: np.ndarray, null: np.ndarray | None = None) -> IngestError:
            def attempt() -> None:
                with store.writer(id_space="s", id_name="objID") as writer:
                    for chunk in chunks:
                        writer.append(chunk, {"o": Column(np.zeros(len(chunk)))}, id_null=null)
                    writer.finish()

            with pytest.raises(IngestError) as caught:
                attempt()
            assert "objID" in str(caught.value) or caught.value.code == "id_type"
            return caught.value

        twice = ingest(np.array([5, 7, 5, 9]), np.array([7, 9, 8, 1, 1, 1]))
        assert twice.code == "duplicate_ids"
        assert twice.details["count"] == 4
        assert twice.details["examples"] == ["1", "5", "7"]
        assert ingest(np.array([1, 2]), null=np.array([False, True])).code == "null_ids"
        assert ingest(np.array(["a", "b"]), np.array([1])).code == "id_type"
        assert store.names() == []

    def test_chunks_must_agree(self, store: BulkStore) -> None:
        for later in ({"p": Column(np.zeros(1))}, {"o": Column(np.zeros(1, "f4"))}, {"o": Column(np.zeros((1, 2)))}):
            with store.writer(id_space="s") as writer:
                writer.append(np.array([1]), {"o": Column(np.zeros(1))})
                with pytest.raises(IngestError) as caught:
                    writer.append(np.array([2]), later)
                assert caught.value.code == "chunk_mismatch"

    def test_nothing_appended(self, store: BulkStore) -> None:
        with store.writer(id_space="s") as writer:
            info = writer.finish()
        assert (info.n, info.columns) == (0, ())
        assert len(store.open(info).ids) == 0
