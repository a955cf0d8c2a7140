"""Sorted indexes come by themselves, after repeated use."""

from __future__ import annotations

import threading
import time

import numpy as np

from provgraph.bulk import indexes
from provgraph.resolver import execute
from tests.surveys import open_survey, survey, write_fits  # noqa: F401


def test_an_index_is_written_after_repeated_use(survey, tmp_path, monkeypatch):
    monkeypatch.setattr(indexes, "WORTHWHILE", 100)
    rng = np.random.default_rng(1)
    path = write_fits(tmp_path / "a.fits", {"id": np.arange(5000), "x": rng.random(5000)})
    catalog = survey.ingest(path, id="id", name="A")
    for k in range(1, 4):
        survey.pull(catalog, ["id"], where=f"x < 0.00{k}").table()
    deadline = time.time() + 10
    while not list((survey.directory / "segments" / "indexes").glob("*.h5")) and time.time() < deadline:
        time.sleep(0.02)
    assert list((survey.directory / "segments" / "indexes").glob("*.h5"))
    pull = survey.pull(catalog, ["id"], where="x > 0.998")
    assert set(pull.table()["id"]) == set(np.flatnonzero(survey.pull(catalog, ["x"]).table()["x"] > 0.998))
    assert pull.measured.filtered == 0


def test_a_thousandth_of_a_column_is_found_in_a_hundredth_of_it(survey, tmp_path, monkeypatch):
    """A million values, an index by repeated use alone: what is read is counted in bytes, of columns and of the index."""
    n = indexes.WORTHWHILE + 10_000
    rng = np.random.default_rng(1)
    x = rng.random(n)
    path = write_fits(tmp_path / "a.fits", {"id": rng.permutation(n), "x": x})
    catalog = survey.ingest(path, id="id", name="A")
    scan, read = execute.scan, []

    def counting(*given, **more):
        found = scan(*given, **more)
        read.append(found.read * (8 + 4))  # a value, and the row that it stands in
        return found

    monkeypatch.setattr(execute, "scan", counting)

    def ask(low):
        high = low + 0.001
        found = survey.process(catalog.filter(f"x >= {low} and x < {high}").select("id"))[0]
        assert len(found) == int(((x >= low) & (x < high)).sum())

    for k in range(indexes.USES):
        assert not list((survey.directory / "segments" / "indexes").glob("*.h5"))
        ask(k / 10)
    assert min(read) >= 8 * n  # each of them looked at everything
    for thread in threading.enumerate():
        if thread.name == "provgraph-index":
            thread.join()
    read.clear()
    for k in range(5):
        ask(0.05 + k / 7)
    assert len(read) == 5
    assert max(read) <= 8 * n / 100
