"""What comes back from another process is plain data, and segments are taken over whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.bulk.hdf5 import Hdf5Store
from provgraph.errors import StorageError
from provgraph.resolver.execute import WorkOrder
from provgraph.resolver.handover import Report, run_order
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401


@pytest.fixture
def order(nearby: Any) -> Any:
    """The work order of a pull that filters and calculates, and the identifiers' space."""
    result = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.5").result
    copied, done = nearby.processor.optimised(result)
    return nearby.processor.order(copied, done.plan)[0], result.id_space


def test_orders_and_reports_are_plain_data(order: Any, tmp_path: Path) -> None:
    wanted, id_space = order
    told: list[float] = []
    report = run_order(WorkOrder.from_json(wanted.to_json()), tmp_path / "staged", id_space, told.append)
    assert report.n > 0
    assert sum(report.calculated.values()) == report.n
    assert told[-1] == 1.0
    assert Report.from_dict(json.loads(json.dumps(report.as_dict()))) == report
    assert sorted(i.name for i, _ in report.kept) == Hdf5Store(tmp_path / "staged").names()


def test_the_survey_is_not_touched(order: Any, nearby: Any, tmp_path: Path) -> None:
    before = nearby.store_.names()
    run_order(order[0], tmp_path / "staged", order[1])
    assert nearby.store_.names() == before


def test_a_segment_is_taken_as_it_was_reported(order: Any, tmp_path: Path) -> None:
    report = run_order(order[0], tmp_path / "staged", order[1])
    store, staged = Hdf5Store(tmp_path / "store"), tmp_path / "staged"
    for info, _ in report.kept:
        store.take(info.name, staged)
        segment = store.open(info)
        assert segment.n == info.n
        assert not store._verified, "size, time and inode are those reported: nothing had to be read"
        found = store.path(info.name).stat()
        assert (found.st_mtime_ns, found.st_ino) == (info.mtime_ns, info.inode)
        np.testing.assert_array_equal(np.sort(segment.ids), segment.ids)
    assert Hdf5Store(staged).names() == []


def test_what_is_not_there_cannot_be_taken(tmp_path: Path) -> None:
    store = Hdf5Store(tmp_path / "store")
    with pytest.raises(StorageError):
        store.take("0" * 32, tmp_path / "staged")
    assert not list((tmp_path / "store").rglob("*.*"))


def test_a_handover_that_fails_leaves_nothing(nearby: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.5").result
    before = nearby.store_.names()

    def run(wanted: WorkOrder, id_space: str) -> tuple[Report, Path]:
        report = run_order(wanted, tmp_path / "staged", id_space)
        (last, _) = report.kept[-1]
        Hdf5Store(tmp_path / "staged").delete(last.name)  # as if the disk had lost it
        return report, tmp_path / "staged"

    with pytest.raises(StorageError):
        nearby.processor.process_elsewhere(result, run)
    assert nearby.store_.names() == before
    assert list((nearby.directory / "spool").glob("*.intent")) == []
