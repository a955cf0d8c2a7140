"""Results as files: each format is read back by the tool it is for, and holds what was asked."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.api.results import FORMATS, negotiate
from provgraph.errors import ProvgraphError
from tests.api.conftest import Served
from tests.surveys import galaxies


def _astropy(format: str) -> Callable[[bytes, Path], Any]:
    def read(body: bytes, path: Path) -> Any:
        from astropy.table import Table

        path.write_bytes(body)
        return Table.read(path, format=format)

    return read


def _arrow(body: bytes, path: Path) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(body).read_all()


def _parquet(body: bytes, path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(body))


def _csv(body: bytes, path: Path) -> Any:
    import pyarrow.csv

    return pyarrow.csv.read_csv(io.BytesIO(body))


def _hdf5(body: bytes, path: Path) -> Any:
    from provgraph.extract import recognise

    path = path.with_suffix(".h5")
    path.write_bytes(body)
    with recognise(path).open(path) as source:
        chunks = list(source.chunks(10**6))
    return {name: chunks[0][name].values for name in chunks[0]}


READERS = {
    "arrow": _arrow, "parquet": _parquet, "votable": _astropy("votable"), "fits": _astropy("fits"), "csv": _csv,
    "hdf5": _hdf5,
}  # fmt: skip


def expected() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    columns = galaxies()
    near = columns["redshift"] < 0.5
    order = np.argsort(columns["id"][near])
    return columns["id"][near][order], columns["redshift"][near][order]


def test_every_format_has_a_reader() -> None:
    assert READERS.keys() == FORMATS.keys()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("how", ["format", "media type", "accept"])
def test_a_result_is_read_back(served: Served, tmp_path: Path, format: str, how: str) -> None:
    media_type, suffix = FORMATS[format]
    href = served.job["result"]["href"]
    parameters = {"format": {"format": format, "media type": media_type}.get(how, "")}
    headers = {"accept": media_type if how == "accept" else "*/*"}
    answer = served.client.get(href, params=parameters, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''near{suffix}"
    assert "has_provenance" in answer.headers["link"]
    table = READERS[format](answer.content, tmp_path / "result")
    ids, redshift = expected()
    np.testing.assert_array_equal(np.asarray(table["id"]), ids)
    np.testing.assert_array_equal(np.asarray(table["redshift"]), redshift)
    assert np.isfinite(np.asarray(table["absmag_u"])).all()


def test_units_come_along(served: Served, tmp_path: Path) -> None:
    href = served.job["result"]["href"]
    for format in ("fits", "votable"):
        table = READERS[format](served.client.get(href, params={"format": format}).content, tmp_path / format)
        assert str(table["absmag_u"].unit) == "mag"


def test_a_file_knows_what_it_is(served: Served, tmp_path: Path) -> None:
    for format in FORMATS:
        path = tmp_path / f"result{FORMATS[format][1]}"
        path.write_bytes(served.client.get(served.job["result"]["href"], params={"format": format}).content)
        assert served.survey.get(path).object_id == served.job["collection"]["objectId"]


def test_a_download_is_known_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    href = served.job["result"]["href"]
    served.client.get(href, params={"format": "csv"})
    monkeypatch.setattr(served.survey.mapper, "write", lambda *_: pytest.fail("written again"))
    again = served.client.get(href, params={"format": "csv"})
    head = served.client.head(href, params={"format": "parquet"})  # nothing is sent, so there is nothing to know
    assert again.content.startswith(b"id,")
    assert head.headers["content-disposition"] == "attachment; filename*=UTF-8''near.parquet"
    assert head.content == b""


@pytest.mark.parametrize(("accept", "wanted", "format"), [
    ("", "", "arrow"), ("*/*", "", "arrow"), ("text/csv", "", "csv"), ("text/csv;q=0.1, application/fits", "", "fits"),
    ("text/*", "", "csv"), ("image/png, */*;q=0.1", "", "arrow"), ("application/x-votable+xml", "", "votable"),
    ("application/x-votable+xml; serialization=binary2", "", "votable"), ("image/png", "vot", "votable"),
    ("application/vnd.apache.arrow.stream;q=0, text/csv;q=0.5", "", "csv"), ("", "FITS", "fits"),
    ("", "application/vnd.apache.parquet", "parquet"), ("TEXT/CSV", "", "csv"),
])  # fmt: skip
def test_negotiation(accept: str, wanted: str, format: str) -> None:
    assert negotiate(accept, wanted) == format


@pytest.mark.parametrize(("accept", "wanted"), [
    ("image/png", ""), ("text/csv;q=0", ""), ("*/*", "xlsx"), ("application/x-votable+xml;serialization=tabledata", ""),
])  # fmt: skip
def test_what_there_is_not(served: Served, accept: str, wanted: str) -> None:
    with pytest.raises(ProvgraphError) as caught:
        negotiate(accept, wanted)
    assert caught.value.code == "not_acceptable"
    answer = served.client.get(served.job["result"]["href"], params={"format": wanted}, headers={"accept": accept})
    assert answer.status_code == 406
    error = answer.json()["error"]
    assert error["code"] == "not_acceptable"
    assert error["details"]["formats"] == list(FORMATS)


def test_a_result_that_is_not_there_yet(served: Served) -> None:
    store = served.client.app.state.service.runner.store
    job, _ = store.create("ann", {"start": "A"})
    answer = served.client.get(f"/pulls/{job.id}/result")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_completed")
    store.forget(job.id)


@pytest.mark.parametrize("job_id", ["x", "01a1fd43-a637-7b5a-a3fb-79b2dbc0a42d"])
def test_a_pull_that_nobody_asked_for(served: Served, job_id: str) -> None:
    answer = served.client.get(f"/pulls/{job_id}/result")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_unknown")
