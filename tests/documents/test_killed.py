"""An import that is killed leaves the document whole or absent; the same import again makes it whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import provgraph
from benchmarks.prov import write
from provgraph.prov import read
from tests.documents import killed
from tests.surveys import address  # noqa: F401

RECORDS = 1500


@pytest.mark.parametrize("most", [RECORDS, 0], ids=["transaction", "loader"])
def test_killed_while_importing(tmp_path: Path, address: str, most: int) -> None:
    file = tmp_path / "run.json"
    write(file, RECORDS)
    expected = read(file)
    survey = tmp_path / "survey"
    for delay in (0.0, random.uniform(0.05, 0.6)):
        said = killed.kill(killed.start(survey, address, file, most), delay)
        killed.check(survey, address, file, expected, said)
    process = killed.start(survey, address, file, most)
    assert process.wait() == 0
    assert killed.check(survey, address, file, expected, "")
    with provgraph.open(survey, graph=address) as again:
        assert len(again.documents()) == 1
        assert killed.left(again)["Statement"] == RECORDS
