"""Writing the sorted indexes that are due, beside the work of the user: an answer never waits for one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Lock, Thread

from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import StorageError

_busy: set[tuple[str, str]] = set()
_lock = Lock()


def index_later(store: BulkStore, due: Iterable[tuple[str, str]], segments: Mapping[str, SegmentInfo]) -> Thread | None:
    """Build the indexes of these (segment, origin) in a thread of its own; a process that ends before leaves nothing used."""
    with _lock:
        todo = [one for one in due if one[0] in segments and one not in _busy]
        _busy.update(todo)
    if not todo or store.indexes is None:
        return None
    thread = threading.Thread(target=_build, args=(store, todo, segments), daemon=True, name="provgraph-index")
    thread.start()
    return thread


def _build(store: BulkStore, todo: list[tuple[str, str]], segments: Mapping[str, SegmentInfo]) -> None:
    for name, origin in todo:
        with suppress(
            StorageError
        ):  # a full disk, a segment that was deleted meanwhile: without it all works as before
            if store.indexes is not None and store.indexes.get(segments[name], origin) is None:
                store.indexes.build(store.open(segments[name]), origin)
        with _lock:
            _busy.discard((name, origin))
