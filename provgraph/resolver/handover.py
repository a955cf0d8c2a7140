"""What comes back from where a plan was run: as plain data, so that a child process can send it through a pipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.resolver.execute import Fresh, Outcome, WorkOrder, run_partition

Kept = tuple[SegmentInfo, str]  # a written segment, and the key of the set of sources that it exactly is ('' unknown)


@dataclass(frozen=True)
class Report:
    """What running a work order took, and the segments that were written of it; nothing of them is in the graph yet.

    n : sources of the end. filtered, calculated, rows, read, seconds : as in `Outcome`.
    """

    n: int
    filtered: int = 0
    calculated: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    seconds: float = 0.0
    kept: tuple[Kept, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome, kept: Sequence[Kept]) -> Report:
        return cls(
            len(outcome.ids), outcome.filtered, outcome.calculated, outcome.rows, outcome.read, outcome.seconds, tuple(kept)
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` gives back an equal Report."""
        return {
            "n": self.n, "filtered": self.filtered, "calculated": dict(self.calculated), "rows": dict(self.rows),
            "read": list(self.read), "seconds": self.seconds, "kept": [[i.as_dict(), s] for i, s in self.kept],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        kept = tuple((SegmentInfo.from_dict(info), source_set) for info, source_set in plain["kept"])
        return cls(**{**plain, "read": tuple(plain["read"]), "kept": kept})


class Elsewhere(Protocol):
    """Runs a work order in another process: gives its report and the directory in which the segments kept stand."""

    def __call__(self, order: WorkOrder, id_space: str) -> tuple[Report, Path]: ...


def keep(store: BulkStore, fresh: Sequence[Fresh], id_space: str) -> list[Kept]:
    """Write what was found out as segments, one for each set of sources; nothing of it is in the graph yet."""
    together: dict[tuple[int, bytes], list[Fresh]] = {}
    for one in fresh:
        ids = one.ids
        mark = (len(ids), ids[:1].tobytes() + ids[-1:].tobytes() + ids[:: max(1, len(ids) // 64)].tobytes())
        for other in together.get(mark, []):
            if (other.ids == ids).all():
                merged = Fresh(ids, {**other.columns, **one.columns}, other.source_set_key or one.source_set_key)
                together[mark] = [merged if o is other else o for o in together[mark]]
                break
        else:
            together.setdefault(mark, []).append(one)
    written: list[Kept] = []
    try:
        for group in together.values():
            for one in group:
                written.append((store.write(one.ids, one.columns, id_space=id_space), one.source_set_key))
    except BaseException:
        for info, _ in written:
            store.delete(info.name)
        raise
    return written


def run_order(order: WorkOrder, staged: Path, id_space: str, progress: Callable[[float], None] | None = None) -> Report:
    """Run a work order; what is worth keeping is written to the directory `staged`, not to the survey's store.

    Who killed us half-way removes that directory, and nothing of us is left.
    """
    outcome = run_partition(order, progress=progress)
    return Report.of(outcome, keep(Hdf5Store(staged), outcome.fresh, id_space) if outcome.fresh else ())
