"""A pull that is killed leaves nothing behind, and the same pull again gives the same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from tests.surveys import address, census, empty_graph, galaxies, write_fits  # noqa: F401
from tests.test_ingest import rubbish

PULL = """
import sys, provgraph
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
print("open", flush=True)
pull = survey.pull("A", ["id", "absmag"], where="redshift < 0.9", name="most")
print(len(pull.data()), flush=True)
"""
EXPRESSION = "mag_u - distmod(redshift) + " + " + ".join(f"sin(ra * {n})" for n in range(1, 15))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_pulling(tmp_path: Path, address: str, how: signal.Signals) -> None:
    catalog = write_fits(tmp_path / "a.fits", galaxies(300_000), {})

    def begin(directory: Path) -> Any:
        survey = provgraph.open(directory, graph=address)
        survey.ingest(catalog, name="A", id="id")
        survey.define_calculator("absmag", requires=["redshift", "mag_u", "ra"], expression=EXPRESSION)
        return survey

    with begin(tmp_path / "undisturbed") as survey:
        expected = survey.pull("A", ["id", "absmag"], where="redshift < 0.9", name="most").data()
        undisturbed = census(survey)
    empty_graph(address)
    begin(tmp_path / "survey").close()
    finished = []
    for delay in (0.0, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", PULL, str(tmp_path / "survey"), address], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(delay)
        process.send_signal(how)
        said = process.stdout.read().strip()
        finished.append(bool(said))
        assert process.wait() == -how or said == str(len(expected))
        with provgraph.open(tmp_path / "survey", graph=address) as survey:
            assert rubbish(survey) == []
    assert not finished[0]
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        pull = survey.pull("A", ["id", "absmag"], where="redshift < 0.9", name="most")
        data = pull.data()
        for name in ("id", "absmag"):
            np.testing.assert_array_equal(data[name].values, expected[name].values, name)
        assert len(survey.versions(pull.result)) == 1
        assert census(survey) == undisturbed
        assert rubbish(survey) == []
