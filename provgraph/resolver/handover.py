"""What comes back from where a plan was run: as plain data, so that a child process can send it through a pipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.resolver.bounded import run_bounded
from provgraph.resolver.execute import COPY, ROWS, Fresh, Outcome, WorkOrder
from provgraph.schema.table import Column

READING = 2e9
"""Bytes a second at which stored values are expected to be read."""

Kept = tuple[SegmentInfo, str]  # a written segment, and the key of the set of sources that it exactly is ('' unknown)


@dataclass(frozen=True)
class Report:
    """What running a work order took, and the segments that were written of it; nothing of them is in the graph yet.

    n : sources of the end. filtered, calculated, rows, read, seconds, due, failed : as in `Outcome`.
    calculating, reading : seconds that calculating values took, and that reading them from the store is expected to take, by
    which it was decided what to keep. dropped : origins that were calculated and not kept.
    """

    n: int
    filtered: int = 0
    calculated: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    seconds: float = 0.0
    kept: tuple[Kept, ...] = ()
    due: tuple[tuple[str, str], ...] = ()
    failed: Mapping[str, int] = field(default_factory=dict)
    calculating: float = 0.0
    reading: float = 0.0
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome, kept: Sequence[Kept]) -> Report:
        return cls(
            len(outcome.ids), outcome.filtered, outcome.calculated, outcome.rows, outcome.read, outcome.seconds, tuple(kept),
            tuple(outcome.due), outcome.failed, sum(one.seconds for one in outcome.fresh if one.columns),
            sum(map(_bytes, outcome.fresh)) / READING,
            tuple(sorted(outcome.calculated.keys() - {o for info, _ in kept for o in info.origins})),
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` gives back an equal Report."""
        return {
            "n": self.n, "filtered": self.filtered, "calculated": dict(self.calculated), "rows": dict(self.rows),
            "read": list(self.read), "seconds": self.seconds, "kept": [[i.as_dict(), s] for i, s in self.kept],
            "due": [list(one) for one in self.due], "failed": dict(self.failed), "calculating": self.calculating,
            "reading": self.reading, "dropped": list(self.dropped),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        kept = tuple((SegmentInfo.from_dict(info), source_set) for info, source_set in plain["kept"])
        due = tuple((str(segment), str(origin)) for segment, origin in plain["due"])
        dropped = tuple(plain["dropped"])
        return cls(**{**plain, "read": tuple(plain["read"]), "kept": kept, "due": due, "dropped": dropped})


class Elsewhere(Protocol):
    """Runs a work order in another process: gives its report and the directory in which the segments kept stand."""

    def __call__(self, order: WorkOrder, id_space: str) -> tuple[Report, Path]: ...


def worth_keeping(outcome: Outcome, order: WorkOrder) -> list[Fresh]:
    """Without the values that are calculated sooner than they are read; sets of sources are kept, once.

    What calculating took is measured each time, so the same calculator may be kept on one machine and not on another.
    """
    there = {key for key, names in order.sources.items() if any(name in outcome.read for name in names)}
    kept = []
    for one in outcome.fresh:
        if one.columns and one.seconds >= _bytes(one) / READING:
            kept.append(one)
        elif one.source_set_key and one.source_set_key not in there:
            kept.append(replace(one, columns={}))
            there.add(one.source_set_key)
    return kept


def _bytes(one: Fresh) -> int:
    return sum(values.nbytes for values, _ in one.columns.values())


def keep(store: BulkStore, fresh: Sequence[Fresh], id_space: str) -> list[Kept]:
    """Write what was found out as segments, one for each set of sources; nothing of it is in the graph yet."""
    together: dict[tuple[str, int, bytes], list[Fresh]] = {}
    for one in fresh:
        ids = one.ids
        mark = (
            one.id_space,
            len(ids),
            ids[:1].tobytes() + ids[-1:].tobytes() + ids[:: max(1, len(ids) // 64)].tobytes(),
        )
        for other in together.get(mark, []):
            if (other.ids == ids).all():
                columns, key = {**other.columns, **one.columns}, other.source_set_key or one.source_set_key
                known = one if other.rows is None else other
                merged = replace(
                    other, columns=columns, source_set_key=key, rows=known.rows, frame=known.frame,
                    copies={**other.copies, **one.copies},
                )  # fmt: skip
                together[mark] = [merged if o is other else o for o in together[mark]]
                break
        else:
            together.setdefault(mark, []).append(one)
    written: list[Kept] = []
    try:
        for group in together.values():
            for one in group:
                written.append(
                    (store.write(one.ids, _stored(one), id_space=one.id_space or id_space), one.source_set_key)
                )
    except BaseException:
        for info, _ in written:
            store.delete(info.name)
        raise
    return written


def _stored(one: Fresh) -> dict[str, Column]:
    copies = {COPY + origin: column for origin, column in one.copies.items()}
    if one.rows is None:
        return {**one.columns, **copies}
    narrow = np.uint32 if not len(one.rows) or int(one.rows[-1]) < 1 << 32 else np.int64
    return {**one.columns, **copies, ROWS + one.frame: Column(one.rows.astype(narrow))}


def run_order(order: WorkOrder, staged: Path, id_space: str, progress: Callable[[float], None] | None = None) -> Report:
    """Run a work order; what is worth keeping is written to the directory `staged`, not to the survey's store.

    Who killed us half-way removes that directory, and nothing of us is left.
    """
    outcome = run_bounded(order, progress=progress)
    return Report.of(outcome, keep(Hdf5Store(staged), worth_keeping(outcome, order), id_space) if outcome.fresh else ())
